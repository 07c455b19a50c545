//! How commands end: completion, retirement, and the loss of the connection.

use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::testing::Pace;
use crate::transmission::Arrival;

use super::CHUNKED;
use super::caller::Verdict;
use super::replies::{DONE, MORE, Replies};
use super::rig::{Interest, Rig, Session, block_status, flush, order, read, terms, write};

#[test]
fn a_command_stays_until_it_is_asked_for() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush(), read(0, 8), flush()]);
    assert_eq!(rig.transmission.in_flight(), 3);
    assert_eq!(rig.take_done(1), None);
    let replies = rig.replies(Style::Structured);
    let replies = replies.none(3).error(1, 5, "", DONE).bytes();
    rig.receive(&replies).unwrap();
    assert_eq!(rig.news(), ["3 completed", "1 failed EIO"]);
    assert_eq!(rig.transmission.in_flight(), 1);
    // In the order of the replies.
    assert_eq!(rig.transmission.first_done(), Some(3));
    assert_eq!(rig.take_done(1), Some((libc::EIO, "flush")));
    assert_eq!(rig.take_done(1), None);
    assert_eq!(rig.take_done(3), Some((0, "flush")));
    assert_eq!(rig.take_done(2), None);
    assert_eq!(rig.take_done(99), None);
    assert_eq!(rig.transmission.first_done(), None);
    assert_eq!(rig.news(), ["1 freed", "3 freed"]);
    let ended = rig.end();
    rig.finish(ended);
}

#[test]
fn closures_are_freed_in_order_when_the_command_retires() {
    let told = read(0, 8).telling(Interest::Chunks);
    for (verdict, at_once) in [(Verdict::RETIRE, true), (Verdict::ACCEPT, false)] {
        let mut rig = Rig::with(
            terms(Style::Structured),
            &[told.clone().concluding(verdict)],
        );
        let replies = rig.replies(Style::Structured).data(1, 0, 8, DONE).bytes();
        rig.receive(&replies).unwrap();
        let answered = ["1 data 0+8", "1 completed"];
        let retired = ["1 first closure freed", "1 freed"];
        if at_once {
            assert_eq!(rig.news(), [answered, retired].concat());
            assert_eq!(rig.take_done(1), None);
        } else {
            assert_eq!(rig.news(), answered);
            assert_eq!(rig.take_done(1), Some((0, "read")));
            assert_eq!(rig.news(), retired);
        }
        let ended = rig.end();
        rig.finish(ended);
    }
}

#[test]
fn a_command_that_its_closure_retires_is_gone() {
    let session = Session::new(
        "retire",
        terms(Style::Structured),
        &[
            read(0, 8)
                .telling(Interest::Chunks)
                .concluding(Verdict::RETIRE),
            flush().concluding(Verdict::RETIRE),
            flush().concluding(Verdict::RETIRE),
        ],
        |r| r.data(1, 0, 8, DONE).error(2, 5, "", DONE),
    );
    let outcome = session.hold();
    assert_eq!(outcome.results, [None, None, None]);
    assert_eq!(
        outcome.log(),
        [
            "1 data 0+8",
            "1 completed",
            "1 first closure freed",
            "1 freed",
            "2 failed EIO",
            "2 freed",
            "3 failed ENOTCONN",
            "3 freed"
        ]
    );
}

#[test]
fn a_completion_closure_may_replace_the_error() {
    let rows = [
        (Verdict::fail(libc::EPERM), libc::EPERM, libc::EPERM),
        // Nothing to replace it with.
        (Verdict::fail(0), 0, libc::EIO),
        // Only the return value -1 replaces it.
        (
            Verdict {
                answer: 0,
                error: Some(libc::EPERM),
            },
            0,
            libc::EIO,
        ),
        // Neither retire nor fail.
        (
            Verdict {
                answer: 5,
                error: Some(libc::EPERM),
            },
            0,
            libc::EIO,
        ),
    ];
    for (verdict, after_success, after_failure) in rows {
        let flush = flush().concluding(verdict);
        let session = Session::new(
            "replace",
            terms(Style::Structured),
            &[flush.clone(), flush],
            |r| r.none(1).error(2, 5, "", DONE),
        );
        let expected = [Some(after_success), Some(after_failure)];
        assert_eq!(session.hold().results, expected, "{verdict:?}");
    }
}

#[test]
fn on_loss_the_queue_ends_first_and_then_what_was_sent_newest_first() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush(), read(0, 8), flush()]);
    rig.submit(&write(0, 8));
    rig.send(5);
    rig.submit(&flush());
    let replies = rig.replies(Style::Structured).error(2, 5, "", MORE).bytes();
    rig.receive(&replies).unwrap();
    assert_eq!(rig.news(), [""; 0]);
    rig.transmission.abandon_all(None);
    assert_eq!(
        rig.news(),
        [
            "4 failed ENOTCONN",
            "5 failed ENOTCONN",
            "3 failed ENOTCONN",
            "2 failed EIO",
            "1 failed ENOTCONN"
        ]
    );
    assert_eq!(rig.transmission.first_done(), Some(4));
    // Once is enough.
    rig.transmission.abandon_all(None);
    assert_eq!(rig.news(), [""; 0]);
    assert_eq!(rig.take_done(2), Some((libc::EIO, "read")), "its own error");
    rig.transmission.retire_done();
    assert_eq!(rig.transmission.first_done(), None);
    assert_eq!(rig.take_done(1), None);
}

