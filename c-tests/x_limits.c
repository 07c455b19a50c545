/* Time limits: setting them, and waiting for a server that is connected. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "support/clock.h"

#include <fcntl.h>
#include <libnbdx.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* A limit that a server exceeds, and everything else keeps: under valgrind that
 * takes longer. */
#define SHORT (under_valgrind () ? 1500 : 60)

static uint8_t buf[65536], other[65536];

static void
limit (struct nbd_handle *h, int which, int64_t milliseconds)
{
  CHECK_EQ (nbdx_set_timeout (h, which, milliseconds), 0);
}

/* ---- The settings ---- */

CASE (setting)
{
  static const int64_t good[] = { 1, 1000, INT64_C (3153600000000), INT64_MAX, 0 };
  struct nbd_handle *h = create ();

  for (int which = NBDX_TIMEOUT_CONNECT; which <= NBDX_TIMEOUT_SILENCE; ++which) {
    CHECK_EQ (nbdx_get_timeout (h, which), 0);
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; ++i) {
      limit (h, which, good[i]);
      CHECK_EQ (nbdx_get_timeout (h, which), good[i]);
    }
    limit (h, which, which * 1000);
    CHECK_ERR (nbdx_set_timeout (h, which, -1), EINVAL);
    CHECK_ERR (nbdx_set_timeout (h, which, INT64_MIN), EINVAL);
  }
  for (int which = NBDX_TIMEOUT_CONNECT; which <= NBDX_TIMEOUT_SILENCE; ++which)
    CHECK_EQ (nbdx_get_timeout (h, which), which * 1000);
  CHECK_ERR (nbdx_set_timeout (h, 0, 1), EINVAL);
  CHECK_ERR (nbdx_set_timeout (h, 4, 1), EINVAL);
  CHECK_ERR (nbdx_get_timeout (h, -1), EINVAL);
  CHECK_ERR (nbdx_set_timeout (NULL, NBDX_TIMEOUT_CALL, 1), EFAULT);
  CHECK_ERR (nbdx_get_timeout (NULL, NBDX_TIMEOUT_CALL), EFAULT);
  CHECK_ERR (nbdx_aio_get_timeout (NULL), EFAULT);
  CHECK_ERR (nbdx_aio_notify_timeout (NULL), EFAULT);
  CHECK_ERR (nbdx_aio_cancel_command (NULL, 1), EFAULT);
  /* Nothing is in progress. */
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  nbd_close (h);
}

/* In any state, and without any effect on what is in time. */
CASE (servers_in_time)
{
  const char *sockets[] = {
    nbdkit ("memory", "1M", "--filter=delay", "rdelay=20ms", NULL),
    qemu_nbd (temp_disk ("disk", 1 << 20), NULL),
    embedded ("--size", "1M", NULL),
  };

  for (unsigned i = 0; i < sizeof sockets / sizeof sockets[0]; ++i) {
    struct nbd_handle *h = create ();

    limit (h, NBDX_TIMEOUT_CONNECT, 60000);
    limit (h, NBDX_TIMEOUT_CALL, INT64_MAX);
    limit (h, NBDX_TIMEOUT_SILENCE, 60000);
    CHECK_EQ (nbd_connect_unix (h, sockets[i]), 0);
    check_works (h);
    limit (h, NBDX_TIMEOUT_CALL, INT64_C (3153600000000));
    check_works (h);
    CHECK_EQ (nbdx_aio_get_timeout (h), -1);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    limit (h, NBDX_TIMEOUT_CALL, 0);
    CHECK_EQ (nbdx_aio_get_timeout (h), -1);
    nbd_close (h);
  }
}

CASE (environment)
{
  const char *log = temp_path ("log");
  struct nbd_handle *h;
  int err = dup (STDERR_FILENO), fd = open (log, O_CREAT|O_RDWR, 0666);

  setenv ("LIBNBDX_CONNECT_TIMEOUT", "2000", 1);
  setenv ("LIBNBDX_CALL_TIMEOUT", "9223372036854775807", 1);
  setenv ("LIBNBDX_SILENCE_TIMEOUT", "0", 1);
  h = create ();
  CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_CONNECT), 2000);
  CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_CALL), INT64_MAX);
  CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_SILENCE), 0);
  setenv ("LIBNBDX_CONNECT_TIMEOUT", "1", 1);
  CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_CONNECT), 2000);
  nbd_close (h);
  CHECK_EQ (dup2 (fd, STDERR_FILENO), STDERR_FILENO);
  setenv ("LIBNBD_DEBUG", "1", 1);
  static const char *const wrong[] = { "", "-1", "1s", " 1", "9223372036854775808", "0x10" };
  for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    setenv ("LIBNBDX_CONNECT_TIMEOUT", wrong[i], 1);
    h = create ();
    CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_CONNECT), 0);
    CHECK_EQ (nbdx_get_timeout (h, NBDX_TIMEOUT_CALL), INT64_MAX);
    nbd_close (h);
  }
  CHECK_EQ (dup2 (err, STDERR_FILENO), STDERR_FILENO);
  CHECK_EQ (close (err) + close (fd), 0);
  CHECK (strstr (contents (log), "LIBNBDX_CONNECT_TIMEOUT is ignored: \"1s\"") != NULL);
}

