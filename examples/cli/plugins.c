/* `trading plugins`: what could be loaded. */
#include "arguments.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

#include <trading/plugins.h>

static json_t *offers_json(const trading_plugin_listed *plugin)
{
    json_t *offers = json_array();
    for (uint32_t i = 0; i < plugin->offer_count; i++) {
        const trading_plugin_listed_offer *offer = &plugin->offers[i];
        json_array_append_new(offers, json_pack("{s:s, s:s, s:i}", "kind", trading_plugin_kind_name(offer->kind), "scheme",
                                                offer->scheme, "interface", (int)offer->abi));
    }
    return offers;
}

static json_t *plugin_json(const trading_plugin_listed *plugin)
{
    json_t *object = json_pack("{s:s, s:s, s:b}", "name", plugin->name, "path", plugin->path, "loaded", plugin->loaded);
    if (plugin->abi)
        json_object_set_new(object, "interface", json_integer(plugin->abi));
    if (plugin->version[0])
        json_object_set_new(object, "version", json_string(plugin->version));
    json_object_set_new(object, "offers", offers_json(plugin));
    if (plugin->status != TRADING_OK) {
        json_object_set_new(object, "status", json_string(trading_error_name(plugin->status)));
        json_object_set_new(object, "message", json_string(plugin->message));
    }
    return object;
}

/* "store cassandra:, bus kafka:" */
static json_t *offers_text(const trading_plugin_listed *plugin)
{
    char text[TRADING_PLUGIN_OFFERS * 32] = "";
    for (uint32_t i = 0; i < plugin->offer_count; i++) {
        const trading_plugin_listed_offer *offer = &plugin->offers[i];
        const char *kind = offer->kind == TRADING_PLUGIN_STORE   ? "store"
                           : offer->kind == TRADING_PLUGIN_BUS   ? "bus"
                           : offer->kind == TRADING_PLUGIN_VENUE ? "venue"
                                                                 : "?";
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %s:", used ? ", " : "", kind, offer->scheme);
    }
    return json_string(text);
}

static void print_table(const trading_plugin_listed *plugins, size_t count)
{
    static const struct column columns[] = {
        {"PLUGIN", "name", COLUMN_TEXT},   {"VERSION", "version", COLUMN_TEXT}, {"INTERFACE", "interface", COLUMN_ORDINAL},
        {"OFFERS", "offers", COLUMN_TEXT}, {"PATH", "path", COLUMN_TEXT},
    };
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = plugin_json(&plugins[i]);
        json_object_set_new(row, "offers", offers_text(&plugins[i]));
        json_array_append_new(rows, row);
    }
    output_table(stdout, columns, sizeof columns / sizeof columns[0], rows,
                 "There are no plugins in $TRADING_PLUGIN_PATH, nor where they are installed.");
    for (size_t i = 0; i < count; i++)
        if (plugins[i].status != TRADING_OK)
            printf("\n%s would not load: %s: %s\n", plugins[i].name, trading_error_name(plugins[i].status), plugins[i].message);
    json_decref(rows);
}

static void print_json(const trading_plugin_listed *plugins, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, plugin_json(&plugins[i]));
    json_t *object = json_pack("{s:i, s:o}", "interface", (int)TRADING_PLUGIN_ABI, "plugins", list);
    output_json(stdout, object);
    json_decref(object);
}

/* Those that there are, in memory that the caller frees. */
static trading_plugin_listed *list(trading_host *host, size_t *count, trading_error *error)
{
    size_t room = 64;
    for (;;) {
        trading_plugin_listed *plugins = calloc(room, sizeof *plugins);
        if (!plugins || trading_plugin_list(host, plugins, room, count, error) != TRADING_OK || *count <= room)
            return plugins;
        room = *count;
        free(plugins);
    }
}

int plugins_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    trading_error error = {.code = TRADING_E_NO_MEMORY, .message = "no memory for a list of plugins"};
    size_t count = 0;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    code = session_open_host(&session, &arguments.store);
    if (code != EXIT_DONE)
        return code;
    trading_plugin_listed *plugins = list(session.host, &count, &error);
    if (!plugins || error.code)
        code = output_failure(&error);
    else if (arguments.json)
        print_json(plugins, count);
    else
        print_table(plugins, count);
    free(plugins);
    return session_close(&session, code);
}
