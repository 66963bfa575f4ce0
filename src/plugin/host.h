/* The host: the registry of stores, memory and log that everything opened with it shares. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include "base/memory.h"
#include "state/store.h"

#include <pthread.h>
#include <sys/types.h>

#include <trading/engine.h>

#define HOST_SCHEMES     16
#define HOST_SCHEME_SIZE 16

struct host_scheme {
    char name[HOST_SCHEME_SIZE];
    const trading_store_ops *ops;
    const struct state_store_ops *state; /* the state store beside it, NULL: none */
};

struct trading_host {
    struct memory memory;
    trading_host_functions functions; /* handed to stores */
    int32_t log_level;
    void (*log)(void *context, int32_t level, const char *line);
    void *log_context;
    pid_t pid; /* after a fork every call fails */
    pthread_mutex_t mutex;
    uint32_t engines; /* open ones */
    uint32_t scheme_count;
    struct host_scheme schemes[HOST_SCHEMES];
};

/* Splits "scheme:location" and finds the scheme; the location is within the URI. */
int32_t host_find_scheme(trading_host *host, const char *uri, struct host_scheme *scheme, const char **location,
                         trading_error *error);

__attribute__((format(printf, 3, 4))) void host_log(const trading_host *host, int32_t level, const char *format, ...);

/* TRADING_E_FORKED in a child of the process that opened it. */
int32_t host_check(const trading_host *host, trading_error *error);

/* Counts the engines that are open. */
void host_engine_opened(trading_host *host);
void host_engine_closed(trading_host *host);

#endif
