//! STARTTLS: refused, where TLS is optional and where it is not, and accepted.

use crate::negotiation::line::{Conversation, Line};
use crate::negotiation::{self, Answer, Config, Fault, Next, OptionRequest, Session, Tls};

use super::talk::{
    ABORT, ACK, GO, INFO, STRUCTURED_REPLY, Talk, UNSUP, basics, fixed, greeting, information,
    information_wanted, option, plain, reply,
};

const STARTTLS: u32 = 5;

const REFUSALS: [u32; 5] = [UNSUP, 0x8000_0002, 0x8000_0003, 0x8000_0005, 0xffff_ffff];

fn config(tls: Tls) -> Config {
    Config {
        tls,
        ..plain("vol7")
    }
}

#[test]
fn a_refusal_is_the_end_where_tls_is_required() {
    for refusal in REFUSALS {
        let talk = Talk::greeted(config(Tls::Require)).asked(STARTTLS, refusal);
        let ended = talk.client(option(ABORT, &[])).hold();
        assert_eq!(ended.broken().errno(), libc::ENOTSUP);
    }
}

#[test]
fn a_refusal_leaves_the_caller_nothing_to_choose() {
    let config = Config {
        opt_mode: true,
        ..config(Tls::Require)
    };
    let talk = Talk::greeted(config).asked(STARTTLS, UNSUP);
    let ended = talk.client(option(ABORT, &[])).hold();
    assert_eq!(ended.answer, Ok(Next::Closed));
}

#[test]
fn a_refusal_does_not_matter_where_tls_is_optional() {
    for refusal in REFUSALS {
        let ended = Talk::greeted(config(Tls::Allow))
            .asked(STARTTLS, refusal)
            .client(option(GO, &information_wanted("vol7", &[])))
            .server(reply(GO, INFO, &information(0, &basics(512, 1))))
            .server(reply(GO, ACK, &[]))
            .hold();
        assert_eq!(ended.answer, Ok(Next::Transmission));
        assert!(!ended.session.tls);
    }
}

/// The conversation, with its end of the wire.
fn upgrade(session: Session) -> (Line, Conversation<(Session, Answer<Next>)>) {
    let line = Line::new(std::sync::Arc::default());
    let request = Some(OptionRequest::StartTls.into());
    let conversation = negotiation::begin(line.clone(), plain(""), session, request);
    (line, conversation)
}

fn drained(line: &Line) -> Vec<u8> {
    let mut sent = Vec::new();
    line.drain(|bytes| {
        sent.extend_from_slice(bytes);
        Ok::<_, ()>(bytes.len())
    })
    .unwrap();
    sent
}

#[test]
fn nothing_that_was_agreed_in_clear_counts_in_tls() {
    let agreed = Session {
        structured_replies: true,
        extended_headers: true,
        ..fixed()
    };
    let (line, mut conversation) = upgrade(agreed);
    assert!(conversation.resume().is_none());
    assert_eq!(drained(&line), option(STARTTLS, &[]));
    for byte in reply(STARTTLS, ACK, &[]) {
        assert!(!line.wants_upgrade());
        line.feed(&[byte]);
        assert!(conversation.resume().is_none());
    }
    assert!(line.wants_upgrade());
    // The owner of the socket has not got there yet.
    assert!(conversation.resume().is_none());
    line.upgraded();
    let (session, answer) = conversation.resume().unwrap();
    assert_eq!(answer, Ok(Next::Negotiating(0)));
    assert!(session.tls && session.is_fixed());
    assert_eq!(session.handshake_flags, 3);
    assert!(!session.structured_replies && !session.extended_headers);
    assert!(!line.has_output());
}

#[test]
fn bytes_in_clear_behind_the_agreement_are_an_attack() {
    let (line, mut conversation) = upgrade(fixed());
    assert!(conversation.resume().is_none());
    drained(&line);
    line.feed(&reply(STARTTLS, ACK, &[]));
    line.feed(&reply(STRUCTURED_REPLY, ACK, &[]));
    let (session, answer) = conversation.resume().unwrap();
    let Err(Fault::Broken(error)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.errno(), libc::EPROTO);
    assert!(!line.wants_upgrade() && !session.tls);
}

#[test]
fn a_second_agreement_is_a_fault() {
    let session = Session {
        tls: true,
        ..fixed()
    };
    let (line, mut conversation) = upgrade(session);
    assert!(conversation.resume().is_none());
    drained(&line);
    line.feed(&reply(STARTTLS, ACK, &[]));
    let (_, answer) = conversation.resume().unwrap();
    let Err(Fault::Broken(error)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.errno(), libc::EPROTO);
    assert!(!line.wants_upgrade());
}

#[test]
fn there_is_no_tls_without_options() {
    for flags in [0, 2] {
        let ended = Talk::connect(config(Tls::Require))
            .server(greeting(flags))
            .client(u32::from(flags).to_be_bytes())
            .hold();
        assert_eq!(ended.broken().errno(), libc::ENOTSUP);
    }
}
