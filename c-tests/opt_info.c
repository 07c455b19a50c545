/* nbd_opt_info: what a server says of an export before it is opened, and how
 * long the client believes it. */
#include "test.h"

static void
check_string (char *got, const char *wanted)
{
  CHECK_STR (got, wanted);
  free (got);
}

/* Nothing that belongs to one export is known. */
static void
check_forgotten (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_ERR (nbd_is_read_only (h), EINVAL);
  CHECK_ERR (nbd_can_flush (h), EINVAL);
  CHECK_ERR (nbd_can_df (h), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), EINVAL);
  CHECK_NULL (nbd_get_canonical_export_name (h), EINVAL);
  CHECK_NULL (nbd_get_export_description (h), EINVAL);
}

/* ---- What can be asked afterwards ---- */

CASE (everything_is_known)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--size", "1M", "--export", "disk=A fine disk", "--flags",
               "0x1dff", "--block-size", "512,4096,1M", NULL));

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_is_rotational (h), 1);
  CHECK_EQ (nbd_can_flush (h), 1);
  CHECK_EQ (nbd_can_fua (h), 1);
  CHECK_EQ (nbd_can_trim (h), 1);
  CHECK_EQ (nbd_can_zero (h), 1);
  CHECK_EQ (nbd_can_fast_zero (h), 1);
  CHECK_EQ (nbd_can_df (h), 1);
  CHECK_EQ (nbd_can_multi_conn (h), 1);
  CHECK_EQ (nbd_can_cache (h), 1);
  CHECK_EQ (nbd_can_block_status_payload (h), 1);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 512);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), 4096);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), 1048576);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), 1048576);
  CHECK_ERR (nbd_get_block_size (h, 4), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, -1), EINVAL);
  check_string (nbd_get_canonical_export_name (h), "disk");
  check_string (nbd_get_export_description (h), "A fine disk");
  /* Commands have to wait. */
  CHECK_ERR (nbd_flush (h, 0), EINVAL);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  check_string (nbd_get_export_description (h), "A fine disk");
  CHECK_ERR (nbd_opt_info (h), EINVAL);
  check_string (nbd_get_export_description (h), "A fine disk");
  nbd_close (h);
}

CASE (names_only_when_wanted)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--export", "disk=A fine disk", NULL));

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  CHECK_NULL (nbd_get_export_description (h), ENOTSUP);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  check_string (nbd_get_canonical_export_name (h), "disk");
  check_string (nbd_get_export_description (h), "A fine disk");
  /* The next answer counts, not the one before. */
  CHECK_EQ (nbd_set_full_info (h, false), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  nbd_close (h);
}

CASE (nbdkit_description)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "default_export=echo the default",
             "open=echo \"$3\"",
             "export_description=echo \"It is $2\"",
             "block_size=echo 512 8K 1M", NULL));

  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  check_string (nbd_get_canonical_export_name (h), "the default");
  check_string (nbd_get_export_description (h), "It is the default");
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), 8192);
  CHECK_EQ (nbd_set_export_name (h, "another"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  check_string (nbd_get_canonical_export_name (h), "another");
  check_string (nbd_get_export_description (h), "It is another");
  nbd_close (h);
}

CASE (qemu)
{
  struct nbd_handle *h = negotiate_with
    (qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", "-x", "disk", "-D",
               "A fine disk", "-r", NULL));

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM) > 0);
  check_string (nbd_get_canonical_export_name (h), "disk");
  check_string (nbd_get_export_description (h), "A fine disk");
  nbd_close (h);
}

CASE (reference_server)
{
  struct nbd_handle *h = negotiate_with
    (nbd_server (temp_disk ("disk", 1048576), "readonly = true"));

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  /* It looks at the file only when it opens it. */
  CHECK_EQ (nbd_get_size (h), 0);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_set_export_name (h, "nowhere"), 0);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  check_forgotten (h);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

/* ---- What is forgotten, and when ---- */

static struct nbd_handle *
informed (void)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--size", "1M", "--export", "disk=A fine disk",
               "--block-size", "512,4096,1M", NULL));

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  return h;
}

CASE (another_name_forgets)
{
  struct nbd_handle *h = informed ();

  CHECK_EQ (nbd_set_export_name (h, "other"), 0);
  check_forgotten (h);
  /* The session itself stays as it is. */
  CHECK_STR (nbd_get_protocol (h), "newstyle-fixed");
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 1);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 1);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  check_forgotten (h);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (the_same_name_does_not)
{
  struct nbd_handle *h = informed ();

  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  check_string (nbd_get_export_description (h), "A fine disk");
  nbd_close (h);
}

