/* One case of the state store's contract: a store of its own, whose memory is counted, and a way out of the case when a check fails. */
#ifndef STATE_TRIAL_H
#define STATE_TRIAL_H

#include "state_contract.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const struct state_store_ops *ops;
    char location[512];
    trading_host_functions host;
    _Atomic uint64_t held;
    trading_error error;
    jmp_buf escape;
};

_Noreturn static inline void fail(struct trial *trial, const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s (the last error: %s)\n", file, line, what, trial->error.message);
    longjmp(trial->escape, 1);
}

#define CHECK(trial, condition)                                                                                                \
    do {                                                                                                                       \
        if (!(condition))                                                                                                      \
            fail(trial, __FILE__, __LINE__, #condition);                                                                       \
    } while (0)

static inline void *allocate(void *context, size_t bytes)
{
    struct trial *trial = context;
    atomic_fetch_add(&trial->held, bytes);
    return malloc(bytes);
}

static inline void release(void *context, void *memory, size_t bytes)
{
    struct trial *trial = context;
    atomic_fetch_sub(&trial->held, memory ? bytes : 0);
    free(memory);
}

static inline void *open_store(struct trial *trial)
{
    void *store = NULL;
    CHECK(trial, trial->ops->open(trial->location, false, &trial->host, &store, &trial->error) == TRADING_OK);
    return store;
}

struct state_case {
    const char *name;
    void (*run)(struct trial *trial);
    bool lasts;
};

/* state_contract_blobs.c */
extern const struct state_case blob_cases[];
extern const size_t blob_case_count;

/* state_contract_files.c */
extern const struct state_case file_cases[];
extern const size_t file_case_count;

static inline bool trial_run(const struct state_store_ops *ops, const char *location, const struct state_case *test)
{
    static struct trial trial;
    memset(&trial, 0, sizeof trial);
    trial.ops = ops;
    snprintf(trial.location, sizeof trial.location, "%s%s", location, test->name);
    trial.host = (trading_host_functions){
        .size = sizeof trial.host, .abi = TRADING_PLUGIN_ABI, .context = &trial, .allocate = allocate, .release = release};
    bool failed = true;
    if (!setjmp(trial.escape)) {
        test->run(&trial);
        CHECK(&trial, atomic_load(&trial.held) == 0);
        failed = false;
    }
    printf("%s state %s%s\n", failed ? "not ok" : "ok", location, test->name);
    fflush(stdout);
    return !failed;
}

/* How many failed. */
static inline int trial_run_all(const struct state_store_ops *ops, const char *location, const struct state_case *cases,
                                size_t count, bool lasts_over_opens)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        if ((lasts_over_opens || !cases[i].lasts) && !trial_run(ops, location, &cases[i]))
            failed++;
    }
    return failed;
}

#endif
