//! The handshake in the caller's hands: one option after another.

use std::any::Any;
use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libc::c_int;

use crate::callback::{self, Completion};
use crate::error::{Error, Result};
use crate::negotiation::line::Line;
use crate::negotiation::{self, Answer, Config, Fault, Next, Session};
use crate::transmission::Reach;
use crate::transport::Stream;

use super::state::State;
use super::{Client, PendingOption};

impl Client {
    /// Opens the export.
    pub fn opt_go(&mut self) -> Result<()> {
        self.aio_opt_go(none())?;
        self.option_outcome().map(drop)
    }

    /// Asks about the export without opening it.
    pub fn opt_info(&mut self) -> Result<()> {
        self.aio_opt_info(none())?;
        self.option_outcome().map(drop)
    }

    /// Ends the session.
    pub fn opt_abort(&mut self) -> Result<()> {
        self.aio_opt_abort()?;
        self.wait_while_connecting()
            // A server that speaks no option replies can only be left by
            // hanging up; that is what the caller wanted.
            .or(Ok(()))
    }

    /// Lists the exports of the server.
    pub fn opt_list(&mut self, found: callback::List) -> Result<c_int> {
        self.aio_opt_list(found, none())?;
        self.option_outcome().map(counted)
    }

    /// Lists the meta contexts that match the config of the handle.
    pub fn opt_list_meta_context(&mut self, found: callback::Context) -> Result<c_int> {
        self.opt_list_meta_context_queries(self.settings.handshake.contexts.clone(), found)
    }

    /// Lists the meta contexts that match the queries.
    pub fn opt_list_meta_context_queries(
        &mut self,
        queries: Vec<CString>,
        found: callback::Context,
    ) -> Result<c_int> {
        self.aio_opt_list_meta_context_queries(queries, found, none())?;
        self.option_outcome().map(counted)
    }

    /// Selects the meta contexts that match the config of the handle.
    pub fn opt_set_meta_context(&mut self, granted: callback::Context) -> Result<c_int> {
        self.opt_set_meta_context_queries(self.settings.handshake.contexts.clone(), granted)
    }

    /// Selects the meta contexts that match the queries.
    pub fn opt_set_meta_context_queries(
        &mut self,
        queries: Vec<CString>,
        granted: callback::Context,
    ) -> Result<c_int> {
        self.aio_opt_set_meta_context_queries(queries, granted, none())?;
        self.option_outcome().map(counted)
    }

    /// Switches TLS on; whether the server agrees.
    pub fn opt_starttls(&mut self) -> Result<bool> {
        self.aio_opt_starttls(none())?;
        self.option_accepted()
    }

    /// Switches structured replies on; whether the server agrees.
    pub fn opt_structured_reply(&mut self) -> Result<bool> {
        self.aio_opt_structured_reply(none())?;
        self.option_accepted()
    }

    /// Switches extended headers on; whether the server agrees.
    pub fn opt_extended_headers(&mut self) -> Result<bool> {
        self.aio_opt_extended_headers(none())?;
        self.option_accepted()
    }

    /// As `opt_go`, without waiting.
    pub fn aio_opt_go(&mut self, completion: Completion) -> Result<()> {
        self.talk(completion, |line, config, mut session| async move {
            let answer = negotiation::go(&line, &config, &mut session).await;
            (session, answer)
        })
    }

    /// As `opt_info`, without waiting.
    pub fn aio_opt_info(&mut self, completion: Completion) -> Result<()> {
        self.require_fixed()?;
        self.talk(completion, |line, config, mut session| async move {
            let answer = negotiation::info(&line, &config, &mut session).await;
            (session, answer)
        })
    }

    /// As `opt_abort`, without waiting.
    pub fn aio_opt_abort(&mut self) -> Result<()> {
        self.talk(none(), |line, _, session| async move {
            let answer = negotiation::abort(&line, &session).await;
            (session, answer)
        })
    }

