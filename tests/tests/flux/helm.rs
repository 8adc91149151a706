//! Helm releases whose chart is in the repository: faults that people have reported, each on the line where a person wants
//! the mark.

use std::fmt::Write as _;

use camino::Utf8Path;
use gitops_tests::show::headline;
use regex::Regex;
use serde_json::Value;

use super::Fleet;

/// What is said by Flux's own conditions or of references, and not of what is rendered.
const OF_OTHERS: [&str; 3] = [
    "values in another namespace",
    "values key eaten",
    "chart source in another namespace",
];

#[test]
fn reported_faults_of_releases() {
    let corpus = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports/cases.json");
    let text = std::fs::read_to_string(corpus).expect("the cases can be read");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let is_ours = |case: &&Value| case["repo"] == "flux-h" && !OF_OTHERS.iter().any(|name| case["name"] == *name);
    let cases: Vec<&Value> = cases.iter().filter(is_ours).collect();
    assert!(cases.len() >= 8, "{} cases", cases.len());
    let fleet = Fleet::start("flux-h", "clusters/west");
    let mut missed = String::new();
    for case in cases {
        let text = |key: &str| case[key].as_str().expect("a text");
        let (file, find, put) = (text("file"), text("find"), text("put"));
        let is_taken = fleet.edit(file, find, put);
        if is_taken == (case["severity"] == "error") {
            let _ = writeln!(missed, "{}: taken: {is_taken}", text("name"));
        }
        if let Err(shown) = is_shown(&fleet, case) {
            let _ = writeln!(missed, "{}: {:?}\n{shown}", text("name"), case["at"]);
        }
        assert!(fleet.edit(file, put, find), "{} is mended", text("name"));
        let left: Vec<String> = fleet.all_findings();
        if !left.is_empty() {
            let _ = writeln!(missed, "{} leaves {left:?}", text("name"));
        }
    }
    assert!(missed.is_empty(), "{missed}");
    fleet.server.assert_sound();
}

/// Whether a case is shown where it should be, and how; what is shown otherwise.
fn is_shown(fleet: &Fleet, case: &Value) -> Result<(), String> {
    let says = Regex::new(case["says"].as_str().expect("a pattern")).expect("a pattern");
    let severity = if case["severity"] == "warning" { 2 } else { 1 };
    let mut places = vec![&case["at"]];
    places.extend(case["also"].as_array().into_iter().flatten());
    for place in places {
        let (file, words) = (place[0].as_str().expect("a file"), place[1].as_str().expect("a text"));
        let text = std::fs::read_to_string(fleet.server.workspace().join(file)).expect("the file can be read");
        let found = fleet.server.diagnostics(file).diagnostics.iter().any(|diagnostic| {
            let line = diagnostic["range"]["start"]["line"].as_u64().expect("a line");
            let line = text
                .lines()
                .nth(usize::try_from(line).expect("small"))
                .unwrap_or_default();
            line.contains(words) && diagnostic["severity"] == severity && says.is_match(&headline(diagnostic))
        });
        if found {
            return Ok(());
        }
    }
    Err(fleet.all_findings().join("\n"))
}
