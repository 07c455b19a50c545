/* libnbdx: what this implementation of libnbd adds to the interface of libnbd.
 *
 * This file is generated from the Rust sources of the library.
 *
 * Everything is off by default.  The functions are in the same library, -lnbd,
 * and follow the rules that libnbd.h explains; start with libnbdx(3).  The C
 * library of the same name does not have them: that page shows how a program
 * can use them where they exist.
 */

#ifndef LIBNBDX_H
#define LIBNBDX_H

#include <libnbd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a time limit is on; see nbdx_set_timeout. */
#define NBDX_TIMEOUT_CONNECT                   1
#define NBDX_TIMEOUT_CALL                      2
#define NBDX_TIMEOUT_SILENCE                   3

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
 * - AF_UNSPEC: all addresses of the host, in the order in which getaddrinfo
 *   returns them. This is the default.
 * - AF_INET: only IPv4.
 * - AF_INET6: only IPv6.
 *
 * The setting applies to nbd_connect_tcp, nbd_aio_connect_tcp and URIs with a
 * host. If the host has no address of the family, connecting fails. The setting
 * does not affect nbd_aio_connect, because its address has a family, or URIs
 * that connect through ssh(1), which has its own option for this.
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
 * Time limits, and giving up a command.
 *
 * The section TIME LIMITS of libnbdx explains what a limit covers, what
 * becomes of a command that has exceeded it, and how a program with a main loop
 * of its own takes part.
 *****************************************************************************/

/* Sets a time limit.
 *
 * which selects what is limited:
 *
 * - NBDX_TIMEOUT_CONNECT: connecting, from the call that starts it until the
 *   handle is connected or, in option mode, negotiating. This covers resolving
 *   the name, starting a program, connecting, TLS, and the handshake. When the
 *   time is over, the connection ends.
 * - NBDX_TIMEOUT_CALL: each command, and each option that the program sends in
 *   option mode, from the call that starts it until it has completed. When the
 *   time is over, the command ends and the handle stays connected. After an
 *   option, a disconnect, or a command of which a part has been sent, the
 *   connection ends.
 * - NBDX_TIMEOUT_SILENCE: the time in which the server owes an answer and not a
 *   byte arrives from it. When it is over, the connection ends.
 *
 * Whatever exceeds a limit fails with ETIMEDOUT, and the message says which
 * limit it was and what was waited for. When the connection ends, the handle is
 * dead, and all its commands fail in this way.
 *
 * The time is milliseconds long; 0, the default, means that there is no limit.
 * What is in progress when a limit is set counts from then on. A new handle has the
 * limits in the environment variables LIBNBDX_CONNECT_TIMEOUT,
 * LIBNBDX_CALL_TIMEOUT and LIBNBDX_SILENCE_TIMEOUT.
 *
 * The memory of a command that has exceeded its limit is no longer used, and the
 * program can free it. The server knows nothing of the limit: a write, zero or
 * trim that has timed out may have happened, may happen later, or may never
 * happen.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_timeout(struct nbd_handle *h,
                     int which,
                     int64_t milliseconds)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_SET_TIMEOUT 1

/* Returns a time limit.
 *
 * Returns the milliseconds set with nbdx_set_timeout or in the environment, or
 * 0 if there is no such limit, or -1 on failure.
 */
int64_t nbdx_get_timeout(struct nbd_handle *h,
                         int which)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_GET_TIMEOUT 1

/* Returns how long a main loop may sleep before a time limit passes.
 *
 * The result suits poll(2) and epoll_wait(2), which take -1 as forever. It can
 * change with every call on the handle. When the time is over, call
 * nbdx_aio_notify_timeout. Programs that wait with nbd_poll, nbd_poll2 or a
 * call that is not asynchronous need neither of the two.
 *
 * Returns the milliseconds until the next limit passes, rounded up and at most
 * INT_MAX; 0 if one has passed; -1 if no limit applies to what is in progress,
 * or in case of an error.
 */
int nbdx_aio_get_timeout(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_AIO_GET_TIMEOUT 1

/* Applies the time limits that have passed.
 *
 * All commands that have exceeded their limit end with ETIMEDOUT, and their
 * completion callbacks run. If the limits that have passed end the connection,
 * this call fails. If none has passed, it does nothing.
 *
 * A program that has been told at the same time that the socket is ready should
 * call nbd_aio_notify_read first, because the reply may have arrived.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_aio_notify_timeout(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_AIO_NOTIFY_TIMEOUT 1

/* Ends a command without waiting for the reply.
 *
 * cookie is what the call that queued the command returned. The command ends
 * with ECANCELED; its completion callback runs before this call returns, and its
 * buffer is no longer used. A command that has completed already keeps its result.
 * In both cases the command is retired as usual, by its callback or by
 * nbd_aio_command_completed.
 *
 * The protocol has no message to cancel a command. If the request has been sent,
 * the server executes it, perhaps later, and its reply is dropped. The handle
 * stays connected. Only if a part of the request has been sent, the connection
 * ends: the handle is dead, and all other commands end with ECANCELED as well.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_aio_cancel_command(struct nbd_handle *h,
                            int64_t cookie)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_AIO_CANCEL_COMMAND 1

/******************************************************************************
 * TLS: credentials in memory instead of files.
 *
 * Each item takes precedence over the file in its place; the items that are not
 * set are read from files as usual. The call makes a copy, which is overwritten
 * when the item is replaced and when the handle is closed. Secrets are never
 * part of debug messages, and cannot be set in a URI or in the environment.
 *****************************************************************************/

/* Sets certificates, a private key or a revocation list in PEM format.
 *
 * what selects the file of nbd_set_tls_certificates that the text replaces:
 *
 * - NBDX_PEM_CA: the certificate authorities to trust, ca-cert.pem.
 * - NBDX_PEM_CERTIFICATE: the client certificate, optionally followed by the
 *   intermediate certificates up to an authority, client-cert.pem.
 * - NBDX_PEM_KEY: the private key of that certificate, client-key.pem; see
 *   nbdx_set_tls_key_password.
 * - NBDX_PEM_CRL: what the authorities have revoked, ca-crl.pem.
 *
 * The text is length bytes long and has no NUL at its end. Everything in it
 * except blocks of the right kind is ignored, so that one text with both the
 * certificate and the key can be passed twice.
 *
 * With NBDX_PEM_CA, the directory set with nbd_set_tls_certificates need not
 * contain ca-cert.pem. Without it, and without that file, the authorities are
 * those that the system trusts. If the key does not belong to the certificate, or
 * one of the two is missing, starting TLS fails. A pre-shared key, in memory or
 * in a file, takes precedence over certificates.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_tls_pem(struct nbd_handle *h,
                     int what,
                     const void *pem,
                     uintptr_t length)
    LIBNBD_ATTRIBUTE_NONNULL(1, 3);
#define LIBNBDX_HAVE_NBDX_SET_TLS_PEM 1

/* Sets a pre-shared key (PSK) and the user name for it.
 *
 * The key is passed as length bytes, at most 512, and not in hexadecimal as in
 * the file of nbd_set_tls_psk_file. The name is at most 256 bytes long; names
 * set with nbd_set_tls_username or in a URI are not used with this key.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_tls_psk(struct nbd_handle *h,
                     const char *username,
                     const void *key,
                     uintptr_t length)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBDX_HAVE_NBDX_SET_TLS_PSK 1

/* Sets the password of the client's private key.
 *
 * The key can be in memory, set with nbdx_set_tls_pem, or in the file
 * client-key.pem. If it is not encrypted, the password has no effect. If the
 * password is wrong, starting TLS fails.
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
