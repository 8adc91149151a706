//! The second act: mistakes in a Flux repository, each on the line that earned it: a base, a patch, a variable, a value of a
//! chart, and what a pod would not start with.

use camino::{Utf8Path, Utf8PathBuf};

use crate::mistakes::{Expected, Judge, Mend, Mistake, Typed};

/// The target of the session.
pub(crate) const TARGET: &str = "clusters/demo";

/// What is laid out beside podinfo's own base and chart.
pub(crate) fn own_files() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/demo/fleet")
}

const PATCH: &str = "apps/podinfo.yaml";
const RELEASE: &str = "apps/backend.yaml";

/// In the order in which they are made.
pub(crate) const MISTAKES: &[Mistake] = &[
    Mistake {
        title: "A field of the base that Flux would drop without a word",
        picture: Some("flux-base"),
        file: "kustomize/deployment.yaml",
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "minReadySeconds",
            put: "minReadySecond",
        }],
        expected: &[Expected {
            code: "apply/unknown-field",
            line: "minReadySecond: 3",
            marked: "minReadySecond",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A patch that makes a text of a number",
        picture: Some("flux-patch"),
        file: PATCH,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "revisionHistoryLimit: 2",
            put: "revisionHistoryLimit: two",
        }],
        expected: &[Expected {
            code: "apply/wrong-type",
            line: "revisionHistoryLimit: two",
            marked: "two",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A variable that nobody supplies",
        picture: Some("flux-variable"),
        file: PATCH,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "${ui_color}",
            put: "${ui_colour}",
        }],
        expected: &[Expected {
            code: "render/variable-not-set",
            line: "value: \"${ui_colour}\"",
            marked: "",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A value that the chart puts where a number belongs",
        picture: Some("flux-value"),
        file: RELEASE,
        before: None,
        judge: Judge::ApiServer,
        typed: &[Typed {
            find: "replicaCount: 2",
            put: "replicaCount: a few",
        }],
        expected: &[Expected {
            code: "apply/wrong-type",
            line: "replicaCount: a few",
            marked: "a few",
        }],
        mend: Mend::Undo,
    },
    Mistake {
        title: "A pod that would not start: a key that its ConfigMap does not have",
        picture: Some("flux-pod"),
        file: PATCH,
        before: None,
        judge: Judge::Workload,
        typed: &[Typed {
            find: "key: message",
            put: "key: greeting",
        }],
        expected: &[Expected {
            code: "runtime/would-not-start",
            line: "key: greeting",
            marked: "greeting",
        }],
        mend: Mend::Undo,
    },
];
