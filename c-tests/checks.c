/* What the library refuses to send, and that it sends it all the same when the
 * program has switched that check off. */
#include "test.h"

enum command { READ, READ_CHUNKS, WRITE, FLUSH, TRIM, ZERO, CACHE };

static const char *const sync_names[] = {
  "nbd_pread", "nbd_pread_structured", "nbd_pwrite", "nbd_flush", "nbd_trim",
  "nbd_zero", "nbd_cache",
};
static const char *const aio_names[] = {
  "nbd_aio_pread", "nbd_aio_pread_structured", "nbd_aio_pwrite",
  "nbd_aio_flush", "nbd_aio_trim", "nbd_aio_zero", "nbd_aio_cache",
};

static char *buffer;
enum { BUFFER = 65 * 1024 * 1024 };

static int
ignore_chunk (void *record, const void *buf, size_t count, uint64_t offset,
              unsigned status, int *error)
{
  (void) buf, (void) count, (void) offset, (void) status;
  record_call (record, error);
  return 0;
}

static nbd_chunk_callback
chunks (struct record *r)
{
  return (nbd_chunk_callback) {
    .callback = ignore_chunk, .user_data = r, .free = record_free
  };
}

static int
call (struct nbd_handle *h, enum command command, uint64_t count,
      uint64_t offset, uint32_t flags)
{
  struct record chunk = { 0 };
  int r;

  switch (command) {
  case READ: return nbd_pread (h, buffer, count, offset, flags);
  case READ_CHUNKS:
    r = nbd_pread_structured (h, buffer, count, offset, chunks (&chunk), flags);
    CHECK_EQ (chunk.frees, 1);
    return r;
  case WRITE: return nbd_pwrite (h, buffer, count, offset, flags);
  case FLUSH: return nbd_flush (h, flags);
  case TRIM: return nbd_trim (h, count, offset, flags);
  case ZERO: return nbd_zero (h, count, offset, flags);
  case CACHE: return nbd_cache (h, count, offset, flags);
  }
  return 0;
}

static int64_t
aio_call (struct nbd_handle *h, enum command command, uint64_t count,
          uint64_t offset, uint32_t flags, struct record *chunk,
          struct record *done)
{
  nbd_completion_callback c = completion (done);

  switch (command) {
  case READ: return nbd_aio_pread (h, buffer, count, offset, c, flags);
  case READ_CHUNKS:
    return nbd_aio_pread_structured (h, buffer, count, offset, chunks (chunk),
                                     c, flags);
  case WRITE: return nbd_aio_pwrite (h, buffer, count, offset, c, flags);
  case FLUSH: return nbd_aio_flush (h, c, flags);
  case TRIM: return nbd_aio_trim (h, count, offset, c, flags);
  case ZERO: return nbd_aio_zero (h, count, offset, c, flags);
  case CACHE: return nbd_aio_cache (h, count, offset, c, flags);
  }
  return 0;
}

/* Either form fails with this errno; nothing is sent, no cookie is used up,
 * the callbacks are freed and never called. */
static void
check_refused (struct nbd_handle *h, enum command command, uint64_t count,
               uint64_t offset, uint32_t flags, int err)
{
  struct record chunk = { 0 }, done = { 0 };

  forget_error ();
  check_failed (__FILE__, __LINE__, sync_names[command],
                call (h, command, count, offset, flags) == -1, err);
  forget_error ();
  check_failed (__FILE__, __LINE__, aio_names[command],
                aio_call (h, command, count, offset, flags, &chunk,
                          &done) == -1, err);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (chunk.frees, command == READ_CHUNKS);
  CHECK_EQ (chunk.calls, 0);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
}

/* How many requests the embedded server has seen. */
static unsigned
requests (const char *log)
{
  FILE *fp = fopen (log, "r");
  char line[512];
  unsigned count = 0;

  CHECK (fp != NULL);
  while (fgets (line, sizeof line, fp) != NULL)
    count += strncmp (line, "request ", 8) == 0;
  fclose (fp);
  return count;
}

