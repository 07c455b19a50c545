/* Load: many connections with many commands in flight, whose servers are killed
 * at random moments.
 *
 * Every command that is accepted completes exactly once, every byte that is read
 * is one that was written, and neither memory nor descriptors grow. */
#include "../c-tests/support/tls.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum {
  THREADS = 2, MAX_CONNECTIONS = 300, MAX_SERVERS = 20,
  IN_FLIGHT = 16, BLOCK = 8192, BLOCKS = 64, WORDS = BLOCK / 8,
  POISON = 0xbd,
};

static bool
is_long (void)
{
  const char *torture = getenv ("TORTURE");

  return torture != NULL && strcmp (torture, "long") == 0;
}

/* ---- Figures ---- */

static atomic_ulong submitted, completed, freed, succeeded, refused, verified, sessions;
static atomic_ulong errors[200];
static atomic_bool stopping;

/* ---- Servers ---- */

/* They take turns: the scripted one, real ones, and TLS. */
enum kind { SCRIPTED, NBDKIT, NBDKIT_TLS, QEMU, NR_KINDS };

static const char *const kinds[NR_KINDS] = { "the scripted server", "nbdkit", "nbdkit with TLS",
                                             "qemu-nbd" };
static atomic_ulong carried_out[NR_KINDS];

static struct server {
  enum kind kind;
  pid_t pid;
  char *socket, *disk;
} servers[MAX_SERVERS];
static unsigned nr_servers, nr_connections;
static const char *keys;

/* What the new process does before exec is safe while other threads run. */
static void
run_server (struct server *s)
{
  char *scripted[] = { getenv ("EMBEDDED_SERVER"), "--unix", s->socket, "--file", s->disk,
                       "--context", "base:allocation", NULL };
  char *nbdkit[] = { "nbdkit", "-f", "-U", s->socket, "file", s->disk, NULL };
  char *nbdkit_tls[] = { "nbdkit", "-f", "-U", s->socket, "--tls=require",
                         text ("--tls-psk=%s", keys), "file", s->disk, NULL };
  char *qemu[] = { "qemu-nbd", "-k", s->socket, "-f", "raw", "--persistent", "--shared=0",
                   s->disk, NULL };
  char **all[NR_KINDS] = { scripted, nbdkit, nbdkit_tls, qemu }, **argv = all[s->kind];

  CHECK (argv[0] != NULL);
  unlink (s->socket);
  s->pid = fork ();
  CHECK (s->pid != -1);
  if (s->pid == 0) {
    int out = open ("/dev/null", O_WRONLY);

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    dup2 (out, STDOUT_FILENO);
    dup2 (out, STDERR_FILENO);
    execvp (argv[0], argv);
    _exit (127);
  }
}

static void
kill_server (struct server *s)
{
  CHECK_EQ (kill (s->pid, SIGKILL), 0);
  CHECK_EQ (waitpid (s->pid, NULL, 0), s->pid);
}

/* ---- What the disk may contain ---- */

enum { ZEROES = 0, MAX_CANDIDATES = 6 };

/* A block contains what was written last.  If the server was killed meanwhile,
 * each word of it may also be older: one of these. */
struct block {
  bool busy;
  unsigned nr;
  uint64_t candidates[MAX_CANDIDATES];
};

struct connection;

/* A command, from submitting it until its closure is freed. */
struct slot {
  enum { IDLE, SUBMITTING, SUBMITTED, COMPLETED } state;
  enum { READ, WRITE, ZERO, TRIM, FLUSH, CACHE, STATUS } kind;
  struct connection *connection;
  struct block *block;
  uint64_t writing;     /* What will be in the block. */
  uint8_t *buf;
};

struct connection {
  struct nbd_handle *h;
  struct server *server;
  unsigned number;
  uint64_t seed, last;
  unsigned in_flight;
  struct block blocks[BLOCKS];
  struct slot slots[IN_FLIGHT];
};

static struct connection connections[MAX_CONNECTIONS];

static uint64_t
random_number (struct connection *c)
{
  c->seed ^= c->seed << 13;
  c->seed ^= c->seed >> 7;
  c->seed ^= c->seed << 17;
  return c->seed;
}

static uint64_t
offset_of (const struct connection *c, const struct block *b)
{
  return ((uint64_t) c->number * BLOCKS + (uint64_t) (b - c->blocks)) * BLOCK;
}

/* The i-th word of what was written there as number `content`. */
static uint64_t
word (uint64_t content, uint64_t offset, unsigned i)
{
  uint64_t x = content * UINT64_C (0x9e3779b97f4a7c15) ^ (offset + i * 8);

  if (content == ZEROES)
    return 0;
  x = (x ^ x >> 31) * UINT64_C (0xbf58476d1ce4e5b9);
  return x ^ x >> 29;
}

