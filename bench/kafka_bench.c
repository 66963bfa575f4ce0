/* What publishing through the bus costs beside librdkafka alone, in turns against the same brokers: records of 1 kB, idempotent and on all
 * replicas; and transactions of 1,000 of them. Needs a server: tests/servers/kafka/server up.
 *
 *   kafka-bench PLUGIN HOSTS [RECORDS] */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <trading.h>

enum { SIZE = 1000, PARTITIONS = 4, TURNS = 9, TRANSACTION = 1000, TRANSACTIONS = 60, CALL_MOST = 10000 };

static const char *hosts;
static char topic[64];
static char bytes[SIZE];
static trading_bus_record records[CALL_MOST];
static trading_error error;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    return times[count / 2];
}

/* ---- librdkafka alone ---- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[200];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why))
        give_up(name, why);
}

static rd_kafka_t *open_plain(const char *writer)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", hosts);
    set(conf, "enable.idempotence", "true");
    set(conf, "acks", "all");
    if (writer)
        set(conf, "transactional.id", writer);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!client)
        give_up("librdkafka", why);
    if (writer)
        rd_kafka_init_transactions(client, 30000);
    return client;
}

static void produce_plain(rd_kafka_t *client, int count)
{
    for (int i = 0; i < count; i++)
        while (rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(i % PARTITIONS),
                                 RD_KAFKA_V_VALUE(bytes, SIZE), RD_KAFKA_V_END))
            rd_kafka_poll(client, 10);
}

static double plain_rate(rd_kafka_t *client, int count)
{
    double begun = now();
    produce_plain(client, count);
    if (rd_kafka_flush(client, 120000))
        give_up("librdkafka", "not all was delivered");
    return count / (now() - begun);
}

static double plain_transactions(rd_kafka_t *client)
{
    double times[TRANSACTIONS];
    for (int i = 0; i < TRANSACTIONS; i++) {
        double begun = now();
        rd_kafka_begin_transaction(client);
        produce_plain(client, TRANSACTION);
        rd_kafka_error_t *failure = rd_kafka_commit_transaction(client, 30000);
        if (failure)
            give_up("librdkafka", rd_kafka_error_string(failure));
        times[i] = now() - begun;
    }
    return median(times, TRANSACTIONS);
}

/* ---- the bus ---- */

static trading_bus *open_bus(trading_host *host, const char *writer)
{
    char uri[600];
    trading_bus *bus;
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = writer;
    snprintf(uri, sizeof uri, "kafka://%s/", hosts);
    if (trading_bus_open(&bus, host, uri, &options, &error))
        give_up("the bus", error.message);
    return bus;
}

static double bus_rate(trading_bus *bus, int count, int call)
{
    double begun = now();
    for (int done = 0; done < count; done += call)
        if (trading_bus_publish(bus, records, (size_t)call, TRADING_BUS_NO_MARK, &error))
            give_up("the bus", error.message);
    return count / (now() - begun);
}

static double bus_transactions(trading_bus *bus, int64_t mark)
{
    double times[TRANSACTIONS];
    for (int i = 0; i < TRANSACTIONS; i++) {
        double begun = now();
        if (trading_bus_publish(bus, records, TRANSACTION, mark < 0 ? mark : mark + i, &error))
            give_up("the bus", error.message);
        times[i] = now() - begun;
    }
    return median(times, TRANSACTIONS);
}

/* ---- in turns ---- */

struct turns {
    int count;
    double alone[TURNS];
    double ways[2][TURNS];
};

/* The middle of each, and of the ratios within a turn: what else the machine does falls on all of a turn. */
static void print_turns(const char *what, struct turns *turns, const char *const names[2])
{
    double ratios[2][TURNS];
    for (int way = 0; way < 2; way++)
        for (int i = 0; i < TURNS; i++)
            ratios[way][i] = turns->ways[way][i] / turns->alone[i];
    printf("%s\n  librdkafka alone      %10.1f\n", what, median(turns->alone, TURNS));
    for (int way = 0; way < 2; way++)
        printf("  the bus, %-14s%10.1f   %.2f times\n", names[way], median(turns->ways[way], TURNS),
               median(ratios[way], TURNS));
    fflush(stdout);
}

static void measure_records(trading_bus *bus, int count)
{
    rd_kafka_t *plain = open_plain(NULL);
    plain_rate(plain, CALL_MOST);
    bus_rate(bus, CALL_MOST, CALL_MOST);
    struct turns turns = {0};
    for (; turns.count < TURNS; turns.count++) {
        turns.alone[turns.count] = plain_rate(plain, count);
        turns.ways[0][turns.count] = bus_rate(bus, count, 1000);
        turns.ways[1][turns.count] = bus_rate(bus, count, CALL_MOST);
    }
    print_turns("records/s", &turns, (const char *[]){"1,000 a call", "10,000 a call"});
    rd_kafka_destroy(plain);
}

static void measure_transactions(trading_host *host)
{
    char names[2][80];
    snprintf(names[0], sizeof names[0], "%s.plain", topic);
    snprintf(names[1], sizeof names[1], "%s.bus", topic);
    rd_kafka_t *plain = open_plain(names[0]);
    trading_bus *bus = open_bus(host, names[1]);
    struct turns turns = {0};
    for (; turns.count < TURNS; turns.count++) {
        turns.alone[turns.count] = plain_transactions(plain) * 1e3;
        turns.ways[0][turns.count] = bus_transactions(bus, TRADING_BUS_NO_MARK) * 1e3;
        turns.ways[1][turns.count] = bus_transactions(bus, turns.count * TRANSACTIONS) * 1e3;
    }
    print_turns("1,000 records in one transaction, p50 ms", &turns, (const char *[]){"without a mark", "with a mark"});
    trading_bus_close(bus);
    rd_kafka_destroy(plain);
}

int main(int argc, char **argv)
{
    trading_host *host;
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    if (argc < 3)
        give_up("usage", "kafka-bench PLUGIN HOSTS [RECORDS]");
    hosts = argv[2];
    int count = argc > 3 ? atoi(argv[3]) : 200000;
    options.flags = TRADING_HOST_PLUGINS;
    if (trading_host_open(&host, &options, &error) || trading_plugin_load(host, argv[1], &error))
        give_up("the plugin", error.message);
    snprintf(topic, sizeof topic, "bench-%lld", (long long)time(NULL));
    for (uint32_t i = 0; i < SIZE; i++)
        bytes[i] = (char)("0123456789abcdef"[(i * 2654435761u >> 13) % 16]);
    for (uint32_t i = 0; i < CALL_MOST; i++)
        records[i] = (trading_bus_record){.topic = topic, .partition = i % PARTITIONS, .value = bytes, .value_size = SIZE};
    trading_bus *bus = open_bus(host, NULL);
    if (trading_bus_topic(bus, topic, PARTITIONS, 0, &error))
        give_up("the topic", error.message);
    measure_records(bus, count / CALL_MOST * CALL_MOST);
    measure_transactions(host);
    trading_bus_close(bus);
    trading_host_close(host, NULL);
    return 0;
}
