//! One object named by another.

use std::fmt;

use gitops_yaml::FieldPath;

/// The API group of Flux's sources.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";

/// What an object is named for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// What it is built from is fetched there.
    Source,
    /// The chart that it installs.
    Chart,
    /// It must be ready first.
    Dependency,
    /// Variables for substitution.
    Variables,
    /// Values of a release.
    Values,
    /// Artifacts to include in its own.
    Include,
    /// It must be healthy for this one to be ready.
    HealthCheck,
    /// Credentials, keys or certificates.
    Secret,
    /// How to reach and enter another cluster.
    Cluster,
    /// Whom it acts as.
    ServiceAccount,
}

/// One object named by another, as Flux reads it: with what is left out filled in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// What for.
    pub role: Role,
    /// API group of the object; empty for the core group.
    pub group: String,
    /// Kind of the object.
    pub kind: String,
    /// Namespace of the object. `None` where it is that of the object that names it, and that one's is not written.
    pub namespace: Option<String>,
    /// Name of the object.
    pub name: String,
    /// The key in it that is wanted, where one is.
    pub key: Option<String>,
    /// Whether it may be missing.
    pub is_optional: bool,
    /// The field that holds the name.
    pub field: FieldPath,
}

/// As people write it: `GitRepository/flux-system/fleet`.
impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(formatter, "{}/{}", self.kind, self.name),
        }
    }
}
