//! Where what a fault is about is written.

use gitops_model::kustomize::{Spot, Tree, directory_of, join};
use gitops_model::{FileRole, Manifest, Want, file_role, nearest, place, read as read_document};
use gitops_text::Span;
use gitops_yaml::{FieldPath, Node, NodeKind, Parse, parse};

use super::fields::FIELDS;
use super::loaded::is_remote;
use super::not_an_object::not_an_object;
use super::words::{Said, Wanted};

/// How many kustomizations are looked into for one fault.
const MAX_KUSTOMIZATIONS: usize = 200;
/// How many files of a directory without kustomization are looked into for one fault.
const MAX_FILES: usize = 2_000;

/// A file with its trees.
struct File {
    path: String,
    text: String,
    parse: Parse,
}

/// Finds it: in the kustomization of the directory, in those below, and in the files that these name.
pub(super) fn find(said: &Said, tree: &Tree) -> Option<(String, Span)> {
    if let Wanted::Line { file, line } = &said.wanted {
        return line_of(said, file, *line, tree);
    }
    let files = reachable(&said.directory, tree);
    match &said.wanted {
        Wanted::File(file) => open(file.trim_matches('/'), tree).map(|file| {
            let span = not_an_object(&file.text, &file.parse);
            (file.path.clone(), span.unwrap_or_else(|| beginning(&file)))
        }),
        Wanted::Remote => in_files(&files, |file| value_of(file, &is_remote)),
        Wanted::Directory => kustomization(&said.directory, tree),
        Wanted::Key(key) => files.first().and_then(|file| {
            let key = key_of(file, key).or_else(|| inner_key_of(root(file)?, key))?;
            Some((file.path.clone(), key))
        }),
        // Whole values first: `web.yaml` is not what `other-web.yaml` says.
        Wanted::Value(value) => in_files(&files, |file| value_of(file, &|text| text == value))
            .or_else(|| in_files(&files, |file| value_of(file, &|text| has_word(text, value)))),
        Wanted::Patch { kind, name } => patch_of(&files, kind, name),
        Wanted::Object { last: true, .. } if listed_twice(&files).is_some() => listed_twice(&files),
        Wanted::Object { kind, name, file, last } => {
            let mut found: Vec<_> = files
                .iter()
                .filter(|candidate| file.as_ref().is_none_or(|file| candidate.path.ends_with(file.as_str())))
                .flat_map(|candidate| objects_of(candidate, kind, name))
                .collect();
            if *last { found.pop() } else { found.into_iter().next() }
        }
        Wanted::Line { .. } => None,
        Wanted::Text(texts) => texts.iter().find_map(|text| {
            in_files(&files, |file| {
                span_of(&file.text, file.text.find(text.as_str())?, text.len())
            })
        }),
        Wanted::Incomplete { lists, keys } => files
            .first()
            .and_then(|file| Some((file.path.clone(), incomplete(file, lists, keys)?))),
        Wanted::Misspelt => files
            .first()
            .and_then(|file| Some((file.path.clone(), misspelt(file)?))),
        Wanted::BadVariable => in_files(&files, |file| bad_variable(&file.text)),
    }
}

/// The kustomization of a directory, at its first key.
pub(super) fn kustomization(directory: &str, tree: &Tree) -> Option<(String, Span)> {
    let file = own(directory, tree)?;
    let key = root(&file).and_then(|root| {
        let (key, _) = root.entry("resources").or_else(|| root.entries().next())?;
        Some(key.span())
    });
    Some((file.path, key.unwrap_or(Span::new(0, 0))))
}

/// In a directory without kustomization file: a file that the words name, else the first of those that Flux takes together.
pub(super) fn named(message: &str, directory: &str, tree: &Tree) -> Option<(String, Span)> {
    let is_named = |path: &str| {
        path.strip_prefix(directory)
            .is_some_and(|inner| message.contains(inner))
    };
    let files = || made_up(directory, tree).filter(|path| file_role(path) != FileRole::Kustomization);
    let path = files().find(|path| is_named(path)).or_else(|| files().next())?;
    let file = open(path, tree)?;
    Some((file.path.clone(), beginning(&file)))
}

