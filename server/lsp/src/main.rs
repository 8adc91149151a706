//! `gitops-lsp`: a language server that puts the cluster's own verdict on the line of YAML that earned it.

mod actions;
mod built;
mod check;
mod client;
mod command_line;
mod event;
mod files;
mod fix;
mod follow;
mod identities;
mod knowledge;
mod ledger;
mod lifecycle;
mod main_loop;
mod notifications;
mod one_fault;
mod parent;
mod parsed;
mod plain_references;
mod position;
mod publish;
mod reader;
mod reference_fix;
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
mod workload;
mod workspace;

fn main() -> std::process::ExitCode {
    command_line::run()
}
