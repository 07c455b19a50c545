/* The handshake with every kind of server. */
#include "test.h"

/* What the handshake is expected to agree on. */
struct agreement {
  const char *protocol;
  int structured;
  uint32_t handshake_flags;
};

#define FIXED LIBNBD_HANDSHAKE_FLAG_FIXED_NEWSTYLE
#define NO_ZEROES LIBNBD_HANDSHAKE_FLAG_NO_ZEROES

static const struct agreement modern = { "newstyle-fixed", 1, FIXED|NO_ZEROES };

/* The handle is connected as expected, and in step with the server. */
static void
check_agreement (struct nbd_handle *h, struct agreement wanted)
{
  char buf[512];

  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_STR (nbd_get_protocol (h), wanted.protocol);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), wanted.structured);
  CHECK_EQ (nbd_get_handshake_flags (h), wanted.handshake_flags);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 1048576 - sizeof buf, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_STR (nbd_get_protocol (h), wanted.protocol);
  nbd_close (h);
}

CASE (nbdkit_fixed_newstyle)
{
  check_agreement (connect_to (nbdkit ("null", "1M", NULL)), modern);
}

CASE (nbdkit_without_structured_replies)
{
  check_agreement (connect_to (nbdkit ("--no-sr", "null", "1M", NULL)),
                   (struct agreement) {
                     "newstyle-fixed", 0, FIXED|NO_ZEROES
                   });
}

CASE (nbdkit_with_zeroes)
{
  check_agreement
    (connect_to (nbdkit ("--mask-handshake=1", "null", "1M", NULL)),
     (struct agreement) { "newstyle-fixed", 1, FIXED });
}

CASE (nbdkit_newstyle)
{
  check_agreement
    (connect_to (nbdkit ("--mask-handshake=0", "null", "1M", NULL)),
     (struct agreement) { "newstyle", 0, 0 });
}

CASE (nbdkit_newstyle_without_zeroes)
{
  check_agreement
    (connect_to (nbdkit ("--mask-handshake=2", "null", "1M", NULL)),
     (struct agreement) { "newstyle", 0, NO_ZEROES });
}

CASE (nbdkit_oldstyle)
{
  check_agreement (connect_to (nbdkit ("-o", "null", "1M", NULL)),
                   (struct agreement) { "oldstyle", 0, 0 });
}

CASE (qemu)
{
  check_agreement (connect_to (qemu_nbd (temp_disk ("disk", 1048576),
                                         "-f", "raw", NULL)), modern);
}

CASE (reference_server)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, nbd_server (temp_disk ("disk", 1048576),
                                             "")), 0);
  CHECK_STR (nbd_get_protocol (h), "newstyle-fixed");
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (embedded_kinds)
{
  static const struct {
    const char *option[3];
    struct agreement wanted;
  } table[] = {
    { { "--replies", "extended" }, { "newstyle-fixed", 1, FIXED|NO_ZEROES } },
    { { "--replies", "structured" },
      { "newstyle-fixed", 1, FIXED|NO_ZEROES } },
    { { "--replies", "simple" }, { "newstyle-fixed", 0, FIXED|NO_ZEROES } },
    { { "--no-no-zeroes" }, { "newstyle-fixed", 1, FIXED } },
    { { "--handshake", "newstyle" }, { "newstyle", 0, NO_ZEROES } },
    { { "--handshake", "newstyle", "--no-no-zeroes" }, { "newstyle", 0, 0 } },
    { { "--handshake", "oldstyle" }, { "oldstyle", 0, 0 } },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    const char *const *option = table[i].option;

    situation ("%s %s", option[0], option[1] ? option[1] : "");
    check_agreement (connect_to (embedded ("--size", "1M", "--strict-exit",
                                           option[0], option[1], option[2],
                                           NULL)),
                     table[i].wanted);
  }
}

