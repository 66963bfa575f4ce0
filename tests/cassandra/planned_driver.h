/* A driver without a server, whose every answer the test plans: it says of what kind a statement is, and what such a statement answers.
 * The rest of driver.h is here; driver_define and driver_agree, which make the schema, are the test's too. */
#ifndef PLANNED_DRIVER_H
#define PLANNED_DRIVER_H

#include "backends/cassandra/driver.h"

#include <stdbool.h>

/* At most one row, of a number, or of bytes that outlive it. */
struct driver_rows {
    bool is_told; /* or there is none */
    int64_t number;
    const void *bytes;
    uint64_t size;
};

/* The test's: what kind of statement this is, in numbers of its own; and what one of that kind answers, a DRIVER_ code. The row is there, with the number 1. */
int planned_kind(const char *cql);
int32_t planned_answer(int kind, const struct driver_value *values, struct driver_rows *rows);

/* How many requests are begun and not awaited, and how many were at the most. */
extern int planned_under_way;
extern int planned_most_under_way;

#endif
