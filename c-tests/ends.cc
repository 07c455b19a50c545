// Errors at the end of a thread and of the process: destructors of C++ objects
// and of thread-specific data, and functions that run at exit, call the library
// and ask what went wrong.

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <pthread.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <libnbd.h>

namespace {

// How many reports there were, for the process that has started this one.
struct Shared {
    int good, bad;
};
Shared *shared;

// The error that it causes repeats it.
const std::string long_uri = std::string(3000, 'x') + "://localhost/";

// Fails in a way that is known, with a short message or a long one.
bool fail(nbd_handle *h, bool is_long)
{
    return is_long ? nbd_connect_uri(h, long_uri.c_str()) == -1 : nbd_flush(h, 0) == -1;
}

// Whether the last error of this thread is there.
void expect_error(bool is_long)
{
    const char *message = nbd_get_error();
    const char *name = is_long ? "nbd_connect_uri: " : "nbd_flush: ";
    const int wanted = is_long ? EINVAL : ENOTCONN;
    // Late in a thread's life, a long message may be cut.
    const bool good = message && std::strncmp(message, name, std::strlen(name)) == 0
        && (!is_long || std::strlen(message) > 500) && nbd_get_errno() == wanted;
    ++(good ? shared->good : shared->bad);
}

// Says goodbye to the server in its destructor, and looks why it could not.
struct Connection {
    nbd_handle *h = nbd_create();
    bool is_long;

    explicit Connection(bool is_long) : is_long(is_long) {}
    Connection(const Connection &) = delete;
    ~Connection()
    {
        if (fail(h, is_long))
            expect_error(is_long);
        nbd_close(h);
    }
};

pthread_key_t keys[8];
int rounds[8];

// Comes back in every round that there is, and always fails once more.
void destroy(void *number)
{
    const auto i = *static_cast<int *>(number);
    nbd_handle *h = nbd_create();

    for (bool is_long : { false, true, false }) {
        if (fail(h, is_long))
            expect_error(is_long);
    }
    nbd_close(h);
    if (++rounds[i] < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(keys[i], number);
}

enum class Before { nothing, short_error, long_error };

void fail_before(Before before)
{
    nbd_handle *h = nbd_create();

    if (before != Before::nothing)
        fail(h, before == Before::long_error);
    nbd_close(h);
}

void in_thread(void (*function)(Before), Before before)
{
    std::thread(function, before).join();
}

void with_thread_local(Before before)
{
    thread_local Connection one(false), other(true);

    (void) one.h;
    (void) other.h;
    fail_before(before);
}

// Keys from before the library makes one of its own, and from afterwards.
void with_keys(Before before)
{
    static int numbers[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

    for (int i = 0; i < 4; ++i)
        pthread_key_create(&keys[i], destroy);
    std::thread(fail_before, Before::long_error).join();
    for (int i = 4; i < 8; ++i)
        pthread_key_create(&keys[i], destroy);
    std::thread([before] {
        fail_before(before);
        for (int i = 0; i < 8; ++i)
            pthread_setspecific(keys[i], &numbers[i]);
    }).join();
}

nbd_handle *left;

void at_exit_function()
{
    for (bool is_long : { false, true, false }) {
        if (fail(left, is_long))
            expect_error(is_long);
    }
    nbd_close(left);
}

void at_the_end_of_the_process(Before before)
{
    static Connection one(false), other(true);
    thread_local Connection own(true);

    left = nbd_create();
    std::atexit(at_exit_function);
    (void) own.h;
    fail_before(before);
}

// A thread that has failed leaves nothing behind.
void many_threads(Before before)
{
    size_t early = 0;

    for (int i = 0; i < 400; ++i) {
        std::thread(fail_before, before).join();
        if (i == 99)
            early = mallinfo2().uordblks;
    }
    const size_t late = mallinfo2().uordblks;
    ++(late < early + 100 * long_uri.size() ? shared->good : shared->bad);
}

struct Situation {
    const char *name;
    void (*function)(Before);
    bool thread;
    // How often a message is asked for.
    int reports;
};

const Situation situations[] = {
    { "thread_local", with_thread_local, true, 2 },
    { "thread_specific_data", with_keys, false, 8 * PTHREAD_DESTRUCTOR_ITERATIONS * 3 },
    { "process", at_the_end_of_the_process, false, 6 },
    { "many_threads", many_threads, false, 1 },
};

// Returns from main in a process of its own, so that everything is destroyed.
bool is_child_of(const Situation &situation, Before before, bool &passed)
{
    *shared = {};
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        if (situation.thread)
            in_thread(situation.function, before);
        else
            situation.function(before);
        return true;
    }
    int status = -1;
    waitpid(pid, &status, 0);
    passed = status == 0 && shared->bad == 0 && shared->good == situation.reports;
    return false;
}

} // namespace

int main()
{
    static const char *const names[] = { "no_error", "a_short_error", "a_long_error" };
    int failed = 0;

    void *memory = mmap(nullptr, sizeof *shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = new (memory) Shared;
    for (const Situation &situation : situations) {
        for (Before before : { Before::nothing, Before::short_error, Before::long_error }) {
            bool passed = false;
            std::fflush(stdout);
            if (is_child_of(situation, before, passed))
                return 0;
            if (!passed) {
                std::printf("# %d messages, %d wrong or missing, of %d\n", shared->good,
                            shared->bad, situation.reports);
                ++failed;
            }
            std::printf("%s ends.%s_after_%s\n", passed ? "ok" : "not ok", situation.name,
                        names[static_cast<int>(before)]);
        }
    }
    return failed != 0;
}