#[test]
fn what_was_not_sent_can_be_given_up_alone() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush()]);
    rig.submit(&write(0, 8));
    rig.submit(&flush());
    rig.submit(&read(0, 8));
    rig.submit(&order(Command::Disconnect, 0, 0));
    rig.send(5);
    rig.sent.clear();
    rig.transmission.abandon_unsent();
    assert_eq!(rig.news(), ["3 failed ENOTCONN", "4 failed ENOTCONN"]);
    rig.send_all();
    // The rest of the write, and the disconnect.
    assert_eq!(rig.sent.len(), 28 + 8 - 5 + 28);
    assert!(rig.transmission.is_disconnected());
    let replies = rig.replies(Style::Structured).none(2).none(1).bytes();
    rig.receive(&replies).unwrap();
    assert_eq!(rig.news(), ["2 completed", "1 completed"]);
    let ended = rig.end();
    assert_eq!(ended, Ok(Arrival::End));
    rig.finish(ended);
}

#[test]
fn nothing_is_given_up_that_is_on_its_way_or_answered() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush(), flush()]);
    let replies = rig.replies(Style::Structured).none(2).bytes();
    rig.receive(&replies).unwrap();
    rig.transmission.abandon_unsent();
    assert_eq!(rig.news(), ["2 completed"]);
    let ended = rig.end();
    rig.finish(ended);
}

#[test]
fn a_disconnect_is_never_reported() {
    let mut rig = Rig::new(terms(Style::Structured));
    assert!(!rig.transmission.is_disconnecting());
    rig.submit(&order(Command::Disconnect, 0, 0));
    assert!(rig.transmission.is_disconnecting());
    assert!(!rig.transmission.is_disconnected());
    assert_eq!(rig.transmission.in_flight(), 1);
    rig.send(27);
    assert!(!rig.transmission.is_disconnected());
    rig.send(1);
    assert!(rig.transmission.is_disconnected());
    assert_eq!(rig.transmission.first_done(), None);
    assert_eq!(rig.take_done(1), None);
    let ended = rig.end();
    let outcome = rig.finish(ended);
    assert_eq!(outcome.log(), ["1 freed"]);
    assert_eq!(outcome.ended, Ok(Arrival::End));
}

#[test]
fn the_end_is_orderly_between_replies_and_nowhere_else() {
    let orders = [read(0, 8), block_status(0, 9), flush(), flush()];
    for style in CHUNKED {
        let messages: [Vec<u8>; 4] = [
            Replies::to(style, &[]).data(1, 0, 8, DONE).bytes(),
            Replies::to(style, &[])
                .status(2, 7, &[(9, 0)], DONE)
                .bytes(),
            Replies::to(style, &[]).error(3, 5, "full", DONE).bytes(),
            Replies::to(style, &[]).none(4).bytes(),
        ];
        let session = Session::new("end", terms(style), &orders, |r| r.raw(&messages.concat()));
        let mut boundaries = vec![0];
        for message in &messages {
            boundaries.push(boundaries.last().unwrap() + message.len());
        }
        for cut in 0..=session.replies.len() {
            let outcome = session.run(&session.replies[..cut], Pace::Whole);
            let expected = (!boundaries.contains(&cut)).then_some(0);
            assert_eq!(outcome.fatal(), expected, "after {cut} bytes");
            let answered = boundaries.iter().filter(|end| **end <= cut).count() - 1;
            let lost = outcome.results.iter().skip(answered);
            assert!(lost.into_iter().all(|r| *r == Some(libc::ENOTCONN)));
        }
    }
}

#[test]
fn bytes_that_came_with_the_handshake_are_replies() {
    // A correct server sends nothing unasked; no command waits for this.
    let stray = Replies::to(Style::Structured, &[])
        .error(1, 5, "hello", DONE)
        .none(9)
        .bytes();
    for cut in 0..=stray.len() {
        let mut rig = Rig::before_transmission();
        rig.begin(terms(Style::Structured), &stray[..cut]).unwrap();
        rig.receive(&stray[cut..]).unwrap();
        assert!(rig.transmission.is_idle());
        rig.submit(&read(0, 8));
        assert!(!rig.transmission.is_idle());
        rig.send_all();
        let replies = rig.replies(Style::Structured).data(1, 0, 8, DONE).bytes();
        rig.receive(&replies).unwrap();
        let ended = rig.end();
        assert_eq!(rig.finish(ended).results, [Some(0)], "{cut}");
    }
    let mut rig = Rig::before_transmission();
    assert!(rig.begin(terms(Style::Simple), b"HTTP/1.1").is_err());
    let flood = stray.repeat(5000);
    let mut rig = Rig::before_transmission();
    let (begun, rest) = flood.split_at(flood.len() - 7);
    rig.begin(terms(Style::Structured), begun).unwrap();
    rig.receive(rest).unwrap();
    assert!(rig.transmission.is_idle());
}

#[test]
fn requests_and_replies_are_counted() {
    for style in CHUNKED {
        let mut rig = Rig::with(terms(style), &[flush(), read(0, 8), write(0, 8)]);
        let replies = rig.replies(style);
        let replies = replies
            .none(1)
            .data(2, 0, 4, MORE)
            .data(2, 4, 4, DONE)
            .none(99)
            .bytes();
        rig.receive(&replies).unwrap();
        let statistics = &rig.statistics;
        assert_eq!(statistics.chunks_sent.get(), 3);
        assert_eq!(statistics.bytes_sent.get(), rig.sent.len() as u64);
        assert_eq!(statistics.chunks_received.get(), 4);
        assert_eq!(statistics.bytes_received.get(), replies.len() as u64);
        let ended = rig.end();
        rig.finish(ended);
    }
}
