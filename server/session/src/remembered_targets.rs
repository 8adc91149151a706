//! Which target was chosen for a workspace folder the last time.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::sandbox::StateDirectory;

/// How many folders are remembered; the one that was chosen for longest ago is forgotten first.
const MAX_REMEMBERED: usize = 200;
/// A file that is larger is none of ours.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    /// The newest last.
    targets: Vec<Choice>,
}

#[derive(Serialize, Deserialize)]
struct Choice {
    root: String,
    target: String,
}

/// The target that was chosen for a folder, relative to it.
pub fn recall_target(state: &StateDirectory, root: &Utf8Path) -> Option<String> {
    let choices = read(state).targets;
    let found = choices.into_iter().rev().find(|choice| choice.root == root.as_str());
    found.map(|choice| choice.target)
}

/// Remembers the target of a folder, for nobody but the user to read.
///
/// # Errors
/// When it cannot be written.
pub fn remember_target(state: &StateDirectory, root: &Utf8Path, target: &str) -> io::Result<()> {
    let mut remembered = read(state);
    if remembered
        .targets
        .last()
        .is_some_and(|choice| choice.root == root.as_str() && choice.target == target)
    {
        return Ok(());
    }
    remembered.targets.retain(|choice| choice.root != root.as_str());
    remembered.targets.push(Choice {
        root: root.to_string(),
        target: target.to_owned(),
    });
    let surplus = remembered.targets.len().saturating_sub(MAX_REMEMBERED);
    remembered.targets.drain(..surplus);
    let text = serde_json::to_string(&remembered)?;
    state.write("targets.json", &text)
}

/// What is written; what cannot be read is as good as nothing.
fn read(state: &StateDirectory) -> Remembered {
    let text = state.read("targets.json", MAX_BYTES);
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::{MAX_REMEMBERED, recall_target, remember_target};
    use crate::sandbox::StateDirectory;

    #[test]
    fn the_newest_choice_of_each_folder_is_remembered_and_their_number_is_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = Utf8Path::from_path(directory.path()).expect("UTF-8").join("state");
        let state = StateDirectory::at(&path);
        assert_eq!(recall_target(&state, Utf8Path::new("/fleet")), None);
        for target in ["clusters/east", "clusters/west"] {
            remember_target(&state, Utf8Path::new("/fleet"), target).expect("it can be written");
        }
        assert_eq!(
            recall_target(&state, Utf8Path::new("/fleet")).as_deref(),
            Some("clusters/west")
        );
        for number in 0..MAX_REMEMBERED {
            let root = format!("/other/{number}");
            remember_target(&state, Utf8Path::new(&root), "").expect("it can be written");
        }
        assert_eq!(recall_target(&state, Utf8Path::new("/fleet")), None);
        assert_eq!(recall_target(&state, Utf8Path::new("/other/0")).as_deref(), Some(""));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path.join("targets.json"))
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(path.join("targets.json"), "no JSON").expect("it can be written");
        assert_eq!(recall_target(&state, Utf8Path::new("/other/0")), None);
    }
}
