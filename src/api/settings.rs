//! Settings of the handle: its name, a value for the program's own use, which
//! export to use, how strictly requests are checked.

use std::ffi::CString;

use super::arguments::ToText;
use super::{functions, unlocked};

functions! {
    /// Sets the name of the handle, as shown in debug messages.  By default it
    /// is `nbd1`, `nbd2` and so on.
    set_handle_name(handle_name: impl ToText), |client| {
        client.debug.set_handle_name(handle_name.as_ref().to_owned());
        Ok(())
    };
    /// Chooses the export to open; the default is the server's default export,
    /// whose name is empty.  Information about another export is discarded.
    set_export_name(export_name: impl ToText), |client| client.set_export_name(export_name.as_ref());
    /// Sets whether the parts of a read buffer for which no data arrives are
    /// zeroed.  By default they are, so that even a failed read exposes no
    /// stale memory.
    set_pread_initialize(request: bool), |client| {
        client.settings.pread_initialize = request;
        Ok(())
    };
    /// Sets which requests to reject before they are sent, with the bits
    /// [`STRICT_COMMANDS`](crate::STRICT_COMMANDS) and so on.  By default all
    /// bits are set.
    set_strict_mode(; flags: mask), |client| {
        client.settings.strict_mode = flags;
        Ok(())
    };
    /// Returns the name of the export to open, as set.
    get_export_name() -> CString, |client| Ok(client.settings.handshake.export_name.clone());
}

unlocked! {
    /// Returns the name of the handle, as shown in debug messages.
    get_handle_name() -> CString, |handle| handle.debug().handle_name();
    /// See [`Handle::set_pread_initialize`](Self::set_pread_initialize).
    get_pread_initialize() -> bool, |handle| handle.snapshot().pread_initialize();
    /// See [`Handle::set_strict_mode`](Self::set_strict_mode).
    get_strict_mode() -> u32, |handle| handle.snapshot().strict_mode();
}

unlocked! {
    /// Stores a number for the program's own use in the handle, and returns the
    /// previous one, by default 0.
    set_private_data(private_data: usize) -> usize, |handle| handle.replace_private_data(private_data);
    /// Returns the number that the program has stored in the handle.
    get_private_data() -> usize, |handle| handle.private_data();
}
