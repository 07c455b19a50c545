//! The table of public functions: name, first version, the handle states that
//! permit the call, and the words it accepts.
//!
//! There are two lists: `ALL` has the functions of libnbd, which the C library
//! has as well, and `EXTENSION` those that only this library has, named libnbdx.
//! The rules are the same for both.
//!
//! Pure data.  The gate (`api::gate`) applies these rules to every call, and
//! the build script writes them to the headers and the manual, so that they are
//! stated once.  The statics have the names of the functions: a macro that
//! writes `table::$name` does not compile for a function that is not in the
//! table.

use std::ffi::CStr;
use std::fmt;

use crate::flag;

/// The table's entry for one public function.
#[derive(Debug)]
pub struct Row {
    /// The name, as it begins error messages.
    pub name: &'static CStr,
    /// The version of its interface in which it appeared.
    #[cfg_attr(library, allow(dead_code, reason = "for the manual"))]
    pub since: &'static str,
    /// The states that permit the call.
    pub states: States,
    /// The argument with restricted values, if any.
    pub word: Word,
    /// Programs call it for every request.  So what it has in common with others
    /// is compiled for it alone, which is faster, and larger.
    #[cfg_attr(not(library), allow(dead_code, reason = "for the library"))]
    pub often: bool,
}

/// Which values a function accepts for its flags, or for what it chooses by
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It has no such argument.
    None,
    /// A number from 0 to this one.
    Choice(i32),
    /// These bits and no others.
    Mask(u32),
    /// Flags of a command: these bits, and others if the strict mode permits
    /// them.
    Command(u32),
}

/// A set of the handle states that the public interface distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u8);

impl States {
    /// Not yet connected.
    pub const CREATED: Self = Self(1);
    /// Connecting, or performing the handshake.
    pub const CONNECTING: Self = Self(2);
    /// In option mode, waiting for the caller.
    pub const NEGOTIATING: Self = Self(4);
    /// In the transmission phase.
    pub const CONNECTED: Self = Self(8);
    /// The connection ended in an orderly way.
    pub const CLOSED: Self = Self(16);
    /// The connection failed.
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

