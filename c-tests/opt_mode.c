/* Option mode: the handshake waits for the program, which sends one option
 * after another. */
#include "test.h"

/* ---- Every option in one table ---- */

enum option {
  GO, INFO, LIST, LIST_CONTEXTS, LIST_QUERIES, SET_CONTEXTS, SET_QUERIES,
  STRUCTURED_REPLY, EXTENDED_HEADERS, STARTTLS, OPTIONS
};

static const struct {
  const char *number, *sync, *aio;
} options[OPTIONS] = {
  { "GO", "nbd_opt_go", "nbd_aio_opt_go" },
  { "INFO", "nbd_opt_info", "nbd_aio_opt_info" },
  { "LIST", "nbd_opt_list", "nbd_aio_opt_list" },
  { "LIST_META_CONTEXT", "nbd_opt_list_meta_context",
    "nbd_aio_opt_list_meta_context" },
  { "LIST_META_CONTEXT", "nbd_opt_list_meta_context_queries",
    "nbd_aio_opt_list_meta_context_queries" },
  { "SET_META_CONTEXT", "nbd_opt_set_meta_context",
    "nbd_aio_opt_set_meta_context" },
  { "SET_META_CONTEXT", "nbd_opt_set_meta_context_queries",
    "nbd_aio_opt_set_meta_context_queries" },
  { "STRUCTURED_REPLY", "nbd_opt_structured_reply",
    "nbd_aio_opt_structured_reply" },
  { "EXTENDED_HEADERS", "nbd_opt_extended_headers",
    "nbd_aio_opt_extended_headers" },
  { "STARTTLS", "nbd_opt_starttls", "nbd_aio_opt_starttls" },
};

static char *queries[] = { (char *) "base:allocation", NULL };

static bool
has_results (enum option option)
{
  return option >= LIST && option <= SET_QUERIES;
}

static int
call (struct nbd_handle *h, enum option option, struct record *found)
{
  switch (option) {
  case GO: return nbd_opt_go (h);
  case INFO: return nbd_opt_info (h);
  case LIST: return nbd_opt_list (h, exports (found));
  case LIST_CONTEXTS: return nbd_opt_list_meta_context (h, contexts (found));
  case LIST_QUERIES:
    return nbd_opt_list_meta_context_queries (h, queries, contexts (found));
  case SET_CONTEXTS: return nbd_opt_set_meta_context (h, contexts (found));
  case SET_QUERIES:
    return nbd_opt_set_meta_context_queries (h, queries, contexts (found));
  case STRUCTURED_REPLY: return nbd_opt_structured_reply (h);
  case EXTENDED_HEADERS: return nbd_opt_extended_headers (h);
  case STARTTLS: return nbd_opt_starttls (h);
  case OPTIONS: break;
  }
  return 0;
}

static int
aio_call (struct nbd_handle *h, enum option option, struct record *found,
          nbd_completion_callback c)
{
  switch (option) {
  case GO: return nbd_aio_opt_go (h, c);
  case INFO: return nbd_aio_opt_info (h, c);
  case LIST: return nbd_aio_opt_list (h, exports (found), c);
  case LIST_CONTEXTS:
    return nbd_aio_opt_list_meta_context (h, contexts (found), c);
  case LIST_QUERIES:
    return nbd_aio_opt_list_meta_context_queries (h, queries,
                                                  contexts (found), c);
  case SET_CONTEXTS:
    return nbd_aio_opt_set_meta_context (h, contexts (found), c);
  case SET_QUERIES:
    return nbd_aio_opt_set_meta_context_queries (h, queries,
                                                 contexts (found), c);
  case STRUCTURED_REPLY: return nbd_aio_opt_structured_reply (h, c);
  case EXTENDED_HEADERS: return nbd_aio_opt_extended_headers (h, c);
  case STARTTLS: return nbd_aio_opt_starttls (h, c);
  case OPTIONS: break;
  }
  return 0;
}

