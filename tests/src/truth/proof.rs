//! Whether a breakage really is one: asked of the renderer and of the API server.

use std::collections::BTreeMap;

use serde_json::Value;

use super::breakage::{Breakage, Edits, Proof};
use super::oracle::{As, Oracle};
use super::world::{Builder, World, WorldObject};

/// Why a breakage is not played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unproven {
    /// It changes nothing that is built, so that nobody could know.
    ChangesNothing,
    /// It is said with other words than those of its kind.
    OtherWords(String),
    /// It is none: everything is taken.
    Sound,
    /// It cannot be built, which is another kind of fault.
    CannotBeBuilt,
    /// The sound state itself is refused, or something that was to stay the same does not.
    Unclear,
}

/// Proves a breakage; `text` is what the file holds then.
pub fn prove(
    breakage: &Breakage,
    text: &str,
    builder: &Builder,
    sound: &World,
    oracle: &mut Oracle,
) -> anyhow::Result<Result<(), Unproven>> {
    if breakage.proof == Proof::Certain {
        return Ok(Ok(()));
    }
    let world = builder.build(Some((&breakage.file, text)))?;
    let new_faults: Vec<&String> = world
        .faults
        .iter()
        .filter(|fault| !sound.faults.contains(fault))
        .collect();
    let says = |words: &str| breakage.saying.is_empty() || breakage.saying.iter().any(|part| words.contains(part));
    let may_fail = matches!(
        breakage.proof,
        Proof::Fails | Proof::ChangesOrFails | Proof::FailsOrRefused
    );
    if let Some(fault) = new_faults.first() {
        return Ok(match () {
            () if !may_fail => Err(Unproven::CannotBeBuilt),
            () if !says(fault) => Err(Unproven::OtherWords((*fault).clone())),
            () => Ok(()),
        });
    }
    if breakage.proof == Proof::Fails {
        return Ok(Err(Unproven::Sound));
    }
    let changed = changed(sound, &world);
    match &breakage.proof {
        Proof::Certain | Proof::Fails => Ok(Ok(())),
        Proof::ChangesNothing => Ok(if is_same(sound, &world) {
            Ok(())
        } else {
            Err(Unproven::Unclear)
        }),
        _ if is_same(sound, &world) => Ok(Err(Unproven::ChangesNothing)),
        Proof::Changes | Proof::ChangesOrFails => Ok(Ok(())),
        Proof::SameAs(edits) => {
            let Some(other) = builder
                .text(&breakage.file)
                .and_then(|text| Edits::new(edits.clone()).apply(text))
            else {
                return Ok(Err(Unproven::Unclear));
            };
            let other = builder.build(Some((&breakage.file, &other)))?;
            // The object that the text stands in differs, what follows from it must not.
            let same = follow_ups(&other) == follow_ups(&world) && other.faults == world.faults;
            let differs = follow_ups(&other) != follow_ups(sound);
            Ok(if same && differs {
                Ok(())
            } else {
                Err(Unproven::Unclear)
            })
        }
        Proof::Refused | Proof::FailsOrRefused => refused(&changed, (sound, &world), oracle, As::New, &says),
        Proof::RefusedOverLive => refused(&changed, (sound, &world), oracle, As::Live, &says),
    }
}

fn refused(
    changed: &[&WorldObject],
    (sound, broken): (&World, &World),
    oracle: &mut Oracle,
    how: As,
    says: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Result<(), Unproven>> {
    let mut other_words = None;
    for built in changed {
        let Some(words) = oracle.refusal(&built.object, how)? else {
            continue;
        };
        // A namespace that comes with it is there when it is applied.
        if brings_namespace(broken, &words) {
            continue;
        }
        // What is refused in its sound state too says nothing about the breakage.
        let before = sound.objects.iter().find(|other| identity(other) == identity(built));
        if let Some(before) = before
            && oracle.refusal(&before.object, how)?.is_some()
        {
            continue;
        }
        if says(&words) {
            return Ok(Ok(()));
        }
        other_words = Some(words);
    }
    Ok(Err(other_words.map_or(Unproven::Sound, Unproven::OtherWords)))
}

/// Whether an object is refused only for a namespace that is built, too.
fn brings_namespace(world: &World, words: &str) -> bool {
    let missing = words
        .strip_prefix("namespaces \"")
        .and_then(|rest| rest.strip_suffix("\" not found"));
    missing.is_some_and(|missing| {
        world.objects.iter().any(|built| {
            let text = |pointer: &str| built.object.pointer(pointer).and_then(Value::as_str);
            text("/kind") == Some("Namespace") && text("/metadata/name") == Some(missing)
        })
    })
}

/// What names an object in what is built.
fn identity(built: &WorldObject) -> (usize, Option<&(String, String)>, [&str; 3]) {
    let text = |pointer: &str| {
        built
            .object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let object = [text("/kind"), text("/metadata/namespace"), text("/metadata/name")];
    (built.unit, built.release.as_ref(), object)
}

/// The objects that are not as they were.
pub fn changed<'a>(sound: &World, broken: &'a World) -> Vec<&'a WorldObject> {
    let mut before: BTreeMap<String, usize> = BTreeMap::new();
    for built in &sound.objects {
        *before.entry(built.object.to_string()).or_default() += 1;
    }
    let is_new = |built: &&WorldObject| match before.get_mut(&built.object.to_string()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    broken.objects.iter().filter(is_new).collect()
}

fn is_same(sound: &World, broken: &World) -> bool {
    sound.objects == broken.objects
}

/// What releases install.
fn follow_ups(world: &World) -> Vec<&Value> {
    let of_releases = world.objects.iter().filter(|built| built.release.is_some());
    of_releases.map(|built| &built.object).collect()
}
