/* Bytes that are not what was written, and bytes that someone made up: refused, with the reason, and nothing read past their end. */
#include "journal_test.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define BODY_SIZE 300

/* A stored commit of its own, in a block of exactly its size, so that a sanitizer sees a read past its end. */
struct specimen {
    trading_store_commit stored;
    uint8_t *bytes;
};

static void specimen_take(struct specimen *specimen, const uint8_t *bytes, size_t size)
{
    specimen->bytes = calloc(1, size ? size : 1);
    memcpy(specimen->bytes, bytes, size);
    specimen->stored.data = specimen->bytes;
    specimen->stored.size = size;
}

static void specimen_build(struct specimen *specimen, int32_t compression)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    open_filled(&builder, &memory, BODY_SIZE, compression);
    struct commit header = sample_header();
    assert_int_equal(commit_build(&builder, &header, &specimen->stored, NULL), TRADING_OK);
    assert_true((specimen->stored.size < BODY_SIZE + COMMIT_FRAME_BYTES) == (compression != 0));
    specimen_take(specimen, specimen->stored.data, specimen->stored.size);
    commit_builder_close(&builder);
}

/* Puts another compressed body into a commit, with the sizes and the digest that fit. */
static void specimen_pack(struct specimen *specimen, const void *packed, size_t packed_size, uint32_t body_size)
{
    uint8_t *bytes = malloc(COMMIT_FRAME_BYTES + packed_size);
    memcpy(bytes, specimen->bytes, COMMIT_HEADER_BYTES);
    memcpy(bytes + COMMIT_HEADER_BYTES, packed, packed_size);
    bytes[6] = 1;
    put_u32(bytes + 20, (uint32_t)packed_size);
    put_u32(bytes + 24, body_size);
    fix_digest(bytes, COMMIT_FRAME_BYTES + packed_size);
    free(specimen->bytes);
    specimen->bytes = bytes;
    specimen->stored.data = bytes;
    specimen->stored.size = COMMIT_FRAME_BYTES + packed_size;
}

/* Refused with this code, for a reason that contains `fault`; no memory is kept or taken, and the caller's commit is as it was. */
static void assert_refused(const trading_store_commit *stored, uint32_t partition, int32_t code, const char *fault)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_scratch scratch = {.memory = &memory};
    struct commit read = {.events = 77};
    trading_error error = {0};
    assert_int_equal(commit_read(stored, partition, &scratch, &read, &error), code);
    assert_int_equal(error.code, code);
    assert_int_equal(read.events, 77);
    if (!strstr(error.message, fault) || !strstr(error.message, "position 40"))
        fail_msg("'%s' does not say '%s' and where", error.message, fault);
    assert_true(strlen(error.message) < sizeof error.message - 1);
    commit_scratch_close(&scratch);
    assert_int_equal(memory.bytes, 0);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    for (int32_t compression = 0; compression < 2; compression++) {
        struct specimen specimen;
        specimen_build(&specimen, compression);
        for (size_t bit = 0; bit < 8 * specimen.stored.size; bit++) {
            specimen.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, bit < 32 ? "does not begin as a commit" : "digest");
            specimen.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(specimen.bytes);
    }
}

static void every_truncation_is_seen(void **state)
{
    (void)state;
    for (int32_t compression = 0; compression < 2; compression++) {
        struct specimen whole;
        specimen_build(&whole, compression);
        for (size_t size = 0; size < whole.stored.size; size++) {
            struct specimen cut = whole;
            specimen_take(&cut, whole.bytes, size);
            assert_refused(&cut.stored, 7, TRADING_E_DAMAGED, size <= COMMIT_FRAME_BYTES ? "shorter" : "digest");
            if (size > COMMIT_FRAME_BYTES) {
                fix_digest(cut.bytes, size);
                assert_refused(&cut.stored, 7, TRADING_E_DAMAGED, "size is not the one that it states");
            }
            free(cut.bytes);
        }
        free(whole.bytes);
    }
}

