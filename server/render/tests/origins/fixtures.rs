//! What is built.

/// Corpus, directory, Flux Kustomization (file and name), variables.
pub(crate) type Corpus = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    Option<&'static [(&'static str, &'static str)]>,
);

const EAST: &[(&str, &str)] = &[
    ("domain", "east.example.org"),
    ("log_level", "info"),
    ("stage", "blue"),
    ("account", "n4411"),
];

/// The targets of the corpora.
pub(crate) const CORPORA: &[Corpus] = &[
    ("reports/kustomize-a", "overlays/prod", None, None),
    ("reports/flux-a", "clusters/east", None, None),
    (
        "reports/flux-a",
        "infra",
        Some(("clusters/east/infra.yaml", "rep-infra")),
        None,
    ),
    (
        "reports/flux-a",
        "apps",
        Some(("clusters/east/apps.yaml", "rep-apps")),
        Some(EAST),
    ),
    (
        "reports/flux-a",
        "media",
        Some(("clusters/east/media.yaml", "rep-media")),
        Some(EAST),
    ),
    (
        "reports/flux-a",
        "tools",
        Some(("clusters/east/tools.yaml", "rep-tools")),
        None,
    ),
    ("podinfo", "kustomize", None, None),
    ("podinfo", "deploy/overlays/dev", None, None),
    ("podinfo", "deploy/overlays/staging", None, None),
    ("podinfo", "deploy/overlays/production", None, None),
    ("podinfo", "deploy/bases/database", None, None),
    ("podinfo", "deploy/webapp", None, None),
    ("podinfo", "deploy/secure", None, None),
    ("flux2-kustomize-helm-example", "clusters/staging", None, None),
    ("flux2-kustomize-helm-example", "clusters/production", None, None),
    ("flux2-kustomize-helm-example", "apps/staging", None, None),
    ("flux2-kustomize-helm-example", "apps/production", None, None),
    ("flux2-kustomize-helm-example", "infrastructure/controllers", None, None),
    (
        "flux2-kustomize-helm-example",
        "infrastructure/configs",
        Some(("clusters/production/infrastructure.yaml", "infra-configs")),
        None,
    ),
];

const PROD: &[(&str, &str)] = &[("level", "warn"), ("domain", "example.org"), ("name", "shop")];

/// The targets of the files beside this one.
pub(crate) const FLEET: &[Corpus] = &[
    ("fleet", "web/base", None, None),
    ("fleet", "web/prod", None, None),
    ("fleet", "web/legacy", None, None),
    ("fleet", "odd/top", None, None),
    ("fleet", "odd/plain", None, None),
    ("fleet", "web/base", Some(("clusters/prod/web.yaml", "web")), Some(PROD)),
];
