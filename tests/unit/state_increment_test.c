/* Snapshots that hold only what is not in an older one: what is loaded is what was there, and whatever may be wrong with any of a chain is told. */
#include "base/bytes.h"
#include "base/error.h"
#include "older_snapshot.h"
#include "state_test.h"

#include <endian.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

/* ---- an event store that keeps snapshots ---- */

#define SNAPSHOTS 64u
#define CHUNKS    64u

struct kept {
    int64_t position;
    uint8_t *data[CHUNKS];
    uint64_t size[CHUNKS];
    uint32_t count;
    bool whole;
};

struct shelf {
    struct kept kept[SNAPSHOTS];
    uint32_t count;
    uint64_t left; /* puts until it fails */
};

static struct kept *kept_at(struct shelf *shelf, int64_t position)
{
    for (uint32_t i = 0; i < shelf->count; i++)
        if (shelf->kept[i].position == position)
            return &shelf->kept[i];
    return NULL;
}

static void forget(struct kept *kept)
{
    for (uint32_t i = 0; i < kept->count; i++)
        free(kept->data[i]);
    kept->count = 0;
    kept->whole = false;
}

static int32_t shelf_put(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                         int32_t last, trading_error *error)
{
    struct shelf *shelf = store;
    struct kept *kept = kept_at(shelf, position);
    assert_int_equal(partition, 3);
    assert_true(chunk < CHUNKS);
    if (!shelf->left--)
        return error_set(error, TRADING_E_NO_SPACE, "full");
    if (!kept) {
        assert_true(shelf->count < SNAPSHOTS);
        kept = &shelf->kept[shelf->count++];
        kept->position = position;
    }
    if (chunk == 0)
        forget(kept);
    assert_int_equal(chunk, kept->count);
    kept->data[chunk] = malloc(size);
    memcpy(kept->data[chunk], data, size);
    kept->size[chunk] = size;
    kept->count++;
    kept->whole = last;
    return TRADING_OK;
}

static int32_t shelf_find(void *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                          trading_error *error)
{
    (void)partition;
    const struct shelf *shelf = store;
    const struct kept *newest = NULL;
    for (uint32_t i = 0; i < shelf->count; i++) {
        const struct kept *kept = &shelf->kept[i];
        if (kept->whole && kept->position <= at_most && (!newest || kept->position > newest->position))
            newest = kept;
    }
    if (!newest)
        return error_set(error, TRADING_E_NOT_FOUND, "no snapshot");
    *position = newest->position;
    *chunks = newest->count;
    return TRADING_OK;
}

static int32_t shelf_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take, void *arg,
                         trading_error *error)
{
    (void)partition;
    const struct kept *kept = kept_at(store, position);
    if (!kept || chunk >= kept->count)
        return error_set(error, TRADING_E_NOT_FOUND, "no such chunk");
    take(arg, kept->data[chunk], kept->size[chunk]);
    return TRADING_OK;
}

static const trading_store_ops shelf_ops = {
    .size = sizeof shelf_ops, .snapshot_put = shelf_put, .snapshot_find = shelf_find, .snapshot_get = shelf_get};

/* ---- tables ---- */

#define WORDS 31u /* of a record: 16 of them in a page */

struct bed {
    struct scarce scarce;
    struct tables *tables; /* as they are written */
    struct table *small;
    struct table *large;
    struct snapshot_base base;
    struct shelf shelf;
    struct snapshot_place place;
    int64_t older; /* snapshots up to this position are written as older libraries did */
    uint64_t seed;
};

static void open_tables(struct bed *bed, struct tables **tables, struct table **small, struct table **large)
{
    assert_int_equal(tables_open(tables, &bed->scarce.memory, 1 << 24, NULL), TRADING_OK);
    assert_int_equal(tables_add(*tables, 0, WORDS * 8, small, NULL), TRADING_OK);
    assert_int_equal(tables_add(*tables, 9, 2032, large, NULL), TRADING_OK);
}

