//! Whether the pods of an owner are refused, as the API server answers now.

use std::collections::BTreeMap;

use super::reading::Uid;

/// The answers, by owner.
#[derive(Default)]
pub(super) struct Refusals {
    of: BTreeMap<Uid, Refusal>,
}

struct Refusal {
    /// The generation that it was asked about last, and the event for which it was.
    asked: (i64, u64),
    /// The generation that was answered, with the words.
    answered: Option<(i64, Option<String>)>,
}

impl Refusals {
    /// Whether to ask: not for the same event about the same generation again.
    pub(super) fn begin(&mut self, id: &Uid, generation: i64, event: u64) -> bool {
        let asked = (generation, event);
        match self.of.get_mut(id) {
            Some(refusal) if refusal.asked == asked => false,
            Some(refusal) => {
                refusal.asked = asked;
                true
            }
            None => {
                self.of.insert(id.clone(), Refusal { asked, answered: None });
                true
            }
        }
    }

    /// It was answered.
    pub(super) fn set(&mut self, id: &Uid, generation: i64, text: Option<String>) {
        if let Some(refusal) = self.of.get_mut(id) {
            refusal.answered = Some((generation, text));
        }
    }

    /// Why pods are refused, of an owner of this generation.
    pub(super) fn said(&self, id: &str, generation: i64) -> Option<&str> {
        let (answered, text) = self.of.get(id)?.answered.as_ref()?;
        text.as_deref().filter(|_| *answered == generation)
    }

    /// An owner is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.of.remove(id);
    }
}
