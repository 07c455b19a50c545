//! The checks on a command before it is sent.
//!
//! Most checks belong to a bit of the strict mode, and callers can disable them
//! to leave the decision to the server.  The order of the checks determines
//! which error a caller sees.

use crate::error::{Error, Result};
use crate::protocol::MAX_PAYLOAD;
use crate::protocol::export::{TransmissionFlags, payload_limit};
use crate::protocol::flag;
use crate::protocol::request::Command;
use crate::transmission::request::{CommandFlags, Data, Request};

use super::Client;
use super::settings::strict;

impl Client {
    /// Whether commands are sent with flags that they do not take.
    pub fn lets_flags_pass(&self) -> bool {
        !self.is_strict(strict::FLAGS)
    }

    #[inline]
    pub(super) fn is_strict(&self, bit: u32) -> bool {
        self.settings.strict_mode & bit != 0
    }

    /// The flag that announces a payload (extended headers), as passed by the
    /// caller or as required by the session.
    #[inline]
    pub(super) fn payload_flag(&self, flags: CommandFlags) -> CommandFlags {
        if !self.is_strict(strict::AUTO_FLAG) {
            flags
        } else if self.session.extended_headers {
            flags.with(flag::PAYLOAD_LEN)
        } else {
            flags.without(flag::PAYLOAD_LEN)
        }
    }

    /// Runs all checks on a command that is ready to be sent.
    #[inline]
    pub(super) fn check(&self, request: &Request) -> Result<()> {
        if self.is_strict(strict::COMMANDS) {
            self.check_command(request)?;
        }
        if self.transmission.is_disconnecting() {
            return Err(Error::new(
                libc::EINVAL,
                "a disconnect has been requested already",
            ));
        }
        if self.transmission.outstanding() >= i32::MAX.unsigned_abs() as usize {
            return Err(Error::new(libc::ENOMEM, "too many commands in flight"));
        }
        check_possible(request)?;
        if !matches!(request.command, Command::Flush | Command::Disconnect) {
            self.check_range(request)?;
        }
        self.check_length(request)
    }

    /// Checks against the server's advertised capabilities.
    #[inline]
    fn check_command(&self, request: &Request) -> Result<()> {
        let needs = |flag: u16| match self.has(flag) {
            Ok(true) => Ok(()),
            Ok(false) => Err(unsupported(request.command)),
            Err(error) => Err(error),
        };
        let writable = || {
            if self.has(TransmissionFlags::READ_ONLY)? {
                return Err(Error::new(
                    libc::EPERM,
                    format!("{}: the export is read-only", request.command.name()),
                ));
            }
            Ok(())
        };
        let flag_needs = |command_flag: u16, flag: u16| {
            if request.flags.has(command_flag) {
                needs(flag)
            } else {
                Ok(())
            }
        };
        match request.command {
            Command::Read => flag_needs(flag::DF, TransmissionFlags::SEND_DF),
            Command::Write => {
                writable()?;
                flag_needs(flag::FUA, TransmissionFlags::SEND_FUA)?;
                if request.flags.has(flag::PAYLOAD_LEN) != self.session.extended_headers {
                    return Err(Error::new(
                        libc::EINVAL,
                        "write: the flag PAYLOAD_LEN does not match the negotiated headers",
                    ));
                }
                Ok(())
            }
            Command::Flush => needs(TransmissionFlags::SEND_FLUSH),
            Command::Cache => needs(TransmissionFlags::SEND_CACHE),
            Command::Trim => {
                needs(TransmissionFlags::SEND_TRIM)?;
                writable()?;
                flag_needs(flag::FUA, TransmissionFlags::SEND_FUA)
            }
            Command::WriteZeroes => {
                needs(TransmissionFlags::SEND_WRITE_ZEROES)?;
                writable()?;
                flag_needs(flag::FUA, TransmissionFlags::SEND_FUA)?;
                flag_needs(flag::FAST_ZERO, TransmissionFlags::SEND_FAST_ZERO)
            }
            Command::BlockStatus => self.check_block_status(request),
            Command::Disconnect => Ok(()),
        }
    }

