//! What the text itself gets wrong, and what is left alone. No cluster is asked.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

mod documents;
mod extremes;
mod other_programs;
