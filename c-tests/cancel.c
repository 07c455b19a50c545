/* Threads that are cancelled while they are inside a call.  The call goes on
 * to its end, and then the thread ends: never the process, and the handle can
 * be used by others. */
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct nbd_handle *h;
static int type;
static char byte;

/* A server that answers a read only when this file appears. */
static const char *reading, *go_on;

static void
connect_to_slow_server (void)
{
  reading = temp_path ("reading");
  go_on = temp_path ("go-on");
  h = connect_to
    (nbdkit ("eval", "get_size=echo 1048576",
             text ("pread=touch %s; while [ ! -e %s ]; do sleep 0.01; done; "
                   "head -c $3 /dev/zero", reading, go_on), NULL));
}

static void
wait_for_file (const char *path)
{
  while (access (path, F_OK) == -1)
    usleep (1000);
}

static void
run_and_cancel (void *(*function) (void *), const char *when)
{
  pthread_t thread;
  void *result;

  CHECK_EQ (pthread_create (&thread, NULL, function, NULL), 0);
  wait_for_file (when);
  CHECK_EQ (pthread_cancel (thread), 0);
  /* It is in the middle of the call, and stays there. */
  usleep (20000);
  make_file (go_on, "", 0666);
  CHECK_EQ (pthread_join (thread, &result), 0);
  CHECK (result == PTHREAD_CANCELED);
}

static void *
read_a_byte (void *unused)
{
  int old;

  (void) unused;
  CHECK_EQ (pthread_setcanceltype (type, &old), 0);
  nbd_pread (h, &byte, 1, 0, 0);
  fail_at (__FILE__, __LINE__, "the thread should have ended");
  return NULL;
}

CASE (while_reading)
{
  type = PTHREAD_CANCEL_DEFERRED;
  connect_to_slow_server ();
  byte = 1;
  run_and_cancel (read_a_byte, reading);
  CHECK_EQ (byte, 0);
  check_works (h);
  nbd_close (h);
}

CASE (while_reading_with_asynchronous_type)
{
  type = PTHREAD_CANCEL_ASYNCHRONOUS;
  connect_to_slow_server ();
  byte = 1;
  run_and_cancel (read_a_byte, reading);
  CHECK_EQ (byte, 0);
  check_works (h);
  nbd_close (h);
}

static struct record completed;

static void
finish_polling (void *unused)
{
  (void) unused;
  log_word ("cleanup");
}

static void *
poll_for_ever (void *unused)
{
  (void) unused;
  CHECK (nbd_aio_pread (h, &byte, 1, 0, completion (&completed), 0) > 0);
  pthread_cleanup_push (finish_polling, NULL);
  for (;;)
    nbd_poll (h, -1);
  pthread_cleanup_pop (0);
  return NULL;
}

CASE (while_polling)
{
  connect_to_slow_server ();
  completed.result = 1;
  run_and_cancel (poll_for_ever, reading);
  CHECK_STR (logged (), "cleanup");
  drain (h);
  CHECK_EQ (completed.calls, 1);
  CHECK_EQ (completed.frees, 1);
  check_works (h);
  nbd_close (h);
}

static void
close_own_handle (void *handle)
{
  nbd_close (handle);
  log_word ("closed");
}

static void *
connect_own_handle (void *unused)
{
  struct nbd_handle *own = create ();

  (void) unused;
  pthread_cleanup_push (close_own_handle, own);
  make_file (reading, "", 0666);
  nbd_connect_unix (own, temp_path ("listening"));
  pthread_cleanup_pop (0);
  fail_at (__FILE__, __LINE__, "the thread should have ended");
  return NULL;
}

/* Nobody greets the client, until somebody hangs up. */
CASE (while_connecting)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listening = socket (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0), connection;
  unsigned before = open_fds ();
  pthread_t thread;
  void *result;

  reading = temp_path ("reading");
  snprintf (address.sun_path, sizeof address.sun_path, "%s",
            temp_path ("listening"));
  CHECK_EQ (bind (listening, (void *) &address, sizeof address), 0);
  CHECK_EQ (listen (listening, 1), 0);
  CHECK_EQ (pthread_create (&thread, NULL, connect_own_handle, NULL), 0);
  wait_for_file (reading);
  connection = accept (listening, NULL, NULL);
  CHECK (connection >= 0);
  CHECK_EQ (pthread_cancel (thread), 0);
  usleep (20000);
  close (connection);
  CHECK_EQ (pthread_join (thread, &result), 0);
  CHECK (result == PTHREAD_CANCELED);
  CHECK_STR (logged (), "closed");
  CHECK_EQ (open_fds (), before);
  close (listening);
}

/* ---- Inside callbacks ---- */

