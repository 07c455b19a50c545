/* What callbacks may do: call the handle that they belong to, other handles,
 * and close any of them; and handles that are closed while they are in use. */
#include "test.h"

#include <pthread.h>

enum { SIZE = 1048576 };

/* The last call on this handle was refused because the handle waits for the
 * end of the callback. */
static void
check_refused (const char *function)
{
  const char *message = nbd_get_error ();

  CHECK_EQ (nbd_get_errno (), EDEADLK);
  CHECK (strncmp (message, function, strlen (function)) == 0);
  CHECK (strstr (message, "from a callback") != NULL);
}

/* ---- The same handle inside a callback ---- */

struct visit {
  struct nbd_handle *h;
  void (*go) (struct nbd_handle *h);
  int calls;
};

static int
visit_completion (void *data, int *error)
{
  struct visit *v = data;

  (void) error;
  ++v->calls;
  v->go (v->h);
  return 1;
}

static int
visit_chunk (void *data, const void *subbuf, size_t count, uint64_t offset,
             unsigned status, int *error)
{
  (void) subbuf, (void) count, (void) offset, (void) status;
  visit_completion (data, error);
  return 0;
}

static int
visit_extents (void *data, const char *context, uint64_t offset,
               nbd_extent *entries, size_t n, int *error)
{
  (void) context, (void) offset, (void) entries, (void) n;
  visit_completion (data, error);
  return 0;
}

static int
visit_list (void *data, const char *name, const char *description)
{
  int error = 0;

  (void) name, (void) description;
  visit_completion (data, &error);
  return 0;
}

static int
visit_context (void *data, const char *name)
{
  return visit_list (data, name, NULL);
}

static void
visit_free (void *data)
{
  int error = 0;

  visit_completion (data, &error);
}

/* Each call in here waited for itself before it was refused. */
static void
use_locked_functions (struct nbd_handle *h)
{
  struct record r = { 0 };
  char buf[512];

  memset (buf, 1, sizeof buf);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), -1);
  check_refused ("nbd_pread: ");
  CHECK (all_bytes (buf, sizeof buf, 0));
  CHECK_EQ (nbd_aio_pwrite (h, buf, sizeof buf, 0, completion (&r), 0), -1);
  check_refused ("nbd_aio_pwrite: ");
  CHECK_EQ (r.calls, 0);
  CHECK_EQ (r.frees, 1);
  CHECK_EQ (nbd_poll (h, -1), -1);
  check_refused ("nbd_poll: ");
  CHECK_EQ (nbd_shutdown (h, 0), -1);
  check_refused ("nbd_shutdown: ");
  CHECK_EQ (nbd_get_size (h), -1);
  check_refused ("nbd_get_size: ");
  CHECK (nbd_get_export_name (h) == NULL);
  check_refused ("nbd_get_export_name: ");
  CHECK (nbd_connection_state (h) == NULL);
  check_refused ("nbd_connection_state: ");
  CHECK_EQ (nbd_get_handle_size (h), -1);
  check_refused ("nbd_get_handle_size: ");
  CHECK_EQ (nbd_clear_debug_callback (h), -1);
  check_refused ("nbd_clear_debug_callback: ");
}

CASE (a_completion_callback_is_refused)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  struct visit v = { .h = h, .go = use_locked_functions };
  char buf[512];
  int64_t cookie = nbd_aio_pread (h, buf, sizeof buf, 0,
                                  (nbd_completion_callback) {
                                    .callback = visit_completion,
                                    .user_data = &v
                                  }, 0);

  CHECK (cookie > 0);
  drain (h);
  CHECK_EQ (v.calls, 1);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  check_works (h);
  nbd_close (h);
}

