// A server that does something only when it is told to, so that it can share a
// thread with a client: what the client then sees, and how often it has to ask
// the kernel, does not depend on scheduling.

#ifndef BENCH_LOCKSTEP_H
#define BENCH_LOCKSTEP_H

#include <stdbool.h>

struct server;

// Serves a disk of zeroes on a socket, which it makes non-blocking and closes in
// the end.
struct server *server_new(int sock);
void server_free(struct server *server);

// Takes all that the client has sent, and only then answers, with as much as the
// socket takes.  Returns false once the client has left.  All that this asks of
// the kernel is preadv2 and pwritev2, by which a tracer can tell it from the
// client.
bool server_step(struct server *server);

// Whether there is more to send than the socket took.
bool server_is_blocked(const struct server *server);

#endif
