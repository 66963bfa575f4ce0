/* The calls that take the place of the C library's (power.h). */
#include "power.h"
#include "power_record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS 1024

static void (*_Atomic flushing)(void);
/* Where nothing is flushed for real, files are opened without O_DSYNC, and this says which should have been. */
static _Atomic bool writes_through[DESCRIPTORS];

void power_meanwhile_flushing(void (*happens)(void))
{
    atomic_store(&flushing, happens);
}

/* ---- writing ---- */

/* offset −1: where the descriptor stands. */
static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
    return offset < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, (long)offset, 0L);
}

static ssize_t write_noting(int fd, const struct iovec *parts, int count, off_t offset)
{
    struct power_record *record = power_watched();
    uint32_t file = power_file_of(record, fd);
    if (file == POWER_UNKNOWN)
        return write_parts(fd, parts, count, offset);
    power_lock(record); /* what is written is noted in the order in which it is */
    int flags = fcntl(fd, F_GETFL);
    off_t begins = offset;
    if (flags & O_APPEND)
        begins = (off_t)record->files[file].size_now;
    else if (offset < 0)
        begins = lseek(fd, 0, SEEK_CUR);
    ssize_t put = write_parts(fd, parts, count, offset);
    if (put > 0) {
        power_note_bytes(record, file, (uint64_t)begins, parts, (uint64_t)put);
        if (flags & O_DSYNC || (fd < DESCRIPTORS && atomic_load(&writes_through[fd])))
            power_note_flush(record, file, (uint64_t)begins, (uint64_t)put, record->count);
    }
    power_unlock(record);
    return put;
}

static int cut_noting(int fd, off_t size)
{
    struct power_record *record = power_watched();
    uint32_t file = power_file_of(record, fd);
    if (file == POWER_UNKNOWN)
        return (int)syscall(SYS_ftruncate, fd, size);
    power_lock(record);
    int failed = (int)syscall(SYS_ftruncate, fd, size);
    if (!failed)
        power_note_size(record, file, (uint64_t)size);
    power_unlock(record);
    return failed;
}

static int flush_noting(int fd, long call)
{
    struct power_record *record = power_watched();
    uint32_t file = power_file_of(record, fd);
    if (file == POWER_UNKNOWN)
        return (int)syscall(call, fd);
    power_lock(record);
    size_t since = record->count;
    power_unlock(record);
    /* The thread that lays zeros ahead has a descriptor of its own. */
    void (*happens)(void) = fcntl(fd, F_GETFL) & O_APPEND ? NULL : atomic_load(&flushing);
    if (happens)
        happens();
    if (record->flush && syscall(call, fd))
        return -1;
    power_lock(record);
    power_note_flush(record, file, 0, UINT64_MAX, since);
    power_unlock(record);
    return 0;
}

/* ---- names ---- */

#define RUN_FILE "/proc/sys/kernel/random/boot_id"

static int open_run(uint64_t run)
{
    int fd = memfd_create("boot_id", MFD_CLOEXEC);
    if (fd >= 0 && (dprintf(fd, "00000000-0000-4000-8000-%012" PRIx64 "\n", run) < 0 || lseek(fd, 0, SEEK_SET) < 0))
        power_give_up(RUN_FILE);
    return fd;
}

static void note_made(struct power_record *record, int at, const char *path, const struct power_place *place)
{
    struct stat status;
    if (fstatat(at, path, &status, 0))
        power_give_up(path);
    power_note_made(record, place, &status);
}

static int open_noting(int at, const char *path, int flags, mode_t mode)
{
    struct power_record *record = power_watched();
    struct power_place place;
    if (record && strcmp(path, RUN_FILE) == 0)
        return open_run(record->run);
    if (!power_place_of(record, at, path, &place))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    power_lock(record);
    bool is_new = flags & O_CREAT && faccessat(at, path, F_OK, 0) != 0;
    int fd = (int)syscall(SYS_openat, at, path, record->flush ? flags : flags & ~(O_DSYNC | O_DIRECT), mode);
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store(&writes_through[fd], flags & O_DSYNC);
    if (fd >= 0 && is_new)
        note_made(record, at, path, &place);
    else if (fd >= 0 && flags & O_TRUNC)
        power_note_size(record, power_file_of(record, fd), 0);
    power_unlock(record);
    return fd;
}

static int make_folder_noting(int at, const char *path, mode_t mode)
{
    struct power_record *record = power_watched();
    struct power_place place;
    if (!power_place_of(record, at, path, &place))
        return (int)syscall(SYS_mkdirat, at, path, mode);
    power_lock(record);
    int failed = (int)syscall(SYS_mkdirat, at, path, mode);
    if (!failed)
        note_made(record, at, path, &place);
    power_unlock(record);
    return failed;
}

static int rename_noting(int at, const char *path, int new_at, const char *new_path)
{
    struct power_record *record = power_watched();
    struct power_place from;
    struct power_place to;
    struct stat status;
    if (!power_place_of(record, at, path, &from) || !power_place_of(record, new_at, new_path, &to))
        return (int)syscall(SYS_renameat2, at, path, new_at, new_path, 0);
    power_lock(record);
    int failed = (int)syscall(SYS_renameat2, at, path, new_at, new_path, 0);
    if (!failed && fstatat(new_at, new_path, &status, 0) == 0)
        power_note_renamed(record, &from, &to, &status);
    power_unlock(record);
    return failed;
}

