/* Partitions in engines of their own, as in processes of their own: whatever becomes of letters and of owners, they come to what one engine of
 * all of them comes to, and what one partition does. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the same commands through others ---- */

static trading_engine *open_whole(trading_host *host, uint32_t partitions)
{
    trading_engine *engine;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = partitions;
    if (trading_engine_open(&engine, host, "memory:", &options, &error))
        fail("open: %s", error.message);
    return engine;
}

static trading_result execute_settled(trading_engine *engine, const trading_command *command)
{
    trading_result result;
    trading_error error;
    uint32_t done;
    if (trading_engine_execute(engine, command, 1, &result, &error))
        fail("execute: %s", error.message);
    do
        trading_engine_step(engine, 100, &done, NULL);
    while (done);
    return result;
}

struct trio {
    struct cluster cluster;
    trading_host *host;
    trading_engine *many; /* one engine of as many partitions */
    trading_engine *one;
    struct crowd crowd;
    struct chance chance;
    uint64_t keys;
};

/* A new owner takes a partition; the old one ends as a process does that is killed. */
static void change_owner(struct cluster *cluster, uint32_t partition)
{
    trading_engine *old = cluster->seats[partition];
    cluster->seats[partition] = cluster_engine(cluster, partition);
    trading_engine_close(old, TRADING_CLOSE_ABANDON, NULL);
}

/* Some letters go, with some of what they come to, and then an owner is lost with those that it had not sent. */
static void change_owner_midway(struct cluster *cluster)
{
    uint32_t partition = (uint32_t)chance_below(&cluster->chance, cluster->partitions);
    for (int64_t rounds = chance_below(&cluster->chance, 3); rounds; rounds--) {
        for (uint32_t i = 0; i < cluster->partitions; i++) {
            trading_engine_step(cluster->seats[i], 1, NULL, NULL);
            if (i != partition)
                cluster_collect(cluster, cluster->seats[i]);
        }
        cluster_deliver(cluster);
    }
    change_owner(cluster, partition);
}

static trading_result execute(struct trio *trio, struct line *line)
{
    memcpy(line->command.key.bytes, &(uint64_t){++trio->keys}, sizeof(uint64_t));
    if (line->command.body)
        line->command.body = &line->body;
    cluster_hint(&trio->cluster);
    trading_result apart = cluster_execute(&trio->cluster, &line->command);
    if (chance_of(&trio->chance, 50))
        change_owner_midway(&trio->cluster);
    cluster_settle(&trio->cluster);
    trading_result many = execute_settled(trio->many, &line->command);
    execute_settled(trio->one, &line->command);
    if (apart.status != many.status || apart.reason != many.reason ||
        memcmp(&apart.order, &many.order, sizeof apart.order) != 0)
        fail("command %d: apart %s (%s), together %s (%s)", line->command.type, trading_status_name(apart.status),
             trading_reason_name(apart.reason), trading_status_name(many.status), trading_reason_name(many.reason));
    return apart;
}

static void open_crowd(struct trio *trio)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
        line.body.open.deposit = 10000 * ONE;
        trading_result result = execute(trio, &line);
        trio->crowd.accounts[i] = result.account;
        trio->crowd.portfolios[i] = result.portfolio;
    }
}

/* ---- comparing ---- */

static trading_view *view_of(trading_engine *engine)
{
    trading_view *view;
    trading_error error;
    if (trading_view_open(&view, engine, TRADING_VIEW_NOW, &error))
        fail("view: %s", error.message);
    return view;
}

static trading_account account_of(trading_view *view, const trading_id *id)
{
    trading_account account = TRADING_ACCOUNT_INIT;
    if (trading_view_account(view, id, &account, NULL))
        fail("an account is missing");
    account.position = account.version = account.opened = 0;
    return account;
}

