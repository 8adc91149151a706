//! A process that owns a sandbox, for tests that kill it, take its room away or ask it to end.
//!
//! Called with what to do, the sandbox's name and its state directory.

use camino::Utf8Path;
use gitops_session::sandbox::{Sandbox, StartOptions, StateDirectory, keeper};
use gitops_tests::sandboxes::{
    client, config_map, options, options_with_flux, process_ids, started, started_with_flux,
};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, name, state] = arguments.as_slice() else {
        panic!("sandbox_owner TASK NAME STATE-DIRECTORY");
    };
    let state = &StateDirectory::at(Utf8Path::new(state));
    match task.as_str() {
        "own" => own(started(name, state).await).await,
        "own-with-flux" => own(started_with_flux(name, state).await).await,
        "keep" => keep(options(name, state)).await,
        "keep-with-flux" => keep(options_with_flux(name, state)).await,
        "start-without-room" => start_without_room(name, state).await,
        "run-out-of-room" => run_out_of_room(name, state).await,
        _ => panic!("no task {task}"),
    }
}

/// Says a sandbox's processes, and waits to be killed.
async fn own(sandbox: Sandbox) {
    println!("processes {:?}", process_ids(&sandbox));
    std::future::pending::<()>().await;
}

/// Keeps a sandbox as the hidden command of the program does.
async fn keep(options: StartOptions) {
    keeper::run(options).await.unwrap();
}

/// Starts a sandbox where there may be no room for one, and says how that went.
async fn start_without_room(name: &str, state: &StateDirectory) {
    let start = gitops_session::sandbox::start(options(name, state), |_| ());
    match start.await {
        Ok(_) => println!("\noutcome: started"),
        Err(error) => println!("\noutcome: {:?}: {error}", error.kind),
    }
    let left = gitops_session::sandbox::list(state).unwrap();
    println!("left: {}", left.len());
}

/// Starts a sandbox, fills its file system, and says what becomes of it.
async fn run_out_of_room(name: &str, state: &StateDirectory) {
    let mut sandbox = started(name, state).await;
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
    let left = gitops_session::sandbox::list(state).unwrap();
    println!("left: {}", left.len());
}
