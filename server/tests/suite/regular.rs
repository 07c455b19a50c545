//! The regular server, byte by byte, from the protocol's message layouts.

use std::sync::Arc;

use super::client::*;
use embedded_server::{Config, Disk, End, Export, Handshake, Replies};

fn config() -> Config {
    Config {
        disk: Arc::new(Disk::ram(8 << 20)),
        ..Config::default()
    }
}

fn simple_config() -> Config {
    Config {
        replies: Replies::Simple,
        ..config()
    }
}

/// A session with structured replies, a meta context and an export by name.
#[test]
fn structured_session() {
    let disk = Arc::new(Disk::ram(8 << 20));
    disk.write_at(0x1000, &[0xab; 0x1000]).unwrap();
    let mut client = Client::new(Config {
        disk: disk.clone(),
        replies: Replies::Structured,
        flags: Some(0x01ed),
        block_size: Some("512,4K,32M".parse().unwrap()),
        exports: vec![Export {
            name: "vol7".to_owned(),
            ..Export::default()
        }],
        sparse_reads: true,
        contexts: vec!["base:allocation=256K:3,1M:0".parse().unwrap()],
        ..Config::default()
    });
    client.greet();
    client.send(EXTENDED);
    client.expect("0003e889045565a9 0000000b 80000001 00000000");
    client.send(STRUCTURED);
    client.expect(STRUCTURED_ACK);
    client.send(
        "49484156454f5054 0000000a 0000001f
         00000004 766f6c37 00000001 0000000f 626173653a616c6c6f636174696f6e",
    );
    client.expect(
        "0003e889045565a9 0000000a 00000004 00000013 00000001 626173653a616c6c6f636174696f6e
         0003e889045565a9 0000000a 00000001 00000000",
    );
    client.send("49484156454f5054 00000007 0000000c 00000004 766f6c37 0001 0003");
    client.expect(
        "0003e889045565a9 00000007 00000003 0000000c 0000 0000000000800000 01ed
         0003e889045565a9 00000007 00000003 0000000e 0003 00000200 00001000 02000000",
    );
    client.expect(GO_ACK);

    client.send("25609513 0000 0000 0000000000000011 0000000000001000 00002000");
    client.expect("668e33ef 0000 0001 0000000000000011 00001008 0000000000001000");
    assert_eq!(client.receive(0x1000), [0xab; 0x1000]);
    client.expect("668e33ef 0001 0002 0000000000000011 0000000c 0000000000002000 00001000");

    client.send("25609513 0008 0007 0000000000000012 0000000000000000 00100000");
    client.expect("668e33ef 0001 0005 0000000000000012 0000000c 00000001 00040000 00000003");
    client.send("25609513 0000 0007 0000000000000013 0000000000000000 00100000");
    client.expect(
        "668e33ef 0001 0005 0000000000000013 00000014 00000001
         00040000 00000003 00100000 00000000",
    );

    client.send("25609513 0001 0001 0000000000000014 0000000000000000 00000200");
    client.send(&"cd".repeat(512));
    client.expect("668e33ef 0001 0000 0000000000000014 00000000");
    let mut written = [0; 513];
    disk.read_at(0, &mut written).unwrap();
    assert_eq!(written[..512], [0xcd; 512]);
    assert_eq!(written[512], 0);

    client.send(DISC);
    let outcome = client.closed();
    assert_eq!((outcome.end, outcome.requests), (End::Disconnected, 5));
    assert_eq!(outcome.violations, [""; 0]);
}

