/* Journals of version 1: they are read, and written on as version 2. */
#include "backends/lmdb/journal.h"
#include "lmdb_support.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <endian.h>
#include <lmdb.h>
#include <sodium.h>

static void put(MDB_txn *txn, MDB_dbi dbi, const void *key_bytes, size_t key_size, const void *value_bytes, size_t value_size)
{
    MDB_val key = {.mv_size = key_size, .mv_data = (void *)(uintptr_t)key_bytes};
    MDB_val value = {.mv_size = value_size, .mv_data = (void *)(uintptr_t)value_bytes};
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

/* One event, its bytes all of one value. */
static void put_commit_1(MDB_txn *txn, MDB_dbi dbi, uint64_t position, size_t size)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint8_t key[JOURNAL_KEY_BYTES];
    uint8_t message[JOURNAL_KEY_BYTES + 32] = {0};
    uint8_t *value = calloc(1, 32 + size);
    assert_non_null(value);
    journal_key(0, (int64_t)position, key);
    value[0] = 9;
    value[16] = 1;
    memcpy(message, key, sizeof key);
    memcpy(message + sizeof key, value, 24);
    uint64_t length = htole64(size);
    memcpy(message + sizeof key + 24, &length, 8);
    crypto_shorthash(value + 24, message, sizeof message, zeros);
    memset(value + 32, (int)position + 1, size);
    put(txn, dbi, key, sizeof key, value, 32 + size);
    free(value);
}

static void make_version_1(const char *folder)
{
    char path[SCRATCH_PATH + 64];
    path_in(path, folder, JOURNAL_FILE);
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    put(txn, dbi, "\0", 1, "trading journal \1\0\0\0\0\0\0", 24);
    put_commit_1(txn, dbi, 0, 10);
    put_commit_1(txn, dbi, 1, 7000);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static int32_t check_version_1(void *arg, const trading_store_commit *commit)
{
    int64_t *next = arg;
    const uint8_t *bytes = commit->data;
    assert_int_equal(commit->first_position, *next);
    if (*next < 2) {
        assert_int_equal(commit->size, *next ? 7000 : 10);
        assert_int_equal(bytes[0], *next + 1);
        assert_int_equal(bytes[commit->size - 1], *next + 1);
    }
    *next += commit->event_count;
    return 0;
}

static void expect_version_1(void *store, int64_t end)
{
    int64_t next = 0;
    trading_error error;
    assert_int_equal(lmdb_store_ops.read(store, 0, 0, check_version_1, &next, &error), TRADING_OK);
    assert_int_equal(next, end);
    assert_int_equal(head_of(store, 0), end);
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_OK);
}

static void append_a_third(void *store)
{
    must_append(store, 0, 2, 1, 100);
}

static void version_1_goes_on(void **state)
{
    char path[SCRATCH_PATH + 64];
    void *store;
    trading_error error;
    make_version_1(*state);
    assert_int_equal(open_lmdb(*state, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    expect_version_1(store, 2);
    lmdb_store_ops.close(store);
    leave_open(*state, append_a_third);
    for (int64_t round = 0; round < 2; round++) {
        store = must_open(*state);
        expect_version_1(store, 3 + round);
        must_append(store, 0, 3 + round, 1, 8000);
        lmdb_store_ops.close(store);
    }
    size_t size;
    path_in(path, *state, JOURNAL_FILE);
    uint8_t *bytes = file_load(path, &size); /* which an older library now refuses */
    assert_non_null(memmem(bytes, size, "trading journal \2", 17));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_CASE(version_1_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