/* What the client does not want is not agreed on, whatever the server has. */
CASE (client_wishes)
{
  static const struct {
    uint32_t flags;
    bool structured;
    struct agreement wanted;
  } table[] = {
    { FIXED|NO_ZEROES, false, { "newstyle-fixed", 0, FIXED|NO_ZEROES } },
    { FIXED, true, { "newstyle-fixed", 1, FIXED } },
    { NO_ZEROES, true, { "newstyle", 0, NO_ZEROES } },
    { 0, true, { "newstyle", 0, 0 } },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("flags %u, structured replies %d", table[i].flags,
               table[i].structured);
    CHECK_EQ (nbd_set_handshake_flags (h, table[i].flags), 0);
    CHECK_EQ (nbd_set_request_structured_replies (h, table[i].structured), 0);
    CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--strict-exit",
                                             NULL)), 0);
    CHECK_EQ (nbd_can_df (h), table[i].wanted.structured);
    check_agreement (h, table[i].wanted);
  }
}

CASE (a_byte_at_a_time)
{
  check_agreement (connect_to (embedded ("--size", "1M", "--drip", "1",
                                         NULL)), modern);
}

/* ---- What the server refuses ---- */

CASE (options_the_server_does_not_know)
{
  static const struct {
    const char *refuse[3];
    int structured;
  } table[] = {
    { { "EXTENDED_HEADERS" }, 1 },
    { { "STRUCTURED_REPLY" }, 1 },      /* Extended headers imply them. */
    { { "EXTENDED_HEADERS", "STRUCTURED_REPLY" }, 0 },
    /* With extended headers there is no way back to EXPORT_NAME. */
    { { "EXTENDED_HEADERS", "GO" }, 1 },
    { { "EXTENDED_HEADERS", "STRUCTURED_REPLY", "GO" }, 0 },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    const char *const *refuse = table[i].refuse;
    const char *server = embedded
      ("--size", "1M", "--refuse", refuse[0], refuse[1] ? "--refuse" : NULL,
       refuse[1], refuse[2] ? "--refuse" : NULL, refuse[2], NULL);

    situation ("row %zu", i);
    check_agreement (connect_to (server), (struct agreement) {
        "newstyle-fixed", table[i].structured, FIXED|NO_ZEROES
      });
  }
}

CASE (export_name_after_go)
{
  static const char *const zeroes[] = { NULL, "--no-no-zeroes" };

  for (size_t i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();

    CHECK_EQ (nbd_set_export_name (h, "the export"), 0);
    CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--replies",
                                             "structured", "--refuse", "GO",
                                             "--export", "the export",
                                             zeroes[i], NULL)), 0);
    check_agreement (h, (struct agreement) {
        "newstyle-fixed", 1, zeroes[i] ? FIXED : FIXED|NO_ZEROES
      });
  }
}

CASE (reasons_for_refusing_the_export)
{
  static const struct { const char *reply; int err; } table[] = {
    { "POLICY", 0 }, { "INVALID", EINVAL }, { "PLATFORM", 0 },
    { "TLS_REQD", ENOTSUP }, { "UNKNOWN", ENOENT },
    { "SHUTDOWN", ESHUTDOWN }, { "BLOCK_SIZE_REQD", EINVAL },
    { "TOO_BIG", EINVAL }, { "0x80001234", 0 },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h = create ();
    const char *server = embedded
      ("--refuse", text ("GO=%s:because\tI say so", table[i].reply), NULL);

    situation ("%s", table[i].reply);
    CHECK_ERR (nbd_connect_unix (h, server), table[i].err);
    /* The server's words, but nothing that would upset a terminal. */
    CHECK (strstr (nbd_get_error (), "because") != NULL);
    CHECK (strstr (nbd_get_error (), "I say so") != NULL);
    CHECK (strchr (nbd_get_error (), '\t') == NULL);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    nbd_close (h);
  }
}

CASE (unknown_export_on_real_servers)
{
  const char *servers[] = {
    nbdkit ("--filter=exportname", "null", "1M", "exportname-strict=true",
            "exportname=other", NULL),
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", "-x", "other", NULL),
    nbd_server (temp_disk ("disk2", 1048576), ""),
  };

  for (size_t i = 0; i < 3; ++i) {
    struct nbd_handle *h = create ();

    situation ("server %zu", i);
    CHECK_EQ (nbd_set_export_name (h, "no such export"), 0);
    CHECK_ERR (nbd_connect_unix (h, servers[i]), ENOENT);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    nbd_close (h);
  }
}

