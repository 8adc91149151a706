//! What the Pod Security admission refuses or warns of: `violates PodSecurity "restricted:latest": reason (detail), …`.

use gitops_model::Severity;
use gitops_yaml::FieldPath;
use serde_json::{Value, json};

use super::pod_security_demand::Demand;
use super::pods::{containers, spec_path};
use super::sent::{below, existing, value_at, with_index, with_key, with_keys};
use super::wording::{and, between, quote, quoted};
use super::{Answer, Context, Peel, Place, Suggestion, codes};

/// What one part of the text wants, at one place.
struct Want {
    /// The container or the pod's spec.
    owner: FieldPath,
    /// What is to be said of the owner: `container "a"`, or empty for the pod.
    said_of: String,
    /// The field that it is about.
    field: FieldPath,
    /// In words: `securityContext.runAsNonRoot: true`.
    words: String,
    /// What to write, where that is known.
    set: Option<(FieldPath, Value)>,
}

/// The answers to such a text, one for each place where something has to be done.
pub(super) fn answers(context: &Context<'_>, text: &str, severity: Severity) -> Vec<Answer> {
    let Some((_, rest)) = text
        .split_once("violate")
        .and_then(|(_, rest)| rest.split_once("PodSecurity "))
    else {
        return Vec::new();
    };
    let level = quoted(rest).into_iter().next().unwrap_or_default();
    let Some((_, checks)) = rest.split_once("\": ").or_else(|| rest.split_once(": ")) else {
        return Vec::new();
    };
    let mut wants: Vec<Want> = Vec::new();
    for check in top_level_parts(checks) {
        wants.extend(wants_of(context, check));
    }
    if wants.is_empty() {
        let mut answer = Answer::about_object(
            codes::POD_SECURITY,
            format!("Pod Security level {} does not allow this: {checks}", quote(&level)),
        )
        .with_detail(text);
        answer.severity = severity;
        return vec![answer];
    }
    by_place(context, wants, &level, text, severity)
}

/// Puts together what is wanted at one place.
fn by_place(context: &Context<'_>, wants: Vec<Want>, level: &str, text: &str, severity: Severity) -> Vec<Answer> {
    let mut groups: Vec<(FieldPath, bool, Vec<Want>)> = Vec::new();
    for want in wants {
        let found = existing(context.sent, &want.field);
        let written = found.len() == want.field.len();
        // What is missing below a container is shown on the container, however deep.
        let path = if written {
            found
        } else {
            existing(context.sent, &want.owner)
        };
        match groups
            .iter_mut()
            .find(|(place, exists, _)| *place == path && *exists == written)
        {
            Some((_, _, group)) => group.push(want),
            None => groups.push((path, written, vec![want])),
        }
    }
    groups
        .into_iter()
        .map(|(path, written, group)| {
            let mut words: Vec<String> = group.iter().map(|want| want.words.clone()).collect();
            // The verb is said once: `must set a, b and c`.
            for verb in ["must set ", "must not set "] {
                let mut said = false;
                for word in &mut words {
                    let rest = word.strip_prefix(verb).map(str::to_owned);
                    match rest {
                        Some(rest) if said => *word = rest,
                        Some(_) => said = true,
                        None => said = false,
                    }
                }
            }
            let of = group
                .first()
                .map(|want| want.said_of.clone())
                .filter(|said| !said.is_empty());
            let of = of.map_or_else(String::new, |said| format!("{said} "));
            let message = format!("Pod Security level {}: {of}{}", quote(level), and(&words));
            let place = match group.first() {
                _ if path.is_empty() => Place::Object,
                Some(first) if !written => Place::Missing {
                    field: below(&first.field, &path),
                },
                _ => Place::Value,
            };
            let sets: Vec<(FieldPath, Value)> = group.iter().filter_map(|want| want.set.clone()).collect();
            let peel = match sets.as_slice() {
                [(path, value)] if written => Peel::Set {
                    path: path.clone(),
                    value: value.clone(),
                },
                _ if written && !path.is_empty() => Peel::Remove(path.clone()),
                _ => Peel::Stop,
            };
            let suggestion = if sets.is_empty() {
                if written && !path.is_empty() {
                    Suggestion::Remove
                } else {
                    Suggestion::None
                }
            } else {
                Suggestion::SetFields(sets)
            };
            let mut answer = Answer::new(path, place, codes::POD_SECURITY, message)
                .with_detail(text)
                .with_suggestion(suggestion)
                .with_peel(peel);
            answer.severity = severity;
            answer
        })
        .collect()
}

