//! How many sandboxes run at once: each takes 700 MB and, while it starts, all the processors there are.

use std::sync::{Condvar, Mutex, PoisonError};

const SLOTS: usize = 2;

static FREE: Mutex<usize> = Mutex::new(SLOTS);
static RETURNED: Condvar = Condvar::new();

/// The right to run one sandbox, until it is dropped.
#[derive(Debug)]
pub struct Slot(());

/// Waits for a slot. No deadline of its own: the tests that hold the slots have theirs.
pub fn take() -> Slot {
    let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut free = RETURNED
        .wait_while(free, |free| *free == 0)
        .unwrap_or_else(PoisonError::into_inner);
    *free -= 1;
    Slot(())
}

impl Drop for Slot {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        RETURNED.notify_one();
    }
}
