/* The host: the registry of stores, buses and venues, memory and log that everything opened with it shares. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "backends/memory/memory_bus.h"
#include "base/fork.h"
#include "base/memory.h"
#include "plugin/plugin.h"
#include "state/store.h"

#include <pthread.h>

#include <trading/engine.h>

#define HOST_SCHEMES     32
#define HOST_SCHEME_SIZE 16
#define HOST_PLUGINS     16

/* What a URI that begins with "name:" is opened by: a store, a bus, or a venue. */
struct host_scheme {
    char name[HOST_SCHEME_SIZE];
    int32_t kind; /* TRADING_PLUGIN_ */
    const trading_bus_ops *bus;
    const trading_venue_ops *venue;
    const trading_store_ops *ops;        /* of a store, as what follows */
    const struct state_store_ops *state; /* the state store beside it, NULL: none */
    const struct state_store_ops *local; /* for one that has none: in a folder of this machine */
};

struct trading_host {
    struct memory memory;
    trading_host_functions functions; /* handed to stores */
    int32_t log_level;
    void (*log)(void *context, int32_t level, const char *line);
    void *log_context;
    struct fork_guard guard; /* after a fork every call fails */
    pthread_mutex_t mutex;
    uint32_t engines; /* open ones */
    uint32_t buses;
    uint32_t venues;
    uint32_t scheme_count;
    struct host_scheme schemes[HOST_SCHEMES]; /* of one name there may be one of each kind */
    union {
        trading_store_ops store;
        trading_bus_ops bus;
        trading_venue_ops venue;
    } tables[HOST_SCHEMES];        /* of those that were registered, as this library knows them */
    struct memory_brokers brokers; /* of the buses within the process */
    bool plugins_allowed;
    char *plugin_path;          /* NULL: the environment's, then the installed folder */
    pthread_mutex_t load_mutex; /* one plugin after another; their code runs under it, and never under `mutex` */
    uint32_t plugin_count;
    struct plugin plugins[HOST_PLUGINS];
};

/* ---- find.c ---- */

/* Splits "scheme:location" and finds the scheme of a store, a bus or a venue, as `kind` says, loading a plugin for it where that is allowed; the
 * location is within the URI. */
int32_t host_find_scheme(trading_host *host, int32_t kind, const char *uri, struct host_scheme *scheme, const char **location,
                         trading_error *error);

/* ---- host.c ---- */

__attribute__((format(printf, 3, 4))) void host_log(const trading_host *host, int32_t level, const char *format, ...);

/* TRADING_E_FORKED in a child of the process that opened it. */
static inline int32_t host_check(const trading_host *host, trading_error *error)
{
    return fork_guard_holds(&host->guard) ? TRADING_OK : fork_guard_refuse(&host->guard, error);
}

/* Counts the engines, buses and venues that are open. */
void host_engine_opened(trading_host *host);
void host_engine_closed(trading_host *host);
void host_bus_opened(trading_host *host);
void host_bus_closed(trading_host *host);
void host_venue_opened(trading_host *host);
void host_venue_closed(trading_host *host);

/* ---- schemes.c ---- */

/* Registers what the library brings itself. */
void host_register_built_in(trading_host *host);
/* Registers the stores, buses and venues that a plugin offers, all or none. host_can_register answers as it would. */
int32_t host_can_register(trading_host *host, const struct plugin *plugin, trading_error *error);
int32_t host_register(trading_host *host, const struct plugin *plugin, trading_error *error);
/* Whether a scheme of that name and kind is registered, and a copy of it. */
bool host_has_scheme(trading_host *host, int32_t kind, const char *name, size_t length, struct host_scheme *scheme);

#endif
