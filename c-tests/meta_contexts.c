/* Meta contexts: the list of those that the program wants, and the set of those
 * that the server grants.  They are two things, and the second is not always
 * valid. */
/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

#define BASE LIBNBD_CONTEXT_BASE_ALLOCATION

/* ---- Asking ---- */

typedef char *queries[8];

/* A list or a selection.  What the server names is in the log afterwards. */
static int
ask (struct nbd_handle *h, char **queries,
     int (*f) (struct nbd_handle *, char **, nbd_context_callback))
{
  struct record found = { 0 };
  int count;

  clear_log ();
  forget_error ();
  count = f (h, queries, contexts (&found));
  CHECK_EQ (found.frees, 1);
  if (count >= 0)
    CHECK_EQ (found.calls, count);
  return count;
}

static int
list (struct nbd_handle *h, queries queries)
{
  return ask (h, queries, nbd_opt_list_meta_context_queries);
}

static int
set (struct nbd_handle *h, queries queries)
{
  return ask (h, queries, nbd_opt_set_meta_context_queries);
}

static int
list_wanted_by_handle (struct nbd_handle *h, char **queries,
                       nbd_context_callback found)
{
  (void) queries;
  return nbd_opt_list_meta_context (h, found);
}

static int
set_wanted_by_handle (struct nbd_handle *h, char **queries,
                      nbd_context_callback found)
{
  (void) queries;
  return nbd_opt_set_meta_context (h, found);
}

static int
list_wanted (struct nbd_handle *h)
{
  return ask (h, NULL, list_wanted_by_handle);
}

static int
set_wanted (struct nbd_handle *h)
{
  return ask (h, NULL, set_wanted_by_handle);
}

#define CHECK_UNSUPPORTED(call, function)                                 \
  check_failed (__FILE__, __LINE__, function, (call) == -1, ENOTSUP)

static struct nbd_handle *
offering_three (void)
{
  return negotiate_with
    (embedded ("--size", "1M", "--export", "disk", "--export", "other",
               "--context", "base:allocation", "--context", "x-a:one=64K:1",
               "--context", "x-a:two=1M:0", NULL));
}

/* ---- The list of the handle ---- */

CASE (list_of_the_handle)
{
  struct nbd_handle *h = offering_three ();
  char name[4098];
  char *got;

  CHECK_EQ (nbd_get_nr_meta_contexts (h), 0);
  CHECK_NULL (nbd_get_meta_context (h, 0), EINVAL);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 3);
  got = nbd_get_meta_context (h, 2);
  CHECK_STR (got, BASE);
  free (got);
  CHECK_NULL (nbd_get_meta_context (h, 3), EINVAL);
  CHECK_NULL (nbd_get_meta_context (h, SIZE_MAX), EINVAL);
  memset (name, 'x', sizeof name - 1);
  name[4097] = '\0';
  CHECK_ERR (nbd_add_meta_context (h, name), ENAMETOOLONG);
  name[4096] = '\0';
  CHECK_EQ (nbd_add_meta_context (h, name), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 4);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  /* Later it can only be read. */
  CHECK_ERR (nbd_add_meta_context (h, BASE), EINVAL);
  CHECK_ERR (nbd_clear_meta_contexts (h), EINVAL);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 1);
  nbd_close (h);
}

/* ---- Which contexts there are ---- */

CASE (listing_what_the_handle_wants)
{
  struct nbd_handle *h = offering_three ();

  /* To want nothing is to ask for everything. */
  CHECK_EQ (list_wanted (h), 3);
  CHECK_STR (logged (), "base:allocation x-a:one x-a:two");
  CHECK_EQ (nbd_add_meta_context (h, "x-a:"), 0);
  CHECK_EQ (list_wanted (h), 2);
  CHECK_STR (logged (), "x-a:one x-a:two");
  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (list_wanted (h), 3);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-b:unknown"), 0);
  CHECK_EQ (list_wanted (h), 0);
  CHECK_STR (logged (), "");
  nbd_close (h);
}

