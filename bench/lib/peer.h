/* What the engine is measured beside, in turns, in the same run: LMDB by itself, or the disk's own sync. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/lib/scratch.h"
#include "bench/lib/settings.h"
#include "bench/lib/tally.h"

#include <lmdb.h>

struct peer {
    const struct settings *settings;
    struct scratch scratch;
    MDB_env *env;
    MDB_dbi records;
    uint64_t next; /* the key of the next record */
    int file;
    off_t at;
};

int32_t peer_open(struct peer *peer, const struct settings *settings, trading_error *error);

/* Goes on for so many nanoseconds, one commit or write after another, and adds what it measured to the tally. */
int32_t peer_turn(struct peer *peer, int64_t nanoseconds, struct tally *tally, trading_error *error);

void peer_close(struct peer *peer);

#endif