static void
check_request (const char *log, const char *wanted)
{
  FILE *fp = fopen (log, "r");
  char line[512], last[512] = "";

  CHECK (fp != NULL);
  while (fgets (line, sizeof line, fp) != NULL)
    if (strncmp (line, "request ", 8) == 0)
      strcpy (last, line);
  fclose (fp);
  if (strstr (last, wanted) == NULL)
    fail_at (__FILE__, __LINE__, "wanted %s, got %s", wanted, last);
}

struct attempt {
  const char *what;
  enum command command;
  uint64_t count, offset;
  uint32_t flags;
  int err;
};

/* Refused while the check is on; sent, once, when it is off. */
static void
check_attempt (const struct attempt *a, uint32_t strict_bit,
               const char *option, const char *value)
{
  const char *log = temp_path (text ("log-%s", a->what));
  struct nbd_handle *h = connect_to
    (embedded ("--size", "1M", "--replies", "structured", "--log", log,
               option, value, NULL));

  situation ("%s", a->what);
  check_refused (h, a->command, a->count, a->offset, a->flags, a->err);
  CHECK_EQ (requests (log), 0);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK & ~strict_bit), 0);
  /* The server may accept it or not. */
  (void) call (h, a->command, a->count, a->offset, a->flags);
  CHECK_EQ (requests (log), 1);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK), 0);
  if (!nbd_aio_is_dead (h) && !nbd_aio_is_closed (h)) {
    check_refused (h, a->command, a->count, a->offset, a->flags, a->err);
    CHECK_EQ (requests (log), 1);
  }
  nbd_close (h);
  stop_servers ();
}

#define COUNT(table) (sizeof table / sizeof table[0])
#define FUA LIBNBD_CMD_FLAG_FUA
#define NO_HOLE LIBNBD_CMD_FLAG_NO_HOLE
#define DF LIBNBD_CMD_FLAG_DF
#define REQ_ONE LIBNBD_CMD_FLAG_REQ_ONE
#define FAST_ZERO LIBNBD_CMD_FLAG_FAST_ZERO

static void
allocate (void)
{
  buffer = calloc (1, BUFFER);
  CHECK (buffer != NULL);
}

CASE (commands_the_server_does_not_offer)
{
  static const struct {
    struct attempt attempt;
    const char *server_flags;
  } table[] = {
    { { "write-ro", WRITE, 512, 0, 0, EPERM }, "0x3" },
    { { "write-fua", WRITE, 512, 0, FUA, EINVAL }, "0x1" },
    { { "flush", FLUSH, 0, 0, 0, EINVAL }, "0x1" },
    { { "cache", CACHE, 512, 0, 0, EINVAL }, "0x1" },
    { { "trim", TRIM, 512, 0, 0, EINVAL }, "0x1" },
    { { "trim-ro", TRIM, 512, 0, 0, EPERM }, "0x23" },
    { { "trim-fua", TRIM, 512, 0, FUA, EINVAL }, "0x21" },
    { { "zero", ZERO, 512, 0, 0, EINVAL }, "0x1" },
    { { "zero-ro", ZERO, 512, 0, 0, EPERM }, "0x43" },
    { { "zero-fua", ZERO, 512, 0, FUA, EINVAL }, "0x41" },
    { { "zero-fast", ZERO, 512, 0, FAST_ZERO, EINVAL }, "0x41" },
    { { "df", READ_CHUNKS, 512, 0, DF, EINVAL }, "0x1" },
    /* What is not offered at all comes first, before the rest. */
    { { "trim-and-ro", TRIM, 512, 0, 0, EINVAL }, "0x3" },
    { { "zero-and-ro", ZERO, 512, 0, 0, EINVAL }, "0x3" },
    { { "write-ro-fua-empty", WRITE, 0, 0, FUA, EPERM }, "0x3" },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i)
    check_attempt (&table[i].attempt,
                   /* The last one is wrong in two ways. */
                   LIBNBD_STRICT_COMMANDS |
                   (table[i].attempt.count == 0 ? LIBNBD_STRICT_ZERO_SIZE : 0),
                   "--flags", table[i].server_flags);
  free (buffer);
}

