#include "calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Pseudo errors in the table. */
enum { SHORT = -1, END = -2 };

/* Name, whether failing does no harm, and what can happen.  An error code of
 * getaddrinfo is negative, and stands here as 1000 more than its amount. */
#define GAI(code) (1000 - (code))
#define CALLS(X)                                                              \
  X (bind, false, EADDRINUSE, EACCES, ENOSPC, ENOMEM)                         \
  X (clock_nanosleep, true, EINTR)                                            \
  X (close, true, EIO, EINTR)                                                 \
  X (connect, false, EINTR, EINPROGRESS, ECONNREFUSED, ETIMEDOUT,             \
     ENETUNREACH, EAGAIN, ENOENT, EACCES, ENOMEM)                             \
  X (dup2, false, EBUSY, EMFILE)                                              \
  X (dup3, false, EBUSY, EMFILE)                                              \
  X (epoll_create1, false, EMFILE, ENFILE, ENOMEM)                            \
  X (epoll_ctl, false, ENOMEM, ENOSPC)                                        \
  X (execve, false, ENOENT, EACCES, ENOMEM, E2BIG, ETXTBSY, EIO)     \
  X (fcntl, false, EBADF, EMFILE, EINVAL, EPERM, ENOMEM)                      \
  X (fork, false, EAGAIN, ENOMEM)                                             \
  X (fstat64, false, EIO, ENOMEM)                                             \
  X (getaddrinfo, false, GAI (EAI_AGAIN), GAI (EAI_FAIL), GAI (EAI_MEMORY),   \
     GAI (EAI_NONAME), GAI (EAI_SYSTEM))                                      \
  X (getlogin_r, false, ENXIO, EMFILE, ENOMEM)                                \
  X (getpeername, false, ENOBUFS, EINVAL)                                     \
  X (getrandom, true, EINTR)                                                  \
  X (getsockopt, false, ENOBUFS, ENOMEM, ENOPROTOOPT)                         \
  X (if_indextoname, false, ENXIO)                                            \
  X (ioctl, false, EINVAL, ENOTTY, ENOMEM)                                    \
  X (kill, false, EPERM, ESRCH)                                               \
  X (listen, false, EADDRINUSE, EOPNOTSUPP)                                   \
  X (lseek64, false, ESPIPE, EINVAL)                                          \
  X (mkdtemp, false, EACCES, ENOSPC, EEXIST, EROFS)                           \
  X (open, false, EMFILE, ENFILE, EACCES, ENOENT, EINTR)                      \
  X (open64, false, EMFILE, ENFILE, EACCES, ENOENT, EIO, ELOOP, EINTR)        \
  X (opendir, false, EMFILE, EACCES, ENOENT)                                  \
  X (pipe2, false, EMFILE, ENFILE)                                            \
  X (poll, false, EINTR, ENOMEM, EINVAL)                                      \
  X (read, false, SHORT, EINTR, EIO, EISDIR, END)                             \
  X (readdir64, false, EIO)                                                   \
  X (recv, false, SHORT, EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EIO,   \
     END)                                                                     \
  X (recvmsg, false, SHORT, EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM,     \
     EIO, END)                                                                \
  X (rmdir, true, EBUSY, ENOENT, EACCES)                                      \
  X (send, false, SHORT, EINTR, EAGAIN, EPIPE, ECONNRESET, ENOBUFS, ENOMEM)   \
  X (sendmsg, false, SHORT, EINTR, EAGAIN, EPIPE, ECONNRESET, ENOBUFS,        \
     ENOMEM)                                                                  \
  X (setsockopt, true, ENOPROTOOPT, ENOBUFS, EPERM)                           \
  X (shutdown, true, ENOTCONN, ENOBUFS)                                       \
  X (sigaction, true, EINVAL)                                                 \
  X (signal, true, EINVAL)                                                    \
  X (socket, false, EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT)    \
  X (socketpair, false, EMFILE, ENFILE, ENOMEM, EOPNOTSUPP)                   \
  X (stat64, false, EACCES, ENOENT, EIO)                                      \
  X (statx, false, EACCES, ENOENT, EIO, ENOSYS)                               \
  X (syscall, true, EINTR)                                                    \
  X (timerfd_create, false, EMFILE, ENFILE, ENOMEM)                           \
  X (timerfd_settime, false, EINVAL)                                          \
  X (unlink, true, EBUSY, ENOENT, EACCES)                                     \
  X (waitpid, false, EINTR, ECHILD)                                           \
  X (write, false, SHORT, EINTR, EIO, EPIPE)                                  \
  X (writev, false, EINTR, EIO, EPIPE)

