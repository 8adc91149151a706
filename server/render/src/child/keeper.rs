//! The owner of the process: starts it, hands it requests, and decides what fails with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::message::Message;
use super::process::Process;
use super::{Files, gone};
use crate::{Built, Gone};

/// How many requests may be with the program at once; it works on two of them. Must be less than it lets wait, so that it
/// always reads.
const MOST_IN_FLIGHT: usize = 64;

/// What somebody wants.
pub(super) struct Request {
    /// All but its id.
    pub(super) body: Value,
    /// What it changes, to be told to each process that is started later.
    pub(super) change: Option<(String, Files)>,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Result<Built, Gone>>,
}

/// A request with its id.
struct Entry {
    id: u64,
    body: Arc<[u8]>,
    is_change: bool,
    /// It was worked on together with others when the process died: it is asked again alone, so that only the one fails that
    /// is to blame.
    is_suspect: bool,
    answer: oneshot::Sender<Result<Built, Gone>>,
}

/// A request that is with the process, and since when it is worked on.
struct Flight {
    entry: Entry,
    started: Option<Instant>,
}

/// Owns the process, what is asked of it, and what it must be told when it is started anew.
pub(super) struct Keeper {
    program: Utf8PathBuf,
    limit: Duration,
    next_id: u64,
    trees: BTreeMap<String, BTreeMap<String, String>>,
    process: Option<Process>,
    waiting: VecDeque<Entry>,
    in_flight: BTreeMap<u64, Flight>,
    /// When the process last said something, was asked something, or was started.
    heard: Instant,
    /// Whether this process ever said anything.
    has_spoken: bool,
}

impl Keeper {
    pub(super) fn new(program: Utf8PathBuf, limit: Duration) -> Self {
        Self {
            program,
            limit,
            next_id: 1,
            trees: BTreeMap::new(),
            process: None,
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            heard: Instant::now(),
            has_spoken: false,
        }
    }

