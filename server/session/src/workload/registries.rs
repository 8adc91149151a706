//! Asking registries which images they have, as a kubelet would find out. A program of the bundle asks them.

use std::process::Stdio;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::sandbox::Bundle;

/// How long an answer may take; the program ends by itself before that.
const LIMIT: Duration = Duration::from_secs(30);
/// How much it may say, in bytes.
const MAX_BYTES: u64 = 8 << 20;
/// How many tags of one repository are kept.
const MAX_TAGS: usize = 200;

/// Who asks registries. It asks without credentials: what is private is not known.
#[derive(Clone, Debug)]
pub struct Registries {
    program: Utf8PathBuf,
}

/// What a registry says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It has it.
    There,
    /// It does not have it. The tags that its repository has, the newest first.
    Missing(Vec<String>),
    /// It cannot be reached, or does not tell.
    Unknown,
}

/// A line of what the program prints.
#[derive(Deserialize)]
struct Line {
    image: String,
    state: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    why: String,
}

impl Registries {
    /// That of the bundle of this machine, where it has one.
    pub fn find() -> Option<Self> {
        let program = Bundle::find().ok()?.image_registry();
        program.is_file().then_some(Self { program })
    }

    /// Asks about some images, at most 256. One that nothing is said of is not known.
    pub(super) async fn ask(&self, images: Vec<String>) -> Vec<(String, Said)> {
        let printed = match tokio::time::timeout(LIMIT, self.run(&images)).await {
            Ok(Ok(printed)) => printed,
            Ok(Err(error)) => {
                tracing::debug!("registries cannot be asked: {error}");
                String::new()
            }
            Err(_) => String::new(),
        };
        let mut answers: Vec<(String, Said)> = printed.lines().filter_map(read).collect();
        answers.retain(|(image, _)| images.contains(image));
        for image in images {
            if !answers.iter().any(|(answered, _)| *answered == image) {
                answers.push((image, Said::Unknown));
            }
        }
        answers
    }

    async fn run(&self, images: &[String]) -> std::io::Result<String> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // The name of an image has no line break (distribution/reference).
            let lines = images.iter().filter(|image| !image.contains(['\n', '\r']));
            let lines: String = lines.flat_map(|image| [image, "\n"]).collect();
            input.write_all(lines.as_bytes()).await?;
        }
        let mut printed = String::new();
        if let Some(output) = child.stdout.take() {
            output.take(MAX_BYTES).read_to_string(&mut printed).await?;
        }
        child.wait().await?;
        Ok(printed)
    }
}

fn read(line: &str) -> Option<(String, Said)> {
    let mut line: Line = serde_json::from_str(line).ok()?;
    let said = match line.state.as_str() {
        "there" => Said::There,
        "missing" => {
            line.tags.truncate(MAX_TAGS);
            Said::Missing(line.tags)
        }
        _ => {
            tracing::debug!("of image {} nothing is known: {}", line.image, line.why);
            Said::Unknown
        }
    };
    Some((line.image, said))
}

#[cfg(test)]
mod tests {
    use super::{Said, read};

    #[test]
    fn what_is_printed_is_read() {
        let missing = r#"{"image":"a:2","state":"missing","tags":["1","0"]}"#;
        let said = Said::Missing(vec!["1".to_owned(), "0".to_owned()]);
        assert_eq!(read(missing), Some(("a:2".to_owned(), said)));
        let there = r#"{"image":"a:1","state":"there"}"#;
        assert_eq!(read(there), Some(("a:1".to_owned(), Said::There)));
        let unknown = r#"{"image":"b:1","state":"unknown","why":"UNAUTHORIZED"}"#;
        assert_eq!(read(unknown), Some(("b:1".to_owned(), Said::Unknown)));
        assert_eq!(read("panic: x"), None);
    }
}
