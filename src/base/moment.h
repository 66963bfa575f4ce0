/* When and where something happened: the position of an event and the time of its commit. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <trading/time.h>

#define POSITION_NONE INT64_C(-1)

struct moment {
    int64_t position;
    trading_time time;
};

#endif
