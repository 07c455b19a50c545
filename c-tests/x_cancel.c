/* Cancelling a handle: from other threads, from signal handlers and from
 * callbacks, at every moment of a call and in every state. */

/* NULL is passed on purpose; the compiler shall not object. */
#define LIBNBD_ATTRIBUTE_NONNULL(...)
#include "test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <libnbdx.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* ---- Replacements, which come before those of the C library ---- */

/* This thread is inside nbdx_cancel, which may be called by a signal handler
 * that has interrupted any of these. */
static __thread volatile bool in_cancel;
static volatile int unsafe_calls;

#define NOTE_UNSAFE_CALL() ((void) (in_cancel && unsafe_calls++))

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *old, size_t size);
extern void __libc_free (void *memory);

void *
malloc (size_t size)
{
  NOTE_UNSAFE_CALL ();
  return __libc_malloc (size);
}

void *
calloc (size_t count, size_t size)
{
  NOTE_UNSAFE_CALL ();
  return __libc_calloc (count, size);
}

void *
realloc (void *old, size_t size)
{
  NOTE_UNSAFE_CALL ();
  return __libc_realloc (old, size);
}

void
free (void *memory)
{
  NOTE_UNSAFE_CALL ();
  __libc_free (memory);
}

#define REAL(function, ...)                                               \
  int (*real) (__VA_ARGS__);                                              \
  *(void **) &real = dlsym (RTLD_NEXT, #function)

int
pthread_mutex_lock (pthread_mutex_t *mutex)
{
  REAL (pthread_mutex_lock, pthread_mutex_t *);
  NOTE_UNSAFE_CALL ();
  return real (mutex);
}

int
pthread_mutex_trylock (pthread_mutex_t *mutex)
{
  REAL (pthread_mutex_trylock, pthread_mutex_t *);
  NOTE_UNSAFE_CALL ();
  return real (mutex);
}

static bool resolver_waits, program_does_not_start;
static volatile bool is_resolving;
static struct nbd_handle *resolved_for;

int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  REAL (getaddrinfo, const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (resolver_waits) {
    is_resolving = true;
    CHECK_EQ (nbdx_cancel (resolved_for), 0);
  }
  return real (host, port, hints, result);
}

/* In the child. */
int
execve (const char *path, char *const *argv, char *const *environment)
{
  if (program_does_not_start)
    for (;;)
      pause ();
  return (int) syscall (SYS_execve, path, argv, environment);
}

/* ---- Who cancels ---- */

static int64_t
now_in_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C (1000000000) + now.tv_nsec;
}

static struct nbd_handle *volatile victim;
static volatile int64_t delay_in_ns;
static volatile sig_atomic_t is_cancelled;

static void
cancel (void)
{
  struct nbd_handle *h = victim;
  int r;

  errno = EXDEV;
  in_cancel = true;
  r = nbdx_cancel (h);
  in_cancel = false;
  if (r != 0 || errno != EXDEV)
    unsafe_calls += 1000;
  is_cancelled = true;
}

static void
handle_signal (int signum)
{
  int before = errno;

  (void) signum;
  cancel ();
  errno = before;
}

static void *
cancel_later (void *unused)
{
  int64_t start = now_in_ns ();

  (void) unused;
  while (now_in_ns () - start < delay_in_ns)
    ;
  cancel ();
  return NULL;
}

/* The way of cancelling: by another thread, or by a signal of a timer that
 * interrupts this one. */
static bool by_signal;
static timer_t timer;
static pthread_t thread;

static void
set_up_signal (void)
{
  struct sigaction action = { .sa_handler = handle_signal };
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };

  CHECK_EQ (sigaction (SIGUSR1, &action, NULL), 0);
  CHECK_EQ (timer_create (CLOCK_MONOTONIC, &event, &timer), 0);
}

static void
cancel_soon (struct nbd_handle *h, int64_t ns)
{
  struct itimerspec time = {
    .it_value = { ns / 1000000000, ns % 1000000000 ? ns % 1000000000 : 1 }
  };

  victim = h;
  delay_in_ns = ns;
  is_cancelled = false;
  if (by_signal)
    CHECK_EQ (timer_settime (timer, 0, &time, NULL), 0);
  else
    CHECK_EQ (pthread_create (&thread, NULL, cancel_later, NULL), 0);
}

static void
wait_for_cancel (void)
{
  if (!by_signal)
    CHECK_EQ (pthread_join (thread, NULL), 0);
  while (!is_cancelled)
    usleep (10);
  CHECK_EQ (unsafe_calls, 0);
}

