/* Snapshots as libraries wrote them that knew no columns. */
#ifndef OLDER_SNAPSHOT_H
#define OLDER_SNAPSHOT_H

#include "state/snapshot.h"

/* As snapshot_write, of the meta "meta"; each but the first of a base is an increment. */
int32_t older_snapshot_write(const struct tables *tables, struct pin *pin, const struct snapshot_place *place,
                             struct snapshot_base *base, struct memory *memory);

/* Sets the last chunk, which is of SNAPSHOT_SUM_BYTES, to what it would be if the others had been written so, by them or by this library. */
void snapshot_sum_again(uint8_t *const *chunks, const uint64_t *sizes, uint32_t count, bool older);

#endif