static void bytes_behind_a_commit_are_seen(void **state)
{
    (void)state;
    struct specimen whole;
    specimen_build(&whole, 0);
    uint8_t longer[BODY_SIZE + COMMIT_FRAME_BYTES + 1] = {0};
    memcpy(longer, whole.bytes, whole.stored.size);
    trading_store_commit stored = whole.stored;
    stored.data = longer;
    stored.size = sizeof longer;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "digest");
    fix_digest(longer, sizeof longer);
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "size is not the one that it states");
    stored.size = (uint64_t)COMMIT_BODY_MAX + COMMIT_FRAME_BYTES + 1;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "longer than any commit");
    stored.size = UINT64_MAX;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "longer than any commit");
    stored.data = NULL;
    stored.size = 500;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "shorter");
    free(whole.bytes);
}

/* Fields that no writer writes, under a digest that is right. */
static void every_field_is_checked(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t value;
        const char *fault;
    } wrong[] = {
        {4, 0x00000000, "format is 0"},
        {4, 0x00020001, "flags"},
        {4, 0x80000001, "flags"},
        {4, 0x00010001, "contradict"}, /* said to be compressed, but as long as its body */
        {8, 8, "another partition"},
        {12, 0, "entries"},
        {12, 4, "entries"},
        {12, UINT32_MAX, "entries"},
        {16, 0, "no events"},
        {16, 4, "count of events"},
        {16, 2, "count of events"},
        {16, UINT32_MAX, "count of events"},
        {20, BODY_SIZE - 1, "size is not the one that it states"},
        {20, UINT32_MAX, "size is not the one that it states"},
        {24, BODY_SIZE - 1, "contradict"},
        {24, BODY_SIZE + 1, "contradict"},
        {24, COMMIT_BODY_MAX + 1, "larger than any"},
        {24, UINT32_MAX, "larger than any"},
        {28, 1, "reserved"},
        {28, 0x80000000, "reserved"},
        {32, 41, "first position is not the one"},
        {36, 0x80000000, "out of range"},
        {36, 0x7fffffff, "first position is not the one"},
        {48, 2, "nonce"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct specimen specimen;
        specimen_build(&specimen, 0);
        put_u32(specimen.bytes + wrong[i].offset, wrong[i].value);
        fix_digest(specimen.bytes, specimen.stored.size);
        assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, wrong[i].fault);
        struct commit read;
        assert_int_equal(commit_read_header(&specimen.stored, 7, &read, NULL), TRADING_E_DAMAGED);
        free(specimen.bytes);
    }
}

static void ids_and_chains_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct specimen specimen;
    specimen_build(&specimen, 0);
    memset(specimen.bytes + 64, 0, 32);
    fix_digest(specimen.bytes, specimen.stored.size);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, "zero, though it is not the first");
    memset(specimen.bytes + 48, 0, 16);
    memset(&specimen.stored.nonce, 0, 16);
    fix_digest(specimen.bytes, specimen.stored.size);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, "nonce is zero");
    free(specimen.bytes);
}

static void the_last_positions_are_no_overflow(void **state)
{
    (void)state;
    struct specimen specimen;
    specimen_build(&specimen, 0);
    put_u32(specimen.bytes + 32, UINT32_MAX);
    put_u32(specimen.bytes + 36, 0x7fffffff);
    fix_digest(specimen.bytes, specimen.stored.size);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, "out of range");
    free(specimen.bytes);
}

static void what_the_store_says_must_be_what_the_commit_says(void **state)
{
    (void)state;
    struct specimen specimen;
    specimen_build(&specimen, 1);
    assert_refused(&specimen.stored, 8, TRADING_E_DAMAGED, "another partition");
    trading_store_commit stored = specimen.stored;
    stored.first_position = 400;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "first position is not the one that the store says");
    stored = specimen.stored;
    stored.event_count = 4;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "count of events");
    stored.event_count = (INT64_C(1) << 32) + 3;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "count of events");
    stored = specimen.stored;
    stored.nonce.bytes[15]++;
    assert_refused(&stored, 7, TRADING_E_DAMAGED, "nonce is not the one that the store says");
    free(specimen.bytes);
}

/* A newer format is believed when its digest is right, and is damage when it is not. */
static void a_newer_format_is_told_from_damage(void **state)
{
    (void)state;
    struct specimen specimen;
    specimen_build(&specimen, 0);
    put_u32(specimen.bytes + 4, 0xffff0002);
    put_u32(specimen.bytes + 20, 12345);
    struct commit read;
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, "digest");
    assert_int_equal(commit_read_header(&specimen.stored, 7, &read, NULL), TRADING_E_DAMAGED);
    fix_digest(specimen.bytes, specimen.stored.size);
    assert_refused(&specimen.stored, 7, TRADING_E_NEWER_FORMAT, "its format, 2, is newer");
    assert_int_equal(commit_read_header(&specimen.stored, 7, &read, NULL), TRADING_E_NEWER_FORMAT);
    free(specimen.bytes);
}

