/* The registry: which stores, buses and venues the schemes of URIs stand for. */
#include "backends/lmdb/lmdb_store.h"
#include "backends/memory/memory_store.h"
#include "backends/paper/paper_venue.h"
#include "base/error.h"
#include "plugin/host.h"

#include <string.h>

#include <trading/bus.h>
#include <trading/venue.h>

/* ---- adding; with the host's mutex held, as all that take no lock themselves ---- */

static struct host_scheme *find(trading_host *host, int32_t kind, const char *name, size_t length)
{
    for (uint32_t i = 0; i < host->scheme_count; i++) {
        struct host_scheme *scheme = &host->schemes[i];
        if (scheme->kind == kind && strlen(scheme->name) == length && !memcmp(scheme->name, name, length))
            return scheme;
    }
    return NULL;
}

static int32_t can_add(trading_host *host, int32_t kind, const char *name, uint32_t more, trading_error *error)
{
    if (find(host, kind, name, strlen(name)))
        return error_set(error, TRADING_E_BUSY, "the scheme \"%s\" is registered already", name);
    if (host->scheme_count + more > HOST_SCHEMES)
        return error_set(error, TRADING_E_BUSY, "a host knows at most %d schemes", HOST_SCHEMES);
    return TRADING_OK;
}

static struct host_scheme *add_scheme(trading_host *host, int32_t kind, const char *name)
{
    struct host_scheme *scheme = &host->schemes[host->scheme_count++];
    scheme->kind = kind;
    memcpy(scheme->name, name, strlen(name) + 1);
    return scheme;
}

static void add_store(trading_host *host, const char *name, const trading_store_ops *ops, const struct state_store_ops *state)
{
    struct host_scheme *scheme = add_scheme(host, TRADING_PLUGIN_STORE, name);
    scheme->ops = ops;
    scheme->state = state;
    scheme->local = &lmdb_state_store_ops;
}

static void add_bus(trading_host *host, const char *name, const trading_bus_ops *ops)
{
    add_scheme(host, TRADING_PLUGIN_BUS, name)->bus = ops;
}

static void add_venue(trading_host *host, const char *name, const trading_venue_ops *ops)
{
    add_scheme(host, TRADING_PLUGIN_VENUE, name)->venue = ops;
}

/* A table that was checked. */
static void add(trading_host *host, int32_t kind, const char *name, const void *table)
{
    trading_store_ops *store = &host->tables[host->scheme_count].store;
    trading_bus_ops *bus = &host->tables[host->scheme_count].bus;
    trading_venue_ops *venue = &host->tables[host->scheme_count].venue;
    if (kind == TRADING_PLUGIN_BUS) {
        plugin_copy_table(bus, sizeof *bus, table);
        add_bus(host, name, bus);
    } else if (kind == TRADING_PLUGIN_VENUE) {
        plugin_copy_table(venue, sizeof *venue, table);
        add_venue(host, name, venue);
    } else {
        plugin_copy_table(store, sizeof *store, table);
        add_store(host, name, store, NULL);
    }
}

void host_register_built_in(trading_host *host)
{
    add_store(host, "lmdb", &lmdb_store_ops, &lmdb_state_store_ops);
    add_store(host, "memory", &memory_store_ops, &memory_state_store_ops);
    add_bus(host, "memory", &memory_bus_ops);
    add_venue(host, "paper", &paper_venue_ops);
}

/* ---- registering ---- */

static int32_t register_table(trading_host *host, int32_t kind, const char *scheme, const void *table, trading_error *error)
{
    int32_t code = host_check(host, error);
    if (code)
        return code;
    if (!plugin_scheme_is_valid(scheme))
        return error_set(error, TRADING_E_INVALID, "a scheme is 1 to %d letters a-z, not \"%.40s\"", HOST_SCHEME_SIZE - 1,
                         scheme);
    code = plugin_check_table(kind, table, TRADING_PLUGIN_ABI, scheme, error);
    if (code)
        return code;
    pthread_mutex_lock(&host->mutex);
    code = can_add(host, kind, scheme, 1, error);
    if (!code)
        add(host, kind, scheme, table);
    pthread_mutex_unlock(&host->mutex);
    return code ? code : error_clear(error);
}

int32_t trading_store_register(trading_host *host, const char *scheme, const trading_store_ops *ops, trading_error *error)
{
    if (!host || !scheme || !ops)
        return error_set(error, TRADING_E_INVALID, "trading_store_register needs a host, a scheme and the store's functions");
    return register_table(host, TRADING_PLUGIN_STORE, scheme, ops, error);
}

int32_t trading_bus_register(trading_host *host, const char *scheme, const trading_bus_ops *ops, trading_error *error)
{
    if (!host || !scheme || !ops)
        return error_set(error, TRADING_E_INVALID, "trading_bus_register needs a host, a scheme and the bus's functions");
    return register_table(host, TRADING_PLUGIN_BUS, scheme, ops, error);
}

int32_t trading_venue_register(trading_host *host, const char *scheme, const trading_venue_ops *ops, trading_error *error)
{
    if (!host || !scheme || !ops)
        return error_set(error, TRADING_E_INVALID, "trading_venue_register needs a host, a scheme and the venue's functions");
    return register_table(host, TRADING_PLUGIN_VENUE, scheme, ops, error);
}

static int32_t can_add_all(trading_host *host, const struct plugin *plugin, trading_error *error)
{
    uint32_t known = 0;
    for (uint64_t i = 0; i < plugin->says.offer_count; i++) {
        const trading_plugin_offer *offer = &plugin->says.offers[i];
        if (!plugin_kind_is_known(offer->kind))
            continue;
        int32_t code = can_add(host, offer->kind, offer->scheme, ++known, error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

int32_t host_can_register(trading_host *host, const struct plugin *plugin, trading_error *error)
{
    pthread_mutex_lock(&host->mutex);
    int32_t code = can_add_all(host, plugin, error);
    pthread_mutex_unlock(&host->mutex);
    return code;
}

int32_t host_register(trading_host *host, const struct plugin *plugin, trading_error *error)
{
    pthread_mutex_lock(&host->mutex);
    int32_t code = can_add_all(host, plugin, error);
    for (uint64_t i = 0; !code && i < plugin->says.offer_count; i++) {
        const trading_plugin_offer *offer = &plugin->says.offers[i];
        if (plugin_kind_is_known(offer->kind))
            add(host, offer->kind, offer->scheme, offer->table);
    }
    pthread_mutex_unlock(&host->mutex);
    return code;
}

bool host_has_scheme(trading_host *host, int32_t kind, const char *name, size_t length, struct host_scheme *scheme)
{
    pthread_mutex_lock(&host->mutex);
    const struct host_scheme *found = find(host, kind, name, length);
    if (found)
        *scheme = *found;
    pthread_mutex_unlock(&host->mutex);
    return found;
}