/* Either form fails at once; the closures are freed and never called. */
static void
check_refused_at_once (struct nbd_handle *h, enum option option, int err)
{
  struct record found = { 0 }, done = { 0 };

  situation ("%s", options[option].sync);
  forget_error ();
  check_failed (__FILE__, __LINE__, options[option].sync,
                call (h, option, &found) == -1, err);
  CHECK_EQ (found.calls, 0);
  CHECK_EQ (found.frees, has_results (option));
  situation ("%s", options[option].aio);
  forget_error ();
  check_failed (__FILE__, __LINE__, options[option].aio,
                aio_call (h, option, &found, completion (&done)) == -1, err);
  CHECK_EQ (found.calls, 0);
  CHECK_EQ (found.frees, 2 * has_results (option));
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 1);
}

/* ---- The state in which the program chooses ---- */

static void
check_nothing_known_of_the_export (struct nbd_handle *h)
{
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_ERR (nbd_is_read_only (h), EINVAL);
  CHECK_ERR (nbd_is_rotational (h), EINVAL);
  CHECK_ERR (nbd_can_flush (h), EINVAL);
  CHECK_ERR (nbd_can_fua (h), EINVAL);
  CHECK_ERR (nbd_can_trim (h), EINVAL);
  CHECK_ERR (nbd_can_zero (h), EINVAL);
  CHECK_ERR (nbd_can_fast_zero (h), EINVAL);
  CHECK_ERR (nbd_can_df (h), EINVAL);
  CHECK_ERR (nbd_can_multi_conn (h), EINVAL);
  CHECK_ERR (nbd_can_cache (h), EINVAL);
  CHECK_ERR (nbd_can_block_status_payload (h), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_MINIMUM), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_PREFERRED), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_MAXIMUM), EINVAL);
  CHECK_ERR (nbd_get_block_size (h, LIBNBD_SIZE_PAYLOAD), EINVAL);
  CHECK_NULL (nbd_get_canonical_export_name (h), EINVAL);
  CHECK_NULL (nbd_get_export_description (h), EINVAL);
}

static void
check_waits_for_an_option (struct nbd_handle *h, const char *protocol)
{
  char buf[512];

  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (nbd_aio_is_connecting (h), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 0);
  CHECK (strncmp (nbd_connection_state (h), "NEGOTIATING: ", 13) == 0);
  CHECK (nbd_aio_get_fd (h) >= 0);
  CHECK_EQ (nbd_aio_get_direction (h), 0);
  CHECK_ERR (nbd_poll (h, 0), EINVAL);
  CHECK_ERR (nbd_aio_notify_read (h), EINVAL);
  CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), EINVAL);
  CHECK_ERR (nbd_aio_disconnect (h, 0), EINVAL);
  CHECK_ERR (nbd_aio_in_flight (h), EINVAL);
  CHECK_ERR (nbd_set_opt_mode (h, false), EINVAL);
  CHECK_STR (nbd_get_protocol (h), protocol);
  CHECK_EQ (nbd_get_tls_negotiated (h), 0);
}

CASE (waits_before_the_export_is_chosen)
{
  const struct {
    const char *server, *export;
    int structured, extended;
  } table[] = {
    { nbdkit ("memory", "1M", NULL), "", 1, 0 },
    { qemu_nbd (temp_disk ("disk", 1048576), "-f", "raw", NULL), "", 1, 1 },
    { nbd_server (temp_disk ("disk2", 1048576), ""), "disk", 0, 0 },
    { embedded ("--size", "1M", "--strict-exit", NULL), "", 1, 1 },
    { embedded ("--size", "1M", "--replies", "simple", NULL), "", 0, 0 },
  };
  char buf[512];

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
    struct nbd_handle *h = negotiate_with (table[i].server);

    situation ("server %zu", i);
    check_waits_for_an_option (h, "newstyle-fixed");
    check_nothing_known_of_the_export (h);
    CHECK_EQ (nbd_get_handshake_flags (h), LIBNBD_HANDSHAKE_FLAG_MASK);
    CHECK_EQ (nbd_get_structured_replies_negotiated (h), table[i].structured);
    CHECK_EQ (nbd_get_extended_headers_negotiated (h), table[i].extended);
    CHECK_EQ (nbd_can_meta_context (h, LIBNBD_CONTEXT_BASE_ALLOCATION), 0);
    CHECK_EQ (nbd_set_export_name (h, table[i].export), 0);
    CHECK_EQ (nbd_opt_go (h), 0);
    CHECK_EQ (nbd_aio_is_ready (h), 1);
    CHECK_EQ (nbd_get_size (h), 1048576);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    /* Too late for options; what is known stays. */
    for (enum option option = 0; option < OPTIONS; ++option)
      check_refused_at_once (h, option, EINVAL);
    CHECK_ERR (nbd_opt_abort (h), EINVAL);
    CHECK_ERR (nbd_aio_opt_abort (h), EINVAL);
    CHECK_ERR (nbd_set_export_name (h, "other"), EINVAL);
    CHECK_EQ (nbd_get_size (h), 1048576);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    for (enum option option = 0; option < OPTIONS; ++option)
      check_refused_at_once (h, option, EINVAL);
    nbd_close (h);
  }
}

