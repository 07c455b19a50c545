/* Reading and writing: what goes in comes out, on every server. */
#include "test.h"

#include <fcntl.h>

enum { SIZE = 4 * 1024 * 1024, LARGEST = 1024 * 1024 };

/* The disk as it should be. */
static uint8_t model[SIZE];

static void
check_range (struct nbd_handle *h, size_t offset, size_t count)
{
  uint8_t *buf = malloc (count);

  CHECK (buf != NULL);
  memset (buf, 0xAA, count);
  situation ("%zu bytes at %zu", count, offset);
  CHECK_EQ (nbd_pread (h, buf, count, offset, 0), 0);
  CHECK (memcmp (buf, model + offset, count) == 0);
  free (buf);
}

static void
write_range (struct nbd_handle *h, size_t offset, size_t count, uint64_t seed,
             uint32_t flags)
{
  situation ("%zu bytes at %zu", count, offset);
  fill (model + offset, count, seed);
  CHECK_EQ (nbd_pwrite (h, model + offset, count, offset, flags), 0);
}

/* Writes and reads of many sizes and places, the last byte among them.  All
 * are multiples of `unit`, which some servers insist on. */
static void
check_integrity (struct nbd_handle *h, size_t unit)
{
  static const size_t sizes[] = {
    1, 512, 513, 4096, 65536, 65537, 262144, LARGEST
  };
  uint64_t seed = 1;

  memset (model, 0, sizeof model);
  CHECK_EQ (nbd_get_size (h), SIZE);
  check_range (h, 0, LARGEST);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    size_t count = sizes[i] / unit * unit;
    size_t offsets[] = { 0, unit, 3 * 65536 - unit, SIZE - count };

    if (count == 0)
      continue;
    for (size_t j = 0; j < sizeof offsets / sizeof offsets[0]; ++j) {
      write_range (h, offsets[j], count, seed++, 0);
      check_range (h, offsets[j], count);
    }
  }
  /* Nothing else was hit. */
  for (size_t offset = 0; offset < SIZE; offset += LARGEST)
    check_range (h, offset, LARGEST);
}

CASE (nbdkit_structured)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "4M", NULL));

  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  check_integrity (h, 1);
  nbd_close (h);
}

CASE (nbdkit_simple)
{
  struct nbd_handle *h = connect_to (nbdkit ("--no-sr", "memory", "4M", NULL));

  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  check_integrity (h, 1);
  nbd_close (h);
}

CASE (nbdkit_oldstyle)
{
  struct nbd_handle *h = connect_to (nbdkit ("-o", "memory", "4M", NULL));

  check_integrity (h, 1);
  nbd_close (h);
}

CASE (qemu_raw)
{
  struct nbd_handle *h = connect_to
    (qemu_nbd (temp_disk ("disk", SIZE), "-f", "raw", NULL));

  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  check_integrity (h, 1);
  nbd_close (h);
}

CASE (qemu_qcow2)
{
  const char *image = temp_path ("disk.qcow2");
  struct nbd_handle *h;

  CHECK_EQ (system (text ("qemu-img create -q -f qcow2 %s 4M", image)), 0);
  h = connect_to (qemu_nbd (image, "-f", "qcow2", NULL));
  check_integrity (h, 1);
  nbd_close (h);
}

CASE (reference_server)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, nbd_server (temp_disk ("disk", SIZE), "")),
            0);
  check_integrity (h, 1);
  nbd_close (h);
}

CASE (embedded_server_with_each_form_of_replies)
{
  static const char *const forms[] = { "simple", "structured", "extended" };

  for (size_t i = 0; i < 3; ++i) {
    struct nbd_handle *h = connect_to
      (embedded ("--size", "4M", "--replies", forms[i], NULL));

    check_integrity (h, 1);
    nbd_close (h);
  }
}

/* The server hands out its replies a few bytes at a time. */
CASE (dripping_server)
{
  struct nbd_handle *h = connect_to
    (embedded ("--size", "4M", "--drip", "7", NULL));
  uint8_t buf[1000];

  fill (model, 1000, 1);
  CHECK_EQ (nbd_pwrite (h, model, 1000, 0, 0), 0);
  CHECK_EQ (nbd_pread (h, buf, 1000, 0, 0), 0);
  CHECK (memcmp (buf, model, 1000) == 0);
  nbd_close (h);
}

