/* Attacks that worked on other NBD clients, as far as no other test has them.
 * libnbd-security(3) lists all of them with their tests. */
#include "test.h"

#include <sys/mman.h>

#define COUNT(table) (sizeof table / sizeof table[0])

/* ---- Data that belongs in front of the buffer, or behind it ---- */

enum { LENGTH = 512, OFFSET = 4096, AROUND = 0x5a };

/* One page that may be written between two that must not even be touched. */
static uint8_t *
guarded_page (void)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  uint8_t *memory = mmap (NULL, 3 * page, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

  CHECK (memory != MAP_FAILED);
  CHECK_EQ (mprotect (memory + page, page, PROT_READ|PROT_WRITE), 0);
  return memory + page;
}

static void
check_nothing_outside (const uint8_t *page, const uint8_t *buf)
{
  const uint8_t *end = page + sysconf (_SC_PAGESIZE);

  CHECK (all_bytes (page, (size_t) (buf - page), AROUND));
  CHECK (all_bytes (buf + LENGTH, (size_t) (end - buf - LENGTH), AROUND));
}

static int
chunk_within (void *buf, const void *subbuf, size_t count, uint64_t offset,
              unsigned status, int *error)
{
  (void) status, (void) error;
  CHECK (subbuf >= buf && (const uint8_t *) subbuf + count <= (uint8_t *) buf + LENGTH);
  CHECK (offset >= OFFSET && offset + count <= OFFSET + LENGTH);
  return 0;
}

/* 2019: the difference between the offset of a chunk and that of its request
 * was negative, and its sum with the length wrapped around. */
CASE (chunks_around_the_buffer)
{
  static const char *const offsets[] = {
    "0", "1", "3584", "3585", "4095", "4097", "4607", "4608", "8192", "0x7fffffffffffffff",
    "0x8000000000000000", "0x8000000000001000", "0xfffffffffffffdff", "0xfffffffffffffe00",
    "0xffffffffffffff00", "0xffffffffffffffff", "0x100000000", "0x100001000",
    "0xffffffff00001000",
  };
  static const char *const contents[] = {
    "OFFSET_DATA|fill:7*512", "OFFSET_HOLE|u32:512", "OFFSET_HOLE|u32:0xfffffe00",
    "OFFSET_HOLE|u32:0xffffffff",
  };
  uint8_t *page = guarded_page ();
  size_t size = (size_t) sysconf (_SC_PAGESIZE);

  for (int extended = 0; extended < 2; ++extended)
    for (size_t i = 0; i < COUNT (offsets); ++i)
      for (size_t j = 0; j < COUNT (contents); ++j) {
        const char *kind_end = strchr (contents[j], '|');
        const char *script = text ("handshake\nread-request READ\n%schunk DONE %.*s %s u64:%s %s\n"
                                   "wait-eof\n", extended ? "ext-" : "",
                                   (int) (kind_end - contents[j]), contents[j],
                                   extended ? "=" : "", offsets[i], kind_end + 1);
        struct nbd_handle *h = connect_to (scripted (script, "--size", "1M", "--replies",
                                                     extended ? "extended" : "structured", NULL));
        /* The page begins or ends with the buffer. */
        uint8_t *buf = i % 2 == 0 ? page : page + size - LENGTH;
        nbd_chunk_callback callback = { chunk_within, buf, NULL };

        situation ("%s at %s, extended %d", contents[j], offsets[i], extended);
        memset (page, AROUND, size);
        if (j % 2 == 0)
          CHECK_ERR (nbd_pread (h, buf, LENGTH, OFFSET, 0), 0);
        else
          CHECK_ERR (nbd_pread_structured (h, buf, LENGTH, OFFSET, callback, 0), 0);
        CHECK_EQ (nbd_aio_is_dead (h), 1);
        check_nothing_outside (page, buf);
        CHECK (all_bytes (buf, LENGTH, 0));
        nbd_close (h);
        check_script ();
      }
  CHECK_EQ (munmap (page - size, 3 * size), 0);
}

/* ---- CVE-2023-5215: sizes that are negative as signed numbers ---- */

#define OLDSTYLE "send NBDMAGIC u64:0x420281861253 u64:%s u16:0 u16:1 zero:124\n"
#define NEWSTYLE "send NBDMAGIC IHAVEOPT u16:2\nread 4\nread-option EXPORT_NAME\nsend u64:%s u16:1\n"
#define FIXED "send NBDMAGIC IHAVEOPT u16:3\nread 4\n" \
  "read-option EXTENDED_HEADERS\noption-reply UNSUP\n" \
  "read-option STRUCTURED_REPLY\noption-reply UNSUP\n"
