/* A stretch of the journal, proven and copied: what a feed tells events out of. No read of the store is open once it is there. While a feed
 * has far to go, the next one is read by another thread meanwhile. */
#ifndef ENGINE_FEED_STRETCH_H
#define ENGINE_FEED_STRETCH_H

#include "journal/read.h"

struct feed_stretch {
    struct commit *commits; /* whose bodies lie one after another */
    size_t count;
    size_t capacity;
    uint8_t *bodies;
    size_t body_bytes;
    size_t body_capacity;
};

/* Empties it. Zero-initialised it is empty, and holds no memory. */
void feed_stretch_drop(struct feed_stretch *stretch);
void feed_stretch_close(struct feed_stretch *stretch, struct memory *memory);

/* Reads commits from the one that holds `from` on, until they are many or begin at `limit`, before which all is durable. `previous`, where it
 * is not NULL, is the digest that the first follows if it begins at `from`. TRADING_E_DAMAGED when there is none; on failure it is empty. */
int32_t feed_stretch_read(struct feed_stretch *stretch, const struct journal *journal, int64_t from, int64_t limit,
                          const uint8_t *previous, trading_error *error);

/* The position behind it; it is not empty. */
int64_t feed_stretch_end(const struct feed_stretch *stretch);

/* ---- ahead ---- */

struct feed_ahead;

/* A thread that reads one stretch at a time. NULL when there is no memory or no thread. */
struct feed_ahead *feed_ahead_open(const struct journal *journal);
/* Waits for what is being read. NULL: does nothing. */
void feed_ahead_close(struct feed_ahead *ahead);

/* Has it read the stretch that follows this one, in place of what it may have. */
void feed_ahead_ask(struct feed_ahead *ahead, const struct feed_stretch *stretch, int64_t limit);

/* Puts the stretch from `from` on in the place of `stretch`. False when it was not asked for that, has not begun, or failed: then the caller
 * reads it, and finds what is wrong with it. */
bool feed_ahead_take(struct feed_ahead *ahead, int64_t from, struct feed_stretch *stretch);

#endif
