//! Everything that the server has said, in order, and how to wait for what it has not said yet.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before it is taken for a fault. A busy machine needs a tenth of it.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The messages of one server.
#[derive(Debug, Default)]
pub struct MessageLog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    messages: Vec<Value>,
    closed: bool,
}

/// A place in the log: what was said before it is known, what is said after it is new.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark(usize);

impl Mark {
    /// Before everything.
    pub const START: Self = Self(0);
}

/// Why waiting was given up.
#[derive(Debug)]
pub enum NotSaid {
    /// The deadline passed.
    TooLate,
    /// The server closed its output.
    Closed,
}

impl MessageLog {
    /// Adds a message.
    pub fn push(&self, message: Value) {
        self.state().messages.push(message);
        self.changed.notify_all();
    }

    /// The server says nothing any more.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// The end of what has been said so far.
    pub fn mark(&self) -> Mark {
        Mark(self.state().messages.len())
    }

    /// Calls `look` with each message after `since`, those to come included, until it finds something.
    pub fn wait<T>(
        &self,
        since: Mark,
        patience: Duration,
        mut look: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T, NotSaid> {
        let deadline = Instant::now() + patience;
        let mut next = since.0;
        loop {
            let (new, closed) = self.beyond(next, deadline);
            // The log is free while `look` looks, so that it may look elsewhere in it.
            if let Some(found) = new.iter().find_map(&mut look) {
                return Ok(found);
            }
            next += new.len();
            if new.is_empty() {
                return Err(if closed { NotSaid::Closed } else { NotSaid::TooLate });
            }
        }
    }

    /// The messages from number `next` on, once there are any; none when the deadline passes or the server is silent for good.
    fn beyond(&self, next: usize, deadline: Instant) -> (Vec<Value>, bool) {
        let mut state = self.state();
        loop {
            let new = state.messages.get(next..).unwrap_or_default();
            let left = deadline.saturating_duration_since(Instant::now());
            if !new.is_empty() || state.closed || left.is_zero() {
                return (new.to_vec(), state.closed);
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// What `look` finds in the messages that have been said after `since`, in order.
    pub fn said<T>(&self, since: Mark, look: impl FnMut(&Value) -> Option<T>) -> Vec<T> {
        self.state()
            .messages
            .get(since.0..)
            .unwrap_or_default()
            .iter()
            .filter_map(look)
            .collect()
    }

    /// The newest message in which `look` finds something.
    pub fn newest<T>(&self, look: impl FnMut(&Value) -> Option<T>) -> Option<T> {
        self.state().messages.iter().rev().find_map(look)
    }

    /// The last messages, one a line and not too long, to be shown when a test fails.
    pub fn tail(&self) -> String {
        let state = self.state();
        let first = state.messages.len().saturating_sub(30);
        let lines: Vec<String> = state
            .messages
            .iter()
            .skip(first)
            .map(|message| message.to_string().chars().take(400).collect())
            .collect();
        lines.join("\n")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
