//! GO, INFO and EXPORT_NAME: what is requested, reported and refused.

use crate::negotiation::{Config, Fault, Next, OptionRequest, Session};

use super::talk::{
    ABORT, ACK, EXPORT_NAME, GO, INFO, META_CONTEXT, OPT_INFO, Talk, UNSUP, basics, block_sizes,
    c_strings, fixed, greeting, information, information_wanted, option, plain, reply,
};

/// GO for `vol7`, without requests for information.
fn go(config: Config, session: Session) -> Talk {
    Talk::about(OptionRequest::Go, config, session)
        .client(option(GO, &information_wanted("vol7", &[])))
}

/// One piece of information in answer to GO.
fn told(kind: u16, data: &[u8]) -> Vec<u8> {
    reply(GO, INFO, &information(kind, data))
}

#[test]
fn the_caller_chooses_what_is_asked_for() {
    for (block_size, full_info, wanted) in [
        (false, false, vec![]),
        (true, false, vec![3]),
        (false, true, vec![1, 2]),
        (true, true, vec![3, 1, 2]),
    ] {
        for (request, number, next) in [
            (OptionRequest::Go, GO, Next::Transmission),
            (OptionRequest::Info, OPT_INFO, Next::Negotiating(0)),
        ] {
            let config = Config {
                block_size,
                full_info,
                ..plain("vol7")
            };
            let ended = Talk::about(request, config, fixed())
                .client(option(number, &information_wanted("vol7", &wanted)))
                .server(reply(number, INFO, &information(0, &basics(512, 1))))
                .server(reply(number, ACK, &[]))
                .hold();
            assert_eq!(ended.answer, Ok(next));
            assert_eq!(ended.session.export.basics.unwrap().0, 512);
        }
    }
}

#[test]
fn the_longest_name_fits() {
    let name = "n".repeat(4096);
    let ended = Talk::about(OptionRequest::Go, plain(&name), fixed())
        .client(option(GO, &information_wanted(&name, &[])))
        .server(told(0, &basics(0, 1)))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.session.export.basics.unwrap().0, 0, "an empty export");
}

#[test]
fn everything_the_server_says_is_learnt_asked_for_or_not() {
    let ended = go(plain("vol7"), fixed())
        .server(told(2, b"a volume"))
        .server(told(3, &block_sizes(1, 4096, u32::MAX)))
        .server(told(0, &basics(1 << 40, 3)))
        .server(told(1, b"volumes/7"))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let export = &ended.session.export;
    assert_eq!(export.canonical_name.as_deref(), Some(c"volumes/7"));
    assert_eq!(export.description.as_deref(), Some(c"a volume"));
    assert_eq!(export.block_sizes.unwrap().maximum, u32::MAX);
}

#[test]
fn later_information_replaces_earlier() {
    let ended = go(plain("vol7"), fixed())
        .server(told(0, &basics(512, 1)))
        .server(told(1, b"first"))
        .server(told(2, b"first"))
        .server(told(3, &block_sizes(1, 4096, 1 << 20)))
        .server(told(0, &basics(1024, 3)))
        .server(told(1, b"second"))
        .server(told(2, b""))
        .server(told(3, &block_sizes(512, 4096, 1 << 20)))
        .server(reply(GO, ACK, &[]))
        .hold();
    let export = &ended.session.export;
    let (size, flags) = export.basics.unwrap();
    assert_eq!((size, flags.0), (1024, 3));
    assert_eq!(export.canonical_name.as_deref(), Some(c"second"));
    assert_eq!(export.description.as_deref(), Some(c""));
    assert_eq!(export.block_sizes.unwrap().minimum, 512);
}

#[test]
fn what_is_unknown_too_long_or_unreasonable_is_skipped() {
    let long = [&[0, 1], vec![b'x'; 4097].as_slice()].concat();
    let endless = [&[0, 2], vec![b'x'; 9000].as_slice()].concat();
    let ended = go(plain("vol7"), fixed())
        .server(told(4, b"news"))
        .server(told(0xffff, b""))
        .server(told(3, &block_sizes(3, 4096, 4096)))
        .server(reply(GO, INFO, &long))
        .server(reply(GO, INFO, &endless))
        .server(told(0, &basics(512, 1)))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let export = &ended.session.export;
    assert_eq!(export.block_sizes, None);
    assert_eq!(export.canonical_name, None);
    assert_eq!(export.description, None);
}

