//! What `ResourceQuota` and `LimitRange` refuse.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::pods::containers;
use super::sent::{below, existing, keys, value_at, with_key, with_keys};
use super::wording::{name_scalar, quote};
use super::{Answer, Context, Place, Suggestion, codes, quantity};

/// The answers to a quota's text; empty when it is none.
pub(super) fn quota(context: &Context<'_>, text: &str) -> Vec<Answer> {
    if let Some((_, rest)) = text.split_once("exceeded quota: ") {
        return vec![exceeded(context, rest, text)];
    }
    if let Some((name, rest)) = text
        .split_once("failed quota: ")
        .and_then(|(_, rest)| rest.split_once(": must specify "))
    {
        return unspecified(context, name, rest, text);
    }
    if let Some((_, resources)) = text.split_once("insufficient quota to consume: ") {
        let words = format!("no quota of this namespace allows {resources}");
        return vec![counted(context, &names(resources), codes::QUOTA_EXCEEDED, words).with_detail(text)];
    }
    if let Some((_, rest)) = text.split_once("status unknown for quota: ") {
        let words = format!("the quota {rest} is not counted yet; saving again in a moment is enough");
        return vec![Answer::about_object(codes::QUOTA_EXCEEDED, words).with_detail(text)];
    }
    Vec::new()
}

/// `q, requested: pods=1, used: pods=0, limited: pods=0`
fn exceeded(context: &Context<'_>, rest: &str, text: &str) -> Answer {
    let part = |name: &str| {
        let after = rest.split_once(&format!("{name}: ")).map_or("", |(_, after)| after);
        after.split(", ").next().unwrap_or_default().to_owned()
    };
    let quota = rest.split(", ").next().unwrap_or_default();
    let (requested, used, limited) = (part("requested"), part("used"), part("limited"));
    let amount = |list: &str, resource: &str| {
        let entry = list
            .split(',')
            .find_map(|entry| entry.strip_prefix(resource)?.strip_prefix('='))
            .unwrap_or("?");
        entry.to_owned()
    };
    let resources = names(&requested);
    let said: Vec<String> = resources
        .iter()
        .map(|resource| {
            format!(
                "{resource}: {} asked for, {} of {} in use",
                amount(&requested, resource),
                amount(&used, resource),
                amount(&limited, resource)
            )
        })
        .collect();
    let words = format!("quota {} is used up ({})", quote(quota), said.join("; "));
    counted(context, &resources, codes::QUOTA_EXCEEDED, words).with_detail(text)
}

/// The resources in `pods=1,requests.cpu=2`.
fn names(list: &str) -> Vec<String> {
    list.split(',')
        .filter_map(|entry| entry.split('=').next())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// An answer on the field that counts against a quota, else on the object.
fn counted(context: &Context<'_>, resources: &[String], slug: &'static str, words: String) -> Answer {
    let found = resources.iter().find_map(|resource| counting_field(context, resource));
    match found {
        Some(path) => Answer::new(path, Place::Value, slug, words),
        None => Answer::about_object(slug, words),
    }
}

/// The field that makes an object count: the largest request, the number of replicas, the type of a service.
fn counting_field(context: &Context<'_>, resource: &str) -> Option<FieldPath> {
    let (part, name) = resource.split_once('.').unwrap_or(("", resource));
    let (part, name) = match (part, name) {
        ("requests" | "limits", name) => (part, name),
        _ => ("requests", resource),
    };
    let largest = containers(context.gvk, context.sent)
        .into_iter()
        .map(|container| with_keys(&container.path, &["resources", part, name]))
        .filter_map(|path| Some((quantity::amount_of(value_at(context.sent, &path)?)?, path)))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, path)| path);
    let claim = [
        keys(&["spec", "resources", part, name]),
        keys(&["spec", "resources", "requests", "storage"]),
    ]
    .into_iter()
    .find(|path| {
        context.gvk.kind == "PersistentVolumeClaim"
            && resource.contains("storage")
            && value_at(context.sent, path).is_some()
    });
    let service = keys(&["spec", "type"]);
    let service =
        Some(service).filter(|path| resource.starts_with("services.") && value_at(context.sent, path).is_some());
    let replicas = keys(&["spec", "replicas"]);
    let replicas = Some(replicas).filter(|path| {
        (resource == "pods"
            || resource.starts_with("requests.")
            || resource.starts_with("limits.")
            || resource == "count/pods")
            && value_at(context.sent, path).is_some()
    });
    largest.or(claim).or(service).or(replicas)
}