CASE (a_name_too_long_does_not)
{
  struct nbd_handle *h = informed ();
  char name[4098];

  memset (name, 'x', sizeof name - 1);
  name[4097] = '\0';
  CHECK_ERR (nbd_set_export_name (h, name), ENAMETOOLONG);
  CHECK_EQ (nbd_get_size (h), 1048576);
  check_string (nbd_get_export_name (h), "disk");
  name[4096] = '\0';
  CHECK_EQ (nbd_set_export_name (h, name), 0);
  check_forgotten (h);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  nbd_close (h);
}

CASE (a_refusal_forgets)
{
  struct record done = { 0 };
  struct nbd_handle *h = negotiate_by
    ("read-option INFO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply INFO u16:3 u32:512 u32:4096 u32:1048576\n"
     "option-reply INFO u16:1 \"disk\"\n"
     "option-reply ACK\n"
     "read-option INFO\n"
     /* Said, and taken back. */
     "option-reply INFO u16:0 u64:512 u16:1\n"
     "option-reply INFO u16:2 \"description\"\n"
     "option-reply UNKNOWN \"gone\"\n"
     "read-option INFO\n"
     "option-reply INFO u16:0 u64:2048 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  check_string (nbd_get_canonical_export_name (h), "disk");
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  CHECK (strstr (nbd_get_error (), "gone") != NULL);
  check_forgotten (h);
  CHECK_EQ (nbd_aio_opt_info (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (done.error, 0);
  CHECK_EQ (nbd_get_size (h), 2048);
  CHECK_NULL (nbd_get_canonical_export_name (h), ENOTSUP);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 0);
  nbd_close (h);
  check_script ();
}

/* What INFO said need not be what GO says. */
CASE (go_has_the_last_word)
{
  struct nbd_handle *h = negotiate_by
    ("read-option INFO\n"
     "option-reply INFO u16:0 u64:1048576 u16:3\n"
     "option-reply INFO u16:3 u32:512 u32:4096 u32:1048576\n"
     "option-reply INFO u16:2 \"description\"\n"
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:2048 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 2048);
  CHECK_EQ (nbd_is_read_only (h), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 0);
  CHECK_NULL (nbd_get_export_description (h), ENOTSUP);
  nbd_close (h);
  check_script ();
}

/* ---- What is asked ---- */

CASE (what_the_client_says)
{
  static const char *const answer =
    "option-reply INFO u16:0 u64:1048576 u16:1\noption-reply ACK\n";
  struct nbd_handle *h = negotiate_by
    (text ("expect IHAVEOPT u32:6 u32:8 u32:0 u16:1 u16:3\n"
           "send OPTREPLY u32:6 u32:3 u32:12 u16:0 u64:512 u16:1\n"
           "send OPTREPLY u32:6 u32:1 u32:0\n"
           "read-option INFO\n%s"
           "expect IHAVEOPT u32:6 u32:14 u32:4 \"disk\" u16:2 u16:1 u16:2\n"
           "send OPTREPLY u32:6 u32:3 u32:12 u16:0 u64:512 u16:1\n"
           "send OPTREPLY u32:6 u32:1 u32:0\n"
           "expect IHAVEOPT u32:7 u32:10 u32:4 \"disk\" u16:0\n"
           "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:512 u16:1\n"
           "send OPTREPLY u32:7 u32:1 u32:0\n"
           "wait-eof\n", answer));

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_set_full_info (h, true), 0);
  CHECK_EQ (nbd_set_request_block_size (h, false), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_set_full_info (h, false), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
  check_script ();
}

/* A server may insist on block sizes. */
CASE (block_sizes_required)
{
  struct nbd_handle *h = negotiate_by
    ("expect IHAVEOPT u32:6 u32:6 u32:0 u16:0\n"
     "send OPTREPLY u32:6 u32:0x80000008 u32:3 \"ask\"\n"
     "expect IHAVEOPT u32:6 u32:8 u32:0 u16:1 u16:3\n"
     "send OPTREPLY u32:6 u32:3 u32:12 u16:0 u64:4096 u16:1\n"
     "send OPTREPLY u32:6 u32:3 u32:14 u16:3 u32:4096 u32:4096 u32:65536\n"
     "send OPTREPLY u32:6 u32:1 u32:0\n"
     "wait-eof\n");

  CHECK_EQ (nbd_set_request_block_size (h, false), 0);
  CHECK_EQ (nbd_get_request_block_size (h), 0);
  CHECK_ERR (nbd_opt_info (h), EINVAL);
  check_forgotten (h);
  CHECK_EQ (nbd_set_request_block_size (h, true), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 4096);
  nbd_close (h);
  check_script ();
}

/* There is nothing to fall back to. */
CASE (unknown_to_the_server)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--size", "1M", "--replies", "structured", "--refuse", "INFO",
               NULL));

  CHECK_ERR (nbd_opt_info (h), ENOTSUP);
  check_forgotten (h);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

