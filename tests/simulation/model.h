/* An independent model of the whole domain, written from the rules alone: plain arrays, linear scans, 128-bit arithmetic of its own.
 * It shares nothing with src/, so that what it and the engine agree on is not an agreement with oneself.
 *
 * Ids are opaque to it: what a command makes is named by the command's number and an ordinal, and whoever compares keeps the
 * table of the engine's ids. The constants of the public headers are the vocabulary that both speak. */
#ifndef SIMULATION_MODEL_H
#define SIMULATION_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading.h>

__extension__ typedef __int128 wide;

/* The name of the entity with this ordinal that the command of this number made. Nothing is 0. */
#define MODEL_NAME(number, ordinal) ((int64_t)(number)*256 + (int64_t)(ordinal))
#define MODEL_NUMBER_OF(name)       ((name) / 256)

/* What is wrong with a command before any rule is asked. The numbers that are wrong in themselves, the model sees for itself. */
enum model_fault {
    MODEL_FAULT_NONE,
    MODEL_FAULT_TYPE,       /* a type that does not exist */
    MODEL_FAULT_BODY_SIZE,  /* a body of another size than its type's */
    MODEL_FAULT_FLAGS,      /* a flag that does not exist */
    MODEL_FAULT_NO_BODY,    /* no body where there must be one */
    MODEL_FAULT_LONG_TEXT,  /* a text that is too long */
    MODEL_FAULT_BROKEN_TEXT /* a text that is not UTF-8 */
};

/* What expected_version says. */
enum model_version { MODEL_VERSION_ANY, MODEL_VERSION_RIGHT, MODEL_VERSION_WRONG };

struct model_command {
    int64_t number; /* names what it makes; ≥ 1 */
    int64_t key;    /* 0: none */
    int32_t type;   /* TRADING_COMMAND_ */
    enum model_fault fault;
    enum model_version version;
    int32_t side;
    int32_t order_type;
    int32_t time_in_force;
    int32_t status;  /* that a venue ended an order with */
    int64_t account; /* names; 0: none */
    int64_t portfolio;
    int64_t order;
    int64_t lot;
    int64_t other; /* the account that a transfer is to */
    trading_symbol symbol;
    trading_currency currency;
    int64_t amount; /* of cash, of the opening deposit */
    int64_t quantity;
    int64_t price;
    int64_t bid;
    int64_t ask;
    int64_t bid_size;
    int64_t ask_size;
    int64_t text;  /* which texts it carries */
    int64_t alias; /* which alias, and in which space */
    int32_t space;
};

struct model_answer {
    int64_t number; /* of the command whose outcome this is: of a duplicate, the first one's */
    int32_t status;
    int32_t reason;
    int64_t account;
    int64_t portfolio;
    int64_t order;
    int32_t order_status;
    int64_t filled;
    int64_t average;
    int64_t required;
    int64_t available;
    int executions; /* that the command brought about, of whatever orders */
};

struct model_account {
    int64_t name;
    trading_currency currency;
    int32_t status;
    int64_t balance;
    int64_t held;
    trading_time opened;
    int64_t text; /* which texts it was opened with, and which contact and address it has now */
    int64_t contact_text;
    int64_t address_text;
};

struct model_portfolio {
    int64_t name;
    int account; /* indexes into the model's arrays */
    int32_t status;
    int64_t traded;
    trading_time opened;
    int64_t text; /* its name */
};

/* A symbol that a portfolio holds or has held. */
struct model_position {
    int portfolio;
    int instrument;
    int64_t quantity;
    int64_t reserved;
    int64_t realized;
};

struct model_lot {
    int order; /* that bought it */
    int portfolio;
    int instrument;
    int64_t quantity;
    int64_t reserved; /* for orders that name it */
    int64_t cost;
    trading_time acquired;
};

