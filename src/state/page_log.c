#include "state/page_log.h"

#include "base/error.h"
#include "base/flush.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

/* The first page of a group. */
struct directory {
    uint64_t generation;
    uint32_t count;
    uint32_t zero;
    struct {
        uint32_t id;
        uint32_t page;
    } entries[PAGE_LOG_GROUP];
};

_Static_assert(sizeof(struct directory) <= TABLE_IMAGE_BYTES, "a page has room for it and its checksum");

/* Under the generation and the group's place in the log. */
static uint64_t directory_sum(const unsigned char *bytes, uint64_t generation, uint64_t offset)
{
    uint64_t key[2] = {htole64(generation), htole64(offset)};
    uint64_t sum;
    crypto_shorthash((unsigned char *)&sum, bytes, TABLE_IMAGE_BYTES, (const unsigned char *)key);
    return sum;
}

static struct directory *directory_of(unsigned char *group)
{
    return (struct directory *)(void *)group;
}

static unsigned char *page_in(unsigned char *group, uint32_t at)
{
    return group + (size_t)(at + 1) * TABLE_PAGE_BYTES;
}

/* ---- writing ---- */

static int32_t write_some(const struct state_store *store, uint32_t file, uint64_t offset, const unsigned char *from,
                          size_t bytes, uint64_t *unsynced, trading_error *error)
{
    int32_t code = store->ops->file_write(store->store, file, offset, from, bytes, error);
    *unsynced += bytes;
    if (code || *unsynced < FLUSH_BYTES)
        return code;
    *unsynced = 0;
    return store->ops->file_sync(store->store, file, error);
}

/* Writes neighbours at once. The directory is in the order of the machine. */
static int32_t write_in_place(const struct state_store *store, unsigned char *group, uint32_t count, bool *touched,
                              uint64_t *unsynced, trading_error *error)
{
    const struct directory *directory = directory_of(group);
    for (uint32_t first = 0, next; first < count; first = next) {
        uint32_t id = directory->entries[first].id;
        uint32_t page = directory->entries[first].page;
        for (next = first + 1;
             next < count && directory->entries[next].id == id && directory->entries[next].page == page + (next - first);)
            next++;
        int32_t code = write_some(store, id, (uint64_t)page * TABLE_PAGE_BYTES, page_in(group, first),
                                  (size_t)(next - first) * TABLE_PAGE_BYTES, unsynced, error);
        if (code)
            return code;
        touched[id] = true;
    }
    return TRADING_OK;
}

static int32_t sync_touched(const struct state_store *store, const bool *touched, trading_error *error)
{
    for (uint32_t id = 0; id < TABLES_MAX; id++) {
        int32_t code = touched[id] ? store->ops->file_sync(store->store, id, error) : TRADING_OK;
        if (code)
            return code;
    }
    return TRADING_OK;
}

static int32_t write_group(struct page_log *log, trading_error *error)
{
    struct directory *directory = directory_of(log->group);
    uint32_t count = log->count;
    log->count = 0;
    if (!count)
        return TRADING_OK;
    if (!log->generation)
        return write_in_place(log->store, log->group, count, log->touched, &log->unsynced, error);
    directory->generation = htole64(log->generation);
    directory->count = htole32(count);
    directory->zero = 0;
    for (uint32_t i = 0; i < PAGE_LOG_GROUP; i++) {
        directory->entries[i].id = i < count ? htole32(directory->entries[i].id) : 0;
        directory->entries[i].page = i < count ? htole32(directory->entries[i].page) : 0;
    }
    memset(log->group + sizeof *directory, 0, TABLE_IMAGE_BYTES - sizeof *directory);
    uint64_t sum = directory_sum(log->group, log->generation, log->end);
    memcpy(log->group + TABLE_IMAGE_BYTES, &sum, sizeof sum);
    size_t bytes = (size_t)(count + 1) * TABLE_PAGE_BYTES;
    int32_t code = write_some(log->store, PAGE_LOG_FILE, log->end, log->group, bytes, &log->unsynced, error);
    log->end += bytes;
    return code;
}

