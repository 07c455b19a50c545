/* Copies a disk to a file, and stops when the user presses Ctrl-C, even if the
 * server does not respond.
 *
 *   cancel SOCKET FILE         the server listens on a Unix socket
 *
 * The signal handler only calls nbdx_cancel, which signal handlers may do.  The
 * call that waits for the server, whichever it is, then fails with ECANCELED, and
 * the program cleans up as after any other failure.
 *
 * Compile it with
 *   cc cancel.c $(pkg-config --cflags --libs libnbdx) -o cancel
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnbdx.h>

#define CHUNK (256 * 1024)

static struct nbd_handle *nbd;

static void
on_interrupt (int signum)
{
  (void) signum;
  nbdx_cancel (nbd);
}

/* Returns how much has been copied before something failed. */
static int64_t
copy (int64_t size, int fd)
{
  static char data[CHUNK];
  int64_t offset = 0;

  while (offset < size) {
    size_t count = size - offset < CHUNK ? (size_t) (size - offset) : CHUNK;

    if (nbd_pread (nbd, data, count, (uint64_t) offset, 0) == -1) {
      if (nbd_get_errno () == ECANCELED)
        fprintf (stderr, "cancelled after %" PRId64 " of %" PRId64 " bytes\n", offset, size);
      else
        fprintf (stderr, "%s\n", nbd_get_error ());
      return offset;
    }
    for (size_t done = 0; done < count; ) {
      ssize_t n = write (fd, data + done, count - done);

      if (n == -1 && errno != EINTR) {
        fprintf (stderr, "write: %s\n", strerror (errno));
        return offset;
      }
      if (n > 0)
        done += (size_t) n;
    }
    offset += (int64_t) count;
  }
  return offset;
}

int
main (int argc, char *argv[])
{
  if (argc != 3) {
    fprintf (stderr, "usage: %s SOCKET FILE\n", argv[0]);
    return EXIT_FAILURE;
  }

  nbd = nbd_create ();
  if (nbd == NULL) {
    fprintf (stderr, "%s\n", nbd_get_error ());
    return EXIT_FAILURE;
  }
  /* From here on, so that connecting can be cancelled as well. */
  struct sigaction action = { .sa_handler = on_interrupt };
  sigaction (SIGINT, &action, NULL);

  if (nbd_connect_unix (nbd, argv[1]) == -1) {
    fprintf (stderr, "%s\n", nbd_get_error ());
    return EXIT_FAILURE;
  }
  int64_t size = nbd_get_size (nbd);
  int fd = open (argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (size == -1 || fd == -1) {
    fprintf (stderr, "%s: %s\n", argv[2], size == -1 ? nbd_get_error () : strerror (errno));
    return EXIT_FAILURE;
  }

  int64_t copied = copy (size, fd);
  if (copied < size || close (fd) == -1) {
    /* No half of a disk is left behind. */
    unlink (argv[2]);
    return EXIT_FAILURE;
  }

  /* The handler must not use a handle that has been closed. */
  action.sa_handler = SIG_DFL;
  sigaction (SIGINT, &action, NULL);
  nbd_shutdown (nbd, 0);
  nbd_close (nbd);
  return EXIT_SUCCESS;
}
