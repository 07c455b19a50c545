//! Clients that break the protocol: the violation report, and a server that survives.

use std::sync::Arc;

use super::client::*;
use embedded_server::{Config, Disk, End, Handshake, Outcome, Replies};

fn config() -> Config {
    Config {
        disk: Arc::new(Disk::ram(1 << 20)),
        ..Config::default()
    }
}

/// How the server reacts to these bytes after the greeting.
fn handshake(config: Config, bytes: &str) -> Outcome {
    let mut client = Client::new(config);
    client.receive(18);
    client.try_send(&hex(bytes));
    client.close()
}

#[track_caller]
fn assert_dropped(outcome: &Outcome, text: &str) {
    assert_eq!(outcome.end, End::Dropped);
    assert_diagnosed(outcome, text);
}

#[track_caller]
fn assert_diagnosed(outcome: &Outcome, text: &str) {
    let violations = &outcome.violations;
    assert!(
        violations.iter().any(|violation| violation.contains(text)),
        "{text}: {violations:?}"
    );
}

#[test]
fn fatal_in_the_handshake() {
    let plain = || Config {
        handshake: Handshake::Newstyle,
        ..config()
    };
    let no_zeroes = || Config {
        no_zeroes: false,
        ..config()
    };
    for (config, bytes, text) in [
        (config(), "00000007", "client flags 0x4"),
        (no_zeroes(), "00000003", "client flags 0x2"),
        (plain(), "00000001", "client flags 0x1"),
        (
            config(),
            "00000003 49484156454f5055 00000001 00000000",
            "option with magic",
        ),
        (
            config(),
            "00000003 49484156454f5054 00000001 00100001",
            "with 1048577 bytes",
        ),
        (
            plain(),
            "00000000 49484156454f5054 00000003 00000000",
            "without fixed newstyle",
        ),
        (
            config(),
            "00000002 49484156454f5054 00000003 00000000",
            "without fixed newstyle",
        ),
    ] {
        assert_dropped(&handshake(config, bytes), text);
    }
    let mut client = Client::new(config());
    client.greet();
    client.send(EXTENDED);
    client.expect(EXTENDED_ACK);
    client.send("49484156454f5054 00000001 00000000");
    assert_dropped(&client.closed(), "EXPORT_NAME after extended headers");
}

/// Sends an option, expects this final error, and that the haggling goes on.
fn refused_option(structured: bool, option: &str, data: &[u8], error: &str) -> Outcome {
    let mut client = Client::new(config());
    client.greet();
    if structured {
        client.send(STRUCTURED);
        client.expect(STRUCTURED_ACK);
    }
    let length = (data.len() as u32).to_be_bytes();
    client.try_send(&[&hex("49484156454f5054"), &hex(option)[..], &length, data].concat());
    let (kind, _) = client.option_reply();
    assert_eq!(kind.to_be_bytes()[..], hex(error));
    client.go();
    client.close()
}

#[test]
fn malformed_options_are_refused() {
    let invalid = "80000003";
    let long = [&hex("00001001")[..], &[b'a'; 4097], &hex("0000")].concat();
    for (structured, option, data, error, text) in [
        (
            false,
            "00000003",
            &hex("00")[..],
            invalid,
            "data is not allowed",
        ),
        (
            false,
            "00000008",
            &hex("00"),
            invalid,
            "data is not allowed",
        ),
        (
            false,
            "00000005",
            &hex("00"),
            invalid,
            "data is not allowed",
        ),
        (
            false,
            "0000000b",
            &hex("00"),
            invalid,
            "data is not allowed",
        ),
        (false, "00000004", &[], "80000001", "withdrawn"),
        (false, "00000006", &hex("00000001 0000"), invalid, "lengths"),
        (false, "00000007", &hex("ffffffff 0000"), invalid, "lengths"),
        (false, "00000007", &hex("00000000 0001"), invalid, "lengths"),
        (
            false,
            "00000007",
            &hex("00000000 0000 00"),
            invalid,
            "lengths",
        ),
        (false, "00000007", &[], invalid, "lengths"),
        (
            false,
            "00000007",
            &hex("00000000 0002 0003 0003"),
            invalid,
            "twice",
        ),
        (false, "00000007", &hex("00000001 00 0000"), invalid, "NUL"),
        (
            false,
            "00000007",
            &hex("00000001 ff 0000"),
            invalid,
            "UTF-8",
        ),
        (false, "00000007", &long, invalid, "4096"),
        (
            false,
            "0000000a",
            &hex("00000000 00000000"),
            invalid,
            "needs structured",
        ),
        (
            true,
            "0000000a",
            &hex("00000000 00000001"),
            invalid,
            "lengths",
        ),
        (
            true,
            "0000000a",
            &hex("00000000 ffffffff"),
            invalid,
            "lengths",
        ),
        (
            true,
            "00000009",
            &hex("00000000 00000001 00000005 61"),
            invalid,
            "lengths",
        ),
        (
            true,
            "00000009",
            &hex("00000000 00000001 00000001 61"),
            invalid,
            "namespace",
        ),
    ] {
        assert_diagnosed(&refused_option(structured, option, data, error), text);
    }
}

