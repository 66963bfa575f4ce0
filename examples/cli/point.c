#include "point.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool position_parse(const char *text, size_t length, int64_t *position)
{
    int64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        int digit = text[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *position = value;
    return length > 0;
}

/* A partition, a colon, a position. No time is that: it has more than two numbers. */
static bool address_parse(struct point *point, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    int64_t partition;
    if (!colon || !position_parse(text, (size_t)(colon - text), &partition) || partition >= POINT_HOME)
        return false;
    point->partition = (uint32_t)partition;
    return position_parse(colon + 1, length - (size_t)(colon + 1 - text), &point->position);
}

bool point_parse(struct point *point, const char *text, size_t length)
{
    *point = (struct point){.kind = POINT_POSITION, .partition = POINT_HOME};
    if (position_parse(text, length, &point->position) || address_parse(point, text, length))
        return true;
    point->kind = POINT_TIME;
    return trading_time_parse(text, length, &point->time) == TRADING_OK;
}

static int32_t position_view(const struct point *point, trading_engine *engine, int32_t entity, const trading_id *id,
                             trading_view **view, trading_error *error)
{
    uint32_t partition = point->partition;
    bool known =
        partition != POINT_HOME || (entity && trading_engine_partition_of(engine, entity, id, &partition, NULL) == TRADING_OK);
    int32_t code = known ? trading_view_open_at_position(view, engine, partition, point->position, error)
                         : trading_view_open(view, engine, point->position, error);
    if (code != TRADING_E_INVALID)
        return code;
    error->code = TRADING_E_NOT_FOUND;
    if (!known)
        snprintf(error->message, sizeof error->message,
                 "each of several partitions has positions of its own: name one, as in 0:%" PRId64 ", or give a time",
                 point->position);
    return TRADING_E_NOT_FOUND;
}

int32_t point_view(const struct point *point, trading_engine *engine, int32_t entity, const trading_id *id, trading_view **view,
                   trading_error *error)
{
    if (point->kind == POINT_TIME)
        return trading_view_open_at_time(view, engine, point->time, error);
    if (point->kind == POINT_POSITION)
        return position_view(point, engine, entity, id, view, error);
    return trading_view_open(view, engine, TRADING_VIEW_NOW, error);
}
