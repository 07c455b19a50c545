//! The server as its clients see it.

// Helpers of tests may unwrap like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod background;
mod client;
mod command;
mod faults;
mod regular;
mod scripts;
mod tools;
mod violations;
