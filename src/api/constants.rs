//! The numbers and names that the functions take and return, without the prefix
//! that they have in C: `LIBNBD_`, or `NBDX_`.

use std::ffi::CStr;

use crate::client::settings::strict;
use crate::client::{ABANDON_PENDING, state};
use crate::protocol::{flag, handshake};
use crate::transmission::part;
use crate::uri::transport;

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: $type = $value;)*
    };
}

constants! {
    /// No encryption; see [`Handle::set_tls`](crate::Handle::set_tls).
    TLS_DISABLE: i32 = 0;
    /// Encryption if the server supports it.
    TLS_ALLOW: i32 = 1;
    /// Encryption is required.
    TLS_REQUIRE: i32 = 2;

    /// The limit on connecting; see
    /// [`Handle::set_timeout`](crate::Handle::set_timeout).
    TIMEOUT_CONNECT: i32 = 1;
    /// The limit on one option or command.
    TIMEOUT_CALL: i32 = 2;
    /// The limit on a server that owes an answer and sends nothing.
    TIMEOUT_SILENCE: i32 = 3;

    /// The certificates of the authorities to trust; see
    /// [`Handle::set_tls_pem`](crate::Handle::set_tls_pem).
    PEM_CA: i32 = 1;
    /// The client's certificate, and the intermediate certificates.
    PEM_CERTIFICATE: i32 = 2;
    /// The private key of the client's certificate.
    PEM_KEY: i32 = 3;
    /// The lists of certificates that the authorities have revoked.
    PEM_CRL: i32 = 4;

    /// The minimum block size, of which offsets and lengths have to be
    /// multiples; see
    /// [`Handle::get_block_size`](crate::Handle::get_block_size).
    SIZE_MINIMUM: i32 = 0;
    /// The preferred block size, which gives the best performance.
    SIZE_PREFERRED: i32 = 1;
    /// The maximum length of a request.
    SIZE_MAXIMUM: i32 = 2;
    /// The maximum length of a payload to send.
    SIZE_PAYLOAD: i32 = 3;

    /// Complete the command only when the data has reached permanent storage.
    CMD_FLAG_FUA: u32 = flag::FUA as u32;
    /// Do not punch a hole.
    CMD_FLAG_NO_HOLE: u32 = flag::NO_HOLE as u32;
    /// Do not fragment the reply.
    CMD_FLAG_DF: u32 = flag::DF as u32;
    /// Report only one extent for each meta context.
    CMD_FLAG_REQ_ONE: u32 = flag::REQ_ONE as u32;
    /// Fail if zeroing is no faster than writing.
    CMD_FLAG_FAST_ZERO: u32 = flag::FAST_ZERO as u32;
    /// A payload follows; by default the library sets this flag.
    CMD_FLAG_PAYLOAD_LEN: u32 = flag::PAYLOAD_LEN as u32;
    /// All flags of commands.
    CMD_FLAG_MASK: u32 = 0x3f;

    /// The fixed newstyle handshake, in which the server can reject options.
    HANDSHAKE_FLAG_FIXED_NEWSTYLE: u32 = handshake::FIXED_NEWSTYLE as u32;
    /// No padding of zeroes at the end of the older handshake.
    HANDSHAKE_FLAG_NO_ZEROES: u32 = handshake::NO_ZEROES as u32;
    /// All flags of the handshake.
    HANDSHAKE_FLAG_MASK: u32 = HANDSHAKE_FLAG_FIXED_NEWSTYLE | HANDSHAKE_FLAG_NO_ZEROES;

    /// Reject commands that the server does not support; see
    /// [`Handle::set_strict_mode`](crate::Handle::set_strict_mode).
    STRICT_COMMANDS: u32 = strict::COMMANDS;
    /// Reject flags that the command does not take.
    STRICT_FLAGS: u32 = strict::FLAGS;
    /// Reject requests that extend beyond the end of the export.
    STRICT_BOUNDS: u32 = strict::BOUNDS;
    /// Reject requests of length zero.
    STRICT_ZERO_SIZE: u32 = strict::ZERO_SIZE;
    /// Reject requests that are not aligned to the minimum block size.
    STRICT_ALIGN: u32 = strict::ALIGN;
    /// Reject payloads that are longer than the server accepts.
    STRICT_PAYLOAD: u32 = strict::PAYLOAD;
    /// Set [`CMD_FLAG_PAYLOAD_LEN`] automatically where it is required.
    STRICT_AUTO_FLAG: u32 = strict::AUTO_FLAG;
    /// All bits of the strict mode.
    STRICT_MASK: u32 = strict::MASK;

    /// URIs may name TCP servers.
    ALLOW_TRANSPORT_TCP: u32 = transport::TCP;
    /// URIs may name Unix domain sockets.
    ALLOW_TRANSPORT_UNIX: u32 = transport::UNIX;
    /// URIs may name servers reached through vsock.
    ALLOW_TRANSPORT_VSOCK: u32 = transport::VSOCK;
    /// URIs may name SSH servers.
    ALLOW_TRANSPORT_SSH: u32 = transport::SSH;
    /// All transports.
    ALLOW_TRANSPORT_MASK: u32 = transport::MASK;

    /// Abandon commands that have not been sent; see
    /// [`Handle::shutdown`](crate::Handle::shutdown).
    SHUTDOWN_ABANDON_PENDING: u32 = ABANDON_PENDING;
    /// All flags of shutdown.
    SHUTDOWN_MASK: u32 = ABANDON_PENDING;

    /// Poll for reading; see
    /// [`Handle::aio_get_direction`](crate::Handle::aio_get_direction).
    AIO_DIRECTION_READ: u32 = state::READ;
    /// Poll for writing.
    AIO_DIRECTION_WRITE: u32 = state::WRITE;
    /// Poll for both.
    AIO_DIRECTION_BOTH: u32 = state::READ | state::WRITE;

    /// A chunk contains data; see [`ReadChunk`](crate::ReadChunk).
    READ_DATA: u32 = part::DATA;
    /// A chunk is a hole, which reads as zeroes.
    READ_HOLE: u32 = part::HOLE;
    /// A chunk reports an error.
    READ_ERROR: u32 = part::ERROR;

    /// Prefix of the names of the protocol's own meta contexts.
    NAMESPACE_BASE: &CStr = c"base:";
    /// The meta context that reports data and holes.
    CONTEXT_BASE_ALLOCATION: &CStr = c"base:allocation";
    /// Status flag of [`CONTEXT_BASE_ALLOCATION`]: the extent is not allocated.
    STATE_HOLE: u64 = 1;
    /// Status flag of [`CONTEXT_BASE_ALLOCATION`]: the extent reads as zeroes.
    STATE_ZERO: u64 = 2;
    /// Prefix of the names of QEMU's meta contexts.
    NAMESPACE_QEMU: &CStr = c"qemu:";
    /// Prefix of the meta contexts of QEMU's dirty bitmaps; the name of the
    /// bitmap follows.
    CONTEXT_QEMU_DIRTY_BITMAP: &CStr = c"qemu:dirty-bitmap:";
    /// The meta context that reports how deep in a chain of images the data is.
    CONTEXT_QEMU_ALLOCATION_DEPTH: &CStr = c"qemu:allocation-depth";
    /// Status flag of a dirty bitmap: the extent was written to.
    STATE_DIRTY: u64 = 1;
}
