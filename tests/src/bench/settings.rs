//! What the bench is told on its command line.

use camino::Utf8PathBuf;

/// Where things are.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The kubectl to compare with.
    pub kubectl: Option<Utf8PathBuf>,
    /// Directories with real files.
    pub corpora: Vec<Utf8PathBuf>,
    /// The script of yaml-language-server, if it is to be measured, too.
    pub peer: Option<Utf8PathBuf>,
    /// The groups to measure; all when there are none.
    pub only: Vec<String>,
}

impl Settings {
    /// Reads `--kubectl FILE --corpora DIRECTORY --peer SCRIPT --only GROUP`; the last three may come several times or not at all.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--kubectl" => settings.kubectl = Some(value.into()),
                "--corpora" => settings.corpora.push(value.into()),
                "--peer" => settings.peer = Some(value.into()),
                "--only" => settings.only.push(value),
                _ => return Err(format!("there is no {name}")),
            }
        }
        Ok(settings)
    }

    /// Whether a group is measured.
    pub fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == group)
    }
}
