//! Meta contexts: listed, selected, and selected on the way to the export.

use crate::negotiation::{Config, Next, Session};

use super::talk::{
    ACK, GO, INFO, LIST_META_CONTEXT, META_CONTEXT, SET_META_CONTEXT, STRUCTURED_REPLY, Talk,
    UNSUP, basics, c_strings, context, fixed, information, information_wanted, list_contexts,
    option, plain, queries, reply, set_contexts,
};

fn structured() -> Session {
    Session {
        structured_replies: true,
        ..fixed()
    }
}

fn list(wanted: &[&str]) -> Talk {
    Talk::about(list_contexts(wanted), plain("vol7"), structured())
        .client(option(LIST_META_CONTEXT, &queries("vol7", wanted)))
}

fn set(wanted: &[&str]) -> Talk {
    Talk::about(set_contexts(wanted), plain("vol7"), structured())
        .client(option(SET_META_CONTEXT, &queries("vol7", wanted)))
}

fn one(number: u32, id: u32, name: &str) -> Vec<u8> {
    reply(number, META_CONTEXT, &context(id, name))
}

#[test]
fn contexts_are_listed_and_counted_and_nothing_is_selected() {
    let ended = list(&["base:", "qemu:"])
        .server(one(LIST_META_CONTEXT, 0, "base:allocation"))
        .server(one(LIST_META_CONTEXT, 0, "qemu:dirty-bitmap:b"))
        .server(reply(LIST_META_CONTEXT, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(2)));
    assert_eq!(ended.found, ["base:allocation", "qemu:dirty-bitmap:b"]);
    assert_eq!(ended.contexts(), (false, vec![]));
}

#[test]
fn without_queries_the_server_chooses() {
    let ended = list(&[])
        .server(one(LIST_META_CONTEXT, 0, "base:allocation"))
        .server(reply(LIST_META_CONTEXT, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(1)));
    let ended = set(&[]).server(reply(SET_META_CONTEXT, ACK, &[])).hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
    assert_eq!(ended.contexts(), (true, vec![]));
}

#[test]
fn listing_does_not_disturb_what_was_selected() {
    let selected = set(&["base:allocation"])
        .server(one(SET_META_CONTEXT, 7, "base:allocation"))
        .server(reply(SET_META_CONTEXT, ACK, &[]))
        .hold();
    let talk = Talk::about(list_contexts(&[]), plain("vol7"), selected.session)
        .client(option(LIST_META_CONTEXT, &queries("vol7", &[])));
    for last in [ACK, UNSUP] {
        let ended = talk
            .clone()
            .server(one(LIST_META_CONTEXT, 0, "x-other:one"))
            .server(reply(LIST_META_CONTEXT, last, &[]))
            .hold();
        assert_eq!(ended.contexts(), (true, vec![(7, "base:allocation")]));
    }
}

#[test]
fn a_selection_replaces_the_one_before_even_if_it_fails() {
    let selected = set(&["base:allocation"])
        .server(one(SET_META_CONTEXT, 7, "base:allocation"))
        .server(one(SET_META_CONTEXT, 8, "x-not:asked"))
        .server(reply(SET_META_CONTEXT, ACK, &[]))
        .hold();
    assert_eq!(selected.answer, Ok(Next::Negotiating(2)));
    assert_eq!(selected.found, ["base:allocation", "x-not:asked"]);
    assert_eq!(
        selected.contexts(),
        (true, vec![(7, "base:allocation"), (8, "x-not:asked")])
    );
    let again = |replies: &[Vec<u8>]| {
        Talk::about(
            set_contexts(&["qemu:"]),
            plain("vol7"),
            selected.session.clone(),
        )
        .client(option(SET_META_CONTEXT, &queries("vol7", &["qemu:"])))
        .server(replies.concat())
        .hold()
    };
    let ended = again(&[
        one(SET_META_CONTEXT, 1, "qemu:x"),
        reply(SET_META_CONTEXT, ACK, &[]),
    ]);
    assert_eq!(ended.contexts(), (true, vec![(1, "qemu:x")]));
    let ended = again(&[reply(SET_META_CONTEXT, UNSUP, &[])]);
    assert_eq!(ended.contexts(), (false, vec![]));
}

#[test]
fn every_refusal_of_a_context_option_is_unsupported() {
    for refusal in [UNSUP, 0x8000_0002, 0x8000_0003, 0x8000_0006, 0x8000_0009] {
        for (talk, number) in [
            (list(&["base:"]), LIST_META_CONTEXT),
            (set(&["base:"]), SET_META_CONTEXT),
        ] {
            let ended = talk.server(reply(number, refusal, b"not today")).hold();
            let (kind, error) = ended.refused();
            assert_eq!((kind, error.errno()), (refusal, libc::ENOTSUP));
            assert!(error.text().contains("not today"), "{error}");
        }
    }
}

