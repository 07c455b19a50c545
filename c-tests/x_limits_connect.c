/* Time limits on connecting: the name, the transport, TLS, the handshake. */
#include "support/clock.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <libnbdx.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A limit that a server exceeds, and everything else keeps: under valgrind that
 * takes longer. */
#define SHORT (under_valgrind () ? 3000 : 60)

/* ---- What this program replaces: the resolver, and starting threads ---- */

static pthread_t resolver;
static sigset_t blocked;
static int gate[2] = { -1, -1 };
static volatile int asked, answered;

/* Never answers for one name, until somebody opens the gate. */
int
getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
             struct addrinfo **result)
{
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);
  char byte;
  int r;

  *(void **) &real = dlsym (RTLD_NEXT, "getaddrinfo");
  resolver = pthread_self ();
  pthread_sigmask (SIG_SETMASK, NULL, &blocked);
  ++asked;
  if (strcmp (host, "never.invalid") == 0) {
    while (read (gate[0], &byte, 1) == -1 && errno == EINTR)
      ;
    host = "localhost";
  }
  r = real (host, port, hints, result);
  ++answered;
  return r;
}

static bool no_threads;

int
pthread_create (pthread_t *thread, const pthread_attr_t *attr, void *(*start_routine) (void *),
                void *arg)
{
  int (*real) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);

  *(void **) &real = dlsym (RTLD_NEXT, "pthread_create");
  return no_threads ? EAGAIN : real (thread, attr, start_routine, arg);
}

static void
close_gate (void)
{
  CHECK_EQ (pipe2 (gate, O_CLOEXEC), 0);
}

static void
open_gate (void)
{
  close (gate[1]);
  for (int i = 0; answered < asked; ++i) {
    CHECK (i < GRACE);
    usleep (1000);
  }
  /* What is left is to see that nobody waits. */
  usleep (20000);
  close (gate[0]);
}

static struct nbd_handle *
limited (int64_t milliseconds)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CONNECT, milliseconds), 0);
  return h;
}

static void
check_dead (struct nbd_handle *h)
{
  CHECK_EQ (nbd_aio_is_dead (h), 1);
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  nbd_close (h);
}

/* ---- The name ---- */

CASE (resolver_that_never_answers)
{
  unsigned before;
  struct nbd_handle *h;

  close_gate ();
  before = open_fds ();
  h = limited (SHORT);
  CHECK_LATE (nbd_connect_tcp (h, "never.invalid", "10809"), SHORT,
              "the address of never.invalid (NBDX_TIMEOUT_CONNECT)");
  CHECK_EQ (open_fds (), before);
  check_dead (h);
  h = limited (SHORT);
  CHECK_LATE (nbd_aio_connect_tcp (h, "never.invalid", "10809"), SHORT, "never.invalid");
  check_dead (h);
  h = limited (SHORT);
  CHECK_LATE (nbd_connect_uri (h, "nbd://never.invalid/"), SHORT, "never.invalid");
  CHECK (!pthread_equal (resolver, pthread_self ()));
  for (int signal = 1; signal < 32; ++signal)
    CHECK (signal == SIGKILL || signal == SIGSTOP || sigismember (&blocked, signal) == 1);
  check_dead (h);
  CHECK_EQ (asked, 3);
  CHECK_EQ (answered, 0);
  open_gate ();
  CHECK_EQ (answered, 3);
}

CASE (name_that_is_resolved)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = limited (60000);
  sigset_t before, after;

  pthread_sigmask (SIG_SETMASK, NULL, &before);
  CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
  CHECK (!pthread_equal (resolver, pthread_self ()));
  pthread_sigmask (SIG_SETMASK, NULL, &after);
  for (int signal = 1; signal < 32; ++signal)
    CHECK_EQ (sigismember (&after, signal), sigismember (&before, signal));
  check_works (h);
  nbd_close (h);
  h = limited (60000);
  CHECK_ERR (nbd_connect_tcp (h, "no-such-host.invalid", port), 0);
  CHECK_WORDS ("no-such-host.invalid");
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", port), 0);
  CHECK (pthread_equal (resolver, pthread_self ()));
  check_works (h);
  nbd_close (h);
  /* Without a limit there is no thread. */
  h = create ();
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, 60000), 0);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 60000), 0);
  CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
  CHECK (pthread_equal (resolver, pthread_self ()));
  nbd_close (h);
  /* Nor if there is none to be had. */
  h = limited (60000);
  no_threads = true;
  CHECK_EQ (nbd_connect_tcp (h, "localhost", port), 0);
  CHECK (pthread_equal (resolver, pthread_self ()));
  no_threads = false;
  nbd_close (h);
}

