//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Puts the cluster's own verdict on the line of YAML that earned it.
#[derive(Parser)]
#[command(name = "gitops-lsp", version, about, long_about = None)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the Language Server Protocol on standard input and output (what is done without a command, too)
    Lsp {
        /// Taken because some editors pass it; standard input and output are all there is.
        #[arg(long)]
        stdio: bool,
    },
    /// Checks files and directories once and prints what is wrong: exit code 0 clean, 1 errors found, 2 could not run
    Check(crate::check::CheckArguments),
    /// Starts, ends and lists local sandboxes: real control planes on this machine
    #[command(subcommand)]
    Sandbox(crate::sandbox_command::SandboxCommand),
    /// Prints the JSON schema of the settings
    SettingsSchema,
}

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    let command_line = CommandLine::parse();
    // Standard output belongs to the protocol and to what people asked for; everything else goes to standard error.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("GITOPS_LSP_LOG").unwrap_or_else(
            |_| // kube reports every refused request as an error; refusals are what we live on.
            EnvFilter::new("warn,kube_client=off,tower=off"),
        ))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let code = |code: i32| ExitCode::from(u8::try_from(code).unwrap_or(1));
    let result = match command_line.command.unwrap_or(Command::Lsp { stdio: true }) {
        Command::Lsp { stdio: _ } => crate::serve::serve().map(code),
        Command::Check(arguments) => crate::check::check(&arguments).map(code),
        Command::Sandbox(command) => crate::sandbox_command::run(command),
        Command::SettingsSchema => {
            println!(
                "{}",
                serde_json::to_string_pretty(&crate::settings::schema()).unwrap_or_default()
            );
            Ok(ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gitops-lsp: {error:#}");
            ExitCode::from(2)
        }
    }
}
