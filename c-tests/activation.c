/* Servers that find a listening socket when they start: nbdkit, qemu-nbd and
 * the server of this project, and programs that only look at what they got. */
#include "test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NBDKIT "nbdkit", "memory", "1M"

/* The directory that the library made last. */
static char directory[64];

/* Comes before that of the C library. */
char *
mkdtemp (char *template)
{
  char *(*real) (char *);
  char *result;

  *(void **) &real = dlsym (RTLD_NEXT, "mkdtemp");
  result = real (template);
  /* The harness makes directories as well. */
  if (result != NULL && strncmp (result, "/tmp/libnbd", 11) == 0)
    snprintf (directory, sizeof directory, "%s", result);
  return result;
}

static void
check_nothing_left (void)
{
  CHECK (directory[0] != '\0');
  CHECK (access (directory, F_OK) == -1 && errno == ENOENT);
  check_no_children ();
  directory[0] = '\0';
}

static struct nbd_handle *
run (char *const *argv)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_systemd_socket_activation (h, (char **) argv), 0);
  return h;
}

static void
close_and_check (struct nbd_handle *h)
{
  nbd_close (h);
  check_nothing_left ();
}

/* ---- Servers ---- */

CASE (nbdkit_activated)
{
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });

  check_works (h);
  close_and_check (h);
}

CASE (nbdkit_activated_aio)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_systemd_socket_activation (h, argv), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  poll_while_connecting (h);
  check_works (h);
  close_and_check (h);
}

CASE (qemu_nbd_activated)
{
  struct nbd_handle *h = run ((char *[]) {
      "qemu-nbd", "-f", "raw", temp_disk ("disk", 1048576), NULL });

  check_works (h);
  close_and_check (h);
}

CASE (embedded_server_activated)
{
  struct nbd_handle *h = run ((char *[]) {
      getenv ("EMBEDDED_SERVER"), "--size", "1M", NULL });

  check_works (h);
  close_and_check (h);
}

CASE (option_mode)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  CHECK_EQ (nbd_opt_go (h), 0);
  check_works (h);
  close_and_check (h);
}

/* ---- The socket ---- */

CASE (others_can_connect)
{
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });
  struct nbd_handle *other = create ();
  char *uri = nbd_get_uri (h);

  CHECK_STR (uri, text ("nbd+unix:///?socket=%s/sock", directory));
  CHECK_EQ (nbd_connect_uri (other, uri), 0);
  check_works (other);
  nbd_close (other);
  check_works (h);
  free (uri);
  close_and_check (h);
}

CASE (nobody_else_can)
{
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });
  struct stat st;

  CHECK_EQ (stat (directory, &st), 0);
  CHECK_EQ (st.st_mode & 07777, 0700);
  close_and_check (h);
}

CASE (two_at_once)
{
  struct nbd_handle *first = run ((char *[]) { NBDKIT, NULL });
  char *of_first = text ("%s", directory);
  struct nbd_handle *second = run ((char *[]) { NBDKIT, NULL });

  CHECK (strcmp (of_first, directory) != 0);
  nbd_close (first);
  CHECK_EQ (access (of_first, F_OK), -1);
  check_works (second);
  close_and_check (second);
}

/* ---- What the server gets ---- */

/* Runs a server that first writes what the command says into a file. */
static const char *
reported (struct nbd_handle *h, const char *command)
{
  const char *report = temp_path ("report");
  char *argv[] = {
    "sh", "-c", text ("(%s) > %s; exec nbdkit memory 1M", command, report),
    "sh", "an argument", "", NULL
  };

  unlink (report);
  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
  check_works (h);
  return contents (report);
}

