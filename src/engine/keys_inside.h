/* What the files that make up the keys share: keys.c, keys_save.c and keys_load.c. */
#ifndef ENGINE_KEYS_INSIDE_H
#define ENGINE_KEYS_INSIDE_H

#include "engine/key_run.h"
#include "engine/key_young.h"
#include "engine/keys.h"

#include <pthread.h>

#define KEY_RUNS_MAX 256u

/* Runs do not grow beyond this many keys by merging: giving one back to the operating system must not hold up the writer for long. */
#define KEY_RUN_MERGED (UINT64_C(8) << 20)

struct keys {
    struct key_memory memory;
    int64_t max_age;
    uint64_t max_count;

    /* The writer changes these with the mutex held and reads them without; a save reads them with it. So it is for the number of
     * holders, limit and span of each run. */
    pthread_mutex_t mutex;
    struct key_young *young;
    struct key_run *runs[KEY_RUNS_MAX]; /* oldest first */
    uint32_t run_count;
    uint64_t next_id;

    _Atomic uint64_t count; /* for other threads; of the young keys and the live ones of all runs */

    uint32_t inserts; /* the writer's: since it last looked after the runs */
    uint64_t lineage; /* of the saves: that of a store which holds what these keys saved; 0: none does */
};

/* Forgets everything. */
void keys_clear(struct keys *keys);

/* After a change other than an insert. */
void keys_recount(struct keys *keys);

/* Drops runs that are past their age or count, as of a time. */
void keys_retain(struct keys *keys, trading_time time);

#endif
