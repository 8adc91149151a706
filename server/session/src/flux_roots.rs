//! The objects that a session puts on the sandbox itself, so that its Flux builds the target from what is saved: the source,
//! the Kustomization of the target, and in that the patches which point every other `GitRepository` of this workspace at the
//! session's source, however deep the Kustomization stands that brings it.

use std::collections::BTreeMap;

use camino::Utf8Path;
use gitops_model::flux::{RefName, SessionEndpoint, redirect};
use serde_json::{Value, json};

/// The namespace that Flux is in where nobody says otherwise, and the name of its source and Kustomization.
const FLUX_SYSTEM: &str = "flux-system";
/// Kustomizations within Kustomizations beyond this are not followed.
const MAX_DEPTH: usize = 16;

/// An object as a Kustomization of the target builds it.
#[derive(Clone, PartialEq, Debug)]
pub struct BroughtObject {
    /// The object.
    pub object: Value,
    /// Whether that Kustomization puts everything into one namespace, so that the object is in another one, or in none, when
    /// patches are applied to it.
    pub is_moved: bool,
}

/// A `GitRepository` that is this workspace.
#[derive(Clone, PartialEq, Debug)]
pub struct BroughtRepository {
    /// The object.
    pub repository: BroughtObject,
    /// The Kustomizations that lead to it as they are built, the outermost first: each is brought by the one before, the
    /// first by the target itself, and the last brings the object. Empty where the target itself does.
    pub way: Vec<BroughtObject>,
}

/// What the target has of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The target, from the root of the repository.
    pub(crate) path: String,
    /// The `GitRepository` and the `Kustomization` that stand in the entry for itself (`gotk-sync.yaml`), if they do.
    pub(crate) sync: Vec<Value>,
}

/// The objects that a session puts on the sandbox itself.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Roots {
    pub(crate) repository: Value,
    pub(crate) kustomization: Value,
    /// The names under which the commit must be found.
    pub(crate) served_as: Vec<RefName>,
    /// The namespaces that need the credentials; the first is that of the source.
    pub(crate) namespaces: Vec<String>,
}

/// The source and the Kustomization of the target: those that stand in the entry, else such as Flux's bootstrap makes.
pub(crate) fn roots(entry: &Entry, brought: &[BroughtRepository], endpoint: &SessionEndpoint) -> Roots {
    let is_kind = |kind: &'static str| move |object: &&Value| object.get("kind").and_then(Value::as_str) == Some(kind);
    let written = entry.sync.iter().find(is_kind("GitRepository")).cloned();
    let written_kustomization = entry.sync.iter().find(is_kind("Kustomization")).cloned();
    let mut repository = written.unwrap_or_else(|| {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": FLUX_SYSTEM, "namespace": FLUX_SYSTEM },
            "spec": { "interval": "1h", "ref": { "branch": endpoint.branch.short() } },
        })
    });
    let mut kustomization = written_kustomization.unwrap_or_else(|| {
        let path = Utf8Path::new(&entry.path);
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": FLUX_SYSTEM, "namespace": namespace_of(&repository) },
            "spec": {
                "interval": "1h",
                "retryInterval": "30s",
                "path": format!("./{path}"),
                "prune": true,
                "sourceRef": { "kind": "GitRepository", "name": repository.pointer("/metadata/name") },
            },
        })
    });
    let redirection = redirect(&repository, endpoint);
    merge(&mut repository, &redirection.patch());
    let mut served_as = vec![redirection.served_as.clone()];
    let mut namespaces = vec![namespace_of(&repository)];
    let mut patches = vec![
        // A sandbox has its own Flux: that of the repository would be put over it.
        json!({
            "target": { "labelSelector": "app.kubernetes.io/part-of=flux" },
            "patch": "$patch: delete\napiVersion: v1\nkind: Any\nmetadata:\n  name: any\n",
        }),
    ];
    // The session has put these there itself.
    for object in [&repository, &kustomization] {
        let own = BroughtObject {
            object: object.clone(),
            is_moved: true,
        };
        patches.push(patch_for(&own, "$patch: delete\n"));
    }
    let own = name_of(&repository);
    let others: Vec<&BroughtRepository> = brought
        .iter()
        .filter(|other| name_of(&other.repository.object) != own)
        .collect();
    for other in &others {
        served_as.push(redirect(&other.repository.object, endpoint).served_as);
        let namespace = namespace_of(&other.repository.object);
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    patches.extend(patches_at(0, &others, endpoint));
    if let Some(spec) = kustomization.pointer_mut("/spec").and_then(Value::as_object_mut) {
        let list = spec.entry("patches").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(patches);
        }
    }
    Roots {
        repository,
        kustomization,
        served_as,
        namespaces,
    }
}

