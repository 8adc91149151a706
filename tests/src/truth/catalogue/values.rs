//! Fields of objects: their values.

use gitops_yaml::{Dialect, NodeKind, Value as Scalar, resolve};

use super::{Kind, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof};
use crate::truth::entry::Entry;
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "text-for-number",
        find: |kind, scene| text_for_number(kind, scene, scene.of_plain_objects()),
    },
    Kind {
        name: "patch-text-for-number",
        find: |kind, scene| text_for_number(kind, scene, scene.of_role(|role| *role == Role::MergePatch)),
    },
    Kind {
        name: "number-for-text",
        find: number_for_text,
    },
    Kind {
        name: "list-for-map",
        find: |kind, scene| collection(kind, scene, NodeKind::Mapping, "[wrong]"),
    },
    Kind {
        name: "map-for-list",
        find: |kind, scene| collection(kind, scene, NodeKind::Sequence, "{wrong: true}"),
    },
    Kind {
        name: "unsupported-value",
        find: |kind, scene| unsupported(kind, scene, scene.of_plain_objects()),
    },
    Kind {
        name: "patch-unsupported-value",
        find: |kind, scene| unsupported(kind, scene, scene.of_role(|role| *role == Role::MergePatch)),
    },
    Kind {
        name: "bad-quantity",
        find: bad_quantity,
    },
    Kind {
        name: "port-out-of-range",
        find: port_out_of_range,
    },
    Kind {
        name: "negative-number",
        find: negative,
    },
    Kind {
        name: "duplicate-item",
        find: duplicate_item,
    },
    Kind {
        name: "bad-base64",
        find: bad_base64,
    },
    Kind {
        name: "bad-schedule",
        find: bad_schedule,
    },
    Kind {
        name: "requests-over-limits",
        find: requests_over_limits,
    },
];

fn read_as(entry: &Entry) -> Option<Scalar<'_>> {
    let text = entry.text.as_deref()?;
    Some(resolve(Dialect::Kustomize, text, entry.style?, None))
}

fn is_number(entry: &Entry) -> bool {
    matches!(read_as(entry), Some(Scalar::Int(_) | Scalar::Float(_)))
}

fn text_for_number<'a>(
    kind: &'static str,
    scene: &'a Scene,
    entries: impl Iterator<Item = &'a Entry>,
) -> Vec<Breakage> {
    let numbers = entries.filter(|entry| is_number(entry));
    numbers.map(|entry| scene.value(kind, entry, "many")).collect()
}

fn number_for_text(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let texts = scene
        .of_plain_objects()
        .filter(|entry| entry.kind == NodeKind::Scalar && !is_number(entry) && entry.is_one_line(scene.text(entry)))
        .filter(|entry| entry.path.len() > 1);
    texts.map(|entry| scene.value(kind, entry, "17")).collect()
}

fn collection(kind: &'static str, scene: &Scene, of: NodeKind, put: &str) -> Vec<Breakage> {
    let wrong = scene.of_plain_objects().filter(|entry| {
        entry.kind == of && entry.path.len() > 1 && super::fields::is_named_by_schema(entry) && !entry.is_flow
    });
    wrong
        .map(|entry| {
            let edit = Edit {
                span: entry.key.end..entry.value.end,
                put: format!(": {put}"),
            };
            scene
                .breakage(kind, entry, vec![edit])
                .nowhere()
                .at(entry.key.start..entry.value.end)
        })
        .collect()
}

