//! The programs of the local sandbox, built from their Go modules when something they are made of has changed.

use std::fs::File;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use crate::checkout::Checkout;
use crate::{control_plane, flux, own_programs};

/// Says what is in the bundle.
const FACTS_FILE: &str = "bundle.json";

/// Builds the parts of the bundle that were not made from what is there now.
pub(crate) fn build(checkout: &Checkout) -> anyhow::Result<()> {
    let directory = checkout.bundle();
    std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
    let _lock = lock(&directory)?;
    let mut bundle = Bundle::read(&directory);
    control_plane::build(&checkout.controlplane_module(), &mut bundle)?;
    own_programs::build(&checkout.flux_module(), &mut bundle)?;
    flux::build(&checkout.flux_module(), &mut bundle)
}

/// A bundle in the making: its directory, and what `bundle.json` says.
///
/// A part's facts are there only while all of its files are, so that nothing starts from a part of a part.
pub(crate) struct Bundle {
    directory: Utf8PathBuf,
    facts: Map<String, Value>,
}

impl Bundle {
    fn read(directory: &Utf8Path) -> Self {
        let text = std::fs::read_to_string(directory.join(FACTS_FILE)).unwrap_or_default();
        Self {
            directory: directory.to_owned(),
            facts: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    pub(crate) fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    pub(crate) fn file(&self, name: &str) -> Utf8PathBuf {
        self.directory.join(name)
    }

    /// Where a program of this name is, on this system.
    pub(crate) fn program(&self, name: &str) -> Utf8PathBuf {
        self.file(&program(name))
    }

    /// Whether a part is there whole and was made from `inputs`, which is kept under `key`.
    pub(crate) fn is_made_from(&self, key: &str, inputs: &str, files: &[Utf8PathBuf]) -> bool {
        self.facts.get(key).and_then(Value::as_str) == Some(inputs) && files.iter().all(|file| file.is_file())
    }

    /// Takes back what was said of a part, before its files change.
    pub(crate) fn forget(&mut self, keys: &[&str]) -> anyhow::Result<()> {
        self.facts.retain(|key, _| !keys.contains(&key.as_str()));
        self.write_facts()
    }

    /// Says what a part is, after all of its files are there.
    pub(crate) fn say(&mut self, facts: impl IntoIterator<Item = (String, Value)>) -> anyhow::Result<()> {
        self.facts.extend(facts);
        self.write_facts()
    }

    fn write_facts(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.facts)?;
        write(&self.file(FACTS_FILE), &format!("{text}\n"))
    }
}

/// Two builds at once would be slower than one after the other, and the second finds everything done.
pub(crate) fn lock(directory: &Utf8Path) -> anyhow::Result<File> {
    let path = directory.join(".lock");
    let file = File::create(&path).with_context(|| path.to_string())?;
    file.lock().with_context(|| path.to_string())?;
    Ok(file)
}

/// Writes a file so that a reader finds the old content or the new, never a part.
pub(crate) fn write(path: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let draft = Utf8PathBuf::from(format!("{path}.new"));
    std::fs::write(&draft, text).with_context(|| draft.to_string())?;
    std::fs::rename(&draft, path).with_context(|| path.to_string())
}

/// The file name of a program on this system.
pub(crate) fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}
