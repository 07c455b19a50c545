// Runs one workload against one server through the public API of libnbd, and
// prints what it cost.  The same binary runs with any libnbd.so.0 that
// LD_LIBRARY_PATH selects, so that two libraries can be compared.

#define _GNU_SOURCE // dladdr

#include "workload.h"

#include <dlfcn.h>
#include <libnbd.h>
#include <stdlib.h>

// The file that the dynamic loader really took the library from.
static const char *library_path(void)
{
    Dl_info info;

    if (dladdr(dlsym(RTLD_DEFAULT, "nbd_create"), &info) == 0)
        fail("cannot tell which library is loaded");
    return info.dli_fname;
}

static struct nbd_handle *create(void)
{
    struct nbd_handle *nbd = nbd_create();

    if (nbd == NULL)
        fail("%s", nbd_get_error());
    return nbd;
}

static void use_tls(const struct workload *workload, struct nbd_handle *nbd)
{
    if (workload->psk_file == NULL && workload->certificates == NULL)
        return;
    int set = nbd_set_tls(nbd, LIBNBD_TLS_REQUIRE);

    if (workload->psk_file != NULL)
        set |= nbd_set_tls_psk_file(nbd, workload->psk_file)
               | nbd_set_tls_username(nbd, "alice");
    else
        set |= nbd_set_tls_certificates(nbd, workload->certificates);
    if (set == -1)
        fail("%s", nbd_get_error());
}

// The C library does not have this function, so it is looked up while the
// program runs; libnbdx(3) explains how.  Its type stands here because libnbdx.h
// is missing where only the C library is installed.
static void use_batches(const struct workload *workload, struct nbd_handle *nbd)
{
    if (!workload->batch)
        return;
    int (*set_batch)(struct nbd_handle *, bool) =
        dlsym(RTLD_DEFAULT, "nbdx_set_batch");

    if (set_batch == NULL)
        fail("--batch: the library %s does not have nbdx_set_batch",
             library_path());
    if (set_batch(nbd, true) == -1)
        fail("%s", nbd_get_error());
}

static struct nbd_handle *create_and_connect(const struct workload *workload)
{
    struct nbd_handle *nbd = create();
    use_tls(workload, nbd);
    use_batches(workload, nbd);
    int connected =
        workload->socket_path != NULL
            ? nbd_connect_unix(nbd, workload->socket_path)
            : nbd_connect_tcp(nbd, workload->host, workload->port);

    if (connected == -1)
        fail("%s", nbd_get_error());
    int64_t size = nbd_get_size(nbd);
    if (size < 0 || (uint64_t)size < workload->region)
        fail("the export is smaller than the region under test");
    return nbd;
}

static void shutdown_and_close(struct nbd_handle *nbd)
{
    if (nbd_shutdown(nbd, 0) == -1)
        fail("%s", nbd_get_error());
    nbd_close(nbd);
}

// The asynchronous loop: as many commands in flight as there are slots.

struct engine;

struct slot {
    struct engine *engine;
    void *buffer;
    uint64_t offset;
};

struct engine {
    const struct workload *workload;
    struct nbd_handle *nbd;
    struct slot *slots;
    struct slot **idle;
    unsigned n_idle;
    enum generation phase;
};

static void set_up(struct engine *engine, const struct workload *workload,
                   struct nbd_handle *nbd)
{
    unsigned depth = workload->depth;
    char *buffers = allocate(depth * workload->block);

    *engine = (struct engine){
        .workload = workload,
        .nbd = nbd,
        .slots = allocate(depth * sizeof(struct slot)),
        .idle = allocate(depth * sizeof(struct slot *)),
        .n_idle = depth,
    };
    for (unsigned i = 0; i < depth; i++) {
        engine->slots[i] = (struct slot){
            .engine = engine,
            .buffer = buffers + i * workload->block,
        };
        engine->idle[i] = &engine->slots[i];
    }
}

static void tear_down(struct engine *engine)
{
    free(engine->slots[0].buffer);
    free(engine->slots);
    free(engine->idle);
}

// Reads find what the warm-up wrote.
static void check_read(const struct engine *engine, const void *buffer,
                       uint64_t offset)
{
    size_t size = engine->workload->block;

    if (engine->phase == TIMED)
        check_stamps(buffer, size, offset, WARM_UP);
    else
        check_block(buffer, size, offset, WARM_UP);
}

static int completed(void *user_data, int *error)
{
    struct slot *slot = user_data;
    struct engine *engine = slot->engine;

    if (*error != 0)
        fail("command failed with errno %d", *error);
    if (engine->workload->checked && !engine->workload->writes)
        check_read(engine, slot->buffer, slot->offset);
    engine->idle[engine->n_idle++] = slot;
    return 1;
}