    /// Works until nobody can ask any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            self.hand_over();
            let deadline = self.deadline();
            // What waits longer waits in the channel, whose senders wait in turn.
            let has_room = self.waiting.len() < MOST_IN_FLIGHT;
            tokio::select! {
                biased;
                message = next_message(&mut self.process) => match message {
                    Ok(message) => self.take(message),
                    Err(reason) => self.died(reason).await,
                },
                () = until(deadline) => self.expired(),
                request = requests.recv(), if has_room => match request {
                    Some(request) => self.accept(request),
                    None => return,
                },
            }
        }
    }

    fn accept(&mut self, mut request: Request) {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(entries) = request.body.as_object_mut() {
            entries.insert("id".to_owned(), id.into());
        }
        self.waiting.push_back(Entry {
            id,
            body: request.body.to_string().into_bytes().into(),
            is_change: request.change.is_some(),
            is_suspect: false,
            answer: request.answer,
        });
        if let Some((tree, files)) = request.change {
            // A process that is started for it is told by its tree.
            if self.process.is_none() {
                self.start();
            }
            self.remember(tree, files);
        }
    }

    /// Gives the process what it may have now, and starts it first where it is not there.
    fn hand_over(&mut self) {
        while let Some(next) = self.waiting.front() {
            let suspect_runs = self.in_flight.values().any(|flight| flight.entry.is_suspect);
            if suspect_runs
                || next.is_suspect && !self.in_flight.is_empty()
                || self.in_flight.len() >= MOST_IN_FLIGHT
                || self.process.is_none() && !self.start()
            {
                return;
            }
            let Some(entry) = self.waiting.pop_front() else { return };
            if let Some(process) = &self.process {
                // Where this fails, its end is read next.
                let _ = process.send(Arc::clone(&entry.body));
            }
            if self.in_flight.is_empty() {
                self.heard = Instant::now();
            }
            self.in_flight.insert(entry.id, Flight { entry, started: None });
        }
    }

    /// Starts the program and tells it all trees. Where it cannot be started, everything that waits fails.
    fn start(&mut self) -> bool {
        let first = self.trees.iter().map(|(tree, files)| {
            let body = json!({ "id": 0, "op": "change", "tree": tree, "files": files });
            body.to_string().into_bytes()
        });
        self.heard = Instant::now();
        self.has_spoken = false;
        match Process::start(&self.program, first.collect(), MOST_IN_FLIGHT) {
            Ok(process) => {
                self.process = Some(process);
                true
            }
            Err(reason) => {
                for entry in std::mem::take(&mut self.waiting) {
                    fail(entry, &reason);
                }
                false
            }
        }
    }

    fn remember(&mut self, tree: String, files: Files) {
        let known = self.trees.entry(tree).or_default();
        for (path, content) in files {
            match content {
                Some(content) => known.insert(path, content),
                None => known.remove(&path),
            };
        }
    }

    fn take(&mut self, message: Message) {
        self.heard = Instant::now();
        self.has_spoken = true;
        if message.started {
            if let Some(flight) = self.in_flight.get_mut(&message.id) {
                flight.started = Some(self.heard);
            }
            return;
        }
        let Some(flight) = self.in_flight.remove(&message.id) else {
            return;
        };
        if message.error.is_empty() {
            // Whoever asked may have gone on.
            let _ = flight.entry.answer.send(Ok(message.answer));
        } else {
            fail(flight.entry, &format!("refuses the request: {}", message.error));
        }
    }

    /// When to give up: a request has its limit from when it is worked on, and a process that has something to do must say
    /// something as often.
    fn deadline(&self) -> Option<Instant> {
        let started = self.in_flight.values().filter_map(|flight| flight.started);
        let silent = (!self.in_flight.is_empty()).then_some(self.heard);
        started.chain(silent).min().map(|since| since + self.limit)
    }

    fn expired(&mut self) {
        let now = Instant::now();
        self.process = None;
        let is_late = |flight: &Flight| flight.started.is_some_and(|started| started + self.limit <= now);
        let someone_is_late = self.in_flight.values().any(is_late);
        let (late, others): (Vec<Flight>, Vec<Flight>) = std::mem::take(&mut self.in_flight)
            .into_values()
            .partition(|flight| is_late(flight) || !someone_is_late);
        let reason = if someone_is_late {
            "took longer than"
        } else {
            "said nothing for"
        };
        let reason = format!("{reason} {} s and was ended", self.limit.as_secs_f64());
        for flight in late {
            fail(flight.entry, &reason);
        }
        self.ask_again(others.into_iter().map(|flight| flight.entry));
    }

    async fn died(&mut self, reason: String) {
        let Some(process) = self.process.take() else { return };
        let cause = process.cause_of_end().await;
        let reason = if reason.is_empty() { cause } else { reason };
        let (mut started, others): (Vec<Flight>, Vec<Flight>) = std::mem::take(&mut self.in_flight)
            .into_values()
            .partition(|flight| flight.started.is_some());
        if started.len() > 1 {
            for flight in &mut started {
                flight.entry.is_suspect = true;
            }
            self.ask_again(started.into_iter().chain(others).map(|flight| flight.entry));
            return;
        }
        let nobody_to_blame = started.is_empty() && !self.has_spoken;
        for flight in started {
            fail(flight.entry, &reason);
        }
        if nobody_to_blame {
            // It would die for the next one, too.
            for flight in others {
                fail(flight.entry, &reason);
            }
        } else {
            self.ask_again(others.into_iter().map(|flight| flight.entry));
        }
    }

    /// Puts requests before all that wait. A change is done: the next process is told the tree with it.
    fn ask_again(&mut self, entries: impl DoubleEndedIterator<Item = Entry>) {
        for entry in entries.rev() {
            if entry.is_change {
                let _ = entry.answer.send(Ok(Built::default()));
            } else {
                self.waiting.push_front(entry);
            }
        }
    }
}

async fn next_message(process: &mut Option<Process>) -> Result<Message, String> {
    match process {
        Some(process) => process.next().await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn fail(entry: Entry, reason: &str) {
    let _ = entry.answer.send(Err(gone(reason)));
}
