/* Servers that break the rules after the handshake.  What can be skipped fails
 * one command; what cannot be made sense of ends the connection. */
#include "test.h"

#include <time.h>

static uint8_t buf[512];

enum outcome { FAILS, ENDS };

struct fault {
  const char *what;
  const char *script;   /* Answer to a read of 512 bytes at 1024. */
  enum outcome outcome;
  int err;
};

static struct nbd_handle *
server_answering (const char *replies, const struct fault *f)
{
  situation ("%s replies: %s", replies, f->what);
  return connect_to (scripted (text ("handshake\nread-request\n%s\n%s\n",
                                     f->script,
                                     f->outcome == FAILS ? "serve"
                                     : "wait-eof"),
                               "--size", "1M", "--replies", replies, NULL));
}

static void
check_outcome (struct nbd_handle *h, const struct fault *f)
{
  if (f->outcome == FAILS) {
    CHECK_EQ (nbd_aio_is_ready (h), 1);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
  }
  else {
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), EINVAL);
  }
  nbd_close (h);
  check_script ();
}

static void
check_reads (const char *replies, const struct fault *faults, size_t n)
{
  for (size_t i = 0; i < n; ++i) {
    struct nbd_handle *h = server_answering (replies, &faults[i]);

    CHECK_ERR (nbd_pread (h, buf, sizeof buf, 1024, 0), faults[i].err);
    check_outcome (h, &faults[i]);
  }
}

#define COUNT(table) (sizeof table / sizeof table[0])

CASE (simple_replies)
{
  static const struct fault faults[] = {
    { "wrong magic", "send u32:0x12345678 u32:0 cookie zero:512", ENDS, 0 },
    { "request instead of reply",
      "send u32:0x25609513 u16:0 u16:0 cookie u64:0 u32:0", ENDS, 0 },
    { "structured reply that was not agreed on",
      "chunk DONE OFFSET_DATA u64:1024 zero:512", ENDS, 0 },
    { "extended reply that was not agreed on",
      "ext-chunk DONE OFFSET_DATA = u64:1024 zero:512", ENDS, 0 },
    { "success for a stranger",
      "send u32:0x67446698 u32:0 u64:999 zero:512", ENDS, EPROTO },
  };

  check_reads ("simple", faults, COUNT (faults));
}

CASE (structured_replies)
{
  static const struct fault faults[] = {
    { "wrong magic", "send u32:0x668e33ee u16:1 u16:0 cookie u32:0", ENDS, 0 },
    { "extended reply that was not agreed on",
      "ext-chunk DONE OFFSET_DATA = u64:1024 zero:512", ENDS, 0 },
    { "data before the request",
      "chunk DONE OFFSET_DATA u64:1023 zero:512", ENDS, 0 },
    { "data behind the request",
      "chunk DONE OFFSET_DATA u64:1025 zero:512", ENDS, 0 },
    { "data far away",
      "chunk DONE OFFSET_DATA u64:0xffffffffffffff00 zero:512", ENDS, 0 },
    { "hole behind the request",
      "chunk DONE OFFSET_HOLE u64:1024 u32:513", ENDS, 0 },
    { "hole that wraps around",
      "chunk DONE OFFSET_HOLE u64:0xffffffffffffffff u32:0xffffffff", ENDS,
      0 },
    { "chunk longer than any payload",
      "send u32:0x668e33ef u16:1 u16:1 cookie u32:0x4000009 u64:1024", ENDS,
      0 },
    { "chunk as long as can be",
      "send u32:0x668e33ef u16:1 u16:0x8001 cookie u32:0xffffffff", ENDS, 0 },
    { "end with a payload", "chunk DONE NONE 2a", FAILS, EPROTO },
    { "end that is none", "chunk 0 NONE\nchunk DONE NONE", FAILS, EPROTO },
    { "nothing but the end", "chunk DONE NONE", FAILS, EPROTO },
    { "too little data",
      "chunk DONE OFFSET_DATA u64:1024 zero:511", FAILS, EPROTO },
    { "data without data", "chunk DONE OFFSET_DATA u64:1024", FAILS, EPROTO },
    { "data without offset", "chunk DONE OFFSET_DATA 0000", FAILS, EPROTO },
    { "hole without length",
      "chunk DONE OFFSET_HOLE u64:1024", FAILS, EPROTO },
    { "nothing but a hole of no length",
      "chunk DONE OFFSET_HOLE u64:1024 u32:0", FAILS, EPROTO },
    { "data twice",
      "chunk 0 OFFSET_DATA u64:1024 zero:512\n"
      "chunk DONE OFFSET_DATA u64:1024 zero:512", FAILS, EPROTO },
    { "hole with more behind",
      "chunk DONE OFFSET_HOLE u64:1024 u32:512 00", FAILS, EPROTO },
    { "status of blocks",
      "chunk DONE BLOCK_STATUS u32:0 u32:512 u32:0", FAILS, EPROTO },
    { "unknown type", "chunk DONE 0x1234 zero:100", FAILS, EPROTO },
    { "unknown error type",
      "chunk DONE 0x8fff u32:12 u16:0 zero:50", FAILS, ENOMEM },
    { "error of value 0", "chunk DONE ERROR u32:0 u16:0", FAILS, EPROTO },
    { "error too short", "chunk DONE ERROR u16:5", FAILS, EPROTO },
    { "error with endless text",
      "chunk DONE ERROR u32:12 u16:9999 \"short\"", FAILS, ENOMEM },
    { "simple reply", "simple 0 zero:512", FAILS, EPROTO },
  };

  check_reads ("structured", faults, COUNT (faults));
}

