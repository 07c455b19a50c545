//! Connecting by URI, and the URI of what the handle is connected to.

use std::ffi::{CStr, CString};

use libc::c_int;

use crate::connect::Place;
use crate::error::{Error, Result};
use crate::negotiation::Tls;
use crate::uri::{self, Plan, TlsParameters, TlsRule};

use super::Client;
use super::settings::text_memory;
use super::state::State;

impl Client {
    /// Connects to what a URI names.
    pub fn connect_uri(&mut self, text: &CStr) -> Result<()> {
        self.aio_connect_uri(text)?;
        self.await_session()
    }

    /// As `connect_uri`, without waiting.  A URI that is refused changes
    /// nothing.
    pub fn aio_connect_uri(&mut self, text: &CStr) -> Result<()> {
        let Plan {
            place,
            export_name,
            tls,
        } = uri::plan(text, &self.settings.uri)?;
        self.before_uri = Some(Box::new((
            self.settings.handshake.clone(),
            self.settings.tls.clone(),
        )));
        self.set_export_name(&export_name)?;
        self.set_tls_parameters(tls);
        let started = match place {
            Place::Tcp { host, port } => self.aio_connect_tcp(&host, &port),
            Place::Address(address) => self.start(address),
            Place::Command(argv) => self.aio_connect_command(argv),
        };
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
    fn tls_parameters(&self) -> TlsParameters {
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

    /// The URI of the export that the handle is connected to.
    pub fn get_uri(&self) -> Result<CString> {
        let place = self
            .place
            .as_ref()
            .ok_or_else(|| Error::new(libc::EINVAL, "the handle is connected to no address"))?;
        let name = &self.settings.handshake.export_name;
        let uri = uri::compose(place, name, &self.tls_parameters())?;
        CString::new(uri).map_err(|_| Error::new(libc::EINVAL, "the URI contains a NUL"))
    }

    /// Estimate of the memory that the place and the settings of before a URI
    /// take, in bytes.
    pub(super) fn uri_memory(&self) -> usize {
        let place = match &self.place {
            Some(Place::Tcp { host, port }) => {
                host.count_bytes().saturating_add(port.count_bytes())
            }
            Some(Place::Command(argv)) => {
                let lengths = argv.iter().map(|text| text.count_bytes());
                lengths.fold(0, usize::saturating_add)
            }
            Some(Place::Address(_)) | None => 0,
        };
        let before = self.before_uri.as_deref();
        let before = before.map_or(0, |saved| {
            text_memory(&saved.0, &saved.1).saturating_add(size_of_val(saved))
        });
        place.saturating_add(before)
    }

    /// The transports that URIs may name.
    pub fn set_uri_allow_transports(&mut self, mask: u32) -> Result<()> {
        self.settings.uri.transports = mask;
        Ok(())
    }

    /// Whether URIs with TLS, and those without, are accepted.
    pub fn set_uri_allow_tls(&mut self, tls: c_int) -> Result<()> {
        self.settings.uri.tls = match tls {
            0 => TlsRule::Never,
            1 => TlsRule::Either,
            _ => TlsRule::Always,
        };
        Ok(())
    }

    /// Whether parameters of URIs may name files.
    pub fn set_uri_allow_local_file(&mut self, allow: bool) -> Result<()> {
        self.settings.uri.local_file = allow;
        Ok(())
    }

    /// Whether a parameter of URIs may choose the algorithms of TLS.
    pub fn set_uri_allow_tls_priority(&mut self, allow: bool) -> Result<()> {
        self.settings.uri.tls_priority = allow;
        Ok(())
    }
}
