#include "workload.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 4096
#define WORDS_PER_SECTOR (SECTOR / sizeof(uint64_t))

#define ODD_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

static const struct workload presets[] = {
    {.kind = RANDREAD, .name = "randread", .transfers = true, .checked = true,
     .random = true, .depth = 64, .block = 4096},
    {.kind = RANDWRITE, .name = "randwrite", .transfers = true, .checked = true,
     .random = true, .writes = true, .depth = 64, .block = 4096},
    {.kind = SYNCREAD, .name = "syncread", .transfers = true, .checked = true,
     .random = true, .depth = 1, .block = 4096},
    {.kind = SEQREAD, .name = "seqread", .transfers = true, .checked = true,
     .depth = 16, .block = 256 * 1024},
    {.kind = SEQWRITE, .name = "seqwrite", .transfers = true, .checked = true,
     .writes = true, .depth = 16, .block = 256 * 1024},
    {.kind = DRAIN, .name = "drain", .transfers = true, .depth = 64,
     .block = 256 * 1024},
    {.kind = CONNECT, .name = "connect", .depth = 1},
    {.kind = IDLE, .name = "idle", .depth = 1},
};

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void *allocate(size_t size)
{
    void *memory;

    if (posix_memalign(&memory, SECTOR, size) != 0)
        fail("out of memory");
    memset(memory, 0, size);
    return memory;
}

_Noreturn static void usage(const char *program)
{
    fail("usage: %s (--unix PATH | --tcp HOST:PORT) --operations N\n"
         "       [--depth N] [--block BYTES] [--region BYTES] [--batch]\n"
         "       [--psk FILE | --certificates DIRECTORY]\n"
         "       randread|randwrite|syncread|seqread|seqwrite|drain|connect|idle",
         program);
}

static uint64_t parse_number(const char *text, uint64_t least)
{
    char *end;

    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < least)
        fail("not a suitable number: %s", text);
    return number;
}

static void parse_tcp(struct workload *workload, const char *text)
{
    workload->host = strdup(text);
    if (workload->host == NULL)
        fail("out of memory");
    char *colon = strrchr(workload->host, ':');
    if (colon == NULL)
        fail("--tcp needs HOST:PORT, not %s", text);
    *colon = '\0';
    workload->port = colon + 1;
}

static struct workload preset(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0)
            return presets[i];
    fail("no such workload: %s", name);
}

struct workload parse_workload(int argc, char **argv)
{
    enum { UNIX, TCP, PSK, CERTIFICATES, DEPTH, BLOCK, REGION, OPERATIONS, BATCH };
    static const struct option options[] = {
        {"unix", required_argument, NULL, UNIX},
        {"tcp", required_argument, NULL, TCP},
        {"psk", required_argument, NULL, PSK},
        {"certificates", required_argument, NULL, CERTIFICATES},
        {"depth", required_argument, NULL, DEPTH},
        {"block", required_argument, NULL, BLOCK},
        {"region", required_argument, NULL, REGION},
        {"operations", required_argument, NULL, OPERATIONS},
        {"batch", no_argument, NULL, BATCH},
        {0},
    };
    struct workload given = {.region = 16 << 20};
    bool counted = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case UNIX:
            given.socket_path = optarg;
            break;
        case TCP:
            parse_tcp(&given, optarg);
            break;
        case PSK:
            given.psk_file = optarg;
            break;
        case CERTIFICATES:
            given.certificates = optarg;
            break;
        case DEPTH:
            given.depth = parse_number(optarg, 1);
            break;
        case BLOCK:
            given.block = parse_number(optarg, SECTOR);
            break;
        case REGION:
            given.region = parse_number(optarg, SECTOR);
            break;
        case OPERATIONS:
            given.operations = parse_number(optarg, 0);
            counted = true;
            break;
        case BATCH:
            given.batch = true;
            break;
        default:
            usage(argv[0]);
        }
    }
    if (optind != argc - 1 || !counted
        || (given.socket_path != NULL) == (given.host != NULL))
        usage(argv[0]);

    struct workload workload = preset(argv[optind]);
    workload.operations = given.operations;
    workload.region = given.region;
    workload.socket_path = given.socket_path;
    workload.host = given.host;
    workload.port = given.port;
    workload.psk_file = given.psk_file;
    workload.certificates = given.certificates;
    workload.batch = given.batch;
    if (given.depth != 0)
        workload.depth = given.depth;
    if (given.block != 0)
        workload.block = given.block;
    if (workload.transfers
        && (workload.block % SECTOR != 0
            || workload.region % workload.block != 0))
        fail("the region must be whole blocks, the block whole 4 KiB sectors");
    return workload;
}

struct offsets offsets_of(const struct workload *workload)
{
    return (struct offsets){
        .workload = workload,
        .state = workload->random ? UINT64_C(20240229) : 0,
    };
}

uint64_t next_offset(struct offsets *offsets)
{
    const struct workload *workload = offsets->workload;
    uint64_t blocks = workload->region / workload->block;

    if (!workload->random)
        return offsets->state++ % blocks * workload->block;

    // An xorshift generator; its high bits, multiplied, are the better ones.
    offsets->state ^= offsets->state << 13;
    offsets->state ^= offsets->state >> 7;
    offsets->state ^= offsets->state << 17;
    uint64_t random = (offsets->state * ODD_MULTIPLIER) >> 32;
    return random % blocks * workload->block;
}

