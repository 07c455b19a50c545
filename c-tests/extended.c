/* Extended headers: 64-bit lengths, the flag that announces a payload, and
 * block status for some of the contexts. */
#include "test.h"

#define GiB (UINT64_C (1) << 30)
#define PAYLOAD LIBNBD_CMD_FLAG_PAYLOAD_LEN

/* ---- A callback that writes what it sees into the log ---- */

static int
structs (void *data, const char *context, uint64_t offset,
         nbd_extent *entries, size_t nr_entries, int *error)
{
  log_word ("%s@%" PRIu64, context, offset);
  for (size_t i = 0; i < nr_entries; ++i)
    log_word ("%" PRIu64 "/%" PRIu64, entries[i].length, entries[i].flags);
  record_call (data, error);
  return 0;
}

static nbd_extent64_callback
extents (struct record *r)
{
  return (nbd_extent64_callback) {
    .callback = structs, .user_data = r, .free = record_free
  };
}

typedef char *filter[8];

/* ---- The beginning of scripts ---- */

/* Flags: everything that can be sent, and that a filter can be. */
static char *
opening (bool extended)
{
  return text
    ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
     "read-option EXTENDED_HEADERS\n%s"
     "read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:0x11223344 \"x:one\"\n"
     "option-reply META_CONTEXT u32:9 \"x:two\"\n"
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:%llu u16:0x1ced\n"
     "option-reply ACK\n",
     extended ? "option-reply ACK\n" : "option-reply UNSUP\n"
     "read-option STRUCTURED_REPLY\noption-reply ACK\n",
     1ULL << 40);
}

static struct nbd_handle *
follow (bool extended, const char *script)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_add_meta_context (h, "x:one"), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:two"), 0);
  CHECK_EQ (nbd_connect_unix (h, scripted (text ("%s%swait-eof\n",
                                                 opening (extended), script),
                                           NULL)), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), extended);
  return h;
}

#define EXT_HEADER "u32:0x21e41c71"
#define EXT_DONE(cookie, offset)                                          \
  "send u32:0x6e8a278c u16:1 u16:0 u64:" cookie " u64:" offset " u64:0\n"
#define COMPACT_HEADER "u32:0x25609513"
#define COMPACT_DONE(cookie) "send u32:0x67446698 u32:0 u64:" cookie "\n"

/* ---- Every request, byte by byte ---- */

CASE (requests_on_the_wire)
{
  char buf[4] = "data";
  struct nbd_handle *h = follow
    (true,
     "expect " EXT_HEADER " u16:0 u16:0 u64:1 u64:4096 u64:4\n"
     "send u32:0x6e8a278c u16:1 u16:1 u64:1 u64:4096 u64:12 u64:4096 "
     "\"disk\"\n"
     /* A payload follows. */
     "expect " EXT_HEADER " u16:0x20 u16:1 u64:2 u64:4096 u64:4 \"data\"\n"
     EXT_DONE ("2", "4096")
     "expect " EXT_HEADER " u16:0x21 u16:1 u64:3 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("3", "0")
     "expect " EXT_HEADER " u16:0 u16:3 u64:4 u64:0 u64:0\n"
     EXT_DONE ("4", "0")
     "expect " EXT_HEADER " u16:1 u16:4 u64:5 u64:512 u64:0x8000000000\n"
     EXT_DONE ("5", "512")
     "expect " EXT_HEADER " u16:0 u16:5 u64:6 u64:1 u64:0x100000001\n"
     EXT_DONE ("6", "1")
     "expect " EXT_HEADER " u16:0x12 u16:6 u64:7 u64:0 u64:0x10000000000\n"
     EXT_DONE ("7", "0")
     "expect " EXT_HEADER " u16:0 u16:7 u64:8 u64:0 u64:0x10000000000\n"
     EXT_DONE ("8", "0")
     "expect " EXT_HEADER " u16:0 u16:2 u64:9 u64:0 u64:0\n");
  struct record r = { 0 };

  CHECK_EQ (nbd_pread (h, buf, 4, 4096, 0), 0);
  CHECK_EQ (memcmp (buf, "disk", 4), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 4096, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, LIBNBD_CMD_FLAG_FUA), 0);
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (nbd_trim (h, 512 * GiB, 512, LIBNBD_CMD_FLAG_FUA), 0);
  CHECK_EQ (nbd_cache (h, 4 * GiB + 1, 1, 0), 0);
  CHECK_EQ (nbd_zero (h, 1024 * GiB, 0,
                      LIBNBD_CMD_FLAG_NO_HOLE | LIBNBD_CMD_FLAG_FAST_ZERO), 0);
  CHECK_EQ (nbd_block_status_64 (h, 1024 * GiB, 0, extents (&r), 0), 0);
  CHECK_EQ (nbd_aio_disconnect (h, 0), 0);
  wait_for_end (h);
  nbd_close (h);
  check_script ();
}

