/* Measures how late a program goes on: after a server has come up, and after
 * nbdx_cancel.
 *
 *   waiting [ROUNDS]
 *
 * Prints the median and the worst of the rounds, in milliseconds.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libnbdx.h>

static char path[108];
static volatile double event;
static struct nbd_handle *nbd;

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec * 1e3 + (double) time.tv_nsec / 1e6;
}

static void
die (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, nbd_get_error ());
  exit (EXIT_FAILURE);
}

/* Begins to listen after 300 milliseconds, and sends half of a greeting, which
 * nobody waits for. */
static void *
listen_late (void *unused)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0), peer;

  (void) unused;
  memcpy (address.sun_path, path, sizeof path);
  usleep (300000);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) == -1 || listen (fd, 1) == -1)
    abort ();
  event = now ();
  peer = accept (fd, NULL, NULL);
  close (peer);
  close (fd);
  return NULL;
}

static void *
cancel_late (void *unused)
{
  (void) unused;
  usleep (20000);
  event = now ();
  nbdx_cancel (nbd);
  return NULL;
}

static int
compare (const void *one, const void *other)
{
  double a = *(const double *) one, b = *(const double *) other;

  return (a > b) - (a < b);
}

enum what { SERVER, POLL, HANDSHAKE, PAUSE };

static double
measure (enum what what)
{
  pthread_t thread;
  int pair[2];
  double late;

  nbd = nbd_create ();
  if (nbd == NULL || nbdx_set_connect_retry (nbd, 60000) == -1)
    die ("handle");
  unlink (path);
  if (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == -1)
    abort ();
  pthread_create (&thread, NULL, what == SERVER ? listen_late : cancel_late, NULL);
  switch (what) {
  case SERVER:
    if (nbd_aio_connect_unix (nbd, path) == -1)
      die ("connect");
    /* Until a socket has taken the place of the timer. */
    while (nbd_aio_is_connecting (nbd)
           && strncmp (nbd_connection_state (nbd), "CONNECT.", 8) == 0)
      if (nbd_poll (nbd, -1) == -1)
        die ("poll");
    break;
  case POLL:
    if (nbd_aio_connect_socket (nbd, pair[0]) == -1)
      die ("connect");
    nbd_poll (nbd, -1);
    break;
  case HANDSHAKE:
    nbd_connect_socket (nbd, pair[0]);
    break;
  case PAUSE:
    nbd_connect_unix (nbd, path);
    break;
  }
  late = now () - event;
  pthread_join (thread, NULL);
  if (what != SERVER && nbd_get_errno () != ECANCELED)
    die ("not cancelled");
  nbd_close (nbd);
  if (what == SERVER || what == PAUSE)
    close (pair[0]);
  close (pair[1]);
  return late;
}

int
main (int argc, char *argv[])
{
  static const char *const names[] = {
    "a server comes up", "cancel nbd_poll", "cancel nbd_connect_socket",
    "cancel a pause of nbd_connect_unix",
  };
  int rounds = argc > 1 ? atoi (argv[1]) : 100;
  double *late = calloc ((size_t) rounds, sizeof *late);

  if (rounds < 1 || late == NULL)
    return EXIT_FAILURE;
  snprintf (path, sizeof path, "/tmp/nbd-waiting-%d", (int) getpid ());
  printf ("%-36s %8s %8s\n", "", "median", "worst");
  for (int what = SERVER; what <= PAUSE; ++what) {
    for (int i = 0; i < rounds; ++i)
      late[i] = measure ((enum what) what);
    qsort (late, (size_t) rounds, sizeof *late, compare);
    printf ("%-36s %8.2f %8.2f\n", names[what], late[rounds / 2], late[rounds - 1]);
  }
  unlink (path);
  free (late);
  return EXIT_SUCCESS;
}
