//! One mistake played: typed, saved, judged, mended, saved again, applied.

use anyhow::{Context as _, bail};
use gitops_tests::kubernetes::Cluster;
use serde_json::{Value, json};

use crate::editor::{Applier, Editor, Verdicts};
use crate::mistakes::{Expected, Judge, Meddling, Mend, Mistake};
use crate::paint::Shown;

/// What came of a mistake.
#[derive(Debug)]
pub(crate) struct Played {
    /// The text with the mistake in it.
    pub(crate) text: String,
    /// The diagnostics after the save.
    pub(crate) diagnostics: Vec<Shown>,
    /// The answers to the save.
    pub(crate) verdicts: Verdicts,
    /// How it was mended: the title of the action, if it was one.
    pub(crate) action: Option<&'static str>,
    /// The answers to the mended text.
    pub(crate) mended: Verdicts,
    /// The lens of the object then.
    pub(crate) lens: String,
    /// What was not as it should be, in words.
    pub(crate) complaints: Vec<String>,
}

/// Plays one. Errors are of the demo or the server; what the verdict should have been and was not is a complaint.
pub(crate) fn play(mistake: &Mistake, editor: &mut Editor, cluster: &Cluster) -> anyhow::Result<Played> {
    let file = mistake.file;
    editor.open(file)?;
    if let Some(meddling) = &mistake.before {
        meddle(meddling, cluster);
    }
    let sound = editor.text(file).to_owned();
    for typed in mistake.typed {
        let start = editor.text(file).find(typed.find);
        let start = start.with_context(|| format!("{:?} is not in {file}", typed.find))?;
        editor.replace(file, start..start + typed.find.len(), typed.put)?;
    }
    let before = editor.mark();
    let mut verdicts = editor.save(file)?;
    if mistake.judge == Judge::Workload {
        // It is accepted and applied, and only then can anybody see that it does not run.
        verdicts.dry_run = editor.verdict(file, "runtime", before)?;
    }
    let text = editor.text(file).to_owned();
    let published = editor.diagnostics(file);
    let mut diagnostics = Vec::new();
    let mut actions = Vec::new();
    for diagnostic in &published {
        let offered = editor.actions(file, diagnostic)?;
        diagnostics.push(shown(editor, file, diagnostic, &offered));
        actions.extend(offered);
    }
    let mut complaints = differences(&text, mistake.expected, &diagnostics);
    // What is foreseen of simulated pods is a warning, and the pods run.
    if verdicts.dry_run.ok && mistake.judge == Judge::ApiServer {
        complaints.push("nothing was found".to_owned());
    }

    let before = editor.mark();
    let (mended, action) = mend(mistake, editor, &sound, &actions, &mut complaints)?;
    if mistake.judge == Judge::Workload && !editor.verdict(file, "runtime", before)?.ok {
        complaints.push("after it was mended it does not run either".to_owned());
    }
    let left = editor.diagnostics(file);
    complaints.extend(
        left.iter()
            .map(|diagnostic| format!("after it was mended: {}", diagnostic["message"])),
    );
    let object = diagnostics.first().map_or(0, |shown| shown.place.start);
    let lens = match editor.applied_by() {
        Applier::Session => editor.lens(file, object)?,
        Applier::Flux => "✓ applied by Flux".to_owned(),
    };
    if !mended.apply.ok || !lens.starts_with("✓ applied") {
        complaints.push(format!("after it was mended the lens says {lens:?}"));
    }
    Ok(Played {
        text,
        diagnostics,
        verdicts,
        action,
        mended,
        lens,
        complaints,
    })
}

fn mend(
    mistake: &Mistake,
    editor: &mut Editor,
    sound: &str,
    actions: &[Value],
    complaints: &mut Vec<String>,
) -> anyhow::Result<(Verdicts, Option<&'static str>)> {
    let file = mistake.file;
    if let Mend::Action(title) = mistake.mend {
        if let Some(action) = actions.iter().find(|action| action["title"] == title) {
            let mark = editor.mark();
            let verdicts = if editor.act(file, action)? {
                editor.save(file)?
            } else {
                editor.verdicts(file, mark)?
            };
            return Ok((verdicts, Some(title)));
        }
        complaints.push(format!("the code action {title:?} is not offered"));
    }
    editor.retype(file, sound)?;
    Ok((editor.save(file)?, None))
}

