//! The engine, driven from byte strings: whatever a server sends, and however
//! it is cut, the results are the same and nothing is lost or reported twice.
//!
//! The fuzzer uses the test bench as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy takes only what is compiled for tests alone for tests"
)]
#![cfg_attr(not(test), allow(dead_code, reason = "the fuzzer uses a part"))]

#[cfg(test)]
mod bulk;
mod caller;
#[cfg(test)]
mod ending;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod parting;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod reading;
mod replies;
mod rig;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod status;
#[cfg(test)]
mod stray;

use crate::protocol::reply::Style;

/// The sessions in which replies come in chunks.
const CHUNKED: [Style; 2] = [Style::Structured, Style::Extended];
