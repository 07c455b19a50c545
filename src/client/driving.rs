//! Driving the handle from an event loop that may report each change of the
//! socket only once.
//!
//! Such a loop does not report again what it has reported, so nothing must be
//! left in the socket, unless the loop is told.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::state::State;
use crate::error::{Error, Result};
use crate::flow::Received;
use crate::memory::ReceiveVector;
use crate::sys::{self, Wait};
use crate::transmission::Reach;
use crate::transport::Turn;

/// What [`Driver::process`](crate::Driver::process) has achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The socket is empty, and accepts no more if there is more to send.
    Drained,
    /// There may be more, but others should have their turn first.
    More,
    /// The connection has ended in an orderly way.
    Ended,
}

impl Client {
    /// Returns a descriptor of its own for the socket: the event loop can use
    /// it even if the connection ends meanwhile.
    pub fn driven_socket(&mut self) -> Result<Arc<OwnedFd>> {
        if matches!(&self.state, State::Connecting(trying) if !trying.is_last()) {
            return Err(Error::new(
                libc::EAGAIN,
                "several addresses of the server are still to be tried",
            ));
        }
        let socket = self.aio_get_fd()?;
        if let Some(driven) = &self.driven {
            return Ok(Arc::clone(driven));
        }
        let copy = sys::duplicate(socket).map_err(|error| Error::system("fcntl", &error))?;
        Ok(Arc::clone(self.driven.insert(Arc::new(copy))))
    }

    /// Sends and receives all that does not have to wait.
    pub fn process(&mut self) -> Result<Progress> {
        self.heed_cancel()?;
        self.on_time(Reach::Everything)?;
        if self.awaits_connection()? {
            return Ok(Progress::Drained);
        }
        if self.has_output() {
            self.write()?;
        }
        self.read(Reach::Everything)?;
        self.listen_between_options()?;
        let backlog = self.has_backlog();
        match &mut self.state {
            State::Created => Err(Error::new(libc::ENOTCONN, "the handle has no connection")),
            State::Closed => Ok(Progress::Ended),
            State::Dead(cause) => Err(cause.clone()),
            state => match state.stream() {
                Some(stream) if backlog || stream.was_interrupted() => Ok(Progress::More),
                _ => Ok(Progress::Drained),
            },
        }
    }

    /// Whether the result of connecting is not known yet, which only the socket
    /// can tell.
    fn awaits_connection(&self) -> Result<bool> {
        let State::Connecting(trying) = &self.state else {
            return Ok(false);
        };
        if trying.is_connected() {
            return Ok(false);
        }
        let wait = Wait {
            fd: trying.raw_fd(),
            events: if trying.is_awaited_by_reading() {
                libc::POLLIN
            } else {
                libc::POLLOUT
            },
        };
        sys::poll([wait], Some(Duration::ZERO))
            .map(|happened| happened.is_none())
            .map_err(|error| Error::system("poll", &error))
    }

    fn has_output(&self) -> bool {
        match &self.state {
            State::Connecting(_) => true,
            State::Conversing(talk) => talk.stream.has_unsent() || talk.line.has_output(),
            State::Transmitting(stream) => stream.has_unsent() || self.transmission.has_queue(),
            _ => false,
        }
    }

    /// Notices the end of the connection while the caller chooses an option:
    /// the event loop would not report it again when the caller waits for the
    /// reply.
    fn listen_between_options(&mut self) -> Result<()> {
        let State::Negotiating(stream, _) = &mut self.state else {
            return Ok(());
        };
        stream.begin_receiving(Turn::UntilEmpty);
        let mut byte = [0];
        match stream.receive(&mut [ReceiveVector::from(&mut byte[..])]) {
            Ok(Received::Blocked) => Ok(()),
            Ok(Received::End) => Err(self.die(Error::without_errno(
                "the server closed the connection between two options",
            ))),
            Ok(Received::Bytes { .. }) => Err(self.die(Error::new(
                libc::EPROTO,
                "the server sent data between two options",
            ))),
            Err(error) => Err(self.die(error)),
        }
    }

    /// Shows the event loop that the connection has ended: its descriptor keeps
    /// the socket open.
    pub(super) fn hang_up(&mut self) {
        if let Some(socket) = self.driven.take() {
            // It fails if the socket is not connected, and then shows that.
            let _ = sys::shutdown_both(&socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::client::Handle;
    use crate::connect::{Seat, Trying};
    use crate::sys::address::SocketAddress;

    fn shows_the_end(socket: &OwnedFd) -> bool {
        let wait = Wait {
            fd: socket.as_raw_fd(),
            events: 0,
        };
        let happened = sys::poll([wait], Some(Duration::ZERO)).unwrap();
        happened.is_some_and(|[events]| events & libc::POLLHUP != 0)
    }

    #[test]
    fn whoever_watches_the_socket_sees_that_the_connection_broke() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut handle = Handle::new();
        handle.aio_connect_socket(ours).unwrap();
        let client = handle.client.get_mut();
        let socket = client.driven_socket().unwrap();
        assert!(Arc::ptr_eq(&socket, &client.driven_socket().unwrap()));
        assert!(!shows_the_end(&socket));
        client.die(Error::without_errno("on purpose"));
        assert!(shows_the_end(&socket));
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "and so does the server");
    }

    #[test]
    fn a_socket_that_may_be_replaced_is_not_driven() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut bytes = libc::sa_family_t::try_from(libc::AF_INET)
            .unwrap()
            .to_ne_bytes()
            .to_vec();
        bytes.extend(listener.local_addr().unwrap().port().to_be_bytes());
        bytes.extend([127, 0, 0, 1]);
        bytes.extend([0; 8]);
        let address = SocketAddress::from_bytes(&bytes).unwrap();
        let mut handle = Handle::new();
        let client = handle.client.get_mut();
        let connecting_to = |client: &Client, addresses| {
            let seat = Seat::new(&client.cancel);
            let trying = Trying::begin(addresses, None, seat).unwrap();
            State::Connecting(Box::new(trying))
        };
        client.state = connecting_to(client, vec![address, address]);
        assert_eq!(client.driven_socket().unwrap_err().errno(), libc::EAGAIN);
        client.state = connecting_to(client, vec![address]);
        client.driven_socket().unwrap();
    }
}
