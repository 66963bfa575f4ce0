/* What happened to accounts, and when: the same commands on one partition and on four give the same activity, and the same picture at each moment
 * of the past, at whatever time and whichever partition's position one looks. */
#include "fail.h"
#include "lines.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trading.h>

enum { MOST = 4, COMMANDS = 400, LINES = 2000 };

static void must(int32_t code, const char *what, const trading_error *error)
{
    if (code)
        fail("%s: %s: %s", what, trading_error_name(code), error->message);
}

/* An account with its portfolio, as a view shows them. */
struct customer {
    trading_decimal balance;
    trading_decimal held;
    trading_decimal pending;
    trading_decimal cost_basis;
    trading_decimal market_value;
    trading_decimal realized_pnl;
    uint32_t open_orders;
    bool there;
};

struct picture {
    struct customer customers[ACCOUNTS];
    trading_time time;
    int64_t positions[MOST];
};

/* A day on so many partitions. Its clock stands still from command to command. */
struct day {
    uint32_t partitions;
    uint32_t flags;
    char folder[64];
    trading_host *host;
    trading_engine *engine;
    struct crowd crowd;
    struct picture pictures[COMMANDS]; /* after each command, once all messages of it have arrived */
    size_t counts[ACCOUNTS];
    trading_activity lines[ACCOUNTS][LINES];
};

static _Atomic trading_time hands;

static trading_time read_clock(void *context)
{
    (void)context;
    return atomic_load(&hands);
}

static void open_day(struct day *day)
{
    trading_error error;
    char uri[80];
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = day->partitions;
    options.flags = day->flags;
    options.clock = read_clock;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.map_bytes = UINT64_C(1) << 30;
    options.snapshot_events = 500;
    snprintf(uri, sizeof uri, "lmdb:%s", day->folder);
    must(trading_host_open(&day->host, NULL, &error), "host", &error);
    must(trading_engine_open(&day->engine, day->host, uri, &options, &error), "open", &error);
}

static void close_day(struct day *day)
{
    trading_error error;
    must(trading_engine_close(day->engine, TRADING_CLOSE_DRAIN, &error), "close", &error);
    if (trading_host_memory(day->host) != 0)
        fail("memory is left: %" PRIu64, trading_host_memory(day->host));
    trading_host_close(day->host, NULL);
}

static void reopen(struct day *day, uint32_t flags)
{
    close_day(day);
    day->flags = flags;
    open_day(day);
}

static struct day *make_day(uint32_t partitions)
{
    struct day *day = calloc(1, sizeof *day);
    if (!day)
        fail("no memory");
    day->partitions = partitions;
    day->flags = TRADING_ENGINE_MANUAL;
    strcpy(day->folder, "/tmp/account-test-XXXXXX");
    if (!mkdtemp(day->folder))
        fail("no folder");
    atomic_store(&hands, 1000);
    open_day(day);
    return day;
}

static void end_day(struct day *day)
{
    char command[96];
    close_day(day);
    snprintf(command, sizeof command, "rm -r %s", day->folder);
    if (system(command))
        fail("the folder cannot be removed");
    free(day);
}

/* ---- what a view shows ---- */

static struct customer look_at(const struct day *day, trading_view *view, int which)
{
    trading_error error;
    trading_account account = TRADING_ACCOUNT_INIT;
    trading_portfolio portfolio = TRADING_PORTFOLIO_INIT;
    int32_t code = trading_view_account(view, &day->crowd.accounts[which], &account, &error);
    if (code == TRADING_E_NOT_FOUND)
        return (struct customer){0};
    must(code, "account", &error);
    must(trading_view_portfolio(view, &day->crowd.portfolios[which], &portfolio, &error), "portfolio", &error);
    return (struct customer){.balance = account.balance,
                             .held = account.held,
                             .pending = account.pending,
                             .cost_basis = portfolio.cost_basis,
                             .market_value = portfolio.market_value,
                             .realized_pnl = portfolio.realized_pnl,
                             .open_orders = portfolio.open_order_count,
                             .there = true};
}

static void take_picture(const struct day *day, trading_view *view, struct picture *picture)
{
    memset(picture, 0, sizeof *picture); /* its padding too, as pictures are compared whole */
    picture->time = trading_view_time(view);
    for (uint32_t p = 0; p < day->partitions; p++)
        picture->positions[p] = trading_view_partition_position(view, p);
    if (trading_view_partition_position(view, day->partitions) != -1)
        fail("a view has a position of a partition that is not there");
    for (int i = 0; i < ACCOUNTS; i++) {
        struct customer customer = look_at(day, view, i);
        memcpy(&picture->customers[i], &customer, sizeof customer);
    }
}

