/* nbd_opt_list: which exports a server offers. */
#include "test.h"

/* Lists the exports; they are in the log afterwards. */
static int
list (struct nbd_handle *h)
{
  struct record found = { 0 };
  int count;

  clear_log ();
  count = nbd_opt_list (h, exports (&found));
  CHECK_EQ (found.frees, 1);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  if (count != -1)
    CHECK_EQ (found.calls, count);
  return count;
}

/* The same without waiting. */
static int
aio_list (struct nbd_handle *h)
{
  struct record found = { 0 }, done = { 0 };

  clear_log ();
  CHECK_EQ (nbd_aio_opt_list (h, exports (&found), completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (found.frees, 1);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (done.error, 0);
  return found.calls;
}

/* ---- Real servers ---- */

/* nbdkit answers this only once. */

CASE (nbdkit_names)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "list_exports=echo NAMES; echo one; echo two words; echo three",
             NULL));

  CHECK_EQ (list (h), 3);
  CHECK_STR (logged (), "one() two words() three()");
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
}

CASE (nbdkit_descriptions)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "list_exports=echo INTERLEAVED; echo one; echo The first; "
             "echo two; echo; echo three; echo The 'last;'", NULL));

  CHECK_EQ (aio_list (h), 3);
  CHECK_STR (logged (), "one(The first) two() three(The last;)");
  nbd_close (h);
}

CASE (nbdkit_without_exports)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "list_exports=echo NAMES", NULL));

  CHECK_EQ (list (h), 0);
  CHECK_STR (logged (), "");
  nbd_close (h);
}

CASE (nbdkit_default_export)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "default_export=echo the default", NULL));

  CHECK_EQ (list (h), 1);
  CHECK_STR (logged (), "the default()");
  nbd_close (h);
}

/* A server that cannot list may be able to serve. */
CASE (nbdkit_failing)
{
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "list_exports=echo EIO why not >&2; exit 1", NULL));

  forget_error ();
  check_failed (__FILE__, __LINE__, "nbd_opt_list", list (h) == -1, ENOTSUP);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (many_exports)
{
  struct record found = { 0 };
  struct nbd_handle *h = negotiate_with
    (nbdkit ("eval", "get_size=echo 1M", "pread=exit 1",
             "list_exports=echo NAMES; seq 9999", NULL));

  CHECK_EQ (nbd_opt_list (h, exports (&found)), 9999);
  CHECK_EQ (found.calls, 9999);
  CHECK_EQ (found.frees, 1);
  nbd_close (h);
}

CASE (qemu)
{
  struct nbd_handle *h = negotiate_with
    (qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", "-x", "disk",
               "-D", "A fine disk", NULL));

  CHECK_EQ (list (h), 1);
  CHECK_STR (logged (), "disk(A fine disk)");
  CHECK_EQ (aio_list (h), 1);
  CHECK_STR (logged (), "disk(A fine disk)");
  nbd_close (h);
}

CASE (reference_server)
{
  struct nbd_handle *h = negotiate_with
    (nbd_server (temp_disk ("disk", 1048576),
                 text ("[second]\nexportname = %s\n"
                       "[third one]\nexportname = %s\n",
                       temp_disk ("second", 512), temp_disk ("third", 512))));

  CHECK_EQ (list (h), 3);
  CHECK_STR (logged (), "disk() second() third one()");
  CHECK_EQ (aio_list (h), 3);
  CHECK_STR (logged (), "disk() second() third one()");
  CHECK_EQ (nbd_set_export_name (h, "second"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 512);
  nbd_close (h);
}

CASE (embedded_server)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--export", "one=The first", "--export", "two",
               "--strict-exit", NULL));

  CHECK_EQ (list (h), 2);
  CHECK_STR (logged (), "one(The first) two()");
  CHECK_EQ (aio_list (h), 2);
  CHECK_STR (logged (), "one(The first) two()");
  nbd_close (h);
}

CASE (a_byte_at_a_time)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--export", "one=The first", "--export", "two", "--drip", "1",
               NULL));

  CHECK_EQ (list (h), 2);
  CHECK_STR (logged (), "one(The first) two()");
  CHECK_EQ (aio_list (h), 2);
  CHECK_STR (logged (), "one(The first) two()");
  nbd_close (h);
}

/* ---- What lists do not change ---- */

CASE (listing_forgets_nothing)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--size", "1M", "--export", "disk", NULL));

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (list (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
}

CASE (what_the_callback_returns_does_not_matter)
{
  struct record found = { .result = -1 };
  struct nbd_handle *h = negotiate_with
    (embedded ("--export", "one", "--export", "two", NULL));

  CHECK_EQ (nbd_opt_list (h, exports (&found)), 2);
  found.result = 1;
  CHECK_EQ (nbd_opt_list (h, exports (&found)), 2);
  CHECK_EQ (found.calls, 4);
  nbd_close (h);
}

CASE (forbidden)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--refuse", "LIST=POLICY:none of your business", NULL));

  forget_error ();
  check_failed (__FILE__, __LINE__, "nbd_opt_list", list (h) == -1, ENOTSUP);
  CHECK (strstr (nbd_get_error (), "none of your business") != NULL);
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
}

