//! The name that the server has to prove.

use std::ffi::CStr;
use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::x509::verify::X509VerifyParamRef;

use crate::error::{Error, Result};

/// The longest host name there is.
const MAX_NAME: usize = 253;

/// A host as certificates name it.
#[derive(Debug, PartialEq, Eq)]
pub enum PeerName {
    Host(String),
    Address(IpAddr),
}

impl PeerName {
    /// A name as users write it; `None` if it is empty.
    pub fn parse(name: &CStr) -> Result<Option<Self>> {
        let bad = || {
            let name = name.to_bytes().escape_ascii();
            Error::new(libc::EINVAL, format!("TLS: \"{name}\" is not a host name"))
        };
        let text = name.to_str().map_err(|_| bad())?;
        if text.is_empty() {
            return Ok(None);
        }
        // Certificates do not contain the zone of a link-local address.
        let (address, _) = text.split_once('%').unwrap_or((text, ""));
        if let Ok(address) = address.parse() {
            return Ok(Some(Self::Address(address)));
        }
        // A final dot makes a name absolute, and is not part of it.
        let host = text.strip_suffix('.').unwrap_or(text);
        // OpenSSL would take a name that begins with a dot for every host below
        // it, and an empty one for every host.
        if host.split('.').any(str::is_empty) || host.len() > MAX_NAME {
            return Err(bad());
        }
        Ok(Some(Self::Host(host.to_owned())))
    }

    /// The name to send to the server (RFC 6066, server name indication): never
    /// an address, in any of the forms that resolvers accept.
    pub fn indication(&self) -> Option<&str> {
        let Self::Host(host) = self else { return None };
        let last = host.rsplit('.').next().unwrap_or_default();
        let numeric = match last.strip_prefix("0x").or(last.strip_prefix("0X")) {
            Some(hexadecimal) => hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => last.bytes().all(|byte| byte.is_ascii_digit()),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (!numeric && host.bytes().all(plain)).then_some(host)
    }

    /// Makes the verification of a certificate require this name.
    pub fn require(
        &self,
        parameters: &mut X509VerifyParamRef,
    ) -> std::result::Result<(), ErrorStack> {
        match self {
            Self::Host(host) => parameters.set_host(host),
            Self::Address(address) => parameters.set_ip(*address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn parse(name: &CStr) -> PeerName {
        PeerName::parse(name).unwrap().unwrap()
    }

    #[test]
    fn names_are_indicated() {
        for name in [
            c"disk.example.com",
            c"localhost",
            c"disk.example.com.",
            c"a_b",
            c"3com",
            c"db.1e",
            c"9.9.9.x1",
        ] {
            let text = name.to_str().unwrap();
            let host = text.strip_suffix('.').unwrap_or(text);
            assert_eq!(parse(name), PeerName::Host(host.to_owned()));
            assert_eq!(parse(name).indication(), Some(host));
        }
    }

    #[test]
    fn addresses_are_not_indicated() {
        for name in [c"127.0.0.1", c"::1", c"fe80::1%eth0", c"::ffff:127.0.0.1"] {
            assert!(matches!(parse(name), PeerName::Address(_)), "{name:?}");
            assert_eq!(parse(name).indication(), None);
        }
        // What only resolvers take for an address.
        for name in [
            c"127.1",
            c"0x7f000001",
            c"2130706433",
            c"127.0.0.0x1",
            c"010.1.1.1",
        ] {
            assert_eq!(parse(name).indication(), None, "{name:?}");
        }
    }

    #[test]
    fn what_is_not_plain_ascii_is_not_indicated() {
        let name = CString::new("d\u{ed}sk.example").unwrap();
        assert_eq!(parse(&name).indication(), None);
        assert_eq!(parse(c"disk example").indication(), None);
    }

    #[test]
    fn names_that_would_match_too_much_are_refused() {
        assert_eq!(PeerName::parse(c"").unwrap(), None);
        let long = CString::new("a".repeat(254)).unwrap();
        for name in [
            c".example.com",
            c".",
            c"..",
            c"a..b",
            c"a..",
            c"\xff",
            &long,
        ] {
            assert_eq!(
                PeerName::parse(name).unwrap_err().errno(),
                libc::EINVAL,
                "{name:?}"
            );
        }
    }
}
