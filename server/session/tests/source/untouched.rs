//! The user's repository before and after.

use std::process::Command;

use gitops_session::source::{AccessToken, ServerBounds, SourceServer};

use crate::support::{Place, commit_all, commit_paths, everything_in, git_in, names};

/// A repository in which everything is going on at once: staged, changed, stashed, ignored, tagged, hooked.
fn busy() -> Place {
    let place = Place::repository();
    place.write(".gitignore", "ignored\n");
    place.write("committed.yaml", "a: 1\n");
    place.write("changed.yaml", "a: 1\n");
    place.write("stashed.yaml", "a: 1\n");
    place.add_and_commit();
    place.write("stashed.yaml", "a: 2\n");
    place.git(&["stash", "--quiet"]);
    place.git(&["tag", "v1"]);
    place.write("changed.yaml", "a: 2\n");
    place.write("staged.yaml", "a: 1\n");
    place.git(&["add", "staged.yaml"]);
    place.write("staged.yaml", "a: 2\n");
    place.write("new.yaml", "a: 1\n");
    place.write("ignored", "secret");
    // Whatever runs one of these would leave a trace.
    for hook in [
        "pre-commit",
        "post-index-change",
        "post-commit",
        "reference-transaction",
    ] {
        place.write(&format!(".git/hooks/{hook}"), "#!/bin/sh\ntouch \"$GIT_DIR/hooked\"\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = place.work.join(".git/hooks").join(hook);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }
    place
}

#[tokio::test]
async fn nothing_of_the_users_changes() {
    let place = busy();
    let status = || {
        place.git(&[
            "--no-optional-locks",
            "status",
            "--porcelain=v2",
            "--branch",
            "--show-stash",
        ])
    };
    let before = (status(), everything_in(&place.work));
    let mut source = place.source().await;
    let token = AccessToken::random().expect("a token");
    let server = SourceServer::start(&source, token.clone(), None, ServerBounds::default())
        .await
        .expect("a server");
    commit_all(&mut source).await;
    // What has no name of its own is written beside the work tree, so that the two can be compared.
    let config = format!("http.extraHeader=Authorization: Bearer {}", token.reveal());
    let (url, beside) = (server.url(), place.beside.clone());
    tokio::task::spawn_blocking(move || git_in(&beside, &["-c", &config, "clone", "--quiet", &url, "clone"]))
        .await
        .expect("it clones");
    commit_paths(&mut source, &["changed.yaml", "new.yaml", "ignored", "missing.yaml"]).await;
    let after = (status(), everything_in(&place.work));
    assert_eq!(before.0, after.0);
    for (path, content) in &before.1 {
        assert_eq!(after.1.get(path), Some(content), "{path}");
    }
    assert_eq!(before.1.len(), after.1.len());
    assert_eq!(
        names(&place, &source),
        [
            ".gitignore",
            "changed.yaml",
            "committed.yaml",
            "new.yaml",
            "staged.yaml",
            "stashed.yaml"
        ]
    );
}

#[tokio::test]
async fn what_is_staged_and_saved_differently_goes_as_it_is_saved() {
    let place = busy();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = crate::support::committed(&place, &source);
    assert_eq!(files["staged.yaml"], "100644 a: 2\n");
    assert_eq!(files["changed.yaml"], "100644 a: 2\n");
    assert_eq!(files["stashed.yaml"], "100644 a: 1\n");
}

#[tokio::test]
async fn a_staged_object_that_the_user_throws_away_is_not_missed() {
    let place = Place::repository();
    place.write("committed.yaml", "a: 1\n");
    place.add_and_commit();
    place.write("staged.yaml", "staged: once\n");
    place.git(&["add", "staged.yaml"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    place.git(&["reset", "--quiet"]);
    place.git(&["prune", "--expire=now"]);
    assert_eq!(
        crate::support::committed(&place, &source)["staged.yaml"],
        "100644 staged: once\n"
    );
}

#[tokio::test]
async fn objects_that_the_users_repository_lost_are_read_again() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    place.add_and_commit();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let blob = place.git(&["rev-parse", "HEAD:a.yaml"]);
    let (directory, file) = blob.trim().split_at(2);
    place.remove(&format!(".git/objects/{directory}/{file}"));
    place.write("b.yaml", "b: 1\n");
    commit_all(&mut source).await;
    assert_eq!(crate::support::committed(&place, &source)["a.yaml"], "100644 a: 1\n");
}

/// Filters, line ends, monitors, signatures, prompts: what a user can have set and what must not surprise.
#[tokio::test]
async fn settings_of_the_user_do_not_surprise() {
    let place = Place::repository();
    place.write(".gitattributes", "*.bin filter=broken\n");
    place.write("a.yaml", "a: 1\n");
    place.add_and_commit();
    for (name, value) in [
        ("filter.broken.clean", "false"),
        ("filter.broken.required", "true"),
        ("core.fsmonitor", "false"),
        ("commit.gpgSign", "true"),
        ("gpg.program", "false"),
        ("core.pager", "false"),
        ("index.version", "4"),
        ("index.threads", "true"),
        ("core.untrackedCache", "true"),
        ("user.useConfigOnly", "true"),
        ("core.askPass", "false"),
        ("core.compression", "9"),
    ] {
        place.git(&["config", name, value]);
    }
    place.write("large.bin", "content");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(
        crate::support::committed(&place, &source)["large.bin"],
        "100644 content"
    );
}

#[tokio::test]
async fn the_environment_of_a_hook_does_not_lead_astray() {
    // Variables of the whole process would disturb the other tests, so what is looked at is a process of its own:
    // the test binary itself, asked for one test.
    const INSIDE: &str = "GITOPS_LSP_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_none() {
        let place = busy();
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "untouched::the_environment_of_a_hook_does_not_lead_astray"])
            .env(INSIDE, &place.work)
            .env("GIT_DIR", place.work.join(".git"))
            .env("GIT_INDEX_FILE", place.work.join(".git/index"))
            .env("GIT_WORK_TREE", &place.beside)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.bare")
            .env("GIT_CONFIG_VALUE_0", "nonsense")
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let place = Place::folder();
    place.write("only.yaml", "a: 1\n");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert!(!source.is_in_a_repository());
    assert_eq!(source.root(), place.work);
}
