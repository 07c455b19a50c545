//! The greeting, and what follows from its variants.

use crate::negotiation::{Config, Next, OptionRequest, Protocol, Session};
use crate::protocol::hex;

use super::talk::{
    ACK, EXPORT_NAME, GO, INFO, LIST, Talk, UNSUP, basics, c_strings, fixed, greeting, information,
    information_wanted, list, list_contexts, option, plain, reply, set_contexts,
};

fn oldstyle(size: u64, handshake_flags: u16, flags: u16) -> Vec<u8> {
    [
        b"NBDMAGIC".as_slice(),
        &hex("0000420281861253"),
        &size.to_be_bytes(),
        &handshake_flags.to_be_bytes(),
        &flags.to_be_bytes(),
        &[0; 124],
    ]
    .concat()
}

#[test]
fn the_whole_handshake_in_the_bytes_of_the_wire() {
    let config = Config {
        contexts: c_strings(&["base:allocation"]),
        ..plain_with_everything("vol7")
    };
    let talk = Talk::connect(config)
        .server(hex("4e42444d41474943 49484156454f5054 0003"))
        .client(hex("00000003"))
        .client(hex("49484156454f5054 0000000b 00000000"))
        .server(hex("0003e889045565a9 0000000b 80000001 00000000"))
        .client(hex("49484156454f5054 00000008 00000000"))
        .server(hex("0003e889045565a9 00000008 00000001 00000000"))
        .client(hex(
            "49484156454f5054 0000000a 0000001f
                     00000004 766f6c37 00000001 0000000f 626173653a616c6c6f636174696f6e",
        ))
        .server(hex("0003e889045565a9 0000000a 00000004 00000013
                     00000007 626173653a616c6c6f636174696f6e"))
        .server(hex("0003e889045565a9 0000000a 00000001 00000000"))
        .client(hex(
            "49484156454f5054 00000007 0000000c 00000004 766f6c37 0001 0003",
        ))
        .server(hex(
            "0003e889045565a9 00000007 00000003 0000000c 0000 0000000000800000 01ed",
        ))
        .server(hex("0003e889045565a9 00000007 00000003 0000000e
                     0003 00000200 00001000 02000000"))
        .server(hex("0003e889045565a9 00000007 00000001 00000000"));
    talk.hold_spoiled(5000);
    let ended = talk.hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let session = &ended.session;
    assert_eq!(session.protocol, Some(Protocol::FixedNewstyle));
    assert_eq!(session.handshake_flags, 3);
    assert!(session.structured_replies);
    assert!(!session.extended_headers);
    let (size, flags) = session.export.basics.unwrap();
    assert_eq!((size, flags.0), (8 << 20, 0x01ed));
    let sizes = session.export.block_sizes.unwrap();
    assert_eq!(
        (sizes.minimum, sizes.preferred, sizes.maximum),
        (512, 4096, 32 << 20)
    );
    assert_eq!(ended.contexts(), (true, vec![(7, "base:allocation")]));
}

fn plain_with_everything(export: &str) -> Config {
    Config {
        export_name: plain(export).export_name,
        ..Config::default()
    }
}

#[test]
fn an_oldstyle_server_says_everything_at_once() {
    let config = Config {
        opt_mode: true,
        contexts: c_strings(&["base:allocation"]),
        ..plain_with_everything("ignored")
    };
    let ended = Talk::connect(config)
        .server(oldstyle(1 << 30, 0, 0x0001 | 0x0004 | 0x0080))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let session = &ended.session;
    assert_eq!(session.protocol, Some(Protocol::Oldstyle));
    assert_eq!(session.handshake_flags, 0);
    assert!(!session.structured_replies);
    // DF needs chunks.
    let (size, flags) = session.export.basics.unwrap();
    assert_eq!((size, flags.0), (1 << 30, 0x0005));
    // Certainly none.
    assert_eq!(ended.contexts(), (true, vec![]));
}

#[test]
fn an_oldstyle_server_must_know_its_flags() {
    let ended = Talk::connect(Config::default())
        .server(oldstyle(512, 1, 1))
        .hold();
    assert_eq!(ended.broken().errno(), 0);
    let ended = Talk::connect(Config::default())
        .server(oldstyle(512, 0, 0))
        .hold();
    assert_eq!(ended.broken().errno(), libc::EINVAL);
}

#[test]
fn what_comes_behind_the_handshake_is_left_for_transmission() {
    let ended = Talk::connect(Config::default())
        .server([oldstyle(512, 0, 1), b"gF".to_vec()].concat())
        .hold();
    assert_eq!(ended.unread, b"gF");
    let ended = go_talk()
        .server(reply(GO, INFO, &information(0, &basics(512, 1))))
        .server([reply(GO, ACK, &[]), b"gF".to_vec()].concat())
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    assert_eq!(ended.unread, b"gF");
}

fn go_talk() -> Talk {
    Talk::greeted(plain("vol7")).client(option(GO, &information_wanted("vol7", &[])))
}

#[test]
fn other_greetings_are_not_nbd() {
    for greeting in [
        b"SSH-2.0-OpenSSH_9.2p1".as_slice(),
        b"NBDMAGIC\0\0\0\0\0\0\0\0",
        b"NBDMAGICNBDMAGIC",
        b"IHAVEOPTIHAVEOPT",
    ] {
        let ended = Talk::connect(Config::default()).server(greeting).hold();
        assert_eq!(ended.broken().errno(), 0);
        assert_eq!(ended.sent, [0; 0]);
    }
}

#[test]
fn a_handshake_flag_counts_if_both_sides_want_it() {
    for (offered, wanted, agreed, protocol) in [
        (3, 3, 3, Protocol::FixedNewstyle),
        (1, 3, 1, Protocol::FixedNewstyle),
        (3, 1, 1, Protocol::FixedNewstyle),
        (0xffff, 3, 3, Protocol::FixedNewstyle),
        (2, 3, 2, Protocol::Newstyle),
        (3, 2, 2, Protocol::Newstyle),
        (3, 0, 0, Protocol::Newstyle),
        (0, 3, 0, Protocol::Newstyle),
    ] {
        let config = Config {
            handshake_flags: wanted,
            opt_mode: true,
            ..plain("vol7")
        };
        let ended = Talk::connect(config)
            .server(greeting(offered))
            .client(u32::from(agreed).to_be_bytes())
            .hold();
        assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
        assert_eq!(ended.session.handshake_flags, agreed);
        assert_eq!(ended.session.protocol, Some(protocol));
    }
}

#[test]
fn plain_newstyle_has_one_option() {
    for (flags, padding) in [(0u16, 124), (2, 0)] {
        let config = Config {
            contexts: c_strings(&["base:allocation"]),
            ..plain_with_everything("vol7")
        };
        let ended = Talk::connect(config)
            .server(greeting(flags))
            .client(u32::from(flags).to_be_bytes())
            .client(option(EXPORT_NAME, b"vol7"))
            .server([basics(4096, 0x0083), vec![0; padding]].concat())
            .hold();
        assert_eq!(ended.answer, Ok(Next::Transmission));
        let (size, flags) = ended.session.export.basics.unwrap();
        assert_eq!((size, flags.0), (4096, 0x0003));
        assert_eq!(ended.contexts(), (true, vec![]));
        assert_eq!(ended.unread, [0; 0]);
    }
}

#[test]
fn a_plain_newstyle_server_hangs_up_on_an_export_it_does_not_have() {
    let ended = Talk::connect(plain("vol7"))
        .server(greeting(0))
        .client([0; 4])
        .client(option(EXPORT_NAME, b"vol7"))
        .hold();
    ended.must_be_deserted();
}

#[test]
fn plain_newstyle_refuses_every_other_option_unasked() {
    let newstyle = || Session {
        protocol: Some(Protocol::Newstyle),
        ..fixed()
    };
    for request in [
        OptionRequest::Info,
        list(),
        list_contexts(&[]),
        set_contexts(&[]),
        OptionRequest::StartTls,
        OptionRequest::StructuredReplies,
        OptionRequest::ExtendedHeaders,
    ] {
        let error = request.check(&newstyle()).unwrap_err();
        assert_eq!(error.errno(), libc::ENOTSUP);
        assert_eq!(request.check(&fixed()), Ok(()));
    }
    assert_eq!(OptionRequest::Go.check(&newstyle()), Ok(()));
    assert_eq!(OptionRequest::Abort.check(&newstyle()), Ok(()));
    let ended = Talk::about(OptionRequest::Abort, plain("vol7"), newstyle()).hold();
    ended.broken();
    assert_eq!(ended.sent, [0; 0], "there is no way to say goodbye");
    let ended = Talk::about(OptionRequest::Go, plain("vol7"), newstyle())
        .client(option(EXPORT_NAME, b"vol7"))
        .server(basics(512, 1))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
}

#[test]
fn an_abort_is_said_and_not_awaited() {
    let ended = Talk::about(OptionRequest::Abort, plain(""), fixed())
        .client(hex("49484156454f5054 00000002 00000000"))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Closed));
}

#[test]
fn in_option_mode_the_caller_takes_over_before_the_export_is_chosen() {
    let config = Config {
        opt_mode: true,
        contexts: c_strings(&["base:allocation"]),
        ..plain_with_everything("vol7")
    };
    let ended = Talk::greeted(config).asked(11, UNSUP).asked(8, ACK).hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
    assert!(ended.session.structured_replies);
    assert_eq!(ended.session.export.basics, None);
    assert!(!ended.session.contexts.valid);
    let ended = Talk::about(list(), plain(""), ended.session)
        .asked(LIST, ACK)
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
}
