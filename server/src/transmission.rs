//! The transmission phase: requests in, replies out.

use std::time::Duration;

use crate::check::{Failed, check, filter, range};
use crate::config::{Config, Replies};
use crate::disk::PAGE;
use crate::greeting::Agreement;
use crate::reply::{Answer, encode};
use crate::session::{End, Session, Talk};
use crate::wire::{Request, cmd, cmd_flag, error};

/// Longest READ that is served.
const MAX_READ: u64 = 64 << 20;
/// Longest list of extents in one chunk.
const MAX_EXTENTS: usize = 1 << 16;
/// How long a reordering server waits for another request before it replies to those it has.
const REORDER_PATIENCE: Duration = Duration::from_millis(20);

/// Serves requests until the client leaves.
pub(crate) fn serve(session: &mut Session<'_>, agreement: &Agreement) -> Talk<End> {
    loop {
        let (batch, disconnect) = receive_batch(session, agreement)?;
        let replies: Vec<_> = batch
            .iter()
            .map(|request| answer(session, agreement, request))
            .collect();
        for reply in replies.iter().rev() {
            session.send(reply)?;
        }
        if disconnect {
            if session.has_more()? {
                session.violation("bytes after DISC");
            }
            return Ok(End::Disconnected);
        }
    }
}

/// Receives the requests to be replied to together, and whether a DISC followed them.
fn receive_batch(session: &mut Session<'_>, agreement: &Agreement) -> Talk<(Vec<Request>, bool)> {
    let mut batch: Vec<Request> = Vec::new();
    loop {
        let request = session.receive_request()?;
        if request.extended != (agreement.replies == Replies::Extended) {
            let form = if request.extended {
                "extended"
            } else {
                "compact"
            };
            return session.drop_client(format!("{form} request header was not negotiated"));
        }
        if request.command == cmd::DISC {
            if (request.flags, request.offset, request.length) != (0, 0, 0) {
                session.violation(format!("fields must be zero: {request}"));
            }
            return Ok((batch, true));
        }
        if request.lacks_payload_len() {
            session.violation(format!("PAYLOAD_LEN is missing: {request}"));
        }
        if batch.iter().any(|earlier| earlier.cookie == request.cookie) {
            session.violation(format!("cookie of a request still in flight: {request}"));
        }
        batch.push(request);
        if batch.len() >= session.config.reorder || !session.sends_more(REORDER_PATIENCE)? {
            return Ok((batch, false));
        }
    }
}

/// Checks and executes a request; returns its reply, encoded.
fn answer(session: &mut Session<'_>, agreement: &Agreement, request: &Request) -> Vec<u8> {
    let config = session.config;
    let mut failures = config.failures.iter();
    let result = match check(request, agreement, config) {
        Err(failed) => {
            session.violation(format!("{}: {request}", failed.1));
            Err(failed)
        }
        Ok(()) => match failures.find(|failure| failure.command == request.command) {
            Some(failure) => Err(Failed(failure.error, "failed as configured")),
            None => execute(request, agreement, config),
        },
    };
    encode(request, result, agreement, config)
}

fn execute(request: &Request, agreement: &Agreement, config: &Config) -> Result<Answer, Failed> {
    let disk = &config.disk;
    let Request { offset, length, .. } = *request;
    let broken = |_| Failed(error::EIO, "disk error");
    match request.command {
        cmd::READ if length > MAX_READ => {
            let simple = agreement.replies == Replies::Simple;
            let error = if simple {
                error::EINVAL
            } else {
                error::EOVERFLOW
            };
            return Err(Failed(error, "READ is too long"));
        }
        cmd::READ => {
            let mut data = vec![0; length as usize];
            disk.read_at(offset, &mut data).map_err(broken)?;
            return Ok(Answer::Data(data));
        }
        cmd::BLOCK_STATUS => return Ok(Answer::Status(status(request, agreement, config))),
        cmd::WRITE => disk.write_at(offset, &request.payload),
        cmd::TRIM => disk.trim(offset, length),
        cmd::WRITE_ZEROES => {
            let hole = !request.has(cmd_flag::NO_HOLE);
            if request.has(cmd_flag::FAST_ZERO) && !(hole && disk.zeroes_fast()) {
                return Err(Failed(error::ENOTSUP, "zeroing is not fast here"));
            }
            disk.zero(offset, length, hole)
        }
        cmd::FLUSH => disk.sync(),
        _ => Ok(()),
    }
    .map_err(broken)?;
    if request.has(cmd_flag::FUA) {
        disk.sync().map_err(broken)?;
    }
    Ok(Answer::Done)
}

/// The extents of each context that the request wants.
fn status(
    request: &Request,
    agreement: &Agreement,
    config: &Config,
) -> Vec<(u32, Vec<(u64, u64)>)> {
    let (offset, length) = range(request);
    let wanted = filter(request).map(|(_, ids)| ids);
    let wanted = |id: &u32| wanted.as_ref().is_none_or(|ids| ids.contains(id));
    let one = request.has(cmd_flag::REQ_ONE);
    let count = if one { 1 } else { MAX_EXTENTS };
    // A compact descriptor has a 32-bit length; keep the rest aligned.
    let longest = if request.extended {
        u64::MAX
    } else {
        u64::from(u32::MAX) & !(PAGE - 1)
    };
    let longest = if one { longest.min(length) } else { longest };

    let selected = agreement.contexts.iter().filter(|(id, _)| wanted(id));
    let extents = selected.map(|(id, context)| {
        let mut extents = Vec::new();
        let mut at = offset;
        // The last extent may extend beyond the request, but never beyond the disk.
        while at < offset + length && extents.len() < count {
            let (run, flags) = context.extent_at(&config.disk, at);
            extents.push((run.min(longest), flags));
            at += run.min(longest);
        }
        (*id, extents)
    });
    extents.collect()
}
