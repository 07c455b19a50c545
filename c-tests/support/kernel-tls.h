/* A stand-in for a kernel that knows TLS, inside the test program.
 *
 * It takes the place of the system calls through which a program gives a TCP
 * socket TLS (setsockopt with TCP_ULP, then with the keys) and sends on it.
 * What is sent from then on is encrypted here, just as the kernel would, and
 * goes to the real socket.  A real server must be able to read it.
 *
 * Of the real kernel it cannot show the mistakes, the speed, and how it shares
 * a socket's memory.  */
#ifndef KERNEL_TLS_H
#define KERNEL_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* What the kernel is like; set before connecting. */
extern struct kernel {
  bool has_tls;
  /* Unix domain sockets say that they are TCP. */
  bool disguises_unix;
  /* It knows TLS, but takes no keys. */
  bool takes_no_keys;
  /* Takes no more than so many bytes of data at once, and nothing the next
   * time. */
  size_t stingy;
  /* The socket takes no handshake message, goodbye and so on the first time
   * it is asked. */
  bool hesitates;
  /* The peer of a socket is gone when so many calls without MSG_NOSIGNAL have
   * succeeded; -1: it stays. */
  int stays_for;
} kernel;

/* What has been done with it. */
extern struct kernel_log {
  unsigned questions;           /* whether there is TLS, without a connection */
  unsigned offers, keys;        /* sockets that were to get, and have got it */
  size_t data;                  /* bytes of data encrypted */
  unsigned records, messages;   /* records with data, and others */
  unsigned goodbyes;            /* that were to be sent */
  unsigned plain_goodbyes;      /* shutdown () on sockets with keys */
  unsigned hesitations;
} kernel_log;

#endif /* KERNEL_TLS_H */
