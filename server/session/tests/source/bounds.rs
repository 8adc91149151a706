//! What is too much.

use std::time::Duration;

use gitops_session::source::{Changes, LeftOut, Limits, SourceRepository};

use crate::support::{Place, names, some_time};

async fn with(place: &Place, limits: Limits) -> SourceRepository {
    SourceRepository::open(&place.work, &place.state, None, limits)
        .await
        .expect("a source")
}

async fn complaint(place: &Place, limits: Limits) -> String {
    let mut source = with(place, limits).await;
    let answer = source.commit(&Changes::Everything, some_time()).await;
    answer.expect_err("it is too much").to_string()
}

/// Sparse files: as large as they say, and no load for the disk.
fn write_large(place: &Place, name: &str, bytes: u64) {
    place.write(name, "");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(place.work.join(name))
        .expect("a file");
    file.set_len(bytes).expect("a length");
}

/// A session that ends takes its directory with it, also from whoever has just begun to work in it.
#[tokio::test]
async fn a_directory_that_is_gone_is_not_made_again() {
    let place = Place::repository();
    place.write("apps.yaml", "kind: x\n");
    let gone = place.state.join("sandbox");
    let opened = SourceRepository::open(&place.work, &gone.join("source"), None, Limits::default()).await;
    assert!(opened.is_err());
    assert!(!gone.exists(), "{gone} is there again");
}

#[tokio::test]
async fn of_a_large_work_tree_only_what_is_wanted_goes() {
    let place = Place::repository();
    place.write(".gitignore", "/data/\n*.img\n");
    for number in 0..9 {
        write_large(&place, &format!("data/{number}.bin"), 100 * 1024 * 1024);
    }
    write_large(&place, "disk.img", 100 * 1024 * 1024);
    for number in 0..100 {
        place.write(
            &format!("manifests/{number}.yaml"),
            &format!("number: {number}\n").repeat(70_000),
        );
    }
    let mut source = with(&place, Limits::default()).await;
    let commit = source
        .commit(&Changes::Everything, some_time())
        .await
        .expect("a commit");
    assert_eq!(commit.left_out, []);
    assert_eq!(names(&place, &source).len(), 101);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_left_out_and_said() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    write_large(&place, "core", 2_000_000);
    let limits = Limits {
        file_bytes: 1_000_000,
        ..Limits::default()
    };
    let mut source = with(&place, limits).await;
    let commit = source
        .commit(&Changes::Everything, some_time())
        .await
        .expect("a commit");
    assert_eq!(commit.left_out, [("core".to_owned(), LeftOut::TooLarge(2_000_000))]);
    assert_eq!(names(&place, &source), ["a.yaml"]);
    // A commit that does not look at it still says so, until it is gone.
    place.write("a.yaml", "a: 2\n");
    let commit = crate::support::commit_paths(&mut source, &["a.yaml"]).await;
    assert_eq!(commit.left_out.len(), 1);
    place.remove("core");
    let commit = crate::support::commit_paths(&mut source, &["core"]).await;
    assert_eq!(commit.left_out, []);
}

#[tokio::test]
async fn too_much_is_an_error_that_says_where() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    for number in 0..20 {
        place.write(&format!("node_modules/{number}.js"), &"x".repeat(1000));
    }
    let few = Limits {
        files: 10,
        ..Limits::default()
    };
    assert_eq!(
        complaint(&place, few).await,
        "21 files are new or changed, more than 10, most of them in node_modules; name in .gitignore what does not belong"
    );
    let small = Limits {
        bytes: 10_000,
        ..Limits::default()
    };
    assert_eq!(
        complaint(&place, small).await,
        "new and changed files have 20005 bytes, more than 10000, most of them in node_modules; name in .gitignore what does not belong"
    );
}

#[tokio::test]
async fn it_goes_on_when_what_was_too_much_is_ignored() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    for number in 0..20 {
        place.write(&format!("node_modules/{number}.js"), "x");
    }
    let few = Limits {
        files: 10,
        ..Limits::default()
    };
    let mut source = with(&place, few).await;
    assert!(source.commit(&Changes::Everything, some_time()).await.is_err());
    assert_eq!(source.revision(), None);
    place.write(".gitignore", "node_modules/\n");
    crate::support::commit_paths(&mut source, &[".gitignore"]).await;
    assert_eq!(names(&place, &source), [".gitignore", "a.yaml"]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let place = Place::repository();
    let limits = Limits {
        call: Duration::from_nanos(1),
        ..Limits::default()
    };
    let error = SourceRepository::open(&place.work, &place.state, None, limits).await;
    let error = error.expect_err("no time").to_string();
    // Which call it is depends on how fast the first ones are.
    assert!(
        error.starts_with("git ") && error.ends_with(" was ended after 0 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let place = Place::folder();
    let error = place
        .source_of("nowhere")
        .await
        .expect_err("it is not there")
        .to_string();
    assert!(error.contains("nowhere"), "{error}");
}
