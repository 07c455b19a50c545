//! The system calls of connecting, each in a safe function.

use std::ffi::{CStr, OsString, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use super::address::SocketAddress;
use super::descriptor::{Mode, duplicate, socket_pair_of, stream_socket};
use super::{Wait, above_stdio, checked, poll, prepare_descriptor};

/// Creates a socket for the address.
pub fn open(address: &SocketAddress) -> io::Result<OwnedFd> {
    let socket = above_stdio(stream_socket(address.family(), Mode::NonBlocking)?)?;
    if matches!(address.family(), libc::AF_INET | libc::AF_INET6) {
        do_not_delay(&socket);
    } else if address.family() == libc::AF_UNIX {
        queue_more(&socket);
    }
    Ok(socket)
}

/// Starts to connect a socket, and returns whether it is already connected, as
/// a Unix socket is.
pub fn connect(socket: BorrowedFd, address: &SocketAddress) -> io::Result<bool> {
    let bytes = address.as_bytes();
    let len = libc::socklen_t::try_from(bytes.len()).unwrap_or(0);
    // SAFETY: the address is `len` bytes long and aligned for any family.
    let status = unsafe { libc::connect(socket.as_raw_fd(), bytes.as_ptr().cast(), len) };
    match checked(status) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            // An interrupted connect also continues in the background.
            Some(libc::EINPROGRESS | libc::EINTR) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Resets a socket that failed to connect.  Linux permits this for TCP sockets.
pub fn disconnect(socket: BorrowedFd) -> io::Result<()> {
    // SAFETY: all-zero bytes are an address of no family.
    let nowhere: libc::sockaddr = unsafe { std::mem::zeroed() };
    let len = libc::socklen_t::try_from(size_of_val(&nowhere)).unwrap_or(0);
    // SAFETY: the address lives through the call, and `len` is its size.
    checked(unsafe { libc::connect(socket.as_raw_fd(), &nowhere, len) }).map(drop)
}

/// Replaces the socket at the descriptor `old` with `new`.  The number stays
/// the same, and the old socket is closed.
pub fn replace(old: &OwnedFd, new: OwnedFd) -> io::Result<()> {
    duplicate(&new, old)
}

/// Small requests must leave immediately.  A socket that does not support the
/// option does not need it.
fn do_not_delay(socket: &OwnedFd) {
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
}

/// A Unix socket queues as much as fits in the send buffer, by default less
/// than one large write, so that both ends keep waking each other.  A larger
/// buffer makes 256 KiB writes 1.5 times as fast.  (TCP adjusts its buffers
/// itself.)
fn queue_more(socket: &OwnedFd) {
    /// The kernel limits this to what the system allows.
    const ROOM: c_int = 1 << 20;
    set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF, ROOM);
}

/// Sets an option that is useful where it exists.
fn set_option(socket: &OwnedFd, level: c_int, option: c_int, value: c_int) {
    let len = libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(0);
    // SAFETY: `value` is a c_int and lives through the call.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&value).cast(),
            len,
        )
    };
}

/// The result of a connect that was started.
pub fn connect_result(socket: BorrowedFd) -> io::Result<()> {
    let mut error: c_int = 0;
    let mut len = libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(0);
    // SAFETY: `error` is a c_int and `len` its size.
    checked(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            ptr::from_mut(&mut error).cast(),
            &mut len,
        )
    })?;
    match error {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// A pair of connected sockets that are closed on exec.
pub fn pair(kind: c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socket_pair_of(kind)?;
    Ok((above_stdio(ours)?, above_stdio(theirs)?))
}

/// A pair of sockets for a session.  The first is non-blocking.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = pair(libc::SOCK_STREAM)?;
    prepare_descriptor(ours.as_raw_fd())?;
    queue_more(&ours);
    queue_more(&theirs);
    Ok((ours, theirs))
}

/// A Unix domain socket that accepts connections at an address.
pub fn listen(address: &SocketAddress) -> io::Result<OwnedFd> {
    let socket = stream_socket(libc::AF_UNIX, Mode::Blocking)?;
    let fd = socket.as_raw_fd();
    let bytes = address.as_bytes();
    let len = libc::socklen_t::try_from(bytes.len()).unwrap_or(0);
    // SAFETY: the address is `len` bytes long and aligned for any family.
    checked(unsafe { libc::bind(fd, bytes.as_ptr().cast(), len) })?;
    // SAFETY: no memory is involved.
    checked(unsafe { libc::listen(fd, libc::SOMAXCONN) })?;
    Ok(socket)
}

/// The kind of socket that the caller provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// It is connected, or is being connected, or has just lost its connection.
    Connected,
    /// It accepts connections.
    Listening,
    /// It has never been connected.
    Unconnected,
}

