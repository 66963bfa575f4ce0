/* The whole journal as a feed hands it out, added up by hand: what the events say must come to what the model has. */
#ifndef SIMULATION_TALLY_H
#define SIMULATION_TALLY_H

#include "simulation/world.h"

/* Positions without a gap, times that never go back, the chain of every entity's events, sums of cash and shares. */
bool world_tally(struct world *world);

#endif
