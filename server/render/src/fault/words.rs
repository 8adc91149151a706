//! The words of kustomize (`sigs.k8s.io/kustomize/api` v0.21), read for what they are about.

use gitops_model::nearest;

use super::fields::{FIELDS, FIELDS_OF_ENTRIES};
use super::loaded::{of_a_loaded_file, of_a_remote};

/// What a fault is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    /// The directory whose kustomization failed.
    pub(crate) directory: String,
    /// What to look for.
    pub(crate) wanted: Wanted,
    /// Second half of the code.
    pub(crate) slug: &'static str,
    /// For people.
    pub(crate) message: String,
}

/// What to look for, which code it has, and the words for it.
pub(super) type Read = (Wanted, &'static str, String);

/// What to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// A text that is a value, or stands in one, of the kustomization or of a file that it names.
    Value(String),
    /// A key of the kustomization.
    Key(String),
    /// An object in the files of the kustomization: its kind, its name, and which one of those that are alike.
    Object {
        kind: String,
        name: String,
        /// A file that is named as the culprit.
        file: Option<String>,
        /// The last one that is found, instead of the first.
        last: bool,
    },
    /// A patch for an object of this kind and name.
    Patch { kind: String, name: String },
    /// A file of a directory without kustomization, in which something is missing.
    File(String),
    /// A text that names something on another machine.
    Remote,
    /// A line, from 1, of a file that is no YAML.
    Line { file: String, line: u32 },
    /// The first of these that stands in a file, whatever kind of file that is.
    Text(Vec<String>),
    /// A `${…}` that is no variable.
    BadVariable,
    /// An entry of one of these lists that has none of these keys.
    Incomplete {
        lists: &'static [&'static str],
        keys: &'static [&'static str],
    },
    /// A key of the kustomization that is nearly one that there is.
    Misspelt,
    /// Nothing in particular.
    Directory,
}

/// Reads a message about building `target`.
pub(crate) fn read(message: &str, target: &str) -> Said {
    let directory = innermost_directory(message)
        .unwrap_or(target)
        .trim_matches('/')
        .to_owned();
    let said = |wanted: Wanted, slug: &'static str, message: String| Said {
        directory: directory.clone(),
        wanted,
        slug,
        message,
    };
    let rules: [fn(&str) -> Option<Read>; 10] = [
        of_substitution,
        of_a_loaded_file,
        of_a_remote,
        of_the_file,
        of_a_cycle,
        of_an_entry,
        of_a_patch,
        of_objects,
        of_generators,
        of_a_missing_file,
    ];
    rules.iter().find_map(|rule| rule(message)).map_or_else(
        || said(Wanted::Directory, "build-failed", last_cause(message)),
        |(wanted, slug, words)| said(wanted, slug, words),
    )
}

/// The directory that kustomize was in when it failed; `None` for the target itself.
fn innermost_directory(message: &str) -> Option<&str> {
    let inside = ["recursed accumulation of path '", "couldn't make target for path '"];
    inside
        .iter()
        .filter_map(|start| message.rfind(start).map(|at| (at, at + start.len())))
        .max()
        .and_then(|(_, from)| message.get(from..)?.split('\'').next())
}

/// Post-build substitution, which is done object by object: the words name the variable, if any.
fn of_substitution(message: &str) -> Option<Read> {
    if let Some(name) = between(message, "variable not set (strict mode): \"", "\"") {
        let words =
            format!("the variable {name} is not set: no Kustomization of Flux that substitutes here supplies it");
        return Some((
            Wanted::Text(vec![format!("${{{name}}}"), format!("${{{name}")]),
            "variable-not-set",
            words,
        ));
    }
    let cause = after_last(message, "variable substitution failed: ")?;
    let words = format!(
        "this is no variable that Flux can substitute ({}); write $${{…}} for a text that stays",
        cause.trim()
    );
    Some((Wanted::BadVariable, "bad-substitution", words))
}

