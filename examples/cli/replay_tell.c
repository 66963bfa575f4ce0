#include "replay_tell.h"

#include "monotonic.h"
#include "record.h"
#include "replay_words.h"
#include "statement.h"
#include "subcommand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE      64
#define TEXT      160
#define BAR_WIDTH 30
/* A bar that is drawn more often is no clearer, and slows the replay. */
#define BAR_NANOSECONDS 100000000

int32_t teller_open(struct teller *teller, const struct plan *plan, struct desk *desk, bool json, trading_error *error)
{
    static const int kinds[] = {TRADING_EVENT_ORDER_EXECUTED, TRADING_EVENT_ORDER_CANCELED, TRADING_EVENT_ORDER_EXPIRED};
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    trading_filter filter = TRADING_FILTER_INIT;
    *teller = (struct teller){.plan = plan, .desk = desk, .json = json, .has_bar = isatty(STDERR_FILENO)};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        filter.kinds[kinds[i] / 64] |= UINT64_C(1) << kinds[i] % 64;
    if (trading_engine_get_info(desk->engine, &info, error) != TRADING_OK)
        return error->code;
    return trading_feed_open(&teller->feed, desk->engine, info.next_position, &filter, NULL, error);
}

void teller_close(struct teller *teller)
{
    tell_nothing(teller);
    trading_feed_close(teller->feed);
}

/* One line for people: when, who, what, and what became of it. */
static void write_line(struct teller *teller, trading_time time, const char *who, const char *what, const char *outcome)
{
    char date[TRADING_TIME_TEXT];
    trading_time_format(time, date);
    tell_nothing(teller);
    printf("%.10s  %-8s  %-46s  %s\n", date, who, what, outcome);
}

/* A line of JSON that says where in the strategy it comes from. Takes the reference. */
static void write_json(struct teller *teller, const struct strategy_line *line, json_t *object)
{
    tell_nothing(teller);
    put_time(object, "date", line->time);
    put(object, "line", json_integer((json_int_t)line->number));
    if (line->as)
        put_text(object, "as", line->as);
    output_json(stdout, object);
    json_decref(object);
}

void tell_line(struct teller *teller, const struct strategy_line *line, const struct request *request, struct outcome outcome)
{
    char who[TRADING_ID_TEXT];
    char what[WORDS];
    char became[REFUSAL_BYTES];
    trading_id account;
    if (teller->json) {
        write_json(teller, line, outcome.json);
        return;
    }
    const char *text = json_string_value(json_object_get(outcome.json, "account"));
    if (!text || trading_id_parse(TRADING_ENTITY_ACCOUNT, text, strlen(text), &account) != TRADING_OK)
        account = request->command.account;
    words_of_request(&teller->plan->strategy, request, what);
    words_of_outcome(request, outcome.json, became);
    write_line(teller, line->time, words_account(&teller->plan->strategy, &account, who), what, became);
    json_decref(outcome.json);
}

void tell_unsent(struct teller *teller, const struct strategy_line *line, const struct strategy_line *missing)
{
    char message[TEXT];
    snprintf(message, sizeof message, "line %zu is not sent: line %zu was refused, so that nothing has its name", line->number,
             missing->number);
    if (!teller->json) {
        write_line(teller, line->time, "", message, "");
        return;
    }
    json_t *object = new_object();
    put(object, "ok", json_false());
    put_text(object, "reason", "NOT_SENT");
    put_text(object, "message", message);
    write_json(teller, line, object);
}

/* What was left of an order after this execution of it. More may have happened to it in the same commit. */
static trading_decimal left_after(const struct teller *teller, const trading_event *event, const trading_order *order)
{
    trading_execution page[PAGE];
    uint64_t cursor = 0;
    size_t count = 0;
    trading_decimal left = order->quantity;
    while (trading_view_executions(teller->desk->latest, &order->id, &cursor, page, PAGE, &count, NULL) == TRADING_OK &&
           count > 0)
        for (size_t i = 0; i < count; i++)
            left -= page[i].position <= event->position ? page[i].quantity : 0;
    return left;
}

static void say_execution(const struct teller *teller, const trading_event *event, const trading_order *order, char what[TEXT],
                          char became[TEXT])
{
    char quantity[AMOUNT_TEXT];
    char price[AMOUNT_TEXT];
    char leaves[AMOUNT_TEXT];
    trading_decimal left = left_after(teller, event, order);
    words_amount(event->quantity, 0, quantity);
    words_amount(event->price, 2, price);
    words_amount(left, 0, leaves);
    snprintf(what, TEXT, "  %s %s %s at %s", order->side == TRADING_SIDE_BUY ? "bought" : "sold", quantity, order->symbol.text,
             price);
    if (left > 0)
        snprintf(became, TEXT, "%s left to fill", leaves);
    else
        snprintf(became, TEXT, "filled");
}

static void say_end(const trading_event *event, const trading_order *order, char what[TEXT], char became[TEXT])
{
    char quantity[AMOUNT_TEXT];
    snprintf(what, TEXT, "  %s of %s %s", trading_side_name(order->side), words_amount(event->quantity, 0, quantity),
             order->symbol.text);
    snprintf(became, TEXT, "%s", event->kind == TRADING_EVENT_ORDER_EXPIRED ? "expired" : "canceled");
}

