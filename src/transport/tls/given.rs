//! Credentials that the program has passed in memory.
//!
//! Copies of the settings share them, so that there is one copy to overwrite.

use std::ffi::CStr;
use std::sync::Arc;

use super::pem::{self, What};
use super::psk::Psk;
use super::secret::Secret;
use crate::error::{Error, Result};

/// The longest password that OpenSSL accepts.
const MAX_PASSWORD: usize = 1023;

/// Credentials, each of which takes the place of a file.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub authorities: Option<Arc<Secret>>,
    pub certificate: Option<Arc<Secret>>,
    pub key: Option<Arc<Secret>>,
    pub revocations: Option<Arc<Secret>>,
    /// The password of the key, whether in memory or in a file.
    pub password: Option<Arc<Secret>>,
    pub psk: Option<Arc<Psk>>,
}

impl Given {
    /// Checks a PEM text, and stores it.
    pub fn set_pem(&mut self, what: What, text: &[u8]) -> Result<()> {
        let place = match what {
            What::Authorities => &mut self.authorities,
            What::Certificate => &mut self.certificate,
            What::Key => &mut self.key,
            What::Revocations => &mut self.revocations,
        };
        *place = Some(Arc::new(pem::blocks(what, text)?));
        Ok(())
    }

    /// Stores a pre-shared key, which is binary and not in hexadecimal.
    pub fn set_psk(&mut self, username: &CStr, key: &[u8]) -> Result<()> {
        self.psk = Some(Arc::new(Psk::new(username.to_owned(), key)?));
        Ok(())
    }

    /// Stores a password.
    pub fn set_password(&mut self, password: &[u8]) -> Result<()> {
        if password.len() > MAX_PASSWORD {
            let wrong = format!("the password is longer than {MAX_PASSWORD} bytes");
            return Err(Error::new(libc::EINVAL, wrong));
        }
        self.password = Some(Arc::new(Secret::from(password)));
        Ok(())
    }

    /// Whether any of it concerns certificates.
    pub fn concerns_certificates(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// Length of all of it, in bytes.
    pub fn memory(&self) -> usize {
        let psk = self.psk.as_deref().map_or(0, Psk::memory);
        self.secrets()
            .map(|secret| secret.as_bytes().len())
            .fold(psk, usize::saturating_add)
    }

    /// Everything except pre-shared keys.
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [
            &self.authorities,
            &self.certificate,
            &self.key,
            &self.revocations,
            &self.password,
        ]
        .into_iter()
        .flatten()
        .map(Arc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut given = Given::default();
        given.set_psk(c"alice", b"key").unwrap();
        given.set_psk(c"bob", b"").unwrap_err();
        given.set_psk(c"", b"key").unwrap_err();
        given.set_psk(c"bob", &[1; 513]).unwrap_err();
        assert_eq!(given.psk.as_ref().unwrap().identity.as_c_str(), c"alice");
        given.set_password(b"word").unwrap();
        given.set_password(&[b'x'; 1024]).unwrap_err();
        assert_eq!(given.password.as_ref().unwrap().as_bytes(), b"word");
        given.set_pem(What::Key, b"nonsense").unwrap_err();
        assert!(given.key.is_none());
        assert!(given.memory() > 0);
    }

    #[test]
    fn nothing_shows() {
        let mut given = Given::default();
        given.set_password(b"hidden").unwrap();
        given.set_psk(c"alice", b"222").unwrap();
        let shown = format!("{given:?}");
        assert!(
            !shown.contains("hidden") && !shown.contains("222"),
            "{shown}"
        );
    }
}
