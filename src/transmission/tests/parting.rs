//! Commands that the client gives up before their reply has come.

use super::caller::disk_range;
use super::replies::{DONE, MORE};
use super::rig::{Interest, Order, Rig, block_status, flush, order, read, terms, write};
use crate::error::Error;
use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::transmission::{Arrival, Parting};

fn reason() -> Error {
    Error::new(libc::ETIMEDOUT, "too late")
}

fn part_with(rig: &mut Rig, cookie: u64) {
    let parting = rig.transmission.part_with(cookie, reason());
    assert_eq!(parting, Parting::Ended, "command {cookie}");
}

/// A command of every kind, and a reply to it in each style, which may come in
/// several chunks.
fn exchanges() -> Vec<(Style, Order, Vec<u8>)> {
    let mut exchanges = Vec::new();
    for style in [Style::Simple, Style::Structured, Style::Extended] {
        let mut add = |order: Order, reply: &dyn Fn(super::replies::Replies) -> Vec<u8>| {
            let rig = Rig::with(terms(style), std::slice::from_ref(&order));
            exchanges.push((style, order, reply(rig.replies(style))));
        };
        if style == Style::Simple {
            add(read(64, 40), &|r| r.simple_data(1, 64, 40).bytes());
            add(read(64, 40), &|r| r.simple(1, 5).bytes());
            add(write(64, 40), &|r| r.simple(1, 0).bytes());
            continue;
        }
        let chunks = read(64, 40).telling(Interest::Chunks);
        add(chunks.clone(), &|r| {
            r.data(1, 64, 16, MORE)
                .hole(1, 80, 8, MORE)
                .data(1, 88, 16, DONE)
                .bytes()
        });
        add(chunks, &|r| {
            r.data(1, 64, 16, MORE)
                .error_at(1, 5, "a bad block", 80, MORE)
                .none(1)
                .bytes()
        });
        add(read(64, 40), &|r| r.error(1, 5, "a bad disk", DONE).bytes());
        add(write(64, 40), &|r| r.none(1).bytes());
        let extents = [(512, 1), (512, 0), (1024, 3)];
        add(block_status(0, 4096), &|r| {
            r.status(1, 7, &extents, MORE)
                .status(1, 9, &extents, DONE)
                .bytes()
        });
    }
    exchanges
}

#[test]
fn whatever_has_arrived_nothing_is_touched_afterwards() {
    for (style, order, reply) in exchanges() {
        for arrived in 0..reply.len() {
            for step in [1, 7, usize::MAX] {
                let place = format!("{style:?}, {order:?}, after {arrived} bytes, by {step}");
                let mut rig = Rig::with(terms(style), &[order.clone(), read(8, 16)]);
                for byte in &reply[..arrived] {
                    rig.receive(&[*byte]).unwrap();
                }
                part_with(&mut rig, 1);
                assert_eq!(rig.transmission.in_flight(), 1, "{place}");
                assert!(rig.transmission.awaits_replies());
                let news = rig.news();
                assert_eq!(news.last().unwrap(), "1 failed ETIMEDOUT", "{place}");
                let done = rig.transmission.take_done(1).unwrap();
                assert_eq!(done.reason.as_deref(), Some(&reason()), "{place}");
                assert!(!rig.news().is_empty(), "freed: {place}");
                let memory = rig.memory_of(1);
                for piece in reply[arrived..].chunks(step) {
                    rig.receive(piece).expect(&place);
                }
                assert_eq!(rig.news(), [""; 0], "{place}");
                assert_eq!(rig.memory_of(1), memory, "{place}");
                // The next reply is found where it is.
                let next = rig.replies(style);
                let next = if style == Style::Simple {
                    next.simple_data(2, 8, 16)
                } else {
                    next.data(2, 8, 16, DONE)
                };
                rig.receive(&next.bytes()).expect(&place);
                assert_eq!(rig.take_done(2), Some((0, "read")), "{place}");
                assert_eq!(rig.memory_of(2), disk_range(8, 16), "{place}");
                assert!(!rig.transmission.awaits_replies(), "{place}");
                assert_eq!(rig.transmission.outstanding(), 0, "{place}");
                assert_eq!(rig.end(), Ok(Arrival::End));
            }
        }
    }
}

#[test]
fn a_second_reply_is_as_unexpected_as_ever() {
    let mut rig = Rig::with(terms(Style::Simple), &[flush()]);
    part_with(&mut rig, 1);
    let reply = rig.replies(Style::Simple).simple(1, 0).bytes();
    rig.receive(&reply).unwrap();
    assert_eq!(rig.receive(&reply).unwrap_err().errno(), libc::EPROTO);
}

#[test]
fn the_first_error_does_not_count_any_more() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush()]);
    let reply = rig.replies(Style::Structured).error(1, 5, "", MORE).bytes();
    rig.receive(&reply).unwrap();
    part_with(&mut rig, 1);
    assert_eq!(rig.take_done(1), Some((libc::ETIMEDOUT, "flush")));
}

#[test]
fn what_is_in_the_queue_is_not_sent() {
    let mut rig = Rig::new(terms(Style::Structured));
    rig.submit(&write(0, 8));
    rig.submit(&write(8, 8));
    rig.submit(&flush());
    rig.send(30);
    // Its header and a part of its data are on the wire.
    let parting = rig.transmission.part_with(1, reason());
    assert_eq!(parting, Parting::Impossible(reason()));
    part_with(&mut rig, 2);
    assert_eq!(rig.news(), ["2 failed ETIMEDOUT"]);
    rig.send_all();
    assert_eq!(rig.sent.len(), 28 + 8 + 28);
    let replies = rig.replies(Style::Structured).none(1).none(3).bytes();
    rig.receive(&replies).unwrap();
    assert_eq!(rig.news(), ["1 completed", "3 completed"]);
    assert_eq!(rig.transmission.outstanding(), 0);
}

#[test]
fn only_a_command_in_flight_can_be_given_up() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush(), flush()]);
    let replies = rig.replies(Style::Structured).none(1).bytes();
    rig.receive(&replies).unwrap();
    let unknown = rig.transmission.part_with(7, reason());
    assert_eq!(unknown, Parting::Unknown);
    part_with(&mut rig, 1);
    assert_eq!(rig.take_done(1), Some((0, "flush")), "its own result");
    let retired = rig.transmission.part_with(1, reason());
    assert_eq!(retired, Parting::Unknown);
    rig.submit(&order(Command::Disconnect, 0, 0));
    rig.send_all();
    let parting = rig.transmission.part_with(3, reason());
    assert_eq!(parting, Parting::Impossible(reason()));
}

#[test]
fn on_loss_every_command_ends_for_the_reason_given() {
    let mut rig = Rig::with(terms(Style::Structured), &[flush(), flush()]);
    part_with(&mut rig, 1);
    rig.submit(&write(0, 8));
    rig.send(5);
    rig.transmission.abandon_all(Some(&reason()));
    for cookie in 1..=3 {
        let done = rig.transmission.take_done(cookie).unwrap();
        assert_eq!(done.reason.as_deref(), Some(&reason()));
    }
    assert_eq!(rig.transmission.outstanding(), 0);
}
