#include "plugin/host.h"

#include "backends/memory/memory_bus.h"
#include "base/error.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    memory_brokers_open(&host->brokers, &host->memory);
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
    memory_brokers_close(&host->brokers);
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
    host_register_built_in(made);
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
    uint32_t buses = host->buses;
    uint32_t venues = host->venues;
    pthread_mutex_unlock(&host->mutex);
    if (engines || buses || venues)
        return error_set(error, TRADING_E_BUSY, "%u engines, %u buses and %u venues of the host are open; close them first",
                         engines, buses, venues);
    tear_down(host);
    return error_clear(error);
}

/* One more, or one less, of what is open. */
static void count(trading_host *host, uint32_t *number, bool more)
{
    pthread_mutex_lock(&host->mutex);
    *number += more ? 1u : UINT32_MAX;
    pthread_mutex_unlock(&host->mutex);
}

void host_engine_opened(trading_host *host)
{
    count(host, &host->engines, true);
}

void host_engine_closed(trading_host *host)
{
    count(host, &host->engines, false);
}

void host_bus_opened(trading_host *host)
{
    count(host, &host->buses, true);
}

void host_bus_closed(trading_host *host)
{
    count(host, &host->buses, false);
}

void host_venue_opened(trading_host *host)
{
    count(host, &host->venues, true);
}

void host_venue_closed(trading_host *host)
{
    count(host, &host->venues, false);
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
