/* Servers run as a subprocess that speaks on its standard input and output. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NBDKIT "nbdkit", "-s", "memory", "1M"

static struct nbd_handle *
run (char *const *argv)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_command (h, (char **) argv), 0);
  check_works (h);
  return h;
}

static const char *
make_directory (const char *name)
{
  const char *path = temp_path (name);

  CHECK_EQ (mkdir (path, 0777), 0);
  return path;
}

CASE (runs_and_ends_with_the_handle)
{
  unsigned before = open_fds ();
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });
  int fd = nbd_aio_get_fd (h);

  CHECK (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  CHECK (fcntl (fd, F_GETFL) & O_NONBLOCK);
  nbd_close (h);
  CHECK_EQ (open_fds (), before);
  check_no_children ();
}

CASE (aio)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_command (h, argv), 0);
  while (nbd_aio_is_connecting (h))
    CHECK_EQ (nbd_poll (h, -1), 1);
  check_works (h);
  nbd_close (h);
  check_no_children ();
}

CASE (closing_before_the_handshake)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_command (h, argv), 0);
  nbd_close (h);
  check_no_children ();
}

/* Had the second child inherited the first one's connection, the first child
 * would never see it end, and closing would wait forever. */
CASE (two_at_once)
{
  struct nbd_handle *first = run ((char *[]) { NBDKIT, NULL });
  struct nbd_handle *second = run ((char *[]) { NBDKIT, NULL });

  nbd_close (first);
  check_works (second);
  nbd_close (second);
  check_no_children ();
}

CASE (process_id)
{
  struct nbd_handle *h = create ();
  char *argv[] = { NBDKIT, NULL };
  pid_t pid;

  CHECK_ERR (nbd_get_subprocess_pid (h), ESRCH);
  CHECK_EQ (nbd_connect_command (h, argv), 0);
  pid = (pid_t) nbd_get_subprocess_pid (h);
  CHECK (pid > 0 && pid != getpid ());
  CHECK_EQ (kill (pid, 0), 0);
  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbd_get_subprocess_pid (h), pid);
  nbd_close (h);
  CHECK (kill (pid, 0) == -1 && errno == ESRCH);
}

CASE (no_process_id_without_a_subprocess)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", NULL));

  CHECK_ERR (nbd_get_subprocess_pid (h), ESRCH);
  nbd_close (h);
}

CASE (killing)
{
  struct nbd_handle *h = create ();
  char *argv[] = { NBDKIT, NULL };
  char buf[512];

  CHECK_ERR (nbd_kill_subprocess (h, 0), ESRCH);
  CHECK_ERR (nbd_kill_subprocess (h, -1), ESRCH);
  CHECK_EQ (nbd_connect_command (h, argv), 0);
  CHECK_ERR (nbd_kill_subprocess (h, -1), EINVAL);
  CHECK_ERR (nbd_kill_subprocess (h, 100000), EINVAL);
  check_works (h);
  CHECK_EQ (nbd_kill_subprocess (h, SIGKILL), 0);
  wait_for_end (h);
  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), EINVAL);
  nbd_close (h);
  check_no_children ();
}

CASE (killing_with_the_default_signal)
{
  /* A program that ends on SIGTERM with a status of its own choice. */
  const char *report = temp_path ("report");
  char *argv[] = {
    "sh", "-c",
    text ("trap 'echo TERM >%s; exit' TERM; echo up >%s; "
          "while :; do sleep 0.01; done", report, report),
    NULL
  };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_command (h, argv), 0);
  while (access (report, F_OK) == -1 || strcmp (contents (report), "up\n") != 0)
    usleep (5000);
  CHECK_EQ (nbd_kill_subprocess (h, 0), 0);
  nbd_close (h);
  CHECK_STR (contents (report), "TERM\n");
}

/* ---- Programs that do not work ---- */

