#include "engine/hints.h"

#include "base/error.h"
#include "base/sorted.h"
#include "base/text.h"
#include "engine/engine.h"

#include <trading/partition.h>

void hints_open(struct hints *hints, struct memory *memory)
{
    *hints = (struct hints){.memory = memory};
    pthread_mutex_init(&hints->mutex, NULL);
}

void hints_close(struct hints *hints)
{
    if (!hints->memory)
        return;
    memory_release(hints->memory, hints->sorted, hints->room * sizeof *hints->sorted);
    pthread_mutex_destroy(&hints->mutex);
    *hints = (struct hints){0};
}

_Static_assert(offsetof(struct hint, symbol) == 0, "a hint begins with what it is sorted by");

/* Where the symbol is, or belongs. With the mutex held. */
static size_t seat_of(const struct hints *hints, const trading_symbol *symbol, bool *there)
{
    return sorted_seat(hints->sorted, hints->count, sizeof *hints->sorted, symbol, sizeof *symbol, there);
}

bool hints_put(struct hints *hints, const trading_symbol *symbol, const struct stamp *stamp)
{
    bool there;
    pthread_mutex_lock(&hints->mutex);
    size_t place = seat_of(hints, symbol, &there);
    bool room = there || (hints->count < HINTS_MOST && !memory_grow(hints->memory, (void **)&hints->sorted, &hints->room,
                                                                    hints->count + 1, sizeof *hints->sorted));
    if (room && !there) {
        memmove(hints->sorted + place + 1, hints->sorted + place, (hints->count - place) * sizeof *hints->sorted);
        hints->count++;
    }
    if (room)
        hints->sorted[place] = (struct hint){.symbol = *symbol, .stamp = *stamp};
    pthread_mutex_unlock(&hints->mutex);
    return room;
}

struct stamp hints_get(struct hints *hints, const trading_symbol *symbol)
{
    bool there;
    struct stamp stamp = {0};
    pthread_mutex_lock(&hints->mutex);
    size_t place = seat_of(hints, symbol, &there);
    if (there)
        stamp = hints->sorted[place].stamp;
    pthread_mutex_unlock(&hints->mutex);
    return stamp;
}

int32_t trading_quote_hint(trading_engine *engine, const trading_symbol *symbol, const trading_currency *currency,
                           trading_decimal bid, trading_decimal ask, trading_error *error)
{
    int32_t code = engine_check_letters(engine, error);
    if (code)
        return code;
    if (!symbol || !currency || !symbol_is_valid(symbol) || !currency_is_valid(currency) || bid < 0 || ask < 0)
        return error_set(error, TRADING_E_INVALID, "a quote has a symbol, a currency, and prices that are not negative");
    if (!hints_put(&engine->hints, symbol, &(struct stamp){.currency = *currency, .ask = ask}))
        return error_no_memory(error, "a quote");
    return error_clear(error);
}
