//! Block status payloads: from the wire to the caller's callback.

use std::ffi::CString;

use crate::callback::Extent;
use crate::protocol::Fields;
use crate::protocol::reply::kind;

use super::request::Along;

/// Largest length that replaces one too large for the caller's form: a
/// multiple of every block size, so that what is cut off starts aligned.
const LONGEST_32: u64 = (1 << 32) - (64 << 20);
const LONGEST_64: u64 = (1 << 63) - (64 << 20);

/// A meta context that the server granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaContext {
    /// The number that stands for it in replies.
    pub id: u32,
    /// Its name.
    pub name: CString,
}

/// The payload of a block status chunk: context id and extents.  `None` if it
/// is malformed.
pub fn parse(chunk_kind: u16, payload: &[u8]) -> Option<(u32, Vec<Extent>)> {
    let mut fields = Fields(payload);
    let id = fields.u32()?;
    let mut extents = Vec::new();
    if chunk_kind == kind::BLOCK_STATUS_EXT {
        let count = fields.u32()?;
        extents.reserve(fields.0.len() / 16);
        while !fields.0.is_empty() {
            let (length, flags) = (fields.u64()?, fields.u64()?);
            extents.push(Extent { length, flags });
        }
        if usize::try_from(count) != Ok(extents.len()) {
            return None;
        }
    } else {
        extents.reserve(fields.0.len() / 8);
        while !fields.0.is_empty() {
            let (length, flags) = (fields.u32()?.into(), fields.u32()?.into());
            extents.push(Extent { length, flags });
        }
    }
    (!extents.is_empty()).then_some((id, extents))
}

/// Which of the two callback forms receives the extents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Words32,
    Extents64,
}

/// Cuts the extents to what the caller can rely on: they stay within the
/// `available` bytes from the request to the end of the export, and every
/// length and status fits the caller's form.  Answers with the errno of what
/// the server did wrong, or 0.
pub fn clip(extents: &mut Vec<Extent>, available: u64, width: Width) -> i32 {
    let (longest, too_long, widest) = match width {
        Width::Words32 => (LONGEST_32, u64::from(u32::MAX), u64::from(u32::MAX)),
        Width::Extents64 => (LONGEST_64, u64::MAX >> 1, u64::MAX),
    };
    let mut error = 0;
    let mut left = available;
    let mut keep = 0usize;
    for extent in extents.iter_mut() {
        let first = keep == 0;
        if extent.length == 0 {
            // No progress: an error if it is all there is.
            if first {
                error = libc::EPROTO;
                keep = 1;
            }
            break;
        }
        let inexpressible = extent.flags > widest;
        if inexpressible && !first {
            break;
        }
        let mut last = false;
        if extent.length > left {
            extent.length = left;
            error = libc::EPROTO;
            last = true;
            if left == 0 && !first {
                break;
            }
        }
        if extent.length > too_long {
            extent.length = longest;
            last = true;
        }
        if inexpressible {
            // The caller must ask again in the 64-bit form.
            extent.flags &= widest;
            if error == 0 {
                error = libc::EOVERFLOW;
            }
            last = true;
        }
        left = left.saturating_sub(extent.length);
        keep = keep.saturating_add(1);
        if last {
            break;
        }
    }
    extents.truncate(keep);
    error
}

/// Hands the extents to the caller's callback.  Answers with what it returned
/// and with the errno it left behind.
pub fn deliver(
    along: &mut Along,
    context: &MetaContext,
    offset: u64,
    extents: &mut [Extent],
    error: i32,
) -> (i32, i32) {
    let mut value = error;
    let verdict = match along {
        Along::Extents32(callback) => {
            let mut words: Vec<u32> = extents
                .iter()
                .flat_map(|extent| [low(extent.length), low(extent.flags)])
                .collect();
            callback.call(&context.name, offset, &mut words, &mut value)
        }
        Along::Extents64(callback) => callback.call(&context.name, offset, extents, &mut value),
        Along::None | Along::Chunk(_) => 0,
    };
    (verdict, value)
}

