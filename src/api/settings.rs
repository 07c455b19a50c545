//! What the caller wants of the handle.

use crate::error::Result;
use crate::handle::{Handle, entry};

use super::{c_string, forward, getters, known_flags, text};

forward! {
    /// Ask for the export's name and description (see `nbd_set_full_info`).
    set_full_info(wanted: bool) -> () = SET_FULL_INFO, set_full_info;
    /// Ask for block sizes, on by default (see `nbd_set_request_block_size`).
    set_request_block_size(wanted: bool) -> () = SET_REQUEST_BLOCK_SIZE, set_request_block_size;
    /// Ask for structured replies, on by default (see
    /// `nbd_set_request_structured_replies`).
    set_request_structured_replies(wanted: bool) -> () =
        SET_REQUEST_STRUCTURED_REPLIES, set_request_structured_replies;
    /// Ask for extended headers, on by default (see
    /// `nbd_set_request_extended_headers`).
    set_request_extended_headers(wanted: bool) -> () =
        SET_REQUEST_EXTENDED_HEADERS, set_request_extended_headers;
    /// Ask for the meta contexts of the handle before the export is opened, on
    /// by default (see `nbd_set_request_meta_context`).
    set_request_meta_context(wanted: bool) -> () =
        SET_REQUEST_META_CONTEXT, set_request_meta_context;
    /// Forget the meta contexts to ask for (see `nbd_clear_meta_contexts`).
    clear_meta_contexts() -> () = CLEAR_META_CONTEXTS, clear_meta_contexts;
    /// Stop before the export is chosen (see `nbd_set_opt_mode`).
    set_opt_mode(enable: bool) -> () = SET_OPT_MODE, set_opt_mode;
}

getters! {
    /// See [`Handle::set_full_info`].
    get_full_info() -> bool = full_info;
    /// See [`Handle::set_request_block_size`].
    get_request_block_size() -> bool = request_block_size;
    /// See [`Handle::set_request_structured_replies`].
    get_request_structured_replies() -> bool = request_structured_replies;
    /// See [`Handle::set_request_extended_headers`].
    get_request_extended_headers() -> bool = request_extended_headers;
    /// See [`Handle::set_request_meta_context`].
    get_request_meta_context() -> bool = request_meta_context;
    /// See [`Handle::set_opt_mode`].
    get_opt_mode() -> bool = opt_mode;
    /// See [`Handle::set_strict_mode`].
    get_strict_mode() -> u32 = strict_mode;
    /// Before connecting the flags wanted, afterwards those agreed (see
    /// `nbd_get_handshake_flags`).
    get_handshake_flags() -> u32 = handshake_flags;
}

impl Handle {
    /// The export to open; the default is the server's default export (see
    /// `nbd_set_export_name`).
    pub fn set_export_name(&self, name: &str) -> Result<()> {
        let name = c_string(name)?;
        self.call(&entry::SET_EXPORT_NAME, |client| {
            client.set_export_name(&name)
        })
    }

    /// See [`Handle::set_export_name`].
    pub fn get_export_name(&self) -> String {
        text(&self.lock().get_export_name())
    }

    /// The name of the handle in debug messages (see `nbd_set_handle_name`).
    pub fn set_handle_name(&self, name: &str) -> Result<()> {
        self.debug().set_handle_name(c_string(name)?);
        Ok(())
    }

    /// See [`Handle::set_handle_name`].
    pub fn get_handle_name(&self) -> String {
        text(&self.debug().handle_name())
    }

    /// Write debug messages to standard error (see `nbd_set_debug`).
    pub fn set_debug(&self, debug: bool) {
        self.debug().set_enabled(debug);
    }

    /// One more meta context to ask for (see `nbd_add_meta_context`).
    pub fn add_meta_context(&self, name: &str) -> Result<()> {
        let name = c_string(name)?;
        self.call(&entry::ADD_META_CONTEXT, |client| {
            client.add_meta_context(&name)
        })
    }

    /// Which requests to refuse before they are sent (see
    /// `nbd_set_strict_mode`).
    pub fn set_strict_mode(&self, flags: u32) -> Result<()> {
        let flags = known_flags(flags, entry::SET_STRICT_MODE.flags)?;
        self.call(&entry::SET_STRICT_MODE, |client| {
            client.set_strict_mode(flags)
        })
    }

    /// The handshake flags to agree to (see `nbd_set_handshake_flags`).
    pub fn set_handshake_flags(&self, flags: u32) -> Result<()> {
        let flags = known_flags(flags, entry::SET_HANDSHAKE_FLAGS.flags)?;
        self.call(&entry::SET_HANDSHAKE_FLAGS, |client| {
            client.set_handshake_flags(flags)
        })
    }
}
