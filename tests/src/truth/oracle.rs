//! The sandbox's API server, asked past the program under test whether it takes an object.

use std::collections::BTreeMap;

use anyhow::Context as _;
use camino::Utf8Path;
use gitops_cluster::kube::api::{ListParams, Patch, PatchParams, ValidationDirective};
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::core::Request;
use gitops_cluster::kube::{Client, Config, Error};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Whether an object is asked about as a new one or over the live one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum As {
    /// Under a name that no object has.
    New,
    /// As it is.
    Live,
}

/// What is put behind the name of a new object.
const SUFFIX: &str = "-truth";
/// The field manager that asks.
const MANAGER: &str = "gitops-truth";

/// A connection to the API server.
pub struct Oracle {
    runtime: Runtime,
    client: Client,
    /// By `apiVersion`: each kind with its plural and whether it is in a namespace.
    served: BTreeMap<String, BTreeMap<String, (String, bool)>>,
}

impl Oracle {
    /// Connects.
    pub fn new(kubeconfig: &Utf8Path) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(async {
            let config = Kubeconfig::read_from(kubeconfig).with_context(|| kubeconfig.to_string())?;
            let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
            anyhow::Ok(Client::try_from(config)?)
        })?;
        Ok(Self {
            runtime,
            client,
            served: BTreeMap::new(),
        })
    }

    /// The words with which an object is refused; `None` when it is taken.
    pub fn refusal(&mut self, object: &Value, how: As) -> anyhow::Result<Option<String>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("/apiVersion"), text("/kind"));
        let Some((plural, is_namespaced)) = self.kind(version, kind)? else {
            return Ok(Some(format!("no matches for kind {kind:?} in version {version:?}")));
        };
        let mut asked = object.clone();
        let name = match how {
            As::New => format!("{}{SUFFIX}", text("/metadata/name")),
            As::Live => text("/metadata/name").to_owned(),
        };
        let namespace = Some(text("/metadata/namespace"))
            .filter(|text| !text.is_empty())
            .unwrap_or("default");
        if let Some(metadata) = asked.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".to_owned(), name.clone().into());
            if is_namespaced {
                metadata.insert("namespace".to_owned(), namespace.to_owned().into());
            }
        }
        let path = collection(object, &plural, is_namespaced);
        let parameters = PatchParams {
            dry_run: true,
            force: true,
            field_manager: Some(MANAGER.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let Ok(request) = Request::new(path).patch(&name, &parameters, &Patch::Apply(&asked)) else {
            return Ok(Some("the request cannot be made".to_owned()));
        };
        match self.runtime.block_on(self.client.request_text(request)) {
            Ok(_) => Ok(None),
            Err(Error::Api(status)) => Ok(Some(status.message.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// The live object, if there is one.
    pub fn live(&mut self, object: &Value) -> anyhow::Result<Option<Value>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let Some((plural, is_namespaced)) = self.kind(text("/apiVersion"), text("/kind"))? else {
            return Ok(None);
        };
        let path = collection(object, &plural, is_namespaced);
        self.document(&format!("{path}/{}", text("/metadata/name")))
    }

    /// Plural of a kind, and whether it is in a namespace; `None` when it is not served.
    fn kind(&mut self, version: &str, kind: &str) -> anyhow::Result<Option<(String, bool)>> {
        if !self.served.contains_key(version) {
            let path = if version.contains('/') {
                format!("/apis/{version}")
            } else {
                format!("/api/{version}")
            };
            let is_path = path
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/.-".contains(&byte));
            let served = if is_path { self.document(&path)? } else { None };
            let resources = served
                .as_ref()
                .and_then(|list| list.get("resources"))
                .and_then(Value::as_array);
            let kinds = resources.into_iter().flatten().filter_map(|resource| {
                let text = |key: &str| resource.get(key).and_then(Value::as_str);
                let plural = text("name").filter(|name| !name.contains('/'))?;
                let is_namespaced = resource.get("namespaced").and_then(Value::as_bool)?;
                Some((text("kind")?.to_owned(), (plural.to_owned(), is_namespaced)))
            });
            let kinds: BTreeMap<String, (String, bool)> = kinds.collect();
            // What is not served now may be, when its CRD is there.
            if kinds.is_empty() {
                return Ok(None);
            }
            self.served.insert(version.to_owned(), kinds);
        }
        Ok(self.served.get(version).and_then(|kinds| kinds.get(kind)).cloned())
    }

    fn document(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let request = Request::new(path).list(&ListParams::default())?;
        match self.runtime.block_on(self.client.request_text(request)) {
            Ok(text) => Ok(serde_json::from_str(&text).ok()),
            Err(Error::Api(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where the objects of a kind are.
fn collection(object: &Value, plural: &str, is_namespaced: bool) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let version = text("/apiVersion");
    let root = if version.contains('/') { "apis" } else { "api" };
    if is_namespaced {
        let namespace = Some(text("/metadata/namespace"))
            .filter(|text| !text.is_empty())
            .unwrap_or("default");
        format!("/{root}/{version}/namespaces/{namespace}/{plural}")
    } else {
        format!("/{root}/{version}/{plural}")
    }
}
