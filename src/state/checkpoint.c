#include "state/checkpoint.h"

#include "base/error.h"
#include "state/page_log.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t shape_key[] = {STATE_META, 'c'};
static const uint8_t log_key[] = {STATE_META, 'l'};

/* Under log_key, while a log is to be applied. */
struct pending {
    uint64_t generation;
    uint64_t pages;
    uint64_t sum;
};

static uint64_t pending_sum(const struct pending *pending)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "a pending log";
    uint64_t sum;
    crypto_shorthash((unsigned char *)&sum, (const unsigned char *)pending, offsetof(struct pending, sum), key);
    return sum;
}

/* ---- giving up ---- */

static int32_t change(const struct state_store *store, int32_t (*make)(const struct state_store *, void *, trading_error *),
                      trading_error *error)
{
    void *write;
    int32_t code = store->ops->begin(store->store, &write, error);
    if (code)
        return code;
    code = make(store, write, error);
    if (code)
        store->ops->abort(write);
    return code ? code : store->ops->commit(write, true, error);
}

static int32_t remove_log(const struct state_store *store, void *write, trading_error *error)
{
    return store->ops->remove(write, log_key, sizeof log_key, error);
}

static int32_t remove_all(const struct state_store *store, void *write, trading_error *error)
{
    uint8_t pages = STATE_PAGES; /* of the layout before state files */
    int32_t code = store->ops->remove(write, shape_key, sizeof shape_key, error);
    if (!code)
        code = store->ops->remove_all(write, &pages, sizeof pages, error);
    return code ? code : remove_log(store, write, error);
}

int32_t checkpoint_forget(const struct state_store *store, trading_error *error)
{
    return change(store, remove_all, error);
}

int32_t checkpoint_clear(const struct state_store *store, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t file = 0; !code && file < STATE_FILES; file++)
        code = store->ops->file_cut(store->store, file, 0, error);
    return code;
}

/* ---- the log that is pending ---- */

struct value {
    uint8_t bytes[SHAPE_BYTES];
    size_t size; /* the true one, though it may not all be here */
};

static void take_value(void *arg, const void *bytes, size_t size)
{
    struct value *value = arg;
    value->size = size;
    memcpy(value->bytes, bytes, size < sizeof value->bytes ? size : sizeof value->bytes);
}

/* Absent: size 0. */
static int32_t get_value(const struct state_store *store, const uint8_t *key, size_t key_size, struct value *value,
                         trading_error *error)
{
    value->size = 0;
    int32_t code = store->ops->get(store->store, NULL, key, key_size, take_value, value, error);
    return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}

/* None: pages 0. */
static int32_t read_pending(const struct value *value, struct pending *pending, trading_error *error)
{
    *pending = (struct pending){0, 0, 0};
    if (!value->size)
        return TRADING_OK;
    memcpy(pending, value->bytes, sizeof *pending);
    if (value->size != sizeof *pending || pending->sum != pending_sum(pending))
        return error_set(error, TRADING_E_DAMAGED, "what the checkpoint says of its log does not match its checksum");
    return TRADING_OK;
}

/* Applies the log that the store names, if any. */
static int32_t settle(const struct state_store *store, unsigned char *group, trading_error *error)
{
    struct value value;
    struct pending pending;
    int32_t code = get_value(store, log_key, sizeof log_key, &value, error);
    if (!code)
        code = read_pending(&value, &pending, error);
    if (code || !value.size)
        return code;
    code = page_log_apply(store, le64toh(pending.generation), le64toh(pending.pages), group, error);
    return code ? code : change(store, remove_log, error);
}

int32_t checkpoint_settle(struct tables *tables, const struct state_store *store, struct memory *memory, trading_error *error)
{
    unsigned char *group = memory_allocate(memory, PAGE_LOG_BYTES);
    if (!group)
        return error_no_memory(error, "writing a checkpoint");
    int32_t code = settle(store, group, error);
    memory_release(memory, group, PAGE_LOG_BYTES);
    if (!code)
        tables_settled(tables, store);
    return code;
}

/* ---- writing ---- */