CASE (empty_list)
{
  struct nbd_handle *h = create ();
  char *argv[] = { NULL };

  CHECK_ERR (nbd_connect_command (h, argv), EINVAL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_aio_connect_command (h, argv), EINVAL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  nbd_close (h);
}

CASE (program_that_ends_early)
{
  char *argv[] = { "true", NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_command (h, argv), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

CASE (program_that_does_not_exist)
{
  static const char *const names[] = {
    "there-is-no-such-program", "/there/is/no/such/program",
  };
  const char *path = temp_path ("stderr");
  int fd = open (path, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0666);

  CHECK (fd != -1 && dup2 (fd, STDERR_FILENO) != -1);
  close (fd);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    char *argv[] = { text ("%s", names[i]), NULL };
    struct nbd_handle *h = create ();

    situation ("%s", names[i]);
    CHECK_ERR (nbd_connect_command (h, argv), ANY_ERRNO);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    /* The name is in the message, or in what the child said. */
    CHECK (strstr (nbd_get_error (), names[i]) != NULL ||
           strstr (contents (path), names[i]) != NULL);
    nbd_close (h);
    check_no_children ();
  }
}

CASE (program_without_a_name)
{
  struct nbd_handle *h = create ();
  char *argv[] = { "", NULL };

  CHECK_ERR (nbd_connect_command (h, argv), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

CASE (empty_search_path)
{
  struct nbd_handle *h = create ();
  char *argv[] = { NBDKIT, NULL };

  setenv ("PATH", "", 1);
  CHECK_ERR (nbd_connect_command (h, argv), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
}

CASE (program_that_writes_garbage)
{
  char *argv[] = { "sh", "-c", "echo This is no NBD server.; cat >/dev/null",
                   NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_command (h, argv), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

CASE (program_that_ends_within_the_greeting)
{
  char *argv[] = { "printf", "NBDMAGICIHAVE", NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_command (h, argv), 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

CASE (program_that_may_not_be_run)
{
  const char *path = temp_path ("data");
  char *argv[] = { text ("%s", path), NULL };
  struct nbd_handle *h = create ();

  make_file (path, "not for running", 0644);
  CHECK_ERR (nbd_connect_command (h, argv), EACCES);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  nbd_close (h);
  check_no_children ();
}

/* ---- The end ---- */

/* Starts a shell that first does what `setup` says, says so, and then sleeps
 * without looking at its input. */
static struct nbd_handle *
sleeper (const char *setup)
{
  const char *report = temp_path ("up");
  char *argv[] = {
    "sh", "-c",
    text ("%s; echo up > %s; while :; do sleep 0.05; done", setup, report),
    NULL
  };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_command (h, argv), 0);
  while (access (report, F_OK) == -1)
    usleep (5000);
  return h;
}

/* A server that has data to write when its client is gone must get the time
 * to do so: it is not killed as long as it seems to be finishing. */
CASE (server_finishes_its_work)
{
  const char *report = temp_path ("report");
  char *argv[] = {
    "sh", "-c",
    text ("nbdkit -s memory 1M; sleep 0.5; echo finished > %s", report), NULL
  };
  struct nbd_handle *h = run (argv);

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  nbd_close (h);
  CHECK_STR (contents (report), "finished\n");
  check_no_children ();
}

CASE (server_that_ignores_the_end_is_asked_to_finish)
{
  const char *report = temp_path ("report");

  nbd_close (sleeper (text ("trap 'echo TERM > %s; exit' TERM", report)));
  CHECK_STR (contents (report), "TERM\n");
  check_no_children ();
}

CASE (server_that_ignores_everything_is_killed)
{
  nbd_close (sleeper ("trap '' TERM HUP INT PIPE"));
  check_no_children ();
}

CASE (server_that_is_stopped_is_killed)
{
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });

  CHECK_EQ (nbd_kill_subprocess (h, SIGSTOP), 0);
  nbd_close (h);
  check_no_children ();
}

/* Whoever ignores SIGCHLD has no zombies, and nothing to wait for. */
CASE (host_that_ignores_its_children)
{
  struct nbd_handle *h;

  signal (SIGCHLD, SIG_IGN);
  h = run ((char *[]) { NBDKIT, NULL });
  nbd_close (h);
  check_no_children ();
  signal (SIGCHLD, SIG_DFL);
}

static void
ignore_signal (int signum)
{
  (void) signum;
}

/* Signals interrupt system calls, but not the library. */
CASE (host_that_receives_signals)
{
  /* Without SA_RESTART. */
  struct sigaction action = { .sa_handler = ignore_signal };
  const char *argv[] = {
    "sh", "-c", text ("while kill -USR1 %d; do sleep 0.002; done", getpid ()),
    NULL
  };

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  start (argv);
  for (int i = 0; i < 10; ++i) {
    struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });
    pid_t pid = (pid_t) nbd_get_subprocess_pid (h);

    nbd_close (h);
    CHECK (kill (pid, 0) == -1 && errno == ESRCH);
  }
  kill_servers ();
}

/* ---- Finding the program ---- */

CASE (search_goes_on_past_what_cannot_run)
{
  const char *first = make_directory ("first");
  const char *second = make_directory ("second");

  make_file (text ("%s/the-server", first), "not for running", 0644);
  make_file (text ("%s/the-server", second),
             "#!/bin/sh\nexec /usr/bin/env nbdkit -s memory 1M\n", 0755);
  setenv ("PATH", text ("/nonexistent:%s:%s/:%s", first, second,
                        getenv ("PATH")), 1);
  nbd_close (run ((char *[]) { "the-server", NULL }));
}

CASE (empty_element_is_the_current_directory)
{
  const char *dir = make_directory ("here");

  make_file (text ("%s/the-server", dir),
             "#!/bin/sh\nexec nbdkit -s memory 1M\n", 0755);
  CHECK_EQ (chdir (dir), 0);
  setenv ("PATH", text (":%s", getenv ("PATH")), 1);
  nbd_close (run ((char *[]) { "the-server", NULL }));
}

CASE (name_with_slash_is_not_searched)
{
  const char *dir = make_directory ("here");

  make_file (text ("%s/the-server", dir),
             "#!/bin/sh\nexec nbdkit -s memory 1M\n", 0755);
  CHECK_EQ (chdir (dir), 0);
  nbd_close (run ((char *[]) { "./the-server", NULL }));
}

CASE (script_without_interpreter_line)
{
  const char *dir = make_directory ("scripts");

  make_file (text ("%s/the-server", dir), "exec nbdkit -s \"$1\" \"$2\"\n",
             0755);
  setenv ("PATH", text ("%s:%s", dir, getenv ("PATH")), 1);
  nbd_close (run ((char *[]) { "the-server", "memory", "1M", NULL }));
}

/* ---- What the child inherits ---- */

CASE (arguments_environment_and_descriptors)
{
  const char *report = temp_path ("report");
  const char *fds = text ("ls /proc/$$/fd >> %s", report);
  struct nbd_handle *other, *h;
  const char *baseline;

  /* Whoever started this test may have left descriptors of its own. */
  CHECK_EQ (system (fds), 0);
  baseline = text ("%s", contents (report));
  other = run ((char *[]) { NBDKIT, NULL });
  setenv ("THE_ENVIRONMENT", "inherited", 1);
  h = run ((char *[]) {
      "sh", "-c",
      text ("echo \"[$1] [$2] $THE_ENVIRONMENT\" > %s; %s; "
            "exec nbdkit -s memory 1M", report, fds),
      "sh", "an argument", "", NULL });
  /* Nothing of either handle but the connection as fd 0 and 1. */
  CHECK_STR (contents (report),
             text ("[an argument] [] inherited\n%s", baseline));
  nbd_close (h);
  nbd_close (other);
}

/* A host that ignores SIGPIPE must not make its servers do so. */
CASE (sigpipe_is_default_in_the_child)
{
  const char *report = temp_path ("report");
  unsigned long long ignored;
  struct sigaction action;
  struct nbd_handle *h;

  signal (SIGPIPE, SIG_IGN);
  h = run ((char *[]) {
      "sh", "-c",
      text ("grep SigIgn: /proc/$$/status > %s; exec nbdkit -s memory 1M",
            report), NULL });
  CHECK_EQ (sscanf (contents (report), "SigIgn: %llx", &ignored), 1);
  CHECK_EQ (ignored & (1ULL << (SIGPIPE - 1)), 0);
  /* And the host is left as it was. */
  CHECK_EQ (sigaction (SIGPIPE, NULL, &action), 0);
  CHECK (action.sa_handler == SIG_IGN);
  nbd_close (h);
}

CASE (child_gets_a_blocking_connection)
{
  const char *report = temp_path ("report");
  unsigned flags;
  struct nbd_handle *h = run ((char *[]) {
      "sh", "-c",
      text ("grep flags: /proc/$$/fdinfo/0 > %s; exec nbdkit -s memory 1M",
            report), NULL });

  CHECK_EQ (sscanf (contents (report), "flags: %o", &flags), 1);
  CHECK_EQ (flags & O_NONBLOCK, 0);
  nbd_close (h);
}
