//! What was said of objects that read as they did: of thousands that come with each save of what is built of many files,
//! nearly all.

use std::collections::HashMap;
use std::sync::Arc;

use gitops_model::ObjectKey;

use crate::supply::{ObjectVerdict, Outcome, Supplied, Supply};

/// The objects of one file as they were supplied last, with what was said of them.
#[derive(Default)]
pub(crate) struct KnownVerdicts {
    objects: Arc<[Supplied]>,
    /// For each object; `None` for one that is not on the cluster as it reads, so that it is asked about again.
    verdicts: Vec<Option<Arc<ObjectVerdict>>>,
}

impl KnownVerdicts {
    /// For each object what was said of it, where that still holds.
    pub(crate) fn of(&self, objects: &[Supplied]) -> Vec<Option<Arc<ObjectVerdict>>> {
        // Mostly each object has the place that it had. One that comes or goes moves all that follow it.
        let mut by_key: Option<HashMap<&Arc<ObjectKey>, usize>> = None;
        let numbered = objects.iter().enumerate();
        let known = numbered.map(|(index, supplied)| {
            let key = &supplied.manifest.key;
            let here = self.objects.get(index).filter(|known| known.manifest.key == *key);
            let index = match here {
                Some(_) => index,
                None => *by_key.get_or_insert_with(|| self.by_key()).get(key)?,
            };
            let verdict = self.verdicts.get(index)?.as_ref()?;
            let is_same = self.objects.get(index)?.object == supplied.object;
            is_same.then(|| verdict_at(verdict, supplied))
        });
        known.collect()
    }

    fn by_key(&self) -> HashMap<&Arc<ObjectKey>, usize> {
        let numbered = self.objects.iter().enumerate();
        numbered.map(|(index, known)| (&known.manifest.key, index)).collect()
    }

    /// What is on the cluster now; where nothing is applied, what would be taken.
    pub(crate) fn remember(&mut self, supply: &Supply, verdicts: &[Arc<ObjectVerdict>]) {
        self.objects = Arc::clone(&supply.objects);
        let known = verdicts.iter().map(|verdict| {
            let holds = match verdict.outcome {
                Outcome::Applied { .. } => true,
                Outcome::Accepted => !supply.apply,
                Outcome::Rejected | Outcome::Unreachable { .. } => false,
            };
            holds.then(|| Arc::clone(verdict))
        });
        self.verdicts = known.collect();
    }
}

/// A verdict about an object that is the same, and may stand elsewhere.
fn verdict_at(verdict: &Arc<ObjectVerdict>, supplied: &Supplied) -> Arc<ObjectVerdict> {
    if verdict.manifest == supplied.manifest {
        return Arc::clone(verdict);
    }
    Arc::new(ObjectVerdict {
        manifest: supplied.manifest.clone(),
        ..(**verdict).clone()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Instant, SystemTime};

    use gitops_cluster::{Judgement, SentObject};
    use gitops_model::{Manifest, ObjectKey};
    use gitops_text::Span;
    use gitops_yaml::FieldPath;
    use serde_json::json;

    use super::KnownVerdicts;
    use crate::supply::{ObjectVerdict, Outcome, Supplied, Supply};

    /// Objects of these names, each with a value.
    fn objects(objects: &[(&str, u32)]) -> Vec<Supplied> {
        let numbered = objects.iter().enumerate();
        let supplied = numbered.map(|(document, (name, value))| {
            let object = json!({ "kind": "ConfigMap", "metadata": { "name": name }, "data": { "value": value } });
            Supplied {
                manifest: Manifest {
                    key: ObjectKey::of(&object).into(),
                    document,
                    base: FieldPath::default(),
                    kind_span: Span::new(0, 0),
                },
                object: SentObject::new(&object),
                manager: None,
            }
        });
        supplied.collect()
    }

    fn remembered(supplied: Vec<Supplied>, outcomes: &[Outcome], apply: bool) -> KnownVerdicts {
        let verdicts: Vec<Arc<ObjectVerdict>> = supplied
            .iter()
            .zip(outcomes)
            .map(|(supplied, outcome)| {
                Arc::new(ObjectVerdict {
                    manifest: supplied.manifest.clone(),
                    judgement: Judgement::default(),
                    outcome: outcome.clone(),
                })
            })
            .collect();
        let mut known = KnownVerdicts::default();
        let supply = Supply {
            file: Arc::from("target"),
            generation: 1,
            complete: true,
            objects: supplied.into(),
            read_at: Instant::now(),
            apply,
            changed_only: true,
            force: None,
        };
        known.remember(&supply, &verdicts);
        known
    }

    #[test]
    fn what_moved_is_still_known_and_what_changed_is_not() {
        let applied = || Outcome::Applied { at: SystemTime::now() };
        let known = remembered(
            objects(&[("a", 1), ("b", 1), ("c", 1)]),
            &[applied(), applied(), applied()],
            true,
        );
        let places = |now: &[(&str, u32)]| -> Vec<Option<usize>> {
            let verdicts = known.of(&objects(now));
            let places = verdicts.iter().map(|verdict| Some(verdict.as_ref()?.manifest.document));
            places.collect()
        };
        assert_eq!(places(&[("a", 1), ("b", 1), ("c", 1)]), [Some(0), Some(1), Some(2)]);
        assert_eq!(
            places(&[("new", 1), ("a", 1), ("b", 2), ("c", 1)]),
            [None, Some(1), None, Some(3)]
        );
        assert_eq!(places(&[("c", 1), ("a", 1)]), [Some(0), Some(1)]);
    }

    #[test]
    fn only_what_the_cluster_has_is_known() {
        let outcomes = [
            Outcome::Applied { at: SystemTime::now() },
            Outcome::Accepted,
            Outcome::Rejected,
            Outcome::Unreachable { reason: String::new() },
        ];
        let all = objects(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        let is_known = |apply: bool| -> Vec<bool> {
            let known = remembered(all.clone(), &outcomes, apply).of(&all);
            known.iter().map(Option::is_some).collect()
        };
        assert_eq!(is_known(true), [true, false, false, false]);
        assert_eq!(is_known(false), [true, true, false, false], "nothing is applied");
    }
}
