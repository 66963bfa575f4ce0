/* Keys of past commands, for idempotency: from a 64-bit keyed hash of scope and key to the position where the command's first event
 * stands. It answers candidates; the journal's own record of the command, read at that position, decides.
 *
 * The newest keys are in a table in memory. When it is full another takes its place, and the keys' own thread writes the full one out
 * as a run: an immutable blob of the state store, sorted by hash, with a filter that tells most strangers. Where there are three runs of
 * whole tables or more, a sieve in memory tells most strangers at once (keys/sieve.h), which is loaded after opening; until then each run
 * is asked. Neighbours are merged: without a sieve, or smaller than a table, four of like size into one at least; with it into one that
 * may still be dropped as a whole, as the oldest are when all in them is past its age or count. Where a count bounds them that is once,
 * for up to sixteen tables a run; else runs may be larger the more keys there are, and are merged again. The runs are mapped, and a
 * manifest tells which there are; so opening reads little, and what is stored needs no checkpoint.
 *
 * All but what is said to be any thread's belongs to one thread, the decider, which takes no lock: full tables are handed over by number,
 * and lists of runs come back through one atomic word. Only when the keys' thread has fallen behind by KEYS_WAITING_MOST tables does the
 * decider wait for it, and then helps. Only what is durable is written out, so a discard concerns tables alone.
 * Without a thread the decider does it all, a bounded piece whenever a table is full. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "base/memory.h"
#include "state/store.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/time.h>

#define KEYS_YOUNG        1048576u /* keys in a table; each takes 32 bytes of it */
#define KEYS_WAITING_MOST 3u

struct keys;

struct keys_options {
    /* Retention: keys older than max_age nanoseconds, or beyond the newest max_count, may be forgotten; 0: no bound. They go by whole
     * runs, when another is written, so some stay longer: up to about an eighth of either bound, and the newest two tables always. */
    int64_t max_age;
    uint64_t max_count;
    uint32_t young; /* keys in a table, 0: KEYS_YOUNG; the first tables are smaller */
    bool thread;    /* have one */
    bool fresh;     /* what is stored is dropped, not read */
    /* What went wrong, and what is done about it: of what is stored, which then is dropped; and on the keys' thread. */
    void (*report)(void *arg, const trading_error *error);
    void *report_arg;
};

/* Opens what is stored, or begins anew when there is nothing, or nothing that can be trusted: keys_stored tells what there is. Without a
 * store the keys keep their runs in memory. The store is the keys' until they are closed, as far as its blobs go. */
int32_t keys_open(struct keys **keys, struct memory *memory, const struct state_store *store,
                  const struct keys_options *options, trading_error *error);
void keys_close(struct keys *keys);

/* Remembers a command. `position` and `time` never go back, and are not negative. False when there is no memory, or no way to write full
 * tables out: then nothing more is remembered until there is. */
bool keys_insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time);

/* Candidates, newest first: begin with a cursor that is zero but for what was told ahead; KEYS_NO_MORE is the end, KEYS_DAMAGED that whether
 * there are more cannot be told, as what is stored is damaged. Nothing is inserted or discarded in between. */
#define KEYS_NO_MORE (-1)
#define KEYS_DAMAGED (-2)
struct keys_cursor {
    uint64_t state[2];
    int64_t absent_before; /* as keys_absent_before told, or 0 */
};
int64_t keys_next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor);

/* Calls what a lookup of this hash will want into the cache: worth it a few commands ahead. `absent_before` as in the cursor. */
void keys_prefetch(const struct keys *keys, uint64_t hash, int64_t absent_before);
/* The same of an insert, which no lookup goes before. */
void keys_prefetch_insert(const struct keys *keys, uint64_t hash);

/* What is before `position` is durable, never to be discarded. It never goes back. */
void keys_durable(struct keys *keys, int64_t position);

/* Forgets every key at or after `position`: what was decided and then discarded. */
void keys_discard(struct keys *keys, int64_t position);

/* Writes out all that is durable. */
int32_t keys_settle(struct keys *keys, trading_error *error);

/* Every key before this position that is remembered at all is stored, none at or after it: what follows is the caller's to insert, from
 * the journal. `hash` is the newest stored one's, at the position before; a journal that has no such key there is another. */
struct keys_stored {
    int64_t next_position; /* 0: nothing is */
    uint64_t hash;
};
struct keys_stored keys_stored(struct keys *keys);

/* ---- any thread's ---- */

/* Most of a lookup can be done ahead, since what is stored never changes: a visitor sees what is stored at the moment, which stays in its
 * place until that is left, before the keys are closed. */
struct key_list;
struct key_list *keys_visit(struct keys *keys);
void keys_leave(struct key_list *list);

/* One after another for a group of hashes, as each calls what the next will look at into the cache. */
void keys_prefetch_stored(const struct key_list *list, uint64_t hash);
/* Where the hash may be stored: mostly nowhere, 0. */
uint32_t keys_suspects(const struct key_list *list, uint64_t hash);
/* A position: no run has this hash from before it. 0: one may have it, or there are none. That stays true, as what is stored later is of
 * later positions, or was stored already; so whoever looks the hash up need only look at what is not from before it. */
int64_t keys_absent_before(const struct key_list *list, uint64_t hash, uint32_t suspects);

/* How many; memory; blobs, and what they take. */
uint64_t keys_count(const struct keys *keys);
uint64_t keys_bytes(const struct keys *keys);
uint64_t keys_stored_bytes(const struct keys *keys);

#endif