/* A child that is forked while the thread is in the resolver. */
CASE (fork_during_resolution)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = limited (SHORT);
  int status;
  pid_t pid;

  close_gate ();
  CHECK_ERR (nbd_connect_tcp (h, "never.invalid", port), ETIMEDOUT);
  check_dead (h);
  pid = fork ();
  if (pid == 0) {
    alarm (20);
    h = limited (10000);
    status = nbd_connect_tcp (h, "127.0.0.1", port);
    /* By a signal, because valgrind would turn an exit into a failure: what the
     * thread had belongs to nobody here. */
    kill (getpid (), status == 0 ? SIGTERM : SIGKILL);
  }
  CHECK_EQ (waitpid (pid, &status, 0), pid);
  CHECK (WIFSIGNALED (status));
  CHECK_EQ (WTERMSIG (status), SIGTERM);
  open_gate ();
}

/* ---- The transport ---- */

/* Connections to it are neither accepted nor refused. */
static int
full_backlog (struct sockaddr_in *addr, int *first)
{
  socklen_t len = sizeof *addr;
  int listener = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

  memset (addr, 0, sizeof *addr);
  addr->sin_family = AF_INET;
  addr->sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK_EQ (bind (listener, (struct sockaddr *) addr, sizeof *addr), 0);
  CHECK_EQ (listen (listener, 0), 0);
  CHECK_EQ (getsockname (listener, (struct sockaddr *) addr, &len), 0);
  *first = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
  CHECK_EQ (connect (*first, (struct sockaddr *) addr, sizeof *addr), 0);
  return listener;
}

CASE (full_backlog_of_a_listener)
{
  struct sockaddr_in addr;
  int first, listener = full_backlog (&addr, &first);
  const char *port = text ("%d", ntohs (addr.sin_port));
  struct nbd_handle *h = limited (SHORT);

  CHECK_LATE (nbd_connect_tcp (h, "127.0.0.1", port), SHORT,
              text ("the connection to 127.0.0.1:%s (NBDX_TIMEOUT_CONNECT)", port));
  check_dead (h);
  h = limited (SHORT);
  CHECK_LATE (nbd_connect_uri (h, text ("nbd://localhost:%s/", port)), SHORT, "localhost");
  check_dead (h);
  h = limited (SHORT);
  start_clock ();
  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr), 0);
  CHECK (nbdx_aio_get_timeout (h) >= 0);
  CHECK_ERR (nbd_poll (h, -1), ETIMEDOUT);
  CHECK_CLOCK (SHORT);
  CHECK_WORDS ("the connection to the server");
  check_dead (h);
  /* The server does not owe anything yet. */
  h = create ();
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 1), 0);
  CHECK_EQ (nbd_aio_connect (h, (struct sockaddr *) &addr, sizeof addr), 0);
  CHECK_EQ (nbd_poll (h, SHORT), 0);
  /* A limit that is set meanwhile. */
  start_clock ();
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CONNECT, SHORT), 0);
  CHECK_ERR (nbd_poll (h, -1), ETIMEDOUT);
  CHECK_CLOCK (SHORT);
  check_dead (h);
  close (first);
  close (listener);
}

/* ---- Subprocesses ---- */

CASE (command_that_says_nothing)
{
  char *mute[] = { "sh", "-c", "cat > /dev/null", NULL };
  struct nbd_handle *h = limited (SHORT);

  CHECK_LATE (nbd_connect_command (h, mute), SHORT, "the server's greeting");
  check_dead (h);
  h = create ();
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, SHORT), 0);
  CHECK_LATE (nbd_connect_command (h, mute), SHORT,
              "the server's greeting (NBDX_TIMEOUT_SILENCE)");
  check_dead (h);
  check_no_children ();
}

CASE (activated_server_that_does_not_accept)
{
  char *argv[] = { "sleep", "1000", NULL };
  struct nbd_handle *h = limited (SHORT);

  CHECK_LATE (nbd_connect_systemd_socket_activation (h, argv), SHORT, "the server's greeting");
  check_dead (h);
  check_no_children ();
}

static bool hang;

static void
hang_in_child (void)
{
  while (hang)
    pause ();
}

