//! What a file and a document are: an object for the cluster, or something that only looks like YAML of ours.

use std::sync::Arc;

use gitops_text::Span;
use gitops_yaml::{Document, FieldPath, Node, NodeKind};

use crate::{Gvk, Manifest, ObjectKey};

/// The names that a kustomization file may have (kustomize, `api/konfig`), in the order in which they are looked for.
pub const KUSTOMIZATION_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a file is by its path alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileRole {
    /// May hold objects.
    Manifests,
    /// `kustomization.yaml` and its other spellings.
    Kustomization,
    /// A Helm template: YAML only after rendering.
    Template,
    /// `Chart.yaml`, `values.yaml`, lock files: data of a chart.
    ChartData,
    /// Configuration of another program: workflows, compose files, linters.
    Foreign,
}

/// Why a document is no object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotAnObject {
    /// It is no mapping, or has neither `apiVersion` nor `kind`: values, workflows, compose files.
    NoIdentity,
    /// It has a `kind` but no `apiVersion`, and looks like an object otherwise. The span is the `kind:` entry.
    NoApiVersion(Span),
    /// It has an `apiVersion` but no `kind`, and looks like an object otherwise. The span is the `apiVersion:` entry.
    NoKind(Span),
    /// It configures a program on somebody's machine and no cluster serves its kind.
    LocalConfig,
    /// It is encrypted by SOPS: its text is no object that a cluster could check. The span is the `kind:` entry.
    Encrypted(Span),
}

/// What a document is.
#[derive(Clone, PartialEq, Debug)]
pub enum Reading {
    /// One object, or the items of a `List`.
    Objects {
        /// The objects.
        manifests: Vec<Manifest>,
        /// What is wrong with items of a list that are no objects.
        left_out: Vec<NotAnObject>,
    },
    /// Something else.
    NotAnObject(NotAnObject),
    /// Nothing, or comments only.
    Empty,
}

impl Reading {
    /// The objects.
    pub fn manifests(&self) -> &[Manifest] {
        match self {
            Self::Objects { manifests, .. } => manifests,
            Self::NotAnObject(_) | Self::Empty => &[],
        }
    }

    /// What is no object, of the document itself or of the items of a list.
    pub fn not_objects(&self) -> &[NotAnObject] {
        match self {
            Self::Objects { left_out, .. } => left_out,
            Self::NotAnObject(why) => std::slice::from_ref(why),
            Self::Empty => &[],
        }
    }
}

/// What a file is, by its path: `/`-separated, relative or absolute.
pub fn file_role(path: &str) -> FileRole {
    let name = file_name(path);
    match name {
        _ if KUSTOMIZATION_FILES.contains(&name) => return FileRole::Kustomization,
        "Chart.yaml" | "Chart.lock" | "values.yaml" | "values.yml" => return FileRole::ChartData,
        "docker-compose.yaml"
        | "docker-compose.yml"
        | "compose.yaml"
        | "compose.yml"
        | "skaffold.yaml"
        | "mkdocs.yml"
        | ".sops.yaml"
        | ".pre-commit-config.yaml"
        | ".yamllint"
        | "pnpm-lock.yaml"
        | "openapi.yaml"
        | "Taskfile.yml"
        | "Taskfile.yaml" => return FileRole::Foreign,
        _ => {}
    }
    let mut directories = path.split('/').rev().skip(1);
    if directories
        .clone()
        .any(|directory| matches!(directory, ".github" | ".gitlab" | ".circleci" | "node_modules" | ".git"))
    {
        return FileRole::Foreign;
    }
    // Whether the directory above really is a chart is not visible in a path; whoever reads files says so (`reads_as_template`).
    if name.rsplit('.').next() == Some("tpl")
        || (directories.any(|directory| directory == "templates") && path.contains("/charts/"))
    {
        return FileRole::Template;
    }
    FileRole::Manifests
}

/// Whether a text is a template that becomes YAML later: `{{ … }}` or `{% … %}` where no quotes or comment hide it.
///
/// Asked only of texts that do not parse, or whose file stands in a chart: a quoted `"{{ x }}"` is plain YAML.
pub fn reads_as_template(text: &str) -> bool {
    text.lines().any(|line| {
        let code = line.split(" #").next().unwrap_or(line).trim_start();
        !code.starts_with('#')
            && ["{{", "{%"].iter().any(|open| {
                code.find(open).is_some_and(|at| {
                    let before = code.get(..at).unwrap_or("");
                    before.matches('"').count() % 2 == 0 && before.matches('\'').count() % 2 == 0
                })
            })
    })
}