#[test]
fn extended_session() {
    let disk = Arc::new(Disk::ram(2 << 40));
    let mut client = Client::new(Config {
        disk: disk.clone(),
        ..Config::default()
    });
    client.greet();
    client.send(EXTENDED);
    client.expect(EXTENDED_ACK);
    client.send(STRUCTURED);
    assert_eq!(client.option_reply().0, 0x8000_000a, "EXT_HEADER_REQD");
    client.send(SET_ALLOCATION);
    client.expect(
        "0003e889045565a9 0000000a 00000004 00000013 00000001 626173653a616c6c6f636174696f6e
         0003e889045565a9 0000000a 00000001 00000000",
    );
    assert_eq!(
        client.go(),
        0x1ded,
        "every feature, filter payload included"
    );

    client.send("21e41c71 0021 0001 0000000000000014 0000000000000000 0000000000000200");
    client.send(&"5a".repeat(512));
    client.expect("6e8a278c 0001 0000 0000000000000014 0000000000000000 0000000000000000");
    client.send("21e41c71 0000 0006 0000000000000015 0000000000001000 0000010000000000");
    client.expect("6e8a278c 0001 0000 0000000000000015 0000000000001000 0000000000000000");
    client.send(
        "21e41c71 0020 0007 0000000000000016 0000000000001000 000000000000000c
         0000010000000000 00000001",
    );
    client.expect(
        "6e8a278c 0001 0006 0000000000000016 0000000000001000 0000000000000018
         00000001 00000001 000001fffffff000 0000000000000003",
    );
    client.send("21e41c71 0000 0000 0000000000000017 00000000000001ff 0000000000000002");
    client.expect(
        "6e8a278c 0001 0001 0000000000000017 00000000000001ff 000000000000000a
         00000000000001ff 5a00",
    );
    client.send(EXTENDED_DISC);
    let outcome = client.closed();
    assert_eq!(
        (outcome.end, outcome.violations),
        (End::Disconnected, vec![])
    );
}

#[test]
fn oldstyle() {
    let mut client = Client::new(Config {
        handshake: Handshake::Oldstyle,
        ..config()
    });
    client.expect("4e42444d41474943 0000420281861253 0000000000800000 0000 0d6d");
    client.expect(&"00".repeat(124));
    client.send("25609513 0000 0000 0000000000000001 0000000000000000 00000004");
    client.expect("67446698 00000000 0000000000000001 00000000");
    client.send(DISC);
    assert_eq!(client.closed().end, End::Disconnected);
}

#[test]
fn newstyle_pads_the_record_unless_told_not_to() {
    for (no_zeroes, greeting, answer, padding) in [
        (false, "0000", "00000000", 124),
        (true, "0002", "00000000", 124),
        (true, "0002", "00000002", 0),
    ] {
        let handshake = Handshake::Newstyle;
        let mut client = Client::new(Config {
            handshake,
            no_zeroes,
            ..config()
        });
        client.expect("4e42444d41474943 49484156454f5054");
        client.expect(greeting);
        client.send(answer);
        client.send("49484156454f5054 00000001 00000004 766f6c37");
        client.expect("0000000000800000 0d6d");
        client.expect(&"00".repeat(padding));
        client.send("25609513 0000 0003 0000000000000001 0000000000000000 00000000");
        client.expect("67446698 00000000 0000000000000001");
        client.send(DISC);
        assert_eq!(client.closed().violations, [""; 0]);
    }
}

#[test]
fn options_can_be_refused_with_any_error_and_text() {
    let mut client = Client::new(Config {
        refusals: vec![
            "GO=POLICY:not you".parse().unwrap(),
            "all=TLS_REQD".parse().unwrap(),
        ],
        ..config()
    });
    client.greet();
    client.send(GO);
    client.expect("0003e889045565a9 00000007 80000002 00000007 6e6f7420796f75");
    client.send(STRUCTURED);
    client.expect("0003e889045565a9 00000008 80000005 00000000");
    client.send("49484156454f5054 00000002 00000000");
    client.expect("0003e889045565a9 00000002 00000001 00000000");
    assert_eq!(client.closed().end, End::Aborted);
}

