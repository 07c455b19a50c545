/* Block status: the extents that a server reports, in both callback forms and
 * over both widths of the wire. */
#include "test.h"

/* ---- Callbacks that write what they see into the log ---- */

struct status {
  int calls, frees;
  int result;           /* What the callback shall return... */
  int fail_at_call;     /* ...at this call, counted from 1; 0: at each... */
  int new_error;        /* ...and put into *error, when not 0. */
  bool overwrite;       /* Whether it shall make a mess of the entries. */
};

static int
reported (struct status *s, int *error)
{
  s->calls++;
  if (s->new_error != 0)
    *error = s->new_error;
  return s->fail_at_call == 0 || s->calls == s->fail_at_call ? s->result : 0;
}

/* "x:one@4096:512/0,1024/0x3", and the error so far, if any. */
static void
log_extents (const char *context, uint64_t offset, const uint64_t *pairs,
             size_t count, int error)
{
  char line[1024];
  int used = snprintf (line, sizeof line, "%s@%" PRIu64, context, offset);

  for (size_t i = 0; i < count && used < (int) sizeof line; ++i)
    used += snprintf (line + used, sizeof line - used, "%c%" PRIu64 "/%#" PRIx64,
                      i == 0 ? ':' : ',', pairs[2 * i], pairs[2 * i + 1]);
  log_word ("%s", line);
  if (error != 0)
    log_word ("(%d)", error);
}

static int
words (void *data, const char *context, uint64_t offset, uint32_t *entries,
       size_t nr_entries, int *error)
{
  struct status *s = data;
  uint64_t pairs[64];

  CHECK (nr_entries % 2 == 0 && nr_entries >= 2 && nr_entries <= 64);
  for (size_t i = 0; i < nr_entries; ++i) {
    pairs[i] = entries[i];
    if (s->overwrite)
      entries[i] = 0xdeadbeef;
  }
  log_extents (context, offset, pairs, nr_entries / 2, *error);
  return reported (s, error);
}

static int
structs (void *data, const char *context, uint64_t offset,
         nbd_extent *entries, size_t nr_entries, int *error)
{
  struct status *s = data;
  uint64_t pairs[64];

  CHECK (nr_entries >= 1 && nr_entries <= 32);
  for (size_t i = 0; i < nr_entries; ++i) {
    pairs[2 * i] = entries[i].length;
    pairs[2 * i + 1] = entries[i].flags;
    if (s->overwrite)
      entries[i] = (nbd_extent) { 1, 2 };
  }
  log_extents (context, offset, pairs, nr_entries, *error);
  return reported (s, error);
}

static void
status_freed (void *data)
{
  struct status *s = data;

  s->frees++;
}

static nbd_extent_callback
in_words (struct status *s)
{
  return (nbd_extent_callback) {
    .callback = words, .user_data = s, .free = status_freed
  };
}

static nbd_extent64_callback
in_structs (struct status *s)
{
  return (nbd_extent64_callback) {
    .callback = structs, .user_data = s, .free = status_freed
  };
}

/* ---- The forms of the call ---- */

enum form { WORDS, STRUCTS, AIO_WORDS, AIO_STRUCTS, FORMS };

static const char *const names[FORMS] = {
  "nbd_block_status", "nbd_block_status_64", "nbd_aio_block_status",
  "nbd_aio_block_status_64",
};

/* Checks that the call has this errno, 0 for success, in the end. */
static void
check_status (struct nbd_handle *h, enum form form, struct status *s,
              uint64_t count, uint64_t offset, uint32_t flags, int err)
{
  struct record done = { 0 };
  int64_t r = 0;

  clear_log ();
  forget_error ();
  s->calls = s->frees = 0;
  switch (form) {
  case WORDS:
    r = nbd_block_status (h, count, offset, in_words (s), flags);
    break;
  case STRUCTS:
    r = nbd_block_status_64 (h, count, offset, in_structs (s), flags);
    break;
  case AIO_WORDS:
    r = nbd_aio_block_status (h, count, offset, in_words (s),
                              completion (&done), flags);
    break;
  case AIO_STRUCTS:
    r = nbd_aio_block_status_64 (h, count, offset, in_structs (s),
                                 completion (&done), flags);
    break;
  case FORMS: break;
  }
  if (form == WORDS || form == STRUCTS) {
    if (err == 0)
      CHECK_EQ (r, 0);
    else
      check_failed (__FILE__, __LINE__, names[form], r == -1, err);
  }
  else {
    CHECK (r > 0);
    r = finish (h, r);
    CHECK_EQ (done.calls, 1);
    CHECK_EQ (done.error, err);
    CHECK_EQ (done.frees, 1);
    if (err == 0)
      CHECK_EQ (r, 1);
    else
      check_failed (__FILE__, __LINE__, "nbd_aio_command_completed", r == -1,
                    err);
  }
  CHECK_EQ (s->frees, 1);
}

