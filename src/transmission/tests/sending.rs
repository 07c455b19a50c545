//! Requests: their bytes, in whatever portions the socket takes them, and
//! replies that come before the request is out.

use crate::protocol::flag;
use crate::protocol::hex;
use crate::protocol::reply::Style;
use crate::protocol::request::Command;
use crate::transmission::{Arrival, Progress};

use super::CHUNKED;
use super::caller::disk_range;
use super::replies::{DONE, MORE, Replies};
use super::rig::{Interest, Order, Rig, block_status, flush, order, read, terms, write};

/// Orders of every kind, more than one send call offers.
fn assorted() -> Vec<Order> {
    let mut orders = vec![
        read(0x1000, 0x2000),
        write(0x200, 40),
        flush(),
        order(Command::Trim, 7, 8).flagged(flag::FUA),
        write(0, 1).flagged(flag::FUA),
        order(Command::WriteZeroes, 0, 0xffff_ffff).flagged(flag::NO_HOLE | flag::FAST_ZERO),
        order(Command::Cache, u64::MAX, 1),
        block_status(0, 9).flagged(flag::REQ_ONE),
    ];
    orders.extend((0..20).map(|at| write(at, at % 3 + 1)));
    orders
}

/// What `order` looks like on the wire (NBD protocol, request message).
fn request(style: Style, cookie: u64, order: &Order) -> Vec<u8> {
    let magic = match style {
        Style::Extended => 0x21e4_1c71u32,
        _ => 0x2560_9513,
    };
    let mut bytes = magic.to_be_bytes().to_vec();
    bytes.extend_from_slice(&order.flags.to_be_bytes());
    bytes.extend_from_slice(&[0, u8::try_from(order.command as u16).unwrap()]);
    bytes.extend_from_slice(&cookie.to_be_bytes());
    bytes.extend_from_slice(&order.offset.to_be_bytes());
    match style {
        Style::Extended => bytes.extend_from_slice(&order.count.to_be_bytes()),
        _ => bytes.extend_from_slice(&u32::try_from(order.count).unwrap().to_be_bytes()),
    }
    if order.command == Command::Write {
        let count = usize::try_from(order.count).unwrap();
        bytes.extend_from_slice(&disk_range(order.offset, count));
    }
    bytes
}

/// Uses up cookies until the next one is `cookie`.
fn rig_with_next_cookie(style: Style, cookie: u64) -> Rig {
    let mut rig = Rig::new(terms(style));
    for _ in 1..cookie {
        rig.submit(&flush());
    }
    rig.send_all();
    let mut replies = rig.replies(style);
    for answered in 1..cookie {
        replies = replies.none(answered);
    }
    rig.receive(&replies.bytes()).unwrap();
    rig.news();
    rig.sent.clear();
    rig
}

#[test]
fn a_structured_session_in_the_bytes_of_the_wire() {
    let mut rig = rig_with_next_cookie(Style::Structured, 0x11);
    rig.submit(&read(4096, 8192).telling(Interest::Chunks));
    rig.submit(&block_status(0, 1 << 20).flagged(flag::REQ_ONE));
    rig.submit(&read(0x3000, 512).telling(Interest::Chunks));
    rig.submit(&order(Command::Disconnect, 0, 0));
    rig.send_all();
    let requests = "
        25609513 0000 0000 0000000000000011 0000000000001000 00002000
        25609513 0008 0007 0000000000000012 0000000000000000 00100000
        25609513 0000 0000 0000000000000013 0000000000003000 00000200
        25609513 0000 0002 0000000000000014 0000000000000000 00000000";
    assert_eq!(rig.sent, hex(requests));
    assert!(rig.transmission.is_disconnected());

    let replies = [
        hex("668e33ef 0000 0001 0000000000000011 00001008 0000000000001000"),
        disk_range(4096, 4096),
        hex(
            "668e33ef 0001 0002 0000000000000011 0000000c 0000000000002000 00001000
             668e33ef 0001 0005 0000000000000012 0000000c 00000007 00040000 00000003
             668e33ef 0001 8002 0000000000000013 00000018
             00000005 000a 62616420736563746f72 0000000000003000",
        ),
    ];
    rig.receive(&replies.concat()).unwrap();
    assert_eq!(
        rig.news(),
        [
            "17 data 4096+4096",
            "17 hole 8192+4096",
            "17 completed",
            "18 base:allocation 0: [262144, 3]",
            "18 completed",
            "19 error 12288+0 after EIO",
            "19 failed EIO"
        ]
    );
    let ended = rig.end();
    let outcome = rig.finish(ended);
    assert_eq!(outcome.ended, Ok(Arrival::End));
    assert_eq!(outcome.remarks, ["read: the server reports: bad sector"]);
    let expected = [disk_range(4096, 4096), vec![0; 4096]].concat();
    assert_eq!(outcome.memory[0x10], expected);
}

