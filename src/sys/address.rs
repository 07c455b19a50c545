//! Socket addresses of any family.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::c_int;

use crate::error::{Error, Result};

/// Room for an address of any family.
pub const MAX_ADDRESS: usize = size_of::<libc::sockaddr_storage>();

/// The length of what every address begins with: the family, after the length of
/// the address where the system wants that.
const HEAD: usize = 2;

/// Whether an address begins with its own length, which leaves one byte for the
/// family.
const HAS_LENGTH: bool = size_of::<libc::sa_family_t>() == 1;

/// The family of vsock, which other systems lack or have in another form.
#[cfg(target_os = "linux")]
const VSOCK: Option<c_int> = Some(libc::AF_VSOCK);
#[cfg(not(target_os = "linux"))]
const VSOCK: Option<c_int> = None;

/// What an address of a family and a length begins with.
fn head(family: c_int, len: usize) -> [u8; HEAD] {
    if HAS_LENGTH {
        [len, usize::try_from(family).unwrap_or(0)].map(|number| u8::try_from(number).unwrap_or(0))
    } else {
        u16::try_from(family).unwrap_or(0).to_ne_bytes()
    }
}

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
        if bytes.len() < HEAD || bytes.len() > MAX_ADDRESS {
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

    /// An address of a family, with what follows the family.
    #[cfg(test)]
    pub fn of_family(family: c_int, fields: &[u8]) -> Result<Self> {
        let head = head(family, HEAD.saturating_add(fields.len()));
        Self::from_bytes(&[&head[..], fields].concat())
    }

    /// The address of a Unix domain socket.  A path that fills the whole
    /// address needs no terminator.
    pub fn unix(path: &[u8]) -> Result<Self> {
        let longest = size_of::<libc::sockaddr_un>().saturating_sub(HEAD);
        if path.len() > longest {
            return Err(Error::new(
                libc::ENAMETOOLONG,
                format!("the socket path is longer than {longest} bytes"),
            ));
        }
        let mut name = path.to_vec();
        // An abstract name has exactly its own length; a path ends in a NUL.
        if path.first().is_some_and(|&byte| byte != 0) && path.len() < longest {
            name.push(0);
        }
        let head = head(libc::AF_UNIX, HEAD.saturating_add(name.len()));
        Self::from_bytes(&[&head[..], &name].concat())
    }

    /// The address of a TCP port.
    pub fn internet(address: SocketAddr) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut add = |field: &[u8]| bytes.extend_from_slice(field);
        match address {
            SocketAddr::V4(address) => {
                add(&head(libc::AF_INET, size_of::<libc::sockaddr_in>()));
                add(&address.port().to_be_bytes());
                add(&address.ip().octets());
                add(&[0; 8]);
            }
            SocketAddr::V6(address) => {
                add(&head(libc::AF_INET6, size_of::<libc::sockaddr_in6>()));
                add(&address.port().to_be_bytes());
                add(&address.flowinfo().to_be_bytes());
                add(&address.ip().octets());
                add(&address.scope_id().to_ne_bytes());
            }
        }
        Self::from_bytes(&bytes)
    }

    /// The address of a port of a virtual machine or its host.
    pub fn vsock(cid: u32, port: u32) -> Result<Self> {
        let Some(family) = VSOCK else {
            return Err(Error::new(libc::ENOTSUP, "this system has no vsock"));
        };
        let mut bytes = [0; 16];
        let fields = head(family, bytes.len()).into_iter().chain([0, 0]);
        let fields = fields.chain(port.to_ne_bytes()).chain(cid.to_ne_bytes());
        for (to, from) in bytes.iter_mut().zip(fields) {
            *to = from;
        }
        Self::from_bytes(&bytes)
    }

    /// What the address means.
    pub fn meaning(&self) -> Meaning {
        let meaning = match self.family() {
            libc::AF_INET => self.internet4(),
            libc::AF_INET6 => self.internet6(),
            libc::AF_UNIX => Some(self.unix_socket()),
            family if Some(family) == VSOCK => self.vsock_port(),
            _ => None,
        };
        meaning.unwrap_or(Meaning::Unknown)
    }

    fn internet4(&self) -> Option<Meaning> {
        Some(Meaning::Internet {
            host: Ipv4Addr::from(self.field::<4>(4)?).to_string(),
            port: u16::from_be_bytes(self.field(2)?),
        })
    }

    fn internet6(&self) -> Option<Meaning> {
        let host = Ipv6Addr::from(self.field::<16>(8)?);
        // Only link-local addresses have a zone: an interface, which has a name
        // as well as a number.
        let host = match u32::from_ne_bytes(self.field(24)?) {
            0 => host.to_string(),
            index if host.is_unicast_link_local() => match super::interface_name(index) {
                Some(name) => format!("{host}%{name}"),
                None => format!("{host}%{index}"),
            },
            index => format!("{host}%{index}"),
        };
        let port = u16::from_be_bytes(self.field(2)?);
        Some(Meaning::Internet { host, port })
    }

    fn unix_socket(&self) -> Meaning {
        let path = self.as_bytes().get(HEAD..).unwrap_or_default();
        let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
        match path {
            b"" => Meaning::UnixWithoutPath,
            path => Meaning::Unix(path.to_vec()),
        }
    }

    fn vsock_port(&self) -> Option<Meaning> {
        Some(Meaning::Vsock {
            cid: u32::from_ne_bytes(self.field(8)?),
            port: u32::from_ne_bytes(self.field(4)?),
        })
    }

    fn field<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let (field, _) = self.as_bytes().get(at..)?.split_first_chunk()?;
        Some(*field)
    }

    /// The address family.
    pub fn family(&self) -> i32 {
        let [first, second, ..] = self.bytes;
        if HAS_LENGTH {
            second.into()
        } else {
            u16::from_ne_bytes([first, second]).into()
        }
    }

    /// The representation.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// What an address means, in the terms in which people write it.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A numeric address and a port.
    Internet { host: String, port: u16 },
    /// The path of a socket.
    Unix(Vec<u8>),
    /// A socket with an abstract name, or none.
    UnixWithoutPath,
    /// A context id and a port.
    Vsock { cid: u32, port: u32 },
    /// Of another family, or incomplete.
    Unknown,
}

