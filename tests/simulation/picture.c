#include "simulation/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 20 };

static const struct {
    const char *name;
    const char *columns[MOST_COLUMNS + 1];
} tables[PICTURE_TABLES] = {
    [PICTURE_ACCOUNTS] = {"account",
                          {"name", "status", "currency", "balance", "held", "available", "opened", "portfolio_count", "aliases",
                           "alias_sum"}},
    [PICTURE_PORTFOLIOS] = {"portfolio",
                            {"name", "account", "status", "loyalty", "currency", "opened", "position_count", "open_order_count",
                             "traded", "cost_basis", "market_value", "realized_pnl", "unrealized_pnl"}},
    [PICTURE_POSITIONS] = {"position",
                           {"portfolio", "symbol", "quantity", "reserved", "cost_basis", "mark", "market_value", "realized_pnl",
                            "unrealized_pnl"}},
    [PICTURE_LOTS] = {"lot", {"portfolio", "lot", "symbol", "quantity", "reserved", "cost_basis", "acquired"}},
    [PICTURE_ORDERS] = {"order", {"name",   "account", "portfolio",     "lot",      "symbol",   "side",  "type",
                                  "tif",    "status",  "reason",        "executed", "quantity", "limit", "filled_quantity",
                                  "leaves", "average", "consideration", "held",     "refunded", "placed"}},
    [PICTURE_OPEN_ORDERS] = {"open order", {"portfolio", "name"}},
    [PICTURE_INSTRUMENTS] = {"instrument",
                             {"symbol", "currency", "quoted", "bid", "ask", "bid_size", "ask_size", "last_price", "quote_time",
                              "trade_time"}},
    [PICTURE_LEVELS] = {"level", {"symbol", "side", "price", "quantity", "orders"}},
    [PICTURE_LEDGERS] = {"ledger",
                         {"currency", "customers", "customers >> 64", "house", "house >> 64", "bank", "bank >> 64", "clearing",
                          "clearing >> 64", "fee", "fee >> 64"}},
    [PICTURE_TEXTS] = {"texts",
                       {"account", "portfolio", "name", "profile_name", "profile_surname", "email", "phone_number", "street",
                        "postal_code", "province"}},
    [PICTURE_EXECUTIONS] = {"execution", {"order", "counter_order", "quantity", "price", "consideration", "time"}},
};

static size_t columns_of(enum picture_table table)
{
    size_t columns = 0;
    while (tables[table].columns[columns])
        columns++;
    return columns;
}

void picture_init(struct picture *picture)
{
    memset(picture, 0, sizeof(*picture));
}

void picture_free(struct picture *picture)
{
    for (int i = 0; i < PICTURE_TABLES; i++)
        free(picture->tables[i].cells);
    picture_init(picture);
}

void picture_add(struct picture *picture, enum picture_table table, const int64_t *cells)
{
    size_t columns = columns_of(table);
    if (picture->tables[table].rows == picture->tables[table].room) {
        picture->tables[table].room = picture->tables[table].room ? picture->tables[table].room * 2 : 32;
        picture->tables[table].cells =
            realloc(picture->tables[table].cells, picture->tables[table].room * columns * sizeof(*cells));
        if (!picture->tables[table].cells) {
            fprintf(stderr, "picture: out of memory\n");
            exit(2);
        }
    }
    memcpy(picture->tables[table].cells + picture->tables[table].rows * columns, cells, columns * sizeof(*cells));
    picture->tables[table].rows++;
}

int64_t picture_alias(int64_t portfolio, const char *space, const char *name)
{
    return (int64_t)((uint64_t)picture_text(space) * 31 + (uint64_t)picture_text(name) * 7 + (uint64_t)portfolio);
}

int64_t picture_letters(const char *text, size_t bytes)
{
    int64_t letters = 0;
    memcpy(&letters, text, strnlen(text, bytes < sizeof(letters) ? bytes : sizeof(letters)));
    return letters;
}

void picture_forget(struct picture *picture, enum picture_table table)
{
    picture->tables[table].rows = 0;
}

