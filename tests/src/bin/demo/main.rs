//! The demo: mistakes in a real workspace, each answered by a real API server on its line.
//!
//! `cargo xtask demo` builds what it needs and starts it.

mod attach;
mod editor;
mod fleet;
mod mistakes;
mod paint;
mod picture;
mod play;
mod summary;
mod workspace;

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Parser;
use gitops_tests::binary::{gitops_lsp, target_directory};
use gitops_tests::kubernetes::Cluster;
use gitops_tests::leftovers;

use crate::attach::Attach;
use crate::editor::{Applier, Editor};
use crate::mistakes::{MISTAKES, Mistake};
use crate::paint::Paint;
use crate::play::Played;
use crate::workspace::Workspace;

/// Makes mistakes in the manifests of a real project and shows what a real API server says about each.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Leave the sandbox up, for an editor to go on with.
    #[arg(long)]
    keep: bool,
    /// Open this Neovim on the workspace at the end, with a session.
    #[arg(long, value_name = "PROGRAM")]
    neovim: Option<Utf8PathBuf>,
    /// Play only the mistakes that the documentation shows, and write what is printed of each to this directory, as an SVG
    /// picture.
    #[arg(long, value_name = "DIRECTORY")]
    pictures: Option<Utf8PathBuf>,
    /// Where to work, in place of a directory below Cargo's target directory.
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<Utf8PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether every verdict was the expected one.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let paint = Paint::for_stdout();
    let server = gitops_lsp();
    let directory = arguments
        .directory
        .clone()
        .unwrap_or_else(|| target_directory().join("demo"));
    let workspace = workspace::lay_out(&directory.join("podinfo"))?;
    let directory = workspace.root.parent().context("the workspace is in a directory")?;
    let attach = Attach::prepare(&server, &workspace.root)?;
    println!(
        "{}",
        paint.bold("Mistakes in the manifests of podinfo, each put to a real API server by a save")
    );
    println!(
        "{}\n",
        paint.dim(&format!(
            "The workspace is a copy in {}: {} manifests.",
            workspace.root,
            workspace.manifests.len()
        ))
    );

    if arguments.keep {
        sandbox(&server, "up", &workspace.root)?;
        println!();
    }
    let mut right = play_all(arguments, &server, &workspace, &directory.join("server.log"), paint)?;
    right &= play_fleet(arguments, &server, directory, paint)?;
    if let Some(neovim) = &arguments.neovim {
        attach.open_neovim(neovim)?;
    }
    if arguments.pictures.is_none() {
        print_attach(&attach, arguments.keep, &server, &workspace.root, paint);
    }
    Ok(right)
}

fn play_all(
    arguments: &Arguments,
    server: &Utf8Path,
    workspace: &Workspace,
    log: &Utf8Path,
    paint: Paint,
) -> anyhow::Result<bool> {
    let mut editor = Editor::open_folder(server, &workspace.root, log)?;
    let mark = editor.mark();
    let started = start_session(&mut editor, ".", Applier::Session, paint)?;
    let began = Instant::now();
    play::wait_until_applied(&editor, &workspace.manifests, mark)?;
    let milliseconds = began.elapsed().as_millis();
    println!(
        "{} all {} manifests are applied, {milliseconds} ms later\n",
        paint.good("✓"),
        workspace.manifests.len()
    );
    let kubeconfig = Utf8PathBuf::from(
        started["kubeconfig"]
            .as_str()
            .context("the session says where its kubeconfig is")?,
    );
    let cluster = Cluster::new(&kubeconfig);

    let played = play_mistakes(arguments, MISTAKES, &mut editor, &cluster, paint)?;
    drop(cluster);
    editor.stop_session()?;
    editor.quit()?;
    if !arguments.keep {
        nothing_is_left(&kubeconfig)?;
    }
    if arguments.pictures.is_none() {
        println!("{}", summary::table(&played, paint));
    }
    Ok(played.iter().all(|(_, played)| played.complaints.is_empty()))
}

/// The second act, in a Flux repository.
fn play_fleet(arguments: &Arguments, server: &Utf8Path, directory: &Utf8Path, paint: Paint) -> anyhow::Result<bool> {
    println!(
        "{}",
        paint.bold("Mistakes in a Flux repository, which the sandbox's own Flux builds and applies")
    );
    let root = workspace::lay_out_fleet(&directory.join("fleet"))?;
    println!(
        "{}\n",
        paint.dim(&format!(
            "The workspace is {root}: podinfo's base and its chart, and an entry clusters/demo that builds both."
        ))
    );
    let mut editor = Editor::open_folder(server, &root, &directory.join("fleet.log"))?;
    let started = start_session(&mut editor, fleet::TARGET, Applier::Flux, paint)?;
    let kubeconfig = Utf8PathBuf::from(
        started["kubeconfig"]
            .as_str()
            .context("the session says where its kubeconfig is")?,
    );
    let cluster = Cluster::new(&kubeconfig);
    let began = Instant::now();
    for file in fleet::MISTAKES.iter().map(|mistake| mistake.file) {
        editor.open(file)?;
    }
    let first = fleet::MISTAKES.first().context("there are mistakes")?.file;
    let sound = editor.save(first)?;
    if !sound.apply.ok {
        let files = fleet::MISTAKES.iter().map(|mistake| mistake.file);
        let shown: Vec<_> = files.map(|file| (file, editor.diagnostics(file))).collect();
        bail!("what is sound is refused: {sound:?}, {shown:?}");
    }
    println!(
        "{} Flux has applied everything, {:.1} s later\n",
        paint.good("✓"),
        began.elapsed().as_secs_f64()
    );
    let played = play_mistakes(arguments, fleet::MISTAKES, &mut editor, &cluster, paint)?;
    drop(cluster);
    editor.stop_session()?;
    editor.quit()?;
    nothing_is_left(&kubeconfig)?;
    if arguments.pictures.is_none() {
        println!("{}", summary::table(&played, paint));
    }
    Ok(played.iter().all(|(_, played)| played.complaints.is_empty()))
}

