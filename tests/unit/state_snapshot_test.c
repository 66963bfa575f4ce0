/* Snapshots into an event store and back; whatever may be wrong with one is told, never a crash. */
#include "base/error.h"
#include "base/pack.h"
#include "older_snapshot.h"
#include "state_test.h"

#include <endian.h>
#include <string.h>

/* ---- an event store that keeps the chunks of one snapshot ---- */

#define CHUNKS 64u

struct shelf {
    uint8_t *data[CHUNKS];
    uint64_t size[CHUNKS];
    uint32_t count;
    bool whole;
    uint32_t left; /* puts until it fails */
    bool silent;   /* gives nothing and says that all is well */
};

static int32_t shelf_put(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                         int32_t last, trading_error *error)
{
    struct shelf *shelf = store;
    assert_int_equal(partition, 7);
    assert_true(position == 1234567);
    assert_int_equal(chunk, shelf->count);
    assert_true(chunk < CHUNKS && !shelf->whole);
    if (!shelf->left--)
        return error_set(error, TRADING_E_NO_SPACE, "full");
    shelf->data[chunk] = malloc(size);
    memcpy(shelf->data[chunk], data, size);
    shelf->size[chunk] = size;
    shelf->count++;
    shelf->whole = last;
    return TRADING_OK;
}

static int32_t shelf_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take, void *arg,
                         trading_error *error)
{
    (void)partition, (void)position;
    struct shelf *shelf = store;
    if (chunk >= shelf->count)
        return error_set(error, TRADING_E_NOT_FOUND, "no such chunk");
    if (!shelf->silent)
        take(arg, shelf->data[chunk], shelf->size[chunk]);
    return TRADING_OK;
}

static const trading_store_ops shelf_ops = {.size = sizeof shelf_ops, .snapshot_put = shelf_put, .snapshot_get = shelf_get};

static void shelf_clear(struct shelf *shelf)
{
    for (uint32_t i = 0; i < shelf->count; i++)
        free(shelf->data[i]);
    *shelf = (struct shelf){.left = UINT32_MAX};
}

/* ---- tables ---- */

struct bed {
    struct scarce scarce;
    struct tables *tables;
    struct table *small;
    struct table *large;
    struct shelf shelf;
    struct snapshot_place place;
};

static void open_tables(struct bed *bed)
{
    assert_int_equal(tables_open(&bed->tables, &bed->scarce.memory, 1 << 16, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 0, 248, &bed->small, NULL), TRADING_OK);
    assert_int_equal(tables_add(bed->tables, 9, 2032, &bed->large, NULL), TRADING_OK);
}

static void bed_open(struct bed *bed)
{
    memset(bed, 0, sizeof *bed);
    scarce_init(&bed->scarce, UINT64_MAX);
    open_tables(bed);
    shelf_clear(&bed->shelf);
    bed->place = (struct snapshot_place){&shelf_ops, &bed->shelf, 7, 1234567};
}

static void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    shelf_clear(&bed->shelf);
    assert_true(memory_held(&bed->scarce.memory) == 0);
}

static void append(struct bed *bed, struct table *table, uint32_t words, uint32_t count, uint64_t seed)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        uint64_t *record = table_append(table, &number);
        for (uint32_t word = 0; word < words; word++)
            record[word] = random_next(&seed);
    }
    tables_install(bed->tables);
}

static void assert_appended(struct table *table, uint32_t words, uint32_t count, uint64_t seed)
{
    assert_int_equal(table_count(table), count);
    for (uint32_t number = 1; number <= count; number++) {
        uint64_t record[TABLE_RECORD_BYTES / 8];
        assert_int_equal(table_read(table, number, NULL, record), TABLE_FOUND);
        for (uint32_t word = 0; word < words; word++)
            assert_true(record[word] == random_next(&seed));
    }
}

static int32_t snapshot(struct bed *bed, const char *meta)
{
    struct pin *pin = tables_pin(bed->tables);
    int32_t status = snapshot_write(bed->tables, pin, meta, strlen(meta), &bed->place, NULL, &bed->scarce.memory, NULL);
    tables_unpin(pin);
    return status;
}

