//! How diagnostics, lenses and actions are written down in expectations.

use serde_json::Value;

use crate::columns::{Encoding, lines, offset_of, slice};

/// `error apply/unknown-field: unknown field "imag"`.
pub fn headline(diagnostic: &Value) -> String {
    let severity = match diagnostic["severity"].as_u64() {
        Some(1) => "error",
        Some(2) => "warning",
        Some(3) => "information",
        Some(4) => "hint",
        other => panic!("{other:?} is no severity"),
    };
    let code = diagnostic["code"]
        .as_str()
        .map(|code| format!(" {code}"))
        .unwrap_or_default();
    assert_eq!(diagnostic["source"], "gitops", "the source of {diagnostic}");
    format!(
        "{severity}{code}: {}",
        diagnostic["message"].as_str().expect("a message")
    )
}

/// A diagnostic as a comment line to stand under the line of its range, with its column marked.
pub fn mark(text: &str, diagnostic: &Value, encoding: Encoding) -> String {
    let range = &diagnostic["range"];
    let (first, last) = (range["start"]["line"].as_u64(), range["end"]["line"].as_u64());
    let start = offset_of(text, &range["start"], encoding);
    let covered = slice(text, range, encoding).chars().count();
    let (line_start, _) = lines(text)[usize::try_from(first.expect("a line")).expect("small")];
    let before = text[line_start..start].chars().count();
    let place = match (first == last, before, covered) {
        // A comment begins where a range in the first column does, so that is told by a sign of its own.
        (true, 0, 2..) => format!("<{}", "^".repeat(covered - 2)),
        (true, 1.., 1..) => format!("{}{}", " ".repeat(before - 1), "^".repeat(covered)),
        _ => format!("@{}", range_in_words(range)),
    };
    let message = headline(diagnostic).replace('\n', "\n#| ");
    format!("#{place} {message}\n")
}

/// Other places that a diagnostic leads to, the cluster's own words left out.
pub fn related(text: &str, diagnostic: &Value, encoding: Encoding) -> String {
    let related = diagnostic["relatedInformation"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    related
        .iter()
        .filter(|related| !is_detail(related))
        .map(|related| {
            let range = &related["location"]["range"];
            let message = related["message"].as_str().unwrap_or_default();
            format!(
                "#| see {} {:?}: {message}\n",
                range_in_words(range),
                slice(text, range, encoding)
            )
        })
        .collect()
}

/// The cluster's own words about a diagnostic.
pub fn detail(diagnostic: &Value) -> String {
    let related = diagnostic["relatedInformation"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    related
        .iter()
        .filter(|related| is_detail(related))
        .map(|related| {
            format!(
                "#| {}\n",
                related["message"].as_str().unwrap_or_default().replace('\n', "\n#|   ")
            )
        })
        .collect()
}

fn is_detail(related: &Value) -> bool {
    related["message"]
        .as_str()
        .is_some_and(|message| message.starts_with("the cluster's words: "))
}

/// `12:5-12:9`, lines and columns from 1.
fn range_in_words(range: &Value) -> String {
    let place = |position: &Value| {
        let number = |name: &str| position[name].as_u64().expect("a number") + 1;
        format!("{}:{}", number("line"), number("character"))
    };
    format!("{}-{}", place(&range["start"]), place(&range["end"]))
}

/// The title of a lens, its age made the same for all days.
pub fn ageless(title: &str) -> String {
    let is_age = |part: &str| part == "just now" || part.ends_with(" ago");
    let parts = title.split(" · ");
    let parts: Vec<&str> = parts.map(|part| if is_age(part) { "AGE" } else { part }).collect();
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ageless, mark};
    use crate::columns::Encoding;

    fn marked(text: &str, start: (u32, u32), end: (u32, u32)) -> String {
        let range =
            json!({ "start": { "line": start.0, "character": start.1 }, "end": { "line": end.0, "character": end.1 } });
        let diagnostic =
            json!({ "range": range, "severity": 1, "code": "apply/x", "source": "gitops", "message": "one\ntwo" });
        mark(text, &diagnostic, Encoding::Utf16)
    }

    #[test]
    fn marks_stand_under_what_they_are_about() {
        assert_eq!(
            marked("kind: Pod\n", (0, 6), (0, 9)),
            "#     ^^^ error apply/x: one\n#| two\n"
        );
        assert_eq!(
            marked("kind: Pod\n", (0, 0), (0, 9)),
            "#<^^^^^^^ error apply/x: one\n#| two\n"
        );
        assert_eq!(
            marked("🦊: 🦊🦊\n", (0, 4), (0, 8)),
            "#  ^^ error apply/x: one\n#| two\n"
        );
        assert_eq!(
            marked("a\nb\n", (0, 0), (1, 1)),
            "#@1:1-2:2 error apply/x: one\n#| two\n"
        );
        assert_eq!(marked("a\n", (0, 1), (0, 1)), "#@1:2-1:2 error apply/x: one\n#| two\n");
    }

    #[test]
    fn ages_are_taken_out() {
        assert_eq!(ageless("✓ applied · 4 s ago"), "✓ applied · AGE");
        assert_eq!(ageless("✓ accepted · dry run only"), "✓ accepted · dry run only");
        assert_eq!(ageless("not in session"), "not in session");
    }
}