#[test]
fn an_extended_session_in_the_bytes_of_the_wire() {
    let mut rig = rig_with_next_cookie(Style::Extended, 0x14);
    rig.submit(&write(0, 512).flagged(flag::FUA | flag::PAYLOAD_LEN));
    rig.submit(&order(Command::WriteZeroes, 0, 1 << 40));
    let filter = hex("0000010000000000 00000007");
    rig.submit(
        &block_status(0, 1 << 40)
            .flagged(flag::PAYLOAD_LEN)
            .filtered(filter),
    );
    rig.send_all();
    let requests = [
        hex("21e41c71 0021 0001 0000000000000014 0000000000000000 0000000000000200"),
        disk_range(0, 512),
        hex(
            "21e41c71 0000 0006 0000000000000015 0000000000000000 0000010000000000
             21e41c71 0020 0007 0000000000000016 0000000000000000 000000000000000c
             0000010000000000 00000007",
        ),
    ];
    assert_eq!(rig.sent, requests.concat());
    let replies = "
        6e8a278c 0001 0000 0000000000000015 0000000000000000 0000000000000000
        6e8a278c 0001 0006 0000000000000016 0000000000000000 0000000000000018
        00000007 00000001 0000010000000000 0000000000000003";
    rig.receive(&hex(replies)).unwrap();
    assert_eq!(
        rig.news(),
        [
            "21 completed",
            "22 base:allocation 0: [1099511627776, 3]",
            "22 completed"
        ]
    );
    let ended = rig.end();
    assert_eq!(rig.finish(ended).results[0x13], Some(libc::ENOTCONN));
}

#[test]
fn requests_are_the_same_in_whatever_portions_they_leave() {
    let orders = assorted();
    for style in [Style::Simple, Style::Structured, Style::Extended] {
        let expected: Vec<u8> = (1..)
            .zip(&orders)
            .flat_map(|(cookie, order)| request(style, cookie, order))
            .collect();
        for portion in (1..=expected.len()).chain([usize::MAX]) {
            let mut rig = Rig::new(terms(style));
            for order in &orders {
                rig.submit(order);
            }
            let mut calls = 0;
            while rig.transmission.has_queue() {
                assert_eq!(rig.send(0), Progress::Blocked);
                rig.send(portion);
                calls += 1;
                assert!(calls <= expected.len(), "no progress");
            }
            assert_eq!(rig.sent, expected, "{style:?}, {portion}");
            assert_eq!(rig.send(portion), Progress::Empty);
            assert_eq!(rig.statistics.chunks_sent.get(), 28, "one for each request");
            assert_eq!(rig.statistics.bytes_sent.get(), rig.sent.len() as u64);
            let ended = rig.end();
            rig.finish(ended);
        }
    }
}

#[test]
fn a_send_call_says_whether_another_one_makes_sense() {
    let mut rig = Rig::new(terms(Style::Structured));
    assert_eq!(rig.send(usize::MAX), Progress::Empty);
    rig.submit(&flush());
    assert_eq!(rig.send(27), Progress::Blocked);
    assert_eq!(rig.send(1), Progress::Empty);
    for _ in 0..100 {
        rig.submit(&flush());
    }
    // The socket took all that it was offered, and something is left.
    assert_eq!(rig.send(usize::MAX), Progress::More);
    rig.send_all();
    assert_eq!(rig.sent.len(), 101 * 28);
    let ended = rig.end();
    rig.finish(ended);
}

#[test]
fn commands_queue_behind_a_blocked_one_and_leave_in_order() {
    let mut rig = Rig::new(terms(Style::Structured));
    rig.submit(&write(0, 100));
    rig.send(64);
    rig.submit(&flush());
    assert_eq!(rig.transmission.in_flight(), 2);
    rig.send_all();
    let expected = [
        request(Style::Structured, 1, &write(0, 100)),
        request(Style::Structured, 2, &flush()),
    ];
    assert_eq!(rig.sent, expected.concat());
    let ended = rig.end();
    rig.finish(ended);
}

/// A write of 100 bytes, `sent` of which have left, followed by a flush.
fn half_sent(style: Style, sent: usize) -> Rig {
    let mut rig = Rig::new(terms(style));
    rig.submit(&write(0, 100));
    rig.submit(&flush());
    if sent > 0 {
        assert_eq!(rig.send(sent), Progress::Blocked);
    }
    rig
}

