/* Creating and closing handles; what the library says about itself. */
#include "test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

CASE (close_of_null_does_nothing)
{
  nbd_close (NULL);
}

CASE (handles_are_distinct_and_leave_no_descriptor)
{
  unsigned before = open_fds ();
  struct nbd_handle *h[100];

  for (size_t i = 0; i < 100; ++i) {
    h[i] = create ();
    for (size_t j = 0; j < i; ++j)
      CHECK (h[j] != h[i]);
  }
  /* A handle that is not connected needs no descriptor. */
  CHECK_EQ (open_fds (), before);
  for (size_t i = 0; i < 100; ++i)
    nbd_close (h[i]);
  CHECK_EQ (open_fds (), before);
}

CASE (connections_are_closed_with_their_handles)
{
  const char *server = nbdkit ("memory", "1M", NULL);
  unsigned before = open_fds ();

  for (int i = 0; i < 20; ++i) {
    struct nbd_handle *h = connect_to (server);

    CHECK_EQ (open_fds (), before + 1);
    nbd_close (h);
    CHECK_EQ (open_fds (), before);
  }
}

CASE (names_itself)
{
  struct nbd_handle *h = create ();
  const char *extra;

  CHECK_STR (nbd_get_package_name (h), "libnbd");
  CHECK_STR (nbd_get_version (h), "1.24.0");
  extra = nbd_get_version_extra (h);
  /* It must be possible to tell this library from the one in C. */
  CHECK (extra != NULL && strstr (extra, "Rust") != NULL);
  nbd_close (h);
}

CASE (names_outlive_the_handle)
{
  struct nbd_handle *h = create ();
  const char *name = nbd_get_package_name (h);
  const char *version = nbd_get_version (h);

  nbd_close (h);
  CHECK_STR (name, "libnbd");
  CHECK_EQ (version[0], '1');
}

CASE (says_what_it_supports)
{
  struct nbd_handle *h = create ();
  struct nbd_handle *other = create ();
  int tls = nbd_supports_tls (h), uri = nbd_supports_uri (h),
    vsock = nbd_supports_vsock (h);

  CHECK (tls == 0 || tls == 1);
  CHECK (uri == 0 || uri == 1);
  CHECK (vsock == 0 || vsock == 1);
  CHECK_EQ (nbd_supports_tls (other), tls);
  CHECK_EQ (nbd_supports_uri (other), uri);
  CHECK_EQ (nbd_supports_vsock (other), vsock);
  nbd_close (h);
  nbd_close (other);
}

CASE (tells_how_much_memory_a_handle_takes)
{
  struct nbd_handle *h = create ();
  ssize_t size = nbd_get_handle_size (h);

  /* No handle is as small as a few pointers; no sane one as large as this. */
  CHECK (size > 64 && size < 64 * 1024 * 1024);
  CHECK_EQ (nbd_connect_unix (h, nbdkit ("null", NULL)), 0);
  size = nbd_get_handle_size (h);
  CHECK (size > 64 && size < 64 * 1024 * 1024);
  nbd_close (h);
}

/* ---- Pointers that are no handles ---- */

/* Each tells whether the library noticed. */
static bool
use (struct nbd_handle *h)
{
  return nbd_set_debug (h, false) == -1 && nbd_get_errno () != 0;
}

static bool
look_at (struct nbd_handle *h)
{
  return nbd_aio_is_created (h) != 1;
}

static bool
close_again (struct nbd_handle *h)
{
  nbd_close (h);
  return true; /* Still here. */
}

/* The library may report the mistake or abort, which is safer.  It must not
 * go on as if nothing had happened, nor fall over by accident. */
static void
check_noticed (bool (*noticed) (struct nbd_handle *), struct nbd_handle *h)
{
  pid_t pid = fork ();
  int status;

  CHECK (pid != -1);
  if (pid == 0) {
    setrlimit (RLIMIT_CORE, &(struct rlimit) { 0, 0 });
    _exit (noticed (h) ? 0 : 1);
  }
  CHECK_EQ (waitpid (pid, &status, 0), pid);
  if (WIFSIGNALED (status))
    CHECK_EQ (WTERMSIG (status), SIGABRT);
  else
    CHECK_EQ (WEXITSTATUS (status), 0);
}

CASE (closed_handles_are_noticed)
{
  struct nbd_handle *volatile h = create (); /* Or the compiler objects. */

  nbd_close (h);
  check_noticed (use, h);
  check_noticed (look_at, h);
  check_noticed (close_again, h);
}

CASE (foreign_pointers_are_noticed)
{
  static max_align_t something[4096];
  struct nbd_handle *h = (struct nbd_handle *) something;

  check_noticed (use, h);
  check_noticed (look_at, h);
  check_noticed (close_again, h);
}
