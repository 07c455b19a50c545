/* The loop of the caller: one call ends at most one command, and no loop
 * sleeps while the answer to a command is there. */
#include "test.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { COMMANDS = 8, SIZE = 512 };

static uint8_t buf[COMMANDS][SIZE];
static unsigned ended;

static int
count_end (void *unused, int *error)
{
  (void) unused;
  CHECK_EQ (*error, 0);
  ended++;
  return 1;
}

static const nbd_completion_callback counted = { .callback = count_end };

/* The socket of the only handle, without asking for it. */
static int
the_socket (void)
{
  struct stat st;

  for (int fd = 3; fd < 64; fd++)
    if (fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode))
      return fd;
  fail_at (__FILE__, __LINE__, "there is no socket");
}

static void
wait_for_bytes (int wanted)
{
  int there = 0;

  for (int i = 0; i < 500 && there < wanted; i++) {
    CHECK_EQ (ioctl (the_socket (), FIONREAD, &there), 0);
    usleep (10000);
  }
  CHECK (there >= wanted);
}

/* Reads are under way, and all answers have arrived; `then` is what the server
 * does next. */
static struct nbd_handle *
with_all_answers (const char *replies, const char *then)
{
  char *script = text ("handshake\n");
  struct nbd_handle *h;
  bool simple = strcmp (replies, "simple") == 0;

  for (unsigned i = 0; i < COMMANDS; i++)
    script = text ("%sread-request READ\n", script);
  for (unsigned i = 0; i < COMMANDS; i++)
    script = simple ? text ("%ssimple @%u 0 fill:07*512\n", script, i + 1)
      : text ("%schunk @%u DONE OFFSET_DATA u64:0 fill:07*512\n", script, i + 1);
  h = connect_to (scripted (text ("%s%s\n", script, then), "--replies", replies,
                            NULL));
  ended = 0;
  for (unsigned i = 0; i < COMMANDS; i++)
    CHECK (nbd_aio_pread (h, buf[i], SIZE, 0, counted, 0) > 0);
  wait_for_bytes (COMMANDS * (SIZE + (simple ? 16 : 28)));
  return h;
}

static const char *const styles[] = { "simple", "structured" };

#define FOR_EACH_STYLE(s) \
  for (const char *const *s = styles; s < styles + 2; ++s)

/* At most one more command has ended. */
static void
check_one_more (unsigned *before)
{
  CHECK (ended <= *before + 1);
  *before = ended;
}

CASE (nbd_poll_ends_one)
{
  FOR_EACH_STYLE (s) {
    struct nbd_handle *h = with_all_answers (*s, "wait-eof");
    unsigned before = 0, calls = 0;

    situation ("%s", *s);
    while (ended < COMMANDS) {
      /* Whatever is buffered: the handle is between two replies. */
      CHECK_EQ (nbd_aio_is_ready (h), 1);
      CHECK_EQ (nbd_aio_is_processing (h), 0);
      CHECK_EQ (nbd_aio_in_flight (h), COMMANDS - ended);
      CHECK_EQ (nbd_poll (h, 5000), 1);
      check_one_more (&before);
      calls++;
    }
    CHECK (calls <= 2 * COMMANDS);
    CHECK_EQ (nbd_poll (h, 0), 0);
    CHECK (all_bytes (buf, sizeof buf, 7));
    nbd_close (h);
    check_script ();
  }
}

/* Also if it has to do so without waiting, and with another descriptor. */
CASE (nbd_poll2_ends_one)
{
  struct nbd_handle *h = with_all_answers ("structured", "wait-eof");
  unsigned before = 0;
  int fds[2];

  CHECK_EQ (pipe (fds), 0);
  while (ended < COMMANDS) {
    CHECK_EQ (nbd_poll2 (h, ended % 2 ? fds[0] : -1, 0), 1);
    check_one_more (&before);
  }
  close (fds[0]);
  close (fds[1]);
  nbd_close (h);
}

