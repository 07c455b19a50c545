/* Faults from below: system calls, signals and limits.
 *
 * Each case performs one piece of work, counts the system calls that the library
 * makes for it, and repeats it once for each way in which each of them can fail.
 * Whatever happens, errors are clean, data is right, callbacks are called once
 * and nothing is left behind. */
#include "../c-tests/support/tls.h"
#include "calls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <libnbdx.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

/* A run that takes longer hangs; it usually takes milliseconds. */
enum { PATIENCE = 10 };

static bool
is_long (void)
{
  const char *torture = getenv ("TORTURE");

  return torture != NULL && strcmp (torture, "long") == 0;
}

/* ---- The work ---- */

/* What became of one run, in memory that it shares with the harness. */
struct tally {
  unsigned long runs, happened, harmless, failed_calls, bytes;
};

static struct tally *tally;

static unsigned failures;      /* Failed calls of this run. */

/* A call of the library, which may fail; if it does, with a message of its own.
 * The value is its result. */
#define TRY(call)                                                       \
  ({                                                                    \
    int64_t result_;                                                    \
                                                                        \
    forget_error ();                                                    \
    result_ = (int64_t) (call);                                         \
    if (result_ == -1) {                                                \
      check_failed (__FILE__, __LINE__, #call, true, ANY_ERRNO);        \
      failures++;                                                       \
    }                                                                   \
    result_;                                                            \
  })

enum { SIZE = 4096, COMMANDS = 6, STALE = 0xaa };

/* All runs write the same, to this place; the rest of the disk is zero. */
static const uint64_t place = 1 << 20;
static uint8_t written[SIZE], got[SIZE], bufs[COMMANDS][SIZE];
static struct record records[COMMANDS];
static int64_t cookies[COMMANDS];

static int
extents_are_sane (void *calls, const char *context, uint64_t offset, uint32_t *entries,
                  size_t count, int *error)
{
  (void) context, (void) error;
  ++*(unsigned *) calls;
  CHECK (offset == place && count > 0 && count % 2 == 0 && entries[0] > 0);
  return 0;
}

/* Nothing but what the disk contains, and zeroes. */
static void
check_read (const uint8_t *buf, const uint8_t *content, bool complete)
{
  for (size_t i = 0; i < SIZE; ++i) {
    uint8_t wanted = content == NULL ? 0 : content[i];

    if (buf[i] != wanted && (complete || buf[i] != 0))
      fail_at (__FILE__, __LINE__, "byte %zu is %#x, wanted %#x", i, buf[i], wanted);
  }
  if (complete)
    tally->bytes += SIZE;
}

static void
calls_that_wait (struct nbd_handle *h)
{
  unsigned calls = 0;
  const nbd_extent_callback extents = { extents_are_sane, &calls, NULL };
  bool ok = TRY (nbd_pwrite (h, written, SIZE, place, 0)) == 0;

  memset (got, STALE, SIZE);
  if (TRY (nbd_pread (h, got, SIZE, place, 0)) == 0)
    check_read (got, ok ? written : got, true);
  else
    check_read (got, written, false);
  TRY (nbd_get_size (h));
  TRY (nbd_flush (h, 0));
  TRY (nbd_block_status (h, SIZE, place, extents, 0));
  if (TRY (nbd_zero (h, SIZE, place, 0)) == 0) {
    memset (got, STALE, SIZE);
    if (TRY (nbd_pread (h, got, SIZE, place, 0)) == 0)
      check_read (got, NULL, true);
  }
}

/* Each command that was accepted completes once, with the connection or
 * without it; the others not at all, and their closures are freed. */
static void
calls_that_do_not_wait (struct nbd_handle *h)
{
  for (int i = 0; i < COMMANDS; ++i) {
    records[i] = (struct record) { .result = 1 };
    memset (bufs[i], STALE, SIZE);
    cookies[i] = TRY (nbd_aio_pread (h, bufs[i], SIZE, (uint64_t) i * SIZE,
                                     completion (&records[i]), 0));
  }
  while (nbd_aio_in_flight (h) > 0)
    if (TRY (nbd_poll (h, -1)) == -1 && !nbd_aio_is_dead (h))
      break;    /* Would fail again, perhaps for ever. */
  for (int i = 0; i < COMMANDS; ++i) {
    if (records[i].calls > 0)
      check_read (bufs[i], NULL, records[i].error == 0);
    if (records[i].calls > 0 && records[i].error != 0)
      failures++;
  }
}

/* The end: what had not completed has by now. */
static void
close_handle (struct nbd_handle *h)
{
  nbd_close (h);
  for (int i = 0; i < COMMANDS; ++i)
    if (cookies[i] != 0) {
      CHECK_EQ (records[i].calls, cookies[i] > 0);
      CHECK_EQ (records[i].frees, 1);
    }
}

/* ---- The ways to connect ---- */

/* Sets a handle up, connects, and returns whether that succeeded. */
typedef bool way (struct nbd_handle *h);

static const char *server, *port, *uri;

static bool
by_unix_socket (struct nbd_handle *h)
{
  return TRY (nbd_connect_unix (h, server)) == 0;
}

static bool
by_tcp (struct nbd_handle *h)
{
  return TRY (nbd_connect_tcp (h, "localhost", port)) == 0;
}

static bool
by_uri (struct nbd_handle *h)
{
  return TRY (nbd_connect_uri (h, uri)) == 0;
}

static bool
by_command (struct nbd_handle *h)
{
  char *argv[] = { getenv ("EMBEDDED_SERVER"), "--stdio", "--context", "base:allocation", NULL };

  return TRY (nbd_connect_command (h, argv)) == 0;
}

static bool
by_activation (struct nbd_handle *h)
{
  char *argv[] = { getenv ("EMBEDDED_SERVER"), "--once", "--context", "base:allocation", NULL };

  return TRY (nbd_connect_systemd_socket_activation (h, argv)) == 0;
}

/* The library owns the socket unless it says that there is something wrong with
 * it. */
static bool
by_socket (struct nbd_handle *h)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  bool armed = disarm ();
  int fd;

  fd = socket (AF_UNIX, SOCK_STREAM, 0);
  snprintf (address.sun_path, sizeof address.sun_path, "%s", server);
  CHECK_EQ (connect (fd, (struct sockaddr *) &address, sizeof address), 0);
  rearm (armed);
  if (TRY (nbd_connect_socket (h, fd)) == 0)
    return true;
  if (nbd_aio_is_created (h))
    close (fd);
  return false;
}

