#include "lines.h"

#include <string.h>

const char *const line_symbols[SYMBOLS] = {"AAPL", "GOOG", "IBM", "MSFT"};

void line_set(struct line *line, int32_t type, size_t size)
{
    *line = (struct line){.command = {.type = type, .body_size = size}};
    line->command.body = size ? &line->body : NULL;
    if (size)
        memcpy(&line->body, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
}

void line_make(struct chance *chance, const struct crowd *crowd, struct line *line)
{
    int64_t dice = chance_below(chance, 100);
    int64_t one = chance_below(chance, ACCOUNTS);
    if (dice < 30) {
        line_set(line, TRADING_COMMAND_TRANSFER, sizeof line->body.transfer);
        line->command.account = crowd->accounts[one];
        line->body.transfer.to = crowd->accounts[(one + chance_between(chance, 1, ACCOUNTS - 1)) % ACCOUNTS];
        line->body.transfer.amount = chance_between(chance, 1, 50 * ONE);
        if (dice == 0)
            line->body.transfer.to.bytes[5] ^= 1; /* nobody */
    } else if (dice < 85) {
        line_set(line, TRADING_COMMAND_PLACE_ORDER, sizeof line->body.place);
        line->body.place.portfolio = crowd->portfolios[one];
        line->body.place.side = chance_of(chance, 550) ? TRADING_SIDE_BUY : TRADING_SIDE_SELL;
        line->body.place.type = chance_of(chance, 300) ? TRADING_ORDER_TYPE_MARKET : TRADING_ORDER_TYPE_LIMIT;
        line->body.place.quantity = chance_between(chance, 1, 5 * ONE);
        if (line->body.place.type == TRADING_ORDER_TYPE_LIMIT)
            line->body.place.limit_price = chance_between(chance, 95 * ONE, 105 * ONE);
        strcpy(line->body.place.symbol.text, line_symbols[chance_below(chance, SYMBOLS)]);
    } else if (dice < 92) {
        line_set(line, TRADING_COMMAND_DEPOSIT, sizeof line->body.cash);
        line->command.account = crowd->accounts[one];
        line->body.cash.amount = chance_between(chance, 1, 100) * ONE;
    } else if (dice < 99) {
        line_set(line, TRADING_COMMAND_SET_QUOTE, sizeof line->body.quote);
        strcpy(line->body.quote.symbol.text, line_symbols[chance_below(chance, SYMBOLS)]);
        line->body.quote.bid = chance_between(chance, 95 * ONE, 100 * ONE);
        line->body.quote.ask = line->body.quote.bid + chance_between(chance, 1, 3 * ONE);
        line->body.quote.bid_size = line->body.quote.ask_size = TRADING_SIZE_UNLIMITED;
    } else {
        line_set(line, TRADING_COMMAND_END_SESSION, 0);
    }
}
