//! The codes of what is found here.

/// Each code with what it means, in order. `docs/codes/model` has a page for each.
pub const CODES: [(&str, &str); 25] = [
    (
        "backend-not-found",
        "A route leads to a Service that is not there, or to a port that it does not have.",
    ),
    (
        "chart-not-found",
        "The object that a release takes its chart from is not there.",
    ),
    ("dependency-cycle", "What is waited for waits itself, in a circle."),
    ("dependency-not-found", "What `dependsOn` names is not there."),
    (
        "duplicate-object",
        "Two documents, or two Kustomizations, supply the same object.",
    ),
    (
        "field-dropped",
        "A field of a kustomization that Flux drops without a word.",
    ),
    ("health-check-ignored", "Health checks that are never made."),
    (
        "health-check-not-found",
        "A health check of an object that is not there.",
    ),
    (
        "key-not-found",
        "An object is there, and the key that is wanted of it is not.",
    ),
    ("namespace-renamed", "`targetNamespace` gives a Namespace another name."),
    ("no-pods-selected", "A selector selects no pods."),
    (
        "not-pruned",
        "What is not built any more stays on the cluster, since its Kustomization does not prune.",
    ),
    (
        "path-not-found",
        "The directory that a Flux Kustomization builds is not there.",
    ),
    (
        "provider-not-found",
        "The Provider that an Alert sends to is not there.",
    ),
    ("role-not-found", "A binding names a role that is not there."),
    ("scale-target-not-found", "What is to be scaled is not there."),
    ("secret-not-found", "A Secret that Flux needs is not there."),
    ("service-account-not-found", "Whom Flux is to act as is not there."),
    ("source-not-found", "The source is not there."),
    (
        "subject-not-found",
        "A binding is for a service account that is not there.",
    ),
    ("suspended", "Something is suspended and others wait for it."),
    ("values-not-found", "What a release takes values from is not there."),
    ("variable-not-substituted", "A `${…}` that nobody substitutes."),
    ("variable-not-used", "A variable has a value, and no object uses it."),
    (
        "variables-not-found",
        "What a Kustomization takes variables from is not there.",
    ),
];
