//! Reads: data, holes and errors, in order and out of order.

use crate::error::Error;
use crate::protocol::reply::Style;
use crate::testing::{Pace, STALE};
use crate::transmission::Arrival;

use super::CHUNKED;
use super::caller::{Verdict, disk_range};
use super::replies::{
    BLOCK_STATUS, BLOCK_STATUS_EXT, DONE, ERROR, ERROR_OFFSET, MORE, NONE, OFFSET_DATA,
    OFFSET_HOLE, Replies, error_payload,
};
use super::rig::{Interest, Order, Outcome, Rig, Session, flush, read, terms};

/// 16 bytes from 100 on, reported chunk by chunk.
fn sixteen() -> Order {
    read(100, 16).telling(Interest::Chunks)
}

/// Replies to a read of 16 bytes at 100, then to a flush: the connection must
/// have stayed in step.
fn answered(style: Style, order: Order, replies: impl Fn(Replies) -> Replies) -> Outcome {
    let session = Session::new("read", terms(style), &[order, flush()], |r| {
        replies(r).none(2)
    });
    let outcome = session.hold();
    assert_eq!(outcome.ended, Ok(Arrival::End));
    assert_eq!(outcome.results[1], Some(0), "out of step");
    outcome
}

type Answer = fn(Replies) -> Replies;

#[test]
fn a_simple_read_is_one_part() {
    let orders = [read(4096, 512).telling(Interest::Chunks)];
    let session = Session::new("read", terms(Style::Simple), &orders, |r| {
        r.simple_data(1, 4096, 512)
    });
    let outcome = session.hold();
    assert_eq!(
        outcome.log(),
        [
            "1 data 4096+512",
            "1 completed",
            "1 first closure freed",
            "1 freed"
        ]
    );
    assert_eq!(outcome.memory[0], disk_range(4096, 512));
}

#[test]
fn a_failed_simple_read_has_no_data() {
    let orders = [sixteen(), read(0, 4)];
    let session = Session::new("read", terms(Style::Simple), &orders, |r| {
        r.simple(1, 5).simple_data(2, 0, 4)
    });
    let outcome = session.hold();
    assert_eq!(outcome.told(), "failed EIO");
    assert_eq!(outcome.results, [Some(libc::EIO), Some(0)]);
    assert_eq!(outcome.memory[0], [0; 16]);
}

#[test]
fn chunks_that_cover_the_request_once_are_success() {
    let cases: [(&str, Answer); 8] = [
        ("data 100+16, completed", |r| r.data(1, 100, 16, DONE)),
        ("data 100+16, completed", |r| {
            r.data(1, 100, 16, MORE).none(1)
        }),
        ("data 100+4, data 104+12, completed", |r| {
            r.data(1, 100, 4, MORE).data(1, 104, 12, DONE)
        }),
        ("data 104+12, data 100+4, completed", |r| {
            r.data(1, 104, 12, MORE).data(1, 100, 4, DONE)
        }),
        ("data 115+1, data 100+1, data 101+14, completed", |r| {
            r.data(1, 115, 1, MORE)
                .data(1, 100, 1, MORE)
                .data(1, 101, 14, DONE)
        }),
        ("hole 100+16, completed", |r| r.hole(1, 100, 16, DONE)),
        ("data 100+8, hole 108+8, completed", |r| {
            r.data(1, 100, 8, MORE).hole(1, 108, 8, DONE)
        }),
        ("hole 115+1, hole 100+1, data 101+14, completed", |r| {
            r.hole(1, 115, 1, MORE)
                .hole(1, 100, 1, MORE)
                .data(1, 101, 14, MORE)
                .none(1)
        }),
    ];
    for style in CHUNKED {
        for (expected, replies) in cases {
            for order in [sixteen(), sixteen().unsanitised()] {
                let outcome = answered(style, order, replies);
                assert_eq!(outcome.told(), expected);
                assert_eq!(outcome.results[0], Some(0), "{expected}");
            }
        }
    }
}