static int32_t load(struct bed *bed, struct shape *shape)
{
    trading_error error = {0};
    tables_close(bed->tables);
    open_tables(bed);
    int32_t status = snapshot_load(bed->tables, &bed->place, bed->shelf.count, shape, &bed->scarce.memory, &error);
    assert_int_equal(status, error.code);
    return status;
}

static void what_was_written_is_loaded(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 9000, 5); /* does not compress: 2.2 MB */
    append(&bed, bed.large, 2, 3000, 6);  /* compresses well: 6 MB */
    assert_int_equal(snapshot(&bed, "as of then"), TRADING_OK);
    assert_true(bed.shelf.whole);
    assert_true(bed.shelf.count > 8 && bed.shelf.count < 14);
    uint64_t total = 0;
    for (uint32_t i = 0; i < bed.shelf.count; i++) {
        assert_true(bed.shelf.size[i] <= SNAPSHOT_CHUNK_BYTES + 4);
        total += bed.shelf.size[i];
    }
    assert_true(total < 3000000);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    assert_int_equal(shape.meta_size, 10);
    assert_memory_equal(shape.meta, "as of then", 10);
    assert_appended(bed.small, 31, 9000, 5);
    assert_appended(bed.large, 2, 3000, 6);
    bed_close(&bed);
}

static int32_t write_older(struct bed *bed)
{
    struct snapshot_base none = {.there = false};
    struct pin *pin = tables_pin(bed->tables);
    int32_t status = older_snapshot_write(bed->tables, pin, &bed->place, &none, &bed->scarce.memory);
    tables_unpin(pin);
    return status;
}

static void what_an_older_library_wrote_is_loaded(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 9000, 5);
    append(&bed, bed.large, 2, 3000, 6);
    assert_int_equal(write_older(&bed), TRADING_OK);
    assert_true(bed.shelf.count > 8);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    assert_memory_equal(shape.meta, "meta", 4);
    assert_appended(bed.small, 31, 9000, 5);
    assert_appended(bed.large, 2, 3000, 6);
    bed_close(&bed);
}

/* ---- tables of many shapes ---- */

static const uint32_t record_bytes[] = {8, 16, 24, 40, 64, 120, 504, 1016, 1360, 1368, 2032, 2040};

#define SHAPES (sizeof record_bytes / sizeof *record_bytes)

static void open_many(struct memory *memory, struct tables **tables, struct table *many[SHAPES])
{
    assert_int_equal(tables_open(tables, memory, 1 << 16, NULL), TRADING_OK);
    for (uint32_t i = 0; i < SHAPES; i++)
        assert_int_equal(tables_add(*tables, i, record_bytes[i], &many[i], NULL), TRADING_OK);
}

/* Around the ends of a page and of a chunk. */
static uint32_t count_of(uint32_t i, uint32_t turn)
{
    uint32_t of_page = TABLE_IMAGE_BYTES / record_bytes[i];
    uint32_t of_chunk = SNAPSHOT_CHUNK_BYTES / (of_page * record_bytes[i]) * of_page;
    const uint32_t counts[] = {
        0, 1, of_page - 2, of_page - 1, of_page, of_page + 1, of_chunk - 1, of_chunk, of_chunk + of_page};
    return counts[(i + turn) % (sizeof counts / sizeof *counts)];
}

static void every_shape_of_table_comes_back(void **state)
{
    (void)state;
    for (uint32_t turn = 0; turn < 9; turn++) {
        struct bed bed;
        struct shape shape;
        struct table *many[SHAPES];
        bed_open(&bed);
        tables_close(bed.tables);
        open_many(&bed.scarce.memory, &bed.tables, many);
        for (uint32_t i = 0; i < SHAPES; i++)
            append(&bed, many[i], record_bytes[i] / 8, count_of(i, turn), turn + 1);
        assert_int_equal(snapshot(&bed, ""), TRADING_OK);
        tables_close(bed.tables);
        open_many(&bed.scarce.memory, &bed.tables, many);
        assert_int_equal(snapshot_load(bed.tables, &bed.place, bed.shelf.count, &shape, &bed.scarce.memory, NULL), TRADING_OK);
        for (uint32_t i = 0; i < SHAPES; i++)
            assert_appended(many[i], record_bytes[i] / 8, count_of(i, turn), turn + 1);
        bed_close(&bed);
    }
}

