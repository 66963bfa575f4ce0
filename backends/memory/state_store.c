/* The state store in memory: an ordered map whose versions share their nodes. A reader takes a reference to the committed version
 * and walks it without a lock; a write makes a version of its own, which a commit puts in place and an abort drops.
 *
 * The map is an AVL tree of nodes that never change once made; what changes is copied on the way to it. Everything is built from
 * two steps: joining two trees around a node, and splitting one at a key. */
#include "backends/memory/blobs.h"
#include "backends/state_files.h"
#include "backends/store_arguments.h"
#include "base/error.h"
#include "base/memory.h"
#include "state/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

struct entry {
    _Atomic uint32_t references;
    uint32_t key_size;
    size_t value_size;
    uint8_t bytes[]; /* the key, then the value */
};

struct node {
    _Atomic uint32_t references;
    int32_t height;
    struct node *left;
    struct node *right;
    struct entry *entry;
};

struct write {
    struct memory_state *state;
    struct node *root;
};

struct memory_state {
    struct state_files files; /* first, as their functions take the store */
    struct memory memory;
    pthread_mutex_t lock; /* of the root, and of whether a write is open */
    pthread_cond_t write_ended;
    bool writing;
    struct write write;
    struct node *root; /* what is committed */
    struct blobs blobs;
};
_Static_assert(offsetof(struct memory_state, files) == 0, "the store's handle begins with its files");

/* ---- references ---- */

static struct node *hold(struct node *node)
{
    if (node)
        atomic_fetch_add_explicit(&node->references, 1, memory_order_relaxed);
    return node;
}

static struct entry *hold_entry(struct entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}

static void drop_entry(struct memory *memory, struct entry *entry)
{
    if (entry && atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1)
        memory_release(memory, entry, sizeof *entry + entry->key_size + entry->value_size);
}

/* The tree is balanced, so this goes no deeper than about fifty. */
// NOLINTNEXTLINE(misc-no-recursion)
static void drop(struct memory *memory, struct node *node)
{
    if (!node || atomic_fetch_sub_explicit(&node->references, 1, memory_order_acq_rel) != 1)
        return;
    drop(memory, node->left);
    drop(memory, node->right);
    drop_entry(memory, node->entry);
    memory_release(memory, node, sizeof *node);
}

/* ---- trees. All functions consume the references that they are given, also when they fail; a failure, which is want of memory, is
 *      remembered in `failed`, and the tree that comes out is then of no use but to be dropped. ---- */

struct builder {
    struct memory *memory;
    bool failed;
};

static int32_t height(const struct node *node)
{
    return node ? node->height : 0;
}

static struct node *make(struct builder *builder, struct node *left, struct entry *entry, struct node *right)
{
    struct node *node = entry ? memory_allocate(builder->memory, sizeof *node) : NULL;
    if (!node) {
        builder->failed = true;
        drop(builder->memory, left);
        drop(builder->memory, right);
        drop_entry(builder->memory, entry);
        return NULL;
    }
    atomic_init(&node->references, 1);
    node->height = 1 + (height(left) > height(right) ? height(left) : height(right));
    node->left = left;
    node->right = right;
    node->entry = entry;
    return node;
}

/* Takes a node apart: references to its parts in place of the one to itself. */
static void open_node(struct builder *builder, struct node *node, struct node **left, struct entry **entry, struct node **right)
{
    *left = hold(node->left);
    *right = hold(node->right);
    *entry = hold_entry(node->entry);
    drop(builder->memory, node);
}

static struct node *rotate_left(struct builder *builder, struct node *left, struct entry *entry, struct node *right)
{
    struct node *inner;
    struct node *outer;
    struct entry *top;
    open_node(builder, right, &inner, &top, &outer);
    return make(builder, make(builder, left, entry, inner), top, outer);
}

static struct node *rotate_right(struct builder *builder, struct node *left, struct entry *entry, struct node *right)
{
    struct node *inner;
    struct node *outer;
    struct entry *top;
    open_node(builder, left, &outer, &top, &inner);
    return make(builder, outer, top, make(builder, inner, entry, right));
}

