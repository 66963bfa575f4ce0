/* Snapshots. Chunks are written as pieces; then one row says that the snapshot is there. Until then a draft says what there is to
 * remove, should its writer end. A draft belongs to its writer as long as the row is there, which only lightweight transactions
 * add and delete: a writer that was taken for dead and comes back finds its draft gone, and removes no other's. */
#include "backends/cassandra/keeping.h"
#include "backends/cassandra/pieces.h"
#include "base/error.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#define SNAPSHOT_ID_BYTES 12u /* a chunk's has its number behind it, highest byte first */

struct draft {
    struct draft *next;
    uint32_t partition;
    int64_t position;
    uint8_t id[SNAPSHOT_ID_BYTES];
    uint64_t *sizes; /* of each chunk, lowest byte first */
    size_t count;
    size_t capacity;
};

static const char writing[] = "writing a snapshot";
static const char reading[] = "reading a snapshot";
static const char removing[] = "removing a snapshot";

#define OF_PARTITION(store, partition) bind_text((store)->location.journal), bind_int64(partition)

static void chunk_id(const uint8_t id[SNAPSHOT_ID_BYTES], uint32_t chunk, uint8_t out[BLOCK_ID_BYTES])
{
    uint32_t number = htobe32(chunk);
    memcpy(out, id, SNAPSHOT_ID_BYTES);
    memcpy(out + SNAPSHOT_ID_BYTES, &number, sizeof number);
}

static int32_t drop_chunks(struct cassandra *store, const uint8_t id[SNAPSHOT_ID_BYTES], uint64_t count, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint64_t i = 0; i < count && !code; i++) {
        uint8_t pieces[BLOCK_ID_BYTES];
        chunk_id(id, (uint32_t)i, pieces);
        code = pieces_drop(store, pieces, error);
    }
    return code;
}

/* ---- drafts ---- */

/* Takes the partition's draft out of the list; NULL when it has none. */
static struct draft *take_draft(struct cassandra *store, uint32_t partition)
{
    pthread_mutex_lock(&store->lock);
    struct draft **link = &store->drafts;
    while (*link && (*link)->partition != partition)
        link = &(*link)->next;
    struct draft *draft = *link;
    if (draft)
        *link = draft->next;
    pthread_mutex_unlock(&store->lock);
    return draft;
}

static void keep_draft(struct cassandra *store, struct draft *draft)
{
    pthread_mutex_lock(&store->lock);
    draft->next = store->drafts;
    store->drafts = draft;
    pthread_mutex_unlock(&store->lock);
}

static void free_draft(struct cassandra *store, struct draft *draft)
{
    if (!draft)
        return;
    memory_release(&store->memory, draft->sizes, draft->capacity * sizeof *draft->sizes);
    memory_release(&store->memory, draft, sizeof *draft);
}

void snapshot_forget(struct cassandra *store)
{
    for (struct draft *next, *at = store->drafts; at; at = next) {
        next = at->next;
        free_draft(store, at);
    }
    store->drafts = NULL;
}

/* Removes one draft that was left, and its pieces, unless another is faster. */
static int32_t sweep_draft(struct cassandra *store, uint32_t partition, const void *id, int64_t chunks, trading_error *error)
{
    bool ours;
    int32_t code = ask_applied(store, DRAFT_END, &ours, removing, error,
                               BIND(OF_PARTITION(store, partition), bind_bytes(id, SNAPSHOT_ID_BYTES)));
    return code || !ours ? code : drop_chunks(store, id, (uint64_t)chunks, error);
}

static int32_t sweep_drafts(struct cassandra *store, uint32_t partition, trading_error *error)
{
    struct driver_rows *rows;
    int32_t code = ask(store, DRAFT_LIST, &rows, removing, error, BIND(OF_PARTITION(store, partition)));
    bool found = !code;
    while (!code && found) {
        const void *id;
        uint64_t size;
        int64_t chunks;
        code = next_row(rows, &found, removing, error);
        if (!code && found && driver_bytes(rows, 0, &id, &size) && size == SNAPSHOT_ID_BYTES && driver_number(rows, 1, &chunks))
            code = sweep_draft(store, partition, id, chunks, error);
    }
    driver_rows_close(rows);
    return code;
}

