//! From a change of a text to what is wrong with it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::memory::{Memory, megabytes};
use super::samples::{Samples, milliseconds};
use super::table::{Goal, Row};
use super::workload::{large_file, small_file};
use crate::client::Client;
use crate::columns::{Encoding, range_of};
use crate::message_log::NotSaid;
use crate::server::TestServer;

/// A file that is typed in.
#[derive(Clone, Debug)]
pub struct Typed {
    /// For people.
    pub name: &'static str,
    /// Its name in the workspace.
    pub file: &'static str,
    /// Its text.
    pub text: String,
    /// How many changes are measured.
    pub changes: usize,
    /// How long an answer may take, in milliseconds.
    pub bound: f64,
}

/// The two files.
pub fn files() -> [Typed; 2] {
    [
        Typed {
            name: "5 KB file",
            file: "small.yaml",
            text: small_file(),
            changes: 300,
            bound: 5.0,
        },
        Typed {
            name: "57,000 lines (3,000 Deployments)",
            file: "large.yaml",
            text: large_file(),
            changes: 60,
            bound: 60.0,
        },
    ]
}

/// What a server took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// From sending a change to having the diagnostics of that version.
    pub changes: Samples,
    /// What it holds after all of them, with this one file open.
    pub memory: Memory,
}

/// Both files in our server, each in a fresh one, with the reading of the same text alone beside it.
pub fn measure() -> (Vec<Row>, Vec<Taken>) {
    let (mut rows, mut all_taken) = (Vec::new(), Vec::new());
    for typed in files() {
        let server = TestServer::builder().build();
        server.open_with(typed.file, &typed.text);
        server.wait_for_version(typed.file, 1);
        let mut alone = Samples::default();
        let changes = type_in(&server.client, &server.uri(typed.file), &typed, || {
            let began = Instant::now();
            std::hint::black_box(gitops_yaml::parse(&typed.text));
            alone.push(began.elapsed());
        });
        let changes = changes.expect("our server answers");
        let memory = Memory::of(server.id());
        rows.push(Row {
            work: format!("didChange → diagnostics, {}", typed.name),
            measured: changes.show(),
            against: format!("reading that text as YAML alone: {}", milliseconds(alone.median())),
            ratio: changes.median() / alone.median(),
            goal: Goal::at_most(changes.median(), typed.bound, &format!("{:.0} ms", typed.bound)),
        });
        let size = megabytes(typed.text.len());
        let goal = if typed.text.len() > 1_000_000 {
            Goal::at_most(memory.peak, 60.0, "60 MB")
        } else {
            Goal::Shown
        };
        let memory_row = Row {
            work: format!("memory with that file open, {} changes later", typed.changes),
            measured: memory.show(),
            against: format!("its text: {size:.2} MB"),
            ratio: memory.peak / size,
            goal,
        };
        if !matches!(memory_row.goal, Goal::Shown) {
            rows.push(memory_row);
        }
        all_taken.push(Taken { changes, memory });
    }
    (rows, all_taken)
}

/// Types a character into an open file and takes it away again, at several places in turn, and waits each time for the diagnostics.
///
/// `between` is called before each change. `None`: no answer came within the client's patience.
pub fn type_in(client: &Client, uri: &str, typed: &Typed, mut between: impl FnMut()) -> Option<Samples> {
    const PATIENCE: Duration = Duration::from_mins(1);
    let places: Vec<usize> = [1, 5, 9]
        .iter()
        .map(|tenth| end_of_line(&typed.text, typed.text.len() * tenth / 10))
        .collect();
    let mut samples = Samples::default();
    let mut version = 1;
    for number in 0..typed.changes / 2 {
        let at = places[number % places.len()];
        for (range, put) in [(at..at, "x"), (at..at + 1, "")] {
            // One character on a line of ASCII: the range is the same before and after.
            let mut range = range_of(&typed.text, range.start..range.start, Encoding::Utf16);
            if put.is_empty() {
                range["end"]["character"] = json!(range["end"]["character"].as_u64().expect("a column") + 1);
            }
            between();
            version += 1;
            let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [{ "range": range, "text": put }] });
            let mark = client.mark();
            let began = Instant::now();
            client.notify("textDocument/didChange", params);
            let answered = client.log().wait(mark, PATIENCE, |message| {
                let params = (message["method"] == "textDocument/publishDiagnostics").then(|| &message["params"])?;
                // Not every server says which version its diagnostics are about.
                let is_it = params["uri"] == uri && params["version"].as_i64().is_none_or(|about| about == version);
                is_it.then_some(())
            });
            match answered {
                Ok(()) => samples.push(began.elapsed()),
                Err(NotSaid::TooLate) => return None,
                Err(NotSaid::Closed) => panic!("the server ended while it was typed to"),
            }
        }
    }
    Some(samples)
}

/// The end of the last `image:` line before an offset, where one character more changes nothing else.
fn end_of_line(text: &str, offset: usize) -> usize {
    let line = text[..offset]
        .rfind("image: ")
        .or_else(|| text.find("image: "))
        .expect("a Deployment has an image");
    line + text[line..].find('\n').expect("a line ends")
}
