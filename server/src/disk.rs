//! The disk behind an export: sparse memory, or a file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::wire::state;

/// Granularity of allocation, hence of holes.
pub const PAGE: u64 = 4096;

type Pages = BTreeMap<u64, Box<[u8]>>;

/// A disk that any number of connections and tests may share.
#[derive(Debug)]
pub struct Disk {
    size: u64,
    store: Store,
}

#[derive(Debug)]
enum Store {
    /// Pages that were written; the others hold `blank`.
    Memory {
        pages: RwLock<Pages>,
        blank: Blank,
    },
    File(File),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blank {
    Zero,
    Pattern,
}

impl Blank {
    fn fill(self, offset: u64, buffer: &mut [u8]) {
        match self {
            Blank::Zero => buffer.fill(0),
            Blank::Pattern => fill_pattern(offset, buffer),
        }
    }
}

/// Fills `buffer` with the pattern: every aligned eight bytes contain their own offset, big-endian.
pub fn fill_pattern(offset: u64, buffer: &mut [u8]) {
    for (position, byte) in (offset..).zip(buffer) {
        *byte = (position & !7).to_be_bytes()[(position & 7) as usize];
    }
}

impl Disk {
    /// Sparse memory that reads as zeroes.
    pub fn ram(size: u64) -> Disk {
        Disk::memory(size, Blank::Zero)
    }

    /// Memory in which every aligned eight bytes contain their own offset, until overwritten.
    pub fn pattern(size: u64) -> Disk {
        Disk::memory(size, Blank::Pattern)
    }

    fn memory(size: u64, blank: Blank) -> Disk {
        Disk {
            size,
            store: Store::Memory {
                pages: RwLock::default(),
                blank,
            },
        }
    }

    /// The file at `path`, with its current size.
    pub fn file(path: &Path, read_only: bool) -> io::Result<Disk> {
        let file = OpenOptions::new().read(true).write(!read_only).open(path)?;
        Ok(Disk {
            size: file.metadata()?.len(),
            store: Store::File(file),
        })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the range that begins at `offset`.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.check(offset, buffer.len() as u64)?;
        match &self.store {
            Store::Memory { pages, blank } => {
                let pages = read_lock(pages);
                for (page, start, part) in by_page(offset, buffer) {
                    match pages.get(&page) {
                        Some(bytes) => part.copy_from_slice(&bytes[start..start + part.len()]),
                        None => blank.fill(page * PAGE + start as u64, part),
                    }
                }
                Ok(())
            }
            Store::File(file) => file.read_exact_at(buffer, offset),
        }
    }

    /// Writes the range that begins at `offset`.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check(offset, data.len() as u64)?;
        match &self.store {
            Store::Memory { pages, blank } => {
                let mut pages = write_lock(pages);
                let mut rest = data;
                while !rest.is_empty() {
                    let at = offset + (data.len() - rest.len()) as u64;
                    let start = (at % PAGE) as usize;
                    let (part, tail) = rest.split_at(rest.len().min(PAGE as usize - start));
                    allocated(&mut pages, at / PAGE, *blank)[start..start + part.len()]
                        .copy_from_slice(part);
                    rest = tail;
                }
                Ok(())
            }
            Store::File(file) => file.write_all_at(data, offset),
        }
    }

    /// Is [`Disk::zero`] with `hole` faster than writing?
    pub fn zeroes_fast(&self) -> bool {
        matches!(
            self.store,
            Store::Memory {
                blank: Blank::Zero,
                ..
            }
        )
    }

    /// Makes a range read as zeroes; with `hole` whole pages may be given back.
    pub fn zero(&self, offset: u64, length: u64, hole: bool) -> io::Result<()> {
        self.check(offset, length)?;
        let hole = hole && self.zeroes_fast();
        let (inner, end) = if hole {
            self.release(offset, length)
        } else {
            (offset, offset)
        };
        self.write_zeroes(offset, inner)?;
        self.write_zeroes(end, offset + length)
    }

    fn write_zeroes(&self, from: u64, to: u64) -> io::Result<()> {
        let zeroes = vec![0; to.saturating_sub(from).min(1 << 20) as usize];
        let mut at = from;
        while at < to {
            let part = &zeroes[..(to - at).min(zeroes.len() as u64) as usize];
            self.write_at(at, part)?;
            at += part.len() as u64;
        }
        Ok(())
    }

    /// Gives back the whole pages inside a range; what they read afterwards is undefined.
    pub fn trim(&self, offset: u64, length: u64) -> io::Result<()> {
        self.check(offset, length)?;
        self.release(offset, length);
        Ok(())
    }

    /// Gives back whole pages, and returns the range they covered (empty: none).
    fn release(&self, offset: u64, length: u64) -> (u64, u64) {
        let end = offset + length;
        let first = offset.div_ceil(PAGE);
        // The last page of a disk may be a short one.
        let last = if end == self.size {
            end.div_ceil(PAGE)
        } else {
            end / PAGE
        };
        if first >= last {
            return (end, end);
        }
        if let Store::Memory { pages, .. } = &self.store {
            let mut pages = write_lock(pages);
            let mut tail = pages.split_off(&first);
            pages.append(&mut tail.split_off(&last));
        }
        (first * PAGE, (last * PAGE).min(end))
    }

    /// Flushes what was written to stable storage.
    pub fn sync(&self) -> io::Result<()> {
        match &self.store {
            Store::Memory { .. } => Ok(()),
            Store::File(file) => file.sync_data(),
        }
    }

