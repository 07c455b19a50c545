//! Tests that event loops can drive a handle: tokio, and mio, which reports each
//! change of the socket only once.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    missing_docs
)]

#[allow(dead_code, reason = "its main function is not run here")]
#[path = "../examples/tokio_read.rs"]
mod tokio_read;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use embedded_server::Config;
use libnbd::{CompletionCallback, Driver, Handle, Progress};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

/// No event takes this long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);

const SIZE: u64 = 1 << 20;
const SMALL: u64 = 512;

/// A server that encrypts, with its socket in a directory of its own.
struct TlsServer {
    process: Child,
    directory: PathBuf,
}

const KEY: [u8; 16] = *b"0123456789abcdef";

impl TlsServer {
    fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nbd-event-loops-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(directory.join("keys"), format!("user:{hex}\n")).unwrap();
        let process = Command::new("nbdkit")
            .args(["--foreground", "--exit-with-parent", "--tls=require"])
            .arg(format!("--tls-psk={}", directory.join("keys").display()))
            .arg("--unix")
            .arg(directory.join("socket"))
            .args(["pattern", &SIZE.to_string()])
            .spawn()
            .unwrap();
        let server = Self { process, directory };
        let started = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            assert!(started.elapsed() < PATIENCE, "nbdkit does not start");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Creates a handle that is to use TLS.
    fn handle(&self) -> Handle {
        let handle = Handle::new();
        handle.set_tls(libnbd::TLS_REQUIRE).unwrap();
        handle.set_tls_psk("user", &KEY[..]).unwrap();
        handle
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn pattern() -> Config {
    Config {
        disk: embedded_server::Disk::pattern(SIZE).into(),
        ..Config::default()
    }
}

/// Whether every eight bytes contain their own offset.
fn is_pattern(offset: u64, data: &[u8]) -> bool {
    (offset..)
        .step_by(8)
        .zip(data.chunks(8))
        .all(|(offset, bytes)| bytes == offset.to_be_bytes())
}

/// The offset of a small read.
fn offset_of(number: u64) -> u64 {
    number * 7919 % (SIZE / SMALL) * SMALL
}

/// A main loop on mio, which fails rather than waits forever.
struct Loop<'a> {
    poll: Poll,
    events: Events,
    driver: Driver<&'a Handle>,
}

impl<'a> Loop<'a> {
    fn new(handle: &'a Handle) -> Self {
        let driver = Driver::new(handle).unwrap();
        let poll = Poll::new().unwrap();
        poll.registry()
            .register(
                &mut SourceFd(&driver.as_raw_fd()),
                Token(0),
                Interest::READABLE | Interest::WRITABLE,
            )
            .unwrap();
        Self {
            poll,
            events: Events::with_capacity(8),
            driver,
        }
    }

    /// Waits for an event, and reacts to it.
    fn turn(&mut self) -> libnbd::Result<Progress> {
        self.poll.poll(&mut self.events, Some(PATIENCE)).unwrap();
        let state = self.driver.handle().connection_state();
        assert!(!self.events.is_empty(), "no event in {state:?}");
        loop {
            match self.driver.process()? {
                Progress::More => {}
                progress => return Ok(progress),
            }
        }
    }

    fn until(&mut self, mut done: impl FnMut() -> bool) {
        while !done() {
            assert_eq!(self.turn().unwrap(), Progress::Drained);
        }
    }

    fn end(&mut self) {
        self.driver.handle().aio_disconnect(0).unwrap();
        while self.turn().unwrap() != Progress::Ended {}
        assert!(self.driver.handle().aio_is_closed());
    }
}

fn many_small_reads_on_mio(handle: &Handle, count: u64) {
    const IN_FLIGHT: u64 = 64;
    let mut main_loop = Loop::new(handle);
    main_loop.until(|| handle.aio_is_ready());
    let (sender, receiver) = mpsc::channel();
    let start = |number: u64| {
        let offset = offset_of(number);
        let sender = sender.clone();
        let completion = CompletionCallback::new(move |result: libnbd::Result<Vec<u8>>| {
            sender.send((offset, result.unwrap())).unwrap();
        });
        let buffer = vec![0; SMALL as usize];
        handle.aio_pread(buffer, offset, completion, 0).unwrap();
    };
    (0..IN_FLIGHT).for_each(&start);
    let (mut started, mut completed) = (IN_FLIGHT, 0);
    main_loop.until(|| {
        while let Ok((offset, data)) = receiver.try_recv() {
            assert!(is_pattern(offset, &data));
            completed += 1;
            if started < count {
                start(started);
                started += 1;
            }
        }
        completed == count
    });
    main_loop.end();
}

#[test]
fn mio_drives_many_small_reads() {
    let (socket, server) = embedded_server::spawn_on_socketpair(pattern()).unwrap();
    let handle = Handle::new();
    handle.aio_connect_socket(socket).unwrap();
    many_small_reads_on_mio(&handle, 20_000);
    server.join().unwrap().unwrap();
}

#[test]
fn mio_drives_many_small_reads_over_tls() {
    let server = TlsServer::start();
    let handle = server.handle();
    handle.aio_connect_unix(server.socket()).unwrap();
    many_small_reads_on_mio(&handle, 5_000);
}

/// Runs a handle and its user on one thread, which neither may block.
fn on_tokio(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE * 3, future).await.unwrap() });
}