/* A child that does not become a program. */
CASE (program_that_does_not_start)
{
  char *argv[] = { "true", NULL };
  struct nbd_handle *h = limited (SHORT);

  CHECK_EQ (pthread_atfork (NULL, NULL, hang_in_child), 0);
  hang = true;
  CHECK_LATE (nbd_connect_command (h, argv), SHORT,
              "the program to start (NBDX_TIMEOUT_CONNECT)");
  check_dead (h);
  h = limited (SHORT);
  CHECK_LATE (nbd_aio_connect_systemd_socket_activation (h, argv), SHORT,
              "the program to start");
  check_dead (h);
  check_no_children ();
  hang = false;
}

CASE (ssh)
{
  const char *bin = temp_path ("bin");
  struct nbd_handle *h = limited (SHORT);

  CHECK_EQ (mkdir (bin, 0777), 0);
  make_file (text ("%s/ssh", bin), "#!/bin/sh\ncat > /dev/null\n", 0755);
  setenv ("PATH", text ("%s:%s", bin, getenv ("PATH")), 1);
  CHECK_LATE (nbd_connect_uri (h, "nbd+ssh://example.net/"), SHORT, "the server's greeting");
  check_dead (h);
  check_no_children ();
}

/* ---- The handshake ---- */

#define GREETING "send NBDMAGIC IHAVEOPT u16:3\nread 4\n"

static const struct { const char *script, *words; } mute[] = {
  { "", "the server's greeting" },
  { "send NBDMAGIC\n", "the server's greeting" },
  { "send NBDMAGIC IHAVEOPT\n", "the server's greeting" },
  { GREETING, "the server's answer to NBD_OPT_EXTENDED_HEADERS" },
  { GREETING "read-option EXTENDED_HEADERS\noption-reply ACK\n",
    "the server's answer to NBD_OPT_GO" },
  { GREETING "read-option EXTENDED_HEADERS\noption-reply UNSUP\nread-option STRUCTURED_REPLY\n"
    "send OPTREPLY u32:8\n", "the server's answer to NBD_OPT_STRUCTURED_REPLY" },
};

CASE (server_that_falls_silent)
{
  for (unsigned i = 0; i < sizeof mute / sizeof mute[0]; ++i) {
    for (int which = NBDX_TIMEOUT_CONNECT; which <= NBDX_TIMEOUT_SILENCE; which += 2) {
      struct nbd_handle *h = create ();

      situation ("%u, limit %d", i, which);
      CHECK_EQ (nbdx_set_timeout (h, which, SHORT), 0);
      /* This one is for commands. */
      CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CALL, 1), 0);
      CHECK_LATE (nbd_connect_unix (h, scripted (text ("%swait-eof\n", mute[i].script), NULL)),
                  SHORT, mute[i].words);
      check_dead (h);
      kill_servers ();
    }
  }
}

/* A script that sends the bytes of a greeting, and then others, one by one. */
static char *
dribble (const char *first, unsigned count, int interval)
{
  static const char *const magic[] = { "4e", "42", "44", "4d", "41", "47", "49", "43" };
  char *script = text ("%s", first);

  for (unsigned i = 0; i < count; ++i)
    script = text ("%ssend %s\nsleep %d\n", script, i < 8 && *first == '\0' ? magic[i] : "00",
                   interval);
  return text ("%swait-eof\n", script);
}

CASE (server_that_dribbles)
{
  struct nbd_handle *h = limited (120);

  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 5000), 0);
  CHECK_LATE (nbd_connect_unix (h, scripted (dribble ("", 8, 25), NULL)), 120,
              "NBDX_TIMEOUT_CONNECT");
  check_dead (h);
  kill_servers ();
  /* A long text in an option reply, of which every byte counts. */
  h = limited (0);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 400), 0);
  start_clock ();
  CHECK_ERR (nbd_connect_unix
             (h, scripted (dribble (GREETING "read-option\nsend OPTREPLY u32:11 u32:0x80000001 "
                                    "u32:100\n", 30, 25), NULL)), ETIMEDOUT);
  CHECK_CLOCK (30 * 25 + 400 - 25);
  CHECK_WORDS ("NBDX_TIMEOUT_SILENCE");
  check_dead (h);
  kill_servers ();
}

/* With a key, so that nothing has to be read from files. */
static void
require_tls (struct nbd_handle *h)
{
  CHECK_EQ (nbd_set_tls (h, LIBNBD_TLS_REQUIRE), 0);
  CHECK_EQ (nbdx_set_tls_psk (h, "alice", "0123456789abcdef", 16), 0);
}

