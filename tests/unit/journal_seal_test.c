#include "journal/seal.h"
#include "journal_test.h"

#include <sodium.h>
#include <string.h>

static const uint8_t key[SEAL_KEY_BYTES] = {1, 2, 3};
static const uint8_t nonce[SEAL_NONCE_BYTES] = {4, 5, 6};
static const trading_id account = {{7, 8, 9}};
static const char text[] = "Ada Lovelace, 12 St James's Square";

#define KIND        2u
#define SEALED_SIZE (sizeof text + SEAL_EXTRA_BYTES)

static void sealed_texts_open(void **state)
{
    (void)state;
    for (size_t size = 0; size <= sizeof text; size++) {
        uint8_t sealed[SEALED_SIZE];
        char opened[sizeof text] = {0};
        seal_close(key, nonce, &account, KIND, text, size, sealed);
        assert_true(seal_open(key, &account, KIND, sealed, size + SEAL_EXTRA_BYTES, opened));
        assert_memory_equal(opened, text, size);
    }
}

/* The format: what libsodium alone makes of the same. */
static void the_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    uint8_t bound[20] = {7, 8, 9};
    bound[16] = 0x04;
    bound[17] = 0x03;
    bound[18] = 0x02;
    bound[19] = 0x01;
    uint8_t sealed[SEALED_SIZE];
    uint8_t expected[SEALED_SIZE];
    seal_close(key, nonce, &account, 0x01020304, text, sizeof text, sealed);
    memcpy(expected, nonce, sizeof nonce);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_encrypt(expected + sizeof nonce, NULL, (const uint8_t *)text,
                                                                sizeof text, bound, sizeof bound, NULL, nonce, key),
                     0);
    assert_memory_equal(sealed, expected, sizeof sealed);
}

static void a_seal_is_bound_to_key_account_and_kind(void **state)
{
    (void)state;
    uint8_t sealed[SEALED_SIZE];
    char opened[sizeof text];
    seal_close(key, nonce, &account, KIND, text, sizeof text, sealed);
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
        uint8_t other[SEAL_KEY_BYTES];
        memcpy(other, key, sizeof other);
        other[i] ^= 0x10;
        assert_false(seal_open(other, &account, KIND, sealed, sizeof sealed, opened));
    }
    for (size_t i = 0; i < sizeof account.bytes; i++) {
        trading_id other = account;
        other.bytes[i] ^= 0x80;
        assert_false(seal_open(key, &other, KIND, sealed, sizeof sealed, opened));
    }
    for (unsigned bit = 0; bit < 32; bit++)
        assert_false(seal_open(key, &account, KIND ^ 1u << bit, sealed, sizeof sealed, opened));
    assert_true(seal_open(key, &account, KIND, sealed, sizeof sealed, opened));
}

static void every_flipped_bit_and_truncation_is_seen(void **state)
{
    (void)state;
    uint8_t sealed[SEALED_SIZE];
    char opened[sizeof text];
    seal_close(key, nonce, &account, KIND, text, sizeof text, sealed);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        memset(opened, 'x', sizeof opened);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(seal_open(key, &account, KIND, sealed, sizeof sealed, opened));
        assert_null(memmem(opened, sizeof opened, "Lovelace", 8));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sizeof sealed; size++)
        assert_false(seal_open(key, &account, KIND, sealed, size, opened));
}

static struct text_list sample_list(uint32_t count)
{
    static const char *const words[TEXT_LIST_MAX] = {"Ada", "", "ada@example.com", "+44 20", "London", "SW1", "12", "x"};
    struct text_list list = {.count = count};
    for (uint32_t i = 0; i < count; i++) {
        list.text[i].data = words[i];
        list.text[i].size = (uint32_t)strlen(words[i]);
    }
    return list;
}

static void text_lists_read_back(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= TEXT_LIST_MAX; count++) {
        struct text_list list = sample_list(count);
        struct text_list read;
        uint8_t bytes[100];
        size_t size = text_list_write(&list, bytes, sizeof bytes);
        assert_true(size >= count);
        assert_true(text_list_read(&read, count, bytes, size));
        assert_int_equal(read.count, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(read.text[i].size, list.text[i].size);
            assert_memory_equal(read.text[i].data, list.text[i].data, list.text[i].size);
        }
        for (size_t capacity = 0; capacity < size; capacity++)
            assert_int_equal(text_list_write(&list, bytes, capacity), 0);
    }
    uint8_t bytes[4];
    struct text_list list = {.count = TEXT_LIST_MAX + 1};
    assert_int_equal(text_list_write(&list, bytes, sizeof bytes), 0);
}

static void other_bytes_are_no_text_list(void **state)
{
    (void)state;
    struct text_list list = sample_list(3);
    struct text_list read;
    uint8_t bytes[100] = {0};
    size_t size = text_list_write(&list, bytes, sizeof bytes);
    for (size_t cut = 0; cut < size; cut++)
        assert_false(text_list_read(&read, 3, bytes, cut));
    assert_false(text_list_read(&read, 3, bytes, size + 1));
    assert_false(text_list_read(&read, 2, bytes, size));
    assert_false(text_list_read(&read, 4, bytes, size));
    assert_false(text_list_read(&read, TEXT_LIST_MAX + 1, bytes, size));
    assert_int_equal(read.count, 0);
    assert_true(text_list_read(&read, 0, bytes, 0));
    assert_false(text_list_read(&read, 0, bytes, 1));
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 'x'};
    assert_false(text_list_read(&read, 1, huge, sizeof huge));
    assert_null(read.text[0].data);
}

int seal_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_texts_open),
        cmocka_unit_test(the_bytes_are_those_of_the_format),
        cmocka_unit_test(a_seal_is_bound_to_key_account_and_kind),
        cmocka_unit_test(every_flipped_bit_and_truncation_is_seen),
        cmocka_unit_test(text_lists_read_back),
        cmocka_unit_test(other_bytes_are_no_text_list),
    };
    return cmocka_run_group_tests_name("sealing", tests, NULL, NULL);
}
