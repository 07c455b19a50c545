//! The URI of a place.

use std::ffi::CStr;
use std::fmt::Write;
use std::net::Ipv6Addr;

use crate::connect::Place;
use crate::error::{Error, Result};
use crate::sys::address::Meaning;

use super::TlsParameters;
use super::scheme::{Scheme, Transport};

// Characters besides letters and digits that need no encoding...
/// ...in a host or a port.
const IN_HOST: &[u8] = b"-._~!$&'()*+,;=";
/// ...in the zone of an address.
const IN_ZONE: &[u8] = b"-._~";
/// ...in the name of a user.
const IN_USER: &[u8] = b"-_.!~*'();:&=+$,";
/// ...in the name of an export.
const IN_PATH: &[u8] = b"-_.!~*'()/;@&=+$,";
/// ...in the value of a parameter: none that a parser might take for the end of
/// the value, or for a space.
const IN_VALUE: &[u8] = b"-_.!~*'()/:@$,?";

/// Writes the URI of an export.
pub fn compose(place: &Place, export_name: &CStr, tls: &TlsParameters) -> Result<String> {
    let Destination {
        transport,
        authority,
        socket,
    } = destination(place)?;
    let scheme = Scheme {
        transport,
        tls: tls.required,
    };
    let mut uri = format!("{}://", scheme.name());
    if let Some(user) = &tls.username {
        uri.push_str(&encoded(user.to_bytes(), IN_USER));
        uri.push('@');
    }
    uri.push_str(&authority);
    uri.push('/');
    uri.push_str(&encoded(export_name.to_bytes(), IN_PATH));
    let mut separator = '?';
    for (name, value) in parameters(socket.as_deref(), tls) {
        uri.push(separator);
        uri.push_str(name);
        uri.push('=');
        uri.push_str(&encoded(value, IN_VALUE));
        separator = '&';
    }
    Ok(uri)
}

/// A place in the terms of a URI.
struct Destination {
    transport: Transport,
    authority: String,
    socket: Option<Vec<u8>>,
}

fn destination(place: &Place) -> Result<Destination> {
    let tcp = |host: &[u8], port: &[u8]| Destination {
        transport: Transport::Tcp,
        authority: host_and_port(host, port),
        socket: None,
    };
    let address = match place {
        Place::Tcp { host, port } => return Ok(tcp(host.to_bytes(), port.to_bytes())),
        Place::Address(address) => address,
        Place::Command(_) => {
            return Err(Error::new(libc::EINVAL, "a subprocess has no URI"));
        }
    };
    match address.meaning() {
        Meaning::Internet { host, port } => Ok(tcp(host.as_bytes(), port.to_string().as_bytes())),
        Meaning::Unix(path) => Ok(Destination {
            transport: Transport::Unix,
            authority: String::new(),
            socket: Some(path),
        }),
        Meaning::Vsock { cid, port } => Ok(Destination {
            transport: Transport::Vsock,
            authority: format!("{cid}:{port}"),
            socket: None,
        }),
        Meaning::UnixWithoutPath => Err(Error::new(
            libc::EPROTONOSUPPORT,
            "a socket without a path has no URI",
        )),
        Meaning::Unknown => Err(Error::new(
            libc::EAFNOSUPPORT,
            format!("addresses of family {} have no URI", address.family()),
        )),
    }
}

/// The parameters, in the order in which they are written.
fn parameters<'a>(
    socket: Option<&'a [u8]>,
    tls: &'a TlsParameters,
) -> impl Iterator<Item = (&'static str, &'a [u8])> {
    let no_verification = (tls.verify_peer == Some(false)).then_some(c"false");
    let of_tls = [
        ("tls-certificates", tls.certificates.as_deref()),
        ("tls-psk-file", tls.psk_file.as_deref()),
        ("tls-hostname", tls.hostname.as_deref()),
        ("tls-verify-peer", no_verification),
        ("tls-priority", tls.priority.as_deref()),
    ];
    let of_tls = of_tls
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_bytes())));
    socket
        .map(|path| ("socket", path))
        .into_iter()
        .chain(of_tls)
}

fn host_and_port(host: &[u8], port: &[u8]) -> String {
    let port = encoded(port, IN_HOST);
    let mut parts = host.splitn(2, |&byte| byte == b'%');
    let address = parts.next().and_then(ipv6_address);
    if let Some(address) = address {
        let zone = parts.next().map(zone).unwrap_or_default();
        return format!("[{address}{zone}]:{port}");
    }
    format!("{}:{port}", encoded(host, IN_HOST))
}

/// The text of an IPv6 address.  A name may have colons as well, but they are
/// encoded, because brackets may contain only an address.
fn ipv6_address(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<Ipv6Addr>().is_ok().then_some(text)
}

/// The zone of an address, as people write it: after a bare `%`, or after `%25`
/// if a bare one would seem to encode the beginning of the zone.
fn zone(zone: &[u8]) -> String {
    let digits = zone.get(..2).unwrap_or_default();
    let seems_encoded = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
    let sign = if seems_encoded { "%25" } else { "%" };
    format!("{sign}{}", encoded(zone, IN_ZONE))
}

/// The bytes, with all characters encoded that need it.
fn encoded(bytes: &[u8], literal: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || literal.contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
