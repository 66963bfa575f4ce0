/* Reading the journal: from a position on, and where a partition ends. Pages are read from the file, not through LMDB, which trusts them. */
#include "backends/lmdb/journal.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

#define PARTITION_BYTES 4u /* of a key */

/* A leaf of the tree, copied, and the search that found it. What it refers to may be read at leisure: commits are never freed. */
struct leaf {
    const struct page_file *file;
    uint8_t key[JOURNAL_KEY_BYTES]; /* what is sought */
    struct page_place place;
    struct page_snapshot snapshot;
    uint8_t *value; /* a value's overflow pages from the first one's header on */
    size_t value_capacity;
};

static int32_t leaf_open(struct leaf *leaf, const struct page_file *file, trading_error *error)
{
    *leaf = (struct leaf){.file = file};
    leaf->place.page = memory_allocate(file->memory, file->page_bytes);
    leaf->place.parent = memory_allocate(file->memory, file->page_bytes);
    return leaf->place.page && leaf->place.parent ? TRADING_OK : error_no_memory(error, "reading the journal");
}

static void leaf_close(struct leaf *leaf)
{
    memory_release(leaf->file->memory, leaf->place.page, leaf->file->page_bytes);
    memory_release(leaf->file->memory, leaf->place.parent, leaf->file->page_bytes);
    memory_release(leaf->file->memory, leaf->value, leaf->value_capacity);
}

static int32_t seek_leaf(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    struct leaf *leaf = arg;
    leaf->snapshot = *snapshot;
    return page_seek(leaf->file, snapshot, leaf->key, sizeof leaf->key, &leaf->place, error);
}

/* Finds the leaf with the last commit at or before the position. */
static int32_t leaf_find(struct leaf *leaf, uint32_t partition, int64_t position, trading_error *error)
{
    journal_key(partition, position, leaf->key);
    return page_settle(leaf->file, seek_leaf, leaf, error);
}

static uint64_t leaf_number(const struct leaf *leaf)
{
    struct page_header header;
    memcpy(&header, leaf->place.page, sizeof header);
    return header.number;
}

/* Room for a value's first bytes; the contents need not be kept. */
static int32_t value_room(struct leaf *leaf, size_t bytes, trading_error *error)
{
    if (bytes <= leaf->value_capacity)
        return TRADING_OK;
    size_t capacity = leaf->value_capacity ? leaf->value_capacity : 4096;
    while (capacity < bytes)
        capacity *= 2;
    memory_release(leaf->file->memory, leaf->value, leaf->value_capacity);
    leaf->value = memory_allocate(leaf->file->memory, capacity);
    leaf->value_capacity = leaf->value ? capacity : 0;
    return leaf->value ? TRADING_OK : error_no_memory(error, "a commit");
}

/* Decodes an entry. with_data: the commit's bytes too; else `data` is not set. NOT_FOUND: the entry is of no commit but of the
 * file's own record. */
static int32_t leaf_record(struct leaf *leaf, uint32_t index, bool with_data, struct journal_record *record,
                           trading_error *error)
{
    const struct page_file *file = leaf->file;
    struct page_entry entry;
    page_entry_at(leaf->place.page, index, &entry);
    if (entry.key_size == KIND_KEY_BYTES)
        return TRADING_E_NOT_FOUND;
    const uint8_t *value = entry.value;
    if (!value) {
        uint64_t wanted = with_data || entry.value_size < JOURNAL_HEAD_BYTES ? entry.value_size : JOURNAL_HEAD_BYTES;
        int32_t code = value_room(leaf, PAGE_HEADER_BYTES + wanted, error);
        if (!code)
            code = page_overflow(file, &entry, wanted, leaf->value, error);
        if (code)
            return code;
        value = leaf->value + PAGE_HEADER_BYTES;
    }
    const char *wrong = journal_decode(entry.key, entry.key_size, value, entry.value_size, record);
    if (wrong)
        return page_damaged(file, entry.value ? leaf_number(leaf) : entry.overflow, error, "%s", wrong);
    record->commit.data = with_data ? value + record->head_bytes : NULL;
    return TRADING_OK;
}

/* ---- heads ---- */

int32_t journal_last_partition(const struct page_file *file, uint32_t *partition, trading_store_head *head,
                               trading_error *error)
{
    struct leaf leaf;
    int32_t code = leaf_open(&leaf, file, error);
    if (!code)
        code = leaf_find(&leaf, *partition, INT64_MAX, error);
    if (!code && leaf.place.index < 0)
        code = TRADING_E_NOT_FOUND;
    struct journal_record record;
    if (!code)
        code = leaf_record(&leaf, (uint32_t)leaf.place.index, false, &record, error);
    if (!code) {
        const trading_store_commit *last = &record.commit;
        *partition = record.partition;
        *head = (trading_store_head){.next_position = last->first_position + last->event_count, .nonce = last->nonce};
    }
    leaf_close(&leaf);
    return code;
}

