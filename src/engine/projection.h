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
    trading_engine *engine;
    struct trading_projection *next; /* of those that are open in the engine */
    char name[PROJECTION_NAME_BYTES + 1];
    trading_projection_apply apply;
    void *context;
    trading_feed *feed;
    struct rows rows;
    struct rows_mark mark; /* as committed */
    struct overlay overlay;
};

#endif
