//! A session of the real server on the repository: one file is broken, saved, and mended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use super::breakage::{Breakage, Reach};
use super::copy::{self, Files};
use super::judge::{Placed, Said, judge, new_of};
use super::oracle::Oracle;
use super::world::{TargetKind, World};
use crate::message_log::{Mark, NotSaid};
use crate::server::{TestServer, uri_of};

/// How long Flux may take for the first time.
const FIRST: Duration = Duration::from_mins(1);
/// How long a verdict may take.
const VERDICT: Duration = Duration::from_secs(30);
/// How long what is known from the build or the dry run may come after its verdict.
const AFTER_DRY_RUN: Duration = Duration::from_secs(2);
/// How long what Flux says may come after its verdict.
const AFTER_FLUX: Duration = Duration::from_secs(2);
/// How long a pod may take to fail.
const AFTER_APPLY: Duration = Duration::from_secs(15);
/// How long it may take until everything is as it was.
const MENDING: Duration = Duration::from_secs(45);
/// Nothing that is said for so long is all there is.
const QUIET: Duration = Duration::from_millis(800);
/// How often Flux's objects are looked at where nothing tells of them.
const LOOK: Duration = Duration::from_millis(200);

/// A server with its session.
pub struct Play {
    server: TestServer,
    /// The API server.
    pub oracle: Oracle,
    texts: BTreeMap<String, String>,
    kind: TargetKind,
    heard: Mark,
    /// What was published last, by URI.
    published: BTreeMap<String, Vec<Value>>,
    /// Verdicts that were heard: URI, phase, whether it is good.
    verdicts: Vec<(String, String, bool)>,
    /// What is said of the sound state.
    pub baseline: Vec<Said>,
    /// The objects of Flux, each with whether it is ready in the sound state.
    content: Vec<(Value, bool)>,
}

/// What came of one breakage.
#[derive(Clone, Debug)]
pub struct Played {
    /// How near it was said.
    pub placed: Placed,
    /// What was said.
    pub said: Vec<Said>,
    /// Milliseconds from the save to that.
    pub milliseconds: u128,
    /// The verdicts that came, in order.
    pub verdicts: Vec<String>,
    /// Milliseconds from the mended save to when everything was as it had been.
    pub mending: u128,
    /// What is left after mending; `None` where everything is as it was.
    pub left: Option<String>,
}

impl Play {
    /// Starts a session on a copy of the files, and waits until everything is settled.
    pub fn start(files: &Files, kind: TargetKind, world: &World) -> anyhow::Result<Self> {
        // Columns are bytes then, as everything is here.
        let server = TestServer::builder().encodings(&["utf-8"]).build();
        copy::make_repository(files, server.workspace())?;
        let started = server.start_session(json!({ "target": files.target }));
        let kubeconfig = started.get("kubeconfig").and_then(Value::as_str).unwrap_or_default();
        let oracle = Oracle::new(&Utf8PathBuf::from(kubeconfig))?;
        let mut play = Self {
            server,
            oracle,
            texts: files.texts.clone(),
            kind,
            heard: Mark::START,
            published: BTreeMap::new(),
            verdicts: Vec::new(),
            baseline: Vec::new(),
            content: Vec::new(),
        };
        play.settle(world);
        play.baseline = play.said();
        Ok(play)
    }

    fn settle(&mut self, world: &World) {
        let deadline = Instant::now() + FIRST;
        if self.kind == TargetKind::Flux {
            let objects = world.objects.iter().map(|built| &built.object);
            let of_flux: Vec<Value> = objects.filter(|object| is_reconciled(object)).cloned().collect();
            loop {
                let states: Vec<(Value, Option<bool>)> = of_flux
                    .iter()
                    .map(|object| (object.clone(), self.readiness(object)))
                    .collect();
                // What does not become ready in the sound state, as a chart whose registry cannot be reached, stays like this.
                if states.iter().all(|(_, ready)| *ready == Some(true)) || Instant::now() > deadline {
                    let states = states.into_iter();
                    self.content = states.map(|(object, ready)| (object, ready == Some(true))).collect();
                    break;
                }
                // Nothing tells the client of conditions, so the API server is asked again.
                self.hear((Instant::now() + LOOK).min(deadline));
            }
        } else {
            while !self.verdicts.iter().any(|(_, phase, _)| phase == "apply") && Instant::now() < deadline {
                self.hear(deadline);
            }
        }
        let mut until = Instant::now() + QUIET;
        while self.hear(until) {
            until = Instant::now() + QUIET;
        }
    }

