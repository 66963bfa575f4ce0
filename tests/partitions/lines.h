/* Random commands of a dozen customers in a few symbols, for engines from outside. */
#ifndef PARTITIONS_LINES_H
#define PARTITIONS_LINES_H

#include "simulation/random.h"

#include <trading.h>

enum { ACCOUNTS = 12, SYMBOLS = 4 };

#define ONE TRADING_DECIMAL_ONE

extern const char *const line_symbols[SYMBOLS];

struct crowd {
    trading_id accounts[ACCOUNTS];
    trading_id portfolios[ACCOUNTS];
};

/* A command with its body; command.body is to point to it wherever the line is moved. */
struct line {
    trading_command command;
    union {
        trading_open_account open;
        trading_cash cash;
        trading_transfer transfer;
        trading_place_order place;
        trading_set_quote quote;
    } body;
};

/* A command of the type, its body cleared and its size said. */
void line_set(struct line *line, int32_t type, size_t size);
/* Transfers, also to nobody; orders, deposits, quotes, and now and then the end of the session. */
void line_make(struct chance *chance, const struct crowd *crowd, struct line *line);

#endif