int32_t page_log_take(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    struct page_log *log = arg;
    unsigned char *to = page_in(log->group, log->count);
    memcpy(to, image, bytes);
    memset(to + bytes, 0, TABLE_IMAGE_BYTES - bytes);
    uint64_t sum = page_sum(id, page, to);
    memcpy(to + TABLE_IMAGE_BYTES, &sum, sizeof sum);
    directory_of(log->group)->entries[log->count].id = id;
    directory_of(log->group)->entries[log->count].page = page;
    log->count++;
    log->pages++;
    return log->count == PAGE_LOG_GROUP ? write_group(log, error) : TRADING_OK;
}

int32_t page_log_finish(struct page_log *log, trading_error *error)
{
    int32_t code = write_group(log, error);
    if (code)
        return code;
    if (log->generation)
        return log->store->ops->file_sync(log->store->store, PAGE_LOG_FILE, error);
    return sync_touched(log->store, log->touched, error);
}

/* ---- reading ---- */

static int32_t damaged(uint64_t offset, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "the log of a checkpoint's pages is damaged at byte %llu",
                     (unsigned long long)offset);
}

/* Reads the group at the offset, checks it, and turns its directory into the order of the machine. */
static int32_t read_group(const struct state_store *store, uint64_t generation, uint64_t left, uint64_t offset,
                          unsigned char *group, trading_error *error)
{
    struct directory *directory = directory_of(group);
    int32_t code = store->ops->file_read(store->store, PAGE_LOG_FILE, offset, group, TABLE_PAGE_BYTES, error);
    if (code)
        return code;
    uint64_t sum;
    memcpy(&sum, group + TABLE_IMAGE_BYTES, sizeof sum);
    uint32_t count = le32toh(directory->count);
    if (sum != directory_sum(group, generation, offset) || le64toh(directory->generation) != generation || !count ||
        count > PAGE_LOG_GROUP || count > left)
        return damaged(offset, error);
    directory->count = count;
    code = store->ops->file_read(store->store, PAGE_LOG_FILE, offset + TABLE_PAGE_BYTES, page_in(group, 0),
                                 (size_t)count * TABLE_PAGE_BYTES, error);
    for (uint32_t i = 0; !code && i < count; i++) {
        uint32_t id = directory->entries[i].id = le32toh(directory->entries[i].id);
        uint32_t page = directory->entries[i].page = le32toh(directory->entries[i].page);
        if (id >= TABLES_MAX || !page_sum_matches(id, page, page_in(group, i)))
            code = damaged(offset, error);
    }
    return code;
}

/* Takes a group that was read. */
typedef int32_t (*take_group)(void *arg, unsigned char *group, uint32_t count, trading_error *error);

static int32_t read_groups(const struct state_store *store, uint64_t generation, uint64_t pages, unsigned char *group,
                           take_group take, void *arg, trading_error *error)
{
    uint64_t offset = 0;
    while (pages) {
        int32_t code = read_group(store, generation, pages, offset, group, error);
        uint32_t count = code ? 0 : directory_of(group)->count;
        if (!code)
            code = take(arg, group, count, error);
        if (code)
            return code;
        pages -= count;
        offset += (uint64_t)(count + 1) * TABLE_PAGE_BYTES;
    }
    return TRADING_OK;
}

struct visiting {
    page_log_visit visit;
    void *arg;
};

static int32_t visit_group(void *arg, unsigned char *group, uint32_t count, trading_error *error)
{
    const struct visiting *visiting = arg;
    const struct directory *directory = directory_of(group);
    for (uint32_t i = 0; i < count; i++) {
        int32_t code =
            visiting->visit(visiting->arg, directory->entries[i].id, directory->entries[i].page, page_in(group, i), error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

int32_t page_log_read(const struct state_store *store, uint64_t generation, uint64_t pages, unsigned char *group,
                      page_log_visit visit, void *arg, trading_error *error)
{
    struct visiting visiting = {visit, arg};
    return read_groups(store, generation, pages, group, visit_group, &visiting, error);
}

struct applying {
    const struct state_store *store;
    bool touched[TABLES_MAX];
    uint64_t unsynced;
};

static int32_t apply_group(void *arg, unsigned char *group, uint32_t count, trading_error *error)
{
    struct applying *applying = arg;
    return write_in_place(applying->store, group, count, applying->touched, &applying->unsynced, error);
}

int32_t page_log_apply(const struct state_store *store, uint64_t generation, uint64_t pages, unsigned char *group,
                       trading_error *error)
{
    struct applying applying = {.store = store};
    int32_t code = read_groups(store, generation, pages, group, apply_group, &applying, error);
    return code ? code : sync_touched(store, applying.touched, error);
}