#[test]
fn unwelcome_options_are_no_violations() {
    for (structured, option, data, error) in [
        (false, "00000005", &[][..], "80000001"),
        (false, "000000ff", b"?", "80000001"),
        (false, "00000009", &hex("00000000 00000000"), "80000003"),
        (true, "00000008", &[], "80000003"),
    ] {
        assert_eq!(
            refused_option(structured, option, data, error).violations,
            [""; 0]
        );
    }
}

#[test]
fn a_client_must_await_the_final_reply() {
    let outcome = handshake(config(), &[CLIENT_FLAGS, STRUCTURED, GO].concat());
    assert_diagnosed(&outcome, "before its reply");
}

/// Sends a request in simple mode, and expects this error.
fn failing_request(config: Config, request: &str, error: &str) -> Outcome {
    let mut client = Client::new(Config {
        replies: Replies::Simple,
        ..config
    });
    client.greet();
    client.send("49484156454f5054 00000007 00000008 00000000 0001 0003");
    while client.option_reply().0 != 1 {}
    client.send(request);
    client.expect("67446698");
    client.expect(error);
    client.receive(8);
    client.send(DISC);
    client.closed()
}

#[test]
fn bad_requests_fail_with_a_diagnosis() {
    let sizes = || Config {
        block_size: Some("1K,4K,64K".parse().unwrap()),
        flags: Some(1),
        ..config()
    };
    let read_only = || Config {
        read_only: true,
        ..config()
    };
    let (eperm, einval, enospc) = ("00000001", "00000016", "0000001c");
    let data = "00".repeat(1024);
    for (config, request, error, text) in [
        (
            config(),
            "25609513 0000 0009 0000000000000001 0000000000000000 00000001",
            einval,
            "unknown command",
        ),
        (
            config(),
            "25609513 0002 0000 0000000000000001 0000000000000000 00000001",
            einval,
            "no meaning",
        ),
        (
            config(),
            "25609513 0020 0000 0000000000000001 0000000000000000 00000001",
            einval,
            "no meaning",
        ),
        (
            config(),
            "25609513 0004 0000 0000000000000001 0000000000000000 00000001",
            einval,
            "flag was not offered",
        ),
        (
            config(),
            "25609513 0000 0000 0000000000000001 0000000000000000 00000000",
            einval,
            "empty range",
        ),
        (
            config(),
            "25609513 0000 0000 0000000000000001 00000000000fffff 00000002",
            einval,
            "beyond the end",
        ),
        (
            config(),
            "25609513 0000 0000 0000000000000001 ffffffffffffffff 00000001",
            einval,
            "beyond the end",
        ),
        (
            config(),
            "25609513 0000 0001 0000000000000001 0000000000100000 00000001 00",
            enospc,
            "beyond the end",
        ),
        (
            config(),
            "25609513 0000 0006 0000000000000001 0000000000000000 ffffffff",
            enospc,
            "beyond the end",
        ),
        (
            config(),
            "25609513 0000 0003 0000000000000001 0000000000000000 00000001",
            einval,
            "FLUSH with a range",
        ),
        (
            config(),
            "25609513 0000 0007 0000000000000001 0000000000000000 00000001",
            einval,
            "no meta context",
        ),
        (
            read_only(),
            "25609513 0000 0001 0000000000000001 0000000000000000 00000001 00",
            eperm,
            "read-only",
        ),
        (
            read_only(),
            "25609513 0000 0004 0000000000000001 0000000000000000 00000001",
            eperm,
            "read-only",
        ),
        (
            sizes(),
            "25609513 0000 0003 0000000000000001 0000000000000000 00000000",
            einval,
            "command was not offered",
        ),
        (
            sizes(),
            "25609513 0000 0000 0000000000000001 0000000000000200 00000400",
            einval,
            "not aligned",
        ),
        (
            sizes(),
            "25609513 0000 0000 0000000000000001 0000000000000000 00000401",
            einval,
            "not aligned",
        ),
        (
            sizes(),
            "25609513 0000 0000 0000000000000001 0000000000000000 00010400",
            einval,
            "longer than the maximum",
        ),
        (
            sizes(),
            &format!("25609513 0001 0001 0000000000000001 0000000000000000 00000400 {data}"),
            einval,
            "flag was",
        ),
    ] {
        let outcome = failing_request(config, request, error);
        assert_eq!(outcome.end, End::Disconnected, "{text}");
        assert_diagnosed(&outcome, text);
        assert_eq!(outcome.violations.len(), 1, "{:?}", outcome.violations);
    }
}

fn extended(bytes: &str) -> Client {
    let mut client = Client::new(config());
    client.greet();
    client.send(EXTENDED);
    client.expect(EXTENDED_ACK);
    client.send(SET_ALLOCATION);
    client.receive(39 + 20);
    client.go();
    client.try_send(&hex(bytes));
    client
}

