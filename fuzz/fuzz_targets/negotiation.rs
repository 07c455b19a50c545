//! The handshake and single options, in memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nbd::fuzzing::negotiation(input));
