#include "replay_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NANOSECONDS_PER_DAY (86400 * TRADING_NANOSECONDS_PER_SECOND)
#define EVENTS              256

/* Prices move in cents, and below one unit of the currency in hundredths of them, as on American exchanges. */
#define TICK_OF_ONE (TRADING_DECIMAL_ONE / 100)
#define TICK_BELOW  (TRADING_DECIMAL_ONE / 10000)

static trading_decimal tick_of(trading_decimal price)
{
    return price >= TRADING_DECIMAL_ONE ? TICK_OF_ONE : TICK_BELOW;
}

static bool size_of(const struct quoting *quoting, const struct price_row *row, trading_decimal *size)
{
    *size = quoting->size > 0 ? quoting->size : TRADING_SIZE_UNLIMITED;
    if (!quoting->of_volume)
        return true;
    *size = TRADING_SIZE_UNLIMITED;
    if (row->volume == PRICE_NO_VOLUME)
        return true;
    if (trading_decimal_multiply(row->volume, quoting->size, size) != TRADING_OK)
        return false;
    *size -= *size % TRADING_DECIMAL_ONE;
    if (*size == 0)
        *size = TRADING_DECIMAL_ONE;
    return true;
}

bool plan_quote(const struct quoting *quoting, const struct price_row *row, trading_set_quote *quote)
{
    trading_decimal half;
    trading_decimal tick = tick_of(row->price);
    trading_set_quote_init(quote);
    quote->symbol = row->symbol;
    quote->currency = quoting->currency;
    if (trading_decimal_multiply(row->price, quoting->half_spread, &half) != TRADING_OK)
        return false;
    if (half == 0)
        half = 1; /* a bid is below its ask */
    trading_decimal bid = row->price - half;
    quote->bid = bid > 0 ? bid - bid % tick : 0;
    if (trading_decimal_add(row->price, half + tick - 1, &quote->ask) != TRADING_OK)
        return false;
    quote->ask -= quote->ask % tick;
    if (!size_of(quoting, row, &quote->bid_size))
        return false;
    quote->ask_size = quote->bid_size;
    return true;
}

/* A plan while it is made. */
struct planning {
    struct plan *plan;
    size_t capacity;
    bool in_session;       /* a price of `day` is in the plan, and the day's end is not */
    trading_time day;      /* days since 1970 */
    trading_id last_quote; /* the key of the day's last price */
    struct input_error *error;
};

static bool out_of_memory(struct input_error *error)
{
    snprintf(error->message, sizeof error->message, "there is not enough memory for the replay");
    return false;
}

static bool add_step(struct planning *planning, const struct step *step)
{
    struct plan *plan = planning->plan;
    if (plan->count == planning->capacity) {
        size_t capacity = planning->capacity == 0 ? 1024 : planning->capacity * 2;
        struct step *steps = reallocarray(plan->steps, capacity, sizeof *steps);
        if (!steps)
            return out_of_memory(planning->error);
        plan->steps = steps;
        planning->capacity = capacity;
    }
    plan->steps[plan->count++] = *step;
    return true;
}

/* The key says all that the quote says: other prices, or another spread, are other steps. */
static bool add_quote(struct planning *planning, size_t index)
{
    char text[256];
    const struct price_row *row = &planning->plan->prices.rows[index];
    trading_set_quote quote;
    struct step step = {.kind = STEP_QUOTE, .time = row->time, .index = index};
    if (!plan_quote(&planning->plan->quoting, row, &quote))
        return input_wrong(planning->error, row->path, row->line, 1, "the price is too large to be quoted");
    int length = snprintf(text, sizeof text, "replay quote %s %s %lld %lld %lld %lld %lld", quote.symbol.text,
                          quote.currency.text, (long long)row->time, (long long)quote.bid, (long long)quote.ask,
                          (long long)quote.bid_size, (long long)quote.ask_size);
    trading_key_from_text(text, (size_t)length, &step.key);
    planning->in_session = true;
    planning->last_quote = step.key;
    return add_step(planning, &step);
}

static bool add_line(struct planning *planning, size_t index)
{
    const struct strategy_line *line = &planning->plan->strategy.lines[index];
    return add_step(planning, &(struct step){.kind = STEP_LINE, .time = line->time, .key = line->key, .index = index});
}

/* Ends the day's session at the instant of the day's last step. */
static bool end_session(struct planning *planning)
{
    char text[16 + sizeof planning->last_quote] = "replay session ";
    struct step step = {.kind = STEP_SESSION, .time = planning->plan->steps[planning->plan->count - 1].time};
    memcpy(text + 16, &planning->last_quote, sizeof planning->last_quote);
    trading_key_from_text(text, sizeof text, &step.key);
    planning->in_session = false;
    return add_step(planning, &step);
}

/* Merges prices and lines by time; at one instant prices come first. */
static bool add_all(struct planning *planning, trading_time until)
{
    const struct prices *prices = &planning->plan->prices;
    const struct strategy *strategy = &planning->plan->strategy;
    size_t row = 0;
    size_t line = 0;
    while (row < prices->count || line < strategy->count) {
        bool is_price =
            line == strategy->count || (row < prices->count && prices->rows[row].time <= strategy->lines[line].time);
        trading_time time = is_price ? prices->rows[row].time : strategy->lines[line].time;
        bool same_day = time / NANOSECONDS_PER_DAY == planning->day;
        if (planning->in_session && !same_day && !end_session(planning))
            return false;
        if (time > until)
            return true;
        planning->day = time / NANOSECONDS_PER_DAY;
        if (!(is_price ? add_quote(planning, row++) : add_line(planning, line++)))
            return false;
    }
    return !planning->in_session || end_session(planning);
}

