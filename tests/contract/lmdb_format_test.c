/* Files that are not what they should be: of another format, of another kind, damaged ones beside the journal. An error, or no
 * difference, but never a crash, and never other bytes than were written. */
#include "backends/lmdb/page_format.h"
#include "lmdb_support.h"
#include "state/store.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <lmdb.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

struct sample {
    char folder[SCRATCH_PATH];
    char journal[SCRATCH_PATH + 64];
    uint8_t *bytes; /* of the whole file */
    size_t size;
};

static int make_sample(void **state)
{
    static struct sample sample;
    scratch_make(sample.folder);
    path_in(sample.journal, sample.folder, "journal.mdb");
    void *store = must_open(sample.folder);
    must_append(store, 0, 0, 1, 100);
    must_append(store, 0, 1, 1, 5000);
    lmdb_store_ops.close(store);
    sample.bytes = file_load(sample.journal, &sample.size);
    *state = &sample;
    return 0;
}

static int drop_sample(void **state)
{
    struct sample *sample = *state;
    free(sample->bytes);
    scratch_remove(sample->folder);
    return 0;
}

/* ---- formats ---- */

static uint8_t *find_bytes(uint8_t *bytes, size_t size, const char *text)
{
    return memmem(bytes, size, text, strlen(text));
}

static void newer_format(void **state)
{
    const struct sample *sample = *state;
    uint8_t *mark = find_bytes(sample->bytes, sample->size, "trading journal ");
    assert_non_null(mark);
    uint32_t format = 77;
    uint32_t kept;
    memcpy(&kept, mark + 16, sizeof kept);
    for (uint8_t *at = mark; at; at = memmem(at + 1, sample->size - (size_t)(at + 1 - sample->bytes), "trading journal ", 16))
        memcpy(at + 16, &format, sizeof format); /* old copies of the page, too */
    file_save(sample->journal, sample->bytes, sample->size);
    for (uint8_t *at = mark; at; at = memmem(at + 1, sample->size - (size_t)(at + 1 - sample->bytes), "trading journal ", 16))
        memcpy(at + 16, &kept, sizeof kept);
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_NEWER_FORMAT);
    assert_non_null(strstr(error.message, "77"));
    assert_non_null(strstr(error.message, "up to 2"));
    assert_int_equal(open_lmdb(sample->folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error),
                     TRADING_E_NEWER_FORMAT);
    struct page_header *header = (struct page_header *)(void *)sample->bytes;
    struct meta_record *meta = (struct meta_record *)(header + 1);
    meta->version = 2;
    file_save(sample->journal, sample->bytes, sample->size);
    meta->version = 1;
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_NEWER_FORMAT);
    assert_non_null(strstr(error.message, "LMDB format 2"));
}

static void not_ours(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    path_in(path, folder, "journal.mdb");
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val value = {.mv_size = 5, .mv_data = (char[]){"hello"}};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED); /* empty */
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &value, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_int_equal(open_lmdb(folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "none of this library's"));
    scratch_remove(folder);
}

static void mistaken_for_another(void **state)
{
    const struct sample *sample = *state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    path_in(path, folder, "state.mdb");
    file_save(path, sample->bytes, sample->size);
    void *store;
    trading_error error;
    assert_int_equal(lmdb_state_store_ops.open(folder, false, &plain_host, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "trading journal"));
    scratch_remove(folder);
}

/* ---- other files ---- */

static int64_t newest_snapshot(void *store, int32_t *code, uint32_t *chunks)
{
    int64_t position = -1;
    trading_error error;
    *code = lmdb_store_ops.snapshot_find(store, 0, INT64_MAX, &position, chunks, &error);
    return position;
}

static void take_size(void *arg, const void *data, uint64_t size)
{
    (void)data;
    *(uint64_t *)arg = size;
}

static void damaged_snapshots(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    void *store = must_open(folder);
    trading_error error;
    assert_int_equal(lmdb_store_ops.snapshot_put(store, 0, 5, 0, "0123456789", 10, 0, &error), 0);
    assert_int_equal(lmdb_store_ops.snapshot_put(store, 0, 5, 1, "abc", 3, 1, &error), 0);
    path_in(path, folder, "snapshots/0000000000-0000000000000000005.snap");
    size_t size;
    uint8_t *bytes = file_load(path, &size);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x10;
        file_save(path, bytes, size);
        bytes[at] ^= 0x10;
        int32_t code;
        uint32_t chunks;
        newest_snapshot(store, &code, &chunks);
        bool contents = at >= 32 && at < 32 + 13;
        assert_int_equal(code, contents ? TRADING_OK : at >= 16 && at < 20 ? TRADING_E_NEWER_FORMAT : TRADING_E_DAMAGED);
        assert_int_equal(lmdb_store_ops.check(store, &error), code);
    }
    for (size_t length = 0; length < size; length++) {
        file_save(path, bytes, length);
        uint64_t taken;
        assert_int_equal(lmdb_store_ops.snapshot_get(store, 0, 5, 0, take_size, &taken, &error), TRADING_E_DAMAGED);
        assert_non_null(strstr(error.message, "0000000000-0000000000000000005.snap"));
    }
    free(bytes);
    lmdb_store_ops.close(store);
    scratch_remove(folder);
}

