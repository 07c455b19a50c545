// What the two benchmark clients share: the command line, the sequence of
// offsets, the data that proves reads and writes real, the clock and the line
// of results.  Nothing here talks to a server.

#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

enum kind {
    RANDREAD,
    RANDWRITE,
    SYNCREAD,
    SEQREAD,
    SEQWRITE,
    DRAIN,
    CONNECT,
    IDLE,
};

struct workload {
    enum kind kind;
    const char *name;
    bool transfers; // moves data, as opposed to only connecting
    bool checked;   // data is prepared and looked at, not only moved
    bool writes;
    bool random;
    unsigned depth;
    size_t block;
    uint64_t region; // the part of the export that is touched, from offset 0
    uint64_t operations;
    const char *socket_path; // either this
    char *host, *port;       // or these
    const char *psk_file;     // TLS with one of these, libnbd only
    const char *certificates;
    bool batch;              // gather requests into one send
};

struct workload parse_workload(int argc, char **argv);

_Noreturn void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

// Page-aligned memory, as a program that cares for speed would use.
void *allocate(size_t size);

// The offsets of a run: the same sequence each time, for every client.
struct offsets {
    const struct workload *workload;
    uint64_t state;
};

struct offsets offsets_of(const struct workload *workload);
uint64_t next_offset(struct offsets *offsets);

// Every 4 KiB sector of the region holds data that depends on its offset and on
// who wrote it, so stale, misplaced and missing data all show.
enum generation { WARM_UP = 1, TIMED = 2 };

// All bytes, for the warm-up.
void fill_block(void *block, size_t size, uint64_t offset, enum generation);
void check_block(const void *block, size_t size, uint64_t offset,
                 enum generation);

// The first and last word of each sector only: cheap enough to do while timed.
void stamp_block(void *block, size_t size, uint64_t offset, enum generation);
void check_stamps(const void *block, size_t size, uint64_t offset,
                  enum generation);

// Which blocks of the region the timed part of a workload writes, and a check
// that this part of the region, read back, shows just that.
bool *blocks_written(const struct workload *workload);
void check_written(const struct workload *workload, const bool *written,
                   const void *data, size_t size, uint64_t offset);

// Preparing the region and reading it back go in steps of this size.
#define CHUNK ((uint64_t)256 * 1024)
uint64_t chunk_at(const struct workload *workload, uint64_t offset);

struct stopwatch {
    struct timespec wall;
    struct rusage usage;
};

struct measurement {
    double wall, user, system; // seconds
    uint64_t system_calls;     // only where the client itself counts them
    uint64_t resident;         // bytes, only where that is what is measured
};

struct stopwatch start_stopwatch(void);
struct measurement stop_stopwatch(const struct stopwatch *started);

// The memory of this process that is in RAM.
uint64_t resident_bytes(void);

// As many open files as the system lets this process have.
void raise_descriptor_limit(void);

// Prints the result as one line of key=value pairs.
void report(const struct workload *workload, const struct measurement *taken,
            const char *version, const char *library);

#endif