static void empty_tables_make_a_snapshot_too(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    assert_int_equal(bed.shelf.count, 2);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    assert_int_equal(table_count(bed.small), 0);
    append(&bed, bed.small, 31, 3, 5);
    assert_appended(bed.small, 31, 3, 5);
    bed_close(&bed);
}

static void a_snapshot_is_as_of_its_pin(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    bed_open(&bed);
    append(&bed, bed.small, 31, 10, 5);
    struct pin *pin = tables_pin(bed.tables);
    assert_true(tables_begin(bed.tables));
    *(uint64_t *)table_edit(bed.small, 3) = 0;
    tables_install(bed.tables);
    append(&bed, bed.small, 31, 10, 77);
    assert_int_equal(snapshot_write(bed.tables, pin, NULL, 0, &bed.place, NULL, &bed.scarce.memory, &error), TRADING_OK);
    tables_unpin(pin);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    assert_appended(bed.small, 31, 10, 5);
    bed_close(&bed);
}

static void failures_on_the_way_are_told(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    trading_error error;
    uint8_t meta[SHAPE_META_BYTES + 1] = {0};
    bed_open(&bed);
    append(&bed, bed.small, 31, 4000, 5); /* 992,000 bytes, and 512 more do not fit the same chunk */
    append(&bed, bed.large, 254, 100, 5);
    struct pin *pin = tables_pin(bed.tables);
    assert_int_equal(snapshot_write(bed.tables, pin, meta, sizeof meta, &bed.place, NULL, &bed.scarce.memory, &error),
                     TRADING_E_INVALID);
    for (uint32_t left = 0; left < 4; left++) {
        shelf_clear(&bed.shelf);
        bed.shelf.left = left;
        assert_int_equal(snapshot_write(bed.tables, pin, meta, 1, &bed.place, NULL, &bed.scarce.memory, &error),
                         TRADING_E_NO_SPACE);
        assert_int_equal(bed.shelf.count, left);
        assert_false(bed.shelf.whole);
    }
    for (uint64_t granted = 0; granted < 4; granted++) {
        shelf_clear(&bed.shelf);
        bed.scarce.left = granted;
        assert_int_equal(snapshot_write(bed.tables, pin, meta, 1, &bed.place, NULL, &bed.scarce.memory, &error),
                         TRADING_E_NO_MEMORY);
    }
    bed.scarce.left = UINT64_MAX;
    assert_true(tables_begin(bed.tables));
    for (uint32_t number = 1; number <= 4000; number++)
        *(uint64_t *)table_edit(bed.small, number) = 0;
    tables_install(bed.tables);
    shelf_clear(&bed.shelf);
    assert_int_equal(snapshot_write(bed.tables, pin, meta, 1, &bed.place, NULL, &bed.scarce.memory, &error),
                     TRADING_E_VIEW_EXPIRED);
    assert_false(bed.shelf.whole);
    tables_unpin(pin);

    shelf_clear(&bed.shelf);
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    bool loaded = false;
    for (uint64_t granted = 0; !loaded; granted++) {
        tables_close(bed.tables);
        open_tables(&bed);
        bed.scarce.left = granted;
        int32_t status = snapshot_load(bed.tables, &bed.place, bed.shelf.count, &shape, &bed.scarce.memory, &error);
        assert_true(status == TRADING_E_NO_MEMORY || status == TRADING_OK);
        loaded = status == TRADING_OK;
        bed.scarce.left = UINT64_MAX;
    }
    bed_close(&bed);
}

/* ---- damage ---- */

static void assert_refused(struct bed *bed)
{
    struct shape shape;
    int32_t status = load(bed, &shape);
    assert_true(status == TRADING_E_DAMAGED || status == TRADING_E_NOT_FOUND);
}