CASE (one_command_is_retired_for_each_poll)
{
  struct nbd_handle *h = connect_to (nbdkit ("null", "1M", NULL));
  unsigned left = COMMANDS, calls = 0;

  for (unsigned i = 0; i < COMMANDS; i++)
    CHECK (nbd_aio_pread (h, buf[i], SIZE, 0, NBD_NULL_COMPLETION, 0) > 0);
  while (left > 0) {
    int64_t cookie;

    CHECK_EQ (nbd_poll (h, 5000), 1);
    CHECK (++calls < 100);
    if ((cookie = nbd_aio_peek_command_completed (h)) > 0) {
      CHECK_EQ (nbd_aio_command_completed (h, cookie), 1);
      left--;
    }
  }
  nbd_close (h);
}

/* Who watches the descriptor and never asks for the direction, because sending
 * has not blocked so far. */
CASE (a_loop_that_only_waits_to_read)
{
  FOR_EACH_STYLE (s) {
    struct nbd_handle *h = with_all_answers (*s, "wait-eof");
    struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };
    unsigned before = 0;

    situation ("%s", *s);
    while (ended < COMMANDS) {
      CHECK_EQ (poll (&fd, 1, 5000), 1);
      CHECK_EQ (nbd_aio_notify_read (h), 0);
      check_one_more (&before);
      CHECK_EQ (nbd_aio_is_ready (h), 1);
    }
    CHECK_EQ (poll (&fd, 1, 0), 0);
    nbd_close (h);
  }
}

/* The loop of the manual. */
CASE (a_loop_that_asks_for_the_direction)
{
  struct nbd_handle *h = with_all_answers ("structured", "wait-eof");
  struct pollfd fd = { .fd = nbd_aio_get_fd (h) };
  unsigned before = 0;

  while (ended < COMMANDS) {
    unsigned direction = nbd_aio_get_direction (h);

    fd.events = 0;
    if (direction & LIBNBD_AIO_DIRECTION_READ)
      fd.events |= POLLIN;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      fd.events |= POLLOUT;
    CHECK_EQ (poll (&fd, 1, 5000), 1);
    if (fd.revents & POLLIN)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    else
      CHECK_EQ (nbd_aio_notify_write (h), 0);
    check_one_more (&before);
  }
  nbd_close (h);
}

/* Edge-triggered, and armed again for each round, as one has to. */
CASE (an_edge_triggered_loop)
{
  struct nbd_handle *h = with_all_answers ("simple", "wait-eof");
  int epoll = epoll_create1 (EPOLL_CLOEXEC), fd = nbd_aio_get_fd (h);
  struct epoll_event event = { .events = EPOLLIN | EPOLLET };
  unsigned before = 0;

  CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event), 0);
  while (ended < COMMANDS) {
    CHECK_EQ (epoll_wait (epoll, &event, 1, 5000), 1);
    CHECK_EQ (nbd_aio_notify_read (h), 0);
    check_one_more (&before);
    event.events = EPOLLIN | EPOLLET;
    CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_MOD, fd, &event), 0);
  }
  close (epoll);
  nbd_close (h);
}

/* A program that has polled the handle, and goes on with a loop of its own. */
CASE (the_descriptor_is_asked_for_late)
{
  struct nbd_handle *h = with_all_answers ("simple", "wait-eof");
  unsigned before = 0;

  CHECK_EQ (nbd_poll (h, 5000), 1);
  check_one_more (&before);
  while (ended < COMMANDS) {
    unsigned direction = nbd_aio_get_direction (h);
    struct pollfd fd = { .fd = nbd_aio_get_fd (h) };

    fd.events = direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLIN | POLLOUT
                                                       : POLLIN;
    CHECK_EQ (poll (&fd, 1, 5000), 1);
    if (fd.revents & POLLIN)
      CHECK_EQ (nbd_aio_notify_read (h), 0);
    else
      CHECK_EQ (nbd_aio_notify_write (h), 0);
    check_one_more (&before);
  }
  CHECK_EQ (nbd_aio_get_direction (h), LIBNBD_AIO_DIRECTION_READ);
  CHECK_ERR (nbd_aio_notify_write (h), EINVAL);
  nbd_close (h);
}

