//! Damaged output: what arrives at the client.

use std::sync::Arc;

use embedded_server::{Config, Disk, End, Faults, Replies};

use super::client::*;

/// All that a server sends in a short session: greeting, GO, one read of 16 bytes.
fn session(faults: Faults) -> (Vec<u8>, End) {
    let disk = Arc::new(Disk::pattern(4096));
    let mut client = Client::new(Config {
        disk,
        replies: Replies::Simple,
        faults,
        ..Config::default()
    });
    let read = "25609513 0000 0000 0000000000000001 0000000000000008 00000010";
    let mut received = Vec::new();
    // Like a client that notices nothing but the end of the stream.
    for (send, answer) in [("", 18), (CLIENT_FLAGS, 0), (GO, 32 + 20), (read, 32)] {
        client.try_send(&hex(send));
        received.extend(client.receive_up_to(answer));
    }
    client.try_send(&hex(DISC));
    received.extend(client.rest());
    (received, client.close().end)
}

#[test]
fn a_cut_connection_ends_after_exactly_so_many_bytes() {
    let (whole, end) = session(Faults::default());
    assert_eq!((whole.len(), end), (18 + 52 + 32, End::Disconnected));
    for cut in 0..=whole.len() {
        let (received, end) = session(Faults {
            cut: Some(cut as u64),
            ..Faults::default()
        });
        assert_eq!(received, whole[..cut], "cut at {cut}");
        assert_eq!(end, End::Cut);
    }
}

#[test]
fn a_flipped_byte_arrives_flipped() {
    let (whole, _) = session(Faults::default());
    for position in 0..whole.len() {
        let (received, _) = session(Faults {
            flips: vec![(position as u64, 0x10)],
            ..Faults::default()
        });
        let mut expected = whole.clone();
        expected[position] ^= 0x10;
        assert_eq!(received, expected);
    }
}

#[test]
fn dripping_loses_nothing() {
    let (whole, _) = session(Faults::default());
    for drip in [1, 2, 7] {
        let (received, end) = session(Faults {
            drip: Some(drip),
            ..Faults::default()
        });
        assert_eq!((received, end), (whole.clone(), End::Disconnected));
    }
}
