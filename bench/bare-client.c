// The floor: runs a workload with the fewest system calls and the least work
// that the NBD protocol and the kernel's sockets ask for, without any library.
// It trusts the server, blocks where it likes and knows nothing of time-outs,
// threads, TLS or options, so a library cannot be cheaper, only close.
//
// With --batch, requests that are due at the same moment leave in one send.

#include "wire.h"
#include "workload.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define BARE_CHUNK_SIZE offsetof(struct chunk, offset)

static uint64_t system_calls;

// Reading

static size_t receive(int sock, struct iovec *vectors, int n_vectors)
{
    ssize_t received = readv(sock, vectors, n_vectors);

    system_calls++;
    if (received == -1)
        fail("readv: %s", strerror(errno));
    if (received == 0)
        fail("the server has closed the connection");
    return (size_t)received;
}

static void receive_exactly(int sock, void *buffer, size_t size)
{
    while (size > 0) {
        struct iovec vector = {buffer, size};
        size_t received = receive(sock, &vector, 1);
        buffer = (char *)buffer + received;
        size -= received;
    }
}

// Writing

static void send_all(int sock, struct iovec *vectors, size_t n_vectors)
{
    while (n_vectors > 0) {
        struct msghdr message = {.msg_iov = vectors, .msg_iovlen = n_vectors};
        ssize_t sent = sendmsg(sock, &message, MSG_NOSIGNAL);

        system_calls++;
        if (sent == -1)
            fail("sendmsg: %s", strerror(errno));
        for (; n_vectors > 0 && (size_t)sent >= vectors->iov_len; n_vectors--)
            sent -= (ssize_t)(vectors++)->iov_len;
        if (n_vectors > 0) {
            vectors->iov_base = (char *)vectors->iov_base + sent;
            vectors->iov_len -= (size_t)sent;
        }
    }
}

static void send_buffer(int sock, const void *buffer, size_t size)
{
    struct iovec vector = {(void *)buffer, size};

    send_all(sock, &vector, 1);
}

// Connecting

static int open_socket(int domain, const struct sockaddr *address,
                       socklen_t length)
{
    int sock = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

    system_calls += 2;
    if (sock == -1)
        fail("socket: %s", strerror(errno));
    if (connect(sock, address, length) == -1)
        fail("connect: %s", strerror(errno));
    return sock;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        fail("socket path too long: %s", path);
    strcpy(address.sun_path, path);
    return open_socket(AF_UNIX, (struct sockaddr *)&address, sizeof address);
}

static int connect_tcp(const char *host, const char *port)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    const int on = 1;
    struct addrinfo *address;

    int error = getaddrinfo(host, port, &hints, &address);
    if (error != 0)
        fail("%s:%s: %s", host, port, gai_strerror(error));
    int sock =
        open_socket(address->ai_family, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    system_calls++;
    if (setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1)
        fail("TCP_NODELAY: %s", strerror(errno));
    return sock;
}

// The handshake

static void answer_greeting(int sock)
{
    struct greeting greeting;

    receive_exactly(sock, &greeting, sizeof greeting);
    uint16_t flags = be16toh(greeting.flags);
    uint16_t wanted = FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES;
    if (be64toh(greeting.magic) != GREETING_MAGIC
        || be64toh(greeting.option_magic) != OPTION_MAGIC
        || (flags & wanted) != wanted)
        fail("not a fixed newstyle server");

    // The first option needs no answer to the flags.
    struct __attribute__((packed)) {
        uint32_t flags;
        struct option structured_reply;
    } answer = {
        .flags = htobe32(wanted),
        .structured_reply = {
            .magic = htobe64(OPTION_MAGIC),
            .option = htobe32(OPT_STRUCTURED_REPLY),
        },
    };
    send_buffer(sock, &answer, sizeof answer);

    struct option_reply reply;
    receive_exactly(sock, &reply, sizeof reply);
    if (be64toh(reply.magic) != OPTION_REPLY_MAGIC
        || be32toh(reply.type) != REP_ACK || reply.length != 0)
        fail("the server does not offer structured replies");
}

// Chooses the default export.  No request follows before its replies are in,
// so whatever arrives belongs to it.
static void go(int sock)
{
    const struct __attribute__((packed)) {
        struct option option;
        uint32_t name_length;
        uint16_t n_infos;
    } message = {
        .option = {
            .magic = htobe64(OPTION_MAGIC),
            .option = htobe32(OPT_GO),
            .length = htobe32(sizeof(uint32_t) + sizeof(uint16_t)),
        },
    };
    char buffer[4096];
    size_t have = 0, at = 0;
    struct option_reply reply;

    send_buffer(sock, &message, sizeof message);
    for (;;) {
        if (have - at >= sizeof reply) {
            memcpy(&reply, buffer + at, sizeof reply);
            uint32_t type = be32toh(reply.type);
            size_t length = be32toh(reply.length);
            if (be64toh(reply.magic) != OPTION_REPLY_MAGIC
                || (type != REP_ACK && type != REP_INFO)
                || length > sizeof buffer - at - sizeof reply)
                fail("the server does not let us into transmission");
            if (have - at >= sizeof reply + length) {
                if (type == REP_ACK)
                    return;
                at += sizeof reply + length;
                continue;
            }
        }
        struct iovec vector = {buffer + have, sizeof buffer - have};
        have += receive(sock, &vector, 1);
    }
}