    /// As `opt_list`, without waiting.
    pub fn aio_opt_list(&mut self, found: callback::List, completion: Completion) -> Result<()> {
        let (found, completion) = self.if_fixed((found, completion))?;
        let found = Arc::new(Mutex::new(found));
        let along = Arc::clone(&found);
        self.talk_with(Some(along), completion, |line, _, session| async move {
            let mut heard = Ok(());
            let each = |name: &CStr, description: &CStr| {
                keep_failure(&mut heard, lock(&found).call(name, description));
            };
            let answer = negotiation::list(&line, &session, each).await;
            (session, if_heard(answer, heard))
        })
    }

    /// As `opt_list_meta_context`, without waiting.
    pub fn aio_opt_list_meta_context(
        &mut self,
        found: callback::Context,
        completion: Completion,
    ) -> Result<()> {
        let queries = self.settings.handshake.contexts.clone();
        self.aio_opt_list_meta_context_queries(queries, found, completion)
    }

    /// As `opt_list_meta_context_queries`, without waiting.
    pub fn aio_opt_list_meta_context_queries(
        &mut self,
        queries: Vec<CString>,
        found: callback::Context,
        completion: Completion,
    ) -> Result<()> {
        let (found, completion) = self.if_fixed((found, completion))?;
        let found = Arc::new(Mutex::new(found));
        let along = Arc::clone(&found);
        self.talk_with(
            Some(along),
            completion,
            |line, config, session| async move {
                let export = &config.export_name;
                let mut heard = Ok(());
                let each = |name: &CStr| keep_failure(&mut heard, lock(&found).call(name));
                let answer =
                    negotiation::list_meta_contexts(&line, export, &queries, &session, each).await;
                (session, if_heard(answer, heard))
            },
        )
    }

    /// As `opt_set_meta_context`, without waiting.
    pub fn aio_opt_set_meta_context(
        &mut self,
        granted: callback::Context,
        completion: Completion,
    ) -> Result<()> {
        let queries = self.settings.handshake.contexts.clone();
        self.aio_opt_set_meta_context_queries(queries, granted, completion)
    }

    /// As `opt_set_meta_context_queries`, without waiting.
    pub fn aio_opt_set_meta_context_queries(
        &mut self,
        queries: Vec<CString>,
        granted: callback::Context,
        completion: Completion,
    ) -> Result<()> {
        let (granted, completion) = self.if_fixed((granted, completion))?;
        let granted = Arc::new(Mutex::new(granted));
        let along = Arc::clone(&granted);
        self.talk_with(
            Some(along),
            completion,
            |line, config, mut session| async move {
                let export = &config.export_name;
                let mut heard = Ok(());
                let each = |name: &CStr| keep_failure(&mut heard, lock(&granted).call(name));
                let answer =
                    negotiation::set_meta_contexts(&line, export, &queries, &mut session, each)
                        .await;
                if heard.is_err() {
                    // As after every selection that fails.
                    session.contexts.clear();
                }
                (session, if_heard(answer, heard))
            },
        )
    }

    /// As `opt_starttls`, without waiting.
    pub fn aio_opt_starttls(&mut self, completion: Completion) -> Result<()> {
        self.require_fixed()?;
        self.talk(completion, |line, _, mut session| async move {
            let answer = negotiation::starttls(&line, &mut session).await;
            (session, answer)
        })
    }

    /// As `opt_structured_reply`, without waiting.
    pub fn aio_opt_structured_reply(&mut self, completion: Completion) -> Result<()> {
        self.require_fixed()?;
        self.talk(completion, |line, _, mut session| async move {
            let answer = negotiation::structured_replies(&line, &mut session).await;
            (session, answer)
        })
    }

    /// As `opt_extended_headers`, without waiting.
    pub fn aio_opt_extended_headers(&mut self, completion: Completion) -> Result<()> {
        self.require_fixed()?;
        self.talk(completion, |line, _, mut session| async move {
            let answer = negotiation::extended_headers(&line, &mut session).await;
            (session, answer)
        })
    }

