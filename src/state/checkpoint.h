/* Checkpoints: the tables' pages in the state files, so that an open finds them there and replays the journal's tail only. Only what
 * changed since the last checkpoint is written, in order, each page with a checksum.
 *
 * A checkpoint has a generation. Its pages go to a log first (page_log.h), and last there. Then one write of the state store says what
 * the tables are in this generation, and that its log is to be applied: that is the moment from which it is the one. Then the pages go
 * into their places in the state files, and last; and a write says that it is done. Whoever opens the files after a crash applies the
 * log that the state store names, and no other; it may have been applied already, in part or in whole, which does no harm. The log
 * is not written again before the state store has ceased to name it.
 *
 * Where there is no checkpoint that could be spoiled, pages go straight into their places. */
#ifndef STATE_CHECKPOINT_H
#define STATE_CHECKPOINT_H

#include "state/shape.h"
#include "state/store.h"
#include "state/table.h"

#define CHECKPOINT_FORMAT 3u /* its shape's: before, pages had another checksum, which is read (page_sum_matches) */

/* What of a shape's meta is the owner's. */
#define CHECKPOINT_META_BYTES (SHAPE_META_BYTES - 8u)

/* Makes a checkpoint of what changed, as of the pin, and the meta (at most CHECKPOINT_META_BYTES: what the checkpoint stands for);
 * lasting on return. `all`: of every page, where the tables were not loaded from this store, or a load failed; what is there is given
 * up first. Any thread, one at a time, beside the tables' writer. When it fails the store is as it was, but
 * that with `all` it may have no checkpoint. memory: for what it needs on the way. */
int32_t checkpoint_write(struct tables *tables, struct pin *pin, bool all, const struct state_store *store,
                         struct memory *memory, const void *meta, size_t meta_size, trading_error *error);

/* Brings the pages of the last checkpoint into their places, for which no pin need be held. Where it fails, the next one does it first, or
 * the next opening. */
int32_t checkpoint_settle(struct tables *tables, const struct state_store *store, struct memory *memory, trading_error *error);

/* Fills tables that are fresh and have no readers yet. With `back` the tables are mapped, else they are read into memory, as beside the
 * writer's process. TRADING_E_NOT_FOUND when there is no checkpoint; TRADING_E_DAMAGED, TRADING_E_NEWER_FORMAT or
 * TRADING_E_UNSUPPORTED when there is none to be used; TRADING_E_BUSY when the writer, in another process, replaced it meanwhile. After
 * a failure the tables are good for nothing but to be closed. */
int32_t checkpoint_load(struct tables *tables, const struct state_store *store, bool back, struct memory *memory,
                        struct shape *shape, trading_error *error);

/* Gives up what there is, so that the state is made anew: lasting on return. */
int32_t checkpoint_forget(const struct state_store *store, trading_error *error);

/* Empties the state files, once it is given up and nobody maps them. */
int32_t checkpoint_clear(const struct state_store *store, trading_error *error);

#endif
