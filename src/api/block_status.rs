//! Block status: where the export has data, holes or dirty blocks, according to
//! the selected meta contexts.
//!
//! The callback runs once for each reply chunk and meta context.  The extents
//! may cover less than the requested range.  The callback runs while the handle
//! is locked, so it must not use the handle.

use super::arguments::ToTexts;
use super::callbacks::{CompletionCallback, Extent64Callback, ExtentCallback};
use super::{functions, waiting_functions};
use crate::protocol::request::Command;
use crate::transmission::request::Request;

waiting_functions! {
    /// Requests the status of `count` bytes from `offset` on, as 32-bit
    /// extents.  `flags` is 0 or [`CMD_FLAG_REQ_ONE`](crate::CMD_FLAG_REQ_ONE).
    block_status(count: u64, offset: u64 => extent_callback: ExtentCallback; flags: command), |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        client.run(request.telling(extent_callback))
    };
    /// Like [`Handle::block_status`](Self::block_status), with 64-bit extents.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (socket, server) = embedded_server::spawn_on_socketpair(Default::default())?;
    /// let handle = libnbd::Handle::new();
    /// handle.add_meta_context(libnbd::CONTEXT_BASE_ALLOCATION)?;
    /// handle.connect_socket(socket)?;
    /// let mut status = Vec::new();
    /// handle.block_status_64(65536, 0, libnbd::Extent64Callback::new(|_context, _offset, extents| {
    ///     status.extend_from_slice(extents);
    ///     Ok(())
    /// }), libnbd::CMD_FLAG_REQ_ONE)?;
    /// assert_eq!(status[0].flags, libnbd::STATE_HOLE | libnbd::STATE_ZERO);
    /// # drop(handle); drop(server);
    /// # Ok(())
    /// # }
    /// ```
    block_status_64(
        count: u64,
        offset: u64
        => extent64_callback: Extent64Callback;
        flags: command
    ), |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        client.run(request.telling(extent64_callback))
    };
    /// Like [`Handle::block_status_64`](Self::block_status_64), for some of the
    /// meta contexts that the server has granted.
    block_status_filter(
        count: u64,
        offset: u64,
        contexts: impl ToTexts
        => extent64_callback: Extent64Callback;
        flags: command
    ), |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        let cookie = client.submit_filtered(request.telling(extent64_callback), &contexts)?;
        client.wait_for(cookie)
    };
}

functions! {
    /// Like [`Handle::block_status`](Self::block_status), without waiting.
    /// Returns the cookie of the command.
    aio_block_status(
        count: u64,
        offset: u64,
        extent_callback: ExtentCallback<'static>,
        completion_callback: CompletionCallback;
        flags: command
    ) -> u64, |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        client.submit(request.telling(extent_callback).ending(completion_callback))
    };
    /// Like [`Handle::block_status_64`](Self::block_status_64), without
    /// waiting.  Returns the cookie of the command.
    aio_block_status_64(
        count: u64,
        offset: u64,
        extent64_callback: Extent64Callback<'static>,
        completion_callback: CompletionCallback;
        flags: command
    ) -> u64, |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        client.submit(request.telling(extent64_callback).ending(completion_callback))
    };
    /// Like [`Handle::block_status_filter`](Self::block_status_filter), without
    /// waiting.  Returns the cookie of the command.
    aio_block_status_filter(
        count: u64,
        offset: u64,
        contexts: impl ToTexts,
        extent64_callback: Extent64Callback<'static>,
        completion_callback: CompletionCallback;
        flags: command
    ) -> u64, |client| {
        let request = Request::range(Command::BlockStatus, count, offset, flags);
        let request = request.telling(extent64_callback).ending(completion_callback);
        client.submit_filtered(request, &contexts)
    };
}
