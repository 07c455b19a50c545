/* The process that the library lives in, and the ones that it starts: standard
 * descriptors that are closed, signals, children that do not end, and an
 * environment that is not to be trusted. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* ---- Replacements, which come before those of the C library ---- */

/* A child that cannot be ended, and whether it may not even be signalled. */
static pid_t immortal;
static bool untouchable;
/* How much time the library has slept through meanwhile; nobody else does. */
static struct timespec skipped;

int
kill (pid_t pid, int signum)
{
  if (pid != immortal || pid == 0)
    return (int) syscall (SYS_kill, pid, signum);
  log_word ("%s", signum == SIGTERM ? "TERM" : signum == SIGKILL ? "KILL" : "?");
  if (untouchable) {
    errno = EPERM;
    return -1;
  }
  return 0;
}

pid_t
waitpid (pid_t pid, int *status, int options)
{
  if (pid != immortal || pid == 0)
    return wait4 (pid, status, options, NULL);
  if (!(options & WNOHANG))
    fail_at (__FILE__, __LINE__, "the library waits for ever");
  return 0;
}

int
clock_gettime (clockid_t clock, struct timespec *now)
{
  if (syscall (SYS_clock_gettime, clock, now) == -1)
    return -1;
  now->tv_sec += skipped.tv_sec;
  now->tv_nsec += skipped.tv_nsec;
  if (now->tv_nsec >= 1000000000) {
    now->tv_nsec -= 1000000000;
    now->tv_sec++;
  }
  return 0;
}

int
clock_nanosleep (clockid_t clock, int flags, const struct timespec *time,
                 struct timespec *left)
{
  if (immortal == 0 || flags != 0)
    return (int) syscall (SYS_clock_nanosleep, clock, flags, time, left);
  skipped.tv_sec += time->tv_sec;
  skipped.tv_nsec += time->tv_nsec;
  if (skipped.tv_nsec >= 1000000000) {
    skipped.tv_nsec -= 1000000000;
    skipped.tv_sec++;
  }
  return 0;
}

/* The program runs with more rights than whoever started it has. */
static bool privileged;

char *
secure_getenv (const char *name)
{
  return privileged ? NULL : getenv (name);
}

/* ---- The ways to run a server ---- */

/* Both first write what the command says into a file. */
static int
by_command (struct nbd_handle *h, const char *command)
{
  char *argv[] = {
    "sh", "-c", text ("(%s) > %s; exec nbdkit -s memory 1M", command,
                      temp_path ("report")), NULL
  };

  return nbd_connect_command (h, argv);
}

static int
by_activation (struct nbd_handle *h, const char *command)
{
  char *argv[] = {
    "sh", "-c", text ("(%s) > %s; exec nbdkit memory 1M", command,
                      temp_path ("report")), NULL
  };

  return nbd_connect_systemd_socket_activation (h, argv);
}

static const struct way {
  const char *name;
  int (*connect) (struct nbd_handle *h, const char *command);
} ways[] = {
  { "command", by_command },
  { "activation", by_activation },
};

#define FOR_EACH_WAY(way)                                                 \
  for (const struct way *way = ways; way < ways + 2; ++way)

/* ---- Descriptors ---- */

static int kept[3];

static void
close_stdio (void)
{
  fflush (NULL);
  for (int fd = 0; fd < 3; ++fd) {
    kept[fd] = fcntl (fd, F_DUPFD_CLOEXEC, 100);
    close (fd);
  }
}

static void
reopen_stdio (void)
{
  for (int fd = 0; fd < 3; ++fd) {
    dup2 (kept[fd], fd);
    close (kept[fd]);
  }
}

static bool
stdio_is_used (void)
{
  for (int fd = 0; fd < 3; ++fd)
    if (fcntl (fd, F_GETFD) != -1)
      return true;
  return false;
}

static int
by_unix (struct nbd_handle *h, const char *server)
{
  return nbd_connect_unix (h, server);
}

static int
by_tcp (struct nbd_handle *h, const char *port)
{
  return nbd_connect_tcp (h, "127.0.0.1", port);
}

static bool used_at_fork;

static void
look_before_fork (void)
{
  used_at_fork = stdio_is_used ();
}

static void
connect_without_stdio (int (*connect) (struct nbd_handle *h, const char *how),
                       const char *how)
{
  struct nbd_handle *h = create ();
  int result, fd;
  bool used;

  close_stdio ();
  result = connect (h, how);
  fd = nbd_aio_get_fd (h);
  used = stdio_is_used ();
  reopen_stdio ();
  CHECK_EQ (result, 0);
  CHECK (fd > 2);
  CHECK (!used);
  check_works (h);
  nbd_close (h);
}

CASE (closed_stdio_stays_closed)
{
  connect_without_stdio (by_unix, nbdkit ("memory", "1M", NULL));
  connect_without_stdio (by_tcp, nbdkit_on_tcp ("127.0.0.1"));
}

/* The server finds something harmless where its own files would end up. */
CASE (closed_stdio_when_a_server_is_run)
{
  const char *links = "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done | "
                      "cut -d: -f1";

  CHECK_EQ (pthread_atfork (look_before_fork, NULL, NULL), 0);
  FOR_EACH_WAY (way) {
    situation ("%s", way->name);
    connect_without_stdio (way->connect, links);
    CHECK (!used_at_fork);
    CHECK_STR (contents (temp_path ("report")),
               way->connect == by_command ? "socket\nsocket\n/dev/null\n"
               : "/dev/null\n/dev/null\n/dev/null\n");
  }
}

