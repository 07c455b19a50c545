/* The asynchronous model: cookies, completion, callbacks, retirement. */
#include "test.h"

static uint8_t buf[4096], other[4096];

static int
log_chunk (void *record, const void *subbuf, size_t count, uint64_t offset,
           unsigned status, int *error)
{
  struct record *r = record;

  (void) subbuf, (void) count, (void) offset, (void) status;
  record_call (r, error);
  return r->result;
}

static nbd_chunk_callback
chunks (struct record *r)
{
  return (nbd_chunk_callback) {
    .callback = log_chunk, .user_data = r, .free = record_free
  };
}

static struct nbd_handle *
embedded_disk (void)
{
  return connect_to (embedded ("--size", "1M", "--replies", "structured",
                               "--strict-exit", NULL));
}

static struct nbd_handle *
failing_disk (void)
{
  return connect_to (embedded ("--size", "1M", "--fail", "READ=EIO",
                               "--fail", "FLUSH=ENOSPC", NULL));
}

/* ---- Cookies and their completion ---- */

CASE (cookies_count_from_one)
{
  struct nbd_handle *h = embedded_disk ();
  struct nbd_handle *second = embedded_disk ();

  for (int64_t i = 1; i <= 10; ++i)
    CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), i);
  CHECK_EQ (nbd_aio_flush (second, NBD_NULL_COMPLETION, 0), 1);
  for (int64_t i = 1; i <= 10; ++i)
    CHECK_EQ (finish (h, i), 1);
  /* Synchronous calls are commands too. */
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 12);
  nbd_close (h);
  nbd_close (second);
}

CASE (completion_is_reported_once)
{
  struct nbd_handle *h = embedded_disk ();
  int64_t cookie = nbd_aio_flush (h, NBD_NULL_COMPLETION, 0);

  CHECK_EQ (finish (h, cookie), 1);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  CHECK_EQ (nbd_aio_command_completed (h, 999), 0);
  CHECK_ERR (nbd_aio_command_completed (h, 0), EINVAL);
  nbd_close (h);
}

CASE (failure_is_reported_once)
{
  struct nbd_handle *h = failing_disk ();
  int64_t cookie = nbd_aio_flush (h, NBD_NULL_COMPLETION, 0);

  drain (h);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), ENOSPC);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  /* The connection lives on. */
  CHECK_EQ (nbd_pwrite (h, buf, 512, 0, 0), 0);
  nbd_close (h);
}

CASE (cookies_are_known_before_connecting)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_command_completed (h, 1), 0);
  CHECK_ERR (nbd_aio_command_completed (h, 0), EINVAL);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  nbd_close (h);
}

/* Three commands whose replies come in the order 2, 3, 1. */
CASE (peek_follows_the_order_of_replies)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\nread-request READ\nread-request READ\n"
               "simple @2 0 fill:2*512\nsimple @3 EIO\nsimple @1 0 fill:1*512\n"
               "wait-eof\n", "--replies", "simple", NULL));

  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK_EQ (nbd_aio_pread (h, buf, 512, 0, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 0);
  CHECK_EQ (nbd_aio_pread (h, buf + 512, 512, 0, NBD_NULL_COMPLETION, 0), 2);
  CHECK_EQ (nbd_aio_pread (h, buf + 1024, 512, 0, NBD_NULL_COMPLETION, 0), 3);
  CHECK_EQ (nbd_aio_in_flight (h), 3);
  drain (h);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 2);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 2);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 3);
  /* Retiring out of order is fine. */
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 3);
  CHECK_ERR (nbd_aio_command_completed (h, 3), EIO);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK (all_bytes (buf, 512, 1));
  CHECK (all_bytes (buf + 512, 512, 2));
  nbd_close (h);
  check_script ();
}

