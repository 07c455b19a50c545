//! Settings of the handle: its name, a value of the program's own, which export
//! to use, how strictly requests are checked.

use std::ffi::CString;

use super::arguments::ToText;
use super::{functions, unlocked};

functions! {
    /// Names the handle in debug messages.  At first it is called `nbd1`,
    /// `nbd2` and so on.
    ///
    /// States: any.
    set_handle_name(handle_name: impl ToText), |client| {
        client.debug.set_handle_name(handle_name.as_ref().to_owned());
        Ok(())
    };
    /// Chooses the export to open; the default is the server's default export,
    /// whose name is empty.  What is known of another export is forgotten.
    ///
    /// States: created and negotiating.  Errors: `EINVAL`, `ENAMETOOLONG`; see
    /// `nbd_set_export_name`.
    set_export_name(export_name: impl ToText), |client| client.set_export_name(export_name.as_ref());
    /// Whether the part of a read buffer that no data has arrived for is
    /// zeroed, as it is at first: even a read that fails then shows no stale
    /// memory.
    ///
    /// States: any.
    set_pread_initialize(request: bool), |client| {
        client.settings.pread_initialize = request;
        Ok(())
    };
    /// Which requests to refuse before they are sent, by the bits
    /// [`STRICT_COMMANDS`](crate::STRICT_COMMANDS) and so on; at first all.
    ///
    /// States: any.  Errors: `EINVAL`; see `nbd_set_strict_mode`.
    set_strict_mode(; flags: mask), |client| {
        client.settings.strict_mode = flags;
        Ok(())
    };
    /// The export to open, as set.
    get_export_name() -> CString, |client| Ok(client.settings.handshake.export_name.clone());
}

unlocked! {
    /// The name of the handle in debug messages.
    get_handle_name() -> CString, |handle| handle.debug().handle_name();
    /// See [`Handle::set_pread_initialize`](Self::set_pread_initialize).
    get_pread_initialize() -> bool, |handle| handle.snapshot().pread_initialize();
    /// See [`Handle::set_strict_mode`](Self::set_strict_mode).
    get_strict_mode() -> u32, |handle| handle.snapshot().strict_mode();
}

unlocked! {
    /// Keeps a number of the program's own in the handle, and answers with the
    /// one before, at first 0.
    set_private_data(private_data: usize) -> usize, |handle| handle.replace_private_data(private_data);
    /// The number that the program keeps in the handle.
    get_private_data() -> usize, |handle| handle.private_data();
}
