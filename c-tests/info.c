/* What the server says about the export. */
#include "test.h"

/* ---- Transmission flags ---- */

enum { ALWAYS = 1 << 0, ZERO = 1 << 6, FAST_ZERO = 1 << 11 };

static const struct {
  const char *name;
  int (*ask) (struct nbd_handle *);
  unsigned bit;
} questions[] = {
  { "is_read_only", nbd_is_read_only, 1 << 1 },
  { "can_flush", nbd_can_flush, 1 << 2 },
  { "can_fua", nbd_can_fua, 1 << 3 },
  { "is_rotational", nbd_is_rotational, 1 << 4 },
  { "can_trim", nbd_can_trim, 1 << 5 },
  { "can_zero", nbd_can_zero, ZERO },
  { "can_df", nbd_can_df, 1 << 7 },
  { "can_multi_conn", nbd_can_multi_conn, 1 << 8 },
  { "can_cache", nbd_can_cache, 1 << 10 },
  { "can_fast_zero", nbd_can_fast_zero, FAST_ZERO },
};

enum { QUESTIONS = sizeof questions / sizeof questions[0] };

static void
check_answers (unsigned advertised, const char *replies, unsigned wanted)
{
  struct nbd_handle *h = connect_to
    (embedded ("--replies", replies, "--flags", text ("0x%x", advertised),
               NULL));

  for (size_t i = 0; i < QUESTIONS; ++i) {
    situation ("flags %#x, %s replies: %s", advertised, replies,
               questions[i].name);
    CHECK_EQ (questions[i].ask (h), (wanted & questions[i].bit) != 0);
  }
  /* The answers stay when the connection is gone. */
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  for (size_t i = 0; i < QUESTIONS; ++i)
    CHECK_EQ (questions[i].ask (h), (wanted & questions[i].bit) != 0);
  nbd_close (h);
  stop_servers ();
}

CASE (each_flag_has_its_question)
{
  unsigned all = ALWAYS;

  check_answers (ALWAYS, "structured", 0);
  for (size_t i = 0; i < QUESTIONS; ++i) {
    unsigned flags = ALWAYS | questions[i].bit;

    all |= flags;
    if (questions[i].bit == FAST_ZERO)
      flags |= ZERO;
    check_answers (flags, "structured", flags);
  }
  check_answers (all, "structured", all);
  for (size_t i = 0; i < QUESTIONS; ++i) {
    unsigned flags = all & ~questions[i].bit;

    if (questions[i].bit == ZERO)
      flags &= ~(unsigned) FAST_ZERO;
    check_answers (flags, "structured", flags);
  }
}

CASE (impossible_claims_are_not_believed)
{
  /* A fast zero is a zero. */
  check_answers (ALWAYS | FAST_ZERO, "structured", 0);
  /* Not fragmenting is about structured replies. */
  check_answers (ALWAYS | 1 << 7, "simple", 0);
  /* Bits that no version of the protocol has defined. */
  check_answers (ALWAYS | 1 << 15 | 1 << 14, "structured", 0);
}

CASE (flags_of_nbdkit)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("eval", "get_size=echo 512", "pread=exit 1", "can_write=exit 3",
             "is_rotational=exit 0", "can_multi_conn=exit 0", NULL));

  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_is_rotational (h), 1);
  CHECK_EQ (nbd_can_multi_conn (h), 1);
  CHECK_EQ (nbd_can_trim (h), 0);
  CHECK_EQ (nbd_can_zero (h), 0);
  CHECK_EQ (nbd_can_fua (h), 0);
  CHECK_EQ (nbd_can_df (h), 1);
  nbd_close (h);
  stop_servers ();

  h = connect_to (nbdkit ("memory", "1M", NULL));
  CHECK_EQ (nbd_is_read_only (h), 0);
  CHECK_EQ (nbd_is_rotational (h), 0);
  CHECK_EQ (nbd_can_trim (h), 1);
  CHECK_EQ (nbd_can_zero (h), 1);
  CHECK_EQ (nbd_can_fast_zero (h), 1);
  CHECK_EQ (nbd_can_flush (h), 1);
  CHECK_EQ (nbd_can_fua (h), 1);
  nbd_close (h);
  stop_servers ();

  h = connect_to (nbdkit ("-r", "memory", "1M", NULL));
  CHECK_EQ (nbd_is_read_only (h), 1);
  nbd_close (h);
}