/// What a document is. `index` is its number in the file.
pub fn read(document: &Document, text: &str, index: usize) -> Reading {
    let Some(root) = document.root(text) else {
        return Reading::Empty;
    };
    match root.kind() {
        NodeKind::Mapping => {}
        NodeKind::Scalar if root.as_str().is_some_and(str::is_empty) || root.span().is_empty() => {
            return Reading::Empty;
        }
        _ => return Reading::NotAnObject(NotAnObject::NoIdentity),
    }
    let base = FieldPath::default();
    if let Some(why) = why_not(root) {
        return Reading::NotAnObject(why);
    }
    let Some(manifest) = manifest_at(root, index, &base) else {
        return Reading::NotAnObject(NotAnObject::NoIdentity);
    };
    if manifest.key.gvk.kind.ends_with("List")
        && let Some(items) = root.get("items")
    {
        let mut manifests = Vec::new();
        let mut left_out = Vec::new();
        for (number, item) in items.resolved().items().enumerate() {
            let mut base = FieldPath::default();
            base.push_key("items");
            base.push_index(number);
            match item_at(item.resolved(), index, &base) {
                Ok(manifest) => manifests.push(manifest),
                Err(why) => left_out.push(why),
            }
        }
        return Reading::Objects { manifests, left_out };
    }
    Reading::Objects {
        manifests: vec![manifest],
        left_out: Vec::new(),
    }
}

/// An item of a list. In a list everything is meant to be an object, whatever it looks like.
fn item_at(item: Node<'_>, document: usize, base: &FieldPath) -> Result<Manifest, NotAnObject> {
    match why_not(item) {
        None => {}
        Some(NotAnObject::NoIdentity) => {
            let entry = |key| item.entry(key).map(|(key, value)| key.span().cover(value.span()));
            return Err(match (entry("apiVersion"), entry("kind")) {
                (None, Some(kind)) => NotAnObject::NoApiVersion(kind),
                (Some(api_version), _) => NotAnObject::NoKind(api_version),
                (None, None) => NotAnObject::NoKind(item.entries().next().map_or(item.span(), |(key, _)| key.span())),
            });
        }
        Some(why) => return Err(why),
    }
    manifest_at(item, document, base).ok_or(NotAnObject::NoKind(item.span()))
}

fn why_not(root: Node<'_>) -> Option<NotAnObject> {
    let api_version = text_entry(root, "apiVersion");
    let kind = text_entry(root, "kind");
    let looks_like_one = root
        .get("metadata")
        .is_some_and(|metadata| metadata.resolved().kind() == NodeKind::Mapping);
    match (api_version, kind) {
        (None, Some((_, span))) if looks_like_one => Some(NotAnObject::NoApiVersion(span)),
        (Some((_, span)), None) if looks_like_one => Some(NotAnObject::NoKind(span)),
        (None, _) | (_, None) => Some(NotAnObject::NoIdentity),
        (Some((api_version, _)), Some((kind, span))) => {
            if root
                .get("sops")
                .is_some_and(|sops| sops.get("mac").is_some() || sops.get("lastmodified").is_some())
            {
                return Some(NotAnObject::Encrypted(span));
            }
            is_local_config(root, api_version, kind).then_some(NotAnObject::LocalConfig)
        }
    }
}

/// Kinds that look like objects and that no API server is meant to serve.
fn is_local_config(root: Node<'_>, api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    // https://kubectl.docs.kubernetes.io names the annotation; kustomize drops objects that carry it.
    let annotated = root
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(|annotations| annotations.get("config.kubernetes.io/local-config"))
        .and_then(Node::as_str)
        == Some("true");
    annotated
        || matches!(
            group,
            "kustomize.config.k8s.io" | "kind.x-k8s.io" | "k3d.io" | "skaffold" | "ctlptl.dev" | "backstage.io"
        )
        || matches!(
            group,
            "kubeadm.k8s.io" | "kubelet.config.k8s.io" | "kubeproxy.config.k8s.io" | "kubescheduler.config.k8s.io"
        )
        || matches!(
            group,
            "apiserver.config.k8s.io" | "audit.k8s.io" | "client.authentication.k8s.io" | "config.kwok.x-k8s.io"
        )
        || (api_version == "v1" && kind == "Config" && root.get("clusters").is_some())
}

fn manifest_at(root: Node<'_>, document: usize, base: &FieldPath) -> Option<Manifest> {
    let (api_version, _) = text_entry(root, "apiVersion")?;
    let (kind, kind_span) = text_entry(root, "kind")?;
    let metadata = root.get("metadata");
    let text_of = |key: &str| {
        metadata
            .and_then(|metadata| metadata.get(key))
            .and_then(|node| node.resolved().as_str())
            .map(str::to_owned)
    };
    Some(Manifest {
        key: Arc::new(ObjectKey {
            gvk: Gvk::parse(api_version, kind),
            namespace: text_of("namespace").filter(|namespace| !namespace.is_empty()),
            name: text_of("name").unwrap_or_default(),
        }),
        document,
        base: base.clone(),
        kind_span,
    })
}

fn text_entry<'a>(root: Node<'a>, key: &str) -> Option<(&'a str, Span)> {
    let (key, value) = root.entry(key)?;
    let text = value.resolved().as_str().filter(|text| !text.is_empty())?;
    Some((text, key.span().cover(value.span())))
}

/// The last part of a `/`-separated path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
