/* The last error: per thread, named after the function called, with errno. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

#include <pthread.h>

static int
ignore_chunk (void *data, const void *buf, size_t count, uint64_t offset,
              unsigned status, int *error)
{
  (void) data, (void) buf, (void) count, (void) offset;
  (void) status, (void) error;
  return 0;
}

static nbd_chunk_callback
chunks (struct record *r)
{
  return (nbd_chunk_callback) {
    .callback = ignore_chunk, .user_data = r, .free = record_free
  };
}

CASE (none_before_the_first_failure)
{
  struct nbd_handle *h = create ();

  CHECK (nbd_get_error () == NULL);
  CHECK_EQ (nbd_get_errno (), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK (nbd_get_error () == NULL);
  CHECK_EQ (nbd_get_errno (), 0);
  nbd_close (h);
}

CASE (message_is_name_text_and_errno)
{
  struct nbd_handle *h = create ();
  const char *prefix = "nbd_aio_get_fd: ";
  const char *suffix = text (": %s", strerror (EINVAL));

  CHECK_EQ (nbd_aio_get_fd (h), -1);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK (strncmp (nbd_get_error (), prefix, strlen (prefix)) == 0);
  /* There is an explanation between the name and the errno. */
  CHECK (strlen (nbd_get_error ()) > strlen (prefix) + strlen (suffix));
  CHECK_STR (nbd_get_error () + strlen (nbd_get_error ()) - strlen (suffix),
             suffix);
  nbd_close (h);
}

CASE (success_does_not_clear)
{
  struct nbd_handle *h = create ();
  const char *message;
  char *name;

  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  message = text ("%s", nbd_get_error ());
  CHECK_EQ (nbd_set_debug (h, false), 0);
  name = nbd_get_handle_name (h);
  CHECK (name != NULL);
  free (name);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK_STR (nbd_get_error (), message);
}

CASE (latest_failure_wins)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  CHECK_ERR (nbd_flush (h, 0), ENOTCONN);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  nbd_close (h);
}

static void *
see_no_error_then_fail (void *handle)
{
  CHECK (nbd_get_error () == NULL);
  CHECK_EQ (nbd_get_errno (), 0);
  CHECK_EQ (nbd_flush (handle, 0), -1);
  CHECK_EQ (nbd_get_errno (), ENOTCONN);
  return NULL;
}

CASE (each_thread_has_its_own)
{
  struct nbd_handle *h = create ();
  pthread_t thread;

  CHECK_EQ (nbd_aio_get_fd (h), -1);
  CHECK_EQ (pthread_create (&thread, NULL, see_no_error_then_fail, h), 0);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK (strncmp (nbd_get_error (), "nbd_aio_get_fd: ", 16) == 0);
  nbd_close (h);
}

CASE (null_arguments_before_connecting)
{
  struct nbd_handle *h = create ();
  char *nothing = NULL;
  const struct sockaddr *no_address = NULL;

  CHECK_ERR (nbd_set_handle_name (h, nothing), EFAULT);
  CHECK_ERR (nbd_set_export_name (h, nothing), EFAULT);
  CHECK_ERR (nbd_add_meta_context (h, nothing), EFAULT);
  CHECK_ERR (nbd_set_debug_callback (h, (nbd_debug_callback) { NULL }),
             EFAULT);
  CHECK_ERR (nbd_connect_unix (h, nothing), EFAULT);
  CHECK_ERR (nbd_aio_connect_unix (h, nothing), EFAULT);
  CHECK_ERR (nbd_connect_tcp (h, nothing, "10809"), EFAULT);
  CHECK_ERR (nbd_connect_tcp (h, "localhost", nothing), EFAULT);
  CHECK_ERR (nbd_aio_connect_tcp (h, nothing, "10809"), EFAULT);
  CHECK_ERR (nbd_aio_connect_tcp (h, "localhost", nothing), EFAULT);
  CHECK_ERR (nbd_aio_connect (h, no_address, 16), EFAULT);
  /* Nothing happened. */
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
}

CASE (null_string_lists)
{
  struct nbd_handle *h = create ();
  char **nothing = NULL;

  CHECK_ERR (nbd_connect_command (h, nothing), EFAULT);
  CHECK_ERR (nbd_aio_connect_command (h, nothing), EFAULT);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
}