/* Fails before anything is sent. */
static void
check_refused (struct nbd_handle *h, uint64_t count, uint64_t offset,
               uint32_t flags, int err)
{
  uint64_t sent = nbd_stats_bytes_sent (h);
  struct status s = { 0 };
  struct record done = { 0 };

  CHECK_ERR (nbd_block_status (h, count, offset, in_words (&s), flags), err);
  CHECK_ERR (nbd_block_status_64 (h, count, offset, in_structs (&s), flags),
             err);
  CHECK_ERR (nbd_aio_block_status (h, count, offset, in_words (&s),
                                   completion (&done), flags), err);
  CHECK_ERR (nbd_aio_block_status_64 (h, count, offset, in_structs (&s),
                                      completion (&done), flags), err);
  CHECK_EQ (s.calls, 0);
  CHECK_EQ (s.frees, 4);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 2);
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
}

/* ---- Scripted servers ---- */

/* The numbers of x:one, x:two and x:three. */
enum { ONE = 7, TWO = 9, THREE = 3 };

/* A server that answers each form of the call in turn like this. */
static struct nbd_handle *
server_answering (bool extended, const char *size, const char *chunks,
                  int times)
{
  struct nbd_handle *h = create ();
  char *script = text
    ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
     "read-option EXTENDED_HEADERS\n%s"
     "read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:7 \"x:one\"\n"
     "option-reply META_CONTEXT u32:9 \"x:two\"\n"
     "option-reply META_CONTEXT u32:3 \"x:three\"\n"
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:%s u16:0x1001\n"
     "option-reply ACK\n",
     extended ? "option-reply ACK\n" : "option-reply UNSUP\n"
     "read-option STRUCTURED_REPLY\noption-reply ACK\n", size);

  for (int i = 0; i < times; ++i)
    script = text ("%sread-request BLOCK_STATUS\n%s", script, chunks);
  script = text ("%sserve %s\n", script,
                 extended ? "extended" : "structured");
  CHECK_EQ (nbd_add_meta_context (h, "x:one"), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:two"), 0);
  CHECK_EQ (nbd_connect_unix (h, scripted (script, "--size", "1M", NULL)), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), extended);
  return h;
}

/* The link is in step, and the server has seen what it should. */
static void
check_still_works (struct nbd_handle *h)
{
  char buf[512];

  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_script ();
}

/* A line of a script: a chunk with extents as the log shows them. */
static char *
chunk (bool extended, bool last, unsigned id, const char *extents)
{
  const char *tokens = "";
  unsigned count = 0;

  for (const char *p = extents; *p != '\0'; ++count) {
    char *end;
    unsigned long long length = strtoull (p, &end, 0), flags;

    CHECK (*end == '/');
    flags = strtoull (end + 1, &end, 0);
    tokens = text (extended ? "%s u64:%llu u64:%llu" : "%s u32:%llu u32:%llu",
                   tokens, length, flags);
    p = *end == ',' ? end + 1 : end;
  }
  if (extended)
    return text ("ext-chunk %s BLOCK_STATUS_EXT = u32:%u u32:%u%s\n",
                 last ? "DONE" : "0", id, count, tokens);
  return text ("chunk %s BLOCK_STATUS u32:%u%s\n", last ? "DONE" : "0", id,
               tokens);
}

/* The end of a reply without contents. */
static const char *
end (bool extended)
{
  return extended ? "ext-chunk DONE NONE =\n" : "chunk DONE NONE\n";
}

static const bool widths[] = { false, true };

/* Every form of the call sees the same. */
static void
check_all_forms (bool extended, const char *chunks, struct status s,
                 const char *wanted, int err)
{
  struct nbd_handle *h = server_answering (extended, "1048576", chunks, FORMS);

  for (enum form form = 0; form < FORMS; ++form) {
    situation ("extended %d, %s", extended, names[form]);
    check_status (h, form, &s, 65536, 4096, 0, err);
    CHECK_STR (logged (), wanted);
  }
  check_still_works (h);
}

/* ---- Replies as they should be ---- */

CASE (one_callback_for_each_context)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    /* In the order of the server. */
    check_all_forms (e, text ("%s%s",
                              chunk (e, false, TWO, "65536/5"),
                              chunk (e, true, ONE, "512/0,1024/3,512/1")),
                     (struct status) { 0 },
                     "x:two@4096:65536/0x5 x:one@4096:512/0,1024/0x3,512/0x1",
                     0);
  }
}

CASE (end_in_a_chunk_of_its_own)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, text ("%s%s", chunk (e, false, ONE, "65536/5"),
                              end (e)),
                     (struct status) { 0 }, "x:one@4096:65536/0x5", 0);
  }
}

CASE (no_callback_at_all)
{
  for (int i = 0; i < 2; ++i)
    check_all_forms (widths[i], end (widths[i]), (struct status) { 0 }, "",
                     0);
}

/* The first report counts, and the link stays in step. */
CASE (a_context_comes_twice)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, text ("%s%s%s", chunk (e, false, ONE, "512/1"),
                              chunk (e, false, TWO, "512/2"),
                              chunk (e, true, ONE, "512/3,512/4")),
                     (struct status) { 0 },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2", 0);
  }
}

static int
count_words (void *data, const char *context, uint64_t offset,
             uint32_t *entries, size_t nr_entries, int *error)
{
  (void) context;
  (void) offset;
  (void) entries;
  (void) error;
  *(size_t *) data += nr_entries;
  return 0;
}