struct model_order {
    int64_t name;
    int portfolio;
    int64_t lot; /* as it was named */
    trading_symbol symbol;
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    int32_t status;
    int32_t reason;
    int64_t quantity;
    int64_t limit;
    int64_t filled;
    wide paid; /* Σ price × quantity of its executions, in 10⁻¹² */
    int64_t held;
    int64_t refunded;
    int executions;
    int newest_execution; /* −1: none */
    bool outside;         /* at a venue that is not the exchange here */
    trading_time placed;
};

struct model_execution {
    int order;
    int counter_order; /* −1: the house */
    int older;         /* the execution of the same order before it, or −1 */
    int64_t quantity;
    int64_t price;
    int64_t consideration;
    trading_time time;
};

struct model_instrument {
    trading_symbol symbol;
    trading_currency currency;
    bool quoted;
    int64_t bid;
    int64_t ask;
    int64_t bid_size;
    int64_t ask_size;
    int64_t last_price;
    trading_time quote_time;
    trading_time trade_time;
};

/* What the bank and the house hold of one currency; clearing and fees hold nothing between commands. */
struct model_ledger {
    trading_currency currency;
    wide bank;
    wide house;
};

/* What another system calls an account, or a portfolio of it. */
struct model_alias {
    int account;
    int64_t portfolio; /* its name; 0: it is the account's */
    int32_t space;
    int64_t alias;
};

/* An outcome that is remembered under a key. */
struct model_memory {
    int64_t scope; /* the account's name, or one of the scopes that are no account's */
    struct model_command command;
    struct model_answer answer;
    int older; /* the one before it under the same key, or −1 */
};

/* A growable array of anything. */
#define MODEL_ARRAY(type)                                                                                                      \
    struct {                                                                                                                   \
        type *at;                                                                                                              \
        int count;                                                                                                             \
        int room;                                                                                                              \
    }

struct model {
    trading_time now; /* the time of the commands to come */
    int64_t collar;
    MODEL_ARRAY(struct model_account) accounts;
    MODEL_ARRAY(struct model_portfolio) portfolios;
    MODEL_ARRAY(struct model_position) positions;
    MODEL_ARRAY(struct model_lot) lots; /* the oldest first */
    MODEL_ARRAY(struct model_order) orders;
    MODEL_ARRAY(int) open_orders; /* in order of arrival */
    MODEL_ARRAY(struct model_execution) executions;
    MODEL_ARRAY(struct model_instrument) instruments;
    MODEL_ARRAY(struct model_ledger) ledgers;
    MODEL_ARRAY(struct model_alias) aliases;
    MODEL_ARRAY(struct model_memory) memories;
    MODEL_ARRAY(int) newest_memory;     /* by key: the newest memory under it, or −1 */
    MODEL_ARRAY(int) account_of_number; /* by command's number: what it made first, or −1 */
    MODEL_ARRAY(int) portfolio_of_number;
    MODEL_ARRAY(int) order_of_number;
};

void model_init(struct model *model, int64_t collar);
void model_free(struct model *model);

struct model_answer model_execute(struct model *model, const struct model_command *command);

/* Indexes by name; −1: there is none. */
int model_find_account(const struct model *model, int64_t name);
int model_find_portfolio(const struct model *model, int64_t name);
int model_find_order(const struct model *model, int64_t name);
int model_find_instrument(const struct model *model, const trading_symbol *symbol);

/* a ÷ b, half to even; b > 0. */
wide model_divide(wide a, wide b);
/* What an order has paid or received so far. */
int64_t model_consideration(const struct model_order *order);
/* Whether commands of the type make an order; are about one that is there. */
bool model_places_order(int32_t type);
bool model_names_order(int32_t type);
int64_t model_average_price(const struct model_order *order);
bool model_is_open(const struct model_order *order);
/* What one share of the instrument is valued at. */
int64_t model_mark(const struct model_instrument *instrument);
/* How many decimals the currency has; −1: the model knows no such currency. */
int model_currency_decimals(const trading_currency *currency);

#endif