/* ---- At every moment of a call ---- */

static unsigned
rounds (void)
{
  const char *wanted = getenv ("CANCEL_ROUNDS");

  /* The watchdog of the case is for the usual number: a second for each. */
  if (wanted)
    alarm ((unsigned) atoi (wanted));
  return wanted ? (unsigned) atoi (wanted) : under_valgrind () ? 12 : 300;
}

/* A call returned this: what it should, or the cancellation. */
static bool
check_result (int r)
{
  if (r == 0)
    return true;
  if (nbd_get_errno () != ECANCELED)
    fail_at (__FILE__, __LINE__, "%s", nbd_get_error ());
  CHECK_EQ (r, -1);
  return false;
}

/* Nobody has shut down what was opened in place of the socket. */
static void
check_bystanders (int pairs[2][2])
{
  char byte;

  for (unsigned i = 0; i < 2; ++i)
    for (unsigned j = 0; j < 2; ++j) {
      CHECK_EQ (recv (pairs[i][j], &byte, 1, MSG_DONTWAIT), -1);
      CHECK_EQ (errno, EAGAIN);
    }
  for (unsigned i = 0; i < 2; ++i)
    for (unsigned j = 0; j < 2; ++j)
      close (pairs[i][j]);
}

struct operation {
  const char *name;
  /* Before the cancellation can come. */
  void (*prepare) (struct nbd_handle *h);
  int (*call) (struct nbd_handle *h);
  /* It waits until it is cancelled. */
  bool is_endless;
};

static const char *server, *tcp_port;
static int mute_peer = -1, mute_socket = -1;
static char buffer[256 * 1024];

static void
prepare_nothing (struct nbd_handle *h)
{
  (void) h;
}

static void
prepare_connection (struct nbd_handle *h)
{
  CHECK_EQ (nbd_connect_unix (h, server), 0);
}

static void
prepare_negotiation (struct nbd_handle *h)
{
  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
}

static void
prepare_mute_peer (struct nbd_handle *h)
{
  int pair[2];

  (void) h;
  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  mute_peer = pair[0];
  mute_socket = pair[1];
}

static int
call_connect_unix (struct nbd_handle *h)
{
  return nbd_connect_unix (h, server);
}

static int
call_connect_tcp (struct nbd_handle *h)
{
  return nbd_connect_tcp (h, "127.0.0.1", tcp_port);
}

static int
call_aio_connect (struct nbd_handle *h)
{
  if (nbd_aio_connect_unix (h, server) == -1)
    return -1;
  while (nbd_aio_is_connecting (h)) {
    struct pollfd pollfd = { .fd = nbd_aio_get_fd (h) };
    unsigned direction = nbd_aio_get_direction (h);
    int r = 0;

    pollfd.events = (direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0)
      | (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0);
    if (poll (&pollfd, 1, -1) == -1) {
      CHECK_EQ (errno, EINTR);
      continue;
    }
    if (pollfd.revents & (POLLIN | POLLHUP) && direction & LIBNBD_AIO_DIRECTION_READ)
      r = nbd_aio_notify_read (h);
    else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      r = nbd_aio_notify_write (h);
    if (r == -1)
      return -1;
  }
  CHECK_EQ (nbd_aio_is_ready (h), 1);
  return 0;
}

static int
call_handshake (struct nbd_handle *h)
{
  int r = nbd_connect_socket (h, mute_socket);

  /* A handle that is cancelled before does not take it. */
  if (fcntl (mute_socket, F_GETFD) != -1)
    close (mute_socket);
  close (mute_peer);
  return r;
}

static int
ignore_export (void *data, const char *name, const char *description)
{
  (void) data, (void) name, (void) description;
  return 0;
}

static int
call_opt_list (struct nbd_handle *h)
{
  return nbd_opt_list (h, (nbd_list_callback) { .callback = ignore_export }) == -1 ? -1 : 0;
}

static int
call_opt_abort (struct nbd_handle *h)
{
  return nbd_opt_abort (h);
}

static int
call_read (struct nbd_handle *h)
{
  return nbd_pread (h, buffer, sizeof buffer, 0, 0);
}

static int
call_write (struct nbd_handle *h)
{
  return nbd_pwrite (h, buffer, sizeof buffer, 0, 0);
}

static int
call_poll (struct nbd_handle *h)
{
  return nbd_poll (h, -1);
}

static int
call_shutdown (struct nbd_handle *h)
{
  return nbd_shutdown (h, 0);
}

