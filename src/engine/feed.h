/* Feeds from within: what projections need of them beside the public calls. */
#ifndef ENGINE_FEED_H
#define ENGINE_FEED_H

#include "engine/engine.h"

#include <trading/feed.h>

/* The engine of the partition that the filter is of, in the place of the one that the host holds: of its account where it has one. */
int32_t feed_partition(trading_engine **engine, const trading_filter *filter, trading_error *error);

/* Goes on at another position, which is not beyond the durable one. */
void feed_seek(trading_feed *feed, int64_t position);

/* The digest of the commit that holds the event before the feed's position: it tells this journal from another. NULL as long as nothing
 * was read since the feed was opened or moved. */
const uint8_t *feed_digest(const trading_feed *feed);

/* The end of the feed's partition: the next position that is not durable yet. */
int64_t feed_end(const trading_feed *feed);

#endif
