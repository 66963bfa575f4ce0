#include "point.h"

static bool position_parse(const char *text, size_t length, int64_t *position)
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

bool point_parse(struct point *point, const char *text, size_t length)
{
    if (position_parse(text, length, &point->position)) {
        point->kind = POINT_POSITION;
        return true;
    }
    point->kind = POINT_TIME;
    return trading_time_parse(text, length, &point->time) == TRADING_OK;
}

int32_t point_view(const struct point *point, trading_engine *engine, bool latest, trading_view **view, trading_error *error)
{
    if (point->kind == POINT_TIME)
        return trading_view_open_at_time(view, engine, point->time, error);
    if (point->kind == POINT_POSITION)
        return trading_view_open(view, engine, point->position, error);
    return trading_view_open(view, engine, latest ? TRADING_VIEW_LATEST : TRADING_VIEW_NOW, error);
}
