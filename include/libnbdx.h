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

/* Credentials in PEM format; see nbdx_set_tls_pem. */
#define NBDX_PEM_CA                            1
#define NBDX_PEM_CERTIFICATE                   2
#define NBDX_PEM_KEY                           3
#define NBDX_PEM_CRL                           4

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

/******************************************************************************
 * TLS: credentials that are not files.
 *
 * Each takes the place of a file, and prevails if there is one; what is not
 * given is looked for in files as ever. The call makes a copy. It is wiped when
 * another takes its place and when the handle is closed, is never part of debug
 * messages, and cannot be given in a URI or in the environment.
 *****************************************************************************/

/* Gives certificates, a private key or a revocation list in PEM format.
 *
 * what says which file of nbd_set_tls_certificates it stands for:
 *
 * - NBDX_PEM_CA: the certificate authorities to trust, ca-cert.pem.
 * - NBDX_PEM_CERTIFICATE: the client certificate, which can be followed by
 *   those that lead to an authority, client-cert.pem.
 * - NBDX_PEM_KEY: the private key of that certificate, client-key.pem; see
 *   nbdx_set_tls_key_password.
 * - NBDX_PEM_CRL: what the authorities have revoked, ca-crl.pem.
 *
 * The text is length bytes long, without a NUL at its end. What stands in it
 * besides blocks of the right kind is passed over, so that certificate and key
 * can be one text that is given twice.
 *
 * With NBDX_PEM_CA, the directory set with nbd_set_tls_certificates need not
 * contain ca-cert.pem. Without it, and without that file, the authorities are
 * those that the system trusts. Whether the key belongs to the certificate shows
 * when TLS starts, and so does a certificate without a key. A pre-shared key, in
 * memory or in a file, prevails over certificates.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_tls_pem(struct nbd_handle *h,
                     int what,
                     const void *pem,
                     uintptr_t length)
    LIBNBD_ATTRIBUTE_NONNULL(1, 3);
#define LIBNBDX_HAVE_NBDX_SET_TLS_PEM 1

/* Gives a pre-shared key (PSK) and the user that it belongs to.
 *
 * The key is length bytes, at most 512: not the hexadecimal digits of the
 * file of nbd_set_tls_psk_file. The name is at most 256 bytes long; what
 * nbd_set_tls_username or a URI says is not used with this key.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_tls_psk(struct nbd_handle *h,
                     const char *username,
                     const void *key,
                     uintptr_t length)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBDX_HAVE_NBDX_SET_TLS_PSK 1

/* Gives the password of the client's private key.
 *
 * It is for the key that is used, whether it was given with nbdx_set_tls_pem
 * or is in the file client-key.pem, and has no effect if the key is not
 * encrypted. Whether it is the right one shows when TLS starts.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_tls_key_password(struct nbd_handle *h,
                              const char *password)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBDX_HAVE_NBDX_SET_TLS_KEY_PASSWORD 1

#ifdef __cplusplus
}
#endif

#endif /* LIBNBDX_H */
