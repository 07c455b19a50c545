/* Handles in several threads, and several threads on one handle. */
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

enum { THREADS = 8, ROUNDS = 50, REGION = 65536 };

static void
run_threads (void *(*function) (void *), void *const *arguments)
{
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_create (&threads[i], NULL, function, arguments[i]), 0);
  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
}

struct worker {
  struct nbd_handle *h;
  unsigned number;
  char names[ROUNDS][32];
};

static struct worker workers[THREADS];

static void
run_workers (void *(*function) (void *), struct nbd_handle *h)
{
  void *arguments[THREADS];

  for (unsigned i = 0; i < THREADS; ++i) {
    workers[i].h = h;
    workers[i].number = i;
    arguments[i] = &workers[i];
  }
  run_threads (function, arguments);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (a, b);
}

static void *
create_many (void *worker)
{
  struct worker *w = worker;

  for (int i = 0; i < ROUNDS; ++i) {
    struct nbd_handle *h = create ();
    char *name = nbd_get_handle_name (h);

    CHECK (name != NULL);
    snprintf (w->names[i], sizeof w->names[i], "%s", name);
    free (name);
    nbd_close (h);
  }
  return NULL;
}

CASE (handles_created_everywhere_have_names_of_their_own)
{
  static char names[THREADS * ROUNDS][32];

  run_workers (create_many, NULL);
  for (int i = 0; i < THREADS; ++i)
    memcpy (names[i * ROUNDS], workers[i].names, sizeof workers[i].names);
  qsort (names, THREADS * ROUNDS, sizeof names[0], compare_names);
  for (int i = 1; i < THREADS * ROUNDS; ++i)
    CHECK (strcmp (names[i - 1], names[i]) != 0);
}

/* Each thread has a region of the disk to itself. */
static void
check_region (struct worker *w, struct nbd_handle *h, int rounds)
{
  uint64_t offset = w->number * REGION;
  uint8_t *out = malloc (REGION), *in = malloc (REGION);

  CHECK (out != NULL && in != NULL);
  for (int i = 0; i < rounds; ++i) {
    size_t count = 1 + (size_t) (i * 7919) % REGION;

    fill (out, count, w->number * 1000 + (unsigned) i);
    CHECK_EQ (nbd_pwrite (h, out, count, offset, 0), 0);
    CHECK_EQ (nbd_pread (h, in, count, offset, 0), 0);
    CHECK (memcmp (in, out, count) == 0);
  }
  free (in);
  free (out);
}

static void *
use_shared_handle (void *worker)
{
  struct worker *w = worker;

  check_region (w, w->h, ROUNDS);
  return NULL;
}

CASE (one_handle_for_all)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  run_workers (use_shared_handle, h);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  nbd_close (h);
}

static const char *server;

static void *
use_own_handle (void *worker)
{
  struct worker *w = worker;
  struct nbd_handle *h = connect_to (server);

  check_region (w, h, ROUNDS);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  return NULL;
}

CASE (a_handle_for_each)
{
  server = nbdkit ("memory", "1M", NULL);
  run_workers (use_own_handle, NULL);
}

static void *
use_shared_handle_asynchronously (void *worker)
{
  enum { DEPTH = 8, PIECE = REGION / DEPTH };
  struct worker *w = worker;
  uint64_t offset = w->number * REGION;
  uint8_t *out = malloc (REGION), *in = malloc (REGION);
  int64_t cookies[DEPTH];

  CHECK (out != NULL && in != NULL);
  for (unsigned i = 0; i < ROUNDS; ++i) {
    fill (out, REGION, w->number * 1000 + i);
    for (int j = 0; j < DEPTH; ++j) {
      cookies[j] = nbd_aio_pwrite (w->h, out + j * PIECE, PIECE,
                                   offset + (unsigned) j * PIECE,
                                   NBD_NULL_COMPLETION, 0);
      CHECK (cookies[j] > 0);
    }
    for (int j = 0; j < DEPTH; ++j)
      /* Another thread may have received the reply: never wait for long. */
      for (int r = 0; r == 0; ) {
        r = nbd_aio_command_completed (w->h, (uint64_t) cookies[j]);
        CHECK (r >= 0);
        if (r == 0)
          CHECK (nbd_poll (w->h, 10) >= 0);
      }
    CHECK_EQ (nbd_pread (w->h, in, REGION, offset, 0), 0);
    CHECK (memcmp (in, out, REGION) == 0);
  }
  free (in);
  free (out);
  return NULL;
}

