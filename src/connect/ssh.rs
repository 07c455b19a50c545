//! Servers on another machine, reached through SSH.
//!
//! `ssh` is run without a shell, but on the other side a shell reads what
//! `ssh` was told to run.  Host and path come from a URI, which need not come
//! from a friend: neither may become anything else than a host and a path.

use std::ffi::CString;

use super::program::Argv;
use crate::error::{Error, Result};

/// The command that connects standard input and output to a server on `host`:
/// to its Unix domain socket if there is one, else to the port of NBD.
pub fn command(host: &[u8], port: u16, socket: Option<&[u8]>) -> Result<Argv> {
    check_host(host)?;
    let mut argv = vec![
        b"ssh".to_vec(),
        b"-p".to_vec(),
        port.to_string().into_bytes(),
        host.to_vec(),
        b"nc".to_vec(),
    ];
    match socket {
        Some(path) => argv.extend([b"-U".to_vec(), quoted(path)]),
        None => argv.extend([b"localhost".to_vec(), b"10809".to_vec()]),
    }
    let words = argv.into_iter().map(|argument| {
        CString::new(argument)
            .map_err(|_| Error::new(libc::EINVAL, "the socket path contains a NUL"))
    });
    Argv::new(words.collect::<Result<_>>()?)
}

/// A host name or address, which `ssh` takes for nothing else: not for an
/// option, a login name, or a URI, and which is harmless in the commands that
/// a user's configuration may expand it into.
fn check_host(host: &[u8]) -> Result<()> {
    let reason = match host {
        b"" => "SSH needs a host",
        [b'-', ..] => "a host cannot begin with \"-\"",
        host if !host.iter().all(|&byte| is_plain(byte)) => {
            "the host has characters that are not for SSH"
        }
        _ => return Ok(()),
    };
    Err(Error::new(libc::EINVAL, reason))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte)
}

/// A path as a word for a shell; to nc it is not an option either.
fn quoted(path: &[u8]) -> Vec<u8> {
    let path = match path {
        [b'-', ..] => [b"./", path].concat(),
        path => path.to_vec(),
    };
    if path
        .iter()
        .all(|&byte| byte.is_ascii_alphanumeric() || b"/._-+,:@".contains(&byte))
    {
        return path;
    }
    let mut word = vec![b'\''];
    for byte in path {
        match byte {
            // End the quotation, a quoted quote, begin it again.
            b'\'' => word.extend_from_slice(br"'\''"),
            byte => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(host: &str, port: u16, socket: Option<&str>) -> std::result::Result<String, i32> {
        match command(host.as_bytes(), port, socket.map(str::as_bytes)) {
            Ok(argv) => Ok(std::iter::once(argv.program)
                .chain(argv.arguments)
                .map(|word| word.into_string().unwrap())
                .collect::<Vec<_>>()
                .join("|")),
            Err(error) => Err(error.errno()),
        }
    }

    #[test]
    fn the_server_is_reached_by_nc() {
        assert_eq!(
            words("example.net", 22, None),
            Ok("ssh|-p|22|example.net|nc|localhost|10809".into())
        );
        assert_eq!(
            words("::1", 2222, Some("/run/nbd.sock")),
            Ok("ssh|-p|2222|::1|nc|-U|/run/nbd.sock".into())
        );
    }

    #[test]
    fn a_host_is_nothing_but_a_host() {
        for host in [
            "",
            "-oProxyCommand=id",
            "-",
            "root@example.net",
            "a@-oProxyCommand=id",
            "ssh://example.net",
            "a b",
            "$(id)",
            "`id`",
            "a;id",
            "a\nb",
            "é",
        ] {
            assert_eq!(words(host, 22, None), Err(libc::EINVAL), "{host}");
        }
    }

    #[test]
    fn the_remote_shell_sees_one_word() {
        for (path, word) in [
            ("/a b", "'/a b'"),
            ("/$(id)", "'/$(id)'"),
            ("/a'b", r"'/a'\''b'"),
            ("/a;id", "'/a;id'"),
            ("~/s", "'~/s'"),
            ("/a\nb", "'/a\nb'"),
            ("-e/bin/sh", "./-e/bin/sh"),
            ("-e$x", "'./-e$x'"),
        ] {
            assert_eq!(
                words("h", 22, Some(path)),
                Ok(format!("ssh|-p|22|h|nc|-U|{word}"))
            );
        }
    }

    #[test]
    fn an_abstract_socket_is_out_of_reach() {
        assert_eq!(words("h", 22, Some("\0abstract")), Err(libc::EINVAL));
    }
}