/// The patches of a Kustomization so many steps from the target: for the repositories that it brings, and for the
/// Kustomizations that bring others, which get such patches in turn.
fn patches_at(depth: usize, brought: &[&BroughtRepository], endpoint: &SessionEndpoint) -> Vec<Value> {
    let mut patches = Vec::new();
    let mut further: BTreeMap<(String, String), Vec<&BroughtRepository>> = BTreeMap::new();
    for repository in brought {
        match repository.way.get(depth) {
            Some(next) if depth < MAX_DEPTH => further.entry(name_of(&next.object)).or_default().push(repository),
            Some(_) => {}
            None => {
                // JSON is YAML.
                let spec = Value::Object(redirect(&repository.repository.object, endpoint).spec);
                patches.push(patch_for(&repository.repository, &format!("spec: {spec}\n")));
            }
        }
    }
    for group in further.values() {
        let Some(next) = group.first().and_then(|repository| repository.way.get(depth)) else {
            continue;
        };
        let added = patches_at(depth + 1, group, endpoint);
        let has_patches = next
            .object
            .pointer("/spec/patches")
            .and_then(Value::as_array)
            .is_some_and(|patches| !patches.is_empty());
        // Its own patches stay as they are written, so that what is saved of them counts.
        let operations: Vec<Value> = if has_patches {
            let add = |patch| json!({ "op": "add", "path": "/spec/patches/-", "value": patch });
            added.into_iter().map(add).collect()
        } else {
            vec![json!({ "op": "add", "path": "/spec/patches", "value": added })]
        };
        patches.push(json!({ "target": target_of(next), "patch": Value::Array(operations).to_string() }));
    }
    patches
}

