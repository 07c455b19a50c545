/* Losing the connection: what becomes of the handle and of its commands. */
#include "test.h"

#include <poll.h>
#include <signal.h>

static uint8_t buf[512], other[512];

/* Two reads are under way when the server acts as scripted. */
static struct nbd_handle *
with_two_reads (const char *replies, const char *script, struct record *first,
                struct record *second)
{
  struct nbd_handle *h = connect_to
    (scripted (text ("handshake\nread-request READ\nread-request READ\n%s\n",
                     script), "--replies", replies, NULL));

  CHECK_EQ (nbd_aio_pread (h, buf, sizeof buf, 0, completion (first), 0), 1);
  CHECK_EQ (nbd_aio_pread (h, other, sizeof other, 0, completion (second), 0),
            2);
  wait_for_end (h);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  return h;
}

static void
check_useless (struct nbd_handle *h)
{
  struct record done = { 0 };

  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), EINVAL);
  CHECK_ERR (nbd_aio_flush (h, completion (&done), 0), EINVAL);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 1);
  CHECK_ERR (nbd_aio_disconnect (h, 0), EINVAL);
  CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
  CHECK_ERR (nbd_poll (h, 0), EINVAL);
  CHECK_ERR (nbd_connect_unix (h, "/nonexistent"), EINVAL);
}

CASE (hang_up_between_messages)
{
  struct record first = { 0 }, second = { 0 };
  struct nbd_handle *h = with_two_reads ("simple", "close", &first, &second);

  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (first.calls, 1);
  CHECK_EQ (first.error, ENOTCONN);
  CHECK_EQ (second.calls, 1);
  CHECK_EQ (second.error, ENOTCONN);
  CHECK_EQ (first.frees, 0);
  /* They can still be asked for, each once. */
  CHECK (nbd_aio_peek_command_completed (h) > 0);
  CHECK_ERR (nbd_aio_command_completed (h, 1), ENOTCONN);
  CHECK_ERR (nbd_aio_command_completed (h, 2), ENOTCONN);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 0);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  check_useless (h);
  /* What was known of the export stays known. */
  CHECK (nbd_get_size (h) > 0);
  nbd_close (h);
  CHECK_EQ (first.calls, 1);
  CHECK_EQ (first.frees, 1);
  CHECK_EQ (second.calls, 1);
  CHECK_EQ (second.frees, 1);
  check_script ();
}

CASE (one_answered_one_lost)
{
  struct record first = { 0 }, second = { 0 };
  struct nbd_handle *h = with_two_reads ("simple",
                                         "simple @2 0 fill:5*512\nclose",
                                         &first, &second);

  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (first.error, ENOTCONN);
  CHECK_EQ (second.error, 0);
  CHECK_ERR (nbd_aio_command_completed (h, 1), ENOTCONN);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK (all_bytes (other, sizeof other, 5));
  nbd_close (h);
  check_script ();
}

CASE (hang_up_inside_a_message)
{
  static const struct { const char *replies, *script; } table[] = {
    { "simple", "send 67\nclose" },
    { "simple", "send u32:0x67446698 u32:0 u32:0\nclose" },
    { "simple", "simple @1 0\nclose" },
    { "simple", "simple @1 0 fill:5*511\nclose" },
    { "structured", "send u32:0x668e33ef u16:1\nclose" },
    { "structured", "send u32:0x668e33ef u16:1 u16:1 cookie:1 u32:520\nclose" },
    { "structured", "send u32:0x668e33ef u16:1 u16:1 cookie:1 u32:520 "
      "u64:0 zero:511\nclose" },
    { "structured", "send u32:0x668e33ef u16:1 u16:0x8001 cookie:1 u32:10 "
      "u32:5\nclose" },
    { "structured", "send u32:0x668e33ef u16:1 u16:2 cookie:1 u32:12 "
      "u64:0 u16:0\nclose" },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct record first = { 0 }, second = { .result = 1 };
    struct nbd_handle *h;

    situation ("%s: %s", table[i].replies, table[i].script);
    h = with_two_reads (table[i].replies, table[i].script, &first, &second);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_EQ (first.calls, 1);
    CHECK_EQ (first.error, ENOTCONN);
    CHECK_EQ (second.calls, 1);
    CHECK_EQ (second.error, ENOTCONN);
    /* The one that its callback retired is gone. */
    CHECK_EQ (second.frees, 1);
    CHECK_EQ (nbd_aio_command_completed (h, 2), 0);
    CHECK_EQ (nbd_aio_peek_command_completed (h), 1);
    CHECK_ERR (nbd_aio_command_completed (h, 1), ENOTCONN);
    CHECK_EQ (first.frees, 1);
    check_useless (h);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    nbd_close (h);
    CHECK_EQ (first.calls + second.calls, 2);
    check_script ();
  }
}

CASE (synchronous_calls)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nclose\n", NULL));

  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), ENOTCONN);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  check_useless (h);
  nbd_close (h);
  check_script ();

  h = connect_to (scripted ("handshake\nread-request READ\n"
                            "send 01020304 zero:100\nwait-eof\n", NULL));
  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), ANY_ERRNO);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  check_useless (h);
  nbd_close (h);
  check_script ();
}

/* The poll that finds the connection closed has made progress; the one that
 * finds it broken has failed. */
