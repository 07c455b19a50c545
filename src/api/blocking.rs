//! Commands that return when the server has answered.

use std::ffi::CStr;
use std::ptr::NonNull;

use crate::callback::{Extent, Extents64};
use crate::error::Result;
use crate::handle::{Handle, entry};
use crate::memory::{Lent, LentMut};

use super::text;

impl Handle {
    /// Reads from `offset` on until `buffer` is full (see `nbd_pread`).
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
    pub fn pread(&self, buffer: &mut [u8], offset: u64, flags: u32) -> Result<()> {
        // SAFETY: the slice outlives this call, and a blocking command has
        // ended, whatever happened, when it returns.
        let memory = unsafe { LentMut::new(NonNull::from(&mut *buffer).cast(), buffer.len()) };
        self.call(&entry::PREAD, |client| {
            let flags = client.command_flags(&entry::PREAD, flags)?;
            let buffer = client.read_buffer(memory);
            client.pread(buffer, offset, flags)
        })
    }

    /// Writes `data` at `offset` (see `nbd_pwrite`).
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
    pub fn pwrite(&self, data: &[u8], offset: u64, flags: u32) -> Result<()> {
        // SAFETY: as for reading.
        let data = unsafe { Lent::new(NonNull::from(data).cast(), data.len()) };
        self.call(&entry::PWRITE, |client| {
            let flags = client.command_flags(&entry::PWRITE, flags)?;
            client.pwrite(data, offset, flags)
        })
    }

    /// Makes completed writes permanent (see `nbd_flush`).
    pub fn flush(&self, flags: u32) -> Result<()> {
        self.call(&entry::FLUSH, |client| {
            let flags = client.command_flags(&entry::FLUSH, flags)?;
            client.flush(flags)
        })
    }

    /// Tells the server that a range is no longer needed (see `nbd_trim`).
    pub fn trim(&self, count: u64, offset: u64, flags: u32) -> Result<()> {
        self.call(&entry::TRIM, |client| {
            let flags = client.command_flags(&entry::TRIM, flags)?;
            client.trim(count, offset, flags)
        })
    }

    /// Asks the server to prefetch a range (see `nbd_cache`).
    pub fn cache(&self, count: u64, offset: u64, flags: u32) -> Result<()> {
        self.call(&entry::CACHE, |client| {
            let flags = client.command_flags(&entry::CACHE, flags)?;
            client.cache(count, offset, flags)
        })
    }

    /// Writes zeroes (see `nbd_zero`).
    pub fn zero(&self, count: u64, offset: u64, flags: u32) -> Result<()> {
        self.call(&entry::ZERO, |client| {
            let flags = client.command_flags(&entry::ZERO, flags)?;
            client.zero(count, offset, flags)
        })
    }

    /// Asks what a range consists of: for each meta context its name and the
    /// extents from `offset` on (see `nbd_block_status_64`).
    pub fn block_status(
        &self,
        count: u64,
        offset: u64,
        flags: u32,
    ) -> Result<Vec<(String, Vec<Extent>)>> {
        let mut status = Vec::new();
        let mut found = |context: &CStr, extents: &[Extent]| {
            status.push((text(context), extents.to_vec()));
        };
        self.call(&entry::BLOCK_STATUS_64, |client| {
            let flags = client.command_flags(&entry::BLOCK_STATUS_64, flags)?;
            // SAFETY: the command has ended, and its closure with it, when the
            // call returns.
            let found = unsafe { Extents64::borrowed(&mut found) };
            client.block_status_64(count, offset, found, flags)
        })?;
        Ok(status)
    }

    /// Ends the session and waits until the server has closed the connection
    /// (see `nbd_shutdown`).
    pub fn shutdown(&self, flags: u32) -> Result<()> {
        let flags = super::known_flags(flags, entry::SHUTDOWN.flags)?;
        self.call(&entry::SHUTDOWN, |client| client.shutdown(flags))
    }
}