#[test]
fn chunks_land_where_they_belong() {
    for style in CHUNKED {
        let outcome = answered(style, sixteen().unsanitised(), |r| {
            r.hole(1, 110, 6, MORE)
                .data(1, 104, 6, MORE)
                .data(1, 100, 4, DONE)
        });
        let expected = [disk_range(100, 10), vec![0; 6]].concat();
        assert_eq!(outcome.memory[0], expected);
    }
}

#[test]
fn chunks_of_nothing_are_told_and_change_nothing() {
    let cases: [(&str, Answer); 4] = [
        ("data 100+0, data 100+16, completed", |r| {
            r.data(1, 100, 0, MORE).data(1, 100, 16, DONE)
        }),
        ("data 100+16, data 116+0, completed", |r| {
            r.data(1, 100, 16, MORE).data(1, 116, 0, DONE)
        }),
        ("hole 107+0, hole 100+16, completed", |r| {
            r.hole(1, 107, 0, MORE).hole(1, 100, 16, DONE)
        }),
        ("data 100+16, hole 100+0, data 108+0, completed", |r| {
            r.data(1, 100, 16, MORE)
                .hole(1, 100, 0, MORE)
                .data(1, 108, 0, DONE)
        }),
    ];
    for style in CHUNKED {
        for (expected, replies) in cases {
            let outcome = answered(style, sixteen().unsanitised(), replies);
            assert_eq!(outcome.told(), expected);
        }
    }
}

#[test]
fn what_exceeds_the_request_is_neither_written_nor_told() {
    let data = disk_range(100, 16);
    // What is reported, and what the buffer contains afterwards.
    let cases: [(&str, Vec<u8>, Answer); 6] = [
        ("data 100+16", data.clone(), |r| {
            r.data(1, 100, 16, MORE).hole(1, 100, 16, DONE)
        }),
        ("data 100+16", data.clone(), |r| {
            r.data(1, 100, 16, MORE)
                .hole(1, 100, 1, MORE)
                .data(1, 100, 0, MORE)
                .none(1)
        }),
        ("hole 100+16", vec![0; 16], |r| {
            r.hole(1, 100, 16, MORE).data(1, 100, 16, DONE)
        }),
        // Nothing is written any more, not even what would have fitted.
        (
            "data 100+10",
            [disk_range(100, 10), vec![STALE; 6]].concat(),
            |r| {
                r.data(1, 100, 10, MORE)
                    .hole(1, 106, 10, MORE)
                    .data(1, 110, 6, DONE)
            },
        ),
        ("hole 100+10", [vec![0; 10], vec![STALE; 6]].concat(), |r| {
            r.hole(1, 100, 10, MORE)
                .data(1, 106, 10, MORE)
                .hole(1, 110, 6, DONE)
        }),
        // The first error counts, and errors are reported as before.
        ("data 100+16, error 105+0 after EIO", data, |r| {
            r.data(1, 100, 16, MORE)
                .data(1, 100, 16, MORE)
                .error_at(1, 5, "", 105, DONE)
        }),
    ];
    for style in CHUNKED {
        for (told, held, replies) in &cases {
            let outcome = answered(style, sixteen().unsanitised(), replies);
            assert_eq!(outcome.told(), format!("{told}, failed EPROTO"));
            assert_eq!(outcome.memory[0], *held, "{told}");
        }
    }
}

#[test]
fn an_empty_read_succeeds_without_chunks() {
    for style in CHUNKED {
        assert_eq!(
            answered(style, read(100, 0), |r| r.none(1)).told(),
            "completed"
        );
    }
}

