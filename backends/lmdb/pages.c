#include "backends/lmdb/pages.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAMAGE_ATTEMPTS 8u /* how often damage must be seen in a standing snapshot before it is believed */

int32_t page_damaged(const struct page_file *file, uint64_t number, trading_error *error, const char *format, ...)
{
    char what[120];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, TRADING_E_DAMAGED, "%s is damaged at byte %" PRIu64 " (page %" PRIu64 "): %s (in %s)", file->name,
                     number * file->page_bytes, number, what, file->folder->path);
}

int key_compare(const void *a, uint32_t a_size, const void *b, uint32_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    if (order)
        return order;
    return (a_size > b_size) - (a_size < b_size);
}

/* ---- meta pages ---- */

static bool page_size_is_sane(uint32_t bytes)
{
    return bytes >= PAGE_MIN && bytes <= PAGE_MAX && (bytes & (bytes - 1)) == 0;
}

struct meta_page {
    struct page_header header;
    struct meta_record meta;
};

/* Takes a meta page from where it lies among `got` bytes. */
static int32_t take_meta(const struct page_file *file, unsigned slot, const uint8_t *bytes, size_t got,
                         struct meta_record *meta, trading_error *error)
{
    size_t at = slot ? file->page_bytes : 0;
    struct meta_page page;
    if (got < at + sizeof page)
        return page_damaged(file, slot, error, "the file ends within its meta page");
    memcpy(&page, bytes + at, sizeof page);
    *meta = page.meta;
    if (meta->magic != PAGE_MAGIC || !(page.header.flags & PAGE_META))
        return page_damaged(file, slot, error, "it is no LMDB file, or its head is overwritten");
    if (meta->version != PAGE_VERSION)
        return error_set(error, TRADING_E_NEWER_FORMAT, "%s has LMDB format %" PRIu32 ", this library reads %u (in %s)",
                         file->name, meta->version, PAGE_VERSION, file->folder->path);
    return TRADING_OK;
}

/* In one call of the operating system. */
int32_t page_metas(const struct page_file *file, struct meta_record metas[2], trading_error *error)
{
    uint8_t bytes[PAGE_MAX + sizeof(struct meta_page)];
    ssize_t got = file_read(file->fd, bytes, file->page_bytes + sizeof(struct meta_page), 0);
    if (got < 0)
        return lmdb_failure(error, errno, "reading", file->folder->path, file->name);
    int32_t code = take_meta(file, 0, bytes, (size_t)got, &metas[0], error);
    return code ? code : take_meta(file, 1, bytes, (size_t)got, &metas[1], error);
}

static const char *tree_wrong(const struct tree_record *tree, uint64_t last_page)
{
    bool empty = tree->root == PAGE_NONE;
    if (!empty && (tree->root < PAGE_FIRST || tree->root > last_page))
        return "the root's number is out of range";
    if (empty ? tree->depth != 0 : (tree->depth == 0 || tree->depth > TREE_DEPTH))
        return "the tree's depth is impossible";
    return NULL;
}

static const char *meta_wrong(const struct page_file *file, const struct meta_record *meta, unsigned slot)
{
    enum { FREE_TREE_FLAGS = 0x08 /* MDB_INTEGERKEY */ };
    if (meta->free.pad != file->page_bytes)
        return "the page size is wrong";
    if (meta->last_page < 1 || meta->last_page >= (uint64_t)INT64_MAX / PAGE_MAX)
        return "the last page's number is impossible";
    if ((meta->free.flags & 0xff) != FREE_TREE_FLAGS || meta->main.flags != 0)
        return "the trees' flags are wrong";
    if (meta->transaction && (meta->transaction & 1) != slot)
        return "the transaction's number belongs in the other meta page";
    const char *wrong = tree_wrong(&meta->main, meta->last_page);
    return wrong ? wrong : tree_wrong(&meta->free, meta->last_page);
}

int32_t page_file_open(struct page_file *file, const struct folder *folder, const char *name, struct memory *memory,
                       trading_error *error)
{
    *file = (struct page_file){.folder = folder, .name = name, .memory = memory};
    file->fd = file_open(folder, name, O_RDONLY);
    if (file->fd < 0)
        return lmdb_failure(error, errno, "opening", folder->path, name);
    file->page_bytes = PAGE_MIN; /* until the file has said it */
    uint8_t bytes[sizeof(struct meta_page)];
    struct meta_record metas[2] = {0};
    ssize_t got = file_read(file->fd, bytes, sizeof bytes, 0);
    int32_t code = got < 0 ? lmdb_failure(error, errno, "reading", folder->path, name)
                           : take_meta(file, 0, bytes, (size_t)got, &metas[0], error);
    if (!code && !page_size_is_sane(metas[0].free.pad))
        code = page_damaged(file, 0, error, "the page size is wrong");
    if (!code) {
        file->page_bytes = metas[0].free.pad;
        code = page_metas(file, metas, error);
    }
    if (code)
        page_file_close(file);
    else
        posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: its failure changes nothing */
    return code;
}

