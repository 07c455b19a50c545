//! How the states of a handle follow each other as bytes move.

use std::os::fd::OwnedFd;

use crate::connect::Outcome;
use crate::error::{Error, Result};
use crate::memory::{ReceiveVector, SendVector};
use crate::negotiation::line::{Conversation, Line};
use crate::negotiation::{self, Answer, Config, Fault, Next, Session};
use crate::protocol::reply::Style;
use crate::transmission::{Agreement, Arrival, Progress, Reach};
use crate::transport::tls::Prepared;
use crate::transport::{Received, Sent, Stream};

use super::Client;
use super::debug::debug;
use super::state::{READ, State, Talk, WRITE};

/// Room for an answer to most options.  What is longer takes another call.
const ANSWER: usize = 1024;

impl Client {
    /// The socket has become readable.
    pub fn aio_notify_read(&mut self) -> Result<()> {
        self.expect(READ, "read")?;
        self.socket_is_watched = true;
        self.take_in(self.reach_of_one_call())
    }

    /// The socket has become writable, or the caller has seen that there is a
    /// backlog: the direction says so by asking for both.
    pub fn aio_notify_write(&mut self) -> Result<()> {
        self.expect(WRITE, "write")?;
        self.socket_is_watched = true;
        if !self.has_backlog() {
            return self.has_become_writable();
        }
        let ended = self.transmission.ended();
        if self.transmission.has_queue() || self.state.has_unsent() {
            self.push()?;
        }
        if self.transmission.ended() == ended {
            self.pull(self.reach_of_one_call())?;
        }
        Ok(())
    }

    /// Goes on with what waits for the socket to take it.
    pub(super) fn has_become_writable(&mut self) -> Result<()> {
        match self.state {
            State::Connecting(_) => self.proceed(),
            State::Conversing(_) => self.converse(),
            _ => self.push(),
        }
    }

    /// One call ends at most one command: programs count on it.  One that
    /// watches the socket may sleep until it becomes readable, and cannot see
    /// what is buffered here: for such a program, nothing is.
    pub(super) fn reach_of_one_call(&self) -> Reach {
        if self.socket_is_watched {
            Reach::OneCommandInView
        } else {
            Reach::OneCommand
        }
    }

    /// Whether something has been received that the next call can use, and of
    /// which the socket says nothing.
    pub(super) fn has_backlog(&self) -> bool {
        match &self.state {
            State::Transmitting(stream) => self.transmission.has_backlog() || stream.has_received(),
            _ => false,
        }
    }

    fn expect(&self, direction: u32, what: &str) -> Result<()> {
        if self.direction() & direction != 0 {
            return Ok(());
        }
        let state = self.connection_state().to_string_lossy();
        Err(Error::new(
            libc::EINVAL,
            format!("no {what} event is expected in state {state}"),
        ))
    }

    // Connecting.

    /// Looks at how connecting went.
    fn proceed(&mut self) -> Result<()> {
        let State::Connecting(attempt) = std::mem::replace(&mut self.state, State::Created) else {
            return Ok(());
        };
        match attempt.proceed() {
            Ok(Outcome::Trying(attempt)) => {
                self.state = State::Connecting(attempt);
                Ok(())
            }
            Ok(Outcome::Connected(socket)) => {
                self.greet(socket);
                Ok(())
            }
            Err(error) => Err(self.connect_failed(&error)),
        }
    }

    /// The connection stands: the server speaks first.
    pub(super) fn greet(&mut self, socket: OwnedFd) {
        debug!(self.debug, "connected, waiting for the server's greeting");
        let line = Line::new();
        self.begin(
            Stream::plain(socket),
            line,
            |line, config, mut session| async move {
                let answer = negotiation::connect(&line, &config, &mut session).await;
                (session, answer)
            },
        );
    }

    // The handshake.

