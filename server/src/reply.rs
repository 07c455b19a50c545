//! Replies, in the form that was negotiated.

use crate::check::Failed;
use crate::config::{Config, Replies};
use crate::disk::PAGE;
use crate::greeting::Agreement;
use crate::wire::{self, Request, chunk, cmd_flag, reply_flag};

/// The result of a command.
pub(crate) enum Answer {
    Done,
    Data(Vec<u8>),
    /// Extents (length and flags) of each context id.
    Status(Vec<(u32, Vec<(u64, u64)>)>),
}

/// Type and payload.
type Chunk = (u16, Vec<u8>);

/// Encodes the whole reply to a request.
pub(crate) fn encode(
    request: &Request,
    result: Result<Answer, Failed>,
    agreement: &Agreement,
    config: &Config,
) -> Vec<u8> {
    if agreement.replies == Replies::Simple {
        return match result {
            Ok(Answer::Data(data)) => wire::simple_reply(0, request.cookie, &data),
            Ok(_) => wire::simple_reply(0, request.cookie, &[]),
            Err(Failed(error, _)) => wire::simple_reply(error, request.cookie, &[]),
        };
    }
    let chunks = match result {
        Ok(Answer::Done) => vec![(chunk::NONE, Vec::new())],
        Ok(Answer::Data(data)) => content(request, &data, agreement, config),
        Ok(Answer::Status(contexts)) => contexts
            .iter()
            .map(|(id, extents)| status(request, *id, extents))
            .collect(),
        Err(Failed(error, text)) => vec![(chunk::ERROR, wire::error_payload(error, text))],
    };
    let mut bytes = Vec::new();
    for (index, (kind, payload)) in chunks.iter().enumerate() {
        let flags = if index + 1 == chunks.len() {
            reply_flag::DONE
        } else {
            0
        };
        bytes.extend(match request.extended {
            true => wire::extended_chunk(flags, *kind, request.cookie, request.offset, payload),
            false => wire::structured_chunk(flags, *kind, request.cookie, payload),
        });
    }
    bytes
}

/// Cuts the data of a READ into content chunks.
fn content(request: &Request, data: &[u8], agreement: &Agreement, config: &Config) -> Vec<Chunk> {
    let whole = request.has(cmd_flag::DF);
    let limit = agreement.block_size.map_or(u32::MAX, |sizes| sizes.maximum);
    let limit = config.split_reads.unwrap_or(limit).min(limit).max(1) as usize;
    let limit = if whole { data.len() } else { limit };
    let mut chunks = Vec::new();
    let mut at = request.offset;
    for (hole, run) in runs(data, request.offset, config.sparse_reads && !whole) {
        if hole {
            let size = (run.len() as u32).to_be_bytes();
            chunks.push((chunk::OFFSET_HOLE, [&at.to_be_bytes(), &size[..]].concat()));
            at += run.len() as u64;
            continue;
        }
        for part in run.chunks(limit) {
            chunks.push((chunk::OFFSET_DATA, [&at.to_be_bytes(), part].concat()));
            at += part.len() as u64;
        }
    }
    chunks
}

fn status(request: &Request, id: u32, extents: &[(u64, u64)]) -> Chunk {
    let mut payload = id.to_be_bytes().to_vec();
    if request.extended {
        payload.extend((extents.len() as u32).to_be_bytes());
        let extents = extents
            .iter()
            .map(|&(length, flags)| [length, flags].map(u64::to_be_bytes));
        payload.extend(extents.flatten().flatten());
        return (chunk::BLOCK_STATUS_EXT, payload);
    }
    let extents = extents
        .iter()
        .map(|&(length, flags)| [length as u32, flags as u32]);
    payload.extend(extents.flatten().flat_map(u32::to_be_bytes));
    (chunk::BLOCK_STATUS, payload)
}

/// Splits data into runs of zero pages (true) and others (false).
fn runs(data: &[u8], offset: u64, sparse: bool) -> Vec<(bool, &[u8])> {
    if !sparse {
        return vec![(false, data)];
    }
    let mut runs: Vec<(bool, usize)> = Vec::new();
    let lead = data.len().min((PAGE - offset % PAGE) as usize);
    let (head, rest) = data.split_at(lead);
    for page in std::iter::once(head).chain(rest.chunks(PAGE as usize)) {
        let zero = page.iter().all(|&byte| byte == 0);
        match runs.last_mut() {
            Some((kind, length)) if *kind == zero => *length += page.len(),
            _ => runs.push((zero, page.len())),
        }
    }
    let mut rest = data;
    let cut = |(zero, length)| {
        let (run, tail) = rest.split_at(length);
        rest = tail;
        (zero, run)
    };
    runs.into_iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_follow_page_borders() {
        let page = PAGE as usize;
        let mut data = vec![0; 3 * page];
        data[page + 1] = 1;
        let sizes = |offset, sparse| {
            let runs = runs(&data, offset, sparse).into_iter();
            runs.map(|(zero, run)| (zero, run.len()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(0, true), [(true, page), (false, page), (true, page)]);
        // Shifted by half a page, the nonzero byte lies in the half-filled second page.
        let half = page / 2;
        assert_eq!(
            sizes(PAGE / 2, true),
            [(true, half), (false, page), (true, page + half)]
        );
        assert_eq!(sizes(0, false), [(false, 3 * page)]);
    }
}