void page_file_close(struct page_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* ---- snapshots ---- */

bool page_newest_adds(const struct meta_record metas[2])
{
    unsigned newest = metas[1].transaction > metas[0].transaction;
    return metas[newest].main.entries > metas[!newest].main.entries;
}

static int32_t snapshot_take(const struct page_file *file, struct page_snapshot *snapshot, trading_error *error)
{
    struct meta_record metas[2] = {0};
    int32_t code = page_metas(file, metas, error);
    if (code)
        return code;
    unsigned newest = metas[1].transaction > metas[0].transaction;
    uint64_t older = metas[!newest].transaction;
    if (metas[newest].transaction - older > 1)
        return page_damaged(file, newest, error, "its meta pages are of transactions %" PRIu64 " and %" PRIu64,
                            metas[0].transaction, metas[1].transaction);
    /* Asked after the metas were read: the newest may still be on its way to the disk, the one before it no longer. A horizon
     * that is further behind belongs to other files than these. */
    uint64_t horizon = file->horizon ? file->horizon(file->horizon_arg) : UINT64_MAX;
    unsigned slot = older && horizon == older && page_newest_adds(metas) ? !newest : newest;
    const char *wrong = meta_wrong(file, &metas[slot], slot);
    if (wrong)
        return page_damaged(file, slot, error, "%s", wrong);
    const struct meta_record *meta = &metas[slot];
    *snapshot = (struct page_snapshot){.transaction = meta->transaction,
                                       .last_page = meta->last_page,
                                       .main = meta->main,
                                       .free = meta->free,
                                       .slot = slot,
                                       .meta = *meta};
    return TRADING_OK;
}

static bool snapshot_stands(const struct page_file *file, const struct page_snapshot *snapshot)
{
    struct meta_record metas[2] = {0};
    if (page_metas(file, metas, NULL))
        return false;
    return memcmp(&metas[snapshot->slot], &snapshot->meta, sizeof snapshot->meta) == 0 &&
           metas[!snapshot->slot].transaction <= snapshot->transaction + 1;
}

static void pause_before(unsigned attempt)
{
    if (attempt < 4)
        return;
    struct timespec pause = {.tv_nsec = attempt < 16 ? 50000 : 1000000};
    nanosleep(&pause, NULL);
}

int32_t page_settle(const struct page_file *file, page_work work, void *arg, trading_error *error)
{
    unsigned damaged = 0;
    for (unsigned attempt = 0;; attempt++) {
        pause_before(attempt);
        struct page_snapshot snapshot;
        int32_t code = snapshot_take(file, &snapshot, error);
        bool taken = !code;
        if (taken)
            code = work(arg, &snapshot, error);
        if (code == TRADING_E_DAMAGED) {
            if ((!taken || snapshot_stands(file, &snapshot)) && ++damaged == DAMAGE_ATTEMPTS)
                return code;
        } else if (!taken || (code && code != TRADING_E_NOT_FOUND) || snapshot_stands(file, &snapshot)) {
            return code;
        }
    }
}

/* ---- pages ---- */

static struct page_header header_of(const uint8_t *page)
{
    struct page_header header;
    memcpy(&header, page, sizeof header);
    return header;
}

uint32_t page_count(const uint8_t *page)
{
    return (uint32_t)(header_of(page).lower - PAGE_HEADER_BYTES) / 2;
}

static uint32_t node_offset(const uint8_t *page, uint32_t index)
{
    uint16_t offset;
    memcpy(&offset, page + PAGE_HEADER_BYTES + (size_t)index * 2, sizeof offset);
    return offset;
}

static struct node_header node_of(const uint8_t *page, uint32_t index)
{
    struct node_header node;
    memcpy(&node, page + node_offset(page, index), sizeof node);
    return node;
}

uint64_t page_child_at(const uint8_t *page, uint32_t index, const uint8_t **key, uint32_t *key_size)
{
    struct node_header node = node_of(page, index);
    *key = page + node_offset(page, index) + NODE_HEADER_BYTES;
    *key_size = node.key_size;
    return node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32;
}

void page_entry_at(const uint8_t *page, uint32_t index, struct page_entry *entry)
{
    struct node_header node = node_of(page, index);
    entry->key = page + node_offset(page, index) + NODE_HEADER_BYTES;
    entry->key_size = node.key_size;
    entry->value_size = node.low | (uint32_t)node.high << 16;
    entry->value = entry->key + node.key_size;
    entry->overflow = 0;
    if (node.flags & NODE_OVERFLOW) {
        memcpy(&entry->overflow, entry->value, sizeof entry->overflow);
        entry->value = NULL;
    }
}

uint64_t page_run(const struct page_file *file, uint64_t value_size)
{
    return (PAGE_HEADER_BYTES - 1 + value_size) / file->page_bytes + 1;
}

/* The bytes that an entry takes, when they lie within the page and what it refers to is in range; else 0. */
static uint32_t node_bytes(const struct page_file *file, const struct page_snapshot *snapshot, const uint8_t *page,
                           uint32_t index, uint16_t kind)
{
    struct node_header node = node_of(page, index);
    uint64_t room = file->page_bytes - node_offset(page, index);
    uint64_t bytes = (uint64_t)NODE_HEADER_BYTES + node.key_size;
    if (node.key_size > TREE_KEY_MAX || bytes > room)
        return 0;
    if (kind == PAGE_BRANCH) {
        const uint8_t *key;
        uint32_t key_size;
        uint64_t child = page_child_at(page, index, &key, &key_size);
        if (child < PAGE_FIRST || child > snapshot->last_page)
            return 0;
    } else {
        bool overflows = node.flags & NODE_OVERFLOW;
        uint64_t value_size = node.low | (uint32_t)node.high << 16;
        bytes += overflows ? sizeof(uint64_t) : value_size;
        if (node.flags & ~NODE_OVERFLOW || node.key_size == 0 || bytes > room)
            return 0;
        struct page_entry entry;
        page_entry_at(page, index, &entry);
        if (overflows && (entry.overflow < PAGE_FIRST || entry.overflow > snapshot->last_page ||
                          page_run(file, value_size) > snapshot->last_page - entry.overflow + 1))
            return 0;
    }
    bytes += bytes & 1;
    return bytes <= room ? (uint32_t)bytes : 0;
}

static bool keys_ascend(const uint8_t *page, uint32_t index, bool numbers)
{
    struct node_header left = node_of(page, index - 1);
    struct node_header right = node_of(page, index);
    const uint8_t *left_key = page + node_offset(page, index - 1) + NODE_HEADER_BYTES;
    const uint8_t *right_key = page + node_offset(page, index) + NODE_HEADER_BYTES;
    if (!numbers)
        return key_compare(left_key, left.key_size, right_key, right.key_size) < 0;
    uint64_t left_number;
    uint64_t right_number;
    if (left.key_size != sizeof left_number || right.key_size != sizeof right_number)
        return false;
    memcpy(&left_number, left_key, sizeof left_number);
    memcpy(&right_number, right_key, sizeof right_number);
    return left_number < right_number;
}

/* Says what is wrong with the entries of a page, or NULL. They must fill the space between `upper` and the page's end, each byte
 * once: LMDB moves and splits entries on the strength of that. */
static const char *entries_wrong(const struct page_file *file, const struct page_snapshot *snapshot, const uint8_t *page,
                                 uint16_t kind, bool numbers)
{
    struct page_header header = header_of(page);
    uint8_t taken[PAGE_MAX / 2];
    memset(taken, 0, file->page_bytes / 2);
    uint32_t total = 0;
    uint32_t count = page_count(page);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = node_offset(page, i);
        if (offset < header.upper || offset & 1 || offset + NODE_HEADER_BYTES > file->page_bytes)
            return "an entry lies outside of its page";
        uint32_t bytes = node_bytes(file, snapshot, page, i, kind);
        if (!bytes)
            return "an entry's size or page number is out of range";
        if (memchr(taken + offset / 2, 1, bytes / 2))
            return "entries overlap";
        memset(taken + offset / 2, 1, bytes / 2);
        total += bytes;
        /* The first key of a branch page is not used, and often empty. */
        if (i > (kind == PAGE_BRANCH) && !keys_ascend(page, i, numbers))
            return "its keys are not in order";
    }
    return total == file->page_bytes - header.upper ? NULL : "its entries do not fill their space";
}

