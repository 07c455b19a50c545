//! Servers that try to exhaust memory: the sizes that they choose are bounded,
//! and if memory is short, a call fails and the process continues.

#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use embedded_server::{Config, Replies, Script};
use libnbd::{Extent64Callback, ExtentCallback, Handle};

/// The system's allocator, which can deny large allocations to a thread.
struct Scarce;

thread_local! {
    /// The size of the largest allocation that this thread is granted.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The size of the largest allocation that it has requested.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// Returns whether the thread is granted an allocation of this size.
fn grants(size: usize) -> bool {
    // A thread that is ending is granted every allocation.
    let _ = ASKED.try_with(|asked| asked.set(asked.get().max(size)));
    LARGEST
        .try_with(Cell::get)
        .is_ok_and(|largest| size <= largest)
}

// SAFETY: all memory comes from the system's allocator; a denied allocation
// returns null, as the contract permits.
unsafe impl GlobalAlloc for Scarce {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if grants(layout.size()) {
            // SAFETY: by the contract of this function.
            unsafe { System.alloc(layout) }
        } else {
            std::ptr::null_mut()
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if grants(size) {
            // SAFETY: by the contract of this function.
            unsafe { System.realloc(memory, layout, size) }
        } else {
            std::ptr::null_mut()
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: by the contract of this function.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static MEMORY: Scarce = Scarce;

/// Runs `call` while this thread is granted no allocation larger than
/// `largest`.
fn with_at_most<R>(largest: usize, call: impl FnOnce() -> R) -> R {
    LARGEST.set(largest);
    let result = call();
    LARGEST.set(usize::MAX);
    result
}

/// Creates a handle with one meta context, which has the id 1, connected to a
/// server that follows a script.
fn connected_to(replies: Replies, script: &str) -> Handle {
    let config = Config {
        script: Some(Script::parse(&format!("handshake\n{script}\nserve\n")).unwrap()),
        replies,
        ..Config::default()
    };
    let (socket, _server) = embedded_server::spawn_on_socketpair(config).unwrap();
    let handle = Handle::new();
    handle
        .add_meta_context(libnbd::CONTEXT_BASE_ALLOCATION)
        .unwrap();
    handle.connect_socket(socket).unwrap();
    handle
}

/// The connection is still in sync.
fn check_works(handle: &Handle) {
    assert!(handle.aio_is_ready());
    let mut buf = [1; 512];
    handle.pread(&mut buf, 0, 0).unwrap();
    assert_eq!(buf, [0; 512]);
    handle.shutdown(0).unwrap();
}

/// The maximum number of extents in a chunk, in the 64-bit form: 16 MiB.
const LONG_REPORT: &str = "read-request BLOCK_STATUS
    ext-chunk DONE BLOCK_STATUS_EXT = u32:1 u32:1048576 fill:0*16777216";

#[test]
fn a_long_report_needs_memory_and_fails_without() {
    // Memory runs short either when the chunk arrives or when it is decoded.
    for largest in [100_000, 1 << 20, 5 << 20, 16_777_215] {
        let handle = connected_to(Replies::Extended, LONG_REPORT);
        let mut calls = 0;
        let error = with_at_most(largest, || {
            let extents = Extent64Callback::new(|_, _, _| {
                calls += 1;
                Ok(())
            });
            handle.block_status_64(65536, 0, extents, 0).unwrap_err()
        });
        assert_eq!(error.errno(), libc::ENOMEM, "{largest}: {error}");
        assert_eq!(calls, 0);
        check_works(&handle);
    }
}

#[test]
fn the_form_that_a_caller_wants_needs_memory_as_well() {
    // 8 MiB on the wire and for the caller, 16 MiB in between.
    let script = "read-request BLOCK_STATUS
        chunk DONE BLOCK_STATUS u32:1 fill:1*8388608";
    let handle = connected_to(Replies::Structured, script);
    let error = with_at_most(9 << 20, || {
        let extents = ExtentCallback::new(|_, _, _| Ok(()));
        handle.block_status(65536, 0, extents, 0).unwrap_err()
    });
    assert_eq!(error.errno(), libc::ENOMEM, "{error}");
    check_works(&handle);
}

#[test]
fn what_is_skipped_needs_no_memory() {
    for script in [
        // One extent too many.
        "read-request BLOCK_STATUS
         ext-chunk DONE BLOCK_STATUS_EXT = u32:1 u32:1048577 fill:0*16777232",
        // An unknown context.
        "read-request BLOCK_STATUS
         ext-chunk 0 BLOCK_STATUS_EXT = u32:99 u32:1048576 fill:0*16777216
         ext-chunk DONE ERROR = u32:5 u16:0",
        // A context that has already been reported.
        "read-request BLOCK_STATUS
         ext-chunk 0 BLOCK_STATUS_EXT = u32:1 u32:1 u64:512 u64:1
         ext-chunk 0 BLOCK_STATUS_EXT = u32:1 u32:1048576 fill:0*16777216
         ext-chunk DONE ERROR = u32:5 u16:0",
    ] {
        let handle = connected_to(Replies::Extended, script);
        ASKED.set(0);
        let extents = Extent64Callback::new(|_, _, _| Ok(()));
        let error = handle.block_status_64(65536, 0, extents, 0).unwrap_err();
        assert!(
            [libc::EPROTO, libc::EIO].contains(&error.errno()),
            "{error}"
        );
        assert!(ASKED.get() <= 1 << 17, "{} bytes", ASKED.get());
        check_works(&handle);
    }
}

/// Every second byte of a read arrives in a chunk of its own, and the client
/// must keep track of each.
#[test]
fn a_read_in_crumbs_needs_memory_and_fails_without() {
    let crumbs = (0..10_000).map(|at| format!("chunk 0 OFFSET_DATA u64:{} 07\n", at * 2 + 1));
    let script = format!(
        "read-request READ\n{}chunk DONE NONE",
        crumbs.collect::<String>()
    );
    let handle = connected_to(Replies::Structured, &script);
    let mut buf = vec![1; 1 << 20];
    let error = with_at_most(70_000, || handle.pread(&mut buf, 0, 0).unwrap_err());
    assert_eq!(error.errno(), libc::ENOMEM, "{error}");
    // No stale memory is exposed, although not every byte is tracked.
    assert_eq!(buf.iter().position(|byte| *byte == 1), None);
    check_works(&handle);
}
