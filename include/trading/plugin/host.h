/**
 * @file
 * What a backend gets from the host that loads it: memory and a log. A backend never links the core; it calls through this
 * table, which stays valid from the call that hands it over until the object opened by that call is closed.
 */
#ifndef TRADING_PLUGIN_HOST_H
#define TRADING_PLUGIN_HOST_H

#include <trading/error.h>

TRADING_EXTERN_C_BEGIN

/** The version of every table in include/trading/plugin/. It changes when a table changes in a way that `size` cannot tell. */
#define TRADING_PLUGIN_ABI 1u

/** @name Levels of a log line */
/**@{*/
#define TRADING_LOG_ERROR   1
#define TRADING_LOG_WARNING 2
#define TRADING_LOG_INFO    3
#define TRADING_LOG_DEBUG   4
/**@}*/

/** Functions of the host, safe from any thread. `context` is passed back as it was handed over. */
typedef struct trading_host_functions {
    uint32_t size; /**< sizeof(trading_host_functions) as the host was built */
    uint32_t abi;  /**< TRADING_PLUGIN_ABI as the host was built */
    void *context;
    /** @return at least `bytes` bytes aligned for any type, not zeroed, or NULL. */
    void *(*allocate)(void *context, size_t bytes);
    /** Gives back what allocate returned; `bytes` is the size that was asked for. NULL is allowed. */
    void (*release)(void *context, void *memory, size_t bytes);
    /** Writes one line, without a line end; never a secret, never personal data. */
    void (*log)(void *context, int32_t level, const char *line);
} trading_host_functions;

TRADING_EXTERN_C_END

#endif
