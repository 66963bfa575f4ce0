/* An open store, and how its parts ask the server. */
#ifndef CASSANDRA_STORE_H
#define CASSANDRA_STORE_H

#include "backends/cassandra/driver.h"
#include "backends/cassandra/location.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <trading/plugin/store.h>

#define BLOCK_ID_BYTES 16u

/* Every statement that is ever run; their texts are in statements.c. Bound values come in the order of the question marks. */
enum statement {
    JOURNAL_ADD,
    JOURNAL_FIND,
    PARTITION_ADD,
    PARTITION_LIST,
    HEAD_READ,
    HEAD_READ_SERIAL,
    APPEND_INSIDE,
    APPEND_NAMED,
    BLOCK_WHOSE,
    BLOCK_FIRST,
    BLOCK_HOLDING,
    BLOCK_LIST,
    PIECE_PUT,
    PIECE_LIST,
    PIECE_DROP,
    DRAFT_ADD,
    DRAFT_GROW,
    DRAFT_LIST,
    DRAFT_END,
    SNAPSHOT_FIND,
    SNAPSHOT_READ,
    SNAPSHOT_ADD,
    SNAPSHOT_REPLACE,
    SNAPSHOT_DROP,
    SECRET_PUT,
    SECRET_ADD,
    SECRET_GET_SERIAL,
    SECRET_GET,
    SECRET_TIME,
    SECRET_DELETE,
    STATEMENT_COUNT,
};

struct place;
struct draft;
struct flights;

struct cassandra {
    struct memory memory;
    struct location location;
    struct driver *driver;
    struct driver_statement *statements[STATEMENT_COUNT];
    bool read_only;
    pid_t process;
    pthread_mutex_t lock;    /* of what follows; never held while the server is asked */
    struct place *places;    /* where partitions were last seen to stand */
    struct draft *drafts;    /* snapshots being written */
    int64_t last_time;       /* of a secret, so that each write of this process is later than the one before it */
    struct flights *flights; /* appends begun and not polled; NULL until the first */
};

/* ---- statements.c ---- */

int32_t statements_prepare(struct cassandra *store, trading_error *error);
void statements_release(struct cassandra *store);
bool statement_repeats(enum statement statement); /* run twice it does what it does once: all but transactions */

/* The text with the keyspace put in for "trading."; NULL without memory. `size` is what to release. */
char *with_keyspace(struct cassandra *store, const char *text, size_t length, size_t *size);

/* ---- ask.c ---- */

struct driver_value bind_text(const char *text);
struct driver_value bind_bytes(const void *bytes, uint64_t size);
struct driver_value bind_id(const uint8_t id[BLOCK_ID_BYTES]);
struct driver_value bind_int32(int64_t number);
struct driver_value bind_int64(int64_t number);
struct driver_value bind_boolean(bool value);
struct driver_value bind_null(void);

#define BIND(...)                                                                                                              \
    (const struct driver_value[]){__VA_ARGS__}, sizeof((const struct driver_value[]){__VA_ARGS__}) / sizeof(struct driver_value)

/* Until when it makes sense to ask again what nobody answered. */
struct patience {
    int64_t until;
    int tries;
};
struct patience patience_begin(const struct cassandra *store);
/* Pauses, a little longer each time; false when it is time to give up. */
bool patience_left(struct patience *patience);

/* Runs a statement; its rows, when `rows` is not NULL, are closed by the caller. Returns a DRIVER_ code. */
int32_t ask_driver(struct cassandra *store, enum statement statement, struct driver_rows **rows, struct driver_failure *failure,
                   const struct driver_value *values, uint64_t count);
/* The same, asked again while nobody answers unless it is a transaction: returns a TRADING_ code, with what was being done in the
 * message. */
int32_t ask(struct cassandra *store, enum statement statement, struct driver_rows **rows, const char *doing,
            trading_error *error, const struct driver_value *values, uint64_t count);
/* … and goes to the first row, if there is one; then `rows` is to be closed, else it is NULL. */
int32_t ask_row(struct cassandra *store, enum statement statement, struct driver_rows **rows, const char *doing,
                trading_error *error, const struct driver_value *values, uint64_t count);
/* A lightweight transaction other than an append: whether it was applied. Asked again it may answer no although it was. */
int32_t ask_applied(struct cassandra *store, enum statement statement, bool *applied, const char *doing, trading_error *error,
                    const struct driver_value *values, uint64_t count);
int32_t next_row(struct driver_rows *rows, bool *found, const char *doing, trading_error *error);

int32_t error_of_driver(const struct driver_failure *failure, const char *doing, trading_error *error);
int32_t error_read_only(trading_error *error);

int64_t clock_now(void);                                            /* nanoseconds that never go back */
int32_t draw_bytes(void *bytes, size_t size, trading_error *error); /* at random */

/* ---- schema.c ---- */

/* Makes or changes what is not as this version wants it, where it may; else says what is missing. */
int32_t schema_open(struct cassandra *store, trading_error *error);

#endif