fn header_len(style: Style) -> usize {
    if style == Style::Extended { 32 } else { 28 }
}

#[test]
fn an_early_answer_waits_until_the_request_is_out() {
    type Row = (Style, fn(Replies) -> Replies, &'static str);
    let rows: [Row; 6] = [
        (Style::Simple, |r| r.simple(1, 0), "1 completed"),
        (Style::Simple, |r| r.simple(1, 5), "1 failed EIO"),
        (Style::Structured, |r| r.none(1), "1 completed"),
        (
            Style::Structured,
            |r| r.error_at(1, 28, "", 50, MORE).none(1),
            "1 failed ENOSPC",
        ),
        (Style::Extended, |r| r.none(1), "1 completed"),
        // Only the first reply counts.
        (
            Style::Extended,
            |r| r.none(1).error(1, 5, "", DONE),
            "1 completed",
        ),
    ];
    for (style, replies, expected) in rows {
        for sent in 1..header_len(style) + 100 {
            let mut rig = half_sent(style, sent);
            let replies = replies(rig.replies(style)).bytes();
            rig.receive(&replies).unwrap();
            assert_eq!(rig.news(), [""; 0], "after {sent} bytes");
            assert_eq!(rig.transmission.in_flight(), 2);
            assert_eq!(rig.transmission.first_done(), None);
            // All but the last byte changes nothing.
            while rig.sent.len() < header_len(style) + 99 {
                rig.send(1);
            }
            assert_eq!(rig.news(), [""; 0]);
            rig.send(1);
            assert_eq!(rig.news(), [expected]);
            rig.send_all();
            let expected = [
                request(style, 1, &write(0, 100)),
                request(style, 2, &flush()),
            ];
            assert_eq!(rig.sent, expected.concat());
            let ended = rig.end();
            rig.finish(ended);
        }
    }
}

#[test]
fn an_early_answer_and_then_the_end_is_told_once() {
    for style in CHUNKED {
        for (error, told) in [(0, "1 failed ENOTCONN"), (5, "1 failed EIO")] {
            let mut rig = half_sent(style, 60);
            let replies = match error {
                0 => rig.replies(style).none(1),
                errno => rig.replies(style).error(1, errno, "", DONE),
            };
            rig.receive(&replies.bytes()).unwrap();
            let ended = rig.end();
            assert!(ended.is_err(), "a request is half way");
            let outcome = rig.finish(ended);
            assert_eq!(outcome.log()[..2], [told, "2 failed ENOTCONN"]);
        }
    }
}

#[test]
fn early_chunks_of_a_read_fill_its_buffer() {
    for style in CHUNKED {
        let mut rig = Rig::new(terms(style));
        rig.submit(&read(0, 8).telling(Interest::Chunks));
        rig.send(27);
        let replies = rig.replies(style);
        let (early, late) = (
            replies.clone().data(1, 0, 4, MORE).bytes(),
            replies.data(1, 4, 4, DONE).bytes(),
        );
        rig.receive(&early).unwrap();
        assert_eq!(rig.news(), ["1 data 0+4"]);
        // A chunk that begins before the request is out, and ends after.
        rig.receive(&late[..30]).unwrap();
        rig.send_all();
        assert_eq!(rig.news(), [""; 0]);
        rig.receive(&late[30..]).unwrap();
        assert_eq!(rig.news(), ["1 data 4+4", "1 completed"]);
        assert_eq!(rig.memory_of(1), disk_range(0, 8));
        let ended = rig.end();
        rig.finish(ended);
    }
}

#[test]
fn while_a_request_is_blocked_the_one_behind_it_is_unknown() {
    for style in CHUNKED {
        let mut rig = half_sent(style, 60);
        let replies = rig.replies(style).none(2).bytes();
        rig.receive(&replies).unwrap();
        rig.send_all();
        assert_eq!(rig.news(), [""; 0]);
        let replies = rig.replies(style).none(2).none(1).bytes();
        rig.receive(&replies).unwrap();
        assert_eq!(rig.news(), ["2 completed", "1 completed"]);
        let ended = rig.end();
        rig.finish(ended);
    }
    // Without chunks, a success with an unknown cookie ends the connection.
    let mut rig = half_sent(Style::Simple, 60);
    let replies = rig.replies(Style::Simple).simple(2, 0).bytes();
    let error = rig.receive(&replies).unwrap_err();
    assert_eq!(error.errno(), libc::EPROTO);
    rig.finish(Err(error));
}
