//! The local sandbox, with the real programs. They are built by `cargo xtask build`.

#![cfg(target_os = "linux")]

mod components;
mod disk;
mod failures;
mod flux;
mod keeping;
mod owner;
mod ownership;
mod running;
mod setting;
