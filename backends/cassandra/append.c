/* Appending: the transaction of journal.h, and finding out how it ended. */
#include "backends/cassandra/journal.h"
#include "backends/cassandra/pieces.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* ---- making ---- */

int32_t journal_prepare(struct cassandra *store, const trading_store_commit *commits, size_t count, struct block *block,
                        trading_error *error)
{
    const trading_store_commit *last = &commits[count - 1];
    *block = (struct block){.first_position = commits[0].first_position,
                            .event_count = last->first_position + last->event_count - commits[0].first_position,
                            .nonce = last->nonce};
    int32_t code = block_size(commits, count, &block->size, error);
    if (!code)
        code = draw_bytes(block->id, sizeof block->id, error);
    if (code)
        return code;
    block->bytes = memory_allocate(&store->memory, block->size);
    if (!block->bytes)
        return error_no_memory(error, "an append");
    block_pack(commits, count, block->bytes);
    block->inside = block->size <= (uint64_t)store->location.inline_bytes;
    if (block->inside)
        return TRADING_OK;
    code = pieces_put(store, block->id, block->bytes, block->size, error);
    if (code)
        journal_release(store, block); /* nothing was appended: what was written is named by nobody */
    return code;
}

void journal_release(struct cassandra *store, struct block *block)
{
    memory_release(&store->memory, block->bytes, block->size);
    block->bytes = NULL;
}

void journal_abandon(struct cassandra *store, struct block *block)
{
    if (block->bytes && !block->inside)
        pieces_drop(store, block->id, NULL);
    journal_release(store, block);
}

/* Where the partition stands behind the block. */
static struct place place_after(const struct cassandra *store, const struct block *block)
{
    struct place after = block->before;
    if (after.sealed) {
        after.bucket++;
        after.bucket_bytes = 0;
    }
    after.bucket_bytes += (int64_t)block->size;
    after.total_bytes += (int64_t)block->size;
    after.sealed = after.bucket_bytes >= store->location.bucket_bytes;
    after.head = (trading_store_head){.next_position = block->first_position + block->event_count, .nonce = block->nonce};
    return after;
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

/* Runs the transaction until it is known how it ended. It is safe to run it again: the condition can hold once only, and the block's
 * id tells whether it was this append that made it false. That no trace of a block is to be seen does not say that it failed: it may
 * still be on its way to a server that stood still; running it again does, because one of the two gets in and the other does not. */
static int32_t decide(struct cassandra *store, struct block *block, trading_error *error)
{
    struct patience patience = patience_begin(store);
    for (;;) {
        struct driver_failure failure = {0};
        bool applied = false;
        int32_t code = transact(store, block, &applied, &failure);
        if (!code && applied)
            return TRADING_OK;
        if (!code && !block->uncertain)
            return error_of_position(block, error);
        if (code && code != DRIVER_UNCERTAIN && code != DRIVER_BROKEN && !block->uncertain)
            return error_of_driver(&failure, "appending", error);
        block->uncertain = true;
        enum owner owner;
        int32_t asked = ask_whose(store, block, &owner, error);
        if (asked == TRADING_E_FORKED)
            return asked;
        if (!asked && owner == OURS)
            return TRADING_OK;
        if (!asked && (owner == ANOTHERS || !code))
            return error_of_position(block, error);
        if (!patience_left(&patience))
            return error_native(error, TRADING_E_OUTCOME_UNKNOWN, failure.code,
                                "the servers do not say whether the append at position %" PRId64 " of partition %" PRIu32
                                " was done: %s",
                                block->first_position, block->before.partition, failure.message);
    }
}

/* ---- appending ---- */

/* Where to append. What is remembered will do when the append begins there: if it is out of date, the transaction fails. */
static int32_t find_place(struct cassandra *store, uint32_t partition, int64_t first_position, struct place *place,
                          trading_error *error)
{
    if (journal_known(store, partition, place) && place->sure && place->head.next_position == first_position)
        return TRADING_OK;
    return journal_locate(store, partition, 0, place, error);
}

/* Lists a partition before its first commit, so that every one with commits is listed. */
static int32_t list_partition(struct cassandra *store, const struct place *place, trading_error *error)
{
    if (place->head.next_position > 0)
        return TRADING_OK;
    return ask(store, PARTITION_ADD, NULL, "listing a partition", error,
               BIND(bind_text(store->location.journal), bind_int64(place->partition)));
}

static int32_t error_of_place(const struct place *place, int64_t first_position, trading_error *error)
{
    return error_set(error, TRADING_E_POSITION,
                     "partition %" PRIu32 " stands at position %" PRId64 ", the append begins at %" PRId64, place->partition,
                     place->head.next_position, first_position);
}

/* Puts the block where the partition was found to stand. */
static int32_t append_at(struct cassandra *store, struct block *block, const struct place *place, trading_error *error)
{
    if (place->head.next_position != block->first_position)
        return error_of_place(place, block->first_position, error);
    if (place->sealed && place->bucket == INT32_MAX)
        return error_set(error, TRADING_E_NO_SPACE, "partition %" PRIu32 " has all the buckets that there are",
                         place->partition);
    block->before = *place;
    block->after = place_after(store, block);
    int32_t code = list_partition(store, place, error);
    if (code)
        return code;
    code = decide(store, block, error);
    if (block->uncertain)
        journal_doubt(store, place->partition);
    if (!code)
        journal_note(store, &block->after);
    return code;
}

/* Where the partition stands when it is not where the block begins. */
static int32_t tell_place(struct cassandra *store, const struct block *block, struct place *place, trading_error *error)
{
    trading_error failure;
    uint32_t partition = place->partition;
    int64_t beyond = place->head.next_position == block->first_position ? block->first_position + 1 : 0;
    int32_t code = journal_locate(store, partition, beyond, place, &failure);
    if (code && error)
        *error = failure;
    return code ? code : TRADING_E_POSITION;
}

int32_t journal_commit(struct cassandra *store, uint32_t partition, struct block *block, trading_store_head *head,
                       trading_error *error)
{
    struct place place;
    int32_t code = find_place(store, partition, block->first_position, &place, error);
    if (!code)
        code = append_at(store, block, &place, error);
    if (code == TRADING_E_POSITION && head) /* which is to tell where the partition stands, or it is another failure */
        code = tell_place(store, block, &place, error);
    if (head && (code == TRADING_OK || code == TRADING_E_POSITION))
        *head = code ? place.head : block->after.head;
    if (code && code != TRADING_E_OUTCOME_UNKNOWN && code != TRADING_E_FORKED)
        journal_abandon(store, block); /* it was not appended, and never will be */
    journal_release(store, block);
    return code;
}

int32_t journal_append(struct cassandra *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                       trading_store_head *head, trading_error *error)
{
    struct block block;
    struct place place;
    int32_t code = find_place(store, partition, commits[0].first_position, &place, error);
    if (!code && place.head.next_position != commits[0].first_position) { /* before anything is written */
        if (head)
            *head = place.head;
        return error_of_place(&place, commits[0].first_position, error);
    }
    if (!code)
        code = journal_prepare(store, commits, count, &block, error);
    return code ? code : journal_commit(store, partition, &block, head, error);
}
