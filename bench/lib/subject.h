/* The engine that is measured, with its accounts. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "bench/lib/scratch.h"
#include "bench/lib/settings.h"

#include <trading.h>

struct subject {
    const struct settings *settings;
    trading_host *host;
    trading_engine *engine;
    struct scratch scratch;
    char uri[SCRATCH_BYTES + 16];
    trading_id *accounts; /* lie in a file, so as not to count as the engine's memory */
    size_t account_count;
    uint64_t run;     /* begins the key of each command of this run */
    uint64_t streams; /* of keys, so far */
};

int32_t subject_open(struct subject *subject, const struct settings *settings, trading_error *error);

/* Sees that there are as many accounts as the settings say, and lists them: those of a store that was given, and new ones. */
int32_t subject_populate(struct subject *subject, trading_error *error);

/* A host that loads the plugin of a store; subject_open did so first. For a child process, which cannot use its parent's. */
int32_t subject_open_host(struct subject *subject, trading_error *error);
/* Opens the store again, as it is; subject_open did so first. */
int32_t subject_open_engine(struct subject *subject, trading_error *error);
int32_t subject_close_engine(struct subject *subject, int32_t how, trading_error *error);

/* Closes and removes everything that may have come about. */
void subject_close(struct subject *subject);

/* A new stream of keys, for one who makes commands; and the keys in it. No other command of any run has one of them. */
uint64_t subject_stream(struct subject *subject);
trading_id subject_key(const struct subject *subject, uint64_t stream, uint64_t number);

/* Executes and expects that all is accepted. */
int32_t subject_execute(struct subject *subject, const trading_command *commands, trading_result *results, size_t count,
                        trading_error *error);

/* TRADING_OK when all are accepted; else says which are not. */
int32_t expect_accepted(const trading_result *results, size_t count, trading_error *error);

#endif
