/* Prices for a replay, read from CSV files in one of two forms, which the header line tells apart:
 *
 *  - long: `date,symbol,price`, any number of symbols;
 *  - OHLCV: `date,open,high,low,close,volume` of one symbol, named by a `symbol` column or by the file (AAPL.csv).
 *
 * docs/replay.md describes them for users.
 */
#ifndef CLI_REPLAY_PRICES_H
#define CLI_REPLAY_PRICES_H

#include "input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading.h>

/* The volume of a row whose file has none. */
#define PRICE_NO_VOLUME INT64_C(-1)

struct price_row {
    trading_time time;
    trading_symbol symbol;
    trading_decimal price;  /* the close, of OHLCV */
    trading_decimal volume; /* shares traded that day, or PRICE_NO_VOLUME */
    const char *path;       /* the caller's; with line it says where the row is from */
    uint32_t line;
};

/* Rows of all files read so far. All zero is none. */
struct prices {
    struct price_row *rows;
    size_t count;
    size_t capacity;
};

/*
 * Adds the rows of a file. `path` must stay as long as the rows.
 * @return whether the whole file was read; otherwise error says why, and the rows are of no use.
 */
bool prices_read(struct prices *prices, const char *path, struct input_error *error);

/* Puts the rows of all files in order of time, those of one time in order of symbol, so that the order of the files does not matter.
 * Refuses two prices of one symbol at one time, as no rule could say which of them holds. */
bool prices_sort(struct prices *prices, struct input_error *error);

void prices_free(struct prices *prices);

/* The symbol that a file name gives: "data/AAPL.csv" gives AAPL. @return false when it is no valid symbol. */
bool symbol_of_path(const char *path, trading_symbol *symbol);

#endif
