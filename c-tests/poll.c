/* nbd_poll and nbd_poll2. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static uint8_t buf[512];

CASE (nothing_happens)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));

  CHECK_EQ (nbd_poll (h, 0), 0);
  CHECK_EQ (nbd_poll (h, 20), 0);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  nbd_close (h);
}

CASE (something_happens)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  int64_t cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION,
                                  0);

  CHECK (cookie > 0);
  CHECK_EQ (nbd_poll (h, -1), 1);
  CHECK_EQ (finish (h, cookie), 1);
  CHECK_EQ (nbd_poll (h, 0), 0);
  nbd_close (h);
}

/* A program that also waits for something of its own. */
CASE (another_descriptor)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  int fds[2];

  CHECK_EQ (pipe2 (fds, O_CLOEXEC), 0);
  CHECK_EQ (nbd_poll2 (h, fds[0], 0), 0);
  CHECK_EQ (nbd_poll2 (h, fds[0], 20), 0);
  CHECK_EQ (write (fds[1], "x", 1), 1);
  CHECK_EQ (nbd_poll2 (h, fds[0], -1), 1);
  /* It is the program's: nobody has read from it, and the handle rests. */
  CHECK_EQ (nbd_poll2 (h, fds[0], -1), 1);
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (read (fds[0], buf, sizeof buf), 1);
  CHECK_EQ (nbd_poll2 (h, fds[0], 0), 0);
  /* Its end counts as well. */
  close (fds[1]);
  CHECK_EQ (nbd_poll2 (h, fds[0], -1), 1);
  close (fds[0]);
  nbd_close (h);
}

CASE (both_descriptors)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  int64_t cookie;
  int fds[2];

  CHECK_EQ (pipe2 (fds, O_CLOEXEC), 0);
  CHECK_EQ (write (fds[1], "x", 1), 1);
  cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0);
  /* The other descriptor is always ready; the reply gets through anyhow. */
  while (nbd_aio_in_flight (h) > 0)
    CHECK_EQ (nbd_poll2 (h, fds[0], -1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  close (fds[0]);
  close (fds[1]);
  nbd_close (h);
}

CASE (no_other_descriptor)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  int64_t cookie;

  CHECK_EQ (nbd_poll2 (h, -1, 0), 0);
  cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0);
  while (nbd_aio_in_flight (h) > 0)
    CHECK_EQ (nbd_poll2 (h, -1, -1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  nbd_close (h);
}

CASE (states_in_which_there_is_nothing_to_poll)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_poll (h, 0), EINVAL);
  CHECK_ERR (nbd_poll2 (h, -1, 0), EINVAL);
  CHECK_ERR (nbd_poll2 (h, STDIN_FILENO, 0), EINVAL);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", "1M", NULL)), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_ERR (nbd_poll (h, 0), EINVAL);
  CHECK_ERR (nbd_poll2 (h, -1, 0), EINVAL);
  nbd_close (h);
}

/* ---- Calls that wait in the kernel, and calls that must not ---- */

/* Synchronous calls may wait as they like; who asks for the socket gets one
 * that is non-blocking, and stays so. */
CASE (the_socket_is_non_blocking)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  int fd;

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK ((fd = nbd_aio_get_fd (h)) >= 0);
  CHECK (fcntl (fd, F_GETFL) & O_NONBLOCK);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK (fcntl (fd, F_GETFL) & O_NONBLOCK);
  CHECK_EQ (recv (fd, buf, sizeof buf, 0), -1);
  CHECK_EQ (errno, EAGAIN);
  CHECK_EQ (nbd_aio_get_fd (h), fd);
  nbd_close (h);
}

/* A handle whose server takes and gives nothing, after a synchronous call. */
static struct nbd_handle *
connect_to_stopped_server (void)
{
  static char *argv[] = { "nbdkit", "-s", "memory", "64M", NULL };
  struct nbd_handle *h = create ();
  int status;

  CHECK_EQ (nbd_connect_command (h, argv), 0);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  CHECK_EQ (nbd_kill_subprocess (h, SIGSTOP), 0);
  CHECK (waitpid ((pid_t) nbd_get_subprocess_pid (h), &status, WUNTRACED) > 0);
  CHECK (WIFSTOPPED (status));
  return h;
}

CASE (only_calls_without_a_limit_wait)
{
  struct nbd_handle *h = connect_to_stopped_server ();
  int64_t cookie;
  int fds[2];

  CHECK_EQ (nbd_aio_notify_read (h), 0);
  CHECK_EQ (nbd_poll (h, 0), 0);
  CHECK_EQ (nbd_poll (h, 10), 0);
  CHECK ((cookie = nbd_aio_pread (h, buf, sizeof buf, 0,
                                  NBD_NULL_COMPLETION, 0)) > 0);
  CHECK_EQ (nbd_aio_notify_read (h), 0);
  CHECK_EQ (nbd_poll (h, 0), 0);
  CHECK_EQ (nbd_poll2 (h, -1, 10), 0);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 0);
  /* Waiting for two things cannot be waiting for the server. */
  CHECK_EQ (pipe2 (fds, O_CLOEXEC), 0);
  CHECK_EQ (write (fds[1], "x", 1), 1);
  CHECK_EQ (nbd_poll2 (h, fds[0], -1), 1);
  CHECK_EQ (nbd_kill_subprocess (h, SIGCONT), 0);
  CHECK_EQ (finish (h, cookie), 1);
  close (fds[0]);
  close (fds[1]);
  nbd_close (h);
}

CASE (a_full_socket_does_not_block)
{
  struct nbd_handle *h = connect_to_stopped_server ();
  static uint8_t data[4 << 20];
  int64_t cookies[8];

  for (unsigned i = 0; i < 8; i++)
    CHECK ((cookies[i] = nbd_aio_pwrite (h, data, sizeof data, i * sizeof data,
                                         NBD_NULL_COMPLETION, 0)) > 0);
  CHECK_EQ (nbd_aio_notify_write (h), 0);
  CHECK_EQ (nbd_kill_subprocess (h, SIGCONT), 0);
  for (unsigned i = 0; i < 8; i++)
    CHECK_EQ (finish (h, cookies[i]), 1);
  nbd_close (h);
}

/* ---- Signals ---- */

static volatile sig_atomic_t signals;

static void
count_signal (int signal)
{
  (void) signal;
  signals++;
}

static pthread_t polling_thread;
static volatile bool stop;

static void *
send_signals (void *unused)
{
  (void) unused;
  while (!stop) {
    pthread_kill (polling_thread, SIGUSR1);
    usleep (10000);
  }
  return NULL;
}

static pthread_t
start_sending_signals (void)
{
  struct sigaction action = { .sa_handler = count_signal };
  pthread_t thread;

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  polling_thread = pthread_self ();
  CHECK_EQ (pthread_create (&thread, NULL, send_signals, NULL), 0);
  return thread;
}

/* The program's signal handlers run, and the calls go on. */
CASE (signals_do_not_disturb)
{
  struct nbd_handle *h = connect_to
    (nbdkit ("--filter=delay", "memory", "1M", "rdelay=200ms", NULL));
  pthread_t thread = start_sending_signals ();
  int64_t cookie;

  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
  cookie = nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0);
  while (nbd_aio_in_flight (h) > 0)
    CHECK_EQ (nbd_poll (h, -1), 1);
  CHECK_EQ (nbd_aio_command_completed (h, (uint64_t) cookie), 1);
  stop = true;
  CHECK_EQ (pthread_join (thread, NULL), 0);
  CHECK (signals > 0);
  nbd_close (h);
}