/// `limits.cpu for: a,b; limits.memory for: a`
fn unspecified(context: &Context<'_>, quota: &str, rest: &str, text: &str) -> Vec<Answer> {
    let mut found = Vec::new();
    for part in rest.split("; ") {
        let (resources, owners) = part.split_once(" for: ").unwrap_or((part, ""));
        for resource in resources
            .split(',')
            .map(str::trim)
            .filter(|resource| !resource.is_empty())
        {
            let (part, name) = match resource.split_once('.') {
                Some((part @ ("requests" | "limits"), name)) => (part, name),
                _ => ("requests", resource),
            };
            let words = format!("quota {} wants {resource} to be set", quote(quota));
            for container in containers(context.gvk, context.sent) {
                if owners.is_empty() || owners.split(',').any(|owner| owner.trim() == container.name) {
                    let field = with_keys(&container.path, &["resources", part, name]);
                    if value_at(context.sent, &field).is_none() {
                        found.push(missing(context, &field, codes::QUOTA_EXCEEDED, words.clone()).with_detail(text));
                    }
                }
            }
        }
    }
    if found.is_empty() {
        let words = format!("quota {} wants {rest} to be set", quote(quota));
        found.push(Answer::about_object(codes::QUOTA_EXCEEDED, words).with_detail(text));
    }
    found
}

fn missing(context: &Context<'_>, field: &FieldPath, slug: &'static str, words: String) -> Answer {
    let ancestor = existing(context.sent, field);
    let name = below(field, &ancestor);
    Answer::new(ancestor, Place::Missing { field: name.clone() }, slug, words).with_suggestion(Suggestion::Insert {
        field: name,
        value: None,
    })
}

/// The answers to a limit range's text, which may hold several; empty when it is none.
pub(super) fn limit_range(context: &Context<'_>, text: &str) -> Vec<Answer> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(" usage per ") {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + " usage per ".len()..).unwrap_or_default();
        let mut words = before.rsplit(' ');
        let (Some(resource), Some(bound)) = (words.next(), words.next()) else {
            continue;
        };
        let bound = bound.trim_start_matches(['[', ',']);
        if matches!(bound, "minimum" | "maximum") {
            found.extend(bounded(context, bound, resource, after));
        }
    }
    for (at, mark) in text.match_indices(" max limit to request ratio per ") {
        let resource = text
            .get(..at)
            .and_then(|before| before.rsplit([' ', '[']).next())
            .unwrap_or_default();
        let after = text
            .get(at + mark.len()..)
            .and_then(|after| after.split_once(" is "))
            .map_or("", |(_, rest)| rest);
        found.extend(ratio(context, resource, after));
    }
    for answer in &mut found {
        *answer = answer.clone().with_detail(text);
    }
    found
}

/// `2, but provided ratio is 4.000000` or `2, but no limit is specified or limit is 0`.
fn ratio(context: &Context<'_>, resource: &str, after: &str) -> Vec<Answer> {
    let most = first_word(after).trim_end_matches(',');
    let fields = |map: &str| -> Vec<FieldPath> {
        let of = |path: &FieldPath| with_keys(path, &["resources", map, resource]);
        containers(context.gvk, context.sent)
            .iter()
            .map(|container| of(&container.path))
            .collect()
    };
    for (unset, map) in [
        ("no limit is specified", "limits"),
        ("no request is specified", "requests"),
    ] {
        // Only what is said about this resource, not about the next one in the list.
        if after.split(", ").nth(1).is_some_and(|said| said.contains(unset)) {
            let words = format!(
                "the limit range wants the {resource} limit to be at most {most} times the request; both must be set"
            );
            return fields(map)
                .iter()
                .filter(|field| value_at(context.sent, field).is_none())
                .map(|field| missing(context, field, codes::LIMIT_RANGE, words.clone()))
                .collect();
        }
    }
    let words = format!("the limit range allows a {resource} limit of at most {most} times the request");
    let field = fields("limits")
        .into_iter()
        .find(|path| value_at(context.sent, path).is_some());
    vec![match field {
        Some(path) => Answer::new(path, Place::Value, codes::LIMIT_RANGE, words),
        None => Answer::about_object(codes::LIMIT_RANGE, words),
    }]
}

