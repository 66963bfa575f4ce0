/* Where partitions stand. */
#include "backends/cassandra/journal.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* ---- what was seen ---- */

static struct place *find(const struct cassandra *store, uint32_t partition)
{
    struct place *place = store->places;
    while (place && place->partition != partition)
        place = place->next;
    return place;
}

bool journal_known(struct cassandra *store, uint32_t partition, struct place *place)
{
    pthread_mutex_lock(&store->lock);
    const struct place *found = find(store, partition);
    if (found)
        *place = *found;
    pthread_mutex_unlock(&store->lock);
    return found != NULL;
}

void journal_note(struct cassandra *store, const struct place *seen)
{
    pthread_mutex_lock(&store->lock);
    struct place *place = find(store, seen->partition);
    if (!place) {
        place = memory_zeroed(&store->memory, 1, sizeof *place);
        if (place) {
            place->next = store->places;
            store->places = place;
        }
    }
    /* What another thread saw later stays. */
    if (place && seen->head.next_position >= place->head.next_position) {
        struct place before = *place;
        *place = *seen;
        place->next = before.next;
        place->doubts = before.doubts;
        place->sure = before.sure || (seen->sure && seen->doubts == before.doubts);
    }
    pthread_mutex_unlock(&store->lock);
}

void journal_doubt(struct cassandra *store, uint32_t partition)
{
    pthread_mutex_lock(&store->lock);
    struct place *place = find(store, partition);
    if (place) {
        place->sure = false;
        place->doubts++;
    }
    pthread_mutex_unlock(&store->lock);
}

void journal_forget(struct cassandra *store)
{
    for (struct place *next, *at = store->places; at; at = next) {
        next = at->next;
        memory_release(&store->memory, at, sizeof *at);
    }
    store->places = NULL;
}

/* ---- asking ---- */

static void take_head(const struct driver_rows *rows, struct place *place)
{
    int64_t sealed = 0;
    const void *nonce;
    uint64_t size;
    driver_number(rows, 0, &place->head.next_position);
    if (driver_bytes(rows, 1, &nonce, &size) && size == sizeof place->head.nonce)
        memcpy(&place->head.nonce, nonce, sizeof place->head.nonce);
    driver_number(rows, 2, &sealed);
    place->sealed = sealed != 0;
    driver_number(rows, 3, &place->bucket_bytes);
    driver_number(rows, 4, &place->total_bytes);
}

/* The head of one bucket, into `place` when it has one. */
static int32_t read_head(struct cassandra *store, enum statement how, int64_t bucket, struct place *place, bool *found,
                         trading_error *error)
{
    struct driver_rows *rows;
    *found = false;
    if (bucket > INT32_MAX)
        return TRADING_OK;
    int32_t code = ask_row(store, how, &rows, "reading where a partition stands", error,
                           BIND(bind_text(store->location.journal), bind_int64(place->partition), bind_int32(bucket)));
    if (!code && rows) {
        *found = true;
        place->bucket = (int32_t)bucket;
        take_head(rows, place);
    }
    driver_rows_close(rows);
    return code;
}

/* The newest bucket, from one that is there and sealed on: by steps that double until there is none, then by halves. */
static int32_t find_newest(struct cassandra *store, enum statement how, struct place *place, trading_error *error)
{
    int64_t none = (int64_t)INT32_MAX + 1; /* the first that is known not to be there */
    bool doubling = true;
    for (int64_t step = 1; place->sealed && place->bucket + 1 < none; step *= 2) {
        int64_t try = doubling ? place->bucket + step : place->bucket + (none - place->bucket) / 2;
        bool found;
        int32_t code = read_head(store, how, try, place, &found, error);
        if (code)
            return code;
        if (!found) {
            none = try;
            doubling = false;
        }
    }
    return TRADING_OK;
}

static int32_t read_place(struct cassandra *store, enum statement how, uint32_t partition, int32_t bucket, struct place *place,
                          trading_error *error)
{
    bool found;
    *place = (struct place){.partition = partition};
    int32_t code = read_head(store, how, bucket, place, &found, error);
    return !code && found ? find_newest(store, how, place, error) : code;
}

int32_t journal_locate(struct cassandra *store, uint32_t partition, int64_t beyond, struct place *place, trading_error *error)
{
    struct place known = {0};
    bool seen = journal_known(store, partition, &known);
    enum statement how = store->read_only || (seen && known.sure) ? HEAD_READ : HEAD_READ_SERIAL;
    int64_t least = known.head.next_position > beyond ? known.head.next_position : beyond;
    int32_t code = read_place(store, how, partition, known.bucket, place, error);
    if (!code && place->head.next_position < least && how == HEAD_READ) {
        how = HEAD_READ_SERIAL; /* not all of the majority that was asked have what was seen already */
        code = read_place(store, how, partition, known.bucket, place, error);
    }
    if (code)
        return code;
    place->sure = how == HEAD_READ_SERIAL;
    place->doubts = known.doubts;
    journal_note(store, place);
    return TRADING_OK;
}

int32_t journal_partitions(struct cassandra *store, int32_t (*visit)(void *arg, uint32_t partition, trading_error *error),
                           void *arg, trading_error *error)
{
    static const char doing[] = "listing the partitions";
    struct driver_rows *rows;
    int32_t code = ask(store, PARTITION_LIST, &rows, doing, error, BIND(bind_text(store->location.journal)));
    bool found = !code;
    while (!code && found) {
        int64_t number;
        code = next_row(rows, &found, doing, error);
        if (!code && found && driver_number(rows, 0, &number))
            code = visit(arg, (uint32_t)number, error);
    }
    driver_rows_close(rows);
    return code;
}