CASE (largest_request)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "128M", NULL));
  size_t size = 64 * 1024 * 1024;
  uint8_t *out = malloc (size), *in = calloc (1, size);

  CHECK (out != NULL && in != NULL);
  fill (out, size, 99);
  /* The advertised maximum of 32 MiB binds writes only. */
  CHECK_EQ (nbd_pwrite (h, out, size / 2, 0, 0), 0);
  CHECK_EQ (nbd_pwrite (h, out + size / 2, size / 2, size / 2, 0), 0);
  CHECK_EQ (nbd_pread (h, in, size, 0, 0), 0);
  CHECK (memcmp (in, out, size) == 0);
  free (in);
  free (out);
  nbd_close (h);
}

CASE (durable_write)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  uint8_t buf[512];

  CHECK_EQ (nbd_can_fua (h), 1);
  write_range (h, 512, 512, 5, LIBNBD_CMD_FLAG_FUA);
  CHECK_EQ (nbd_pread (h, buf, 512, 512, 0), 0);
  CHECK (memcmp (buf, model + 512, 512) == 0);
  nbd_close (h);
}

CASE (zero_and_trim)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "4M", NULL));

  for (size_t offset = 0; offset < SIZE; offset += LARGEST)
    write_range (h, offset, LARGEST, offset + 1, 0);
  CHECK_EQ (nbd_zero (h, 70000, 1000, 0), 0);
  memset (model + 1000, 0, 70000);
  CHECK_EQ (nbd_zero (h, 512, 200000, LIBNBD_CMD_FLAG_NO_HOLE), 0);
  memset (model + 200000, 0, 512);
  CHECK_EQ (nbd_zero (h, 512, 300000, LIBNBD_CMD_FLAG_FUA), 0);
  memset (model + 300000, 0, 512);
  CHECK_EQ (nbd_zero (h, 512, 400000, LIBNBD_CMD_FLAG_FAST_ZERO), 0);
  memset (model + 400000, 0, 512);
  /* This server's trim does zero. */
  CHECK_EQ (nbd_trim (h, LARGEST, 2 * LARGEST, 0), 0);
  CHECK_EQ (nbd_trim (h, 4096, 3 * LARGEST, LIBNBD_CMD_FLAG_FUA), 0);
  memset (model + 2 * LARGEST, 0, LARGEST);
  memset (model + 3 * LARGEST, 0, 4096);
  for (size_t offset = 0; offset < SIZE; offset += LARGEST)
    check_range (h, offset, LARGEST);
  nbd_close (h);
}

/* What reaches the server: each command once, with its range and flags. */
CASE (commands_as_the_server_sees_them)
{
  const char *report = temp_path ("report");
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 1048576", "can_write=exit 0",
             "can_flush=exit 0", "can_trim=exit 0", "can_zero=exit 0",
             "can_fast_zero=exit 0", "can_fua=echo native",
             "can_cache=echo native",
             text ("pread=echo read $3 $4 >> %s; "
                   "dd if=/dev/zero count=$3 iflag=count_bytes 2>/dev/null",
                   report),
             text ("pwrite=cat >/dev/null; echo write $3 $4 $5 >> %s", report),
             text ("flush=echo flush >> %s", report),
             text ("trim=echo trim $3 $4 $5 >> %s", report),
             text ("zero=echo zero $3 $4 $5 >> %s", report),
             text ("cache=echo cache $3 $4 >> %s", report), NULL));
  char buf[1000] = "", seen[1000];
  FILE *fp;
  size_t n;

  CHECK_EQ (nbd_pread (h, buf, 1000, 7, 0), 0);
  CHECK_EQ (nbd_pwrite (h, buf, 1000, 8, 0), 0);
  CHECK_EQ (nbd_pwrite (h, buf, 999, 9, LIBNBD_CMD_FLAG_FUA), 0);
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (nbd_trim (h, 100000, 10, 0), 0);
  CHECK_EQ (nbd_trim (h, 100001, 11, LIBNBD_CMD_FLAG_FUA), 0);
  CHECK_EQ (nbd_zero (h, 100002, 12, 0), 0);
  CHECK_EQ (nbd_zero (h, 100003, 13, LIBNBD_CMD_FLAG_NO_HOLE), 0);
  CHECK_EQ (nbd_zero (h, 100004, 14, LIBNBD_CMD_FLAG_NO_HOLE |
                      LIBNBD_CMD_FLAG_FUA | LIBNBD_CMD_FLAG_FAST_ZERO), 0);
  CHECK_EQ (nbd_cache (h, 100005, 15, 0), 0);
  nbd_close (h);

  fp = fopen (report, "r");
  CHECK (fp != NULL);
  n = fread (seen, 1, sizeof seen - 1, fp);
  seen[n] = '\0';
  fclose (fp);
  /* This server writes "may_trim" where the client did not say NO_HOLE. */
  CHECK_STR (seen,
             "read 1000 7\n"
             "write 1000 8\n"
             "write 999 9 fua\n"
             "flush\n"
             "trim 100000 10\n"
             "trim 100001 11 fua\n"
             "zero 100002 12 may_trim\n"
             "zero 100003 13\n"
             "zero 100004 14 fua,fast\n"
             "cache 100005 15\n");
}

