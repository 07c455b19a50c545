//! Replies to no known request, and messages that are not replies.

use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::transmission::Arrival;

use super::CHUNKED;
use super::caller::disk_range;
use super::replies::{BLOCK_STATUS, DONE, ERROR, MORE, NONE, OFFSET_DATA, OFFSET_HOLE, Replies};
use super::rig::{Rig, Session, flush, order, read, terms, write};

type Answer = fn(Replies) -> Replies;

/// Longest payload of a chunk: 64 MiB of data and their offset.
const LONGEST: u64 = (64 << 20) + 8;

#[test]
fn chunks_for_an_unknown_command_are_skipped() {
    let cases: [Answer; 7] = [
        |r| r.none(9),
        |r| r.data(9, 0, 40, DONE),
        |r| r.data(9, u64::MAX, 40, MORE),
        |r| r.hole(9, 0, 40, DONE),
        |r| r.error_at(9, 5, "who is there", 0, DONE),
        |r| r.status(9, 7, &[(512, 0)], DONE),
        |r| r.chunk(0, 3, DONE, &[0; 3]),
    ];
    for style in CHUNKED {
        for replies in cases {
            let session = Session::new("stray", terms(style), &[flush()], |r| replies(r).none(1));
            let outcome = session.hold();
            assert_eq!(outcome.ended, Ok(Arrival::End));
            assert_eq!(outcome.log(), ["1 completed", "1 freed"]);
            assert_eq!(outcome.remarks, Vec::<String>::new());
        }
    }
}

#[test]
fn an_unknown_simple_success_may_carry_data_so_the_connection_ends() {
    let orders = [flush()];
    let simple = Session::new("stray", terms(Style::Simple), &orders, |r| {
        r.simple(9, 0).simple(1, 0)
    });
    let outcome = simple.hold();
    assert_eq!(outcome.fatal(), Some(libc::EPROTO));
    assert_eq!(outcome.log(), ["1 failed ENOTCONN", "1 freed"]);
}

#[test]
fn other_unknown_simple_replies_are_ignored() {
    let orders = [flush()];
    for (style, error) in [
        (Style::Simple, 5),
        (Style::Structured, 5),
        (Style::Structured, 0),
    ] {
        let session = Session::new("stray", terms(style), &orders, |r| {
            r.simple(9, error).simple(1, 0)
        });
        let outcome = session.hold();
        assert_eq!(outcome.log(), ["1 completed", "1 freed"]);
        assert_eq!(outcome.ended, Ok(Arrival::End));
    }
}

#[test]
fn a_second_answer_is_as_unknown_as_any() {
    for style in CHUNKED {
        let orders = [read(0, 8), flush()];
        let session = Session::new("twice", terms(style), &orders, |r| {
            r.data(1, 0, 8, DONE)
                .error(1, 5, "", DONE)
                .hole(1, 0, 8, DONE)
                .none(2)
                .none(2)
        });
        let outcome = session.hold();
        assert_eq!(outcome.results, [Some(0), Some(0)]);
        assert_eq!(outcome.memory[0], disk_range(0, 8));
    }
}

#[test]
fn a_command_that_was_not_sent_cannot_be_answered() {
    for style in CHUNKED {
        let mut rig = Rig::new(terms(style));
        rig.submit(&flush());
        rig.submit(&read(0, 8));
        let early = rig.replies(style).none(1).data(2, 0, 8, DONE).bytes();
        rig.receive(&early).unwrap();
        assert_eq!(rig.news(), [""; 0]);
        rig.send_all();
        let replies = rig.replies(style).data(2, 0, 8, DONE).none(1).bytes();
        rig.receive(&replies).unwrap();
        assert_eq!(rig.news(), ["2 completed", "1 completed"]);
        let ended = rig.end();
        assert_eq!(rig.finish(ended).results, [Some(0), Some(0)]);
    }
}

#[test]
fn a_disconnect_cannot_be_answered() {
    for style in CHUNKED {
        let orders = [flush(), order(Command::Disconnect, 0, 0)];
        let session = Session::new("answered disconnect", terms(style), &orders, |r| {
            r.none(2).error(2, 5, "no", DONE).none(1)
        });
        let outcome = session.hold();
        assert_eq!(
            outcome.log(),
            ["1 completed", "2 freed", "1 freed"],
            "{style:?}"
        );
    }
}

