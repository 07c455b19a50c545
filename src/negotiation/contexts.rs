//! NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT.

use std::ffi::{CStr, CString};
use std::hint::black_box;

use crate::error::{Error, Result};
use crate::protocol::context::MetaContext;
use crate::protocol::handshake::{Opt, answer, meta_context_request};
use crate::protocol::{Fields, MAX_STRING};

use super::line::Line;
use super::option::{Reply, as_unsupported, unexpected};
use super::{Answer, ContextSet, Fault, Next, Session, c_string, option};

/// The maximum number of contexts that a server may list or grant.
const MAX_CONTEXTS: usize = 1 << 16;

/// The maximum total length of the names of granted contexts, which are stored.
const MAX_NAMES: usize = 16 << 20;

/// So much memory must be free before a name is stored.
const SPARE: usize = 64 << 10;

/// Asks which contexts the export has.  The selection does not change.
pub async fn list_meta_contexts(
    line: &Line,
    export: &CStr,
    queries: &[CString],
    mut found: impl FnMut(&CStr),
) -> Answer<Next> {
    line.label(c"NEWSTYLE.OPT_META_CONTEXT.RECV_REPLY: asking for the list of meta contexts");
    let mut count = 0usize;
    ask(line, Opt::ListMetaContext, export, queries, |_, name| {
        count = count.saturating_add(1);
        found(&name);
        Ok(())
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
    session.contexts.clear();
    line.label(c"NEWSTYLE.OPT_META_CONTEXT.RECV_REPLY: selecting meta contexts");
    let set = &mut session.contexts;
    let mut names = 0usize;
    ask(line, Opt::SetMetaContext, export, queries, |id, name| {
        names = names.saturating_add(name.count_bytes());
        if names > MAX_NAMES {
            return Err(too_many(Opt::SetMetaContext));
        }
        granted(&name);
        remember(set, id, name)
    })
    .await
    .map_err(as_unsupported)?;
    session.contexts.valid = true;
    Ok(Next::Negotiating(session.contexts.granted.len()))
}

/// The server decides how many names are stored.  The allocations for one of them
/// are too small to be checked, and would abort the process if they failed, so
/// this ends long before that.
fn remember(set: &mut ContextSet, id: u32, name: CString) -> Result<()> {
    let mut spare = Vec::<u8>::new();
    let enough = spare.try_reserve_exact(SPARE);
    // Without a use, the compiler would not allocate it.
    drop(black_box(spare));
    enough
        .and_then(|()| set.granted.try_reserve(1))
        .map_err(|_| {
            Error::new(
                libc::ENOMEM,
                "there is not enough memory for the meta contexts that the server grants",
            )
        })?;
    set.granted.push(MetaContext {
        id,
        name: name.into(),
    });
    Ok(())
}

async fn ask(
    line: &Line,
    which: Opt,
    export: &CStr,
    queries: &[CString],
    mut each: impl FnMut(u32, CString) -> Result<()>,
) -> Answer<()> {
    let request = meta_context_request(export.to_bytes(), queries.iter().map(|q| q.to_bytes()))
        .ok_or_else(|| Fault::Unheard(too_long()))?;
    option::send_for(line, export, which, &request);
    drop(request);
    for count in 0usize.. {
        match option::reply(line, which).await? {
            Reply::Ack => return Ok(()),
            Reply::Part {
                kind: answer::META_CONTEXT,
                data: Some(data),
            } if (5..=MAX_STRING.saturating_add(4)).contains(&data.len()) => {
                if count >= MAX_CONTEXTS {
                    break;
                }
                let mut fields = Fields(&data);
                let id = fields.u32().unwrap_or(0);
                each(id, c_string(fields.0))?;
            }
            Reply::Part { .. } => {
                return Err(unexpected(which, "a malformed meta context").into());
            }
        }
    }
    Err(too_many(which).into())
}

/// The server has more contexts than this client accepts.
fn too_many(which: Opt) -> Error {
    Error::new(
        libc::EOVERFLOW,
        format!(
            "{}: the server has too many meta contexts: at most {MAX_CONTEXTS} are accepted, \
             and {MAX_NAMES} bytes of names",
            which.name()
        ),
    )
}

/// The length of the request does not fit in its length field.
fn too_long() -> Error {
    Error::new(libc::ERANGE, "the queries for meta contexts are too long")
}
