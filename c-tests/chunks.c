/* nbd_pread_structured: the pieces of a reply as the server sends them. */
#include "test.h"

enum { COUNT = 4096, OFFSET = 8192 };

static uint8_t buf[COUNT];

/* How a chunk callback shall behave, and what it saw. */
struct chunks {
  int frees;
  int calls;
  int fail_at_call;     /* Return -1 at this call, counted from 1. */
  int new_error;        /* Put this into *error, when not 0. */
};

/* Writes each chunk into the log, and checks what does not vary. */
static int
log_chunk (void *data, const void *subbuf, size_t count, uint64_t offset,
           unsigned status, int *error)
{
  struct chunks *c = data;
  const uint8_t *p = subbuf;

  c->calls++;
  CHECK (offset >= OFFSET && offset + count <= OFFSET + COUNT);
  /* It points into the caller's buffer, where the chunk belongs. */
  if (count > 0)
    CHECK (p == buf + (offset - OFFSET));
  switch (status) {
  case LIBNBD_READ_DATA:
    log_word ("data:%d+%zu=%02x", (int) (offset - OFFSET), count, p[0]);
    CHECK (all_bytes (p, count, p[0]));
    break;
  case LIBNBD_READ_HOLE:
    log_word ("hole:%d+%zu", (int) (offset - OFFSET), count);
    CHECK (all_bytes (p, count, 0));
    break;
  case LIBNBD_READ_ERROR:
    CHECK_EQ (count, 0);
    log_word ("error:%d", (int) (offset - OFFSET));
    break;
  default:
    CHECK (!"unknown status");
  }
  if (*error != 0)
    log_word ("(%d)", *error);
  if (c->new_error != 0)
    *error = c->new_error;
  return c->calls == c->fail_at_call ? -1 : 0;
}

static void
free_chunks (void *data)
{
  struct chunks *c = data;

  c->frees++;
}

static int
read_chunks (struct nbd_handle *h, struct chunks *c, uint32_t flags)
{
  nbd_chunk_callback callback = {
    .callback = log_chunk, .user_data = c, .free = free_chunks
  };
  int r;

  clear_log ();
  memset (buf, 0xAA, sizeof buf);
  c->calls = c->frees = 0;
  forget_error ();
  r = nbd_pread_structured (h, buf, COUNT, OFFSET, callback, flags);
  CHECK_EQ (c->frees, 1);
  return r;
}

#define CHECK_FAILS(call, err)                                            \
  check_failed (__FILE__, __LINE__, "nbd_pread_structured",               \
                (call) == -1, err)

/* A server which answers one read with these chunks, and then works. */
static struct nbd_handle *
server_sending (const char *replies, const char *chunks)
{
  return connect_to (scripted (text ("handshake\nread-request READ\n"
                                     "%sserve\n", chunks),
                               "--replies", replies, "--size", "1M",
                               "--strict-exit", NULL));
}

static void
check_still_works (struct nbd_handle *h)
{
  char sector[512];

  CHECK_EQ (nbd_pread (h, sector, sizeof sector, 0, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_script ();
}

CASE (data_and_holes_in_any_order)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 OFFSET_DATA u64:11264 fill:0x33*1024\n"
     "chunk 0 OFFSET_HOLE u64:9216 u32:1024\n"
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"
     "chunk DONE OFFSET_HOLE u64:10240 u32:1024\n");

  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:3072+1024=33 hole:1024+1024 data:0+1024=11 "
             "hole:2048+1024");
  CHECK (all_bytes (buf, 1024, 0x11));
  CHECK (all_bytes (buf + 1024, 2048, 0));
  CHECK (all_bytes (buf + 3072, 1024, 0x33));
  check_still_works (h);
}

CASE (the_end_may_come_by_itself)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*4096\n"
     "chunk DONE NONE\n");

  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:0+4096=11");
  check_still_works (h);
}

CASE (holes_are_zero_without_initialization)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"
     "chunk DONE OFFSET_HOLE u64:9216 u32:3072\n");

  CHECK_EQ (nbd_set_pread_initialize (h, false), 0);
  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:0+1024=11 hole:1024+3072");
  CHECK (all_bytes (buf + 1024, 3072, 0));
  check_still_works (h);
}

CASE (extended_chunks)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("extended",
     "ext-chunk 0 OFFSET_DATA = u64:11264 fill:0x33*1024\n"
     "ext-chunk 0 OFFSET_HOLE = u64:9216 u32:2048\n"
     "ext-chunk DONE OFFSET_DATA = u64:8192 fill:0x11*1024\n");

  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (),
             "data:3072+1024=33 hole:1024+2048 data:0+1024=11");
  check_still_works (h);
}

CASE (one_chunk_without_structured_replies)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending ("simple",
                                         "simple 0 fill:0x22*4096\n");

  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:0+4096=22");
  check_still_works (h);
}

CASE (no_chunk_when_a_simple_reply_fails)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending ("simple", "simple ENOMEM\n");

  CHECK_FAILS (read_chunks (h, &c, 0), ENOMEM);
  CHECK_STR (logged (), "");
  check_still_works (h);
}

/* ---- Errors of the server ---- */