/* ---- Commands ---- */

/* What comes late is dropped, and the memory is not touched: it is freed at once,
 * which valgrind watches, and used for something else. */
static const struct late {
  const char *replies;
  const char *in_time, *late[4], *next;
} late_reads[] = {
  { "simple", "", { "send u32:0x67446698 u32:0", "send cookie:1 fill:7*100", "send fill:7*65000",
                    "send fill:7*436" }, "simple @2 0 fill:9*65536" },
  { "simple", "simple @1 0 fill:7*30000",
    { "send fill:7*1", "send fill:7*20000", "send fill:7*15000", "send fill:7*535" },
    "simple @2 0 fill:9*65536" },
  { "simple", "send u32:0x67446698", { "send u32:0 cookie:1", "send fill:7*65535",
                                       "send fill:7*1", "sleep 1" },
    "simple @2 0 fill:9*65536" },
  { "simple", "", { "simple @1 EIO", "sleep 1", "sleep 1", "sleep 1" },
    "simple @2 0 fill:9*65536" },
  { "structured", "", { "chunk @1 0 OFFSET_DATA u64:0 fill:7*30000",
                        "chunk @1 0 OFFSET_HOLE u64:30000 u32:536",
                        "chunk @1 0 OFFSET_DATA u64:30536 fill:7*35000", "chunk @1 DONE NONE" },
    "chunk @2 DONE OFFSET_DATA u64:0 fill:9*65536" },
  { "structured", "send u32:0x668e33ef u16:0 u16:1 cookie:1 u32:30008 u64:0 fill:7*10000",
    { "send fill:7*19999", "send fill:7*1", "chunk @1 0 ERROR u32:5 u16:3 \"bad\"",
      "chunk @1 DONE NONE" }, "chunk @2 DONE OFFSET_DATA u64:0 fill:9*65536" },
  { "structured", "chunk @1 0 OFFSET_DATA u64:0 fill:7*30000",
    { "send u32:0x668e33ef u16:1 u16:1 cookie:1 u32:35544", "send u64:30000 fill:7*35000",
      "send fill:7*536", "sleep 1" }, "chunk @2 DONE OFFSET_DATA u64:0 fill:9*65536" },
  { "extended", "ext-chunk @1 0 OFFSET_DATA = u64:0 fill:7*30000",
    { "ext-chunk @1 0 OFFSET_HOLE = u64:30000 u32:5536",
      "ext-chunk @1 0 OFFSET_DATA = u64:35536 fill:7*30000",
      "ext-chunk @1 DONE ERROR_OFFSET = u32:5 u16:0 u64:77", "sleep 1" },
    "ext-chunk @2 DONE OFFSET_DATA = u64:0 fill:9*65536" },
};

static int
no_chunk_after (void *user_data, const void *data, size_t count, uint64_t offset, unsigned status,
                int *error)
{
  (void) data, (void) count, (void) offset, (void) status, (void) error;
  ++*(int *) user_data;
  return 0;
}

