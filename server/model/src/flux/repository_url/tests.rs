//! Tables of URLs that mean one repository and of some that do not, and the laws of an equivalence.

use proptest::prelude::*;

use super::*;

/// The URLs of a group all mean one repository, and none of them means another group's.
const GROUPS: &[&[&str]] = &[
    &[
        "https://github.com/fluxcd/flux2",
        "https://github.com/fluxcd/flux2.git",
        "https://github.com/fluxcd/flux2/",
        "https://github.com/fluxcd/flux2.git/",
        "https://github.com//fluxcd/flux2",
        "https://GitHub.com/fluxcd/flux2",
        "https://github.com./fluxcd/flux2",
        "https://github.com:443/fluxcd/flux2",
        "https://ann@github.com/fluxcd/flux2",
        "https://ann:secret@github.com/fluxcd/flux2.git",
        "https://ann:p@ss@github.com/fluxcd/flux2.git",
        "https://www.github.com/fluxcd/flux2",
        "http://github.com/fluxcd/flux2",
        "http://github.com:80/fluxcd/flux2",
        "HTTPS://github.com/fluxcd/flux2",
        "ssh://git@github.com/fluxcd/flux2",
        "ssh://git@github.com:22/fluxcd/flux2.git",
        "ssh://git@ssh.github.com:443/fluxcd/flux2.git",
        "git+ssh://git@github.com/fluxcd/flux2",
        "ssh+git://git@github.com/fluxcd/flux2",
        "git://github.com/fluxcd/flux2.git",
        "git://github.com:9418/fluxcd/flux2.git",
        "git@github.com:fluxcd/flux2.git",
        "git@github.com:fluxcd/flux2",
        "git@github.com:/fluxcd/flux2.git",
        "github.com:fluxcd/flux2.git",
        "https://github.com/FluxCD/Flux2",
        "  https://github.com/fluxcd/flux2\n",
    ],
    &[
        "https://github.com/fluxcd/flux2-example",
        "git@github.com:fluxcd/flux2-example.git",
    ],
    &["https://github.com/other/flux2"],
    &["https://gitlab.com/fluxcd/flux2"],
    // A forge of one's own: SSH has a port of its own, and names are as they are written.
    &[
        "https://git.example.com/team/sub/fleet.git",
        "ssh://git@git.example.com:2222/team/sub/fleet.git",
        "[git@git.example.com:2222]:team/sub/fleet",
        "git@[git.example.com:2222]:team/sub/fleet",
        "git@git.example.com:team/sub/fleet",
    ],
    &["https://git.example.com/Team/sub/fleet.git"],
    &["https://git.example.com/sub/fleet.git"],
    // Development servers.
    &[
        "http://localhost:3000/team/fleet",
        "http://localhost:3000/team/fleet.git",
    ],
    &["http://localhost:3001/team/fleet"],
    &["http://localhost/team/fleet"],
    &["http://127.0.0.1:3000/team/fleet"],
    &["http://[::1]:3000/team/fleet"],
    &[
        "http://[::1]/team/fleet",
        "ssh://git@[::1]:22/team/fleet",
        "git@[::1]:team/fleet",
    ],
    // The port of one scheme is not that of another.
    &["https://example.com:80/team/fleet"],
    &["https://example.com/a%20b/fleet", "https://example.com/a b/fleet"],
    &["https://example.com/100%/fleet"],
    &["https://example.com/tür/fleet", "https://example.com/t%C3%BCr/fleet"],
    &["git@example.com:~ann/fleet.git", "ssh://git@example.com/~ann/fleet.git"],
    &["https://example.com/fleet.git.git"],
    &["https://example.com/fleet"],
    &[
        "https://dev.azure.com/org/project/_git/fleet",
        "https://org@dev.azure.com/org/project/_git/fleet",
        "git@ssh.dev.azure.com:v3/org/project/fleet",
        "ssh://git@ssh.dev.azure.com/v3/org/project/fleet",
    ],
];

#[test]
fn urls_of_one_group_are_one_repository_and_those_of_two_are_not() {
    for (index, group) in GROUPS.iter().enumerate() {
        for one in *group {
            assert!(RepositoryUrl::parse(one).is_some(), "{one} is not read");
            for (other_index, other_group) in GROUPS.iter().enumerate() {
                for other in *other_group {
                    assert_eq!(same_repository(one, other), index == other_index, "{one} and {other}");
                }
            }
        }
    }
}

#[test]
fn what_names_no_host_or_no_path_is_no_repository() {
    for url in [
        "",
        " ",
        "/srv/git/fleet.git",
        "./fleet",
        "../fleet:2",
        "fleet",
        "C:\\repos\\fleet",
        "C:/repos/fleet",
        "file:///srv/git/fleet.git",
        "oci://ghcr.io/fluxcd/manifests",
        "https://github.com",
        "https://github.com/",
        "https://github.com/.git",
        "https:///fluxcd/flux2",
        "https://github.com:port/fluxcd/flux2",
        "https://github.com:99999/fluxcd/flux2",
        "git@github.com:",
        "git@[::1:fleet",
        "://",
        ":",
    ] {
        assert_eq!(RepositoryUrl::parse(url), None, "{url}");
        assert!(!same_repository(url, url), "{url}");
    }
}

#[test]
fn host_and_path_are_said_in_one_way() {
    let url = RepositoryUrl::parse("ssh://git@Git.Example.com:2222//team/fleet.git/").expect("a repository");
    assert_eq!((url.host(), url.path()), ("git.example.com", "team/fleet"));
}

fn some_url() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["https://", "http://", "ssh://", "git://", ""]);
    let user = prop::sample::select(vec!["", "git@", "ann:secret@"]);
    let host = prop::sample::select(vec![
        "github.com",
        "GITHUB.com",
        "git.example.com",
        "localhost",
        "[::1]",
    ]);
    let port = prop::sample::select(vec!["", ":22", ":80", ":443", ":2222", ":3000"]);
    let path = prop::sample::select(vec!["team/fleet", "Team/fleet", "team//fleet", "team/fl%65et", "fleet"]);
    let end = prop::sample::select(vec!["", ".git", "/", ".git/"]);
    (scheme, user, host, port, path, end).prop_map(|(scheme, user, host, port, path, end)| {
        if scheme.is_empty() {
            format!("{user}{host}:{path}{end}")
        } else {
            format!("{scheme}{user}{host}{port}/{path}{end}")
        }
    })
}

proptest! {
    #[test]
    fn it_is_an_equivalence(one in some_url(), two in some_url(), three in some_url()) {
        prop_assert!(same_repository(&one, &one));
        prop_assert_eq!(same_repository(&one, &two), same_repository(&two, &one));
        if same_repository(&one, &two) && same_repository(&two, &three) {
            prop_assert!(same_repository(&one, &three));
        }
    }

    #[test]
    fn decorations_change_nothing(url in some_url()) {
        let plain = url.trim_end_matches('/').trim_end_matches(".git");
        for decorated in [format!("{plain}.git"), format!("{plain}/"), format!(" {plain}")] {
            prop_assert!(same_repository(&url, &decorated), "{} and {}", url, decorated);
        }
    }

    #[test]
    fn no_text_makes_it_fail(text in ".*") {
        let _ = RepositoryUrl::parse(&text);
    }

    #[test]
    fn no_text_like_a_url_makes_it_fail(text in "[a-z:/@%.\\[\\]0-9~ü]{0,30}") {
        let _ = RepositoryUrl::parse(&text);
        let _ = RepositoryUrl::parse(&format!("https://{text}"));
    }
}