/* ---- The flag that announces a payload ---- */

CASE (flag_set_for_the_program)
{
  struct nbd_handle *h = follow
    (true,
     "expect " EXT_HEADER " u16:0x20 u16:1 u64:1 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("1", "0")
     "expect " EXT_HEADER " u16:0x20 u16:1 u64:2 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("2", "0"));

  CHECK (nbd_get_strict_mode (h) & LIBNBD_STRICT_AUTO_FLAG);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD), 0);
  nbd_close (h);
  check_script ();
}

CASE (flag_removed_for_the_program)
{
  struct nbd_handle *h = follow
    (false,
     "expect " COMPACT_HEADER " u16:0 u16:1 u64:1 u64:0 u32:4 \"data\"\n"
     COMPACT_DONE ("1")
     "expect " COMPACT_HEADER " u16:1 u16:1 u64:2 u64:0 u32:4 \"data\"\n"
     COMPACT_DONE ("2"));

  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD | LIBNBD_CMD_FLAG_FUA), 0);
  nbd_close (h);
  check_script ();
}

CASE (flag_left_to_the_program)
{
  struct record done = { 0 };
  struct nbd_handle *h = follow
    (true,
     "expect " EXT_HEADER " u16:0x20 u16:1 u64:1 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("1", "0"));
  uint64_t sent = nbd_stats_bytes_sent (h);

  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_AUTO_FLAG), 0);
  CHECK_ERR (nbd_pwrite (h, "data", 4, 0, 0), EINVAL);
  CHECK_ERR (nbd_aio_pwrite (h, "data", 4, 0, completion (&done), 0), EINVAL);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD), 0);
  nbd_close (h);
  check_script ();

  h = follow
    (false,
     "expect " COMPACT_HEADER " u16:0 u16:1 u64:1 u64:0 u32:4 \"data\"\n"
     COMPACT_DONE ("1"));
  sent = nbd_stats_bytes_sent (h);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_AUTO_FLAG), 0);
  CHECK_ERR (nbd_pwrite (h, "data", 4, 0, PAYLOAD), EINVAL);
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, 0), 0);
  nbd_close (h);
  check_script ();
}

/* Nobody looks: the flags go out as they are. */
CASE (flag_not_checked)
{
  struct nbd_handle *h = follow
    (true,
     "expect " EXT_HEADER " u16:0 u16:1 u64:1 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("1", "0")
     "expect " EXT_HEADER " u16:0x20 u16:1 u64:2 u64:0 u64:4 \"data\"\n"
     EXT_DONE ("2", "0"));

  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD), 0);
  nbd_close (h);
  check_script ();

  h = follow
    (false,
     "expect " COMPACT_HEADER " u16:0x20 u16:1 u64:1 u64:0 u32:4 \"data\"\n"
     COMPACT_DONE ("1"));
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 0, PAYLOAD), 0);
  nbd_close (h);
  check_script ();
}

CASE (flag_belongs_to_payloads)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));
  char buf[512];

  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, PAYLOAD), EINVAL);
  CHECK_ERR (nbd_flush (h, PAYLOAD), EINVAL);
  CHECK_ERR (nbd_trim (h, 512, 0, PAYLOAD), EINVAL);
  CHECK_ERR (nbd_zero (h, 512, 0, PAYLOAD), EINVAL);
  CHECK_ERR (nbd_cache (h, 512, 0, PAYLOAD), EINVAL);
  CHECK_ERR (nbd_aio_disconnect (h, PAYLOAD), EINVAL);
  nbd_close (h);
}

/* ---- Block status for some of the contexts ---- */

