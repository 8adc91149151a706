//! What breaks: processes, disks, files. Nothing panics, hangs, loses an edit or leaves anything behind.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::binary::target_directory;
use gitops_tests::client::FAILED;
use gitops_tests::leftovers::{self, component, kill};
use gitops_tests::message_log::Mark;
use gitops_tests::server::{GONE_WITHIN, Phase, TestServer};
use gitops_tests::show::ageless;
use serde_json::{Value, json};

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  key: {value}\n")
}

fn titles(server: &TestServer, file: &str) -> Vec<String> {
    server.lenses(file).into_iter().map(|(_, title)| ageless(&title)).collect()
}

fn message_of(status: &Value) -> &str {
    status["message"].as_str().unwrap_or_default()
}

/// The API server is killed: the status says so, edits go on, and what is saved meanwhile is applied when it is back.
#[test]
fn the_api_server_is_killed() {
    let server = TestServer::builder().build();
    let started = server.start_session(Value::Null);
    server.open_with("a.yaml", &config_map("before", "one"));
    assert!(server.save_and_settle("a.yaml").ok);
    let mark = server.client.mark();
    kill(&component(server.state(), "kube-apiserver").expect("it runs"));
    let status = server.wait_for_status(mark, |status| message_of(status).contains("kube-apiserver"));
    assert!(message_of(&status).contains("started again"), "{status}");
    server.client.wait_for(mark, "window/showMessage", |params| params["message"].as_str().is_some_and(|message| message.contains("kube-apiserver")));
    // Edits go on.
    let version = server.edit("a.yaml", "key: one", "key: [");
    assert_eq!(server.wait_for_version("a.yaml", version).diagnostics.len(), 1);
    let version = server.edit("a.yaml", "key: [", "key: two");
    assert_eq!(server.wait_for_version("a.yaml", version).summary(), [""; 0]);
    // A save that nobody answers now is applied when the server is back; until then its lens says so.
    let before = server.generation("a.yaml");
    let saved = server.save("a.yaml");
    server.wait_for_status(mark, |status| status["level"] == "session" && status["message"].is_null() && status["busy"] == false);
    let verdict = server.client.wait(saved, "the verdict once the server is back", |_| {
        server.verdicts("a.yaml", Phase::Apply, saved).into_iter().find(|verdict| verdict.ok && verdict.generation > before)
    });
    assert!(verdict.generation > before);
    assert_eq!(titles(&server, "a.yaml"), ["✓ applied · AGE"]);
    assert_eq!(server.diagnostics("a.yaml").summary(), [""; 0]);
    let cluster = server.cluster(&started);
    assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), "before").expect("it is there")["data"]["key"], "two");
}

/// It is killed while saves are under way, again and again, at another moment each time: none of them is lost.
#[test]
fn the_api_server_is_killed_in_the_middle_of_an_apply() {
    let server = TestServer::builder().build();
    let started = server.start_session(Value::Null);
    let files: Vec<String> = (0..20).map(|number| format!("{number}.yaml")).collect();
    for (number, file) in files.iter().enumerate() {
        server.open_with(file, &config_map(&format!("many-{number}"), "zero"));
    }
    for round in ["one", "two"] {
        let mark = server.client.mark();
        for (number, file) in files.iter().enumerate() {
            server.retype(file, &config_map(&format!("many-{number}"), round));
            server.save(file);
        }
        // As soon as the first is through, others are under way.
        server.client.wait_for(mark, "gitops/verdict", |verdict| verdict["phase"] == "apply");
        kill(&component(server.state(), "kube-apiserver").expect("it runs"));
        for file in &files {
            server.client.wait(mark, &format!("that {file} is applied"), |_| server.verdicts(file, Phase::Apply, mark).into_iter().find(|verdict| verdict.ok));
        }
        server.wait_for_status(mark, |status| status["message"].is_null() && status["busy"] == false);
        let cluster = server.cluster(&started);
        for number in 0..files.len() {
            assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), &format!("many-{number}")).expect("it is there")["data"]["key"], round);
        }
    }
}

/// Every other component is started again, too.
#[test]
fn components_are_started_again() {
    let server = TestServer::builder().build();
    server.start_session(Value::Null);
    server.open_with("a.yaml", &config_map("component", "zero"));
    for name in ["etcd", "kube-controller-manager", "kwok"] {
        let mark = server.client.mark();
        let killed = component(server.state(), name).unwrap_or_else(|| panic!("{name} runs"));
        kill(&killed);
        server.wait_for_status(mark, |status| message_of(status).contains(name));
        server.wait_for_status(mark, |status| status["message"].is_null() && status["level"] == "session");
        let again = component(server.state(), name).unwrap_or_else(|| panic!("{name} runs again"));
        assert_ne!(again.id, killed.id, "{name}");
        let mark = server.client.mark();
        server.retype("a.yaml", &config_map("component", name));
        server.save("a.yaml");
        server.client.wait(mark, &format!("that a save is applied after {name} was killed"), |_| server.verdicts("a.yaml", Phase::Apply, mark).into_iter().find(|verdict| verdict.ok));
    }
}

