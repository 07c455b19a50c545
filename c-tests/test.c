/* The harness: runs the cases, starts and stops servers, keeps records. */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define WATCHDOG_SECONDS 60
#define SERVER_OUTPUT "servers.log"

static const char *program = "test";
static struct test_case *first_case, **last_case = &first_case;
static char directory[64];
static char current_situation[256];

/* ---- Memory that lives until the case ends ---- */

static char **kept;
static size_t nr_kept;

static char *
keep (char *s)
{
  char **grown = realloc (kept, (nr_kept + 1) * sizeof *kept);

  if (s == NULL || grown == NULL)
    abort ();
  kept = grown;
  kept[nr_kept++] = s;
  return s;
}

char *
text (const char *fmt, ...)
{
  va_list args;
  char *s;

  va_start (args, fmt);
  if (vasprintf (&s, fmt, args) == -1)
    abort ();
  va_end (args);
  return keep (s);
}

char *
temp_path (const char *name)
{
  return text ("%s/%s", directory, name);
}

/* ---- Checks ---- */

void
situation (const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (current_situation, sizeof current_situation, fmt, args);
  va_end (args);
}

void
fail_at (const char *file, int line, const char *fmt, ...)
{
  const char *error = nbd_get_error ();
  va_list args;

  printf ("# %s:%d: ", file, line);
  va_start (args, fmt);
  vprintf (fmt, args);
  va_end (args);
  if (current_situation[0] != '\0')
    printf (" [%s]", current_situation);
  printf ("\n#   last error: %s (errno %d)\n",
          error ? error : "none", nbd_get_errno ());
  fflush (stdout);
  /* Not exit: another thread may be running, and nothing after a failure
   * is worth reporting. */
  _exit (1);
}

void
check_int (const char *file, int line, const char *expr,
           intmax_t got, intmax_t wanted)
{
  if (got != wanted)
    fail_at (file, line, "%s is %jd, wanted %jd", expr, got, wanted);
}

void
check_str (const char *file, int line, const char *expr,
           const char *got, const char *wanted)
{
  if (got == NULL || strcmp (got, wanted) != 0)
    fail_at (file, line, "%s is \"%s\", wanted \"%s\"",
             expr, got ? got : "(null)", wanted);
}

/* Leaves an error in this thread that no test expects, so that a call which
 * fails without saying why cannot borrow the message of an earlier one. */
static struct nbd_handle *decoy;

void
forget_error (void)
{
  if (decoy == NULL)
    decoy = nbd_create ();
  if (decoy == NULL || nbd_kill_subprocess (decoy, 0) != -1 ||
      nbd_get_errno () != ESRCH)
    fail_at (__FILE__, __LINE__, "cannot provoke an error on purpose");
}

static bool
begins_with (const char *s, const char *prefix, size_t length)
{
  return strncmp (s, prefix, length) == 0;
}

static bool
ends_with (const char *s, const char *end)
{
  size_t length = strlen (s), end_length = strlen (end);

  return length >= end_length && strcmp (s + length - end_length, end) == 0;
}

void
check_failed (const char *file, int line, const char *call,
              bool failed, int wanted_errno)
{
  size_t name_length = strspn (call, "abcdefghijklmnopqrstuvwxyz_0123456789");
  const char *error = nbd_get_error ();
  int err = nbd_get_errno ();

  if (!failed)
    fail_at (file, line, "%s succeeded, wanted %s", call,
             wanted_errno == ANY_ERRNO ? "an error" : strerror (wanted_errno));
  if (error == NULL || !begins_with (error, call, name_length) ||
      !begins_with (error + name_length, ": ", 2))
    fail_at (file, line, "%s: message does not begin with its name", call);
  if (wanted_errno != ANY_ERRNO && err != wanted_errno)
    fail_at (file, line, "%s: errno is %d, wanted %d (%s)", call, err,
             wanted_errno, strerror (wanted_errno));
  if (err != 0 && !ends_with (error, strerror (err)))
    fail_at (file, line, "%s: message does not end with \"%s\"", call,
             strerror (err));
}

/* ---- Files and data ---- */

char *
temp_disk (const char *name, uint64_t size)
{
  char *path = temp_path (name);
  int fd = open (path, O_WRONLY|O_CREAT|O_EXCL, 0666);

  CHECK (fd != -1 && ftruncate (fd, (off_t) size) == 0 && close (fd) == 0);
  return path;
}

