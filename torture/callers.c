/* Callers: what a program can do to the library, by mistake or all at once.
 *
 * The calls come from the table of c-tests/state_table.sh, which is made from the
 * description of the API, so that no function is forgotten.  What concerns one
 * function only is in c-tests: closing in callbacks and in other threads
 * (neighbour.c), threads and their errors (threads.c), children of a program with
 * threads (children.c, tls_fork.c), cancelling at every microsecond (x_cancel.c,
 * tls_cancel.c). */
#include "state_table/functions.h"
#include "support/tls.h"

#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { NR_FUNCTIONS = sizeof functions / sizeof functions[0] };

static bool
is_long (void)
{
  const char *torture = getenv ("TORTURE");

  return torture != NULL && strcmp (torture, "long") == 0;
}

/* Reproducible, and different in each thread. */
static unsigned
random_number (uint64_t *seed)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return (unsigned) (*seed >> 20);
}

/* ---- Pointers that are no open handles ---- */

static unsigned long refused_calls;

/* Every function refuses the pointer and says so in its own name; those that
 * cannot fail return something.  Closures are freed, as after any error. */
static void
check_refusal (const struct function *f, struct nbd_handle *h, int wanted)
{
  struct kept kept = { 0, 0 };
  bool failed;

  forget_error ();
  errno = 0;
  failed = f->call (h, 0, &kept);
  if (f->may_set_error)
    check_failed (__FILE__, __LINE__, f->name, failed, wanted);
  else {
    /* This one only sets errno. */
    if (strcmp (f->name, "nbdx_cancel") == 0)
      CHECK (failed && errno == wanted);
    /* What forget_error has left. */
    CHECK_EQ (nbd_get_errno (), ESRCH);
  }
  CHECK_EQ (kept.freed, kept.given);
  refused_calls++;
}

static void
check_all_refuse (const char *what, void *memory, int wanted)
{
  /* The compiler shall not know what it points to. */
  struct nbd_handle *volatile h = memory;

  for (unsigned i = 0; i < NR_FUNCTIONS; ++i) {
    situation ("%s: %s", functions[i].name, what);
    check_refusal (&functions[i], h, wanted);
  }
  situation ("nbd_close: %s", what);
  nbd_close (h);
}

static void
report_refusals (const char *what)
{
  printf ("torture: callers: %s: %lu calls of %u functions refused\n", what, refused_calls,
          NR_FUNCTIONS + 1);
}

CASE (null_handles)
{
  check_all_refuse ("NULL", NULL, EFAULT);
  report_refusals ("null handles");
}

CASE (misaligned_handles)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));

  for (uintptr_t i = 1; i < sizeof (void *); ++i) {
    check_all_refuse (text ("%d bytes into a handle", (int) i), (char *) h + i, EINVAL);
    check_all_refuse (text ("the number %d", (int) i), (void *) i, EINVAL);
    check_all_refuse (text ("the number -%d", (int) i), (void *) -i, EINVAL);
  }
  /* The handle does not care. */
  check_works (h);
  nbd_close (h);
  report_refusals ("misaligned handles");
}

/* A page of memory of which only the first `count` bytes can be accessed, at the
 * end of it. */
static void *
end_of_memory (size_t count, int protection)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  char *memory = mmap (NULL, 2 * page, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

  CHECK (memory != MAP_FAILED);
  fill (memory, page, 1);
  CHECK_EQ (mprotect (memory, page, protection), 0);
  CHECK_EQ (mprotect (memory + page, page, PROT_NONE), 0);
  return memory + page - count;
}

CASE (foreign_handles)
{
  static uint64_t zeroes[64], noise[64], ones[64];
  uint64_t on_the_stack[64] = { 1 };
  struct nbd_handle *h = create ();
  uint64_t *block = calloc (64, sizeof *block);
  FILE *fp = tmpfile ();

  CHECK (block != NULL && fp != NULL);
  fill (noise, sizeof noise, 2);
  memset (ones, 0xff, sizeof ones);
  check_all_refuse ("zeroes", zeroes, EINVAL);
  check_all_refuse ("noise", noise, EINVAL);
  check_all_refuse ("ones", ones, EINVAL);
  check_all_refuse ("the stack", on_the_stack, EINVAL);
  check_all_refuse ("a block of memory", block, EINVAL);
  check_all_refuse ("a stream", fp, EINVAL);
  check_all_refuse ("within a handle", (uint64_t *) h + 1, EINVAL);
  /* None is written to, and what follows the first word is not looked at. */
  check_all_refuse ("memory that is read-only", end_of_memory (256, PROT_READ), EINVAL);
  check_all_refuse ("the last word of a page", end_of_memory (8, PROT_READ), EINVAL);
  nbd_close (h);
  free (block);
  fclose (fp);
  report_refusals ("foreign handles");
}