/* Puts together trees whose heights differ by at most two. */
static struct node *balance(struct builder *builder, struct node *left, struct entry *entry, struct node *right)
{
    struct node *low;
    struct node *high;
    struct entry *middle;
    if (right && height(right) > height(left) + 1) {
        if (height(right->left) > height(right->right)) {
            open_node(builder, right, &low, &middle, &high);
            right = rotate_right(builder, low, middle, high);
        }
        return right ? rotate_left(builder, left, entry, right) : make(builder, left, entry, NULL);
    }
    if (left && height(left) > height(right) + 1) {
        if (height(left->right) > height(left->left)) {
            open_node(builder, left, &low, &middle, &high);
            left = rotate_left(builder, low, middle, high);
        }
        return left ? rotate_right(builder, left, entry, right) : make(builder, NULL, entry, right);
    }
    return make(builder, left, entry, right);
}

/* All keys of `left` are below the entry's, all of `right` above. */
// NOLINTNEXTLINE(misc-no-recursion)
static struct node *join(struct builder *builder, struct node *left, struct entry *entry, struct node *right)
{
    struct node *low;
    struct node *high;
    struct entry *middle;
    if (left && height(left) > height(right) + 1) {
        open_node(builder, left, &low, &middle, &high);
        return balance(builder, low, middle, join(builder, high, entry, right));
    }
    if (right && height(right) > height(left) + 1) {
        open_node(builder, right, &low, &middle, &high);
        return balance(builder, join(builder, left, entry, low), middle, high);
    }
    return make(builder, left, entry, right);
}

static int order(const void *a, size_t a_size, const void *b, size_t b_size)
{
    int difference = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return difference ? difference : (a_size > b_size) - (a_size < b_size);
}

static int compare(const struct entry *entry, const void *key, size_t key_size)
{
    return order(entry->bytes, entry->key_size, key, key_size);
}

/* Where a split falls: below a key, or behind all that begins with it. */
struct cut {
    const void *key;
    size_t key_size;
    bool behind_prefix;
};

static bool before_cut(const struct entry *entry, const struct cut *cut)
{
    if (cut->behind_prefix && entry->key_size >= cut->key_size)
        return memcmp(entry->bytes, cut->key, cut->key_size) <= 0;
    return compare(entry, cut->key, cut->key_size) < 0;
}

// NOLINTNEXTLINE(misc-no-recursion)
static void split(struct builder *builder, struct node *tree, const struct cut *cut, struct node **left, struct node **right)
{
    if (!tree) {
        *left = *right = NULL;
        return;
    }
    struct node *low;
    struct node *high;
    struct entry *middle;
    open_node(builder, tree, &low, &middle, &high);
    if (before_cut(middle, cut)) {
        struct node *below;
        split(builder, high, cut, &below, right);
        *left = join(builder, low, middle, below);
    } else {
        struct node *above;
        split(builder, low, cut, left, &above);
        *right = join(builder, above, middle, high);
    }
}

/* Takes the greatest entry out of a tree that is not empty. */
// NOLINTNEXTLINE(misc-no-recursion)
static struct node *take_last(struct builder *builder, struct node *tree, struct entry **last)
{
    struct node *low;
    struct node *high;
    struct entry *middle;
    open_node(builder, tree, &low, &middle, &high);
    if (!high) {
        *last = middle;
        return low;
    }
    return join(builder, low, middle, take_last(builder, high, last));
}

static struct node *concatenate(struct builder *builder, struct node *left, struct node *right)
{
    if (!left)
        return right;
    struct entry *last;
    left = take_last(builder, left, &last);
    return join(builder, left, last, right);
}

static const struct entry *find(const struct node *node, const void *key, size_t key_size)
{
    while (node) {
        int difference = compare(node->entry, key, key_size);
        if (difference == 0)
            return node->entry;
        node = difference > 0 ? node->left : node->right;
    }
    return NULL;
}

/* ---- opening and closing ---- */

static int32_t state_open(const char *location, bool read_only, const trading_host_functions *host, void **store,
                          trading_error *error)
{
    (void)location;
    if (!host || !store)
        return error_set(error, TRADING_E_INVALID, "opening a state store needs a host and a place for the handle");
    if (read_only)
        return error_set(error, TRADING_E_NOT_FOUND, "a state store in memory begins empty, so there is nothing to read");
    struct memory_state *state = host->allocate(host->context, sizeof *state);
    if (!state)
        return error_no_memory(error, "a state store");
    *state = (struct memory_state){0};
    state->memory = (struct memory){.allocate = host->allocate, .release = host->release, .context = host->context};
    pthread_mutex_init(&state->lock, NULL);
    pthread_cond_init(&state->write_ended, NULL);
    memory_blobs_open(&state->blobs, &state->memory);
    state_files_in_memory(&state->files);
    *store = state;
    return TRADING_OK;
}