CASE (other_callbacks_are_refused)
{
  struct nbd_handle *h = create ();
  struct visit v = { .h = h, .go = use_locked_functions };
  char buf[512];

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_add_meta_context (h, LIBNBD_CONTEXT_BASE_ALLOCATION), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_EQ (nbd_opt_list (h, (nbd_list_callback) {
                            .callback = visit_list, .user_data = &v
                          }), 1);
  CHECK_EQ (v.calls, 1);
  CHECK_EQ (nbd_opt_set_meta_context (h, (nbd_context_callback) {
                                        .callback = visit_context,
                                        .user_data = &v
                                      }), 1);
  CHECK_EQ (v.calls, 2);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, 0,
                                  (nbd_chunk_callback) {
                                    .callback = visit_chunk, .user_data = &v
                                  }, 0), 0);
  CHECK_EQ (v.calls, 3);
  CHECK_EQ (nbd_block_status_64 (h, SIZE, 0, (nbd_extent64_callback) {
                                   .callback = visit_extents, .user_data = &v
                                 }, 0), 0);
  CHECK_EQ (v.calls, 4);

  /* The functions that free are called inside a call as well. */
  CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, 0,
                                  (nbd_chunk_callback) {
                                    .free = visit_free, .user_data = &v
                                  }, 0), 0);
  CHECK_EQ (v.calls, 5);
  CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, SIZE,
                                  (nbd_chunk_callback) {
                                    .free = visit_free, .user_data = &v
                                  }, 0), -1);
  CHECK_EQ (v.calls, 6);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  check_works (h);
  nbd_close (h);
}

static int
visit_debug (void *data, const char *context, const char *msg)
{
  (void) context;
  return visit_list (data, msg, NULL);
}

CASE (a_debug_callback_is_refused)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  struct visit v = { .h = h, .go = use_locked_functions };
  char buf[512];

  CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
                                      .callback = visit_debug,
                                      .user_data = &v
                                    }), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK (v.calls >= 2);
  /* The error is that of the call itself. */
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, SIZE, 0), -1);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK_EQ (nbd_set_debug (h, false), 0);
  nbd_close (h);
}

/* These have no way to fail, and work everywhere. */
static void
use_other_functions (struct nbd_handle *h)
{
  CHECK (nbd_aio_is_ready (h) || nbd_aio_is_processing (h));
  CHECK_EQ (nbd_aio_is_dead (h), 0);
  CHECK (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_READ);
  CHECK_EQ (nbd_get_private_data (h), 42);
  CHECK_STR (nbd_get_version (h), "1.24.0");
  CHECK_EQ (nbd_get_debug (h), 0);
  CHECK_EQ (nbd_get_tls (h), LIBNBD_TLS_ALLOW);
  CHECK_EQ (nbd_get_tls_verify_peer (h), 0);
  CHECK_EQ (nbd_get_handshake_flags (h), LIBNBD_HANDSHAKE_FLAG_MASK);
  CHECK_EQ (nbd_get_request_structured_replies (h), 1);
  CHECK_EQ (nbd_get_request_extended_headers (h), 0);
  CHECK_EQ (nbd_get_opt_mode (h), 0);
  CHECK_EQ (nbd_get_pread_initialize (h), 0);
  CHECK_EQ (nbd_get_strict_mode (h), LIBNBD_STRICT_COMMANDS);
  CHECK (nbd_stats_bytes_sent (h) > 0);
  CHECK (nbd_stats_bytes_received (h) > 0);
  CHECK (nbd_stats_chunks_sent (h) > 0);
  CHECK (nbd_stats_chunks_received (h) > 0);
  CHECK (nbd_get_error () == NULL);
}

CASE (what_cannot_fail_works_in_callbacks)
{
  struct nbd_handle *h = create ();
  struct visit v = { .h = h, .go = use_other_functions };
  char buf[512];

  nbd_set_private_data (h, 42);
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_ALLOW), 0);
  CHECK_EQ (nbd_set_tls_verify_peer (h, false), 0);
  CHECK_EQ (nbd_set_request_extended_headers (h, false), 0);
  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_COMMANDS), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, 0,
                                  (nbd_chunk_callback) {
                                    .callback = visit_chunk, .user_data = &v
                                  }, 0), 0);
  CHECK_EQ (v.calls, 1);
  use_other_functions (h);
  nbd_close (h);
}

