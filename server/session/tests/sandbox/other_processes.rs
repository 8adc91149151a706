//! Processes that tests start: this test program itself, told by its environment to do one thing and nothing else.
//!
//! Run without that, each of the ignored tests below does nothing.

use std::process::Stdio;

use camino::Utf8Path;
use gitops_session::sandbox::{StateDirectory, keeper};

use crate::setting::{bundle, client, config_map, options, process_ids, started};

/// The sandbox's name; its presence is what makes the ignored tests below do something.
pub(crate) const NAME: &str = "GITOPS_LSP_TEST_SANDBOX";
/// The state directory.
pub(crate) const STATE: &str = "GITOPS_LSP_TEST_STATE";

/// This program, so that it runs one of the tests below.
pub(crate) fn command(test: &str, name: &str, state: &Utf8Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(arguments(test))
        .env(NAME, name)
        .env(STATE, state)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The arguments that make this program run one of the tests below.
pub(crate) fn arguments(test: &str) -> [String; 5] {
    [
        "--exact".to_owned(),
        format!("other_processes::{test}"),
        "--ignored".to_owned(),
        "--nocapture".to_owned(),
        "--quiet".to_owned(),
    ]
}

fn task() -> Option<(String, StateDirectory)> {
    let name = std::env::var(NAME).ok()?;
    let state = std::env::var(STATE).ok()?;
    Some((name, StateDirectory::at(Utf8Path::new(&state))))
}

/// Starts a sandbox, says its processes, and waits to be killed.
#[tokio::test]
#[ignore = "started by other tests"]
async fn own_a_sandbox() {
    let Some((name, state)) = task() else { return };
    let sandbox = started(&name, &state).await;
    println!("processes {:?}", process_ids(&sandbox));
    std::future::pending::<()>().await;
}

/// Keeps a sandbox as the hidden command of the program does.
#[tokio::test]
#[ignore = "started by other tests"]
async fn keep_a_sandbox() {
    let Some((name, state)) = task() else { return };
    keeper::run(options(&name, &state)).await.unwrap();
}

/// Starts a sandbox where there may be no room for one, and says how that went.
#[tokio::test]
#[ignore = "started by other tests"]
async fn start_where_there_is_no_room() {
    let Some((name, state)) = task() else { return };
    let start = gitops_session::sandbox::start(options(&name, &state), |_| ());
    match start.await {
        Ok(_) => println!("\noutcome: started"),
        Err(error) => println!("\noutcome: {:?}: {error}", error.kind),
    }
    let left = gitops_session::sandbox::list(&state).unwrap();
    println!("left: {}", left.len());
}

/// Starts a sandbox, fills its file system, and says what becomes of it.
#[tokio::test]
#[ignore = "started by other tests"]
async fn run_out_of_room() {
    let Some((name, state)) = task() else { return };
    let _ = bundle();
    let mut sandbox = started(&name, &state).await;
    let client = client(sandbox.kubeconfig()).await;
    let filler = state.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let piece = vec![1_u8; 64 * 1024];
    while std::io::Write::write_all(&mut file, &piece).is_ok() {}

    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::default_namespaced(client);
    let content = "x".repeat(900_000);
    let write = async {
        for number in 0..2000 {
            let map = config_map(&format!("large-{number}"), &content);
            let _ = maps.create(&kube::api::PostParams::default(), &map).await;
        }
    };
    let exit = tokio::select! {
        exit = sandbox.next_exit() => exit,
        () = write => panic!("nothing ended"),
    };
    println!("\nended: {exit}");
    // Room is made, and the sandbox goes on where it was.
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    sandbox.restart(exit.component).await.unwrap();
    println!("restarted");
    sandbox.stop().await;
    let left = gitops_session::sandbox::list(&state).unwrap();
    println!("left: {}", left.len());
}
