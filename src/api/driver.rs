//! Driving a handle from an event loop of Rust.

use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use crate::client::{Handle, Progress};
use crate::error::Result;

/// Lets an event loop, such as tokio's or mio's, do the work of a handle.
///
/// The loop watches the driver for reading and writing, and calls
/// [`process`](Self::process) when there is an event.  Both kinds of event loop
/// are supported: those that report each change once (edge-triggered, such as
/// tokio and mio), and those that report a state as long as it lasts.
///
/// ```
/// # use std::{error::Error, sync::Arc};
/// use libnbd::{Driver, Handle, Progress};
/// use tokio::io::{Interest, unix::AsyncFd};
///
/// async fn drive(handle: Arc<Handle>) -> Result<(), Box<dyn Error>> {
///     let driver = Driver::new(handle)?;
///     // SAFETY: its descriptor stays open, and the same, until it is dropped.
///     let driver = unsafe { AsyncFd::register(driver) }?;
///     loop {
///         let mut guard = driver.ready(Interest::READABLE | Interest::WRITABLE).await?;
///         match driver.get_ref().process()? {
///             Progress::Drained => guard.clear_ready(),
///             Progress::More => {}
///             Progress::Ended => return Ok(()),
///         }
///     }
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
/// # let (socket, _server) = embedded_server::spawn_on_socketpair(Default::default()).unwrap();
/// # let handle = Arc::new(Handle::new());
/// # runtime.block_on(async {
/// #     handle.aio_connect_socket(socket).unwrap();
/// #     let driver = drive(Arc::clone(&handle));
/// #     let user = async {
/// #         while !handle.aio_is_ready() {
/// #             tokio::task::yield_now().await;
/// #         }
/// #         handle.aio_disconnect(0).unwrap();
/// #     };
/// #     tokio::join!(driver, user).0.unwrap();
/// # });
/// # assert!(handle.aio_is_closed());
/// ```
///
/// * Readiness is cleared only after [`Progress::Drained`].  The socket was then
///   empty, so whatever arrives later is a new event.
/// * A new command need not wake the loop: the call that starts it sends it.
///   What the socket does not take leaves when the socket becomes writable,
///   which is an event.  A loop that reports states watches for
///   [`Handle::aio_get_direction`] instead of both directions, and must look
///   again after a command was started.
/// * The end of the connection is an event, in whatever call it is noticed.
///
/// The driver has a descriptor of its own for the socket of the handle, which
/// stays open, and the same, until the driver is dropped.
#[derive(Debug)]
pub struct Driver<H> {
    socket: Arc<OwnedFd>,
    handle: H,
}

impl<H: Deref<Target = Handle>> Driver<H> {
    /// Creates a driver for a handle that is connecting or connected: `H` is a
    /// reference or an [`Arc`].
    ///
    /// While several addresses of a host are still to be tried, this fails with
    /// `EAGAIN`, because each can need another socket.  Connect with
    /// [`Handle::connect_tcp`] or [`Handle::connect_uri`] in a thread of its
    /// own, or pass a connected socket to [`Handle::aio_connect_socket`].
    ///
    /// Errors: `EINVAL` if there is no connection, `EAGAIN`, `EMFILE`.
    pub fn new(handle: H) -> Result<Self> {
        let socket = handle.within(c"Driver::new", |client| client.driven_socket())?;
        Ok(Self { socket, handle })
    }

    /// The handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Sends and receives what can be sent and received without waiting.
    /// Callbacks of commands that complete run meanwhile; unlike
    /// [`Handle::poll`], one call can complete many commands.
    ///
    /// It can be called at any time, also by several threads.  It waits while
    /// another thread is inside a call on the handle; so in an asynchronous
    /// program no thread should call methods that wait for the server.
    ///
    /// Errors: `ENOTCONN` if no address could be connected to, or why the
    /// connection broke; `EDEADLK` in a callback of the handle.
    pub fn process(&self) -> Result<Progress> {
        self.handle
            .within(c"Driver::process", |client| client.process())
    }
}

impl<H> AsFd for Driver<H> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<H> AsRawFd for Driver<H> {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
