//! The results of sending and receiving on a byte stream, as `transport`
//! reports them to its callers.

/// The result of a receive call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Bytes were received.
    Bytes {
        /// Their number.
        count: usize,
        /// Nothing more is available for now: another receive call would only
        /// return `Blocked`.
        drained: bool,
    },
    /// Nothing; the call would have to wait.
    Blocked,
    /// The peer has closed its side.
    End,
}

impl Received {
    /// Some bytes; more may be available.
    pub fn some(count: usize) -> Self {
        Self::Bytes {
            count,
            drained: false,
        }
    }

    /// All bytes that are available for now.
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

/// The result of a send call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// This many bytes were accepted.
    Bytes(usize),
    /// Nothing; the call would have to wait.
    Blocked,
}