static bool
poll_until_connected (struct nbd_handle *h)
{
  while (nbd_aio_is_connecting (h))
    if (TRY (nbd_poll (h, -1)) == -1)
      break;
  return nbd_aio_is_ready (h);
}

static bool
in_the_background (struct nbd_handle *h)
{
  return TRY (nbd_aio_connect_tcp (h, "localhost", port)) == 0 && poll_until_connected (h);
}

/* Limits that nothing exceeds. */
static void
set_limits (struct nbd_handle *h)
{
  for (int which = NBDX_TIMEOUT_CONNECT; which <= NBDX_TIMEOUT_SILENCE; ++which)
    CHECK_EQ (nbdx_set_timeout (h, which, 60000), 0);
}

static bool
with_limits (struct nbd_handle *h)
{
  set_limits (h);
  return TRY (nbd_connect_tcp (h, "localhost", port)) == 0;
}

/* The first address does not respond.  If the other one fails, a limit is what
 * ends connecting. */
static bool
in_a_race (struct nbd_handle *h)
{
  set_limits (h);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CONNECT, 600), 0);
  CHECK_EQ (nbdx_set_address_race (h, 1), 0);
  return TRY (nbd_aio_connect_tcp (h, TWO_ADDRESSES, port)) == 0 && poll_until_connected (h);
}

/* The server comes up while the library waits for it. */
static bool
when_it_is_up (struct nbd_handle *h)
{
  bool armed = disarm ();
  const char *late = temp_path ("late");

  unlink (late);
  rearm (armed);
  CHECK_EQ (nbdx_set_connect_retry (h, 300), 0);
  if (TRY (nbd_aio_connect_unix (h, late)) == -1)
    return false;
  armed = disarm ();
  if (strncmp (nbd_connection_state (h), "CONNECT.PAUSE", 13) == 0)
    CHECK_EQ (symlink (server, late), 0);
  rearm (armed);
  return poll_until_connected (h);
}

static bool
with_options (struct nbd_handle *h)
{
  struct record found = { 0 }, granted = { 0 };

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  if (TRY (nbd_connect_unix (h, server)) == -1)
    return false;
  TRY (nbd_opt_list (h, exports (&found)));
  TRY (nbd_opt_info (h));
  TRY (nbd_opt_set_meta_context (h, contexts (&granted)));
  CHECK_EQ (found.frees, 1);
  CHECK_EQ (granted.frees, 1);
  return TRY (nbd_opt_go (h)) == 0;
}

