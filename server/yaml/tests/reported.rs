//! Faults that people have reported in public, each in a sound repository with one edit that breaks it.
//!
//! Those of phase `syntax` are this crate's: the mark has to be on the line that people looked for.

mod support;

use gitops_text::{Encoding, LineIndex};
use gitops_yaml::{Dialect, parse};
use serde_json::Value;

#[test]
fn the_mark_is_on_the_line_that_people_looked_for() {
    let reports = support::corpora().join("reports");
    let cases = std::fs::read(reports.join("cases.json")).expect("the cases are there");
    let cases: Value = serde_json::from_slice(&cases).expect("the cases are JSON");
    let cases = cases.as_array().expect("the cases are a list");
    let mut count = 0;
    for case in cases.iter().filter(|case| case["phase"] == "syntax") {
        count += 1;
        let of = |field: &str| case[field].as_str().unwrap_or_else(|| panic!("{case} has {field}"));
        let path = reports.join(of("repo")).join(of("file"));
        let sound = std::fs::read_to_string(path).expect("the file of a case can be read");
        assert!(parse(&sound).errors.is_empty(), "{}: it is sound before", of("name"));
        let text = sound.replacen(of("find"), of("put"), 1);
        let parse = parse(&text);
        let [error] = parse.errors.as_slice() else {
            panic!("{}: one fault is one error: {:?}", of("name"), parse.errors);
        };
        let index = LineIndex::new(&text);
        let line = index.position(&text, error.span.start, Encoding::Utf16).line;
        let line = index.line_span(line).expect("the line is there").slice(&text);
        let wanted = case["at"][1].as_str().expect("a case says where");
        assert!(line.contains(wanted), "{}: `{line}` has no `{wanted}`", of("name"));
        // `says` is a pattern of words, any of which will do.
        let words = of("says").trim_start_matches("(?i)").split('|');
        let message = error.message.to_lowercase();
        assert!(
            words.clone().any(|word| message.contains(word)),
            "{}: {}",
            of("name"),
            error.message
        );
        // What stands below the fault is still there.
        let [document, ..] = parse.documents.as_slice() else {
            panic!("{}: there is a document", of("name"));
        };
        assert!(document.is_broken());
        let (before, after) = (json(&sound), json(&text));
        assert_eq!(before["metadata"], after["metadata"], "{}", of("name"));
        let template = "/spec/template/spec/containers/0";
        assert_eq!(
            before.pointer(template).map(|container| &container["name"]),
            after.pointer(template).map(|container| &container["name"])
        );
    }
    assert!(count >= 2, "there are such cases");
}

fn json(text: &str) -> Value {
    parse(text).documents[0]
        .to_json(text, Dialect::Kubectl)
        .expect("it can be JSON")
}
