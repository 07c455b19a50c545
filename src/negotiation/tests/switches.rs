//! Extended headers and structured replies: requested, accepted or refused.

use crate::negotiation::{Config, Next, OptionRequest, Session};

use super::talk::{
    ABORT, ACK, EXTENDED_HEADERS, GO, INFO, STRUCTURED_REPLY, Talk, UNSUP, basics, fixed,
    information, information_wanted, option, plain, reply,
};

const INVALID: u32 = 0x8000_0003;
const EXT_HEADER_REQD: u32 = 0x8000_000a;

/// DF, zeroes, fast zeroes, block status payload.
const FLAGS: u16 = 0x0001 | 0x0080 | 0x0040 | 0x0800 | 0x1000;

fn opened(talk: Talk) -> (bool, bool, u16) {
    let ended = talk
        .client(option(GO, &information_wanted("vol7", &[])))
        .server(reply(GO, INFO, &information(0, &basics(512, FLAGS))))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    let session = &ended.session;
    let (_, flags) = session.export.basics.unwrap();
    (
        session.structured_replies,
        session.extended_headers,
        flags.0,
    )
}

fn config(structured_replies: bool, extended_headers: bool) -> Config {
    Config {
        structured_replies,
        extended_headers,
        ..plain("vol7")
    }
}

#[test]
fn a_refusal_is_no_error_and_flags_that_need_more_are_dropped() {
    let both = || Talk::greeted(config(true, true));
    let no_payload = FLAGS & !0x1000;
    let no_chunks = no_payload & !0x0080;
    // Extended headers include structured replies, so the client does not ask.
    let talk = both().asked(EXTENDED_HEADERS, ACK);
    assert_eq!(opened(talk), (true, true, FLAGS));
    for refusal in [UNSUP, INVALID, 0x8000_0002, 0xffff_ffff] {
        let talk = both()
            .asked(EXTENDED_HEADERS, refusal)
            .asked(STRUCTURED_REPLY, ACK);
        assert_eq!(opened(talk), (true, false, no_payload));
        let talk = both()
            .asked(EXTENDED_HEADERS, refusal)
            .asked(STRUCTURED_REPLY, refusal);
        assert_eq!(opened(talk), (false, false, no_chunks));
    }
}

#[test]
fn what_the_caller_does_not_want_is_not_asked_for() {
    let talk = Talk::greeted(config(true, false)).asked(STRUCTURED_REPLY, ACK);
    assert!(opened(talk).0);
    // Extended headers without structured replies make no sense.
    let talk = Talk::greeted(config(false, true));
    assert!(!opened(talk).0);
}

#[test]
fn each_can_be_asked_for_alone() {
    for (request, number, extended) in [
        (OptionRequest::StructuredReplies, STRUCTURED_REPLY, false),
        (OptionRequest::ExtendedHeaders, EXTENDED_HEADERS, true),
    ] {
        let talk = Talk::about(request, plain(""), fixed());
        let ended = talk.clone().asked(number, ACK).hold();
        assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
        assert!(ended.session.structured_replies);
        assert_eq!(ended.session.extended_headers, extended);
        for refusal in [UNSUP, INVALID, EXT_HEADER_REQD] {
            let ended = talk.clone().asked(number, refusal).hold();
            assert_eq!(ended.refused().0, refusal);
            assert!(!ended.session.structured_replies);
        }
    }
}

#[test]
fn a_refused_repetition_takes_nothing_back() {
    let agreed = Session {
        structured_replies: true,
        extended_headers: true,
        ..fixed()
    };
    for (request, number) in [
        (OptionRequest::StructuredReplies, STRUCTURED_REPLY),
        (OptionRequest::ExtendedHeaders, EXTENDED_HEADERS),
    ] {
        let ended = Talk::about(request, plain(""), agreed.clone())
            .asked(number, INVALID)
            .hold();
        ended.refused();
        assert!(ended.session.structured_replies && ended.session.extended_headers);
    }
}

#[test]
fn extended_headers_rule_out_opening_by_name() {
    // Such a server contradicts itself, and there is nothing left to try.
    let ended = Talk::greeted(config(true, true))
        .asked(EXTENDED_HEADERS, ACK)
        .client(option(GO, &information_wanted("vol7", &[])))
        .server(reply(GO, UNSUP, &[]))
        .client(option(ABORT, &[]))
        .hold();
    assert_eq!(ended.broken().errno(), libc::ENOTSUP);
}
