//! What is known of the images that pods are made from, and what is to be asked. Pure: the time goes in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gitops_cluster::answer::Trouble;

use super::super::registries::Said;
use super::{Index, Uid};

/// How many images are asked about together.
const TOGETHER: usize = 64;
/// How many images are known at most; of more nothing is said.
const MAX_IMAGES: usize = 4096;
/// After this an image that is missing is asked about again: somebody may have pushed it.
const MISSING_HOLDS: Duration = Duration::from_mins(1);
/// After this a registry that did not tell is asked again.
const UNKNOWN_HOLDS: Duration = Duration::from_mins(10);
/// After this an image that was there is asked about again.
const THERE_HOLDS: Duration = Duration::from_hours(1);

/// What is known of images.
#[derive(Default)]
pub(super) struct Images {
    /// Whether registries are asked at all.
    is_asking: bool,
    known: BTreeMap<String, (Said, Instant)>,
    /// What is to be asked about.
    wanted: BTreeSet<String>,
    /// What is asked about now.
    asked: BTreeSet<String>,
}

impl Images {
    /// What is said of some images.
    pub(super) fn missing(&self, images: &[String]) -> Vec<Trouble> {
        let known = images.iter().filter_map(|image| Some((image, self.known.get(image)?)));
        known
            .filter_map(|(image, (said, _))| match said {
                Said::Missing(tags) => Some(Trouble::NoImage {
                    image: image.clone(),
                    tags: tags.clone(),
                }),
                Said::There | Said::Unknown => None,
            })
            .collect()
    }

    fn want(&mut self, images: Vec<String>) {
        if self.is_asking {
            let room = MAX_IMAGES.saturating_sub(self.known.len() + self.wanted.len());
            self.wanted.extend(images.into_iter().take(room));
        }
    }

    fn holds(&self, image: &str, now: Instant) -> bool {
        self.known.get(image).is_some_and(|(said, at)| {
            let limit = match said {
                Said::There => THERE_HOLDS,
                Said::Missing(_) => MISSING_HOLDS,
                Said::Unknown => UNKNOWN_HOLDS,
            };
            now.duration_since(*at) < limit
        })
    }
}

impl Index {
    /// Whether registries are to be asked. What they have said is forgotten when they are not.
    pub(in super::super) fn ask_registries(&mut self, is_asking: bool) {
        if self.images.is_asking == is_asking {
            return;
        }
        self.images = Images {
            is_asking,
            ..Images::default()
        };
        self.look_at_images(Instant::now());
        self.touch_all();
    }

    /// Whether there are images that nothing is known of yet.
    pub(in super::super) fn is_asking(&self) -> bool {
        !(self.images.wanted.is_empty() && self.images.asked.is_empty())
    }

    /// Pods are made from these images now.
    pub(super) fn use_images(&mut self, images: &[String]) {
        let new = images.iter().filter(|image| !self.images.known.contains_key(*image));
        let new: Vec<String> = new.cloned().collect();
        self.images.want(new);
    }

    /// Time has passed: what is known of an image holds for a while only, and what nobody uses any more is forgotten.
    pub(in super::super) fn look_at_images(&mut self, now: Instant) {
        if !self.images.is_asking {
            return;
        }
        let used: BTreeSet<String> = self.images_of_tops().flat_map(|(_, images)| images).cloned().collect();
        self.images.known.retain(|image, _| used.contains(image));
        let old: Vec<String> = used
            .into_iter()
            .filter(|image| !self.images.holds(image, now))
            .collect();
        self.images.want(old);
    }

    /// The images to ask about now. They count as asked until they are answered.
    pub(in super::super) fn images_to_ask(&mut self) -> Vec<String> {
        let wanted = std::mem::take(&mut self.images.wanted).into_iter();
        let mut wanted = wanted.filter(|image| !self.images.asked.contains(image));
        let room = MAX_IMAGES.saturating_sub(self.images.asked.len()).min(TOGETHER);
        let now: Vec<String> = wanted.by_ref().take(room).collect();
        let later: BTreeSet<String> = wanted.collect();
        self.images.wanted = later;
        self.images.asked.extend(now.iter().cloned());
        now
    }

    /// Registries have answered.
    pub(in super::super) fn images_answered(&mut self, answers: Vec<(String, Said)>, now: Instant) {
        for (image, said) in answers {
            // Nobody asks any more.
            if !self.images.asked.remove(&image) {
                continue;
            }
            let using = self.images_of_tops().filter(|(_, images)| images.contains(&image));
            let using: Vec<Uid> = using.map(|(id, _)| id.clone()).collect();
            if using.is_empty() {
                self.images.known.remove(&image);
            } else {
                self.images.known.insert(image, (said, now));
            }
            self.dirty.extend(using);
        }
    }

    fn images_of_tops(&self) -> impl Iterator<Item = (&Uid, &[String])> {
        let of_owned = self
            .owned
            .iter()
            .map(|(id, entry)| (id, entry.owned.needs.images.as_slice()));
        of_owned.chain(self.pods.iter().map(|(id, entry)| (id, entry.needs.images.as_slice())))
    }
}