/* Requests without payload may be longer than any payload. */
CASE (trim_zero_and_cache_of_the_whole_disk)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 4294967296", "can_write=exit 0",
             "can_trim=exit 0", "can_zero=exit 0", "can_cache=echo native",
             "pread=exit 1", "pwrite=exit 1",
             "trim=[ $3 = 4294967295 ]", "zero=[ $3 = 4294967295 ]",
             "cache=[ $3 = 4294967295 ]", NULL));

  CHECK_EQ (nbd_trim (h, UINT32_MAX, 0, 0), 0);
  CHECK_EQ (nbd_zero (h, UINT32_MAX, 0, 0), 0);
  CHECK_EQ (nbd_cache (h, UINT32_MAX, 0, 0), 0);
  nbd_close (h);
}

/* An error ends the command, not the connection. */
CASE (errors_of_the_server)
{
  static const struct { const char *name; int err; } table[] = {
    { "EPERM", EPERM }, { "EIO", EIO }, { "ENOMEM", ENOMEM },
    { "EINVAL", EINVAL }, { "ENOSPC", ENOSPC }, { "ESHUTDOWN", ESHUTDOWN },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    const char *fail = text ("if [ $4 -ge 65536 ]; then echo %s >&2; exit 1; "
                             "fi; ", table[i].name);
    struct nbd_handle *h = connect_to
      (nbdkit ("eval", "get_size=echo 1048576",
               text ("pread=%s printf '%%512s' x", fail),
               text ("pwrite=cat >/dev/null; %s", fail), NULL));
    char buf[512] = "";

    situation ("%s", table[i].name);
    CHECK_ERR (nbd_pread (h, buf, 512, 65536, 0), table[i].err);
    CHECK_ERR (nbd_pwrite (h, buf, 512, 65536, 0), table[i].err);
    CHECK_EQ (nbd_pread (h, buf, 512, 0, 0), 0);
    CHECK_EQ (buf[511], 'x');
    CHECK_EQ (nbd_pwrite (h, buf, 512, 0, 0), 0);
    nbd_close (h);
    stop_servers ();
  }
}

/* Its reason is better than what an errno means. */
CASE (words_of_the_server)
{
  enum { LENGTH = 48 << 20 };
  struct nbd_handle *h = connect_to
    (qemu_nbd (temp_disk ("disk", LENGTH), "-f", "raw", NULL));
  char *buf = malloc (LENGTH);

  CHECK (buf != NULL);
  CHECK_ERR (nbd_pread (h, buf, LENGTH, 0, 0), EINVAL);
  CHECK (strstr (nbd_get_error (), "read: command failed: the server reports: ") != NULL);
  CHECK (strstr (nbd_get_error (), "33554432") != NULL);
  CHECK_EQ (nbd_pread (h, buf, 512, 0, 0), 0);
  free (buf);
  nbd_close (h);
}
