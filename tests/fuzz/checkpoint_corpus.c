/* Writes the corpus of checkpoint_fuzz.c into a folder: a checkpoint, keys and a snapshot as the library writes them, with their
 * checksums and without. What is called older there is of a library that knew no columns. usage: checkpoint-corpus FOLDER */
#include "keys/keys.h"
#include "state/checkpoint.h"
#include "state/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 300u /* in runs that are short enough for an input */

struct file {
    FILE *whole;
    FILE *bare; /* without checksums */
    uint32_t values;
};

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "checkpoint-corpus: %s\n", what);
    exit(1);
}

static FILE *create(const char *folder, const char *name, const char *suffix, int first)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "wb");
    check(file && fputc(first, file) == first, path);
    return file;
}

static struct file open_files(const char *folder, const char *name, int what)
{
    return (struct file){create(folder, name, "", what), create(folder, name, "-bare", what | 4), 0};
}

static void close_files(struct file *file)
{
    check(!fclose(file->whole) && !fclose(file->bare), "cannot write");
}

static void put_length(FILE *file, size_t size)
{
    check(size <= UINT16_MAX && fputc((int)(size & 255), file) != EOF && fputc((int)(size >> 8), file) != EOF, "too long");
}

static void put(FILE *file, const void *bytes, size_t size)
{
    check(fwrite(bytes, 1, size, file) == size, "cannot write");
}

/* ---- the state store's ---- */

static void take_first(void *arg, const void *value, size_t size)
{
    struct file *file = arg;
    put_length(file->whole, size);
    put(file->whole, value, size);
    put_length(file->bare, size - 16);
    put(file->bare, value, size - 16);
}

static void put_blob(struct file *file, const struct state_store *store, uint64_t number)
{
    struct state_blob blob;
    check(!store->ops->blob_map(store->store, number, &blob, NULL), "no blob");
    put_length(file->whole, blob.size);
    put(file->whole, blob.bytes, blob.size);
    put_length(file->bare, blob.size);
    put(file->bare, blob.bytes, blob.size);
    store->ops->blob_unmap(store->store, &blob);
}

/* Sums that stand within are left, and made again. */
static void put_value(struct file *file, const void *bytes, size_t size)
{
    put_length(file->whole, size);
    put(file->whole, bytes, size);
    put_length(file->bare, size);
    put(file->bare, bytes, size);
}

static void take_within(void *arg, const void *value, size_t size)
{
    put_value(arg, value, size);
}

static void put_state_file(struct file *file, const struct state_store *store, uint32_t number, size_t size)
{
    static uint8_t bytes[65536];
    check(size <= sizeof bytes && !store->ops->file_read(store->store, number, 0, bytes, size, NULL), "no state file");
    put_value(file, bytes, size);
}

/* With a log that is pending: of the second page of table 9. */
static void write_checkpoint(const char *folder, struct tables *tables, struct table *table, struct memory *memory,
                             const struct state_store *store)
{
    struct file file = open_files(folder, "checkpoint", 1);
    for (uint32_t turn = 0; turn < 2; turn++) {
        struct pin *pin = tables_hold(tables);
        check(pin && !checkpoint_write(tables, pin, turn == 0, store, memory, "meta", 4, NULL), "no checkpoint");
        tables_unpin(pin);
        tables_begin(tables);
        memset(table_edit(table, 17), 5, 8);
        tables_install(tables);
    }
    check(!store->ops->get(store->store, NULL, "\001c", 2, take_first, &file, NULL), "no shape");
    check(!store->ops->get(store->store, NULL, "\001l", 2, take_within, &file, NULL), "no log");
    put_state_file(&file, store, 0, TABLE_PAGE_BYTES);
    put_state_file(&file, store, 9, (size_t)2 * TABLE_PAGE_BYTES);
    put_state_file(&file, store, STATE_FILES - 1, (size_t)2 * TABLE_PAGE_BYTES);
    close_files(&file);
}

static void write_keys(const char *folder, struct memory *memory, const struct state_store *store)
{
    struct file file = open_files(folder, "keys", 2);
    struct keys *keys;
    struct keys_options options = {.young = 100};
    check(!keys_open(&keys, memory, store, &options, NULL), "no keys");
    for (uint32_t i = 0; i < KEYS; i++)
        check(keys_insert(keys, i * UINT64_C(0x9E3779B97F4A7C15), i, i), "no memory");
    keys_durable(keys, KEYS);
    check(!keys_settle(keys, NULL), "keys are not stored");
    keys_close(keys);
    for (uint64_t number = 0; number <= KEYS / 100; number++)
        put_blob(&file, store, number);
    close_files(&file);
}

