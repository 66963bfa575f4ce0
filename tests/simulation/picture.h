/* All that a view can show at one moment, as plain tables of numbers: once drawn from the model, once from the engine's views.
 * Two pictures of the same moment are the same, field by field. */
#ifndef SIMULATION_PICTURE_H
#define SIMULATION_PICTURE_H

#include "simulation/model.h"
#include "simulation/names.h"

#include <stdbool.h>

#include <trading.h>

enum picture_table {
    PICTURE_ACCOUNTS,
    PICTURE_PORTFOLIOS,
    PICTURE_POSITIONS,
    PICTURE_LOTS,
    PICTURE_ORDERS,
    PICTURE_OPEN_ORDERS,
    PICTURE_INSTRUMENTS,
    PICTURE_LEVELS,
    PICTURE_LEDGERS,
    PICTURE_EXECUTIONS,
    PICTURE_TEXTS,
    PICTURE_TABLES
};

struct picture {
    struct {
        int64_t *cells; /* row by row */
        size_t rows;
        size_t room;
    } tables[PICTURE_TABLES];
};

void picture_init(struct picture *picture);
void picture_free(struct picture *picture);
/* Adds a row of as many cells as the table has columns. */
void picture_add(struct picture *picture, enum picture_table table, const int64_t *cells);
/* Leaves out what the pictures to compare are not to say. */
void picture_forget(struct picture *picture, enum picture_table table);
void picture_forget_times(struct picture *picture);
/* Puts the rows of each table in one order, whatever order they were seen in. */
void picture_sort(struct picture *picture);
/* A text as a number that stands for it. */
int64_t picture_text(const char *text);
/* An alias as a number: those of an account add up in any order. */
int64_t picture_alias(int64_t portfolio, const char *space, const char *name);
/* A symbol's or currency's characters as a number. */
int64_t picture_letters(const char *text, size_t bytes);

/* Compares what the engine shows with what the model says. @return true when they are the same, else `difference` says where. */
bool picture_same(const struct picture *engine, const struct picture *model, char *difference, size_t bytes);

/* `whole`: with all that must be read from the journal, the executions of every order and the texts of every account. */
void picture_of_model(struct picture *picture, const struct model *model, bool whole);
/* @return TRADING_OK, or the code of the view that failed, and which in `error`. */
int32_t picture_of_view(struct picture *picture, trading_view *view, const struct names *names, bool whole,
                        trading_error *error);
/* One account and the instruments it trades in, as if they were alone; without the ledgers. */
int32_t picture_of_account(struct picture *picture, trading_view *view, const struct names *names, const trading_id *account,
                           const trading_symbol *symbols, size_t symbol_count, trading_error *error);

#endif