/// Makes mistakes one after the other and tells of each.
fn play_mistakes(
    arguments: &Arguments,
    mistakes: &'static [Mistake],
    editor: &mut Editor,
    cluster: &Cluster,
    paint: Paint,
) -> anyhow::Result<Vec<(&'static Mistake, Played)>> {
    let mut played = Vec::new();
    let wanted = |mistake: &&Mistake| arguments.pictures.is_none() || mistake.picture.is_some();
    for (number, mistake) in mistakes.iter().filter(wanted).enumerate() {
        let outcome = play::play(mistake, editor, cluster).with_context(|| mistake.title)?;
        print!("{}", told(number + 1, mistake, &outcome, paint));
        if let (Some(directory), Some(name)) = (&arguments.pictures, mistake.picture) {
            let picture = picture::svg("cargo xtask demo", &told(number + 1, mistake, &outcome, Paint::Colours));
            let file = directory.join(name).with_extension("svg");
            std::fs::write(&file, picture).with_context(|| file.to_string())?;
        }
        played.push((mistake, outcome));
    }
    Ok(played)
}

/// Of a session that is stopped nothing runs and nothing lies about.
fn nothing_is_left(kubeconfig: &Utf8Path) -> anyhow::Result<()> {
    let sandbox = kubeconfig
        .parent()
        .context("the kubeconfig is in the sandbox's directory")?;
    let left = leftovers::processes(sandbox);
    if sandbox.exists() || !left.is_empty() {
        bail!("the session is stopped, but of its sandbox are left: {sandbox}, {left:?}");
    }
    Ok(())
}

/// Starts the session and shows how far that is.
fn start_session(
    editor: &mut Editor,
    target: &str,
    applied_by: Applier,
    paint: Paint,
) -> anyhow::Result<serde_json::Value> {
    let terminal = std::io::stdout().is_terminal();
    let began = Instant::now();
    let mut last = String::new();
    let started = editor.start_session(target, applied_by, |step| {
        step.clone_into(&mut last);
        if terminal {
            print!("\r\x1b[K{}", paint.dim(&format!("… {step}")));
            // A terminal that does not take it loses the progress alone.
            let _ = std::io::stdout().flush();
        } else if !step.starts_with("Kubernetes") {
            println!("… {step}");
        }
    })?;
    if terminal {
        print!("\r\x1b[K");
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} {last} takes saves, {seconds:.1} s after the start of the session",
        paint.good("✓")
    );
    Ok(started)
}

/// What is printed about one mistake.
fn told(number: usize, mistake: &Mistake, played: &Played, paint: Paint) -> String {
    let mut told = format!("{}\n", paint.bold(&format!("{number:>2}  {}", mistake.title)));
    told.push_str(&paint.verdict(mistake.file, &played.text, &played.diagnostics));
    let how = played
        .action
        .map_or_else(|| "by hand".to_owned(), |title| format!("by “{title}”"));
    let said = format!(
        "said {:.1} ms after the save; mended {how}:",
        played.verdicts.dry_run.milliseconds
    );
    let applied = if played.complaints.is_empty() {
        paint.good(&played.lens)
    } else {
        paint.bad(&played.lens)
    };
    let took = format!("({:.1} ms)", played.mended.apply.milliseconds);
    let _ = writeln!(told, "\n  {} {applied} {}", paint.dim(&said), paint.dim(&took));
    for complaint in &played.complaints {
        let _ = writeln!(told, "  {}", paint.bad(&format!("✗ {complaint}")));
    }
    told.push('\n');
    told
}

fn print_attach(attach: &Attach, kept: bool, server: &Utf8Path, workspace: &Utf8Path, paint: Paint) {
    let title = if kept {
        format!(
            "The sandbox is up, and a session that an editor starts there uses it. `{server} sandbox down {workspace}` ends it."
        )
    } else {
        "Nothing is left running. Go on in an editor, where a session is started by the lens “▶ Start session”:"
            .to_owned()
    };
    println!("{}\n{}", paint.bold(&title), attach.lines().trim_end());
}

fn sandbox(server: &Utf8Path, verb: &str, workspace: &Utf8Path) -> anyhow::Result<()> {
    let status = Command::new(server).args(["sandbox", verb]).arg(workspace).status();
    let status = status.with_context(|| format!("{server} does not start"))?;
    if !status.success() {
        bail!("`gitops-lsp sandbox {verb}` failed ({status})");
    }
    Ok(())
}
