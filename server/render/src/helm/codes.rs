//! The codes of releases.

/// Each code of source `render` with what it means, in order, beside those of kustomizations ([`crate::fault::CODES`]).
/// `docs/codes/render` has a page for each.
pub const CODES: [(&str, &str); 7] = [
    ("bad-chart", "A chart cannot be loaded."),
    (
        "bad-target-path",
        "A `targetPath` of `valuesFrom` is no place for its value.",
    ),
    ("bad-template", "A template of a chart cannot be read."),
    ("chart-not-found", "There is no chart where a release looks for it."),
    (
        "chart-without-end",
        "A chart takes too long to render, or too much memory.",
    ),
    (
        "invalid-value",
        "A value of a release is not what the chart's schema allows.",
    ),
    ("template-failed", "A chart cannot be rendered with these values."),
];

/// The same for source `model`; `docs/codes/model` has the pages.
pub const MODEL_CODES: [(&str, &str); 1] = [("value-not-read", "A value that the chart never reads.")];
