/* Checkpoints in which a byte is another, or a page in another place, and those of other formats: each is told, and none believed. */
#include "state_bed.h"

#include <endian.h>
#include <sodium.h>

struct value {
    uint8_t key[16];
    size_t key_size;
    uint8_t bytes[4096];
    size_t size;
};

struct values {
    struct value value[8];
    size_t count;
};

static int take_value(void *arg, const void *key, size_t key_size, const void *bytes, size_t size)
{
    struct values *values = arg;
    struct value *value = &values->value[values->count++];
    assert_true(values->count <= 8 && key_size <= sizeof value->key && size <= sizeof value->bytes);
    memcpy(value->key, key, value->key_size = key_size);
    memcpy(value->bytes, bytes, value->size = size);
    return 0;
}

static void put_value(struct bed *bed, const struct value *value, size_t size)
{
    void *write;
    assert_int_equal(bed->store.ops->begin(bed->store.store, &write, NULL), TRADING_OK);
    assert_int_equal(bed->store.ops->put(write, value->key, value->key_size, value->bytes, size, NULL), TRADING_OK);
    assert_int_equal(bed->store.ops->commit(write, false, NULL), TRADING_OK);
}

static void assert_refused(struct bed *bed)
{
    struct shape shape;
    assert_int_equal(load(bed, true, &shape), TRADING_E_DAMAGED);
    assert_int_equal(load(bed, false, &shape), TRADING_E_DAMAGED);
}

static void damage_of_what_describes_it_is_found(void **state)
{
    (void)state;
    static struct values values;
    struct bed bed;
    struct shape shape;
    memset(&values, 0, sizeof values);
    bed_open(&bed);
    append(&bed, bed.small, 9, UINT64_C(0x1111111111111111));
    assert_int_equal(checkpoint(&bed, true, "what it stands for"), TRADING_OK);
    edit(&bed, bed.small, 1, 5);
    assert_int_equal(write_log(&bed, false, ""), TRADING_OK);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "", 0, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 2); /* shape and log */
    for (size_t i = 0; i < values.count; i++) {
        struct value *value = &values.value[i];
        for (size_t at = 0; at < value->size; at++) {
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
            put_value(&bed, value, value->size);
            assert_refused(&bed);
            value->bytes[at] ^= (uint8_t)(1u << at % 8);
        }
        for (size_t size = i; size < value->size; size++) { /* a log of no bytes is none */
            put_value(&bed, value, size);
            assert_refused(&bed);
        }
        value->bytes[value->size] = 0;
        put_value(&bed, value, value->size + 1);
        assert_refused(&bed);
        put_value(&bed, value, value->size);
    }
    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    bed_close(&bed);
}

static void flip(struct bed *bed, uint32_t file, uint64_t at)
{
    uint8_t byte;
    assert_int_equal(bed->store.ops->file_read(bed->store.store, file, at, &byte, 1, NULL), TRADING_OK);
    byte ^= (uint8_t)(1u << at % 8);
    assert_int_equal(bed->store.ops->file_write(bed->store.store, file, at, &byte, 1, NULL), TRADING_OK);
}

/* At once where everything is read; where it is mapped, when it is touched, by whoever touches it. */
static void damage_of_a_page_is_found_where_it_is_touched(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    uint64_t record[504 / 8];
    bed_open(&bed);
    append(&bed, bed.small, 40, 100);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    for (uint64_t at = 0; at < TABLE_PAGE_BYTES; at += at < 600 || at > 4000 ? 1 : 97) {
        flip(&bed, 1, at); /* the first page, and the last are looked at when it is opened */
        assert_refused(&bed);
        flip(&bed, 1, at);
        uint64_t inner = 2 * TABLE_PAGE_BYTES + at; /* 16 to 23 */
        flip(&bed, 1, inner);
        assert_int_equal(load(&bed, false, &shape), TRADING_E_DAMAGED);
        assert_int_equal(reload(&bed, &shape), TRADING_OK);
        assert_true(value_of(bed.small, 15) == 115);
        assert_int_equal(table_read(bed.small, 24, NULL, record), TABLE_FOUND);
        assert_false(tables_failed(bed.tables) || tables_damaged(bed.tables));
        switch (at % 3) {
        case 0:
            assert_true(value_of(bed.small, 20) == 0);
            assert_true(tables_failed(bed.tables));
            break;
        case 1:
            assert_true(tables_begin(bed.tables));
            *(uint64_t *)table_edit(bed.small, 20) = 3;
            assert_true(tables_failed(bed.tables));
            tables_discard(bed.tables);
            break;
        default:
            assert_int_equal(table_read(bed.small, 20, NULL, record), TABLE_EXPIRED);
        }
        assert_true(tables_damaged(bed.tables));
        flip(&bed, 1, inner);
    }
    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    bed_close(&bed);
}

static void damage_of_a_log_is_found(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    bed_open(&bed);
    append(&bed, bed.small, 40, 100);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    edit(&bed, bed.small, 20, 1);
    assert_int_equal(write_log(&bed, false, ""), TRADING_OK);
    for (uint64_t at = 0; at < UINT64_C(2) * TABLE_PAGE_BYTES; at += at % 4096 < 600 || at % 4096 > 4000 ? 1 : 97) {
        flip(&bed, STATE_FILES - 1, at);
        assert_refused(&bed);
        flip(&bed, STATE_FILES - 1, at);
    }
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 20) == 1);
    bed_close(&bed);
}

