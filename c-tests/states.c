/* The state of a handle as its predicates, direction and descriptor show it. */
#include "test.h"

#include <poll.h>

enum state {
  CREATED, CONNECTING, NEGOTIATING, READY, PROCESSING, DEAD, CLOSED
};

static const char *const names[] = {
  "created", "connecting", "negotiating", "ready", "processing", "dead",
  "closed",
};

/* Exactly one predicate holds, and it is this one. */
static void
check_state (struct nbd_handle *h, enum state wanted)
{
  const int is[] = {
    nbd_aio_is_created (h), nbd_aio_is_connecting (h),
    nbd_aio_is_negotiating (h), nbd_aio_is_ready (h),
    nbd_aio_is_processing (h), nbd_aio_is_dead (h), nbd_aio_is_closed (h),
  };

  for (size_t i = 0; i < sizeof is / sizeof is[0]; ++i) {
    situation ("is %s, should be %s", names[i], names[wanted]);
    CHECK_EQ (is[i], i == wanted);
  }
  situation ("%s", names[wanted]);
}

static void
check_not_pollable (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_get_direction (h), 0);
  CHECK_ERR (nbd_poll (h, 0), EINVAL);
  CHECK_ERR (nbd_aio_notify_read (h), EINVAL);
  CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
}

CASE (created)
{
  struct nbd_handle *h = create ();

  check_state (h, CREATED);
  check_not_pollable (h);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  check_state (h, CREATED);
  nbd_close (h);
}

CASE (ready_then_closed)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));

  check_state (h, READY);
  CHECK (nbd_aio_get_fd (h) >= 0);
  CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_READ);
  CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
  check_state (h, READY);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  check_state (h, CLOSED);
  check_not_pollable (h);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  nbd_close (h);
}

CASE (dead)
{
  struct nbd_handle *h = create ();
  char *state;

  CHECK_ERR (nbd_connect_unix (h, temp_path ("nobody")), ENOENT);
  check_state (h, DEAD);
  check_not_pollable (h);
  CHECK_ERR (nbd_aio_get_fd (h), EINVAL);
  CHECK_ERR (nbd_connect_unix (h, temp_path ("nobody")), EINVAL);
  CHECK_ERR (nbd_get_size (h), EINVAL);
  CHECK_ERR (nbd_can_flush (h), EINVAL);
  CHECK_NULL (nbd_get_protocol (h), EINVAL);
  CHECK_ERR (nbd_flush (h, 0), EINVAL);
  CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  state = text ("%s", nbd_connection_state (h));
  CHECK (strncmp (state, "DEAD: ", 6) == 0);
  nbd_close (h);
}

/* Drives the handshake by hand as a program with its own event loop does. */
CASE (connecting_by_notification)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  struct nbd_handle *h = create ();
  bool first = true;

  CHECK_EQ (nbd_aio_connect_unix (h, server), 0);
  while (nbd_aio_is_connecting (h)) {
    unsigned direction = nbd_aio_get_direction (h);
    struct pollfd fd = { .fd = nbd_aio_get_fd (h) };

    check_state (h, CONNECTING);
    CHECK (direction == LIBNBD_AIO_DIRECTION_READ ||
           direction == LIBNBD_AIO_DIRECTION_WRITE ||
           direction == LIBNBD_AIO_DIRECTION_BOTH);
    /* The connection itself is awaited as writability. */
    if (first)
      CHECK_EQ (direction, LIBNBD_AIO_DIRECTION_WRITE);
    first = false;
    CHECK (fd.fd >= 0);
    CHECK_ERR (nbd_get_size (h), EINVAL);
    CHECK_ERR (nbd_flush (h, 0), EINVAL);
    CHECK_ERR (nbd_shutdown (h, 0), EINVAL);
    CHECK_ERR (nbd_aio_in_flight (h), EINVAL);
    CHECK_ERR (nbd_aio_connect_unix (h, server), EINVAL);
    if (direction == LIBNBD_AIO_DIRECTION_READ)
      CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
    if (direction == LIBNBD_AIO_DIRECTION_WRITE)
      CHECK_ERR (nbd_aio_notify_read (h), EINVAL);
    if (direction & LIBNBD_AIO_DIRECTION_READ)
      fd.events |= POLLIN;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      fd.events |= POLLOUT;
    CHECK_EQ (poll (&fd, 1, -1), 1);
    if (fd.revents & POLLIN)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    else
      CHECK_EQ (nbd_aio_notify_write (h), 0);
  }
  check_state (h, READY);
  CHECK_EQ (nbd_get_size (h), 1048576);
  nbd_close (h);
}

CASE (every_state_has_a_name)
{
  struct nbd_handle *h = create ();
  const char *state = nbd_connection_state (h);

  CHECK (strncmp (state, "START: ", 7) == 0);
  CHECK (strlen (state) > 7);
  CHECK_EQ (nbd_aio_connect_unix (h, nbdkit ("null", NULL)), 0);
  while (nbd_aio_is_connecting (h)) {
    state = nbd_connection_state (h);
    CHECK (state != NULL);
    CHECK (strstr (state, ": ") > state);
    CHECK_EQ (nbd_poll (h, -1), 1);
  }
  CHECK (strncmp (nbd_connection_state (h), "READY: ", 7) == 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK (strncmp (nbd_connection_state (h), "CLOSED: ", 8) == 0);
  nbd_close (h);
}

/* A wakeup without data: the handle must stay able to send commands. */
CASE (notification_without_data_changes_nothing)
{
  struct nbd_handle *h = connect_to (nbdkit ("memory", "1M", NULL));
  char buf[512];

  CHECK_EQ (nbd_aio_notify_read (h), 0);
  check_state (h, READY);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  nbd_close (h);
}

CASE (commands_in_flight)
{
  /* The server answers only after a while, so that there is time to look. */
  struct nbd_handle *h = connect_to
    (nbdkit ("--filter=delay", "memory", "1M", "rdelay=200ms", NULL));
  char buf[512];
  int64_t cookie;

  CHECK_EQ (nbd_aio_in_flight (h), 0);
  cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0);
  CHECK (cookie > 0);
  CHECK (nbd_aio_is_ready (h) || nbd_aio_is_processing (h));
  CHECK_EQ (nbd_aio_in_flight (h), 1);
  CHECK (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_READ);
  CHECK_EQ (finish (h, cookie), 1);
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  nbd_close (h);
}

/* More than a socket takes at once: the rest waits for room. */
CASE (a_large_write_waits_in_both_directions)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("--filter=delay", "memory", "64M", "wdelay=100ms", NULL));
  size_t size = 32 * 1024 * 1024;
  char *buf = calloc (1, size);
  int64_t cookie;

  CHECK (buf != NULL);
  cookie = nbd_aio_pwrite (h, buf, size, 0, NBD_NULL_COMPLETION, 0);
  CHECK (cookie > 0);
  check_state (h, PROCESSING);
  CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_BOTH);
  CHECK_EQ (finish (h, cookie), 1);
  check_state (h, READY);
  free (buf);
  nbd_close (h);
}
