#include "base/bytes.h"
#include "base_test.h"

#define RANDOM_CASES 100000

static struct reader reader_of(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    return (struct reader){.at = bytes, .end = bytes + size};
}

static const struct {
    uint64_t value;
    size_t size;
    uint8_t bytes[10];
} varints[] = {
    {0, 1, {0}},
    {1, 1, {1}},
    {127, 1, {0x7f}},
    {128, 2, {0x80, 1}},
    {300, 2, {0xac, 2}},
    {16383, 2, {0xff, 0x7f}},
    {16384, 3, {0x80, 0x80, 1}},
    {UINT32_MAX, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
    {(uint64_t)1 << 63, 10, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}},
    {UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}},
};

static void varints_are_written_in_the_shortest_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof varints / sizeof *varints; i++) {
        uint8_t buffer[10];
        struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
        write_u64(&writer, varints[i].value);
        assert_false(writer.full);
        assert_int_equal(writer.at - buffer, varints[i].size);
        assert_memory_equal(buffer, varints[i].bytes, varints[i].size);
        struct reader reader = reader_of(buffer, varints[i].size);
        assert_true(read_u64(&reader) == varints[i].value);
        assert_false(reader.bad);
        assert_ptr_equal(reader.at, reader.end);
    }
}

/* Whatever stands behind it, and as many bytes of it as there may be. */
static void varints_are_read_the_same_wherever_they_end(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 64; bits++) {
        for (uint64_t low = 0; low < 4; low++) {
            uint64_t value = (uint64_t)1 << bits | low * UINT64_C(0x2545f4914f6cdd1d) >> (63 - bits);
            uint8_t buffer[3 * VARINT_BYTES];
            memset(buffer, low & 1 ? 0xff : 0, sizeof buffer);
            size_t size = (size_t)(varint_put(buffer, value) - buffer);
            for (size_t behind = 0; behind <= VARINT_BYTES; behind++) {
                struct reader reader = reader_of(buffer, size + behind);
                assert_true(read_u64(&reader) == value);
                assert_false(reader.bad);
                assert_ptr_equal(reader.at, buffer + size);
            }
        }
    }
}

static void signed_values_zigzag(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        uint64_t coded;
    } pairs[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint8_t buffer[10];
        struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
        write_i64(&writer, pairs[i].value);
        struct reader reader = reader_of(buffer, sizeof buffer);
        assert_true(read_u64(&reader) == pairs[i].coded);
        reader = reader_of(buffer, sizeof buffer);
        assert_true(read_i64(&reader) == pairs[i].value);
    }
}

static void malformed_varints_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint8_t bytes[12];
    } malformed[] = {
        {0, {0}},
        {1, {0x80}}, /* cut off */
        {9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        {2, {0x80, 0}}, /* not the shortest */
        {3, {0xff, 0x80, 0}},
        {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}},
        {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}}, /* 65 bits */
        {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
        {11, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0}}, /* 11 bytes */
        {11, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}},
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        for (size_t behind = 0; behind <= 8; behind += 8) {
            uint8_t buffer[24] = {0};
            bool goes_on = malformed[i].size == 0 || malformed[i].bytes[malformed[i].size - 1] >= 0x80;
            if (behind && goes_on)
                continue; /* with more behind it, it is another */
            memcpy(buffer, malformed[i].bytes, malformed[i].size);
            struct reader reader = reader_of(buffer, malformed[i].size + behind);
            assert_true(read_u64(&reader) == 0);
            assert_true(reader.bad);
        }
    }
}

static void read_u32_refuses_more(void **state)
{
    (void)state;
    uint8_t buffer[20];
    struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
    write_u64(&writer, UINT32_MAX);
    write_u64(&writer, (uint64_t)UINT32_MAX + 1);
    struct reader reader = reader_of(buffer, (size_t)(writer.at - buffer));
    assert_int_equal(read_u32(&reader), UINT32_MAX);
    assert_false(reader.bad);
    assert_int_equal(read_u32(&reader), 0);
    assert_true(reader.bad);
}

static void amounts_are_never_negative(void **state)
{
    (void)state;
    static const int64_t amounts[] = {0, 1, INT64_MAX - 1, INT64_MAX};
    uint8_t buffer[10];
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
        write_amount(&writer, amounts[i]);
        struct reader reader = reader_of(buffer, sizeof buffer);
        assert_int_equal(read_amount(&reader), amounts[i]);
        assert_false(reader.bad);
    }
    struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
    write_u64(&writer, (uint64_t)INT64_MAX + 1);
    struct reader reader = reader_of(buffer, sizeof buffer);
    assert_int_equal(read_amount(&reader), 0);
    assert_true(reader.bad);
}

static void blocks_carry_their_length(void **state)
{
    (void)state;
    uint8_t buffer[8];
    struct writer writer = {.at = buffer, .end = buffer + sizeof buffer};
    write_block(&writer, "abc", 3);
    write_block(&writer, NULL, 0);
    write_u8(&writer, 3); /* more than follows */
    write_bytes(&writer, "xy", 2);
    assert_false(writer.full);
    uint32_t size;
    struct reader reader = reader_of(buffer, (size_t)(writer.at - buffer));
    assert_memory_equal(read_block(&reader, &size), "abc", 3);
    assert_int_equal(size, 3);
    read_block(&reader, &size);
    assert_int_equal(size, 0);
    assert_false(reader.bad);
    assert_null(read_block(&reader, &size));
    assert_int_equal(size, 0);
    assert_true(reader.bad);
}