static void pages_in_wrong_places_are_found(void **state)
{
    (void)state;
    struct bed bed;
    struct shape shape;
    uint8_t pages[3][TABLE_PAGE_BYTES];
    bed_open(&bed);
    append(&bed, bed.small, 40, UINT64_C(0x1111111111111111));
    append(&bed, bed.large, 2, UINT64_C(0x2222222222222222));
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    void *store = bed.store.store;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bed.store.ops->file_read(store, 1, i * sizeof pages[i], pages[i], sizeof pages[i], NULL), TRADING_OK);
    assert_int_equal(bed.store.ops->file_write(store, 1, sizeof pages[1], pages[2], sizeof pages[2], NULL), TRADING_OK);
    assert_int_equal(load(&bed, false, &shape), TRADING_E_DAMAGED);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 9) == 0 && tables_damaged(bed.tables));
    assert_int_equal(bed.store.ops->file_write(store, 1, sizeof pages[1], pages[1], sizeof pages[1], NULL), TRADING_OK);
    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    tables_close(bed.tables);
    assert_int_equal(bed.store.ops->file_cut(store, 1, 5 * TABLE_PAGE_BYTES, NULL), TRADING_OK);
    open_tables(&bed);
    assert_refused(&bed);
    bed_close(&bed);
}

static void append_shape_sum(struct value *value)
{
    size_t summed = value->size - SHAPE_SUM_BYTES;
    crypto_generichash(value->bytes + summed, SHAPE_SUM_BYTES, value->bytes, summed, NULL, 0);
}

/* What a later library might have written: sound, but not for this one. */
static void other_formats_are_told_from_damage(void **state)
{
    (void)state;
    static struct values values;
    static const struct {
        size_t at;
        uint8_t byte;
        int32_t status;
    } changes[] = {
        {0, CHECKPOINT_FORMAT + 1, TRADING_E_NEWER_FORMAT}, {0, 0, TRADING_E_UNSUPPORTED}, {1, 1, TRADING_E_UNSUPPORTED}};
    struct bed bed;
    struct shape shape;
    memset(&values, 0, sizeof values);
    bed_open(&bed);
    assert_int_equal(checkpoint(&bed, true, "m"), TRADING_OK);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "\001", 1, NULL, 0, take_value, &values, NULL), TRADING_OK);
    assert_int_equal(values.count, 1);
    for (size_t i = 0; i < 3; i++) {
        struct value other = values.value[0];
        other.bytes[changes[i].at] = changes[i].byte;
        append_shape_sum(&other);
        put_value(&bed, &other, other.size);
        assert_int_equal(reload(&bed, &shape), changes[i].status);
    }
    bed_close(&bed);
}

/* As libraries before format 3 gave it to pages. */
static void give_former_sum(struct bed *bed, uint32_t file, uint64_t at, uint32_t id, uint32_t page)
{
    const uint32_t place[4] = {htole32(TABLE_PAGE_BYTES), htole32(id), htole32(page), htole32(TABLE_IMAGE_BYTES)};
    uint8_t bytes[TABLE_PAGE_BYTES];
    assert_int_equal(bed->store.ops->file_read(bed->store.store, file, at, bytes, sizeof bytes, NULL), TRADING_OK);
    crypto_shorthash(bytes + TABLE_IMAGE_BYTES, bytes, TABLE_IMAGE_BYTES, (const unsigned char *)place);
    assert_int_equal(bed->store.ops->file_write(bed->store.store, file, at, bytes, sizeof bytes, NULL), TRADING_OK);
}

/* A checkpoint in its place and one in its log, and pages of both kinds side by side after the next. */
static void the_former_checksum_is_read(void **state)
{
    (void)state;
    static struct values values;
    struct bed bed;
    struct shape shape;
    memset(&values, 0, sizeof values);
    bed_open(&bed);
    append(&bed, bed.small, 40, 100);
    assert_int_equal(checkpoint(&bed, true, ""), TRADING_OK);
    edit(&bed, bed.small, 20, 1);
    assert_int_equal(write_log(&bed, false, ""), TRADING_OK);
    for (uint32_t page = 0; page < 6; page++)
        give_former_sum(&bed, 1, page * (uint64_t)TABLE_PAGE_BYTES, 1, page);
    give_former_sum(&bed, STATE_FILES - 1, TABLE_PAGE_BYTES, 1, 2);
    assert_int_equal(bed.store.ops->scan(bed.store.store, NULL, "\001c", 2, NULL, 0, take_value, &values, NULL), TRADING_OK);
    struct value *described = &values.value[0];
    assert_int_equal(described->bytes[0], CHECKPOINT_FORMAT);
    described->bytes[0] = 2;
    append_shape_sum(described);
    put_value(&bed, described, described->size);
    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    assert_int_equal(reload(&bed, &shape), TRADING_OK);
    assert_true(value_of(bed.small, 20) == 1);
    edit(&bed, bed.small, 30, 2);
    assert_int_equal(checkpoint(&bed, false, ""), TRADING_OK);
    assert_int_equal(load(&bed, false, &shape), TRADING_OK);
    flip(&bed, 1, 2 * TABLE_PAGE_BYTES + 100);
    assert_int_equal(load(&bed, false, &shape), TRADING_E_DAMAGED);
    bed_close(&bed);
}

int checkpoint_damage_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_of_what_describes_it_is_found),
        cmocka_unit_test(damage_of_a_page_is_found_where_it_is_touched),
        cmocka_unit_test(damage_of_a_log_is_found),
        cmocka_unit_test(pages_in_wrong_places_are_found),
        cmocka_unit_test(other_formats_are_told_from_damage),
        cmocka_unit_test(the_former_checksum_is_read),
    };
    return cmocka_run_group_tests_name("damaged checkpoints", tests, NULL, NULL);
}
