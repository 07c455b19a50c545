//! The clock that the library sees: it stands still unless the harness moves it.
//!
//! So time limits pass at the same place in every run, and nobody waits for them.
//! The harness itself, outside [`library`](crate::allocator::library), sees the
//! true time.  Only on Linux: elsewhere no system call tells the true time behind
//! the function that is replaced.

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    /// Not zero, so that there is a time before.
    static NOW: Cell<Duration> = const { Cell::new(Duration::from_secs(1_000_000)) };
}

/// Time passes.
pub fn advance(time: Duration) {
    NOW.set(NOW.get() + time);
}

#[cfg(target_os = "linux")]
mod replacement {
    use std::ffi::{c_int, c_long};

    use libc::{clockid_t, timespec};

    use super::NOW;
    use crate::allocator::is_inside;

    /// Comes before the function of the system's C library.
    ///
    /// # Safety
    /// As for `clock_gettime`(2).
    #[unsafe(no_mangle)]
    pub(super) unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
        if clock != libc::CLOCK_MONOTONIC || !is_inside() {
            // SAFETY: the arguments are those of the call.
            let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
            return if result == 0 { 0 } else { -1 };
        }
        let now = NOW.get();
        let now = timespec {
            tv_sec: c_long::try_from(now.as_secs()).unwrap_or(c_long::MAX),
            tv_nsec: c_long::try_from(u64::from(now.subsec_nanos())).unwrap_or(0),
        };
        // SAFETY: by the contract of this function.
        unsafe { time.write(now) };
        0
    }
}
