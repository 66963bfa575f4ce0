/* What the files that make up the keys share: keys.c is the decider's side, upkeep.c, set.c and sieve.c the other, ahead.c any thread's,
 * manifest.c and sieve_store.c what is stored. */
#ifndef KEYS_INSIDE_H
#define KEYS_INSIDE_H

#include "keys/keys.h"
#include "keys/merge.h"
#include "keys/sieve.h"
#include "keys/young.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define KEY_RUNS_MAX 128u
#define KEY_TABLES   32u /* full ones, and the one that is filled */

#define KEY_FIRST_YOUNG 4096u /* keys in the first table; each next one has four times as many, up to the most */

/* Runs in order of time, oldest first. */
struct key_set {
    uint32_t count;
    struct key_run *runs[KEY_RUNS_MAX];
};

static inline uint64_t key_set_keys(const struct key_set *set)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < set->count; i++)
        keys += set->runs[i]->footer.count;
    return keys;
}

/* What the decider and visitors see of the runs. Never changed once it is published, but for who visits. */
struct key_list {
    struct key_list *next; /* in a list of what is to be freed */
    _Atomic uint32_t visitors;
    uint64_t generation;
    uint64_t tables;         /* so many, from the first on, are in runs, and no more in tables */
    struct key_sieve *sieve; /* NULL: there is none */
    uint32_t beside_sieve;   /* KEY_BESIDE_SIEVE, where a run is */
    uint32_t count;
    uint32_t eras[KEY_RUNS_MAX];
    int64_t ends[KEY_RUNS_MAX + 1]; /* newest first, as filters and runs: the position behind the run's last; then a 0 */
    struct key_filter filters[KEY_RUNS_MAX];
    struct key_run *runs[KEY_RUNS_MAX];
};

/* In the place of eras, of a run that is not in the sieve. */
#define KEY_BESIDE_SIEVE (1u << SIEVE_ERAS)

/* The eras of those runs that may have a hash. */
static inline uint32_t key_list_suspects(const struct key_list *list, uint64_t hash)
{
    return (list->sieve ? key_sieve_eras(list->sieve, hash) : 0) | list->beside_sieve;
}

/* Calls the filters of runs of these eras, or those beside, into the cache: as many as have keys from that position on. */
static inline void key_list_prefetch(const struct key_list *list, uint64_t hash, uint32_t eras, int64_t absent_before)
{
    for (uint32_t i = 0; list->ends[i] > absent_before; i++)
        if (list->eras[i] & eras)
            key_filter_prefetch(&list->filters[i], hash);
}

/* What is to be freed once the decider has seen a list that is without it; lists and runs also not before nobody visits those before. */
struct key_retired {
    struct key_list *lists;
    struct key_run *runs;
    struct key_young *tables;
};

/* Of the blob that a sieve was stored in. */
struct key_sieve_name {
    uint64_t number; /* 0: none was */
    uint64_t sum;
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
    struct key_sieve *sieve;    /* NULL: there is none yet */
    struct key_reader entering; /* of the run that is being entered, if any is */
    struct key_sieve_plan plan; /* of that */
    struct key_sieve_name stored_sieve;
    struct key_sieve_loading *_Atomic loading; /* of that, after opening; or NULL */
    struct key_retired retired;
    bool troubled; /* the newest try to write failed, and was reported */
    bool runs;     /* the thread */
    pthread_t thread;
};

/* ---- set.c ---- */

/* With the mutex held, or before there is another thread. */

/* A list of a set, in which so many tables are; NULL: no memory. */
struct key_list *keys_list_of(struct keys *keys, const struct key_set *set, uint64_t tables);
void keys_free_list(struct keys *keys, struct key_list *list);
/* Shows it to the decider, in the place of the one before. */
void keys_publish(struct keys *keys, struct key_list *list);
/* The set as it is, after something about it has changed. */
int32_t keys_show_set(struct keys *keys, trading_error *error);
/* Puts another set in its place, in which `sealed` tables are, with `added` keys that were not in runs before. */
int32_t keys_change_set(struct keys *keys, const struct key_set *next, uint64_t sealed, uint64_t added,
                        const struct keys_stored *stored, trading_error *error);
void keys_count_stored(struct keys *keys);
void keys_abandon_merge(struct keys *keys);
/* Frees what nobody can see any more; all that is retired. */
void keys_reclaim(struct keys *keys);
void keys_free_retired(struct keys *keys);
void keys_report(struct keys *keys, const trading_error *error);
/* Sets a run aside of which a page is damaged, and says so. */
int32_t keys_run_damaged(struct keys *keys, const struct key_run *run, trading_error *error);

/* ---- upkeep.c ---- */

/* Does a bounded piece of what is due, if anything is: then true, and there may be more. What fails is reported. */
bool keys_work(struct keys *keys);

/* Writes out the oldest full table, if there is one that is durable; with the mutex held, or before there is another thread. Where there is no place for another run, some are merged before. */
int32_t keys_seal(struct keys *keys, trading_error *error);

bool keys_start_thread(struct keys *keys);
void keys_stop_thread(struct keys *keys);

/* ---- sieve.c ---- */

/* Whether there is a run to be entered into the sieve, or one on its way; and a bounded piece of that. With the mutex held. */
bool keys_may_enter(struct keys *keys);
int32_t keys_enter_piece(struct keys *keys, trading_error *error);
/* Whether one of half as many lines would have room for all keys, and an era to spare. */
bool keys_sieve_is_large(const struct keys *keys, uint64_t lines);

/* ---- sieve_store.c ---- */

/* Stores the sieve, if what is stored is without much of it; in closing. What fails is reported: it will be made anew. */
void keys_store_sieve(struct keys *keys);
/* Begins to load the one that the manifest names, if it can be had; in opening. Then a bounded piece of that, with the mutex held. */
void keys_begin_loading(struct keys *keys);
int32_t keys_load_piece(struct keys *keys, trading_error *error);
void keys_abandon_loading(struct keys *keys);

/* ---- manifest.c ---- */

/* Replaces the manifest by one of this set. */
int32_t keys_write_manifest(struct keys *keys, const struct key_set *set, const struct keys_stored *stored,
                            trading_error *error);
/* Opens the runs that the manifest names. TRADING_E_NOT_FOUND: there is none. */
int32_t keys_read_manifest(struct keys *keys, trading_error *error);
/* Drops the blobs that no manifest names. */
int32_t keys_drop_orphans(struct keys *keys, trading_error *error);

#endif
