//! Driving a handle: waiting for the socket, moving on, collecting what has
//! completed.
//!
//! A program with a main loop of its own polls the descriptor of `aio_get_fd`
//! for what `aio_get_direction` says, and calls `aio_notify_read` or
//! `aio_notify_write` accordingly.  `poll` does one such round.

use super::{functions, unlocked};

functions! {
    /// Waits for the socket, at most `timeout` milliseconds or, if it is
    /// negative, for ever; callbacks of commands that end run meanwhile.
    /// Whether there was progress before the time was up.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOTCONN`, or what the server or the
    /// system says; see `nbd_poll`.
    poll(timeout: i32) -> bool = POLL, |client| client.poll(timeout).map(|count| count > 0);
    /// As [`Handle::poll`](Self::poll), and stops waiting when the descriptor
    /// `fd` becomes readable; a negative one is ignored.
    ///
    /// States: any.  Errors: `EINVAL`, `ENOTCONN`, or what the server or the
    /// system says; see `nbd_poll2`.
    poll2(fd: i32, timeout: i32) -> bool = POLL2,
        |client| client.poll2(fd, timeout).map(|count| count > 0);
    /// The socket, for a main loop.  It stays the handle's.
    ///
    /// States: any.  Errors: `EINVAL`; see `nbd_aio_get_fd`.
    aio_get_fd() -> i32 = AIO_GET_FD, |client| client.aio_get_fd();
    /// Tells that the socket is readable.
    ///
    /// States: any.  Errors: `EINVAL`, or what the server or the system says;
    /// see `nbd_aio_notify_read`.
    aio_notify_read() -> () = AIO_NOTIFY_READ, |client| client.aio_notify_read();
    /// Tells that the socket is writable.
    ///
    /// States: any.  Errors: `EINVAL`, or what the server or the system says;
    /// see `nbd_aio_notify_write`.
    aio_notify_write() -> () = AIO_NOTIFY_WRITE, |client| client.aio_notify_write();
    /// How many commands have not ended.
    ///
    /// States: connected, closed and dead.  Errors: `ENOTCONN`, `EINVAL`; see
    /// `nbd_aio_in_flight`.
    aio_in_flight() -> i32 = AIO_IN_FLIGHT, |client| client.aio_in_flight();
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
    aio_command_completed(cookie: u64) -> bool = AIO_COMMAND_COMPLETED,
        |client| client.aio_command_completed(cookie);
    /// The cookie of the command that has waited longest to be retired; `None`
    /// if all that there are have not ended yet.
    ///
    /// States: any.  Errors: `EINVAL`; see `nbd_aio_peek_command_completed`.
    aio_peek_command_completed() -> Option<u64> = AIO_PEEK_COMMAND_COMPLETED,
        |client| client.aio_peek_command_completed();
}

unlocked! {
    /// What the socket has to be polled for:
    /// [`AIO_DIRECTION_READ`](crate::AIO_DIRECTION_READ),
    /// [`AIO_DIRECTION_WRITE`](crate::AIO_DIRECTION_WRITE), both or nothing.
    aio_get_direction() -> u32 = AIO_GET_DIRECTION, |handle| handle.direction();
}
