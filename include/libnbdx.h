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
 * Batches: requests that leave together.
 *****************************************************************************/

/* Sets whether requests leave in batches.
 *
 * By default, which is false, the function that starts a command sends its
 * request at once if the socket accepts it, and one call of nbd_poll or
 * nbd_aio_notify_read completes at most one command. With many small requests in
 * flight, the system calls for sending them one by one are most of the work.
 *
 * If batch is true, the functions that start a command, such as
 * nbd_aio_pread, only queue it. All queued requests are sent together when the
 * handle next moves bytes: in nbd_poll, nbd_poll2, nbd_aio_notify_read,
 * nbd_aio_notify_write and every function that waits for the server. Until then
 * nbd_aio_get_direction includes LIBNBD_AIO_DIRECTION_WRITE. Moreover, one call
 * may complete any number of commands, so that their callbacks run one after the
 * other. nbd_aio_disconnect sends the queue and the disconnect request at once.
 *
 * This is suitable for a program that always returns to nbd_poll or to its main
 * loop after it has started commands, as nearly all programs do. It is not suitable
 * if a thread starts commands while another one is already asleep in poll(2) on
 * the socket, because that thread is not woken; or if a program counts on one
 * completed command per call.
 *
 * If batches are turned off, what is queued is sent. The environment variable
 * LIBNBDX_BATCH turns them on for programs that do not call this function; see
 * libnbdx.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_batch(struct nbd_handle *h,
                   bool batch)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_SET_BATCH 1

/* Returns the setting of nbdx_set_batch.
 *
 * Returns 1 if requests leave in batches, otherwise 0.
 */
int nbdx_get_batch(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_GET_BATCH 1

/******************************************************************************
 * Connecting: which addresses are used, and for how long.
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

/* Sets for how long to try to connect to a server that is not up yet.
 *
 * While nobody listens, connecting is tried again for milliseconds: first after
 * 10 milliseconds, and then after pauses that double up to 250 milliseconds. The
 * last try is at the end of the time, and its error is reported. 0, the default,
 * means that connecting is tried once. The environment variable
 * LIBNBDX_CONNECT_RETRY sets another default.
 *
 * These errors mean that nobody listens:
 *
 * - ECONNREFUSED, for all kinds of sockets
 * - ENOENT for a Unix domain socket, which does not exist yet
 * - EAGAIN for a Unix domain socket, whose backlog is full
 * - ECONNRESET for a vsock address, which is how it refuses a connection
 * - a host name that is not known, or that cannot be resolved at the moment
 *
 * Of several addresses one with such an error is enough. All other errors are
 * final, as are errors of the TLS and NBD handshakes. Each try resolves the host
 * name again. A try that has started is not interrupted by the end of the time.
 *
 * The setting applies to the functions that connect to a host, a Unix domain
 * socket, a vsock port or another address, and to URIs. It does not apply to
 * sockets that the program has connected, or to servers that the library starts.
 *
 * During a pause of nbd_aio_connect and its variants, the descriptor of the
 * handle is a timer and the direction is LIBNBD_AIO_DIRECTION_READ. The number
 * stays the same when a socket takes its place, but epoll(7) forgets a
 * descriptor that is replaced. See the section WAITING FOR A SERVER of libnbdx.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_connect_retry(struct nbd_handle *h,
                           int64_t milliseconds)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_SET_CONNECT_RETRY 1

/* Returns the setting of nbdx_set_connect_retry, in milliseconds. */
int64_t nbdx_get_connect_retry(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_GET_CONNECT_RETRY 1

/* Sets whether several addresses of a host are tried at the same time.
 *
 * If a host has several addresses, and one has neither connected nor failed after
 * milliseconds, the next is tried as well, and so on; if one fails, the next is
 * tried at once. The first that connects is used, and all others are closed. IPv4
 * and IPv6 addresses alternate, beginning with the address that getaddrinfo(3)
 * returns first. This is the method of RFC 8305, which recommends 250
 * milliseconds.
 *
 * 0, the default, means that the next address is tried only when the one before
 * has failed, in the order of getaddrinfo. If a host does not respond at all,
 * that can take minutes.
 *
 * The setting applies to nbd_connect_tcp, nbd_aio_connect_tcp and URIs with a
 * host. A server may see connections that are closed before anything is sent.
 *
 * With nbd_aio_connect_tcp, the descriptor of the handle stands for all sockets
 * until one has connected, and the direction is LIBNBD_AIO_DIRECTION_READ. The
 * number stays the same when the socket takes its place, but epoll(7) forgets a
 * descriptor that is replaced. See the section SEVERAL ADDRESSES of libnbdx.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_set_address_race(struct nbd_handle *h,
                          int64_t milliseconds)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_SET_ADDRESS_RACE 1

/* Returns the setting of nbdx_set_address_race, in milliseconds. */
int64_t nbdx_get_address_race(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_GET_ADDRESS_RACE 1

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
 * Cancelling whatever waits on a handle.
 *****************************************************************************/

/* Cancels the call that waits on the handle.
 *
 * A call on the handle that waits, in this thread or in another, soon fails with
 * ECANCELED: nbd_poll and nbd_poll2, commands, options, nbd_shutdown and
 * the functions that connect. The connection is dead. All commands and options in
 * flight fail with ECANCELED as well; whether the server has carried them out is
 * not known. If no call waits, the next one that would wait fails in this way. A
 * handle stays cancelled; to connect again, use another one. A second call has no
 * effect.
 *
 * The function can be called by any thread and by signal handlers, at any time
 * between nbd_create and nbd_close. It takes no lock, allocates no memory and
 * preserves errno(3). Unlike all other functions, it does not set the error that
 * nbd_get_error returns: if h is not an open handle, it returns -1 and sets
 * only errno.
 *
 * The socket is shut down in both directions. Processes that share it, such as a
 * child made by fork(2), lose the connection, too. A program with its own main
 * loop sees the descriptor become ready, and its next call of
 * nbd_aio_notify_read or nbd_aio_notify_write fails with ECANCELED.
 *
 * See the section CANCELLING of libnbdx for what cannot be interrupted.
 *
 * Returns 0, or -1 on failure.
 */
int nbdx_cancel(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBDX_HAVE_NBDX_CANCEL 1

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
