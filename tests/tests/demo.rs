//! The demo does what it says, and leaves nothing behind.

use std::process::{Command, Output};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::binary::{gitops_lsp, target_directory};
use gitops_tests::leftovers;

/// Where a demo works, and where its server keeps its state.
struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            directory: tempfile::Builder::new()
                .prefix("gitops-demo-")
                .tempdir()
                .expect("a directory"),
        };
        // All tests share a prepared store, from which a sandbox starts in a third of the time.
        let prepared = target_directory().join("tests").join("prepared");
        std::fs::create_dir_all(&prepared).expect("the target directory can be written");
        std::fs::create_dir_all(stage.state()).expect("a directory can be made");
        #[cfg(unix)]
        std::os::unix::fs::symlink(prepared, stage.state().join("prepared")).expect("a link can be made");
        stage
    }

    fn path(&self) -> &Utf8Path {
        self.directory.path().try_into().expect("UTF-8")
    }

    fn state(&self) -> Utf8PathBuf {
        self.path().join("state")
    }

    fn workspace(&self) -> Utf8PathBuf {
        self.path().join("work").join("podinfo")
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.env("GITOPS_LSP_STATE_DIR", self.state()).args(arguments);
        command.output().expect("the program starts")
    }

    fn demo(&self, arguments: &[&str]) -> Output {
        let work = self.path().join("work");
        self.run(
            env!("CARGO_BIN_EXE_demo"),
            &[&["--directory", work.as_str()], arguments].concat(),
        )
    }
}

fn said(output: &Output) -> String {
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    format!("{said}{errors}")
}

#[test]
fn every_mistake_is_answered_on_its_line_and_nothing_is_left_running() {
    let stage = Stage::new();
    let output = stage.demo(&[]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("error[apply/unknown-field]: unknown field \"imag\""),
        "{said}"
    );
    assert!(
        said.contains("--> deploy/webapp/backend/deployment.yaml:28:9"),
        "{said}"
    );
    assert!(said.contains("13 of 13 verdicts on the right line"), "{said}");
    for editor in [
        "  Neovim   nvim -u ",
        "  Helix    cd ",
        "  VS Code  cargo xtask package",
    ] {
        assert!(said.contains(editor), "{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours in a pipe: {said}");
    leftovers::wait_until_none(&stage.state(), Duration::ZERO).expect("nothing is left");
}

#[test]
fn a_kept_sandbox_serves_the_demo_and_stays_until_it_is_taken_down() {
    let stage = Stage::new();
    let output = stage.demo(&["--keep"]);
    let said_first = said(&output);
    assert!(output.status.success(), "{said_first}");
    let workspace = stage.workspace();
    let status = stage.run(gitops_lsp(), &["sandbox", "status", workspace.as_str()]);
    assert!(status.status.success(), "{}", said(&status));
    let down = stage.run(gitops_lsp(), &["sandbox", "down", workspace.as_str()]);
    assert!(down.status.success(), "{}", said(&down));
    leftovers::wait_until_none(&stage.state(), Duration::ZERO).expect("nothing is left");
}

#[test]
fn the_pictures_show_the_verdicts() {
    let stage = Stage::new();
    let output = stage.demo(&["--pictures", stage.path().as_str()]);
    assert!(output.status.success(), "{}", said(&output));
    for (name, code) in [
        ("verdict", "apply/unknown-field"),
        ("flux-base", "apply/unknown-field"),
        ("flux-patch", "apply/wrong-type"),
        ("flux-variable", "render/variable-not-set"),
        ("flux-value", "apply/wrong-type"),
        ("flux-pod", "runtime/would-not-start"),
    ] {
        let picture = std::fs::read_to_string(stage.path().join(name).with_extension("svg"));
        let picture = picture.expect("the picture is there");
        assert!(picture.starts_with("<svg ") && picture.contains(code), "{picture}");
    }
}