static int
count_structs (void *data, const char *context, uint64_t offset,
               nbd_extent *entries, size_t nr_entries, int *error)
{
  (void) context;
  (void) offset;
  (void) entries;
  (void) error;
  *(size_t *) data += nr_entries;
  return 0;
}

/* The most extents that a server should list, and one more, which are skipped. */
CASE (as_many_extents_as_can_be)
{
  const unsigned most = 1048576;

  for (int i = 0; i < 4; ++i) {
    const bool extended = i / 2, too_many = i % 2;
    const unsigned n = most + too_many;
    const char *reply = extended
      ? text ("ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:%u fill:1*%u\n",
              n, 16 * n)
      : text ("chunk DONE BLOCK_STATUS u32:7 fill:1*%u\n", 8 * n);
    struct nbd_handle *h = server_answering (extended, "0x7fffffffffffffff",
                                             reply, 2);
    size_t words = 0, structs = 0;
    const nbd_extent_callback in_words = { count_words, &words, NULL };
    const nbd_extent64_callback in_structs = { count_structs, &structs, NULL };

    situation ("extended %d, %u extents", extended, n);
    if (too_many) {
      CHECK_ERR (nbd_block_status_64 (h, 65536, 0, in_structs, 0), EPROTO);
      CHECK_ERR (nbd_block_status (h, 65536, 0, in_words, 0), EPROTO);
      CHECK_EQ (words + structs, 0);
    }
    else if (extended) {
      /* Together they are longer than any export, and each says more than
       * 32 bits can. */
      CHECK_ERR (nbd_block_status_64 (h, 65536, 0, in_structs, 0), EPROTO);
      CHECK_EQ (structs, 128);
      CHECK_ERR (nbd_block_status (h, 65536, 0, in_words, 0), EOVERFLOW);
      CHECK_EQ (words, 2);
    }
    else {
      CHECK_EQ (nbd_block_status_64 (h, 65536, 0, in_structs, 0), 0);
      CHECK_EQ (nbd_block_status (h, 65536, 0, in_words, 0), 0);
      CHECK_EQ (structs, most);
      CHECK_EQ (words, 2 * most);
    }
    check_still_works (h);
  }
}

CASE (contexts_without_a_name)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, text ("%s%s%s", chunk (e, false, 8, "512/1"),
                              chunk (e, false, ONE, "512/2"),
                              chunk (e, true, 0xffffffff, "512/3")),
                     (struct status) { 0 }, "x:one@4096:512/0x2", 0);
  }
}

/* The last extent may say more than was asked. */
CASE (beyond_the_request)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, chunk (e, true, ONE, "65536/1,512/2,983040/3"),
                     (struct status) { 0 },
                     "x:one@4096:65536/0x1,512/0x2,978432/0x3 (71)", EPROTO);
    check_all_forms (e, chunk (e, true, ONE, "512/1,1043968/2"),
                     (struct status) { 0 },
                     "x:one@4096:512/0x1,1043968/0x2", 0);
  }
}

CASE (entries_may_be_overwritten)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, text ("%s%s%s", chunk (e, false, ONE, "512/1,512/2"),
                              chunk (e, false, TWO, "512/3"),
                              chunk (e, true, THREE, "1024/4")),
                     (struct status) { .overwrite = true },
                     "x:one@4096:512/0x1,512/0x2 x:two@4096:512/0x3 "
                     "x:three@4096:1024/0x4", 0);
  }
}

/* ---- What the callback returns ---- */

static const char *
three_chunks (bool e)
{
  return text ("%s%s%s", chunk (e, false, ONE, "512/1"),
               chunk (e, false, TWO, "512/2"),
               chunk (e, true, THREE, "512/3"));
}

CASE (callback_fails)
{
  for (int i = 0; i < 2; ++i) {
    check_all_forms (widths[i], three_chunks (widths[i]),
                     (struct status) { .result = -1, .fail_at_call = 2 },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2 "
                     "x:three@4096:512/0x3 (71)", EPROTO);
    check_all_forms (widths[i], three_chunks (widths[i]),
                     (struct status) { .result = -1, .fail_at_call = 1,
                                       .new_error = EDOM },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2 (33) "
                     "x:three@4096:512/0x3 (33)", EDOM);
  }
}

CASE (callback_returning_something_else)
{
  for (int i = 0; i < 2; ++i) {
    check_all_forms (widths[i], three_chunks (widths[i]),
                     (struct status) { .result = 1 },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2 "
                     "x:three@4096:512/0x3", 0);
    /* An error counts only along with -1. */
    check_all_forms (widths[i], three_chunks (widths[i]),
                     (struct status) { .new_error = EDOM },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2 "
                     "x:three@4096:512/0x3", 0);
  }
}

