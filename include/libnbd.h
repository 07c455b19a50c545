/* libnbd: a client for Network Block Device (NBD) servers.
 *
 * This file is generated from the Rust sources of the library.
 *
 * The manual has a page for each function, with its errors, the states in
 * which it can be called, and related functions; start with libnbd(3).
 *
 * HANDLES.  nbd_create creates a handle, which stands for one connection to
 * one server; nbd_close frees it.  Several threads may use a handle at once:
 * the calls take turns.  While a call waits for the server, others on the
 * same handle wait for it, except those that are documented not to lock the
 * handle.
 *
 * STATES.  A handle is newly created; then connecting, and in option mode
 * negotiating in between; then connected.  In the end it is closed if the
 * connection ended in order, or dead if it broke.  A call in the wrong state
 * fails: with ENOTCONN if no connection has been started, else with EINVAL.
 *
 * ERRORS.  A function that fails returns -1 or NULL; nbd_get_error and
 * nbd_get_errno then return what was wrong, for the calling thread.  The errno
 * is 0 where none fits.  If several arguments are wrong, the state is reported
 * first, then missing arguments in the order of the parameters, then flags.
 * A handle that is NULL is an error (EFAULT) and not a crash, and so, where it
 * can be recognised, is one that has been closed (EINVAL); functions that
 * cannot fail return 0 or NULL then.
 *
 * STRINGS.  A string that a function takes is copied.  A returned char *
 * belongs to the caller, who must free it; a returned const char * belongs to
 * the library.  A list of strings (char **) ends with NULL.
 *
 * CALLBACKS.  A callback is passed by value as a structure: a function, the
 * data that is passed to it, and a function that frees the data, or NULL.  The
 * library owns the callback from the call on, even if the call fails, and
 * calls free exactly once, when it will not call the function any more.  If
 * only free is set, the callback does nothing.  Callbacks run in the thread
 * that is inside a call on the handle.
 *
 * The protocol is described in https://github.com/NetworkBlockDevice/nbd, in
 * the file doc/proto.md.
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

/* Flags of commands.  The manual page of a command lists those it accepts:
 * FUA: complete only when the data has reached permanent storage.
 * NO_HOLE: allocate storage instead of leaving a hole.
 * DF: send the reply to a read in one piece.
 * REQ_ONE: return one extent for each meta context.
 * FAST_ZERO: fail if this is no faster than writing zeroes.
 * PAYLOAD_LEN: the request has a payload; set and cleared by the library.
 */
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
  /* subbuf points into the buffer of the read, count is the length in
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
  /* *error is 0 or the errno of the failure. Returning 1 retires the
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
  /* context is the public function that is running, msg the message
   * without a newline. The return value is ignored.
   */
  int (*callback)(void *user_data, const char *context, const char *msg);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_debug_callback;
#define LIBNBD_HAVE_NBD_DEBUG_CALLBACK 1

/* Called for each meta context of a block status reply, with 32-bit extents;
 * see nbd_block_status.
 */
