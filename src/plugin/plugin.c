#include "plugin/plugin.h"

#include "base/error.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY "trading_plugin_entry"

/* No table grows to this: what says that it is larger does not say its size. */
#define TABLE_MOST 4096u

/* Of a path in an error. */
#define LABEL_MOST 100u

/* Zeroed behind what the plugin may fill, to see that it kept to the size that it was given. */
struct answer {
    trading_plugin says;
    uint8_t behind[256];
};

typedef int32_t (*entry_function)(const trading_host_functions *host, trading_plugin *plugin, trading_error *error);

/* ---- names ---- */

bool plugin_name_is_valid(const char *name, size_t length)
{
    return length > 0 && length < PLUGIN_NAME_BYTES && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length;
}

bool plugin_scheme_is_valid(const char *scheme)
{
    size_t length = strspn(scheme, "abcdefghijklmnopqrstuvwxyz");
    return length > 0 && length < sizeof(((trading_plugin_listed_offer *)0)->scheme) && scheme[length] == '\0';
}

/* ---- tables of functions ---- */

bool plugin_kind_is_known(int32_t kind)
{
    return kind == TRADING_PLUGIN_STORE || kind == TRADING_PLUGIN_BUS || kind == TRADING_PLUGIN_VENUE;
}

const char *plugin_kind_word(int32_t kind)
{
    return kind == TRADING_PLUGIN_BUS ? "bus" : kind == TRADING_PLUGIN_VENUE ? "venue" : "store";
}

/* That a table has this version, and a size that can be: at least what is not optional. */
static int32_t check_table(const char *what, uint32_t size, uint32_t its, size_t least, size_t known, uint32_t abi,
                           trading_error *error)
{
    if (its != abi)
        return error_set(error, TRADING_E_ABI, "%s was built for interface %" PRIu32 ", not %" PRIu32, what, its, abi);
    if (size < least || size > TABLE_MOST || size % sizeof(void *))
        return error_set(error, TRADING_E_ABI,
                         "%s says that its table has %" PRIu32 " bytes; interface %" PRIu32 " has %zu, of which %zu are needed",
                         what, size, abi, known, least);
    return TRADING_OK;
}

static int32_t check_store(const trading_store_ops *ops, uint32_t abi, const char *what, trading_error *error)
{
    int32_t code = check_table(what, ops->size, ops->abi, STORE_OPS_LEAST, sizeof *ops, abi, error);
    bool whole = !code && ops->open && ops->close && ops->head && ops->append && ops->read && ops->snapshot_put &&
                 ops->snapshot_find && ops->snapshot_get && ops->snapshot_drop && ops->secret_put && ops->secret_get &&
                 ops->secret_delete && ops->info && !ops->append_begin == !ops->append_poll;
    return code || whole ? code : error_set(error, TRADING_E_INVALID, "%s lacks a function that is not optional", what);
}

static int32_t check_bus(const trading_bus_ops *ops, uint32_t abi, const char *what, trading_error *error)
{
    int32_t code = check_table(what, ops->size, ops->abi, BUS_OPS_LEAST, sizeof *ops, abi, error);
    bool whole = !code && ops->open && ops->close && ops->topic && ops->partitions && ops->end && ops->publish && ops->mark &&
                 ops->join && ops->follow && ops->seek && ops->release && ops->poll;
    return code || whole ? code : error_set(error, TRADING_E_INVALID, "%s lacks a function that is not optional", what);
}

static int32_t check_venue(const trading_venue_ops *ops, uint32_t abi, const char *what, trading_error *error)
{
    int32_t code = check_table(what, ops->size, ops->abi, VENUE_OPS_LEAST, sizeof *ops, abi, error);
    bool whole = !code && ops->open && ops->close && ops->submit && ops->cancel && ops->status && ops->poll;
    return code || whole ? code : error_set(error, TRADING_E_INVALID, "%s lacks a function that is not optional", what);
}

int32_t plugin_check_table(int32_t kind, const void *table, uint32_t abi, const char *scheme, trading_error *error)
{
    char what[64];
    snprintf(what, sizeof what, "the %s \"%.40s\"", plugin_kind_word(kind), scheme);
    switch (kind) {
    case TRADING_PLUGIN_BUS:
        return check_bus(table, abi, what, error);
    case TRADING_PLUGIN_VENUE:
        return check_venue(table, abi, what, error);
    default:
        return check_store(table, abi, what, error);
    }
}

