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

static bool scheme_is_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    return length > 0 && length < HOST_SCHEME_SIZE && name[length] == '\0';
}

static struct host_scheme *find(trading_host *host, const char *name, size_t length)
{
    for (uint32_t i = 0; i < host->scheme_count; i++) {
        struct host_scheme *scheme = &host->schemes[i];
        if (strlen(scheme->name) == length && !memcmp(scheme->name, name, length))
            return scheme;
    }
    return NULL;
}

static int32_t add(trading_host *host, const char *name, const trading_store_ops *ops, const struct state_store_ops *state,
                   trading_error *error)
{
    if (find(host, name, strlen(name)))
        return error_set(error, TRADING_E_BUSY, "the scheme \"%s\" is registered already", name);
    if (host->scheme_count == HOST_SCHEMES)
        return error_set(error, TRADING_E_BUSY, "a host knows at most %d schemes", HOST_SCHEMES);
    struct host_scheme *scheme = &host->schemes[host->scheme_count++];
    memcpy(scheme->name, name, strlen(name) + 1);
    scheme->ops = ops;
    scheme->state = state;
    return TRADING_OK;
}

static bool has_all_functions(const trading_store_ops *ops)
{
    return ops->open && ops->close && ops->head && ops->append && ops->read && ops->snapshot_put && ops->snapshot_find &&
           ops->snapshot_get && ops->snapshot_drop && ops->secret_put && ops->secret_get && ops->secret_delete && ops->info &&
           !ops->append_begin == !ops->append_poll;
}

int32_t trading_store_register(trading_host *host, const char *scheme, const trading_store_ops *ops, trading_error *error)
{
    if (!host || !scheme || !ops)
        return error_set(error, TRADING_E_INVALID, "trading_store_register needs a host, a scheme and the store's functions");
    int32_t code = host_check(host, error);
    if (code)
        return code;
    if (ops->size != sizeof *ops || ops->abi != TRADING_PLUGIN_ABI)
        return error_set(error, TRADING_E_ABI,
                         "the store \"%s\" was built for interface %u of %u bytes; this library has %u of %zu", scheme,
                         ops->abi, ops->size, TRADING_PLUGIN_ABI, sizeof *ops);
    if (!scheme_is_valid(scheme))
        return error_set(error, TRADING_E_INVALID, "a scheme is 1 to %d letters a-z, not \"%.40s\"", HOST_SCHEME_SIZE - 1,
                         scheme);
    if (!has_all_functions(ops))
        return error_set(error, TRADING_E_INVALID, "the store \"%s\" lacks a function that is not optional", scheme);
    pthread_mutex_lock(&host->mutex);
    code = add(host, scheme, ops, NULL, error);
    pthread_mutex_unlock(&host->mutex);
    return code;
}

int32_t host_find_scheme(trading_host *host, const char *uri, struct host_scheme *scheme, const char **location,
                         trading_error *error)
{
    const char *colon = strchr(uri, ':');
    if (!colon)
        return error_set(error, TRADING_E_SYNTAX, "a store is named by a URI such as lmdb:PATH or memory:, not \"%.80s\"", uri);
    pthread_mutex_lock(&host->mutex);
    const struct host_scheme *found = find(host, uri, (size_t)(colon - uri));
    if (found)
        *scheme = *found;
    pthread_mutex_unlock(&host->mutex);
    if (!found)
        return error_set(error, TRADING_E_NOT_FOUND, "no store is registered for \"%.*s:\"; lmdb: and memory: are built in",
                         (int)(colon - uri < 40 ? colon - uri : 40), uri);
    *location = colon + 1;
    return TRADING_OK;
}

/* ---- opening and closing ---- */

static int32_t check_options(const trading_host_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID, "the host's options are not initialised: use trading_host_options_init");
    if (!options->allocate != !options->release)
        return error_set(error, TRADING_E_INVALID, "a host gives both allocate and release, or neither");
    return TRADING_OK;
}

static void set_up(trading_host *host, const struct memory *memory, const trading_host_options *options)
{
    *host = (trading_host){.log_level = options->log_level,
                           .log = options->log,
                           .log_context = options->log_context,
                           .pid = getpid(),
                           .mutex = PTHREAD_MUTEX_INITIALIZER};
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
    add(made, "lmdb", &lmdb_store_ops, &lmdb_state_store_ops, NULL);
    add(made, "memory", &memory_store_ops, &memory_state_store_ops, NULL);
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
    pthread_mutex_destroy(&host->mutex);
    host->memory.release(host->memory.context, host, sizeof *host);
    return error_clear(error);
}

int32_t host_check(const trading_host *host, trading_error *error)
{
    if (host->pid != getpid())
        return error_set(error, TRADING_E_FORKED, "opened before a fork, by process %d; open anew in process %d",
                         (int)host->pid, (int)getpid());
    return TRADING_OK;
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
