/* Keys of past commands, for idempotency: from a 64-bit keyed hash of scope and key to the position where the command's first event
 * stands. It answers candidates; the journal's own record of the command, read at that position, decides. Newest keys are in a
 * table in memory; full tables become immutable runs sorted by hash, each with a filter, in order of time; neighbours of like size
 * are merged; whole runs fall off the old end by age and by count.
 *
 * All but keys_save, keys_count and keys_bytes belongs to one thread, the engine's writer; no lock is needed between them. What an
 * insert costs is bounded: merging goes on a few keys at each insert; the longest is when the table of 65,536 is full and is written
 * out as a run. */
#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "base/memory.h"
#include "state/store.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/time.h>

struct keys;

/* Retention: keys older than max_age nanoseconds, or beyond the newest max_count, may be forgotten; 0: no bound. They go by whole
 * runs, so some stay longer: up to about an eighth of either bound, and the newest 65,536 always. */
int32_t keys_open(struct keys **keys, struct memory *memory, int64_t max_age, uint64_t max_count, trading_error *error);
void keys_close(struct keys *keys);

/* Remembers a command. `position` and `time` never go back, and are not negative. False when there is no memory. */
bool keys_insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time);

/* Candidates, newest first: begin with a zero cursor; −1 means no more. Nothing is inserted or discarded in between. */
struct keys_cursor {
    uint64_t state[2];
};
int64_t keys_next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor);

/* Calls what a lookup of this hash will want into the cache: worth it a few commands ahead. */
void keys_prefetch(const struct keys *keys, uint64_t hash);

/* Forgets every key at or after `position`: what was decided and then discarded. */
void keys_discard(struct keys *keys, int64_t position);

/* Any thread. */
uint64_t keys_count(const struct keys *keys);
uint64_t keys_bytes(const struct keys *keys);

/* Writes the keys below `position` into an open write of the state store, and removes what fell off. Runs that are there already are
 * left alone. Whether the write is then committed or aborted need not be told: the next save looks at what the store holds. Runs on
 * any thread, one at a time, beside the others; keys below `position` must be durable, never to be discarded. */
int32_t keys_save(struct keys *keys, const struct state_store *store, void *write, int64_t position, trading_error *error);

/* Loads into keys that are fresh what was saved last. TRADING_E_NOT_FOUND when nothing was; TRADING_E_DAMAGED, _NEWER_FORMAT or
 * _UNSUPPORTED when it cannot be used. After a failure the keys are empty, to be filled from the journal, and the next save replaces
 * all that is in the store. */
int32_t keys_load(struct keys *keys, const struct state_store *store, trading_error *error);

#endif