static void a_full_writer_writes_no_more(void **state)
{
    (void)state;
    uint8_t buffer[4] = {9, 9, 9, 9};
    struct writer writer = {.at = buffer, .end = buffer + 3};
    write_u8(&writer, 1);
    write_u64(&writer, UINT64_MAX);
    assert_true(writer.full);
    write_u8(&writer, 2); /* there would be room for this */
    write_bytes(&writer, NULL, 0);
    assert_true(writer.full);
    assert_ptr_equal(writer.at, buffer + 1);
    static const uint8_t expected[] = {1, 9, 9, 9};
    assert_memory_equal(buffer, expected, sizeof buffer);
}

static void a_bad_reader_reads_zeros(void **state)
{
    (void)state;
    const uint8_t bytes[] = {5, 6, 7};
    uint8_t copy[4] = {9, 9, 9, 9};
    struct reader reader = reader_of(bytes, sizeof bytes);
    read_copy(&reader, copy, 2);
    assert_int_equal(copy[0], 5);
    assert_int_equal(copy[1], 6);
    read_copy(&reader, copy, 4);
    assert_true(reader.bad);
    for (size_t i = 0; i < sizeof copy; i++)
        assert_int_equal(copy[i], 0);
    assert_int_equal(read_u8(&reader), 0);
    assert_null(read_bytes(&reader, 1));
    assert_null(read_bytes(&reader, 0));
    assert_true(read_u64(&reader) == 0);
    assert_true(read_i64(&reader) == 0);
    assert_int_equal(read_u32(&reader), 0);
}

static void nothing_is_written_and_read(void **state)
{
    (void)state;
    struct writer writer = {0};
    write_bytes(&writer, NULL, 0);
    assert_false(writer.full);
    write_u8(&writer, 1);
    assert_true(writer.full);
    struct reader reader = {0};
    assert_null(read_bytes(&reader, 0));
    uint8_t untouched = 9;
    read_copy(&reader, &untouched, 0);
    assert_int_equal(untouched, 9);
    assert_false(reader.bad);
    assert_int_equal(read_u8(&reader), 0);
    assert_true(reader.bad);
}

/* Fields of all kinds in one buffer, until it is full: what stands reads back, whatever the room. */
static void what_is_written_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 128;
    uint8_t buffer[64];
    for (int i = 0; i < RANDOM_CASES; i++) {
        uint64_t whole = random_next(&seed) >> (random_next(&seed) % 64);
        int64_t number = random_decimal(&seed);
        uint32_t small = (uint32_t)random_next(&seed) >> (random_next(&seed) % 32);
        uint64_t raw[2] = {random_next(&seed), random_next(&seed)};
        size_t room = random_next(&seed) % sizeof buffer;
        struct writer writer = {.at = buffer, .end = buffer + room};
        write_u64(&writer, whole);
        write_bytes(&writer, raw, sizeof raw);
        write_i64(&writer, number);
        write_u8(&writer, (uint8_t)small);
        write_u64(&writer, small);

        uint64_t copy[2];
        struct reader reader = reader_of(buffer, (size_t)(writer.at - buffer));
        bool same = read_u64(&reader) == whole;
        read_copy(&reader, copy, sizeof copy);
        same = same && !memcmp(copy, raw, sizeof raw) && read_i64(&reader) == number && read_u8(&reader) == (uint8_t)small &&
               read_u32(&reader) == small;
        assert_int_equal(reader.bad, writer.full);
        if (!writer.full)
            assert_true(same);
        assert_ptr_equal(reader.at, reader.end);
    }
}

/* Any bytes at all: a reader stays inside them, and what it takes is the only way to write it. */
static void random_bytes_read_one_way_only(void **state)
{
    (void)state;
    uint64_t seed = 64;
    for (int i = 0; i < RANDOM_CASES; i++) {
        uint64_t noise[2] = {random_next(&seed), random_next(&seed)};
        noise[0] |= random_next(&seed); /* more bytes that say that another follows */
        uint8_t bytes[sizeof noise];
        memcpy(bytes, noise, sizeof bytes);
        struct reader reader = reader_of(bytes, random_next(&seed) % sizeof bytes);
        uint64_t value = read_u64(&reader);
        assert_true(reader.at <= reader.end);
        if (reader.bad)
            continue;
        uint8_t again[10];
        struct writer writer = {.at = again, .end = again + sizeof again};
        write_u64(&writer, value);
        assert_int_equal(writer.at - again, reader.at - bytes);
        assert_memory_equal(again, bytes, (size_t)(writer.at - again));
    }
}

int bytes_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_are_written_in_the_shortest_form),
        cmocka_unit_test(varints_are_read_the_same_wherever_they_end),
        cmocka_unit_test(signed_values_zigzag),
        cmocka_unit_test(malformed_varints_are_refused),
        cmocka_unit_test(read_u32_refuses_more),
        cmocka_unit_test(amounts_are_never_negative),
        cmocka_unit_test(blocks_carry_their_length),
        cmocka_unit_test(a_full_writer_writes_no_more),
        cmocka_unit_test(a_bad_reader_reads_zeros),
        cmocka_unit_test(nothing_is_written_and_read),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(random_bytes_read_one_way_only),
    };
    return cmocka_run_group_tests_name("base: bytes", tests, NULL, NULL);
}
