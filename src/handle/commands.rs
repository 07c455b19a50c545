//! Reading, writing, and the other commands of the transmission phase.
//!
//! The blocking form of a command is the asynchronous one, followed by waiting.

use std::ffi::{CStr, CString};

use libc::c_int;

use crate::callback::{self, Completion};
use crate::error::{Error, Escaped, Result};
use crate::memory::Lent;
use crate::protocol::request::Command;
use crate::transmission::request::{Along, CommandFlags, Data, ReadBuffer, Request};

use super::Client;
use super::settings::strict;
use super::state::State;

/// The bit of shutdown flags that gives up what has not been sent.
const ABANDON_PENDING: u32 = 0x10000;

impl Client {
    /// Reads.  The completion is one that only frees.
    pub fn pread(
        &mut self,
        buffer: ReadBuffer,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<()> {
        let cookie = self.aio_pread(buffer, offset, completion, flags)?;
        self.wait_for(cookie)
    }

    /// Reads, and tells of every chunk.
    pub fn pread_structured(
        &mut self,
        buffer: ReadBuffer,
        offset: u64,
        chunk: callback::Chunk,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<()> {
        let cookie = self.aio_pread_structured(buffer, offset, chunk, completion, flags)?;
        self.wait_for(cookie)
    }

    /// Writes.
    pub fn pwrite(
        &mut self,
        data: Lent,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<()> {
        let cookie = self.aio_pwrite(data, offset, completion, flags)?;
        self.wait_for(cookie)
    }

    /// Makes completed writes permanent.
    pub fn flush(&mut self, flags: CommandFlags) -> Result<()> {
        let cookie = self.range(Command::Flush, 0, 0, Completion::none(), flags)?;
        self.wait_for(cookie)
    }

    /// Tells the server that a range is no longer needed.
    pub fn trim(&mut self, count: u64, offset: u64, flags: CommandFlags) -> Result<()> {
        let cookie = self.range(Command::Trim, count, offset, Completion::none(), flags)?;
        self.wait_for(cookie)
    }

    /// Asks the server to prefetch a range.
    pub fn cache(&mut self, count: u64, offset: u64, flags: CommandFlags) -> Result<()> {
        let cookie = self.range(Command::Cache, count, offset, Completion::none(), flags)?;
        self.wait_for(cookie)
    }

    /// Writes zeroes.
    pub fn zero(&mut self, count: u64, offset: u64, flags: CommandFlags) -> Result<()> {
        let cookie = self.range(
            Command::WriteZeroes,
            count,
            offset,
            Completion::none(),
            flags,
        )?;
        self.wait_for(cookie)
    }

    /// Asks for the status of a range, in 32-bit extents.
    pub fn block_status(
        &mut self,
        count: u64,
        offset: u64,
        extents: callback::Extents32,
        flags: CommandFlags,
    ) -> Result<()> {
        let along = Along::Extents32(extents);
        let cookie = self.status(count, offset, along, Completion::none(), flags)?;
        self.wait_for(cookie)
    }

    /// Asks for the status of a range, in 64-bit extents.
    pub fn block_status_64(
        &mut self,
        count: u64,
        offset: u64,
        extents: callback::Extents64,
        flags: CommandFlags,
    ) -> Result<()> {
        let along = Along::Extents64(extents);
        let cookie = self.status(count, offset, along, Completion::none(), flags)?;
        self.wait_for(cookie)
    }

    /// Asks for the status of a range in some of the meta contexts.
    pub fn block_status_filter(
        &mut self,
        count: u64,
        offset: u64,
        contexts: Vec<CString>,
        extents: callback::Extents64,
        flags: CommandFlags,
    ) -> Result<()> {
        let completion = Completion::none();
        let cookie =
            self.aio_block_status_filter(count, offset, contexts, extents, completion, flags)?;
        self.wait_for(cookie)
    }

    /// As `pread`, without waiting.
    pub fn aio_pread(
        &mut self,
        buffer: ReadBuffer,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.read(buffer, offset, Along::None, completion, flags)
    }

    /// As `pread_structured`, without waiting.
    pub fn aio_pread_structured(
        &mut self,
        buffer: ReadBuffer,
        offset: u64,
        chunk: callback::Chunk,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.read(buffer, offset, Along::Chunk(chunk), completion, flags)
    }

    /// As `pwrite`, without waiting.
    pub fn aio_pwrite(
        &mut self,
        data: Lent,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.write(data, offset, completion, flags)
    }

    /// As `flush`, without waiting.
    pub fn aio_flush(&mut self, completion: Completion, flags: CommandFlags) -> Result<u64> {
        self.range(Command::Flush, 0, 0, completion, flags)
    }

    /// As `trim`, without waiting.
    pub fn aio_trim(
        &mut self,
        count: u64,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.range(Command::Trim, count, offset, completion, flags)
    }

    /// As `cache`, without waiting.
    pub fn aio_cache(
        &mut self,
        count: u64,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.range(Command::Cache, count, offset, completion, flags)
    }

    /// As `zero`, without waiting.
    pub fn aio_zero(
        &mut self,
        count: u64,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.range(Command::WriteZeroes, count, offset, completion, flags)
    }

    /// As `block_status`, without waiting.
    pub fn aio_block_status(
        &mut self,
        count: u64,
        offset: u64,
        extents: callback::Extents32,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.status(count, offset, Along::Extents32(extents), completion, flags)
    }

    /// As `block_status_64`, without waiting.
    pub fn aio_block_status_64(
        &mut self,
        count: u64,
        offset: u64,
        extents: callback::Extents64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.status(count, offset, Along::Extents64(extents), completion, flags)
    }

    /// As `block_status_filter`, without waiting.
    pub fn aio_block_status_filter(
        &mut self,
        count: u64,
        offset: u64,
        contexts: Vec<CString>,
        extents: callback::Extents64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        // A request from the start: if it is refused, its closures are freed in
        // the order that it promises.
        let mut request = Request {
            command: Command::BlockStatus,
            flags: self.payload_flag(flags),
            offset,
            count,
            data: Data::None,
            along: Along::Extents64(extents),
            completion,
        };
        if !self.session.extended_headers {
            return Err(Error::new(
                libc::ENOTSUP,
                "block-status: filtering needs extended headers",
            ));
        }
        if self.is_strict(strict::COMMANDS) {
            self.check_contexts()?;
        }
        let mut filter = count.to_be_bytes().to_vec();
        for context in &contexts {
            filter.extend_from_slice(&self.context_id(context)?.to_be_bytes());
        }
        request.data = Data::Filter(filter);
        self.submit(request)
    }

    /// Ends the session behind the commands that are under way.
    pub fn aio_disconnect(&mut self, flags: CommandFlags) -> Result<()> {
        self.range(Command::Disconnect, 0, 0, Completion::none(), flags)
            .map(drop)
    }

    /// Ends the session, and waits until the server has closed the connection.
    pub fn shutdown(&mut self, flags: u32) -> Result<()> {
        if matches!(self.state, State::Negotiating(..)) {
            return self.opt_abort();
        }
        if flags & ABANDON_PENDING != 0 {
            self.transmission.strand_unsent();
        }
        if !self.transmission.is_disconnecting() {
            self.aio_disconnect(CommandFlags(0))?;
        }
        self.wait_for_end()
    }

    /// Whether a command has succeeded; retires it if it has ended.
    pub fn aio_command_completed(&mut self, cookie: u64) -> Result<bool> {
        if cookie == 0 {
            return Err(Error::new(libc::EINVAL, "0 is not a cookie"));
        }
        match self.transmission.take_done(cookie) {
            None => Ok(false),
            Some((0, _)) => Ok(true),
            Some((errno, command)) => Err(command_failed(errno, command)),
        }
    }

    /// The cookie of a command that has ended and was not asked for yet, if
    /// any has.
    pub fn aio_peek_command_completed(&mut self) -> Result<Option<u64>> {
        match self.transmission.first_done() {
            Some(cookie) => Ok(Some(cookie)),
            None if self.transmission.in_flight() > 0 => Ok(None),
            None => Err(Error::new(libc::EINVAL, "there are no commands")),
        }
    }

    /// Commands that have not ended.
    pub fn aio_in_flight(&self) -> Result<c_int> {
        Ok(c_int::try_from(self.transmission.in_flight()).unwrap_or(c_int::MAX))
    }

    fn read(
        &mut self,
        buffer: ReadBuffer,
        offset: u64,
        along: Along,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.submit(Request {
            command: Command::Read,
            flags,
            offset,
            count: length(buffer.len()),
            data: Data::Read(buffer),
            along,
            completion,
        })
    }

    fn write(
        &mut self,
        data: Lent,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.submit(Request {
            command: Command::Write,
            flags: self.payload_flag(flags),
            offset,
            count: length(data.len()),
            data: Data::Write(data),
            along: Along::None,
            completion,
        })
    }

    fn range(
        &mut self,
        command: Command,
        count: u64,
        offset: u64,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.submit(Request {
            command,
            flags,
            offset,
            count,
            data: Data::None,
            along: Along::None,
            completion,
        })
    }

    fn status(
        &mut self,
        count: u64,
        offset: u64,
        along: Along,
        completion: Completion,
        flags: CommandFlags,
    ) -> Result<u64> {
        self.submit(Request {
            command: Command::BlockStatus,
            flags,
            offset,
            count,
            data: Data::None,
            along,
            completion,
        })
    }

    /// Checks a command and puts it on its way.  A command that is accepted
    /// has a cookie, even if sending it breaks the connection.
    fn submit(&mut self, request: Request) -> Result<u64> {
        self.check(&request)?;
        // What is queued already waits for the socket; so must this.
        let blocked = self.transmission.has_queue() || self.state.has_unsent();
        let cookie = self.transmission.submit(request);
        if !blocked {
            // The failure is the state's and the command's.
            let _ = self.push();
        }
        Ok(cookie)
    }

    fn context_id(&self, name: &CStr) -> Result<u32> {
        let contexts = self.session.contexts.in_force();
        let context = contexts.iter().find(|context| *context.name == *name);
        context.map(|context| context.id).ok_or_else(|| {
            Error::new(
                libc::EINVAL,
                format!(
                    "block-status: meta context \"{}\" has not been negotiated",
                    Escaped(name.to_bytes())
                ),
            )
        })
    }
}

/// A failed command, as the caller learns of it.
pub(super) fn command_failed(errno: i32, command: &str) -> Error {
    Error::new(errno, format!("{command}: command failed"))
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