CASE (one_handle_for_all_asynchronously)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  run_workers (use_shared_handle_asynchronously, h);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  nbd_close (h);
}

/* ---- Errors ---- */

static void *
fail_in_its_own_way (void *worker)
{
  struct worker *w = worker;

  for (int i = 0; i < ROUNDS; ++i) {
    char byte;

    switch (w->number % 3) {
    case 0:
      CHECK_EQ (nbd_pread (w->h, &byte, 1, UINT64_MAX, 0), -1);
      CHECK_EQ (nbd_get_errno (), EINVAL);
      CHECK (strncmp (nbd_get_error (), "nbd_pread: ", 11) == 0);
      break;
    case 1:
      CHECK_EQ (nbd_pwrite (w->h, &byte, 1, UINT64_MAX, 0), -1);
      CHECK_EQ (nbd_get_errno (), ENOSPC);
      CHECK (strncmp (nbd_get_error (), "nbd_pwrite: ", 12) == 0);
      break;
    default:
      CHECK_EQ (nbd_kill_subprocess (w->h, 0), -1);
      CHECK_EQ (nbd_get_errno (), ESRCH);
      CHECK (strncmp (nbd_get_error (), "nbd_kill_subprocess: ", 21) == 0);
    }
  }
  return NULL;
}

CASE (errors_belong_to_their_thread)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  run_workers (fail_in_its_own_way, h);
  CHECK (nbd_get_error () == NULL);
  nbd_close (h);
}

/* ---- One thread waits, another looks on ---- */

static void *
read_slowly (void *handle)
{
  char byte;

  CHECK_EQ (nbd_pread (handle, &byte, 1, 0, 0), 0);
  return NULL;
}

/* The server answers only when a file appears, which this thread makes after
 * it has asked what may be asked at any time. */
CASE (predicates_do_not_wait)
{
  const char *reading = temp_path ("reading"), *go_on = temp_path ("go-on");
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 1048576",
             text ("pread=touch %s; while [ ! -e %s ]; do sleep 0.01; done; "
                   "printf x", reading, go_on), NULL));
  pthread_t thread;

  CHECK_EQ (pthread_create (&thread, NULL, read_slowly, h), 0);
  while (access (reading, F_OK) == -1)
    usleep (1000);
  CHECK_EQ (nbd_aio_is_created (h), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 0);
  CHECK (nbd_aio_is_ready (h) || nbd_aio_is_processing (h));
  CHECK (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_READ);
  CHECK_EQ (nbd_set_private_data (h, 42), 0);
  CHECK_EQ (nbd_get_private_data (h), 42);
  CHECK (nbd_get_version (h) != NULL);
  CHECK_EQ (mkdir (go_on, 0777), 0);
  CHECK_EQ (pthread_join (thread, NULL), 0);
  nbd_close (h);
}

/* ---- Threads of the library ---- */

static unsigned
running_threads (void)
{
  DIR *dir = opendir ("/proc/self/task");
  unsigned count = 0;

  CHECK (dir != NULL);
  for (struct dirent *e; (e = readdir (dir)) != NULL; )
    count += e->d_name[0] != '.';
  closedir (dir);
  return count;
}

CASE (the_library_starts_none)
{
  unsigned before = running_threads ();
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  char *argv[] = { "nbdkit", "-s", "memory", "1M", NULL };
  struct nbd_handle *other = create ();
  char buf[512];

  CHECK_EQ (nbd_connect_command (other, argv), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (nbd_pread (other, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (running_threads (), before);
  nbd_close (other);
  nbd_close (h);
}
