//! Reading and writing: commands that wait for the reply.
//!
//! Offsets and lengths are in bytes.  If a command fails a check of the strict
//! mode, nothing is sent.

use super::arguments::{Argument, missing};
use super::buffers::{INSIDE, ReadInto, Target, WriteFrom};
use super::callbacks::ChunkCallback;
use super::functions;
use super::words::command;
use crate::client::Handle;
use crate::error::Result;
use crate::protocol::request::Command;
use crate::table;
use crate::transmission::request::Request;

impl Handle {
    /// Reads data from `offset` on, as much as the buffer holds.  `flags` is 0.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// let handle = libnbd::Handle::new();
    /// handle.connect_socket(socket)?;
    /// let mut sector = [0xff; 512];
    /// handle.pread(&mut sector, 0, 0)?;
    /// assert_eq!(sector, [0; 512]);
    /// handle.shutdown(0)?;
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[doc = crate::table::docs::pread!()]
    pub fn pread(&self, buf: impl ReadInto, offset: u64, flags: u32) -> Result<()> {
        let row = &table::pread;
        buf.while_waiting(INSIDE, |target, completion| {
            self.call(
                row,
                (target, completion),
                |(target, _), line| {
                    line.out_buffer("buf", target.count());
                    line.value("offset", offset).flags("flags", flags);
                },
                |handle, (target, completion)| (handle.read_buffer(target), completion),
                |client, (buffer, completion)| {
                    let buffer = buffer.ok_or_else(|| missing("buf"))?;
                    let flags = command::take(client, row, "flags", flags)?;
                    client.run(Request::read(buffer, offset, flags).ending(completion))
                },
            )
        })
    }

    /// Reads data, and runs the callback for each part as it arrives.  `flags`
    /// is 0 or [`CMD_FLAG_DF`](crate::CMD_FLAG_DF).
    ///
    /// The callback runs while the handle is locked, so it must not use the
    /// handle.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = libnbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// let mut buf = vec![0; 65536];
    /// let mut seen = 0;
    /// handle.pread_structured(&mut buf, 0, libnbd::ChunkCallback::new(|chunk| {
    ///     seen += chunk.data.len();
    ///     Ok(())
    /// }), 0)?;
    /// assert_eq!(seen, 65536);
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[doc = crate::table::docs::pread_structured!()]
    pub fn pread_structured(
        &self,
        buf: impl ReadInto,
        offset: u64,
        chunk_callback: ChunkCallback<'_>,
        flags: u32,
    ) -> Result<()> {
        let row = &table::pread_structured;
        let with_callback = |chunk: ChunkCallback<'static>, target: Target, completion| {
            self.call(
                row,
                (target, chunk, completion),
                |(target, chunk, _), line| {
                    line.out_buffer("buf", target.count());
                    line.value("offset", offset);
                    chunk.show("chunk_callback", line);
                    line.flags("flags", flags);
                },
                |handle, (target, chunk, completion)| {
                    (handle.read_buffer(target), chunk, completion)
                },
                |client, (buffer, chunk, completion)| {
                    let buffer = buffer.ok_or_else(|| missing("buf"))?;
                    let chunk = chunk.take("chunk_callback")?;
                    let flags = command::take(client, row, "flags", flags)?;
                    let request = Request::read(buffer, offset, flags);
                    client.run(request.telling(chunk).ending(completion))
                },
            )
        };
        chunk_callback.while_waiting(|chunk| {
            buf.while_waiting(INSIDE, |target, completion| {
                with_callback(chunk, target, completion)
            })
        })
    }

    /// Writes the data to the export at `offset`.  `flags` is 0 or
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = libnbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// handle.pwrite(b"hello", 1024, 0)?;
    /// let mut word = [0; 5];
    /// handle.pread(&mut word, 1024, 0)?;
    /// assert_eq!(&word, b"hello");
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    #[doc = crate::table::docs::pwrite!()]
    pub fn pwrite(&self, buf: impl WriteFrom, offset: u64, flags: u32) -> Result<()> {
        let row = &table::pwrite;
        buf.while_waiting(INSIDE, |source, completion| {
            self.call(
                row,
                (source, completion),
                |(source, _), line| {
                    source.show("buf", line);
                    line.value("offset", offset).flags("flags", flags);
                },
                |_, given| given,
                |client, (source, completion)| {
                    let data = source.take("buf")?;
                    let flags = command::take(client, row, "flags", flags)?;
                    client.run(Request::write(data, offset, flags).ending(completion))
                },
            )
        })
    }
}

functions! {
    /// Commits completed writes to permanent storage.  `flags` is 0.
    flush(; flags: command),
        |client| client.run(Request::plain(Command::Flush, flags));
    /// Tells the server that `count` bytes from `offset` on are no longer
    /// needed.  `flags` is 0 or [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    trim(count: u64, offset: u64; flags: command),
        |client| client.run(Request::range(Command::Trim, count, offset, flags));
    /// Asks the server to prefetch `count` bytes from `offset` on.  `flags` is
    /// 0.
    cache(count: u64, offset: u64; flags: command),
        |client| client.run(Request::range(Command::Cache, count, offset, flags));
    /// Writes `count` zeroes at `offset`.  `flags` is 0 or a combination of
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA),
    /// [`CMD_FLAG_NO_HOLE`](crate::CMD_FLAG_NO_HOLE) and
    /// [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO).
    zero(count: u64, offset: u64; flags: command),
        |client| client.run(Request::range(Command::WriteZeroes, count, offset, flags));
}