static void state_close(void *store)
{
    struct memory_state *state = store;
    if (!state)
        return;
    drop(&state->memory, state->root);
    memory_blobs_close(&state->blobs);
    state_files_close(&state->files);
    pthread_cond_destroy(&state->write_ended);
    pthread_mutex_destroy(&state->lock);
    struct memory memory = state->memory; /* it is in what is freed */
    memory_release(&memory, state, sizeof *state);
}

/* ---- writing ---- */

static int32_t state_begin(void *store, void **write, trading_error *error)
{
    (void)error;
    struct memory_state *state = store;
    pthread_mutex_lock(&state->lock);
    while (state->writing)
        pthread_cond_wait(&state->write_ended, &state->lock);
    state->writing = true;
    state->write = (struct write){.state = state, .root = hold(state->root)};
    pthread_mutex_unlock(&state->lock);
    *write = &state->write;
    return TRADING_OK;
}

/* Ends the write, with its version in place of the committed one or without. */
static void end(struct write *write, bool keep)
{
    struct memory_state *state = write->state;
    struct node *old = write->root;
    pthread_mutex_lock(&state->lock);
    if (keep) {
        old = state->root;
        state->root = write->root;
    }
    state->writing = false;
    pthread_cond_signal(&state->write_ended);
    pthread_mutex_unlock(&state->lock);
    drop(&state->memory, old);
}

static int32_t state_commit(void *write, bool sync, trading_error *error)
{
    (void)sync;
    (void)error;
    end(write, true);
    return TRADING_OK;
}

static void state_abort(void *write)
{
    end(write, false);
}

static struct entry *make_entry(struct memory *memory, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct entry *entry = memory_allocate(memory, sizeof *entry + key_size + value_size);
    if (!entry)
        return NULL;
    atomic_init(&entry->references, 1);
    entry->key_size = (uint32_t)key_size;
    entry->value_size = value_size;
    memcpy(entry->bytes, key, key_size);
    if (value_size)
        memcpy(entry->bytes + key_size, value, value_size);
    return entry;
}

/* Replaces what lies between two cuts by an entry, or by nothing. The write is as it was when memory runs out. */
static int32_t replace(struct write *write, const struct cut *from, const struct cut *to, struct entry *entry,
                       trading_error *error)
{
    struct builder builder = {.memory = &write->state->memory};
    struct node *left;
    struct node *right;
    struct node *between;
    split(&builder, hold(write->root), from, &left, &right);
    split(&builder, right, to, &between, &right);
    drop(builder.memory, between);
    struct node *root = entry ? join(&builder, left, entry, right) : concatenate(&builder, left, right);
    struct node *old = builder.failed ? root : write->root;
    if (!builder.failed)
        write->root = root;
    drop(builder.memory, old);
    return builder.failed ? error_no_memory(error, "the state store") : TRADING_OK;
}

static int32_t replace_key(struct write *write, const void *key, size_t key_size, struct entry *entry, trading_error *error)
{
    /* Nothing lies between a key and the same key with a zero byte after it but the key. */
    uint8_t next[STATE_KEY_BYTES + 1] = {0};
    memcpy(next, key, key_size);
    struct cut from = {.key = key, .key_size = key_size};
    struct cut to = {.key = next, .key_size = key_size + 1};
    return replace(write, &from, &to, entry, error);
}

static int32_t state_put(void *write, const void *key, size_t key_size, const void *value, size_t value_size,
                         trading_error *error)
{
    struct write *with = write;
    int32_t code = check_state_key(key, key_size, error);
    if (!code)
        code = check_state_value(value, value_size, error);
    if (code)
        return code;
    struct entry *entry = make_entry(&with->state->memory, key, key_size, value, value_size);
    return entry ? replace_key(with, key, key_size, entry, error) : error_no_memory(error, "the state store");
}

static int32_t state_remove(void *write, const void *key, size_t key_size, trading_error *error)
{
    struct write *with = write;
    int32_t code = check_state_key(key, key_size, error);
    if (!code && find(with->root, key, key_size))
        code = replace_key(with, key, key_size, NULL, error);
    return code;
}

static int32_t state_remove_all(void *write, const void *prefix, size_t prefix_size, trading_error *error)
{
    int32_t code = check_state_scan(prefix, prefix_size, NULL, 0, error);
    if (code)
        return code;
    const void *key = prefix_size ? prefix : "";
    struct cut from = {.key = key, .key_size = prefix_size};
    struct cut to = {.key = key, .key_size = prefix_size, .behind_prefix = true};
    return replace(write, &from, &to, NULL, error);
}