/* ---- Closing in a callback ---- */

/* As nbd_close, but the compiler does not know it, and does not object when
 * the pointer is used afterwards. */
static void (*volatile close_early) (struct nbd_handle *) = nbd_close;

static bool closed;

static void
close_it (struct nbd_handle *h)
{
  if (closed)
    return;
  closed = true;
  close_early (h);
  /* It is closed for everybody from now on. */
  CHECK_EQ (nbd_get_size (h), -1);
  CHECK_EQ (nbd_get_errno (), EINVAL);
  CHECK_EQ (nbd_aio_is_ready (h), 0);
  close_early (h);
  CHECK (strncmp (nbd_get_error (), "nbd_close: ", 11) == 0);
}

static int
retire (void *data, int *error)
{
  (void) data, (void) error;
  return 1;
}

enum where { COMPLETION, FREE, CHUNK, DEBUG };

/* Every command ends once, and every closure is freed once. */
static void
close_in_callback (enum where where)
{
  static char buf[3][65536];
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  unsigned before = open_fds ();
  struct visit v = { .h = h, .go = close_it };
  struct record first = { 0 }, last = { 0 };
  nbd_completion_callback c = NBD_NULL_COMPLETION;

  if (where == COMPLETION)
    c.callback = visit_completion;
  else
    c.callback = retire;
  if (where == FREE)
    c.free = visit_free;
  c.user_data = &v;
  CHECK (nbd_aio_pread (h, buf[0], sizeof buf[0], 0, completion (&first), 0)
         > 0);
  if (where == CHUNK)
    CHECK (nbd_aio_pread_structured (h, buf[1], 512, 0, (nbd_chunk_callback) {
                                       .callback = visit_chunk, .user_data = &v
                                     }, c, 0) > 0);
  else
    CHECK (nbd_aio_pread (h, buf[1], 512, 0, c, 0) > 0);
  CHECK (nbd_aio_pread (h, buf[2], sizeof buf[2], 0, completion (&last), 0)
         > 0);
  if (where == DEBUG) {
    CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
                                        .callback = visit_debug,
                                        .user_data = &v
                                      }), 0);
    CHECK_EQ (nbd_set_debug (h, true), 0);
  }
  while (!closed)
    nbd_poll (h, -1);
  /* Now that the call is over, everything is. */
  CHECK (v.calls >= 1);
  CHECK (first.calls >= 1);
  CHECK_EQ (first.frees, 1);
  CHECK_EQ (last.calls, 1);
  CHECK_EQ (last.frees, 1);
  CHECK_EQ (open_fds (), before - 1);
  CHECK_EQ (nbd_poll (h, -1), -1);
  CHECK_EQ (nbd_get_errno (), EINVAL);
}

CASE (closing_in_a_completion_callback)
{
  close_in_callback (COMPLETION);
}

CASE (closing_where_a_closure_is_freed)
{
  close_in_callback (FREE);
}

CASE (closing_in_a_chunk_callback)
{
  close_in_callback (CHUNK);
}

CASE (closing_in_a_debug_callback)
{
  close_in_callback (DEBUG);
}

/* A predicate takes no lock, but its debug messages are delivered as well. */
CASE (closing_in_a_debug_callback_of_a_predicate)
{
  struct nbd_handle *h = create ();
  struct visit v = { .h = h, .go = close_it };

  closed = true; /* Not yet. */
  CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
                                      .callback = visit_debug,
                                      .user_data = &v
                                    }), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  closed = false;
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK (closed);
  CHECK_EQ (nbd_aio_is_created (h), 0);
}

