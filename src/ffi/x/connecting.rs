//! Connecting: which addresses of a host are used.

use std::ffi::c_int;

use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets the address family for connecting to a host by TCP.
///
/// - `AF_UNSPEC`: any that the host has an address of, in the order of
///   `getaddrinfo`. This is the default.
/// - `AF_INET`: IPv4 alone.
/// - `AF_INET6`: IPv6 alone.
///
/// The setting is for `nbd_connect_tcp`, `nbd_aio_connect_tcp` and URIs that name
/// a host. If the host has no address of the family, connecting fails. It does
/// not affect `nbd_aio_connect`, whose address has a family already, and URIs
/// that connect through `ssh`(1), which has an option of its own.
///
/// Errors:
/// - `EINVAL`: `family` is none of the above; the setting is unchanged.
///
/// See also: `nbd_connect_tcp`, `nbd_connect_uri`, `nbdx_get_address_family`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_set_address_family(
    h: *mut nbd_handle,
    family: c_int,
) -> c_int {
    call!(h, set_address_family(family))
}

/// Returns the setting of `nbdx_set_address_family`.
///
/// Returns: `AF_UNSPEC`, `AF_INET` or `AF_INET6`.
/// See also: `nbdx_set_address_family`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn nbdx_get_address_family(h: *mut nbd_handle) -> c_int {
    call!(h, get_address_family())
}