enum {
#define NUMBER(name, harmless, ...) CALL_##name,
  CALLS (NUMBER)
  NR_CALLS
};

enum { MAX_OUTCOMES = 16 };

static const struct {
  const char *name;
  bool harmless;
  int outcomes[MAX_OUTCOMES];
} table[NR_CALLS] = {
#define ROW(name, harmless, ...) { #name, harmless, { __VA_ARGS__ } },
  CALLS (ROW)
};

unsigned
nr_calls (void)
{
  return NR_CALLS;
}

const char *
call_name (unsigned call)
{
  return table[call].name;
}

bool
call_is_known (const char *name)
{
  for (unsigned i = 0; i < NR_CALLS; ++i)
    if (strcmp (table[i].name, name) == 0)
      return true;
  return false;
}

bool
call_outcome (unsigned call, unsigned i, struct outcome *outcome)
{
  int value = i < MAX_OUTCOMES ? table[call].outcomes[i] : 0;

  *outcome = (struct outcome) { value == SHORT ? SHORTENED : value == END ? ENDS : FAILS, value };
  return value != 0;
}

/* A signal has arrived, or nothing else has yet. */
static bool
is_momentary (unsigned call, struct outcome outcome)
{
  bool moves_bytes = call == CALL_recv || call == CALL_recvmsg || call == CALL_send ||
    call == CALL_sendmsg;

  return outcome.kind == FAILS &&
    (outcome.err == EINTR || (outcome.err == EAGAIN && moves_bytes));
}

bool
is_harmless (unsigned call, struct outcome outcome)
{
  return table[call].harmless || outcome.kind == SHORTENED || is_momentary (call, outcome) ||
    (call == CALL_connect && outcome.err == EINPROGRESS);
}

bool
can_last (unsigned call, struct outcome outcome)
{
  return !is_momentary (call, outcome);
}

/* ---- What is to happen, shared with children ---- */

struct state {
  bool armed, faulty;
  pid_t process;
  struct fault fault;
  unsigned made[2][NR_CALLS];
  unsigned happened;
  size_t size;
  unsigned allocations, failing;
  bool failing_on;
};

static struct state *state;

static void *
real (const char *name)
{
  void *function = dlsym (RTLD_NEXT, name);

  if (function == NULL)
    abort ();
  return function;
}

#define POINTER(name, ...) static __typeof__ (name) *real_##name;
CALLS (POINTER)

__attribute__((constructor))
static void
prepare (void)
{
#define FIND(name, ...) real_##name = real (#name);
  CALLS (FIND)
  state = mmap (NULL, sizeof *state, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);
  if (state == MAP_FAILED)
    abort ();
}

void
arm (const struct fault *fault)
{
  *state = (struct state) { .process = getpid (), .faulty = fault != NULL };
  if (fault != NULL)
    state->fault = *fault;
  state->armed = true;
}

void
arm_memory (size_t size, unsigned at, bool lasting)
{
  *state = (struct state) { .process = getpid (), .size = size, .failing = at,
                            .failing_on = lasting };
  state->armed = true;
}

bool
disarm (void)
{
  bool was_armed = state->armed;

  state->armed = false;
  return was_armed;
}

void
rearm (bool was_armed)
{
  state->armed = was_armed;
}