CASE (environment)
{
  struct nbd_handle *h = create ();

  /* Left over from whoever activated us. */
  setenv ("LISTEN_PID", "1", 1);
  setenv ("LISTEN_FDS", "7", 1);
  setenv ("LISTEN_FDNAMES", "stale", 1);
  setenv ("THE_ENVIRONMENT", "inherited", 1);
  /* The shell keeps the first of several values, env shows them all. */
  CHECK_STR (reported (h, "echo \"[$1] [$2] $THE_ENVIRONMENT\"; "
                       "[ \"$LISTEN_PID\" = $$ ] && echo own pid; "
                       "env | grep '^LISTEN_F' | sort; "
                       "env | grep -c ^LISTEN_PID="),
             "[an argument] [] inherited\nown pid\n"
             "LISTEN_FDNAMES=unknown\nLISTEN_FDS=1\n1\n");
  CHECK_STR (getenv ("LISTEN_FDNAMES"), "stale");
  close_and_check (h);
}

CASE (variables_come_first)
{
  struct nbd_handle *h = create ();

  CHECK_STR (reported (h, "tr '\\0' '\\n' < /proc/$$/environ | head -n 3 | "
                       "cut -d= -f1 | sort"),
             "LISTEN_FDNAMES\nLISTEN_FDS\nLISTEN_PID\n");
  close_and_check (h);
}

CASE (name_of_the_socket)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_socket_activation_name (h, "theDisk1"), 0);
  CHECK_STR (reported (h, "echo $LISTEN_FDNAMES"), "theDisk1\n");
  CHECK_ERR (nbd_set_socket_activation_name (h, "other"), EINVAL);
  close_and_check (h);
}

CASE (descriptors)
{
  const char *list = "readlink /proc/$$/fd/3 | cut -d: -f1; "
                     "ls /proc/$$/fd | grep -vx 3";
  const char *path = temp_path ("without");
  struct nbd_handle *h = create ();
  const char *baseline;
  int low[4];

  /* Whoever started this test may have left descriptors of its own. */
  CHECK_EQ (system (text ("exec 3< /dev/null; (%s) > %s", list, path)), 0);
  baseline = contents (path);
  CHECK (strncmp (baseline, "/dev/null\n", 10) == 0);
  /* Wherever the library's own descriptors would end up. */
  for (int i = 0; i < 4; ++i)
    low[i] = open ("/dev/null", O_RDONLY|O_CLOEXEC);
  CHECK_STR (reported (h, list), text ("socket\n%s", baseline + 10));
  for (int i = 0; i < 4; ++i)
    close (low[i]);
  close_and_check (h);
}

CASE (sigpipe_is_default_in_the_child)
{
  struct nbd_handle *h = create ();
  unsigned long long ignored;

  signal (SIGPIPE, SIG_IGN);
  CHECK_EQ (sscanf (reported (h, "grep SigIgn: /proc/$$/status"),
                    "SigIgn: %llx", &ignored), 1);
  CHECK_EQ (ignored & (1ULL << (SIGPIPE - 1)), 0);
  close_and_check (h);
}

CASE (program_is_searched_for)
{
  const char *dir = temp_path ("bin");
  const char *before = getenv ("PATH");

  CHECK_EQ (mkdir (dir, 0777), 0);
  make_file (text ("%s/the-server", dir), "exec nbdkit memory 1M\n", 0755);
  setenv ("PATH", text ("/nonexistent:%s:%s", dir, before), 1);
  close_and_check (run ((char *[]) { "the-server", NULL }));
}

/* ---- The name ---- */

static void
check_name (struct nbd_handle *h, const char *wanted)
{
  char *name = nbd_get_socket_activation_name (h);

  CHECK_STR (name, wanted);
  free (name);
}

CASE (names)
{
  static const char *const wrong[] = { "a b", "a:b", "a-b", "a_b", "\xc3\xa9",
                                       "a\n" };
  struct nbd_handle *h = create ();
  const char *longest = text ("%032d", 1);

  check_name (h, "");
  CHECK_EQ (nbd_set_socket_activation_name (h, "aZ09"), 0);
  check_name (h, "aZ09");
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    situation ("%s", wrong[i]);
    CHECK_ERR (nbd_set_socket_activation_name (h, wrong[i]), EINVAL);
    check_name (h, "aZ09");
  }
  CHECK_ERR (nbd_set_socket_activation_name (h, text ("%033d", 1)),
             ENAMETOOLONG);
  check_name (h, "aZ09");
  CHECK_EQ (nbd_set_socket_activation_name (h, longest), 0);
  check_name (h, longest);
  CHECK_EQ (nbd_set_socket_activation_name (h, ""), 0);
  check_name (h, "");
  nbd_close (h);
}

