//! What a URI means, and whether that is allowed.
//!
//! The order of the checks decides which error a caller sees.

use std::ffi::{CStr, CString};

use crate::connect::{Place, ssh};
use crate::error::{Error, Escaped, Result};
use crate::protocol::MAX_STRING;
use crate::sys::address::SocketAddress;

use super::scheme::{Scheme, Transport};
use super::text::{Authority, Parameter, Text};
use super::{Plan, Rules, TlsParameters, TlsRule};

/// The port assigned to NBD.
const PORT: u16 = 10809;
const SSH_PORT: u16 = 22;

/// The default host.
const HOST: &[u8] = b"localhost";

/// The context id of the host, as seen from a virtual machine.
const HOST_CID: u32 = 2;

/// Makes a plan of a URI.
pub fn plan(text: &CStr, rules: &Rules) -> Result<Plan> {
    let text = Text::parse(text)?;
    let scheme = Scheme::from_name(&text.scheme)
        .ok_or_else(|| invalid(format!("\"{}\" is not a scheme of NBD URIs", text.scheme)))?;
    let authority = text
        .authority
        .ok_or_else(|| invalid(format!("the URI must begin with \"{}://\"", scheme.name())))?;
    check_transport(scheme, rules)?;
    check_tls(scheme, rules)?;
    let socket = socket(&text.parameters, scheme)?;
    let mut tls = TlsParameters {
        required: scheme.tls,
        ..TlsParameters::default()
    };
    for parameter in &text.parameters {
        add_tls_parameter(&mut tls, parameter, rules)?;
    }
    if let Some(user) = &authority.user {
        tls.username = Some(string("the user", user)?);
    }
    let export_name = export_name(&text.path)?;
    let place = match scheme.transport {
        Transport::Tcp => tcp(&authority)?,
        Transport::Unix => Place::Address(SocketAddress::unix(socket.unwrap_or_default())?),
        Transport::Vsock => vsock(&authority)?,
        Transport::Ssh => over_ssh(&authority, socket)?,
    };
    Ok(Plan {
        place,
        export_name,
        tls,
    })
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(libc::EINVAL, text)
}

fn not_allowed(what: impl std::fmt::Display) -> Error {
    Error::new(libc::EPERM, format!("{what} is not allowed in URIs"))
}

fn check_transport(scheme: Scheme, rules: &Rules) -> Result<()> {
    if rules.transports & scheme.transport.bit() == 0 {
        return Err(not_allowed(format_args!("the scheme {}", scheme.name())));
    }
    Ok(())
}

fn check_tls(scheme: Scheme, rules: &Rules) -> Result<()> {
    match (rules.tls, scheme.tls) {
        (TlsRule::Never, true) => Err(not_allowed("TLS")),
        (TlsRule::Always, false) => Err(not_allowed("a connection without TLS")),
        _ => Ok(()),
    }
}

/// The path of the socket, if the scheme requires or permits one.
fn socket(parameters: &[Parameter], scheme: Scheme) -> Result<Option<&[u8]>> {
    let path = parameters
        .iter()
        .rfind(|parameter| parameter.is("socket"))
        .map(|parameter| parameter.value.as_slice());
    let name = scheme.name();
    match (scheme.transport, path) {
        (Transport::Unix, None | Some(b"")) => {
            Err(invalid(format!("{name} needs the parameter \"socket\"")))
        }
        (Transport::Ssh, Some(b"")) => Err(invalid("the parameter \"socket\" is empty")),
        (Transport::Tcp | Transport::Vsock, Some(_)) => {
            Err(invalid(format!("{name} has no parameter \"socket\"")))
        }
        // An initial NUL would make it an abstract name.
        (_, Some(path)) if path.iter().skip(1).any(|&byte| byte == 0) => {
            Err(invalid("the parameter \"socket\" contains a NUL"))
        }
        (_, path) => Ok(path),
    }
}

impl Parameter {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

fn add_tls_parameter(tls: &mut TlsParameters, parameter: &Parameter, rules: &Rules) -> Result<()> {
    let allow = |name: &str, allowed: bool| {
        if allowed {
            string(name, &parameter.value).map(Some)
        } else {
            Err(not_allowed(format_args!("the parameter \"{name}\"")))
        }
    };
    let name = parameter.name.to_ascii_lowercase();
    match name.as_slice() {
        b"tls-certificates" => tls.certificates = allow("tls-certificates", rules.local_file)?,
        b"tls-psk-file" => tls.psk_file = allow("tls-psk-file", rules.local_file)?,
        b"tls-priority" => tls.priority = allow("tls-priority", rules.tls_priority)?,
        b"tls-hostname" => tls.hostname = allow("tls-hostname", true)?,
        b"tls-verify-peer" => tls.verify_peer = Some(boolean(&parameter.value)?),
        // Other clients may support it.
        _ => {}
    }
    Ok(())
}

fn boolean(value: &[u8]) -> Result<bool> {
    match value.to_ascii_lowercase().as_slice() {
        b"1" | b"true" | b"t" | b"yes" | b"y" | b"on" => Ok(true),
        b"0" | b"false" | b"f" | b"no" | b"n" | b"off" => Ok(false),
        _ => Err(invalid(format!(
            "\"{}\" does not mean yes or no",
            Escaped(value)
        ))),
    }
}

fn string(what: &str, bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| invalid(format!("{what} contains a NUL")))
}

/// The path without its first slash, otherwise unchanged.  An export name
/// cannot contain a NUL, and ends at the first one.
fn export_name(path: &[u8]) -> Result<CString> {
    let name = path.strip_prefix(b"/").unwrap_or(path);
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    if name.len() > MAX_STRING {
        return Err(Error::new(
            libc::ENAMETOOLONG,
            format!("the export name is longer than {MAX_STRING} bytes"),
        ));
    }
    string("the export name", name)
}

fn tcp(authority: &Authority) -> Result<Place> {
    let host = match authority.host.as_slice() {
        b"" => HOST,
        host => host,
    };
    let port = port(authority, PORT)?.to_string();
    Ok(Place::tcp(
        string("the host", host)?,
        string("the port", port.as_bytes())?,
    ))
}

fn over_ssh(authority: &Authority, socket: Option<&[u8]>) -> Result<Place> {
    // The user is for TLS and not passed to ssh, but this looks like an attempt
    // to pass an option to ssh.
    if authority
        .user
        .as_ref()
        .is_some_and(|user| user.starts_with(b"-"))
    {
        return Err(invalid("a user cannot begin with \"-\""));
    }
    let port = port(authority, SSH_PORT)?;
    ssh::command(&authority.host, port, socket).map(Place::Command)
}

fn port(authority: &Authority, usual: u16) -> Result<u16> {
    let Some(port) = authority.port else {
        return Ok(usual);
    };
    u16::try_from(port).map_err(|_| invalid(format!("there is no port {port}")))
}

/// The host is a context id: the number of a virtual machine.
fn vsock(authority: &Authority) -> Result<Place> {
    let host = authority.host.as_slice();
    let digits = host.iter().take_while(|byte| byte.is_ascii_digit());
    let cid = match host {
        b"" => HOST_CID,
        [b'0'..=b'9', ..] => digits.fold(0u32, |cid, &digit| {
            let value = u32::from(digit).wrapping_sub(u32::from(b'0'));
            cid.wrapping_mul(10).wrapping_add(value)
        }),
        _ => {
            return Err(invalid(format!(
                "\"{}\" is not a context id",
                Escaped(host)
            )));
        }
    };
    let port = authority.port.unwrap_or(PORT.into());
    Place::vsock(cid, port)
}