async fn many_small_reads_on_tokio(handle: Arc<Handle>, count: u64) {
    const READERS: u64 = 64;
    let driver = tokio::spawn(tokio_read::drive(Arc::clone(&handle)));
    while !handle.aio_is_ready() {
        assert!(!driver.is_finished());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let handle = Arc::clone(&handle);
        readers.spawn(async move {
            for offset in (reader..count).step_by(READERS as usize).map(offset_of) {
                let data = tokio_read::read(Arc::clone(&handle), offset, SMALL as usize).await;
                assert!(is_pattern(offset, &data.unwrap()));
            }
        });
    }
    readers.join_all().await;
    handle.aio_disconnect(0).unwrap();
    driver.await.unwrap().unwrap();
    assert!(handle.aio_is_closed());
}

#[test]
fn tokio_drives_many_small_reads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        embedded_server::serve_stream(stream, &pattern()).unwrap();
    });
    let handle = Arc::new(Handle::new());
    handle.aio_connect_tcp("127.0.0.1", port).unwrap();
    on_tokio(many_small_reads_on_tokio(handle, 20_000));
    server.join().unwrap();
}

#[test]
fn tokio_drives_many_small_reads_over_tls() {
    let server = TlsServer::start();
    let handle = Arc::new(server.handle());
    handle.aio_connect_unix(server.socket()).unwrap();
    on_tokio(many_small_reads_on_tokio(handle, 5_000));
}

#[test]
fn commands_of_another_thread_wake_nobody_and_complete() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(pattern()).unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    let mut main_loop = Loop::new(&handle);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..2000 {
                let (sender, receiver) = mpsc::channel();
                let completion = CompletionCallback::new(move |result: libnbd::Result<_>| {
                    sender.send(result.unwrap()).unwrap();
                });
                let buffer = vec![0; SMALL as usize];
                let offset = offset_of(number);
                handle.aio_pread(buffer, offset, completion, 0).unwrap();
                assert!(is_pattern(offset, &receiver.recv().unwrap()));
            }
            done.store(true, Ordering::Release);
            // The last event.
            handle.aio_flush(CompletionCallback::none(), 0).unwrap();
        });
        main_loop.until(|| done.load(Ordering::Acquire));
    });
}

#[test]
fn writes_that_the_socket_does_not_take_leave_later() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Config {
        disk: embedded_server::Disk::pattern(8 << 20).into(),
        ..Config::default()
    })
    .unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    let mut main_loop = Loop::new(&handle);
    // What was reported before the writes is of no use to them.
    main_loop.turn().unwrap();
    let completed = Arc::new(AtomicU32::new(0));
    for number in 0..8 {
        let completed = Arc::clone(&completed);
        let completion = CompletionCallback::new(move |result: libnbd::Result<_>| {
            result.unwrap();
            completed.fetch_add(1, Ordering::Relaxed);
        });
        let data = vec![7; 1 << 20];
        handle
            .aio_pwrite(data, number << 20, completion, 0)
            .unwrap();
    }
    let direction = handle.aio_get_direction();
    assert_ne!(direction & libnbd::AIO_DIRECTION_WRITE, 0, "all were taken");
    main_loop.until(|| completed.load(Ordering::Relaxed) == 8);
}

#[test]
fn the_end_that_came_with_the_last_reply_is_noticed() {
    let (socket, server) = embedded_server::spawn_on_socketpair(pattern()).unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    let mut main_loop = Loop::new(&handle);
    main_loop.turn().unwrap();
    handle.aio_flush(CompletionCallback::none(), 0).unwrap();
    handle.aio_disconnect(0).unwrap();
    // Reply and end are one event from now on.
    server.join().unwrap().unwrap();
    while main_loop.turn().unwrap() != Progress::Ended {}
}

#[test]
fn the_end_between_two_options_is_noticed() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let handle = Handle::new();
    handle.set_opt_mode(true).unwrap();
    handle.set_request_structured_replies(false).unwrap();
    handle.set_request_extended_headers(false).unwrap();
    handle.aio_connect_socket(socket).unwrap();
    let mut main_loop = Loop::new(&handle);
    peer.write_all(b"NBDMAGICIHAVEOPT\0\x03").unwrap();
    main_loop.until(|| handle.aio_is_negotiating());
    peer.read_exact(&mut [0; 4]).unwrap();
    drop(peer);
    let error = main_loop.turn().unwrap_err();
    assert!(error.text().contains("between two options"), "{error}");
    assert!(handle.aio_is_dead());
    assert_eq!(main_loop.driver.process().unwrap_err(), error);
}

#[test]
fn a_handle_without_a_connection_cannot_be_driven() {
    let handle = Handle::new();
    assert_eq!(Driver::new(&handle).unwrap_err().errno(), libc::EINVAL);
}

#[test]
fn a_callback_cannot_drive_the_handle_that_calls_it() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(pattern()).unwrap();
    let handle = Arc::new(Handle::new());
    handle.connect_socket(socket).unwrap();
    let driver = Driver::new(Arc::clone(&handle)).unwrap();
    let mut main_loop = Loop::new(&handle);
    let (sender, receiver) = mpsc::channel();
    let completion = CompletionCallback::new(move |_| {
        sender.send(driver.process().unwrap_err()).unwrap();
    });
    handle.aio_flush(completion, 0).unwrap();
    let mut error = None;
    main_loop.until(|| {
        error = receiver.try_recv().ok();
        error.is_some()
    });
    assert_eq!(error.unwrap().errno(), libc::EDEADLK);
}