CASE (flags_in_oldstyle)
{
  struct nbd_handle *h = connect_to
    (embedded ("--handshake", "oldstyle", "--flags", "0x25", NULL));

  CHECK_EQ (nbd_can_flush (h), 1);
  CHECK_EQ (nbd_can_trim (h), 1);
  CHECK_EQ (nbd_is_read_only (h), 0);
  CHECK_EQ (nbd_can_fua (h), 0);
  nbd_close (h);
}

/* ---- Size ---- */

CASE (sizes)
{
  static const char *const sizes[] = {
    "0", "1", "511", "512", "4294967296", "9223372036854775807",
  };

  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    struct nbd_handle *h = connect_to (nbdkit ("null", sizes[i], NULL));

    situation ("%s", sizes[i]);
    CHECK_EQ (nbd_get_size (h), strtoll (sizes[i], NULL, 10));
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    CHECK_EQ (nbd_get_size (h), strtoll (sizes[i], NULL, 10));
    nbd_close (h);
    stop_servers ();
  }
}

/* An export of this size cannot be expressed in the result. */
CASE (size_beyond_the_signed_range)
{
  struct nbd_handle *h = connect_to
    (scripted ("send NBDMAGIC u64:0x420281861253\n"
               "send u64:0x8000000000000000 u16:0 u16:1 zero:124\n"
               "wait-eof\n", NULL));

  CHECK_ERR (nbd_get_size (h), EOVERFLOW);
  CHECK_EQ (nbd_is_read_only (h), 0);
  nbd_close (h);
}

/* ---- Block sizes ---- */

static void
check_block_sizes (const char *advertised, int64_t minimum, int64_t preferred,
                   int64_t maximum)
{
  struct nbd_handle *h = connect_to
    (embedded ("--block-size", advertised, NULL));

  situation ("%s", advertised);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), minimum);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), preferred);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), maximum);
  nbd_close (h);
  stop_servers ();
}

CASE (block_sizes)
{
  check_block_sizes ("1,512,512", 1, 512, 512);
  check_block_sizes ("512,4096,33554432", 512, 4096, 33554432);
  check_block_sizes ("65536,65536,65536", 65536, 65536, 65536);
  check_block_sizes ("4096,65536,0xffffffff", 4096, 65536, 0xffffffff);
}

CASE (block_sizes_that_make_no_sense)
{
  static const char *const nonsense[] = {
    "0,4096,65536",             /* no minimum */
    "3,4096,65536",             /* minimum no power of two */
    "131072,131072,131072",     /* minimum above 64 KiB */
    "8192,4096,65536",          /* minimum above preferred */
    "1,4095,65536",             /* preferred no power of two */
    "1,256,65536",              /* preferred below 512 */
    "1,4096,2048",              /* preferred above maximum */
    "512,4096,65537",           /* maximum no multiple of minimum */
    "512,4096,0xfffffffe",
    "0,0,0",
  };

  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; ++i)
    check_block_sizes (nonsense[i], 0, 0, 0);
}

CASE (no_block_sizes)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));

  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), 0);
  nbd_close (h);
}

CASE (block_sizes_of_nbdkit)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("--filter=blocksize-policy", "memory", "1M",
             "blocksize-minimum=1024", "blocksize-preferred=16K",
             "blocksize-maximum=1M", NULL));

  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 1024);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), 16384);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), 1048576);
  nbd_close (h);
}

