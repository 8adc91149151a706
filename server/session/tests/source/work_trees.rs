//! What a work tree can be, and which of its files count.

use std::process::Command;

use gitops_model::flux::RepositoryUrl;

use crate::support::{Place, commit_all, committed, git_in, names, try_git_in};

#[tokio::test]
async fn a_folder_that_is_no_repository_goes_by_its_ignore_rules() {
    let place = Place::folder();
    place.write(".gitignore", "*.secret\n/build/\n");
    place.write("a.yaml", "a: 1\n");
    place.write("a.secret", "no");
    place.write("build/out.yaml", "no");
    place.write("deep/.gitignore", "!kept.secret\n");
    place.write("deep/kept.secret", "yes");
    let mut source = place.source().await;
    let commit = commit_all(&mut source).await;
    assert!(!source.is_in_a_repository());
    assert_eq!(
        names(&place, &source),
        [".gitignore", "a.yaml", "deep/.gitignore", "deep/kept.secret"]
    );
    assert_eq!(
        commit.revision.to_string(),
        format!("main@sha1:{}", commit.revision.commit)
    );
    assert_eq!(source.remotes().await.expect("none"), []);
    assert!(!place.work.join(".git").exists());
}

#[tokio::test]
async fn an_empty_folder_is_an_empty_commit() {
    let place = Place::folder();
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert!(names(&place, &source).is_empty());
}

#[tokio::test]
async fn a_part_of_a_repository_is_its_whole() {
    let place = Place::repository();
    place.write("clusters/staging/apps.yaml", "a: 1\n");
    place.write("apps/web.yaml", "a: 1\n");
    place.add_and_commit();
    place.git(&["checkout", "--quiet", "-b", "feature/one"]);
    let mut source = place.source_of("clusters/staging").await.expect("a source");
    let commit = commit_all(&mut source).await;
    assert_eq!(
        (source.root(), source.prefix().as_str()),
        (place.work.as_path(), "clusters/staging")
    );
    assert_eq!(names(&place, &source), ["apps/web.yaml", "clusters/staging/apps.yaml"]);
    assert_eq!(
        commit.revision.to_string(),
        format!("feature/one@sha1:{}", commit.revision.commit)
    );
}

#[tokio::test]
async fn a_folder_that_the_repository_around_it_ignores_is_on_its_own() {
    let place = Place::repository();
    place.write(".gitignore", "target/\n");
    place.write("a.yaml", "a: 1\n");
    place.write("target/workspace/b.yaml", "b: 1\n");
    place.add_and_commit();
    let mut source = place.source_of("target/workspace").await.expect("a source");
    commit_all(&mut source).await;
    assert!(!source.is_in_a_repository());
    assert_eq!(names(&place, &source), ["b.yaml"]);
}

#[tokio::test]
async fn all_of_gits_ignore_rules_hold_and_tracked_files_count() {
    let place = Place::repository();
    place.write(".gitignore", "*.generated\n");
    place.write("tracked.generated", "a: 1\n");
    place.git(&["add", "--force", "tracked.generated", ".gitignore"]);
    place.git(&["commit", "--quiet", "--message", "a commit"]);
    place.write("tracked.generated", "a: 2\n");
    place.write("other.generated", "no");
    place.write(".git/info/exclude", "excluded.yaml\n");
    place.write("excluded.yaml", "no");
    std::fs::write(place.beside.join("mine"), "*.mine\n").expect("a file");
    place.git(&["config", "core.excludesFile", place.beside.join("mine").as_str()]);
    place.write("notes.mine", "no");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), [".gitignore", "tracked.generated"]);
    assert_eq!(committed(&place, &source)["tracked.generated"], "100644 a: 2\n");

    // Rules and what is tracked may change later. A change of the user's index is seen with the next save of any file.
    place.git(&["add", "--force", "notes.mine"]);
    place.git(&["rm", "--cached", "--quiet", "tracked.generated"]);
    crate::support::commit_paths(&mut source, &["missing.yaml"]).await;
    assert_eq!(names(&place, &source), [".gitignore", "notes.mine"]);
    place.write(".git/info/exclude", "");
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), [".gitignore", "excluded.yaml", "notes.mine"]);
}

