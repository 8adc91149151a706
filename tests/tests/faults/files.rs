//! Files that cannot be read, that are none, or that go while they are needed.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use camino::Utf8PathBuf;
use gitops_tests::server::{Phase, TestServer};
use serde_json::Value;

use crate::config_map;

/// A file that this user cannot read. An administrator reads everything, but not what is no text in memory at its start.
struct Unreadable {
    mounted: Option<Utf8PathBuf>,
}

impl Unreadable {
    fn make(path: Utf8PathBuf) -> Option<Self> {
        std::fs::write(&path, config_map("unreadable", "x")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("closed");
        if std::fs::read(&path).is_err() {
            return Some(Self { mounted: None });
        }
        let mounted = Command::new("mount")
            .args(["--bind", "/proc/self/mem"])
            .arg(&path)
            .output();
        let mounted = mounted.is_ok_and(|output| output.status.success()) && std::fs::read(&path).is_err();
        mounted.then_some(Self { mounted: Some(path) })
    }
}

impl Drop for Unreadable {
    fn drop(&mut self) {
        if let Some(path) = &self.mounted {
            let _ = Command::new("umount").arg("-l").arg(path).status();
        }
    }
}

/// Files that cannot be read, links that lead in circles and things that are no files: each is left alone, the rest is applied.
#[test]
fn odd_things_in_the_target() {
    let server = TestServer::builder()
        .files(&format!("#- good.yaml\n{}", config_map("odd-good", "x")))
        .build();
    let at = |name: &str| server.workspace().join(name);
    let unreadable = Unreadable::make(at("closed.yaml"));
    std::fs::write(at("not-text.yaml"), b"apiVersion: v1\nkind: \xff\xfe\n").expect("written");
    std::fs::File::create(at("large.yaml"))
        .and_then(|file| file.set_len(9 << 20))
        .expect("written");
    std::fs::create_dir(at("directory.yaml")).expect("made");
    symlink("self.yaml", at("self.yaml")).expect("linked");
    symlink(server.workspace(), at("loop")).expect("linked");
    symlink("nowhere.yaml", at("dangling.yaml")).expect("linked");
    assert!(
        Command::new("mkfifo")
            .arg(at("pipe.yaml"))
            .status()
            .expect("mkfifo runs")
            .success()
    );
    let mark = server.client.mark();
    let started = server.start_session(Value::Null);
    assert!(server.wait_for_verdict("good.yaml", Phase::Apply, mark, 1).ok);
    let said = |file: &str| {
        server
            .wait_for_diagnostics(file, mark, |published| !published.diagnostics.is_empty())
            .summary()
    };
    assert_eq!(
        said("not-text.yaml"),
        ["error syntax/not-utf8: this file is left alone: not UTF-8 text: byte 21 cannot be read"]
    );
    assert_eq!(
        said("large.yaml"),
        ["information syntax/file-too-large: this file is left alone: it is over 8 MiB"]
    );
    if unreadable.is_some() {
        let said = said("closed.yaml");
        assert!(
            said.len() == 1 && said[0].starts_with("information syntax/unreadable: this file is left alone: "),
            "{said:?}"
        );
    }
    // The same later, by a watcher.
    for name in [
        "self.yaml",
        "dangling.yaml",
        "pipe.yaml",
        "directory.yaml",
        "loop/good.yaml",
        "good.yaml",
    ] {
        server.watched(&[name]);
    }
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
            let list = server
                .client
                .command("gitops.session.list", Value::Null)
                .expect("a list");
            let idle = server.status()["busy"] == false;
            (idle && list[0]["objects"] == 0).then_some(())
        });
        assert!(
            cluster.get("v1", "ConfigMap", Some("default"), &name).is_none(),
            "{name}"
        );
    }
}
