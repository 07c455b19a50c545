/* libnbd: a client for Network Block Device (NBD) servers.
 *
 * This file is generated from the Rust sources of the library.
 *
 * HANDLES.  nbd_create makes a handle, which stands for one connection to
 * one server; nbd_close ends it.  Several threads may use a handle at once:
 * the calls take turns.  While a call waits for the server, others on the
 * same handle wait for it, except those that say that they do not lock the
 * handle.
 *
 * STATES.  A handle is created; then connecting, in option mode negotiating
 * in between; then connected.  In the end it is closed if the connection
 * ended in order, or dead if it broke.  Each function says in which of these
 * states it can be called ("States").  In another state it fails: with
 * ENOTCONN if the handle is still in the created state, else with EINVAL.
 *
 * ERRORS.  A function that fails returns -1 or NULL; nbd_get_error and
 * nbd_get_errno then tell the thread what was wrong.  The errno is 0 where
 * none fits.  A function listed with "Errors: none" cannot fail.  If an
 * argument is wrong in several ways, the state is reported first, then what
 * is missing in the order of the parameters, then flags.  A handle that is
 * NULL is an error (EFAULT) and not a crash, and so, where it can be
 * recognised, is one that has been closed (EINVAL); functions that cannot
 * fail return 0 or NULL then.
 *
 * STRINGS.  A string that a function takes is copied.  A returned char *
 * belongs to the caller, who frees it; a returned const char * belongs to
 * the library. A list of strings (char **) ends with NULL.
 *
 * CALLBACKS.  A callback is passed by value as a structure: a function, the
 * data it is called with, and a function that frees the data, or NULL.  From
 * the call on the library owns it, and calls free exactly once, when it will
 * not call the function any more; also if the call fails.  If only free is
 * set, the function counts as one that does nothing.  Callbacks run in the
 * thread that is inside a call on the handle.
 *
 * The protocol is described in https://github.com/NetworkBlockDevice/nbd, in
 * the file doc/proto.md; "Source" names the part on which a function relies.
 */

#ifndef LIBNBD_H
#define LIBNBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define LIBNBD_GCC_VERSION \
  (__GNUC__ * 10000 + __GNUC_MINOR__ * 100 + __GNUC_PATCHLEVEL__)
#endif

/* Which parameters must not be NULL.  A program that defines this macro as
 * empty before it includes this file may pass NULL and handle the error.
 */
#ifndef LIBNBD_ATTRIBUTE_NONNULL
#if defined(LIBNBD_GCC_VERSION) && LIBNBD_GCC_VERSION >= 120000
#define LIBNBD_ATTRIBUTE_NONNULL(...) __attribute__((__nonnull__(__VA_ARGS__)))
#else
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#endif
#endif

/* Which function frees what another one returns. */
#if defined(LIBNBD_GCC_VERSION) && LIBNBD_GCC_VERSION >= 120000
#define LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(fn) \
  __attribute__((__malloc__, __malloc__(fn, 1)))
#else
#define LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(fn)
#endif

/* A connection to a server. */
struct nbd_handle;

/* Encryption; see nbd_set_tls. */
#define LIBNBD_TLS_DISABLE                     0
#define LIBNBD_TLS_ALLOW                       1
#define LIBNBD_TLS_REQUIRE                     2

/* Block sizes; see nbd_get_block_size. */
#define LIBNBD_SIZE_MINIMUM                    0
#define LIBNBD_SIZE_PREFERRED                  1
#define LIBNBD_SIZE_MAXIMUM                    2
#define LIBNBD_SIZE_PAYLOAD                    3

/* Flags of commands. */
#define LIBNBD_CMD_FLAG_FUA                    0x01U
#define LIBNBD_CMD_FLAG_NO_HOLE                0x02U
#define LIBNBD_CMD_FLAG_DF                     0x04U
#define LIBNBD_CMD_FLAG_REQ_ONE                0x08U
#define LIBNBD_CMD_FLAG_FAST_ZERO              0x10U
#define LIBNBD_CMD_FLAG_PAYLOAD_LEN            0x20U
#define LIBNBD_CMD_FLAG_MASK                   0x3fU

/* Flags of the handshake; see nbd_set_handshake_flags. */
#define LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE   0x01U
#define LIBNBD_HANDSHAKE_FLAG_NO_ZEROES        0x02U
#define LIBNBD_HANDSHAKE_FLAG_MASK             0x03U

/* Checks before a request is sent; see nbd_set_strict_mode. */
#define LIBNBD_STRICT_COMMANDS                 0x01U
#define LIBNBD_STRICT_FLAGS                    0x02U
#define LIBNBD_STRICT_BOUNDS                   0x04U
#define LIBNBD_STRICT_ZERO_SIZE                0x08U
#define LIBNBD_STRICT_ALIGN                    0x10U
#define LIBNBD_STRICT_PAYLOAD                  0x20U
#define LIBNBD_STRICT_AUTO_FLAG                0x40U
#define LIBNBD_STRICT_MASK                     0x7fU

/* Transports that a URI may name. */
#define LIBNBD_ALLOW_TRANSPORT_TCP             0x01U
#define LIBNBD_ALLOW_TRANSPORT_UNIX            0x02U
#define LIBNBD_ALLOW_TRANSPORT_VSOCK           0x04U
#define LIBNBD_ALLOW_TRANSPORT_SSH             0x08U
#define LIBNBD_ALLOW_TRANSPORT_MASK            0x0fU

/* Flags of nbd_shutdown. */
#define LIBNBD_SHUTDOWN_ABANDON_PENDING        0x10000U
#define LIBNBD_SHUTDOWN_MASK                   0x10000U

/* What to poll for; see nbd_aio_get_direction. */
#define LIBNBD_AIO_DIRECTION_READ              1
#define LIBNBD_AIO_DIRECTION_WRITE             2
#define LIBNBD_AIO_DIRECTION_BOTH              3

/* What a piece of a structured read is; see nbd_pread_structured. */
#define LIBNBD_READ_DATA                       1
#define LIBNBD_READ_HOLE                       2
#define LIBNBD_READ_ERROR                      3

/* Meta contexts that every server may offer, and the status flags of their
 * extents; see nbd_add_meta_context and nbd_block_status.
 */
#define LIBNBD_NAMESPACE_BASE                  "base:"
#define LIBNBD_CONTEXT_BASE_ALLOCATION         "base:allocation"
#define LIBNBD_STATE_HOLE                      1
#define LIBNBD_STATE_ZERO                      2

/* The same for QEMU.  LIBNBD_CONTEXT_QEMU_DIRTY_BITMAP is followed by the name
 * of a bitmap.
 */
#define LIBNBD_NAMESPACE_QEMU                  "qemu:"
#define LIBNBD_CONTEXT_QEMU_DIRTY_BITMAP       "qemu:dirty-bitmap:"
#define LIBNBD_CONTEXT_QEMU_ALLOCATION_DEPTH   "qemu:allocation-depth"
#define LIBNBD_STATE_DIRTY                     1

/* One extent as the 64-bit block status callback receives it. */
typedef struct {
  /* Length in bytes, at most INT64_MAX. */
  uint64_t length;
  /* Status flags, as the meta context defines them. */
  uint64_t flags;
} nbd_extent;

