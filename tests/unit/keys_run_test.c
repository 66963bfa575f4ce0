/* One run: what is written is found, in its order, also where keys crowd; strangers are told by the filter; every changed byte is seen.
 * Several: they are read as one. */
#include "base/hash.h"
#include "keys_test.h"

#include <string.h>

struct written {
    struct key_memory memory;
    struct keys_bed bed;
    struct key_run *run;
};

static int compare(const void *a, const void *b)
{
    const struct key_entry *left = a;
    const struct key_entry *right = b;
    return key_before(*left, *right) ? -1 : key_before(*right, *left);
}

static struct key_run *add_run(struct written *written, uint64_t number, struct key_entry *entries, uint32_t count,
                               int64_t first, int64_t last)
{
    struct key_writer *writer;
    struct key_run *run;
    struct key_span span = {.first_position = first, .last_position = last};
    qsort(entries, count, sizeof *entries, compare);
    assert_int_equal(key_writer_open(&writer, &written->memory, &written->bed.store, number, count, &span, NULL), TRADING_OK);
    key_writer_add(writer, entries, count);
    assert_int_equal(key_writer_finish(writer, NULL), TRADING_OK);
    assert_int_equal(key_run_open(&run, &written->memory, &written->bed.store, number, NULL), TRADING_OK);
    return run;
}

static void write_run(struct written *written, struct key_entry *entries, uint32_t count, int64_t first, int64_t last)
{
    keys_bed_open(&written->bed);
    written->memory = (struct key_memory){.memory = &written->bed.memory};
    written->run = add_run(written, 1, entries, count, first, last);
}

static void close_run(struct written *written)
{
    key_run_close(written->run, &written->memory, &written->bed.store);
    assert_true(atomic_load(&written->memory.bytes) == 0);
    keys_bed_close(&written->bed);
}

static bool filtered(const struct key_run *run, uint64_t hash)
{
    return !key_filter_has(&run->filter, hash);
}

static void check_run(struct written *written, const struct key_entry *entries, uint32_t count)
{
    struct key_reader reader = {.run = written->run};
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(key_reader_next(&reader), KEY_READ_ENTRY);
        assert_true(key_prefix(key_reader_hash(&reader)) == key_prefix(entries[i].hash));
        assert_true(key_reader_position(&reader) == entries[i].position);
        assert_false(filtered(written->run, entries[i].hash));
        assert_true(key_run_find(written->run, entries[i].hash, entries[i].position + 1) == entries[i].position);
        bool namesake = i + 1 < count && key_prefix(entries[i + 1].hash) == key_prefix(entries[i].hash);
        int64_t older = namesake ? entries[i + 1].position : KEY_NONE;
        assert_true(key_run_find(written->run, entries[i].hash, entries[i].position) == older);
    }
    assert_int_equal(key_reader_next(&reader), KEY_READ_END);
}

/* The filter of the last takes three pieces. */
static void what_is_written_is_found(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 370, 371, 372, 5000, 100000, 1100000};
    static struct key_entry entries[1100000];
    for (size_t round = 0; round < sizeof counts / sizeof *counts; round++) {
        struct written written;
        for (uint32_t i = 0; i < counts[round]; i++)
            entries[i] = (struct key_entry){hash_mix(i / 3 + UINT64_C(1)), 1000 + (int64_t)i * 900000};
        write_run(&written, entries, counts[round], 1000, 1000 + (int64_t)counts[round] * 900000);
        check_run(&written, entries, counts[round]);
        close_run(&written);
    }
}

/* All hashes in a corner, so that their home has room for few: at the first page, in the midst, at the last. */
static void keys_may_crowd(void **state)
{
    (void)state;
    static const uint64_t corners[] = {0, UINT64_C(1) << 63, UINT64_MAX << 30};
    static struct key_entry entries[3000];
    for (size_t corner = 0; corner < 3; corner++) {
        struct written written;
        for (uint32_t i = 0; i < 3000; i++)
            entries[i] = (struct key_entry){i % 7 ? corners[corner] + ((uint64_t)i / 2 << 16) : hash_mix(i), i};
        write_run(&written, entries, 3000, 0, 3000);
        check_run(&written, entries, 3000);
        assert_true(key_run_find(written.run, corners[corner] + (UINT64_C(3000) << 16), 3000) == KEY_NONE);
        close_run(&written);
    }
}

/* A full table, and what a discard leaves of it: keys that go round its end, too. */
static void a_table_becomes_a_run(void **state)
{
    (void)state;
    static const uint64_t corners[] = {0, UINT64_C(1) << 63, UINT64_MAX << 30};
    static struct key_entry entries[1000];
    for (size_t round = 0; round < 6; round++) {
        struct written written;
        uint32_t count = round < 3 ? 1000 : 400;
        keys_bed_open(&written.bed);
        written.memory = (struct key_memory){.memory = &written.bed.memory};
        struct key_young *young = key_young_new(&written.memory, 1000);
        assert_non_null(young);
        for (uint32_t i = 0; i < 1000; i++) {
            entries[i] = (struct key_entry){i % 7 ? corners[round % 3] + ((uint64_t)i / 2 << 16) : hash_mix(i), i};
            key_young_insert(young, entries[i].hash, i, i);
        }
        if (count < 1000)
            key_young_discard(young, count);
        assert_int_equal(key_young_seal(young, &written.memory, &written.bed.store, 1, &written.run, NULL), TRADING_OK);
        key_young_free(&written.memory, young);
        qsort(entries, count, sizeof *entries, compare);
        check_run(&written, entries, count);
        close_run(&written);
    }
}