static struct bed *bed_open(void)
{
    struct bed *bed = calloc(1, sizeof *bed);
    scarce_init(&bed->scarce, UINT64_MAX);
    open_tables(bed, &bed->tables, &bed->small, &bed->large);
    bed->place = (struct snapshot_place){.ops = &shelf_ops, .store = &bed->shelf, .partition = 3};
    bed->shelf.left = UINT64_MAX;
    bed->seed = 7;
    return bed;
}

static void bed_close(struct bed *bed)
{
    tables_close(bed->tables);
    for (uint32_t i = 0; i < bed->shelf.count; i++)
        forget(&bed->shelf.kept[i]);
    assert_true(memory_held(&bed->scarce.memory) == 0);
    free(bed);
}

static void append(struct bed *bed, struct table *table, uint32_t count)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        uint64_t *record = table_append(table, &number);
        for (uint32_t word = 0; word < WORDS; word++)
            record[word] = random_next(&bed->seed);
    }
    tables_install(bed->tables);
}

/* Changes so many records from the first on, or of any. */
static void change(struct bed *bed, uint32_t first, uint32_t count, bool anywhere)
{
    assert_true(tables_begin(bed->tables));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = anywhere ? 1 + random_below(&bed->seed, table_count(bed->small)) : first + i;
        *(uint64_t *)table_edit(bed->small, number) = random_next(&bed->seed);
    }
    tables_install(bed->tables);
}

static int32_t snapshot(struct bed *bed, int64_t position)
{
    struct pin *pin = tables_pin(bed->tables);
    bed->place.position = position;
    int32_t status = position <= bed->older
                         ? older_snapshot_write(bed->tables, pin, &bed->place, &bed->base, &bed->scarce.memory)
                         : snapshot_write(bed->tables, pin, "meta", 4, &bed->place, &bed->base, &bed->scarce.memory, NULL);
    tables_unpin(pin);
    return status;
}

static uint64_t bytes_at(struct bed *bed, int64_t position)
{
    uint64_t bytes = 0;
    const struct kept *kept = kept_at(&bed->shelf, position);
    for (uint32_t i = 0; i < kept->count; i++)
        bytes += kept->size[i];
    return bytes;
}

static int64_t base_at(struct bed *bed, int64_t position)
{
    int64_t base;
    bed->place.position = position;
    assert_int_equal(snapshot_base_of(&bed->place, &base, NULL), TRADING_OK);
    return base;
}

static uint64_t digest_of(const struct table *table, uint32_t words)
{
    uint64_t digest = table_count(table);
    for (uint32_t number = 1; number <= table_count(table); number++) {
        uint64_t record[TABLE_RECORD_BYTES / 8];
        assert_int_equal(table_read(table, number, NULL, record), TABLE_FOUND);
        for (uint32_t word = 0; word < words; word++)
            digest = digest * 31 + record[word];
    }
    return digest;
}

static uint64_t digest(const struct bed *bed)
{
    return digest_of(bed->small, WORDS) * 7 + digest_of(bed->large, 254);
}

static const int64_t positions[] = {10, 20, 30}; /* of a chain */

/* What is loaded; 0 with the status where it is refused. */
static uint64_t load(struct bed *bed, int64_t position, int32_t *status)
{
    struct tables *tables;
    struct table *small;
    struct table *large;
    struct shape shape;
    trading_error error = {0};
    const struct kept *kept = kept_at(&bed->shelf, position);
    open_tables(bed, &tables, &small, &large);
    bed->place.position = position;
    *status = snapshot_load(tables, &bed->place, kept->count, &shape, &bed->scarce.memory, &error);
    assert_int_equal(*status, error.code);
    uint64_t loaded = *status ? 0 : digest_of(small, WORDS) * 7 + digest_of(large, 254);
    tables_close(tables);
    return loaded;
}

static void assert_loads(struct bed *bed, int64_t position, uint64_t expected)
{
    int32_t status;
    assert_true(load(bed, position, &status) == expected);
    assert_int_equal(status, TRADING_OK);
}