/// The files that Flux makes a kustomization of, where there is none: all YAML below the directory.
fn made_up<'a>(directory: &'a str, tree: &'a Tree) -> impl Iterator<Item = &'a str> {
    let files = tree.below(directory).map(|(path, _)| &**path);
    files
        .filter(|path| matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml"))))
        .take(MAX_FILES)
}

/// Where a file says what it is.
fn beginning(file: &File) -> Span {
    let key = root(file).and_then(|root| {
        let (key, _) = root.entry("kind").or_else(|| root.entries().next())?;
        Some(key.span())
    });
    key.unwrap_or(Span::new(0, 0))
}

fn line_of(said: &Said, file: &str, line: u32, tree: &Tree) -> Option<(String, Span)> {
    let file = if file.is_empty() {
        own(&said.directory, tree)?
    } else {
        open(&joined(&said.directory, file), tree).or_else(|| open(file.trim_start_matches('/'), tree))?
    };
    // Our own parser is exact to the character; kustomize counts lines within a document.
    let own = file.parse.errors.first().map(|error| error.span);
    let span = own.or_else(|| {
        let start: usize = file
            .text
            .lines()
            .take(line.saturating_sub(1) as usize)
            .map(|line| line.len() + 1)
            .sum();
        let length = file.text.lines().nth(line.saturating_sub(1) as usize)?.len();
        Some(Span::new(
            u32::try_from(start).ok()?,
            u32::try_from(start + length).ok()?,
        ))
    });
    Some((file.path, span.unwrap_or(Span::new(0, 0))))
}

/// The kustomization of a directory and all that it leads to, nearest first: kustomizations, then the files they name.
fn reachable(directory: &str, tree: &Tree) -> Vec<File> {
    let mut kustomizations: Vec<File> = Vec::new();
    let mut others: Vec<File> = Vec::new();
    let mut waiting = std::collections::VecDeque::from([directory.to_owned()]);
    let mut seen = std::collections::BTreeSet::new();
    while let Some(directory) = waiting.pop_front() {
        if kustomizations.len() >= MAX_KUSTOMIZATIONS || !seen.insert(directory.clone()) {
            continue;
        }
        let Some(file) = own(&directory, tree) else {
            for path in made_up(&directory, tree) {
                if file_role(path) == FileRole::Kustomization {
                    waiting.push_back(directory_of(path).to_owned());
                } else if seen.insert(path.to_owned()) {
                    others.extend(open(path, tree));
                }
            }
            continue;
        };
        let mut entries = Vec::new();
        if let Some(root) = root(&file) {
            values(root, &mut |node| {
                entries.extend(
                    node.as_str()
                        .filter(|text| !text.contains('\n') && text.len() < 1024)
                        .map(str::to_owned),
                );
            });
        }
        for entry in entries {
            let path = joined(&directory, &entry);
            if own(&path, tree).is_some() {
                waiting.push_back(path);
            } else if seen.insert(path.clone())
                && let Some(file) = open(&path, tree)
            {
                others.push(file);
            }
        }
        kustomizations.push(file);
    }
    kustomizations.extend(others);
    kustomizations
}

fn own(directory: &str, tree: &Tree) -> Option<File> {
    open(&tree.kustomization_file(directory)?, tree)
}

fn open(path: &str, tree: &Tree) -> Option<File> {
    let text = tree.text(path)?.to_string();
    let parse = parse(&text);
    Some(File {
        path: path.to_owned(),
        text,
        parse,
    })
}

/// A path from a directory, without `.` and `..`; one that leads out leads nowhere.
fn joined(directory: &str, path: &str) -> String {
    join(directory, path).unwrap_or_default()
}

fn root(file: &File) -> Option<Node<'_>> {
    file.parse.documents.first()?.root(&file.text)
}

fn in_files(files: &[File], find: impl Fn(&File) -> Option<Span>) -> Option<(String, Span)> {
    files.iter().find_map(|file| Some((file.path.clone(), find(file)?)))
}

fn span_of(text: &str, start: usize, length: usize) -> Option<Span> {
    let end = start.checked_add(length).filter(|end| *end <= text.len())?;
    Some(Span::new(u32::try_from(start).ok()?, u32::try_from(end).ok()?))
}

/// The first `${…}` of a text that is neither `${NAME}` nor one of the few forms with a default.
fn bad_variable(text: &str) -> Option<Span> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("${").map(|at| at + from) {
        let inside = text.get(at + 2..)?;
        let end = inside.find(['}', '\n']).unwrap_or(inside.len());
        let content = inside.get(..end)?;
        let name_end = content
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(content.len());
        let (name, rest) = content.split_at(name_end);
        let closes = inside.get(end..).is_some_and(|rest| rest.starts_with('}'));
        let is_known = rest.is_empty()
            || rest.starts_with(":=")
            || rest.starts_with(":-")
            || rest.starts_with('=')
            || rest.starts_with('-');
        let is_escaped = text.get(..at).is_some_and(|before| before.ends_with('$'));
        let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        let is_meant = is_escaped || (closes && is_name && is_known);
        if !is_meant {
            return span_of(text, at, content.len() + 2 + usize::from(closes));
        }
        from = at + 2;
    }
    None
}

