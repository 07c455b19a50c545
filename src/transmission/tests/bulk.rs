//! Payloads far larger than what the engine reads ahead, and commands by the
//! thousand.

use crate::protocol::reply::Style;
use crate::testing::{Dice, Pace};
use crate::transmission::Arrival;

use super::CHUNKED;
use super::caller::{What, disk_range};
use super::replies::{DONE, MORE};
use super::rig::{Interest, Rig, Session, block_status, flush, read, terms};

const MIB: usize = 1 << 20;

/// Portions that fall into and out of step with every buffer.
const PORTIONS: [usize; 7] = [977, 4095, 4096, 32_768, 65_535, 65_536, 65_537];

/// Cuts around every place where something interesting begins.
fn cuts(around: &[usize], len: usize) -> impl Iterator<Item = Pace> {
    let mut cuts: Vec<usize> = around
        .iter()
        .flat_map(|place| place.saturating_sub(40)..place + 40)
        .filter(|cut| (1..len).contains(cut))
        .collect();
    cuts.dedup();
    let portions = PORTIONS.into_iter().map(Pace::Steps);
    cuts.into_iter().map(Pace::Cut).chain(portions)
}

#[test]
fn a_large_read_fills_its_buffer_however_it_arrives() {
    let count = u64::try_from(MIB).unwrap();
    for style in [Style::Simple, Style::Structured, Style::Extended] {
        let orders = [read(1 << 20, count).telling(Interest::Chunks), read(0, 8)];
        let session = Session::new("large", terms(style), &orders, |r| match style {
            Style::Simple => r.simple_data(1, 1 << 20, MIB).simple_data(2, 0, 8),
            _ => r.data(1, 1 << 20, MIB, DONE).data(2, 0, 8, DONE),
        });
        let len = session.replies.len();
        let outcome = session.hold_at(cuts(&[0, 65_536, len], len));
        assert_eq!(outcome.ended, Ok(Arrival::End));
        assert_eq!(
            outcome.log()[..3],
            ["1 data 1048576+1048576", "1 completed", "2 completed"]
        );
        assert!(outcome.memory[0] == disk_range(1 << 20, MIB));
        assert_eq!(outcome.memory[1], disk_range(0, 8));
    }
}

#[test]
fn a_large_read_in_pieces_of_all_sizes_and_out_of_order() {
    for style in CHUNKED {
        let orders = [read(0, 200_000), read(1 << 30, 40_000)];
        let session = Session::new("pieces", terms(style), &orders, |r| {
            r.data(1, 100_000, 40_000, MORE)
                .data(2, (1 << 30) + 33_000, 7_000, MORE)
                .data(1, 0, 70_000, MORE)
                .hole(1, 140_000, 60_000, MORE)
                .data(1, 70_000, 1, MORE)
                .data(2, 1 << 30, 33_000, DONE)
                .data(1, 70_001, 29_999, DONE)
        });
        let len = session.replies.len();
        let chunks = [0, 40_000, 47_000, 117_000, 150_000, len];
        let outcome = session.hold_at(cuts(&chunks, len));
        assert_eq!(outcome.results, [Some(0), Some(0)]);
        let expected = [disk_range(0, 140_000), vec![0; 60_000]].concat();
        assert!(outcome.memory[0] == expected);
        assert!(outcome.memory[1] == disk_range(1 << 30, 40_000));
    }
}