static bool is_time(const char *column)
{
    static const char *const names[] = {"opened", "acquired", "placed", "quote_time", "trade_time", "time"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

void picture_forget_times(struct picture *picture)
{
    for (int table = 0; table < PICTURE_TABLES; table++) {
        size_t columns = columns_of((enum picture_table)table);
        for (size_t column = 0; column < columns; column++)
            for (size_t row = 0; row < picture->tables[table].rows && is_time(tables[table].columns[column]); row++)
                picture->tables[table].cells[row * columns + column] = 0;
    }
}

static int compare_rows(const void *a, const void *b, void *columns)
{
    return memcmp(a, b, *(const size_t *)columns * sizeof(int64_t));
}

void picture_sort(struct picture *picture)
{
    for (int table = 0; table < PICTURE_TABLES; table++) {
        size_t columns = columns_of((enum picture_table)table);
        if (picture->tables[table].rows)
            qsort_r(picture->tables[table].cells, picture->tables[table].rows, columns * sizeof(int64_t), compare_rows,
                    &columns);
    }
}

int64_t picture_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    while (*text)
        hash = (hash ^ (uint8_t)*text++) * UINT64_C(1099511628211);
    return (int64_t)hash;
}

static bool is_letters(const char *column)
{
    return strcmp(column, "symbol") == 0 || strcmp(column, "currency") == 0;
}

static bool is_name(const char *column)
{
    return strcmp(column, "name") == 0 || strcmp(column, "account") == 0 || strcmp(column, "portfolio") == 0 ||
           strcmp(column, "lot") == 0 || strcmp(column, "order") == 0 || strcmp(column, "counter_order") == 0;
}

static void cell_text(const char *column, int64_t cell, char *text, size_t bytes)
{
    char letters[sizeof(cell) + 1] = {0};
    memcpy(letters, &cell, sizeof(cell));
    if (is_letters(column))
        snprintf(text, bytes, "%s", letters);
    else if (is_name(column) && cell > 0)
        snprintf(text, bytes, "#%" PRId64 ".%" PRId64, MODEL_NUMBER_OF(cell), cell % 256);
    else
        snprintf(text, bytes, "%" PRId64, cell);
}

static void describe(enum picture_table table, const int64_t *engine, const int64_t *model, size_t column, char *difference,
                     size_t bytes)
{
    char first[32];
    char second[32];
    char shown[32];
    char meant[32];
    cell_text(tables[table].columns[0], model[0], first, sizeof(first));
    cell_text(tables[table].columns[1], model[1], second, sizeof(second));
    cell_text(tables[table].columns[column], engine[column], shown, sizeof(shown));
    cell_text(tables[table].columns[column], model[column], meant, sizeof(meant));
    snprintf(difference, bytes, "%s with %s %s and %s %s: %s is %s in the engine, %s in the model", tables[table].name,
             tables[table].columns[0], first, tables[table].columns[1], second, tables[table].columns[column], shown, meant);
}

static bool same_table(const struct picture *engine, const struct picture *model, enum picture_table table, char *difference,
                       size_t bytes)
{
    size_t columns = columns_of(table);
    size_t rows = engine->tables[table].rows;
    if (rows > model->tables[table].rows)
        rows = model->tables[table].rows;
    for (size_t row = 0; row < rows; row++) {
        const int64_t *ours = model->tables[table].cells + row * columns;
        const int64_t *theirs = engine->tables[table].cells + row * columns;
        for (size_t column = 0; column < columns; column++) {
            if (ours[column] != theirs[column]) {
                describe(table, theirs, ours, column, difference, bytes);
                return false;
            }
        }
    }
    if (engine->tables[table].rows == model->tables[table].rows)
        return true;
    snprintf(difference, bytes, "%s: %zu in the engine, %zu in the model", tables[table].name, engine->tables[table].rows,
             model->tables[table].rows);
    return false;
}

bool picture_same(const struct picture *engine, const struct picture *model, char *difference, size_t bytes)
{
    for (int table = 0; table < PICTURE_TABLES; table++)
        if (!same_table(engine, model, (enum picture_table)table, difference, bytes))
            return false;
    return true;
}