static void
check_late_reads (bool structured, bool sanitised)
{
  for (unsigned i = 0; i < sizeof late_reads / sizeof late_reads[0]; ++i) {
    const struct late *late = &late_reads[i];
    struct nbd_handle *h = connect_to
      (scripted (text ("handshake\nread-request READ\n%s\nread-request READ\n"
                       "%s\nsleep 5\n%s\nsleep 5\n%s\nsleep 5\n%s\n%s\n"
                       "read-request DISC\nexpect-eof\n", late->in_time, late->late[0],
                       late->late[1], late->late[2], late->late[3], late->next),
                 "--replies", late->replies, NULL));
    uint8_t *buffer = malloc (sizeof buf), *again;
    int chunks = 0, seen;

    situation ("%s, %u, %s", late->replies, i, structured ? "structured" : "plain");
    CHECK_EQ (nbd_set_pread_initialize (h, sanitised), 0);
    limit (h, NBDX_TIMEOUT_CALL, SHORT);
    CHECK (buffer != NULL);
    if (structured) {
      CHECK_LATE (nbd_pread_structured (h, buffer, sizeof buf, 0,
                                        (nbd_chunk_callback) { .callback = no_chunk_after,
                                                               .user_data = &chunks }, 0),
                  SHORT, "the reply to a read command (NBDX_TIMEOUT_CALL)");
    }
    else
      CHECK_LATE (nbd_pread (h, buffer, sizeof buf, 0, 0), SHORT,
                  "the reply to a read command (NBDX_TIMEOUT_CALL)");
    seen = chunks;
    memset (buffer, 3, sizeof buf);
    free (buffer);
    again = malloc (sizeof buf);
    CHECK (again != NULL);
    memset (again, 4, sizeof buf);
    CHECK_EQ (nbd_aio_in_flight (h), 0);
    limit (h, NBDX_TIMEOUT_CALL, 60000);
    CHECK_EQ (nbd_pread (h, other, sizeof other, 0, 0), 0);
    CHECK (all_bytes (other, sizeof other, 9));
    CHECK (all_bytes (again, sizeof buf, 4));
    CHECK_EQ (chunks, seen);
    free (again);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
    check_script ();
  }
}

CASE (late_replies_to_reads)
{
  check_late_reads (false, true);
}

CASE (late_replies_to_reads_without_zeroes)
{
  check_late_reads (false, false);
}

CASE (late_replies_to_structured_reads)
{
  check_late_reads (true, true);
}

static int
some_extents (void *user_data, const char *context, uint64_t offset, nbd_extent *extents,
              size_t nr_extents, int *error)
{
  (void) context, (void) offset, (void) extents, (void) nr_extents, (void) error;
  ++*(int *) user_data;
  return 0;
}

/* The closure and what it refers to are gone when the call has failed. */
CASE (late_extents)
{
  static const char *const parts[][2] = {
    { "", "chunk @1 0 BLOCK_STATUS u32:1 u32:512 u32:0\nchunk @1 DONE NONE" },
    { "send u32:0x668e33ef u16:1 u16:5 cookie:1 u32:20 u32:1 u32:512 u32:0",
      "send u32:512\nsleep 5\nsend u32:1" },
    { "chunk @1 0 ERROR u32:5 u16:0", "chunk @1 DONE NONE" },
  };

  for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
    struct nbd_handle *h = create ();
    int *calls = calloc (1, sizeof *calls);

    situation ("%u", i);
    CHECK_EQ (nbd_add_meta_context (h, LIBNBD_CONTEXT_BASE_ALLOCATION), 0);
    CHECK_EQ (nbd_connect_unix
              (h, scripted (text ("handshake\nread-request BLOCK_STATUS\n%s\n"
                                  "read-request FLUSH\n%s\nchunk @2 DONE NONE\nwait-eof\n",
                                  parts[i][0], parts[i][1]), "--replies", "structured", NULL)), 0);
    limit (h, NBDX_TIMEOUT_CALL, SHORT);
    CHECK_LATE (nbd_block_status_64 (h, 1024, 0,
                                     (nbd_extent64_callback) { .callback = some_extents,
                                                               .user_data = calls, .free = free },
                                     0), SHORT, "block-status");
    limit (h, NBDX_TIMEOUT_CALL, 60000);
    CHECK_EQ (nbd_flush (h, 0), 0);
    nbd_close (h);
    check_script ();
  }
}

/* All other commands: what is late is an acknowledgement. */
CASE (late_acknowledgements)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request WRITE\nread-request TRIM\nread-request WRITE_ZEROES\n"
               "read-request CACHE\nread-request FLUSH\n"
               "chunk @3 DONE NONE\nchunk @1 DONE ERROR u32:28 u16:0\nchunk @4 DONE NONE\n"
               "chunk @2 DONE NONE\nchunk @5 DONE NONE\nwait-eof\n",
               "--replies", "structured", NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_LATE (nbd_pwrite (h, buf, 512, 0, 0), SHORT, "write");
  CHECK_LATE (nbd_trim (h, 512, 0, 0), SHORT, "trim");
  CHECK_LATE (nbd_zero (h, 512, 0, 0), SHORT, "write-zeroes");
  CHECK_LATE (nbd_cache (h, 512, 0, 0), SHORT, "cache");
  limit (h, NBDX_TIMEOUT_CALL, 60000);
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  nbd_close (h);
  check_script ();
}

