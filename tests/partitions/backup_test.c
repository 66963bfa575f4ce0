/* A backup, made while customers of two partitions pay each other: no message is received in it that was not sent; and where the partitions ever stand still
 * it is of that moment. */
#include "copy_house.h"
#include "fail.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 8, EVENTS = 40000, STEPS = 40 };

/* Whose customers go on while the store is looked at, and how often they did. */
static struct house *busy;
static int64_t rounds;
static int64_t rounds_left; /* before heads are told */

static void pay(struct house *house)
{
    struct line line;
    int from = (int)(chance_next(&house->chance) % ACCOUNTS);
    int to = (int)(chance_next(&house->chance) % ACCOUNTS);
    line_set(&line, TRADING_COMMAND_TRANSFER, sizeof line.body.transfer);
    line.command.account = house->crowd.accounts[from];
    line.body.transfer.to = house->crowd.accounts[to];
    line.body.transfer.amount = ONE;
    house_execute(house, &line);
}

/* Now and then messages go on, by one round of each partition. */
static void write_on(void)
{
    trading_error error;
    uint32_t steps;
    rounds++;
    pay(busy);
    if (chance_next(&busy->chance) % 2)
        must(trading_engine_step(busy->engine, 1, &steps, &error), "step", &error);
}

static int32_t write_while_copying(void *context, int64_t done, int64_t total)
{
    (void)context;
    if (done > total)
        fail("progress goes beyond its end");
    write_on();
    return 0;
}

/* So one partition's end is seen after another's has moved on. */
static int32_t write_before_head(void *store, uint32_t partition, trading_store_head *head, trading_error *error)
{
    for (int64_t i = chance_between(&busy->chance, 1, 4); i > 0 && rounds_left > 0; i--, rounds_left--)
        write_on();
    return busy->old->store.ops.head(store, partition, head, error);
}

/* What each customer has, and what of it is on its way; gives the sum. */
static trading_decimal look_at(struct house *house, trading_decimal has[ACCOUNTS], trading_decimal pending[ACCOUNTS])
{
    trading_error error;
    trading_view *view;
    trading_decimal sum = 0;
    must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_account account = TRADING_ACCOUNT_INIT;
        must(trading_view_account(view, &house->crowd.accounts[i], &account, &error), "account", &error);
        has[i] = account.balance;
        pending[i] = account.pending;
        sum += account.balance + account.pending;
    }
    trading_view_close(view);
    return sum;
}

static trading_decimal balances(struct house *house)
{
    trading_decimal has[ACCOUNTS];
    trading_decimal pending[ACCOUNTS];
    return look_at(house, has, pending);
}

static size_t events_of(struct house *house, uint32_t partition, trading_event *events)
{
    trading_error error;
    trading_feed *feed;
    trading_filter filter = TRADING_FILTER_INIT;
    size_t count = 0;
    size_t more;
    filter.partition = partition;
    must(trading_feed_open(&feed, house->engine, 0, &filter, NULL, &error), "feed", &error);
    while (count < EVENTS && trading_feed_next(feed, events + count, EVENTS - count, &more, 0, &error) == TRADING_OK)
        count += more;
    trading_feed_close(feed);
    return count;
}

/* What was there when the backup was begun, and nothing that never was. */
static void check_events(const trading_event *all, size_t count, const trading_event *kept, size_t kept_count, size_t begun)
{
    if (kept_count < begun || kept_count > count)
        fail("a partition had %zu events, then %zu, and its backup has %zu", begun, count, kept_count);
    if (memcmp(all, kept, kept_count * sizeof *all) != 0)
        fail("the backup has other events than the store");
}

static int32_t back_up_with(struct house *house, int64_t rounds_before_heads, trading_progress progress, trading_copy *told,
                            trading_error *error)
{
    char uri[sizeof house->old->uri];
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    trading_store_ops watched = house->old->store.ops;
    watched.head = write_before_head;
    options.progress = progress;
    busy = house;
    rounds = 0;
    rounds_left = rounds_before_heads;
    must(trading_store_register(house->host, "watched", &watched, error), "register", error);
    snprintf(uri, sizeof uri, "watched:%s", house->old->store.location);
    return trading_store_backup(house->host, uri, house->new->uri, &options, told, error);
}

static void back_up(struct house *house, int64_t rounds_before_heads, trading_progress progress)
{
    trading_error error;
    trading_copy told = TRADING_COPY_INIT;
    must(back_up_with(house, rounds_before_heads, progress, &told, &error), "back up", &error);
    if (told.partitions != BEFORE || told.secrets != ACCOUNTS || rounds < STEPS)
        fail("the backup has %u partitions and %d secrets, with %d rounds meanwhile", told.partitions, (int)told.secrets,
             (int)rounds);
}

