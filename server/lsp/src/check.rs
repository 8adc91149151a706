//! `gitops-lsp check`: one pass over files, findings with source lines and carets, exit codes for CI.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use gitops_model::{Finding, Severity};
use gitops_session::sandbox::{self, StartOptions, name_for};
use gitops_session::{FileVerdict, Live, Outcome, Phase, Registries, Supply};

use crate::files::{Judged, ObjectState};
use crate::knowledge::SchemaKnowledge;
use crate::parsed::Parsed;
use crate::terminal::{Palette, render};
use crate::workload::check_workloads;
use crate::workspace::{read_target, readable};
use crate::{report, session};

/// How long the sandbox may take for one file. The API server answers in milliseconds, and gives up after a minute.
const PATIENCE: Duration = Duration::from_mins(2);

/// What `check` takes.
#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Files and directories
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<Utf8PathBuf>,
    /// Asks the API server of a local sandbox, too, and applies there what it takes; the sandbox goes at the end
    #[arg(long)]
    sandbox: bool,
    /// Asks the registries of images, too, without credentials, whether they have them
    #[arg(long, requires = "sandbox")]
    ask_registries: bool,
}

/// One file with what is said about it.
struct Checked {
    path: Utf8PathBuf,
    parsed: Arc<Parsed>,
    findings: Vec<Finding>,
}

impl Checked {
    fn of_text(path: Utf8PathBuf, parsed: Arc<Parsed>) -> Self {
        let mut findings = parsed.syntax_findings();
        findings.extend(parsed.not_sent_findings());
        Self { path, parsed, findings }
    }
}

/// Checks, prints, and says how to exit: 0 clean, 1 findings of severity error, 2 could not run (by the caller, for an error).
pub(crate) fn check(arguments: &CheckArguments) -> anyhow::Result<i32> {
    let mut checked = Vec::new();
    let mut unreadable = Vec::new();
    for path in &arguments.paths {
        anyhow::ensure!(path.exists(), "{path} does not exist");
        let target = read_target(path);
        checked.extend(
            target
                .files
                .into_iter()
                .map(|file| Checked::of_text(file.path, file.parsed)),
        );
        unreadable.extend(target.unreadable);
    }
    checked.sort_by(|a, b| a.path.cmp(&b.path));
    checked.dedup_by(|a, b| a.path == b.path);
    for (path, reason) in &unreadable {
        eprintln!("gitops-lsp: {path} is left alone: {reason}");
    }
    let mut objects = checked
        .iter()
        .map(|file| file.parsed.manifests().count())
        .sum::<usize>();
    if arguments.sandbox {
        let root = arguments.paths.first().context("no path")?.canonicalize_utf8()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        objects = runtime.block_on(ask_sandbox(&root, arguments.ask_registries, &mut checked))?;
    }
    Ok(print(&checked, objects, unreadable.len(), arguments.sandbox))
}

