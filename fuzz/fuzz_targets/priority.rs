//! Priority strings of TLS.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nbd::fuzzing::priority(input));
