/* What loading and listing plugins share. */
#ifndef PLUGIN_LOAD_H
#define PLUGIN_LOAD_H

#include "plugin/host.h"

/* What this library speaks. */
extern const struct plugin_versions load_versions;

/* Whether the host loads plugins at all. */
int32_t load_allowed(const trading_host *host, trading_error *error);

/* Whether a plugin could be added to those of the host. With its load mutex held. */
int32_t load_can_add(trading_host *host, const struct plugin *plugin, trading_error *error);

#endif
