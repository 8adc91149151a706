//! Memory with many real files open.

use camino::{Utf8Path, Utf8PathBuf};

use super::memory::{Memory, megabytes};
use super::settings::Settings;
use super::table::{Goal, Row};
use crate::server::TestServer;

/// How many files are open.
const FILES: usize = 134;

/// The largest files of the corpora, largest first: path below its corpus, and text.
pub fn largest(corpora: &[Utf8PathBuf]) -> Vec<(Utf8PathBuf, String)> {
    let mut files = Vec::new();
    for corpus in corpora {
        collect(corpus, corpus, &mut files);
    }
    files.sort_by(|(one_path, one), (other_path, other)| (other.len(), one_path).cmp(&(one.len(), other_path)));
    files.dedup();
    files.truncate(FILES);
    files
}

/// The memory of our server with all of them open.
pub fn measure(settings: &Settings) -> Vec<Row> {
    let files = largest(&settings.corpora);
    assert!(!files.is_empty(), "there are no files in {:?}", settings.corpora);
    let server = TestServer::builder().build();
    for (path, text) in &files {
        server.open_with(path.as_str(), text);
    }
    for (path, _) in &files {
        server.wait_for_version(path.as_str(), 1);
    }
    let memory = Memory::of(server.id());
    let bytes = files.iter().map(|(_, text)| text.len()).sum();
    vec![Row {
        work: format!("memory with the {} largest corpus files open", files.len()),
        measured: memory.show(),
        against: format!("their text: {:.2} MB", megabytes(bytes)),
        ratio: memory.now / megabytes(bytes),
        goal: Goal::at_most(memory.now, 35.0, "35 MB"),
    }]
}

fn collect(root: &Utf8Path, directory: &Utf8Path, files: &mut Vec<(Utf8PathBuf, String)>) {
    for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(root, path, files);
        } else if matches!(path.extension(), Some("yaml" | "yml"))
            && let Ok(text) = std::fs::read_to_string(path)
        {
            files.push((path.strip_prefix(root).unwrap_or(path).to_owned(), text));
        }
    }
}
