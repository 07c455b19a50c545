//! NBD_OPT_STARTTLS (NBD protocol, TLS support).

use crate::error::Error;
use crate::protocol::handshake::Opt;

use super::line::Line;
use super::{Answer, Config, Fault, Next, Session, Tls, option};

/// Switches to TLS.  What was negotiated in clear no longer counts, because
/// anybody could have tampered with it.
pub async fn starttls(line: &Line, session: &mut Session) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_STARTTLS.RECV_REPLY: asking for TLS");
    option::send(line, Opt::StartTls, &[]);
    option::acknowledgement(line, Opt::StartTls)
        .await
        .map_err(option::as_refused_switch)?;
    if session.tls {
        return Err(Error::new(
            libc::EPROTO,
            "the server broke the protocol: it starts TLS a second time",
        )
        .into());
    }
    line.label(c"NEWSTYLE.OPT_STARTTLS.TLS_HANDSHAKE: TLS handshake");
    line.upgrade().await?;
    *session = Session {
        protocol: session.protocol,
        handshake_flags: session.handshake_flags,
        tls: true,
        ..Session::default()
    };
    Ok(Next::Negotiating(0))
}

/// Switches to TLS if the caller wants it, before anything else, so that the
/// rest of the negotiation is protected.  Returns whether to continue.
pub async fn as_wished(line: &Line, config: &Config, session: &mut Session) -> Answer<bool> {
    if config.tls == Tls::Disable {
        return Ok(true);
    }
    match starttls(line, session).await {
        Ok(_) => Ok(true),
        // Anybody between us and the server can forge a refusal, so this is not
        // good enough for callers that require TLS.
        Err(Fault::Refused(..)) if config.tls == Tls::Allow => Ok(true),
        Err(Fault::Refused(_, error)) => {
            option::send_abort(line).await?;
            if config.opt_mode {
                // There is nothing left that the caller could choose.
                return Ok(false);
            }
            Err(required(error.text()).into())
        }
        Err(broken) => Err(broken),
    }
}

/// The error if TLS is not possible.
pub fn required(why: &str) -> Error {
    Error::new(libc::ENOTSUP, format!("TLS is required: {why}"))
}