void
make_file (const char *path, const char *what, mode_t mode)
{
  int fd = open (path, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0666);

  CHECK (fd != -1);
  CHECK_EQ (write (fd, what, strlen (what)), strlen (what));
  CHECK_EQ (fchmod (fd, mode), 0);
  close (fd);
}

char *
contents (const char *path)
{
  static char buf[65536];
  int fd = open (path, O_RDONLY|O_CLOEXEC);
  ssize_t n;

  CHECK (fd != -1);
  n = read (fd, buf, sizeof buf - 1);
  CHECK (n >= 0);
  buf[n] = '\0';
  close (fd);
  return text ("%s", buf);
}

void
run_command (const char *fmt, ...)
{
  char command[1024];
  va_list args;

  va_start (args, fmt);
  vsnprintf (command, sizeof command, fmt, args);
  va_end (args);
  fflush (stdout);
  if (system (command) != 0)
    fail_at (__FILE__, __LINE__, "failed: %s", command);
}

void
fill (void *buf, size_t count, uint64_t seed)
{
  uint8_t *p = buf;
  uint64_t x = seed * UINT64_C (0x9e3779b97f4a7c15) + 1;

  for (size_t i = 0; i < count; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    p[i] = (uint8_t) x;
  }
}

bool
all_bytes (const void *buf, size_t count, int byte)
{
  const uint8_t *p = buf;

  for (size_t i = 0; i < count; ++i)
    if (p[i] != byte)
      return false;
  return true;
}

bool
under_valgrind (void)
{
  const char *preloaded = getenv ("LD_PRELOAD");

  return preloaded != NULL && strstr (preloaded, "valgrind") != NULL;
}

unsigned
open_fds (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  unsigned count = 0;

  CHECK (dir != NULL);
  for (struct dirent *e; (e = readdir (dir)) != NULL; )
    if (e->d_name[0] != '.')
      count++;
  closedir (dir);
  return count - 1; /* Without the directory itself. */
}

/* ---- Servers ---- */

static pid_t servers[16];
static size_t nr_servers;

static void
short_sleep (void)
{
  nanosleep (&(struct timespec) { .tv_nsec = 5 * 1000 * 1000 }, NULL);
}

pid_t
start (const char *const *argv)
{
  pid_t pid;

  CHECK (nr_servers < sizeof servers / sizeof servers[0]);
  fflush (stdout);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0) {
    int out = open (temp_path (SERVER_OUTPUT), O_WRONLY|O_CREAT|O_APPEND, 0666);

    prctl (PR_SET_PDEATHSIG, SIGTERM);
    dup2 (out, STDOUT_FILENO);
    dup2 (out, STDERR_FILENO);
    execvp (argv[0], (char **) argv);
    dprintf (STDERR_FILENO, "%s: %s\n", argv[0], strerror (errno));
    _exit (127);
  }
  servers[nr_servers++] = pid;
  return pid;
}

void
stop_servers (void)
{
  for (size_t i = 0; i < nr_servers; ++i)
    kill (servers[i], SIGTERM);
  for (int patience = 200; patience > 0 && nr_servers > 0; --patience) {
    size_t left = 0;

    for (size_t i = 0; i < nr_servers; ++i)
      if (waitpid (servers[i], NULL, WNOHANG) == 0)
        servers[left++] = servers[i];
    nr_servers = left;
    if (nr_servers > 0)
      short_sleep ();
  }
  kill_servers ();
}

void
kill_servers (void)
{
  while (nr_servers > 0) {
    pid_t pid = servers[--nr_servers];

    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
  }
}

/* Looks in the kernel's table of sockets, because trying to connect would
 * use up the connection of a server that accepts only one. */
static bool
listed (const char *table, const char *state, const char *address)
{
  FILE *fp = fopen (table, "r");
  char line[512];
  bool found = false;

  CHECK (fp != NULL);
  while (!found && fgets (line, sizeof line, fp) != NULL) {
    line[strcspn (line, "\n")] = '\0';
    found = strstr (line, state) != NULL && strstr (line, address) != NULL;
  }
  fclose (fp);
  return found;
}

static void
check_alive (pid_t server)
{
  if (waitpid (server, NULL, WNOHANG) != 0)
    fail_at (__FILE__, __LINE__, "a server did not start");
}

