//! Reading and writing without waiting.
//!
//! Each call queues a command and answers with its cookie, a number above 0
//! that is not used again with this handle.  The program then drives the
//! handle with `poll` or the notify functions.
//!
//! A command owns its buffer.  When it has ended, the completion callback
//! receives the buffer or the error, and the command retires.  A command
//! without a completion callback is retired by `aio_command_completed`, which
//! tells how it ended; its buffer goes with it.

use super::arguments::{Argument, command, missing};
use super::functions;
use crate::callback::{ChunkCallback, CompletionCallback};
use crate::error::Result;
use crate::handle::{Handle, entry};
use crate::memory::loan::{AioReadInto, AioWriteFrom, INSIDE};

impl Handle {
    /// Starts to read from `offset` on until the buffer is full.  `flags` is 0.
    ///
    /// The callback may run before this returns, if the server is quick: it must
    /// not take a lock that the caller holds.  If the read cannot even be
    /// started, the callback does not run.
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
    ///     let completion = nbd::CompletionCallback::new(move |result| {
    ///         sender.send(result).ok();
    ///     });
    ///     handle.aio_pread(vec![0xff; 4096], block * 4096, completion, 0)?;
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
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`;
    /// see `nbd_aio_pread`.
    pub fn aio_pread<B: AioReadInto>(
        &self,
        buf: B,
        offset: u64,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let entry = &entry::AIO_PREAD;
        let nobody = completion_callback.is_null();
        let (target, completion) = buf.lend(completion_callback, INSIDE);
        self.call_reading(
            entry,
            target,
            completion,
            |_, line| {
                line.value("offset", offset);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |client, _| command(client, entry, "flags", flags),
            |client, buf, completion, flags| client.aio_pread(buf, offset, completion, flags),
        )
    }

    /// As [`Handle::aio_pread`], and tells of each part as the server sends it.
    /// `flags` is 0 or [`CMD_FLAG_DF`](crate::CMD_FLAG_DF).
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`;
    /// see `nbd_aio_pread_structured`.
    pub fn aio_pread_structured<B: AioReadInto>(
        &self,
        buf: B,
        offset: u64,
        chunk_callback: ChunkCallback<'static>,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let entry = &entry::AIO_PREAD_STRUCTURED;
        let nobody = completion_callback.is_null();
        let (target, completion) = buf.lend(completion_callback, INSIDE);
        self.call_reading(
            entry,
            target,
            (chunk_callback, completion),
            |(chunk, _), line| {
                line.value("offset", offset);
                chunk.show("chunk_callback", line);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |client, (chunk, _)| {
                chunk.check("chunk_callback")?;
                command(client, entry, "flags", flags)
            },
            |client, buf, (chunk, completion), flags| {
                client.aio_pread_structured(buf, offset, chunk.value(), completion, flags)
            },
        )
    }

    /// Starts to write the data at `offset`.  `flags` is 0 or
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    ///
    /// The callback may run before this returns, if the server is quick: it must
    /// not take a lock that the caller holds.  If the write cannot even be
    /// started, the callback does not run.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`; see `nbd_aio_pwrite`.
    pub fn aio_pwrite<B: AioWriteFrom>(
        &self,
        buf: B,
        offset: u64,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let entry = &entry::AIO_PWRITE;
        let nobody = completion_callback.is_null();
        self.call(
            entry,
            buf.lend(completion_callback, INSIDE),
            |(buf, _), line| {
                buf.show("buf", line);
                line.value("offset", offset);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |client, (buf, _)| {
                buf.check("buf")?;
                command(client, entry, "flags", flags)
            },
            |client, (buf, completion), flags| {
                let buf = buf.value().ok_or_else(|| missing("buf"))?;
                client.aio_pwrite(buf, offset, completion, flags)
            },
        )
    }
}

functions! {
    /// Starts to make completed writes permanent.  `flags` is 0.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ENOMEM`; see
    /// `nbd_aio_flush`.
    aio_flush(completion_callback: CompletionCallback; flags: command) -> u64 = AIO_FLUSH,
        |client| client.aio_flush(completion_callback, flags);
    /// As [`Handle::trim`](Self::trim), without waiting.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`; see `nbd_aio_trim`.
    aio_trim(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64 = AIO_TRIM,
        |client| client.aio_trim(count, offset, completion_callback, flags);
    /// As [`Handle::cache`](Self::cache), without waiting.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`;
    /// see `nbd_aio_cache`.
    aio_cache(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64 = AIO_CACHE,
        |client| client.aio_cache(count, offset, completion_callback, flags);
    /// As [`Handle::zero`](Self::zero), without waiting.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`; see `nbd_aio_zero`.
    aio_zero(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64 = AIO_ZERO,
        |client| client.aio_zero(count, offset, completion_callback, flags);
}
