/* Lays the journal's file out ahead of the writer with zeros, on a thread of its own, so that commits do not make the file grow:
 * flushing a file that grew costs the file system a second write, of its own journal.
 *
 * It cannot overwrite a page, whatever the writer does meanwhile: zeros are written through a descriptor opened with O_APPEND, so
 * the kernel itself puts them at the end of the file as it is at that instant, in one step with making it longer. A page that LMDB
 * has written lies before that end; a page that LMDB writes later overwrites zeros or lies beyond. LMDB neither asks for the
 * file's size nor changes it but by writing pages, and its pages begin after the last one of its meta page, never at the file's
 * end. So no lock is needed, and the writer never waits. */
#ifndef LMDB_LAY_AHEAD_H
#define LMDB_LAY_AHEAD_H

#include "backends/lmdb/files.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct lay_ahead {
    int fd;
    struct memory *memory;
    uint8_t *room; /* for the zeros, which are aligned in it */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* of what follows, up to stop */
    pthread_cond_t wake;
    uint64_t wanted; /* the file should be this long; 0: nothing to do */
    uint64_t least;  /* shorter than this it falls behind */
    bool told;       /* of a commit since the last piece was begun */
    bool stop;
    _Atomic uint64_t laid;    /* the file is at least this long */
    _Atomic uint64_t flushes; /* of its own */
};

/* Never fails: a store that cannot be laid out ahead grows as it is written. The thread starts when it is first needed. */
void lay_ahead_open(struct lay_ahead *ahead, const struct folder *folder, const char *name, struct memory *memory);
void lay_ahead_close(struct lay_ahead *ahead);

/* The writer says after each commit how many bytes of the file are in use. */
void lay_ahead_note(struct lay_ahead *ahead, uint64_t used);

#endif
