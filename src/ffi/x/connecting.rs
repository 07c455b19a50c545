//! Connecting: which addresses of a host are used.

use std::ffi::c_int;

use crate::ffi::guard::call;
use crate::ffi::registry::nbd_handle;

/// Sets the address family for connecting to a host by TCP.
///
/// - `AF_UNSPEC`: all addresses of the host, in the order in which `getaddrinfo`
///   returns them. This is the default.
/// - `AF_INET`: only IPv4.
/// - `AF_INET6`: only IPv6.
///
/// The setting applies to `nbd_connect_tcp`, `nbd_aio_connect_tcp` and URIs with a
/// host. If the host has no address of the family, connecting fails. The setting
/// does not affect `nbd_aio_connect`, because its address has a family, or URIs
/// that connect through `ssh`(1), which has its own option for this.
///
/// Errors:
/// - `EINVAL`: `family` is none of the above. The setting is unchanged.
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
