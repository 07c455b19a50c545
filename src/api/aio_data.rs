//! Reading and writing without waiting.
//!
//! Each call queues a command and returns its cookie, a number above 0 that is
//! not reused with this handle.  The program then drives the handle with `poll`
//! or the notify functions.
//!
//! A command owns its buffer.  When the command has completed, the completion
//! callback receives the buffer or the error, and the command is retired.  A
//! command without a completion callback is retired by `aio_command_completed`,
//! which reports its result; its buffer is dropped with it.

use super::arguments::{Argument, missing};
use super::buffers::{AioReadInto, AioWriteFrom, INSIDE};
use super::callbacks::{ChunkCallback, CompletionCallback};
use super::functions;
use super::words::command;
use crate::client::Handle;
use crate::error::Result;
use crate::protocol::request::Command;
use crate::table;
use crate::transmission::request::Request;

impl Handle {
    /// Starts to read data from `offset` on, as much as the buffer holds.
    /// `flags` is 0.
    ///
    /// If the server is quick, the callback may run before this method returns,
    /// so it must not take a lock that the caller holds.  If the read cannot be
    /// started, the callback does not run.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = libnbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// use std::sync::mpsc;
    /// let (sender, results) = mpsc::channel();
    /// for block in 0..64 {
    ///     let sender = sender.clone();
    ///     let completion = libnbd::CompletionCallback::new(move |result| {
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
    #[doc = crate::table::docs::aio_pread!()]
    pub fn aio_pread<B: AioReadInto>(
        &self,
        buf: B,
        offset: u64,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let row = &table::aio_pread;
        let nobody = completion_callback.is_null();
        self.call(
            row,
            buf.lend(completion_callback, INSIDE),
            |(target, _), line| {
                line.out_buffer("buf", target.count());
                line.value("offset", offset);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |handle, (target, completion)| (handle.read_buffer(target), completion),
            |client, (buffer, completion)| {
                let buffer = buffer.ok_or_else(|| missing("buf"))?;
                let flags = command::take(client, row, "flags", flags)?;
                client.submit(Request::read(buffer, offset, flags).ending(completion))
            },
        )
    }

    /// Like [`Handle::aio_pread`], but runs `chunk_callback` for each part of
    /// the data as it arrives.  `flags` is 0 or
    /// [`CMD_FLAG_DF`](crate::CMD_FLAG_DF).
    #[doc = crate::table::docs::aio_pread_structured!()]
    pub fn aio_pread_structured<B: AioReadInto>(
        &self,
        buf: B,
        offset: u64,
        chunk_callback: ChunkCallback<'static>,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let row = &table::aio_pread_structured;
        let nobody = completion_callback.is_null();
        let (target, completion) = buf.lend(completion_callback, INSIDE);
        self.call(
            row,
            (target, chunk_callback, completion),
            |(target, chunk, _), line| {
                line.out_buffer("buf", target.count());
                line.value("offset", offset);
                chunk.show("chunk_callback", line);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |handle, (target, chunk, completion)| (handle.read_buffer(target), chunk, completion),
            |client, (buffer, chunk, completion)| {
                let buffer = buffer.ok_or_else(|| missing("buf"))?;
                let chunk = chunk.take("chunk_callback")?;
                let flags = command::take(client, row, "flags", flags)?;
                let request = Request::read(buffer, offset, flags);
                client.submit(request.telling(chunk).ending(completion))
            },
        )
    }

    /// Starts to write the data to the export at `offset`.  `flags` is 0 or
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    ///
    /// If the server is quick, the callback may run before this method returns,
    /// so it must not take a lock that the caller holds.  If the write cannot
    /// be started, the callback does not run.
    #[doc = crate::table::docs::aio_pwrite!()]
    pub fn aio_pwrite<B: AioWriteFrom>(
        &self,
        buf: B,
        offset: u64,
        completion_callback: CompletionCallback<B>,
        flags: u32,
    ) -> Result<u64> {
        let row = &table::aio_pwrite;
        let nobody = completion_callback.is_null();
        self.call(
            row,
            buf.lend(completion_callback, INSIDE),
            |(source, _), line| {
                source.show("buf", line);
                line.value("offset", offset);
                line.closure("completion_callback", nobody);
                line.flags("flags", flags);
            },
            |_, given| given,
            |client, (source, completion)| {
                let data = source.take("buf")?;
                let flags = command::take(client, row, "flags", flags)?;
                client.submit(Request::write(data, offset, flags).ending(completion))
            },
        )
    }
}

functions! {
    /// Starts to commit completed writes to permanent storage.  `flags` is 0.
    aio_flush(completion_callback: CompletionCallback; flags: command) -> u64, |client| {
        client.submit(Request::plain(Command::Flush, flags).ending(completion_callback))
    };
    /// Like [`Handle::trim`](Self::trim), without waiting.
    aio_trim(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64, |client| {
            let request = Request::range(Command::Trim, count, offset, flags);
            client.submit(request.ending(completion_callback))
        };
    /// Like [`Handle::cache`](Self::cache), without waiting.
    aio_cache(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64, |client| {
            let request = Request::range(Command::Cache, count, offset, flags);
            client.submit(request.ending(completion_callback))
        };
    /// Like [`Handle::zero`](Self::zero), without waiting.
    aio_zero(count: u64, offset: u64, completion_callback: CompletionCallback; flags: command)
        -> u64, |client| {
            let request = Request::range(Command::WriteZeroes, count, offset, flags);
            client.submit(request.ending(completion_callback))
        };
}
