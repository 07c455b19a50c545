//! Reading and writing: commands that wait for the reply.
//!
//! Offsets and lengths count bytes.  A command that fails a check of the strict
//! mode sends nothing.

use super::arguments::{Argument, command, missing};
use super::functions;
use crate::callback::ChunkCallback;
use crate::error::Result;
use crate::handle::{Handle, entry};
use crate::memory::loan::{INSIDE, ReadInto, WriteFrom};

impl Handle {
    /// Reads from `offset` on until the buffer is full.  `flags` is 0.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// let handle = nbd::Handle::new();
    /// handle.connect_socket(socket)?;
    /// let mut sector = [0xff; 512];
    /// handle.pread(&mut sector, 0, 0)?;
    /// assert_eq!(sector, [0; 512]);
    /// handle.shutdown(0)?;
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`,
    /// `EPROTO`, or what the server or the system says; see `nbd_pread`.
    pub fn pread(&self, buf: impl ReadInto, offset: u64, flags: u32) -> Result<()> {
        let entry = &entry::PREAD;
        buf.while_waiting(INSIDE, |target, completion| {
            self.call_reading(
                entry,
                target,
                completion,
                |_, line| {
                    line.value("offset", offset).flags("flags", flags);
                },
                |client, _| command(client, entry, "flags", flags),
                |client, buf, completion, flags| client.pread(buf, offset, completion, flags),
            )
        })
    }

    /// Reads, and tells of each part as the server sends it.  `flags` is 0 or
    /// [`CMD_FLAG_DF`](crate::CMD_FLAG_DF).
    ///
    /// The callback runs while the handle is locked: it must not use the
    /// handle.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = nbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// let mut buf = vec![0; 65536];
    /// let mut seen = 0;
    /// handle.pread_structured(&mut buf, 0, nbd::ChunkCallback::new(|chunk| {
    ///     seen += chunk.data.len();
    ///     Ok(())
    /// }), 0)?;
    /// assert_eq!(seen, 65536);
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`,
    /// `EPROTO`, or what the server or the system says; see
    /// `nbd_pread_structured`.
    pub fn pread_structured(
        &self,
        buf: impl ReadInto,
        offset: u64,
        chunk_callback: ChunkCallback<'_>,
        flags: u32,
    ) -> Result<()> {
        let entry = &entry::PREAD_STRUCTURED;
        let with_callback = |chunk: ChunkCallback<'static>, target, completion| {
            self.call_reading(
                entry,
                target,
                (chunk, completion),
                |(chunk, _), line| {
                    line.value("offset", offset);
                    chunk.show("chunk_callback", line);
                    line.flags("flags", flags);
                },
                |client, (chunk, _)| {
                    chunk.check("chunk_callback")?;
                    command(client, entry, "flags", flags)
                },
                |client, buf, (chunk, completion), flags| {
                    client.pread_structured(buf, offset, chunk.value(), completion, flags)
                },
            )
        };
        chunk_callback.while_waiting(|chunk| {
            buf.while_waiting(INSIDE, |target, completion| {
                with_callback(chunk, target, completion)
            })
        })
    }

    /// Writes the data at `offset`.  `flags` is 0 or
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// # let handle = nbd::Handle::new();
    /// # handle.connect_socket(socket)?;
    /// handle.pwrite(b"hello", 1024, 0)?;
    /// let mut word = [0; 5];
    /// handle.pread(&mut word, 1024, 0)?;
    /// assert_eq!(&word, b"hello");
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`, `EPROTO`, or what the server or the system says; see
    /// `nbd_pwrite`.
    pub fn pwrite(&self, buf: impl WriteFrom, offset: u64, flags: u32) -> Result<()> {
        let entry = &entry::PWRITE;
        buf.while_waiting(INSIDE, |source, completion| {
            self.call(
                entry,
                (source, completion),
                |(buf, _), line| {
                    buf.show("buf", line);
                    line.value("offset", offset).flags("flags", flags);
                },
                |client, (buf, _)| {
                    buf.check("buf")?;
                    command(client, entry, "flags", flags)
                },
                |client, (buf, completion), flags| {
                    let buf = buf.value().ok_or_else(|| missing("buf"))?;
                    client.pwrite(buf, offset, completion, flags)
                },
            )
        })
    }
}

functions! {
    /// Makes completed writes permanent.  `flags` is 0.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ENOMEM`, `EPROTO`, or
    /// what the server or the system says; see `nbd_flush`.
    flush(; flags: command) -> () = FLUSH, |client| client.flush(flags);
    /// Tells the server that `count` bytes from `offset` on are no longer
    /// needed.  `flags` is 0 or [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA).
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`, `EPROTO`, or what the server or the system says; see
    /// `nbd_trim`.
    trim(count: u64, offset: u64; flags: command) -> () = TRIM,
        |client| client.trim(count, offset, flags);
    /// Asks the server to prefetch `count` bytes from `offset` on.  `flags` is
    /// 0.
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `ERANGE`, `ENOMEM`,
    /// `EPROTO`, or what the server or the system says; see `nbd_cache`.
    cache(count: u64, offset: u64; flags: command) -> () = CACHE,
        |client| client.cache(count, offset, flags);
    /// Writes `count` zeroes at `offset`.  `flags` is 0 or a combination of
    /// [`CMD_FLAG_FUA`](crate::CMD_FLAG_FUA),
    /// [`CMD_FLAG_NO_HOLE`](crate::CMD_FLAG_NO_HOLE) and
    /// [`CMD_FLAG_FAST_ZERO`](crate::CMD_FLAG_FAST_ZERO).
    ///
    /// States: connected.  Errors: `ENOTCONN`, `EINVAL`, `EPERM`, `ENOSPC`,
    /// `ERANGE`, `ENOMEM`, `EPROTO`, or what the server or the system says; see
    /// `nbd_zero`.
    zero(count: u64, offset: u64; flags: command) -> () = ZERO,
        |client| client.zero(count, offset, flags);
}
