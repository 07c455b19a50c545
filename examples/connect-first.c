/* Connects to several servers at the same time, and uses the first that is ready.
 *
 *   connect-first URI...       such as nbd://one.example.com nbd://two.example.com
 *
 * Connecting, including the handshake, does not wait: one loop drives all handles,
 * and a program could do other work in it.
 *
 * Compile it with
 *   cc connect-first.c $(pkg-config --cflags --libs libnbd) -o connect-first
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#define PATIENCE 10000          /* how long nothing may happen, in milliseconds */

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* Reports why a server is out of the race. */
static void
give_up (struct nbd_handle **nbd, const char *uri)
{
  fprintf (stderr, "%s: %s\n", uri, nbd_get_error ());
  nbd_close (*nbd);
  *nbd = NULL;
}

static short
events_for (struct nbd_handle *nbd)
{
  unsigned int direction = nbd_aio_get_direction (nbd);

  return (short) ((direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0)
                  | (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
}

/* Lets the handle continue after poll.  If both are possible, reading comes first.
 * The library finds out by itself what an error or a hangup means. */
static int
notify (struct nbd_handle *nbd, const struct pollfd *fd)
{
  if (fd->revents == 0)
    return 0;
  if ((fd->events & POLLIN) && (fd->revents & ~POLLOUT))
    return nbd_aio_notify_read (nbd);
  if (fd->events & POLLOUT)
    return nbd_aio_notify_write (nbd);
  return 0;
}

/* Returns the index of the first handle that has connected. */
static size_t
race (struct nbd_handle **handles, char **uris, size_t count)
{
  struct pollfd *fds = calloc (count, sizeof *fds);

  if (fds == NULL)
    die (strerror (errno));
  for (;;) {
    size_t running = 0;

    for (size_t i = 0; i < count; i++) {
      fds[i].fd = -1;           /* poll skips it */
      fds[i].revents = 0;
      if (handles[i] == NULL)
        continue;
      if (nbd_aio_is_ready (handles[i])) {
        free (fds);
        return i;
      }
      /* Both can change in each round. */
      fds[i].fd = nbd_aio_get_fd (handles[i]);
      fds[i].events = events_for (handles[i]);
      running++;
    }
    if (running == 0)
      die ("no server can be reached");

    int n = poll (fds, (nfds_t) count, PATIENCE);
    if (n == 0)
      die ("no server responds");
    if (n == -1 && errno != EINTR)
      die (strerror (errno));
    for (size_t i = 0; n > 0 && i < count; i++)
      if (handles[i] != NULL && notify (handles[i], &fds[i]) == -1)
        give_up (&handles[i], uris[i]);
  }
}

int
main (int argc, char *argv[])
{
  if (argc < 2) {
    fprintf (stderr, "usage: %s URI...\n", argv[0]);
    return EXIT_FAILURE;
  }

  char **uris = argv + 1;
  size_t count = (size_t) argc - 1;
  struct nbd_handle **handles = calloc (count, sizeof *handles);
  if (handles == NULL)
    die (strerror (errno));
  for (size_t i = 0; i < count; i++) {
    handles[i] = nbd_create ();
    /* Looking up a host name is the one thing that waits. */
    if (handles[i] == NULL || nbd_aio_connect_uri (handles[i], uris[i]) == -1)
      give_up (&handles[i], uris[i]);
  }

  size_t first = race (handles, uris, count);
  struct nbd_handle *nbd = handles[first];
  for (size_t i = 0; i < count; i++)
    if (i != first)
      nbd_close (handles[i]);   /* NULL is fine */
  free (handles);

  printf ("%s: connected, %" PRIi64 " bytes\n", uris[first], nbd_get_size (nbd));

  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}
