/* What the partitions of a process do, a line of JSON each on standard output every so often. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "owned.h"

#include <jansson.h>

struct metrics {
    const struct wire *wire;
    int64_t period; /* nanoseconds; 0: nothing is told */
    int64_t due;
    int64_t told;                              /* when it was told last */
    double seconds;                            /* from the time before */
    json_t *lags;                              /* by partition, as the bus tells them */
    uint64_t commands[SERVING_PARTITIONS_MAX]; /* as they were told last */
};

void metrics_init(struct metrics *metrics, const struct wire *wire, int64_t period);
void metrics_free(struct metrics *metrics);
bool metrics_due(const struct metrics *metrics, int64_t now);
/* Begins a round of lines; then one for each partition. */
void metrics_begin(struct metrics *metrics, trading_bus *bus, int64_t now);
void metrics_tell(struct metrics *metrics, uint32_t partition, const struct owned *owned);

#endif
