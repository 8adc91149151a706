//! What another field manager holds: status 409.

use gitops_yaml::FieldPath;

use super::merge_path::resolve;
use super::sent::value_at;
use super::wording::{and, between, quote, quoted};
use super::{Answer, Context, Place, Suggestion, codes};

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let held = held(context);
    if held.is_empty() {
        return Vec::new();
    }
    // One field that several hold is one answer.
    let mut by_field: Vec<(FieldPath, Vec<Holder>)> = Vec::new();
    for (path, holder) in held {
        match by_field.iter_mut().find(|(other, _)| *other == path) {
            Some((_, holders)) => holders.push(holder),
            None => by_field.push((path, vec![holder])),
        }
    }
    by_field
        .into_iter()
        .map(|(path, holders)| answer(context, path, &holders))
        .collect()
}

struct Holder {
    manager: String,
    /// When it wrote, where the server says so.
    since: Option<String>,
    said: String,
}

fn answer(context: &Context<'_>, path: FieldPath, holders: &[Holder]) -> Answer {
    let names: Vec<String> = holders
        .iter()
        .map(|holder| match &holder.since {
            Some(since) => format!("{} (since {since})", quote(&holder.manager)),
            None => quote(&holder.manager),
        })
        .collect();
    let name = path.last_key().unwrap_or("this object").to_owned();
    let message = format!(
        "field {} belongs to {}, who gave it another value",
        quote(&name),
        and(&names)
    );
    let manager = holders.first().map(|holder| holder.manager.clone()).unwrap_or_default();
    let said: Vec<&str> = holders.iter().map(|holder| holder.said.as_str()).collect();
    let exists = value_at(context.sent, &path).is_some() && !path.is_empty();
    let answer = if exists {
        Answer::new(path, Place::Value, codes::CONFLICT, message).removable()
    } else {
        super::invalid::at(context.sent, &path, codes::CONFLICT, message)
    };
    answer
        .with_detail(&said.join("\n"))
        .with_suggestion(Suggestion::TakeOver { manager })
}

/// Every field that is held, with who holds it: from the causes, else from the message.
fn held(context: &Context<'_>) -> Vec<(FieldPath, Holder)> {
    let refusal = context.refusal;
    let listed: Vec<(FieldPath, Holder)> = refusal
        .causes
        .iter()
        .filter(|cause| cause.reason == "FieldManagerConflict" || cause.message.starts_with("conflict with "))
        .map(|cause| {
            let path = resolve(&cause.field, context.sent)
                .map(|(path, _)| path)
                .unwrap_or_default();
            (
                path,
                holder(&cause.message, &format!("{}: {}", cause.message, cause.field)),
            )
        })
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    let Some((_, rest)) = refusal.message.split_once("Apply failed with ") else {
        return Vec::new();
    };
    let Some((_, conflicts)) = rest.split_once(": ") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut current = "";
    for line in conflicts.lines() {
        if let Some(path) = line.strip_prefix("- ") {
            let path = resolve(path, context.sent).map(|(path, _)| path).unwrap_or_default();
            found.push((path, holder(current, line)));
        } else if let Some((who, path)) = line.rsplit_once(": .") {
            let path = resolve(&format!(".{path}"), context.sent)
                .map(|(path, _)| path)
                .unwrap_or_default();
            found.push((path, holder(who, line)));
        } else {
            current = line;
        }
    }
    found
}

/// `conflict with "one" using apps/v1 at 2026-01-01T00:00:00Z`
fn holder(words: &str, said: &str) -> Holder {
    let manager = quoted(words)
        .into_iter()
        .next()
        .unwrap_or_else(|| "another manager".to_owned());
    let since = words
        .rsplit_once(" at ")
        .map(|(_, time)| time.trim_end_matches(':').to_owned())
        .filter(|time| time.starts_with(|c: char| c.is_ascii_digit()));
    let subresource = between(words, "with subresource \"", "\"");
    let manager = match subresource {
        Some(subresource) => format!("{manager}/{subresource}"),
        None => manager,
    };
    Holder {
        manager,
        since,
        said: said.to_owned(),
    }
}
