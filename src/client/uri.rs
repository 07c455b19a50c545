//! Connecting by URI, and what is needed to compose the URI of the connection.

use super::Client;
use super::settings::text_memory;
use super::state::State;
use crate::connect::Place;
use crate::error::{Error, Result};
use crate::negotiation::Tls;
use crate::uri::{Plan, TlsParameters};

impl Client {
    /// Starts to connect to the server that a URI names.
    pub fn follow(&mut self, plan: Plan) -> Result<()> {
        self.before_uri = Some(Box::new((
            self.settings.handshake.clone(),
            self.settings.tls.clone(),
        )));
        self.set_export_name(&plan.export_name)?;
        self.set_tls_parameters(plan.tls);
        let started = self.connect(plan.place);
        if started.is_err() {
            self.forget_uri();
        }
        started
    }

    /// Reverts the settings of a URI if the handle can still be used for
    /// another server, because the TLS settings of one URI must not apply to
    /// the next.
    pub(super) fn forget_uri(&mut self) {
        if matches!(self.state, State::Created) {
            if let Some(before) = self.before_uri.take() {
                (self.settings.handshake, self.settings.tls) = *before;
            }
        }
    }

    fn set_tls_parameters(&mut self, asked: TlsParameters) {
        if asked.required {
            self.settings.handshake.tls = Tls::Require;
        }
        let tls = &mut self.settings.tls;
        for (setting, value) in [
            (&mut tls.username, asked.username),
            (&mut tls.certificates, asked.certificates),
            (&mut tls.psk_file, asked.psk_file),
            (&mut tls.hostname, asked.hostname),
            (&mut tls.priority, asked.priority),
        ] {
            if value.is_some() {
                *setting = value;
            }
        }
        if let Some(verify) = asked.verify_peer {
            tls.verify_peer = verify;
        }
    }

    /// The TLS settings that a URI has to contain to get the same connection
    /// again.
    pub fn tls_parameters(&self) -> TlsParameters {
        let tls = self.settings.tls.clone();
        TlsParameters {
            required: self.settings.handshake.tls == Tls::Require || self.session.tls,
            username: tls.username,
            certificates: tls.certificates,
            psk_file: tls.psk_file,
            hostname: tls.hostname,
            verify_peer: Some(tls.verify_peer),
            priority: tls.priority,
        }
    }

    /// The address of the server, as far as it is known.
    pub fn place(&self) -> Result<&Place> {
        let place = self.place.as_ref();
        place.ok_or_else(|| Error::new(libc::EINVAL, "the address of the server is not known"))
    }

    /// Estimate, in bytes, of the memory used by the address and by the
    /// settings saved before a URI was applied.
    pub(super) fn uri_memory(&self) -> usize {
        let place = self.place.as_ref().map_or(0, Place::memory);
        let before = self.before_uri.as_deref();
        let before = before.map_or(0, |saved| {
            text_memory(&saved.0, &saved.1).saturating_add(size_of_val(saved))
        });
        place.saturating_add(before)
    }
}