CASE (polling_into_the_end)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nclose\n", NULL));

  CHECK_EQ (nbd_poll (h, -1), 1);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  nbd_close (h);
  check_script ();

  h = connect_to (scripted ("handshake\nsend 67446698\nclose\n", "--replies",
                            "simple", NULL));
  while (!nbd_aio_is_dead (h)) {
    int r = nbd_poll (h, -1);

    CHECK_EQ (r, nbd_aio_is_dead (h) ? -1 : 1);
  }
  CHECK_EQ (nbd_get_errno (), 0);
  CHECK (strncmp (nbd_get_error (), "nbd_poll: ", 10) == 0);
  nbd_close (h);
  check_script ();
}

CASE (server_killed)
{
  enum { COMMANDS = 64 };
  struct nbd_handle *h = connect_to
    (nbdkit ("--filter=delay", "memory", "1M", "rdelay=30", NULL));
  struct record done[COMMANDS] = { { 0 } };

  for (int i = 0; i < COMMANDS; ++i)
    CHECK_EQ (nbd_aio_pread (h, buf, sizeof buf, 0, completion (&done[i]), 0),
              i + 1);
  CHECK_EQ (nbd_poll (h, 50), 0);
  CHECK_EQ (nbd_aio_in_flight (h), COMMANDS);
  kill_servers ();
  wait_for_end (h);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  for (int i = 0; i < COMMANDS; ++i) {
    CHECK_EQ (done[i].calls, 1);
    CHECK_EQ (done[i].error, ENOTCONN);
    CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) i + 1), ENOTCONN);
    CHECK_EQ (done[i].frees, 1);
  }
  nbd_close (h);
}

/* Writing to a connection that the other side has closed must not kill the
 * program, nor leave a signal pending for it. */
CASE (no_sigpipe)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nclose\n", "--size", "64M", NULL));
  size_t size = 16 * 1024 * 1024;
  char *data = calloc (1, size);
  struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };
  struct sigaction action;
  sigset_t set;

  CHECK (data != NULL);
  CHECK_EQ (sigaction (SIGPIPE, NULL, &action), 0);
  CHECK (action.sa_handler == SIG_DFL);
  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  CHECK_EQ (sigprocmask (SIG_BLOCK, &set, NULL), 0);
  check_script ();
  /* The end of the connection has arrived but the handle knows nothing. */
  CHECK_EQ (poll (&fd, 1, -1), 1);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_ERR (nbd_pwrite (h, data, size, 0, 0), ANY_ERRNO);
  CHECK (nbd_aio_is_dead (h) || nbd_aio_is_closed (h));
  CHECK_EQ (sigpending (&set), 0);
  CHECK_EQ (sigismember (&set, SIGPIPE), 0);
  nbd_close (h);
  free (data);
}

/* ---- A server that hangs up after so many bytes ---- */

enum progress { NOT_CONNECTED, LOST, COMPLETE };

static enum progress
three_commands (const char *replies, int cut)
{
  struct record read = { 0 }, write = { 0 }, flush = { 0 };
  const char *server = embedded ("--once", "--replies", replies, "--cut",
                                 text ("%d", cut), NULL);
  struct nbd_handle *h = create ();
  enum progress progress = NOT_CONNECTED;

  situation ("%s replies cut after %d bytes", replies, cut);
  if (nbd_connect_unix (h, server) == 0) {
    /* The end may be noticed as early as this: then a command is refused. */
    bool sent[] = {
      nbd_aio_pwrite (h, buf, 16, 0, completion (&write), 0) > 0,
      nbd_aio_pread (h, other, 16, 0, completion (&read), 0) > 0,
      nbd_aio_flush (h, completion (&flush), 0) > 0,
    };

    while (nbd_aio_in_flight (h) > 0)
      if (nbd_poll (h, -1) == -1)
        CHECK (nbd_aio_is_dead (h));
    CHECK_EQ (write.calls, sent[0]);
    CHECK_EQ (read.calls, sent[1]);
    CHECK_EQ (flush.calls, sent[2]);
    progress = sent[0] && sent[1] && sent[2] && write.error == 0 &&
      read.error == 0 && flush.error == 0 ? COMPLETE : LOST;
  }
  nbd_close (h);
  CHECK (write.calls <= 1 && read.calls <= 1 && flush.calls <= 1);
  CHECK_EQ (write.frees, progress != NOT_CONNECTED);
  CHECK_EQ (read.frees, progress != NOT_CONNECTED);
  CHECK_EQ (flush.frees, progress != NOT_CONNECTED);
  stop_servers ();
  return progress;
}

static void
check_each_cut (const char *replies)
{
  enum { STRIDE = 16 };
  int cut = 0;

  /* Roughly to the end of the handshake, and from there byte by byte. */
  while (three_commands (replies, cut + STRIDE) == NOT_CONNECTED)
    cut += STRIDE;
  while (three_commands (replies, cut) != COMPLETE)
    CHECK (++cut < 1000);
}

CASE (simple_replies_cut_at_every_byte)
{
  check_each_cut ("simple");
}

CASE (structured_replies_cut_at_every_byte)
{
  check_each_cut ("structured");
}

CASE (extended_replies_cut_at_every_byte)
{
  check_each_cut ("extended");
}
