//! Flux in the local sandbox: its controllers as they are, what holds them, and all of its custom resources.

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value, json};

use crate::bundle::{Bundle, write};
use crate::go_module::{self, Inputs, SMALL};

/// The release of Flux whose controllers `server/go/flux/go.mod` names.
const FLUX: &str = "2.9.5";

/// What `bundle.json` says of it.
const FACTS: [&str; 3] = ["flux", "fluxControllers", "fluxInputs"];

/// A controller that runs in a sandbox.
struct Controller {
    /// Its name, which is its program's too.
    name: &'static str,
    /// The module that it and its custom resources are in.
    module: &'static str,
    /// The package of its main function.
    package: &'static str,
}

const CONTROLLERS: [Controller; 4] = [
    Controller {
        name: "source-controller",
        module: "github.com/fluxcd/source-controller",
        package: "github.com/fluxcd/source-controller",
    },
    Controller {
        name: "kustomize-controller",
        module: "github.com/fluxcd/kustomize-controller",
        package: "github.com/fluxcd/kustomize-controller",
    },
    Controller {
        name: "helm-controller",
        module: "github.com/fluxcd/helm-controller",
        package: "github.com/fluxcd/helm-controller",
    },
    Controller {
        name: "source-watcher",
        module: "github.com/fluxcd/source-watcher/v2",
        package: "github.com/fluxcd/source-watcher/v2/cmd",
    },
];

/// A controller of which only the custom resources are wanted, so that objects of its kinds are accepted.
struct Definitions {
    /// Its module at one version.
    module: &'static str,
    /// What the module is known by, as go.sum has it. It is in no go.mod, so nothing else would compare it.
    sum: &'static str,
}

const DEFINITIONS_ONLY: [Definitions; 3] = [
    Definitions {
        module: "github.com/fluxcd/notification-controller@v1.9.3",
        sum: "h1:vBONN/Lx5aQ2nDnJxYp5Sb0Wsgh13UbuP5A1MK4dmkY=",
    },
    Definitions {
        module: "github.com/fluxcd/image-reflector-controller@v1.2.4",
        sum: "h1:pBC8XOgLXt3VaTzp9k2fYpuR3FFEnZRZBkuSfnGxPhM=",
    },
    Definitions {
        module: "github.com/fluxcd/image-automation-controller@v1.2.4",
        sum: "h1:uYtQq2kUb02q6fJE6zT/NdAPLTPLZUOIVp+JGFslW+M=",
    },
];

/// Builds it, unless what is there was made from the same.
pub(crate) fn build(module: &Utf8Path, bundle: &mut Bundle) -> anyhow::Result<()> {
    let inputs = inputs(module)?;
    let definitions_file = bundle.file("flux-crds.yaml");
    let mut files = vec![definitions_file.clone(), bundle.program("hold")];
    files.extend(CONTROLLERS.iter().map(|controller| bundle.program(controller.name)));
    if bundle.is_made_from("fluxInputs", &inputs, &files) {
        return Ok(());
    }
    let mut versions = Map::new();
    for controller in &CONTROLLERS {
        let version = go_module::version_of(module, controller.module)?;
        versions.insert(controller.name.to_owned(), json!(version));
    }
    eprintln!(
        "Flux {FLUX} for the local sandbox is built from source: {}.\n\
         This happens once, and again only when its versions change; without a cache it takes 5 to 10 minutes on 2 cores.",
        listed(&versions)
    );
    bundle.forget(&FACTS)?;
    go_module::build(
        module,
        "building what holds controllers",
        "./cmd/hold",
        &bundle.program("hold"),
        SMALL,
    )?;
    for controller in &CONTROLLERS {
        let name = controller.name;
        go_module::build(
            module,
            &format!("building {name}"),
            controller.package,
            &bundle.program(name),
            SMALL,
        )?;
    }
    write(&definitions_file, &definitions(module, bundle)?)?;
    bundle.say([
        ("flux".to_owned(), json!(FLUX)),
        ("fluxControllers".to_owned(), Value::Object(versions)),
        ("fluxInputs".to_owned(), json!(inputs)),
    ])
}

fn listed(versions: &Map<String, Value>) -> String {
    let all: Vec<String> = versions
        .iter()
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default()))
        .collect();
    all.join(", ")
}

/// The custom resources of all controllers as one file of many documents.
fn definitions(module: &Utf8Path, bundle: &Bundle) -> anyhow::Result<String> {
    let mut sources = Vec::new();
    for controller in &CONTROLLERS {
        sources.push(go_module::sources_of(module, controller.module)?);
    }
    for wanted in &DEFINITIONS_ONLY {
        sources.push(download(wanted, bundle.directory())?);
    }
    let mut text = String::new();
    for source in sources {
        let directory = source.join("config").join("crd").join("bases");
        let mut files: Vec<Utf8PathBuf> = Vec::new();
        for entry in directory.read_dir_utf8().with_context(|| directory.to_string())? {
            files.push(entry?.into_path());
        }
        files.retain(|file| file.extension() == Some("yaml"));
        files.sort();
        if files.is_empty() {
            bail!("{directory} has no custom resources");
        }
        for file in files {
            let document = std::fs::read_to_string(&file).with_context(|| file.to_string())?;
            if !document.starts_with("---\n") {
                text.push_str("---\n");
            }
            text.push_str(&document);
        }
    }
    Ok(text)
}

/// Downloads a module that nothing is built from, and says where its sources are.
///
/// It is no requirement of a go.mod, since it would raise the versions of what the controllers are built with.
fn download(wanted: &Definitions, directory: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let mut command = go_module::go(directory);
    command
        .args(["mod", "download", "-json", wanted.module])
        // The sum is compared below; no database needs to be asked.
        .env("GONOSUMDB", wanted.module.split('@').next().unwrap_or_default());
    let answer: Value = serde_json::from_str(&go_module::output_of(&mut command)?)?;
    let word = |name: &str| answer.get(name).and_then(Value::as_str);
    if word("Sum") != Some(wanted.sum) {
        bail!(
            "{} is not what it should be: its sum is {}, and {} was expected",
            wanted.module,
            word("Sum").unwrap_or("unknown"),
            wanted.sum
        );
    }
    Ok(word("Dir")
        .with_context(|| format!("{} has no directory", wanted.module))?
        .into())
}

/// What it is made of. Other programs in this module are none of its parts.
fn inputs(module: &Utf8Path) -> anyhow::Result<String> {
    let mut inputs = Inputs::of_build(module, SMALL)?;
    inputs.add(FLUX.as_bytes());
    for controller in &CONTROLLERS {
        inputs.add(controller.package.as_bytes());
    }
    for definitions in &DEFINITIONS_ONLY {
        inputs.add(definitions.module.as_bytes());
        inputs.add(definitions.sum.as_bytes());
    }
    for file in ["go.mod", "go.sum"] {
        inputs.add_file(module, &module.join(file))?;
    }
    inputs.add_sources(module, &module.join("cmd").join("hold"))?;
    Ok(inputs.text())
}
