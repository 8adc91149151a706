//! One object on a sandbox, as everything here asks for it.

use std::time::{Duration, SystemTime};

use gitops_cluster::kube::Error;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject};
use gitops_cluster::kube::core::GroupVersionKind;
use gitops_cluster::{Cluster, ServedKind};
use gitops_model::{Gvk, ObjectKey};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Why something was not done, in words for the person who asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// An object by its name, and the way to it.
pub(super) struct ObjectApi {
    pub(super) key: ObjectKey,
    pub(super) served: ServedKind,
    pub(super) resource: ApiResource,
    pub(super) api: Api<DynamicObject>,
}

impl ObjectApi {
    /// The way to an object. Where the version that is written is not served, another one of its kind is taken.
    pub(super) fn new(cluster: &Cluster, key: &ObjectKey) -> Result<Self, Refused> {
        let kinds = cluster.kinds();
        let same_kind = |gvk: &&Gvk| gvk.group == key.gvk.group && gvk.kind == key.gvk.kind;
        let gvk = kinds
            .get(&key.gvk)
            .map(|_| key.gvk.clone())
            .or_else(|| kinds.all().find(same_kind).cloned())
            .ok_or_else(|| Refused(format!("{} is not served by the sandbox", key.gvk)))?;
        let served = kinds
            .get(&gvk)
            .cloned()
            .ok_or_else(|| Refused(format!("{gvk} is not served by the sandbox")))?;
        let named = ObjectKey { gvk, ..key.clone() };
        let namespace = cluster.namespace_of(&named, &served);
        let resource = resource(&named.gvk, &served);
        let client = cluster.client().clone();
        let api = match &namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        Ok(Self {
            key: ObjectKey { namespace, ..named },
            served,
            resource,
            api,
        })
    }

    /// The object as it is on the sandbox; `None` when it is not there.
    pub(super) async fn get(&self) -> Result<Option<Value>, Refused> {
        let found = limited(&self.key, self.api.get_opt(&self.key.name)).await?;
        Ok(found.as_ref().and_then(|object| whole(object, &self.resource)))
    }

    /// The object as it is on the sandbox, where it has to be there.
    pub(super) async fn live(&self) -> Result<Value, Refused> {
        self.get().await?.ok_or_else(|| self.not_there())
    }

    pub(super) fn not_there(&self) -> Refused {
        Refused(format!("{} is not on the sandbox", self.key))
    }
}

/// A resource as `kube` wants it.
pub(super) fn resource(gvk: &Gvk, served: &ServedKind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
    ApiResource::from_gvk_with_plural(&gvk, &served.plural)
}

/// The object with its kind, which items of a list leave out.
pub(super) fn whole(object: &DynamicObject, resource: &ApiResource) -> Option<Value> {
    let mut object = serde_json::to_value(object).ok()?;
    let entries = object.as_object_mut()?;
    entries.insert("apiVersion".to_owned(), json!(resource.api_version));
    entries.insert("kind".to_owned(), json!(resource.kind));
    Some(object)
}

/// One request, which may not take for ever.
pub(super) async fn limited<T>(
    about: &ObjectKey,
    asking: impl Future<Output = Result<T, Error>>,
) -> Result<T, Refused> {
    match tokio::time::timeout(REQUEST_LIMIT, asking).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Refused(format!("{about}: {}", words(&error)))),
        Err(_) => Err(Refused(format!(
            "{about}: the sandbox did not answer within {} s",
            REQUEST_LIMIT.as_secs()
        ))),
    }
}

/// What the API server said, without what the client puts around it.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether an object is one of Flux's own, which its controllers reconcile.
pub(super) fn is_of_flux(key: &ObjectKey) -> bool {
    key.gvk.group.ends_with(".toolkit.fluxcd.io") || key.gvk.group == "source.extensions.fluxcd.io"
}

/// The Flux object that applied another one, by the labels that Flux puts on what it applies.
pub(super) fn owner_of(live: &Value) -> Option<ObjectKey> {
    let labels = live.pointer("/metadata/labels")?;
    [
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ]
    .into_iter()
    .find_map(|(group, kind)| {
        let label = |name: &str| Some(labels.get(format!("{group}/{name}"))?.as_str()?.to_owned());
        Some(ObjectKey {
            gvk: Gvk {
                group: group.to_owned(),
                version: String::new(),
                kind: kind.to_owned(),
            },
            namespace: label("namespace"),
            name: label("name")?,
        })
    })
}

/// A moment as an object writes it (RFC 3339).
pub(super) fn moment(written: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(written, &Rfc3339).ok().map(SystemTime::from)
}

/// The text at a place of an object; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
