//! What a scalar means to the two readers that Kubernetes has.
//!
//! Both are versions of go-yaml with rules of their own: neither is YAML 1.1 nor 1.2. The rules here are those of `resolve.go` in `go.yaml.in/yaml/v2` and `v3`, and of what `sigs.k8s.io/yaml` and kustomize's `kyaml` make of the result.

use crate::base64::decode_base64;
use crate::node::Style;
use crate::number::{float, float_with_underscores, integer};
use crate::timestamp::timestamp;
use std::borrow::Cow;

/// Whose rules count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dialect {
    /// kubectl, Helm and everything else that reads with `sigs.k8s.io/yaml`: go-yaml's second version.
    Kubectl,
    /// kustomize, and so Flux: go-yaml's third version.
    Kustomize,
}

/// A scalar's value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number, from the smallest of 64 bits with a sign to the largest without.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    String(Cow<'a, str>),
}

/// Reads a scalar: `value` is its decoded text, `tag` its tag in short form (`!!int`).
///
/// A text that is not what its tag says is read as a text; both readers refuse it.
#[must_use]
pub fn resolve<'a>(dialect: Dialect, value: &'a str, style: Style, tag: Option<&str>) -> Value<'a> {
    resolve_strictly(dialect, value, style, tag).unwrap_or(Value::String(Cow::Borrowed(value)))
}

/// The same, but `None` for a text that is not what its tag says.
pub(crate) fn resolve_strictly<'a>(
    dialect: Dialect,
    value: &'a str,
    style: Style,
    tag: Option<&str>,
) -> Option<Value<'a>> {
    let text = Value::String(Cow::Borrowed(value));
    let resolved = match tag {
        None if style == Style::Plain => untagged(dialect, value),
        Some("!") if style == Style::Plain && dialect == Dialect::Kustomize => untagged(dialect, value),
        Some("!!binary") => Value::String(Cow::Owned(utf8_as_go_writes_it(&decode_base64(value)?))),
        Some("!!null") => return tagged(dialect, value, |value| *value == Value::Null),
        Some("!!bool") => return tagged(dialect, value, |value| matches!(value, Value::Bool(_))),
        Some("!!int") => return tagged(dialect, value, |value| matches!(value, Value::Int(_))),
        Some("!!float") => match implicit(dialect, value)? {
            // Only a number that fits into 64 bits with a sign is converted.
            #[expect(clippy::cast_precision_loss, reason = "Go rounds in the same way")]
            Value::Int(number) if i64::try_from(number).is_ok() => Value::Float(number as f64),
            Value::Float(number) => Value::Float(number),
            _ => return None,
        },
        Some("!!timestamp") => {
            let normal = timestamp(value)?;
            match dialect {
                Dialect::Kubectl => text,
                Dialect::Kustomize => Value::String(Cow::Owned(normal)),
            }
        }
        _ => text,
    };
    Some(resolved)
}

fn tagged<'a>(dialect: Dialect, value: &'a str, is_wanted: fn(&Value<'a>) -> bool) -> Option<Value<'a>> {
    implicit(dialect, value).filter(is_wanted)
}

fn untagged(dialect: Dialect, value: &str) -> Value<'_> {
    if let Some(resolved) = implicit(dialect, value) {
        return resolved;
    }
    // kubectl recognises a time and keeps its text; kustomize writes it out anew.
    match timestamp(value).filter(|_| dialect == Dialect::Kustomize) {
        Some(normal) => Value::String(Cow::Owned(normal)),
        None => Value::String(Cow::Borrowed(value)),
    }
}

/// What a plain text is that is neither a text nor a time.
fn implicit<'a>(dialect: Dialect, value: &str) -> Option<Value<'a>> {
    let resolved = match value {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::Kubectl => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::Kubectl => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        _ => match value.as_bytes().first()? {
            b'.' => Value::Float(float_with_underscores(value)?),
            b'0'..=b'9' | b'+' | b'-' => {
                let plain = if value.contains('_') {
                    Cow::Owned(value.replace('_', ""))
                } else {
                    Cow::Borrowed(value)
                };
                match integer(&plain, dialect) {
                    Some(number) => Value::Int(number),
                    None => Value::Float(float(&plain)?),
                }
            }
            _ => return None,
        },
    };
    Some(resolved)
}

/// Go puts a replacement character for every byte that it cannot read.
fn utf8_as_go_writes_it(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// Whether the two dialects can differ at all; quick, because every scalar of every file is asked.
pub(crate) fn may_differ(value: &str, tag: Option<&str>) -> bool {
    let bytes = value.as_bytes();
    match bytes.first() {
        _ if tag.is_some() => true,
        Some(b'y' | b'Y' | b'n' | b'N' | b'o' | b'O') => bytes.len() <= 3,
        // A time, or an octal number as only one of them reads it.
        Some(b'0'..=b'9') => bytes.get(4) == Some(&b'-') || bytes.get(1) == Some(&b'o'),
        _ => false,
    }
}