/* Asynchronous commands: poll wakes by itself, and ends one at a time. */
CASE (asynchronous_commands)
{
  struct record done[3] = { { 0 }, { .result = 1 }, { 0 } };
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nread-request READ\nread-request READ\nwait-eof\n",
               NULL));
  int64_t cookies[3];

  start_clock ();
  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  for (unsigned i = 0; i < 3; ++i)
    cookies[i] = nbd_aio_pread (h, buf, 512, 512 * i, completion (&done[i]), 0);
  CHECK_EQ (nbd_aio_in_flight (h), 3);
  CHECK_EQ (nbd_poll (h, 0), 0);
  for (unsigned i = 0; i < 3; ++i) {
    CHECK_EQ (done[i].calls, 0);
    CHECK_EQ (nbd_poll (h, -1), 1);
    CHECK_CLOCK (SHORT);
    CHECK_EQ (done[i].calls, 1);
    CHECK_EQ (done[i].error, ETIMEDOUT);
    CHECK_EQ (nbd_aio_in_flight (h), 2 - (int) i);
  }
  CHECK_EQ (done[1].frees, 1);
  CHECK_EQ (nbd_aio_command_completed (h, cookies[1]), 0);
  CHECK_ERR (nbd_aio_command_completed (h, cookies[0]), ETIMEDOUT);
  CHECK_WORDS ("NBDX_TIMEOUT_CALL");
  CHECK_EQ (nbd_aio_peek_command_completed (h), cookies[2]);
  CHECK_ERR (nbd_aio_command_completed (h, cookies[2]), ETIMEDOUT);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK_EQ (done[0].frees, 1);
  CHECK_EQ (done[2].frees, 1);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  /* The timeout of the call itself is what counts if it is shorter. */
  CHECK_EQ (nbd_poll (h, 0), 0);
  CHECK_EQ (nbd_poll2 (h, -1, 10), 0);
  nbd_close (h);
  check_script ();
}

CASE (limit_set_in_flight)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));
  int64_t cookie = nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0);

  CHECK_EQ (nbd_poll (h, 2 * SHORT), 0);
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  start_clock ();
  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_EQ (nbd_poll (h, 0), 0);
  CHECK (nbdx_aio_get_timeout (h) > 0 && nbdx_aio_get_timeout (h) <= SHORT);
  /* And again. */
  limit (h, NBDX_TIMEOUT_CALL, 2 * SHORT);
  CHECK_EQ (nbd_poll (h, 5000), 1);
  CHECK_CLOCK (2 * SHORT);
  CHECK_ERR (nbd_aio_command_completed (h, cookie), ETIMEDOUT);
  nbd_close (h);
  check_script ();
}

CASE (no_limit_any_more)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nsleep 300\n"
                                               "simple 0 fill:5*512\nwait-eof\n",
                                               "--replies", "simple", NULL));
  int64_t cookie;

  limit (h, NBDX_TIMEOUT_CALL, 50);
  limit (h, NBDX_TIMEOUT_SILENCE, 50);
  cookie = nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0);
  limit (h, NBDX_TIMEOUT_CALL, 0);
  limit (h, NBDX_TIMEOUT_SILENCE, 0);
  CHECK_EQ (finish (h, cookie), 1);
  nbd_close (h);
  check_script ();
}

CASE (shortest_limit)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, 1);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), 1, "read");
  nbd_close (h);
  check_script ();
}

/* Several thousand replies are owed, and come. */
CASE (a_thousand_given_up)
{
  enum { MANY = 1000 };
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nsleep 1500\nserve\n", "--size", "1M", "--pattern", NULL));
  int64_t last = 0;

  limit (h, NBDX_TIMEOUT_CALL, 300);
  for (int i = 0; i < MANY; ++i) {
    int64_t cookie = nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0);

    CHECK (cookie > last);
    last = cookie;
  }
  drain (h);
  for (int64_t cookie = 1; cookie <= last; ++cookie)
    CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), ETIMEDOUT);
  memset (buf, 0, sizeof buf);
  limit (h, NBDX_TIMEOUT_CALL, 60000);
  CHECK (nbd_aio_pread (h, other, sizeof other, 0, NBD_NULL_COMPLETION, 0) > last);
  drain (h);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) last + 1), 1);
  CHECK (all_bytes (buf, sizeof buf, 0));
  CHECK (!all_bytes (other, 512, 0));
  for (int i = 0; i < MANY; ++i)
    CHECK_EQ (nbd_pread (h, buf, 512, 0, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
}

CASE (closed_with_replies_owed)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), SHORT, "read");
  nbd_close (h);
  check_script ();
}

