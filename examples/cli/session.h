/* A host and one engine, opened by the URI of a store, for as long as a subcommand needs them. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include <trading.h>

/* Which store, as the arguments say it; each NULL when they do not. */
struct store_choice {
    const char *uri;
    const char *plugin; /* to load before: a name or an absolute path */
    const char *state;  /* the folder of its state, where the store itself has no place for it */
};

struct session {
    trading_host *host;
    trading_engine *engine;
    atomic_int warnings; /* of the library, so far */
};

/* The most partitions that a store can have. */
#define SESSION_PARTITIONS_MAX 64

/* A URI and its NUL: any path the system takes, and more. */
#define SESSION_URI_BYTES 8192

/* The URI of the store that is meant: the chosen one, else the default, put together in `buffer` of SESSION_URI_BYTES; who writes has its
 * missing folders made. NULL, having said why, with *code to exit with. */
const char *session_chosen_uri(const struct store_choice *store, bool writes, char *buffer, int *code);

/* Makes a host that loads plugins: for the scheme of a store, and the one that is chosen. @return EXIT_DONE, or EXIT_STORE, having said
 * what failed */
int session_open_host(struct session *session, const struct store_choice *store);

/* Opens the store, or the default one when none is chosen: $TRADING_STORE, else "lmdb:" and $XDG_DATA_HOME/libtrading, else
 * "lmdb:" and ~/.local/share/libtrading, whose missing folders are made. `options` may be NULL.
 * @return EXIT_DONE; EXIT_USAGE or EXIT_STORE, having said what failed */
int session_open(struct session *session, const struct store_choice *store, const trading_engine_options *options);

/* The same, but silent when another engine has the store open: then *locked is true, and the code EXIT_STORE. */
int session_open_unless_locked(struct session *session, const struct store_choice *store, bool *locked);

/* The same for those who only read: beside a writer's process, and never making a store that is not there. */
int session_open_to_read(struct session *session, const struct store_choice *store);

/* Says on stderr that the store which was opened for writing has nothing in it, as one whose name was mistyped; unless it is in memory,
 * where none has. */
void session_tell_if_new(const struct session *session, const struct store_choice *store);

/* Closes what session_open opened. A checkpoint that cannot be written then is said on stderr, and loses nothing: what was answered stands, and
 * to call it failed would have it done again. @return `code` */
int session_close(struct session *session, int code);

#endif