/* The largest write that does not ask for trouble. */
CASE (payload_size)
{
  static const struct { const char *advertised; int64_t wanted; } table[] = {
    { NULL, 32 * 1024 * 1024 },
    { "1,4096,0", 32 * 1024 * 1024 },           /* Makes no sense. */
    { "1,4096,65536", 1024 * 1024 },
    { "1,4096,1048576", 1024 * 1024 },
    { "1,4096,2097152", 2 * 1024 * 1024 },
    { "1,4096,67108864", 64 * 1024 * 1024 },
    { "1,4096,134217728", 64 * 1024 * 1024 },
    { "1,4096,0xffffffff", 64 * 1024 * 1024 },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h = connect_to
      (embedded (table[i].advertised ? "--block-size" : NULL,
                 table[i].advertised, NULL));

    situation ("%s", table[i].advertised ? table[i].advertised : "nothing");
    CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), table[i].wanted);
    nbd_close (h);
  }
  stop_servers ();
  struct nbd_handle *h = connect_to
    (embedded ("--handshake", "oldstyle", NULL));
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), 32 * 1024 * 1024);
  nbd_close (h);
}

CASE (block_sizes_not_requested)
{
  const char *server = embedded ("--block-size", "512,4096,65536", NULL);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_request_block_size (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), 0);
  nbd_close (h);
}

/* ---- Names ---- */

CASE (name_and_description)
{
  struct nbd_handle *h = create ();
  char *name, *description;

  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--export", "disk=A fine disk",
                                           NULL)), 0);
  name = nbd_get_canonical_export_name (h);
  description = nbd_get_export_description (h);
  CHECK_STR (name, "disk");
  CHECK_STR (description, "A fine disk");
  free (name);
  free (description);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  description = nbd_get_export_description (h);
  CHECK_STR (description, "A fine disk");
  free (description);
  nbd_close (h);
}

CASE (name_and_description_of_qemu)
{
  struct nbd_handle *h = create ();
  char *name, *description;

  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, qemu_nbd (temp_disk ("disk", 1048576),
                                           "-f", "raw", "-x", "disk",
                                           "-D", "A fine disk", NULL)), 0);
  name = nbd_get_canonical_export_name (h);
  description = nbd_get_export_description (h);
  CHECK_STR (name, "disk");
  CHECK_STR (description, "A fine disk");
  free (name);
  free (description);
  nbd_close (h);
}

/* Another name than the one asked for. */
CASE (canonical_name)
{
  struct nbd_handle *h = create ();
  char *name;

  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--export", "the default",
                                           NULL)), 0);
  name = nbd_get_canonical_export_name (h);
  CHECK_STR (name, "the default");
  free (name);
  name = nbd_get_export_name (h);
  CHECK_STR (name, "");
  free (name);
  nbd_close (h);
}

CASE (names_not_requested)
{
  struct nbd_handle *h = connect_to (embedded ("--export", "disk=A fine disk",
                                               NULL));

  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  CHECK_NULL (nbd_get_export_description (h), ENOTSUP);
  nbd_close (h);
}

CASE (names_not_known_to_the_server)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--handshake", "newstyle", NULL)),
            0);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  CHECK_NULL (nbd_get_export_description (h), ENOTSUP);
  nbd_close (h);
}

/* ---- An export without the least information ---- */

CASE (acknowledged_without_information)
{
  const char *server = scripted
    ("send NBDMAGIC IHAVEOPT u16:3\n"
     "read 4\n"
     "read-option GO\n"
     "option-reply ACK\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
  /* A client may put up with it or not; it must not make up answers. */
  if (nbd_connect_unix (h, server) == 0) {
    CHECK_ERR (nbd_get_size (h), EINVAL);
    CHECK_ERR (nbd_is_read_only (h), EINVAL);
    CHECK_ERR (nbd_can_flush (h), EINVAL);
    CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), EINVAL);
    CHECK_NULL (nbd_get_canonical_export_name (h), EINVAL);
  }
  else
    CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}
