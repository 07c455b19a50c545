//! The handshake: greeting, options, option replies (NBD protocol, handshake
//! phase).

use super::Fields;

/// First eight bytes of every connection, ASCII `NBDMAGIC`.
pub const NBDMAGIC: u64 = 0x4e42_444d_4147_4943;
/// Second magic of a newstyle server and start of every option, ASCII
/// `IHAVEOPT`.
pub const IHAVEOPT: u64 = 0x4948_4156_454f_5054;
/// Second magic of an oldstyle server.
pub const CLISERV: u64 = 0x0000_4202_8186_1253;
/// Start of every option reply.
pub const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;

/// Handshake flag: option replies exist.
pub const FIXED_NEWSTYLE: u16 = 1;
/// Handshake flag: no padding after the reply to EXPORT_NAME.
pub const NO_ZEROES: u16 = 2;

/// Reserved bytes in the oldstyle greeting and after EXPORT_NAME.
pub const PADDING: usize = 124;

/// The options that a client can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Opt {
    ExportName = 1,
    Abort = 2,
    List = 3,
    StartTls = 5,
    Info = 6,
    Go = 7,
    StructuredReply = 8,
    ListMetaContext = 9,
    SetMetaContext = 10,
    ExtendedHeaders = 11,
}

impl Opt {
    /// The number on the wire.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The name, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExportName => "NBD_OPT_EXPORT_NAME",
            Self::Abort => "NBD_OPT_ABORT",
            Self::List => "NBD_OPT_LIST",
            Self::StartTls => "NBD_OPT_STARTTLS",
            Self::Info => "NBD_OPT_INFO",
            Self::Go => "NBD_OPT_GO",
            Self::StructuredReply => "NBD_OPT_STRUCTURED_REPLY",
            Self::ListMetaContext => "NBD_OPT_LIST_META_CONTEXT",
            Self::SetMetaContext => "NBD_OPT_SET_META_CONTEXT",
            Self::ExtendedHeaders => "NBD_OPT_EXTENDED_HEADERS",
        }
    }
}

/// Option reply types that are not refusals.
pub mod answer {
    /// The option is accepted, and this is its last reply.
    pub const ACK: u32 = 1;
    /// One export.
    pub const SERVER: u32 = 2;
    /// One piece of information about an export.
    pub const INFO: u32 = 3;
    /// One meta context.
    pub const META_CONTEXT: u32 = 4;
    /// Set in every refusal.
    pub const REFUSAL_BIT: u32 = 1 << 31;
}

/// Information types of INFO and GO.
pub mod info {
    /// Size and transmission flags.
    pub const EXPORT: u16 = 0;
    /// Canonical name.
    pub const NAME: u16 = 1;
    /// Description.
    pub const DESCRIPTION: u16 = 2;
    /// Block size constraints.
    pub const BLOCK_SIZE: u16 = 3;
}

/// One option request: header and data.
///
/// Names have a limit, and a list of queries that is too long for the 32-bit
/// length field is refused earlier.
pub fn option(option: Opt, data: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(data.len().saturating_add(16));
    message.extend_from_slice(&IHAVEOPT.to_be_bytes());
    message.extend_from_slice(&option.code().to_be_bytes());
    message.extend_from_slice(&length(data));
    message.extend_from_slice(data);
    message
}

/// The data of INFO and GO: the export's name and the information wanted.
pub fn info_request(export: &[u8], wanted: &[u16]) -> Vec<u8> {
    let mut data = counted(export);
    let count = u16::try_from(wanted.len()).unwrap_or(u16::MAX);
    data.extend_from_slice(&count.to_be_bytes());
    for kind in wanted {
        data.extend_from_slice(&kind.to_be_bytes());
    }
    data
}

/// The data of the meta context options: the export's name and the queries.
/// `None` if the 32-bit length field cannot hold its length.
pub fn meta_context_request<'a>(
    export: &[u8],
    queries: impl Iterator<Item = &'a [u8]> + Clone,
) -> Option<Vec<u8>> {
    let length = meta_context_length(export.len(), queries.clone().map(<[u8]>::len))?;
    let mut data = Vec::with_capacity(length);
    put_counted(&mut data, export);
    let count = u32::try_from(queries.clone().count()).ok()?;
    data.extend_from_slice(&count.to_be_bytes());
    for query in queries {
        put_counted(&mut data, query);
    }
    Some(data)
}

/// The length of that data.
fn meta_context_length(export: usize, mut queries: impl Iterator<Item = usize>) -> Option<usize> {
    let start = export.checked_add(8)?;
    let length = queries.try_fold(start, |sum, query| sum.checked_add(query)?.checked_add(4))?;
    u32::try_from(length).is_ok().then_some(length)
}

fn counted(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len().saturating_add(4));
    put_counted(&mut bytes, text);
    bytes
}

fn put_counted(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&length(text));
    bytes.extend_from_slice(text);
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The header of an option reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyHeader {
    /// Must be [`OPTION_REPLY`].
    pub magic: u64,
    /// The option that this is a reply to.
    pub option: u32,
    /// One of [`answer`] or a refusal.
    pub kind: u32,
    /// Length of the data that follows.
    pub length: u32,
}

impl ReplyHeader {
    /// Length of the header.
    pub const SIZE: usize = 20;

    /// Reads the header.
    pub fn parse(bytes: [u8; Self::SIZE]) -> Option<Self> {
        let mut fields = Fields(&bytes);
        Some(Self {
            magic: fields.u64()?,
            option: fields.u32()?,
            kind: fields.u32()?,
            length: fields.u32()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    #[test]
    fn an_option_without_data_is_its_header() {
        assert_eq!(
            option(Opt::StructuredReply, &[]),
            hex("49484156454f5054 00000008 00000000")
        );
    }

    #[test]
    fn go_names_the_export_and_the_information_wanted() {
        assert_eq!(
            option(Opt::Go, &info_request(b"vol7", &[info::BLOCK_SIZE])),
            hex("49484156454f5054 00000007 0000000c 00000004 766f6c37 0001 0003")
        );
    }

    #[test]
    fn a_meta_context_request_carries_its_queries() {
        assert_eq!(
            option(
                Opt::SetMetaContext,
                &meta_context_request(b"vol7", [b"base:allocation".as_slice()].into_iter())
                    .unwrap()
            ),
            hex("49484156454f5054 0000000a 0000001f
                 00000004 766f6c37 00000001 0000000f 626173653a616c6c6f636174696f6e")
        );
    }

    #[test]
    fn a_meta_context_request_is_no_longer_than_its_length_field_can_say() {
        let most = usize::try_from(u32::MAX).unwrap();
        let queries = |count, last| std::iter::repeat_n(4096, count).chain([last]);
        // 1,047,552 queries of 4,100 bytes each, and one for the rest.
        let used = 12 + 1_047_552 * 4100;
        let rest = most - used - 4;
        assert_eq!(meta_context_length(4, queries(1_047_552, rest)), Some(most));
        assert_eq!(meta_context_length(4, queries(1_047_552, rest + 1)), None);
        assert_eq!(meta_context_length(4, queries(2_000_000, 0)), None);
    }

    #[test]
    fn the_fields_of_an_option_reply_are_found() {
        let bytes = hex("0003e889045565a9 0000000a 00000004 00000013");
        assert_eq!(
            ReplyHeader::parse(bytes.try_into().unwrap()),
            Some(ReplyHeader {
                magic: OPTION_REPLY,
                option: Opt::SetMetaContext.code(),
                kind: answer::META_CONTEXT,
                length: 19,
            })
        );
    }
}
