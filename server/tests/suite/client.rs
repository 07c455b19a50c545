//! A client of bare bytes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use embedded_server::{Config, Observer, Outcome, spawn_on_socketpair};

/// Guards against a hang, in a test that would fail anyway.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// Greeting of a fixed newstyle server, and the client's reply.
pub(crate) const GREETING: &str = "4e42444d41474943 49484156454f5054 0003";
pub(crate) const CLIENT_FLAGS: &str = "00000003";
/// Option STRUCTURED_REPLY or EXTENDED_HEADERS, and its acknowledgement.
pub(crate) const STRUCTURED: &str = "49484156454f5054 00000008 00000000";
pub(crate) const STRUCTURED_ACK: &str = "0003e889045565a9 00000008 00000001 00000000";
pub(crate) const EXTENDED: &str = "49484156454f5054 0000000b 00000000";
pub(crate) const EXTENDED_ACK: &str = "0003e889045565a9 0000000b 00000001 00000000";
/// Option GO for the default export without information requests, and its acknowledgement.
pub(crate) const GO: &str = "49484156454f5054 00000007 00000006 00000000 0000";
pub(crate) const GO_ACK: &str = "0003e889045565a9 00000007 00000001 00000000";
/// Option SET_META_CONTEXT for base:allocation of the default export.
pub(crate) const SET_ALLOCATION: &str = "49484156454f5054 0000000a 0000001b 00000000 00000001 \
                                  0000000f 626173653a616c6c6f636174696f6e";
pub(crate) const DISC: &str = "25609513 0000 0002 0000000000000099 0000000000000000 00000000";
pub(crate) const EXTENDED_DISC: &str =
    "21e41c71 0000 0002 0000000000000099 0000000000000000 0000000000000000";

/// Bytes from hex digits and white space.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(crate) struct Client {
    stream: UnixStream,
    server: JoinHandle<std::io::Result<Outcome>>,
}

impl Client {
    /// Connects to a server of its own.
    pub(crate) fn new(mut config: Config) -> Client {
        config.observer = Observer(std::sync::Arc::new(|_| {}));
        let (stream, server) = spawn_on_socketpair(config).unwrap();
        let stream = UnixStream::from(stream);
        stream.set_read_timeout(PATIENCE).unwrap();
        Client { stream, server }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(&hex(text)).unwrap();
    }

    /// Sends what the server may not care to read.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Receives this many bytes, or fewer if the server closes.
    pub(crate) fn receive_up_to(&mut self, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        (&self.stream).take(count).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let wanted = hex(text);
        let got = self.receive(wanted.len());
        assert!(wanted == got, "expected {wanted:02x?}\nreceived {got:02x?}");
    }

    /// Receives until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Exchanges greeting and flags.
    pub(crate) fn greet(&mut self) {
        self.expect(GREETING);
        self.send(CLIENT_FLAGS);
    }

    /// Receives one option reply: type and data.
    pub(crate) fn option_reply(&mut self) -> (u32, Vec<u8>) {
        let header = self.receive(20);
        let field = |at| {
            header[at..at + 4]
                .iter()
                .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
        };
        (field(12), self.receive(field(16) as usize))
    }

    /// Enters transmission by GO; returns the transmission flags.
    pub(crate) fn go(&mut self) -> u16 {
        self.send(GO);
        let info = self.receive(32);
        self.expect(GO_ACK);
        u16::from_be_bytes([info[30], info[31]])
    }

    /// Closes, and returns what the server has seen.
    pub(crate) fn close(self) -> Outcome {
        drop(self.stream);
        self.server
            .join()
            .expect("the server does not panic")
            .unwrap()
    }

    /// Expects the server to close, and returns what it has seen.
    #[track_caller]
    pub(crate) fn closed(mut self) -> Outcome {
        assert_eq!(self.rest(), b"", "bytes before the close");
        self.close()
    }
}
