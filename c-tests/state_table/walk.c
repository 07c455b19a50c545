/* Walks every function of the API through every state of a handle. */

#include "functions.h"

/* Whether the last error is about the state. */
static bool
state_error (void)
{
  const char *error = nbd_get_error ();

  return error != NULL && strstr (error, ": invalid state: ") != NULL;
}

/* ---- The walk ---- */

static void
walk_function (const struct function *f, enum state state, int without)
{
  struct kept kept = { 0, 0 };
  struct nbd_handle *h = in_state (state);
  bool permitted = (f->permitted & 1U << state) != 0, failed;
  char *before = strdup (nbd_connection_state (h));
  uint64_t sent = nbd_stats_bytes_sent (h);

  CHECK (before != NULL);
  if (without == 0)
    situation ("%s", f->name);
  else
    situation ("%s without argument %d", f->name, without);
  forget_error ();
  failed = f->call (h, without, &kept);
  if (!f->may_set_error)
    /* What forget_error has left. */
    CHECK_EQ (nbd_get_errno (), ESRCH);
  else if (!permitted) {
    check_failed (__FILE__, __LINE__, f->name, failed,
                  state == CREATED ? ENOTCONN : EINVAL);
    CHECK (state_error ());
    /* Nothing has happened. */
    CHECK_STR (nbd_connection_state (h), before);
    CHECK_EQ (nbd_stats_bytes_sent (h), sent);
    CHECK_EQ (kept.freed, kept.given);
  }
  else if (without != 0) {
    check_failed (__FILE__, __LINE__, f->name, failed, EFAULT);
    CHECK_STR (nbd_connection_state (h), before);
    CHECK_EQ (nbd_stats_bytes_sent (h), sent);
    CHECK_EQ (kept.freed, kept.given);
  }
  else if (failed) {
    /* For a reason of its own. */
    CHECK (!state_error ());
    CHECK_EQ (kept.freed, kept.given);
  }
  free (before);
  let_go (h);
  CHECK_EQ (kept.freed, kept.given);
}

static void
walk (enum state state)
{
  server = embedded ("--size", "1M", NULL);
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
    const struct function *f = &functions[i];

    walk_function (f, state, 0);
    for (const int *number = f->required; *number != 0; ++number)
      walk_function (f, state, *number);
  }
}

CASE (created)
{
  walk (CREATED);
}

CASE (connecting)
{
  walk (CONNECTING);
}

CASE (negotiating)
{
  walk (NEGOTIATING);
}

CASE (connected)
{
  walk (CONNECTED);
}

CASE (closed)
{
  walk (CLOSED);
}

CASE (dead)
{
  walk (DEAD);
}
