/* What only the LMDB store promises: folders, processes that are killed, locks, secrets that are gone, and that the file is laid out
 * ahead. Limits of space and media that cannot be written have lmdb_disk_test.c. */
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

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static trading_store_info info_of(void *store)
{
    trading_store_info info = {.size = sizeof info};
    trading_error error;
    assert_int_equal(lmdb_store_ops.info(store, &info, &error), TRADING_OK);
    return info;
}

/* ---- folders ---- */

static void wrong_folders(void **state)
{
    char path[SCRATCH_PATH + 64];
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb("", (struct opening){0}, &store, &error), TRADING_E_INVALID);
    path_in(path, *state, "missing/folder");
    assert_int_equal(open_lmdb(path, (struct opening){0}, &store, &error), TRADING_E_NOT_FOUND); /* made, but not its parents */
    path_in(path, *state, "file");
    file_save(path, "x", 1);
    assert_int_equal(open_lmdb(path, (struct opening){0}, &store, &error), TRADING_E_INVALID);
    char *loong = malloc(5000);
    memset(loong, 'x', 4999);
    loong[4999] = 0;
    assert_int_equal(open_lmdb(loong, (struct opening){0}, &store, &error), TRADING_E_INVALID);
    free(loong);
    path_in(path, *state, "made");
    store = must_open(path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    lmdb_store_ops.close(store);
}

/* ---- processes that are killed ---- */

struct acknowledged {
    uint32_t partition;
    int64_t end;
};

enum { KILL_PARTITIONS = 3 };

/* Appends without end, and tells each end once it was acknowledged. */
_Noreturn static void append_for_ever(const char *folder, int channel, uint32_t round)
{
    void *store;
    trading_error error;
    struct opening how = {.durability = round % 2 ? TRADING_DURABILITY_PROCESS : TRADING_DURABILITY_SYNC};
    if (open_lmdb(folder, how, &store, &error))
        _exit(1);
    int64_t next[KILL_PARTITIONS];
    for (uint32_t i = 0; i < KILL_PARTITIONS; i++)
        next[i] = head_of(store, i);
    for (uint32_t i = round;; i++) {
        uint32_t partition = i % KILL_PARTITIONS;
        int64_t events = i % 5 + 1;
        if (append_bytes(store, partition, next[partition], events, i % 11 ? 1 + i * 7919 % 2500 : 300000, &error))
            _exit(2);
        next[partition] += events;
        struct acknowledged told = {.partition = partition, .end = next[partition]};
        if (write(channel, &told, sizeof told) != sizeof told)
            _exit(3);
    }
}

