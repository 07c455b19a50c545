//! Options and their replies (NBD protocol, option haggling).

use std::ffi::CStr;

use crate::error::{Error, Escaped, Result};
use crate::protocol::errors::{errno_of_refusal, name_of_reply, refusal};
use crate::protocol::handshake::{OPTION_REPLY, Opt, ReplyHeader, answer, option};
use crate::protocol::{MAX_PAYLOAD, MAX_STRING};

use super::line::Line;
use super::{Answer, Fault, Next, Session};

/// The longest useful reply: a list entry of two strings.
const LONGEST: usize = 4 + 2 * MAX_STRING;

/// A reply that does not refuse the option.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The last reply.
    Ack,
    /// One of several.
    Part {
        /// One of [`answer`].
        kind: u32,
        /// `None` if it was too long to be of use.
        data: Option<Vec<u8>>,
    },
}

/// How much of a server's words appears in notes.
const NOTED: usize = 512;

/// Sends an option that concerns an export.
pub fn send_for(line: &Line, export: &CStr, which: Opt, data: &[u8]) {
    line.note(|| {
        let export = Escaped(export.to_bytes());
        format!("client: {} for export \"{export}\"", which.name())
    });
    write(line, which, data);
}

/// Sends an option.
pub fn send(line: &Line, which: Opt, data: &[u8]) {
    line.note(|| format!("client: {}", which.name()));
    write(line, which, data);
}

fn write(line: &Line, which: Opt, data: &[u8]) {
    line.write_option(which.name(), &option(which, data));
}

/// Waits for the next reply to an option.
pub async fn reply(line: &Line, which: Opt) -> Answer<Reply> {
    // A reply that came before the request left is not a reply to it.
    line.flushed().await;
    let header = ReplyHeader::parse(line.read_array().await?)
        .filter(|header| header.magic == OPTION_REPLY && header.option == which.code())
        .ok_or_else(|| unexpected(which, "a reply to something else"))?;
    line.count_received();
    if header.length > MAX_PAYLOAD {
        return Err(unexpected(which, "a reply that is far too long").into());
    }
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    let data = if length <= LONGEST {
        Some(line.read(length).await?)
    } else {
        line.skip(length).await?;
        None
    };
    line.note(|| noted(header.kind, data.as_deref().unwrap_or_default()));
    if header.kind & answer::REFUSAL_BIT != 0 {
        return match data {
            Some(text) if text.len() <= MAX_STRING => Err(Fault::Refused(
                header.kind,
                refused(which, header.kind, &text),
            )),
            _ => Err(unexpected(which, "an error message that is too long").into()),
        };
    }
    match (header.kind, data) {
        (answer::ACK, Some(data)) if data.is_empty() => Ok(Reply::Ack),
        (answer::ACK, _) => Err(unexpected(which, "an acknowledgement with data").into()),
        (kind, data) => Ok(Reply::Part { kind, data }),
    }
}

/// Waits for the reply to an option whose reply has no parts.
pub async fn acknowledgement(line: &Line, which: Opt) -> Answer<()> {
    match reply(line, which).await? {
        Reply::Ack => Ok(()),
        Reply::Part { .. } => Err(unexpected(which, "a reply of the wrong kind").into()),
    }
}

/// The error for a server that does not keep to the protocol.
pub fn unexpected(which: Opt, what: &str) -> Error {
    Error::without_errno(format!(
        "{}: the server broke the protocol: it sent {what}",
        which.name()
    ))
}

/// The error for a refusal, with the server's own words.
fn refused(which: Opt, kind: u32, text: &[u8]) -> Error {
    let (errno, meaning) = errno_of_refusal(kind);
    let name = which.name();
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        Error::new(errno, format!("{name}: {meaning}"))
    } else {
        Error::new(errno, format!("{name}: {meaning}: {}", Escaped(text)))
    }
}

/// A reply in one line, with the words of a refusal.
fn noted(kind: u32, data: &[u8]) -> String {
    let name = match name_of_reply(kind) {
        Some(name) => format!("server: {name}"),
        None => format!("server: option reply {kind:#x}"),
    };
    match (kind & answer::REFUSAL_BIT, data) {
        (_, []) => name,
        (0, data) => format!("{name}, {} bytes", data.len()),
        (_, text) => format!("{name}: {}", Escaped(text.get(..NOTED).unwrap_or(text))),
    }
}

/// Lists and selections always fail with ENOTSUP, whatever reason the text
/// gives.
pub fn as_unsupported(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(reply, error) => {
            Fault::Refused(reply, Error::new(libc::ENOTSUP, error.text().to_owned()))
        }
        broken => broken,
    }
}

/// There are two reasons why a server does not switch something on: it does not
/// want to, or it must not, because of what was negotiated earlier.
pub fn as_refused_switch(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(reply, error) => {
            let errno = match reply {
                refusal::INVALID => libc::EINVAL,
                _ => libc::ENOTSUP,
            };
            Fault::Refused(reply, Error::new(errno, error.text().to_owned()))
        }
        broken => broken,
    }
}

/// NBD_OPT_ABORT: the client leaves.  The client does not wait for an
/// acknowledgement, because many servers do not send one.
pub async fn abort(line: &Line, session: &Session) -> Answer<Next> {
    if !session.is_fixed() {
        // With plain newstyle, the only way to leave is to hang up.
        return Err(Error::without_errno("the session was aborted").into());
    }
    send_abort(line).await?;
    Ok(Next::Closed)
}

/// Sends NBD_OPT_ABORT and waits until it has left.
pub async fn send_abort(line: &Line) -> Result<()> {
    line.label(c"NEWSTYLE.SEND_OPT_ABORT: leaving the server");
    send(line, Opt::Abort, &[]);
    line.flushed().await;
    Ok(())
}