#[test]
fn chunks_that_do_not_add_up_are_a_protocol_error() {
    let cases: [(&str, Answer); 7] = [
        ("nothing", |r| r.none(1)),
        ("too little", |r| r.data(1, 100, 15, DONE)),
        ("a gap", |r| r.data(1, 109, 7, MORE).data(1, 100, 8, DONE)),
        ("the same twice", |r| {
            r.data(1, 100, 8, MORE).data(1, 100, 8, DONE)
        }),
        ("overlap", |r| {
            r.data(1, 100, 10, MORE).data(1, 106, 10, DONE)
        }),
        ("data and hole", |r| {
            r.data(1, 100, 16, MORE).hole(1, 100, 16, DONE)
        }),
        ("everything and more", |r| {
            r.data(1, 100, 16, MORE).data(1, 115, 1, DONE)
        }),
    ];
    for style in CHUNKED {
        for (name, replies) in cases {
            let outcome = answered(style, sixteen(), replies);
            assert_eq!(outcome.results[0], Some(libc::EPROTO), "{name}");
        }
    }
}

#[test]
fn malformed_chunks_fail_their_command_only() {
    let cases: [(&str, Answer); 15] = [
        ("NONE that is not the last", |r| {
            r.chunk(1, NONE, MORE, &[]).data(1, 100, 16, DONE)
        }),
        ("NONE with a payload", |r| {
            r.data(1, 100, 16, MORE).chunk(1, NONE, DONE, &[1])
        }),
        ("data without offset", |r| {
            r.chunk(1, OFFSET_DATA, DONE, &[])
        }),
        ("data with half an offset", |r| {
            r.chunk(1, OFFSET_DATA, DONE, &[0; 4])
        }),
        ("no data behind the offset", |r| r.data(1, 100, 0, DONE)),
        ("hole without payload", |r| {
            r.chunk(1, OFFSET_HOLE, DONE, &[])
        }),
        ("hole without size", |r| {
            r.chunk(1, OFFSET_HOLE, DONE, &100u64.to_be_bytes())
        }),
        ("short hole", |r| r.chunk(1, OFFSET_HOLE, DONE, &[0; 11])),
        ("long hole", |r| {
            let payload = [&100u64.to_be_bytes()[..], &16u32.to_be_bytes(), &[0]].concat();
            r.chunk(1, OFFSET_HOLE, DONE, &payload)
        }),
        ("empty hole", |r| r.hole(1, 100, 0, DONE)),
        ("unassigned type 3", |r| r.chunk(1, 3, DONE, &[1; 20])),
        ("unassigned type 4", |r| r.chunk(1, 4, DONE, &[])),
        ("highest type", |r| r.chunk(1, 0x7fff, DONE, &[1; 3])),
        ("block status", |r| {
            r.chunk(1, BLOCK_STATUS, DONE, &[0, 0, 0, 7, 0, 0, 2, 0, 0, 0, 0, 0])
        }),
        ("extended block status", |r| {
            r.chunk(1, BLOCK_STATUS_EXT, DONE, &[0; 24])
        }),
    ];
    for style in CHUNKED {
        for (name, replies) in cases {
            let outcome = answered(style, sixteen(), replies);
            assert_eq!(outcome.results[0], Some(libc::EPROTO), "{name}");
        }
    }
}

#[test]
fn an_extended_chunk_must_repeat_the_offset_of_the_request() {
    let outcome = answered(Style::Extended, sixteen(), |r| {
        let payload = [&100u64.to_be_bytes()[..], &disk_range(100, 16)].concat();
        r.header_at(1, OFFSET_DATA, DONE, 101, 24).raw(&payload)
    });
    assert_eq!(outcome.told(), "failed EPROTO");
    let outcome = answered(Style::Extended, sixteen(), |r| {
        r.header_at(1, ERROR, DONE, 0, 6).raw(&error_payload(5, ""))
    });
    assert_eq!(outcome.told(), "failed EPROTO");
}