static const char *page_wrong(const struct page_file *file, const struct page_snapshot *snapshot, uint64_t number,
                              uint16_t kind, bool numbers, const uint8_t *page)
{
    struct page_header header = header_of(page);
    if (header.number != number)
        return "it bears another page's number";
    if (header.flags != kind)
        return "it is not of the kind that its parent says";
    if (header.lower < PAGE_HEADER_BYTES || header.lower & 1 || header.lower > header.upper || header.upper > file->page_bytes)
        return "its free space is out of bounds";
    uint32_t least = kind == PAGE_BRANCH && !numbers ? 2 : 1;
    if (page_count(page) < least)
        return "it has too few entries";
    return entries_wrong(file, snapshot, page, kind, numbers);
}

int32_t page_read(const struct page_file *file, const struct page_snapshot *snapshot, uint64_t number, uint16_t kind,
                  bool numbers, uint8_t *page, trading_error *error)
{
    ssize_t got = file_read(file->fd, page, file->page_bytes, number * file->page_bytes);
    if (got < 0)
        return lmdb_failure(error, errno, "reading", file->folder->path, file->name);
    if ((uint32_t)got < file->page_bytes)
        return page_damaged(file, number, error, "the file ends before it");
    const char *wrong = page_wrong(file, snapshot, number, kind, numbers, page);
    return wrong ? page_damaged(file, number, error, "%s", wrong) : TRADING_OK;
}

