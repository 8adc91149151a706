//! Tests that are data: files, and marks under the lines that diagnostics belong to.
//!
//! ```text
//! #- web.yaml
//! apiVersion: v1
//! kind: Pod
//! …
//!     imag: nginx
//! #   ^^^^ error apply/unknown-field: unknown field "imag"; did you mean "image"?
//! ```
//!
//! `#- path` begins a file; a line that begins with `#=` begins another round: its files are changed and saved then, and
//! the marks of a round are what is shown after it. A file that holds nothing for the cluster says so in its header:
//! `#- values.yaml (nothing sent)`. `UPDATE_EXPECT=1` writes the marks.

use std::fmt::Write as _;

use expect_test::Expect;
use serde_json::Value;

use crate::message_log::Mark;
use crate::server::{Phase, Published, TestServer};
use crate::shared::{self, Shared};
use crate::show;

/// A file of a fixture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FixtureFile {
    /// Its path in the workspace, `/`-separated.
    pub path: String,
    /// Whether the cluster is asked about it when it is saved.
    pub sent: bool,
    /// Its text, without marks.
    pub text: String,
}

/// What is written down beside the diagnostics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Show {
    /// The lens of each object, below the line that it stands on.
    pub lenses: bool,
    /// The titles of the code actions at each diagnostic.
    pub actions: bool,
    /// The cluster's own words.
    pub details: bool,
}

/// The files of a text with `#- path` headers; marks are taken out.
pub fn files(text: &str) -> Vec<FixtureFile> {
    let mut files: Vec<FixtureFile> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(header) = line.strip_prefix("#- ") {
            let header = header.trim_end();
            let path = header.strip_suffix(" (nothing sent)");
            files.push(FixtureFile {
                path: path.unwrap_or(header).to_owned(),
                sent: path.is_none(),
                text: String::new(),
            });
        } else if !is_mark(line)
            && let Some(file) = files.last_mut()
        {
            file.text.push_str(line);
        }
    }
    files
}

/// A line that a diagnostic, a lens or an action was written on; `#` alone, or with a word after it, is a comment.
fn is_mark(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| {
        rest.starts_with(['<', '@', '|', '>', '=']) || rest.trim_start_matches(' ').starts_with('^')
    })
}

/// Takes the indentation off that all lines have in common, as `expect!` does, and the empty first line.
pub fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indentation = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    text.split_inclusive('\n')
        .map(|line| {
            if line.len() > indentation {
                &line[indentation..]
            } else {
                line.trim_start_matches(' ')
            }
        })
        .collect()
}

/// Saves the files in the shared session and compares what is shown with the marks.
pub fn check(expected: Expect) {
    check_with(Show::default(), expected);
}

/// [`check`] with more shown.
pub fn check_with(show: Show, expected: Expect) {
    let Shared { server, .. } = shared::session();
    let seen = rounds(expected.data(), |files| {
        let prefix = shared::directory();
        let in_directory: Vec<FixtureFile> = files
            .iter()
            .map(|file| FixtureFile {
                path: format!("{prefix}/{}", file.path),
                ..file.clone()
            })
            .collect();
        save_all(server, &in_directory);
        files
            .iter()
            .zip(&in_directory)
            .map(|(shown, file)| render(server, show, &shown.path, file))
            .collect()
    });
    server.assert_sound();
    expected.assert_eq(&seen);
}

/// Opens the files on a server without a session and compares what is shown with the marks.
pub fn check_offline(expected: Expect) {
    let (server, show) = (shared::offline(), Show::default());
    let seen = rounds(expected.data(), |files| {
        let prefix = shared::directory();
        files
            .iter()
            .map(|shown| {
                let file = FixtureFile {
                    path: format!("{prefix}/{}", shown.path),
                    ..shown.clone()
                };
                let version = if server.is_open(&file.path) {
                    server.retype(&file.path, &file.text)
                } else {
                    open(server, &file)
                };
                server.wait_for_version(&file.path, version);
                render(server, show, &shown.path, &file)
            })
            .collect()
    });
    server.assert_sound();
    expected.assert_eq(&seen);
}

