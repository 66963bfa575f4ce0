#include "base/id.h"
#include "journal/entry.h"
#include "journal_test.h"

#include <string.h>

#include <trading/command.h>

static struct cause sample_cause(void)
{
    return (struct cause){.type = TRADING_COMMAND_DEPOSIT,
                          .key = {{0x11, 0x22}},
                          .digest = UINT64_C(0x0102030405060708),
                          .account = 300,
                          .actor = {{0xaa}},
                          .correlation = {{0xcc}}};
}

/* The cause with these flags, and without the fields that they leave out. */
static struct cause flagged_cause(uint32_t flags)
{
    struct cause cause = sample_cause();
    cause.flags = flags;
    if (!(flags & ENTRY_ACTOR))
        memset(&cause.actor, 0, sizeof cause.actor);
    if (!(flags & ENTRY_CORRELATION))
        memset(&cause.correlation, 0, sizeof cause.correlation);
    if (flags & (ENTRY_CONTINUED | ENTRY_MESSAGE))
        cause.digest = 0;
    if (flags & ENTRY_MESSAGE) {
        cause.partition = 3;
        cause.position = 300;
        entry_message_key(&cause.key, cause.partition, cause.position);
    }
    return cause;
}

/* What a message left goes on as a command does: nothing is both. */
static bool is_written(uint32_t flags)
{
    return !(flags & ENTRY_CONTINUED) || !(flags & ENTRY_MESSAGE);
}

/* Two events of three bytes each in place of real ones. */
static size_t write_entry(uint8_t *bytes, size_t capacity, const struct cause *cause, int64_t version)
{
    struct writer writer = {.at = bytes, .end = bytes + capacity};
    struct entry_mark mark;
    entry_begin(&writer, cause, &mark);
    write_bytes(&writer, "abcdef", 6);
    entry_end(&writer, &mark, 2, version);
    return writer.full ? 0 : (size_t)(writer.at - bytes);
}

