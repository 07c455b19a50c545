//! The list of exports.

use crate::negotiation::Next;
use crate::negotiation::list::MAX_EXPORTS;

use super::talk::{
    self, ACK, INFO, LIST, SERVER, Talk, counted, fixed, option, plain, reply, reply_header,
};

fn list() -> Talk {
    Talk::about(talk::list(), plain(""), fixed()).client(option(LIST, &[]))
}

fn entry(name: &str, description: &str) -> Vec<u8> {
    let data = [counted(name), description.as_bytes().to_vec()].concat();
    reply(LIST, SERVER, &data)
}

#[test]
fn exports_are_listed_with_their_descriptions_and_counted() {
    let ended = list()
        .server(entry("", ""))
        .server(entry("vol7", "a volume"))
        .server(entry("vol8\0hidden", "\0hidden"))
        .server(reply(LIST, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(3)));
    assert_eq!(ended.found, [": ", "vol7: a volume", "vol8: "]);
}

#[test]
fn a_server_may_have_no_exports() {
    let ended = list().server(reply(LIST, ACK, &[])).hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(0)));
}

#[test]
fn every_refusal_of_a_list_is_unsupported_and_another_option_may_follow() {
    for refusal in [
        0x8000_0001,
        0x8000_0002,
        0x8000_0003,
        0x8000_0005,
        0x8000_0007,
    ] {
        let ended = list()
            .server(entry("vol7", ""))
            .server(reply(LIST, refusal, b"secret"))
            .hold();
        let (kind, error) = ended.refused();
        assert_eq!((kind, error.errno()), (refusal, libc::ENOTSUP));
        assert!(error.text().contains("secret"), "{error}");
        assert_eq!(ended.found, ["vol7: "]);
    }
}

#[test]
fn the_longest_entry_is_reported_and_a_longer_one_skipped() {
    let longest = "x".repeat(4096);
    let ended = list()
        .server(entry(&longest, &longest))
        .server(entry(&longest, &"x".repeat(4097)))
        .server(entry("last", ""))
        .server(reply(LIST, ACK, &[]))
        .hold();
    assert_eq!(ended.answer, Ok(Next::Negotiating(2)));
    assert_eq!(
        ended.found,
        [format!("{longest}: {longest}"), "last: ".into()]
    );
}

#[test]
fn a_malformed_entry_ends_the_connection() {
    for data in [
        vec![],
        vec![0; 3],
        // A name longer than the entry.
        vec![0, 0, 0, 2, b'x'],
        vec![0xff; 8],
        // Strings that are too long, one at a time.
        counted(&"x".repeat(4097)),
        [counted(""), vec![b'x'; 4097]].concat(),
    ] {
        let ended = list().server(reply(LIST, SERVER, &data)).hold();
        assert_eq!(ended.broken().errno(), 0);
    }
    let ended = list().server(reply(LIST, INFO, &[0; 4])).hold();
    assert_eq!(ended.broken().errno(), 0);
}

#[test]
fn an_endless_list_ends_the_connection_even_if_all_of_it_is_skipped() {
    let header = reply_header(LIST, SERVER, 8197);
    let skipped = [header, vec![0; 8197]].concat();
    for (again, reported) in [(entry("vol", ""), MAX_EXPORTS), (skipped, 0)] {
        let all = list().server(again.repeat(MAX_EXPORTS));
        let ended = all.clone().server(reply(LIST, ACK, &[])).hold_once();
        assert_eq!(ended.answer, Ok(Next::Negotiating(reported)));
        let ended = all.server(&again).hold_once();
        assert_eq!(ended.broken().errno(), 0);
        assert_eq!(ended.found.len(), reported);
    }
}
