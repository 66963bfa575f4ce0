/* What the state store and the event store give back when a checkpoint, the keys of commands or a snapshot is loaded, none of it
 * trusted. The input is values, each after its length in two bytes; the first byte says what they are, and whether their checksums are
 * made right: else no mutation would get past them. A trap is a property that does not hold. */
#include "base/bytes.h"
#include "keys/keys.h"
#include "keys/run_format.h"
#include "state/checkpoint.h"
#include "state/snapshot_inside.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The first byte. */
#define IS_SNAPSHOT   0u
#define IS_CHECKPOINT 1u
#define IS_KEYS       2u
#define IS_INCREMENT  3u /* the first value says how many chunks the base has, which come first */
#define WHAT          3u
#define FIX_SUMS      4u

#define VALUES     64u
#define VALUE_MAX  16384u
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

/* ---- a state store: the shape, what is said of the log, and the files of both tables and of the log ---- */

#define SHAPE    0u
#define PENDING  1u
#define FILE_0   2u
#define FILE_9   3u
#define FILE_LOG 4u

static int32_t fuzz_get(void *store, void *write, const void *key, size_t key_size,
                        void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error)
{
    (void)write, (void)error;
    const struct input *input = store;
    require(key_size == 2);
    uint32_t at = ((const uint8_t *)key)[1] == 'c' ? SHAPE : PENDING;
    if (at >= input->count || (at == PENDING && !input->values[at].size))
        return TRADING_E_NOT_FOUND;
    take(arg, input->values[at].bytes, input->values[at].size);
    return TRADING_OK;
}

static int32_t fuzz_begin(void *store, void **write, trading_error *error)
{
    (void)error;
    *write = store;
    return TRADING_OK;
}

static int32_t fuzz_remove(void *write, const void *key, size_t key_size, trading_error *error)
{
    (void)write, (void)key, (void)key_size, (void)error;
    return TRADING_OK;
}

static int32_t fuzz_commit(void *write, bool sync, trading_error *error)
{
    (void)write, (void)sync, (void)error;
    return TRADING_OK;
}

static struct value *file_of(struct input *input, uint32_t file)
{
    static struct value none;
    uint32_t at = file == 0 ? FILE_0 : file == 9 ? FILE_9 : FILE_LOG;
    return at < input->count ? &input->values[at] : &none;
}

static int32_t fuzz_file_size(void *store, uint32_t file, uint64_t *bytes, trading_error *error)
{
    (void)error;
    *bytes = file_of(store, file)->size;
    return TRADING_OK;
}

static int32_t fuzz_file_read(void *store, uint32_t file, uint64_t offset, void *bytes, size_t size, trading_error *error)
{
    (void)error;
    const struct value *value = file_of(store, file);
    if (offset > value->size || value->size - offset < size)
        return TRADING_E_DAMAGED;
    memcpy(bytes, value->bytes + offset, size);
    return TRADING_OK;
}

/* What is written lies beyond, or is lost. */
static int32_t fuzz_file_write(void *store, uint32_t file, uint64_t offset, const void *bytes, size_t size,
                               trading_error *error)
{
    (void)error;
    const struct value *value = file_of(store, file);
    if (offset <= value->size && value->size - offset >= size)
        memcpy(value->bytes + offset, bytes, size);
    return TRADING_OK;
}

static int32_t fuzz_file_sync(void *store, uint32_t file, trading_error *error)
{
    (void)store, (void)file, (void)error;
    return TRADING_OK;
}

static int32_t fuzz_file_cut(void *store, uint32_t file, uint64_t bytes, trading_error *error)
{
    (void)store, (void)file, (void)bytes, (void)error;
    return TRADING_OK;
}

static int32_t fuzz_file_map(void *store, uint32_t file, uint64_t offset, size_t size, void **mapping, trading_error *error)
{
    (void)error;
    const struct value *value = file_of(store, file);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (*mapping ? MAP_FIXED : 0);
    if ((*mapping = mmap(*mapping, size, PROT_READ | PROT_WRITE, flags, -1, 0)) == MAP_FAILED)
        return TRADING_E_NO_MEMORY;
    if (offset < value->size)
        memcpy(*mapping, value->bytes + offset, value->size - offset < size ? value->size - offset : size);
    return TRADING_OK;
}