static void the_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        5,    3,                                                             /* type, flags */
        0x11, 0x22, 0,   0,   0,   0,   0,   0,   0,    0, 0, 0, 0, 0, 0, 0, /* key */
        8,    7,    6,   5,   4,   3,   2,   1,   0xac, 2,                   /* digest, account */
        0xaa, 0,    0,   0,   0,   0,   0,   0,   0,    0, 0, 0, 0, 0, 0, 0, /* actor */
        0xcc, 0,    0,   0,   0,   0,   0,   0,   0,    0, 0, 0, 0, 0, 0, 0, /* correlation */
        2,    0,    'a', 'b', 'c', 'd', 'e', 'f', 0x80, 1,                   /* events, version */
    };
    struct cause cause = sample_cause();
    uint8_t bytes[200];
    assert_int_equal(write_entry(bytes, sizeof bytes, &cause, 128), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void a_message_is_named_by_its_partition_and_position(void **state)
{
    (void)state;
    static const uint8_t expected[] = {5, 8, 3, 0xac, 2, 0xac, 2, 2, 0, 'a', 'b', 'c', 'd', 'e', 'f', 1};
    struct cause cause = flagged_cause(ENTRY_MESSAGE);
    uint8_t bytes[100];
    assert_int_equal(write_entry(bytes, sizeof bytes, &cause, 1), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    static const uint8_t key[] = {3, 0, 0, 0, 0x2c, 1, 0, 0, 0, 0, 0, 0, 'm', 's', 'g', 0};
    assert_memory_equal(cause.key.bytes, key, sizeof key);
}

static void assert_same_cause(const struct cause *a, const struct cause *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->flags, b->flags);
    assert_true(id_equal(&a->key, &b->key));
    assert_true(a->digest == b->digest);
    assert_int_equal(a->account, b->account);
    assert_true(id_equal(&a->actor, &b->actor));
    assert_true(id_equal(&a->correlation, &b->correlation));
    assert_int_equal(a->partition, b->partition);
    assert_int_equal(a->position, b->position);
}

static void entries_read_back_with_all_flags(void **state)
{
    (void)state;
    static const uint32_t accounts[] = {0, 1, 127, 128, 65536, UINT32_MAX};
    static const int64_t versions[] = {0, 1, 127, 128, INT64_MAX};
    for (uint32_t flags = 0; flags <= ENTRY_FLAGS; flags++) {
        for (size_t i = 0; i < 30 && is_written(flags); i++) {
            struct cause cause = flagged_cause(flags);
            cause.account = accounts[i % 6];
            cause.type = i % 2 ? 255 : 1;
            uint8_t bytes[ENTRY_FRAME_BYTES + 6];
            size_t size = write_entry(bytes, sizeof bytes, &cause, versions[i % 5]);
            assert_true(size > 0);

            struct reader reader = {.at = bytes, .end = bytes + size};
            struct cause read;
            uint32_t events;
            entry_read(&reader, &read, &events);
            assert_int_equal(events, 2);
            assert_memory_equal(read_bytes(&reader, 6), "abcdef", 6);
            assert_true(entry_read_version(&reader) == versions[i % 5]);
            assert_false(reader.bad);
            assert_ptr_equal(reader.at, reader.end);
            assert_same_cause(&read, &cause);
        }
    }
}

/* The writer's flags are those of the fields, whatever the caller says; its digest is left out where the entry goes on. */
static void flags_follow_from_the_fields(void **state)
{
    (void)state;
    struct cause cause = sample_cause();
    cause.flags = ENTRY_CONTINUED | 0xf0;
    memset(&cause.actor, 0, sizeof cause.actor);
    uint8_t bytes[100];
    size_t size = write_entry(bytes, sizeof bytes, &cause, 1);
    struct reader reader = {.at = bytes, .end = bytes + size};
    struct cause read;
    uint32_t events;
    entry_read(&reader, &read, &events);
    assert_int_equal(read.flags, ENTRY_CONTINUED | ENTRY_CORRELATION);
    assert_true(read.digest == 0);
    assert_false(reader.bad);
}

static void entries_cut_short_are_bad(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= ENTRY_FLAGS; flags++) {
        struct cause cause = flagged_cause(flags);
        uint8_t bytes[100];
        size_t size = is_written(flags) ? write_entry(bytes, sizeof bytes, &cause, 128) : 0;
        for (size_t cut = 0; cut < size; cut++) {
            struct reader reader = {.at = bytes, .end = bytes + cut};
            struct cause read;
            uint32_t events;
            entry_read(&reader, &read, &events);
            assert_int_equal(reader.bad, cut < size - 8);
            if (reader.bad) {
                assert_same_cause(&read, &(struct cause){0});
                assert_int_equal(events, 0);
            }
            read_bytes(&reader, 6);
            assert_true(entry_read_version(&reader) == 0);
            assert_true(reader.bad);
        }
    }
}

static void assert_bad(size_t offset, const uint8_t *replacement, size_t size)
{
    struct cause cause = sample_cause();
    uint8_t bytes[100];
    size_t written = write_entry(bytes, sizeof bytes, &cause, 1);
    memcpy(bytes + offset, replacement, size);
    struct reader reader = {.at = bytes, .end = bytes + written};
    struct cause read;
    uint32_t events;
    entry_read(&reader, &read, &events);
    assert_true(reader.bad);
    assert_int_equal(events, 0);
    assert_int_equal(read.type, 0);
}

