//! NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT.

use std::ffi::{CStr, CString};

use crate::protocol::context::MetaContext;
use crate::protocol::handshake::{Opt, answer, meta_context_request};
use crate::protocol::{Fields, MAX_STRING};

use super::line::Line;
use super::option::{Reply, as_unsupported, unexpected};
use super::{Answer, Next, Session, c_string, option};

/// A server with more contexts than this is not serious.
const MAX_CONTEXTS: usize = 4096;

/// Asks which contexts the export has.  Nothing is selected or forgotten.
pub async fn list_meta_contexts(
    line: &Line,
    export: &CStr,
    queries: &[CString],
    session: &Session,
    mut found: impl FnMut(&CStr),
) -> Answer<Next> {
    option::require_fixed(session)?;
    line.label(c"NEWSTYLE.OPT_META_CONTEXT.RECV_REPLY: asking for the list of meta contexts");
    let mut count = 0usize;
    ask(line, Opt::ListMetaContext, export, queries, |context| {
        count = count.saturating_add(1);
        found(&context.name);
    })
    .await
    .map_err(as_unsupported)?;
    Ok(Next::Negotiating(count))
}

/// Selects contexts.  Whatever was selected before is forgotten, even if this
/// fails.
pub async fn set_meta_contexts(
    line: &Line,
    export: &CStr,
    queries: &[CString],
    session: &mut Session,
    mut granted: impl FnMut(&CStr),
) -> Answer<Next> {
    option::require_fixed(session)?;
    session.contexts.clear();
    line.label(c"NEWSTYLE.OPT_META_CONTEXT.RECV_REPLY: selecting meta contexts");
    let set = &mut session.contexts.granted;
    ask(line, Opt::SetMetaContext, export, queries, |context| {
        granted(&context.name);
        set.push(context);
    })
    .await
    .map_err(as_unsupported)?;
    session.contexts.valid = true;
    Ok(Next::Negotiating(session.contexts.granted.len()))
}

async fn ask(
    line: &Line,
    which: Opt,
    export: &CStr,
    queries: &[CString],
    mut each: impl FnMut(MetaContext),
) -> Answer<()> {
    let queries: Vec<&[u8]> = queries.iter().map(|query| query.to_bytes()).collect();
    option::send(
        line,
        which,
        &meta_context_request(export.to_bytes(), &queries),
    );
    for _ in 0..MAX_CONTEXTS {
        match option::reply(line, which).await? {
            Reply::Ack => return Ok(()),
            Reply::Part {
                kind: answer::META_CONTEXT,
                data: Some(data),
            } if (5..=MAX_STRING.saturating_add(4)).contains(&data.len()) => {
                let mut fields = Fields(&data);
                let id = fields.u32().unwrap_or(0);
                each(MetaContext {
                    id,
                    name: c_string(fields.0),
                });
            }
            Reply::Part { .. } => {
                return Err(unexpected(which, "a malformed meta context").into());
            }
        }
    }
    Err(unexpected(which, "an endless list of meta contexts").into())
}