unsigned
calls_made (unsigned call, bool in_child)
{
  return state->made[in_child][call];
}

unsigned
faults_happened (void)
{
  return state->happened;
}

unsigned
allocations_made (void)
{
  return state->allocations;
}

/* Whether the fault happens to this call. */
static bool
strikes (unsigned call)
{
  bool in_child;
  unsigned n;

  if (state == NULL || !state->armed)
    return false;
  in_child = getpid () != state->process;
  n = ++state->made[in_child][call];
  if (!state->faulty || state->fault.call != call || state->fault.in_child != in_child ||
      (state->fault.lasting ? n < state->fault.at : n != state->fault.at))
    return false;
  state->happened++;
  return true;
}

/* Whether the call fails instead of being made; errno is set then. */
static bool
fails (unsigned call)
{
  if (!strikes (call))
    return false;
  errno = state->fault.outcome.err;
  return true;
}

/* ---- Calls that fail or do not ---- */

#define PLAIN(result, failed, name, parameters, arguments) \
  result name parameters                                   \
  {                                                        \
    if (fails (CALL_##name))                               \
      return failed;                                       \
    if (real_##name == NULL)                               \
      real_##name = real (#name);                          \
    return real_##name arguments;                          \
  }

PLAIN (int, -1, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
PLAIN (int, -1, dup2, (int old, int new), (old, new))
PLAIN (int, -1, dup3, (int old, int new, int flags), (old, new, flags))
PLAIN (int, -1, epoll_create1, (int flags), (flags))
PLAIN (int, -1, epoll_ctl, (int several, int op, int fd, struct epoll_event *event),
       (several, op, fd, event))
PLAIN (int, -1, timerfd_create, (int clock, int flags), (clock, flags))
PLAIN (int, -1, timerfd_settime,
       (int fd, int flags, const struct itimerspec *new, struct itimerspec *old),
       (fd, flags, new, old))
PLAIN (int, -1, execve, (const char *path, char *const argv[], char *const envp[]),
       (path, argv, envp))
PLAIN (pid_t, -1, fork, (void), ())
PLAIN (int, -1, fstat64, (int fd, struct stat64 *buf), (fd, buf))
PLAIN (int, -1, getpeername, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
PLAIN (ssize_t, -1, getrandom, (void *buf, size_t count, unsigned flags), (buf, count, flags))
PLAIN (int, -1, getsockopt, (int fd, int level, int name, void *value, socklen_t *n),
       (fd, level, name, value, n))
PLAIN (char *, NULL, if_indextoname, (unsigned index, char name[IF_NAMESIZE]), (index, name))
PLAIN (int, -1, kill, (pid_t pid, int signal), (pid, signal))
PLAIN (int, -1, listen, (int fd, int n), (fd, n))
PLAIN (off64_t, -1, lseek64, (int fd, off64_t offset, int whence), (fd, offset, whence))
PLAIN (char *, NULL, mkdtemp, (char *template), (template))
PLAIN (DIR *, NULL, opendir, (const char *name), (name))
PLAIN (int, -1, pipe2, (int fds[2], int flags), (fds, flags))
PLAIN (int, -1, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout))
PLAIN (struct dirent64 *, NULL, readdir64, (DIR *dir), (dir))
PLAIN (int, -1, rmdir, (const char *path), (path))
PLAIN (int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t n),
       (fd, level, name, value, n))
PLAIN (int, -1, shutdown, (int fd, int how), (fd, how))
PLAIN (int, -1, sigaction, (int sig, const struct sigaction *new, struct sigaction *old),
       (sig, new, old))
PLAIN (sighandler_t, SIG_ERR, signal, (int sig, sighandler_t handler), (sig, handler))
PLAIN (int, -1, socket, (int family, int kind, int protocol), (family, kind, protocol))
PLAIN (int, -1, socketpair, (int family, int kind, int protocol, int fds[2]),
       (family, kind, protocol, fds))
PLAIN (int, -1, stat64, (const char *path, struct stat64 *buf), (path, buf))
PLAIN (int, -1, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *buf),
       (fd, path, flags, mask, buf))
PLAIN (int, -1, unlink, (const char *path), (path))
PLAIN (pid_t, -1, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
PLAIN (ssize_t, -1, writev, (int fd, const struct iovec *v, int n), (fd, v, n))

/* These return an error number. */
int
clock_nanosleep (clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
  if (fails (CALL_clock_nanosleep)) {
    if (left != NULL)
      *left = *time;
    return errno;
  }
  return real_clock_nanosleep (clock, flags, time, left);
}

int
getlogin_r (char *name, size_t size)
{
  return fails (CALL_getlogin_r) ? errno : real_getlogin_r (name, size);
}

/* Each part of a list is freed by itself. */
static int
two_addresses (const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
  int error = real_getaddrinfo ("127.0.0.2", service, hints, list);
  struct addrinfo *last;

  if (error != 0)
    return error;
  for (last = *list; last->ai_next != NULL; last = last->ai_next)
    ;
  return real_getaddrinfo ("127.0.0.1", service, hints, &last->ai_next);
}

int
getaddrinfo (const char *node, const char *service, const struct addrinfo *hints,
             struct addrinfo **list)
{
  if (!strikes (CALL_getaddrinfo)) {
    if (node != NULL && strcmp (node, TWO_ADDRESSES) == 0)
      return two_addresses (service, hints, list);
    return real_getaddrinfo (node, service, hints, list);
  }
  errno = EMFILE;       /* For EAI_SYSTEM. */
  return 1000 - state->fault.outcome.err;
}

/* These take one more argument, or none. */
int
fcntl (int fd, int command, ...)
{
  va_list args;
  void *argument;

  va_start (args, command);
  argument = va_arg (args, void *);
  va_end (args);
  return fails (CALL_fcntl) ? -1 : real_fcntl (fd, command, argument);
}

int
ioctl (int fd, unsigned long request, ...)
{
  va_list args;
  void *argument;

  va_start (args, request);
  argument = va_arg (args, void *);
  va_end (args);
  return fails (CALL_ioctl) ? -1 : real_ioctl (fd, request, argument);
}

#define OPENING(name)                                 \
  int name (const char *path, int flags, ...)         \
  {                                                   \
    va_list args;                                     \
    mode_t mode;                                      \
                                                      \
    va_start (args, flags);                           \
    mode = va_arg (args, mode_t);                     \
    va_end (args);                                    \
    if (fails (CALL_##name))                          \
      return -1;                                      \
    if (real_##name == NULL)                          \
      real_##name = real (#name);                     \
    return real_##name (path, flags, mode);           \
  }

OPENING (open)
OPENING (open64)

long
syscall (long number, ...)
{
  long a[6];
  va_list args;

  va_start (args, number);
  for (int i = 0; i < 6; ++i)
    a[i] = va_arg (args, long);
  va_end (args);
  return fails (CALL_syscall) ? -1 : real_syscall (number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- Calls that do something even though they fail ---- */

/* The descriptor is closed in any case. */
int
close (int fd)
{
  int result, err;

  if (real_close == NULL)
    real_close = real ("close");
  result = real_close (fd);
  err = errno;
  if (fails (CALL_close))
    return -1;
  errno = err;
  return result;
}

/* Interrupted or in progress, it goes on in the background. */
int
connect (int fd, const struct sockaddr *address, socklen_t n)
{
  if (!strikes (CALL_connect))
    return real_connect (fd, address, n);
  if ((state->fault.outcome.err == EINTR || state->fault.outcome.err == EINPROGRESS) &&
      real_connect (fd, address, n) == -1)
    return -1;
  errno = state->fault.outcome.err;
  return -1;
}

/* ---- Calls that move bytes: they can also move one, or meet the end ---- */

/* A pipe is broken for good, in both directions. */
static int
failed_with (int fd, int err)
{
  if (err == EPIPE)
    real_shutdown (fd, SHUT_RDWR);
  errno = err;
  return -1;
}

#define MOVING(name, possible, parameters, arguments, shortened) \
  ssize_t name parameters                                       \
  {                                                             \
    if (real_##name == NULL)                                    \
      real_##name = real (#name);                               \
    if (!(possible) || !strikes (CALL_##name))                  \
      return real_##name arguments;                             \
    switch (state->fault.outcome.kind) {                        \
    case SHORTENED:                                             \
      return real_##name shortened;                             \
    case ENDS:                                                  \
      return 0;                                                 \
    default:                                                    \
      return failed_with (fd, state->fault.outcome.err);        \
    }                                                           \
  }

#define LESS(count) ((count) > 1 ? 1 : (count))

MOVING (read, true, (int fd, void *buf, size_t count), (fd, buf, count), (fd, buf, LESS (count)))
MOVING (write, true, (int fd, const void *buf, size_t count), (fd, buf, count), (fd, buf, LESS (count)))
MOVING (recv, true, (int fd, void *buf, size_t count, int flags), (fd, buf, count, flags),
        (fd, buf, LESS (count), flags))
MOVING (send, true, (int fd, const void *buf, size_t count, int flags), (fd, buf, count, flags),
        (fd, buf, LESS (count), flags))

/* Only the first byte of a message, unless it carries descriptors. */
static const struct msghdr *
shortest (const struct msghdr *message, struct msghdr *copy, struct iovec *one)
{
  size_t i = 0;

  *copy = *message;
  while (i + 1 < message->msg_iovlen && message->msg_iov[i].iov_len == 0)
    i++;
  if (message->msg_control == NULL && message->msg_iovlen > 0) {
    *one = message->msg_iov[i];
    one->iov_len = LESS (one->iov_len);
    copy->msg_iov = one;
    copy->msg_iovlen = 1;
  }
  return copy;
}

/* What carries descriptors is not a stream, and waits for nothing. */
static bool
is_possible (const struct msghdr *message)
{
  return message->msg_control == NULL || !state->faulty || state->fault.outcome.err != EAGAIN;
}

MOVING (sendmsg, is_possible (message), (int fd, const struct msghdr *message, int flags),
        (fd, message, flags),
        (fd, shortest (message, &(struct msghdr) { 0 }, &(struct iovec) { 0 }), flags))

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  struct msghdr copy;
  struct iovec one;

  if (!is_possible (message) || !strikes (CALL_recvmsg))
    return real_recvmsg (fd, message, flags);
  switch (state->fault.outcome.kind) {
  case SHORTENED:
    if (message->msg_control != NULL)
      return real_recvmsg (fd, message, flags);
    shortest (message, &copy, &one);
    return real_recvmsg (fd, &copy, flags);
  case ENDS:
    message->msg_controllen = 0;
    return 0;
  default:
    return failed_with (fd, state->fault.outcome.err);
  }
}

/* ---- Memory ---- */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *p, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

static bool
runs_out (size_t size)
{
  unsigned n;

  if (state == NULL || !state->armed || state->size == 0 || size < state->size ||
      getpid () != state->process)
    return false;
  n = ++state->allocations;
  if (state->failing == 0 || (state->failing_on ? n < state->failing : n != state->failing))
    return false;
  state->happened++;
  errno = ENOMEM;
  return true;
}

void *
malloc (size_t size)
{
  return runs_out (size) ? NULL : __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  return runs_out (n * size) ? NULL : __libc_calloc (n, size);
}

void *
realloc (void *p, size_t size)
{
  return runs_out (size) ? NULL : __libc_realloc (p, size);
}

int
posix_memalign (void **p, size_t alignment, size_t size)
{
  if (runs_out (size))
    return ENOMEM;
  *p = __libc_memalign (alignment, size);
  return *p == NULL ? ENOMEM : 0;
}
