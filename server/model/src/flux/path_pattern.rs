//! An `ArtifactGenerator` with a `pathPattern`: each directory that matches makes artifacts of its own
//! (fluxcd/source-watcher, `internal/controller/artifactgenerator_pathpattern.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::artifact_files::Listing;
use super::artifact_generator::{ArtifactGenerator, Copy, GeneratedArtifact};

/// How many artifacts one pattern makes at most; what is more is left to Flux.
const MAX_ARTIFACTS: usize = 10_000;

/// The artifacts that a generator makes: those that it lists, or, with a pattern, these for each directory that matches.
///
/// # Errors
/// In words, where the pattern or a name cannot be read, or where its source is not known here (`None`).
pub fn expand(
    generator: &ArtifactGenerator,
    sources: &BTreeMap<String, Option<&Listing>>,
) -> Result<Option<Vec<GeneratedArtifact>>, String> {
    let Some(written) = &generator.path_pattern else {
        return Ok(Some(generator.artifacts.clone()));
    };
    let (alias, pattern) = written
        .strip_prefix('@')
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| "`pathPattern` must be `@ALIAS/PATTERN`".to_owned())?;
    let source = sources
        .get(alias)
        .ok_or_else(|| format!("there is no source with the alias `{alias}`"))?;
    let Some(source) = source else { return Ok(None) };
    let parts: Vec<&str> = pattern.split('/').collect();
    let mut made: Vec<GeneratedArtifact> = Vec::new();
    let mut names = BTreeSet::new();
    for directory in directories(source, parts.len()) {
        let Some(captures) = captures(&parts, &directory)? else {
            continue;
        };
        for artifact in &generator.artifacts {
            let lower = captures
                .iter()
                .map(|(name, text)| (name.clone(), text.to_lowercase()))
                .collect();
            let name = filled(&artifact.name, &lower)?;
            if !names.insert(name.clone()) {
                return Err(format!("two directories make an artifact named `{name}`"));
            }
            let copies = artifact.copies.iter().map(|copy| {
                Ok(Copy {
                    from: filled(&copy.from, &captures)?,
                    to: filled(&copy.to, &captures)?,
                    ..copy.clone()
                })
            });
            let copies = copies.collect::<Result<_, String>>()?;
            made.push(GeneratedArtifact { name, copies });
            if made.len() > MAX_ARTIFACTS {
                return Ok(None);
            }
        }
    }
    Ok(Some(made))
}

/// The directories that are so many parts deep.
fn directories(source: &Listing, depth: usize) -> BTreeSet<String> {
    let deep = source.iter().filter_map(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        (parts.len() > depth).then(|| parts.iter().take(depth).copied().collect::<Vec<_>>().join("/"))
    });
    deep.collect()
}

/// What the `{name}` of a pattern stand for in a directory; `None` where it does not match.
fn captures(parts: &[&str], directory: &str) -> Result<Option<BTreeMap<String, String>>, String> {
    let mut all = BTreeMap::new();
    for (pattern, part) in parts.iter().zip(directory.split('/')) {
        if !part_matches(pattern, part, &mut all)? {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

/// Matches one part, in which each `{name}` stands for at least one character, for as many as can be.
fn part_matches(pattern: &str, part: &str, found: &mut BTreeMap<String, String>) -> Result<bool, String> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return Ok(pattern == part);
    };
    let (name, after) = rest
        .split_once('}')
        .ok_or_else(|| format!("`{pattern}` has a `{{` without its `}}`"))?;
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if !is_name {
        return Err(format!("`{{{name}}}` of the pattern is no name"));
    }
    let Some(inner) = part.strip_prefix(before) else {
        return Ok(false);
    };
    let ends = inner.char_indices().map(|(at, letter)| at + letter.len_utf8());
    for end in ends.collect::<Vec<_>>().into_iter().rev() {
        let (text, left) = inner.split_at(end);
        let mut tried = found.clone();
        tried.insert(name.to_owned(), text.to_owned());
        if part_matches(after, left, &mut tried)? {
            *found = tried;
            return Ok(true);
        }
    }
    Ok(false)
}

/// A text with its `{name}` filled in.
fn filled(template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, inner)) = rest.split_once('{') {
        let (name, after) = inner
            .split_once('}')
            .ok_or_else(|| format!("`{template}` has a `{{` without its `}}`"))?;
        let value = values
            .get(name)
            .ok_or_else(|| format!("`{{{name}}}` is not in the `pathPattern`"))?;
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::expand;
    use crate::flux::{FluxObject, FluxSpec, Listing};

    fn names(pattern: &str, name: &str, files: &[&str]) -> Result<Vec<String>, String> {
        let object = json!({
            "apiVersion": "source.extensions.fluxcd.io/v1beta1", "kind": "ArtifactGenerator",
            "metadata": { "name": "apps", "namespace": "flux-system" },
            "spec": {
                "pathPattern": pattern,
                "sources": [{ "alias": "repo", "kind": "GitRepository", "name": "fleet" }],
                "artifacts": [{ "name": name, "copy": [{ "from": "@repo/apps/{app}/**", "to": "@artifact/" }] }],
            },
        });
        let FluxSpec::ArtifactGenerator(generator) = FluxObject::read(&object).expect("a Flux object").spec else {
            panic!("it is a generator");
        };
        let listing: Listing = files.iter().map(|path| (*path).into()).collect();
        let made = expand(&generator, &BTreeMap::from([("repo".to_owned(), Some(&listing))]))?;
        let made = made.expect("the source is known").into_iter();
        Ok(made
            .map(|made| format!("{} {}", made.name, made.copies[0].from))
            .collect())
    }

    #[test]
    fn each_directory_that_matches_makes_an_artifact() {
        let files = [
            "apps/Web/x.yaml",
            "apps/store/x.yaml",
            "apps/notes.md",
            "infra/a/x.yaml",
        ];
        assert_eq!(
            names("@repo/apps/{app}", "app-{app}", &files),
            Ok(vec![
                "app-web @repo/apps/Web/**".to_owned(),
                "app-store @repo/apps/store/**".to_owned()
            ])
        );
        assert!(names("@repo/apps/{app}", "same", &files).is_err());
        assert!(names("@repo/apps/{app", "same", &files).is_err());
        assert!(names("@repo/apps/{app}", "{env}", &files).is_err());
    }
}