fn key_of(file: &File, key: &str) -> Option<Span> {
    root(file)?.entry(key).map(|(key, _)| key.span())
}

/// The first key of this name below a node.
fn inner_key_of(node: Node<'_>, name: &str) -> Option<Span> {
    match node.kind() {
        NodeKind::Mapping => node.entries().find_map(|(key, value)| {
            let is_it = key.as_str() == Some(name);
            is_it.then(|| key.span()).or_else(|| inner_key_of(value, name))
        }),
        NodeKind::Sequence => node.items().find_map(|item| inner_key_of(item, name)),
        NodeKind::Scalar | NodeKind::Alias => None,
    }
}

/// Of the entries of some lists that have none of some keys the first in which one is written much the same, at that key;
/// else the first of them, at its first key.
fn incomplete(file: &File, lists: &[&str], keys: &[&str]) -> Option<Span> {
    let root = root(file)?;
    let mut entries = Vec::new();
    for list in lists {
        // `replacements.targets`: a list in each entry of another.
        match list.split_once('.') {
            Some((outer, inner)) => {
                entries.extend(items(root, outer).into_iter().flat_map(|entry| items(entry, inner)));
            }
            None => entries.extend(items(root, list)),
        }
    }
    let has = |entry: Node<'_>, key: &str| {
        let value = entry.get(key);
        value.is_some_and(|value| value.as_str() != Some(""))
    };
    entries.retain(|entry| !keys.iter().any(|key| has(*entry, key)));
    let near = entries.iter().find_map(|entry| {
        let written = entry.entries().map(|(key, _)| key);
        let near = |key: &Node<'_>| {
            key.as_str()
                .and_then(|key| nearest(key, keys.iter().copied()))
                .is_some()
        };
        written.into_iter().find(near)
    });
    let first = || entries.first()?.entries().next().map(|(key, _)| key);
    near.or_else(first).map(Node::span)
}

/// The items of a list of a mapping.
fn items<'a>(node: Node<'a>, key: &str) -> Vec<Node<'a>> {
    node.get(key).map(|list| list.items().collect()).unwrap_or_default()
}

/// The first key of a kustomization that is none that kustomize knows, and nearly one.
fn misspelt(file: &File) -> Option<Span> {
    let is_it = |key: &str| !FIELDS.contains(&key) && nearest(key, FIELDS).is_some();
    let (key, _) = root(file)?.entries().find(|(key, _)| key.as_str().is_some_and(is_it))?;
    Some(key.span())
}

/// An entry of `resources` that is there once more: the last one of them, which is one too many.
fn listed_twice(files: &[File]) -> Option<(String, Span)> {
    let file = files.first()?;
    let resources: Vec<Node<'_>> = root(file)?.get("resources")?.items().collect();
    let directory = gitops_model::kustomize::directory_of(&file.path);
    let path = |node: &Node<'_>| node.as_str().map(|entry| joined(directory, entry));
    let mut seen = std::collections::BTreeSet::new();
    let again = resources.iter().filter(|node| !seen.insert(path(node)));
    let last = again.last()?;
    Some((file.path.clone(), last.span()))
}

/// The first value of a file that answers; in a text of several lines the line that does.
fn value_of(file: &File, answers: &dyn Fn(&str) -> bool) -> Option<Span> {
    let mut roots = file
        .parse
        .documents
        .iter()
        .filter_map(|document| document.root(&file.text));
    roots.find_map(|root| value_below(root, &file.text, answers))
}

/// The same below a node.
fn value_below(node: Node<'_>, text: &str, answers: &dyn Fn(&str) -> bool) -> Option<Span> {
    let mut found = None;
    values(node, &mut |node| {
        if found.is_some() {
            return;
        }
        let Some(value) = node.as_str() else { return };
        if value.contains('\n') {
            found = line_in(node, text, answers);
        } else if answers(value) {
            found = Some(node.span());
        }
    });
    found
}