CASE (callback_may_be_missing_when_there_is_a_free_function)
{
  struct status s = { 0 };
  struct nbd_handle *h = server_answering (true, "1048576",
                                           chunk (true, true, ONE, "512/1"),
                                           2);

  CHECK_EQ (nbd_block_status (h, 512, 0, (nbd_extent_callback) {
        .user_data = &s, .free = status_freed }, 0), 0);
  CHECK_EQ (nbd_block_status_64 (h, 512, 0, (nbd_extent64_callback) {
        .user_data = &s, .free = status_freed }, 0), 0);
  CHECK_EQ (s.frees, 2);
  CHECK_ERR (nbd_block_status (h, 512, 0, (nbd_extent_callback) {
        .user_data = &s }, 0), EFAULT);
  CHECK_ERR (nbd_block_status_64 (h, 512, 0, (nbd_extent64_callback) {
        .user_data = &s }, 0), EFAULT);
  check_still_works (h);
}

static int
log_completion (void *data, int *error)
{
  (void) data;
  log_word ("done(%d)", *error);
  return 1;
}

static void
log_free (void *data)
{
  log_word ("free-%s", (const char *) data);
}

static int
log_words (void *data, const char *context, uint64_t offset, uint32_t *entries,
           size_t nr_entries, int *error)
{
  (void) data, (void) offset, (void) entries, (void) nr_entries, (void) error;
  log_word ("%s", context);
  return 0;
}

CASE (order_of_callbacks)
{
  struct nbd_handle *h = server_answering (true, "1048576",
                                           three_chunks (true), 1);
  int64_t cookie = nbd_aio_block_status
    (h, 512, 0,
     (nbd_extent_callback) { log_words, (void *) "extents", log_free },
     (nbd_completion_callback) { log_completion, (void *) "done", log_free },
     0);

  CHECK (cookie > 0);
  drain (h);
  CHECK_STR (logged (),
             "x:one x:two x:three done(0) free-extents free-done");
  /* It has retired itself. */
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  check_still_works (h);
}

CASE (order_of_frees_when_refused)
{
  struct nbd_handle *h = server_answering (false, "1048576", "", 0);
  char *contexts[] = { "x:one", NULL };
  nbd_extent_callback words =
    { log_words, (void *) "extents", log_free };
  nbd_extent64_callback structs =
    { .user_data = (void *) "extents", .free = log_free };
  nbd_completion_callback done =
    { log_completion, (void *) "done", log_free };

  CHECK_ERR (nbd_aio_block_status (h, 512, 0, words, done, 0xffff), EINVAL);
  CHECK_STR (logged (), "free-extents free-done");
  clear_log ();
  CHECK_ERR (nbd_aio_block_status_64 (h, 512, 0, structs, done, 0xffff),
             EINVAL);
  CHECK_STR (logged (), "free-extents free-done");
  clear_log ();
  /* That needs extended headers. */
  CHECK_ERR (nbd_aio_block_status_filter (h, 512, 0, contexts, structs, done, 0),
             ENOTSUP);
  CHECK_STR (logged (), "free-extents free-done");
  nbd_close (h);
}

/* ---- Errors of the server ---- */

CASE (errors_of_the_server)
{
  static const struct { const char *chunks[2]; const char *log; int err; }
  table[] = {
    { { "chunk DONE ERROR u32:12 u16:4 \"oops\"\n",
        "ext-chunk DONE ERROR = u32:12 u16:4 \"oops\"\n" }, "", ENOMEM },
    { { "chunk DONE ERROR_OFFSET u32:5 u16:0 u64:4096\n",
        "ext-chunk DONE ERROR_OFFSET = u32:5 u16:0 u64:4096\n" }, "", EIO },
    { { "chunk 0 ERROR u32:12 u16:0\nchunk DONE ERROR u32:5 u16:0\n",
        "ext-chunk 0 ERROR = u32:12 u16:0\n"
        "ext-chunk DONE ERROR = u32:5 u16:0\n" }, "", ENOMEM },
    { { "chunk DONE ERROR u32:0 u16:0\n",
        "ext-chunk DONE ERROR = u32:0 u16:0\n" }, "", EPROTO },
    { { "chunk DONE ERROR u32:77 u16:0\n",
        "ext-chunk DONE ERROR = u32:77 u16:0\n" }, "", EINVAL },
  };

  for (size_t t = 0; t < sizeof table / sizeof table[0]; ++t)
    for (int i = 0; i < 2; ++i)
      check_all_forms (widths[i], table[t].chunks[i], (struct status) { 0 },
                       table[t].log, table[t].err);
}

CASE (error_between_contexts)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];

    check_all_forms (e, text ("%s%s%s", chunk (e, false, ONE, "512/1"),
                              e ? "ext-chunk 0 ERROR = u32:12 u16:0\n"
                              : "chunk 0 ERROR u32:12 u16:0\n",
                              chunk (e, true, TWO, "512/2")),
                     /* It has failed already. */
                     (struct status) { .result = -1, .fail_at_call = 2,
                                       .new_error = EDOM },
                     "x:one@4096:512/0x1 x:two@4096:512/0x2 (12)", ENOMEM);
  }
}

CASE (simple_replies)
{
  check_all_forms (false, "simple EINVAL\n", (struct status) { 0 }, "",
                   EINVAL);
  check_all_forms (false, "simple ENOMEM\n", (struct status) { 0 }, "",
                   ENOMEM);
  /* Nothing is the one answer that it must not be. */
  check_all_forms (false, "simple 0\n", (struct status) { 0 }, "", EPROTO);
}