#define WITH_GO FIXED "read-option GO\noption-reply INFO u16:0 u64:%s u16:1\noption-reply ACK\n"

CASE (sizes_beyond_63_bits)
{
  static const struct { const char *handshake, *behind; } ways[] = {
    { OLDSTYLE, "" }, { NEWSTYLE, "send zero:124\n" }, { WITH_GO, "" },
  };
  static const char *const sizes[] = {
    "0x8000000000000000", "0x8000000000000001", "0xfffffffffffffe00", "0xffffffffffffffff",
  };
  static uint8_t buf[512];

  for (size_t i = 0; i < COUNT (ways); ++i)
    for (size_t j = 0; j < COUNT (sizes); ++j) {
      const char *before = strstr (ways[i].handshake, "%s");
      const char *script = text ("%.*s%s%s%sread-request READ\nsimple 0 fill:7*512\n"
                                 "read-request DISC\nexpect-eof\n",
                                 (int) (before - ways[i].handshake), ways[i].handshake, sizes[j],
                                 before + 2, ways[i].behind);
      uint64_t size = strtoull (sizes[j], NULL, 16);
      struct nbd_handle *h = create ();

      situation ("handshake %zu, %s bytes", i, sizes[j]);
      CHECK_EQ (nbd_set_handshake_flags (h, LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE), 0);
      CHECK_EQ (nbd_connect_unix (h, scripted (script, NULL)), 0);
      CHECK_ERR (nbd_get_size (h), EOVERFLOW);
      /* Where the end is counts nevertheless. */
      CHECK_ERR (nbd_pread (h, buf, sizeof buf, size - 511, 0), EINVAL);
      CHECK_ERR (nbd_pread (h, buf, sizeof buf, UINT64_MAX, 0), EINVAL);
      CHECK_EQ (nbd_pread (h, buf, sizeof buf, size - 512, 0), 0);
      CHECK (all_bytes (buf, sizeof buf, 7));
      CHECK_EQ (nbd_shutdown (h, 0), 0);
      nbd_close (h);
      check_script ();
    }
}

/* ---- CVE-2022-0485: an error that nobody looked at ---- */

static int
note_error (void *error, int *reported)
{
  *(int *) error = *reported;
  return 0;
}

/* However a read fails, each way to learn of it does, and what the program
 * might copy is zero. */
CASE (every_way_to_learn_of_an_error)
{
  static const char *const answers[] = {
    "simple|simple EIO", "structured|chunk DONE ERROR u32:5 u16:0",
    "structured|chunk 0 OFFSET_DATA u64:0 fill:7*256\nchunk DONE ERROR_OFFSET u32:5 u16:0 u64:256",
    "structured|chunk 0 ERROR u32:5 u16:0\nchunk DONE OFFSET_DATA u64:0 fill:7*512",
    "extended|ext-chunk DONE ERROR = u32:5 u16:0",
    "simple|close", "structured|close", "extended|close",
  };

  for (size_t i = 0; i < COUNT (answers); ++i) {
    const char *answer = strchr (answers[i], '|') + 1;
    const char *replies = text ("%.*s", (int) (answer - 1 - answers[i]), answers[i]);
    const char *script = text ("handshake\nread-request READ\n%s\n%s", answer,
                               strcmp (answer, "close") == 0 ? "" : "serve\n");
    int err = strcmp (answer, "close") == 0 ? ENOTCONN : EIO, reported = 0;
    struct nbd_handle *h;
    uint8_t buf[512];
    int64_t cookie;

    situation ("%s", answers[i]);
    h = connect_to (scripted (script, "--replies", replies, NULL));
    memset (buf, AROUND, sizeof buf);
    CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), ANY_ERRNO);
    for (size_t k = 0; k < sizeof buf; ++k)
      CHECK (buf[k] == 0 || buf[k] == 7);
    nbd_close (h);
    check_script ();

    h = connect_to (scripted (script, "--replies", replies, NULL));
    memset (buf, AROUND, sizeof buf);
    cookie = nbd_aio_pread (h, buf, sizeof buf, 0, (nbd_completion_callback) {
        note_error, &reported, NULL }, 0);
    CHECK (cookie > 0);
    while (nbd_aio_in_flight (h) > 0)
      if (nbd_poll (h, -1) == -1)
        CHECK (nbd_aio_is_dead (h));
    CHECK_EQ (reported, err);
    for (size_t k = 0; k < sizeof buf; ++k)
      CHECK (buf[k] == 0 || buf[k] == 7);
    CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookie), err);
    nbd_close (h);
    check_script ();
  }
}
