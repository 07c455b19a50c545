/* A child of a program whose threads are busy with TLS uses it as well.  What
 * those threads had locked at that moment, here or in a library below, nobody
 * would unlock in the child. */
#include "support/tls.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* A child has so much time, which no child needs that makes progress. */
enum { PATIENCE = 30 };

static struct credentials {
  const char *socket, *file, *user;
} keys, certificates;

/* More than are kept at a time, so that new ones are made all the time. */
static const char *
priority (unsigned number)
{
  static const char *const priorities[] = {
    "NORMAL", "NORMAL:%COMPAT", "NORMAL:-VERS-TLS1.2", "NORMAL:-VERS-TLS1.3", "PERFORMANCE",
    "PFS", "SECURE128", "NORMAL:-AES-128-CBC", "NORMAL:-AES-256-CBC", "NORMAL:-AES-128-CCM",
    "NORMAL:-AES-256-CCM", "NORMAL:-GROUP-X448", "NORMAL:-GROUP-SECP521R1", "NORMAL:-SHA1",
    "NORMAL:%NO_TICKETS", "NORMAL:-CHACHA20-POLY1305", "NORMAL:%DISABLE_WILDCARDS",
    "PERFORMANCE:%COMPAT", "PFS:%COMPAT", "SECURE128:%COMPAT",
  };

  return priorities[number % (sizeof priorities / sizeof priorities[0])];
}

/* Returns what failed, or "nothing". */
static const char *
use_tls (const struct credentials *c, unsigned number)
{
  struct nbd_handle *h = nbd_create ();
  const char *failure = "nothing";
  char buf[512];

  if (h == NULL)
    return "nbd_create";
  if (nbd_set_tls (h, LIBNBD_TLS_REQUIRE) == -1 ||
      nbd_set_tls_priority (h, priority (number)) == -1)
    failure = "settings";
  else if ((c->user ? nbd_set_tls_psk_file (h, c->file) | nbd_set_tls_username (h, c->user)
                    : nbd_set_tls_certificates (h, c->file)) != 0)
    failure = "credentials";
  else if (nbd_connect_unix (h, c->socket) == -1)
    failure = "nbd_connect_unix";
  else if (nbd_pread (h, buf, sizeof buf, 0, 0) == -1)
    failure = "nbd_pread";
  else if (nbd_shutdown (h, 0) == -1)
    failure = "nbd_shutdown";
  nbd_close (h);
  return failure;
}

static volatile bool stop;

static void *
use_it_once (void *number)
{
  CHECK_STR (use_tls (&certificates, (unsigned) (uintptr_t) number), "nothing");
  return NULL;
}

static void *
use_it_for_ever (void *unused)
{
  (void) unused;
  for (unsigned i = 0; !stop; ++i)
    CHECK_STR (use_tls (i % 2 == 0 ? &keys : &certificates, i / 2), "nothing");
  return NULL;
}

/* A thread that ends also has something to put in order. */
static void *
use_it_in_other_threads (void *unused)
{
  (void) unused;
  for (uintptr_t i = 0; !stop; ++i) {
    pthread_t thread;

    CHECK_EQ (pthread_create (&thread, NULL, use_it_once, (void *) i), 0);
    CHECK_EQ (pthread_join (thread, NULL), 0);
  }
  return NULL;
}

static void
check_child (const struct credentials *c, unsigned number)
{
  pid_t pid = fork ();
  int status;

  CHECK (pid != -1);
  if (pid == 0) {
    const char *failure;

    alarm (PATIENCE);
    failure = use_tls (c, number);
    /* By a signal, because valgrind would turn an exit into a failure: it takes
     * for lost what the other threads had. */
    if (strcmp (failure, "nothing") == 0)
      kill (getpid (), SIGKILL);
    dprintf (STDERR_FILENO, "# %s in a child: %s\n", failure, nbd_get_error ());
    _exit (1);
  }
  CHECK (waitpid (pid, &status, 0) == pid);
  if (!WIFSIGNALED (status))
    fail_at (__FILE__, __LINE__, "child %u has failed", number);
  if (WTERMSIG (status) != SIGKILL)
    fail_at (__FILE__, __LINE__, "child %u was ended by signal %d", number, WTERMSIG (status));
}

static unsigned
children (void)
{
  const char *wanted = getenv ("FORK_CHILDREN");

  if (wanted != NULL)
    return (unsigned) atoi (wanted);
  return under_valgrind () ? 20 : 1000;
}

static void
check_children (const struct credentials *c)
{
  pthread_t threads[2];

  alarm (600);
  CHECK_EQ (pthread_create (&threads[0], NULL, use_it_for_ever, NULL), 0);
  CHECK_EQ (pthread_create (&threads[1], NULL, use_it_in_other_threads, NULL), 0);
  for (unsigned i = 0; i < children (); ++i)
    check_child (c, i);
  stop = true;
  for (unsigned i = 0; i < 2; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
}

static void
serve (void)
{
  keys = (struct credentials) { nbdkit_psk (), pki ("keys.psk"), "alice" };
  certificates = (struct credentials) { nbdkit_x509 ("server"), pki ("client"), NULL };
}

CASE (children_with_keys)
{
  serve ();
  check_children (&keys);
}

CASE (children_with_certificates)
{
  serve ();
  check_children (&certificates);
}
