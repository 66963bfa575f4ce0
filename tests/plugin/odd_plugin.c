/* A plugin for the loader's tests, built once for each ODDITY: sound, or wrong in one way. Its store opens and does nothing else. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <trading/plugin/plugin.h>

enum oddity {
    PLAIN,         /* none */
    TWIN,          /* has the name of PLAIN */
    RIVAL,         /* offers PLAIN's scheme */
    OLDER,         /* its table ends before the functions that are optional */
    NEWER,         /* its table goes on behind what this interface has */
    MIXED,         /* offers a store, a bus, a venue, and what nobody knows */
    BILINGUAL,     /* speaks this interface and the next */
    AHEAD,         /* speaks the next one only */
    CARELESS,      /* speaks another, and does not look what the host speaks */
    MUTE,          /* says nothing */
    FICKLE,        /* speaks each time another than is asked for */
    TINY,          /* its table is too small */
    HUGE,          /* its table is too large */
    OTHER_TABLE,   /* its table is of another interface */
    LACKING,       /* its table lacks a function */
    HALF,          /* its table has one of two functions that come together */
    LACKING_BUS,   /* offers a bus whose table lacks a function */
    TINY_BUS,      /* … is too small */
    LACKING_VENUE, /* offers a venue whose table lacks a function */
    TINY_VENUE,    /* … is too small */
    OVERWRITING,   /* fills more than it was given */
    RESIZING,      /* changes the size that it was given */
    FAILING,       /* fails, and says why */
    SILENT,        /* fails, and does not */
    WILD,          /* fails with a code that does not exist */
    NAMELESS,      /* has no name */
    BADLY_NAMED,   /* has one that it may not have */
    VERSIONLESS,   /* has no version */
    SCHEMELESS,    /* offers something without a scheme */
    TABLELESS,     /* offers something without a table */
    OFFERING_NONE, /* offers nothing */
    OFFERING_MANY, /* offers more than a plugin may */
    DOUBLE,        /* offers the same twice */
    TALKING,       /* uses the host's memory and log in its entry */
};

struct store {
    const trading_host_functions *host;
};

static int32_t open_store(const trading_store_request *request, const trading_host_functions *host, void **store,
                          trading_error *error)
{
    struct store *made = host->allocate(host->context, sizeof *made);
    if (!made)
        return error->code = TRADING_E_NO_MEMORY;
    made->host = host;
    host->log(host->context, TRADING_LOG_WARNING, request->location);
    *store = made;
    return TRADING_OK;
}

static void close_store(void *store)
{
    struct store *made = store;
    made->host->release(made->host->context, made, sizeof *made);
}

/* For the functions that must be there and are not called. */
static void never_called(void)
{
    abort();
}
#define NEVER(member) .member = (__typeof__(((trading_store_ops *)0)->member))never_called

/* A table as the next version of the headers may have it. */
struct table {
    trading_store_ops known;
    void (*later)(void);
};

static const struct table sound = {
    .known =
        {
            .size = ODDITY == OLDER   ? (uint32_t)offsetof(trading_store_ops, check)
                    : ODDITY == NEWER ? (uint32_t)sizeof(struct table)
                    : ODDITY == TINY  ? 16u
                    : ODDITY == HUGE  ? 1u << 20
                                      : (uint32_t)sizeof(trading_store_ops),
            .abi = ODDITY == OTHER_TABLE ? 9u
                   : ODDITY == AHEAD     ? TRADING_PLUGIN_ABI + 1
                                         : TRADING_PLUGIN_ABI,
            .open = open_store,
            .close = close_store,
            NEVER(head),
            NEVER(append),
            NEVER(read),
            NEVER(snapshot_put),
            NEVER(snapshot_find),
            NEVER(snapshot_get),
            NEVER(snapshot_drop),
            NEVER(secret_put),
            NEVER(secret_get),
            NEVER(secret_delete),
            NEVER(info),
            NEVER(check),
            NEVER(secret_add),
        },
    .later = never_called,
};

/* The same without a function, or with one that needs another. */
static trading_store_ops broken;

static const struct table *table(void)
{
    if (ODDITY != LACKING && ODDITY != HALF)
        return ODDITY == TABLELESS ? NULL : &sound;
    broken = sound.known;
    if (ODDITY == LACKING)
        broken.secret_delete = NULL;
    else
        broken.append_poll = (__typeof__(broken.append_poll))never_called;
    return (const struct table *)(const void *)&broken;
}

/* ---- a bus ---- */

static int32_t open_bus(const trading_bus_request *request, const trading_host_functions *host, void **bus,
                        trading_error *error)
{
    (void)error;
    host->log(host->context, TRADING_LOG_WARNING, request->location);
    *bus = (void *)(uintptr_t)host;
    return TRADING_OK;
}

static void close_bus(void *bus)
{
    (void)bus;
}

#define NEVER_OF_BUS(member) .member = (__typeof__(((trading_bus_ops *)0)->member))never_called

/* It says nothing of itself or of others' marks, and ends before the functions that would. */
static const trading_bus_ops bus_table = {
    .size = ODDITY == TINY_BUS ? 16u : (uint32_t)offsetof(trading_bus_ops, metrics),
    .abi = TRADING_PLUGIN_ABI,
    .open = open_bus,
    .close = close_bus,
    NEVER_OF_BUS(topic),
    NEVER_OF_BUS(partitions),
    NEVER_OF_BUS(end),
    NEVER_OF_BUS(publish),
    NEVER_OF_BUS(mark),
    NEVER_OF_BUS(join),
    NEVER_OF_BUS(follow),
    NEVER_OF_BUS(seek),
    NEVER_OF_BUS(release),
    .poll = ODDITY == LACKING_BUS ? NULL : (__typeof__(((trading_bus_ops *)0)->poll))never_called,
    NEVER_OF_BUS(metrics),
    NEVER_OF_BUS(mark_of),
};