void plugin_copy_table(void *known, size_t size, const void *table)
{
    uint32_t its;
    uint32_t own = (uint32_t)size;
    memcpy(&its, table, sizeof its);
    memset(known, 0, size);
    memcpy(known, table, its < size ? its : size);
    memcpy(known, &own, sizeof own);
}

/* ---- what it says ---- */

static int32_t check_offer(const struct plugin *plugin, const trading_plugin_offer *offer, trading_error *error)
{
    if (!offer->scheme || !plugin_scheme_is_valid(offer->scheme))
        return error_set(error, TRADING_E_INVALID, "%s offers something without a scheme of 1 to 15 letters a-z", plugin->path);
    if (!offer->table)
        return error_set(error, TRADING_E_INVALID, "%s offers \"%s:\" without its table of functions", plugin->label,
                         offer->scheme);
    if (!plugin_kind_is_known(offer->kind))
        return TRADING_OK;
    return plugin_check_table(offer->kind, offer->table, plugin->says.abi, offer->scheme, error);
}

static bool same_offer(const trading_plugin_offer *a, const trading_plugin_offer *b)
{
    return a->kind == b->kind && !strcmp(a->scheme, b->scheme);
}

static int32_t check_offers(const struct plugin *plugin, trading_error *error)
{
    const trading_plugin *says = &plugin->says;
    if (!says->offers || says->offer_count < 1 || says->offer_count > TRADING_PLUGIN_OFFERS)
        return error_set(error, TRADING_E_INVALID, "%s offers %" PRIu64 " things; a plugin offers 1 to %d", plugin->label,
                         says->offers ? says->offer_count : 0, TRADING_PLUGIN_OFFERS);
    for (uint64_t i = 0; i < says->offer_count; i++) {
        int32_t code = check_offer(plugin, &says->offers[i], error);
        if (code)
            return code;
        for (uint64_t k = 0; k < i; k++)
            if (same_offer(&says->offers[k], &says->offers[i]))
                return error_set(error, TRADING_E_INVALID, "%s offers \"%s:\" twice", plugin->label, says->offers[i].scheme);
    }
    return TRADING_OK;
}

static int32_t check_words(const struct plugin *plugin, trading_error *error)
{
    const trading_plugin *says = &plugin->says;
    if (!says->name || !plugin_name_is_valid(says->name, strnlen(says->name, PLUGIN_NAME_BYTES)))
        return error_set(error, TRADING_E_INVALID, "%s has no name of 1 to 31 characters a-z, 0-9 and '-'", plugin->path);
    size_t length = says->version ? strnlen(says->version, PLUGIN_NAME_BYTES) : 0;
    if (length < 1 || length == PLUGIN_NAME_BYTES || !text_is_printable(says->version, length))
        return error_set(error, TRADING_E_INVALID, "%s has no version of 1 to 31 printable characters", plugin->path);
    return TRADING_OK;
}

/* ---- asking ---- */

static int32_t other_version(const struct plugin *plugin, struct plugin_versions versions, trading_error *error)
{
    if (!plugin->says.abi)
        return error_set(error, TRADING_E_ABI, "%s does not say which interface it was built for; this library speaks %" PRIu32,
                         plugin->label, versions.newest);
    if (versions.oldest == versions.newest)
        return error_set(error, TRADING_E_ABI, "%s was built for interface %" PRIu32 "; this library speaks %" PRIu32,
                         plugin->label, plugin->says.abi, versions.newest);
    return error_set(error, TRADING_E_ABI,
                     "%s was built for interface %" PRIu32 "; this library speaks %" PRIu32 " to %" PRIu32, plugin->label,
                     plugin->says.abi, versions.oldest, versions.newest);
}

