//! Time limits, and giving up a command.

use std::time::Duration;

use crate::api::arguments::ToTime;
use crate::api::functions;
use crate::client::Limited;
use crate::error::{Error, Result};
use crate::transmission::Reach;

functions! {
    /// A time limit: [`TIMEOUT_CONNECT`](crate::TIMEOUT_CONNECT),
    /// [`TIMEOUT_CALL`](crate::TIMEOUT_CALL) or
    /// [`TIMEOUT_SILENCE`](crate::TIMEOUT_SILENCE).  `None` removes it, which is
    /// the default; a duration of zero is an error.  What takes longer fails
    /// with `ETIMEDOUT`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// use std::time::Duration;
    ///
    /// let handle = libnbd::Handle::new();
    /// handle.set_timeout(libnbd::TIMEOUT_CONNECT, Some(Duration::from_secs(5)))?;
    /// handle.connect_socket(socket)?;
    /// handle.set_timeout(libnbd::TIMEOUT_CALL, Some(Duration::from_secs(1)))?;
    /// handle.flush(0)?;
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    set_timeout(which: i32, milliseconds: impl ToTime), |client| {
        client.set_limit(limited(which)?, milliseconds);
        Ok(())
    };
    /// See [`Handle::set_timeout`](Self::set_timeout).
    get_timeout(which: i32) -> Option<Duration>, |client| Ok(client.limit(limited(which)?));
    /// For a program with a main loop of its own: how long until
    /// [`Handle::aio_notify_timeout`](Self::aio_notify_timeout) has something to
    /// do.  `None` if no limit applies to what is in progress.
    aio_get_timeout() -> Option<Duration>, |client| Ok(client.time_left());
    /// Applies the limits that have passed.  If this ends the connection, the
    /// result is the error that every command ends with.
    aio_notify_timeout(), |client| client.on_time(Reach::Everything).map(drop);
    /// Ends a command with `ECANCELED` without waiting for the server.  The
    /// command no longer uses its buffer when this returns.
    aio_cancel_command(cookie: u64), |client| client.cancel_command(cookie);
}

fn limited(which: i32) -> Result<Limited> {
    Limited::from_number(which).ok_or_else(|| {
        let wrong = format!("which: {which} is not one of the NBDX_TIMEOUT_... values");
        Error::new(libc::EINVAL, wrong)
    })
}
