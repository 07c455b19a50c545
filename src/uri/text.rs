//! The text of a URI and its parts, according to RFC 3986.
//!
//! The parts are decoded, and otherwise unchanged.  That matters for the path,
//! which is a name here and not a path: `a/../b` and `a//b` are ordinary names.

use std::borrow::Cow;
use std::ffi::CStr;

use fluent_uri::Uri;
use fluent_uri::pct_enc::encoder::{Query, RegName};
use fluent_uri::pct_enc::{EStr, Encoder};

use crate::error::{Error, Result};

/// A URI, taken apart.
#[derive(Debug)]
pub struct Text {
    pub scheme: String,
    /// What follows `//`; `None` without these two characters.
    pub authority: Option<Authority>,
    /// Everything up to the query, with the slash at the beginning.
    pub path: Vec<u8>,
    /// The parameters of the query, in order.
    pub parameters: Vec<Parameter>,
}

/// The part of a URI that says where the server is.
#[derive(Debug)]
pub struct Authority {
    pub user: Option<Vec<u8>>,
    /// May be empty; an IPv6 address is without its brackets.
    pub host: Vec<u8>,
    /// Not 0, which means the default port, like no port at all.
    pub port: Option<u32>,
}

/// One parameter of a query.
#[derive(Debug)]
pub struct Parameter {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

impl Text {
    /// Takes a URI apart.
    pub fn parse(text: &CStr) -> Result<Self> {
        let text = text
            .to_str()
            .map_err(|error| malformed(format!("byte {}", error.valid_up_to())))?;
        if !text.contains(':') {
            return Err(malformed("it does not begin with a scheme, such as nbd://"));
        }
        let (text, zone) = split_zone(text);
        // The message does not repeat the URI, because it may contain a user
        // name.
        let uri = Uri::parse(&*text).map_err(malformed)?;
        let authority = match uri.authority() {
            Some(authority) => Some(Authority {
                user: authority.userinfo().map(decoded),
                host: host(authority.host(), zone),
                port: port(authority.port().map(EStr::as_str))?,
            }),
            None => None,
        };
        Ok(Self {
            scheme: uri.scheme().as_str().to_owned(),
            authority,
            path: decoded(uri.path()),
            parameters: uri.query().map(parameters).unwrap_or_default(),
        })
    }
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    Error::new(libc::EINVAL, format!("the URI is malformed: {reason}"))
}

fn decoded<E: Encoder>(text: &EStr<E>) -> Vec<u8> {
    text.decode().to_bytes().into_owned()
}

/// Takes the zone out of an IPv6 address in brackets: the network interface of
/// a link-local address.  RFC 3986 has no zones, so only the rest follows it.
///
/// A zone begins after `%25`, as RFC 6874 says, or after a bare `%`, as people
/// write it, and may be encoded like any other part of a URI.
fn split_zone(text: &str) -> (Cow<'_, str>, Option<Vec<u8>>) {
    let parts = || {
        let (scheme, rest) = text.split_once("://")?;
        let (user, rest) = rest.split_once('[')?;
        let (address, after) = rest.split_once(']')?;
        let (address, zone) = address.split_once('%')?;
        // Later brackets have no meaning.
        let is_address = !user.contains(['/', '?', '#']) && !zone.contains(char::is_whitespace);
        is_address.then_some((scheme, user, address, zone, after))
    };
    let Some((scheme, user, address, zone, after)) = parts() else {
        return (Cow::Borrowed(text), None);
    };
    // An interface may have the number 25.
    let zone = match zone.strip_prefix("25") {
        Some(zone) if !zone.is_empty() => zone,
        _ => zone,
    };
    let rest = format!("{scheme}://{user}[{address}]{after}");
    (Cow::Owned(rest), Some(decoded_where_encoded(zone)))
}

/// Decodes bytes in which a percent sign that encodes nothing is literal.
fn decoded_where_encoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digit = |place: usize| char::from(*behind.get(place)?).to_digit(16);
        let encoded = || u8::try_from((digit(0)? << 4) | digit(1)?).ok();
        match (first, encoded()) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    bytes
}

fn host(host: &str, zone: Option<Vec<u8>>) -> Vec<u8> {
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let address = address.as_bytes();
        return match zone {
            Some(zone) => [address, b"%", &zone].concat(),
            None => address.to_vec(),
        };
    }
    // What is not an address is a name, and names may be encoded.
    EStr::<RegName>::new(host).map(decoded).unwrap_or_default()
}

fn port(digits: Option<&str>) -> Result<Option<u32>> {
    let digits = digits.unwrap_or_default();
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse::<i32>().map(u32::try_from) {
        Ok(Ok(0)) => Ok(None),
        Ok(Ok(port)) => Ok(Some(port)),
        _ => Err(malformed(format!("the port {digits} is too large"))),
    }
}

/// Parameters are separated by ampersands and, after the last ampersand, by
/// semicolons as well.
fn parameters(query: &EStr<Query>) -> Vec<Parameter> {
    let (front, last) = match query.rsplit_once('&') {
        Some((front, last)) => (Some(front), last),
        None => (None, query),
    };
    let front = front.into_iter().flat_map(|front| front.split('&'));
    front
        .chain(last.split(';'))
        .filter_map(|parameter| {
            let (name, value) = parameter
                .split_once('=')
                .unwrap_or((parameter, EStr::EMPTY));
            (!name.is_empty()).then(|| Parameter {
                name: decoded(name),
                value: decoded(value),
            })
        })
        .collect()
}
