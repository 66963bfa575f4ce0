/* What the LMDB store promises of the medium below it: limits of space, and what cannot be written. */
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

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers need all of the address space for themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WHOLE_ADDRESS_SPACE 0
#else
#define WHOLE_ADDRESS_SPACE 1
#endif

#define EXIT_SKIPPED 77 /* as Meson reads it */

/* ---- disks of its own ---- */

static bool left_out; /* a test that needs a disk could not have one */

static bool write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool written = file && fputs(text, file) != EOF;
    return file && fclose(file) == 0 && written;
}

static bool become_root(const char *path, unsigned id)
{
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", id);
    return write_to(path, map);
}

/* Leaves the file system that others see, so that what is mounted is seen by this program alone and goes with it. Whoever is not root
 * becomes it in a name space of users of its own. Must be done while there is one thread. */
static bool mount_apart(void)
{
    unsigned user = geteuid();
    unsigned group = getegid();
    if (unshare(CLONE_NEWNS) == 0)
        return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_to("/proc/self/setgroups", "deny") &&
           become_root("/proc/self/uid_map", user) && become_root("/proc/self/gid_map", group);
}

static void mount_disk(const char *folder, const char *size)
{
    if (mount("tmpfs", folder, "tmpfs", 0, size) == 0)
        return;
    print_message("NOT TESTED: a small disk cannot be mounted here (%s)\n", strerror(errno));
    left_out = true;
    skip();
}

/* ---- space ---- */

/* Appends commits of one event until one is refused. How many there were. */
static int64_t append_until_refused(void *store, size_t size, int64_t from, trading_error *error)
{
    int64_t position = from;
    while (position < from + 100000 && append_bytes(store, 0, position, 1, size, error) == TRADING_OK)
        position++;
    return position;
}

static void limit_on_file_size(void **state)
{
    const char *folder = *state;
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void *store = must_open(folder);
    struct rlimit small = before;
    for (rlim_t limit = 300001; limit < 4000000; limit = limit * 2 + 12365) {
        small.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        trading_error error;
        int64_t end = append_until_refused(store, limit % 3 ? 9000 : 150000, head_of(store, 0), &error);
        assert_int_equal(error.code, TRADING_E_NO_SPACE);
        assert_int_equal(append_bytes(store, 0, end, 1, 100000, &error), TRADING_E_NO_SPACE);
        expect_all(store, end);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    int64_t end = head_of(store, 0);
    must_append(store, 0, end, 1, 100000);
    expect_all(store, end + 1);
    lmdb_store_ops.close(store);
    store = must_open(folder);
    expect_all(store, end + 1);
    lmdb_store_ops.close(store);
}

static void full_disk(void **state)
{
    const char *folder = *state;
    mount_disk(folder, "size=6m");
    char path[SCRATCH_PATH + 64];
    path_in(path, folder, "filler");
    void *filler = calloc(1, 2 << 20);
    file_save(path, filler, 2 << 20);
    free(filler);
    void *store = must_open(folder);
    trading_error error;
    int64_t end = append_until_refused(store, 30000, 0, &error);
    assert_int_equal(error.code, TRADING_E_NO_SPACE);
    assert_true(end > 20);
    assert_int_equal(append_bytes(store, 0, end, 1, 30000, &error), TRADING_E_NO_SPACE);
    assert_int_equal(lmdb_store_ops.snapshot_put(store, 0, 1, 0, "x", 1, 1, &error), TRADING_E_NO_SPACE);
    expect_all(store, end);
    assert_int_equal(unlink(path), 0);
    must_append(store, 0, end, 1, 30000); /* and goes on by itself */
    end = append_until_refused(store, 30000, end + 1, &error);
    assert_int_equal(error.code, TRADING_E_NO_SPACE);
    lmdb_store_ops.close(store);
    store = must_open(folder);
    expect_all(store, end);
    lmdb_store_ops.close(store);
    assert_int_equal(umount(folder), 0);
}

static void full_map(void **state)
{
    const char *folder = *state;
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(folder, (struct opening){.map_bytes = 1 << 20}, &store, &error), TRADING_OK);
    int64_t end = append_until_refused(store, 30000, 0, &error);
    assert_int_equal(error.code, TRADING_E_NO_SPACE);
    assert_non_null(strstr(error.message, "map_bytes"));
    expect_all(store, end);
    must_append(store, 0, end, 1, 10); /* what fits still does */
    lmdb_store_ops.close(store);
    assert_int_equal(open_lmdb(folder, (struct opening){.map_bytes = 2 << 20}, &store, &error), TRADING_OK);
    must_append(store, 0, end + 1, 1, 30000);
    expect_all(store, end + 2);
    lmdb_store_ops.close(store);
}

