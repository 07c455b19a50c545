//! The lock of a handle: a mutex that refuses to wait for ever.
//!
//! Callbacks run while locks are held, and call whatever they like.  So a
//! thread may come back to a lock that it holds, and two threads that each hold
//! one may come to that of the other.  Whoever would close such a circle gets
//! an error, and everybody else waits.
//!
//! Only a thread that holds one lock and waits for another can be part of a
//! circle, and that is rare.  Such threads are on a list while they wait, and
//! each looks through it before it joins: from the lock to its owner, from
//! there to the lock that this one waits for, and so on.  The last one to join
//! a circle is the one to see it, for all others are on the list, and each
//! became the owner of what it owns before it joined.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::error::Error;
use crate::fork::{self, Busy};

thread_local! {
    /// How many locks this thread holds.  Its address is the thread's name.
    static HELD: Cell<u32> = const { Cell::new(0) };
}

const NOBODY: usize = 0;

/// A value that one thread at a time can use.
#[derive(Debug)]
pub struct Lock<T> {
    /// The thread that holds the lock.  Others may see that late, but no thread
    /// is wrong about itself.
    owner: Arc<AtomicUsize>,
    value: Mutex<T>,
}

/// Why a thread must not wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadlock {
    /// It holds the lock itself.
    WithItself,
    /// Whoever holds the lock waits for this thread.
    WithAnother,
}

impl Deadlock {
    /// What the caller is told.
    #[cold]
    #[inline(never)]
    pub fn error(self) -> Error {
        let text = match self {
            Self::WithItself => {
                "called from a callback of the same handle, which is locked until that returns"
            }
            Self::WithAnother => {
                "called from a callback, whose end is what the handle's current call waits for"
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

    /// Waits until no other thread holds the lock, and takes it.  The value is
    /// as a panic left it, if there was one.
    pub fn lock(&self) -> Result<Guard<'_, T>, Deadlock> {
        HELD.with(|held| {
            let this = name(held);
            if self.owner.load(Ordering::Relaxed) == this {
                return Err(Deadlock::WithItself);
            }
            let value = match self.value.try_lock() {
                Ok(value) => value,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => self.wait(held)?,
            };
            self.owner.store(this, Ordering::Relaxed);
            held.set(held.get().wrapping_add(1));
            Ok(Guard {
                owner: &self.owner,
                value,
            })
        })
    }

    #[cold]
    fn wait(&self, held: &Cell<u32>) -> Result<MutexGuard<'_, T>, Deadlock> {
        let _waiting = match held.get() {
            0 => None,
            _ => Some(Waiting::begin(name(held), &self.owner)?),
        };
        Ok(self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value, of a lock that nobody else has.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(held: &Cell<u32>) -> usize {
    ptr::from_ref(held).addr()
}

/// A lock, held.
pub struct Guard<'a, T> {
    owner: &'a AtomicUsize,
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
    fn drop(&mut self) {
        self.owner.store(NOBODY, Ordering::Relaxed);
        HELD.with(|held| held.set(held.get().wrapping_sub(1)));
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

/// This thread is on the list.
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
    fn lock() -> Self {
        let busy = fork::busy();
        Self {
            list: WAITERS.lock().unwrap_or_else(PoisonError::into_inner),
            _busy: busy,
        }
    }

    /// Whether the owner of a lock waits for `thread`, perhaps by way of
    /// others.
    fn lead_to(&self, thread: usize, owner: &AtomicUsize) -> bool {
        let mut owner = owner.load(Ordering::Relaxed);
        // A thread that got its lock a moment ago may still be on the list and
        // lead back to itself.
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
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_thread_is_refused_what_it_holds() {
        let lock = Lock::new(1);
        let guard = lock.lock().unwrap();
        assert_eq!(lock.lock().unwrap_err(), Deadlock::WithItself);
        drop(guard);
        *lock.lock().unwrap() += 1;
        assert_eq!(*lock.lock().unwrap(), 2);
    }

    #[test]
    fn a_panic_leaves_the_lock_to_others() {
        let lock = Lock::new(1);
        let panicked = crate::unwind::contain(|| {
            let _guard = lock.lock().unwrap();
            panic!("on purpose")
        });
        assert_eq!(panicked, None::<()>);
        assert_eq!(*lock.lock().unwrap(), 1);
    }

    /// Each thread holds one lock and asks for that of the next.
    fn circle(count: usize) -> usize {
        let locks: Vec<_> = (0..count).map(|_| Lock::new(())).collect();
        let all_hold = Barrier::new(count);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|i| {
                    let (locks, all_hold) = (&locks, &all_hold);
                    scope.spawn(move || {
                        let _mine = locks[i].lock().unwrap();
                        all_hold.wait();
                        let next = locks[(i + 1) % count].lock();
                        usize::from(next.is_err())
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
                let other = other.lock().unwrap();
                both_hold.wait();
                while Waiters::lock().list.is_empty() {
                    thread::yield_now();
                }
                drop(other);
            });
            let _one = one.lock().unwrap();
            both_hold.wait();
            assert!(other.lock().is_ok());
        });
    }
}
