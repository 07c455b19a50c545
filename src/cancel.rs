//! Cancelling a handle, from another thread or from a signal handler.
//!
//! Whatever waits on a handle waits for one descriptor, which is registered here
//! as the target.  A request sets a flag and then makes the target ready.  So
//! whoever waits registers the descriptor first, then checks the flag, and then
//! waits; a request is either seen by the check or ends the wait.
//!
//! Once a descriptor is closed, its number may at once belong to a file of the
//! program.  So before a target is closed or replaced, it is taken back, which
//! waits for requests that have already read the number.  That takes them one
//! system call, and those in signal handlers of this thread are over anyway.
//!
//! A request takes no lock, allocates nothing and touches no thread-local
//! variable but errno, which it leaves as it was.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering, fence};

use crate::fork::Passing;
use crate::sys;

/// No descriptor.
const NONE: RawFd = -1;

/// Whether a handle has been cancelled, and what to wake then.
#[derive(Debug)]
pub struct Cancel {
    requested: AtomicBool,
    target: AtomicI32,
    waking: Passing,
}

impl Default for Cancel {
    fn default() -> Self {
        Self {
            requested: AtomicBool::new(false),
            target: AtomicI32::new(NONE),
            waking: Passing::default(),
        }
    }
}

impl Cancel {
    /// Cancels the handle, for ever.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.waking.pass(|| {
            let target = self.target.load(Ordering::SeqCst);
            if target != NONE {
                sys::wake(target);
            }
        });
    }

    /// Whether the handle has been cancelled.
    #[inline]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Registers a descriptor until the result is dropped.
    pub fn watch<'a>(&'a self, fd: BorrowedFd<'a>) -> Watch<'a> {
        self.register(fd.as_raw_fd());
        Watch { cancel: self, fd }
    }

    fn register(&self, fd: RawFd) {
        self.target.store(fd, Ordering::SeqCst);
        // The flag is checked next.
        fence(Ordering::SeqCst);
    }

    /// From here on no request uses the number, unless it has been registered
    /// again.
    fn take_back(&self, fd: RawFd) {
        // Another descriptor may have been registered since.
        let _ = self
            .target
            .compare_exchange(fd, NONE, Ordering::SeqCst, Ordering::SeqCst);
        self.waking.wait_until_empty();
    }
}

/// A borrowed descriptor that a request wakes.
#[derive(Debug)]
#[must_use]
pub struct Watch<'a> {
    cancel: &'a Cancel,
    fd: BorrowedFd<'a>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.cancel.take_back(self.fd.as_raw_fd());
    }
}

/// A socket or timer that a request wakes, from its creation until it is
/// closed.
#[derive(Debug)]
pub struct Stoppable {
    fd: OwnedFd,
    cancel: Arc<Cancel>,
}

impl Stoppable {
    /// Registers the descriptor.
    pub fn new(fd: OwnedFd, cancel: &Arc<Cancel>) -> Self {
        cancel.register(fd.as_raw_fd());
        Self {
            fd,
            cancel: Arc::clone(cancel),
        }
    }

    /// Puts another file in its place, under the same number.
    pub fn replace(&self, new: OwnedFd) -> io::Result<()> {
        let number = self.fd.as_raw_fd();
        self.cancel.take_back(number);
        let replaced = sys::replace(&self.fd, new);
        self.cancel.register(number);
        replaced
    }
}

impl Drop for Stoppable {
    /// The descriptor itself is closed after this.
    fn drop(&mut self) {
        self.cancel.take_back(self.fd.as_raw_fd());
    }
}

impl AsFd for Stoppable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stoppable {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

#[cfg(test)]
impl From<OwnedFd> for Stoppable {
    fn from(fd: OwnedFd) -> Self {
        Self::new(fd, &Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    fn pair() -> (OwnedFd, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (ours.into(), theirs)
    }

    fn is_shut_down(peer: &mut UnixStream) -> bool {
        matches!(peer.read(&mut [0]), Ok(0))
    }

    #[test]
    fn only_what_is_registered_is_shut_down() {
        let cancel = Arc::<Cancel>::default();
        let (first, mut first_peer) = pair();
        let (second, mut second_peer) = pair();
        let first = Stoppable::new(first, &cancel);
        let second = Stoppable::new(second, &cancel);
        // The second has been registered since.
        let number = first.as_raw_fd();
        drop(first);
        assert!(is_shut_down(&mut first_peer));
        // Takes the number that has become free.
        let (bystander, mut bystander_peer) = pair();
        assert_eq!(bystander.as_raw_fd(), number);
        assert!(!cancel.is_requested());
        cancel.request();
        assert!(cancel.is_requested());
        assert!(is_shut_down(&mut second_peer));
        drop(second);
        cancel.request();
        assert!(!is_shut_down(&mut bystander_peer));
    }

    #[test]
    fn what_replaces_a_descriptor_is_registered() {
        let cancel = Arc::<Cancel>::default();
        let (first, _first_peer) = pair();
        let (second, mut second_peer) = pair();
        let stoppable = Stoppable::new(first, &cancel);
        let number = stoppable.as_raw_fd();
        stoppable.replace(second).unwrap();
        assert_eq!(stoppable.as_raw_fd(), number);
        assert!(!is_shut_down(&mut second_peer));
        cancel.request();
        assert!(is_shut_down(&mut second_peer));
    }

    #[test]
    fn a_timer_becomes_due() {
        let cancel = Arc::<Cancel>::default();
        let timer = Stoppable::new(sys::timer().unwrap(), &cancel);
        sys::set_timer(timer.as_fd(), Duration::from_secs(3600)).unwrap();
        assert!(!sys::is_due(timer.as_fd()).unwrap());
        cancel.request();
        let wait = sys::Wait {
            fd: timer.as_raw_fd(),
            events: libc::POLLIN,
        };
        assert!(
            sys::poll([wait], Some(Duration::from_secs(60)))
                .unwrap()
                .is_some()
        );
        assert!(sys::is_due(timer.as_fd()).unwrap());
    }

    /// The numbers go from one descriptor to the next while they are being
    /// shut down.
    #[test]
    fn no_bystander_is_hit() {
        let cancel = Arc::<Cancel>::default();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    cancel.request();
                }
            });
            for _ in 0..200 {
                let (ours, _peer) = pair();
                drop(Stoppable::new(ours, &cancel));
                let (bystander, mut peer) = pair();
                for _ in 0..10 {
                    assert!(!is_shut_down(&mut peer));
                    std::thread::yield_now();
                }
                drop(bystander);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