async fn ask_sandbox(root: &Utf8Path, ask_registries: bool, checked: &mut [Checked]) -> anyhow::Result<usize> {
    let (bundle, state) = session::prerequisites().map_err(|missing| anyhow!(missing))?;
    anyhow::ensure!(
        !ask_registries || Registries::find().is_some(),
        "{} is missing, which asks registries: run `cargo xtask build` in a checkout, which builds it",
        bundle.image_registry()
    );
    let name = format!("{}-check-{}", name_for(root), std::process::id());
    let field_manager = session::field_manager(&name);
    eprintln!(
        "gitops-lsp: starting a sandbox with Kubernetes {}",
        bundle.versions().kubernetes
    );
    let sandbox = tokio::select! {
        started = sandbox::start(StartOptions::new(name, bundle, state), |step| eprintln!("gitops-lsp: {step}")) => started?,
        _ = tokio::signal::ctrl_c() => return Err(anyhow!("interrupted")),
    };
    let judged = tokio::select! {
        judged = judge(sandbox.kubeconfig(), &field_manager, ask_registries, checked) => judged,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    sandbox.stop().await;
    judged
}

async fn judge(
    kubeconfig: &Utf8Path,
    field_manager: &str,
    ask_registries: bool,
    checked: &mut [Checked],
) -> anyhow::Result<usize> {
    let cluster = session::connect(kubeconfig, field_manager)
        .await
        .map_err(|reason| anyhow!(reason))?;
    let workloads = cluster.clone();
    let (verdicts, mut inbox) = tokio::sync::mpsc::unbounded_channel::<FileVerdict>();
    let live = Live::start(
        cluster,
        Arc::new(SchemaKnowledge::default()),
        Arc::new(move |verdict| {
            // The receiver is gone only when the check has ended.
            let _ = verdicts.send(verdict);
        }),
    );
    let supplies: Vec<Supply> = checked
        .iter()
        .map(|file| Supply {
            file: Arc::from(file.path.as_str()),
            generation: 1,
            complete: file.parsed.is_complete(),
            objects: file.parsed.supplied().into(),
            read_at: Instant::now(),
            apply: true,
            changed_only: false,
            force: None,
        })
        .filter(|supply| !supply.objects.is_empty())
        .collect();
    let count = supplies.iter().map(|supply| supply.objects.len()).sum();
    let batch = live.supply_and_settle(supplies);
    tokio::time::timeout(PATIENCE, batch)
        .await
        .map_err(|_| anyhow!("the sandbox did not answer within {} s", PATIENCE.as_secs()))?;
    while let Ok(verdict) = inbox.try_recv() {
        if verdict.phase != Phase::Apply {
            continue;
        }
        let Some(file) = checked.iter_mut().find(|file| file.path.as_str() == &*verdict.file) else {
            continue;
        };
        if let Some(reason) = verdict.objects.iter().find_map(|object| match &object.outcome {
            Outcome::Unreachable { reason } => Some(reason),
            _ => None,
        }) {
            return Err(anyhow!("the sandbox could not be asked about {}: {reason}", file.path));
        }
        let judged: Vec<Judged> = report::judged(&file.parsed, &verdict.objects, false);
        file.findings
            .retain(|finding| finding.code.source != gitops_model::Source::Apply);
        file.findings
            .extend(report::place_judged(&verdict.file, &judged, &file.parsed));
        debug_assert!(judged.iter().all(|judged| judged.state != Some(ObjectState::Sent)));
    }
    let files: Vec<(Arc<str>, Arc<Parsed>)> = checked
        .iter()
        .map(|file| (Arc::from(file.path.as_str()), Arc::clone(&file.parsed)))
        .collect();
    let findings = check_workloads(workloads, ask_registries, &files).await;
    for file in checked {
        file.findings
            .extend(findings.get(file.path.as_str()).into_iter().flatten().cloned());
    }
    Ok(count)
}

fn print(checked: &[Checked], objects: usize, left_alone: usize, asked: bool) -> i32 {
    let palette = Palette::for_stdout();
    let (mut errors, mut others) = (0_usize, 0_usize);
    for file in checked {
        let mut findings: Vec<&Finding> = file.findings.iter().collect();
        findings.sort_by_key(|finding| finding.span);
        for finding in findings {
            if finding.severity == Severity::Error {
                errors += 1;
            } else {
                others += 1;
            }
            println!(
                "{}\n",
                render(readable(&file.path), file.parsed.text.as_str(), finding, palette)
            );
        }
    }
    let how = if asked {
        ""
    } else {
        " (their text alone; --sandbox asks a real API server)"
    };
    let left = if left_alone == 0 {
        String::new()
    } else {
        format!(", {left_alone} left alone")
    };
    println!(
        "{} files{left}, {objects} objects: {errors} errors, {others} other findings{how}",
        checked.len()
    );
    i32::from(errors > 0)
}