/* ---- Programs that do not work ---- */

CASE (empty_list)
{
  struct nbd_handle *h = create ();
  char *argv[] = { NULL };

  CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), EINVAL);
  CHECK_ERR (nbd_aio_connect_systemd_socket_activation (h, argv), EINVAL);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_STR (directory, "");
  nbd_close (h);
}

CASE (program_that_does_not_exist)
{
  char *argv[] = { "/there/is/no/such/program", NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), ENOENT);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  /* There is no need to close the handle first. */
  check_nothing_left ();
  CHECK_ERR (nbd_get_subprocess_pid (h), ESRCH);
  nbd_close (h);
}

CASE (program_that_ends_early)
{
  char *argv[] = { "true", NULL };
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), ANY_ERRNO);
  CHECK (nbd_get_errno () == ECONNRESET || nbd_get_errno () == ECONNREFUSED ||
         nbd_get_errno () == 0);
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  close_and_check (h);
}

CASE (closing_before_the_handshake)
{
  char *argv[] = { NBDKIT, NULL };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_systemd_socket_activation (h, argv), 0);
  close_and_check (h);
}

CASE (too_few_descriptors)
{
  char *argv[] = { NBDKIT, NULL };
  struct rlimit limit;
  /* Valgrind lets socketpair exceed the limit, and then refuses what it made. */
  int wanted = under_valgrind () ? ANY_ERRNO : EMFILE;
  int fds[64];
  size_t n = 0;

  CHECK_EQ (getrlimit (RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 64;
  CHECK_EQ (setrlimit (RLIMIT_NOFILE, &limit), 0);
  while ((fds[n] = open ("/dev/null", O_RDONLY|O_CLOEXEC)) != -1)
    n++;
  CHECK_EQ (errno, EMFILE);
  /* At each point where the library needs one more. */
  for (int spare = 0; spare < 5; ++spare) {
    struct nbd_handle *h = create ();

    situation ("%d spare descriptors", spare);
    CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), wanted);
    CHECK_EQ (nbd_aio_is_dead (h), 1);
    close_and_check (h);
    close (fds[--n]);
  }
  while (n > 0)
    close (fds[--n]);
}

/* ---- The end ---- */

CASE (process_id_and_signals)
{
  struct nbd_handle *h = run ((char *[]) { NBDKIT, NULL });
  pid_t pid = (pid_t) nbd_get_subprocess_pid (h);
  char buf[512];

  CHECK (pid > 0 && kill (pid, 0) == 0);
  CHECK_ERR (nbd_kill_subprocess (h, -1), EINVAL);
  CHECK_EQ (nbd_kill_subprocess (h, SIGKILL), 0);
  wait_for_end (h);
  CHECK_ERR (nbd_pread (h, buf, sizeof buf, 0, 0), EINVAL);
  CHECK_EQ (nbd_get_subprocess_pid (h), pid);
  close_and_check (h);
}

/* A server that listens does not end with a connection. */
CASE (server_is_asked_to_finish)
{
  const char *report = temp_path ("report");
  char *argv[] = {
    "sh", "-c",
    text ("trap 'echo TERM >%s; exit' TERM; echo up >%s; "
          "while :; do sleep 0.01; done", report, report),
    NULL
  };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_systemd_socket_activation (h, argv), 0);
  while (access (report, F_OK) == -1 || strcmp (contents (report), "up\n") != 0)
    usleep (5000);
  close_and_check (h);
  CHECK_STR (contents (report), "TERM\n");
}

CASE (server_that_ignores_everything)
{
  const char *report = temp_path ("report");
  char *argv[] = {
    "sh", "-c",
    text ("trap '' TERM; echo up >%s; while :; do sleep 0.1; done", report),
    NULL
  };
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_systemd_socket_activation (h, argv), 0);
  while (access (report, F_OK) == -1)
    usleep (5000);
  close_and_check (h);
}
