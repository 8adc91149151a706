//! The table at the end.

use std::fmt::Write as _;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub work: String,
    /// What that took.
    pub measured: String,
    /// What was measured beside it, and what that took.
    pub against: String,
    /// The first divided by the second, or the other way round where the second is to be the larger.
    pub ratio: f64,
    /// What has to be reached.
    pub goal: Goal,
}

/// What has to be reached.
#[derive(Clone, Debug)]
pub enum Goal {
    /// A bound, in words, and whether it is kept.
    Bound {
        /// Such as `≤ 5 ms`.
        words: String,
        /// Whether it is kept.
        reached: bool,
    },
    /// Nothing: it is shown for comparison.
    Shown,
}

impl Goal {
    /// A bound from above.
    pub fn at_most(value: f64, bound: f64, words: &str) -> Self {
        Self::Bound {
            words: format!("≤ {words}"),
            reached: value <= bound,
        }
    }

    /// A bound from below.
    pub fn at_least(value: f64, bound: f64, words: &str) -> Self {
        Self::Bound {
            words: format!("≥ {words}"),
            reached: value >= bound,
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Bound { words, .. } => words,
            Self::Shown => "",
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Bound { reached: true, .. } => "yes",
            Self::Bound { reached: false, .. } => "MISSED",
            Self::Shown => "",
        }
    }
}

/// The rows as a table of Markdown, padded so that a terminal shows columns, too.
pub fn render(rows: &[Row]) -> String {
    let header = ["work", "measured", "against", "ratio", "must reach", "ok?"].map(str::to_owned);
    let mut lines: Vec<[String; 6]> = vec![header];
    lines.extend(rows.iter().map(|row| {
        let (goal, mark) = (row.goal.words().to_owned(), row.goal.mark().to_owned());
        [
            row.work.clone(),
            row.measured.clone(),
            row.against.clone(),
            ratio(row.ratio),
            goal,
            mark,
        ]
    }));
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut table = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(table, "| {cell}{} ", " ".repeat(width - cell.chars().count()));
        }
        table.push_str("|\n");
        if number == 0 {
            table.extend(widths.map(|width| format!("|{}", "-".repeat(width + 2))));
            table.push_str("|\n");
        }
    }
    table
}

fn ratio(ratio: f64) -> String {
    let digits = if ratio < 10.0 { 2 } else { 0 };
    format!("{ratio:.digits$} ×")
}
