//! Names of the read-only documents that an editor can open: what was built, and its difference from what is live.
//!
//! `gitops-rendered:/Deployment/apps/web.yaml?ARGUMENT` and `gitops-live:/Deployment/apps/web.diff?ARGUMENT`, where
//! `ARGUMENT` is the argument of the command as JSON, percent-encoded; the path is there to be read by people.

use std::fmt::Write as _;

use gitops_model::ObjectKey;

use super::Action;
use super::about::Arguments;

/// Of what was built.
pub(crate) const RENDERED_SCHEME: &str = "gitops-rendered";
/// Of the difference from what is live.
pub(crate) const LIVE_SCHEME: &str = "gitops-live";

/// The name of the document that shows what a command answers.
pub(super) fn of(action: Action, keys: &[ObjectKey], arguments: &Arguments) -> String {
    let (scheme, ending) = match action {
        Action::DiffLive => (LIVE_SCHEME, "diff"),
        _ => (RENDERED_SCHEME, "yaml"),
    };
    let title = match (keys, &arguments.uri) {
        ([only], _) => only.to_string(),
        (_, Some(uri)) => uri.path().as_str().trim_matches('/').to_owned(),
        (_, None) => "objects".to_owned(),
    };
    let argument = match keys {
        // A place moves with the text; an object stays.
        [only] => Arguments {
            uri: arguments.uri.clone(),
            object: Some(only.into()),
            ..Arguments::default()
        },
        _ => Arguments {
            show: None,
            reason: None,
            ..arguments.clone()
        },
    };
    let argument = serde_json::to_string(&argument).unwrap_or_default();
    format!("{scheme}:/{}.{ending}?{}", encoded(&title, "/"), encoded(&argument, ""))
}

/// What a document shows, by its name.
pub(crate) fn read(uri: &str) -> Option<(Action, Arguments)> {
    let (scheme, rest) = uri.split_once(':')?;
    let action = match scheme {
        RENDERED_SCHEME => Action::ShowRendered,
        LIVE_SCHEME => Action::DiffLive,
        _ => return None,
    };
    let (_, argument) = rest.split_once('?')?;
    Some((action, serde_json::from_str(&decoded(argument)?).ok()?))
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 and `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use gitops_model::{Gvk, ObjectKey};

    use super::{of, read};
    use crate::actions::{Action, Arguments};

    #[test]
    fn a_name_says_again_what_is_shown() {
        let key = ObjectKey {
            gvk: Gvk::parse("rbac.authorization.k8s.io/v1", "ClusterRole"),
            namespace: None,
            name: "system:ü x".to_owned(),
        };
        let uri = of(Action::DiffLive, std::slice::from_ref(&key), &Arguments::default());
        assert!(
            uri.starts_with("gitops-live:/ClusterRole/system%3A%C3%BC%20x.diff?%7B"),
            "{uri}"
        );
        let (action, arguments) = read(&uri).expect("it is one of ours");
        assert_eq!(action, Action::DiffLive);
        assert_eq!(ObjectKey::from(arguments.object.expect("an object")), key);
    }

    #[test]
    fn other_names_are_none_of_ours() {
        for uri in [
            "file:///a.yaml?{}",
            "gitops-live:/a",
            "gitops-live:/a?%7",
            "gitops-live:/a?{",
            "x",
        ] {
            assert!(read(uri).is_none(), "{uri}");
        }
    }
}
