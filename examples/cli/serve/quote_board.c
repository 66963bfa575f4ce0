#include "quote_board.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

static long long position_of(const json_t *quote)
{
    const char *position = json_string_value(json_object_get(quote, "position"));
    return position ? strtoll(position, NULL, 10) : -1;
}

bool quote_board_take(json_t *board, const trading_bus_record *record)
{
    json_t *quote = record->value ? json_loadb(record->value, (size_t)record->value_size, 0, NULL) : NULL;
    const char *symbol = json_string_value(json_object_get(quote, "symbol"));
    /* All of a symbol's quotes are told by its book's partition, and so have positions of one journal. */
    bool is_new = symbol && position_of(quote) >= position_of(json_object_get(board, symbol));
    if (is_new)
        json_object_set(board, symbol, quote);
    json_decref(quote);
    return is_new;
}

void quote_board_tell(const json_t *board, const struct wire *wire, struct inbox *inbox)
{
    const char *symbol;
    json_t *quote;
    json_object_foreach((json_t *)board, symbol, quote)
    {
        char *text = output_text(quote);
        const trading_bus_record record = {.topic = wire->quotes, .value = text, .value_size = strlen(text)};
        inbox_put(inbox, &record);
        free(text);
    }
}
