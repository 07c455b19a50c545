//! Connecting by URI, and what the URI of the connection is made of.

use super::Client;
use super::settings::text_memory;
use super::state::State;
use crate::connect::Place;
use crate::error::{Error, Result};
use crate::negotiation::Tls;
use crate::uri::{Plan, TlsParameters};

impl Client {
    /// Starts to connect to what a URI names.
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

    /// Takes back what a URI has set if the handle can still be used for
    /// another server: what one URI says of TLS must not hold for the next.
    pub(super) fn forget_uri(&mut self) {
        if matches!(self.state, State::Created)
            && let Some(before) = self.before_uri.take()
        {
            (self.settings.handshake, self.settings.tls) = *before;
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

    /// What a URI has to say of TLS to get the same connection again.
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

    /// Where the server is, as far as that is known.
    pub fn place(&self) -> Result<&Place> {
        let place = self.place.as_ref();
        place.ok_or_else(|| Error::new(libc::EINVAL, "the handle is connected to no address"))
    }

    /// Estimate of the memory that the place and the settings of before a URI
    /// take, in bytes.
    pub(super) fn uri_memory(&self) -> usize {
        let place = self.place.as_ref().map_or(0, Place::memory);
        let before = self.before_uri.as_deref();
        let before = before.map_or(0, |saved| {
            text_memory(&saved.0, &saved.1).saturating_add(size_of_val(saved))
        });
        place.saturating_add(before)
    }
}
