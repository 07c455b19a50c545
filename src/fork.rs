//! Locks of the whole process, and `fork`.
//!
//! A child has only one thread, the one that forked.  A lock that another
//! thread held at that moment stays locked in the child forever.  So whoever
//! takes a lock that all handles share, of this crate or of a library below it,
//! announces it with [`busy`], and `fork` waits until no thread is busy.
//!
//! Both sides pass a gate, one word that counts the threads that are busy and
//! those that fork.  Neither side enters while the other is inside, but each
//! may be inside many times: threads that fork at the same time do not block
//! each other.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use crate::sys;

/// One busy thread, in the word; threads that fork are counted in the bits
/// above.
const BUSY: u32 = 1;
const ALL_BUSY: u32 = FORKING.wrapping_sub(1);
/// One thread that forks.
const FORKING: u32 = 1 << 22;

static GATE: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between the first process and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

static PREPARED: AtomicBool = AtomicBool::new(false);

/// What one thread is doing.
struct Own {
    busy: Cell<u32>,
    forking: Cell<u32>,
}

thread_local! {
    static OWN: Own = const { Own { busy: Cell::new(0), forking: Cell::new(0) } };
}

/// This thread is inside code that takes locks of the whole process.
#[derive(Debug)]
#[must_use]
pub struct Busy {
    /// It must end in the thread in which it began.
    _thread: PhantomData<*const ()>,
}

/// Keeps other threads from forking until the result is dropped.  A thread can
/// be busy several times over, and can fork all the same.
///
/// Nothing inside may wait or call a callback of the program, because a fork
/// waits for the end.
pub fn busy() -> Busy {
    OWN.with(|own| {
        if own.busy.get() == 0 && own.forking.get() == 0 {
            prepare_for_forks();
            enter();
        }
        own.busy.set(own.busy.get().wrapping_add(1));
    });
    Busy {
        _thread: PhantomData,
    }
}

impl Busy {
    /// Lets the thread stay busy until `kept` is dropped.
    pub fn keep(self) {
        mem::forget(self);
    }

    /// What the same thread has let go with `keep`.
    pub fn kept() -> Self {
        Self {
            _thread: PhantomData,
        }
    }
}

#[cfg(test)]
pub fn is_busy() -> bool {
    OWN.with(|own| own.busy.get() > 0)
}

impl Drop for Busy {
    fn drop(&mut self) {
        OWN.with(|own| {
            own.busy.set(own.busy.get().wrapping_sub(1));
            if own.busy.get() == 0 && own.forking.get() == 0 {
                leave();
            }
        });
    }
}

/// A number that changes in a child.  When it has changed, what other threads
/// have left in memory is void, because they no longer exist.
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Counts the threads that are inside a few instructions which never wait, so
/// that another thread can wait until they are out.
///
/// Entering takes no lock and allocates nothing, so signal handlers can do it.
/// In a child the counts begin again, because the other threads do not exist.
#[derive(Debug, Default)]
pub struct Passing {
    /// Two doors, each with the generation in the upper half and the count in
    /// the lower one.
    doors: [AtomicUsize; 2],
    /// The door for those who come next.  Whoever waits for one directs them to
    /// the other, because many who come and go all the time may never all be
    /// out at the same moment.
    second: AtomicBool,
}

impl Passing {
    /// Runs `operation` as one of those that are inside.
    pub fn pass<R>(&self, operation: impl FnOnce() -> R) -> R {
        let generation = generation();
        let [first, second] = &self.doors;
        let door = match self.second.load(Ordering::SeqCst) {
            false => first,
            true => second,
        };
        let _ = door.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
            let count = count_in(word, generation);
            Some(nobody_in(generation) | count.wrapping_add(1))
        });
        let result = operation();
        // Unless this thread has forked meanwhile, in a signal handler.
        let _ = door.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
            (count_in(word, generation) > 0).then(|| word.wrapping_sub(1))
        });
        result
    }

    /// Waits until everybody who has entered before is out.  What they must not
    /// see when they enter from now on has been stored with `SeqCst` before.
    pub fn wait_until_empty(&self) {
        // A thread of lower priority may need the processor to get out.
        const NAP: Duration = Duration::from_micros(50);

        for (door, is_second) in self.doors.iter().zip([false, true]) {
            while count_in(door.load(Ordering::SeqCst), generation()) > 0 {
                self.second.store(!is_second, Ordering::SeqCst);
                std::thread::sleep(NAP);
            }
        }
    }
}

/// Bits of a count.
const HALF: u32 = usize::BITS / 2;

/// A door of this generation.  Where words are short, it has only the lower bits
/// of the number.
fn nobody_in(generation: u32) -> usize {
    usize::try_from(generation).unwrap_or(0) << HALF
}

/// The count, if it is of this generation.
fn count_in(word: usize, generation: u32) -> usize {
    let count = word ^ nobody_in(generation);
    if count >> HALF == 0 { count } else { 0 }
}

