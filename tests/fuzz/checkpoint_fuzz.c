/* What the state store and the event store give back when a checkpoint, the keys of commands or a snapshot is loaded, none of it
 * trusted. The input is values, each after its length in two bytes; the first byte says what they are, and whether their checksums are
 * made right: else no mutation would get past them. A trap is a property that does not hold. */
#include "base/bytes.h"
#include "keys/keys.h"
#include "keys/run_format.h"
#include "state/checkpoint.h"
#include "state/snapshot.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The first byte. */
#define IS_SNAPSHOT   0u
#define IS_CHECKPOINT 1u
#define IS_KEYS       2u
#define WHAT          3u
#define FIX_SUMS      4u

#define VALUES     64u
#define VALUE_MAX  8192u
#define MEMORY_MAX (64u << 20)

struct value {
    uint8_t *bytes; /* its own allocation, so that a read past its end is found */
    size_t size;
};

struct input {
    struct value values[VALUES];
    uint32_t count;
    bool fix_sums;
};

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* ---- memory with a limit, as a damaged count may ask for much ---- */

static void *allocate(void *context, size_t bytes)
{
    size_t *left = context;
    if (bytes > *left)
        return NULL;
    void *block = malloc(bytes);
    if (block)
        *left -= bytes;
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    *(size_t *)context += bytes;
    free(block);
}

/* ---- input ---- */

static void split(struct input *input, const uint8_t *data, size_t size)
{
    while (size >= 2 && input->count < VALUES) {
        size_t length = (size_t)data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        if (length > size)
            length = size;
        if (length > VALUE_MAX)
            length = VALUE_MAX;
        struct value *value = &input->values[input->count++];
        value->bytes = malloc(length + 64); /* room for a checksum */
        require(value->bytes);
        memcpy(value->bytes, data, length);
        value->size = length;
        data += length;
        size -= length;
    }
}

/* Exactly as long as it is. */
static void trim(struct input *input)
{
    for (uint32_t i = 0; i < input->count; i++) {
        struct value *value = &input->values[i];
        uint8_t *exact = malloc(value->size ? value->size : 1);
        require(exact);
        memcpy(exact, value->bytes, value->size);
        free(value->bytes);
        value->bytes = exact;
    }
}

static void append_sum(struct value *value, size_t skipped, size_t sum_bytes)
{
    size_t from = skipped < value->size ? skipped : value->size;
    crypto_generichash(value->bytes + value->size, sum_bytes, value->bytes + from, value->size - from, NULL, 0);
    value->size += sum_bytes;
}

/* ---- a state store whose first value is what is asked for by key, and whose others are scanned ---- */

static int32_t fuzz_get(void *store, void *write, const void *key, size_t key_size,
                        void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error)
{
    (void)write, (void)key, (void)key_size, (void)error;
    const struct input *input = store;
    if (!input->count)
        return TRADING_E_NOT_FOUND;
    take(arg, input->values[0].bytes, input->values[0].size);
    return TRADING_OK;
}

/* A value that is scanned begins with a byte of key size, then its key. */
static int32_t fuzz_scan(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                         int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size),
                         void *arg, trading_error *error)
{
    (void)write, (void)from, (void)from_size, (void)error;
    const struct input *input = store;
    for (uint32_t i = 1; i < input->count; i++) {
        const struct value *value = &input->values[i];
        size_t key_size = value->size ? value->bytes[0] : 0;
        if (!value->size || value->size - 1 < key_size)
            continue;
        const uint8_t *key = value->bytes + 1;
        if (key_size < prefix_size || memcmp(key, prefix, prefix_size) != 0)
            continue;
        if (take(arg, key, key_size, key + key_size, value->size - 1 - key_size))
            break;
    }
    return TRADING_OK;
}

static const struct state_store_ops fuzz_state_ops = {.get = fuzz_get, .scan = fuzz_scan};

/* Makes room for the sum where it stands in a page, and sets it: the key's place is what it is summed under. */
static void fix_scanned(struct value *value)
{
    size_t key_size = value->size ? value->bytes[0] : 0;
    if (key_size != 6u || value->size < 1 + key_size)
        return;
    uint8_t *key = value->bytes + 1;
    uint8_t *body = key + key_size;
    size_t size = value->size - 1 - key_size;
    uint32_t number;
    memcpy(&number, key + 2, sizeof number);
    uint32_t place[4] = {htole32(SHAPE_FORMAT), htole32(key[1]), htole32(be32toh(number)), htole32((uint32_t)size)};
    crypto_shorthash(body + size, body, size, (const unsigned char *)place);
    value->size += 8;
}

