/* Copying a store, from outside: what is refused, what an interrupted copy is, and what a partition that was split shows of the time before. That
 * accounts, books and pasts are the same before and after is model_test.c's to say. */
#include "backends/memory/memory_store.h"
#include "partitions/fail.h"
#include "partitions/lines.h"
#include "partitions/shared_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEFORE = 2, AFTER = 6, LINES = 400, EVENTS = 40000 };

struct place {
    struct shared_store store;
    char uri[48];
};

struct house {
    trading_host *host;
    struct place places[3];
    struct place *old;
    struct place *new;
    struct chance chance;
    struct crowd crowd;
    trading_engine *engine;
    trading_id routed[ACCOUNTS];
    trading_id resting[ACCOUNTS];
    int64_t keys;
};

static void must(int32_t code, const char *what, const trading_error *error)
{
    if (code)
        fail("%s: %s: %s", what, trading_error_name(code), error->message);
}

static void must_be(int32_t code, int32_t expected, const char *says, const trading_error *error)
{
    if (code != expected || !strstr(error->message, says))
        fail("%s instead of %s with '%s': %s", trading_error_name(code), trading_error_name(expected), says, error->message);
}

/* ---- a house ---- */

static void make_place(struct house *house, struct place *place, const char *scheme)
{
    trading_error error;
    shared_store_make(&place->store);
    snprintf(place->uri, sizeof place->uri, "%s:%s", scheme, place->store.location);
    must(trading_store_register(house->host, scheme, &place->store.ops, &error), "register", &error);
}

static void open_engine(struct house *house, const struct place *place, uint32_t partitions)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = partitions;
    must(trading_engine_open(&house->engine, house->host, place->uri, &options, &error), "open", &error);
}

static void settle(struct house *house)
{
    trading_error error;
    uint32_t done;
    do
        must(trading_engine_step(house->engine, 100, &done, &error), "step", &error);
    while (done);
}

static void close_engine(struct house *house, int32_t how)
{
    trading_error error;
    must(trading_engine_close(house->engine, how, &error), "close", &error);
    house->engine = NULL;
}

static trading_result execute(struct house *house, struct line *line)
{
    trading_error error;
    trading_result result;
    house->keys++;
    memcpy(line->command.key.bytes, &house->keys, sizeof house->keys);
    if (line->command.body)
        line->command.body = &line->body;
    must(trading_engine_execute(house->engine, &line->command, 1, &result, &error), "execute", &error);
    return result;
}

static void accept(struct house *house, struct line *line, const char *what)
{
    if (execute(house, line).status != TRADING_STATUS_ACCEPTED)
        fail("%s is not accepted", what);
}

static void open_account(struct house *house, int i)
{
    struct line line;
    char name[32];
    snprintf(name, sizeof name, "Customer %d", i);
    line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
    line.body.open.name = (trading_text){name, strlen(name)};
    line.body.open.currency = (trading_currency){"USD"};
    line.body.open.deposit = 10000 * ONE;
    trading_result result = execute(house, &line);
    house->crowd.accounts[i] = result.account;
    house->crowd.portfolios[i] = result.portfolio;
    trading_bind_alias alias = TRADING_BIND_ALIAS_INIT;
    alias.space = (trading_text){"crm", 3};
    alias.name = (trading_text){name, strlen(name)};
    trading_command command = {
        .type = TRADING_COMMAND_BIND_ALIAS, .account = result.account, .body = &alias, .body_size = sizeof alias};
    trading_error error;
    must(trading_engine_execute(house->engine, &command, 1, &result, &error), "bind", &error);
}

static void route_order(struct house *house, int i)
{
    struct line line;
    line_set(&line, TRADING_COMMAND_ROUTE_ORDER, sizeof line.body.place);
    line.body.place.portfolio = house->crowd.portfolios[i];
    line.body.place.side = TRADING_SIDE_BUY;
    line.body.place.type = TRADING_ORDER_TYPE_LIMIT;
    line.body.place.quantity = 2 * ONE;
    line.body.place.limit_price = 50 * ONE;
    strcpy(line.body.place.symbol.text, line_symbols[i % SYMBOLS]);
    house->routed[i] = execute(house, &line).order;
}

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
    house->resting[i] = execute(house, &line).order;
}

