/* Appending: the transaction of journal.h, and finding out how it ended. */
#include "backends/cassandra/journal.h"
#include "backends/cassandra/pieces.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* An append on its way. */
struct block {
    uint8_t id[BLOCK_ID_BYTES]; /* by which it is told from every other block, of this writer and of others */
    bool inside;                /* its bytes are in the transaction, not in pieces */
    int64_t first_position;
    int64_t event_count;
    uint64_t size;
    uint8_t *bytes;
    struct place before;
    struct place after;
};

/* ---- making ---- */

/* Where the partition stands behind the block. */
static struct place place_after(const struct cassandra *store, const struct block *block, const trading_store_commit *last)
{
    struct place after = block->before;
    if (after.sealed) {
        after.bucket++;
        after.bucket_bytes = 0;
    }
    after.bucket_bytes += (int64_t)block->size;
    after.total_bytes += (int64_t)block->size;
    after.sealed = after.bucket_bytes >= store->location.bucket_bytes;
    after.head = (trading_store_head){.next_position = last->first_position + last->event_count, .nonce = last->nonce};
    return after;
}

static int32_t make_block(struct cassandra *store, const struct place *place, const trading_store_commit *commits, size_t count,
                          struct block *block, trading_error *error)
{
    const trading_store_commit *last = &commits[count - 1];
    *block = (struct block){.before = *place, .first_position = commits[0].first_position};
    int32_t code = block_size(commits, count, &block->size, error);
    if (!code)
        code = draw_bytes(block->id, sizeof block->id, error);
    if (code)
        return code;
    if (place->sealed && place->bucket == INT32_MAX)
        return error_set(error, TRADING_E_NO_SPACE, "partition %" PRIu32 " has all the buckets that there are",
                         place->partition);
    block->bytes = memory_allocate(&store->memory, block->size);
    if (!block->bytes)
        return error_no_memory(error, "an append");
    block_pack(commits, count, block->bytes);
    block->event_count = last->first_position + last->event_count - block->first_position;
    block->inside = block->size <= (uint64_t)store->location.inline_bytes;
    block->after = place_after(store, block, last);
    return TRADING_OK;
}

/* ---- the transaction ---- */

/* Whether the bucket that the block goes to has none yet. */
static bool begins_bucket(const struct block *block)
{
    return block->before.sealed || block->first_position == 0;
}

/* Runs the transaction once. Returns a DRIVER_ code. */
static int32_t transact(struct cassandra *store, const struct block *block, bool *applied, struct driver_failure *failure)
{
    const struct place *after = &block->after;
    struct driver_value values[16] = {
        bind_int64(after->head.next_position), bind_bytes(&after->head.nonce, sizeof after->head.nonce),
        bind_boolean(after->sealed),           bind_int64(after->bucket_bytes),
        bind_int64(after->total_bytes),        bind_id(block->id),
        bind_int64(block->event_count),        bind_int64((int64_t)block->size),
    };
    uint64_t count = 8;
    if (block->inside)
        values[count++] = bind_bytes(block->bytes, block->size);
    values[count++] = bind_text(store->location.journal);
    values[count++] = bind_int64(after->partition);
    values[count++] = bind_int32(after->bucket);
    values[count++] = bind_int64(block->first_position);
    values[count++] = begins_bucket(block) ? bind_null() : bind_int64(block->first_position);
    values[count++] = begins_bucket(block) ? bind_null() : bind_boolean(false);
    struct driver_rows *rows;
    int32_t code = ask_driver(store, block->inside ? APPEND_INSIDE : APPEND_NAMED, &rows, failure, values, count);
    int32_t found = 0;
    if (!code)
        code = driver_next(rows, &found, failure);
    int64_t number = 0;
    *applied = found && driver_number(rows, 0, &number) && number;
    driver_rows_close(rows);
    return code;
}

enum owner { OURS, ANOTHERS, NOBODYS };

/* Whose block begins where ours does, at serial consistency: what was in the middle of being decided is decided then. */
static int32_t ask_whose(struct cassandra *store, const struct block *block, enum owner *owner, trading_error *error)
{
    struct driver_rows *rows;
    const void *id;
    uint64_t size;
    int32_t code = ask_row(store, BLOCK_WHOSE, &rows, "finding out whether an append was done", error,
                           BIND(bind_text(store->location.journal), bind_int64(block->after.partition),
                                bind_int32(block->after.bucket), bind_int64(block->first_position)));
    bool found = !code && rows && driver_bytes(rows, 0, &id, &size);
    *owner = !found ? NOBODYS : size == sizeof block->id && memcmp(id, block->id, size) == 0 ? OURS : ANOTHERS;
    driver_rows_close(rows);
    return code;
}