/* The last entry whose key is not above; a branch page's first key counts as below all. −1 when all are above. */
static int32_t last_at_most(const uint8_t *page, uint16_t kind, const void *key, uint32_t key_size)
{
    int32_t low = kind == PAGE_BRANCH ? 1 : 0;
    int32_t high = (int32_t)page_count(page) - 1;
    while (low <= high) {
        int32_t middle = low + (high - low) / 2;
        struct node_header node = node_of(page, (uint32_t)middle);
        const uint8_t *node_key = page + node_offset(page, (uint32_t)middle) + NODE_HEADER_BYTES;
        if (key_compare(node_key, node.key_size, key, key_size) <= 0)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return low - 1;
}

static void set_bound(uint8_t *bound, uint32_t *bound_size, const uint8_t *key, uint32_t key_size)
{
    memcpy(bound, key, key_size);
    *bound_size = key_size;
}

/* The leaf's bound: the parent's next key, or else what bounds the parent. */
static void bound_leaf(struct page_place *place, const uint8_t *parent)
{
    const uint8_t *key = place->outer_bound;
    uint32_t key_size = place->outer_bound_size;
    if (place->parent_index + 1 < place->parent_count)
        page_child_at(parent, place->parent_index + 1, &key, &key_size);
    set_bound(place->bound, &place->bound_size, key, key_size);
}

int32_t page_seek(const struct page_file *file, const struct page_snapshot *snapshot, const void *key, uint32_t key_size,
                  struct page_place *place, trading_error *error)
{
    place->index = -1;
    place->count = place->parent_count = place->bound_size = place->outer_bound_size = 0;
    uint64_t number = snapshot->main.root;
    for (uint32_t depth = snapshot->main.depth; depth > 1; depth--) {
        uint8_t *page = depth == 2 && place->parent ? place->parent : place->page;
        int32_t code = page_read(file, snapshot, number, PAGE_BRANCH, false, page, error);
        if (code)
            return code;
        if (place->parent_count) /* of the page above: it bounds this one */
            set_bound(place->outer_bound, &place->outer_bound_size, place->bound, place->bound_size);
        place->parent_count = page_count(page);
        place->parent_index = (uint32_t)last_at_most(page, PAGE_BRANCH, key, key_size);
        bound_leaf(place, page);
        const uint8_t *child_key;
        uint32_t child_key_size;
        number = page_child_at(page, place->parent_index, &child_key, &child_key_size);
    }
    if (number == PAGE_NONE)
        return TRADING_OK;
    int32_t code = page_read(file, snapshot, number, PAGE_LEAF, false, place->page, error);
    if (code)
        return code;
    place->count = page_count(place->page);
    place->index = last_at_most(place->page, PAGE_LEAF, key, key_size);
    return TRADING_OK;
}

bool page_advance(const struct page_file *file, const struct page_snapshot *snapshot, struct page_place *place)
{
    if (!place->parent || place->parent_index + 1 >= place->parent_count)
        return false;
    const uint8_t *key;
    uint32_t key_size;
    uint64_t number = page_child_at(place->parent, place->parent_index + 1, &key, &key_size);
    if (page_read(file, snapshot, number, PAGE_LEAF, false, place->page, NULL) || !snapshot_stands(file, snapshot))
        return false;
    place->parent_index++;
    place->count = page_count(place->page);
    place->index = 0;
    bound_leaf(place, place->parent);
    return true;
}

int32_t page_overflow(const struct page_file *file, const struct page_entry *entry, uint64_t size, uint8_t *into,
                      trading_error *error)
{
    ssize_t got = file_read(file->fd, into, PAGE_HEADER_BYTES + size, entry->overflow * file->page_bytes);
    if (got < 0)
        return lmdb_failure(error, errno, "reading", file->folder->path, file->name);
    if ((uint64_t)got < PAGE_HEADER_BYTES + size)
        return page_damaged(file, entry->overflow, error, "the file ends within it");
    struct page_header header = header_of(into);
    uint64_t pages = header.lower | (uint64_t)header.upper << 16;
    if (header.number != entry->overflow || header.flags != PAGE_OVERFLOW || pages != page_run(file, entry->value_size))
        return page_damaged(file, entry->overflow, error, "it is not the overflow page that its leaf says");
    return TRADING_OK;
}
