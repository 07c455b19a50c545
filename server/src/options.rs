//! Option haggling: each option gets its reply.

use crate::config::{BlockSize, Context, Event, Export, Replies};
use crate::greeting::Agreement;
use crate::session::{End, Session, Stop, Talk};
use crate::wire::{self, Fields, MAX_STRING, handshake_flag, info, opt, rep};

/// Longest option data that the server reads.
const ABSURD_OPTION: usize = 1 << 20;

/// The selection made by SET_META_CONTEXT, valid for one export.
struct Selection {
    export: Vec<u8>,
    contexts: Vec<(u32, Context)>,
}

/// Why an option does not end with an acknowledgement.
enum Halt {
    /// Error reply: its type and its text.
    Refuse(u32, String),
    Stop(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Halt::Stop(stop)
    }
}

fn refuse<T>(kind: u32, text: &str) -> Result<T, Halt> {
    Err(Halt::Refuse(kind, text.to_owned()))
}

/// Receives one option: number and data.
pub(crate) fn receive_option(session: &mut Session<'_>) -> Talk<(u32, Vec<u8>)> {
    let magic = u64::from_be_bytes(session.receive_start()?);
    if magic != wire::IHAVEOPT {
        return session.drop_client(format!("option with magic {magic:#018x}"));
    }
    let header = session.receive(8)?;
    let mut fields = Fields(&header);
    let (option, length) = (
        fields.u32().unwrap_or_default(),
        fields.u32().unwrap_or_default() as usize,
    );
    if length > ABSURD_OPTION {
        return session.drop_client(format!(
            "{} with {length} bytes of data",
            wire::OPTIONS.show(option)
        ));
    }
    let data = session.receive(length)?;
    session.tell(&Event::Option {
        number: option,
        data: &data,
    });
    Ok((option, data))
}

/// The haggling from the client flags on.
pub(crate) struct Haggle<'s, 'c> {
    session: &'s mut Session<'c>,
    fixed: bool,
    zeroes: bool,
    replies: Replies,
    selection: Option<Selection>,
}

impl<'s, 'c> Haggle<'s, 'c> {
    pub(crate) fn new(session: &'s mut Session<'c>, client_flags: u16) -> Self {
        Haggle {
            session,
            fixed: client_flags & handshake_flag::FIXED_NEWSTYLE != 0,
            zeroes: client_flags & handshake_flag::NO_ZEROES == 0,
            replies: Replies::Simple,
            selection: None,
        }
    }

    pub(crate) fn run(mut self) -> Talk<Agreement> {
        loop {
            let (option, data) = receive_option(self.session)?;
            let name = wire::OPTIONS.show(option);
            // A client has to wait for the final reply before it sends anything else.
            if self.session.has_more()? {
                self.session
                    .violation(format!("bytes after {name} before its reply"));
            }
            if option == opt::EXPORT_NAME {
                return self.export_name(&data);
            }
            if !self.fixed {
                return self
                    .session
                    .drop_client(format!("{name} without fixed newstyle"));
            }
            let concluded = self.conclude(option, &data);
            if option == opt::ABORT {
                // The client may have left without waiting for the reply.
                return Err(Stop::End(End::Aborted));
            }
            if let Some(agreement) = concluded? {
                return Ok(agreement);
            }
        }
    }

    /// Handles an option up to the final reply; entering an export ends the haggling.
    fn conclude(&mut self, option: u32, data: &[u8]) -> Talk<Option<Agreement>> {
        match self.answer(option, data) {
            Ok(agreement) => {
                self.reply(option, rep::ACK, &[])?;
                Ok(agreement)
            }
            Err(Halt::Refuse(kind, message)) => {
                self.reply(option, kind, message.as_bytes())?;
                Ok(None)
            }
            Err(Halt::Stop(stop)) => Err(stop),
        }
    }

    fn reply(&mut self, option: u32, kind: u32, data: &[u8]) -> Talk<()> {
        self.session.send(&wire::option_reply(option, kind, data))
    }

    /// Refuses a malformed option, which is also a violation.
    fn malformed<T>(&mut self, option: u32, what: &str) -> Result<T, Halt> {
        let name = wire::OPTIONS.show(option);
        self.session.violation(format!("{name}: {what}"));
        refuse(rep::INVALID, what)
    }

    fn check_refusals(&self, option: u32) -> Result<(), Halt> {
        let mut refusals = self.session.config.refusals.iter();
        match refusals.find(|refusal| refusal.applies_to(option)) {
            Some(refusal) => refuse(refusal.reply, &refusal.message),
            None => Ok(()),
        }
    }

