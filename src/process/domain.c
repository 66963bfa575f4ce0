#include "process/domain.h"

#include "base/error.h"

#define EXPECTED 1024

static int32_t add_tables(struct domain *domain, trading_error *error)
{
    const struct {
        uint32_t id;
        size_t bytes;
        struct table **table;
    } tables[] = {
        {TABLE_MARK, sizeof(struct mark_record), &domain->mark},
        {TABLE_ACCOUNTS, sizeof(struct account_record), &domain->accounts.records},
        {TABLE_LEDGERS, sizeof(struct ledger_record), &domain->accounts.ledgers},
        {TABLE_PORTFOLIOS, sizeof(struct portfolio_record), &domain->portfolios.records},
        {TABLE_OWNERS, sizeof(struct owner_record), &domain->portfolios.owners},
        {TABLE_HOLDINGS, sizeof(struct holding_record), &domain->portfolios.holdings},
        {TABLE_LOTS, sizeof(struct lot_record), &domain->portfolios.lots},
        {TABLE_ORDERS, sizeof(struct order_record), &domain->orders.records},
        {TABLE_RESTING, sizeof(struct resting_record), &domain->orders.resting},
        {TABLE_DESKS, sizeof(struct desk_record), &domain->orders.desks},
        {TABLE_SESSION, sizeof(struct session_record), &domain->orders.session},
        {TABLE_INSTRUMENTS, sizeof(struct instrument_record), &domain->market.instruments},
        {TABLE_LEVELS, sizeof(struct level_record), &domain->market.levels},
        {TABLE_ENTRIES, sizeof(struct entry_record), &domain->market.entries},
        {TABLE_EXCHANGE, sizeof(struct exchange_record), &domain->market.exchange},
        {TABLE_CURSORS, sizeof(struct cursor_record), &domain->cursors},
        {TABLE_ACCOUNT_DETAILS, sizeof(struct account_detail_record), &domain->accounts.details},
        {TABLE_PEERS, sizeof(struct peer_record), &domain->peers},
        {TABLE_ALIASES, sizeof(struct alias_record), &domain->accounts.aliases},
        {TABLE_SPLITS, sizeof(struct split_record), &domain->splits},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        int32_t code = tables_add(domain->tables, tables[i].id, (uint32_t)tables[i].bytes, tables[i].table, error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

static struct index **index_of(struct domain *domain, size_t i)
{
    struct index **indexes[] = {
        &domain->accounts.by_id,   &domain->portfolios.by_id,  &domain->portfolios.holdings_by_symbol, &domain->orders.by_id,
        &domain->market.by_symbol, &domain->accounts.by_alias, &domain->accounts.aliases_of,
    };
    return i < sizeof indexes / sizeof *indexes ? indexes[i] : NULL;
}

int32_t domain_open(struct domain *domain, struct memory *memory, uint64_t pin_bytes, trading_error *error)
{
    *domain = (struct domain){.memory = memory, .place = {.partitions = 1}};
    int32_t code = tables_open(&domain->tables, memory, pin_bytes, error);
    if (!code)
        code = add_tables(domain, error);
    struct index **index;
    for (size_t i = 0; !code && (index = index_of(domain, i)); i++) {
        *index = index_open(memory, EXPECTED);
        if (!*index)
            code = error_no_memory(error, "the indexes of a partition");
    }
    if (code)
        domain_close(domain);
    return code;
}

void domain_close(struct domain *domain)
{
    struct index **index;
    for (size_t i = 0; (index = index_of(domain, i)); i++) {
        if (*index)
            index_close(*index);
        *index = NULL;
    }
    if (domain->tables)
        tables_close(domain->tables);
    domain->tables = NULL;
}

bool domain_failed(const struct domain *domain)
{
    return tables_failed(domain->tables) || index_failed(domain->accounts.by_id) || index_failed(domain->accounts.by_alias) ||
           index_failed(domain->accounts.aliases_of) || index_failed(domain->portfolios.by_id) ||
           index_failed(domain->portfolios.holdings_by_symbol) || index_failed(domain->orders.by_id) ||
           index_failed(domain->market.by_symbol);
}

uint64_t domain_index_bytes(const struct domain *domain)
{
    uint64_t bytes = 0;
    struct index **index;
    for (size_t i = 0; (index = index_of((struct domain *)domain, i)); i++)
        bytes += index_bytes(*index);
    return bytes;
}

void domain_discard(struct domain *domain)
{
    struct index **index;
    for (size_t i = 0; (index = index_of(domain, i)); i++)
        index_forgive(*index);
    tables_discard(domain->tables);
}

int32_t domain_found(struct domain *domain, trading_error *error)
{
    uint32_t number;
    tables_begin(domain->tables);
    table_append(domain->mark, &number);
    market_found(&domain->market);
    orders_found(&domain->orders);
    if (domain_failed(domain)) {
        domain_discard(domain);
        return error_no_memory(error, "the state of a partition");
    }
    tables_install(domain->tables);
    domain->has_digest = true;
    return TRADING_OK;
}

int32_t domain_index(struct domain *domain, trading_error *error)
{
    bool room = accounts_index(&domain->accounts) && portfolios_index(&domain->portfolios) && orders_index(&domain->orders) &&
                market_index(&domain->market);
    return room ? TRADING_OK : error_no_memory(error, "the indexes of a partition");
}

static uint32_t index_file(size_t i)
{
    return TABLES_MAX + (uint32_t)i * INDEX_FILES;
}

int32_t domain_save_indexes(const struct domain *domain, const struct state_store *store, trading_error *error)
{
    int32_t code = TRADING_OK;
    struct index **index;
    for (size_t i = 0; !code && (index = index_of((struct domain *)domain, i)); i++)
        code = index_save(*index, store, index_file(i), tables_generation(domain->tables), error);
    return code;
}

bool domain_load_indexes(struct domain *domain, const struct state_store *store)
{
    struct index **index;
    for (size_t i = 0; (index = index_of(domain, i)); i++) {
        struct index *loaded;
        if (index_load(&loaded, domain->memory, store, index_file(i), tables_generation(domain->tables), NULL))
            return false;
        index_close(*index);
        *index = loaded;
    }
    return true;
}

void domain_resume(struct domain *domain)
{
    struct mark_record *mark = domain_edit_mark(domain);
    mark->work = (struct work){0};
}

uint32_t domain_cursor(const struct domain *domain, const char *name, size_t size)
{
    uint32_t count = table_count(domain->cursors);
    for (uint32_t number = 1; number <= count; number++) {
        const struct cursor_record *cursor = table_get(domain->cursors, number);
        if (strnlen(cursor->name, CURSOR_NAME_BYTES) == size && !memcmp(cursor->name, name, size))
            return number;
    }
    return 0;
}

__attribute__((cold)) struct peer_record *domain_edit_peer(struct domain *domain, uint32_t partition)
{
    uint32_t number;
    while (table_count(domain->peers) <= partition && !tables_failed(domain->tables))
        table_append(domain->peers, &number);
    return table_edit(domain->peers, partition + 1);
}