/// The kustomization file itself.
fn of_the_file(message: &str) -> Option<Read> {
    if let Some(field) = after_last(message, "json: unknown field \"").and_then(|rest| rest.split('"').next()) {
        let bare = field.trim_matches('.');
        let near = FIELDS
            .into_iter()
            .find(|known| *known == bare)
            .or_else(|| nearest(bare, FIELDS))
            .or_else(|| nearest(bare, FIELDS_OF_ENTRIES));
        let words = match near {
            Some(near) => format!("a kustomization has no field \"{field}\"; did you mean \"{near}\"?"),
            None => format!("a kustomization has no field \"{field}\""),
        };
        return Some((Wanted::Key(field.to_owned()), "unknown-field", words));
    }
    if let Some(rest) = after_last(message, "json: cannot unmarshal ") {
        let got = rest.split(' ').next()?;
        let field = between(rest, "field Kustomization.", " of type ")?;
        let wanted = between(rest, " of type ", "").unwrap_or_default();
        let expected = if wanted.starts_with("[]") {
            "list"
        } else if wanted.starts_with("map") || wanted.contains("types.") {
            "map"
        } else {
            wanted
        };
        let key = field.split('.').next().unwrap_or(field);
        return Some((
            Wanted::Key(key.to_owned()),
            "wrong-type",
            format!("{field}: expected {expected}, got {got}"),
        ));
    }
    if let Some(rest) = after_last(message, "MalformedYAMLError: yaml: ") {
        let (words, file) = rest.split_once(" in File: ")?;
        let line = between(words, "line ", ":")
            .and_then(|line| line.parse().ok())
            .unwrap_or(1);
        return Some((
            Wanted::Line {
                file: file.trim().to_owned(),
                line,
            },
            "not-yaml",
            format!("this file cannot be built: {words}"),
        ));
    }
    if let Some(words) = after_last(message, "invalid Kustomization: yaml: ") {
        let line = between(words, "line ", ":")
            .and_then(|line| line.parse().ok())
            .unwrap_or(1);
        return Some((
            Wanted::Line {
                file: String::new(),
                line,
            },
            "not-yaml",
            format!("this kustomization is not YAML: {}", words.trim()),
        ));
    }
    message.contains("kustomization.yaml is empty").then(|| {
        (
            Wanted::Misspelt,
            "empty-kustomization",
            "this kustomization is empty: it names no resource, and nothing to do with others".to_owned(),
        )
    })
}

fn of_a_cycle(message: &str) -> Option<Read> {
    let rest = after_last(message, "cycle detected: candidate root '")?;
    let root = rest.split('\'').next()?;
    let entry = last_resource(message)?;
    let words = format!(
        "{entry} leads back to {}, which is being built: a circle",
        root.trim_matches('/')
    );
    Some((Wanted::Value(entry.to_owned()), "cycle", words))
}

/// What an entry of a list cannot do without. Flux drops keys that it does not know, so that a misspelt one is missing.
fn of_an_entry(message: &str) -> Option<Read> {
    type Rule = (
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
        &'static str,
    );
    const RULES: [Rule; 5] = [
        (
            "must specify one of patch and path",
            &["patches"],
            &["patch", "path"],
            "this entry says neither what to change (patch) nor where that is written (path)",
        ),
        (
            "must specify a target for JSON patch",
            &["patches"],
            &["target"],
            "operations do not say what they are for: target is missing",
        ),
        (
            "resource with name  does not match a config",
            &["replicas"],
            &["name"],
            "this entry does not say what is to be scaled: name is missing",
        ),
        (
            "replacements must specify a source and at least one target",
            &["replacements"],
            &["source", "sourceValue", "path"],
            "a replacement needs a source and at least one target",
        ),
        (
            "target must specify resources to select",
            &["replacements.targets"],
            &["select"],
            "this target does not say which resources it is about: select is missing",
        ),
    ];
    let (_, lists, keys, words) = RULES.iter().find(|(said, ..)| message.contains(said))?;
    Some((
        Wanted::Incomplete { lists, keys },
        "incomplete-entry",
        (*words).to_owned(),
    ))
}

