//! The table at the end.

use std::fmt::Write as _;

use crate::mistakes::Mistake;
use crate::paint::Paint;
use crate::play::Played;

/// One line for each mistake, and one that sums them up.
pub(crate) fn table(played: &[(&Mistake, Played)], paint: Paint) -> String {
    let titles = played
        .iter()
        .map(|(mistake, _)| mistake.title.chars().count())
        .max()
        .unwrap_or_default();
    let widest = played
        .iter()
        .map(|(_, played)| codes(played).chars().count())
        .max()
        .unwrap_or_default()
        .max(7);
    let head = format!(
        "     {:titles$}  {:widest$}  {:>15}  {:>15}",
        "mistake", "verdict", "save → verdict", "mend → applied"
    );
    let mut table = format!("{}\n", paint.bold(&head));
    for (number, (mistake, played)) in played.iter().enumerate() {
        let sign = if played.complaints.is_empty() {
            paint.good("✓")
        } else {
            paint.bad("✗")
        };
        let _ = writeln!(
            table,
            "{sign} {:>2} {:titles$}  {:widest$}  {:>12.1} ms  {:>12.1} ms",
            number + 1,
            mistake.title,
            codes(played),
            played.verdicts.dry_run.milliseconds,
            played.mended.apply.milliseconds,
        );
    }
    let right = played.iter().filter(|(_, played)| played.complaints.is_empty()).count();
    let median = median(
        played
            .iter()
            .map(|(_, played)| played.verdicts.dry_run.milliseconds)
            .collect(),
    );
    let sum = format!(
        "{right} of {} verdicts on the right line; median {median:.1} ms from save to verdict",
        played.len()
    );
    let sum = if right == played.len() {
        paint.good(&sum)
    } else {
        paint.bad(&sum)
    };
    let _ = writeln!(table, "\n{sum}");
    table
}

fn codes(played: &Played) -> String {
    match played.diagnostics.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.code.clone(),
        [first, rest @ ..] => format!("{} and {} more", first.code, rest.len()),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
