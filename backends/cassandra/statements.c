/* All statements, prepared once when the store is opened. */
#include "backends/cassandra/store.h"
#include "base/error.h"

#include <string.h>

/* "trading." stands for the keyspace. */
static const struct {
    int32_t mode; /* DRIVER_ */
    const char *cql;
} texts[STATEMENT_COUNT] = {
    [JOURNAL_ADD] = {DRIVER_WRITE, "INSERT INTO trading.journals (journal) VALUES (?)"},
    [JOURNAL_FIND] = {DRIVER_READ, "SELECT journal FROM trading.journals WHERE journal = ?"},
    [PARTITION_ADD] = {DRIVER_WRITE, "INSERT INTO trading.partitions (journal, number) VALUES (?, ?)"},
    [PARTITION_LIST] = {DRIVER_READ, "SELECT number FROM trading.partitions WHERE journal = ?"},

#define HEAD                                                                                                                   \
    "SELECT DISTINCT next_position, nonce, sealed, bucket_bytes, total_bytes FROM trading.blocks"                              \
    " WHERE journal = ? AND number = ? AND bucket = ?"
    [HEAD_READ] = {DRIVER_READ, HEAD},
    [HEAD_READ_SERIAL] = {DRIVER_READ_SERIAL, HEAD},

#define OF_BLOCK "WHERE journal = ? AND number = ? AND bucket = ? AND first_position = ?"
#define NEW_HEAD "next_position = ?, nonce = ?, sealed = ?, bucket_bytes = ?, total_bytes = ?"
#define OLD_HEAD "IF next_position = ? AND sealed = ?"
    [APPEND_INSIDE] = {DRIVER_TRANSACTION, "UPDATE trading.blocks SET " NEW_HEAD
                                           ", id = ?, event_count = ?, size = ?, data = ? " OF_BLOCK " " OLD_HEAD},
    [APPEND_NAMED] = {DRIVER_TRANSACTION,
                      "UPDATE trading.blocks SET " NEW_HEAD ", id = ?, event_count = ?, size = ? " OF_BLOCK " " OLD_HEAD},
    [BLOCK_WHOSE] = {DRIVER_READ_SERIAL, "SELECT id FROM trading.blocks " OF_BLOCK},
    [BLOCK_FIRST] = {DRIVER_READ, "SELECT first_position FROM trading.blocks"
                                  " WHERE journal = ? AND number = ? AND bucket = ? LIMIT 1"},
    [BLOCK_HOLDING] = {DRIVER_READ, "SELECT first_position FROM trading.blocks WHERE journal = ? AND number = ? AND bucket = ?"
                                    " AND first_position <= ? ORDER BY first_position DESC LIMIT 1"},
    [BLOCK_LIST] = {DRIVER_READ, "SELECT first_position, event_count, size, id, data FROM trading.blocks"
                                 " WHERE journal = ? AND number = ? AND bucket = ? AND first_position >= ? AND"
                                 " first_position < ?"},

    [PIECE_PUT] = {DRIVER_WRITE, "INSERT INTO trading.pieces (id, piece, data) VALUES (?, ?, ?)"},
    [PIECE_LIST] = {DRIVER_READ, "SELECT data FROM trading.pieces WHERE id = ?"},
    [PIECE_DROP] = {DRIVER_WRITE, "DELETE FROM trading.pieces WHERE id = ?"},

    [DRAFT_ADD] = {DRIVER_TRANSACTION, "INSERT INTO trading.drafts (journal, number, id, chunks) VALUES (?, ?, ?, ?)"
                                       " IF NOT EXISTS"},
    [DRAFT_GROW] = {DRIVER_TRANSACTION, "UPDATE trading.drafts SET chunks = ? WHERE journal = ? AND number = ? AND id = ?"
                                        " IF EXISTS"},
    [DRAFT_LIST] = {DRIVER_READ_SERIAL, "SELECT id, chunks FROM trading.drafts WHERE journal = ? AND number = ?"},
    [DRAFT_END] = {DRIVER_TRANSACTION, "DELETE FROM trading.drafts WHERE journal = ? AND number = ? AND id = ? IF EXISTS"},

    [SNAPSHOT_FIND] = {DRIVER_READ_SERIAL, "SELECT position, sizes FROM trading.snapshots WHERE journal = ? AND number = ?"
                                           " AND position <= ? LIMIT 1"},
    [SNAPSHOT_READ] = {DRIVER_READ_SERIAL, "SELECT id, sizes FROM trading.snapshots WHERE journal = ? AND number = ?"
                                           " AND position = ?"},
    [SNAPSHOT_ADD] = {DRIVER_TRANSACTION, "INSERT INTO trading.snapshots (journal, number, position, id, sizes)"
                                          " VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"},
    [SNAPSHOT_REPLACE] = {DRIVER_TRANSACTION, "UPDATE trading.snapshots SET id = ?, sizes = ? WHERE journal = ? AND number = ?"
                                              " AND position = ? IF id = ?"},
    [SNAPSHOT_DROP] = {DRIVER_TRANSACTION, "DELETE FROM trading.snapshots WHERE journal = ? AND number = ? AND position = ?"
                                           " IF id = ?"},

    [SECRET_PUT] = {DRIVER_WRITE, "INSERT INTO trading.secrets (journal, name, value) VALUES (?, ?, ?) USING TIMESTAMP ?"},
    [SECRET_ADD] = {DRIVER_TRANSACTION, "INSERT INTO trading.secrets (journal, name, value) VALUES (?, ?, ?) IF NOT EXISTS"},
    [SECRET_GET_SERIAL] = {DRIVER_READ_SERIAL, "SELECT value FROM trading.secrets WHERE journal = ? AND name = ?"},
    [SECRET_GET] = {DRIVER_READ, "SELECT value FROM trading.secrets WHERE journal = ? AND name = ?"},
    [SECRET_TIME] = {DRIVER_READ_SERIAL, "SELECT WRITETIME(value) FROM trading.secrets WHERE journal = ? AND name = ?"},
    [SECRET_DELETE] = {DRIVER_WRITE, "DELETE FROM trading.secrets USING TIMESTAMP ? WHERE journal = ? AND name = ?"},
};

