/* What the files that make up the keys share: keys.c is the decider's side, upkeep.c the other, ahead.c any thread's, manifest.c what is
 * stored. */
#ifndef KEYS_INSIDE_H
#define KEYS_INSIDE_H

#include "keys/keys.h"
#include "keys/young.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define KEY_RUNS_MAX   128u
#define KEY_TABLES     32u /* full ones, and the one that is filled */
#define KEY_MERGE_MOST 16u

#define KEY_FIRST_YOUNG 4096u /* keys in the first table; each next one has four times as many, up to the most */

/* Runs in order of time, oldest first. */
struct key_set {
    uint32_t count;
    struct key_run *runs[KEY_RUNS_MAX];
};

/* What the decider and visitors see of the runs. Never changed once it is published, but for who visits. */
struct key_list {
    struct key_list *next; /* in a list of what is to be freed */
    _Atomic uint32_t visitors;
    uint64_t generation;
    uint64_t tables; /* so many, from the first on, are in runs, and no more in tables */
    uint32_t count;
    int64_t ends[KEY_RUNS_MAX + 1]; /* newest first, as filters and runs: the position behind the run's last; then a 0 */
    struct key_filter filters[KEY_RUNS_MAX];
    struct key_run *runs[KEY_RUNS_MAX];
};

struct key_merge {
    uint32_t count; /* 0: none is under way */
    uint32_t first; /* of the set's runs */
    struct key_reader readers[KEY_MERGE_MOST];
    bool ended[KEY_MERGE_MOST];
    struct key_writer *writer;
    uint64_t number;
};

/* What is to be freed once the decider has seen a list that is without it, and nobody visits those before. */
struct key_retired {
    struct key_list *lists;
    struct key_run *runs;
    struct key_young *tables;
};

struct keys {
    struct key_memory memory;
    struct keys_options options;
    struct state_store store;
    bool own_store;

    /* The decider's. Tables are numbered; those from the first that is not in a run to the one that is filled are in their places. */
    struct key_young *young; /* that is filled */
    struct key_list *list;
    uint64_t first_table;
    uint64_t young_table;
    struct key_young *tables[KEY_TABLES]; /* full ones are read by upkeep, and are not moved */
    int64_t wake_at;                      /* when so much is durable, there is more to write */

    /* Handed over. */
    pthread_mutex_t door; /* through it visitors come to the published list, and it is replaced */
    _Atomic(struct key_list *) published;
    _Atomic uint64_t acknowledged; /* generation of the decider's list */
    _Atomic uint64_t full_tables;  /* tables before it are full */
    _Atomic int64_t durable;
    _Atomic(struct key_young *) spare; /* empty, as large as they come; or NULL */
    _Atomic uint64_t inserted;         /* the decider counts */
    _Atomic uint64_t dropped;          /* upkeep counts */
    _Atomic uint64_t stored_bytes;
    sem_t work;
    _Atomic bool stop;

    /* Upkeep's, whoever does it. */
    pthread_mutex_t mutex;
    struct key_set set;
    struct keys_stored stored;
    uint64_t next_number; /* of a blob */
    uint64_t sealed;      /* tables before it are in runs */
    uint64_t generation;
    struct key_merge merge;
    struct key_retired retired;
    bool troubled; /* the newest try to write failed, and was reported */
    bool runs;     /* the thread */
    pthread_t thread;
};

/* ---- upkeep.c ---- */

/* Does a bounded piece of what is due, if anything is: then true, and there may be more. What fails is reported. */
bool keys_work(struct keys *keys);

/* The following with the mutex held, or before there is another thread. */

/* Writes out the oldest full table, if there is one that is durable. */
int32_t keys_seal(struct keys *keys, trading_error *error);
void keys_report(struct keys *keys, const trading_error *error);
/* A list of a set, in which so many tables are; NULL: no memory. */
struct key_list *keys_list_of(struct keys *keys, const struct key_set *set, uint64_t tables);
/* Shows it to the decider, in the place of the one before. */
void keys_publish(struct keys *keys, struct key_list *list);
void keys_count_stored(struct keys *keys);
void keys_abandon_merge(struct keys *keys);
void keys_free_retired(struct keys *keys);

bool keys_start_thread(struct keys *keys);
void keys_stop_thread(struct keys *keys);

/* ---- manifest.c ---- */

/* Replaces the manifest by one of this set. */
int32_t keys_write_manifest(struct keys *keys, const struct key_set *set, const struct keys_stored *stored,
                            trading_error *error);
/* Opens the runs that the manifest names. TRADING_E_NOT_FOUND: there is none. */
int32_t keys_read_manifest(struct keys *keys, trading_error *error);
/* Drops the blobs that no manifest names. */
int32_t keys_drop_orphans(struct keys *keys, trading_error *error);

#endif
