//! Why a sandbox did not start.

use std::fmt;
use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::bundle::BundleMissing;
use super::component::Component;
use super::ownership::ClaimError;
use super::process::Exit;

/// A start failed. Everything that had been started is gone again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartError {
    /// What kind of failure it is, for code that has to decide.
    pub kind: StartErrorKind,
    /// The component that failed, when it was one.
    pub component: Option<Component>,
    /// One sentence for people. It names the component.
    pub message: String,
    /// The last lines of the component's log, at most 20.
    pub log_tail: Vec<String>,
}

/// The kinds of failure that are worth telling apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartErrorKind {
    /// A sandbox with this name is running.
    NameInUse,
    /// The name cannot be a sandbox's.
    BadName,
    /// Flux is wanted, and the bundle has none.
    NoFlux,
    /// The state directory cannot be used: not writable, no space left.
    State,
    /// A component could not be started, or ended.
    Component,
    /// Everything runs, but the API server did not become ready in time.
    Deadline,
    /// The API server refused what a start needs of it.
    Refused,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if let (Some(component), false) = (self.component, self.log_tail.is_empty()) {
            write!(formatter, "\nthe last lines of {component}'s log:")?;
            for line in &self.log_tail {
                write!(formatter, "\n  {line}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for StartError {}

impl StartError {
    pub(crate) fn state(path: &Utf8Path, error: &io::Error) -> Self {
        Self::plain(StartErrorKind::State, format!("{path}: {error}"))
    }

    pub(crate) fn plain(kind: StartErrorKind, message: String) -> Self {
        Self {
            kind,
            component: None,
            message,
            log_tail: Vec::new(),
        }
    }

    pub(crate) fn no_flux(missing: &BundleMissing) -> Self {
        Self::plain(StartErrorKind::NoFlux, missing.to_string())
    }

    pub(crate) fn refused(error: &kube::Error) -> Self {
        Self::plain(
            StartErrorKind::Refused,
            format!("the API server refused what a sandbox needs: {error}"),
        )
    }

    pub(crate) fn not_started(component: Component, program: &Utf8Path, error: &io::Error) -> Self {
        Self {
            kind: StartErrorKind::Component,
            component: Some(component),
            message: format!("{component} could not be started: {program}: {error}"),
            log_tail: Vec::new(),
        }
    }
}

impl From<ClaimError> for StartError {
    fn from(error: ClaimError) -> Self {
        let kind = match error {
            ClaimError::InUse(_) => StartErrorKind::NameInUse,
            ClaimError::Name(_) => StartErrorKind::BadName,
            ClaimError::Io { .. } => StartErrorKind::State,
        };
        Self::plain(kind, error.to_string())
    }
}

impl From<Exit> for StartError {
    fn from(exit: Exit) -> Self {
        Self {
            kind: StartErrorKind::Component,
            component: Some(exit.component),
            message: exit.to_string(),
            log_tail: exit.log_tail,
        }
    }
}
