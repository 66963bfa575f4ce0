/* What writing and loading snapshots share. */
#ifndef STATE_SNAPSHOT_INSIDE_H
#define STATE_SNAPSHOT_INSIDE_H

#include "base/bytes.h"
#include "state/snapshot.h"

/* Varints, the base's sum and another of the increment beside the shape. */
#define FIRST_BYTES  (SHAPE_BYTES + 50u + SNAPSHOT_SUM_BYTES + SHAPE_SUM_BYTES)
#define LENGTH_BYTES sizeof(uint32_t)

#endif
