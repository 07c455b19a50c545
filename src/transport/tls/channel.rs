//! The encrypted stream of one handle.

use std::fmt;
use std::io;
use std::os::fd::RawFd;

use openssl::error::ErrorStack;
use openssl::ssl::SslStream;
use openssl::x509::X509VerifyResult;

use super::ffi::{self, Stop};
use super::guard::{Guarded, enter};
use super::wire::Wire;
use super::{Prepared, advice, reasons};
use crate::cancel::Stoppable;
use crate::error::{Error, Result};
use crate::flow::{Received, Sent};
use crate::memory::{ReceiveVector, SendVector};
use crate::transport::{Turn, shut_down};

/// The maximum length of the data in one record.
const RECORD: usize = 16 * 1024;

/// A TLS session over a socket: first its handshake, then data.
pub struct Channel {
    stream: Guarded<SslStream<Wire>>,
    /// Small pieces, gathered into one record.
    record: Vec<u8>,
    psk: bool,
    /// The peer has been told that nothing more will be sent.
    closing: bool,
    /// So has the socket.
    shut_down: bool,
    /// The error that broke the session, to be reported after data that came
    /// before.
    broken: Option<Error>,
    /// The error of the socket, to be reported after data that it took before.
    unsendable: Option<Error>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("wire", self.stream.get_ref())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}

impl Channel {
    /// A new session, before its handshake.
    pub fn new(prepared: Prepared, socket: Stoppable) -> Result<Self> {
        let Prepared { ssl, psk } = prepared;
        let _busy = enter();
        let stream = SslStream::new(ssl.into_inner(), Wire::new(socket))
            .map_err(|error| super::unusable("session", &error))?;
        Ok(Self {
            stream: Guarded::new(stream),
            record: Vec::new(),
            psk,
            closing: false,
            shut_down: false,
            broken: None,
            unsendable: None,
        })
    }

    /// The descriptor to poll.
    pub fn raw_fd(&self) -> RawFd {
        self.stream.get_ref().raw_fd()
    }

    /// Limits how many times the socket may be asked for data; see `Wire`.
    pub fn allow(&mut self, calls: u32, turn: Turn) {
        self.stream.get_mut().allow(calls, turn);
    }

    /// Whether the socket may be asked no more in this turn.
    pub fn was_interrupted(&self) -> bool {
        self.stream.get_ref().was_interrupted()
    }

    /// Whether bytes have been received; to be reset by the caller.
    pub fn heard(&mut self) -> &mut bool {
        self.stream.get_mut().heard()
    }

    /// Whether something was received that has not been asked for.
    pub fn has_received(&self) -> bool {
        self.stream.ssl().pending() > 0 || self.stream.get_ref().has_received()
    }

    /// Whether encrypted bytes are waiting for the socket.
    pub fn has_unsent(&self) -> bool {
        self.stream.get_ref().has_unsent()
    }

    /// Memory in use, apart from OpenSSL's own.
    pub fn memory(&self) -> usize {
        let wire = self.stream.get_ref().memory();
        wire.saturating_add(self.record.capacity())
    }

    /// Advances the handshake, and returns whether it is complete.
    pub fn handshake(&mut self) -> Result<bool> {
        let _busy = enter();
        let outcome = ffi::connect(&mut self.stream);
        // Whatever the result, the server should be told.  If it no longer
        // reads, the reason may be the next thing to receive.
        match (outcome, self.send_unsent()) {
            (Err(Stop::Goodbye | Stop::Failed), _) => Err(self.handshake_failed()),
            (_, Err(error)) if error.errno() != libc::EPIPE => Err(error),
            (outcome, _) => Ok(outcome.is_ok()),
        }
    }

    /// Version and cipher, for messages.
    pub fn encryption(&self) -> String {
        let _busy = enter();
        let ssl = self.stream.ssl();
        let cipher = ssl
            .current_cipher()
            .map_or("no cipher", |cipher| cipher.name());
        format!("{}, {cipher}", ssl.version_str())
    }

