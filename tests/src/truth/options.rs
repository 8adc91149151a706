//! What the measure is told on its command line.

use camino::Utf8PathBuf;

/// What is measured, and how much of it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository; it is copied and never written to.
    pub repository: Utf8PathBuf,
    /// The target, relative to it.
    pub target: String,
    /// How many rounds.
    pub rounds: usize,
    /// Which ones: the same seed plays the same rounds.
    pub seed: u64,
    /// Whether a round after which something is left is followed by others, in a new session.
    pub keeps_going: bool,
    /// Only these kinds; all where there are none.
    pub kinds: Vec<String>,
    /// Where the whole result goes as JSON.
    pub json: Option<Utf8PathBuf>,
}

impl Options {
    /// Reads `--repo DIR --target PATH --n N --seed S --keep-going --kinds a,b --json FILE`.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            repository: Utf8PathBuf::new(),
            target: String::new(),
            rounds: 50,
            seed: 1,
            keeps_going: false,
            kinds: Vec::new(),
            json: None,
        };
        while let Some(name) = arguments.next() {
            if name == "--keep-going" {
                options.keeps_going = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{name} {value}: not a number"));
            match name.as_str() {
                "--repo" => options.repository = value.into(),
                "--target" => value
                    .trim_matches('/')
                    .trim_start_matches("./")
                    .clone_into(&mut options.target),
                "--n" => options.rounds = usize::try_from(number()?).unwrap_or(usize::MAX),
                "--seed" => options.seed = number()?,
                "--kinds" => options.kinds.extend(value.split(',').map(str::to_owned)),
                "--json" => options.json = Some(value.into()),
                _ => return Err(format!("there is no {name}")),
            }
        }
        if options.target == "." {
            options.target.clear();
        }
        if options.repository.as_str().is_empty() {
            return Err("--repo DIR is missing".to_owned());
        }
        Ok(options)
    }
}