#[test]
fn a_string_ends_at_a_nul() {
    let ended = go(plain("vol7"), fixed())
        .server(told(0, &basics(512, 1)))
        .server(told(1, b"vol\x007"))
        .server(told(2, b"\0hidden"))
        .server(reply(GO, ACK, &[]))
        .hold();
    let export = &ended.session.export;
    assert_eq!(export.canonical_name.as_deref(), Some(c"vol"));
    assert_eq!(export.description.as_deref(), Some(c""));
}

#[test]
fn information_of_the_wrong_length_ends_the_connection() {
    for bad in [
        reply(GO, INFO, b""),
        reply(GO, INFO, b"\0"),
        told(0, &[0; 9]),
        told(0, &[1; 11]),
        told(3, &[0; 11]),
        told(3, &[0; 13]),
    ] {
        let ended = go(plain("vol7"), fixed()).server(bad).hold();
        assert_eq!(ended.broken().errno(), 0);
    }
}

#[test]
fn an_export_must_have_flags() {
    let ended = go(plain("vol7"), fixed())
        .server(told(0, &basics(512, 0)))
        .hold();
    assert_eq!(ended.broken().errno(), libc::EINVAL);
}

#[test]
fn an_export_of_which_nothing_is_said_cannot_be_opened() {
    let ended = go(plain("vol7"), fixed())
        .server(told(1, b"vol7"))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.broken().errno(), 0);
}

/// Every refusal, and its errno.
const REFUSALS: [(u32, i32); 11] = [
    (UNSUP, libc::ENOTSUP),
    (0x8000_0002, 0),
    (0x8000_0003, libc::EINVAL),
    (0x8000_0004, 0),
    (0x8000_0005, libc::ENOTSUP),
    (0x8000_0006, libc::ENOENT),
    (0x8000_0007, libc::ESHUTDOWN),
    (0x8000_0008, libc::EINVAL),
    (0x8000_0009, libc::EINVAL),
    (0x8000_000a, 0),
    (0xffff_ffff, 0),
];