typedef struct {
  /* entries holds pairs of length in bytes and status flags, nr_entries
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

/* Called for each meta context of a block status reply, with 64-bit extents;
 * see nbd_block_status_64.
 */
typedef struct {
  /* entries holds nr_entries extents. offset is where the request
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
  /* description is empty if the server gave none. The return value is
   * ignored.
   */
  int (*callback)(void *user_data, const char *name, const char *description);
  /* Passed to both functions. */
  void *user_data;
  /* Frees user_data; may be NULL. */
  void (*free)(void *user_data);
} nbd_list_callback;
#define LIBNBD_HAVE_NBD_LIST_CALLBACK 1

/* Called for each meta context that a server lists or selects; see
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
 * Handle and library: creating and closing a handle, the last error, names and
 * versions.
 *
 * A handle is one connection to a server. The last error belongs to the
 * thread, not to the handle, so it can be read even if no handle could be
 * created.
 *****************************************************************************/

/* Closes a handle and frees it.
 *
 * The connection is dropped without telling the server; call nbd_shutdown
 * first to end it in order. Commands that have not completed are completed
 * now: their completion callbacks run with the errno of the failure, which is
 * ENOTCONN if there is no other. Then all callbacks are freed.
 *
 * A subprocess of the handle is given a few seconds to exit after the
 * connection has been closed. Then it is sent SIGTERM, or right away if
 * nbd_connect_systemd_socket_activation started it. If that does not help
 * either, it is killed. A subprocess that does not die even then, or that may
 * not be signalled because it runs as another user, is abandoned after a few
 * more seconds: it remains a child of the program, which can reap it.
 *
 * h may be NULL; then nothing happens. The pointer is invalid afterwards.
 *
 * If a call is using the handle, in another thread or because this function is
 * called in one of its callbacks, nbd_close returns at once, and all of the
 * above happens at the end of that call, in its thread. Until then the buffers
 * and callbacks of commands in flight belong to the library.
 *
 * Returns nothing.
 */
void nbd_close(struct nbd_handle *h);
#define LIBNBD_HAVE_NBD_CLOSE 1

/* Creates a handle.
 *
 * The handle is in the created state and has the default settings. Handles are
 * named nbd1, nbd2 and so on, in the order in which the process creates
 * them. Debugging is on from the start if the environment variable
 * LIBNBD_DEBUG is exactly 1. Close the handle with nbd_close.
 *
 * Returns the handle, or NULL on failure.
 */
struct nbd_handle *nbd_create(void) LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(nbd_close);
#define LIBNBD_HAVE_NBD_CREATE 1

/* Returns the message of the last error in this thread.
 *
 * The message consists of the name of the function that failed, a description
 * and, unless the errno is 0, what the errno means. Calls that succeed do not
 * change it.
 *
 * Returns the message, or NULL if no call has failed in this thread. The
 * string belongs to the library and is valid until another call fails in the
 * same thread.
 */
const char *nbd_get_error(void);
#define LIBNBD_HAVE_NBD_GET_ERROR 1

/* Returns the errno of the last error in this thread.
 *
 * Some errors have no errno: the peer does not speak NBD, a host name cannot
 * be resolved, or the TLS handshake fails. The library does not set the
 * variable errno of the C library.
 *
 * Returns the errno, or 0 if the last error has none or no call has failed in
 * this thread.
 */
int nbd_get_errno(void);
#define LIBNBD_HAVE_NBD_GET_ERRNO 1

/* Returns the name of the library.
 *
 * It is always libnbd. h is not used.
 *
 * Returns a constant string.
 */
const char *nbd_get_package_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PACKAGE_NAME 1

/* Returns the version of the interface that the library implements.
 *
 * It consists of the major, minor and release numbers, separated by dots. h
 * is not used.
 *
 * Returns a constant string.
 */
const char *nbd_get_version(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_VERSION 1

/* Returns which implementation of the interface this is, and its version.
 *
 * The text is meant for people; programs should compare nbd_get_version. h
 * is not used.
 *
 * Returns a constant string, never NULL.
 */
const char *nbd_get_version_extra(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_VERSION_EXTRA 1

/* Reports whether the library was built with TLS.
 *
 * This library always is; other implementations of this interface need not be.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_supports_tls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_TLS 1

/* Reports whether the library was built with NBD URIs.
 *
 * Without them, the functions that connect to a URI fail with ENOTSUP.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_supports_uri(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_URI 1

/* Reports whether the library was built with AF_VSOCK.
 *
 * Without it, the functions that connect over it fail with ENOTSUP.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_supports_vsock(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SUPPORTS_VSOCK 1

/******************************************************************************
 * Debug messages, which report what the library does, for troubleshooting.
 *
 * Every call on a handle writes a line with its arguments when it begins and a
 * line with its result when it ends. Other lines report how the handshake
 * went, which faults of the server were ignored, and why a connection broke.
 *****************************************************************************/

/* Switches debug messages on or off.
 *
 * They are off by default unless the environment variable LIBNBD_DEBUG says
 * otherwise; see nbd_create. Messages go to standard error, one line each
 * with the name of the handle, or to the callback of nbd_set_debug_callback.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_debug(struct nbd_handle *h, bool debug) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_DEBUG 1

/* Reports whether debug messages are on.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_debug(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_DEBUG 1

/* Sends debug messages to a callback.
 *
 * The callback receives the name of the public function that is running and
 * the message; nothing is written to standard error any more. Messages must
 * still be switched on with nbd_set_debug. A callback that was set before is
 * freed before this function returns, unless another thread is delivering a
 * message to it; that thread then frees it afterwards.
 *
 * The callback may run in any thread that uses the handle. The handle is
 * locked meanwhile, so most functions fail with EDEADLK if the callback
 * calls them on it. Messages of calls on other handles inside the callback are
 * not delivered.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_debug_callback(struct nbd_handle *h,
                           nbd_debug_callback debug_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_DEBUG_CALLBACK 1

/* Frees the debug callback.
 *
 * Debug messages go to standard error again. It is not an error if there is no
 * callback.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_clear_debug_callback(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CLEAR_DEBUG_CALLBACK 1

/******************************************************************************
 * Settings of the handle: its name, a value for the program's own use, which
 * export to use, how strictly requests are checked.
 *****************************************************************************/

/* Sets the name of the handle in debug messages.
 *
 * The name need not be unique.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_handle_name(struct nbd_handle *h, const char *handle_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_HANDLE_NAME 1

/* Returns the name of the handle, or NULL on failure. The caller must free the
 * string with free(3).
 */
char *nbd_get_handle_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDLE_NAME 1

/* Stores a value of the program's own in the handle.
 *
 * The library does not use it. The handle is not locked, so this function can
 * be called from a callback.
 *
 * Returns the value that was stored before, which is 0 by default.
 */
uintptr_t nbd_set_private_data(struct nbd_handle *h, uintptr_t private_data)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_PRIVATE_DATA 1

/* Returns the value stored with nbd_set_private_data.
 *
 * The handle is not locked, so this function can be called from a callback.
 *
 * Returns the value, or 0 if none has been stored.
 */
uintptr_t nbd_get_private_data(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PRIVATE_DATA 1

/* Sets the name of the export to use.
 *
 * The name is at most 4096 bytes long and should be UTF-8. By default it is
 * empty, which requests the default export of the server. Oldstyle servers
 * have one export and never receive the name.
 *
 * In option mode the name can be changed between options. A different name
 * discards what is known about the export: size, flags, block sizes, canonical
 * name, description, negotiated meta contexts.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_export_name(struct nbd_handle *h, const char *export_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_EXPORT_NAME 1

/* Returns the name set with nbd_set_export_name, or NULL on failure. The
 * caller must free the string with free(3).
 *
 * The server may use a different name for the export; see
 * nbd_get_canonical_export_name.
 */
char *nbd_get_export_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXPORT_NAME 1

/* Sets whether read buffers are initialised.
 *
 * While this is on, which is the default, the buffer of a read never shows
 * what was in memory before: bytes that the server did not send are zero when
 * the read has completed, even if it failed. Only a buffer of more than 64
 * MiB, which no read can fill, is left unchanged. Switching this off saves
 * time, but then the program must not look at the buffer of a failed read.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_pread_initialize(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_PREAD_INITIALIZE 1

/* Reports whether read buffers are initialised.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_pread_initialize(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PREAD_INITIALIZE 1

/* Sets which requests are refused before they are sent.
 *
 * flags is a bitwise OR of the following; by default all of them are set. A
 * request that passes because a check is off is sent, and the server decides.
 *
 * - LIBNBD_STRICT_COMMANDS: commands and features that the server does not
 *   offer, and writes to a read-only export.
 * - LIBNBD_STRICT_FLAGS: command flags that the command does not accept.
 *   Flags above 0xffff have no place in a request and are always refused.
 * - LIBNBD_STRICT_BOUNDS: ranges that extend beyond the end of the export.
 * - LIBNBD_STRICT_ZERO_SIZE: commands of length 0.
 * - LIBNBD_STRICT_ALIGN: ranges that are not aligned to the minimum block
 *   size.
 * - LIBNBD_STRICT_PAYLOAD: writes that are longer than the server accepts.
 * - LIBNBD_STRICT_AUTO_FLAG: not a check; the library sets or clears
 *   LIBNBD_CMD_FLAG_PAYLOAD_LEN as the protocol requires, whatever the
 *   program passes.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_strict_mode(struct nbd_handle *h, uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_STRICT_MODE 1

/* Returns which requests are refused before they are sent.
 *
 * Returns a bitwise OR of LIBNBD_STRICT_... flags.
 */
uint32_t nbd_get_strict_mode(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_STRICT_MODE 1

/******************************************************************************
 * Settings of the handshake: what it requests from the server. Settings are
 * made before connecting; some can be changed in option mode.
 *****************************************************************************/

/* Sets whether to request the canonical name and the description of the
 * export.
 *
 * Off by default, because few servers have them.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_full_info(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_FULL_INFO 1

/* Reports whether name and description of the export are requested.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_full_info(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_FULL_INFO 1

/* Sets whether to request the block sizes of the export.
 *
 * On by default. A client that requests them promises to respect them, so a
 * server that depends on this may refuse to describe the export to other
 * clients.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_request_block_size(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_BLOCK_SIZE 1

/* Reports whether block sizes are requested.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_request_block_size(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_BLOCK_SIZE 1

/* Sets whether to request structured replies.
 *
 * On by default. Without them there are no holes in read replies, no block
 * status and no extended headers: switching this off also disables
 * nbd_set_request_extended_headers.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_request_structured_replies(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_STRUCTURED_REPLIES 1

/* Reports whether structured replies are requested.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_request_structured_replies(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_STRUCTURED_REPLIES 1

/* Sets whether to request extended headers.
 *
 * On by default. With them, lengths have 64 bits: trim, zero, cache and block
 * status commands can cover more than 4 GiB at once.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_request_extended_headers(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_EXTENDED_HEADERS 1

/* Reports whether extended headers are requested.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_request_extended_headers(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_EXTENDED_HEADERS 1

/* Sets whether nbd_opt_go and nbd_opt_info select meta contexts.
 *
 * On by default: they first request the contexts of nbd_add_meta_context
 * from the server. If this is off, they keep what nbd_opt_set_meta_context
 * has selected.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_request_meta_context(struct nbd_handle *h, bool request)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_REQUEST_META_CONTEXT 1

/* Reports whether nbd_opt_go and nbd_opt_info select meta contexts.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_request_meta_context(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_REQUEST_META_CONTEXT 1

/* Sets which handshake flags the client may accept.
 *
 * Only flags that the server offers as well are used. By default both are set;
 * clearing them is useful for testing servers.
 *
 * - LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE: without it no option but the
 *   export name can be negotiated, so there is no TLS, no structured replies
 *   and no list of exports.
 * - LIBNBD_HANDSHAKE_FLAG_NO_ZEROES: without it the server ends the short
 *   form of the handshake with 124 zero bytes.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_handshake_flags(struct nbd_handle *h, uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_HANDSHAKE_FLAGS 1

/* Returns the handshake flags.
 *
 * Before the handshake these are the flags that the client may accept.
 * Afterwards they are those that both sides use, or 0 with an oldstyle server.
 *
 * Returns a bitwise OR of LIBNBD_HANDSHAKE_FLAG_... flags.
 */
uint32_t nbd_get_handshake_flags(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDSHAKE_FLAGS 1

/* Sets whether the program controls the negotiation.
 *
 * Off by default. In option mode connecting stops in the negotiating state.
 * There the program sends the options it wants, and ends with nbd_opt_go or
 * nbd_opt_abort. With a server that is too old to negotiate, the handle
 * becomes connected at once; check nbd_aio_is_negotiating.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_opt_mode(struct nbd_handle *h, bool enable)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_OPT_MODE 1

/* Reports whether the program controls the negotiation.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_opt_mode(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_OPT_MODE 1

/******************************************************************************
 * TLS: whether the connection is encrypted, and how both sides authenticate
 * each other.
 *
 * The settings have no effect unless nbd_set_tls or nbd_opt_starttls
 * requests TLS. Files are read, and mistakes in them found, when TLS starts.
 *****************************************************************************/

/* Sets whether the connection is encrypted with TLS.
 *
 * - LIBNBD_TLS_DISABLE: it is not. This is the default.
 * - LIBNBD_TLS_ALLOW: it is if the server agrees; nbd_get_tls_negotiated
 *   reports whether it did. Somebody between client and server can prevent
 *   encryption.
 * - LIBNBD_TLS_REQUIRE: it is, or connecting fails.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls(struct nbd_handle *h, int tls) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_TLS 1

/* Returns the setting of nbd_set_tls.
 *
 * nbd_get_tls_negotiated reports whether the connection is encrypted.
 *
 * Returns one of the LIBNBD_TLS_... values.
 */
int nbd_get_tls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS 1

/* Sets the directory of the X.509 certificates.
 *
 * These files are read from it, all in PEM format:
 *
 * - ca-cert.pem: the certificate authorities to trust.
 * - ca-crl.pem: what they have revoked; optional.
 * - client-cert.pem and client-key.pem: the certificate that is sent to a
 *   server that requests one, and its key; optional. If the key is encrypted,
 *   nbdx_set_tls_key_password sets the password.
 *
 * If no directory is set, the directory of a user is $HOME/.pki/libnbd or
 * $HOME/.config/pki/libnbd, and that of root is /etc/pki/libnbd. A
 * directory without a readable ca-cert.pem is ignored, even if it was set:
 * then the authorities that the system trusts are used.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_certificates(struct nbd_handle *h, const char *dir)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_CERTIFICATES 1

/* Sets the file of the pre-shared keys (PSK).
 *
 * Each line consists of a user name, a colon and a key in hexadecimal, as
 * psktool writes it; if there are several lines for a user, the first is used. A name is at most
 * 256 bytes long, and a key at most 512. If a file is set, certificates are
 * neither sent nor accepted, and names are not verified: whoever knows the key
 * is trusted.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_psk_file(struct nbd_handle *h,
                         const char *filename)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_PSK_FILE 1

/* Sets the user name for the pre-shared key.
 *
 * By default, it is the environment variable LOGNAME, or else the name that the
 * user logged in with. Without either, starting TLS with a pre-shared key fails
 * with ENXIO.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_username(struct nbd_handle *h,
                         const char *username)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_USERNAME 1

/* Returns the user name for the pre-shared key.
 *
 * Returns the name set with nbd_set_tls_username, else that in the environment
 * variable LOGNAME, else the name that the user logged in with, or NULL on
 * failure. The caller must free the string with free(3).
 */
char *nbd_get_tls_username(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_USERNAME 1

/* Sets the host that the server's certificate must be for.
 *
 * By default, and if hostname is empty, it is the host given to
 * nbd_connect_tcp or in a URI. Without either, as on a Unix domain socket,
 * any certificate is accepted that a trusted authority has signed.
 *
 * The host is a name or an IP address. A name is also sent to the server
 * before it chooses its certificate.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_hostname(struct nbd_handle *h, const char *hostname)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_HOSTNAME 1

/* Returns the host that the server's certificate must be for.
 *
 * Returns the host set with nbd_set_tls_hostname, else the one that the handle
 * connected to by TCP, else an empty string, or NULL on failure. The caller
 * must free the string with free(3).
 */
char *nbd_get_tls_hostname(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_HOSTNAME 1

/* Sets whether the server's certificate is verified.
 *
 * On by default. Without verification a connection is encrypted, but anybody
 * can be at the other end of it. Sessions with a pre-shared key have no
 * certificate to verify.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_verify_peer(struct nbd_handle *h, bool verify)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_TLS_VERIFY_PEER 1

/* Reports whether the server's certificate is verified.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_get_tls_verify_peer(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_VERIFY_PEER 1

/* Sets the versions and algorithms of TLS.
 *
 * The string has the form that GnuTLS gives it: a keyword, by default
 * NORMAL, followed by items separated by colons. An item adds (+) or
 * removes (- or !) a version, cipher, key exchange, MAC, group or
 * signature, for example NORMAL:-VERS-ALL:+VERS-TLS1.3, or is an option that
 * begins with %. The section PRIORITY STRINGS of libnbd lists what is
 * supported.
 *
 * The string is not examined before TLS starts, and never if it does not. The
 * library uses OpenSSL, which cannot honour every item: starting TLS then
 * fails with EINVAL rather than ignore the item. TLS 1.2 is the oldest
 * supported version. With a pre-shared key, the key exchanges for it need not
 * be added.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_tls_priority(struct nbd_handle *h, const char *priority)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_TLS_PRIORITY 1

/* Returns the versions and algorithms of TLS.
 *
 * Returns the string set with nbd_set_tls_priority, else NORMAL, or NULL on
 * failure. The caller must free the string with free(3).
 */
char *nbd_get_tls_priority(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_PRIORITY 1

/* Reports whether the connection is encrypted.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_tls_negotiated(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_TLS_NEGOTIATED 1

/******************************************************************************
 * The list of meta contexts to request from the server. A meta context is a
 * kind of status that block status commands report, such as
 * LIBNBD_CONTEXT_BASE_ALLOCATION.
 *
 * The list is what will be requested; nbd_can_meta_context reports which of
 * them the server has selected. Changing the list does not change the
 * selection.
 *****************************************************************************/

/* Adds a meta context to the list of those to request.
 *
 * name consists of a namespace, a colon, and a name within it, which is not
 * checked, and is at most 4096 bytes long. LIBNBD_CONTEXT_BASE_ALLOCATION is
 * such a name, and LIBNBD_CONTEXT_QEMU_DIRTY_BITMAP "b0" is that of the bitmap
 * b0. The same name can be added again, and is then requested twice.
 *
 * If the server does not have a context, connecting still succeeds;
 * nbd_can_meta_context reports which contexts it has selected.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_add_meta_context(struct nbd_handle *h,
                         const char *name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_ADD_META_CONTEXT 1

/* Empties the list of meta contexts to request.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_clear_meta_contexts(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CLEAR_META_CONTEXTS 1

/* Returns the number of meta contexts that will be requested.
 *
 * Returns the number of names, or -1 on failure.
 */
ssize_t nbd_get_nr_meta_contexts(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_NR_META_CONTEXTS 1

/* Returns the name of a meta context that will be requested, or NULL on
 * failure. The caller must free the string with free(3).
 *
 * i counts from 0, in the order in which names were added.
 */
char *nbd_get_meta_context(struct nbd_handle *h, size_t i)
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
 * connect leaves the handle dead unless stated otherwise; the cause is in the
 * error of the call during which it happened.
 *****************************************************************************/

/* Connects over TCP.
 *
 * hostname is a name or a numeric address, port a service name or a
 * number. Resolving a host name blocks, even in the asynchronous form, unless
 * NBDX_TIMEOUT_CONNECT is set; then its addresses are tried one after another.
 *
 * If the name cannot be resolved or no address can be reached, the handle
 * stays in the created state, and connecting can be tried again.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_tcp(struct nbd_handle *h,
                    const char *hostname,
                    const char *port)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBD_HAVE_NBD_CONNECT_TCP 1

/* Starts to connect over TCP.
 *
 * hostname is a name or a numeric address, port a service name or a
 * number. Resolving a host name blocks, even in the asynchronous form, unless
 * NBDX_TIMEOUT_CONNECT is set; then its addresses are tried one after another.
 *
 * If the name cannot be resolved or no address can be reached, the handle
 * stays in the created state, and connecting can be tried again.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_tcp(struct nbd_handle *h,
                        const char *hostname,
                        const char *port)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2, 3);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_TCP 1

/* Connects over a Unix domain socket.
 *
 * unixsocket is the path of the socket.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_unix(struct nbd_handle *h, const char *unixsocket)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_UNIX 1

/* Starts to connect over a Unix domain socket.
 *
 * unixsocket is the path of the socket.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_unix(struct nbd_handle *h, const char *unixsocket)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_UNIX 1

/* Connects to a virtual machine, or from one to its host.
 *
 * cid is the context ID of the machine, which is 2 for the host; port is
 * the port, usually 10809. Both belong to AF_VSOCK, which is independent of
 * any network.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_vsock(struct nbd_handle *h, uint32_t cid, uint32_t port)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECT_VSOCK 1

/* Starts to connect to a virtual machine, or from one to its host.
 *
 * cid is the context ID of the machine, which is 2 for the host; port is
 * the port, usually 10809. Both belong to AF_VSOCK, which is independent of
 * any network.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_vsock(struct nbd_handle *h, uint32_t cid, uint32_t port)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_VSOCK 1

/* Starts to connect to a socket address.
 *
 * addr is copied. It can be of any family that has stream sockets.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect(struct nbd_handle *h,
                    const struct sockaddr *addr,
                    socklen_t addrlen)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT 1

/* Connects over a stream socket that is already connected.
 *
 * The library makes the socket non-blocking and close-on-exec, and closes it
 * together with the handle. Any connected stream socket can be used, such as
 * one end of a socket pair.
 *
 * If the call fails because of the descriptor itself, the handle stays in the
 * created state, and the descriptor still belongs to the program.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_socket(struct nbd_handle *h, int sock)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECT_SOCKET 1

/* Starts to connect over a stream socket that is already connected.
 *
 * The library makes the socket non-blocking and close-on-exec, and closes it
 * together with the handle. Any connected stream socket can be used, such as
 * one end of a socket pair.
 *
 * If the call fails because of the descriptor itself, the handle stays in the
 * created state, and the descriptor still belongs to the program.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_socket(struct nbd_handle *h, int sock)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_SOCKET 1

/* Ends the connection in order, and waits until it has ended.
 *
 * The server is told that nothing follows the commands that are queued; then
 * the call waits until the server has closed the connection. In option mode
 * the negotiation is aborted. Commands whose replies do not arrive any more
 * complete with ENOTCONN, so wait for the replies first. Data that the
 * server may hold in a cache must be flushed with nbd_flush before.
 *
 * flags is 0 or LIBNBD_SHUTDOWN_ABANDON_PENDING: commands of which no byte
 * has been sent are not sent, and complete with ENOTCONN at once.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_shutdown(struct nbd_handle *h, uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SHUTDOWN 1

/* Queues a disconnect after the commands in flight.
 *
 * The server does not reply to it; it closes the connection, and the handle
 * becomes closed. Later commands are refused. A disconnect counts as in flight
 * until the connection ends, but never as a completed command.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_disconnect(struct nbd_handle *h, uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_DISCONNECT 1

/******************************************************************************
 * NBD URIs: one string that specifies how to reach a server and which export
 * to use.
 *
 * A URI is SCHEME://AUTHORITY/EXPORT?PARAMETERS. The scheme specifies how to
 * reach the server:
 *
 * - nbd, nbds: TCP; the authority is HOST:PORT, by default
 *   localhost:10809. An IPv6 address is written in brackets. A link-local
 *   one needs its zone, the network interface: [fe80::1%eth0], or
 *   [fe80::1%25eth0] as in RFC 6874.
 * - nbd+unix, nbds+unix: the Unix domain socket of the parameter socket.
 * - nbd+vsock, nbds+vsock: AF_VSOCK; the authority is CID:PORT, by
 *   default 2:10809.
 * - nbd+ssh, nbds+ssh: SSH to the HOST:PORT of the authority, and from
 *   there with nc to TCP port 10809 or to the parameter socket.
 *
 * An s after nbd means that TLS is required. USER@ before the host is
 * the user name for TLS, not for SSH. The export name follows the first slash
 * after the authority. Like all parts it can be percent-encoded; otherwise it
 * is used as written.
 *
 * Parameters follow a question mark, have the form NAME=VALUE and are
 * separated by ampersands. Besides socket these have a meaning:
 * tls-certificates, tls-psk-file, tls-hostname, tls-verify-peer and
 * tls-priority correspond to the functions that configure TLS.
 *
 * Without an export name, it is the default export, whose name is empty. In
 * option mode the handshake stops before the export is used: its name is then
 * a setting like that of nbd_set_export_name, which the program can change
 * before nbd_opt_go.
 *
 * Examples:
 *
 * - nbd:///: the default export of a server on this machine, TCP port 10809.
 * - nbd://example.com/disk: the export disk of another machine.
 * - nbd://192.0.2.1:10810/a%20disk: another port, and the export a disk.
 * - nbd://[2001:db8::1]/, nbd://[fe80::1%eth0]:10810/: IPv6.
 * - nbd+unix:///?socket=/run/nbd.sock, nbd+unix:///disk?socket=nbd.sock: a
 *   Unix domain socket; with the second, an export, and a relative path.
 * - nbd+vsock:///: from a virtual machine to its host.
 * - nbd+vsock://3:10810/disk: from a host to the virtual machine 3.
 * - nbd+ssh://example.com:2222/disk: SSH to port 2222 of that host, and there
 *   to a server on port 10809.
 * - nbd+ssh://example.com/?socket=/run/nbd.sock: a socket on that host.
 * - nbds://example.com/: TLS with certificates of known authorities.
 * - nbds://alice@example.com/?tls-psk-file=/etc/keys.psk: TLS with the
 *   pre-shared key of alice.
 * - nbds+unix:///?socket=nbd.sock&tls-hostname=example.com: TLS over a Unix
 *   domain socket; the certificate of the server is that of example.com.
 *****************************************************************************/

/* Connects to the server and export that an NBD URI specifies.
 *
 * The URI sets the export name and, with schemes and parameters for TLS, how
 * TLS is used. A URI that is refused changes nothing. The program decides what
 * URIs may request: see the functions that begin with nbd_set_uri_allow. By
 * default that is everything but files and TLS priorities.
 *
 * With nbd+ssh and nbds+ssh the program ssh runs as a subprocess of the
 * handle.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_uri(struct nbd_handle *h, const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_URI 1

/* Starts to connect to the server and export that an NBD URI specifies.
 *
 * The URI is interpreted as by nbd_connect_uri.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_uri(struct nbd_handle *h, const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_URI 1

/* Returns the URI of the export that the handle is connected to, or NULL on
 * failure. The caller must free the string with free(3).
 *
 * This works for every way of connecting that has an address, not only for
 * URIs, and also after the connection has ended. A program that uses the URI
 * may have to allow URIs to name files.
 */
char *nbd_get_uri(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_URI 1

/* Reports whether a string looks like an NBD URI.
 *
 * This is meant for programs that accept either a URI or something else, such
 * as the name of a file. Only the scheme and :// are examined; the rest need
 * not be valid.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_is_uri(struct nbd_handle *h, const char *uri)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_IS_URI 1

/* Sets which transports URIs may use.
 *
 * mask is a bitwise OR of the following; by default all of them are set.
 *
 * - LIBNBD_ALLOW_TRANSPORT_TCP: nbd and nbds.
 * - LIBNBD_ALLOW_TRANSPORT_UNIX: nbd+unix and nbds+unix.
 * - LIBNBD_ALLOW_TRANSPORT_VSOCK: nbd+vsock and nbds+vsock.
 * - LIBNBD_ALLOW_TRANSPORT_SSH: nbd+ssh and nbds+ssh.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_uri_allow_transports(struct nbd_handle *h, uint32_t mask)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TRANSPORTS 1

/* Sets whether URIs may, or must, require TLS.
 *
 * - LIBNBD_TLS_DISABLE: URIs that require TLS are refused.
 * - LIBNBD_TLS_ALLOW: all URIs are accepted. This is the default.
 * - LIBNBD_TLS_REQUIRE: only URIs that require TLS are accepted.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_uri_allow_tls(struct nbd_handle *h, int tls)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TLS 1

/* Sets whether URIs may name files.
 *
 * That is, whether they may have the parameters tls-certificates and
 * tls-psk-file. By default they may not, because a URI from somebody else
 * must not make the program read files. The path of a socket is not affected.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_uri_allow_local_file(struct nbd_handle *h, bool allow)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_LOCAL_FILE 1

/* Sets whether URIs may set the priorities of TLS.
 *
 * That is, whether they may have the parameter tls-priority. By default they
 * may not, because a URI from somebody else must not weaken encryption.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_uri_allow_tls_priority(struct nbd_handle *h, bool allow)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_SET_URI_ALLOW_TLS_PRIORITY 1

/******************************************************************************
 * Servers that run as a subprocess of the program.
 *
 * A handle has at most one subprocess, which ends with it: nbd_close waits
 * for it for a limited time and leaves no zombie.
 *****************************************************************************/

/* Runs a server as a subprocess, and connects to it.
 *
 * The program argv[0], which is searched for in PATH unless it contains a
 * slash, runs with the arguments argv, which end with NULL and are copied.
 * It speaks NBD on its standard input and output, which are one socket;
 * standard error is that of the caller. The environment is inherited.
 *
 * nbd_close closes the connection and waits until the program has exited. If
 * it does not exit in time, it is sent SIGTERM, and then killed.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_command(struct nbd_handle *h, char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_COMMAND 1

/* Runs a server as a subprocess, and starts to connect to it.
 *
 * The program, its environment and its end are as described for
 * nbd_connect_command.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_command(struct nbd_handle *h, char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_COMMAND 1

/* Runs a server as a subprocess, and connects to it over a socket.
 *
 * The program argv[0], which is searched for in PATH unless it contains a
 * slash, runs with the arguments argv, which end with NULL and are copied.
 * It receives a listening socket as descriptor 3, by the protocol of systemd
 * socket activation: the environment variable LISTEN_PID is its process ID,
 * LISTEN_FDS is 1, and LISTEN_FDNAMES is the name set with
 * nbd_set_socket_activation_name, or unknown. Otherwise the environment is
 * inherited, and so are standard input, output and error.
 *
 * The socket is a Unix domain socket in a new directory below /tmp.
 * nbd_get_uri returns its address, so that other handles can connect to it
 * as well. nbd_close removes both, sends SIGTERM to the program, and waits
 * until it has exited. If it does not exit in time, it is killed.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_connect_systemd_socket_activation(struct nbd_handle *h, char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CONNECT_SYSTEMD_SOCKET_ACTIVATION 1

/* Runs a server as a subprocess, and starts to connect to it over a socket.
 *
 * The program, its environment and its end are as described for
 * nbd_connect_systemd_socket_activation.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_connect_systemd_socket_activation(struct nbd_handle *h,
                                              char **argv)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_CONNECT_SYSTEMD_SOCKET_ACTIVATION 1

/* Sets the name of the socket that an activated server receives.
 *
 * The server finds the name in the environment variable LISTEN_FDNAMES; some
 * servers decide by it how to use the socket. The name consists of at most 32
 * ASCII letters and digits. By default it is empty, which stands for
 * unknown.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_set_socket_activation_name(struct nbd_handle *h,
                                   const char *socket_name)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_SET_SOCKET_ACTIVATION_NAME 1

/* Returns the name set with nbd_set_socket_activation_name, or NULL on
 * failure. The caller must free the string with free(3).
 */
char *nbd_get_socket_activation_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SOCKET_ACTIVATION_NAME 1

/* Sends a signal to the subprocess of the handle.
 *
 * signum is the signal; 0 stands for SIGTERM. This function does not reap
 * the subprocess; nbd_close does.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_kill_subprocess(struct nbd_handle *h, int signum)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_KILL_SUBPROCESS 1

/* Returns the process ID of the subprocess of the handle, or -1 on failure.
 *
 * It stays the same after the subprocess has exited, until nbd_close.
 */
int64_t nbd_get_subprocess_pid(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SUBPROCESS_PID 1

/******************************************************************************
 * Option mode: the negotiation, one option at a time. See nbd_set_opt_mode.
 *
 * These calls send an option and wait for the reply. Unless the connection
 * ends, the handle is negotiating again afterwards, and another option can
 * follow.
 *****************************************************************************/

/* Requests the export and ends the negotiation.
 *
 * If nbd_set_request_meta_context is on, the meta contexts of the list are
 * selected first. A server that does not know the option is sent the older
 * option, which a server can refuse only by closing the connection.
 *
 * If the server refuses, the error message contains the name of the export and
 * the server's reason, the handle is negotiating again, and another export can
 * be tried. On success the handle is connected.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_opt_go(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_GO 1

/* Requests a description of the export.
 *
 * On success the size, flags, block sizes and, if requested, names of the
 * export are available, and the handle is still negotiating. If the server
 * refuses, what was known about the export is discarded. If
 * nbd_set_request_meta_context is on, the meta contexts of the list are
 * selected first.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_opt_info(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_INFO 1

/* Ends the negotiation and the connection in order.
 *
 * The handle is closed at once, without waiting for the reply. With a server
 * that does not negotiate options it is dead instead, because there is no way
 * to say goodbye.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_opt_abort(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_ABORT 1

/* Lists the exports of the server.
 *
 * The callback receives the name and the description of each export; its
 * return value is ignored. It is freed before the call returns. It may have
 * run even if the call fails. Entries that are longer than two strings of the
 * protocol can be are left out. If a server lists more than 1000000 entries,
 * the connection is given up.
 *
 * Returns the number of exports, or -1 on failure.
 */
int nbd_opt_list(struct nbd_handle *h, nbd_list_callback list_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_LIST 1

/* Requests encryption of the connection from here on.
 *
 * Everything that was negotiated before is discarded and has to be negotiated
 * again: structured replies, extended headers, meta contexts, description of
 * the export. If the TLS handshake itself fails, the handle is dead.
 *
 * Returns 1 if the server agreed, 0 if it refused, or -1 on failure.
 */
int nbd_opt_starttls(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_STARTTLS 1

/* Requests extended headers.
 *
 * They include structured replies. This function is needed only if
 * nbd_set_request_extended_headers is off, because otherwise connecting
 * requests them. If the server refuses, what has been agreed before stays in
 * force.
 *
 * Returns 1 if the server agreed, 0 if it refused, or -1 on failure.
 */
int nbd_opt_extended_headers(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_EXTENDED_HEADERS 1

/* Requests structured replies.
 *
 * This function is needed only if nbd_set_request_structured_replies is off,
 * because otherwise connecting requests them. If the server refuses, what has
 * been agreed before stays in force.
 *
 * Returns 1 if the server agreed, 0 if it refused, or -1 on failure.
 */
int nbd_opt_structured_reply(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_STRUCTURED_REPLY 1

/* Lists the meta contexts of the server that match the list of
 * nbd_add_meta_context.
 *
 * An empty list requests all of them. Nothing is selected, and what is known
 * about the export does not change.
 *
 * The callback receives the name of each context; its return value is ignored.
 * It is freed before the call returns.
 *
 * Returns the number of contexts that the server named, or -1 on failure.
 */
int nbd_opt_list_meta_context(struct nbd_handle *h,
                              nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_LIST_META_CONTEXT 1

/* Lists the meta contexts of the server that match some queries.
 *
 * queries is a list of strings that ends with NULL; an empty list requests
 * all contexts. A query may be just a namespace, such as
 * LIBNBD_NAMESPACE_QEMU. Nothing is selected, and what is known about the
 * export does not change.
 *
 * The callback receives the name of each context; its return value is ignored.
 * It is freed before the call returns.
 *
 * Returns the number of contexts that the server named, or -1 on failure.
 */
int nbd_opt_list_meta_context_queries(struct nbd_handle *h,
                                      char **queries,
                                      nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_OPT_LIST_META_CONTEXT_QUERIES 1

/* Selects the meta contexts in the list of nbd_add_meta_context.
 *
 * An empty list selects none. The selection replaces the one made before, even
 * if the server refuses. nbd_opt_go replaces it again unless
 * nbd_set_request_meta_context is off.
 *
 * The callback receives the name of each context; its return value is ignored.
 * It is freed before the call returns.
 *
 * Returns the number of contexts that the server named, or -1 on failure.
 */
int nbd_opt_set_meta_context(struct nbd_handle *h,
                             nbd_context_callback context_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_OPT_SET_META_CONTEXT 1

/* Selects the meta contexts that match some queries.
 *
 * queries is a list of strings that ends with NULL; an empty list selects
 * none. The selection replaces the one made before, even if the server
 * refuses. nbd_opt_go replaces it again unless
 * nbd_set_request_meta_context is off.
 *
 * The callback receives the name of each context; its return value is ignored.
 * It is freed before the call returns.
 *
 * Returns the number of contexts that the server named, or -1 on failure.
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
 * The completion callback learns how the option ended: *error is 0 or the
 * errno of the failure. Its return value is ignored, and it may be left out
 * with NBD_NULL_COMPLETION. Both callbacks are freed when the option has
 * ended, or before the call returns if it fails. An option that is still in
 * progress when the handle is closed ends with ENOTCONN.
 *****************************************************************************/

/* Starts to request the export and to end the negotiation.
 *
 * See nbd_opt_go. On success the handle becomes connected. After a refusal
 * *error is never 0: if the reason has no errno, it is ENOTSUP.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_go(struct nbd_handle *h,
                   nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_GO 1

/* Starts to request a description of the export.
 *
 * See nbd_opt_info. After a refusal *error is never 0: if the reason has
 * no errno, it is ENOTSUP.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_info(struct nbd_handle *h,
                     nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_INFO 1

/* Starts to end the negotiation and the connection in order.
 *
 * See nbd_opt_abort. There is no completion: the handle becomes closed.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_opt_abort(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_ABORT 1

/* Starts to list the exports of the server.
 *
 * See nbd_opt_list. list_callback runs once for each export, before the
 * completion.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_list(struct nbd_handle *h,
                     nbd_list_callback list_callback,
                     nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST 1

/* Starts to request encryption of the connection.
 *
 * See nbd_opt_starttls. After a refusal *error is ENOTSUP, or EINVAL
 * if the server considers the request invalid.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_starttls(struct nbd_handle *h,
                         nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_STARTTLS 1

/* Starts to request extended headers.
 *
 * See nbd_opt_extended_headers. After a refusal *error is ENOTSUP, or
 * EINVAL if the server considers the request invalid.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_extended_headers(struct nbd_handle *h,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_EXTENDED_HEADERS 1

/* Starts to request structured replies.
 *
 * See nbd_opt_structured_reply. After a refusal *error is ENOTSUP, or
 * EINVAL if the server considers the request invalid.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_structured_reply(struct nbd_handle *h,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_STRUCTURED_REPLY 1

/* Starts to list the meta contexts that match the list of
 * nbd_add_meta_context.
 *
 * See nbd_opt_list_meta_context. context_callback runs once for each
 * context, before the completion.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_list_meta_context(struct nbd_handle *h,
                                  nbd_context_callback context_callback,
                                  nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST_META_CONTEXT 1

/* Starts to list the meta contexts that match some queries.
 *
 * See nbd_opt_list_meta_context_queries; queries is copied.
 * context_callback runs once for each context, before the completion.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_list_meta_context_queries(struct nbd_handle *h,
                                          char **queries,
                                          nbd_context_callback context_callback,
                                          nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_OPT_LIST_META_CONTEXT_QUERIES 1

/* Starts to select the meta contexts in the list of nbd_add_meta_context.
 *
 * See nbd_opt_set_meta_context. context_callback runs once for each
 * context, before the completion.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_set_meta_context(struct nbd_handle *h,
                                 nbd_context_callback context_callback,
                                 nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_OPT_SET_META_CONTEXT 1

/* Starts to select the meta contexts that match some queries.
 *
 * See nbd_opt_set_meta_context_queries; queries is copied.
 * context_callback runs once for each context, before the completion.
 *
 * Returns 0 if the option has been started, or -1 on failure.
 */
int nbd_aio_opt_set_meta_context_queries(struct nbd_handle *h,
                                         char **queries,
                                         nbd_context_callback context_callback,
                                         nbd_completion_callback completion_callback)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_OPT_SET_META_CONTEXT_QUERIES 1

/******************************************************************************
 * What the server reported about the export and about the protocol.
 *
 * Size, flags and block sizes are known once nbd_opt_go or nbd_opt_info
 * has succeeded, or connecting without option mode has. A feature counts as
 * offered only if it can be used: a flag that needs structured replies or
 * extended headers counts as absent without them.
 *****************************************************************************/

/* Returns the size of the export in bytes, or -1 on failure. */
int64_t nbd_get_size(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_SIZE 1

/* Reports whether the export is read-only.
 *
 * If so, write, trim and zero commands fail.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_is_read_only(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_IS_READ_ONLY 1

/* Reports whether the export is on a rotating disk.
 *
 * If so, access in ascending order is faster.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_is_rotational(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_IS_ROTATIONAL 1

/* Reports whether the server offers flush commands.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_flush(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FLUSH 1

/* Reports whether the server offers LIBNBD_CMD_FLAG_FUA.
 *
 * With it, a command completes only when its data has reached permanent
 * storage.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_fua(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FUA 1

/* Reports whether the server offers trim commands.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_trim(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_TRIM 1

/* Reports whether the server offers zero commands.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_zero(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_ZERO 1

/* Reports whether the server offers LIBNBD_CMD_FLAG_FAST_ZERO.
 *
 * With it, a zero command fails with ENOTSUP if it would be no faster than
 * writing zeroes.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_fast_zero(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_FAST_ZERO 1

/* Reports whether the server offers LIBNBD_CMD_FLAG_DF.
 *
 * With it, the reply to a structured read comes in one piece.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_df(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_DF 1

/* Reports whether several connections to the export can be used as one.
 *
 * If so, a flush on one connection covers what has been written over the
 * others.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_multi_conn(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_MULTI_CONN 1

/* Reports whether the server offers cache commands.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_cache(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_CACHE 1

/* Reports whether the server offers block status of chosen meta contexts.
 *
 * If so, nbd_block_status_filter can be used. It needs extended headers.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_block_status_payload(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CAN_BLOCK_STATUS_PAYLOAD 1

/* Reports whether the server has selected a meta context.
 *
 * metacontext must be exactly one of the names that the server gave. The
 * name constants of the header, such as LIBNBD_CONTEXT_BASE_ALLOCATION, can
 * be used.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_can_meta_context(struct nbd_handle *h, const char *metacontext)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_CAN_META_CONTEXT 1

/* Returns a block size of the export, in bytes.
 *
 * - LIBNBD_SIZE_MINIMUM: requests must be aligned to it.
 * - LIBNBD_SIZE_PREFERRED: requests aligned to it are fast.
 * - LIBNBD_SIZE_MAXIMUM: no read or write may be longer.
 * - LIBNBD_SIZE_PAYLOAD: no write should be longer. The server does not send
 *   it; it is the maximum, limited to between 1 MiB and 64 MiB, or 32 MiB if
 *   there is none.
 *
 * Sizes that violate the rules of the protocol are ignored.
 *
 * Returns the size, 0 if the server did not report it, or -1 on failure.
 */
int64_t nbd_get_block_size(struct nbd_handle *h, int size_type)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_BLOCK_SIZE 1

/* Returns the server's name for the export, or NULL on failure. The caller
 * must free the string with free(3).
 */
char *nbd_get_canonical_export_name(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_CANONICAL_EXPORT_NAME 1

/* Returns the server's description of the export, which is meant for people.
 *
 * Returns the description, or NULL on failure. The caller must free the string
 * with free(3).
 */
char *nbd_get_export_description(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_ALLOC_DEALLOC(__builtin_free) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXPORT_DESCRIPTION 1

/* Returns which form of the handshake the server uses.
 *
 * Returns oldstyle, newstyle or newstyle-fixed, as a constant string, or NULL
 * on failure.
 */
const char *nbd_get_protocol(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_PROTOCOL 1

/* Reports whether structured replies are in use.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_structured_replies_negotiated(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_STRUCTURED_REPLIES_NEGOTIATED 1

/* Reports whether extended headers are in use.
 *
 * Returns 1 if so, 0 if not, or -1 on failure.
 */
int nbd_get_extended_headers_negotiated(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_EXTENDED_HEADERS_NEGOTIATED 1

/******************************************************************************
 * Reading and writing: commands that wait for the reply.
 *
 * Offsets and lengths are in bytes. The library checks a command before it is
 * sent, as configured by nbd_set_strict_mode; if a check fails, nothing is
 * sent. While a call waits, other threads that use the handle wait for it.
 *****************************************************************************/

/* Reads from the export.
 *
 * Reads count bytes, at most 64 MiB, from offset into buf. If the call
 * fails, the contents of buf are meaningless.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_pread(struct nbd_handle *h,
              void *buf,
              size_t count,
              uint64_t offset,
              uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PREAD 1

/* Reads from the export, and reports how the data was sent.
 *
 * The read works as with nbd_pread.
 *
 * chunk_callback runs for each piece of the reply, after its bytes are in
 * place, with the piece of buf, its length, and its offset in the export.
 * status is LIBNBD_READ_DATA; LIBNBD_READ_HOLE for a piece that reads as
 * zeroes; or LIBNBD_READ_ERROR for an error at that offset, with length 0
 * and the errno in *error. Pieces may come in any order, and may be empty.
 * If a server sends more than count bytes in all, the excess is not written
 * or passed to the callback, and the command fails with EPROTO. If the
 * callback returns -1, the command fails with the errno that it stored in
 * *error, or else with EPROTO; further pieces are still delivered. The
 * handle is locked while the callback runs, so the callback must not use it.
 *
 * Without structured replies the callback runs once, for the whole of buf.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_pread_structured(struct nbd_handle *h,
                         void *buf,
                         size_t count,
                         uint64_t offset,
                         nbd_chunk_callback chunk_callback,
                         uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PREAD_STRUCTURED 1

/* Writes to the export.
 *
 * Writes count bytes, at most 64 MiB, from buf to offset.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_pwrite(struct nbd_handle *h,
               const void *buf,
               size_t count,
               uint64_t offset,
               uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_PWRITE 1

/* Flushes what has been written to permanent storage.
 *
 * This covers all writes, trims and zeroes that had completed before this
 * call.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_flush(struct nbd_handle *h, uint32_t flags) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_FLUSH 1

/* Tells the server that a range is no longer needed.
 *
 * The server may free its storage. What the range reads as afterwards is
 * undefined.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_trim(struct nbd_handle *h,
             uint64_t count,
             uint64_t offset,
             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_TRIM 1

/* Tells the server that a range will be read soon.
 *
 * The server may load it into a cache.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_cache(struct nbd_handle *h,
              uint64_t count,
              uint64_t offset,
              uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CACHE 1

/* Writes zeroes without sending them.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_zero(struct nbd_handle *h,
             uint64_t count,
             uint64_t offset,
             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_ZERO 1

/******************************************************************************
 * Block status: where the export has data, holes or dirty blocks, according to
 * the selected meta contexts.
 *
 * The callback runs once for each meta context that the reply reports, in the
 * order of the server, possibly not at all. If the reply reports a context
 * more than once, only the first report counts. The callback receives the name
 * of the context, the offset of the request, and extents that follow one
 * another from there. They may end before the end of the range, in which case
 * the rest has to be requested again; the last one may extend beyond the
 * range, but not beyond the export. The callback may change the array, which
 * is freed when it returns. If it returns -1, the command fails with the errno
 * that it stored in *error, or else with EPROTO. The handle is locked
 * while the callback runs, so the callback must not use it.
 *****************************************************************************/

/* Requests block status in 32-bit extents.
 *
 * An extent is a pair of 32-bit words, the length in bytes and the status
 * flags. A length above 32 bits is reduced to one that fits, and the extents
 * after it are left out. Status flags above 32 bits cannot be represented: the
 * command fails with EOVERFLOW if they come first; otherwise that extent and
 * those after it are left out.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_block_status(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_extent_callback extent_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS 1

/* Requests block status in 64-bit extents.
 *
 * An extent is an nbd_extent, which has a length in bytes and status flags
 * of 64 bits, whether the server sent them with 32 or 64.
 *
 * With several meta contexts, the callback runs once for each of them, in any
 * order. Their extents can end at different offsets, and a context can be
 * missing from a reply.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_block_status_64(struct nbd_handle *h,
                        uint64_t count,
                        uint64_t offset,
                        nbd_extent64_callback extent64_callback,
                        uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS_64 1

/* Requests block status of chosen meta contexts in 64-bit extents.
 *
 * contexts is a list of names that ends with NULL; all of them must be
 * among the selected ones. An extent is an nbd_extent, as with
 * nbd_block_status_64.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_block_status_filter(struct nbd_handle *h,
                            uint64_t count,
                            uint64_t offset,
                            char **contexts,
                            nbd_extent64_callback extent64_callback,
                            uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 4);
#define LIBNBD_HAVE_NBD_BLOCK_STATUS_FILTER 1

/* Queues a request for block status in 32-bit extents.
 *
 * See nbd_block_status. The call returns without waiting, like the other
 * asynchronous commands.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_block_status(struct nbd_handle *h,
                             uint64_t count,
                             uint64_t offset,
                             nbd_extent_callback extent_callback,
                             nbd_completion_callback completion_callback,
                             uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_BLOCK_STATUS 1

/* Queues a request for block status in 64-bit extents.
 *
 * See nbd_block_status_64. The call returns without waiting, like the other
 * asynchronous commands.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_block_status_64(struct nbd_handle *h,
                                uint64_t count,
                                uint64_t offset,
                                nbd_extent64_callback extent64_callback,
                                nbd_completion_callback completion_callback,
                                uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_BLOCK_STATUS_64 1

/* Queues a request for block status of chosen meta contexts.
 *
 * See nbd_block_status_filter; contexts is copied. The call returns
 * without waiting, like the other asynchronous commands.
 *
 * Returns the cookie of the command, or -1 on failure.
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
 * accepts it. The program then drives the handle with nbd_poll or the notify
 * functions. Buffers must stay valid until the command has completed.
 *
 * Requests in flight must not overlap, on this handle or another, unless all of
 * them are reads: the server may carry them out in any order, so a read may
 * return old and new data mixed, and writes may leave a mixture on the disk.
 *
 * When the reply is complete, completion_callback runs with 0 or the errno
 * of the failure in *error. If it returns 1, the command is retired at once;
 * if it returns -1, what it stored in *error, unless 0, becomes the result.
 * A command that is not retired this way is retired by
 * nbd_aio_command_completed, which returns the result. The completion can be
 * left out with NBD_NULL_COMPLETION. Callbacks may run before the call that
 * queues the command returns. The handle is locked while they run: functions
 * on it fail with EDEADLK, except those that cannot fail. A completion gets
 * only the errno, and no message.
 *
 * Callbacks are freed when the command is retired; if the call fails, they are
 * freed before it returns, and the completion does not run. The errors listed
 * are those of the call itself; those of the command are passed to its
 * completion, and are listed for the form that waits.
 *****************************************************************************/

/* Queues a read.
 *
 * Reads count bytes, at most 64 MiB, from offset into buf. See
 * nbd_pread.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_pread(struct nbd_handle *h,
                      void *buf,
                      size_t count,
                      uint64_t offset,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_PREAD 1

/* Queues a read that reports how the data was sent.
 *
 * chunk_callback runs for each piece of the reply, before the completion;
 * see nbd_pread_structured.
 *
 * Returns the cookie of the command, or -1 on failure.
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

/* Queues a write.
 *
 * Writes count bytes, at most 64 MiB, from buf to offset. See
 * nbd_pwrite.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_pwrite(struct nbd_handle *h,
                       const void *buf,
                       size_t count,
                       uint64_t offset,
                       nbd_completion_callback completion_callback,
                       uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1, 2);
#define LIBNBD_HAVE_NBD_AIO_PWRITE 1

/* Queues a flush.
 *
 * It covers all writes, trims and zeroes that had completed before this call,
 * not those in flight.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_flush(struct nbd_handle *h,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_FLUSH 1

/* Queues a trim.
 *
 * See nbd_trim.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_trim(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_completion_callback completion_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_TRIM 1

/* Queues a cache command.
 *
 * See nbd_cache.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_cache(struct nbd_handle *h,
                      uint64_t count,
                      uint64_t offset,
                      nbd_completion_callback completion_callback,
                      uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_CACHE 1

/* Queues a zero command.
 *
 * See nbd_zero.
 *
 * Returns the cookie of the command, or -1 on failure.
 */
int64_t nbd_aio_zero(struct nbd_handle *h,
                     uint64_t count,
                     uint64_t offset,
                     nbd_completion_callback completion_callback,
                     uint32_t flags)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_ZERO 1

/******************************************************************************
 * Driving a handle: waiting for the socket, making progress, collecting what
 * has completed.
 *
 * A program with a main loop of its own polls the descriptor of
 * nbd_aio_get_fd for what nbd_aio_get_direction returns, and calls
 * nbd_aio_notify_read or nbd_aio_notify_write accordingly. nbd_poll does
 * one such round.
 *****************************************************************************/

/* Waits for the server, and makes progress.
 *
 * Waits up to timeout milliseconds, or forever if it is negative, until the
 * socket is ready for what the handle waits for. Then the handle makes
 * progress until one command has ended or there is nothing more to do.
 * Callbacks run meanwhile. Further replies that have arrived wait for further
 * calls, which return at once. The handle stays locked, so other threads that
 * use it wait as well.
 *
 * Returns 1 if the handle has made progress, 0 if the time is over. It is also
 * 1 if the server has closed the connection; see nbd_aio_is_closed, or -1 on
 * failure.
 */
int nbd_poll(struct nbd_handle *h,
             int timeout)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_POLL 1

/* Waits for the server or for another descriptor, and makes progress.
 *
 * This works like nbd_poll, except that the call returns without progress if
 * fd becomes readable first, so that other threads can end the waiting. A
 * negative fd is ignored.
 *
 * Returns 1 if the handle has made progress or fd is readable, 0 if the time
 * is over, or -1 on failure.
 */
int nbd_poll2(struct nbd_handle *h, int fd, int timeout)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_POLL2 1

/* Returns the descriptor to poll.
 *
 * It belongs to the library: do not read from, write to or close it. With TLS
 * it is the underlying socket.
 *
 * The socket is non-blocking from this call on. Before, it may be blocking:
 * calls that wait forever then wait without polling first.
 *
 * The number stays the same until the connection has ended. While
 * nbd_aio_connect_tcp tries the addresses of a host, another socket may take
 * it over, which epoll has to be told; see the section MAIN LOOPS of
 * libnbd.
 *
 * Returns the descriptor, or -1 on failure.
 */
int nbd_aio_get_fd(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_GET_FD 1

/* Returns what to poll the descriptor for.
 *
 * The result can change with every call on the handle. The handle is not
 * locked.
 *
 * Returns LIBNBD_AIO_DIRECTION_READ, _WRITE or _BOTH, or 0 if the handle waits
 * for nothing: it is created, negotiating, closed or dead. A connected handle
 * always waits for reading, at least to notice the end of the connection.
 */
unsigned int nbd_aio_get_direction(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_GET_DIRECTION 1

/* Notifies the handle that its socket is readable.
 *
 * The handle receives what it needs, and makes progress until one command has
 * ended or there is nothing more to do. Callbacks run meanwhile. If more
 * replies have arrived, the descriptor stays readable, or
 * nbd_aio_get_direction returns LIBNBD_AIO_DIRECTION_BOTH. The call also
 * succeeds if the server has closed the connection; see nbd_aio_is_closed.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_notify_read(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_NOTIFY_READ 1

/* Notifies the handle that its socket is writable.
 *
 * The handle sends what it can. If it has received replies that it has not
 * processed, it also ends one command.
 *
 * Returns 0, or -1 on failure.
 */
int nbd_aio_notify_write(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_NOTIFY_WRITE 1

/* Returns the number of commands in flight.
 *
 * These are the commands that are queued or sent and have not completed, and a
 * disconnect that is in progress. The number is 0 after the connection has
 * ended.
 *
 * Returns the number, or -1 on failure.
 */
int nbd_aio_in_flight(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IN_FLIGHT 1

/* Checks whether a command has completed, and retires it.
 *
 * cookie is what the call that queued the command returned. Once the command
 * has completed, this function returns its result, frees its callbacks, and
 * forgets it. A command that was retired by its completion callback has
 * already been forgotten.
 *
 * Returns 1 if the command succeeded, 0 if it has not completed or is unknown,
 * or -1 on failure.
 */
int nbd_aio_command_completed(struct nbd_handle *h, uint64_t cookie)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_COMMAND_COMPLETED 1

/* Returns the cookie of a command that has completed and is not retired.
 *
 * Commands are found in the order of their replies. Pass the cookie to
 * nbd_aio_command_completed.
 *
 * Returns the cookie of the oldest such command, 0 if none has completed yet,
 * or -1 on failure.
 */
int64_t nbd_aio_peek_command_completed(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_PEEK_COMMAND_COMPLETED 1

/******************************************************************************
 * The state of a handle. Exactly one of these predicates is true at any time.
 * They do not lock the handle, so they can be used even while another thread
 * is inside a call.
 *****************************************************************************/

/* Reports whether the handle has not been connected yet.
 *
 * Most settings can be changed only in this state.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_created(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CREATED 1

/* Reports whether the handle is connecting or in the handshake.
 *
 * This is also the state while an option is in progress in option mode.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_connecting(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CONNECTING 1

/* Reports whether the handle waits for the next option.
 *
 * This state exists only in option mode; see nbd_set_opt_mode.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_negotiating(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_NEGOTIATING 1

/* Reports whether the handle is connected, and neither sending nor receiving.
 *
 * Commands can be in flight: the server may not have replied yet.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_ready(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_READY 1

/* Reports whether the handle is connected, and in the middle of a message.
 *
 * Commands can be queued, as in the ready state.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_processing(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_PROCESSING 1

/* Reports whether the connection has been closed.
 *
 * Either side has closed it: a server that is killed closes it as well, even if
 * commands are in flight, which end with ENOTCONN then. If the connection
 * broke in the middle of a message, nbd_aio_is_dead is true instead, so a
 * program that waits for the end has to ask both.
 *
 * What the server reported is still available, and commands can be retired.
 * The handle cannot be connected again.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_closed(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_CLOSED 1

/* Reports whether the connection is broken.
 *
 * The cause is in the error of the call during which it happened. Commands can
 * still be retired. The handle cannot be connected again.
 *
 * Returns 1 if so, or 0 if not.
 */
int nbd_aio_is_dead(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_AIO_IS_DEAD 1

/* Returns a detailed description of the state of the handle.
 *
 * It consists of a name, a colon and a description, and is meant for people:
 * names may change between versions.
 *
 * Returns a constant string, or NULL on failure.
 */
const char *nbd_connection_state(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_CONNECTION_STATE 1

/******************************************************************************
 * Statistics of a handle. They count from its creation, and are never reset.
 *****************************************************************************/

/* Returns the number of bytes sent.
 *
 * It counts what belongs to the NBD protocol, before any encryption.
 */
uint64_t nbd_stats_bytes_sent(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_BYTES_SENT 1

/* Returns the number of messages sent.
 *
 * Each option of the handshake and each command is one.
 */
uint64_t nbd_stats_chunks_sent(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_CHUNKS_SENT 1

/* Returns the number of bytes received.
 *
 * It counts what belongs to the NBD protocol, after any decryption.
 */
uint64_t nbd_stats_bytes_received(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_BYTES_RECEIVED 1

/* Returns the number of messages received.
 *
 * The greeting is one, and so is each simple reply and each chunk of a
 * structured one.
 */
uint64_t nbd_stats_chunks_received(struct nbd_handle *h)
    LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_STATS_CHUNKS_RECEIVED 1

/* Returns an estimate of the memory that the handle uses, in bytes, or -1 on
 * failure.
 *
 * Buffers of the program are not included.
 */
ssize_t nbd_get_handle_size(struct nbd_handle *h) LIBNBD_ATTRIBUTE_NONNULL(1);
#define LIBNBD_HAVE_NBD_GET_HANDLE_SIZE 1

#ifdef __cplusplus
}
#endif

#endif /* LIBNBD_H */