static void trade(struct house *house, int lines)
{
    for (int i = 0; i < lines; i++) {
        struct line line;
        line_make(&house->chance, &house->crowd, &line);
        execute(house, &line);
        settle(house);
    }
}

/* Two partitions, settled and closed. */
static void open_house(struct house *house)
{
    trading_error error;
    *house = (struct house){.chance = {7}};
    must(trading_host_open(&house->host, NULL, &error), "host", &error);
    static const char *const schemes[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++)
        make_place(house, &house->places[i], schemes[i]);
    house->old = &house->places[0];
    house->new = &house->places[1];
    open_engine(house, house->old, BEFORE);
    for (int i = 0; i < ACCOUNTS; i++)
        open_account(house, i);
    trade(house, LINES);
    for (int i = 0; i < ACCOUNTS; i++)
        route_order(house, i);
    settle(house);
    close_engine(house, TRADING_CLOSE_DRAIN);
}

static void close_house(struct house *house)
{
    trading_host_close(house->host, NULL);
    for (int i = 0; i < 3; i++)
        shared_store_unmake(&house->places[i].store);
}

/* Deletes what was there. */
static void clear_place(struct place *place)
{
    shared_store_unmake(&place->store);
    shared_store_make(&place->store);
}

static int32_t copy_with(struct house *house, const trading_copy_options *options, trading_error *error)
{
    trading_copy copy = TRADING_COPY_INIT;
    int32_t code = trading_store_copy(house->host, house->old->uri, house->new->uri, options, &copy, error);
    if (!code && copy.secrets != ACCOUNTS)
        fail("%d secrets are copied of %d, with %d events of %u partitions into %u", (int)copy.secrets, ACCOUNTS,
             (int)copy.events, copy.source_partitions, copy.partitions);
    return code;
}

static int32_t copy_into(struct house *house, uint32_t partitions, trading_error *error)
{
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = partitions;
    return copy_with(house, &options, error);
}

static void verify(struct house *house)
{
    trading_error error;
    trading_verification found = TRADING_VERIFICATION_INIT;
    must(trading_engine_verify(house->engine, &found, NULL, NULL, &error), "verify", &error);
    if (!found.sound)
        fail("verify finds: %s", found.finding);
    if (found.accounts != ACCOUNTS || found.portfolios != ACCOUNTS)
        fail("verify counts %d accounts, %d portfolios", (int)found.accounts, (int)found.portfolios);
}

/* ---- refusals ---- */

static void copies_are_refused(void)
{
    struct house house;
    trading_error error;
    open_house(&house);
    must_be(copy_into(&house, 3, &error), TRADING_E_INVALID, "a multiple", &error);
    must_be(copy_into(&house, 1, &error), TRADING_E_INVALID, "fewer are never needed", &error);
    must_be(copy_into(&house, 66, &error), TRADING_E_INVALID, "at most 64", &error);
    must_be(trading_store_copy(house.host, house.old->uri, house.old->uri, NULL, NULL, &error), TRADING_E_INVALID,
            "onto itself", &error);
    must(copy_into(&house, 0, &error), "copy", &error);
    must_be(copy_into(&house, 0, &error), TRADING_E_INVALID, "there is a store already", &error);
    close_house(&house);
}

/* ---- a store without its key of digests ---- */

/* One that nobody ever wrote has none, and its copy is as good as any; one that was written has lost it. */
static void a_copy_has_a_key_of_digests(void)
{
    static const trading_id key = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    struct house house;
    trading_error error;
    open_house(&house);
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    must(trading_store_copy(house.host, house.places[2].uri, house.new->uri, &options, NULL, &error), "copy", &error);
    open_engine(&house, house.new, 0);
    open_account(&house, 0);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    clear_place(house.new);
    must(house.old->store.ops.secret_delete(house.old->store.inner, &key, &error), "lose the key", &error);
    must_be(copy_into(&house, AFTER, &error), TRADING_E_DAMAGED, "the key of its digests", &error);
    close_house(&house);
}

