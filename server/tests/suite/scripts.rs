//! Scripts against a client of bare bytes.

use embedded_server::script::{Token, Which};
use embedded_server::{Config, End, Outcome, Replies, Script, Step};

use super::client::*;

fn follow(script: &str) -> Client {
    Client::new(Config {
        script: Some(Script::parse(script).unwrap()),
        ..Config::default()
    })
}

#[track_caller]
fn assert_failed(outcome: &Outcome, text: &str) {
    assert_eq!(outcome.end, End::ScriptFailed);
    assert_eq!(outcome.violations.len(), 1);
    assert!(
        outcome.violations[0].contains(text),
        "{}",
        outcome.violations[0]
    );
}

/// A whole session, each side from its own description of it.
#[test]
fn whole_session() {
    let mut client = follow(
        r#"
        send NBDMAGIC IHAVEOPT u16:3
        expect u32:3
        read-option EXTENDED_HEADERS
        option-reply UNSUP
        read-option structured-reply
        option-reply ACK
        expect IHAVEOPT u32:10 u32:31 u32:4 "vol7" u32:1 u32:15 "base:allocation"
        # An expected option is not remembered as read, so its reply is spelt out.
        send OPTREPLY u32:10 u32:4 u32:19 u32:7 "base:allocation"
        send OPTREPLY u32:10 u32:1 zero:4
        read-option GO
        option-reply INFO u16:0 u64:0x800000 u16:0x01ed
        option-reply INFO u16:3 u32:512 u32:4096 u32:0x2000000
        option-reply ACK
        read-request READ
        chunk 0 OFFSET_DATA u64:4096 fill:0xab*4096
        chunk DONE OFFSET_HOLE u64:8192 u32:4096
        expect 25609513 0008 0007 ................ zero:8 00100000
        send 668e33ef 0001 0005 u64:0x12 u32:12 u32:7 u32:0x40000 u32:3
        read-request WRITE
        chunk DONE ERROR_OFFSET u32:5 u16:10 "bad sector" u64:0x3000
        read-request DISC
        expect-eof
        "#,
    );
    client.expect("4e42444d41474943 49484156454f5054 0003");
    client.send("00000003");
    client.send("49484156454f5054 0000000b 00000000");
    client.expect("0003e889045565a9 0000000b 80000001 00000000");
    client.send("49484156454f5054 00000008 00000000");
    client.expect("0003e889045565a9 00000008 00000001 00000000");
    client.send(
        "49484156454f5054 0000000a 0000001f
         00000004 766f6c37 00000001 0000000f 626173653a616c6c6f636174696f6e",
    );
    client.expect(
        "0003e889045565a9 0000000a 00000004 00000013 00000007 626173653a616c6c6f636174696f6e
         0003e889045565a9 0000000a 00000001 00000000",
    );
    client.send("49484156454f5054 00000007 0000000c 00000004 766f6c37 0001 0003");
    client.expect(
        "0003e889045565a9 00000007 00000003 0000000c 0000 0000000000800000 01ed
         0003e889045565a9 00000007 00000003 0000000e 0003 00000200 00001000 02000000
         0003e889045565a9 00000007 00000001 00000000",
    );
    client.send("25609513 0000 0000 0000000000000011 0000000000001000 00002000");
    client.expect("668e33ef 0000 0001 0000000000000011 00001008 0000000000001000");
    client.expect(&"ab".repeat(4096));
    client.expect("668e33ef 0001 0002 0000000000000011 0000000c 0000000000002000 00001000");
    client.send("25609513 0008 0007 0000000000000012 0000000000000000 00100000");
    client.expect("668e33ef 0001 0005 0000000000000012 0000000c 00000007 00040000 00000003");
    client.send("25609513 0000 0001 0000000000000013 0000000000003000 00000002 abcd");
    client.expect(
        "668e33ef 0001 8002 0000000000000013 00000018 00000005 000a 62616420736563746f72
         0000000000003000",
    );
    client.send("25609513 0000 0002 0000000000000017 0000000000000000 00000000");
    let outcome = client.close();
    assert_eq!((outcome.end, outcome.violations), (End::ScriptDone, vec![]));
}

#[test]
fn extended_replies() {
    let mut client = follow(
        "read-request WRITE
         ext-chunk DONE NONE =
         read-request BLOCK_STATUS
         ext-chunk 0 BLOCK_STATUS_EXT 0x10 u32:7 u32:1 u64:0x10000000000 u64:3
         @1 ext-chunk DONE ERROR = u32:5 u16:0",
    );
    client.send("21e41c71 0021 0001 0000000000000014 0000000000001000 0000000000000002 abcd");
    client.expect("6e8a278c 0001 0000 0000000000000014 0000000000001000 0000000000000000");
    client.send(
        "21e41c71 0020 0007 0000000000000016 0000000000000000 000000000000000c
         0000010000000000 00000007",
    );
    client.expect(
        "6e8a278c 0000 0006 0000000000000016 0000000000000010 0000000000000018
         00000007 00000001 0000010000000000 0000000000000003",
    );
    client.expect(
        "6e8a278c 0001 8001 0000000000000014 0000000000001000 0000000000000006 00000005 0000",
    );
    assert_eq!(client.closed().end, End::ScriptDone);
}