CASE (flags_that_do_not_belong_to_the_command)
{
  static const struct attempt table[] = {
    { "read-fua", READ, 512, 0, FUA, EINVAL },
    { "read-df", READ, 512, 0, DF, EINVAL },
    { "read-unknown", READ, 512, 0, 0x8000, EINVAL },
    { "chunks-fua", READ_CHUNKS, 512, 0, FUA, EINVAL },
    { "chunks-req-one", READ_CHUNKS, 512, 0, REQ_ONE, EINVAL },
    { "write-no-hole", WRITE, 512, 0, NO_HOLE, EINVAL },
    { "write-fast-zero", WRITE, 512, 0, FUA|FAST_ZERO, EINVAL },
    { "flush-fua", FLUSH, 0, 0, FUA, EINVAL },
    { "trim-no-hole", TRIM, 512, 0, NO_HOLE, EINVAL },
    { "trim-fast-zero", TRIM, 512, 0, FAST_ZERO, EINVAL },
    { "zero-df", ZERO, 512, 0, DF, EINVAL },
    { "zero-req-one", ZERO, 512, 0, REQ_ONE, EINVAL },
    { "cache-fua", CACHE, 512, 0, FUA, EINVAL },
    { "cache-unknown", CACHE, 512, 0, 0x40, EINVAL },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i)
    check_attempt (&table[i], LIBNBD_STRICT_FLAGS, NULL, NULL);
  free (buffer);
}

CASE (flags_that_do_not_fit_the_protocol)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));

  allocate ();
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  for (enum command c = READ; c <= CACHE; ++c) {
    check_refused (h, c, 512, 0, 0x10000, EINVAL);
    check_refused (h, c, 512, 0, 1U << 31, EINVAL);
  }
  CHECK_ERR (nbd_aio_disconnect (h, 0x10000), EINVAL);
  CHECK_ERR (nbd_shutdown (h, 1), EINVAL);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  free (buffer);
  nbd_close (h);
}

/* Bits without a name go to the server as they are. */
CASE (unchecked_flags_are_sent)
{
  const char *log = temp_path ("log");
  struct nbd_handle *h = connect_to (embedded ("--replies", "structured",
                                               "--log", log, NULL));
  char buf[512];

  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK & ~LIBNBD_STRICT_FLAGS),
            0);
  (void) nbd_pread (h, buf, sizeof buf, 0, 0xffd1);
  check_request (log, "READ flags=0xffd1");
  nbd_close (h);
}

CASE (empty_ranges)
{
  static const struct attempt table[] = {
    { "read", READ, 0, 0, 0, EINVAL },
    { "chunks", READ_CHUNKS, 0, 0, 0, EINVAL },
    { "write", WRITE, 0, 0, 0, EINVAL },
    { "trim", TRIM, 0, 0, 0, EINVAL },
    { "zero", ZERO, 0, 0, 0, EINVAL },
    { "cache", CACHE, 0, 0, 0, EINVAL },
    { "read-at-end", READ, 0, 1048576, 0, EINVAL },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i)
    check_attempt (&table[i], LIBNBD_STRICT_ZERO_SIZE, NULL, NULL);
  free (buffer);
}

CASE (ranges_outside_the_export)
{
  static const struct attempt table[] = {
    { "read-end", READ, 513, 1048064, 0, EINVAL },
    { "read-behind", READ, 1, 1048576, 0, EINVAL },
    { "read-wrap", READ, 2, UINT64_MAX, 0, EINVAL },
    { "read-wrap-exact", READ, 512, UINT64_MAX - 511, 0, EINVAL },
    { "chunks", READ_CHUNKS, 512, 1048065, 0, EINVAL },
    { "write-end", WRITE, 513, 1048064, 0, ENOSPC },
    { "write-behind", WRITE, 1, UINT64_C (1) << 63, 0, ENOSPC },
    { "write-wrap", WRITE, 512, UINT64_MAX - 255, 0, ENOSPC },
    { "trim-end", TRIM, 1048577, 0, 0, ENOSPC },
    { "trim-wrap", TRIM, 0xffffffff, UINT64_MAX, 0, ENOSPC },
    { "zero-end", ZERO, 1048577, 0, 0, ENOSPC },
    { "zero-wrap", ZERO, 512, UINT64_MAX, 0, ENOSPC },
    { "cache-end", CACHE, 1048577, 0, 0, EINVAL },
    { "cache-wrap", CACHE, 512, UINT64_MAX, 0, EINVAL },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i)
    check_attempt (&table[i], LIBNBD_STRICT_BOUNDS, NULL, NULL);
  free (buffer);
}