    /// Sends the intermediate replies; the result decides the final one.
    fn answer(&mut self, option: u32, data: &[u8]) -> Result<Option<Agreement>, Halt> {
        self.check_refusals(option)?;
        match option {
            opt::LIST | opt::STARTTLS | opt::STRUCTURED_REPLY | opt::EXTENDED_HEADERS
                if !data.is_empty() =>
            {
                self.malformed(option, "data is not allowed here")
            }
            opt::ABORT => Ok(None),
            opt::LIST => self.list(),
            opt::STRUCTURED_REPLY => self.raise_replies(Replies::Structured),
            opt::EXTENDED_HEADERS => self.raise_replies(Replies::Extended),
            opt::INFO => self.info(option, data).map(|_| None),
            opt::GO => self.info(option, data).map(Some),
            opt::LIST_META_CONTEXT => self.list_contexts(data),
            opt::SET_META_CONTEXT => self.set_contexts(data),
            opt::STARTTLS => refuse(rep::UNSUP, "this server has no TLS"),
            opt::PEEK_EXPORT => {
                self.session.violation("PEEK_EXPORT was withdrawn");
                refuse(rep::UNSUP, "")
            }
            _ => refuse(rep::UNSUP, ""),
        }
    }

    /// The only option without option replies: the server sends a record or hangs up.
    fn export_name(mut self, data: &[u8]) -> Talk<Agreement> {
        if self.replies == Replies::Extended {
            return self
                .session
                .drop_client("EXPORT_NAME after extended headers");
        }
        let refused = self.check_refusals(opt::EXPORT_NAME).is_err();
        if refused || self.export(opt::EXPORT_NAME, data).is_err() {
            return Err(Stop::End(End::Refused));
        }
        let agreement = self.agree(data, None);
        let mut record = self.session.config.disk.size().to_be_bytes().to_vec();
        record.extend(agreement.flags.to_be_bytes());
        record.resize(if self.zeroes { 134 } else { 10 }, 0);
        self.session.send(&record)?;
        Ok(agreement)
    }

    fn list(&mut self) -> Result<Option<Agreement>, Halt> {
        let mut exports = self.session.config.exports.clone();
        if exports.is_empty() {
            exports.push(Export::default());
        }
        for Export { name, description } in exports {
            let length = (name.len() as u32).to_be_bytes();
            let data = [&length, name.as_bytes(), description.as_bytes()].concat();
            self.reply(opt::LIST, rep::SERVER, &data)?;
        }
        Ok(None)
    }

    fn raise_replies(&mut self, wanted: Replies) -> Result<Option<Agreement>, Halt> {
        if self.session.config.replies < wanted {
            return refuse(rep::UNSUP, "");
        }
        if self.replies == wanted {
            return refuse(rep::INVALID, "already negotiated");
        }
        if self.replies > wanted {
            return refuse(rep::EXT_HEADER_REQD, "extended headers are in force");
        }
        self.replies = wanted;
        Ok(None)
    }

    /// INFO and GO.
    fn info(&mut self, option: u32, data: &[u8]) -> Result<Agreement, Halt> {
        let Some((name, wanted)) = parse_info(data) else {
            return self.malformed(option, "lengths do not fit the data");
        };
        if (1..wanted.len()).any(|index| wanted[..index].contains(&wanted[index])) {
            return self.malformed(option, "the same information was requested twice");
        }
        let export = self.export(option, name)?;
        let block_size = self.session.config.block_size;
        let block_size = block_size.filter(|_| wanted.contains(&info::BLOCK_SIZE));
        let agreement = self.agree(name, block_size);

        let size = self.session.config.disk.size().to_be_bytes();
        let payload = [&size, &agreement.flags.to_be_bytes()[..]].concat();
        self.send_info(option, info::EXPORT, &payload)?;
        if wanted.contains(&info::NAME) {
            self.send_info(option, info::NAME, export.name.as_bytes())?;
        }
        if wanted.contains(&info::DESCRIPTION) && !export.description.is_empty() {
            self.send_info(option, info::DESCRIPTION, export.description.as_bytes())?;
        }
        if let Some(BlockSize {
            minimum,
            preferred,
            maximum,
        }) = block_size
        {
            let sizes = [minimum, preferred, maximum].map(u32::to_be_bytes);
            self.send_info(option, info::BLOCK_SIZE, sizes.as_flattened())?;
        }
        Ok(agreement)
    }

    fn send_info(&mut self, option: u32, kind: u16, payload: &[u8]) -> Talk<()> {
        self.reply(option, rep::INFO, &[&kind.to_be_bytes(), payload].concat())
    }