static bool same_customers(const struct picture *a, const struct picture *b)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct customer *x = &a->customers[i];
        const struct customer *y = &b->customers[i];
        if (x->balance != y->balance || x->held != y->held || x->pending != y->pending || x->cost_basis != y->cost_basis ||
            x->market_value != y->market_value || x->realized_pnl != y->realized_pnl || x->open_orders != y->open_orders ||
            x->there != y->there)
            return false;
    }
    return true;
}

static bool same_place(const struct picture *a, const struct picture *b)
{
    return a->time == b->time && !memcmp(a->positions, b->positions, sizeof a->positions);
}

/* ---- the day ---- */

/* Until a round makes no commit: all messages have arrived. */
static void settle(const struct day *day)
{
    trading_error error;
    uint32_t done;
    do
        must(trading_engine_step(day->engine, 100, &done, &error), "step", &error);
    while (done);
}

static trading_result execute(struct day *day, struct line *line, int number)
{
    trading_error error;
    trading_result result;
    char key[16];
    snprintf(key, sizeof key, "#%d", number);
    trading_key_from_text(key, strlen(key), &line->command.key);
    if (line->command.body)
        line->command.body = &line->body;
    must(trading_engine_execute(day->engine, &line->command, 1, &result, &error), "execute", &error);
    settle(day);
    return result;
}

static void open_account(struct day *day, int which)
{
    struct line line;
    line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
    line.body.open.deposit = 10000 * ONE;
    trading_result result = execute(day, &line, which);
    if (result.status != TRADING_STATUS_ACCEPTED)
        fail("an account is not opened: %s", trading_reason_name(result.reason));
    day->crowd.accounts[which] = result.account;
    day->crowd.portfolios[which] = result.portfolio;
}

/* One partition refuses at once what goes to nobody, several send it and have it returned: so nobody gets nothing here. */
static bool goes_to_somebody(const struct day *day, const struct line *line)
{
    bool found = line->command.type != TRADING_COMMAND_TRANSFER;
    for (int i = 0; i < ACCOUNTS && !found; i++)
        found = !memcmp(&day->crowd.accounts[i], &line->body.transfer.to, sizeof(trading_id));
    return found;
}

static void spend(struct day *day)
{
    struct chance chance = {2026};
    for (int i = 0; i < COMMANDS; i++) {
        trading_error error;
        trading_view *view;
        struct line line;
        atomic_fetch_add(&hands, 10);
        if (i < ACCOUNTS) {
            open_account(day, i);
        } else {
            do
                line_make(&chance, &day->crowd, &line);
            while (!goes_to_somebody(day, &line));
            execute(day, &line, i);
        }
        must(trading_view_open(&view, day->engine, TRADING_VIEW_NOW, &error), "view", &error);
        take_picture(day, view, &day->pictures[i]);
        trading_view_close(view);
    }
}

/* ---- the activity ---- */

static void list_all(struct day *day, trading_projection *projection)
{
    trading_error error;
    for (int i = 0; i < ACCOUNTS; i++) {
        uint64_t cursor = 0;
        size_t count;
        day->counts[i] = 0;
        do {
            size_t room = LINES - day->counts[i] < 7 ? LINES - day->counts[i] : 7;
            trading_activity *lines = &day->lines[i][day->counts[i]];
            must(trading_activity_list(projection, &day->crowd.accounts[i], &cursor, lines, room, &count, &error), "list",
                 &error);
            day->counts[i] += count;
        } while (count);
    }
}

static trading_projection *open_activity(const struct day *day)
{
    trading_error error;
    trading_projection *projection;
    must(trading_activity_open(&projection, day->engine, &error), "activity", &error);
    return projection;
}

static void run(trading_projection *projection)
{
    trading_error error;
    int64_t lag;
    must(trading_projection_run(projection, NULL, &error), "run", &error);
    if (trading_projection_position(projection, &lag) <= 0 || lag != 0)
        fail("a projection that was run is behind");
}

static void check_balances(const struct day *day)
{
    const struct picture *last = &day->pictures[COMMANDS - 1];
    for (int i = 0; i < ACCOUNTS; i++) {
        size_t count = day->counts[i];
        if (!count || day->lines[i][count - 1].balance != last->customers[i].balance)
            fail("the activity of account %d does not lead to its balance", i);
    }
}