/* The entry's own failure, with the file's name before it. */
static int32_t entry_failed(const struct plugin *plugin, int32_t code, trading_error *told, trading_error *error)
{
    told->message[sizeof told->message - 1] = '\0';
    if (code < 0 || !strcmp(trading_error_name(code), "UNKNOWN"))
        return error_set(error, TRADING_E_INVALID, "%s failed to start with a code that does not exist: %" PRId32,
                         plugin->label, code);
    const char *reason = told->code == code && told->message[0] ? told->message : "it does not say why";
    error_native(error, code, told->native_code, "%s failed to start: %s", plugin->label, reason);
    if (error)
        error->flags |= told->code == code ? told->flags : 0;
    return code;
}

/* Asks for one version. *spoken tells whether the answer is in it. */
static int32_t ask(struct plugin *plugin, entry_function entry, const trading_host_functions *host, uint32_t abi, bool *spoken,
                   trading_error *error)
{
    trading_host_functions functions = *host;
    functions.abi = abi;
    struct answer answer = {.says.size = sizeof answer.says};
    trading_error told = {0};
    int32_t code = entry(&functions, &answer.says, &told);
    static const uint8_t untouched[sizeof answer.behind];
    if (answer.says.size != sizeof answer.says || memcmp(answer.behind, untouched, sizeof untouched) != 0)
        return error_set(error, TRADING_E_ABI, "%s wrote over the %zu bytes that it may fill", plugin->label,
                         sizeof answer.says);
    plugin->says = answer.says;
    *spoken = plugin->says.abi == abi;
    if (*spoken && code)
        return entry_failed(plugin, code, &told, error);
    if (!*spoken && code && code != TRADING_E_ABI)
        return entry_failed(plugin, code, &told, error);
    return TRADING_OK;
}

static int32_t negotiate(struct plugin *plugin, entry_function entry, const trading_host_functions *host,
                         struct plugin_versions versions, trading_error *error)
{
    bool spoken = false;
    int32_t code = ask(plugin, entry, host, versions.newest, &spoken, error);
    uint32_t its = plugin->says.abi;
    if (!code && !spoken && its >= versions.oldest && its < versions.newest)
        code = ask(plugin, entry, host, its, &spoken, error);
    if (!code && !spoken)
        code = other_version(plugin, versions, error);
    return code;
}

/* ---- the file ---- */

/* What the system's loader would answer less clearly, or with a wait (a pipe). */
static int32_t check_file(const char *path, trading_error *error)
{
    struct stat status;
    if (strlen(path) >= PLUGIN_PATH_BYTES)
        return error_set(error, TRADING_E_INVALID, "the path of a plugin has at most %zu bytes, not %zu", PLUGIN_PATH_BYTES - 1,
                         strlen(path));
    if (stat(path, &status))
        return error_native(error, errno == ENOENT || errno == ENOTDIR ? TRADING_E_NOT_FOUND : TRADING_E_IO, errno,
                            "there is no plugin %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, TRADING_E_INVALID, "%s is no plugin: it is not a file", path);
    return TRADING_OK;
}

static int32_t open_file(struct plugin *plugin, entry_function *entry, trading_error *error)
{
    plugin->handle = dlopen(plugin->label, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->handle)
        return error_set(error, TRADING_E_IO, "a plugin cannot be loaded: %s", dlerror());
    void *symbol = dlsym(plugin->handle, ENTRY);
    if (!symbol)
        return error_set(error, TRADING_E_INVALID, "%s is no plugin: it has no function " ENTRY, plugin->path);
    memcpy((void *)entry, &symbol, sizeof symbol); /* as POSIX has it, and ISO C does not */
    return TRADING_OK;
}

int32_t plugin_open(struct plugin *plugin, const char *path, const trading_host_functions *host,
                    struct plugin_versions versions, trading_error *error)
{
    entry_function entry = NULL;
    memset(plugin, 0, sizeof *plugin);
    int32_t code = check_file(path, error);
    if (code)
        return code;
    size_t length = strlen(path);
    memcpy(plugin->path, path, length + 1);
    plugin->label = plugin->path + (length > LABEL_MOST ? length - LABEL_MOST : 0);
    code = open_file(plugin, &entry, error);
    if (!code && entry)
        code = negotiate(plugin, entry, host, versions, error);
    if (!code)
        code = check_words(plugin, error);
    return code ? code : check_offers(plugin, error);
}