    /// Whether the sets have a state in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
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

const ANY: States = States::ANY;
const CREATED: States = States::CREATED;
const NEGOTIATING: States = States::NEGOTIATING;
const CONNECTED: States = States::CONNECTED;
/// What the handshake requests can still be changed.
const BEFORE_GO: States = CREATED.or(NEGOTIATING);
/// There is a server to disconnect from.
pub const OPEN: States = NEGOTIATING.or(CONNECTED);
/// What the server reported is known.
const KNOWN: States = OPEN.or(States::CLOSED);
/// The location of the server is known.
const STARTED: States = States::CONNECTING.or(KNOWN).or(States::DEAD);
/// Commands can be in flight, or have been.
const TRANSMISSION: States = CONNECTED.or(States::CLOSED).or(States::DEAD);

macro_rules! word {
    () => {
        Word::None
    };
    (choice $last:expr) => {
        Word::Choice($last)
    };
    (mask $bits:expr) => {
        Word::Mask($bits)
    };
    (command [$($flag:ident),*]) => {
        Word::Command(0 $(| flag::$flag as u32)*)
    };
}

/// A set of states, as the documentation of the Rust methods names it.
#[allow(unused_macros, reason = "the build script has no methods")]
macro_rules! states {
    (ANY) => {
        "any"
    };
    (CREATED) => {
        "created"
    };
    (NEGOTIATING) => {
        "negotiating"
    };
    (CONNECTED) => {
        "connected"
    };
    (BEFORE_GO) => {
        "created and negotiating"
    };
    (OPEN) => {
        "negotiating and connected"
    };
    (KNOWN) => {
        "negotiating, connected and closed"
    };
    (STARTED) => {
        "all but created"
    };
    (TRANSMISSION) => {
        "connected, closed and dead"
    };
}

macro_rules! often {
    () => {
        false
    };
    (often) => {
        true
    };
}

macro_rules! rows {
    (
        $(#[$doc:meta])*
        $list:ident: $prefix:literal, $docs:ident;
        $($name:ident: $states:ident $since:literal $($kind:ident $value:tt)? $(, $often:ident)?;)*
    ) => {
        $(
            #[doc = concat!("`", $prefix, stringify!($name), "`")]
            #[allow(non_upper_case_globals, reason = "the name is the function's")]
            pub static $name: Row = Row {
                // An identifier holds no NUL, so this cannot fail, and it is
                // evaluated when the crate is compiled.
                name: match CStr::from_bytes_with_nul(
                    concat!($prefix, stringify!($name), "\0").as_bytes(),
                ) {
                    Ok(name) => name,
                    Err(_) => c"",
                },
                since: stringify!($since),
                states: $states,
                word: word!($($kind $value)?),
                often: often!($($often)?),
            };
        )*
        /// For each function a macro that makes what its documentation says
        /// about the states.
        #[allow(unused_imports, unused_macros, reason = "some functions are not methods")]
        pub mod $docs {$(
            macro_rules! $name {
                () => {
                    concat!(
                        "\n\nStates: ", $crate::table::states!($states),
                        ".  Errors: see `", $prefix, stringify!($name), "`."
                    )
                };
            }
            pub(crate) use $name;
        )*}
        $(#[$doc])*
        // The library names each row individually, so that the compiler finds a
        // row without a function.
        #[cfg(any(test, not(library)))]
        pub static $list: &[&Row] = &[$(&$name),*];
    };
}

#[allow(unused_imports, reason = "as above")]
pub(crate) use states;

/// The macros of all functions.
#[allow(unused_imports, reason = "as above")]
pub mod docs {
    pub(crate) use super::extension_docs::*;
    pub(crate) use super::library_docs::*;
}

rows! {
    /// The functions of libnbd.
    ALL: "nbd_", library_docs;

    // library
    create: ANY 1.0;
    close: ANY 1.0;
    get_error: ANY 1.0;
    get_errno: ANY 1.0;
    get_package_name: ANY 1.0;
    get_version: ANY 1.0;
    get_version_extra: ANY 1.24;
    supports_tls: ANY 1.0;
    supports_uri: ANY 1.0;
    supports_vsock: ANY 1.16;

    // debug
    set_debug: ANY 1.0;
    get_debug: ANY 1.0;
    set_debug_callback: ANY 1.0;
    clear_debug_callback: ANY 1.0;

    // settings
    set_handle_name: ANY 1.0;
    get_handle_name: ANY 1.0;
    set_private_data: ANY 1.8;
    get_private_data: ANY 1.8;
    set_export_name: BEFORE_GO 1.0;
    get_export_name: ANY 1.0;
    set_pread_initialize: ANY 1.12;
    get_pread_initialize: ANY 1.12;
    set_strict_mode: ANY 1.6 mask 0x7f;
    get_strict_mode: ANY 1.6;

    // handshake
    set_full_info: BEFORE_GO 1.4;
    get_full_info: ANY 1.4;
    set_request_block_size: BEFORE_GO 1.12;
    get_request_block_size: ANY 1.12;
    set_request_structured_replies: CREATED 1.2;
    get_request_structured_replies: ANY 1.2;
    set_request_extended_headers: CREATED 1.18;
    get_request_extended_headers: ANY 1.18;
    set_request_meta_context: BEFORE_GO 1.16;
    get_request_meta_context: ANY 1.16;
    set_handshake_flags: CREATED 1.2 mask 0x3;
    get_handshake_flags: ANY 1.2;
    set_opt_mode: CREATED 1.4;
    get_opt_mode: ANY 1.4;

    // tls
    set_tls: CREATED 1.0 choice 2;
    get_tls: ANY 1.0;
    set_tls_certificates: CREATED 1.0;
    set_tls_psk_file: CREATED 1.0;
    set_tls_username: CREATED 1.0;
    get_tls_username: ANY 1.0;
    set_tls_hostname: CREATED 1.22;
    get_tls_hostname: ANY 1.22;
    set_tls_verify_peer: CREATED 1.0;
    get_tls_verify_peer: ANY 1.0;
    set_tls_priority: CREATED 1.24;
    get_tls_priority: ANY 1.24;
    get_tls_negotiated: KNOWN 1.2;

    // meta_context
    add_meta_context: BEFORE_GO 1.0;
    clear_meta_contexts: BEFORE_GO 1.6;
    get_nr_meta_contexts: ANY 1.6;
    get_meta_context: ANY 1.6;

    // connect
    connect_tcp: CREATED 1.0;
    aio_connect_tcp: CREATED 1.0;
    connect_unix: CREATED 1.0;
    aio_connect_unix: CREATED 1.0;
    aio_connect: CREATED 1.0;
    connect_socket: CREATED 1.2;
    aio_connect_socket: CREATED 1.2;
    connect_vsock: CREATED 1.2;
    aio_connect_vsock: CREATED 1.2;
    shutdown: OPEN 1.0 mask 0x10000;
    aio_disconnect: CONNECTED 1.0 command [];

    // subprocess
    connect_command: CREATED 1.0;
    aio_connect_command: CREATED 1.0;
    connect_systemd_socket_activation: CREATED 1.2;
    aio_connect_systemd_socket_activation: CREATED 1.2;
    set_socket_activation_name: CREATED 1.16;
    get_socket_activation_name: ANY 1.16;
    kill_subprocess: ANY 1.0;
    get_subprocess_pid: ANY 1.22;

    // uri
    connect_uri: CREATED 1.0;
    aio_connect_uri: CREATED 1.0;
    get_uri: STARTED 1.8;
    is_uri: ANY 1.22;
    set_uri_allow_transports: CREATED 1.2 mask 0xf;
    set_uri_allow_tls: CREATED 1.2 choice 2;
    set_uri_allow_local_file: CREATED 1.2;
    set_uri_allow_tls_priority: CREATED 1.24;

    // options
    opt_go: NEGOTIATING 1.4;
    opt_info: NEGOTIATING 1.4;
    opt_abort: NEGOTIATING 1.4;
    opt_list: NEGOTIATING 1.4;
    opt_starttls: NEGOTIATING 1.16;
    opt_extended_headers: NEGOTIATING 1.18;
    opt_structured_reply: NEGOTIATING 1.16;
    opt_list_meta_context: NEGOTIATING 1.6;
    opt_list_meta_context_queries: NEGOTIATING 1.16;
    opt_set_meta_context: NEGOTIATING 1.16;
    opt_set_meta_context_queries: NEGOTIATING 1.16;

    // aio_options
    aio_opt_go: NEGOTIATING 1.4;
    aio_opt_info: NEGOTIATING 1.4;
    aio_opt_abort: NEGOTIATING 1.4;
    aio_opt_list: NEGOTIATING 1.4;
    aio_opt_starttls: NEGOTIATING 1.16;
    aio_opt_extended_headers: NEGOTIATING 1.18;
    aio_opt_structured_reply: NEGOTIATING 1.16;
    aio_opt_list_meta_context: NEGOTIATING 1.6;
    aio_opt_list_meta_context_queries: NEGOTIATING 1.16;
    aio_opt_set_meta_context: NEGOTIATING 1.16;
    aio_opt_set_meta_context_queries: NEGOTIATING 1.16;

    // info
    get_size: KNOWN 1.0;
    is_read_only: KNOWN 1.0;
    is_rotational: KNOWN 1.0;
    can_flush: KNOWN 1.0;
    can_fua: KNOWN 1.0;
    can_trim: KNOWN 1.0;
    can_zero: KNOWN 1.0;
    can_fast_zero: KNOWN 1.2;
    can_df: KNOWN 1.0;
    can_multi_conn: KNOWN 1.0;
    can_cache: KNOWN 1.0;
    can_block_status_payload: KNOWN 1.18;
    can_meta_context: KNOWN 1.0;
    get_block_size: KNOWN 1.4 choice 3;
    get_canonical_export_name: KNOWN 1.4;
    get_export_description: KNOWN 1.4;
    get_protocol: KNOWN 1.2;
    get_structured_replies_negotiated: KNOWN 1.2;
    get_extended_headers_negotiated: KNOWN 1.18;

    // data
    pread: CONNECTED 1.0 command [], often;
    pread_structured: CONNECTED 1.0 command [DF];
    pwrite: CONNECTED 1.0 command [FUA, PAYLOAD_LEN], often;
    flush: CONNECTED 1.0 command [];
    trim: CONNECTED 1.0 command [FUA];
    cache: CONNECTED 1.0 command [];
    zero: CONNECTED 1.0 command [FUA, NO_HOLE, FAST_ZERO];

    // aio_data
    aio_pread: CONNECTED 1.0 command [], often;
    aio_pread_structured: CONNECTED 1.0 command [DF];
    aio_pwrite: CONNECTED 1.0 command [FUA, PAYLOAD_LEN], often;
    aio_flush: CONNECTED 1.0 command [];
    aio_trim: CONNECTED 1.0 command [FUA];
    aio_cache: CONNECTED 1.0 command [];
    aio_zero: CONNECTED 1.0 command [FUA, NO_HOLE, FAST_ZERO];

    // block_status
    block_status: CONNECTED 1.0 command [REQ_ONE];
    block_status_64: CONNECTED 1.18 command [REQ_ONE];
    block_status_filter: CONNECTED 1.18 command [REQ_ONE, PAYLOAD_LEN];
    aio_block_status: CONNECTED 1.0 command [REQ_ONE];
    aio_block_status_64: CONNECTED 1.18 command [REQ_ONE];
    aio_block_status_filter: CONNECTED 1.18 command [REQ_ONE, PAYLOAD_LEN];

    // aio
    poll: ANY 1.0, often;
    poll2: ANY 1.16;
    aio_get_fd: ANY 1.0;
    aio_get_direction: ANY 1.0, often;
    aio_notify_read: ANY 1.0, often;
    aio_notify_write: ANY 1.0, often;
    aio_in_flight: TRANSMISSION 1.0;
    aio_command_completed: ANY 1.0, often;
    aio_peek_command_completed: ANY 1.0;

    // state
    aio_is_created: ANY 1.0;
    aio_is_connecting: ANY 1.0;
    aio_is_negotiating: ANY 1.4;
    aio_is_ready: ANY 1.0;
    aio_is_processing: ANY 1.0;
    aio_is_closed: ANY 1.0;
    aio_is_dead: ANY 1.0;
    connection_state: ANY 1.0;

    // stats
    stats_bytes_sent: ANY 1.16;
    stats_chunks_sent: ANY 1.16;
    stats_bytes_received: ANY 1.16;
    stats_chunks_received: ANY 1.16;
    get_handle_size: ANY 1.24;
}

rows! {
    /// The functions of libnbdx.
    EXTENSION: "nbdx_", extension_docs;

    // x/batch
    set_batch: ANY 1.0;
    get_batch: ANY 1.0;

    // x/connecting
    set_address_family: CREATED 1.0;
    get_address_family: ANY 1.0;
    set_connect_retry: CREATED 1.0;
    get_connect_retry: ANY 1.0;
    set_address_race: CREATED 1.0;
    get_address_race: ANY 1.0;

    // x/cancelling
    cancel: ANY 1.0;

    // x/limits
    set_timeout: ANY 1.0;
    get_timeout: ANY 1.0;
    aio_get_timeout: ANY 1.0;
    aio_notify_timeout: ANY 1.0;
    aio_cancel_command: ANY 1.0;

    // x/tls
    set_tls_pem: CREATED 1.0;
    set_tls_psk: CREATED 1.0;
    set_tls_key_password: CREATED 1.0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

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

    fn word(function: &Value) -> Word {
        let arguments = function["flags_args"].as_array().unwrap();
        assert!(arguments.len() <= 1, "{function}");
        let Some(argument) = arguments.first() else {
            return Word::None;
        };
        let mask = |argument: &Value| {
            let mask = argument["accepted_mask"].as_u64().unwrap();
            u32::try_from(mask).unwrap()
        };
        match (argument["kind"].as_str(), argument["type"].as_str()) {
            (Some("enum"), _) => {
                let values = argument["accepted"].as_array().unwrap().len();
                Word::Choice(i32::try_from(values).unwrap() - 1)
            }
            (_, Some("CMD_FLAG")) => Word::Command(mask(argument)),
            _ => Word::Mask(mask(argument)),
        }
    }

    #[test]
    fn the_table_is_the_description_of_the_interfaces() {
        compare(ALL, include_str!("../tests/data/api.json"));
        compare(EXTENSION, include_str!("../tests/data/libnbdx.json"));
    }

    fn compare(rows: &[&Row], description: &str) {
        let interface: Value = serde_json::from_str(description).unwrap();
        let functions = interface["functions"].as_array().unwrap();
        assert_eq!(rows.len(), functions.len());
        for row in rows {
            let name = row.name.to_str().unwrap();
            let function = functions
                .iter()
                .find(|function| function["name"] == name)
                .unwrap_or_else(|| panic!("{name} is no function of the interface"));
            assert_eq!(row.states, states(function), "states of {name}");
            assert_eq!(row.word, word(function), "word of {name}");
            assert_eq!(row.since, function["since"], "version of {name}");
        }
    }

    #[test]
    fn a_set_of_states_is_named_in_messages() {
        assert_eq!(BEFORE_GO.to_string(), "newly created or negotiating");
        assert_eq!(CONNECTED.to_string(), "connected");
    }
}
