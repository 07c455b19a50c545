//! The greeting, and the result of the whole handshake.

use crate::config::{BlockSize, Context, Handshake, Replies};
use crate::options::Haggle;
use crate::session::{Session, Talk};
use crate::wire::{self, flag, handshake_flag};

/// What the handshake negotiated.
#[derive(Clone, Debug)]
pub(crate) struct Agreement {
    pub(crate) replies: Replies,
    /// Transmission flags as sent to the client.
    pub(crate) flags: u16,
    /// Block sizes that the client asked for, and therefore must obey.
    pub(crate) block_size: Option<BlockSize>,
    /// Selected meta contexts with their ids.
    pub(crate) contexts: Vec<(u32, Context)>,
}

impl Agreement {
    pub(crate) fn new(
        session: &Session<'_>,
        replies: Replies,
        block_size: Option<BlockSize>,
        contexts: Vec<(u32, Context)>,
    ) -> Agreement {
        let flags = transmission_flags(session, replies, !contexts.is_empty());
        Agreement {
            replies,
            flags,
            block_size,
            contexts,
        }
    }

    /// The state without any negotiation.
    pub(crate) fn bare(session: &Session<'_>, replies: Replies) -> Agreement {
        Agreement::new(session, replies, None, Vec::new())
    }
}

fn transmission_flags(session: &Session<'_>, replies: Replies, contexts: bool) -> u16 {
    let config = session.config;
    if let Some(flags) = config.flags {
        return flags;
    }
    let mut flags = flag::HAS_FLAGS | flag::SEND_FLUSH | flag::SEND_FUA;
    flags |= flag::CAN_MULTI_CONN | flag::SEND_CACHE;
    flags |= match config.read_only {
        true => flag::READ_ONLY,
        false => flag::SEND_TRIM | flag::SEND_WRITE_ZEROES | flag::SEND_FAST_ZERO,
    };
    if replies >= Replies::Structured {
        flags |= flag::SEND_DF;
    }
    if replies == Replies::Extended && contexts {
        flags |= flag::BLOCK_STATUS_PAYLOAD;
    }
    flags
}

/// Performs the handshake from the first byte up to the transmission phase.
pub(crate) fn handshake(session: &mut Session<'_>) -> Talk<Agreement> {
    match session.config.handshake {
        Handshake::Oldstyle => oldstyle(session),
        Handshake::Newstyle => newstyle(session, 0),
        Handshake::Fixed => newstyle(session, handshake_flag::FIXED_NEWSTYLE),
    }
}

fn oldstyle(session: &mut Session<'_>) -> Talk<Agreement> {
    let agreement = Agreement::bare(session, Replies::Simple);
    let mut greeting = wire::NBDMAGIC.to_be_bytes().to_vec();
    greeting.extend(wire::CLISERV.to_be_bytes());
    greeting.extend(session.config.disk.size().to_be_bytes());
    greeting.extend(u32::from(agreement.flags).to_be_bytes());
    greeting.extend([0; 124]);
    session.send(&greeting)?;
    Ok(agreement)
}

fn newstyle(session: &mut Session<'_>, mut offered: u16) -> Talk<Agreement> {
    if session.config.no_zeroes {
        offered |= handshake_flag::NO_ZEROES;
    }
    let mut greeting = wire::NBDMAGIC.to_be_bytes().to_vec();
    greeting.extend(wire::IHAVEOPT.to_be_bytes());
    greeting.extend(offered.to_be_bytes());
    session.send(&greeting)?;

    let answer = u32::from_be_bytes(session.receive_start()?);
    let unknown = answer & !u32::from(offered);
    if unknown != 0 {
        return session.drop_client(format!("client flags {unknown:#x} were not offered"));
    }
    Haggle::new(session, answer as u16).run()
}
