/* Makes a failing simulation as short as it can. */
#ifndef SIMULATION_SHRINK_H
#define SIMULATION_SHRINK_H

#include "simulation/step.h"
#include "simulation/world.h"

#include <stddef.h>

/* Runs the steps in a world of their own, on a fresh store of the same kind. @return whether engine and model agreed to the end;
 * else `failure` (1024 bytes) says why not. */
bool simulation_replay(const struct world_options *options, const struct step *steps, size_t count, char *failure);

/* Drops steps as long as it still fails, for at most so many seconds. @return how many are left, at the front of `steps`. */
size_t simulation_shrink(const struct world_options *options, struct step *steps, size_t count, int seconds);

#endif