#[test]
fn requests_are_answered_in_any_order() {
    let mut client = follow(
        "read-request READ
         read-request FLUSH
         @2 simple 0
         simple @1 0 data:8+8
         send cookie cookie:1
         simple EIO",
    );
    client.send("25609513 0000 0000 0000000000000001 0000000000000008 00000008");
    client.send("25609513 0000 0003 0000000000000002 0000000000000000 00000000");
    client.expect("67446698 00000000 0000000000000002");
    client.expect("67446698 00000000 0000000000000001 0000000000000008");
    client.expect("0000000000000002 0000000000000001");
    client.expect("67446698 00000005 0000000000000002");
    assert_eq!(client.closed().violations, [""; 0]);
}

#[test]
fn built_by_hand() {
    let steps = [
        Step::ReadRequest(None),
        Step::Send(vec![
            Token::Cookie(Which::Last),
            Token::Data {
                offset: 7,
                length: 2,
            },
        ]),
        Step::Simple {
            to: Which::Number(1),
            error: 0,
            data: vec![],
        },
        Step::Close,
        Step::Expect(vec![Token::Any]),
    ];
    let mut client = Client::new(Config {
        script: Some(Script::new(steps)),
        ..Config::default()
    });
    client.send("25609513 0000 0003 0000000000000002 0000000000000000 00000000");
    client.expect("0000000000000002 0000 67446698 00000000 0000000000000002");
    assert_eq!(client.closed().end, End::ScriptDone);
}

#[test]
fn regular_parts() {
    let mut client = follow(
        "handshake
         read-request READ
         simple EIO
         serve",
    );
    client.greet();
    client.go();
    client.send("25609513 0000 0000 0000000000000001 0000000000000000 00000004");
    client.expect("67446698 00000005 0000000000000001");
    client.send("25609513 0000 0000 0000000000000002 0000000000000000 00000004");
    client.expect("67446698 00000000 0000000000000002 00000000");
    client.send(DISC);
    assert_eq!(client.closed().end, End::Disconnected);

    let mut client = follow("serve extended");
    client.send("21e41c71 0000 0000 0000000000000001 0000000000000000 0000000000000001");
    client.expect("6e8a278c 0001 0001 0000000000000001 0000000000000000 0000000000000009");
    client.expect("0000000000000000 00");
    assert_eq!(client.close().end, End::Closed);
}

#[test]
fn a_client_that_differs_is_diagnosed_in_hex() {
    let mut client = follow("\n\nexpect 00 .. u16:0x102 data:8+8\nsend 00");
    client.send("00ff 0102 0000000000000009");
    let outcome = client.closed();
    assert_failed(&outcome, "script line 3: byte 11 differs");
    assert_failed(
        &outcome,
        "\n  expected 00..0102 00000000 00000008\n  received 00ff0102 00000000 00000009",
    );
}

#[test]
fn a_difference_far_behind_is_shown() {
    let mut client = follow("expect zero:4096");
    let mut bytes = [0; 4096];
    bytes[4095] = 0x77;
    client.try_send(&bytes);
    let outcome = client.closed();
    assert_failed(&outcome, "byte 4095 differs (shown from byte 3964)");
    assert_failed(&outcome, "00000077");
}

#[test]
fn other_messages_than_expected() {
    let flush = "25609513 0000 0003 0000000000000001 0000000000000000 00000000";
    for (script, bytes, text) in [
        (
            "read-option GO",
            STRUCTURED,
            "expected GO, received STRUCTURED_REPLY",
        ),
        ("read-option", flush, "option with magic"),
        ("read-request READ", flush, "expected READ, received FLUSH"),
        ("read-request", STRUCTURED, "request with magic"),
        (
            "read-request\nread-option",
            flush,
            "script line 2: the client closed",
        ),
        ("read 20", flush, "the client closed"),
        (
            "expect 25 60\nexpect-eof",
            flush,
            "26 bytes where the client should close",
        ),
        ("simple 0", flush, "the request to reply to was not read"),
        (
            "read-request\nsimple @2 0",
            flush,
            "the request to reply to was not read",
        ),
    ] {
        let mut client = follow(script);
        client.try_send(
            &hex(bytes)[..if script == "read 20" {
                19
            } else {
                hex(bytes).len()
            }],
        );
        assert_failed(&client.close(), text);
    }
}

#[test]
fn the_client_may_leave_while_the_server_sends_or_waits() {
    let outcome = follow("wait-eof\nsend 00").close();
    assert_eq!((outcome.end, outcome.violations), (End::Unheard, vec![]));
    let mut client = follow("wait-eof");
    client.send("00 01 02");
    assert_eq!(client.close().end, End::ScriptDone);
}

#[test]
fn half_closed() {
    let mut client = follow("send 01\nshutdown-write\nexpect 02\nsleep 1");
    assert_eq!(client.rest(), [1]);
    client.send("02");
    assert_eq!(client.close().violations, [""; 0]);
}

#[test]
fn faults_apply_to_scripts() {
    let mut config = Config {
        script: Some(Script::parse("send 000000\nsend 00").unwrap()),
        ..Config::default()
    };
    config.faults.flips = vec![(1, 0xff)];
    config.faults.cut = Some(2);
    config.replies = Replies::Simple;
    let mut client = Client::new(config);
    assert_eq!(client.rest(), [0, 0xff]);
    assert_eq!(client.close().end, End::Cut);
}
