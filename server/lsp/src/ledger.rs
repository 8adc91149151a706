//! Findings by source and file, and which files have to be published again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::{Finding, Source};
use gitops_text::Span;

use crate::follow;

/// One source never clears another; an older generation is ignored; only what changed is published.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<(Arc<str>, Source), Entry>,
    changed: BTreeSet<Arc<str>>,
}

struct Entry {
    generation: u64,
    findings: Vec<Finding>,
}

impl Ledger {
    /// Replaces what `source` says about `file`. Ignored when something of a newer generation is there.
    pub(crate) fn set(&mut self, file: &Arc<str>, source: Source, generation: u64, mut findings: Vec<Finding>) {
        findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        findings.dedup();
        let key = (Arc::clone(file), source);
        match self.entries.get_mut(&key) {
            Some(entry) if entry.generation > generation => return,
            Some(entry) => {
                entry.generation = generation;
                if entry.findings == findings {
                    return;
                }
                entry.findings = findings;
            }
            None if findings.is_empty() => return,
            None => {
                self.entries.insert(key, Entry { generation, findings });
            }
        }
        self.changed.insert(Arc::clone(file));
    }

    /// Forgets what a source says about a file, and its generation: at the end of a session.
    pub(crate) fn reset(&mut self, file: &Arc<str>, source: Source) {
        if self
            .entries
            .remove(&(Arc::clone(file), source))
            .is_some_and(|entry| !entry.findings.is_empty())
        {
            self.changed.insert(Arc::clone(file));
        }
    }

    /// Forgets a file; it is published once more, empty.
    pub(crate) fn remove(&mut self, file: &Arc<str>) {
        let sources: Vec<_> = self.entries.keys().filter(|(of, _)| of == file).cloned().collect();
        for key in sources {
            self.entries.remove(&key);
            self.changed.insert(Arc::clone(file));
        }
    }

    /// All findings of a file, sources in their order, each by span.
    pub(crate) fn of_file<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Finding> {
        self.entries
            .iter()
            .filter(move |((of, _), _)| **of == *file)
            .flat_map(|(_, entry)| &entry.findings)
    }

    /// Lets what a source says about a file follow its text: `now` says where a place has moved to, or that it is gone.
    pub(crate) fn follow(&mut self, file: &Arc<str>, source: Source, now: impl Fn(Span) -> Option<Span>) {
        let Some(entry) = self.entries.get_mut(&(Arc::clone(file), source)) else {
            return;
        };
        entry.findings.retain_mut(|finding| match now(finding.span) {
            Some(span) => {
                finding.span = span;
                follow::fixes(finding, &now);
                true
            }
            None => false,
        });
        self.changed.insert(Arc::clone(file));
    }

    /// The files in which a source says something.
    pub(crate) fn files_of(&self, source: Source) -> Vec<Arc<str>> {
        let entries = self.entries.iter();
        let of_source = entries.filter(|((_, of), entry)| *of == source && !entry.findings.is_empty());
        of_source.map(|((file, _), _)| Arc::clone(file)).collect()
    }

    /// All findings of all files.
    pub(crate) fn of_all(&self) -> impl Iterator<Item = &Finding> {
        self.entries.values().flat_map(|entry| &entry.findings)
    }

    /// Marks the files that have a finding of a kind as changed: how it is shown depends on others.
    pub(crate) fn touch_those_with(&mut self, wanted: impl Fn(&Finding) -> bool) {
        let with = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.findings.iter().any(&wanted));
        let files: Vec<Arc<str>> = with.map(|((file, _), _)| Arc::clone(file)).collect();
        self.changed.extend(files);
    }

    /// Whether anything is to be published.
    pub(crate) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The findings of one source in one file.
    pub(crate) fn of(&self, file: &Arc<str>, source: Source) -> &[Finding] {
        self.entries
            .get(&(Arc::clone(file), source))
            .map_or(&[], |entry| &entry.findings)
    }

    /// Marks a file as changed although its findings did not: its version did.
    pub(crate) fn touch(&mut self, file: &Arc<str>) {
        self.changed.insert(Arc::clone(file));
    }

    /// The files to publish since the last call, in order.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.changed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gitops_model::{Code, Finding, Severity, Source};
    use gitops_text::Span;

    use super::Ledger;

    fn finding(source: Source, start: u32) -> Finding {
        Finding {
            code: Code { source, slug: "x" },
            severity: Severity::Error,
            span: Span::new(start, start + 1),
            message: String::new(),
            detail: None,
            related: Vec::new(),
            fixes: Vec::new(),
            object: None,
        }
    }

    #[test]
    fn one_source_never_clears_another_and_older_generations_are_ignored() {
        let file: Arc<str> = Arc::from("a.yaml");
        let mut ledger = Ledger::default();
        ledger.set(&file, Source::Syntax, 1, vec![finding(Source::Syntax, 5)]);
        ledger.set(
            &file,
            Source::Apply,
            3,
            vec![finding(Source::Apply, 9), finding(Source::Apply, 2)],
        );
        ledger.set(&file, Source::Syntax, 2, Vec::new());
        ledger.set(&file, Source::Apply, 2, Vec::new());
        let spans: Vec<u32> = ledger.of_file("a.yaml").map(|finding| finding.span.start).collect();
        assert_eq!(spans, [2, 9]);
        assert_eq!(ledger.take_changed().len(), 1);
        ledger.set(
            &file,
            Source::Apply,
            4,
            vec![finding(Source::Apply, 2), finding(Source::Apply, 9)],
        );
        assert!(
            ledger.take_changed().is_empty(),
            "the same findings in another order are not published again"
        );
        ledger.remove(&file);
        assert_eq!(ledger.take_changed().len(), 1);
        assert_eq!(ledger.of_file("a.yaml").count(), 0);
    }
}
