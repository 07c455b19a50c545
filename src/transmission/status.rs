//! Block status payloads: from the wire to the caller's callback.

use std::collections::TryReserveError;

use crate::callback::Extent;
use crate::protocol::Fields;
use crate::protocol::context::MetaContext;
use crate::protocol::reply::kind;

use super::request::Along;

/// The length that replaces one too large for the caller's form: a multiple of
/// every block size, so that the rest starts aligned.
const LONGEST_32: u64 = (1 << 32) - (64 << 20);
const LONGEST_64: u64 = (1 << 63) - (64 << 20);

/// A chunk with more descriptors than this is skipped, and its command fails,
/// because the memory that a server can make us use is limited.  Servers should
/// not send more in one chunk (NBD protocol, block status), but report the rest
/// when the client asks for it.
const MAX_DESCRIPTORS: u64 = 1 << 20;

/// How a chunk lists extents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Two 32-bit numbers each.
    Compact,
    /// Two 64-bit numbers each, preceded by their count.
    Extended,
}

impl Form {
    /// The form of a chunk of this kind.
    pub fn of(chunk_kind: u16) -> Self {
        match chunk_kind {
            kind::BLOCK_STATUS_EXT => Self::Extended,
            _ => Self::Compact,
        }
    }

    /// Length of what precedes the descriptors.
    pub fn lead(self) -> u64 {
        match self {
            Self::Compact => 4,
            Self::Extended => 8,
        }
    }

    /// Length of a descriptor.
    fn descriptor(self) -> u64 {
        match self {
            Self::Compact => 8,
            Self::Extended => 16,
        }
    }

    /// The id of the context that a payload of `length` bytes reports, from its
    /// first bytes.  `None` if the payload is malformed or has too many
    /// descriptors.
    pub fn context(self, length: u64, lead: &[u8]) -> Option<u32> {
        let mut fields = Fields(lead);
        let id = fields.u32()?;
        let descriptors = length.checked_sub(self.lead())?;
        let count = descriptors.checked_div(self.descriptor())?;
        let whole = count.checked_mul(self.descriptor()) == Some(descriptors);
        let announced = match self {
            Self::Compact => count,
            Self::Extended => fields.u32()?.into(),
        };
        (whole && announced == count && (1..=MAX_DESCRIPTORS).contains(&count)).then_some(id)
    }

    /// The descriptors, or nothing if there is not enough memory.
    pub fn extents(self, mut descriptors: &[u8]) -> Result<Vec<Extent>, TryReserveError> {
        let mut extents = Vec::new();
        match self {
            Self::Compact => {
                extents.try_reserve_exact(descriptors.len() / 8)?;
                while let Some((bytes, rest)) = descriptors.split_first_chunk::<8>() {
                    let both = u64::from_be_bytes(*bytes);
                    extents.push(Extent {
                        length: both >> 32,
                        flags: both & u64::from(u32::MAX),
                    });
                    descriptors = rest;
                }
            }
            Self::Extended => {
                extents.try_reserve_exact(descriptors.len() / 16)?;
                while let Some((bytes, rest)) = descriptors.split_first_chunk::<16>() {
                    let mut fields = Fields(bytes);
                    extents.push(Extent {
                        length: fields.u64().unwrap_or(0),
                        flags: fields.u64().unwrap_or(0),
                    });
                    descriptors = rest;
                }
            }
        }
        Ok(extents)
    }
}

/// Which contexts a reply has reported, by position among those granted.
#[derive(Debug, Default)]
pub struct Reported {
    first: u64,
    /// The others, 64 at a time; few sessions have any.
    rest: Vec<u64>,
}

