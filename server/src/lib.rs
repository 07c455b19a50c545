//! A scripted NBD server: the server of the quickstart, and a test double that can send anything,
//! valid or not.
//!
//! It is written from the protocol document alone and shares no code with the client library. In
//! regular mode it serves a RAM disk or a file and reports every protocol violation by the client;
//! a [`Script`] makes it send and expect exact bytes; and [`Faults`] damage its output at any byte.
//!
//! ```
//! use embedded_server::{Config, spawn_on_socketpair};
//!
//! let (client, server) = spawn_on_socketpair(Config::default())?;
//! drop(client);
//! let outcome = server.join().expect("the server does not panic")?;
//! assert!(outcome.violations.is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The modules follow the structure of the protocol: [`wire`] has layouts and numbers, `greeting`
//! and `options` the handshake, `transmission` the requests, `check` their errors, `reply` the
//! replies, [`disk`] the contents of exports, [`fault`] damage to the output, [`script`] the script
//! language and `run` its interpreter, and [`listen`] addresses and clients.

mod check;
mod config;
pub mod disk;
pub mod fault;
mod greeting;
pub mod listen;
mod options;
mod reply;
mod run;
pub mod script;
mod session;
mod transmission;
pub mod wire;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

pub use config::{
    BlockSize, Config, Context, Event, Export, Extents, Failure, Handshake, Observer, Refusal,
    Replies, size,
};
pub use disk::Disk;
pub use fault::{Faults, FaultyWriter};
pub use listen::{Server, spawn_tcp, spawn_unix};
pub use script::{Script, Step};
pub use session::{End, Outcome};

use session::Session;

/// Serves one client on a connected stream socket of any family, until the end.
pub fn serve_stream(stream: impl Into<OwnedFd>, config: &Config) -> io::Result<Outcome> {
    let mut session = Session::new(stream.into(), config)?;
    let result = match &config.script {
        Some(script) => run::run(&mut session, script),
        None => {
            let agreement = greeting::handshake(&mut session);
            agreement.and_then(|agreement| transmission::serve(&mut session, &agreement))
        }
    };
    session.finish(result)
}

/// Serves one client in a thread; returns the client's end of the connection.
pub fn spawn_on_socketpair(
    config: Config,
) -> io::Result<(OwnedFd, JoinHandle<io::Result<Outcome>>)> {
    let (client, server) = UnixStream::pair()?;
    let thread = thread::Builder::new()
        .name("nbd server".to_owned())
        .spawn(move || serve_stream(server, &config))?;
    Ok((client.into(), thread))
}
