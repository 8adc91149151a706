//! The result: a table by kind, and the misses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::judge::{Placed, Said};
use super::play::Played;

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its number, from 1.
    pub number: usize,
    /// The kind of breakage.
    pub kind: &'static str,
    /// The file that was broken.
    pub file: String,
    /// Number of the line, from 1.
    pub line: usize,
    /// What was done.
    pub what: String,
    /// Where the mark belongs: file and line.
    pub wanted: Vec<String>,
    /// What came of it.
    pub played: Played,
}

impl Round {
    /// What went wrong, if something did.
    pub fn miss(&self) -> Option<String> {
        let played = &self.played;
        if played.placed == Placed::Exact && played.left.is_none() {
            return None;
        }
        let mut text = String::new();
        let _ = writeln!(
            text,
            "round {} {} — {}\n  {}:{} {}\n  wanted: {}",
            self.number,
            self.kind,
            played.placed.title(),
            self.file,
            self.line,
            self.what,
            self.wanted.join(" or ")
        );
        for said in &played.said {
            let _ = writeln!(text, "  said: {}", in_words(said));
        }
        let _ = writeln!(
            text,
            "  verdicts: {} ({} ms)",
            played.verdicts.join(", "),
            played.milliseconds
        );
        if let Some(left) = &played.left {
            let _ = writeln!(text, "  left after mending: {left}");
        }
        Some(text)
    }
}

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The rounds.
    pub rounds: Vec<Round>,
    /// The kinds for which no place was found, or none that is a breakage for sure.
    pub without: Vec<&'static str>,
}

/// How many rounds of a kind ended how.
#[derive(Clone, Copy, Default)]
struct Count {
    rounds: usize,
    placed: [usize; 5],
    cleared: usize,
}

impl Count {
    fn add(&mut self, played: &Played) {
        self.rounds += 1;
        let at = Placed::ALL.iter().position(|placed| *placed == played.placed);
        if let Some(count) = at.and_then(|at| self.placed.get_mut(at)) {
            *count += 1;
        }
        self.cleared += usize::from(played.left.is_none());
    }
}

impl Report {
    fn counts(&self) -> (BTreeMap<&'static str, Count>, Count) {
        let (mut kinds, mut total) = (BTreeMap::new(), Count::default());
        for round in &self.rounds {
            kinds
                .entry(round.kind)
                .or_insert_with(Count::default)
                .add(&round.played);
            total.add(&round.played);
        }
        (kinds, total)
    }

    /// The table, for people.
    pub fn table(&self) -> String {
        let (kinds, total) = self.counts();
        let mut table = String::from("| kind | rounds |");
        for placed in Placed::ALL {
            let _ = write!(table, " {} |", placed.title());
        }
        table.push_str(" cleared |\n|---|---|---|---|---|---|---|---|\n");
        for (kind, count) in kinds
            .iter()
            .map(|(kind, count)| (*kind, count))
            .chain([("in total", &total)])
        {
            let _ = write!(table, "| {kind} | {} |", count.rounds);
            for number in count.placed {
                let shown = if number == 0 { String::new() } else { number.to_string() };
                let _ = write!(table, " {shown} |");
            }
            let _ = writeln!(table, " {} |", count.cleared);
        }
        let percent = |number: usize| {
            let tenths = number * 1000 / total.rounds.max(1);
            format!("{}.{} %", tenths / 10, tenths % 10)
        };
        let _ = write!(
            table,
            "\n{} rounds of {} kinds: {} exact, {} in a wrong file, {} cleared\n",
            total.rounds,
            kinds.len(),
            percent(total.placed[0]),
            total.placed[3],
            percent(total.cleared)
        );
        if !self.without.is_empty() {
            let _ = writeln!(
                table,
                "not played, since this target has no place for them: {}",
                self.without.join(", ")
            );
        }
        table
    }

    /// The rounds that were not said where they belong, or left something.
    pub fn misses(&self) -> String {
        self.rounds.iter().filter_map(Round::miss).collect()
    }

    /// Everything, for programs.
    pub fn json(&self) -> Value {
        let (kinds, total) = self.counts();
        let count = |count: &Count| {
            let mut counted = json!({ "rounds": count.rounds, "cleared": count.cleared });
            for (placed, number) in Placed::ALL.iter().zip(count.placed) {
                counted[placed.title()] = number.into();
            }
            counted
        };
        let rounds = self.rounds.iter().map(|round| {
            let said = round.played.said.iter().map(|said| {
                json!({ "file": said.file, "line": said.line, "severity": said.severity, "code": said.code, "message": said.message })
            });
            json!({
                "round": round.number, "kind": round.kind, "file": round.file, "line": round.line, "what": round.what,
                "wanted": round.wanted, "placed": round.played.placed.title(), "left": round.played.left,
                "verdicts": round.played.verdicts, "said": said.collect::<Vec<_>>(),
                "ms": u64::try_from(round.played.milliseconds).unwrap_or(u64::MAX),
                "mended ms": u64::try_from(round.played.mending).unwrap_or(u64::MAX),
            })
        });
        let by_kind: serde_json::Map<String, Value> = kinds
            .iter()
            .map(|(kind, counted)| ((*kind).to_owned(), count(counted)))
            .collect();
        json!({
            "rounds": rounds.collect::<Vec<_>>(), "kinds": by_kind, "total": count(&total), "without": self.without,
        })
    }

    /// Whether each was on its field and nothing was left.
    pub fn is_perfect(&self) -> bool {
        let mut rounds = self.rounds.iter();
        rounds.all(|round| round.played.placed == Placed::Exact && round.played.left.is_none())
    }
}

/// `apps/web.yaml:12 error apply/unknown-field: …`, its first line.
pub fn in_words(said: &Said) -> String {
    let severity = match said.severity {
        1 => "error",
        2 => "warning",
        3 => "information",
        _ => "hint",
    };
    let message = said.message.lines().next().unwrap_or_default();
    format!("{}:{} {severity} {}: {message}", said.file, said.line, said.code)
}

#[cfg(test)]
mod tests {
    use super::{Report, Round};
    use crate::truth::judge::Placed;
    use crate::truth::play::Played;

    fn round(number: usize, kind: &'static str, placed: Placed, left: Option<&str>) -> Round {
        Round {
            number,
            kind,
            file: "a.yaml".to_owned(),
            line: 3,
            what: "`a: b` → `a: c`".to_owned(),
            wanted: vec!["a.yaml:3".to_owned()],
            played: Played {
                placed,
                said: Vec::new(),
                milliseconds: 12,
                verdicts: Vec::new(),
                mending: 5,
                left: left.map(str::to_owned),
            },
        }
    }

    #[test]
    fn rounds_are_counted_by_kind_and_in_total() {
        let report = Report {
            rounds: vec![
                round(1, "tab", Placed::Exact, None),
                round(2, "tab", Placed::Nothing, None),
                round(3, "bad-name", Placed::WrongFile, Some("b.yaml:1")),
            ],
            without: vec!["path-gone"],
        };
        let table = report.table();
        assert!(table.contains("| tab | 2 | 1 |  |  |  | 1 | 2 |\n"), "{table}");
        assert!(table.contains("| in total | 3 | 1 |  |  | 1 | 1 | 2 |\n"), "{table}");
        assert!(
            table.contains("3 rounds of 2 kinds: 33.3 % exact, 1 in a wrong file, 66.6 % cleared\n"),
            "{table}"
        );
        assert!(!report.is_perfect());
        assert_eq!(report.misses().matches("round ").count(), 2);
        assert_eq!(report.json()["total"]["wrong file"], 1);
    }
}