CASE (filters_on_the_wire)
{
  struct record r = { 0 }, done = { 0 };
  struct nbd_handle *h = follow
    (true,
     /* The length is that of the payload, in which the other one stands. */
     "expect " EXT_HEADER " u16:0x20 u16:7 u64:1 u64:4096 u64:12"
     " u64:0x200000000 u32:9\n"
     "send u32:0x6e8a278c u16:1 u16:6 u64:1 u64:4096 u64:24 u32:9 u32:1 "
     "u64:0x100000000 u64:5\n"
     /* In the order given; also what the server should not like. */
     "expect " EXT_HEADER " u16:0x28 u16:7 u64:2 u64:0 u64:20"
     " u64:512 u32:9 u32:0x11223344 u32:9\n"
     "send u32:0x6e8a278c u16:1 u16:0x8001 u64:2 u64:0 u64:6 u32:22 u16:0\n"
     /* Nothing at all. */
     "expect " EXT_HEADER " u16:0x20 u16:7 u64:3 u64:0 u64:8 u64:512\n"
     EXT_DONE ("3", "0"));

  CHECK_EQ (nbd_can_block_status_payload (h), 1);
  CHECK_EQ (nbd_block_status_filter (h, 8 * GiB, 4096, (filter) { "x:two" },
                                     extents (&r), 0), 0);
  CHECK_STR (logged (), "x:two@4096 4294967296/5");
  CHECK_EQ (r.frees, 1);
  CHECK_ERR (nbd_block_status_filter (h, 512, 0,
                                      (filter) { "x:two", "x:one", "x:two" },
                                      extents (&r), LIBNBD_CMD_FLAG_REQ_ONE),
             EINVAL);
  CHECK_EQ (r.frees, 2);
  CHECK_EQ (finish (h, nbd_aio_block_status_filter
                    (h, 512, 0, (filter) { NULL }, extents (&r),
                     completion (&done), PAYLOAD)), 1);
  CHECK_EQ (r.calls, 1);
  CHECK_EQ (r.frees, 3);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, 0);
  CHECK_EQ (done.frees, 1);
  nbd_close (h);
  check_script ();
}

/* Both forms fail at once, and nothing is sent. */
static void
check_filter_refused (struct nbd_handle *h, char **names, uint64_t count,
                      uint64_t offset, uint32_t flags, int err)
{
  uint64_t sent = nbd_stats_bytes_sent (h);
  struct record r = { 0 }, done = { 0 };

  CHECK_ERR (nbd_block_status_filter (h, count, offset, names, extents (&r),
                                      flags), err);
  CHECK_EQ (r.frees, 1);
  CHECK_ERR (nbd_aio_block_status_filter (h, count, offset, names,
                                          extents (&r), completion (&done),
                                          flags), err);
  CHECK_EQ (r.calls, 0);
  CHECK_EQ (r.frees, 2);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
}

CASE (filters_that_are_wrong)
{
  struct nbd_handle *h = follow (true, "");

  check_filter_refused (h, (filter) { "x:three" }, 512, 0, 0, EINVAL);
  check_filter_refused (h, (filter) { "x:one", "x:three" }, 512, 0, 0,
                        EINVAL);
  check_filter_refused (h, (filter) { "x:" }, 512, 0, 0, EINVAL);
  check_filter_refused (h, (filter) { "" }, 512, 0, 0, EINVAL);
  check_filter_refused (h, (filter) { "x:one" }, 0, 0, 0, EINVAL);
  check_filter_refused (h, (filter) { "x:one" }, 512, 1024 * GiB, 0, EINVAL);
  check_filter_refused (h, (filter) { "x:one" }, 1024 * GiB + 1, 0, 0,
                        EINVAL);
  check_filter_refused (h, (filter) { "x:one" }, 512, 0,
                        LIBNBD_CMD_FLAG_FUA, EINVAL);
  /* An unknown name is wrong whatever is checked. */
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  check_filter_refused (h, (filter) { "x:three" }, 512, 0, 0, EINVAL);
  nbd_close (h);
  check_script ();
}