/* Closed in each state; then closed with commands in flight.  The memory of a
 * handle is used again some time, so that each function gets a handle that was
 * closed just now. */
CASE (closed_handles)
{
  static char buf[512];

  server = embedded ("--size", "1M", NULL);
  for (unsigned i = 0; i < NR_FUNCTIONS; ++i)
    for (enum state state = CREATED; state <= DEAD; ++state) {
      struct nbd_handle *volatile h = in_state (state);

      if (state == CONNECTED)
        CHECK (nbd_aio_pread (h, buf, sizeof buf, 0, NBD_NULL_COMPLETION, 0) > 0);
      let_go (h);
      situation ("%s: a closed handle", functions[i].name);
      check_refusal (&functions[i], h, EINVAL);
      nbd_close (h);
    }
  report_refusals ("closed handles");
}

/* ---- Many threads on one handle ---- */

enum { CROWD = 4 };

struct crowd {
  struct nbd_handle *volatile h;
  unsigned calls;
  uint64_t seed;
  pthread_barrier_t *done;
  struct kept *kept;
};

static atomic_ulong crowd_calls, crowd_failures;

/* What changes the state would otherwise happen at once. */
static bool
is_rare (const struct function *f)
{
  static const char *const parts[] = { "connect", "shutdown", "cancel", "opt_abort", "opt_go" };

  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
    if (strstr (f->name, parts[i]) != NULL && strcmp (f->name, "nbd_connection_state") != 0)
      return true;
  return false;
}

/* Whether -1 is also a result. */
static bool
fails_ambiguously (const struct function *f)
{
  return strcmp (f->name, "nbdx_aio_get_timeout") == 0;
}

/* Calls whatever there is.  Errors are those of this thread. */
static void *
mingle (void *argument)
{
  struct crowd *c = argument;

  for (unsigned i = 0; i < c->calls; ++i) {
    const struct function *f = &functions[random_number (&c->seed) % NR_FUNCTIONS];

    if (is_rare (f) && random_number (&c->seed) % 64 != 0)
      continue;
    crowd_calls++;
    if (f->call (c->h, 0, c->kept) && f->may_set_error && !fails_ambiguously (f)) {
      const char *error = nbd_get_error ();
      size_t length = strlen (f->name);

      if (error == NULL || strncmp (error, f->name, length) != 0 || error[length] != ':')
        fail_at (__FILE__, __LINE__, "%s failed with '%s'", f->name, error ? error : "");
      crowd_failures++;
    }
  }
  /* Until nobody drives the handle, it uses the buffers of this thread. */
  pthread_barrier_wait (c->done);
  return NULL;
}

