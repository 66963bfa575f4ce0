/* A strategy for a replay: what customers do, by date. JSON Lines with the ops of `trading run` that are commands, and two members
 * more: "date" says when, "as" gives a name to what the line makes. Later lines write "@name" where an id is wanted, and
 * "@name.portfolio" for the portfolio of an account or order. docs/replay.md describes it for users. */
#ifndef CLI_REPLAY_STRATEGY_H
#define CLI_REPLAY_STRATEGY_H

#include "input.h"
#include "run_parse.h"

/* Account, portfolio, order and lot: the members that may be a name. */
#define REFERENCES_MAX 4

/* A name in a line. */
struct reference {
    size_t line;    /* the index of the line that it names */
    int32_t entity; /* TRADING_ENTITY_: which of the ids that came of that line is meant */
};

struct strategy_line {
    const char *text;
    size_t length;
    size_t number; /* in the file, from 1 */
    trading_time time;
    int32_t command; /* TRADING_COMMAND_ */
    trading_id key;
    char *as; /* NULL: it names nothing */
    struct reference references[REFERENCES_MAX];
    size_t reference_count;
    bool done;
    /* Once it is done: the ids that came of it, zero where it was refused. */
    trading_id account;
    trading_id portfolio;
    trading_id order;
};

struct strategy {
    const char *path;
    char *text;
    struct strategy_line *lines;
    size_t count;
    size_t capacity;
    json_t *names; /* name → index of its line */
};

/* Reads a strategy, and checks all that can be known before it is run. `path` must stay as long as the strategy. */
bool strategy_read(struct strategy *strategy, const char *path, struct input_error *error);

void strategy_free(struct strategy *strategy);

/* The first line that this one needs the id of and that has none, as it was refused; NULL when nothing is amiss. */
const struct strategy_line *strategy_missing(const struct strategy *strategy, const struct strategy_line *line);

/* Whether the lines that it needs the ids of are all done. */
bool strategy_is_ready(const struct strategy *strategy, const struct strategy_line *line);

/* Makes the request of a line that is ready and misses nothing. */
bool strategy_request(const struct strategy *strategy, struct strategy_line *line, struct parsed_line *parsed,
                      struct input_error *error);

#endif
