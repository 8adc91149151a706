//! What source-controller leaves out of a source's artifact: what is never in one, what `.sourceignore` files say, and what
//! the object itself says. Its rules are those of `.gitignore`.

use camino::Utf8Path;
use gitops_model::flux::is_left_out;
use gitops_model::kustomize::{Tree, directory_of};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The file in which a repository says what Flux leaves out.
pub(super) const FILE: &str = ".sourceignore";

/// The rules of one source.
pub(super) struct SourceIgnore {
    /// The directory of each file of rules and what they say, the ones that count first at the end.
    rules: Vec<(String, Gitignore)>,
}

impl SourceIgnore {
    /// The rules of a tree; `own` is `spec.ignore` of the source.
    pub(super) fn of(tree: &Tree, own: Option<&str>) -> Self {
        let files = tree.below("").filter(|(path, _)| is_file_of_rules(path));
        let written = files.map(|(path, text)| (directory_of(path).to_owned(), text.to_string()));
        let own = own.map(|text| (String::new(), text.to_owned()));
        let rules = written.chain(own).filter_map(|(directory, text)| {
            let mut builder = GitignoreBuilder::new("");
            for line in text.lines() {
                // A line that is no pattern means nothing to source-controller either.
                let _ = builder.add_line(None, line);
            }
            Some((directory, builder.build().ok()?))
        });
        Self { rules: rules.collect() }
    }

    /// Whether a file is left out.
    pub(super) fn has(&self, path: &str) -> bool {
        for (directory, rules) in self.rules.iter().rev() {
            let Some(inner) = inside(path, directory) else { continue };
            match rules.matched_path_or_any_parents(inner, false) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        is_left_out(path)
    }
}

/// Whether a file has rules.
pub(super) fn is_file_of_rules(path: &str) -> bool {
    Utf8Path::new(path).file_name() == Some(FILE)
}

fn inside<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() {
        return Some(path);
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use gitops_model::kustomize::Tree;

    use super::SourceIgnore;

    #[test]
    fn rules_are_those_of_gitignore_and_later_ones_count() {
        let tree: Tree = [
            (".sourceignore", "# all\n/*\n!/apps/\n"),
            ("apps/.sourceignore", "*.md\n"),
            ("apps/logo.png", ""),
        ]
        .into_iter()
        .collect();
        let rules = SourceIgnore::of(&tree, None);
        for (path, expected) in [
            ("README.md", true),
            ("infra/web.yaml", true),
            ("apps/web.yaml", false),
            ("apps/deep/web.yaml", false),
            ("apps/deep/notes.md", true),
        ] {
            assert_eq!(rules.has(path), expected, "{path}");
        }
        assert!(SourceIgnore::of(&Tree::default(), None).has("apps/logo.png"));
        assert!(!SourceIgnore::of(&tree, Some("!README.md\n")).has("README.md"));
    }
}