/* ---- Scripted answers ---- */

/* A server answering like this. */
static struct nbd_handle *
server_answering (const char *replies)
{
  return negotiate_by (text ("expect IHAVEOPT u32:3 u32:0\n%s", replies));
}

CASE (refused_half_way)
{
  struct record found = { 0 };
  struct nbd_handle *h = server_answering
    ("send OPTREPLY u32:3 u32:2 u32:5 u32:1 \"a\"\n"
     "send OPTREPLY u32:3 u32:0x80000007 u32:4 \"late\"\n"
     "wait-eof\n");

  clear_log ();
  CHECK_ERR (nbd_opt_list (h, exports (&found)), ENOTSUP);
  CHECK_STR (logged (), "a()");
  CHECK_EQ (found.frees, 1);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  nbd_close (h);
  check_script ();
}

CASE (odd_names)
{
  struct record found = { 0 };
  struct nbd_handle *h = server_answering
    (/* The default export. */
     "send OPTREPLY u32:3 u32:2 u32:4 u32:0\n"
     /* A NUL ends a string. */
     "send OPTREPLY u32:3 u32:2 u32:11 u32:3 \"a\" 00 \"bc\" 00 \"de\"\n"
     /* Not UTF-8. */
     "send OPTREPLY u32:3 u32:2 u32:7 u32:2 ff fe 80\n"
     "send OPTREPLY u32:3 u32:1 u32:0\n"
     "wait-eof\n");

  clear_log ();
  CHECK_EQ (nbd_opt_list (h, exports (&found)), 3);
  CHECK_STR (logged (), "() a(c) \xff\xfe(\x80)");
  nbd_close (h);
  check_script ();
}

static size_t name_length, description_length;

static int
measure (void *data, const char *name, const char *description)
{
  (void) data;
  name_length = strlen (name);
  description_length = strlen (description);
  return 0;
}

CASE (longest_strings)
{
  const nbd_list_callback callback = { .callback = measure };
  struct nbd_handle *h = server_answering
    ("send OPTREPLY u32:3 u32:2 u32:8196 u32:4096 fill:97*4096 fill:98*4096\n"
     "send OPTREPLY u32:3 u32:1 u32:0\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_list (h, callback), 1);
  CHECK_EQ (name_length, 4096);
  CHECK_EQ (description_length, 4096);
  nbd_close (h);
  check_script ();
}

/* No two strings are that long, whatever it is.  The count is that of the calls,
 * as with the C library. */
CASE (too_long_an_entry_is_passed_over)
{
  struct record found = { 0 };
  struct nbd_handle *h = server_answering
    ("send OPTREPLY u32:3 u32:2 u32:8197 u32:4096 zero:8193\n"
     "send OPTREPLY u32:3 u32:2 u32:100000 zero:100000\n"
     "send OPTREPLY u32:3 u32:2 u32:5 u32:1 \"a\"\n"
     "send OPTREPLY u32:3 u32:1 u32:0\n"
     "wait-eof\n");

  clear_log ();
  CHECK_EQ (nbd_opt_list (h, exports (&found)), 1);
  CHECK_STR (logged (), "a()");
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  nbd_close (h);
  check_script ();
}

CASE (malformed_entries)
{
  static const struct { const char *fault, *reply; } table[] = {
    { "no length", "send OPTREPLY u32:3 u32:2 u32:3 zero:3\n" },
    { "nothing at all", "send OPTREPLY u32:3 u32:2 u32:0\n" },
    { "name longer than the entry",
      "send OPTREPLY u32:3 u32:2 u32:5 u32:2 \"a\"\n" },
    { "name of 4 GiB",
      "send OPTREPLY u32:3 u32:2 u32:5 u32:0xffffffff \"a\"\n" },
    { "name over 4096 bytes",
      "send OPTREPLY u32:3 u32:2 u32:4101 u32:4097 zero:4097\n" },
    { "description over 4096 bytes",
      "send OPTREPLY u32:3 u32:2 u32:4101 u32:0 zero:4097\n" },
    { "information instead of an entry",
      "send OPTREPLY u32:3 u32:3 u32:2 u16:9\n" },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct record found = { 0 }, done = { 0 };
    struct nbd_handle *h = server_answering (text ("%swait-eof\n",
                                                   table[i].reply));

    situation ("%s", table[i].fault);
    CHECK_EQ (nbd_aio_opt_list (h, exports (&found), completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_EQ (found.calls, 0);
    CHECK_EQ (found.frees, 1);
    CHECK_EQ (done.calls, 1);
    CHECK_EQ (done.error, ENOTCONN);
    CHECK_EQ (done.frees, 1);
    nbd_close (h);
    check_script ();
  }
}
