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

struct point {
    enum point_kind kind;
    int64_t position;
    trading_time time;
};

/* Digits alone are a position; else a date or an RFC 3339 time. False when it is neither. */
bool point_parse(struct point *point, const char *text, size_t length);

/* Opens the view of that point. A view of now follows the journal (TRADING_VIEW_LATEST) when `latest`, else it is pinned. */
int32_t point_view(const struct point *point, trading_engine *engine, bool latest, trading_view **view, trading_error *error);

#endif