/// One that does not stay up is given up, with what to do; a new session works.
#[test]
fn a_component_that_does_not_stay_up() {
    let server = TestServer::builder().build();
    server.start_session(Value::Null);
    let mut killed = 0;
    let mut seen = Mark::START;
    loop {
        let mark = server.client.mark();
        kill(&component(server.state(), "kube-scheduler").expect("it runs"));
        killed += 1;
        assert!(killed < 20, "it is started again for ever");
        let said = server.client.wait(mark.max(seen), "what became of the scheduler", |message| {
            let status = (message["method"] == "gitops/status").then(|| &message["params"])?;
            (message_of(status).contains("does not stay up") || status["message"].is_null()).then(|| status.clone())
        });
        seen = mark;
        if message_of(&said).contains("does not stay up") {
            assert!(message_of(&said).contains("start it again"), "what to do is said: {said}");
            break;
        }
    }
    assert_eq!(server.stop_session()["failed"], json!([]));
    assert!(leftovers::sandboxes(server.state()).is_empty());
    assert_eq!(server.start_session(Value::Null)["mode"], "run");
}

/// A bundle whose programs are not what they should be.
struct Bundle {
    directory: tempfile::TempDir,
}

impl Bundle {
    /// The real one, by links, with the programs in `replaced` replaced by scripts.
    fn with(replaced: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = Utf8Path::from_path(directory.path()).expect("UTF-8");
        for entry in target_directory().join("sandbox").read_dir_utf8().expect("the sandbox is built: run `cargo xtask build`").flatten() {
            if !replaced.iter().any(|(name, _)| *name == entry.file_name()) {
                symlink(entry.path(), path.join(entry.file_name())).expect("linked");
            }
        }
        for (name, script) in replaced {
            let file = path.join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
        }
        Self { directory }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).expect("UTF-8")
    }
}

fn refusal_with_bundle(bundle: &Utf8Path) -> String {
    let server = TestServer::builder().environment("GITOPS_LSP_BUNDLE", bundle.as_str()).build();
    let mark = server.client.mark();
    let refused = server.try_start_session(Value::Null).expect_err("it cannot start");
    assert_eq!(refused.code, FAILED);
    assert_eq!(server.client.said(mark, "$/progress").last().map(|params| params["value"]["kind"].clone()), Some(json!("end")));
    assert_eq!(server.status(), json!({ "level": "offline", "mode": "gitops", "busy": false }));
    // Everything else goes on.
    server.open_with("a.yaml", "a: [\n");
    assert_eq!(server.wait_for_version("a.yaml", 1).diagnostics.len(), 1);
    assert!(leftovers::sandboxes(server.state()).is_empty());
    refused.message
}

#[test]
fn a_component_that_dies_at_once_is_named_with_its_last_words() {
    // One program is four components; the first that is started is etcd.
    let bundle = Bundle::with(&[("controlplane", "echo 'the dog ate the data' >&2\nexit 3")]);
    let message = refusal_with_bundle(bundle.path());
    assert!(message.contains("etcd") && message.contains("exit status: 3") && message.contains("the dog ate the data"), "{message}");

    let real = target_directory().join("sandbox").join("controlplane");
    let script = format!("case \"$1\" in kube-apiserver) echo 'no port is good enough' >&2; exit 7;; *) exec {real} \"$@\";; esac");
    let bundle = Bundle::with(&[("controlplane", &script)]);
    let message = refusal_with_bundle(bundle.path());
    assert!(message.contains("kube-apiserver") && message.contains("exit status: 7") && message.contains("no port is good enough"), "{message}");

    let bundle = Bundle::with(&[("kwok", "echo 'no nodes today' >&2\nexit 1")]);
    let message = refusal_with_bundle(bundle.path());
    assert!(message.contains("kwok") && message.contains("no nodes today"), "{message}");
}

#[test]
fn a_bundle_that_is_not_there() {
    let nowhere = refusal_with_bundle(Utf8Path::new("/nowhere/at-all"));
    assert!(nowhere.contains("GITOPS_LSP_BUNDLE") && nowhere.contains("/nowhere/at-all"), "{nowhere}");
    let bundle = Bundle::with(&[("kwok", "")]);
    std::fs::remove_file(bundle.path().join("kwok")).expect("removed");
    let half = refusal_with_bundle(bundle.path());
    assert!(half.contains("kwok"), "{half}");
    let bundle = Bundle::with(&[("kwok", "")]);
    std::fs::set_permissions(bundle.path().join("kwok"), std::fs::Permissions::from_mode(0o644)).expect("not executable");
    let message = refusal_with_bundle(bundle.path());
    assert!(message.contains("kwok"), "{message}");
}