/* ---- blobs: each value by its number ---- */

static int32_t fuzz_blob_map(void *store, uint64_t number, struct state_blob *blob, trading_error *error)
{
    (void)error;
    const struct input *input = store;
    if (number >= input->count)
        return TRADING_E_NOT_FOUND;
    *blob = (struct state_blob){.bytes = input->values[number].bytes, .size = input->values[number].size};
    return TRADING_OK;
}

static void fuzz_blob_unmap(void *store, struct state_blob *blob)
{
    (void)store;
    *blob = (struct state_blob){0};
}

static int32_t fuzz_blob_create(void *store, uint64_t number, void **blob, trading_error *error)
{
    (void)store, (void)number, (void)blob, (void)error;
    return TRADING_E_NO_SPACE;
}

static int32_t fuzz_blob_drop(void *store, uint64_t number, trading_error *error)
{
    (void)store, (void)number, (void)error;
    return TRADING_OK;
}

static int32_t fuzz_blob_list(void *store, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error)
{
    (void)store, (void)take, (void)arg, (void)error;
    return TRADING_OK;
}

static const struct state_store_ops fuzz_blob_ops = {.blob_create = fuzz_blob_create,
                                                     .blob_map = fuzz_blob_map,
                                                     .blob_unmap = fuzz_blob_unmap,
                                                     .blob_drop = fuzz_blob_drop,
                                                     .blob_list = fuzz_blob_list};

/* A run's sums, as far as its footer says where they are. */
static void fix_run(struct value *value, uint64_t number)
{
    struct key_footer footer;
    if (value->size < sizeof footer)
        return;
    size_t end = value->size - sizeof footer;
    memcpy(&footer, value->bytes + end, sizeof footer);
    for (uint64_t page = 0; page < footer.pages && (page + 1) * sizeof(struct key_page) <= end; page++) {
        struct key_page *at = (struct key_page *)(void *)value->bytes + page;
        at->sum = key_page_sum(at, number, page);
    }
    size_t filter = footer.pages <= VALUE_MAX ? footer.pages * sizeof(struct key_page) : end;
    if (filter <= end)
        footer.filter_sum = key_sum(value->bytes + filter, (end - filter) / 8 * 8, number);
    footer.sum = key_footer_sum(&footer);
    memcpy(value->bytes + end, &footer, sizeof footer);
}

/* The manifest's sum, and in it the sums of the runs' footers. */
static void fix_manifest(struct input *input)
{
    struct value *value = &input->values[0];
    if (value->size < KEY_MAGIC_BYTES + 8 || value->size % 8)
        return;
    struct reader reader = {.at = value->bytes + KEY_MAGIC_BYTES, .end = value->bytes + value->size - 8};
    read_u64(&reader);
    read_u64(&reader);
    read_amount(&reader);
    read_bytes(&reader, 8);
    for (uint64_t count = read_u64(&reader); count && !reader.bad; count--) {
        uint64_t number = read_u64(&reader);
        uint8_t *sum = (uint8_t *)read_bytes(&reader, 8);
        if (sum && number < input->count && input->values[number].size >= 8)
            memcpy(sum, input->values[number].bytes + input->values[number].size - 8, 8);
    }
    uint64_t sum = key_sum(value->bytes, value->size - 8, KEY_FORMAT);
    memcpy(value->bytes + value->size - 8, &sum, sizeof sum);
}

static bool is_told(int32_t status)
{
    return status == TRADING_E_DAMAGED || status == TRADING_E_NEWER_FORMAT || status == TRADING_E_UNSUPPORTED ||
           status == TRADING_E_NOT_FOUND || status == TRADING_E_NO_MEMORY;
}

/* ---- what is loaded ---- */

static struct tables *open_tables(struct memory *memory)
{
    struct tables *tables;
    struct table *table;
    require(tables_open(&tables, memory, 0, NULL) == TRADING_OK);
    require(tables_add(tables, 0, 8, &table, NULL) == TRADING_OK);
    require(tables_add(tables, 9, 248, &table, NULL) == TRADING_OK);
    return tables;
}

