//! The codes of faults.

/// Each code with what it means, in order. `docs/codes/render` has a page for each.
pub const CODES: [(&str, &str); 24] = [
    (
        "artifact-not-made",
        "A copy of an ArtifactGenerator names what is not there.",
    ),
    ("bad-literal", "A literal of a generator is not `KEY=VALUE`."),
    (
        "bad-patch",
        "A patch is neither a merge patch nor a list of JSON 6902 operations.",
    ),
    (
        "build-failed",
        "kustomize cannot build this, for a reason that has no page of its own.",
    ),
    ("bad-substitution", "A `${…}` is no variable that Flux can substitute."),
    ("cycle", "A kustomization leads back to itself."),
    (
        "duplicate-object",
        "Two resources of one kustomization have the same identity.",
    ),
    ("empty-kustomization", "The kustomization file is empty."),
    (
        "file-not-found",
        "A file or directory that the kustomization names is not there.",
    ),
    (
        "generator-target-not-found",
        "A generator is to merge into something that is not there.",
    ),
    (
        "incomplete-entry",
        "An entry of `patches`, `replicas` or `replacements` lacks what it cannot do without.",
    ),
    ("generator-without-name", "A generator has no name for what it makes."),
    ("no-kustomization", "A directory that is named has no kustomization."),
    (
        "not-a-resource",
        "A file among the resources has a document that is no object.",
    ),
    ("not-yaml", "A file that is built from is not YAML."),
    (
        "patch-path-not-found",
        "An operation of a JSON 6902 patch has no place in its object.",
    ),
    (
        "patch-target-not-found",
        "A patch is for an object that the kustomization does not have.",
    ),
    ("remote-base", "A resource is somewhere else and is not fetched."),
    (
        "replacement-path-not-found",
        "A replacement names a field that its target does not have.",
    ),
    (
        "replacement-source-not-found",
        "The source of a replacement is not there.",
    ),
    (
        "replicas-target-not-found",
        "An entry of `replicas` is for an object that is not here.",
    ),
    (
        "unknown-field",
        "The kustomization has a field that kustomize does not know.",
    ),
    ("variable-not-set", "A variable has no value."),
    ("wrong-type", "A field of the kustomization has the wrong shape."),
];