CASE (malformed_chunks)
{
  static const char *const structured[] = {
    "chunk DONE BLOCK_STATUS\n",
    "chunk DONE BLOCK_STATUS u16:7\n",
    "chunk DONE BLOCK_STATUS u32:7\n",
    "chunk DONE BLOCK_STATUS u32:7 u32:512\n",
    "chunk DONE BLOCK_STATUS u32:7 u32:512 u32:0 00\n",
    "chunk DONE BLOCK_STATUS u32:7 u32:512 u32:0 u32:512\n",
    "chunk DONE OFFSET_DATA u64:4096 zero:512\n",
    "chunk DONE OFFSET_HOLE u64:4096 u32:512\n",
    "chunk DONE 3 zero:100\n",
    "chunk 0 NONE\nchunk DONE NONE\n",
    "chunk DONE NONE 00\n",
    "chunk DONE ERROR u16:5\n",
  };
  static const char *const extended[] = {
    "ext-chunk DONE BLOCK_STATUS_EXT =\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:0\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:1\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:1 u64:512\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:2 u64:512 u64:0\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:0 u64:512 u64:0\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:1 u64:512 u64:0 00\n",
    "ext-chunk DONE BLOCK_STATUS_EXT = u32:7 u32:1 u64:512 u64:0 zero:16\n",
    /* The offset of the request belongs there. */
    "ext-chunk DONE BLOCK_STATUS_EXT 0 u32:7 u32:1 u64:512 u64:0\n",
    "ext-chunk DONE NONE 4097\n",
    "ext-chunk DONE OFFSET_DATA = u64:4096 zero:512\n",
  };

  for (size_t i = 0; i < sizeof structured / sizeof structured[0]; ++i)
    check_all_forms (false, structured[i], (struct status) { 0 }, "", EPROTO);
  for (size_t i = 0; i < sizeof extended / sizeof extended[0]; ++i)
    check_all_forms (true, extended[i], (struct status) { 0 }, "", EPROTO);
}

/* A fault, but what the server means is clear. */
CASE (wrong_width)
{
  check_all_forms (false,
                   "chunk DONE BLOCK_STATUS_EXT u32:7 u32:1 u64:512 u64:3\n",
                   (struct status) { 0 }, "x:one@4096:512/0x3 (71)", EPROTO);
  check_all_forms (true,
                   "ext-chunk DONE BLOCK_STATUS = u32:7 u32:512 u32:3\n",
                   (struct status) { 0 }, "x:one@4096:512/0x3 (71)", EPROTO);
}

/* ---- Extents that do not fit ---- */

/* What arrives of these extents in each form. */
static void
check_clipping (bool extended, const char *size, uint64_t offset,
                const char *extents, const char *as_words, int err_words,
                const char *as_structs, int err_structs)
{
  struct nbd_handle *h = server_answering
    (extended, size, chunk (extended, true, ONE, extents), FORMS);
  struct status s = { 0 };

  for (enum form form = 0; form < FORMS; ++form) {
    bool in_words = form == WORDS || form == AIO_WORDS;

    situation ("%s, extended %d, %s", extents, extended, names[form]);
    check_status (h, form, &s, 512, offset, 0,
                  in_words ? err_words : err_structs);
    CHECK_EQ (s.calls, 1);
    CHECK (strncmp (logged (), "x:one@", 6) == 0);
    CHECK_STR (strchr (logged (), ':') != NULL ?
               strchr (strchr (logged (), '@'), ':') + 1 : "",
               in_words ? as_words : as_structs);
  }
  check_still_works (h);
}

static void
check_clipping_everywhere (const char *size, uint64_t offset,
                           const char *extents, const char *wanted, int err)
{
  if (err != 0)
    wanted = text ("%s (%d)", wanted, err);
  for (int i = 0; i < 2; ++i)
    check_clipping (widths[i], size, offset, extents, wanted, err, wanted,
                    err);
}

CASE (end_of_the_export)
{
  check_clipping_everywhere ("8192", 0, "8192/1", "8192/0x1", 0);
  check_clipping_everywhere ("8192", 0, "4096/1,4096/2", "4096/0x1,4096/0x2",
                             0);
  check_clipping_everywhere ("8192", 0, "8193/1", "8192/0x1", EPROTO);
  check_clipping_everywhere ("8192", 4096, "4097/1", "4096/0x1", EPROTO);
  check_clipping_everywhere ("8192", 4096, "512/1,4096/2,512/3",
                             "512/0x1,3584/0x2", EPROTO);
  /* Nothing is left for the second, and yet it is wrong. */
  check_clipping_everywhere ("8192", 4096, "4096/1,512/2", "4096/0x1",
                             EPROTO);
  check_clipping_everywhere ("8192", 0, "0xffffffff/1,512/2", "8192/0x1",
                             EPROTO);
  check_clipping (true, "8192", 512, "0xffffffffffffffff/1,512/2",
                  "7680/0x1 (71)", EPROTO, "7680/0x1 (71)", EPROTO);
  /* Sums must not wrap around. */
  check_clipping (true, "8192", 0, "4096/1,0xfffffffffffff001/2",
                  "4096/0x1,4096/0x2 (71)", EPROTO,
                  "4096/0x1,4096/0x2 (71)", EPROTO);
}

