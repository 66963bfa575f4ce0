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

#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

int32_t open_lmdb(const char *folder, struct opening how, void **store, trading_error *error)
{
    trading_store_request request = {.size = sizeof request,
                                     .flags = how.flags,
                                     .location = folder,
                                     .durability = how.durability ? how.durability : TRADING_DURABILITY_SYNC,
                                     .map_bytes = how.map_bytes};
    *store = NULL;
    *error = (trading_error){0};
    int32_t code = lmdb_store_ops.open(&request, &plain_host, store, error);
    assert_int_equal(code, error->code);
    assert_true(!code == !!*store);
    return code;
}

void *must_open(const char *folder)
{
    void *store;
    trading_error error;
    if (open_lmdb(folder, (struct opening){0}, &store, &error))
        fail_msg("opening %s: %s", folder, error.message);
    return store;
}

static uint64_t word_at(size_t index, uint32_t partition, int64_t position)
{
    uint64_t value = (uint64_t)position * 0x9e3779b97f4a7c15 + partition * 0xff51afd7ed558ccd + index;
    return (value ^ value >> 31) * 0xc4ceb9fe1a85ec53;
}

void make_commit(trading_store_commit *commit, uint32_t partition, int64_t position, int64_t events, size_t size)
{
    uint64_t *words = malloc(size + sizeof *words);
    assert_non_null(words);
    for (size_t i = 0; i <= size / sizeof *words; i++)
        words[i] = word_at(i, partition, position);
    *commit =
        (trading_store_commit){.first_position = position, .event_count = events, .nonce = {{9}}, .data = words, .size = size};
    memcpy(commit->nonce.bytes + 8, &position, sizeof position);
}

void free_commit(const trading_store_commit *commit)
{
    free((void *)(uintptr_t)commit->data);
}

int32_t append_bytes(void *store, uint32_t partition, int64_t position, int64_t events, size_t size, trading_error *error)
{
    trading_store_commit commit;
    make_commit(&commit, partition, position, events, size);
    *error = (trading_error){0};
    int32_t code = lmdb_store_ops.append(store, partition, &commit, 1, NULL, error);
    assert_int_equal(code, error->code);
    free_commit(&commit);
    return code;
}

void must_append(void *store, uint32_t partition, int64_t position, int64_t events, size_t size)
{
    trading_error error;
    if (append_bytes(store, partition, position, events, size, &error))
        fail_msg("appending at %lld: %s", (long long)position, error.message);
}

struct visiting {
    struct extent *extent;
    uint32_t partition;
};

static int32_t visit(void *arg, const trading_store_commit *commit)
{
    struct visiting *visiting = arg;
    struct extent *extent = visiting->extent;
    extent->wrong = extent->wrong || commit->first_position != extent->end || commit->nonce.bytes[0] != 9;
    for (size_t i = 0; i * 8 < commit->size; i++) {
        uint64_t word = word_at(i, visiting->partition, commit->first_position);
        size_t left = commit->size - i * 8;
        extent->wrong = extent->wrong || memcmp((const char *)commit->data + i * 8, &word, left < 8 ? left : 8) != 0;
    }
    extent->end += commit->event_count;
    extent->commits++;
    return 0;
}

struct extent read_extent(void *store, uint32_t partition)
{
    struct extent extent = {0};
    struct visiting visiting = {.extent = &extent, .partition = partition};
    extent.code = lmdb_store_ops.read(store, partition, 0, visit, &visiting, &extent.error);
    return extent;
}

int64_t head_of(void *store, uint32_t partition)
{
    trading_store_head head;
    trading_error error;
    if (lmdb_store_ops.head(store, partition, &head, &error))
        fail_msg("asking for the head: %s", error.message);
    return head.next_position;
}

void expect_all(void *store, int64_t end)
{
    struct extent extent = read_extent(store, 0);
    assert_int_equal(extent.code, TRADING_OK);
    assert_int_equal(extent.end, end);
    assert_false(extent.wrong);
    assert_int_equal(head_of(store, 0), end);
    trading_error error;
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_OK);
}

int make_folder(void **state)
{
    static char folder[SCRATCH_PATH];
    scratch_make(folder);
    *state = folder;
    return 0;
}

int drop_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

void path_in(char path[SCRATCH_PATH + 64], const char *folder, const char *name)
{
    snprintf(path, SCRATCH_PATH + 64, "%s/%s", folder, name);
}

uint8_t *file_load(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

void file_save(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void change_with_lmdb(const char *path, const void *key_bytes, size_t key_size, const void *value_bytes, size_t value_size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {.mv_size = key_size, .mv_data = (void *)(uintptr_t)key_bytes};
    MDB_val value = {.mv_size = value_size, .mv_data = (void *)(uintptr_t)value_bytes};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 1 << 30), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(value_bytes ? mdb_put(txn, dbi, &key, &value, 0) : mdb_del(txn, dbi, &key, NULL), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

void kill_writer(const char *folder, void (*write)(void *store))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write(must_open(folder));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void leave_open(const char *folder, void (*write)(void *store))
{
    char path[SCRATCH_PATH + 64];
    kill_writer(folder, write);
    path_in(path, folder, "lock");
    assert_int_equal(unlink(path), 0);
}