static int32_t error_of_position(const struct block *block, trading_error *error)
{
    return error_set(error, TRADING_E_POSITION,
                     "partition %" PRIu32 " does not stand at position %" PRId64 " any more: another writer appended there",
                     block->before.partition, block->first_position);
}

static void pause_between(int tries)
{
    int64_t milliseconds = 10 << (tries < 5 ? tries : 5);
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

/* Runs the transaction until it is known how it ended. It is safe to run it again: the condition can hold once only, and the block's
 * id tells whether it was this append that made it false. That no trace of a block is to be seen does not say that it failed: it may
 * still be on its way to a server that stood still; running it again does, because one of the two gets in and the other does not. */
static int32_t decide(struct cassandra *store, const struct block *block, trading_error *error)
{
    int64_t until = clock_now() + store->location.resolve_timeout_ms * 1000000;
    bool uncertain = false; /* one of the transactions may have been applied, or may yet be */
    for (int tries = 0;; tries++) {
        struct driver_failure failure = {0};
        bool applied = false;
        int32_t code = transact(store, block, &applied, &failure);
        if (!code && applied)
            return TRADING_OK;
        if (!code && !uncertain)
            return error_of_position(block, error);
        if (code && code != DRIVER_UNCERTAIN && code != DRIVER_BROKEN && !uncertain)
            return error_of_driver(&failure, "appending", error);
        uncertain = true;
        enum owner owner;
        int32_t asked = ask_whose(store, block, &owner, error);
        if (asked == TRADING_E_FORKED)
            return asked;
        if (!asked && owner == OURS)
            return TRADING_OK;
        if (!asked && (owner == ANOTHERS || !code))
            return error_of_position(block, error);
        if (clock_now() > until)
            return error_native(error, TRADING_E_OUTCOME_UNKNOWN, failure.code,
                                "the servers do not say whether the append at position %" PRId64 " of partition %" PRIu32
                                " was done: %s",
                                block->first_position, block->before.partition, failure.message);
        pause_between(tries);
    }
}

/* ---- appending ---- */

/* Where to append. What is remembered will do when the append begins there: if it is out of date, the transaction fails. */
static int32_t find_place(struct cassandra *store, uint32_t partition, int64_t first_position, struct place *place,
                          trading_error *error)
{
    if (journal_known(store, partition, place) && place->sure && place->head.next_position == first_position)
        return TRADING_OK;
    return journal_locate(store, partition, place, error);
}

/* Lists a partition before its first commit, so that every one with commits is listed. */
static int32_t list_partition(struct cassandra *store, const struct place *place, trading_error *error)
{
    if (place->head.next_position > 0)
        return TRADING_OK;
    return ask(store, PARTITION_ADD, NULL, "listing a partition", error,
               BIND(bind_text(store->location.journal), bind_int64(place->partition)));
}

static int32_t append_block(struct cassandra *store, const struct block *block, trading_error *error)
{
    int32_t code = block->inside ? TRADING_OK : pieces_put(store, block->id, block->bytes, block->size, error);
    if (code)
        return code; /* nothing was appended: what was written is named by nobody */
    code = decide(store, block, error);
    if (code == TRADING_E_POSITION && !block->inside)
        pieces_drop(store, block->id, NULL);
    if (code)
        journal_doubt(store, block->before.partition);
    else
        journal_note(store, &block->after);
    return code;
}

/* For an append that comes to the wrong place: where the right one is. */
static int32_t tell_place(struct cassandra *store, uint32_t partition, trading_store_head *head)
{
    struct place place;
    if (!head || journal_locate(store, partition, &place, NULL))
        return TRADING_E_POSITION;
    *head = place.head;
    return TRADING_E_POSITION;
}

int32_t journal_append(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error)
{
    struct place place;
    int32_t code = find_place(store, partition, commits[0].first_position, &place, error);
    if (code)
        return code;
    if (head)
        *head = place.head;
    if (place.head.next_position != commits[0].first_position)
        return error_set(error, TRADING_E_POSITION,
                         "partition %" PRIu32 " stands at position %" PRId64 ", the append begins at %" PRId64, partition,
                         place.head.next_position, commits[0].first_position);
    struct block block;
    code = make_block(store, &place, commits, count, &block, error);
    if (!code)
        code = list_partition(store, &place, error);
    if (!code)
        code = append_block(store, &block, error);
    memory_release(&store->memory, block.bytes, block.size);
    if (code == TRADING_E_POSITION)
        return tell_place(store, partition, head);
    if (!code && head)
        *head = block.after.head;
    return code;
}
