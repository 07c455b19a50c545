//! The transmission phase with simple replies, in memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nbd::fuzzing::transmission(
    nbd::fuzzing::Style::Simple,
    input
));
