//! TLS over a socket, with OpenSSL.
//!
//! * `credentials`: what proves our identity, and whom we trust: directories of
//!   certificates and, in `psk`, files of pre-shared keys;
//! * `given`: credentials that the program passes in memory, and `pem`, which
//!   checks them;
//! * `secret`: bytes that are wiped from memory;
//! * `priority`: the strings with which users choose versions and algorithms;
//! * `peer`: the name that the server has to prove;
//! * `context`: credentials and settings in OpenSSL's form, shared by handles;
//! * `advice`: what to do about what is refused for security;
//! * `guard`: entering OpenSSL, and `fork`;
//! * `channel`: the encrypted stream of one handle, over its `wire`;
//! * `ffi`: the calls of OpenSSL for which there is no safe wrapper.

mod advice;
mod channel;
mod context;
mod credentials;
mod ffi;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod given;
mod guard;
mod peer;
mod pem;
mod priority;
mod psk;
mod secret;
mod wire;

use std::ffi::{CStr, CString};
use std::fmt;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslVerifyMode};

use crate::error::{Error, Result};

pub use channel::Channel;
use credentials::Credentials;
pub use credentials::default_username;
pub use given::Given;
use guard::{Guarded, enter};
use peer::PeerName;
pub use pem::What;
pub use priority::DEFAULT_PRIORITY;

/// The caller's settings for TLS, apart from whether to use it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub certificates: Option<CString>,
    pub psk_file: Option<CString>,
    pub username: Option<CString>,
    /// The name that the server has to prove; without it, the host that was
    /// connected to.
    pub hostname: Option<CString>,
    pub verify_peer: bool,
    pub priority: Option<CString>,
    /// Credentials in memory, which take the place of files.
    pub given: Given,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            certificates: None,
            psk_file: None,
            username: None,
            hostname: None,
            verify_peer: true,
            priority: None,
            given: Given::default(),
        }
    }
}

/// A session that has everything but a socket.
pub struct Prepared {
    ssl: Guarded<Ssl>,
    /// The server must prove that it knows the pre-shared key; nothing else is
    /// sufficient.
    psk: bool,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

impl Prepared {
    /// Reads the credentials and checks the settings.  `server` is the host
    /// that was connected to, if it has a name.
    pub fn new(settings: &Settings, server: Option<&CStr>) -> Result<Self> {
        let priority = settings.priority.as_deref().unwrap_or(DEFAULT_PRIORITY);
        let priority = priority
            .to_str()
            .map_err(|_| Error::new(libc::EINVAL, "the TLS priority string is not plain text"))?;
        let name = settings.hostname.as_deref().filter(|name| !name.is_empty());
        let name = name.or(server).map_or(Ok(None), PeerName::parse);
        let (context, psk) = match Credentials::find(settings)? {
            Credentials::Psk(psk) => (context::for_psk(priority)?, Some(psk)),
            Credentials::Certificates(trust) => {
                let context = context::for_certificates(&trust, &settings.given, priority)?;
                (context, None)
            }
        };
        // A shared key is better proof than a name.
        let uses_psk = psk.is_some();
        let verify = settings.verify_peer && !uses_psk;
        let name = if verify { name? } else { name.unwrap_or(None) };
        let _busy = enter();
        let set_up = || {
            let mut ssl = Ssl::new(&context)?;
            if let Some(name) = name.as_ref().and_then(PeerName::indication) {
                ssl.set_hostname(name)?;
            }
            match psk {
                Some(psk) => ssl.set_ex_data(context::psk_index()?, psk),
                None if verify => {
                    if let Some(name) = &name {
                        name.require(ssl.param_mut())?;
                    }
                }
                None => ssl.set_verify(SslVerifyMode::NONE),
            }
            Ok(ssl)
        };
        let ssl = set_up().map_err(|error| unusable("session", &error))?;
        Ok(Self {
            ssl: Guarded::new(ssl),
            psk: uses_psk,
        })
    }
}

/// OpenSSL's description of a failure.
fn reasons(stack: &ErrorStack) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for error in stack.errors() {
        let reason = error.reason().unwrap_or("unknown reason");
        let reason = match error.data() {
            Some(data) if !data.is_empty() => format!("{reason} ({data})"),
            _ => reason.to_owned(),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push("unknown reason".to_owned());
    }
    reasons.extend(advice::on_error(stack).map(str::to_owned));
    reasons.join("; ")
}

/// OpenSSL cannot use something.
fn unusable(what: impl fmt::Display, stack: &ErrorStack) -> Error {
    Error::without_errno(format!("TLS: {what}: {}", reasons(stack)))
}
