//! How editors are attached to the demo's workspace.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

/// The file that is opened.
const FILE: &str = "deploy/webapp/backend/deployment.yaml";

/// What Neovim is started with, beside the path of the server.
const NEOVIM: &str = include_str!("attach.lua");

/// What is needed to attach editors.
pub(crate) struct Attach {
    neovim_configuration: Utf8PathBuf,
    workspace: Utf8PathBuf,
    sandbox_programs: Utf8PathBuf,
}

impl Attach {
    /// Writes the editors' configuration: Neovim's beside the workspace, Helix's into it.
    pub(crate) fn prepare(server: &Utf8Path, workspace: &Utf8Path) -> anyhow::Result<Self> {
        let neovim_configuration = workspace.with_file_name("neovim.lua");
        write(&neovim_configuration, &format!("local server = {server:?}\n\n{NEOVIM}"))?;
        let helix = format!(
            "[language-server.gitops-lsp]\ncommand = {server:?}\n\n\
             [[language]]\nname = \"yaml\"\nlanguage-servers = [\"gitops-lsp\"]\n"
        );
        write(&workspace.join(".helix").join("languages.toml"), &helix)?;
        let target = server
            .parent()
            .and_then(Utf8Path::parent)
            .context("the server is in no target directory")?;
        Ok(Self {
            neovim_configuration,
            workspace: workspace.to_owned(),
            sandbox_programs: target.join("sandbox"),
        })
    }

    /// One line for each editor.
    pub(crate) fn lines(&self) -> String {
        let (workspace, file) = (quoted(&self.workspace), quoted(&self.workspace.join(FILE)));
        let mut lines = String::new();
        let _ = writeln!(
            lines,
            "  Neovim   nvim -u {} {file}",
            quoted(&self.neovim_configuration)
        );
        let _ = writeln!(
            lines,
            "  Helix    cd {workspace} && hx {FILE}   (then :lsp-workspace-command gitops.session.start)"
        );
        let _ = writeln!(
            lines,
            "  VS Code  cargo xtask package --install && GITOPS_LSP_BUNDLE={} code {workspace}",
            quoted(&self.sandbox_programs)
        );
        lines
    }

    /// Opens Neovim on the workspace, with a session, and waits until it is left.
    pub(crate) fn open_neovim(&self, neovim: &Utf8Path) -> anyhow::Result<()> {
        let status = Command::new(neovim)
            .args(["-u", self.neovim_configuration.as_str()])
            .arg(self.workspace.join(FILE))
            .env("GITOPS_DEMO_START", "1")
            .status()
            .with_context(|| format!("{neovim} does not start"))?;
        anyhow::ensure!(status.success(), "Neovim ended with {status}");
        Ok(())
    }
}

fn write(path: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let directory = path.parent().context("a file is in a directory")?;
    std::fs::create_dir_all(directory).with_context(|| directory.to_string())?;
    std::fs::write(path, text).with_context(|| path.to_string())
}

/// A path as a shell takes it, relative to where the command was called if it is below.
fn quoted(path: &Utf8Path) -> String {
    let here = std::env::current_dir()
        .ok()
        .and_then(|directory| Utf8PathBuf::from_path_buf(directory).ok());
    let path = here
        .and_then(|here| path.strip_prefix(here).ok().map(ToOwned::to_owned))
        .unwrap_or_else(|| path.to_owned());
    let plain = path
        .as_str()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~+".contains(&byte));
    if plain {
        path.into_string()
    } else {
        format!("'{}'", path.as_str().replace('\'', r"'\''"))
    }
}
