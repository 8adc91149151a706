//! Scalars and keys as kubectl and kustomize read them, against tables that the two have filled in.

use gitops_yaml::{Dialect, SyntaxErrorKind, parse};
use serde_json::Value;

const REFUSED: &str = "refused";

/// What a dialect makes of the first document; `None` where it has to refuse it.
fn read(text: &str, dialect: Dialect) -> Option<Value> {
    parse(text).documents[0].to_json(text, dialect).ok()
}

fn has(text: &str, kind: SyntaxErrorKind) -> bool {
    parse(text).errors.iter().any(|error| error.kind == kind)
}

#[test]
fn scalars_have_the_values_that_the_readers_give_them() {
    for row in include_str!("fixtures/scalars.txt")
        .lines()
        .filter(|row| !row.starts_with('#'))
    {
        let [scalar, kubectl, kustomize] = cells(row);
        let text = format!("k: {scalar}\n");
        for (dialect, expected) in [(Dialect::Kubectl, kubectl), (Dialect::Kustomize, kustomize)] {
            let expected = (expected != REFUSED).then(|| json(expected));
            let found = read(&text, dialect).map(|value| value["k"].clone());
            assert_eq!(found, expected, "{row} for {dialect:?}");
        }
        let differ = kubectl != kustomize;
        assert_eq!(has(&text, SyntaxErrorKind::DialectDifference), differ, "{row}");
        let tag_is_wrong = scalar.starts_with('!') && kubectl == REFUSED && kustomize == REFUSED;
        assert_eq!(has(&text, SyntaxErrorKind::Refused), tag_is_wrong, "{row}");
    }
}

#[test]
fn keys_have_the_texts_that_the_readers_give_them() {
    for row in include_str!("fixtures/keys.txt")
        .lines()
        .filter(|row| !row.starts_with('#'))
    {
        let [key, kubectl, at_top, below] = cells(row);
        let text = format!("{key}: v\n");
        let found = read(&text, Dialect::Kubectl).and_then(|value| first_key(&value));
        assert_eq!(found.as_deref().unwrap_or(REFUSED), kubectl, "{row}");
        let is_null = kubectl == REFUSED;
        assert_eq!(has(&text, SyntaxErrorKind::Refused), is_null, "{row}");
        assert_eq!(
            has(&text, SyntaxErrorKind::DialectDifference),
            !is_null && kubectl != at_top,
            "{row}"
        );
        // The text is given even where kustomize refuses the mapping, so that the rest of the document can be read.
        let nested = format!("k:\n  {key}: v\n");
        let found = read(&nested, Dialect::Kustomize).and_then(|value| first_key(&value["k"]));
        assert_eq!(found.as_deref(), Some(key), "{row}");
        let differ = !is_null && (kubectl != below);
        assert_eq!(has(&nested, SyntaxErrorKind::DialectDifference), differ, "{row}");
    }
}

#[test]
fn braces_the_end_of_the_file_and_merges_differ() {
    let braces = "k: {a, b: , c: ~}\n";
    assert_eq!(
        read(braces, Dialect::Kubectl).unwrap().to_string(),
        r#"{"k":{"a":null,"b":null,"c":null}}"#
    );
    assert_eq!(
        read(braces, Dialect::Kustomize).unwrap().to_string(),
        r#"{"k":{"a":"","b":"","c":null}}"#
    );
    assert!(has(braces, SyntaxErrorKind::DialectDifference));

    let unended = "k: |\n  text";
    assert_eq!(
        read(unended, Dialect::Kubectl).unwrap().to_string(),
        r#"{"k":"text\n"}"#
    );
    assert_eq!(
        read(unended, Dialect::Kustomize).unwrap().to_string(),
        r#"{"k":"text"}"#
    );
    assert!(has(unended, SyntaxErrorKind::DialectDifference));
    assert!(!has("k: |\n  text\n", SyntaxErrorKind::DialectDifference));
    assert!(!has("k: |-\n  text", SyntaxErrorKind::DialectDifference));

    let merge_last = "x: &x {a: 1, b: 2}\nk:\n  a: 3\n  <<: *x\n";
    assert_eq!(
        read(merge_last, Dialect::Kubectl).unwrap()["k"].to_string(),
        r#"{"a":1,"b":2}"#
    );
    assert_eq!(
        read(merge_last, Dialect::Kustomize).unwrap()["k"].to_string(),
        r#"{"a":3,"b":2}"#
    );
    assert!(has(merge_last, SyntaxErrorKind::DialectDifference));
    assert!(!has(
        "x: &x {a: 1, b: 2}\nk:\n  <<: *x\n  a: 3\n",
        SyntaxErrorKind::DialectDifference
    ));
}

/// Numbers are read by Rust, because `serde_json` rounds the last digit of a long one.
fn json(text: &str) -> Value {
    let value = serde_json::from_str::<Value>(text).expect(text);
    match text.parse::<f64>() {
        Ok(number) if value.is_f64() => Value::from(number),
        _ => value,
    }
}

fn cells<const COUNT: usize>(row: &str) -> [&str; COUNT] {
    let cells: Vec<&str> = row.split(" | ").collect();
    cells
        .try_into()
        .unwrap_or_else(|_| panic!("`{row}` has not {COUNT} cells"))
}

fn first_key(value: &Value) -> Option<String> {
    value.as_object()?.keys().next().cloned()
}
