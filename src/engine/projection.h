/* A projection from within: rows that are stored, rows that are pending over them, and the feed. */
#ifndef ENGINE_PROJECTION_H
#define ENGINE_PROJECTION_H

#include "engine/engine.h"
#include "engine/feed.h"
#include "engine/rows.h"

#include <trading/projection.h>

/* Events that `run` commits at once: a commit writes every page that it touches, so few large ones are quicker. */
#define PROJECTION_BATCH 16384u
/* Of them it hands over so many a call, which stay in the cache from being told to being applied. */
#define PROJECTION_PORTION 512u

struct trading_projection {
    trading_engine *engine;          /* of the partition whose events it is fed */
    trading_projection **parts;      /* one of each partition: this one has nothing else of its own; NULL: it is of one */
    struct trading_projection *next; /* of those that are open in the engine */
    char name[PROJECTION_NAME_BYTES + 1];
    trading_projection_apply apply;
    void *context;
    trading_feed *feed;
    struct rows rows;
    struct rows_mark mark; /* as committed */
    struct overlay overlay;
};

/* TRADING_OK; TRADING_E_INVALID for no projection, and for one of several partitions: events, rows and commits are each part's own. */
int32_t projection_check_one(const trading_projection *projection, trading_error *error);

/* ---- projection_parts.c ---- */

/* Opens a projection with a function to apply, of all partitions that the engine has. Of several it is one of each, with rows and a position
 * of its own; they are run, reset and closed together. */
int32_t projection_open_all(trading_projection **projection, trading_engine *engine, const trading_projection_options *options,
                            trading_error *error);

/* The one that has the rows of the account. */
trading_projection *projection_of_account(trading_projection *projection, const trading_id *account);

/* What the public calls do with one that has parts. */
int32_t projection_run_parts(trading_projection *whole, uint64_t *applied, trading_error *error);
int32_t projection_reset_parts(trading_projection *whole, trading_error *error);
int64_t projection_position_of_parts(trading_projection *whole, int64_t *lag);
void projection_close_parts(trading_projection *whole);

#endif