CASE (options_before_connecting)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  for (enum option option = 0; option < OPTIONS; ++option)
    check_refused_at_once (h, option, ENOTCONN);
  CHECK_ERR (nbd_opt_abort (h), ENOTCONN);
  CHECK_ERR (nbd_aio_opt_abort (h), ENOTCONN);
  nbd_close (h);
}

CASE (asynchronous_connecting_ends_there_too)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_aio_connect_unix (h, server), 0);
  while (nbd_aio_is_connecting (h))
    CHECK_EQ (nbd_poll (h, -1), 1);
  check_waits_for_an_option (h, "newstyle-fixed");
  CHECK_EQ (nbd_aio_opt_go (h, NBD_NULL_COMPLETION), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  nbd_close (h);
}

/* An oldstyle server leaves nothing to negotiate. */
CASE (oldstyle)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--handshake",
                                           "oldstyle", NULL)), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_STR (nbd_get_protocol (h), "oldstyle");
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_EQ (nbd_get_handshake_flags (h), 0);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  for (enum option option = 0; option < OPTIONS; ++option)
    check_refused_at_once (h, option, EINVAL);
  CHECK_ERR (nbd_opt_abort (h), EINVAL);
  nbd_close (h);
}

/* ---- Plain newstyle: no option but the one that opens the export ---- */

static struct nbd_handle *
negotiate_plainly (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_set_export_name (h, "disk"), 0);
  CHECK_EQ (nbd_connect_unix (h, embedded ("--size", "1M", "--handshake",
                                           "newstyle", "--export", "disk",
                                           NULL)), 0);
  return h;
}

CASE (plain_newstyle_has_no_options)
{
  struct nbd_handle *h = negotiate_plainly ();
  uint64_t sent = nbd_stats_bytes_sent (h);

  check_waits_for_an_option (h, "newstyle");
  CHECK_EQ (nbd_get_structured_replies_negotiated (h), 0);
  CHECK_EQ (nbd_get_extended_headers_negotiated (h), 0);
  for (enum option option = INFO; option < OPTIONS; ++option) {
    check_refused_at_once (h, option, ENOTSUP);
    CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  }
  CHECK_EQ (nbd_stats_bytes_sent (h), sent);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_can_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
}

