//! Cancelling whatever waits on a handle.

use crate::client::Handle;

impl Handle {
    /// Cancels the call that waits on the handle, or else the next one that
    /// would wait: it fails with `ECANCELED`, and the connection is dead.  This
    /// never waits, not even for the lock, and can be called by any thread.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// let handle = libnbd::Handle::new();
    /// handle.connect_socket(socket)?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| handle.cancel());
    ///     // Without an end, because nothing is in flight.
    ///     let error = handle.poll(-1).unwrap_err();
    ///     assert_eq!(error.errno(), libc::ECANCELED);
    /// });
    /// assert!(handle.aio_is_dead());
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self) {
        self.cancellation().request();
    }
}