static int
log_chunk (void *data, const void *subbuf, size_t count, uint64_t offset,
           unsigned status, int *error)
{
  (void) subbuf;
  (void) error;
  ++*(unsigned *) data;
  log_word ("%s@%" PRIu64 "+%zu", status == LIBNBD_READ_HOLE ? "hole" : "data",
            offset, count);
  return 0;
}

static const char *const chunked[] = { "structured", "extended" };

/* A chunk of a read of 512 bytes at 1024. */
static const char *
read_chunk (const char *replies, const char *chunk)
{
  const char *blank = strrchr (chunk, '|');

  if (strcmp (replies, "structured") == 0)
    return text ("chunk %.*s %s\n", (int) (blank - chunk), chunk, blank + 1);
  return text ("ext-chunk %.*s = %s\n", (int) (blank - chunk), chunk,
               blank + 1);
}

/* Chunks of nothing beside data that is complete do no harm.  The C library
 * accepts them as well. */
CASE (chunks_of_nothing)
{
  static const struct { const char *first, *second, *told; } table[] = {
    { "0 OFFSET_DATA|u64:1024", "DONE OFFSET_DATA|u64:1024 fill:7*512",
      "data@1024+0 data@1024+512" },
    { "0 OFFSET_DATA|u64:1024 fill:7*512", "DONE OFFSET_DATA|u64:1100",
      "data@1024+512 data@1100+0" },
    { "0 OFFSET_HOLE|u64:1024 u32:0", "DONE OFFSET_DATA|u64:1024 fill:7*512",
      "hole@1024+0 data@1024+512" },
    { "0 OFFSET_DATA|u64:1024 fill:7*512", "DONE OFFSET_HOLE|u64:1024 u32:0",
      "data@1024+512 hole@1024+0" },
  };

  for (int style = 0; style < 2; ++style)
    for (size_t i = 0; i < COUNT (table); ++i) {
      struct fault f = { .what = table[i].told, .outcome = FAILS };
      struct nbd_handle *h;
      unsigned calls = 0;

      f.script = text ("%s%s", read_chunk (chunked[style], table[i].first),
                       read_chunk (chunked[style], table[i].second));
      h = server_answering (chunked[style], &f);
      clear_log ();
      CHECK_EQ (nbd_pread_structured (h, buf, sizeof buf, 1024,
                                      (nbd_chunk_callback) {
                                        log_chunk, &calls, NULL }, 0), 0);
      CHECK_STR (logged (), table[i].told);
      CHECK (all_bytes (buf, sizeof buf, 7));
      check_outcome (h, &f);
    }
}

