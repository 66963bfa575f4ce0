#include "bench/book_flow.h"

#include "base/error.h"
#include "market/decide.h"
#include "market/state.h"

#include <stdlib.h>
#include <time.h>

#define BATCH          1024u
#define SAMPLED        17u /* has no factor in common with the batch: every place in one is sampled alike */
#define LOWEST_PRICE   9950u
#define PRICES         101u
#define QUANTITIES     100u
#define FIRST_RANDOM   UINT64_C(88172645463325252)
#define AGREED_TRADES  UINT64_C(2333997)
#define AGREED_SHARES  UINT64_C(59572637)
#define AGREED_RESTING UINT64_C(641383)

struct flow {
    struct memory memory;
    struct tables *tables;
    struct market market;
    uint64_t random;
    double *samples;
    size_t sample_count;
};

struct flow_order {
    uint32_t number;
    int32_t side;
    trading_decimal price;
    trading_decimal quantity;
};

static double seconds_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Marsaglia's 64-bit xorshift. */
static struct flow_order next_order(struct flow *flow, uint32_t number)
{
    uint64_t u = flow->random;
    u ^= u << 13;
    u ^= u >> 7;
    u ^= u << 17;
    flow->random = u;
    return (struct flow_order){.number = number,
                               .side = u & 1 ? TRADING_SIDE_SELL : TRADING_SIDE_BUY,
                               .price = (trading_decimal)(LOWEST_PRICE + (u >> 1) % PRICES) * TRADING_DECIMAL_ONE,
                               .quantity = (trading_decimal)(1 + (u >> 20) % QUANTITIES) * TRADING_DECIMAL_ONE};
}

/* ---- the book ---- */

static int32_t add_tables(struct flow *flow, trading_error *error)
{
    struct market *market = &flow->market;
    int32_t code = tables_add(flow->tables, 0, sizeof(struct instrument_record), &market->instruments, error);
    if (!code)
        code = tables_add(flow->tables, 1, sizeof(struct level_record), &market->levels, error);
    if (!code)
        code = tables_add(flow->tables, 2, sizeof(struct entry_record), &market->entries, error);
    if (!code)
        code = tables_add(flow->tables, 3, sizeof(struct exchange_record), &market->exchange, error);
    return code;
}

static int32_t open_flow(struct flow *flow, uint64_t orders, trading_error *error)
{
    memory_init(&flow->memory);
    flow->random = FIRST_RANDOM;
    flow->samples = malloc((orders / SAMPLED + 1) * sizeof *flow->samples);
    flow->market.by_symbol = index_open(&flow->memory, 1);
    if (!flow->samples || !flow->market.by_symbol)
        return error_no_memory(error, "the order flow");
    int32_t code = tables_open(&flow->tables, &flow->memory, 0, error);
    if (!code)
        code = add_tables(flow, error);
    if (code)
        return code;
    struct market_event listed = {.instrument = 1, .symbol = {"FLOW"}, .currency = {"USD"}};
    tables_begin(flow->tables);
    market_found(&flow->market);
    const char *broken = market_fold(&flow->market, TRADING_EVENT_INSTRUMENT_LISTED, &listed, &(struct moment){0});
    tables_install(flow->tables);
    return broken ? error_set(error, TRADING_E_POISONED, "%s", broken) : TRADING_OK;
}

static void close_flow(struct flow *flow)
{
    free(flow->samples);
    index_close(flow->market.by_symbol);
    tables_close(flow->tables);
}

/* ---- an order ---- */

/* Trades with what rests for as long as prices meet, then rests: as process/trade.c does it. NULL, or what broke. */
static const char *place(struct market *market, const struct flow_order *order, struct book_flow_result *result)
{
    const char *broken = NULL;
    trading_decimal leaves = order->quantity;
    struct match match;
    while (!broken && leaves && (match = market_next_match(market, 1, order->side, order->price)).quantity) {
        trading_decimal quantity = match.quantity < leaves ? match.quantity : leaves;
        broken = market_fold_traded(market, 1, side_opposite(order->side), match.entry, quantity, match.price,
                                    (struct moment){.position = order->number});
        leaves -= quantity;
        result->resting -= quantity == match.quantity;
        result->trades++;
        result->shares += (uint64_t)(quantity / TRADING_DECIMAL_ONE);
    }
    if (broken || !leaves)
        return broken;
    uint32_t entry;
    result->resting++;
    return market_fold_rested(market, 1, order->side, order->price, order->number, leaves, &entry);
}

static const char *run(struct flow *flow, uint64_t orders, struct book_flow_result *result)
{
    const char *broken = NULL;
    tables_begin(flow->tables);
    for (uint32_t number = 1; number <= orders && !broken; number++) {
        bool sampled = number % SAMPLED == 0;
        double start = sampled ? seconds_of(CLOCK_MONOTONIC) : 0;
        struct flow_order order = next_order(flow, number);
        broken = place(&flow->market, &order, result);
        if (number % BATCH == 0) {
            tables_install(flow->tables);
            tables_begin(flow->tables);
        }
        if (sampled)
            flow->samples[flow->sample_count++] = (seconds_of(CLOCK_MONOTONIC) - start) * 1e9;
        result->orders++;
    }
    tables_install(flow->tables);
    return broken ? broken : tables_failed(flow->tables) ? "no memory for the book" : NULL;
}

/* ---- what came of it ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct flow *flow, double part)
{
    return flow->sample_count ? flow->samples[(size_t)((double)(flow->sample_count - 1) * part)] : 0;
}

static void summarize(struct flow *flow, struct book_flow_result *result)
{
    qsort(flow->samples, flow->sample_count, sizeof *flow->samples, compare);
    result->p50_ns = percentile(flow, 0.5);
    result->p99_ns = percentile(flow, 0.99);
    result->p999_ns = percentile(flow, 0.999);
    result->memory_bytes = flow->memory.bytes;
}

int32_t book_flow_run(uint64_t orders, struct book_flow_result *result, trading_error *error)
{
    struct flow flow = {0};
    *result = (struct book_flow_result){0};
    if (orders >= UINT32_MAX)
        return error_set(error, TRADING_E_INVALID, "a flow has fewer than 2^32 orders");
    int32_t code = open_flow(&flow, orders, error);
    if (!code) {
        double start = seconds_of(CLOCK_MONOTONIC);
        double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        const char *broken = run(&flow, orders, result);
        result->cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
        result->seconds = seconds_of(CLOCK_MONOTONIC) - start;
        summarize(&flow, result);
        code = broken ? error_set(error, TRADING_E_POISONED, "%s", broken) : error_clear(error);
    }
    close_flow(&flow);
    return code;
}

bool book_flow_agrees(const struct book_flow_result *result)
{
    if (result->orders != BOOK_FLOW_ORDERS)
        return true;
    return result->trades == AGREED_TRADES && result->shares == AGREED_SHARES && result->resting == AGREED_RESTING;
}