    /// Receives into the vectors, in order.
    pub fn receive(&mut self, into: &mut [ReceiveVector<'_>]) -> Result<Received> {
        let _busy = enter();
        let received = self.decrypt(into);
        // New keys, if the server has asked for them, or an alert.
        let Err(error) = self.flush_after_receiving() else {
            return received;
        };
        // If the server no longer reads, the reason may be the next thing to
        // receive.
        if error.errno() == libc::EPIPE {
            return received;
        }
        match received {
            Ok(Received::Blocked) => Err(error),
            // The error is for the next call, which will follow.
            Ok(Received::Bytes { count, .. }) => {
                self.unsendable = Some(error);
                Ok(Received::some(count))
            }
            received => received,
        }
    }

    /// Sends what is waiting and then performs a pending shutdown, because the
    /// socket is not polled again for that.
    fn flush_after_receiving(&mut self) -> Result<()> {
        if self.send_unsent()? && self.closing {
            self.shut_down_sending()?;
        }
        Ok(())
    }

    fn decrypt(&mut self, into: &mut [ReceiveVector<'_>]) -> Result<Received> {
        let mut count = 0usize;
        for vector in into {
            while vector.len() > 0 {
                if count > 0 && self.is_at_end_of_view() {
                    return Ok(Received::some(count));
                }
                match self.read(vector) {
                    Ok(read) => {
                        vector.advance(read);
                        count = count.saturating_add(read);
                    }
                    Err(Stop::WantRead) => return Ok(Received::all_there_is(count)),
                    Err(_) if count > 0 => return Ok(Received::some(count)),
                    Err(Stop::Goodbye) => return Ok(Received::End),
                    Err(Stop::Failed) => return self.ended(),
                }
            }
        }
        Ok(Received::some(count))
    }

    /// Whether the next byte is in a record that must stay in the socket.
    fn is_at_end_of_view(&self) -> bool {
        self.stream.get_ref().is_in_view() && self.stream.ssl().pending() == 0
    }

    fn read(&mut self, vector: &mut ReceiveVector<'_>) -> std::result::Result<usize, Stop> {
        if self.broken.is_some() {
            return Err(Stop::Failed);
        }
        let read = ffi::read(&mut self.stream, vector);
        if matches!(read, Err(Stop::Failed)) {
            // OpenSSL reports the reason only once.
            self.broken = Some(self.failed("recv"));
        }
        read
    }

    /// The peer may end the stream without close_notify once we have sent
    /// ours.  Before that, somebody else may have cut the stream.
    fn ended(&mut self) -> Result<Received> {
        match self.broken.clone() {
            Some(error) if !self.closing => Err(error),
            _ => Ok(Received::End),
        }
    }

    /// Sends the vectors, in order, until the socket takes no more.  Pieces
    /// that fit into one record are sent as one; what is longer is encrypted
    /// from where it is, unless copying makes it fit into fewer records.
    pub fn send(&mut self, from: &[SendVector<'_>]) -> Result<Sent> {
        let _busy = enter();
        if !self.send_unsent()? {
            return Ok(Sent::Blocked);
        }
        let mut count = 0usize;
        let mut sent = 0;
        let total = from.iter().map(SendVector::len);
        let total = total.fold(0, usize::saturating_add);
        self.record.clear();
        for vector in from {
            let mut rest = *vector;
            while rest.len() > 0 {
                let piece;
                if rest.len() >= RECORD && !saves_a_record(self.record.len(), rest.len()) {
                    count = count.saturating_add(self.write_record()?);
                    (piece, rest) = rest.split(RECORD);
                    self.write(&piece)?;
                    count = count.saturating_add(piece.len());
                } else {
                    (piece, rest) = rest.split(RECORD.saturating_sub(self.record.len()));
                    piece.append_to(&mut self.record);
                    if self.record.len() >= RECORD {
                        count = count.saturating_add(self.write_record()?);
                    }
                }
                // A little more is not worth a separate call.
                let is_more = total.saturating_sub(count) >= RECORD;
                if is_more && self.stream.get_ref().has_gathered() && self.record.is_empty() {
                    match self.send_unsent() {
                        Ok(true) => sent = count,
                        Ok(false) => return Ok(Sent::Bytes(count)),
                        Err(error) => return self.cut_short(sent, error),
                    }
                }
            }
        }
        count = count.saturating_add(self.write_record()?);
        match self.send_unsent() {
            Ok(_) => Ok(Sent::Bytes(count)),
            Err(error) => self.cut_short(sent, error),
        }
    }

    /// The socket has failed after some bytes, which count; the error is for
    /// the next call.
    fn cut_short(&mut self, sent: usize, error: Error) -> Result<Sent> {
        if sent == 0 {
            return Err(error);
        }
        self.unsendable = Some(error);
        Ok(Sent::Bytes(sent))
    }

    fn write_record(&mut self) -> Result<usize> {
        let record = std::mem::take(&mut self.record);
        let written = if record.is_empty() {
            Ok(())
        } else {
            self.write(&SendVector::from(record.as_slice()))
        };
        let count = record.len();
        self.record = record;
        self.record.clear();
        written.map(|()| count)
    }

    /// Encrypts a piece that fits into one record.
    fn write(&mut self, piece: &SendVector<'_>) -> Result<()> {
        ffi::write(&mut self.stream, piece).map_err(|_| self.failed("send"))
    }

    /// Sends what is waiting for the socket, and returns whether nothing is
    /// left.
    pub fn send_unsent(&mut self) -> Result<bool> {
        let sent = match self.unsendable.take() {
            Some(error) => Err(error),
            None => {
                let sent = self.stream.get_mut().send_unsent();
                sent.map_err(|error| Error::system("send", &error))
            }
        };
        match sent {
            // A peer that has already left does not need our close_notify.
            Err(error) if self.closing && is_gone(error.errno()) => Ok(true),
            sent => sent,
        }
    }

    /// Tells the peer that nothing more will be sent, and returns whether this
    /// has left.
    pub fn shut_down_sending(&mut self) -> Result<bool> {
        if !self.closing {
            let _busy = enter();
            self.closing = true;
            ffi::shut_down(&mut self.stream).map_err(|_| self.failed("shutdown"))?;
        }
        if !self.send_unsent()? {
            return Ok(false);
        }
        if self.shut_down {
            return Ok(true);
        }
        self.shut_down = true;
        shut_down(self.stream.get_ref().shut_down_sending())
    }

    fn handshake_failed(&mut self) -> Error {
        let stack = ErrorStack::get();
        if let Some(error) = self.stream.get_mut().take_failure() {
            return socket_failed("TLS handshake", &error);
        }
        let ssl = self.stream.ssl();
        let verdict = ssl.verify_result();
        let text = if verdict != X509VerifyResult::OK {
            if self.psk {
                "the server presented a certificate instead of the pre-shared key".to_owned()
            } else {
                let reason = verdict.error_string();
                let advice = advice::on_certificate(verdict);
                let advice = advice.map(|advice| format!("; {advice}"));
                format!(
                    "the server's certificate is not accepted: {reason}{}",
                    advice.unwrap_or_default()
                )
            }
        } else if ends_early(&stack) {
            "the server closed the connection".to_owned()
        } else {
            reasons(&stack)
        };
        Error::without_errno(format!("TLS handshake: {text}"))
    }

    /// Why the last call failed.
    fn failed(&mut self, call: &'static str) -> Error {
        let stack = ErrorStack::get();
        match self.stream.get_mut().take_failure() {
            Some(error) => socket_failed(call, &error),
            None if ends_early(&stack) => Error::without_errno(
                "TLS: the connection ended without close_notify; somebody may have cut it",
            ),
            None => Error::without_errno(format!("TLS: {}", reasons(&stack))),
        }
    }
}

/// Whether filling up a record that already has some bytes, instead of starting
/// a new one, leads to fewer records.
fn saves_a_record(has: usize, follow: usize) -> bool {
    let last = follow % RECORD;
    has > 0 && last > 0 && has.saturating_add(last) <= RECORD
}

/// The error if the socket fails under a TLS session.  It has no errno, because
/// where the failure is noticed is a matter of chance.
fn socket_failed(call: &str, error: &io::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    Error::without_errno(format!("{call}: {reason}"))
}

/// Whether an errno means that the peer has closed its side completely.
fn is_gone(errno: i32) -> bool {
    matches!(errno, libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN)
}

/// Whether the stream ended in the middle of the session.
fn ends_early(stack: &ErrorStack) -> bool {
    let unexpected = |error: &openssl::error::Error| {
        error
            .reason()
            .is_some_and(|reason| reason.contains("unexpected eof"))
    };
    // Before OpenSSL 3 the end of the stream produced no error.
    stack.errors().is_empty() || stack.errors().iter().any(unexpected)
}

#[cfg(test)]
mod tests;
