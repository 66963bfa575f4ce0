#include "plugin/search.h"

#include "base/error.h"
#include "plugin/installed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".so"

/* The folders of one list; false once `take` has had enough. */
static bool take_list(const char *list, bool (*take)(void *arg, const char *folder, size_t length), void *arg)
{
    while (list && *list) {
        size_t length = strcspn(list, ":");
        if (*list == '/' && !take(arg, list, length))
            return false;
        list += length + (list[length] == ':');
    }
    return true;
}

void search_folders(const trading_host *host, bool (*take)(void *arg, const char *folder, size_t length), void *arg)
{
    if (host->plugin_path)
        take_list(host->plugin_path, take, arg);
    else if (take_list(secure_getenv("TRADING_PLUGIN_PATH"), take, arg))
        take_list(PLUGIN_INSTALLED_FOLDER, take, arg);
}

bool search_join(char path[PLUGIN_PATH_BYTES], const char *folder, size_t length, const char *name)
{
    if (length >= PLUGIN_PATH_BYTES)
        return false;
    int written = snprintf(path, PLUGIN_PATH_BYTES, "%.*s/%s" SUFFIX, (int)length, folder, name);
    return written > 0 && (size_t)written < PLUGIN_PATH_BYTES;
}

/* ---- one name ---- */

struct seeking {
    const char *name;
    char *path;
    bool found;
    char seen[120]; /* the folders, for the error */
};

static bool look_into(void *arg, const char *folder, size_t length)
{
    struct seeking *seeking = arg;
    size_t used = strlen(seeking->seen);
    if (used + length + 2 < sizeof seeking->seen)
        snprintf(seeking->seen + used, sizeof seeking->seen - used, "%s%.*s", used ? ":" : "", (int)length, folder);
    seeking->found = search_join(seeking->path, folder, length, seeking->name) && !access(seeking->path, F_OK);
    return !seeking->found;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the seeking */
int32_t search_name(const trading_host *host, const char *name, char path[PLUGIN_PATH_BYTES], trading_error *error)
{
    struct seeking seeking = {.name = name, .path = path};
    search_folders(host, look_into, &seeking);
    if (seeking.found)
        return TRADING_OK;
    return error_set(error, TRADING_E_NOT_FOUND, "there is no plugin %s: no %s" SUFFIX " in %s", name, name,
                     seeking.seen[0] ? seeking.seen : "the search path, which is empty");
}

/* ---- all names ---- */

void search_folder(const char *folder, bool (*take)(void *arg, const char *name), void *arg)
{
    DIR *open = opendir(folder);
    bool more = open;
    while (more) {
        const struct dirent *entry = readdir(open);
        if (!entry)
            break;
        size_t length = strlen(entry->d_name);
        if (length <= strlen(SUFFIX) || strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0)
            continue;
        char name[PLUGIN_NAME_BYTES] = "";
        length -= strlen(SUFFIX);
        if (!plugin_name_is_valid(entry->d_name, length))
            continue;
        memcpy(name, entry->d_name, length);
        more = take(arg, name);
    }
    if (open)
        closedir(open);
}
