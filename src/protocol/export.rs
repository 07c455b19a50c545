//! What a server reports about an export: transmission flags and block sizes.

use super::MAX_PAYLOAD;

/// Transmission flags (NBD protocol, transmission flags).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransmissionFlags(pub u16);

#[allow(missing_docs)]
impl TransmissionFlags {
    pub const READ_ONLY: u16 = 1 << 1;
    pub const SEND_FLUSH: u16 = 1 << 2;
    pub const SEND_FUA: u16 = 1 << 3;
    pub const ROTATIONAL: u16 = 1 << 4;
    pub const SEND_TRIM: u16 = 1 << 5;
    pub const SEND_WRITE_ZEROES: u16 = 1 << 6;
    pub const SEND_DF: u16 = 1 << 7;
    pub const CAN_MULTI_CONN: u16 = 1 << 8;
    pub const SEND_CACHE: u16 = 1 << 10;
    pub const SEND_FAST_ZERO: u16 = 1 << 11;
    pub const BLOCK_STATUS_PAYLOAD: u16 = 1 << 12;

    /// Whether the flag is set.
    pub fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    /// The flags without those that have no meaning in this session: a server
    /// may set them, but the client must not use them.
    pub fn credible(self, structured: bool, extended: bool) -> Self {
        let mut flags = self.0;
        if !structured {
            flags &= !Self::SEND_DF;
        }
        if !extended {
            flags &= !Self::BLOCK_STATUS_PAYLOAD;
        }
        if flags & Self::SEND_WRITE_ZEROES == 0 {
            flags &= !Self::SEND_FAST_ZERO;
        }
        Self(flags)
    }
}

/// Block size constraints (NBD protocol, block size constraints).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// Granularity of offset and length.
    pub minimum: u32,
    /// Requests of this size and alignment are efficient.
    pub preferred: u32,
    /// Longest payload, or `u32::MAX` for no fixed limit.
    pub maximum: u32,
}

impl BlockSizes {
    /// The constraints, unless they break the rules of the protocol: then the
    /// client ignores them.
    pub fn checked(minimum: u32, preferred: u32, maximum: u32) -> Option<Self> {
        let valid = minimum.is_power_of_two()
            && minimum <= 65_536
            && preferred.is_power_of_two()
            && preferred >= minimum.max(512)
            && preferred <= maximum
            && (maximum == u32::MAX || maximum.checked_rem(minimum) == Some(0));
        valid.then_some(Self {
            minimum,
            preferred,
            maximum,
        })
    }
}

/// The longest payload to send in one write: what the server advertises,
/// within reason, or what every server accepts.
pub fn payload_limit(sizes: Option<BlockSizes>) -> u32 {
    const EVERY_SERVER_ACCEPTS: u32 = 32 * 1024 * 1024;
    match sizes {
        Some(sizes) => sizes.maximum.clamp(1024 * 1024, MAX_PAYLOAD),
        None => EVERY_SERVER_ACCEPTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_without_their_foundation_are_dropped() {
        let all = TransmissionFlags(0xffff);
        assert!(!all.credible(false, false).has(TransmissionFlags::SEND_DF));
        assert!(all.credible(true, false).has(TransmissionFlags::SEND_DF));
        assert!(
            !all.credible(true, false)
                .has(TransmissionFlags::BLOCK_STATUS_PAYLOAD)
        );
        let no_zero = TransmissionFlags(!TransmissionFlags::SEND_WRITE_ZEROES);
        assert!(
            !no_zero
                .credible(true, true)
                .has(TransmissionFlags::SEND_FAST_ZERO)
        );
    }

    #[test]
    fn block_sizes_must_obey_the_protocol() {
        assert!(BlockSizes::checked(1, 4096, u32::MAX).is_some());
        assert!(BlockSizes::checked(512, 4096, 32 << 20).is_some());
        assert!(BlockSizes::checked(65_536, 65_536, 65_536).is_some());
        for (minimum, preferred, maximum) in [
            (0, 4096, u32::MAX),
            (3, 4096, u32::MAX),
            (131_072, 131_072, u32::MAX),
            (1, 256, u32::MAX),
            (1, 5000, u32::MAX),
            (4096, 512, u32::MAX),
            (1, 4096, 512),
            (4096, 4096, 4097),
        ] {
            assert_eq!(BlockSizes::checked(minimum, preferred, maximum), None);
        }
    }

    #[test]
    fn the_payload_limit_stays_within_reason() {
        let limit = |maximum| payload_limit(BlockSizes::checked(1, 512, maximum));
        assert_eq!(payload_limit(None), 32 << 20);
        assert_eq!(limit(512), 1 << 20);
        assert_eq!(limit(4 << 20), 4 << 20);
        assert_eq!(limit(u32::MAX), 64 << 20);
    }
}
