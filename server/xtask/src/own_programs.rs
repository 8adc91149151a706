//! The programs of ours in the module of Flux's controllers: the renderer, which has the same kustomize and Helm, and what
//! asks registries about images as source-controller does.

use camino::Utf8Path;
use serde_json::json;

use crate::bundle::Bundle;
use crate::go_module::{self, Inputs};

/// Without symbols, which nobody needs here.
const LINKER_FLAGS: &str = "-s -w";

/// One of them.
struct Program {
    name: &'static str,
    /// What it is, for whoever waits until it is built.
    title: &'static str,
    /// Its sources, below the module.
    sources: &'static [&'static str],
    /// Under which the bundle keeps what it was made of.
    fact: &'static str,
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "gitops-render",
        title: "building the renderer",
        sources: &["cmd/gitops-render", "render"],
        fact: "rendererInputs",
    },
    Program {
        name: "image-registry",
        title: "building what asks registries",
        sources: &["cmd/image-registry"],
        fact: "imageRegistryInputs",
    },
];

/// Builds them, unless what is there was made from the same.
pub(crate) fn build(module: &Utf8Path, bundle: &mut Bundle) -> anyhow::Result<()> {
    PROGRAMS
        .iter()
        .try_for_each(|program| build_one(program, module, bundle))
}

fn build_one(own: &Program, module: &Utf8Path, bundle: &mut Bundle) -> anyhow::Result<()> {
    let mut inputs = Inputs::of_build(module, LINKER_FLAGS)?;
    for file in ["go.mod", "go.sum"] {
        inputs.add_file(module, &module.join(file))?;
    }
    for directory in own.sources {
        inputs.add_sources(module, &module.join(directory))?;
    }
    let inputs = inputs.text();
    let program = bundle.program(own.name);
    if bundle.is_made_from(own.fact, &inputs, std::slice::from_ref(&program)) {
        return Ok(());
    }
    bundle.forget(&[own.fact])?;
    go_module::build(
        module,
        own.title,
        &format!("./cmd/{}", own.name),
        &program,
        LINKER_FLAGS,
    )?;
    bundle.say([(own.fact.to_owned(), json!(inputs))])
}
