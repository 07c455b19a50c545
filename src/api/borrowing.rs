//! Programs that must not compile, because they would use memory after its
//! lifetime has ended, next to programs that differ in one point and must
//! compile.
//!
//! They run as documentation tests.  The error codes are those that the
//! compiler has to report; only toolchains that support it compare them.

/// A callback runs the destructor of its closure, so whatever the closure
/// borrows must outlive the callback.
///
/// ```
/// struct Tell<'a>(&'a String);
/// impl Drop for Tell<'_> {
///     fn drop(&mut self) {
///         assert_eq!(self.0, "text");
///     }
/// }
/// let text = String::from("text");
/// let callback;
/// let tell = Tell(&text);
/// callback = libnbd::ContextCallback::new(move |_| _ = &tell);
/// # drop(callback);
/// ```
///
/// ```compile_fail,E0597
/// struct Tell<'a>(&'a String);
/// impl Drop for Tell<'_> {
///     fn drop(&mut self) {
///         assert_eq!(self.0, "text");
///     }
/// }
/// let callback;
/// let text = String::from("text");
/// let tell = Tell(&text);
/// callback = libnbd::ContextCallback::new(move |_| _ = &tell);
/// # let _ = &callback;
/// ```
///
/// The same applies to the other callbacks:
///
/// ```
/// let n = 1;
/// let callbacks;
/// callbacks = (
///     libnbd::ChunkCallback::new(|_| Ok(_ = &n)),
///     libnbd::ExtentCallback::new(|_, _, _| Ok(_ = &n)),
///     libnbd::Extent64Callback::new(|_, _, _| Ok(_ = &n)),
///     libnbd::ListCallback::new(|_, _| _ = &n),
///     libnbd::DebugCallback::new(|_, _| _ = &n),
/// );
/// # drop(callbacks);
/// ```
///
/// ```compile_fail,E0597
/// let callback;
/// let n = 1;
/// callback = libnbd::ChunkCallback::new(|_| Ok(_ = &n));
/// # let _ = &callback;
/// ```
///
/// ```compile_fail,E0597
/// let callback;
/// let n = 1;
/// callback = libnbd::ExtentCallback::new(|_, _, _| Ok(_ = &n));
/// # let _ = &callback;
/// ```
///
/// ```compile_fail,E0597
/// let callback;
/// let n = 1;
/// callback = libnbd::Extent64Callback::new(|_, _, _| Ok(_ = &n));
/// # let _ = &callback;
/// ```
///
/// ```compile_fail,E0597
/// let callback;
/// let n = 1;
/// callback = libnbd::ListCallback::new(|_, _| _ = &n);
/// # let _ = &callback;
/// ```
///
/// ```compile_fail,E0597
/// let callback;
/// let n = 1;
/// callback = libnbd::DebugCallback::new(|_, _| _ = &n);
/// # let _ = &callback;
/// ```
struct CallbacksOutliveNothing;

/// A call that waits borrows its arguments, for no longer than it waits; a call
/// that does not wait takes only `'static` arguments.
///
/// ```
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<()> {
/// let mut count = 0;
/// let mut buf = [0; 512];
/// handle.pread(&mut buf, 0, 0)?;
/// handle.pread_structured(&mut buf, 0, libnbd::ChunkCallback::new(|_| Ok(count += 1)), 0)?;
/// handle.pwrite(&buf, 0, 0)?;
/// handle.block_status(1, 0, libnbd::ExtentCallback::new(|_, _, _| Ok(count += 1)), 0)?;
/// handle.block_status_64(1, 0, libnbd::Extent64Callback::new(|_, _, _| Ok(count += 1)), 0)?;
/// handle.opt_list(libnbd::ListCallback::new(|_, _| count += 1))?;
/// handle.opt_set_meta_context(libnbd::ContextCallback::new(|_| count += 1))?;
/// let buf = vec![0; 512];
/// handle.aio_pread(buf, 0, libnbd::CompletionCallback::none(), 0)?;
/// let data: &'static [u8] = b"data";
/// handle.aio_pwrite(data, 0, libnbd::CompletionCallback::none(), 0)?;
/// # Ok(())
/// # }
/// ```
///
/// Nothing else may access a buffer while it is being filled:
///
/// ```compile_fail,E0502
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<()> {
/// let mut buf = [0; 512];
/// let look = libnbd::ChunkCallback::new(|_| Ok(_ = buf[0]));
/// handle.pread_structured(&mut buf, 0, look, 0)
/// # }
/// ```
///
/// The buffers of calls that do not wait:
///
/// ```compile_fail,E0277
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let mut buf = vec![0; 512];
/// handle.aio_pread(&mut buf, 0, libnbd::CompletionCallback::none(), 0)
/// # }
/// ```
///
/// ```compile_fail,E0597
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let data = vec![0; 512];
/// handle.aio_pwrite(&data[..], 0, libnbd::CompletionCallback::none(), 0)
/// # }
/// ```
///
/// Their callbacks:
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let mut count = 0;
/// let callback = libnbd::ChunkCallback::new(|_| Ok(count += 1));
/// handle.aio_pread_structured(vec![0; 512], 0, callback, libnbd::CompletionCallback::none(), 0)
/// # }
/// ```
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let mut count = 0;
/// let callback = libnbd::ExtentCallback::new(|_, _, _| Ok(count += 1));
/// handle.aio_block_status(1, 0, callback, libnbd::CompletionCallback::none(), 0)
/// # }
/// ```
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let mut count = 0;
/// let callback = libnbd::Extent64Callback::new(|_, _, _| Ok(count += 1));
/// handle.aio_block_status_64(1, 0, callback, libnbd::CompletionCallback::none(), 0)
/// # }
/// ```
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<()> {
/// let mut count = 0;
/// let callback = libnbd::ListCallback::new(|_, _| count += 1);
/// handle.aio_opt_list(callback, libnbd::CompletionCallback::none())
/// # }
/// ```
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<()> {
/// let mut count = 0;
/// let callback = libnbd::ContextCallback::new(|_| count += 1);
/// handle.aio_opt_set_meta_context(callback, libnbd::CompletionCallback::none())
/// # }
/// ```
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<u64> {
/// let mut count = 0;
/// handle.aio_flush(libnbd::CompletionCallback::new(|_| count += 1), 0)
/// # }
/// ```
///
/// And the debug callback, which stays with the handle:
///
/// ```compile_fail,E0373
/// # fn calls(handle: &libnbd::Handle) -> libnbd::Result<()> {
/// let mut count = 0;
/// handle.set_debug_callback(libnbd::DebugCallback::new(|_, _| count += 1))
/// # }
/// ```
struct CallsThatDoNotWaitBorrowNothing;
