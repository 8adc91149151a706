//! The programs of the local sandbox, built from their Go module when something they are made of has changed.

use std::fs::File;
use std::process::Command;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use crate::build_progress;
use crate::checkout::Checkout;

/// Says what is in the bundle. Written last: where it is, everything else is too.
const FACTS_FILE: &str = "bundle.json";

/// What kwok does with nodes and Pods, as directories of its own module. Heartbeats come without leases, because kwok
/// started again would wait for the lease of the one before to run out.
const STAGES: [&str; 3] = ["pod/fast", "node/fast", "node/heartbeat"];

/// Flags of `go build` besides those that set versions.
const BUILD_FLAGS: [&str; 2] = ["-v", "-trimpath"];

/// Builds the bundle, unless the one that is there was made from the same.
pub(crate) fn build(checkout: &Checkout) -> anyhow::Result<()> {
    let module = checkout.controlplane_module();
    let directory = checkout.bundle();
    std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
    let _lock = lock(&directory)?;
    let inputs = inputs(&module)?;
    if is_up_to_date(&directory, &inputs) {
        return Ok(());
    }
    let kubernetes = module_version(&module, "k8s.io/kubernetes")?;
    let etcd = module_version(&module, "go.etcd.io/etcd/server/v3")?;
    let kwok = module_version(&module, "sigs.k8s.io/kwok")?;
    eprintln!(
        "The programs of the local sandbox are built from source: Kubernetes {kubernetes}, etcd {etcd}, kwok {kwok}.\n\
         This happens once, and again only when their versions change; without a cache it takes 5 to 10 minutes on 2 cores."
    );
    remove_if_there(&directory.join(FACTS_FILE))?;
    go_build(
        &module,
        "building the control plane",
        "./cmd/controlplane",
        &directory.join(program("controlplane")),
        &version_flags(&kubernetes),
    )?;
    go_build(
        &module,
        "building kwok",
        "./cmd/kwok",
        &directory.join(program("kwok")),
        "-s -w",
    )?;
    write(&directory.join("stages.yaml"), &stages(&module)?)?;
    let facts = json!({
        "kubernetes": kubernetes,
        "etcd": etcd.trim_start_matches('v'),
        "kwok": kwok,
        "inputs": inputs,
    });
    write(
        &directory.join(FACTS_FILE),
        &format!("{}\n", serde_json::to_string_pretty(&facts)?),
    )
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
    let kubernetes = module_version(&module, "k8s.io/kubernetes")?;
    remove_if_there(&stamp)?;
    go_build(
        &module,
        "building kubectl",
        "k8s.io/kubernetes/cmd/kubectl",
        &kubectl,
        &version_flags(&kubernetes),
    )?;
    write(&stamp, &inputs)?;
    Ok(kubectl)
}

fn is_up_to_date(directory: &Utf8Path, inputs: &str) -> bool {
    let facts = std::fs::read_to_string(directory.join(FACTS_FILE)).unwrap_or_default();
    let facts: serde_json::Value = serde_json::from_str(&facts).unwrap_or_default();
    facts.get("inputs").and_then(serde_json::Value::as_str) == Some(inputs)
        && [program("controlplane"), program("kwok"), "stages.yaml".to_owned()]
            .iter()
            .all(|file| directory.join(file).is_file())
}

/// Without these the API server says that it is `v0.0.0-master`, which clients refuse to read.
fn version_flags(kubernetes: &str) -> String {
    let mut numbers = kubernetes.trim_start_matches('v').split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or_default();
    let package = "k8s.io/component-base/version";
    format!("-s -w -X {package}.gitVersion={kubernetes} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}")
}

/// Builds beside the target and then moves it there: the one that is there may be running.
fn go_build(module: &Utf8Path, what: &str, package: &str, target: &Utf8Path, linker_flags: &str) -> anyhow::Result<()> {
    let draft = Utf8PathBuf::from(format!("{target}.new"));
    let mut command = go(module);
    command
        .arg("build")
        .args(BUILD_FLAGS)
        .args(["-ldflags", linker_flags, "-o", draft.as_str(), package]);
    build_progress::run(what, &mut command)?;
    std::fs::rename(&draft, target).with_context(|| target.to_string())
}

/// The stages as one file of many documents.
fn stages(module: &Utf8Path) -> anyhow::Result<String> {
    let source = go_output(module, &["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"])?;
    let mut text = String::new();
    for stage in STAGES {
        let directory = Utf8Path::new(&source).join("kustomize").join("stage").join(stage);
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

/// What the bundle is made of, as a hash: sources, versions of everything they import, the compiler, and our flags.
fn inputs(module: &Utf8Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    find_sources(module, &mut files)?;
    files.sort();
    let mut hash = Hash::new();
    hash.add(go_output(module, &["version"])?.as_bytes());
    hash.add(go_output(module, &["env", "GOOS", "GOARCH"])?.as_bytes());
    hash.add(version_flags("v0.0.0").as_bytes());
    for text in BUILD_FLAGS.iter().chain(&STAGES) {
        hash.add(text.as_bytes());
    }
    for file in files {
        hash.add(file.strip_prefix(module)?.as_str().as_bytes());
        hash.add(&std::fs::read(&file).with_context(|| file.to_string())?);
    }
    Ok(format!("{:016x}", hash.value))
}

fn find_sources(directory: &Utf8Path, files: &mut Vec<Utf8PathBuf>) -> anyhow::Result<()> {
    for entry in directory.read_dir_utf8().with_context(|| directory.to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_sources(entry.path(), files)?;
        } else if entry.path().extension() == Some("go") || ["go.mod", "go.sum"].contains(&entry.file_name()) {
            files.push(entry.into_path());
        }
    }
    Ok(())
}

/// FNV-1a with 64 bits, enough to notice a change.
struct Hash {
    value: u64,
}

impl Hash {
    fn new() -> Self {
        Self {
            value: 0xcbf2_9ce4_8422_2325,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        // The length keeps two parts from looking like two others.
        let length = bytes.len().to_le_bytes();
        for &byte in length.iter().chain(bytes) {
            self.value ^= u64::from(byte);
            self.value = self.value.wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn module_version(module: &Utf8Path, path: &str) -> anyhow::Result<String> {
    go_output(module, &["list", "-m", "-f", "{{.Version}}", path])
}

fn go_output(module: &Utf8Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = go(module).args(arguments).output().context("go")?;
    if !output.status.success() {
        bail!(
            "go {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Go, called in a module as all builds here call it, so that they share what is built.
pub(crate) fn go(module: &Utf8Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(module).env("CGO_ENABLED", "0");
    command
}

/// Two builds at once would be slower than one after the other, and the second finds everything done.
fn lock(directory: &Utf8Path) -> anyhow::Result<File> {
    let path = directory.join(".lock");
    let file = File::create(&path).with_context(|| path.to_string())?;
    file.lock().with_context(|| path.to_string())?;
    Ok(file)
}

fn write(path: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let draft = Utf8PathBuf::from(format!("{path}.new"));
    std::fs::write(&draft, text).with_context(|| draft.to_string())?;
    std::fs::rename(&draft, path).with_context(|| path.to_string())
}

fn remove_if_there(path: &Utf8Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| path.to_string()),
        _ => Ok(()),
    }
}

fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}
