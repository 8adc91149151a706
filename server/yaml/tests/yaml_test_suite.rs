//! The YAML organisation's own cases: errors where they say so, and the tree that they give.

mod support;

use expect_test::expect;
use gitops_yaml::{Document, Node, NodeKind, Parse, Style, SyntaxError, SyntaxErrorKind, parse};
use std::fmt::Write as _;

struct Case {
    name: String,
    yaml: String,
    /// `None` where the case is not YAML.
    tree: Option<Vec<String>>,
}

/// The known ones: go-yaml, whose word counts here, asks for no indentation inside brackets and quotes (9C9N, DK95/01, QB6E, Y79Y/03) and reads the escape `\'` (HRE5); the parser does not take a `%YAML` line with something behind the version (ZYU8/02), and nor does go-yaml.
#[test]
fn agrees_with_the_suite_but_for_known_cases() {
    let mut different = String::new();
    let cases = cases();
    for case in &cases {
        let parse = parse(&case.yaml);
        let fault = fault(&parse);
        match (&case.tree, fault) {
            (None, Some(_)) => {}
            (Some(_), Some(fault)) => {
                writeln!(different, "{}: refused: {}", case.name, fault.message).unwrap();
            }
            (None, None) => writeln!(different, "{}: accepted", case.name).unwrap(),
            (Some(tree), None) => {
                let found = events(&parse.documents, &case.yaml);
                let pairs = found.iter().zip(tree);
                if let Some((found, expected)) = pairs.into_iter().find(|(found, expected)| found != expected) {
                    writeln!(different, "{}: {found} instead of {expected}", case.name).unwrap();
                } else if found.len() != tree.len() {
                    writeln!(
                        different,
                        "{}: {} events instead of {}",
                        case.name,
                        found.len(),
                        tree.len()
                    )
                    .unwrap();
                }
            }
        }
    }
    let known = different.lines().count();
    let summary = format!(
        "{} of {} cases agree, but not\n{different}",
        cases.len() - known,
        cases.len()
    );
    expect![[r"
        399 of 405 cases agree, but not
        9C9N: accepted
        DK95/01: accepted
        HRE5: accepted
        QB6E: accepted
        Y79Y/03: accepted
        ZYU8/02: refused: a line that starts with `%` is a directive, and kubectl and Flux cannot read a file that has one
    "]].assert_eq(&summary);
}

/// What breaks a document; the suite does not judge what Kubernetes' readers refuse.
fn fault(parse: &Parse) -> Option<&SyntaxError> {
    let is_broken = parse.documents.iter().any(Document::is_broken);
    let is_alias = |error: &&SyntaxError| error.kind == SyntaxErrorKind::UnknownAnchor;
    if is_broken {
        parse.errors.first()
    } else {
        parse.errors.iter().find(is_alias)
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, text) in support::corpus_files() {
        let Some(file) = path.strip_prefix("yaml-test-suite/src/") else {
            continue;
        };
        let parse = parse(&text);
        assert!(fault(&parse).is_none(), "{path}: {:?}", parse.errors);
        let root = parse.documents[0].root(&text).expect("a file of the suite is a list");
        let count = root.items().count();
        let (mut yaml, mut tree) = (None, None);
        for (index, item) in root.items().enumerate() {
            let field = |name: &str| item.get(name).and_then(Node::as_str);
            // What an item leaves out is that of the one before, but for `fail`.
            yaml = field("yaml").or(yaml);
            tree = field("tree").or(tree);
            if field("skip") == Some("true") {
                continue;
            }
            let id = file.trim_end_matches(".yaml");
            let name = if count > 1 {
                format!("{id}/{index:02}")
            } else {
                id.to_owned()
            };
            let fails = field("fail") == Some("true");
            cases.push(Case {
                name,
                yaml: unvisual(yaml.expect("a case has a text")),
                tree: (!fails).then(|| expected(tree.expect("a case has a tree"))),
            });
        }
    }
    cases
}

/// The suite writes characters that cannot be seen as others that can.
fn unvisual(text: &str) -> String {
    text.replace("\u{220E}\n", "")
        .replace('\u{2423}', " ")
        .replace('\u{BB}', "\t")
        .replace(['\u{2014}', '\u{21B5}'], "")
        .replace('\u{2190}', "\r")
        .replace('\u{21D4}', "\u{FEFF}")
}

/// The suite's events; whether a document ends with `...` is not in our tree.
fn expected(tree: &str) -> Vec<String> {
    let tree = unvisual(tree);
    let events = tree.lines().map(str::trim_start);
    let events = events.filter(|event| !event.is_empty() && !event.ends_with("STR"));
    events.map(|event| event.replace("-DOC ...", "-DOC")).collect()
}

fn events(documents: &[Document], text: &str) -> Vec<String> {
    let mut events = Vec::new();
    for document in documents {
        let root = document.root(text);
        if root.is_none() && !document.is_explicit() {
            continue;
        }
        events.push(if document.is_explicit() { "+DOC ---" } else { "+DOC" }.to_owned());
        match root {
            Some(root) => node(root, text, &mut events),
            None => events.push("=VAL :".to_owned()),
        }
        events.push("-DOC".to_owned());
    }
    events
}

fn node(node: Node<'_>, text: &str, events: &mut Vec<String>) {
    let mut properties = String::new();
    if let Some(anchor) = node.anchor() {
        write!(properties, " {}", anchor.slice(text)).unwrap();
    }
    if let Some(tag) = node.tag() {
        let tag = match tag.strip_prefix("!!") {
            Some(name) => format!("tag:yaml.org,2002:{name}"),
            None => tag.to_owned(),
        };
        write!(properties, " <{tag}>").unwrap();
    }
    match node.kind() {
        NodeKind::Mapping => {
            events.push(format!("+MAP{}{properties}", if node.is_flow() { " {}" } else { "" }));
            for (key, value) in node.entries() {
                self::node(key, text, events);
                self::node(value, text, events);
            }
            events.push("-MAP".to_owned());
        }
        NodeKind::Sequence => {
            events.push(format!("+SEQ{}{properties}", if node.is_flow() { " []" } else { "" }));
            for item in node.items() {
                self::node(item, text, events);
            }
            events.push("-SEQ".to_owned());
        }
        NodeKind::Alias => events.push(format!("=ALI {}", node.span().slice(text))),
        NodeKind::Scalar => {
            let scalar = node.scalar().expect("it is a scalar");
            let style = match scalar.style {
                Style::Plain => ':',
                Style::SingleQuoted => '\'',
                Style::DoubleQuoted => '"',
                Style::Literal => '|',
                Style::Folded => '>',
            };
            let value = scalar.value.replace('\\', "\\\\").replace('\n', "\\n");
            let value = value.replace('\r', "\\r").replace('\t', "\\t").replace('\u{8}', "\\b");
            events.push(format!("=VAL{properties} {style}{value}"));
        }
    }
}
