/* What holds between partitions, from their journals alone: what clearing says is on its way is what messages carry that were sent and not
 * applied. Each partition is proved by itself before. */
#include "base/text.h"
#include "engine/verify.h"

/* What is on its way from one partition, by its own ledgers and instruments. */
struct freight {
    struct wide_sum *money;
    struct wide_sum *shares;
};

struct crossing {
    const struct parts *parts;
    uint32_t from;
    int64_t end;
    struct freight *freight; /* of all */
    const char *finding;
};

static void load_execution(struct crossing *crossing, const struct order_event *executed)
{
    const struct domain *domain = &crossing->parts->at[crossing->from];
    const struct order_record *guest = order_get(&domain->orders, order_find(&domain->orders, &executed->id));
    const struct instrument_record *instrument = instrument_get(&domain->market, guest->instrument);
    bool buys = guest->side == TRADING_SIDE_BUY;
    uint32_t count = table_count(domain->accounts.ledgers);
    for (uint32_t i = 1; i <= count; i++)
        if (currency_equal(&ledger_get(&domain->accounts, i)->currency, &instrument->currency))
            wide_sum_add(&crossing->freight[crossing->from].money[i], buys ? -(__int128)executed->amount : executed->amount);
    wide_sum_add(&crossing->freight[crossing->from].shares[guest->instrument],
                 buys ? executed->quantity : -(__int128)executed->quantity);
}

/* A transfer's money is in the ledger of who sends it, and has it back when it is refused. */
static void load_transfer(struct crossing *crossing, const struct message *message)
{
    bool back = message->event.kind == TRADING_EVENT_TRANSFER_REFUSED;
    uint32_t home = back ? message->to : message->from;
    const struct accounts *accounts = &crossing->parts->at[home].accounts;
    const struct account_event *transfer = &message->event.account;
    uint32_t account = account_find(accounts, back ? &transfer->other_id : &transfer->own_id);
    wide_sum_add(&crossing->freight[home].money[account_get(accounts, account)->ledger], transfer->amount);
}

static void load(struct crossing *crossing, const struct message *message)
{
    switch (message->event.kind) {
    case TRADING_EVENT_GUEST_EXECUTED:
        load_execution(crossing, &message->event.order);
        break;
    case TRADING_EVENT_TRANSFER_SENT:
    case TRADING_EVENT_TRANSFER_REFUSED:
        load_transfer(crossing, message);
        break;
    default: /* carries nothing */
        break;
    }
}

static int32_t cross(void *arg, const struct commit *commit, trading_error *error)
{
    (void)error;
    struct crossing *crossing = arg;
    struct message_reader messages;
    struct message message;
    if (commit->first_position >= crossing->end)
        return JOURNAL_STOP;
    message_reader_begin(&messages, commit);
    while (message_reader_next(&messages, &message))
        if (message.event.position >= domain_peer(&crossing->parts->at[message.to], crossing->from)->received)
            load(crossing, &message);
    return TRADING_OK;
}

/* From the oldest message that somebody has not applied. */
static int64_t first_unapplied(const struct parts *parts, uint32_t from)
{
    int64_t first = INT64_MAX;
    for (uint32_t to = 0; to < parts->count; to++) {
        int64_t received = domain_peer(&parts->at[to], from)->received;
        if (to != from && received < domain_peer(&parts->at[from], to)->sent)
            first = received < first ? received : first;
    }
    return first;
}

static const char *check_peers(const struct parts *parts)
{
    for (uint32_t a = 0; a < parts->count; a++)
        for (uint32_t b = 0; b < parts->count; b++)
            if (a != b && domain_peer(&parts->at[a], b)->received > domain_peer(&parts->at[b], a)->sent)
                return "a partition applied a message that another never sent";
    return NULL;
}

static const char *check_money(const struct parts *parts, const struct freight *freight)
{
    for (uint32_t p = 0; p < parts->count; p++) {
        const struct accounts *mine = &parts->at[p].accounts;
        for (uint32_t i = 1; i <= table_count(mine->ledgers); i++) {
            const trading_currency *currency = &ledger_get(mine, i)->currency;
            __int128 sum = 0;
            for (uint32_t q = 0; q < parts->count; q++) {
                const struct accounts *accounts = &parts->at[q].accounts;
                for (uint32_t k = 1; k <= table_count(accounts->ledgers); k++)
                    if (currency_equal(&ledger_get(accounts, k)->currency, currency))
                        sum += wide_sum_get(&ledger_get(accounts, k)->clearing) - wide_sum_get(&freight[q].money[k]);
            }
            if (sum)
                return "clearing over all partitions is not what the messages in flight carry";
        }
    }
    return NULL;
}

static const char *check_shares(const struct parts *parts, const struct freight *freight)
{
    for (uint32_t p = 0; p < parts->count; p++) {
        const struct market *mine = &parts->at[p].market;
        for (uint32_t i = 1; i <= table_count(mine->instruments); i++) {
            const trading_symbol *symbol = &instrument_get(mine, i)->symbol;
            __int128 sum = 0;
            for (uint32_t q = 0; q < parts->count; q++) {
                const struct market *market = &parts->at[q].market;
                uint32_t number = instrument_find(market, symbol);
                sum += wide_sum_get(&instrument_get(market, number)->carried) - wide_sum_get(&freight[q].shares[number]);
            }
            if (sum)
                return "the shares that partitions sent each other are not what the messages in flight carry";
        }
    }
    return NULL;
}

static size_t places(const struct table *table)
{
    return (size_t)table_count(table) + 1;
}

static bool open_freight(const struct parts *parts, struct memory *memory, struct freight *freight)
{
    bool room = true;
    for (uint32_t p = 0; p < parts->count; p++) {
        freight[p].money = memory_zeroed(memory, places(parts->at[p].accounts.ledgers), sizeof(struct wide_sum));
        freight[p].shares = memory_zeroed(memory, places(parts->at[p].market.instruments), sizeof(struct wide_sum));
        room = room && freight[p].money && freight[p].shares;
    }
    return room;
}

static void close_freight(const struct parts *parts, struct memory *memory, struct freight *freight)
{
    for (uint32_t p = 0; p < parts->count; p++) {
        memory_release(memory, freight[p].money, places(parts->at[p].accounts.ledgers) * sizeof(struct wide_sum));
        memory_release(memory, freight[p].shares, places(parts->at[p].market.instruments) * sizeof(struct wide_sum));
    }
}

int32_t verify_between(const struct parts *parts, const struct journal *journals, struct memory *memory, const char **finding,
                       trading_error *error)
{
    struct freight freight[ENGINE_PARTITIONS_MAX] = {{0}};
    int32_t code = open_freight(parts, memory, freight) ? TRADING_OK : error_no_memory(error, "what is on its way");
    *finding = check_peers(parts);
    for (uint32_t p = 0; p < parts->count && !code && !*finding; p++) {
        struct crossing crossing = {
            .parts = parts, .from = p, .end = domain_mark(&parts->at[p])->next_position, .freight = freight};
        int64_t first = first_unapplied(parts, p);
        if (first < crossing.end)
            code = journal_walk(&journals[p], first, cross, &crossing, error);
    }
    if (!code && !*finding)
        *finding = check_money(parts, freight);
    if (!code && !*finding)
        *finding = check_shares(parts, freight);
    close_freight(parts, memory, freight);
    return code;
}
