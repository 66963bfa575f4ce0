/* An engine and the model side by side: hands the same to both and compares what they answer and what they show. */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include "simulation/model.h"
#include "simulation/names.h"
#include "simulation/picture.h"
#include "simulation/step.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <trading.h>

struct world_options {
    const char *uri;
    const trading_store_ops *store; /* if set, the host knows it by the scheme "faulty" */
    uint64_t seed;                  /* of the keys and of the engine's entropy */
    trading_engine_options engine;  /* all but clock and entropy, which are the world's */
};

struct world {
    struct world_options options;
    trading_host *host;
    trading_engine *engine;
    struct model model;
    struct names names;
    _Atomic trading_time clock;
    _Atomic uint64_t entropy;
    MODEL_ARRAY(trading_result) results; /* by command's number: the first one's */
    int64_t newest_position;             /* of the results so far */
    int64_t position_before;             /* the batch */
    trading_time newest_time;            /* of the batches that left something in the journal: time never goes back behind it */
    int64_t pauses;                      /* how often work went on in another commit, as the tally found */
    char failure[1024];                  /* what did not agree; empty: nothing */
    int64_t failed_number;               /* the command at which it showed; 0: none in particular */
};

/* All of these return whether engine and model agree; once they do not, `failure` says why and the world is to be closed. */
bool world_open(struct world *world, const struct world_options *options);
void world_close(struct world *world);
/* Steps of one batch. */
bool world_run(struct world *world, const struct step *steps, size_t count);
/* All that views show now, and with `whole` all that is read from the journal. */
bool world_compare(struct world *world, bool whole);
/* All that a view of the past shows, with a picture of that moment. */
bool world_compare_past(struct world *world, int64_t position, const struct picture *then);
/* The same with a view of all that was committed until a time. */
bool world_compare_until(struct world *world, trading_time time, const struct picture *then);
bool world_verify(struct world *world);
/* A command as the engine takes it now; what it names and nobody has yet is a stranger's from here on. */
void world_lower(struct world *world, struct model_command *command, struct step_lowered *lowered);
/* Whether the engine's answer is the model's; what was made gets its name. */
bool world_same_result(struct world *world, const struct model_command *command, const struct model_answer *expected,
                       const trading_result *result);
/* The same with what the model answers now. */
bool world_check_result(struct world *world, const struct model_command *command, const trading_result *result);
/* The orders of portfolios that these commands closed get their names. */
bool world_name_orders(struct world *world, const struct model_command *commands, const trading_result *results, size_t count);
/* Sets clock and model to the time of a batch to come, and notes after it whether it left something in the journal. */
void world_begin(struct world *world, trading_time time);
void world_end(struct world *world);
/* The position that the next event will get. */
int64_t world_position(struct world *world);

bool world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
