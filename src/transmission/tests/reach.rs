//! How far one call goes when the server has sent more replies than the call
//! may use.

use crate::protocol::reply::Style;
use crate::testing::Pace;
use crate::transmission::{Arrival, Reach};

use super::replies::{BLOCK_STATUS, DONE, MORE, Replies};
use super::rig::{Interest, Order, Rig, block_status, flush, read, terms, write};

const STYLES: [Style; 3] = [Style::Simple, Style::Structured, Style::Extended];

/// Commands of every kind that a session has, and the reply to each of them.
fn session(style: Style) -> (Vec<Order>, Vec<Vec<u8>>) {
    let mut orders = vec![
        read(0, 512),
        flush(),
        read(4096, 70_000),
        write(0, 100),
        read(8, 1),
    ];
    if style != Style::Simple {
        orders.push(read(0, 3000).telling(Interest::Chunks));
        orders.push(block_status(0, 4096));
        orders.push(block_status(0, 4096));
        orders.push(read(0, 10));
    }
    let reply = |fill: &dyn Fn(Replies) -> Replies| fill(Replies::to(style, &orders)).bytes();
    let done = |cookie| {
        reply(&|r| match style {
            Style::Extended => r.none(cookie),
            _ => r.simple(cookie, 0),
        })
    };
    let data = |cookie, offset, count| {
        reply(&|r| match style {
            Style::Simple => r.simple_data(cookie, offset, count),
            _ => r.data(cookie, offset, count, DONE),
        })
    };
    let mut replies = vec![
        data(1, 0, 512),
        done(2),
        data(3, 4096, 70_000),
        done(4),
        data(5, 8, 1),
    ];
    if style != Style::Simple {
        replies.extend([
            reply(&|r| {
                r.data(6, 1000, 1000, MORE)
                    .hole(6, 2000, 1000, MORE)
                    .data(6, 0, 1000, MORE)
                    .none(6)
            }),
            reply(&|r| {
                r.status(7, 7, &[(4096, 1)], MORE)
                    .status(7, 9, &[(4096, 0)], DONE)
            }),
            // What is not used has to be skipped.
            reply(&|r| r.chunk(8, BLOCK_STATUS, MORE, &[]).error(8, 5, "no", DONE)),
            reply(&|r| r.error_at(9, 5, "bad sector", 3, DONE)),
        ]);
    }
    (orders, replies)
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}

/// Everything arrives at once; each call ends one command, and what has been
/// read ahead needs no further receive call.
#[test]
fn one_call_ends_one_command() {
    for style in STYLES {
        let (orders, replies) = session(style);
        let mut rig = Rig::with(terms(style), &orders);
        let stream = replies.concat();
        let mut at = 0;
        for ended in 0..orders.len() {
            assert_eq!(rig.transmission.ended(), count(ended), "{style:?}");
            assert!(rig.transmission.is_idle(), "{style:?}: between two replies");
            if rig.transmission.has_backlog() {
                rig.transmission.go_on(Reach::OneCommand).unwrap();
            }
            while rig.transmission.ended() == count(ended) {
                let (taken, arrival) = rig.receive_once(&stream[at..], Reach::OneCommand).unwrap();
                at += taken;
                let over = rig.transmission.ended() > count(ended);
                assert_eq!(arrival == Arrival::Ended, over, "{style:?}");
            }
        }
        assert_eq!(rig.transmission.ended(), count(orders.len()));
        assert_eq!(at, stream.len());
        assert!(!rig.transmission.has_backlog());
        let outcome = rig.end();
        assert_eq!(outcome, Ok(Arrival::End));
    }
}

/// A call that waits uses what calls that do not wait have left.
#[test]
fn a_backlog_is_used_up_at_once_by_who_may() {
    let orders = [flush(), flush(), flush(), flush()];
    let mut rig = Rig::with(terms(Style::Simple), &orders);
    let replies = rig.replies(Style::Simple);
    let stream = replies.simple(2, 0).simple(1, 5).simple(3, 0).bytes();
    rig.receive_once(&stream, Reach::OneCommand).unwrap();
    assert_eq!(rig.news(), ["2 completed"]);
    assert!(rig.transmission.has_backlog());
    rig.transmission.go_on(Reach::Everything).unwrap();
    assert_eq!(rig.news(), ["1 failed EIO", "3 completed"]);
    assert!(!rig.transmission.has_backlog());
}

/// The beginning of a reply does not justify a call, and does not make the
/// session look busy before it has been examined.
#[test]
fn the_beginning_of_a_reply_is_no_backlog() {
    let mut rig = Rig::with(terms(Style::Simple), &[flush(), flush()]);
    let stream = rig.replies(Style::Simple).simple(1, 0).simple(2, 0).bytes();
    rig.receive_once(&stream[..31], Reach::OneCommand).unwrap();
    assert!(!rig.transmission.has_backlog());
    assert!(rig.transmission.is_idle());
    rig.receive_once(&stream[31..], Reach::OneCommand).unwrap();
    assert_eq!(rig.transmission.ended(), 2);
    // A server that stops in the middle of a reply is still detected.
    let mut rig = Rig::with(terms(Style::Simple), &[flush(), flush()]);
    rig.receive_once(&stream[..31], Reach::OneCommand).unwrap();
    assert!(rig.end().is_err());
}

/// For a caller that watches the socket: a reply that has not been used up is
/// never received to its end.
#[test]
fn the_end_of_a_reply_stays_in_view() {
    for style in STYLES {
        let (orders, replies) = session(style);
        let stream = replies.concat();
        let mut ends = Vec::new();
        for reply in &replies {
            ends.push(ends.last().unwrap_or(&0) + reply.len());
        }
        let paces = [
            Pace::Whole,
            Pace::Steps(1),
            Pace::Steps(7),
            Pace::Steps(4096),
        ];
        for pace in paces {
            let mut rig = Rig::with(terms(style), &orders);
            let mut at = 0;
            while at < stream.len() {
                let before = rig.transmission.ended();
                let piece = &stream[at..];
                let piece = &piece[..piece.len().min(pace.longest(at))];
                let (taken, _) = rig.receive_once(piece, Reach::OneCommandInView).unwrap();
                at += taken;
                let ended = rig.transmission.ended();
                assert!(ended <= before + 1, "{style:?}, {pace:?}: two at once");
                let next = ends.get(usize::try_from(ended).unwrap());
                let hidden = next.is_some_and(|&end| at >= end);
                assert!(
                    !hidden,
                    "{style:?}, {pace:?}: reply {ended} is hidden at {at}"
                );
                assert!(!rig.transmission.has_backlog());
            }
            assert_eq!(rig.transmission.ended(), count(orders.len()));
            assert_eq!(rig.end(), Ok(Arrival::End));
        }
    }
}
