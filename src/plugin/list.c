/* Listing the plugins that are loaded, and those that could be. */
#include "base/error.h"
#include "plugin/load.h"
#include "plugin/search.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    trading_host *host;
    trading_plugin_listed *rows;
    size_t count;
    size_t capacity; /* bytes are capacity * sizeof *rows */
    bool failed;     /* for want of memory */
    char folder[PLUGIN_PATH_BYTES];
};

static trading_plugin_listed *add_row(struct listing *listing)
{
    void *rows = listing->rows;
    listing->failed = listing->failed ||
                      memory_grow(&listing->host->memory, &rows, &listing->capacity, listing->count + 1, sizeof *listing->rows);
    if (listing->failed)
        return NULL;
    listing->rows = rows;
    trading_plugin_listed *row = &listing->rows[listing->count++];
    memset(row, 0, sizeof *row);
    return row;
}

static bool is_listed(const struct listing *listing, const char *name, const char *path)
{
    for (size_t i = 0; i < listing->count; i++)
        if (!strcmp(listing->rows[i].name, name) || !strcmp(listing->rows[i].path, path))
            return true;
    return false;
}

/* What a plugin that was found sound says of itself. */
static void describe(trading_plugin_listed *row, const struct plugin *plugin)
{
    strncpy(row->version, plugin->says.version, sizeof row->version - 1);
    row->offer_count = (uint32_t)plugin->says.offer_count;
    for (uint32_t i = 0; i < row->offer_count; i++) {
        const trading_plugin_offer *offer = &plugin->says.offers[i];
        row->offers[i].kind = offer->kind;
        row->offers[i].abi = plugin->says.abi;
        strncpy(row->offers[i].scheme, offer->scheme, sizeof row->offers[i].scheme - 1);
    }
}

static void list_loaded(struct listing *listing)
{
    for (uint32_t i = 0; i < listing->host->plugin_count; i++) {
        const struct plugin *plugin = &listing->host->plugins[i];
        trading_plugin_listed *row = add_row(listing);
        if (!row)
            return;
        row->loaded = 1;
        row->abi = plugin->says.abi;
        strncpy(row->name, plugin->says.name, sizeof row->name - 1);
        memcpy(row->path, plugin->path, sizeof row->path);
        describe(row, plugin);
    }
}

static bool list_found(void *arg, const char *name)
{
    struct listing *listing = arg;
    char path[PLUGIN_PATH_BYTES];
    if (!search_join(path, listing->folder, strlen(listing->folder), name) || is_listed(listing, name, path))
        return true;
    trading_plugin_listed *row = add_row(listing);
    if (!row)
        return false;
    strncpy(row->name, name, sizeof row->name - 1);
    memcpy(row->path, path, strlen(path) + 1);
    struct plugin plugin;
    trading_error error = {0};
    row->status = plugin_open(&plugin, path, &listing->host->functions, load_versions, &error);
    row->abi = plugin.says.abi;
    if (!row->status) {
        describe(row, &plugin);
        row->status = load_can_add(listing->host, &plugin, &error);
    }
    if (row->status)
        memcpy(row->message, error.message, sizeof row->message);
    return true;
}

static bool list_folder(void *arg, const char *folder, size_t length)
{
    struct listing *listing = arg;
    if (length >= sizeof listing->folder)
        return true;
    memcpy(listing->folder, folder, length);
    listing->folder[length] = '\0';
    search_folder(listing->folder, list_found, listing);
    return !listing->failed;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const trading_plugin_listed *)a)->name, ((const trading_plugin_listed *)b)->name);
}

int32_t trading_plugin_list(trading_host *host, trading_plugin_listed *plugins, size_t max, size_t *count, trading_error *error)
{
    if (!host || (!plugins && max) || !count)
        return error_set(error, TRADING_E_INVALID, "trading_plugin_list needs a host, and places for plugins and their count");
    int32_t code = load_allowed(host, error);
    if (code)
        return code;
    struct listing listing = {.host = host};
    pthread_mutex_lock(&host->load_mutex);
    list_loaded(&listing);
    search_folders(host, list_folder, &listing);
    pthread_mutex_unlock(&host->load_mutex);
    *count = listing.count;
    if (listing.count)
        qsort(listing.rows, listing.count, sizeof *listing.rows, by_name);
    if (max && listing.count)
        memcpy(plugins, listing.rows, (max < listing.count ? max : listing.count) * sizeof *plugins);
    memory_release(&host->memory, listing.rows, listing.capacity * sizeof *listing.rows);
    return listing.failed ? error_no_memory(error, "a list of plugins") : error_clear(error);
}

const char *trading_plugin_kind_name(int32_t kind)
{
    switch (kind) {
    case TRADING_PLUGIN_STORE:
        return "STORE";
    case TRADING_PLUGIN_BUS:
        return "BUS";
    case TRADING_PLUGIN_VENUE:
        return "VENUE";
    default:
        return "UNKNOWN";
    }
}
