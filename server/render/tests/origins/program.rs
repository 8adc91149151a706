//! The real renderer.

use std::path::{Path, PathBuf};

use gitops_render::Child;

/// The program that was built last.
pub(super) fn renderer() -> Child {
    let directory = std::env::var_os("GITOPS_LSP_BUNDLE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../sandbox"),
        PathBuf::from,
    );
    let program = directory.join("gitops-render");
    assert!(program.is_file(), "{} is missing: cargo xtask build", program.display());
    Child::new(program.try_into().expect("the path is UTF-8"))
}
