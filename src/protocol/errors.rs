//! Error values: what servers send, and the errno a caller sees.

use super::handshake::answer;

/// The errno for the error field of a reply (NBD protocol, error values).
///
/// The wire has its own numbers, which happen to be those of Linux; the table
/// keeps other systems right.  A number that the protocol does not list counts
/// as EINVAL.
pub fn errno_of_reply(error: u32) -> i32 {
    match error {
        0 => 0,
        1 => libc::EPERM,
        5 => libc::EIO,
        12 => libc::ENOMEM,
        28 => libc::ENOSPC,
        75 => libc::EOVERFLOW,
        95 => libc::ENOTSUP,
        108 => libc::ESHUTDOWN,
        _ => libc::EINVAL,
    }
}

/// Replies with which a server refuses an option (NBD protocol, option reply
/// types): all have bit 31 set.
pub mod refusal {
    /// Unknown option.
    pub const UNSUP: u32 = 0x8000_0001;
    /// Forbidden by configuration.
    pub const POLICY: u32 = 0x8000_0002;
    /// Malformed or out of place.
    pub const INVALID: u32 = 0x8000_0003;
    /// Not available in this server.
    pub const PLATFORM: u32 = 0x8000_0004;
    /// TLS must come first.
    pub const TLS_REQD: u32 = 0x8000_0005;
    /// No such export.
    pub const UNKNOWN: u32 = 0x8000_0006;
    /// The server is shutting down.
    pub const SHUTDOWN: u32 = 0x8000_0007;
    /// Block sizes must be requested.
    pub const BLOCK_SIZE_REQD: u32 = 0x8000_0008;
    /// Too large to handle.
    pub const TOO_BIG: u32 = 0x8000_0009;
    /// Extended headers must come first.
    pub const EXT_HEADER_REQD: u32 = 0x8000_000a;
}

/// The errno for a refused option, or zero if no errno describes it, and the
/// meaning of the refusal.
pub fn errno_of_refusal(reply: u32) -> (i32, &'static str) {
    match reply {
        refusal::UNSUP => (libc::ENOTSUP, "the server does not know this option"),
        refusal::POLICY => (0, "the server's policy forbids it"),
        refusal::INVALID => (libc::EINVAL, "the server finds the request invalid"),
        refusal::PLATFORM => (0, "the server's platform does not support it"),
        refusal::TLS_REQD => (libc::ENOTSUP, "the server requires TLS"),
        refusal::UNKNOWN => (libc::ENOENT, "the server has no such export"),
        refusal::SHUTDOWN => (libc::ESHUTDOWN, "the server is shutting down"),
        refusal::BLOCK_SIZE_REQD => (
            libc::EINVAL,
            "the server requires that block sizes be requested",
        ),
        refusal::TOO_BIG => (libc::EINVAL, "the server finds the request too big"),
        refusal::EXT_HEADER_REQD => (0, "the server requires extended headers"),
        _ => (0, "the server refused for a reason unknown to this client"),
    }
}

/// What the protocol calls a reply to an option.
pub fn name_of_reply(reply: u32) -> Option<&'static str> {
    Some(match reply {
        answer::ACK => "NBD_REP_ACK",
        answer::SERVER => "NBD_REP_SERVER",
        answer::INFO => "NBD_REP_INFO",
        answer::META_CONTEXT => "NBD_REP_META_CONTEXT",
        refusal::UNSUP => "NBD_REP_ERR_UNSUP",
        refusal::POLICY => "NBD_REP_ERR_POLICY",
        refusal::INVALID => "NBD_REP_ERR_INVALID",
        refusal::PLATFORM => "NBD_REP_ERR_PLATFORM",
        refusal::TLS_REQD => "NBD_REP_ERR_TLS_REQD",
        refusal::UNKNOWN => "NBD_REP_ERR_UNKNOWN",
        refusal::SHUTDOWN => "NBD_REP_ERR_SHUTDOWN",
        refusal::BLOCK_SIZE_REQD => "NBD_REP_ERR_BLOCK_SIZE_REQD",
        refusal::TOO_BIG => "NBD_REP_ERR_TOO_BIG",
        refusal::EXT_HEADER_REQD => "NBD_REP_ERR_EXT_HEADER_REQD",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_errors_keep_their_meaning_and_others_become_einval() {
        assert_eq!(errno_of_reply(0), 0);
        assert_eq!(errno_of_reply(28), libc::ENOSPC);
        assert_eq!(errno_of_reply(108), libc::ESHUTDOWN);
        assert_eq!(errno_of_reply(13), libc::EINVAL);
        assert_eq!(errno_of_reply(u32::MAX), libc::EINVAL);
    }

    #[test]
    fn every_refusal_has_bit_31() {
        assert_eq!(errno_of_refusal(0x8000_0006).0, libc::ENOENT);
        assert_eq!(errno_of_refusal(0xffff_ffff).0, 0);
    }
}
