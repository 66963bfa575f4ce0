#include "state/checkpoint.h"

#include "base/error.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#define PAGE_SUM_BYTES crypto_shorthash_BYTES
#define PAGE_KEY_BYTES 6u

static const uint8_t meta_key[] = {STATE_META, 'c'};

/* A page is summed under its own place, so that one that lies in another's place does not match. */
static void page_sum(uint32_t id, uint32_t page, const void *image, uint32_t bytes, uint8_t sum[PAGE_SUM_BYTES])
{
    uint32_t place[4] = {htole32(SHAPE_FORMAT), htole32(id), htole32(page), htole32(bytes)};
    _Static_assert(sizeof place == crypto_shorthash_KEYBYTES, "a key of SipHash");
    crypto_shorthash(sum, image, bytes, (const unsigned char *)place);
}

static void page_key(uint32_t id, uint32_t page, uint8_t key[PAGE_KEY_BYTES])
{
    uint32_t ordered = htobe32(page);
    key[0] = STATE_PAGES;
    key[1] = (uint8_t)id;
    memcpy(key + 2, &ordered, sizeof ordered);
}

/* ---- writing ---- */

struct writing {
    const struct state_store *store;
    void *write;
};

static int32_t write_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct writing *writing = arg;
    uint8_t key[PAGE_KEY_BYTES];
    uint8_t value[TABLE_IMAGE_BYTES + PAGE_SUM_BYTES];
    page_key(id, page, key);
    memcpy(value, image, bytes);
    page_sum(id, page, image, bytes, value + bytes);
    return writing->store->ops->put(writing->write, key, sizeof key, value, bytes + PAGE_SUM_BYTES, error);
}

static int32_t write_pages(struct tables *tables, struct pin *pin, bool all, struct writing *writing, trading_error *error)
{
    if (all) {
        uint8_t space = STATE_PAGES;
        int32_t status = writing->store->ops->remove_all(writing->write, &space, sizeof space, error);
        if (status)
            return status;
    }
    return tables_pages(tables, pin, all, write_page, writing, error);
}

static int32_t write_meta(struct tables *tables, struct pin *pin, const void *meta, size_t meta_size, struct writing *writing,
                          trading_error *error)
{
    uint8_t bytes[SHAPE_BYTES];
    size_t size = shape_write(tables, pin, meta, meta_size, bytes);
    if (!size)
        return error_set(error, TRADING_E_INVALID, "%zu bytes of meta are more than the %u that a checkpoint takes", meta_size,
                         SHAPE_META_BYTES);
    return writing->store->ops->put(writing->write, meta_key, sizeof meta_key, bytes, size, error);
}

int32_t checkpoint_write(struct tables *tables, struct pin *pin, bool all, const struct state_store *store, const void *meta,
                         size_t meta_size, checkpoint_also also, void *arg, trading_error *error)
{
    struct writing writing = {store, NULL};
    int32_t status = store->ops->begin(store->store, &writing.write, error);
    if (status)
        return status;
    status = write_pages(tables, pin, all, &writing, error);
    if (!status)
        status = write_meta(tables, pin, meta, meta_size, &writing, error);
    if (!status && also)
        status = also(arg, store, writing.write, error);
    if (status) {
        store->ops->abort(writing.write);
        return status;
    }
    status = store->ops->commit(writing.write, true, error);
    if (!status)
        tables_saved(tables, pin);
    return status;
}

/* ---- loading ---- */

struct loading {
    struct tables *tables;
    struct shape *shape;
    uint8_t meta[SHAPE_BYTES]; /* as it is stored */
    size_t meta_size;
    uint32_t next[TABLES_MAX]; /* the page that must come next */
    trading_error *error;
    int32_t status;
};

static void load_meta(void *arg, const void *value, size_t size)
{
    struct loading *loading = arg;
    loading->status = shape_read(loading->tables, value, size, "checkpoint", loading->shape, loading->error);
    if (size <= sizeof loading->meta)
        memcpy(loading->meta, value, loading->meta_size = size);
}

static int32_t load_page(struct loading *loading, const uint8_t *key, size_t key_size, const uint8_t *value, size_t value_size)
{
    uint32_t page = 0;
    uint32_t id = TABLES_MAX;
    if (key_size == PAGE_KEY_BYTES) {
        memcpy(&page, key + 2, sizeof page);
        page = be32toh(page);
        id = key[1];
    }
    uint32_t bytes = tables_page_bytes(loading->tables, id);
    if (!bytes || page != loading->next[id] || page >= tables_pages_for(loading->tables, id, loading->shape->counts[id]))
        return error_set(loading->error, TRADING_E_DAMAGED, "the checkpoint holds page %u of table %u in the wrong place", page,
                         id);
    uint8_t sum[PAGE_SUM_BYTES];
    if (value_size == bytes + PAGE_SUM_BYTES)
        page_sum(id, page, value, bytes, sum);
    if (value_size != bytes + PAGE_SUM_BYTES || memcmp(sum, value + bytes, sizeof sum) != 0)
        return error_set(loading->error, TRADING_E_DAMAGED, "page %u of table %u in the checkpoint does not match its checksum",
                         page, id);
    loading->next[id]++;
    return tables_put_page(loading->tables, id, page, value, bytes, loading->error);
}

static int take_page(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct loading *loading = arg;
    loading->status = load_page(loading, key, key_size, value, value_size);
    return loading->status != TRADING_OK;
}

static int32_t load_pages(struct loading *loading, const struct state_store *store)
{
    uint8_t space = STATE_PAGES;
    int32_t status = store->ops->scan(store->store, NULL, &space, sizeof space, NULL, 0, take_page, loading, loading->error);
    if (status || loading->status)
        return status ? status : loading->status;
    return shape_apply(loading->tables, loading->shape, loading->error);
}

struct comparing {
    const struct loading *loading;
    bool same;
};

static void compare_meta(void *arg, const void *value, size_t size)
{
    struct comparing *comparing = arg;
    comparing->same = size == comparing->loading->meta_size && (!size || memcmp(value, comparing->loading->meta, size) == 0);
}

/* Another process that reads has no hold on the store: the pages may be of a later checkpoint than the meta, and then look damaged. */
static bool was_replaced(const struct loading *loading, const struct state_store *store)
{
    struct comparing comparing = {loading, false};
    int32_t status = store->ops->get(store->store, NULL, meta_key, sizeof meta_key, compare_meta, &comparing, NULL);
    return !status && !comparing.same;
}

int32_t checkpoint_load(struct tables *tables, const struct state_store *store, struct shape *shape, trading_error *error)
{
    struct loading loading = {.tables = tables, .shape = shape, .error = error};
    int32_t status = store->ops->get(store->store, NULL, meta_key, sizeof meta_key, load_meta, &loading, error);
    if (status || loading.status)
        return status ? status : loading.status;
    status = load_pages(&loading, store);
    if (was_replaced(&loading, store))
        return error_set(error, TRADING_E_BUSY, "the checkpoint was replaced by its writer while it was read; read it again");
    return status;
}
