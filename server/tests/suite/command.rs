//! The command: addresses, files, exit status.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::client::{CLIENT_FLAGS, GREETING, hex};

/// A directory that goes with its owner.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Directory {
        let path =
            std::env::temp_dir().join(format!("embedded-server-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Best effort: a panic here would hide why the test failed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedded-server"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running server, killed with its owner.
pub(crate) struct Running {
    child: Child,
    pub(crate) uri: String,
}

impl Running {
    /// Waits until the server says where it listens.
    pub(crate) fn new(arguments: &[&str]) -> Running {
        let mut child = command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let uri = line
            .trim_end()
            .strip_prefix("listening on ")
            .expect("says where it listens");
        Running {
            uri: uri.to_owned(),
            child,
        }
    }

    /// Waits for the server's own exit: status, standard error.
    fn exit(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        (self.child.wait().unwrap().code(), errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn expect(stream: &mut impl Read, text: &str) {
    let wanted = hex(text);
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, wanted);
}

#[test]
fn tcp_port_of_its_own_choice() {
    let server = Running::new(&["--tcp", "127.0.0.1:0", "--once"]);
    let address = server.uri.strip_prefix("nbd://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    expect(&mut stream, GREETING);
    drop(stream);
    assert_eq!(server.exit(), (Some(0), String::new()));
}

#[test]
fn unix_socket_with_files_for_its_parent() {
    let directory = Directory::new("unix");
    let [socket, ready, pid] = ["a b.sock", "ready", "pid"].map(|name| directory.path(name));
    // A socket that nobody listens on any more is no obstacle.
    drop(UnixListener::bind(&socket).unwrap());
    let server = Running::new(&[
        "--unix",
        &socket,
        "--ready-file",
        &ready,
        "--pid-file",
        &pid,
        "--once",
    ]);
    assert_eq!(
        fs::read_to_string(ready).unwrap(),
        format!("{}\n", server.uri)
    );
    assert!(server.uri.ends_with("/a%20b.sock"), "{}", server.uri);
    assert_eq!(
        fs::read_to_string(pid).unwrap(),
        format!("{}\n", server.child.id())
    );
    expect(&mut UnixStream::connect(&socket).unwrap(), GREETING);
    assert_eq!(server.exit().0, Some(0));
    assert!(!fs::exists(socket).unwrap(), "the socket is removed");
}

#[test]
fn a_socket_in_use_is_respected() {
    let directory = Directory::new("busy");
    let socket = directory.path("socket");
    let server = Running::new(&["--unix", &socket]);
    let second = command(&["--unix", &socket]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    expect(&mut UnixStream::connect(&socket).unwrap(), GREETING);
    drop(server);
}

#[test]
fn standard_input() {
    let (mut client, server) = UnixStream::pair().unwrap();
    let mut child = command(&["--stdio"])
        .stdin(OwnedFd::from(server))
        .spawn()
        .unwrap();
    expect(&mut client, GREETING);
    drop(client);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn socket_activation() {
    let directory = Directory::new("activation");
    let socket = directory.path("socket");
    // The shell learns its own process id, passes the socket on as 3, and becomes the server.
    let script = "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" --once 3<&0 </dev/null";
    let listeners: [OwnedFd; 2] = [
        UnixListener::bind(&socket).unwrap().into(),
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().into(),
    ];
    for listener in listeners {
        let tcp = std::net::TcpListener::from(listener.try_clone().unwrap());
        let mut child = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_embedded-server")])
            .stdin(listener)
            .spawn()
            .unwrap();
        match tcp.local_addr() {
            Ok(address) => expect(&mut TcpStream::connect(address).unwrap(), GREETING),
            Err(_) => expect(&mut UnixStream::connect(&socket).unwrap(), GREETING),
        }
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn no_address_at_all() {
    let output = command(&[]).env_remove("LISTEN_FDS").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("no address given")
    );
}

#[test]
fn leaves_with_its_parent() {
    let directory = Directory::new("parent");
    let socket = directory.path("socket");
    // The shell waits for a line, so that it is still there when the server looks.
    let mut shell = Command::new("sh")
        .args([
            "-c",
            "\"$0\" \"$@\" & read line",
            env!("CARGO_BIN_EXE_embedded-server"),
        ])
        .args(["--unix", &socket, "--exit-with-parent"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(shell.stdin.take());
    shell.wait().unwrap();
    // The end of the output is the end of the server, which held it open.
    assert_eq!(output.read(&mut [0]).unwrap(), 0);
}

#[test]
fn strict_exit_tells_of_violations_and_a_log_of_everything() {
    let directory = Directory::new("strict");
    let [socket, log] = ["socket", "log"].map(|name| directory.path(name));
    let server = Running::new(&["--unix", &socket, "--strict-exit", "--log", &log]);
    let mut stream = UnixStream::connect(&socket).unwrap();
    expect(&mut stream, GREETING);
    stream.write_all(&hex(CLIENT_FLAGS)).unwrap();
    stream
        .write_all(&hex("49484156454f5054 00000003 00000001 00"))
        .unwrap();
    let violation = "violation: LIST: data is not allowed here";
    assert_eq!(
        server.exit(),
        (Some(3), format!("embedded-server: {violation}\n"))
    );
    assert_eq!(
        fs::read_to_string(log).unwrap(),
        format!("option LIST length=1\n{violation}\n")
    );
}

#[test]
fn a_failed_script_exits_with_status_3() {
    let directory = Directory::new("script");
    let [socket, script] = ["socket", "script"].map(|name| directory.path(name));
    fs::write(&script, "send NBDMAGIC\nexpect 01\n").unwrap();
    for once in [&["--once"][..], &[]] {
        let server = Running::new(&[&["--unix", &socket, "--script", &script], once].concat());
        let mut stream = UnixStream::connect(&socket).unwrap();
        expect(&mut stream, "4e42444d41474943");
        stream.write_all(&[2]).unwrap();
        let (code, errors) = server.exit();
        assert_eq!(code, Some(3));
        assert!(
            errors.contains("script line 2: byte 0 differs\n  expected 01\n  received 02\n"),
            "{errors}"
        );
    }
}

#[test]
fn wrong_arguments() {
    let directory = Directory::new("arguments");
    let script = directory.path("script");
    fs::write(&script, "\nnonsense").unwrap();
    for arguments in [
        &["--nonsense"][..],
        &["--unix"],
        &["--size", "1X"],
        &["--flags", "65536"],
        &["--block-size", "1"],
        &["--refuse", "NOTHING"],
        &["--fail", "READ"],
        &["--flip", "1:256"],
        &["--handshake", "no"],
        &["--replies", "no"],
        &["--context", "a:b=1"],
        &["--file", "/nonexistent"],
        &["--script", &script],
    ] {
        let output = command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let help = command(&["--help"]).arg0("x").output().unwrap();
    assert!(help.status.success() && help.stdout.starts_with(b"Usage: "));
}
