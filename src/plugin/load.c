/* Loading a plugin into a host. */
#include "plugin/load.h"

#include "base/error.h"
#include "plugin/search.h"

#include <inttypes.h>
#include <string.h>

const struct plugin_versions load_versions = {.oldest = TRADING_PLUGIN_ABI, .newest = TRADING_PLUGIN_ABI};

int32_t load_allowed(const trading_host *host, trading_error *error)
{
    int32_t code = host_check(host, error);
    if (!code && !host->plugins_allowed)
        code =
            error_set(error, TRADING_E_UNSUPPORTED, "this host loads no plugins; it was opened without TRADING_HOST_PLUGINS");
    return code;
}

/* With the load mutex held, as all below. */
static const struct plugin *by_handle(const trading_host *host, const void *handle)
{
    for (uint32_t i = 0; i < host->plugin_count; i++)
        if (host->plugins[i].handle == handle)
            return &host->plugins[i];
    return NULL;
}

int32_t load_can_add(trading_host *host, const struct plugin *plugin, trading_error *error)
{
    for (uint32_t i = 0; i < host->plugin_count; i++)
        if (!strcmp(host->plugins[i].says.name, plugin->says.name))
            return error_set(error, TRADING_E_BUSY, "a plugin named %s is loaded already, from %s", plugin->says.name,
                             host->plugins[i].label);
    if (host->plugin_count == HOST_PLUGINS)
        return error_set(error, TRADING_E_BUSY, "a host loads at most %d plugins", HOST_PLUGINS);
    return host_can_register(host, plugin, error);
}

static void add(trading_host *host, const struct plugin *plugin)
{
    struct plugin *added = &host->plugins[host->plugin_count++];
    *added = *plugin;
    added->label = added->path + (plugin->label - plugin->path);
    host_log(host, TRADING_LOG_INFO, "loaded the plugin %s %s, interface %" PRIu32 ", from %s", added->says.name,
             added->says.version, added->says.abi, added->path);
}

static int32_t load(trading_host *host, const char *path, trading_error *error)
{
    struct plugin plugin;
    int32_t code = plugin_open(&plugin, path, &host->functions, load_versions, error);
    if (code)
        return code;
    if (by_handle(host, plugin.handle))
        return error_clear(error);
    code = load_can_add(host, &plugin, error);
    if (!code)
        code = host_register(host, &plugin, error);
    if (code)
        return code;
    add(host, &plugin);
    return error_clear(error);
}

static int32_t find_path(const trading_host *host, const char *name_or_path, char path[PLUGIN_PATH_BYTES], trading_error *error)
{
    size_t length = strlen(name_or_path);
    if (plugin_name_is_valid(name_or_path, length))
        return search_name(host, name_or_path, path, error);
    if (name_or_path[0] != '/')
        return error_set(
            error, TRADING_E_INVALID,
            "a plugin is named with 1 to 31 characters a-z, 0-9 and '-', or given by an absolute path, not \"%.80s\"",
            name_or_path);
    if (length >= PLUGIN_PATH_BYTES)
        return error_set(error, TRADING_E_INVALID, "the path of a plugin has at most %zu bytes, not %zu", PLUGIN_PATH_BYTES - 1,
                         length);
    memcpy(path, name_or_path, length + 1);
    return TRADING_OK;
}

int32_t trading_plugin_load(trading_host *host, const char *name_or_path, trading_error *error)
{
    if (!host || !name_or_path)
        return error_set(error, TRADING_E_INVALID, "trading_plugin_load needs a host and a plugin's name or path");
    char path[PLUGIN_PATH_BYTES];
    int32_t code = load_allowed(host, error);
    if (!code)
        code = find_path(host, name_or_path, path, error);
    if (code)
        return code;
    pthread_mutex_lock(&host->load_mutex);
    code = load(host, path, error);
    pthread_mutex_unlock(&host->load_mutex);
    return code;
}
