//! The greeting (NBD protocol, oldstyle and newstyle negotiation).

use crate::error::Error;
use crate::protocol::handshake::{CLISERV, FIXED_NEWSTYLE, IHAVEOPT, NBDMAGIC, NO_ZEROES, PADDING};

use super::line::Line;
use super::{Answer, Config, Protocol, Session, export};

/// Reads the greeting and replies to it.  Afterwards the session contains the
/// variant of the protocol and, after an oldstyle greeting, the export as well.
pub async fn greeting(line: &Line, config: &Config, session: &mut Session) -> Answer<Protocol> {
    line.label(c"MAGIC.RECV_MAGIC: waiting for the server's greeting");
    let magic = line.read_u64().await?;
    let version = line.read_u64().await?;
    line.count_received();
    if magic != NBDMAGIC {
        return Err(Error::without_errno(format!(
            "the server is not an NBD server: it sent {magic:#018x}"
        ))
        .into());
    }
    let protocol = match version {
        CLISERV => oldstyle(line, config, session).await?,
        IHAVEOPT => newstyle(line, config, session).await?,
        other => {
            return Err(Error::without_errno(format!(
                "the server uses an unknown version of the protocol: {other:#018x}"
            ))
            .into());
        }
    };
    session.protocol = Some(protocol);
    Ok(protocol)
}

/// The server sends everything at once, and the client does not reply.
async fn oldstyle(line: &Line, config: &Config, session: &mut Session) -> Answer<Protocol> {
    line.label(c"OLDSTYLE.RECV_REMAINING: receiving the rest of an oldstyle greeting");
    let size = line.read_u64().await?;
    let handshake_flags = line.read_u16().await?;
    let flags = line.read_u16().await?;
    line.skip(PADDING).await?;
    line.note(|| format!("server: oldstyle greeting, flags {handshake_flags:#x}"));
    if handshake_flags != 0 {
        return Err(Error::without_errno(format!(
            "the server's oldstyle greeting has unknown flags {handshake_flags:#06x}"
        ))
        .into());
    }
    session.handshake_flags = 0;
    export::enter(config, session, size, flags)?;
    Ok(Protocol::Oldstyle)
}

/// Server and client exchange flags.  A flag is in force if both set it.
async fn newstyle(line: &Line, config: &Config, session: &mut Session) -> Answer<Protocol> {
    line.label(c"NEWSTYLE.RECV_GFLAGS: waiting for the handshake flags");
    let offered = line.read_u16().await?;
    let agreed = offered & config.handshake_flags & (FIXED_NEWSTYLE | NO_ZEROES);
    session.handshake_flags = agreed;
    line.note(|| format!("server: newstyle greeting, flags {offered:#x}"));
    line.note(|| format!("client: flags {agreed:#x}"));
    line.label(c"NEWSTYLE.SEND_CFLAGS: sending the client flags");
    // They leave together with the first option.
    line.write(&u32::from(agreed).to_be_bytes());
    Ok(if agreed & FIXED_NEWSTYLE != 0 {
        Protocol::FixedNewstyle
    } else {
        Protocol::Newstyle
    })
}