CASE (listing_by_query)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, "x-b:unknown"), 0);
  CHECK_EQ (list (h, (queries) { "base:" }), 1);
  CHECK_STR (logged (), "base:allocation");
  CHECK_EQ (list (h, (queries) { "x-a:two", "nobody:", BASE }), 2);
  CHECK_EQ (list (h, (queries) { NULL }), 3);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 1);
  nbd_close (h);
}

CASE (no_list_of_queries)
{
  struct nbd_handle *h = offering_three ();
  struct record found = { 0 }, done = { 0 };

  CHECK_ERR (nbd_opt_list_meta_context_queries (h, NULL, contexts (&found)),
             EFAULT);
  CHECK_EQ (found.frees, 1);
  CHECK_ERR (nbd_opt_set_meta_context_queries (h, NULL, contexts (&found)),
             EFAULT);
  CHECK_EQ (found.frees, 2);
  CHECK_ERR (nbd_aio_opt_list_meta_context_queries (h, NULL, contexts (&found),
                                                    completion (&done)),
             EFAULT);
  CHECK_ERR (nbd_aio_opt_set_meta_context_queries (h, NULL, contexts (&found),
                                                   completion (&done)),
             EFAULT);
  CHECK_EQ (found.frees, 4);
  CHECK_EQ (done.frees, 2);
  CHECK_EQ (done.calls, 0);
  nbd_close (h);
}

CASE (what_the_callback_returns_does_not_matter)
{
  struct record found = { .result = -1 };
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_opt_list_meta_context (h, contexts (&found)), 3);
  CHECK_EQ (nbd_opt_set_meta_context_queries
            (h, (queries) { "x-a:one", "x-a:two" }, contexts (&found)), 2);
  CHECK_EQ (found.calls, 5);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 1);
  nbd_close (h);
}

static char *
bitmap_image (void)
{
  char *image = temp_path ("disk.qcow2");

  run_command ("qemu-img create -q -f qcow2 %s 1M", image);
  run_command ("qemu-img bitmap --add %s one", image);
  run_command ("qemu-img bitmap --add %s two", image);
  return image;
}

CASE (qemu)
{
  struct nbd_handle *h = negotiate_with
    (qemu_nbd (bitmap_image (), "-f", "qcow2", "-B", "one", "-B", "two", "-A",
               NULL));

  CHECK_EQ (list (h, (queries) { NULL }), 4);
  CHECK (strstr (logged (), "base:allocation") != NULL);
  CHECK (strstr (logged (), "qemu:allocation-depth") != NULL);
  CHECK (strstr (logged (), "qemu:dirty-bitmap:one") != NULL);
  CHECK (strstr (logged (), "qemu:dirty-bitmap:two") != NULL);
  CHECK_EQ (list (h, (queries) { "qemu:dirty-bitmap:" }), 2);
  CHECK_EQ (list (h, (queries) { "qemu:" }), 3);
  CHECK_EQ (set (h, (queries) { "qemu:dirty-bitmap:two", BASE,
                                "qemu:dirty-bitmap:three" }), 2);
  CHECK_EQ (nbd_can_meta_context (h, "qemu:dirty-bitmap:two"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "qemu:dirty-bitmap:one"), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_opt_abort (h), 0);
  nbd_close (h);
}

CASE (nbdkit_offers_allocation)
{
  struct nbd_handle *h = negotiate_with (nbdkit ("memory", "1M", NULL));

  CHECK_EQ (list (h, (queries) { NULL }), 1);
  CHECK_STR (logged (), "base:allocation");
  CHECK_EQ (list (h, (queries) { "base:" }), 1);
  CHECK_EQ (list (h, (queries) { "other:" }), 0);
  CHECK_EQ (set (h, (queries) { "base:allocation" }), 1);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
}