CASE (in_flight_counts_what_is_unanswered)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request FLUSH\nread-request FLUSH\n"
               "simple @1 0\n"
               "read-request FLUSH\n"
               "simple @2 0\nsimple @3 0\n"
               "wait-eof\n", "--replies", "simple", NULL));

  CHECK_EQ (nbd_aio_in_flight (h), 0);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_in_flight (h), 1);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 2);
  CHECK_EQ (nbd_aio_in_flight (h), 2);
  CHECK_EQ (finish (h, 1), 1);
  CHECK_EQ (nbd_aio_in_flight (h), 1);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 3);
  CHECK_EQ (nbd_aio_in_flight (h), 2);
  drain (h);
  /* Answered though not retired. */
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 3), 1);
  nbd_close (h);
  check_script ();
}

/* The server looks away at first, so that most commands have to wait. */
CASE (commands_reach_the_server_in_order)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "sleep 100\n"
               "read-request WRITE\n"
               "expect u32:0x25609513 u16:0 u16:3 u64:2 u64:0 u32:0\n"
               "expect u32:0x25609513 u16:0 u16:4 u64:3 u64:512 u32:1024\n"
               "expect u32:0x25609513 u16:0 u16:0 u64:4 u64:7 u32:9\n"
               "expect u32:0x25609513 u16:1 u16:6 u64:5 u64:1 u32:2\n"
               "expect u32:0x25609513 u16:0 u16:5 u64:6 u64:3 u32:4\n"
               "close\n", "--replies", "structured", "--size", "64M", NULL));
  size_t size = 8 * 1024 * 1024;
  char *data = calloc (1, size);

  CHECK (data != NULL);
  CHECK_EQ (nbd_aio_pwrite (h, data, size, 0, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 2);
  CHECK_EQ (nbd_aio_trim (h, 1024, 512, NBD_NULL_COMPLETION, 0), 3);
  CHECK_EQ (nbd_aio_pread (h, buf, 9, 7, NBD_NULL_COMPLETION, 0), 4);
  CHECK_EQ (nbd_aio_zero (h, 2, 1, NBD_NULL_COMPLETION, LIBNBD_CMD_FLAG_FUA),
            5);
  CHECK_EQ (nbd_aio_cache (h, 4, 3, NBD_NULL_COMPLETION, 0), 6);
  wait_for_end (h);
  nbd_close (h);
  free (data);
  check_script ();
}

/* ---- Callbacks ---- */

CASE (order_of_callbacks)
{
  struct nbd_handle *h = embedded_disk ();
  struct record chunk = { .name = "chunk" }, done = { .name = "done" };
  int64_t cookie = nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                             completion (&done), 0);

  drain (h);
  CHECK_STR (logged (), "chunk done");
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  CHECK_STR (logged (), "chunk done free-chunk free-done");
  CHECK_EQ (done.error, 0);
  nbd_close (h);
  CHECK_STR (logged (), "chunk done free-chunk free-done");
}

CASE (retired_by_the_callback)
{
  struct nbd_handle *h = embedded_disk ();
  struct record chunk = { .name = "chunk" };
  struct record done = { .name = "done", .result = 1 };
  int64_t cookie = nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                             completion (&done), 0);

  drain (h);
  CHECK_STR (logged (), "chunk done free-chunk free-done");
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  nbd_close (h);
  CHECK_STR (logged (), "chunk done free-chunk free-done");
}

CASE (failure_retired_by_the_callback)
{
  struct nbd_handle *h = failing_disk ();
  struct record done = { .result = 1 };
  int64_t cookie = nbd_aio_flush (h, completion (&done), 0);

  drain (h);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (done.error, ENOSPC);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  nbd_close (h);
}

CASE (other_results_do_not_retire)
{
  static const int results[] = { 0, 2, 42, -1 };

  for (size_t i = 0; i < sizeof results / sizeof results[0]; ++i) {
    struct nbd_handle *h = embedded_disk ();
    struct record done = { .result = results[i] };
    int64_t cookie = nbd_aio_flush (h, completion (&done), 0);

    situation ("%d", results[i]);
    drain (h);
    CHECK_EQ (done.calls, 1);
    CHECK_EQ (done.frees, 0);
    /* Nor do they make the command fail, as long as *error is 0. */
    CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
    CHECK_EQ (done.frees, 1);
    nbd_close (h);
  }
}