    fn list_contexts(&mut self, data: &[u8]) -> Result<Option<Agreement>, Halt> {
        const OPTION: u32 = opt::LIST_META_CONTEXT;
        if self.replies < Replies::Structured {
            return refuse(rep::INVALID, "needs structured replies");
        }
        let (_, queries) = self.queries(OPTION, data)?;
        for (_, context) in self.contexts(|name| {
            let wildcard = |query: &String| query.ends_with(':') && name.starts_with(query);
            queries.is_empty() || queries.iter().any(|query| query == name || wildcard(query))
        }) {
            // Ids have no meaning here, and should be zero.
            let data = [&[0; 4], context.name.as_bytes()].concat();
            self.reply(OPTION, rep::META_CONTEXT, &data)?;
        }
        Ok(None)
    }

    fn set_contexts(&mut self, data: &[u8]) -> Result<Option<Agreement>, Halt> {
        const OPTION: u32 = opt::SET_META_CONTEXT;
        // Whatever the result, the old selection is void.
        self.selection = None;
        if self.replies < Replies::Structured {
            return self.malformed(OPTION, "needs structured replies");
        }
        let (export, queries) = self.queries(OPTION, data)?;
        let contexts = self.contexts(|name| queries.iter().any(|query| query == name));
        for (id, context) in &contexts {
            let data = [&id.to_be_bytes(), context.name.as_bytes()].concat();
            self.reply(OPTION, rep::META_CONTEXT, &data)?;
        }
        self.selection = Some(Selection {
            export: export.to_vec(),
            contexts,
        });
        Ok(None)
    }

    /// Export and queries of LIST_META_CONTEXT and SET_META_CONTEXT, checked.
    fn queries<'d>(
        &mut self,
        option: u32,
        data: &'d [u8],
    ) -> Result<(&'d [u8], Vec<String>), Halt> {
        let Some((export, queries)) = parse_queries(data) else {
            return self.malformed(option, "lengths do not fit the data");
        };
        let mut texts = Vec::new();
        for query in queries {
            let text = self.text(option, query)?;
            if !text.contains(':') {
                return self.malformed(option, "query has no namespace");
            }
            texts.push(text);
        }
        self.export(option, export)?;
        Ok((export, texts))
    }

    /// The contexts that match by name and that this client can use, with their ids.
    fn contexts(&self, matches: impl Fn(&str) -> bool) -> Vec<(u32, Context)> {
        let extended = self.replies == Replies::Extended;
        let usable = |context: &Context| extended || !context.is_wide();
        let contexts = (1..).zip(self.session.config.contexts.iter().cloned());
        contexts
            .filter(|(_, context)| matches(&context.name) && usable(context))
            .collect()
    }

    /// Checks that bytes are a string as the protocol defines it.
    fn text(&mut self, option: u32, bytes: &[u8]) -> Result<String, Halt> {
        match std::str::from_utf8(bytes) {
            _ if bytes.len() > MAX_STRING => {
                self.malformed(option, "string is longer than 4096 bytes")
            }
            Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
            Ok(_) => self.malformed(option, "string contains a NUL"),
            Err(_) => self.malformed(option, "string is not UTF-8"),
        }
    }

    /// The export of this name; the empty name stands for the first one.
    fn export(&mut self, option: u32, name: &[u8]) -> Result<Export, Halt> {
        let name = self.text(option, name)?;
        let exports = &self.session.config.exports;
        let named = exports.iter().find(|export| export.name == name);
        let default = exports.first().filter(|_| name.is_empty());
        match named.or(default) {
            Some(export) => Ok(export.clone()),
            None if exports.is_empty() => Ok(Export {
                name,
                description: String::new(),
            }),
            None => refuse(rep::UNKNOWN, "no such export"),
        }
    }

    fn agree(&self, export: &[u8], block_size: Option<BlockSize>) -> Agreement {
        let selected = self
            .selection
            .as_ref()
            .filter(|selection| selection.export == export);
        let contexts = selected
            .map(|selection| selection.contexts.clone())
            .unwrap_or_default();
        Agreement::new(self.session, self.replies, block_size, contexts)
    }
}

/// Splits the data of INFO and GO: export name, information types.
fn parse_info(data: &[u8]) -> Option<(&[u8], Vec<u16>)> {
    let mut fields = Fields(data);
    let name = fields.counted()?;
    let count = fields.u16()?;
    let wanted = (0..count).map(|_| fields.u16()).collect::<Option<_>>()?;
    fields.0.is_empty().then_some((name, wanted))
}

/// Splits the data of LIST_META_CONTEXT and SET_META_CONTEXT: export name, queries.
fn parse_queries(data: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut fields = Fields(data);
    let name = fields.counted()?;
    let count = fields.u32()?;
    let queries = (0..count)
        .map(|_| fields.counted())
        .collect::<Option<_>>()?;
    fields.0.is_empty().then_some((name, queries))
}
