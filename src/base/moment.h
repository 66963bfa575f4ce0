/* When and where something happened: the position of an event and the time of its commit; and where its entity's event before it stands,
 * which the entity's record tells who folds it. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <trading/time.h>

#define POSITION_NONE INT64_C(-1)

struct moment {
    int64_t position;
    trading_time time;
    int64_t previous; /* POSITION_NONE: it is the first */
};

#endif
