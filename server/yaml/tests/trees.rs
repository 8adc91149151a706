//! Texts and their trees: spans, values, comments and what is left of broken documents.
//!
//! `fixtures/trees.txt` has the texts, `fixtures/trees.expected.txt` has the trees.

mod support;

use expect_test::expect_file;
use gitops_yaml::{Node, NodeKind, parse};
use std::fmt::Write as _;

#[test]
fn trees_are_as_written() {
    let mut shown = String::new();
    for case in include_str!("fixtures/trees.txt").split("=== ").skip(1) {
        let (name, text) = case.split_once('\n').expect("a case has a name");
        let text = support::readable_to_raw(text);
        writeln!(shown, "=== {name}").unwrap();
        for document in parse(&text).documents {
            let span = document.span();
            let explicit = if document.is_explicit() { " explicit" } else { "" };
            let broken = if document.is_broken() { " broken" } else { "" };
            writeln!(shown, "document {}..{}{explicit}{broken}", span.start, span.end).unwrap();
            for comment in document.comments() {
                writeln!(shown, "  comment {:?}", comment.slice(&text)).unwrap();
            }
            match document.root(&text) {
                Some(root) => show(root, &text, 1, &mut shown),
                None => writeln!(shown, "  nothing").unwrap(),
            }
        }
        shown.push('\n');
    }
    expect_file!["fixtures/trees.expected.txt"].assert_eq(&shown);
}

fn show(node: Node<'_>, text: &str, depth: usize, shown: &mut String) {
    let indentation = "  ".repeat(depth);
    let span = node.span();
    write!(shown, "{indentation}{}..{} ", span.start, span.end).unwrap();
    for property in [node.anchor(), node.tag_span()].into_iter().flatten() {
        write!(shown, "{} ", property.slice(text)).unwrap();
    }
    match node.kind() {
        NodeKind::Mapping => {
            writeln!(shown, "mapping{}", if node.is_flow() { " {}" } else { "" }).unwrap();
            for (key, value) in node.entries() {
                show(key, text, depth + 1, shown);
                show(value, text, depth + 2, shown);
            }
        }
        NodeKind::Sequence => {
            writeln!(shown, "sequence{}", if node.is_flow() { " []" } else { "" }).unwrap();
            for item in node.items() {
                show(item, text, depth + 1, shown);
            }
        }
        NodeKind::Alias => {
            let target = node.resolved().span();
            writeln!(shown, "{} = {}..{}", span.slice(text), target.start, target.end).unwrap();
        }
        NodeKind::Scalar => {
            let scalar = node.scalar().expect("it is a scalar");
            write!(shown, "{:?}", scalar.raw).unwrap();
            if scalar.raw != scalar.value {
                write!(shown, " = {:?}", scalar.value).unwrap();
            }
            shown.push('\n');
        }
    }
}
