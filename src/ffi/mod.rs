//! The C skin: one thin entry for each public function, in files by the families
//! of the manual.
//!
//! An entry takes its closures over, makes arguments of its pointers, calls the
//! method of the same name (see `api`), and returns what C expects.  The method
//! does the rest, which is the same in Rust.  Everything that all entries share
//! stands in `guard` and `arguments`.
//!
//! Entries are `extern "C-unwind"` because a thread that has been cancelled can
//! end at the end of a call, and is then unwound through the entry.  No panic
//! comes that far.
//!
//! The doc comments of the entries are the documentation of the C interface:
//! `build.rs` makes the header from them.  What they say is written for C
//! programmers, hence the lint below.

#![allow(
    clippy::missing_safety_doc,
    reason = "every entry has the same contract, that of the C interface: `h` \
              comes from `nbd_create` and is not closed during the call, \
              strings and lists are terminated, buffers are as long as `count` \
              says and live until the command retires, and callbacks can be \
              called with their data until it is freed"
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
