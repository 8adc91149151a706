//! Real clients of the server.

use std::process::Output;
use std::time::Duration;

use camino::Utf8PathBuf;
use gitops_model::flux::RefName;
use gitops_session::source::{AccessToken, ServerBounds, SourceRepository, SourceServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Place, commit_all, try_git_in};

struct Serving {
    place: Place,
    source: SourceRepository,
    server: SourceServer,
    token: AccessToken,
}

async fn serving_with(place: Place, bounds: ServerBounds) -> Serving {
    let mut source = place.source().await;
    commit_all(&mut source).await;
    let token = AccessToken::random().expect("a token");
    let server = SourceServer::start(&source, token.clone(), None, bounds)
        .await
        .expect("a server");
    Serving {
        place,
        source,
        server,
        token,
    }
}

async fn serving() -> Serving {
    let place = Place::repository();
    place.write("committed.yaml", "a: 1\n");
    place.add_and_commit();
    place.write("saved.yaml", "b: 1\n");
    serving_with(place, ServerBounds::default()).await
}

impl Serving {
    fn bearer(&self) -> String {
        format!("http.extraHeader=Authorization: Bearer {}", self.token.reveal())
    }

    async fn git(&self, arguments: &[&str]) -> Output {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let beside = self.place.beside.clone();
        tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            try_git_in(&beside, &arguments)
        })
        .await
        .expect("it runs")
    }

    async fn clone(&self, into: &str, more: &[&str]) -> Utf8PathBuf {
        let (bearer, url) = (self.bearer(), self.server.url());
        let mut arguments = vec!["-c", &bearer, "clone", "--quiet"];
        arguments.extend(more);
        arguments.extend([url.as_str(), into]);
        let output = self.git(&arguments).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.place.beside.join(into)
    }

    /// One request as it is, and the whole answer.
    async fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port()))
            .await
            .expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it is read");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn status_of(&self, first_line: &str) -> String {
        let token = self.token.reveal();
        let answer = self
            .say(&format!(
                "{first_line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ))
            .await;
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_clone_has_what_is_saved() {
    let mut serving = serving().await;
    let clone = serving.clone("one", &[]).await;
    assert_eq!(
        std::fs::read_to_string(clone.join("committed.yaml")).expect("it is there"),
        "a: 1\n"
    );
    assert_eq!(
        std::fs::read_to_string(clone.join("saved.yaml")).expect("it is there"),
        "b: 1\n"
    );

    // A next save is a next fetch, in every version of the protocol.
    serving.place.write("saved.yaml", "b: 2\n");
    let commit = commit_all(&mut serving.source).await.revision.commit;
    for (version, into) in [("0", "zero"), ("1", "one-again"), ("2", "two")] {
        let version = format!("protocol.version={version}");
        let clone = serving.clone(into, &["-c", &version, "--depth=1"]).await;
        assert_eq!(
            std::fs::read_to_string(clone.join("saved.yaml")).expect("it is there"),
            "b: 2\n"
        );
        assert_eq!(crate::support::git_in(&clone, &["rev-parse", "HEAD"]).trim(), commit);
    }
}

#[tokio::test]
async fn it_can_be_fetched_by_every_name() {
    let mut serving = serving().await;
    for name in ["refs/heads/release", "refs/heads/release/1.0", "refs/tags/v1.0.0"] {
        let name = RefName::full(name).expect("a name");
        serving.source.serve_as(name).expect("it is served");
    }
    for name in ["main", "release", "release/1.0", "v1.0.0"] {
        let into = name.replace('/', "-");
        let clone = serving
            .clone(&into, &["--single-branch", "--depth=1", "--branch", name])
            .await;
        assert!(clone.join("saved.yaml").exists(), "{name}");
    }
}

#[tokio::test]
async fn without_the_token_nobody_gets_in() {
    let serving = serving().await;
    let url = serving.server.url();
    for credentials in ["", "git:wrong@", ":@"] {
        let url = url.replace("http://", &format!("http://{credentials}"));
        let output = serving.git(&["clone", "--quiet", &url, "refused"]).await;
        assert!(!output.status.success());
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            complaint.contains("Authentication failed") || complaint.contains("could not read"),
            "{complaint}"
        );
    }
    // As a password it is as good as a bearer token.
    let url = url.replace("http://", &format!("http://git:{}@", serving.token.reveal()));
    let output = serving.git(&["clone", "--quiet", &url, "let-in"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let refused = serving
        .say("GET /session.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert!(refused.to_lowercase().contains("www-authenticate: basic"), "{refused}");
    assert!(!refused.contains(serving.token.reveal()));
}

#[tokio::test]
async fn nothing_can_be_pushed_and_nothing_else_can_be_read() {
    let serving = serving().await;
    let clone = serving.clone("one", &[]).await;
    let directory = clone.to_string();
    let bearer = serving.bearer();
    let output = serving
        .git(&[
            "-C",
            &directory,
            "-c",
            &bearer,
            "push",
            "origin",
            "HEAD:refs/heads/pushed",
        ])
        .await;
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("403"), "{output:?}");

    std::fs::write(serving.place.state.join("secret"), "secret").expect("a file");
    for path in [
        "GET /session.git/HEAD",
        "GET /session.git/config",
        "GET /session.git/objects/info/packs",
        "GET /session.git/../secret",
        "GET /../secret",
        "GET /session.git/%2e%2e/secret",
        "GET /secret",
        "GET /work/.git/info/refs?service=git-upload-pack",
        "GET /../work/.git/info/refs?service=git-upload-pack",
        "GET /session.git/..%2f..%2fwork/.git/info/refs?service=git-upload-pack",
        "GET //session.git/info/refs?service=git-upload-pack",
        "GET /session.git/info/refs",
        "PUT /session.git/info/refs?service=git-upload-pack",
    ] {
        assert_eq!(serving.status_of(path).await, "HTTP/1.1 404 Not Found", "{path}");
    }
    assert_eq!(
        serving
            .status_of("GET /session.git/info/refs?service=git-receive-pack")
            .await,
        "HTTP/1.1 403 Forbidden"
    );
    assert_eq!(
        serving.status_of("POST /session.git/git-receive-pack").await,
        "HTTP/1.1 403 Forbidden"
    );
}

#[tokio::test]
async fn odd_requests_are_refused() {
    let serving = serving().await;
    let token = serving.token.reveal();
    let head = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n");
    let huge = serving
        .say(&format!(
            "POST /session.git/git-upload-pack HTTP/1.1\r\n{head}Content-Length: 99999999999\r\n\r\n"
        ))
        .await;
    assert!(huge.starts_with("HTTP/1.1 413 "), "{huge}");
    let wrong_type = serving.status_of("POST /session.git/git-upload-pack").await;
    assert_eq!(wrong_type, "HTTP/1.1 415 Unsupported Media Type");
    let nonsense = serving
        .say(&format!(
            "POST /session.git/git-upload-pack HTTP/1.1\r\n{head}Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 8\r\n\r\nnonsense"
        ))
        .await;
    // Whatever it is called, it is the end of this request alone.
    assert!(nonsense.starts_with("HTTP/1.1 "), "{nonsense}");
    assert_eq!(
        serving
            .status_of("GET /session.git/info/refs?service=git-upload-pack")
            .await,
        "HTTP/1.1 200 OK"
    );
}

#[tokio::test]
async fn many_fetch_at_once_and_those_that_wait_too_long_are_told() {
    let place = Place::repository();
    for number in 0..200 {
        place.write(&format!("{number}.yaml"), &format!("number: {number}\n").repeat(1000));
    }
    let bounds = ServerBounds {
        side_by_side: 2,
        ..ServerBounds::default()
    };
    let serving = serving_with(place, bounds).await;
    let names: Vec<String> = (0..12).map(|number| format!("clone-{number}")).collect();
    let clones = futures::future::join_all(names.iter().map(|name| serving.clone(name, &["--depth=1"]))).await;
    for clone in clones {
        assert!(clone.join("199.yaml").exists());
    }

    // One that takes its request and does not go on holds its place.
    let bounds = ServerBounds {
        side_by_side: 1,
        wait: Duration::from_millis(1),
        ..ServerBounds::default()
    };
    let serving = serving_with(Place::folder(), bounds).await;
    let token = serving.token.reveal();
    let mut slow = TcpStream::connect(("127.0.0.1", serving.server.port()))
        .await
        .expect("it listens");
    let request = format!(
        "POST /session.git/git-upload-pack HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: 100\r\n\r\n0"
    );
    slow.write_all(request.as_bytes()).await.expect("it is read");
    let busy = loop {
        let status = serving
            .status_of("GET /session.git/info/refs?service=git-upload-pack")
            .await;
        if status != "HTTP/1.1 200 OK" {
            break status;
        }
    };
    assert_eq!(busy, "HTTP/1.1 503 Service Unavailable");
    drop(slow);
    // Its place is free again when it is gone.
    while serving
        .status_of("GET /session.git/info/refs?service=git-upload-pack")
        .await
        != "HTTP/1.1 200 OK"
    {}
}

/// A fetch sees one commit or the next, and never a part of one; and it gets the one that it was told of at its
/// beginning, in the old version of the protocol, too, which is the one that Flux speaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_and_saves_do_not_disturb_each_other() {
    let mut serving = serving().await;
    let save = async |serving: &mut Serving, number: usize| {
        for file in ["one.yaml", "two.yaml"] {
            serving.place.write(file, &format!("number: {number}\n"));
        }
        commit_all(&mut serving.source).await;
    };
    save(&mut serving, 0).await;
    let (bearer, url, beside) = (serving.bearer(), serving.server.url(), serving.place.beside.clone());
    let clones = tokio::task::spawn_blocking(move || {
        for number in 0..9 {
            let (into, version) = (format!("clone-{number}"), format!("protocol.version={}", number % 3));
            let output = try_git_in(
                &beside,
                &[
                    "-c",
                    &bearer,
                    "-c",
                    &version,
                    "clone",
                    "--quiet",
                    "--depth=1",
                    &url,
                    &into,
                ],
            );
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let read = |file: &str| std::fs::read_to_string(beside.join(&into).join(file)).expect("it is there");
            assert_eq!(read("one.yaml"), read("two.yaml"));
        }
    });
    let mut number = 1;
    while !clones.is_finished() {
        save(&mut serving, number).await;
        number += 1;
    }
    clones.await.expect("all were whole");
}

#[tokio::test]
async fn a_repository_that_is_gone_is_said() {
    let serving = serving().await;
    std::fs::remove_dir_all(serving.source.directory()).expect("it is there");
    let output = serving
        .git(&[
            "-c",
            &serving.bearer(),
            "clone",
            "--quiet",
            &serving.server.url(),
            "none",
        ])
        .await;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("not found"), "{complaint}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_off() {
    let bounds = ServerBounds {
        exchange: Duration::from_millis(300),
        ..ServerBounds::default()
    };
    let serving = serving_with(Place::folder(), bounds).await;
    let token = serving.token.reveal();
    let answer = serving
        .say(&format!(
            "POST /session.git/git-upload-pack HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: 100\r\n\r\n0"
        ))
        .await;
    assert!(!answer.contains("200 OK") || !answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn after_it_stopped_nothing_listens_and_it_can_be_put_back() {
    let serving = serving().await;
    let (port, url) = (serving.server.port(), serving.server.url());
    serving.server.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    let server = SourceServer::start(
        &serving.source,
        serving.token.clone(),
        Some(port),
        ServerBounds::default(),
    )
    .await
    .expect("its old place");
    assert_eq!(server.url(), url);
    let error = SourceServer::start(
        &serving.source,
        serving.token.clone(),
        Some(port),
        ServerBounds::default(),
    )
    .await;
    assert!(error.is_err());
}