static void
check_null_buffers (struct nbd_handle *h)
{
  struct record chunk = { 0 }, done = { 0 };
  char *nothing = NULL;
  char buf[512];
  int frees;

  for (size_t count = 0; count <= 512; count += 512) {
    situation ("count %zu", count);
    CHECK_ERR (nbd_pread (h, nothing, count, 0, 0), EFAULT);
    CHECK_ERR (nbd_pwrite (h, nothing, count, 0, 0), EFAULT);
    chunk.frees = done.frees = 0;
    CHECK_ERR (nbd_pread_structured (h, nothing, count, 0, chunks (&chunk),
                                     0), EFAULT);
    CHECK_EQ (chunk.frees, 1);
    CHECK_ERR (nbd_aio_pread (h, nothing, count, 0, completion (&done), 0),
               EFAULT);
    CHECK_EQ (done.frees, 1);
    CHECK_ERR (nbd_aio_pread_structured (h, nothing, count, 0,
                                         chunks (&chunk), completion (&done),
                                         0), EFAULT);
    CHECK_EQ (chunk.frees, 2);
    CHECK_EQ (done.frees, 2);
    CHECK_ERR (nbd_aio_pwrite (h, nothing, count, 0, completion (&done), 0),
               EFAULT);
    CHECK_EQ (done.frees, 3);
  }
  situation ("no chunk callback");
  frees = done.frees;
  CHECK_ERR (nbd_pread_structured (h, buf, sizeof buf, 0,
                                   (nbd_chunk_callback) { NULL }, 0), EFAULT);
  CHECK_ERR (nbd_aio_pread_structured (h, buf, sizeof buf, 0,
                                       (nbd_chunk_callback) { NULL },
                                       completion (&done), 0), EFAULT);
  CHECK_EQ (done.frees, frees + 1);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
}

CASE (null_buffers)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  check_null_buffers (h);
  nbd_close (h);
}

CASE (null_buffers_with_initialization)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_EQ (nbd_get_pread_initialize (h), 1);
  check_null_buffers (h);
  nbd_close (h);
}