CASE (callback_makes_a_success_fail)
{
  struct nbd_handle *h = embedded_disk ();
  struct record done = { .result = -1, .new_error = EDOM };
  int64_t cookie = nbd_aio_flush (h, completion (&done), 0);

  drain (h);
  CHECK_EQ (done.error, 0);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), EDOM);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (nbd_flush (h, 0), 0);
  nbd_close (h);
}

CASE (callback_replaces_the_error)
{
  struct nbd_handle *h = failing_disk ();
  struct record done = { .result = -1, .new_error = EDOM };
  int64_t cookie = nbd_aio_flush (h, completion (&done), 0);

  drain (h);
  CHECK_EQ (done.error, ENOSPC);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), EDOM);
  nbd_close (h);
}

CASE (error_is_not_replaced_without_failing)
{
  struct nbd_handle *h = failing_disk ();
  struct record done = { .result = 0, .new_error = EDOM };
  int64_t cookie = nbd_aio_flush (h, completion (&done), 0);

  drain (h);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), ENOSPC);
  nbd_close (h);
}

CASE (completion_sees_the_error_of_the_chunk_callback)
{
  struct nbd_handle *h = embedded_disk ();
  struct record chunk = { .result = -1, .new_error = EDOM }, done = { 0 };
  int64_t cookie = nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                             completion (&done), 0);

  drain (h);
  CHECK_EQ (done.error, EDOM);
  CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), EDOM);
  nbd_close (h);
}

CASE (callback_with_only_a_free_function)
{
  struct nbd_handle *h = embedded_disk ();
  struct record done = { 0 };
  int64_t cookie = nbd_aio_flush (h, (nbd_completion_callback) {
      .user_data = &done, .free = record_free
    }, 0);

  drain (h);
  CHECK_EQ (done.frees, 0);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  CHECK_EQ (done.frees, 1);
  nbd_close (h);
}

CASE (every_command_completes)
{
  struct nbd_handle *h = embedded_disk ();
  struct record done[7] = { { 0 } }, chunk = { 0 };

  memset (buf, 0x42, 512);
  CHECK_EQ (nbd_aio_pwrite (h, buf, 512, 0, completion (&done[0]),
                            LIBNBD_CMD_FLAG_FUA), 1);
  CHECK_EQ (nbd_aio_flush (h, completion (&done[1]), 0), 2);
  CHECK_EQ (nbd_aio_trim (h, 4096, 8192, completion (&done[2]), 0), 3);
  CHECK_EQ (nbd_aio_zero (h, 4096, 16384, completion (&done[3]), 0), 4);
  CHECK_EQ (nbd_aio_cache (h, 4096, 0, completion (&done[4]), 0), 5);
  CHECK_EQ (finish (h, 1), 1);
  CHECK_EQ (nbd_aio_pread (h, other, 512, 0, completion (&done[5]), 0), 6);
  CHECK_EQ (nbd_aio_pread_structured (h, other + 512, 512, 0, chunks (&chunk),
                                      completion (&done[6]), 0), 7);
  for (int64_t i = 2; i <= 7; ++i)
    CHECK_EQ (finish (h, i), 1);
  for (int i = 0; i < 7; ++i) {
    CHECK_EQ (done[i].calls, 1);
    CHECK_EQ (done[i].frees, 1);
    CHECK_EQ (done[i].error, 0);
  }
  CHECK_EQ (chunk.calls, 1);
  CHECK_EQ (chunk.frees, 1);
  CHECK (all_bytes (other, 1024, 0x42));
  nbd_close (h);
}

/* ---- Closing with commands around ---- */

