//! The C interface, driven by a string of bytes, against a server that is driven
//! by the same string.

#![no_main]

use torture::bytes::decode;
use torture::caller::warm_up;
use torture::replay::{Pace, replay};

libfuzzer_sys::fuzz_target!(init: warm_up(), |input: &[u8]| {
    let run = replay(&decode(input), Pace::Whole, None);
    run.work.check(&String::new);
});