CASE (ranges_that_are_not_aligned)
{
  static const struct attempt table[] = {
    { "read-count", READ, 511, 0, 0, EINVAL },
    { "read-offset", READ, 512, 1, 0, EINVAL },
    { "read-half", READ, 512, 256, 0, EINVAL },
    { "chunks", READ_CHUNKS, 513, 512, 0, EINVAL },
    { "write-count", WRITE, 1, 0, 0, EINVAL },
    { "write-offset", WRITE, 512, 511, 0, EINVAL },
    { "trim", TRIM, 1024, 1023, 0, EINVAL },
    { "zero", ZERO, 1023, 1024, 0, EINVAL },
    { "cache", CACHE, 256, 0, 0, EINVAL },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i)
    check_attempt (&table[i], LIBNBD_STRICT_ALIGN, "--block-size",
                   "512,4096,1M");
  free (buffer);
}

/* Bounds are looked at before alignment. */
CASE (order_of_bounds_and_alignment)
{
  struct nbd_handle *h = connect_to
    (embedded ("--size", "1M", "--block-size", "512,4096,1M", NULL));

  allocate ();
  check_refused (h, WRITE, 511, 1048575, 0, ENOSPC);
  check_refused (h, WRITE, 511, 0, 0, EINVAL);
  free (buffer);
  nbd_close (h);
}

CASE (what_is_within_the_limits)
{
  struct nbd_handle *h = connect_to
    (embedded ("--size", "1M", "--block-size", "512,4096,1M", "--strict-exit",
               NULL));

  allocate ();
  for (enum command c = READ; c <= CACHE; ++c) {
    situation ("%s", sync_names[c]);
    CHECK_EQ (call (h, c, 512, 0, 0), 0);
    CHECK_EQ (call (h, c, 512, 1048576 - 512, 0), 0);
    CHECK_EQ (call (h, c, 1048576, 0, 0), 0);
  }
  free (buffer);
  nbd_close (h);
}

CASE (payload_larger_than_the_server_likes)
{
  static const struct attempt attempt =
    { "write", WRITE, 2 * 1024 * 1024, 0, 0, ERANGE };
  struct nbd_handle *h;

  allocate ();
  situation ("advertised");
  h = connect_to (embedded ("--block-size", "1,4096,1M", NULL));
  check_refused (h, attempt.command, attempt.count, 0, 0, attempt.err);
  CHECK_EQ (call (h, WRITE, 1024 * 1024, 0, 0), 0);
  /* Reads may be larger. */
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  nbd_close (h);
  stop_servers ();

  situation ("not advertised");
  h = connect_to (nbdkit ("memory", "128M", NULL));
  check_refused (h, WRITE, 32 * 1024 * 1024 + 1, 0, 0, ERANGE);
  CHECK_EQ (call (h, WRITE, 32 * 1024 * 1024, 0, 0), 0);
  CHECK_EQ (call (h, READ, 64 * 1024 * 1024, 0, 0), 0);
  nbd_close (h);
  stop_servers ();
  free (buffer);
}

/* Unchecked, the write is sent, and the server hangs up on it. */
CASE (payload_too_large_and_not_checked)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread 28\nclose\n", "--size", "128M",
               "--replies", "structured", NULL));

  allocate ();
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_PAYLOAD), 0);
  CHECK_ERR (nbd_pwrite (h, buffer, 64 * 1024 * 1024, 0, 0), ANY_ERRNO);
  CHECK (nbd_aio_is_dead (h) || nbd_aio_is_closed (h));
  free (buffer);
  nbd_close (h);
  check_script ();
}

/* Never sent, whatever the checks. */
CASE (payload_beyond_the_hard_limit)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1G", NULL));
  const uint64_t limit = 64 * 1024 * 1024;
  const uint32_t modes[] = { LIBNBD_STRICT_MASK, 0 };

  allocate ();
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ (nbd_set_strict_mode (h, modes[i]), 0);
    check_refused (h, READ, limit + 1, 0, 0, ERANGE);
    check_refused (h, READ_CHUNKS, limit + 1, 0, 0, ERANGE);
    check_refused (h, WRITE, limit + 1, 0, 0, ERANGE);
  }
  CHECK_EQ (call (h, READ, limit, 0, 0), 0);
  free (buffer);
  nbd_close (h);
}