CASE (a_server_without_contexts)
{
  struct nbd_handle *h = negotiate_with (embedded ("--no-contexts", NULL));

  CHECK_EQ (list (h, (queries) { NULL }), 0);
  CHECK_EQ (set (h, (queries) { BASE }), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  nbd_close (h);
}

/* ---- On the wire ---- */

CASE (what_the_client_says)
{
  struct nbd_handle *h = negotiate_by
    ("expect IHAVEOPT u32:9 u32:8 u32:0 u32:0\n"
     "send OPTREPLY u32:9 u32:1 u32:0\n"
     "expect IHAVEOPT u32:9 u32:25 u32:4 \"disk\" u32:2 u32:5 \"base:\""
     " u32:0\n"
     "send OPTREPLY u32:9 u32:4 u32:7 u32:77 \"a:b\"\n"
     "send OPTREPLY u32:9 u32:1 u32:0\n"
     "expect IHAVEOPT u32:10 u32:12 u32:4 \"disk\" u32:0\n"
     "send OPTREPLY u32:10 u32:1 u32:0\n"
     "expect IHAVEOPT u32:10 u32:19 u32:4 \"disk\" u32:1 u32:3 \"x:y\"\n"
     "send OPTREPLY u32:10 u32:4 u32:7 u32:77 \"x:y\"\n"
     "send OPTREPLY u32:10 u32:1 u32:0\n"
     "wait-eof\n");

  /* Whether structured replies are needed, the server decides. */
  CHECK_EQ (list_wanted (h), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (list (h, (queries) { "base:", "" }), 1);
  CHECK_STR (logged (), "a:b");
  CHECK_EQ (set (h, (queries) { NULL }), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (set_wanted (h), 1);
  CHECK_STR (logged (), "x:y");
  nbd_close (h);
  check_script ();
}

/* Both forms without waiting. */
CASE (asking_without_waiting)
{
  struct nbd_handle *h = offering_three ();
  struct record found = { .name = "found" }, done = { .name = "done" };

  CHECK_EQ (nbd_add_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (nbd_aio_opt_list_meta_context (h, contexts (&found),
                                           completion (&done)), 0);
  finish_option (h);
  CHECK_STR (logged (), "x-a:two done free-found free-done");
  clear_log ();
  CHECK_EQ (nbd_aio_opt_list_meta_context_queries
            (h, (queries) { "x-a:" }, contexts (&found), completion (&done)),
            0);
  finish_option (h);
  CHECK_STR (logged (), "x-a:one x-a:two done free-found free-done");
  clear_log ();
  CHECK_EQ (nbd_aio_opt_set_meta_context (h, contexts (&found),
                                          completion (&done)), 0);
  finish_option (h);
  CHECK_STR (logged (), "x-a:two done free-found free-done");
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 1);
  clear_log ();
  {
    /* The list of queries is needed no longer than the call takes. */
    char *query = strdup ("x-a:one");
    char **list = calloc (2, sizeof *list);

    CHECK (query != NULL && list != NULL);
    list[0] = query;
    CHECK_EQ (nbd_aio_opt_set_meta_context_queries
              (h, list, contexts (&found), completion (&done)), 0);
    memset (query, '!', 7);
    free (query);
    free (list);
  }
  finish_option (h);
  CHECK_STR (logged (), "x-a:one done free-found free-done");
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (done.error, 0);
  nbd_close (h);
}

static size_t longest;

static int
measure (void *data, const char *name)
{
  (void) data;
  longest = strlen (name);
  return 0;
}

CASE (odd_names)
{
  const nbd_context_callback callback = { .callback = measure };
  struct nbd_handle *h = negotiate_by
    ("read-option LIST_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:0 fill:97*4096\n"
     "option-reply ACK\n"
     "read-option LIST_META_CONTEXT\n"
     /* The numbers have no meaning, and need not differ. */
     "option-reply META_CONTEXT u32:5 \"a:b\" 00 \"c\"\n"
     "option-reply META_CONTEXT u32:5 \"no colon\"\n"
     "option-reply META_CONTEXT u32:5 \"a:\" ff\n"
     "option-reply ACK\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_list_meta_context (h, callback), 1);
  CHECK_EQ (longest, 4096);
  CHECK_EQ (list_wanted (h), 3);
  CHECK_STR (logged (), "a:b no colon a:\xff");
  nbd_close (h);
  check_script ();
}

CASE (malformed_answers)
{
  static const struct { const char *fault, *reply; } table[] = {
    { "nothing", "META_CONTEXT" },
    { "half a number", "META_CONTEXT 00 00" },
    { "no name", "META_CONTEXT u32:1" },
    { "name over 4096 bytes", "META_CONTEXT u32:1 fill:97*4097" },
    { "much too long", "META_CONTEXT u32:1 zero:10000" },
    { "information", "INFO u16:0 u64:512 u16:1" },
    { "an export", "SERVER u32:0" },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
    for (int selecting = 0; selecting < 2; ++selecting) {
      struct nbd_handle *h = negotiate_by
        (text ("read-option\noption-reply %s\nwait-eof\n", table[i].reply));

      situation ("%s, selecting %d", table[i].fault, selecting);
      check_failed (__FILE__, __LINE__,
                    selecting ? "nbd_opt_set_meta_context_queries"
                    : "nbd_opt_list_meta_context_queries",
                    (selecting ? set : list) (h, (queries) { BASE }) == -1, 0);
      CHECK_STR (logged (), "");
      CHECK_EQ (nbd_aio_is_dead (h), 1);
      nbd_close (h);
      check_script ();
    }
}

CASE (list_refused_half_way)
{
  struct nbd_handle *h = negotiate_by
    ("read-option LIST_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:0 \"a:b\"\n"
     "option-reply TOO_BIG \"that's all\"\n"
     "wait-eof\n");

  CHECK_UNSUPPORTED (list_wanted (h), "nbd_opt_list_meta_context");
  CHECK (strstr (nbd_get_error (), "that's all") != NULL);
  CHECK_STR (logged (), "a:b");
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  nbd_close (h);
  check_script ();
}

/* ---- When the set is valid ---- */

CASE (nothing_wanted_nothing_granted)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  nbd_close (h);
}

CASE (unknown_until_info)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-b:unknown"), 0);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-b:unknown"), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 0);
  /* Names are compared as they are. */
  CHECK_EQ (nbd_can_meta_context (h, "base:"), 0);
  CHECK_EQ (nbd_can_meta_context (h, "Base:Allocation"), 0);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation "), 0);
  CHECK_EQ (nbd_can_meta_context (h, ""), 0);
  CHECK_ERR (nbd_can_meta_context (h, NULL), EFAULT);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  nbd_close (h);
}

CASE (go_alone_asks_too)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 1);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  nbd_close (h);
}

