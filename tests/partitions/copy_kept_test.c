/* What a partition that was split shows of the time before, from outside: feeds, outboxes, accounts. That books and pasts are the same before
 * and after is model_test.c's to say. */
#include "copy_house.h"
#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 40000 };

/* ---- feeds ---- */

static int by_content(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(trading_event));
}

/* All events of all partitions but the splits, sorted. */
static size_t all_events(struct house *house, uint32_t partitions, trading_event *events)
{
    size_t count = 0;
    for (uint32_t p = 0; p < partitions; p++) {
        trading_error error;
        trading_feed *feed;
        trading_filter filter = TRADING_FILTER_INIT;
        filter.partition = p;
        must(trading_feed_open(&feed, house->engine, 0, &filter, NULL, &error), "feed", &error);
        size_t more;
        while (trading_feed_next(feed, events + count, EVENTS - count, &more, 0, &error) == TRADING_OK)
            for (size_t i = count, end = count + more; i < end; i++)
                if (events[i].kind != TRADING_EVENT_PARTITION_SPLIT)
                    events[count++] = events[i];
        trading_feed_close(feed);
    }
    qsort(events, count, sizeof *events, by_content);
    return count;
}

/* Over all partitions each event of before the split is told once, as it was; also when they are split again. */
static void feeds_tell_all_once(void)
{
    static trading_event before[EVENTS];
    static trading_event after[EVENTS];
    struct house house;
    trading_error error;
    house_open(&house);
    house_start(&house, house.old, 0);
    size_t count = all_events(&house, BEFORE, before);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    must(house_copy_into(&house, AFTER, &error), "copy", &error);
    house_start(&house, house.new, 0);
    size_t told = all_events(&house, AFTER, after);
    if (told != count || memcmp(before, after, count * sizeof *before) != 0)
        fail("%zu events are told where there were %zu, or other ones", told, count);
    house_verify(&house);
    house_trade(&house);
    count = all_events(&house, AFTER, before);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house.old = house.new;
    house.new = &house.places[2];
    must(house_copy_into(&house, 2 * AFTER, &error), "copy", &error);
    house_start(&house, house.new, 0);
    told = all_events(&house, 2 * AFTER, after);
    if (told != count || memcmp(before, after, count * sizeof *before) != 0)
        fail("%zu events are told where there were %zu, or other ones, after a second split", told, count);
    house_verify(&house);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

/* ---- outboxes ---- */

static int32_t encode(void *context, const trading_event *events, size_t count, trading_bus_record *records,
                      trading_error *error)
{
    int64_t *first = context;
    (void)error;
    if (*first < 0)
        *first = events[0].position;
    for (size_t i = 0; i < count; i++)
        records[i].topic = "events";
    return TRADING_OK;
}

static trading_outbox *open_outbox(struct house *house, trading_bus *bus, uint32_t partition, int64_t *first)
{
    trading_error error;
    trading_outbox *outbox;
    trading_outbox_options options = TRADING_OUTBOX_OPTIONS_INIT;
    options.partition = partition;
    options.encode = encode;
    options.encode_context = first;
    options.skip_time = 0;
    must(trading_outbox_open(&outbox, house->engine, bus, &options, &error), "outbox", &error);
    return outbox;
}

/* What was before was published for the partition that there was. The mark says at once that it is done with. */
static void outboxes_begin_behind_the_split(void)
{
    struct house house;
    trading_error error;
    trading_bus *bus;
    house_open(&house);
    must(house_copy_into(&house, AFTER, &error), "copy", &error);
    house_start(&house, house.new, 0);
    for (uint32_t p = 0; p < AFTER; p++) {
        char writer[16];
        int64_t first = -1;
        int64_t mark = 0;
        trading_view *view;
        trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
        snprintf(writer, sizeof writer, "outbox-%u", p);
        options.writer = writer;
        must(trading_bus_open(&bus, house.host, "memory:events", &options, &error), "bus", &error);
        must(trading_bus_topic(bus, "events", 1, 0, &error), "topic", &error);
        must(trading_view_open(&view, house.engine, TRADING_VIEW_NOW, &error), "view", &error);
        int64_t end = trading_view_partition_position(view, p);
        trading_view_close(view);
        trading_outbox *outbox = open_outbox(&house, bus, p, &first);
        trading_outbox_step(outbox, 0, NULL, NULL);
        must(trading_bus_mark(bus, &mark, &error), "mark", &error);
        if (first >= 0 || mark != end)
            fail("an outbox published what was before the split, or has its mark at %d and not %d", (int)mark, (int)end);
        trading_outbox_close(outbox);
        trading_bus_close(bus);
    }
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

/* ---- accounts ---- */

/* Below all that is paid, so that it stays. */
static void rest_order(struct house *house, int i)
{
    struct line line;
    line_set(&line, TRADING_COMMAND_PLACE_ORDER, sizeof line.body.place);
    line.body.place.portfolio = house->crowd.portfolios[i];
    line.body.place.side = TRADING_SIDE_BUY;
    line.body.place.type = TRADING_ORDER_TYPE_LIMIT;
    line.body.place.quantity = ONE;
    line.body.place.limit_price = ONE / 100;
    snprintf(line.body.place.symbol.text, sizeof line.body.place.symbol.text, "%s", line_symbols[i % SYMBOLS]);
    house->resting[i] = house_execute(house, &line).order;
}

static void check_names(struct house *house, const trading_id *forgotten)
{
    trading_error error;
    trading_view *view;
    must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (int i = 0; i < ACCOUNTS; i++) {
        char name[16];
        trading_alias alias;
        trading_profile profile = TRADING_PROFILE_INIT;
        const trading_id *account = &house->crowd.accounts[i];
        snprintf(name, sizeof name, "Customer %d", i);
        must(trading_view_alias(view, "crm", name, &alias, &error), "alias", &error);
        must(trading_view_profile(view, account, &profile, &error), "profile", &error);
        bool forgets = memcmp(account, forgotten, sizeof *account) == 0;
        if (memcmp(&alias.account, account, sizeof *account) != 0 || strcmp(profile.name, forgets ? "" : name) != 0)
            fail("an account lost its alias or its name: '%s'", profile.name);
    }
    trading_view_close(view);
}

/* A portfolio is found by itself in the partition where it is now, and not in one that only has what it was. */
static void bind_portfolios(struct house *house)
{
    trading_error error;
    trading_view *view;
    trading_alias alias;
    char name[16];
    for (int i = 0; i < ACCOUNTS; i++) {
        snprintf(name, sizeof name, "Book %d", i);
        trading_bind_alias body = TRADING_BIND_ALIAS_INIT;
        body.portfolio = house->crowd.portfolios[i];
        body.space = (trading_text){"erp", 3};
        body.name = (trading_text){name, strlen(name)};
        trading_command command = {.type = TRADING_COMMAND_BIND_ALIAS, .body = &body, .body_size = sizeof body};
        trading_result result;
        must(trading_engine_execute(house->engine, &command, 1, &result, &error), "bind", &error);
        if (result.status != TRADING_STATUS_ACCEPTED)
            fail("a portfolio is given no alias: %s", trading_reason_name(result.reason));
        must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
        must(trading_view_alias(view, "erp", name, &alias, &error), "alias", &error);
        trading_view_close(view);
    }
}

/* A partition by itself knows nothing of what went to others. */
static void check_strangers(struct house *house)
{
    trading_error error;
    int seen = 0;
    int orders = 0;
    for (uint32_t p = 0; p < AFTER; p++) {
        trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
        trading_view *view;
        options.flags = TRADING_ENGINE_MANUAL | TRADING_ENGINE_ONE_PARTITION;
        options.partition = p;
        must(trading_engine_open(&house->engine, house->host, house->new->uri, &options, &error), "open", &error);
        must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
        for (int i = 0; i < ACCOUNTS; i++) {
            trading_account account = TRADING_ACCOUNT_INIT;
            trading_portfolio portfolio = TRADING_PORTFOLIO_INIT;
            trading_alias alias;
            char name[16];
            snprintf(name, sizeof name, "Customer %d", i);
            int32_t code = trading_view_account(view, &house->crowd.accounts[i], &account, &error);
            if (trading_view_portfolio(view, &house->crowd.portfolios[i], &portfolio, &error) != code ||
                trading_view_alias(view, "crm", name, &alias, &error) != code || (code && code != TRADING_E_NOT_FOUND))
                fail("a partition shows a part of an account");
            seen += code == TRADING_OK;
            trading_order order = {.version = 0}; /* or a guest here */
            if (trading_view_order(view, &house->resting[i], &order, &error) != code)
                fail("a partition shows an order without its account, or as damaged: %s", error.message);
            orders += order.leaves_quantity == ONE;
        }
        trading_view_close(view);
        house_stop(house, TRADING_CLOSE_DRAIN);
    }
    if (seen != ACCOUNTS)
        fail("%d accounts are in any partition", seen);
    if (orders != ACCOUNTS)
        fail("%d orders rest as they did", orders);
}

static void execute_routed(struct house *house, int i)
{
    trading_error error;
    trading_result result;
    trading_book_execution body = TRADING_BOOK_EXECUTION_INIT;
    body.order = house->routed[i];
    body.quantity = 2 * ONE;
    body.price = 49 * ONE;
    trading_command command = {.type = TRADING_COMMAND_BOOK_EXECUTION, .body = &body, .body_size = sizeof body};
    must(trading_engine_execute(house->engine, &command, 1, &result, &error), "execute", &error);
    if (result.status != TRADING_STATUS_ACCEPTED)
        fail("an order at a venue was not executed: %s", trading_reason_name(result.reason));
}

static void accounts_keep_what_is_theirs(void)
{
    struct house house;
    trading_error error;
    house_open(&house);
    const trading_id forgotten = house.crowd.accounts[3];
    house_start(&house, house.old, 0);
    for (int i = 0; i < ACCOUNTS; i++)
        rest_order(&house, i);
    house_settle(&house);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    struct line line;
    must(house.old->store.ops.secret_delete(house.old->store.inner, &forgotten, &error), "forget", &error);
    trading_copy copy = TRADING_COPY_INIT;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    must(trading_store_copy(house.host, house.old->uri, house.new->uri, &options, &copy, &error), "copy", &error);
    if (copy.secrets != ACCOUNTS - 1)
        fail("a forgotten account has a secret again");
    check_strangers(&house);
    house_start(&house, house.new, 0);
    check_names(&house, &forgotten);
    bind_portfolios(&house);
    for (int i = 0; i < ACCOUNTS; i++)
        execute_routed(&house, i);
    line_set(&line, TRADING_COMMAND_END_SESSION, 0);
    house_accept(&house, &line, "the end of the session");
    house_settle(&house);
    house_trade(&house);
    house_verify(&house);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

int main(void)
{
    feeds_tell_all_once();
    outboxes_begin_behind_the_split();
    accounts_keep_what_is_theirs();
    return 0;
}
