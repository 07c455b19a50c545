//! The table of public functions: name, handle states that permit the call,
//! and the flags it accepts.
//!
//! One way in (see `api::enter`) applies these rules to every call.

use std::ffi::CStr;
use std::fmt;

use crate::protocol::request::flag;

/// A set of the handle states that the public interface distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u8);

impl States {
    /// Not yet connected.
    pub const CREATED: Self = Self(1);
    /// Connecting, or talking through the handshake.
    pub const CONNECTING: Self = Self(2);
    /// In option mode, waiting for the caller.
    pub const NEGOTIATING: Self = Self(4);
    /// In the transmission phase.
    pub const CONNECTED: Self = Self(8);
    /// The connection ended in order.
    pub const CLOSED: Self = Self(16);
    /// The connection broke.
    pub const DEAD: Self = Self(32);
    /// Every state.
    pub const ANY: Self = Self(63);

    /// Both sets together.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set as a word.
    pub const fn to_bits(self) -> u32 {
        self.0 as u32
    }

    /// The set from such a word.
    pub const fn from_bits(bits: u32) -> Self {
        Self((bits & 63) as u8)
    }

    /// Whether `state` is in the set.
    pub const fn contains(self, state: Self) -> bool {
        self.0 & state.0 == state.0
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::CREATED, "newly created"),
            (Self::CONNECTING, "connecting"),
            (Self::NEGOTIATING, "negotiating"),
            (Self::CONNECTED, "connected"),
            (Self::CLOSED, "closed"),
            (Self::DEAD, "dead"),
        ];
        let mut separator = "";
        for (_, name) in names.iter().filter(|(state, _)| self.contains(*state)) {
            write!(f, "{separator}{name}")?;
            separator = " or ";
        }
        Ok(())
    }
}

/// What the table says of one public function.
#[derive(Debug)]
pub struct Entry {
    /// The name, as it begins error messages.
    pub name: &'static CStr,
    /// The states that permit the call.
    pub states: States,
    /// The bits that its flags argument accepts; zero where there is none.
    pub flags: u32,
}

const ANY: States = States::ANY;
const CREATED: States = States::CREATED;
const NEGOTIATING: States = States::NEGOTIATING;
const CONNECTED: States = States::CONNECTED;
/// What the handshake asks for can still be changed.
const BEFORE_GO: States = CREATED.or(NEGOTIATING);
/// There is somebody to say goodbye to.
const OPEN: States = NEGOTIATING.or(CONNECTED);
/// What the server said is known.
const KNOWN: States = OPEN.or(States::CLOSED);
/// It is known where the server is.
const STARTED: States = States::CONNECTING.or(KNOWN).or(States::DEAD);
/// Commands can be in flight, or have been.
const TRANSMISSION: States = CONNECTED.or(States::CLOSED).or(States::DEAD);

const FUA: u32 = flag::FUA as u32;
const NO_HOLE: u32 = flag::NO_HOLE as u32;
const DF: u32 = flag::DF as u32;
const REQ_ONE: u32 = flag::REQ_ONE as u32;
const FAST_ZERO: u32 = flag::FAST_ZERO as u32;
const PAYLOAD_LEN: u32 = flag::PAYLOAD_LEN as u32;

macro_rules! entries {
    ($($id:ident = $name:literal $states:ident $(flags $flags:expr)?;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub static $id: Entry = Entry {
                // The literals below hold no NUL, so this cannot fail, and it
                // is evaluated when the crate is compiled.
                name: match CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                },
                states: $states,
                flags: 0 $(| $flags)?,
            };
        )*
        /// Every function of the table.
        #[cfg(test)]
        static ALL: &[&Entry] = &[$(&$id),*];
    };
}

