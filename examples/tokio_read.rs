//! `cargo run --example tokio_read nbd://localhost` reads an export with many
//! reads in flight, on tokio.

use libnbd::{CompletionCallback, Driver, Handle, Progress};
use std::{error::Error, sync::Arc};
use tokio::{io::Interest, io::unix::AsyncFd, sync::oneshot, task};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
const READ: usize = 64 * 1024;
const IN_FLIGHT: usize = 16;

/// Does the work of the handle, until the connection ends.
pub async fn drive(handle: Arc<Handle>) -> Outcome<()> {
    let driver = Driver::new(handle)?;
    // SAFETY: the descriptor of a driver stays open, and the same, until its drop.
    let driver = unsafe { AsyncFd::register(driver) }?;
    loop {
        let mut guard = driver
            .ready(Interest::READABLE | Interest::WRITABLE)
            .await?;
        match driver.get_ref().process()? {
            // Only now has everything been used that tokio has reported.
            Progress::Drained => guard.clear_ready(),
            Progress::More => {}
            Progress::Ended => return Ok(()),
        }
    }
}

/// Reads a part of the export.  Starting a command need not wake the driver.
pub async fn read(handle: Arc<Handle>, offset: u64, count: usize) -> Outcome<Vec<u8>> {
    let (sender, receiver) = oneshot::channel();
    let completion = CompletionCallback::new(|result| drop(sender.send(result)));
    handle.aio_pread(vec![0; count], offset, completion, 0)?;
    Ok(receiver.await??)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let handle = Arc::new(Handle::new());
    let connecting = Arc::clone(&handle);
    let uri = std::env::args().nth(1).ok_or("usage: tokio_read URI")?;
    task::spawn_blocking(move || connecting.connect_uri(uri.as_str())).await??;
    let driver = task::spawn(drive(Arc::clone(&handle)));
    let size = usize::try_from(handle.get_size()?)?;
    let mut reads = task::JoinSet::new();
    for offset in (0..size).step_by(READ) {
        if reads.len() == IN_FLIGHT {
            reads.join_next().await.transpose()?.transpose()?;
        }
        let (handle, count) = (Arc::clone(&handle), (offset..size).len().min(READ));
        reads.spawn(read(handle, offset as u64, count));
    }
    let last: Outcome<Vec<_>> = reads.join_all().await.into_iter().collect();
    last?;
    println!("{size} bytes");
    handle.aio_disconnect(0)?;
    driver.await?
}
