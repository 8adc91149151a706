//! Every answer that is known from a real server, decoded.

#![expect(clippy::needless_raw_string_hashes, reason = "as expect-test writes them")]

mod asked;
mod never_panics;
mod peeling;
mod relatives;
mod reported;
mod rows;
mod rows_of_admission;
mod rows_of_the_cluster;
mod warnings;
mod workload;

use std::fmt::Write;

use expect_test::Expect;
use gitops_model::{Gvk, Severity};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::{Answer, Cause, Knowledge, Peel, Place, Policy, Refusal, Rule, ScalarType, Suggestion, Validation};

/// A question to the decoder.
#[derive(Clone)]
struct Case<'a> {
    status: u16,
    reason: &'a str,
    message: &'a str,
    causes: &'a [(&'a str, &'a str, &'a str)],
    sent: Value,
    live: Option<Value>,
    knowledge: Known,
}

impl<'a> Case<'a> {
    fn new(status: u16, message: &'a str, sent: Value) -> Self {
        Self {
            status,
            reason: "",
            message,
            causes: &[],
            sent,
            live: None,
            knowledge: known(),
        }
    }

    /// With causes: reason, message, field.
    fn causes(mut self, causes: &'a [(&'a str, &'a str, &'a str)]) -> Self {
        self.causes = causes;
        self
    }

    fn reason(mut self, reason: &'a str) -> Self {
        self.reason = reason;
        self
    }

    fn live(mut self, live: Value) -> Self {
        self.live = Some(live);
        self
    }

    fn knowing(mut self, knowledge: Known) -> Self {
        self.knowledge = knowledge;
        self
    }

    fn refusal(&self) -> Refusal {
        let causes = self
            .causes
            .iter()
            .map(|(reason, message, field)| Cause {
                reason: (*reason).to_owned(),
                message: (*message).to_owned(),
                field: (*field).to_owned(),
            })
            .collect();
        Refusal {
            status: self.status,
            reason: self.reason.to_owned(),
            message: self.message.to_owned(),
            causes,
        }
    }

    fn decode(&self) -> Vec<Answer> {
        super::decode(
            &self.refusal(),
            &kind_of(&self.sent),
            &self.sent,
            self.live.as_ref(),
            &self.knowledge,
        )
    }
}

fn kind_of(sent: &Value) -> Gvk {
    let text = |key: &str| sent.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Gvk::parse(&text("apiVersion"), &text("kind"))
}

fn check(case: &Case<'_>, expect: &Expect) {
    let answers = case.decode();
    for answer in &answers {
        assert!(answer.message.len() < 400, "too long for a person: {}", answer.message);
        assert!(
            super::sent::value_at(&case.sent, &answer.path).is_some(),
            "not in what was sent: {}",
            answer.path
        );
    }
    expect.assert_eq(&show(&answers));
}

fn show(answers: &[Answer]) -> String {
    let mut text = String::new();
    for answer in answers {
        let place = match &answer.place {
            Place::Key => "key".to_owned(),
            Place::Value => "value".to_owned(),
            Place::Missing { field } => format!("missing {field}"),
            Place::Object => "object".to_owned(),
        };
        let severity = if answer.severity == Severity::Error {
            ""
        } else {
            " (warning)"
        };
        writeln!(text, "{}{severity} at {} ({place})", answer.slug, named(&answer.path))
            .expect("a string takes everything");
        writeln!(text, "  {}", answer.message).expect("a string takes everything");
        for (path, words) in &answer.related {
            writeln!(text, "  see {path}: {words}").expect("a string takes everything");
        }
        let suggestion = match &answer.suggestion {
            Suggestion::None => String::new(),
            Suggestion::Rename(names) => format!("rename to {}", names.join(" | ")),
            Suggestion::Replace(values) => format!("write {}", values.join(" | ")),
            Suggestion::Insert { field, value } => format!("insert {field}: {}", value.as_deref().unwrap_or("?")),
            Suggestion::SetField { path, value } => format!("set {path}: {value}"),
            Suggestion::SetFields(fields) => {
                let fields: Vec<String> = fields.iter().map(|(path, value)| format!("{path}: {value}")).collect();
                format!("set {}", fields.join(", "))
            }
            Suggestion::TakeOver { manager } => format!("take over from {manager}"),
            other => format!("{other:?}").to_lowercase(),
        };
        if !suggestion.is_empty() {
            writeln!(text, "  → {suggestion}").expect("a string takes everything");
        }
        match &answer.peel {
            Peel::Stop => {}
            Peel::Remove(path) => writeln!(text, "  peel {path}").expect("a string takes everything"),
            Peel::Set { path, value } => writeln!(text, "  peel {path} = {value}").expect("a string takes everything"),
        }
    }
    text
}

fn named(path: &FieldPath) -> String {
    if path.is_empty() {
        "the object".to_owned()
    } else {
        path.to_string()
    }
}