    /// Whether an object of Flux is ready; `None` while it is not there, or has not looked at its newest state.
    fn readiness(&mut self, object: &Value) -> Option<bool> {
        let live = self.oracle.live(object).ok()??;
        let ready = live
            .pointer("/status/conditions")?
            .as_array()?
            .iter()
            .find(|condition| condition["type"] == "Ready")?;
        let observed = live.pointer("/status/observedGeneration").and_then(Value::as_i64)?;
        if Some(observed) != live.pointer("/metadata/generation").and_then(Value::as_i64) {
            return None;
        }
        match ready["status"].as_str()? {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }
    }

    /// Hears what comes before a deadline; false when nothing does.
    fn hear(&mut self, deadline: Instant) -> bool {
        let patience = deadline.saturating_duration_since(Instant::now());
        let log = self.server.client.log();
        match log.wait(self.heard, patience, |_| Some(())) {
            Ok(()) => {}
            Err(NotSaid::TooLate) => return false,
            Err(NotSaid::Closed) => panic!("the server has ended: {}", self.server.errors()),
        }
        let end = log.mark();
        let messages = log.said(self.heard, |message| {
            message.get("method").is_some().then(|| message.clone())
        });
        self.heard = end;
        for message in messages {
            let params = &message["params"];
            let uri = params["uri"].as_str().unwrap_or_default().to_owned();
            match message["method"].as_str() {
                Some("textDocument/publishDiagnostics") => {
                    let diagnostics = params["diagnostics"].as_array().cloned().unwrap_or_default();
                    self.published.insert(uri, diagnostics);
                }
                Some("gitops/verdict") => {
                    let phase = params["phase"].as_str().unwrap_or_default().to_owned();
                    self.verdicts.push((uri, phase, params["ok"] == true));
                }
                _ => {}
            }
        }
        true
    }

    /// What is said about all files now.
    pub fn said(&self) -> Vec<Said> {
        let root = format!("{}/", uri_of(self.server.workspace()));
        let mut all = Vec::new();
        for (uri, diagnostics) in &self.published {
            let file = decoded(uri.strip_prefix(&root).unwrap_or(uri));
            let text = self.current(&file);
            all.extend(diagnostics.iter().map(|diagnostic| said(&file, &text, diagnostic)));
        }
        all.sort();
        all
    }

    fn current(&self, file: &str) -> String {
        if self.server.is_open(file) {
            self.server.text(file)
        } else {
            self.texts.get(file).cloned().unwrap_or_default()
        }
    }

    fn save(&mut self, file: &str, text: &str) {
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        self.server.retype(file, text);
        self.verdicts.clear();
        self.server.save(file);
    }

    fn verdict(&self, file: &str, phase: &str) -> Option<bool> {
        let uri = self.server.uri(file);
        let mut of_file = self.verdicts.iter().filter(|(of, name, _)| *of == uri && name == phase);
        of_file.next_back().map(|(_, _, good)| *good)
    }

    /// Breaks, waits for what is said, mends, and waits until it is gone.
    pub fn round(&mut self, breakage: &Breakage, broken: &str) -> Played {
        // What is still to come of the round before is not about this one.
        while self.hear(Instant::now()) {}
        let began = Instant::now();
        self.save(&breakage.file, broken);
        let deadline = began + VERDICT + AFTER_APPLY;
        let mut until = began + VERDICT;
        let mut ends: Option<Instant> = None;
        let (placed, said) = loop {
            let said = new_of(&self.said(), &self.baseline);
            let placed = judge(breakage, &said, &|file| self.current(file));
            if placed == Placed::Exact || Instant::now() >= until.min(deadline) {
                break (placed, said);
            }
            if let Some(patience) = self.patience(breakage) {
                // Counted from when it was clear that nothing else is to come.
                until = *ends.get_or_insert(Instant::now() + patience);
            } else {
                ends = None;
                until = began + VERDICT;
            }
            self.hear(until);
        };
        let milliseconds = began.elapsed().as_millis();
        let verdicts = self
            .verdicts
            .iter()
            .map(|(_, phase, good)| format!("{phase}: {good}"))
            .collect();
        let was_refused = self.verdict(&breakage.file, "dry-run") == Some(false);
        let mended = Instant::now();
        let left = self.mend(&breakage.file, was_refused);
        Played {
            placed,
            said,
            milliseconds,
            verdicts,
            mending: mended.elapsed().as_millis(),
            left,
        }
    }

