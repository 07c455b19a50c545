//! Resolving names within a limited time.
//!
//! The system's resolver has time limits of its own, which can add up to
//! minutes, and cannot be interrupted.  So it runs in a thread.  The caller
//! waits for it at one end of a pair of sockets, and leaves it alone if the time
//! is over: the thread finds out when the resolver returns, and drops the
//! result.

use std::ffi::{CStr, CString, c_int};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::address::SocketAddress;
use super::{Unresolved, Wait, block_signals, pair, poll, resolve, shutdown_write};

/// What the resolver returns.
type Resolved = Result<Vec<SocketAddress>, Unresolved>;

/// What the thread and its caller share.
struct Desk {
    /// The thread's end of the pair, as long as somebody waits at the other.
    /// A fork may copy it, so the thread does not merely close it, and what
    /// ends with the caller's wait is not left open until the thread ends.
    bell: Option<OwnedFd>,
    answer: Option<Resolved>,
}

/// Stack of the thread.  Modules of the name service are known to need more
/// than a little.
const STACK: usize = 1 << 20;

/// As `resolve`, for as long as `wait` waits for the end of the socket that it is
/// given.  `None` if that was not long enough.
///
/// A thread is only started for names, and if there is none to be had, the
/// caller waits for as long as it takes.
pub fn resolve_until(
    host: &CStr,
    port: &CStr,
    family: c_int,
    wait: impl FnOnce(BorrowedFd<'_>),
) -> Option<Resolved> {
    if is_numeric(host, port) {
        return Some(resolve(host, port, family));
    }
    let Ok((ours, bell)) = pair(libc::SOCK_STREAM) else {
        return Some(resolve(host, port, family));
    };
    let desk = Arc::new(Mutex::new(Desk {
        bell: Some(bell),
        answer: None,
    }));
    if !start(Arc::clone(&desk), host.to_owned(), port.to_owned(), family) {
        return Some(resolve(host, port, family));
    }
    wait(ours.as_fd());
    let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
    desk.bell = None;
    desk.answer.take()
}

/// Waits until either end of a socket has been shut down, or until the deadline.
pub fn wait_for_end(ours: BorrowedFd<'_>, deadline: Instant) {
    let wait = Wait {
        fd: ours.as_raw_fd(),
        events: libc::POLLIN,
    };
    let left = deadline.saturating_duration_since(Instant::now());
    // If this fails, for lack of memory, nothing is lost but the time.
    if poll([wait], Some(left)).is_err() {
        thread::sleep(left.min(Duration::from_millis(10)));
    }
}

/// Starts the thread.  No signal of the program may reach it: a handler can
/// expect to run in a thread of the program.
fn start(desk: Arc<Mutex<Desk>>, host: CString, port: CString, family: c_int) -> bool {
    let _blocked = block_signals();
    let thread = thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(move || {
        let resolved = resolve(&host, &port, family);
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = desk.bell.take() {
            desk.answer = Some(resolved);
            // If it fails, the caller waits until its time is over.
            let _ = shutdown_write(bell.as_fd());
        }
    });
    thread.is_ok()
}

/// Whether nobody has to be asked.
fn is_numeric(host: &CStr, port: &CStr) -> bool {
    let host = host.to_str().unwrap_or_default();
    // A zone is the name or number of an interface of this machine.
    let address = host.split('%').next().unwrap_or_default();
    address.parse::<IpAddr>().is_ok() && port.to_bytes().iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_have_to_be_resolved() {
        for (host, port, numeric) in [
            (c"127.0.0.1", c"10809", true),
            (c"::1", c"1", true),
            (c"fe80::1%lo", c"1", true),
            (c"localhost", c"1", false),
            (c"127.0.0.1", c"nbd", false),
            (c"", c"1", false),
            (c"\xff", c"1", false),
        ] {
            assert_eq!(is_numeric(host, port), numeric, "{host:?} {port:?}");
        }
    }

    #[test]
    fn a_name_is_resolved_in_time_or_not_at_all() {
        let soon = Instant::now() + Duration::from_secs(60);
        let wait = |ours: BorrowedFd<'_>| wait_for_end(ours, soon);
        let addresses = resolve_until(c"localhost", c"1", libc::AF_UNSPEC, wait);
        assert!(!addresses.unwrap().unwrap().is_empty());
        let failed = resolve_until(c"localhost", c"no such service", libc::AF_UNSPEC, wait);
        assert!(failed.unwrap().is_err());
    }
}