CASE (length_beyond_32_bits)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "8G", NULL));
  const uint32_t modes[] = { LIBNBD_STRICT_MASK, 0 };

  CHECK_EQ (nbd_can_trim (h) && nbd_can_zero (h), 1);
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ (nbd_set_strict_mode (h, modes[i]), 0);
    check_refused (h, TRIM, UINT64_C (1) << 32, 0, 0, ERANGE);
    check_refused (h, ZERO, UINT64_C (1) << 32, 0, 0, ERANGE);
  }
  nbd_close (h);
}

CASE (length_beyond_32_bits_with_extended_headers)
{
  const char *log = temp_path ("log");
  struct nbd_handle *h = connect_to
    (embedded ("--size", "8G", "--replies", "extended", "--strict-exit",
               "--log", log, NULL));

  CHECK_EQ (nbd_zero (h, UINT64_C (5) << 30, 4096, 0), 0);
  check_request (log, "offset=0x1000 length=0x140000000");
  CHECK_EQ (nbd_trim (h, UINT64_C (1) << 32, 0, 0), 0);
  check_request (log, "offset=0x0 length=0x100000000");
  nbd_close (h);
}

CASE (nothing_follows_a_disconnect)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request DISC\nexpect-eof\n", NULL));

  allocate ();
  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  for (enum command c = READ; c <= CACHE; ++c) {
    struct record chunk = { 0 }, done = { 0 };

    situation ("%s", aio_names[c]);
    forget_error ();
    check_failed (__FILE__, __LINE__, aio_names[c],
                  aio_call (h, c, 512, 0, 0, &chunk, &done) == -1, EINVAL);
    CHECK_EQ (done.frees, 1);
    CHECK_EQ (done.calls, 0);
  }
  CHECK_ERR (nbd_aio_disconnect (h, 0), EINVAL);
  free (buffer);
  nbd_close (h);
  check_script ();
}

/* A refused call must not use up a cookie. */
CASE (cookies_count_accepted_commands)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));
  int64_t cookie;

  allocate ();
  check_refused (h, READ, 0, 0, 0, EINVAL);
  check_refused (h, WRITE, 1, 1048576, 0, ENOSPC);
  cookie = nbd_aio_flush (h, NBD_NULL_COMPLETION, 0);
  CHECK_EQ (cookie, 1);
  CHECK_EQ (finish (h, cookie), 1);
  free (buffer);
  nbd_close (h);
}

/* ---- The flag that goes with a payload under extended headers ---- */

static struct nbd_handle *
connect_and_log (const char *replies, const char *log)
{
  struct nbd_handle *h = connect_to
    (embedded ("--replies", replies, "--strict-exit", "--log", log, NULL));

  return h;
}

CASE (payload_flag_is_automatic)
{
  static const struct { const char *replies, *wanted; } table[] = {
    { "extended", "WRITE flags=0x0020" },
    { "structured", "WRITE flags=0x0000" },
    { "simple", "WRITE flags=0x0000" },
  };

  for (size_t i = 0; i < COUNT (table); ++i) {
    const char *log = temp_path (table[i].replies);
    struct nbd_handle *h = connect_and_log (table[i].replies, log);

    situation ("%s", table[i].replies);
    CHECK_EQ (nbd_pwrite (h, "data", 4, 0, 0), 0);
    check_request (log, table[i].wanted);
    /* What the program says does not matter. */
    CHECK_EQ (nbd_pwrite (h, "data", 4, 0, LIBNBD_CMD_FLAG_PAYLOAD_LEN), 0);
    check_request (log, table[i].wanted);
    nbd_close (h);
  }
}