/* Some rounds end with the handle being closed among all these calls. */
static void
crowd_round (enum state state, unsigned round)
{
  struct kept kept = { 0, 0 };
  struct nbd_handle *h = in_state (state);
  struct crowd crowd[CROWD];
  pthread_t threads[CROWD];
  pthread_barrier_t done;

  situation ("state %d, round %u", state, round);
  CHECK_EQ (pthread_barrier_init (&done, NULL, CROWD), 0);
  for (unsigned i = 0; i < CROWD; ++i) {
    crowd[i] = (struct crowd) {
      .h = h, .calls = 400, .seed = 1 + i + CROWD * ((uint64_t) round * 6 + state),
      .done = &done, .kept = &kept
    };
    CHECK_EQ (pthread_create (&threads[i], NULL, mingle, &crowd[i]), 0);
  }
  if (round % 2 == 1) {
    usleep (100 * (round % 50));
    nbd_close (h);
  }
  for (unsigned i = 0; i < CROWD; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
  pthread_barrier_destroy (&done);
  if (round % 2 == 0)
    nbd_close (h);
  if (peer != -1)
    close (peer);
  peer = -1;
  CHECK (kept.given > 0);
  CHECK_EQ (kept.freed, kept.given);
}

static void
threads_in_state (const char *name, enum state state)
{
  unsigned rounds = is_long () ? 2000 : 20, before;

  alarm (is_long () ? 1800 : 60);
  server = embedded ("--size", "1M", NULL);
  forget_error ();
  before = open_fds ();
  for (unsigned i = 0; i < rounds; ++i) {
    crowd_round (state, i);
    CHECK_EQ (open_fds (), before);
  }
  printf ("torture: callers: threads on one handle that was %s: %lu calls, %lu failed\n", name,
          crowd_calls, crowd_failures);
}

CASE (threads_created)
{
  threads_in_state ("created", CREATED);
}

CASE (threads_connecting)
{
  threads_in_state ("connecting", CONNECTING);
}

CASE (threads_negotiating)
{
  threads_in_state ("negotiating", NEGOTIATING);
}

CASE (threads_connected)
{
  threads_in_state ("connected", CONNECTED);
}

CASE (threads_closed)
{
  threads_in_state ("closed", CLOSED);
}

CASE (threads_dead)
{
  threads_in_state ("dead", DEAD);
}

/* ---- Closing at any moment ---- */

/* So many that each is interrupted now and then, at any instruction. */
enum { SPINNERS = 8 };

static struct nbd_handle *_Atomic current;
static atomic_bool over;
static atomic_ulong entered, turned_away;

/* Few instructions, so that it is often the first or the last ones that are
 * interrupted. */
static void *
enter_and_leave (void *unused)
{
  (void) unused;
  while (!over)
    if (nbd_aio_is_created (current) == 1)
      entered++;
    else
      turned_away++;
  return NULL;
}

CASE (closed_at_any_moment)
{
  const time_t end = time (NULL) + (is_long () ? 60 : 2);
  pthread_t threads[SPINNERS];
  unsigned long handles = 0;

  alarm (120);
  current = create ();
  for (unsigned i = 0; i < SPINNERS; ++i)
    CHECK_EQ (pthread_create (&threads[i], NULL, enter_and_leave, NULL), 0);
  for (; time (NULL) < end; ++handles) {
    struct nbd_handle *h = current;

    if (handles % 2 == 0)
      current = create ();
    nbd_close (h);
    if (handles % 2 == 1)
      current = create ();
  }
  over = true;
  for (unsigned i = 0; i < SPINNERS; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
  nbd_close (current);
  CHECK (entered > 0 && turned_away > 0);
  printf ("torture: callers: %lu handles closed among %lu calls, of which %lu came too late\n",
          handles, entered + turned_away, turned_away);
}

/* ---- Fork ---- */

enum { COMMANDS = 8, PIECE = 4096, PATIENCE = 30 };

static struct record records[COMMANDS];
static uint8_t pieces[COMMANDS][PIECE];

/* A handle that one process goes on with, after a fork, to a good end. */
struct stage {
  const char *name;
  struct nbd_handle *(*prepare) (void);
  void (*go_on) (struct nbd_handle *h);
};

static const char *slow, *tls_server, *tcp_port;

static struct nbd_handle *
just_created (void)
{
  return create ();
}

static void
connect_and_work (struct nbd_handle *h)
{
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  check_works (h);
}

static struct nbd_handle *
with_a_greeting_to_read (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_aio_connect_unix (h, server), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  return h;
}

/* Several connections and a timer, which share descriptors with the parent. */
static struct nbd_handle *
with_a_race_and_limits (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_address_race (h, 100), 0);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CONNECT, 20000), 0);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, 20000), 0);
  CHECK_EQ (nbd_aio_connect_tcp (h, "localhost", tcp_port), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  return h;
}

static void
connect_at_last_and_work (struct nbd_handle *h)
{
  poll_while_connecting (h);
  check_works (h);
}

static struct nbd_handle *
in_option_mode (void)
{
  return negotiate_with (server);
}

static void
choose_and_work (struct nbd_handle *h)
{
  CHECK_EQ (nbd_opt_go (h), 0);
  check_works (h);
}

static struct nbd_handle *
ready (void)
{
  return connect_to (server);
}

static struct nbd_handle *
ready_with_tls (void)
{
  struct nbd_handle *h = with_psk ("keys.psk", "alice");

  CHECK_EQ (nbd_connect_unix (h, tls_server), 0);
  return h;
}

static struct nbd_handle *
ready_with_subprocess (void)
{
  struct nbd_handle *h = create ();
  char *argv[] = { getenv ("EMBEDDED_SERVER"), "--stdio", "--size", "1M", NULL };

  CHECK_EQ (nbd_connect_command (h, argv), 0);
  return h;
}

