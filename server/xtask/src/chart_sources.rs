//! What serves charts to the tests: a program of ours in the module that has Helm.

use anyhow::Context as _;
use camino::Utf8PathBuf;

use crate::bundle::{lock, program, write};
use crate::checkout::Checkout;
use crate::go_module::{self, Inputs, SMALL};

/// Builds it, unless what is there was made from the same, and says where it is.
pub(crate) fn build(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    let module = checkout.flux_module();
    let directory = checkout.tools();
    std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
    let _lock = lock(&directory)?;
    let target = directory.join(program("chart-sources"));
    let stamp = directory.join("chart-sources.inputs");
    let mut inputs = Inputs::of_build(&module, SMALL)?;
    for file in ["go.mod", "go.sum"] {
        inputs.add_file(&module, &module.join(file))?;
    }
    inputs.add_sources(&module, &module.join("cmd").join("chart-sources"))?;
    let inputs = inputs.text();
    if target.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == inputs) {
        return Ok(target);
    }
    go_module::build(
        &module,
        "building what serves charts to tests",
        "./cmd/chart-sources",
        &target,
        SMALL,
    )?;
    write(&stamp, &inputs)?;
    Ok(target)
}
