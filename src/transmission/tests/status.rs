//! Block status: both widths on the wire, both forms of the callback.

use std::ffi::CString;

use crate::protocol::context::MetaContext;
use crate::protocol::reply::Style;
use crate::testing::Pace;
use crate::transmission::Arrival;

use super::CHUNKED;
use super::caller::Verdict;
use super::replies::{BLOCK_STATUS, BLOCK_STATUS_EXT, DONE, MORE, Replies};
use super::rig::{Interest, Order, Outcome, Rig, SIZE, Session, Terms, block_status, flush, terms};

type Answer = fn(Replies) -> Replies;

fn both_forms(offset: u64, count: u64) -> [Order; 2] {
    [Interest::Extents32, Interest::Extents64].map(|form| block_status(offset, count).telling(form))
}

fn answered(terms: Terms, order: Order, replies: impl Fn(Replies) -> Replies) -> Outcome {
    let session = Session::new("block status", terms, &[order, flush()], |r| {
        replies(r).none(2)
    });
    let outcome = session.hold();
    assert_eq!(outcome.ended, Ok(Arrival::End));
    assert_eq!(outcome.results[1], Some(0), "out of step");
    outcome
}

#[test]
fn each_context_is_reported_in_the_order_of_the_server() {
    for style in CHUNKED {
        for order in both_forms(4096, 1 << 20) {
            let outcome = answered(terms(style), order, |r| {
                r.status(1, 9, &[(1 << 20, 1)], MORE)
                    .status(1, 7, &[(4096, 0), (8192, 3)], DONE)
            });
            assert_eq!(
                outcome.told(),
                "qemu:dirty-bitmap:b 4096: [1048576, 1], \
                 base:allocation 4096: [4096, 0, 8192, 3], completed"
            );
        }
    }
}

#[test]
fn a_context_that_was_not_granted_is_not_reported() {
    for style in CHUNKED {
        let outcome = answered(terms(style), block_status(0, 512), |r| {
            r.status(1, 8, &[(512, 1)], MORE).none(1)
        });
        assert_eq!(outcome.told(), "completed");
    }
}

#[test]
fn only_the_first_report_of_a_context_is_told() {
    for style in CHUNKED {
        for order in both_forms(0, 512) {
            let outcome = answered(terms(style), order, |r| {
                r.status(1, 7, &[(512, 1)], MORE)
                    .status(1, 7, &[(512, 2)], MORE)
                    .status(1, 9, &[(512, 3)], MORE)
                    .status(1, 9, &[(256, 4), (256, 5)], MORE)
                    .status(1, 7, &[(512, 6)], DONE)
            });
            assert_eq!(
                outcome.told(),
                "base:allocation 0: [512, 1], qemu:dirty-bitmap:b 0: [512, 3], completed"
            );
        }
        // The next command gets a report again, although its slot is the same.
        let mut rig = Rig::new(terms(style));
        for cookie in 1..=3 {
            rig.submit(&block_status(0, 512).concluding(Verdict::RETIRE));
            rig.send_all();
            let reply = rig.replies(style).status(cookie, 7, &[(512, 1)], DONE);
            rig.receive(&reply.bytes()).unwrap();
            let first = rig.news().first().cloned().unwrap();
            assert_eq!(
                first,
                format!("{cookie} base:allocation 0: [512, 1]"),
                "the slot remembers"
            );
        }
    }
}

/// A context for each id, in this order.
fn contexts(ids: impl Iterator<Item = u32>) -> Vec<MetaContext> {
    let context = |id| MetaContext {
        id,
        name: CString::new(format!("x-many:{id}")).unwrap().into(),
    };
    ids.map(context).collect()
}

