#include "backends/lmdb/writer_lock.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_FILE    "lock"
#define PID_BYTES    64u
#define HORIZON_BYTE 64u

static int32_t locked_by_another(int fd, const struct folder *folder, trading_error *error)
{
    char text[PID_BYTES + 1] = {0};
    if (file_read(fd, text, PID_BYTES, 0) < 0)
        text[0] = 0;
    long pid = strtol(text, NULL, 10);
    if (pid == (long)getpid())
        return error_set(error, TRADING_E_LOCKED,
                         "this process (%ld) has the store open for writing already; close it first, or "
                         "open it read only (%s)",
                         pid, folder->path);
    return error_set(error, TRADING_E_LOCKED,
                     "process %ld has the store open for writing, or a child that it forked; stop it, or "
                     "open the store read only (%s)",
                     pid, folder->path);
}

static int write_pid(int fd)
{
    char text[PID_BYTES];
    memset(text, '\n', sizeof text);
    int length = snprintf(text, sizeof text, "%ld", (long)getpid());
    text[length] = '\n';
    return file_write(fd, text, sizeof text, 0);
}

int32_t writer_lock_take(struct writer_lock *lock, const struct folder *folder, trading_error *error)
{
    lock->fd = file_open(folder, LOCK_FILE, O_RDWR | O_CREAT);
    if (lock->fd < 0)
        return lmdb_failure(error, errno, "opening", folder->path, LOCK_FILE);
    int32_t code = TRADING_OK;
    if (flock(lock->fd, LOCK_EX | LOCK_NB))
        code = errno == EWOULDBLOCK ? locked_by_another(lock->fd, folder, error)
                                    : lmdb_failure(error, errno, "locking", folder->path, LOCK_FILE);
    int failure = code ? 0 : write_pid(lock->fd);
    if (failure)
        code = lmdb_failure(error, failure, "writing", folder->path, LOCK_FILE);
    if (code) {
        close(lock->fd); /* another's lock stays: it is on another open file */
        lock->fd = -1;
    }
    return code;
}

void writer_lock_look(struct writer_lock *lock, const struct folder *folder)
{
    lock->fd = file_open(folder, LOCK_FILE, O_RDONLY);
}

void writer_lock_close(struct writer_lock *lock)
{
    if (lock->fd < 0)
        return;
    flock(lock->fd, LOCK_UN);
    close(lock->fd);
    lock->fd = -1;
}

void writer_lock_publish(const struct writer_lock *lock, uint64_t transaction)
{
    /* When it fails, readers elsewhere stay one commit behind, which they must bear anyway. */
    (void)file_write(lock->fd, &transaction, sizeof transaction, HORIZON_BYTE);
}

uint64_t writer_lock_horizon(const struct writer_lock *lock)
{
    uint64_t transaction = 0;
    if (lock->fd < 0 || file_read(lock->fd, &transaction, sizeof transaction, HORIZON_BYTE) != sizeof transaction ||
        !transaction)
        return UINT64_MAX;
    return transaction;
}
