//! The keeper, which outlives the command that started it.

use std::sync::Mutex;

use gitops_session::sandbox::keeper::{self, AskError, KeeperCommand};
use gitops_session::sandbox::{Component, SandboxState, StartErrorKind, StateDirectory, Step, list};
use gitops_tests::sandboxes::{client, started, within};

use crate::owner;
use crate::setting::{children, create_config_map, fresh_state, shared_state};

fn command(name: &str, state: &StateDirectory) -> KeeperCommand {
    KeeperCommand {
        executable: owner::PROGRAM.into(),
        arguments: ["keep", name, state.path().as_str()].map(Into::into).into(),
    }
}

#[tokio::test]
async fn a_kept_sandbox_is_up_until_it_is_taken_down() {
    let state = shared_state();
    let name = "kept";
    let steps = Mutex::new(Vec::new());
    let entry = within(
        "the start",
        keeper::spawn(name, &state, command(name, &state), |step| {
            steps.lock().unwrap().push(step);
        }),
    )
    .await
    .unwrap();
    assert!(!steps.lock().unwrap().is_empty());
    assert_eq!(entry.state, SandboxState::Running);
    assert_ne!(entry.pid, std::process::id());
    create_config_map(&client(&entry.kubeconfig).await, "kept").await;

    // A second one with the same name says so, and does no harm.
    let error = within(
        "the refusal",
        keeper::spawn(name, &state, command(name, &state), |_| ()),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind, StartErrorKind::NameInUse);

    within("the end", keeper::down(&state, name)).await.unwrap();
    assert!(!list(&state).unwrap().iter().any(|entry| entry.name == name));
    assert!(matches!(keeper::down(&state, name).await, Err(AskError::NotRunning(_))));
}

#[tokio::test]
async fn a_keeper_starts_what_has_ended_again() {
    let state = shared_state();
    let name = "kept-whole";
    let entry = within("the start", keeper::spawn(name, &state, command(name, &state), |_| ()))
        .await
        .unwrap();
    let before = children(entry.pid);
    let api_server = before[Component::ApiServer.name()];
    crate::setting::send_signal(api_server, "KILL");
    within("the restart", async {
        loop {
            let now = children(entry.pid);
            if now.get(Component::ApiServer.name()).is_some_and(|&id| id != api_server) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    // Asked in the middle of it, the keeper ends everything all the same.
    within("the end", keeper::down(&state, name)).await.unwrap();
    assert!(!list(&state).unwrap().iter().any(|entry| entry.name == name));
}

#[tokio::test]
async fn only_who_knows_the_secret_can_end_a_sandbox() {
    let state = shared_state();
    let name = "kept-from-others";
    let entry = within("the start", keeper::spawn(name, &state, command(name, &state), |_| ()))
        .await
        .unwrap();
    let directory = entry.kubeconfig.parent().unwrap();
    let control = std::fs::read_to_string(directory.join("control.json")).unwrap();
    let control: serde_json::Value = serde_json::from_str(&control).unwrap();
    let port = u16::try_from(control["port"].as_u64().unwrap()).unwrap();
    for guess in [
        "",
        "{}\n",
        "{\"secret\":\"\",\"wish\":\"end\"}\n",
        "{\"secret\":\"00\",\"wish\":\"end\"}\n",
    ] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::io::Write::write_all(&mut stream, guess.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        assert!(answer.is_empty(), "{guess}");
    }
    create_config_map(&client(&entry.kubeconfig).await, "still-there").await;
    within("the end", keeper::down(&state, name)).await.unwrap();
}

#[tokio::test]
async fn a_keeper_asked_by_a_signal_ends_everything() {
    let state = shared_state();
    let name = "kept-until-signal";
    let entry = within("the start", keeper::spawn(name, &state, command(name, &state), |_| ()))
        .await
        .unwrap();
    // A terminal that hangs up is not meant.
    crate::setting::send_signal(entry.pid, "HUP");
    create_config_map(&client(&entry.kubeconfig).await, "still-there").await;
    crate::setting::send_signal(entry.pid, "TERM");
    within("the end", async {
        while list(&state).unwrap().iter().any(|entry| entry.name == name) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_keeper_nobody_waits_for_gives_up() {
    let state = shared_state();
    let name = "kept-for-nobody";
    let (sender, mut reached) = tokio::sync::watch::channel(());
    let spawning = keeper::spawn(name, &state, command(name, &state), |step| {
        if step == Step::ApiServer {
            sender.send_replace(());
        }
    });
    tokio::select! {
        biased;
        _ = reached.changed() => {}
        outcome = spawning => panic!("{outcome:?} before that step"),
    }
    within("the end", async {
        while list(&state).unwrap().iter().any(|entry| entry.name == name) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_keeper_that_fails_says_why() {
    let (_keep, state) = fresh_state();
    let command = KeeperCommand {
        executable: "sh".into(),
        arguments: ["-c".into(), "echo 'no idea what to keep' >&2; exit 3".into()].into(),
    };
    let error = keeper::spawn("fails", &state, command, |_| ()).await.unwrap_err();
    assert_eq!(error.log_tail, ["no idea what to keep"]);
    assert!(error.to_string().contains("fails.log"), "{error}");
}

#[tokio::test]
async fn a_session_s_sandbox_is_not_taken_down_behind_its_back() {
    let state = shared_state();
    let sandbox = started("of-a-session", &state).await;
    let refusal = keeper::down(&state, "of-a-session").await.unwrap_err();
    assert!(matches!(refusal, AskError::NotKept { pid, .. } if pid == std::process::id()));
    create_config_map(&client(sandbox.kubeconfig()).await, "still-there").await;
    sandbox.stop().await;
}
