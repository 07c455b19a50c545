// The little of the NBD protocol that this directory speaks.

#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdint.h>

#define GREETING_MAGIC UINT64_C(0x4e42444d41474943) // "NBDMAGIC"
#define OPTION_MAGIC UINT64_C(0x49484156454f5054)   // "IHAVEOPT"
#define OPTION_REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define REQUEST_MAGIC UINT32_C(0x25609513)
#define SIMPLE_REPLY_MAGIC UINT32_C(0x67446698)
#define STRUCTURED_REPLY_MAGIC UINT32_C(0x668e33ef)

enum { FLAG_FIXED_NEWSTYLE = 1, FLAG_NO_ZEROES = 2 };
enum { OPT_ABORT = 2, OPT_GO = 7, OPT_STRUCTURED_REPLY = 8 };
enum { REP_ACK = 1, REP_INFO = 3 };
#define REP_ERR_UNSUP ((UINT32_C(1) << 31) | 1)
enum { INFO_EXPORT = 0 };
enum { FLAG_HAS_FLAGS = 1 };
enum { CMD_READ = 0, CMD_WRITE = 1, CMD_DISC = 2 };
enum { CHUNK_NONE = 0, CHUNK_OFFSET_DATA = 1 };
enum { CHUNK_FLAG_DONE = 1 };

struct __attribute__((packed)) greeting {
    uint64_t magic, option_magic;
    uint16_t flags;
};

struct __attribute__((packed)) option {
    uint64_t magic;
    uint32_t option, length;
};

struct __attribute__((packed)) option_reply {
    uint64_t magic;
    uint32_t option, type, length;
};

struct __attribute__((packed)) request {
    uint32_t magic;
    uint16_t flags, type;
    uint64_t cookie, offset;
    uint32_t count;
};

struct __attribute__((packed)) simple_reply {
    uint32_t magic, error;
    uint64_t cookie;
};

struct __attribute__((packed)) chunk {
    uint32_t magic;
    uint16_t flags, type;
    uint64_t cookie;
    uint32_t length;
    uint64_t offset; // only in front of data
};

#endif
