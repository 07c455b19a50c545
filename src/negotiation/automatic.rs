//! The whole handshake, for a caller that only wants to connect.

use super::line::Line;
use super::{Answer, Config, Fault, Next, Protocol, Session, Tls};
use super::{export, greeting, option, starttls, switches};

/// From the greeting to the transmission phase, or to the point where the
/// caller takes over.
pub async fn connect(line: &Line, config: &Config, session: &mut Session) -> Answer<Next> {
    let protocol = greeting::greeting(line, config, session).await?;
    if config.tls == Tls::Require && protocol != Protocol::FixedNewstyle {
        // No option follows with which the client flags could leave.
        line.flushed().await;
        return Err(starttls::required("the server negotiates no options").into());
    }
    match protocol {
        // The greeting was the whole handshake.
        Protocol::Oldstyle => return Ok(Next::Transmission),
        Protocol::Newstyle => {}
        Protocol::FixedNewstyle => {
            if !starttls::as_wished(line, config, session).await? {
                return Ok(Next::Closed);
            }
            switch_on(line, config, session).await?;
        }
    }
    if config.opt_mode {
        // The caller may take long to choose an option.
        line.flushed().await;
        return Ok(Next::Negotiating(0));
    }
    match export::go(line, config, session).await {
        Err(Fault::Refused(_, error) | Fault::Unheard(error)) => {
            // The caller cannot try another option.
            option::send_abort(line).await?;
            Err(Fault::Broken(error))
        }
        outcome => outcome,
    }
}

/// Requests what improves transmission.  A server may refuse any of it.
async fn switch_on(line: &Line, config: &Config, session: &mut Session) -> Answer<()> {
    if config.structured_replies && config.extended_headers {
        tolerate(switches::extended_headers(line, session).await)?;
    }
    if config.structured_replies && !session.structured_replies {
        tolerate(switches::structured_replies(line, session).await)?;
    }
    Ok(())
}

/// Treats a refusal like an acceptance.
fn tolerate(answer: Answer<Next>) -> Answer<()> {
    match answer {
        Ok(_) | Err(Fault::Refused(..)) => Ok(()),
        Err(broken) => Err(broken),
    }
}
