#include "journal_test.h"

#include <sodium.h>
#include <string.h>

static void assert_same_header(const struct commit *a, const struct commit *b)
{
    assert_int_equal(a->partition, b->partition);
    assert_int_equal(a->entries, b->entries);
    assert_int_equal(a->events, b->events);
    assert_int_equal(a->first_position, b->first_position);
    assert_int_equal(a->time, b->time);
    assert_memory_equal(&a->nonce, &b->nonce, sizeof a->nonce);
    assert_memory_equal(a->previous, b->previous, sizeof a->previous);
}

/* The format, byte by byte as commit.h tells it. */
static void the_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        'T', 'R', 'C', 'M', 1, 0, 0, 0, 7,    0,    0,    0,    2,    0,    0,    0,
        3,   0,   0,   0,   4, 0, 0, 0, 4,    0,    0,    0,    0,    0,    0,    0,    /* to zero */
        40,  0,   0,   0,   0, 0, 0, 0, 0x15, 0xcd, 0x85, 0x3d, 0xfe, 0x9c, 0x97, 0x17, /* to time */
        1,   2,   3,   4,   5, 6, 7, 8, 9,    10,   11,   12,   13,   14,   15,   16,   /* nonce */
    };
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    assert_int_equal(commit_builder_open(&builder, &memory, 100, 0, NULL), TRADING_OK);
    write_bytes(&builder.body, "body", 4);
    struct commit header = sample_header();
    trading_store_commit stored;
    assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);

    const uint8_t *bytes = stored.data;
    assert_int_equal(stored.size, 96 + 4 + 32);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_memory_equal(bytes + 64, header.previous, 32);
    assert_memory_equal(bytes + 96, "body", 4);
    uint8_t digest[32];
    crypto_generichash_blake2b(digest, sizeof digest, bytes, 100, NULL, 0);
    assert_memory_equal(bytes + 100, digest, sizeof digest);
    assert_memory_equal(header.digest, digest, sizeof digest);
    assert_int_equal(stored.first_position, 40);
    assert_int_equal(stored.event_count, 3);
    assert_memory_equal(&stored.nonce, &header.nonce, sizeof header.nonce);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

static void check_round_trip(size_t size, int32_t compression, bool compressible)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    assert_int_equal(commit_builder_open(&builder, &memory, size, compression, NULL), TRADING_OK);
    if (compressible)
        write_pattern(&builder.body, size, 1);
    else
        write_noise(&builder.body, size, size + 1);
    struct commit header = sample_header();
    trading_store_commit stored;
    assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
    assert_true(stored.size <= size + COMMIT_FRAME_BYTES);

    struct commit_scratch scratch = {.memory = &memory};
    struct commit read;
    trading_error error = {0};
    if (commit_read(&stored, 7, &scratch, &read, &error))
        fail_msg("%s", error.message);
    assert_same_header(&read, &header);
    assert_memory_equal(read.digest, header.digest, sizeof read.digest);
    assert_int_equal(read.body_size, size);
    assert_memory_equal(read.body, header.body, size);
    bool packed = stored.size < size + COMMIT_FRAME_BYTES;
    assert_true(packed == (read.body == scratch.buffer));
    if (!packed)
        assert_ptr_equal(read.body, (const uint8_t *)stored.data + COMMIT_HEADER_BYTES);
    if (size > 200)
        assert_true(packed == (compression && compressible));
    commit_scratch_close(&scratch);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

static void what_is_built_reads_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 31, 127, 128, 129, 1000, 4096, 65536, 131072, 131073, 360000, 3000000};
    static const int32_t levels[] = {0, -5, 1, 3, 12, 19};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
            if (levels[k] > 3 && sizes[i] > 400000)
                continue;
            check_round_trip(sizes[i], levels[k], true);
            check_round_trip(sizes[i], levels[k], false);
        }
    }
}

/* One scratch and one builder for bodies that grow, shrink, and are compressed or not. */
static void builder_and_scratch_serve_many_commits(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    assert_int_equal(commit_builder_open(&builder, &memory, 50000, 1, NULL), TRADING_OK);
    struct commit_scratch scratch = {.memory = &memory};
    struct commit header = sample_header();
    for (size_t i = 0; i < 200; i++) {
        commit_builder_reset(&builder);
        size_t size = 1 + i * 7919 % 50000;
        if (i % 3)
            write_pattern(&builder.body, size, (unsigned)i);
        else
            write_noise(&builder.body, size, i + 1);
        trading_store_commit stored;
        struct commit read;
        assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
        assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_OK);
        assert_int_equal(read.body_size, size);
        assert_memory_equal(read.body, header.body, size);
        assert_int_equal(commit_follows(&read, header.first_position, header.previous, NULL), TRADING_OK);
        header.first_position = commit_end(&header);
        memcpy(header.previous, header.digest, sizeof header.previous);
    }
    commit_scratch_close(&scratch);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

