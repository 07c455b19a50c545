//! Addresses to listen on, and one thread per client.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::config::Config;
use crate::serve_stream;
use crate::session::Outcome;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Unix socket.
    Unix(UnixListener),
    /// TCP socket.
    Tcp(TcpListener),
}

impl Listener {
    /// Binds a Unix socket, and replaces one left behind by a server that is gone.
    pub fn unix(path: &Path) -> io::Result<Listener> {
        let is_socket = path
            .symlink_metadata()
            .is_ok_and(|data| data.file_type().is_socket());
        if is_socket
            && UnixStream::connect(path)
                .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        {
            std::fs::remove_file(path)?;
        }
        UnixListener::bind(path).map(Listener::Unix)
    }

    /// Binds a TCP address, `HOST:PORT`; port 0 takes a free one.
    pub fn tcp(address: &str) -> io::Result<Listener> {
        TcpListener::bind(address).map(Listener::Tcp)
    }

    /// Takes over a listening socket of either kind.
    pub fn inherited(socket: OwnedFd) -> io::Result<Listener> {
        let unix = UnixListener::from(socket);
        if unix.local_addr().is_ok() {
            return Ok(Listener::Unix(unix));
        }
        let tcp = TcpListener::from(OwnedFd::from(unix));
        tcp.local_addr()?;
        Ok(Listener::Tcp(tcp))
    }

    /// Accepts one client.
    pub fn accept(&self) -> io::Result<OwnedFd> {
        match self {
            Listener::Unix(listener) => Ok(listener.accept()?.0.into()),
            Listener::Tcp(listener) => {
                let stream = listener.accept()?.0;
                stream.set_nodelay(true)?;
                Ok(stream.into())
            }
        }
    }

    /// The NBD URI of this server.
    pub fn uri(&self) -> io::Result<String> {
        match self {
            Listener::Tcp(listener) => Ok(format!("nbd://{}", listener.local_addr()?)),
            Listener::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new(""));
                Ok(format!("nbd+unix:///?socket={}", percent_encoded(path)))
            }
        }
    }

    fn connect(&self) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => TcpStream::connect(listener.local_addr()?).map(drop),
            Listener::Unix(listener) => UnixStream::connect_addr(&listener.local_addr()?).map(drop),
        }
    }
}

fn percent_encoded(path: &Path) -> String {
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encode = |&byte: &u8| {
        if literal(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(encode)
        .collect()
}

/// A server in the background, one thread for each client. Dropping it stops it from
/// accepting; clients already served go on.
#[derive(Debug)]
pub struct Server {
    uri: String,
    path: Option<PathBuf>,
    listener: Arc<Listener>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    outcomes: Arc<Mutex<Vec<io::Result<Outcome>>>>,
}

impl Server {
    fn start(listener: Listener, path: Option<PathBuf>, config: Config) -> io::Result<Server> {
        let uri = listener.uri()?;
        let listener = Arc::new(listener);
        let stopping = Arc::new(AtomicBool::new(false));
        let outcomes = Arc::default();
        let acceptor = {
            let (listener, stopping, outcomes) =
                (listener.clone(), stopping.clone(), Arc::clone(&outcomes));
            thread::Builder::new()
                .name("nbd acceptor".to_owned())
                .spawn(move || {
                    accept_all(&listener, &stopping, &Arc::new(config), &outcomes);
                })?
        };
        Ok(Server {
            uri,
            path,
            listener,
            stopping,
            acceptor: Some(acceptor),
            outcomes,
        })
    }

    /// The NBD URI of this server.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Stops accepting, waits until all accepted clients have left, and returns their outcomes in
    /// the order in which they left.
    pub fn finish(mut self) -> Vec<io::Result<Outcome>> {
        if let Some(acceptor) = self.stop() {
            drop(acceptor.join());
        }
        std::mem::take(&mut *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the acceptor exit; if it cannot be reached, there is none to wait for.
    fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.stopping.store(true, Ordering::SeqCst);
        let acceptor = self.acceptor.take()?;
        // The acceptor is blocked in accept; this connection wakes it.
        let woken = self.listener.connect();
        if let Some(path) = self.path.take() {
            drop(std::fs::remove_file(path));
        }
        woken.is_ok().then_some(acceptor)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

fn accept_all(
    listener: &Listener,
    stopping: &AtomicBool,
    config: &Arc<Config>,
    outcomes: &Arc<Mutex<Vec<io::Result<Outcome>>>>,
) {
    let mut clients = Vec::new();
    while let Ok(client) = listener.accept() {
        if stopping.load(Ordering::SeqCst) {
            break;
        }
        let (config, outcomes) = (config.clone(), outcomes.clone());
        clients.push(thread::spawn(move || {
            let outcome = serve_stream(client, &config);
            outcomes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(outcome);
        }));
    }
    for client in clients {
        drop(client.join());
    }
}

/// Serves clients on a Unix socket.
pub fn spawn_unix(config: Config, path: impl AsRef<Path>) -> io::Result<Server> {
    let path = path.as_ref();
    Server::start(Listener::unix(path)?, Some(path.to_owned()), config)
}

/// Serves clients on a TCP address, `HOST:PORT`; port 0 takes a free one.
pub fn spawn_tcp(config: Config, address: &str) -> io::Result<Server> {
    Server::start(Listener::tcp(address)?, None, config)
}
