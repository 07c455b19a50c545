//! Records sessions: carries out the calls of each file with its server, and
//! rewrites the file with what both send.
//!
//!     EMBEDDED_SERVER=... cargo run -p torture --bin record -- FILE...
//!
//! A server gets its end of the connection as standard input and output.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use torture::anatomy::dissect;
use torture::caller::Caller;
use torture::session::{Session, Step};

fn main() {
    for file in std::env::args().skip(1) {
        let session = Session::load(Path::new(&file)).unwrap_or_else(|error| panic!("{error}"));
        if session.server.is_empty() {
            println!("{file}: written by hand");
            continue;
        }
        let recorded = record(session);
        std::fs::write(&file, recorded.text()).unwrap_or_else(|error| panic!("{file}: {error}"));
        println!("{file}: {} steps", recorded.steps.len());
    }
}

/// Both connections of the recorder.
struct Relay {
    client: UnixStream,
    server: UnixStream,
    /// What the server has sent that is not a whole message yet.
    rest: Vec<u8>,
    steps: Vec<Step>,
}

fn record(session: Session) -> Session {
    let (client, ours) = UnixStream::pair().expect("a socket pair");
    let (server, theirs) = UnixStream::pair().expect("a socket pair");
    let mut child = start(&session.server, theirs.into());
    for socket in [&ours, &server] {
        socket.set_nonblocking(true).expect("a socket");
    }
    let mut relay = Relay {
        client: ours,
        server,
        rest: Vec::new(),
        steps: Vec::new(),
    };
    let mut caller = Caller::default();
    let mut socket = Some(OwnedFd::from(client));
    for step in &session.steps {
        let Step::Call(call, goes_on) = step else {
            continue;
        };
        relay.steps.push(step.clone());
        caller.perform(call, &mut socket);
        if socket.is_none() {
            relay.go_on(&caller, *goes_on);
        }
    }
    for line in caller.finish().log {
        println!("  {line}");
    }
    drop(relay.server);
    child.wait().expect("the server ends");
    assert!(relay.rest.is_empty(), "an incomplete message");
    Session {
        steps: relay.steps,
        ..session
    }
}

fn start(command: &str, socket: OwnedFd) -> std::process::Child {
    let mut words = command.split_whitespace().map(str::to_owned);
    let mut program = words.next().expect("a server");
    if program == "embedded-server" {
        program = std::env::var("EMBEDDED_SERVER").expect("EMBEDDED_SERVER");
    }
    let output = socket.try_clone().expect("a descriptor");
    Command::new(program)
        .args(words)
        .stdin(Stdio::from(socket))
        .stdout(Stdio::from(output))
        .spawn()
        .expect("the server starts")
}

impl Relay {
    /// Carries bytes until the caller has its reply, or until the line has been
    /// quiet for a while.
    fn go_on(&mut self, caller: &Caller, goes_on: bool) {
        let quiet = Duration::from_millis(150);
        let mut last = Instant::now();
        loop {
            while caller.can_poll() && caller.turn() {
                last = Instant::now();
            }
            let mut moved = false;
            if let Received::Bytes(sent) = receive(&self.client) {
                self.server.write_all(&sent).expect("the server reads");
                self.steps.push(Step::Client(sent));
                moved = true;
            }
            // The replies to a call that goes on stay where they are.
            let received = match goes_on {
                true => Received::Nothing,
                false => receive(&self.server),
            };
            match received {
                Received::Bytes(received) => {
                    // The client may have left.
                    let _ = self.client.write_all(&received);
                    self.rest.extend(received);
                    self.take_messages(caller);
                    moved = true;
                }
                Received::Nothing => {}
                Received::End => self.client.shutdown(Shutdown::Write).expect("a socket"),
            }
            if moved {
                last = Instant::now();
            } else if last.elapsed() > quiet && (goes_on || !caller.is_waiting()) {
                return;
            }
            assert!(last.elapsed() < 40 * quiet, "the server is silent");
            sleep(Duration::from_millis(1));
        }
    }

    fn take_messages(&mut self, caller: &Caller) {
        while let Some(anatomy) = dissect(&self.rest, |cookie| caller.read_size(cookie)) {
            let rest = self.rest.split_off(anatomy.size);
            let message = std::mem::replace(&mut self.rest, rest);
            self.steps.push(Step::Server(message));
        }
    }
}

enum Received {
    Nothing,
    Bytes(Vec<u8>),
    End,
}

fn receive(mut socket: &UnixStream) -> Received {
    let mut buffer = vec![0; 65536];
    match socket.read(&mut buffer) {
        Ok(0) => Received::End,
        Ok(count) => Received::Bytes(buffer[..count].to_vec()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
        Err(error) => panic!("{error}"),
    }
}
