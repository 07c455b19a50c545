/* What the TLS tests share. */
#ifndef TLS_H
#define TLS_H

#include "../test.h"

/* The path of one of the credentials that pki.sh makes. */
const char *pki (const char *name);

/* The priority string that leaves only TLS 1.2 or 1.3: "1.2", "1.3". */
const char *only_version (const char *version);

/* Servers that demand TLS and serve 32M of zeroes, by the name "disk" if they
 * care; these return their sockets. */
const char *nbdkit_x509 (const char *directory);
const char *nbdkit_for_clients (void);  /* Client certificates only. */
const char *nbdkit_psk (void);
const char *qemu_x509 (void);           /* Client certificates only. */
const char *qemu_psk (void);
const char *nbd_server_x509 (void);

/* A TLS relay in front of a server; returns its socket.  The variable
 * arguments are further arguments of the relay, ended by NULL. */
const char *relay (const char *server, ...) __attribute__((sentinel));

/* A handle that requires TLS with these credentials: a name for pki (). */
struct nbd_handle *with_certificates (const char *directory);
struct nbd_handle *with_psk (const char *file, const char *user);

/* The key of a user in one of the files of pki (). */
const char *psk_of (const char *file, const char *user);

/* Connecting has failed: the handle is dead, errno as given, and the message
 * contains this text. */
void check_refused (struct nbd_handle *h, const char *unix_socket,
                    int wanted_errno, const char *words);

/* Writes and reads back, and checks the data. */
void exercise (struct nbd_handle *h);
/* The same with 64 commands in flight, of many sizes. */
void exercise_in_parallel (struct nbd_handle *h);

/* How often bytes stand in memory that can be written.  They are given in
 * another form, so that they are not found where they are looked for. */
unsigned in_memory (const unsigned char *masked, size_t length);
void mask (unsigned char *masked, const char *from, size_t length);

#endif /* TLS_H */