impl std::fmt::Debug for SocketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SocketAddress(family {})", self.family())
    }
}

/// Whether this is the address family of virtual machines and their hosts.
pub fn is_vsock(family: c_int) -> bool {
    Some(family) == VSOCK
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
        let address = SocketAddress::of_family(libc::AF_INET, &[0x2a, 0x39, 127, 0, 0, 1]);
        assert_eq!(address.unwrap().family(), libc::AF_INET);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_vsock_address_has_the_layout_of_the_system() {
        let address = SocketAddress::vsock(3, 0x2a39).unwrap();
        assert_eq!(address.family(), libc::AF_VSOCK);
        // SAFETY: all zeroes is an address.
        let mut expected: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
        expected.svm_family = libc::sa_family_t::try_from(libc::AF_VSOCK).unwrap();
        expected.svm_cid = 3;
        expected.svm_port = 0x2a39;
        let start = std::ptr::from_ref(&expected).cast::<u8>();
        // SAFETY: the structure has no padding and is as long as its type.
        let bytes = unsafe { std::slice::from_raw_parts(start, size_of_val(&expected)) };
        assert_eq!(address.as_bytes(), bytes);
    }

    #[test]
    fn addresses_have_a_meaning() {
        let meaning =
            |family, fields: &[u8]| SocketAddress::of_family(family, fields).unwrap().meaning();
        let internet = |host: &str, port| Meaning::Internet {
            host: host.into(),
            port,
        };
        assert_eq!(
            meaning(
                libc::AF_INET,
                &[0x2a, 0x39, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
            ),
            internet("127.0.0.1", 10809)
        );
        let mut six = [0; 26];
        six[..2].copy_from_slice(&80u16.to_be_bytes());
        six[21] = 1;
        assert_eq!(meaning(libc::AF_INET6, &six), internet("::1", 80));
        six[22..].copy_from_slice(&7u32.to_ne_bytes());
        assert_eq!(meaning(libc::AF_INET6, &six), internet("::1%7", 80));
        six[6..8].copy_from_slice(&[0xfe, 0x80]);
        six[22..].copy_from_slice(&1u32.to_ne_bytes());
        assert_eq!(meaning(libc::AF_INET6, &six), internet("fe80::1%lo", 80));
        six[22..].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(
            meaning(libc::AF_INET6, &six),
            internet("fe80::1%4294967295", 80)
        );
        let unix = |path: &[u8]| SocketAddress::unix(path).unwrap().meaning();
        assert_eq!(unix(b"/run/s"), Meaning::Unix(b"/run/s".to_vec()));
        assert_eq!(unix(&[b'x'; 108]), Meaning::Unix(vec![b'x'; 108]));
        assert_eq!(unix(b"\0abstract"), Meaning::UnixWithoutPath);
        assert_eq!(unix(b""), Meaning::UnixWithoutPath);
        assert_eq!(
            SocketAddress::vsock(2, 80).unwrap().meaning(),
            Meaning::Vsock { cid: 2, port: 80 }
        );
        // Too short, or of a family without a notation.
        assert_eq!(meaning(libc::AF_INET, &[1]), Meaning::Unknown);
        assert_eq!(
            meaning(libc::AF_INET6, &[1, 2, 3, 4, 5, 6, 7, 8]),
            Meaning::Unknown
        );
        assert_eq!(meaning(libc::AF_VSOCK, &[0, 0, 1]), Meaning::Unknown);
        assert_eq!(meaning(0xfffe, &[0, 0]), Meaning::Unknown);
    }
}
