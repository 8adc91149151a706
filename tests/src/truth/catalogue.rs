//! The kinds of breakage: how the places are found that each can be done to, what is done, and where it may be said.

mod fields;
mod flux;
mod generated;
mod helm;
mod identity;
mod json_patches;
mod kustomizations;
mod layers;
mod patches;
mod references;
mod substitution;
mod syntax;
mod values;
mod workload;

use super::breakage::Breakage;
use super::scene::Scene;

/// One kind of breakage.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name, for people and for `--kinds`.
    pub name: &'static str,
    /// Finds every place that could be broken like this. Whether it is a breakage is found out later.
    pub find: fn(&'static str, &Scene) -> Vec<Breakage>,
}

/// All kinds, in the order of the table.
pub fn kinds() -> Vec<Kind> {
    [
        fields::KINDS,
        values::KINDS,
        identity::KINDS,
        patches::KINDS,
        json_patches::KINDS,
        kustomizations::KINDS,
        generated::KINDS,
        syntax::KINDS,
        flux::KINDS,
        substitution::KINDS,
        helm::KINDS,
        workload::KINDS,
        references::KINDS,
    ]
    .concat()
}

/// A word as people misspell it: two letters in its middle swapped, or one left out where they are the same.
fn misspelled(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let middle = letters.len() / 2;
    let swappable = |at: &usize| {
        let pair = letters.get(*at).zip(letters.get(at + 1));
        pair.is_some_and(|(a, b)| a != b && a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
    };
    // The first and the last letter are rarely wrong, and decide whether a name is a valid one.
    let inner = 1..letters.len().saturating_sub(2);
    let nearest = inner.filter(swappable).min_by_key(|at| at.abs_diff(middle));
    match nearest {
        Some(at) => {
            let mut letters = letters;
            letters.swap(at, at + 1);
            letters.into_iter().collect()
        }
        None => format!("{word}x"),
    }
}

/// A path whose last part is misspelled, its ending left alone.
fn misspelled_path(path: &str) -> String {
    let end = path.trim_end_matches('/').len();
    let start = path.get(..end).and_then(|path| path.rfind('/')).map_or(0, |at| at + 1);
    let name = path.get(start..end).unwrap_or_default();
    let stem = name.find('.').filter(|at| *at > 0).unwrap_or(name.len());
    let (stem, ending) = name.split_at(stem);
    format!(
        "{}{}{ending}{}",
        path.get(..start).unwrap_or_default(),
        misspelled(stem),
        path.get(end..).unwrap_or_default()
    )
}

/// The raw text of a scalar with what is inside of its quotes changed.
fn within_quotes(raw: &str, change: impl Fn(&str) -> String) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = raw.strip_prefix(quote).and_then(|raw| raw.strip_suffix(quote)) {
            return format!("{quote}{}{quote}", change(inner));
        }
    }
    change(raw)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{kinds, misspelled, misspelled_path, within_quotes};

    #[test]
    fn kinds_have_names_of_their_own() {
        let names: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), kinds().len());
        assert!(names.len() >= 25);
    }

    #[test]
    fn words_are_misspelled_as_people_do() {
        for (word, wrong) in [
            ("image", "imgae"),
            ("replicas", "replcias"),
            ("web", "webx"),
            ("aaaa", "aaaax"),
            ("my-app", "my-pap"),
        ] {
            assert_eq!(misspelled(word), wrong, "{word}");
        }
        assert_eq!(misspelled_path("../base/service.yaml"), "../base/serivce.yaml");
        assert_eq!(misspelled_path("./apps/"), "./appsx/");
        assert_eq!(within_quotes("\"web\"", misspelled), "\"webx\"");
    }
}
