//! Entries that must be base64 and are not.

use gitops_yaml::FieldPath;

use super::sent::{first_key, leaves};
use super::{Answer, Context, Place, ScalarType, Suggestion, codes};

/// The entries that are not base64. The server gives only the offset, and only of the first that it met.
pub(super) fn answers(context: &Context<'_>, message: &str, offset: Option<usize>) -> Vec<Answer> {
    let candidates: Vec<(FieldPath, usize)> = leaves(context.sent)
        .into_iter()
        .filter(|(path, _)| may_be_bytes(context, path))
        .filter_map(|(path, value)| base64_error(value.as_str()?).map(|at| (path, at)))
        .collect();
    if candidates.is_empty() {
        let words = "some value must be base64 and is not; the server does not say which";
        return vec![Answer::about_object(codes::BAD_BASE64, words).with_detail(message)];
    }
    // The one that the server stopped at comes first.
    let (mut named, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|(_, at)| Some(*at) == offset);
    named.extend(others);
    let plain_text = context.gvk.kind == "Secret";
    named
        .into_iter()
        .map(|(path, at)| {
            let hint = if plain_text {
                "; encode it, or write it as plain text below stringData"
            } else {
                "; encode it"
            };
            Answer::new(
                path,
                Place::Value,
                codes::BAD_BASE64,
                format!("not base64: wrong at byte {at}{hint}"),
            )
            .with_detail(message)
            .with_suggestion(Suggestion::EncodeBase64)
            .removable()
        })
        .collect()
}

fn may_be_bytes(context: &Context<'_>, path: &FieldPath) -> bool {
    if let Some(known) = context.knowledge.scalar_type(context.gvk, path) {
        return known == ScalarType::Bytes;
    }
    let first = first_key(path);
    let secret = context.gvk.kind == "Secret" && first == Some("data");
    let bytes = matches!(path.last_key(), Some("caBundle" | "request" | "certificate"));
    secret || first == Some("binaryData") || bytes
}

/// The offset at which Go's decoder stops, if it does: line breaks are skipped, padding must be whole.
fn base64_error(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_break = |at: usize| matches!(bytes.get(at), Some(b'\n' | b'\r'));
    let mut at = 0;
    loop {
        let mut filled = 0;
        while filled < 4 {
            while is_break(at) {
                at += 1;
            }
            let Some(&byte) = bytes.get(at) else {
                return (filled > 0).then(|| at - filled);
            };
            if byte == b'=' {
                return padding_error(bytes, at, filled, &is_break);
            }
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
                return Some(at);
            }
            at += 1;
            filled += 1;
        }
    }
}

fn padding_error(bytes: &[u8], first: usize, filled: usize, is_break: &dyn Fn(usize) -> bool) -> Option<usize> {
    let mut at = first + 1;
    if filled < 2 {
        return Some(first);
    }
    if filled == 2 {
        while is_break(at) {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'=') => at += 1,
            Some(_) => return Some(at - 1),
            None => return Some(bytes.len()),
        }
    }
    while is_break(at) {
        at += 1;
    }
    (at < bytes.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::base64_error;

    #[test]
    fn stops_where_go_stops() {
        for (text, offset) in [
            ("aGVsbG8=", None),
            ("aGVs\nbG8=", None),
            ("", None),
            ("hello world", Some(5)),
            ("s3cr3t!pass", Some(6)),
            ("abc", Some(0)),
            ("abcde", Some(4)),
            ("a===", Some(1)),
            ("ab=c", Some(2)),
            ("ab=", Some(3)),
            ("aGVsbG8=x", Some(8)),
        ] {
            assert_eq!(base64_error(text), offset, "{text}");
        }
    }
}