static int32_t put_shape(struct tables *tables, struct pin *pin, uint64_t generation, const void *meta, size_t meta_size,
                         const struct state_store *store, void *write, trading_error *error)
{
    uint8_t bytes[SHAPE_BYTES];
    uint8_t all[SHAPE_META_BYTES];
    uint64_t stored = htole64(generation);
    memcpy(all, &stored, sizeof stored);
    if (meta_size)
        memcpy(all + sizeof stored, meta, meta_size);
    size_t size = shape_write(tables, pin, CHECKPOINT_FORMAT, all, sizeof stored + meta_size, bytes);
    return store->ops->put(write, shape_key, sizeof shape_key, bytes, size, error);
}

static int32_t put_pending(const struct page_log *log, const struct state_store *store, void *write, trading_error *error)
{
    if (!log->generation || !log->pages)
        return remove_log(store, write, error);
    struct pending pending = {.generation = htole64(log->generation), .pages = htole64(log->pages)};
    pending.sum = pending_sum(&pending);
    return store->ops->put(write, log_key, sizeof log_key, &pending, sizeof pending, error);
}

static int32_t write_pages(struct tables *tables, struct pin *pin, bool all, struct page_log *log, trading_error *error)
{
    int32_t code = all ? checkpoint_forget(log->store, error) : settle(log->store, log->group, error);
    if (!code && all && !tables_are_backed(tables))
        code = checkpoint_clear(log->store, error);
    if (!code)
        code = tables_pages(tables, pin, all, page_log_take, log, error);
    return code ? code : page_log_finish(log, error);
}

int32_t checkpoint_write(struct tables *tables, struct pin *pin, bool all, const struct state_store *store,
                         struct memory *memory, const void *meta, size_t meta_size, trading_error *error)
{
    if (meta_size > CHECKPOINT_META_BYTES)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a checkpoint takes", meta_size,
                         CHECKPOINT_META_BYTES);
    uint64_t generation = tables_generation(tables) + 1;
    struct page_log log = {.store = store, .generation = all ? 0 : generation};
    log.group = memory_allocate(memory, PAGE_LOG_BYTES);
    if (!log.group)
        return error_no_memory(error, "writing a checkpoint");
    int32_t code = write_pages(tables, pin, all, &log, error);
    memory_release(memory, log.group, PAGE_LOG_BYTES);
    void *write;
    if (!code)
        code = store->ops->begin(store->store, &write, error);
    if (code)
        return code;
    code = put_shape(tables, pin, generation, meta, meta_size, store, write, error);
    if (!code)
        code = put_pending(&log, store, write, error);
    if (code) {
        store->ops->abort(write);
        return code;
    }
    code = store->ops->commit(write, true, error);
    if (code)
        return code;
    tables_set_generation(tables, generation);
    tables_saved(tables, pin);
    return TRADING_OK;
}

/* ---- loading ---- */

struct loading {
    struct tables *tables;
    const struct state_store *store;
    struct value shape_value;
    struct value log_value;
    struct pending pending;
    struct shape *shape;
    struct memory *memory;
    unsigned char *group;
    uint64_t *logged; /* names of pages, in order */
    size_t logged_count;
    size_t logged_capacity;
};

static int32_t load_shape(struct loading *loading, trading_error *error)
{
    struct shape *shape = loading->shape;
    const struct state_store *store = loading->store;
    int32_t code = store->ops->get(store->store, NULL, shape_key, sizeof shape_key, take_value, &loading->shape_value, error);
    if (!code)
        code = shape_read(loading->tables, loading->shape_value.bytes, loading->shape_value.size, "checkpoint",
                          CHECKPOINT_FORMAT, shape, error);
    if (code)
        return code;
    uint64_t generation = 0;
    if (shape->meta_size >= sizeof generation)
        memcpy(&generation, shape->meta, sizeof generation);
    if (!generation)
        return error_set(error, TRADING_E_DAMAGED, "the checkpoint has no generation");
    shape->meta_size -= (uint32_t)sizeof generation;
    memmove(shape->meta, shape->meta + sizeof generation, shape->meta_size);
    tables_set_generation(loading->tables, le64toh(generation));
    code = get_value(store, log_key, sizeof log_key, &loading->log_value, error);
    return code ? code : read_pending(&loading->log_value, &loading->pending, error);
}

static int32_t map_pages(struct loading *loading, trading_error *error)
{
    int32_t code = settle(loading->store, loading->group, error);
    tables_back(loading->tables, loading->store);
    for (uint32_t id = 0; !code && id < TABLES_MAX; id++)
        if (tables_record_bytes(loading->tables, id))
            code = tables_load_pages(loading->tables, id, loading->shape->counts[id], error);
    return code;
}

