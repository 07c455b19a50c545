//! The handshake, driven from scripted bytes: every talk is held in lockstep,
//! cut at every byte, cut short, and with every byte spoiled.
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
mod contexts;
#[cfg(test)]
mod framing;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(test)]
mod greeting;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod starttls;
#[cfg(test)]
mod switches;
mod talk;