/// In what a Flux Kustomization adds to the kustomization of its directory: its patches, components, images and so on.
/// `None` where that is not about it, or says nothing of the kind.
pub(super) fn in_spec(said: &Said, spec: &Spot) -> Option<Span> {
    let node = spec.node()?;
    let text = spec.sheet.text();
    let span = match &said.wanted {
        Wanted::Value(value) => value_below(node, text, &|text| text == value)
            .or_else(|| value_below(node, text, &|text| has_word(text, value))),
        Wanted::Patch { kind, name } => {
            let mut found = None;
            values(node, &mut |node| {
                found = found.or_else(|| patch_in(node, text, kind, name, name));
            });
            found
        }
        _ => None,
    };
    Some(spec.sheet.outer(span?))
}

/// The line of a text that is a patch for an object of this kind and name: the one that says `wanted`.
fn patch_in(node: Node<'_>, text: &str, kind: &str, name: &str, wanted: &str) -> Option<Span> {
    let patch = node.as_str().filter(|patch| patch.contains('\n'))?;
    let is_it = is_patch_of(patch, kind, name);
    is_it.then(|| line_in(node, text, &|value| value == wanted)).flatten()
}

/// The line of a block of text that answers with one of its values: an operation of a patch that is written there.
fn line_in(node: Node<'_>, text: &str, answers: &dyn Fn(&str) -> bool) -> Option<Span> {
    let span = node.span();
    let mut start = span.start;
    for line in span.slice(text).split_inclusive('\n') {
        let code = line.trim_end().trim_start_matches([' ', '-']);
        let value = code
            .split_once(": ")
            .map_or(code, |(_, value)| value)
            .trim_matches(['"', '\'']);
        if answers(value) {
            let indent = line.len() - line.trim_start_matches([' ', '-']).len();
            let from = start + u32::try_from(indent).ok()?;
            return Some(Span::new(from, from + u32::try_from(code.len()).ok()?));
        }
        start += u32::try_from(line.len()).ok()?;
    }
    None
}

/// Whether a text has another as a word of its own.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | '/');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn values<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    match node.kind() {
        NodeKind::Mapping => node.entries().for_each(|(_, value)| values(value, visit)),
        NodeKind::Sequence => node.items().for_each(|item| values(item, visit)),
        NodeKind::Scalar => visit(node),
        NodeKind::Alias => {}
    }
}

fn manifests(file: &File) -> Vec<Manifest> {
    let documents = file.parse.documents.iter().enumerate();
    documents
        .flat_map(|(index, document)| read_document(document, &file.text, index).manifests().to_vec())
        .collect()
}

/// The names of the objects with this kind and name.
fn objects_of(file: &File, kind: &str, name: &str) -> Vec<(String, Span)> {
    fields_of(file, kind, name, &["metadata", "name"])
}

/// A field of the objects with this kind and name.
fn fields_of(file: &File, kind: &str, name: &str, field: &[&str]) -> Vec<(String, Span)> {
    let mut path = FieldPath::default();
    for key in field {
        path.push_key(*key);
    }
    manifests(file)
        .iter()
        .filter(|manifest| manifest.key.gvk.kind == kind && manifest.key.name == name)
        .filter_map(|manifest| {
            let document = file.parse.documents.get(manifest.document)?;
            let span = place(document, &file.text, &manifest.base, &path, Want::Value);
            Some((file.path.clone(), span))
        })
        .collect()
}

/// A patch: one that is written in a kustomization, else a file that is one. The name is to blame, or the kind where an
/// object of another kind that is written much the same has this name.
fn patch_of(files: &[File], kind: &str, name: &str) -> Option<(String, Span)> {
    let all: Vec<Manifest> = files.iter().flat_map(manifests).collect();
    let namesakes = all.iter().filter(|manifest| manifest.key.name == name);
    let is_kind = nearest(kind, namesakes.map(|manifest| manifest.key.gvk.kind.as_str())).is_some();
    let (wanted, field): (&str, &[&str]) = if is_kind {
        (kind, &["kind"])
    } else {
        (name, &["metadata", "name"])
    };
    let inline = in_files(files, |file| {
        let mut found = None;
        values(root(file)?, &mut |node| {
            found = found.or_else(|| patch_in(node, &file.text, kind, name, wanted));
        });
        found
    });
    inline.or_else(|| {
        let mut found = files
            .iter()
            .filter(|file| root(file).is_some())
            .flat_map(|file| fields_of(file, kind, name, field));
        found.next()
    })
}

fn is_patch_of(text: &str, kind: &str, name: &str) -> bool {
    let parse = parse(text);
    parse.documents.iter().enumerate().any(|(index, document)| {
        let reading = read_document(document, text, index);
        let mut manifests = reading.manifests().iter();
        manifests.any(|manifest| manifest.key.gvk.kind == kind && manifest.key.name == name)
    })
}
