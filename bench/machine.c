// What the machine asks for the two things that a client of NBD does most: a
// system call that does nothing, and 4 KiB there and back through a socket
// between two processes.  The results of the benchmark depend on both.

#define _GNU_SOURCE // syscall

#include "workload.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE 4096
#define CALLS 100000
#define ROUND_TRIPS 2000
#define REPETITIONS 15

static int succeeds(int result, const char *what)
{
    if (result == -1)
        fail("%s: %s", what, strerror(errno));
    return result;
}

// The fastest repetition, because other work can only make one slower.
static double best_of_repetitions(void (*work)(int sock), int sock,
                                  unsigned times)
{
    double best = 0;

    for (int i = 0; i < REPETITIONS; i++) {
        struct stopwatch stopwatch = start_stopwatch();
        work(sock);
        double each = stop_stopwatch(&stopwatch).wall / times;
        if (i == 0 || each < best)
            best = each;
    }
    return best;
}

// libc could remember the result of a function, so this one is called by number.
static void call_nothing(int sock)
{
    (void)sock;
    for (int i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
}

// Ping-pong

static void send_message(int sock, const char *message)
{
    if (send(sock, message, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
        fail("send: %s", strerror(errno));
}

// Returns false at the end of the stream.
static bool receive_message(int sock, char *message)
{
    ssize_t received = recv(sock, message, MESSAGE, MSG_WAITALL);

    succeeds((int)received, "recv");
    if (received != 0 && received != MESSAGE)
        fail("the other side left in the middle of a message");
    return received != 0;
}

static void play(int sock)
{
    char message[MESSAGE] = {0};

    for (int i = 0; i < ROUND_TRIPS; i++) {
        send_message(sock, message);
        if (!receive_message(sock, message))
            fail("the other side left");
    }
}

static void return_messages(int sock)
{
    char message[MESSAGE];

    while (receive_message(sock, message))
        send_message(sock, message);
}

static double round_trip(const int socks[2])
{
    pid_t partner = succeeds(fork(), "fork");

    if (partner == 0) {
        close(socks[0]);
        return_messages(socks[1]);
        _exit(EXIT_SUCCESS);
    }
    close(socks[1]);
    double seconds = best_of_repetitions(play, socks[0], ROUND_TRIPS);
    close(socks[0]);

    int status;
    succeeds(waitpid(partner, &status, 0), "waitpid");
    if (status != 0)
        fail("the other side failed");
    return seconds;
}

static void pair_by_unix(int socks[2])
{
    succeeds(socketpair(AF_UNIX, SOCK_STREAM, 0, socks), "socketpair");
}

static void pair_by_tcp(int socks[2])
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct sockaddr *generic = (struct sockaddr *)&address;
    socklen_t length = sizeof address;
    const int on = 1;

    int listener = succeeds(socket(AF_INET, SOCK_STREAM, 0), "socket");
    succeeds(bind(listener, generic, length), "bind");
    succeeds(listen(listener, 1), "listen");
    succeeds(getsockname(listener, generic, &length), "getsockname");
    socks[0] = succeeds(socket(AF_INET, SOCK_STREAM, 0), "socket");
    succeeds(connect(socks[0], generic, length), "connect");
    socks[1] = succeeds(accept(listener, NULL, NULL), "accept");
    close(listener);
    for (int i = 0; i < 2; i++)
        succeeds(setsockopt(socks[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on),
                 "TCP_NODELAY");
}

int main(void)
{
    int socks[2];

    double null_call = best_of_repetitions(call_nothing, -1, CALLS);
    pair_by_unix(socks);
    double unix_round_trip = round_trip(socks);
    pair_by_tcp(socks);
    double tcp_round_trip = round_trip(socks);

    printf("null_call_ns=%.0f unix_round_trip_us=%.1f tcp_round_trip_us=%.1f\n",
           null_call * 1e9, unix_round_trip * 1e6, tcp_round_trip * 1e6);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
