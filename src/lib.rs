//! libnbd: a client for Network Block Device servers.
//!
//! # Use
//!
//! A [`Handle`] is one connection to a server, or one to be made.  Its methods
//! are the functions of the C API without the prefix `nbd_`, with the same
//! arguments in the same order; where the documentation here is brief, it names
//! the manual page that is not.  Threads can share a handle: each call is one
//! step.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
//! let handle = nbd::Handle::new();
//! handle.connect_socket(socket)?;
//! let size = handle.get_size()?;
//! let mut end = [0; 512];
//! handle.pread(&mut end, size - 512, 0)?;
//! handle.shutdown(0)?;
//! # drop(handle); drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! * Strings go in as `&str`, paths, C strings or bytes ([`ToText`]), and come
//!   out as C strings: names on the wire need not be UTF-8.
//! * A call that waits borrows its buffers and callbacks.  One that does not
//!   wait (`aio_...`) owns them, and gives the buffer back through its
//!   [`CompletionCallback`].
//! * Callbacks run inside a call on the handle, which is locked: calls on the
//!   handle fail there with `EDEADLK`, but methods that return no `Result`
//!   work, and report the state as it was before.  One that panics is not
//!   called again, and the command or option that called it along the way fails
//!   with `ENOTRECOVERABLE`; the program goes on.
//! * A call that fails returns an [`Error`] with the errno that C would see.
//!   There is no other last error, so `nbd_get_error` and `nbd_get_errno` have
//!   no counterpart here; neither have `nbd_create` and `nbd_close`, which are
//!   [`Handle::new`] and `drop`.
//! * What this library adds to the C library is available as methods, too; the C
//!   names of these functions begin with `nbdx_`.
//!
//! # Inside
//!
//! The crate is also the C library: `libnbd.so.0`, with the symbols, symbol
//! versions and behaviour that programs linked with the C library of the same
//! name expect.  A call enters at the top of this list and goes down; nothing
//! below knows what is above it:
//!
//! * `ffi`: the C skin, one thin entry for each public function,
//!   which calls the method of the same name;
//! * `api`: those methods of [`Handle`], which are the Rust skin, and the buffers
//!   and callbacks that they take;
//! * `client`: the handle: settings, states, the lock, and the operations
//!   behind it;
//! * `uri`: NBD URIs, to a plan of settings and a place to connect to, and back;
//! * `connect`: every way to get a connected byte stream;
//! * `negotiation`: the handshake, written as the conversation it is;
//! * `transmission`: requests out, replies in: the hot path;
//! * `transport`: byte streams that wait only when told to, in clear or with
//!   TLS, the only place that moves bytes;
//! * `protocol`: the wire as data: numbers, layouts, limits;
//! * `table`: the functions as data: names, versions, permitted states, flags;
//! * `memory`, `callback`, `flow`, `error`: what all of them speak in: memory
//!   and closures that the caller lends, the results of sending and receiving,
//!   and what went wrong;
//! * `statistics`: what has gone over the wire;
//! * `unwind`, `fork`: where panics end, and locks that a child must not find
//!   taken;
//! * `sys`: the system calls, each in a safe function.
//!
//! `negotiation` and `transmission` perform no system call: they see bytes and
//! produce bytes, so tests drive them from byte strings, cut anywhere.

// Modules that need it allow it, and say why.
#![deny(unsafe_code)]
// A test that overflows has failed, and says so.
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::single_range_in_vec_init)
)]

mod api;
mod callback;
mod client;
mod connect;
mod error;
mod ffi;
mod flow;
mod fork;
mod memory;
mod negotiation;
mod protocol;
mod statistics;
mod sys;
mod table;
#[cfg(test)]
mod testing;
mod transmission;
mod transport;
mod unwind;
mod uri;

// Where the build script has it as well, which shares the table of functions.
use protocol::flag;

pub use api::arguments::{ToAddress, ToSecret, ToSocket, ToText, ToTexts};
pub use api::buffers::{AioReadInto, AioWriteFrom, ReadInto, WriteFrom};
pub use api::callbacks::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent64Callback,
    ExtentCallback, ListCallback, ReadChunk,
};
pub use api::constants::*;
pub use callback::Extent;
pub use client::Handle;
pub use error::{Error, Result};
