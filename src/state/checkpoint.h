/* Checkpoints: the tables' pages in the state store, so that an open reads them back and replays the journal's tail only. A page is
 * written when it changed since the last checkpoint; each carries a checksum, so that a scribbled store is found and thrown away. */
#ifndef STATE_CHECKPOINT_H
#define STATE_CHECKPOINT_H

#include "state/shape.h"
#include "state/store.h"
#include "state/table.h"

/* Saves more in the same write, as keys_save does. */
typedef int32_t (*checkpoint_also)(void *arg, const struct state_store *store, void *write, trading_error *error);

/* Writes the pages that changed, as of the pin, and the meta (at most SHAPE_META_BYTES: what the checkpoint stands for) in one write,
 * durable on return. `all`: every page, in place of what is there; so it must be when the tables were not loaded from this store, or
 * a load failed. `also` may be NULL. Any thread, one at a time, beside the tables' writer. When it fails the store is as it was. */
int32_t checkpoint_write(struct tables *tables, struct pin *pin, bool all, const struct state_store *store, const void *meta,
                         size_t meta_size, checkpoint_also also, void *arg, trading_error *error);

/* Fills tables that are fresh and have no readers yet. TRADING_E_NOT_FOUND when there is no checkpoint; TRADING_E_DAMAGED,
 * TRADING_E_NEWER_FORMAT or TRADING_E_UNSUPPORTED when there is none to be used; TRADING_E_BUSY when the writer, in another process,
 * replaced it meanwhile. After a failure the tables are good for nothing
 * but to be closed. */
int32_t checkpoint_load(struct tables *tables, const struct state_store *store, struct shape *shape, trading_error *error);

#endif
