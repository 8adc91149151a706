//! What keeps what is saved from Flux: said once, and tried again, ever later, until it is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::flux_loop::{FluxEvent, FluxReport};
use crate::live::jitter;

/// After so long what failed is tried again; each time after twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many different words are said of one trouble: some have a number in them that is another each time.
const MAX_SAID: usize = 8;

/// What is wrong now.
#[derive(Default)]
pub(crate) struct Troubles {
    /// What was said since all was well; each time the same is news to nobody.
    said: BTreeSet<String>,
    /// How often it was tried since all was well.
    times: u32,
    /// When it is tried again; `None` where nothing is wrong.
    due: Option<Instant>,
}

impl Troubles {
    /// It is tried now.
    pub(crate) fn begin(&mut self) {
        self.times = self.times.saturating_add(1);
        self.due = None;
    }

    /// Something does not work.
    pub(crate) fn say(&mut self, message: String, report: &FluxReport) {
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.times.saturating_sub(1)));
        self.due
            .get_or_insert_with(|| Instant::now() + pause.min(LONGEST_PAUSE).mul_f64(jitter()));
        if self.said.len() < MAX_SAID && self.said.insert(message.clone()) {
            report(FluxEvent::Trouble(message));
        }
    }

    /// Everything works.
    pub(crate) fn are_over(&mut self, report: &FluxReport) {
        if !std::mem::take(self).said.is_empty() {
            report(FluxEvent::Recovered);
        }
    }

    /// Waits until it is to be tried again. Can be dropped while it waits.
    pub(crate) async fn pause(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use super::{FluxEvent, FluxReport, LONGEST_PAUSE, Troubles};

    #[test]
    fn what_fails_in_two_ways_is_said_twice_and_tried_ever_later() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let report: FluxReport = Arc::new(move |event| {
            let said = match event {
                FluxEvent::Trouble(message) => message,
                _ => "over".to_owned(),
            };
            telling.lock().expect("nobody panicked").push(said);
        });
        let mut troubles = Troubles::default();
        troubles.are_over(&report);
        let mut longest = Duration::ZERO;
        for _ in 0..12 {
            troubles.begin();
            assert!(troubles.due.is_none());
            troubles.say("no listener".to_owned(), &report);
            troubles.say("no commit".to_owned(), &report);
            let due = troubles.due.expect("it is tried again");
            longest = longest.max(due.saturating_duration_since(Instant::now()));
        }
        // Half of the longest at least, and half more at most.
        assert!(
            longest > LONGEST_PAUSE / 3 && longest < LONGEST_PAUSE * 2,
            "{longest:?}"
        );
        troubles.begin();
        troubles.are_over(&report);
        assert!(troubles.due.is_none());
        assert_eq!(
            *told.lock().expect("nobody panicked"),
            ["no listener", "no commit", "over"]
        );
    }
}