/* ---- Odd answers ---- */

static struct nbd_handle *
server_saying (const char *information)
{
  return negotiate_by (text ("read-option INFO\n%soption-reply ACK\n"
                             "wait-eof\n", information));
}

CASE (sizes)
{
  struct nbd_handle *h;

  h = server_saying ("option-reply INFO u16:0 u64:0 u16:1\n");
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 0);
  nbd_close (h);
  check_script ();

  h = server_saying ("option-reply INFO u16:0 u64:0x7fffffffffffffff u16:1\n");
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), INT64_MAX);
  nbd_close (h);
  check_script ();

  h = server_saying ("option-reply INFO u16:0 u64:0x8000000000000000 u16:3\n");
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_ERR (nbd_get_size (h), EOVERFLOW);
  CHECK_EQ (nbd_is_read_only (h), 1);
  nbd_close (h);
  check_script ();
}

CASE (no_transmission_flags)
{
  struct nbd_handle *h = server_saying
    ("option-reply INFO u16:0 u64:512 u16:0\n");

  CHECK_ERR (nbd_opt_info (h), EINVAL);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_script ();
}

CASE (strings_end_at_a_nul)
{
  struct nbd_handle *h = server_saying
    ("option-reply INFO u16:0 u64:512 u16:1\n"
     "option-reply INFO u16:1 \"disk\" 00 \"ette\"\n"
     "option-reply INFO u16:2 \n");

  CHECK_EQ (nbd_opt_info (h), 0);
  check_string (nbd_get_canonical_export_name (h), "disk");
  check_string (nbd_get_export_description (h), "");
  nbd_close (h);
  check_script ();
}

CASE (too_long_and_unknown_information_is_passed_over)
{
  struct nbd_handle *h = server_saying
    ("option-reply INFO u16:1 \"early\"\n"
     "option-reply INFO u16:1 fill:97*4097\n"
     "option-reply INFO u16:2 fill:97*9000\n"
     "option-reply INFO u16:4 zero:20\n"
     "option-reply INFO u16:0xffff zero:100000\n"
     "option-reply INFO u16:0 u64:512 u16:1\n");

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 512);
  check_string (nbd_get_canonical_export_name (h), "early");
  CHECK_NULL (nbd_get_export_description (h), ENOTSUP);
  nbd_close (h);
  check_script ();
}

CASE (later_information_replaces_earlier)
{
  struct nbd_handle *h = server_saying
    ("option-reply INFO u16:2 \"first\"\n"
     "option-reply INFO u16:3 u32:1 u32:512 u32:65536\n"
     "option-reply INFO u16:0 u64:512 u16:1\n"
     "option-reply INFO u16:0 u64:1024 u16:3\n"
     "option-reply INFO u16:3 u32:512 u32:4096 u32:65536\n"
     "option-reply INFO u16:2 \"second\"\n");

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_get_size (h), 1024);
  CHECK_EQ (nbd_is_read_only (h), 1);
  CHECK_EQ (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), 512);
  check_string (nbd_get_export_description (h), "second");
  nbd_close (h);
  check_script ();
}

CASE (malformed_information)
{
  static const struct { const char *fault, *reply; } table[] = {
    { "no type", "option-reply INFO 00\n" },
    { "nothing", "option-reply INFO\n" },
    { "short export", "option-reply INFO u16:0 u64:512\n" },
    { "long export", "option-reply INFO u16:0 u64:512 u16:1 00\n" },
    { "short block size", "option-reply INFO u16:3 u32:1 u32:512\n" },
    { "long block size",
      "option-reply INFO u16:3 u32:1 u32:512 u32:512 00\n" },
    { "list entry", "option-reply SERVER u32:0\n" },
    { "meta context", "option-reply META_CONTEXT u32:0 \"a:b\"\n" },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h = server_saying (table[i].reply);

    situation ("%s", table[i].fault);
    CHECK_ERR (nbd_opt_info (h), 0);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    nbd_close (h);
    check_script ();
  }
}

/* The server has said yes without saying to what. */
CASE (acknowledged_without_information)
{
  struct nbd_handle *h = server_saying ("");

  if (nbd_opt_info (h) == 0 || nbd_aio_is_negotiating (h))
    check_forgotten (h);
  else
    CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}
