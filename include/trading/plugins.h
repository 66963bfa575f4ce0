/**
 * @file
 * Loading plugins: stores, buses and venues that others wrote. docs/plugins.md shows how one is written.
 *
 * A host loads nothing unless it was opened with TRADING_HOST_PLUGINS: a plugin is code that runs with all the rights of the process.
 * A plugin is named, and looked for as NAME.so in each folder of the search path, or given by an absolute path.
 *
 * The search path is the one of the host's options; else $TRADING_PLUGIN_PATH, folders with ':' between them, and after it the
 * folder into which the library's own plugins are installed. Folders that are not absolute are passed over, and so is the variable in a
 * program that runs with more rights than its user.
 */
#ifndef TRADING_PLUGINS_H
#define TRADING_PLUGINS_H

#include <trading/engine.h>
#include <trading/plugin/plugin.h>

TRADING_EXTERN_C_BEGIN

/**
 * Loads a plugin and registers what it offers with the host, all or nothing. Stays until the host is closed; its code stays in the
 * process. A plugin that the host has loaded already is left as it is.
 * @param name_or_path  a name: a–z, 0–9 and '-', looked for on the search path; or an absolute path
 * @return TRADING_OK; TRADING_E_UNSUPPORTED when the host does not allow it; TRADING_E_NOT_FOUND, TRADING_E_IO (the system's loader
 *         says why); TRADING_E_INVALID when it is no plugin or breaks the rules of one; TRADING_E_ABI when it was built for a version
 *         that this library does not speak, both named; TRADING_E_BUSY when one of its schemes, or its name, is taken; or the
 *         plugin's own code. Any thread.
 */
TRADING_API int32_t trading_plugin_load(trading_host *host, const char *name_or_path, trading_error *error);

#define TRADING_PLUGIN_OFFERS 8 /**< the most that one plugin offers */

/** One thing that a plugin offers, as it is listed. The layout is frozen. */
typedef struct trading_plugin_listed_offer {
    int32_t kind; /**< TRADING_PLUGIN_STORE … */
    uint32_t abi; /**< the interface version of its table */
    char scheme[16];
} trading_plugin_listed_offer;

/** A plugin that was found, or is loaded. The layout is frozen. */
typedef struct trading_plugin_listed {
    int32_t status;       /**< TRADING_OK, or the code with which trading_plugin_load would refuse it */
    int32_t loaded;       /**< 1: by this host, already */
    uint32_t abi;         /**< the interface version it was built for; 0: it did not come to say */
    uint32_t offer_count; /**< of `offers` */
    char name[32];        /**< as it is loaded by */
    char version[32];
    char path[512];
    char message[232]; /**< why it would be refused */
    trading_plugin_listed_offer offers[TRADING_PLUGIN_OFFERS];
} trading_plugin_listed;

/**
 * Lists the plugins that the host has loaded, and those that its search path holds. These are opened and asked, but not
 * registered: so this too runs their code, and must be allowed. Of two of one name the first in the path counts, as in loading.
 * @param plugins  receives up to `max`, sorted by name; may be NULL when max is 0
 * @param count    receives how many there are, also when that is more than `max`
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_NO_MEMORY; TRADING_E_UNSUPPORTED when the host does not allow it. Any thread.
 */
TRADING_API int32_t trading_plugin_list(trading_host *host, trading_plugin_listed *plugins, size_t max, size_t *count,
                                        trading_error *error);

/** "STORE", "BUS", "VENUE", or "UNKNOWN" for a kind that this version does not know. Static. Any thread. */
TRADING_API const char *trading_plugin_kind_name(int32_t kind);

/**
 * The functions of the store that a URI names, for programs that work on stores themselves: to copy, to check, to convert.
 * @param uri       "scheme:location"; a plugin is loaded for a scheme that is not known, as trading_engine_open does
 * @param ops       receives them; valid until the host is closed
 * @param location  receives the URI's part after "scheme:", within `uri`
 * @return TRADING_OK, TRADING_E_SYNTAX, TRADING_E_NOT_FOUND, or what trading_plugin_load returns. Any thread.
 */
TRADING_API int32_t trading_store_find(trading_host *host, const char *uri, const trading_store_ops **ops,
                                       const char **location, trading_error *error);

TRADING_EXTERN_C_END

#endif
