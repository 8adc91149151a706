//! Kustomizations as their files say: what they take, what they make and what they change, each with its place.
//!
//! Field names and the order of the steps are those of kustomize's API `kustomize.config.k8s.io` (`v1beta1`, and
//! `v1alpha1` for components); nothing is built here.

mod graph;
mod kustomization;
mod patch;
mod read;
mod reads;
mod selector;
mod sheet;
mod spot;
mod transformer_file;
mod tree;

pub use graph::{Change, Does, Layer, Source, SourceKind, Step, layer};
pub use kustomization::{Entry, Generator, Image, Kustomization, Labels, Replacement, Replicas, Targeted};
pub use patch::{Operation, Patch, PatchBody, operations};
pub use read::{read_flux_kustomization, read_kustomization};
pub use reads::{Reads, reads};
pub use selector::{Identity, Selector};
pub use sheet::Sheet;
pub use spot::{Field, Spot};
pub use tree::{Tree, directory_of, join};
