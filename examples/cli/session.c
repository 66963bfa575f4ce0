#include "session.h"

#include "output.h"
#include "subcommand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A URI and its NUL: any path the system takes, and more. */
#define URI_BYTES 8192

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

static int open_uri(struct session *session, const char *uri, const trading_engine_options *options, bool *locked)
{
    trading_error error;
    trading_host_options host = TRADING_HOST_OPTIONS_INIT;
    host.log = log_line;
    host.log_context = session;
    if (trading_host_open(&session->host, &host, &error) != TRADING_OK)
        return output_failure(&error);
    if (trading_engine_open(&session->engine, session->host, uri, options, &error) == TRADING_OK)
        return EXIT_DONE;
    trading_host_close(session->host, NULL);
    if (locked && error.code == TRADING_E_LOCKED) {
        *locked = true;
        return EXIT_STORE;
    }
    int code = output_failure(&error);
    if (error.code == TRADING_E_NOT_FOUND)
        fprintf(stderr,
                "trading: nothing was ever written to %s; make it with `trading open-account`, or name another with --store\n",
                uri);
    return code;
}

static int open_store(struct session *session, const char *store, const trading_engine_options *options, bool *locked)
{
    char uri[URI_BYTES];
    trading_engine_options defaults = TRADING_ENGINE_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    session->host = NULL;
    session->engine = NULL;
    atomic_init(&session->warnings, 0);
    if (!store)
        store = getenv("TRADING_STORE");
    if (!store || !*store) {
        if (!default_uri(uri, sizeof uri))
            return EXIT_USAGE;
        if (!(options->flags & TRADING_ENGINE_READ_ONLY) && !make_parents(uri + strlen("lmdb:")))
            return EXIT_STORE;
        store = uri;
    }
    return open_uri(session, store, options, locked);
}

int session_open(struct session *session, const char *store, const trading_engine_options *options)
{
    return open_store(session, store, options, NULL);
}

int session_open_unless_locked(struct session *session, const char *store, bool *locked)
{
    *locked = false;
    return open_store(session, store, NULL, locked);
}

int session_open_to_read(struct session *session, const char *store)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_READ_ONLY;
    return session_open(session, store, &options);
}

int session_close(struct session *session, int code)
{
    trading_error error;
    if (trading_engine_close(session->engine, TRADING_CLOSE_DRAIN, &error) != TRADING_OK && code == EXIT_DONE)
        code = output_failure(&error);
    trading_host_close(session->host, NULL);
    session->host = NULL;
    session->engine = NULL;
    return code;
}