/* ---- interruptions ---- */

struct patience {
    int64_t left;
    int64_t total;
    int64_t done;
};

static int32_t lose_patience(void *context, int64_t done, int64_t total)
{
    struct patience *patience = context;
    if (done < patience->done || done > total || (patience->total && total != patience->total))
        fail("progress goes back, or beyond its end");
    patience->done = done;
    patience->total = total;
    return --patience->left < 0;
}

static int32_t copy_for_a_while(struct house *house, int64_t patience, trading_error *error)
{
    struct patience left = {.left = patience};
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    options.progress = lose_patience;
    options.context = &left;
    int32_t code = copy_with(house, &options, error);
    if (!code && left.done != left.total)
        fail("%d events of %d are told of", (int)left.done, (int)left.total);
    return code;
}

static void check_unfinished(struct house *house)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    for (uint32_t flags = 0; flags <= TRADING_ENGINE_ONE_PARTITION; flags += flags + 1) {
        options.flags = flags;
        must_be(trading_engine_open(&house->engine, house->host, house->new->uri, &options, &error), TRADING_E_INVALID,
                "not finished", &error);
    }
    must_be(copy_into(house, 0, &error), TRADING_E_INVALID, "not finished", &error);
}

/* Wherever it is stopped, there is no copy, or one that nobody opens. */
static void a_copy_is_whole_or_refused(void)
{
    struct house house;
    trading_error error;
    int unfinished = 0;
    open_house(&house);
    int32_t code = TRADING_E_STOPPED;
    for (int64_t patience = 0; code; patience += patience < 700 ? 97 : 1) {
        code = copy_for_a_while(&house, patience, &error);
        if (code)
            must_be(code, TRADING_E_STOPPED, "stopped", &error);
        uint8_t value[32];
        bool marked = house.new->store.ops.secret_get(
                          house.new->store.inner,
                          &(trading_id){{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254}},
                          value, NULL) == TRADING_OK;
        unfinished += code && marked;
        if (code && marked)
            check_unfinished(&house);
        if (code && marked)
            clear_place(house.new);
    }
    if (!unfinished)
        fail("no copy was ever unfinished");
    open_engine(&house, house.new, 0);
    verify(&house);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    close_house(&house);
}

/* Somebody pays in while the store is copied. */
static int32_t write_meanwhile(void *context, int64_t done, int64_t total)
{
    struct house *house = context;
    if (done < total * 2 / 3 || house->engine)
        return 0;
    struct line line;
    open_engine(house, house->old, 0);
    line_set(&line, TRADING_COMMAND_DEPOSIT, sizeof line.body.cash);
    line.command.account = house->crowd.accounts[0];
    line.body.cash.amount = ONE;
    accept(house, &line, "a deposit");
    return 0;
}

static void a_store_that_is_written_is_not_copied(void)
{
    struct house house;
    trading_error error;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    open_house(&house);
    options.progress = write_meanwhile;
    options.context = &house;
    must_be(copy_with(&house, &options, &error), TRADING_E_POSITION, "while it was copied", &error);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    check_unfinished(&house);
    close_house(&house);
}

/* ---- what is on its way ---- */

static trading_decimal sum_of_balances(struct house *house, trading_decimal *pending)
{
    trading_error error;
    trading_view *view;
    trading_decimal sum = *pending = 0;
    must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_account account = TRADING_ACCOUNT_INIT;
        must(trading_view_account(view, &house->crowd.accounts[i], &account, &error), "account", &error);
        sum += account.balance;
        *pending += account.pending;
    }
    trading_view_close(view);
    return sum;
}

