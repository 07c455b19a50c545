//! Advice on unexpected refusals: for security, this library refuses some
//! things that other clients accept.

use libc::c_int;
use openssl::error::ErrorStack;
use openssl::x509::X509VerifyResult;
use openssl_sys as sys;

/// OpenSSL's number for its TLS library, and reason codes: names in
/// `openssl/err.h` and `openssl/sslerr.h`.
const LIB_SSL: c_int = 20;
const UNSUPPORTED_PROTOCOL: c_int = 258;
const WRONG_SSL_VERSION: c_int = 266;
const DH_KEY_TOO_SMALL: c_int = 394;
const VERSION_TOO_LOW: c_int = 396;
const CA_KEY_TOO_SMALL: c_int = 397;
const CA_MD_TOO_WEAK: c_int = 398;
const EE_KEY_TOO_SMALL: c_int = 399;
const ALERT_HANDSHAKE_FAILURE: c_int = 1040;
const ALERT_PROTOCOL_VERSION: c_int = 1070;
const ALERT_INSUFFICIENT_SECURITY: c_int = 1071;

const SHORT_KEY: &str = "the key is too short and must be replaced by a longer one, for RSA of \
    2048 bits or more; until then, nbd_set_tls_priority with %PROFILE_LOW accepts RSA with 1024";
const WEAK_HASH: &str = "a certificate is signed with a hash that is not safe any more, as SHA-1, \
    and must be issued again with a better one";

/// Advice on a certificate that is not accepted.
pub fn on_certificate(verdict: X509VerifyResult) -> Option<&'static str> {
    Some(match verdict.as_raw() {
        sys::X509_V_ERR_CRL_HAS_EXPIRED => {
            "ca-crl.pem is out of date and must be replaced by a current list of the authority; \
             until then, nbd_set_tls_priority with %VERIFY_DISABLE_CRL_CHECKS does without it"
        }
        sys::X509_V_ERR_CRL_NOT_YET_VALID => {
            "ca-crl.pem is from the future, so the clock of this machine or of the authority is \
             wrong; nbd_set_tls_priority with %VERIFY_DISABLE_CRL_CHECKS does without it"
        }
        sys::X509_V_ERR_INVALID_PURPOSE => {
            "it was issued for something else and not for servers; the server needs one whose \
             extended key usage contains TLS server authentication"
        }
        sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        | sys::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN => {
            "its authority is not trusted; trusted are those in ca-cert.pem in the directory of \
             nbd_set_tls_certificates and, only if there is no such file that can be read, those \
             of the system"
        }
        sys::X509_V_ERR_HOSTNAME_MISMATCH | sys::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            "it must be for the host that the client connects to, or for the one that \
             nbd_set_tls_hostname sets"
        }
        sys::X509_V_ERR_EE_KEY_TOO_SMALL | sys::X509_V_ERR_CA_KEY_TOO_SMALL => SHORT_KEY,
        sys::X509_V_ERR_CA_MD_TOO_WEAK => WEAK_HASH,
        _ => return None,
    })
}

/// Advice on an error.
pub fn on_error(stack: &ErrorStack) -> Option<&'static str> {
    let of_tls = |error: &&openssl::error::Error| error.library_code() == LIB_SSL;
    let mut errors = stack.errors().iter().filter(of_tls);
    errors.find_map(|error| on_reason(error.reason_code()))
}

fn on_reason(reason: c_int) -> Option<&'static str> {
    Some(match reason {
        UNSUPPORTED_PROTOCOL | WRONG_SSL_VERSION | VERSION_TOO_LOW | ALERT_PROTOCOL_VERSION => {
            "the server has no version of TLS that is allowed, which are TLS 1.2 and TLS 1.3 \
             unless nbd_set_tls_priority leaves only one; a server that is older must be updated"
        }
        ALERT_HANDSHAKE_FAILURE | ALERT_INSUFFICIENT_SECURITY => {
            "the server may have no cipher, key exchange or group that is allowed; see \
             nbd_set_tls_priority"
        }
        DH_KEY_TOO_SMALL => {
            "the server's group for Diffie-Hellman is too small and must be replaced by one of \
             2048 bits or more; until then, nbd_set_tls_priority with -DHE-RSA uses another key \
             exchange and with %PROFILE_LOW accepts it"
        }
        EE_KEY_TOO_SMALL | CA_KEY_TOO_SMALL => SHORT_KEY,
        CA_MD_TOO_WEAK => WEAK_HASH,
        _ => return None,
    })
}
