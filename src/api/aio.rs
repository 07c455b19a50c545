//! Driving a handle: waiting for the socket, moving on, collecting what has
//! completed.
//!
//! A program with a main loop of its own polls the descriptor of `aio_get_fd`
//! for what `aio_get_direction` says, and calls `aio_notify_read` or
//! `aio_notify_write` accordingly.  `poll` does one such round.

use super::{functions, unlocked};
use crate::client::command_failed;
use crate::error::Error;

functions! {
    /// Waits for the socket, at most `timeout` milliseconds or, if it is
    /// negative, for ever; callbacks of commands that end run meanwhile.
    /// Whether there was progress before the time was up.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOTCONN`, or what the server or the
    /// system says; see `nbd_poll`.
    poll(timeout: i32) -> bool, |client| client.poll(timeout).map(|count| count > 0);
    /// As [`Handle::poll`](Self::poll), and stops waiting when the descriptor
    /// `fd` becomes readable; a negative one is ignored.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOTCONN`, or what the server or the
    /// system says; see `nbd_poll2`.
    poll2(fd: i32, timeout: i32) -> bool, |client| client.poll2(fd, timeout).map(|count| count > 0);
    /// The socket, for a main loop.  It stays the handle's.
    ///
    /// States: any.  Errors: `EINVAL`; see `nbd_aio_get_fd`.
    aio_get_fd() -> i32, |client| client.aio_get_fd();
    /// Tells that the socket is readable.
    ///
    /// States: any.  Errors: `EINVAL`, or what the server or the system says;
    /// see `nbd_aio_notify_read`.
    aio_notify_read(), |client| client.aio_notify_read();
    /// Tells that the socket is writable.
    ///
    /// States: any.  Errors: `EINVAL`, or what the server or the system says;
    /// see `nbd_aio_notify_write`.
    aio_notify_write(), |client| client.aio_notify_write();
    /// How many commands have not ended.
    ///
    /// States: connected, closed and dead.  Errors: `ENOTCONN`, `EINVAL`; see
    /// `nbd_aio_in_flight`.
    aio_in_flight() -> i32, |client| {
        Ok(i32::try_from(client.transmission.in_flight()).unwrap_or(i32::MAX))
    };
    /// Whether a command has succeeded, by its cookie; retires it if it has
    /// ended.  Fails with the errno of the command if that failed, and answers
    /// `false` for a command that has not ended or does not exist.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = nbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// let cookie = handle.aio_flush(nbd::CompletionCallback::none(), 0)?;
    /// while !handle.aio_command_completed(cookie)? {
    ///     handle.poll(-1)?;
    /// }
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: any.  Errors: `EINVAL`, `EPROTO`, `ENOTCONN`, or what the server
    /// or the system says; see `nbd_aio_command_completed`.
    aio_command_completed(cookie: u64) -> bool, |client| {
            if cookie == 0 {
                return Err(Error::new(libc::EINVAL, "0 is not a cookie"));
            }
            match client.transmission.take_done(cookie) {
                None => Ok(false),
                Some((0, _)) => Ok(true),
                Some((errno, command)) => Err(command_failed(errno, command)),
            }
        };
    /// The cookie of the command that has waited longest to be retired; `None`
    /// if all that there are have not ended yet.
    ///
    /// States: any.  Errors: `EINVAL`; see `nbd_aio_peek_command_completed`.
    aio_peek_command_completed() -> Option<u64>, |client| match client.transmission.first_done() {
            None if client.transmission.in_flight() == 0 => {
                Err(Error::new(libc::EINVAL, "there are no commands"))
            }
            cookie => Ok(cookie),
        };
}

unlocked! {
    /// What the socket has to be polled for:
    /// [`AIO_DIRECTION_READ`](crate::AIO_DIRECTION_READ),
    /// [`AIO_DIRECTION_WRITE`](crate::AIO_DIRECTION_WRITE), both or nothing.
    aio_get_direction() -> u32, |handle| handle.direction();
}
