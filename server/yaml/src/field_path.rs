//! Paths to fields, as Kubernetes writes them.

use std::fmt;

/// One step of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Into the value of a key.
    Key(Box<str>),
    /// Into an item of a list, counted from 0.
    Index(usize),
}

/// A path from the top of a document to a field.
///
/// Written as Kubernetes writes it: `spec.containers[0].image`, with brackets around a key that is not a plain name: `metadata.annotations[a.b/c]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// The path of no steps: the document itself.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads a path: `[digits]` is an index, `[anything else]` a key, and so is what stands between dots.
    ///
    /// A leading dot is read over. `None` when a bracket is not closed or a step is empty.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = path.strip_prefix('.').unwrap_or(path);
        if rest.is_empty() {
            return Some(Self(steps));
        }
        loop {
            if let Some(inside) = rest.strip_prefix('[') {
                let (content, after) = split_bracket(inside)?;
                steps.push(match content.parse::<usize>() {
                    Ok(index) if content.bytes().all(|byte| byte.is_ascii_digit()) => Step::Index(index),
                    _ => Step::Key(content.into()),
                });
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end)?;
                if name.is_empty() {
                    return None;
                }
                steps.push(Step::Key(name.into()));
                rest = after;
            }
            if rest.is_empty() {
                return Some(Self(steps));
            }
            if let Some(after) = rest.strip_prefix('.') {
                if after.is_empty() {
                    return None;
                }
                rest = after;
            } else if !rest.starts_with('[') {
                return None;
            }
        }
    }

    /// Goes into the value of a key.
    pub fn push_key(&mut self, key: impl Into<Box<str>>) {
        self.0.push(Step::Key(key.into()));
    }

    /// Goes into an item of a list.
    pub fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    /// Goes one step.
    pub fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Takes the last step back.
    pub fn pop(&mut self) -> Option<Step> {
        self.0.pop()
    }

    /// The path without its last step; `None` for the path of no steps.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// The first `length` steps, or all if there are not as many.
    #[must_use]
    pub fn prefix(&self, length: usize) -> Self {
        Self(self.0.iter().take(length).cloned().collect())
    }

    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the path of no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `prefix` is this path or an ancestor of it.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// This path and then the steps of another.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The key of the last step that is one.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_ref()),
            Step::Index(_) => None,
        })
    }
}

impl From<Vec<Step>> for FieldPath {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl FromIterator<Step> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) if needs_brackets(key) => write!(formatter, "[{key}]")?,
                Step::Key(key) if at == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

fn needs_brackets(key: &str) -> bool {
    key.is_empty() || key.contains(['.', '/', '[', ']'])
}

/// Splits what stands in a bracket from what follows it; brackets inside must be in pairs.
fn split_bracket(inside: &str) -> Option<(&str, &str)> {
    let mut depth = 0_u32;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 0 => return Some((inside.get(..at)?, inside.get(at + 1..)?)),
            b']' => depth -= 1,
            _ => {}
        }
    }
    None
}