CASE (closing_while_a_call_waits_for_the_server)
{
  struct nbd_handle *h = create ();
  struct visit v = { .h = h, .go = close_it };
  unsigned before = open_fds ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  /* The call itself goes well to its end. */
  CHECK_EQ (nbd_opt_list (h, (nbd_list_callback) {
                            .callback = visit_list, .user_data = &v
                          }), 1);
  CHECK (closed);
  CHECK_EQ (open_fds (), before);
}

CASE (closing_while_it_is_being_closed)
{
  static char buf[512];
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  struct visit v = { .h = h, .go = close_it };

  CHECK (nbd_aio_pread (h, buf, sizeof buf, 0, (nbd_completion_callback) {
                          .callback = visit_completion, .user_data = &v
                        }, 0) > 0);
  nbd_close (h);
  CHECK (closed);
  CHECK_EQ (v.calls, 1);
}

/* ---- Closing while another thread uses the handle ---- */

static char letter[1];

static void *
read_a_letter (void *handle)
{
  CHECK_EQ (nbd_pread (handle, letter, 1, 0, 0), 0);
  return NULL;
}

/* The server answers only when a file appears, which this thread makes after
 * it has closed the handle. */
CASE (closing_while_another_thread_waits)
{
  const char *reading = temp_path ("reading"), *go_on = temp_path ("go-on");
  const char *server =
    nbdkit ("eval", "get_size=echo 1048576",
            text ("pread=touch %s; while [ ! -e %s ]; do sleep 0.01; done; "
                  "printf x", reading, go_on), NULL);
  unsigned before = open_fds ();
  struct nbd_handle *h = connect_to (server);
  pthread_t thread;

  CHECK_EQ (pthread_create (&thread, NULL, read_a_letter, h), 0);
  while (access (reading, F_OK) == -1)
    usleep (1000);
  close_early (h);
  CHECK_EQ (nbd_aio_is_ready (h), 0);
  CHECK_EQ (open_fds (), before + 1);
  make_file (go_on, "", 0666);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  CHECK_EQ (letter[0], 'x');
  CHECK_EQ (open_fds (), before);
}

enum { ROUNDS = 200, USERS = 4 };

static void *
use_until_closed (void *handle)
{
  for (;;) {
    nbd_aio_is_created (handle);
    nbd_aio_get_direction (handle);
    if (nbd_set_export_name (handle, "disk") == -1) {
      CHECK_EQ (nbd_get_errno (), EINVAL);
      CHECK (strstr (nbd_get_error (), "has been closed") != NULL);
      return NULL;
    }
  }
}

/* The same pointer may be handed out again, but not so soon. */
CASE (closing_while_other_threads_come_and_go)
{
  for (int i = 0; i < ROUNDS; ++i) {
    struct nbd_handle *h = create ();
    pthread_t threads[USERS];

    for (int j = 0; j < USERS; ++j)
      CHECK_EQ (pthread_create (&threads[j], NULL, use_until_closed, h), 0);
    if (i % 2 == 0)
      usleep (100);
    nbd_close (h);
    for (int j = 0; j < USERS; ++j)
      CHECK_EQ (pthread_join (threads[j], NULL), 0);
  }
}

/* ---- Several handles ---- */

static void
use_connected (struct nbd_handle *h)
{
  check_works (h);
}

CASE (a_callback_uses_another_handle)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = connect_to (server), *other = connect_to (server);
  struct visit v = { .h = other, .go = use_connected };
  char buf[512];

  CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, 0,
                                  (nbd_chunk_callback) {
                                    .callback = visit_chunk, .user_data = &v
                                  }, 0), 0);
  CHECK_EQ (v.calls, 1);
  CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
                                      .callback = visit_debug,
                                      .user_data = &v
                                    }), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (nbd_get_size (h), SIZE);
  CHECK (v.calls >= 3);
  CHECK_EQ (nbd_set_debug (h, false), 0);
  nbd_close (other);
  nbd_close (h);
}

/* Two threads, each in a callback of its own handle when it calls the other
 * one.  One of them is refused, and the other goes on. */
static struct nbd_handle *pair[2];
static pthread_barrier_t both_inside;
static int refused;

