//! What comes after validation: status 403, from RBAC or from one of the server's admission plug-ins.

use gitops_model::Severity;
use gitops_yaml::FieldPath;

use super::sent::{keys, value_at, with_key};
use super::wording::{between, quote, quoted};
use super::{Answer, Context, Place, causes, codes, invalid, limits, pod_security, pods, validation_path};

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let refusal = context.refusal;
    if refusal.status != 403 && refusal.reason != "Forbidden" && !refusal.message.contains(" is forbidden: ") {
        return Vec::new();
    }
    let said = refusal
        .message
        .split_once(" is forbidden: ")
        .map_or(refusal.message.as_str(), |(_, said)| said);
    if let Some(answer) = namespace_terminating(context, said) {
        return vec![answer];
    }
    if let Some(answer) = not_allowed(said, &refusal.message) {
        return vec![answer];
    }
    if pod_security::is_text(said) {
        return pod_security::answers(context, said, Severity::Error);
    }
    for found in [limits::quota(context, said), limits::limit_range(context, said)] {
        if !found.is_empty() {
            return found;
        }
    }
    plugin(context, said)
        .into_iter()
        .map(|answer| answer.with_detail(&refusal.message))
        .collect()
}

fn namespace_terminating(context: &Context<'_>, said: &str) -> Option<Answer> {
    let cause = context
        .refusal
        .causes
        .iter()
        .any(|cause| cause.reason == "NamespaceTerminating");
    if !cause && !said.contains("because it is being terminated") {
        return None;
    }
    let name = between(said, "new content in namespace ", " because").unwrap_or_default();
    let words = format!(
        "namespace {} is being deleted; nothing can be created in it until it is gone and made again",
        quote(name)
    );
    Some(in_namespace(context, codes::NAMESPACE_TERMINATING, words).with_detail(said))
}

/// An answer on `metadata.namespace` where it is written, else on the object.
pub(super) fn in_namespace(context: &Context<'_>, slug: &'static str, words: String) -> Answer {
    let path = keys(&["metadata", "namespace"]);
    match value_at(context.sent, &path) {
        Some(_) => Answer::new(path, Place::Value, slug, words),
        None => Answer::about_object(slug, words),
    }
}

/// `User "u" cannot patch resource "configmaps" in API group "" in the namespace "default"`
fn not_allowed(said: &str, whole: &str) -> Option<Answer> {
    let (user, rest) = said
        .strip_prefix("User \"")
        .or_else(|| said.split_once("User \"").map(|(_, rest)| rest))?
        .split_once('"')?;
    let rest = rest.trim_start().strip_prefix("cannot ")?;
    let verb = rest.split(' ').next().unwrap_or_default();
    let resource = between(rest, "resource \"", "\"")
        .or_else(|| between(rest, "path \"", "\""))
        .unwrap_or_default();
    let group = between(rest, "API group \"", "\"").unwrap_or_default();
    let resource = if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    };
    let scope = match between(rest, "in the namespace \"", "\"") {
        Some(namespace) => format!("in namespace {}", quote(namespace)),
        None => "in the whole cluster".to_owned(),
    };
    // RBAC may add why it could not look further; that is for the detail.
    let words = format!("user {} may not {verb} {resource} {scope}", quote(user));
    Some(Answer::about_object(codes::DENIED, words).with_detail(whole))
}

/// Another plug-in: the field that its text is about, where that is known, else the object.
fn plugin(context: &Context<'_>, said: &str) -> Vec<Answer> {
    let claim = keys(&["spec", "resources", "requests", "storage"]);
    if said.contains("pvc can be resized") || said.contains("persistent volume claims can be expanded") {
        let words = format!("the claim cannot grow: {said}");
        return vec![invalid::at(context.sent, &claim, codes::FORBIDDEN_FIELD, words)];
    }
    if let Some((field, slug)) = reference(said)
        && let Some(spec) = pods::spec_path(context.gvk, context.sent)
    {
        let path = with_key(&spec, field);
        let words = not_there(said);
        return vec![match value_at(context.sent, &path) {
            Some(_) => Answer::new(path, Place::Value, slug, words).removable(),
            None => Answer::about_object(slug, words),
        }];
    }
    let causes = causes::causes_in(said);
    if !causes.is_empty() {
        return causes
            .iter()
            .flat_map(|cause| invalid::of_cause(context, cause))
            .collect();
    }
    let leading =
        validation_path::leading(said, context.sent).filter(|(path, _)| value_at(context.sent, path).is_some());
    if let Some((path, words)) = leading {
        return vec![Answer::new(path, Place::Value, codes::ADMISSION, words)];
    }
    vec![match only_quoted(context, said) {
        Some(path) => Answer::new(path, Place::Value, codes::ADMISSION, said),
        None => Answer::about_object(codes::ADMISSION, said),
    }]
}

/// Fields of a pod that name something else, by the words of the plug-ins that look for it.
fn reference(said: &str) -> Option<(&'static str, &'static str)> {
    if said.contains("service account") && (said.contains("looking up") || said.contains("not found")) {
        Some(("serviceAccountName", codes::REFERENCE_NOT_FOUND))
    } else if said.contains("no PriorityClass with name") {
        Some(("priorityClassName", codes::REFERENCE_NOT_FOUND))
    } else if said.contains("RuntimeClass") && said.contains("not found") {
        Some(("runtimeClassName", codes::REFERENCE_NOT_FOUND))
    } else if said.contains("integer value of priority") {
        Some(("priority", codes::FORBIDDEN_FIELD))
    } else {
        None
    }
}

/// What is not there, in one sentence for all the plug-ins that look for something.
fn not_there(said: &str) -> String {
    if let Some((namespace, name)) = between(said, "service account ", ":").and_then(|account| account.split_once('/'))
    {
        return format!(
            "service account {} does not exist in namespace {}",
            quote(name),
            quote(namespace)
        );
    }
    if said.contains("integer value of priority") {
        return "priority comes from a PriorityClass; write priorityClassName".to_owned();
    }
    for (before, after, kind) in [
        ("PriorityClass with name ", " was found", "PriorityClass"),
        ("RuntimeClass \"", "\" not found", "RuntimeClass"),
    ] {
        if let Some(name) = between(said, before, after) {
            return format!("{kind} {} does not exist", quote(name));
        }
    }
    said.to_owned()
}

/// The only scalar of the spec that a text quotes.
fn only_quoted(context: &Context<'_>, said: &str) -> Option<FieldPath> {
    let names = quoted(said);
    let mut fitting = super::sent::leaves(context.sent).into_iter().filter(|(path, value)| {
        super::sent::first_key(path) == Some("spec")
            && value.as_str().is_some_and(|text| names.iter().any(|name| name == text))
    });
    let (path, _) = fitting.next()?;
    fitting.next().is_none().then_some(path)
}