static void a_body_is_framed_again_after_a_conflict(void **state)
{
    (void)state;
    for (int32_t compression = 0; compression < 2; compression++) {
        struct memory memory;
        memory_init(&memory);
        struct commit_builder builder;
        open_filled(&builder, &memory, 500, compression);
        struct commit_scratch scratch = {.memory = &memory};
        struct commit header = sample_header();
        trading_store_commit stored;
        struct commit read;
        assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
        header.first_position = 55;
        header.nonce.bytes[0] = 99;
        assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
        assert_int_equal(stored.first_position, 55);
        assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_OK);
        assert_same_header(&read, &header);
        assert_memory_equal(read.body, header.body, 500);
        commit_scratch_close(&scratch);
        commit_builder_close(&builder);
        assert_int_equal(memory.bytes, 0);
    }
}

static void assert_not_built(struct commit header, const char *fault)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    open_filled(&builder, &memory, 10, 0);
    trading_store_commit stored = {.size = 77};
    trading_error error = {0};
    assert_int_equal(commit_build(&builder, &header, &stored, &error), TRADING_E_INVALID);
    assert_int_equal(stored.size, 77);
    if (!strstr(error.message, fault))
        fail_msg("'%s' does not say '%s'", error.message, fault);
    commit_builder_close(&builder);
}

static void headers_that_no_reader_takes_are_not_built(void **state)
{
    (void)state;
    struct commit header = sample_header();
    header.events = 0;
    assert_not_built(header, "no events");
    header = sample_header();
    header.entries = 0;
    assert_not_built(header, "entries");
    header.entries = 4;
    assert_not_built(header, "entries");
    header = sample_header();
    header.first_position = -1;
    assert_not_built(header, "out of range");
    header.first_position = INT64_MAX - 2;
    assert_not_built(header, "out of range");
    header.first_position = 0;
    assert_not_built(header, "not zero, though it is the first");
    header = sample_header();
    memset(header.previous, 0, sizeof header.previous);
    assert_not_built(header, "zero, though it is not the first");
    header = sample_header();
    memset(&header.nonce, 0, sizeof header.nonce);
    assert_not_built(header, "nonce");
}

static void bodies_that_are_empty_or_too_long_are_not_built(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    struct commit header = sample_header();
    trading_store_commit stored;
    trading_error error = {0};
    assert_int_equal(commit_builder_open(&builder, &memory, 10, 0, NULL), TRADING_OK);
    assert_int_equal(commit_build(&builder, &header, &stored, &error), TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "empty"));
    write_pattern(&builder.body, 11, 1);
    assert_true(builder.body.full);
    assert_int_equal(commit_build(&builder, &header, &stored, &error), TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "limit"));
    commit_builder_reset(&builder);
    write_pattern(&builder.body, 10, 1);
    assert_int_equal(commit_build(&builder, &header, &stored, &error), TRADING_OK);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

static void a_builder_refuses_limits_and_levels_that_do_not_exist(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    trading_error error = {0};
    assert_int_equal(commit_builder_open(&builder, &memory, 0, 0, &error), TRADING_E_INVALID);
    commit_builder_close(&builder);
    assert_int_equal(commit_builder_open(&builder, &memory, COMMIT_BODY_MAX + 1, 0, &error), TRADING_E_INVALID);
    commit_builder_close(&builder);
    assert_int_equal(commit_builder_open(&builder, &memory, 10, 1000, &error), TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "compression level 1000"));
    commit_builder_close(&builder);
    assert_int_equal(commit_builder_open(&builder, &memory, 10, INT32_MIN, &error), TRADING_E_INVALID);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

/* The largest body that a reader takes, zeros: as far as compression goes. */
static void the_largest_body_reads_back(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    assert_int_equal(commit_builder_open(&builder, &memory, COMMIT_BODY_MAX, 1, NULL), TRADING_OK);
    memset(builder.body.at, 0, COMMIT_BODY_MAX);
    builder.body.at += COMMIT_BODY_MAX;
    struct commit header = sample_header();
    trading_store_commit stored;
    assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
    assert_true(stored.size < COMMIT_BODY_MAX / 1000);
    struct commit_scratch scratch = {.memory = &memory};
    struct commit read;
    assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_OK);
    assert_int_equal(read.body_size, COMMIT_BODY_MAX);
    assert_true(sodium_is_zero(read.body, read.body_size));
    commit_scratch_close(&scratch);
    commit_builder_close(&builder);
    assert_int_equal(memory.bytes, 0);
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    for (size_t allocations = 0;; allocations++) {
        struct rationed_memory rationed;
        ration(&rationed, allocations);
        struct commit_builder builder;
        trading_error error = {0};
        int32_t status = commit_builder_open(&builder, &rationed.memory, 1000, 1, &error);
        if (!status) {
            assert_int_equal(allocations, 3); /* body, packed body, zstd's */
            commit_builder_close(&builder);
            assert_int_equal(rationed.memory.bytes, 0);
            return;
        }
        assert_int_equal(status, TRADING_E_NO_MEMORY);
        assert_int_equal(error.flags, TRADING_ERROR_RETRYABLE);
        assert_int_equal(rationed.memory.bytes, 0);
    }
}