static bool
with_x509 (struct nbd_handle *h)
{
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_EQ (nbd_set_tls_certificates (h, pki ("client")), 0);
  CHECK_EQ (nbd_set_tls_hostname (h, "localhost"), 0);
  if (TRY (nbd_connect_unix (h, server)) == -1)
    return false;
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  return true;
}

static bool
with_keys (struct nbd_handle *h)
{
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_EQ (nbd_set_tls_psk_file (h, pki ("keys.psk")), 0);
  CHECK_EQ (nbd_set_tls_username (h, "alice"), 0);
  if (TRY (nbd_connect_unix (h, server)) == -1)
    return false;
  CHECK_EQ (nbd_get_tls_negotiated (h), 1);
  return true;
}

/* One session from the beginning to the end. */
static void
session (way *connect)
{
  struct nbd_handle *h = nbd_create ();

  CHECK (h != NULL);
  memset (cookies, 0, sizeof cookies);
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  if (connect (h)) {
    calls_that_wait (h);
    calls_that_do_not_wait (h);
    TRY (nbd_shutdown (h, 0));
  }
  close_handle (h);
}

/* ---- Running it in processes of its own ---- */

static char description[200];

/* In the child: what a run leaves behind. */
static void
check_nothing_left (unsigned descriptors, bool may_leave_children)
{
  CHECK_EQ (open_fds (), descriptors);
  if (!may_leave_children)
    check_no_children ();
}

/* Kills what could not be killed because of a fault. */
static void
kill_children (void)
{
  FILE *fp = fopen (text ("/proc/self/task/%d/children", (int) getpid ()), "r");
  int pid;

  CHECK (fp != NULL);
  while (fscanf (fp, "%d", &pid) == 1)
    kill (pid, SIGKILL);
  fclose (fp);
}

/* Runs a function in a child and returns whether it went well; if not, the
 * child or this function has said why. */
static bool
in_a_child (void (*run) (void *), void *argument)
{
  pid_t pid;
  int status;

  fflush (stdout);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0) {
    /* What programs that cannot be run say is of interest only if it fails. */
    int out = open (temp_path ("servers.log"), O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0666);

    CHECK (dup2 (out, STDERR_FILENO) != -1 && close (out) == 0);
    alarm (PATIENCE);
    situation ("%s", description);
    failures = 0;
    run (argument);
    fflush (stdout);
    _exit (0);
  }
  CHECK_EQ (waitpid (pid, &status, 0), pid);
  if (WIFSIGNALED (status))
    printf ("# %s: %s\n", description, WTERMSIG (status) == SIGALRM ? "hangs"
            : strsignal (WTERMSIG (status)));
  return status == 0;
}

struct run {
  way *connect;
  const struct fault *fault;
};

/* A session with a fault, and one without it. */
static void
faulty_session (void *argument)
{
  const struct run *run = argument;
  const char *name = run->fault == NULL ? "" : call_name (run->fault->call);
  bool may_leave_children = strcmp (name, "kill") == 0 || strcmp (name, "waitpid") == 0;
  unsigned descriptors;

  forget_error ();      /* Whatever is set up once has been by now. */
  descriptors = open_fds ();
  arm (run->fault);
  session (run->connect);
  disarm ();
  tally->failed_calls += failures;
  if (run->fault == NULL || is_harmless (run->fault->call, run->fault->outcome))
    CHECK_EQ (failures, 0);
  check_nothing_left (descriptors, may_leave_children);
  kill_children ();
  if (run->fault == NULL)
    return;
  tally->runs++;
  tally->happened += faults_happened () > 0;
  failures = 0;
  session (run->connect);
  CHECK_EQ (failures, 0);
}

static void
describe (const char *what, const struct fault *f)
{
  snprintf (description, sizeof description, "%s, call %u of %s%s %s: %s", what, f->at,
            call_name (f->call), f->in_child ? " in the child" : "",
            f->lasting ? "and all later ones" : "",
            f->outcome.kind == FAILS ? strerror (f->outcome.err)
            : f->outcome.kind == SHORTENED ? "only one byte" : "the end");
}

/* ---- All faults of a way to connect ---- */

enum { MAX_FAULTS = 100000 };

static struct fault faults[MAX_FAULTS];
static unsigned nr_faults;

static void
add_fault (struct fault f)
{
  CHECK (nr_faults < MAX_FAULTS);
  faults[nr_faults++] = f;
}

