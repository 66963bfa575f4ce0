#include "plugin_store.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(2);
}

const trading_store_ops *plugin_store(const char *path)
{
    int32_t (*entry)(const trading_host_functions *host, trading_plugin *plugin, trading_error *error);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = object ? dlsym(object, "trading_plugin_entry") : NULL;
    if (!symbol)
        give_up(dlerror());
    memcpy(&entry, &symbol, sizeof entry);
    trading_plugin plugin = {.size = sizeof plugin};
    trading_error error = {0};
    if (entry(&plain_host, &plugin, &error))
        give_up(error.message);
    for (uint64_t i = 0; i < plugin.offer_count; i++) {
        if (plugin.offers[i].kind == TRADING_PLUGIN_STORE)
            return plugin.offers[i].table;
    }
    give_up("the plugin offers no store");
}

static int32_t open_store(const trading_store_ops *ops, const char *location, void **store, trading_error *error)
{
    trading_store_request request = {.size = sizeof request, .location = location, .durability = TRADING_DURABILITY_SYNC};
    return ops->open(&request, &plain_host, store, error);
}

void *plugin_store_open(const trading_store_ops *ops, const char *location)
{
    void *store;
    trading_error error = {0};
    if (open_store(ops, location, &store, &error))
        give_up(error.message);
    return store;
}

void *plugin_store_await(const trading_store_ops *ops, const char *location)
{
    void *store;
    trading_error error = {0};
    while (open_store(ops, location, &store, &error)) {
        if (!(error.flags & TRADING_ERROR_RETRYABLE))
            give_up(error.message);
        plain_log(NULL, TRADING_LOG_INFO, error.message);
        usleep(100000);
    }
    return store;
}