/* A read that has been filled takes nothing more, whatever is sent: neither
 * data nor zeroes, and the callback does not hear of it. */
CASE (more_than_was_asked_for)
{
  static const char *const more[] = {
    "0 OFFSET_DATA|u64:1024 fill:8*512", "0 OFFSET_HOLE|u64:1024 u32:512",
    "0 OFFSET_HOLE|u64:1535 u32:1", "0 OFFSET_DATA|u64:1024 08",
  };

  for (int style = 0; style < 2; ++style)
    for (size_t i = 0; i < COUNT (more); ++i) {
      struct fault f = { .what = more[i], .outcome = FAILS };
      struct nbd_handle *h;
      unsigned calls = 0;

      f.script = text
        ("%s%s%s%s",
         read_chunk (chunked[style], "0 OFFSET_DATA|u64:1024 fill:7*512"),
         read_chunk (chunked[style], more[i]),
         read_chunk (chunked[style], "0 OFFSET_HOLE|u64:1024 u32:0"),
         style == 0 ? "chunk DONE NONE" : "ext-chunk DONE NONE =");
      h = server_answering (chunked[style], &f);
      clear_log ();
      CHECK_ERR (nbd_pread_structured (h, buf, sizeof buf, 1024,
                                       (nbd_chunk_callback) {
                                         log_chunk, &calls, NULL }, 0),
                 EPROTO);
      CHECK_STR (logged (), "data@1024+512");
      CHECK (all_bytes (buf, sizeof buf, 7));
      check_outcome (h, &f);
    }
}

/* 32 bytes for each hole must not cost 64 MiB of zeroes: that is 64 GB, which
 * nothing writes in the time allowed here. */
CASE (a_thousand_holes)
{
  enum { LENGTH = 64 * 1024 * 1024 };
  char *script = text ("handshake\nread-request\n");
  char *holes = text ("\n");
  struct nbd_handle *h;
  char *large = malloc (LENGTH);
  unsigned calls = 0;
  time_t start;

  CHECK (large != NULL);
  for (int i = 0; i < 100; ++i)
    holes = text ("%schunk 0 OFFSET_HOLE u64:0 u32:%d\n", holes, LENGTH);
  for (int i = 0; i < 10; ++i)
    script = text ("%s%s", script, holes);
  h = connect_to (scripted (text ("%schunk DONE NONE\nserve\n", script),
                            "--size", "64M", "--replies", "structured", NULL));
  start = time (NULL);
  CHECK_ERR (nbd_pread_structured (h, large, LENGTH, 0, (nbd_chunk_callback) {
        log_chunk, &calls, NULL }, 0), EPROTO);
  CHECK (time (NULL) - start <= 5);
  CHECK_EQ (calls, 1);
  CHECK (all_bytes (large, LENGTH, 0));
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_script ();
  free (large);
}

CASE (extended_replies)
{
  static const struct fault faults[] = {
    { "simple reply", "simple 0 zero:512", ENDS, 0 },
    { "simple error", "simple EIO", ENDS, 0 },
    { "structured reply",
      "chunk DONE OFFSET_DATA u64:1024 zero:512", ENDS, 0 },
    { "offset of another request",
      "ext-chunk DONE OFFSET_DATA 1025 u64:1024 zero:512", FAILS, EPROTO },
    { "data behind the request",
      "ext-chunk DONE OFFSET_DATA = u64:1025 zero:512", ENDS, 0 },
    { "unknown type", "ext-chunk DONE 0x1234 = zero:100", FAILS, EPROTO },
    { "chunk as long as can be",
      "send u32:0x6e8a278c u16:1 u16:1 cookie u64:1024 u64:0xffffffffffffffff",
      ENDS, 0 },
    { "chunk longer than any payload",
      "send u32:0x6e8a278c u16:1 u16:1 cookie u64:1024 u64:0x100000000",
      ENDS, 0 },
  };

  check_reads ("extended", faults, COUNT (faults));
}

