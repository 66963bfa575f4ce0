#include "lmdb_power_work.h"

#include "backends/lmdb/journal.h"
#include "lmdb_support.h"
#include "power.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <sched.h>
#include <unistd.h>

#define COMMITS_MOST 4u /* of one append */

static void mark_begun(uint32_t partition, int64_t stands, int64_t end, uint32_t group)
{
    struct mark mark = {.partition = partition, .group = group, .sure = stands, .perhaps = end};
    power_mark(&mark, sizeof mark);
}

static void mark_done(uint32_t partition, int64_t end, uint32_t group)
{
    mark_begun(partition, end, end, group);
}

_Noreturn void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}

void *open_store(const char *folder)
{
    void *store;
    trading_error error;
    if (open_lmdb(folder, (struct opening){0}, &store, &error))
        complain("it does not open: %s", error.message);
    return store;
}

/* One append of several commits, each of `events` events. */
struct batch {
    uint32_t partition;
    size_t count;
    trading_store_commit commits[COMMITS_MOST];
    int64_t begins;
    int64_t end;
};

static void add_commit(struct batch *batch, int64_t events, size_t size)
{
    make_commit(&batch->commits[batch->count++], batch->partition, batch->end, events, size);
    batch->end += events;
}

static struct batch begin_batch(uint32_t partition, int64_t position)
{
    return (struct batch){.partition = partition, .begins = position, .end = position};
}

static void free_batch(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free_commit(&batch->commits[i]);
}

static void append_batch(void *store, const struct batch *batch)
{
    trading_error error;
    mark_begun(batch->partition, batch->begins, batch->end, 0);
    if (lmdb_store_ops.append(store, batch->partition, batch->commits, batch->count, NULL, &error))
        complain("an append fails: %s", error.message);
    mark_done(batch->partition, batch->end, 0);
    free_batch(batch);
}

static size_t draw_size(uint64_t *seed, size_t most)
{
    size_t scale = (size_t)power_random(seed, 3);
    return 1 + (size_t)power_random(seed, scale == 0 ? most : scale == 1 ? most / 8 + 1 : most / 64 + 1);
}

void append_some(void *store, uint32_t partition, size_t count, size_t size, uint64_t *seed)
{
    struct batch batch = begin_batch(partition, head_of(store, partition));
    for (size_t i = 0; i < count; i++)
        add_commit(&batch, 1 + (int64_t)power_random(seed, 3), draw_size(seed, size));
    append_batch(store, &batch);
}

void mark_heads(void *store)
{
    for (uint32_t i = 0; i < PARTITIONS; i++)
        mark_done(i, head_of(store, i), 0);
}

/* ---- workloads ---- */

void work_small_commits(void *arg)
{
    struct run *run = arg;
    void *store = open_store(run->folder);
    for (int i = 0; i < 80; i++)
        append_some(store, 0, 1, 600, &run->seed);
    lmdb_store_ops.close(store);
}

void work_large_commits(void *arg)
{
    struct run *run = arg;
    void *store = open_store(run->folder);
    for (int i = 0; i < 15; i++) {
        append_some(store, 0, 1, 300000, &run->seed);
        append_some(store, 0, 2, 9000, &run->seed);
    }
    lmdb_store_ops.close(store);
}

void work_several_commits(void *arg)
{
    struct run *run = arg;
    void *store = open_store(run->folder);
    for (int i = 0; i < 40; i++) { /* more and more partitions */
        uint32_t partition = (uint32_t)power_random(&run->seed, 1 + (uint64_t)i * PARTITIONS / 40);
        append_some(store, partition, 1 + power_random(&run->seed, COMMITS_MOST), 20000, &run->seed);
    }
    lmdb_store_ops.close(store);
}

struct appender {
    pthread_t thread;
    void *store;
    uint32_t partition;
    uint64_t seed;
};

static void *append_in_thread(void *arg)
{
    struct appender *appender = arg;
    for (int i = 0; i < 15; i++)
        append_some(appender->store, appender->partition, 1 + power_random(&appender->seed, 2), 6000, &appender->seed);
    return NULL;
}

void work_in_threads(void *arg)
{
    struct run *run = arg;
    struct appender appenders[PARTITIONS];
    void *store = open_store(run->folder);
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        appenders[i] = (struct appender){.store = store, .partition = i, .seed = run->seed + i};
        if (pthread_create(&appenders[i].thread, NULL, append_in_thread, &appenders[i]))
            complain("no thread");
    }
    for (uint32_t i = 0; i < PARTITIONS; i++)
        pthread_join(appenders[i].thread, NULL);
    lmdb_store_ops.close(store);
}

