//! The handshake: conversations, and the socket that carries them.

use std::sync::Arc;

use crate::cancel::Stoppable;
use crate::error::{Error, Result};
use crate::flow::{Received, Sent};
use crate::memory::{ReceiveVector, SendVector};
use crate::negotiation::line::Line;
use crate::negotiation::{self, Answer, Fault, Next, OptionRequest, Session};
use crate::transport::tls::Prepared;
use crate::transport::{Stream, Turn};

use super::Client;
use super::debug::debug;
use super::state::{State, Talk};

/// Large enough for the replies to most options.  A longer reply takes another
/// call.
const ANSWER: usize = 1024;

impl Client {
    /// Handles an established connection, on which the server speaks first.
    pub(super) fn greet(&mut self, socket: Stoppable) {
        match &self.place {
            Some(place) => debug!(self.debug, "connected to {place}, waiting for its greeting"),
            None => debug!(self.debug, "connected, waiting for the server's greeting"),
        }
        let line = Line::new(Arc::clone(&self.statistics));
        self.begin_conversation(Stream::plain(socket), line, None);
    }

    /// Starts a conversation, without sending or receiving yet.
    pub(super) fn begin_conversation(
        &mut self,
        stream: Stream,
        line: Line,
        request: Option<Arc<OptionRequest>>,
    ) {
        line.keep_notes(self.debug.enabled());
        let config = self.settings.handshake.clone();
        let conversation = negotiation::begin(line.clone(), config, self.session.clone(), request);
        self.state = State::Conversing(Talk {
            stream,
            line,
            conversation,
        });
        self.conversation_began();
    }

    /// Processes received data of the handshake.  Returns whether there may be
    /// more to receive, including what follows the handshake.
    pub(super) fn read_handshake(&mut self) -> Result<bool> {
        if let State::Conversing(talk) = &mut self.state {
            let turn = Turn::ahead(self.driven.is_some());
            talk.stream.begin_receiving(turn);
        }
        let goes_on = self.read_conversation();
        self.listen();
        goes_on
    }

    fn read_conversation(&mut self) -> Result<bool> {
        while let State::Conversing(talk) = &self.state {
            let goes_on = if talk.line.wants_upgrade() {
                self.advance_tls()?
            } else {
                self.receive_for_handshake()?
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Receives once and continues the conversation.  Returns whether there may
    /// be more to receive.
    fn receive_for_handshake(&mut self) -> Result<bool> {
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
                self.advance_handshake().map(|()| false)
            }
            Ok(Received::Bytes { count, drained }) => {
                talk.line.feed(buffer.get(..count).unwrap_or_default());
                self.advance_handshake().map(|()| !drained)
            }
            Err(error) => Err(self.die_of_handshake(error)),
        }
    }

    /// Continues the conversation and sends its output.
    pub(super) fn advance_handshake(&mut self) -> Result<()> {
        while let State::Conversing(talk) = &mut self.state {
            match talk.send_encrypted() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(self.die_of_handshake(error)),
            }
            if talk.line.wants_upgrade() {
                // The socket may now accept the output of the TLS handshake.
                return self.advance_tls().map(drop);
            }
            let ended = talk.conversation.resume();
            for note in talk.line.take_notes() {
                debug!(self.debug, "{note}");
            }
            if let Some((session, answer)) = ended {
                return self.conversation_ended(session, answer);
            }
            if talk.line.wants_upgrade() {
                return self.begin_tls();
            }
            match talk.send_written() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(self.die_of_handshake(error)),
            }
        }
        Ok(())
    }

    /// Starts the TLS handshake.
    fn begin_tls(&mut self) -> Result<()> {
        let prepared = match Prepared::new(&self.settings.tls, self.server_name()) {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.die_of_handshake(error)),
        };
        let State::Conversing(talk) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        match talk.stream.encrypted(prepared) {
            Ok(stream) => {
                self.state = State::Conversing(Talk { stream, ..talk });
                self.advance_tls().map(drop)
            }
            Err(error) => Err(self.die_of_handshake(error)),
        }
    }

    /// Continues the TLS handshake and, once it is complete, the conversation.
    /// Returns whether it is complete.
    fn advance_tls(&mut self) -> Result<bool> {
        let State::Conversing(talk) = &mut self.state else {
            return Ok(true);
        };
        match talk.stream.handshake() {
            Ok(false) => Ok(false),
            Ok(true) => {
                debug!(self.debug, "encrypted with {}", talk.stream.encryption());
                talk.line.upgraded();
                self.advance_handshake().map(|()| true)
            }
            Err(error) => Err(self.die_of_handshake(error)),
        }
    }

    /// Marks the connection as broken, and returns the reason with the address of
    /// the server: a program may know several.
    fn die_of_handshake(&mut self, error: Error) -> Error {
        let error = match &self.place {
            Some(place) => Error::new(error.errno(), format!("{place}: {}", error.text())),
            None => error,
        };
        self.die(error)
    }

    fn conversation_ended(&mut self, session: Session, answer: Answer<Next>) -> Result<()> {
        *self.session = session;
        let State::Conversing(talk) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        let Talk { stream, line, .. } = talk;
        match answer {
            Ok(Next::Transmission) => self.begin_transmission(stream, &line),
            Ok(Next::Negotiating(count)) => {
                self.state = State::Negotiating(stream, line);
                self.option_ended(Ok(count));
                Ok(())
            }
            Ok(Next::Closed) => self.session_ended(Some(stream)),
            Err(Fault::Refused(_, error) | Fault::Unheard(error)) => {
                debug!(self.debug, "{error}");
                self.state = State::Negotiating(stream, line);
                self.option_ended(Err(error));
                Ok(())
            }
            Err(Fault::Broken(error)) => Err(self.die_of_handshake(error)),
        }
    }
}

impl Talk {
    /// Sends data that TLS has already encrypted.  Returns whether the socket
    /// accepted all of it.
    fn send_encrypted(&mut self) -> Result<bool> {
        match self.stream.send_unsent() {
            Err(error) if error.errno() == libc::EPIPE => {
                self.line.discard_output();
                Ok(true)
            }
            taken => taken,
        }
    }

    /// Sends the output of the conversation.  Returns whether there was any and
    /// the socket accepted some of it.
    fn send_written(&mut self) -> Result<bool> {
        let Self { stream, line, .. } = self;
        if !line.has_output() {
            return Ok(false);
        }
        let sent: Result<usize> =
            line.drain(|bytes| match stream.send(&[SendVector::from(bytes)])? {
                Sent::Bytes(count) => Ok(count),
                Sent::Blocked => Ok(0),
            });
        match sent {
            Ok(count) => Ok(count > 0),
            Err(error) if error.errno() == libc::EPIPE => {
                line.discard_output();
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}
