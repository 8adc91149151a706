//! Which kinds the server serves: a snapshot of discovery.

use std::collections::BTreeMap;

use gitops_model::Gvk;
use kube::Client;

/// A kind as the server serves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServedKind {
    /// Plural name in URLs, e.g. `deployments`.
    pub plural: String,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
}

/// All kinds that take server-side apply, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    served: BTreeMap<Gvk, ServedKind>,
}

impl Kinds {
    /// Asks the server (aggregated discovery, two requests; KEP-3352, stable since Kubernetes 1.30).
    pub async fn fetch(client: &Client) -> Result<Self, kube::Error> {
        let (core, groups) = futures::future::try_join(
            client.list_core_api_versions_aggregated(),
            client.list_api_groups_aggregated(),
        )
        .await?;
        let mut served = BTreeMap::new();
        for group in core.items.into_iter().chain(groups.items) {
            let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
            for version in group.versions {
                let version_name = version.version.unwrap_or_default();
                for resource in version.resources {
                    if !resource.verbs.iter().any(|verb| verb == "patch") {
                        continue;
                    }
                    let (Some(plural), Some(kind)) = (
                        resource.resource,
                        resource
                            .response_kind
                            .and_then(|gvk| gvk.kind)
                            .filter(|kind| !kind.is_empty()),
                    ) else {
                        continue;
                    };
                    let namespaced = resource.scope.as_deref() == Some("Namespaced");
                    served.insert(
                        Gvk {
                            group: name.clone(),
                            version: version_name.clone(),
                            kind,
                        },
                        ServedKind { plural, namespaced },
                    );
                }
            }
        }
        Ok(Self { served })
    }

    /// How a kind is served; `None` when it is not.
    pub fn get(&self, gvk: &Gvk) -> Option<&ServedKind> {
        self.served.get(gvk)
    }

    /// All served kinds, in order.
    pub fn all(&self) -> impl Iterator<Item = &Gvk> {
        self.served.keys()
    }
}
