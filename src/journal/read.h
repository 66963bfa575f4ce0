/* Reading the journal of one partition: commits, proven one by one and by the chain between them. */
#ifndef JOURNAL_READ_H
#define JOURNAL_READ_H

#include "journal/commit.h"

struct journal {
    const trading_store_ops *ops;
    void *store;
    uint32_t partition;
    struct memory *memory;
    bool reads_ahead; /* whether reading ahead may have threads */
};

/* Of fewer events a thread that reads ahead is not worth it. */
#define JOURNAL_LONG 65536

/* What a visitor answers to end a walk that is none the worse for it. */
#define JOURNAL_STOP (-1)

/* Takes one commit, valid during the call. TRADING_OK: go on; JOURNAL_STOP: enough; a TRADING_E_ code, with `error` filled in: the walk
 * ends with it. */
typedef int32_t (*journal_visit)(void *arg, const struct commit *commit, trading_error *error);

/* Hands over proven commits in order, from the one that holds `from` to the newest; none when `from` is the next position. Each
 * follows the one before it, in position and digest; the first one's predecessor is not looked at. A walk cannot know of commits that
 * the store has lost from its end: compare where it ended with what is known of the head.
 * TRADING_E_DAMAGED: the commits before the place were handed over. TRADING_E_NOT_FOUND: `from` is beyond the next position. */
int32_t journal_walk(const struct journal *journal, int64_t from, journal_visit visit, void *arg, trading_error *error);

/* Whether threads may read ahead, and so much comes from `from` on that they are worth it. */
bool journal_is_long(const struct journal *journal, int64_t from);

/* As journal_walk, where many commits may come: a thread of its own reads and proves a few ahead of the visitor, who is called on the caller's. */
int32_t journal_walk_ahead(const struct journal *journal, int64_t from, journal_visit visit, void *arg, trading_error *error);

/* A commit of one's own; zero-initialised, used again and again, closed once. */
struct journal_copy {
    struct commit commit;
    struct commit_scratch scratch; /* holds the body */
};
void journal_copy_close(struct journal_copy *copy);

/* The proven commit that holds the position. TRADING_E_NOT_FOUND: none does yet. */
int32_t journal_commit_at(const struct journal *journal, int64_t position, struct journal_copy *copy, trading_error *error);

/* The position after the last commit whose time is at most `time`; 0 when there is none. `next_position` is where the journal ends for
 * the caller, the end of a commit. Times never go back within a partition; the search looks at headers alone, and then proves
 * the two commits on either side of what it found. */
int32_t journal_position_at_time(const struct journal *journal, int64_t next_position, trading_time time, int64_t *position,
                                 trading_error *error);

#endif
