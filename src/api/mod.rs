//! The public functions as methods of [`Handle`]: the Rust skin, and what the
//! C skin is made of.
//!
//! Each method names a row of the table of entries and the operation behind the
//! lock, and this is the only place where the two are named together.  The way
//! in (`gate`) is one for all: context, lock, debug lines, sanitised buffers,
//! permitted states, arguments, panics.  An entry of the C skin makes arguments
//! from its pointers, calls the method of the same name, and turns the result
//! into a return value; it does nothing else to a handle.
//!
//! So that both can pass what they have, the parameters are of types that stand
//! for either (`arguments`, `buffers`, `callbacks`): a string is a
//! `str`, a path or a pointer that may be null; a buffer is a slice, a vector
//! or a pointer and a length; a callback contains a Rust closure or one of C.
//! Buffers and callbacks of C reach their command without a copy or an
//! allocation; lists of strings, which no hot path has, are copied.
//!
//! Four functions of the C library have no method, because the language has
//! something better: `nbd_create` is [`Handle::new`], `nbd_close` is `drop`,
//! and in place of `nbd_get_error` and `nbd_get_errno` a call that fails
//! returns its [`Error`](crate::Error).

mod aio;
mod aio_data;
mod aio_options;
pub mod arguments;
mod block_status;
#[cfg(doctest)]
mod borrowing;
pub mod buffers;
pub mod callbacks;
mod connect;
pub mod constants;
mod data;
mod debug;
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