CASE (another_name_ends_it)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_set_export_name (h, "other"), 0);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  nbd_close (h);
}

CASE (a_refusal_ends_it)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_set_export_name (h, "no such export"), 0);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  CHECK_ERR (nbd_opt_go (h), ENOENT);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  nbd_close (h);
}

/* Even a selection that the caller made stays only if the export does. */
CASE (a_refusal_ends_an_explicit_set)
{
  struct nbd_handle *h = negotiate_by
    ("read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:1 \"x:y\"\n"
     "option-reply ACK\n"
     "read-option INFO\n"
     "option-reply UNKNOWN\n"
     "wait-eof\n");

  CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (set_wanted (h), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:y"), 1);
  CHECK_ERR (nbd_opt_info (h), ENOENT);
  CHECK_ERR (nbd_can_meta_context (h, "x:y"), EINVAL);
  nbd_close (h);
  check_script ();
}

CASE (lists_are_independent)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_clear_meta_contexts (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 0);
  /* Nor does listing change the set. */
  CHECK_EQ (list_wanted (h), 1);
  CHECK_EQ (list (h, (queries) { NULL }), 3);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 1);
  nbd_close (h);
}

CASE (explicit_sets)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (set (h, (queries) { BASE, "x-a:one", "x-b:unknown" }), 2);
  CHECK_STR (logged (), "base:allocation x-a:one");
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-b:unknown"), 0);
  CHECK_EQ (nbd_get_nr_meta_contexts (h), 0);
  /* Each replaces the one before. */
  CHECK_EQ (set (h, (queries) { "x-a:two" }), 1);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 1);
  /* An empty one selects nothing, and that is certain. */
  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_EQ (set (h, (queries) { NULL }), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  CHECK_EQ (set_wanted (h), 1);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 1);
  nbd_close (h);
}

