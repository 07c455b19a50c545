//! The ways from one state of a handle to another: the picture in the manual
//! (`man/states.svg`) and the list beside it (`man/libnbd.md`) show all that
//! handles take here, and no others.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use embedded_server::Config;
use libnbd::{CompletionCallback, Handle, ListCallback};

const PICTURE: &str = include_str!("../man/states.svg");
const MANUAL: &str = include_str!("../man/libnbd.md");

/// From one state to another.
type Way = (String, String);

fn way(from: &str, to: &str) -> Way {
    (from.to_owned(), to.to_owned())
}

/// The arrows, whose names are those of the states.
fn drawn() -> BTreeSet<Way> {
    PICTURE
        .split("class=\"states-arrow\" id=\"states-")
        .skip(1)
        .map(|arrow| arrow.split_once('"').unwrap().0.split_once('-').unwrap())
        .map(|(from, to)| way(from, to))
        .collect()
}

/// The section STATES of the manual.
fn section() -> &'static str {
    let (_, section) = MANUAL.split_once("\n# STATES\n").unwrap();
    section.split_once("\n# ").unwrap().0
}

/// What the items of the list there begin with.
fn explained() -> impl Iterator<Item = &'static str> {
    let items = section().lines().filter_map(|line| line.strip_prefix("- "));
    items.map(|item| item.split_once(':').unwrap().0)
}

fn described() -> BTreeSet<Way> {
    explained()
        .filter_map(|item| item.split_once(" to "))
        .map(|(from, to)| way(from, to))
        .collect()
}

fn state(handle: &Handle) -> &'static str {
    let states = [
        (handle.aio_is_created(), "created"),
        (handle.aio_is_connecting(), "connecting"),
        (handle.aio_is_negotiating(), "negotiating"),
        (
            handle.aio_is_ready() || handle.aio_is_processing(),
            "connected",
        ),
        (handle.aio_is_closed(), "closed"),
        (handle.aio_is_dead(), "dead"),
    ];
    let mut holding = states.iter().filter(|(holds, _)| *holds);
    let (_, name) = holding.next().unwrap();
    assert!(holding.next().is_none(), "a handle is in one state");
    name
}

/// A new handle, and the ways that it takes.
struct Journey {
    handle: Handle,
    at: &'static str,
    ways: BTreeSet<Way>,
}

impl Journey {
    fn new() -> Self {
        let handle = Handle::new();
        let at = state(&handle);
        let ways = BTreeSet::new();
        Self { handle, at, ways }
    }

    /// Does something, which may fail, and notes where it has led.
    fn step<T>(&mut self, call: impl FnOnce(&Handle) -> libnbd::Result<T>) {
        let _ = call(&self.handle);
        let now = state(&self.handle);
        if now != self.at {
            self.ways.insert(way(self.at, now));
            self.at = now;
        }
    }

    /// Leaves it to the server where to go.
    fn drift(&mut self) {
        while ["connecting", "connected"].contains(&self.at) {
            let before = self.at;
            self.step(|handle| handle.poll(10_000));
            if self.at == "connected" && before == "connecting" {
                return;
            }
        }
    }

    fn connect(&mut self, socket: OwnedFd) {
        self.step(|handle| handle.aio_connect_socket(socket));
        self.drift();
    }

    fn serve(&mut self) {
        let (socket, _server) = embedded_server::spawn_on_socketpair(Config::default()).unwrap();
        self.connect(socket);
    }

    /// A server that says this, says more when that has been heard, and hangs
    /// up.
    fn listen_to(&mut self, greeting: &[u8], more: &[u8]) {
        let (socket, mut server) = UnixStream::pair().unwrap();
        server.write_all(greeting).unwrap();
        if greeting.is_empty() {
            drop(server);
            return self.connect(socket.into());
        }
        self.connect(socket.into());
        if self.at == "connected" {
            server.write_all(more).unwrap();
            drop(server);
            self.drift();
        }
    }

