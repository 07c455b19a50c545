//! What the handshake asks the server for.  All of this is set before
//! connecting; some of it can be changed in option mode.

use super::constants::HANDSHAKE_FLAG_MASK;
use super::{functions, unlocked};

functions! {
    /// Asks for the export's canonical name and description, or not, as at
    /// first.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`; see
    /// `nbd_set_full_info`.
    set_full_info(request: bool), |client| {
        client.settings.handshake.full_info = request;
        Ok(())
    };
    /// Asks for block sizes, as at first, or not.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`; see
    /// `nbd_set_request_block_size`.
    set_request_block_size(request: bool), |client| {
        client.settings.handshake.block_size = request;
        Ok(())
    };
    /// Asks for structured replies, as at first, or not.
    ///
    /// States: created.  Errors: `EINVAL`; see
    /// `nbd_set_request_structured_replies`.
    set_request_structured_replies(request: bool), |client| {
        client.settings.handshake.structured_replies = request;
        Ok(())
    };
    /// Asks for extended headers, as at first, or not.
    ///
    /// States: created.  Errors: `EINVAL`; see
    /// `nbd_set_request_extended_headers`.
    set_request_extended_headers(request: bool), |client| {
        client.settings.handshake.extended_headers = request;
        Ok(())
    };
    /// Asks for the meta contexts of the handle when the export is opened, as
    /// at first, or not.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`; see
    /// `nbd_set_request_meta_context`.
    set_request_meta_context(request: bool), |client| {
        client.settings.handshake.meta_context = request;
        Ok(())
    };
    /// The handshake flags to agree to, at first
    /// [`HANDSHAKE_FLAG_MASK`](crate::HANDSHAKE_FLAG_MASK).
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_handshake_flags`.
    set_handshake_flags(; flags: mask), |client| {
        client.settings.handshake.handshake_flags = (flags & HANDSHAKE_FLAG_MASK) as u16;
        Ok(())
    };
    /// Whether connecting stops before the export is opened, so that the caller
    /// can send options of its own; not at first.
    ///
    /// States: created.  Errors: `EINVAL`; see `nbd_set_opt_mode`.
    set_opt_mode(enable: bool), |client| {
        client.settings.handshake.opt_mode = enable;
        Ok(())
    };
    /// See [`Handle::set_full_info`](Self::set_full_info).
    get_full_info() -> bool, |client| Ok(client.settings.handshake.full_info);
    /// See [`Handle::set_request_block_size`](Self::set_request_block_size).
    get_request_block_size() -> bool, |client| Ok(client.settings.handshake.block_size);
    /// See [`Handle::set_request_meta_context`](Self::set_request_meta_context).
    get_request_meta_context() -> bool, |client| Ok(client.settings.handshake.meta_context);
}

unlocked! {
    /// See [`Handle::set_request_structured_replies`](Self::set_request_structured_replies).
    get_request_structured_replies() -> bool, |handle| handle.snapshot().request_structured_replies();
    /// See [`Handle::set_request_extended_headers`](Self::set_request_extended_headers).
    get_request_extended_headers() -> bool, |handle| handle.snapshot().request_extended_headers();
    /// Before connecting the flags wanted, afterwards those agreed.
    get_handshake_flags() -> u32, |handle| handle.snapshot().handshake_flags();
    /// See [`Handle::set_opt_mode`](Self::set_opt_mode).
    get_opt_mode() -> bool, |handle| handle.snapshot().opt_mode();
}