/* Every way in which every call that was counted can fail. */
static void
list_faults (void)
{
  nr_faults = 0;
  for (unsigned call = 0; call < nr_calls (); ++call)
    for (int in_child = 0; in_child < 2; ++in_child)
      for (unsigned at = 1; at <= calls_made (call, in_child); ++at) {
        struct fault f = { .call = call, .in_child = in_child, .at = at };

        for (unsigned i = 0; call_outcome (call, i, &f.outcome); ++i) {
          /* Signals are blocked between fork and exec. */
          if (in_child && f.outcome.kind == FAILS && f.outcome.err == EINTR)
            continue;
          f.lasting = false;
          add_fault (f);
          f.lasting = true;
          if (can_last (call, f.outcome))
            add_fault (f);
        }
      }
}

/* So many faults of each way to connect are enough for the short form.  Their
 * distance is such that all calls and errors get their turn. */
enum { SHORT_FORM = 150 };

static void
begin (void)
{
  alarm (0);    /* Each run has its own watchdog. */
  tally = mmap (NULL, sizeof *tally, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);
  CHECK (tally != MAP_FAILED);
  fill (written, sizeof written, 1);
}

static void
all_faults (const char *what, way *connect)
{
  struct run run = { connect, NULL };
  unsigned step, bad = 0;

  begin ();
  snprintf (description, sizeof description, "%s, without a fault", what);
  CHECK (in_a_child (faulty_session, &run));
  list_faults ();
  CHECK (nr_faults > 50);
  step = is_long () ? 1 : nr_faults / SHORT_FORM + 1;
  for (unsigned i = 0; i < nr_faults && bad < 20; i += step) {
    run.fault = &faults[i];
    describe (what, run.fault);
    bad += !in_a_child (faulty_session, &run);
  }
  printf ("torture: faults: %s: %lu faults of %u, %lu happened, %lu calls failed, "
          "%lu bytes verified\n", what, tally->runs, nr_faults, tally->happened,
          tally->failed_calls, tally->bytes);
  /* How often something is called varies, but most runs get to the fault. */
  CHECK (tally->happened >= tally->runs / 4 * 3);
  CHECK_EQ (bad, 0);
}

static const char *
disk (void)
{
  return embedded ("--context", "base:allocation", NULL);
}

CASE (unix_socket)
{
  server = disk ();
  all_faults ("Unix socket", by_unix_socket);
}

static int black_hole[4];

static void
serve_on_tcp (void)
{
  const char *argv[] = { getenv ("EMBEDDED_SERVER"), "--tcp", NULL, "--context",
                         "base:allocation", NULL };

  port = free_port ();
  argv[2] = text ("127.0.0.1:%s", port);
  wait_for_tcp (start (argv), port);
}

CASE (tcp)
{
  serve_on_tcp ();
  all_faults ("TCP", by_tcp);
}

/* A listener on 127.0.0.2 whose queue is full, so that it does not respond. */
static void
add_black_hole (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) atoi (port)) };

  CHECK_EQ (inet_pton (AF_INET, "127.0.0.2", &address.sin_addr), 1);
  for (int i = 0; i < 4; ++i) {
    int fd = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    black_hole[i] = fd;
    if (i == 0)
      CHECK (bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && listen (fd, 0) == 0);
    else
      connect (fd, (struct sockaddr *) &address, sizeof address);
  }
}

static void
remove_black_hole (void)
{
  for (int i = 0; i < 4; ++i)
    CHECK_EQ (close (black_hole[i]), 0);
}

CASE (asynchronous_tcp)
{
  serve_on_tcp ();
  all_faults ("asynchronous TCP", in_the_background);
}

CASE (limits)
{
  serve_on_tcp ();
  all_faults ("time limits", with_limits);
}

CASE (race)
{
  serve_on_tcp ();
  add_black_hole ();
  all_faults ("race of addresses", in_a_race);
  remove_black_hole ();
}

CASE (retry)
{
  server = disk ();
  all_faults ("retry", when_it_is_up);
}

CASE (uris)
{
  uri = text ("nbd+unix:///?socket=%s", disk ());
  all_faults ("URI", by_uri);
}

CASE (command)
{
  all_faults ("subprocess", by_command);
}

CASE (socket_activation)
{
  all_faults ("socket activation", by_activation);
}

CASE (sockets)
{
  server = disk ();
  all_faults ("existing socket", by_socket);
}

CASE (option_mode)
{
  server = disk ();
  all_faults ("option mode", with_options);
}

CASE (certificates)
{
  server = nbdkit_x509 ("server");
  all_faults ("TLS with certificates", with_x509);
}

CASE (pre_shared_keys)
{
  server = nbdkit_psk ();
  all_faults ("TLS with pre-shared keys", with_keys);
}

