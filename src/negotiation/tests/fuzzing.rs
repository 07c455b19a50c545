//! The handshake, with a server that sends what the fuzzer says.

use std::ffi::CString;

use crate::negotiation::{Config, OptionRequest, Tls};

use super::talk::{Talk, fixed, list, list_contexts, set_contexts};

/// The first byte chooses what the client asks for, the second one its settings,
/// the third one in which pieces the rest arrives.
pub fn negotiation(input: &[u8]) {
    let Some((&[request, settings, step], stream)) = input.split_first_chunk() else {
        return;
    };
    let is_set = |bit: u8| settings >> bit & 1 == 1;
    let config = Config {
        export_name: CString::from(c"disk"),
        structured_replies: is_set(0),
        extended_headers: is_set(1),
        block_size: is_set(2),
        full_info: is_set(3),
        meta_context: is_set(4),
        contexts: vec![CString::from(c"base:allocation"), CString::from(c"x:")],
        opt_mode: is_set(5),
        tls: match (is_set(6), is_set(7)) {
            (true, true) => Tls::Require,
            (true, false) => Tls::Allow,
            _ => Tls::Disable,
        },
        ..Config::default()
    };
    let request = match request % 10 {
        0 => return Talk::connect(config).hold_with(stream, 1 + usize::from(step)),
        1 => OptionRequest::Go,
        2 => OptionRequest::Info,
        3 => OptionRequest::Abort,
        4 => list(),
        5 => OptionRequest::StartTls,
        6 => OptionRequest::ExtendedHeaders,
        7 => OptionRequest::StructuredReplies,
        8 => list_contexts(&["base:"]),
        _ => set_contexts(&["base:allocation", "x:y"]),
    };
    Talk::about(request, config, fixed()).hold_with(stream, 1 + usize::from(step));
}
