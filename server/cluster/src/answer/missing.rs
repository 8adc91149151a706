//! What the server does not have: a namespace, a kind, a version; status 404, or what discovery says in its place.

use std::cmp::Reverse;

use gitops_model::{Gvk, meant_kind, nearest};
use gitops_yaml::FieldPath;

use super::denied::in_namespace;
use super::sent::keys;
use super::wording::{between, quote, quoted};
use super::{Answer, Context, Place, Suggestion, codes};

/// How many other versions or kinds are offered.
const MAX_OFFERED: usize = 4;

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let message = context.refusal.message.as_str();
    if message.starts_with("namespaces \"") && message.ends_with("not found") {
        let name = quoted(message).into_iter().next().unwrap_or_default();
        let words = format!("namespace {} does not exist", quote(&name));
        return vec![in_namespace(context, codes::NAMESPACE_NOT_FOUND, words).with_detail(message)];
    }
    let no_kind = message.contains("no matches for kind")
        || message.contains("could not find the requested resource")
        || message.contains("no kind is registered")
        || message.contains("failed to retrieve validator: kind ")
        || message.trim() == "404 page not found";
    if no_kind {
        return vec![not_served(context).with_detail(message)];
    }
    if context.refusal.status == 404 {
        let what = between(message, "", " not found").unwrap_or(message);
        let path = quoted(message).first().and_then(|name| only_place(context, name));
        let words = format!("{what} is not found");
        return vec![match path {
            Some(path) => Answer::new(path, Place::Value, codes::REFERENCE_NOT_FOUND, words).with_detail(message),
            None => Answer::about_object(codes::REFERENCE_NOT_FOUND, words).with_detail(message),
        }];
    }
    Vec::new()
}

/// The only place below `spec` where a name stands.
fn only_place(context: &Context<'_>, name: &str) -> Option<FieldPath> {
    let mut found = super::sent::leaves(context.sent)
        .into_iter()
        .filter(|(path, value)| value.as_str() == Some(name) && super::sent::first_key(path) == Some("spec"));
    let (path, _) = found.next()?;
    found.next().is_none().then_some(path)
}

