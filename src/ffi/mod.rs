//! The C interface: one thin entry point for each public function, in one file
//! for each family of the manual.
//!
//! An entry only calls the method of the same name (see `api`) and passes its
//! arguments on.  `arguments` and `callbacks` convert them to the types that
//! the method takes, and `guard` converts the result to what C expects.  The
//! method does the rest, which is the same for Rust.
//!
//! # Safety
//!
//! Every entry has the same contract, which is that of the C interface:
//!
//! * `h` comes from `nbd_create`.  A closed handle is detected, and so are null
//!   and most pointers to other objects (see `registry`).
//! * A string is terminated by a NUL, and a list of strings by a null pointer;
//!   neither is modified during the call.  A socket address is `addrlen` bytes
//!   long.
//! * A secret is `length` bytes long, and is not modified during the call.
//! * A buffer is `count` bytes long, and belongs to the command until it is
//!   retired.
//! * A callback can be called with its data from any thread that uses the
//!   handle, one at a time, until it is freed.
//! * The program gives up ownership of a descriptor that it passes as a
//!   connection.
//! * A handle, string, list, address, secret or buffer may be null.
//!
//! This is what `registry::enter`, `IntoArgument` and `Closure::new` require,
//! so the macros of `guard` rely on it for all entries.
//!
//! # Unwinding
//!
//! Entries are `extern "C-unwind"` because a cancelled thread can end at the
//! end of a call, and is then unwound through the entry.  Panics are caught
//! before they get there.
//!
//! The doc comments of the entries are the documentation of the C interface:
//! `build.rs` generates the header from them.  They are written for C
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