static int compare_keys(const void *left, const void *right)
{
    const struct step *const *a = left;
    const struct step *const *b = right;
    return memcmp(&(*a)->key, &(*b)->key, sizeof(*a)->key);
}

/* The steps by key; NULL without memory. */
static struct step **sort_by_key(const struct plan *plan)
{
    struct step **sorted = calloc(plan->count + 1, sizeof(struct step *));
    for (size_t i = 0; sorted && i < plan->count; i++)
        sorted[i] = &plan->steps[i];
    if (sorted)
        qsort(sorted, plan->count, sizeof(struct step *), compare_keys);
    return sorted;
}

/* Only lines that bring keys of their own can have the same. */
static bool check_keys(const struct plan *plan, struct input_error *error)
{
    bool distinct = true;
    struct step **sorted = sort_by_key(plan);
    if (!sorted)
        return out_of_memory(error);
    for (size_t i = 1; distinct && i < plan->count; i++)
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0) {
            char other[256];
            plan_place(plan, sorted[i - 1], other, sizeof other);
            distinct = input_wrong(error, plan->strategy.path, plan->strategy.lines[sorted[i]->index].number, 1,
                                   "key: is also that of %s; each line needs one of its own", other);
        }
    free(sorted);
    return distinct;
}

bool plan_make(struct plan *plan, trading_time until, struct input_error *error)
{
    struct planning planning = {.plan = plan, .error = error};
    return add_all(&planning, until) && check_keys(plan, error);
}

void plan_free(struct plan *plan)
{
    prices_free(&plan->prices);
    strategy_free(&plan->strategy);
    free(plan->steps);
    plan->steps = NULL;
}

void plan_place(const struct plan *plan, const struct step *step, char *text, size_t bytes)
{
    char time[TRADING_TIME_TEXT];
    trading_time_format(step->time, time);
    if (step->kind == STEP_QUOTE)
        snprintf(text, bytes, "%s:%u", plan->prices.rows[step->index].path, plan->prices.rows[step->index].line);
    else if (step->kind == STEP_LINE)
        snprintf(text, bytes, "%s:%zu", plan->strategy.path, plan->strategy.lines[step->index].number);
    else
        snprintf(text, bytes, "the end of the session of %.10s", time);
}

/* Keeps the ids that the event says came of the line. */
static void learn_ids(struct strategy_line *line, const trading_event *event)
{
    switch (event->kind) {
    case TRADING_EVENT_ACCOUNT_OPENED:
        line->account = event->account;
        break;
    case TRADING_EVENT_PORTFOLIO_OPENED:
        line->portfolio = event->portfolio;
        break;
    case TRADING_EVENT_ORDER_PLACED:
    case TRADING_EVENT_ORDER_REJECTED:
        line->order = event->order;
        line->portfolio = event->portfolio;
        break;
    default:
        break;
    }
}

static void recognize_event(struct plan *plan, struct step **sorted, const trading_event *event)
{
    struct step sought = {.key = event->key};
    struct step *target = &sought;
    struct step **found = bsearch(&target, sorted, plan->count, sizeof(struct step *), compare_keys);
    if (!found)
        return;
    (*found)->done = true;
    if ((*found)->kind != STEP_LINE)
        return;
    struct strategy_line *line = &plan->strategy.lines[(*found)->index];
    line->done = true;
    learn_ids(line, event);
}

static int32_t recognize_events(struct plan *plan, struct step **sorted, trading_feed *feed, trading_error *error)
{
    trading_event events[EVENTS];
    size_t count = 0;
    int32_t code;
    while ((code = trading_feed_next(feed, events, EVENTS, &count, 0, error)) == TRADING_OK)
        for (size_t i = 0; i < count; i++)
            recognize_event(plan, sorted, &events[i]);
    return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
}

/* Lines that could not be sent, as what they name was refused, left nothing in the journal: before the last step that is done they
 * are done as well. */
static void recognize_unsent(struct plan *plan)
{
    size_t end = plan->count;
    while (end > 0 && !plan->steps[end - 1].done)
        end--;
    for (size_t i = 0; i < end; i++) {
        struct step *step = &plan->steps[i];
        if (step->done || step->kind != STEP_LINE)
            continue;
        struct strategy_line *line = &plan->strategy.lines[step->index];
        step->done = line->done = strategy_is_ready(&plan->strategy, line) && strategy_missing(&plan->strategy, line);
    }
}

int32_t plan_recognize(struct plan *plan, trading_engine *engine, trading_error *error)
{
    trading_feed *feed;
    struct step **sorted = sort_by_key(plan);
    if (!sorted) {
        *error = (trading_error){.code = TRADING_E_NO_MEMORY, .message = "there is not enough memory for the replay"};
        return error->code;
    }
    int32_t code = trading_feed_open(&feed, engine, 0, NULL, NULL, error);
    if (code == TRADING_OK) {
        code = recognize_events(plan, sorted, feed, error);
        trading_feed_close(feed);
    }
    free(sorted);
    recognize_unsent(plan);
    return code;
}

struct step *plan_next(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->steps[i].done)
            return &plan->steps[i];
    return NULL;
}
