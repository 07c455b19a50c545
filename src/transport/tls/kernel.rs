//! Sending that the kernel may encrypt (kTLS).
//!
//! For that, OpenSSL has to write to the socket with its own code, which hands
//! the kernel the keys when the handshake has agreed on them.  Such a write
//! raises SIGPIPE when the peer is gone, and a library may neither let that
//! happen nor change what the process does about it: a filter in front of the
//! socket keeps the signal away for as long as a write lasts.
//!
//! Nothing here knows how OpenSSL talks to its socket; the filter passes all
//! requests on, as OpenSSL's own filters do.  Once the kernel has the keys, data
//! need no OpenSSL any more: they go to the socket like those in clear.
//!
//! What is received stays with the wire and OpenSSL.  A kernel before Linux
//! 6.14 cannot follow a server that changes its keys, which any server of TLS
//! 1.3 may do, and ought to after some 400 GiB (RFC 8446, limits on key usage).
//! Nor would there be much to gain: OpenSSL would ask the socket for each record
//! by itself and copy what it gets, and the processor decrypts no faster in the
//! kernel.
//!
//! New keys for what is sent are another matter: only a server that asks the
//! client for them gets them, and none of the usual ones does.  OpenSSL would go
//! on with the old ones, so the session ends there.
//!
//! The tests reach all of this but the kernel itself, which had no TLS wherever
//! they were run: a program stands for it that takes the keys and encrypts.

use std::ffi::{c_char, c_int, c_long, c_void};
use std::io;
use std::ptr;
use std::sync::LazyLock;

use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::ssl::SslStream;
use openssl_sys as ffi;

use super::sys::without_sigpipe;
use super::wire::Wire;

// Part of OpenSSL's interface, but not of the crate's.
unsafe extern "C" {
    fn BIO_get_new_index() -> c_int;
    fn BIO_push(bio: *mut ffi::BIO, next: *mut ffi::BIO) -> *mut ffi::BIO;
    fn BIO_next(bio: *mut ffi::BIO) -> *mut ffi::BIO;
    fn BIO_up_ref(bio: *mut ffi::BIO) -> c_int;
    fn BIO_test_flags(bio: *const ffi::BIO, flags: c_int) -> c_int;
    fn BIO_copy_next_retry(bio: *mut ffi::BIO);
    fn SSL_set_options(ssl: *mut ffi::SSL, options: u64) -> u64;
    fn SSL_set0_wbio(ssl: *mut ffi::SSL, bio: *mut ffi::BIO);
    fn SSL_set_msg_callback(ssl: *mut ffi::SSL, callback: Option<MessageCallback>);
}

type MessageCallback = unsafe extern "C" fn(
    is_written: c_int,
    version: c_int,
    content_type: c_int,
    message: *const c_void,
    length: usize,
    ssl: *mut ffi::SSL,
    argument: *mut c_void,
);

const BIO_NOCLOSE: c_int = 0;
const BIO_TYPE_FILTER: c_int = 0x200;
const BIO_CTRL_GET_KTLS_SEND: c_int = 73;
const SSL_OP_ENABLE_KTLS: u64 = 1 << 3;
const SSL_CTRL_SET_MSG_CALLBACK_ARG: c_int = 16;

/// TLS record layer: the type of records with handshake messages.
const HANDSHAKE: c_int = 22;
/// TLS 1.3: the type of the message, and its answer to "your keys as well?".
const KEY_UPDATE: u8 = 24;
const UPDATE_REQUESTED: u8 = 1;

/// What has gone wrong with a filter, instead of an errno.
const NEW_KEYS: usize = usize::MAX;

/// Why sending cannot go on.
#[derive(Debug)]
pub enum Trouble {
    /// The socket failed.
    Socket(io::Error),
    /// The peer has asked for new keys, and the kernel keeps those it has.
    NewKeys,
}

/// The methods of the filter.
struct Filter(*mut ffi::BIO_METHOD);

// SAFETY: the methods are complete when they are made, and never change.
unsafe impl Send for Filter {}
// SAFETY: as above.
unsafe impl Sync for Filter {}

static FILTER: LazyLock<Option<Filter>> = LazyLock::new(|| {
    // SAFETY: needs nothing; the name is never freed.
    let methods = unsafe {
        ffi::BIO_meth_new(
            BIO_get_new_index() | BIO_TYPE_FILTER,
            c"no SIGPIPE".as_ptr(),
        )
    };
    if methods.is_null() {
        return None;
    }
    // SAFETY: `methods` is a live object, and the functions are what OpenSSL
    // expects of such.
    let complete = unsafe {
        ffi::BIO_meth_set_write__fixed_rust(methods, Some(write)) == 1
            && ffi::BIO_meth_set_ctrl__fixed_rust(methods, Some(control)) == 1
    };
    // Otherwise there is no memory, and what is lost is small.
    complete.then_some(Filter(methods))
});

/// Lets OpenSSL write to the socket itself, and offer the keys to the kernel.
/// The handshake must not have begun.
pub fn offer(stream: &mut SslStream<Wire>) -> Result<(), ErrorStack> {
    let filter = FILTER.as_ref().ok_or_else(ErrorStack::get)?;
    let ssl = stream.ssl().as_ptr();
    let socket = stream.get_ref().raw_fd();
    // SAFETY: the methods live for ever; the socket lives as long as the
    // stream, and is not closed by the new object.
    let (front, back) = unsafe {
        (
            ffi::BIO_new(filter.0),
            ffi::BIO_new_socket(socket, BIO_NOCLOSE),
        )
    };
    if front.is_null() || back.is_null() {
        // SAFETY: both are ours, or null, which is ignored.
        unsafe {
            ffi::BIO_free_all(front);
            ffi::BIO_free_all(back);
        }
        return Err(ErrorStack::get());
    }
    // SAFETY: `front` is new and takes `back` over; the session takes over
    // `front` and lets go of its share of the wire, from which it still reads.
    unsafe {
        ffi::BIO_set_init(front, 1);
        BIO_push(front, back);
        SSL_set0_wbio(ssl, front);
        SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
    }
    Ok(())
}

