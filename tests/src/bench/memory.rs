//! What a process takes of the machine's memory, and what there is of it.

/// Resident memory of a process (`VmRSS` and `VmHWM` of `proc_pid_status(5)`), in MB of a million bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Memory {
    /// Now.
    pub now: f64,
    /// At most so far.
    pub peak: f64,
}

impl Memory {
    /// That of a process.
    pub fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))
            .expect("the process runs, and /proc tells of it");
        Self {
            now: field(&status, "VmRSS:"),
            peak: field(&status, "VmHWM:"),
        }
    }

    /// For people.
    pub fn show(self) -> String {
        format!("{:.1} MB (peak {:.1} MB)", self.now, self.peak)
    }
}

/// A text's size in MB of a million bytes.
#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
pub fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// The size of the machine.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let total = field(&read("/proc/meminfo"), "MemTotal:") / 1000.0;
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("", |(_, model)| model.trim());
    format!("{cores} cores ({model}), {total:.0} GB of memory")
}

/// A line such as `VmRSS:     1234 kB`, in MB.
fn field(text: &str, name: &str) -> f64 {
    let kibibytes = text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<f64>()
            .ok()
    });
    kibibytes.unwrap_or_default() * 1024.0 / 1e6
}