CASE (state_matters_more_than_null)
{
  struct nbd_handle *h = create ();
  char *nothing = NULL;

  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  CHECK_ERR (nbd_pread (h, nothing, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_pwrite (h, nothing, 512, 0, 0), ENOTCONN);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_ERR (nbd_connect_unix (h, nothing), EINVAL);
  CHECK_ERR (nbd_connect_tcp (h, nothing, nothing), EINVAL);
  CHECK_ERR (nbd_set_export_name (h, nothing), EINVAL);
  CHECK_ERR (nbd_can_meta_context (h, nothing), EFAULT);
  nbd_close (h);
}

CASE (null_buffer_when_not_connected)
{
  struct nbd_handle *h = create ();
  char *nothing = NULL;

  /* Initializing the buffer must not come before looking at the pointer. */
  CHECK_EQ (nbd_get_pread_initialize (h), 1);
  CHECK_ERR (nbd_pread (h, nothing, 512, 0, 0), ENOTCONN);
  nbd_close (h);
}

CASE (commands_need_a_connection)
{
  struct nbd_handle *h = create ();
  struct record chunk = { 0 }, done = { 0 };
  char buf[512];

  CHECK_ERR (nbd_pread (h, buf, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_pwrite (h, buf, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_flush (h, 0), ENOTCONN);
  CHECK_ERR (nbd_trim (h, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_zero (h, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_cache (h, 512, 0, 0), ENOTCONN);
  CHECK_ERR (nbd_shutdown (h, 0), ENOTCONN);
  CHECK_ERR (nbd_pread_structured (h, buf, 512, 0, chunks (&chunk), 0),
             ENOTCONN);
  CHECK_EQ (chunk.frees, 1);
  CHECK_ERR (nbd_aio_pread (h, buf, 512, 0, completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                       completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_pwrite (h, buf, 512, 0, completion (&done), 0),
             ENOTCONN);
  CHECK_ERR (nbd_aio_flush (h, completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_trim (h, 512, 0, completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_zero (h, 512, 0, completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_cache (h, 512, 0, completion (&done), 0), ENOTCONN);
  CHECK_ERR (nbd_aio_disconnect (h, 0), ENOTCONN);
  CHECK_ERR (nbd_aio_in_flight (h), ENOTCONN);
  CHECK_EQ (chunk.frees, 2);
  CHECK_EQ (done.frees, 7);
  CHECK_EQ (done.calls, 0);
  nbd_close (h);
}

CASE (knowledge_of_the_export_needs_a_connection)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_get_size (h), ENOTCONN);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), ENOTCONN);
  CHECK_ERR (nbd_is_read_only (h), ENOTCONN);
  CHECK_ERR (nbd_is_rotational (h), ENOTCONN);
  CHECK_ERR (nbd_can_flush (h), ENOTCONN);
  CHECK_ERR (nbd_can_fua (h), ENOTCONN);
  CHECK_ERR (nbd_can_trim (h), ENOTCONN);
  CHECK_ERR (nbd_can_zero (h), ENOTCONN);
  CHECK_ERR (nbd_can_fast_zero (h), ENOTCONN);
  CHECK_ERR (nbd_can_df (h), ENOTCONN);
  CHECK_ERR (nbd_can_multi_conn (h), ENOTCONN);
  CHECK_ERR (nbd_can_cache (h), ENOTCONN);
  CHECK_ERR (nbd_get_structured_replies_negotiated (h), ENOTCONN);
  CHECK_NULL (nbd_get_protocol (h), ENOTCONN);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTCONN);
  CHECK_NULL (nbd_get_export_description (h), ENOTCONN);
  nbd_close (h);
}

CASE (setup_is_over_once_connected)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_ERR (nbd_set_export_name (h, "other"), EINVAL);
  CHECK_ERR (nbd_set_full_info (h, true), EINVAL);
  CHECK_ERR (nbd_set_request_block_size (h, false), EINVAL);
  CHECK_ERR (nbd_set_request_structured_replies (h, false), EINVAL);
  CHECK_ERR (nbd_set_request_extended_headers (h, false), EINVAL);
  CHECK_ERR (nbd_set_request_meta_context (h, false), EINVAL);
  CHECK_ERR (nbd_set_opt_mode (h, true), EINVAL);
  CHECK_ERR (nbd_set_tls (h, LIBNBD_TLS_ALLOW), EINVAL);
  CHECK_ERR (nbd_add_meta_context (h, "base:allocation"), EINVAL);
  CHECK_ERR (nbd_clear_meta_contexts (h), EINVAL);
  CHECK_ERR (nbd_set_handshake_flags (h, 0), EINVAL);
  CHECK_EQ (nbd_get_full_info (h), 0);
  CHECK_EQ (nbd_get_request_block_size (h), 1);
  CHECK_EQ (nbd_get_request_structured_replies (h), 1);
  CHECK_EQ (nbd_get_handshake_flags (h), LIBNBD_HANDSHAKE_FLAG_MASK);
  nbd_close (h);
}

CASE (failed_commands_say_which_kind_failed)
{
  const char *fail = "echo EIO no luck >&2; exit 1";
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 1048576", "can_cache=echo native",
             "can_flush=exit 0", "can_trim=exit 0", "can_zero=exit 0",
             text ("pread=%s", fail), text ("pwrite=%s", fail),
             text ("flush=%s", fail), text ("trim=%s", fail),
             text ("zero=%s", fail), text ("cache=%s", fail), NULL));
  char buf[512] = "";

  CHECK_ERR (nbd_pread (h, buf, 512, 0, 0), EIO);
  CHECK (strstr (nbd_get_error (), "read: ") != NULL);
  CHECK_ERR (nbd_pwrite (h, buf, 512, 0, 0), EIO);
  CHECK (strstr (nbd_get_error (), " write: ") != NULL);
  CHECK_ERR (nbd_flush (h, 0), EIO);
  CHECK (strstr (nbd_get_error (), " flush: ") != NULL);
  CHECK_ERR (nbd_trim (h, 512, 0, 0), EIO);
  CHECK (strstr (nbd_get_error (), " trim: ") != NULL);
  CHECK_ERR (nbd_zero (h, 512, 0, 0), EIO);
  CHECK (strstr (nbd_get_error (), " write-zeroes: ") != NULL);
  CHECK_ERR (nbd_cache (h, 512, 0, 0), EIO);
  CHECK (strstr (nbd_get_error (), " cache: ") != NULL);
  nbd_close (h);
}

CASE (aio_failures_are_reported_by_command_completed)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 1048576",
             "pread=echo ENOMEM >&2; exit 1", NULL));
  char buf[512];
  int64_t cookie;

  cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0);
  CHECK (cookie > 0);
  while (nbd_aio_peek_command_completed (h) != cookie)
    CHECK (nbd_poll (h, -1) == 1);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), ENOMEM);
  CHECK (strstr (nbd_get_error (), "read: ") != NULL);
  nbd_close (h);
}
