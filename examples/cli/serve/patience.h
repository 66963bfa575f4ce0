/* Waiting for a bus that is away, or has nobody who serves yet: for a while, and not without saying so. */
#ifndef SERVE_PATIENCE_H
#define SERVE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

struct patience {
    const char *who; /* is waiting: "trading serve" */
    int64_t end;     /* by monotonic_now */
    bool (*stopped)(void *context);
    void *context;
    char said[sizeof((trading_error *)NULL)->message]; /* last */
};

/* Whether what failed is to be tried again, after the moment that this waits. False when it would fail again, when the time is over, and when
 * it is stopped. */
bool patience_lasts(struct patience *patience, const trading_error *error);

#endif