CASE (error_of_the_whole_read)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"
     "chunk DONE ERROR u32:12 u16:4 \"oops\"\n");

  CHECK_FAILS (read_chunks (h, &c, 0), ENOMEM);
  CHECK_STR (logged (), "data:0+1024=11");
  check_still_works (h);
}

CASE (error_at_an_offset)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"
     "chunk 0 ERROR_OFFSET u32:5 u16:0 u64:9216\n"
     "chunk DONE OFFSET_DATA u64:10240 fill:0x22*1024\n");

  CHECK_FAILS (read_chunks (h, &c, 0), EIO);
  /* The callback learns of the error, also along with what follows. */
  CHECK_STR (logged (),
             "data:0+1024=11 error:1024 (5) data:2048+1024=22 (5)");
  check_still_works (h);
}

CASE (first_error_wins)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 ERROR u32:12 u16:0\n"
     "chunk 0 ERROR_OFFSET u32:5 u16:3 \"two\" u64:9000\n"
     "chunk DONE ERROR u32:28 u16:0\n");

  CHECK_FAILS (read_chunks (h, &c, 0), ENOMEM);
  check_still_works (h);
}

CASE (error_offset_outside_the_request)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = server_sending
    ("structured", "chunk DONE ERROR_OFFSET u32:5 u16:0 u64:1000000\n");

  CHECK_FAILS (read_chunks (h, &c, 0), EIO);
  CHECK_STR (logged (), "");
  check_still_works (h);
}

/* ---- Errors of the callback ---- */

#define THREE_CHUNKS                                                      \
  "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"                         \
  "chunk 0 OFFSET_DATA u64:9216 fill:0x22*1024\n"                         \
  "chunk DONE OFFSET_DATA u64:10240 fill:0x33*2048\n"

CASE (callback_fails)
{
  struct chunks c = { .fail_at_call = 2 };
  struct nbd_handle *h = server_sending ("structured", THREE_CHUNKS);

  /* Without a reason. */
  CHECK_FAILS (read_chunks (h, &c, 0), EPROTO);
  CHECK_STR (logged (), "data:0+1024=11 data:1024+1024=22 "
             "data:2048+2048=33 (71)");
  check_still_works (h);
}

CASE (callback_fails_with_a_reason)
{
  struct chunks c = { .fail_at_call = 1, .new_error = EDOM };
  struct nbd_handle *h = server_sending ("structured", THREE_CHUNKS);

  CHECK_FAILS (read_chunks (h, &c, 0), EDOM);
  CHECK_EQ (c.calls, 3);
  check_still_works (h);
}

CASE (reason_without_failing_does_not_matter)
{
  struct chunks c = { .new_error = EDOM };
  struct nbd_handle *h = server_sending ("structured", THREE_CHUNKS);

  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:0+1024=11 data:1024+1024=22 data:2048+2048=33");
  check_still_works (h);
}

CASE (callback_fails_after_the_server)
{
  struct chunks c = { .fail_at_call = 1, .new_error = EDOM };
  struct nbd_handle *h = server_sending
    ("structured",
     "chunk 0 ERROR u32:12 u16:0\n"
     "chunk 0 OFFSET_DATA u64:8192 fill:0x11*1024\n"
     "chunk DONE NONE\n");

  CHECK_FAILS (read_chunks (h, &c, 0), ENOMEM);
  CHECK_STR (logged (), "data:0+1024=11 (12)");
  check_still_works (h);
}

CASE (callback_fails_without_structured_replies)
{
  struct chunks c = { .fail_at_call = 1, .new_error = EDOM };
  struct nbd_handle *h = server_sending ("simple",
                                         "simple 0 fill:0x22*4096\n");

  CHECK_FAILS (read_chunks (h, &c, 0), EDOM);
  check_still_works (h);
}

CASE (callback_may_be_missing_when_there_is_a_free_function)
{
  struct chunks c = { 0 };
  nbd_chunk_callback only_free = { .user_data = &c, .free = free_chunks };
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_EQ (nbd_pread_structured (h, buf, COUNT, OFFSET, only_free, 0), 0);
  CHECK_EQ (c.frees, 1);
  nbd_close (h);
}

/* ---- Real servers ---- */

CASE (fragments_unless_told_not_to)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = connect_to
    (embedded ("--size", "1M", "--split-reads", "1024", "--replies",
               "structured", "--strict-exit", NULL));

  CHECK_EQ (nbd_can_df (h), 1);
  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_EQ (c.calls, 4);
  CHECK_EQ (read_chunks (h, &c, LIBNBD_CMD_FLAG_DF), 0);
  CHECK_STR (logged (), "data:0+4096=00");
  nbd_close (h);
}

CASE (holes_of_a_sparse_disk)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = connect_to
    (qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL));

  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "hole:0+4096");
  CHECK_EQ (read_chunks (h, &c, LIBNBD_CMD_FLAG_DF), 0);
  CHECK_EQ (c.calls, 1);
  CHECK (all_bytes (buf, COUNT, 0));
  nbd_close (h);
}

CASE (data_of_nbdkit)
{
  struct chunks c = { 0 };
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  memset (buf, 0x42, COUNT);
  CHECK_EQ (nbd_pwrite (h, buf, COUNT, OFFSET, 0), 0);
  CHECK_EQ (read_chunks (h, &c, 0), 0);
  CHECK_STR (logged (), "data:0+4096=42");
  nbd_close (h);
}
