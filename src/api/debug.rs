//! Debug messages, which report what the library does, for troubleshooting.

use super::callbacks::DebugCallback;
use super::{functions, unlocked};

functions! {
    /// Enables or disables debug messages.
    ///
    /// They are written to standard error, one line each with the name of the
    /// handle, or passed to the callback of
    /// [`Handle::set_debug_callback`](Self::set_debug_callback).  By default
    /// they are disabled, unless `LIBNBD_DEBUG=1` is in the environment.
    set_debug(debug: bool), |client| {
        client.debug.set_enabled(debug);
        Ok(())
    };
    /// Delivers debug messages to a callback instead of standard error.
    ///
    /// The callback runs while the handle is locked, in any thread that uses
    /// the handle.  Calls that it makes on this handle fail with `EDEADLK`.
    ///
    /// A callback that was set earlier is freed before this method returns,
    /// unless another thread is delivering a message to it; then that thread
    /// frees it afterwards.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// let handle = libnbd::Handle::new();
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let lines = Arc::clone(&log);
    /// handle.set_debug_callback(libnbd::DebugCallback::new(move |function, message| {
    ///     lines.lock().unwrap().push((function.to_owned(), message.to_owned()));
    /// }))?;
    /// handle.set_debug(true)?;
    /// handle.set_export_name("disk")?;
    /// let line = log.lock().unwrap()[1].clone();
    /// assert_eq!(line.0.as_c_str(), c"nbd_set_export_name");
    /// assert_eq!(line.1.as_c_str(), c"enter: export_name=\"disk\"");
    /// # Ok::<(), libnbd::Error>(())
    /// ```
    set_debug_callback(
        debug_callback: DebugCallback<'static>
    ), |client| {
        client.debug.set_callback(Some(debug_callback));
        Ok(())
    };
    /// Frees the debug callback; messages are written to standard error again.
    /// It is not an error if no callback is set.
    clear_debug_callback(), |client| {
        client.debug.set_callback(None);
        Ok(())
    };
}

unlocked! {
    /// Returns whether debug messages are enabled.
    get_debug() -> bool, |handle| handle.debug().enabled();
}
