/* The store of a plugin without a host: for tests that play several writers. */
#ifndef PLUGIN_STORE_H
#define PLUGIN_STORE_H

#include "../plain_host.h"

#include <trading/plugin/store.h>

/* The store that the plugin at `path` offers; ends the program with a word when there is none. */
const trading_store_ops *plugin_store(const char *path);

/* Opens it for writing, or ends the program with a word. */
void *plugin_store_open(const trading_store_ops *ops, const char *location);

/* The same, trying again for as long as it fails for what may pass. */
void *plugin_store_await(const trading_store_ops *ops, const char *location);

#endif
