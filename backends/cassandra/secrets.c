/* Secrets. Each is a row, written with a time of this process, since two writes of one secret may go through servers whose clocks differ,
 * and the earlier would win. Those that must be new are added in transactions, whose times are the servers' own. */
#include "backends/cassandra/keeping.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

#define AT_ONCE 32u

/* Microseconds, later than any before. */
static int64_t next_time(struct cassandra *store)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t time = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
    pthread_mutex_lock(&store->lock);
    if (time <= store->last_time)
        time = store->last_time + 1;
    store->last_time = time;
    pthread_mutex_unlock(&store->lock);
    return time;
}

/* ---- many at once ---- */

/* How one of many is written. What was begun is awaited whatever failed `before`, and then that is what it returns. */
struct writing {
    int32_t (*begin)(struct cassandra *store, const trading_store_secret *secret, struct driver_request **request,
                     trading_error *error);
    int32_t (*await)(struct cassandra *store, const trading_store_secret *secret, struct driver_request *request,
                     int32_t before, trading_error *error);
};

static int32_t write_all(struct cassandra *store, const struct writing *writing, const trading_store_secret *secrets,
                         size_t count, trading_error *error)
{
    struct driver_request *under_way[AT_ONCE];
    size_t begun = 0;
    size_t ended = 0;
    int32_t code = TRADING_OK;
    while (ended < begun || (!code && begun < count)) {
        if (!code && begun < count && begun - ended < AT_ONCE) {
            code = writing->begin(store, &secrets[begun], &under_way[begun % AT_ONCE], error);
            begun += code == TRADING_OK;
            continue;
        }
        code = writing->await(store, &secrets[ended], under_way[ended % AT_ONCE], code, error);
        ended++;
    }
    return code;
}

/* ---- those that may be there already ---- */

static int32_t begin_put(struct cassandra *store, const trading_store_secret *secret, struct driver_request **request,
                         trading_error *error)
{
    struct driver_failure failure = {0};
    const struct driver_value values[] = {bind_text(store->location.journal), bind_bytes(&secret->name, sizeof secret->name),
                                          bind_bytes(secret->value, sizeof secret->value), bind_int64(next_time(store))};
    if (driver_begin(store->driver, store->statements[SECRET_PUT], values, 4, request, &failure))
        return error_of_driver(&failure, "writing a secret", error);
    return TRADING_OK;
}

static int32_t await_put(struct cassandra *store, const trading_store_secret *secret, struct driver_request *request,
                         int32_t before, trading_error *error)
{
    struct driver_failure failure = {0};
    (void)store;
    (void)secret;
    if (driver_await(request, NULL, &failure) && !before)
        return error_of_driver(&failure, "writing a secret", error);
    return before;
}

int32_t secret_put(struct cassandra *store, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    static const struct writing putting = {begin_put, await_put};
    return write_all(store, &putting, secrets, count, error);
}

/* ---- those that must be new ---- */

static const char adding[] = "adding a secret";

static int32_t read_value(struct cassandra *store, enum statement statement, const trading_id *name, uint8_t value[32],
                          trading_error *error)
{
    struct driver_rows *rows;
    const void *bytes;
    uint64_t size;
    int32_t code = ask_row(store, statement, &rows, "reading a secret", error,
                           BIND(bind_text(store->location.journal), bind_bytes(name, sizeof *name)));
    bool found = !code && rows && driver_bytes(rows, 0, &bytes, &size);
    if (found && size == 32)
        memcpy(value, bytes, 32);
    else if (found)
        code = error_set(error, TRADING_E_DAMAGED, "a secret has another size than it was written with");
    else if (!code)
        code = error_set(error, TRADING_E_NOT_FOUND, "there is no such secret");
    driver_rows_close(rows);
    return code;
}

/* One was there, or nobody could tell: it is as good as ours when it is the same. The serial read ends what is under way. */
static int32_t compare_added(struct cassandra *store, const trading_store_secret *secret, trading_error *error)
{
    uint8_t value[32];
    int32_t code = read_value(store, SECRET_GET_SERIAL, &secret->name, value, error);
    if (!code && memcmp(value, secret->value, sizeof value) != 0)
        code = error_set(error, TRADING_E_BUSY, "a secret of that name is there already");
    return code;
}

static int32_t begin_add(struct cassandra *store, const trading_store_secret *secret, struct driver_request **request,
                         trading_error *error)
{
    struct driver_failure failure = {0};
    const struct driver_value values[] = {bind_text(store->location.journal), bind_bytes(&secret->name, sizeof secret->name),
                                          bind_bytes(secret->value, sizeof secret->value)};
    if (driver_begin(store->driver, store->statements[SECRET_ADD], values, 3, request, &failure))
        return error_of_driver(&failure, adding, error);
    return TRADING_OK;
}

static int32_t await_add(struct cassandra *store, const trading_store_secret *secret, struct driver_request *request,
                         int32_t before, trading_error *error)
{
    struct driver_failure failure = {0};
    struct driver_rows *rows = NULL;
    bool found = false;
    int64_t applied = 0;
    int32_t failed = driver_await(request, &rows, &failure);
    int32_t code = failed ? TRADING_OK : next_row(rows, &found, adding, before ? NULL : error);
    found = found && driver_number(rows, 0, &applied) && applied;
    driver_rows_close(rows);
    if (before || code || found)
        return before ? before : code;
    if (failed && failed != DRIVER_UNCERTAIN)
        return error_of_driver(&failure, adding, error);
    code = compare_added(store, secret, error);
    return code == TRADING_E_NOT_FOUND ? error_of_driver(&failure, adding, error) : code;
}

int32_t secret_add(struct cassandra *store, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    static const struct writing adding_new = {begin_add, await_add};
    return write_all(store, &adding_new, secrets, count, error);
}

/* ---- reading and destroying ---- */

int32_t secret_get(struct cassandra *store, const trading_id *name, uint8_t value[32], trading_error *error)
{
    return read_value(store, SECRET_GET, name, value, error);
}

/* A deletion has the time of the value that it is of, which is enough to hide it. With the time of this machine's clock it might hide as well what is
 * added soon after: that has a time of the servers, which is later than that of any value it was preceded by, but may be cut to the
 * millisecond. Where there is no value the time is now, for what a server may still have on its way. */
int32_t secret_delete(struct cassandra *store, const trading_id *name, trading_error *error)
{
    struct driver_rows *rows;
    int64_t time = 0;
    int32_t code = ask_row(store, SECRET_TIME, &rows, "destroying a secret", error,
                           BIND(bind_text(store->location.journal), bind_bytes(name, sizeof *name)));
    bool found = !code && rows && driver_number(rows, 0, &time);
    driver_rows_close(rows);
    if (code)
        return code;
    return ask(
        store, SECRET_DELETE, NULL, "destroying a secret", error,
        BIND(bind_int64(found ? time : next_time(store)), bind_text(store->location.journal), bind_bytes(name, sizeof *name)));
}
