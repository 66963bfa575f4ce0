#include "backends/state_files.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 32

static int32_t failed(const struct state_files *files, int failure, const char *doing, uint32_t file, trading_error *error)
{
    int32_t code = failure == ENOSPC || failure == EDQUOT                      ? TRADING_E_NO_SPACE
                   : failure == ENOMEM                                         ? TRADING_E_NO_MEMORY
                   : failure == EROFS || failure == EACCES || failure == EBADF ? TRADING_E_READ_ONLY
                                                                               : TRADING_E_IO;
    return error_native(error, code, failure, "%s state file %u failed: %s (in %s)", doing, file, strerror(failure),
                        files->in_memory ? "memory" : files->path);
}

/* ---- opening ---- */

int32_t state_files_open(struct state_files *files, int folder, const char *path, bool read_only, trading_error *error)
{
    *files = (struct state_files){.folder = -1, .read_only = read_only};
    snprintf(files->path, sizeof files->path, "%s", path);
    files->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    return files->folder < 0 ? failed(files, errno, "opening", 0, error) : TRADING_OK;
}

void state_files_in_memory(struct state_files *files)
{
    *files = (struct state_files){.folder = -1, .in_memory = true};
}

void state_files_close(struct state_files *files)
{
    for (uint32_t file = 0; file < STATE_FILES; file++)
        if (files->opened[file])
            close(files->opened[file] - 1);
    if (files->folder >= 0)
        close(files->folder);
    files->folder = -1;
}

static int open_file(const struct state_files *files, uint32_t file, bool create)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%02u.pages", file);
    if (files->in_memory)
        return memfd_create(name, MFD_CLOEXEC);
    int flags = files->read_only ? O_RDONLY : O_RDWR | (create ? O_CREAT : 0);
    int fd = openat(files->folder, name, flags | O_CLOEXEC, 0600);
    if (fd >= 0 && create && fsync(files->folder)) { /* its name must last as long as what is in it */
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

/* The file's descriptor, -1 with errno. Two threads that open it at once agree on one. */
static int descriptor(struct state_files *files, uint32_t file, bool create)
{
    int opened = atomic_load(&files->opened[file]);
    if (opened)
        return opened - 1;
    if (!files->in_memory && files->folder < 0) {
        errno = ENOENT;
        return -1;
    }
    int fd = open_file(files, file, create);
    if (fd < 0)
        return -1;
    if (atomic_compare_exchange_strong(&files->opened[file], &opened, fd + 1))
        return fd;
    close(fd);
    return opened - 1;
}

/* ---- reading and writing ---- */

int32_t state_files_size(void *store, uint32_t file, uint64_t *bytes, trading_error *error)
{
    struct state_files *files = store;
    struct stat status;
    *bytes = 0;
    int fd = descriptor(files, file, false);
    if (fd < 0 && errno == ENOENT)
        return error_clear(error);
    if (fd < 0 || fstat(fd, &status))
        return failed(files, errno, "opening", file, error);
    *bytes = (uint64_t)status.st_size;
    return TRADING_OK;
}

int32_t state_files_read(void *store, uint32_t file, uint64_t offset, void *bytes, size_t size, trading_error *error)
{
    struct state_files *files = store;
    int fd = descriptor(files, file, false);
    if (fd < 0 && errno != ENOENT)
        return failed(files, errno, "opening", file, error);
    for (size_t done = 0; done < size;) {
        ssize_t got = fd < 0 ? 0 : pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (got == 0)
            return error_set(error, TRADING_E_DAMAGED, "state file %u ends before byte %llu", file,
                             (unsigned long long)offset + size);
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return failed(files, errno, "reading", file, error);
    }
    return TRADING_OK;
}

int32_t state_files_write(void *store, uint32_t file, uint64_t offset, const void *bytes, size_t size, trading_error *error)
{
    struct state_files *files = store;
    if (files->read_only)
        return failed(files, EROFS, "writing", file, error);
    int fd = descriptor(files, file, true);
    if (fd < 0)
        return failed(files, errno, "opening", file, error);
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return failed(files, errno, "writing", file, error);
    }
    return TRADING_OK;
}

int32_t state_files_sync(void *store, uint32_t file, trading_error *error)
{
    struct state_files *files = store;
    int fd = descriptor(files, file, false);
    if (fd < 0 && errno == ENOENT)
        return TRADING_OK;
    if (fd < 0 || (!files->in_memory && fdatasync(fd)))
        return failed(files, errno, "flushing", file, error);
    return TRADING_OK;
}

int32_t state_files_cut(void *store, uint32_t file, uint64_t bytes, trading_error *error)
{
    struct state_files *files = store;
    if (files->read_only)
        return failed(files, EROFS, "writing", file, error);
    int fd = descriptor(files, file, bytes != 0);
    if (fd < 0 && errno == ENOENT && !bytes)
        return TRADING_OK;
    if (fd < 0 || ftruncate(fd, (off_t)bytes))
        return failed(files, errno, "writing", file, error);
    return TRADING_OK;
}

/* ---- mapping ---- */

int32_t state_files_map(void *store, uint32_t file, uint64_t offset, size_t size, void **mapping, trading_error *error)
{
    struct state_files *files = store;
    uint64_t bytes;
    int32_t code = state_files_size(files, file, &bytes, error);
    if (code)
        return code;
    if (bytes < offset || bytes - offset < size)
        return error_set(error, TRADING_E_DAMAGED, "state file %u has %llu bytes instead of %llu", file,
                         (unsigned long long)bytes, (unsigned long long)offset + size);
    int flags = MAP_PRIVATE | MAP_NORESERVE | (*mapping ? MAP_FIXED : 0);
    void *mapped = mmap(*mapping, size, PROT_READ | PROT_WRITE, flags, descriptor(files, file, false), (off_t)offset);
    if (mapped == MAP_FAILED)
        return failed(files, errno, "mapping", file, error);
    *mapping = mapped;
    return TRADING_OK;
}

void state_files_unmap(void *store, void *mapping, size_t size)
{
    (void)store;
    munmap(mapping, size);
}
