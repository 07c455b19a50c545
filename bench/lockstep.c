#define _GNU_SOURCE // preadv2, pwritev2

#include "lockstep.h"
#include "wire.h"
#include "workload.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define DISK_SIZE (UINT64_C(1) << 30)

enum phase { CLIENT_FLAGS, OPTION, REQUEST, LEFT };

struct server {
    int sock;
    enum phase phase;
    char in[1 << 20];
    size_t n_in;
    uint64_t to_skip; // bytes of a payload that have not arrived
    bool in_write;    // the payload is that of a write...
    uint64_t write_cookie; // ...with this cookie
    char *out;
    size_t out_start, out_end, out_size;
};

// Sending

static void put(struct server *server, const void *data, size_t size)
{
    if (server->out_size - server->out_end < size) {
        server->out_size = 2 * (server->out_end + size);
        server->out = realloc(server->out, server->out_size);
        if (server->out == NULL)
            fail("out of memory");
    }
    if (data != NULL)
        memcpy(server->out + server->out_end, data, size);
    else
        memset(server->out + server->out_end, 0, size);
    server->out_end += size;
}

static void send_out(struct server *server)
{
    while (server->out_start < server->out_end) {
        struct iovec vector = {server->out + server->out_start,
                               server->out_end - server->out_start};
        ssize_t sent = pwritev2(server->sock, &vector, 1, -1, 0);
        if (sent == -1 && errno == EAGAIN)
            return;
        if (sent == -1)
            fail("pwritev2: %s", strerror(errno));
        server->out_start += (size_t)sent;
    }
    server->out_start = server->out_end = 0;
}

bool server_is_blocked(const struct server *server)
{
    return server->out_start < server->out_end;
}

// The handshake

static void put_option_reply(struct server *server, uint32_t option,
                             uint32_t type, const void *data, uint32_t size)
{
    const struct option_reply reply = {
        .magic = htobe64(OPTION_REPLY_MAGIC),
        .option = htobe32(option),
        .type = htobe32(type),
        .length = htobe32(size),
    };

    put(server, &reply, sizeof reply);
    put(server, data, size);
}

static void answer_option(struct server *server, uint32_t option)
{
    const struct __attribute__((packed)) {
        uint16_t type;
        uint64_t size;
        uint16_t flags;
    } export = {
        .type = htobe16(INFO_EXPORT),
        .size = htobe64(DISK_SIZE),
        .flags = htobe16(FLAG_HAS_FLAGS),
    };

    switch (option) {
    case OPT_GO:
        put_option_reply(server, option, REP_INFO, &export, sizeof export);
        put_option_reply(server, option, REP_ACK, NULL, 0);
        server->phase = REQUEST;
        break;
    case OPT_STRUCTURED_REPLY:
        put_option_reply(server, option, REP_ACK, NULL, 0);
        break;
    case OPT_ABORT:
        server->phase = LEFT;
        break;
    default:
        put_option_reply(server, option, REP_ERR_UNSUP, NULL, 0);
    }
}

// Transmission

static void put_chunk(struct server *server, uint16_t type, uint64_t cookie,
                      uint32_t size)
{
    const struct chunk chunk = {
        .magic = htobe32(STRUCTURED_REPLY_MAGIC),
        .flags = htobe16(CHUNK_FLAG_DONE),
        .type = htobe16(type),
        .cookie = cookie,
        .length = htobe32(size),
    };

    put(server, &chunk, offsetof(struct chunk, offset));
}

static void answer_request(struct server *server, const struct request *request)
{
    uint32_t count = be32toh(request->count);

    if (be32toh(request->magic) != REQUEST_MAGIC)
        fail("not a request");
    switch (be16toh(request->type)) {
    case CMD_READ:
        put_chunk(server, CHUNK_OFFSET_DATA, request->cookie,
                  count + (uint32_t)sizeof request->offset);
        put(server, &request->offset, sizeof request->offset);
        put(server, NULL, count);
        break;
    case CMD_WRITE:
        server->to_skip = count;
        server->in_write = true;
        server->write_cookie = request->cookie;
        break;
    case CMD_DISC:
        server->phase = LEFT;
        break;
    default:
        fail("an unexpected command");
    }
}

// Receiving

// Handles what `in` begins with and returns its size, or 0 if some is missing.
static size_t handle(struct server *server, const char *in, size_t size)
{
    struct option option;
    struct request request;

    if (server->to_skip > 0) {
        size_t taken = size < server->to_skip ? size : server->to_skip;
        server->to_skip -= taken;
        if (server->in_write && server->to_skip == 0) {
            server->in_write = false;
            put_chunk(server, CHUNK_NONE, server->write_cookie, 0);
        }
        return taken;
    }
    switch (server->phase) {
    case CLIENT_FLAGS:
        if (size < sizeof(uint32_t))
            return 0;
        server->phase = OPTION;
        return sizeof(uint32_t);
    case OPTION:
        if (size < sizeof option)
            return 0;
        memcpy(&option, in, sizeof option);
        if (be64toh(option.magic) != OPTION_MAGIC)
            fail("not an option");
        // Nothing that follows an option asks for an answer of its own.
        server->to_skip = be32toh(option.length);
        answer_option(server, be32toh(option.option));
        return sizeof option;
    case REQUEST:
        if (size < sizeof request)
            return 0;
        memcpy(&request, in, sizeof request);
        answer_request(server, &request);
        return sizeof request;
    default:
        return 0;
    }
}

static void handle_all(struct server *server)
{
    size_t at = 0, taken;

    do {
        taken = handle(server, server->in + at, server->n_in - at);
        at += taken;
    } while (taken > 0);
    server->n_in -= at;
    memmove(server->in, server->in + at, server->n_in);
}

static void receive_all(struct server *server)
{
    while (server->phase != LEFT) {
        struct iovec vector = {server->in + server->n_in,
                               sizeof server->in - server->n_in};
        ssize_t received = preadv2(server->sock, &vector, 1, -1, 0);
        if (received == -1 && errno == EAGAIN)
            return;
        if (received == -1)
            fail("preadv2: %s", strerror(errno));
        if (received == 0)
            server->phase = LEFT;
        server->n_in += (size_t)received;
        handle_all(server);
    }
}

bool server_step(struct server *server)
{
    receive_all(server);
    if (server->phase == LEFT)
        return false;
    send_out(server);
    return true;
}

struct server *server_new(int sock)
{
    const struct greeting greeting = {
        .magic = htobe64(GREETING_MAGIC),
        .option_magic = htobe64(OPTION_MAGIC),
        .flags = htobe16(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES),
    };
    struct server *server = allocate(sizeof *server);

    if (fcntl(sock, F_SETFL, O_NONBLOCK) == -1)
        fail("O_NONBLOCK: %s", strerror(errno));
    server->sock = sock;
    server->phase = CLIENT_FLAGS;
    put(server, &greeting, sizeof greeting);
    return server;
}

void server_free(struct server *server)
{
    close(server->sock);
    free(server->out);
    free(server);
}
