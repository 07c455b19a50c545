//! URIs.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nbd::fuzzing::uri(input));
