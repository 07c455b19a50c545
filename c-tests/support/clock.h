/* Limits on time: not before, and not long after. */
#ifndef CLOCK_H
#define CLOCK_H

#include "../test.h"

#include <time.h>

/* A machine that is busy with other things may take this much longer. */
enum { GRACE = 5000 };

static int64_t began;

static inline int64_t
clock_ms (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000) + time.tv_nsec / 1000000;
}

static inline void
start_clock (void)
{
  began = clock_ms ();
}

static inline void
check_clock (const char *file, int line, int64_t limit)
{
  int64_t passed = clock_ms () - began;

  /* The clock that the test reads is rounded down. */
  if (passed + 1 < limit || passed > limit + (under_valgrind () ? 4 * GRACE : GRACE))
    fail_at (file, line, "after %" PRId64 " ms instead of %" PRId64, passed, limit);
}

#define CHECK_CLOCK(limit) check_clock (__FILE__, __LINE__, (limit))

/* The message of the last error contains these words. */
#define CHECK_WORDS(words)                                                \
  do {                                                                    \
    if (strstr (nbd_get_error (), (words)) == NULL)                       \
      fail_at (__FILE__, __LINE__, "\"%s\" is not in: %s", (words),       \
               nbd_get_error ());                                         \
  } while (0)

/* The call fails because of a limit of so many milliseconds. */
#define CHECK_LATE(call, limit, words)                                    \
  do {                                                                    \
    start_clock ();                                                       \
    CHECK_ERR (call, ETIMEDOUT);                                          \
    CHECK_CLOCK (limit);                                                  \
    CHECK_WORDS (words);                                                  \
    CHECK_WORDS (text (" %d ms", (int) (limit)));                   \
  } while (0)

#endif /* CLOCK_H */
