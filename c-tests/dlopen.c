/* The library loaded with dlopen and closed again while threads that used it
 * still live.  It keeps the last error of each thread, and must not have been
 * unmapped when such a thread ends and its error is freed.
 *
 * This program must not be linked with the library, so it has a main of its
 * own and not the harness, which is. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME "dlopen.closing_the_library_while_threads_hold_errors"

static void
require (int ok, const char *what)
{
  if (!ok) {
    printf ("# %s\nnot ok %s\n", what, NAME);
    exit (1);
  }
}

static void *
symbol (void *lib, const char *name)
{
  void *p = dlsym (lib, name);

  require (p != NULL, name);
  return p;
}

static pthread_barrier_t closed;

static void *
fail_in_thread (void *lib)
{
  void *(*nbd_create) (void);
  void (*nbd_close) (void *);
  int (*nbd_aio_get_fd) (void *);
  int (*nbd_get_errno) (void);
  void *h;

  *(void **) &nbd_create = symbol (lib, "nbd_create");
  *(void **) &nbd_close = symbol (lib, "nbd_close");
  *(void **) &nbd_aio_get_fd = symbol (lib, "nbd_aio_get_fd");
  *(void **) &nbd_get_errno = symbol (lib, "nbd_get_errno");
  h = nbd_create ();
  require (h != NULL, "nbd_create failed");
  require (nbd_aio_get_fd (h) == -1 && nbd_get_errno () == EINVAL,
           "no error in this thread");
  nbd_close (h);
  pthread_barrier_wait (&closed); /* The error exists... */
  pthread_barrier_wait (&closed); /* ...and the library is closed. */
  return NULL;
}

int
main (void)
{
  enum { THREADS = 4 };
  pthread_t threads[THREADS];
  void *lib;

  alarm (60);
  for (int round = 0; round < 3; ++round) {
    lib = dlopen ("libnbd.so.0", RTLD_NOW|RTLD_LOCAL);
    require (lib != NULL, "dlopen failed");
    require (pthread_barrier_init (&closed, NULL, THREADS + 1) == 0,
             "no barrier");
    for (int i = 0; i < THREADS; ++i)
      require (pthread_create (&threads[i], NULL, fail_in_thread, lib) == 0,
               "no thread");
    pthread_barrier_wait (&closed);
    require (dlclose (lib) == 0, "dlclose failed");
    pthread_barrier_wait (&closed);
    for (int i = 0; i < THREADS; ++i)
      require (pthread_join (threads[i], NULL) == 0, "join failed");
    pthread_barrier_destroy (&closed);
  }
  lib = dlopen ("libnbd.so.0", RTLD_NOW|RTLD_LOCAL|RTLD_NOLOAD);
  require (lib != NULL, "the library is gone after dlclose");
  dlclose (lib);
  printf ("ok %s\n", NAME);
  return 0;
}
