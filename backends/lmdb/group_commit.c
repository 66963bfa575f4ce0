#include "backends/lmdb/group_commit.h"

#include "base/futex.h"
#include "base/monotonic.h"

enum state {
    WAITS,
    CALLED, /* to look again */
    DONE,
};

/* Nanoseconds of work. To share less is not worth a wait. */
#define WORTH_WAITING INT64_C(20000)

void group_commit_open(struct group_commit *group, group_work work, void *arg)
{
    *group = (struct group_commit){.work = work, .arg = arg, .now = monotonic_now};
    pthread_mutex_init(&group->lock, NULL);
}

void group_commit_close(struct group_commit *group)
{
    pthread_mutex_destroy(&group->lock);
}

static bool is_done(struct group_member *member)
{
    return atomic_load_explicit(&member->state, memory_order_acquire) == DONE;
}

/* ---- who is waited for ---- */

/* When those who were answered are waited for no longer. To meet them saves somebody a whole turn at the work, and to wait in vain costs what was
 * waited. */
static int64_t expiry(const struct group_commit *group)
{
    return group->ended + group->usual / 2;
}

static void note_return(struct group_commit *group, struct group_member *member)
{
    for (size_t i = 0; i < group->answered_count; i++) {
        struct group_answered *answered = &group->answered[i];
        if (answered->name != member->name)
            continue;
        member->prompt = group->now() <= expiry(group);
        group->expected -= answered->expected;
        answered->expected = false;
    }
}

/* A disk that stalls does not make the next wait as long. */
static void note_duration(struct group_commit *group, int64_t took)
{
    bool shorter = took < group->usual || !group->usual;
    group->usual = shorter ? took : group->usual + (took - group->usual) / 8;
}

static void note_end(struct group_commit *group, const struct group_member *first, int64_t begun)
{
    group->ended = group->now();
    note_duration(group, group->ended - begun);
    bool met = group->first || first->next;
    bool worth = met && group->usual >= WORTH_WAITING;
    group->answered_count = group->expected = 0;
    for (const struct group_member *at = first; at; at = at->next) {
        bool expected = worth && at->prompt && at->bytes <= GROUP_BYTES / 2;
        group->answered[group->answered_count++] = (struct group_answered){.name = at->name, .expected = expected};
        group->expected += expected;
    }
}

/* ---- leading ---- */

static bool may_lead(const struct group_commit *group, const struct group_member *member)
{
    return !group->working && !member->taken && (!group->expected || group->now() >= expiry(group));
}

static bool has_namesake(const struct group_member *first, const struct group_member *member)
{
    while (first != member && first->name != member->name)
        first = first->next;
    return first != member;
}

/* Those who have waited longest, as many as go together. */
static struct group_member *take_group(struct group_commit *group)
{
    struct group_member *first = group->first;
    struct group_member *last = NULL;
    uint64_t bytes = 0;
    for (size_t count = 0; group->first && count < GROUP_MEMBERS; count++) {
        struct group_member *next = group->first;
        bytes += next->bytes;
        if (last && (bytes > GROUP_BYTES || has_namesake(first, next)))
            break;
        next->taken = true;
        last = next;
        group->first = next->next;
    }
    if (last)
        last->next = NULL;
    return first;
}

/* Who is told goes its way, and its member with it. */
static void answer(struct group_member *first, const struct group_member *leader)
{
    for (struct group_member *at = first, *next; at; at = next) {
        next = at->next;
        atomic_store_explicit(&at->state, DONE, memory_order_release);
        if (at != leader)
            futex_wake(&at->state, 1);
    }
}

/* The first who waits looks whether it is to lead, before those who are done are told: the disk stands still. */
static void call_next(struct group_commit *group, const struct group_member *leader)
{
    struct group_member *next = group->first;
    if (next)
        atomic_store_explicit(&next->state, CALLED, memory_order_relaxed);
    pthread_mutex_unlock(&group->lock);
    if (next && next != leader)
        futex_wake(&next->state, 1);
}

/* With the lock, which it gives back. */
static void lead(struct group_commit *group, const struct group_member *leader)
{
    struct group_member *first = take_group(group);
    int64_t begun = group->now();
    group->working = true;
    pthread_mutex_unlock(&group->lock);
    group->work(group->arg, first);
    pthread_mutex_lock(&group->lock);
    note_end(group, first, begun);
    group->working = false;
    call_next(group, leader);
    answer(first, leader);
}

/* ---- joining ---- */

static void arrive(struct group_commit *group, struct group_member *member)
{
    member->next = NULL;
    member->taken = member->prompt = false;
    atomic_init(&member->state, WAITS);
    if (group->first)
        group->last->next = member;
    else
        group->first = member;
    group->last = member;
    note_return(group, member);
}

/* Waits to be called or done; while nobody is at work, until those who are expected are waited for no longer. With the lock, which it gives back. */
static void await(struct group_commit *group, struct group_member *member)
{
    struct timespec deadline;
    bool timed = !group->working && !member->taken;
    if (timed) {
        int64_t left = expiry(group) - group->now();
        deadline = monotonic_after(left > 0 ? left : 0);
    }
    uint32_t called = CALLED;
    atomic_compare_exchange_strong(&member->state, &called, WAITS);
    pthread_mutex_unlock(&group->lock);
    futex_wait(&member->state, WAITS, timed ? &deadline : NULL);
}

void group_commit_join(struct group_commit *group, struct group_member *member)
{
    pthread_mutex_lock(&group->lock);
    arrive(group, member);
    for (;;) {
        if (may_lead(group, member))
            lead(group, member);
        else
            await(group, member);
        if (is_done(member))
            return;
        pthread_mutex_lock(&group->lock);
    }
}
