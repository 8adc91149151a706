//! `gitops-lsp sandbox up|down|status|list`: sandboxes that outlast the command that started them.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use gitops_session::sandbox::{Entry, SandboxState, StartOptions, keeper, list, name_for, sweep};
use indicatif::{ProgressBar, ProgressStyle};

use crate::session::prerequisites;

/// What can be done with sandboxes.
#[derive(Subcommand)]
pub(crate) enum SandboxCommand {
    /// Starts a sandbox that stays up until `down`; sessions of the same folder use it
    Up(Up),
    /// Ends a sandbox and everything in it
    Down(Which),
    /// Says whether a sandbox runs, and where; exit code 1 when it does not
    Status(Which),
    /// Lists all sandboxes of this user, those of sessions too
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Keeps a sandbox up (started by `up`)
    #[command(hide = true)]
    Keep(Up),
}

/// Which sandbox, and what is in it.
#[derive(Args, Clone)]
pub(crate) struct Up {
    #[command(flatten)]
    which: Which,
    /// With Flux: its controllers, and the custom resources of all of its kinds
    #[arg(long)]
    flux: bool,
}

/// Which sandbox.
#[derive(Args, Clone)]
pub(crate) struct Which {
    /// The folder with the manifests that it is for
    #[arg(default_value = ".", value_name = "FOLDER")]
    root: Utf8PathBuf,
    /// Its name, in place of the folder's
    #[arg(long)]
    name: Option<String>,
}

impl Which {
    fn resolve(&self) -> anyhow::Result<(String, Utf8PathBuf)> {
        let root = self
            .root
            .canonicalize_utf8()
            .with_context(|| format!("{} is no folder", self.root))?;
        Ok((self.name.clone().unwrap_or_else(|| name_for(&root)), root))
    }
}

/// Runs one of them.
pub(crate) fn run(command: SandboxCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (bundle, state) = prerequisites().map_err(|missing| anyhow!(missing))?;
    match command {
        SandboxCommand::Up(Up { which, flux }) => {
            let (name, root) = which.resolve()?;
            if let Some(running) = find(&state, &name)?.filter(|entry| entry.state == SandboxState::Running) {
                let mut running = running;
                if flux && running.flux.is_none() {
                    println!("{name} is up already; Flux is added to it");
                    running = runtime.block_on(keeper::add_flux(&state, &name))?;
                } else {
                    println!("{name} is up already");
                }
                print_entry(&running);
                return Ok(ExitCode::SUCCESS);
            }
            let swept = sweep(&state)?;
            if !swept.is_empty() {
                println!("removed what was left of {}", swept.join(", "));
            }
            let executable = std::env::current_exe().context("where this program is")?;
            let mut arguments = ["sandbox", "keep", root.as_str(), "--name", &name]
                .map(Into::into)
                .to_vec();
            let versions = bundle.versions();
            let and_flux = match &versions.flux {
                Some(version) if flux => format!(" and Flux {version}"),
                _ => String::new(),
            };
            if flux {
                arguments.push("--flux".into());
            }
            println!(
                "starting Kubernetes {} (etcd {}, kwok {}){and_flux}",
                versions.kubernetes, versions.etcd, versions.kwok
            );
            let progress =
                ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}")?);
            progress.enable_steady_tick(std::time::Duration::from_millis(120));
            let visible = !progress.is_hidden();
            let started = std::time::Instant::now();
            let spawned = runtime.block_on(async {
                let spawn = keeper::spawn(&name, &state, keeper::KeeperCommand { executable, arguments }, |step| {
                    if visible {
                        progress.set_message(step.to_string());
                    } else {
                        println!("{step}");
                    }
                });
                tokio::select! {
                    entry = spawn => entry.map_err(anyhow::Error::from),
                    _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted; nothing is left running")),
                }
            });
            progress.finish_and_clear();
            let entry = spawned?;
            println!("{name} is up after {:.1} s", started.elapsed().as_secs_f64());
            print_entry(&entry);
            Ok(ExitCode::SUCCESS)
        }
        SandboxCommand::Down(which) => {
            let (name, _) = which.resolve()?;
            runtime.block_on(keeper::down(&state, &name))?;
            println!("{name} is gone, and everything in it");
            Ok(ExitCode::SUCCESS)
        }
        SandboxCommand::Status(which) => {
            let (name, _) = which.resolve()?;
            if let Some(entry) = find(&state, &name)? {
                print_entry(&entry);
                Ok(if entry.state == SandboxState::Running {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(1)
                })
            } else {
                println!("{name} is not up; `gitops-lsp sandbox up` starts it");
                Ok(ExitCode::from(1))
            }
        }
        SandboxCommand::List { json } => {
            let entries = list(&state)?;
            if json {
                println!("{}", serde_json::to_string_pretty(&entries)?);
            } else if entries.is_empty() {
                println!("no sandbox is up");
            } else {
                entries.iter().for_each(print_entry);
            }
            Ok(ExitCode::SUCCESS)
        }
        SandboxCommand::Keep(Up { which, flux }) => {
            let (name, root) = which.resolve()?;
            let mut options = StartOptions::new(name, bundle, state);
            options.root = Some(root);
            options.flux = flux;
            runtime.block_on(keeper::run(options))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn find(state: &gitops_session::sandbox::StateDirectory, name: &str) -> anyhow::Result<Option<Entry>> {
    Ok(list(state)?.into_iter().find(|entry| entry.name == name))
}

fn print_entry(entry: &Entry) {
    let state = match entry.state {
        SandboxState::Starting => "starting",
        SandboxState::Running => "running",
        SandboxState::Stale => "stale: its owner is gone; the next start removes it",
    };
    println!("{}  {state}", entry.name);
    if entry.state == SandboxState::Running {
        println!("  Kubernetes  {}", entry.kubernetes_version);
        println!("  server      {}", entry.server);
        println!("  kubeconfig  {}", entry.kubeconfig);
        if let Some(flux) = &entry.flux {
            println!("  Flux        {}", flux.version);
            for (controller, version) in &flux.controllers {
                println!("              {controller} {version}");
            }
        }
    }
    if let Some(root) = &entry.root {
        println!("  folder      {root}");
    }
    println!("  started     {} by process {}", entry.started, entry.pid);
}