static int open_connection(const struct workload *workload)
{
    int sock = workload->socket_path != NULL
                   ? connect_unix(workload->socket_path)
                   : connect_tcp(workload->host, workload->port);

    answer_greeting(sock);
    go(sock);
    return sock;
}

// Says goodbye, and like a shutdown of the library waits until the server has
// heard it.
static void close_connection(int sock)
{
    const struct request disconnect = {
        .magic = htobe32(REQUEST_MAGIC),
        .type = htobe16(CMD_DISC),
    };
    char byte;

    send_buffer(sock, &disconnect, sizeof disconnect);
    system_calls += 2;
    if (read(sock, &byte, 1) != 0)
        fail("the server did not close the connection");
    close(sock);
}

// Transmission

struct slot {
    struct request request;
    char *buffer;
    uint64_t offset;
};

// While `payload` is set, the next bytes to arrive are the rest of it.  They go
// straight to where they belong, and what follows goes to `ahead`.
struct connection {
    const struct workload *workload;
    int sock;
    struct slot *slots;
    struct slot **idle;
    unsigned n_idle;
    struct iovec *unsent;
    size_t n_unsent;
    char *ahead;
    size_t ahead_size, ahead_start, ahead_end;
    char *payload;
    size_t payload_left;
    struct slot *finished_by_payload;
    enum generation phase;
};

static void set_up(struct connection *connection,
                   const struct workload *workload)
{
    unsigned depth = workload->depth;
    char *buffers = allocate(depth * workload->block);
    // Copying a small payload costs less than another system call; a large one
    // is better received in place.
    size_t ahead_size = workload->block <= 16384 ? 65536 : 4096;

    *connection = (struct connection){
        .workload = workload,
        .sock = open_connection(workload),
        .slots = allocate(depth * sizeof(struct slot)),
        .idle = allocate(depth * sizeof(struct slot *)),
        .n_idle = depth,
        .unsent = allocate(2 * depth * sizeof(struct iovec)),
        .ahead = allocate(ahead_size),
        .ahead_size = ahead_size,
    };
    for (unsigned i = 0; i < depth; i++) {
        struct slot *slot = &connection->slots[i];
        slot->buffer = buffers + i * workload->block;
        slot->request = (struct request){
            .magic = htobe32(REQUEST_MAGIC),
            .type = htobe16(workload->writes ? CMD_WRITE : CMD_READ),
            .cookie = i, // ours alone to understand: no byte order needed
            .count = htobe32(workload->block),
        };
        connection->idle[i] = slot;
    }
}

static void tear_down(struct connection *connection)
{
    close_connection(connection->sock);
    free(connection->slots[0].buffer);
    free(connection->slots);
    free(connection->idle);
    free(connection->unsent);
    free(connection->ahead);
}

static void flush(struct connection *connection)
{
    send_all(connection->sock, connection->unsent, connection->n_unsent);
    connection->n_unsent = 0;
}

static void issue(struct connection *connection, uint64_t offset)
{
    const struct workload *workload = connection->workload;
    struct slot *slot = connection->idle[--connection->n_idle];

    slot->offset = offset;
    slot->request.offset = htobe64(offset);
    connection->unsent[connection->n_unsent++] =
        (struct iovec){&slot->request, sizeof slot->request};
    if (workload->writes) {
        stamp_block(slot->buffer, workload->block, offset, connection->phase);
        connection->unsent[connection->n_unsent++] =
            (struct iovec){slot->buffer, workload->block};
    }
    if (!workload->batch)
        flush(connection);
}

static void finish(struct connection *connection, struct slot *slot)
{
    const struct workload *workload = connection->workload;

    if (workload->checked && !workload->writes) {
        if (connection->phase == TIMED)
            check_stamps(slot->buffer, workload->block, slot->offset, WARM_UP);
        else
            check_block(slot->buffer, workload->block, slot->offset, WARM_UP);
    }
    connection->idle[connection->n_idle++] = slot;
}

static struct slot *slot_of(struct connection *connection, uint64_t cookie)
{
    if (cookie >= connection->workload->depth)
        fail("reply to a request that was never made");
    return &connection->slots[cookie];
}