/// Whether the kernel has taken the offer; to be asked after the handshake.
/// Otherwise the session writes to the wire from now on.
pub fn is_accepted(stream: &mut SslStream<Wire>) -> bool {
    let ssl = stream.ssl().as_ptr();
    // SAFETY: `offer` has given the session a filter to write to, which passes
    // the question on.
    let accepted = unsafe {
        let front = ffi::SSL_get_wbio(ssl);
        ffi::BIO_ctrl(front, BIO_CTRL_GET_KTLS_SEND, 0, ptr::null_mut()) > 0
    };
    if accepted {
        // SAFETY: the filter stays with the session until both are freed, so
        // the callback can use it.
        unsafe {
            let front = ffi::SSL_get_wbio(ssl);
            ffi::SSL_ctrl(ssl, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, front.cast());
            SSL_set_msg_callback(ssl, Some(look_at_message));
        }
    } else {
        // SAFETY: what the session reads from is the wire's object; the
        // session takes a second share of it, and frees the filter.  After the
        // handshake nothing waits in there.
        unsafe {
            let wire = ffi::SSL_get_rbio(ssl);
            BIO_up_ref(wire);
            SSL_set0_wbio(ssl, wire);
        }
    }
    accepted
}

/// Why OpenSSL could not write, if it could not.  The session must have been
/// offered to the kernel, and not have been declined.
pub fn take_trouble(stream: &mut SslStream<Wire>) -> Option<Trouble> {
    // SAFETY: the session writes to the filter that `offer` has made, whose
    // data is a number and never followed.
    let trouble = unsafe {
        let front = ffi::SSL_get_wbio(stream.ssl().as_ptr());
        let trouble = ffi::BIO_get_data(front).addr();
        ffi::BIO_set_data(front, ptr::null_mut());
        trouble
    };
    match trouble {
        0 => None,
        NEW_KEYS => Some(Trouble::NewKeys),
        errno => {
            let errno = c_int::try_from(errno).unwrap_or(libc::EIO);
            Some(Trouble::Socket(io::Error::from_raw_os_error(errno)))
        }
    }
}

/// # Safety
/// OpenSSL calls this with a filter made by `offer`, and `len` readable bytes.
unsafe extern "C" fn write(bio: *mut ffi::BIO, bytes: *const c_char, len: c_int) -> c_int {
    // SAFETY: `bio` is live, by the contract of this function.
    let next = unsafe {
        ffi::BIO_clear_retry_flags(bio);
        BIO_next(bio)
    };
    // SAFETY: `next` is live or null, which is an error and no more; the bytes
    // are readable by the contract of this function.
    let (count, errno) = without_sigpipe(|| unsafe { ffi::BIO_write(next, bytes.cast(), len) });
    if count > 0 {
        return count;
    }
    // SAFETY: `bio` and what is behind it are live.
    let again = unsafe {
        BIO_copy_next_retry(bio);
        BIO_test_flags(bio, ffi::BIO_FLAGS_SHOULD_RETRY) != 0
    };
    match errno {
        _ if again => count,
        // Nobody listens; why may be the next thing to read.
        libc::EPIPE => len,
        errno => {
            let trouble = usize::try_from(errno).unwrap_or(0);
            // SAFETY: `bio` is live; its data is only a number.
            unsafe { ffi::BIO_set_data(bio, ptr::without_provenance_mut(trouble)) };
            count
        }
    }
}

/// # Safety
/// OpenSSL calls this with a filter made by `offer`.
unsafe extern "C" fn control(
    bio: *mut ffi::BIO,
    command: c_int,
    number: c_long,
    argument: *mut c_void,
) -> c_long {
    // SAFETY: `bio` is live, by the contract of this function.
    let next = unsafe { BIO_next(bio) };
    if next.is_null() {
        return 0;
    }
    // SAFETY: `next` is live; the request is OpenSSL's own.
    unsafe { ffi::BIO_ctrl(next, command, number, argument) }
}

/// Sees every message that comes or goes, for one that asks for new keys.
///
/// # Safety
/// OpenSSL calls this with `length` readable bytes, and the argument that
/// `is_accepted` gave: a filter.
unsafe extern "C" fn look_at_message(
    is_written: c_int,
    _version: c_int,
    content_type: c_int,
    message: *const c_void,
    length: usize,
    _ssl: *mut ffi::SSL,
    argument: *mut c_void,
) {
    // A type of one byte, a length of three, and the answer.
    if is_written != 0 || content_type != HANDSHAKE || length != 5 {
        return;
    }
    // SAFETY: by the contract of this function there are five bytes.
    let message: [u8; 5] = unsafe { ptr::read_unaligned(message.cast()) };
    if let [KEY_UPDATE, _, _, _, UPDATE_REQUESTED] = message {
        // SAFETY: the argument is a live filter, whose data is only a number.
        unsafe { ffi::BIO_set_data(argument.cast(), ptr::without_provenance_mut(NEW_KEYS)) };
    }
}