static void assert_damage_is_found(int32_t (*write)(struct bed *bed))
{
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 3, 20, 5);
    append(&bed, bed.large, 3, 2, 5);
    assert_int_equal(write(&bed), TRADING_OK);
    assert_int_equal(bed.shelf.count, 3);
    for (uint32_t chunk = 0; chunk < bed.shelf.count; chunk++) {
        uint64_t whole = bed.shelf.size[chunk];
        for (uint64_t at = 0; at < whole; at++) {
            for (uint32_t bit = at % 2; bit < 8; bit += 2) {
                bed.shelf.data[chunk][at] ^= (uint8_t)(1u << bit);
                assert_refused(&bed);
                bed.shelf.data[chunk][at] ^= (uint8_t)(1u << bit);
            }
        }
        for (bed.shelf.size[chunk] = 0; bed.shelf.size[chunk] < whole; bed.shelf.size[chunk]++)
            assert_refused(&bed);
    }
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    bed.place.position++;
    assert_refused(&bed);
    bed.place.position--;
    bed.place.partition++;
    assert_refused(&bed);
    bed.place.partition--;
    bed.shelf.silent = true;
    assert_refused(&bed);
    bed_close(&bed);
}

static int32_t write_now(struct bed *bed)
{
    return snapshot(bed, "meta");
}

static void damage_anywhere_is_found(void **state)
{
    (void)state;
    assert_damage_is_found(write_now);
    assert_damage_is_found(write_older);
}

/* Random records do not pack: then nothing but the sum sees damage, of the last bytes, too, whatever is left when all whole words were summed. */
static void damage_of_what_does_not_pack_is_found(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 20 * 16 - 1, 5);
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    uint64_t whole = bed.shelf.size[1];
    assert_true(whole > UINT64_C(20) * 16 * 31 * 8);
    for (uint64_t at = 0; at < whole; at += at == 64 ? whole - 128 : 1) {
        bed.shelf.data[1][at] ^= 1;
        assert_refused(&bed);
        bed.shelf.data[1][at] ^= 1;
    }
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    bed_close(&bed);
}

static void swap(struct shelf *shelf, uint32_t a, uint32_t b)
{
    uint8_t *data = shelf->data[a];
    uint64_t size = shelf->size[a];
    shelf->data[a] = shelf->data[b];
    shelf->size[a] = shelf->size[b];
    shelf->data[b] = data;
    shelf->size[b] = size;
}

static void missing_and_moved_chunks_are_found(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 13000, 5);
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    uint32_t count = bed.shelf.count;
    assert_true(count > 4);
    for (uint32_t a = 0; a < count; a++) {
        for (uint32_t b = a + 1; b < count; b++) {
            swap(&bed.shelf, a, b);
            assert_refused(&bed);
            swap(&bed.shelf, a, b);
        }
    }
    for (bed.shelf.count = 0; bed.shelf.count < count; bed.shelf.count++)
        assert_refused(&bed);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    assert_int_equal(snapshot_load(bed.tables, &bed.place, count + 1, &shape, &bed.scarce.memory, NULL), TRADING_E_DAMAGED);
    bed_close(&bed);
}

/* The chunk of pages becomes one that states this, and so many zeros follow; not a byte longer, so that a read past it is found. */
static void forge_chunk(struct shelf *shelf, const void *head, size_t head_size, uint32_t bytes, bool older)
{
    free(shelf->data[1]);
    shelf->size[1] = head_size + bytes;
    shelf->data[1] = calloc(1, shelf->size[1]);
    assert_non_null(shelf->data[1]);
    memcpy(shelf->data[1], head, head_size);
    snapshot_sum_again(shelf->data, shelf->size, shelf->count, older);
}