static void compare_lots(trading_view *apart, trading_view *other, const trading_id *portfolio)
{
    trading_lot a[64];
    trading_lot b[64];
    size_t a_count;
    size_t b_count;
    uint64_t cursor = 0;
    trading_view_lots(apart, portfolio, &cursor, a, 64, &a_count, NULL);
    cursor = 0;
    trading_view_lots(other, portfolio, &cursor, b, 64, &b_count, NULL);
    if (a_count != b_count)
        fail("a portfolio has %zu lots apart, and %zu together", a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k <= b_count; k++) {
            if (k == b_count)
                fail("a lot is not there");
            if (memcmp(&a[i].lot, &b[k].lot, sizeof a[i].lot) == 0 && a[i].quantity == b[k].quantity &&
                a[i].reserved == b[k].reserved && a[i].cost_basis == b[k].cost_basis)
                break;
        }
}

static void compare_orders(trading_view *apart, trading_view *other, const trading_id *portfolio)
{
    trading_order orders[16];
    size_t count;
    uint64_t cursor = 0;
    while (!trading_view_orders(apart, portfolio, 0, &cursor, orders, 16, &count, NULL) && count)
        for (size_t i = 0; i < count; i++) {
            const trading_order *mine = &orders[i];
            trading_order order;
            if (trading_view_order(other, &mine->id, &order, NULL))
                fail("an order is missing");
            if (order.status != mine->status || order.quantity != mine->quantity || order.held != mine->held ||
                order.filled_quantity != mine->filled_quantity || order.consideration != mine->consideration ||
                order.limit_price != mine->limit_price)
                fail("an order is another");
        }
}

static void compare_with(struct trio *trio, trading_engine *engine)
{
    trading_view *other = view_of(engine);
    for (int i = 0; i < ACCOUNTS; i++) {
        const trading_id *id = &trio->crowd.accounts[i];
        uint32_t slot = id->bytes[0] | (uint32_t)id->bytes[1] << 8;
        trading_view *apart = view_of(trio->cluster.seats[slot % trio->cluster.partitions]);
        trading_account a = account_of(apart, id);
        trading_account b = account_of(other, id);
        if (memcmp(&a, &b, sizeof a) != 0)
            fail("an account is another: %lld and %lld", (long long)a.balance, (long long)b.balance);
        compare_lots(apart, other, &trio->crowd.portfolios[i]);
        compare_orders(apart, other, &trio->crowd.portfolios[i]);
        trading_view_close(apart);
    }
    trading_view_close(other);
}

/* Both ways were gone, in the life of the engines that are open now. */
static void check_letters(struct cluster *cluster)
{
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t read = 0;
    for (uint32_t i = 0; i < cluster->partitions; i++) {
        trading_engine_info info = TRADING_ENGINE_INFO_INIT;
        trading_engine_get_info(cluster->seats[i], &info, NULL);
        sent += info.letters_sent;
        received += info.letters_received;
        read += info.letters_read;
    }
    if (!sent || !received || !read)
        fail("%llu letters were sent, %llu received, %llu read in journals", (unsigned long long)sent,
             (unsigned long long)received, (unsigned long long)read);
}

static void test_same(uint32_t partitions, uint64_t seed, int commands)
{
    static struct trio trio;
    memset(&trio, 0, sizeof trio);
    trio.chance.state = seed;
    cluster_open(&trio.cluster, partitions, TRADING_ENGINE_MANUAL, seed);
    trading_host_open(&trio.host, NULL, NULL);
    trio.many = open_whole(trio.host, partitions);
    trio.one = open_whole(trio.host, 1);
    open_crowd(&trio);
    for (int i = 0; i < commands; i++) {
        struct line line;
        line_make(&trio.chance, &trio.crowd, &line);
        execute(&trio, &line);
        if (i % 100 == 0)
            compare_with(&trio, trio.many);
    }
    compare_with(&trio, trio.many);
    compare_with(&trio, trio.one);
    cluster_verify(&trio.cluster);
    check_letters(&trio.cluster);
    trading_engine_close(trio.many, TRADING_CLOSE_DRAIN, NULL);
    trading_engine_close(trio.one, TRADING_CLOSE_DRAIN, NULL);
    trading_host_close(trio.host, NULL);
    cluster_close(&trio.cluster);
}

int main(void)
{
    for (uint32_t partitions = 2; partitions <= 4; partitions++)
        test_same(partitions, partitions, 600);
    return 0;
}
