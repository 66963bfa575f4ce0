/* Group commit: callers who each want something done by LMDB, which has one writer, have it done together. Who finds nobody at work leads: it
 * does the work of all who wait, in one transaction, and tells them. Who comes meanwhile waits for the next.
 *
 * Two callers would never meet so. The one waits while the other's transaction syncs, and goes when it ends; the other, who is back a moment
 * later, waits in turn: each has every second transaction. So those who wait do so for a moment more, until those whom the last transaction
 * answered are back, if these were back at once the time before; the last of them leads. Who comes when nobody else came beside the last
 * transaction has nobody to wait for.
 *
 * Nobody waits for ever: the groups are taken from the front of those who wait, in the order in which they came. */
#ifndef LMDB_GROUP_COMMIT_H
#define LMDB_GROUP_COMMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_MEMBERS 64u
/* Who brings more goes alone: to write it takes longer than the sync that would be saved. */
#define GROUP_BYTES ((uint64_t)1 << 20)

/* What one caller wants done: the caller's until it is done, and then again. */
struct group_member {
    uint32_t name; /* two of one name are in different groups */
    uint64_t bytes;
    struct group_member *next;
    bool taken;  /* by who leads */
    bool prompt; /* it was back soon after its last group had ended */
    _Atomic uint32_t state;
};

/* Does what all members from the first on want. Called by one thread at a time. */
typedef void (*group_work)(void *arg, struct group_member *first);

struct group_answered {
    uint32_t name;
    bool expected; /* back in a moment, and not yet there */
};

struct group_commit {
    group_work work;
    void *arg;
    int64_t (*now)(void); /* the monotonic clock, or a test's */
    pthread_mutex_t lock; /* of all that follows */
    struct group_member *first;
    struct group_member *last;
    bool working;
    struct group_answered answered[GROUP_MEMBERS]; /* the members of the last group */
    size_t answered_count;
    size_t expected; /* of them */
    int64_t ended;   /* when the last group did */
    int64_t usual;   /* nanoseconds that the work takes when nothing is in its way */
};

void group_commit_open(struct group_commit *group, group_work work, void *arg);
void group_commit_close(struct group_commit *group);

/* Returns once the work of the member, whose name and bytes are set, was done, by this thread or another. */
void group_commit_join(struct group_commit *group, struct group_member *member);

#endif
