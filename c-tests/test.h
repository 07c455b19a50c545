/* A small harness for testing the library through its public header.
 *
 * A test program is one C file: some CASEs, linked with test.c which holds
 * main.  Each case runs in a process of its own, with a private temporary
 * directory and a watchdog, so a crash, a hang or a leak in one case fails
 * that case only, and whatever it started or created is cleaned away.
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <libnbd.h>

/* ---- Cases ---- */

struct test_case {
  const char *name;
  void (*run) (void);
  struct test_case *next;
};

void register_case (struct test_case *c);

#define CASE(fn)                                                          \
  static void fn (void);                                                  \
  static struct test_case fn##_case = { #fn, fn, NULL };                  \
  __attribute__((constructor)) static void fn##_register (void)           \
  {                                                                       \
    register_case (&fn##_case);                                           \
  }                                                                       \
  static void fn (void)

/* Names the situation that the following checks belong to (for loops over
 * tables); printed when one of them fails. */
void situation (const char *fmt, ...) __attribute__((format (printf, 1, 2)));

/* ---- Checks: the first that fails ends the case ---- */

void fail_at (const char *file, int line, const char *fmt, ...)
  __attribute__((noreturn, format (printf, 3, 4)));
void check_int (const char *file, int line, const char *expr,
                intmax_t got, intmax_t wanted);
void check_str (const char *file, int line, const char *expr,
                const char *got, const char *wanted);
void check_failed (const char *file, int line, const char *call,
                   bool failed, int wanted_errno);
void forget_error (void);

#define ANY_ERRNO (-1)

#define CHECK(cond)                                                       \
  do {                                                                    \
    if (!(cond))                                                          \
      fail_at (__FILE__, __LINE__, "CHECK (%s)", #cond);                  \
  } while (0)
#define CHECK_EQ(expr, wanted)                                            \
  check_int (__FILE__, __LINE__, #expr, (intmax_t) (expr),                \
             (intmax_t) (wanted))
#define CHECK_STR(expr, wanted)                                           \
  check_str (__FILE__, __LINE__, #expr, (expr), (wanted))

/* The call fails, with this errno, and the message it leaves is new, begins
 * with the name of the function called and ends with the errno's text. */
#define CHECK_ERR(call, err)                                              \
  do {                                                                    \
    forget_error ();                                                      \
    check_failed (__FILE__, __LINE__, #call, (call) == -1, (err));        \
  } while (0)
#define CHECK_NULL(call, err)                                             \
  do {                                                                    \
    forget_error ();                                                      \
    check_failed (__FILE__, __LINE__, #call, (call) == NULL, (err));      \
  } while (0)

/* ---- Memory, files and data ---- */

/* A formatted string that lives until the case ends. */
char *text (const char *fmt, ...) __attribute__((format (printf, 1, 2)));
/* A path in the private directory. */
char *temp_path (const char *name);
/* Creates a file of this size in the private directory, full of zeroes. */
char *temp_disk (const char *name, uint64_t size);
/* Creates a file. */
void make_file (const char *path, const char *what, mode_t mode);
/* The beginning of a file. */
char *contents (const char *path);
/* Runs a shell command, which must succeed. */
void run_command (const char *fmt, ...) __attribute__((format (printf, 1, 2)));
void fill (void *buf, size_t count, uint64_t seed);
bool all_bytes (const void *buf, size_t count, int byte);
unsigned open_fds (void);
bool under_valgrind (void);

/* ---- Servers: all end with the case ---- */

/* Runs a program until the case ends. */
pid_t start (const char *const *argv);
/* These return the path of the Unix socket on which the server listens.  The
 * variable arguments are further arguments of the server, ended by NULL. */
const char *nbdkit (const char *arg, ...) __attribute__((sentinel));
const char *qemu_nbd (const char *image, ...) __attribute__((sentinel));
/* `settings` are lines for the section of the export, called "disk". */
const char *nbd_server (const char *image, const char *settings);
const char *embedded (const char *arg, ...) __attribute__((sentinel));
/* The embedded server acting out a script with one client. */
const char *scripted (const char *script, ...) __attribute__((sentinel));
/* Waits for the end of the script last started, which must have gone well. */
void check_script (void);
/* nbdkit with 1 MiB on TCP; returns the port. */
const char *nbdkit_on_tcp (const char *address);
/* A TCP port on which nothing listens. */
const char *free_port (void);
void wait_for_unix (pid_t server, const char *path);
void wait_for_tcp (pid_t server, const char *port);
/* End every server, in good order or at once, and wait until it is gone. */
void stop_servers (void);
void kill_servers (void);

/* ---- Handles ---- */

struct nbd_handle *create (void);
struct nbd_handle *connect_to (const char *unix_socket);
void poll_while_connecting (struct nbd_handle *h);
/* The handle is connected to 1 MiB of readable disk. */
void check_works (struct nbd_handle *h);
/* Not even a zombie, in a case that started no server itself. */
void check_no_children (void);
void check_uri (struct nbd_handle *h, const char *wanted);
/* In option mode, so that it waits where the export would be chosen. */
struct nbd_handle *negotiate_with (const char *unix_socket);
/* The same with a script that begins behind the greeting.  The client asks
 * for nothing by itself. */
struct nbd_handle *negotiate_by (const char *script);
/* Polls until the option that was started has been answered. */
void finish_option (struct nbd_handle *h);
/* Polls until the command has ended; returns what
 * nbd_aio_command_completed said. */
int finish (struct nbd_handle *h, int64_t cookie);
/* Polls until nothing is in flight. */
void drain (struct nbd_handle *h);
/* Polls until the handle is closed or dead. */
void wait_for_end (struct nbd_handle *h);

/* ---- Callbacks that keep a record ---- */

struct record {
  int calls, frees;
  int error;            /* *error at the last call. */
  int result;           /* What the callback shall return... */
  int new_error;        /* ...and put into *error, when not 0. */
  const char *name;     /* When set, calls and frees are added to the log. */
};

nbd_completion_callback completion (struct record *r);
/* These also write what they are told into the log: "name(description)" and
 * "name". */
nbd_list_callback exports (struct record *r);
nbd_context_callback contexts (struct record *r);
void record_call (struct record *r, int *error);
void record_free (void *record);

/* The log: words in the order in which things happened. */
void log_word (const char *fmt, ...) __attribute__((format (printf, 1, 2)));
const char *logged (void);
void clear_log (void);

#endif /* TEST_H */
