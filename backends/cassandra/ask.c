/* One question to the servers: binding values, asking, reading the answer, and saying what went wrong. */
#include "backends/cassandra/store.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* ---- values ---- */

struct driver_value bind_text(const char *text)
{
    return bind_bytes(text, strlen(text));
}

struct driver_value bind_bytes(const void *bytes, uint64_t size)
{
    return (struct driver_value){.type = DRIVER_BYTES, .bytes = bytes, .size = size};
}

struct driver_value bind_id(const uint8_t id[BLOCK_ID_BYTES])
{
    return bind_bytes(id, BLOCK_ID_BYTES);
}

struct driver_value bind_int32(int64_t number)
{
    return (struct driver_value){.type = DRIVER_INT32, .number = number};
}

struct driver_value bind_int64(int64_t number)
{
    return (struct driver_value){.type = DRIVER_INT64, .number = number};
}

struct driver_value bind_boolean(bool value)
{
    return (struct driver_value){.type = DRIVER_BOOLEAN, .number = value};
}

struct driver_value bind_null(void)
{
    return (struct driver_value){.type = DRIVER_NULL};
}

/* ---- failures ---- */

int32_t error_of_driver(const struct driver_failure *failure, const char *doing, trading_error *error)
{
    if (failure->code == DRIVER_FORKED)
        return error_set(error, TRADING_E_FORKED, "%s: %s", doing, failure->message);
    int32_t code = error_native(error, TRADING_E_IO, failure->code, "%s: %s", doing, failure->message);
    if (error && failure->code != DRIVER_REFUSED)
        error->flags |= TRADING_ERROR_RETRYABLE;
    return code;
}

int32_t error_read_only(trading_error *error)
{
    return error_set(error, TRADING_E_READ_ONLY, "the store was opened to be read only");
}

/* ---- asking ---- */

struct patience patience_begin(const struct cassandra *store)
{
    return (struct patience){.until = clock_now() + store->location.resolve_timeout_ms * 1000000};
}

bool patience_left(struct patience *patience)
{
    int64_t milliseconds = 10 << (patience->tries < 5 ? patience->tries : 5);
    if (clock_now() > patience->until)
        return false;
    patience->tries++;
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
    return true;
}

int32_t ask_driver(struct cassandra *store, enum statement statement, struct driver_rows **rows, struct driver_failure *failure,
                   const struct driver_value *values, uint64_t count)
{
    struct driver_request *request;
    if (rows)
        *rows = NULL;
    int32_t code = driver_begin(store->driver, store->statements[statement], values, count, &request, failure);
    return code ? code : driver_await(request, rows, failure);
}

int32_t ask(struct cassandra *store, enum statement statement, struct driver_rows **rows, const char *doing,
            trading_error *error, const struct driver_value *values, uint64_t count)
{
    struct driver_failure failure = {0};
    struct patience patience = patience_begin(store);
    int32_t code;
    do
        code = ask_driver(store, statement, rows, &failure, values, count);
    while (code == DRIVER_UNCERTAIN && statement_repeats(statement) && patience_left(&patience));
    return code ? error_of_driver(&failure, doing, error) : TRADING_OK;
}

int32_t next_row(struct driver_rows *rows, bool *found, const char *doing, trading_error *error)
{
    struct driver_failure failure = {0};
    int32_t more = 0;
    if (driver_next(rows, &more, &failure))
        return error_of_driver(&failure, doing, error);
    *found = more != 0;
    return TRADING_OK;
}

int32_t ask_row(struct cassandra *store, enum statement statement, struct driver_rows **rows, const char *doing,
                trading_error *error, const struct driver_value *values, uint64_t count)
{
    int32_t code = ask(store, statement, rows, doing, error, values, count);
    if (code)
        return code;
    bool found = false;
    code = next_row(*rows, &found, doing, error);
    if (!found) {
        driver_rows_close(*rows);
        *rows = NULL;
    }
    return code;
}

int32_t ask_applied(struct cassandra *store, enum statement statement, bool *applied, const char *doing, trading_error *error,
                    const struct driver_value *values, uint64_t count)
{
    struct driver_rows *rows;
    int32_t code = ask_row(store, statement, &rows, doing, error, values, count);
    int64_t number = 0;
    *applied = rows && driver_number(rows, 0, &number) && number;
    driver_rows_close(rows);
    return code;
}

/* ---- clock and chance ---- */

int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int32_t draw_bytes(void *bytes, size_t size, trading_error *error)
{
    if (getrandom(bytes, size, 0) == (ssize_t)size) /* 256 bytes at most are never cut short */
        return TRADING_OK;
    return error_native(error, TRADING_E_IO, errno, "no random bytes to be had: %s", strerror(errno));
}