#[tokio::test]
async fn a_file_that_a_new_rule_ignores_goes() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    place.write("local.yaml", "a: 1\n");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["a.yaml", "local.yaml"]);
    place.write(".gitignore", "local.yaml\n");
    crate::support::commit_paths(&mut source, &[".gitignore"]).await;
    assert_eq!(names(&place, &source), [".gitignore", "a.yaml"]);
}

#[tokio::test]
async fn in_the_middle_of_a_merge_the_files_go_as_they_are() {
    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    place.write("gone.yaml", "a: 1\n");
    place.add_and_commit();
    place.git(&["checkout", "--quiet", "-b", "theirs"]);
    place.write("a.yaml", "a: theirs\n");
    place.write("gone.yaml", "a: theirs\n");
    place.add_and_commit();
    place.git(&["checkout", "--quiet", "main"]);
    place.write("a.yaml", "a: ours\n");
    place.remove("gone.yaml");
    place.add_and_commit();
    assert!(!try_git_in(&place.work, &["merge", "theirs"]).status.success());
    place.remove("gone.yaml");
    let status = place.git(&["--no-optional-locks", "status", "--porcelain"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = committed(&place, &source);
    assert_eq!(names(&place, &source), ["a.yaml"]);
    assert!(files["a.yaml"].contains("<<<<<<<"), "{files:?}");
    assert_eq!(place.git(&["--no-optional-locks", "status", "--porcelain"]), status);
}

#[tokio::test]
async fn a_submodule_is_the_commit_that_is_checked_out() {
    let library = Place::repository();
    library.write("base.yaml", "a: 1\n");
    library.add_and_commit();
    let place = Place::repository();
    place.git(&["submodule", "--quiet", "add", library.work.as_str(), "library"]);
    place.write("a.yaml", "a: 1\n");
    place.add_and_commit();
    let before = place.git(&["rev-parse", "HEAD:library"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), [".gitmodules", "a.yaml", "library"]);
    assert_eq!(
        committed(&place, &source)["library"],
        format!("160000 {}", before.trim())
    );

    let submodule = place.work.join("library");
    std::fs::write(submodule.join("new.yaml"), "b: 1\n").expect("a file");
    git_in(&submodule, &["add", "--all"]);
    git_in(&submodule, &["commit", "--quiet", "--message", "another"]);
    let after = git_in(&submodule, &["rev-parse", "HEAD"]);
    commit_all(&mut source).await;
    assert_eq!(
        committed(&place, &source)["library"],
        format!("160000 {}", after.trim())
    );

    // One that is not checked out stays as it is recorded.
    place.git(&["submodule", "--quiet", "deinit", "--force", "library"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(
        committed(&place, &source)["library"],
        format!("160000 {}", before.trim())
    );
}

#[tokio::test]
async fn linked_work_trees_split_indexes_and_repositories_without_a_commit_are_work_trees() {
    let place = Place::repository();
    place.write("new.yaml", "a: 1\n");
    place.git(&["add", "new.yaml"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["new.yaml"]);

    place.write("tracked.generated", "a: 1\n");
    place.write(".gitignore", "*.generated\n");
    place.git(&["add", "--force", "--all"]);
    place.git(&["add", "--force", "tracked.generated"]);
    place.git(&["commit", "--quiet", "--message", "a commit"]);
    place.git(&["update-index", "--split-index"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let all = [".gitignore", "new.yaml", "tracked.generated"];
    assert_eq!(names(&place, &source), all);

    place.git(&["update-index", "--no-split-index"]);
    place.git(&["worktree", "add", "--quiet", "../work/linked", "-b", "linked"]);
    let mut source = place.source_of("linked").await.expect("a source");
    commit_all(&mut source).await;
    assert_eq!(source.root(), place.work.join("linked"));
    assert_eq!(names(&place, &source), all);
}

#[tokio::test]
async fn what_a_sparse_checkout_has_not_is_there_and_what_the_index_looks_away_from_is_as_it_is_saved() {
    let place = Place::repository();
    for file in ["apps/a.yaml", "infra/b.yaml", "assumed.yaml", "skipped.yaml"] {
        place.write(file, "a: 1\n");
    }
    place.add_and_commit();
    place.git(&["update-index", "--assume-unchanged", "assumed.yaml"]);
    place.git(&["update-index", "--skip-worktree", "skipped.yaml"]);
    place.write("assumed.yaml", "a: 2\n");
    place.write("skipped.yaml", "a: 2\n");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = committed(&place, &source);
    assert_eq!(files["assumed.yaml"], "100644 a: 2\n");
    assert_eq!(files["skipped.yaml"], "100644 a: 2\n");

    for settings in [&["--cone"][..], &["--cone", "--sparse-index"]] {
        let mut arguments = vec!["sparse-checkout", "set"];
        arguments.extend(settings);
        arguments.push("apps");
        place.git(&arguments);
        assert!(!place.work.join("infra/b.yaml").exists());
        let mut source = place.source().await;
        commit_all(&mut source).await;
        let files = committed(&place, &source);
        assert_eq!(files["infra/b.yaml"], "100644 a: 1\n");
        assert_eq!(files.len(), 4, "{files:?}");
    }
}

/// What such a clone has not, only its origin has, and nobody is asked for it.
#[tokio::test]
async fn of_a_partial_clone_goes_what_is_there() {
    let origin = Place::repository();
    origin.write("apps/a.yaml", "a: 1\n");
    origin.write("infra/b.yaml", "a: 1\n");
    origin.add_and_commit();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let place = Place::folder();
    let url = format!("file://{}", origin.work);
    place.git(&["clone", "--quiet", "--filter=blob:none", "--sparse", &url, "."]);
    place.git(&["sparse-checkout", "set", "apps"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["apps/a.yaml"]);
    assert_eq!(committed(&place, &source)["apps/a.yaml"], "100644 a: 1\n");
}

/// Flux reads only SHA-1, whatever the user's repository has.
#[tokio::test]
async fn a_repository_with_sha_256_is_committed_with_sha_1() {
    let place = Place::folder();
    place.git(&["init", "--quiet", "--initial-branch=main", "--object-format=sha256"]);
    place.write("a.yaml", "a: 1\n");
    place.add_and_commit();
    let mut source = place.source().await;
    let commit = commit_all(&mut source).await;
    assert_eq!(commit.revision.commit.len(), 40);
    assert_eq!(names(&place, &source), ["a.yaml"]);
}

#[tokio::test]
async fn line_ends_are_those_that_a_commit_would_have() {
    let place = Place::repository();
    place.write(".gitattributes", "*.txt text\n*.crlf -text\n");
    place.write("a.txt", "a\r\nb\r\n");
    place.write("a.crlf", "a\r\nb\r\n");
    place.write("a.yaml", "a: 1\r\n");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = committed(&place, &source);
    assert_eq!(files["a.txt"], "100644 a\nb\n");
    assert_eq!(files["a.crlf"], "100644 a\r\nb\r\n");
    assert_eq!(files["a.yaml"], "100644 a: 1\r\n");

    place.git(&["config", "core.autocrlf", "true"]);
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(committed(&place, &source)["a.yaml"], "100644 a: 1\n");
}

#[tokio::test]
async fn remotes_are_as_git_resolves_them() {
    let place = Place::repository();
    place.git(&["remote", "add", "origin", "git@github.com:team/fleet.git"]);
    place.git(&["remote", "add", "fork", "work:fleet"]);
    place.git(&["config", "url.https://git.example.com/team/.insteadOf", "work:"]);
    let source = place.source().await;
    let expected = ["https://git.example.com/team/fleet", "https://github.com/team/fleet"];
    let expected: Vec<_> = expected.into_iter().filter_map(RepositoryUrl::parse).collect();
    assert_eq!(source.remotes().await.expect("remotes"), expected);
}

#[tokio::test]
async fn state_inside_of_the_work_tree_is_not_part_of_it() {
    let mut place = Place::folder();
    place.write("a.yaml", "a: 1\n");
    place.state = place.work.join("of session");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    assert_eq!(names(&place, &source), ["a.yaml"]);
}

#[tokio::test]
async fn only_the_owner_can_read_the_sessions_repository() {
    let place = Place::folder();
    let source = place.source().await;
    assert!(source.directory().starts_with(&place.state));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&place.state)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    // And it is a sound repository.
    let check = Command::new("git")
        .args(["fsck", "--strict"])
        .current_dir(source.directory())
        .output()
        .expect("git runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}