CASE (filters_without_extended_headers)
{
  struct nbd_handle *h = follow (false, "");

  CHECK_EQ (nbd_can_block_status_payload (h), 0);
  check_filter_refused (h, (filter) { "x:one" }, 512, 0, 0, ENOTSUP);
  check_filter_refused (h, (filter) { "x:one" }, 512, 0, PAYLOAD, ENOTSUP);
  /* There is no way to say it, checked or not. */
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  check_filter_refused (h, (filter) { "x:one" }, 512, 0, 0, ENOTSUP);
  check_filter_refused (h, (filter) { "x:one" }, 512, 0, PAYLOAD, ENOTSUP);
  nbd_close (h);
  check_script ();
}

CASE (filters_the_server_does_not_know)
{
  struct record r = { 0 };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--flags", "0x1",
                                           NULL)), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
  CHECK_EQ (nbd_can_block_status_payload (h), 0);
  check_filter_refused (h, (filter) { "base:allocation" }, 512, 0, 0, EINVAL);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_COMMANDS), 0);
  CHECK_ERR (nbd_block_status_filter (h, 512, 0,
                                      (filter) { "base:allocation" },
                                      extents (&r), 0), EINVAL);
  CHECK (nbd_stats_chunks_sent (h) > 0);
  CHECK_EQ (nbd_block_status_64 (h, 512, 0, extents (&r), 0), 0);
  nbd_close (h);
}

CASE (filters_and_the_flag)
{
  struct record r = { 0 };
  struct nbd_handle *h = follow
    (true,
     "expect " EXT_HEADER " u16:0x20 u16:7 u64:1 u64:0 u64:12"
     " u64:512 u32:9\n"
     EXT_DONE ("1", "0")
     /* No payload is announced, so none may follow. */
     "expect " EXT_HEADER " u16:0 u16:7 u64:2 u64:0 u64:512\n"
     EXT_DONE ("2", "0"));

  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_AUTO_FLAG), 0);
  check_filter_refused (h, (filter) { "x:two" }, 512, 0, 0, EINVAL);
  CHECK_EQ (nbd_block_status_filter (h, 512, 0, (filter) { "x:two" },
                                     extents (&r), PAYLOAD), 0);
  CHECK_EQ (nbd_set_strict_mode (h, LIBNBD_STRICT_MASK &
                                 ~LIBNBD_STRICT_AUTO_FLAG &
                                 ~LIBNBD_STRICT_COMMANDS), 0);
  CHECK_EQ (nbd_block_status_filter (h, 512, 0, (filter) { "x:two" },
                                     extents (&r), 0), 0);
  nbd_close (h);
  check_script ();
}

/* As many names as a payload can hold, and one more. */
CASE (longest_filter)
{
  enum { MOST = (1024 * 1024 - 8) / 4 };
  char **names = calloc (MOST + 2, sizeof *names);
  struct record r = { 0 };
  struct nbd_handle *h = create ();

  CHECK (names != NULL);
  for (int i = 0; i <= MOST; ++i)
    names[i] = (char *) "base:allocation";
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--block-size",
                                           "1,4096,65536", NULL)), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), 1024 * 1024);
  check_filter_refused (h, names, 512, 0, 0, ERANGE);
  names[MOST] = NULL;
  /* The server does not like repetitions, or payloads of this size. */
  CHECK_ERR (nbd_block_status_filter (h, 512, 0, names, extents (&r), 0),
             ANY_ERRNO);
  nbd_close (h);
  free (names);
}