static struct nbd_handle *
ready_with_activation (void)
{
  struct nbd_handle *h = create ();
  char *argv[] = { getenv ("EMBEDDED_SERVER"), "--once", "--size", "1M", NULL };

  CHECK_EQ (nbd_connect_systemd_socket_activation (h, argv), 0);
  return h;
}

/* The server has not replied yet. */
static struct nbd_handle *
with_commands_in_flight (void)
{
  struct nbd_handle *h = connect_to (slow);

  for (int i = 0; i < COMMANDS; ++i) {
    records[i] = (struct record) { .result = 1 };
    memset (pieces[i], 0xaa, PIECE);
    CHECK (nbd_aio_pread (h, pieces[i], PIECE, (uint64_t) i * PIECE, completion (&records[i]),
                          0) > 0);
  }
  CHECK_EQ (nbd_aio_in_flight (h), COMMANDS);
  return h;
}

static void
await_commands (struct nbd_handle *h)
{
  drain (h);
  for (int i = 0; i < COMMANDS; ++i) {
    CHECK_EQ (records[i].calls, 1);
    CHECK_EQ (records[i].error, 0);
    CHECK_EQ (records[i].frees, 1);
    CHECK (all_bytes (pieces[i], PIECE, 0));
  }
  check_works (h);
}

static struct nbd_handle *
shut_down (void)
{
  struct nbd_handle *h = connect_to (server);

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  return h;
}

static struct nbd_handle *
without_a_server (void)
{
  struct nbd_handle *h = create ();

  CHECK_ERR (nbd_connect_unix (h, MISSING_PATH), ENOENT);
  return h;
}

static void
see_that_it_has_ended (struct nbd_handle *h)
{
  CHECK (nbd_aio_is_closed (h) == 1 || nbd_aio_is_dead (h) == 1);
  CHECK_ERR (nbd_pread (h, pieces[0], PIECE, 0, 0), EINVAL);
  CHECK_ERR (nbd_connect_unix (h, server), EINVAL);
}

static const struct stage stages[] = {
  { "created", just_created, connect_and_work },
  { "connecting", with_a_greeting_to_read, connect_at_last_and_work },
  { "connecting in a race", with_a_race_and_limits, connect_at_last_and_work },
  { "negotiating", in_option_mode, choose_and_work },
  { "ready", ready, check_works },
  { "ready with TLS", ready_with_tls, exercise },
  { "ready with a subprocess", ready_with_subprocess, check_works },
  { "ready with an activated server", ready_with_activation, check_works },
  { "in flight", with_commands_in_flight, await_commands },
  { "closed", shut_down, see_that_it_has_ended },
  { "dead", without_a_server, see_that_it_has_ended },
};
enum { NR_STAGES = sizeof stages / sizeof stages[0] };

/* What the child does with the handle.  Only if it uses it, the parent does not. */
enum deed { EXITS, CLOSES, EXECUTES, USES, USES_ANOTHER, NR_DEEDS };

static void
in_the_child (const struct stage *stage, struct nbd_handle *h, enum deed deed)
{
  alarm (PATIENCE);
  switch (deed) {
  case EXITS:
    break;
  case CLOSES:
    nbd_close (h);
    break;
  case EXECUTES:
    execlp ("true", "true", NULL);
    _exit (1);
  case USES:
    stage->go_on (h);
    nbd_close (h);
    break;
  case USES_ANOTHER:
    h = create ();
    connect_and_work (h);
    nbd_close (h);
    break;
  case NR_DEEDS:
    abort ();
  }
  fflush (stdout);
  _exit (0);
}

static void
check_fork (const struct stage *stage, enum deed deed)
{
  static const char *const deeds[] = { "exits", "closes it", "executes a program", "uses it",
                                       "uses another handle" };
  struct nbd_handle *h = stage->prepare ();
  bool in_flight = stage->prepare == with_commands_in_flight;
  int status;
  pid_t pid;

  situation ("a handle that is %s, and a child that %s", stage->name, deeds[deed]);
  fflush (stdout);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0)
    in_the_child (stage, h, deed);
  CHECK_EQ (waitpid (pid, &status, 0), pid);
  CHECK_EQ (status, 0);
  if (deed != USES)
    stage->go_on (h);
  nbd_close (h);
  for (int i = 0; i < COMMANDS && in_flight; ++i) {
    CHECK_EQ (records[i].calls, 1);
    CHECK_EQ (records[i].frees, 1);
  }
}

