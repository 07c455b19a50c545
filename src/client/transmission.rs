//! The transmission phase: requests and replies, and the socket that carries
//! them.

use crate::error::{Error, Result};
use crate::negotiation::ExportInfo;
use crate::negotiation::line::Line;
use crate::protocol::reply::Style;
use crate::transmission::{Agreement, Arrival, Progress, Reach};
use crate::transport::{Stream, Turn};

use super::Client;
use super::debug::debug;
use super::state::State;

/// What has been negotiated, in one line.
fn described(agreement: &Agreement, export: &ExportInfo) -> String {
    let mut text = match export.basics {
        Some((size, flags)) => format!("{size} bytes, flags {:#x}, ", flags.0),
        None => String::from("size and flags unknown, "),
    };
    text += match agreement.style {
        Style::Simple => "simple replies",
        Style::Structured => "structured replies",
        Style::Extended => "extended headers",
    };
    if let Some(sizes) = export.block_sizes {
        let (minimum, preferred, maximum) = (sizes.minimum, sizes.preferred, sizes.maximum);
        text += &format!(", block sizes {minimum}, {preferred}, {maximum}");
    }
    text
}

impl Client {
    pub(super) fn begin_transmission(&mut self, stream: Stream, line: &Line) -> Result<()> {
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
            "ready: {}",
            described(&agreement, &session.export)
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

    /// Sends as much of the queue as the socket accepts.
    #[inline]
    pub(super) fn send_requests(&mut self) -> Result<()> {
        self.holds_back = false;
        let before = match self.limits {
            None => None,
            Some(_) => self.sent_if_nothing_is_owed(),
        };
        let sent = self.send_queue();
        if let Some(before) = before {
            self.request_was_sent(before);
        }
        sent
    }

    /// As above, regardless of time limits.
    fn send_queue(&mut self) -> Result<()> {
        loop {
            let State::Transmitting(stream) = &mut self.state else {
                return Ok(());
            };
            // Requests that have been encrypted are sent before those that have
            // not.
            match stream.send_unsent() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return self.sending_failed(error),
            }
            match self.transmission.send(|vectors| stream.send(vectors)) {
                Ok(Progress::More) => {
                    if self.is_late() {
                        return Ok(());
                    }
                }
                Ok(Progress::Blocked) => return Ok(()),
                Ok(Progress::Empty) => return self.all_sent(),
                Err(error) => return self.sending_failed(error),
            }
        }
    }

    /// A server that no longer reads may still have data to send.
    fn sending_failed(&mut self, error: Error) -> Result<()> {
        if error.errno() == libc::EPIPE {
            self.server_is_deaf = true;
            return Ok(());
        }
        Err(self.die(error))
    }

    /// Nothing is sent after a disconnect.
    fn all_sent(&mut self) -> Result<()> {
        match &mut self.state {
            State::Transmitting(stream) if self.transmission.is_disconnected() => stream
                .shut_down_sending()
                .map(drop)
                .map_err(|error| self.die(error)),
            _ => Ok(()),
        }
    }

    /// Completes commands that have been answered, as far as `reach` permits:
    /// first those whose replies have been received already, which needs no
    /// system call.
    pub(super) fn receive_replies(&mut self, reach: Reach) -> Result<()> {
        if self.transmission.has_backlog() {
            let ended = self.transmission.ended();
            if let Err(error) = self.transmission.go_on(reach) {
                return Err(self.die(error));
            }
            if reach != Reach::Everything && self.transmission.ended() != ended {
                return Ok(());
            }
        }
        let before = self.statistics.chunks_received.get();
        let received = self.receive_from_socket(reach);
        self.listen();
        let replies = self.statistics.chunks_received.get().wrapping_sub(before);
        self.server_is_ahead = replies > 1 || !self.transmission.is_used_up();
        received
    }

    #[inline]
    fn receive_from_socket(&mut self, reach: Reach) -> Result<()> {
        if let State::Transmitting(stream) = &mut self.state {
            stream.begin_receiving(match reach {
                Reach::OneCommandInView => Turn::InView,
                Reach::OneCommand | Reach::Everything => Turn::ahead(self.driven.is_some()),
            });
        }
        loop {
            let State::Transmitting(stream) = &mut self.state else {
                return Ok(());
            };
            let arrival = self
                .transmission
                .receive(reach, |vectors| stream.receive(vectors));
            match arrival {
                Ok(Arrival::More) => {
                    if self.is_late() {
                        return Ok(());
                    }
                }
                // The socket does not indicate the rest of a TLS record.
                Ok(Arrival::Ended) => {
                    if reach != Reach::OneCommandInView || !stream.has_received() {
                        return Ok(());
                    }
                }
                Ok(Arrival::Drained) => return Ok(()),
                Ok(Arrival::End) => {
                    return self.session_ended(None);
                }
                // A server may drop the connection as soon as it receives the
                // disconnect request.
                Err(error)
                    if error.errno() == libc::ECONNRESET && self.transmission.is_disconnected() =>
                {
                    return self.session_ended(None);
                }
                Err(error) => return Err(self.die(error)),
            }
        }
    }
}