CASE (empty_extents)
{
  check_clipping_everywhere ("8192", 0, "0/1", "0/0x1", EPROTO);
  check_clipping_everywhere ("8192", 0, "0/1,512/2", "0/0x1", EPROTO);
  check_clipping_everywhere ("8192", 0, "512/1,0/2,512/3", "512/0x1", 0);
  check_clipping_everywhere ("8192", 0, "8192/1,0/2", "8192/0x1", 0);
}

#define HUGE_EXPORT "0x7fffffffffffffff"
#define LONGEST_WORD "4227858432"
#define LONGEST_STRUCT "9223372036787666944"

CASE (lengths_beyond_32_bits)
{
  check_clipping (true, HUGE_EXPORT, 0, "0xffffffff/1,512/2",
                  "4294967295/0x1,512/0x2", 0, "4294967295/0x1,512/0x2", 0);
  check_clipping (true, HUGE_EXPORT, 0, "0x100000000/1",
                  LONGEST_WORD "/0x1", 0, "4294967296/0x1", 0);
  check_clipping (true, HUGE_EXPORT, 0, "512/3,0x500000000/1,512/2",
                  "512/0x3," LONGEST_WORD "/0x1", 0,
                  "512/0x3,21474836480/0x1,512/0x2", 0);
  /* Cut to the export first. */
  check_clipping (true, "8192", 0, "0x100000000/1",
                  "8192/0x1 (71)", EPROTO, "8192/0x1 (71)", EPROTO);
  check_clipping (true, "0x200000000", 0, "0x300000000/1",
                  LONGEST_WORD "/0x1 (71)", EPROTO, "8589934592/0x1 (71)",
                  EPROTO);
}

CASE (status_beyond_32_bits)
{
  check_clipping (true, "8192", 0, "512/0xffffffff,512/2",
                  "512/0xffffffff,512/0x2", 0, "512/0xffffffff,512/0x2", 0);
  check_clipping (true, "8192", 0, "512/0x100000005,512/2",
                  "512/0x5 (75)", EOVERFLOW, "512/0x100000005,512/0x2", 0);
  check_clipping (true, "8192", 0, "512/1,512/0x100000000,512/2",
                  "512/0x1", 0, "512/0x1,512/0x100000000,512/0x2", 0);
  check_clipping (true, HUGE_EXPORT, 0, "0x100000000/0x8000000000000001",
                  LONGEST_WORD "/0x1 (75)", EOVERFLOW,
                  "4294967296/0x8000000000000001", 0);
}

/* No length exceeds what a signed offset can hold. */
CASE (lengths_beyond_63_bits)
{
  const char *size = "0xffffffffffffffff";

  check_clipping (true, size, 0, "0x7fffffffffffffff/1,512/2",
                  LONGEST_WORD "/0x1", 0,
                  "9223372036854775807/0x1,512/0x2", 0);
  check_clipping (true, size, 0, "0x8000000000000000/1,512/2",
                  LONGEST_WORD "/0x1", 0, LONGEST_STRUCT "/0x1", 0);
  check_clipping (true, size, 0, "512/3,0xfffffffffffff000/1,512/2",
                  "512/0x3," LONGEST_WORD "/0x1", 0,
                  "512/0x3," LONGEST_STRUCT "/0x1", 0);
}

/* ---- What is sent, and what is not ---- */

CASE (requests_on_the_wire)
{
  for (int i = 0; i < 2; ++i) {
    char *script = text
      ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
       "read-option EXTENDED_HEADERS\n%s"
       "read-option SET_META_CONTEXT\n"
       "option-reply META_CONTEXT u32:9 \"x:two\"\noption-reply ACK\n"
       "read-option GO\noption-reply INFO u16:0 u64:1048576 u16:1\n"
       "option-reply ACK\n",
       widths[i] ? "option-reply ACK\n" : "option-reply UNSUP\n"
       "read-option STRUCTURED_REPLY\noption-reply ACK\n");
    struct nbd_handle *h = create ();
    struct status s = { 0 };

    situation ("extended %d", widths[i]);
    for (int cookie = 1; cookie <= FORMS; ++cookie)
      script = text
        (widths[i] ?
         "%sexpect u32:0x21e41c71 u16:%d u16:7 u64:%d u64:4096 u64:8192\n"
         "send u32:0x6e8a278c u16:1 u16:6 u64:%d u64:4096 u64:24"
         " u32:9 u32:1 u64:512 u64:1\n" :
         "%sexpect u32:0x25609513 u16:%d u16:7 u64:%d u64:4096 u32:8192\n"
         "send u32:0x668e33ef u16:1 u16:5 u64:%d u32:12 u32:9 u32:512 u32:1\n",
         script, cookie % 2 == 0 ? 8 : 0, cookie, cookie);
    CHECK_EQ (nbd_add_meta_context (h, "x:two"), 0);
    CHECK_EQ (nbd_connect_unix (h, scripted (text ("%swait-eof\n", script),
                                             NULL)), 0);
    for (enum form form = 0; form < FORMS; ++form) {
      check_status (h, form, &s, 8192, 4096,
                    form % 2 == 1 ? LIBNBD_CMD_FLAG_REQ_ONE : 0, 0);
      CHECK_STR (logged (), "x:two@4096:512/0x1");
    }
    nbd_close (h);
    check_script ();
  }
}