static int
call_the_other (void *number, int *error)
{
  struct nbd_handle *other = pair[1 - *(int *) number];

  (void) error;
  pthread_barrier_wait (&both_inside);
  if (nbd_get_size (other) == -1) {
    check_refused ("nbd_get_size: ");
    __atomic_fetch_add (&refused, 1, __ATOMIC_SEQ_CST);
  }
  return 1;
}

static int
call_the_other_and_tell (void *number, const char *context, const char *msg)
{
  int error = 0;

  /* Once, when both threads are inside this one. */
  if (strcmp (context, "nbd_is_read_only") == 0
      && strncmp (msg, "enter", 5) == 0)
    call_the_other (number, &error);
  return 0;
}

static void *
poll_mine (void *number)
{
  static char buf[2][512];
  int i = *(int *) number;

  CHECK (nbd_aio_pread (pair[i], buf[i], 512, 0, (nbd_completion_callback) {
                          .callback = call_the_other, .user_data = number
                        }, 0) > 0);
  drain (pair[i]);
  return NULL;
}

static void *
ask_mine (void *number)
{
  CHECK_EQ (nbd_is_read_only (pair[*(int *) number]), 0);
  return NULL;
}

static void
call_each_other (void *(*function) (void *), bool debug)
{
  static int numbers[2] = { 0, 1 };
  const char *server = nbdkit ("memory", "1M", NULL);
  pthread_t threads[2];

  CHECK_EQ (pthread_barrier_init (&both_inside, NULL, 2), 0);
  for (int i = 0; i < 2; ++i) {
    pair[i] = connect_to (server);
    CHECK_EQ (nbd_set_debug_callback (pair[i], (nbd_debug_callback) {
                                        .callback = call_the_other_and_tell,
                                        .user_data = &numbers[i]
                                      }), 0);
    CHECK_EQ (nbd_set_debug (pair[i], debug), 0);
  }
  for (int round = 0; round < 20; ++round) {
    refused = 0;
    for (int i = 0; i < 2; ++i)
      CHECK_EQ (pthread_create (&threads[i], NULL, function, &numbers[i]), 0);
    for (int i = 0; i < 2; ++i)
      CHECK_EQ (pthread_join (threads[i], NULL), 0);
    CHECK (refused <= 1);
  }
  for (int i = 0; i < 2; ++i)
    nbd_close (pair[i]);
}

CASE (two_threads_in_completion_callbacks)
{
  call_each_other (poll_mine, false);
}

CASE (two_threads_in_debug_callbacks)
{
  call_each_other (ask_mine, true);
}

/* One thread is in the debug callback, by way of a predicate, and calls the
 * handle; another one is inside the handle, and has a message for the
 * callback. */
static int inside, asking;

static int
call_back (void *handle, const char *context, const char *msg)
{
  (void) msg;
  if (strcmp (context, "nbd_aio_is_ready") != 0 || inside)
    return 0;
  __atomic_store_n (&inside, 1, __ATOMIC_SEQ_CST);
  while (!__atomic_load_n (&asking, __ATOMIC_SEQ_CST))
    usleep (100);
  usleep (50000);
  if (nbd_get_size (*(struct nbd_handle **) handle) == -1)
    check_refused ("nbd_get_size: ");
  return 0;
}

static void *
ask_when_inside (void *handle)
{
  while (!__atomic_load_n (&inside, __ATOMIC_SEQ_CST))
    usleep (100);
  __atomic_store_n (&asking, 1, __ATOMIC_SEQ_CST);
  CHECK_EQ (nbd_get_size (handle), SIZE);
  return NULL;
}

CASE (a_message_for_a_callback_that_waits_for_the_handle)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  pthread_t thread;

  CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
                                      .callback = call_back, .user_data = &h
                                    }), 0);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK_EQ (pthread_create (&thread, NULL, ask_when_inside, h), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  CHECK_EQ (inside, 1);
  nbd_close (h);
}