/* Tells what happened to an order by itself; what its own line led to at once was told with the line. */
static void tell_event(struct teller *teller, const trading_event *event)
{
    char what[TEXT];
    char became[TEXT];
    char who[TRADING_ID_TEXT];
    trading_order order;
    const struct strategy_line *line = words_line_of_order(&teller->plan->strategy, &event->order);
    bool at_once = line && memcmp(&line->key, &event->key, sizeof line->key) == 0;
    if (at_once || event->command == TRADING_COMMAND_CANCEL_ORDER)
        return;
    if (teller->json) {
        json_t *object = new_object();
        put(object, "event", record_event(teller->desk->latest, event));
        tell_nothing(teller);
        output_json(stdout, object);
        json_decref(object);
        return;
    }
    if (trading_view_order(teller->desk->latest, &event->order, &order, NULL) != TRADING_OK)
        return;
    if (event->kind == TRADING_EVENT_ORDER_EXECUTED)
        say_execution(teller, event, &order, what, became);
    else
        say_end(event, &order, what, became);
    if (line && line->as)
        snprintf(what + strlen(what), sizeof what - strlen(what), ", @%s", line->as);
    write_line(teller, event->time, words_account(&teller->plan->strategy, &order.account, who), what, became);
}

int32_t tell_events(struct teller *teller, int64_t until, trading_error *error)
{
    for (;;) {
        for (; teller->next_event < teller->event_count; teller->next_event++) {
            if (teller->events[teller->next_event].position > until)
                return TRADING_OK;
            tell_event(teller, &teller->events[teller->next_event]);
        }
        teller->next_event = teller->event_count = 0;
        int32_t code = trading_feed_next(teller->feed, teller->events, TELLER_EVENTS, &teller->event_count, 0, error);
        if (code != TRADING_OK)
            return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
    }
}

static bool is_due(struct teller *teller)
{
    int64_t now = monotonic_now();
    if (now - teller->drawn < BAR_NANOSECONDS)
        return false;
    teller->drawn = now;
    return true;
}

void tell_progress(struct teller *teller, size_t done, trading_time time)
{
    char bar[BAR_WIDTH + 1];
    char date[TRADING_TIME_TEXT];
    char counted[AMOUNT_TEXT];
    char all[AMOUNT_TEXT];
    if (!teller->has_bar || !is_due(teller))
        return;
    size_t filled = done * BAR_WIDTH / teller->plan->count;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    trading_time_format(time, date);
    fprintf(stderr, "\r%.10s  [%s]  %s of %s steps\033[K", date, bar, words_count(done, counted),
            words_count(teller->plan->count, all));
    fflush(stderr);
    teller->bar_is_drawn = true;
}

void tell_nothing(struct teller *teller)
{
    if (teller->bar_is_drawn)
        fputs("\r\033[K", stderr);
    teller->bar_is_drawn = false;
}

/* The statement of the account from its first day to now; NULL with error. */
static json_t *statement_of(struct teller *teller, const trading_id *account, trading_error *error)
{
    static const struct statement_period whole = {0};
    trading_view *view;
    if (trading_view_open(&view, teller->desk->engine, TRADING_VIEW_NOW, error) != TRADING_OK)
        return NULL;
    json_t *statement = statement_json(teller->desk->engine, view, account, &whole, error);
    trading_view_close(view);
    return statement;
}

static void write_statement(const struct teller *teller, json_t *statement)
{
    if (teller->json) {
        json_t *object = json_pack("{s:O}", "statement", statement);
        output_json(stdout, object);
        json_decref(object);
        return;
    }
    putchar('\n');
    statement_show(stdout, statement);
}

static void write_summary(const json_t *statements)
{
    static const struct column columns[] = {
        {"CUSTOMER", "name", COLUMN_TEXT},           {"PAID IN", "deposits", COLUMN_NUMBER},
        {"PAID OUT", "withdrawals", COLUMN_NUMBER},  {"CASH", "closing_balance", COLUMN_NUMBER},
        {"SHARES", "market_value", COLUMN_NUMBER},   {"CASH AND SHARES", "total_value", COLUMN_NUMBER},
        {"REALISED", "realized_pnl", COLUMN_NUMBER}, {"UNREALISED", "unrealized_pnl", COLUMN_NUMBER},
        {"ACCOUNT", "account", COLUMN_TEXT},
    };
    putchar('\n');
    output_table(stdout, columns, sizeof columns / sizeof columns[0], statements, "The strategy opened no account.");
}

int tell_statements(struct teller *teller, bool summary)
{
    const struct strategy *strategy = &teller->plan->strategy;
    json_t *statements = new_array();
    trading_error error;
    int code = EXIT_DONE;
    for (size_t i = 0; code == EXIT_DONE && i < strategy->count; i++) {
        const struct strategy_line *line = &strategy->lines[i];
        if (line->command != TRADING_COMMAND_OPEN_ACCOUNT || trading_id_is_zero(&line->account))
            continue;
        json_t *statement = statement_of(teller, &line->account, &error);
        if (!statement)
            code = output_failure(&error);
        else if (summary && !teller->json)
            append(statements, statement);
        else {
            write_statement(teller, statement);
            json_decref(statement);
        }
    }
    if (code == EXIT_DONE && summary && !teller->json)
        write_summary(statements);
    json_decref(statements);
    return code;
}