CASE (payload_flag_checked)
{
  static const struct {
    const char *replies;
    uint32_t right, wrong;
  } table[] = {
    { "extended", LIBNBD_CMD_FLAG_PAYLOAD_LEN, 0 },
    { "structured", 0, LIBNBD_CMD_FLAG_PAYLOAD_LEN },
  };

  allocate ();
  for (size_t i = 0; i < COUNT (table); ++i) {
    const char *log = temp_path (table[i].replies);
    struct nbd_handle *h = connect_and_log (table[i].replies, log);

    situation ("%s", table[i].replies);
    CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                   ~LIBNBD_STRICT_AUTO_FLAG), 0);
    check_refused (h, WRITE, 4, 0, table[i].wrong, EINVAL);
    CHECK_EQ (requests (log), 0);
    CHECK_EQ (call (h, WRITE, 4, 0, table[i].right), 0);
    CHECK_EQ (requests (log), 1);
    nbd_close (h);
  }
  free (buffer);
}

CASE (payload_flag_sent_as_given)
{
  const char *log = temp_path ("log");
  struct nbd_handle *h = connect_to
    (embedded ("--replies", "structured", "--log", log, NULL));

  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~(LIBNBD_STRICT_AUTO_FLAG |
                                   LIBNBD_STRICT_COMMANDS)), 0);
  (void) nbd_pwrite (h, "data", 4, 0, LIBNBD_CMD_FLAG_PAYLOAD_LEN);
  check_request (log, "WRITE flags=0x0020");
  nbd_close (h);
}

static int
ignore_message (void *data, const char *context, const char *message)
{
  (void) data;
  (void) context;
  (void) message;
  return 0;
}

/* A length that no command can have, such as -1 from a call that failed, is
 * refused as such whatever the size of the export, and nothing is touched: there
 * need not be that much memory. */
CASE (impossible_lengths)
{
  static const size_t lengths[] = {
    SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, (size_t) 1 << 32
  };
  static const size_t too_long = 64 * 1024 * 1024 + 1;
  struct nbd_handle *h = create ();
  struct record chunk = { 0 }, done = { 0 };
  char byte = 1;

  /* Debug messages show the beginning of what is written. */
  CHECK_EQ (nbd_set_debug_callback (h, (nbd_debug_callback) {
        .callback = ignore_message }), 0);
  for (int debug = 0; debug < 2; ++debug) {
    CHECK_EQ (nbd_set_debug (h, debug), 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
      const size_t length = lengths[i];

      CHECK_ERR (nbd_pread (h, &byte, length, 0, 0), ENOTCONN);
      CHECK_ERR (nbd_pwrite (h, &byte, length, 0, 0), ENOTCONN);
    }
  }
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  for (int strict = 0; strict < 2; ++strict) {
    CHECK_EQ (nbd_set_strict_mode (h, strict ? LIBNBD_STRICT_MASK : 0), 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
      const size_t length = lengths[i];

      situation ("%zu bytes, strict %d", length, strict);
      CHECK_ERR (nbd_pread (h, &byte, length, 0, 0), ERANGE);
      CHECK_ERR (nbd_pread_structured (h, &byte, length, 0,
                                       chunks (&chunk), 0),
                 ERANGE);
      CHECK_ERR (nbd_aio_pread (h, &byte, length, 0, completion (&done), 0),
                 ERANGE);
      CHECK_ERR (nbd_aio_pread_structured (h, &byte, length, 0, chunks (&chunk),
                                           completion (&done), 0), ERANGE);
      CHECK_ERR (nbd_pwrite (h, &byte, length, 0, 0), ERANGE);
      CHECK_ERR (nbd_aio_pwrite (h, &byte, length, 0, completion (&done), 0),
                 ERANGE);
      CHECK_ERR (nbd_pread (h, &byte, length, UINT64_MAX, 0), ERANGE);
    }
  }
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 24);
  CHECK_EQ (chunk.frees, 16);
  /* A length that is merely too long is compared with the export first. */
  CHECK_ERR (nbd_pread (h, &byte, too_long, 0, 0), EINVAL);
  CHECK_ERR (nbd_pwrite (h, &byte, too_long, 0, 0), ENOSPC);
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  CHECK_ERR (nbd_pread (h, &byte, too_long, 0, 0), ERANGE);
  CHECK_ERR (nbd_pwrite (h, &byte, too_long, 0, 0), ERANGE);
  CHECK_EQ (byte, 1);
  nbd_close (h);
}