    /// How long more may be said, once the verdicts that there are have come; `None` while some are still to come.
    fn patience(&self, breakage: &Breakage) -> Option<Duration> {
        let file = &breakage.file;
        match self.verdict(file, "dry-run") {
            None => return None,
            Some(false) => return Some(AFTER_DRY_RUN),
            Some(true) => {}
        }
        if breakage.reach == Reach::DryRun && self.kind != TargetKind::Flux {
            return Some(AFTER_DRY_RUN);
        }
        let last = if self.kind == TargetKind::Flux { "flux" } else { "apply" };
        match (breakage.reach, self.verdict(file, last)) {
            (Reach::Runtime, _) if self.kind != TargetKind::Flux => Some(AFTER_APPLY),
            (Reach::DryRun, _) => Some(AFTER_DRY_RUN),
            (_, None) => None,
            (Reach::Flux, Some(_)) => Some(AFTER_FLUX),
            (Reach::Runtime, Some(_)) => Some(AFTER_APPLY),
        }
    }

    /// Puts the sound text back; what is left of the fault when time is up.
    fn mend(&mut self, file: &str, was_refused: bool) -> Option<String> {
        let sound = self.texts.get(file).cloned().unwrap_or_default();
        let deadline = Instant::now() + MENDING;
        while self.hear(Instant::now()) {}
        self.save(file, &sound);
        loop {
            let left = self.left(file, was_refused);
            if left.is_none() || Instant::now() >= deadline {
                return left;
            }
            self.hear((Instant::now() + LOOK).min(deadline));
        }
    }

    fn left(&mut self, file: &str, was_refused: bool) -> Option<String> {
        let left = new_of(&self.said(), &self.baseline);
        if let Some(said) = left.first() {
            return Some(format!("{}:{} {}: {}", said.file, said.line, said.code, said.message));
        }
        if self.verdict(file, "dry-run") != Some(true) {
            return Some(format!("no good dry-run verdict on {file}"));
        }
        if self.kind != TargetKind::Flux {
            return (self.verdict(file, "apply") != Some(true)).then(|| format!("no good apply verdict on {file}"));
        }
        // Where something is never ready, Flux has never said all there is to say.
        let is_content = self.content.iter().all(|(_, ready)| *ready);
        if !was_refused && is_content && self.verdict(file, "flux").is_none() {
            return Some(format!("no flux verdict on {file}"));
        }
        let content = self.content.clone();
        let unhappy = content
            .iter()
            .find(|(object, was_ready)| *was_ready && self.readiness(object) != Some(true));
        unhappy.map(|(object, _)| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            format!("{} {} is not ready again", text("/kind"), text("/metadata/name"))
        })
    }

    /// Something has panicked inside the server, or it is gone.
    pub fn errors(&self) -> String {
        self.server.errors()
    }
}

/// Whether a controller of the sandbox makes something of it.
fn is_reconciled(object: &Value) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_suspended = object.pointer("/spec/suspend") == Some(&json!(true));
    let groups = ["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"];
    groups.iter().any(|group| text("/apiVersion").starts_with(group)) && !is_suspended
}

fn said(file: &str, text: &str, diagnostic: &Value) -> Said {
    let range = &diagnostic["range"];
    Said {
        file: file.to_owned(),
        line: number(&range["start"]["line"]) + 1,
        span: (offset(text, &range["start"]), offset(text, &range["end"])),
        severity: diagnostic["severity"].as_u64().unwrap_or(1),
        code: diagnostic["code"].as_str().unwrap_or_default().to_owned(),
        message: diagnostic["message"].as_str().unwrap_or_default().to_owned(),
    }
}

/// A position may be of an older text than the one that is there: it is taken for the nearest one then.
fn offset(text: &str, position: &Value) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(number(&position["line"]))
        .map(str::len)
        .sum();
    let line = text
        .get(start..)
        .and_then(|rest| rest.split('\n').next())
        .unwrap_or_default();
    start + number(&position["character"]).min(line.len())
}

fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(0)
}

/// The path of a URI, whose escapes stand for bytes.
fn decoded(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