CASE (ranges_and_flags)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--block-size",
                                           "512,4096,1M", NULL)), 0);
  check_refused (h, 0, 0, 0, EINVAL);
  check_refused (h, 1048577, 0, 0, EINVAL);
  check_refused (h, 512, 1048576, 0, EINVAL);
  check_refused (h, 512, UINT64_MAX - 511, 0, EINVAL);
  check_refused (h, UINT64_MAX, 512, 0, EINVAL);
  check_refused (h, 511, 0, 0, EINVAL);
  check_refused (h, 512, 1, 0, EINVAL);
  check_refused (h, 512, 0, LIBNBD_CMD_FLAG_FUA, EINVAL);
  check_refused (h, 512, 0, LIBNBD_CMD_FLAG_DF, EINVAL);
  check_refused (h, 512, 0, LIBNBD_CMD_FLAG_PAYLOAD_LEN, EINVAL);
  check_refused (h, 512, 0, 0x10000 | LIBNBD_CMD_FLAG_REQ_ONE, EINVAL);
  nbd_close (h);
}

CASE (lengths_beyond_32_bits_need_extended_headers)
{
  struct nbd_handle *h = create ();
  struct status s = { 0 };

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "8G", NULL)), 0);
  check_refused (h, UINT64_C (1) << 32, 0, 0, ERANGE);
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  check_refused (h, UINT64_C (1) << 32, 0, 0, ERANGE);
  check_status (h, STRUCTS, &s, 0xffff0000, 0, 0, 0);
  nbd_close (h);

  h = create ();
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "8G", "--strict-exit",
                                           NULL)), 0);
  check_status (h, STRUCTS, &s, UINT64_C (1) << 33, 0, 0, 0);
  CHECK_STR (logged (), "base:allocation@0:8589934592/0x3");
  check_status (h, WORDS, &s, UINT64_C (1) << 33, 0, 0, 0);
  CHECK_STR (logged (), "base:allocation@0:" LONGEST_WORD "/0x3");
  nbd_close (h);
}

/* Without a context there is nothing to ask about. */
CASE (nothing_negotiated)
{
  const char *servers[] = {
    nbdkit ("memory", "1M", NULL),
    nbdkit ("--no-sr", "memory", "1M", NULL),
    nbdkit ("--mask-handshake=0", "memory", "1M", NULL),
    nbdkit ("-o", "memory", "1M", NULL),
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i)
    /* Without a wish, and with one that is not granted. */
    for (int wish = 0; wish < 2; ++wish) {
      struct nbd_handle *h = create ();

      situation ("server %zu, wish %d", i, wish);
      if (wish)
        CHECK_EQ (nbd_add_meta_context (h, "x:unknown"), 0);
      CHECK_EQ (nbd_connect_unix (h, servers[i]), 0);
      check_refused (h, 512, 0, 0, ENOTSUP);
      /* This comes first. */
      check_refused (h, 0, 1048576, 0, ENOTSUP);
      nbd_close (h);
    }
}

/* The server's opinion, when the program wants to know it. */
CASE (unchecked)
{
  struct status s = { 0 };
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));

  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_COMMANDS), 0);
  for (enum form form = 0; form < FORMS; ++form)
    check_status (h, form, &s, 512, 0, 0, EINVAL);
  nbd_close (h);

  h = create ();
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", NULL)), 0);
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  for (enum form form = 0; form < FORMS; ++form) {
    check_status (h, form, &s, 512, 1048576, 0, EINVAL);
    check_status (h, form, &s, 512, 0, LIBNBD_CMD_FLAG_FUA, EINVAL);
  }
  CHECK_EQ (s.calls, 0);
  nbd_close (h);
}

/* An answer about a context that was never granted. */
CASE (answers_without_contexts)
{
  for (int i = 0; i < 2; ++i) {
    bool e = widths[i];
    struct status s = { 0 };
    struct nbd_handle *h = connect_to
      (scripted (text ("handshake\nread-request BLOCK_STATUS\n%sserve\n",
                       chunk (e, true, 1, "512/0")), "--replies",
                 e ? "extended" : "structured", NULL));

    situation ("extended %d", e);
    CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
    check_status (h, STRUCTS, &s, 512, 0, 0, EPROTO);
    CHECK_STR (logged (), "");
    check_still_works (h);
  }
}

/* Contexts that the server granted before it refused count for nothing. */
CASE (answers_with_contexts_of_a_refused_set)
{
  struct nbd_handle *h = create ();
  struct status s = { 0 };

  CHECK_EQ (nbd_add_meta_context (h, "x:one"), 0);
  CHECK_EQ (nbd_connect_unix
            (h, scripted
             (text ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
                    "read-option EXTENDED_HEADERS\noption-reply ACK\n"
                    "read-option SET_META_CONTEXT\n"
                    "option-reply META_CONTEXT u32:7 \"x:one\"\n"
                    "option-reply POLICY\n"
                    "read-option GO\n"
                    "option-reply INFO u16:0 u64:1048576 u16:1\n"
                    "option-reply ACK\n"
                    "read-request BLOCK_STATUS\n%sserve extended\n",
                    chunk (true, true, ONE, "512/0")), NULL)), 0);
  check_refused (h, 512, 0, 0, ENOTSUP);
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  check_status (h, WORDS, &s, 512, 0, 0, EPROTO);
  CHECK_STR (logged (), "");
  check_still_works (h);
}