/* Keeps what it knew over a reopening, comes to the same when it is made again, and for who only reads. */
static void check_activity(struct day *day)
{
    trading_projection *second;
    trading_projection *projection = open_activity(day);
    if (trading_activity_open(&second, day->engine, NULL) != TRADING_E_BUSY)
        fail("the activity is open twice");
    run(projection);
    int64_t position = trading_projection_position(projection, NULL);
    if (trading_engine_close(day->engine, TRADING_CLOSE_DRAIN, NULL) != TRADING_E_BUSY)
        fail("an engine was closed under a projection");
    trading_projection_close(projection);
    reopen(day, TRADING_ENGINE_MANUAL);
    projection = open_activity(day);
    if (trading_projection_position(projection, NULL) != position)
        fail("a projection begins anew after a reopening");
    list_all(day, projection);
    check_balances(day);
    must(trading_projection_reset(projection, NULL), "reset", &(trading_error){0});
    if (trading_projection_position(projection, NULL) != 0)
        fail("a projection that was reset is not at the start");
    run(projection);
    list_all(day, projection);
    check_balances(day);
    trading_projection_close(projection);
    reopen(day, TRADING_ENGINE_READ_ONLY);
    projection = open_activity(day);
    run(projection);
    list_all(day, projection);
    check_balances(day);
    trading_projection_close(projection);
    reopen(day, TRADING_ENGINE_MANUAL);
}

/* What is each partition's own cannot be had of all together. */
static void check_rows_are_apart(const struct day *day)
{
    trading_event events[4];
    uint8_t row[TRADING_ROW_KEY_BYTES] = {1};
    uint8_t value[8];
    size_t count = 1;
    size_t size = sizeof value;
    trading_projection *projection = open_activity(day);
    if (trading_projection_poll(projection, events, 4, &count, 0, NULL) != TRADING_E_INVALID ||
        trading_projection_commit(projection, NULL) != TRADING_E_INVALID ||
        trading_projection_put(projection, row, 1, value, 1, NULL) != TRADING_E_INVALID ||
        trading_projection_remove(projection, row, 1, NULL) != TRADING_E_INVALID ||
        trading_projection_get(projection, row, 1, value, &size, NULL) != TRADING_E_INVALID ||
        trading_projection_seek(projection, row, &count, value, &size, NULL) != TRADING_E_INVALID)
        fail("the rows of several partitions were used as those of one");
    trading_projection_close(projection);
}

static int32_t count_events(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    (void)projection;
    (void)events;
    *(int64_t *)context += (int64_t)count;
    return 0;
}

/* A host's own is of the partition that its filter names, with a position there. */
static void check_projection_of_one(struct day *day, uint32_t partition)
{
    trading_error error;
    int64_t counted = 0;
    int64_t expected = day->pictures[COMMANDS - 1].positions[partition];
    trading_projection *projection;
    trading_filter filter = TRADING_FILTER_INIT;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    filter.partition = partition;
    options.name = "counts";
    options.filter = &filter;
    options.apply = count_events;
    options.context = &counted;
    for (int i = 0; i < 2; i++) {
        must(trading_projection_open(&projection, day->engine, &options, &error), "projection", &error);
        run(projection);
        if (counted != expected || trading_projection_position(projection, NULL) != expected)
            fail("a projection of partition %u counts %" PRId64 " events of %" PRId64, partition, counted, expected);
        trading_projection_close(projection);
        reopen(day, TRADING_ENGINE_MANUAL);
    }
}

static bool same_line(const trading_activity *a, const trading_activity *b)
{
    trading_activity x = *a;
    x.position = b->position;
    return !memcmp(&x, b, sizeof x);
}

static void compare_activity(const struct day *one, const struct day *many)
{
    size_t moved = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        if (one->counts[i] != many->counts[i])
            fail("account %d has %zu lines of activity instead of %zu", i, many->counts[i], one->counts[i]);
        for (size_t k = 0; k < one->counts[i]; k++) {
            if (!same_line(&one->lines[i][k], &many->lines[i][k]))
                fail("account %d: line %zu of its activity is another", i, k);
            moved += one->lines[i][k].type == TRADING_ACTIVITY_TRANSFER_IN || one->lines[i][k].realized_pnl != 0;
        }
    }
    if (moved < COMMANDS / 10)
        fail("hardly anything was sold or sent");
}

/* ---- the past ---- */

