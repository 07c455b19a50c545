//! Servers that send arbitrary bytes: no panic, no endless loop, no callback
//! lost or repeated, no byte outside a buffer, no stale memory exposed.  The
//! rig checks these whenever a session ends.

use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::testing::{Dice, Pace, STALE, flips};

use super::CHUNKED;
use super::caller::Verdict;
use super::replies::{DONE, MORE, NONE, OFFSET_HOLE};
use super::rig::{Interest, Session, block_status, flush, order, read, terms, write};

/// Sessions that together show every kind of reply.
fn sessions() -> Vec<Session> {
    let told = |offset, count| read(offset, count).telling(Interest::Chunks);
    let trim = order(Command::Trim, 4096, 512);
    let mut sessions = vec![
        Session::new(
            "simple replies",
            terms(Style::Simple),
            &[
                told(4, 16),
                write(8, 8),
                flush().concluding(Verdict::RETIRE),
                trim.clone(),
                read(90, 10).unsanitised(),
                told(0, 4).along(&[Verdict::fail(libc::EPERM)]),
            ],
            |r| {
                r.simple(3, 0)
                    .simple(4, 95)
                    .simple_data(5, 90, 10)
                    .simple_data(1, 4, 16)
                    .simple(2, 0)
                    .simple_data(6, 0, 4)
            },
        ),
        Session::new(
            "simple replies among chunks",
            terms(Style::Structured),
            &[write(8, 8), told(0, 12), trim, flush()],
            |r| {
                r.simple(3, 1)
                    .data(2, 4, 4, MORE)
                    .simple(1, 0)
                    .simple_data(2, 0, 12)
                    .simple(4, 0)
            },
        ),
    ];
    for style in CHUNKED {
        sessions.push(Session::new(
            "reads",
            terms(style),
            &[
                told(1000, 32),
                read(0, 8).unsanitised(),
                told(64, 16).concluding(Verdict::RETIRE),
            ],
            |r| {
                r.data(1, 1016, 16, MORE)
                    .data(3, 64, 4, MORE)
                    .hole(1, 1004, 12, MORE)
                    .data(2, 0, 8, DONE)
                    .data(1, 1000, 4, DONE)
                    .data(3, 72, 8, MORE)
                    .hole(3, 68, 4, MORE)
                    .none(3)
            },
        ));
        sessions.push(Session::new(
            "errors",
            terms(style),
            &[told(16, 16), write(0, 8), flush(), told(48, 8)],
            |r| {
                r.data(1, 16, 8, MORE)
                    .error_at(1, 5, "bad sector", 24, MORE)
                    .error(2, 28, "", DONE)
                    .none(1)
                    .chunk(3, 0x8003, DONE, &[0, 0, 0, 12, 0, 1, b'!', 9, 9])
                    .error(4, 108, "bye", DONE)
            },
        ));
        sessions.push(Session::new(
            "block status",
            terms(style),
            &[
                block_status(0, 4096).telling(Interest::Extents32),
                block_status(512, 4096).along(&[Verdict::fail(libc::ENOMEM)]),
            ],
            |r| {
                r.status(1, 7, &[(512, 0), (4096, 3)], MORE)
                    .status(2, 9, &[(1024, 1)], MORE)
                    .status(1, 9, &[(4096, 1)], DONE)
                    .status(2, 7, &[(4096, 2)], MORE)
                    .none(2)
            },
        ));
        sessions.push(Session::new(
            "nonsense",
            terms(style),
            &[told(16, 16), flush(), block_status(0, 512)],
            |r| {
                r.chunk(1, NONE, MORE, &[1, 2])
                    .none(99)
                    .data(99, 0, 5, MORE)
                    .chunk(1, OFFSET_HOLE, MORE, &[0; 11])
                    .status(2, 7, &[(512, 0)], MORE)
                    .chunk(3, 4, MORE, &[3; 9])
                    .data(1, 16, 16, DONE)
                    .status(3, 5, &[(512, 0)], DONE)
                    .header_at(2, NONE, DONE, 1, 0)
            },
        ));
    }
    sessions
}

/// A stream that contains what the checks look for.
fn is_blind(stream: &[u8]) -> bool {
    stream.contains(&STALE)
}

#[test]
fn every_cut_of_every_session_gives_the_same() {
    for session in sessions() {
        session.hold();
    }
}

#[test]
fn every_truncation_ends_every_command_once() {
    for session in sessions() {
        for len in 0..session.replies.len() {
            let stream = &session.replies[..len];
            let whole = session.run(stream, Pace::Whole);
            let bytewise = session.run(stream, Pace::Steps(1));
            bytewise.must_be(&whole, || format!("{}: {len} bytes", session.name));
        }
    }
}

#[test]
fn every_flipped_byte_ends_every_command_once() {
    for session in sessions() {
        let places = 0..session.replies.len();
        for (at, stream) in places.flat_map(|at| flips(&session.replies, at)) {
            assert!(!is_blind(&stream), "{}: byte {at}", session.name);
            let whole = session.run(&stream, Pace::Whole);
            let bytewise = session.run(&stream, Pace::Steps(1));
            bytewise.must_be(&whole, || format!("{}: byte {at}", session.name));
        }
    }
}

#[test]
fn whatever_a_server_sends_every_command_ends_once() {
    for (seed, session) in (1..).zip(sessions()) {
        let mut dice = Dice(seed);
        for round in 0..1500 {
            let stream = dice.spoil(&session.replies);
            let whole = session.run(&stream, Pace::Whole);
            let step = 1 + dice.below(40);
            let stepwise = session.run(&stream, Pace::Steps(step));
            stepwise.must_be(&whole, || format!("{}: {round}, {step}", session.name));
        }
    }
}

#[test]
fn a_server_that_never_stops_gains_nothing() {
    // A read that is never finished: the same byte, again and again.
    let session = Session::new(
        "endless",
        terms(Style::Structured),
        &[read(0, 4096).telling(Interest::Chunks)],
        |mut r| {
            for _ in 0..5000 {
                r = r.data(1, 7, 1, MORE);
            }
            r
        },
    );
    let outcome = session.run(&session.replies, Pace::Whole);
    assert_eq!(outcome.results, [Some(libc::EPROTO)]);
    assert_eq!(outcome.events.len(), 4096 + 3, "no more than was asked for");
    // The maximum number of gaps in a read.
    let session = Session::new(
        "gaps",
        terms(Style::Structured),
        &[read(0, 8192)],
        |mut r| {
            for at in 0..4096 {
                r = r.data(1, at * 2 + 1, 1, MORE);
            }
            r.none(1)
        },
    );
    let outcome = session.run(&session.replies, Pace::Whole);
    assert_eq!(outcome.results, [Some(libc::EPROTO)]);
    assert!(outcome.memory[0].iter().step_by(2).all(|byte| *byte == 0));
}