/* A stand-in for ssh that runs the rest on this machine, and for nc. */
CASE (ssh)
{
  const char *bin = temp_path ("bin");

  CHECK_EQ (mkdir (bin, 0777), 0);
  make_file (text ("%s/ssh", bin), "#!/bin/sh\nshift 3\nexec sh -c \"$*\"\n", 0755);
  make_file (text ("%s/nc", bin),
             text ("#!/bin/sh\nexec '%s' --stdio --context base:allocation\n",
                   getenv ("EMBEDDED_SERVER")), 0755);
  CHECK_EQ (symlink ("/bin/sh", text ("%s/sh", bin)), 0);
  setenv ("PATH", bin, 1);      /* No other ssh is to be found. */
  uri = "nbd+ssh://localhost/";
  all_faults ("SSH", by_uri);
}

/* ---- Signals ---- */

static volatile unsigned long signals;

static void
count_signal (int signal)
{
  (void) signal;
  ++signals;
}

struct storm {
  way *connect;
  int flags;            /* SA_RESTART or none. */
};

/* Sessions while a signal arrives every millisecond, and interrupts whatever
 * waits: it must not be noticed. */
static void
interrupted_sessions (void *argument)
{
  const struct storm *storm = argument;
  struct sigaction action = { .sa_handler = count_signal, .sa_flags = storm->flags };
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
  const struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
  const unsigned enough = is_long () ? 8000 : 400;
  struct timespec start, now;
  timer_t timer;

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  CHECK_EQ (timer_create (CLOCK_MONOTONIC, &event, &timer), 0);
  CHECK_EQ (timer_settime (timer, 0, &often, NULL), 0);
  clock_gettime (CLOCK_MONOTONIC, &start);
  do {
    session (storm->connect);
    CHECK_EQ (failures, 0);
    tally->runs++;
    clock_gettime (CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < enough ||
           signals < 100);
  tally->happened += signals;
  CHECK_EQ (timer_delete (timer), 0);
}

CASE (signals_at_any_time)
{
  static const struct { const char *name; way *connect; } ways[] = {
    { "Unix socket", by_unix_socket }, { "TCP", by_tcp }, { "asynchronous TCP", in_the_background },
    { "subprocess", by_command }, { "socket activation", by_activation },
    { "option mode", with_options }, { "TLS with pre-shared keys", with_keys },
    { "time limits", with_limits }, { "race of addresses", in_a_race },
    { "retry", when_it_is_up },
  };

  begin ();
  serve_on_tcp ();
  add_black_hole ();
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; ++i) {
    way *connect = ways[i].connect;

    server = connect == with_keys ? nbdkit_psk () : disk ();
    /* The kernel restarts some calls, and others never. */
    for (int restart = 0; restart < 2; ++restart) {
      struct storm storm = { connect, restart ? SA_RESTART : 0 };

      snprintf (description, sizeof description, "%s, signals %s SA_RESTART", ways[i].name,
                restart ? "with" : "without");
      CHECK (in_a_child (interrupted_sessions, &storm));
    }
  }
  printf ("torture: faults: signals: %lu during %lu sessions, %lu bytes verified\n",
          tally->happened, tally->runs, tally->bytes);
  remove_black_hole ();
}

/* ---- Descriptors ---- */

struct limited {
  way *connect;
  unsigned more;        /* Descriptors that can be opened. */
};

/* The number that the n-th descriptor would get that is opened from now on. */
static int
nth_descriptor (unsigned n)
{
  int fd = dup (STDERR_FILENO), nth = n == 0 ? fd : nth_descriptor (n - 1);

  CHECK (fd != -1);
  CHECK_EQ (close (fd), 0);
  return nth;
}

static void
limited_session (void *argument)
{
  const struct limited *limited = argument;
  struct rlimit limit, before;
  unsigned descriptors;

  forget_error ();
  descriptors = open_fds ();
  CHECK_EQ (getrlimit (RLIMIT_NOFILE, &before), 0);
  limit = before;
  limit.rlim_cur = (rlim_t) nth_descriptor (limited->more);
  CHECK_EQ (setrlimit (RLIMIT_NOFILE, &limit), 0);
  session (limited->connect);
  CHECK_EQ (setrlimit (RLIMIT_NOFILE, &before), 0);
  check_nothing_left (descriptors, false);
  tally->runs++;
  tally->failed_calls += failures;
  if (limited->more == 0)
    CHECK (failures > 0);
  failures = 0;
  session (limited->connect);
  CHECK_EQ (failures, 0);
}

