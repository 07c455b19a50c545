/* Batches: requests that leave together, and calls that end many commands. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

#include <libnbdx.h>
#include <poll.h>
#include <sys/epoll.h>

/* More than leave in one send. */
enum { COMMANDS = 200, SIZE = 4096 };

static uint8_t buf[COMMANDS][SIZE], wanted[COMMANDS][SIZE];
static unsigned ended;
static int expected_error;

static int
count_end (void *unused, int *error)
{
  (void) unused;
  CHECK_EQ (*error, expected_error);
  ended++;
  return 1;
}

static const nbd_completion_callback counted = { .callback = count_end };

static struct nbd_handle *
in_batches (const char *socket)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_batch (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, socket), 0);
  ended = 0;
  return h;
}

static void
start_reads (struct nbd_handle *h, unsigned count)
{
  for (unsigned i = 0; i < count; ++i)
    CHECK (nbd_aio_pread (h, buf[i], SIZE, i * SIZE, counted, 0) > 0);
}

static void
start_writes (struct nbd_handle *h, unsigned count)
{
  for (unsigned i = 0; i < count; ++i) {
    fill (wanted[i], SIZE, i + 1);
    CHECK (nbd_aio_pwrite (h, wanted[i], SIZE, i * SIZE, counted, 0) > 0);
  }
}

/* Nothing has left since then, and the direction says so. */
static void
check_held_back (struct nbd_handle *h, uint64_t sent, unsigned count)
{
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
  CHECK_EQ (nbd_aio_in_flight (h), count);
  CHECK_EQ (nbd_aio_get_direction (h),
            LIBNBD_AIO_DIRECTION_READ | LIBNBD_AIO_DIRECTION_WRITE);
  CHECK_EQ (ended, 0);
}

CASE (setting)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_get_batch (h), 0);
  CHECK_EQ (nbdx_set_batch (h, true), 0);
  CHECK_EQ (nbdx_get_batch (h), 1);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_EQ (nbdx_set_batch (h, false), 0);
  CHECK_EQ (nbdx_get_batch (h), 0);
  CHECK_EQ (nbdx_set_batch (h, true), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbdx_get_batch (h), 1);
  CHECK_EQ (nbdx_set_batch (h, false), 0);
  nbd_close (h);
  CHECK_ERR (nbdx_set_batch (NULL, true), EFAULT);
  CHECK_ERR (nbdx_get_batch (NULL), EFAULT);
}

CASE (environment)
{
  static const struct { const char *value; int batch; } table[] = {
    { NULL, 0 }, { "1", 1 }, { "0", 0 }, { "", 0 }, { "yes", 0 }, { "11", 0 },
  };

  for (unsigned i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h;

    situation ("LIBNBDX_BATCH=%s", table[i].value ? table[i].value : "(unset)");
    if (table[i].value)
      setenv ("LIBNBDX_BATCH", table[i].value, 1);
    else
      unsetenv ("LIBNBDX_BATCH");
    h = create ();
    CHECK_EQ (nbdx_get_batch (h), table[i].batch);
    /* It is read once, and the program has the last word. */
    setenv ("LIBNBDX_BATCH", table[i].batch ? "0" : "1", 1);
    CHECK_EQ (nbdx_get_batch (h), table[i].batch);
    CHECK_EQ (nbdx_set_batch (h, !table[i].batch), 0);
    CHECK_EQ (nbdx_get_batch (h), !table[i].batch);
    nbd_close (h);
  }
}

CASE (nothing_leaves_before_poll)
{
  struct nbd_handle *h = in_batches (nbdkit ("memory", "1M", NULL));
  uint64_t sent = nbd_stats_bytes_sent (h);

  start_writes (h, COMMANDS);
  check_held_back (h, sent, COMMANDS);
  CHECK_EQ (nbd_poll (h, 5000), 1);
  CHECK (nbd_stats_bytes_sent (h) > sent);
  drain (h);
  CHECK_EQ (ended, COMMANDS);
  ended = 0;
  sent = nbd_stats_bytes_sent (h);
  start_reads (h, COMMANDS);
  check_held_back (h, sent, COMMANDS);
  drain (h);
  CHECK (memcmp (buf, wanted, sizeof buf) == 0);
  nbd_close (h);
}