static void killed(void **state)
{
    const char *folder = *state;
    int64_t ends[KILL_PARTITIONS] = {0};
    for (uint32_t round = 0; round < 40; round++) {
        int channel[2];
        assert_int_equal(pipe(channel), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            append_for_ever(folder, channel[1], round);
        close(channel[1]);
        struct acknowledged told;
        for (uint32_t i = 0; i < round % 13 * 5 && read(channel[0], &told, sizeof told) == sizeof told; i++)
            ends[told.partition] = told.end;
        assert_int_equal(kill(child, SIGKILL), 0); /* wherever it is by now */
        while (read(channel[0], &told, sizeof told) == sizeof told)
            ends[told.partition] = told.end;
        close(channel[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        void *store = must_open(folder);
        for (uint32_t i = 0; i < KILL_PARTITIONS; i++) {
            struct extent extent = read_extent(store, i);
            assert_int_equal(extent.code, TRADING_OK);
            assert_false(extent.wrong);
            assert_true(extent.end >= ends[i]);
            assert_int_equal(head_of(store, i), extent.end);
            ends[i] = extent.end;
        }
        trading_error error;
        assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_OK);
        lmdb_store_ops.close(store);
    }
    assert_true(ends[0] > 0 && ends[1] > 0 && ends[2] > 0);
}

/* A crash while files were made, and while a snapshot was written. */
static void leftovers(void **state)
{
    char path[SCRATCH_PATH + 64];
    path_in(path, *state, "journal.mdb.new");
    file_save(path, "half a file", 11);
    void *store = must_open(*state);
    assert_int_equal(access(path, F_OK), -1);
    lmdb_store_ops.close(store);
    path_in(path, *state, "snapshots/0000000000.tmp");
    file_save(path, "half a snapshot", 15);
    store = must_open(*state);
    assert_int_equal(access(path, F_OK), -1);
    lmdb_store_ops.close(store);
}

/* ---- locks ---- */

static void says_who_has_it(void **state)
{
    void *store = must_open(*state);
    void *second;
    trading_error error;
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(open_lmdb(*state, (struct opening){0}, &second, &error), TRADING_E_LOCKED);
    assert_non_null(strstr(error.message, pid));
    assert_non_null(strstr(error.message, "this process"));
    lmdb_store_ops.close(store);
    store = must_open(*state);
    lmdb_store_ops.close(store);
}

/* Nothing that a store opens is left to programs that the host starts. */
static void closed_on_exec(void **state)
{
    void *store = must_open(*state);
    void *kept;
    trading_error error;
    trading_store_secret secret = {.name = {{4}}, .value = {5}};
    must_append(store, 0, 0, 1, 10);
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    assert_int_equal(lmdb_store_ops.snapshot_put(store, 0, 2, 0, "x", 1, 0, &error), TRADING_OK);
    assert_int_equal(lmdb_state_store_ops.open(*state, false, &plain_host, &kept, &error), TRADING_OK);
    unsigned found = 0;
    for (int fd = 0; fd < 256; fd++) {
        char name[64];
        char target[PATH_MAX];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, target, sizeof target - 1);
        if (length <= 0)
            continue;
        target[length] = 0;
        if (strncmp(target, *state, strlen(*state) - 1) != 0)
            continue;
        found++;
        if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
            fail_msg("%s stays open over an exec", target);
    }
    assert_true(found >= 10);
    lmdb_state_store_ops.close(kept);
    lmdb_store_ops.close(store);
}

/* A child that closes what it inherited takes nothing from its parent. */
static void closed_in_a_child(void **state)
{
    void *store = must_open(*state);
    must_append(store, 0, 0, 1, 100000);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        lmdb_store_ops.close(store);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    void *second;
    trading_error error;
    assert_int_equal(open_lmdb(*state, (struct opening){0}, &second, &error), TRADING_E_LOCKED);
    must_append(store, 0, 1, 1, 100000);
    expect_all(store, 2);
    lmdb_store_ops.close(store);
}

static void state_is_locked(void **state)
{
    void *first;
    void *second;
    trading_error error;
    assert_int_equal(lmdb_state_store_ops.open(*state, false, &plain_host, &first, &error), TRADING_OK);
    assert_int_equal(lmdb_state_store_ops.open(*state, true, &plain_host, &second, &error), TRADING_E_LOCKED);
    pid_t child = fork();
    if (child == 0) {
        void *store;
        int32_t writer = lmdb_state_store_ops.open(*state, false, &plain_host, &store, &error);
        int32_t reader = lmdb_state_store_ops.open(*state, true, &plain_host, &store, &error);
        if (!reader)
            lmdb_state_store_ops.close(store);
        _exit(writer == TRADING_E_LOCKED && reader == TRADING_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    lmdb_state_store_ops.close(first);
    assert_int_equal(lmdb_state_store_ops.open(*state, true, &plain_host, &second, &error), TRADING_OK);
    lmdb_state_store_ops.close(second);
}

/* ---- secrets are gone ---- */

static unsigned find_in_files(const char *folder, const void *bytes, size_t size)
{
    unsigned found = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        char path[SCRATCH_PATH + 64];
        struct stat status;
        path_in(path, folder, entry->d_name);
        if (stat(path, &status) || !S_ISREG(status.st_mode))
            continue;
        size_t length;
        uint8_t *content = file_load(path, &length);
        for (const uint8_t *at = content; (at = memmem(at, length - (size_t)(at - content), bytes, size)); at++)
            found++;
        free(content);
    }
    closedir(entries);
    return found;
}

static trading_store_secret secret_number(uint32_t number)
{
    trading_store_secret secret = {.name = {{1}}};
    memcpy(secret.name.bytes + 4, &number, sizeof number);
    uint64_t random = 88172645463325252u + number;
    for (uint32_t i = 0; i < sizeof secret.value + 64; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        secret.value[i % sizeof secret.value] = (uint8_t)(random >> 29);
    }
    return secret;
}

static void destroyed(void **state)
{
    const char *folder = *state;
    void *store = must_open(folder);
    trading_error error;
    for (uint32_t i = 0; i < 200; i++) {
        trading_store_secret secret = secret_number(i);
        assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    }
    for (uint32_t i = 0; i < 200; i += 10) {
        trading_store_secret secret = secret_number(i);
        assert_int_equal(find_in_files(folder, secret.value, 8), 1);
        assert_int_equal(lmdb_store_ops.secret_delete(store, &secret.name, &error), TRADING_OK);
        for (size_t part = 0; part < sizeof secret.value; part += 8)
            assert_int_equal(find_in_files(folder, secret.value + part, 8), 0);
    }
    trading_store_secret old = secret_number(7);
    trading_store_secret replaced = secret_number(7000);
    replaced.name = old.name;
    assert_int_equal(lmdb_store_ops.secret_put(store, &replaced, 1, &error), TRADING_OK);
    assert_int_equal(find_in_files(folder, old.value, 8), 0);
    assert_int_equal(find_in_files(folder, replaced.value, 8), 1);
    lmdb_store_ops.close(store);
}

/* A put that a crash cut off between the slot and the index. */
static void orphan_is_wiped(void **state)
{
    const char *folder = *state;
    void *store = must_open(folder);
    trading_error error;
    trading_store_secret secret = secret_number(1);
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    char path[SCRATCH_PATH + 64];
    path_in(path, folder, "secrets.dat");
    size_t size;
    uint8_t *bytes = file_load(path, &size);
    uint8_t *longer = calloc(1, size + 64);
    memcpy(longer, bytes, size);
    memset(longer + size, 0x77, 64);
    file_save(path, longer, size + 64);
    assert_int_equal(find_in_files(folder, longer + size, 64), 1);
    store = must_open(folder);
    assert_int_equal(find_in_files(folder, longer + size, 8), 0);
    uint8_t value[32];
    assert_int_equal(lmdb_store_ops.secret_get(store, &secret.name, value, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    free(bytes);
    free(longer);
}

/* ---- files that are lost ---- */

static void expect_lost(const char *folder, const char *file)
{
    char path[SCRATCH_PATH + 64];
    char kept[SCRATCH_PATH + 64];
    void *store;
    trading_error error;
    path_in(path, folder, file);
    path_in(kept, folder, "kept");
    assert_int_equal(rename(path, kept), 0);
    for (uint32_t flags = 0; flags <= TRADING_STORE_READ_ONLY; flags += TRADING_STORE_READ_ONLY) {
        assert_int_equal(open_lmdb(folder, (struct opening){.flags = flags}, &store, &error), TRADING_E_DAMAGED);
        assert_non_null(strstr(error.message, file));
        assert_non_null(strstr(error.message, "back from"));
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_int_equal(rename(kept, path), 0);
}

/* What was lost is not begun anew, as if nothing had ever been written. */
static void lost_files(void **state)
{
    const char *folder = *state;
    void *store = must_open(folder);
    trading_error error;
    trading_store_secret secret = secret_number(1);
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    must_append(store, 0, 0, 1, 100);
    lmdb_store_ops.close(store);
    expect_lost(folder, "journal.mdb");
    expect_lost(folder, "secrets.mdb");
    expect_lost(folder, "secrets.dat");
    store = must_open(folder);
    uint8_t value[32];
    assert_int_equal(lmdb_store_ops.secret_get(store, &secret.name, value, &error), TRADING_OK);
    expect_all(store, 1);
    lmdb_store_ops.close(store);
}

/* A crash between the two files of the first secret. */
static void slots_without_index(void **state)
{
    const char *folder = *state;
    char path[SCRATCH_PATH + 64];
    void *store = must_open(folder);
    trading_error error;
    trading_store_secret secret = secret_number(1);
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    path_in(path, folder, "secrets.mdb");
    assert_int_equal(unlink(path), 0);
    path_in(path, folder, "secrets.dat");
    assert_int_equal(truncate(path, 64), 0);
    store = must_open(folder);
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    lmdb_store_ops.close(store);
}

/* ---- laid out ahead ---- */

static bool wait_until_reserved(void *store, uint64_t bytes)
{
    struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 60000; i++) {
        if (info_of(store).bytes_reserved >= bytes)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static void laid_out_ahead(void **state)
{
    const char *folder = *state;
    void *store = must_open(folder);
    assert_true(info_of(store).bytes_reserved < 100000); /* a new store is small */
    int64_t position = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 40; i++)
            must_append(store, 0, position++, 1, 50000);
        trading_store_info info = info_of(store);
        assert_true(wait_until_reserved(store, info.bytes_used + (1 << 19)));
        assert_true(info_of(store).bytes_reserved < info.bytes_used + (4 << 20)); /* … but not too far */
        expect_all(store, position);
    }
    uint64_t used = info_of(store).bytes_used;
    lmdb_store_ops.close(store);
    char path[SCRATCH_PATH + 64];
    path_in(path, folder, "journal.mdb");
    size_t size;
    uint8_t *bytes = file_load(path, &size);
    assert_true(size > used);
    for (size_t at = used; at < size; at++)
        assert_int_equal(bytes[at], 0);
    free(bytes);
    store = must_open(folder);
    assert_int_equal(info_of(store).bytes_reserved, size); /* what lies there is used, not laid out again */
    must_append(store, 0, position, 1, 100000);
    expect_all(store, position + 1);
    lmdb_store_ops.close(store);
}

/* Every byte that is read back was appended while zeros were laid, at every speed of the two. */
static void never_zeroed(void **state)
{
    const char *folder = *state;
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(folder, (struct opening){.durability = TRADING_DURABILITY_PROCESS}, &store, &error), TRADING_OK);
    int64_t position = 0;
    for (int i = 0; i < 300; i++)
        must_append(store, 0, position++, 1, i % 20 == 0 ? 3000000 : (size_t)(i * 977 % 100000 + 1));
    expect_all(store, position);
    lmdb_store_ops.close(store);
    store = must_open(folder);
    expect_all(store, position);
    lmdb_store_ops.close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_CASE(killed), /* the first, while there is one thread */
        FOLDER_CASE(state_is_locked), FOLDER_CASE(closed_in_a_child), FOLDER_CASE(wrong_folders),
        FOLDER_CASE(leftovers),       FOLDER_CASE(says_who_has_it),   FOLDER_CASE(closed_on_exec),
        FOLDER_CASE(destroyed),       FOLDER_CASE(orphan_is_wiped),   FOLDER_CASE(laid_out_ahead),
        FOLDER_CASE(never_zeroed),    FOLDER_CASE(lost_files),        FOLDER_CASE(slots_without_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
