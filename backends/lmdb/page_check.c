#include "backends/lmdb/page_check.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

struct level {
    uint64_t number;
    uint32_t index;
    uint32_t count;
    uint8_t *page;
};

/* One walk over a snapshot. */
struct check {
    const struct page_file *file;
    const struct page_snapshot *snapshot;
    bool numbers; /* of the free tree, whose keys are numbers */
    bool overflow;
    uint64_t file_pages;
    uint64_t free_beyond; /* free pages that the file is too short for */
    uint8_t *seen;        /* a bit a page of the file, or NULL */
    uint64_t seen_bytes;
    uint8_t *value;
    size_t value_capacity;
    page_check_entry take;
    void *arg;
};

/* ---- pages are there, and used once ---- */

static int32_t see(struct check *check, uint64_t number, uint64_t pages, trading_error *error)
{
    for (uint64_t page = number; check->seen && page < number + pages && page < check->file_pages; page++) {
        uint8_t bit = (uint8_t)(1u << (page & 7));
        if (check->seen[page / 8] & bit)
            return page_damaged(check->file, page, error, "it is used twice, or used and free");
        check->seen[page / 8] |= bit;
    }
    return TRADING_OK;
}

static int32_t read_value(struct check *check, const struct page_entry *entry, uint64_t size, trading_error *error)
{
    size_t needed = PAGE_HEADER_BYTES + size;
    if (needed > check->value_capacity) {
        memory_release(check->file->memory, check->value, check->value_capacity);
        check->value = memory_allocate(check->file->memory, needed);
        check->value_capacity = check->value ? needed : 0;
        if (!check->value)
            return error_no_memory(error, "checking the file");
    }
    return page_overflow(check->file, entry, size, check->value, error);
}

/* ---- entries ---- */

/* A record of the free tree: how many pages, then their numbers, descending. LMDB may leave room behind them. */
static int32_t check_free_entry(struct check *check, uint64_t page, const struct page_entry *entry, trading_error *error)
{
    const uint8_t *value = entry->value;
    if (!value) {
        int32_t code = read_value(check, entry, entry->value_size, error);
        if (code)
            return code;
        value = check->value + PAGE_HEADER_BYTES;
    }
    uint64_t transaction;
    memcpy(&transaction, entry->key, sizeof transaction);
    uint64_t count = 0;
    if (entry->value_size >= sizeof count)
        memcpy(&count, value, sizeof count);
    if (entry->value_size % 8 || entry->value_size / 8 < 1 || count > entry->value_size / 8 - 1 ||
        transaction > check->snapshot->transaction)
        return page_damaged(check->file, page, error, "a list of free pages has the wrong size");
    uint64_t above = check->snapshot->last_page + 1;
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t number;
        memcpy(&number, value + i * 8, sizeof number);
        if (number < PAGE_FIRST || number >= above)
            return page_damaged(check->file, page, error, "a list of free pages names page %" PRIu64 " out of order or range",
                                number);
        above = number;
        check->free_beyond += number >= check->file_pages;
        int32_t code = see(check, number, 1, error);
        if (code)
            return code;
    }
    return TRADING_OK;
}

static int32_t check_entry(struct check *check, uint64_t page, const struct page_entry *entry, trading_error *error)
{
    int32_t code = TRADING_OK;
    if (!entry->value) {
        uint64_t pages = page_run(check->file, entry->value_size);
        if (entry->overflow + pages > check->file_pages)
            return page_damaged(check->file, entry->overflow, error, "the file ends within it");
        code = see(check, entry->overflow, pages, error);
        if (!code && check->overflow)
            code = read_value(check, entry, 0, error);
    }
    if (!code && check->numbers)
        code = check_free_entry(check, page, entry, error);
    else if (!code && check->take)
        code = check->take(check->arg, check->file, page, entry, error);
    return code;
}

/* ---- the walk ---- */

/* Whether the keys of a page lie between those that the pages above it have for it. */
static bool within_parents(const struct check *check, const struct level *levels, uint32_t depth)
{
    const struct level *level = &levels[depth];
    const uint8_t *key;
    const uint8_t *limit;
    uint32_t key_size;
    uint32_t limit_size;
    uint32_t above = depth; /* the nearest page above that has a lower limit */
    while (above && levels[above - 1].index == 0)
        above--;
    bool leaf = depth + 1u == check->snapshot->main.depth;
    page_child_at(level->page, leaf ? 0 : 1, &key, &key_size); /* a branch page's first key is not used */
    if (above) {
        page_child_at(levels[above - 1].page, levels[above - 1].index, &limit, &limit_size);
        if (key_compare(key, key_size, limit, limit_size) < 0)
            return false;
    }
    above = depth;
    while (above && levels[above - 1].index + 1 == levels[above - 1].count)
        above--;
    page_child_at(level->page, level->count - 1, &key, &key_size);
    if (!above)
        return true;
    page_child_at(levels[above - 1].page, levels[above - 1].index + 1, &limit, &limit_size);
    return key_compare(key, key_size, limit, limit_size) < 0;
}

