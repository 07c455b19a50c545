//! What a handle can be connected to.

use std::ffi::CString;

use crate::sys::address::SocketAddress;

/// Where a server is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A host and a port, as somebody named them.
    Tcp { host: CString, port: CString },
    /// A socket address.
    Address(SocketAddress),
    /// At the end of a command's standard input and output.
    Command(Vec<CString>),
}
