/* Deposits and orders through the engine on LMDB, every batch durable before it is answered, beside raw LMDB in the same run: records of
 * 128 bytes put one by one in key order, and one value with the very bytes that the engine appended.
 *
 *      engine-bench [--quick] [--json] [--seconds S] [--accounts N] [--folder PATH]
 *
 * The machine is noisy: read the ratios, not the times. */
#include <errno.h>
#include <getopt.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <trading.h>

#define BATCHES      4
#define RECORD_BYTES 128
#define USERS        1000
#define SAMPLES_MAX  4000000

static const size_t batches[BATCHES] = {1, 64, 1024, 8192};

struct settings {
    bool json;
    double seconds; /* of each cell */
    size_t accounts;
    uint64_t open_events; /* how many events the store has when opening is timed */
    char folder[256];
};

/* One cell of the table. */
struct measure {
    double per_second;
    double p50_us;
    double p99_us;
    double p999_us;
    double bytes; /* of the journal, a command */
};

struct bench {
    struct settings settings;
    trading_host *host;
    trading_engine *engine;
    trading_id *accounts;
    trading_id portfolios[USERS];
    trading_command *commands;
    trading_result *results;
    trading_cash cash;
    trading_place_order *orders;
    uint64_t random;
    uint64_t keys;
    MDB_env *raw;
    MDB_dbi raw_records;
    uint64_t raw_key;
    double *samples;
    size_t sample_count;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(3);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Marsaglia's 64-bit xorshift. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct bench *bench, double part)
{
    size_t at = (size_t)((double)(bench->sample_count - 1) * part);
    return bench->samples[at] * 1e6;
}

typedef size_t (*work)(struct bench *bench, size_t batch); /* how many commands it did */

static struct measure run(struct bench *bench, work do_batch, size_t batch)
{
    trading_engine_info before = TRADING_ENGINE_INFO_INIT;
    trading_engine_info after = TRADING_ENGINE_INFO_INIT;
    trading_engine_get_info(bench->engine, &before, NULL);
    size_t done = 0;
    bench->sample_count = 0;
    double start = now();
    double end = start + bench->settings.seconds;
    double at = start;
    while (at < end && bench->sample_count < SAMPLES_MAX) {
        done += do_batch(bench, batch);
        double then = now();
        bench->samples[bench->sample_count++] = then - at;
        at = then;
    }
    trading_engine_get_info(bench->engine, &after, NULL);
    qsort(bench->samples, bench->sample_count, sizeof *bench->samples, compare);
    return (struct measure){.per_second = (double)done / (at - start),
                            .p50_us = percentile(bench, 0.5),
                            .p99_us = percentile(bench, 0.99),
                            .p999_us = percentile(bench, 0.999),
                            .bytes = (double)(after.journal_bytes - before.journal_bytes) / (double)done};
}

/* ---- the engine ---- */

static void execute(struct bench *bench, size_t count)
{
    trading_error error;
    if (trading_engine_execute(bench->engine, bench->commands, count, bench->results, &error))
        die("execute: %s", error.message);
}

static void expect_accepted(const struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bench->results[i].status != TRADING_STATUS_ACCEPTED)
            die("a command was answered %s: %s", trading_status_name(bench->results[i].status),
                trading_reason_name(bench->results[i].reason));
    }
}

static trading_command command_of(struct bench *bench, int32_t type, const void *body, size_t size)
{
    trading_command command = {.type = type, .body = body, .body_size = size};
    uint64_t key = ++bench->keys;
    memcpy(command.key.bytes, &key, sizeof key);
    command.key.bytes[15] = 1;
    return command;
}

static size_t deposit(struct bench *bench, size_t batch)
{
    for (size_t i = 0; i < batch; i++) {
        bench->commands[i] = command_of(bench, TRADING_COMMAND_DEPOSIT, &bench->cash, sizeof bench->cash);
        bench->commands[i].account = bench->accounts[next_random(&bench->random) % bench->settings.accounts];
    }
    execute(bench, batch);
    expect_accepted(bench, batch);
    return batch;
}

