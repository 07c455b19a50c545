//! The options that choose an export: GO, INFO and EXPORT_NAME.

use crate::error::{Error, Escaped, Result};
use crate::protocol::errors::refusal;
use crate::protocol::export::{BlockSizes, TransmissionFlags};
use crate::protocol::handshake::{NO_ZEROES, Opt, PADDING, answer, info as kind, info_request};
use crate::protocol::{Fields, MAX_STRING};

use super::line::Line;
use super::option::{Reply, unexpected};
use super::{Answer, Config, ExportInfo, Fault, Next, Session, c_string, contexts, option};

/// The maximum number of pieces of information about one export; a server that
/// sends more is hostile or broken.
const MAX_INFORMATION: usize = 1024;

/// NBD_OPT_GO: opens the export.  If the server does not support the option,
/// the client sends NBD_OPT_EXPORT_NAME instead.
pub async fn go(line: &Line, config: &Config, session: &mut Session) -> Answer<Next> {
    select_contexts(line, config, session).await?;
    if !session.is_fixed() {
        return export_name(line, config, session).await;
    }
    line.label(c"NEWSTYLE.OPT_GO.RECV_REPLY: opening the export");
    match information(line, Opt::Go, config, session)
        .await
        .map_err(|fault| naming(fault, config))
    {
        Ok(()) => Ok(Next::Transmission),
        // With extended headers only GO may open an export, so a server that
        // supports them but not GO contradicts itself.
        Err(Fault::Refused(refusal::UNSUP, _)) if !session.extended_headers => {
            // Information received before the refusal is void.
            session.export = ExportInfo::default();
            export_name(line, config, session).await
        }
        Err(fault) => {
            session.forget_export();
            Err(fault)
        }
    }
}

/// NBD_OPT_INFO: requests the same information as GO, without opening the
/// export.
pub async fn info(line: &Line, config: &Config, session: &mut Session) -> Answer<Next> {
    select_contexts(line, config, session).await?;
    line.label(c"NEWSTYLE.OPT_GO.RECV_REPLY: asking for information on the export");
    match information(line, Opt::Info, config, session)
        .await
        .map_err(|fault| naming(fault, config))
    {
        Ok(()) => Ok(Next::Negotiating(0)),
        Err(fault) => {
            session.forget_export();
            Err(fault)
        }
    }
}

/// Adds the name of the export to a refusal, because often the name is wrong.
fn naming(fault: Fault, config: &Config) -> Fault {
    match fault {
        Fault::Refused(reply, error) => Fault::Refused(
            reply,
            Error::new(error.errno(), of_export(config, error.text())),
        ),
        other => other,
    }
}

fn of_export(config: &Config, what: &str) -> String {
    let name = Escaped(config.export_name.to_bytes());
    format!("export \"{name}\": {what}")
}

/// Selects the meta contexts that the caller wants.  If the server refuses, the
/// handshake continues, and the export has none.
async fn select_contexts(line: &Line, config: &Config, session: &mut Session) -> Answer<()> {
    session.export = ExportInfo::default();
    if !config.meta_context {
        return Ok(());
    }
    session.contexts.clear();
    if !session.structured_replies || config.contexts.is_empty() {
        return Ok(());
    }
    let export = &config.export_name;
    let selected =
        contexts::set_meta_contexts(line, export, &config.contexts, session, |_| ()).await;
    match selected {
        Ok(_) => Ok(()),
        Err(Fault::Refused(..)) => {
            session.contexts.valid = session.contexts.granted.is_empty();
            Ok(())
        }
        Err(broken) => Err(broken),
    }
}

