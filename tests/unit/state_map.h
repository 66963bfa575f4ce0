/* A state store of a few hundred lines' worth less than the real ones: a sorted array, copied whole for a write. */
#ifndef STATE_MAP_H
#define STATE_MAP_H

#include "state/store.h"

extern const struct state_store_ops map_store_ops;

#endif
