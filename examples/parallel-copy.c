/* Copies a disk to a file over several connections at once, each in a thread of
 * its own and with many reads in flight.
 *
 *   parallel-copy URI FILE     such as nbd://example.com/disk
 *
 * If the server does not permit several connections, there is only one.
 *
 * Compile it with
 *   cc -pthread parallel-copy.c $(pkg-config --cflags --libs libnbd) -o parallel-copy
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnbd.h>

#define CONNECTIONS 4
#define IN_FLIGHT 16            /* on each connection */
#define CHUNK (256 * 1024)

struct slot {
  bool busy;
  uint64_t offset;
  size_t count;
  char data[CHUNK];
};

struct connection {
  struct nbd_handle *nbd;
  pthread_t thread;
  struct slot slots[IN_FLIGHT];
};

static struct connection connections[CONNECTIONS];

/* All that the threads share.  Each chunk is taken by exactly one of them, so
 * requests never overlap, and whoever is faster copies more. */
static _Atomic uint64_t next_chunk;
static uint64_t size;
static int fd;

static void
die (const char *why)
{
  fprintf (stderr, "%s\n", why);
  exit (EXIT_FAILURE);
}

static struct nbd_handle *
connect_to (const char *uri)
{
  struct nbd_handle *nbd = nbd_create ();

  if (nbd == NULL || nbd_connect_uri (nbd, uri) == -1)
    die (nbd_get_error ());
  return nbd;
}

/* Runs inside nbd_poll, in the thread of the connection.  Returning 1 retires
 * the command. */
static int
on_read (void *user_data, int *error)
{
  struct slot *slot = user_data;

  if (*error != 0)
    die (strerror (*error));
  for (size_t done = 0; done < slot->count; ) {
    ssize_t n = pwrite (fd, slot->data + done, slot->count - done,
                        (off_t) (slot->offset + done));
    if (n == -1 && errno != EINTR)
      die (strerror (errno));
    if (n > 0)
      done += (size_t) n;
  }
  slot->busy = false;
  return 1;
}

/* Starts to read the next chunk that nobody has taken.  Returns false if there
 * is none. */
static bool
start_read (struct nbd_handle *nbd, struct slot *slot)
{
  uint64_t offset = atomic_fetch_add (&next_chunk, 1) * CHUNK;
  nbd_completion_callback completion = { .callback = on_read, .user_data = slot };

  if (offset >= size)
    return false;
  slot->busy = true;
  slot->offset = offset;
  slot->count = size - offset < CHUNK ? (size_t) (size - offset) : CHUNK;
  if (nbd_aio_pread (nbd, slot->data, slot->count, offset, completion, 0) == -1)
    die (nbd_get_error ());
  return true;
}

static void *
copy (void *user_data)
{
  struct connection *connection = user_data;
  struct nbd_handle *nbd = connection->nbd;
  bool more = true;

  while (more || nbd_aio_in_flight (nbd) > 0) {
    for (size_t i = 0; i < IN_FLIGHT && more; i++)
      if (!connection->slots[i].busy)
        more = start_read (nbd, &connection->slots[i]);
    if (nbd_aio_in_flight (nbd) > 0 && nbd_poll (nbd, -1) == -1)
      die (nbd_get_error ());
  }
  if (nbd_shutdown (nbd, 0) == -1)
    die (nbd_get_error ());
  return NULL;
}

int
main (int argc, char *argv[])
{
  if (argc != 3) {
    fprintf (stderr, "usage: %s URI FILE\n", argv[0]);
    return EXIT_FAILURE;
  }

  /* Only the server knows whether more connections are safe, so ask the first. */
  connections[0].nbd = connect_to (argv[1]);
  int multi_conn = nbd_can_multi_conn (connections[0].nbd);
  int64_t r = nbd_get_size (connections[0].nbd);
  if (multi_conn == -1 || r == -1)
    die (nbd_get_error ());
  size_t count = multi_conn ? CONNECTIONS : 1;
  for (size_t i = 1; i < count; i++)
    connections[i].nbd = connect_to (argv[1]);

  size = (uint64_t) r;
  fd = open (argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd == -1 || ftruncate (fd, r) == -1)
    die (strerror (errno));

  for (size_t i = 0; i < count; i++) {
    int error = pthread_create (&connections[i].thread, NULL, copy, &connections[i]);
    if (error != 0)
      die (strerror (error));
  }
  for (size_t i = 0; i < count; i++) {
    pthread_join (connections[i].thread, NULL);
    nbd_close (connections[i].nbd);
  }

  if (close (fd) == -1)
    die (strerror (errno));
  printf ("copied %lld bytes over %zu connection%s\n", (long long) r, count,
          count > 1 ? "s" : "");
  return EXIT_SUCCESS;
}