#define STAND_IN "trading."

char *with_keyspace(struct cassandra *store, const char *text, size_t length, size_t *size)
{
    size_t keyspace = strlen(store->location.keyspace);
    *size = length * (keyspace + 1) + 1; /* more than enough */
    char *out = memory_allocate(&store->memory, *size);
    if (!out)
        return NULL;
    char *at = out;
    const char *end = text + length;
    while (text < end) {
        const char *found = memmem(text, (size_t)(end - text), STAND_IN, strlen(STAND_IN));
        const char *until = found ? found : end;
        at = mempcpy(at, text, (size_t)(until - text));
        text = until;
        if (found) {
            at = mempcpy(at, store->location.keyspace, keyspace);
            *at++ = '.';
            text += strlen(STAND_IN);
        }
    }
    *at = '\0';
    return out;
}

/* Pieces are large, so few of them make a page. */
static int32_t rows_a_page(const struct cassandra *store, enum statement statement)
{
    return statement == PIECE_LIST ? 4 : (int32_t)store->location.page_rows;
}

int32_t statements_prepare(struct cassandra *store, trading_error *error)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        size_t size;
        char *cql = with_keyspace(store, texts[i].cql, strlen(texts[i].cql), &size);
        if (!cql)
            return error_no_memory(error, "a statement");
        struct driver_failure failure = {0};
        int32_t code = driver_prepare(store->driver, cql, texts[i].mode, rows_a_page(store, (enum statement)i),
                                      &store->statements[i], &failure);
        memory_release(&store->memory, cql, size);
        if (code)
            return error_of_driver(&failure, "preparing a statement", error);
    }
    return TRADING_OK;
}

void statements_release(struct cassandra *store)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        driver_release(store->statements[i]);
}

bool statement_repeats(enum statement statement)
{
    return texts[statement].mode != DRIVER_TRANSACTION;
}