/// A little of what a schema knows: per path pattern (`*` for any index or key) the fields of the map there.
#[derive(Clone, Default)]
struct Known {
    fields: Vec<(&'static str, &'static [&'static str])>,
    scalars: Vec<(&'static str, ScalarType)>,
    list_keys: Vec<(&'static str, &'static [&'static str])>,
    rules: Vec<(&'static str, Rule)>,
    policies: Vec<(&'static str, Policy)>,
    served: Vec<Gvk>,
}

/// What the tests know of pods and what holds them.
fn known() -> Known {
    const CONTAINER: &[&str] = &[
        "name",
        "image",
        "imagePullPolicy",
        "command",
        "args",
        "env",
        "envFrom",
        "ports",
        "resources",
        "securityContext",
        "volumeMounts",
    ];
    const POD: &[&str] = &[
        "containers",
        "initContainers",
        "volumes",
        "restartPolicy",
        "securityContext",
        "serviceAccountName",
        "nodeName",
    ];
    const ROOT: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];
    Known {
        fields: vec![
            ("", ROOT),
            ("spec.template", &["metadata", "spec"]),
            ("spec.containers[*]", CONTAINER),
            ("spec.template.spec.containers[*]", CONTAINER),
            ("spec.template.spec", POD),
        ],
        scalars: vec![
            ("spec.containers[*].resources.*.*", ScalarType::Quantity),
            ("spec.template.spec.containers[*].resources.*.*", ScalarType::Quantity),
        ],
        list_keys: vec![("spec.containers[*].ports", &["containerPort", "protocol"])],
        served: [
            ("v1", "Pod"),
            ("v1", "ConfigMap"),
            ("apps/v1", "Deployment"),
            ("policy/v1", "PodDisruptionBudget"),
            ("networking.k8s.io/v1", "Ingress"),
        ]
        .map(|(version, kind)| Gvk::parse(version, kind))
        .to_vec(),
        ..Known::default()
    }
}

impl Known {
    fn with_rule(mut self, path: &'static str, rule: &str, message: &str) -> Self {
        let rule = Rule {
            rule: rule.to_owned(),
            message: Some(message.to_owned()),
            message_expression: None,
        };
        self.rules.push((path, rule));
        self
    }

    fn with_policy(mut self, name: &'static str, variables: &[(&str, &str)], expression: &str, message: &str) -> Self {
        let validation = Validation {
            expression: expression.to_owned(),
            message: Some(message.to_owned()),
            message_expression: None,
        };
        let other = Validation {
            expression: "object.metadata.name != ''".to_owned(),
            ..Validation::default()
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.policies.push((
            name,
            Policy {
                validations: vec![other, validation],
                variables,
                match_conditions: Vec::new(),
            },
        ));
        self
    }

    fn with_served(mut self, served: &[Gvk]) -> Self {
        self.served = served.to_vec();
        self
    }

    fn with_fields(mut self, path: &'static str, fields: &'static [&'static str]) -> Self {
        self.fields.insert(0, (path, fields));
        self
    }

    fn find<'a, T>(table: &'a [(&'static str, T)], path: &FieldPath) -> Option<&'a T> {
        table
            .iter()
            .find(|(pattern, _)| fits(pattern, path))
            .map(|(_, value)| value)
    }
}

fn fits(pattern: &str, path: &FieldPath) -> bool {
    let pattern = FieldPath::parse(pattern).expect("a pattern is a path");
    pattern.len() == path.len()
        && pattern.steps().iter().zip(path.steps()).all(|(wanted, step)| {
            let any = matches!(wanted, gitops_yaml::Step::Key(key) if key.as_ref() == "*");
            any || wanted == step
        })
}

impl Knowledge for Known {
    fn fields(&self, _: &Gvk, path: &FieldPath) -> Vec<String> {
        Self::find(&self.fields, path)
            .map(|fields| fields.iter().map(|field| (*field).to_owned()).collect())
            .unwrap_or_default()
    }

    fn is_quantity(&self, _: &Gvk, path: &FieldPath) -> bool {
        Self::find(&self.scalars, path) == Some(&ScalarType::Quantity)
    }

    fn scalar_type(&self, _: &Gvk, path: &FieldPath) -> Option<ScalarType> {
        Self::find(&self.scalars, path).copied()
    }

    fn list_keys(&self, _: &Gvk, path: &FieldPath) -> Vec<String> {
        Self::find(&self.list_keys, path)
            .map(|keys| keys.iter().map(|key| (*key).to_owned()).collect())
            .unwrap_or_default()
    }

    fn rules(&self, _: &Gvk, path: &FieldPath) -> Vec<Rule> {
        self.rules
            .iter()
            .filter(|(pattern, _)| fits(pattern, path))
            .map(|(_, rule)| rule.clone())
            .collect()
    }

    fn policy(&self, name: &str) -> Option<Policy> {
        self.policies
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, policy)| policy.clone())
    }

    fn served(&self) -> Vec<Gvk> {
        self.served.clone()
    }
}
