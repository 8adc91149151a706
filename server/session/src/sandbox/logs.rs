//! Logs of components: their last lines, and a bound on their size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::state_directory::open_private_file;

/// How many lines of a log an error shows.
const TAIL_LINES: usize = 20;

/// How much of a log's end is looked at for these lines, in bytes.
const TAIL_BYTES: u64 = 64 * 1024;

/// A log that has grown beyond this many bytes is cut.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How many bytes of a log that is cut are kept, in a file beside it.
const KEPT: u64 = 1024 * 1024;

/// Between two looks at the sizes. A component in a tight loop of errors writes some MB in this time.
const INTERVAL: Duration = Duration::from_secs(30);

/// The last lines of a log; none when it cannot be read.
///
/// When the program crashed, they are those up to the crash's own message, without the stack that Go prints after it.
pub(crate) fn tail(log: &Utf8Path) -> Vec<String> {
    let bytes = end_of(log, TAIL_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if let Some(stack) = start_of_last_stack(&lines) {
        lines.truncate(stack);
    }
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines.into_iter().skip(first).map(str::to_owned).collect()
}

/// Where the stack begins that the program printed when it crashed, if it did so in these lines and ended with it.
fn start_of_last_stack(lines: &[&str]) -> Option<usize> {
    // A stack ends with the place in a file, indented.
    lines.last().filter(|line| line.starts_with('\t'))?;
    let crash = lines
        .iter()
        .rposition(|line| line.starts_with("panic: ") || line.starts_with("fatal error: "))?;
    let is_stack = |line: &&str| line.starts_with("goroutine ");
    let after_crash = lines.get(crash..)?.iter().position(is_stack)?;
    Some(crash + after_crash)
}

/// Cuts logs that grow too large, until it is dropped.
pub(crate) async fn keep_small(logs: Vec<Utf8PathBuf>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        for log in &logs {
            if let Err(error) = cut(log, LARGEST) {
                tracing::debug!(%log, %error, "the log could not be cut");
            }
        }
    }
}

/// Components append to their log, so that after a cut they go on at its new end.
fn cut(log: &Utf8Path, largest: u64) -> io::Result<()> {
    let length = match std::fs::metadata(log) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if length <= largest {
        return Ok(());
    }
    let kept = end_of(log, KEPT)?;
    let old = Utf8PathBuf::from(format!("{log}.old"));
    // The cut is what matters: a full disk must not prevent it.
    let saved = open_private_file(&old, OpenOptions::new().write(true).create(true).truncate(true))
        .and_then(|mut file| file.write_all(&kept));
    OpenOptions::new().write(true).open(log)?.set_len(0)?;
    saved
}

fn end_of(log: &Utf8Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
    let mut end = Vec::new();
    file.take(bytes).read_to_end(&mut end)?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_and_its_writer_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let log = Utf8PathBuf::from_path_buf(directory.path().join("etcd.log")).unwrap();
        let mut writer = OpenOptions::new().append(true).create(true).open(&log).unwrap();
        writer.write_all(b"first line\nlast line\n").unwrap();
        cut(&log, 100).unwrap();
        assert_eq!(tail(&log), ["first line", "last line"]);
        cut(&log, 10).unwrap();
        writer.write_all(b"and on\n").unwrap();
        assert_eq!(tail(&log), ["and on"]);
        let old = std::fs::read_to_string(format!("{log}.old")).unwrap();
        assert_eq!(old, "first line\nlast line\n");
        cut(&log.with_file_name("absent.log"), 10).unwrap();
    }

    #[test]
    fn a_tail_has_the_last_lines_of_whatever_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let log = Utf8PathBuf::from_path_buf(directory.path().join("kwok.log")).unwrap();
        assert!(tail(&log).is_empty());
        let mut bytes = vec![0xff; 100_000];
        bytes.push(b'\n');
        for number in 0..30 {
            bytes.extend(format!("line {number}\n\n").bytes());
        }
        std::fs::write(&log, bytes).unwrap();
        let tail = tail(&log);
        assert_eq!(tail.len(), TAIL_LINES);
        assert_eq!(tail.first().map(String::as_str), Some("line 10"));
        assert_eq!(tail.last().map(String::as_str), Some("line 29"));
    }

    #[test]
    fn a_crash_is_shown_without_its_stack() {
        let directory = tempfile::tempdir().unwrap();
        let log = Utf8PathBuf::from_path_buf(directory.path().join("etcd.log")).unwrap();
        let stack = "main.main()\n\tmain.go:45 +0x1c5\n".repeat(40);
        let text = format!("starting\npanic: no space left\n\ngoroutine 1 [running]:\n{stack}");
        std::fs::write(&log, &text).unwrap();
        assert_eq!(tail(&log), ["starting", "panic: no space left"]);
        // After a restart the crash is history, and what came last is what matters.
        std::fs::write(&log, format!("{text}restarted\nended\n")).unwrap();
        assert_eq!(tail(&log).last().map(String::as_str), Some("ended"));
    }
}