/* The program has selected, and wants that to stay. */
CASE (explicit_set_in_force)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  CHECK_EQ (nbd_get_request_meta_context (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_opt_info (h), 0);
  /* Nobody has asked. */
  CHECK_ERR (nbd_can_meta_context (h, "x-a:one"), EINVAL);
  CHECK_EQ (set (h, (queries) { "x-a:two" }), 1);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 0);
  nbd_close (h);
}

CASE (not_asked_and_not_selected)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_ERR (nbd_can_meta_context (h, "x-a:one"), EINVAL);
  nbd_close (h);
}

/* Otherwise the list of the handle is asked for again, even if it is empty. */
CASE (explicit_set_replaced)
{
  struct nbd_handle *h = offering_three ();

  CHECK_EQ (set (h, (queries) { "x-a:two" }), 1);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (set (h, (queries) { "x-a:two" }), 1);
  CHECK_EQ (nbd_add_meta_context (h, "x-a:one"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:two"), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x-a:one"), 1);
  nbd_close (h);
}

CASE (explicit_set_refused)
{
  struct nbd_handle *h = negotiate_by
    ("read-option STRUCTURED_REPLY\n"
     "option-reply ACK\n"
     "read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:1 \"x:y\"\n"
     "option-reply ACK\n"
     "read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:1 \"x:y\"\n"
     "option-reply POLICY \"no more\"\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply ACK\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_structured_reply (h), 1);
  CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (set_wanted (h), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:y"), 1);
  CHECK_UNSUPPORTED (set_wanted (h), "nbd_opt_set_meta_context");
  CHECK (strstr (nbd_get_error (), "no more") != NULL);
  /* Neither the old set nor what came of the new one. */
  CHECK_ERR (nbd_can_meta_context (h, "x:y"), EINVAL);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_ERR (nbd_can_meta_context (h, "x:y"), EINVAL);
  CHECK_ERR (nbd_block_status_64 (h, 512, 0, (nbd_extent64_callback) {
        .user_data = &(struct record) { 0 }, .free = record_free }, 0),
    ENOTSUP);
  nbd_close (h);
  check_script ();
}

/* Without structured replies there can be no contexts. */
CASE (explicit_set_without_structured_replies)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--replies", "simple", NULL));

  CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
  CHECK_UNSUPPORTED (set_wanted (h), "nbd_opt_set_meta_context");
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
  nbd_close (h);
}

CASE (servers_without_structured_replies)
{
  const char *servers[] = {
    nbdkit ("--no-sr", "memory", "1M", NULL),
    nbdkit ("-o", "memory", "1M", NULL),
    nbdkit ("--mask-handshake=0", "memory", "1M", NULL),
  };

  for (size_t i = 0; i < sizeof servers / sizeof servers[0]; ++i) {
    struct nbd_handle *h = create ();

    situation ("server %zu", i);
    CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
    CHECK_EQ (nbd_connect_unix (h, servers[i]), 0);
    CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
    nbd_close (h);
  }
}

/* The client asks by itself; the server refuses.  That is known for certain
 * only if nothing was granted before. */
CASE (automatic_set_refused)
{
  for (int granted = 0; granted < 2; ++granted)
    for (int opt_mode = 0; opt_mode < 2; ++opt_mode) {
      struct nbd_handle *h = create ();
      const char *server = scripted
        (text ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
               "read-option EXTENDED_HEADERS\noption-reply ACK\n"
               "expect IHAVEOPT u32:10 u32:27 u32:0 u32:1 u32:15"
               " \"base:allocation\"\n"
               "%s"
               "send OPTREPLY u32:10 u32:0x80000002 u32:4 \"nope\"\n"
               "read-option GO\n"
               "option-reply INFO u16:0 u64:1048576 u16:1\n"
               "option-reply ACK\nwait-eof\n",
               granted ? "send OPTREPLY u32:10 u32:4 u32:19 u32:1"
               " \"base:allocation\"\n" : ""), NULL);

      situation ("granted %d, option mode %d", granted, opt_mode);
      CHECK_EQ (nbd_set_opt_mode (h, opt_mode), 0);
      CHECK_EQ (nbd_add_meta_context (h, BASE), 0);
      CHECK_EQ (nbd_connect_unix (h, server), 0);
      if (opt_mode)
        CHECK_EQ (nbd_opt_go (h), 0);
      CHECK_EQ (nbd_aio_is_ready (h), 1);
      if (granted)
        CHECK_ERR (nbd_can_meta_context (h, BASE), EINVAL);
      else
        CHECK_EQ (nbd_can_meta_context (h, BASE), 0);
      nbd_close (h);
      check_script ();
    }
}

