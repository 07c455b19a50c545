//! The public functions as methods of [`Handle`]: the Rust interface, on which
//! the C interface is built.
//!
//! Each method names a row of the function table and contains the operation to
//! run with the lock held; the two are connected nowhere else.  All methods
//! share one way in (`gate`), which handles context, lock, debug lines,
//! sanitised buffers, permitted states, arguments and panics.  An entry point
//! of the C interface converts its pointers to arguments, calls the method of
//! the same name, and converts the result to a return value; it does nothing
//! else to a handle.
//!
//! The parameter types accept the arguments of both interfaces (`arguments`,
//! `buffers`, `callbacks`): a string is a `str`, a path or a pointer that may
//! be null; a buffer is a slice, a vector or a pointer with a length; a
//! callback contains a Rust closure or a C closure.  Buffers and callbacks from
//! C reach their command without a copy or an allocation.  Lists of strings are
//! copied, because no hot path uses them.
//!
//! Four functions of the C library have no method, because Rust has better
//! means: `nbd_create` is [`Handle::new`], `nbd_close` is `drop`, and instead
//! of `nbd_get_error` and `nbd_get_errno` a call that fails returns its
//! [`Error`](crate::Error).

mod aio;
mod aio_data;
mod aio_options;
pub mod arguments;
mod block_status;
#[cfg(doctest)]
#[doc = include_str!("../../tests/borrowing.md")]
mod borrowing {}
pub mod buffers;
pub mod callbacks;
mod connect;
pub mod constants;
mod data;
mod debug;
pub mod driver;
mod gate;
mod handshake;
mod info;
pub mod library;
mod meta_context;
mod options;
mod settings;
mod state;
mod stats;
mod subprocess;
#[cfg(test)]
mod tests;
mod tls;
pub mod trace;
mod uri;
mod words;
mod x;

#[cfg(doc)]
use crate::client::Handle;

use gate::{functions, unlocked, waiting_functions};
