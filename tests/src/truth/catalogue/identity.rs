//! What an object is called, what it is, and its labels.

use super::{Kind, misspelled, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "bad-name",
        find: bad_name,
    },
    Kind {
        name: "bad-label-value",
        find: bad_label,
    },
    Kind {
        name: "selector-mismatch",
        find: mismatch,
    },
    Kind {
        name: "immutable-selector",
        find: immutable_selector,
    },
    Kind {
        name: "immutable-field",
        find: immutable_field,
    },
    Kind {
        name: "version-gone",
        find: version_gone,
    },
    Kind {
        name: "misspelled-kind",
        find: misspelled_kind,
    },
    Kind {
        name: "namespace-missing",
        find: namespace_missing,
    },
];

fn top<'a>(scene: &'a Scene, keys: &'a [&'a str]) -> impl Iterator<Item = &'a Entry> {
    scene
        .of_plain_objects()
        .filter(move |entry| entry.keys() == keys && entry.path.len() == keys.len())
}

fn bad_name(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = top(scene, &["metadata", "name"]).filter(|entry| {
        // These kinds take any name (RBAC), or one that follows from others.
        let any = [
            "Role",
            "ClusterRole",
            "RoleBinding",
            "ClusterRoleBinding",
            "CustomResourceDefinition",
        ];
        !scene.piece(entry).kind().is_some_and(|kind| any.contains(&kind))
    });
    names
        .map(|entry| {
            let wrong = within_quotes(scene.raw(entry), |name| {
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                first.into_iter().chain(letters).chain("_1".chars()).collect()
            });
            scene.value(kind, entry, wrong)
        })
        .collect()
}

fn bad_label(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let labels = scene.of_plain_objects().filter(|entry| {
        entry.above() == "labels" && entry.is_below("metadata") && entry.is_one_line(scene.text(entry))
    });
    labels
        .map(|entry| scene.value(kind, entry, "\"not a label!\""))
        .collect()
}

/// Labels of a template that the selector asks for, with the selector's own entry.
fn selected(scene: &Scene) -> impl Iterator<Item = (&Entry, &Entry)> {
    scene.of_plain_objects().filter_map(move |label| {
        if label.keys().get(..4)? != ["spec", "template", "metadata", "labels"] || label.path.len() != 5 {
            return None;
        }
        let path = ["spec", "selector", "matchLabels", label.name.as_str()];
        let mut at = gitops_yaml::FieldPath::new();
        for key in path {
            at.push_key(key);
        }
        Some((label, scene.entry(label.piece, &at)?))
    })
}

fn other_label(raw: &str) -> String {
    within_quotes(raw, |text| format!("{text}-2"))
}

fn mismatch(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let both = selected(scene).map(|(label, selector)| {
        let breakage = scene.value(kind, label, other_label(scene.raw(label)));
        breakage
            .at(selector.first_line(scene.text(selector)))
            .saying(&["does not match"])
    });
    both.collect()
}

fn immutable_selector(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let both = selected(scene).filter_map(|(label, selector)| {
        let edits = [label, selector].map(|entry| Edit {
            span: entry.value.clone(),
            put: other_label(scene.raw(entry)),
        });
        let all = scene.entry(label.piece, &selector.path.prefix(2))?;
        let breakage = scene.breakage(kind, selector, edits.to_vec()).at(all.span());
        Some(breakage.proof(Proof::RefusedOverLive).saying(&["immutable"]))
    });
    both.collect()
}

/// Values that cannot be changed once they are on the cluster, by kind.
fn immutable_field(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let fields = scene.of_plain_objects().filter_map(|entry| {
        let of = scene.piece(entry).kind()?;
        let name = entry.name.as_str();
        let is_one = match of {
            "Job" => entry.is_below("template") && ["image", "name"].contains(&name) && entry.is_below("containers"),
            "StatefulSet" => name == "serviceName" || (name == "storage" && entry.is_below("volumeClaimTemplates")),
            "PersistentVolumeClaim" => ["storageClassName", "volumeName"].contains(&name),
            "RoleBinding" | "ClusterRoleBinding" => name == "name" && entry.above() == "roleRef",
            "StorageClass" => name == "provisioner",
            _ => false,
        };
        let wrong = if name == "storage" {
            "77Gi".to_owned()
        } else {
            within_quotes(scene.raw(entry), |text| format!("{text}-2"))
        };
        (is_one && entry.is_one_line(scene.text(entry)))
            .then(|| scene.value(kind, entry, wrong).proof(Proof::RefusedOverLive))
    });
    fields.collect()
}

fn version_gone(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let versions = top(scene, &["apiVersion"]).filter_map(|entry| {
        let (group, of) = (scene.piece(entry).group()?, scene.piece(entry).kind()?);
        // Versions that were served once and are not any more.
        let gone = match (group, of) {
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => "apps/v1beta2",
            ("networking.k8s.io", "Ingress" | "NetworkPolicy") => "extensions/v1beta1",
            ("autoscaling", "HorizontalPodAutoscaler") => "autoscaling/v2beta2",
            ("batch", "CronJob") => "batch/v1beta1",
            ("policy", "PodDisruptionBudget") => "policy/v1beta1",
            ("rbac.authorization.k8s.io", _) => "rbac.authorization.k8s.io/v1beta1",
            ("", _) => "v1beta3",
            _ => return None,
        };
        Some(with_kind(scene, entry, scene.value(kind, entry, gone)))
    });
    versions.collect()
}

fn misspelled_kind(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let kinds = scene
        .of_objects()
        .filter(|entry| entry.path.len() == 1 && entry.name == "kind");
    let wrong = kinds.map(|entry| {
        let wrong = within_quotes(scene.raw(entry), misspelled);
        with_kind(scene, entry, scene.value(kind, entry, wrong))
    });
    wrong.collect()
}

/// Together they say what it is, and either may be the one that is wrong.
fn with_kind(scene: &Scene, entry: &Entry, breakage: Breakage) -> Breakage {
    let is_identity = |other: &&Entry| {
        other.piece == entry.piece && other.path.len() == 1 && ["apiVersion", "kind"].contains(&other.name.as_str())
    };
    let all = scene.entries.iter().filter(is_identity);
    all.fold(breakage, |breakage, other| {
        breakage.at(other.first_line(scene.text(other)))
    })
}

fn namespace_missing(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let namespaces = top(scene, &["metadata", "namespace"]);
    let wrong = namespaces.map(|entry| scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled)));
    wrong.map(|breakage| breakage.saying(&["not found"])).collect()
}
