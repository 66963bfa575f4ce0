/* Keys of past commands, for idempotency: from a 64-bit keyed hash of scope and key to the position where the command's first event
 * stands. It answers candidates; the journal's own record of the command, read at that position, decides. Newest keys are in a
 * table in memory; full tables become immutable runs sorted by hash, each with a filter, in order of time; neighbours of like size
 * are merged; whole runs fall off the old end by age and by count. */
#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "base/memory.h"
#include "state/store.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/time.h>

struct keys;

/* Retention: keys older than max_age nanoseconds, and beyond the newest max_count, may be forgotten; 0: no bound. */
int32_t keys_open(struct keys **keys, struct memory *memory, int64_t max_age, uint64_t max_count, trading_error *error);
void keys_close(struct keys *keys);

/* Remembers a command. `position` and `time` never go back. False when there is no memory. */
bool keys_insert(struct keys *keys, uint64_t hash, int64_t position, trading_time time);

/* Candidates, newest first: begin with a zero cursor; −1 means no more. */
struct keys_cursor {
    uint64_t state[2];
};
int64_t keys_next(const struct keys *keys, uint64_t hash, struct keys_cursor *cursor);

/* Forgets every key at or after `position`: what was decided and then discarded. */
void keys_discard(struct keys *keys, int64_t position);

uint64_t keys_count(const struct keys *keys);
uint64_t keys_bytes(const struct keys *keys);

/* Writes what is new below `position` since the last save into an open write of the state store, and removes what fell off; loads
 * all of it. Runs are written once and never changed. */
int32_t keys_save(struct keys *keys, const struct state_store *store, void *write, int64_t position, trading_error *error);
int32_t keys_load(struct keys *keys, const struct state_store *store, trading_error *error);

#endif
