/* trading-store-check: whether a store keeps what include/trading/plugin/store.h promises, a bus what plugin/bus.h does, or a venue what
 * plugin/venue.h does. For their authors. */
#include "bus_contract.h"
#include "store_contract.h"
#include "venue_contract.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <trading.h>

/* What it exits with. */
enum { CHECKS_PASSED = 0, CHECKS_FAILED = 1, BAD_USAGE = 2, NO_STORE = 3 };

#define PLUGINS_MAX 16

struct wish {
    const char *uri;
    const char *plugins[PLUGINS_MAX];
    int plugin_count;
    const char *only;
    uint32_t flags; /* STORE_CONTRACT_ */
    bool bus;
    bool venue;
    const char *symbol; /* of a venue, as what follows */
    const char *price;
    const char *rejected;
    bool list;
};

static void print_usage(FILE *out)
{
    fprintf(
        out,
        "Usage: trading-store-check [OPTION]... URI\n"
        "Checks that the store of a URI keeps what trading/plugin/store.h promises, with --bus that a bus keeps what\n"
        "trading/plugin/bus.h promises, or with --venue that a venue keeps what trading/plugin/venue.h promises: a line for\n"
        "each check, then a summary.\n"
        "\n"
        "Each check of a store makes one of its own: the URI with the check's name, '-' as '_', in place of {}; without {} "
        "it is put\n"
        "before the first '?', or at the end. Nothing may be there before, and what the checks wrote is left there. Each "
        "check\n"
        "of a bus makes topics of its own, \"check-\" with the time and the check's name, and leaves them. A venue gets "
        "orders\n"
        "whose ClOrdIDs begin with the time; some rest far from the price until they are canceled.\n"
        "\n"
        "  --plugin NAME  load a plugin: by its name, from $TRADING_PLUGIN_PATH or the installed folder, or by an absolute "
        "path;\n"
        "                 may be repeated. A scheme that is not known names its plugin by itself\n"
        "  --shared       several writers may have the store open, as on a server: the conditional append decides between "
        "them\n"
        "  --forgets      what is written is gone when the store is closed\n"
        "  --bus          the URI is a bus's\n"
        "  --venue        the URI is a venue's, which executes orders for the symbol at the price or better, and not at a\n"
        "                 hundredth or a hundred times of it\n"
        "  --symbol TEXT, --price PRICE\n"
        "                 which: by default GOOG at 100\n"
        "  --rejected TEXT\n"
        "                 a symbol that the venue takes no orders for, so that this is checked too\n"
        "  --only TEXT    only the checks whose names contain TEXT\n"
        "  --list         list the checks instead of running them\n"
        "  --help         this\n"
        "\n"
        "Exits with 0: all passed, 1: some failed, 2: bad usage, 3: there is no such store, bus, venue or plugin.\n"
        "\n"
        "Examples:\n"
        "  trading-store-check lmdb:/tmp/check/\n"
        "  trading-store-check --plugin /opt/stores/files.so files:/tmp/check/\n"
        "  trading-store-check --shared 'cassandra://127.0.0.1/check_{}?replication=1'\n"
        "  trading-store-check --bus kafka://127.0.0.1:9092/\n"
        "  trading-store-check --venue --forgets 'paper:?quotes=GOOG:99/100'\n");
}

static int complain(const char *what)
{
    fprintf(stderr, "trading-store-check: %s; see --help\n", what);
    return BAD_USAGE;
}

static bool take_option(struct wish *wish, int option)
{
    if (option == 'p' && wish->plugin_count < PLUGINS_MAX)
        wish->plugins[wish->plugin_count++] = optarg;
    else if (option == 's' || option == 'f')
        wish->flags = option == 's' ? STORE_CONTRACT_SHARED : 0;
    else if (option == 'o')
        wish->only = optarg;
    else if (option == 'l')
        wish->list = true;
    else if (option == 'b')
        wish->bus = true;
    else if (option == 'v')
        wish->venue = true;
    else if (option == 'y')
        wish->symbol = optarg;
    else if (option == 'r')
        wish->price = optarg;
    else if (option == 'j')
        wish->rejected = optarg;
    else
        return false;
    return true;
}

