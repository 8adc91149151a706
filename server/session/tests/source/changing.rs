//! One commit after the other.

use std::time::Duration;

use gitops_model::flux::RefName;
use gitops_session::source::{Changes, Limits, SourceRepository};

use crate::support::{Place, commit_all, commit_paths, committed, git_in, names, objects, some_time};

#[tokio::test]
async fn the_same_files_at_the_same_time_are_the_same_commit() {
    let (one, other) = (Place::folder(), Place::repository());
    let mut ids = Vec::new();
    for place in [&one, &other] {
        place.write("a.yaml", "a: 1\n");
        let mut source = place.source().await;
        ids.push(commit_all(&mut source).await.revision.commit);
    }
    assert_eq!(ids[0], ids[1]);
    let mut source = one.source().await;
    let later = some_time() + Duration::from_secs(1);
    let commit = source.commit(&Changes::Everything, later).await.expect("a commit");
    assert_ne!(commit.revision.commit, ids[0]);
}

#[tokio::test]
async fn a_save_that_changes_nothing_is_no_new_revision() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    let mut source = place.source().await;
    let first = commit_all(&mut source).await;
    assert!(first.is_new);
    let much_later = some_time() + Duration::from_hours(1);
    // The same bytes, written again.
    place.write("a.yaml", "a: 1\n");
    for changes in [
        Changes::Paths(vec!["a.yaml".into()]),
        Changes::Paths(Vec::new()),
        Changes::Everything,
    ] {
        let again = source.commit(&changes, much_later).await.expect("a commit");
        assert_eq!((again.revision, again.is_new), (first.revision.clone(), false));
    }
}

#[tokio::test]
async fn a_commit_holds_what_changed_and_only_that_is_looked_at() {
    let place = Place::repository();
    place.write("apps/web.yaml", "a: 1\n");
    place.write("apps/db.yaml", "a: 1\n");
    place.add_and_commit();
    let mut source = place.source().await;
    let first = commit_all(&mut source).await;
    place.write("apps/web.yaml", "a: 2\n");
    place.write("apps/db.yaml", "a: 2\n");
    place.write("apps/new.yaml", "a: 2\n");
    let second = commit_paths(&mut source, &[place.work.join("apps/web.yaml").as_str()]).await;
    assert!(second.is_new && second.revision != first.revision);
    let files = committed(&place, &source);
    assert_eq!(files["apps/web.yaml"], "100644 a: 2\n");
    assert_eq!(files["apps/db.yaml"], "100644 a: 1\n");
    assert_eq!(files.len(), 2);
    // A directory is all that is below it.
    commit_paths(&mut source, &["apps"]).await;
    let files = committed(&place, &source);
    assert!(
        files.values().all(|file| file == "100644 a: 2\n") && files.len() == 3,
        "{files:?}"
    );
}