static void
contains (struct block *b, uint64_t content)
{
  b->nr = 1;
  b->candidates[0] = content;
}

static void
may_contain (struct block *b, uint64_t content)
{
  CHECK (b->nr < MAX_CANDIDATES);
  b->candidates[b->nr++] = content;
}

/* Checks what was read.  If all of it was written at once, that is settled. */
static void
check_block (const struct connection *c, struct block *b, const uint8_t *buf)
{
  uint64_t offset = offset_of (c, b), got;
  unsigned matches[MAX_CANDIDATES] = { 0 };

  for (unsigned i = 0; i < WORDS; ++i) {
    bool found = false;

    memcpy (&got, buf + 8 * i, 8);
    for (unsigned j = 0; j < b->nr; ++j)
      if (got == word (b->candidates[j], offset, i)) {
        matches[j]++;
        found = true;
      }
    if (!found)
      fail_at (__FILE__, __LINE__, "word %u at %" PRIu64 " is %" PRIx64 ", not one of %u", i,
               offset, got, b->nr);
  }
  verified += BLOCK;
  for (unsigned j = 0; j < b->nr; ++j)
    if (matches[j] == WORDS) {
      contains (b, b->candidates[j]);
      return;
    }
}

/* ---- Commands ---- */

static int
on_completion (void *data, int *error)
{
  struct slot *s = data;

  /* It may come before the call that submits returns. */
  CHECK (s->state == SUBMITTED || s->state == SUBMITTING);
  s->state = COMPLETED;
  completed++;
  if (*error == 0) {
    succeeded++;
    carried_out[s->connection->server->kind]++;
  }
  else
    errors[*error < 200 ? *error : 0]++;
  switch (s->kind) {
  case READ:
    if (*error == 0)
      check_block (s->connection, s->block, s->buf);
    break;
  case WRITE:
  case ZERO:
    if (*error == 0)
      contains (s->block, s->writing);
    break;
  case TRIM:                    /* Or nothing happens. */
  case FLUSH: case CACHE: case STATUS:
    break;
  }
  return 1;
}

static void
on_free (void *data)
{
  struct slot *s = data;

  /* A command that was not accepted has not completed. */
  CHECK (s->state == COMPLETED || s->state == SUBMITTING);
  if (s->state == SUBMITTING)
    refused++;
  else
    freed++;
  s->state = IDLE;
  s->block->busy = false;
  s->connection->in_flight--;
  memset (s->buf, POISON, BLOCK);
}

static int
on_extents (void *data, const char *context, uint64_t offset, nbd_extent *extents, size_t count,
            int *error)
{
  const struct slot *s = data;

  (void) error;
  CHECK (strcmp (context, "base:allocation") == 0 && count > 0 && extents[0].length > 0);
  CHECK_EQ (offset, offset_of (s->connection, s->block));
  return 0;
}

static struct block *
choose_block (struct connection *c)
{
  struct block *b;

  do
    b = &c->blocks[random_number (c) % BLOCKS];
  while (b->busy);
  return b;
}

static void
choose_kind (struct connection *c, struct slot *s)
{
  unsigned chance = random_number (c) % 100;

  s->kind = chance < 45 ? READ : chance < 75 ? WRITE : chance < 80 ? ZERO : chance < 85 ? TRIM
    : chance < 88 ? FLUSH : chance < 91 ? CACHE : STATUS;
  /* Where too much is possible, reading settles it. */
  if (s->block->nr == MAX_CANDIDATES)
    s->kind = READ;
  s->writing = s->kind == WRITE ? ++c->last : ZEROES;
}

static int64_t
submit (struct connection *c, struct slot *s)
{
  nbd_completion_callback done = { on_completion, s, on_free };
  nbd_extent64_callback extents = { on_extents, s, NULL };
  uint64_t offset = offset_of (c, s->block), w;

  switch (s->kind) {
  case READ:
    return nbd_aio_pread (c->h, s->buf, BLOCK, offset, done, 0);
  case WRITE:
    for (unsigned i = 0; i < WORDS; ++i) {
      w = word (s->writing, offset, i);
      memcpy (s->buf + 8 * i, &w, 8);
    }
    return nbd_aio_pwrite (c->h, s->buf, BLOCK, offset, done, 0);
  case ZERO:
    return nbd_aio_zero (c->h, BLOCK, offset, done, 0);
  case TRIM:
    return nbd_aio_trim (c->h, BLOCK, offset, done, 0);
  case FLUSH:
    return nbd_aio_flush (c->h, done, 0);
  case CACHE:
    return nbd_aio_cache (c->h, BLOCK, offset, done, 0);
  case STATUS:
    return nbd_aio_block_status_64 (c->h, BLOCK, offset, extents, done, 0);
  }
  abort ();
}

