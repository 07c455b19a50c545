//! The descriptor of a connection in progress.
//!
//! It keeps its number from the first address to the last, and through all
//! pauses, because the caller may have registered it with an event loop.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::cancel::{Cancel, Stoppable};
use crate::sys;
use crate::sys::address::SocketAddress;

/// Where the next descriptor goes.
#[derive(Debug)]
pub struct Seat {
    cancel: Arc<Cancel>,
    /// What is there now.
    taken: Option<Taken>,
}

#[derive(Debug)]
struct Taken {
    fd: Stoppable,
    /// Of a socket that can be used again.
    family: Option<i32>,
}

impl Seat {
    /// For the first descriptor of a handle, which can have any number.
    pub fn new(cancel: &Arc<Cancel>) -> Self {
        Self {
            cancel: Arc::clone(cancel),
            taken: None,
        }
    }

    /// Where something is that is no longer needed.
    pub fn of(fd: Stoppable, cancel: Arc<Cancel>) -> Self {
        Self {
            cancel,
            taken: Some(Taken { fd, family: None }),
        }
    }

    /// Where a socket is that has failed to connect.
    pub fn of_socket(socket: Stoppable, family: i32, cancel: Arc<Cancel>) -> Self {
        Self {
            cancel,
            taken: Some(Taken {
                fd: socket,
                family: Some(family),
            }),
        }
    }

    /// The one that cancels the handle.
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }

    /// Returns a socket for an address.  It is the old one, if possible, which
    /// then is still registered with epoll.
    pub fn socket(&mut self, address: &SocketAddress) -> io::Result<Stoppable> {
        if let Some(taken) = self.taken.take_if(|taken| {
            taken.family == Some(address.family()) && sys::disconnect(taken.fd.as_fd()).is_ok()
        }) {
            return Ok(taken.fd);
        }
        self.put(sys::open(address)?)
    }

    /// Puts a descriptor here.
    pub fn put(&mut self, new: OwnedFd) -> io::Result<Stoppable> {
        let Some(taken) = self.taken.take() else {
            return Ok(Stoppable::new(new, &self.cancel));
        };
        let replaced = taken.fd.replace(new);
        if let Err(error) = replaced {
            self.taken = Some(taken);
            return Err(error);
        }
        Ok(taken.fd)
    }
}