CASE (close_completes_what_is_pending)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request\nread-request\nwait-eof\n",
               "--replies", "structured", NULL));
  struct record chunk = { .name = "chunk" }, done = { .name = "done" };
  struct record flush = { .result = 1 };

  CHECK_EQ (nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                      completion (&done), 0), 1);
  CHECK_EQ (nbd_aio_flush (h, completion (&flush), 0), 2);
  nbd_close (h);
  CHECK_STR (logged (), "done free-chunk free-done");
  CHECK_EQ (done.error, ENOTCONN);
  CHECK_EQ (flush.calls, 1);
  CHECK_EQ (flush.frees, 1);
  CHECK_EQ (flush.error, ENOTCONN);
  check_script ();
}

CASE (close_only_frees_what_has_completed)
{
  struct nbd_handle *h = embedded_disk ();
  struct record chunk = { .name = "chunk" }, done = { .name = "done" };

  CHECK_EQ (nbd_aio_pread_structured (h, buf, 512, 0, chunks (&chunk),
                                      completion (&done), 0), 1);
  drain (h);
  CHECK_STR (logged (), "chunk done");
  nbd_close (h);
  CHECK_STR (logged (), "chunk done free-chunk free-done");
}

/* ---- Replies in any order ---- */

/* Chunks of two reads mixed with each other and with a simple reply. */
CASE (interleaved_replies)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\nread-request READ\nread-request FLUSH\n"
               "chunk @2 0 OFFSET_DATA u64:4096 fill:0x21*512\n"
               "chunk @1 0 OFFSET_DATA u64:512 fill:0x12*512\n"
               "simple @3 0\n"
               "chunk @2 0 OFFSET_HOLE u64:4608 u32:512\n"
               "chunk @1 DONE OFFSET_DATA u64:0 fill:0x11*512\n"
               "chunk @2 DONE NONE\n"
               "wait-eof\n", "--replies", "structured", NULL));

  CHECK_EQ (nbd_aio_pread (h, buf, 1024, 0, NBD_NULL_COMPLETION, 0), 1);
  CHECK_EQ (nbd_aio_pread (h, other, 1024, 4096, NBD_NULL_COMPLETION, 0), 2);
  CHECK_EQ (nbd_aio_flush (h, NBD_NULL_COMPLETION, 0), 3);
  drain (h);
  CHECK_EQ (nbd_aio_peek_command_completed (h), 3);
  CHECK_EQ (nbd_aio_command_completed (h, 3), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, 2), 1);
  CHECK (all_bytes (buf, 512, 0x11));
  CHECK (all_bytes (buf + 512, 512, 0x12));
  CHECK (all_bytes (other, 512, 0x21));
  CHECK (all_bytes (other + 512, 512, 0));
  nbd_close (h);
  check_script ();
}

/* ---- Many commands in flight ---- */

enum { DISK = 1024 * 1024, BLOCK = 4096, BLOCKS = DISK / BLOCK };

static uint8_t model[DISK];

struct slot {
  uint8_t data[BLOCK];
  unsigned block;
  bool is_read, busy;
};

static int
slot_done (void *data, int *error)
{
  struct slot *s = data;

  CHECK_EQ (*error, 0);
  CHECK (s->busy);
  if (s->is_read)
    CHECK (memcmp (s->data, model + (size_t) s->block * BLOCK, BLOCK) == 0);
  s->busy = false;
  return 1;
}

static struct slot *
free_slot (struct slot *slots, size_t n)
{
  for (size_t i = 0; i < n; ++i)
    if (!slots[i].busy)
      return &slots[i];
  return NULL;
}

static bool
block_in_use (const struct slot *slots, size_t n, unsigned block)
{
  for (size_t i = 0; i < n; ++i)
    if (slots[i].busy && slots[i].block == block)
      return true;
  return false;
}

/* Random reads and writes of blocks, `depth` at a time, never two of the same
 * block; each read must give what was last written. */