static const struct operation operations[] = {
  { "connect", prepare_nothing, call_connect_unix, false },
  { "connect by TCP", prepare_nothing, call_connect_tcp, false },
  { "connect with a main loop", prepare_nothing, call_aio_connect, false },
  { "handshake", prepare_mute_peer, call_handshake, true },
  { "option", prepare_negotiation, call_opt_list, false },
  { "abort", prepare_negotiation, call_opt_abort, false },
  { "read", prepare_connection, call_read, false },
  { "write", prepare_connection, call_write, false },
  { "poll", prepare_connection, call_poll, true },
  { "shutdown", prepare_connection, call_shutdown, false },
};

static void
cancel_at_every_moment (bool signals)
{
  unsigned cancelled = 0;

  by_signal = signals;
  if (signals)
    set_up_signal ();
  server = embedded ("--size", "1M", NULL);
  tcp_port = nbdkit_on_tcp ("127.0.0.1");
  for (const struct operation *op = operations;
       op < operations + sizeof operations / sizeof operations[0]; ++op)
    for (unsigned i = 0; i < rounds (); ++i) {
      struct nbd_handle *h = create ();
      int pairs[2][2], r;

      situation ("%s, cancelled %s after %u us", op->name,
                 signals ? "by a signal" : "by a thread", i % 1000);
      op->prepare (h);
      /* Nothing takes longer. */
      cancel_soon (h, i % 1000 * 1000);
      r = op->call (h);
      if (check_result (r))
        CHECK (!op->is_endless);
      else {
        CHECK_EQ (nbd_aio_is_dead (h), 1);
        cancelled++;
      }
      for (unsigned j = 0; j < 2; ++j)
        CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, pairs[j]), 0);
      wait_for_cancel ();
      check_bystanders (pairs);
      if (r == 0 && nbd_aio_is_ready (h)) {
        /* Nothing waited, and so the next one that would wait is cancelled. */
        CHECK_ERR (nbd_flush (h, 0), ECANCELED);
        CHECK_EQ (nbd_aio_is_dead (h), 1);
      }
      nbd_close (h);
    }
  CHECK (cancelled > 0);
  if (signals)
    timer_delete (timer);
}

CASE (at_every_moment_by_a_thread)
{
  cancel_at_every_moment (false);
}

CASE (at_every_moment_by_a_signal)
{
  cancel_at_every_moment (true);
}

/* ---- Numbers of descriptors that are used again ---- */

static volatile bool storm_is_over;

static void *
cancel_all_the_time (void *unused)
{
  (void) unused;
  while (!storm_is_over) {
    struct nbd_handle *h = victim;

    if (h)
      nbdx_cancel (h);
  }
  return NULL;
}

/* The handle closes its socket while it is being cancelled, and the program
 * opens others in its place. */
CASE (bystanders)
{
  pthread_t storm;

  server = embedded ("--size", "1M", NULL);
  CHECK_EQ (pthread_create (&storm, NULL, cancel_all_the_time, NULL), 0);
  for (unsigned i = 0; i < rounds (); ++i) {
    struct nbd_handle *h = create ();
    int pairs[2][2];

    situation ("round %u", i);
    CHECK_EQ (nbd_connect_unix (h, server), 0);
    victim = h;
    for (unsigned j = 0; j < i % 64; ++j)
      __asm__ volatile ("" : : : "memory");
    CHECK_ERR (nbd_poll (h, -1), ECANCELED);
    for (unsigned j = 0; j < 2; ++j)
      CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, pairs[j]), 0);
    for (unsigned j = 0; j < 50; ++j)
      sched_yield ();
    check_bystanders (pairs);
    victim = NULL;
    nbd_close (h);
  }
  storm_is_over = true;
  CHECK_EQ (pthread_join (storm, NULL), 0);
}

/* A program that closes the handle too early has made a mistake, but is told
 * so. */
CASE (while_it_is_being_closed)
{
  pthread_t storm;

  CHECK_EQ (pthread_create (&storm, NULL, cancel_all_the_time, NULL), 0);
  for (unsigned i = 0; i < 10 * rounds (); ++i) {
    struct nbd_handle *h = create ();
    int pair[2];

    CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ (nbd_aio_connect_socket (h, pair[1]), 0);
    victim = h;
    nbd_close (h);
    close (pair[0]);
  }
  storm_is_over = true;
  CHECK_EQ (pthread_join (storm, NULL), 0);
}

/* ---- When nothing waits ---- */