/* Two threads take turns with one handle; what the one does not use is there
 * for the other, which may be asleep in its own poll. */
CASE (another_thread_sees_what_is_left)
{
  struct nbd_handle *h = with_all_answers ("structured", "wait-eof");
  struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };
  unsigned before = 0;

  for (unsigned i = 0; i < COMMANDS; i++) {
    CHECK_EQ (poll (&fd, 1, 0), 1);
    while (ended == i)
      CHECK_EQ (nbd_poll (h, 5000), 1);
    check_one_more (&before);
  }
  CHECK_EQ (poll (&fd, 1, 0), 0);
  nbd_close (h);
}

/* The socket takes no more, and the server does not read before its answers
 * have been looked at. */
CASE (answers_behind_a_full_send_buffer)
{
  static uint8_t large[4 << 20];
  struct nbd_handle *h = with_all_answers ("simple", "sleep 1000\nread 1\n"
                                           "sleep 60000");
  struct pollfd fd = { .fd = nbd_aio_get_fd (h), .events = POLLIN };
  unsigned before = 0;

  for (unsigned i = 0; i < 4; i++)
    CHECK (nbd_aio_pwrite (h, large, sizeof large, 0, NBD_NULL_COMPLETION, 0) > 0);
  CHECK (nbd_aio_get_direction (h) & LIBNBD_AIO_DIRECTION_WRITE);
  while (ended < COMMANDS) {
    CHECK_EQ (poll (&fd, 1, 0), 1);
    CHECK_EQ (nbd_aio_notify_read (h), 0);
    check_one_more (&before);
  }
  nbd_close (h);
}

/* The server has gone, but its answers are there.  With the end of the
 * connection the commands without one end together. */
CASE (answers_before_the_end)
{
  struct nbd_handle *h = with_all_answers ("structured", "close");
  struct record lost = { .result = 1 };
  unsigned before = 0, calls = 0;

  (void) nbd_aio_pread (h, buf[0], SIZE, 0, completion (&lost), 0);
  while (ended < COMMANDS) {
    CHECK_EQ (lost.calls, 0);
    CHECK_EQ (nbd_poll (h, 5000), 1);
    check_one_more (&before);
    CHECK (++calls < 100);
  }
  wait_for_end (h);
  CHECK_EQ (lost.calls, 1);
  CHECK_EQ (lost.error, ENOTCONN);
  nbd_close (h);
}

/* A call that waits uses all that is there: the answers for others do not stay
 * hidden in the handle when it returns. */
CASE (a_waiting_call_leaves_nothing)
{
  struct nbd_handle *h = connect_to
    (scripted ("handshake\nread-request READ\nread-request READ\n"
               "read-request READ\nread-request FLUSH\n"
               "simple @1 0 fill:1*512\nsimple @4 0\n"
               "simple @2 0 fill:2*512\nsimple @3 0 fill:3*512\nwait-eof\n",
               "--replies", "simple", NULL));

  for (unsigned i = 0; i < 3; i++)
    CHECK (nbd_aio_pread (h, buf[i], SIZE, 0, counted, 0) > 0);
  CHECK_EQ (nbd_flush (h, 0), 0);
  /* What has been sent by now is used, or still shows in the socket. */
  while (ended < 3) {
    struct pollfd fd = { .fd = the_socket (), .events = POLLIN };

    CHECK_EQ (poll (&fd, 1, 5000), 1);
    CHECK_EQ (nbd_poll (h, 0), 1);
  }
  nbd_close (h);
}

/* What nbd_poll has left is used by the next call that waits. */
CASE (a_waiting_call_uses_what_was_left)
{
  struct nbd_handle *h = with_all_answers
    ("simple", "read-request FLUSH\nsimple 0\nwait-eof");

  CHECK_EQ (nbd_poll (h, 5000), 1);
  CHECK_EQ (ended, 1);
  CHECK_EQ (nbd_flush (h, 0), 0);
  CHECK_EQ (ended, COMMANDS);
  CHECK_EQ (nbd_poll (h, 0), 0);
  nbd_close (h);
}
