/* The file `lock`: who writes the store, and how far it is durable.
 *
 *   bytes 0 … 63   the process id of the writer, as text, then line ends
 *   bytes 64 … 71  the newest durable transaction of journal.mdb, little-endian; 0: not known
 *
 * The lock is the kernel's (flock, held on the open file, so it also keeps out a second writer in the same process, and ends with
 * the process), never the file's presence or content. */
#ifndef LMDB_WRITER_LOCK_H
#define LMDB_WRITER_LOCK_H

#include "backends/lmdb/files.h"

struct writer_lock {
    int fd; /* −1 when not open */
};

/* Takes the lock for the writer: TRADING_E_LOCKED at once when another has it. */
int32_t writer_lock_take(struct writer_lock *lock, const struct folder *folder, trading_error *error);
/* Opens the file to read the horizon; without it there is none. */
void writer_lock_look(struct writer_lock *lock, const struct folder *folder);
/* Gives the lock back, also when a forked child still has a copy of the descriptor. */
void writer_lock_close(struct writer_lock *lock);

/* For readers in other processes, and for the next writer: a transaction that is flushed. Not flushed itself: after a power loss it may be
 * an older one. */
void writer_lock_publish(const struct writer_lock *lock, uint64_t transaction);
uint64_t writer_lock_horizon(const struct writer_lock *lock); /* UINT64_MAX: not known */

#endif