/// Determines the kind of a socket.  The error says that it is not a socket.
pub fn look_at(fd: RawFd) -> io::Result<Brought> {
    match peer(fd) {
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOTCONN) if is_listening(fd)? => Ok(Brought::Listening),
            Some(libc::ENOTCONN) if is_idle(fd)? => Ok(Brought::Unconnected),
            Some(libc::EBADF | libc::ENOTSOCK) => Err(error),
            // Families without peers have other rules.
            _ => Ok(Brought::Connected),
        },
        Ok(()) => Ok(Brought::Connected),
    }
}

/// Whether the socket has a peer.
fn peer(fd: RawFd) -> io::Result<()> {
    let mut name: MaybeUninit<libc::sockaddr_storage> = MaybeUninit::uninit();
    let mut len = libc::socklen_t::try_from(size_of_val(&name)).unwrap_or(0);
    // SAFETY: `name` may be written, and `len` is its size.
    checked(unsafe { libc::getpeername(fd, name.as_mut_ptr().cast(), &raw mut len) }).map(drop)
}

fn is_listening(fd: RawFd) -> io::Result<bool> {
    let mut listening: c_int = 0;
    let mut len = libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(0);
    // SAFETY: `listening` is a c_int and `len` its size.
    checked(unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut listening).cast(),
            &raw mut len,
        )
    })?;
    Ok(listening != 0)
}

/// Whether a socket without a peer will never be connected: poll then reports a
/// hangup.  It does not while the socket is being connected, and if that has
/// failed, there is an error to be read.
fn is_idle(fd: RawFd) -> io::Result<bool> {
    let waits = [Wait { fd, events: 0 }];
    let [happened] = poll(waits, Some(Duration::ZERO))?.unwrap_or_default();
    Ok(happened & libc::POLLHUP != 0 && happened & libc::POLLERR == 0)
}

/// Makes a private directory with a new name.  The template ends in six X.
pub fn make_directory(template: &CStr) -> io::Result<PathBuf> {
    let mut path = template.to_bytes_with_nul().to_vec();
    // SAFETY: the path is terminated and may be written to.
    let made = unsafe { libc::mkdtemp(path.as_mut_ptr().cast()) };
    if made.is_null() {
        return Err(io::Error::last_os_error());
    }
    path.pop();
    Ok(OsString::from_vec(path).into())
}

/// A name that has no address.
#[derive(Debug)]
pub struct Unresolved {
    /// In words, because errno does not describe it.
    pub reason: String,
    /// Nobody knows the name, or nobody who knows it can be asked: this may
    /// change.
    pub is_unknown: bool,
}

/// Resolves a host and a port or service name to addresses of a family, or of
/// any (`AF_UNSPEC`).
pub fn resolve(host: &CStr, port: &CStr, family: c_int) -> Result<Vec<SocketAddress>, Unresolved> {
    // SAFETY: all-zero bytes are valid hints that ask for anything.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    // SAFETY: both strings are NUL-terminated; `list` receives the result.
    let status = unsafe { libc::getaddrinfo(host.as_ptr(), port.as_ptr(), &hints, &mut list) };
    if status != 0 {
        // SAFETY: the function returns a static string for every status.
        let reason = unsafe { CStr::from_ptr(libc::gai_strerror(status)) };
        return Err(Unresolved {
            reason: reason.to_string_lossy().into_owned(),
            is_unknown: matches!(status, libc::EAI_NONAME | libc::EAI_AGAIN),
        });
    }
    let mut addresses = Vec::new();
    let mut next = NonNull::new(list);
    while let Some(entry) = next {
        // SAFETY: the list is intact until it is freed below.
        let entry = unsafe { entry.as_ref() };
        let len = usize::try_from(entry.ai_addrlen).unwrap_or(0);
        // SAFETY: the entry says how long its address is.
        let bytes = unsafe { slice::from_raw_parts(entry.ai_addr.cast::<u8>(), len) };
        addresses.extend(SocketAddress::from_bytes(bytes));
        next = NonNull::new(entry.ai_next);
    }
    // SAFETY: `list` came from getaddrinfo, and nothing refers to it any more.
    unsafe { libc::freeaddrinfo(list) };
    if addresses.is_empty() {
        return Err(Unresolved {
            reason: String::from("no address"),
            is_unknown: false,
        });
    }
    Ok(addresses)
}

/// The name of a network interface, if there is one with this number.
pub fn interface_name(index: u32) -> Option<String> {
    let mut name: [u8; libc::IF_NAMESIZE] = [0; libc::IF_NAMESIZE];
    // SAFETY: the buffer is as long as any name, with its terminator.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    name.to_str().ok().map(str::to_owned)
}
