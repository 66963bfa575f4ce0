/* Where the contexts meet: a command is decided by one after another, and each event is written into the commit and folded before the
 * next rule is asked. The only room that sees several contexts.
 *
 *      open the entry → decide → emit (write, fold) … → close the entry
 *
 * Work that would pass the commit's byte limit pauses with an event that says where, and goes on in the next commit. */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include "base/rejection.h"
#include "process/domain.h"
#include "process/outcome.h"

/* What one step of any work writes at most: an execution of both sides and the pieces of lots that it disposes of. A command is begun
 * only where PROCESS_COMMAND_BYTES are free. */
#define PROCESS_STEP_BYTES    16384u
#define PROCESS_COMMAND_BYTES 32768u
#define PROCESS_PIECES        128u

/* Personal text, sealed, ready to be written. */
struct sealed {
    const uint8_t *data;
    uint32_t size;
};

/* A valid command, with all that deciding may not fetch for itself. */
struct request {
    const trading_command *command;
    struct cause cause; /* its account: filled in by process_locate */
    struct sealed sealed;
    uint32_t portfolio; /* numbers of what it names, by process_locate */
    uint32_t order;
};

struct process {
    struct domain *domain;
    struct writer *out; /* the commit's body */
    trading_time now;
    int64_t next_position;
    trading_decimal collar;
    const char *broken; /* an invariant that broke: nothing more is done */

    /* of the entry that is open */
    struct folding folding;
    struct outcome outcome;
    struct work work;
    uint32_t events;
};

/* Finds what the command names, and so in which account's scope its key is. False when there is no such thing, or not of this account;
 * then it is rejected without being remembered. */
bool process_locate(const struct domain *domain, struct request *request, struct rejection *why);

/* The version of the entity that the command names (its account, portfolio, order or instrument), 0 when there is none yet. */
int64_t process_version(const struct domain *domain, const struct request *request, const struct outcome *outcome);

/* Decides a located command and writes its entry. False when the rules could not even name an entity to remember the rejection by
 * (`why`); nothing was written then. Otherwise result is filled; look at process->broken and tables_failed before trusting it. */
bool process_command(struct process *process, const struct request *request, trading_result *result, struct rejection *why);

/* Whether work waits that must go on before any command, and going on with it: writes an entry. */
bool process_has_work(const struct domain *domain);
void process_continue(struct process *process);

/* Folds one entry of a commit that is read again; the events follow at `position`. Gives how many there were; a bad reader, or broken. */
uint32_t process_replay_entry(struct process *process, struct reader *reader, struct cause *cause);

/* ---- within this room ---- */

/* Writes an event and folds it. `event` holds kind, number and what the kind says. */
void process_emit(struct process *process, struct event *event);

/* True while another step fits the commit. */
bool process_has_room(const struct process *process);

bool account_command(struct process *process, const struct request *request, struct rejection *why);
bool portfolio_command(struct process *process, const struct request *request, struct rejection *why);
bool order_command(struct process *process, const struct request *request, struct rejection *why);
bool market_command(struct process *process, const struct request *request, struct rejection *why);

/* The instrument's number, listed in the currency when it is new. */
uint32_t process_instrument(struct process *process, const trading_symbol *symbol, const trading_currency *currency);

/* Ends an open order: CANCELED or EXPIRED, and gives back what is held for it. */
void order_end(struct process *process, uint32_t order, uint32_t kind);

/* Writes the order and holds what it needs. */
struct order_terms {
    uint32_t portfolio;
    uint32_t instrument;
    uint32_t lot;
    int32_t side;
    int32_t type;
    int32_t time_in_force;
    trading_decimal quantity;
    trading_decimal limit;
    trading_decimal hold; /* buys: funds */
};
uint32_t order_place(struct process *process, const struct order_terms *terms);

/* Goes on with process->work as far as the commit has room. True when it is done. */
bool work_go_on(struct process *process);

/* Matches what is open of an order; what is left rests or is canceled. True when it is done. */
bool trade_order(struct process *process, uint32_t order);
/* Matches an instrument's quote with resting orders that it crosses. True when it is done. */
bool trade_quote(struct process *process, uint32_t instrument);

#endif