/* The server hangs up with a reply owed. */
CASE (server_leaves_with_replies_owed)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\n"
                                               "read-request FLUSH\nclose\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), SHORT, "read");
  limit (h, NBDX_TIMEOUT_CALL, 60000);
  CHECK_ERR (nbd_flush (h, 0), ENOTCONN);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  nbd_close (h);
  check_script ();
}

/* A request of which a part has been sent cannot be left behind; those that
 * wait behind it can. */
CASE (partly_sent)
{
  enum { LARGE = 32 << 20 };
  uint8_t *large = calloc (1, LARGE);
  struct record first = { 0 }, second = { 0 };
  struct nbd_handle *h = connect_to (scripted ("handshake\nsleep 60000\n", "--size", "64M", NULL));
  int64_t cookies[2];

  CHECK (large != NULL);
  cookies[0] = nbd_aio_pwrite (h, large, LARGE, 0, completion (&first), 0);
  cookies[1] = nbd_aio_pwrite (h, large, LARGE, 0, completion (&second), 0);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookies[1]), 0);
  CHECK_EQ (second.error, ECANCELED);
  CHECK_EQ (nbd_aio_in_flight (h), 1);
  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  cookies[1] = nbd_aio_flush (h, completion (&second), 0);
  start_clock ();
  while (first.calls == 0)
    nbd_poll (h, 10);
  CHECK_CLOCK (SHORT - 20);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (first.error, ETIMEDOUT);
  CHECK_EQ (second.error, ETIMEDOUT);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookies[0]), ETIMEDOUT);
  CHECK_WORDS ("the reply to a write command");
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookies[1]), ETIMEDOUT);
  free (large);
  nbd_close (h);
  kill_servers ();
}

CASE (partly_sent_by_a_call_that_waits)
{
  enum { LARGE = 32 << 20 };
  uint8_t *large = calloc (1, LARGE);
  struct nbd_handle *h = connect_to (scripted ("handshake\nsleep 60000\n", "--size", "64M", NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK (large != NULL);
  CHECK_LATE (nbd_pwrite (h, large, LARGE, 0, 0), SHORT, "write");
  free (large);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  kill_servers ();
}

/* ---- Shutdown and options ---- */

CASE (shutting_down)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request DISC\nsleep 60000\n",
                                               NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_LATE (nbd_shutdown (h, 0), SHORT, "the server to close the connection");
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  /* With a read that is late as well, and then the server goes. */
  h = connect_to (scripted ("handshake\nread-request READ\nread-request DISC\nsleep 200\n"
                            "simple @1 0 fill:1*512\nclose\n", "--replies", "simple", NULL));
  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), SHORT, "read");
  limit (h, NBDX_TIMEOUT_CALL, 60000);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  kill_servers ();
}

#define CHECK_LATE_OPTION(call, name)                                     \
  do {                                                                    \
    struct nbd_handle *h =                                                \
      negotiate_by ("read-option\nsend OPTREPLY\nwait-eof\n");           \
                                                                          \
    limit (h, NBDX_TIMEOUT_CALL, SHORT);                                  \
    CHECK_EQ (nbdx_aio_get_timeout (h), -1);                              \
    CHECK_LATE (call, SHORT, "the server's answer to " name               \
                " (NBDX_TIMEOUT_CALL)");                                  \
    CHECK_EQ (nbd_aio_is_dead (h), 1);                                    \
    nbd_close (h);                                                        \
    kill_servers ();                                                      \
  } while (0)

CASE (options)
{
  struct record done = { 0 };

  CHECK_LATE_OPTION (nbd_opt_go (h), "NBD_OPT_GO");
  CHECK_LATE_OPTION (nbd_opt_info (h), "NBD_OPT_INFO");
  CHECK_LATE_OPTION (nbd_opt_structured_reply (h), "NBD_OPT_STRUCTURED_REPLY");
  CHECK_LATE_OPTION (nbd_opt_extended_headers (h), "NBD_OPT_EXTENDED_HEADERS");
  CHECK_LATE_OPTION (nbd_opt_starttls (h), "NBD_OPT_STARTTLS");
  CHECK_LATE_OPTION (nbd_opt_list (h, exports (&done)), "NBD_OPT_LIST");
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 1);
}