/// `a (x, y), b (z)` at its commas outside of brackets.
fn top_level_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_u32;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.extend(text.get(start..at).map(str::trim));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..).map(str::trim));
    parts.retain(|part| !part.is_empty());
    parts
}

fn wants_of(context: &Context<'_>, check: &str) -> Vec<Want> {
    let (reason, detail) = match check.split_once(" (") {
        Some((reason, detail)) => (reason, detail.strip_suffix(')').unwrap_or(detail)),
        None => (check, ""),
    };
    let Some(spec) = spec_path(context.gvk, context.sent) else {
        return Vec::new();
    };
    if reason == "host namespaces" {
        return detail
            .split(", ")
            .filter_map(|flag| flag.split('=').next())
            .map(|flag| {
                want(
                    &spec,
                    String::new(),
                    with_key(&spec, flag),
                    format!("must not set {flag}: true"),
                    Some(json!(false)),
                )
            })
            .collect();
    }
    if detail.starts_with("volume") {
        return volumes(context, &spec, detail, reason);
    }
    detail
        .split("; ")
        .flat_map(|part| wants_of_part(context, &spec, reason, part))
        .collect()
}

/// `container "a" must set securityContext.allowPrivilegeEscalation=false`, and its relatives.
fn wants_of_part(context: &Context<'_>, spec: &FieldPath, reason: &str, part: &str) -> Vec<Want> {
    let verb = [
        "must not include ",
        "must not set ",
        "must set ",
        " uses ",
        " use ",
        " set forbidden ",
    ]
    .into_iter()
    .find_map(|verb| {
        part.split_once(verb)
            .map(|(owners, rest)| (owners.trim(), verb.trim(), rest.trim()))
    });
    let Some((owners, verb, rest)) = verb else {
        return Vec::new();
    };
    let pod = owners.starts_with("pod");
    let either = owners.starts_with("pod or ");
    let names = quoted(owners);
    let demand = Demand::of(reason, verb, rest);
    let mut wants = Vec::new();
    if pod && !either {
        let field = with_keys(spec, &demand.field);
        wants.push(want(
            spec,
            String::new(),
            field,
            demand.words.clone(),
            demand.set.clone(),
        ));
    }
    for name in names {
        let Some(container) = containers(context.gvk, context.sent)
            .into_iter()
            .find(|container| container.name == name)
        else {
            continue;
        };
        let said_of = format!("container {}", quote(&name));
        let field = demand.concrete(context, &container.path);
        let mut wanted = want(
            &container.path,
            said_of,
            field,
            demand.words.clone(),
            demand.set.clone(),
        );
        // Once in the pod is enough for all its containers.
        if let (true, Some(value)) = (either, demand.set.clone()) {
            wanted.set = Some((with_keys(spec, &demand.field), value));
        }
        wants.push(wanted);
    }
    wants
}

fn want(owner: &FieldPath, said_of: String, field: FieldPath, words: String, set: Option<Value>) -> Want {
    Want {
        owner: owner.clone(),
        said_of,
        set: set.map(|value| (field.clone(), value)),
        field,
        words,
    }
}

/// `volume "v" uses restricted volume type "hostPath"`, or `volumes "a", "b"` for `hostPath volumes`.
fn volumes(context: &Context<'_>, spec: &FieldPath, detail: &str, reason: &str) -> Vec<Want> {
    let (names, kinds) = detail
        .split_once(" use")
        .map_or((detail, ""), |(names, kinds)| (names, kinds));
    let kinds = if kinds.is_empty() {
        vec!["hostPath".to_owned()]
    } else {
        quoted(kinds)
    };
    let list = with_key(spec, "volumes");
    let items = value_at(context.sent, &list)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    quoted(names)
        .into_iter()
        .filter_map(|name| {
            let index = items
                .iter()
                .position(|item| item.get("name").and_then(Value::as_str) == Some(name.as_str()))?;
            let item = with_index(&list, index);
            let kind = kinds
                .iter()
                .find(|kind| items.get(index).and_then(|item| item.get(kind.as_str())).is_some());
            let field = kind.map_or_else(|| item.clone(), |kind| with_key(&item, kind));
            let words = format!("volume {} is of a type that is not allowed ({reason})", quote(&name));
            Some(want(&item, String::new(), field, words, None))
        })
        .collect()
}

/// Whether a text is of this admission.
pub(super) fn is_text(text: &str) -> bool {
    text.contains("PodSecurity")
        && (text.contains("violates ") || text.contains("would violate "))
        && between(text, "PodSecurity \"", "\"").is_some()
}
