//! From what is written to the objects that are applied.
//!
//! A folder of plain manifests renders to what stands in it ([`plain`]). Everything that builds objects from several
//! files belongs behind the same door: what comes out is an object and, for each of its fields, a
//! [`gitops_model::Origin`].

mod child;
pub mod fault;
pub mod helm;
pub mod origins;
mod plain;
mod renderer;
pub mod unused;
mod unused_patch;
mod value_at;

pub use child::Child;
pub use plain::{Rendered, plain};
pub use renderer::{
    Built, BuiltObject, Change, Fault, Gone, Helm, HelmOwner, Kustomize, ObjectId, OriginNote, ReferredValues, Renderer,
};
