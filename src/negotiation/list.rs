//! NBD_OPT_LIST: which exports the server has.

use std::ffi::CStr;

use crate::error::Error;
use crate::protocol::handshake::{Opt, answer};
use crate::protocol::{Fields, MAX_STRING};

use super::line::Line;
use super::option::{Reply, as_unsupported, unexpected};
use super::{Answer, Next, c_string, option};

/// The maximum number of exports; a server with more is hostile or broken.
pub const MAX_EXPORTS: usize = if cfg!(test) { 10_000 } else { 1_000_000 };

/// Reports each export's name and description, and counts them.
pub async fn list(line: &Line, mut found: impl FnMut(&CStr, &CStr)) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_LIST.RECV_REPLY: asking for the list of exports");
    option::send(line, Opt::List, &[]);
    let mut count = 0usize;
    let mut left = MAX_EXPORTS;
    loop {
        let reply = option::reply(line, Opt::List)
            .await
            .map_err(as_unsupported)?;
        if reply != Reply::Ack {
            // Skipped entries count as well; otherwise the list could be
            // endless.
            left = left.checked_sub(1).ok_or_else(endless)?;
        }
        match reply {
            Reply::Ack => return Ok(Next::Negotiating(count)),
            Reply::Part {
                kind: answer::SERVER,
                data: Some(data),
            } => {
                let (name, description) =
                    entry(&data).ok_or_else(|| unexpected(Opt::List, "a malformed list entry"))?;
                found(&c_string(name), &c_string(description));
                count = count.saturating_add(1);
            }
            // Longer than any two strings: useless but harmless.  The caller is
            // not told of it, so the count does not include it.
            Reply::Part {
                kind: answer::SERVER,
                data: None,
            } => {}
            Reply::Part { .. } => {
                return Err(unexpected(Opt::List, "a reply of the wrong kind").into());
            }
        }
    }
}

fn endless() -> Error {
    unexpected(Opt::List, "an endless list")
}

fn entry(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Fields(data);
    let name_len = fields.u32()?;
    let name = fields.bytes(name_len)?;
    (name.len() <= MAX_STRING && fields.0.len() <= MAX_STRING).then_some((name, fields.0))
}
