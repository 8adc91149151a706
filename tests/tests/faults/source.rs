//! The session's source is cut off: no file can be opened any more, so that nothing can be committed and nobody can fetch.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use gitops_tests::repository::APPS;
use gitops_tests::server::{Phase, TestServer};
use serde_json::{Value, json};

use crate::{config_map, message_of};

const FILE: &str = "apps/level.yaml";

/// Sets how many files a process may have open. What is open stays open.
fn let_open(process: u32, files: &str) {
    // util-linux, which every Debian has.
    let status = Command::new("prlimit")
        .args(["--pid", &process.to_string(), &format!("--nofile={files}:")])
        .status()
        .expect("prlimit is there");
    assert!(status.success(), "the limit of {process} is not set");
}

#[test]
fn what_was_saved_while_the_source_was_cut_off_reaches_flux_when_it_is_back() {
    let server = TestServer::builder().build();
    server.write("clusters/lab/apps.yaml", APPS);
    server.write(FILE, config_map("level", "low"));
    let started = server.start_session(json!({ "target": "clusters/lab" }));
    let cluster = server.cluster(&started);
    server.open(FILE);
    let save = |value: &str| {
        server.retype(FILE, &config_map("level", value));
        let before = server.generation(FILE);
        (server.save(FILE), before + 1)
    };
    let (mark, generation) = save("middle");
    assert!(server.wait_for_verdict(FILE, Phase::Flux, mark, generation).ok);
    let repository = cluster
        .get(
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            Some("flux-system"),
            "flux-system",
        )
        .expect("the session's source is on the sandbox");
    let url = repository["spec"]["url"].as_str().expect("a URL");
    let address: SocketAddr = url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .expect("an address")
        .parse()
        .expect("an address");

    let mark = server.client.mark();
    let_open(server.id(), "8");
    let (saved, generation) = save("high");
    server.wait_for_status(mark, |status| message_of(status).contains("Too many open files"));
    // Whoever wants to fetch now waits, until the server gives its place up.
    let waiting = TcpStream::connect(address).expect("somebody listens");
    server.wait_for_status(mark, |status| message_of(status).contains("was cut off"));
    drop(waiting);

    let mark = server.client.mark();
    let_open(server.id(), "4096");
    server.wait_for_status(mark, |status| status["message"].is_null());
    assert!(server.wait_for_verdict(FILE, Phase::Flux, saved, generation).ok);
    let live = cluster.get("v1", "ConfigMap", Some("default"), "level");
    assert_eq!(live.expect("it is there")["data"]["key"], Value::from("high"));
    TcpStream::connect(address).expect("it listens at the same place");
    server.assert_sound();
}