static void
check_random_load (struct nbd_handle *h, size_t depth, unsigned commands)
{
  struct slot *slots = calloc (depth, sizeof *slots);
  unsigned random = 12345;
  uint8_t *whole = malloc (DISK);

  CHECK (slots != NULL && whole != NULL);
  memset (model, 0, sizeof model);
  for (unsigned i = 0; i < commands; ) {
    struct slot *s = free_slot (slots, depth);
    nbd_completion_callback done = { .callback = slot_done, .user_data = s };
    unsigned block;
    int64_t r;

    if (s == NULL) {
      CHECK_EQ (nbd_poll (h, -1), 1);
      continue;
    }
    do {
      random = random * 1103515245 + 12345;
      block = (random >> 8) % BLOCKS;
    } while (block_in_use (slots, depth, block));
    s->block = block;
    s->is_read = random >> 31;
    s->busy = true;
    if (s->is_read)
      r = nbd_aio_pread (h, s->data, BLOCK, (uint64_t) block * BLOCK, done, 0);
    else {
      fill (s->data, BLOCK, i);
      memcpy (model + (size_t) block * BLOCK, s->data, BLOCK);
      r = nbd_aio_pwrite (h, s->data, BLOCK, (uint64_t) block * BLOCK, done,
                          0);
    }
    CHECK_EQ (r, ++i);
  }
  drain (h);
  CHECK (!block_in_use (slots, depth, 0));
  CHECK_EQ (nbd_pread (h, whole, DISK, 0, 0), 0);
  CHECK (memcmp (whole, model, DISK) == 0);
  free (whole);
  free (slots);
}

CASE (random_load_on_nbdkit)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  check_random_load (h, 64, 5000);
  nbd_close (h);
}

CASE (random_load_on_nbdkit_without_structured_replies)
{
  struct nbd_handle *h = connect_to (nbdkit ("--no-sr", "memory", "1M", NULL));

  check_random_load (h, 64, 5000);
  nbd_close (h);
}

CASE (random_load_on_qemu)
{
  struct nbd_handle *h = connect_to (qemu_nbd (temp_disk ("disk", DISK),
                                               "-f", "raw", NULL));

  check_random_load (h, 64, 5000);
  nbd_close (h);
}

CASE (random_load_with_replies_out_of_order)
{
  static const char *const forms[] = { "simple", "structured", "extended" };

  for (int i = 0; i < 3; ++i) {
    struct nbd_handle *h = connect_to
      (embedded ("--size", "1M", "--replies", forms[i], "--reorder", "64",
                 "--split-reads", "1000", "--sparse-reads", "--strict-exit",
                 NULL));

    situation ("%s", forms[i]);
    check_random_load (h, 64, 3000);
    nbd_close (h);
  }
}

CASE (a_thousand_in_flight)
{
  enum { COMMANDS = 1000 };
  struct nbd_handle *h = connect_to (nbdkit ("memory", "4M", NULL));
  uint8_t *out = malloc (COMMANDS * 4096), *in = calloc (COMMANDS, 4096);

  CHECK (out != NULL && in != NULL);
  fill (out, COMMANDS * 4096, 7);
  for (int64_t i = 0; i < COMMANDS; ++i)
    CHECK_EQ (nbd_aio_pwrite (h, out + i * 4096, 4096, (uint64_t) i * 4096,
                              NBD_NULL_COMPLETION, 0), i + 1);
  drain (h);
  for (int64_t i = 0; i < COMMANDS; ++i)
    CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) i + 1), 1);
  for (int64_t i = 0; i < COMMANDS; ++i)
    CHECK_EQ (nbd_aio_pread (h, in + i * 4096, 4096, (uint64_t) i * 4096,
                             NBD_NULL_COMPLETION, 0), COMMANDS + i + 1);
  drain (h);
  /* Retired from the last to the first. */
  for (int64_t i = COMMANDS; i > 0; --i)
    CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) (COMMANDS + i)), 1);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK (memcmp (in, out, COMMANDS * 4096) == 0);
  free (in);
  free (out);
  nbd_close (h);
}
