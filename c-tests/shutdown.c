/* Leaving: disconnecting and shutting down with and without work to do. */
#include "test.h"

static uint8_t buf[512];

CASE (tells_the_server)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "expect u32:0x25609513 u16:0 u16:2 u64:1 u64:0 u32:0\n"
               "expect-eof\n", "--replies", "structured", NULL));

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
  CHECK_ERR (nbd_aio_disconnect (h, 0), EINVAL);
  nbd_close (h);
  check_script ();
}

CASE (closing_says_nothing)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nexpect-eof\n", NULL));

  nbd_close (h);
  check_script ();
}

CASE (every_server_lets_go)
{
  const char *servers[] = {
    nbdkit ("memory", "1M", NULL), nbdkit ("-o", "memory", "1M", NULL),
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL),
    embedded ("--strict-exit", NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i) {
    struct nbd_handle *h = connect_to (servers[i]);

    situation ("server %zu", i);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    CHECK_EQ (nbd_aio_is_closed (h), 1);
    nbd_close (h);
  }
}

/* Answers to earlier commands still arrive after the farewell. */
CASE (pending_commands_are_answered)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\nread-request FLUSH\nread-request DISC\n"
               "simple @2 0\nsimple @1 0 fill:7*512\nexpect-eof\n",
               "--replies", "simple", NULL));

  CHECK_EQ (nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 2);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK (all_bytes (buf, sizeof buf, 7));
  nbd_close (h);
  check_script ();
}

CASE (stranded_commands_fail)
{
  struct record done = { 0 };
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nread-request DISC\nclose\n",
               NULL, NULL));

  CHECK_EQ (nbd_aio_pread (h, buf, sizeof buf, 0, completion (&done), 0), 1);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, ENOTCONN);
  CHECK_ERR (nbd_aio_command_completed (h, 1), ENOTCONN);
  nbd_close (h);
  check_script ();
}

CASE (disconnect_by_hand)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request FLUSH\nread-request DISC\n"
               "simple @1 0\nexpect-eof\n", "--replies", "simple", NULL));

  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  CHECK_ERR (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), EINVAL);
  wait_for_end (h);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  /* The flush is reported, the disconnect is not. */
  CHECK_EQ (nbd_aio_peek_command_completed (h), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  nbd_close (h);
  check_script ();
}

CASE (shutdown_after_disconnect)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request DISC\nexpect-eof\n", NULL));

  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  nbd_close (h);
  check_script ();
}

/* ---- A server that does not take everything at once ---- */

enum { LARGE = 16 * 1024 * 1024 };

/* The write fills the connection, so the flush and the read have to wait. */
static struct nbd_handle *
with_waiting_commands (const char *script, char *data, struct record *write,
                       struct record *flush, struct record *read)
{
  struct nbd_handle *h = connect_to
    (scripted (script, "--replies", "structured", "--size", "64M", NULL));

  CHECK_EQ (nbd_aio_pwrite (h, data, LARGE, 0, completion (write), 0), 1);
  CHECK_EQ (nbd_aio_is_processing (h), 1);
  CHECK_EQ (nbd_aio_flush (h, completion (flush), 0), 2);
  CHECK_EQ (nbd_aio_pread (h, buf, sizeof buf, 0, completion (read), 0), 3);
  CHECK_EQ (nbd_aio_in_flight (h), 3);
  return h;
}

CASE (waiting_commands_are_sent)
{
  struct record write = { 0 }, flush = { 0 }, read = { 0 };
  char *data = calloc (1, LARGE);
  struct nbd_handle *h = with_waiting_commands
    ("handshake\nsleep 100\n"
     "read-request WRITE\nread-request FLUSH\nread-request READ\n"
     "read-request DISC\n"
     "chunk @3 DONE OFFSET_DATA u64:0 zero:512\n"
     "simple @2 0\nsimple @1 0\nexpect-eof\n", data, &write, &flush, &read);

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 3), 1);
  nbd_close (h);
  free (data);
  check_script ();
}

CASE (waiting_commands_are_abandoned)
{
  struct record write = { 0 }, flush = { 0 }, read = { 0 };
  char *data = calloc (1, LARGE);
  struct nbd_handle *h = with_waiting_commands
    /* What was begun is finished, or the disconnect could not be sent. */
    ("handshake\nsleep 100\nread-request WRITE\nread-request DISC\n"
     "simple @1 0\nexpect-eof\n", data, &write, &flush, &read);

  CHECK_EQ (nbd_shutdown (h, LIBNBD_SHUTDOWN_ABANDON_PENDING), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  CHECK_EQ (write.calls, 1);
  CHECK_EQ (write.error, 0);
  CHECK_EQ (flush.calls, 1);
  CHECK_EQ (flush.error, ENOTCONN);
  CHECK_EQ (read.calls, 1);
  CHECK_EQ (read.error, ENOTCONN);
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_ERR (nbd_aio_command_completed (h, 2), ENOTCONN);
  CHECK_ERR (nbd_aio_command_completed (h, 3), ENOTCONN);
  CHECK_EQ (write.frees + flush.frees + read.frees, 3);
  nbd_close (h);
  CHECK_EQ (write.calls + flush.calls + read.calls, 3);
  free (data);
  check_script ();
}