void work_a_short_life(void *arg)
{
    struct run *run = arg;
    power_die_at(run->die_at, run->dies_late);
    void *store = open_store(run->folder);
    mark_heads(store);
    for (int i = 0; i < 10; i++)
        append_some(store, (uint32_t)power_random(&run->seed, 2), 1 + power_random(&run->seed, 2), 9000, &run->seed);
    if (run->seed % 4)
        lmdb_store_ops.close(store);
}

/* ---- appends of several partitions in one transaction, which waits for another's ---- */

struct shared_journal {
    struct folder folder;
    struct memory memory;
    struct journal journal;
    int64_t ends[PARTITIONS];
};

struct member {
    struct shared_journal *shared;
    pthread_t thread;
    struct batch batch;
    uint32_t group;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held;
    bool released;
} first = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The first flush waits until it is let go. */
static void hold_the_first(void)
{
    pthread_mutex_lock(&first.lock);
    first.held = true;
    pthread_cond_broadcast(&first.changed);
    while (!first.released)
        pthread_cond_wait(&first.changed, &first.lock);
    pthread_mutex_unlock(&first.lock);
}

static void *append_member(void *arg)
{
    struct member *member = arg;
    const struct batch *batch = &member->batch;
    trading_error error;
    mark_begun(batch->partition, batch->begins, batch->end, member->group);
    if (journal_append(&member->shared->journal, batch->partition, batch->commits, batch->count, NULL, &error))
        complain("an append fails: %s", error.message);
    mark_done(batch->partition, batch->end, member->group);
    pthread_mutex_lock(&first.lock);
    if (!first.held)
        complain("an append returns, and nothing was flushed");
    pthread_mutex_unlock(&first.lock);
    return NULL;
}

static void start_member(struct member *member, struct shared_journal *shared, uint32_t partition, uint32_t group,
                         uint64_t *seed)
{
    member->shared = shared;
    member->group = group;
    member->batch = begin_batch(partition, shared->ends[partition]);
    for (uint64_t i = power_random(seed, 3); i < 3; i++)
        add_commit(&member->batch, 1, draw_size(seed, 9000));
    shared->ends[partition] = member->batch.end;
    if (pthread_create(&member->thread, NULL, append_member, member))
        complain("no thread");
}

static size_t count_waiting(struct group_commit *appends)
{
    size_t count = 0;
    pthread_mutex_lock(&appends->lock);
    for (const struct group_member *at = appends->first; at; at = at->next)
        count++;
    pthread_mutex_unlock(&appends->lock);
    return count;
}

/* Partition 0 has the transaction for which the others wait. */
static void append_together(struct shared_journal *shared, uint32_t partitions, uint32_t group, uint64_t *seed)
{
    struct member members[PARTITIONS];
    first.held = first.released = false;
    power_meanwhile_flushing(hold_the_first);
    start_member(&members[0], shared, 0, 0, seed);
    pthread_mutex_lock(&first.lock);
    while (!first.held)
        pthread_cond_wait(&first.changed, &first.lock);
    pthread_mutex_unlock(&first.lock);
    for (uint32_t i = 1; i < partitions; i++) {
        start_member(&members[i], shared, i, group, seed);
        while (count_waiting(&shared->journal.appends) < i)
            sched_yield();
    }
    pthread_mutex_lock(&first.lock);
    first.released = true;
    pthread_cond_broadcast(&first.changed);
    pthread_mutex_unlock(&first.lock);
    for (uint32_t i = 0; i < partitions; i++) {
        pthread_join(members[i].thread, NULL);
        free_batch(&members[i].batch);
    }
    power_meanwhile_flushing(NULL);
}

void work_in_groups(void *arg)
{
    static struct shared_journal shared;
    struct run *run = arg;
    trading_error error;
    memory_init(&shared.memory);
    if (folder_open(&shared.folder, run->folder, true, &error) ||
        journal_open(&shared.journal, &shared.folder, &shared.memory, false, 0, &error))
        complain("it does not open: %s", error.message);
    for (uint32_t round = 1; round <= 15; round++)
        append_together(&shared, round < PARTITIONS ? 1 + round : PARTITIONS, round, &run->seed);
    journal_close(&shared.journal);
    folder_close(&shared.folder);
}
