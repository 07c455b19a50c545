//! Socket addresses of any family.

use crate::error::{Error, Result};

/// Room for an address of any family.
pub const MAX_ADDRESS: usize = size_of::<libc::sockaddr_storage>();

const FAMILY: usize = size_of::<libc::sa_family_t>();

/// A socket address, as the system represents it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct SocketAddress {
    bytes: [u8; MAX_ADDRESS],
    len: usize,
}

impl SocketAddress {
    /// An address from its representation.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < FAMILY || bytes.len() > MAX_ADDRESS {
            return Err(Error::new(
                libc::EINVAL,
                format!("{} bytes are not a socket address", bytes.len()),
            ));
        }
        let mut address = Self {
            bytes: [0; MAX_ADDRESS],
            len: bytes.len(),
        };
        for (to, from) in address.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(address)
    }

    /// The address of a Unix domain socket.  A path that fills the address to
    /// the last byte needs no terminator.
    pub fn unix(path: &[u8]) -> Result<Self> {
        let longest = size_of::<libc::sockaddr_un>().saturating_sub(FAMILY);
        if path.len() > longest {
            return Err(Error::new(
                libc::ENAMETOOLONG,
                format!("the socket path is longer than {longest} bytes"),
            ));
        }
        let family = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap_or(0);
        let mut bytes = family.to_ne_bytes().to_vec();
        bytes.extend_from_slice(path);
        // An abstract name is exactly as long as it is; a path ends in a NUL.
        if path.first().is_some_and(|&byte| byte != 0) && path.len() < longest {
            bytes.push(0);
        }
        Self::from_bytes(&bytes)
    }

    /// The address family.
    pub fn family(&self) -> i32 {
        let mut family = [0; FAMILY];
        for (to, from) in family.iter_mut().zip(&self.bytes) {
            *to = *from;
        }
        libc::sa_family_t::from_ne_bytes(family).into()
    }

    /// The representation.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl std::fmt::Debug for SocketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SocketAddress(family {})", self.family())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_path_may_fill_the_address() {
        let longest = [b'x'; 108];
        assert_eq!(SocketAddress::unix(&longest).unwrap().as_bytes().len(), 110);
        assert_eq!(SocketAddress::unix(b"/s").unwrap().as_bytes().len(), 5);
        let too_long = [b'x'; 109];
        let error = SocketAddress::unix(&too_long).unwrap_err();
        assert_eq!(error.errno(), libc::ENAMETOOLONG);
    }

    #[test]
    fn the_length_of_an_address_is_checked() {
        for len in [0, 1, MAX_ADDRESS + 1] {
            let error = SocketAddress::from_bytes(&vec![0; len]).unwrap_err();
            assert_eq!(error.errno(), libc::EINVAL);
        }
        let bytes = [2, 0, 0x2a, 0x39, 127, 0, 0, 1];
        assert_eq!(
            SocketAddress::from_bytes(&bytes).unwrap().family(),
            libc::AF_INET
        );
    }
}