static void fuzz_file_unmap(void *store, void *mapping, size_t size)
{
    (void)store;
    munmap(mapping, size);
}

static const struct state_store_ops fuzz_state_ops = {.get = fuzz_get,
                                                      .begin = fuzz_begin,
                                                      .remove = fuzz_remove,
                                                      .commit = fuzz_commit,
                                                      .file_size = fuzz_file_size,
                                                      .file_read = fuzz_file_read,
                                                      .file_write = fuzz_file_write,
                                                      .file_sync = fuzz_file_sync,
                                                      .file_cut = fuzz_file_cut,
                                                      .file_map = fuzz_file_map,
                                                      .file_unmap = fuzz_file_unmap};

static void fix_pages(struct value *value, uint32_t id)
{
    for (uint32_t page = 0; (page + UINT64_C(1)) * TABLE_PAGE_BYTES <= value->size; page++) {
        uint8_t *bytes = value->bytes + (size_t)page * TABLE_PAGE_BYTES;
        uint64_t sum = page_sum(id, page, bytes);
        memcpy(bytes + TABLE_IMAGE_BYTES, &sum, sizeof sum);
    }
}

/* One group: its directory, and its pages by what that says of them. */
static void fix_log(struct value *value, uint64_t generation)
{
    if (value->size < TABLE_PAGE_BYTES)
        return;
    for (uint32_t i = 0; (i + UINT64_C(2)) * TABLE_PAGE_BYTES <= value->size; i++) {
        uint32_t entry[2];
        uint8_t *bytes = value->bytes + (i + (size_t)1) * TABLE_PAGE_BYTES;
        memcpy(entry, value->bytes + 16 + i * sizeof entry, sizeof entry);
        uint64_t sum = page_sum(le32toh(entry[0]), le32toh(entry[1]), bytes);
        memcpy(bytes + TABLE_IMAGE_BYTES, &sum, sizeof sum);
    }
    uint64_t key[2] = {htole64(generation), 0};
    crypto_shorthash(value->bytes + TABLE_IMAGE_BYTES, value->bytes, TABLE_IMAGE_BYTES, (const unsigned char *)key);
}

static void fix_checkpoint(struct input *input)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "a pending log";
    uint64_t generation = 0;
    if (input->count > SHAPE)
        append_sum(&input->values[SHAPE], 0, SHAPE_SUM_BYTES);
    if (input->count > PENDING && input->values[PENDING].size == 24) {
        uint8_t *pending = input->values[PENDING].bytes;
        memcpy(&generation, pending, sizeof generation);
        crypto_shorthash(pending + 16, pending, 16, key);
    }
    if (input->count > FILE_0)
        fix_pages(&input->values[FILE_0], 0);
    if (input->count > FILE_9)
        fix_pages(&input->values[FILE_9], 9);
    if (input->count > FILE_LOG)
        fix_log(&input->values[FILE_LOG], le64toh(generation));
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
        footer.filter_sum = checksum(value->bytes + filter, (end - filter) / 8 * 8, number);
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
    uint64_t sum = checksum(value->bytes, value->size - 8, KEY_FORMAT);
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

