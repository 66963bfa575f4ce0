/* The state of a partition: that of every context, and the mark up to which the journal is folded into it. */
#ifndef PROCESS_DOMAIN_H
#define PROCESS_DOMAIN_H

#include "account/state.h"
#include "base/id.h"
#include "base/symbol.h"
#include "journal/entry.h"
#include "market/state.h"
#include "order/state.h"
#include "portfolio/state.h"
#include "process/event.h"

/* Numbers of the tables, in checkpoints for ever. */
enum domain_table {
    TABLE_MARK,
    TABLE_ACCOUNTS,
    TABLE_LEDGERS,
    TABLE_PORTFOLIOS,
    TABLE_OWNERS,
    TABLE_HOLDINGS,
    TABLE_LOTS,
    TABLE_ORDERS,
    TABLE_DESKS,
    TABLE_SESSION,
    TABLE_INSTRUMENTS,
    TABLE_LEVELS,
    TABLE_ENTRIES,
    TABLE_EXCHANGE,
    TABLE_CURSORS,
    TABLE_ACCOUNT_DETAILS,
    TABLE_RESTING,
    TABLE_PEERS,
    TABLE_ALIASES,
    TABLE_SPLITS,
};

/* One record: where the journal stands, and what of it is still to do. */
struct mark_record {
    int64_t next_position;
    trading_time time; /* of the last commit */
    trading_id nonce;
    uint64_t commits;
    struct work work;
    int32_t work_type; /* the command that the work belongs to, and its cause */
    uint32_t work_account;
    uint32_t unused;
    trading_id work_key;
    trading_id work_actor;
    trading_id work_correlation;
};

/* A durable cursor of a feed. */
struct cursor_record {
    char name[CURSOR_NAME_BYTES + 1];
    int64_t position;
};

/* What this partition and another have sent each other; its number is the other's partition + 1. */
struct peer_record {
    int64_t received; /* the position after the newest message applied, there; 0: none */
    int64_t sent;     /* the position after the newest message to it, here; 0: none */
};

/* That the partition was split, and what of its records is other partitions' since: all that is there of the kind, and not here. */
struct split_record {
    int64_t position; /* of the event */
    uint32_t from;    /* how many partitions there were */
    uint32_t to;
    uint32_t accounts;
    uint32_t portfolios;
    uint32_t orders;
    uint32_t unused;
};

/* Which partition of how many this is. What is where follows from the slots of ids and symbols. */
struct partitioning {
    uint32_t partition;
    uint32_t partitions;
};

struct domain {
    struct memory *memory;
    /* The digest of the commit that the durable state ends with, which the next one names; zero before the first. No record holds it, as it
     * is made while the next batch is decided. Not known at first where the state came from a checkpoint or snapshot. */
    bool has_digest;
    uint8_t digest[32];
    struct tables *tables;
    struct table *mark;
    struct table *cursors;
    struct table *peers;
    struct table *splits;
    struct partitioning place; /* set after opening; unless it is, this is the only one */
    bool unseen; /* nobody reads it yet, and whoever fails to fold a commit closes it: what is folded saves nothing */
    struct accounts accounts;
    struct portfolios portfolios;
    struct orders orders;
    struct market market;
};

/* An empty state. pin_bytes: see tables_open. */
int32_t domain_open(struct domain *domain, struct memory *memory, uint64_t pin_bytes, trading_error *error);
void domain_close(struct domain *domain);

/* The records that there is one of, for a partition whose journal is empty: within a stage of their own. */
int32_t domain_found(struct domain *domain, trading_error *error);

/* What the indexes hold in memory. Any thread. */
uint64_t domain_index_bytes(const struct domain *domain);

/* Fills the indexes from tables that a checkpoint or snapshot brought back. */
int32_t domain_index(struct domain *domain, trading_error *error);

/* Keeps the indexes beside the checkpoint of the tables' generation, which is of what is decided; and gets them from there: false when
 * they are not there, whole, and of this generation. */
int32_t domain_save_indexes(const struct domain *domain, const struct state_store *store, trading_error *error);
bool domain_load_indexes(struct domain *domain, const struct state_store *store);

/* True once what is decided found no memory: it must be discarded. */
bool domain_failed(const struct domain *domain);

/* Forgets all that is decided and not installed. */
void domain_discard(struct domain *domain);

static inline const struct mark_record *domain_mark(const struct domain *domain)
{
    return table_get(domain->mark, 1);
}

static inline struct mark_record *domain_edit_mark(struct domain *domain)
{
    return table_edit(domain->mark, 1);
}

static inline const struct peer_record *domain_peer(const struct domain *domain, uint32_t partition)
{
    return table_get(domain->peers, partition + 1);
}
/* What the two have sent each other, to be changed; made where there was none. */
struct peer_record *domain_edit_peer(struct domain *domain, uint32_t partition);

/* The partition where an entity with this id is; that has the symbol's book. */
static inline uint32_t domain_partition_of(const struct domain *domain, const trading_id *id)
{
    return id_slot(id) % domain->place.partitions;
}

static inline uint32_t domain_partition_of_book(const struct domain *domain, const trading_symbol *symbol)
{
    return domain->place.partitions == 1 ? domain->place.partition : symbol_slot(symbol) % domain->place.partitions;
}

/* Whether the symbol's book is here. */
static inline bool domain_has_book(const struct domain *domain, const trading_symbol *symbol)
{
    return domain_partition_of_book(domain, symbol) == domain->place.partition;
}

/* Whether an account, or what is an account's, went to another partition when this one was split. Its records stay as they were then. */
static inline bool domain_is_stranger(const struct domain *domain, const trading_id *id)
{
    return domain_partition_of(domain, id) != domain->place.partition;
}

/* ---- split.c ---- */

/* The partition is one of those that another was split into: all that is in others from here on leaves its lists and sums. NULL, or which
 * invariant it breaks. */
const char *domain_fold_split(struct domain *domain, const struct event *event);

/* ---- fold.c ---- */

/* The message that the cause is about is applied. NULL, or which invariant it breaks. */
const char *domain_receive(struct domain *domain, const struct cause *cause);

/* The cause's work is begun again: its entry goes on with it. */
void domain_resume(struct domain *domain);

/* The number of a feed's cursor, 0 when it was never acknowledged. */
uint32_t domain_cursor(const struct domain *domain, const char *name, size_t size);

/* What of an entry is known while its events are folded: `ordinal` counts the orders that it makes. */
struct folding {
    const struct cause *cause;
    trading_time time;
    uint32_t ordinal;
    const trading_id *order_id; /* of the order that is made next, where it was worked out to decide it; else NULL */
};

/* Applies one event to every context that it concerns, and fills in what follows from the state: where its entity's event before it stands,
 * and what is not written. NULL, or
 * which invariant it breaks; the state is then worthless. */
const char *domain_fold(struct domain *domain, struct folding *folding, struct event *event);

#endif