CASE (filtered_by_servers)
{
  char *image = temp_path ("disk.qcow2");
  const char *servers[2];

  run_command ("qemu-img create -q -f qcow2 %s 8G", image);
  run_command ("qemu-img bitmap --add %s changes", image);
  run_command ("qemu-io -c 'write 1M 64k' %s >/dev/null", image);
  servers[0] = qemu_nbd (image, "-f", "qcow2", "-B", "changes", "-A", NULL);
  servers[1] = embedded ("--size", "8G", "--context", "base:allocation=8G:3",
                         "--context", "qemu:allocation-depth=1M:0,64K:1,8G:0",
                         "--context", "qemu:dirty-bitmap:changes=1M:0,64K:1,"
                         "8G:0", "--strict-exit", NULL);
  for (size_t i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();
    struct record r = { 0 };

    situation ("server %zu", i);
    CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
    CHECK_EQ (nbd_add_meta_context (h, "qemu:allocation-depth"), 0);
    CHECK_EQ (nbd_add_meta_context (h, "qemu:dirty-bitmap:changes"), 0);
    CHECK_EQ (nbd_connect_unix (h, servers[i]), 0);
    CHECK_EQ (nbd_can_block_status_payload (h), 1);
    clear_log ();
    CHECK_EQ (nbd_block_status_filter
              (h, 8 * GiB, 0, (filter) { "qemu:dirty-bitmap:changes" },
               extents (&r), 0), 0);
    CHECK_STR (logged (), "qemu:dirty-bitmap:changes@0 1048576/0 65536/1 "
               "8588820480/0");
    clear_log ();
    r.calls = 0;
    CHECK_EQ (nbd_block_status_filter
              (h, 8 * GiB, 0, (filter) { "qemu:allocation-depth",
                                         "base:allocation" },
               extents (&r), LIBNBD_CMD_FLAG_REQ_ONE), 0);
    CHECK_EQ (r.calls, 2);
    CHECK (strstr (logged (), "qemu:allocation-depth@0 1048576/0") != NULL);
    CHECK (strstr (logged (), "base:allocation@0 ") != NULL);
    CHECK (strstr (logged (), "bitmap") == NULL);
    nbd_close (h);
  }
}

/* ---- More than 4 GiB at once ---- */

CASE (huge_ranges)
{
  char *image = temp_path ("disk.qcow2");
  const char *servers[2];

  run_command ("qemu-img create -q -f qcow2 %s 16G", image);
  servers[0] = qemu_nbd (image, "-f", "qcow2", "--discard=unmap", NULL);
  servers[1] = embedded ("--size", "16G", "--strict-exit", NULL);
  for (size_t i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();
    struct record r = { 0 };
    char buf[512];

    situation ("server %zu", i);
    CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
    CHECK_EQ (nbd_connect_unix (h, servers[i]), 0);
    CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
    memset (buf, 1, sizeof buf);
    CHECK_EQ (nbd_pwrite (h, buf, sizeof buf, 3 * GiB, 0), 0);
    CHECK_EQ (nbd_pwrite (h, buf, sizeof buf, 9 * GiB, 0), 0);
    CHECK_EQ (nbd_zero (h, 8 * GiB, 0, 0), 0);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 3 * GiB, 0), 0);
    CHECK (all_bytes (buf, sizeof buf, 0));
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 9 * GiB, 0), 0);
    CHECK (all_bytes (buf, sizeof buf, 1));
    CHECK_EQ (nbd_trim (h, 8 * GiB, 8 * GiB, 0), 0);
    CHECK_EQ (nbd_block_status_64 (h, 16 * GiB, 0, extents (&r), 0), 0);
    CHECK_EQ (r.calls, 1);
    CHECK_EQ (nbd_zero (h, 16 * GiB, 0, 0), 0);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 9 * GiB, 0), 0);
    CHECK (all_bytes (buf, sizeof buf, 0));
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    nbd_close (h);
  }
}

/* Reads and writes have limits of their own. */
CASE (payloads_stay_limited)
{
  size_t size = 64 * 1024 * 1024;
  char *buf = calloc (1, size + 1);
  struct nbd_handle *h = connect_to (embedded ("--size", "8G", NULL));

  CHECK (buf != NULL);
  CHECK_EQ (nbd_set_strict_mode (h, 0), 0);
  CHECK_ERR (nbd_pread (h, buf, size + 1, 0, 0), ERANGE);
  CHECK_ERR (nbd_pwrite (h, buf, size + 1, 0, 0), ERANGE);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  nbd_close (h);
  free (buf);
}

/* ---- Replies of the other style ---- */

CASE (replies_of_another_style)
{
  static const char *const replies[] = {
    "send u32:0x67446698 u32:0 u64:1\n",
    "send u32:0x668e33ef u16:1 u16:0 u64:1 u32:0\n",
    "send u32:0x67446698\n",
    "send u32:0x12345678\n",
  };

  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; ++i) {
    struct nbd_handle *h = follow (true, text ("read-request FLUSH\n%s",
                                               replies[i]));

    situation ("%s", replies[i]);
    CHECK_ERR (nbd_flush (h, 0), 0);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    nbd_close (h);
    check_script ();
  }
}
