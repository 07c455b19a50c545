//! The ways in for the fuzz targets, in builds with the feature `fuzzing` only.
//!
//! Each function takes the bytes of the fuzzer, and panics if something is
//! wrong.

pub use crate::negotiation::tests::fuzzing::negotiation;
pub use crate::protocol::reply::Style;
pub use crate::transmission::tests::fuzzing::transmission;
pub use crate::transport::tls::fuzzing::{pem, priority, psk};

use std::ffi::CString;

use crate::uri::{Plan, Rules, TlsParameters, compose, plan};

/// A URI.  What is composed from its plan has the same plan.
pub fn uri(input: &[u8]) {
    let rules = Rules {
        local_file: true,
        tls_priority: true,
        ..Rules::default()
    };
    let Ok(text) = CString::new(input) else {
        return;
    };
    let composed = |plan: &Plan| compose(&plan.place, &plan.export_name, &plan.tls);
    if let Ok(first) = plan(&text, &rules)
        && let Ok(uri) = composed(&first)
    {
        let text = CString::new(uri.as_str()).expect("a URI without NUL");
        let second = plan(&text, &rules).expect("a composed URI can be parsed");
        assert_eq!(composed(&second).as_ref(), Ok(&uri));
        // The default is not written.
        let written = |plan: Plan| TlsParameters {
            verify_peer: plan.tls.verify_peer.filter(|verify| !verify),
            ..plan.tls
        };
        assert_eq!(second.export_name, first.export_name);
        assert_eq!(written(second), written(first));
    }
}
