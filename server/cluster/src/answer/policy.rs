//! What a `ValidatingAdmissionPolicy` refuses, placed on the fields that its failing expression reads.

use gitops_model::Severity;
use gitops_yaml::FieldPath;

use super::knowledge::{Policy, Validation};
use super::reads::{Placed, choose, whole, with_variables};
use super::wording::{between, lower_first};
use super::{Answer, Context, Place, codes};

/// The answers of policies; empty when the text is of another layer.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let texts: Vec<&str> = if context.refusal.causes.is_empty() {
        vec![context.refusal.message.as_str()]
    } else {
        context
            .refusal
            .causes
            .iter()
            .map(|cause| cause.message.as_str())
            .chain([context.refusal.message.as_str()])
            .collect()
    };
    let mut found: Vec<Answer> = Vec::new();
    for text in texts {
        if let Some(answer) = denial(context, text, Severity::Error)
            && !found.iter().any(|earlier| earlier.message == answer.message)
        {
            found.push(answer);
        }
    }
    found
}

/// Reads `ValidatingAdmissionPolicy 'a' with binding 'b' denied request: text`, or the same as a warning.
pub(super) fn denial(context: &Context<'_>, text: &str, severity: Severity) -> Option<Answer> {
    let from = text.find("ValidatingAdmissionPolicy '")?;
    let text = text.get(from..)?;
    let name = between(text, "ValidatingAdmissionPolicy '", "'")?;
    let said = match text.split_once(" denied request: ") {
        Some((_, said)) => said,
        None => text.split_once("': ")?.1,
    };
    let policy = context.knowledge.policy(name);
    let placed = policy.as_ref().map_or_else(
        || whole(context, &FieldPath::new()),
        |policy| place(context, policy, said),
    );
    let mut answer = Answer::new(
        placed.path.clone(),
        placed.place.clone(),
        codes::POLICY,
        format!("policy {name}: {}", lower_first(said.trim())),
    )
    .with_detail(text);
    if matches!(placed.place, Place::Value) {
        answer = answer.removable();
    }
    for other in placed.others {
        answer = answer.with_related(other, format!("policy {name} looks at this too"));
    }
    answer.severity = severity;
    Some(answer)
}

fn place(context: &Context<'_>, policy: &Policy, said: &str) -> Placed {
    let Some(validation) = failing(policy, said) else {
        return whole(context, &FieldPath::new());
    };
    let reads = with_variables(&validation.expression, &policy.variables);
    choose(context, &FieldPath::new(), &reads, said)
}

/// The validation that failed: by its message, by its expression, else the only one that can have made the text.
fn failing<'a>(policy: &'a Policy, said: &str) -> Option<&'a Validation> {
    let said = said.trim();
    let by_text = policy.validations.iter().find(|validation| {
        validation.message.as_deref().map(str::trim) == Some(said)
            || said.strip_prefix("failed expression: ") == Some(validation.expression.trim())
    });
    let mut computed = policy
        .validations
        .iter()
        .filter(|validation| validation.message_expression.is_some());
    by_text
        .or_else(|| computed.next().filter(|_| computed.next().is_none()))
        .or_else(|| policy.validations.first().filter(|_| policy.validations.len() == 1))
        .or_else(|| {
            policy
                .validations
                .iter()
                .find(|validation| said.contains(validation.expression.trim()))
        })
}