static void damaged_secrets(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    scratch_make(folder);
    void *store = must_open(folder);
    trading_store_secret secrets[40];
    memset(secrets, 0, sizeof secrets);
    for (uint8_t i = 0; i < 40; i++)
        secrets[i] = (trading_store_secret){.name = {{i, 1}}, .value = {i, 7}};
    trading_error error;
    assert_int_equal(lmdb_store_ops.secret_put(store, secrets, 40, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    static const char *const names[] = {"secrets.dat", "secrets.mdb"};
    for (int file = 0; file < 2; file++) {
        char path[SCRATCH_PATH + 64];
        path_in(path, folder, names[file]);
        size_t size;
        uint8_t *bytes = file_load(path, &size);
        for (size_t at = 0; at < size; at += at < 400 ? 1 : 37) {
            bytes[at] ^= 0x41;
            file_save(path, bytes, size);
            bytes[at] ^= 0x41;
            if (open_lmdb(folder, (struct opening){.flags = at % 2 ? TRADING_STORE_READ_ONLY : 0}, &store, &error))
                continue;
            for (uint8_t i = 0; i < 40; i++) {
                uint8_t value[32];
                int32_t code = lmdb_store_ops.secret_get(store, &secrets[i].name, value, &error);
                assert_true(code || memcmp(value, secrets[i].value, sizeof value) == 0);
                assert_true(code != TRADING_E_NOT_FOUND || lmdb_store_ops.check(store, &error) == TRADING_E_DAMAGED ||
                            file == 1);
            }
            lmdb_store_ops.check(store, &error);
            lmdb_store_ops.close(store);
        }
        file_save(path, bytes, size);
        free(bytes);
    }
    scratch_remove(folder);
}

/* An index that leads to another's slot must not cost that other its secret. */
static void mixed_up_secrets(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    path_in(path, folder, "secrets.mdb");
    trading_store_secret secrets[2] = {{.name = {{1}}, .value = {1}}, {.name = {{2}}, .value = {2}}};
    trading_error error;
    void *store = must_open(folder);
    assert_int_equal(lmdb_store_ops.secret_put(store, secrets, 2, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    uint64_t slot = 2; /* of the second */
    change_with_lmdb(path, &secrets[0].name, sizeof secrets[0].name, &slot, sizeof slot);
    store = must_open(folder);
    uint8_t value[32];
    assert_int_equal(lmdb_store_ops.secret_get(store, &secrets[0].name, value, &error), TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.secret_put(store, secrets, 1, &error), TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.secret_delete(store, &secrets[0].name, &error), TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.secret_get(store, &secrets[1].name, value, &error), TRADING_OK);
    assert_int_equal(value[0], 2);
    lmdb_store_ops.close(store);
    scratch_remove(folder);
}

static int ignore_entry(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)key;
    (void)key_size;
    (void)value;
    *(uint64_t *)arg += value_size;
    return 0;
}

static void use_state(const char *folder)
{
    void *store;
    void *write;
    trading_error error;
    uint64_t bytes = 0;
    int32_t code = lmdb_state_store_ops.open(folder, false, &plain_host, &store, &error);
    if (code == TRADING_E_DAMAGED)
        assert_non_null(strstr(error.message, "remove state.mdb"));
    if (code)
        return;
    lmdb_state_store_ops.scan(store, NULL, NULL, 0, NULL, 0, ignore_entry, &bytes, &error);
    if (!lmdb_state_store_ops.begin(store, &write, &error)) {
        for (uint8_t i = 1; i < 200; i += 9)
            lmdb_state_store_ops.put(write, (uint8_t[]){2, i, 0}, 3, folder, 100, &error);
        lmdb_state_store_ops.remove_all(write, (uint8_t[]){2, 7}, 2, &error);
        lmdb_state_store_ops.commit(write, true, &error);
    }
    lmdb_state_store_ops.close(store);
}

static void damaged_state(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    path_in(path, folder, "state.mdb");
    void *store;
    void *write;
    trading_error error;
    assert_int_equal(lmdb_state_store_ops.open(folder, false, &plain_host, &store, &error), TRADING_OK);
    static uint8_t value[4080];
    for (int round = 0; round < 3; round++) {
        assert_int_equal(lmdb_state_store_ops.begin(store, &write, &error), TRADING_OK);
        for (uint16_t i = 0; i < 300; i++)
            assert_int_equal(lmdb_state_store_ops.put(write, (uint8_t[]){2, (uint8_t)i, (uint8_t)(i >> 8)}, 3, value,
                                                      i % 4 ? 4080 : 100, &error),
                             TRADING_OK);
        assert_int_equal(lmdb_state_store_ops.commit(write, true, &error), TRADING_OK);
    }
    lmdb_state_store_ops.close(store);
    size_t size;
    uint8_t *bytes = file_load(path, &size);
    for (size_t page = 0; page < size / PAGE; page++) {
        struct page_header header;
        memcpy(&header, bytes + page * PAGE, sizeof header);
        if (header.flags == PAGE_OVERFLOW || header.number != page)
            continue;
        for (size_t at = 0; at < 160; at += 3) {
            bytes[page * PAGE + at] ^= 0x21;
            file_save(path, bytes, size);
            bytes[page * PAGE + at] ^= 0x21;
            use_state(folder); /* says so or goes on, but does not crash */
        }
    }
    free(bytes);
    scratch_remove(folder);
}

int main(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* thousands of stores are opened, and none need last */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_format),      cmocka_unit_test(not_ours),        cmocka_unit_test(mistaken_for_another),
        cmocka_unit_test(damaged_snapshots), cmocka_unit_test(damaged_secrets), cmocka_unit_test(mixed_up_secrets),
        cmocka_unit_test(damaged_state),
    };
    return cmocka_run_group_tests(tests, make_sample, drop_sample);
}
