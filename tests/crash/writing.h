/* The process that is killed: threads that execute their lists on one engine, and tell of every answer as soon as they have it. */
#ifndef CRASH_WRITING_H
#define CRASH_WRITING_H

#include "crash/killing.h"

/* What all threads of the process have. */
struct writing;

/* A thread of it. */
struct hand {
    struct writing *writing;
    uint64_t seed;
    int thread;
    int64_t next; /* the number of the next command */
};

/* What a thread does until writing_goes_on says that it is enough. */
typedef void (*writing_work)(struct hand *hand, void *context);

/* Opens the engine and lets every thread work, until the process is killed, or the engine closed in time. @return the exit code. */
int writing_run(const struct killing_writer *writer, const trading_engine_options *options, writing_work work, void *context);
bool writing_goes_on(const struct hand *hand);

/* Executes commands, or ends the process with a word. */
void writing_execute(const struct hand *hand, const trading_command *commands, size_t count, trading_result *results);
/* Tells of the results of the next commands, at most ERRAND_BATCH, and counts on. */
void writing_acknowledge(struct hand *hand, const trading_result *results, size_t count);

#endif