static void issue(struct engine *engine, uint64_t offset)
{
    const struct workload *workload = engine->workload;
    struct slot *slot = engine->idle[--engine->n_idle];
    nbd_completion_callback callback = {
        .callback = completed,
        .user_data = slot,
    };
    int64_t cookie;

    slot->offset = offset;
    if (workload->writes) {
        stamp_block(slot->buffer, workload->block, offset, engine->phase);
        cookie = nbd_aio_pwrite(engine->nbd, slot->buffer, workload->block,
                                offset, callback, 0);
    } else {
        cookie = nbd_aio_pread(engine->nbd, slot->buffer, workload->block,
                               offset, callback, 0);
    }
    if (cookie == -1)
        fail("%s", nbd_get_error());
}

static void run_asynchronous(struct engine *engine, uint64_t operations)
{
    unsigned depth = engine->workload->depth;
    struct offsets offsets = offsets_of(engine->workload);
    uint64_t issued = 0;

    while (issued < operations || engine->n_idle < depth) {
        while (issued < operations && engine->n_idle > 0) {
            issue(engine, next_offset(&offsets));
            issued++;
        }
        // A library may complete a command while it is issued.
        if (engine->n_idle < depth && nbd_poll(engine->nbd, -1) == -1)
            fail("%s", nbd_get_error());
    }
    if (nbd_aio_in_flight(engine->nbd) != 0)
        fail("commands are still in flight after all have completed");
}

static void run_synchronous(struct engine *engine, uint64_t operations)
{
    const struct workload *workload = engine->workload;
    void *buffer = engine->slots[0].buffer;
    struct offsets offsets = offsets_of(workload);

    for (uint64_t i = 0; i < operations; i++) {
        uint64_t offset = next_offset(&offsets);
        if (nbd_pread(engine->nbd, buffer, workload->block, offset, 0) == -1)
            fail("%s", nbd_get_error());
        check_read(engine, buffer, offset);
    }
}

static void fill_region(const struct workload *workload, struct nbd_handle *nbd)
{
    void *buffer = allocate(CHUNK);

    for (uint64_t at = 0; at < workload->region; at += CHUNK) {
        uint64_t size = chunk_at(workload, at);
        fill_block(buffer, size, at, WARM_UP);
        if (nbd_pwrite(nbd, buffer, size, at, 0) == -1)
            fail("%s", nbd_get_error());
    }
    free(buffer);
}

// Reads back what a write workload has left in the region.
static void check_writes(const struct workload *workload,
                         struct nbd_handle *nbd)
{
    bool *written = blocks_written(workload);
    char *buffer = allocate(CHUNK);

    for (uint64_t at = 0; at < workload->region; at += CHUNK) {
        uint64_t size = chunk_at(workload, at);
        if (nbd_pread(nbd, buffer, size, at, 0) == -1)
            fail("%s", nbd_get_error());
        check_written(workload, written, buffer, size, at);
    }
    free(buffer);
    free(written);
}

static struct measurement measure_transfers(const struct workload *workload)
{
    struct nbd_handle *nbd = create_and_connect(workload);
    struct engine engine;
    void (*run)(struct engine *engine, uint64_t operations) =
        workload->kind == SYNCREAD ? run_synchronous : run_asynchronous;

    set_up(&engine, workload, nbd);
    if (workload->checked) {
        fill_region(workload, nbd);
        // Both sides reach their steady state, and every byte is looked at.
        engine.phase = WARM_UP;
        run(&engine, 4 * (uint64_t)workload->depth);
    }

    engine.phase = TIMED;
    struct stopwatch stopwatch = start_stopwatch();
    run(&engine, workload->operations);
    struct measurement measurement = stop_stopwatch(&stopwatch);

    if (workload->writes)
        check_writes(workload, nbd);
    tear_down(&engine);
    shutdown_and_close(nbd);
    return measurement;
}

static struct measurement measure_connects(const struct workload *workload)
{
    shutdown_and_close(create_and_connect(workload));

    struct stopwatch stopwatch = start_stopwatch();
    for (uint64_t i = 0; i < workload->operations; i++)
        shutdown_and_close(create_and_connect(workload));
    return stop_stopwatch(&stopwatch);
}

static struct measurement measure_idle(const struct workload *workload)
{
    uint64_t n_handles = workload->operations;
    struct nbd_handle **handles = allocate((n_handles + 1) * sizeof *handles);

    raise_descriptor_limit();
    struct stopwatch stopwatch = start_stopwatch();
    for (uint64_t i = 0; i < n_handles; i++)
        handles[i] = create_and_connect(workload);
    struct measurement measurement = stop_stopwatch(&stopwatch);
    measurement.resident = resident_bytes();

    for (uint64_t i = 0; i < n_handles; i++)
        shutdown_and_close(handles[i]);
    free(handles);
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
    struct nbd_handle *nbd = create();
    report(&workload, &measurement, nbd_get_version(nbd), library_path());
    nbd_close(nbd);
    return EXIT_SUCCESS;
}
