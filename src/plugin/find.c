/* What the scheme of a URI stands for: as registered, or as a plugin of that name registers it. */
#include "base/error.h"
#include "plugin/host.h"

#include <string.h>

static const char *built_in(int32_t kind)
{
    switch (kind) {
    case TRADING_PLUGIN_BUS:
        return "memory: is built in";
    case TRADING_PLUGIN_VENUE:
        return "paper: is built in";
    default:
        return "lmdb: and memory: are built in";
    }
}

static const char *example_of(int32_t kind)
{
    switch (kind) {
    case TRADING_PLUGIN_BUS:
        return "memory:NAME";
    case TRADING_PLUGIN_VENUE:
        return "paper:";
    default:
        return "lmdb:PATH or memory:";
    }
}

/* Loads the plugin that has the name of a scheme which nobody has registered. */
static int32_t load_for(trading_host *host, int32_t kind, const char *name, struct host_scheme *scheme, trading_error *error)
{
    trading_error failure;
    int32_t code = trading_plugin_load(host, name, &failure);
    if (code == TRADING_E_NOT_FOUND)
        return error_set(error, code, "no %s is registered for \"%s:\"; %s, and %s", plugin_kind_word(kind), name,
                         built_in(kind), failure.message);
    if (code && error)
        *error = failure;
    if (!code && !host_has_scheme(host, kind, name, strlen(name), scheme))
        code = error_set(error, TRADING_E_NOT_FOUND, "the plugin %s is loaded, and offers no %s \"%s:\"", name,
                         plugin_kind_word(kind), name);
    return code;
}

int32_t host_find_scheme(trading_host *host, int32_t kind, const char *uri, struct host_scheme *scheme, const char **location,
                         trading_error *error)
{
    const char *colon = strchr(uri, ':');
    if (!colon)
        return error_set(error, TRADING_E_SYNTAX, "a %s is named by a URI such as %s, not \"%.80s\"", plugin_kind_word(kind),
                         example_of(kind), uri);
    *location = colon + 1;
    size_t length = (size_t)(colon - uri);
    if (host_has_scheme(host, kind, uri, length, scheme))
        return TRADING_OK;
    char name[HOST_SCHEME_SIZE] = "";
    if (length < sizeof name)
        memcpy(name, uri, length);
    if (plugin_scheme_is_valid(name) && host->plugins_allowed)
        return load_for(host, kind, name, scheme, error);
    return error_set(error, TRADING_E_NOT_FOUND, "no %s is registered for \"%.*s:\"; %s%s", plugin_kind_word(kind),
                     (int)(length < 40 ? length : 40), uri, built_in(kind),
                     host->plugins_allowed ? "" : ", and this host loads no plugins");
}

int32_t trading_store_find(trading_host *host, const char *uri, const trading_store_ops **ops, const char **location,
                           trading_error *error)
{
    if (!host || !uri || !ops || !location)
        return error_set(error, TRADING_E_INVALID,
                         "trading_store_find needs a host, a URI, and places for the functions and the location");
    struct host_scheme scheme = {0};
    int32_t code = host_check(host, error);
    if (!code)
        code = host_find_scheme(host, TRADING_PLUGIN_STORE, uri, &scheme, location, error);
    if (code)
        return code;
    *ops = scheme.ops;
    return error_clear(error);
}
