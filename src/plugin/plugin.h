/* One plugin: opening its file, asking its entry, and believing nothing that it says unchecked. */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include <stdbool.h>

#include <trading/plugins.h>

#define PLUGIN_PATH_BYTES sizeof(((trading_plugin_listed *)0)->path)
#define PLUGIN_NAME_BYTES sizeof(((trading_plugin_listed *)0)->name)

/* The least tables: all that is not optional. */
#define STORE_OPS_LEAST offsetof(trading_store_ops, check)
#define BUS_OPS_LEAST   offsetof(trading_bus_ops, metrics)
#define VENUE_OPS_LEAST offsetof(trading_venue_ops, quote)

/* The interface versions that a host speaks. */
struct plugin_versions {
    uint32_t oldest;
    uint32_t newest;
};

/* `handle` is the system loader's, the same for the same file; it is never closed. */
struct plugin {
    void *handle;
    char path[PLUGIN_PATH_BYTES];
    const char *label; /* the path, or its end: errors have no room for more */
    trading_plugin says;
};

/* A name that a plugin may have, of `length` characters. */
bool plugin_name_is_valid(const char *name, size_t length);
/* A scheme that a URI may begin with. */
bool plugin_scheme_is_valid(const char *scheme);

/* Opens the file at an absolute path, asks it, and checks the answer; says.abi is set as far as it came to say, also on failure. */
int32_t plugin_open(struct plugin *plugin, const char *path, const trading_host_functions *host,
                    struct plugin_versions versions, trading_error *error);

/* Whether the host can use what is of this kind: stores, buses and venues. Others it passes over. */
bool plugin_kind_is_known(int32_t kind);
/* The word for such a kind in messages. */
const char *plugin_kind_word(int32_t kind);
/* Whether the table of a store, a bus or a venue has this version, a size that can be, and every function that is not optional. */
int32_t plugin_check_table(int32_t kind, const void *table, uint32_t abi, const char *scheme, trading_error *error);
/* The table as this library knows it, of `size` bytes: what a shorter one leaves out is NULL, what a longer one adds is left out. */
void plugin_copy_table(void *known, size_t size, const void *table);

#endif