#[test]
fn many_contexts_are_told_apart_whatever_their_ids() {
    for style in CHUNKED {
        let many = Terms {
            contexts: contexts((0..1000).map(|n: u32| n.wrapping_mul(0x9e37_79b9))),
            ..terms(style)
        };
        let ids: Vec<u32> = many.contexts.iter().map(|context| context.id).collect();
        let session = Session::new("many", many, &[block_status(0, 512)], |mut r| {
            for &id in ids.iter().chain(ids.iter().rev()) {
                r = r.status(1, id, &[(512, 1)], MORE);
            }
            r.none(1)
        });
        let outcome = session.run(&session.replies, Pace::Whole);
        let expected: Vec<_> = ids
            .iter()
            .map(|id| format!("x-many:{id} 0: [512, 1]"))
            .chain(["completed".into()])
            .collect();
        assert_eq!(outcome.told(), expected.join(", "));
    }
}

#[test]
fn of_contexts_with_one_id_the_first_is_told() {
    let mut twice = contexts([9, 7, 9, 7].into_iter());
    for (number, context) in twice.iter_mut().enumerate() {
        context.name = CString::new(format!("x-number:{number}")).unwrap().into();
    }
    for style in CHUNKED {
        let terms = Terms {
            contexts: twice.clone(),
            ..terms(style)
        };
        let outcome = answered(terms, block_status(0, 512), |r| {
            r.status(1, 7, &[(512, 1)], MORE)
                .status(1, 9, &[(512, 2)], DONE)
        });
        assert_eq!(
            outcome.told(),
            "x-number:1 0: [512, 1], x-number:0 0: [512, 2], completed"
        );
    }
}

/// The most descriptors that a chunk may have.
const MOST: usize = 1 << 20;

#[test]
fn the_longest_report_is_told_and_a_longer_one_skipped() {
    for style in CHUNKED {
        for (count, expected) in [(MOST, Some(0)), (MOST + 1, Some(libc::EPROTO))] {
            let orders = [block_status(0, 1 << 30), flush()];
            let session = Session::new("long", terms(style), &orders, |r| {
                r.status(1, 7, &vec![(1, 1); count], DONE).none(2)
            });
            let mut rig = Rig::with(session.terms.clone(), &session.orders);
            // What is skipped needs no memory.
            let (early, late) = session.replies.split_at(session.replies.len() / 2);
            rig.receive(early).unwrap();
            let memory = rig.transmission.memory();
            assert_eq!(memory > 1 << 20, expected == Some(0), "{memory}");
            rig.receive(late).unwrap();
            assert!(rig.transmission.memory() < 1 << 20, "kept");
            let ended = rig.end();
            let outcome = rig.finish(ended);
            assert_eq!(outcome.results, [expected, Some(0)]);
            let told = outcome.events.len() - 5;
            assert_eq!(told, usize::from(expected == Some(0)));
        }
    }
}

#[test]
fn a_report_costs_no_memory_before_it_arrives() {
    let mut rig = Rig::with(terms(Style::Structured), &[block_status(0, 512)]);
    let length = 4 + 8 * u64::try_from(MOST).unwrap();
    let replies = rig.replies(Style::Structured);
    let start = replies.header(1, BLOCK_STATUS, DONE, length);
    rig.receive(&start.raw(&[0, 0, 0, 7, 0, 0, 0, 1]).bytes())
        .unwrap();
    assert!(rig.transmission.memory() < 1 << 20);
}

#[test]
fn without_granted_contexts_every_report_is_a_protocol_error() {
    for style in CHUNKED {
        let none = Terms {
            contexts: Vec::new(),
            ..terms(style)
        };
        let outcome = answered(none, block_status(0, 512), |r| {
            r.status(1, 7, &[(512, 1)], DONE)
        });
        assert_eq!(outcome.told(), "failed EPROTO");
    }
}