    /// Only fixed newstyle has options; nothing is sent to other servers.
    fn require_fixed(&self) -> Result<()> {
        if self.session.is_fixed() {
            return Ok(());
        }
        Err(Error::new(
            libc::ENOTSUP,
            "the server does not use the fixed newstyle protocol",
        ))
    }

    /// The closures of an option that needs fixed newstyle.  Elsewhere they are
    /// freed as they stand: a pair frees its first half first.
    fn if_fixed<C>(&self, closures: C) -> Result<C> {
        self.require_fixed()?;
        Ok(closures)
    }

    fn talk<F>(
        &mut self,
        completion: Completion,
        conversation: impl FnOnce(Line, Config, Session) -> F,
    ) -> Result<()>
    where
        F: Future<Output = (Session, Answer<Next>)> + Send + 'static,
    {
        self.talk_with(None, completion, conversation)
    }

    /// Starts an option.  From here on its outcome is told by the completion
    /// closure and the state, not by the call that started it.
    fn talk_with<F>(
        &mut self,
        along: Option<Arc<dyn Any + Send + Sync>>,
        completion: Completion,
        conversation: impl FnOnce(Line, Config, Session) -> F,
    ) -> Result<()>
    where
        F: Future<Output = (Session, Answer<Next>)> + Send + 'static,
    {
        match self.take_negotiating() {
            Some((stream, line)) => {
                self.option = PendingOption {
                    along,
                    completion: Some(completion),
                    outcome: None,
                };
                self.begin(stream, line, conversation);
                // The failure is kept as the outcome.
                let _ = self.converse();
                if self.state.has_received() {
                    // The socket will not become readable for what is here.
                    let _ = self.take_in(Reach::Everything);
                }
                Ok(())
            }
            None => Err(Error::new(libc::EINVAL, "the handle is not negotiating")),
        }
    }

    fn take_negotiating(&mut self) -> Option<(Stream, Line)> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Negotiating(stream, line) => Some((stream, line)),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// An option has been answered.
    pub(super) fn option_ended(&mut self, outcome: Result<usize>) {
        let errno = match &outcome {
            Ok(_) => 0,
            // The completion closure must be able to tell failure.
            Err(error) if error.errno() == 0 => libc::ENOTSUP,
            Err(error) => error.errno(),
        };
        self.option.outcome = Some(outcome);
        self.complete_option(errno);
    }

    /// An option will not be answered any more.
    pub(super) fn option_failed(&mut self, error: Error, errno: i32) {
        self.option.outcome = Some(Err(error));
        self.complete_option(errno);
    }

    fn complete_option(&mut self, errno: i32) {
        if let Some(completion) = &mut self.option.completion {
            let mut value = errno;
            // What the closure returns has no meaning: options retire
            // themselves.
            completion.call(&mut value);
        }
        self.free_option_closures();
    }

    /// Frees the closures of an option, in the order that callers know.
    fn free_option_closures(&mut self) {
        self.option.along = None;
        self.option.completion = None;
    }

    /// Waits for the answer to the option that was started.
    fn option_outcome(&mut self) -> Result<usize> {
        self.wait_while_connecting()?;
        self.option.outcome.take().unwrap_or(Ok(0))
    }

    /// As above, where a refusal is an answer and not a failure.
    fn option_accepted(&mut self) -> Result<bool> {
        match self.option_outcome() {
            Ok(_) => Ok(true),
            Err(_) if matches!(self.state, State::Negotiating(..)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The closure that the conversation and the handle share.
fn lock<C>(closure: &Mutex<C>) -> MutexGuard<'_, C> {
    closure.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps why a closure could not be told something.
fn keep_failure(heard: &mut Result<()>, now: Result<()>) {
    if heard.is_ok() {
        *heard = now;
    }
}

/// The answer to an option, if the closure could be told all of it.
fn if_heard(answer: Answer<Next>, heard: Result<()>) -> Answer<Next> {
    let next = answer?;
    heard.map_err(Fault::Unheard)?;
    Ok(next)
}

/// Nobody to tell.
fn none() -> Completion {
    Completion::none()
}

fn counted(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or(c_int::MAX)
}
