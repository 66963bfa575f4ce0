/* Making the schema of a keyspace, or bringing it from an older version to this one. */
#include "backends/cassandra/store.h"
#include "base/error.h"
#include "schema_1_cql.h"

#include <stdio.h>
#include <string.h>

/* What brings a keyspace from each version to the next. */
static const char *const migrations[] = {schema_1};

#define VERSION ((int64_t)(sizeof migrations / sizeof *migrations))

static int32_t agree(struct cassandra *store, trading_error *error)
{
    struct driver_failure failure = {0};
    if (driver_agree(store->driver, &failure))
        return error_of_driver(&failure, "awaiting that the servers agree about the schema", error);
    return TRADING_OK;
}

/* What was there already may have been made by another opener a moment ago, so that not all servers know it: they are to agree before the next
 * statement, which builds on it, whether this one changed anything or not. */
static int32_t define(struct cassandra *store, const char *cql, trading_error *error)
{
    struct driver_failure failure = {0};
    if (driver_define(store->driver, cql, &failure))
        return error_of_driver(&failure, "creating the schema", error);
    return agree(store, error);
}

/* Runs one statement of a file, unless nothing but white space is left of it. */
static int32_t define_part(struct cassandra *store, const char *text, size_t length, trading_error *error)
{
    while (length && strchr(" \n", *text)) {
        text++;
        length--;
    }
    if (!length)
        return TRADING_OK;
    size_t size;
    char *cql = with_keyspace(store, text, length, &size);
    if (!cql)
        return error_no_memory(error, "a statement");
    int32_t code = define(store, cql, error);
    memory_release(&store->memory, cql, size);
    return code;
}

/* Takes the comments off, in place. */
static void strip_comments(char *text)
{
    for (char *comment; (comment = strstr(text, "--"));)
        memset(comment, ' ', strcspn(comment, "\n"));
}

/* Runs a file's statements, which end in ';'. */
static int32_t run_file(struct cassandra *store, const char *file, trading_error *error)
{
    size_t size = strlen(file) + 1;
    char *text = memory_allocate(&store->memory, size);
    if (!text)
        return error_no_memory(error, "the schema");
    memcpy(text, file, size);
    strip_comments(text);
    int32_t code = TRADING_OK;
    for (const char *at = text; !code && *at;) {
        size_t length = strcspn(at, ";");
        code = define_part(store, at, length, error);
        at += length + (at[length] == ';');
    }
    memory_release(&store->memory, text, size);
    return code;
}

/* Asks with a statement that is prepared for this once; the first column of the first row, if there is one, as a number. */
static int32_t ask_once(struct cassandra *store, const char *cql, const struct driver_value *values, uint64_t count,
                        int64_t *number, bool *found, trading_error *error)
{
    struct driver_statement *statement = NULL;
    struct driver_request *request;
    struct driver_rows *rows = NULL;
    struct driver_failure failure = {0};
    int32_t more = 0;
    int32_t code = driver_prepare(store->driver, cql, DRIVER_READ, 1, &statement, &failure);
    if (!code)
        code = driver_begin(store->driver, statement, values, count, &request, &failure);
    if (!code)
        code = driver_await(request, &rows, &failure);
    if (!code)
        code = driver_next(rows, &more, &failure);
    *found = more && driver_number(rows, 0, number);
    driver_rows_close(rows);
    driver_release(statement);
    return code ? error_of_driver(&failure, "looking at the schema", error) : TRADING_OK;
}

/* The version that the keyspace has; 0 when it has none, or is not there. */
static int32_t read_version(struct cassandra *store, int64_t *version, trading_error *error)
{
    const char *keyspace = store->location.keyspace;
    int64_t number;
    bool found;
    *version = 0;
    int32_t code = ask_once(store,
                            "SELECT bloom_filter_fp_chance, memtable_flush_period_in_ms FROM system_schema.tables"
                            " WHERE keyspace_name = ? AND table_name = 'versions'",
                            BIND(bind_text(keyspace)), &number, &found, error);
    if (code || !found)
        return code;
    char cql[128];
    snprintf(cql, sizeof cql, "SELECT version FROM %s.versions WHERE id = 0 LIMIT 1", keyspace);
    code = ask_once(store, cql, NULL, 0, &number, &found, error);
    *version = !code && found ? number : 0;
    return code;
}

static int32_t migrate(struct cassandra *store, int64_t version, trading_error *error)
{
    char cql[256];
    const char *keyspace = store->location.keyspace;
    snprintf(cql, sizeof cql,
             "CREATE KEYSPACE IF NOT EXISTS %s WITH replication ="
             " {'class': 'NetworkTopologyStrategy', 'replication_factor': %d}",
             keyspace, (int)store->location.create);
    int32_t code = define(store, cql, error);
    for (; !code && version < VERSION; version++) {
        code = run_file(store, migrations[version], error);
        snprintf(cql, sizeof cql, "INSERT INTO %s.versions (id, version) VALUES (0, %d)", keyspace, (int)version + 1);
        if (!code)
            code = define(store, cql, error);
    }
    return code;
}

/* Makes what is not as this version wants it. */
static int32_t bring_up(struct cassandra *store, trading_error *error)
{
    int64_t version;
    int32_t code = read_version(store, &version, error);
    if (code || version == VERSION)
        return code;
    if (version > VERSION)
        return error_set(error, TRADING_E_NEWER_FORMAT,
                         "the keyspace %s has version %d of the schema, this plugin knows %d; use a newer one",
                         store->location.keyspace, (int)version, (int)VERSION);
    if (store->read_only || !store->location.create)
        return error_set(error, TRADING_E_NOT_FOUND,
                         "the keyspace %s has version %d of the schema, this plugin needs %d; open the store once with "
                         "create=COPIES to make it",
                         store->location.keyspace, (int)version, (int)VERSION);
    return migrate(store, version, error);
}

/* Where several make it at once, a server may not know yet what another told of, and a table that two made is gone for a moment while the servers make
 * one of it. So it is tried again for a while: what is there is not made again. */
int32_t schema_open(struct cassandra *store, trading_error *error)
{
    struct patience patience = patience_begin(store);
    trading_error failure;
    int32_t code;
    do
        code = bring_up(store, &failure);
    while (code == TRADING_E_IO && store->location.create && patience_left(&patience));
    if (code && error)
        *error = failure;
    return code;
}