    /// Begins a conversation, without moving any byte yet.
    pub(super) fn begin<F>(
        &mut self,
        stream: Stream,
        line: Line,
        conversation: impl FnOnce(Line, Config, Session) -> F,
    ) where
        F: Future<Output = (Session, Answer<Next>)> + Send + 'static,
    {
        let config = self.settings.handshake.clone();
        let conversation = conversation(line.clone(), config, self.session.clone());
        self.state = State::Conversing(Talk {
            stream,
            line,
            conversation: Conversation::new(conversation),
        });
    }

    /// Uses what has arrived: all of it during the handshake, and afterwards as
    /// far as `reach` lets it.
    pub(super) fn take_in(&mut self, reach: Reach) -> Result<()> {
        if let State::Conversing(talk) = &mut self.state {
            talk.stream.begin_receiving(false);
        }
        loop {
            match &self.state {
                State::Conversing(talk) if talk.line.wants_upgrade() => {
                    if !self.shake_hands()? {
                        return Ok(());
                    }
                }
                State::Conversing(_) => {
                    if !self.hear()? {
                        return Ok(());
                    }
                }
                State::Transmitting(_) => return self.pull(reach),
                _ => return Ok(()),
            }
        }
    }

    /// Receives once, and carries the conversation on; whether there may be
    /// more to receive.
    fn hear(&mut self) -> Result<bool> {
        let State::Conversing(talk) = &mut self.state else {
            return Ok(false);
        };
        let mut buffer = [0; ANSWER];
        match talk
            .stream
            .receive(&mut [ReceiveVector::from(&mut buffer[..])])
        {
            Ok(Received::Blocked) => Ok(false),
            Ok(Received::End) => {
                talk.line.end();
                self.converse().map(|()| false)
            }
            Ok(Received::Bytes { count, drained }) => {
                count_bytes(&mut self.traffic.bytes_received, count);
                talk.line.feed(buffer.get(..count).unwrap_or_default());
                self.converse().map(|()| !drained)
            }
            Err(error) => Err(self.die(error)),
        }
    }