/// `clip` has made the value fit.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::hex;

    fn extent(length: u64, flags: u64) -> Extent {
        Extent { length, flags }
    }

    fn clipped(extents: &[Extent], available: u64, width: Width) -> (Vec<Extent>, i32) {
        let mut extents = extents.to_vec();
        let error = clip(&mut extents, available, width);
        (extents, error)
    }

    #[test]
    fn both_wire_widths_are_read() {
        assert_eq!(
            parse(kind::BLOCK_STATUS, &hex("00000007 00040000 00000003")),
            Some((7, vec![extent(1 << 18, 3)]))
        );
        assert_eq!(
            parse(
                kind::BLOCK_STATUS_EXT,
                &hex("00000007 00000001 0000010000000000 0000000000000003")
            ),
            Some((7, vec![extent(1 << 40, 3)]))
        );
    }

    #[test]
    fn malformed_payloads_are_refused() {
        for payload in [
            "",
            "00000007",
            "00000007 00040000",
            "00000007 00040000 00000003 00",
        ] {
            assert_eq!(parse(kind::BLOCK_STATUS, &hex(payload)), None, "{payload}");
        }
        let one = "0000000000000200 0000000000000000";
        for payload in [
            "00000007 00000000".to_string(),
            format!("00000007 00000002 {one}"),
            format!("00000007 00000000 {one}"),
            format!("00000007 00000001 {one} 00"),
        ] {
            assert_eq!(
                parse(kind::BLOCK_STATUS_EXT, &hex(&payload)),
                None,
                "{payload}"
            );
        }
    }

    #[test]
    fn extents_within_the_export_pass_unchanged() {
        let extents = [extent(512, 1), extent(512, 0)];
        for width in [Width::Words32, Width::Extents64] {
            assert_eq!(clipped(&extents, 1024, width), (extents.to_vec(), 0));
        }
    }

    #[test]
    fn extents_end_with_the_export() {
        assert_eq!(
            clipped(&[extent(512, 1), extent(2048, 0)], 1024, Width::Extents64),
            (vec![extent(512, 1), extent(512, 0)], libc::EPROTO)
        );
        assert_eq!(
            clipped(&[extent(512, 1), extent(512, 0)], 512, Width::Extents64),
            (vec![extent(512, 1)], libc::EPROTO)
        );
    }

    #[test]
    fn an_empty_extent_ends_the_list() {
        assert_eq!(
            clipped(&[extent(0, 1), extent(512, 0)], 1024, Width::Words32),
            (vec![extent(0, 1)], libc::EPROTO)
        );
        assert_eq!(
            clipped(&[extent(512, 1), extent(0, 0)], 1024, Width::Words32),
            (vec![extent(512, 1)], 0)
        );
    }

    #[test]
    fn what_the_32_bit_form_cannot_say_is_cut() {
        assert_eq!(
            clipped(
                &[extent(1 << 32, 1), extent(512, 0)],
                1 << 40,
                Width::Words32
            ),
            (vec![extent(LONGEST_32, 1)], 0)
        );
        assert_eq!(
            clipped(&[extent(512, 1 << 32 | 5)], 1 << 40, Width::Words32),
            (vec![extent(512, 5)], libc::EOVERFLOW)
        );
        assert_eq!(
            clipped(&[extent(1 << 32, 1 << 32 | 5)], 1 << 40, Width::Words32),
            (vec![extent(LONGEST_32, 5)], libc::EOVERFLOW)
        );
        assert_eq!(
            clipped(&[extent(1024, 1 << 32 | 5)], 512, Width::Words32),
            (vec![extent(512, 5)], libc::EPROTO)
        );
        assert_eq!(
            clipped(
                &[extent(512, 0), extent(512, 1 << 32)],
                1 << 40,
                Width::Words32
            ),
            (vec![extent(512, 0)], 0)
        );
    }

    #[test]
    fn no_length_exceeds_what_a_signed_offset_holds() {
        assert_eq!(
            clipped(
                &[extent(u64::MAX, 1), extent(1, 0)],
                u64::MAX,
                Width::Extents64
            ),
            (vec![extent(LONGEST_64, 1)], 0)
        );
    }
}