static int32_t begin_draft(struct cassandra *store, uint32_t partition, int64_t position, struct draft **out,
                           trading_error *error)
{
    free_draft(store, take_draft(store, partition));
    int32_t code = sweep_drafts(store, partition, error);
    if (code)
        return code;
    struct draft *draft = memory_zeroed(&store->memory, 1, sizeof *draft);
    if (!draft)
        return error_no_memory(error, "a snapshot");
    draft->partition = partition;
    draft->position = position;
    bool applied;
    code = draw_bytes(draft->id, sizeof draft->id, error);
    if (!code)
        code = ask_applied(store, DRAFT_ADD, &applied, writing, error,
                           BIND(OF_PARTITION(store, partition), bind_bytes(draft->id, sizeof draft->id), bind_int32(1)));
    if (code)
        free_draft(store, draft);
    else
        *out = draft;
    return code;
}

static int32_t error_of_order(uint32_t partition, int64_t position, uint32_t chunk, trading_error *error)
{
    return error_set(error, TRADING_E_INVALID,
                     "chunk %" PRIu32 " of the snapshot at position %" PRId64 " of partition %" PRIu32
                     " is not the next one to write; chunks come in order, from 0",
                     chunk, position, partition);
}

static int32_t error_of_sweeper(const struct draft *draft, trading_error *error)
{
    return error_set(error, TRADING_E_INVALID,
                     "another writer began a snapshot of partition %" PRIu32 " and removed the one at position %" PRId64,
                     draft->partition, draft->position);
}

/* The draft that the chunk continues. */
static int32_t continue_draft(struct cassandra *store, uint32_t partition, int64_t position, uint32_t chunk, struct draft **out,
                              trading_error *error)
{
    struct draft *draft = take_draft(store, partition);
    if (!draft || draft->position != position || draft->count != chunk) {
        if (draft)
            keep_draft(store, draft);
        return error_of_order(partition, position, chunk, error);
    }
    bool applied;
    int32_t code = ask_applied(
        store, DRAFT_GROW, &applied, writing, error,
        BIND(bind_int32((int64_t)chunk + 1), OF_PARTITION(store, partition), bind_bytes(draft->id, sizeof draft->id)));
    if (!code && !applied)
        code = error_of_sweeper(draft, error);
    if (code)
        free_draft(store, draft);
    else
        *out = draft;
    return code;
}

/* ---- whole snapshots ---- */

/* The snapshot at a position; `count` is 0 when there is none. The row stays until it is closed. */
static int32_t read_snapshot(struct cassandra *store, uint32_t partition, int64_t position, struct driver_rows **rows,
                             const uint8_t **id, const uint8_t **sizes, uint64_t *count, trading_error *error)
{
    int32_t code =
        ask_row(store, SNAPSHOT_READ, rows, reading, error, BIND(OF_PARTITION(store, partition), bind_int64(position)));
    const void *id_bytes;
    const void *size_bytes;
    uint64_t id_size;
    uint64_t size = 0;
    bool whole = *rows && driver_bytes(*rows, 0, &id_bytes, &id_size) && id_size == SNAPSHOT_ID_BYTES &&
                 driver_bytes(*rows, 1, &size_bytes, &size);
    *id = whole ? id_bytes : NULL;
    *sizes = whole ? size_bytes : NULL;
    *count = whole ? size / sizeof(uint64_t) : 0;
    return code;
}

/* Names the draft as the partition's snapshot at its position, in place of another that may be there. */
static int32_t publish(struct cassandra *store, const struct draft *draft, bool *applied, trading_error *error)
{
    struct driver_rows *rows;
    const uint8_t *old;
    const uint8_t *sizes;
    uint64_t count;
    int32_t code = read_snapshot(store, draft->partition, draft->position, &rows, &old, &sizes, &count, error);
    struct driver_value id = bind_bytes(draft->id, sizeof draft->id);
    struct driver_value size = bind_bytes(draft->sizes, draft->count * sizeof *draft->sizes);
    struct driver_value position = bind_int64(draft->position);
    if (!code && !old)
        code = ask_applied(store, SNAPSHOT_ADD, applied, writing, error,
                           BIND(OF_PARTITION(store, draft->partition), position, id, size));
    else if (!code)
        code = ask_applied(store, SNAPSHOT_REPLACE, applied, writing, error,
                           BIND(id, size, OF_PARTITION(store, draft->partition), position, bind_bytes(old, SNAPSHOT_ID_BYTES)));
    if (!code && *applied && old)
        code = drop_chunks(store, old, count, error);
    driver_rows_close(rows);
    return code;
}

