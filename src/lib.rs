//! libnbd: a client for Network Block Device servers.
//!
//! # Use
//!
//! A [`Handle`] represents one connection to a server, whether made or still to
//! be made.  Its methods are the functions of the C API without the prefix
//! `nbd_`, with the same arguments in the same order.  The documentation here
//! is brief and names the manual page with the details, such as the errors.
//! Threads can share a handle; its lock serialises their calls.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
//! let handle = libnbd::Handle::new();
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
//! * Strings are passed as `&str`, paths, C strings or bytes ([`ToText`]), and
//!   are returned as C strings, because names on the wire need not be UTF-8.
//! * A call that waits borrows its buffers and callbacks.  A call that does not
//!   wait (`aio_...`) takes ownership of them and returns the buffer through
//!   its [`CompletionCallback`].
//! * Callbacks run inside a call on the handle, while the handle is locked.
//!   Calls that a callback makes on the same handle fail with `EDEADLK`;
//!   methods that do not return a `Result` work, and report the state from
//!   before the call.  A callback that panics is not called again, and the
//!   command or option during which it was called fails with `ENOTRECOVERABLE`.
//!   The program continues.
//! * A call that fails returns an [`Error`] with the errno that C would see.
//!   There is no separate last error, so `nbd_get_error` and `nbd_get_errno`
//!   have no counterpart here.  `nbd_create` and `nbd_close` are
//!   [`Handle::new`] and `drop`.
//! * An event loop, such as tokio's, does the work of a handle through a
//!   [`Driver`].
//! * What this library adds to the C library is available as methods, too; the C
//!   names of these functions begin with `nbdx_`.
//!
//! # Inside
//!
//! The crate also builds the C library `libnbd.so.0`, with the symbols, symbol
//! versions and behaviour that programs linked with the C library of the same
//! name expect.  A call enters at the top of this list and moves down; no
//! module depends on those above it:
//!
//! * `ffi`: the C interface, one thin entry point for each public function,
//!   which calls the method of the same name; only with the feature `capi`;
//! * `api`: these methods of [`Handle`], which are the Rust interface, and the
//!   buffers and callbacks that they take;
//! * `client`: the handle: settings, states, the lock, and the operations on
//!   what it protects;
//! * `uri`: parsing NBD URIs into settings and an address to connect to, and
//!   composing them;
//! * `connect`: all ways to obtain a connected byte stream;
//! * `negotiation`: the handshake, written as a sequential conversation;
//! * `transmission`: sending requests and receiving replies, the hot path;
//! * `transport`: byte streams, in the clear or with TLS, that block only on
//!   request; the only module that moves bytes;
//! * `protocol`: the wire format as data: numbers, layouts, limits;
//! * `table`: the public functions as data: names, versions, permitted states,
//!   flags;
//! * `memory`, `callback`, `flow`, `error`: types that all modules share:
//!   memory and closures lent by the caller, results of sending and receiving,
//!   errors;
//! * `cancel`: what wakes a handle that waits when it is cancelled;
//! * `statistics`: counters of what was sent and received;
//! * `unwind`, `fork`: where panics are caught, and locks that a forked child
//!   must not inherit locked;
//! * `sys`: the system calls, each wrapped in a safe function.
//!
//! `negotiation` and `transmission` make no system calls: they consume and
//! produce bytes, so tests can drive them with byte strings that are split at
//! any position.

// Modules that need unsafe code allow it and state why.
#![deny(unsafe_code)]
// Parts exist only for the C interface.
#![cfg_attr(not(feature = "capi"), allow(dead_code))]
// In a test, an overflow panics, which makes the test fail.
#![cfg_attr(
    any(test, feature = "fuzzing"),
    allow(clippy::arithmetic_side_effects, clippy::single_range_in_vec_init)
)]

mod api;
mod callback;
mod cancel;
mod client;
mod connect;
mod error;
#[cfg(feature = "capi")]
mod ffi;
mod flow;
mod fork;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod memory;
mod negotiation;
mod protocol;
mod statistics;
mod sys;
mod table;
#[cfg(any(test, feature = "fuzzing"))]
mod testing;
mod transmission;
mod transport;
mod unwind;
mod uri;

// At the same path as in the build script, which shares the table of functions.
use protocol::flag;

pub use api::arguments::{ToAddress, ToSecret, ToSocket, ToText, ToTexts};
pub use api::buffers::{AioReadInto, AioWriteFrom, ReadInto, WriteFrom};
pub use api::callbacks::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent64Callback,
    ExtentCallback, ListCallback, ReadChunk,
};
pub use api::constants::*;
pub use api::driver::Driver;
pub use callback::Extent;
pub use client::{Handle, Progress};
pub use error::{Error, Result};