static void only_what_has_settled_is_split(void)
{
    struct house house;
    trading_error error;
    trading_decimal pending;
    open_house(&house);
    open_engine(&house, house.old, 0);
    trading_decimal before = sum_of_balances(&house, &pending);
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        line_set(&line, TRADING_COMMAND_TRANSFER, sizeof line.body.transfer);
        line.command.account = house.crowd.accounts[i];
        line.body.transfer.to = house.crowd.accounts[(i + 1) % ACCOUNTS];
        line.body.transfer.amount = ONE;
        execute(&house, &line);
    }
    close_engine(&house, TRADING_CLOSE_ABANDON);
    must_be(copy_into(&house, AFTER, &error), TRADING_E_BUSY, "on its way", &error);
    must(copy_into(&house, BEFORE, &error), "copy", &error); /* the messages go along */
    open_engine(&house, house.new, 0);
    settle(&house);
    if (sum_of_balances(&house, &pending) != before || pending)
        fail("money that was on its way was lost");
    close_engine(&house, TRADING_CLOSE_DRAIN);
    clear_place(house.new);
    open_engine(&house, house.old, 0);
    settle(&house);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    must(copy_into(&house, AFTER, &error), "copy", &error);
    open_engine(&house, house.new, 0);
    if (sum_of_balances(&house, &pending) != before || pending)
        fail("money was lost with the splitting");
    close_engine(&house, TRADING_CLOSE_DRAIN);
    close_house(&house);
}

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
    open_house(&house);
    open_engine(&house, house.old, 0);
    size_t count = all_events(&house, BEFORE, before);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    must(copy_into(&house, AFTER, &error), "copy", &error);
    open_engine(&house, house.new, 0);
    size_t told = all_events(&house, AFTER, after);
    if (told != count || memcmp(before, after, count * sizeof *before) != 0)
        fail("%zu events are told where there were %zu, or other ones", told, count);
    verify(&house);
    trade(&house, LINES);
    count = all_events(&house, AFTER, before);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    house.old = house.new;
    house.new = &house.places[2];
    must(copy_into(&house, 2 * AFTER, &error), "copy", &error);
    open_engine(&house, house.new, 0);
    told = all_events(&house, 2 * AFTER, after);
    if (told != count || memcmp(before, after, count * sizeof *before) != 0)
        fail("%zu events are told where there were %zu, or other ones, after a second split", told, count);
    verify(&house);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    close_house(&house);
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
    open_house(&house);
    must(copy_into(&house, AFTER, &error), "copy", &error);
    open_engine(&house, house.new, 0);
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
    close_engine(&house, TRADING_CLOSE_DRAIN);
    close_house(&house);
}

/* ---- accounts ---- */

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
        close_engine(house, TRADING_CLOSE_DRAIN);
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
    open_house(&house);
    const trading_id forgotten = house.crowd.accounts[3];
    open_engine(&house, house.old, 0);
    for (int i = 0; i < ACCOUNTS; i++)
        rest_order(&house, i);
    settle(&house);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    struct line line;
    must(house.old->store.ops.secret_delete(house.old->store.inner, &forgotten, &error), "forget", &error);
    trading_copy copy = TRADING_COPY_INIT;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    must(trading_store_copy(house.host, house.old->uri, house.new->uri, &options, &copy, &error), "copy", &error);
    if (copy.secrets != ACCOUNTS - 1)
        fail("a forgotten account has a secret again");
    check_strangers(&house);
    open_engine(&house, house.new, 0);
    check_names(&house, &forgotten);
    bind_portfolios(&house);
    for (int i = 0; i < ACCOUNTS; i++)
        execute_routed(&house, i);
    line_set(&line, TRADING_COMMAND_END_SESSION, 0);
    accept(&house, &line, "the end of the session");
    settle(&house);
    trade(&house, LINES);
    verify(&house);
    close_engine(&house, TRADING_CLOSE_DRAIN);
    close_house(&house);
}

int main(void)
{
    copies_are_refused();
    a_copy_has_a_key_of_digests();
    a_copy_is_whole_or_refused();
    a_store_that_is_written_is_not_copied();
    only_what_has_settled_is_split();
    feeds_tell_all_once();
    outboxes_begin_behind_the_split();
    accounts_keep_what_is_theirs();
    return 0;
}
