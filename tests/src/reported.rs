//! Faults that people have reported in public (`corpora/reports`): small sound repositories, and edits that break each, with
//! the line where a person wants the mark and what a person looks for in its words.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use regex::Regex;
use serde_json::Value;

/// One reported fault.
#[derive(Debug)]
pub struct Case {
    /// What it is, in short.
    pub name: String,
    /// Where it was reported.
    pub source: String,
    /// The repository, below the corpus.
    pub repository: String,
    /// What a session is started on, in the repository; `.` for the whole.
    pub target: String,
    /// How far the fault gets: `syntax`, `build`, `apply`, `runtime` and so on.
    pub phase: String,
    /// File, what stands there, what is put in its place.
    pub edits: Vec<(String, String, String)>,
    /// File and a text of the line where the mark belongs, the best place first.
    pub places: Vec<(String, String)>,
    /// As the protocol counts: 1 for an error, 2 for a warning.
    pub severity: u64,
    /// What the message has to match.
    pub says: Regex,
}

/// Where the reports are.
pub fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports")
}

/// The cases of the repositories that are wanted.
pub fn cases(is_wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let text = std::fs::read_to_string(corpus().join("cases.json")).expect("the cases can be read");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let cases = cases.iter().map(Case::read);
    cases.filter(|case| is_wanted(&case.repository)).collect()
}

impl Case {
    fn read(value: &Value) -> Self {
        let optional = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let text = |value: &Value, key: &str| optional(value, key).unwrap_or_else(|| panic!("{value} has no {key}"));
        let edit = |value: &Value| (text(value, "file"), text(value, "find"), text(value, "put"));
        let place = |value: &Value| {
            (
                value[0].as_str().expect("a file").to_owned(),
                value[1].as_str().expect("a text").to_owned(),
            )
        };
        let mut places = vec![place(&value["at"])];
        places.extend(value["also"].as_array().into_iter().flatten().map(place));
        let target = optional(value, "target").filter(|target| !target.is_empty());
        Self {
            name: text(value, "name"),
            source: text(value, "source"),
            repository: text(value, "repo"),
            target: target.unwrap_or_else(|| ".".to_owned()),
            phase: text(value, "phase"),
            edits: value["edits"]
                .as_array()
                .map_or_else(|| vec![edit(value)], |edits| edits.iter().map(edit).collect()),
            places,
            severity: match value["severity"].as_str() {
                Some("error") => 1,
                Some("warning") => 2,
                other => panic!("{other:?} is no severity"),
            },
            says: Regex::new(&text(value, "says")).expect("a pattern"),
        }
    }

    /// The sound texts of its files, and those with its edits made; `text` is what a file of the repository holds.
    pub fn texts(&self, text: impl Fn(&str) -> String) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let (mut sound, mut broken) = (BTreeMap::new(), BTreeMap::new());
        for (file, find, put) in &self.edits {
            sound.entry(file.clone()).or_insert_with(|| text(file));
            let text = broken.entry(file.clone()).or_insert_with(|| text(file));
            assert!(text.contains(find.as_str()), "{}: {find:?} is not in {file}", self.name);
            *text = text.replacen(find.as_str(), put, 1);
        }
        (sound, broken)
    }

    /// Whether a diagnostic, which stands on the line `written` of a file of the repository, is the one that a person wants.
    pub fn wants(&self, file: &str, written: &str, diagnostic: &Value) -> bool {
        let is_there = self.places.iter().any(|(place, text)| {
            let first_line = text.lines().next().unwrap_or_default();
            place == file && written.contains(first_line)
        });
        let message = diagnostic["message"].as_str().unwrap_or_default();
        is_there && diagnostic["severity"] == self.severity && self.says.is_match(message)
    }
}
