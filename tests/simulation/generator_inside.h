/* What the files of the generator share. */
#ifndef SIMULATION_GENERATOR_INSIDE_H
#define SIMULATION_GENERATOR_INSIDE_H

#include "simulation/generator.h"
#include "simulation/model_inside.h"

static inline int64_t round_to(int64_t value, int64_t unit)
{
    return value < unit ? unit : value - value % unit;
}

static inline int64_t at_most(wide value)
{
    return value > TRADING_DECIMAL_MAX ? TRADING_DECIMAL_MAX : (int64_t)value;
}

/* generator_market.c */
/* Each makes the command one of its kind: an order, what a venue outside is sent or says, a cancel, a quote. */
void generator_order(struct generator *generator, struct model_command *command);
void generator_venue(struct generator *generator, struct model_command *command);
void generator_cancel(struct generator *generator, struct model_command *command);
void generator_quote(struct generator *generator, struct model_command *command);

/* generator_mistakes.c */
/* A command that is sent again, with one thing in it changed, so that it is another. */
void generator_change_one_thing(struct generator *generator, struct model_command *command);
/* With some luck makes a sensible command wrong in one of the ways that there are. */
void generator_spoil(struct generator *generator, struct model_command *command);

#endif
