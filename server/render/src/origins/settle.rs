//! Which of the things that touch a field supplies it: what they say, carried forward, must be what is built.

use gitops_model::Supplier;
use serde_json::Value;

use super::fits::{becomes, fits_name};
use super::hit::{Effect, Hit};
use super::image::changed;

/// An order of hits, best first.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled {
    pub(super) order: Vec<usize>,
    /// Whether structure alone decides, so that nobody needs to be asked.
    pub(super) certain: bool,
    /// Whether anything supplies the field at all.
    pub(super) supplied: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Built<'a> {
    pub(super) value: &'a Value,
    /// Whether what is asked for is missing below the value.
    pub(super) is_missing: bool,
    pub(super) prefixes: &'a [&'a str],
    pub(super) suffixes: &'a [&'a str],
}

/// Orders what touches a field. `hits` are in the order in which they happen.
pub(super) fn settle(hits: &[Hit], built: Built<'_>) -> Settled {
    let setters: Vec<usize> = positions(hits, |hit| matches!(hit.effect, Effect::Sets(_)));
    let removers: Vec<usize> = positions(hits, |hit| matches!(hit.effect, Effect::Removes));
    if built.is_missing {
        // What takes it away is to blame; else a person adds it where the object is written, not where it is patched.
        let order: Vec<usize> = removers.iter().rev().copied().chain(setters).collect();
        return Settled {
            supplied: !order.is_empty(),
            order,
            certain: true,
        };
    }
    let supplied = !setters.is_empty();
    if built.value.is_object() || built.value.is_array() {
        return Settled {
            order: all_after(setters.into_iter().rev().collect(), hits),
            certain: true,
            supplied,
        };
    }
    for (passed, &setter) in setters.iter().rev().enumerate() {
        if let Some((contributions, known)) = carried(hits, setter, built) {
            let unsure = hits.iter().skip(setter).any(|hit| !hit.certain);
            return Settled {
                order: all_after(contributions, hits),
                certain: known && !unsure && passed == 0,
                supplied,
            };
        }
    }
    Settled {
        order: all_after(setters.into_iter().rev().collect(), hits),
        certain: false,
        supplied: supplied
            || hits
                .iter()
                .any(|hit| matches!(hit.effect, Effect::Part) && !hit.certain),
    }
}

/// Carries what a hit sets through what follows. If that gives what is built: who contributes, best first, and whether
/// every step could be followed.
fn carried(hits: &[Hit], setter: usize, built: Built<'_>) -> Option<(Vec<usize>, bool)> {
    let Effect::Sets(value) = &hits.get(setter)?.effect else {
        return None;
    };
    let mut contributions = vec![setter];
    let Some(value) = value else {
        return Some((contributions, false));
    };
    let mut value = value.clone();
    let mut known = true;
    let mut affixes = Vec::new();
    for (index, hit) in hits.iter().enumerate().skip(setter + 1) {
        match &hit.effect {
            Effect::Image(image) => {
                if let Some(new) = value.as_str().and_then(|reference| changed(image, reference)) {
                    value = Value::String(new);
                    contributions.insert(0, index);
                }
            }
            Effect::Affix => affixes.push(index),
            Effect::Part if hit.supplier != Supplier::Generator => known &= hit.certain,
            Effect::Part | Effect::Sets(_) | Effect::Removes => {}
        }
    }
    if becomes(&value, built.value) {
        return Some((contributions, known));
    }
    let (written, wanted) = (value.as_str()?, built.value.as_str()?);
    if fits_name(written, wanted, built.prefixes, built.suffixes) {
        contributions.extend(affixes);
        return Some((contributions, known));
    }
    None
}

fn positions(hits: &[Hit], is_wanted: impl Fn(&Hit) -> bool) -> Vec<usize> {
    let numbered = hits.iter().enumerate();
    numbered
        .filter(|(_, hit)| is_wanted(hit))
        .map(|(index, _)| index)
        .collect()
}

/// The first ones, then the others from the last to the first; an entry of `images` that means another image is none.
fn all_after(mut first: Vec<usize>, hits: &[Hit]) -> Vec<usize> {
    for (index, hit) in hits.iter().enumerate().rev() {
        if !first.contains(&index) && !matches!(hit.effect, Effect::Image(_)) {
            first.push(index);
        }
    }
    first
}