/// A patch of a Kustomization for one object, with a body of lines in YAML.
fn patch_for(brought: &BroughtObject, body: &str) -> Value {
    let text = |pointer: &str| {
        brought
            .object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    json!({
        "target": target_of(brought),
        "patch": format!("{body}apiVersion: {}\nkind: {kind}\nmetadata:\n  name: {name}\n", text("/apiVersion")),
    })
}

/// The target of a patch that means one object.
fn target_of(brought: &BroughtObject) -> Value {
    let text = |pointer: &str| {
        let text = brought.object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    };
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let mut target = json!({ "group": group, "kind": text("/kind"), "name": text("/metadata/name") });
    // What ends up in one namespace cannot have the same name twice, so that the name is enough.
    let namespace = text("/metadata/namespace");
    if !brought.is_moved
        && !namespace.is_empty()
        && let Some(target) = target.as_object_mut()
    {
        target.insert("namespace".to_owned(), json!(namespace));
    }
    target
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The namespace of an object of Flux.
pub(crate) fn namespace_of(object: &Value) -> String {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace.unwrap_or(FLUX_SYSTEM).to_owned()
}

fn name_of(object: &Value) -> (String, String) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    (namespace_of(object), name.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use gitops_model::flux::{RefName, SessionEndpoint};
    use serde_json::{Value, json};

    use super::{BroughtObject, BroughtRepository, Entry, merge, roots};

    fn endpoint() -> SessionEndpoint {
        SessionEndpoint {
            url: "http://127.0.0.1:1/repository.git".to_owned(),
            branch: RefName::main(),
            secret: "gitops-lsp-source".to_owned(),
        }
    }

    fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
        let group = if kind == "Kustomization" { "kustomize" } else { "source" };
        json!({
            "apiVersion": format!("{group}.toolkit.fluxcd.io/v1"), "kind": kind,
            "metadata": { "name": name, "namespace": namespace }, "spec": spec,
        })
    }

    fn still(object: Value) -> BroughtObject {
        BroughtObject {
            object,
            is_moved: false,
        }
    }

    fn patches(brought: &[BroughtRepository]) -> Vec<Value> {
        let roots = roots(&Entry::default(), brought, &endpoint());
        let all = roots
            .kustomization
            .pointer("/spec/patches")
            .and_then(Value::as_array)
            .cloned();
        // The first three are about Flux itself and about what the session puts there.
        all.unwrap_or_default().into_iter().skip(3).collect()
    }

    fn json_of(patch: &Value) -> Value {
        serde_json::from_str(patch["patch"].as_str().expect("a text")).expect("it is JSON")
    }

    #[test]
    fn a_merge_takes_away_what_is_null() {
        let mut object = json!({ "spec": { "url": "a", "secretRef": { "name": "x" } } });
        merge(
            &mut object,
            &json!({ "spec": { "url": "b", "secretRef": null, "ref": { "branch": "main" } } }),
        );
        assert_eq!(object, json!({ "spec": { "url": "b", "ref": { "branch": "main" } } }));
    }

    #[test]
    fn a_repository_that_the_target_brings_is_patched_in_its_namespace() {
        let team = object(
            "GitRepository",
            "team-a",
            "fleet",
            &json!({ "url": "https://example.org/fleet" }),
        );
        let brought = |is_moved| BroughtRepository {
            repository: BroughtObject {
                object: team.clone(),
                is_moved,
            },
            way: Vec::new(),
        };
        // One that is put into its namespace only after the patches is meant by its name.
        assert_eq!(patches(&[brought(true)])[0]["target"]["namespace"], Value::Null);
        let patches = patches(&[brought(false)]);
        assert_eq!(patches[0]["target"]["namespace"], "team-a");
        let body = patches[0]["patch"].as_str().expect("a text");
        assert!(body.contains("http://127.0.0.1:1/repository.git"), "{body}");
    }

    #[test]
    fn one_that_a_kustomization_brings_is_patched_through_it_and_keeps_its_own_patches() {
        let repository = |name| {
            object(
                "GitRepository",
                "team-a",
                name,
                &json!({ "url": "https://example.org/fleet" }),
            )
        };
        let outer = object("Kustomization", "flux-system", "teams", &json!({}));
        let inner = object(
            "Kustomization",
            "team-a",
            "apps",
            &json!({ "patches": [{ "patch": "own" }] }),
        );
        let brought = [
            BroughtRepository {
                repository: still(repository("one")),
                way: vec![still(outer.clone())],
            },
            BroughtRepository {
                repository: still(repository("two")),
                way: vec![still(outer), still(inner)],
            },
        ];
        let patches = patches(&brought);
        let [of_outer] = patches.as_slice() else {
            panic!("one patch for the outer Kustomization: {patches:?}");
        };
        assert_eq!(of_outer["target"]["name"], "teams");
        let added = json_of(of_outer);
        assert_eq!(added[0]["path"], "/spec/patches");
        let [of_one, of_inner] = added[0]["value"].as_array().expect("patches").as_slice() else {
            panic!("one for its repository, one for the inner Kustomization: {added}");
        };
        assert_eq!(of_one["target"]["name"], "one");
        assert_eq!(of_inner["target"]["name"], "apps");
        let added = json_of(of_inner);
        assert_eq!(added[0]["path"], "/spec/patches/-");
        assert_eq!(added[0]["value"]["target"]["name"], "two");
    }

    #[test]
    fn flux_can_be_in_another_namespace() {
        let entry = Entry {
            path: "clusters/east".to_owned(),
            sync: vec![object(
                "GitRepository",
                "gitops",
                "fleet",
                &json!({ "url": "https://example.org/fleet" }),
            )],
        };
        let roots = roots(&entry, &[], &endpoint());
        assert_eq!(roots.namespaces, ["gitops"]);
        assert_eq!(roots.kustomization["metadata"]["namespace"], "gitops");
        assert_eq!(roots.kustomization["spec"]["sourceRef"]["name"], "fleet");
    }
}
