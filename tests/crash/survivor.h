/* What must be found after a kill: for each thread of the writer, its list of commands as far as it is known to be done. */
#ifndef CRASH_SURVIVOR_H
#define CRASH_SURVIVOR_H

#include "crash/errand.h"
#include "simulation/model.h"
#include "simulation/names.h"

#include <stdbool.h>

#include <trading.h>

struct survivor {
    uint64_t seed;
    int thread;
    struct model model;
    struct names names;
    int64_t settled;         /* commands up to this number are done, and in the model */
    int64_t acknowledged;    /* and up to this one the writer said so */
    trading_result *results; /* by number: as they were first answered */
    int64_t room;
    int64_t in_flight; /* commands that were found done though nobody was told */
    char failure[1024];
};

void survivor_init(struct survivor *survivor, uint64_t seed, int thread);
void survivor_free(struct survivor *survivor);

/* Takes what the writer told. */
bool survivor_take(struct survivor *survivor, const struct acknowledgement *acknowledgement);
/* Checks an engine that was opened after the kill, and goes on from there: everything acknowledged is there once; of what was in
 * flight a first part, whole. `before` is a view as of the opening. */
bool survivor_check(struct survivor *survivor, trading_engine *engine, trading_view *before);

#endif
