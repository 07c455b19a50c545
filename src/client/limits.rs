//! Time limits.
//!
//! A handle without limits knows none of this: `Client::limits` is `None`, and
//! nothing reads the clock.  With limits, whatever waits does so in `poll` and
//! not longer than until the next limit, and each call that moves bytes ends
//! with a look at the clock.  So what has arrived is processed before a limit is
//! applied, but a server that never stops sending cannot put it off.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use super::Client;
use super::state::State;
use crate::connect::Place;
use crate::error::{Error, Escaped, Result};
use crate::protocol::request::Command;
use crate::transmission::{Parting, Reach};
use crate::transport::Stream;

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Connecting, up to the end of the handshake.
    Connect,
    /// One option or command.
    Call,
    /// The time in which a server that owes an answer sends nothing.
    Silence,
}

impl Limited {
    pub const ALL: [Self; 3] = [Self::Connect, Self::Call, Self::Silence];

    /// By the number that callers know.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.number() == number)
    }

    fn number(self) -> i32 {
        match self {
            Self::Connect => crate::TIMEOUT_CONNECT,
            Self::Call => crate::TIMEOUT_CALL,
            Self::Silence => crate::TIMEOUT_SILENCE,
        }
    }

    /// The constant of the C interface.
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "NBDX_TIMEOUT_CONNECT",
            Self::Call => "NBDX_TIMEOUT_CALL",
            Self::Silence => "NBDX_TIMEOUT_SILENCE",
        }
    }

    /// The environment variable.
    pub fn variable(self) -> &'static CStr {
        match self {
            Self::Connect => c"LIBNBDX_CONNECT_TIMEOUT",
            Self::Call => c"LIBNBDX_CALL_TIMEOUT",
            Self::Silence => c"LIBNBDX_SILENCE_TIMEOUT",
        }
    }
}

/// The limits of a handle, of which at least one is set.
#[derive(Debug, Default)]
pub struct Limits {
    connect: Option<Limit>,
    call: Option<Limit>,
    silence: Option<Limit>,
    /// When the option began that is in progress.
    option: Option<Instant>,
    /// The last call has ended a command, and has left a limit that has passed
    /// to the next one.
    postponed: bool,
}

/// One limit.
#[derive(Debug, Clone, Copy)]
struct Limit {
    length: Duration,
    /// When the time began.  For a call this is when the limit was set; an
    /// option or a command that began later has its own time.
    since: Instant,
}

impl Limit {
    fn due(&self) -> Option<Instant> {
        self.due_if_begun(None)
    }

    /// A time too far away to be represented never comes.
    fn due_if_begun(&self, began: Option<Instant>) -> Option<Instant> {
        let since = began.map_or(self.since, |began| began.max(self.since));
        since.checked_add(self.length)
    }

    fn restart(limit: &mut Option<Self>, now: Instant) {
        if let Some(limit) = limit {
            limit.since = now;
        }
    }
}

impl Limits {
    fn limit(&self, which: Limited) -> Option<Limit> {
        match which {
            Limited::Connect => self.connect,
            Limited::Call => self.call,
            Limited::Silence => self.silence,
        }
    }

    fn set(&mut self, which: Limited, limit: Option<Limit>) {
        let place = match which {
            Limited::Connect => &mut self.connect,
            Limited::Call => &mut self.call,
            Limited::Silence => &mut self.silence,
        };
        *place = limit;
    }

    fn has_any(&self) -> bool {
        Limited::ALL
            .into_iter()
            .any(|which| self.limit(which).is_some())
    }

    fn change(
        limits: &mut Option<Box<Self>>,
        which: Limited,
        length: Option<Duration>,
        now: Instant,
    ) {
        let limit = length.map(|length| Limit { length, since: now });
        limits.get_or_insert_default().set(which, limit);
        limits.take_if(|limits| !limits.has_any());
    }
}

/// A limit that will have passed.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    which: Limited,
    length: Duration,
}

impl Due {
    /// The error that reports that it has passed while waiting for something.
    fn error(self, awaited: &str) -> Error {
        let time = in_milliseconds(self.length);
        let name = self.which.name();
        let text = match self.which {
            Limited::Connect => {
                format!(
                    "connecting took longer than {time} ms; it was waiting for {awaited} ({name})"
                )
            }
            Limited::Call => format!("waited {time} ms for {awaited} ({name})"),
            Limited::Silence => {
                format!("nothing arrived for {time} ms while waiting for {awaited} ({name})")
            }
        };
        Error::new(libc::ETIMEDOUT, text)
    }
}

/// Rounded up, so that nobody who waits for so long wakes early.
pub fn in_milliseconds(time: Duration) -> u128 {
    time.as_nanos().div_ceil(1_000_000)
}