fn enter() {
    let mut now = GATE.load(Ordering::Relaxed);
    loop {
        if now > ALL_BUSY {
            sys::wait_while(&GATE, now);
            now = GATE.load(Ordering::Relaxed);
            continue;
        }
        let more = now.wrapping_add(BUSY);
        match GATE.compare_exchange_weak(now, more, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return,
            Err(other) => now = other,
        }
    }
}

fn leave() {
    if GATE.fetch_sub(BUSY, Ordering::Release) > ALL_BUSY {
        sys::wake_all(&GATE);
    }
}

/// Several threads may do this at the same time.  That does no harm, and a lock
/// to prevent it would be one more that a fork can catch.
fn prepare_for_forks() {
    if !PREPARED.load(Ordering::Acquire) && sys::at_fork(before, in_parent, in_child) {
        PREPARED.store(true, Ordering::Release);
    }
}

/// Waits until no other thread is busy, and keeps it like that.
extern "C" fn before() {
    OWN.with(|own| {
        own.forking.set(own.forking.get().wrapping_add(1));
        if own.forking.get() > 1 {
            return;
        }
        // Nobody waits for this thread, not even another thread that forks.
        let change = FORKING.wrapping_sub(counted(own));
        let mut now = GATE
            .fetch_add(change, Ordering::AcqRel)
            .wrapping_add(change);
        if own.busy.get() > 0 {
            sys::wake_all(&GATE);
        }
        while now & ALL_BUSY != 0 {
            sys::wait_while(&GATE, now);
            now = GATE.load(Ordering::Acquire);
        }
    });
}

extern "C" fn in_parent() {
    OWN.with(|own| {
        own.forking.set(own.forking.get().saturating_sub(1));
        if own.forking.get() == 0 {
            GATE.fetch_sub(FORKING.wrapping_sub(counted(own)), Ordering::AcqRel);
            sys::wake_all(&GATE);
        }
    });
}

/// Nobody else is there.
extern "C" fn in_child() {
    OWN.with(|own| {
        own.forking.set(own.forking.get().saturating_sub(1));
        if own.forking.get() == 0 {
            GATE.store(counted(own), Ordering::Relaxed);
            GENERATION.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// What this thread counts for as one that is busy.
fn counted(own: &Own) -> u32 {
    BUSY.wrapping_mul(own.busy.get().min(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Whether `child` is true in a child of this process, which has 10 seconds
    /// for it.
    #[allow(unsafe_code, reason = "the library itself forks only to run programs")]
    fn forked(child: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child does nothing that needs another thread.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: neither needs anything of the process.
                unsafe {
                    libc::alarm(10);
                    libc::_exit(i32::from(!child()));
                }
            }
            pid => {
                let mut status = 0;
                // SAFETY: `status` has room for the result.
                assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
                status == 0
            }
        }
    }

    #[test]
    fn a_child_finds_no_lock_taken_that_is_taken_while_busy() {
        static LOCK: Mutex<u64> = Mutex::new(0);
        static STOP: AtomicBool = AtomicBool::new(false);
        let threads = [(); 3].map(|()| {
            std::thread::spawn(|| {
                while !STOP.load(Ordering::Relaxed) {
                    let _outer = busy();
                    let _inner = busy();
                    *LOCK.lock().unwrap() += 1;
                }
            })
        });
        let all_well = (0..300).all(|_| {
            forked(|| {
                let _busy = busy();
                LOCK.try_lock().is_ok()
            })
        });
        STOP.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(all_well);
    }

    #[test]
    fn who_passes_is_waited_for_but_not_in_a_child() {
        let passing = Passing::default();
        assert_eq!(passing.pass(|| passing.pass(|| 7)), 7);
        passing.wait_until_empty();
        let (tell, told) = mpsc::channel();
        let is_out = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                passing.pass(|| {
                    tell.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(20));
                    is_out.store(true, Ordering::SeqCst);
                });
            });
            told.recv().unwrap();
            assert!(forked(|| {
                passing.wait_until_empty();
                passing.pass(|| ());
                passing.wait_until_empty();
                true
            }));
            passing.wait_until_empty();
            assert!(is_out.load(Ordering::SeqCst));
        });
    }

    #[test]
    fn a_busy_thread_can_fork() {
        let before = generation();
        let outer = busy();
        assert!(forked(|| {
            drop(busy());
            drop(outer);
            drop(busy());
            generation() == before.wrapping_add(1)
        }));
        assert_eq!(generation(), before);
    }

    #[test]
    fn a_fork_waits_for_the_end_of_what_another_thread_does() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let busy = busy();
            tell.send("busy").unwrap();
            ended.recv().unwrap();
            tell.send("not busy").unwrap();
            drop(busy);
        });
        assert_eq!(told.recv().unwrap(), "busy");
        let forking = std::thread::spawn(move || {
            assert!(forked(|| true));
            told.recv_timeout(Duration::ZERO).unwrap()
        });
        while GATE.load(Ordering::Relaxed) < FORKING {
            std::thread::yield_now();
        }
        end.send(()).unwrap();
        assert_eq!(forking.join().unwrap(), "not busy");
        thread.join().unwrap();
    }
}
