//! Settings of the handshake: what it requests from the server.  They are made
//! before connecting; some can be changed in option mode.

use super::constants::HANDSHAKE_FLAG_MASK;
use super::{functions, unlocked};

functions! {
    /// Sets whether to request the export's canonical name and description.  By
    /// default they are not requested.
    set_full_info(request: bool), |client| {
        client.settings.handshake.full_info = request;
        Ok(())
    };
    /// Sets whether to request block sizes.  By default they are requested.
    set_request_block_size(request: bool), |client| {
        client.settings.handshake.block_size = request;
        Ok(())
    };
    /// Sets whether to request structured replies.  By default they are
    /// requested.
    set_request_structured_replies(request: bool), |client| {
        client.settings.handshake.structured_replies = request;
        Ok(())
    };
    /// Sets whether to request extended headers.  By default they are
    /// requested.
    set_request_extended_headers(request: bool), |client| {
        client.settings.handshake.extended_headers = request;
        Ok(())
    };
    /// Sets whether to request the meta contexts of the handle when the export
    /// is opened.  By default they are requested.
    set_request_meta_context(request: bool), |client| {
        client.settings.handshake.meta_context = request;
        Ok(())
    };
    /// Sets the handshake flags to accept, by default
    /// [`HANDSHAKE_FLAG_MASK`](crate::HANDSHAKE_FLAG_MASK).
    set_handshake_flags(; flags: mask), |client| {
        client.settings.handshake.handshake_flags = (flags & HANDSHAKE_FLAG_MASK) as u16;
        Ok(())
    };
    /// Sets whether connecting stops before the export is opened, so that the
    /// caller can send options.  By default it does not.
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
    /// Returns the flags to accept before connecting, and the negotiated flags
    /// afterwards.
    get_handshake_flags() -> u32, |handle| handle.snapshot().handshake_flags();
    /// See [`Handle::set_opt_mode`](Self::set_opt_mode).
    get_opt_mode() -> bool, |handle| handle.snapshot().opt_mode();
}