/* ---- reading ---- */

/* The version to read: the write's, or the committed one. */
static struct node *version(struct memory_state *state, const struct write *write)
{
    if (write)
        return hold(write->root);
    pthread_mutex_lock(&state->lock);
    struct node *root = hold(state->root);
    pthread_mutex_unlock(&state->lock);
    return root;
}

static int32_t state_get(void *store, void *write, const void *key, size_t key_size,
                         void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error)
{
    struct memory_state *state = store;
    int32_t code = check_state_key(key, key_size, error);
    if (code)
        return code;
    struct node *root = version(state, write);
    const struct entry *entry = find(root, key, key_size);
    if (entry)
        take(arg, entry->bytes + entry->key_size, entry->value_size);
    drop(&state->memory, root);
    return entry ? TRADING_OK : error_set(error, TRADING_E_NOT_FOUND, "the state store has no such key");
}

struct scan {
    struct cut from;
    struct cut to;
    int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size);
    void *arg;
};

/* Nonzero when the taker ended it. */
// NOLINTNEXTLINE(misc-no-recursion)
static int scan_tree(const struct node *node, const struct scan *scan)
{
    if (!node)
        return 0;
    const struct entry *entry = node->entry;
    bool low = before_cut(entry, &scan->from);
    bool high = !before_cut(entry, &scan->to);
    int ended = low ? 0 : scan_tree(node->left, scan);
    if (!ended && !low && !high)
        ended = scan->take(scan->arg, entry->bytes, entry->key_size, entry->bytes + entry->key_size, entry->value_size);
    return ended || high ? ended : scan_tree(node->right, scan);
}

static int32_t state_scan(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                          int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size),
                          void *arg, trading_error *error)
{
    struct memory_state *state = store;
    int32_t code = check_state_scan(prefix, prefix_size, from, from_size, error);
    if (code)
        return code;
    const void *start = prefix_size ? prefix : "";
    struct scan scan = {.take = take, .arg = arg};
    scan.from = (struct cut){.key = start, .key_size = prefix_size};
    scan.to = (struct cut){.key = start, .key_size = prefix_size, .behind_prefix = true};
    if (from && order(from, from_size, start, prefix_size) > 0)
        scan.from = (struct cut){.key = from, .key_size = from_size};
    struct node *root = version(state, write);
    scan_tree(root, &scan);
    drop(&state->memory, root);
    return TRADING_OK;
}

/* ---- blobs ---- */

static int32_t state_blob_create(void *store, uint64_t number, void **blob, trading_error *error)
{
    struct memory_state *state = store;
    return memory_blobs_create(&state->blobs, number, blob, error);
}

static int32_t state_blob_map(void *store, uint64_t number, struct state_blob *blob, trading_error *error)
{
    struct memory_state *state = store;
    return memory_blobs_map(&state->blobs, number, blob, error);
}

static void state_blob_unmap(void *store, struct state_blob *blob)
{
    struct memory_state *state = store;
    memory_blobs_unmap(&state->blobs, blob);
}

static int32_t state_blob_drop(void *store, uint64_t number, trading_error *error)
{
    (void)error;
    struct memory_state *state = store;
    memory_blobs_drop(&state->blobs, number);
    return TRADING_OK;
}

static int32_t state_blob_list(void *store, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error)
{
    (void)error;
    struct memory_state *state = store;
    memory_blobs_list(&state->blobs, take, arg);
    return TRADING_OK;
}

const struct state_store_ops memory_state_store_ops = {
    .open = state_open,
    .close = state_close,
    .begin = state_begin,
    .put = state_put,
    .remove = state_remove,
    .remove_all = state_remove_all,
    .commit = state_commit,
    .abort = state_abort,
    .get = state_get,
    .scan = state_scan,
    .blob_create = state_blob_create,
    .blob_append = memory_blob_append,
    .blob_seal = memory_blob_seal,
    .blob_abandon = memory_blob_abandon,
    .blob_map = state_blob_map,
    .blob_unmap = state_blob_unmap,
    .blob_drop = state_blob_drop,
    .blob_list = state_blob_list,
    .file_size = state_files_size,
    .file_read = state_files_read,
    .file_write = state_files_write,
    .file_sync = state_files_sync,
    .file_cut = state_files_cut,
    .file_map = state_files_map,
    .file_unmap = state_files_unmap,
};