/* What was loaded can be worked with. */
static void use_tables(struct tables *tables, const struct shape *shape)
{
    require(shape->meta_size <= SHAPE_META_BYTES);
    require(tables_count_at(tables, 0, NULL) == shape->counts[0] && tables_count_at(tables, 9, NULL) == shape->counts[9]);
    struct pin *pin = tables_pin(tables);
    require(pin);
    tables_unpin(pin);
}

static void load_checkpoint(struct input *input, struct memory *memory)
{
    for (uint32_t i = 0; input->fix_sums && i < input->count; i++) {
        if (i)
            fix_scanned(&input->values[i]);
        else
            append_sum(&input->values[0], 0, SHAPE_SUM_BYTES);
    }
    trim(input);
    struct state_store store = {&fuzz_state_ops, input};
    struct tables *tables = open_tables(memory);
    struct shape shape;
    int32_t status = checkpoint_load(tables, &store, &shape, NULL);
    if (status)
        require(is_told(status));
    else
        use_tables(tables, &shape);
    tables_close(tables);
}

static void load_keys(struct input *input, struct memory *memory)
{
    for (uint32_t i = 1; input->fix_sums && i < input->count; i++)
        fix_run(&input->values[i], i);
    if (input->fix_sums && input->count)
        fix_manifest(input);
    trim(input);
    struct state_store store = {&fuzz_blob_ops, input};
    struct keys_options options = {.young = 64};
    struct keys *keys;
    if (keys_open(&keys, memory, &store, &options, NULL))
        return;
    int64_t from = keys_stored(keys).next_position;
    for (uint64_t i = 0; i < 256; i++) {
        struct keys_cursor cursor = {{0, 0}};
        int64_t before = INT64_MAX;
        int64_t position;
        keys_prefetch(keys, i << 56);
        while ((position = keys_next(keys, i << 56, &cursor)) >= 0) {
            require(position < from && position < before);
            before = position;
        }
    }
    require(from == INT64_MAX || keys_insert(keys, 1, from, INT64_MAX));
    keys_discard(keys, from);
    keys_settle(keys, NULL);
    keys_close(keys);
}

static int32_t fuzz_snapshot_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                 void *arg, trading_error *error)
{
    (void)partition, (void)position, (void)error;
    const struct input *input = store;
    if (chunk >= input->count)
        return TRADING_E_NOT_FOUND;
    take(arg, input->values[chunk].bytes, input->values[chunk].size);
    return TRADING_OK;
}

static const trading_store_ops fuzz_ops = {.size = sizeof fuzz_ops, .snapshot_get = fuzz_snapshot_get};

/* The first chunk's shape gets its sum, and there is one more chunk with the sum of all. */
static void fix_snapshot(struct input *input)
{
    if (!input->count || input->count == VALUES)
        return;
    append_sum(&input->values[0], 2, SHAPE_SUM_BYTES);
    crypto_generichash_state sum;
    crypto_generichash_init(&sum, NULL, 0, 32);
    for (uint32_t i = 0; i < input->count; i++)
        crypto_generichash_update(&sum, input->values[i].bytes, input->values[i].size);
    struct value *last = &input->values[input->count++];
    last->bytes = malloc(last->size = 32);
    require(last->bytes);
    crypto_generichash_final(&sum, last->bytes, 32);
}

static void load_snapshot(struct input *input, struct memory *memory)
{
    if (input->fix_sums)
        fix_snapshot(input);
    trim(input);
    struct snapshot_place place = {.ops = &fuzz_ops, .store = input, .partition = 0, .position = 0};
    struct tables *tables = open_tables(memory);
    struct shape shape;
    int32_t status = snapshot_load(tables, &place, input->count, &shape, memory, NULL);
    if (status)
        require(is_told(status));
    else
        use_tables(tables, &shape);
    tables_close(tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || sodium_init() < 0)
        return 0;
    size_t left = MEMORY_MAX;
    struct memory memory = {.allocate = allocate, .release = release, .context = &left};
    struct input input = {.fix_sums = data[0] & FIX_SUMS};
    split(&input, data + 1, size - 1);
    switch (data[0] & WHAT) {
    case IS_SNAPSHOT:
        load_snapshot(&input, &memory);
        break;
    case IS_CHECKPOINT:
        load_checkpoint(&input, &memory);
        break;
    case IS_KEYS:
        load_keys(&input, &memory);
        break;
    default:
        break;
    }
    require(atomic_load(&memory.bytes) == 0 && left == MEMORY_MAX);
    for (uint32_t i = 0; i < input.count; i++)
        free(input.values[i].bytes);
    return 0;
}
