//! Documents as JSON, and the bounds of their expansion.

use expect_test::{Expect, expect};
use gitops_yaml::{Dialect, ExpandError, SyntaxErrorKind, parse};

fn check(text: &str, expected: Expect) {
    let json = match parse(text).documents[0].to_json(text, Dialect::Kubectl) {
        Ok(json) => json.to_string(),
        Err(error) => format!("refused: {error}"),
    };
    expected.assert_eq(&json);
}

#[test]
fn values_keep_their_types_and_keys_their_order() {
    check(
        "z: 1\na: 1.5\nm: [true, ~, x, '1']\n",
        expect![[r#"{"z":1,"a":1.5,"m":[true,null,"x","1"]}"#]],
    );
    check(
        "a: 9007199254740993\nb: 18446744073709551615\nc: -9223372036854775808\n",
        expect![[r#"{"a":9007199254740993,"b":18446744073709551615,"c":-9223372036854775808}"#]],
    );
    check(
        "a: |\n  x\n   y\nb: >\n  p\n  q\n\n  r\nc: \"\\u00e9\\t\"\n",
        expect![[r#"{"a":"x\n y\n","b":"p q\nr\n","c":"é\t"}"#]],
    );
    check(
        "1: a\n1.50: b\non: c\n\"on\": d\n",
        expect![[r#"{"1":"a","1.5":"b","true":"c","on":"d"}"#]],
    );
    check(
        "a: !!binary aGVs\n  bG8=\n",
        expect!["refused: this cannot be read as !!binary"],
    );
    check("a: !!binary |\n  aGVs\n  bG8=\n", expect![[r#"{"a":"hello"}"#]]);
    check("# nothing\n", expect!["null"]);
    check("- 1\n- {}\n- []\n", expect!["[1,{},[]]"]);
}

#[test]
fn aliases_and_merges_are_expanded() {
    check(
        "a: &x [1]\nb: *x\nc: {d: *x}\n",
        expect![[r#"{"a":[1],"b":[1],"c":{"d":[1]}}"#]],
    );
    check(
        "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n",
        expect![[r#"{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}"#]],
    );
    check(
        "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc:\n  <<: [*x, *y]\n",
        expect![[r#"{"a":{"p":1},"b":{"p":2,"q":2},"c":{"p":1,"q":2}}"#]],
    );
    check(
        "a: &x {p: 1}\nb: &y\n  <<: *x\n  q: 2\nc:\n  <<: *y\n",
        expect![[r#"{"a":{"p":1},"b":{"p":1,"q":2},"c":{"p":1,"q":2}}"#]],
    );
    check("a:\n  <<: {p: 1}\n", expect![[r#"{"a":{"p":1}}"#]]);
    check("a:\n  \"<<\": 1\n", expect![[r#"{"a":{"<<":1}}"#]]);
    check("a: &x k\n*x : 1\n", expect![[r#"{"a":"k","k":1}"#]]);
}

#[test]
fn what_json_has_not_is_refused() {
    check("a: .nan\n", expect!["refused: JSON has only finite numbers"]);
    check("a: *x\n", expect!["refused: the anchor of this alias is not there"]);
    check("[a]: 1\n", expect!["refused: JSON has no key but a text"]);
    check(
        "~: 1\n",
        expect!["refused: JSON has no key but a text, and this is null"],
    );
    check(
        "<<: 1\n",
        expect!["refused: `<<` takes a mapping or a list of mappings"],
    );
    check("a: &x [*x]\n", expect!["refused: it is nested deeper than 100 levels"]);
    check(
        "a: &x {b: {<<: *x}}\n",
        expect!["refused: it is nested deeper than 100 levels"],
    );
}

#[test]
fn an_alias_bomb_is_bounded() {
    for kind in ["sequence", "mapping", "merge", "empty merge"] {
        let first = if kind == "empty merge" {
            "a0: &a0 {}\n"
        } else {
            "a0: &a0 {x: 1, y: 2, z: 3}\n"
        };
        let mut bomb = String::from(first);
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            let line = match kind {
                "sequence" => format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", ")),
                "mapping" => format!("a{level}: &a{level} {{p: {below}, q: {below}, r: {below}, s: {below}}}\n"),
                "empty merge" => format!("a{level}: &a{level} {{<<: [{}]}}\n", [below.as_str(); 9].join(", ")),
                _ => format!(
                    "a{level}: &a{level} {{k{level}: {below}, <<: [{}]}}\n",
                    [below.as_str(); 9].join(", ")
                ),
            };
            bomb.push_str(&line);
        }
        let parse = parse(&bomb);
        assert!(
            parse
                .errors
                .iter()
                .any(|error| error.kind == SyntaxErrorKind::TooManyAliases),
            "{kind}"
        );
        for dialect in [Dialect::Kubectl, Dialect::Kustomize] {
            let json = parse.documents[0].to_json(&bomb, dialect);
            assert!(json.is_err(), "{kind}");
        }
        // A key is looked for in bounded time, too.
        let root = parse.documents[0].root(&bomb).unwrap();
        assert!(root.get("a11").unwrap().get("absent").is_none(), "{kind}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}x{}\n", "[".repeat(depth), "]".repeat(depth));
    let fine = nested(100);
    assert!(parse(&fine).documents[0].to_json(&fine, Dialect::Kubectl).is_ok());
    let deep = format!("a: &a {}b: {}*a{}\n", nested(60), "[".repeat(60), "]".repeat(60));
    let read = parse(&deep);
    assert!(read.errors.is_empty());
    let error = read.documents[0].to_json(&deep, Dialect::Kubectl).unwrap_err();
    assert!(matches!(error, ExpandError::TooDeep { .. }));
    for too_deep in [nested(600), nested(100_000), deep_block(600), deep_block(3000)] {
        let read = parse(&too_deep);
        assert_eq!(read.errors[0].kind, SyntaxErrorKind::TooDeep);
        assert!(read.documents[0].is_broken());
    }
}

fn deep_block(depth: usize) -> String {
    (0..depth).map(|level| format!("{}a:\n", " ".repeat(level))).collect()
}