static void assert_refused(struct bed *bed, int64_t position)
{
    int32_t status;
    load(bed, position, &status);
    assert_true(status == TRADING_E_DAMAGED || status == TRADING_E_NOT_FOUND);
}

/* ---- tests ---- */

static void an_increment_holds_what_changed(void **state)
{
    (void)state;
    struct bed *bed = bed_open();
    append(bed, bed->small, 32000); /* 2,000 pages */
    append(bed, bed->large, 100);
    uint64_t before = digest(bed);
    assert_int_equal(snapshot(bed, 100), TRADING_OK);
    change(bed, 5000, 320, false);
    uint64_t near = digest(bed);
    assert_int_equal(snapshot(bed, 200), TRADING_OK);
    change(bed, 0, 320, true);
    append(bed, bed->large, 5);
    uint64_t far = digest(bed);
    assert_int_equal(snapshot(bed, 300), TRADING_OK);
    assert_int_equal(snapshot(bed, 400), TRADING_OK); /* of nothing */
    uint64_t all = bytes_at(bed, 100);
    printf("1 %% of records changed: %" PRIu64 " bytes of %" PRIu64 " side by side, %" PRIu64 " anywhere, 16 to a page\n",
           bytes_at(bed, 200), all, bytes_at(bed, 300));
    assert_true(bytes_at(bed, 200) < all / 80);
    assert_true(bytes_at(bed, 300) < all / 5);
    assert_true(bytes_at(bed, 400) < 512);
    assert_int_equal(base_at(bed, 100), -1);
    assert_int_equal(base_at(bed, 200), 100);
    assert_int_equal(base_at(bed, 300), 200);
    assert_loads(bed, 100, before);
    assert_loads(bed, 200, near);
    assert_loads(bed, 300, far);
    assert_loads(bed, 400, far);
    bed_close(bed);
}

/* Neither long nor large: whole ones come in between. */
static void chains_are_bounded(void **state)
{
    (void)state;
    struct bed *bed = bed_open();
    uint32_t increments = 0;
    uint32_t wholes = 0;
    append(bed, bed->small, 3200);
    for (int64_t position = 1; position <= 30; position++) {
        change(bed, 1, 10, false);
        append(bed, bed->small, 3);
        assert_int_equal(snapshot(bed, position), TRADING_OK);
        increments = base_at(bed, position) < 0 ? 0 : increments + 1;
        wholes += increments == 0;
        assert_true(increments <= SNAPSHOT_INCREMENTS_MOST);
        assert_loads(bed, position, digest(bed));
    }
    assert_int_equal(wholes, 4);
    bed->base.there = false;
    uint64_t whole = 0;
    uint64_t added = 0;
    for (int64_t position = 31; position <= 50; position++) {
        change(bed, 1 + (uint32_t)position % 2 * 700, 700, false); /* nearly a quarter */
        assert_int_equal(snapshot(bed, position), TRADING_OK);
        bool is_whole = base_at(bed, position) < 0;
        whole = is_whole ? bytes_at(bed, position) : whole;
        added = is_whole ? 0 : added + bytes_at(bed, position);
        assert_true(added <= whole / 2);
        assert_loads(bed, position, digest(bed));
    }
    bed_close(bed);
}

/* However much it is: an increment of it holds nothing that its base has. */
static void what_is_new_is_written_once(void **state)
{
    (void)state;
    struct bed *bed = bed_open();
    append(bed, bed->small, 1599); /* 100 pages */
    assert_int_equal(snapshot(bed, 1), TRADING_OK);
    for (int64_t position = 2; position <= 4; position++) {
        append(bed, bed->small, 1600);
        assert_int_equal(snapshot(bed, position), TRADING_OK);
        assert_int_equal(base_at(bed, position), position - 1);
        assert_true(bytes_at(bed, position) < bytes_at(bed, 1) + 2000);
        assert_loads(bed, position, digest(bed));
    }
    change(bed, 1, 3400, false); /* more than half of what is there */
    assert_int_equal(snapshot(bed, 5), TRADING_OK);
    assert_int_equal(base_at(bed, 5), -1);
    bed_close(bed);
}

