//! An in-memory wire for conversations.
//!
//! The handshake is written as `async` functions that await bytes from this
//! wire, so that it reads top to bottom; the compiler makes the state machine
//! that non-blocking use needs.  Whoever owns the socket moves bytes between
//! it and the wire, and then polls the conversation.  There is no executor:
//! waking up means polling again after bytes have moved.

use std::ffi::CStr;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result};

/// Both ends of the wire: conversations read and write it, the owner of the
/// socket fills and empties it.
#[derive(Debug, Clone)]
pub struct Line(Arc<Mutex<Wire>>);

#[derive(Debug)]
struct Wire {
    /// Received and not yet read.
    input: Vec<u8>,
    /// Written and not yet sent.
    output: Vec<u8>,
    /// The peer has closed its side.
    ended: bool,
    upgrade: Upgrade,
    label: &'static CStr,
    chunks_sent: u64,
    chunks_received: u64,
}

/// Where the switch to TLS stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upgrade {
    Clear,
    Wanted,
    Done,
}

impl Line {
    /// An empty wire.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Wire {
            input: Vec::new(),
            output: Vec::new(),
            ended: false,
            upgrade: Upgrade::Clear,
            label: c"MAGIC.START: the conversation begins",
            chunks_sent: 0,
            chunks_received: 0,
        })))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The conversation's end.

    /// Waits for exactly `count` bytes.
    pub async fn read(&self, count: usize) -> Result<Vec<u8>> {
        poll_fn(|_| {
            let mut wire = self.wire();
            if wire.input.len() >= count {
                return Poll::Ready(Ok(wire.input.drain(..count).collect()));
            }
            wire.starved()
        })
        .await
    }

    /// Waits for a field of a fixed size.
    pub async fn read_array<const N: usize>(&self) -> Result<[u8; N]> {
        let bytes = self.read(N).await?;
        bytes
            .try_into()
            .map_err(|_| Error::without_errno("short read"))
    }

    /// Waits for a 16-bit field.
    pub async fn read_u16(&self) -> Result<u16> {
        self.read_array().await.map(u16::from_be_bytes)
    }

    /// Waits for a 64-bit field.
    pub async fn read_u64(&self) -> Result<u64> {
        self.read_array().await.map(u64::from_be_bytes)
    }

    /// Waits until `count` bytes have gone by unread.
    pub async fn skip(&self, count: usize) -> Result<()> {
        let mut left = count;
        poll_fn(|_| {
            let mut wire = self.wire();
            let now = left.min(wire.input.len());
            wire.input.drain(..now);
            left = left.saturating_sub(now);
            if left == 0 {
                return Poll::Ready(Ok(()));
            }
            wire.starved()
        })
        .await
    }

    /// Writes; the bytes leave when the socket takes them.
    pub fn write(&self, bytes: &[u8]) {
        self.wire().output.extend_from_slice(bytes);
    }

    /// Waits until everything written has left.
    pub async fn flushed(&self) {
        poll_fn(|_| {
            if self.wire().output.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Waits until the owner of the socket has switched to TLS.  Bytes that
    /// are here already were sent in clear, by somebody who wants them taken
    /// for protected ones.
    pub async fn upgrade(&self) -> Result<()> {
        self.flushed().await;
        poll_fn(|_| {
            let mut wire = self.wire();
            match wire.upgrade {
                Upgrade::Done => Poll::Ready(Ok(())),
                _ if !wire.input.is_empty() => Poll::Ready(Err(Error::new(
                    libc::EPROTO,
                    "data in clear came along with the server's agreement to TLS",
                ))),
                _ => {
                    wire.upgrade = Upgrade::Wanted;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Says where the conversation is.
    pub fn label(&self, label: &'static CStr) {
        self.wire().label = label;
    }

    /// Counts an option that is sent.
    pub fn count_sent(&self) {
        let mut wire = self.wire();
        wire.chunks_sent = wire.chunks_sent.saturating_add(1);
    }

    /// Counts a greeting or an option reply.
    pub fn count_received(&self) {
        let mut wire = self.wire();
        wire.chunks_received = wire.chunks_received.saturating_add(1);
    }

    // The socket's end.

    /// Adds bytes that have been received.
    pub fn feed(&self, bytes: &[u8]) {
        self.wire().input.extend_from_slice(bytes);
    }

    /// The peer has closed its side: nothing more will be fed.
    pub fn end(&self) {
        self.wire().ended = true;
    }

    /// Whether bytes wait to be sent.
    pub fn has_output(&self) -> bool {
        !self.wire().output.is_empty()
    }

    /// Offers the bytes that wait to be sent, and drops as many as were taken.
    pub fn drain<E>(
        &self,
        send: impl FnOnce(&[u8]) -> std::result::Result<usize, E>,
    ) -> std::result::Result<usize, E> {
        let mut wire = self.wire();
        let count = send(&wire.output)?.min(wire.output.len());
        wire.output.drain(..count);
        Ok(count)
    }

    /// Drops the bytes that wait to be sent: the peer does not listen any more.
    /// What it said before it left can still be read.
    pub fn discard_output(&self) {
        self.wire().output.clear();
    }

    /// Whether the conversation waits for TLS.
    pub fn wants_upgrade(&self) -> bool {
        self.wire().upgrade == Upgrade::Wanted
    }

    /// What is fed from here on has come through TLS, and what is drained goes
    /// through it.
    pub fn upgraded(&self) {
        self.wire().upgrade = Upgrade::Done;
    }

    /// Takes what was received and not read.
    pub fn take_input(&self) -> Vec<u8> {
        std::mem::take(&mut self.wire().input)
    }

    /// Where the conversation is.
    pub fn current_label(&self) -> &'static CStr {
        self.wire().label
    }

    /// Options sent, and greetings and option replies received.
    pub fn chunks(&self) -> (u64, u64) {
        let wire = self.wire();
        (wire.chunks_sent, wire.chunks_received)
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        let wire = self.wire();
        let buffers = wire.input.capacity().saturating_add(wire.output.capacity());
        buffers.saturating_add(size_of::<Wire>())
    }
}

impl Wire {
    /// Fewer bytes are there than the conversation needs.
    fn starved<T>(&self) -> Poll<Result<T>> {
        if self.ended {
            Poll::Ready(Err(Error::without_errno(
                "the server closed the connection during the handshake",
            )))
        } else {
            Poll::Pending
        }
    }
}

/// A conversation under way.
pub struct Conversation<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Conversation<T> {
    /// A conversation that has not begun.
    pub fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
        }
    }

    /// Carries the conversation on as far as the bytes that have moved allow.
    pub fn resume(&mut self) -> Option<T> {
        let mut context = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}
