//! Files of every kind and name.

use gitops_session::source::LeftOut;

use crate::support::{Place, commit_all, commit_paths, committed, names};

#[tokio::test]
async fn every_name_goes() {
    let place = Place::repository();
    let odd = [
        "with space.yaml",
        "größe/übung.yaml",
        "日本語.yaml",
        "tab\tand\nnewline.yaml",
        "quote\"and'apostrophe.yaml",
        "-rf",
        ":(top)magic",
        "*.yaml",
        "[brackets].yaml",
        "back\\slash.yaml",
        "trailing space ",
        "#comment",
        "!not",
        "deep/er/and/deeper/file.yaml",
    ];
    for name in odd {
        place.write(name, name);
    }
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = committed(&place, &source);
    assert_eq!(files.len(), odd.len());
    for name in odd {
        assert_eq!(files[name], format!("100644 {name}"));
    }
    // Each can be said by its name, and means itself alone.
    for name in odd {
        place.write(name, &format!("{name} again"));
        commit_paths(&mut source, &[name]).await;
        assert_eq!(committed(&place, &source)[name], format!("100644 {name} again"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_not_text_goes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let place = Place::folder();
    let name = OsStr::from_bytes(b"latin-\xe9.yaml");
    std::fs::write(place.work.as_std_path().join(name), "a: 1\n").expect("a file");
    let mut source = place.source().await;
    let committed = commit_all(&mut source).await;
    assert_eq!(committed.left_out, []);
    let listing = std::process::Command::new("git")
        .args(["ls-tree", "-z", "--name-only", &committed.revision.commit])
        .current_dir(source.directory())
        .output()
        .expect("git runs");
    assert_eq!(listing.stdout, b"latin-\xe9.yaml\0");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_executable_bits_are_kept_and_empty_directories_are_not() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let place = Place::repository();
    place.write("apps/web.yaml", "a: 1\n");
    place.write("run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(place.work.join("run.sh"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    symlink("apps", place.work.join("link")).expect("a link");
    symlink("/nowhere", place.work.join("dangling")).expect("a link");
    std::fs::create_dir(place.work.join("empty")).expect("a directory");
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let files = committed(&place, &source);
    assert_eq!(files["run.sh"], "100755 #!/bin/sh\n");
    assert_eq!(files["link"], "120000 apps");
    assert_eq!(files["dangling"], "120000 /nowhere");
    assert_eq!(names(&place, &source), ["apps/web.yaml", "dangling", "link", "run.sh"]);

    // A file is saved under the name that the editor knows it by.
    place.write("link/web.yaml", "a: 2\n");
    commit_paths(&mut source, &["link/web.yaml"]).await;
    assert_eq!(committed(&place, &source)["apps/web.yaml"], "100644 a: 2\n");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_or_cannot_be_read_is_left_out_and_said() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::repository();
    place.write("a.yaml", "a: 1\n");
    place.write("secret.yaml", "a: 1\n");
    place.write("socket", "once a file");
    place.add_and_commit();
    place.remove("socket");
    place.write("secret.yaml", "b: 22\n");
    std::fs::set_permissions(place.work.join("secret.yaml"), std::fs::Permissions::from_mode(0o000)).expect("a mode");
    let may_read_anything = std::fs::read(place.work.join("secret.yaml")).is_ok();
    std::os::unix::net::UnixListener::bind(place.work.join("socket")).expect("a socket");
    place.write("other/file", "a: 1\n");
    crate::support::git_in(&place.work.join("other"), &["init", "--quiet"]);
    let mut source = place.source().await;
    let commit = commit_all(&mut source).await;
    let left_out: Vec<&str> = commit.left_out.iter().map(|(name, _)| name.as_str()).collect();
    if may_read_anything {
        // The superuser may.
        assert_eq!(left_out, ["other/", "socket"]);
        assert_eq!(names(&place, &source), ["a.yaml", "secret.yaml"]);
    } else {
        assert_eq!(left_out, ["other/", "secret.yaml", "socket"]);
        assert_eq!(names(&place, &source), ["a.yaml"]);
    }
    assert!(commit.left_out.contains(&("other/".to_owned(), LeftOut::Repository)));
}
