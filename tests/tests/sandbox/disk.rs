//! A sandbox on a full disk: a small file system in memory, in a mount namespace of its own.

use gitops_tests::sandboxes::within;
use std::process::Output;

use crate::owner;

/// Runs a task of the other program with its state on a file system of `megabytes`; `None` where that is not allowed.
async fn run_with_room(task: &str, megabytes: u32) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let mount = directory.path().to_str().unwrap();
    if !can_mount(mount).await {
        return None;
    }
    let script = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$0\" && exec \"$@\"");
    let mut command = unshare();
    command
        .args(["sh", "-c", &script, mount])
        .args([owner::PROGRAM, task, "no-room"])
        .arg(directory.path().join("state"));
    let output: Output = within("the process", command.output()).await.unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    Some(text)
}

/// A mount namespace, in a user namespace so that it needs no rights on most systems.
fn unshare() -> tokio::process::Command {
    let mut command = tokio::process::Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount"])
        .kill_on_drop(true);
    command
}

async fn can_mount(mount: &str) -> bool {
    let probe = unshare().args(["mount", "-t", "tmpfs", "tmpfs", mount]).output().await;
    let why = match probe {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("not tested: a file system cannot be mounted here: {why}");
    false
}

#[tokio::test]
async fn a_start_on_a_full_disk_says_so_and_leaves_nothing() {
    for megabytes in [1, 8, 40] {
        let Some(text) = run_with_room("start-without-room", megabytes).await else {
            return;
        };
        assert!(
            text.to_lowercase().contains("no space left on device"),
            "{megabytes} MB: {text}"
        );
        assert!(text.contains("left: 0"), "{megabytes} MB: {text}");
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_is_the_cause_that_is_named() {
    let Some(text) = run_with_room("run-out-of-room", 400).await else {
        return;
    };
    assert!(text.contains("ended: etcd ended ("), "{text}");
    assert!(text.to_lowercase().contains("no space left on device"), "{text}");
    assert!(text.contains("restarted"), "{text}");
    assert!(text.contains("left: 0"), "{text}");
}