static int32_t finish_draft(struct cassandra *store, const struct draft *draft, trading_error *error)
{
    bool applied;
    int32_t code = ask_applied(store, DRAFT_END, &applied, writing, error,
                               BIND(OF_PARTITION(store, draft->partition), bind_bytes(draft->id, sizeof draft->id)));
    if (!code && !applied)
        code = error_of_sweeper(draft, error);
    for (applied = false; !code && !applied;)
        code = publish(store, draft, &applied, error);
    return code;
}

static int32_t put_chunk(struct cassandra *store, struct draft *draft, const void *data, uint64_t size, trading_error *error)
{
    uint8_t pieces[BLOCK_ID_BYTES];
    if (memory_grow(&store->memory, (void **)&draft->sizes, &draft->capacity, draft->count + 1, sizeof *draft->sizes))
        return error_no_memory(error, "a snapshot's chunk");
    chunk_id(draft->id, (uint32_t)draft->count, pieces);
    int32_t code = pieces_put(store, pieces, data, size, error);
    if (!code)
        draft->sizes[draft->count++] = htole64(size);
    return code;
}

int32_t snapshot_put(struct cassandra *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                     uint64_t size, bool last, trading_error *error)
{
    struct draft *draft = NULL;
    int32_t code = chunk == 0 ? begin_draft(store, partition, position, &draft, error)
                              : continue_draft(store, partition, position, chunk, &draft, error);
    if (code || !draft)
        return code;
    code = put_chunk(store, draft, data, size, error);
    if (!code && last)
        code = finish_draft(store, draft, error);
    if (code || last)
        free_draft(store, draft);
    else
        keep_draft(store, draft);
    return code;
}

int32_t snapshot_find(struct cassandra *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                      trading_error *error)
{
    struct driver_rows *rows;
    const void *sizes;
    uint64_t size;
    int32_t code =
        ask_row(store, SNAPSHOT_FIND, &rows, reading, error, BIND(OF_PARTITION(store, partition), bind_int64(at_most)));
    bool found = !code && rows && driver_number(rows, 0, position) && driver_bytes(rows, 1, &sizes, &size);
    if (found)
        *chunks = (uint32_t)(size / sizeof(uint64_t));
    driver_rows_close(rows);
    if (code || found)
        return code;
    return error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " has no snapshot at or before position %" PRId64,
                     partition, at_most);
}

static int32_t get_chunk(struct cassandra *store, const uint8_t *id, uint32_t chunk, uint64_t size, trading_store_bytes take,
                         void *arg, trading_error *error)
{
    uint8_t pieces[BLOCK_ID_BYTES];
    chunk_id(id, chunk, pieces);
    void *bytes = size ? memory_allocate(&store->memory, size) : NULL;
    if (size && !bytes)
        return error_no_memory(error, "a snapshot's chunk");
    int32_t code = pieces_get(store, pieces, bytes, size, error);
    if (!code)
        take(arg, bytes, size);
    memory_release(&store->memory, bytes, size);
    return code;
}

int32_t snapshot_get(struct cassandra *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                     void *arg, trading_error *error)
{
    struct driver_rows *rows;
    const uint8_t *id;
    const uint8_t *sizes;
    uint64_t count;
    int32_t code = read_snapshot(store, partition, position, &rows, &id, &sizes, &count, error);
    bool found = !code && chunk < count;
    if (found) {
        uint64_t size;
        memcpy(&size, sizes + (size_t)chunk * sizeof size, sizeof size);
        code = get_chunk(store, id, chunk, le64toh(size), take, arg, error);
    }
    driver_rows_close(rows);
    if (code || found)
        return code;
    return error_set(error, TRADING_E_NOT_FOUND,
                     "partition %" PRIu32 " has no chunk %" PRIu32 " of a snapshot at position %" PRId64, partition, chunk,
                     position);
}

int32_t snapshot_drop(struct cassandra *store, uint32_t partition, int64_t position, trading_error *error)
{
    struct driver_rows *rows;
    const uint8_t *id;
    const uint8_t *sizes;
    uint64_t count;
    bool applied = false;
    int32_t code = read_snapshot(store, partition, position, &rows, &id, &sizes, &count, error);
    if (!code && id)
        code = ask_applied(store, SNAPSHOT_DROP, &applied, removing, error,
                           BIND(OF_PARTITION(store, partition), bind_int64(position), bind_bytes(id, SNAPSHOT_ID_BYTES)));
    if (!code && applied)
        code = drop_chunks(store, id, count, error);
    driver_rows_close(rows);
    return code;
}
