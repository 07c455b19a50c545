//! libnbd: a client for Network Block Device servers.
//!
//! The crate is a C library first: `libnbd.so.0`, with the symbols, symbol
//! versions and behaviour that programs linked with the C library of the same
//! name expect.  A call enters at the top of this list and goes down; nothing
//! below knows what is above it:
//!
//! * `ffi`: the C skin, one thin `extern "C"` entry for each public function;
//! * `api`: the Rust skin, the same functions as methods of [`Handle`];
//! * `handle`: the handle: settings, states, the lock, and the methods that
//!   the entries call;
//! * `uri`: NBD URIs, to a plan of settings and a place to connect to, and back;
//! * `connect`: every way to get a connected byte stream;
//! * `negotiation`: the handshake, written as the conversation it is;
//! * `transmission`: requests out, replies in: the hot path;
//! * `transport`: non-blocking byte streams, in clear or with TLS, the only
//!   place that moves bytes;
//! * `protocol`: the wire as data: numbers, layouts, limits;
//! * `memory`, `callback`, `error`: what all of them speak in: memory and
//!   closures that the caller lends, and what went wrong.
//!
//! `negotiation` and `transmission` perform no system call: they see bytes and
//! produce bytes, so tests drive them from byte strings, cut anywhere.

// A test that overflows has failed, and says so.
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::single_range_in_vec_init)
)]

mod api;
mod callback;
mod connect;
mod error;
mod ffi;
mod handle;
mod memory;
mod negotiation;
mod protocol;
#[cfg(test)]
mod testing;
mod transmission;
mod transport;
mod uri;

pub use api::arguments::{ToAddress, ToSocket, ToText, ToTexts};
pub use api::constants::*;
pub use callback::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent, Extent64Callback,
    ExtentCallback, ListCallback, ReadChunk,
};
pub use error::{Error, Result};
pub use handle::Handle;
pub use memory::loan::{AioReadInto, AioWriteFrom, ReadInto, WriteFrom};
