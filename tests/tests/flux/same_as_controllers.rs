//! What the renderer builds is what the real controllers put on the sandbox: applied once more as they apply it, it
//! changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_model::flux::FluxObject;
use gitops_model::kustomize::Tree;
use gitops_render::helm::{Capabilities, release};
use gitops_render::{Built, BuiltObject, Child, Helm, Kustomize, Renderer as _};
use gitops_tests::kubernetes::Cluster;
use gitops_tests::repository::files_below;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::Fleet;

/// As the tree is known to the renderer.
const TREE: &str = "corpus";
/// Under whose name kustomize-controller applies (its `--field-manager`).
const MANAGER: &str = "kustomize-controller";
/// Under whose name helm-controller does.
const HELM_MANAGER: &str = "helm-controller";
const RELEASES: &str = "helm.toolkit.fluxcd.io/v2";
const GROUP: &str = "kustomize.toolkit.fluxcd.io/v1";

#[test]
fn kustomizations_are_built_as_kustomize_controller_builds_them() {
    let mut objects = 0;
    for (repository, target, file) in [
        ("flux-a", "clusters/east", "apps/portal.yaml"),
        ("flux-h", "clusters/west", "base/namespace.yaml"),
    ] {
        let fleet = Fleet::start(repository, target);
        let cluster = fleet.server.cluster(&fleet.started);
        let (runtime, renderer, _) = with_tree(&fleet);
        let kustomizations = settled(&fleet, &cluster, repository, file);
        for kustomization in &kustomizations {
            let built = runtime.block_on(renderer.kustomize(&request(&cluster, kustomization)));
            let Built {
                objects: built, fault, ..
            } = built.expect("the renderer answers");
            assert_eq!(fault, None, "{kustomization}");
            for built in built {
                changes_nothing(
                    &cluster,
                    MANAGER,
                    owned(Arc::unwrap_or_clone(built.object), kustomization),
                );
                objects += 1;
            }
        }
    }
    assert!(objects >= 25, "only {objects} objects were compared");
}

/// Every release of a repository whose chart is in it, as helm-controller installs it.
#[test]
fn releases_are_rendered_as_helm_controller_installs_them() {
    let fleet = Fleet::start("flux-h", "clusters/west");
    let cluster = fleet.server.cluster(&fleet.started);
    let (runtime, renderer, tree) = with_tree(&fleet);
    settled(&fleet, &cluster, "flux-h", "base/namespace.yaml");
    let kinds = [("v1", "ConfigMap"), ("v1", "Secret"), (RELEASES, "HelmRelease")];
    let live = kinds.into_iter().flat_map(|(version, kind)| {
        let typed = move |mut object: Value| {
            // Items of a list do not say what they are.
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            BuiltObject {
                object: object.into(),
                ..BuiltObject::default()
            }
        };
        cluster.list(version, kind).into_iter().map(typed)
    });
    let live: Vec<BuiltObject> = live.collect();
    let inside = |_: &_, path: &str| Some(path.to_owned());
    let mut installed = Vec::new();
    for number in 0..live.len() {
        let capabilities = Capabilities::default();
        let Some(read) = FluxObject::read(&live[number].object) else {
            continue;
        };
        let Some(mut release) = release(number, &read, &live, &tree, &inside, &capabilities) else {
            continue;
        };
        TREE.clone_into(&mut release.request.tree);
        let built = runtime.block_on(renderer.helm(&release.request));
        let Built { objects, fault, .. } = built.expect("the renderer answers");
        assert_eq!(fault, None, "{:?}", release.name);
        let of_release = objects.into_iter().filter(|built| !built.hook);
        for built in of_release.filter(|built| built.object["kind"] != "CustomResourceDefinition") {
            let object = of_helm(Arc::unwrap_or_clone(built.object), &release.request);
            changes_nothing(&cluster, HELM_MANAGER, object);
            installed.push(release.name.clone());
        }
    }
    assert!(installed.len() >= 8, "only {} objects were compared", installed.len());
    installed.dedup();
    assert!(installed.len() >= 3, "only {installed:?} were rendered");
}

/// With what Helm itself puts on each object of a release (`helm.sh/helm/v4/pkg/action`, `setMetadataVisitor`).
fn of_helm(mut object: Value, request: &Helm) -> Value {
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    metadata.entry("namespace").or_insert_with(|| json!(request.namespace));
    let mut set = |field: &str, key: &str, value: &str| {
        let entries = metadata.entry(field).or_insert_with(|| Value::Object(Map::new()));
        entries[key] = json!(value);
    };
    set("labels", "app.kubernetes.io/managed-by", "Helm");
    set("annotations", "meta.helm.sh/release-name", &request.release);
    set("annotations", "meta.helm.sh/release-namespace", &request.namespace);
    object
}