CASE (tls_half_way)
{
  for (int which = NBDX_TIMEOUT_CONNECT; which <= NBDX_TIMEOUT_SILENCE; which += 2) {
    struct nbd_handle *h = create ();

    situation ("limit %d", which);
    require_tls (h);
    CHECK_EQ (nbdx_set_timeout (h, which, 5 * SHORT), 0);
    CHECK_LATE (nbd_connect_unix (h, scripted (GREETING "read-option STARTTLS\n"
                                               "option-reply ACK\nwait-eof\n", NULL)),
                5 * SHORT, "the TLS handshake");
    check_dead (h);
    kill_servers ();
  }
}

/* The bytes of one record, of which OpenSSL makes nothing before the last. */
CASE (tls_that_dribbles)
{
  int unit = under_valgrind () ? 200 : 20;
  struct nbd_handle *h = limited (75 * unit);

  require_tls (h);
  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_SILENCE, 40 * unit), 0);
  CHECK_LATE (nbd_connect_unix
              (h, scripted (dribble (GREETING "read-option STARTTLS\noption-reply ACK\n"
                                     "read 5\nsend 16 03 03 3f ff 02 00 3f fb 03 03\n", 200, unit),
                            NULL)), 75 * unit, "the TLS handshake (NBDX_TIMEOUT_CONNECT)");
  check_dead (h);
  kill_servers ();
}

/* Once the handle is negotiating, the limit has been kept. */
CASE (option_mode)
{
  struct nbd_handle *h = negotiate_by ("read-option\nwait-eof\n");

  CHECK_EQ (nbdx_set_timeout (h, NBDX_TIMEOUT_CONNECT, 1), 0);
  usleep (20000);
  CHECK_EQ (nbdx_aio_get_timeout (h), -1);
  CHECK_EQ (nbdx_aio_notify_timeout (h), 0);
  CHECK_EQ (nbd_aio_opt_go (h, NBD_NULL_COMPLETION), 0);
  CHECK_EQ (nbd_poll (h, 50), 0);
  nbd_close (h);
  kill_servers ();
}

CASE (limit_of_a_handle_that_is_used_again)
{
  const char *port = nbdkit_on_tcp ("127.0.0.1");
  struct nbd_handle *h = limited (2000);

  CHECK_ERR (nbd_connect_tcp (h, "127.0.0.1", free_port ()), ECONNREFUSED);
  usleep (10000);
  CHECK_EQ (nbd_aio_is_created (h), 1);
  CHECK_EQ (nbd_connect_tcp (h, "127.0.0.1", port), 0);
  check_works (h);
  nbd_close (h);
}

/* ---- Programs that know nothing of this ---- */

static void
check_program (const char *variable, const char *words, const char *command)
{
  const char *log = temp_path ("log");

  situation ("%s", command);
  start_clock ();
  CHECK (system (text ("%s=300 timeout 60 %s > %s 2>&1", variable, command, log)) != 0);
  CHECK_CLOCK (300);
  if (strstr (contents (log), words) == NULL)
    fail_at (__FILE__, __LINE__, "%s", contents (log));
}

CASE (programs)
{
  const char *disk = temp_path ("copy");
  const char *from = text ("'nbd+unix:///?socket=%s'", scripted ("wait-eof\n", NULL));

  check_program ("LIBNBDX_CONNECT_TIMEOUT", "NBDX_TIMEOUT_CONNECT", text ("nbdinfo %s", from));
  kill_servers ();
  from = text ("'nbd+unix:///?socket=%s'", scripted ("wait-eof\n", NULL));
  check_program ("LIBNBDX_SILENCE_TIMEOUT", "NBDX_TIMEOUT_SILENCE", text ("nbdinfo %s", from));
  kill_servers ();
  from = text ("'nbd+unix:///?socket=%s'", scripted ("wait-eof\n", NULL));
  check_program ("LIBNBDX_CONNECT_TIMEOUT", "NBDX_TIMEOUT_CONNECT",
                 text ("nbdcopy %s %s", from, disk));
  kill_servers ();
  /* A server that falls silent when it is to read. */
  from = text ("'nbd+unix:///?socket=%s'",
               scripted ("handshake\nwait-eof\n", "--size", "1M", NULL));
  check_program ("LIBNBDX_CALL_TIMEOUT", "NBDX_TIMEOUT_CALL",
                 text ("nbdcopy --synchronous --allocated %s %s", from, disk));
  kill_servers ();
}