/* Each byte of a compressed body, with the digest made right again: either refused or read as some body of the stated size. */
static void a_forged_compressed_body_stays_in_bounds(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    struct commit_scratch scratch = {.memory = &memory};
    struct specimen specimen;
    specimen_build(&specimen, 1);
    for (size_t at = COMMIT_HEADER_BYTES; at < specimen.stored.size - COMMIT_DIGEST_BYTES; at++) {
        for (unsigned change = 1; change < 256; change++) {
            specimen.bytes[at] ^= (uint8_t)change;
            fix_digest(specimen.bytes, specimen.stored.size);
            struct commit read;
            int32_t status = commit_read(&specimen.stored, 7, &scratch, &read, NULL);
            uint8_t body[BODY_SIZE];
            size_t size = ZSTD_decompress(body, sizeof body, specimen.bytes + COMMIT_HEADER_BYTES,
                                          specimen.stored.size - COMMIT_FRAME_BYTES);
            assert_true(status == TRADING_E_DAMAGED || (status == TRADING_OK && size == BODY_SIZE));
            if (!status)
                assert_memory_equal(read.body, body, BODY_SIZE);
            specimen.bytes[at] ^= (uint8_t)change;
        }
    }
    assert_true(scratch.capacity <= 1024);
    free(specimen.bytes);
    commit_scratch_close(&scratch);
    assert_int_equal(memory.bytes, 0);
}

/* What else zstd would take for its input: refused before any memory is taken for it. */
static void compressed_bodies_are_one_frame_of_the_stated_size(void **state)
{
    (void)state;
    static const char *const fault = "not one zstd frame of the stated size";
    struct specimen specimen;
    specimen_build(&specimen, 0);
    size_t plain_size = COMMIT_BODY_MAX;
    uint8_t *plain = calloc(1, plain_size);
    size_t room = 2 * ZSTD_compressBound(plain_size);
    uint8_t *packed = malloc(room);

    /* a bomb: small as stored and as stated, large when unpacked */
    size_t size = ZSTD_compress(packed, room, plain, plain_size, 1);
    specimen_pack(&specimen, packed, size, (uint32_t)size + 1);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    specimen_pack(&specimen, packed, size, COMMIT_BODY_MAX - 1);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    specimen_pack(&specimen, packed, size, COMMIT_BODY_MAX + 1);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, "larger than any");

    /* two frames; a byte behind the frame; half a frame; a skippable frame in front */
    size = ZSTD_compress(packed, room, plain, 1000, 1);
    size_t second = ZSTD_compress(packed + size, room - size, plain, 1000, 1);
    specimen_pack(&specimen, packed, size + second, 2000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    specimen_pack(&specimen, packed, size + second, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    specimen_pack(&specimen, packed, size + 1, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    specimen_pack(&specimen, packed, size - 1, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'};
    memmove(packed + sizeof skippable, packed, size);
    memcpy(packed, skippable, sizeof skippable);
    specimen_pack(&specimen, packed, size + sizeof skippable, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);

    /* no frame at all; a frame that does not say how long its content is */
    specimen_pack(&specimen, plain, 100, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    size = ZSTD_compress2(context, packed, room, plain, 1000);
    specimen_pack(&specimen, packed, size, 1000);
    assert_refused(&specimen.stored, 7, TRADING_E_DAMAGED, fault);
    ZSTD_freeCCtx(context);
    free(packed);
    free(plain);
    free(specimen.bytes);
}

int commit_damage_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(every_truncation_is_seen),
        cmocka_unit_test(bytes_behind_a_commit_are_seen),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(ids_and_chains_that_cannot_be_are_refused),
        cmocka_unit_test(the_last_positions_are_no_overflow),
        cmocka_unit_test(what_the_store_says_must_be_what_the_commit_says),
        cmocka_unit_test(a_newer_format_is_told_from_damage),
        cmocka_unit_test(a_forged_compressed_body_stays_in_bounds),
        cmocka_unit_test(compressed_bodies_are_one_frame_of_the_stated_size),
    };
    return cmocka_run_group_tests_name("damaged commits", tests, NULL, NULL);
}