/* ---- Real servers ---- */

CASE (nbdkit_extents)
{
  struct status s = { 0 };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix
            (h, nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
                        "can_extents=exit 0",
                        "extents=echo 0 64K; echo 64K 64K hole; "
                        "echo 128K 64K zero; echo 192K 832K hole,zero",
                        NULL)), 0);
  for (enum form form = 0; form < FORMS; ++form) {
    check_status (h, form, &s, 1048576, 0, 0, 0);
    CHECK_STR (logged (), "base:allocation@0:65536/0,65536/0x1,65536/0x2,"
               "851968/0x3");
    check_status (h, form, &s, 65536, 65536, 0, 0);
    CHECK (strncmp (logged (), "base:allocation@65536:65536/0x1", 31) == 0);
    check_status (h, form, &s, 1048576, 0, LIBNBD_CMD_FLAG_REQ_ONE, 0);
    CHECK_STR (logged (), "base:allocation@0:65536/0");
  }
  nbd_close (h);
}

/* A chain of two images, a bitmap, and all that qemu can tell of them. */
CASE (qemu_contexts)
{
  char *base = temp_path ("base.qcow2"), *image = temp_path ("disk.qcow2");
  const char *server;

  run_command ("qemu-img create -q -f qcow2 %s 8G", base);
  run_command ("qemu-io -c 'write 0 64k' %s >/dev/null", base);
  run_command ("qemu-img create -q -f qcow2 -b %s -F qcow2 %s", base, image);
  run_command ("qemu-img bitmap --add %s changes", image);
  run_command ("qemu-io -c 'write 1M 64k' %s >/dev/null", image);
  server = qemu_nbd (image, "-f", "qcow2", "-B", "changes", "-A", NULL);
  for (int extended = 0; extended < 2; ++extended) {
    struct nbd_handle *h = create ();
    struct status s = { 0 };
    uint64_t count = extended ? UINT64_C (8) << 30 : 0xffff0000;

    CHECK_EQ (nbd_set_request_extended_headers (h, extended), 0);
    CHECK_EQ (nbd_add_meta_context (h, "qemu:dirty-bitmap:changes"), 0);
    CHECK_EQ (nbd_add_meta_context (h, "qemu:allocation-depth"), 0);
    CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
    CHECK_EQ (nbd_connect_unix (h, server), 0);
    CHECK_EQ (nbd_get_extended_headers_negotiated (h), extended);
    for (enum form form = 0; form < FORMS; ++form) {
      bool in_words = form == WORDS || form == AIO_WORDS;

      situation ("extended %d, %s", extended, names[form]);
      check_status (h, form, &s, count, 0, 0, 0);
      CHECK_EQ (s.calls, 3);
      CHECK (strstr (logged (), "base:allocation@0:65536/0,983040/0x3,"
                     "65536/0,") != NULL);
      CHECK (strstr (logged (), "qemu:allocation-depth@0:65536/0x2,"
                     "983040/0,65536/0x1,") != NULL);
      CHECK (strstr (logged (), "qemu:dirty-bitmap:changes@0:1048576/0,"
                     "65536/0x1,") != NULL);
      if (extended) {
        const char *rest = in_words ? "65536/0x1," LONGEST_WORD "/0"
          : "65536/0x1,8588820480/0";
        CHECK (strstr (logged (), rest) != NULL);
      }
      check_status (h, form, &s, count, 0, LIBNBD_CMD_FLAG_REQ_ONE, 0);
      CHECK (strstr (logged (), "qemu:dirty-bitmap:changes@0:1048576/0")
             != NULL);
      CHECK (strchr (logged (), ',') == NULL);
    }
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
  }
}

/* Several contexts at once, with many requests on the way. */
CASE (many_at_once)
{
  struct status s[64] = { { 0 } };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:stripes"), 0);
  CHECK_EQ (nbd_connect_unix
            (h, embedded ("--size", "1M", "--reorder", "16", "--strict-exit",
                          "--context", "base:allocation", "--context",
                          "x-a:stripes=4K:1,4K:2,1M:0", NULL)), 0);
  for (size_t i = 0; i < 64; ++i)
    CHECK (nbd_aio_block_status_64
           (h, 16384, i * 16384, in_structs (&s[i]), NBD_NULL_COMPLETION, 0)
           > 0);
  drain (h);
  for (int64_t cookie; (cookie = nbd_aio_peek_command_completed (h)) > 0; )
    CHECK_EQ (nbd_aio_command_completed (h, cookie), 1);
  for (size_t i = 0; i < 64; ++i) {
    CHECK_EQ (s[i].calls, 2);
    CHECK_EQ (s[i].frees, 1);
  }
  nbd_close (h);
}