CASE (invalid_handles)
{
  struct nbd_handle *h = create ();
  /* The compiler shall not know that it has been closed. */
  struct nbd_handle *volatile closed = h;
  static uint64_t no_handle[16];

  forget_error ();
  errno = 0;
  CHECK_EQ (nbdx_cancel (NULL), -1);
  CHECK_EQ (errno, EFAULT);
  CHECK_EQ (nbdx_cancel ((struct nbd_handle *) no_handle), -1);
  CHECK_EQ (errno, EINVAL);
  CHECK_EQ (nbdx_cancel ((struct nbd_handle *) ((char *) no_handle + 1)), -1);
  CHECK_EQ (errno, EINVAL);
  nbd_close (h);
  errno = 0;
  in_cancel = true;
  CHECK_EQ (nbdx_cancel (closed), -1);
  in_cancel = false;
  CHECK_EQ (errno, EINVAL);
  CHECK_EQ (unsafe_calls, 0);
  /* What forget_error has left. */
  CHECK_EQ (nbd_get_errno (), ESRCH);
}

static void
check_dead (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_ERR (nbd_poll (h, -1), ECANCELED);
  CHECK_ERR (nbd_pread (h, buffer, 512, 0, 0), ECANCELED);
  /* It is no setting of a dead handle. */
  CHECK_ERR (nbd_set_opt_mode (h, true), EINVAL);
  CHECK_EQ (nbdx_cancel (h), 0);
  nbd_close (h);
}

static struct nbd_handle *
created_and_cancelled (void)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_EQ (nbdx_cancel (h), 0);
  /* What does not wait is as before. */
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_ERR (nbd_poll (h, -1), EINVAL);
  CHECK_EQ (nbd_set_opt_mode (h, false), 0);
  return h;
}

CASE (created)
{
  char *argv[] = { (char *) "nbdkit", (char *) "-s", (char *) "memory", (char *) "1M", NULL };
  const char *path = embedded ("--size", "1M", NULL);
  struct nbd_handle *h;
  int pair[2];

  h = created_and_cancelled ();
  CHECK_ERR (nbd_connect_unix (h, path), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_ERR (nbd_aio_connect_unix (h, path), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_ERR (nbd_connect_tcp (h, "localhost", "1"), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_ERR (nbd_connect_uri (h, text ("nbd+unix://?socket=%s", path)), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_ERR (nbd_connect_command (h, argv), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), ECANCELED);
  check_dead (h);
  h = created_and_cancelled ();
  CHECK_EQ (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
  CHECK_ERR (nbd_connect_socket (h, pair[1]), ECANCELED);
  check_dead (h);
  /* It is still the caller's. */
  CHECK_EQ (close (pair[1]), 0);
  close (pair[0]);
}

CASE (connecting)
{
  struct nbd_handle *h = create ();

  prepare_mute_peer (h);
  CHECK_EQ (nbd_aio_connect_socket (h, mute_socket), 0);
  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_EQ (nbd_aio_is_connecting (h), 1);
  CHECK_ERR (nbd_poll (h, -1), ECANCELED);
  check_dead (h);
  close (mute_peer);
}

CASE (negotiating)
{
  const char *path = embedded ("--size", "1M", NULL);

  for (unsigned i = 0; i < 4; ++i) {
    struct nbd_handle *h = negotiate_with (path);

    situation ("function %u", i);
    CHECK_EQ (nbdx_cancel (h), 0);
    switch (i) {
    case 0: CHECK_ERR (nbd_opt_go (h), ECANCELED); break;
    case 1: CHECK_ERR (nbd_opt_abort (h), ECANCELED); break;
    case 2: CHECK_ERR (nbd_shutdown (h, 0), ECANCELED); break;
    case 3: CHECK_ERR (nbd_poll (h, -1), ECANCELED); break;
    }
    check_dead (h);
  }
}

CASE (an_option_in_flight)
{
  struct record ended = { .calls = 0 };
  struct nbd_handle *h = negotiate_by ("read-option\nwait-eof\n");

  CHECK_EQ (nbd_aio_opt_go (h, completion (&ended)), 0);
  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_ERR (nbd_poll (h, -1), ECANCELED);
  CHECK_EQ (ended.calls, 1);
  CHECK_EQ (ended.error, ECANCELED);
  check_dead (h);
}

CASE (connected)
{
  const char *path = embedded ("--size", "1M", NULL);

  for (unsigned i = 0; i < 4; ++i) {
    struct nbd_handle *h = connect_to (path);

    situation ("function %u", i);
    CHECK_EQ (nbdx_cancel (h), 0);
    CHECK_EQ (nbd_aio_is_ready (h), 1);
    switch (i) {
    case 0: CHECK_ERR (nbd_pread (h, buffer, 512, 0, 0), ECANCELED); break;
    case 1: CHECK_ERR (nbd_pwrite (h, buffer, 512, 0, 0), ECANCELED); break;
    case 2: CHECK_ERR (nbd_shutdown (h, 0), ECANCELED); break;
    case 3: CHECK_ERR (nbd_aio_notify_read (h), ECANCELED); break;
    }
    check_dead (h);
  }
}

CASE (closed_and_dead)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));

  CHECK_EQ (nbd_shutdown (h, 0), 0);
  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_EQ (nbd_aio_is_closed (h), 1);
  CHECK_ERR (nbd_poll (h, -1), EINVAL);
  nbd_close (h);
  h = create ();
  CHECK_ERR (nbd_connect_unix (h, "/nonexistent/socket"), ENOENT);
  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_ERR (nbd_poll (h, -1), EINVAL);
  CHECK_ERR (nbd_pread (h, buffer, 512, 0, 0), EINVAL);
  nbd_close (h);
}

/* ---- Commands in flight ---- */

enum { COMMANDS = 64 };

CASE (all_commands_are_cancelled)
{
  struct record ended[COMMANDS] = { { .calls = 0 } };
  int64_t cookies[COMMANDS];
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_unix (h, scripted ("handshake\nread-request\nwait-eof\n", NULL)), 0);
  for (unsigned i = 0; i < COMMANDS; ++i) {
    cookies[i] = nbd_aio_pread (h, buffer + 512 * i, 512, 0, completion (&ended[i]), 0);
    CHECK (cookies[i] > 0);
  }
  CHECK_EQ (nbdx_cancel (h), 0);
  CHECK_ERR (nbd_poll (h, -1), ECANCELED);
  for (unsigned i = 0; i < COMMANDS; ++i) {
    CHECK_EQ (ended[i].calls, 1);
    CHECK_EQ (ended[i].error, ECANCELED);
    CHECK_ERR (nbd_aio_command_completed (h, (uint64_t) cookies[i]), ECANCELED);
    CHECK_EQ (ended[i].frees, 1);
  }
  CHECK_EQ (nbd_aio_in_flight (h), 0);
  check_dead (h);
}