impl Client {
    /// Sets or removes a limit.  What is already in progress counts from now.
    pub fn set_limit(&mut self, which: Limited, length: Option<Duration>) {
        Limits::change(&mut self.limits, which, length, Instant::now());
        // What has been heard so far does not count.
        if let Some(stream) = self.state.stream() {
            stream.take_heard();
        }
    }

    /// A limit.
    pub fn limit(&self, which: Limited) -> Option<Duration> {
        let limit = self.limits.as_deref()?.limit(which)?;
        Some(limit.length)
    }

    /// The time until the next limit passes.
    pub fn time_left(&self) -> Option<Duration> {
        let due = self.due()?;
        Some(due.at.saturating_duration_since(Instant::now()))
    }

    /// The limit that passes next, of those that apply to what is in progress.
    fn due(&self) -> Option<Due> {
        let limits = self.limits.as_deref()?;
        let due = |which, limit: Option<Limit>, at: Option<Instant>| {
            let length = limit?.length;
            at.map(|at| Due { at, which, length })
        };
        let Limits {
            connect,
            call,
            silence,
            option,
            ..
        } = limits;
        let connecting = connect.filter(|_| self.is_connecting());
        let silent = silence.filter(|_| self.server_owes());
        let in_call = match &self.state {
            State::Conversing(_) if self.option.asked.is_some() => {
                call.and_then(|call| call.due_if_begun(*option))
            }
            State::Transmitting(_) => call.and_then(|call| {
                let (_, _, began) = self.transmission.oldest()?;
                call.due_if_begun(began)
            }),
            _ => None,
        };
        [
            due(
                Limited::Connect,
                connecting,
                connecting.and_then(|limit| limit.due()),
            ),
            due(
                Limited::Silence,
                silent,
                silent.and_then(|limit| limit.due()),
            ),
            due(Limited::Call, *call, in_call),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|due| due.at)
    }

    /// Whether a limit has passed.
    #[inline]
    pub(super) fn is_late(&self) -> bool {
        self.limits.is_some() && self.is_due()
    }

    #[cold]
    fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due.at <= Instant::now())
    }

    fn is_connecting(&self) -> bool {
        match &self.state {
            State::Connecting(_) => true,
            State::Conversing(_) => self.option.asked.is_none(),
            _ => false,
        }
    }

    #[cold]
    pub(super) fn server_owes(&self) -> bool {
        match &self.state {
            State::Conversing(_) => true,
            State::Transmitting(_) => {
                self.transmission.has_queue() || self.transmission.awaits_replies()
            }
            _ => false,
        }
    }

    /// Does what is due.  Returns whether anything was; an error means that
    /// the connection has ended.  Unless `reach` is everything, not more than
    /// one command ends.
    pub fn on_time(&mut self, reach: Reach) -> Result<bool> {
        let mut any = false;
        if self.limits.is_none() {
            return Ok(any);
        }
        let now = Instant::now();
        while let Some(due) = self.due().filter(|due| due.at <= now) {
            any = true;
            match (due.which, self.transmission.oldest()) {
                (Limited::Call, Some((cookie, command, _))) => {
                    let error = due.error(&reply_to(command));
                    if let Parting::Impossible(error) = self.transmission.part_with(cookie, error) {
                        return Err(self.give_up(error));
                    }
                    if reach != Reach::Everything {
                        break;
                    }
                }
                _ => {
                    let error = due.error(&self.awaited());
                    return Err(self.give_up(error));
                }
            }
        }
        Ok(any)
    }

    /// What the handle waits for, for messages.
    fn awaited(&self) -> String {
        match &self.state {
            State::Connecting(_) => self.awaited_connection(),
            State::Conversing(talk) => talk.line.awaited(),
            _ => match self.transmission.oldest() {
                Some((_, command, _)) => reply_to(command),
                None => "the reply to a command that was given up".to_owned(),
            },
        }
    }

    fn awaited_connection(&self) -> String {
        match &self.place {
            Some(Place::Tcp { host, port }) => format!(
                "the connection to {}:{}",
                Escaped(host.to_bytes()),
                Escaped(port.to_bytes())
            ),
            _ => "the connection to the server".to_owned(),
        }
    }

    /// The caller gives up a command.
    pub fn cancel_command(&mut self, cookie: u64) -> Result<()> {
        if i64::try_from(cookie).map_or(true, |cookie| cookie < 1) {
            return Err(Error::new(libc::EINVAL, "cookie: cookies count from 1"));
        }
        let reason = Error::new(libc::ECANCELED, "the command was cancelled");
        match self.transmission.part_with(cookie, reason) {
            Parting::Ended => Ok(()),
            Parting::Impossible(reason) => {
                // That it ended with the connection is a success of this call.
                let _ = self.give_up(reason);
                Ok(())
            }
            Parting::Unknown => Err(Error::new(
                libc::ENOENT,
                format!("there is no command with cookie {cookie}"),
            )),
        }
    }
}