#[test]
fn error_chunks_become_an_errno() {
    let cases: [(&str, Answer); 14] = [
        ("failed EIO", |r| r.error(1, 5, "", DONE)),
        ("failed EIO", |r| r.error(1, 5, "bad sector", DONE)),
        ("failed EPERM", |r| r.error(1, 1, "", MORE).none(1)),
        ("failed EOVERFLOW", |r| r.error(1, 75, "", DONE)),
        ("failed ESHUTDOWN", |r| r.error(1, 108, "", DONE)),
        ("failed EINVAL", |r| r.error(1, 9999, "", DONE)),
        // Success is no error, and an error chunk no success.
        ("data 100+16, failed EPROTO", |r| {
            r.data(1, 100, 16, MORE).error(1, 0, "", DONE)
        }),
        // Future error chunks.
        ("failed EIO", |r| {
            r.chunk(1, 0x8003, DONE, &error_payload(5, "what"))
        }),
        ("failed EIO", |r| {
            r.chunk(
                1,
                0xffff,
                DONE,
                &[error_payload(5, ""), vec![1; 99]].concat(),
            )
        }),
        // Too short for an errno.
        ("failed EPROTO", |r| r.chunk(1, ERROR, DONE, &[])),
        ("failed EPROTO", |r| r.chunk(1, ERROR, DONE, &[0, 0, 5])),
        // Too short for the length of its text.
        ("failed EIO", |r| r.chunk(1, ERROR, DONE, &[0, 0, 0, 5])),
        ("failed EIO", |r| r.chunk(1, ERROR, DONE, &[0, 0, 0, 5, 0])),
        ("failed EIO", |r| {
            r.chunk(1, ERROR, DONE, &[0, 0, 0, 5, 0, 9, b'?'])
        }),
    ];
    for style in CHUNKED {
        for (expected, replies) in cases {
            assert_eq!(answered(style, sixteen(), replies).told(), expected);
        }
    }
}

#[test]
fn an_error_with_an_offset_is_told_with_the_part_it_spoils() {
    let cases: [(&str, Answer); 8] = [
        ("error 100+0 after EIO, failed EIO", |r| {
            r.error_at(1, 5, "", 100, DONE)
        }),
        ("error 115+0 after EIO, failed EIO", |r| {
            r.error_at(1, 5, "bad sector", 115, MORE).none(1)
        }),
        ("failed EIO", |r| r.error_at(1, 5, "", 99, DONE)),
        ("failed EIO", |r| r.error_at(1, 5, "", 116, DONE)),
        ("failed EIO", |r| r.error_at(1, 5, "", u64::MAX, DONE)),
        ("failed EIO", |r| {
            r.chunk(1, ERROR_OFFSET, DONE, &error_payload(5, "no offset"))
        }),
        (
            "data 100+8, error 108+0 after ENOMEM, data 112+4 after ENOMEM, failed ENOMEM",
            |r| {
                r.data(1, 100, 8, MORE)
                    .error_at(1, 12, "", 108, MORE)
                    .data(1, 112, 4, DONE)
            },
        ),
        // The second error is reported unchanged, and has no effect.
        (
            "error 101+0 after EIO, error 102+0 after ENOSPC, failed EIO",
            |r| {
                r.error_at(1, 5, "", 101, MORE)
                    .error_at(1, 28, "", 102, DONE)
            },
        ),
    ];
    for style in CHUNKED {
        for (expected, replies) in cases {
            assert_eq!(answered(style, sixteen(), replies).told(), expected);
        }
    }
}

#[test]
fn the_servers_words_are_passed_on_and_escaped() {
    for style in CHUNKED {
        let outcome = answered(style, sixteen(), |r| {
            r.error(1, 5, "bad\x1b[0m", MORE)
                .error_at(1, 5, "worse", 100, DONE)
        });
        assert_eq!(
            outcome.remarks,
            [
                r"read: the server reports: bad\x1b[0m",
                "read: the server reports: worse"
            ]
        );
    }
}

#[test]
fn the_servers_first_words_are_a_part_of_the_error_up_to_a_length() {
    for style in CHUNKED {
        let mut rig = Rig::with(terms(style), &[sixteen(), sixteen()]);
        let long = "x".repeat(4096);
        let replies = rig
            .replies(style)
            .error(1, 5, "bad", MORE)
            .error(1, 22, "worse", DONE)
            .error(2, 5, &long, DONE);
        rig.receive(&replies.bytes()).unwrap();
        let mut reason = |cookie| rig.transmission.take_done(cookie).unwrap().reason.unwrap();
        let told = "read: command failed: the server reports: ";
        assert_eq!(*reason(1), Error::new(libc::EIO, format!("{told}bad")));
        let cut = format!("{told}{}", "x".repeat(256));
        assert_eq!(*reason(2), Error::new(libc::EIO, cut));
    }
}