/* As beside the writer, and as the writer. */
static void load_checkpoint(struct input *input, struct memory *memory)
{
    if (input->fix_sums)
        fix_checkpoint(input);
    trim(input);
    struct state_store store = {&fuzz_state_ops, input};
    for (uint32_t back = 0; back < 2; back++) {
        struct tables *tables = open_tables(memory);
        struct shape shape;
        int32_t status = checkpoint_load(tables, &store, back, memory, &shape, NULL);
        if (status)
            require(is_told(status));
        else
            use_tables(tables, &shape);
        tables_close(tables);
    }
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
        struct keys_cursor cursor = {0};
        int64_t before = INT64_MAX;
        int64_t position;
        keys_prefetch(keys, i << 56, 0);
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

/* One more chunk, with the sum of all: as this library does it, or older ones, by the format that stands there in the first chunk. */
static void append_last(struct input *input, size_t format_at)
{
    const struct value *first = &input->values[0];
    bool older = first->size > format_at && first->bytes[format_at] < SNAPSHOT_FORMAT;
    crypto_generichash_state sum;
    crypto_generichash_init(&sum, NULL, 0, 32);
    for (uint32_t i = 0; i < input->count; i++) {
        if (older)
            crypto_generichash_update(&sum, input->values[i].bytes, input->values[i].size);
        else
            sum_chunk(&sum, input->values[i].bytes, input->values[i].size);
    }
    struct value *last = &input->values[input->count++];
    last->bytes = malloc(last->size = 32);
    require(last->bytes);
    crypto_generichash_final(&sum, last->bytes, 32);
}

#define WHOLE_SHAPE_AT 2u /* behind partition and position */

/* And the first chunk's shape gets its sum. */
static void fix_snapshot(struct input *input)
{
    if (!input->count || input->count == VALUES)
        return;
    append_sum(&input->values[0], WHOLE_SHAPE_AT, SHAPE_SUM_BYTES);
    append_last(input, WHOLE_SHAPE_AT);
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

/* ---- an increment at position 1 of a snapshot at position 0 ---- */

#define BASE_SUM_AT 5u /* behind partition, position, format, base and depth, a byte each */
#define SHAPE_AT    (BASE_SUM_AT + SNAPSHOT_SUM_BYTES)

struct chain {
    struct input below;
    struct input above;
};

static int32_t chain_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take, void *arg,
                         trading_error *error)
{
    struct chain *chain = store;
    return fuzz_snapshot_get(position ? &chain->above : &chain->below, partition, position, chunk, take, arg, error);
}

static int32_t chain_find(void *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                          trading_error *error)
{
    (void)partition, (void)at_most, (void)error;
    const struct chain *chain = store;
    *position = 0;
    *chunks = chain->below.count;
    return TRADING_OK;
}

static const trading_store_ops chain_ops = {.size = sizeof chain_ops, .snapshot_get = chain_get, .snapshot_find = chain_find};

static void fix_chain(struct chain *chain)
{
    struct value *first = &chain->above.values[0];
    fix_snapshot(&chain->below);
    const struct value *last = &chain->below.values[chain->below.count ? chain->below.count - 1 : 0];
    if (!chain->above.count || chain->above.count == VALUES || first->size < SHAPE_AT)
        return;
    if (last->size == SNAPSHOT_SUM_BYTES)
        memcpy(first->bytes + BASE_SUM_AT, last->bytes, SNAPSHOT_SUM_BYTES);
    append_sum(first, SHAPE_AT, SHAPE_SUM_BYTES);
    append_sum(first, WHOLE_SHAPE_AT, SHAPE_SUM_BYTES);
    append_last(&chain->above, SHAPE_AT);
}

static void load_increment(struct input *input, struct memory *memory)
{
    struct chain chain = {0};
    uint32_t below = input->count && input->values[0].size ? input->values[0].bytes[0] : 0;
    for (uint32_t i = 1; i < input->count; i++) {
        struct input *part = i <= below ? &chain.below : &chain.above;
        part->values[part->count++] = input->values[i];
    }
    input->count = input->count ? 1 : 0; /* the others are the chain's */
    if (input->fix_sums)
        fix_chain(&chain);
    trim(&chain.below);
    trim(&chain.above);
    struct snapshot_place place = {.ops = &chain_ops, .store = &chain, .partition = 0, .position = 1};
    struct tables *tables = open_tables(memory);
    struct shape shape;
    int32_t status = snapshot_load(tables, &place, chain.above.count, &shape, memory, NULL);
    if (status)
        require(is_told(status));
    else
        use_tables(tables, &shape);
    tables_close(tables);
    for (uint32_t i = 0; i < chain.below.count; i++)
        free(chain.below.values[i].bytes);
    for (uint32_t i = 0; i < chain.above.count; i++)
        free(chain.above.values[i].bytes);
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
        load_increment(&input, &memory);
        break;
    }
    require(atomic_load(&memory.bytes) == 0 && left == MEMORY_MAX);
    for (uint32_t i = 0; i < input.count; i++)
        free(input.values[i].bytes);
    return 0;
}
