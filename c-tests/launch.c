/* Starting servers while other threads of the program fork.  Their children do
 * not run another program, as those of Python's multiprocessing do not, and so
 * they keep copies of all descriptors that were open at that moment.  Nothing
 * that shows how a server does may be among these. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* Nothing takes half as long as the children live, in seconds, unless it waits
 * for one of them. */
enum { CHILDREN = 400, LIFE = 30, LAUNCHERS = 2, LEAST = 25 };

static volatile bool stop;
static pid_t children[CHILDREN];

static void *
fork_children (void *unused)
{
  (void) unused;
  for (int i = 0; i < CHILDREN; ++i) {
    children[i] = fork ();
    if (children[i] == 0) {
      alarm (LIFE);
      for (;;)
        pause ();
    }
    usleep (1000);
  }
  stop = true;
  return NULL;
}

/* As in many programs, what is taken before a fork is what others wait for. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
take (void)
{
  pthread_mutex_lock (&lock);
}

static void
release (void)
{
  pthread_mutex_unlock (&lock);
}

static time_t
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

static void *
launch (void *data)
{
  void (*use) (struct nbd_handle *h) = data;

  for (int i = 0; i < LEAST || !stop; ++i) {
    time_t start = now ();
    struct nbd_handle *h = create ();

    use (h);
    CHECK (now () - start < LIFE / 2);
    nbd_close (h);
  }
  return NULL;
}

static void
launch_among_forks (void (*use) (struct nbd_handle *h))
{
  pthread_t forker, launchers[LAUNCHERS];
  /* Whatever the library does at a fork, it does inside of the lock. */
  struct nbd_handle *h = create ();

  nbd_close (h);
  CHECK_EQ (pthread_atfork (take, release, release), 0);
  CHECK_EQ (pthread_create (&forker, NULL, fork_children, NULL), 0);
  for (int i = 0; i < LAUNCHERS; ++i)
    CHECK_EQ (pthread_create (&launchers[i], NULL, launch, use), 0);
  for (int i = 0; i < LAUNCHERS; ++i)
    pthread_join (launchers[i], NULL);
  pthread_join (forker, NULL);
  for (int i = 0; i < CHILDREN; ++i) {
    CHECK (children[i] > 0);
    CHECK_EQ (kill (children[i], SIGKILL), 0);
    CHECK_EQ (waitpid (children[i], NULL, 0), children[i]);
  }
  check_no_children ();
}

static char *ends_at_once[] = { "true", NULL };

static void
start_only (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_connect_command (h, ends_at_once), 0);
}

CASE (a_program_that_runs_is_known_to_run)
{
  launch_among_forks (start_only);
}

static void
lose (struct nbd_handle *h)
{
  CHECK_EQ (nbd_connect_command (h, ends_at_once), -1);
}

CASE (the_end_of_a_server_on_its_standard_output_is_seen)
{
  launch_among_forks (lose);
}

static void
lose_listener (struct nbd_handle *h)
{
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, ends_at_once), -1);
}

CASE (the_end_of_a_server_that_listens_is_seen)
{
  launch_among_forks (lose_listener);
}