#[test]
fn commands_without_data_are_answered_by_none_or_an_error() {
    let orders = [
        write(0, 8),
        order(Command::Trim, 0, 512),
        order(Command::WriteZeroes, 0, 512),
        order(Command::Cache, 0, 512),
        flush(),
    ];
    for style in CHUNKED {
        let session = Session::new("errors", terms(style), &orders, |r| {
            r.error_at(1, 28, "full", 4, DONE)
                .error(2, 1, "", MORE)
                .none(2)
                .none(3)
                .chunk(4, 0x9000, DONE, &[0, 0, 0, 95, 0, 0, 1, 2])
                .error(5, 5, "", DONE)
        });
        let expected = [libc::ENOSPC, libc::EPERM, 0, libc::ENOTSUP, libc::EIO].map(Some);
        assert_eq!(session.hold().results, expected);
        // Success is no error, and an error chunk no success.
        let session = Session::new("error 0", terms(style), &orders[..1], |r| {
            r.error(1, 0, "", MORE).none(1)
        });
        assert_eq!(session.hold().results, [Some(libc::EPROTO)]);
        for (kind, payload) in [
            (OFFSET_DATA, vec![0; 9]),
            (OFFSET_HOLE, vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]),
            (BLOCK_STATUS, vec![0; 12]),
            (3, vec![1]),
            (NONE, vec![1]),
        ] {
            let session = Session::new("unsuitable", terms(style), &orders[..2], |r| {
                r.chunk(1, kind, DONE, &payload).none(2)
            });
            let outcome = session.hold();
            assert_eq!(outcome.results, [Some(libc::EPROTO), Some(0)], "{kind}");
        }
    }
}

#[test]
fn without_chunks_simple_replies_answer_everything_in_any_order() {
    let orders = [read(0, 8), write(8, 8), flush(), order(Command::Trim, 0, 9)];
    let session = Session::new("simple", terms(Style::Simple), &orders, |r| {
        r.simple(3, 0)
            .simple(4, 95)
            .simple_data(1, 0, 8)
            .simple(2, 28)
    });
    let outcome = session.hold();
    let expected = [0, libc::ENOSPC, 0, libc::ENOTSUP].map(Some);
    assert_eq!(outcome.results, expected);
    assert_eq!(
        outcome.log()[..4],
        [
            "3 completed",
            "4 failed ENOTSUP",
            "1 completed",
            "2 failed ENOSPC"
        ]
    );
}

#[test]
fn once_chunks_are_agreed_simple_replies_still_answer_what_has_no_data() {
    let orders = [write(8, 8), flush(), order(Command::Trim, 0, 9)];
    let session = Session::new("mixed", terms(Style::Structured), &orders, |r| {
        r.simple(1, 0).none(2).simple(3, 5)
    });
    let expected = [0, 0, libc::EIO].map(Some);
    assert_eq!(session.hold().results, expected);
}

#[test]
fn a_foreign_magic_ends_the_connection_as_soon_as_it_is_seen() {
    let simple = 0x6744_6698u32;
    let structured = 0x668e_33ef;
    let extended = 0x6e8a_278c;
    for (style, magic) in [
        (Style::Simple, structured),
        (Style::Simple, extended),
        (Style::Structured, extended),
        (Style::Extended, simple),
        (Style::Extended, structured),
        (Style::Structured, 0),
        (Style::Simple, 0x2560_9513),
    ] {
        let mut rig = Rig::with(terms(style), &[read(0, 8)]);
        let [a, b, c, d] = magic.to_be_bytes();
        rig.receive(&[a, b, c]).unwrap();
        let error = rig.receive(&[d]).unwrap_err();
        assert_eq!(error.errno(), 0, "{error}");
        assert_eq!(rig.finish(Err(error)).results, [Some(libc::ENOTCONN)]);
    }
}

#[test]
fn a_chunk_may_be_so_long_and_no_longer() {
    for style in CHUNKED {
        for kind in [NONE, OFFSET_DATA, OFFSET_HOLE, BLOCK_STATUS, ERROR, 3] {
            for cookie in [1, 9] {
                let header = |length| {
                    let rig = Rig::with(terms(style), &[flush()]);
                    let bytes = rig
                        .replies(style)
                        .header(cookie, kind, DONE, length)
                        .bytes();
                    (rig, bytes)
                };
                let (mut rig, bytes) = header(LONGEST);
                rig.receive(&bytes).unwrap();
                let ended = rig.end();
                assert!(ended.is_err(), "the payload is missing");
                rig.finish(ended);
                let (mut rig, bytes) = header(LONGEST + 1);
                let error = rig.receive(&bytes).unwrap_err();
                assert_eq!(error.errno(), 0, "{error}");
                rig.finish(Err(error));
            }
        }
    }
    let mut rig = Rig::with(terms(Style::Extended), &[flush()]);
    let replies = rig.replies(Style::Extended);
    let bytes = replies.header(1, OFFSET_DATA, DONE, u64::MAX).bytes();
    assert!(rig.receive(&bytes).is_err());
}
