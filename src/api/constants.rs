//! The numbers and names that the functions take and give, without the prefix
//! that they have in C: `LIBNBD_`, or `NBDX_`.

use std::ffi::CStr;

use crate::protocol::flag;

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*
    };
}

constants! {
    /// No encryption; see [`Handle::set_tls`](crate::Handle::set_tls).
    TLS_DISABLE: i32 = 0;
    /// Encryption if the server agrees.
    TLS_ALLOW: i32 = 1;
    /// Encryption or nothing.
    TLS_REQUIRE: i32 = 2;

    /// The certificates of the authorities to trust; see
    /// [`Handle::set_tls_pem`](crate::Handle::set_tls_pem).
    PEM_CA: i32 = 1;
    /// The client's certificate, and the intermediate certificates.
    PEM_CERTIFICATE: i32 = 2;
    /// The private key of the client's certificate.
    PEM_KEY: i32 = 3;
    /// What the authorities have revoked.
    PEM_CRL: i32 = 4;

    /// What offsets and lengths have to be multiples of; see
    /// [`Handle::get_block_size`](crate::Handle::get_block_size).
    SIZE_MINIMUM: i32 = 0;
    /// What is fast.
    SIZE_PREFERRED: i32 = 1;
    /// The longest request.
    SIZE_MAXIMUM: i32 = 2;
    /// The longest payload to send.
    SIZE_PAYLOAD: i32 = 3;

    /// Complete when the data has reached permanent storage.
    CMD_FLAG_FUA: u32 = flag::FUA as u32;
    /// Leave no hole behind.
    CMD_FLAG_NO_HOLE: u32 = flag::NO_HOLE as u32;
    /// Answer in one piece.
    CMD_FLAG_DF: u32 = flag::DF as u32;
    /// Tell of one extent for each meta context.
    CMD_FLAG_REQ_ONE: u32 = flag::REQ_ONE as u32;
    /// Fail if it is no faster than writing.
    CMD_FLAG_FAST_ZERO: u32 = flag::FAST_ZERO as u32;
    /// A payload follows; set by the library unless told otherwise.
    CMD_FLAG_PAYLOAD_LEN: u32 = flag::PAYLOAD_LEN as u32;
    /// All flags of commands.
    CMD_FLAG_MASK: u32 = 0x3f;

    /// The fixed newstyle handshake, in which options can be refused.
    HANDSHAKE_FLAG_FIXED_NEWSTYLE: u32 = 0x01;
    /// No padding at the end of the older handshake.
    HANDSHAKE_FLAG_NO_ZEROES: u32 = 0x02;
    /// All flags of the handshake.
    HANDSHAKE_FLAG_MASK: u32 = 0x03;

    /// Refuse what the server does not offer; see
    /// [`Handle::set_strict_mode`](crate::Handle::set_strict_mode).
    STRICT_COMMANDS: u32 = 0x01;
    /// Refuse flags that do not belong to the command.
    STRICT_FLAGS: u32 = 0x02;
    /// Refuse what reaches beyond the export.
    STRICT_BOUNDS: u32 = 0x04;
    /// Refuse requests for nothing.
    STRICT_ZERO_SIZE: u32 = 0x08;
    /// Refuse what is not aligned to the minimum block size.
    STRICT_ALIGN: u32 = 0x10;
    /// Refuse payloads that are longer than the server takes.
    STRICT_PAYLOAD: u32 = 0x20;
    /// Set [`CMD_FLAG_PAYLOAD_LEN`] where it belongs.
    STRICT_AUTO_FLAG: u32 = 0x40;
    /// All bits of the strict mode.
    STRICT_MASK: u32 = 0x7f;

    /// URIs may name TCP servers.
    ALLOW_TRANSPORT_TCP: u32 = 0x01;
    /// URIs may name Unix domain sockets.
    ALLOW_TRANSPORT_UNIX: u32 = 0x02;
    /// URIs may name virtual machines.
    ALLOW_TRANSPORT_VSOCK: u32 = 0x04;
    /// URIs may name SSH servers.
    ALLOW_TRANSPORT_SSH: u32 = 0x08;
    /// All transports.
    ALLOW_TRANSPORT_MASK: u32 = 0x0f;

    /// Give up commands that have not been sent; see
    /// [`Handle::shutdown`](crate::Handle::shutdown).
    SHUTDOWN_ABANDON_PENDING: u32 = 0x10000;
    /// All flags of shutdown.
    SHUTDOWN_MASK: u32 = 0x10000;

    /// Poll for reading; see
    /// [`Handle::aio_get_direction`](crate::Handle::aio_get_direction).
    AIO_DIRECTION_READ: u32 = 1;
    /// Poll for writing.
    AIO_DIRECTION_WRITE: u32 = 2;
    /// Poll for both.
    AIO_DIRECTION_BOTH: u32 = 3;

    /// A chunk has data; see [`ReadChunk`](crate::ReadChunk).
    READ_DATA: u32 = 1;
    /// A chunk is a hole, which reads as zeroes.
    READ_HOLE: u32 = 2;
    /// A chunk tells of an error.
    READ_ERROR: u32 = 3;

    /// How the names of the protocol's own meta contexts begin.
    NAMESPACE_BASE: &CStr = c"base:";
    /// Where the export has data and holes.
    CONTEXT_BASE_ALLOCATION: &CStr = c"base:allocation";
    /// Status of [`CONTEXT_BASE_ALLOCATION`]: nothing is allocated.
    STATE_HOLE: u64 = 1;
    /// Status of [`CONTEXT_BASE_ALLOCATION`]: it reads as zeroes.
    STATE_ZERO: u64 = 2;
    /// How the names of QEMU's meta contexts begin.
    NAMESPACE_QEMU: &CStr = c"qemu:";
    /// How QEMU's dirty bitmaps begin; the name of the bitmap follows.
    CONTEXT_QEMU_DIRTY_BITMAP: &CStr = c"qemu:dirty-bitmap:";
    /// How deep in a chain of images the data is.
    CONTEXT_QEMU_ALLOCATION_DEPTH: &CStr = c"qemu:allocation-depth";
    /// Status of a dirty bitmap: something was written.
    STATE_DIRTY: u64 = 1;
}