    /// The extent that begins at `offset`: length and `base:allocation` flags.
    pub fn allocation(&self, offset: u64) -> (u64, u64) {
        let left = self.size.saturating_sub(offset);
        let Store::Memory {
            pages,
            blank: Blank::Zero,
        } = &self.store
        else {
            return (left, 0);
        };
        let pages = read_lock(pages);
        let first = offset / PAGE;
        let (end, flags) = match pages.range(first..).next() {
            Some((&page, _)) if page == first => (run_end(&pages, first), 0),
            Some((&page, _)) => (page, state::HOLE | state::ZERO),
            None => (u64::MAX / PAGE, state::HOLE | state::ZERO),
        };
        ((end * PAGE - offset).min(left), flags)
    }

    fn check(&self, offset: u64, length: u64) -> io::Result<()> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(io::Error::new(
                ErrorKind::InvalidInput,
                "beyond the end of the disk",
            )),
        }
    }
}

/// The first page after `first` that was not written.
fn run_end(pages: &Pages, first: u64) -> u64 {
    let run = pages
        .range(first..)
        .zip(first..)
        .take_while(|((page, _), expected)| *page == expected);
    first + run.count() as u64
}

fn allocated(pages: &mut Pages, page: u64, blank: Blank) -> &mut [u8] {
    pages.entry(page).or_insert_with(|| {
        let mut bytes = vec![0; PAGE as usize];
        blank.fill(page * PAGE, &mut bytes);
        bytes.into_boxed_slice()
    })
}

/// Splits `buffer` at page borders: page number, start within the page, part.
fn by_page(offset: u64, buffer: &mut [u8]) -> impl Iterator<Item = (u64, usize, &mut [u8])> {
    let lead = buffer.len().min((PAGE - offset % PAGE) as usize);
    let (head, rest) = buffer.split_at_mut(lead);
    let pages = rest
        .chunks_mut(PAGE as usize)
        .zip(offset / PAGE + 1..)
        .map(|(part, page)| (page, 0, part));
    std::iter::once((offset / PAGE, (offset % PAGE) as usize, head)).chain(pages)
}

// A panic elsewhere leaves the pages consistent, because each is changed in place by one copy.
fn read_lock(pages: &RwLock<Pages>) -> RwLockReadGuard<'_, Pages> {
    pages.read().unwrap_or_else(PoisonError::into_inner)
}

fn write_lock(pages: &RwLock<Pages>) -> RwLockWriteGuard<'_, Pages> {
    pages.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(disk: &Disk, offset: u64, length: usize) -> Vec<u8> {
        let mut buffer = vec![0xaa; length];
        disk.read_at(offset, &mut buffer).unwrap();
        buffer
    }

    #[test]
    fn pattern_holds_offsets_at_any_alignment() {
        let disk = Disk::pattern(3 * PAGE);
        assert_eq!(contents(&disk, 16, 8), 16_u64.to_be_bytes());
        assert_eq!(contents(&disk, PAGE - 1, 3), [0xf8, 0, 0]);
        disk.write_at(18, b"xy").unwrap();
        assert_eq!(contents(&disk, 16, 8), *b"\0\0xy\0\0\0\x10");
        assert_eq!(contents(&disk, 2 * PAGE, 8), (2 * PAGE).to_be_bytes());
    }

    #[test]
    fn writes_cross_pages_and_allocate_them() {
        let disk = Disk::ram(10 * PAGE);
        assert_eq!(disk.allocation(0), (10 * PAGE, 3));
        disk.write_at(2 * PAGE - 1, &[1; 2]).unwrap();
        assert_eq!(contents(&disk, 2 * PAGE - 2, 4), [0, 1, 1, 0]);
        assert_eq!(disk.allocation(100), (PAGE - 100, 3));
        assert_eq!(disk.allocation(PAGE), (2 * PAGE, 0));
        assert_eq!(disk.allocation(3 * PAGE), (7 * PAGE, 3));
    }

    #[test]
    fn zeroing_makes_holes_of_whole_pages_only_when_allowed() {
        let disk = Disk::ram(4 * PAGE + 10);
        disk.write_at(0, &vec![7; 4 * PAGE as usize + 10]).unwrap();
        disk.zero(10, PAGE, true).unwrap();
        assert_eq!(
            disk.allocation(0),
            (4 * PAGE + 10, 0),
            "no whole page inside"
        );
        disk.zero(PAGE - 1, PAGE + 2, true).unwrap();
        assert_eq!(disk.allocation(PAGE), (PAGE, 3));
        assert_eq!(contents(&disk, 2 * PAGE, 2), [0, 7]);
        disk.zero(4 * PAGE, 10, true).unwrap();
        assert_eq!(disk.allocation(4 * PAGE), (10, 3), "the short last page");
        disk.zero(2 * PAGE, PAGE, false).unwrap();
        assert_eq!(disk.allocation(2 * PAGE), (2 * PAGE, 0));
        assert_eq!(
            contents(&disk, 2 * PAGE, PAGE as usize),
            vec![0; PAGE as usize]
        );
    }

    #[test]
    fn zeroing_the_pattern_writes_zeroes() {
        let disk = Disk::pattern(4 * PAGE);
        disk.zero(0, 2 * PAGE, true).unwrap();
        assert_eq!(contents(&disk, PAGE, 8), [0; 8]);
        assert_eq!(contents(&disk, 2 * PAGE, 8), (2 * PAGE).to_be_bytes());
    }

    #[test]
    fn refuses_what_lies_beyond_the_end() {
        let disk = Disk::ram(100);
        assert!(disk.read_at(99, &mut [0; 2]).is_err());
        assert!(disk.write_at(u64::MAX, &[0; 2]).is_err());
        assert!(disk.zero(0, 101, true).is_err());
        assert!(disk.trim(u64::MAX, u64::MAX).is_err());
    }
}