/* Puts a command in flight; false if the connection takes none. */
static bool
start_command (struct connection *c, struct slot *s)
{
  /* Nobody has written here since the last command ended. */
  CHECK (all_bytes (s->buf, BLOCK, POISON));
  s->block = choose_block (c);
  choose_kind (c, s);
  s->block->busy = true;
  s->state = SUBMITTING;
  c->in_flight++;
  /* From now on it may be there, or not. */
  if (s->kind == WRITE || s->kind == ZERO || s->kind == TRIM)
    may_contain (s->block, s->writing);
  if (submit (c, s) == -1) {
    CHECK_EQ (s->state, IDLE);
    return false;
  }
  submitted++;
  if (s->state == SUBMITTING)
    s->state = SUBMITTED;
  return true;
}

/* ---- Connections ---- */

static void
disconnect (struct connection *c)
{
  nbd_close (c->h);
  c->h = NULL;
  CHECK_EQ (c->in_flight, 0);
}

static void
reconnect (struct connection *c)
{
  c->h = nbd_create ();
  CHECK (c->h != NULL);
  CHECK_EQ (nbd_add_meta_context (c->h, "base:allocation"), 0);
  if (c->server->kind == NBDKIT_TLS) {
    CHECK_EQ (nbd_set_tls (c->h, LIBNBD_TLS_REQUIRE), 0);
    CHECK_EQ (nbd_set_tls_psk_file (c->h, keys), 0);
    CHECK_EQ (nbd_set_tls_username (c->h, "alice"), 0);
  }
  if (nbd_aio_connect_unix (c->h, c->server->socket) == -1)
    disconnect (c);     /* The server is being replaced. */
  else
    sessions++;
}

/* As much as there is to do without waiting. */
static void
advance (struct connection *c)
{
  if (c->h == NULL && !stopping)
    reconnect (c);
  if (c->h == NULL)
    return;
  if (nbd_aio_is_dead (c->h) || nbd_aio_is_closed (c->h)) {
    disconnect (c);
    return;
  }
  for (unsigned i = 0; i < IN_FLIGHT && !stopping; ++i)
    if (c->slots[i].state == IDLE &&
        (nbd_aio_is_ready (c->h) || nbd_aio_is_processing (c->h)) &&
        !start_command (c, &c->slots[i]))
      break;
  if (stopping && c->in_flight == 0)
    disconnect (c);
}

/* The loop of a program that looks after many connections. */
static void *
run_loop (void *argument)
{
  unsigned first = *(unsigned *) argument, n = 0;
  struct pollfd fds[MAX_CONNECTIONS];
  struct connection *polled[MAX_CONNECTIONS];

  do {
    n = 0;
    for (unsigned i = first; i < nr_connections; i += THREADS) {
      struct connection *c = &connections[i];
      unsigned direction;

      advance (c);
      if (c->h == NULL)
        continue;
      direction = nbd_aio_get_direction (c->h);
      polled[n] = c;
      fds[n] = (struct pollfd) { .fd = nbd_aio_get_fd (c->h) };
      if (direction & LIBNBD_AIO_DIRECTION_READ)
        fds[n].events |= POLLIN;
      if (direction & LIBNBD_AIO_DIRECTION_WRITE)
        fds[n].events |= POLLOUT;
      n++;
    }
    CHECK (poll (fds, n, 20) >= 0 || errno == EINTR);
    for (unsigned i = 0; i < n; ++i) {
      struct nbd_handle *h = polled[i]->h;
      unsigned direction = nbd_aio_get_direction (h);

      /* A call that fails leaves the handle dead; `advance` sees to it. */
      if ((direction & LIBNBD_AIO_DIRECTION_READ) && (fds[i].revents & (POLLIN|POLLHUP|POLLERR)))
        nbd_aio_notify_read (h);
      else if ((direction & LIBNBD_AIO_DIRECTION_WRITE) && fds[i].revents != 0)
        nbd_aio_notify_write (h);
    }
  } while (!stopping || n > 0);
  return NULL;
}

/* ---- Memory and descriptors ---- */

static unsigned long
resident_kib (void)
{
  unsigned long pages, resident;
  FILE *fp = fopen ("/proc/self/statm", "r");

  CHECK (fp != NULL && fscanf (fp, "%lu %lu", &pages, &resident) == 2 && fclose (fp) == 0);
  return resident * ((unsigned long) sysconf (_SC_PAGESIZE) / 1024);
}

/* ---- The case ---- */

static void
sleep_ms (unsigned ms)
{
  nanosleep (&(struct timespec) { ms / 1000, (ms % 1000) * 1000000L }, NULL);
}

