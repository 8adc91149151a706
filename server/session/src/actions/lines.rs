//! The difference of two texts, line by line, in the unified format.

use std::fmt::Write as _;

/// How many lines around a change are shown.
const AROUND: usize = 3;
/// How many pairs of lines are compared at most. Beyond that, what is between the common start and the common end is
/// shown as replaced.
const MAX_PAIRS: usize = 4_000_000;

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Kept,
    Removed,
    Added,
}

/// A unified diff with these names of the two sides; empty where the texts are the same.
pub(super) fn unified(before: &str, after: &str, before_name: &str, after_name: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let changes = changes(&old, &new);
    if changes.iter().all(|(change, _)| *change == Change::Kept) {
        return String::new();
    }
    let mut text = format!("--- {before_name}\n+++ {after_name}\n");
    for hunk in hunks(&changes) {
        let (mut old_line, mut new_line) = (0, 0);
        for (change, _) in changes.get(..hunk.start).unwrap_or_default() {
            old_line += usize::from(*change != Change::Added);
            new_line += usize::from(*change != Change::Removed);
        }
        let lines = changes.get(hunk).unwrap_or_default();
        let old_count = lines.iter().filter(|(change, _)| *change != Change::Added).count();
        let new_count = lines.iter().filter(|(change, _)| *change != Change::Removed).count();
        // A side without lines is named by the line before it (POSIX, `diff -u`).
        let first = |line: usize, count: usize| if count == 0 { line } else { line + 1 };
        let _ = writeln!(
            text,
            "@@ -{},{old_count} +{},{new_count} @@",
            first(old_line, old_count),
            first(new_line, new_count)
        );
        for (change, line) in lines {
            let mark = match change {
                Change::Kept => ' ',
                Change::Removed => '-',
                Change::Added => '+',
            };
            let _ = writeln!(text, "{mark}{line}");
        }
    }
    text
}

/// The parts of all lines that are shown: each change with what is around it.
fn hunks(changes: &[(Change, &str)]) -> Vec<std::ops::Range<usize>> {
    let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, _) in changes
        .iter()
        .enumerate()
        .filter(|(_, (change, _))| *change != Change::Kept)
    {
        let part = index.saturating_sub(AROUND)..(index + AROUND + 1).min(changes.len());
        match hunks.last_mut() {
            Some(last) if last.end >= part.start => last.end = part.end,
            _ => hunks.push(part),
        }
    }
    hunks
}

fn changes<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Change, &'a str)> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - start;
    let backwards = old.iter().rev().zip(new.iter().rev());
    let end = backwards.take(rest).take_while(|(a, b)| a == b).count();
    let middle_of = |lines: &[&'a str]| lines.get(start..lines.len() - end).unwrap_or_default().to_vec();
    let kept = |lines: &[&'a str]| lines.iter().map(|line| (Change::Kept, *line)).collect::<Vec<_>>();
    let mut all = kept(old.get(..start).unwrap_or_default());
    all.extend(middle(&middle_of(old), &middle_of(new)));
    all.extend(kept(old.get(old.len() - end..).unwrap_or_default()));
    all
}

/// The longest common subsequence, by the table of its lengths.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Change, &'a str)> {
    let removed = old.iter().map(|line| (Change::Removed, *line));
    let added = new.iter().map(|line| (Change::Added, *line));
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > MAX_PAIRS {
        return removed.chain(added).collect();
    }
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for (row, line) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let length = if line == other {
                at(&lengths, row + 1, column + 1) + 1
            } else {
                at(&lengths, row + 1, column).max(at(&lengths, row, column + 1))
            };
            if let Some(slot) = lengths.get_mut(row * width + column) {
                *slot = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut all = Vec::with_capacity(old.len() + new.len());
    loop {
        match (old.get(row), new.get(column)) {
            (Some(line), Some(other)) if line == other => {
                all.push((Change::Kept, *line));
                row += 1;
                column += 1;
            }
            // Of two ways that are as long, what goes stands before what comes.
            (Some(line), Some(_)) if at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) => {
                all.push((Change::Removed, *line));
                row += 1;
            }
            (Some(line), None) => {
                all.push((Change::Removed, *line));
                row += 1;
            }
            (_, Some(other)) => {
                all.push((Change::Added, *other));
                column += 1;
            }
            (None, None) => return all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn only_what_differs_is_shown_with_three_lines_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let after = "a\nb\nc\nd\nE\nf\ng\nh\n";
        let expected = "--- x\n+++ y\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n";
        assert_eq!(unified(before, after, "x", "y"), expected);
        assert_eq!(unified(before, before, "x", "y"), "");
    }

    #[test]
    fn far_changes_are_apart_and_near_ones_together() {
        let before: String = (0..30).map(|number| format!("{number}\n")).collect();
        let after = before
            .replace("\n2\n", "\n")
            .replace("\n4\n", "\nfour\n")
            .replace("29\n", "29\n30\n");
        let diff = unified(&before, &after, "x", "y");
        assert_eq!(diff.matches("@@ -").count(), 2, "{diff}");
        assert!(diff.contains("@@ -1,8 +1,7 @@"), "{diff}");
        assert!(diff.ends_with("@@ -28,3 +27,4 @@\n 27\n 28\n 29\n+30\n"), "{diff}");
    }

    #[test]
    fn a_side_may_be_empty() {
        assert_eq!(unified("", "a\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified("a\n", "", "x", "y"), "--- x\n+++ y\n@@ -1,1 +0,0 @@\n-a\n");
    }

    #[test]
    fn what_is_too_much_to_compare_is_replaced() {
        let before: String = (0..3000).map(|number| format!("a{number}\n")).collect();
        let after: String = (0..3000).map(|number| format!("b{number}\n")).collect();
        let diff = unified(&format!("x\n{before}"), &format!("x\n{after}"), "x", "y");
        assert_eq!(diff.lines().count(), 2 + 1 + 1 + 6000);
    }
}
