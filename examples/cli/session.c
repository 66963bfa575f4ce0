#include "session.h"

#include "output.h"
#include "subcommand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The most lines that the library may say on stderr: a disk that stays full would say the same of every commit. */
#define WARNINGS_MAX 10

static void log_line(void *context, int32_t level, const char *line)
{
    struct session *session = context;
    int warnings = atomic_fetch_add_explicit(&session->warnings, 1, memory_order_relaxed);
    if (warnings < WARNINGS_MAX)
        fprintf(stderr, "trading: %s: %s\n", level == TRADING_LOG_ERROR ? "error" : "warning", line);
    else if (warnings == WARNINGS_MAX)
        fprintf(stderr, "trading: warning: further warnings are left out\n");
}

/* Makes the folders above `path` that are not there, for the owner alone: what will be in them is personal. */
static bool make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = !mkdir(path, 0700) || errno == EEXIST;
        *slash = '/';
        if (!made) {
            fprintf(stderr, "trading: cannot make the folders of %s: %s; choose another store with --store lmdb:FOLDER\n", path,
                    strerror(errno));
            return false;
        }
    }
    return true;
}

/* Where the default store is. An XDG_DATA_HOME that is not absolute counts as not set, as its specification says. */
static bool default_uri(char *uri, size_t bytes)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    int length;
    if (data && data[0] == '/') {
        length = snprintf(uri, bytes, "lmdb:%s/libtrading", data);
    } else if (home && home[0] == '/') {
        length = snprintf(uri, bytes, "lmdb:%s/.local/share/libtrading", home);
    } else {
        fprintf(stderr, "trading: neither HOME nor XDG_DATA_HOME says where your data is; name a store: --store lmdb:FOLDER\n");
        return false;
    }
    if (length < 0 || (size_t)length >= bytes) {
        fprintf(stderr, "trading: the path of the default store is too long; name a store: --store lmdb:FOLDER\n");
        return false;
    }
    return true;
}

int session_open_host(struct session *session, const struct store_choice *store)
{
    trading_error error;
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log = log_line;
    options.log_context = session;
    options.flags = TRADING_HOST_PLUGINS;
    session->host = NULL;
    session->engine = NULL;
    atomic_init(&session->warnings, 0);
    if (trading_host_open(&session->host, &options, &error) != TRADING_OK)
        return output_failure(&error);
    if (!store->plugin || trading_plugin_load(session->host, store->plugin, &error) == TRADING_OK)
        return EXIT_DONE;
    trading_host_close(session->host, NULL);
    return output_failure(&error);
}

/* Who writes makes the store, but not the folders above it. */
static void say_not_there(const char *uri, bool reads)
{
    if (reads)
        fprintf(stderr,
                "trading: nothing was ever written to %s; make it with `trading open-account`, or name another with --store\n",
                uri);
    else
        fprintf(stderr, "trading: %s cannot be made there; make what it is to be in first, or name another with --store\n",
                uri);
}

static int open_uri(struct session *session, const char *uri, const trading_engine_options *options, bool *locked)
{
    trading_error error;
    const trading_store_ops *ops;
    const char *location;
    bool known = trading_store_find(session->host, uri, &ops, &location, &error) == TRADING_OK;
    if (known && trading_engine_open(&session->engine, session->host, uri, options, &error) == TRADING_OK)
        return EXIT_DONE;
    trading_host_close(session->host, NULL);
    if (locked && error.code == TRADING_E_LOCKED) {
        *locked = true;
        return EXIT_STORE;
    }
    int code = output_failure(&error);
    if (known && error.code == TRADING_E_NOT_FOUND)
        say_not_there(uri, (options->flags & TRADING_ENGINE_READ_ONLY) != 0);
    return code;
}

const char *session_chosen_uri(const struct store_choice *store, bool writes, char *buffer, int *code)
{
    const char *uri = store->uri ? store->uri : getenv("TRADING_STORE");
    if (uri && *uri)
        return uri;
    *code = EXIT_USAGE;
    if (!default_uri(buffer, SESSION_URI_BYTES))
        return NULL;
    *code = EXIT_STORE;
    return writes && !make_parents(buffer + strlen("lmdb:")) ? NULL : buffer;
}

static int open_store(struct session *session, const struct store_choice *store, const trading_engine_options *options,
                      bool *locked)
{
    char buffer[SESSION_URI_BYTES];
    int code = EXIT_DONE;
    trading_engine_options chosen = TRADING_ENGINE_OPTIONS_INIT;
    if (options)
        chosen = *options;
    chosen.state_path = store->state;
    const char *uri = session_chosen_uri(store, !(chosen.flags & TRADING_ENGINE_READ_ONLY), buffer, &code);
    if (!uri)
        return code;
    code = session_open_host(session, store);
    return code == EXIT_DONE ? open_uri(session, uri, &chosen, locked) : code;
}

int session_open(struct session *session, const struct store_choice *store, const trading_engine_options *options)
{
    return open_store(session, store, options, NULL);
}

int session_open_unless_locked(struct session *session, const struct store_choice *store, bool *locked)
{
    *locked = false;
    return open_store(session, store, NULL, locked);
}

int session_open_to_read(struct session *session, const struct store_choice *store)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_READ_ONLY;
    return session_open(session, store, &options);
}

void session_tell_if_new(const struct session *session, const struct store_choice *store)
{
    char buffer[SESSION_URI_BYTES];
    int code;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    const char *uri = session_chosen_uri(store, false, buffer, &code);
    if (!uri || !strncmp(uri, "memory:", strlen("memory:")) || trading_engine_get_info(session->engine, &info, NULL))
        return;
    if (info.next_position == 0)
        fprintf(stderr, "trading: %s is a new store: nothing was ever written to it\n", uri);
}

int session_close(struct session *session, int code)
{
    (void)trading_engine_close(session->engine, TRADING_CLOSE_DRAIN, NULL);
    trading_host_close(session->host, NULL);
    session->host = NULL;
    session->engine = NULL;
    return code;
}