void
wait_for_unix (pid_t server, const char *path)
{
  /* 00010000 is the flag of a socket that accepts connections. */
  while (!listed ("/proc/net/unix", " 00010000 ", path)) {
    check_alive (server);
    short_sleep ();
  }
}

void
wait_for_tcp (pid_t server, const char *port)
{
  const char *address = text (":%04X ", (unsigned) atoi (port));

  /* 0A is the state LISTEN. */
  while (!listed ("/proc/net/tcp", " 0A ", address) &&
         !listed ("/proc/net/tcp6", " 0A ", address)) {
    check_alive (server);
    short_sleep ();
  }
}

const char *
nbdkit_on_tcp (const char *address)
{
  const char *port = free_port ();
  const char *argv[] = { "nbdkit", "-f", "-i", address, "-p", port,
                         "memory", "1M", NULL };

  wait_for_tcp (start (argv), port);
  return port;
}

const char *
free_port (void)
{
  struct sockaddr_in addr = { .sin_family = AF_INET };
  socklen_t len = sizeof addr;
  int sock = socket (AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

  addr.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK (sock != -1 &&
         bind (sock, (struct sockaddr *) &addr, sizeof addr) == 0 &&
         getsockname (sock, (struct sockaddr *) &addr, &len) == 0);
  close (sock);
  return text ("%d", ntohs (addr.sin_port));
}

enum { MAX_ARGS = 64 };

static void
append_args (const char **argv, const char *arg, va_list more)
{
  size_t n = 0;

  while (argv[n] != NULL)
    n++;
  for (; arg != NULL; arg = va_arg (more, const char *)) {
    CHECK (n < MAX_ARGS - 1);
    argv[n++] = arg;
  }
}

static const char *
start_on_unix (const char **argv, const char *socket)
{
  wait_for_unix (start (argv), socket);
  return socket;
}

static const char *
new_socket (void)
{
  static unsigned count;

  return temp_path (text ("sock%u", count++));
}

const char *
nbdkit (const char *arg, ...)
{
  const char *socket = new_socket ();
  const char *argv[MAX_ARGS] = { "nbdkit", "-f", "-U", socket };
  va_list args;

  va_start (args, arg);
  append_args (argv, arg, args);
  va_end (args);
  return start_on_unix (argv, socket);
}

const char *
qemu_nbd (const char *image, ...)
{
  const char *socket = new_socket ();
  const char *argv[MAX_ARGS] = { "qemu-nbd", "-t", "-k", socket, image };
  va_list args;
  const char *arg;

  va_start (args, image);
  arg = va_arg (args, const char *);
  append_args (argv, arg, args);
  va_end (args);
  return start_on_unix (argv, socket);
}

const char *
nbd_server (const char *image, const char *settings)
{
  const char *socket = new_socket ();
  const char *config = temp_path ("nbd-server.conf");
  const char *argv[] = { "nbd-server", "-d", "-C", config, NULL };
  FILE *fp = fopen (config, "w");

  CHECK (fp != NULL);
  fprintf (fp, "[generic]\nunixsock = %s\nallowlist = true\n"
           "[disk]\nexportname = %s\n%s\n", socket, image, settings);
  CHECK (fclose (fp) == 0);
  return start_on_unix (argv, socket);
}

static const char *
embedded_server (void)
{
  const char *server = getenv ("EMBEDDED_SERVER");

  if (server == NULL)
    fail_at (__FILE__, __LINE__, "EMBEDDED_SERVER is not set");
  return server;
}

const char *
embedded (const char *arg, ...)
{
  const char *socket = new_socket ();
  const char *argv[MAX_ARGS] = { embedded_server (), "--unix", socket };
  va_list args;

  va_start (args, arg);
  append_args (argv, arg, args);
  va_end (args);
  return start_on_unix (argv, socket);
}

const char *
scripted (const char *script, ...)
{
  const char *socket = new_socket ();
  const char *path = text ("%s.script", socket);
  const char *argv[MAX_ARGS] = { embedded_server (), "--unix", socket,
                                 "--once", "--script", path };
  FILE *fp = fopen (path, "w");
  va_list args;
  const char *arg;

  CHECK (fp != NULL && fputs (script, fp) >= 0 && fclose (fp) == 0);
  va_start (args, script);
  arg = va_arg (args, const char *);
  append_args (argv, arg, args);
  va_end (args);
  return start_on_unix (argv, socket);
}

void
check_script (void)
{
  int status;

  CHECK (nr_servers > 0);
  CHECK (waitpid (servers[--nr_servers], &status, 0) != -1);
  if (status != 0)
    fail_at (__FILE__, __LINE__, "the conversation did not follow the script");
}

/* ---- Handles ---- */

struct nbd_handle *
create (void)
{
  struct nbd_handle *h = nbd_create ();

  CHECK (h != NULL);
  return h;
}

void
check_works (struct nbd_handle *h)
{
  char buf[512];

  CHECK_EQ (nbd_aio_is_ready (h), 1);
  CHECK_EQ (nbd_get_size (h), 1048576);
  CHECK_EQ (nbd_pread (h, buf, sizeof buf, 0, 0), 0);
}

void
check_no_children (void)
{
  CHECK_EQ (waitpid (-1, NULL, WNOHANG), -1);
  CHECK_EQ (errno, ECHILD);
}

void
poll_while_connecting (struct nbd_handle *h)
{
  while (nbd_aio_is_connecting (h))
    CHECK_EQ (nbd_poll (h, -1), 1);
}

void
check_uri (struct nbd_handle *h, const char *wanted)
{
  char *uri = nbd_get_uri (h);

  CHECK_STR (uri, wanted);
  free (uri);
}

struct nbd_handle *
connect_to (const char *unix_socket)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_connect_unix (h, unix_socket), 0);
  return h;
}

