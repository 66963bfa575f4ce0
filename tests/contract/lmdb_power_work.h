/* What is done to a store while the power may be lost, each in a process of its own, which every failure ends; and what the store promised meanwhile. */
#ifndef LMDB_POWER_WORK_H
#define LMDB_POWER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARTITIONS = 6 };

/* Of one partition. Appends of one group, which is not 0, are there together or not at all. */
struct promise {
    int64_t sure;    /* the store said that it stands there */
    int64_t perhaps; /* … if the append that is under way came through */
    uint32_t group;
};

/* A note among the events: the promise is another from here on. */
struct mark {
    uint32_t partition;
    uint32_t group;
    int64_t sure;
    int64_t perhaps;
};

/* What a store that was opened says of itself lasts from then on: notes it for all partitions. */
void mark_heads(void *store);

_Noreturn void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *open_store(const char *folder);
/* One append of so many commits, of up to `size` bytes each. */
void append_some(void *store, uint32_t partition, size_t count, size_t size, uint64_t *seed);

struct run {
    const char *folder;
    uint64_t seed;
    size_t die_at; /* the process ends when so many events are noted */
    bool dies_late;
};

/* Each is given a struct run. */
void work_small_commits(void *run);
void work_large_commits(void *run);
void work_several_commits(void *run);
void work_in_threads(void *run);
/* Appends of several partitions in one transaction, which waits for another's. */
void work_in_groups(void *run);
void work_a_short_life(void *run);

#endif