/* Chunks whose checksum is right, but which nobody could have written. */
static void forged_chunks_are_found(void **state)
{
    (void)state;
    static const struct {
        uint32_t length; /* that the chunk states */
        uint32_t table;
        uint32_t pages;
        uint32_t bytes; /* that follow */
    } forged[] = {{0, 0, 1, 3968},
                  {8, 0, 1, 0},
                  {8, 0, 0, 0},
                  {3976, 0, 0, 3968},
                  {3975, 0, 1, 3967},
                  {3976, 0, 1, 3967},
                  {3977, 0, 1, 3969},
                  {3980, 0, 1, 3972},
                  {7944, 0, 2, 7936},
                  {3976, 0, 2, 3968},
                  {3976, 0, 1 << 20, 3968},
                  {3976, 0, UINT32_MAX, 3968},
                  {3976, 1, 1, 3968},
                  {4072, 9, 1, 4064},
                  {3976, 32, 1, 3968},
                  {3976, UINT32_MAX, 1, 3968},
                  {1 << 21, 0, 1, (1 << 21) - 8},
                  {UINT32_MAX, 0, 1, 3968}};
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 10, 5); /* one page of 3,968 bytes */
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    assert_int_equal(bed.shelf.count, 3);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        uint32_t head[3] = {htole32(forged[i].length), htole32(forged[i].table), htole32(forged[i].pages)};
        forge_chunk(&bed.shelf, head, sizeof head, forged[i].bytes, false);
        assert_refused(&bed);
    }
    uint32_t head[3] = {htole32(3976), 0, htole32(1)};
    forge_chunk(&bed.shelf, head, sizeof head, 3968, false);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    bed_close(&bed);
}

static void forged_chunks_of_older_libraries_are_found(void **state)
{
    (void)state;
    static const uint32_t forged[][2] = {{0, 0},       {0, 100},     {3968, 3967}, {3967, 3967},       {3960, 3960},
                                         {7936, 7936}, {4000, 4000}, {1, 1},       {1 << 21, 1 << 21}, {UINT32_MAX, 3968}};
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 31, 10, 5);
    assert_int_equal(write_older(&bed), TRADING_OK);
    assert_int_equal(bed.shelf.count, 3);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        uint32_t length = htole32(forged[i][0]);
        forge_chunk(&bed.shelf, &length, sizeof length, forged[i][1], true);
        assert_refused(&bed);
    }
    uint32_t length = htole32(3968);
    forge_chunk(&bed.shelf, &length, sizeof length, 3968, true);
    assert_int_equal(load(&bed, &shape), TRADING_OK);
    bed_close(&bed);
}

/* A small chunk that unpacks to more than one may. */
static void a_chunk_that_unpacks_to_too_much_is_refused(void **state)
{
    (void)state;
    struct bed bed;
    struct packer packer;
    size_t size = SNAPSHOT_CHUNK_BYTES + 4096;
    uint8_t *zeros = calloc(2, size);
    assert_non_null(zeros);
    bed_open(&bed);
    append(&bed, bed.small, 31, 10, 5);
    assert_int_equal(snapshot(&bed, ""), TRADING_OK);
    assert_int_equal(packer_open(&packer, &bed.scarce.memory, 1, NULL), TRADING_OK);
    uint32_t length = htole32((uint32_t)size);
    size_t packed = pack(&packer, zeros, size, zeros + size);
    assert_true(packed > 0);
    packer_close(&packer);
    forge_chunk(&bed.shelf, &length, sizeof length, (uint32_t)packed, false);
    memcpy(bed.shelf.data[1] + sizeof length, zeros + size, packed);
    snapshot_sum_again(bed.shelf.data, bed.shelf.size, bed.shelf.count, false);
    assert_refused(&bed);
    free(zeros);
    bed_close(&bed);
}

int snapshot_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_loaded),
        cmocka_unit_test(what_an_older_library_wrote_is_loaded),
        cmocka_unit_test(every_shape_of_table_comes_back),
        cmocka_unit_test(empty_tables_make_a_snapshot_too),
        cmocka_unit_test(a_snapshot_is_as_of_its_pin),
        cmocka_unit_test(failures_on_the_way_are_told),
        cmocka_unit_test(damage_anywhere_is_found),
        cmocka_unit_test(damage_of_what_does_not_pack_is_found),
        cmocka_unit_test(missing_and_moved_chunks_are_found),
        cmocka_unit_test(forged_chunks_are_found),
        cmocka_unit_test(forged_chunks_of_older_libraries_are_found),
        cmocka_unit_test(a_chunk_that_unpacks_to_too_much_is_refused),
    };
    return cmocka_run_group_tests_name("snapshots", tests, NULL, NULL);
}