/* The client can refuse the fixed variant as well as the server. */
CASE (plain_newstyle_by_choice_of_the_client)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_set_handshake_flags (h, 0), 0);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("memory", "1M", NULL)), 0);
  check_waits_for_an_option (h, "newstyle");
  CHECK_EQ (nbd_get_handshake_flags (h), 0);
  for (enum option option = INFO; option < OPTIONS; ++option)
    check_refused_at_once (h, option, ENOTSUP);
  CHECK_EQ (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (order_of_frees_when_refused)
{
  struct nbd_handle *h = negotiate_plainly ();
  struct record found = { .name = "found" }, done = { .name = "done" };
  char *queries[] = { NULL };

  CHECK_ERR (nbd_aio_opt_list (h, exports (&found), completion (&done)),
             ENOTSUP);
  CHECK_STR (logged (), "free-found free-done");
  clear_log ();
  CHECK_ERR (nbd_aio_opt_list_meta_context (h, contexts (&found),
                                            completion (&done)), ENOTSUP);
  CHECK_STR (logged (), "free-found free-done");
  clear_log ();
  CHECK_ERR (nbd_aio_opt_list_meta_context_queries
             (h, queries, contexts (&found), completion (&done)), ENOTSUP);
  CHECK_STR (logged (), "free-found free-done");
  clear_log ();
  CHECK_ERR (nbd_aio_opt_set_meta_context (h, contexts (&found),
                                           completion (&done)), ENOTSUP);
  CHECK_STR (logged (), "free-found free-done");
  clear_log ();
  CHECK_ERR (nbd_aio_opt_set_meta_context_queries
             (h, queries, contexts (&found), completion (&done)), ENOTSUP);
  CHECK_STR (logged (), "free-found free-done");
  nbd_close (h);
}

/* All that a client can do is hang up. */
CASE (plain_newstyle_cannot_be_left_in_order)
{
  struct nbd_handle *h = negotiate_plainly ();

  CHECK_EQ (nbd_opt_abort (h), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  h = negotiate_plainly ();
  CHECK_EQ (nbd_aio_opt_abort (h), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  h = negotiate_plainly ();
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

CASE (plain_newstyle_refuses_by_hanging_up)
{
  struct nbd_handle *h = negotiate_plainly ();

  CHECK_EQ (nbd_set_export_name (h, "no such export"), 0);
  CHECK_ERR (nbd_opt_go (h), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  nbd_close (h);
}

/* ---- Leaving ---- */

#define THE_CLIENT_LEAVES "expect IHAVEOPT u32:2 u32:0\nexpect-eof\n"

static void
check_closed (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_STR (nbd_get_protocol (h), "newstyle-fixed");
  CHECK_ERR (nbd_opt_abort (h), EINVAL);
  CHECK_ERR (nbd_aio_opt_abort (h), EINVAL);
  CHECK_ERR (nbd_opt_go (h), EINVAL);
  CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  nbd_close (h);
  check_script ();
}

CASE (leaving_with_abort)
{
  struct nbd_handle *h = negotiate_by (THE_CLIENT_LEAVES);

  CHECK_EQ (nbd_opt_abort (h), 0);
  check_closed (h);
}

CASE (aio_abort)
{
  struct nbd_handle *h = negotiate_by (THE_CLIENT_LEAVES);

  CHECK_EQ (nbd_aio_opt_abort (h), 0);
  finish_option (h);
  check_closed (h);
}

CASE (shutdown_aborts)
{
  struct nbd_handle *h = negotiate_by (THE_CLIENT_LEAVES);

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  check_closed (h);
  h = negotiate_by (THE_CLIENT_LEAVES);
  CHECK_EQ (nbd_shutdown (h, LIBNBD_SHUTDOWN_ABANDON_PENDING), 0);
  check_closed (h);
}

/* What has been learnt of the export outlives the connection. */
CASE (abort_after_info)
{
  struct nbd_handle *h = negotiate_with (embedded ("--size", "1M", NULL));

  CHECK_EQ (nbd_opt_info (h), 0);
  CHECK_EQ (nbd_opt_abort (h), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_is_read_only (h), 0);
  nbd_close (h);
}

CASE (closing_says_nothing)
{
  struct nbd_handle *h = negotiate_by ("expect-eof\n");

  nbd_close (h);
  check_script ();
}

/* ---- One option at a time ---- */

CASE (no_option_while_another_is_under_way)
{
  struct record found = { 0 }, done = { 0 };
  struct nbd_handle *h = negotiate_with
    (embedded ("--size", "1M", "--export", "disk=A disk", NULL));

  CHECK_EQ (nbd_aio_opt_list (h, exports (&found), completion (&done)), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  CHECK_EQ (nbd_aio_is_negotiating (h), 0);
  CHECK (nbd_aio_get_direction (h) != 0);
  for (enum option option = 0; option < OPTIONS; ++option)
    check_refused_at_once (h, option, EINVAL);
  CHECK_ERR (nbd_opt_abort (h), EINVAL);
  CHECK_ERR (nbd_aio_opt_abort (h), EINVAL);
  CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
  CHECK_ERR (nbd_set_export_name (h, "other"), EINVAL);
  CHECK_ERR (nbd_add_meta_context (h, "base:allocation"), EINVAL);
  CHECK_ERR (nbd_set_full_info (h, true), EINVAL);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_NULL (nbd_get_protocol (h), EINVAL);
  CHECK_EQ (done.calls, 0);
  CHECK_EQ (done.frees, 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (found.calls, 1);
  CHECK_EQ (found.frees, 1);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.frees, 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  nbd_close (h);
}

/* ---- Closures ---- */

CASE (order_of_callbacks)
{
  struct nbd_handle *h = negotiate_with
    (embedded ("--export", "disk=A disk", "--context", "base:allocation",
               NULL));

  for (enum option option = INFO; option < OPTIONS; ++option) {
    struct record found = { .name = "found" }, done = { .name = "done" };

    situation ("%s", options[option].aio);
    clear_log ();
    CHECK_EQ (aio_call (h, option, &found, completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (nbd_aio_is_negotiating (h), 1);
    if (option == LIST)
      CHECK_STR (logged (), "disk(A disk) done free-found free-done");
    else if (option == LIST_QUERIES || option == SET_QUERIES ||
             option == LIST_CONTEXTS)
      CHECK_STR (logged (), "base:allocation done free-found free-done");
    else if (has_results (option))
      CHECK_STR (logged (), "done free-found free-done");
    else
      CHECK_STR (logged (), "done free-done");
    /* A repeated switch is refused, and the server has no TLS. */
    CHECK_EQ (done.error, option == STARTTLS ? ENOTSUP
              : option >= STRUCTURED_REPLY ? EINVAL : 0);
  }
  nbd_close (h);
}

static void
check_completion (int result, int new_error)
{
  struct record done = { .result = result, .new_error = new_error };
  struct nbd_handle *h = negotiate_with (embedded ("--export", "disk", NULL));

  situation ("returning %d", result);
  CHECK_EQ (nbd_aio_opt_info (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (done.calls, 1);
  CHECK_EQ (done.frees, 1);
  /* The option itself has succeeded. */
  CHECK (nbd_get_size (h) > 0);
  /* It is no command that could be asked for. */
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  CHECK_EQ (nbd_aio_opt_go (h, completion (&done)), 0);
  finish_option (h);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (done.error, 0);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  CHECK_ERR (nbd_aio_peek_command_completed (h), EINVAL);
  nbd_close (h);
}

CASE (what_the_completion_returns_does_not_matter)
{
  check_completion (0, 0);
  check_completion (1, 0);
  check_completion (-1, 0);
  check_completion (-1, EDOM);
}

CASE (closures_may_be_missing)
{
  struct record r = { 0 };
  const nbd_completion_callback only_free = {
    .user_data = &r, .free = record_free
  };
  const nbd_context_callback no_context = { .user_data = &r };
  struct nbd_handle *h = negotiate_with (embedded ("--size", "1M", NULL));

  CHECK_EQ (nbd_aio_opt_info (h, only_free), 0);
  finish_option (h);
  CHECK_EQ (r.frees, 1);
  CHECK_EQ (nbd_opt_list (h, (nbd_list_callback) {
        .user_data = &r, .free = record_free }), 1);
  CHECK_EQ (r.frees, 2);
  CHECK_EQ (nbd_opt_list_meta_context (h, (nbd_context_callback) {
        .user_data = &r, .free = record_free }), 1);
  CHECK_EQ (r.frees, 3);
  /* The results are not optional. */
  CHECK_ERR (nbd_opt_list (h, (nbd_list_callback) { .user_data = &r }),
             EFAULT);
  CHECK_ERR (nbd_aio_opt_list (h, (nbd_list_callback) { .free = NULL },
                               only_free), EFAULT);
  CHECK_EQ (r.frees, 4);
  CHECK_ERR (nbd_opt_list_meta_context (h, no_context), EFAULT);
  CHECK_ERR (nbd_opt_set_meta_context (h, no_context), EFAULT);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  nbd_close (h);
}

/* An option that was accepted completes, like a command, before its closures
 * are freed. */
CASE (closing_with_an_option_under_way)
{
  for (enum option option = 0; option < OPTIONS; ++option) {
    struct record found = { .name = "found" }, done = { .name = "done" };
    struct nbd_handle *h = negotiate_with (embedded ("--size", "1M", NULL));

    situation ("%s", options[option].aio);
    clear_log ();
    CHECK_EQ (aio_call (h, option, &found, completion (&done)), 0);
    nbd_close (h);
    CHECK_STR (logged (), has_results (option) ? "done free-found free-done"
               : "done free-done");
    CHECK_EQ (done.error, ENOTCONN);
    stop_servers ();
  }
}

/* ---- The server goes away ---- */

CASE (link_lost_during_an_option)
{
  for (enum option option = 0; option < OPTIONS; ++option) {
    struct record found = { .name = "found" }, done = { .name = "done" };
    const char *script = text ("read-option %s\nclose\n",
                               options[option].number);
    struct nbd_handle *h = negotiate_by (script);

    situation ("%s", options[option].sync);
    clear_log ();
    forget_error ();
    check_failed (__FILE__, __LINE__, options[option].sync,
                  call (h, option, &found) == -1, 0);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    CHECK_STR (logged (), has_results (option) ? "free-found" : "");
    nbd_close (h);
    check_script ();

    situation ("%s", options[option].aio);
    clear_log ();
    h = negotiate_by (script);
    CHECK_EQ (aio_call (h, option, &found, completion (&done)), 0);
    finish_option (h);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_STR (logged (), has_results (option) ? "done free-found free-done"
               : "done free-done");
    CHECK_EQ (done.error, ENOTCONN);
    nbd_close (h);
    check_script ();
  }
}

CASE (link_lost_between_options)
{
  for (enum option option = 0; option < OPTIONS; ++option) {
    struct record found = { 0 }, done = { 0 };
    struct nbd_handle *h = negotiate_with (nbdkit ("null", "1M", NULL));

    kill_servers ();
    situation ("%s", options[option].sync);
    forget_error ();
    check_failed (__FILE__, __LINE__, options[option].sync,
                  call (h, option, &found) == -1, ANY_ERRNO);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_EQ (found.frees, has_results (option));
    nbd_close (h);

    situation ("%s", options[option].aio);
    h = negotiate_with (nbdkit ("null", "1M", NULL));
    kill_servers ();
    (void) aio_call (h, option, &found, completion (&done));
    finish_option (h);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    CHECK_EQ (found.calls, 0);
    CHECK_EQ (found.frees, 2 * has_results (option));
    CHECK_EQ (done.calls, 1);
    CHECK (done.error != 0);
    CHECK_EQ (done.frees, 1);
    nbd_close (h);
  }
}

/* Who wants to leave need not mind that the server has left. */
CASE (aborting_a_lost_link)
{
  struct nbd_handle *h = negotiate_with (nbdkit ("null", "1M", NULL));

  kill_servers ();
  CHECK_EQ (nbd_opt_abort (h), 0);
  CHECK (nbd_aio_is_dead (h) || nbd_aio_is_closed (h));
  nbd_close (h);
}

/* ---- What every option has in common on the wire ---- */

CASE (broken_answers)
{
  static const struct { const char *fault, *reply; } table[] = {
    { "wrong magic", "send u64:1 u32:%u u32:1 u32:0\nwait-eof\n" },
    { "answer to another option",
      "send OPTREPLY u32:1 u32:1 u32:0\nwait-eof\n" },
    { "acknowledgement with data", "option-reply ACK \"x\"\nwait-eof\n" },
    { "unknown kind", "option-reply 77 \"x\"\nwait-eof\n" },
    { "endless error message", "option-reply UNKNOWN zero:4097\nwait-eof\n" },
    { "enormous answer", "send OPTREPLY u32:%u u32:3 u32:0x40000001 zero:9\n"
      "wait-eof\n" },
    { "half an answer", "send OPTREPLY u32:%u u32:1\nclose\n" },
  };
  static const unsigned numbers[OPTIONS] = { 7, 6, 3, 9, 9, 10, 10, 8, 11, 5 };

  for (enum option option = 0; option < OPTIONS; ++option)
    for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i) {
      struct record found = { 0 };
      const char *percent = strstr (table[i].reply, "%u");
      const char *reply = percent == NULL ? table[i].reply
        : text ("%.*s%u%s", (int) (percent - table[i].reply), table[i].reply,
                numbers[option], percent + 2);
      struct nbd_handle *h = negotiate_by
        (text ("read-option %s\n%s", options[option].number, reply));

      situation ("%s: %s", options[option].sync, table[i].fault);
      forget_error ();
      check_failed (__FILE__, __LINE__, options[option].sync,
                    call (h, option, &found) == -1, 0);
      CHECK_EQ (nbd_aio_is_dead (h), 1);
      CHECK_EQ (found.frees, has_results (option));
      nbd_close (h);
      check_script ();
    }
}

/* Every refusal leaves the link usable, and tells the server's words. */
CASE (refusals)
{
  static const struct { const char *reply; int go, list, toggle; } table[] = {
    { "UNSUP", ENOTSUP, ENOTSUP, ENOTSUP },
    { "POLICY", 0, ENOTSUP, ENOTSUP },
    { "INVALID", EINVAL, ENOTSUP, EINVAL },
    { "PLATFORM", 0, ENOTSUP, ENOTSUP },
    { "TLS_REQD", ENOTSUP, ENOTSUP, ENOTSUP },
    { "UNKNOWN", ENOENT, ENOTSUP, ENOTSUP },
    { "SHUTDOWN", ESHUTDOWN, ENOTSUP, ENOTSUP },
    { "BLOCK_SIZE_REQD", EINVAL, ENOTSUP, ENOTSUP },
    { "TOO_BIG", EINVAL, ENOTSUP, ENOTSUP },
    { "EXT_HEADER_REQD", 0, ENOTSUP, ENOTSUP },
    { "0x80001234", 0, ENOTSUP, ENOTSUP },
    { "0xffffffff", 0, ENOTSUP, ENOTSUP },
  };

  for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
    for (enum option option = 0; option < OPTIONS; ++option) {
      struct record found = { 0 }, done = { 0 };
      const char *step = text ("read-option %s\noption-reply %s \"be\" 07 "
                               "\"cause\"\n", options[option].number,
                               table[i].reply);
      bool toggle = option >= STRUCTURED_REPLY;
      int err = has_results (option) ? table[i].list
        : toggle ? table[i].toggle : table[i].go;
      struct nbd_handle *h;

      /* To GO this means that the older option may do. */
      if (option == GO && i == 0)
        continue;
      /* This one knows better than to ask for less. */
      if (option == STRUCTURED_REPLY &&
          strcmp (table[i].reply, "EXT_HEADER_REQD") == 0)
        err = EINVAL;
      h = negotiate_by (text ("%s%sread-option GO\n"
                              "option-reply INFO u16:0 u64:1048576 u16:1\n"
                              "option-reply ACK\nwait-eof\n", step, step));
      situation ("%s: %s", table[i].reply, options[option].sync);
      forget_error ();
      if (toggle)
        CHECK_EQ (call (h, option, &found), 0);
      else {
        check_failed (__FILE__, __LINE__, options[option].sync,
                      call (h, option, &found) == -1, err);
        CHECK (strstr (nbd_get_error (), "be\\x07cause") != NULL);
      }
      CHECK_EQ (nbd_aio_is_negotiating (h), 1);

      situation ("%s: %s", table[i].reply, options[option].aio);
      CHECK_EQ (aio_call (h, option, &found, completion (&done)), 0);
      finish_option (h);
      CHECK_EQ (nbd_aio_is_negotiating (h), 1);
      CHECK_EQ (done.calls, 1);
      CHECK_EQ (done.frees, 1);
      CHECK_EQ (done.error, err != 0 ? err : ENOTSUP);
      CHECK_EQ (found.calls, 0);
      CHECK_EQ (found.frees, 2 * has_results (option));

      CHECK_EQ (nbd_opt_go (h), 0);
      CHECK_EQ (nbd_get_size (h), 1048576);
      nbd_close (h);
      check_script ();
    }
}