/* ---- Signals ---- */

CASE (no_signal_is_blocked_in_the_child)
{
  FOR_EACH_WAY (way) {
    struct nbd_handle *h = create ();
    unsigned long long blocked = ~0ULL;
    sigset_t all, before, after;
    int result;

    situation ("%s", way->name);
    sigfillset (&all);
    CHECK_EQ (pthread_sigmask (SIG_SETMASK, &all, &before), 0);
    result = way->connect (h, "grep SigBlk: /proc/$$/status");
    CHECK_EQ (pthread_sigmask (SIG_SETMASK, &before, &after), 0);
    CHECK_EQ (result, 0);
    CHECK_EQ (sscanf (contents (temp_path ("report")), "SigBlk: %llx",
                      &blocked), 1);
    CHECK_EQ (blocked, 0);
    /* And the host is left as it was. */
    CHECK (sigismember (&after, SIGTERM) && sigismember (&after, SIGUSR1));
    check_works (h);
    nbd_close (h);
  }
}

CASE (the_mask_is_left_alone_when_a_program_cannot_be_run)
{
  char *argv[] = { "/there/is/no/such/program", NULL };
  struct nbd_handle *h = create ();
  sigset_t one, after;

  sigemptyset (&one);
  sigaddset (&one, SIGUSR2);
  CHECK_EQ (pthread_sigmask (SIG_SETMASK, &one, NULL), 0);
  CHECK_ERR (nbd_connect_command (h, argv), ENOENT);
  CHECK_EQ (pthread_sigmask (SIG_SETMASK, NULL, &after), 0);
  for (int signum = 1; signum < 32; ++signum)
    CHECK_EQ (sigismember (&after, signum), signum == SIGUSR2);
  nbd_close (h);
}

/* What a handler shares with the child: the pipe that wakes a main loop. */
static int wake[2];

static void
wake_main_loop (int signum)
{
  (void) signum;
  CHECK_EQ (write (wake[1], "!", 1), 1);
}

static void
signal_the_child (void)
{
  kill (getpid (), SIGWINCH);
}

CASE (handlers_of_the_host_do_not_run_in_the_child)
{
  char byte;

  CHECK_EQ (pipe2 (wake, O_CLOEXEC|O_NONBLOCK), 0);
  signal (SIGWINCH, wake_main_loop);
  CHECK_EQ (pthread_atfork (NULL, NULL, signal_the_child), 0);
  FOR_EACH_WAY (way) {
    struct nbd_handle *h = create ();

    situation ("%s", way->name);
    CHECK_EQ (way->connect (h, "grep SigCgt: /proc/$$/status"), 0);
    CHECK (read (wake[0], &byte, 1) == -1 && errno == EAGAIN);
    check_works (h);
    nbd_close (h);
  }
  close (wake[0]);
  close (wake[1]);
}

/* ---- Children that do not end ---- */

/* Closes the handle of one; returns what the library says about it. */
static const char *
close_with_immortal_child (void)
{
  const char *path = temp_path ("stderr");
  int fd = open (path, O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0666);
  int kept = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
  struct nbd_handle *h = create ();
  pid_t pid;

  CHECK (fd != -1 && kept != -1);
  CHECK_EQ (by_command (h, "true"), 0);
  pid = (pid_t) nbd_get_subprocess_pid (h);
  CHECK_EQ (nbd_set_debug (h, true), 0);
  CHECK (dup2 (fd, STDERR_FILENO) != -1);
  close (fd);
  immortal = pid;
  nbd_close (h);
  immortal = 0;
  CHECK (dup2 (kept, STDERR_FILENO) != -1);
  close (kept);
  /* It was left to the program. */
  CHECK_EQ (waitpid (pid, NULL, 0), pid);
  check_no_children ();
  CHECK (strstr (contents (path), text ("process %d ", pid)) != NULL);
  return contents (path);
}

CASE (child_that_does_not_die_is_left)
{
  close_with_immortal_child ();
  CHECK_STR (logged (), "TERM KILL");
  CHECK (skipped.tv_sec < 60);
}

CASE (child_that_may_not_be_signalled_is_left)
{
  untouchable = true;
  close_with_immortal_child ();
  CHECK_STR (logged (), "TERM");
  CHECK (skipped.tv_sec < 60);
}

/* ---- The environment ---- */

CASE (search_path_of_a_privileged_program)
{
  const char *dir = temp_path ("bin");
  char *argv[] = { "the-server", NULL };

  CHECK_EQ (mkdir (dir, 0777), 0);
  make_file (text ("%s/the-server", dir), "exec nbdkit -s memory 1M\n", 0755);
  setenv ("PATH", text ("%s:%s", dir, getenv ("PATH")), 1);
  for (int i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();

    privileged = i == 1;
    situation (privileged ? "privileged" : "ordinary");
    if (privileged)
      CHECK_ERR (nbd_connect_command (h, argv), ENOENT);
    else
      CHECK_EQ (nbd_connect_command (h, argv), 0);
    nbd_close (h);
  }
}

CASE (no_environment_at_all)
{
  FOR_EACH_WAY (way) {
    struct nbd_handle *h = create ();

    situation ("%s", way->name);
    CHECK_EQ (clearenv (), 0);
    CHECK_EQ (way->connect (h, "true"), 0);
    check_works (h);
    nbd_close (h);
  }
}