// Word number `word` of the sector at `offset`.
static uint64_t content(uint64_t offset, enum generation generation,
                        size_t word)
{
    uint64_t sector = offset / SECTOR;

    return (sector << 8 | (uint64_t)generation) * ODD_MULTIPLIER + word;
}

void fill_block(void *block, size_t size, uint64_t offset,
                enum generation generation)
{
    uint64_t *words = block;

    for (size_t i = 0; i < size / sizeof *words; i++)
        words[i] = content(offset + i / WORDS_PER_SECTOR * SECTOR, generation,
                           i % WORDS_PER_SECTOR);
}

_Noreturn static void wrong_data(uint64_t offset)
{
    fail("wrong data in the sector at offset %" PRIu64, offset);
}

void check_block(const void *block, size_t size, uint64_t offset,
                 enum generation generation)
{
    const uint64_t *words = block;

    for (size_t i = 0; i < size / sizeof *words; i++) {
        uint64_t sector = offset + i / WORDS_PER_SECTOR * SECTOR;
        if (words[i] != content(sector, generation, i % WORDS_PER_SECTOR))
            wrong_data(sector);
    }
}

void stamp_block(void *block, size_t size, uint64_t offset,
                 enum generation generation)
{
    for (size_t at = 0; at < size; at += SECTOR) {
        uint64_t *words = (uint64_t *)((char *)block + at);
        words[0] = content(offset + at, generation, 0);
        words[WORDS_PER_SECTOR - 1] =
            content(offset + at, generation, WORDS_PER_SECTOR - 1);
    }
}

void check_stamps(const void *block, size_t size, uint64_t offset,
                  enum generation generation)
{
    for (size_t at = 0; at < size; at += SECTOR) {
        const uint64_t *words =
            (const uint64_t *)((const char *)block + at);
        if (words[0] != content(offset + at, generation, 0)
            || words[WORDS_PER_SECTOR - 1]
                   != content(offset + at, generation, WORDS_PER_SECTOR - 1))
            wrong_data(offset + at);
    }
}

bool *blocks_written(const struct workload *workload)
{
    bool *written = allocate(workload->region / workload->block);
    struct offsets offsets = offsets_of(workload);

    for (uint64_t i = 0; i < workload->operations; i++)
        written[next_offset(&offsets) / workload->block] = true;
    return written;
}

void check_written(const struct workload *workload, const bool *written,
                   const void *data, size_t size, uint64_t offset)
{
    for (size_t at = 0; at < size; at += SECTOR)
        check_stamps((const char *)data + at, SECTOR, offset + at,
                     written[(offset + at) / workload->block] ? TIMED
                                                              : WARM_UP);
}

uint64_t chunk_at(const struct workload *workload, uint64_t offset)
{
    uint64_t left = workload->region - offset;

    return left < CHUNK ? left : CHUNK;
}

struct stopwatch start_stopwatch(void)
{
    struct stopwatch now;

    clock_gettime(CLOCK_MONOTONIC, &now.wall);
    getrusage(RUSAGE_SELF, &now.usage);
    return now;
}

static double between(const struct timeval *from, const struct timeval *to)
{
    return (double)(to->tv_sec - from->tv_sec)
           + (double)(to->tv_usec - from->tv_usec) / 1e6;
}

struct measurement stop_stopwatch(const struct stopwatch *started)
{
    struct stopwatch now = start_stopwatch();

    return (struct measurement){
        .wall = (double)(now.wall.tv_sec - started->wall.tv_sec)
                + (double)(now.wall.tv_nsec - started->wall.tv_nsec) / 1e9,
        .user = between(&started->usage.ru_utime, &now.usage.ru_utime),
        .system = between(&started->usage.ru_stime, &now.usage.ru_stime),
    };
}

uint64_t resident_bytes(void)
{
    // Unlike the counters of statm, this is exact.
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    uint64_t kib = 0;

    if (file == NULL)
        fail("/proc/self/smaps_rollup: %s", strerror(errno));
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "Rss: %" SCNu64, &kib);
    fclose(file);
    if (kib == 0)
        fail("the kernel does not say how much memory is resident");
    return kib * 1024;
}

void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        fail("RLIMIT_NOFILE: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        fail("RLIMIT_NOFILE: %s", strerror(errno));
}

void report(const struct workload *workload, const struct measurement *taken,
            const char *version, const char *library)
{
    double operations = (double)workload->operations;
    double rate = operations > 0 ? operations / taken->wall : 0;
    double cpu = taken->user + taken->system;

    printf("workload=%s depth=%u block=%zu operations=%" PRIu64
           " wall=%.6f user=%.6f system=%.6f ops_per_s=%.1f"
           " cpu_us_per_op=%.4f bytes_per_s=%.0f syscalls=%" PRIu64
           " resident=%" PRIu64 " version=%s library=%s\n",
           workload->name, workload->depth, workload->block,
           workload->operations, taken->wall, taken->user, taken->system, rate,
           operations > 0 ? cpu * 1e6 / operations : 0,
           rate * (double)workload->block, taken->system_calls,
           taken->resident, version, library);
    if (fflush(stdout) != 0)
        fail("stdout: %s", strerror(errno));
}
