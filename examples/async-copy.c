/* Copies a disk to a file with many reads in flight on one connection.
 *
 *   async-copy SOCKET FILE     the server listens on a Unix socket
 *
 * The program keeps IN_FLIGHT reads going.  Replies may arrive in any order, and
 * the completion callback of each read writes its data and frees its slot for the
 * next one.  Only nbd_poll waits; nothing else blocks on the network.
 *
 * Compile it with
 *   cc async-copy.c $(pkg-config --cflags --libs libnbd) -o async-copy
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnbd.h>

#define IN_FLIGHT 16
#define CHUNK (256 * 1024)

struct slot {
  bool busy;
  int fd;                       /* where the data goes */
  uint64_t offset;
  size_t count;
  char data[CHUNK];
};

static struct slot slots[IN_FLIGHT];

static void
die (const char *what, const char *why)
{
  fprintf (stderr, "%s: %s\n", what, why);
  exit (EXIT_FAILURE);
}

/* The library calls this inside nbd_poll when a read has completed.  Returning
 * 1 retires the command: the program will not ask for its result. */
static int
on_read (void *user_data, int *error)
{
  struct slot *slot = user_data;

  if (*error != 0)
    die ("read", strerror (*error));
  for (size_t done = 0; done < slot->count; ) {
    ssize_t n = pwrite (slot->fd, slot->data + done, slot->count - done,
                        (off_t) (slot->offset + done));
    if (n == -1 && errno != EINTR)
      die ("write", strerror (errno));
    if (n > 0)
      done += (size_t) n;
  }
  slot->busy = false;
  return 1;
}

static void
start_read (struct nbd_handle *nbd, struct slot *slot)
{
  nbd_completion_callback completion = { .callback = on_read, .user_data = slot };

  slot->busy = true;
  if (nbd_aio_pread (nbd, slot->data, slot->count, slot->offset, completion, 0) == -1)
    die ("start a read", nbd_get_error ());
}

static void
copy (struct nbd_handle *nbd, uint64_t size, int fd)
{
  uint64_t next = 0;

  while (next < size || nbd_aio_in_flight (nbd) > 0) {
    for (size_t i = 0; i < IN_FLIGHT && next < size; i++) {
      struct slot *slot = &slots[i];

      if (slot->busy)
        continue;
      slot->fd = fd;
      slot->offset = next;
      slot->count = size - next < CHUNK ? (size_t) (size - next) : CHUNK;
      next += slot->count;
      start_read (nbd, slot);
    }
    if (nbd_aio_in_flight (nbd) > 0 && nbd_poll (nbd, -1) == -1)
      die ("poll", nbd_get_error ());
  }
}

int
main (int argc, char *argv[])
{
  if (argc != 3) {
    fprintf (stderr, "usage: %s SOCKET FILE\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct nbd_handle *nbd = nbd_create ();
  if (nbd == NULL || nbd_connect_unix (nbd, argv[1]) == -1)
    die ("connect", nbd_get_error ());
  int64_t size = nbd_get_size (nbd);
  if (size == -1)
    die ("size", nbd_get_error ());

  int fd = open (argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd == -1 || ftruncate (fd, size) == -1)
    die (argv[2], strerror (errno));
  copy (nbd, (uint64_t) size, fd);
  if (close (fd) == -1)
    die (argv[2], strerror (errno));

  if (nbd_shutdown (nbd, 0) == -1)
    die ("shutdown", nbd_get_error ());
  nbd_close (nbd);
  return EXIT_SUCCESS;
}
