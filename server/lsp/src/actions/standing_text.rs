//! How an object is, in words: what a hover shows.

use std::fmt::Write as _;
use std::time::SystemTime;

use gitops_session::actions::{Health, HeldObjects, Standing};

use crate::requests::age;

/// How many objects of an inventory are named.
const MAX_NAMED: usize = 10;
/// How much of one message is shown, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// The text of a hover, as Markdown or plain.
pub(crate) fn hover_text(standing: &Standing, markdown: bool) -> String {
    let strong = |text: &str| {
        if markdown {
            format!("**{text}**")
        } else {
            text.to_owned()
        }
    };
    let mut text = format!("{} · {}\n", strong(&standing.key.to_string()), state(standing));
    if let Some(ready) = &standing.ready {
        let since = ready
            .since
            .map(|since| format!(" · {}", age(since)))
            .unwrap_or_default();
        let _ = write!(text, "\n{} is {}", ready.kind, ready.status);
        if !ready.reason.is_empty() {
            let _ = write!(text, ": {}", ready.reason);
        }
        let _ = writeln!(text, "{since}");
        if !ready.message.is_empty() {
            text.push_str(&quoted(&ready.message, markdown));
        }
    }
    let mut lines: Vec<String> = Vec::new();
    if let Some(suspension) = &standing.suspension {
        let reason = if suspension.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", suspension.reason)
        };
        lines.push(format!("suspended by {} at {}{reason}", suspension.by, suspension.at));
    }
    if !standing.revision.is_empty() {
        lines.push(format!("revision {}", code(&standing.revision, markdown)));
    }
    if !standing.attempted.is_empty() {
        lines.push(format!("tried last {}", code(&standing.attempted, markdown)));
    }
    if let Some(created) = standing.created {
        lines.push(format!("created {}", age(created)));
    }
    if !standing.managers.is_empty() {
        lines.push(format!("managed by {}", standing.managers.join(", ")));
    }
    if let Some(holds) = &standing.holds {
        lines.extend(held(holds));
    }
    for release in &standing.releases {
        let deployed = release.deployed.map(age_of).unwrap_or_default();
        lines.push(format!(
            "release {}: {} {}{deployed}",
            release.version, release.chart, release.status
        ));
    }
    text.push('\n');
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
    text
}

fn age_of(moment: SystemTime) -> String {
    format!(" · {}", age(moment))
}

fn state(standing: &Standing) -> String {
    if standing.is_suspended {
        return "⏸ suspended".to_owned();
    }
    match &standing.health {
        Health::Current => "✓".to_owned(),
        // What its condition says is told below.
        Health::InProgress(_) if standing.ready.is_some() => "… not ready".to_owned(),
        Health::Failed(_) if standing.ready.is_some() => "✗ failed".to_owned(),
        Health::InProgress(why) => format!("… {why}"),
        Health::Failed(why) => format!("✗ {why}"),
        Health::Terminating => "… is being deleted".to_owned(),
    }
}

fn held(holds: &HeldObjects) -> Vec<String> {
    let not_ready = holds.not_ready.len();
    let mut lines = vec![match not_ready {
        0 => format!("has applied {} objects, all as they should be", holds.count),
        _ => format!("has applied {} objects, {not_ready} not ready:", holds.count),
    }];
    if holds.looked_at < holds.count {
        lines.push(format!("(the first {} were looked at)", holds.looked_at));
    }
    let named = holds.not_ready.iter().take(MAX_NAMED);
    lines.extend(named.map(|(key, why)| format!("  {key}: {}", cut(why))));
    if not_ready > MAX_NAMED {
        lines.push(format!("  and {} more", not_ready - MAX_NAMED));
    }
    lines
}

fn code(text: &str, markdown: bool) -> String {
    if markdown {
        format!("`{}`", text.replace('`', "'"))
    } else {
        text.to_owned()
    }
}

/// What others wrote is shown as it is, and is never taken for Markdown.
fn quoted(message: &str, markdown: bool) -> String {
    let message = cut(message);
    if markdown {
        format!("\n```text\n{}\n```\n", message.replace("```", "'''"))
    } else {
        format!("{message}\n")
    }
}

fn cut(message: &str) -> String {
    let message = message.trim();
    if message.chars().count() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let start: String = message.chars().take(LONGEST_MESSAGE).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use gitops_model::{Gvk, ObjectKey};
    use gitops_session::actions::{Health, HeldObjects, Ready, Standing, Suspension};

    use super::hover_text;

    fn standing() -> Standing {
        let key = |kind: &str, name: &str| ObjectKey {
            gvk: Gvk::parse("v1", kind),
            namespace: Some("apps".to_owned()),
            name: name.to_owned(),
        };
        Standing {
            key: key("Kustomization", "web"),
            health: Health::InProgress("HealthCheckFailed: no".to_owned()),
            ready: Some(Ready {
                kind: "Ready".to_owned(),
                status: "False".to_owned(),
                reason: "HealthCheckFailed".to_owned(),
                message: "**no** ```x".to_owned(),
                since: None,
            }),
            revision: "main@sha1:abc".to_owned(),
            attempted: String::new(),
            created: None,
            managers: vec!["kustomize-controller".to_owned()],
            suspension: None,
            is_suspended: false,
            holds: Some(HeldObjects {
                count: 2,
                looked_at: 2,
                not_ready: vec![(key("Deployment", "web"), "0 of 1 pods are ready".to_owned())],
            }),
            releases: Vec::new(),
        }
    }

    #[test]
    fn a_hover_tells_how_an_object_is() {
        let text = hover_text(&standing(), true);
        let expected = "**Kustomization/apps/web** · … not ready\n\nReady is False: HealthCheckFailed\n\n```text\n**no** '''x\n```\n\n- revision `main@sha1:abc`\n- managed by kustomize-controller\n- has applied 2 objects, 1 not ready:\n-   Deployment/apps/web: 0 of 1 pods are ready\n";
        assert_eq!(text, expected);
        let plain = hover_text(&standing(), false);
        assert!(!plain.contains("`main"), "{plain}");
    }

    #[test]
    fn who_suspended_it_is_told() {
        let mut suspended = standing();
        suspended.is_suspended = true;
        suspended.suspension = Some(Suspension {
            by: "ada".to_owned(),
            at: "2026-01-02T03:04:05Z".to_owned(),
            reason: "the move".to_owned(),
        });
        let text = hover_text(&suspended, true);
        assert!(text.contains("⏸ suspended"), "{text}");
        assert!(
            text.contains("- suspended by ada at 2026-01-02T03:04:05Z: the move\n"),
            "{text}"
        );
    }
}