entries! {
    // library
    CLOSE = "nbd_close" ANY;
    CREATE = "nbd_create" ANY;
    GET_PACKAGE_NAME = "nbd_get_package_name" ANY;
    GET_VERSION = "nbd_get_version" ANY;
    GET_VERSION_EXTRA = "nbd_get_version_extra" ANY;
    SUPPORTS_TLS = "nbd_supports_tls" ANY;
    SUPPORTS_URI = "nbd_supports_uri" ANY;
    SUPPORTS_VSOCK = "nbd_supports_vsock" ANY;

    // debug
    SET_DEBUG = "nbd_set_debug" ANY;
    GET_DEBUG = "nbd_get_debug" ANY;
    SET_DEBUG_CALLBACK = "nbd_set_debug_callback" ANY;
    CLEAR_DEBUG_CALLBACK = "nbd_clear_debug_callback" ANY;

    // settings
    SET_HANDLE_NAME = "nbd_set_handle_name" ANY;
    GET_HANDLE_NAME = "nbd_get_handle_name" ANY;
    SET_PRIVATE_DATA = "nbd_set_private_data" ANY;
    GET_PRIVATE_DATA = "nbd_get_private_data" ANY;
    SET_EXPORT_NAME = "nbd_set_export_name" BEFORE_GO;
    GET_EXPORT_NAME = "nbd_get_export_name" ANY;
    SET_PREAD_INITIALIZE = "nbd_set_pread_initialize" ANY;
    GET_PREAD_INITIALIZE = "nbd_get_pread_initialize" ANY;
    SET_STRICT_MODE = "nbd_set_strict_mode" ANY flags 0x7f;
    GET_STRICT_MODE = "nbd_get_strict_mode" ANY;

    // handshake
    SET_FULL_INFO = "nbd_set_full_info" BEFORE_GO;
    GET_FULL_INFO = "nbd_get_full_info" ANY;
    SET_REQUEST_BLOCK_SIZE = "nbd_set_request_block_size" BEFORE_GO;
    GET_REQUEST_BLOCK_SIZE = "nbd_get_request_block_size" ANY;
    SET_REQUEST_STRUCTURED_REPLIES = "nbd_set_request_structured_replies" CREATED;
    GET_REQUEST_STRUCTURED_REPLIES = "nbd_get_request_structured_replies" ANY;
    SET_REQUEST_EXTENDED_HEADERS = "nbd_set_request_extended_headers" CREATED;
    GET_REQUEST_EXTENDED_HEADERS = "nbd_get_request_extended_headers" ANY;
    SET_REQUEST_META_CONTEXT = "nbd_set_request_meta_context" BEFORE_GO;
    GET_REQUEST_META_CONTEXT = "nbd_get_request_meta_context" ANY;
    SET_HANDSHAKE_FLAGS = "nbd_set_handshake_flags" CREATED flags 0x3;
    GET_HANDSHAKE_FLAGS = "nbd_get_handshake_flags" ANY;
    SET_OPT_MODE = "nbd_set_opt_mode" CREATED;
    GET_OPT_MODE = "nbd_get_opt_mode" ANY;

    // tls
    SET_TLS = "nbd_set_tls" CREATED;
    GET_TLS = "nbd_get_tls" ANY;
    SET_TLS_CERTIFICATES = "nbd_set_tls_certificates" CREATED;
    SET_TLS_PSK_FILE = "nbd_set_tls_psk_file" CREATED;
    SET_TLS_USERNAME = "nbd_set_tls_username" CREATED;
    GET_TLS_USERNAME = "nbd_get_tls_username" ANY;
    SET_TLS_HOSTNAME = "nbd_set_tls_hostname" CREATED;
    GET_TLS_HOSTNAME = "nbd_get_tls_hostname" ANY;
    SET_TLS_VERIFY_PEER = "nbd_set_tls_verify_peer" CREATED;
    GET_TLS_VERIFY_PEER = "nbd_get_tls_verify_peer" ANY;
    SET_TLS_PRIORITY = "nbd_set_tls_priority" CREATED;
    GET_TLS_PRIORITY = "nbd_get_tls_priority" ANY;
    GET_TLS_NEGOTIATED = "nbd_get_tls_negotiated" KNOWN;

    // meta_context
    ADD_META_CONTEXT = "nbd_add_meta_context" BEFORE_GO;
    CLEAR_META_CONTEXTS = "nbd_clear_meta_contexts" BEFORE_GO;
    GET_NR_META_CONTEXTS = "nbd_get_nr_meta_contexts" ANY;
    GET_META_CONTEXT = "nbd_get_meta_context" ANY;

    // connect
    CONNECT_TCP = "nbd_connect_tcp" CREATED;
    AIO_CONNECT_TCP = "nbd_aio_connect_tcp" CREATED;
    CONNECT_UNIX = "nbd_connect_unix" CREATED;
    AIO_CONNECT_UNIX = "nbd_aio_connect_unix" CREATED;
    AIO_CONNECT = "nbd_aio_connect" CREATED;
    CONNECT_SOCKET = "nbd_connect_socket" CREATED;
    AIO_CONNECT_SOCKET = "nbd_aio_connect_socket" CREATED;
    CONNECT_VSOCK = "nbd_connect_vsock" CREATED;
    AIO_CONNECT_VSOCK = "nbd_aio_connect_vsock" CREATED;
    SHUTDOWN = "nbd_shutdown" OPEN flags 0x10000;
    AIO_DISCONNECT = "nbd_aio_disconnect" CONNECTED;

    // subprocess
    CONNECT_COMMAND = "nbd_connect_command" CREATED;
    AIO_CONNECT_COMMAND = "nbd_aio_connect_command" CREATED;
    CONNECT_SYSTEMD_SOCKET_ACTIVATION = "nbd_connect_systemd_socket_activation" CREATED;
    AIO_CONNECT_SYSTEMD_SOCKET_ACTIVATION = "nbd_aio_connect_systemd_socket_activation" CREATED;
    SET_SOCKET_ACTIVATION_NAME = "nbd_set_socket_activation_name" CREATED;
    GET_SOCKET_ACTIVATION_NAME = "nbd_get_socket_activation_name" ANY;
    KILL_SUBPROCESS = "nbd_kill_subprocess" ANY;
    GET_SUBPROCESS_PID = "nbd_get_subprocess_pid" ANY;

    // uri
    CONNECT_URI = "nbd_connect_uri" CREATED;
    AIO_CONNECT_URI = "nbd_aio_connect_uri" CREATED;
    GET_URI = "nbd_get_uri" STARTED;
    IS_URI = "nbd_is_uri" ANY;
    SET_URI_ALLOW_TRANSPORTS = "nbd_set_uri_allow_transports" CREATED flags 0xf;
    SET_URI_ALLOW_TLS = "nbd_set_uri_allow_tls" CREATED;
    SET_URI_ALLOW_LOCAL_FILE = "nbd_set_uri_allow_local_file" CREATED;
    SET_URI_ALLOW_TLS_PRIORITY = "nbd_set_uri_allow_tls_priority" CREATED;

    // options
    OPT_GO = "nbd_opt_go" NEGOTIATING;
    OPT_INFO = "nbd_opt_info" NEGOTIATING;
    OPT_ABORT = "nbd_opt_abort" NEGOTIATING;
    OPT_LIST = "nbd_opt_list" NEGOTIATING;
    OPT_STARTTLS = "nbd_opt_starttls" NEGOTIATING;
    OPT_EXTENDED_HEADERS = "nbd_opt_extended_headers" NEGOTIATING;
    OPT_STRUCTURED_REPLY = "nbd_opt_structured_reply" NEGOTIATING;
    OPT_LIST_META_CONTEXT = "nbd_opt_list_meta_context" NEGOTIATING;
    OPT_LIST_META_CONTEXT_QUERIES = "nbd_opt_list_meta_context_queries" NEGOTIATING;
    OPT_SET_META_CONTEXT = "nbd_opt_set_meta_context" NEGOTIATING;
    OPT_SET_META_CONTEXT_QUERIES = "nbd_opt_set_meta_context_queries" NEGOTIATING;

    // aio_options
    AIO_OPT_GO = "nbd_aio_opt_go" NEGOTIATING;
    AIO_OPT_INFO = "nbd_aio_opt_info" NEGOTIATING;
    AIO_OPT_ABORT = "nbd_aio_opt_abort" NEGOTIATING;
    AIO_OPT_LIST = "nbd_aio_opt_list" NEGOTIATING;
    AIO_OPT_STARTTLS = "nbd_aio_opt_starttls" NEGOTIATING;
    AIO_OPT_EXTENDED_HEADERS = "nbd_aio_opt_extended_headers" NEGOTIATING;
    AIO_OPT_STRUCTURED_REPLY = "nbd_aio_opt_structured_reply" NEGOTIATING;
    AIO_OPT_LIST_META_CONTEXT = "nbd_aio_opt_list_meta_context" NEGOTIATING;
    AIO_OPT_LIST_META_CONTEXT_QUERIES = "nbd_aio_opt_list_meta_context_queries" NEGOTIATING;
    AIO_OPT_SET_META_CONTEXT = "nbd_aio_opt_set_meta_context" NEGOTIATING;
    AIO_OPT_SET_META_CONTEXT_QUERIES = "nbd_aio_opt_set_meta_context_queries" NEGOTIATING;

    // info
    GET_SIZE = "nbd_get_size" KNOWN;
    IS_READ_ONLY = "nbd_is_read_only" KNOWN;
    IS_ROTATIONAL = "nbd_is_rotational" KNOWN;
    CAN_FLUSH = "nbd_can_flush" KNOWN;
    CAN_FUA = "nbd_can_fua" KNOWN;
    CAN_TRIM = "nbd_can_trim" KNOWN;
    CAN_ZERO = "nbd_can_zero" KNOWN;
    CAN_FAST_ZERO = "nbd_can_fast_zero" KNOWN;
    CAN_DF = "nbd_can_df" KNOWN;
    CAN_MULTI_CONN = "nbd_can_multi_conn" KNOWN;
    CAN_CACHE = "nbd_can_cache" KNOWN;
    CAN_BLOCK_STATUS_PAYLOAD = "nbd_can_block_status_payload" KNOWN;
    CAN_META_CONTEXT = "nbd_can_meta_context" KNOWN;
    GET_BLOCK_SIZE = "nbd_get_block_size" KNOWN;
    GET_CANONICAL_EXPORT_NAME = "nbd_get_canonical_export_name" KNOWN;
    GET_EXPORT_DESCRIPTION = "nbd_get_export_description" KNOWN;
    GET_PROTOCOL = "nbd_get_protocol" KNOWN;
    GET_STRUCTURED_REPLIES_NEGOTIATED = "nbd_get_structured_replies_negotiated" KNOWN;
    GET_EXTENDED_HEADERS_NEGOTIATED = "nbd_get_extended_headers_negotiated" KNOWN;

    // data
    PREAD = "nbd_pread" CONNECTED;
    PREAD_STRUCTURED = "nbd_pread_structured" CONNECTED flags DF;
    PWRITE = "nbd_pwrite" CONNECTED flags FUA | PAYLOAD_LEN;
    FLUSH = "nbd_flush" CONNECTED;
    TRIM = "nbd_trim" CONNECTED flags FUA;
    CACHE = "nbd_cache" CONNECTED;
    ZERO = "nbd_zero" CONNECTED flags FUA | NO_HOLE | FAST_ZERO;

    // aio_data
    AIO_PREAD = "nbd_aio_pread" CONNECTED;
    AIO_PREAD_STRUCTURED = "nbd_aio_pread_structured" CONNECTED flags DF;
    AIO_PWRITE = "nbd_aio_pwrite" CONNECTED flags FUA | PAYLOAD_LEN;
    AIO_FLUSH = "nbd_aio_flush" CONNECTED;
    AIO_TRIM = "nbd_aio_trim" CONNECTED flags FUA;
    AIO_CACHE = "nbd_aio_cache" CONNECTED;
    AIO_ZERO = "nbd_aio_zero" CONNECTED flags FUA | NO_HOLE | FAST_ZERO;

    // block_status
    BLOCK_STATUS = "nbd_block_status" CONNECTED flags REQ_ONE;
    BLOCK_STATUS_64 = "nbd_block_status_64" CONNECTED flags REQ_ONE;
    BLOCK_STATUS_FILTER = "nbd_block_status_filter" CONNECTED flags REQ_ONE | PAYLOAD_LEN;
    AIO_BLOCK_STATUS = "nbd_aio_block_status" CONNECTED flags REQ_ONE;
    AIO_BLOCK_STATUS_64 = "nbd_aio_block_status_64" CONNECTED flags REQ_ONE;
    AIO_BLOCK_STATUS_FILTER = "nbd_aio_block_status_filter" CONNECTED flags REQ_ONE | PAYLOAD_LEN;

    // aio
    POLL = "nbd_poll" ANY;
    POLL2 = "nbd_poll2" ANY;
    AIO_GET_FD = "nbd_aio_get_fd" ANY;
    AIO_GET_DIRECTION = "nbd_aio_get_direction" ANY;
    AIO_NOTIFY_READ = "nbd_aio_notify_read" ANY;
    AIO_NOTIFY_WRITE = "nbd_aio_notify_write" ANY;
    AIO_IN_FLIGHT = "nbd_aio_in_flight" TRANSMISSION;
    AIO_COMMAND_COMPLETED = "nbd_aio_command_completed" ANY;
    AIO_PEEK_COMMAND_COMPLETED = "nbd_aio_peek_command_completed" ANY;

    // state
    AIO_IS_CREATED = "nbd_aio_is_created" ANY;
    AIO_IS_CONNECTING = "nbd_aio_is_connecting" ANY;
    AIO_IS_NEGOTIATING = "nbd_aio_is_negotiating" ANY;
    AIO_IS_READY = "nbd_aio_is_ready" ANY;
    AIO_IS_PROCESSING = "nbd_aio_is_processing" ANY;
    AIO_IS_CLOSED = "nbd_aio_is_closed" ANY;
    AIO_IS_DEAD = "nbd_aio_is_dead" ANY;
    CONNECTION_STATE = "nbd_connection_state" ANY;

    // stats
    STATS_BYTES_SENT = "nbd_stats_bytes_sent" ANY;
    STATS_CHUNKS_SENT = "nbd_stats_chunks_sent" ANY;
    STATS_BYTES_RECEIVED = "nbd_stats_bytes_received" ANY;
    STATS_CHUNKS_RECEIVED = "nbd_stats_chunks_received" ANY;
    GET_HANDLE_SIZE = "nbd_get_handle_size" ANY;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn interface() -> Value {
        serde_json::from_str(include_str!("../../tests/data/api.json")).unwrap()
    }

    fn states(function: &Value) -> States {
        let names = function["permitted_states"].as_array().unwrap();
        if names.is_empty() {
            return States::ANY;
        }
        names.iter().fold(States(0), |set, name| {
            set.or(match name.as_str().unwrap() {
                "Created" => States::CREATED,
                "Connecting" => States::CONNECTING,
                "Negotiating" => States::NEGOTIATING,
                "Connected" => States::CONNECTED,
                "Closed" => States::CLOSED,
                "Dead" => States::DEAD,
                other => panic!("unknown state {other}"),
            })
        })
    }

    fn flags(function: &Value) -> u32 {
        let arguments = function["flags_args"].as_array().unwrap();
        let masks: Vec<_> = arguments
            .iter()
            .filter(|argument| argument["kind"] == "flags")
            .map(|argument| argument["accepted_mask"].as_u64().unwrap())
            .collect();
        assert!(masks.len() <= 1, "{function}");
        masks
            .first()
            .map_or(0, |&mask| u32::try_from(mask).unwrap())
    }

    #[test]
    fn the_table_agrees_with_the_description_of_the_interface() {
        let interface = interface();
        let functions = interface["functions"].as_array().unwrap();
        for entry in ALL {
            let name = entry.name.to_str().unwrap();
            let function = functions
                .iter()
                .find(|function| function["name"] == name)
                .unwrap_or_else(|| panic!("{name} is no function of the interface"));
            assert_eq!(entry.states, states(function), "states of {name}");
            assert_eq!(entry.flags, flags(function), "flags of {name}");
        }
    }

    #[test]
    fn a_set_of_states_is_named_in_messages() {
        assert_eq!(BEFORE_GO.to_string(), "newly created or negotiating");
        assert_eq!(CONNECTED.to_string(), "connected");
    }

    #[test]
    fn no_function_is_in_the_table_twice() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