/* Good-till-cancel limit orders of 1,000 users around one price: most of them trade. */
static size_t place_orders(struct bench *bench, size_t batch)
{
    for (size_t i = 0; i < batch; i++) {
        uint64_t u = next_random(&bench->random);
        trading_place_order *order = &bench->orders[i];
        order->side = u & 1 ? TRADING_SIDE_SELL : TRADING_SIDE_BUY;
        order->limit_price = (trading_decimal)(9950 + (u >> 1) % 101) * (TRADING_DECIMAL_ONE / 100);
        order->quantity = (trading_decimal)(1 + (u >> 20) % 100) * TRADING_DECIMAL_ONE;
        order->portfolio = bench->portfolios[(u >> 32) % USERS];
        bench->commands[i] = command_of(bench, TRADING_COMMAND_PLACE_ORDER, order, sizeof *order);
    }
    execute(bench, batch);
    expect_accepted(bench, batch);
    return batch;
}

static void open_accounts(struct bench *bench)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = 1000000000 * TRADING_DECIMAL_ONE;
    for (size_t done = 0; done < bench->settings.accounts;) {
        size_t count = bench->settings.accounts - done;
        if (count > batches[BATCHES - 1])
            count = batches[BATCHES - 1];
        for (size_t i = 0; i < count; i++)
            bench->commands[i] = command_of(bench, TRADING_COMMAND_OPEN_ACCOUNT, &body, sizeof body);
        execute(bench, count);
        expect_accepted(bench, count);
        for (size_t i = 0; i < count; i++) {
            bench->accounts[done + i] = bench->results[i].account;
            if (done + i < USERS)
                bench->portfolios[done + i] = bench->results[i].portfolio;
        }
        done += count;
    }
}

static void set_quote(struct bench *bench, trading_decimal ask)
{
    trading_set_quote quote = TRADING_SET_QUOTE_INIT;
    memcpy(quote.symbol.text, "BENCH", 5);
    quote.ask = ask;
    bench->commands[0] = command_of(bench, TRADING_COMMAND_SET_QUOTE, &quote, sizeof quote);
    execute(bench, 1);
    expect_accepted(bench, 1);
}

/* Everyone who trades holds shares to sell; then the house leaves the market. */
static void hand_out_shares(struct bench *bench)
{
    set_quote(bench, TRADING_DECIMAL_ONE);
    for (size_t i = 0; i < USERS; i++) {
        trading_place_order *order = &bench->orders[i];
        trading_place_order_init(order);
        memcpy(order->symbol.text, "BENCH", 5);
        order->portfolio = bench->portfolios[i];
        order->side = TRADING_SIDE_BUY;
        order->type = TRADING_ORDER_TYPE_MARKET;
        order->quantity = 100000000 * TRADING_DECIMAL_ONE;
        bench->commands[i] = command_of(bench, TRADING_COMMAND_PLACE_ORDER, order, sizeof *order);
    }
    execute(bench, USERS);
    expect_accepted(bench, USERS);
    set_quote(bench, 0);
    for (size_t i = 0; i < batches[BATCHES - 1]; i++) {
        trading_place_order_init(&bench->orders[i]);
        memcpy(bench->orders[i].symbol.text, "BENCH", 5);
        bench->orders[i].type = TRADING_ORDER_TYPE_LIMIT;
        bench->orders[i].time_in_force = TRADING_TIME_IN_FORCE_GTC;
    }
}

static void open_engine(struct bench *bench)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    char uri[320];
    snprintf(uri, sizeof uri, "lmdb:%s/engine", bench->settings.folder);
    if (trading_engine_open(&bench->engine, bench->host, uri, &options, &error))
        die("open %s: %s", uri, error.message);
}

static void close_engine(struct bench *bench, int32_t how)
{
    trading_error error;
    if (trading_engine_close(bench->engine, how, &error))
        die("close: %s", error.message);
    bench->engine = NULL;
}

/* ---- raw LMDB ---- */

static void check(int code, const char *what)
{
    if (code)
        die("%s: %s", what, mdb_strerror(code));
}

