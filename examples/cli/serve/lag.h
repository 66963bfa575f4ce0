/* How far a deployment is behind, partition by partition: what of its topic of commands is not in the journal yet, and what of the journal is not
 * published. It is looked at from outside: nobody is fenced, nothing is written. */
#ifndef SERVE_LAG_H
#define SERVE_LAG_H

#include "wire.h"

#include <jansson.h>

/* An object with a list `partitions`, and with a bus (NULL: none) what there is to it all together. Of an engine that only reads, as its store is
 * now. NULL, and `error` filled. */
json_t *lag_tell(trading_engine *engine, trading_bus *bus, const struct wire *wire, trading_error *error);

#endif
