//! `gitops-lsp`: a language server that puts the cluster's own verdict on the line of YAML that earned it.

mod actions;
mod built;
mod check;
mod client;
mod command_line;
mod event;
mod files;
mod fix;
mod identities;
mod knowledge;
mod ledger;
mod lifecycle;
mod main_loop;
mod notifications;
mod parent;
mod parsed;
mod position;
mod publish;
mod reader;
mod report;
mod requests;
mod sandbox_command;
mod saves;
mod serve;
mod session;
mod settings;
mod start;
mod state;
mod target;
mod terminal;
mod workspace;

fn main() -> std::process::ExitCode {
    command_line::run()
}