/* Without fixed newstyle the server can only hang up. */
CASE (unknown_export_in_newstyle)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_export_name (h, "no such export"), 0);
  CHECK_ERR (nbd_connect_unix (h, embedded ("--handshake", "newstyle",
                                            "--export", "other", NULL)), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

/* ---- The conversation, byte by byte ---- */

#define GREETING "send NBDMAGIC IHAVEOPT u16:3\nexpect u32:3\n"

/* Without structured replies nothing precedes the choice of the export. */
static struct nbd_handle *
create_plain (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
  return h;
}

/* Each byte that the client must send. */
CASE (what_the_client_says)
{
  const char *server = scripted
    (GREETING
     /* GO: name, then block size (3), name (1) and description (2). */
     "expect IHAVEOPT u32:7 u32:16\n"
     "expect u32:4 \"disk\" u16:3 u16:3 u16:1 u16:2\n"
     "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:1048576 u16:1\n"
     "send OPTREPLY u32:7 u32:1 u32:0\n"
     /* READ, cookie 1. */
     "expect u32:0x25609513 u16:0 u16:0 u64:1 u64:4096 u32:512\n"
     "send u32:0x67446698 u32:0 u64:1 zero:512\n"
     /* WRITE, cookie 2. */
     "expect u32:0x25609513 u16:0 u16:1 u64:2 u64:77 u32:4 \"data\"\n"
     "send u32:0x67446698 u32:0 u64:2\n"
     /* DISC, cookie 3. */
     "expect u32:0x25609513 u16:0 u16:2 u64:3 u64:0 u32:0\n"
     "expect-eof\n", NULL);
  struct nbd_handle *h = create_plain ();

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_pread (h, (char[512]) { 0 }, 512, 4096, 0), 0);
  CHECK_EQ (nbd_pwrite (h, "data", 4, 77, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_script ();
}

CASE (only_the_information_wanted)
{
  const char *server = scripted
    (GREETING
     "expect IHAVEOPT u32:7 u32:6 u32:0 u16:0\n"
     "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:1048576 u16:1\n"
     "send OPTREPLY u32:7 u32:1 u32:0\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create_plain ();

  CHECK_EQ (nbd_set_request_block_size (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  nbd_close (h);
  check_script ();
}

CASE (export_name_option)
{
  const char *server = scripted
    ("send NBDMAGIC IHAVEOPT u16:0\n"
     "expect u32:0\n"
     "expect IHAVEOPT u32:1 u32:4 \"disk\"\n"
     "send u64:1048576 u16:1 zero:124\n"
     "expect u32:0x25609513 u16:0 u16:0 u64:1 u64:0 u32:1\n"
     "send u32:0x67446698 u32:0 u64:1 2a\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create ();
  char byte;

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_pread (h, &byte, 1, 0, 0), 0);
  CHECK_EQ (byte, 0x2a);
  nbd_close (h);
  check_script ();
}

CASE (order_of_options)
{
  const char *server = scripted
    (GREETING
     "expect IHAVEOPT u32:11 u32:0\n"
     "send OPTREPLY u32:11 u32:0x80000001 u32:0\n"
     "expect IHAVEOPT u32:8 u32:0\n"
     "send OPTREPLY u32:8 u32:1 u32:0\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create ();
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  nbd_close (h);
  check_script ();
}

/* Contexts are chosen after structured replies and before the export. */
CASE (contexts_wanted_before_connecting)
{
  const char *server = scripted
    (GREETING
     "expect IHAVEOPT u32:8 u32:0\n"
     "send OPTREPLY u32:8 u32:1 u32:0\n"
     "expect IHAVEOPT u32:10 u32:38 u32:4 \"disk\" u32:2\n"
     "expect u32:15 \"base:allocation\" u32:3 \"x:y\"\n"
     "send OPTREPLY u32:10 u32:4 u32:19 u32:77 \"base:allocation\"\n"
     "send OPTREPLY u32:10 u32:1 u32:0\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_request_extended_headers (h, false), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_add_meta_context (h, LIBNBD_CONTEXT_BASE_ALLOCATION), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:y"), 0);
  nbd_close (h);
  check_script ();
}

CASE (option_abort_after_refusal)
{
  const char *server = scripted
    (GREETING
     "read-option GO\n"
     "option-reply UNKNOWN\n"
     "expect IHAVEOPT u32:2 u32:0\n"
     "expect-eof\n", NULL);
  struct nbd_handle *h = create_plain ();

  CHECK_ERR (nbd_connect_unix (h, server), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_script ();
}

/* Information that nobody asked for or that nobody knows does no harm, and
 * what comes later replaces what came before. */
CASE (unexpected_information)
{
  const char *server = scripted
    (GREETING
     "read-option GO\n"
     "option-reply INFO u16:0 u64:512 u16:3\n"
     "option-reply INFO u16:999 \"mystery\"\n"
     "option-reply INFO u16:2 \"from nowhere\"\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n", NULL);
  struct nbd_handle *h = create_plain ();
  char *description;

  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 0);
  description = nbd_get_export_description (h);
  CHECK_STR (description, "from nowhere");
  free (description);
  nbd_close (h);
  check_script ();
}

/* ---- Servers that do not speak NBD, or speak it badly ---- */

CASE (broken_handshakes)
{
  static const struct { const char *fault, *script; int err; } table[] = {
    { "not NBD", "send \"SSH-2.0-OpenSSH_9.2\" zero:200\nwait-eof", 0 },
    { "wrong second magic", "send NBDMAGIC \"IHAVEOPX\" zero:136\nwait-eof",
      0 },
    { "half a greeting", "send NBDMAGIC \"IHAVE\"\nclose", 0 },
    { "hanging up instead of an answer", GREETING "read-option\nclose", 0 },
    { "wrong reply magic",
      GREETING "read-option\nsend u64:1 u32:7 u32:1 u32:0\nwait-eof", 0 },
    { "reply to another option",
      GREETING "read-option\nsend OPTREPLY u32:6 u32:1 u32:0\nwait-eof", 0 },
    { "acknowledgement with data",
      GREETING "read-option\noption-reply ACK \"data\"\nwait-eof", 0 },
    { "enormous reply",
      GREETING "read-option GO\n"
      "send OPTREPLY u32:7 u32:3 u32:0xffffffff zero:1000\nwait-eof", 0 },
    { "short export information",
      GREETING "read-option GO\n"
      "option-reply INFO u16:0 u64:5\nwait-eof", 0 },
    { "information without type",
      GREETING "read-option GO\n"
      "option-reply INFO 00\nwait-eof", 0 },
    { "endless error message",
      GREETING "read-option GO\n"
      "option-reply UNKNOWN zero:4097\nwait-eof", 0 },
    { "no transmission flags",
      GREETING "read-option GO\n"
      "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:512 u16:0 "
      "OPTREPLY u32:7 u32:1 u32:0\nwait-eof", EINVAL },
    { "half a reply",
      GREETING "read-option GO\n"
      "send OPTREPLY u32:7 u32:1\nclose", 0 },
    { "oldstyle without transmission flags",
      "send NBDMAGIC u64:0x420281861253 u64:512 u16:0 u16:0 zero:124\n"
      "wait-eof", EINVAL },
    { "oldstyle with unknown global flags",
      "send NBDMAGIC u64:0x420281861253 u64:512 u16:1 u16:1 zero:124\n"
      "wait-eof", 0 },
    { "half an oldstyle greeting",
      "send NBDMAGIC u64:0x420281861253 u64:512 u16:0 u16:1 zero:123\nclose",
      0 },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    unsigned before = open_fds ();
    struct nbd_handle *h = create_plain ();
    const char *server = scripted (table[i].script, NULL);

    situation ("%s", table[i].fault);
    CHECK_ERR (nbd_connect_unix (h, server), table[i].err);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    nbd_close (h);
    if (i > 0) /* The first CHECK_ERR may have opened something. */
      CHECK_EQ (open_fds (), before);
    check_script ();
  }
}

/* Hanging up after each single byte of a whole handshake. */
CASE (handshake_cut_at_every_byte)
{
  for (int cut = 0; ; ++cut) {
    struct nbd_handle *h = create ();
    int r;

    situation ("after %d bytes", cut);
    r = nbd_connect_unix (h, embedded ("--once", "--cut", text ("%d", cut),
                                       NULL));
    CHECK_EQ (nbd_aio_is_ready (h) || nbd_aio_is_dead (h) ||
              nbd_aio_is_closed (h), 1);
    CHECK_EQ (r, nbd_aio_is_ready (h) ? 0 : -1);
    nbd_close (h);
    stop_servers ();
    if (r == 0) {
      /* Greeting, two option replies, and information on the export. */
      CHECK (cut > 18 + 20 + 20 + 12);
      break;
    }
  }
}