CASE (descriptor_limit)
{
  static const struct { const char *name; way *connect; } ways[] = {
    { "Unix socket", by_unix_socket }, { "TCP", by_tcp }, { "subprocess", by_command },
    { "socket activation", by_activation }, { "TLS with certificates", with_x509 },
  };

  begin ();
  serve_on_tcp ();
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; ++i) {
    struct limited limited = { .connect = ways[i].connect };

    server = ways[i].connect == with_x509 ? nbdkit_x509 ("server") : disk ();
    for (; limited.more < 12; ++limited.more) {
      snprintf (description, sizeof description, "%s, %u descriptors", ways[i].name,
                limited.more);
      CHECK (in_a_child (limited_session, &limited));
    }
  }
  printf ("torture: faults: descriptor limit: %lu sessions, %lu calls failed\n", tally->runs,
          tally->failed_calls);
}

/* ---- Memory ---- */

/* What makes the library need memory as the server likes. */
struct greedy {
  const char *what, *script, *replies;
  int64_t (*call) (struct nbd_handle *h);
  bool in_option_mode;
};

static int
ignore_extents (void *data, const char *context, uint64_t offset, uint32_t *entries, size_t count,
                int *error)
{
  (void) data, (void) context, (void) offset, (void) entries, (void) count, (void) error;
  return 0;
}

static int
ignore_extents_64 (void *data, const char *context, uint64_t offset, nbd_extent *entries,
                   size_t count, int *error)
{
  (void) data, (void) context, (void) offset, (void) entries, (void) count, (void) error;
  return 0;
}

static int64_t
ask_for_status (struct nbd_handle *h)
{
  return TRY (nbd_block_status (h, 512, 0, (nbd_extent_callback) {
        ignore_extents, NULL, NULL }, 0));
}

static int64_t
ask_for_status_64 (struct nbd_handle *h)
{
  return TRY (nbd_block_status_64 (h, 512, 0, (nbd_extent64_callback) {
        ignore_extents_64, NULL, NULL }, 0));
}

static int64_t
read_pieces (struct nbd_handle *h)
{
  static uint8_t large[8 << 20];

  memset (large, STALE, sizeof large);
  if (TRY (nbd_pread (h, large, sizeof large, 0, 0)) == 0) {
    CHECK (all_bytes (large, sizeof large, 0));
    tally->bytes += sizeof large;
    return 0;
  }
  CHECK (all_bytes (large, sizeof large, 0));
  return -1;
}

static int64_t
list_exports (struct nbd_handle *h)
{
  struct record found = { 0 };
  int64_t result = TRY (nbd_opt_list (h, exports (&found)));

  CHECK_EQ (found.frees, 1);
  return result;
}

static int64_t
set_contexts (struct nbd_handle *h)
{
  struct record granted = { 0 };
  char *all[] = { "x:", NULL };
  int64_t result = TRY (nbd_opt_set_meta_context_queries (h, all, contexts (&granted)));

  CHECK_EQ (granted.frees, 1);
  return result;
}

/* Half of the sectors, from the last to the first, and then the others. */
static const char *
pieces (void)
{
  size_t size = 0;
  char *script;
  FILE *fp = open_memstream (&script, &size);

  CHECK (fp != NULL);
  fputs ("handshake\nread-request\n", fp);
  for (int half = 1; half >= 0; --half)
    for (int i = 16384 - 2 + half; i >= 0; i -= 2)
      fprintf (fp, "chunk 0 OFFSET_HOLE u64:%d u32:512\n", 512 * i);
  fputs ("chunk DONE NONE\nwait-eof\n", fp);
  CHECK_EQ (fclose (fp), 0);
  return text ("%s", script);
}

static const char *
many (const char *beginning, const char *each, int count, const char *end)
{
  size_t size = 0;
  char *script;
  FILE *fp = open_memstream (&script, &size);

  CHECK (fp != NULL);
  fputs (beginning, fp);
  for (int i = 1; i <= count; ++i)
    fprintf (fp, each, i, i);
  fputs (end, fp);
  CHECK_EQ (fclose (fp), 0);
  return text ("%s", script);
}

static struct nbd_handle *
connected (const struct greedy *g)
{
  struct nbd_handle *h = nbd_create ();

  CHECK (h != NULL);
  CHECK_EQ (nbd_add_meta_context (h, "base:allocation"), 0);
  CHECK_EQ (nbd_set_opt_mode (h, g->in_option_mode), 0);
  if (g->in_option_mode) {
    CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
    CHECK_EQ (nbd_set_request_meta_context (h, false), 0);
  }
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  return h;
}

struct shortage {
  const struct greedy *greedy;
  size_t size;
  unsigned at;
  bool lasting;
};

