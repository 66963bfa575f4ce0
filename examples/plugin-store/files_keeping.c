/* Snapshots and secrets of the example store, a small file each. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* syncfs */
#endif
#include "files_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 64

/* ---- snapshots: chunks one behind the other, each after its size ---- */

static void name_snapshot(char name[NAME_BYTES], uint32_t partition, int64_t position)
{
    snprintf(name, NAME_BYTES, "%08" PRIx32 ".snapshot.%" PRId64, partition, position);
}

static void forget_unfinished(struct partition *partition)
{
    if (partition->unfinished >= 0)
        close(partition->unfinished);
    partition->unfinished = -1;
}

static int32_t begin_snapshot(struct files *store, struct partition *partition, int64_t position, const char *name,
                              trading_error *error)
{
    forget_unfinished(partition);
    partition->unfinished = openat(store->folder, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    partition->unfinished_position = position;
    partition->unfinished_chunks = 0;
    partition->unfinished_end = 0;
    return partition->unfinished < 0 ? fail_system(error, "making", name) : TRADING_OK;
}

static int32_t finish_snapshot(struct files *store, struct partition *partition, const char *unfinished, trading_error *error)
{
    char name[NAME_BYTES];
    name_snapshot(name, partition->number, partition->unfinished_position);
    int32_t code = flush(store, partition->unfinished, unfinished, error);
    forget_unfinished(partition);
    if (!code && renameat(store->folder, unfinished, store->folder, name))
        code = fail_system(error, "naming", name);
    return code ? code : flush(store, store->folder, "the folder", error);
}

static int32_t put_chunk(struct files *store, struct partition *partition, int64_t position, uint32_t chunk, const void *data,
                         uint64_t size, bool last, trading_error *error)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%08" PRIx32 ".unfinished", partition->number);
    int32_t code = chunk == 0 ? begin_snapshot(store, partition, position, name, error) : TRADING_OK;
    if (code)
        return code;
    if (partition->unfinished < 0 || partition->unfinished_position != position || partition->unfinished_chunks != chunk)
        return fail(error, TRADING_E_INVALID, "the chunks of a snapshot come in order, from 0");
    if (!write_all(partition->unfinished, &size, sizeof size, partition->unfinished_end) ||
        !write_all(partition->unfinished, data, size, partition->unfinished_end + (off_t)sizeof size)) {
        code = fail_system(error, "writing", name);
        forget_unfinished(partition);
        return code;
    }
    partition->unfinished_end += (off_t)(sizeof size + size);
    partition->unfinished_chunks++;
    return last ? finish_snapshot(store, partition, name, error) : TRADING_OK;
}

int32_t files_snapshot_put(void *handle, uint32_t number, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                           int32_t last, trading_error *error)
{
    struct files *store = handle;
    struct partition *partition;
    if (position < 0 || (!data && size))
        return fail(error, TRADING_E_INVALID, "a snapshot needs a position from 0 on, and bytes");
    if (store->read_only)
        return fail(error, TRADING_E_READ_ONLY, "the store was opened read only");
    pthread_mutex_lock(&store->lock);
    int32_t code = partition_of(store, number, &partition, error);
    if (!code)
        code = put_chunk(store, partition, position, chunk, data, size, last, error);
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* Goes to a chunk of an open snapshot, which begins at *at then. False behind the last one. */
static bool seek_chunk(int fd, uint32_t chunk, off_t *at, uint64_t *size)
{
    *at = 0;
    for (uint32_t i = 0; read_all(fd, size, sizeof *size, *at); i++) {
        *at += (off_t)sizeof *size;
        if (i == chunk)
            return true;
        *at += (off_t)*size;
    }
    return false;
}

static uint32_t count_chunks(struct files *store, const char *name)
{
    uint32_t count = 0;
    off_t at;
    uint64_t size;
    int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && seek_chunk(fd, count, &at, &size))
        count++;
    if (fd >= 0)
        close(fd);
    return count;
}

int32_t files_snapshot_find(void *handle, uint32_t number, int64_t at_most, int64_t *position, uint32_t *chunks,
                            trading_error *error)
{
    struct files *store = handle;
    if (!position || !chunks)
        return fail(error, TRADING_E_INVALID, "no place given for the snapshot that is found");
    int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return fail_system(error, "reading", "the folder");
    *position = -1;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        uint32_t its;
        int64_t at;
        if (sscanf(entry->d_name, "%8" SCNx32 ".snapshot.%" SCNd64, &its, &at) == 2 && its == number && at <= at_most &&
            at > *position)
            *position = at;
    }
    closedir(folder);
    if (*position < 0)
        return fail(error, TRADING_E_NOT_FOUND, "there is no such snapshot");
    char name[NAME_BYTES];
    name_snapshot(name, number, *position);
    *chunks = count_chunks(store, name);
    return TRADING_OK;
}

