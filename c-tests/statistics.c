/* Counters of bytes and messages. */
#include "test.h"

struct counters {
  uint64_t bytes_sent, chunks_sent, bytes_received, chunks_received;
};

static struct counters
counters (struct nbd_handle *h)
{
  return (struct counters) {
    nbd_stats_bytes_sent (h), nbd_stats_chunks_sent (h),
    nbd_stats_bytes_received (h), nbd_stats_chunks_received (h),
  };
}

/* What has been counted since `before`. */
static void
check_increase (struct nbd_handle *h, struct counters before,
                struct counters wanted)
{
  struct counters now = counters (h);

  CHECK_EQ (now.bytes_sent - before.bytes_sent, wanted.bytes_sent);
  CHECK_EQ (now.chunks_sent - before.chunks_sent, wanted.chunks_sent);
  CHECK_EQ (now.bytes_received - before.bytes_received,
            wanted.bytes_received);
  CHECK_EQ (now.chunks_received - before.chunks_received,
            wanted.chunks_received);
}

CASE (begin_at_zero)
{
  struct nbd_handle *h = create ();

  check_increase (h, (struct counters) { 0 }, (struct counters) { 0 });
  nbd_close (h);
}

CASE (handshake)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  struct counters c = counters (h);

  CHECK (c.chunks_sent > 0);
  CHECK (c.bytes_sent > c.chunks_sent);
  CHECK (c.chunks_received > 0);
  CHECK (c.bytes_received > c.chunks_received);
  nbd_close (h);
}

/* Flags, one option, one reply with data and one without. */
CASE (bytes_of_the_handshake)
{
  struct nbd_handle *h = create ();
  struct counters c;

  CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
  CHECK_EQ (nbd_set_request_block_size (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, scripted
                              ("send NBDMAGIC IHAVEOPT u16:3\n"
                               "read 4\n"
                               "read-option GO\n"
                               "option-reply INFO u16:0 u64:512 u16:1\n"
                               "option-reply ACK\n"
                               "wait-eof\n", NULL)), 0);
  c = counters (h);
  CHECK_EQ (c.bytes_sent, 4 + 16 + 6);
  CHECK_EQ (c.chunks_sent, 1);
  CHECK_EQ (c.bytes_received, 18 + 20 + 12 + 20);
  /* The greeting for certain; the replies to options if one likes. */
  CHECK (c.chunks_received >= 1 && c.chunks_received <= 3);
  nbd_close (h);
  check_script ();
}

CASE (oldstyle_handshake)
{
  struct nbd_handle *h = connect_to
    (embedded ("--handshake", "oldstyle", NULL));

  check_increase (h, (struct counters) { 0 },
                  (struct counters) { 0, 0, 152, 1 });
  nbd_close (h);
}

CASE (commands_with_simple_replies)
{
  struct nbd_handle *h = connect_to (embedded ("--replies", "simple", NULL));
  struct counters before = counters (h);
  char buf[512] = "";

  CHECK_EQ (nbd_flush (h, 0), 0);
  check_increase (h, before, (struct counters) { 28, 1, 16, 1 });
  before = counters (h);
  CHECK_EQ (nbd_pwrite (h, buf, sizeof buf, 0, 0), 0);
  check_increase (h, before, (struct counters) { 28 + 512, 1, 16, 1 });
  before = counters (h);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  check_increase (h, before, (struct counters) { 28, 1, 16 + 512, 1 });
  before = counters (h);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  check_increase (h, before, (struct counters) { 28, 1, 0, 0 });
  nbd_close (h);
}

CASE (commands_with_structured_replies)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\n"
               "chunk 0 OFFSET_DATA u64:0 zero:256\n"
               "chunk 0 OFFSET_HOLE u64:256 u32:256\n"
               "chunk DONE NONE\n"
               "wait-eof\n", "--replies", "structured", NULL));
  struct counters before = counters (h);
  char buf[512];

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  check_increase (h, before,
                  (struct counters) { 28, 1, 3 * 20 + 8 + 256 + 12, 3 });
  nbd_close (h);
  check_script ();
}

CASE (commands_with_extended_headers)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\n"
               "ext-chunk DONE OFFSET_DATA = u64:0 zero:512\n"
               "wait-eof\n", "--replies", "extended", NULL));
  struct counters before = counters (h);
  char buf[512];

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  check_increase (h, before, (struct counters) { 32, 1, 32 + 8 + 512, 1 });
  nbd_close (h);
  check_script ();
}

CASE (refused_commands_do_not_count)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));
  struct counters before = counters (h);
  char buf[512];

  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 1048576, 0), EINVAL);
  check_increase (h, before, (struct counters) { 0 });
  nbd_close (h);
}

CASE (counters_survive_the_connection)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  struct counters before = counters (h);

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK (nbd_stats_bytes_sent (h) > before.bytes_sent);
  CHECK_EQ (nbd_stats_bytes_received (h), before.bytes_received);
  nbd_close (h);
}

/* A handshake that fails takes nothing back. */
CASE (counters_survive_a_broken_handshake)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_unix (h, scripted ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
                                            "read-option\noption-reply UNSUP\nclose\n",
                                            NULL)), ANY_ERRNO);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK (nbd_stats_chunks_sent (h) >= 1);
  CHECK (nbd_stats_chunks_received (h) >= 2);
  nbd_close (h);
}
