/* Every function of the API as a call that suits it, and handles in each state.
 * For a program that consists of one file: everything is defined here. */
#ifndef STATE_TABLE_FUNCTIONS_H
#define STATE_TABLE_FUNCTIONS_H

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

/* The C library has none. */
#if __has_include (<libnbdx.h>)
#include <libnbdx.h>
#endif

#include <stdatomic.h>
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

/* Each thread has its own, because commands fill it. */
static _Thread_local char buffer[512];
static char *program[] = { (char *) "true", NULL };
static char *strings[] = { (char *) "base:allocation", NULL };

/* How many closures were handed over, and how many of them were freed, by any
 * thread. */
struct kept { atomic_int given, freed; };

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

#endif /* STATE_TABLE_FUNCTIONS_H */
