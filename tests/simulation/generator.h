/* Makes up commands: mostly sensible ones by the state of the model, so that much is traded, and every kind of mistake among them. */
#ifndef SIMULATION_GENERATOR_H
#define SIMULATION_GENERATOR_H

#include "simulation/model.h"
#include "simulation/random.h"
#include "simulation/step.h"

enum { GENERATOR_SYMBOLS = 4 };

/* How its customers trade, in so many of a thousand. */
struct generator_habits {
    int64_t passive; /* limit orders that wait behind the market */
    int64_t sells;
    int64_t whole;  /* sells of all that is there */
    int64_t sweeps; /* orders that take hundreds of others */
    int64_t calm;   /* quotes and cancels that are left out */
    int64_t purse;  /* how many usual purchases an account can pay at first */
};

/* What kind of market the seed makes. */
struct generator_style {
    int accounts; /* how many are opened at first */
    bool grows;   /* accounts and portfolios come and go; else a few stay, and gather many lots */
    int symbols;
    trading_currency currencies[2];
    int64_t tick;      /* of prices */
    int64_t lot;       /* of quantities */
    int64_t most;      /* the largest usual quantity */
    int64_t base;      /* about what a share costs */
    int64_t reach;     /* how far from the last price orders ask and bid, in thousandths */
    int64_t unlimited; /* how many quotes in a thousand are for any size */
    struct generator_habits habits;
    int64_t sessions; /* how often in ten thousand commands the session ends */
};

struct generator {
    struct chance chance;
    const struct model *model;
    struct generator_style style;
    struct {
        trading_symbol symbol;
        trading_currency currency;
        int64_t reference; /* about where it trades now */
    } instruments[GENERATOR_SYMBOLS];
    int64_t next_number;
    int openings; /* how many of the first accounts were opened */
    trading_time now;
    int32_t next_batch;
    MODEL_ARRAY(struct model_command) history; /* of commands with a key */
};

void generator_init(struct generator *generator, uint64_t seed, const struct model *model);
void generator_free(struct generator *generator);
/* Fills one batch, by the state that the model has now. */
void generator_batch(struct generator *generator, struct step *steps, size_t count);

#endif