/// `Container is 32Mi, but request is 16Mi` or `Container is 32Mi.  No request is specified`.
fn bounded(context: &Context<'_>, bound: &str, resource: &str, after: &str) -> Vec<Answer> {
    let Some((owner, rest)) = after.split_once(" is ") else {
        return Vec::new();
    };
    let limit = first_word(rest).trim_end_matches(['.', ',', ']']);
    let unset = rest
        .split_once("No ")
        .and_then(|(before, rest)| (before.len() < 64).then(|| first_word(rest)));
    let (part, has) = match (
        unset,
        rest.split_once(", but ").and_then(|(_, rest)| rest.split_once(" is ")),
    ) {
        (None, Some((part, has))) => (part, Some(first_word(has).trim_end_matches([',', '.', ']', ';']))),
        (Some(part), _) => (part, None),
        (None, None) => ("request", None),
    };
    let map = if part == "limit" { "limits" } else { "requests" };
    let fields: Vec<FieldPath> = if context.gvk.kind == "PersistentVolumeClaim" {
        vec![keys(&["spec", "resources", map, resource])]
    } else {
        containers(context.gvk, context.sent)
            .iter()
            .map(|container| with_keys(&container.path, &["resources", map, resource]))
            .collect()
    };
    let Some(has) = has else {
        let words = format!("the limit range wants a {resource} {part} ({bound} {limit})");
        return fields
            .iter()
            .filter(|field| value_at(context.sent, field).is_none())
            .map(|field| {
                missing(context, field, codes::LIMIT_RANGE, words.clone())
                    .with_suggestion(insert(context, field, limit))
            })
            .collect();
    };
    let same = |field: &&FieldPath| {
        value_at(context.sent, field).is_some_and(|value| quantity::same(value, &Value::from(has)))
    };
    let written = fields.iter().find(same);
    // A limit alone is the request too.
    let other = with_other(&fields, resource);
    let place = written
        .or_else(|| other.iter().find(same))
        .or_else(|| fields.iter().find(|field| value_at(context.sent, field).is_some()));
    let relation = if bound == "minimum" {
        "is below the minimum of"
    } else {
        "is above the maximum of"
    };
    let whose = if owner == "Container" {
        String::new()
    } else {
        format!(" of a {owner}")
    };
    let words = |value: &str| format!("{resource} {part} {value} {relation} {limit}{whose} (limit range)");
    match place {
        Some(path) => {
            let shown = value_at(context.sent, path).map_or_else(
                || has.to_owned(),
                |value| name_scalar(value).trim_matches('"').to_owned(),
            );
            let shown = if owner == "Container" { shown } else { has.to_owned() };
            vec![
                Answer::new(path.clone(), Place::Value, codes::LIMIT_RANGE, words(&shown))
                    .with_suggestion(Suggestion::Replace(vec![limit.to_owned()])),
            ]
        }
        None => vec![Answer::about_object(codes::LIMIT_RANGE, words(has))],
    }
}

fn insert(context: &Context<'_>, field: &FieldPath, limit: &str) -> Suggestion {
    Suggestion::Insert {
        field: below(field, &existing(context.sent, field)),
        value: Some(limit.to_owned()),
    }
}

/// The limits beside requests, and the requests beside limits.
fn with_other(fields: &[FieldPath], resource: &str) -> Vec<FieldPath> {
    fields
        .iter()
        .filter_map(|field| {
            let map = field.parent()?;
            let other = if map.last_key() == Some("limits") {
                "requests"
            } else {
                "limits"
            };
            Some(with_key(&with_key(&map.parent()?, other), resource))
        })
        .collect()
}

fn first_word(text: &str) -> &str {
    text.split([' ', '\n']).next().unwrap_or_default()
}
