//! A long build that shows that it lives.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How often the line in a terminal is drawn again.
const TICK: Duration = Duration::from_secs(1);

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How many of the last lines of a failed build are shown.
const SHOWN_LINES: usize = 40;

/// Runs `go build -v …`, counting the packages it names, and shows `what`, the count and the time that has passed.
pub(crate) fn run(what: &str, command: &mut Command) -> anyhow::Result<()> {
    let terminal = std::io::stderr().is_terminal();
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} could not be started", command.get_program().display()))?;
    let errors = child.stderr.take().context("the build has no output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });

    let mut last_lines = VecDeque::new();
    let mut packages = 0_u32;
    let mut next_line = began + LINE_EVERY;
    if !terminal {
        eprintln!("{what}");
    }
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                if is_package(&line) {
                    packages += 1;
                }
                if last_lines.len() == SHOWN_LINES {
                    last_lines.pop_front();
                }
                last_lines.push_back(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if terminal {
            eprint!("\r\x1b[K{}", line(what, packages, began));
            let _ = std::io::stderr().flush();
        } else if Instant::now() >= next_line {
            next_line += LINE_EVERY;
            eprintln!("{}", line(what, packages, began));
        }
    }
    let _ = reader.join();
    let status = child.wait()?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    if !status.success() {
        for line in last_lines {
            eprintln!("{line}");
        }
        bail!("{what} failed ({status})");
    }
    eprintln!("{what}: done in {}", elapsed(began));
    Ok(())
}

/// Nothing is counted while everything comes from the cache and is only linked.
fn line(what: &str, packages: u32, began: Instant) -> String {
    match packages {
        0 => format!("{what}: {}", elapsed(began)),
        _ => format!("{what}: {packages} packages, {}", elapsed(began)),
    }
}

/// `-v` prints import paths; everything else that Go prints has a space in it.
fn is_package(line: &str) -> bool {
    !line.is_empty() && !line.contains(' ') && !line.starts_with('#')
}

fn elapsed(since: Instant) -> String {
    let seconds = since.elapsed().as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
