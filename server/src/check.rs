//! Detects what a conforming client would not send.

use crate::config::{Config, Replies};
use crate::greeting::Agreement;
use crate::wire::{Fields, Request, cmd, cmd_flag, error, flag};

/// An error value and a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) u32, pub(crate) &'static str);

fn invalid(text: &'static str) -> Result<(), Failed> {
    Err(Failed(error::EINVAL, text))
}

/// Checks a request against the protocol and what was negotiated.
pub(crate) fn check(
    request: &Request,
    agreement: &Agreement,
    config: &Config,
) -> Result<(), Failed> {
    check_command(request, agreement, config)?;
    check_flags(request, agreement)?;
    if request.command == cmd::BLOCK_STATUS && request.has(cmd_flag::PAYLOAD_LEN) {
        check_filter(request, agreement)?;
    }
    match request.command {
        cmd::FLUSH if (request.offset, request.length) != (0, 0) => invalid("FLUSH with a range"),
        cmd::FLUSH => Ok(()),
        _ => check_range(request, agreement, config),
    }
}

fn check_command(request: &Request, agreement: &Agreement, config: &Config) -> Result<(), Failed> {
    let needed = match request.command {
        cmd::READ | cmd::WRITE | cmd::BLOCK_STATUS => 0,
        cmd::FLUSH => flag::SEND_FLUSH,
        cmd::TRIM => flag::SEND_TRIM,
        cmd::CACHE => flag::SEND_CACHE,
        cmd::WRITE_ZEROES => flag::SEND_WRITE_ZEROES,
        _ => return invalid("unknown command"),
    };
    let writes = matches!(request.command, cmd::WRITE | cmd::TRIM | cmd::WRITE_ZEROES);
    if writes && (config.read_only || agreement.flags & flag::READ_ONLY != 0) {
        return Err(Failed(error::EPERM, "the export is read-only"));
    }
    if needed & !agreement.flags != 0 {
        return invalid("command was not offered");
    }
    if request.command == cmd::BLOCK_STATUS && agreement.contexts.is_empty() {
        return invalid("no meta context was selected");
    }
    Ok(())
}

fn check_flags(request: &Request, agreement: &Agreement) -> Result<(), Failed> {
    let payload_len = if request.extended {
        cmd_flag::PAYLOAD_LEN
    } else {
        0
    };
    let meaningful = match request.command {
        cmd::READ => cmd_flag::DF,
        cmd::WRITE => cmd_flag::FUA | payload_len,
        cmd::TRIM => cmd_flag::FUA,
        cmd::WRITE_ZEROES => cmd_flag::FUA | cmd_flag::NO_HOLE | cmd_flag::FAST_ZERO,
        cmd::BLOCK_STATUS => cmd_flag::REQ_ONE | payload_len,
        _ => 0,
    };
    if request.flags & !meaningful != 0 {
        return invalid("flag has no meaning for this command");
    }
    let conditions = [
        (cmd_flag::FUA, flag::SEND_FUA),
        (cmd_flag::DF, flag::SEND_DF),
        (cmd_flag::FAST_ZERO, flag::SEND_FAST_ZERO),
    ];
    match conditions
        .iter()
        .find(|(used, offer)| request.has(*used) && agreement.flags & offer == 0)
    {
        Some(_) => invalid("flag was not offered"),
        None => Ok(()),
    }
}

fn check_filter(request: &Request, agreement: &Agreement) -> Result<(), Failed> {
    if agreement.flags & flag::BLOCK_STATUS_PAYLOAD == 0 {
        return invalid("filter payload was not offered");
    }
    let Some((_, ids)) = filter(request) else {
        return invalid("filter payload has a wrong length");
    };
    let selected = |id: &u32| agreement.contexts.iter().any(|(known, _)| known == id);
    if ids.is_empty() || !ids.iter().all(selected) {
        return invalid("filter names a context that was not selected");
    }
    // However long a hostile list is, only a few ids are selected, so a repetition comes early.
    if (1..ids.len()).any(|index| ids[..index].contains(&ids[index])) {
        return invalid("filter names a context twice");
    }
    Ok(())
}

fn check_range(request: &Request, agreement: &Agreement, config: &Config) -> Result<(), Failed> {
    let (offset, length) = range(request);
    if length == 0 {
        return invalid("empty range");
    }
    if offset
        .checked_add(length)
        .is_none_or(|end| end > config.disk.size())
    {
        let allocates = matches!(request.command, cmd::WRITE | cmd::WRITE_ZEROES);
        let error = if allocates {
            error::ENOSPC
        } else {
            error::EINVAL
        };
        return Err(Failed(error, "range beyond the end of the export"));
    }
    let Some(sizes) = agreement.block_size else {
        return Ok(());
    };
    let minimum = sizes.minimum.into();
    let aligned = |value: u64| value.checked_rem(minimum) == Some(0);
    if !aligned(offset) || !aligned(length) {
        return invalid("range is not aligned to the minimum block size");
    }
    let has_payload = match request.command {
        cmd::WRITE => true,
        cmd::READ => agreement.replies == Replies::Simple,
        _ => false,
    };
    if has_payload && length > sizes.maximum.into() {
        return invalid("payload is longer than the maximum");
    }
    Ok(())
}

/// The range of a request; a filtered BLOCK_STATUS has its length in the payload.
pub(crate) fn range(request: &Request) -> (u64, u64) {
    let length = filter(request).map_or(request.length, |(length, _)| length);
    (request.offset, length)
}

/// The payload of a filtered BLOCK_STATUS: effect length and context ids.
pub(crate) fn filter(request: &Request) -> Option<(u64, Vec<u32>)> {
    if request.command != cmd::BLOCK_STATUS {
        return None;
    }
    let mut fields = Fields(&request.payload);
    let length = fields.u64()?;
    let ids = fields.0.chunks(4).map(|id| Fields(id).u32());
    Some((length, ids.collect::<Option<_>>()?))
}
