/* Main loops that connect a handle: poll, epoll, and the library's own. */
#ifndef LOOPS_H
#define LOOPS_H

#include "../test.h"

#include <poll.h>
#include <sys/epoll.h>

/* Polls as programs do that do not know that connecting can take several steps. */
static int
drive_by_poll (struct nbd_handle *h)
{
  int r = 0, first = nbd_aio_get_fd (h);

  while (r == 0 && nbd_aio_is_connecting (h)) {
    unsigned direction = nbd_aio_get_direction (h);
    struct pollfd pollfd = { .fd = nbd_aio_get_fd (h) };

    CHECK_EQ (pollfd.fd, first);
    pollfd.events = (direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0)
      | (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0);
    CHECK_EQ (poll (&pollfd, 1, 30000), 1);
    if (pollfd.revents & (POLLIN | POLLHUP) && direction & LIBNBD_AIO_DIRECTION_READ)
      r = nbd_aio_notify_read (h);
    else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      r = nbd_aio_notify_write (h);
  }
  return r;
}

/* Registers the descriptor again after each step. */
static int
drive_by_epoll (struct nbd_handle *h)
{
  int r = 0, epoll = epoll_create1 (EPOLL_CLOEXEC);

  while (r == 0 && nbd_aio_is_connecting (h)) {
    unsigned direction = nbd_aio_get_direction (h);
    struct epoll_event event = { .events = 0 };

    event.events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0)
      | (direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0);
    if (epoll_ctl (epoll, EPOLL_CTL_MOD, nbd_aio_get_fd (h), &event) == -1)
      CHECK_EQ (epoll_ctl (epoll, EPOLL_CTL_ADD, nbd_aio_get_fd (h), &event), 0);
    CHECK_EQ (epoll_wait (epoll, &event, 1, 30000), 1);
    if (event.events & (EPOLLIN | EPOLLHUP) && direction & LIBNBD_AIO_DIRECTION_READ)
      r = nbd_aio_notify_read (h);
    else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      r = nbd_aio_notify_write (h);
  }
  close (epoll);
  return r;
}

static int
drive_by_library (struct nbd_handle *h)
{
  int r = 0;

  while (r != -1 && nbd_aio_is_connecting (h))
    r = nbd_poll (h, -1);
  return r == -1 ? -1 : 0;
}

static int (*const drivers[]) (struct nbd_handle *) = {
  drive_by_poll, drive_by_epoll, drive_by_library
};
enum { DRIVERS = 3 };

#endif
