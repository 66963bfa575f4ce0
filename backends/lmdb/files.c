#include "backends/lmdb/files.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"
#include "base/flush.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new folder's name is in its parent, which must be flushed for it to last. */
static int sync_parent(int folder_fd)
{
    int parent = openat(folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return errno;
    int failure = fsync(parent) ? errno : 0;
    close(parent);
    return failure;
}

int32_t folder_open(struct folder *folder, const char *location, bool create, trading_error *error)
{
    folder->fd = -1;
    if (!*location)
        return error_set(error, TRADING_E_INVALID,
                         "no folder given; the location of an LMDB store is a path, as in lmdb:/var/lib/x");
    bool made = create && mkdir(location, 0700) == 0;
    if (create && !made && errno != EEXIST)
        return lmdb_failure(error, errno, "creating folder", location, "");
    if (!realpath(location, folder->path))
        return lmdb_failure(error, errno, "opening folder", location, "");
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return lmdb_failure(error, errno, "opening folder", folder->path, "");
    int failure = made ? sync_parent(folder->fd) : 0;
    if (failure) {
        folder_close(folder);
        return lmdb_failure(error, failure, "flushing the parent of", folder->path, "");
    }
    return TRADING_OK;
}

void folder_close(struct folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

int folder_sync(const struct folder *folder)
{
    return fsync(folder->fd) ? errno : 0;
}

int folder_rename(const struct folder *folder, const char *from, const char *to)
{
    if (renameat(folder->fd, from, folder->fd, to))
        return errno;
    return folder_sync(folder);
}

int folder_path(const struct folder *folder, const char *name, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder->path, name);
    return length > 0 && length < PATH_MAX ? 0 : -1;
}

bool folder_has(const struct folder *folder, const char *name)
{
    return faccessat(folder->fd, name, F_OK, 0) == 0;
}

void folder_sweep(const struct folder *folder, const char *suffix)
{
    DIR *entries = opendir(folder->path);
    if (!entries)
        return;
    size_t suffix_length = strlen(suffix);
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        size_t length = strlen(entry->d_name);
        if (length > suffix_length && strcmp(entry->d_name + length - suffix_length, suffix) == 0)
            unlinkat(folder->fd, entry->d_name, 0);
    }
    closedir(entries);
}

int file_open(const struct folder *folder, const char *name, int flags)
{
    int fd;
    do {
        fd = openat(folder->fd, name, flags | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

ssize_t file_read(int fd, void *into, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)into + done, size - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

int file_write(int fd, const void *from, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(fd, (const char *)from + done, size - done, (off_t)(offset + done));
        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

/* To the disk, and waits for it. The disk need not flush: nothing has to last before all of the file does. */
static int write_out(struct file_output *output)
{
    const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    off_t from = (off_t)(output->end - output->waiting);
    off_t bytes = (off_t)output->waiting;
    output->waiting = 0;
    return sync_file_range(output->fd, from, bytes, all) ? errno : 0;
}

int file_append(struct file_output *output, const void *from, size_t size)
{
    int failure = 0;
    for (const uint8_t *next = from; size && !failure;) {
        size_t room = FLUSH_BYTES - output->waiting;
        size_t piece = size < room ? size : room;
        failure = file_write(output->fd, next, piece, output->end);
        output->end += piece;
        output->waiting += piece;
        next += piece;
        size -= piece;
        if (!failure && output->waiting == FLUSH_BYTES)
            failure = write_out(output);
    }
    return failure;
}

int file_size(int fd, uint64_t *bytes)
{
    struct stat status;
    if (fstat(fd, &status))
        return errno;
    *bytes = (uint64_t)status.st_size;
    return 0;
}

int file_wipe(int fd, uint64_t offset, uint64_t size)
{
    uint8_t zeros[4096] = {0};
    int failure = 0;
    while (size && !failure) {
        size_t piece = size < sizeof zeros ? (size_t)size : sizeof zeros;
        failure = file_write(fd, zeros, piece, offset);
        offset += piece;
        size -= piece;
    }
    if (!failure && fdatasync(fd))
        failure = errno;
    return failure;
}