#[test]
fn a_state_directory_that_cannot_be() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = Utf8PathBuf::from_path_buf(file.path().to_owned()).expect("UTF-8").join("state");
    let server = TestServer::builder().unprepared().state(&path).build();
    let refused = server.try_start_session(Value::Null).expect_err("there is no place");
    assert!(refused.message.contains(path.as_str()), "{}", refused.message);
    assert_eq!(server.status()["level"], "offline");
}

/// Files that cannot be read, links that lead in circles and things that are no files: each is left alone, the rest is applied.
#[test]
fn odd_things_in_the_target() {
    let server = TestServer::builder().files(&format!("#- good.yaml\n{}", config_map("odd-good", "x"))).build();
    let at = |name: &str| server.workspace().join(name);
    std::fs::write(at("closed.yaml"), config_map("odd-closed", "x")).expect("written");
    std::fs::set_permissions(at("closed.yaml"), std::fs::Permissions::from_mode(0o000)).expect("closed");
    let closed_to_us = std::fs::read(at("closed.yaml")).is_err();
    std::fs::write(at("not-text.yaml"), b"apiVersion: v1\nkind: \xff\xfe\n").expect("written");
    std::fs::File::create(at("large.yaml")).and_then(|file| file.set_len(9 << 20)).expect("written");
    std::fs::create_dir(at("directory.yaml")).expect("made");
    symlink("self.yaml", at("self.yaml")).expect("linked");
    symlink(server.workspace(), at("loop")).expect("linked");
    symlink("nowhere.yaml", at("dangling.yaml")).expect("linked");
    assert!(Command::new("mkfifo").arg(at("pipe.yaml")).status().expect("mkfifo runs").success());
    let mark = server.client.mark();
    let started = server.start_session(Value::Null);
    assert!(server.wait_for_verdict("good.yaml", Phase::Apply, mark, 1).ok);
    let said = |file: &str| server.wait_for_diagnostics(file, mark, |published| !published.diagnostics.is_empty()).summary();
    assert_eq!(said("not-text.yaml"), ["error syntax/not-utf8: this file is left alone: not UTF-8 text: byte 21 cannot be read"]);
    assert_eq!(said("large.yaml"), ["information syntax/file-too-large: this file is left alone: it is over 8 MiB"]);
    if closed_to_us {
        assert_eq!(said("closed.yaml"), ["information syntax/unreadable: this file is left alone: Permission denied (os error 13)"]);
    }
    // The same later, by a watcher.
    for name in ["self.yaml", "dangling.yaml", "pipe.yaml", "directory.yaml", "loop/good.yaml", "good.yaml"] {
        server.watched(&[name]);
    }
    symlink("/proc/self/mem", at("memory.yaml")).expect("linked");
    server.watched(&["memory.yaml"]);
    assert_eq!(said("memory.yaml").len(), 1);
    // Mended, it counts.
    server.write("not-text.yaml", config_map("odd-mended", "x"));
    let mark = server.watched(&["not-text.yaml"]);
    assert!(server.wait_for_verdict("not-text.yaml", Phase::Apply, mark, 1).ok);
    assert_eq!(server.diagnostics("not-text.yaml").summary(), [""; 0]);
    let cluster = server.cluster(&started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "odd-mended").is_some());
}

/// A file goes between its save and the end of its apply: whatever comes first, its object is gone in the end.
#[test]
fn a_file_that_goes_while_it_is_applied() {
    let server = TestServer::builder().build();
    let started = server.start_session(Value::Null);
    let cluster = server.cluster(&started);
    for round in 0..10 {
        let (file, name) = (format!("{round}.yaml"), format!("gone-{round}"));
        server.open_with(&file, &config_map(&name, "x"));
        let mark = server.save(&file);
        if round % 2 == 0 {
            server.wait_for_verdict(&file, Phase::DryRun, mark, 1);
        }
        server.close(&file);
        server.remove(&file);
        server.watched(&[&file]);
        // The newest thing that can be said of the file is that it has nothing.
        server.client.wait(mark, &format!("that {file} is gone"), |_| {
            server.status();
            let list = server.client.command("gitops.session.list", Value::Null).expect("a list");
            let idle = server.status()["busy"] == false;
            (idle && list[0]["objects"] == 0).then_some(())
        });
        assert!(cluster.get("v1", "ConfigMap", Some("default"), &name).is_none(), "{name}");
    }
}

/// A file system in memory, mounted where a test wants it; `None` where this user may not mount.
struct SmallDisk {
    directory: Option<tempfile::TempDir>,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(directory.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { directory: Some(directory) });
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
        assert!(refused.message.contains("o space left") || refused.message.contains("torage full"), "the reason is said: {}", refused.message);
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
    let fill = Command::new("dd").args(["if=/dev/zero", &format!("of={filler}"), "bs=64k"]).output().expect("dd runs");
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
    server.client.wait_for(full, "window/showMessage", |params| params["message"].as_str().is_some_and(|message| message.contains("o space left on device")));
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