CASE (options_without_waiting)
{
  struct record done = { 0 };
  struct nbd_handle *h = negotiate_by ("read-option\nwait-eof\n");

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  start_clock ();
  CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
  CHECK_ERR (nbd_poll (h, -1), ETIMEDOUT);
  CHECK_CLOCK (SHORT);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, ETIMEDOUT);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_script ();
  /* SILENCE counts as well. */
  h = negotiate_by ("read-option\nwait-eof\n");
  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  usleep (2000u * SHORT);
  CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  CHECK_LATE (nbd_opt_go (h), SHORT, "NBD_OPT_GO (NBDX_TIMEOUT_SILENCE)");
  nbd_close (h);
  check_script ();
}

/* ---- Silence ---- */

CASE (silence)
{
  struct record done[2] = { { 0 }, { 0 } };
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nread-request READ\nwait-eof\n", NULL));
  int64_t cookies[2];

  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  /* Nothing is owed. */
  CHECK_EQ (nbd_poll (h, 2 * SHORT), 0);
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  start_clock ();
  for (unsigned i = 0; i < 2; ++i)
    cookies[i] = nbd_aio_pread (h, buf, 512, 0, completion (&done[i]), 0);
  CHECK (nbdx_aio_get_timeout (h) > 0);
  CHECK_ERR (nbd_poll (h, -1), ETIMEDOUT);
  CHECK_CLOCK (SHORT);
  CHECK_WORDS ("the reply to a read command (NBDX_TIMEOUT_SILENCE)");
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  for (unsigned i = 0; i < 2; ++i) {
    CHECK_EQ (done[i].error, ETIMEDOUT);
    CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookies[i]), ETIMEDOUT);
    CHECK_WORDS ("NBDX_TIMEOUT_SILENCE");
  }
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  nbd_close (h);
  check_script ();
}

/* A script that sends these bytes one by one. */
static char *
dribble (const char *first, unsigned count, int interval)
{
  char *script = text ("%s", first);

  for (unsigned i = 0; i < count; ++i)
    script = text ("%ssleep %d\nsend 05\n", script, interval);
  return script;
}

/* A server that dribbles is not silent, but it is late. */
CASE (dribbling_replies)
{
  struct nbd_handle *h = connect_to
    (scripted (dribble ("handshake\nread-request READ\nsimple 0 05\n", 30, 20),
               "--replies", "simple", NULL));

  limit (h, NBDX_TIMEOUT_SILENCE, 400);
  CHECK_EQ (nbd_pread (h, buf, 31, 0, 0), 0);
  nbd_close (h);
  h = connect_to (scripted (dribble ("handshake\nread-request READ\nsimple 0 05\n", 200, 20),
                            "--replies", "simple", NULL));
  limit (h, NBDX_TIMEOUT_SILENCE, 1000);
  limit (h, NBDX_TIMEOUT_CALL, 200);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), 200, "NBDX_TIMEOUT_CALL");
  CHECK_EQ (nbd_aio_is_ready (h) + nbd_aio_is_processing (h), 1);
  nbd_close (h);
  kill_servers ();
}

/* What has been given up is still owed. */
CASE (silence_after_giving_up)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, SHORT);
  limit (h, NBDX_TIMEOUT_SILENCE, 4 * SHORT);
  start_clock ();
  CHECK_ERR (nbd_pread (h, buf, 512, 0, 0), ETIMEDOUT);
  CHECK_ERR (nbd_poll (h, -1), ETIMEDOUT);
  CHECK_CLOCK (4 * SHORT);
  CHECK_WORDS ("NBDX_TIMEOUT_SILENCE");
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_script ();
}

CASE (silence_of_a_server_that_was_told_to_leave)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request DISC\nsleep 60000\n",
                                               NULL));

  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  CHECK_LATE (nbd_shutdown (h, 0), SHORT, "close the connection (NBDX_TIMEOUT_SILENCE)");
  nbd_close (h);
  kill_servers ();
}

/* A server that does not even read. */
CASE (silence_while_sending)
{
  enum { LARGE = 32 << 20 };
  uint8_t *large = calloc (1, LARGE);
  struct nbd_handle *h = connect_to (scripted ("handshake\nsleep 60000\n", "--size", "64M", NULL));

  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  CHECK (large != NULL);
  CHECK_LATE (nbd_pwrite (h, large, LARGE, 0, 0), SHORT, "NBDX_TIMEOUT_SILENCE");
  free (large);
  nbd_close (h);
  kill_servers ();
}

CASE (the_first_of_several_limits)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, 60000);
  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  limit (h, NBDX_TIMEOUT_CONNECT, 1);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), SHORT, "SILENCE");
  nbd_close (h);
  check_script ();
}

/* ---- Servers that never stop ---- */

static int peer;