static void what_no_writer_writes_is_bad(void **state)
{
    (void)state;
    static const uint8_t zero[16];
    assert_bad(0, zero, 1); /* no type */
    assert_bad(1, (uint8_t[]){3u | ENTRY_CONTINUED | ENTRY_MESSAGE}, 1);
    for (unsigned bit = 4; bit < 8; bit++)
        assert_bad(1, (uint8_t[]){(uint8_t)(3u | 1u << bit)}, 1);
    assert_bad(26, (uint8_t[]){0x80, 0x80, 0x80, 0x80, 0x10}, 5); /* an account of 33 bits */
    assert_bad(26, (uint8_t[]){0x80, 0x00}, 2);                   /* zero the long way */
    assert_bad(28, zero, 16);                                     /* no actor, though flagged */
    assert_bad(44, zero, 16);                                     /* no correlation, though flagged */
    assert_bad(60, zero, 2);                                      /* no events */

    static const uint8_t versions[][10] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, /* 2⁶⁴ − 1 */
        {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, /* 2⁶³ */
        {0x81, 0x00},
    };
    for (size_t i = 0; i < 3; i++) {
        struct reader reader = {.at = versions[i], .end = versions[i] + 10};
        assert_true(entry_read_version(&reader) == 0);
        assert_true(reader.bad);
    }
}

static void a_writer_that_runs_out_says_so(void **state)
{
    (void)state;
    struct cause cause = sample_cause();
    uint8_t bytes[100];
    size_t size = write_entry(bytes, sizeof bytes, &cause, 128);
    for (size_t capacity = 0; capacity < ENTRY_FRAME_BYTES; capacity++)
        assert_int_equal(write_entry(bytes, capacity, &cause, 128), 0);
    assert_int_equal(write_entry(bytes, ENTRY_FRAME_BYTES, &cause, 128), size);
}

/* The frame fitted, but events took the place of what stands after them. */
static void an_end_without_room_says_so(void **state)
{
    (void)state;
    struct cause cause = sample_cause();
    uint8_t bytes[ENTRY_FRAME_BYTES];
    struct writer writer = {.at = bytes, .end = bytes + sizeof bytes};
    struct entry_mark mark;
    entry_begin(&writer, &cause, &mark);
    while (writer.end - writer.at > 1)
        write_u8(&writer, 1);
    entry_end(&writer, &mark, 1, 128);
    assert_true(writer.full);
}

static void what_no_reader_reads_is_not_written(void **state)
{
    (void)state;
    uint8_t bytes[100];
    struct cause cause = sample_cause();
    assert_int_equal(write_entry(bytes, sizeof bytes, &cause, -1), 0);
    static const int32_t types[] = {0, -1, 256, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        cause.type = types[i];
        assert_int_equal(write_entry(bytes, sizeof bytes, &cause, 1), 0);
    }
    cause = sample_cause();
    static const uint32_t counts[] = {0, ENTRY_EVENTS_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct writer writer = {.at = bytes, .end = bytes + sizeof bytes};
        struct entry_mark mark;
        entry_begin(&writer, &cause, &mark);
        assert_false(writer.full);
        entry_end(&writer, &mark, counts[i], 1);
        assert_true(writer.full);
    }
    struct writer writer = {.at = bytes, .end = bytes + sizeof bytes};
    struct entry_mark mark;
    entry_begin(&writer, &cause, &mark);
    entry_end(&writer, &mark, ENTRY_EVENTS_MAX, 1);
    assert_false(writer.full);
    struct reader reader = {.at = bytes, .end = writer.at};
    uint32_t events;
    entry_read(&reader, &cause, &events);
    assert_int_equal(events, ENTRY_EVENTS_MAX);
}

int entry_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_format),
        cmocka_unit_test(entries_read_back_with_all_flags),
        cmocka_unit_test(flags_follow_from_the_fields),
        cmocka_unit_test(entries_cut_short_are_bad),
        cmocka_unit_test(what_no_writer_writes_is_bad),
        cmocka_unit_test(a_writer_that_runs_out_says_so),
        cmocka_unit_test(an_end_without_room_says_so),
        cmocka_unit_test(what_no_reader_reads_is_not_written),
        cmocka_unit_test(a_message_is_named_by_its_partition_and_position),
    };
    return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
