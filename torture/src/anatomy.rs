//! Where headers and lengths are in the messages of a server.

use std::ops::Range;

/// The parts of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anatomy {
    /// The bytes that say what the message is; the rest is its payload.
    pub header: usize,
    /// Numbers that say how long or how many something is.
    pub lengths: Vec<Range<usize>>,
    /// How long the message is.
    pub size: usize,
}

/// Takes the first message of a stream apart.  `None` if it is incomplete.
/// `read_size` tells how much data follows a simple reply to the command with
/// this cookie.
pub fn dissect(stream: &[u8], read_size: impl Fn(u64) -> usize) -> Option<Anatomy> {
    let anatomy = match (number(stream, 0..4)?, number(stream, 0..8)) {
        (_, Some(0x4e42_444d_4147_4943)) => greeting(stream)?,
        (_, Some(0x0003_e889_0455_65a9)) => option_reply(stream)?,
        (0x6744_6698, _) => {
            let data = match number(stream, 4..8)? {
                0 => read_size(number(stream, 8..16)?),
                _ => 0,
            };
            parts(16, &[], 16 + data)
        }
        (0x668e_33ef, _) => {
            let size = usize::try_from(number(stream, 16..20)?).ok()?;
            chunk(stream, 20, size, 16..20, 4)
        }
        (0x6e8a_278c, _) => {
            let size = usize::try_from(number(stream, 24..32)?).ok()?;
            chunk(stream, 32, size, 24..32, 8)
        }
        // Size and flags, in reply to EXPORT_NAME.
        _ if stream.len() >= 134 && stream[10..134] == [0; 124] => parts(10, &[0..8], 134),
        _ => parts(10, &[0..8], 10),
    };
    (anatomy.size <= stream.len()).then_some(anatomy)
}

/// A big-endian number.
fn number(stream: &[u8], at: Range<usize>) -> Option<u64> {
    let bytes = stream.get(at)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    )
}

fn parts(header: usize, lengths: &[Range<usize>], size: usize) -> Anatomy {
    Anatomy {
        header,
        lengths: lengths.to_vec(),
        size,
    }
}

fn greeting(stream: &[u8]) -> Option<Anatomy> {
    Some(match number(stream, 8..16)? {
        0x4948_4156_454f_5054 => parts(18, &[], 18),
        // Oldstyle: magic, size, flags, zeroes.
        _ => parts(28, &[16..24], 152),
    })
}

fn option_reply(stream: &[u8]) -> Option<Anatomy> {
    const SERVER: u64 = 2;
    const INFO: u64 = 3;
    let (kind, length) = (number(stream, 12..16)?, number(stream, 16..20)?);
    let size = 20 + usize::try_from(length).ok()?;
    let information = number(stream, 20..22).filter(|_| kind == INFO && length >= 2);
    Some(match (kind, information) {
        (SERVER, _) => parts(24, &[16..20, 20..24], size),
        (_, Some(0)) => parts(32, &[16..20, 22..30], size),
        (_, Some(3)) => parts(34, &[16..20, 22..26, 26..30, 30..34], size),
        (_, Some(_)) => parts(22, &[16..20], size),
        _ => parts(20, &[16..20], size),
    })
}

/// `word` is the size of the lengths of extents.
fn chunk(
    stream: &[u8],
    start: usize,
    payload: usize,
    length: Range<usize>,
    word: usize,
) -> Anatomy {
    const DATA: u64 = 1;
    const HOLE: u64 = 2;
    const STATUS: u64 = 5;
    const STATUS_EXT: u64 = 6;
    let size = start + payload;
    let kind = number(stream, 6..8).unwrap_or(0);
    let mut lengths = vec![length];
    let mut field = |at: usize, width: usize| lengths.push(start + at..start + at + width);
    let header = match kind {
        DATA => {
            field(0, 8);
            start + 8
        }
        HOLE => {
            field(0, 8);
            field(8, 4);
            start + 12
        }
        STATUS => {
            (4..payload).step_by(8).for_each(|at| field(at, 4));
            size
        }
        STATUS_EXT => {
            field(4, 4);
            (8..payload).step_by(2 * word).for_each(|at| field(at, 8));
            size
        }
        // Errors.
        0x8000.. => {
            field(4, 2);
            start + 6
        }
        _ => start,
    };
    lengths.retain(|length| length.end <= size);
    parts(header.min(size), &lengths, size)
}