#[test]
fn the_wrong_width_is_reported_and_a_protocol_error() {
    for order in both_forms(0, 512) {
        let expected = "base:allocation 0: [512, 1] after EPROTO, failed EPROTO";
        let outcome = answered(terms(Style::Structured), order.clone(), |r| {
            r.status_ext(1, 7, &[(512, 1)], DONE)
        });
        assert_eq!(outcome.told(), expected);
        let outcome = answered(terms(Style::Extended), order, |r| {
            r.status_compact(1, 7, &[(512, 1)], DONE)
        });
        assert_eq!(outcome.told(), expected);
    }
}

#[test]
fn malformed_reports_are_not_told() {
    let cases: [(&str, Answer); 9] = [
        ("nothing", |r| r.chunk(1, BLOCK_STATUS, DONE, &[])),
        ("half an id", |r| r.chunk(1, BLOCK_STATUS, DONE, &[0, 0])),
        ("no extent", |r| r.status_compact(1, 7, &[], DONE)),
        ("half an extent", |r| {
            r.chunk(1, BLOCK_STATUS, DONE, &[0, 0, 0, 7, 0, 0, 2, 0])
        }),
        ("an extent and a half", |r| {
            r.chunk(
                1,
                BLOCK_STATUS,
                DONE,
                &[0, 0, 0, 7, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 2, 0],
            )
        }),
        ("extended: no count", |r| {
            r.chunk(1, BLOCK_STATUS_EXT, DONE, &[0, 0, 0, 7])
        }),
        ("extended: no extent", |r| r.status_ext(1, 7, &[], DONE)),
        ("extended: one extent counted as two", |r| {
            let extent = [[0; 7], [2; 7]].concat();
            let payload = [&[0, 0, 0, 7, 0, 0, 0, 2], &extent[..], &[0, 3]].concat();
            r.chunk(1, BLOCK_STATUS_EXT, DONE, &payload)
        }),
        ("extended: a byte too many", |r| {
            let payload = [&[0, 0, 0, 7, 0, 0, 0, 1], &[1; 17][..]].concat();
            r.chunk(1, BLOCK_STATUS_EXT, DONE, &payload)
        }),
    ];
    for style in CHUNKED {
        for (name, replies) in cases {
            let outcome = answered(terms(style), block_status(0, 512), replies);
            assert_eq!(outcome.told(), "failed EPROTO", "{name}");
        }
    }
}

#[test]
fn other_chunks_do_not_answer_block_status() {
    let cases: [Answer; 3] = [
        |r| r.data(1, 0, 16, DONE),
        |r| r.hole(1, 0, 16, DONE),
        |r| r.chunk(1, 3, DONE, &[]),
    ];
    for style in CHUNKED {
        for replies in cases {
            let outcome = answered(terms(style), block_status(0, 512), replies);
            assert_eq!(outcome.told(), "failed EPROTO");
        }
    }
}

#[test]
fn a_simple_reply_can_only_refuse_block_status() {
    let structured = || terms(Style::Structured);
    let outcome = answered(structured(), block_status(0, 512), |r| r.simple(1, 22));
    assert_eq!(outcome.told(), "failed EINVAL");
    let outcome = answered(structured(), block_status(0, 512), |r| r.simple(1, 0));
    assert_eq!(outcome.told(), "failed EPROTO");
}

#[test]
fn an_error_after_reports_fails_the_command() {
    for style in CHUNKED {
        let outcome = answered(terms(style), block_status(0, 512), |r| {
            r.status(1, 7, &[(512, 1)], MORE)
                .error_at(1, 5, "lost", 256, DONE)
        });
        assert_eq!(outcome.told(), "base:allocation 0: [512, 1], failed EIO");
    }
}