/// A renderer that has the files of a workspace.
fn with_tree(fleet: &Fleet) -> (Runtime, Child, Tree) {
    let runtime = Runtime::new().expect("a runtime");
    let renderer = {
        let _on_runtime = runtime.enter();
        renderer()
    };
    let files = files_below(fleet.server.workspace()).into_iter().filter_map(|file| {
        let text = std::fs::read_to_string(fleet.server.workspace().join(&file)).ok()?;
        Some((file, text))
    });
    let files: Vec<(String, String)> = files.collect();
    let tree: Tree = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let files = files.into_iter().map(|(path, text)| (path, Some(text)));
    let changed = runtime.block_on(renderer.change(TREE, files.collect()));
    changed.expect("the renderer takes the tree");
    (runtime, renderer, tree)
}

fn renderer() -> Child {
    let program = gitops_tests::sandboxes::bundle().renderer();
    assert!(program.is_file(), "{program} is missing: cargo xtask build");
    Child::new(program)
}

/// All Kustomizations, once each of them is ready.
fn settled(fleet: &Fleet, cluster: &Cluster, repository: &str, file: &str) -> Vec<Value> {
    // A save that changes nothing is content when everything is.
    fleet.server.open(file);
    let mark = fleet.server.save(file);
    assert!(fleet.verdict(file, "flux", mark), "{repository} is sound");
    let all = cluster.list(GROUP, "Kustomization");
    assert!(all.len() > 2, "{repository} has no Kustomizations: {all:?}");
    for kustomization in &all {
        let text = |pointer: &str| kustomization.pointer(pointer).and_then(Value::as_str).expect("a text");
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        cluster.wait_until(GROUP, "Kustomization", Some(namespace), name, |live| {
            let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
            let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
            conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
        });
    }
    cluster.list(GROUP, "Kustomization")
}

fn request(cluster: &Cluster, kustomization: &Value) -> Kustomize {
    let path = kustomization["spec"]["path"].as_str().expect("a path");
    let post_build = &kustomization["spec"]["postBuild"];
    let mut variables = BTreeMap::new();
    for from in post_build["substituteFrom"].as_array().into_iter().flatten() {
        let text = |key: &str| from[key].as_str().expect("a text");
        assert_eq!(text("kind"), "ConfigMap", "the corpora have no others");
        let namespace = kustomization["metadata"]["namespace"].as_str();
        let object = cluster
            .get("v1", "ConfigMap", namespace, text("name"))
            .expect("it is there");
        variables.extend(texts(&object["data"]));
    }
    variables.extend(texts(&post_build["substitute"]));
    Kustomize {
        tree: TREE.to_owned(),
        path: path.trim_start_matches("./").to_owned(),
        kustomization: Some(Arc::new(kustomization.clone())),
        variables: post_build.is_object().then_some(variables),
        strict: true,
        ..Kustomize::default()
    }
}

fn texts(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}

/// With the labels by which kustomize-controller knows what it applies, and the empty metadata that its typed
/// normalisation gives the template of a Job.
fn owned(mut object: Value, kustomization: &Value) -> Value {
    let entries = object["metadata"].as_object_mut().expect("metadata");
    let labels = entries.entry("labels").or_insert_with(|| Value::Object(Map::new()));
    for key in ["name", "namespace"] {
        labels[format!("kustomize.toolkit.fluxcd.io/{key}")] = kustomization["metadata"][key].clone();
    }
    if object["kind"] == "Job" && object["spec"]["template"].get("metadata").is_none() {
        object["spec"]["template"]["metadata"] = json!({});
    }
    object
}

fn changes_nothing(cluster: &Cluster, manager: &str, object: Value) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (version, kind) = (text("/apiVersion").expect("a version"), text("/kind").expect("a kind"));
    let name = text("/metadata/name").expect("a name");
    let live = cluster
        .get(version, kind, text("/metadata/namespace"), name)
        .unwrap_or_else(|| panic!("{kind} {name} is not on the sandbox"));
    let again = cluster.dry_run(manager, &object);
    assert_eq!(content(again), content(live), "{kind} {name}");
}

/// What an object says, without who owns which field: Flux passes built-in kinds through their types, and so owns defaults,
/// too.
fn content(mut object: Value) -> Value {
    let entries = object["metadata"].as_object_mut().expect("metadata");
    for of_the_server in ["managedFields", "resourceVersion", "generation"] {
        entries.remove(of_the_server);
    }
    object.as_object_mut().expect("an object").remove("status");
    object
}
