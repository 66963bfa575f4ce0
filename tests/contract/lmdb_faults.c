#include "lmdb_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic int failing;
static _Atomic int failure; /* errno */
static _Atomic int times;
static _Atomic uint64_t flushes;
static void (*_Atomic reading)(void);
static void (*_Atomic flushing)(void);
static void (*_Atomic publishing)(void);

static bool fails(enum failing what)
{
    if (atomic_load(&failing) != (int)what || atomic_load(&times) == 0)
        return false;
    atomic_fetch_sub(&times, 1);
    errno = atomic_load(&failure);
    return true;
}

void fail_next(enum failing what, int with, int often)
{
    atomic_store(&failing, what);
    atomic_store(&failure, with);
    atomic_store(&times, often);
}

uint64_t flushes_of_journals(void)
{
    return atomic_load(&flushes);
}

void meanwhile_reading(void (*happens)(void))
{
    atomic_store(&reading, happens);
}

void meanwhile_flushing(void (*happens)(void))
{
    atomic_store(&flushing, happens);
}

void meanwhile_publishing(void (*happens)(void))
{
    atomic_store(&publishing, happens);
}

/* The thread that lays out ahead has a descriptor of its own. */
static bool lays_ahead(int fd)
{
    return fcntl(fd, F_GETFL) & O_APPEND;
}

/* Of LMDB's writes only those of meta pages begin there; the store's own to other files are of other lengths. */
static bool is_meta(off_t offset, size_t size)
{
    return size == 120 && (offset == 32 || offset == 4096 + 32);
}

/* By the names that the linker sees: the header may give pwrite another. */
#define IN_PLACE_OF(name) __asm__(name) __attribute__((visibility("default"), used))

ssize_t faulty_pwrite(int fd, const void *bytes, size_t size, off_t offset) IN_PLACE_OF("pwrite");
ssize_t faulty_pwrite64(int fd, const void *bytes, size_t size, off_t offset) IN_PLACE_OF("pwrite64");
ssize_t faulty_pread(int fd, void *bytes, size_t size, off_t offset) IN_PLACE_OF("pread");
ssize_t faulty_pread64(int fd, void *bytes, size_t size, off_t offset) IN_PLACE_OF("pread64");
ssize_t faulty_writev(int fd, const struct iovec *parts, int count) IN_PLACE_OF("writev");
int faulty_fdatasync(int fd) IN_PLACE_OF("fdatasync");
int faulty_sync_file_range(int fd, off_t from, off_t bytes, unsigned how) IN_PLACE_OF("sync_file_range");

ssize_t faulty_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    bool meta = is_meta(offset, size);
    if (meta && fails(META))
        return -1;
    if (size % 4096 == 0 && fails(DATA))
        return -1;
    if (size % 4096 == 0 && fails(DATA_SHORT))
        size /= 2;
    if (meta && atomic_load(&failing) == META_STAYS && atomic_load(&times) == 1) {
        fails(META_STAYS); /* the second: putting the old one back */
        return -1;
    }
    if (fcntl(fd, F_GETFL) & O_DSYNC)
        atomic_fetch_add(&flushes, 1);
    ssize_t put = syscall(SYS_pwrite64, fd, bytes, size, offset);
    void (*happens)(void) = meta ? atomic_load(&publishing) : NULL;
    if (happens)
        happens();
    return meta && fails(META_STAYS) ? -1 : put;
}

ssize_t faulty_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    return faulty_pwrite(fd, bytes, size, offset);
}

ssize_t faulty_pread(int fd, void *bytes, size_t size, off_t offset)
{
    void (*happens)(void) = size == 4096 ? atomic_exchange(&reading, NULL) : NULL; /* it may read as well */
    if (happens) {
        happens();
        atomic_store(&reading, happens);
    }
    return syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t faulty_pread64(int fd, void *bytes, size_t size, off_t offset)
{
    return faulty_pread(fd, bytes, size, offset);
}

ssize_t faulty_writev(int fd, const struct iovec *parts, int count)
{
    if (!lays_ahead(fd) && count > 0 && (fails(DATA) || fails(DATA_SHORT)))
        return -1;
    return syscall(SYS_writev, fd, parts, count);
}

int faulty_fdatasync(int fd)
{
    if (lays_ahead(fd))
        return (int)syscall(SYS_fdatasync, fd);
    void (*happens)(void) = atomic_load(&flushing);
    if (happens)
        happens();
    if (fails(FLUSH))
        return -1;
    atomic_fetch_add(&flushes, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

int faulty_sync_file_range(int fd, off_t from, off_t bytes, unsigned how)
{
    if (fails(FLUSH))
        return -1;
    atomic_fetch_add(&flushes, 1);
    return (int)syscall(SYS_sync_file_range, fd, from, bytes, how);
}
