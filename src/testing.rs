//! What tests of several modules share: how a stream arrives and is spoiled, and
//! what ends the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy takes only what is compiled for tests alone for tests"
)]
#![cfg_attr(not(test), allow(dead_code, reason = "the fuzzer uses a part"))]

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// What memory holds that nobody has filled.  No stream contains it, so
/// whoever sees it has been shown what was not sent.
pub const STALE: u8 = 0xaa;

/// In which pieces a stream arrives.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As much as there is room for.
    Whole,
    /// So many bytes at a time.
    Steps(usize),
    /// In two pieces, cut after so many bytes.
    Cut(usize),
}

impl Pace {
    /// The longest piece that may arrive after `position` bytes.
    pub fn longest(self, position: usize) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::Steps(step) => step,
            Self::Cut(cut) if position < cut => cut - position,
            Self::Cut(_) => usize::MAX,
        }
    }

    /// Every way to cut a stream of `len` bytes once, and one byte at a time.
    pub fn all(len: usize) -> impl Iterator<Item = Self> {
        // Miri is slow, and looks for other mistakes.
        let step = if cfg!(miri) { 23 } else { 1 };
        (1..len)
            .step_by(step)
            .map(Self::Cut)
            .chain([Self::Steps(1)])
    }
}

/// The stream with the byte at `at` changed: a gross change and a subtle one.
pub fn flips(stream: &[u8], at: usize) -> [(usize, Vec<u8>); 2] {
    [0xff, 0x01].map(|mask| {
        let mut spoiled = stream.to_vec();
        spoiled[at] ^= mask;
        (at, spoiled)
    })
}

/// Runs `fatal` in a process of its own, which it must end by aborting.  `test`
/// is the whole name of the test that calls this.
pub fn aborts(test: &str, fatal: impl FnOnce()) {
    const CHILD: &str = "LIBNBD_TEST_ABORTS";
    if std::env::var_os(CHILD).is_some() {
        fatal();
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert_eq!(child.status.signal(), Some(libc::SIGABRT));
}

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let below = (mixed >> 1) % u64::try_from(limit).unwrap();
        usize::try_from(below).unwrap()
    }

    /// A byte, but not [`STALE`].
    fn byte(&mut self) -> u8 {
        loop {
            let byte = u8::try_from(self.below(256)).unwrap();
            if byte != STALE {
                return byte;
            }
        }
    }

    /// `stream` with a few bytes changed, left out, put in or doubled, and
    /// perhaps cut short.
    pub fn spoil(&mut self, stream: &[u8]) -> Vec<u8> {
        let mut spoiled = stream.to_vec();
        for _ in 0..=self.below(3) {
            if spoiled.is_empty() {
                break;
            }
            let at = self.below(spoiled.len());
            let upto = spoiled.len().min(at + 1 + self.below(24));
            match self.below(6) {
                0 => spoiled.truncate(at),
                1 => drop(spoiled.drain(at..upto)),
                2 => spoiled.insert(at, self.byte()),
                3 => {
                    let doubled = spoiled[at..upto].to_vec();
                    spoiled.splice(at..at, doubled);
                }
                _ => spoiled[at] = self.byte(),
            }
        }
        spoiled
    }
}
