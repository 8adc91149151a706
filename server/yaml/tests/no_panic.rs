//! Whatever the text: no panic, and every span is in it and cuts no character.

mod support;

use gitops_yaml::{Dialect, Document, FieldPath, Node, NodeKind, On, Parse, Style, SyntaxError, SyntaxErrorKind};
use gitops_yaml::{parse, resolve};
use std::ops::Range;

/// How many mutated texts are tried.
const MUTATIONS: usize = 8_000;

/// Larger files are cut, so that there is time for many.
const LARGEST: usize = 12_000;

#[test]
fn real_files() {
    for (path, text) in support::corpus_files() {
        check(&path, &text);
    }
}

#[test]
fn mutated_files() {
    let files = support::corpus_files();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for number in 0..MUTATIONS {
        let (path, text) = &files[random.below(files.len())];
        let (_, other) = &files[random.below(files.len())];
        let mut bytes = text.as_bytes()[..text.len().min(LARGEST)].to_vec();
        for _ in 0..=random.below(6) {
            mutate(&mut bytes, other.as_bytes(), &mut random);
        }
        check(
            &format!("mutation {number} of {path}"),
            &String::from_utf8_lossy(&bytes),
        );
    }
}

#[test]
fn cut_anywhere() {
    for (path, text) in support::corpus_files() {
        if text.len() > 250 {
            continue;
        }
        for (end, _) in text.char_indices() {
            check(&format!("{path} up to {end}"), &text[..end]);
        }
    }
}

#[test]
fn every_short_text_of_indicators() {
    let alphabet = [
        "a", ":", " ", "-", "\n", "[", "]", "{", "\"", "'", "#", "&a", "*a", "!", "|", "\t", "?", ",", "%", "---", "é",
    ];
    let mut indices = [0; 4];
    'all: loop {
        let text: String = indices.iter().map(|&index| alphabet[index]).collect();
        check("short", &text);
        for index in &mut indices {
            *index += 1;
            if *index < alphabet.len() {
                continue 'all;
            }
            *index = 0;
        }
        break;
    }
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const BYTES: &[u8] = b"\0\t\n\r \"'#%&*,-.:>?@[]`{|}!~a0\\\xC3\xA9\xEF\xBB\xBF\xF0\x9F\xFF";
    let range = random.range(bytes.len(), 12);
    match random.below(6) {
        0 if !bytes.is_empty() => {
            let at = random.below(bytes.len());
            bytes[at] = BYTES[random.below(BYTES.len())];
        }
        1 => bytes.insert(random.below(bytes.len() + 1), BYTES[random.below(BYTES.len())]),
        2 => drop(bytes.drain(range)),
        3 => {
            let copy = bytes[range].to_vec();
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, copy);
        }
        4 => {
            let copy = &other[random.range(other.len(), 60)];
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, copy.iter().copied());
        }
        _ => bytes.truncate(range.end),
    }
}

/// Everything that can be asked of a text, with what must hold for the answers.
fn check(name: &str, text: &str) {
    let parse = parse(text);
    check_documents(name, text, &parse);
    for error in &parse.errors {
        let related = error.related.as_ref().map(|(span, _)| *span);
        for span in std::iter::once(error.span).chain(related) {
            assert!(span.start <= span.end, "{name}: {error:?}");
            assert!(text.get(span.as_range()).is_some(), "{name}: {error:?}");
        }
        assert!(!error.message.is_empty(), "{name}");
    }
    for document in &parse.documents {
        if let Some(root) = document.root(text) {
            check_node(name, text, root, document.span().as_range(), document.is_broken());
        }
        for comment in document.comments() {
            assert!(text[comment.as_range()].starts_with('#'), "{name}: {comment:?}");
        }
        let _ = document.to_json(text, Dialect::Kubectl);
        let _ = document.to_json(text, Dialect::Kustomize);
        let span = document.span();
        for offset in [span.start, span.start + span.len() / 2, span.end, u32::MAX] {
            if let Some((path, _)) = document.path_at(text, offset) {
                let _ = document.locate(text, &path);
                assert!(
                    path.is_empty() || FieldPath::parse(&path.to_string()).is_some() || !path.to_string().is_empty()
                );
            }
        }
    }
}