static void open_raw(struct bench *bench)
{
    char path[320];
    MDB_txn *txn;
    snprintf(path, sizeof path, "%s/raw.mdb", bench->settings.folder);
    check(mdb_env_create(&bench->raw), "mdb_env_create");
    check(mdb_env_set_mapsize(bench->raw, (size_t)1 << 36), "mdb_env_set_mapsize");
    check(mdb_env_open(bench->raw, path, MDB_NOSUBDIR, 0600), path);
    check(mdb_txn_begin(bench->raw, NULL, 0, &txn), "mdb_txn_begin");
    check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &bench->raw_records), "mdb_dbi_open");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void put(struct bench *bench, MDB_txn *txn, size_t size)
{
    static uint8_t record[1 << 20];
    MDB_val key = {.mv_size = sizeof bench->raw_key, .mv_data = &bench->raw_key};
    MDB_val value = {.mv_size = size, .mv_data = record};
    bench->raw_key++;
    memcpy(record, &bench->raw_key, sizeof bench->raw_key);
    check(mdb_put(txn, bench->raw_records, &key, &value, MDB_APPEND), "mdb_put");
}

static size_t put_records(struct bench *bench, size_t batch)
{
    MDB_txn *txn;
    check(mdb_txn_begin(bench->raw, NULL, 0, &txn), "mdb_txn_begin");
    for (size_t i = 0; i < batch; i++)
        put(bench, txn, RECORD_BYTES);
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    return batch;
}

/* As many bytes as the engine wrote for a batch of deposits. */
#define DEPOSIT_BYTES 48

static size_t put_block(struct bench *bench, size_t batch)
{
    MDB_txn *txn;
    check(mdb_txn_begin(bench->raw, NULL, 0, &txn), "mdb_txn_begin");
    put(bench, txn, batch * DEPOSIT_BYTES + RECORD_BYTES);
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    return batch;
}

/* ---- the table ---- */

enum row { ROW_DEPOSITS, ROW_ORDERS, ROW_RECORDS, ROW_BLOCK, ROWS };

static const struct {
    const char *name;
    const char *json;
    work work;
} rows[ROWS] = {
    {"deposits", "deposits", deposit},
    {"orders", "orders", place_orders},
    {"raw LMDB, a put a record", "lmdb_records", put_records},
    {"raw LMDB, a put a batch", "lmdb_block", put_block},
};

static void print_table(struct measure cells[BATCHES][ROWS])
{
    printf("%-26s %8s %12s %10s %10s %10s %8s %8s\n", "", "batch", "per second", "p50 us", "p99 us", "p99.9 us", "B/cmd",
           "x puts");
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < BATCHES; i++) {
            const struct measure *cell = &cells[i][row];
            printf("%-26s %8zu %12.0f %10.1f %10.1f %10.1f %8.1f %8.2f\n", rows[row].name, batches[i], cell->per_second,
                   cell->p50_us, cell->p99_us, cell->p999_us, row < ROW_RECORDS ? cell->bytes : 0.0,
                   cell->per_second / cells[i][ROW_RECORDS].per_second);
        }
    }
}

static void print_json(struct measure cells[BATCHES][ROWS], double open_seconds, uint64_t open_events, double event_bytes)
{
    printf("{\"cells\":[");
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < BATCHES; i++) {
            const struct measure *cell = &cells[i][row];
            printf("%s{\"work\":\"%s\",\"batch\":%zu,\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
                   "\"bytes_per_command\":%.1f,\"ratio_to_lmdb_records\":%.3f}",
                   row + i ? "," : "", rows[row].json, batches[i], cell->per_second, cell->p50_us, cell->p99_us, cell->p999_us,
                   row < ROW_RECORDS ? cell->bytes : 0.0, cell->per_second / cells[i][ROW_RECORDS].per_second);
        }
    }
    printf("],\"open\":{\"events\":%llu,\"seconds\":%.3f},\"journal_bytes_per_event\":%.1f}\n", (unsigned long long)open_events,
           open_seconds, event_bytes);
}

/* Opening after a crash: without the last checkpoint, so that the journal's tail is replayed. */
static double time_open(struct bench *bench, uint64_t *events, double *event_bytes)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    trading_engine_get_info(bench->engine, &info, NULL);
    while ((uint64_t)info.next_position < bench->settings.open_events) {
        deposit(bench, batches[BATCHES - 1]);
        trading_engine_get_info(bench->engine, &info, NULL);
    }
    *events = (uint64_t)info.next_position;
    *event_bytes = (double)info.journal_bytes / (double)info.events;
    close_engine(bench, TRADING_CLOSE_ABANDON);
    double start = now();
    open_engine(bench);
    return now() - start;
}