fn meddle(meddling: &Meddling, cluster: &Cluster) {
    cluster.apply(
        meddling.manager,
        &json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "namespace": meddling.namespace, "name": meddling.name },
            "spec": { "replicas": meddling.replicas },
        }),
    );
}

fn shown(editor: &Editor, file: &str, diagnostic: &Value, actions: &[Value]) -> Shown {
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let related = diagnostic["relatedInformation"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Shown {
        severity: diagnostic["severity"].as_u64().unwrap_or_default(),
        code: words(&diagnostic["code"]),
        message: words(&diagnostic["message"]),
        place: editor.bytes_of(file, &diagnostic["range"]),
        related: related
            .iter()
            // What stands in other files is not shown here. The cluster's own words say the same once more, in its own
            // language.
            .filter(|related| related["location"]["uri"] == *editor.uri(file))
            .filter(|related| related["location"]["range"] != diagnostic["range"])
            .map(|related| {
                (
                    editor.bytes_of(file, &related["location"]["range"]),
                    words(&related["message"]),
                )
            })
            .collect(),
        actions: actions.iter().map(|action| words(&action["title"])).collect(),
    }
}

/// What is expected and not there, and what is there and not expected.
fn differences(text: &str, expected: &[Expected], diagnostics: &[Shown]) -> Vec<String> {
    let seen: Vec<(String, &str, &str)> = diagnostics
        .iter()
        .map(|shown| {
            let start = text[..shown.place.start].rfind('\n').map_or(0, |at| at + 1);
            let line = text[start..].lines().next().unwrap_or_default().trim();
            (shown.code.clone(), line, &text[shown.place.clone()])
        })
        .collect();
    let fits = |expected: &Expected, (code, line, marked): &(String, &str, &str)| {
        code == expected.code && *line == expected.line && (expected.marked.is_empty() || *marked == expected.marked)
    };
    let missing = expected
        .iter()
        .filter(|expected| !seen.iter().any(|seen| fits(expected, seen)));
    let missing = missing.map(|expected| format!("missing: {} on `{}`", expected.code, expected.line));
    let extra = seen
        .iter()
        .filter(|seen| !expected.iter().any(|expected| fits(expected, seen)));
    let extra = extra.map(|(code, line, marked)| format!("not expected: {code} on `{line}`, marked: `{marked}`"));
    missing.chain(extra).collect()
}

/// Applies the workspace as the start of a session does, and waits until everything in it is live.
pub(crate) fn wait_until_applied(
    editor: &Editor,
    manifests: &[String],
    since: gitops_tests::message_log::Mark,
) -> anyhow::Result<()> {
    for file in manifests {
        if !editor.verdict(file, "apply", since)?.ok {
            bail!("{file} is not applied: {:?}", editor.diagnostics(file));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::mistakes::Expected;
    use crate::paint::Shown;

    const TEXT: &str = "spec:\n  imag: nginx\n";

    fn seen(code: &str, place: std::ops::Range<usize>) -> Shown {
        Shown {
            severity: 1,
            code: code.to_owned(),
            message: String::new(),
            place,
            related: Vec::new(),
            actions: Vec::new(),
        }
    }

    fn wanted(line: &'static str, marked: &'static str) -> [Expected; 1] {
        [Expected {
            code: "apply/unknown-field",
            line,
            marked,
        }]
    }

    #[test]
    fn code_line_and_mark_must_be_the_expected_ones() {
        let right = [seen("apply/unknown-field", 8..12)];
        assert!(differences(TEXT, &wanted("imag: nginx", "imag"), &right).is_empty());
        assert!(differences(TEXT, &wanted("imag: nginx", ""), &right).is_empty());
        assert_eq!(
            differences(TEXT, &wanted("spec:", "spec"), &right).len(),
            2,
            "another line"
        );
        assert_eq!(
            differences(TEXT, &wanted("imag: nginx", "nginx"), &right).len(),
            2,
            "another mark"
        );
        assert_eq!(
            differences(TEXT, &wanted("imag: nginx", "imag"), &[seen("apply/required", 8..12)]).len(),
            2,
            "another code"
        );
        assert_eq!(
            differences(TEXT, &wanted("imag: nginx", "imag"), &[]).len(),
            1,
            "nothing"
        );
        let both = [seen("apply/unknown-field", 8..12), seen("apply/required", 0..4)];
        assert_eq!(
            differences(TEXT, &wanted("imag: nginx", "imag"), &both).len(),
            1,
            "one too many"
        );
    }
}
