// Work whose system calls and instructions can be counted: the same for every
// run with the same library.  scripts/check-counts.sh runs it under strace and
// callgrind, and says what the counts may be.

#include "lockstep.h"
#include "workload.h"

#include <errno.h>
#include <libnbdx.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYNCHRONOUS_BLOCK 4096

// What sockets may hold decides how many system calls large transfers need.
// The kernel doubles this, and then it is what Linux usually has.
#define SOCKET_BUFFER 106496

_Noreturn static void usage(void)
{
    fail("usage: counts [batched] read|write DEPTH BLOCK ROUNDS\n"
         "       counts create N\n"
         "       counts connect|syncread SOCKET N\n"
         "       counts serve SOCKET");
}

static struct nbd_handle *create(void)
{
    struct nbd_handle *nbd = nbd_create();

    if (nbd == NULL)
        fail("%s", nbd_get_error());
    return nbd;
}

static void succeeds(int result)
{
    if (result == -1)
        fail("%s", nbd_get_error());
}

// Rounds of as many commands as shall be in flight, in one thread with the server.

static int completed(void *user_data, int *error)
{
    unsigned *n_left = user_data;

    if (*error != 0)
        fail("command failed with errno %d", *error);
    --*n_left;
    return 1;
}

// What the server has taken or sent lets the client go on, so its poll does not
// block; but a batch leaves in the poll, and the server has yet to answer.
static void take_turns(struct nbd_handle *nbd, struct server *server)
{
    if (!server_step(server))
        fail("the client has left");
    succeeds(nbd_poll(nbd, nbdx_get_batch(nbd) ? 0 : -1));
}

static void run_round(struct nbd_handle *nbd, struct server *server,
                      bool writes, unsigned depth, size_t block, char *buffers)
{
    unsigned n_left = depth;
    nbd_completion_callback callback = {
        .callback = completed,
        .user_data = &n_left,
    };

    for (unsigned i = 0; i < depth; i++) {
        char *buffer = buffers + i * block;
        int64_t cookie =
            writes ? nbd_aio_pwrite(nbd, buffer, block, i * block, callback, 0)
                   : nbd_aio_pread(nbd, buffer, block, i * block, callback, 0);
        if (cookie == -1)
            fail("%s", nbd_get_error());
    }
    while (n_left > 0)
        take_turns(nbd, server);
}

static void run_rounds(bool batched, bool writes, unsigned depth, size_t block,
                       unsigned rounds)
{
    struct nbd_handle *nbd = create();
    char *buffers = allocate(depth * block);
    const int buffer = SOCKET_BUFFER;
    int socks[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, socks) == -1)
        fail("socketpair: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (setsockopt(socks[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer)
            == -1)
            fail("SO_SNDBUF: %s", strerror(errno));
    struct server *server = server_new(socks[1]);

    succeeds(nbd_aio_connect_socket(nbd, socks[0]));
    while (nbd_aio_is_connecting(nbd))
        take_turns(nbd, server);
    if (!nbd_aio_is_ready(nbd))
        fail("the client did not get through the handshake");
    succeeds(nbdx_set_batch(nbd, batched));
    // The first round is not like the others: buffers grow.
    for (unsigned i = 0; i < 1 + rounds; i++)
        run_round(nbd, server, writes, depth, block, buffers);

    nbd_close(nbd);
    server_free(server);
    free(buffers);
}

// Handles without a server

static void run_creates(unsigned n)
{
    for (unsigned i = 0; i < 1 + n; i++)
        nbd_close(create());
}

// Blocking calls, for which the server has to be another process.

static struct nbd_handle *create_and_connect(const char *path)
{
    struct nbd_handle *nbd = create();

    succeeds(nbd_connect_unix(nbd, path));
    return nbd;
}

static void shutdown_and_close(struct nbd_handle *nbd)
{
    succeeds(nbd_shutdown(nbd, 0));
    nbd_close(nbd);
}

static void run_connects(const char *path, unsigned n)
{
    for (unsigned i = 0; i < 1 + n; i++)
        shutdown_and_close(create_and_connect(path));
}

static void run_synchronous_reads(const char *path, unsigned n)
{
    struct nbd_handle *nbd = create_and_connect(path);
    char *buffer = allocate(SYNCHRONOUS_BLOCK);

    for (unsigned i = 0; i < 1 + n; i++)
        succeeds(nbd_pread(nbd, buffer, SYNCHRONOUS_BLOCK, 0, 0));
    free(buffer);
    shutdown_and_close(nbd);
}

// The server of those, one client after the other

static void serve_client(int sock)
{
    struct server *server = server_new(sock);

    while (server_step(server)) {
        struct pollfd wanted = {
            .fd = sock,
            .events = server_is_blocked(server) ? POLLIN | POLLOUT : POLLIN,
        };
        if (poll(&wanted, 1, -1) == -1)
            fail("poll: %s", strerror(errno));
    }
    server_free(server);
}

_Noreturn static void serve(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    if (strlen(path) >= sizeof address.sun_path)
        fail("socket path too long: %s", path);
    strcpy(address.sun_path, path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1
        || listen(listener, 1) == -1)
        fail("%s: %s", path, strerror(errno));
    for (;;) {
        int sock = accept(listener, NULL, NULL);
        if (sock == -1)
            fail("accept: %s", strerror(errno));
        serve_client(sock);
    }
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value > 100000000)
        usage();
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    const bool batched = argc > 1 && strcmp(argv[1], "batched") == 0;

    argc -= batched;
    argv += batched;
    const char *work = argc > 1 ? argv[1] : "";

    if (strcmp(work, "read") == 0 && argc == 5)
        run_rounds(batched, false, number(argv[2]), number(argv[3]), number(argv[4]));
    else if (strcmp(work, "write") == 0 && argc == 5)
        run_rounds(batched, true, number(argv[2]), number(argv[3]), number(argv[4]));
    else if (strcmp(work, "create") == 0 && argc == 3)
        run_creates(number(argv[2]));
    else if (strcmp(work, "connect") == 0 && argc == 4)
        run_connects(argv[2], number(argv[3]));
    else if (strcmp(work, "syncread") == 0 && argc == 4)
        run_synchronous_reads(argv[2], number(argv[3]));
    else if (strcmp(work, "serve") == 0 && argc == 3)
        serve(argv[2]);
    else
        usage();
    return EXIT_SUCCESS;
}