fn reply_to(command: Command) -> String {
    match command {
        Command::Disconnect => "the server to close the connection".to_owned(),
        command => format!("the reply to a {} command", command.name()),
    }
}

/// Waiting and moving bytes.
impl Client {
    /// How long to wait: not beyond the next limit.
    #[inline]
    pub(super) fn within_limits(&self, timeout: Option<Duration>) -> Option<Duration> {
        if self.limits.is_none() {
            return timeout;
        }
        timeout.into_iter().chain(self.time_left()).min()
    }

    /// Before waiting: applies the limit that the last call has left to this
    /// one.  Returns whether there was one.
    #[cold]
    pub(super) fn applies_postponed_limit(&mut self, reach: Reach) -> Result<bool> {
        Ok(self.take_postponed() && self.on_time(reach)?)
    }

    /// After waiting: applies a limit that has passed.  If a command has ended
    /// since `ended` was counted, and this is enough for one call, the next one
    /// does it, whatever has arrived by then.
    #[cold]
    pub(super) fn applies_limit_after(&mut self, ended: u64, reach: Reach) -> Result<bool> {
        if reach == Reach::Everything || self.transmission.ended() == ended {
            return self.on_time(reach);
        }
        let is_late = self.is_late();
        if let Some(limits) = &mut self.limits {
            limits.postponed = is_late;
        }
        Ok(false)
    }

    fn take_postponed(&mut self) -> bool {
        let limits = self.limits.as_deref_mut();
        limits.is_some_and(|limits| std::mem::take(&mut limits.postponed))
    }

    /// At the end of a notification of the program's main loop: applies a limit
    /// that has passed, unless a command has ended since `ended` was counted.
    /// One notification ends one command.
    pub(super) fn catch_up(&mut self, ended: u64) -> Result<()> {
        if self.limits.is_none() || self.transmission.ended() != ended {
            return Ok(());
        }
        self.on_time(self.reach_of_one_call()).map(drop)
    }

    /// Records when a command began, which is the last one, and whether the
    /// server already owed something.
    #[cold]
    pub(super) fn command_began(&mut self, server_owes: bool) {
        let now = Instant::now();
        self.transmission.began(now);
        let limits = self.limits.as_mut().filter(|_| !server_owes);
        if let Some(limits) = limits {
            Limit::restart(&mut limits.silence, now);
        }
    }

    /// Before sending: the number of bytes sent so far, unless the server owes
    /// something for them.
    #[cold]
    pub(super) fn sent_if_nothing_is_owed(&self) -> Option<u64> {
        let sent = self.statistics.bytes_sent.get();
        (!self.transmission.awaits_replies()).then_some(sent)
    }

    /// After sending, if nothing was owed before.  A server owes nothing for a
    /// request that it has not received in full, so as long as it takes more
    /// of one, its silence does not count.
    #[cold]
    pub(super) fn request_was_sent(&mut self, before: u64) {
        let has_moved = self.statistics.bytes_sent.get() != before;
        if let Some(limits) = self.limits.as_mut().filter(|_| has_moved) {
            Limit::restart(&mut limits.silence, Instant::now());
        }
    }

    /// The server has perhaps sent something.
    #[inline]
    pub(super) fn listen(&mut self) {
        if self.limits.is_some() {
            self.listen_within_limits();
        }
    }

    #[cold]
    fn listen_within_limits(&mut self) {
        let heard = self.state.stream().is_some_and(Stream::take_heard);
        if let Some(limits) = self.limits.as_mut().filter(|_| heard) {
            Limit::restart(&mut limits.silence, Instant::now());
        }
    }

    /// A conversation begins: the handshake, or an option.
    pub(super) fn conversation_began(&mut self) {
        if let Some(limits) = &mut self.limits {
            let now = Instant::now();
            Limit::restart(&mut limits.silence, now);
            limits.option = Some(now);
        }
    }
}

/// Connecting, as far as it happens within one call.
impl Client {
    /// Connecting begins.
    pub(super) fn connecting_began(&mut self) {
        if let Some(limits) = &mut self.limits {
            Limit::restart(&mut limits.connect, Instant::now());
        }
    }

    /// When connecting must be over.
    pub(super) fn connect_deadline(&self) -> Option<Instant> {
        self.limits.as_deref()?.connect?.due()
    }

    /// The error of a step of connecting.  If the time is over, this is the
    /// reason, and it ends the connection.
    pub(super) fn connect_step_failed(&mut self, error: Error, awaited: &str) -> Error {
        let limit = self.limits.as_deref().and_then(|limits| limits.connect);
        match limit.and_then(|limit| Some((limit.length, limit.due()?))) {
            Some((length, at)) if error.errno() == libc::ETIMEDOUT && at <= Instant::now() => {
                let which = Limited::Connect;
                let error = Due { at, which, length }.error(awaited);
                self.give_up(error)
            }
            _ => error,
        }
    }
}
