/**
 * @file
 * What a plugin is: a shared object that exports one function, trading_plugin_entry, and answers it with what it offers. Less
 * stable than the rest of the API; versioned by `size` and `abi`.
 *
 * A plugin never links the library: it needs these headers alone. It is loaded into its own name space (RTLD_NOW | RTLD_LOCAL),
 * once a process, is never unloaded, and may be asked by several hosts of the process, before and after a fork: so the entry starts
 * no thread, opens nothing, and keeps nothing of the host. What a store needs it gets, and begins, when it is opened.
 *
 * Versions. Within one TRADING_PLUGIN_ABI every table only grows at its end: who is handed a table goes by its `size`, and uses no
 * function behind it; what a plugin leaves out at the end of a table is as if it were NULL. So a plugin that was built against
 * older headers of the same version works in a newer host, and the reverse. What `size` cannot tell is a new version: the host asks
 * with the newest that it speaks, in `host->abi`; a plugin that speaks another sets `plugin->abi` to it and returns
 * TRADING_E_ABI; a host that speaks that one too asks once more with it, and any other refuses the plugin and names both versions.
 *
 *      int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin, trading_error *error)
 *      {
 *          static const trading_plugin_offer offers[] = {{TRADING_PLUGIN_STORE, 0, "files", &files_ops}};
 *          (void)error;
 *          plugin->abi = TRADING_PLUGIN_ABI;
 *          if (host->abi != TRADING_PLUGIN_ABI)
 *              return TRADING_E_ABI;
 *          plugin->name = "files";
 *          plugin->version = "1.0.0";
 *          plugin->offers = offers;
 *          plugin->offer_count = 1;
 *          return TRADING_OK;
 *      }
 */
#ifndef TRADING_PLUGIN_PLUGIN_H
#define TRADING_PLUGIN_PLUGIN_H

#include <trading/plugin/bus.h>
#include <trading/plugin/store.h>
#include <trading/plugin/venue.h>

TRADING_EXTERN_C_BEGIN

/** @name What a plugin may offer. A host passes over kinds that it does not know. */
/**@{*/
#define TRADING_PLUGIN_STORE 1 /**< an event store; its table is a trading_store_ops */
#define TRADING_PLUGIN_BUS   2 /**< a message bus; its table is a trading_bus_ops */
#define TRADING_PLUGIN_VENUE 3 /**< a venue; its table is a trading_venue_ops */
/**@}*/

/** One thing that a plugin offers. The layout is frozen. */
typedef struct trading_plugin_offer {
    int32_t kind; /**< TRADING_PLUGIN_ */
    uint32_t reserved;
    const char *scheme; /**< URIs that begin with "scheme:" are opened by it: 1 to 15 characters a–z */
    const void *table;  /**< its functions; begins with `size` and `abi` */
} trading_plugin_offer;

/** What a plugin says of itself. The texts and arrays are the plugin's, and stay for as long as the process lives. */
typedef struct trading_plugin {
    uint32_t size;                      /**< sizeof(trading_plugin) as the host was built; nothing is written behind it */
    uint32_t abi;                       /**< the TRADING_PLUGIN_ABI that the plugin answers with */
    const char *name;                   /**< as its file is called without ".so": 1 to 31 characters a–z, 0–9, '-' */
    const char *version;                /**< its own, for people: 1 to 31 printable characters */
    const trading_plugin_offer *offers; /**< what it offers */
    uint64_t offer_count;               /**< 1 to 8 */
} trading_plugin;

/** How the entry is exported, whatever the plugin's other symbols are. */
#if defined(__GNUC__)
#define TRADING_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define TRADING_PLUGIN_EXPORT
#endif

/**
 * The one function that a plugin exports.
 * @param host    memory and log; valid during the call
 * @param plugin  zeroed but for its size; to be filled
 * @param error   to be filled when it fails; never NULL
 * @return TRADING_OK; TRADING_E_ABI, with plugin->abi set, when the plugin speaks another version than host->abi; any other code,
 *         with the reason in `error`, when it cannot work here
 */
TRADING_PLUGIN_EXPORT int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin,
                                                   trading_error *error);

TRADING_EXTERN_C_END

#endif
