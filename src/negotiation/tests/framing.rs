//! Invalid option replies: every option treats them alike.

use crate::negotiation::OptionRequest;

use super::talk::{
    ACK, EXTENDED_HEADERS, GO, INFO, LIST, LIST_META_CONTEXT, OPT_INFO, SET_META_CONTEXT,
    STRUCTURED_REPLY, Talk, UNSUP, fixed, greeting, information_wanted, list, list_contexts,
    option, plain, queries, reply, reply_header, set_contexts,
};

/// Every option that has replies, with its request.
fn options() -> Vec<(Talk, u32)> {
    let go = information_wanted("vol7", &[]);
    let none = queries("vol7", &[]);
    [
        (OptionRequest::Go, GO, go.clone()),
        (OptionRequest::Info, OPT_INFO, go),
        (list(), LIST, Vec::new()),
        (list_contexts(&[]), LIST_META_CONTEXT, none.clone()),
        (set_contexts(&[]), SET_META_CONTEXT, none),
        (
            OptionRequest::StructuredReplies,
            STRUCTURED_REPLY,
            Vec::new(),
        ),
        (OptionRequest::ExtendedHeaders, EXTENDED_HEADERS, Vec::new()),
    ]
    .into_iter()
    .map(|(request, number, data)| {
        let talk = Talk::about(request, plain("vol7"), fixed());
        (talk.client(option(number, &data)), number)
    })
    .collect()
}

#[test]
fn a_reply_must_answer_the_option_that_was_sent() {
    for (talk, number) in options() {
        let other = if number == GO { OPT_INFO } else { GO };
        for bad in [
            reply(other, ACK, &[]),
            reply(other, UNSUP, &[]),
            reply(0, ACK, &[]),
            [[0; 8].as_slice(), &reply(number, ACK, &[])[8..]].concat(),
            option(number, &[0; 4]),
        ] {
            let ended = talk.clone().server(bad).hold();
            assert_eq!(ended.broken().errno(), 0, "option {number}");
        }
    }
}

#[test]
fn an_acknowledgement_has_no_data() {
    for (talk, number) in options() {
        let ended = talk.server(reply(number, ACK, &[0])).hold();
        assert_eq!(ended.broken().errno(), 0, "option {number}");
    }
}

#[test]
fn what_refuses_may_explain_itself_in_so_many_words() {
    let longest = "x".repeat(4096);
    for (talk, number) in options() {
        for refusal in [0x8000_0002, 0xdead_beef] {
            let ended = talk
                .clone()
                .server(reply(number, refusal, longest.as_bytes()));
            let ended = ended.hold_once();
            let (kind, error) = ended.refused();
            assert_eq!(kind, refusal);
            assert!(error.text().contains(&longest));
        }
        for longer in [4097, 8192, 10_000] {
            let text = vec![b'x'; longer];
            let ended = talk.clone().server(reply(number, UNSUP, &text)).hold_once();
            assert_eq!(ended.broken().errno(), 0, "option {number}: {longer}");
        }
    }
}

#[test]
fn a_reply_of_absurd_length_is_not_awaited() {
    for (talk, number) in options() {
        for length in [(64 << 20) + 1, u32::MAX] {
            for kind in [ACK, INFO, 2, 4, UNSUP] {
                let header = reply_header(number, kind, length);
                let ended = talk.clone().server(header).hold();
                assert_eq!(ended.broken().errno(), 0, "option {number}");
            }
        }
    }
}

#[test]
fn a_switch_is_answered_by_yes_or_no() {
    for (talk, number) in options().split_off(5) {
        for kind in [0, 2, INFO, 4, 5, 0x7fff_ffff] {
            let ended = talk.clone().server(reply(number, kind, &[0; 4])).hold();
            assert_eq!(ended.broken().errno(), 0, "option {number}: {kind}");
        }
    }
}

#[test]
fn an_answer_does_not_keep_the_question_from_being_asked() {
    for (talk, number) in options() {
        talk.clone().server(reply(number, ACK, &[])).hold_unasked();
        talk.server(reply(number, 0x8000_0002, &[])).hold_unasked();
    }
    Talk::greeted(plain("vol7"))
        .server(reply(GO, 0x8000_0006, &[]))
        .hold_unasked();
    // Plain newstyle: size and flags are the reply to the name of the export.
    Talk::connect(plain("vol7"))
        .server(greeting(0))
        .server([0; 8 + 2 + 124])
        .hold_unasked();
}
