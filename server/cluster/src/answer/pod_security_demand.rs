//! What one part of a Pod Security text asks for, as a field and a value.

use gitops_yaml::FieldPath;
use serde_json::{Value, json};

use super::Context;
use super::sent::{value_at, with_index, with_key, with_keys};
use super::wording::{and, quoted};

/// What a part of the text asks for.
pub(super) struct Demand {
    /// Keys below the container or the pod's spec.
    pub(super) field: Vec<&'static str>,
    /// In words, as they follow the container's name.
    pub(super) words: String,
    /// What to write, where that is known.
    pub(super) set: Option<Value>,
    /// Values that must not stand in the list at `field`.
    items: Vec<String>,
}

impl Demand {
    /// From the reason, the verb and what follows it.
    pub(super) fn of(reason: &str, verb: &str, rest: &str) -> Self {
        let values = quoted(rest);
        let (field, words, set): (Vec<&'static str>, String, Option<Value>) =
            if rest.starts_with("securityContext.allowPrivilegeEscalation") {
                (
                    vec!["securityContext", "allowPrivilegeEscalation"],
                    "must set securityContext.allowPrivilegeEscalation: false".into(),
                    Some(json!(false)),
                )
            } else if rest.starts_with("securityContext.capabilities.drop") {
                (
                    vec!["securityContext", "capabilities", "drop"],
                    "must set securityContext.capabilities.drop: [ALL]".into(),
                    Some(json!(["ALL"])),
                )
            } else if rest.contains("securityContext.capabilities.add") {
                (
                    vec!["securityContext", "capabilities", "add"],
                    format!("must not add capability {}", and(&values)),
                    None,
                )
            } else if rest.starts_with("securityContext.runAsNonRoot") {
                (
                    vec!["securityContext", "runAsNonRoot"],
                    "must set securityContext.runAsNonRoot: true".into(),
                    Some(json!(true)),
                )
            } else if rest.starts_with("securityContext.seccompProfile.type") {
                (
                    vec!["securityContext", "seccompProfile", "type"],
                    "must set securityContext.seccompProfile.type: RuntimeDefault".into(),
                    Some(json!("RuntimeDefault")),
                )
            } else if rest.starts_with("securityContext.privileged") {
                (
                    vec!["securityContext", "privileged"],
                    "must not set securityContext.privileged: true".into(),
                    Some(json!(false)),
                )
            } else if rest.starts_with("securityContext.procMount") {
                (
                    vec!["securityContext", "procMount"],
                    format!("must not set securityContext.procMount: {}", and(&values)),
                    None,
                )
            } else if rest.starts_with("securityContext.windowsOptions") {
                (
                    vec!["securityContext", "windowsOptions", "hostProcess"],
                    "must not set securityContext.windowsOptions.hostProcess: true".into(),
                    Some(json!(false)),
                )
            } else if rest.starts_with("runAsUser") {
                (
                    vec!["securityContext", "runAsUser"],
                    "must not set securityContext.runAsUser: 0".into(),
                    None,
                )
            } else if rest.starts_with("hostPort") {
                (vec!["ports"], format!("must not use {rest}"), None)
            } else if rest.starts_with("AppArmor") {
                (
                    vec!["securityContext", "appArmorProfile", "type"],
                    format!("must not set {rest}"),
                    None,
                )
            } else if rest.starts_with("securityContext.seLinuxOptions") {
                (
                    vec!["securityContext", "seLinuxOptions"],
                    format!("must not set {rest}"),
                    None,
                )
            } else {
                (vec!["securityContext"], format!("{reason}: {verb} {rest}"), None)
            };
        Self {
            field,
            words,
            set,
            items: values,
        }
    }

    /// The field in one container: the item of a list where one is named.
    pub(super) fn concrete(&self, context: &Context<'_>, owner: &FieldPath) -> FieldPath {
        let field = with_keys(owner, &self.field);
        match (
            value_at(context.sent, &field).and_then(Value::as_array),
            self.field.last(),
        ) {
            (Some(ports), Some(&"ports")) => {
                let used = ports
                    .iter()
                    .position(|port| port.get("hostPort").is_some_and(|port| port != 0));
                used.map_or(field.clone(), |index| with_key(&with_index(&field, index), "hostPort"))
            }
            (Some(items), Some(&"add")) => {
                let named = items.iter().position(|item| {
                    item.as_str()
                        .is_some_and(|item| self.items.iter().any(|value| value == item))
                });
                named.map_or(field.clone(), |index| with_index(&field, index))
            }
            _ => field,
        }
    }
}