#[test]
fn the_longest_text_is_read_and_a_longer_one_skipped() {
    let longest = "x".repeat(4096);
    let longer = "x".repeat(5000);
    for style in CHUNKED {
        for (text, words, told_of) in [
            (&longest, 1, "error 103+0 after EIO, failed EIO"),
            (&longer, 0, "failed EIO"),
        ] {
            let orders = [sixteen(), flush()];
            let session = Session::new("text", terms(style), &orders, |r| {
                r.error_at(1, 5, text, 103, DONE).none(2)
            });
            let outcome = session.hold();
            assert_eq!(outcome.told(), told_of);
            assert_eq!(outcome.results[1], Some(0));
            let words: usize = words;
            assert_eq!(outcome.remarks.len(), words);
        }
    }
}

#[test]
fn content_outside_the_request_ends_the_connection() {
    let cases: [(&str, Answer); 9] = [
        ("before", |r| r.data(1, 99, 1, DONE)),
        ("across the start", |r| r.data(1, 99, 16, DONE)),
        ("across the end", |r| r.data(1, 101, 16, DONE)),
        ("behind", |r| r.data(1, 116, 1, DONE)),
        ("at zero", |r| r.data(1, 0, 16, DONE)),
        ("at the end of all offsets", |r| {
            r.chunk(1, OFFSET_DATA, DONE, &[0xff; 24])
        }),
        ("longer than the request", |r| r.data(1, 100, 17, DONE)),
        ("a hole across the end", |r| r.hole(1, 100, 17, DONE)),
        ("a hole at the end of all offsets", |r| {
            r.hole(1, u64::MAX, 16, DONE)
        }),
    ];
    for style in CHUNKED {
        for (name, replies) in cases {
            let session = Session::new(name, terms(style), &[sixteen(), flush()], replies);
            let outcome = session.hold();
            assert_eq!(outcome.fatal(), Some(0), "{name}");
            assert_eq!(outcome.told(), "failed ENOTCONN", "{name}");
            assert_eq!(outcome.memory[0], [0; 16], "{name}");
        }
    }
}

#[test]
fn data_in_a_simple_reply_is_out_of_place_once_chunks_are_agreed() {
    let outcome = answered(Style::Structured, sixteen(), |r| r.simple_data(1, 100, 16));
    assert_eq!(outcome.told(), "failed EPROTO");
    assert_eq!(outcome.memory[0], [0; 16]);
}

#[test]
fn a_simple_reply_may_fail_a_read_even_if_chunks_are_agreed() {
    let outcome = answered(Style::Structured, sixteen(), |r| r.simple(1, 5));
    assert_eq!(outcome.told(), "failed EIO");
}

#[test]
fn a_chunk_callback_that_fails_spoils_the_read_and_hears_the_rest() {
    let five = read(100, 5).telling(Interest::Chunks);
    let quiet = Verdict {
        answer: -1,
        error: Some(0),
    };
    let cases = [
        // The first failure stays, and later parts receive it.
        (
            vec![
                Verdict::ACCEPT,
                Verdict::fail(libc::EPERM),
                Verdict::fail(libc::EIO),
            ],
            "data 100+2, data 102+2, hole 104+1 after EPERM, failed EPERM",
        ),
        // Failure without a reason.
        (
            vec![quiet],
            "data 100+2, data 102+2 after EPROTO, hole 104+1 after EPROTO, failed EPROTO",
        ),
        // An error counts only together with the return value -1.
        (
            vec![Verdict {
                answer: 0,
                error: Some(libc::EIO),
            }],
            "data 100+2, data 102+2, hole 104+1, completed",
        ),
    ];
    for style in CHUNKED {
        for (verdicts, expected) in &cases {
            let outcome = answered(style, five.clone().along(verdicts), |r| {
                r.data(1, 100, 2, MORE)
                    .data(1, 102, 2, MORE)
                    .hole(1, 104, 1, DONE)
            });
            assert_eq!(outcome.told(), *expected);
        }
    }
}