static void the_filter_tells_most_strangers(void **state)
{
    (void)state;
    static struct key_entry entries[200000];
    struct written written;
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 200000; i++)
        entries[i] = (struct key_entry){hash_mix(i), i};
    write_run(&written, entries, 200000, 0, 200000);
    for (uint64_t i = 0; i < 1000000; i++) {
        uint64_t stranger = hash_mix(i | UINT64_C(1) << 40);
        passed += !filtered(written.run, stranger);
        if (i % 16 == 0)
            assert_true(key_run_find(written.run, stranger, INT64_MAX) == KEY_NONE);
    }
    assert_true(passed > 0 && passed < 3000);
    close_run(&written);
}

static void check_damaged(struct written *written, const struct key_entry *entries, uint32_t count, bool in_pages)
{
    trading_error error;
    struct key_run *run;
    int32_t code = key_run_open(&run, &written->memory, &written->bed.store, 1, &error);
    if (!in_pages) {
        assert_true(code == TRADING_E_DAMAGED || code == TRADING_E_NEWER_FORMAT || code == TRADING_E_UNSUPPORTED);
        assert_true(error.code == code && error.message[0]);
        return;
    }
    assert_int_equal(code, TRADING_OK);
    uint32_t untold = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t position = key_run_find(run, entries[i].hash, INT64_MAX);
        assert_true(position == KEY_DAMAGED || position == entries[i].position);
        untold += position == KEY_DAMAGED;
    }
    assert_true(untold > 0);
    struct key_reader reader = {.run = run};
    enum key_read read;
    while ((read = key_reader_next(&reader)) == KEY_READ_ENTRY)
        continue;
    assert_int_equal(read, KEY_READ_DAMAGED);
    key_run_close(run, &written->memory, &written->bed.store);
}

static void every_changed_byte_is_seen(void **state)
{
    (void)state;
    static struct key_entry entries[700];
    static uint8_t bytes[20000];
    struct written written;
    for (uint32_t i = 0; i < 700; i++)
        entries[i] = (struct key_entry){hash_mix(i), i};
    write_run(&written, entries, 700, 0, 700);
    size_t size = written.run->blob.size;
    size_t pages = written.run->footer.pages * sizeof(struct key_page);
    assert_true(size < sizeof bytes && written.run->footer.pages == 3);
    memcpy(bytes, written.run->blob.bytes, size);
    for (size_t at = 0; at < size; at += at < pages ? 13 : 1) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        keys_bed_replace(&written.bed, 1, bytes, size);
        check_damaged(&written, entries, 700, at < pages);
        bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    for (size_t cut = 1; cut < size; cut += cut < 200 ? 1 : 777) {
        keys_bed_replace(&written.bed, 1, bytes, size - cut);
        check_damaged(&written, entries, 700, false);
    }
    close_run(&written);
}

enum { EACH = 1500 }; /* keys in a run at most */

/* A few hashes come again and again, the last there is among them. */
static struct key_entry any_entry(uint64_t seed, int64_t position)
{
    uint64_t mixed = hash_mix(seed);
    uint64_t hash = mixed % 5 == 0 ? UINT64_MAX << 16 : mixed % 3 == 0 ? hash_mix(mixed % 50) >> 16 << 16 : mixed >> 16 << 16;
    return (struct key_entry){hash, position};
}

static void expect_merged(struct key_run **runs, uint32_t count, const struct key_entry *entries, uint32_t all)
{
    static struct key_merge merge;
    struct key_entry some[7];
    uint32_t read = 7;
    uint32_t checked = 0;
    assert_null(key_merge_begin(&merge, runs, count));
    while (read == 7) {
        assert_null(key_merge_read(&merge, some, 7, &read));
        for (uint32_t i = 0; i < read; i++, checked++)
            assert_memory_equal(&some[i], &entries[checked], sizeof *some);
    }
    assert_int_equal(checked, all);
}

/* As many as there may be, of all lengths. */
static void runs_are_read_as_one(void **state)
{
    (void)state;
    static struct key_entry entries[KEY_MERGE_MOST * EACH];
    for (uint32_t count = 1; count <= KEY_MERGE_MOST; count++) {
        struct key_run *runs[KEY_MERGE_MOST];
        struct written written;
        uint32_t all = 0;
        keys_bed_open(&written.bed);
        written.memory = (struct key_memory){.memory = &written.bed.memory};
        for (uint32_t i = 0; i < count; i++) {
            uint32_t some = i % 3 ? 1 + (uint32_t)(hash_mix(i + count) % EACH) : 1 + i;
            for (uint32_t k = 0; k < some; k++)
                entries[all + k] = any_entry(all + k, i * EACH + k);
            runs[i] = add_run(&written, i + 1, entries + all, some, i * EACH, i * EACH + some - 1);
            all += some;
        }
        qsort(entries, all, sizeof *entries, compare);
        expect_merged(runs, count, entries, all);
        for (uint32_t i = 0; i < count; i++)
            key_run_close(runs[i], &written.memory, &written.bed.store);
        keys_bed_close(&written.bed);
    }
}

int keys_run_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_found),   cmocka_unit_test(keys_may_crowd),
        cmocka_unit_test(a_table_becomes_a_run),      cmocka_unit_test(the_filter_tells_most_strangers),
        cmocka_unit_test(every_changed_byte_is_seen), cmocka_unit_test(runs_are_read_as_one),
    };
    return cmocka_run_group_tests_name("runs of keys", tests, NULL, NULL);
}
