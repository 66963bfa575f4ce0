/* What the parts of the model say to each other. */
#ifndef SIMULATION_MODEL_INSIDE_H
#define SIMULATION_MODEL_INSIDE_H

#include "simulation/model.h"

/* Makes room for one more element, zeroed, and gives its index. Ends the test when memory runs out. */
int model_grow(void **at, int *count, int *room, size_t size);
#define MODEL_APPEND(array) model_grow((void **)&(array).at, &(array).count, &(array).room, sizeof(*(array).at))
/* Adds the value that the rest of the arguments spell. */
#define MODEL_ADD(array, ...)                                                                                                  \
    do {                                                                                                                       \
        int added_ = MODEL_APPEND(array); /* first, for it may move the array */                                               \
        (array).at[added_] = (__VA_ARGS__);                                                                                    \
    } while (0)

/* A refusal by a rule. */
struct model_refusal {
    int32_t reason; /* 0: none */
    int64_t required;
    int64_t available;
};

static inline struct model_refusal model_refuse(int32_t reason)
{
    return (struct model_refusal){.reason = reason};
}

static inline struct model_refusal model_refuse_amounts(int32_t reason, int64_t required, int64_t available)
{
    return (struct model_refusal){.reason = reason, .required = required, .available = available};
}

#define MODEL_AGREED ((struct model_refusal){0})

struct model_ledger *model_ledger(struct model *model, const trading_currency *currency);
bool model_same_symbol(const trading_symbol *a, const trading_symbol *b);
bool model_same_currency(const trading_currency *a, const trading_currency *b);
/* The one of USD where none is given. */
trading_currency model_currency_or_default(const trading_currency *currency);

/* model_portfolio.c */
/* The portfolio's position in the instrument, or NULL. */
struct model_position *model_position(struct model *model, int portfolio, int instrument);
/* What the portfolio's lots cost, and what it has made so far. */
wide model_cost(const struct model *model, int portfolio);
wide model_realized(const struct model *model, int portfolio);
/* The lot that the order bought, also when nothing is left of it, or NULL. */
struct model_lot *model_lot(struct model *model, int order);
struct model_refusal model_check_shares(struct model *model, int portfolio, const struct model_command *command);
void model_reserve(struct model *model, int order, int64_t quantity);
void model_release(struct model *model, int order, int64_t quantity);
void model_acquire(struct model *model, int order, int64_t quantity, int64_t cost);
/* The most that one execution of the sell order can take: a sale out of more lots is executed in several steps. */
int64_t model_sellable_at_once(const struct model *model, int order);
void model_dispose(struct model *model, int order, int64_t quantity, int64_t proceeds);

/* model_exchange.c */
struct model_refusal model_place_order(struct model *model, const struct model_command *command, struct model_answer *answer);
struct model_refusal model_cancel_order(struct model *model, const struct model_command *command, struct model_answer *answer);
struct model_refusal model_close_portfolio(struct model *model, const struct model_command *command,
                                           struct model_answer *answer);
struct model_refusal model_set_quote(struct model *model, const struct model_command *command);
void model_end_session(struct model *model);
/* The order takes part in no trade any more; what was held for it is free. */
void model_end_order(struct model *model, int order, int32_t status);
/* A trade, of which one side is the house where its order is MODEL_HOUSE. */
enum { MODEL_HOUSE = -1 };
void model_trade(struct model *model, int instrument, int buyer, int seller, int64_t quantity, int64_t price);
/* Whether an execution would take a sum past the range of a decimal: of the order, its account, its portfolio; of the house's shares. */
bool model_would_overflow(struct model *model, int order, int64_t quantity, int64_t price);
int64_t model_house_room(const struct model *model, int instrument, int32_t house_side);
/* Sells all that a closing portfolio may sell, and closes it when nothing is left in it. */
void model_liquidate(struct model *model, int64_t number, int portfolio);

/* model_venue.c: what a venue outside says of its orders. */
struct model_refusal model_book_execution(struct model *model, const struct model_command *command,
                                          struct model_answer *answer);
struct model_refusal model_end_routed(struct model *model, const struct model_command *command, struct model_answer *answer);

/* model_check.c: what is wrong with a command whatever the state; TRADING_REASON_NONE: nothing. */
int32_t model_malformed(const struct model_command *command);
bool model_same_command(const struct model_command *a, const struct model_command *b);

#endif