static int
cancel_in_callback (void *h, int *error)
{
  (void) error;
  CHECK_EQ (nbdx_cancel (h), 0);
  return 1;
}

CASE (in_a_callback)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));
  nbd_completion_callback cancelling = { .callback = cancel_in_callback, .user_data = h };

  CHECK (nbd_aio_pread (h, buffer, 512, 0, cancelling, 0) > 0);
  while (nbd_aio_in_flight (h) > 0)
    CHECK (nbd_poll (h, -1) != -1);
  CHECK_ERR (nbd_flush (h, 0), ECANCELED);
  check_dead (h);
}

/* ---- Who else waits ---- */

static void *
read_by_thread (void *h)
{
  int *r = malloc (sizeof *r);

  CHECK (r != NULL);
  *r = nbd_pread (h, (char[512]) { 0 }, 512, 0, 0) == -1 ? nbd_get_errno () : 0;
  return r;
}

/* One waits for the server, and the others for the lock. */
CASE (several_threads)
{
  struct nbd_handle *h = create ();
  pthread_t threads[4];

  CHECK_EQ (nbd_connect_unix (h, scripted ("handshake\nread-request\nwait-eof\n", NULL)), 0);
  for (unsigned i = 0; i < 4; ++i)
    CHECK_EQ (pthread_create (&threads[i], NULL, read_by_thread, h), 0);
  usleep (50000);
  CHECK_EQ (nbdx_cancel (h), 0);
  for (unsigned i = 0; i < 4; ++i) {
    void *result;

    CHECK_EQ (pthread_join (threads[i], &result), 0);
    CHECK_EQ (*(int *) result, ECANCELED);
    free (result);
  }
  check_dead (h);
}

