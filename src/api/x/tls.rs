//! Credentials in memory instead of files.

use super::super::arguments::{ToSecret, ToText};
use super::super::gate::call;
use crate::client::Handle;
use crate::error::{Error, Result};
use crate::transport::tls::What;

impl Handle {
    /// Certificates, a key or a revocation list in PEM format, in place of a file: [`PEM_CA`](crate::PEM_CA), [`PEM_CERTIFICATE`](crate::PEM_CERTIFICATE),
    /// [`PEM_KEY`](crate::PEM_KEY) or [`PEM_CRL`](crate::PEM_CRL).
    #[doc = crate::table::docs::set_tls_pem!()]
    pub fn set_tls_pem<'a>(&self, what: i32, pem: impl ToSecret<'a>) -> Result<()> {
        let pem = pem.to_secret();
        call!(self, set_tls_pem, (what, pem), (), |client| {
            let what = match what {
                crate::PEM_CA => What::Authorities,
                crate::PEM_CERTIFICATE => What::Certificate,
                crate::PEM_KEY => What::Key,
                crate::PEM_CRL => What::Revocations,
                _ => {
                    let wrong = format!("what: {what} is not one of the NBDX_PEM_... values");
                    return Err(Error::new(libc::EINVAL, wrong));
                }
            };
            client.settings.tls.given.set_pem(what, pem)
        })
    }

    /// A pre-shared key, as bytes, and the user name for it, in place of a file.
    #[doc = crate::table::docs::set_tls_psk!()]
    pub fn set_tls_psk<'a>(&self, username: impl ToText, key: impl ToSecret<'a>) -> Result<()> {
        let key = key.to_secret();
        call!(self, set_tls_psk, (username, key), (), |client| {
            client.settings.tls.given.set_psk(username.as_ref(), key)
        })
    }

    /// The password of the private key, which can be in memory or in a file.
    #[doc = crate::table::docs::set_tls_key_password!()]
    pub fn set_tls_key_password<'a>(&self, password: impl ToSecret<'a>) -> Result<()> {
        let password = password.to_secret();
        call!(self, set_tls_key_password, (password), (), |client| {
            client.settings.tls.given.set_password(password)
        })
    }
}