/* By some of its chunks, and below an increment by those of the whole one. */
static void a_snapshot_is_weighed_as_if_it_were_whole(void **state)
{
    (void)state;
    struct bed *bed = bed_open();
    uint64_t bytes;
    append(bed, bed->small, 100000);
    assert_int_equal(snapshot(bed, 10), TRADING_OK);
    change(bed, 1, 100, false);
    assert_int_equal(snapshot(bed, 20), TRADING_OK);
    uint64_t whole = bytes_at(bed, 10);
    assert_true(kept_at(&bed->shelf, 10)->count > 20);
    assert_true(bytes_at(bed, 20) < whole / 100);
    for (int64_t position = 10; position <= 20; position += 10) {
        bed->place.position = position;
        assert_int_equal(snapshot_weigh(&bed->place, kept_at(&bed->shelf, position)->count, &bytes, NULL), TRADING_OK);
        assert_in_range(bytes, whole / 10 * 9, whole / 10 * 11);
    }
    bed_close(bed);
}

static struct bed *make_chain_of(uint64_t seed, int64_t older, uint64_t digests[3])
{
    struct bed *bed = bed_open();
    bed->seed = seed;
    bed->older = older;
    append(bed, bed->small, 20);
    append(bed, bed->large, 2);
    for (int64_t i = 0; i < 3; i++) {
        change(bed, 1, 2, false);
        append(bed, bed->small, i == 2 ? 20 : 1);
        digests[i] = digest(bed);
        assert_int_equal(snapshot(bed, positions[i]), TRADING_OK);
        assert_int_equal(base_at(bed, positions[i]), i ? positions[i - 1] : -1);
        bed->base.pages = 0; /* small as they are, they are increments */
    }
    return bed;
}

static struct bed *make_chain(uint64_t digests[3])
{
    return make_chain_of(7, 0, digests);
}