/* The server grants what it likes. */
CASE (other_contexts_than_wanted)
{
  struct nbd_handle *h = negotiate_by
    ("read-option SET_META_CONTEXT\n"
     "option-reply META_CONTEXT u32:1 \"x:more\"\n"
     "option-reply META_CONTEXT u32:2 \"x:and more\"\n"
     "option-reply ACK\n"
     "wait-eof\n");

  CHECK_EQ (set (h, (queries) { "x:" }), 2);
  CHECK_EQ (nbd_can_meta_context (h, "x:more"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:and more"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:"), 0);
  nbd_close (h);
  check_script ();
}

/* Nothing is asked where nothing is wanted, and the export asked about is the
 * one that is opened. */
CASE (automatic_request)
{
  struct nbd_handle *h = negotiate_by
    ("read-option STRUCTURED_REPLY\noption-reply ACK\n"
     "read-option INFO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\noption-reply ACK\n"
     "expect IHAVEOPT u32:10 u32:26 u32:4 \"disk\" u32:2 u32:3 \"x:y\""
     " u32:3 \"x:y\"\n"
     "send OPTREPLY u32:10 u32:4 u32:7 u32:1 \"x:y\"\n"
     "send OPTREPLY u32:10 u32:1 u32:0\n"
     "expect IHAVEOPT u32:7 u32:12 u32:4 \"disk\" u16:1 u16:3\n"
     "send OPTREPLY u32:7 u32:3 u32:12 u16:0 u64:512 u16:1\n"
     "send OPTREPLY u32:7 u32:1 u32:0\n"
     "wait-eof\n");

  CHECK_EQ (nbd_opt_structured_reply (h), 1);
  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (nbd_add_meta_context (h, "x:y"), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x:y"), 1);
  nbd_close (h);
  check_script ();
}

/* ---- Many and long ---- */

static int
count_context (void *data, const char *name)
{
  (void) name;
  ++*(int *) data;
  return 0;
}

static int
log_extents (void *data, const char *context, uint64_t offset,
             nbd_extent *entries, size_t nr_entries, int *error)
{
  (void) data;
  (void) offset;
  (void) error;
  CHECK_EQ (nr_entries, 1);
  log_word ("%s/%" PRIu64, context, entries[0].flags);
  return 0;
}

/* Connects, in option mode, to a server that grants so many contexts, x:0 with
 * the highest number, and goes on like this. */
static struct nbd_handle *
granting (int count, const char *rest)
{
  struct nbd_handle *h = create ();
  char *script;
  size_t length;
  FILE *fp = open_memstream (&script, &length);

  CHECK (fp != NULL);
  fputs ("send NBDMAGIC IHAVEOPT u16:3\nread 4\n"
         "read-option STRUCTURED_REPLY\noption-reply ACK\n"
         "read-option SET_META_CONTEXT\n", fp);
  for (int i = 0; i < count; ++i)
    fprintf (fp, "option-reply META_CONTEXT u32:%d \"x:%d\"\n", count - i, i);
  fputs (rest, fp);
  CHECK_EQ (fclose (fp), 0);
  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_set_request_extended_headers (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, scripted (script, "--size", "1M", NULL)), 0);
  free (script);
  return h;
}