/// A word of a few that are allowed: written as people write it.
fn unsupported<'a>(kind: &'static str, scene: &'a Scene, entries: impl Iterator<Item = &'a Entry>) -> Vec<Breakage> {
    let words = entries.filter(|entry| {
        let text = entry.text.as_deref().unwrap_or_default();
        entry.is_one_line(scene.text(entry))
            && text.len() >= 2
            && text.starts_with(|letter: char| letter.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    words
        .map(|entry| {
            let wrong = within_quotes(scene.raw(entry), |text| {
                let lower = text.to_ascii_lowercase();
                if lower == "none" { "nothing".to_owned() } else { lower }
            });
            scene
                .value(kind, entry, wrong)
                .saying(&["Unsupported value", "supported values", "must be one of"])
        })
        .collect()
}

fn bad_quantity(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let quantities = scene.of_plain_objects().filter(|entry| {
        let is_quantity = ["requests", "limits", "capacity", "hard"].contains(&entry.above())
            || ["sizeLimit", "averageValue", "storage"].contains(&entry.name.as_str());
        is_quantity && entry.is_one_line(scene.text(entry))
    });
    quantities
        .map(|entry| {
            scene.value(
                kind,
                entry,
                within_quotes(scene.raw(entry), |text| format!("{text}Bytes")),
            )
        })
        .collect()
}

fn port_out_of_range(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let ports = scene.of_plain_objects().filter(|entry| {
        ["port", "containerPort", "targetPort", "number"].contains(&entry.name.as_str()) && is_number(entry)
    });
    ports.map(|entry| scene.value(kind, entry, "80800")).collect()
}

fn negative(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let numbers = scene.of_plain_objects().filter(|entry| {
        is_number(entry) && !entry.name.to_ascii_lowercase().contains("port") && entry.name != "number"
    });
    let wrong = numbers.map(|entry| scene.value(kind, entry, "-2"));
    wrong
        .map(|breakage| breakage.saying(&["must be", "Invalid value"]))
        .collect()
}

/// The name of an item of a list becomes that of the item before it.
fn duplicate_item(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mut found = Vec::new();
    let keys = ["name", "mountPath", "containerPort"];
    let entries: Vec<&Entry> = scene
        .of_plain_objects()
        .filter(|entry| keys.contains(&entry.name.as_str()) && entry.item.is_some())
        .collect();
    for entry in &entries {
        let mut list = entry.path.clone();
        list.pop();
        let Some(gitops_yaml::Step::Index(index)) = list.pop() else {
            continue;
        };
        let Some(before) = index.checked_sub(1) else { continue };
        let mut path = list;
        path.push_index(before);
        path.push_key(entry.name.as_str());
        let other = entries
            .iter()
            .find(|other| other.piece == entry.piece && other.path == path);
        let Some(other) = other.filter(|other| other.is_one_line(scene.text(other))) else {
            continue;
        };
        let breakage = scene.value(kind, entry, scene.raw(other));
        // Either of the two may be the one that is wrong.
        let line = other.first_line(scene.text(other));
        let breakage = breakage.at(line);
        found.push(match &entry.item {
            Some(item) => breakage.at_line(scene.text(entry), item.start),
            None => breakage,
        });
    }
    found
}

fn bad_base64(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let data = scene.of_plain_objects().filter(|entry| {
        scene.piece(entry).kind() == Some("Secret")
            && entry.path.len() == 2
            && entry.above() == "data"
            && entry.is_one_line(scene.text(entry))
    });
    data.map(|entry| scene.value(kind, entry, "not in base64!")).collect()
}

fn bad_schedule(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let schedules = scene
        .of_plain_objects()
        .filter(|entry| entry.name == "schedule" && scene.piece(entry).kind() == Some("CronJob"));
    schedules
        .map(|entry| scene.value(kind, entry, "\"every day\""))
        .collect()
}

/// A request that is larger than the limit beside it.
fn requests_over_limits(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let requests = scene.of_plain_objects().filter_map(|entry| {
        let wrong = match entry.name.as_str() {
            "memory" => "512Gi",
            "cpu" => "\"512\"",
            _ => return None,
        };
        if entry.above() != "requests" {
            return None;
        }
        let mut limit = entry.path.clone();
        limit.pop();
        limit.pop();
        limit.push_key("limits");
        limit.push_key(entry.name.as_str());
        let limit = scene.entry(entry.piece, &limit)?;
        let breakage = scene.value(kind, entry, wrong).proof(Proof::Refused);
        Some(breakage.at(limit.first_line(scene.text(limit))))
    });
    requests.collect()
}
