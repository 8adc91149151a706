//! Where the program under test is.

use camino::Utf8PathBuf;

/// The `gitops-lsp` that was built beside this test.
///
/// Cargo puts test executables into `target/PROFILE/deps` and programs into `target/PROFILE`.
pub fn gitops_lsp() -> Utf8PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let test = Utf8PathBuf::from_path_buf(test).expect("the path of the test is UTF-8");
    let program = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join(format!("gitops-lsp{}", std::env::consts::EXE_SUFFIX)))
        .find(|program| program.is_file());
    program.unwrap_or_else(|| panic!("gitops-lsp is not built beside {test}: run `cargo xtask test`, which builds it first (or `cargo build -p gitops-lsp`)"))
}

/// The directory that Cargo builds into; what tests keep between runs is below it.
pub fn target_directory() -> Utf8PathBuf {
    let program = gitops_lsp();
    program
        .parent()
        .and_then(camino::Utf8Path::parent)
        .expect("the program lies in target/PROFILE")
        .to_owned()
}