CASE (many_contexts)
{
  const int count = 10000;
  int granted = 0;
  struct nbd_handle *h = granting
    (count,
     "option-reply ACK\n"
     "read-option GO\n"
     "option-reply INFO u16:0 u64:1048576 u16:1\n"
     "option-reply ACK\n"
     "read-request BLOCK_STATUS\n"
     "chunk 0 BLOCK_STATUS u32:1 u32:512 u32:11\n"
     "chunk 0 BLOCK_STATUS u32:10000 u32:512 u32:12\n"
     "chunk 0 BLOCK_STATUS u32:5000 u32:512 u32:13\n"
     "chunk 0 BLOCK_STATUS u32:5000 u32:512 u32:14\n"
     "chunk 0 BLOCK_STATUS u32:10001 u32:512 u32:15\n"
     "chunk DONE BLOCK_STATUS u32:4999 u32:512 u32:16\n"
     "serve structured\n");

  CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  CHECK_EQ (nbd_opt_set_meta_context_queries
            (h, (queries) { "x:" }, (nbd_context_callback) {
              count_context, &granted, NULL }), count);
  CHECK_EQ (granted, count);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "x:9999"), 1);
  CHECK_EQ (nbd_can_meta_context (h, "x:10000"), 0);
  CHECK_EQ (nbd_block_status_64 (h, 512, 0, (nbd_extent64_callback) {
        log_extents, NULL, NULL }, 0), 0);
  CHECK_STR (logged (), "x:9999/11 x:0/12 x:5000/13 x:5001/16");
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  check_script ();
}

/* The limit that the manual names. */
CASE (too_many_contexts)
{
  for (int count = 65536; count <= 65537; ++count) {
    int granted = 0;
    struct nbd_handle *h = granting (count, "option-reply ACK\nwait-eof\n");
    const nbd_context_callback callback = { count_context, &granted, NULL };
    char *all[] = { "x:", NULL };

    situation ("%d", count);
    if (count == 65536)
      CHECK_EQ (nbd_opt_set_meta_context_queries (h, all, callback), count);
    else {
      CHECK_ERR (nbd_opt_set_meta_context_queries (h, all, callback),
                 EOVERFLOW);
      CHECK (strstr (nbd_get_error (), "65536") != NULL);
      CHECK_EQ (nbd_aio_is_dead (h), 1);
    }
    CHECK_EQ (granted, 65536);
    nbd_close (h);
    check_script ();
  }
}

/* 64 MB, which leave in as many portions as the socket likes. */
CASE (long_queries)
{
  enum { COUNT = 16000, LENGTH = 8 + COUNT * 4100 };
  char **queries = calloc (COUNT + 1, sizeof *queries);
  char *query = malloc (4097);
  struct record granted = { 0 };
  struct nbd_handle *h = negotiate_by
    (text ("expect IHAVEOPT u32:10 u32:%d u32:0 u32:%d\n"
           "read %d\n"
           "send OPTREPLY u32:10 u32:4 u32:7 u32:1 \"x:y\"\n"
           "send OPTREPLY u32:10 u32:1 u32:0\n"
           "expect IHAVEOPT u32:2 u32:0\nexpect-eof\n",
           LENGTH, COUNT, LENGTH - 8));

  CHECK (queries != NULL && query != NULL);
  memset (query, 'q', 4096);
  query[4096] = '\0';
  for (int i = 0; i < COUNT; ++i)
    queries[i] = query;
  CHECK_EQ (nbd_opt_set_meta_context_queries (h, queries,
                                              contexts (&granted)), 1);
  CHECK_EQ (nbd_opt_abort (h), 0);
  nbd_close (h);
  check_script ();
  free (query);
  free (queries);
}
