//! The lock of a handle: a mutex that detects deadlocks.
//!
//! Callbacks run while locks are held, and may call any function.  So a thread
//! may try to take a lock that it already holds, and two threads that each hold
//! a lock may each try to take the other's.  The thread that would close such a
//! cycle gets an error, and all others wait.
//!
//! Only a thread that holds one lock and waits for another can be part of a
//! cycle, and such threads are rare.  They are on a list while they wait, and
//! each searches the list before it joins: from the lock to its owner, from the
//! owner to the lock that it waits for, and so on.  The last thread to join a
//! cycle always detects it, because all others are on the list, and each became
//! the owner of its locks before it joined.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::thread::Thread;
use crate::error::Error;
use crate::fork::{self, Busy};

const NOBODY: usize = 0;

/// A value that only one thread at a time can access.
#[derive(Debug)]
pub struct Lock<T> {
    /// The thread that holds the lock.  Other threads may see an outdated
    /// value, but every thread sees correctly whether it is the owner.
    owner: Arc<AtomicUsize>,
    value: Mutex<T>,
}

/// Why a thread must not wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadlock {
    /// The thread holds the lock itself.
    WithItself,
    /// The owner of the lock waits for this thread.
    WithAnother,
}

impl Deadlock {
    /// The error that the caller receives.
    #[cold]
    #[inline(never)]
    pub fn error(self) -> Error {
        let text = match self {
            Self::WithItself => {
                "called from a callback of the same handle, which is locked until the callback returns"
            }
            Self::WithAnother => {
                "called from a callback that the current call on the handle waits for"
            }
        };
        Error::new(libc::EDEADLK, text)
    }
}

impl<T> Lock<T> {
    pub fn new(value: T) -> Self {
        Self {
            owner: Arc::new(AtomicUsize::new(NOBODY)),
            value: Mutex::new(value),
        }
    }

    /// Waits until no other thread holds the lock, and takes it for this one.
    /// After a panic the value is in the state in which the panic left it.
    #[inline]
    pub fn lock<'a>(&'a self, thread: &'a Thread) -> Result<Guard<'a, T>, Deadlock> {
        let this = thread.name();
        if self.owner.load(Ordering::Relaxed) == this {
            return Err(Deadlock::WithItself);
        }
        let value = match self.value.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.wait(thread)?,
        };
        self.owner.store(this, Ordering::Relaxed);
        thread.held.set(thread.held.get().wrapping_add(1));
        Ok(Guard {
            owner: &self.owner,
            thread,
            value,
        })
    }

    #[cold]
    fn wait(&self, thread: &Thread) -> Result<MutexGuard<'_, T>, Deadlock> {
        let _waiting = match thread.held.get() {
            0 => None,
            _ => Some(Waiting::begin(thread.name(), &self.owner)?),
        };
        Ok(self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the value of a lock that is not shared.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock, held.
pub struct Guard<'a, T> {
    owner: &'a AtomicUsize,
    thread: &'a Thread,
    value: MutexGuard<'a, T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.owner.store(NOBODY, Ordering::Relaxed);
        let held = &self.thread.held;
        held.set(held.get().wrapping_sub(1));
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A thread that holds a lock and waits for another one.
#[derive(Debug)]
struct Waiter {
    thread: usize,
    /// The owner of the lock that it waits for.
    owner: Arc<AtomicUsize>,
    /// The process in which it waits.
    generation: u32,
}

static WAITERS: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());

/// Represents this thread's entry on the list.
struct Waiting(usize);

impl Waiting {
    fn begin(thread: usize, owner: &Arc<AtomicUsize>) -> Result<Self, Deadlock> {
        let mut waiters = Waiters::lock();
        let generation = fork::generation();
        waiters
            .list
            .retain(|waiter| waiter.generation == generation);
        if waiters.lead_to(thread, owner) {
            return Err(Deadlock::WithAnother);
        }
        waiters.list.push(Waiter {
            thread,
            owner: Arc::clone(owner),
            generation,
        });
        Ok(Self(thread))
    }
}

impl Drop for Waiting {
    #[inline]
    fn drop(&mut self) {
        let mut waiters = Waiters::lock();
        waiters.list.retain(|waiter| waiter.thread != self.0);
    }
}

/// The list, locked.
struct Waiters {
    list: MutexGuard<'static, Vec<Waiter>>,
    _busy: Busy,
}

impl Waiters {
    #[inline]
    fn lock() -> Self {
        let busy = fork::busy();
        Self {
            list: WAITERS.lock().unwrap_or_else(PoisonError::into_inner),
            _busy: busy,
        }
    }

    /// Returns whether the owner of a lock waits for `thread`, directly or
    /// through other threads.
    fn lead_to(&self, thread: usize, owner: &AtomicUsize) -> bool {
        let mut owner = owner.load(Ordering::Relaxed);
        // A thread that has just got its lock may still be on the list and lead
        // back to itself.
        for _ in 0..=self.list.len() {
            if owner == thread {
                return true;
            }
            let Some(waiter) = self.list.iter().find(|waiter| waiter.thread == owner) else {
                return false;
            };
            owner = waiter.owner.load(Ordering::Relaxed);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::thread::with;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_thread_is_refused_what_it_holds() {
        let lock = Lock::new(1);
        with(|me| {
            let guard = lock.lock(me).unwrap();
            assert_eq!(lock.lock(me).unwrap_err(), Deadlock::WithItself);
            drop(guard);
            *lock.lock(me).unwrap() += 1;
            assert_eq!(*lock.lock(me).unwrap(), 2);
        });
    }

    #[test]
    fn a_panic_leaves_the_lock_to_others() {
        let lock = Lock::new(1);
        let panicked = crate::unwind::contain(|| {
            with(|me| {
                let _guard = lock.lock(me).unwrap();
                panic!("on purpose")
            })
        });
        assert_eq!(panicked, None::<()>);
        with(|me| assert_eq!(*lock.lock(me).unwrap(), 1));
    }

    /// Each thread holds one lock and tries to take that of the next.
    fn circle(count: usize) -> usize {
        let locks: Vec<_> = (0..count).map(|_| Lock::new(())).collect();
        let all_hold = Barrier::new(count);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|i| {
                    let (locks, all_hold) = (&locks, &all_hold);
                    scope.spawn(move || {
                        with(|me| {
                            let _mine = locks[i].lock(me).unwrap();
                            all_hold.wait();
                            let next = locks[(i + 1) % count].lock(me);
                            usize::from(next.is_err())
                        })
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        })
    }

    #[test]
    fn a_circle_is_broken_in_one_place() {
        for count in 2..6 {
            for _ in 0..20 {
                assert_eq!(circle(count), 1, "{count} threads");
            }
        }
    }

    #[test]
    fn a_thread_waits_for_a_lock_whose_owner_can_go_on() {
        let (one, other) = (Lock::new(()), Lock::new(()));
        let both_hold = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                with(|me| {
                    let other = other.lock(me).unwrap();
                    both_hold.wait();
                    while Waiters::lock().list.is_empty() {
                        thread::yield_now();
                    }
                    drop(other);
                });
            });
            with(|me| {
                let _one = one.lock(me).unwrap();
                both_hold.wait();
                assert!(other.lock(me).is_ok());
            });
        });
    }
}