    /// Carries the conversation on, and sends what it has to say.
    pub(super) fn converse(&mut self) -> Result<()> {
        loop {
            let State::Conversing(talk) = &mut self.state else {
                return Ok(());
            };
            match talk.stream.send_unsent() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if error.errno() == libc::EPIPE => talk.line.discard_output(),
                Err(error) => return Err(self.die(error)),
            }
            if talk.line.wants_upgrade() {
                // The socket may take now what the TLS handshake has to say.
                return self.shake_hands().map(drop);
            }
            if let Some((session, answer)) = talk.conversation.resume() {
                return self.conversation_ended(session, answer);
            }
            if talk.line.wants_upgrade() {
                return self.encrypt();
            }
            if !talk.line.has_output() {
                return Ok(());
            }
            let Talk { stream, line, .. } = talk;
            match line.drain(|bytes| sent(stream.send(&[SendVector::from(bytes)]))) {
                Ok(0) => return Ok(()),
                Ok(count) => count_bytes(&mut self.traffic.bytes_sent, count),
                Err(error) if error.errno() == libc::EPIPE => line.discard_output(),
                Err(error) => return Err(self.die(error)),
            }
        }
    }

    /// Begins the TLS handshake.
    fn encrypt(&mut self) -> Result<()> {
        let prepared = match Prepared::new(&self.settings.tls, self.server_name()) {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.die(error)),
        };
        let State::Conversing(talk) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        match talk.stream.encrypted(prepared) {
            Ok(stream) => {
                self.state = State::Conversing(Talk { stream, ..talk });
                self.shake_hands().map(drop)
            }
            Err(error) => Err(self.die(error)),
        }
    }

    /// Carries the TLS handshake on, and when it is over the conversation;
    /// whether it is over.
    fn shake_hands(&mut self) -> Result<bool> {
        let State::Conversing(talk) = &mut self.state else {
            return Ok(true);
        };
        match talk.stream.handshake() {
            Ok(false) => Ok(false),
            Ok(true) => {
                debug!(self.debug, "encrypted with {}", talk.stream.encryption());
                talk.line.upgraded();
                self.converse().map(|()| true)
            }
            Err(error) => Err(self.die(error)),
        }
    }

    fn conversation_ended(&mut self, session: Session, answer: Answer<Next>) -> Result<()> {
        self.session = session;
        let State::Conversing(talk) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        let Talk { stream, line, .. } = talk;
        match answer {
            Ok(Next::Transmission) => {
                self.keep_count(line.chunks());
                self.begin_transmission(stream, &line)
            }
            Ok(Next::Negotiating(count)) => {
                self.state = State::Negotiating(stream, line);
                self.option_ended(Ok(count));
                Ok(())
            }
            Ok(Next::Closed) => {
                self.keep_count(line.chunks());
                self.session_ended(Some(stream));
                Ok(())
            }
            Err(Fault::Refused(_, error) | Fault::Unheard(error)) => {
                debug!(self.debug, "{error}");
                self.state = State::Negotiating(stream, line);
                self.option_ended(Err(error));
                Ok(())
            }
            Err(Fault::Broken(error)) => {
                self.keep_count(line.chunks());
                Err(self.die(error))
            }
        }
    }

    /// The wire of the handshake goes; what it counted stays.
    fn keep_count(&mut self, (sent, received): (u64, u64)) {
        let traffic = &mut self.traffic;
        traffic.chunks_sent = traffic.chunks_sent.saturating_add(sent);
        traffic.chunks_received = traffic.chunks_received.saturating_add(received);
    }

    fn begin_transmission(&mut self, stream: Stream, line: &Line) -> Result<()> {
        let session = &self.session;
        let agreement = Agreement {
            style: match (session.extended_headers, session.structured_replies) {
                (true, _) => Style::Extended,
                (false, true) => Style::Structured,
                (false, false) => Style::Simple,
            },
            contexts: session.contexts.in_force().to_vec(),
            size: session.export.basics.map(|(size, _)| size),
        };
        debug!(
            self.debug,
            "ready: {:?} replies, {:?}", agreement.style, session.export
        );
        self.state = State::Transmitting(stream);
        let begun = self.transmission.begin(agreement, &line.take_input());
        match begun {
            Ok(()) => {
                self.option_ended(Ok(0));
                Ok(())
            }
            Err(error) => Err(self.die(error)),
        }
    }

    // Transmission.

    /// Sends from the queue what the socket takes.
    pub(super) fn push(&mut self) -> Result<()> {
        loop {
            let State::Transmitting(stream) = &mut self.state else {
                return Ok(());
            };
            // Requests that have been encrypted go before those that have not.
            match stream.send_unsent() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return self.push_failed(error),
            }
            let mut taken = 0;
            let progress = self.transmission.send(|vectors| {
                let sent = stream.send(vectors)?;
                if let Sent::Bytes(count) = sent {
                    taken = count;
                }
                Ok(sent)
            });
            count_bytes(&mut self.traffic.bytes_sent, taken);
            match progress {
                Ok(Progress::More) => {}
                Ok(Progress::Blocked) => return Ok(()),
                Ok(Progress::Empty) => return self.after_push(),
                Err(error) => return self.push_failed(error),
            }
        }
    }

    /// A server that does not listen any more may still have something to say.
    fn push_failed(&mut self, error: Error) -> Result<()> {
        if error.errno() == libc::EPIPE {
            self.server_is_deaf = true;
            return Ok(());
        }
        Err(self.die(error))
    }

    /// Nothing follows a disconnect.
    fn after_push(&mut self) -> Result<()> {
        if self.transmission.is_disconnected()
            && let State::Transmitting(stream) = &mut self.state
            && let Err(error) = stream.shut_down_sending()
        {
            return Err(self.die(error));
        }
        Ok(())
    }

    /// Completes what has been answered, as far as `reach` lets it: first what
    /// has been received already, which needs no system call.
    pub(super) fn pull(&mut self, reach: Reach) -> Result<()> {
        if self.transmission.has_backlog() {
            let ended = self.transmission.ended();
            if let Err(error) = self.transmission.go_on(reach) {
                return Err(self.die(error));
            }
            if reach != Reach::Everything && self.transmission.ended() != ended {
                return Ok(());
            }
        }
        let (_, before) = self.transmission.chunks();
        let pulled = self.receive(reach);
        let (_, after) = self.transmission.chunks();
        self.server_is_ahead = after.saturating_sub(before) > 1 || !self.transmission.is_used_up();
        pulled
    }

    fn receive(&mut self, reach: Reach) -> Result<()> {
        if let State::Transmitting(stream) = &mut self.state {
            stream.begin_receiving(reach == Reach::OneCommandInView);
        }
        loop {
            let State::Transmitting(stream) = &mut self.state else {
                return Ok(());
            };
            let mut taken = 0;
            let arrival = self.transmission.receive(reach, |vectors| {
                let received = stream.receive(vectors)?;
                if let Received::Bytes { count, .. } = received {
                    taken = count;
                }
                Ok(received)
            });
            count_bytes(&mut self.traffic.bytes_received, taken);
            match arrival {
                Ok(Arrival::More) => {}
                // The socket does not show what is left of a record of TLS.
                Ok(Arrival::Ended) => {
                    if reach != Reach::OneCommandInView || !stream.has_received() {
                        return Ok(());
                    }
                }
                Ok(Arrival::Drained) => return Ok(()),
                Ok(Arrival::End) => {
                    self.session_ended(None);
                    return Ok(());
                }
                // A server may drop the connection as soon as it is told that
                // the session is over.
                Err(error)
                    if error.errno() == libc::ECONNRESET && self.transmission.is_disconnected() =>
                {
                    self.session_ended(None);
                    return Ok(());
                }
                Err(error) => return Err(self.die(error)),
            }
        }
    }

    // The end.

    /// The session has ended in order.
    fn session_ended(&mut self, stream: Option<Stream>) {
        debug!(self.debug, "the connection is closed");
        if let Some(mut stream) = stream {
            // The stream is closed in a moment; this only makes it orderly.
            let _ = stream.shut_down_sending();
        }
        self.state = State::Closed;
        self.transmission.abandon_all();
        self.option_ended(Ok(0));
    }

    /// The connection is broken; answers with the reason.
    pub(super) fn die(&mut self, error: Error) -> Error {
        debug!(self.debug, "the connection is dead: {error}");
        let chunks = self.state.line_chunks();
        self.keep_count(chunks);
        self.state = State::Dead(error.clone());
        self.transmission.abandon_all();
        let reason = match error.errno() {
            0 => Error::new(libc::ENOTCONN, error.text().to_owned()),
            _ => error.clone(),
        };
        self.option_failed(error.clone(), reason.errno());
        error
    }

    /// The handle is being closed.
    pub(super) fn close(&mut self) {
        self.transmission.abandon_all();
        self.transmission.retire_done();
        let mut subprocess = self.subprocess.take();
        if let Some(child) = &mut subprocess {
            child.take_leave();
        }
        // Closing the socket is what tells other subprocesses to finish.
        self.state = State::Closed;
        // Whoever was promised an answer to an option gets one: this is it.
        let gone = Error::new(libc::ENOTCONN, "the handle is being closed");
        self.option_failed(gone, libc::ENOTCONN);
        if let Some(child) = subprocess {
            let pid = child.pid();
            if !child.end() {
                debug!(
                    self.debug,
                    "process {pid} cannot be ended, and is left to itself"
                );
            }
        }
    }
}

fn sent(result: Result<Sent>) -> Result<usize> {
    match result? {
        Sent::Bytes(count) => Ok(count),
        Sent::Blocked => Ok(0),
    }
}

fn count_bytes(counter: &mut u64, count: usize) {
    *counter = counter.saturating_add(u64::try_from(count).unwrap_or(0));
}
