/* What the library does between fork and exec.  The process may have other
 * threads, which hold locks that nobody will release in the child: so there
 * the library must not call functions that take any, above all not allocate
 * memory. */
#include "test.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define NBDKIT "nbdkit", "memory", "1M"

/* The process that may allocate memory, and how often another did. */
static volatile pid_t watched;
static volatile unsigned *violations;

static void
look (void)
{
  if (watched != 0 && syscall (SYS_getpid) != watched)
    ++*violations;
}

/* These come before those of the C library, and pass on to them. */
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t count, size_t size);
void *__libc_realloc (void *block, size_t size);
void __libc_free (void *block);

void *
malloc (size_t size)
{
  look ();
  return __libc_malloc (size);
}

void *
calloc (size_t count, size_t size)
{
  look ();
  return __libc_calloc (count, size);
}

void *
realloc (void *block, size_t size)
{
  look ();
  return __libc_realloc (block, size);
}

void
free (void *block)
{
  look ();
  __libc_free (block);
}

static void
watch (void)
{
  violations = mmap (NULL, sizeof *violations, PROT_READ|PROT_WRITE,
                     MAP_SHARED|MAP_ANONYMOUS, -1, 0);
  CHECK (violations != MAP_FAILED);
  watched = getpid ();
}

static void
check_quiet (void)
{
  watched = 0;
  CHECK_EQ (*violations, 0);
  check_no_children ();
}

CASE (activated_server)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  watch ();
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
  check_works (h);
  nbd_close (h);
  check_quiet ();
}

CASE (command)
{
  char *argv[] = { "nbdkit", "-s", "memory", "1M", NULL };
  struct nbd_handle *h = create ();

  watch ();
  CHECK_EQ (nbd_connect_command (h, argv), 0);
  check_works (h);
  nbd_close (h);
  check_quiet ();
}

CASE (script_without_interpreter_line)
{
  const char *path = temp_path ("server");
  char *argv[] = { text ("%s", path), NULL };
  struct nbd_handle *h = create ();

  make_file (path, "exec nbdkit memory 1M\n", 0755);
  watch ();
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
  check_works (h);
  nbd_close (h);
  check_quiet ();
}

CASE (program_that_does_not_exist)
{
  char *argv[] = { "there-is-no-such-program", NULL };

  watch ();
  for (int activated = 0; activated < 2; ++activated) {
    struct nbd_handle *h = create ();

    if (activated)
      CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), ENOENT);
    else
      CHECK_ERR (nbd_connect_command (h, argv), ENOENT);
    nbd_close (h);
  }
  check_quiet ();
}

static volatile bool stop;

static void *
allocate (void *unused)
{
  (void) unused;
  while (!stop) {
    for (int i = 0; i < 100; ++i)
      free (malloc (1000));
    usleep (100);
  }
  return NULL;
}

CASE (with_many_threads)
{
  enum { THREADS = 16 };
  pthread_t threads[THREADS];

  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_create (&threads[i], NULL, allocate, NULL), 0);
  for (int round = 0; round < 3; ++round) {
    char *argv[] = { NBDKIT, NULL };
    struct nbd_handle *h = create ();

    CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
    check_works (h);
    nbd_close (h);
  }
  stop = true;
  for (int i = 0; i < THREADS; ++i)
    pthread_join (threads[i], NULL);
  check_no_children ();
}