static void expect(const struct day *day, trading_view *view, const struct picture *picture, const char *what)
{
    struct picture seen;
    take_picture(day, view, &seen);
    if (!same_customers(&seen, picture) || !same_place(&seen, picture))
        fail("%s of time %" PRId64 " shows time %" PRId64 ", or what was not then", what, picture->time, seen.time);
    trading_view_close(view);
}

/* After the last command that the partition took part in, up to this one. */
static const struct picture *moment_of(const struct day *day, int command, uint32_t partition)
{
    while (command > 0 && day->pictures[command - 1].positions[partition] == day->pictures[command].positions[partition])
        command--;
    return &day->pictures[command];
}

static void look_back_to(const struct day *day, int command)
{
    trading_error error;
    trading_view *view;
    const struct picture *picture = &day->pictures[command];
    must(trading_view_open_at_time(&view, day->engine, picture->time, &error), "time", &error);
    expect(day, view, picture, "a view");
    for (uint32_t p = 0; p < day->partitions; p++) {
        int64_t position = picture->positions[p];
        if (position == 0)
            continue;
        const struct picture *moment = moment_of(day, command, p);
        must(trading_view_open_at_position(&view, day->engine, p, position, &error), "position", &error);
        expect(day, view, moment, "a view of a position");
        bool one_more =
            command > 0 && moment_of(day, command, p) == picture && position > day->pictures[command - 1].positions[p] + 1;
        if (!one_more || day->partitions > 1)
            continue;
        must(trading_view_open_at_position(&view, day->engine, p, position - 1, &error), "position", &error);
        expect(day, view, picture, "a view within a commit");
    }
}

static void check_past(const struct day *day)
{
    trading_error error;
    trading_view *view;
    const struct picture *last = &day->pictures[COMMANDS - 1];
    for (int command = 0; command < COMMANDS; command += 7)
        look_back_to(day, command);
    look_back_to(day, COMMANDS - 1);
    must(trading_view_open_at_position(&view, day->engine, 0, 0, &error), "the start", &error);
    if (trading_view_position(view) != 0)
        fail("there was something before the start");
    trading_view_close(view);
    if (trading_view_open_at_position(&view, day->engine, 0, last->positions[0] + 1, NULL) != TRADING_E_NOT_FOUND ||
        trading_view_open_at_position(&view, day->engine, 0, -1, NULL) != TRADING_E_INVALID ||
        trading_view_open_at_position(&view, day->engine, day->partitions, 0, NULL) != TRADING_E_INVALID)
        fail("a view is of a position that is not there");
    int32_t code = trading_view_open(&view, day->engine, 1, NULL);
    if (code != (day->partitions > 1 ? TRADING_E_INVALID : TRADING_OK))
        fail("a position without its partition: %s", trading_error_name(code));
    trading_view_close(view);
}

/* Where an account lives its events have their positions. */
static void check_homes(const struct day *day)
{
    trading_error error;
    trading_view *view;
    must(trading_view_open(&view, day->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (int i = 0; i < ACCOUNTS; i++) {
        uint32_t home;
        trading_account account = TRADING_ACCOUNT_INIT;
        must(trading_engine_partition_of(day->engine, TRADING_ENTITY_ACCOUNT, &day->crowd.accounts[i], &home, &error), "home",
             &error);
        must(trading_view_account(view, &day->crowd.accounts[i], &account, &error), "account", &error);
        if (account.position != trading_view_partition_position(view, home))
            fail("an account is shown at a position of another partition than its own");
    }
    trading_view_close(view);
    if (trading_engine_partition_of(day->engine, 9, &day->crowd.accounts[0], &(uint32_t){0}, NULL) != TRADING_E_INVALID)
        fail("what is no entity has a partition");
}

int main(void)
{
    struct day *one = make_day(1);
    spend(one);
    check_activity(one);
    check_past(one);
    check_homes(one);
    for (uint32_t partitions = 2; partitions <= MOST; partitions += 2) {
        struct day *many = make_day(partitions);
        spend(many);
        for (int i = 0; i < COMMANDS; i++)
            if (!same_customers(&one->pictures[i], &many->pictures[i]))
                fail("after command %d accounts of %u partitions are not as those of one", i, partitions);
        check_activity(many);
        compare_activity(one, many);
        check_rows_are_apart(many);
        for (uint32_t p = 0; p < partitions; p++)
            check_projection_of_one(many, p);
        check_past(many);
        check_homes(many);
        end_day(many);
    }
    end_day(one);
    return 0;
}