static void
get (void *data, size_t count)
{
  CHECK_EQ (recv (peer, data, count, MSG_WAITALL), (ssize_t) count);
}

/* The oldest form of the handshake: the server says everything at once. */
static void
greet (void)
{
  static const uint8_t greeting[152] = {
    'N', 'B', 'D', 'M', 'A', 'G', 'I', 'C', 0, 0, 0x42, 2, 0x81, 0x86, 0x12, 0x53,
    0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 1,
  };

  CHECK_EQ (send (peer, greeting, sizeof greeting, 0), sizeof greeting);
}

/* Connects the handle to a server in this program. */
static pthread_t
serve (void *(*server) (void *), struct nbd_handle *h)
{
  pthread_t thread;
  int sockets[2];

  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, sockets), 0);
  peer = sockets[1];
  CHECK_EQ (pthread_create (&thread, NULL, server, NULL), 0);
  CHECK_EQ (nbd_connect_socket (h, sockets[0]), 0);
  return thread;
}

/* Answers all requests but the first. */
static void *
serve_all_but_one (void *unused)
{
  uint8_t request[28], reply[16 + 512] = { 0x67, 0x44, 0x66, 0x98 };

  (void) unused;
  greet ();
  get (request, sizeof request);
  while (recv (peer, request, sizeof request, MSG_WAITALL) == sizeof request) {
    memcpy (reply + 8, request + 8, 8);
    if (send (peer, reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply)
      break;
  }
  close (peer);
  return NULL;
}

/* Always keeps replies coming, until the first read has been given up. */
static void
flood (bool own_loop)
{
  enum { DEPTH = 64 };
  struct nbd_handle *h = create ();
  struct record first = { .result = 1 }, others = { .result = 1 };
  pthread_t server = serve (serve_all_but_one, h);
  int ended = 0;

  limit (h, NBDX_TIMEOUT_CALL, 200);
  start_clock ();
  CHECK (nbd_aio_pread (h, other, 512, 0, completion (&first), 0) > 0);
  while (first.calls == 0) {
    CHECK (clock_ms () - began < GRACE);
    while (nbd_aio_in_flight (h) < DEPTH)
      CHECK (nbd_aio_pread (h, buf, 512, 0, completion (&others), 0) > 0);
    if (own_loop) {
      struct pollfd pfd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };

      CHECK (poll (&pfd, 1, nbdx_aio_get_timeout (h)) >= 0);
      if (pfd.revents != 0)
        CHECK_EQ (nbd_aio_notify_read (h), 0);
      if (nbdx_aio_get_timeout (h) == 0)
        CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
    }
    else
      CHECK_EQ (nbd_poll (h, -1), 1);
    CHECK (own_loop || first.calls + others.calls <= ended + 1);
    ended = first.calls + others.calls;
  }
  CHECK_CLOCK (200);
  CHECK_EQ (first.error, ETIMEDOUT);
  nbd_close (h);
  pthread_join (server, NULL);
}

CASE (flood_of_replies)
{
  flood (false);
}

CASE (flood_of_replies_in_a_main_loop)
{
  flood (true);
}

/* Refuses requests that nobody has made, as fast as it can, which is ignored. */
static void *
serve_nobody (void *unused)
{
  static uint8_t replies[65536];
  uint8_t request[28];

  (void) unused;
  for (size_t i = 0; i < sizeof replies; i += 16)
    memcpy (replies + i, "\x67\x44\x66\x98\0\0\0\5", 8);
  greet ();
  get (request, sizeof request);
  while (send (peer, replies, sizeof replies, MSG_NOSIGNAL) > 0)
    ;
  close (peer);
  return NULL;
}

/* The socket always has more to receive. */
CASE (flood_of_nothing)
{
  struct nbd_handle *h = create ();
  pthread_t server = serve (serve_nobody, h);

  limit (h, NBDX_TIMEOUT_CALL, 200);
  limit (h, NBDX_TIMEOUT_SILENCE, 2 * GRACE);
  CHECK_LATE (nbd_pread (h, buf, 512, 0, 0), 200, "NBDX_TIMEOUT_CALL");
  limit (h, NBDX_TIMEOUT_CALL, 0);
  start_clock ();
  CHECK (nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0) > 0);
  limit (h, NBDX_TIMEOUT_CALL, 200);
  while (nbd_aio_in_flight (h) > 0)
    CHECK_EQ (nbd_poll (h, -1), 1);
  CHECK_CLOCK (200);
  nbd_close (h);
  pthread_join (server, NULL);
}

/* ---- Main loops ---- */