/* The same without batches, so that the test above means something. */
CASE (without_batches_they_leave_at_once)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  uint64_t sent = nbd_stats_bytes_sent (h);

  start_reads (h, 1);
  CHECK (nbd_stats_bytes_sent (h) > sent);
  drain (h);
  nbd_close (h);
}

CASE (one_call_ends_many)
{
  static const char *const styles[] = { "simple", "structured" };

  for (unsigned s = 0; s < 2; ++s) {
    char *script = text ("handshake\n");
    struct nbd_handle *h;
    unsigned calls = 0;

    situation ("%s", styles[s]);
    for (unsigned i = 0; i < 8; ++i)
      script = text ("%sread-request READ\n", script);
    for (unsigned i = 0; i < 8; ++i)
      script = s == 0 ? text ("%ssimple @%u 0 fill:07*4096\n", script, i + 1)
        : text ("%schunk @%u DONE OFFSET_DATA u64:%u fill:07*4096\n", script, i + 1, i * SIZE);
    h = in_batches (scripted (text ("%swait-eof\n", script), "--replies", styles[s], NULL));
    start_reads (h, 8);
    /* Sends; the answers come to a socket that nobody reads. */
    CHECK_EQ (nbd_aio_notify_write (h), 0);
    for (int i = 0; i < 500; ++i) {
      struct pollfd p = { .fd = nbd_aio_get_fd (h), .events = POLLIN };

      CHECK (poll (&p, 1, 5000) >= 0);
      usleep (1000);
    }
    while (ended < 8) {
      CHECK_EQ (nbd_poll (h, 5000), 1);
      calls++;
    }
    CHECK (calls < 8);
    CHECK (all_bytes (buf, 8 * SIZE, 7));
    nbd_close (h);
    check_script ();
  }
}

/* Main loops of the caller. */
CASE (loops)
{
  const char *socket = nbdkit ("memory", "1M", NULL);

  for (unsigned kind = 0; kind < 3; ++kind) {
    struct nbd_handle *h = in_batches (socket);
    int epoll = epoll_create1 (EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

    situation ("%s", kind == 0 ? "poll" : kind == 1 ? "epoll" : "notify_read first");
    CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, nbd_aio_get_fd (h), &event), 0);
    start_reads (h, COMMANDS);
    if (kind == 2)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    while (nbd_aio_in_flight (h) > 0) {
      unsigned direction = nbd_aio_get_direction (h);
      short ready;

      if (kind == 1) {
        event.events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0)
          | (direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0);
        CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_MOD, nbd_aio_get_fd (h), &event), 0);
        CHECK_EQ (epoll_wait (epoll, &event, 1, 5000), 1);
        ready = (event.events & EPOLLIN ? POLLIN : 0) | (event.events & EPOLLOUT ? POLLOUT : 0);
      }
      else {
        struct pollfd p = { .fd = nbd_aio_get_fd (h) };

        p.events = (direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0)
          | (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0);
        CHECK_EQ (poll (&p, 1, 5000), 1);
        ready = p.revents;
      }
      if (ready & POLLIN)
        CHECK_EQ (nbd_aio_notify_read (h), 0);
      else
        CHECK_EQ (nbd_aio_notify_write (h), 0);
    }
    CHECK_EQ (ended, COMMANDS);
    close (epoll);
    nbd_close (h);
  }
}

CASE (calls_that_wait_send_it)
{
  struct nbd_handle *h = in_batches (nbdkit ("memory", "1M", NULL));
  uint8_t block[SIZE];

  start_writes (h, 10);
  CHECK_EQ (nbd_pread (h, block, SIZE, 512 * 1024, 0), 0);
  CHECK_EQ (nbd_flush (h, 0), 0);
  drain (h);
  CHECK_EQ (ended, 10);
  for (unsigned i = 0; i < 10; ++i) {
    CHECK_EQ (nbd_pread (h, block, SIZE, i * SIZE, 0), 0);
    CHECK (memcmp (block, wanted[i], SIZE) == 0);
  }
  nbd_close (h);
}