/* A write does not expect content. */
CASE (content_in_answer_to_a_write)
{
  static const struct fault faults[] = {
    { "data", "chunk DONE OFFSET_DATA u64:1024 zero:512", FAILS, EPROTO },
    { "hole", "chunk DONE OFFSET_HOLE u64:1024 u32:512", FAILS, EPROTO },
  };

  for (size_t i = 0; i < COUNT (faults); ++i) {
    struct nbd_handle *h = server_answering ("structured", &faults[i]);

    CHECK_ERR (nbd_pwrite (h, "data", 4, 1024, 0), faults[i].err);
    check_outcome (h, &faults[i]);
  }
}

/* Replies that belong to nothing are ignored where nothing follows them that
 * could not be skipped. */
CASE (replies_to_unknown_cookies)
{
  static const struct { const char *replies, *script; } table[] = {
    { "simple", "send u32:0x67446698 u32:5 u64:999" },
    { "structured", "send u32:0x67446698 u32:5 u64:999" },
    { "structured", "send u32:0x668e33ef u16:1 u16:0 u64:999 u32:0" },
    { "structured",
      "send u32:0x668e33ef u16:1 u16:1 u64:0 u32:1032 u64:0 zero:1024" },
    { "extended",
      "send u32:0x6e8a278c u16:1 u16:0 u64:999 u64:0 u64:0" },
  };

  for (size_t i = 0; i < COUNT (table); ++i) {
    struct fault f = { table[i].script, table[i].script, FAILS, 0 };
    struct nbd_handle *h = connect_to
      (scripted (text ("handshake\n%s\nserve\n", f.script), "--replies",
                 table[i].replies, "--strict-exit", NULL));

    situation ("%s: %s", table[i].replies, f.what);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
    check_script ();
  }
}

/* The cookie of a command that has been answered is unknown again. */
CASE (a_second_reply)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\n"
               "read-request READ\n"
               "chunk DONE OFFSET_DATA u64:1024 fill:1*512\n"
               "chunk DONE OFFSET_DATA u64:1024 fill:2*512\n"
               "read-request READ\n"
               "chunk DONE OFFSET_DATA u64:0 fill:3*512\n"
               "wait-eof\n", "--replies", "structured", NULL));
  uint8_t other[512];

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 1024, 0), 0);
  CHECK_EQ (nbd_pread (h, other, sizeof other, 0, 0), 0);
  CHECK (all_bytes (buf, sizeof buf, 1));
  CHECK (all_bytes (other, sizeof other, 3));
  nbd_close (h);
  check_script ();
}

/* Error values become errno; what no version of the protocol has named
 * becomes EINVAL. */
CASE (error_values)
{
  static const struct { unsigned wire; int err; } table[] = {
    { 1, EPERM }, { 5, EIO }, { 12, ENOMEM }, { 22, EINVAL }, { 28, ENOSPC },
    { 75, EOVERFLOW }, { 95, ENOTSUP }, { 108, ESHUTDOWN },
    { 2, EINVAL }, { 13, EINVAL }, { 1000, EINVAL }, { 0xffffffff, EINVAL },
  };
  static const char *const forms[][2] = {
    { "simple", "simple %u" },
    { "structured", "chunk DONE ERROR u32:%u u16:0" },
    { "structured", "simple %u" },
  };

  for (size_t form = 0; form < COUNT (forms); ++form)
    for (size_t i = 0; i < COUNT (table); ++i) {
      struct fault f = { .outcome = FAILS };
      struct nbd_handle *h;
      char script[64];

      snprintf (script, sizeof script, forms[form][1], table[i].wire);
      f.what = f.script = script;
      h = server_answering (forms[form][0], &f);
      CHECK_ERR (nbd_pwrite (h, "data", 4, 0, 0), table[i].err);
      check_outcome (h, &f);
    }
}