static void assert_damage_is_found(int64_t older)
{
    uint64_t digests[3];
    struct bed *bed = make_chain_of(7, older, digests);
    for (uint32_t i = 0; i < 3; i++) {
        struct kept *kept = kept_at(&bed->shelf, positions[i]);
        for (uint32_t chunk = 0; chunk < kept->count; chunk++) {
            uint64_t whole = kept->size[chunk];
            for (uint64_t at = 0; at<whole; at += whole> 600 ? 7 : 1) {
                kept->data[chunk][at] ^= (uint8_t)(1u << at % 8);
                assert_refused(bed, 30);
                for (uint32_t sound = 0; sound < i; sound++) /* those below are as good as ever */
                    if (at % 64 == 0)
                        assert_loads(bed, positions[sound], digests[sound]);
                kept->data[chunk][at] ^= (uint8_t)(1u << at % 8);
            }
            for (kept->size[chunk] = 0; kept->size[chunk] < whole; kept->size[chunk] += 1 + whole / 40)
                assert_refused(bed, 30);
            kept->size[chunk] = whole;
        }
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_loads(bed, positions[i], digests[i]);
    bed_close(bed);
}

static void damage_in_any_link_is_found(void **state)
{
    (void)state;
    for (int64_t older = 0; older <= 30; older += 10)
        assert_damage_is_found(older);
}

static void another_base_is_found_out(void **state)
{
    (void)state;
    uint64_t digests[3];
    struct bed *bed = make_chain(digests);
    struct kept *base = kept_at(&bed->shelf, 10);
    base->whole = false;
    assert_refused(bed, 30);
    assert_refused(bed, 20);
    base->whole = true;
    assert_loads(bed, 30, digests[2]);
    uint64_t others[3];
    struct bed *other = make_chain_of(8, 0, others); /* the same, but for what is in the records */
    struct kept mine = *base;
    *base = *kept_at(&other->shelf, 10);
    assert_refused(bed, 30);
    *base = mine;
    assert_loads(bed, 30, digests[2]);
    bed_close(other);
    bed_close(bed);
}

/* What failed half way is nobody's base: the next one is whole. */
static void failures_on_the_way_leave_no_base(void **state)
{
    (void)state;
    uint64_t digests[3];
    struct bed *bed = make_chain(digests);
    int64_t position = 40;
    for (uint64_t left = 0; left < 3; left++, position += 10) {
        change(bed, 1, 1, false);
        bed->shelf.left = left;
        assert_int_equal(snapshot(bed, position), TRADING_E_NO_SPACE);
        bed->shelf.left = UINT64_MAX;
        change(bed, 2, 1, false);
        assert_int_equal(snapshot(bed, ++position), TRADING_OK);
        assert_int_equal(base_at(bed, position), -1);
        assert_loads(bed, position, digest(bed));
        bed->base.pages = 0;
        change(bed, 3, 1, false);
        assert_int_equal(snapshot(bed, ++position), TRADING_OK);
        assert_int_equal(base_at(bed, position), position - 1);
        assert_loads(bed, position, digest(bed));
    }
    bool written = false;
    for (uint64_t granted = 0; !written; granted++) {
        bed->scarce.left = granted;
        struct pin *pin = tables_pin(bed->tables);
        bed->place.position = ++position;
        int32_t status = pin ? snapshot_write(bed->tables, pin, NULL, 0, &bed->place, &bed->base, &bed->scarce.memory, NULL)
                             : TRADING_E_NO_MEMORY;
        assert_true(status == TRADING_OK || status == TRADING_E_NO_MEMORY);
        written = !status;
        tables_unpin(pin);
        bed->scarce.left = UINT64_MAX;
    }
    assert_loads(bed, position, digest(bed));
    bool loaded = false;
    for (uint64_t granted = 0; !loaded; granted++) {
        struct tables *tables;
        struct table *small;
        struct table *large;
        struct shape shape;
        open_tables(bed, &tables, &small, &large);
        bed->place.position = 30;
        bed->scarce.left = granted;
        int32_t status = snapshot_load(tables, &bed->place, kept_at(&bed->shelf, 30)->count, &shape, &bed->scarce.memory, NULL);
        assert_true(status == TRADING_OK || status == TRADING_E_NO_MEMORY);
        bed->scarce.left = UINT64_MAX;
        loaded = !status;
        tables_close(tables);
    }
    bed_close(bed);
}

/* Who knows shapes alone is told so. */
static void an_older_library_says_that_it_is_newer(void **state)
{
    (void)state;
    uint64_t digests[3];
    struct bed *bed = make_chain(digests);
    const struct kept *kept = kept_at(&bed->shelf, 20);
    struct shape shape;
    struct reader reader = {.at = kept->data[0], .end = kept->data[0] + kept->size[0]};
    read_u64(&reader);
    read_i64(&reader);
    int32_t status =
        shape_read(bed->tables, reader.at, (size_t)(reader.end - reader.at), "snapshot", SHAPE_FORMAT, &shape, NULL);
    assert_int_equal(status, TRADING_E_NEWER_FORMAT);
    bed_close(bed);
}

/* ---- what nobody could have written, with checksums that are right ---- */

static void sum_again(struct bed *bed)
{
    struct kept *kept = kept_at(&bed->shelf, 30);
    snapshot_sum_again(kept->data, kept->size, kept->count, bed->older >= 30);
}

/* The chunk of pages becomes one of this page of this table, unpacked. */
static void forge_page(struct bed *bed, uint32_t id, uint32_t page, uint32_t bytes)
{
    struct kept *kept = kept_at(&bed->shelf, 30);
    bool older = bed->older >= 30;
    uint32_t older_head[3] = {htole32(8 + bytes), htole32(id), htole32(page)};
    uint32_t head[3] = {htole32(12 + bytes), htole32(id), htole32(1)};
    uint32_t number = htole32(page); /* behind the columns */
    size_t number_bytes = older ? 0 : sizeof number;
    assert_int_equal(kept->count, 3);
    free(kept->data[1]);
    kept->size[1] = sizeof head + bytes + number_bytes;
    kept->data[1] = calloc(1, kept->size[1]);
    memcpy(kept->data[1], older ? older_head : head, sizeof head);
    memcpy(kept->data[1] + sizeof head + bytes, &number, number_bytes);
    sum_again(bed);
}

static void assert_forged_pages_are_found(int64_t older)
{
    static const struct {
        uint32_t id;
        uint32_t page;
        uint32_t bytes;
    } forged[] = {{0, 0, 3967}, {0, 0, 3969}, {0, 0, 0},     {0, 3, 3968},         {0, UINT32_MAX, 3968},
                  {1, 0, 3968}, {9, 2, 4064}, {64, 0, 3968}, {UINT32_MAX, 0, 3968}};
    uint64_t digests[3];
    struct bed *bed = make_chain_of(7, older, digests);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        forge_page(bed, forged[i].id, forged[i].page, forged[i].bytes);
        assert_refused(bed, 30);
    }
    forge_page(bed, 9, 0, 4064); /* a page that there is, but the one that is new is missing */
    assert_refused(bed, 30);
    bed_close(bed);
}

