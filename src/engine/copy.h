/* The inside of copying a store: it is read twice, first to learn whether it can be copied as it is asked for, then to write. */
#ifndef ENGINE_COPY_H
#define ENGINE_COPY_H

#include "base/error.h"
#include "engine/engine.h"

#include <trading/copy.h>

/* What the journal of one partition amounts to, for who copies it. Positions of messages are those behind the newest; 0: none. */
struct survey {
    int64_t end;  /* where the journal ends, as far as it was read */
    int64_t goal; /* where it ended when the copying began */
    trading_time time;
    bool paused; /* work goes on in the next commit */
    struct peer_record peers[ENGINE_PARTITIONS_MAX];
};

struct copy_store {
    const trading_store_ops *ops;
    void *store;
};

struct copy {
    struct memory *memory;
    const trading_copy_options *options;
    bool beside_writers; /* the source may be written meanwhile */
    trading_copy told;
    struct copy_store source;
    struct copy_store target;
    uint32_t from; /* partitions of the source */
    uint32_t to;
    struct survey surveys[ENGINE_PARTITIONS_MAX]; /* of the source's */
    int64_t done;                                 /* events, for progress */
    int64_t total;
};

/* So many events more are done. TRADING_E_STOPPED. */
static inline int32_t copy_progress(struct copy *copy, int64_t events, trading_error *error)
{
    copy->done = copy->done + events < copy->total ? copy->done + events : copy->total; /* there may be more than was counted */
    if (copy->options->progress && copy->options->progress(copy->options->context, copy->done, copy->total))
        return error_set(error, TRADING_E_STOPPED, "the copying was stopped; what there is of the copy is to be deleted");
    return TRADING_OK;
}

/* ---- copy_survey.c ---- */

/* Reads and proves the source. TRADING_E_BUSY when it is to be split and is not settled. */
int32_t copy_survey(struct copy *copy, trading_error *error);

/* ---- copy_write.c ---- */

/* Writes all that the surveys found. */
int32_t copy_write(struct copy *copy, trading_error *error);

#endif
