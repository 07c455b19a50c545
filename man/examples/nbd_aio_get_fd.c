/* Connects, reads the first byte and disconnects, all from a loop
 * around poll(2) that could serve other descriptors as well.  The
 * argument is the Unix socket of an NBD server.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnbd.h>

static void
fail (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

/* One round: waits for what the handle needs, and notifies it. */
static void
wait_and_move_on (struct nbd_handle *nbd)
{
  unsigned int direction = nbd_aio_get_direction (nbd);
  bool read = direction & LIBNBD_AIO_DIRECTION_READ;
  bool write = direction & LIBNBD_AIO_DIRECTION_WRITE;
  /* The descriptors of the program go here, too. */
  struct pollfd fds[1] = { { .fd = nbd_aio_get_fd (nbd) } };
  int r = 0;

  fds[0].events = (short) ((read ? POLLIN : 0) | (write ? POLLOUT : 0));
  if (fds[0].fd == -1)
    fail (nbd_get_error ());
  if (poll (fds, 1, -1) == -1)
    fail ("poll");
  /* The library finds out about an error or a hangup by itself. */
  if (read && (fds[0].revents & ~POLLOUT) != 0)
    r = nbd_aio_notify_read (nbd);
  else if (write && fds[0].revents != 0)
    r = nbd_aio_notify_write (nbd);
  if (r == -1)
    fail (nbd_get_error ());
}

int
main (int argc, char *argv[])
{
  unsigned char byte;
  int done;

  if (argc != 2)
    return EXIT_FAILURE;

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_aio_connect_unix (nbd, argv[1]) == -1)
    fail (nbd_get_error ());
  while (nbd_aio_is_connecting (nbd))
    wait_and_move_on (nbd);

  int64_t cookie = nbd_aio_pread (nbd, &byte, 1, 0,
                                  NBD_NULL_COMPLETION, 0);
  if (cookie == -1)
    fail (nbd_get_error ());
  while (!(done = nbd_aio_command_completed (nbd, (uint64_t) cookie)))
    wait_and_move_on (nbd);
  if (done == -1)
    fail (nbd_get_error ());
  printf ("the first byte is %d\n", byte);

  if (nbd_aio_disconnect (nbd, 0) == -1)
    fail (nbd_get_error ());
  while (!nbd_aio_is_closed (nbd))
    wait_and_move_on (nbd);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}
