//! Servers in the background of a test program.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use embedded_server::{Config, Faults, spawn_tcp, spawn_unix};

use super::client::{GREETING, hex};
use super::command::Directory;

/// A server that hangs up after its greeting needs no talk with its clients.
fn config() -> Config {
    Config {
        faults: Faults {
            cut: Some(18),
            ..Faults::default()
        },
        ..Config::default()
    }
}

fn greeting(stream: &mut impl Read) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, hex(GREETING));
}

#[test]
fn unix_clients_at_the_same_time() {
    let directory = Directory::new("background");
    let path = directory.path("socket");
    let server = spawn_unix(config(), &path).unwrap();
    assert_eq!(server.uri(), format!("nbd+unix:///?socket={path}"));
    let mut streams = [0; 3].map(|_| UnixStream::connect(&path).unwrap());
    streams.iter_mut().for_each(greeting);
    let outcomes = server.finish();
    assert_eq!(outcomes.len(), 3);
    assert!(
        outcomes
            .into_iter()
            .all(|outcome| outcome.unwrap().sent == 18)
    );
    assert!(UnixStream::connect(&path).is_err(), "the socket is removed");
}

#[test]
fn tcp_clients() {
    let server = spawn_tcp(config(), "127.0.0.1:0").unwrap();
    let address = server.uri().strip_prefix("nbd://").unwrap().to_owned();
    greeting(&mut TcpStream::connect(&address).unwrap());
    drop(server);
}

#[test]
fn dropping_a_server_does_not_wait_for_its_clients() {
    let server = spawn_tcp(Config::default(), "127.0.0.1:0").unwrap();
    let address = server.uri().strip_prefix("nbd://").unwrap().to_owned();
    let mut client = TcpStream::connect(&address).unwrap();
    client.read_exact(&mut [0; 18]).unwrap();
    drop(server);
}