static int32_t enter_page(struct check *check, struct level *levels, uint32_t depth, uint16_t kind, uint64_t number,
                          trading_error *error)
{
    struct level *level = &levels[depth];
    int32_t code = see(check, number, 1, error);
    if (!code)
        code = page_read(check->file, check->snapshot, number, kind, check->numbers, level->page, error);
    if (code)
        return code;
    level->number = number;
    level->index = 0;
    level->count = page_count(level->page);
    if (!check->numbers && !within_parents(check, levels, depth))
        return page_damaged(check->file, number, error, "its keys are not those of its place");
    return TRADING_OK;
}

static int32_t check_leaf(struct check *check, const struct level *level, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t i = 0; i < level->count && !code; i++) {
        struct page_entry entry;
        page_entry_at(level->page, i, &entry);
        code = check_entry(check, level->number, &entry, error);
    }
    return code;
}

static int32_t walk_levels(struct check *check, const struct tree_record *tree, struct level *levels, trading_error *error)
{
    uint32_t depth = 0;
    int32_t code = enter_page(check, levels, 0, tree->depth == 1 ? PAGE_LEAF : PAGE_BRANCH, tree->root, error);
    while (!code) {
        struct level *level = &levels[depth];
        if (depth + 1u == tree->depth) {
            code = check_leaf(check, level, error);
            level->index = level->count;
        }
        while (!code && levels[depth].index >= levels[depth].count) { /* done with this page: on to the parent's next */
            if (depth == 0)
                return TRADING_OK;
            depth--;
            levels[depth].index++;
        }
        if (code)
            break;
        const uint8_t *key;
        uint32_t key_size;
        uint64_t child = page_child_at(levels[depth].page, levels[depth].index, &key, &key_size);
        depth++;
        code = enter_page(check, levels, depth, depth + 1u == tree->depth ? PAGE_LEAF : PAGE_BRANCH, child, error);
    }
    return code;
}

static int32_t walk(struct check *check, const struct tree_record *tree, bool numbers, trading_error *error)
{
    if (tree->root == PAGE_NONE)
        return TRADING_OK;
    check->numbers = numbers;
    struct memory *memory = check->file->memory;
    size_t bytes = (size_t)tree->depth * check->file->page_bytes;
    uint8_t *pages = memory_allocate(memory, bytes);
    if (!pages)
        return error_no_memory(error, "checking the file");
    struct level levels[TREE_DEPTH] = {0};
    for (uint32_t i = 0; i < tree->depth; i++)
        levels[i].page = pages + (size_t)i * check->file->page_bytes;
    int32_t code = walk_levels(check, tree, levels, error);
    memory_release(memory, pages, bytes);
    return code;
}

/* ---- what is offered ---- */

/* The free tree, and the file's length. LMDB does not write pages that it took and gave up in one transaction, so a file may lack
 * the last few, but those are free. Any other that is missing was cut off, and writing would fill the gap with zeros. */
static int32_t check_length(struct check *check, trading_error *error)
{
    int32_t code = walk(check, &check->snapshot->free, true, error);
    uint64_t pages = check->snapshot->last_page + 1;
    uint64_t missing = pages > check->file_pages ? pages - check->file_pages : 0;
    if (!code && missing != check->free_beyond)
        code = page_damaged(check->file, check->file_pages, error, "the file ends here, its last page is %" PRIu64, pages - 1);
    return code;
}

static int32_t count_pages(struct check *check, trading_error *error)
{
    uint64_t bytes;
    int failure = file_size(check->file->fd, &bytes);
    if (failure)
        return lmdb_failure(error, failure, "reading", check->file->folder->path, check->file->name);
    check->file_pages = bytes / check->file->page_bytes;
    return TRADING_OK;
}

static int32_t check_free(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    struct check check = {.file = arg, .snapshot = snapshot};
    int32_t code = count_pages(&check, error);
    if (!code)
        code = check_length(&check, error);
    memory_release(check.file->memory, check.value, check.value_capacity);
    return code;
}

int32_t page_check_free(const struct page_file *file, trading_error *error)
{
    struct page_file checked = *file;
    return page_settle(file, check_free, &checked, error);
}

struct check_all {
    const struct page_file *file;
    bool overflow;
    page_check_entry take;
    void *arg;
    unsigned attempts;
};

static int32_t check_all(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    enum { ATTEMPTS = 32 }; /* damage is looked at several times before it is believed */
    struct check_all *all = arg;
    if (all->attempts++ == ATTEMPTS)
        return error_set(error, TRADING_E_BUSY, "%s is being written; have its writer check it, or try when it is idle",
                         all->file->name);
    struct check check = {
        .file = all->file, .snapshot = snapshot, .overflow = all->overflow, .take = all->take, .arg = all->arg};
    int32_t code = count_pages(&check, error);
    if (code)
        return code;
    check.seen_bytes = check.file_pages / 8 + 1;
    check.seen = memory_zeroed(check.file->memory, 1, check.seen_bytes);
    code = check.seen ? check_length(&check, error) : error_no_memory(error, "checking the file");
    if (!code && all->take)
        code = all->take(all->arg, all->file, 0, NULL, error);
    if (!code)
        code = walk(&check, &snapshot->main, false, error);
    memory_release(check.file->memory, check.seen, check.seen_bytes);
    memory_release(check.file->memory, check.value, check.value_capacity);
    return code;
}

int32_t page_check_all(const struct page_file *file, bool overflow, page_check_entry take, void *arg, trading_error *error)
{
    struct check_all all = {.file = file, .overflow = overflow, .take = take, .arg = arg};
    return page_settle(file, check_all, &all, error);
}
