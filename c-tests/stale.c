/* Reads never show old memory: what the server did not send reads as zero,
 * however the read ends. */
#include "test.h"

enum { COUNT = 65536, OFFSET = 4096, OLD = 0xAA, SENT = 0x55 };

static uint8_t buf[COUNT];

/* Each byte was sent by the server or is zero. */
static void
check_nothing_old (void)
{
  for (size_t i = 0; i < COUNT; ++i)
    if (buf[i] != 0 && buf[i] != SENT)
      fail_at (__FILE__, __LINE__, "byte %zu is %#x", i, buf[i]);
}

static int
check_at_completion (void *data, int *error)
{
  (void) error;
  check_nothing_old ();
  return *(int *) data;
}

static int
check_at_chunk (void *data, const void *subbuf, size_t count, uint64_t offset,
                unsigned status, int *error)
{
  const uint8_t *p = subbuf;

  (void) data, (void) offset, (void) status, (void) error;
  for (size_t i = 0; i < count; ++i)
    CHECK (p[i] == 0 || p[i] == SENT);
  return 0;
}

/* What a server may answer to a read of COUNT bytes at OFFSET. */
static const struct answer {
  const char *what, *replies, *script;
  int result;           /* -1, or 0 where the client cannot tell. */
} answers[] = {
  { "error", "simple", "simple EIO", -1 },
  { "no answer", "simple", "close", -1 },
  { "half a header", "simple", "send u32:0x67446698 u32:0\nclose", -1 },
  { "no data", "simple", "simple 0\nclose", -1 },
  { "half the data", "simple", "simple 0 fill:0x55*30000\nclose", -1 },
  { "nearly all data", "simple", "simple 0 fill:0x55*65535\nclose", -1 },
  { "all data", "simple", "simple 0 fill:0x55*65536", 0 },
  { "not NBD", "simple", "send \"HTTP/1.1 400 Bad Request\"\nclose", -1 },

  { "error", "structured", "chunk DONE ERROR u32:5 u16:0", -1 },
  { "only the end", "structured", "chunk DONE NONE", -1 },
  { "data and error", "structured",
    "chunk 0 OFFSET_DATA u64:8192 fill:0x55*1024\n"
    "chunk DONE ERROR u32:5 u16:0", -1 },
  { "error and data", "structured",
    "chunk 0 ERROR_OFFSET u32:5 u16:0 u64:20000\n"
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*1024", -1 },
  { "a gap", "structured",
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*20000\n"
    "chunk DONE OFFSET_DATA u64:30000 fill:0x55*39632", -1 },
  { "too short", "structured",
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*65535", -1 },
  { "half a chunk", "structured",
    "send u32:0x668e33ef u16:1 u16:1 cookie u32:65544\n"
    "send u64:4096 fill:0x55*40000\nclose", -1 },
  { "a chunk and a hang-up", "structured",
    "chunk 0 OFFSET_DATA u64:36864 fill:0x55*32768\nclose", -1 },
  { "a hole and a hang-up", "structured",
    "chunk 0 OFFSET_HOLE u64:36864 u32:32768\nclose", -1 },
  { "chunk out of range", "structured",
    "chunk 0 OFFSET_DATA u64:8192 fill:0x55*1024\n"
    "chunk DONE OFFSET_DATA u64:69632 fill:0x55*1\nwait-eof", -1 },
  { "hole out of range", "structured",
    "chunk 0 OFFSET_DATA u64:8192 fill:0x55*1024\n"
    "chunk DONE OFFSET_HOLE u64:0 u32:8192\nwait-eof", -1 },
  { "empty data", "structured", "chunk DONE OFFSET_DATA u64:4096", -1 },
  { "empty hole", "structured",
    "chunk DONE OFFSET_HOLE u64:4096 u32:0", -1 },
  { "a chunk of another kind", "structured",
    "chunk DONE BLOCK_STATUS u32:1 u32:65536 u32:0", -1 },
  { "simple answer", "structured", "simple 0 fill:0x55*65536", -1 },
  { "simple error", "structured", "simple EIO", -1 },
  { "out of order", "structured",
    "chunk 0 OFFSET_DATA u64:36864 fill:0x55*32768\n"
    "chunk 0 OFFSET_HOLE u64:20480 u32:16384\n"
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*16384", 0 },
};

/* Overlapping chunks that add up to the right length.  A client may notice or
 * not; what was left out must be zero all the same. */
static const struct answer overlaps[] = {
  { "same data twice", "structured",
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*32768\n"
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*32768", 0 },
  { "same hole twice", "structured",
    "chunk 0 OFFSET_HOLE u64:36864 u32:32768\n"
    "chunk DONE OFFSET_HOLE u64:36864 u32:32768", 0 },
  { "data over a hole", "structured",
    "chunk 0 OFFSET_HOLE u64:4096 u32:32768\n"
    "chunk DONE OFFSET_DATA u64:20480 fill:0x55*32768", 0 },
  { "many small pieces of the same place", "structured",
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*16384\n"
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*16384\n"
    "chunk 0 OFFSET_DATA u64:4097 fill:0x55*16384\n"
    "chunk DONE OFFSET_DATA u64:4098 fill:0x55*16384", 0 },
  { "too much", "structured",
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*65536\n"
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*65536", -1 },
  { "too much but with a gap", "structured",
    "chunk 0 OFFSET_DATA u64:4096 fill:0x55*40000\n"
    "chunk DONE OFFSET_DATA u64:4096 fill:0x55*40000", -1 },
};

static struct nbd_handle *
server_answering (const struct answer *a)
{
  situation ("%s, %s replies", a->what, a->replies);
  memset (buf, OLD, sizeof buf);
  return connect_to (scripted (text ("handshake\nread-request READ\n%s\n",
                                     a->script),
                               "--replies", a->replies, "--size", "1M",
                               NULL));
}

typedef int read_function (struct nbd_handle *h);

static int
read_plainly (struct nbd_handle *h)
{
  return nbd_pread (h, buf, COUNT, OFFSET, 0);
}

static int
read_in_chunks (struct nbd_handle *h)
{
  return nbd_pread_structured (h, buf, COUNT, OFFSET,
                               (nbd_chunk_callback) {
                                 .callback = check_at_chunk
                               }, 0);
}

static int
read_asynchronously (struct nbd_handle *h)
{
  int keep = 0;
  int64_t cookie = nbd_aio_pread (h, buf, COUNT, OFFSET,
                                  (nbd_completion_callback) {
                                    .callback = check_at_completion,
                                    .user_data = &keep
                                  }, 0);
  int r;

  CHECK_EQ (cookie, 1);
  /* The poll that loses the connection may fail. */
  while ((r = nbd_aio_command_completed (h, 1)) == 0)
    if (nbd_poll (h, -1) == -1)
      CHECK (nbd_aio_is_dead (h));
  return r == 1 ? 0 : -1;
}

static void
check_answers (const struct answer *list, size_t n, bool check_result)
{
  read_function *const functions[] = {
    read_plainly, read_in_chunks, read_asynchronously
  };

  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < 3; ++j) {
      struct nbd_handle *h = server_answering (&list[i]);
      int r = functions[j] (h);

      if (check_result)
        CHECK_EQ (r, list[i].result);
      check_nothing_old ();
      nbd_close (h);
      check_nothing_old ();
      check_script ();
    }
}

CASE (whatever_the_server_answers)
{
  check_answers (answers, sizeof answers / sizeof answers[0], true);
}

CASE (overlapping_chunks)
{
  check_answers (overlaps, sizeof overlaps / sizeof overlaps[0], false);
}

CASE (reads_that_are_not_sent)
{
  struct nbd_handle *h = create ();

  situation ("not connected");
  memset (buf, OLD, sizeof buf);
  CHECK_ERR (nbd_pread (h, buf, COUNT, OFFSET, 0), ENOTCONN);
  check_nothing_old ();

  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  situation ("out of bounds");
  memset (buf, OLD, sizeof buf);
  CHECK_ERR (nbd_pread (h, buf, COUNT, 1048576, 0), EINVAL);
  check_nothing_old ();

  situation ("flags");
  memset (buf, OLD, sizeof buf);
  CHECK_ERR (nbd_aio_pread (h, buf, COUNT, OFFSET, NBD_NULL_COMPLETION,
                            LIBNBD_CMD_FLAG_FUA), EINVAL);
  check_nothing_old ();

  situation ("closed");
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  memset (buf, OLD, sizeof buf);
  CHECK_ERR (nbd_pread_structured (h, buf, COUNT, OFFSET,
                                   (nbd_chunk_callback) {
                                     .callback = check_at_chunk
                                   }, 0), EINVAL);
  check_nothing_old ();
  nbd_close (h);
}

/* Closing the handle gives the buffer back while the server is still mute. */
CASE (reads_in_flight_at_close)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nwait-eof\n", "--size", "1M",
               NULL));

  memset (buf, OLD, sizeof buf);
  CHECK_EQ (nbd_aio_pread (h, buf, COUNT, OFFSET, NBD_NULL_COMPLETION, 0), 1);
  nbd_close (h);
  check_nothing_old ();
  check_script ();
}

/* A read that still waits behind a write which the server does not take. */
CASE (reads_abandoned_before_they_were_sent)
{
  size_t size = 32 * 1024 * 1024;
  char *data = calloc (1, size);
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nsleep 200\nread 100000\nclose\n",
               "--size", "64M", "--replies", "structured", NULL));

  CHECK (data != NULL);
  memset (buf, OLD, sizeof buf);
  CHECK_EQ (nbd_aio_pwrite (h, data, size, 0, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_pread (h, buf, COUNT, OFFSET, NBD_NULL_COMPLETION, 0), 2);
  wait_for_end (h);
  CHECK_ERR (nbd_aio_command_completed (h, 2), ENOTCONN);
  check_nothing_old ();
  nbd_close (h);
  free (data);
}

/* ---- Without initialization ---- */

CASE (buffer_is_left_alone_when_nothing_is_sent)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  memset (buf, OLD, sizeof buf);
  CHECK_ERR (nbd_pread (h, buf, COUNT, OFFSET, 0), ENOTCONN);
  CHECK (all_bytes (buf, COUNT, OLD));
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  CHECK_ERR (nbd_pread (h, buf, COUNT, 1048576, 0), EINVAL);
  CHECK (all_bytes (buf, COUNT, OLD));
  nbd_close (h);
}

/* Successful reads give the same result either way. */
CASE (success_does_not_depend_on_initialization)
{
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; ++i) {
    struct nbd_handle *h;

    if (answers[i].result != 0)
      continue;
    h = server_answering (&answers[i]);
    CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
    CHECK_EQ (read_plainly (h), 0);
    check_nothing_old ();
    nbd_close (h);
    check_script ();
  }
}
