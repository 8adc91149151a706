//! Which objects a patch or a replacement means.

use regex::Regex;

use super::Field;
use crate::Gvk;

/// What an object is called on its way through the layers: each name and namespace that it has had, first to last.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// The names that it has had.
    pub names: Vec<String>,
    /// The namespaces that it has had; the empty text where it had none.
    pub namespaces: Vec<String>,
}

/// A selector as `target:` of a patch or `select:` of a replacement writes it. What is left out matches everything.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Regular expressions, matched as a whole, of kustomize's `target:`; plain texts everywhere else.
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    /// Whether labels or annotations are asked for, which only a built object can tell.
    by_metadata: bool,
}

#[derive(Clone, Debug)]
enum Pattern {
    Text(String),
    Regex(Regex),
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => wanted == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Selector {
    /// Reads one whose fields are regular expressions.
    pub fn with_patterns(field: &Field<'_>) -> Self {
        Self::read(field, |text| match Regex::new(&format!("^(?:{text})$")) {
            Ok(regex) => Pattern::Regex(regex),
            // kustomize refuses the kustomization; what it would have matched is not known.
            Err(_) => Pattern::Text(text.to_owned()),
        })
    }

    /// Reads one whose fields are plain texts.
    pub fn of_texts(field: &Field<'_>) -> Self {
        Self::read(field, |text| Pattern::Text(text.to_owned()))
    }

    fn read(field: &Field<'_>, pattern: impl Fn(&str) -> Pattern) -> Self {
        let of = |key| field.text_of(key).filter(|text| !text.is_empty()).map(&pattern);
        Self {
            group: of("group"),
            version: of("version"),
            kind: of("kind"),
            name: of("name"),
            namespace: of("namespace"),
            by_metadata: field.get("labelSelector").is_some() || field.get("annotationSelector").is_some(),
        }
    }

    /// Whether it means the object by one of its names.
    pub fn matches(&self, object: &Identity) -> bool {
        let is = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
        let any = |pattern: &Option<Pattern>, texts: &[String]| {
            pattern
                .as_ref()
                .is_none_or(|pattern| texts.iter().any(|text| pattern.matches(text)))
        };
        let namespaces: Vec<String> = object.namespaces.iter().map(|namespace| effective(namespace)).collect();
        is(&self.group, &object.gvk.group)
            && is(&self.version, &object.gvk.version)
            && is(&self.kind, &object.gvk.kind)
            && any(&self.name, &object.names)
            && any(&self.namespace, &namespaces)
    }

    /// Whether labels or annotations decide, too, which are not looked at here.
    pub fn is_by_metadata(&self) -> bool {
        self.by_metadata
    }
}

/// kustomize takes an object without a namespace for one of `default`.
fn effective(namespace: &str) -> String {
    if namespace.is_empty() { "default" } else { namespace }.to_owned()
}