static void take_payload(struct connection *connection, size_t size)
{
    connection->payload += size;
    connection->payload_left -= size;
    if (connection->payload_left > 0)
        return;
    connection->payload = NULL;
    if (connection->finished_by_payload != NULL)
        finish(connection, connection->finished_by_payload);
}

static void start_payload(struct connection *connection,
                          const struct chunk *chunk)
{
    const struct workload *workload = connection->workload;
    struct slot *slot = slot_of(connection, chunk->cookie);
    uint64_t offset = be64toh(chunk->offset);
    size_t size = be32toh(chunk->length) - sizeof chunk->offset;

    if (offset < slot->offset || size > workload->block
        || offset - slot->offset > workload->block - size)
        fail("data outside of what was asked for");
    connection->payload = slot->buffer + (offset - slot->offset);
    connection->payload_left = size;
    connection->finished_by_payload =
        be16toh(chunk->flags) & CHUNK_FLAG_DONE ? slot : NULL;
}

// Handles the reply header at the start of `ahead`, if it is there as a whole.
static bool parse_header(struct connection *connection)
{
    size_t have = connection->ahead_end - connection->ahead_start;
    const char *at = connection->ahead + connection->ahead_start;
    struct simple_reply simple;
    struct chunk chunk;

    if (have < sizeof simple)
        return false;
    memcpy(&simple, at, sizeof simple);
    if (be32toh(simple.magic) == SIMPLE_REPLY_MAGIC) {
        if (simple.error != 0)
            fail("command failed with error %" PRIu32, be32toh(simple.error));
        if (!connection->workload->writes)
            fail("a simple reply to a read, though structured ones are agreed");
        finish(connection, slot_of(connection, simple.cookie));
        connection->ahead_start += sizeof simple;
        return true;
    }

    if (have < BARE_CHUNK_SIZE)
        return false;
    memcpy(&chunk, at, BARE_CHUNK_SIZE);
    if (be32toh(chunk.magic) != STRUCTURED_REPLY_MAGIC)
        fail("neither a simple reply nor a structured reply chunk");
    switch (be16toh(chunk.type)) {
    case CHUNK_NONE:
        if (chunk.length != 0
            || (be16toh(chunk.flags) & CHUNK_FLAG_DONE) == 0)
            fail("invalid chunk without content");
        finish(connection, slot_of(connection, chunk.cookie));
        connection->ahead_start += BARE_CHUNK_SIZE;
        return true;
    case CHUNK_OFFSET_DATA:
        if (have < sizeof chunk)
            return false;
        memcpy(&chunk, at, sizeof chunk);
        if (be32toh(chunk.length) <= sizeof chunk.offset)
            fail("data chunk without data");
        start_payload(connection, &chunk);
        connection->ahead_start += sizeof chunk;
        return true;
    default:
        fail("unexpected chunk type %u", be16toh(chunk.type));
    }
}

static void parse_ahead(struct connection *connection)
{
    for (;;) {
        size_t have = connection->ahead_end - connection->ahead_start;
        if (connection->payload != NULL) {
            if (have == 0)
                return;
            size_t size = connection->payload_left < have
                              ? connection->payload_left
                              : have;
            memcpy(connection->payload,
                   connection->ahead + connection->ahead_start, size);
            connection->ahead_start += size;
            take_payload(connection, size);
        } else if (!parse_header(connection)) {
            return;
        }
    }
}

// One receive, and all that follows from it.
static void progress(struct connection *connection)
{
    struct iovec vectors[2];
    int n_vectors = 0;
    size_t payload_wanted = 0;
    size_t kept = connection->ahead_end - connection->ahead_start;

    memmove(connection->ahead, connection->ahead + connection->ahead_start,
            kept);
    connection->ahead_start = 0;
    connection->ahead_end = kept;
    if (connection->payload != NULL) {
        payload_wanted = connection->payload_left;
        vectors[n_vectors++] =
            (struct iovec){connection->payload, payload_wanted};
    }
    vectors[n_vectors++] = (struct iovec){connection->ahead + kept,
                                          connection->ahead_size - kept};

    size_t received = receive(connection->sock, vectors, n_vectors);
    if (payload_wanted > 0) {
        size_t size = received < payload_wanted ? received : payload_wanted;
        take_payload(connection, size);
        received -= size;
    }
    connection->ahead_end += received;
    parse_ahead(connection);
}

static void run(struct connection *connection, uint64_t operations)
{
    unsigned depth = connection->workload->depth;
    struct offsets offsets = offsets_of(connection->workload);
    uint64_t issued = 0;

    while (issued < operations || connection->n_idle < depth) {
        while (issued < operations && connection->n_idle > 0) {
            issue(connection, next_offset(&offsets));
            issued++;
        }
        flush(connection);
        progress(connection);
    }
}

// One request at a time, for preparing the region and for reading it back.

