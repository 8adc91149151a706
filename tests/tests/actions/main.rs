//! What a person does with the object under the cursor, against the real Flux of a sandbox: reconcile, suspend, resume,
//! compare, and look at it.

mod fleet;
mod looking;
mod previewing;
mod side_by_side;
mod suspending;