#[tokio::test]
async fn what_is_gone_goes_and_what_becomes_something_else_is_that() {
    let place = Place::repository();
    for file in ["a.yaml", "b.yaml", "directory/one", "directory/two", "file", "keep"] {
        place.write(file, file);
    }
    place.add_and_commit();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    place.remove("a.yaml");
    place.remove("b.yaml");
    place.remove("file");
    place.write("file/inside", "now");
    std::fs::remove_dir_all(place.work.join("directory")).expect("it is there");
    place.write("directory", "now");
    commit_paths(&mut source, &["a.yaml", "b.yaml", "file/inside", "directory", "file"]).await;
    let files = committed(&place, &source);
    assert_eq!(names(&place, &source), ["directory", "file/inside", "keep"]);
    assert_eq!(files["directory"], "100644 now");
    // A whole directory that is said by the file that once was in it.
    std::fs::remove_dir_all(place.work.join("file")).expect("it is there");
    commit_paths(&mut source, &["file/inside"]).await;
    assert_eq!(names(&place, &source), ["directory", "keep"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_becomes_a_link_takes_its_files_along() {
    let place = Place::repository();
    place.write("old/a.yaml", "a: 1\n");
    place.write("new/a.yaml", "a: 1\n");
    place.add_and_commit();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    std::fs::remove_dir_all(place.work.join("old")).expect("it is there");
    std::os::unix::fs::symlink("new", place.work.join("old")).expect("a link");
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["new/a.yaml", "old"]);
}

/// What a save costs is counted in objects that are written, since each of them was hashed: the file, the directories
/// above it, the commit.
#[tokio::test]
async fn a_save_among_ten_thousand_files_writes_what_changed() {
    let place = Place::repository();
    for directory in 0..100 {
        for file in 0..100 {
            place.write(
                &format!("apps/{directory}/{file}.yaml"),
                &format!("number: {directory}-{file}\n"),
            );
        }
    }
    place.add_and_commit();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    // Trees and the commit; not one of the files, which the user's repository has.
    let first = objects(&source);
    assert!(first <= 103, "{first}");
    place.write("apps/7/7.yaml", "number: new\n");
    commit_paths(&mut source, &["apps/7/7.yaml"]).await;
    assert_eq!(objects(&source) - first, 5);
    // Nor does a look at everything read what did not change.
    place.write("apps/8/8.yaml", "number: new\n");
    commit_all(&mut source).await;
    assert_eq!(objects(&source) - first, 9);
    assert_eq!(names(&place, &source).len(), 10_000);
}

#[tokio::test]
async fn files_that_nobody_committed_are_written_once() {
    let place = Place::folder();
    for file in 0..200 {
        place.write(&format!("{file}.yaml"), &format!("number: {file}\n"));
    }
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(objects(&source), 202);
    place.write("7.yaml", "number: new\n");
    commit_all(&mut source).await;
    assert_eq!(objects(&source), 205);
}

/// What the sweep takes is older than ten minutes, so the objects are made that old.
#[tokio::test]
async fn what_was_replaced_is_swept_up_and_what_is_served_stays() {
    let place = Place::repository();
    place.write("committed.yaml", "a: 1\n");
    place.add_and_commit();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let old = std::time::SystemTime::now() - Duration::from_hours(1);
    for number in 0..500 {
        place.write("a.yaml", &format!("number: {number}\n"));
        if number == 498 {
            for (path, _) in crate::support::everything_in(&source.directory().join("objects")) {
                let file = std::fs::File::open(&path).expect("it is there");
                file.set_modified(old).expect("a time");
            }
        }
        commit_paths(&mut source, &["a.yaml"]).await;
    }
    // The commit, the tree and the file of each of the last two.
    let left = objects(&source);
    assert!(left <= 6, "{left}");
    assert_eq!(names(&place, &source), ["a.yaml", "committed.yaml"]);
    let sound = source.revision().expect("a commit").commit.clone();
    git_in(source.directory(), &["cat-file", "-e", &sound]);
    place.write("a.yaml", "number: 7\n");
    commit_paths(&mut source, &["a.yaml"]).await;
    assert_eq!(committed(&place, &source)["a.yaml"], "100644 number: 7\n");
}

/// Files come and go while a commit is made, as in a build or a checkout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_vanish_while_it_runs_are_no_error() {
    let place = Place::folder();
    place.write("keep.yaml", "a: 1\n");
    let mut source = place.source().await;
    let (stop, work) = (
        std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)),
        place.work.clone(),
    );
    let stopped = std::sync::Arc::clone(&stop);
    let restless = std::thread::spawn(move || {
        let mut number = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let directory = work.join(format!("d{}", number % 3));
            let _ = std::fs::create_dir_all(&directory);
            let _ = std::fs::write(directory.join(format!("{number}.tmp")), "x".repeat(1000));
            if number % 5 == 4 {
                let _ = std::fs::remove_dir_all(&directory);
            }
            number += 1;
        }
    });
    for _ in 0..30 {
        commit_all(&mut source).await;
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    restless.join().expect("it ends");
    for number in 0..3 {
        let _ = std::fs::remove_dir_all(place.work.join(format!("d{number}")));
    }
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["keep.yaml"]);
}

#[tokio::test]
async fn a_commit_that_is_given_up_loses_nothing() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    place.write("b.yaml", "b: 1\n");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    place.write("a.yaml", "a: 2\n");
    for polls in 1..12_u64 {
        // Dropped after a while, wherever it is by then.
        let changes = Changes::Paths(vec!["a.yaml".into()]);
        let commit = source.commit(&changes, some_time());
        let _ = tokio::time::timeout(Duration::from_micros(polls * 400), commit).await;
    }
    place.write("b.yaml", "b: 2\n");
    commit_paths(&mut source, &["b.yaml"]).await;
    let files = committed(&place, &source);
    assert_eq!(
        (files["a.yaml"].as_str(), files["b.yaml"].as_str()),
        ("100644 a: 2\n", "100644 b: 2\n")
    );
}

#[tokio::test]
async fn the_commit_is_found_under_every_name_it_is_given() {
    let place = Place::folder();
    place.write("a.yaml", "a: 1\n");
    let branch = RefName::branch("session").expect("a name");
    let mut source = SourceRepository::open(&place.work, &place.state, Some(branch), Limits::default())
        .await
        .expect("a source");
    // Before and after the first commit; and names that Git itself would not keep beside each other.
    for name in ["refs/heads/release", "refs/tags/v1.0.0"] {
        source
            .serve_as(RefName::full(name).expect("a name"))
            .expect("it is served");
    }
    commit_all(&mut source).await;
    for name in ["refs/heads/release/1.0", "refs/pull/420/head"] {
        source
            .serve_as(RefName::full(name).expect("a name"))
            .expect("it is served");
    }
    place.write("a.yaml", "a: 2\n");
    let commit = commit_all(&mut source).await.revision.commit;
    let served = git_in(source.directory(), &["show-ref", "--head"]);
    let expected: String = [
        "HEAD",
        "refs/heads/release",
        "refs/heads/release/1.0",
        "refs/heads/session",
        "refs/pull/420/head",
        "refs/tags/v1.0.0",
    ]
    .iter()
    .map(|name| format!("{commit} {name}\n"))
    .collect();
    assert_eq!(served, expected);
}