/* The script is for one client at a time, again and again. */
static void
starved_call (void *argument)
{
  const struct shortage *s = argument;
  struct nbd_handle *h;
  unsigned descriptors;
  int64_t result;

  forget_error ();
  descriptors = open_fds ();
  h = connected (s->greedy);
  arm_memory (s->size, s->at, s->lasting);
  result = s->greedy->call (h);
  /* The extents of one script add up to more than any export. */
  if (result == -1 && nbd_get_errno () != EPROTO)
    CHECK (s->at > 0 && nbd_get_errno () == ENOMEM);
  disarm ();
  tally->runs += s->at > 0;
  tally->happened += faults_happened ();
  tally->failed_calls += failures;
  nbd_close (h);
  check_nothing_left (descriptors, false);
}

#define OPTIONS "send NBDMAGIC IHAVEOPT u16:3\nread 4\n"

/* All allocations of at least `size` bytes fail in turn. */
static void
starve (const struct greedy *g, size_t size)
{
  struct shortage shortage = { .greedy = g, .size = size };
  unsigned made, step;

  snprintf (description, sizeof description, "%s, enough memory", g->what);
  CHECK (in_a_child (starved_call, &shortage));
  made = allocations_made ();
  /* The library makes sure for each meta context that there is enough memory. */
  step = made / (is_long () ? 500 : 20) + 1;
  for (shortage.at = 1; shortage.at <= made; shortage.at += step)
    for (int lasting = 0; lasting < 2; ++lasting) {
      shortage.lasting = lasting;
      snprintf (description, sizeof description, "%s, allocation %u of %u from %zu bytes on%s",
                g->what, shortage.at, made, size, lasting ? ", and all later ones" : "");
      CHECK (in_a_child (starved_call, &shortage));
    }
}

/* No allocation whose size a server chooses ends the process. */
CASE (memory)
{
  const struct greedy greedy[] = {
    { "block status", "handshake\nread-request\n"
      "chunk DONE BLOCK_STATUS u32:1 fill:1*4194304\nwait-eof\n", "structured", ask_for_status,
      false },
    { "extended block status", "handshake\nread-request\n"
      "ext-chunk DONE BLOCK_STATUS_EXT = u32:1 u32:262144 fill:1*4194304\nwait-eof\n",
      "extended", ask_for_status_64, false },
    { "pieces of a read", pieces (), "structured", read_pieces, false },
    { "list of exports", many (OPTIONS "read-option LIST\n",
                               "option-reply SERVER u32:2000 fill:65*4000\n", 1000,
                               "option-reply ACK\nwait-eof\n"), "simple", list_exports, true },
    { "meta contexts", many (OPTIONS "read-option SET_META_CONTEXT\n",
                             "option-reply META_CONTEXT u32:%d \"x:%d\"\n", 20000,
                             "option-reply ACK\nwait-eof\n"), "simple", set_contexts, true },
  };
  static const size_t sizes[] = { 1 << 20, 1 << 16, 1 << 14 };

  begin ();
  for (size_t i = 0; i < sizeof greedy / sizeof greedy[0]; ++i) {
    const char *script = temp_path (text ("script%zu", i));

    make_file (script, greedy[i].script, 0644);
    server = embedded ("--context", "base:allocation", "--size", "0x7fffffffffffffff", "--replies",
                       greedy[i].replies, "--script", script, NULL);
    for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; ++j)
      starve (&greedy[i], sizes[j]);
  }
  CHECK (tally->failed_calls > 20);
  printf ("torture: faults: memory: %lu runs, %lu allocations and %lu calls failed\n",
          tally->runs, tally->happened, tally->failed_calls);
}

/* The same with a limit of the system, which no allocation can get around. */
static void
call_within_limit (void *argument)
{
  const struct shortage *s = argument;
  struct rlimit limit, before;
  struct nbd_handle *h;
  unsigned long pages;
  unsigned descriptors;
  int64_t result;
  FILE *fp;

  forget_error ();
  descriptors = open_fds ();
  h = connected (s->greedy);
  /* Small allocations find what has been freed here. */
  free (malloc (100000));
  fp = fopen ("/proc/self/statm", "r");
  CHECK (fp != NULL && fscanf (fp, "%lu", &pages) == 1 && fclose (fp) == 0);
  CHECK_EQ (getrlimit (RLIMIT_AS, &before), 0);
  limit = before;
  limit.rlim_cur = pages * (unsigned long) sysconf (_SC_PAGESIZE) + s->size;
  CHECK_EQ (setrlimit (RLIMIT_AS, &limit), 0);
  result = s->greedy->call (h);
  if (result == -1 && nbd_get_errno () != EPROTO)
    CHECK_EQ (nbd_get_errno (), ENOMEM);
  CHECK_EQ (setrlimit (RLIMIT_AS, &before), 0);
  tally->runs++;
  tally->failed_calls += failures;
  nbd_close (h);
  check_nothing_left (descriptors, false);
}

