//! What a program can ask for in option mode, and the conversation about it.

use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::callback;
use crate::error::{Error, Result};

use super::line::{Conversation, Line};
use super::{Answer, Config, Fault, Next, Session};
use super::{automatic, contexts, export, list, option, starttls, switches};

/// An option that the caller sends, with the closure that learns what the
/// server lists or grants.
#[derive(Debug)]
pub enum OptionRequest {
    Go,
    Info,
    Abort,
    List(Mutex<callback::List>),
    StartTls,
    ExtendedHeaders,
    StructuredReplies,
    ListContexts(Vec<CString>, Mutex<callback::Context>),
    SetContexts(Vec<CString>, Mutex<callback::Context>),
}

/// Begins the conversation about an option; without one, the conversation from
/// the greeting on.
pub fn begin(
    line: Line,
    config: Config,
    mut session: Session,
    request: Option<Arc<OptionRequest>>,
) -> Conversation<(Session, Answer<Next>)> {
    Conversation::new(async move {
        let answer = match request {
            None => automatic::connect(&line, &config, &mut session).await,
            Some(request) => request.negotiate(&line, &config, &mut session).await,
        };
        (session, answer)
    })
}

impl OptionRequest {
    /// Options exist only if both sides speak fixed newstyle: nothing is sent
    /// to other servers.  They can be entered by name, though, and left.
    pub fn check(&self, session: &Session) -> Result<()> {
        if session.is_fixed() || matches!(self, Self::Go | Self::Abort) {
            return Ok(());
        }
        Err(Error::new(
            libc::ENOTSUP,
            "the server does not use the fixed newstyle protocol",
        ))
    }

    async fn negotiate(&self, line: &Line, config: &Config, session: &mut Session) -> Answer<Next> {
        let export = &config.export_name;
        let mut told = Ok(());
        let answer = match self {
            Self::Go => export::go(line, config, session).await,
            Self::Info => export::info(line, config, session).await,
            Self::Abort => option::abort(line, session).await,
            Self::StartTls => starttls::starttls(line, session).await,
            Self::ExtendedHeaders => switches::extended_headers(line, session).await,
            Self::StructuredReplies => switches::structured_replies(line, session).await,
            Self::List(found) => {
                let each = |name: &CStr, description: &CStr| {
                    keep_failure(&mut told, lock(found).call(name, description));
                };
                list::list(line, each).await
            }
            Self::ListContexts(queries, found) => {
                let each = |name: &CStr| keep_failure(&mut told, lock(found).call(name));
                contexts::list_meta_contexts(line, export, queries, each).await
            }
            Self::SetContexts(queries, granted) => {
                let each = |name: &CStr| keep_failure(&mut told, lock(granted).call(name));
                let answer =
                    contexts::set_meta_contexts(line, export, queries, session, each).await;
                if told.is_err() {
                    // As after every selection that fails.
                    session.contexts.clear();
                }
                answer
            }
        };
        let next = answer?;
        told.map_err(Fault::Unheard)?;
        Ok(next)
    }
}

/// The conversation has the closure for itself: its other owner only keeps it.
fn lock<C>(closure: &Mutex<C>) -> MutexGuard<'_, C> {
    closure.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps why a closure could not be told something.
fn keep_failure(told: &mut Result<()>, now: Result<()>) {
    if told.is_ok() {
        *told = now;
    }
}