    fn ends(self, state: &str) -> BTreeSet<Way> {
        assert_eq!(self.at, state, "after {:?}", self.ways);
        self.ways
    }
}

/// The greeting of an oldstyle server, after which requests can be sent.
fn oldstyle() -> Vec<u8> {
    let mut greeting = b"NBDMAGIC\x00\x00\x42\x02\x81\x86\x12\x53".to_vec();
    greeting.extend(65536_u64.to_be_bytes());
    greeting.extend([0, 0, 0, 1]);
    greeting.resize(152, 0);
    greeting
}

fn session() -> BTreeSet<Way> {
    let mut journey = Journey::new();
    journey.serve();
    journey.step(|handle| handle.shutdown(0));
    journey.ends("closed")
}

fn option_mode() -> BTreeSet<Way> {
    let mut journey = Journey::new();
    journey.handle.set_opt_mode(true).unwrap();
    journey.serve();
    journey.step(|handle| {
        handle.aio_opt_list(ListCallback::new(|_, _| {}), CompletionCallback::none())
    });
    journey.drift();
    // This call passes through a state that cannot be seen from outside.
    journey.step(Handle::aio_opt_abort);
    assert!(journey.ways.remove(&way("negotiating", "closed")));
    journey.ways.insert(way("connecting", "closed"));
    journey.ends("closed")
}

fn nobody_listens() -> BTreeSet<Way> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut journey = Journey::new();
    journey
        .handle
        .set_connect_retry(Some(Duration::from_millis(300)))
        .unwrap();
    journey.step(|handle| handle.aio_connect_tcp("127.0.0.1", port));
    journey.drift();
    journey.ends("created")
}

fn server_says(greeting: &[u8], more: &[u8], end: &str) -> BTreeSet<Way> {
    let mut journey = Journey::new();
    journey.listen_to(greeting, more);
    journey.ends(end)
}

#[test]
fn the_picture_shows_the_ways_that_handles_take() {
    let taken: BTreeSet<Way> = [
        session(),
        option_mode(),
        nobody_listens(),
        server_says(b"", b"", "dead"),
        server_says(&[0; 152], b"", "dead"),
        server_says(&oldstyle(), b"", "closed"),
        server_says(&oldstyle(), &[0; 16], "dead"),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(drawn(), taken);
    assert_eq!(described(), taken);
}

#[test]
fn the_picture_names_the_states_of_the_manual() {
    let named: BTreeSet<&str> = explained().filter(|item| !item.contains(' ')).collect();
    assert_eq!(named.len(), 6);
    let (_, names) = PICTURE.split_once("<g class=\"states-name\">").unwrap();
    let (names, _) = names.split_once("</g>").unwrap();
    let names: BTreeSet<&str> = names
        .split("</text>")
        .filter_map(|name| Some(name.rsplit_once('>')?.1))
        .filter(|name| !name.trim().is_empty())
        .collect();
    assert_eq!(names, named);
}

/// The one that is not drawn, because it leads from everywhere.
#[test]
fn cancelling_makes_every_handle_dead() {
    assert!(section().contains("`nbdx_cancel` leads from each of the others to dead"));
    let (silent, _server) = UnixStream::pair().unwrap();
    let mut journeys = [
        Journey::new(),
        Journey::new(),
        Journey::new(),
        Journey::new(),
    ];
    let [_, connecting, negotiating, connected] = &mut journeys;
    connecting.step(|handle| handle.aio_connect_socket(silent));
    negotiating.handle.set_opt_mode(true).unwrap();
    negotiating.serve();
    connected.serve();
    let states = journeys.each_ref().map(|journey| journey.at);
    assert_eq!(
        states,
        ["created", "connecting", "negotiating", "connected"]
    );
    for mut journey in journeys {
        journey.handle.cancel();
        journey.step(|handle| match state(handle) {
            "created" => handle.connect_unix("/nonexistent"),
            "negotiating" => handle.opt_abort(),
            _ => handle.poll(10_000).map(drop),
        });
        journey.ends("dead");
    }
}