static void
with_up_to_64_mib (const struct greedy *greedy)
{
  const char *script = temp_path (text ("script for %s", greedy->what));
  unsigned long failed = tally->failed_calls;

  make_file (script, greedy->script, 0644);
  server = embedded ("--context", "base:allocation", "--size", "0x7fffffffffffffff",
                     "--replies", greedy->replies, "--script", script, NULL);
  for (size_t mib = 1; mib <= 64; ++mib) {
    struct shortage shortage = { .greedy = greedy, .size = mib << 20 };

    snprintf (description, sizeof description, "%s, %zu MiB", greedy->what, mib);
    CHECK (in_a_child (call_within_limit, &shortage));
  }
  /* Too little for the first ones, enough for the last ones. */
  failed = tally->failed_calls - failed;
  CHECK (failed > 4 && failed < 60);
}

CASE (memory_limit)
{
  const struct greedy all_at_once = {
    "block status", "handshake\nread-request\n"
    "chunk DONE BLOCK_STATUS u32:1 fill:1*8388608\nwait-eof\n", "structured", ask_for_status,
    false
  };
  /* None of them is large. */
  const struct greedy little_by_little = {
    "meta contexts", many (OPTIONS "read-option SET_META_CONTEXT\n",
                           "option-reply META_CONTEXT u32:%d \"x:%d\" fill:120*4000\n", 4000,
                           "option-reply ACK\nwait-eof\n"), "simple", set_contexts, true
  };

  begin ();
  with_up_to_64_mib (&all_at_once);
  with_up_to_64_mib (&little_by_little);
  printf ("torture: faults: memory limit: %lu runs, %lu calls failed\n", tally->runs,
          tally->failed_calls);
}

/* ---- Nothing is left out ---- */

/* Imports that are not system calls, cannot fail, or only end the process.  The
 * thread that resolves names within a time limit is a matter of x_limits_connect.c. */
static const char *const others[] = {
  "_exit", "abort", "bcmp", "calloc", "clock_gettime", "closedir", "dirfd", "dl_iterate_phdr",
  "dlsym", "environ", "free", "freeaddrinfo", "gai_strerror", "getcwd", "getenv", "geteuid",
  "getpid", "gettid", "malloc", "memcmp", "memcpy", "memmove", "memset", "mmap64", "munmap",
  "pause", "posix_memalign", "pthread_attr_destroy", "pthread_attr_init",
  "pthread_attr_setstacksize", "pthread_create", "pthread_detach", "pthread_key_create",
  "pthread_key_delete", "pthread_self", "pthread_setcancelstate", "pthread_setcanceltype",
  "pthread_setname_np", "pthread_setspecific", "pthread_sigmask", "pthread_testcancel",
  "readlink", "realloc", "realpath", "secure_getenv", "sigemptyset", "sigfillset", "strdup",
  "strlen", "sysconf",
};

static bool
is_other (const char *name)
{
  for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i)
    if (strcmp (others[i], name) == 0)
      return true;
  /* Of the compiler, the loader and OpenSSL, whose names have capitals. */
  return name[0] == '_' || strpbrk (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL ||
    strncmp (name, "i2d_", 4) == 0 || strncmp (name, "d2i_", 4) == 0;
}

/* Whatever the library imports is a call that can fail here, or one of those
 * above: getcwd, mmap64, munmap, readlink and realpath are only used to print
 * where a panic happened. */
CASE (every_import)
{
  char line[256], name[256];
  unsigned faulty = 0;
  Dl_info info;
  FILE *fp;

  CHECK (dladdr ((void *) nbd_create, &info) != 0);
  fp = popen (text ("nm -D --undefined-only '%s'", info.dli_fname), "r");
  CHECK (fp != NULL);
  while (fgets (line, sizeof line, fp) != NULL) {
    CHECK_EQ (sscanf (line, " %*c %255[^@\n]", name), 1);
    situation ("%s", name);
    faulty += call_is_known (name);
    CHECK (call_is_known (name) || is_other (name));
  }
  CHECK_EQ (pclose (fp), 0);
  CHECK (faulty > 30);
  printf ("torture: faults: %u of %u system calls are imported\n", faulty, nr_calls ());
}
