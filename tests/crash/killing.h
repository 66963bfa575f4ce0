/* Running a writer as a program of its own, hearing what it acknowledges, and killing it at a random moment. */
#ifndef CRASH_KILLING_H
#define CRASH_KILLING_H

#include "crash/errand.h"
#include "simulation/random.h"

#include <stdbool.h>

/* A store under a writer that is killed again and again. */
struct killing {
    const char *uri;
    uint64_t seed;
    struct chance chance;
    int64_t kills;
    int64_t closed_in_time; /* writers that had closed their engine before they were killed */
    /* Takes what a writer told. @return whether it may be so */
    bool (*take)(void *context, const struct acknowledgement *acknowledgement);
    void *context;
};

/* Runs a writer whose threads begin at these numbers, and kills it. @return whether it died as it should, having told nothing strange. */
bool killing_run(struct killing *killing, const int64_t first[ERRAND_THREADS]);

/* Says on stderr at which kill of which seed what failed. @return false */
bool killing_fail(const struct killing *killing, const char *what);
bool killing_fail_code(const struct killing *killing, const char *what, int32_t code, const trading_error *error);

/* What a writer is asked to do. */
struct killing_writer {
    const char *uri;
    uint64_t seed;
    int64_t first[ERRAND_THREADS];
    int close_after; /* milliseconds; 0: it writes until it is killed */
    int out;
};

/* Whether the program was started as a writer, and as which. */
bool killing_is_writer(struct killing_writer *writer, int count, char **arguments);

#endif
