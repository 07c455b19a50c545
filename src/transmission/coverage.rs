//! Which part of a read has arrived.
//!
//! A read succeeds only if its chunks cover the whole request, and a part that
//! never arrived must not show what the caller's memory held before.  Chunks
//! nearly always come in order, so a prefix is enough.  Parts that arrive early
//! are kept as islands, in the order of arrival.  They are sorted and joined
//! when their memory is full, and at the end, so that no order of chunks costs
//! more than sorting them.

use std::ops::Range;

/// The maximum number of gaps at a time; a server that leaves more is hostile
/// or broken.
const MAX_ISLANDS: usize = 1 << 20;

/// The parts of a buffer that have been filled.
#[derive(Debug, Default)]
pub struct Coverage {
    prefix: usize,
    islands: Vec<Range<usize>>,
    /// Bytes announced; those announced twice count twice.
    announced: usize,
    /// Set if an island could not be stored; the errno says why.
    lost: Option<i32>,
}

impl Coverage {
    /// Whether a request of `len` bytes can take `count` more bytes.  Once a
    /// server has announced more than was requested, nothing more is accepted.
    #[inline]
    pub fn announce(&mut self, count: usize, len: usize) -> bool {
        self.announced = self.announced.saturating_add(count);
        self.announced <= len
    }

    /// Records that `count` bytes at `at` are in place.
    #[inline]
    pub fn add(&mut self, at: usize, count: usize) {
        let end = at.saturating_add(count);
        if count == 0 {
            return;
        }
        if at <= self.prefix {
            self.prefix = self.prefix.max(end);
            return;
        }
        match self.islands.last_mut() {
            // The next piece of the same chunk, or a neighbour of the last one.
            Some(last) if at <= last.end && last.start <= end => {
                *last = last.start.min(at)..last.end.max(end);
            }
            // The read has failed, and this part counts as a gap.
            _ if self.lost.is_some() => {}
            _ => match self.make_room() {
                Ok(()) => self.islands.push(at..end),
                Err(errno) => self.lost = Some(errno),
            },
        }
    }

    /// Room for one more island.  The memory doubles only if joining has not
    /// freed half of it, so what joining costs is spread over many islands.
    fn make_room(&mut self) -> Result<(), i32> {
        if self.islands.len() < self.islands.capacity() {
            return Ok(());
        }
        self.settle();
        let (len, capacity) = (self.islands.len(), self.islands.capacity());
        if capacity > 0 && len <= capacity / 2 {
            return Ok(());
        }
        if len >= MAX_ISLANDS {
            return Err(libc::EPROTO);
        }
        self.islands
            .try_reserve_exact(len.max(16))
            .map_err(|_| libc::ENOMEM)
    }

    /// Sorts the islands, and joins those that touch each other or the prefix.
    fn settle(&mut self) {
        self.islands.sort_unstable_by_key(|island| island.start);
        let prefix = &mut self.prefix;
        self.islands.retain(|island| {
            let apart = island.start > *prefix;
            if !apart {
                *prefix = island.end.max(*prefix);
            }
            apart
        });
        self.islands.dedup_by(|next, island| {
            let touching = next.start <= island.end;
            if touching {
                island.end = island.end.max(next.end);
            }
            touching
        });
    }

    /// The errno for a reply to a request of `len` bytes that ends now: 0 if
    /// every byte came, and came once.
    #[inline]
    pub fn verdict(&mut self, len: usize) -> i32 {
        // A server that sends the parts in order leaves none.
        if !self.islands.is_empty() {
            self.settle();
        }
        match self.lost {
            Some(errno) => errno,
            None if self.prefix == len && self.announced == len => 0,
            None => libc::EPROTO,
        }
    }