static void forged_pages_are_found(void **state)
{
    (void)state;
    assert_forged_pages_are_found(0);
    assert_forged_pages_are_found(30);
}

static void forge_first(struct bed *bed, int64_t base, uint64_t increments)
{
    struct kept *kept = kept_at(&bed->shelf, 30);
    uint8_t first[2048];
    uint8_t base_sum[SNAPSHOT_SUM_BYTES];
    struct reader reader = {.at = kept->data[0], .end = kept->data[0] + kept->size[0] - SHAPE_SUM_BYTES};
    struct writer writer = {.at = first, .end = first + sizeof first};
    write_u64(&writer, read_u64(&reader));
    write_i64(&writer, read_i64(&reader));
    const uint8_t *from = writer.at;
    write_u64(&writer, read_u64(&reader));
    read_i64(&reader);
    read_u64(&reader);
    write_i64(&writer, base);
    write_u64(&writer, increments);
    read_copy(&reader, base_sum, sizeof base_sum);
    write_bytes(&writer, base_sum, sizeof base_sum);
    write_bytes(&writer, reader.at, (size_t)(reader.end - reader.at));
    crypto_generichash(writer.at, SHAPE_SUM_BYTES, from, (size_t)(writer.at - from), NULL, 0);
    writer.at += SHAPE_SUM_BYTES;
    free(kept->data[0]);
    kept->size[0] = (uint64_t)(writer.at - first);
    kept->data[0] = malloc(kept->size[0]);
    memcpy(kept->data[0], first, kept->size[0]);
    sum_again(bed);
}

static void forged_bases_are_found(void **state)
{
    (void)state;
    uint64_t digests[3];
    struct bed *bed = make_chain(digests);
    static const struct {
        int64_t base;
        uint64_t increments;
    } forged[] = {{30, 2},         {31, 2}, {-1, 2}, {INT64_MAX, 2},
                  {19, 2},         {10, 2}, {20, 0}, {20, SNAPSHOT_INCREMENTS_MOST + 1},
                  {20, UINT64_MAX}};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        forge_first(bed, forged[i].base, forged[i].increments);
        assert_refused(bed, 30);
    }
    forge_first(bed, 20, 2);
    assert_loads(bed, 30, digests[2]);
    bed_close(bed);
}

int increment_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_increment_holds_what_changed),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(what_is_new_is_written_once),
        cmocka_unit_test(a_snapshot_is_weighed_as_if_it_were_whole),
        cmocka_unit_test(damage_in_any_link_is_found),
        cmocka_unit_test(another_base_is_found_out),
        cmocka_unit_test(failures_on_the_way_leave_no_base),
        cmocka_unit_test(an_older_library_says_that_it_is_newer),
        cmocka_unit_test(forged_pages_are_found),
        cmocka_unit_test(forged_bases_are_found),
    };
    return cmocka_run_group_tests_name("increments", tests, NULL, NULL);
}