static void
set_up (void)
{
  uint8_t *buffers;

  nr_connections = is_long () ? 300 : 20;
  nr_servers = is_long () ? 20 : 5;
  keys = pki ("keys.psk");
  for (unsigned i = 0; i < nr_servers; ++i) {
    servers[i].kind = i % NR_KINDS;
    servers[i].socket = temp_path (text ("server%u", i));
    servers[i].disk = temp_disk (text ("disk%u", i),
                                 (uint64_t) nr_connections * BLOCKS * BLOCK);
    run_server (&servers[i]);
  }
  buffers = malloc ((size_t) nr_connections * IN_FLIGHT * BLOCK);
  CHECK (buffers != NULL);
  memset (buffers, POISON, (size_t) nr_connections * IN_FLIGHT * BLOCK);
  for (unsigned i = 0; i < nr_connections; ++i) {
    struct connection *c = &connections[i];

    *c = (struct connection) { .number = i, .server = &servers[i % nr_servers], .seed = i + 1 };
    for (unsigned j = 0; j < BLOCKS; ++j)
      contains (&c->blocks[j], ZEROES);
    for (unsigned j = 0; j < IN_FLIGHT; ++j)
      c->slots[j] = (struct slot) { .connection = c,
                                    .buf = buffers + (size_t) (i * IN_FLIGHT + j) * BLOCK };
  }
}

/* Every block is what the connection knows of it. */
static void
check_disks (void)
{
  static uint8_t buf[BLOCK];

  for (unsigned i = 0; i < nr_connections; ++i) {
    struct connection *c = &connections[i];
    int fd = open (c->server->disk, O_RDONLY|O_CLOEXEC);

    for (unsigned j = 0; j < BLOCKS; ++j) {
      CHECK_EQ (pread (fd, buf, BLOCK, (off_t) offset_of (c, &c->blocks[j])), BLOCK);
      check_block (c, &c->blocks[j], buf);
    }
    CHECK_EQ (close (fd), 0);
  }
}

CASE (servers_killed)
{
  const unsigned kills = is_long () ? 1000 : 10, pause = is_long () ? 250 : 1200;
  unsigned firsts[THREADS], most_fds = 0, fds = open_fds (), killed = 0;
  unsigned long memory_then = 0, memory_now = 0, before;
  struct connection chance = { .seed = (uint64_t) time (NULL) | 1 };
  pthread_t threads[THREADS];

  alarm (0);    /* Progress is watched instead. */
  set_up ();
  for (unsigned i = 0; i < THREADS; ++i) {
    firsts[i] = i;
    CHECK_EQ (pthread_create (&threads[i], NULL, run_loop, &firsts[i]), 0);
  }
  for (; killed < kills; ++killed) {
    struct server *s = &servers[random_number (&chance) % nr_servers];

    before = succeeded;
    sleep_ms (pause / 2 + random_number (&chance) % pause);
    for (unsigned i = 0; succeeded == before; ++i) {
      CHECK (i < 600);  /* Something succeeds within a minute. */
      sleep_ms (100);
    }
    kill_server (s);
    run_server (s);
    if (open_fds () > most_fds)
      most_fds = open_fds ();
    memory_now = resident_kib ();
    if (killed == kills / 5)
      memory_then = memory_now;
  }
  stopping = true;
  for (unsigned i = 0; i < THREADS; ++i)
    CHECK_EQ (pthread_join (threads[i], NULL), 0);
  for (unsigned i = 0; i < nr_servers; ++i)
    kill_server (&servers[i]);
  check_disks ();
  free (connections[0].slots[0].buf);

  printf ("torture: load: %u connections, %u kills, %lu sessions, %lu commands, %lu succeeded, "
          "%lu refused, %lu bytes verified\n", nr_connections, killed, sessions, submitted,
          succeeded, refused, verified);
  for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; ++i)
    if (errors[i] > 0)
      printf ("torture: load: %lu commands failed: %s\n", errors[i], strerror ((int) i));
  printf ("torture: load: memory %lu KiB, then %lu KiB; at most %u descriptors\n", memory_then,
          memory_now, most_fds);
  for (enum kind kind = 0; kind < NR_KINDS; ++kind) {
    printf ("torture: load: %lu commands carried out by %s\n", carried_out[kind], kinds[kind]);
    CHECK (carried_out[kind] > 0);
  }
  CHECK_EQ (completed, submitted);
  CHECK_EQ (freed, submitted);
  CHECK (completed - succeeded > 0);    /* Servers were killed under load. */
  CHECK (submitted > 1000);
  /* Each connection has one, and a few belong to the harness. */
  CHECK (most_fds <= fds + nr_connections + 10);
  CHECK_EQ (open_fds (), fds);
  CHECK (memory_now < memory_then + 16 * 1024);
}
