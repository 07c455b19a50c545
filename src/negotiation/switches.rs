//! The options that switch something on for the session: structured replies
//! and extended headers.

use crate::error::Error;
use crate::protocol::errors::refusal;
use crate::protocol::handshake::Opt;

use super::line::Line;
use super::{Answer, Fault, Next, Session, option};

/// NBD_OPT_STRUCTURED_REPLY.  If the server refuses a repetition, the earlier
/// agreement stays in force.
pub async fn structured_replies(line: &Line, session: &mut Session) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_STRUCTURED_REPLY.RECV_REPLY: asking for structured replies");
    option::send(line, Opt::StructuredReply, &[]);
    option::acknowledgement(line, Opt::StructuredReply)
        .await
        .map_err(no_way_back)?;
    session.structured_replies = true;
    Ok(Next::Negotiating(0))
}

/// NBD_OPT_EXTENDED_HEADERS.  Extended headers include all that structured
/// replies offer.
pub async fn extended_headers(line: &Line, session: &mut Session) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_EXTENDED_HEADERS.RECV_REPLY: asking for extended headers");
    option::send(line, Opt::ExtendedHeaders, &[]);
    option::acknowledgement(line, Opt::ExtendedHeaders)
        .await
        .map_err(option::as_refused_switch)?;
    session.extended_headers = true;
    session.structured_replies = true;
    Ok(Next::Negotiating(0))
}

/// With extended headers in force there is no way back to structured replies.
fn no_way_back(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(reply @ refusal::EXT_HEADER_REQD, error) => {
            Fault::Refused(reply, Error::new(libc::EINVAL, error.text().to_owned()))
        }
        other => option::as_refused_switch(other),
    }
}
