#include "plugin/host.h"

#include "backends/lmdb/lmdb_store.h"
#include "backends/memory/memory_store.h"
#include "base/error.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE 512

void trading_host_options_init(trading_host_options *options)
{
    *options = (trading_host_options)TRADING_HOST_OPTIONS_INIT;
}

/* ---- what stores are given ---- */

static void *allocate_for_store(void *context, size_t bytes)
{
    trading_host *host = context;
    return memory_allocate(&host->memory, bytes);
}

static void release_of_store(void *context, void *memory, size_t bytes)
{
    trading_host *host = context;
    memory_release(&host->memory, memory, bytes);
}

static void log_of_store(void *context, int32_t level, const char *line)
{
    host_log(context, level, "%s", line);
}

void host_log(const trading_host *host, int32_t level, const char *format, ...)
{
    if (!host->log || level > host->log_level)
        return;
    char line[LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    host->log(host->log_context, level, line);
}

/* ---- schemes ---- */

static struct host_scheme *find(trading_host *host, const char *name, size_t length)
{
    for (uint32_t i = 0; i < host->scheme_count; i++) {
        struct host_scheme *scheme = &host->schemes[i];
        if (strlen(scheme->name) == length && !memcmp(scheme->name, name, length))
            return scheme;
    }
    return NULL;
}

/* With its mutex held, as all below that take no lock themselves. */
static int32_t can_add(trading_host *host, const char *name, uint32_t more, trading_error *error)
{
    if (find(host, name, strlen(name)))
        return error_set(error, TRADING_E_BUSY, "the scheme \"%s\" is registered already", name);
    if (host->scheme_count + more > HOST_SCHEMES)
        return error_set(error, TRADING_E_BUSY, "a host knows at most %d schemes", HOST_SCHEMES);
    return TRADING_OK;
}

static void add_built_in(trading_host *host, const char *name, const trading_store_ops *ops,
                         const struct state_store_ops *state)
{
    struct host_scheme *scheme = &host->schemes[host->scheme_count++];
    memcpy(scheme->name, name, strlen(name) + 1);
    scheme->ops = ops;
    scheme->state = state;
    scheme->local = &lmdb_state_store_ops;
}

static void add(trading_host *host, const char *name, const trading_store_ops *ops)
{
    trading_store_ops *table = &host->tables[host->scheme_count];
    *table = store_ops_known(ops);
    add_built_in(host, name, table, NULL);
}

int32_t trading_store_register(trading_host *host, const char *scheme, const trading_store_ops *ops, trading_error *error)
{
    if (!host || !scheme || !ops)
        return error_set(error, TRADING_E_INVALID, "trading_store_register needs a host, a scheme and the store's functions");
    int32_t code = host_check(host, error);
    if (code)
        return code;
    if (!plugin_scheme_is_valid(scheme))
        return error_set(error, TRADING_E_INVALID, "a scheme is 1 to %d letters a-z, not \"%.40s\"", HOST_SCHEME_SIZE - 1,
                         scheme);
    code = store_ops_check(ops, TRADING_PLUGIN_ABI, scheme, error);
    if (code)
        return code;
    pthread_mutex_lock(&host->mutex);
    code = can_add(host, scheme, 1, error);
    if (!code)
        add(host, scheme, ops);
    pthread_mutex_unlock(&host->mutex);
    return code;
}

static int32_t can_add_all(trading_host *host, const struct plugin *plugin, trading_error *error)
{
    uint32_t stores = 0;
    for (uint64_t i = 0; i < plugin->says.offer_count; i++) {
        const trading_plugin_offer *offer = &plugin->says.offers[i];
        int32_t code = offer->kind == TRADING_PLUGIN_STORE ? can_add(host, offer->scheme, ++stores, error) : TRADING_OK;
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
    for (uint64_t i = 0; !code && i < plugin->says.offer_count; i++)
        if (plugin->says.offers[i].kind == TRADING_PLUGIN_STORE)
            add(host, plugin->says.offers[i].scheme, plugin->says.offers[i].table);
    pthread_mutex_unlock(&host->mutex);
    return code;
}

static bool find_copy(trading_host *host, const char *name, size_t length, struct host_scheme *scheme)
{
    pthread_mutex_lock(&host->mutex);
    const struct host_scheme *found = find(host, name, length);
    if (found)
        *scheme = *found;
    pthread_mutex_unlock(&host->mutex);
    return found;
}

/* Loads the plugin that has the name of a scheme which nobody has registered. */
static int32_t load_for(trading_host *host, const char *name, struct host_scheme *scheme, trading_error *error)
{
    trading_error failure;
    int32_t code = trading_plugin_load(host, name, &failure);
    if (code == TRADING_E_NOT_FOUND)
        return error_set(error, code, "no store is registered for \"%s:\"; lmdb: and memory: are built in, and %s", name,
                         failure.message);
    if (code && error)
        *error = failure;
    if (!code && !find_copy(host, name, strlen(name), scheme))
        code = error_set(error, TRADING_E_NOT_FOUND, "the plugin %s is loaded, and offers no store \"%s:\"", name, name);
    return code;
}

int32_t host_find_scheme(trading_host *host, const char *uri, struct host_scheme *scheme, const char **location,
                         trading_error *error)
{
    const char *colon = strchr(uri, ':');
    if (!colon)
        return error_set(error, TRADING_E_SYNTAX, "a store is named by a URI such as lmdb:PATH or memory:, not \"%.80s\"", uri);
    *location = colon + 1;
    size_t length = (size_t)(colon - uri);
    if (find_copy(host, uri, length, scheme))
        return TRADING_OK;
    char name[HOST_SCHEME_SIZE] = "";
    if (length < sizeof name)
        memcpy(name, uri, length);
    if (plugin_scheme_is_valid(name) && host->plugins_allowed)
        return load_for(host, name, scheme, error);
    return error_set(error, TRADING_E_NOT_FOUND, "no store is registered for \"%.*s:\"; lmdb: and memory: are built in%s",
                     (int)(length < 40 ? length : 40), uri, host->plugins_allowed ? "" : ", and this host loads no plugins");
}

int32_t trading_store_find(trading_host *host, const char *uri, const trading_store_ops **ops, const char **location,
                           trading_error *error)
{
    if (!host || !uri || !ops || !location)
        return error_set(error, TRADING_E_INVALID,
                         "trading_store_find needs a host, a URI, and places for the functions and the location");
    struct host_scheme scheme = {0};
    int32_t code = host_check(host, error);
    if (!code)
        code = host_find_scheme(host, uri, &scheme, location, error);
    if (code)
        return code;
    *ops = scheme.ops;
    return error_clear(error);
}

/* ---- opening and closing ---- */

static int32_t check_options(const trading_host_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID, "the host's options are not initialised: use trading_host_options_init");
    if (!options->allocate != !options->release)
        return error_set(error, TRADING_E_INVALID, "a host gives both allocate and release, or neither");
    if (options->flags & ~TRADING_HOST_PLUGINS)
        return error_set(error, TRADING_E_INVALID, "the host's options have a flag that does not exist: %#x", options->flags);
    return TRADING_OK;
}

static void set_up(trading_host *host, const struct memory *memory, const trading_host_options *options)
{
    *host = (trading_host){.log_level = options->log_level,
                           .log = options->log,
                           .log_context = options->log_context,
                           .mutex = PTHREAD_MUTEX_INITIALIZER,
                           .load_mutex = PTHREAD_MUTEX_INITIALIZER,
                           .plugins_allowed = options->flags & TRADING_HOST_PLUGINS};
    fork_guard_open(&host->guard);
    memory_init(&host->memory);
    host->memory.allocate = memory->allocate;
    host->memory.release = memory->release;
    host->memory.context = memory->context;
    host->functions = (trading_host_functions){.size = sizeof host->functions,
                                               .abi = TRADING_PLUGIN_ABI,
                                               .context = host,
                                               .allocate = allocate_for_store,
                                               .release = release_of_store,
                                               .log = log_of_store};
}

static bool copy_plugin_path(trading_host *host, const char *path)
{
    size_t bytes = path ? strlen(path) + 1 : 0;
    host->plugin_path = bytes ? memory_allocate(&host->memory, bytes) : NULL;
    if (host->plugin_path)
        memcpy(host->plugin_path, path, bytes);
    return host->plugin_path || !bytes;
}

static void tear_down(trading_host *host)
{
    pthread_mutex_destroy(&host->mutex);
    pthread_mutex_destroy(&host->load_mutex);
    fork_guard_close(&host->guard);
    if (host->plugin_path)
        memory_release(&host->memory, host->plugin_path, strlen(host->plugin_path) + 1);
    host->memory.release(host->memory.context, host, sizeof *host);
}

int32_t trading_host_open(trading_host **host, const trading_host_options *options, trading_error *error)
{
    trading_host_options defaults = TRADING_HOST_OPTIONS_INIT;
    if (!host)
        return error_set(error, TRADING_E_INVALID, "trading_host_open needs a place for the host");
    *host = NULL;
    if (!options)
        options = &defaults;
    int32_t code = check_options(options, error);
    if (code)
        return code;
    if (sodium_init() < 0)
        return error_set(error, TRADING_E_IO, "libsodium finds no source of randomness on this system");
    struct memory memory;
    memory_init(&memory);
    if (options->allocate) {
        memory.allocate = options->allocate;
        memory.release = options->release;
        memory.context = options->allocate_context;
    }
    trading_host *made = memory.allocate(memory.context, sizeof *made);
    if (!made)
        return error_no_memory(error, "a host");
    set_up(made, &memory, options);
    if (!copy_plugin_path(made, options->plugin_path)) {
        tear_down(made);
        return error_no_memory(error, "a host");
    }
    add_built_in(made, "lmdb", &lmdb_store_ops, &lmdb_state_store_ops);
    add_built_in(made, "memory", &memory_store_ops, &memory_state_store_ops);
    *host = made;
    return error_clear(error);
}

int32_t trading_host_close(trading_host *host, trading_error *error)
{
    if (!host)
        return error_clear(error);
    int32_t code = host_check(host, error);
    if (code)
        return code;
    pthread_mutex_lock(&host->mutex);
    uint32_t engines = host->engines;
    pthread_mutex_unlock(&host->mutex);
    if (engines)
        return error_set(error, TRADING_E_BUSY, "%u engines of the host are open; close them first", engines);
    tear_down(host);
    return error_clear(error);
}

int32_t host_refuse_fork(const trading_host *host, trading_error *error)
{
    return error_set(error, TRADING_E_FORKED, "opened before a fork, by process %d; open anew in process %d",
                     (int)host->guard.process, (int)getpid());
}

void host_engine_opened(trading_host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->engines++;
    pthread_mutex_unlock(&host->mutex);
}

void host_engine_closed(trading_host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->engines--;
    pthread_mutex_unlock(&host->mutex);
}

uint64_t trading_host_memory(const trading_host *host)
{
    return host ? atomic_load_explicit(&host->memory.bytes, memory_order_relaxed) : 0;
}

int32_t trading_abi_version(void)
{
    return TRADING_ABI;
}

const char *trading_version(void)
{
    return TRADING_VERSION;
}