impl Reported {
    /// Marks a context, and returns whether this is the first time.
    pub fn mark(&mut self, position: usize) -> Result<bool, TryReserveError> {
        let bit = 1u64 << (position % 64);
        let word = match (position / 64).checked_sub(1) {
            None => &mut self.first,
            Some(at) => {
                let missing = at.saturating_add(1).saturating_sub(self.rest.len());
                self.rest.try_reserve(missing)?;
                self.rest.extend(std::iter::repeat_n(0, missing));
                match self.rest.get_mut(at) {
                    Some(word) => word,
                    None => return Ok(false),
                }
            }
        };
        let new = *word & bit == 0;
        *word |= bit;
        Ok(new)
    }
}

/// Which of the two callback forms receives the extents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Words32,
    Extents64,
}

/// Cuts the extents to what the caller can rely on: they stay within the
/// `available` bytes from the request to the end of the export, and every
/// length and status fits the caller's form.  Returns the errno for what the
/// server did wrong, or 0.
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
            // An empty extent makes no progress: an error if it is the only
            // one.
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

/// Passes the extents to the caller's callback.  Returns its return value and
/// the errno that it left behind.
pub fn deliver(
    along: &mut Along,
    context: &MetaContext,
    offset: u64,
    extents: &mut [Extent],
    error: i32,
) -> Result<(i32, i32), TryReserveError> {
    let mut value = error;
    let verdict = match along {
        Along::Extents32(callback) => {
            let mut words: Vec<u32> = Vec::new();
            words.try_reserve_exact(extents.len().saturating_mul(2))?;
            words.extend(
                extents
                    .iter()
                    .flat_map(|extent| [low(extent.length), low(extent.flags)]),
            );
            callback.call(&context.name, offset, &mut words, &mut value)
        }
        Along::Extents64(callback) => callback.call(&context.name, offset, extents, &mut value),
        Along::None | Along::Chunk(_) => 0,
    };
    Ok((verdict, value))
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

    /// The context and the extents of a payload.
    fn parse(form: Form, payload: &[u8]) -> Option<(u32, Vec<Extent>)> {
        let lead = usize::try_from(form.lead()).unwrap();
        let (lead, descriptors) = payload.split_at(lead.min(payload.len()));
        let id = form.context(u64::try_from(payload.len()).unwrap(), lead)?;
        Some((id, form.extents(descriptors).unwrap()))
    }

    #[test]
    fn both_wire_widths_are_read() {
        assert_eq!(
            parse(Form::Compact, &hex("00000007 00040000 00000003")),
            Some((7, vec![extent(1 << 18, 3)]))
        );
        assert_eq!(
            parse(
                Form::Extended,
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
            assert_eq!(parse(Form::Compact, &hex(payload)), None, "{payload}");
        }
        let one = "0000000000000200 0000000000000000";
        for payload in [
            "00000007".to_string(),
            "00000007 00000000".to_string(),
            format!("00000007 00000002 {one}"),
            format!("00000007 00000000 {one}"),
            format!("00000007 00000001 {one} 00"),
        ] {
            assert_eq!(parse(Form::Extended, &hex(&payload)), None, "{payload}");
        }
    }

    #[test]
    fn the_number_of_descriptors_has_a_limit() {
        let lead = |count: u64| {
            let count = u32::try_from(count).unwrap();
            [7u32.to_be_bytes(), count.to_be_bytes()].concat()
        };
        for (count, expected) in [(MAX_DESCRIPTORS, Some(7)), (MAX_DESCRIPTORS + 1, None)] {
            let compact = Form::Compact.context(4 + 8 * count, &lead(count)[..4]);
            assert_eq!(compact, expected);
            let extended = Form::Extended.context(8 + 16 * count, &lead(count));
            assert_eq!(extended, expected);
        }
    }

    #[test]
    fn each_context_is_new_once() {
        let mut reported = Reported::default();
        for position in [0, 63, 64, 65, 1000, 127, 128] {
            assert_eq!(reported.mark(position), Ok(true), "{position}");
            assert_eq!(reported.mark(position), Ok(false), "{position}");
        }
        assert_eq!(reported.mark(66), Ok(true));
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