int32_t journal_end(const struct page_file *file, uint32_t partition, trading_store_head *head, trading_error *error)
{
    uint32_t found = partition;
    int32_t code = journal_last_partition(file, &found, head, error);
    if (code == TRADING_E_NOT_FOUND || (!code && found != partition)) {
        *head = (trading_store_head){0};
        code = error_clear(error);
    }
    return code;
}

/* ---- reading ---- */

struct reading {
    struct leaf leaf;
    uint32_t partition;
    int64_t next; /* where the next commit begins; while `from` is not found yet, the position sought */
    bool found;
    bool stopped;
    bool ended;
    journal_visit visit;
    void *arg;
};

/* Whether the leaves after this one have commits of the partition. */
static bool more_follows(const struct reading *reading)
{
    const struct page_place *place = &reading->leaf.place;
    uint8_t beyond[JOURNAL_KEY_BYTES];
    journal_key(reading->partition, INT64_MAX, beyond);
    return place->bound_size && key_compare(place->bound, place->bound_size, beyond, sizeof beyond) <= 0;
}

static int32_t gap(const struct reading *reading, trading_error *error)
{
    return page_damaged(reading->leaf.file, leaf_number(&reading->leaf), error,
                        "partition %" PRIu32 " has no commit at position %" PRId64 ", but later ones", reading->partition,
                        reading->next);
}

/* Whether an entry lies before the partition's (negative), is one of them (0), or lies behind. Its value is not looked at: another
 * partition's damage is not this one's. */
static int compare_partition(const struct reading *reading, uint32_t index)
{
    struct page_entry entry;
    page_entry_at(reading->leaf.place.page, index, &entry);
    uint8_t first[JOURNAL_KEY_BYTES];
    journal_key(reading->partition, 0, first);
    uint32_t size = entry.key_size < PARTITION_BYTES ? entry.key_size : PARTITION_BYTES;
    return key_compare(entry.key, size, first, PARTITION_BYTES);
}

/* Visits one entry of the leaf, if it is the partition's and not before what is sought. */
static int32_t read_entry(struct reading *reading, uint32_t index, trading_error *error)
{
    int order = compare_partition(reading, index);
    if (order) {
        reading->ended = order > 0;
        return TRADING_OK;
    }
    struct journal_record record;
    int32_t code = leaf_record(&reading->leaf, index, true, &record, error);
    if (code)
        return code;
    const trading_store_commit *commit = &record.commit;
    int64_t end = commit->first_position + commit->event_count;
    if (end <= reading->next) {
        reading->found = reading->found || end == reading->next;
        return TRADING_OK;
    }
    if (reading->found ? commit->first_position != reading->next : commit->first_position > reading->next)
        return gap(reading, error);
    reading->found = true;
    reading->next = end;
    reading->stopped = reading->visit(reading->arg, &record) != 0;
    return TRADING_OK;
}

/* Reads the leaf with the next commit from that commit on. Behind a leaf that was read to its end that is the next leaf, as long as
 * the tree is the same. */
static int32_t read_leaf(struct reading *reading, trading_error *error)
{
    struct leaf *leaf = &reading->leaf;
    const struct page_place *place = &leaf->place;
    int32_t code = TRADING_OK;
    if (!reading->found || !page_advance(leaf->file, &leaf->snapshot, &leaf->place))
        code = leaf_find(leaf, reading->partition, reading->next, error);
    int64_t before = reading->next;
    uint32_t first = place->index < 0 ? 0 : (uint32_t)place->index;
    for (uint32_t i = first; i < place->count && !code && !reading->stopped && !reading->ended; i++)
        code = read_entry(reading, i, error);
    if (code || reading->stopped || reading->ended)
        return code;
    if (!more_follows(reading))
        reading->ended = true;
    else if (reading->next == before)
        return gap(reading, error);
    return TRADING_OK;
}

int32_t journal_read_records(const struct page_file *file, uint32_t partition, int64_t from, journal_visit visit, void *arg,
                             trading_error *error)
{
    struct reading reading = {.partition = partition, .next = from, .visit = visit, .arg = arg};
    int32_t code = leaf_open(&reading.leaf, file, error);
    while (!code && !reading.stopped && !reading.ended)
        code = read_leaf(&reading, error);
    leaf_close(&reading.leaf);
    if (!code && !reading.found && from > 0)
        code = error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " ends before position %" PRId64, partition, from);
    return code;
}