    /// Block status needs negotiated meta contexts.
    pub(super) fn check_contexts(&self) -> Result<()> {
        if !self.session.structured_replies || self.session.contexts.in_force().is_empty() {
            return Err(Error::new(
                libc::ENOTSUP,
                "block-status: no meta context has been negotiated",
            ));
        }
        Ok(())
    }

    fn check_block_status(&self, request: &Request) -> Result<()> {
        self.check_contexts()?;
        if matches!(request.data, Data::Filter(_)) {
            if !self.has(TransmissionFlags::BLOCK_STATUS_PAYLOAD)? {
                return Err(unsupported(request.command));
            }
            if !request.flags.has(flag::PAYLOAD_LEN) {
                return Err(Error::new(
                    libc::EINVAL,
                    "block-status: a filter requires the flag PAYLOAD_LEN",
                ));
            }
        }
        Ok(())
    }

    /// Checks of the range.
    #[inline]
    fn check_range(&self, request: &Request) -> Result<()> {
        let name = request.command.name();
        let (offset, count) = (request.offset, request.count);
        if self.is_strict(strict::ZERO_SIZE) && count == 0 {
            return Err(Error::new(libc::EINVAL, format!("{name}: count is 0")));
        }
        if self.is_strict(strict::BOUNDS) {
            let (size, _) = self.basics()?;
            if offset.checked_add(count).is_none_or(|end| end > size) {
                let errno = match request.command {
                    Command::Write | Command::Trim | Command::WriteZeroes => libc::ENOSPC,
                    _ => libc::EINVAL,
                };
                return Err(Error::new(
                    errno,
                    format!("{name}: {count} bytes at {offset} are beyond the end of the export"),
                ));
            }
        }
        let sizes = self.session.export.block_sizes;
        if let Some(sizes) = sizes.filter(|_| self.is_strict(strict::ALIGN)) {
            let minimum = sizes.minimum;
            if (offset | count) & u64::from(minimum.saturating_sub(1)) != 0 {
                return Err(Error::new(
                    libc::EINVAL,
                    format!(
                        "{name}: {count} bytes at {offset} are not aligned to the minimum block size {minimum}"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Checks of the amount of data to transfer.
    #[inline]
    fn check_length(&self, request: &Request) -> Result<()> {
        let strict = u64::from(payload_limit(self.session.export.block_sizes));
        let is_strict = self.is_strict(strict::PAYLOAD);
        let sent = u64::try_from(request.payload_len()).unwrap_or(u64::MAX);
        let payload = match request.command {
            Command::Read => request.count,
            _ => sent,
        };
        // Reads may exceed the advertised limit, because the server can split
        // them.
        if sent > strict && is_strict {
            return Err(too_long(request, sent, strict));
        }
        if payload > MAX_PAYLOAD.into() {
            return Err(too_long(request, payload, MAX_PAYLOAD.into()));
        }
        if request.count > u32::MAX.into() && !self.session.extended_headers {
            return Err(too_long(request, request.count, u32::MAX.into()));
        }
        Ok(())
    }
}

/// A length that no request can express is not meant as a length; most likely
/// it is the -1 of a failed call.  So it is rejected before it is compared with
/// the size of the export.
#[inline]
fn check_possible(request: &Request) -> Result<()> {
    let has_buffer = matches!(request.command, Command::Read | Command::Write);
    if has_buffer && request.count > u32::MAX.into() {
        return Err(too_long(request, request.count, MAX_PAYLOAD.into()));
    }
    Ok(())
}

fn too_long(request: &Request, length: u64, limit: u64) -> Error {
    Error::new(
        libc::ERANGE,
        format!(
            "{}: {length} bytes exceed the limit of {limit}",
            request.command.name()
        ),
    )
}

fn unsupported(command: Command) -> Error {
    Error::new(
        libc::EINVAL,
        format!("{}: the server does not support this", command.name()),
    )
}
