//! A session with a server that uses the same OpenSSL, in one thread, so that
//! the test controls every step.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::LazyLock;

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{ShutdownState, Ssl, SslContext, SslMethod, SslVersion};
use openssl::x509::{X509, X509Builder};

use super::*;

const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

/// In bytes: more than sockets hold, and not whole records.
const LARGE: usize = 8 * 1024 * 1024 + 12_345;

static KEY: LazyLock<PKey<Private>> = LazyLock::new(|| {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
});

static CERTIFICATE: LazyLock<X509> = LazyLock::new(|| {
    let mut builder = X509Builder::new().unwrap();
    builder.set_pubkey(&KEY).unwrap();
    let now = Asn1Time::days_from_now(0).unwrap();
    let later = Asn1Time::days_from_now(1).unwrap();
    builder.set_not_before(&now).unwrap();
    builder.set_not_after(&later).unwrap();
    builder.sign(&KEY, MessageDigest::sha256()).unwrap();
    builder.build()
});

/// A connected pair of sockets: the client's and the server's.
fn unix_pair() -> (OwnedFd, OwnedFd) {
    let (client, server) = UnixStream::pair().unwrap();
    client.set_nonblocking(true).unwrap();
    server.set_nonblocking(true).unwrap();
    (client.into(), server.into())
}

fn tcp_pair() -> (OwnedFd, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.set_nonblocking(true).unwrap();
    server.set_nonblocking(true).unwrap();
    (client.into(), server.into())
}

/// A session and its peer.
struct Rig {
    session: Channel,
    /// `TcpStream` stands for any socket: it only reads and writes.
    server: SslStream<TcpStream>,
}

impl Rig {
    /// Sessions whose handshake has not begun.
    fn new((client, server): (OwnedFd, OwnedFd), version: SslVersion) -> Self {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_min_proto_version(Some(version)).unwrap();
        context.set_max_proto_version(Some(version)).unwrap();
        let prepared = Prepared {
            ssl: Guarded::new(Ssl::new(&context.build()).unwrap()),
            psk: false,
        };
        let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
        context.set_certificate(&CERTIFICATE).unwrap();
        context.set_private_key(&KEY).unwrap();
        let ssl = Ssl::new(&context.build()).unwrap();
        Self {
            session: Channel::new(prepared, client.into()).unwrap(),
            server: SslStream::new(ssl, TcpStream::from(server)).unwrap(),
        }
    }

    fn shake_hands(&mut self) {
        let mut accepted = false;
        loop {
            self.session.allow(64, Turn::Ahead);
            let done = self.session.handshake().unwrap();
            if done && accepted {
                return;
            }
            if !accepted {
                accepted = match self.server.accept() {
                    Ok(()) => true,
                    Err(error) => {
                        assert!(error.io_error().is_none_or(would_block), "{error}");
                        false
                    }
                };
            }
        }
    }

    /// Ready for data.
    fn ready(pair: (OwnedFd, OwnedFd), version: SslVersion) -> Self {
        let mut rig = Self::new(pair, version);
        rig.shake_hands();
        rig
    }