fn of_a_patch(message: &str) -> Option<Read> {
    for start in ["doc is missing path: ", "doc is missing key: ", "missing path: "] {
        if let Some(rest) = after_last(message, start) {
            let path = rest.trim_start_matches('"');
            let path = path.split(['"', ':']).next()?.trim();
            let operation = message
                .split(" operation ")
                .next()
                .and_then(|head| head.rsplit(' ').next());
            let words = format!(
                "{} cannot be done: {path} has no parent in the object that it is for",
                operation.unwrap_or("the operation")
            );
            return Some((Wanted::Value(path.to_owned()), "patch-path-not-found", words));
        }
    }
    if let Some(path) = between(message, "for path: '", "'") {
        let operation = between(message, "error in ", " for path").unwrap_or("the operation");
        let words = format!("{operation} cannot be done: the object that it is for has no {path}");
        return Some((Wanted::Value(path.to_owned()), "patch-path-not-found", words));
    }
    for start in ["no resource matches strategic merge patch \"", "no matches for Id "] {
        if let Some(rest) = after_last(message, start) {
            let (kind, name) = object_of(rest.split(['"', ';']).next()?)?;
            let words = format!("no {kind} called \"{name}\" is here to be patched");
            let wanted = Wanted::Patch {
                kind: kind.to_owned(),
                name: name.to_owned(),
            };
            return Some((wanted, "patch-target-not-found", words));
        }
    }
    if let Some(rest) = after_last(message, "unable to find field ") {
        let field = quoted(rest)?;
        let words = format!("no such field in what is to be replaced: {field}");
        return Some((Wanted::Value(field), "replacement-path-not-found", words));
    }
    if let Some(field) = between(message, "fieldPath `", "` is missing for replacement source") {
        let words = format!("the source of this replacement has no field {field}");
        return Some((Wanted::Value(field.to_owned()), "replacement-path-not-found", words));
    }
    if let Some(rest) = after_last(message, "nothing selected by ") {
        let (kind, name) = object_of(rest.split(':').next()?)?;
        let words = format!("no {kind} called \"{name}\" is here to be the source of a replacement");
        return Some((Wanted::Value(name.to_owned()), "replacement-source-not-found", words));
    }
    if let Some(name) = between(message, "resource with name ", " does not match a config") {
        let words = format!("nothing that can be scaled is called \"{name}\"");
        return Some((Wanted::Value(name.to_owned()), "replicas-target-not-found", words));
    }
    if let Some(rest) = after_last(message, "unable to parse SM or JSON patch from ") {
        let start = between(rest, "[patch: ", "]").and_then(quoted);
        let wanted = start.map_or(Wanted::Directory, Wanted::Value);
        return Some((
            wanted,
            "bad-patch",
            "this is neither a merge patch nor a list of JSON 6902 operations".to_owned(),
        ));
    }
    None
}

fn of_objects(message: &str) -> Option<Read> {
    if let Some(rest) = after_last(message, "already registered id: ") {
        let (kind, name) = object_of(rest.split('\'').next()?)?;
        let file = after_last(message, "merging resources from '").and_then(|rest| rest.split('\'').next());
        let words = format!("{kind} \"{name}\" is here already: two resources of one kustomization have the same name");
        let wanted = Wanted::Object {
            kind: kind.to_owned(),
            name: name.to_owned(),
            file: file.map(str::to_owned),
            last: true,
        };
        return Some((wanted, "duplicate-object", words));
    }
    if let Some(rest) = after_last(message, "namespace transformation produces ID conflict: ") {
        let objects = rest.trim().trim_start_matches('[').trim_end_matches(']');
        let object = serde_json::Deserializer::from_str(objects)
            .into_iter::<serde_json::Value>()
            .filter_map(Result::ok)
            .last()?;
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
        let (kind, name) = (text("/kind")?, text("/metadata/name")?);
        let namespace = text("/metadata/namespace").unwrap_or_default();
        let words = format!(
            "two {kind}s called \"{name}\" would conflict: the kustomization puts both into namespace \"{namespace}\""
        );
        let wanted = Wanted::Object {
            kind: kind.to_owned(),
            name: name.to_owned(),
            file: None,
            last: true,
        };
        return Some((wanted, "duplicate-object", words));
    }
    for (what, key) in [
        ("missing kind in object", "kind"),
        ("missing metadata.name in object", "metadata.name"),
    ] {
        if message.contains(what) {
            let file = last_resource(message)?;
            let words = format!("{file} has a document without {key}, so it is no resource");
            return Some((Wanted::Value(file.to_owned()), "not-a-resource", words));
        }
    }
    None
}

