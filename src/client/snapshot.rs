//! The settings that functions report which cannot fail.
//!
//! Such a function has no way to say that the handle is locked, as it is in a
//! callback.  So it takes no lock: what it reports is copied here at the end of
//! each call that has changed a setting.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use crate::negotiation::Session;

use super::settings::Settings;

macro_rules! snapshot {
    ($($name:ident: $type:ty, $atomic:ty, |$settings:ident, $session:pat_param| $now:expr;)*) => {
        /// Each setting under the name of its function.
        #[derive(Debug, Default)]
        pub struct Snapshot {
            $($name: $atomic,)*
        }

        impl Snapshot {
            /// Brings all of it up to date.
            #[cold]
            pub fn update(&self, settings: &Settings, session: &Session) {
                $({
                    let ($settings, $session) = (settings, session);
                    self.$name.store($now, Ordering::Relaxed);
                })*
            }

            $(
                /// As the last locked call left it.
                pub fn $name(&self) -> $type {
                    self.$name.load(Ordering::Relaxed)
                }
            )*
        }
    };
}

snapshot! {
    // Before the greeting the flags wanted, afterwards those agreed.
    handshake_flags: u32, AtomicU32, |settings, session| match session.protocol {
        None => settings.handshake.handshake_flags.into(),
        Some(_) => session.handshake_flags.into(),
    };
    opt_mode: bool, AtomicBool, |settings, _| settings.handshake.opt_mode;
    pread_initialize: bool, AtomicBool, |settings, _| settings.pread_initialize;
    request_extended_headers: bool, AtomicBool, |settings, _| settings.handshake.extended_headers;
    request_structured_replies: bool, AtomicBool, |settings, _| settings.handshake.structured_replies;
    strict_mode: u32, AtomicU32, |settings, _| settings.strict_mode;
    tls: i32, AtomicI32, |settings, _| settings.handshake.tls as i32;
    tls_verify_peer: bool, AtomicBool, |settings, _| settings.tls.verify_peer;
}
