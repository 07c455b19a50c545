/* Reads several disks at once in one loop around epoll(7), and counts their bytes
 * that are not zero.
 *
 *   epoll URI...               such as nbd://one.example.com nbd://two.example.com
 *
 * Nothing here blocks on the network, connecting included.  A disk that fails is
 * reported, and the others go on.
 *
 * Compile it with
 *   cc epoll.c $(pkg-config --cflags --libs libnbd) -o epoll
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <libnbd.h>

#define IN_FLIGHT 8             /* for each disk */
#define CHUNK 65536
#define EVENTS 16

struct disk {
  const char *uri;
  struct nbd_handle *nbd;       /* NULL when it is done */
  bool connected;
  uint64_t size, next, count;
  int error;                    /* of the first read that failed */
  struct slot {
    struct disk *disk;
    bool busy;
    size_t count;
    unsigned char data[CHUNK];
  } slots[IN_FLIGHT];
};

static int epoll_fd;
static size_t active;
static int status = EXIT_SUCCESS;

static void
die (const char *what)
{
  perror (what);
  exit (EXIT_FAILURE);
}

/* The library closes the descriptor, which removes it from the epoll instance.  A
 * program that has only read need not take leave of the server. */
static void
finish (struct disk *disk, const char *error)
{
  if (error != NULL) {
    printf ("%s: %s\n", disk->uri, error);
    status = EXIT_FAILURE;
  } else
    printf ("%s: %" PRIu64 " bytes are not zero\n", disk->uri, disk->count);
  nbd_close (disk->nbd);
  disk->nbd = NULL;
  active--;
}

static int
on_read (void *user_data, int *error)
{
  struct slot *slot = user_data;

  slot->busy = false;
  if (*error != 0 && slot->disk->error == 0)
    slot->disk->error = *error;
  for (size_t i = 0; i < slot->count && *error == 0; i++)
    slot->disk->count += slot->data[i] != 0;
  return 1;
}

static struct slot *
free_slot (struct disk *disk)
{
  for (size_t i = 0; i < IN_FLIGHT; i++)
    if (!disk->slots[i].busy)
      return &disk->slots[i];
  return NULL;
}

/* Keeps the reads of a connected disk going.  Returns -1 if one cannot be
 * started. */
static int
start_reads (struct disk *disk)
{
  struct slot *slot;

  while (disk->next < disk->size && (slot = free_slot (disk)) != NULL) {
    nbd_completion_callback completion = { .callback = on_read, .user_data = slot };
    uint64_t offset = disk->next, left = disk->size - offset;

    slot->disk = disk;
    slot->busy = true;
    slot->count = left < CHUNK ? (size_t) left : CHUNK;
    disk->next += slot->count;
    /* A read can complete before this returns, which frees the slot again. */
    if (nbd_aio_pread (disk->nbd, slot->data, slot->count, offset, completion, 0) == -1)
      return -1;
  }
  return 0;
}

/* Watches the descriptor for what the handle waits for now, which any call can
 * have changed.  ENOENT means that epoll does not know the descriptor: it is new,
 * or the library has replaced the socket to try the next address of a host. */
static void
watch (struct disk *disk)
{
  unsigned int direction = nbd_aio_get_direction (disk->nbd);
  struct epoll_event event = { .data.ptr = disk };
  int fd = nbd_aio_get_fd (disk->nbd);

  if (direction & LIBNBD_AIO_DIRECTION_READ)
    event.events |= EPOLLIN;
  if (direction & LIBNBD_AIO_DIRECTION_WRITE)
    event.events |= EPOLLOUT;
  if (epoll_ctl (epoll_fd, EPOLL_CTL_MOD, fd, &event) == -1
      && (errno != ENOENT
          || epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1))
    die ("epoll_ctl");
}

/* Does what the program can do without waiting, until the disk is done or has to
 * be watched. */
static void
advance (struct disk *disk)
{
  if (nbd_aio_is_connecting (disk->nbd)) {
    watch (disk);
    return;
  }
  if (!disk->connected) {
    int64_t size = nbd_get_size (disk->nbd);

    if (size == -1) {
      finish (disk, nbd_get_error ());
      return;
    }
    disk->size = (uint64_t) size;
    disk->connected = true;
  }
  if (disk->error != 0)
    finish (disk, strerror (disk->error));
  else if (start_reads (disk) == -1)
    finish (disk, nbd_get_error ());
  else if (nbd_aio_in_flight (disk->nbd) > 0)
    watch (disk);
  else
    finish (disk, NULL);
}

static void
notify (struct disk *disk, uint32_t events)
{
  unsigned int direction = nbd_aio_get_direction (disk->nbd);
  /* The library finds out by itself what an error or a hangup means. */
  bool problem = events & (EPOLLERR | EPOLLHUP);
  int r = 0;

  if ((direction & LIBNBD_AIO_DIRECTION_READ) && (problem || (events & EPOLLIN)))
    r = nbd_aio_notify_read (disk->nbd);
  else if ((direction & LIBNBD_AIO_DIRECTION_WRITE) && (problem || (events & EPOLLOUT)))
    r = nbd_aio_notify_write (disk->nbd);

  if (r == -1)
    finish (disk, nbd_get_error ());
  else
    advance (disk);
}

int
main (int argc, char *argv[])
{
  if (argc < 2) {
    fprintf (stderr, "usage: %s URI...\n", argv[0]);
    return EXIT_FAILURE;
  }

  struct disk *disks = calloc ((size_t) argc, sizeof *disks);
  epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (disks == NULL || epoll_fd == -1)
    die ("epoll");

  for (int i = 1; i < argc; i++) {
    struct disk *disk = &disks[i];

    active++;
    disk->uri = argv[i];
    disk->nbd = nbd_create ();
    if (disk->nbd == NULL || nbd_aio_connect_uri (disk->nbd, disk->uri) == -1)
      finish (disk, nbd_get_error ());
    else
      advance (disk);
  }

  while (active > 0) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait (epoll_fd, events, EVENTS, -1);

    if (n == -1 && errno != EINTR)
      die ("epoll_wait");
    for (int i = 0; i < n; i++)
      notify (events[i].data.ptr, events[i].events);
  }

  free (disks);
  return status;
}
