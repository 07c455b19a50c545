//! How far a byte stream went in one call: what `transport` reports, and whoever
//! sends and receives through it is told.

/// What a receive call brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Some bytes.
    Bytes {
        /// How many.
        count: usize,
        /// There is no more for now: asking again at once would only be told
        /// so.
        drained: bool,
    },
    /// Nothing now.
    Blocked,
    /// The peer has closed its side.
    End,
}

impl Received {
    /// Bytes behind which there may be more.
    pub fn some(count: usize) -> Self {
        Self::Bytes {
            count,
            drained: false,
        }
    }

    /// All that there is for now.
    pub fn all_there_is(count: usize) -> Self {
        match count {
            0 => Self::Blocked,
            count => Self::Bytes {
                count,
                drained: true,
            },
        }
    }
}

/// What a send call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Blocked,
}
