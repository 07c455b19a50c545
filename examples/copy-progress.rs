//! Copies a disk to a file and shows a progress bar.
//!
//!     cargo run --release --example copy-progress nbd://example.com/disk FILE
//!
//! This is the simple way: one read after the other.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};

use libnbd::Handle;

const CHUNK: u32 = 1024 * 1024;

fn show_progress(done: u64, size: u64) -> io::Result<()> {
    // An empty disk is complete.
    let percent = done.saturating_mul(100).checked_div(size).unwrap_or(100);
    let bar: String = (0..percent / 2).map(|_| '#').collect();

    print!("\r[{bar:.<50}] {percent:3}%");
    io::stdout().flush()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(uri), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: copy-progress URI FILE".into());
    };

    let handle = Handle::new();
    handle.connect_uri(&uri)?;
    let size = handle.get_size()?;
    let mut file = File::create(path)?;
    let mut data = Vec::new();

    show_progress(0, size)?;
    for offset in (0..size).step_by(CHUNK as usize) {
        // The last chunk is shorter.
        let end = size.min(offset.saturating_add(CHUNK.into()));

        data.resize(usize::try_from(end.abs_diff(offset))?, 0);
        handle.pread(&mut data, offset, 0)?;
        file.write_all(&data)?;
        show_progress(end, size)?;
    }
    println!();

    handle.shutdown(0)?;
    Ok(())
}
