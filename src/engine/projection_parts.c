/* A projection of an engine of several partitions: one of each, driven together. */
#include "base/error.h"
#include "base/id.h"
#include "engine/projection.h"

static int32_t open_parts(trading_projection *whole, const trading_projection_options *options, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < whole->engine->partitions->count && !code; i++) {
        trading_filter filter = *options->filter;
        trading_projection_options of_part = *options;
        filter.partition = i;
        of_part.filter = &filter;
        code = trading_projection_open(&whole->parts[i], whole->engine, &of_part, error);
    }
    return code;
}

static int32_t open_whole(trading_projection **projection, trading_engine *engine, const trading_projection_options *options,
                          trading_error *error)
{
    trading_projection *whole = memory_zeroed(&engine->memory, 1, sizeof *whole);
    if (!whole)
        return error_no_memory(error, "a projection");
    whole->engine = engine;
    engine_enter(engine);
    whole->parts = memory_zeroed(&engine->memory, engine->partitions->count, sizeof(trading_projection *));
    int32_t code = whole->parts ? open_parts(whole, options, error) : error_no_memory(error, "a projection");
    if (code)
        projection_close_parts(whole);
    else
        *projection = whole;
    return code;
}

int32_t projection_open_all(trading_projection **projection, trading_engine *engine, const trading_projection_options *options,
                            trading_error *error)
{
    int32_t code = engine_check(engine, error);
    if (code || !projection || !engine_is_parted(engine))
        return trading_projection_open(projection, engine, options, error);
    *projection = NULL;
    return open_whole(projection, engine, options, error);
}

trading_projection *projection_of_account(trading_projection *projection, const trading_id *account)
{
    return projection->parts ? projection->parts[id_slot(account) % projection->engine->partitions->count] : projection;
}

/* ---- driving it ---- */

int32_t projection_run_parts(trading_projection *whole, uint64_t *applied, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < whole->engine->partitions->count && !code; i++) {
        uint64_t count = 0;
        code = trading_projection_run(whole->parts[i], &count, error);
        *applied += count;
    }
    return code;
}

int32_t projection_reset_parts(trading_projection *whole, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < whole->engine->partitions->count && !code; i++)
        code = trading_projection_reset(whole->parts[i], error);
    return code;
}

int64_t projection_position_of_parts(trading_projection *whole, int64_t *lag)
{
    int64_t position = 0;
    int64_t behind = 0;
    for (uint32_t i = 0; i < whole->engine->partitions->count; i++) {
        int64_t part = 0;
        position += trading_projection_position(whole->parts[i], &part);
        behind += part;
    }
    if (lag)
        *lag = behind;
    return position;
}

void projection_close_parts(trading_projection *whole)
{
    trading_engine *engine = whole->engine;
    for (uint32_t i = 0; whole->parts && i < engine->partitions->count; i++)
        trading_projection_close(whole->parts[i]);
    if (whole->parts)
        memory_release(&engine->memory, whole->parts, engine->partitions->count * sizeof(trading_projection *));
    memory_release(&engine->memory, whole, sizeof *whole);
    engine_leave(engine);
}
