//! Debug messages: what the library does, for finding faults.

use super::callbacks::DebugCallback;
use super::{functions, unlocked};

functions! {
    /// Switches debug messages on or off.
    ///
    /// They go to standard error, one line each with the name of the handle,
    /// or to the callback of [`Handle::set_debug_callback`](Self::set_debug_callback).
    /// They are off at first, unless `LIBNBD_DEBUG=1` is in the environment.
    ///
    /// States: any.
    set_debug(debug: bool), |client| {
        client.debug.set_enabled(debug);
        Ok(())
    };
    /// Has debug messages delivered to a callback, in place of standard error.
    ///
    /// It runs while the handle is locked, in any thread that uses the handle:
    /// there calls on this handle fail with `EDEADLK`.
    ///
    /// A callback set before is freed before this returns; if another thread
    /// is just delivering a message to it, that thread frees it afterwards.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// let handle = nbd::Handle::new();
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let lines = Arc::clone(&log);
    /// handle.set_debug_callback(nbd::DebugCallback::new(move |function, message| {
    ///     lines.lock().unwrap().push((function.to_owned(), message.to_owned()));
    /// }))?;
    /// handle.set_debug(true)?;
    /// handle.set_export_name("disk")?;
    /// let line = log.lock().unwrap()[1].clone();
    /// assert_eq!(line.0.as_c_str(), c"nbd_set_export_name");
    /// assert_eq!(line.1.as_c_str(), c"enter: export_name=\"disk\"");
    /// # Ok::<(), nbd::Error>(())
    /// ```
    ///
    /// States: any.
    set_debug_callback(
        debug_callback: DebugCallback<'static>
    ), |client| {
        client.debug.set_callback(Some(debug_callback));
        Ok(())
    };
    /// Frees the debug callback; messages go to standard error again.  It is no
    /// error if there is none.
    ///
    /// States: any.
    clear_debug_callback(), |client| {
        client.debug.set_callback(None);
        Ok(())
    };
}

unlocked! {
    /// Whether debug messages are on.
    get_debug() -> bool, |handle| handle.debug().enabled();
}
