//! Command flags (NBD protocol, command flags).

#![allow(missing_docs, reason = "their names are those of the protocol")]

pub const FUA: u16 = 1 << 0;
pub const NO_HOLE: u16 = 1 << 1;
pub const DF: u16 = 1 << 2;
pub const REQ_ONE: u16 = 1 << 3;
pub const FAST_ZERO: u16 = 1 << 4;
pub const PAYLOAD_LEN: u16 = 1 << 5;