#[test]
fn a_chunk_callback_may_replace_the_first_error() {
    for style in CHUNKED {
        let order = sixteen().along(&[Verdict::fail(libc::ENOMEM)]);
        let outcome = answered(style, order, |r| r.error_at(1, 5, "", 100, DONE));
        assert_eq!(outcome.told(), "error 100+0 after EIO, failed ENOMEM");
        let order = sixteen().along(&[Verdict::fail(libc::ENOMEM)]);
        let outcome = answered(style, order, |r| {
            r.error(1, 28, "", MORE).error_at(1, 5, "", 100, DONE)
        });
        assert_eq!(outcome.told(), "error 100+0 after EIO, failed ENOSPC");
    }
}

#[test]
fn what_did_not_arrive_is_zeroed_only_if_the_caller_wants_it() {
    let cases: [(&str, Answer); 4] = [
        ("an error", |r| {
            r.data(1, 104, 4, MORE).error(1, 5, "", DONE)
        }),
        ("a short reply", |r| r.data(1, 104, 4, DONE)),
        ("the end of the connection", |r| r.data(1, 104, 4, MORE)),
        ("an invalid reply", |r| {
            r.data(1, 104, 4, MORE).hole(1, 0, 1, DONE)
        }),
    ];
    for style in CHUNKED {
        for (name, replies) in cases {
            for (order, rest) in [(sixteen(), 0), (sixteen().unsanitised(), STALE)] {
                let session = Session::new(name, terms(style), &[order], replies);
                let outcome = session.hold();
                let expected = [vec![rest; 4], disk_range(104, 4), vec![rest; 8]].concat();
                assert_eq!(outcome.memory[0], expected, "{name}");
            }
        }
    }
}

#[test]
fn data_cut_off_half_way_is_kept_and_the_rest_zeroed() {
    for style in CHUNKED {
        let session = Session::new("cut off", terms(style), &[sixteen()], |r| {
            r.data(1, 100, 16, DONE)
        });
        let cut = session.replies.len() - 6;
        let outcome = session.run(&session.replies[..cut], Pace::Whole);
        assert_eq!(outcome.fatal(), Some(0));
        let expected = [disk_range(100, 10), vec![0; 6]].concat();
        assert_eq!(outcome.memory[0], expected);
    }
}

#[test]
fn a_read_that_is_dropped_unanswered_shows_nothing() {
    let mut rig = Rig::with(
        terms(Style::Structured),
        &[sixteen(), read(0, 8).unsanitised()],
    );
    rig.drop_transmission();
    assert_eq!(rig.memory_of(1), [0; 16]);
    assert_eq!(rig.memory_of(2), [STALE; 8]);
}

#[test]
fn replies_of_several_reads_interleave() {
    let orders = [
        sixteen(),
        read(200, 8).telling(Interest::Chunks),
        read(300, 4),
    ];
    for style in CHUNKED {
        let session = Session::new("interleaved", terms(style), &orders, |r| {
            r.data(2, 204, 4, MORE)
                .data(1, 108, 8, MORE)
                .data(3, 300, 4, MORE)
                .hole(2, 200, 4, MORE)
                .none(3)
                .data(1, 100, 8, DONE)
                .none(2)
        });
        let outcome = session.hold();
        assert_eq!(outcome.results, [Some(0); 3]);
        assert_eq!(
            outcome.log()[..7],
            [
                "2 data 204+4",
                "1 data 108+8",
                "2 hole 200+4",
                "3 completed",
                "1 data 100+8",
                "1 completed",
                "2 completed"
            ]
        );
        assert_eq!(outcome.memory[0], disk_range(100, 16));
        assert_eq!(outcome.memory[2], disk_range(300, 4));
    }
}
