/* nbd_opt_go and the options that switch something on before it. */
#include "test.h"

static void
check_ready (struct nbd_handle *h)
{
  char buf[512];

  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  nbd_close (h);
}

/* ---- Another name may be tried ---- */

CASE (retried_with_another_name)
{
  const char *servers[] = {
    nbdkit ("--filter=exportname", "memory", "1M", "exportname-strict=true",
            "exportname=disk", NULL),
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", "-x", "disk", NULL),
    nbd_server (temp_disk ("disk2", 1048576), ""),
    embedded ("--size", "1M", "--export", "disk", NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i) {
    struct record done = { 0 };
    struct nbd_handle *h = negotiate_with (servers[i]);

    situation ("server %zu", i);
    CHECK_EQ (nbd_set_export_name (h, "no such export"), 0);
    CHECK_ERR (nbd_opt_go (h), ENOENT);
    CHECK_EQ (nbd_aio_is_negotiating (h), 1);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (nbd_aio_is_negotiating (h), 1);
    CHECK_EQ (done.calls, 1);
    CHECK_EQ (done.frees, 1);
    CHECK_EQ (done.error, ENOENT);
    CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
    CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (done.calls, 2);
    CHECK_EQ (done.frees, 2);
    CHECK_EQ (done.error, 0);
    check_ready (h);
  }
}

/* Whoever reads the message should learn which name was wrong. */
CASE (a_refusal_names_the_export)
{
  const char *server = embedded
    ("--export", "other", "--refuse", "INFO=UNKNOWN:not here", NULL);
  struct nbd_handle *h = negotiate_with (server);

  CHECK_EQ (nbd_set_export_name (h, "my\tdisk"), 0);
  CHECK_ERR (nbd_opt_go (h), ENOENT);
  CHECK (strstr (nbd_get_error (), "export \"my\\x09disk\"") != NULL);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  CHECK (strstr (nbd_get_error (), "export \"my\\x09disk\"") != NULL);
  CHECK (strstr (nbd_get_error (), "not here") != NULL);
  nbd_close (h);

  /* Without option mode the connection ends, and the message stays. */
  h = create ();
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_ERR (nbd_connect_unix (h, server), ENOENT);
  CHECK (strstr (nbd_get_error (), "export \"disk\"") != NULL);
  nbd_close (h);

  /* A server that can only hang up. */
  h = create ();
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_ERR (nbd_connect_unix (h, embedded ("--handshake", "newstyle",
                                            "--export", "other", NULL)), 0);
  CHECK (strstr (nbd_get_error (), "export \"disk\"") != NULL);
  nbd_close (h);
}

CASE (a_refusal_forgets_what_info_said)
{
  struct nbd_handle *h = negotiate_by
    ("read-option INFO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply INFO u16:1 \"disk\"\n"
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply POLICY \"changed my mind\"\n"
     "expect IHAVEOPT u32:2 u32:0\n"
     "expect-eof\n");

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_ERR (nbd_opt_go (h), 0);
  CHECK (strstr (nbd_get_error (), "changed my mind") != NULL);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_ERR (nbd_can_flush (h), EINVAL);
  CHECK_NULL (nbd_get_canonical_export_name (h), EINVAL);
  CHECK_EQ (nbd_opt_abort (h), 0);
  nbd_close (h);
  check_script ();
}

/* ---- The older option, where GO is unknown and nowhere else ---- */

CASE (falls_back_to_the_older_option)
{
  struct record done = { 0 };
  struct nbd_handle *h = negotiate_by
    ("read-option GO\n"
     /* Void, for the option is refused. */
     "option-reply INFO u16:3 u32:512 u32:4096 u32:65536\n"
     "option-reply INFO u16:1 \"canonical\"\n"
     "option-reply UNSUP\n"
     "expect IHAVEOPT u32:1 u32:4 \"disk\"\n"
     "send u64:1048576 u16:3\n"
     "wait-eof\n");

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), 32 * 1024 * 1024);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  nbd_close (h);
  check_script ();
}

CASE (refused_by_the_older_option)
{
  struct record done = { 0 };
  struct nbd_handle *h = negotiate_by
    ("read-option GO\n"
     "option-reply UNSUP\n"
     "read-option EXPORT_NAME\n"
     "close\n");

  CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.error, ENOTCONN);
  CHECK_EQ (done.frees, 1);
  nbd_close (h);
  check_script ();
}

/* With extended headers the older option is forbidden. */
CASE (no_older_option_with_extended_headers)
{
  struct nbd_handle *h = negotiate_by
    ("read-option EXTENDED_HEADERS\n"
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply UNSUP\n"
     "expect IHAVEOPT u32:2 u32:0\n"
     "expect-eof\n");

  CHECK_EQ (nbd_opt_extended_headers (h), 1);
  CHECK_ERR (nbd_opt_go (h), ENOTSUP);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (nbd_opt_abort (h), 0);
  nbd_close (h);
  check_script ();
}

/* ---- Structured replies and extended headers ---- */

static struct nbd_handle *
negotiate_without_asking (const char *server)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  return h;
}

