//! Driving a handle: waiting for the socket, making progress, collecting
//! completed commands.
//!
//! A program with its own main loop polls the descriptor that `aio_get_fd`
//! returns for the events that `aio_get_direction` returns, and calls
//! `aio_notify_read` or `aio_notify_write` accordingly.  `poll` does one
//! iteration of such a loop.

use super::{functions, unlocked};
use crate::client::result_of;
use crate::error::Error;

functions! {
    /// Waits for the socket, for at most `timeout` milliseconds or, if that is
    /// negative, without limit.  Callbacks of commands that complete run
    /// meanwhile.  Returns whether there was progress before the timeout.
    poll(timeout: i32) -> bool, |client| client.poll(timeout).map(|count| count > 0);
    /// Like [`Handle::poll`](Self::poll), but also stops waiting when the
    /// descriptor `fd` becomes readable.  A negative descriptor is ignored.
    poll2(fd: i32, timeout: i32) -> bool, |client| client.poll2(fd, timeout).map(|count| count > 0);
    /// Returns the socket, for use in a main loop.  The handle keeps ownership.
    aio_get_fd() -> i32, |client| client.aio_get_fd();
    /// Notifies the handle that the socket is readable.
    aio_notify_read(), |client| client.aio_notify_read();
    /// Notifies the handle that the socket is writable.
    aio_notify_write(), |client| client.aio_notify_write();
    /// Returns how many commands are in flight.
    aio_in_flight() -> i32, |client| {
        Ok(i32::try_from(client.transmission.in_flight()).unwrap_or(i32::MAX))
    };
    /// Returns whether the command with this cookie has succeeded, and retires
    /// the command if it has completed.  Fails with the errno of the command if
    /// the command failed.  Returns `false` for a command that has not
    /// completed or does not exist.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = libnbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// let cookie = handle.aio_flush(libnbd::CompletionCallback::none(), 0)?;
    /// while !handle.aio_command_completed(cookie)? {
    ///     handle.poll(-1)?;
    /// }
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    aio_command_completed(cookie: u64) -> bool, |client| {
            if cookie == 0 {
                return Err(Error::new(libc::EINVAL, "0 is not a cookie"));
            }
            match client.transmission.take_done(cookie) {
                None => Ok(false),
                Some(done) => result_of(done).map(|()| true),
            }
        };
    /// Returns the cookie of the completed command that has waited longest to
    /// be retired, or `None` if no command has completed yet.
    aio_peek_command_completed() -> Option<u64>, |client| match client.transmission.first_done() {
            None if client.transmission.in_flight() == 0 => {
                Err(Error::new(libc::EINVAL, "there are no commands"))
            }
            cookie => Ok(cookie),
        };
}

unlocked! {
    /// Returns the events to poll the socket for:
    /// [`AIO_DIRECTION_READ`](crate::AIO_DIRECTION_READ),
    /// [`AIO_DIRECTION_WRITE`](crate::AIO_DIRECTION_WRITE), both or nothing.
    aio_get_direction() -> u32, |handle| handle.direction();
}
