//! The C skin: one thin entry for each public function, in files by the families
//! of the manual.
//!
//! An entry only names the method of the same name (see `api`) and passes its
//! arguments on.  `arguments` and `callbacks` make of them what the method takes,
//! and `guard` returns what C expects.  The method does the rest, which is the
//! same in Rust.
//!
//! # Safety
//!
//! Every entry has the same contract, which is that of the C interface:
//!
//! * `h` comes from `nbd_create`.  A handle that has been closed is recognised,
//!   and so are null and most pointers to something else (see `registry`).
//! * A string ends with a NUL, and a list of strings with a null pointer; both
//!   stay as they are during the call.  A socket address is as long as `addrlen`
//!   says.
//! * A secret is as long as `length` says, and stays as it is during the call.
//! * A buffer is as long as `count` says, and belongs to the command until it
//!   retires.
//! * A callback can be called with its data from any thread that uses the
//!   handle, one at a time, until it is freed.
//! * A descriptor that is to be a connection is one that the program gives away.
//! * In place of a handle, a string, a list, an address, a secret or a buffer
//!   there may be null.
//!
//! This is what `registry::enter`, `IntoArgument` and `Closure::new` ask for.  So
//! the macros of `guard` argue with it for all entries at once.
//!
//! # Unwinding
//!
//! Entries are `extern "C-unwind"` because a thread that has been cancelled can
//! end at the end of a call, and is then unwound through the entry.  No panic
//! comes that far.
//!
//! The doc comments of the entries are the documentation of the C interface:
//! `build.rs` makes the header from them.  What they say is written for C
//! programmers, hence the lint below.

#![allow(
    unsafe_code,
    clippy::missing_safety_doc,
    reason = "the entries are the C interface, and their contract stands above"
)]

mod aio;
mod aio_data;
mod aio_options;
mod arguments;
mod block_status;
mod callbacks;
mod connect;
mod data;
mod debug;
mod guard;
mod handshake;
mod info;
mod last_error;
mod library;
mod meta_context;
mod options;
mod registry;
mod settings;
mod state;
mod stats;
mod subprocess;
#[cfg(test)]
mod tests;
mod tls;
mod uri;
mod x;