/* Opened, it is sound as it stands, and once its messages have gone on as much money is there as was. */
static void check_backup(struct house *house, trading_decimal money)
{
    house_start(house, house->new, 0);
    house_verify(house);
    house_settle(house);
    if (balances(house) != money)
        fail("the backup has lost or made money");
    house_verify(house);
}

/* Nobody ever stands still. */
static void a_backup_has_whole_messages(uint64_t seed)
{
    static trading_event all[BEFORE][EVENTS];
    static trading_event kept[EVENTS];
    struct house house;
    size_t begun[BEFORE];
    size_t count[BEFORE];
    house_open(&house);
    house.chance.state = seed;
    house_start(&house, house.old, 0);
    trading_decimal money = balances(&house);
    for (uint32_t p = 0; p < BEFORE; p++)
        begun[p] = events_of(&house, p, kept);
    back_up(&house, INT64_MAX, write_while_copying);
    for (uint32_t p = 0; p < BEFORE; p++)
        count[p] = events_of(&house, p, all[p]);
    house_stop(&house, TRADING_CLOSE_ABANDON);
    house_start(&house, house.new, 0);
    for (uint32_t p = 0; p < BEFORE; p++)
        check_events(all[p], count[p], kept, events_of(&house, p, kept), begun[p]);
    house_stop(&house, TRADING_CLOSE_ABANDON);
    check_backup(&house, money);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

/* They stand still once a few rounds are over: so it has what there is then, on its way or not. */
static void a_backup_is_of_one_moment(uint64_t seed)
{
    struct house house;
    trading_decimal has[2][ACCOUNTS];
    trading_decimal pending[2][ACCOUNTS];
    house_open(&house);
    house.chance.state = seed;
    house_start(&house, house.old, 0);
    back_up(&house, STEPS, NULL);
    look_at(&house, has[0], pending[0]);
    house_stop(&house, TRADING_CLOSE_ABANDON);
    house_start(&house, house.new, 0);
    look_at(&house, has[1], pending[1]);
    if (memcmp(has[0], has[1], sizeof has[0]) != 0 || memcmp(pending[0], pending[1], sizeof pending[0]) != 0)
        fail("the backup shows other balances than the store had");
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

static int32_t stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return 1;
}

/* Also while it waits for a moment at which they stand still. */
static void a_backup_can_be_stopped(void)
{
    struct house house;
    trading_error error;
    house_open(&house);
    house_start(&house, house.old, 0);
    must_be(back_up_with(&house, INT64_MAX, stop_at_once, NULL, &error), TRADING_E_STOPPED, "stopped", &error);
    if (rounds > STEPS)
        fail("%d rounds passed before it was stopped", (int)rounds);
    house_stop(&house, TRADING_CLOSE_ABANDON);
    house_close(&house);
}

/* A store that gives less when it is read again. */
static int forgotten_reads;

static int32_t read_less(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                         trading_error *error)
{
    (void)error;
    return forgotten_reads++ < (int)BEFORE ? busy->old->store.ops.read(store, partition, from, visit, arg, error) : TRADING_OK;
}

static void a_copy_reaches_the_end(void)
{
    struct house house;
    trading_error error;
    char uri[sizeof house.old->uri];
    house_open(&house);
    trading_store_ops lossy = house.old->store.ops;
    lossy.read = read_less;
    busy = &house;
    must(trading_store_register(house.host, "lossy", &lossy, &error), "register", &error);
    snprintf(uri, sizeof uri, "lossy:%s", house.old->store.location);
    must_be(trading_store_backup(house.host, uri, house.new->uri, NULL, NULL, &error), TRADING_E_DAMAGED, "at first", &error);
    house_close(&house);
}

static void what_is_refused(void)
{
    struct house house;
    trading_error error;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    house_open(&house);
    options.partitions = AFTER;
    must_be(trading_store_backup(house.host, house.old->uri, house.new->uri, &options, NULL, &error), TRADING_E_INVALID,
            "stop who writes it", &error);
    must_be(trading_store_backup(house.host, house.old->uri, house.old->uri, NULL, NULL, &error), TRADING_E_INVALID,
            "onto itself", &error);
    must(trading_store_backup(house.host, house.old->uri, house.new->uri, NULL, NULL, &error), "back up", &error);
    must_be(trading_store_backup(house.host, house.old->uri, house.new->uri, NULL, NULL, &error), TRADING_E_INVALID,
            "there is a store already", &error);
    house_close(&house);
}

int main(void)
{
    what_is_refused();
    a_copy_reaches_the_end();
    a_backup_can_be_stopped();
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        a_backup_has_whole_messages(seed);
        a_backup_is_of_one_moment(seed);
    }
    return 0;
}