/* A page's table and number in one. */
static uint64_t page_name(uint32_t id, uint32_t page)
{
    return (uint64_t)id << 32 | page;
}

static int32_t name_logged(void *arg, uint32_t id, uint32_t page, const unsigned char *bytes, trading_error *error)
{
    (void)bytes;
    struct loading *loading = arg;
    if (memory_grow(loading->memory, (void **)&loading->logged, &loading->logged_capacity, loading->logged_count + 1,
                    sizeof *loading->logged))
        return error_no_memory(error, "loading a checkpoint");
    loading->logged[loading->logged_count++] = page_name(id, page);
    return TRADING_OK;
}

static int compare_names(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

/* Whether the log that is pending has the page; it comes over what is put. */
static bool is_logged(const struct loading *loading, uint32_t id, uint32_t page)
{
    uint64_t name = page_name(id, page);
    return loading->logged_count && bsearch(&name, loading->logged, loading->logged_count, sizeof name, compare_names) != NULL;
}

static int32_t read_page(struct loading *loading, uint32_t id, uint32_t page, trading_error *error)
{
    if (!is_logged(loading, id, page))
        return page_read_file(loading->store, id, page, loading->group, error);
    memset(loading->group, 0, TABLE_PAGE_BYTES);
    return TRADING_OK;
}

static int32_t put_page(void *arg, uint32_t id, uint32_t page, const unsigned char *bytes, trading_error *error)
{
    const struct loading *loading = arg;
    uint32_t size = tables_page_bytes(loading->tables, id);
    if (!size)
        return error_set(error, TRADING_E_DAMAGED, "the checkpoint holds a page of table %u, which does not exist", id);
    return tables_put_page(loading->tables, id, page, bytes, size, error);
}

static int32_t read_table(struct loading *loading, uint32_t id, trading_error *error)
{
    uint32_t pages = tables_pages_for(loading->tables, id, loading->shape->counts[id]);
    int32_t code = TRADING_OK;
    for (uint32_t page = 0; !code && page < pages; page++) {
        code = read_page(loading, id, page, error);
        if (!code)
            code = put_page(loading, id, page, loading->group, error);
    }
    return code;
}

static int32_t read_log(struct loading *loading, page_log_visit visit, trading_error *error)
{
    return page_log_read(loading->store, le64toh(loading->pending.generation), le64toh(loading->pending.pages), loading->group,
                         visit, loading, error);
}

static int32_t read_pages(struct loading *loading, trading_error *error)
{
    int32_t code = read_log(loading, name_logged, error);
    for (uint32_t id = 0; !code && id < TABLES_MAX; id++)
        code = read_table(loading, id, error);
    if (!code)
        code = read_log(loading, put_page, error);
    memory_release(loading->memory, loading->logged, loading->logged_capacity * sizeof *loading->logged);
    return code;
}

/* Another process that reads has no hold on the files: the pages may be of a later checkpoint than the shape. */
static bool was_replaced(const struct loading *loading)
{
    struct value shape;
    struct value log;
    return get_value(loading->store, shape_key, sizeof shape_key, &shape, NULL) ||
           get_value(loading->store, log_key, sizeof log_key, &log, NULL) || shape.size != loading->shape_value.size ||
           memcmp(shape.bytes, loading->shape_value.bytes, shape.size) != 0 || log.size != loading->log_value.size ||
           memcmp(log.bytes, loading->log_value.bytes, log.size) != 0;
}

int32_t checkpoint_load(struct tables *tables, const struct state_store *store, bool back, struct memory *memory,
                        struct shape *shape, trading_error *error)
{
    struct loading loading = {.tables = tables, .store = store, .shape = shape, .memory = memory};
    int32_t code = load_shape(&loading, error);
    if (code)
        return code;
    loading.group = memory_allocate(memory, PAGE_LOG_BYTES);
    if (!loading.group)
        return error_no_memory(error, "loading a checkpoint");
    code = back ? map_pages(&loading, error) : read_pages(&loading, error);
    memory_release(memory, loading.group, PAGE_LOG_BYTES);
    if (!code)
        code = shape_apply(tables, shape, error);
    if (!back && was_replaced(&loading))
        return error_set(error, TRADING_E_BUSY, "the checkpoint was replaced by its writer while it was read; read it again");
    return code;
}
