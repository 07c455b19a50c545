//! What commands have in common: their flags, the checks before they are sent,
//! and how they can end.  The errors are in the order of the checks.

use super::Function;
use crate::flag;
use crate::table::Word;

/// The flags: bit, name, meaning.
const FLAGS: [(u32, &str, &str); 6] = [
    (
        FUA,
        "LIBNBD_CMD_FLAG_FUA",
        "the command completes only when the data has reached permanent storage; see \
         `nbd_can_fua`.",
    ),
    (
        flag::NO_HOLE as u32,
        "LIBNBD_CMD_FLAG_NO_HOLE",
        "the server must allocate storage for the range instead of leaving a hole.",
    ),
    (
        DF,
        "LIBNBD_CMD_FLAG_DF",
        "the server must send the reply in one piece; see `nbd_can_df`.",
    ),
    (
        flag::REQ_ONE as u32,
        "LIBNBD_CMD_FLAG_REQ_ONE",
        "the server returns one extent for each context, no longer than the range.",
    ),
    (
        FAST_ZERO,
        "LIBNBD_CMD_FLAG_FAST_ZERO",
        "the command fails with `ENOTSUP` if it would be no faster than writing zeroes; see \
         `nbd_can_fast_zero`.",
    ),
    (
        PAYLOAD_LEN,
        "LIBNBD_CMD_FLAG_PAYLOAD_LEN",
        "the request has a payload, and extended headers are in use. The library sets or clears \
         this flag itself unless `LIBNBD_STRICT_AUTO_FLAG` is off.",
    ),
];

const FUA: u32 = flag::FUA as u32;
const DF: u32 = flag::DF as u32;
const FAST_ZERO: u32 = flag::FAST_ZERO as u32;
const PAYLOAD_LEN: u32 = flag::PAYLOAD_LEN as u32;

/// Flags that a server may not know.
const OFFERED: u32 = FUA | DF | FAST_ZERO;

/// What the signature and the flags say of a command.
struct Command<'a> {
    function: &'a Function,
    flags: u32,
}

impl<'a> Command<'a> {
    fn of(function: &'a Function) -> Option<Self> {
        match function.row.word {
            Word::Command(flags) => Some(Self { function, flags }),
            _ => None,
        }
    }

    fn takes(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    fn has(&self, parameter: &str) -> bool {
        self.function.parameter(parameter).is_some()
    }

    fn has_callback(&self) -> bool {
        let parameters = &self.function.signature.parameters;
        parameters.iter().any(|parameter| parameter.is_callback())
    }

    /// Commands that change the export are those that can be asked to wait for
    /// permanent storage.
    fn writes(&self) -> bool {
        self.takes(FUA)
    }

    fn is_block_status(&self) -> bool {
        self.has_callback() && !self.has("buf")
    }

    /// Every server reads and writes; commands that transfer nothing are
    /// optional, and so are filters.
    fn is_optional(&self) -> bool {
        let ends_session = !self.has("completion_callback") && self.function.is_asynchronous();
        match self.is_block_status() {
            true => self.takes(PAYLOAD_LEN),
            false => !self.has("buf") && !ends_session,
        }
    }
}

/// The paragraphs about `flags`.
pub fn flags(function: &Function) -> Vec<String> {
    let (Some(command), Some(last)) = (Command::of(function), function.signature.parameters.last())
    else {
        return Vec::new();
    };
    let items: Vec<String> = FLAGS
        .iter()
        .filter(|(bit, ..)| command.takes(*bit))
        .map(|(_, name, meaning)| format!("- `{name}`: {meaning}"))
        .collect();
    let beginning = match items.as_slice() {
        [] => "must be 0.",
        [_] => "is 0 or:",
        _ => "is 0 or a bitwise OR of:",
    };
    [format!("`{}` {beginning}", last.name)]
        .into_iter()
        .chain(items)
        .collect()
}

/// What is refused before anything is sent.
pub fn checks(function: &Function) -> Vec<String> {
    let Some(command) = Command::of(function) else {
        return Vec::new();
    };
    let mut errors = vec![
        "`EINVAL`: `flags` contains a bit that the command does not accept \
         (`LIBNBD_STRICT_FLAGS`), or one above 0xffff."
            .to_owned(),
    ];
    errors.extend(offers(&command));
    errors.push("`EINVAL`: a disconnect has been queued.".to_owned());
    errors.push("`ENOMEM`: too many commands are in flight.".to_owned());
    errors.extend(range(&command));
    errors
}

/// What the server has to offer.
fn offers(command: &Command) -> Vec<String> {
    let mut errors = Vec::new();
    if command.is_block_status() {
        errors.push(
            "`ENOTSUP`: structured replies are not in use, or no meta context has been selected",
        );
    }
    if command.writes() {
        errors.push("`EPERM`: the export is read-only");
    }
    match (command.is_optional(), command.takes(OFFERED)) {
        (true, true) => errors.push("`EINVAL`: the server does not offer the command or the flag"),
        (true, false) => errors.push("`EINVAL`: the server does not offer the command"),
        (false, true) => errors.push("`EINVAL`: the server does not offer the flag"),
        (false, false) => {}
    }
    if command.takes(PAYLOAD_LEN) {
        errors.push("`EINVAL`: `LIBNBD_CMD_FLAG_PAYLOAD_LEN` does not match the headers in use");
    }
    errors
        .iter()
        .map(|error| format!("{error} (`LIBNBD_STRICT_COMMANDS`)."))
        .collect()
}

/// Offset and length.
fn range(command: &Command) -> Vec<String> {
    if !command.has("count") {
        return Vec::new();
    }
    let mut errors = vec!["`EINVAL`: `count` is 0 (`LIBNBD_STRICT_ZERO_SIZE`).".to_owned()];
    let errno = if command.writes() { "ENOSPC" } else { "EINVAL" };
    errors.push(format!(
        "`{errno}`: the range extends beyond the end of the export (`LIBNBD_STRICT_BOUNDS`)."
    ));
    errors.push(
        "`EINVAL`: the range is not aligned to the minimum block size (`LIBNBD_STRICT_ALIGN`)."
            .to_owned(),
    );
    let limit = match (command.has("buf"), command.writes()) {
        (true, true) => {
            "`count` is above 64 MiB, or above `LIBNBD_SIZE_PAYLOAD` (`LIBNBD_STRICT_PAYLOAD`)"
        }
        (true, false) => "`count` is above 64 MiB; `buf` has not been modified",
        // A filter needs extended headers anyway.
        (false, _) if command.takes(PAYLOAD_LEN) => return errors,
        (false, _) => "`count` is above 4294967295, and extended headers are not in use",
    };
    errors.push(format!("`ERANGE`: {limit}."));
    errors
}

/// How a command can end that has been sent.
pub fn outcomes(function: &Function) -> Vec<String> {
    let Some(command) = Command::of(function).filter(|_| !function.is_asynchronous()) else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    if command.is_block_status() {
        errors.push("`ENOMEM`: there is not enough memory for the extents.".to_owned());
    }
    let (callback, extents) = (command.has_callback(), command.is_block_status());
    errors.push(format!(
        "{}the reply violates the protocol{}.",
        match callback {
            true =>
                "`EPROTO`, or the errno that the callback stored: the callback returned -1, or ",
            false => "`EPROTO`: ",
        },
        match extents {
            true => ", or contains more than 1048576 extents for one context",
            false => "",
        }
    ));
    errors.push(
        "`ENOTCONN`, another errno, or 0: the connection ended before the reply arrived."
            .to_owned(),
    );
    errors.push("Any errno that the server sent.".to_owned());
    errors
}