static int unlink_noting(int at, const char *path, int flags)
{
    struct power_record *record = power_watched();
    struct power_place place;
    if (!power_place_of(record, at, path, &place))
        return (int)syscall(SYS_unlinkat, at, path, flags);
    power_lock(record);
    int failed = (int)syscall(SYS_unlinkat, at, path, flags);
    if (!failed)
        power_note_removed(record, &place);
    power_unlock(record);
    return failed;
}

/* ---- in place of the C library's ---- */

/* By the names that the linker sees: the header may give a function another. */
#define IN_PLACE_OF(name) __asm__(name) __attribute__((visibility("default"), used))

ssize_t power_pwrite(int fd, const void *bytes, size_t size, off_t offset) IN_PLACE_OF("pwrite");
ssize_t power_pwrite64(int fd, const void *bytes, size_t size, off_t offset) IN_PLACE_OF("pwrite64");
ssize_t power_write(int fd, const void *bytes, size_t size) IN_PLACE_OF("write");
ssize_t power_writev(int fd, const struct iovec *parts, int count) IN_PLACE_OF("writev");
ssize_t power_pwritev(int fd, const struct iovec *parts, int count, off_t offset) IN_PLACE_OF("pwritev");
ssize_t power_pwritev64(int fd, const struct iovec *parts, int count, off_t offset) IN_PLACE_OF("pwritev64");
int power_fsync(int fd) IN_PLACE_OF("fsync");
int power_fdatasync(int fd) IN_PLACE_OF("fdatasync");
int power_ftruncate(int fd, off_t size) IN_PLACE_OF("ftruncate");
int power_ftruncate64(int fd, off_t size) IN_PLACE_OF("ftruncate64");
int power_open(const char *path, int flags, ...) IN_PLACE_OF("open");
int power_open64(const char *path, int flags, ...) IN_PLACE_OF("open64");
int power_openat(int at, const char *path, int flags, ...) IN_PLACE_OF("openat");
int power_openat64(int at, const char *path, int flags, ...) IN_PLACE_OF("openat64");
int power_mkdir(const char *path, mode_t mode) IN_PLACE_OF("mkdir");
int power_mkdirat(int at, const char *path, mode_t mode) IN_PLACE_OF("mkdirat");
int power_rename(const char *path, const char *new_path) IN_PLACE_OF("rename");
int power_renameat(int at, const char *path, int new_at, const char *new_path) IN_PLACE_OF("renameat");
int power_unlink(const char *path) IN_PLACE_OF("unlink");
int power_unlinkat(int at, const char *path, int flags) IN_PLACE_OF("unlinkat");

static struct iovec one_part(const void *bytes, size_t size)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
}

ssize_t power_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = one_part(bytes, size);
    return write_noting(fd, &part, 1, offset);
}

ssize_t power_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    return power_pwrite(fd, bytes, size, offset);
}

ssize_t power_write(int fd, const void *bytes, size_t size)
{
    struct iovec part = one_part(bytes, size);
    return write_noting(fd, &part, 1, -1);
}

ssize_t power_writev(int fd, const struct iovec *parts, int count)
{
    return write_noting(fd, parts, count, -1);
}

ssize_t power_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_noting(fd, parts, count, offset);
}

ssize_t power_pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_noting(fd, parts, count, offset);
}

int power_fsync(int fd)
{
    return flush_noting(fd, SYS_fsync);
}

int power_fdatasync(int fd)
{
    return flush_noting(fd, SYS_fdatasync);
}

int power_ftruncate(int fd, off_t size)
{
    return cut_noting(fd, size);
}

int power_ftruncate64(int fd, off_t size)
{
    return cut_noting(fd, size);
}

/* The mode is given with O_CREAT only. */
#define MODE_AFTER(flags)                                                                                                      \
    mode_t mode = 0;                                                                                                           \
    va_list arguments;                                                                                                         \
    va_start(arguments, flags);                                                                                                \
    if (flags & O_CREAT)                                                                                                       \
        mode = va_arg(arguments, mode_t);                                                                                      \
    va_end(arguments)

int power_open(const char *path, int flags, ...)
{
    MODE_AFTER(flags);
    return open_noting(AT_FDCWD, path, flags, mode);
}

int power_open64(const char *path, int flags, ...)
{
    MODE_AFTER(flags);
    return open_noting(AT_FDCWD, path, flags, mode);
}

int power_openat(int at, const char *path, int flags, ...)
{
    MODE_AFTER(flags);
    return open_noting(at, path, flags, mode);
}

int power_openat64(int at, const char *path, int flags, ...)
{
    MODE_AFTER(flags);
    return open_noting(at, path, flags, mode);
}

int power_mkdir(const char *path, mode_t mode)
{
    return make_folder_noting(AT_FDCWD, path, mode);
}

int power_mkdirat(int at, const char *path, mode_t mode)
{
    return make_folder_noting(at, path, mode);
}

int power_rename(const char *path, const char *new_path)
{
    return rename_noting(AT_FDCWD, path, AT_FDCWD, new_path);
}

int power_renameat(int at, const char *path, int new_at, const char *new_path)
{
    return rename_noting(at, path, new_at, new_path);
}

int power_unlink(const char *path)
{
    return unlink_noting(AT_FDCWD, path, 0);
}

int power_unlinkat(int at, const char *path, int flags)
{
    return unlink_noting(at, path, flags);
}