/* ---- the event store's ---- */

static int32_t take_chunk(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                          int32_t last, trading_error *error)
{
    (void)partition, (void)position, (void)error;
    struct file *file = store;
    put_length(file->whole, size);
    put(file->whole, data, size);
    if (!last) {
        put_length(file->bare, chunk ? size : size - SHAPE_SUM_BYTES);
        put(file->bare, data, chunk ? size : size - SHAPE_SUM_BYTES);
    }
    return TRADING_OK;
}

static void write_snapshot(const char *folder, struct tables *tables, struct pin *pin, struct memory *memory)
{
    static const trading_store_ops ops = {.size = sizeof ops, .snapshot_put = take_chunk};
    struct file file = open_files(folder, "snapshot", 0);
    struct snapshot_place place = {.ops = &ops, .store = &file};
    check(!snapshot_write(tables, pin, "meta", 4, &place, NULL, memory, NULL), "no snapshot");
    close_files(&file);
}

static int32_t take_increment(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                              uint64_t size, int32_t last, trading_error *error)
{
    (void)partition, (void)error;
    struct file *file = store;
    uint64_t sums = chunk ? 0 : position ? 2 * SHAPE_SUM_BYTES : SHAPE_SUM_BYTES;
    put_length(file->whole, size);
    put(file->whole, data, size);
    file->values += position == 0;
    if (!last) {
        put_length(file->bare, size - sums);
        put(file->bare, data, size - sums);
    }
    return TRADING_OK;
}

static void edit_first(struct tables *tables, struct table *table)
{
    check(tables_begin(tables), "no memory");
    *(uint64_t *)table_edit(table, 1) = 77;
    tables_install(tables);
}

/* A whole one at position 0 of three chunks, and one at 1 that has a page of it. */
static void write_increment(const char *folder, struct tables *tables, struct table *table, struct memory *memory)
{
    static const trading_store_ops ops = {.size = sizeof ops, .snapshot_put = take_increment};
    static const uint8_t base_chunks[] = {3, 2};
    struct file file = open_files(folder, "increment", 3);
    struct snapshot_place place = {.ops = &ops, .store = &file};
    struct snapshot_base base = {.there = false};
    put_length(file.whole, 1);
    put(file.whole, &base_chunks[0], 1);
    put_length(file.bare, 1);
    put(file.bare, &base_chunks[1], 1);
    for (place.position = 0; place.position < 2; place.position++) {
        struct pin *pin = tables_pin(tables);
        check(!snapshot_write(tables, pin, "meta", 4, &place, &base, memory, NULL), "no snapshot");
        tables_unpin(pin);
        edit_first(tables, table);
    }
    check(file.values == base_chunks[0] && base.increments == 1, "it is no increment");
    close_files(&file);
}

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *block, size_t bytes)
{
    (void)context, (void)bytes;
    free(block);
}

int main(int argc, char **argv)
{
    check(argc == 2, "usage: checkpoint-corpus FOLDER");
    trading_host_functions host = {.size = sizeof host, .abi = TRADING_PLUGIN_ABI, .allocate = allocate, .release = release};
    struct state_store store = {.ops = &memory_state_store_ops};
    struct memory memory;
    struct tables *tables;
    struct table *small;
    struct table *large;
    memory_init(&memory);
    check(!store.ops->open("", false, &host, &store.store, NULL), "no store");
    check(!tables_open(&tables, &memory, 0, NULL) && !tables_add(tables, 0, 8, &small, NULL) &&
              !tables_add(tables, 9, 248, &large, NULL) && tables_begin(tables),
          "no tables");
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t number;
        *(uint64_t *)table_append(small, &number) = i;
        *(uint64_t *)table_append(large, &number) = i;
    }
    tables_install(tables);
    write_checkpoint(argv[1], tables, large, &memory, &store);
    write_keys(argv[1], &memory, &store);
    struct pin *pin = tables_pin(tables);
    write_snapshot(argv[1], tables, pin, &memory);
    tables_unpin(pin);
    write_increment(argv[1], tables, small, &memory);
    tables_close(tables);
    store.ops->close(store.store);
    return 0;
}
