//! Many durations of one thing.

use std::time::Duration;

/// Durations of one piece of work that was done again and again.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, duration: Duration) {
        self.push_milliseconds(duration.as_secs_f64() * 1000.0);
    }

    /// Adds one, in milliseconds.
    pub fn push_milliseconds(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one in the middle, in milliseconds.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The one that nine of ten do not exceed, in milliseconds.
    pub fn ninth_of_ten(&self) -> f64 {
        self.at(0.9)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place among some hundred"
    )]
    fn at(&self, share: f64) -> f64 {
        assert!(!self.0.is_empty(), "nothing was measured");
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share).round() as usize]
    }

    /// Median and ninth of ten, for people.
    pub fn show(&self) -> String {
        format!(
            "{} (9 of 10 within {})",
            milliseconds(self.median()),
            milliseconds(self.ninth_of_ten())
        )
    }
}

/// Milliseconds for people.
pub fn milliseconds(value: f64) -> String {
    if value >= 1000.0 {
        format!("{:.2} s", value / 1000.0)
    } else {
        format!("{value:.digits$} ms", digits = if value < 100.0 { 2 } else { 0 })
    }
}
