/* A host and one engine, opened by the URI of a store, for as long as a subcommand needs them. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include <trading.h>

struct session {
    trading_host *host;
    trading_engine *engine;
    atomic_int warnings; /* of the library, so far */
};

/* Opens the store, or the default one when `store` is NULL: $TRADING_STORE, else "lmdb:" and $XDG_DATA_HOME/libtrading, else
 * "lmdb:" and ~/.local/share/libtrading, whose missing folders are made. `options` may be NULL.
 * @return EXIT_DONE; EXIT_USAGE or EXIT_STORE, having said what failed */
int session_open(struct session *session, const char *store, const trading_engine_options *options);

/* The same, but silent when another engine has the store open: then *locked is true, and the code EXIT_STORE. */
int session_open_unless_locked(struct session *session, const char *store, bool *locked);

/* The same for those who only read: beside a writer's process, and never making a store that is not there. */
int session_open_to_read(struct session *session, const char *store);

/* Closes what session_open opened. What fails on the way is said on stderr, and loses nothing.
 * @return `code`, or EXIT_STORE when closing failed and code was EXIT_DONE */
int session_close(struct session *session, int code);

#endif