fn of_generators(message: &str) -> Option<Read> {
    // The words are the same for a Secret.
    if message.contains("a configmap must have a name") {
        let words = "what is generated must have a name: name is missing";
        let wanted = Wanted::Incomplete {
            lists: &["configMapGenerator", "secretGenerator"],
            keys: &["name"],
        };
        return Some((wanted, "generator-without-name", words.to_owned()));
    }
    for (start, end) in [
        ("file sources: [", "]"),
        ("env source files: [", "]"),
        ("literal sources [", "]"),
    ] {
        if let Some(sources) = between(message, start, end) {
            if message.contains("invalid literal source") {
                let literal = between(message, "invalid literal source ", ",").unwrap_or(sources);
                return Some((
                    Wanted::Value(literal.to_owned()),
                    "bad-literal",
                    "expected KEY=VALUE".to_owned(),
                ));
            }
            // Of several sources the one that is missing is named by its path.
            let missing = missing_path(message);
            let source = sources
                .split_whitespace()
                .find(|source| {
                    let file = source.split_once('=').map_or(*source, |(_, file)| file);
                    missing.is_some_and(|missing| missing.ends_with(file.trim_start_matches("./")))
                })
                .unwrap_or(sources);
            return Some((
                Wanted::Value(source.to_owned()),
                "file-not-found",
                format!("there is no file {source}"),
            ));
        }
    }
    if message.contains("merging from generator") {
        let name = between(message, "Name:\"", "\"")?;
        let words = format!("there is no \"{name}\" to merge into or to replace; leave out behavior, or write create");
        return Some((Wanted::Value(name.to_owned()), "generator-target-not-found", words));
    }
    None
}

fn of_a_missing_file(message: &str) -> Option<Read> {
    let is_missing = [
        "no such file or directory",
        "file does not exist",
        "not a valid directory",
        "unable to find one of",
        "must build at directory",
        "doesn't exist",
    ]
    .iter()
    .any(|words| message.contains(words));
    if !is_missing {
        return None;
    }
    if let Some(path) = between(message, "patch file from path(", ")") {
        return Some((
            Wanted::Value(path.to_owned()),
            "file-not-found",
            format!("there is no file {path}"),
        ));
    }
    let entry = last_resource(message).or_else(|| missing_path(message).and_then(|path| path.rsplit('/').next()))?;
    if message.contains("unable to find one of") {
        let words = format!("{entry} has no kustomization.yaml");
        return Some((Wanted::Value(entry.to_owned()), "no-kustomization", words));
    }
    Some((
        Wanted::Value(entry.to_owned()),
        "file-not-found",
        format!("there is no file {entry}"),
    ))
}

/// The entry of `resources` (or `components`) that was read last.
pub(super) fn last_resource(message: &str) -> Option<&str> {
    let starts = ["accumulating resources from '", "merging resources from '"];
    let from = starts
        .iter()
        .filter_map(|start| message.rfind(start).map(|at| at + start.len()))
        .max()?;
    message.get(from..)?.split('\'').next()
}

/// The path that is not there, as kustomize has tried it.
fn missing_path(message: &str) -> Option<&str> {
    let quoted = between(message, "evalsymlink failure on '", "'");
    quoted
        .or_else(|| between(message, "open ", ":"))
        .or_else(|| between(message, "'", "' doesn't exist"))
}

/// `Deployment.v1.apps/web.shop` or `ConfigMap.v1.[noGrp]/b.[noNs]`: kind and name.
fn object_of(id: &str) -> Option<(&str, &str)> {
    let (kind, rest) = id.trim().split_once('.')?;
    let name = rest.split_once('/')?.1;
    // A name may have dots; what stands behind the last one is the namespace.
    let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
    Some((kind, name.trim_end_matches('.')))
}

/// What was said last, without the steps that led there.
fn last_cause(message: &str) -> String {
    let directory_words = "': must build at directory";
    let message = message.split(directory_words).next().unwrap_or(message);
    let starts = ["recursed accumulation of path '", "accumulation err='"];
    let from = starts.iter().filter_map(|start| message.rfind(start)).max();
    let rest = from.and_then(|at| message.get(at..)).unwrap_or(message);
    let rest = if from.is_some() {
        rest.split_once(": ").map_or(rest, |(_, rest)| rest)
    } else {
        rest
    };
    rest.trim().to_owned()
}

fn after_last<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.rfind(start).and_then(|at| text.get(at + start.len()..))
}

/// What stands between two texts, the last time that the first occurs.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = after_last(text, start)?;
    if end.is_empty() {
        return Some(rest);
    }
    rest.find(end).and_then(|at| rest.get(..at))
}

/// A text in Go's quotes (`%q`), which are JSON's for what stands in a kustomization.
fn quoted(text: &str) -> Option<String> {
    let mut texts = serde_json::Deserializer::from_str(text).into_iter::<String>();
    texts.next()?.ok()
}