#[test]
fn bad_extended_requests_fail_with_a_diagnosis() {
    for (request, text) in [
        (
            "0020 0000 0000000000000001 0000000000000000 0000000000000001 00",
            "no meaning",
        ),
        (
            "0020 0007 0000000000000001 0000000000000000 0000000000000007 00000000000000",
            "wrong length",
        ),
        (
            "0020 0007 0000000000000001 0000000000000000 0000000000000009 000000000000000001",
            "wrong length",
        ),
        (
            "0020 0007 0000000000000001 0000000000000000 0000000000000008 0000000000000001",
            "not selected",
        ),
        (
            "0020 0007 0000000000000001 0000000000000000 000000000000000c 0000000000000001 00000002",
            "not selected",
        ),
        (
            "0020 0007 0000000000000001 0000000000000000 0000000000000010
             0000000000000001 00000001 00000001",
            "twice",
        ),
        (
            "0000 0007 0000000000000001 0000000000000000 ffffffffffffffff",
            "beyond the end",
        ),
    ] {
        let mut client = extended(&["21e41c71", request].concat());
        client.expect("6e8a278c 0001 8001 0000000000000001 0000000000000000");
        let length = client.receive(8)[7];
        assert_eq!(client.receive(length.into())[..4], hex("00000016"));
        client.send(EXTENDED_DISC);
        assert_diagnosed(&client.closed(), text);
    }
}

#[test]
fn a_write_that_lacks_payload_len_is_served_all_the_same() {
    let mut client =
        extended("21e41c71 0000 0001 0000000000000001 0000000000000000 0000000000000002 abcd");
    client.expect("6e8a278c 0001 0000 0000000000000001 0000000000000000 0000000000000000");
    client.send(EXTENDED_DISC);
    assert_diagnosed(&client.closed(), "PAYLOAD_LEN is missing");
}

#[test]
fn fatal_in_transmission() {
    for (bytes, text) in [
        ("12345678", "magic 0x12345678"),
        (DISC, "compact request header was not negotiated"),
        (
            "21e41c71 0020 0001 0000000000000001 0000000000000000 0000000004000001",
            "payload of",
        ),
    ] {
        assert_dropped(&extended(bytes).closed(), text);
    }
}

#[test]
fn disc_ends_everything() {
    let disc = "21e41c71 0000 0002 0000000000000001 0000000000000000 0000000000000001";
    assert_diagnosed(&extended(disc).closed(), "must be zero");
    assert_diagnosed(
        &extended(&[EXTENDED_DISC, EXTENDED_DISC].concat()).closed(),
        "after DISC",
    );
}

#[test]
fn cookies_in_flight_must_differ() {
    let mut client = Client::new(Config {
        reorder: 2,
        replies: Replies::Simple,
        ..config()
    });
    client.greet();
    client.go();
    let flush = "25609513 0000 0003 0000000000000007 0000000000000000 00000000";
    client.send(&[flush, flush].concat());
    client.receive(32);
    assert_diagnosed(&client.close(), "cookie");
}

#[test]
fn a_client_may_leave_at_any_byte() {
    let session = [hex(CLIENT_FLAGS), hex(GO), hex(DISC)].concat();
    for length in 0..session.len() {
        let mut client = Client::new(config());
        client.try_send(&session[..length]);
        let outcome = client.close();
        let ends = [End::Closed, End::ClosedInside, End::Unheard];
        assert!(ends.contains(&outcome.end), "{length}: {outcome:?}");
    }
}

/// Numbers that look random and are the same in each run.
struct Noise(u64);
impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }
}

#[test]
fn damaged_sessions_do_not_bring_the_server_down() {
    let session = [
        CLIENT_FLAGS,
        EXTENDED,
        SET_ALLOCATION,
        "49484156454f5054 00000007 00000008 00000000 0001 0003",
        "21e41c71 0021 0001 0000000000000014 0000000000000000 0000000000000008 0011223344556677",
        "21e41c71 0000 0006 0000000000000015 0000000000000000 0000000000001000",
        "21e41c71 0020 0007 0000000000000016 0000000000000000 000000000000000c 0000000000001000 00000001",
        "21e41c71 0008 0007 0000000000000017 0000000000000000 0000000000001000",
        "21e41c71 0000 0000 0000000000000018 0000000000000000 0000000000001000",
        "21e41c71 0000 0004 0000000000000019 0000000000000000 0000000000001000",
        EXTENDED_DISC,
    ]
    .concat();
    let session = hex(&session);
    let mut noise = Noise(1);
    for _ in 0..2000 {
        let mut damaged = session.clone();
        for _ in 0..=noise.next() % 3 {
            let index = noise.next() as usize % damaged.len();
            damaged[index] = [0, 0xff, 1, 0x7f, noise.next() as u8][noise.next() as usize % 5];
        }
        let mut client = Client::new(config());
        client.try_send(&damaged);
        // Joins the thread: a panic would fail the test.
        client.close();
    }
}