CASE (structured_replies_on_demand)
{
  const char *servers[] = {
    nbdkit ("memory", "1M", NULL),
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL),
    embedded ("--size", "1M", "--strict-exit", "--replies", "structured",
              NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i) {
    struct record done = { 0 };
    struct nbd_handle *h = negotiate_without_asking (servers[i]);

    situation ("server %zu", i);
    /* What the server claims of the export depends on it. */
    CHECK_EQ (nbd_opt_info (h), 0);
    CHECK_EQ (nbd_can_df (h), 0);
    CHECK_EQ (nbd_aio_opt_structured_reply (h, completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (done.calls, 1);
    CHECK_EQ (done.error, 0);
    CHECK_EQ (done.frees, 1);
    CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
    CHECK_EQ (nbd_opt_go (h), 0);
    CHECK_EQ (nbd_can_df (h), 1);
    check_ready (h);
  }
}

CASE (structured_replies_unknown)
{
  struct nbd_handle *h = negotiate_without_asking
    (nbdkit ("--no-sr", "memory", "1M", NULL));

  CHECK_EQ (nbd_opt_structured_reply (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_EQ (nbd_opt_extended_headers (h), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_df (h), 0);
  check_ready (h);
}

/* What has been agreed on is not taken back by a refused repetition. */
CASE (repeated_structured_replies)
{
  struct record done = { 0 };
  struct nbd_handle *h = negotiate_by
    ("expect IHAVEOPT u32:8 u32:0\n"
     "send OPTREPLY u32:8 u32:1 u32:0\n"
     "read-option STRUCTURED_REPLY\n"
     "option-reply INVALID \"again\"\n"
     "read-option STRUCTURED_REPLY\n"
     "option-reply UNSUP\n"
     "read-option EXTENDED_HEADERS\n"
     "option-reply POLICY\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_structured_reply (h), 1);
  CHECK_EQ (nbd_opt_structured_reply (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_aio_opt_structured_reply (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (done.error, ENOTSUP);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_opt_extended_headers (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  nbd_close (h);
  check_script ();
}

/* Extended headers bring structured replies with them; what the server says
 * to a late wish for those alone does not matter. */
CASE (extended_headers_on_demand)
{
  const char *servers[] = {
    qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL),
    embedded ("--size", "1M", NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i)
    for (int structured_first = 0; structured_first < 2; ++structured_first) {
      struct nbd_handle *h = negotiate_without_asking (servers[i]);

      situation ("server %zu, structured %d", i, structured_first);
      if (structured_first) {
        CHECK_EQ (nbd_opt_structured_reply (h), 1);
        CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
      }
      CHECK_EQ (nbd_opt_extended_headers (h), 1);
      CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
      CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
      CHECK_EQ (nbd_opt_structured_reply (h), 0);
      CHECK_EQ (nbd_opt_extended_headers (h), 0);
      CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
      CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
      CHECK_EQ (nbd_opt_go (h), 0);
      check_ready (h);
    }
}

/* Which options the client sends by itself. */
CASE (requests_made_by_the_handle)
{
  static const struct {
    int structured, extended;
    const char *script;
  } table[] = {
    { 1, 1, "read-option EXTENDED_HEADERS\noption-reply ACK\n" },
    { 1, 1, "read-option EXTENDED_HEADERS\noption-reply UNSUP\n"
      "read-option STRUCTURED_REPLY\noption-reply ACK\n" },
    { 1, 0, "read-option STRUCTURED_REPLY\noption-reply ACK\n" },
    { 0, 1, "" },
    { 0, 0, "" },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
    for (int opt_mode = 0; opt_mode < 2; ++opt_mode) {
      struct nbd_handle *h = create ();
      const char *server = scripted
        (text ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n%sread-option GO\n"
               "option-reply INFO u16:0 u64:1048576 u16:1\n"
               "option-reply ACK\nwait-eof\n", table[i].script), NULL);

      situation ("%zu, option mode %d", i, opt_mode);
      CHECK_EQ (nbd_set_opt_mode (h, opt_mode), 0);
      CHECK_EQ (nbd_set_request_structured_replies (h, table[i].structured),
                0);
      CHECK_EQ (nbd_set_request_extended_headers (h, table[i].extended), 0);
      CHECK_EQ (nbd_connect_unix (h, server), 0);
      if (opt_mode)
        CHECK_EQ (nbd_opt_go (h), 0);
      CHECK_EQ (nbd_aio_is_ready (h), 1);
      CHECK_EQ (nbd_get_structured_replies_negotiated (h),
                table[i].structured);
      CHECK_EQ (nbd_get_extended_headers_negotiated (h), i == 0);
      nbd_close (h);
      check_script ();
    }
}

/* Extended headers need structured replies, and can be refused alone. */
CASE (extended_headers_not_wanted)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_request_extended_headers (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--strict-exit",
                                           NULL)), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_can_block_status_payload (h), 0);
  check_ready (h);
}

/* ---- Counters ---- */

CASE (options_are_counted)
{
  struct nbd_handle *h = negotiate_by
    ("read-option INFO\noption-reply UNKNOWN\nwait-eof\n");
  uint64_t bytes = nbd_stats_bytes_sent (h), chunks = nbd_stats_chunks_sent (h);
  uint64_t received = nbd_stats_bytes_received (h);

  CHECK_ERR (nbd_opt_info (h), ENOENT);
  /* Header, length of the name, number of wishes, one wish. */
  CHECK_EQ (nbd_stats_bytes_sent (h) - bytes, 16 + 4 + 2 + 2);
  CHECK_EQ (nbd_stats_chunks_sent (h) - chunks, 1);
  CHECK_EQ (nbd_stats_bytes_received (h) - received, 20);
  nbd_close (h);
  check_script ();
}