static void measure_all(struct bench *bench)
{
    struct measure cells[BATCHES][ROWS];
    for (size_t i = 0; i < BATCHES; i++) {
        for (size_t row = 0; row < ROWS; row++) {
            if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r%-30s batch %-6zu", rows[row].name, batches[i]);
            cells[i][row] = run(bench, rows[row].work, batches[i]);
        }
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-50s\r", "");
    uint64_t events;
    double event_bytes;
    double seconds = time_open(bench, &events, &event_bytes);
    if (bench->settings.json) {
        print_json(cells, seconds, events, event_bytes);
        return;
    }
    print_table(cells);
    printf("open after %llu events: %.2f s; the journal has %.1f bytes an event\n", (unsigned long long)events, seconds,
           event_bytes);
}

/* ---- running ---- */

static struct settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},         {"json", no_argument, NULL, 'j'},
        {"seconds", required_argument, NULL, 's'}, {"accounts", required_argument, NULL, 'a'},
        {"folder", required_argument, NULL, 'f'},  {NULL, 0, NULL, 0}};
    struct settings settings = {.seconds = 3, .accounts = 100000, .open_events = 1000000};
    snprintf(settings.folder, sizeof settings.folder, "%s", "");
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q') {
            settings.seconds = 0.05;
            settings.accounts = 2000;
            settings.open_events = 20000;
        } else if (option == 'j') {
            settings.json = true;
        } else if (option == 's') {
            settings.seconds = strtod(optarg, NULL);
        } else if (option == 'a') {
            settings.accounts = strtoul(optarg, NULL, 10);
        } else if (option == 'f') {
            snprintf(settings.folder, sizeof settings.folder, "%s", optarg);
        } else {
            die("usage: engine-bench [--quick] [--json] [--seconds S] [--accounts N] [--folder PATH]");
        }
    }
    if (settings.accounts < USERS || settings.seconds <= 0)
        die("--accounts is at least %d, --seconds more than 0", USERS);
    return settings;
}

/* A folder of its own, removed afterwards; one that was given stays. */
static bool make_folder(struct settings *settings)
{
    if (settings->folder[0]) {
        if (mkdir(settings->folder, 0700) && errno != EEXIST)
            die("%s: %s", settings->folder, strerror(errno));
        return false;
    }
    snprintf(settings->folder, sizeof settings->folder, "%s/engine-bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(settings->folder))
        die("%s: %s", settings->folder, strerror(errno));
    return true;
}

static void remove_folder(const char *folder)
{
    char command[320];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    if (system(command))
        fprintf(stderr, "left behind: %s\n", folder);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        die("no memory");
    return memory;
}

int main(int argc, char **argv)
{
    struct bench bench = {.settings = read_arguments(argc, argv), .random = UINT64_C(88172645463325252)};
    trading_error error;
    bool temporary = make_folder(&bench.settings);
    size_t most = batches[BATCHES - 1];
    bench.accounts = allocate(bench.settings.accounts, sizeof *bench.accounts);
    bench.commands = allocate(most, sizeof *bench.commands);
    bench.results = allocate(most, sizeof *bench.results);
    bench.orders = allocate(most, sizeof *bench.orders);
    bench.samples = allocate(SAMPLES_MAX, sizeof *bench.samples);
    trading_cash_init(&bench.cash);
    bench.cash.amount = TRADING_DECIMAL_ONE;
    if (trading_host_open(&bench.host, NULL, &error))
        die("%s", error.message);
    open_engine(&bench);
    open_raw(&bench);
    open_accounts(&bench);
    hand_out_shares(&bench);
    measure_all(&bench);
    close_engine(&bench, TRADING_CLOSE_DRAIN);
    mdb_env_close(bench.raw);
    trading_host_close(bench.host, NULL);
    free(bench.accounts);
    free(bench.commands);
    free(bench.results);
    free(bench.orders);
    free(bench.samples);
    if (temporary)
        remove_folder(bench.settings.folder);
    return 0;
}
