//! An in-memory wire for conversations.
//!
//! The handshake is written as `async` functions that await bytes from this
//! wire, so that it reads top to bottom; the compiler generates the state
//! machine that non-blocking use needs.  The owner of the socket moves bytes
//! between it and the wire, and then polls the conversation.  There is no
//! executor: waking up means polling again after bytes have moved.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::future::{Future, poll_fn};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result};
use crate::statistics::Statistics;

/// Both ends of the wire: conversations read and write it, the owner of the
/// socket fills and empties it.
#[derive(Debug, Clone)]
pub struct Line(Arc<Mutex<Bytes>>);

/// The maximum number of unread bytes while output is waiting.  A conversation
/// reads what arrives immediately, unless it is waiting for its own output to
/// leave.  Before a request has left, only a refusal or the end of the stream
/// can arrive, so a server that sends more than this is not reading.
const MAX_UNREAD: usize = 64 * 1024;

/// Both directions are rings: removing bytes from the front does not move the
/// rest, which can be long.
#[derive(Debug)]
struct Bytes {
    /// Received and not yet read.
    input: VecDeque<u8>,
    /// Written and not yet sent.
    output: VecDeque<u8>,
    /// The peer has closed its side.
    ended: bool,
    /// Reading has stopped, for this reason.
    broken: Option<Error>,
    upgrade: Upgrade,
    label: &'static CStr,
    /// The option that has been sent last.
    option: Option<&'static str>,
    statistics: Arc<Statistics>,
    /// What has been said on either side since the owner asked last, if anybody
    /// wants to know.
    notes: Option<Vec<String>>,
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
    pub fn new(statistics: Arc<Statistics>) -> Self {
        Self(Arc::new(Mutex::new(Bytes {
            input: VecDeque::new(),
            output: VecDeque::new(),
            ended: false,
            broken: None,
            upgrade: Upgrade::Clear,
            label: c"MAGIC.START: the conversation begins",
            option: None,
            statistics,
            notes: None,
        })))
    }

