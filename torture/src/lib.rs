//! Replays recorded sessions between the library and a server that damages what
//! it sends.
//!
//! A session is a small text file (`sessions/`): what the program calls, and
//! what client and server then send.  [`replay`] plays the server's part over a
//! socket pair and carries out the calls through the C interface, in one thread
//! and in lockstep: the library runs only after bytes have moved, and never
//! waits.  So a run is the same every time, however busy the machine is, and
//! what is bounded can be counted.
//!
//! [`damage`] enumerates what a hostile server can make of a session, with the
//! help of [`anatomy`], which knows the headers and lengths in a message.
//! [`caller`] is the program: it lends memory between guards and closures that
//! notice when they are called once too often or not at all.  [`allocator`]
//! counts what the library allocates, and [`clock`] is the time that it sees.

pub mod allocator;
pub mod anatomy;
pub mod bytes;
mod c;
pub mod call;
pub mod caller;
pub mod clock;
pub mod damage;
pub mod replay;
pub mod session;