/* False when there is nothing to go on with, and *code is what to exit with. */
static bool read_options(struct wish *wish, int argc, char **argv, int *code)
{
    static const struct option options[] = {
        {"plugin", required_argument, NULL, 'p'}, {"shared", no_argument, NULL, 's'},
        {"forgets", no_argument, NULL, 'f'},      {"bus", no_argument, NULL, 'b'},
        {"venue", no_argument, NULL, 'v'},        {"symbol", required_argument, NULL, 'y'},
        {"price", required_argument, NULL, 'r'},  {"rejected", required_argument, NULL, 'j'},
        {"only", required_argument, NULL, 'o'},   {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},         {0}};
    *wish = (struct wish){.flags = STORE_CONTRACT_LOCKS, .symbol = "GOOG", .price = "100"};
    *code = BAD_USAGE;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) >= 0;) {
        if (option == 'h') {
            print_usage(stdout);
            *code = CHECKS_PASSED;
            return false;
        }
        if (!take_option(wish, option))
            return false;
    }
    wish->uri = argv[optind];
    if (wish->bus && wish->venue) {
        complain("give --bus or --venue");
        return false;
    }
    if (optind + (wish->list ? 0 : 1) == argc)
        return true;
    complain(wish->list ? "--list takes no URI" : "give one URI");
    return false;
}

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    (void)level;
    fprintf(stderr, "trading-store-check: %s\n", line);
}

static int32_t open_host(trading_host **host, const struct wish *wish, trading_error *error)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log = write_line;
    options.flags = TRADING_HOST_PLUGINS;
    int32_t code = trading_host_open(host, &options, error);
    for (int i = 0; !code && i < wish->plugin_count; i++)
        code = trading_plugin_load(*host, wish->plugins[i], error);
    return code;
}

static int summary(int passed, int failed)
{
    printf("%d passed, %d failed\n", passed, failed);
    if (passed + failed == 0)
        return complain("no check has a name like that");
    return failed ? CHECKS_FAILED : CHECKS_PASSED;
}

static int check_store(trading_host *host, const struct wish *wish, trading_error *error)
{
    struct store_contract contract = {.flags = wish->flags, .only = wish->only};
    if (trading_store_find(host, wish->uri, &contract.ops, &contract.location, error))
        return NO_STORE;
    store_contract_run(&contract);
    return summary(contract.passed, contract.failed);
}

/* What nobody else began a name with. */
static unsigned long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static int check_bus(trading_host *host, const struct wish *wish, trading_error *error)
{
    trading_bus *bus;
    if (trading_bus_open(&bus, host, wish->uri, NULL, error))
        return NO_STORE;
    trading_bus_close(bus);
    char prefix[40];
    snprintf(prefix, sizeof prefix, "check-%llx-", milliseconds());
    struct bus_contract contract = {.host = host,
                                    .uri = wish->uri,
                                    .prefix = prefix,
                                    .patience = 60 * TRADING_NANOSECONDS_PER_SECOND,
                                    .silence = TRADING_NANOSECONDS_PER_SECOND / 4,
                                    .only = wish->only};
    bus_contract_run(&contract);
    return summary(contract.passed, contract.failed);
}

static struct venue_contract venue_contract_of(const struct wish *wish)
{
    return (struct venue_contract){.uri = wish->uri,
                                   .symbol = wish->symbol,
                                   .rejected = wish->rejected,
                                   .flags = wish->flags ? VENUE_CONTRACT_LASTS : VENUE_CONTRACT_FORGETS,
                                   .patience = 60 * TRADING_NANOSECONDS_PER_SECOND,
                                   .silence = TRADING_NANOSECONDS_PER_SECOND / 4,
                                   .only = wish->only};
}

static int check_venue(trading_host *host, const struct wish *wish, trading_error *error)
{
    trading_venue *venue;
    char prefix[40];
    struct venue_contract contract = venue_contract_of(wish);
    if (trading_decimal_parse(wish->price, strlen(wish->price), &contract.price) || contract.price < 100)
        return complain("--price is one of which there is a hundredth");
    if (trading_venue_open(&venue, host, wish->uri, error))
        return NO_STORE;
    trading_venue_close(venue);
    snprintf(prefix, sizeof prefix, "%llx-", milliseconds());
    contract.host = host;
    contract.prefix = prefix;
    venue_contract_run(&contract);
    return summary(contract.passed, contract.failed);
}

static void list_checks(const struct wish *wish)
{
    const struct venue_contract venue = venue_contract_of(wish);
    if (wish->bus)
        bus_contract_list();
    else if (wish->venue)
        venue_contract_list(&venue);
    else
        store_contract_list(wish->flags);
}

static int check(trading_host *host, const struct wish *wish, trading_error *error)
{
    return wish->bus     ? check_bus(host, wish, error)
           : wish->venue ? check_venue(host, wish, error)
                         : check_store(host, wish, error);
}

int main(int argc, char **argv)
{
    struct wish wish;
    int code;
    if (!read_options(&wish, argc, argv, &code))
        return code;
    if (wish.list) {
        list_checks(&wish);
        return CHECKS_PASSED;
    }
    trading_host *host = NULL;
    trading_error error;
    code = open_host(&host, &wish, &error) ? NO_STORE : check(host, &wish, &error);
    if (code == NO_STORE)
        fprintf(stderr, "trading-store-check: %s\n", error.message);
    trading_host_close(host, NULL);
    return code;
}