    #[inline]
    fn wire(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The methods for the conversation.

    /// Waits for exactly `count` bytes.
    pub async fn read(&self, count: usize) -> Result<Vec<u8>> {
        self.awaited_bytes(count, |input| {
            let mut bytes = vec![0; count];
            input.read_exact(&mut bytes).map(|()| bytes)
        })
        .await
    }

    /// Waits for a field of a fixed size.
    pub async fn read_array<const N: usize>(&self) -> Result<[u8; N]> {
        self.awaited_bytes(N, |input| {
            let mut bytes = [0; N];
            input.read_exact(&mut bytes).map(|()| bytes)
        })
        .await
    }

    /// Waits until `count` bytes are there for `take`.
    async fn awaited_bytes<T>(
        &self,
        count: usize,
        mut take: impl FnMut(&mut VecDeque<u8>) -> io::Result<T>,
    ) -> Result<T> {
        poll_fn(|_| {
            let mut wire = self.wire();
            if wire.broken.is_none() && wire.input.len() >= count {
                let taken = take(&mut wire.input);
                return Poll::Ready(taken.map_err(|_| Error::without_errno("short read")));
            }
            wire.starved()
        })
        .await
    }

    /// Waits for a 16-bit field.
    pub async fn read_u16(&self) -> Result<u16> {
        self.read_array().await.map(u16::from_be_bytes)
    }

    /// Waits for a 64-bit field.
    pub async fn read_u64(&self) -> Result<u64> {
        self.read_array().await.map(u64::from_be_bytes)
    }

    /// Waits for `count` bytes and discards them.
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
        self.wire().output.extend(bytes);
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
    /// have already arrived were sent in clear, by an attacker who wants them
    /// to pass for protected data.
    pub async fn upgrade(&self) -> Result<()> {
        self.flushed().await;
        poll_fn(|_| {
            let mut wire = self.wire();
            match wire.upgrade {
                Upgrade::Done => Poll::Ready(Ok(())),
                _ if !wire.input.is_empty() => Poll::Ready(Err(Error::new(
                    libc::EPROTO,
                    "the server's agreement to TLS was followed by data in clear",
                ))),
                _ => {
                    wire.upgrade = Upgrade::Wanted;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Sets the label of the current step.
    pub fn label(&self, label: &'static CStr) {
        self.wire().label = label;
    }

    /// Writes an option, counts it, and remembers its name.
    pub fn write_option(&self, name: &'static str, bytes: &[u8]) {
        let mut wire = self.wire();
        wire.statistics.chunks_sent.add(1);
        wire.option = Some(name);
        wire.output.extend(bytes);
    }

    /// Counts a greeting or an option reply.
    pub fn count_received(&self) {
        self.wire().statistics.chunks_received.add(1);
    }

    /// Notes what one side has said, in one line.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.wire().notes {
            notes.push(text());
        }
    }

    // The methods for the owner of the socket.

    /// Keeps notes from now on, or no longer.
    pub fn keep_notes(&self, wanted: bool) {
        self.wire().notes = wanted.then(Vec::new);
    }

    /// Takes the notes.
    pub fn take_notes(&self) -> Vec<String> {
        let mut wire = self.wire();
        wire.notes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Adds bytes that have been received.
    pub fn feed(&self, bytes: &[u8]) {
        let mut wire = self.wire();
        wire.statistics.bytes_received.add(bytes.len());
        let is_heard = wire.output.is_empty();
        if !is_heard && wire.input.len().saturating_add(bytes.len()) > MAX_UNREAD {
            wire.break_off(Error::new(
                libc::EPROTO,
                "the server keeps sending data without reading",
            ));
        } else if wire.input.try_reserve(bytes.len()).is_err() {
            wire.break_off(Error::new(
                libc::ENOMEM,
                "there is not enough memory for the data from the server",
            ));
        }
        if wire.broken.is_none() {
            wire.input.extend(bytes);
        }
    }

    /// The peer has closed its side: nothing more will be fed.
    pub fn end(&self) {
        self.wire().ended = true;
    }

    /// Whether bytes are waiting to be sent.
    pub fn has_output(&self) -> bool {
        !self.wire().output.is_empty()
    }

    /// Offers the bytes that are waiting to be sent, and drops as many as were
    /// taken.
    pub fn drain<E>(
        &self,
        send: impl FnOnce(&[u8]) -> std::result::Result<usize, E>,
    ) -> std::result::Result<usize, E> {
        let mut wire = self.wire();
        let (front, _) = wire.output.as_slices();
        let count = send(front)?.min(front.len());
        wire.output.drain(..count);
        wire.statistics.bytes_sent.add(count);
        if wire.output.is_empty() {
            // What is written next is then contiguous.
            wire.output.clear();
        }
        Ok(count)
    }

    /// Drops the bytes that are waiting to be sent, because the peer no longer
    /// reads.  What it sent before it left can still be read.
    pub fn discard_output(&self) {
        self.wire().output.clear();
    }

    /// Whether the conversation is waiting for TLS.
    pub fn wants_upgrade(&self) -> bool {
        self.wire().upgrade == Upgrade::Wanted
    }

    /// From now on, what is fed has come through TLS, and what is drained goes
    /// through it.
    pub fn upgraded(&self) {
        self.wire().upgrade = Upgrade::Done;
    }

    /// Takes the bytes that were received and not read.
    pub fn take_input(&self) -> Vec<u8> {
        std::mem::take(&mut self.wire().input).into()
    }

    /// The label of the current step.
    pub fn current_label(&self) -> &'static CStr {
        self.wire().label
    }

    /// What the conversation waits for, for messages.
    pub fn awaited(&self) -> String {
        let wire = self.wire();
        match (wire.upgrade, wire.option) {
            (Upgrade::Wanted, _) => "the TLS handshake".to_owned(),
            (_, Some(option)) => format!("the server's answer to {option}"),
            (_, None) => "the server's greeting".to_owned(),
        }
    }

    /// Estimate of the memory in use, in bytes.
    pub fn memory(&self) -> usize {
        let wire = self.wire();
        let buffers = wire.input.capacity().saturating_add(wire.output.capacity());
        buffers.saturating_add(size_of::<Bytes>())
    }
}

impl Bytes {
    /// Makes the conversation fail when it next reads.  With no output left, it
    /// no longer waits for the peer to read.
    fn break_off(&mut self, reason: Error) {
        self.input = VecDeque::new();
        self.output = VecDeque::new();
        self.broken = Some(reason);
    }

    /// The result when there are fewer bytes than the conversation needs.
    fn starved<T>(&self) -> Poll<Result<T>> {
        if let Some(reason) = &self.broken {
            Poll::Ready(Err(reason.clone()))
        } else if self.ended {
            Poll::Ready(Err(Error::without_errno(
                "the server closed the connection during the handshake",
            )))
        } else {
            Poll::Pending
        }
    }
}

/// A conversation in progress.
pub struct Conversation<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Conversation<T> {
    /// A new conversation.
    pub fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
        }
    }

    /// Advances the conversation as far as the available bytes allow.
    pub fn resume(&mut self) -> Option<T> {
        let mut context = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends at most `most` bytes, and adds them to `sent`.
    fn send(line: &Line, most: usize, sent: &mut Vec<u8>) -> usize {
        let drained = line.drain(|bytes| {
            let bytes = bytes.get(..most).unwrap_or(bytes);
            sent.extend_from_slice(bytes);
            Ok::<_, ()>(bytes.len())
        });
        drained.unwrap()
    }

    /// Where the bytes that wait to be sent begin.
    fn address(line: &Line) -> *const u8 {
        let wire = line.wire();
        wire.output.as_slices().0.as_ptr()
    }

    #[test]
    fn what_remains_to_be_sent_stays_where_it_is() {
        let line = Line::new(Arc::default());
        let message: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_be_bytes).collect();
        line.write(&message);
        let start = address(&line);
        let mut sent = Vec::new();
        while line.has_output() {
            assert_eq!(address(&line), start.wrapping_add(sent.len()), "moved");
            assert!(send(&line, 100_000, &mut sent) > 0);
        }
        assert!(sent == message);
    }

    #[test]
    fn what_is_written_meanwhile_follows_in_order() {
        let line = Line::new(Arc::default());
        let (mut written, mut sent) = (Vec::new(), Vec::new());
        for round in 0..2000u32 {
            let message = vec![u8::try_from(round % 251).unwrap(); 100];
            line.write(&message);
            written.extend(message);
            send(&line, 99, &mut sent);
        }
        while line.has_output() {
            send(&line, 99, &mut sent);
        }
        assert!(sent == written);
        // A message that finds the wire empty is in one piece.
        line.write(&[1; 70]);
        assert_eq!(send(&line, usize::MAX, &mut sent), 70);
    }

    /// A conversation that sends something and then reads.
    fn talk(line: &Line) -> Conversation<Result<Vec<u8>>> {
        let wire = line.clone();
        Conversation::new(async move {
            wire.write(b"question");
            wire.flushed().await;
            wire.read(3).await
        })
    }

    #[test]
    fn a_peer_that_talks_without_listening_is_not_listened_to() {
        let line = Line::new(Arc::default());
        let mut conversation = talk(&line);
        assert!(conversation.resume().is_none());
        line.feed(&[1; MAX_UNREAD]);
        assert!(conversation.resume().is_none(), "it still has to listen");
        line.feed(&[1]);
        let error = conversation.resume().unwrap().unwrap_err();
        assert_eq!(error.errno(), libc::EPROTO);
        line.feed(&[1; 5000]);
        assert!(line.take_input().is_empty());
        assert!(line.memory() < 1000);
    }

    #[test]
    fn an_answer_before_the_question_has_left_waits() {
        let line = Line::new(Arc::default());
        let mut conversation = talk(&line);
        assert!(conversation.resume().is_none());
        line.feed(b"no!");
        assert!(conversation.resume().is_none());
        send(&line, usize::MAX, &mut Vec::new());
        assert_eq!(conversation.resume(), Some(Ok(b"no!".to_vec())));
    }
}