/* Called for each part of a structured read; see nbd_pread_structured. */
typedef struct {
  /*
   * subbuf points into the buffer of the read, count is the length in
   * bytes, offset the place in the export, status one of
   * LIBNBD_READ_DATA, _HOLE and _ERROR. *error is the errno of the
   * command so far.
   */
  int (*callback)(void *user_data,
                  const void *subbuf,
                  size_t count,
                  uint64_t offset,
                  unsigned int status,
                  int *error);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_chunk_callback;
#define LIBNBD_HAVE_NBD_CHUNK_CALLBACK 1

/* Called when an asynchronous command or option completes. */
typedef struct {
  /*
   * *error is 0 or the errno of the failure. Returning 1 retires the
   * command.
   */
  int (*callback)(void *user_data, int *error);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_completion_callback;
#define LIBNBD_HAVE_NBD_COMPLETION_CALLBACK 1

/* Called for each debug message; see nbd_set_debug_callback. */
typedef struct {
  /*
   * context is the public function that is running, msg the message
   * without a newline. The return value is ignored.
   */
  int (*callback)(void *user_data, const char *context, const char *msg);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_debug_callback;
#define LIBNBD_HAVE_NBD_DEBUG_CALLBACK 1

/*
 * Called for each meta context of a block status reply, with 32-bit extents;
 * see nbd_block_status.
 */
typedef struct {
  /*
   * entries holds pairs of length in bytes and status flags, nr_entries
   * counts the words, two for each extent. offset is where the request
   * began.
   */
  int (*callback)(void *user_data,
                  const char *metacontext,
                  uint64_t offset,
                  uint32_t *entries,
                  size_t nr_entries,
                  int *error);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_extent_callback;
#define LIBNBD_HAVE_NBD_EXTENT_CALLBACK 1

/*
 * Called for each meta context of a block status reply, with 64-bit extents;
 * see nbd_block_status_64.
 */
typedef struct {
  /*
   * entries holds nr_entries extents. offset is where the request
   * began.
   */
  int (*callback)(void *user_data,
                  const char *metacontext,
                  uint64_t offset,
                  nbd_extent *entries,
                  size_t nr_entries,
                  int *error);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_extent64_callback;
#define LIBNBD_HAVE_NBD_EXTENT64_CALLBACK 1

/* Called for each export that a server lists; see nbd_opt_list. */
typedef struct {
  /*
   * description is empty if the server gave none. The return value is
   * ignored.
   */
  int (*callback)(void *user_data, const char *name, const char *description);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_list_callback;
#define LIBNBD_HAVE_NBD_LIST_CALLBACK 1

/*
 * Called for each meta context that a server lists or selects; see
 * nbd_opt_list_meta_context and nbd_opt_set_meta_context.
 */
typedef struct {
  /* The return value is ignored. */
  int (*callback)(void *user_data, const char *name);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_context_callback;
#define LIBNBD_HAVE_NBD_CONTEXT_CALLBACK 1

/* No completion callback, where one can be left out. */
#ifdef __cplusplus
#define NBD_NULL_COMPLETION (nbd_completion_callback())
#else
#define NBD_NULL_COMPLETION ((nbd_completion_callback) { .callback = NULL })
#endif

/******************************************************************************
 * The handle and the library: making and closing a handle, the last error,
 * names and versions.
 *
 * A handle is one connection to a server. The last error belongs to the
 * thread, not to the handle, so it can be read even if no handle could be
 * made.
 *****************************************************************************/

/*
 * Closes a handle and frees it.
 *
 * Drops the connection without a word to the server; to end it in order, call
 * nbd_shutdown first. Commands that have not completed complete now: their
 * completion callbacks run with the errno of the failure, ENOTCONN if there
 * is no other. Then all closures are freed.
 *
 * A subprocess of the handle is given some seconds to exit by itself once the
 * connection is closed. Then it receives SIGTERM, one of
 * nbd_connect_systemd_socket_activation already before. If that does not
 * help either, it is killed. One that does not die even so, or may not be
 * signalled because it runs as another user, is left after some more seconds:
 * it remains a child of the program, which can reap it.
 *
 * h may be NULL: nothing happens. No other call may be using the handle,
 * and its pointer is invalid afterwards.
 *
 * Returns: nothing.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_aio_command_completed, nbd_create, nbd_shutdown.
 */
void nbd_close(struct nbd_handle *h);
#define LIBNBD_HAVE_NBD_CLOSE 1

/*
 * Makes a handle.
 *
 * The handle is in the created state, has the default settings, and is named
 * nbd1, nbd2 and so on, in the order of creation in this process.
 * Debugging is on from the start if the environment variable LIBNBD_DEBUG is
 * exactly 1.
 *
 * Returns: the handle, to be closed with nbd_close, or NULL on failure.
 * Errors:
 * - ENOTRECOVERABLE: an internal fault.
 *
 * Since: 1.0.
 * See also: nbd_close, nbd_get_errno, nbd_get_error.
 */
struct nbd_handle *nbd_create(void) LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(nbd_close);
#define LIBNBD_HAVE_NBD_CREATE 1

/*
 * Tells what went wrong last in this thread.
 *
 * The text is the name of the function that failed, a description and, unless
 * errno is 0, what errno means. Calls that succeed leave it in place.
 *
 * Returns: the text, or NULL if no call has failed in this thread. It
 * belongs to the library and is valid until the next call of the library in
 * the same thread.
 * Errors: none.
 * Since: 1.0.
 * See also: nbd_get_errno.
 */
const char *nbd_get_error(void);
#define LIBNBD_HAVE_NBD_GET_ERROR 1

/*
 * Tells the errno of the last error in this thread.
 *
 * Some errors have none: a peer that does not speak NBD, a host name that
 * cannot be resolved, a failed TLS handshake. The variable errno of the C
 * library is not set: ask here.
 *
 * Returns: the errno, or 0 if the last error has none or no call has failed in
 * this thread.
 * Errors: none.
 * Since: 1.0.
 * See also: nbd_get_error.
 */
int nbd_get_errno(void);
#define LIBNBD_HAVE_NBD_GET_ERRNO 1

/*
 * Names the library.
 *
 * Always libnbd. h is not used.
 *
 * Returns: a constant string.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_get_version.
 */
const char *nbd_get_package_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PACKAGE_NAME 1

/*
 * Tells which release of the interface the library implements.
 *
 * The form is major, minor and release number with dots between them. h is
 * not used.
 *
 * Returns: a constant string.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_get_package_name.
 */
const char *nbd_get_version(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_VERSION 1

/*
 * Tells which implementation of the interface this is, and its version.
 *
 * The text is for people; programs compare nbd_get_version. h is not used.
 *
 * Returns: a constant string, never NULL.
 * Errors: none.
 * States: any.
 * Since: 1.24.
 * See also: nbd_get_version.
 */
const char *nbd_get_version_extra(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_VERSION_EXTRA 1

/*
 * Tells whether the library was built with TLS.
 *
 * This library always is; others with this interface need not be.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_tls.
 */
int nbd_supports_tls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_TLS 1

/*
 * Tells whether the library was built with NBD URIs.
 *
 * Without them, the functions that connect to a URI fail with ENOTSUP.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_aio_connect_uri, nbd_connect_uri, nbd_get_uri,
 *   nbd_is_uri.
 */
int nbd_supports_uri(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_URI 1

/*
 * Tells whether the library was built with AF_VSOCK.
 *
 * Without it, the functions that connect over it fail with ENOTSUP.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_connect_uri, nbd_connect_vsock.
 */
int nbd_supports_vsock(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_VSOCK 1

/******************************************************************************
 * Debug messages: what the library does, for finding faults.
 *
 * Every call on a handle writes a line when it begins, with its arguments, and
 * one when it ends, with its result; more lines tell how the handshake went,
 * which faults of the server were passed over, and why a connection broke.
 *****************************************************************************/

/*
 * Switches debug messages on or off.
 *
 * They are off at first, unless LIBNBD_DEBUG in the environment says
 * otherwise; see nbd_create. Messages go to standard error, one line each
 * with the handle's name, or to the callback of nbd_set_debug_callback.
 *
 * Returns: 0, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_debug_callback, nbd_set_handle_name.
 */
int nbd_set_debug(struct nbd_handle *h, bool debug) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_DEBUG 1

/*
 * Tells whether debug messages are on.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_debug.
 */
int nbd_get_debug(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_DEBUG 1

/*
 * Has debug messages delivered to a callback.
 *
 * The callback gets the name of the public function that is running and the
 * message, and nothing goes to standard error any more. It does not switch
 * messages on; nbd_set_debug does. A callback set before is freed before
 * this returns; if another thread is just delivering a message to it, that
 * thread frees it when it has done so.
 *
 * The callback may run in any thread that uses the handle, while the handle is
 * locked: it must not use the handle itself.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: debug_callback has neither callback nor free.
 *
 * States: any.
 * Since: 1.0.
 */
int nbd_set_debug_callback(struct nbd_handle *h,
                           nbd_debug_callback debug_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_DEBUG_CALLBACK 1

/*
 * Frees the debug callback.
 *
 * Debug messages go to standard error again. It is no error if there is no
 * callback.
 *
 * Returns: 0, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_clear_debug_callback(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CLEAR_DEBUG_CALLBACK 1

/******************************************************************************
 * Settings of the handle: its name, a value of the program's own, which export
 * to use, how strictly requests are checked.
 *****************************************************************************/

/*
 * Names the handle in debug messages.
 *
 * The name need not be unique.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: handle_name is NULL.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_get_handle_name.
 */
int nbd_set_handle_name(struct nbd_handle *h,
                        const char *handle_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_HANDLE_NAME 1

/*
 * Tells the handle's name.
 *
 * Returns: the name, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_handle_name.
 */
char *nbd_get_handle_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDLE_NAME 1

/*
 * Stores a value of the program's own in the handle.
 *
 * The library does nothing with it. The handle is not locked, so this can be
 * called from within a callback.
 *
 * Returns: the value stored before; 0 at first.
 * Errors: none.
 * States: any.
 * Since: 1.8.
 * See also: nbd_get_private_data.
 */
uintptr_t nbd_set_private_data(struct nbd_handle *h,
                               uintptr_t private_data)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_PRIVATE_DATA 1

/*
 * Tells the value stored with nbd_set_private_data.
 *
 * The handle is not locked, so this can be called from within a callback.
 *
 * Returns: the value; 0 if none was stored.
 * Errors: none.
 * States: any.
 * Since: 1.8.
 * See also: nbd_set_private_data.
 */
uintptr_t nbd_get_private_data(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PRIVATE_DATA 1

/*
 * Names the export to use.
 *
 * The name is at most 4096 bytes long, should be UTF-8, and is empty at first,
 * which asks for the default export of the server. Oldstyle servers have one
 * export and never learn the name.
 *
 * In option mode the name can be changed between options. A different name
 * forgets what was learnt about the export before: size, flags, block sizes,
 * canonical name, description, negotiated meta contexts.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: export_name is NULL.
 * - EINVAL: the handshake is running or over.
 * - ENAMETOOLONG: the name is longer than 4096 bytes.
 *
 * States: created and negotiating.
 * Since: 1.0.
 * See also: nbd_connect_uri, nbd_get_export_name, nbd_opt_go,
 *   nbd_opt_info, nbd_opt_list, nbd_set_opt_mode.
 * Source: NBD protocol, values of strings.
 */
int nbd_set_export_name(struct nbd_handle *h,
                        const char *export_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_EXPORT_NAME 1

/*
 * Tells the name set with nbd_set_export_name.
 *
 * What the server calls the export may differ; see
 * nbd_get_canonical_export_name.
 *
 * Returns: the name, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_connect_uri, nbd_get_canonical_export_name,
 *   nbd_set_export_name.
 */
char *nbd_get_export_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXPORT_NAME 1

/*
 * Says whether read buffers are initialised.
 *
 * While this is on, as it is at first, a buffer given to a read never shows
 * what was in memory before: bytes that the server did not send are zero when
 * the read has completed, also if it failed. Only a buffer of more than 64 MiB,
 * which no read can fill, is left as it is. Switching it off saves time, but
 * then the program must not look at the buffer of a failed read.
 *
 * Returns: 0, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.12.
 * See also: nbd_aio_pread, nbd_aio_pread_structured,
 *   nbd_get_pread_initialize, nbd_pread, nbd_pread_structured,
 *   nbd_set_strict_mode.
 */
int nbd_set_pread_initialize(struct nbd_handle *h,
                             bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_PREAD_INITIALIZE 1

/*
 * Tells whether read buffers are initialised.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.12.
 * See also: nbd_aio_pread, nbd_aio_pread_structured, nbd_pread,
 *   nbd_pread_structured, nbd_set_pread_initialize, nbd_set_strict_mode.
 */
int nbd_get_pread_initialize(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PREAD_INITIALIZE 1

/*
 * Chooses which requests are refused before they are sent.
 *
 * flags is a sum of the following; at first all of them are set. A request
 * that passes because a check is off is sent, and the server decides.
 *
 * - LIBNBD_STRICT_COMMANDS: commands and features that the server does not
 *   offer, and writes to a read-only export.
 *
 * - LIBNBD_STRICT_FLAGS: command flags that the command does not take. Flags
 *   above 0xffff have no place in a request and are always refused.
 *
 * - LIBNBD_STRICT_BOUNDS: ranges that reach beyond the export.
 *
 * - LIBNBD_STRICT_ZERO_SIZE: commands of length 0.
 *
 * - LIBNBD_STRICT_ALIGN: ranges that are not aligned to the minimum block
 *   size.
 *
 * - LIBNBD_STRICT_PAYLOAD: writes longer than the server accepts.
 *
 * - LIBNBD_STRICT_AUTO_FLAG: not a check; the library sets
 *   LIBNBD_CMD_FLAG_PAYLOAD_LEN as the protocol demands, whatever the
 *   program says.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: flags has an unknown bit; the mode is as before.
 *
 * States: any.
 * Since: 1.6.
 * See also: nbd_get_strict_mode, nbd_set_handshake_flags,
 *   nbd_stats_bytes_received, nbd_stats_bytes_sent.
 */
int nbd_set_strict_mode(struct nbd_handle *h,
                        uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_STRICT_MODE 1

/*
 * Tells which requests are refused before they are sent.
 *
 * Returns: a sum of LIBNBD_STRICT_... flags.
 * Errors: none.
 * States: any.
 * Since: 1.6.
 * See also: nbd_set_strict_mode.
 */
uint32_t nbd_get_strict_mode(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_STRICT_MODE 1

/******************************************************************************
 * What the handshake asks the server for. All of this is set before
 * connecting; some of it can be changed in option mode.
 *****************************************************************************/

/*
 * Says whether to ask for the canonical name and the description of the
 * export.
 *
 * Off at first, because few servers have them.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handshake is running or over.
 *
 * States: created and negotiating.
 * Since: 1.4.
 * See also: nbd_get_canonical_export_name, nbd_get_export_description,
 *   nbd_get_full_info, nbd_set_request_block_size.
 * Source: NBD protocol, NBD_INFO_NAME and NBD_INFO_DESCRIPTION.
 */
int nbd_set_full_info(struct nbd_handle *h,
                      bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_FULL_INFO 1

/*
 * Tells whether name and description of the export are asked for.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.4.
 * See also: nbd_set_full_info.
 */
int nbd_get_full_info(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_FULL_INFO 1

/*
 * Says whether to ask for the block sizes of the export.
 *
 * On at first. A client that asks also promises to keep to them, so a server
 * that cannot do without may refuse to describe the export to one that does
 * not ask.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handshake is running or over.
 *
 * States: created and negotiating.
 * Since: 1.12.
 * See also: nbd_get_block_size, nbd_get_request_block_size,
 *   nbd_set_full_info, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_INFO_BLOCK_SIZE.
 */
int nbd_set_request_block_size(struct nbd_handle *h,
                               bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_BLOCK_SIZE 1

/*
 * Tells whether block sizes are asked for.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.12.
 * See also: nbd_set_request_block_size.
 */
int nbd_get_request_block_size(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_BLOCK_SIZE 1

/*
 * Says whether to ask for structured replies.
 *
 * On at first. Without them there are no holes in read replies, no block
 * status and no extended headers: switching this off also leaves out
 * nbd_set_request_extended_headers.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_can_df, nbd_can_meta_context,
 *   nbd_get_request_structured_replies,
 *   nbd_get_structured_replies_negotiated, nbd_opt_structured_reply,
 *   nbd_set_handshake_flags, nbd_set_request_extended_headers,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, NBD_OPT_STRUCTURED_REPLY.
 */
int nbd_set_request_structured_replies(struct nbd_handle *h,
                                       bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_STRUCTURED_REPLIES 1

/*
 * Tells whether structured replies are asked for.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.2.
 * See also: nbd_get_request_extended_headers,
 *   nbd_get_structured_replies_negotiated,
 *   nbd_set_request_structured_replies.
 */
int nbd_get_request_structured_replies(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_STRUCTURED_REPLIES 1

/*
 * Says whether to ask for extended headers.
 *
 * On at first. With them, lengths have 64 bits: trim, zero, cache and block
 * status can cover more than 4 GiB at once.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.18.
 * See also: nbd_block_status_64, nbd_cache,
 *   nbd_get_extended_headers_negotiated, nbd_get_request_extended_headers,
 *   nbd_opt_extended_headers, nbd_set_handshake_flags,
 *   nbd_set_request_structured_replies, nbd_set_strict_mode, nbd_trim,
 *   nbd_zero.
 * Source: NBD protocol, NBD_OPT_EXTENDED_HEADERS.
 */
int nbd_set_request_extended_headers(struct nbd_handle *h,
                                     bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_EXTENDED_HEADERS 1

/*
 * Tells whether extended headers are asked for.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.18.
 * See also: nbd_get_extended_headers_negotiated,
 *   nbd_set_request_extended_headers.
 */
int nbd_get_request_extended_headers(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_EXTENDED_HEADERS 1

/*
 * Says whether nbd_opt_go and nbd_opt_info select meta contexts.
 *
 * On at first: they first ask the server for the contexts of
 * nbd_add_meta_context. Switched off, they keep what
 * nbd_opt_set_meta_context has selected before.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handshake is running or over.
 *
 * States: created and negotiating.
 * Since: 1.16.
 * See also: nbd_can_meta_context, nbd_get_request_meta_context,
 *   nbd_get_structured_replies_negotiated, nbd_opt_go, nbd_opt_info,
 *   nbd_opt_list_meta_context, nbd_opt_set_meta_context,
 *   nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_set_request_meta_context(struct nbd_handle *h,
                                 bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_META_CONTEXT 1

/*
 * Tells whether nbd_opt_go and nbd_opt_info select meta contexts.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_set_request_meta_context.
 */
int nbd_get_request_meta_context(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_META_CONTEXT 1

/*
 * Chooses which handshake flags the client may answer.
 *
 * Only flags that the server offers as well are used. At first both are set;
 * clearing them is of use in tests of servers.
 *
 * - LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE: without it no option but the
 *   export name can be negotiated, so no TLS, no structured replies, no list
 *   of exports.
 *
 * - LIBNBD_HANDSHAKE_FLAG_NO_ZEROES: without it the server ends the short
 *   form of the handshake with 124 zero bytes.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: flags has an unknown bit; the setting is as before.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_get_handshake_flags, nbd_set_request_structured_replies.
 * Source: NBD protocol, handshake flags.
 */
int nbd_set_handshake_flags(struct nbd_handle *h,
                            uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_HANDSHAKE_FLAGS 1

/*
 * Tells the handshake flags.
 *
 * Before the handshake: those the client may answer. Afterwards: those that
 * both sides use; 0 with an oldstyle server.
 *
 * Returns: a sum of LIBNBD_HANDSHAKE_FLAG_... flags.
 * Errors: none.
 * States: any.
 * Since: 1.2.
 * See also: nbd_aio_is_created, nbd_aio_is_ready, nbd_get_protocol,
 *   nbd_set_handshake_flags, nbd_set_strict_mode.
 * Source: NBD protocol, handshake flags.
 */
uint32_t nbd_get_handshake_flags(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDSHAKE_FLAGS 1

/*
 * Says whether the program conducts the negotiation.
 *
 * Off at first. In option mode connecting stops in the negotiating state;
 * there the program sends the options it wants, until nbd_opt_go or
 * nbd_opt_abort. A server that is too old to negotiate gets the handle
 * connected at once: ask nbd_aio_is_negotiating.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.4.
 * See also: nbd_aio_connect, nbd_aio_is_negotiating, nbd_get_opt_mode,
 *   nbd_opt_abort, nbd_opt_go, nbd_opt_info, nbd_opt_list,
 *   nbd_opt_list_meta_context, nbd_opt_set_meta_context,
 *   nbd_opt_starttls, nbd_opt_structured_reply,
 *   nbd_set_request_structured_replies, nbd_set_tls, nbd_shutdown.
 */
int nbd_set_opt_mode(struct nbd_handle *h,
                     bool enable)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_OPT_MODE 1

/*
 * Tells whether the program conducts the negotiation.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.4.
 * See also: nbd_set_opt_mode.
 */
int nbd_get_opt_mode(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_OPT_MODE 1

/******************************************************************************
 * TLS: whether the connection is encrypted, and how both sides prove who they
 * are.
 *
 * The settings have no effect unless nbd_set_tls or nbd_opt_starttls asks
 * for TLS. Files are read, and mistakes in them found, when TLS starts.
 *****************************************************************************/

/*
 * Chooses whether the connection is encrypted with TLS.
 *
 * - LIBNBD_TLS_DISABLE: it is not. This is the setting at first.
 *
 * - LIBNBD_TLS_ALLOW: it is if the server agrees; whether it did,
 *   nbd_get_tls_negotiated tells. Somebody between client and server can
 *   prevent encryption.
 *
 * - LIBNBD_TLS_REQUIRE: it is, or connecting fails.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: tls is none of these; the setting is as before.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_get_tls, nbd_get_tls_negotiated, nbd_opt_starttls.
 * Source: NBD protocol, TLS support.
 */
int nbd_set_tls(struct nbd_handle *h, int tls) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_TLS 1

/*
 * Tells the setting of nbd_set_tls.
 *
 * Whether the connection is encrypted, nbd_get_tls_negotiated tells.
 *
 * Returns: one of the LIBNBD_TLS_... values.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_get_tls_negotiated, nbd_set_tls.
 */
int nbd_get_tls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS 1

/*
 * Names the directory of the X.509 certificates.
 *
 * These files are looked for, all in PEM:
 *
 * - ca-cert.pem: the authorities that are believed.
 *
 * - ca-crl.pem: what they have revoked; optional.
 *
 * - client-cert.pem and client-key.pem: the certificate that the server
 *   gets to see if it asks for one, and its key, which must not be encrypted;
 *   optional.
 *
 * If no directory is set, users have theirs in $HOME/.pki/libnbd or
 * $HOME/.config/pki/libnbd, and root in /etc/pki/libnbd. A directory
 * without a readable ca-cert.pem does not count, even if it was set: then the
 * authorities are believed that the system trusts.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: dir is NULL.
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_set_tls, nbd_set_tls_psk_file, nbd_set_tls_verify_peer.
 */
int nbd_set_tls_certificates(struct nbd_handle *h,
                             const char *dir)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_CERTIFICATES 1

/*
 * Names the file of the pre-shared keys (PSK).
 *
 * Each line is a user name, a colon and a key in hexadecimal, as psktool
 * writes it; the first line of the user counts. If a file is set,
 * certificates are neither shown nor accepted, and names are not verified:
 * who knows the key is trusted.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: filename is NULL.
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_set_tls, nbd_set_tls_certificates, nbd_set_tls_username.
 */
int nbd_set_tls_psk_file(struct nbd_handle *h,
                         const char *filename)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_PSK_FILE 1

/*
 * Names the user of the pre-shared key.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: username is NULL.
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_get_tls_username, nbd_set_tls_psk_file.
 */
int nbd_set_tls_username(struct nbd_handle *h,
                         const char *username)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_USERNAME 1

/*
 * Tells the user of the pre-shared key.
 *
 * Returns: the name set with nbd_set_tls_username, or else that of the
 * environment variable LOGNAME, or else the name that the user logged in
 * with; to be freed with free. NULL on failure.
 * Errors:
 * - ENXIO or another errno of getlogin: none is set, and the process has no
 *   login name.
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_tls_username.
 */
char *nbd_get_tls_username(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_USERNAME 1

/*
 * Names the host that the server's certificate must be for.
 *
 * At first, and if hostname is empty, it is the host given to
 * nbd_connect_tcp or in a URI. Without either, as on a Unix domain socket,
 * any certificate is accepted that a trusted authority has signed.
 *
 * The host is a name or an IP address. A name is also told to the server before
 * it chooses its certificate.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: hostname is NULL.
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.22.
 * See also: nbd_get_tls_hostname, nbd_set_tls, nbd_set_tls_verify_peer.
 */
int nbd_set_tls_hostname(struct nbd_handle *h,
                         const char *hostname)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_HOSTNAME 1

/*
 * Tells the host that the server's certificate must be for.
 *
 * Returns: the host set with nbd_set_tls_hostname, or else the one that the
 * handle connected to by TCP, or else an empty string; to be freed with free.
 * NULL on failure.
 * Errors:
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.22.
 * See also: nbd_set_tls_hostname.
 */
char *nbd_get_tls_hostname(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_HOSTNAME 1

/*
 * Says whether the server's certificate is verified.
 *
 * It is at first. Without verification a connection is encrypted, but anybody
 * can be at the other end of it. Sessions with a pre-shared key have no
 * certificate to verify.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_get_tls_verify_peer, nbd_set_tls, nbd_set_tls_hostname.
 */
int nbd_set_tls_verify_peer(struct nbd_handle *h,
                            bool verify)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_TLS_VERIFY_PEER 1

/*
 * Tells whether the server's certificate is verified.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_set_tls_verify_peer.
 */
int nbd_get_tls_verify_peer(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_VERIFY_PEER 1

/*
 * Chooses versions and algorithms of TLS.
 *
 * The string has the form that GnuTLS gives it: a keyword, then items with
 * colons in front. The keywords are NORMAL, which holds at first,
 * PERFORMANCE, PFS, SECURE128, SECURE192, SECURE256, SUITEB128,
 * SUITEB192 and NONE. An item adds (+) or removes (- or !) a version,
 * cipher, key exchange, MAC, group or signature, for example
 * NORMAL:-VERS-ALL:+VERS-TLS1.3, or is an option that begins with %.
 *
 * The string is not looked at before TLS starts, and never if it does not.
 * OpenSSL does the work, so not every item can be honoured: starting TLS then
 * fails with EINVAL, rather than pass over an item. TLS 1.2 is the oldest
 * version there is. With a pre-shared key the key exchanges for it need not be
 * added.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: priority is NULL.
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.24.
 * See also: nbd_get_tls_priority, nbd_set_tls.
 */
int nbd_set_tls_priority(struct nbd_handle *h,
                         const char *priority)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_PRIORITY 1

/*
 * Tells versions and algorithms of TLS.
 *
 * Returns: the string set with nbd_set_tls_priority, or else NORMAL, to be
 * freed with free; NULL on failure.
 * Errors:
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.24.
 * See also: nbd_set_tls_priority.
 */
char *nbd_get_tls_priority(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_PRIORITY 1

/*
 * Tells whether the connection is encrypted.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 *
 * States: negotiating, connected and closed.
 * Since: 1.2.
 * See also: nbd_get_tls, nbd_opt_starttls, nbd_set_tls.
 * Source: NBD protocol, NBD_OPT_STARTTLS.
 */
int nbd_get_tls_negotiated(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_NEGOTIATED 1

/******************************************************************************
 * The list of meta contexts to ask the server for. A meta context is a kind of
 * status that block status commands report, such as
 * LIBNBD_CONTEXT_BASE_ALLOCATION.
 *
 * The list is what will be asked for; which of them the server has selected,
 * nbd_can_meta_context tells. Changing the list does not change the
 * selection.
 *****************************************************************************/

/*
 * Adds a meta context to the list of those to ask for.
 *
 * name has the form of a namespace, a colon, and a name within it, and is at
 * most 4096 bytes long. The same name can be added again, which asks for it
 * twice.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: name is NULL.
 * - EINVAL: the handshake is running or over.
 * - ENAMETOOLONG: the name is longer than 4096 bytes.
 *
 * States: created and negotiating.
 * Since: 1.0.
 * See also: nbd_block_status_64, nbd_can_meta_context,
 *   nbd_clear_meta_contexts, nbd_get_meta_context,
 *   nbd_get_nr_meta_contexts.
 * Source: NBD protocol, metadata querying.
 */
int nbd_add_meta_context(struct nbd_handle *h,
                         const char *name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_ADD_META_CONTEXT 1

/*
 * Empties the list of meta contexts to ask for.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handshake is running or over.
 *
 * States: created and negotiating.
 * Since: 1.6.
 * See also: nbd_add_meta_context, nbd_block_status_64,
 *   nbd_can_meta_context, nbd_get_meta_context,
 *   nbd_get_nr_meta_contexts, nbd_set_opt_mode.
 */
int nbd_clear_meta_contexts(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CLEAR_META_CONTEXTS 1

/*
 * Tells how many meta contexts will be asked for.
 *
 * Returns: the number of names, or -1 on failure.
 * Errors: none.
 * States: any.
 * Since: 1.6.
 * See also: nbd_add_meta_context, nbd_block_status_64,
 *   nbd_can_meta_context, nbd_clear_meta_contexts, nbd_get_meta_context.
 */
ssize_t nbd_get_nr_meta_contexts(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_NR_META_CONTEXTS 1

/*
 * Tells the name of a meta context that will be asked for.
 *
 * i counts from 0, in the order in which names were added.
 *
 * Returns: the name, to be freed with free, or NULL on failure.
 * Errors:
 * - EINVAL: the list is not that long.
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.6.
 * See also: nbd_add_meta_context, nbd_block_status_64,
 *   nbd_can_meta_context, nbd_clear_meta_contexts,
 *   nbd_get_nr_meta_contexts.
 */
char *nbd_get_meta_context(struct nbd_handle *h,
                           size_t i)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_META_CONTEXT 1

/******************************************************************************
 * Connecting to a server, and ending the connection.
 *
 * Each way of connecting has two forms. nbd_connect_... waits until the
 * handshake is over: the handle is then connected or, in option mode,
 * negotiating. nbd_aio_connect_... starts and returns; the program drives
 * the handle with nbd_poll or with the notify functions until
 * nbd_aio_is_connecting is no longer true. In both forms a failure to
 * connect leaves the handle dead unless said otherwise; the cause is in the
 * error of the call during which it happened.
 *****************************************************************************/

/*
 * Connects over TCP.
 *
 * The host is a name or a numeric address, the port a service name or a
 * number. Finding the addresses of a host name blocks, also in the
 * asynchronous form; then the addresses are tried one after another.
 *
 * If the name cannot be resolved or no address can be reached, the handle
 * stays in the created state, and connecting can be tried again.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: hostname or port is NULL.
 * - EINVAL: a connection has been started already.
 * - 0: the host name or the port cannot be resolved.
 * - Any errno of socket and connect: no address could be reached; it is
 *   that of the first one.
 * - 0: the peer does not speak NBD, closed the connection during the
 *   handshake, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_aio_connect_tcp, nbd_set_opt_mode.
 */
int nbd_connect_tcp(struct nbd_handle *h,
                    const char *hostname,
                    const char *port)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBD_HAVE_NBD_CONNECT_TCP 1

/*
 * Starts to connect over TCP.
 *
 * The host is a name or a numeric address, the port a service name or a
 * number. Finding the addresses of a host name blocks, also in the
 * asynchronous form; then the addresses are tried one after another.
 *
 * If the name cannot be resolved or no address can be reached, the handle
 * stays in the created state, and connecting can be tried again.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: hostname or port is NULL.
 * - EINVAL: a connection has been started already.
 * - 0: the host name or the port cannot be resolved.
 * - Any errno of socket and connect: no address could be reached; it is
 *   that of the first one.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_connect_tcp, nbd_set_opt_mode.
 */
int nbd_aio_connect_tcp(struct nbd_handle *h,
                        const char *hostname,
                        const char *port)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_TCP 1

/*
 * Connects over a Unix domain socket.
 *
 * unixsocket is the path of the socket.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: unixsocket is NULL.
 * - EINVAL: a connection has been started already.
 * - ENAMETOOLONG: the path is longer than a socket address can hold; the
 *   handle stays in the created state.
 * - Any errno of socket and connect: no connection came about.
 * - 0: the peer does not speak NBD, closed the connection during the
 *   handshake, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_aio_connect_unix, nbd_set_opt_mode.
 */
int nbd_connect_unix(struct nbd_handle *h,
                     const char *unixsocket)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_UNIX 1

/*
 * Starts to connect over a Unix domain socket.
 *
 * unixsocket is the path of the socket.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: unixsocket is NULL.
 * - EINVAL: a connection has been started already.
 * - ENAMETOOLONG: the path is longer than a socket address can hold; the
 *   handle stays in the created state.
 * - Any errno of socket and connect: no connection came about.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_connect_unix, nbd_set_opt_mode.
 */
int nbd_aio_connect_unix(struct nbd_handle *h,
                         const char *unixsocket)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_UNIX 1

/*
 * Connects to a virtual machine, or from one to its host.
 *
 * cid is the context id of the machine, 2 for the host; port is the port,
 * usually 10809. Both belong to AF_VSOCK, which is independent of any
 * network.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - Any errno of socket and connect: no connection came about.
 * - 0: the peer does not speak NBD, closed the connection during the
 *   handshake, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_aio_connect_vsock, nbd_set_opt_mode,
 *   nbd_supports_vsock.
 */
int nbd_connect_vsock(struct nbd_handle *h,
                      uint32_t cid,
                      uint32_t port)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECT_VSOCK 1

/*
 * Starts to connect to a virtual machine, or from one to its host.
 *
 * cid is the context id of the machine, 2 for the host; port is the port,
 * usually 10809. Both belong to AF_VSOCK, which is independent of any
 * network.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - Any errno of socket and connect: no connection came about.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_vsock, nbd_set_opt_mode, nbd_supports_vsock.
 */
int nbd_aio_connect_vsock(struct nbd_handle *h,
                          uint32_t cid,
                          uint32_t port)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_VSOCK 1

/*
 * Starts to connect to a socket address.
 *
 * addr is copied. Any family of stream sockets will do.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: addr is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: addrlen is not the length of a socket address.
 * - Any errno of socket and connect: no connection came about.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_set_opt_mode.
 */
int nbd_aio_connect(struct nbd_handle *h,
                    const struct sockaddr *addr,
                    socklen_t addrlen)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT 1

/*
 * Connects over a stream socket that is connected already.
 *
 * The library makes the socket non-blocking and close-on-exec, and closes it
 * together with the handle. Any connected stream socket will do, such as one
 * end of a socket pair.
 *
 * If the call fails because of the descriptor itself, the handle stays in the
 * created state, and the descriptor still belongs to the program.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: the socket listens for connections instead of having one.
 * - ENOTCONN: the socket is not connected, nor being connected.
 * - ENOTSOCK: the descriptor is not that of a socket.
 * - EBADF, or another errno of fcntl: the descriptor is unusable.
 * - 0: the peer does not speak NBD, closed the connection during the
 *   handshake, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_aio_connect_socket, nbd_connect_command,
 *   nbd_set_opt_mode.
 */
int nbd_connect_socket(struct nbd_handle *h,
                       int sock)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECT_SOCKET 1

/*
 * Starts to connect over a stream socket that is connected already.
 *
 * The library makes the socket non-blocking and close-on-exec, and closes it
 * together with the handle. Any connected stream socket will do, such as one
 * end of a socket pair.
 *
 * If the call fails because of the descriptor itself, the handle stays in the
 * created state, and the descriptor still belongs to the program.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: the socket listens for connections instead of having one.
 * - ENOTCONN: the socket is not connected, nor being connected.
 * - ENOTSOCK: the descriptor is not that of a socket.
 * - EBADF, or another errno of fcntl: the descriptor is unusable.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_socket, nbd_set_opt_mode.
 */
int nbd_aio_connect_socket(struct nbd_handle *h,
                           int sock)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_SOCKET 1

/*
 * Ends the connection in order, and waits until it has ended.
 *
 * Tells the server that nothing more will come, after the commands that are
 * queued, then waits until the server has closed the connection. In option
 * mode the negotiation is aborted. Commands whose replies do not arrive any
 * more complete with ENOTCONN: wait for the replies first. Data that the
 * server may hold in a cache needs nbd_flush before.
 *
 * flags is 0, or LIBNBD_SHUTDOWN_ABANDON_PENDING: commands of which no
 * byte has been sent complete with ENOTCONN at once, and are not sent.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection has ended.
 * - EINVAL: flags has an unknown bit.
 * - Any errno of waiting for the server: the connection broke.
 *
 * States: negotiating and connected.
 * Since: 1.0.
 * See also: nbd_aio_disconnect, nbd_aio_opt_abort, nbd_close.
 * Source: NBD protocol, NBD_CMD_DISC and NBD_OPT_ABORT.
 */
int nbd_shutdown(struct nbd_handle *h,
                 uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SHUTDOWN 1

/*
 * Queues a disconnect behind the commands in flight.
 *
 * The server does not answer it; it closes the connection, and the handle
 * becomes closed. Later commands are refused. A disconnect counts as in flight
 * until the connection ends, but never as a completed command.
 *
 * flags must be 0.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags is not 0, or a disconnect is queued already.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_in_flight.
 * Source: NBD protocol, NBD_CMD_DISC.
 */
int nbd_aio_disconnect(struct nbd_handle *h,
                       uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_DISCONNECT 1

/******************************************************************************
 * NBD URIs: one string that says where a server is and which export to use.
 *
 * A URI is SCHEME://AUTHORITY/EXPORT?PARAMETERS. The scheme says how to get
 * to the server:
 *
 * - nbd, nbds: TCP; the authority is HOST:PORT, localhost:10809 where
 *   it says nothing.
 *
 * - nbd+unix, nbds+unix: the Unix domain socket of the parameter socket.
 *
 * - nbd+vsock, nbds+vsock: AF_VSOCK; the authority is CID:PORT,
 *   2:10809 where it says nothing.
 *
 * - nbd+ssh, nbds+ssh: SSH to the HOST:PORT of the authority, and from
 *   there with nc to TCP port 10809 or to the parameter socket.
 *
 * An s behind nbd means that TLS is required. USER@ before the host is
 * the user name for TLS. The export name follows the first slash after the
 * authority. Like all parts it can be percent-encoded, and otherwise it is
 * taken as it is written.
 *
 * Parameters follow a question mark, have the form NAME=VALUE and are
 * separated by ampersands. Besides socket these have a meaning:
 * tls-certificates, tls-psk-file, tls-hostname, tls-verify-peer and
 * tls-priority correspond to the functions that configure TLS.
 *****************************************************************************/

/*
 * Connects to what an NBD URI names.
 *
 * The URI sets the export name and, with schemes and parameters for TLS, how
 * TLS is used. A URI that is refused changes nothing. What URIs may ask for is
 * up to the program: see the functions that begin with nbd_set_uri_allow.
 * At first that is everything but files and TLS priorities.
 *
 * With nbd+ssh and nbds+ssh the program ssh runs as a subprocess of the
 * handle.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: uri is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: uri is malformed, its scheme is unknown, or a part of it makes
 *   no sense or is missing.
 * - EPERM: uri asks for something that is not allowed.
 * - ENAMETOOLONG: the export name or the path of the socket is too long.
 * - ENOTSUP: uri requires TLS, and the server does not have it.
 * - 0, or any errno of the function that connects in the same way: no
 *   connection came about.
 * - 0: the peer does not speak NBD, closed the connection during the
 *   handshake, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_aio_connect_uri, nbd_get_uri, nbd_is_uri,
 *   nbd_set_export_name, nbd_set_opt_mode, nbd_set_tls,
 *   nbd_set_uri_allow_local_file, nbd_set_uri_allow_tls,
 *   nbd_set_uri_allow_tls_priority, nbd_set_uri_allow_transports,
 *   nbd_supports_uri, nbd_supports_vsock.
 * Source: NBD URI specification; RFC 3986.
 */
int nbd_connect_uri(struct nbd_handle *h,
                    const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_URI 1

/*
 * Starts to connect to what an NBD URI names.
 *
 * The URI means the same as to nbd_connect_uri.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: uri is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: uri is malformed, its scheme is unknown, or a part of it makes
 *   no sense or is missing.
 * - EPERM: uri asks for something that is not allowed.
 * - ENAMETOOLONG: the export name or the path of the socket is too long.
 * - ENOTSUP: uri requires TLS, and the server does not have it.
 * - 0, or any errno of the function that connects in the same way: no
 *   connection came about.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_connect_uri, nbd_get_uri, nbd_is_uri,
 *   nbd_set_opt_mode, nbd_supports_uri.
 * Source: NBD URI specification; RFC 3986.
 */
int nbd_aio_connect_uri(struct nbd_handle *h,
                        const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_URI 1

/*
 * Tells the URI of the export that the handle is connected to.
 *
 * It works with every way of connecting that has an address, not only with
 * URIs, and also after the connection has ended. Whoever is to use the URI
 * may have to allow it to name files.
 *
 * Returns: the URI, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle uses a socket of the program or the standard input of
 *   a subprocess.
 * - EPROTONOSUPPORT: the handle is connected to a Unix domain socket without
 *   a path.
 * - EAFNOSUPPORT: the address is of a family that has no URI.
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any but created.
 * Since: 1.8.
 * See also: nbd_aio_connect_uri, nbd_connect_uri, nbd_is_uri,
 *   nbd_supports_uri.
 * Source: NBD URI specification; RFC 3986.
 */
char *nbd_get_uri(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_URI 1

/*
 * Tells whether a text looks like an NBD URI.
 *
 * This is meant for programs that take either a URI or something else, such as
 * the name of a file. Only the scheme and :// count; the rest need not be
 * right.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - EFAULT: uri is NULL.
 *
 * States: any.
 * Since: 1.22.
 * See also: nbd_aio_connect_uri, nbd_connect_uri, nbd_get_uri,
 *   nbd_supports_uri.
 */
int nbd_is_uri(struct nbd_handle *h,
               const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_IS_URI 1

/*
 * Chooses the transports that URIs may name.
 *
 * mask is a sum of the following; at first all of them are set.
 *
 * - LIBNBD_ALLOW_TRANSPORT_TCP: nbd and nbds.
 *
 * - LIBNBD_ALLOW_TRANSPORT_UNIX: nbd+unix and nbds+unix.
 *
 * - LIBNBD_ALLOW_TRANSPORT_VSOCK: nbd+vsock and nbds+vsock.
 *
 * - LIBNBD_ALLOW_TRANSPORT_SSH: nbd+ssh and nbds+ssh.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: mask has an unknown bit; the setting is as before.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_uri, nbd_set_uri_allow_tls.
 */
int nbd_set_uri_allow_transports(struct nbd_handle *h,
                                 uint32_t mask)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TRANSPORTS 1

/*
 * Chooses whether URIs may require TLS, or must.
 *
 * - LIBNBD_TLS_DISABLE: URIs that require TLS are refused.
 *
 * - LIBNBD_TLS_ALLOW: all are accepted. This is the setting at first.
 *
 * - LIBNBD_TLS_REQUIRE: only URIs that require TLS are accepted.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 * - EINVAL: tls is none of these; the setting is as before.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_uri, nbd_set_uri_allow_transports.
 */
int nbd_set_uri_allow_tls(struct nbd_handle *h,
                          int tls)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TLS 1

/*
 * Chooses whether URIs may name files.
 *
 * That is, whether they may have the parameters tls-certificates and
 * tls-psk-file. At first they may not: a URI of somebody else must not make
 * the program read any file. The path of a socket is not meant here.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_uri.
 */
int nbd_set_uri_allow_local_file(struct nbd_handle *h,
                                 bool allow)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_LOCAL_FILE 1

/*
 * Chooses whether URIs may set the priorities of TLS.
 *
 * That is, whether they may have the parameter tls-priority. At first they
 * may not: a URI of somebody else must not weaken encryption.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: a connection has been started already.
 *
 * States: created.
 * Since: 1.24.
 * See also: nbd_connect_uri.
 */
int nbd_set_uri_allow_tls_priority(struct nbd_handle *h,
                                   bool allow)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TLS_PRIORITY 1

/******************************************************************************
 * Servers that run as a subprocess of the program.
 *
 * A handle has one subprocess at most, which ends with it: nbd_close waits
 * for it and leaves no zombie, and does not wait for ever.
 *****************************************************************************/

/*
 * Runs a program that is the server, and connects to it.
 *
 * The program argv[0], looked for in PATH unless it contains a slash, runs
 * with the arguments argv, which end with NULL and are copied. It speaks
 * NBD on its standard input and output, which are one socket; standard error
 * is that of the caller. The environment is inherited.
 *
 * nbd_close closes the connection and waits until the program has exited;
 * one that has not in good time is sent SIGTERM, and then killed.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: argv is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: argv is empty; the handle stays in the created state.
 * - ENOENT, EACCES, or another errno of execve: the program cannot be
 *   run.
 * - Any errno of socketpair and fork: the program could not be started.
 * - 0: the program exited, did not speak NBD, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_aio_connect_command,
 *   nbd_connect_systemd_socket_activation, nbd_get_subprocess_pid,
 *   nbd_kill_subprocess, nbd_set_opt_mode.
 */
int nbd_connect_command(struct nbd_handle *h,
                        char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_COMMAND 1

/*
 * Runs a program that is the server, and starts to connect to it.
 *
 * The program argv[0], looked for in PATH unless it contains a slash, runs
 * with the arguments argv, which end with NULL and are copied. It speaks
 * NBD on its standard input and output, which are one socket; standard error
 * is that of the caller. The environment is inherited.
 *
 * nbd_close closes the connection and waits until the program has exited;
 * one that has not in good time is sent SIGTERM, and then killed.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: argv is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: argv is empty; the handle stays in the created state.
 * - ENOENT, EACCES, or another errno of execve: the program cannot be
 *   run.
 * - Any errno of socketpair and fork: the program could not be started.
 *
 * States: created.
 * Since: 1.0.
 * See also: nbd_connect_command, nbd_set_opt_mode.
 */
int nbd_aio_connect_command(struct nbd_handle *h,
                            char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_COMMAND 1

/*
 * Runs a program that is the server, and connects to it over a socket.
 *
 * The program argv[0], looked for in PATH unless it contains a slash, runs
 * with the arguments argv, which end with NULL and are copied. It finds a
 * listening socket as descriptor 3, by the protocol of systemd socket
 * activation: the environment variable LISTEN_PID is its process id,
 * LISTEN_FDS is 1, and LISTEN_FDNAMES is the name set with
 * nbd_set_socket_activation_name, or unknown. Otherwise the environment is
 * inherited, and so are standard input, output and error.
 *
 * The socket is a Unix domain socket in a new directory below /tmp, and
 * nbd_get_uri tells which: other handles can connect to it as well.
 * nbd_close removes both, sends SIGTERM to the program, and waits until it
 * has exited; one that has not in good time is killed.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: argv is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: argv is empty; the handle stays in the created state.
 * - ENOENT, EACCES, or another errno of execve: the program cannot be
 *   run.
 * - Any errno of mkdtemp, bind, fork and connect: the socket could not
 *   be made, or the program could not be started.
 * - ECONNRESET, or 0: the program exited.
 * - 0: the program did not speak NBD, or broke the protocol.
 * - ENOTSUP, EINVAL, ENOENT, ESHUTDOWN, or 0: the server refused the
 *   export, with its reason in the message.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_aio_connect_systemd_socket_activation,
 *   nbd_connect_command, nbd_get_socket_activation_name,
 *   nbd_get_subprocess_pid, nbd_kill_subprocess, nbd_set_opt_mode,
 *   nbd_set_socket_activation_name.
 */
int nbd_connect_systemd_socket_activation(struct nbd_handle *h,
                                          char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_SYSTEMD_SOCKET_ACTIVATION 1

/*
 * Runs a program that is the server, and starts to connect to it over a socket.
 *
 * The program, its environment and its end are those of
 * nbd_connect_systemd_socket_activation.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: argv is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: argv is empty; the handle stays in the created state.
 * - ENOENT, EACCES, or another errno of execve: the program cannot be
 *   run.
 * - Any errno of mkdtemp, bind, fork and connect: the socket could not
 *   be made, or the program could not be started.
 *
 * States: created.
 * Since: 1.2.
 * See also: nbd_connect_systemd_socket_activation, nbd_set_opt_mode.
 */
int nbd_aio_connect_systemd_socket_activation(struct nbd_handle *h,
                                              char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_SYSTEMD_SOCKET_ACTIVATION 1

/*
 * Names the socket that an activated server finds.
 *
 * The server finds it in the environment variable LISTEN_FDNAMES; some
 * choose by it what to do with the socket. The name consists of at most 32
 * ASCII letters and digits. At first it is empty, which stands for unknown.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: socket_name is NULL.
 * - EINVAL: a connection has been started already.
 * - EINVAL: the name has other characters; it is as before.
 * - ENAMETOOLONG: the name is too long; it is as before.
 *
 * States: created.
 * Since: 1.16.
 * See also: nbd_connect_systemd_socket_activation,
 *   nbd_get_socket_activation_name.
 */
int nbd_set_socket_activation_name(struct nbd_handle *h,
                                   const char *socket_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_SOCKET_ACTIVATION_NAME 1

/*
 * Tells the name set with nbd_set_socket_activation_name.
 *
 * Returns: the name, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOMEM: there is no memory for the copy.
 *
 * States: any.
 * Since: 1.16.
 * See also: nbd_connect_systemd_socket_activation,
 *   nbd_set_socket_activation_name.
 */
char *nbd_get_socket_activation_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SOCKET_ACTIVATION_NAME 1

/*
 * Sends a signal to the subprocess of the handle.
 *
 * signum is the signal; 0 stands for SIGTERM. The subprocess is reaped by
 * nbd_close, not here.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ESRCH: the handle runs no subprocess.
 * - EINVAL: signum is negative or no signal.
 * - Any errno of kill.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_connect_command, nbd_get_subprocess_pid.
 */
int nbd_kill_subprocess(struct nbd_handle *h,
                        int signum)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_KILL_SUBPROCESS 1

/*
 * Tells the process id of the subprocess of the handle.
 *
 * It stays the same after the subprocess has exited, until nbd_close.
 *
 * Returns: the process id, or -1 on failure.
 * Errors:
 * - ESRCH: the handle runs no subprocess.
 *
 * States: any.
 * Since: 1.22.
 * See also: nbd_connect_command, nbd_kill_subprocess.
 */
int64_t nbd_get_subprocess_pid(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SUBPROCESS_PID 1

/******************************************************************************
 * Option mode: the negotiation, one option at a time. See nbd_set_opt_mode.
 *
 * These calls send an option and wait for the answer. Unless the connection
 * ends, the handle is negotiating again afterwards, and another option can
 * follow.
 *****************************************************************************/

/*
 * Asks for the export and ends the negotiation.
 *
 * If nbd_set_request_meta_context is on, the meta contexts of the list are
 * selected first. A server that does not know the option is asked by the older
 * option that has no answer for refusal but to close the connection.
 *
 * If the server refuses, the name of the export and the server's words are in
 * the error message, the handle is negotiating again, and another export can
 * be tried. Success makes the handle connected.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server does not know the option, or demands TLS first.
 * - ENOENT: the server has no such export.
 * - EINVAL: the server found the request invalid, or demands that block
 *   sizes are asked for.
 * - ESHUTDOWN: the server is shutting down.
 * - 0: the server refused for reasons of policy, or of a kind unknown here.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_add_meta_context, nbd_aio_opt_go, nbd_connect_uri,
 *   nbd_opt_abort, nbd_opt_info, nbd_opt_set_meta_context,
 *   nbd_set_export_name, nbd_set_opt_mode, nbd_set_request_meta_context.
 * Source: NBD protocol, NBD_OPT_GO and NBD_OPT_EXPORT_NAME.
 */
int nbd_opt_go(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_GO 1

/*
 * Asks the server to describe the export.
 *
 * On success size, flags, block sizes and, if asked for, names of the export
 * can be had, and the handle is still negotiating. A refusal forgets what was
 * known of it before. Meta contexts of the list are selected first if
 * nbd_set_request_meta_context is on.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server does not know the option, or demands TLS first.
 * - ENOENT: the server has no such export.
 * - EINVAL: the server found the request invalid, or demands that block
 *   sizes are asked for.
 * - ESHUTDOWN: the server is shutting down.
 * - 0: the server refused for reasons of policy, or of a kind unknown here.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_aio_opt_info, nbd_opt_go, nbd_opt_list_meta_context,
 *   nbd_set_export_name, nbd_set_opt_mode, nbd_set_request_meta_context.
 * Source: NBD protocol, NBD_OPT_INFO.
 */
int nbd_opt_info(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_INFO 1

/*
 * Ends the negotiation and the connection in order.
 *
 * The handle is closed at once, without waiting for the answer. With a server
 * that does not negotiate options it is dead instead, because there is no way
 * to say goodbye.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_aio_opt_abort, nbd_opt_go, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_ABORT.
 */
int nbd_opt_abort(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_ABORT 1

/*
 * Lists the exports of the server.
 *
 * The callback gets the name and the description of each export; its return
 * value is ignored. It is freed before the call returns. It may have run even
 * if the call fails. Entries that are longer than two strings of the protocol
 * can be are left out. A server that has more than 1000000 entries is given
 * up.
 *
 * Returns: the number of exports, or -1 on failure.
 * Errors:
 * - EFAULT: list_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server does not list its exports.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_aio_opt_list, nbd_opt_go, nbd_set_export_name,
 *   nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST.
 */
int nbd_opt_list(struct nbd_handle *h,
                 nbd_list_callback list_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_LIST 1

/*
 * Asks the server to encrypt the connection from here on.
 *
 * What was negotiated before is forgotten, and has to be negotiated again:
 * structured replies, extended headers, meta contexts, description of the
 * export. A failure of the TLS handshake itself leaves the handle dead.
 *
 * Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_starttls, nbd_get_tls_negotiated,
 *   nbd_set_opt_mode, nbd_set_tls, nbd_supports_tls.
 * Source: NBD protocol, NBD_OPT_STARTTLS.
 */
int nbd_opt_starttls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_STARTTLS 1

/*
 * Asks the server for extended headers.
 *
 * They include structured replies. Not needed unless
 * nbd_set_request_extended_headers has been switched off, since connecting
 * asks for them; a refusal leaves in force what has been agreed before.
 *
 * Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.18.
 * See also: nbd_aio_opt_extended_headers, nbd_opt_go, nbd_set_opt_mode,
 *   nbd_set_request_extended_headers, nbd_set_request_structured_replies.
 * Source: NBD protocol, NBD_OPT_EXTENDED_HEADERS.
 */
int nbd_opt_extended_headers(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_EXTENDED_HEADERS 1

/*
 * Asks the server for structured replies.
 *
 * Not needed unless nbd_set_request_structured_replies has been switched
 * off, since connecting asks for them; a refusal leaves in force what has been
 * agreed before.
 *
 * Returns: 1 if the server agreed, 0 if it did not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_structured_reply, nbd_opt_go, nbd_set_opt_mode,
 *   nbd_set_request_structured_replies.
 * Source: NBD protocol, NBD_OPT_STRUCTURED_REPLY.
 */
int nbd_opt_structured_reply(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_STRUCTURED_REPLY 1

/*
 * Asks which meta contexts the server has, by the list of
 * nbd_add_meta_context.
 *
 * An empty list asks for all. Nothing is selected, and what is known of the
 * export stays.
 *
 * The callback gets the name of each context; its return value is ignored. It
 * is freed before the call returns.
 *
 * Returns: the number of contexts that the server named, or -1 on failure.
 * Errors:
 * - EFAULT: context_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server refused.
 * - EOVERFLOW: the server names more than 65536 contexts; the handle is dead.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.6.
 * See also: nbd_add_meta_context, nbd_aio_opt_list_meta_context,
 *   nbd_clear_meta_contexts, nbd_opt_go,
 *   nbd_opt_list_meta_context_queries, nbd_opt_set_meta_context,
 *   nbd_set_export_name, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST_META_CONTEXT.
 */
int nbd_opt_list_meta_context(struct nbd_handle *h,
                              nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_LIST_META_CONTEXT 1

/*
 * Asks which meta contexts the server has, by a list of queries.
 *
 * queries is a list of strings that ends with NULL; an empty one asks for
 * all. A query may be a namespace alone, such as LIBNBD_NAMESPACE_QEMU.
 * Nothing is selected, and what is known of the export stays.
 *
 * The callback gets the name of each context; its return value is ignored. It
 * is freed before the call returns.
 *
 * Returns: the number of contexts that the server named, or -1 on failure.
 * Errors:
 * - EFAULT: queries is NULL, or context_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server refused.
 * - EOVERFLOW: the server names more than 65536 contexts; the handle is dead.
 * - ERANGE: the queries are longer than 4 GiB in all.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_list_meta_context_queries, nbd_opt_go,
 *   nbd_opt_list_meta_context, nbd_set_export_name, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST_META_CONTEXT.
 */
int nbd_opt_list_meta_context_queries(struct nbd_handle *h,
                                      char **queries,
                                      nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_OPT_LIST_META_CONTEXT_QUERIES 1

/*
 * Selects meta contexts by the list of nbd_add_meta_context.
 *
 * An empty list selects none. The selection replaces any made before, even if
 * the server refuses. nbd_opt_go replaces it again, unless
 * nbd_set_request_meta_context is off.
 *
 * The callback gets the name of each context; its return value is ignored. It
 * is freed before the call returns.
 *
 * Returns: the number of contexts that the server named, or -1 on failure.
 * Errors:
 * - EFAULT: context_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server refused.
 * - EOVERFLOW: the server grants more than 65536 contexts, or names of more
 *   than 16 MiB in all; the handle is dead.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_add_meta_context, nbd_aio_opt_set_meta_context,
 *   nbd_can_meta_context, nbd_clear_meta_contexts, nbd_opt_go,
 *   nbd_opt_list_meta_context, nbd_opt_set_meta_context_queries,
 *   nbd_set_export_name, nbd_set_opt_mode, nbd_set_request_meta_context.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_opt_set_meta_context(struct nbd_handle *h,
                             nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_SET_META_CONTEXT 1

/*
 * Selects meta contexts by a list of queries.
 *
 * queries is a list of strings that ends with NULL; an empty one selects
 * none. The selection replaces any made before, even if the server refuses.
 * nbd_opt_go replaces it again, unless nbd_set_request_meta_context is
 * off.
 *
 * The callback gets the name of each context; its return value is ignored. It
 * is freed before the call returns.
 *
 * Returns: the number of contexts that the server named, or -1 on failure.
 * Errors:
 * - EFAULT: queries is NULL, or context_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server refused.
 * - EOVERFLOW: the server grants more than 65536 contexts, or names of more
 *   than 16 MiB in all; the handle is dead.
 * - ERANGE: the queries are longer than 4 GiB in all.
 * - Any errno, or 0: the connection broke, or the server broke the protocol;
 *   the handle is dead.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_set_meta_context_queries, nbd_can_meta_context,
 *   nbd_opt_go, nbd_opt_list_meta_context_queries,
 *   nbd_opt_set_meta_context, nbd_set_export_name, nbd_set_opt_mode,
 *   nbd_set_request_meta_context.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_opt_set_meta_context_queries(struct nbd_handle *h,
                                     char **queries,
                                     nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_OPT_SET_META_CONTEXT_QUERIES 1

/******************************************************************************
 * Option mode without waiting: each call sends an option and returns. The
 * program then drives the handle until it is no longer connecting.
 *
 * How the option ended, the completion callback learns: *error is 0, or the
 * errno of the failure. Its return value is ignored, and it may be left out
 * with NBD_NULL_COMPLETION. Both closures are freed when the option has
 * ended, or before the call returns if it fails. An option that is still under
 * way when the handle is closed ends with ENOTCONN.
 *****************************************************************************/

/*
 * Starts to ask for the export and to end the negotiation.
 *
 * See nbd_opt_go. On success the handle becomes connected. *error is never
 * 0 after a refusal: where the reason has no errno it is ENOTSUP.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_opt_go, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_GO and NBD_OPT_EXPORT_NAME.
 */
int nbd_aio_opt_go(struct nbd_handle *h,
                   nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_GO 1

/*
 * Starts to ask the server to describe the export.
 *
 * See nbd_opt_info. *error is never 0 after a refusal: where the reason
 * has no errno it is ENOTSUP.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_is_read_only, nbd_opt_info, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_INFO.
 */
int nbd_aio_opt_info(struct nbd_handle *h,
                     nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_INFO 1

/*
 * Starts to end the negotiation and the connection in order.
 *
 * See nbd_opt_abort. There is no completion: the handle becomes closed.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_opt_abort, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_ABORT.
 */
int nbd_aio_opt_abort(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_ABORT 1

/*
 * Starts to list the exports of the server.
 *
 * See nbd_opt_list. list_callback runs once for each export, before the
 * completion.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - EFAULT: list_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.4.
 * See also: nbd_opt_list, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST.
 */
int nbd_aio_opt_list(struct nbd_handle *h,
                     nbd_list_callback list_callback,
                     nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST 1

/*
 * Starts to ask the server to encrypt the connection.
 *
 * See nbd_opt_starttls. After a refusal *error is ENOTSUP, or EINVAL
 * if the server found the request invalid.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_opt_starttls, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_STARTTLS.
 */
int nbd_aio_opt_starttls(struct nbd_handle *h,
                         nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_STARTTLS 1

/*
 * Starts to ask the server for extended headers.
 *
 * See nbd_opt_extended_headers. After a refusal *error is ENOTSUP, or
 * EINVAL if the server found the request invalid.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.18.
 * See also: nbd_opt_extended_headers, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_EXTENDED_HEADERS.
 */
int nbd_aio_opt_extended_headers(struct nbd_handle *h,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_EXTENDED_HEADERS 1

/*
 * Starts to ask the server for structured replies.
 *
 * See nbd_opt_structured_reply. After a refusal *error is ENOTSUP, or
 * EINVAL if the server found the request invalid.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_opt_structured_reply, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_STRUCTURED_REPLY.
 */
int nbd_aio_opt_structured_reply(struct nbd_handle *h,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_STRUCTURED_REPLY 1

/*
 * Starts to ask which meta contexts the server has, by the list of
 * nbd_add_meta_context.
 *
 * See nbd_opt_list_meta_context. context_callback runs once for each
 * context, before the completion.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - EFAULT: context_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.6.
 * See also: nbd_aio_opt_list_meta_context_queries,
 *   nbd_opt_list_meta_context, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST_META_CONTEXT.
 */
int nbd_aio_opt_list_meta_context(struct nbd_handle *h,
                                  nbd_context_callback context_callback,
                                  nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST_META_CONTEXT 1

/*
 * Starts to ask which meta contexts the server has, by a list of queries.
 *
 * See nbd_opt_list_meta_context_queries; queries is copied.
 * context_callback runs once for each context, before the completion.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - EFAULT: queries is NULL, or context_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_list_meta_context,
 *   nbd_opt_list_meta_context_queries, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_LIST_META_CONTEXT.
 */
int nbd_aio_opt_list_meta_context_queries(struct nbd_handle *h,
                                          char **queries,
                                          nbd_context_callback context_callback,
                                          nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST_META_CONTEXT_QUERIES 1

/*
 * Starts to select meta contexts by the list of nbd_add_meta_context.
 *
 * See nbd_opt_set_meta_context. context_callback runs once for each
 * context, before the completion.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - EFAULT: context_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_set_meta_context_queries,
 *   nbd_opt_set_meta_context, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_aio_opt_set_meta_context(struct nbd_handle *h,
                                 nbd_context_callback context_callback,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_SET_META_CONTEXT 1

/*
 * Starts to select meta contexts by a list of queries.
 *
 * See nbd_opt_set_meta_context_queries; queries is copied.
 * context_callback runs once for each context, before the completion.
 *
 * Returns: 0 once the option is on its way, or -1 on failure.
 * Errors:
 * - EFAULT: queries is NULL, or context_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is not waiting in option mode.
 * - ENOTSUP: the server negotiates no options; nothing was sent.
 *
 * States: negotiating.
 * Since: 1.16.
 * See also: nbd_aio_opt_set_meta_context,
 *   nbd_opt_set_meta_context_queries, nbd_set_opt_mode.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_aio_opt_set_meta_context_queries(struct nbd_handle *h,
                                         char **queries,
                                         nbd_context_callback context_callback,
                                         nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_OPT_SET_META_CONTEXT_QUERIES 1

/******************************************************************************
 * What the server said: about the export, and about how to talk.
 *
 * Size, flags and block sizes are known once nbd_opt_go or nbd_opt_info
 * has succeeded, or connecting without option mode has. A server's promise is
 * kept only where it can be used: a flag that needs structured replies or
 * extended headers counts as absent without them.
 *****************************************************************************/

/*
 * Tells the size of the export in bytes.
 *
 * Returns: the size, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 * - EOVERFLOW: the size does not fit in the return value.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_opt_info.
 * Source: NBD protocol, NBD_INFO_EXPORT.
 */
int64_t nbd_get_size(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SIZE 1

/*
 * Tells whether the export is read-only.
 *
 * If so, write, trim and zero commands fail.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_READ_ONLY.
 */
int nbd_is_read_only(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_IS_READ_ONLY 1

/*
 * Tells whether the export is on a rotating disk.
 *
 * If so, access in ascending order is faster.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_ROTATIONAL.
 */
int nbd_is_rotational(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_IS_ROTATIONAL 1

/*
 * Tells whether the server offers flush commands.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_aio_flush, nbd_flush, nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_SEND_FLUSH.
 */
int nbd_can_flush(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FLUSH 1

/*
 * Tells whether the server offers LIBNBD_CMD_FLAG_FUA.
 *
 * With it, a command completes only when its data has reached permanent
 * storage.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_opt_info, nbd_pwrite, nbd_trim, nbd_zero.
 * Source: NBD protocol, NBD_FLAG_SEND_FUA.
 */
int nbd_can_fua(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FUA 1

/*
 * Tells whether the server offers trim commands.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_aio_trim, nbd_opt_info, nbd_trim.
 * Source: NBD protocol, NBD_FLAG_SEND_TRIM.
 */
int nbd_can_trim(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_TRIM 1

/*
 * Tells whether the server offers zero commands.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_aio_zero, nbd_can_fast_zero, nbd_opt_info, nbd_zero.
 * Source: NBD protocol, NBD_FLAG_SEND_WRITE_ZEROES.
 */
int nbd_can_zero(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_ZERO 1

/*
 * Tells whether the server offers LIBNBD_CMD_FLAG_FAST_ZERO.
 *
 * With it, a zero command fails with ENOTSUP if it would be no faster than
 * writing zeroes.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.2.
 * See also: nbd_aio_zero, nbd_can_zero, nbd_opt_info, nbd_zero.
 * Source: NBD protocol, NBD_FLAG_SEND_FAST_ZERO.
 */
int nbd_can_fast_zero(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FAST_ZERO 1

/*
 * Tells whether the server offers LIBNBD_CMD_FLAG_DF.
 *
 * With it, the reply to a structured read comes in one piece.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_aio_pread_structured, nbd_opt_info,
 *   nbd_pread_structured.
 * Source: NBD protocol, NBD_FLAG_SEND_DF.
 */
int nbd_can_df(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_DF 1

/*
 * Tells whether several connections to the export can be used as one.
 *
 * If so, a flush on one connection covers what has been written over the
 * others.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_CAN_MULTI_CONN.
 */
int nbd_can_multi_conn(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_MULTI_CONN 1

/*
 * Tells whether the server offers cache commands.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_aio_cache, nbd_cache, nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_SEND_CACHE.
 */
int nbd_can_cache(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_CACHE 1

/*
 * Tells whether the server offers block status of chosen meta contexts.
 *
 * If so, nbd_block_status_filter can be used. It needs extended headers.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.18.
 * See also: nbd_block_status_filter, nbd_get_extended_headers_negotiated,
 *   nbd_opt_info.
 * Source: NBD protocol, NBD_FLAG_BLOCK_STATUS_PAYLOAD.
 */
int nbd_can_block_status_payload(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_BLOCK_STATUS_PAYLOAD 1

/*
 * Tells whether the server has selected a meta context.
 *
 * metacontext is compared with the names that the server gave, letter by
 * letter. The name constants of the header, such as
 * LIBNBD_CONTEXT_BASE_ALLOCATION, can be used.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - EFAULT: metacontext is NULL.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: contexts are to be asked for, but have not been negotiated yet,
 *   or that has failed.
 *
 * States: negotiating, connected and closed.
 * Since: 1.0.
 * See also: nbd_add_meta_context, nbd_aio_block_status_64,
 *   nbd_block_status_64, nbd_opt_info, nbd_opt_set_meta_context,
 *   nbd_set_request_meta_context.
 * Source: NBD protocol, NBD_OPT_SET_META_CONTEXT.
 */
int nbd_can_meta_context(struct nbd_handle *h,
                         const char *metacontext)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CAN_META_CONTEXT 1

/*
 * Tells a block size of the export, in bytes.
 *
 * - LIBNBD_SIZE_MINIMUM: requests must be aligned to it.
 *
 * - LIBNBD_SIZE_PREFERRED: requests aligned to it are fast.
 *
 * - LIBNBD_SIZE_MAXIMUM: no read or write may be longer.
 *
 * - LIBNBD_SIZE_PAYLOAD: no write should be longer. The server does not send
 *   it; it is the maximum, kept between 1 MiB and 64 MiB, or 32 MiB if there
 *   is none.
 *
 * Sizes that break the rules of the protocol are not used.
 *
 * Returns: the size, 0 if the server did not say, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: size_type is none of these, or the server has not described
 *   the export yet.
 *
 * States: negotiating, connected and closed.
 * Since: 1.4.
 * See also: nbd_get_protocol, nbd_get_size, nbd_opt_info,
 *   nbd_set_request_block_size.
 * Source: NBD protocol, NBD_INFO_BLOCK_SIZE.
 */
int64_t nbd_get_block_size(struct nbd_handle *h,
                           int size_type)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_BLOCK_SIZE 1

/*
 * Tells what the server calls the export.
 *
 * Returns: the name, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 * - ENOTSUP: the server gave none; see nbd_set_full_info.
 * - ENOMEM: there is no memory for the copy.
 *
 * States: negotiating, connected and closed.
 * Since: 1.4.
 * See also: nbd_get_export_name, nbd_opt_info, nbd_set_full_info.
 * Source: NBD protocol, NBD_INFO_NAME.
 */
char *nbd_get_canonical_export_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_CANONICAL_EXPORT_NAME 1

/*
 * Tells how the server describes the export to people.
 *
 * Returns: the text, to be freed with free, or NULL on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 * - EINVAL: the server has not described the export yet.
 * - ENOTSUP: the server gave none; see nbd_set_full_info.
 * - ENOMEM: there is no memory for the copy.
 *
 * States: negotiating, connected and closed.
 * Since: 1.4.
 * See also: nbd_opt_info, nbd_set_full_info.
 * Source: NBD protocol, NBD_INFO_DESCRIPTION.
 */
char *nbd_get_export_description(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXPORT_DESCRIPTION 1

/*
 * Tells which form of the handshake the server uses.
 *
 * Returns: oldstyle, newstyle or newstyle-fixed, a constant string, or
 * NULL on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 *
 * States: negotiating, connected and closed.
 * Since: 1.2.
 * See also: nbd_get_block_size, nbd_get_handshake_flags,
 *   nbd_get_structured_replies_negotiated, nbd_get_tls_negotiated.
 * Source: NBD protocol, protocol phases.
 */
const char *nbd_get_protocol(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PROTOCOL 1

/*
 * Tells whether structured replies are in use.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 *
 * States: negotiating, connected and closed.
 * Since: 1.2.
 * See also: nbd_get_extended_headers_negotiated, nbd_get_protocol,
 *   nbd_get_request_structured_replies, nbd_opt_extended_headers,
 *   nbd_opt_structured_reply, nbd_set_request_structured_replies.
 * Source: NBD protocol, NBD_OPT_STRUCTURED_REPLY.
 */
int nbd_get_structured_replies_negotiated(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_STRUCTURED_REPLIES_NEGOTIATED 1

/*
 * Tells whether extended headers are in use.
 *
 * Returns: 1 if so, 0 if not, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handle is still connecting, or its connection broke.
 *
 * States: negotiating, connected and closed.
 * Since: 1.18.
 * See also: nbd_block_status_64, nbd_cache, nbd_get_block_size,
 *   nbd_get_protocol, nbd_get_request_extended_headers,
 *   nbd_get_structured_replies_negotiated,
 *   nbd_set_request_extended_headers, nbd_trim, nbd_zero.
 * Source: NBD protocol, NBD_OPT_EXTENDED_HEADERS.
 */
int nbd_get_extended_headers_negotiated(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXTENDED_HEADERS_NEGOTIATED 1

/******************************************************************************
 * Reading and writing: commands that wait for the reply.
 *
 * Offsets and lengths count bytes. The library checks a command before sending
 * it, as nbd_set_strict_mode says; a command that fails a check sends
 * nothing. While a call waits, other threads that use the handle wait for it.
 *****************************************************************************/

/*
 * Reads from the export.
 *
 * Reads count bytes, at most 64 MiB, from offset on into buf. flags
 * must be 0. After a failure the contents of buf mean nothing.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 64 MiB; buf has not been touched.
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_pread, nbd_get_block_size, nbd_pread_structured,
 *   nbd_set_pread_initialize, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_READ.
 */
int nbd_pread(struct nbd_handle *h,
              void *buf,
              size_t count,
              uint64_t offset,
              uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PREAD 1

/*
 * Reads from the export, and learns how the data was sent.
 *
 * Reads as nbd_pread does.
 *
 * chunk_callback runs for each piece of the reply, after its bytes are in
 * place, with the piece of buf, its length, and its offset in the export.
 * status is LIBNBD_READ_DATA; LIBNBD_READ_HOLE, for a piece that reads
 * as zeroes; or LIBNBD_READ_ERROR, for an error at that offset, of length 0
 * and with its errno in *error. Pieces may come in any order, and may be
 * empty. What a server sends beyond count bytes in all is not written, the
 * callback does not hear of it, and the command fails with EPROTO. If the
 * callback returns -1, the command fails, with the errno it stored in *error
 * or else EPROTO; further pieces are still delivered. It runs while the
 * handle is locked: it must not use the handle.
 *
 * Without structured replies the callback runs once, for the whole of buf.
 *
 * flags is 0 or LIBNBD_CMD_FLAG_DF, which asks for a reply in one piece;
 * see nbd_can_df.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL, or chunk_callback has neither callback nor
 *   free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the flag (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 64 MiB; buf has not been touched.
 * - ENOMEM: too many commands are in flight.
 * - EPROTO, or the errno that the callback stored: the callback returned -1;
 *   or the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_pread_structured, nbd_can_df, nbd_get_block_size,
 *   nbd_pread, nbd_set_pread_initialize, nbd_set_request_block_size,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, structured reply chunks.
 */
int nbd_pread_structured(struct nbd_handle *h,
                         void *buf,
                         size_t count,
                         uint64_t offset,
                         nbd_chunk_callback chunk_callback,
                         uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PREAD_STRUCTURED 1

/*
 * Writes to the export.
 *
 * Writes count bytes, at most 64 MiB, from buf to offset. flags is a
 * sum of:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * - LIBNBD_CMD_FLAG_PAYLOAD_LEN: set by the library as the protocol demands,
 *   unless LIBNBD_STRICT_AUTO_FLAG is off.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: the server does not offer the flag (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 64 MiB, or above LIBNBD_SIZE_PAYLOAD
 *   (LIBNBD_STRICT_PAYLOAD).
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_pwrite, nbd_can_fua, nbd_get_block_size,
 *   nbd_is_read_only, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_WRITE.
 */
int nbd_pwrite(struct nbd_handle *h,
               const void *buf,
               size_t count,
               uint64_t offset,
               uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PWRITE 1

/*
 * Brings what has been written to permanent storage.
 *
 * Covers all writes, trims and zeroes that had completed before this call.
 * flags must be 0.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command
 *   (LIBNBD_STRICT_COMMANDS).
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_flush, nbd_can_flush, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_FLUSH.
 */
int nbd_flush(struct nbd_handle *h, uint32_t flags) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_FLUSH 1

/*
 * Tells the server that a range is not needed any more.
 *
 * The server may free its storage. What the range reads as afterwards is not
 * defined. flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command or the flag
 *   (LIBNBD_STRICT_COMMANDS).
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_trim, nbd_can_fua, nbd_can_trim, nbd_is_read_only,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_TRIM.
 */
int nbd_trim(struct nbd_handle *h,
             uint64_t count,
             uint64_t offset,
             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_TRIM 1

/*
 * Tells the server that a range will be read soon.
 *
 * The server may fetch it into a cache. flags must be 0.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command
 *   (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_cache, nbd_can_cache, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_CACHE.
 */
int nbd_cache(struct nbd_handle *h,
              uint64_t count,
              uint64_t offset,
              uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CACHE 1

/*
 * Writes zeroes without sending them.
 *
 * flags is a sum of:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * - LIBNBD_CMD_FLAG_NO_HOLE: the server must allocate storage for the range,
 *   instead of leaving a hole.
 *
 * - LIBNBD_CMD_FLAG_FAST_ZERO: fails with ENOTSUP if it would be no faster
 *   than writing zeroes; see nbd_can_fast_zero.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command or the flag
 *   (LIBNBD_STRICT_COMMANDS).
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 * - EPROTO: the reply broke the protocol.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_zero, nbd_can_fast_zero, nbd_can_fua,
 *   nbd_can_zero, nbd_is_read_only, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_WRITE_ZEROES.
 */
int nbd_zero(struct nbd_handle *h,
             uint64_t count,
             uint64_t offset,
             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_ZERO 1

/******************************************************************************
 * Block status: where the export has data, holes or dirty blocks, as far as
 * the selected meta contexts tell.
 *
 * The callback runs once for each meta context that the reply reports, in the
 * order of the server, possibly not at all; of several reports of one context
 * it gets the first. It gets the name of the context, the
 * offset of the request, and extents that follow one another from there. They
 * may end before the range of the request does, which then has to be asked for
 * again from there, and the last one may reach beyond it, but not beyond the
 * export. The callback may change the array, which is gone when it returns. If
 * it returns -1, the command fails, with the errno it stored in *error or
 * else EPROTO. It runs while the handle is locked: it must not use the
 * handle.
 *****************************************************************************/

/*
 * Asks for block status, in 32-bit extents.
 *
 * In this form an extent is a pair of 32-bit words, length in bytes and status
 * flags. A length above 32 bits is cut to one that fits, and the extents
 * behind it are left out. Status flags above 32 bits cannot be shown: the
 * command fails with EOVERFLOW if they come first, else that extent and
 * those behind it are left out.
 *
 * flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: extent_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight, or there is not enough memory
 *   for the extents.
 * - EOVERFLOW: status flags do not fit in 32 bits.
 * - EPROTO, or the errno that the callback stored: the callback returned -1;
 *   or the reply broke the protocol, or lists more than 1048576 extents for
 *   one context.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_add_meta_context, nbd_aio_block_status,
 *   nbd_block_status_64, nbd_can_meta_context, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int nbd_block_status(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_extent_callback extent_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS 1

/*
 * Asks for block status, in 64-bit extents.
 *
 * In this form an extent is an nbd_extent, with length in bytes and status
 * flags of 64 bits, whether the server sent them with 32 or 64.
 *
 * flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: extent64_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight, or there is not enough memory
 *   for the extents.
 * - EPROTO, or the errno that the callback stored: the callback returned -1;
 *   or the reply broke the protocol, or lists more than 1048576 extents for
 *   one context.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.18.
 * See also: nbd_add_meta_context, nbd_aio_block_status_64,
 *   nbd_block_status, nbd_block_status_filter, nbd_can_meta_context,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int nbd_block_status_64(struct nbd_handle *h,
                        uint64_t count,
                        uint64_t offset,
                        nbd_extent64_callback extent64_callback,
                        uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS_64 1

/*
 * Asks for block status of chosen meta contexts, in 64-bit extents.
 *
 * contexts is a list of names that ends with NULL; all of them must be
 * among the selected ones. In this form an extent is an nbd_extent, with
 * length in bytes and status flags of 64 bits, whether the server sent them
 * with 32 or 64.
 *
 * flags is a sum of:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * - LIBNBD_CMD_FLAG_PAYLOAD_LEN: set by the library, unless
 *   LIBNBD_STRICT_AUTO_FLAG is off.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EFAULT: contexts is NULL, or extent64_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: a name in contexts has not been selected.
 * - EINVAL: the server does not offer the command, or the program did not
 *   set the flag that it has to set (LIBNBD_STRICT_COMMANDS).
 * - ENOTSUP: extended headers are not in use.
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: contexts is too long.
 * - ENOMEM: too many commands are in flight, or there is not enough memory
 *   for the extents.
 * - EPROTO, or the errno that the callback stored: the callback returned -1;
 *   or the reply broke the protocol, or lists more than 1048576 extents for
 *   one context.
 * - ENOTCONN, another errno, or 0: the connection ended before the reply.
 * - Any errno that the server sent.
 *
 * States: connected.
 * Since: 1.18.
 * See also: nbd_aio_block_status_filter, nbd_block_status_64,
 *   nbd_can_block_status_payload, nbd_can_meta_context,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int nbd_block_status_filter(struct nbd_handle *h,
                            uint64_t count,
                            uint64_t offset,
                            char **contexts,
                            nbd_extent64_callback extent64_callback,
                            uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 4);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS_FILTER 1

/*
 * Queues a request for block status, in 32-bit extents.
 *
 * See nbd_block_status. The call returns without waiting, as the other
 * asynchronous commands do.
 *
 * flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: extent_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_block_status_64, nbd_block_status,
 *   nbd_can_meta_context, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int64_t nbd_aio_block_status(struct nbd_handle *h,
                             uint64_t count,
                             uint64_t offset,
                             nbd_extent_callback extent_callback,
                             nbd_completion_callback completion_callback,
                             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_BLOCK_STATUS 1

/*
 * Queues a request for block status, in 64-bit extents.
 *
 * See nbd_block_status_64. The call returns without waiting, as the other
 * asynchronous commands do.
 *
 * flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: extent64_callback has neither callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.18.
 * See also: nbd_aio_block_status, nbd_block_status_64,
 *   nbd_can_meta_context, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int64_t nbd_aio_block_status_64(struct nbd_handle *h,
                                uint64_t count,
                                uint64_t offset,
                                nbd_extent64_callback extent64_callback,
                                nbd_completion_callback completion_callback,
                                uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_BLOCK_STATUS_64 1

/*
 * Queues a request for block status of chosen meta contexts.
 *
 * See nbd_block_status_filter; contexts is copied. The call returns
 * without waiting, as the other asynchronous commands do.
 *
 * flags is a sum of:
 *
 * - LIBNBD_CMD_FLAG_REQ_ONE: asks for one extent for each context, no longer
 *   than the range.
 *
 * - LIBNBD_CMD_FLAG_PAYLOAD_LEN: set by the library, unless
 *   LIBNBD_STRICT_AUTO_FLAG is off.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: contexts is NULL, or extent64_callback has neither
 *   callback nor free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - ENOTSUP: structured replies are not in use, or no meta context has been
 *   selected (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: a name in contexts has not been selected.
 * - EINVAL: the server does not offer the command, or the program did not
 *   set the flag that it has to set (LIBNBD_STRICT_COMMANDS).
 * - ENOTSUP: extended headers are not in use.
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: contexts is too long.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.18.
 * See also: nbd_aio_block_status_64, nbd_block_status_filter,
 *   nbd_can_block_status_payload, nbd_can_meta_context,
 *   nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_BLOCK_STATUS.
 */
int64_t nbd_aio_block_status_filter(struct nbd_handle *h,
                                    uint64_t count,
                                    uint64_t offset,
                                    char **contexts,
                                    nbd_extent64_callback extent64_callback,
                                    nbd_completion_callback completion_callback,
                                    uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 4);
#define LIBNBD_HAVE_NBD_AIO_BLOCK_STATUS_FILTER 1

/******************************************************************************
 * Reading and writing without waiting.
 *
 * Each call queues a command and returns its cookie, a number above 0 that is
 * not used again with this handle. The command is sent at once if the socket
 * takes it. The program then drives the handle with nbd_poll or the notify
 * functions. Buffers must stay valid until the command has been retired.
 *
 * When the reply is complete, completion_callback runs with 0 or the errno
 * of the failure in *error. If it returns 1, the command retires at once; if
 * it returns -1, what it stored in *error, unless 0, becomes the result. A
 * command that is not retired this way is retired by
 * nbd_aio_command_completed, which tells the result. The completion can be
 * left out with NBD_NULL_COMPLETION. Callbacks may run before the call that
 * queues the command returns, while the handle is locked: they must not use
 * the handle.
 *
 * Closures are freed when the command retires; if the call fails they are
 * freed before it returns, and the completion does not run. The errors listed
 * are those of the call itself; those of the command come with its completion,
 * and are the ones listed for the waiting form.
 *****************************************************************************/

/*
 * Queues a read.
 *
 * Reads count bytes, at most 64 MiB, from offset on into buf. flags
 * must be 0.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 64 MiB; buf has not been touched.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_pread_structured, nbd_pread,
 *   nbd_set_pread_initialize, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_READ.
 */
int64_t nbd_aio_pread(struct nbd_handle *h,
                      void *buf,
                      size_t count,
                      uint64_t offset,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_PREAD 1

/*
 * Queues a read that tells how the data was sent.
 *
 * chunk_callback runs for each piece of the reply, before the completion;
 * see nbd_pread_structured.
 *
 * flags is 0 or LIBNBD_CMD_FLAG_DF, which asks for a reply in one piece;
 * see nbd_can_df.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL, or chunk_callback has neither callback nor
 *   free.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the flag (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 64 MiB; buf has not been touched.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_aio_pread, nbd_pread_structured,
 *   nbd_set_pread_initialize, nbd_set_strict_mode.
 * Source: NBD protocol, structured reply chunks.
 */
int64_t nbd_aio_pread_structured(struct nbd_handle *h,
                                 void *buf,
                                 size_t count,
                                 uint64_t offset,
                                 nbd_chunk_callback chunk_callback,
                                 nbd_completion_callback completion_callback,
                                 uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_PREAD_STRUCTURED 1

/*
 * Queues a write.
 *
 * Writes count bytes, at most 64 MiB, from buf to offset. flags is a
 * sum of:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * - LIBNBD_CMD_FLAG_PAYLOAD_LEN: set by the library as the protocol demands,
 *   unless LIBNBD_STRICT_AUTO_FLAG is off.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - EFAULT: buf is NULL.
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: the server does not offer the flag (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 64 MiB, or above LIBNBD_SIZE_PAYLOAD
 *   (LIBNBD_STRICT_PAYLOAD).
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_is_read_only, nbd_pwrite, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_WRITE.
 */
int64_t nbd_aio_pwrite(struct nbd_handle *h,
                       const void *buf,
                       size_t count,
                       uint64_t offset,
                       nbd_completion_callback completion_callback,
                       uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_PWRITE 1

/*
 * Queues a flush.
 *
 * Covers all writes, trims and zeroes that had completed before this call, not
 * those in flight. flags must be 0.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command
 *   (LIBNBD_STRICT_COMMANDS).
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_can_flush, nbd_flush, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_FLUSH.
 */
int64_t nbd_aio_flush(struct nbd_handle *h,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_FLUSH 1

/*
 * Queues a trim.
 *
 * See nbd_trim. flags is 0 or:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command or the flag
 *   (LIBNBD_STRICT_COMMANDS).
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_can_trim, nbd_set_strict_mode, nbd_trim.
 * Source: NBD protocol, NBD_CMD_TRIM.
 */
int64_t nbd_aio_trim(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_completion_callback completion_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_TRIM 1

/*
 * Queues a cache command.
 *
 * See nbd_cache. flags must be 0.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command
 *   (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), the range reaches
 *   beyond the export (LIBNBD_STRICT_BOUNDS) or is not aligned
 *   (LIBNBD_STRICT_ALIGN).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_cache, nbd_can_cache, nbd_set_strict_mode.
 * Source: NBD protocol, NBD_CMD_CACHE.
 */
int64_t nbd_aio_cache(struct nbd_handle *h,
                      uint64_t count,
                      uint64_t offset,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CACHE 1

/*
 * Queues a zero command.
 *
 * flags is a sum of:
 *
 * - LIBNBD_CMD_FLAG_FUA: completes only when the data has reached permanent
 *   storage; see nbd_can_fua.
 *
 * - LIBNBD_CMD_FLAG_NO_HOLE: the server must allocate storage for the range,
 *   instead of leaving a hole.
 *
 * - LIBNBD_CMD_FLAG_FAST_ZERO: fails with ENOTSUP if it would be no faster
 *   than writing zeroes; see nbd_can_fast_zero.
 *
 * Returns: the cookie of the command, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet, or the connection has ended.
 * - EINVAL: flags has a bit that this command does not take
 *   (LIBNBD_STRICT_FLAGS), or one above 0xffff; or a disconnect has been
 *   queued.
 * - EINVAL: the server does not offer the command or the flag
 *   (LIBNBD_STRICT_COMMANDS).
 * - EPERM: the export is read-only (LIBNBD_STRICT_COMMANDS).
 * - EINVAL: count is 0 (LIBNBD_STRICT_ZERO_SIZE), or the range is not
 *   aligned (LIBNBD_STRICT_ALIGN).
 * - ENOSPC: the range reaches beyond the export (LIBNBD_STRICT_BOUNDS).
 * - ERANGE: count is above 4294967295 and extended headers are not in use.
 * - ENOMEM: too many commands are in flight.
 *
 * States: connected.
 * Since: 1.0.
 * See also: nbd_can_fast_zero, nbd_can_zero, nbd_set_strict_mode,
 *   nbd_zero.
 * Source: NBD protocol, NBD_CMD_WRITE_ZEROES.
 */
int64_t nbd_aio_zero(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_completion_callback completion_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_ZERO 1

/******************************************************************************
 * Driving a handle: waiting for the socket, moving on, collecting what has
 * completed.
 *
 * A program with a main loop of its own polls the descriptor of
 * nbd_aio_get_fd for what nbd_aio_get_direction says, and calls
 * nbd_aio_notify_read or nbd_aio_notify_write accordingly. nbd_poll does
 * one such round.
 *****************************************************************************/

/*
 * Waits for the server, and moves on.
 *
 * Waits up to timeout milliseconds, for ever if it is negative, until the
 * socket is ready for what the handle waits for, then moves on until one
 * command has ended or there is nothing more to do. Callbacks run meanwhile.
 * Further replies that have arrived wait for further calls, which return at
 * once. The handle stays locked, so other threads that use it wait as well.
 *
 * Returns: 1 if the handle has moved on, 0 if the time is over, or -1 on
 * failure.
 * Errors:
 * - EINVAL: the handle waits for nothing: it is created, negotiating, closed
 *   or dead.
 * - ENOTCONN: the socket reports an error and nothing to read.
 * - Any errno, or 0: the connection broke, or poll failed.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_poll2.
 */
int nbd_poll(struct nbd_handle *h, int timeout) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_POLL 1

/*
 * Waits for the server or for another descriptor, and moves on.
 *
 * Waits up to timeout milliseconds, for ever if it is negative, until the
 * socket is ready for what the handle waits for, then moves on until one
 * command has ended or there is nothing more to do. Callbacks run meanwhile.
 * Further replies that have arrived wait for further calls, which return at
 * once. The handle stays locked, so other threads that use it wait as well.
 *
 * If fd becomes readable first, nothing moves and the call returns: other
 * threads can so end the waiting. A negative fd is not watched.
 *
 * Returns: 1 if the handle has moved on or fd is readable, 0 if the time is
 * over, or -1 on failure.
 * Errors:
 * - EINVAL: the handle waits for nothing: it is created, negotiating, closed
 *   or dead.
 * - ENOTCONN: the socket reports an error and nothing to read.
 * - Any errno, or 0: the connection broke, or poll failed.
 *
 * States: any.
 * Since: 1.16.
 * See also: nbd_poll.
 */
int nbd_poll2(struct nbd_handle *h,
              int fd,
              int timeout)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_POLL2 1

/*
 * Tells the descriptor to poll.
 *
 * It belongs to the library: do not read, write or close it. With TLS it is
 * the socket below.
 *
 * The socket is non-blocking. Until it has been asked for, it may not be: calls
 * that wait for ever then wait without polling first.
 *
 * The number stays the same until the connection has ended. While
 * nbd_aio_connect_tcp goes through the addresses of a host, another socket may
 * take it, which epoll has to be told; the section MAIN LOOPS of libnbd(3)
 * has the details.
 *
 * Returns: the descriptor, or -1 on failure.
 * Errors:
 * - EINVAL: the handle has no socket, because it is created, closed or dead.
 *
 * States: any.
 * Since: 1.0.
 * See also: nbd_aio_get_direction.
 */
int nbd_aio_get_fd(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_GET_FD 1

/*
 * Tells what to poll the descriptor for.
 *
 * The answer can change with every call on the handle. The handle is not
 * locked.
 *
 * Returns: LIBNBD_AIO_DIRECTION_READ, _WRITE or _BOTH, or 0 if the
 * handle waits for nothing.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_aio_in_flight.
 */
unsigned int nbd_aio_get_direction(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_GET_DIRECTION 1

/*
 * Tells the handle that its socket is readable.
 *
 * The handle receives what it needs, and moves on until one command has ended
 * or there is nothing more to do. Callbacks run meanwhile. If more replies have
 * arrived, the descriptor stays readable, or nbd_aio_get_direction asks for
 * both.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handle does not wait for this; it is as before.
 * - Any errno, or 0: the connection broke, with the cause in the message.
 *
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_notify_read(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_NOTIFY_READ 1

/*
 * Tells the handle that its socket is writable.
 *
 * The handle sends what it can. If it has received replies that have not been
 * used, it also ends one command.
 *
 * Returns: 0, or -1 on failure.
 * Errors:
 * - EINVAL: the handle does not wait for this; it is as before.
 * - Any errno, or 0: the connection broke, with the cause in the message.
 *
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_notify_write(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_NOTIFY_WRITE 1

/*
 * Counts the commands in flight.
 *
 * These are the commands that are queued or sent and have not completed, and a
 * disconnect that is under way; 0 when the connection has ended.
 *
 * Returns: the number, or -1 on failure.
 * Errors:
 * - ENOTCONN: no connection has been started.
 * - EINVAL: the handshake is not over yet.
 *
 * States: connected, closed and dead.
 * Since: 1.0.
 * See also: nbd_aio_disconnect.
 */
int nbd_aio_in_flight(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IN_FLIGHT 1

/*
 * Asks whether a command has completed, and retires it.
 *
 * cookie is what the call that queued the command returned. Once the command
 * has completed, this tells its result, frees its closures, and forgets it; a
 * command that the completion callback has retired is forgotten already.
 *
 * Returns: 1 if it succeeded, 0 if it has not completed or is not known, or -1
 * if it failed.
 * Errors:
 * - EINVAL: cookie is 0.
 * - EPROTO: the reply broke the protocol, or did not cover the whole of a
 *   read.
 * - ENOTCONN: the connection ended before the reply.
 * - Any errno that the server sent or a callback stored.
 *
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_command_completed(struct nbd_handle *h,
                              uint64_t cookie)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_COMMAND_COMPLETED 1

/*
 * Finds a command that has completed and is not retired.
 *
 * Commands are found in the order of their replies. Give the cookie to
 * nbd_aio_command_completed.
 *
 * Returns: the cookie of the oldest one, 0 if none has completed yet, or -1 on
 * failure.
 * Errors:
 * - EINVAL: there is nothing in flight to wait for.
 *
 * States: any.
 * Since: 1.0.
 */
int64_t nbd_aio_peek_command_completed(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_PEEK_COMMAND_COMPLETED 1

/******************************************************************************
 * Where a handle is in its life. Exactly one of these predicates is true at
 * any time, and they answer without locking the handle, so also while another
 * thread is inside a call.
 *****************************************************************************/

/*
 * Tells whether the handle has not been connected yet.
 *
 * Most settings can be changed only here.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_is_created(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CREATED 1

/*
 * Tells whether the handle is connecting or in the handshake.
 *
 * This is also the state while an option is under way in option mode.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 * See also: nbd_aio_is_ready.
 */
int nbd_aio_is_connecting(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CONNECTING 1

/*
 * Tells whether the handle waits for the next option.
 *
 * Only in option mode; see nbd_set_opt_mode.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.4.
 * See also: nbd_aio_is_connecting, nbd_aio_is_ready, nbd_set_opt_mode.
 */
int nbd_aio_is_negotiating(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_NEGOTIATING 1

/*
 * Tells whether the handle is connected, and neither sending nor receiving.
 *
 * Commands can be in flight; they are, when the server has not replied yet.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_is_ready(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_READY 1

/*
 * Tells whether the handle is connected, and in the middle of a message.
 *
 * Commands can be queued, as in the ready state.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_is_processing(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_PROCESSING 1

/*
 * Tells whether the connection ended in order.
 *
 * What the server said can still be asked for, and commands can be retired.
 * The handle cannot be connected again.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_is_closed(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CLOSED 1

/*
 * Tells whether the connection broke.
 *
 * The cause is in the error of the call during which it happened. Commands can
 * still be retired. The handle cannot be connected again.
 *
 * Returns: 1 if so, else 0.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
int nbd_aio_is_dead(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_DEAD 1

/*
 * Describes the state of the handle in detail.
 *
 * A name, a colon and a description, for people: names may change between
 * versions.
 *
 * Returns: a constant string, or NULL on failure.
 * Errors: none.
 * States: any.
 * Since: 1.0.
 */
const char *nbd_connection_state(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECTION_STATE 1

/******************************************************************************
 * Statistics of a handle. They count from its creation, and are never reset.
 *****************************************************************************/

/*
 * Counts the bytes sent.
 *
 * What belongs to the NBD protocol counts, before any encryption.
 *
 * Returns: the number.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_stats_bytes_received, nbd_stats_chunks_received,
 *   nbd_stats_chunks_sent.
 */
uint64_t nbd_stats_bytes_sent(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_BYTES_SENT 1

/*
 * Counts the messages sent.
 *
 * Each option of the handshake and each command is one.
 *
 * Returns: the number.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_set_strict_mode, nbd_stats_bytes_received,
 *   nbd_stats_bytes_sent, nbd_stats_chunks_received.
 */
uint64_t nbd_stats_chunks_sent(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_CHUNKS_SENT 1

/*
 * Counts the bytes received.
 *
 * What belongs to the NBD protocol counts, after any decryption.
 *
 * Returns: the number.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_stats_bytes_sent, nbd_stats_chunks_received,
 *   nbd_stats_chunks_sent.
 */
uint64_t nbd_stats_bytes_received(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_BYTES_RECEIVED 1

/*
 * Counts the messages received.
 *
 * The greeting is one, and so is each simple reply and each chunk of a
 * structured one.
 *
 * Returns: the number.
 * Errors: none.
 * States: any.
 * Since: 1.16.
 * See also: nbd_get_structured_replies_negotiated,
 *   nbd_stats_bytes_received, nbd_stats_bytes_sent,
 *   nbd_stats_chunks_sent.
 */
uint64_t nbd_stats_chunks_received(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_CHUNKS_RECEIVED 1

/*
 * Estimates the memory that the handle takes, in bytes.
 *
 * Buffers of the program do not count.
 *
 * Returns: the size, or -1 on failure.
 * Errors:
 * - EOVERFLOW: the size does not fit in the return value.
 *
 * States: any.
 * Since: 1.24.
 */
ssize_t nbd_get_handle_size(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDLE_SIZE 1

#ifdef __cplusplus
}
#endif

#endif /* LIBNBD_H */
