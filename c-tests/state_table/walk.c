/* Walks every function of the API through every state of a handle. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

/* The C library has none. */
#if __has_include (<libnbdx.h>)
#include <libnbdx.h>
#endif

#include <sys/socket.h>
#include <sys/un.h>

enum state { CREATED, CONNECTING, NEGOTIATING, CONNECTED, CLOSED, DEAD };

/* ---- What the calls in the table use ---- */

#define MISSING_PATH "/nonexistent/socket"

static struct sockaddr_un address = {
  .sun_family = AF_UNIX, .sun_path = MISSING_PATH
};
#define ADDRESS ((const struct sockaddr *) &address)
#define ADDRESS_LENGTH sizeof address

static char buffer[512];
static char *program[] = { (char *) "true", NULL };
static char *strings[] = { (char *) "base:allocation", NULL };

/* How many closures were handed over, and how many of them were freed. */
struct kept { int given, freed; };

static void
closure_freed (void *data)
{
  struct kept *kept = data;

  kept->freed++;
}

/* Nothing is called back that would matter here. */
#define CLOSURE(type)                                                     \
  static type                                                             \
  type##_of (struct kept *kept)                                           \
  {                                                                       \
    kept->given++;                                                        \
    return (type) { .user_data = kept, .free = closure_freed };           \
  }

CLOSURE (nbd_chunk_callback)
CLOSURE (nbd_completion_callback)
CLOSURE (nbd_context_callback)
CLOSURE (nbd_debug_callback)
CLOSURE (nbd_extent_callback)
CLOSURE (nbd_extent64_callback)
CLOSURE (nbd_list_callback)

/* Calls the function, leaving one argument out if asked to; whether it failed. */
typedef bool (*caller) (struct nbd_handle *, int without, struct kept *);

struct function {
  const char *name;
  caller call;
  unsigned permitted;           /* Bits 1 << STATE. */
  int required[8];              /* Arguments that can be left out, then 0. */
  bool may_set_error;
};

#include "table.h"

/* ---- Handles in each state ---- */

/* A server for those that need one. */
static const char *server;
/* The silent peer of a handle that is connecting. */
static int peer = -1;

static struct nbd_handle *
in_state (enum state state)
{
  struct nbd_handle *h = create ();
  int pair[2];

  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  switch (state) {
  case CREATED:
    CHECK_EQ (nbd_aio_is_created (h), 1);
    break;
  case CONNECTING:
    CHECK (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    peer = pair[0];
    CHECK_EQ (nbd_aio_connect_socket (h, pair[1]), 0);
    CHECK_EQ (nbd_aio_is_connecting (h), 1);
    break;
  case NEGOTIATING:
    CHECK_EQ (nbd_set_opt_mode (h, true), 0);
    CHECK_EQ (nbd_connect_unix (h, server), 0);
    CHECK_EQ (nbd_aio_is_negotiating (h), 1);
    break;
  case CONNECTED:
    CHECK_EQ (nbd_connect_unix (h, server), 0);
    CHECK_EQ (nbd_aio_is_ready (h), 1);
    break;
  case CLOSED:
    CHECK_EQ (nbd_connect_unix (h, server), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
    CHECK_EQ (nbd_aio_is_closed (h), 1);
    break;
  case DEAD:
    CHECK_EQ (nbd_connect_unix (h, MISSING_PATH), -1);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    break;
  }
  return h;
}

static void
let_go (struct nbd_handle *h)
{
  nbd_close (h);
  if (peer != -1)
    close (peer);
  peer = -1;
}

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