/* ---- a venue ---- */

static int32_t open_venue(const trading_venue_request *request, const trading_host_functions *host, void **venue,
                          trading_error *error)
{
    (void)error;
    host->log(host->context, TRADING_LOG_WARNING, request->location);
    *venue = (void *)(uintptr_t)host;
    return TRADING_OK;
}

static void close_venue(void *venue)
{
    (void)venue;
}

/* Breaks its word: more reports than were asked for, then one that cannot be. */
static int32_t poll_venue(void *venue, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                          trading_error *error)
{
    static const trading_execution_report odd = {.cl_ord_id = "order", .exec_type = TRADING_EXEC_TYPE_TRADE};
    (void)venue;
    (void)timeout;
    (void)error;
    *count = max > 1 ? 1 : max + 1;
    reports[0] = odd;
    return TRADING_OK;
}

#define NEVER_OF_VENUE(member) .member = (__typeof__(((trading_venue_ops *)0)->member))never_called

/* It has prices of its own, and ends before the function that tells it others. */
static const trading_venue_ops venue_table = {
    .size = ODDITY == TINY_VENUE ? 16u : (uint32_t)offsetof(trading_venue_ops, quote),
    .abi = TRADING_PLUGIN_ABI,
    .open = open_venue,
    .close = close_venue,
    NEVER_OF_VENUE(submit),
    NEVER_OF_VENUE(cancel),
    .status = ODDITY == LACKING_VENUE ? NULL : (__typeof__(((trading_venue_ops *)0)->status))never_called,
    .poll = poll_venue,
    NEVER_OF_VENUE(quote),
};

/* ---- what it says ---- */

/* Schemes have no '-'. */
static const char *scheme(void)
{
    return ODDITY == SCHEMELESS ? NULL : ODDITY == RIVAL ? "plain" : ODD_SCHEME;
}

static void offer(trading_plugin *plugin)
{
    static trading_plugin_offer offers[9];
    for (int i = 0; i < 9; i++)
        offers[i] = (trading_plugin_offer){TRADING_PLUGIN_STORE, 0, scheme(), table()};
    if (ODDITY != DOUBLE && ODDITY != OFFERING_MANY)
        offers[1] = (trading_plugin_offer){TRADING_PLUGIN_BUS, 0, scheme(), &bus_table};
    if (ODDITY != OFFERING_MANY)
        offers[2] = (trading_plugin_offer){TRADING_PLUGIN_VENUE, 0, scheme(), &venue_table};
    offers[3].kind = 99;
    plugin->offers = offers;
    plugin->offer_count = ODDITY == MIXED           ? 4
                          : ODDITY == DOUBLE        ? 2
                          : ODDITY == LACKING_BUS   ? 2
                          : ODDITY == TINY_BUS      ? 2
                          : ODDITY == LACKING_VENUE ? 3
                          : ODDITY == TINY_VENUE    ? 3
                          : ODDITY == OFFERING_NONE ? 0
                          : ODDITY == OFFERING_MANY ? 9
                                                    : 1;
}

static int32_t fail(trading_error *error)
{
    if (ODDITY == WILD)
        return -5;
    if (ODDITY == SILENT)
        return TRADING_E_NO_SPACE;
    error->code = TRADING_E_IO;
    error->native_code = 42;
    error->flags = TRADING_ERROR_RETRYABLE;
    memset(error->message, 'x', sizeof error->message); /* and it does not end */
    memcpy(error->message, "no driver here ", 15);
    return TRADING_E_IO;
}

/* The version that it answers with. */
static uint32_t spoken(const trading_host_functions *host)
{
    switch (ODDITY) {
    case BILINGUAL:
        return host->abi > TRADING_PLUGIN_ABI ? TRADING_PLUGIN_ABI + 1 : TRADING_PLUGIN_ABI;
    case AHEAD:
        return TRADING_PLUGIN_ABI + 1;
    case CARELESS:
        return 7;
    case FICKLE:
        return host->abi > TRADING_PLUGIN_ABI ? TRADING_PLUGIN_ABI : TRADING_PLUGIN_ABI + 1;
    default:
        return TRADING_PLUGIN_ABI;
    }
}

static bool talk(const trading_host_functions *host)
{
    void *memory = host->allocate(host->context, 100);
    if (!memory)
        return false;
    host->log(host->context, TRADING_LOG_WARNING, "the entry talks");
    host->release(host->context, memory, 100);
    return true;
}

int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin, trading_error *error)
{
    if (ODDITY == MUTE)
        return TRADING_OK;
    plugin->abi = spoken(host);
    if (ODDITY != CARELESS && plugin->abi != host->abi)
        return TRADING_E_ABI;
    if (ODDITY == FAILING || ODDITY == SILENT || ODDITY == WILD)
        return fail(error);
    if (ODDITY == TALKING && !talk(host))
        return error->code = TRADING_E_NO_MEMORY;
    plugin->name = ODDITY == NAMELESS ? NULL : ODDITY == BADLY_NAMED ? "Badly/Named" : ODDITY == TWIN ? "plain" : ODD_NAME;
    plugin->version = ODDITY == VERSIONLESS ? "" : "1.2.3";
    offer(plugin);
    if (ODDITY == OVERWRITING)
        memset(plugin + 1, 0x55, 8);
    if (ODDITY == RESIZING)
        plugin->size += 8;
    return TRADING_OK;
}