static void reading_without_memory_fails_and_can_be_repeated(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    open_filled(&builder, &memory, 1000, 1);
    struct commit header = sample_header();
    trading_store_commit stored;
    assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
    struct rationed_memory rationed;
    ration(&rationed, 0);
    struct commit_scratch scratch = {.memory = &rationed.memory};
    struct commit read;
    assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_E_NO_MEMORY);
    rationed.left = 1;
    assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_E_NO_MEMORY);
    rationed.left = 1;
    assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_OK);
    assert_memory_equal(read.body, header.body, 1000);
    commit_scratch_close(&scratch);
    assert_int_equal(rationed.memory.bytes, 0);
    commit_builder_close(&builder);
}

static void a_kept_commit_outlives_its_bytes(void **state)
{
    (void)state;
    for (int32_t compression = 0; compression < 2; compression++) {
        struct memory memory;
        memory_init(&memory);
        struct commit_builder builder;
        open_filled(&builder, &memory, 1000, compression);
        uint8_t body[1000];
        memcpy(body, builder.body.at - 1000, sizeof body);
        struct commit header = sample_header();
        trading_store_commit stored;
        assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
        struct commit_scratch scratch = {.memory = &memory};
        struct commit read;
        assert_int_equal(commit_read(&stored, 7, &scratch, &read, NULL), TRADING_OK);
        assert_int_equal(commit_keep(&read, &scratch, NULL), TRADING_OK);
        assert_int_equal(commit_keep(&read, &scratch, NULL), TRADING_OK);
        commit_builder_close(&builder);
        assert_memory_equal(read.body, body, sizeof body);
        commit_scratch_close(&scratch);
        assert_int_equal(memory.bytes, 0);
    }
}

static void a_header_is_read_alone(void **state)
{
    (void)state;
    for (int32_t compression = 0; compression < 2; compression++) {
        struct memory memory;
        memory_init(&memory);
        struct commit_builder builder;
        open_filled(&builder, &memory, 1000, compression);
        struct commit header = sample_header();
        trading_store_commit stored;
        assert_int_equal(commit_build(&builder, &header, &stored, NULL), TRADING_OK);
        struct commit read;
        assert_int_equal(commit_read_header(&stored, 7, &read, NULL), TRADING_OK);
        assert_same_header(&read, &header);
        assert_null(read.body);
        builder.buffer[100] ^= 1; /* the header's word is taken for what is behind it */
        if (compression)
            builder.packed[100] ^= 1;
        assert_int_equal(commit_read_header(&stored, 7, &read, NULL), TRADING_OK);
        assert_int_equal(commit_read_header(&stored, 8, &read, NULL), TRADING_E_DAMAGED);
        commit_builder_close(&builder);
        assert_int_equal(memory.bytes, 0);
    }
}

static void a_commit_follows_its_predecessor_alone(void **state)
{
    (void)state;
    struct commit commit = sample_header();
    uint8_t other[COMMIT_DIGEST_BYTES];
    memcpy(other, commit.previous, sizeof other);
    other[31] ^= 1;
    trading_error error = {0};
    assert_int_equal(commit_follows(&commit, 40, commit.previous, &error), TRADING_OK);
    assert_int_equal(commit_follows(&commit, 40, other, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "partition 7, commit at position 40"));
    assert_int_equal(commit_follows(&commit, 39, commit.previous, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "after position 38 begins at 40"));
    assert_int_equal(commit_follows(&commit, 41, commit.previous, NULL), TRADING_E_DAMAGED);
}

int commit_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_format),
        cmocka_unit_test(what_is_built_reads_back),
        cmocka_unit_test(builder_and_scratch_serve_many_commits),
        cmocka_unit_test(a_body_is_framed_again_after_a_conflict),
        cmocka_unit_test(headers_that_no_reader_takes_are_not_built),
        cmocka_unit_test(bodies_that_are_empty_or_too_long_are_not_built),
        cmocka_unit_test(a_builder_refuses_limits_and_levels_that_do_not_exist),
        cmocka_unit_test(the_largest_body_reads_back),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
        cmocka_unit_test(reading_without_memory_fails_and_can_be_repeated),
        cmocka_unit_test(a_kept_commit_outlives_its_bytes),
        cmocka_unit_test(a_header_is_read_alone),
        cmocka_unit_test(a_commit_follows_its_predecessor_alone),
    };
    return cmocka_run_group_tests_name("commits", tests, NULL, NULL);
}
