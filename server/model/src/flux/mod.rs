//! What Flux's own objects say, read from their fields alone: what they are built from, what they name and wait for,
//! which repository a URL means, how a source is pointed at the session's.

mod artifact_files;
mod artifact_generator;
mod artifact_path;
mod flux_object;
mod glob;
mod helm_release;
mod kustomization;
mod path_pattern;
mod ref_name;
mod reference;
mod repository_url;
mod session_source;
mod source_object;
mod spec;

pub use artifact_files::{ArtifactFiles, Assembled, Copied, CopyFault, Listing, assemble, is_left_out};
pub use artifact_generator::{ArtifactGenerator, Copy, GeneratedArtifact};
pub use artifact_path::in_artifact;
pub use flux_object::{FluxObject, FluxSpec, flux_component};
pub use helm_release::{Chart, ChartTemplate, HelmRelease, ValuesFrom};
pub use kustomization::{Kustomization, Substitution};
pub use path_pattern::expand;
pub use ref_name::{NotARefName, RefName};
pub use reference::{Reference, Role, SOURCE_GROUP};
pub use repository_url::{RepositoryUrl, same_repository};
pub use session_source::{Redirection, SessionEndpoint, credentials, redirect};
pub use source_object::{Include, SourceObject, SourceOrigin};