fn rounds(text: &str, mut play: impl FnMut(&[FixtureFile]) -> Vec<String>) -> String {
    let text = dedent(text);
    let mut seen = String::new();
    let mut round = String::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with("#=") {
            seen.extend(play(&files(&round)));
            seen.push_str(line);
            round.clear();
        } else {
            round.push_str(line);
        }
    }
    seen.extend(play(&files(&round)));
    seen
}

fn open(server: &TestServer, file: &FixtureFile) -> i64 {
    server.open_with(&file.path, &file.text);
    1
}

/// Changes and saves all files as an editor's "save all" does, and waits until each has been judged and applied.
pub fn save_all(server: &TestServer, files: &[FixtureFile]) {
    for file in files {
        if server.is_open(&file.path) {
            server.retype(&file.path, &file.text);
        } else {
            server.open_with(&file.path, &file.text);
        }
    }
    let saved: Vec<(&FixtureFile, u64, Mark)> = files
        .iter()
        .map(|file| {
            let before = server.generation(&file.path);
            (file, before, server.save(&file.path))
        })
        .collect();
    for (file, before, mark) in saved {
        if file.sent {
            server.wait_for_verdict(&file.path, Phase::Apply, mark, before + 1);
        } else {
            // Nothing tells that nothing is going to be told; an answer to something asked later does.
            server.status();
        }
    }
}

fn render(server: &TestServer, show: Show, shown_path: &str, file: &FixtureFile) -> String {
    let published = server.diagnostics(&file.path);
    let lenses = if show.lenses {
        server.lenses(&file.path)
    } else {
        Vec::new()
    };
    let mut rendered = format!("#- {shown_path}{}\n", if file.sent { "" } else { " (nothing sent)" });
    let lines: Vec<&str> = file.text.split_inclusive('\n').collect();
    // A diagnostic may stand behind the last line's end.
    for number in 0..=lines.len() {
        let line = lines.get(number).copied().unwrap_or_default();
        rendered.push_str(line);
        if !line.is_empty() && !line.ends_with('\n') {
            rendered.push('\n');
        }
        for (_, title) in lenses.iter().filter(|(at, _)| *at == number as u64) {
            let _ = writeln!(rendered, "#> lens: {}", show::ageless(title));
        }
        for diagnostic in at_line(&published, number as u64) {
            rendered.push_str(&show::mark(&file.text, diagnostic, server.encoding()));
            rendered.push_str(&show::related(&file.text, diagnostic, server.encoding()));
            if show.details {
                rendered.push_str(&show::detail(diagnostic));
            }
            if show.actions {
                rendered.push_str(&actions(server, &file.path, diagnostic));
            }
        }
    }
    rendered
}

fn at_line(published: &Published, line: u64) -> impl Iterator<Item = &Value> {
    published
        .diagnostics
        .iter()
        .filter(move |diagnostic| diagnostic["range"]["start"]["line"] == line)
}

/// The actions that are about one diagnostic.
fn actions(server: &TestServer, file: &str, diagnostic: &Value) -> String {
    let actions = server.actions(file, &diagnostic["range"]);
    actions
        .iter()
        .filter(|action| {
            action["diagnostics"][0]["message"] == diagnostic["message"]
                && action["diagnostics"][0]["range"] == diagnostic["range"]
        })
        .map(|action| {
            format!(
                "#> action: {}{}\n",
                action["title"].as_str().expect("a title"),
                if action["isPreferred"] == true {
                    " (preferred)"
                } else {
                    ""
                }
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{FixtureFile, dedent, files};

    #[test]
    fn marks_are_not_part_of_the_files() {
        let text = dedent(
            "
            #- a.yaml
            # a comment
            kind: Pod
            #<^^^^^^^ error apply/x: no
            #> lens: …
            #- b.yaml (nothing sent)
              x: 1
            # ^ warning: no
            ",
        );
        let expected = [
            ("a.yaml", true, "# a comment\nkind: Pod\n"),
            ("b.yaml", false, "  x: 1\n"),
        ];
        assert_eq!(
            files(&text),
            expected.map(|(path, sent, text)| FixtureFile {
                path: path.to_owned(),
                sent,
                text: text.to_owned()
            })
        );
    }
}