    /// The parts of a buffer of `len` bytes that were not filled.
    pub fn gaps(&mut self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        self.settle();
        let starts = std::iter::once(self.prefix).chain(self.islands.iter().map(|i| i.end));
        let ends = self.islands.iter().map(|i| i.start).chain([len]);
        starts
            .zip(ends)
            .map(move |(start, end)| start..end.min(len))
            .filter(|gap| !gap.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    fn gaps(coverage: &mut Coverage, len: usize) -> Vec<Range<usize>> {
        coverage.gaps(len).collect()
    }

    /// Announces and adds.
    fn fill(coverage: &mut Coverage, at: usize, count: usize) {
        coverage.announce(count, usize::MAX);
        coverage.add(at, count);
    }

    #[test]
    fn chunks_in_order_need_no_islands() {
        let mut coverage = Coverage::default();
        assert_eq!(gaps(&mut coverage, 10), [0..10]);
        fill(&mut coverage, 0, 4);
        fill(&mut coverage, 4, 6);
        assert_eq!(coverage.verdict(10), 0);
        assert_eq!(coverage.islands.capacity(), 0);
        assert!(gaps(&mut coverage, 10).is_empty());
    }

    #[test]
    fn chunks_in_any_order_cover_the_request() {
        let mut coverage = Coverage::default();
        fill(&mut coverage, 8, 2);
        fill(&mut coverage, 4, 2);
        assert_eq!(gaps(&mut coverage, 12), [0..4, 6..8, 10..12]);
        fill(&mut coverage, 6, 2);
        fill(&mut coverage, 0, 4);
        assert_eq!(coverage.verdict(10), 0);
        assert_eq!(coverage.verdict(12), libc::EPROTO);
    }

    #[test]
    fn what_comes_twice_does_not_fill_a_gap() {
        let mut coverage = Coverage::default();
        fill(&mut coverage, 0, 4);
        fill(&mut coverage, 0, 4);
        assert_eq!(coverage.verdict(8), libc::EPROTO);
        assert_eq!(gaps(&mut coverage, 8), [4..8]);
        fill(&mut coverage, 4, 4);
        assert_eq!(coverage.verdict(8), libc::EPROTO, "more than was asked for");
    }

    #[test]
    fn no_more_is_let_in_than_was_asked_for() {
        let mut coverage = Coverage::default();
        assert!(coverage.announce(6, 10));
        assert!(coverage.announce(4, 10));
        assert!(coverage.announce(0, 10));
        assert!(!coverage.announce(1, 10));
        assert!(!coverage.announce(0, 10), "never again");
        let mut coverage = Coverage::default();
        assert!(coverage.announce(6, 10));
        assert!(!coverage.announce(6, 10));
        assert!(!coverage.announce(4, 10), "what was refused counts");
    }

    #[test]
    fn overlapping_islands_merge() {
        let mut coverage = Coverage::default();
        fill(&mut coverage, 10, 5);
        fill(&mut coverage, 20, 5);
        fill(&mut coverage, 12, 10);
        assert_eq!(gaps(&mut coverage, 30), [0..10, 25..30]);
        fill(&mut coverage, 0, 11);
        assert_eq!(gaps(&mut coverage, 30), [25..30]);
        assert!(coverage.islands.is_empty());
    }

    #[test]
    fn chunks_and_their_pieces_that_follow_each_other_are_one_island() {
        let mut coverage = Coverage::default();
        for at in 1..100_000 {
            fill(&mut coverage, at, 1);
        }
        assert_eq!(coverage.islands, [1..100_000]);
        let mut coverage = Coverage::default();
        for at in (1..100_000).rev() {
            fill(&mut coverage, at, 1);
        }
        assert_eq!(coverage.islands, [1..100_000]);
    }

    /// The number of sectors in a read of 64 MiB.
    const SECTORS: usize = 131_072;

    #[test]
    fn no_order_of_chunks_is_too_much() {
        let mut order: Vec<usize> = (0..SECTORS).collect();
        let mut dice = Dice(1);
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        let strides = (1..=8).flat_map(|start| (start % 8..SECTORS).step_by(8));
        for order in [order, strides.collect()] {
            let mut coverage = Coverage::default();
            for at in order {
                fill(&mut coverage, at * 512, 512);
            }
            assert_eq!(coverage.verdict(SECTORS * 512), 0);
            assert!(coverage.islands.capacity() <= SECTORS);
        }
    }

    #[test]
    fn endless_islands_cost_little_memory_and_never_count_as_success() {
        let mut coverage = Coverage::default();
        for at in 1..3 * MAX_ISLANDS {
            fill(&mut coverage, at * 2, 1);
        }
        assert!(coverage.islands.len() <= 2 * MAX_ISLANDS);
        let len = 6 * MAX_ISLANDS;
        assert_eq!(gaps(&mut coverage, len).last().unwrap().end, len);
        coverage.announced = 0;
        fill(&mut coverage, 0, len);
        assert_eq!(coverage.verdict(len), libc::EPROTO);
        assert!(gaps(&mut coverage, len).is_empty());
    }
}