#if WHOLE_ADDRESS_SPACE
/* Less address space than the map asks for. */
static void little_address_space(void **state)
{
    const char *folder = *state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {.rlim_cur = (rlim_t)8 << 30, .rlim_max = (rlim_t)8 << 30};
        setrlimit(RLIMIT_AS, &limit);
        void *store;
        trading_error error;
        int32_t code = open_lmdb(folder, (struct opening){0}, &store, &error);
        if (!code)
            code = append_bytes(store, 0, 0, 1, 100, &error);
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

/* ---- media that cannot be written ---- */

static void expect_read_only(const char *folder)
{
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(folder, (struct opening){0}, &store, &error), TRADING_E_READ_ONLY);
    assert_non_null(strstr(error.message, "read only"));
    assert_int_equal(open_lmdb(folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    expect_all(store, 3);
    int64_t position;
    uint32_t chunks;
    assert_int_equal(lmdb_store_ops.snapshot_find(store, 0, 10, &position, &chunks, &error), TRADING_OK);
    uint8_t value[32];
    assert_int_equal(lmdb_store_ops.secret_get(store, &(trading_id){{4}}, value, &error), TRADING_OK);
    lmdb_store_ops.close(store);
}

static void write_a_little(const char *folder)
{
    trading_error error;
    void *store = must_open(folder);
    for (int64_t i = 0; i < 3; i++)
        must_append(store, 0, i, 1, 5000);
    assert_int_equal(lmdb_store_ops.snapshot_put(store, 0, 2, 0, "x", 1, 1, &error), TRADING_OK);
    trading_store_secret secret = {.name = {{4}}, .value = {5}};
    assert_int_equal(lmdb_store_ops.secret_put(store, &secret, 1, &error), TRADING_OK);
    lmdb_store_ops.close(store);
    void *kept;
    assert_int_equal(lmdb_state_store_ops.open(folder, false, &plain_host, &kept, &error), TRADING_OK);
    lmdb_state_store_ops.close(kept);
}

static void read_only_disk(void **state)
{
    const char *folder = *state;
    mount_disk(folder, "size=16m");
    write_a_little(folder);
    assert_int_equal(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=16m"), 0);
    expect_read_only(folder);
    void *kept;
    trading_error error;
    assert_int_equal(lmdb_state_store_ops.open(folder, false, &plain_host, &kept, &error), TRADING_E_READ_ONLY);
    assert_int_equal(lmdb_state_store_ops.open(folder, true, &plain_host, &kept, &error), TRADING_OK);
    lmdb_state_store_ops.close(kept);
    assert_int_equal(umount(folder), 0);
}

/* Root may write what nobody may: not while it does without that right. Whoever is not root never had it. */
static void mind_permissions(bool mind)
{
    const uint32_t rights = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    data[0].effective = mind ? data[0].effective & ~rights : data[0].effective | (data[0].permitted & rights);
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void read_only_folder(void **state)
{
    const char *folder = *state;
    write_a_little(folder);
    static const char *const files[] = {"journal.mdb", "lock", "secrets.mdb", "secrets.dat"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[SCRATCH_PATH + 64];
        path_in(path, folder, files[i]);
        assert_int_equal(chmod(path, 0400), 0);
    }
    assert_int_equal(chmod(folder, 0500), 0);
    mind_permissions(true);
    expect_read_only(folder);
    mind_permissions(false);
    assert_int_equal(chmod(folder, 0700), 0);
}

int main(void)
{
    if (!mount_apart())
        print_message("no mounts of its own: %s\n", strerror(errno));
    const struct CMUnitTest tests[] = {
#if WHOLE_ADDRESS_SPACE
        FOLDER_CASE(little_address_space), /* the first, while there is one thread */
#endif
        FOLDER_CASE(limit_on_file_size),
        FOLDER_CASE(full_disk),
        FOLDER_CASE(full_map),
        FOLDER_CASE(read_only_disk),
        FOLDER_CASE(read_only_folder),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed || !left_out ? failed : EXIT_SKIPPED;
}