#[test]
fn a_refused_export_ends_the_handshake_in_good_order() {
    for (refusal, errno) in &REFUSALS[1..] {
        for text in ["", "no vol7\nhere\0hidden"] {
            let ended = Talk::greeted(plain("vol7"))
                .client(option(GO, &information_wanted("vol7", &[])))
                .server(reply(GO, *refusal, text.as_bytes()))
                .client(option(ABORT, &[]))
                .hold();
            let error = ended.broken();
            assert_eq!(error.errno(), *errno, "{refusal:#x}");
            let quoted = error.text().contains(r"no vol7\x0ahere");
            assert_eq!(quoted, !text.is_empty(), "{error}");
            assert!(error.text().starts_with(r#"export "vol7": "#), "{error}");
            assert!(!error.text().contains("hidden"), "{error}");
        }
    }
}

#[test]
fn a_refusal_shows_the_name_in_printable_characters() {
    let ended = Talk::about(OptionRequest::Info, plain("a\n\u{e9}"), fixed())
        .client(option(OPT_INFO, &information_wanted("a\n\u{e9}", &[])))
        .server(reply(OPT_INFO, 0x8000_0006, b""))
        .hold();
    let (_, error) = ended.refused();
    assert!(
        error.text().starts_with(r#"export "a\x0a\xc3\xa9": "#),
        "{error}"
    );
}

#[test]
fn in_option_mode_another_export_may_be_tried() {
    let known = go(plain("vol7"), fixed())
        .server(told(0, &basics(512, 1)))
        .server(told(3, &block_sizes(1, 4096, u32::MAX)))
        .server(reply(GO, ACK, &[]))
        .hold()
        .session;
    for (request, number, refusals) in [
        (OptionRequest::Go, GO, &REFUSALS[1..]),
        // INFO has no substitute.
        (OptionRequest::Info, OPT_INFO, &REFUSALS[..]),
    ] {
        let talk = Talk::about(request, plain("vol8"), known.clone());
        for (refusal, errno) in refusals {
            let ended = talk
                .clone()
                .client(option(number, &information_wanted("vol8", &[])))
                .server(reply(number, INFO, &information(0, &basics(512, 1))))
                .server(reply(number, *refusal, &[]))
                .hold();
            let (reply, error) = ended.refused();
            assert_eq!((reply, error.errno()), (*refusal, *errno));
            assert!(error.text().starts_with(r#"export "vol8": "#), "{error}");
            let session = &ended.session;
            assert_eq!(session.export.basics, None, "nothing stale is left");
            assert_eq!(session.export.block_sizes, None);
            assert!(!session.contexts.valid);
        }
    }
}

#[test]
fn a_server_without_go_gets_the_name_alone() {
    for (flags, padding) in [(1u16, 124), (3, 0)] {
        let ended = Talk::connect(plain("vol7"))
            .server(greeting(flags))
            .client(u32::from(flags).to_be_bytes())
            .client(option(GO, &information_wanted("vol7", &[])))
            .server(reply(GO, UNSUP, b"what?"))
            .client(option(EXPORT_NAME, b"vol7"))
            .server([basics(4096, 1), vec![0; padding]].concat())
            .hold();
        assert_eq!(ended.answer, Ok(Next::Transmission));
        assert_eq!(ended.session.export.basics.unwrap().0, 4096);
    }
    let ended = go(plain("vol7"), fixed())
        .server(reply(GO, UNSUP, &[]))
        .client(option(EXPORT_NAME, b"vol7"))
        .hold();
    ended.must_be_deserted();
    let Err(Fault::Broken(error)) = &ended.answer else {
        panic!("not broken");
    };
    assert!(error.text().starts_with(r#"export "vol7": "#), "{error}");
    let ended = go(plain("vol7"), fixed())
        .server(reply(GO, UNSUP, &[]))
        .client(option(EXPORT_NAME, b"vol7"))
        .server(basics(512, 0))
        .hold();
    assert_eq!(ended.broken().errno(), libc::EINVAL);
}

#[test]
fn information_before_a_refusal_is_void_even_if_the_export_opens_by_name() {
    let ended = go(plain("vol7"), fixed())
        .server(told(3, &block_sizes(4096, 4096, 1 << 20)))
        .server(told(1, b"another"))
        .server(told(2, b"another"))
        .server(reply(GO, UNSUP, &[]))
        .client(option(EXPORT_NAME, b"vol7"))
        .server(basics(4096, 1))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let export = &ended.session.export;
    assert_eq!(export.block_sizes, None);
    assert_eq!(export.canonical_name, None);
    assert_eq!(export.description, None);
}

#[test]
fn information_is_asked_for_first_and_the_export_opened_then() {
    let asked = Talk::about(OptionRequest::Info, plain("vol7"), fixed())
        .client(option(OPT_INFO, &information_wanted("vol7", &[])))
        .server(reply(OPT_INFO, INFO, &information(0, &basics(512, 1))))
        .server(reply(OPT_INFO, INFO, &information(2, b"before")))
        .server(reply(OPT_INFO, ACK, &[]))
        .hold();
    assert_eq!(asked.answer, Ok(Next::Negotiating(0)));
    // Only what GO reports counts.
    let opened = go(plain("vol7"), asked.session)
        .server(told(0, &basics(1024, 1)))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(opened.session.export.basics.unwrap().0, 1024);
    assert_eq!(opened.session.export.description, None);
}

#[test]
fn other_replies_do_not_answer_go() {
    for bad in [
        reply(GO, 2, &[0; 4]),
        reply(GO, META_CONTEXT, b"\0\0\0\x07base:allocation"),
        reply(GO, 5, b""),
    ] {
        let ended = go(plain("vol7"), fixed()).server(bad).hold();
        assert_eq!(ended.broken().errno(), 0);
    }
}

#[test]
fn endless_information_ends_the_connection() {
    let talk = go(plain("vol7"), fixed()).server(told(9, b"more").repeat(100_000));
    let ended = talk.hold_once();
    assert_eq!(ended.broken().errno(), 0);
}

#[test]
fn contexts_are_kept_as_long_as_nobody_asks_for_others() {
    let with_context = || {
        let mut session = fixed();
        session.structured_replies = true;
        session.contexts.valid = true;
        session.contexts.granted = vec![crate::protocol::context::MetaContext {
            id: 7,
            name: c"base:allocation".into(),
        }];
        session
    };
    let opened = |config| {
        go(config, with_context())
            .server(told(0, &basics(512, 1)))
            .server(reply(GO, ACK, &[]))
            .hold()
    };
    // The caller selected contexts and wants the automatic step left out.
    let ended = opened(Config {
        meta_context: false,
        contexts: c_strings(&["base:allocation"]),
        ..plain("vol7")
    });
    assert_eq!(ended.contexts(), (true, vec![(7, "base:allocation")]));
    // The caller wants none.
    assert_eq!(opened(plain("vol7")).contexts(), (true, vec![]));
    // Nothing was selected and nothing will be.
    let ended = go(
        Config {
            meta_context: false,
            ..plain("vol7")
        },
        fixed(),
    )
    .server(told(0, &basics(512, 1)))
    .server(reply(GO, ACK, &[]))
    .hold();
    assert_eq!(ended.contexts(), (false, vec![]));
}
