/* libnbdx: what this implementation of libnbd adds to the interface of libnbd.
 *
 * This file is generated from the Rust sources of the library.
 *
 * Everything is off until a program asks for it.  The functions are in the
 * same library, -lnbd, and keep the rules that libnbd.h explains; start with
 * libnbdx(3).  The C library of the same name does not have them: that page
 * shows how a program can use them where they are.
 */

#ifndef LIBNBDX_H
#define LIBNBDX_H

#include <libnbd.h>

#ifdef __cplusplus
extern "C" {
#endif

/******************************************************************************
 * Connecting: which addresses of a host are used.
 *****************************************************************************/

/* Sets the address family for connecting to a host by TCP.
 *
 * - AF_UNSPEC: any that the host has an address of, in the order of
 *   getaddrinfo. This is the default.
 * - AF_INET: IPv4 alone.
 * - AF_INET6: IPv6 alone.
 *
 * The setting is for nbd_connect_tcp, nbd_aio_connect_tcp and URIs that name
 * a host. If the host has no address of the family, connecting fails. It does
 * not affect nbd_aio_connect, whose address has a family already, and URIs
 * that connect through ssh(1), which has an option of its own.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_address_family(struct nbd_handle *h,
                            int family)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_SET_ADDRESS_FAMILY 1

/* Returns the setting of nbdx_set_address_family.
 *
 * Returns AF_UNSPEC, AF_INET or AF_INET6.
 */
int nbdx_get_address_family(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_GET_ADDRESS_FAMILY 1

#ifdef __cplusplus
}
#endif

#endif /* LIBNBDX_H */
