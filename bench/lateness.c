// How late a call returns whose time limit has passed: the median and the worst of
// many, for each thing that a handle can wait for.
//
//   cc -O2 -I../include lateness.c -L../build -lnbd -o lateness
//   LD_LIBRARY_PATH=../build ./lateness [RUNS [MILLISECONDS]]
//
// The server is a socket at whose other end nobody answers, and the resolver is
// this program's own.

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libnbdx.h>

enum { CONNECT = NBDX_TIMEOUT_CONNECT, CALL = NBDX_TIMEOUT_CALL, SILENCE = NBDX_TIMEOUT_SILENCE };

static int limit = 50;

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, nbd_get_error() ? nbd_get_error() : "failed");
    exit(EXIT_FAILURE);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)host, (void)port, (void)hints, (void)result;
    sleep(1);
    return EAI_AGAIN;
}

static int64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct nbd_handle *create(int which)
{
    struct nbd_handle *nbd = nbd_create();

    if (nbd == NULL || nbdx_set_timeout(nbd, which, limit) == -1)
        fail("create");
    return nbd;
}

// A connection whose other end has sent a greeting and says no more.
static struct nbd_handle *connected(int which, const void *greeting, size_t size, int *peer)
{
    struct nbd_handle *nbd = create(which);
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == -1 ||
        send(sockets[1], greeting, size, 0) != (ssize_t)size)
        fail("socketpair");
    *peer = sockets[1];
    nbd_set_opt_mode(nbd, true);
    nbd_set_request_structured_replies(nbd, false);
    if (nbd_connect_socket(nbd, sockets[0]) == -1)
        fail("connect");
    return nbd;
}

// The moment at which the call began, if it failed as it should.
static int64_t began;

static void late(int result)
{
    if (result != -1 || nbd_get_errno() != ETIMEDOUT)
        fail("no limit has passed");
}

static void reading(int which)
{
    static const uint8_t oldstyle[152] = {
        'N', 'B', 'D', 'M', 'A', 'G', 'I', 'C', 0, 0, 0x42, 2, 0x81, 0x86, 0x12, 0x53,
        0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 1,
    };
    static char buffer[4096];
    int peer;
    struct nbd_handle *nbd = connected(which, oldstyle, sizeof oldstyle, &peer);

    began = nanoseconds();
    late(nbd_pread(nbd, buffer, sizeof buffer, 0, 0));
    began = nanoseconds() - began;
    close(peer);
    nbd_close(nbd);
}

static void option(int which)
{
    static const uint8_t newstyle[18] = "NBDMAGICIHAVEOPT\0\3";
    int peer;
    struct nbd_handle *nbd = connected(which, newstyle, sizeof newstyle, &peer);

    began = nanoseconds();
    late(nbd_opt_go(nbd));
    began = nanoseconds() - began;
    close(peer);
    nbd_close(nbd);
}

static void handshake(int which)
{
    struct nbd_handle *nbd = create(which);
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == -1)
        fail("socketpair");
    began = nanoseconds();
    late(nbd_connect_socket(nbd, sockets[0]));
    began = nanoseconds() - began;
    close(sockets[1]);
    nbd_close(nbd);
}

static void connecting(int which)
{
    static struct sockaddr_in address;
    struct nbd_handle *nbd = create(which);

    if (address.sin_port == 0) {
        int listener = socket(AF_INET, SOCK_STREAM, 0), first = socket(AF_INET, SOCK_STREAM, 0);
        socklen_t size = sizeof address;

        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(listener, (struct sockaddr *)&address, size) == -1 || listen(listener, 0) == -1 ||
            getsockname(listener, (struct sockaddr *)&address, &size) == -1 ||
            connect(first, (struct sockaddr *)&address, size) == -1)
            fail("listen");
    }
    began = nanoseconds();
    if (nbd_aio_connect(nbd, (struct sockaddr *)&address, sizeof address) == -1)
        fail("connect");
    late(nbd_poll(nbd, -1));
    began = nanoseconds() - began;
    nbd_close(nbd);
}

static void resolving(int which)
{
    struct nbd_handle *nbd = create(which);

    began = nanoseconds();
    late(nbd_connect_tcp(nbd, "example.net", "10809"));
    began = nanoseconds() - began;
    nbd_close(nbd);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
    static const struct {
        const char *name;
        void (*run)(int);
        int which;
    } rows[] = {
        { "the reply to a read, CALL", reading, CALL },
        { "the reply to a read, SILENCE", reading, SILENCE },
        { "the answer to an option, CALL", option, CALL },
        { "the greeting, CONNECT", handshake, CONNECT },
        { "a listener with a full backlog, CONNECT", connecting, CONNECT },
        { "the resolver, CONNECT", resolving, CONNECT },
    };
    size_t runs = argc > 1 ? (size_t)atoi(argv[1]) : 100;
    int64_t *times = calloc(runs + 1, sizeof *times);

    if (argc > 2)
        limit = atoi(argv[2]);
    if (times == NULL || runs == 0 || limit <= 0)
        fail("usage: lateness [RUNS [MILLISECONDS]]");
    printf("| waiting for, limit of %d ms | earliest | median | worst of %zu |\n|---|---|---|---|\n",
           limit, runs);
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (size_t i = 0; i < runs; i++) {
            rows[row].run(rows[row].which);
            times[i] = began - limit * INT64_C(1000000);
        }
        qsort(times, runs, sizeof *times, compare);
        printf("| %s | %.2f ms | %.2f ms | %.2f ms |\n", rows[row].name, (double)times[0] / 1e6,
               (double)times[runs / 2] / 1e6, (double)times[runs - 1] / 1e6);
    }
    return 0;
}
