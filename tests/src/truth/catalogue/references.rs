//! Objects that name others which the API server does not look up: nobody says anything, and it does not work.

use super::{Kind, misspelled, within_quotes};
use crate::truth::breakage::{Breakage, Proof};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "scale-target-of-nobody",
        find: |kind, scene| {
            named(kind, scene, |entry, of| {
                of == "HorizontalPodAutoscaler" && entry.name == "name" && entry.above() == "scaleTargetRef"
            })
        },
    },
    Kind {
        name: "ingress-service-of-nobody",
        find: |kind, scene| {
            named(kind, scene, |entry, of| {
                of == "Ingress" && entry.name == "name" && entry.above() == "service"
            })
        },
    },
    Kind {
        name: "ingress-port-of-nobody",
        find: |kind, scene| {
            named(kind, scene, |entry, of| {
                of == "Ingress" && entry.name == "name" && entry.above() == "port"
            })
        },
    },
    Kind {
        name: "service-selects-nothing",
        find: |kind, scene| named(kind, scene, |entry, of| of == "Service" && entry.above() == "selector"),
    },
    Kind {
        name: "service-port-of-nobody",
        find: |kind, scene| {
            named(kind, scene, |entry, of| {
                of == "Service"
                    && entry.name == "targetPort"
                    && entry
                        .text
                        .as_deref()
                        .is_some_and(|text| text.starts_with(|letter: char| letter.is_ascii_alphabetic()))
            })
        },
    },
];

fn named(kind: &'static str, scene: &Scene, wanted: impl Fn(&Entry, &str) -> bool) -> Vec<Breakage> {
    let names = scene.of_plain_objects().filter(|entry| {
        let of = scene.piece(entry).kind().unwrap_or_default();
        wanted(entry, of) && entry.text.is_some()
    });
    let wrong = names.map(|entry| {
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
        // What is above it names the whole reference.
        let breakage = breakage.at_line(scene.text(entry), entry.parent.start);
        breakage.proof(Proof::Changes).warning()
    });
    wrong.collect()
}
