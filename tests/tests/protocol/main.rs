//! The protocol without a sandbox: handshake, positions, versions, settings, commands and their errors, the end.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

mod commands;
mod handshake;
mod positions;
mod settings;