CASE (fork_in_every_state)
{
  unsigned rounds = is_long () ? 50 : 1, before;

  alarm (is_long () ? 1800 : 120);
  server = embedded ("--size", "1M", NULL);
  slow = nbdkit ("--filter=delay", "memory", "1M", "delay-read=50ms", NULL);
  tls_server = nbdkit_psk ();
  tcp_port = nbdkit_on_tcp ("127.0.0.1");
  forget_error ();
  before = open_fds ();
  for (unsigned round = 0; round < rounds; ++round)
    for (unsigned i = 0; i < NR_STAGES; ++i)
      for (enum deed deed = EXITS; deed < NR_DEEDS; ++deed) {
        check_fork (&stages[i], deed);
        CHECK_EQ (open_fds (), before);
      }
  printf ("torture: callers: fork: %u children\n", rounds * NR_STAGES * NR_DEEDS);
}

/* ---- Signals ---- */

static atomic_ulong signals;

static void
count_signal (int signal)
{
  (void) signal;
  signals++;
}

/* Signals that arrive five times in each millisecond, so several times in each
 * call that waits. */
static void
begin_storm (timer_t *timer, int flags)
{
  const struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
  const struct itimerspec often = { { 0, 200000 }, { 0, 200000 } };

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  CHECK_EQ (timer_create (CLOCK_MONOTONIC, &event, timer), 0);
  CHECK_EQ (timer_settime (*timer, 0, &often, NULL), 0);
}

static void
end_storm (timer_t timer)
{
  CHECK_EQ (timer_delete (timer), 0);
}

/* How it ends depends on which process is faster, for the program is no server. */
static bool
runs_a_program (const struct function *f)
{
  return strstr (f->name, "connect_command") != NULL || strstr (f->name, "_activation") != NULL;
}

/* Calls the function; its errno, or 0. */
static int
outcome (const struct function *f, enum state state)
{
  struct kept kept = { 0, 0 };
  struct nbd_handle *h = in_state (state);
  bool failed;
  int err;

  forget_error ();
  failed = f->call (h, 0, &kept);
  err = failed ? nbd_get_errno () : 0;
  let_go (h);
  CHECK_EQ (kept.freed, kept.given);
  return err;
}

/* Every function in every state ends as it does without signals. */
static void
every_function_in_a_storm (const char *name, int flags)
{
  unsigned long calls = 0;
  timer_t timer;

  alarm (is_long () ? 1800 : 120);
  server = nbdkit ("--filter=delay", "memory", "1M", "delay-read=2ms", "delay-write=2ms",
                   "delay-trim=2ms", "delay-zero=2ms", "delay-extents=2ms", "delay-cache=2ms",
                   "delay-open=1ms", NULL);
  for (unsigned i = 0; i < NR_FUNCTIONS; ++i)
    for (enum state state = CREATED; state <= DEAD; ++state) {
      const struct function *f = &functions[i];
      int quiet;

      if ((f->permitted & 1U << state) == 0)
        continue;       /* It returns at once. */
      situation ("%s in state %d, with signals", f->name, state);
      quiet = outcome (f, state);
      begin_storm (&timer, flags);
      for (unsigned round = 0; round < (is_long () ? 20 : 1); ++round, ++calls) {
        int got = outcome (f, state);

        CHECK (got != EINTR);
        if (!runs_a_program (f))
          CHECK_EQ (got, quiet);
      }
      end_storm (timer);
    }
  CHECK (signals > calls);
  printf ("torture: callers: signals %s SA_RESTART: %lu during %lu calls\n", name, signals,
          calls);
}

CASE (signals_that_interrupt)
{
  every_function_in_a_storm ("without", 0);
}

CASE (signals_that_restart)
{
  every_function_in_a_storm ("with", SA_RESTART);
}

/* ---- Loading and unloading ---- */

/* Another program does that, because this one is linked with the library. */
CASE (loaded_and_unloaded)
{
  const char *rounds = is_long () ? "3000" : "60";
  const char *path = text ("%s/reload", getenv ("TMPDIR"));
  const char *unix_socket = embedded ("--size", "1M", NULL), *psk_socket = nbdkit_psk ();

  alarm (is_long () ? 1800 : 60);
  fflush (stdout);
  run_command ("'%s' '%s' '%s' '%s' %s", path, unix_socket, psk_socket, pki ("keys.psk"), rounds);
}
