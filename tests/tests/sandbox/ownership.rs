//! Sandboxes end with their owner, whatever ends that.

use gitops_session::sandbox::{SandboxState, list, sweep};
use gitops_tests::sandboxes::{started, within};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::owner;
use crate::setting::{assert_gone_soon, fresh_state, is_alive};

#[tokio::test]
async fn everything_ends_with_an_owner_that_is_killed_and_the_next_start_sweeps() {
    let (_keep, state) = fresh_state();
    let mut process = owner::command("own", "orphan", state.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ids = within("the owner's start", async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the owner ended");
            if let Some((_, ids)) = line.split_once("processes ") {
                return serde_json::from_str::<Vec<u32>>(ids).unwrap();
            }
        }
    })
    .await;
    assert!(ids.iter().all(|&id| is_alive(id)));
    assert_eq!(list(&state).unwrap()[0].state, SandboxState::Running);
    assert!(sweep(&state).unwrap().is_empty(), "a running one is not swept");

    // SIGKILL: the owner cannot do anything about it.
    process.kill().await.unwrap();
    assert_gone_soon(&ids);
    let entries = list(&state).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].state, SandboxState::Stale);

    let next = started("next", &state).await;
    let names: Vec<_> = list(&state).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["next"]);
    next.stop().await;
}

#[tokio::test]
async fn the_name_of_a_killed_owner_can_be_had_at_once() {
    let (_keep, state) = fresh_state();
    let mut process = owner::command("own", "same", state.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    within("the owner's start", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("processes ") {
                return;
            }
        }
        panic!("the owner ended");
    })
    .await;
    process.kill().await.unwrap();
    // Its components may not even have noticed yet.
    let sandbox = started("same", &state).await;
    assert_eq!(list(&state).unwrap().len(), 1);
    sandbox.stop().await;
}
