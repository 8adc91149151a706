//! From the start of the process to the answer to `initialize`.

use std::io::BufReader;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::samples::{Samples, milliseconds};
use super::table::{Goal, Row};
use crate::binary::gitops_lsp;
use crate::frame;
use crate::server::full_client;

const ROUNDS: usize = 40;

/// Starts our server again and again, and `true` beside it.
pub fn measure() -> Vec<Row> {
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    // The first of each brings its program from the disk.
    start_server();
    start_true();
    for _ in 0..ROUNDS {
        floor.push(start_true());
        ours.push(start_server());
    }
    vec![Row {
        work: "process start → initialize answered".to_owned(),
        measured: ours.show(),
        against: format!("start and end of `true`: {}", milliseconds(floor.median())),
        ratio: ours.median() / floor.median(),
        goal: Goal::at_most(ours.median(), 50.0, "50 ms"),
    }]
}

fn start_server() -> Duration {
    let params = json!({ "processId": std::process::id(), "rootUri": null, "capabilities": full_client() });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let program = gitops_lsp();
    let began = Instant::now();
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("gitops-lsp starts");
    let mut input = child.stdin.take().expect("piped");
    frame::write(&mut input, &request).expect("it reads");
    let answer = frame::read(&mut BufReader::new(child.stdout.take().expect("piped"))).expect("it writes");
    let elapsed = began.elapsed();
    assert!(
        answer.is_some_and(|answer| answer["result"]["capabilities"].is_object()),
        "initialize is answered"
    );
    drop(input);
    child.wait().expect("it ends with its input");
    elapsed
}

fn start_true() -> Duration {
    let began = Instant::now();
    let status = Command::new("true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .status()
        .expect("true runs");
    assert!(status.success());
    began.elapsed()
}