/// The replies to GO and INFO.
async fn information(
    line: &Line,
    which: Opt,
    config: &Config,
    session: &mut Session,
) -> Answer<()> {
    let mut wanted = Vec::new();
    if config.block_size {
        wanted.push(kind::BLOCK_SIZE);
    }
    if config.full_info {
        wanted.extend([kind::NAME, kind::DESCRIPTION]);
    }
    let name = config.export_name.to_bytes();
    option::send_for(
        line,
        &config.export_name,
        which,
        &info_request(name, &wanted),
    );
    for _ in 0..MAX_INFORMATION {
        match option::reply(line, which).await? {
            Reply::Ack if session.export.basics.is_some() => return Ok(()),
            Reply::Ack => {
                let error = unexpected(which, "no size and flags of the export");
                return Err(match which {
                    // INFO opens nothing, so another option can follow.
                    Opt::Info => Fault::Refused(
                        refusal::INVALID,
                        Error::new(libc::EPROTO, error.text().to_owned()),
                    ),
                    _ => error.into(),
                });
            }
            Reply::Part {
                kind: answer::INFO,
                data: Some(data),
            } => learn(which, &data, config, session)?,
            // Longer than any information that this client supports.
            Reply::Part {
                kind: answer::INFO,
                data: None,
            } => {}
            Reply::Part { .. } => return Err(unexpected(which, "a reply of the wrong kind").into()),
        }
    }
    Err(unexpected(which, "endless information").into())
}

/// Stores one piece of information.  Unknown or overlong information is
/// ignored, and a later piece replaces an earlier one.
fn learn(which: Opt, data: &[u8], config: &Config, session: &mut Session) -> Result<()> {
    let malformed = || unexpected(which, "malformed information");
    let mut fields = Fields(data);
    match fields.u16().ok_or_else(malformed)? {
        kind::EXPORT => {
            let (Some(size), Some(flags), true) = (fields.u64(), fields.u16(), fields.0.is_empty())
            else {
                return Err(malformed());
            };
            enter(config, session, size, flags)?;
        }
        kind::BLOCK_SIZE => {
            let (Some(minimum), Some(preferred), Some(maximum), true) =
                (fields.u32(), fields.u32(), fields.u32(), data.len() == 14)
            else {
                return Err(malformed());
            };
            session.export.block_sizes = BlockSizes::checked(minimum, preferred, maximum);
        }
        kind::NAME if fields.0.len() <= MAX_STRING => {
            session.export.canonical_name = Some(c_string(fields.0));
        }
        kind::DESCRIPTION if fields.0.len() <= MAX_STRING => {
            session.export.description = Some(c_string(fields.0));
        }
        _ => {}
    }
    Ok(())
}

/// NBD_OPT_EXPORT_NAME: opens the export; if the server refuses, it hangs up.
async fn export_name(line: &Line, config: &Config, session: &mut Session) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_EXPORT_NAME.RECV_REPLY: opening the export by name");
    let name = &config.export_name;
    option::send_for(line, name, Opt::ExportName, name.to_bytes());
    // A reply that came before the request left is not a reply to it.
    line.flushed().await;
    let size = line.read_u64().await.map_err(|error| {
        Error::new(
            error.errno(),
            of_export(config, "the server hung up: it probably has no such export"),
        )
    })?;
    let flags = line.read_u16().await?;
    if session.handshake_flags & NO_ZEROES == 0 {
        line.skip(PADDING).await?;
    }
    enter(config, session, size, flags)?;
    Ok(Next::Transmission)
}

/// Stores the size and the transmission flags of the export.
pub fn enter(config: &Config, session: &mut Session, size: u64, flags: u16) -> Result<()> {
    if flags == 0 {
        return Err(Error::new(
            libc::EINVAL,
            "the server broke the protocol: the export has no transmission flags",
        ));
    }
    let flags =
        TransmissionFlags(flags).credible(session.structured_replies, session.extended_headers);
    session.export.basics = Some((size, flags));
    // No context was requested, so it is certain that none was granted.
    if config.meta_context && (!session.structured_replies || config.contexts.is_empty()) {
        session.contexts.valid = true;
    }
    Ok(())
}
