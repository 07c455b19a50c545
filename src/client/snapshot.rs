//! What the functions that cannot fail tell of a handle.
//!
//! They have no way to say that they were called where the handle is locked, in
//! a callback.  So they need no lock: what they tell stands here, and is
//! brought up to date at the end of each call.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use super::Client;

macro_rules! snapshot {
    ($(
        $(#[$doc:meta])*
        $update:ident {
            $($name:ident: $type:ty, $atomic:ty;)*
        }
    )*) => {
        /// Settings and statistics, each under the name of the method that
        /// knows it.
        #[derive(Debug, Default)]
        pub struct Snapshot {
            $($($name: $atomic,)*)*
        }

        impl Snapshot {
            /// How things are.
            pub fn of(client: &Client) -> Self {
                let snapshot = Self::default();
                $(snapshot.$update(client);)*
                snapshot
            }

            $(
                $(#[$doc])*
                pub fn $update(&self, client: &Client) {
                    $(self.$name.store(client.$name(), Ordering::Relaxed);)*
                }

                $(
                    /// As the last locked call left it.
                    pub fn $name(&self) -> $type {
                        self.$name.load(Ordering::Relaxed)
                    }
                )*
            )*
        }
    };
}

snapshot! {
    /// Brings up to date what any call can change.
    update {
        pread_initialize: bool, AtomicBool;
        strict_mode: u32, AtomicU32;
        stats_bytes_received: u64, AtomicU64;
        stats_bytes_sent: u64, AtomicU64;
        stats_chunks_received: u64, AtomicU64;
        stats_chunks_sent: u64, AtomicU64;
    }
    /// Brings up to date what stays as it is while the handle is connected.
    update_handshake {
        handshake_flags: u32, AtomicU32;
        opt_mode: bool, AtomicBool;
        request_extended_headers: bool, AtomicBool;
        request_structured_replies: bool, AtomicBool;
        tls: i32, AtomicI32;
        tls_verify_peer: bool, AtomicBool;
    }
}
