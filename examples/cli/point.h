/* A point of the journal as a user names it: now, a position, or a time. */
#ifndef CLI_POINT_H
#define CLI_POINT_H

#include <stdbool.h>
#include <stddef.h>

#include <trading.h>

enum point_kind {
    POINT_NOW,
    POINT_POSITION,
    POINT_TIME,
};

#define POINT_HOME UINT32_MAX

struct point {
    enum point_kind kind;
    uint32_t partition; /* whose position it is; POINT_HOME: that of what is looked at */
    int64_t position;
    trading_time time;
};

/* Digits alone. */
bool position_parse(const char *text, size_t length, int64_t *position);

/* Digits alone are a position, 2:57 is one of partition 2; else a date or an RFC 3339 time. False when it is neither. */
bool point_parse(struct point *point, const char *text, size_t length);

/* Opens the view of that point, to look at an entity (TRADING_ENTITY_, 0: at all). A view of now is pinned. TRADING_E_NOT_FOUND: there is no
 * such position. */
int32_t point_view(const struct point *point, trading_engine *engine, int32_t entity, const trading_id *id, trading_view **view,
                   trading_error *error);

#endif
