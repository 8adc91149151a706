//! What was said, held against where it may be said.

use std::ops::Range;

use super::breakage::{Breakage, Region, Severity};

/// Something that the server says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Said {
    /// The file, from the root.
    pub file: String,
    /// Number of the line on which it begins, from 1.
    pub line: usize,
    /// Bytes of the file; start and end.
    pub span: (usize, usize),
    /// As the protocol counts: 1 is an error.
    pub severity: u64,
    /// Its code.
    pub code: String,
    /// Its words.
    pub message: String,
}

/// How near the nearest of what was said is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Placed {
    /// On the field.
    Exact,
    /// On its object or entry.
    Object,
    /// In its file.
    File,
    /// In other files only.
    WrongFile,
    /// Nothing is said that is bad enough.
    Nothing,
}

impl Placed {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [Self::Exact, Self::Object, Self::File, Self::WrongFile, Self::Nothing];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Exact => "exact field",
            Self::Object => "object only",
            Self::File => "file only",
            Self::WrongFile => "wrong file",
            Self::Nothing => "nothing",
        }
    }
}

/// How near what is said is to a breakage. `said` has only what was not said of the sound state.
pub fn judge(breakage: &Breakage, said: &[Said], text_of: &dyn Fn(&str) -> String) -> Placed {
    let enough = match breakage.severity {
        Severity::Error => 1,
        Severity::Warning => 2,
    };
    let bad_enough: Vec<&Said> = said.iter().filter(|said| said.severity <= enough).collect();
    let any = |regions: &[Region]| {
        regions.iter().any(|region| {
            let text = text_of(&region.file);
            bad_enough
                .iter()
                .any(|said| said.file == region.file && is_in(&text, said, &region.span))
        })
    };
    let is_known_file = |file: &str| {
        let mut regions = breakage.exact.iter().chain(&breakage.object);
        file == breakage.file || regions.any(|region| region.file == file)
    };
    if bad_enough.is_empty() {
        Placed::Nothing
    } else if any(&breakage.exact) {
        Placed::Exact
    } else if any(&breakage.object) {
        Placed::Object
    } else if bad_enough.iter().any(|said| is_known_file(&said.file)) {
        Placed::File
    } else {
        Placed::WrongFile
    }
}

/// Whether a mark touches a part of a text, and begins on one of its lines.
fn is_in(text: &str, said: &Said, span: &Range<usize>) -> bool {
    let line = |offset: usize| text.get(..offset).unwrap_or(text).matches('\n').count();
    let touches = said.span.0 <= span.end && said.span.1 >= span.start;
    // The end of a part that ends with its line is still on that line.
    let last = if span.end > span.start && text.get(..span.end).is_some_and(|text| text.ends_with('\n')) {
        span.end - 1
    } else {
        span.end
    };
    touches && (line(span.start)..=line(last)).contains(&line(said.span.0))
}

/// What is said now and was not said of the sound state, whatever the line.
pub fn new_of(now: &[Said], baseline: &[Said]) -> Vec<Said> {
    let mut before: Vec<(&str, &str, &str)> = baseline.iter().map(Said::identity).collect();
    let mut new = Vec::new();
    for said in now {
        match before.iter().position(|known| *known == said.identity()) {
            Some(at) => {
                before.swap_remove(at);
            }
            None => new.push(said.clone()),
        }
    }
    new
}

impl Said {
    /// What makes it the same after the text has moved. Words that tell of times and attempts change by themselves.
    fn identity(&self) -> (&str, &str, &str) {
        let words = if self.code.starts_with("flux/") {
            ""
        } else {
            self.message.as_str()
        };
        (&self.file, &self.code, words)
    }
}

#[cfg(test)]
mod tests {
    use super::{Placed, Said, judge, new_of};
    use crate::truth::breakage::{Breakage, Edit};

    const TEXT: &str = "kind: Service\nspec:\n  prots: []\n---\nkind: Secret\n";

    /// A diagnostic on what stands in the text.
    fn said(file: &str, text: &str, severity: u64) -> Said {
        let start = TEXT.find(text).unwrap();
        Said {
            file: file.to_owned(),
            line: TEXT[..start].matches('\n').count() + 1,
            span: (start, start + text.len()),
            severity,
            code: "apply/unknown-field".to_owned(),
            message: format!("unknown field {text:?}"),
        }
    }

    fn breakage() -> Breakage {
        let edit = Edit {
            span: 22..27,
            put: "prots".to_owned(),
        };
        Breakage::new("unknown-field", "a.yaml", vec![edit])
            .at(22..31)
            .within(0..31)
    }

    fn placed(said: &[Said]) -> Placed {
        judge(&breakage(), said, &|_| TEXT.to_owned())
    }

    #[test]
    fn what_is_said_counts_by_its_place() {
        assert_eq!(placed(&[said("a.yaml", "prots", 1)]), Placed::Exact);
        assert_eq!(placed(&[said("a.yaml", "[]", 1)]), Placed::Exact);
        assert_eq!(placed(&[said("a.yaml", "spec", 1)]), Placed::Object);
        assert_eq!(placed(&[said("a.yaml", "kind: Secret", 1)]), Placed::File);
        assert_eq!(placed(&[said("b.yaml", "prots", 1)]), Placed::WrongFile);
        assert_eq!(placed(&[]), Placed::Nothing);
    }

    #[test]
    fn the_nearest_counts_and_must_be_bad_enough() {
        let both = [said("b.yaml", "prots", 1), said("a.yaml", "prots", 1)];
        assert_eq!(placed(&both), Placed::Exact);
        assert_eq!(placed(&[said("a.yaml", "prots", 2)]), Placed::Nothing);
        let warned = judge(&breakage().warning(), &[said("a.yaml", "prots", 2)], &|_| {
            TEXT.to_owned()
        });
        assert_eq!(warned, Placed::Exact);
        assert_eq!(
            placed(&[said("a.yaml", "spec", 1), said("a.yaml", "prots", 3)]),
            Placed::Object
        );
    }

    #[test]
    fn what_was_said_before_is_not_about_the_breakage() {
        let before = [said("a.yaml", "kind: Secret", 2)];
        let now = [said("a.yaml", "kind: Secret", 2), said("a.yaml", "prots", 1)];
        assert_eq!(new_of(&now, &before), [said("a.yaml", "prots", 1)]);
        assert_eq!(new_of(&before, &before), []);
        let twice = [said("a.yaml", "kind: Secret", 2), said("a.yaml", "kind: Secret", 2)];
        assert_eq!(new_of(&twice, &before).len(), 1);
    }
}