/* The descriptor becomes ready for a program that polls it. */
CASE (main_loops)
{
  for (unsigned with_epoll = 0; with_epoll < 2; ++with_epoll) {
    struct record ended = { .calls = 0 };
    struct nbd_handle *h = create ();

    situation ("%s", with_epoll ? "epoll" : "poll");
    CHECK_EQ (nbd_connect_unix (h, scripted ("handshake\nread-request\nwait-eof\n", NULL)), 0);
    CHECK (nbd_aio_pread (h, buffer, 512, 0, completion (&ended), 0) > 0);
    cancel_soon (h, 20 * 1000000);
    if (with_epoll) {
      struct epoll_event event = { .events = EPOLLIN };
      int epoll = epoll_create1 (EPOLL_CLOEXEC);

      CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, nbd_aio_get_fd (h), &event), 0);
      CHECK_EQ (epoll_wait (epoll, &event, 1, 5000), 1);
      close (epoll);
    }
    else {
      struct pollfd pollfd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };

      CHECK_EQ (poll (&pollfd, 1, 5000), 1);
    }
    wait_for_cancel ();
    CHECK_ERR (nbd_aio_notify_read (h), ECANCELED);
    CHECK_EQ (ended.error, ECANCELED);
    check_dead (h);
  }
}

/* ---- Places that wait otherwise ---- */

/* Connections to a listener whose queue is full get no reply at all. */
CASE (an_address_that_does_not_respond)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), filling[8];

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK_EQ (bind (listener, (struct sockaddr *) &address, sizeof address), 0);
  CHECK_EQ (listen (listener, 0), 0);
  CHECK_EQ (getsockname (listener, (struct sockaddr *) &address, &length), 0);
  for (unsigned i = 0; i < 8; ++i) {
    filling[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect (filling[i], (struct sockaddr *) &address, sizeof address);
  }
  usleep (20000);
  for (unsigned i = 0; i < 2; ++i) {
    struct nbd_handle *h = create ();
    const char *port = text ("%u", ntohs (address.sin_port));

    by_signal = i;
    if (by_signal)
      set_up_signal ();
    cancel_soon (h, 50 * 1000000);
    CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", port), ECANCELED);
    wait_for_cancel ();
    check_dead (h);
  }
  timer_delete (timer);
  for (unsigned i = 0; i < 8; ++i)
    close (filling[i]);
  close (listener);
}

/* The resolver itself cannot be interrupted. */
CASE (while_a_name_is_resolved)
{
  struct nbd_handle *h = create ();

  resolver_waits = true;
  resolved_for = h;
  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECANCELED);
  CHECK (is_resolving);
  check_dead (h);
}

static void
cancel_start_of_program (bool activation)
{
  char *argv[] = { (char *) "nbdkit", (char *) "-s", (char *) "memory", (char *) "1M", NULL };
  struct nbd_handle *h = create ();

  program_does_not_start = true;
  cancel_soon (h, 50 * 1000000);
  if (activation)
    CHECK_ERR (nbd_connect_systemd_socket_activation (h, argv), ECANCELED);
  else
    CHECK_ERR (nbd_connect_command (h, argv), ECANCELED);
  wait_for_cancel ();
  check_dead (h);
  check_no_children ();
}

CASE (while_a_program_starts)
{
  int64_t start = now_in_ns ();

  cancel_start_of_program (false);
  cancel_start_of_program (true);
  by_signal = true;
  set_up_signal ();
  cancel_start_of_program (false);
  cancel_start_of_program (true);
  timer_delete (timer);
  CHECK (now_in_ns () - start < INT64_C (5000000000));
}

/* A program that has started and does not speak. */
CASE (a_subprocess_without_a_greeting)
{
  char *argv[] = { (char *) "sh", (char *) "-c", (char *) "exec cat > /dev/null", NULL };
  struct nbd_handle *h = create ();

  cancel_soon (h, 50 * 1000000);
  CHECK_ERR (nbd_connect_command (h, argv), ECANCELED);
  wait_for_cancel ();
  check_dead (h);
  check_no_children ();
}

/* ---- Forked processes ---- */

/* A child that cancels its copy ends the connection of both. */
CASE (in_a_child)
{
  struct nbd_handle *h = connect_to (embedded ("--size", "1M", NULL));
  int status;
  pid_t pid = fork ();

  CHECK (pid != -1);
  if (pid == 0) {
    if (nbdx_cancel (h) != 0 || nbd_poll (h, -1) != -1 || nbd_get_errno () != ECANCELED)
      _exit (1);
    nbd_close (h);
    _exit (0);
  }
  CHECK_EQ (waitpid (pid, &status, 0), pid);
  CHECK_EQ (status, 0);
  /* Not cancelled here. */
  CHECK (nbd_pread (h, buffer, 512, 0, 0) == -1);
  CHECK (nbd_get_errno () != ECANCELED);
  nbd_close (h);
}