#[test]
fn extents_are_cut_to_what_the_caller_can_use() {
    use Interest::{Extents32, Extents64};
    const G4: u64 = 1 << 32;
    const M64: u64 = 64 << 20;
    const HALF: u64 = 1 << 63;
    // Request offset, size of the export, extents sent, form, extents reported
    // and result.
    type Row<'a> = (u64, u64, &'a [(u64, u64)], Interest, &'a str);
    let rows: [Row; 13] = [
        // The request may end before the extent does.
        (0, SIZE, &[(8192, 1)], Extents64, "[8192, 1], completed"),
        // The end of the export.
        (
            512,
            1024,
            &[(256, 1), (256, 2)],
            Extents32,
            "[256, 1, 256, 2], completed",
        ),
        (
            512,
            1024,
            &[(256, 1), (257, 2), (1, 3)],
            Extents32,
            "[256, 1, 256, 2] after EPROTO, failed EPROTO",
        ),
        (
            512,
            1024,
            &[(512, 1), (1, 2)],
            Extents64,
            "[512, 1] after EPROTO, failed EPROTO",
        ),
        // Extents of no length.
        (
            0,
            SIZE,
            &[(0, 1), (512, 0)],
            Extents32,
            "[0, 1] after EPROTO, failed EPROTO",
        ),
        (
            0,
            SIZE,
            &[(512, 1), (0, 0), (512, 0)],
            Extents64,
            "[512, 1], completed",
        ),
        // Lengths that do not fit in 32 bits.
        (
            0,
            SIZE,
            &[(512, 1), (G4, 0), (512, 1)],
            Extents32,
            "[512, 1, 4227858432, 0], completed",
        ),
        (
            0,
            SIZE,
            &[(G4 - 1, 1)],
            Extents32,
            "[4294967295, 1], completed",
        ),
        (0, SIZE, &[(G4, 1)], Extents64, "[4294967296, 1], completed"),
        // Status that does not fit in 32 bits.
        (
            0,
            SIZE,
            &[(512, G4 | 5)],
            Extents32,
            "[512, 5] after EOVERFLOW, failed EOVERFLOW",
        ),
        (
            0,
            SIZE,
            &[(512, 1), (512, G4)],
            Extents32,
            "[512, 1], completed",
        ),
        (
            0,
            SIZE,
            &[(512, G4)],
            Extents64,
            "[512, 4294967296], completed",
        ),
        // Lengths that do not fit in a signed offset.
        (
            0,
            u64::MAX,
            &[(512, 1), (HALF, 0), (512, 1)],
            Extents64,
            "[512, 1, 9223372036787666944, 0], completed",
        ),
    ];
    assert_eq!(HALF - M64, 9_223_372_036_787_666_944);
    for (offset, size, extents, form, expected) in rows {
        let sized = Terms {
            size: Some(size),
            ..terms(Style::Extended)
        };
        let order = block_status(offset, 512).telling(form);
        let outcome = answered(sized, order, |r| r.status(1, 7, extents, DONE));
        assert_eq!(
            outcome.told(),
            format!("base:allocation {offset}: {expected}")
        );
    }
}

#[test]
fn an_unknown_size_of_the_export_cuts_nothing() {
    let unsized_ = Terms {
        size: None,
        ..terms(Style::Extended)
    };
    let outcome = answered(unsized_, block_status(SIZE, 512), |r| {
        r.status(1, 7, &[(1 << 62, 1)], DONE)
    });
    assert_eq!(
        outcome.told(),
        format!("base:allocation {SIZE}: [{}, 1], completed", 1u64 << 62)
    );
}

#[test]
fn a_callback_that_fails_hears_the_rest() {
    for style in CHUNKED {
        for order in both_forms(0, 512) {
            let order = order.along(&[Verdict::fail(libc::ENOMEM), Verdict::fail(libc::EIO)]);
            let outcome = answered(terms(style), order, |r| {
                r.status(1, 7, &[(512, 1)], MORE)
                    .status(1, 9, &[(512, 0)], DONE)
            });
            assert_eq!(
                outcome.told(),
                "base:allocation 0: [512, 1], \
                 qemu:dirty-bitmap:b 0: [512, 0] after ENOMEM, failed ENOMEM"
            );
        }
    }
}