static void send_single(int sock, uint16_t type, uint64_t offset, void *buffer,
                        size_t size)
{
    struct request request = {
        .magic = htobe32(REQUEST_MAGIC),
        .type = htobe16(type),
        .offset = htobe64(offset),
        .count = htobe32(size),
    };
    struct iovec vectors[] = {{&request, sizeof request}, {buffer, size}};

    send_all(sock, vectors, type == CMD_WRITE ? 2 : 1);
}

static void write_single(int sock, void *buffer, size_t size, uint64_t offset)
{
    struct simple_reply reply;
    uint32_t length;

    send_single(sock, CMD_WRITE, offset, buffer, size);
    receive_exactly(sock, &reply, sizeof reply);
    if (be32toh(reply.magic) == SIMPLE_REPLY_MAGIC && reply.error == 0)
        return;

    struct chunk chunk;
    memcpy(&chunk, &reply, sizeof reply);
    receive_exactly(sock, &length, sizeof length);
    if (be32toh(chunk.magic) != STRUCTURED_REPLY_MAGIC
        || be16toh(chunk.type) != CHUNK_NONE || length != 0)
        fail("cannot write at offset %" PRIu64, offset);
}

static void read_single(int sock, void *buffer, size_t size, uint64_t offset)
{
    struct chunk chunk;

    send_single(sock, CMD_READ, offset, buffer, size);
    receive_exactly(sock, &chunk, sizeof chunk);
    if (be32toh(chunk.magic) != STRUCTURED_REPLY_MAGIC
        || be16toh(chunk.type) != CHUNK_OFFSET_DATA
        || be16toh(chunk.flags) != CHUNK_FLAG_DONE
        || be32toh(chunk.length) != sizeof chunk.offset + size)
        fail("cannot read at offset %" PRIu64, offset);
    receive_exactly(sock, buffer, size);
}

static void fill_region(const struct workload *workload, int sock)
{
    void *buffer = allocate(CHUNK);

    for (uint64_t at = 0; at < workload->region; at += CHUNK) {
        uint64_t size = chunk_at(workload, at);
        fill_block(buffer, size, at, WARM_UP);
        write_single(sock, buffer, size, at);
    }
    free(buffer);
}

static void check_writes(const struct workload *workload, int sock)
{
    bool *written = blocks_written(workload);
    void *buffer = allocate(CHUNK);

    for (uint64_t at = 0; at < workload->region; at += CHUNK) {
        uint64_t size = chunk_at(workload, at);
        read_single(sock, buffer, size, at);
        check_written(workload, written, buffer, size, at);
    }
    free(buffer);
    free(written);
}

// The whole

static struct measurement measure_transfers(const struct workload *workload)
{
    struct connection connection;

    set_up(&connection, workload);
    if (workload->checked) {
        fill_region(workload, connection.sock);
        connection.phase = WARM_UP;
        run(&connection, 4 * (uint64_t)workload->depth);
    }

    connection.phase = TIMED;
    system_calls = 0;
    struct stopwatch stopwatch = start_stopwatch();
    run(&connection, workload->operations);
    struct measurement measurement = stop_stopwatch(&stopwatch);
    measurement.system_calls = system_calls;

    if (workload->writes)
        check_writes(workload, connection.sock);
    tear_down(&connection);
    return measurement;
}

static struct measurement measure_connects(const struct workload *workload)
{
    close_connection(open_connection(workload));

    system_calls = 0;
    struct stopwatch stopwatch = start_stopwatch();
    for (uint64_t i = 0; i < workload->operations; i++)
        close_connection(open_connection(workload));
    struct measurement measurement = stop_stopwatch(&stopwatch);
    measurement.system_calls = system_calls;
    return measurement;
}

static struct measurement measure_idle(const struct workload *workload)
{
    uint64_t n_connections = workload->operations;
    int *socks = allocate((n_connections + 1) * sizeof *socks);

    raise_descriptor_limit();
    struct stopwatch stopwatch = start_stopwatch();
    for (uint64_t i = 0; i < n_connections; i++)
        socks[i] = open_connection(workload);
    struct measurement measurement = stop_stopwatch(&stopwatch);
    measurement.resident = resident_bytes();

    for (uint64_t i = 0; i < n_connections; i++)
        close_connection(socks[i]);
    free(socks);
    return measurement;
}

static struct measurement measure(const struct workload *workload)
{
    switch (workload->kind) {
    case CONNECT:
        return measure_connects(workload);
    case IDLE:
        return measure_idle(workload);
    default:
        return measure_transfers(workload);
    }
}

int main(int argc, char **argv)
{
    struct workload workload = parse_workload(argc, argv);
    struct measurement measurement = measure(&workload);

    report(&workload, &measurement, "-", "-");
    return EXIT_SUCCESS;
}
