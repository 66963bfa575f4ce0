/* What an append to Cassandra costs: the block inside its transaction and the block written before it, in turns; deposits through the
 * engine, many in one transaction, beside single small transactions; and deposits of a program of one thread, whose engine waits for its
 * appends or polls for them. Needs a server: tests/servers/cassandra/server up. */
#include "plugin_store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <trading.h>

#define LOCATION_BYTES 512
#define SECOND         INT64_C(1000000000)

enum { TURNS_MAX = 200000, BATCH_MAX = 1024, ACCOUNTS = 64 };

static const char *plugin_path;
static const char *place; /* //HOSTS/KEYSPACE?… */
static int64_t seconds = 5;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* ---- series of times ---- */

struct series {
    int64_t times[TURNS_MAX];
    int64_t count;
    int64_t sum;
};

static void add_time(struct series *series, int64_t time)
{
    series->times[series->count++] = time;
    series->sum += time;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double rate(const struct series *series)
{
    return (double)series->count * 1e9 / (double)series->sum;
}

static double milliseconds_at(struct series *series, int64_t percent)
{
    qsort(series->times, (size_t)series->count, sizeof *series->times, compare);
    return (double)series->times[series->count * percent / 100] / 1e6;
}

/* ---- appends ---- */

struct appender {
    void *store;
    trading_store_head head;
    struct series series;
};

static void location_of(char location[LOCATION_BYTES], const char *journal, const char *more)
{
    snprintf(location, LOCATION_BYTES, "%s%sjournal=bench-%lld-%s%s", place, strchr(place, '?') ? "&" : "?", (long long)now(),
             journal, more);
}

static struct appender *open_appender(const trading_store_ops *ops, const char *more)
{
    char location[LOCATION_BYTES];
    trading_error error = {0};
    struct appender *appender = calloc(1, sizeof *appender);
    if (!appender)
        give_up("no memory");
    location_of(location, "append", more);
    appender->store = plugin_store_open(ops, location);
    if (ops->head(appender->store, 0, &appender->head, &error))
        give_up(error.message);
    return appender;
}

static void close_appender(const trading_store_ops *ops, struct appender *appender)
{
    ops->close(appender->store);
    free(appender);
}

static void append(const trading_store_ops *ops, struct appender *appender, const void *bytes, size_t size)
{
    trading_error error = {0};
    trading_store_commit commit = {
        .first_position = appender->head.next_position, .event_count = 1, .nonce = {{1}}, .data = bytes, .size = size};
    int64_t begun = now();
    if (ops->append(appender->store, 0, &commit, 1, &appender->head, &error))
        give_up(error.message);
    add_time(&appender->series, now() - begun);
}

static void print_appends(const char *how, size_t size, struct series *series)
{
    printf("%9zu bytes  %-20s %8.1f appends/s  p50 %7.2f ms  p99 %7.2f ms  (%lld)\n", size, how, rate(series),
           milliseconds_at(series, 50), milliseconds_at(series, 99), (long long)series->count);
    fflush(stdout);
}

/* Each in turn, so that what else the machine does falls on both. */
static void measure_ways(const trading_store_ops *ops, size_t size)
{
    struct appender *inside = open_appender(ops, "&inline_bytes=4194304");
    struct appender *before = open_appender(ops, "&inline_bytes=0");
    uint8_t *bytes = malloc(size);
    if (!bytes)
        give_up("no memory");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((i * 2654435761u) >> 13);
    for (int64_t until = now() + 2 * seconds * SECOND; now() < until && inside->series.count < TURNS_MAX;) {
        append(ops, inside, bytes, size);
        append(ops, before, bytes, size);
    }
    print_appends("in the transaction", size, &inside->series);
    print_appends("before it", size, &before->series);
    free(bytes);
    close_appender(ops, inside);
    close_appender(ops, before);
}

/* ---- deposits ---- */

struct desk {
    trading_host *host;
    trading_engine *engine;
    trading_id accounts[ACCOUNTS];
    trading_cash cash;
    trading_command commands[BATCH_MAX];
    trading_result results[BATCH_MAX];
};

static void run(struct desk *desk, size_t count)
{
    trading_error error = {0};
    if (trading_engine_execute(desk->engine, desk->commands, count, desk->results, &error))
        give_up(error.message);
    for (size_t i = 0; i < count; i++) {
        if (desk->results[i].status != TRADING_STATUS_ACCEPTED)
            give_up("a command was not accepted");
    }
}

static void open_desk(struct desk *desk)
{
    char uri[LOCATION_BYTES + 16] = "cassandra:";
    trading_error error = {0};
    trading_host_options host = TRADING_HOST_OPTIONS_INIT;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    host.flags = TRADING_HOST_PLUGINS;
    location_of(uri + strlen(uri), "engine", "");
    if (trading_host_open(&desk->host, &host, &error) || trading_plugin_load(desk->host, plugin_path, &error) ||
        trading_engine_open(&desk->engine, desk->host, uri, &options, &error))
        give_up(error.message);
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    for (size_t i = 0; i < ACCOUNTS; i++)
        desk->commands[i] = (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    run(desk, ACCOUNTS);
    for (size_t i = 0; i < ACCOUNTS; i++)
        desk->accounts[i] = desk->results[i].account;
    trading_cash_init(&desk->cash);
    desk->cash.amount = TRADING_DECIMAL_ONE;
    for (size_t i = 0; i < BATCH_MAX; i++)
        desk->commands[i] = (trading_command){.type = TRADING_COMMAND_DEPOSIT,
                                              .account = desk->accounts[i % ACCOUNTS],
                                              .body = &desk->cash,
                                              .body_size = sizeof desk->cash};
}

static void close_desk(struct desk *desk)
{
    trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, NULL);
    trading_host_close(desk->host, NULL);
}

/* Each batch of deposits, which is one transaction, in turns with a transaction that carries next to nothing. */
static void measure_batch(const trading_store_ops *ops, struct desk *desk, size_t batch)
{
    struct appender *single = open_appender(ops, "");
    struct series *batches = calloc(1, sizeof *batches);
    if (!batches)
        give_up("no memory");
    for (int64_t until = now() + seconds * SECOND; now() < until && batches->count < TURNS_MAX;) {
        int64_t begun = now();
        run(desk, batch);
        add_time(batches, now() - begun);
        append(ops, single, "0123456789", 10);
    }
    double deposits = rate(batches) * (double)batch;
    double transactions = rate(&single->series);
    printf("deposits, %4zu at a time %9.0f/s  p50 %6.2f ms  small transactions %7.1f/s  p50 %6.2f ms  ratio %6.1f\n", batch,
           deposits, milliseconds_at(batches, 50), transactions, milliseconds_at(&single->series, 50), deposits / transactions);
    fflush(stdout);
    free(batches);
    close_appender(ops, single);
}

static void measure_deposits(const trading_store_ops *ops)
{
    static const size_t batches[] = {1, 1, 64, 256, 1024}; /* the first to warm the server up */
    static struct desk desk;
    open_desk(&desk);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        measure_batch(ops, &desk, batches[i]);
    close_desk(&desk);
}

/* ---- one thread ---- */

enum { ROUNDS = 3, LOOP_BATCH_MAX = 1024, PARTITIONS_MAX = 4, TURNS = 4 };

/* Deposits that were submitted together, a commit's worth for each partition. */
struct round {
    trading_command commands[LOOP_BATCH_MAX * PARTITIONS_MAX];
    trading_result results[LOOP_BATCH_MAX * PARTITIONS_MAX];
    bool under_way;
};

/* An engine without threads, and who drives it. */
struct loop {
    trading_host *host;
    trading_engine *engine;
    size_t commands; /* of a round */
    trading_cash cash;
    struct round rounds[ROUNDS];
    int64_t done; /* commands, in `time` */
    int64_t time;
};

static void open_accounts(struct loop *loop)
{
    trading_error error = {0};
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command opening = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    trading_id accounts[ACCOUNTS]; /* in each partition in turn */
    for (size_t i = 0; i < ACCOUNTS; i++) {
        trading_result opened;
        if (trading_engine_execute(loop->engine, &opening, 1, &opened, &error))
            give_up(error.message);
        accounts[i] = opened.account;
    }
    trading_cash_init(&loop->cash);
    loop->cash.amount = TRADING_DECIMAL_ONE;
    for (size_t r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < loop->commands; i++)
            loop->rounds[r].commands[i] = (trading_command){.type = TRADING_COMMAND_DEPOSIT,
                                                            .account = accounts[i % ACCOUNTS],
                                                            .body = &loop->cash,
                                                            .body_size = sizeof loop->cash};
}

/* `ops` may be the plugin's without what a store is polled by. */
static struct loop *open_loop(const trading_store_ops *ops, uint32_t partitions, size_t batch)
{
    char uri[LOCATION_BYTES + 16] = "bench:";
    trading_error error = {0};
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        give_up("no memory");
    location_of(uri + strlen(uri), "loop", "");
    loop->commands = batch * partitions;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = partitions;
    options.batch_commands = (uint32_t)batch;
    if (trading_host_open(&loop->host, NULL, &error) || trading_store_register(loop->host, "bench", ops, &error) ||
        trading_engine_open(&loop->engine, loop->host, uri, &options, &error))
        give_up(error.message);
    open_accounts(loop);
    return loop;
}

static void close_loop(struct loop *loop)
{
    trading_engine_close(loop->engine, TRADING_CLOSE_DRAIN, NULL);
    trading_host_close(loop->host, NULL);
    free(loop);
}

static void submit_rounds(struct loop *loop)
{
    trading_error error = {0};
    for (uint64_t r = 0; r < ROUNDS; r++) {
        struct round *round = &loop->rounds[r];
        if (round->under_way)
            continue;
        round->under_way = true;
        if (trading_engine_submit(loop->engine, round->commands, loop->commands, round->results, r, &error))
            give_up(error.message);
    }
}

static void take_completions(struct loop *loop)
{
    trading_completion completions[ROUNDS];
    size_t taken = 0;
    trading_engine_poll(loop->engine, completions, ROUNDS, &taken, 0, NULL);
    for (size_t i = 0; i < taken; i++) {
        if (completions[i].error.code)
            give_up(completions[i].error.message);
        loop->rounds[completions[i].tag].under_way = false;
        loop->done += (int64_t)loop->commands;
    }
}

static void run_loop(struct loop *loop, int64_t nanoseconds)
{
    trading_error error = {0};
    uint32_t done = 1;
    int64_t begun = now();
    while (done) {
        if (now() - begun < nanoseconds)
            submit_rounds(loop);
        if (trading_engine_step(loop->engine, 1, &done, &error))
            give_up(error.message);
        take_completions(loop);
    }
    loop->time += now() - begun;
}

/* Both in turns, so that what else the machine does falls on both. */
static void measure_loops(const trading_store_ops *ops, uint32_t partitions, size_t batch)
{
    trading_store_ops waiting = *ops;
    waiting.append_begin = NULL;
    waiting.append_poll = NULL;
    struct loop *waits = open_loop(&waiting, partitions, batch);
    struct loop *polls = open_loop(ops, partitions, batch);
    for (int turn = 0; turn < TURNS; turn++) {
        run_loop(waits, seconds * SECOND / TURNS);
        run_loop(polls, seconds * SECOND / TURNS);
    }
    double waited = (double)waits->done * 1e9 / (double)waits->time;
    double polled = (double)polls->done * 1e9 / (double)polls->time;
    printf("one thread, %u partitions, %4zu deposits a commit: waited for %9.0f/s  polled for %9.0f/s  ratio %5.2f\n",
           partitions, batch, waited, polled, polled / waited);
    fflush(stdout);
    close_loop(waits);
    close_loop(polls);
}

static void measure_one_thread(const trading_store_ops *ops)
{
    static const size_t batches[] = {1, 64, 1024};
    for (uint32_t partitions = 1; partitions <= PARTITIONS_MAX; partitions *= PARTITIONS_MAX)
        for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
            measure_loops(ops, partitions, batches[i]);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s PLUGIN //HOSTS/KEYSPACE?create=COPIES [SECONDS]\n", argv[0]);
        return 2;
    }
    static const size_t sizes[] = {1000, 4000, 16000, 64000, 256000, 1000000};
    plugin_path = argv[1];
    place = argv[2];
    if (argc > 3)
        seconds = strtoll(argv[3], NULL, 10);
    const trading_store_ops *ops = plugin_store(plugin_path);
    measure_deposits(ops);
    measure_one_thread(ops);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        measure_ways(ops, sizes[i]);
    return 0;
}
