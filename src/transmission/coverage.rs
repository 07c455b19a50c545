//! Which part of a read has arrived.
//!
//! A read succeeds only if its chunks cover the whole request, and a part that
//! never arrived must not show what the caller's memory held before.  Chunks
//! nearly always come in order, so a prefix is enough; what comes early is
//! kept as islands until the prefix reaches it.

use std::ops::Range;

/// A server that leaves more gaps than this open at once is not serious.
const MAX_ISLANDS: usize = 16_384;

/// The parts of a buffer that have been filled.
#[derive(Debug, Default)]
pub struct Coverage {
    prefix: usize,
    /// Sorted, apart from each other and from the prefix.
    islands: Vec<Range<usize>>,
    /// Bytes received, counting twice what came twice.
    received: usize,
    /// There were too many islands to remember.
    shattered: bool,
}

impl Coverage {
    /// Records that `count` bytes at `at` are in place.
    pub fn add(&mut self, at: usize, count: usize) {
        self.received = self.received.saturating_add(count);
        let end = at.saturating_add(count);
        if at > self.prefix {
            self.add_island(at..end);
            return;
        }
        self.prefix = self.prefix.max(end);
        let reached = self
            .islands
            .iter()
            .take_while(|island| island.start <= self.prefix)
            .count();
        for island in self.islands.drain(..reached) {
            self.prefix = self.prefix.max(island.end);
        }
    }

    fn add_island(&mut self, new: Range<usize>) {
        if new.is_empty() {
            return;
        }
        let first = self
            .islands
            .partition_point(|island| island.end < new.start);
        let touching = self
            .islands
            .iter()
            .skip(first)
            .take_while(|island| island.start <= new.end)
            .count();
        let mut merged = new;
        for island in self.islands.iter().skip(first).take(touching) {
            merged = merged.start.min(island.start)..merged.end.max(island.end);
        }
        if touching == 0 && self.islands.len() >= MAX_ISLANDS {
            self.shattered = true;
            return;
        }
        self.islands
            .splice(first..first.saturating_add(touching), [merged]);
    }

    /// Whether every byte of a request of `len` bytes came, and came once.
    pub fn is_exactly(&self, len: usize) -> bool {
        self.prefix == len && self.received == len && !self.shattered
    }

    /// The parts of a buffer of `len` bytes that were not filled.
    pub fn gaps(&self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
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

    fn gaps(coverage: &Coverage, len: usize) -> Vec<Range<usize>> {
        coverage.gaps(len).collect()
    }

    #[test]
    fn chunks_in_order_need_no_islands() {
        let mut coverage = Coverage::default();
        assert_eq!(gaps(&coverage, 10), [0..10]);
        coverage.add(0, 4);
        coverage.add(4, 6);
        assert!(coverage.is_exactly(10));
        assert!(coverage.islands.is_empty());
        assert!(gaps(&coverage, 10).is_empty());
    }

    #[test]
    fn chunks_in_any_order_cover_the_request() {
        let mut coverage = Coverage::default();
        coverage.add(8, 2);
        coverage.add(4, 2);
        assert_eq!(gaps(&coverage, 12), [0..4, 6..8, 10..12]);
        coverage.add(6, 2);
        coverage.add(0, 4);
        assert!(coverage.is_exactly(10));
        assert!(!coverage.is_exactly(12));
    }

    #[test]
    fn what_comes_twice_does_not_fill_a_gap() {
        let mut coverage = Coverage::default();
        coverage.add(0, 4);
        coverage.add(0, 4);
        assert!(!coverage.is_exactly(8));
        assert_eq!(gaps(&coverage, 8), [4..8]);
        coverage.add(4, 4);
        assert!(!coverage.is_exactly(8), "more bytes than the request has");
    }

    #[test]
    fn overlapping_islands_merge() {
        let mut coverage = Coverage::default();
        coverage.add(10, 5);
        coverage.add(20, 5);
        coverage.add(12, 10);
        assert_eq!(coverage.islands, [10..25]);
        coverage.add(0, 11);
        assert_eq!(coverage.prefix, 25);
        assert!(coverage.islands.is_empty());
    }

    #[test]
    fn endless_islands_cost_no_memory_and_never_count_as_success() {
        let mut coverage = Coverage::default();
        for at in 1..100_000 {
            coverage.add(at * 2, 1);
        }
        assert_eq!(coverage.islands.len(), MAX_ISLANDS);
        coverage.add(0, 1 << 20);
        assert!(!coverage.is_exactly(1 << 20));
    }
}
