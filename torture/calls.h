/* The system calls of the library, and which of them fail.
 *
 * calls.c defines the functions of the system's C library that the library
 * uses; a definition in the program takes precedence.  Each passes the call on,
 * unless a fault is to happen. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* The functions, by number. */
unsigned nr_calls (void);
const char *call_name (unsigned call);
/* Whether a function is among them. */
bool call_is_known (const char *name);

/* What can happen instead of a call. */
struct outcome {
  enum { FAILS, SHORTENED, ENDS } kind;
  int err;      /* If it fails. */
};

/* The i-th thing that can happen to a call; false if there are fewer. */
bool call_outcome (unsigned call, unsigned i, struct outcome *outcome);
/* Whether everything must work nevertheless. */
bool is_harmless (unsigned call, struct outcome outcome);
/* Whether it makes sense that it happens again and again. */
bool can_last (unsigned call, struct outcome outcome);

struct fault {
  unsigned call;
  bool in_child;        /* Between fork and exec. */
  unsigned at;          /* From 1. */
  bool lasting;         /* All calls from this one on. */
  struct outcome outcome;
};

/* A name that has two addresses here: 127.0.0.2, and 127.0.0.1. */
#define TWO_ADDRESSES "two-addresses.invalid"

/* Counts the calls of this process and its children from now on, and lets a
 * fault happen unless it is NULL. */
void arm (const struct fault *fault);
/* Stops that; returns whether it was on, for `rearm` to go on. */
bool disarm (void);
void rearm (bool was_armed);
unsigned calls_made (unsigned call, bool in_child);
unsigned faults_happened (void);

/* Lets the n-th allocation of at least this size fail, and the later ones if
 * `lasting`.  0 only counts. */
void arm_memory (size_t size, unsigned at, bool lasting);
unsigned allocations_made (void);

#endif /* CALLS_H */