CASE (main_loop)
{
  struct record done = { .result = 1 };
  struct nbd_handle *h = create ();
  struct epoll_event event = { .events = EPOLLIN };
  int epoll = epoll_create1 (EPOLL_CLOEXEC), wakes = 0;

  CHECK_EQ (nbd_connect_unix (h, scripted ("handshake\nread-request READ\nread-request READ\n"
                                           "sleep 100\nsimple @1 0 fill:5*512\nwait-eof\n",
                                           "--replies", "simple", NULL)), 0);
  limit (h, NBDX_TIMEOUT_CALL, 300);
  CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, nbd_aio_get_fd (h), &event), 0);
  start_clock ();
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  CHECK (nbd_aio_pread (h, buf, 512, 0, completion (&done), 0) > 0);
  CHECK (nbd_aio_pread (h, buf, 512, 0, completion (&done), 0) > 0);
  CHECK (nbdx_aio_get_timeout (h) > 0);
  CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  while (nbd_aio_in_flight (h) > 0) {
    int n = epoll_wait (epoll, &event, 1, nbdx_aio_get_timeout (h));

    ++wakes;
    if (n > 0)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    else
      CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  }
  CHECK_CLOCK (300);
  CHECK (wakes <= 4);
  CHECK_EQ (done.calls, 2);
  CHECK_EQ (done.error, ETIMEDOUT);
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  close (epoll);
  nbd_close (h);
  check_script ();
}

CASE (main_loop_with_a_silent_server)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_SILENCE, SHORT);
  CHECK (nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0) > 0);
  CHECK_EQ (poll (NULL, 0, nbdx_aio_get_timeout (h)), 0);
  CHECK_EQ (nbdx_aio_get_timeout (h), 0);
  CHECK_ERR (nbdx_aio_notify_timeout (h), ETIMEDOUT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  nbd_close (h);
  check_script ();
}

CASE (far_away)
{
  struct nbd_handle *h = connect_to (scripted ("handshake\nread-request READ\nwait-eof\n", NULL));

  limit (h, NBDX_TIMEOUT_CALL, INT64_MAX);
  CHECK (nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0) > 0);
  CHECK_EQ (nbdx_aio_get_timeout (h), INT32_MAX);
  CHECK_EQ (nbd_poll (h, 10), 0);
  nbd_close (h);
  check_script ();
}

/* ---- Cancelling ---- */

CASE (cancelling)
{
  struct record done = { .result = 1 };
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nread-request READ\nread-request FLUSH\n"
               "simple @1 0 fill:1*512\nsimple @2 0 fill:1*512\nsimple @3 0\nwait-eof\n",
               "--replies", "simple", NULL));
  uint8_t *buffer = malloc (512);
  int64_t cookie = nbd_aio_pread (h, buffer, 512, 0, NBD_NULL_COMPLETION, 0);

  CHECK_ERR (nbdx_aio_cancel_command (h, 0), EINVAL);
  CHECK_ERR (nbdx_aio_cancel_command (h, -1), EINVAL);
  CHECK_ERR (nbdx_aio_cancel_command (h, cookie + 1), ENOENT);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  free (buffer);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), ECANCELED);
  CHECK_WORDS ("cancelled");
  CHECK_ERR (nbdx_aio_cancel_command (h, cookie), ENOENT);
  buffer = malloc (512);
  cookie = nbd_aio_pread (h, buffer, 512, 0, completion (&done), 0);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  free (buffer);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, ECANCELED);
  CHECK_EQ (done.frees, 1);
  CHECK_ERR (nbdx_aio_cancel_command (h, cookie), ENOENT);
  /* It is complete, and so its result stays. */
  cookie = nbd_aio_flush (h, NBD_NULL_COMPLETION, 0);
  drain (h);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  nbd_close (h);
  check_script ();
}

CASE (cancelling_what_is_partly_sent)
{
  enum { LARGE = 32 << 20 };
  uint8_t *large = calloc (1, LARGE);
  struct record first = { 0 }, second = { 0 };
  struct nbd_handle *h = connect_to (scripted ("handshake\nsleep 60000\n", "--size", "64M", NULL));
  int64_t cookie = nbd_aio_pwrite (h, large, LARGE, 0, completion (&first), 0);

  CHECK (nbd_aio_flush (h, completion (&second), 0) > 0);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  free (large);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (first.error, ECANCELED);
  CHECK_EQ (second.error, ECANCELED);
  CHECK_EQ (nbdx_aio_cancel_command (h, cookie), 0);
  nbd_close (h);
  kill_servers ();
}
