//! The handshake, driven from scripted bytes: every talk is held in lockstep,
//! cut at every byte, cut short, and with every byte spoiled.
//!
//! The fuzzer uses the test bench as well.

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
