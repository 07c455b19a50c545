//! Commands that go on while the program does something else.
//!
//! A command owns its buffer and hands it to the closure that is called when
//! it has ended, so no buffer can vanish under a command.

use std::ptr::NonNull;

use crate::callback::Completion;
use crate::error::{Error, Result};
use crate::handle::{Handle, entry};
use crate::memory::{Lent, LentMut};

use super::forward;

forward! {
    /// Waits for the server, at most `timeout` milliseconds or, if it is
    /// negative, for ever; runs the closures of commands that end.  1 if there
    /// was progress, 0 if the time was up (see `nbd_poll`).
    poll(timeout: i32) -> i32 = POLL, poll;
    /// The socket, for a main loop (see `nbd_aio_get_fd`).
    aio_get_fd() -> i32 = AIO_GET_FD, aio_get_fd;
    /// Tells that the socket is readable (see `nbd_aio_notify_read`).
    aio_notify_read() -> () = AIO_NOTIFY_READ, aio_notify_read;
    /// Tells that the socket is writable (see `nbd_aio_notify_write`).
    aio_notify_write() -> () = AIO_NOTIFY_WRITE, aio_notify_write;
    /// How many commands have not ended (see `nbd_aio_in_flight`).
    aio_in_flight() -> i32 = AIO_IN_FLIGHT, aio_in_flight;
}

impl Handle {
    /// Starts to read `buffer.len()` bytes from `offset` on, and calls `done`
    /// with the buffer when the read has ended (see `nbd_aio_pread`).  If the
    /// read cannot even be started, `done` is not called.
    ///
    /// `done` runs inside a call on the handle, so it must not call the
    /// handle itself.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = nbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// use std::sync::mpsc;
    /// let (sender, results) = mpsc::channel();
    /// for block in 0..64 {
    ///     let sender = sender.clone();
    ///     handle.aio_pread(vec![0xff; 4096], block * 4096, 0, move |result| {
    ///         sender.send(result).ok();
    ///     })?;
    /// }
    /// while handle.aio_in_flight()? > 0 {
    ///     handle.poll(-1)?;
    /// }
    /// drop(sender);
    /// for result in results {
    ///     assert_eq!(result?, vec![0; 4096]);
    /// }
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    pub fn aio_pread(
        &self,
        mut buffer: Vec<u8>,
        offset: u64,
        flags: u32,
        done: impl FnOnce(Result<Vec<u8>>) + Send + 'static,
    ) -> Result<()> {
        let start = NonNull::from(buffer.as_mut_slice()).cast();
        // SAFETY: the buffer moves into the closure, which its heap memory does
        // not notice; the closure is called or freed when the command has ended.
        let memory = unsafe { LentMut::new(start, buffer.len()) };
        let completion = returning(buffer, done);
        self.call(&entry::AIO_PREAD, |client| {
            let flags = client.command_flags(&entry::AIO_PREAD, flags)?;
            let buffer = client.read_buffer(memory);
            client
                .aio_pread(buffer, offset, completion, flags)
                .map(drop)
        })
    }

    /// Starts to write `data` at `offset`, and calls `done` with the buffer
    /// when the write has ended (see `nbd_aio_pwrite` and
    /// [`Handle::aio_pread`]).
    pub fn aio_pwrite(
        &self,
        data: Vec<u8>,
        offset: u64,
        flags: u32,
        done: impl FnOnce(Result<Vec<u8>>) + Send + 'static,
    ) -> Result<()> {
        let start = NonNull::from(data.as_slice()).cast();
        // SAFETY: as for reading.
        let memory = unsafe { Lent::new(start, data.len()) };
        let completion = returning(data, done);
        self.call(&entry::AIO_PWRITE, |client| {
            let flags = client.command_flags(&entry::AIO_PWRITE, flags)?;
            client
                .aio_pwrite(memory, offset, completion, flags)
                .map(drop)
        })
    }

    /// Starts to make completed writes permanent (see `nbd_aio_flush`).
    pub fn aio_flush(
        &self,
        flags: u32,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<()> {
        let completion = Completion::from_fn(move |errno| done(outcome(errno)));
        self.call(&entry::AIO_FLUSH, |client| {
            let flags = client.command_flags(&entry::AIO_FLUSH, flags)?;
            client.aio_flush(completion, flags).map(drop)
        })
    }

    /// Starts to write zeroes (see `nbd_aio_zero`).
    pub fn aio_zero(
        &self,
        count: u64,
        offset: u64,
        flags: u32,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<()> {
        let completion = Completion::from_fn(move |errno| done(outcome(errno)));
        self.call(&entry::AIO_ZERO, |client| {
            let flags = client.command_flags(&entry::AIO_ZERO, flags)?;
            client.aio_zero(count, offset, completion, flags).map(drop)
        })
    }
}

/// A completion that owns the command's buffer and gives it back.
fn returning(buffer: Vec<u8>, done: impl FnOnce(Result<Vec<u8>>) + Send + 'static) -> Completion {
    Completion::from_fn(move |errno| done(outcome(errno).map(|()| buffer)))
}

fn outcome(errno: i32) -> Result<()> {
    match errno {
        0 => Ok(()),
        errno => Err(Error::new(errno, "the command failed")),
    }
}
