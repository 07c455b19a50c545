/* The library loaded with dlopen, used in threads, and closed again, many times.
 *
 *   reload SOCKET TLS-SOCKET KEYS ROUNDS
 *
 * Threads use it, keep an error, and end when it has been closed; a child is
 * forked then.  Neither mappings nor keys for thread-specific data grow, of which
 * a process can have only some hundreds.  Not linked with the library; run by
 * callers.c. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libnbd.h>

enum { THREADS = 3, WARM_UP = 5 };

static const char *plain, *with_tls, *keys;

static void
require (bool ok, const char *what)
{
  if (!ok) {
    printf ("# reload: %s\n", what);
    fflush (stdout);
    _exit (1);
  }
}

static void *
symbol (void *lib, const char *name)
{
  void *p = dlsym (lib, name);

  require (p != NULL, name);
  return p;
}

/* A function of the library, with the type that the header says. */
#define FUNCTION(name) ((__typeof__ (&name)) (uintptr_t) symbol (lib, #name))

static void
use (void *lib, bool tls)
{
  struct nbd_handle *h = FUNCTION (nbd_create) ();
  char buf[512];

  require (h != NULL, "nbd_create");
  if (tls) {
    require (FUNCTION (nbd_set_tls) (h, LIBNBD_TLS_REQUIRE) == 0, "nbd_set_tls");
    require (FUNCTION (nbd_set_tls_psk_file) (h, keys) == 0, "nbd_set_tls_psk_file");
    require (FUNCTION (nbd_set_tls_username) (h, "alice") == 0, "nbd_set_tls_username");
  }
  require (FUNCTION (nbd_connect_unix) (h, tls ? with_tls : plain) == 0, "nbd_connect_unix");
  require (FUNCTION (nbd_pread) (h, buf, sizeof buf, 0, 0) == 0, "nbd_pread");
  require (FUNCTION (nbd_kill_subprocess) (h, 0) == -1, "there is no subprocess");
  require (FUNCTION (nbd_get_errno) () == ESRCH, "the error of this thread");
  FUNCTION (nbd_close) (h);
}

static pthread_barrier_t used, closed;

struct user {
  void *lib;
  bool tls;
};

static void *
use_in_thread (void *argument)
{
  const struct user *user = argument;

  use (user->lib, user->tls);
  pthread_barrier_wait (&used);
  pthread_barrier_wait (&closed);
  return NULL;
}

static void *
load (void)
{
  void *lib = dlopen ("libnbd.so.0", RTLD_NOW|RTLD_LOCAL);

  require (lib != NULL, "dlopen");
  return lib;
}

/* A child may load it as well. */
static void
use_in_child (void)
{
  int status;
  pid_t pid = fork ();

  require (pid != -1, "fork");
  if (pid == 0) {
    alarm (30);
    use (load (), false);
    _exit (0);
  }
  require (waitpid (pid, &status, 0) == pid && status == 0, "a child has failed");
}

static void
round_trip (unsigned number)
{
  struct user users[THREADS];
  pthread_t threads[THREADS];
  void *lib = load ();

  require (pthread_barrier_init (&used, NULL, THREADS + 1) == 0, "a barrier");
  require (pthread_barrier_init (&closed, NULL, THREADS + 1) == 0, "a barrier");
  for (int i = 0; i < THREADS; ++i) {
    users[i] = (struct user) { lib, i == 0 };
    require (pthread_create (&threads[i], NULL, use_in_thread, &users[i]) == 0, "a thread");
  }
  pthread_barrier_wait (&used);
  require (dlclose (lib) == 0, "dlclose");
  if (number % 4 == 0)
    use_in_child ();
  pthread_barrier_wait (&closed);
  for (int i = 0; i < THREADS; ++i)
    require (pthread_join (threads[i], NULL) == 0, "pthread_join");
  pthread_barrier_destroy (&used);
  pthread_barrier_destroy (&closed);
}

/* How many mappings belong to the library, and how many keys are free. */
static unsigned
mappings (void)
{
  FILE *fp = fopen ("/proc/self/maps", "r");
  char line[1000];
  unsigned count = 0;

  require (fp != NULL, "/proc/self/maps");
  while (fgets (line, sizeof line, fp) != NULL)
    count += strstr (line, "libnbd.so") != NULL;
  fclose (fp);
  return count;
}

static unsigned
free_keys (void)
{
  static pthread_key_t all[5000];
  unsigned count = 0;

  while (count < 5000 && pthread_key_create (&all[count], NULL) == 0)
    count++;
  for (unsigned i = 0; i < count; ++i)
    pthread_key_delete (all[i]);
  return count;
}

int
main (int argc, char *argv[])
{
  unsigned rounds, maps = 0, keys_then = 0;

  require (argc == 5, "usage: reload SOCKET TLS-SOCKET KEYS ROUNDS");
  plain = argv[1];
  with_tls = argv[2];
  keys = argv[3];
  rounds = (unsigned) atoi (argv[4]);
  require (rounds > WARM_UP, "too few rounds");
  for (unsigned i = 0; i < rounds; ++i) {
    if (i == WARM_UP) {
      maps = mappings ();
      keys_then = free_keys ();
    }
    round_trip (i);
  }
  require (mappings () == maps && maps > 0, "the number of mappings has changed");
  require (free_keys () == keys_then && keys_then > 0, "keys have been lost");
  printf ("torture: callers: loaded and unloaded %u times, used in %u threads\n", rounds,
          rounds * THREADS);
  return 0;
}