struct nbd_handle *
negotiate_with (const char *unix_socket)
{
  struct nbd_handle *h = create ();

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_connect_unix (h, unix_socket), 0);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  return h;
}

struct nbd_handle *
negotiate_by (const char *script)
{
  struct nbd_handle *h = create ();
  const char *server = scripted
    (text ("send NBDMAGIC IHAVEOPT u16:3\nexpect u32:3\n%s", script), NULL);

  CHECK_EQ (nbd_set_opt_mode (h, true), 0);
  CHECK_EQ (nbd_set_request_structured_replies (h, false), 0);
  CHECK_EQ (nbd_connect_unix (h, server), 0);
  CHECK_EQ (nbd_aio_is_negotiating (h), 1);
  return h;
}

void
finish_option (struct nbd_handle *h)
{
  while (nbd_aio_is_connecting (h))
    if (nbd_poll (h, -1) == -1)
      CHECK (nbd_aio_is_dead (h));
}

int
finish (struct nbd_handle *h, int64_t cookie)
{
  int r;

  while ((r = nbd_aio_command_completed (h, (uint64_t) cookie)) == 0)
    CHECK (nbd_poll (h, -1) == 1);
  return r;
}

void
drain (struct nbd_handle *h)
{
  while (nbd_aio_in_flight (h) > 0)
    CHECK (nbd_poll (h, -1) == 1);
}

void
wait_for_end (struct nbd_handle *h)
{
  while (!nbd_aio_is_closed (h) && !nbd_aio_is_dead (h))
    if (nbd_poll (h, -1) == -1)
      CHECK (nbd_aio_is_dead (h));
}

/* ---- Records ---- */

static char log_text[4096];

void
log_word (const char *fmt, ...)
{
  size_t used = strlen (log_text);
  va_list args;

  if (used > sizeof log_text - 2)
    return; /* Full; what follows would not be compared word by word. */
  if (used > 0)
    log_text[used++] = ' ';
  va_start (args, fmt);
  vsnprintf (log_text + used, sizeof log_text - used, fmt, args);
  va_end (args);
}

const char *
logged (void)
{
  return log_text;
}

void
clear_log (void)
{
  log_text[0] = '\0';
}

void
record_call (struct record *r, int *error)
{
  r->calls++;
  r->error = *error;
  if (r->new_error != 0)
    *error = r->new_error;
  if (r->name != NULL)
    log_word ("%s", r->name);
}

void
record_free (void *record)
{
  struct record *r = record;

  r->frees++;
  if (r->name != NULL)
    log_word ("free-%s", r->name);
}

static int
completed (void *record, int *error)
{
  struct record *r = record;

  record_call (r, error);
  return r->result;
}