CASE (turning_them_off_sends_it)
{
  struct nbd_handle *h = in_batches (nbdkit ("memory", "1M", NULL));
  uint64_t sent = nbd_stats_bytes_sent (h);

  start_reads (h, 10);
  check_held_back (h, sent, 10);
  CHECK_EQ (nbdx_set_batch (h, true), 0);
  check_held_back (h, sent, 10);
  CHECK_EQ (nbdx_set_batch (h, false), 0);
  CHECK (nbd_stats_bytes_sent (h) > sent);
  drain (h);
  CHECK_EQ (ended, 10);
  nbd_close (h);
}

/* What is written last is not lost, although no call moves bytes any more. */
CASE (a_disconnect_sends_it)
{
  /* With several threads, nbdkit may see the disconnect before it has finished,
   * and then fails what is left. */
  const char *socket = nbdkit ("--threads=1", "memory", "1M", NULL);

  for (unsigned kind = 0; kind < 2; ++kind) {
    struct nbd_handle *h = in_batches (socket);

    situation ("%s", kind ? "shutdown" : "aio_disconnect");
    CHECK_EQ (nbd_zero (h, COMMANDS * SIZE, 0, 0), 0);
    start_writes (h, 20);
    if (kind == 0) {
      uint64_t sent = nbd_stats_bytes_sent (h);

      CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
      CHECK (nbd_stats_bytes_sent (h) > sent + 20 * SIZE);
      wait_for_end (h);
    }
    else
      CHECK_EQ (nbd_shutdown (h, 0), 0);
    CHECK_EQ (ended, 20);
    nbd_close (h);
    h = in_batches (socket);
    start_reads (h, 20);
    drain (h);
    CHECK (memcmp (buf, wanted, 20 * SIZE) == 0);
    nbd_close (h);
  }
}

CASE (what_has_not_been_sent_is_given_up)
{
  const char *socket = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = in_batches (socket);

  expected_error = ENOTCONN;
  start_writes (h, 20);
  CHECK_EQ (nbd_shutdown (h, LIBNBD_SHUTDOWN_ABANDON_PENDING), 0);
  CHECK_EQ (ended, 20);
  nbd_close (h);
  h = in_batches (socket);
  start_writes (h, 20);
  nbd_close (h);
  CHECK_EQ (ended, 20);
  expected_error = 0;
  h = in_batches (socket);
  start_reads (h, 20);
  drain (h);
  CHECK (all_bytes (buf, 20 * SIZE, 0));
  nbd_close (h);
}

/* A server that is gone: the failure shows where bytes move. */
CASE (a_server_that_has_left)
{
  struct nbd_handle *h = in_batches (nbdkit ("memory", "1M", NULL));

  kill_servers ();
  expected_error = ENOTCONN;
  start_writes (h, 20);
  CHECK_EQ (ended, 0);
  wait_for_end (h);
  CHECK_EQ (ended, 20);
  nbd_close (h);
}

/* More than the socket takes at once. */
CASE (large_writes)
{
  enum { LARGE = 256 * 1024, COUNT = 64 };
  static uint8_t large[COUNT][LARGE], back[LARGE];
  struct nbd_handle *h = in_batches (nbdkit ("memory", "16M", NULL));

  for (unsigned i = 0; i < COUNT; ++i) {
    fill (large[i], LARGE, i);
    CHECK (nbd_aio_pwrite (h, large[i], LARGE, i * LARGE, counted, 0) > 0);
  }
  drain (h);
  CHECK_EQ (ended, COUNT);
  for (unsigned i = 0; i < COUNT; ++i) {
    CHECK_EQ (nbd_pread (h, back, LARGE, i * LARGE, 0), 0);
    CHECK (memcmp (back, large[i], LARGE) == 0);
  }
  nbd_close (h);
}
