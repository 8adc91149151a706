//! The renderer, which has the same kustomize and Helm as Flux's controllers: a program of ours in their module.

use camino::Utf8Path;
use serde_json::json;

use crate::bundle::Bundle;
use crate::go_module::{self, Inputs};

/// Without symbols, which nobody needs here.
const LINKER_FLAGS: &str = "-s -w";

/// Builds it, unless what is there was made from the same.
pub(crate) fn build(module: &Utf8Path, bundle: &mut Bundle) -> anyhow::Result<()> {
    let mut inputs = Inputs::of_build(module, LINKER_FLAGS)?;
    for file in ["go.mod", "go.sum"] {
        inputs.add_file(module, &module.join(file))?;
    }
    for directory in ["cmd/gitops-render", "render"] {
        inputs.add_sources(module, &module.join(directory))?;
    }
    let inputs = inputs.text();
    let program = bundle.program("gitops-render");
    if bundle.is_made_from("rendererInputs", &inputs, std::slice::from_ref(&program)) {
        return Ok(());
    }
    bundle.forget(&["rendererInputs"])?;
    go_module::build(
        module,
        "building the renderer",
        "./cmd/gitops-render",
        &program,
        LINKER_FLAGS,
    )?;
    bundle.say([("rendererInputs".to_owned(), json!(inputs))])
}