int32_t files_snapshot_get(void *handle, uint32_t number, int64_t position, uint32_t chunk, trading_store_bytes take, void *arg,
                           trading_error *error)
{
    struct files *store = handle;
    if (!take || position < 0)
        return fail(error, TRADING_E_INVALID, "getting a chunk needs a function that takes it and a position from 0 on");
    char name[NAME_BYTES];
    off_t at = 0;
    uint64_t size = 0;
    name_snapshot(name, number, position);
    int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC);
    int32_t code = TRADING_OK;
    if (fd < 0 || !seek_chunk(fd, chunk, &at, &size))
        code = fail(error, TRADING_E_NOT_FOUND, "there is no such chunk");
    uint8_t *bytes = code ? NULL : allocate(store, size + 1);
    if (!code && !bytes)
        code = fail(error, TRADING_E_NO_MEMORY, "no memory for a chunk of %" PRIu64 " bytes", size);
    if (!code && !read_all(fd, bytes, size, at))
        code = fail_system(error, "reading", name);
    if (!code)
        take(arg, bytes, size);
    if (bytes)
        release(store, bytes, size + 1);
    if (fd >= 0)
        close(fd);
    return code;
}

int32_t files_snapshot_drop(void *handle, uint32_t number, int64_t position, trading_error *error)
{
    struct files *store = handle;
    if (position < 0)
        return fail(error, TRADING_E_INVALID, "a snapshot's position is from 0 on");
    if (store->read_only)
        return fail(error, TRADING_E_READ_ONLY, "the store was opened read only");
    char name[NAME_BYTES];
    name_snapshot(name, number, position);
    return unlinkat(store->folder, name, 0) && errno != ENOENT ? fail_system(error, "removing", name) : TRADING_OK;
}

/* ---- secrets ---- */

static const uint8_t no_value[32]; /* what a deleted secret is overwritten with */

static void name_secret(char name[NAME_BYTES], const trading_id *id)
{
    int length = snprintf(name, NAME_BYTES, "secret.");
    for (size_t i = 0; i < sizeof id->bytes; i++)
        length += snprintf(name + length, NAME_BYTES - (size_t)length, "%02x", id->bytes[i]);
}

/* In place, so that no copy of an older value stays on the disk. Not flushed yet. */
static int32_t write_secret(struct files *store, const char *name, int flags, const uint8_t value[32], trading_error *error)
{
    int fd = openat(store->folder, name, O_WRONLY | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        return errno == ENOENT ? TRADING_E_NOT_FOUND : fail_system(error, "opening", name);
    int32_t code = write_all(fd, value, 32, 0) ? TRADING_OK : fail_system(error, "writing", name);
    close(fd);
    return code;
}

/* All files and their names at once, however many there are. */
static int32_t flush_all(struct files *store, trading_error *error)
{
    store->syncs++;
    return syncfs(store->folder) ? fail_system(error, "flushing", "the folder") : TRADING_OK;
}

int32_t files_secret_put(void *handle, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct files *store = handle;
    int32_t code = TRADING_OK;
    if (!secrets && count)
        return fail(error, TRADING_E_INVALID, "no secrets given");
    if (store->read_only)
        return fail(error, TRADING_E_READ_ONLY, "the store was opened read only");
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < count && !code; i++) {
        char name[NAME_BYTES];
        name_secret(name, &secrets[i].name);
        code = write_secret(store, name, O_CREAT, secrets[i].value, error);
    }
    if (!code && count)
        code = flush_all(store, error);
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* One that is being deleted, or was when the process died. */
static bool is_overwritten(const uint8_t value[32])
{
    return memcmp(value, no_value, sizeof no_value) == 0;
}

int32_t files_secret_get(void *handle, const trading_id *name, uint8_t value[32], trading_error *error)
{
    struct files *store = handle;
    if (!name || !value)
        return fail(error, TRADING_E_INVALID, "getting a secret needs its name and a place for it");
    char file[NAME_BYTES];
    name_secret(file, name);
    int fd = openat(store->folder, file, O_RDONLY | O_CLOEXEC);
    bool found = fd >= 0 && read_all(fd, value, 32, 0) && !is_overwritten(value);
    if (fd >= 0)
        close(fd);
    return found ? TRADING_OK : fail(error, TRADING_E_NOT_FOUND, "there is no such secret");
}

int32_t files_secret_delete(void *handle, const trading_id *name, trading_error *error)
{
    struct files *store = handle;
    if (!name)
        return fail(error, TRADING_E_INVALID, "deleting a secret needs its name");
    if (store->read_only)
        return fail(error, TRADING_E_READ_ONLY, "the store was opened read only");
    char file[NAME_BYTES];
    name_secret(file, name);
    pthread_mutex_lock(&store->lock);
    int32_t code = write_secret(store, file, 0, no_value, error);
    if (!code)
        code = flush_all(store, error); /* before its blocks are given back */
    if (!code && unlinkat(store->folder, file, 0))
        code = fail_system(error, "removing", file);
    if (!code)
        code = flush(store, store->folder, "the folder", error);
    pthread_mutex_unlock(&store->lock);
    return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}