    /// What the server receives until there is nothing more.
    fn server_takes(&mut self, into: &mut Vec<u8>) {
        let mut piece = [0; 20_000];
        loop {
            match self.server.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => into.extend_from_slice(&piece[..count]),
                Err(error) if would_block(&error) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// What the client receives in one call.
    fn client_takes(&mut self, room: &mut [u8]) -> Result<Received> {
        self.session.allow(64, Turn::Ahead);
        self.session.receive(&mut [ReceiveVector::from(room)])
    }

    /// What the client finally receives, after TLS's own messages.
    fn client_gets(&mut self, room: &mut [u8]) -> Result<Received> {
        loop {
            let received = self.client_takes(room);
            if !matches!(received, Ok(Received::Blocked)) {
                return received;
            }
        }
    }

    /// Sends more than the socket takes.
    fn fill_socket(&mut self) -> usize {
        let piece = vec![5; 100_000];
        let mut count = 0;
        while !self.session.has_unsent() {
            match self.session.send(&[SendVector::from(&piece[..])]).unwrap() {
                Sent::Bytes(sent) => count += sent,
                Sent::Blocked => break,
            }
        }
        count
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

fn for_every_rig(test: impl Fn(Rig)) {
    for version in VERSIONS {
        test(Rig::ready(unix_pair(), version));
        test(Rig::ready(tcp_pair(), version));
    }
}

fn pattern(len: usize) -> Vec<u8> {
    let bytes = (0u8..=250).cycle();
    bytes.take(len).collect()
}

#[test]
fn large_data_arrive_whole() {
    for_every_rig(|mut rig| {
        let data = pattern(LARGE);
        let mut sent = 0;
        let mut arrived = Vec::new();
        let mut blocked = false;
        while sent < data.len() || rig.session.has_unsent() {
            if rig.session.send_unsent().unwrap() {
                // In two pieces, neither of which is a record.
                let rest = SendVector::from(&data[sent..]);
                let (first, rest) = rest.split(777);
                match rig.session.send(&[first, rest]).unwrap() {
                    Sent::Bytes(count) => {
                        sent += count;
                        blocked = blocked || sent < data.len();
                    }
                    Sent::Blocked => blocked = true,
                }
            } else {
                blocked = true;
            }
            rig.server_takes(&mut arrived);
        }
        while arrived.len() < data.len() {
            rig.server_takes(&mut arrived);
        }
        assert!(blocked, "the socket has never been full");
        assert!(arrived == data);

        // And the other way.
        let mut back = vec![0; data.len()];
        let mut received = 0;
        let mut written = 0;
        while received < data.len() {
            match rig.server.write(&data[written..]) {
                Ok(count) => written += count,
                Err(error) => assert!(would_block(&error), "{error}"),
            }
            let rest = &mut back[received..];
            // A header, and what follows it.
            let (header, body) = rest.split_at_mut(16.min(rest.len()));
            rig.session.allow(64, Turn::Ahead);
            let vectors = &mut [ReceiveVector::from(header), ReceiveVector::from(body)];
            match rig.session.receive(vectors).unwrap() {
                Received::Bytes { count, .. } => received += count,
                Received::Blocked => {}
                Received::End => panic!("the server is still there"),
            }
        }
        assert!(back == data);
    });
}

#[test]
fn records_may_arrive_in_parts() {
    for version in VERSIONS {
        let (client, between) = tcp_pair();
        let (back, server) = tcp_pair();
        let mut rig = Rig::new((client, server), version);
        let mut between = TcpStream::from(between);
        let mut back = TcpStream::from(back);
        let mut byte = [0];
        let mut step = |rig: &mut Rig| {
            // Everything to the server, one byte to the client.
            let mut all = Vec::new();
            if let Err(error) = between.read_to_end(&mut all) {
                assert!(would_block(&error), "{error}");
            }
            back.write_all(&all).unwrap();
            match back.read(&mut byte) {
                Ok(count) => between.write_all(&byte[..count]).unwrap(),
                Err(error) => assert!(would_block(&error), "{error}"),
            }
            rig.session.allow(64, Turn::Ahead);
        };
        let mut accepted = false;
        while !rig.session.handshake().unwrap() || !accepted {
            accepted = accepted || rig.server.accept().is_ok();
            step(&mut rig);
        }
        let data = pattern(1000);
        rig.server.write_all(&data).unwrap();
        let mut arrived = Vec::new();
        while arrived.len() < data.len() {
            step(&mut rig);
            let mut room = [0; 100];
            if let Received::Bytes { count, .. } = rig.client_takes(&mut room).unwrap() {
                arrived.extend_from_slice(&room[..count]);
            }
        }
        assert_eq!(arrived, data);
    }
}

#[test]
fn records_are_no_more_than_needed() {
    const R: usize = RECORD;
    for (has, follow, saves) in [
        (0, R, false),
        (0, R + 1, false),
        (28, R, false),
        (28, 16 * R, false),
        (28, R + 1, true),
        (28, 2 * R - 28, true),
        (28, 2 * R - 27, false),
        (R - 1, R + 1, true),
        (R - 1, R + 2, false),
    ] {
        assert_eq!(saves_a_record(has, follow), saves, "{has} and {follow}");
        let records = |bytes: usize| bytes.div_ceil(R);
        let apart = records(has) + records(follow);
        assert_eq!(records(has + follow) < apart, saves, "{has} and {follow}");
    }

    // As the server sees them: the requests of two writes, and some small ones.
    let mut rig = Rig::ready(unix_pair(), SslVersion::TLS1_3);
    let data = pattern(3 * R);
    let (header, body) = (SendVector::from(&data[..28]), SendVector::from(&data[..]));
    let pieces = [header, body, header, body, header, header];
    let total = 2 * (28 + 3 * R) + 2 * 28;
    assert_eq!(rig.session.send(&pieces).unwrap(), Sent::Bytes(total));
    let mut lengths = Vec::new();
    let mut header = [0; 5];
    let mut socket = rig.server.get_ref();
    while socket.read_exact(&mut header).is_ok() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        socket.read_exact(&mut vec![0; length]).unwrap();
        // A type and a tag are in it as well.
        lengths.push(length - 17);
    }
    assert_eq!(lengths, [28, R, R, R, 28, R, R, R, 56]);
}

#[test]
fn both_sides_take_leave() {
    for_every_rig(|mut rig| {
        let mut room = [0; 10];
        assert!(rig.session.shut_down_sending().unwrap());
        let mut nothing = Vec::new();
        rig.server_takes(&mut nothing);
        assert_eq!(nothing, b"");
        assert_eq!(
            rig.server.get_shutdown(),
            ShutdownState::RECEIVED,
            "the goodbye has not arrived"
        );
        assert_eq!(rig.server.get_ref().read(&mut room).unwrap(), 0);
        rig.server.write_all(b"the last").unwrap();
        rig.server.shutdown().unwrap();
        let last = rig.client_gets(&mut room).unwrap();
        assert!(matches!(last, Received::Bytes { count: 8, .. }), "{last:?}");
        assert_eq!(rig.client_gets(&mut room).unwrap(), Received::End);
    });
}

#[test]
fn a_stream_that_just_ends_has_been_cut() {
    for_every_rig(|mut rig| {
        rig.server.get_ref().shutdown(Shutdown::Both).unwrap();
        let error = rig.client_gets(&mut [0; 10]).unwrap_err();
        assert!(
            error.text().contains("ended without close_notify"),
            "{}",
            error.text()
        );
    });
}

#[test]
fn a_server_that_leaves_is_noticed_in_the_handshake() {
    let mut rig = Rig::new(tcp_pair(), SslVersion::TLS1_3);
    assert!(!rig.session.handshake().unwrap());
    let Rig {
        mut session,
        server,
    } = rig;
    // Having read nothing, it resets the connection.
    drop(server);
    session.allow(64, Turn::Ahead);
    let error = session.handshake().unwrap_err();
    assert!(
        error.text().starts_with("TLS handshake: "),
        "{}",
        error.text()
    );
}

#[test]
fn the_socket_is_shut_down_by_whoever_sends_the_last_of_it() {
    for version in VERSIONS {
        let mut rig = Rig::ready(unix_pair(), version);
        let sent = rig.fill_socket();
        assert!(!rig.session.shut_down_sending().unwrap());
        let mut arrived = Vec::new();
        // The session is never asked to send, because something arrives every
        // time.
        while rig.session.has_unsent() {
            rig.server_takes(&mut arrived);
            rig.server.write_all(b"!").unwrap();
            let got = rig.client_takes(&mut [0; 1]).unwrap();
            assert!(matches!(got, Received::Bytes { count: 1, .. }), "{got:?}");
        }
        rig.server_takes(&mut arrived);
        assert_eq!(arrived.len(), sent);
        assert_eq!(rig.server.get_shutdown(), ShutdownState::RECEIVED);
        assert_eq!(rig.server.get_ref().read(&mut [0]).unwrap(), 0);
    }
}

/// Puts another socket in place of that of a session.
#[allow(unsafe_code, reason = "the session keeps its descriptor to itself")]
fn replace_socket(session: &Channel, by: &OwnedFd) {
    // SAFETY: both descriptors are open, and remain so.
    let status = unsafe { libc::dup2(by.as_raw_fd(), session.raw_fd()) };
    assert_eq!(status, session.raw_fd());
}

#[test]
fn a_failure_to_send_while_receiving_is_reported() {
    for version in VERSIONS {
        for data in [&b""[..], b"data"] {
            let (client, server) = unix_pair();
            let mut tap = UnixStream::from(client.try_clone().unwrap());
            let mut rig = Rig::ready((client, server), version);
            let nothing = rig.client_takes(&mut [0; 1]).unwrap();
            assert_eq!(nothing, Received::Blocked);
            rig.fill_socket();
            if !data.is_empty() {
                rig.server.write_all(data).unwrap();
            }
            let mut bytes = Vec::new();
            let error = tap.read_to_end(&mut bytes).unwrap_err();
            assert!(would_block(&error), "{error}");
            // What has arrived can be received from there, but sending fails.
            let (ours, theirs) = UnixDatagram::pair().unwrap();
            ours.set_nonblocking(true).unwrap();
            if !bytes.is_empty() {
                theirs.send(&bytes).unwrap();
            }
            drop(theirs);
            replace_socket(&rig.session, &ours.into());

            let mut room = [0; 10];
            if !data.is_empty() {
                // As if there were more, because the error is still to be
                // reported.
                let received = rig.client_takes(&mut room).unwrap();
                assert_eq!(received, Received::some(data.len()));
            }
            let error = rig.client_takes(&mut room).unwrap_err();
            assert_eq!(error.errno(), libc::ECONNREFUSED);
        }
    }
}

#[test]
fn what_was_sent_before_the_peer_left_counts() {
    for version in VERSIONS {
        let Rig {
            mut session,
            server,
        } = Rig::ready(tcp_pair(), version);
        // It has read everything, so it leaves in an orderly way, and only what
        // arrives now causes a reset.
        drop(server);
        let data = pattern(LARGE);
        let mut counted = 0;
        let error = loop {
            match session.send(&[SendVector::from(&data[..])]) {
                Ok(Sent::Bytes(count)) => counted += count,
                Ok(Sent::Blocked) => {}
                Err(error) => break error,
            }
        };
        assert!(is_gone(error.errno()), "{}", error.text());
        assert!(counted > 0, "the first bytes went");
        assert!(counted < data.len());
    }
}
