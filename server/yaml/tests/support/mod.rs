//! What more than one test needs.

#![allow(dead_code, reason = "not every test needs everything")]
#![allow(unreachable_pub, reason = "this module is part of several test crates")]

use gitops_text::{Encoding, LineIndex, Span};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The folder of the real input that the whole project is tested with.
pub fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpora")
}

/// Every YAML file in the corpora, with its path from there, in order.
pub fn corpus_files() -> Vec<(String, String)> {
    let root = corpora();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the corpora can be listed") {
            let path = entry.expect("the corpora can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
            {
                let bytes = std::fs::read(&path).expect("a file of the corpora can be read");
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let name = path.strip_prefix(&root).expect("it is below the root");
                files.push((name.display().to_string().replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "there are no files in {}", root.display());
    files
}

/// What is wrong with a text, each with its line and a mark under its place, as an editor would show it.
pub fn render_errors(text: &str) -> String {
    let index = LineIndex::new(text);
    let mut rendered = String::new();
    for error in gitops_yaml::parse(text).errors {
        let place = error.span;
        let position = index.position(text, place.start, Encoding::Utf32);
        writeln!(rendered, "{}: {}", error.kind.slug(), error.message).unwrap();
        rendered.push_str(&marked(text, &index, place));
        if let Some((related, message)) = error.related {
            let line = index.line_of(related.start);
            if line == position.line {
                writeln!(rendered, "  {message}: `{}`", related.slice(text)).unwrap();
            } else {
                writeln!(rendered, "  {message}:").unwrap();
                rendered.push_str(&marked(text, &index, related));
            }
        }
    }
    if rendered.is_empty() {
        "nothing wrong\n".into()
    } else {
        rendered
    }
}

fn marked(text: &str, index: &LineIndex, span: Span) -> String {
    let from = index.position(text, span.start, Encoding::Utf32);
    let to = index.position(text, span.end, Encoding::Utf32);
    let line = index.line_span(from.line).expect("the span is in the text").slice(text);
    let line = line.replace('\t', "→");
    let length = if to.line == from.line {
        to.character - from.character
    } else {
        1
    };
    let mark = "^".repeat(length.max(1) as usize);
    let mark = format!(
        "{:3} | {line}\n    | {}{mark}",
        from.line + 1,
        " ".repeat(from.character as usize)
    );
    format!("{}\n", mark.trim_end())
}

/// Fixtures write `→` for a tab and `\\u{…}` for a character that cannot be seen.
pub fn readable_to_raw(text: &str) -> String {
    let text = text.replace('→', "\t");
    let mut parts = text.split("\\u{");
    let mut raw = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('}').expect("an escape is closed");
        let number = u32::from_str_radix(number, 16).expect("an escape is a number");
        raw.push(char::from_u32(number).expect("an escape is a character"));
        raw.push_str(rest);
    }
    raw
}