fn check_documents(name: &str, text: &str, parse: &Parse) {
    let mut end = 0;
    for document in &parse.documents {
        assert_eq!(document.span().start, end, "{name}: documents lie side by side");
        end = document.span().end;
        assert!(text.is_char_boundary(end as usize), "{name}");
        let comments = document.comments();
        assert!(comments.is_sorted(), "{name}: {comments:?}");
    }
    assert_eq!(end as usize, text.len(), "{name}: documents cover the text");
    let broken = parse.documents.iter().any(Document::is_broken);
    assert!(
        !broken || !parse.errors.is_empty(),
        "{name}: what is broken has an error"
    );
    let breaks = |error: &SyntaxError| {
        use SyntaxErrorKind::{Indentation, NotYaml, TooDeep, UnclosedBracket, UnclosedQuote};
        matches!(
            error.kind,
            Indentation | NotYaml | TooDeep | UnclosedBracket | UnclosedQuote
        )
    };
    assert!(broken || !parse.errors.iter().any(breaks), "{name}: {:?}", parse.errors);
}

fn check_node(name: &str, text: &str, node: Node<'_>, within: Range<usize>, broken: bool) {
    let span = node.span();
    assert!(span.start <= span.end, "{name}: {node:?}");
    let raw = text.get(span.as_range());
    assert!(raw.is_some(), "{name}: {node:?} is out of bounds");
    let range = span.as_range();
    assert!(
        within.start <= range.start && range.end <= within.end,
        "{name}: {node:?} leaves {within:?}"
    );
    for property in [node.anchor(), node.tag_span()].into_iter().flatten() {
        assert!(
            text[property.as_range()].starts_with(['&', '!']),
            "{name}: {property:?}"
        );
    }
    let _ = node.resolved();
    match node.kind() {
        NodeKind::Mapping => {
            for (key, value) in node.entries() {
                check_node(name, text, key, range.clone(), broken);
                check_node(name, text, value, range.clone(), broken);
                if let Some(key) = key.as_str() {
                    assert!(node.get(key).is_some(), "{name}: {key}");
                }
            }
        }
        NodeKind::Sequence => {
            for item in node.items() {
                check_node(name, text, item, range.clone(), broken);
            }
        }
        NodeKind::Alias => assert!(raw.is_some_and(|raw| raw.starts_with('*')), "{name}: {node:?}"),
        NodeKind::Scalar => {
            let scalar = node.scalar().expect("it is a scalar");
            let opens = match scalar.style {
                Style::Plain => "",
                Style::SingleQuoted => "'",
                Style::DoubleQuoted => "\"",
                Style::Literal => "|",
                Style::Folded => ">",
            };
            // In a broken document a header can be what was wrong.
            assert!(broken || scalar.raw.starts_with(opens), "{name}: {scalar:?}");
            let _ = resolve(Dialect::Kubectl, scalar.value, scalar.style, scalar.tag);
        }
    }
}

#[test]
fn a_field_is_found_at_its_own_place() {
    for (path, text) in support::corpus_files() {
        let parse = parse(&text);
        for document in parse.documents.iter().filter(|document| !document.is_broken()) {
            let Some(root) = document.root(&text) else { continue };
            for (key, _) in root.entries() {
                if let (Some(name), false) = (key.as_str(), key.is_merge_key()) {
                    let found = document.path_at(&text, key.span().start);
                    let mut expected = FieldPath::new();
                    expected.push_key(name);
                    assert_eq!(found, Some((expected, On::Key)), "{path}");
                }
            }
        }
    }
}

/// The same numbers every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).expect("64 bits") % bound.max(1)
    }

    fn range(&mut self, length: usize, longest: usize) -> Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(longest)).min(length)
    }
}
