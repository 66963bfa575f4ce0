/* What all partitions of a process share while it serves. */
#ifndef SERVE_SERVING_H
#define SERVE_SERVING_H

#include "../routing.h"
#include "reference_options.h"

/* As many partitions as a store may have. */
#define SERVING_PARTITIONS_MAX 64

/* The most records whose commands go to the engine together. */
#define SERVING_BATCH 1024

struct serving {
    trading_host *host;
    const char *store; /* URI */
    const char *bus;   /* URI */
    const char *state; /* a folder for those of the partitions; NULL: none */
    struct wire wire;
    uint32_t partitions;
    uint64_t commit_bytes;   /* the limit of a commit; 0: as the engine has it */
    bool record_time;        /* the engines' clock is the time of the records: for replays */
    int64_t early_wait;      /* nanoseconds that a view waits for the position that it is to have seen */
    bool tells_events;       /* by topic: */
    uint64_t event_kinds[2]; /* those of these kinds; both zero: all but what tells of cursors */
    struct reference reference;
    struct routing_choice venue; /* its uri is NULL: none */
};

#endif
