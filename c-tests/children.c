/* Children of a program with threads, which were inside the library when the
 * child was forked.  The child has none of them, and must not wait for them. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

/* So many children are enough, or so many seconds for them on a slow machine;
 * and so many seconds has each of them. */
enum { CHILDREN = 600, ENOUGH = 5, SECONDS = 5, THREADS = 3 };

static const char *server;
static bool debug;
static volatile bool stop;
static pthread_t threads[THREADS];

static void
use_own_handle (void)
{
  struct nbd_handle *h = create ();

  if (debug)
    CHECK_EQ (nbd_set_debug (h, true), 0);
  if (server) {
    char buf[512];

    CHECK_EQ (nbd_connect_unix (h, server), 0);
    CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
    CHECK_EQ (nbd_shutdown (h, 0), 0);
  }
  nbd_close (h);
}

static void *
use_own_handles (void *unused)
{
  (void) unused;
  while (!stop)
    use_own_handle ();
  return NULL;
}

static void
fork_many (void (*child) (void))
{
  time_t end = time (NULL) + ENOUGH;

  for (int i = 0; i < CHILDREN && time (NULL) < end; ++i) {
    pid_t pid = fork ();
    int status;

    CHECK (pid != -1);
    if (pid == 0) {
      alarm (SECONDS);
      child ();
      /* What the threads of the parent were using is lost in here.  Valgrind
       * does not look for it where another program follows. */
      execlp ("true", "true", NULL);
      _exit (1);
    }
    CHECK_EQ (waitpid (pid, &status, 0), pid);
    situation ("child %d", i);
    CHECK_EQ (status, 0);
  }
}

/* Each child does what the threads do. */
static void
fork_among_threads (void)
{
  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_create (&threads[i], NULL, use_own_handles, NULL), 0);
  fork_many (use_own_handle);
  stop = true;
  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
}

CASE (that_create_and_close)
{
  fork_among_threads ();
}

CASE (that_connect)
{
  server = nbdkit ("memory", "1M", NULL);
  fork_among_threads ();
}

/* Messages go to standard error, which all threads share. */
CASE (that_write_debug_messages)
{
  int null = open ("/dev/null", O_WRONLY|O_CLOEXEC);

  CHECK (null >= 0);
  CHECK_EQ (dup2 (null, STDERR_FILENO), STDERR_FILENO);
  close (null);
  debug = true;
  fork_among_threads ();
}

/* ---- Threads that wait for each other's handles ---- */

static struct nbd_handle *pair[2];

static int
ask_the_other (void *number, const char *context, const char *msg)
{
  (void) context, (void) msg;
  /* It may be refused. */
  nbd_get_size (pair[1 - *(int *) number]);
  return 0;
}

static void *
ask_again_and_again (void *number)
{
  while (!stop)
    nbd_is_read_only (pair[*(int *) number]);
  return NULL;
}

static void
entangle (void)
{
  static int numbers[2] = { 0, 1 };

  for (int i = 0; i < 2; ++i) {
    pair[i] = create ();
    CHECK_EQ (nbd_set_debug_callback (pair[i], (nbd_debug_callback) {
                                        .callback = ask_the_other,
                                        .user_data = &numbers[i]
                                      }), 0);
  }
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ (nbd_set_debug (pair[i], true), 0);
    CHECK_EQ (pthread_create (&threads[i], NULL, ask_again_and_again,
                              &numbers[i]), 0);
  }
}

static void
entangle_for_a_moment (void)
{
  entangle ();
  usleep (1000);
}

CASE (whose_parents_threads_wait_for_each_other)
{
  entangle ();
  fork_many (entangle_for_a_moment);
  stop = true;
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
    nbd_close (pair[i]);
  }
}
