//! Disks without room.

use std::process::Command;

use camino::Utf8Path;
use gitops_tests::leftovers;
use gitops_tests::server::{GONE_WITHIN, TestServer};
use serde_json::Value;

use crate::{config_map, message_of};

/// A file system in memory, mounted where a test wants it; `None` where this user may not mount.
struct SmallDisk {
    directory: Option<tempfile::TempDir>,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self {
                directory: Some(directory),
            });
        }
        eprintln!("skipped: only an administrator can mount a small disk");
        None
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.as_ref().expect("mounted").path()).expect("UTF-8")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let Some(directory) = self.directory.take() else { return };
        // Lazily: a process that is just ending may still be in it.
        let _ = Command::new("umount").arg("-l").arg(directory.path()).status();
    }
}

#[test]
fn a_disk_that_is_full_before_the_start() {
    let Some(disk) = SmallDisk::mount(12) else { return };
    let state = disk.path().join("state");
    {
        let server = TestServer::builder().unprepared().state(&state).build();
        let refused = server.try_start_session(Value::Null).expect_err("there is no room");
        assert!(
            refused.message.contains("o space left") || refused.message.contains("torage full"),
            "the reason is said: {}",
            refused.message
        );
        assert_eq!(server.status()["level"], "offline");
        assert!(leftovers::sandboxes(&state).is_empty());
    }
    leftovers::wait_until_none(&state, GONE_WITHIN).expect("nothing is left");
}

/// The disk fills up while a session runs: edits go on, and once there is room again so does the session, or it says what to do.
#[test]
fn a_disk_that_fills_up() {
    let Some(disk) = SmallDisk::mount(400) else { return };
    let state = disk.path().join("state");
    let server = TestServer::builder().unprepared().state(&state).build();
    server.start_session(Value::Null);
    server.open_with("a.yaml", &config_map("full", "one"));
    assert!(server.save_and_settle("a.yaml").ok);
    let filler = disk.path().join("filler");
    let fill = Command::new("dd")
        .args(["if=/dev/zero", &format!("of={filler}"), "bs=64k"])
        .output()
        .expect("dd runs");
    assert!(!fill.status.success(), "the disk is full");
    // What etcd has set aside takes some more; then something has to give.
    let value = "x".repeat(900 << 10);
    let mut saves = 0;
    let full = server.client.mark();
    loop {
        saves += 1;
        assert!(saves < 200, "the disk is never full");
        let file = format!("big-{saves}.yaml");
        server.open_with(&file, &config_map(&format!("big-{saves}"), &value));
        if !server.save_and_settle(&file).ok {
            break;
        }
    }
    server.client.wait_for(full, "window/showMessage", |params| {
        params["message"]
            .as_str()
            .is_some_and(|message| message.contains("o space left on device"))
    });
    let status = server.wait_for_status(full, |status| !status["message"].is_null());
    assert!(message_of(&status).contains("etcd"), "{status}");
    let version = server.edit("a.yaml", "key: one", "key: [");
    assert_eq!(server.wait_for_version("a.yaml", version).diagnostics.len(), 1);
    let version = server.edit("a.yaml", "key: [", "key: two");
    server.wait_for_version("a.yaml", version);
    server.save("a.yaml");
    std::fs::remove_file(&filler).expect("there is room again");
    // Whatever became of it, stopping works, and a new session does.
    assert_eq!(server.stop_session()["restored"], 0);
    assert!(leftovers::sandboxes(&state).is_empty());
    server.start_session(Value::Null);
    assert!(server.save_and_settle("a.yaml").ok);
}