#[test]
fn a_malformed_context_ends_the_connection() {
    let name = "x".repeat(4097);
    for data in [
        vec![],
        vec![0; 3],
        context(7, ""),
        context(7, &name),
        context(7, &name.repeat(3)),
    ] {
        for (talk, number) in [
            (list(&["base:"]), LIST_META_CONTEXT),
            (set(&["base:"]), SET_META_CONTEXT),
        ] {
            let ended = talk.server(reply(number, META_CONTEXT, &data)).hold();
            assert_eq!(ended.broken().errno(), 0);
        }
    }
    let longest = &name[..4096];
    let ended = set(&["base:"])
        .server(one(SET_META_CONTEXT, 7, longest))
        .server(reply(SET_META_CONTEXT, ACK, &[]))
        .hold();
    assert_eq!(ended.contexts(), (true, vec![(7, longest)]));
}

#[test]
fn other_replies_do_not_answer_a_context_option() {
    for kind in [2, INFO, 5] {
        let ended = set(&["base:"])
            .server(reply(SET_META_CONTEXT, kind, &context(7, "base:x")))
            .hold();
        assert_eq!(ended.broken().errno(), 0);
    }
}

#[test]
fn so_many_contexts_are_accepted_and_no_more() {
    const MOST: usize = 65_536;
    for (talk, number) in [(list(&[]), LIST_META_CONTEXT), (set(&[]), SET_META_CONTEXT)] {
        let all = talk.server(one(number, 7, "x-a:b").repeat(MOST));
        let ended = all.clone().server(reply(number, ACK, &[])).hold_once();
        assert_eq!(ended.answer, Ok(Next::Negotiating(MOST)));
        assert_eq!(ended.found.len(), MOST);
        let ended = all.server(one(number, 7, "x-a:b")).hold_once();
        assert_eq!(ended.broken().errno(), libc::EOVERFLOW);
        assert!(ended.broken().text().contains("65536"));
        assert_eq!(ended.found.len(), MOST);
    }
}

#[test]
fn the_names_that_are_remembered_have_a_limit_together() {
    let name = "x".repeat(4096);
    let most = (16 << 20) / name.len();
    let all = set(&[]).server(one(SET_META_CONTEXT, 7, &name).repeat(most));
    let granted = all.clone().server(reply(SET_META_CONTEXT, ACK, &[]));
    let ended = granted.hold_once();
    assert_eq!(ended.answer, Ok(Next::Negotiating(most)));
    let ended = all.server(one(SET_META_CONTEXT, 7, "x")).hold_once();
    assert_eq!(ended.broken().errno(), libc::EOVERFLOW);
    assert_eq!(ended.found.len(), most);
    // Listing stores nothing.
    let listed = list(&[])
        .server(one(LIST_META_CONTEXT, 7, &name).repeat(most + 1))
        .server(reply(LIST_META_CONTEXT, ACK, &[]));
    assert_eq!(listed.hold_once().answer, Ok(Next::Negotiating(most + 1)));
}

#[test]
fn queries_go_out_as_they_are() {
    let wanted = [
        "base:allocation",
        "",
        "base:allocation",
        "qemu:dirty-bitmap:\u{e9}",
    ];
    let ended = set(&wanted)
        .server(reply(SET_META_CONTEXT, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
}

/// Opening the export, with contexts requested.
fn on_the_way(structured_replies: bool, wanted: &[&str]) -> Talk {
    let talk = Talk::greeted(Config {
        structured_replies,
        contexts: c_strings(wanted),
        ..plain("vol7")
    });
    if structured_replies {
        talk.asked(STRUCTURED_REPLY, ACK)
    } else {
        talk
    }
}

fn opened(talk: Talk) -> super::talk::Ended {
    let ended = talk
        .client(option(GO, &information_wanted("vol7", &[])))
        .server(reply(GO, INFO, &information(0, &basics(512, 1))))
        .server(reply(GO, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Transmission));
    ended
}

#[test]
fn nothing_is_selected_if_nothing_is_wanted_or_nothing_could_come_of_it() {
    let ended = opened(on_the_way(true, &[]));
    assert_eq!(ended.contexts(), (true, vec![]));
    let ended = opened(on_the_way(false, &["base:allocation"]));
    assert_eq!(ended.contexts(), (true, vec![]));
}

#[test]
fn a_refused_selection_leaves_an_export_without_contexts() {
    let wanted = ["base:allocation"];
    let asked =
        || on_the_way(true, &wanted).client(option(SET_META_CONTEXT, &queries("vol7", &wanted)));
    for refusal in [UNSUP, 0x8000_0003, 0x8000_0009] {
        let talk = asked().server(reply(SET_META_CONTEXT, refusal, &[]));
        assert_eq!(opened(talk).contexts(), (true, vec![]));
        // Half a selection is not valid.
        let talk = asked()
            .server(one(SET_META_CONTEXT, 7, "base:allocation"))
            .server(reply(SET_META_CONTEXT, refusal, &[]));
        assert!(!opened(talk).contexts().0);
    }
    let talk = asked().server(reply(SET_META_CONTEXT, ACK, &[]));
    assert_eq!(opened(talk).contexts(), (true, vec![]));
}