#[test]
fn exports_are_listed_named_and_described() {
    let mut client = Client::new(Config {
        exports: vec!["a=first".parse().unwrap(), "b".parse().unwrap()],
        ..config()
    });
    client.greet();
    client.send("49484156454f5054 00000003 00000000");
    client.expect(
        "0003e889045565a9 00000003 00000002 0000000a 00000001 61 6669727374
         0003e889045565a9 00000003 00000002 00000005 00000001 62
         0003e889045565a9 00000003 00000001 00000000",
    );
    // INFO for the default export, asking for name, description and block size.
    client.send("49484156454f5054 00000006 0000000c 00000000 0003 0001 0002 0003");
    client.expect(
        "0003e889045565a9 00000006 00000003 0000000c 0000 0000000000800000 0d6d
         0003e889045565a9 00000006 00000003 00000003 0001 61
         0003e889045565a9 00000006 00000003 00000007 0002 6669727374
         0003e889045565a9 00000006 00000001 00000000",
    );
    client.send("49484156454f5054 00000007 00000007 00000001 63 0000");
    assert_eq!(client.option_reply().0, 0x8000_0006, "UNKNOWN");
    client.send("49484156454f5054 00000001 00000001 63");
    assert_eq!(client.closed().end, End::Refused);
}

/// Names in the replies to LIST_META_CONTEXT or SET_META_CONTEXT with these queries.
fn contexts(client: &mut Client, option: u8, queries: &[&str]) -> Vec<String> {
    let mut data = vec![0, 0, 0, 0, 0, 0, 0, queries.len() as u8];
    for query in queries {
        data.extend((query.len() as u32).to_be_bytes());
        data.extend(query.as_bytes());
    }
    let mut message = hex("49484156454f5054 000000");
    message.push(option);
    message.extend((data.len() as u32).to_be_bytes());
    message.extend(data);
    client.try_send(&message);
    let mut names = Vec::new();
    loop {
        match client.option_reply() {
            (4, data) => names.push(String::from_utf8(data[4..].to_vec()).unwrap()),
            (kind, _) => {
                assert_eq!(kind, 1);
                return names;
            }
        }
    }
}

#[test]
fn contexts_are_queried_by_name_and_namespace() {
    let mut client = Client::new(Config {
        contexts: ["base:allocation", "x-a:one=1K:1", "x-a:two=1K:0x100000000"]
            .map(|text| text.parse().unwrap())
            .to_vec(),
        ..config()
    });
    client.greet();
    client.send(STRUCTURED);
    client.expect(STRUCTURED_ACK);
    let (list, set) = (9, 10);
    assert_eq!(
        contexts(&mut client, list, &[]),
        ["base:allocation", "x-a:one"],
        "no wide flags in 32 bits"
    );
    assert_eq!(contexts(&mut client, list, &["x-a:"]), ["x-a:one"]);
    assert_eq!(
        contexts(&mut client, list, &["x-b:", "base:other"]),
        [""; 0]
    );
    assert_eq!(
        contexts(&mut client, set, &["base:", "x-a:one"]),
        ["x-a:one"],
        "no wildcards in SET"
    );
    client.send(EXTENDED);
    client.expect(EXTENDED_ACK);
    assert_eq!(
        contexts(&mut client, list, &["x-a:"]),
        ["x-a:one", "x-a:two"]
    );
    assert_eq!(contexts(&mut client, set, &[]), [""; 0]);
    assert_eq!(
        client.go() & 0x1000,
        0,
        "an empty selection needs no filter"
    );
    client.send("21e41c71 0000 0007 0000000000000001 0000000000000000 0000000000001000");
    client.receive(32 + 6);
    assert_eq!(
        client.close().violations.len(),
        1,
        "BLOCK_STATUS without contexts"
    );
}

#[test]
fn reads_are_split_unless_df_is_set() {
    let disk = Arc::new(Disk::pattern(1 << 16));
    let mut client = Client::new(Config {
        disk,
        split_reads: Some(8),
        sparse_reads: true,
        ..Config::default()
    });
    client.greet();
    client.send(STRUCTURED);
    client.expect(STRUCTURED_ACK);
    client.go();
    client.send("25609513 0000 0000 0000000000000001 0000000000000008 0000000c");
    client.expect(
        "668e33ef 0000 0001 0000000000000001 00000010 0000000000000008 0000000000000008
         668e33ef 0001 0001 0000000000000001 0000000c 0000000000000010 00000000",
    );
    client.send("25609513 0004 0000 0000000000000002 0000000000000008 0000000c");
    client.expect(
        "668e33ef 0001 0001 0000000000000002 00000014 0000000000000008 0000000000000008 00000000",
    );
    client.send(DISC);
    assert_eq!(client.closed().violations, [""; 0]);
}

