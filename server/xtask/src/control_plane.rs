//! The control plane of the local sandbox: Kubernetes with etcd, kwok, and kubectl for benches.

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use crate::bundle::{Bundle, lock, program, write};
use crate::checkout::Checkout;
use crate::go_module::{self, Inputs, SMALL};

/// What `bundle.json` says of it.
const FACTS: [&str; 4] = ["kubernetes", "etcd", "kwok", "inputs"];

/// What kwok does with nodes and Pods, as directories of its own module. Heartbeats come without leases, because kwok
/// started again would wait for the lease of the one before to run out.
const STAGES: [&str; 3] = ["pod/fast", "node/fast", "node/heartbeat"];

/// Builds it, unless what is there was made from the same.
pub(crate) fn build(module: &Utf8Path, bundle: &mut Bundle) -> anyhow::Result<()> {
    let inputs = inputs(module)?;
    let (controlplane, kwok_program) = (bundle.program("controlplane"), bundle.program("kwok"));
    let stages_file = bundle.file("stages.yaml");
    let files = [controlplane.clone(), kwok_program.clone(), stages_file.clone()];
    if bundle.is_made_from("inputs", &inputs, &files) {
        return Ok(());
    }
    let kubernetes = go_module::version_of(module, "k8s.io/kubernetes")?;
    let etcd = go_module::version_of(module, "go.etcd.io/etcd/server/v3")?;
    let kwok = go_module::version_of(module, "sigs.k8s.io/kwok")?;
    eprintln!(
        "The programs of the local sandbox are built from source: Kubernetes {kubernetes}, etcd {etcd}, kwok {kwok}.\n\
         This happens once, and again only when their versions change; without a cache it takes 5 to 10 minutes on 2 cores."
    );
    bundle.forget(&FACTS)?;
    go_module::build(
        module,
        "building the control plane",
        "./cmd/controlplane",
        &controlplane,
        &version_flags(&kubernetes),
    )?;
    go_module::build(module, "building kwok", "./cmd/kwok", &kwok_program, SMALL)?;
    write(&stages_file, &stages(module)?)?;
    bundle.say([
        ("kubernetes".to_owned(), json!(kubernetes)),
        ("etcd".to_owned(), json!(etcd.trim_start_matches('v'))),
        ("kwok".to_owned(), json!(kwok)),
        ("inputs".to_owned(), json!(inputs)),
    ])
}

/// Builds kubectl from the same module, for benches that compare with it, and says where it is.
pub(crate) fn build_kubectl(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    let module = checkout.controlplane_module();
    let directory = checkout.tools();
    std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
    let _lock = lock(&directory)?;
    let kubectl = directory.join(program("kubectl"));
    let stamp = directory.join("kubectl.inputs");
    let inputs = inputs(&module)?;
    if kubectl.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == inputs) {
        return Ok(kubectl);
    }
    let kubernetes = go_module::version_of(&module, "k8s.io/kubernetes")?;
    remove_if_there(&stamp)?;
    go_module::build(
        &module,
        "building kubectl",
        "k8s.io/kubernetes/cmd/kubectl",
        &kubectl,
        &version_flags(&kubernetes),
    )?;
    write(&stamp, &inputs)?;
    Ok(kubectl)
}

/// Without these the API server says that it is `v0.0.0-master`, which clients refuse to read.
fn version_flags(kubernetes: &str) -> String {
    let mut numbers = kubernetes.trim_start_matches('v').split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    let package = "k8s.io/component-base/version";
    format!("{SMALL} -X {package}.gitVersion={kubernetes} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}")
}

/// The stages as one file of many documents.
fn stages(module: &Utf8Path) -> anyhow::Result<String> {
    let source = go_module::sources_of(module, "sigs.k8s.io/kwok")?;
    let mut text = String::new();
    for stage in STAGES {
        let directory = source.join("kustomize").join("stage").join(stage);
        let mut files = Vec::new();
        for entry in directory.read_dir_utf8().with_context(|| directory.to_string())? {
            let path = entry?.into_path();
            if path.extension() == Some("yaml") && path.file_name() != Some("kustomization.yaml") {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            bail!("{directory} has no stages");
        }
        for file in files {
            text.push_str("---\n");
            text.push_str(&std::fs::read_to_string(&file).with_context(|| file.to_string())?);
        }
    }
    Ok(text)
}

/// What it is made of: sources, versions of everything they import, the compiler, and our flags.
fn inputs(module: &Utf8Path) -> anyhow::Result<String> {
    let mut inputs = Inputs::of_build(module, &version_flags("v0.0.0"))?;
    for stage in STAGES {
        inputs.add(stage.as_bytes());
    }
    inputs.add_sources(module, module)?;
    Ok(inputs.text())
}

fn remove_if_there(path: &Utf8Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| path.to_string()),
        _ => Ok(()),
    }
}