#[test]
fn a_block_status_reply_longer_than_the_read_ahead_is_one_report() {
    let extents: Vec<(u64, u64)> = (1..=20_000)
        .map(|at| (512 * (at % 7 + 1), at % 4))
        .collect();
    let expected: Vec<u64> = extents.iter().flat_map(|&(l, s)| [l, s]).collect();
    for style in CHUNKED {
        for form in [Interest::Extents32, Interest::Extents64] {
            let orders = [block_status(0, 1 << 30).telling(form), flush()];
            let session = Session::new("long report", terms(style), &orders, |r| {
                r.status(1, 9, &extents, MORE)
                    .status(1, 7, &[(512, 0)], DONE)
                    .none(2)
            });
            let len = session.replies.len();
            assert!(len > 2 * 65_536);
            let outcome = session.hold_at(cuts(&[0, 65_536, len], len).step_by(16));
            assert_eq!(outcome.results, [Some(0), Some(0)]);
            let What::Extents { entries, .. } = &outcome.events[0].what else {
                panic!("{:?}", outcome.events[0]);
            };
            assert!(*entries == expected);
            assert_eq!(outcome.log()[1], "1 base:allocation 0: [512, 0]");
        }
    }
}

#[test]
fn a_long_payload_of_no_use_is_skipped() {
    for style in CHUNKED {
        let orders = [flush(), flush()];
        let session = Session::new("skip", terms(style), &orders, |r| {
            r.chunk(9, 3, MORE, &vec![1; 300_000])
                .chunk(
                    1,
                    0x8fff,
                    DONE,
                    &[vec![0, 0, 0, 5, 0, 0], vec![1; 300_000]].concat(),
                )
                .none(2)
        });
        let len = session.replies.len();
        let outcome = session.hold_at(cuts(&[0, 300_020, len], len));
        assert_eq!(outcome.results, [Some(libc::EIO), Some(0)]);
    }
}

#[test]
fn a_thousand_commands_answered_in_any_order() {
    let mut dice = Dice(1);
    let orders: Vec<_> = (0..1000).map(|at| read(at * 8, 8)).collect();
    let mut cookies: Vec<u64> = (1..=1000).collect();
    for at in (1..cookies.len()).rev() {
        cookies.swap(at, dice.below(at + 1));
    }
    for style in [Style::Simple, Style::Structured, Style::Extended] {
        let session = Session::new("thousand", terms(style), &orders, |mut r| {
            for &cookie in &cookies {
                let offset = (cookie - 1) * 8;
                r = match style {
                    Style::Simple => r.simple_data(cookie, offset, 8),
                    _ => r.data(cookie, offset, 8, DONE),
                };
            }
            r
        });
        let outcome = session.hold_at([1, 997].map(Pace::Steps).into_iter());
        let order: Vec<u64> = outcome.events.iter().map(|e| e.cookie).collect();
        assert_eq!(order[..1000], cookies, "in the order of the replies");
        for (at, memory) in (0..).zip(&outcome.memory) {
            assert_eq!(*memory, disk_range(at * 8, 8));
        }
        assert!(outcome.results.iter().all(|result| *result == Some(0)));
    }
}

#[test]
fn commands_come_and_go_while_others_wait() {
    let style = Style::Structured;
    let mut rig = Rig::with(terms(style), &[read(0, 8)]);
    let mut waiting = Vec::new();
    let mut dice = Dice(2);
    for _ in 0..2000 {
        waiting.push(rig.submit(&flush()));
        rig.send_all();
        if waiting.len() > dice.below(64) {
            let cookie = waiting.swap_remove(dice.below(waiting.len()));
            let reply = rig.replies(style).none(cookie).bytes();
            rig.receive(&reply).unwrap();
            assert_eq!(rig.news(), [format!("{cookie} completed")]);
            // The results of some are fetched only at the end.
            if dice.below(4) > 0 {
                assert_eq!(rig.take_done(cookie), Some((0, "flush")));
                assert_eq!(rig.news(), [format!("{cookie} freed")]);
            }
        }
        assert_eq!(rig.transmission.in_flight(), waiting.len() + 1);
    }
    let reply = rig.replies(style).data(1, 0, 8, DONE).bytes();
    rig.receive(&reply).unwrap();
    assert_eq!(rig.news(), ["1 completed"]);
    assert_eq!(rig.memory_of(1), disk_range(0, 8));
}
