/* Publishes, reads and takes part in groups, for the fault tests: a process to stop and to kill. It ends when its input does.
 *
 *   kafka-runner PLUGIN URI publish TOPIC WRITER stop|reopen   numbers 0, 1, 2 … in batches; says how far it has come; goes on from its mark
 *   kafka-runner PLUGIN URI read TOPIC                         follows the topic from its oldest records; says each number
 *   kafka-runner PLUGIN URI member TOPIC GROUP                 takes part in a group; says what it owns, and each number
 *   kafka-runner PLUGIN URI open                               opens the bus, and that is all
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trading.h>

enum { BATCH = 10, PARTITIONS = 4, FENCED = 3, FAILED = 2 };

static trading_host *host;
static const char *uri;
static trading_error error;

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    fprintf(stderr, "(%d) %s\n", (int)level, line);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", what, trading_error_name(error.code), error.message);
    exit(FAILED);
}

static bool may_go_on(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) == 0;
}

static int32_t open_bus(trading_bus **bus, const char *writer)
{
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    options.writer = writer;
    return trading_bus_open(bus, host, uri, &options, &error);
}

/* ---- publishing ---- */

static int32_t publish_batch(trading_bus *bus, const char *topic, int64_t next)
{
    char values[BATCH][24];
    trading_bus_record records[BATCH];
    for (int i = 0; i < BATCH; i++) {
        int length = snprintf(values[i], sizeof values[i], "%" PRId64, next + i);
        records[i] = (trading_bus_record){
            .topic = topic, .partition = (uint32_t)(next + i) % PARTITIONS, .value = values[i], .value_size = (uint64_t)length};
    }
    return trading_bus_publish(bus, records, BATCH, next + BATCH, &error);
}

/* Where to go on, once it can be told. */
static int32_t find_next(trading_bus *bus, int64_t *next)
{
    int32_t code = trading_bus_mark(bus, next, &error);
    if (code == TRADING_E_NOT_FOUND)
        *next = 0;
    return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}

/* Publishes until it is to stop or the bus is of no more use. */
static int32_t publish_on(trading_bus *bus, const char *topic)
{
    int64_t next = 0;
    bool known = false;
    while (may_go_on()) {
        int32_t code = known ? publish_batch(bus, topic, next) : find_next(bus, &next);
        if (!code && known)
            printf("published %" PRId64 "\n", next += BATCH);
        if (code)
            printf("failed %s %s\n", trading_error_name(code), error.message);
        fflush(stdout);
        if (error.flags & TRADING_ERROR_FATAL)
            return code;
        known = code ? code != TRADING_E_OUTCOME_UNKNOWN && known : true;
    }
    return TRADING_OK;
}

static int publish(const char *topic, const char *writer, bool reopen)
{
    int32_t code;
    do {
        trading_bus *bus;
        code = open_bus(&bus, writer);
        if (code)
            continue;
        code = trading_bus_topic(bus, topic, PARTITIONS, 0, &error);
        if (!code)
            code = publish_on(bus, topic);
        trading_bus_close(bus);
    } while (code && reopen && may_go_on());
    return code == TRADING_E_FENCED ? FENCED : code ? FAILED : EXIT_SUCCESS;
}

/* ---- reading ---- */

static void tell(const trading_bus_notice *notice)
{
    const trading_bus_record *record = &notice->record;
    static const char *const words[] = {"", "record", "owned", "revoked", "lost"};
    printf("%s %" PRIu32 " %.*s\n", words[notice->kind], record->partition, (int)record->value_size,
           record->value ? (const char *)record->value : "");
}

/* Owned partitions are read from their oldest records, and given up when they are revoked. */
static void answer(trading_bus *bus, const trading_bus_notice *notice)
{
    const trading_bus_record *record = &notice->record;
    int32_t code = TRADING_OK;
    if (notice->kind == TRADING_BUS_OWNED)
        code = trading_bus_seek(bus, record->topic, record->partition, TRADING_BUS_OLDEST, &error);
    if (notice->kind == TRADING_BUS_REVOKED)
        code = trading_bus_release(bus, record->topic, record->partition, &error);
    if (code)
        fail("answering a notice");
}

static int read_on(trading_bus *bus)
{
    trading_bus_notice notices[100];
    while (may_go_on()) {
        size_t count;
        int32_t code = trading_bus_poll(bus, notices, 100, &count, TRADING_NANOSECONDS_PER_SECOND / 10, &error);
        if (code && code != TRADING_E_TIMEOUT)
            printf("failed %s %s\n", trading_error_name(code), error.message);
        if (code && error.flags & TRADING_ERROR_FATAL)
            return FAILED;
        for (size_t i = 0; i < count; i++) {
            tell(&notices[i]);
            answer(bus, &notices[i]);
        }
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

static int read_topic(const char *topic, const char *group)
{
    trading_bus *bus;
    if (open_bus(&bus, NULL) || trading_bus_topic(bus, topic, PARTITIONS, 0, &error))
        fail("opening");
    if (group && trading_bus_join(bus, group, topic, &error))
        fail("joining");
    for (uint32_t i = 0; i < PARTITIONS && !group; i++)
        if (trading_bus_follow(bus, topic, i, TRADING_BUS_OLDEST, &error))
            fail("following");
    int code = read_on(bus);
    trading_bus_close(bus);
    return code;
}

static int run(int argc, char **argv)
{
    trading_bus *bus;
    if (argc == 7 && !strcmp(argv[3], "publish"))
        return publish(argv[4], argv[5], !strcmp(argv[6], "reopen"));
    if (argc == 5 && !strcmp(argv[3], "read"))
        return read_topic(argv[4], NULL);
    if (argc == 6 && !strcmp(argv[3], "member"))
        return read_topic(argv[4], argv[5]);
    if (argc != 4)
        return EXIT_FAILURE;
    if (open_bus(&bus, NULL))
        fail("opening");
    trading_bus_close(bus);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    if (argc < 4)
        return EXIT_FAILURE;
    options.flags = TRADING_HOST_PLUGINS;
    options.log = write_line;
    if (trading_host_open(&host, &options, &error) || trading_plugin_load(host, argv[1], &error))
        fail("loading the plugin");
    uri = argv[2];
    int code = run(argc, argv);
    trading_host_close(host, NULL);
    return code;
}