static int
cancel_myself (void *data, int *error)
{
  record_call (data, error);
  CHECK_EQ (pthread_cancel (pthread_self ()), 0);
  /* Here it is held back. */
  pthread_testcancel ();
  usleep (1000);
  log_word ("callback");
  return 1;
}

static void *
poll_until_completed (void *unused)
{
  int old;

  (void) unused;
  CHECK_EQ (pthread_setcanceltype (type, &old), 0);
  CHECK (nbd_aio_pread (h, &byte, 1, 0, (nbd_completion_callback) {
                          .callback = cancel_myself, .free = record_free,
                          .user_data = &completed
                        }, 0) > 0);
  for (;;)
    nbd_poll (h, -1);
  return NULL;
}

static void
cancel_in_callback (void)
{
  pthread_t thread;
  void *result;

  h = connect_to (nbdkit ("memory", "1M", NULL));
  CHECK_EQ (pthread_create (&thread, NULL, poll_until_completed, NULL), 0);
  CHECK_EQ (pthread_join (thread, &result), 0);
  CHECK (result == PTHREAD_CANCELED);
  CHECK_STR (logged (), "callback");
  CHECK_EQ (completed.calls, 1);
  CHECK_EQ (completed.frees, 1);
  check_works (h);
  nbd_close (h);
}

CASE (inside_a_callback)
{
  type = PTHREAD_CANCEL_DEFERRED;
  cancel_in_callback ();
}

CASE (inside_a_callback_with_asynchronous_type)
{
  type = PTHREAD_CANCEL_ASYNCHRONOUS;
  cancel_in_callback ();
}

/* ---- What stays as it was ---- */

/* Nothing that a call returns is lost because the thread ends. */
static void *
go_on_until_a_cancellation_point (void *unused)
{
  struct nbd_handle *own;

  (void) unused;
  CHECK_EQ (pthread_cancel (pthread_self ()), 0);
  own = nbd_create ();
  CHECK (own != NULL);
  CHECK_EQ (nbd_aio_is_created (own), 1);
  CHECK_EQ (nbd_set_export_name (own, ""), 0);
  CHECK_EQ (nbd_get_strict_mode (own), LIBNBD_STRICT_MASK);
  CHECK_EQ (nbd_set_tls (own, 77), -1);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK (nbd_aio_pread (h, &byte, 1, 0, completion (&completed), 0) > 0);
  nbd_close (own);
  log_word ("still here");
  pthread_testcancel ();
  fail_at (__FILE__, __LINE__, "the thread should have ended");
  return NULL;
}

CASE (calls_that_do_not_wait_return)
{
  pthread_t thread;
  void *result;

  h = connect_to (nbdkit ("memory", "1M", NULL));
  CHECK_EQ (pthread_create (&thread, NULL, go_on_until_a_cancellation_point,
                            NULL), 0);
  CHECK_EQ (pthread_join (thread, &result), 0);
  CHECK (result == PTHREAD_CANCELED);
  CHECK_STR (logged (), "still here");
  nbd_close (h);
}

static void *
look_at_own_settings (void *unused)
{
  const int states[] = { PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_ENABLE };
  const int types[] = { PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS };

  (void) unused;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      int old;

      CHECK_EQ (pthread_setcancelstate (states[i], &old), 0);
      CHECK_EQ (pthread_setcanceltype (types[j], &old), 0);
      CHECK_EQ (nbd_pread (h, &byte, 1, 0, 0), 0);
      CHECK_EQ (nbd_pread (h, &byte, 1, UINT64_MAX, 0), -1);
      CHECK_EQ (nbd_aio_is_ready (h), 1);
      CHECK_EQ (pthread_setcancelstate (states[i], &old), 0);
      CHECK_EQ (old, states[i]);
      CHECK_EQ (pthread_setcanceltype (types[j], &old), 0);
      CHECK_EQ (old, types[j]);
    }
  return NULL;
}

CASE (state_and_type_are_as_before)
{
  pthread_t thread;

  h = connect_to (nbdkit ("memory", "1M", NULL));
  CHECK_EQ (pthread_create (&thread, NULL, look_at_own_settings, NULL), 0);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  nbd_close (h);
}

static void *
read_without_being_cancelled (void *unused)
{
  int old;

  (void) unused;
  CHECK_EQ (pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &old), 0);
  CHECK_EQ (pthread_cancel (pthread_self ()), 0);
  CHECK_EQ (nbd_pread (h, &byte, 1, 0, 0), 0);
  return h;
}

CASE (a_thread_that_cannot_be_cancelled)
{
  pthread_t thread;
  void *result;

  h = connect_to (nbdkit ("memory", "1M", NULL));
  CHECK_EQ (pthread_create (&thread, NULL, read_without_being_cancelled, NULL),
            0);
  CHECK_EQ (pthread_join (thread, &result), 0);
  CHECK (result == h);
  nbd_close (h);
}