nbd_completion_callback
completion (struct record *r)
{
  return (nbd_completion_callback) {
    .callback = completed, .user_data = r, .free = record_free
  };
}

static int
found_export (void *record, const char *name, const char *description)
{
  struct record *r = record;

  r->calls++;
  log_word ("%s(%s)", name, description);
  return r->result;
}

nbd_list_callback
exports (struct record *r)
{
  return (nbd_list_callback) {
    .callback = found_export, .user_data = r, .free = record_free
  };
}

static int
found_context (void *record, const char *name)
{
  struct record *r = record;

  r->calls++;
  log_word ("%s", name);
  return r->result;
}

nbd_context_callback
contexts (struct record *r)
{
  return (nbd_context_callback) {
    .callback = found_context, .user_data = r, .free = record_free
  };
}

/* ---- Running the cases ---- */

void
register_case (struct test_case *c)
{
  *last_case = c;
  last_case = &c->next;
}

static void
clean_up (void)
{
  nbd_close (decoy);
  stop_servers ();
  for (size_t i = 0; i < nr_kept; ++i)
    free (kept[i]);
  free (kept);
}

/* What the servers said is of interest only when the case fails. */
static void
show_server_output (void)
{
  char path[128], line[1024];
  FILE *fp;

  snprintf (path, sizeof path, "%s/%s", directory, SERVER_OUTPUT);
  fp = fopen (path, "r");
  if (fp == NULL)
    return;
  while (fgets (line, sizeof line, fp) != NULL)
    printf ("#   server: %s%s", line, strchr (line, '\n') ? "" : "\n");
  fclose (fp);
}

static void
remove_directory (void)
{
  pid_t pid = fork ();

  if (pid == 0) {
    execlp ("rm", "rm", "-rf", directory, NULL);
    _exit (127);
  }
  if (pid > 0)
    waitpid (pid, NULL, 0);
}

/* Ends what a case has left behind: it crashed, or its servers had children.
 * They get a moment to remove their own temporary files. */
static void
end_group (pid_t group)
{
  kill (-group, SIGTERM);
  for (int patience = 200; patience > 0 && kill (-group, 0) == 0; --patience)
    short_sleep ();
  kill (-group, SIGKILL);
}

static bool
run_case (const struct test_case *c)
{
  const char *tmp = getenv ("TMPDIR");
  pid_t pid;
  int status;

  snprintf (directory, sizeof directory, "%s/nbd-XXXXXX", tmp ? tmp : "/tmp");
  if (mkdtemp (directory) == NULL) {
    printf ("# %s: %s\n", directory, strerror (errno));
    return false;
  }
  fflush (stdout);
  pid = fork ();
  if (pid == 0) {
    setpgid (0, 0);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    alarm (WATCHDOG_SECONDS);
    unsigned before = open_fds ();
    c->run ();
    clean_up ();
    /* Neither the library nor the case may leave any behind. */
    CHECK_EQ (open_fds (), before);
    exit (0);
  }
  if (pid == -1 || waitpid (pid, &status, 0) != pid) {
    printf ("# cannot run the case: %s\n", strerror (errno));
    return false;
  }
  end_group (pid);
  if (status != 0)
    show_server_output ();
  remove_directory ();
  if (WIFSIGNALED (status))
    printf ("# killed by signal %d (%s)\n", WTERMSIG (status),
            strsignal (WTERMSIG (status)));
  else if (WEXITSTATUS (status) != 0)
    printf ("# exit status %d\n", WEXITSTATUS (status));
  return status == 0;
}

static bool
wanted (const char *name, int argc, char **argv)
{
  for (int i = 1; i < argc; ++i)
    if (strcmp (argv[i], name) == 0)
      return true;
  return argc == 1;
}

/* Arguments: the names of the cases to run, none for all. */
int
main (int argc, char **argv)
{
  const char *slash = strrchr (argv[0], '/');
  unsigned run = 0, failed = 0;

  program = slash ? slash + 1 : argv[0];
  for (const struct test_case *c = first_case; c != NULL; c = c->next) {
    bool ok;

    if (!wanted (c->name, argc, argv))
      continue;
    ok = run_case (c);
    printf ("%s %s.%s\n", ok ? "ok" : "not ok", program, c->name);
    run++;
    failed += !ok;
  }
  return run == 0 || failed > 0;
}
