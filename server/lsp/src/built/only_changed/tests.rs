//! What is placed from save to save is what is placed of all at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gitops_cluster::Judgement;
use gitops_cluster::answer::{Answer, Place, codes};
use gitops_model::ObjectKey;
use gitops_session::{FileVerdict, ObjectVerdict, Outcome, Phase, Supplied};
use gitops_yaml::FieldPath;

use crate::built::placed::{PlacedFile, PlacedVerdict, Scope};
use crate::built::units::tests::{Bench, map, repository};
use crate::built::worker::Order;

const UNITS: usize = 3;
const OBJECTS: usize = 14;
const STEPS: u32 = 300;

/// What the API server refuses.
const BAD: &str = "bad";

/// What a session says of objects: the same, as long as they read the same.
#[derive(Default)]
struct Cluster {
    known: BTreeMap<ObjectKey, (Vec<u8>, Arc<ObjectVerdict>)>,
}

impl Cluster {
    fn verdict(&mut self, supplied: &Supplied) -> Arc<ObjectVerdict> {
        let key = ObjectKey::clone(&supplied.manifest.key);
        if let Some((json, verdict)) = self.known.get(&key)
            && *json == supplied.object.json()
            && verdict.manifest == supplied.manifest
        {
            return Arc::clone(verdict);
        }
        let is_bad = supplied.object.value()["data"]["key"] == BAD;
        let mut path = FieldPath::new();
        path.push_key("data");
        path.push_key("key");
        let answer = Answer::new(path, Place::Value, codes::INVALID_VALUE, "not like that");
        let verdict = Arc::new(ObjectVerdict {
            manifest: supplied.manifest.clone(),
            judgement: Judgement {
                answers: is_bad.then_some(answer).into_iter().collect(),
                ..Judgement::default()
            },
            outcome: if is_bad { Outcome::Rejected } else { Outcome::Accepted },
        });
        if !is_bad {
            let known = (supplied.object.json().to_vec(), Arc::clone(&verdict));
            self.known.insert(key, known);
        }
        verdict
    }
}

/// A worker, and what the loop has of what it places.
struct Side {
    bench: Bench,
    cluster: Cluster,
    /// Where the loop says what it has taken; one that says nothing is told everything each time.
    taken: Option<Arc<AtomicU64>>,
    files: BTreeMap<Arc<str>, PlacedFile>,
    /// How many files were told altogether.
    told: usize,
}

impl Side {
    fn new(listens: bool) -> Self {
        let taken = Arc::default();
        let (bench, _) = Bench::with(&repository(UNITS, OBJECTS), false, Arc::clone(&taken));
        Self {
            bench,
            cluster: Cluster::default(),
            taken: listens.then_some(taken),
            files: BTreeMap::new(),
            told: 0,
        }
    }

    fn save(&mut self, file: &str, text: Option<&str>) -> String {
        let outcome = self.bench.save(&[(file, text)]);
        let supplied = outcome.objects.expect("it is built");
        let verdict = FileVerdict {
            file: Arc::from("target"),
            generation: outcome.generation,
            phase: Phase::DryRun,
            objects: supplied.iter().map(|supplied| self.cluster.verdict(supplied)).collect(),
            pruned: Vec::new(),
            prune_failures: Vec::new(),
            elapsed: Duration::ZERO,
        };
        let sent = self.bench.worker.send(Order::Place(Box::new(verdict)));
        assert!(sent.is_taken(), "the worker lives");
        let placed = self.bench.placed();
        self.take(placed);
        self.shown()
    }

    fn take(&mut self, placed: PlacedVerdict) {
        self.told += placed.files.len();
        match placed.scope {
            Scope::All => self.files.clear(),
            Scope::Changes(gone) => {
                for name in gone {
                    assert!(self.files.remove(&name).is_some(), "{name} was not there");
                }
            }
        }
        self.files.extend(placed.files);
        if let Some(taken) = &self.taken {
            taken.store(placed.number, Ordering::Release);
        }
    }

    /// What an editor would show.
    fn shown(&self) -> String {
        let mut shown = String::new();
        for (name, file) in &self.files {
            let name = name.rsplit('/').take(2).collect::<Vec<_>>();
            let mut lines: Vec<String> = Vec::new();
            for judged in &file.judged {
                let at = judged.manifest.kind_span.start;
                let mut line = format!("{at} {} {:?}", judged.manifest.key, judged.state);
                for placed in &judged.answers {
                    let span = placed.at.as_ref().map(|at| at.span);
                    let _ = write!(line, " {} {span:?} {:?}", placed.answer.slug, placed.written);
                }
                lines.push(line);
            }
            lines.sort();
            let _ = writeln!(shown, "{name:?}: {lines:?}");
        }
        shown
    }
}

/// Numbers that look like chance and are the same each time (Knuth's linear congruential generator).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % most
    }
}

#[test]
fn what_is_placed_from_save_to_save_is_what_is_placed_of_all() {
    let (mut changes, mut all) = (Side::new(true), Side::new(false));
    let mut chance = Chance(7);
    for step in 0..STEPS {
        let (unit, object) = (chance.below(UNITS), chance.below(OBJECTS));
        let file = format!("apps/{unit}/{object}.yaml");
        let name = format!("map-{unit}-{object}");
        let text = match chance.below(8) {
            0 | 1 => Some(map(&name, BAD)),
            2 => None,
            3 => Some(map(&format!("{name}-renamed"), "same")),
            4 => Some(format!("# moved by a line\n{}", map(&name, "old"))),
            5 => Some(format!(
                "{}---\n{}",
                map(&name, "old"),
                map(&format!("{name}-more"), BAD)
            )),
            _ => Some(map(&name, &step.to_string())),
        };
        let expected = all.save(&file, text.as_deref());
        let shown = changes.save(&file, text.as_deref());
        assert_eq!(shown, expected, "after step {step}: {file} is\n{text:?}");
    }
    assert!(
        changes.told * 2 < all.told,
        "{} of {} files are told",
        changes.told,
        all.told
    );
}