#[test]
fn replies_can_be_reordered() {
    let mut client = Client::new(Config {
        reorder: 3,
        ..simple_config()
    });
    client.greet();
    client.go();
    let flush = |cookie: u8| {
        format!("25609513 0000 0003 00000000000000{cookie:02x} 0000000000000000 00000000")
    };
    client.send(&[flush(1), flush(2), flush(3)].concat());
    client.expect("67446698 00000000 0000000000000003");
    client.expect("67446698 00000000 0000000000000002");
    client.expect("67446698 00000000 0000000000000001");
    client.send(&flush(4));
    client.expect("67446698 00000000 0000000000000004");
    client.send(&[&flush(5), DISC].concat());
    client.expect("67446698 00000000 0000000000000005");
    assert_eq!(client.closed().violations, [""; 0]);
}

#[test]
fn commands_fail_as_configured() {
    let failures = vec![
        "write=ENOSPC".parse().unwrap(),
        "read=1234".parse().unwrap(),
    ];
    let mut client = Client::new(Config {
        failures,
        ..config()
    });
    client.greet();
    client.send(STRUCTURED);
    client.expect(STRUCTURED_ACK);
    client.go();
    client.send("25609513 0000 0001 0000000000000001 0000000000000000 00000001 00");
    client.expect("668e33ef 0001 8001 0000000000000001 0000001a 0000001c 0014");
    assert_eq!(client.receive(20), b"failed as configured");
    client.send("25609513 0000 0000 0000000000000002 0000000000000000 00000001");
    client.expect("668e33ef 0001 8001 0000000000000002 0000001a 000004d2 0014");
    client.receive(20);
    client.send(DISC);
    assert_eq!(client.closed().violations, [""; 0]);
}

#[test]
fn zeroing_and_trimming() {
    let disk = Arc::new(Disk::ram(1 << 20));
    disk.write_at(0, &[7; 0x4000]).unwrap();
    let mut client = Client::new(Config {
        disk: disk.clone(),
        ..simple_config()
    });
    client.greet();
    client.go();
    // FAST_ZERO is fast where it may punch holes, and ENOTSUP where it may not.
    client.send("25609513 0010 0006 0000000000000001 0000000000000000 00001000");
    client.expect("67446698 00000000 0000000000000001");
    client.send("25609513 0012 0006 0000000000000002 0000000000001000 00001000");
    client.expect("67446698 0000005f 0000000000000002");
    client.send("25609513 0003 0006 0000000000000003 0000000000001000 00001000");
    client.expect("67446698 00000000 0000000000000003");
    client.send("25609513 0001 0004 0000000000000004 0000000000002000 00001000");
    client.expect("67446698 00000000 0000000000000004");
    client.send("25609513 0000 0005 0000000000000005 0000000000002000 00001000");
    client.expect("67446698 00000000 0000000000000005");
    client.send(DISC);
    assert_eq!(client.closed().violations, [""; 0]);
    assert_eq!(disk.allocation(0), (0x1000, 3));
    assert_eq!(disk.allocation(0x1000), (0x1000, 0));
    assert_eq!(disk.allocation(0x2000), (0x1000, 3));
    let mut rest = vec![0; 0x4000];
    disk.read_at(0, &mut rest).unwrap();
    assert_eq!(rest[..0x3000], [0; 0x3000]);
    assert_eq!(rest[0x3000..], [7; 0x1000]);
}

#[test]
fn abort_need_not_be_awaited() {
    let mut client = Client::new(config());
    client.greet();
    client.send("49484156454f5054 00000002 00000000");
    assert_eq!(client.close().end, End::Aborted);
}