/// The kind is served in another version or group, has another name, or is not there at all.
fn not_served(context: &Context<'_>) -> Answer {
    let wanted = context.gvk;
    let served = context.knowledge.served();
    let api_version = keys(&["apiVersion"]);
    let kind = keys(&["kind"]);

    let versions = versions_of(&served, wanted);
    if !versions.is_empty() {
        let others: Vec<String> = versions.iter().take(MAX_OFFERED).cloned().collect();
        let words = format!(
            "{} {} is not served here; use {}",
            wanted.api_version(),
            wanted.kind,
            others.join(" or ")
        );
        return Answer::new(api_version, Place::Value, codes::VERSION_NOT_SERVED, words)
            .with_suggestion(Suggestion::Replace(others));
    }
    let of_version: Vec<&str> = served
        .iter()
        .filter(|other| other.group == wanted.group && other.version == wanted.version)
        .map(|other| other.kind.as_str())
        .collect();
    let of_group: Vec<&str> = served
        .iter()
        .filter(|other| other.group == wanted.group)
        .map(|other| other.kind.as_str())
        .collect();
    let all: Vec<&str> = served.iter().map(|other| other.kind.as_str()).collect();
    if let Some(near) = meant_kind(&wanted.group, &wanted.kind).filter(|_| of_group.is_empty()) {
        let words = format!(
            "{} has no kind {}; did you mean {}?",
            wanted.group,
            quote(&wanted.kind),
            quote(near)
        );
        return Answer::new(kind, Place::Value, codes::KIND_NOT_SERVED, words)
            .with_suggestion(Suggestion::Replace(vec![near.to_owned()]));
    }
    // Nobody adds a kind to a group of Kubernetes itself, which are those without a domain.
    let may_come = of_group.is_empty() || wanted.group.contains('.');
    for candidates in [&of_version, &of_group, &all] {
        if let Some(near) = nearest(&wanted.kind, candidates.iter().copied()) {
            let words = format!(
                "kind {} is not served in {}; did you mean {}?",
                quote(&wanted.kind),
                wanted.api_version(),
                quote(near)
            );
            return Answer::new(kind, Place::Value, codes::KIND_NOT_SERVED, words)
                .with_suggestion(Suggestion::Replace(vec![near.to_owned()]))
                .that_may_come(of_group.is_empty());
        }
    }
    if served
        .iter()
        .any(|other| other.group == wanted.group && other.version == wanted.version)
    {
        let words = format!("kind {} is not served in {}", quote(&wanted.kind), wanted.api_version());
        return Answer::new(kind, Place::Value, codes::KIND_NOT_SERVED, words).that_may_come(may_come);
    }
    let groups: Vec<String> = group_versions(&served);
    // A group that has no kind of a name like this one is not what was meant, as near as its own name may be.
    let has_near_kind = |api_version: &&str| {
        let kinds = served.iter().filter(|other| other.api_version() == **api_version);
        nearest(&wanted.kind, kinds.map(|other| other.kind.as_str())).is_some()
    };
    if let Some(near) = nearest(&wanted.api_version(), groups.iter().map(String::as_str)).filter(has_near_kind) {
        let words = format!("{} is not served here; did you mean {near}?", wanted.api_version());
        return Answer::new(api_version, Place::Value, codes::VERSION_NOT_SERVED, words)
            .with_suggestion(Suggestion::Replace(vec![near.to_owned()]));
    }
    let words = if wanted.group.is_empty() {
        format!("no kind {} is served in {}", quote(&wanted.kind), wanted.api_version())
    } else {
        format!(
            "no kind {} is served here; the CRD that brings {} is not installed",
            quote(&wanted.kind),
            wanted.group
        )
    };
    Answer::new(kind, Place::Value, codes::KIND_NOT_SERVED, words).that_may_come(may_come)
}

/// The group versions that serve a kind of this name: of its own group first, then of others.
fn versions_of(served: &[Gvk], wanted: &Gvk) -> Vec<String> {
    let same_kind = served
        .iter()
        .filter(|other| other.kind == wanted.kind && *other != wanted);
    let (mut own, others): (Vec<&Gvk>, Vec<&Gvk>) = same_kind.partition(|other| other.group == wanted.group);
    if own.is_empty() {
        own = others;
        // `events.k8s.io/v1 Event` is no use to someone who wrote a group that has nothing to do with it, but Ingress moved.
        own.sort_by_key(|other| !related_groups(&other.group, &wanted.group));
    }
    own.sort_by_key(|other| Reverse(rank(&other.version, &wanted.version)));
    let mut versions: Vec<String> = Vec::new();
    for version in own.iter().map(|other| other.api_version()) {
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

/// How likely a version is meant: of the same number as the one that was written, then stable, then newer.
fn rank(version: &str, wanted: &str) -> (bool, bool, u32) {
    let number = |version: &str| {
        let digits = version.trim_start_matches('v');
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits
            .get(..end)
            .and_then(|digits| digits.parse::<u32>().ok())
            .unwrap_or_default()
    };
    let stable = !version.contains("alpha") && !version.contains("beta");
    (number(version) == number(wanted), stable, number(version))
}

/// Kinds have moved out of `extensions`, and between groups of Kubernetes.
fn related_groups(one: &str, other: &str) -> bool {
    let builtin = |group: &str| !group.contains('.') || group.ends_with(".k8s.io");
    builtin(one) && builtin(other)
}

fn group_versions(served: &[Gvk]) -> Vec<String> {
    let mut found: Vec<String> = served.iter().map(Gvk::api_version).collect();
    found.sort_unstable();
    found.dedup();
    found
}
