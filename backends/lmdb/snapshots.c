#include "backends/lmdb/snapshots.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER      "snapshots"
#define FORMAT      1u
#define NAME_BYTES  48u
#define CHUNKS_MOST ((uint32_t)1 << 24)
#define MAGIC       "trading snapshot"
#define MAGIC_BYTES 16u

struct head {
    char magic[MAGIC_BYTES];
    uint32_t format;
    uint32_t partition;
    int64_t position;
};

struct extent {
    uint64_t offset;
    uint64_t size;
};

struct tail {
    uint64_t directory;
    uint32_t chunks;
    uint32_t zero;
    uint64_t check;
};

_Static_assert(sizeof(struct head) == 32 && sizeof(struct extent) == 16 && sizeof(struct tail) == 24, "the file's layout");

struct snapshot_writing {
    struct snapshot_writing *next;
    uint32_t partition;
    int64_t position;
    struct file_output output;
    struct extent *extents;
    size_t chunks;
    size_t capacity;
};

static void snapshot_name(uint32_t partition, int64_t position, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%010" PRIu32 "-%019" PRId64 ".snap", partition, position);
}

static void temporary_name(uint32_t partition, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%010" PRIu32 ".tmp", partition);
}

/* Of the head, the directory, and the tail but its last word. */
static uint64_t check_of(const struct head *head, const struct extent *extents, const struct tail *tail)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint64_t parts[3];
    crypto_shorthash((uint8_t *)&parts[0], (const uint8_t *)head, sizeof *head, zeros);
    crypto_shorthash((uint8_t *)&parts[1], (const uint8_t *)extents, tail->chunks * sizeof *extents, zeros);
    crypto_shorthash((uint8_t *)&parts[2], (const uint8_t *)tail, offsetof(struct tail, check), zeros);
    uint64_t check;
    crypto_shorthash((uint8_t *)&check, (const uint8_t *)parts, sizeof parts, zeros);
    return check;
}

static struct head head_of(uint32_t partition, int64_t position)
{
    struct head head = {.format = FORMAT, .partition = partition, .position = position};
    memcpy(head.magic, MAGIC, MAGIC_BYTES);
    return head;
}

/* ---- opening ---- */

int32_t snapshots_open(struct snapshots *snapshots, const struct folder *parent, struct memory *memory, bool read_only,
                       trading_error *error)
{
    *snapshots = (struct snapshots){.folder.fd = -1, .memory = memory, .read_only = read_only};
    char path[PATH_MAX];
    if (folder_path(parent, FOLDER, path))
        return lmdb_failure(error, ENAMETOOLONG, "opening", parent->path, FOLDER);
    int32_t code = folder_open(&snapshots->folder, path, !read_only, error);
    if (read_only && code == TRADING_E_NOT_FOUND)
        code = error_clear(error);
    if (code)
        return code;
    if (!read_only)
        folder_sweep(&snapshots->folder, ".tmp"); /* what a crash left unfinished */
    pthread_mutex_init(&snapshots->lock, NULL);
    return TRADING_OK;
}

/* ---- writing ---- */

static void writing_free(struct snapshots *snapshots, struct snapshot_writing *writing)
{
    if (writing->output.fd >= 0)
        close(writing->output.fd);
    memory_release(snapshots->memory, writing->extents, writing->capacity * sizeof *writing->extents);
    memory_release(snapshots->memory, writing, sizeof *writing);
}

/* Forgets what is unfinished in the partition. */
static void forget(struct snapshots *snapshots, uint32_t partition)
{
    struct snapshot_writing **link = &snapshots->writing;
    while (*link && (*link)->partition != partition)
        link = &(*link)->next;
    struct snapshot_writing *writing = *link;
    if (!writing)
        return;
    *link = writing->next;
    char name[NAME_BYTES];
    temporary_name(partition, name);
    unlinkat(snapshots->folder.fd, name, 0);
    writing_free(snapshots, writing);
}

void snapshots_close(struct snapshots *snapshots)
{
    while (snapshots->writing)
        forget(snapshots, snapshots->writing->partition);
    folder_close(&snapshots->folder);
    pthread_mutex_destroy(&snapshots->lock);
}

static int32_t begin(struct snapshots *snapshots, uint32_t partition, int64_t position, trading_error *error)
{
    forget(snapshots, partition);
    struct snapshot_writing *writing = memory_zeroed(snapshots->memory, 1, sizeof *writing);
    if (!writing)
        return error_no_memory(error, "a snapshot");
    char name[NAME_BYTES];
    temporary_name(partition, name);
    writing->partition = partition;
    writing->position = position;
    writing->output.fd = file_open(&snapshots->folder, name, O_RDWR | O_CREAT | O_TRUNC);
    struct head head = head_of(partition, position);
    int failure = writing->output.fd < 0 ? errno : file_append(&writing->output, &head, sizeof head);
    if (failure) {
        writing_free(snapshots, writing);
        return lmdb_failure(error, failure, "writing", snapshots->folder.path, name);
    }
    writing->next = snapshots->writing;
    snapshots->writing = writing;
    return TRADING_OK;
}

static int write_tail(struct snapshot_writing *writing)
{
    struct head head = head_of(writing->partition, writing->position);
    struct tail tail = {.directory = writing->output.end, .chunks = (uint32_t)writing->chunks};
    tail.check = check_of(&head, writing->extents, &tail);
    int failure = file_append(&writing->output, writing->extents, writing->chunks * sizeof *writing->extents);
    if (!failure)
        failure = file_append(&writing->output, &tail, sizeof tail);
    if (!failure && fsync(writing->output.fd))
        failure = errno;
    return failure;
}

static int32_t cannot_write(const struct snapshots *snapshots, const struct snapshot_writing *writing, int failure,
                            trading_error *error)
{
    char name[NAME_BYTES];
    snapshot_name(writing->partition, writing->position, name);
    return lmdb_failure(error, failure, "writing", snapshots->folder.path, name);
}

static int32_t finish(struct snapshots *snapshots, struct snapshot_writing *writing, trading_error *error)
{
    char temporary[NAME_BYTES];
    char name[NAME_BYTES];
    temporary_name(writing->partition, temporary);
    snapshot_name(writing->partition, writing->position, name);
    int failure = write_tail(writing);
    if (!failure)
        failure = folder_rename(&snapshots->folder, temporary, name);
    int32_t code = failure ? cannot_write(snapshots, writing, failure, error) : TRADING_OK;
    forget(snapshots, writing->partition);
    return code;
}

static int32_t add_chunk(struct snapshots *snapshots, struct snapshot_writing *writing, const void *data, uint64_t size,
                         trading_error *error)
{
    if (writing->chunks == CHUNKS_MOST)
        return error_set(error, TRADING_E_INVALID, "a snapshot has at most %" PRIu32 " chunks", CHUNKS_MOST);
    if (memory_grow(snapshots->memory, (void **)&writing->extents, &writing->capacity, writing->chunks + 1,
                    sizeof *writing->extents))
        return error_no_memory(error, "a snapshot's directory");
    writing->extents[writing->chunks++] = (struct extent){.offset = writing->output.end, .size = size};
    int failure = file_append(&writing->output, data, size);
    return failure ? cannot_write(snapshots, writing, failure, error) : TRADING_OK;
}

static int32_t put_locked(struct snapshots *snapshots, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                          uint64_t size, bool last, trading_error *error)
{
    int32_t code = chunk == 0 ? begin(snapshots, partition, position, error) : TRADING_OK;
    if (code)
        return code;
    struct snapshot_writing *writing = snapshots->writing;
    while (writing && writing->partition != partition)
        writing = writing->next;
    if (!writing || writing->position != position || writing->chunks != chunk)
        return error_set(error, TRADING_E_INVALID,
                         "chunk %" PRIu32 " of the snapshot at position %" PRId64 " of partition %" PRIu32
                         " is not the next one to write; chunks come in order, from 0",
                         chunk, position, partition);
    code = add_chunk(snapshots, writing, data, size, error);
    if (code)
        forget(snapshots, partition);
    else if (last)
        code = finish(snapshots, writing, error);
    return code;
}

int32_t snapshots_put(struct snapshots *snapshots, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                      uint64_t size, bool last, trading_error *error)
{
    pthread_mutex_lock(&snapshots->lock);
    int32_t code = put_locked(snapshots, partition, position, chunk, data, size, last, error);
    pthread_mutex_unlock(&snapshots->lock);
    return code;
}

int32_t snapshots_drop(struct snapshots *snapshots, uint32_t partition, int64_t position, trading_error *error)
{
    char name[NAME_BYTES];
    snapshot_name(partition, position, name);
    int failure = 0;
    if (unlinkat(snapshots->folder.fd, name, 0) == 0)
        failure = folder_sync(&snapshots->folder);
    else if (errno != ENOENT)
        failure = errno;
    return failure ? lmdb_failure(error, failure, "removing", snapshots->folder.path, name) : TRADING_OK;
}

/* ---- reading ---- */

struct reading {
    int fd;
    char name[NAME_BYTES];
    struct tail tail;
    struct extent *extents;
};

static int32_t damaged(const struct snapshots *snapshots, const struct reading *reading, uint64_t offset, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED,
                     "snapshot %s is damaged at byte %" PRIu64 "; drop it, an older one will do (in %s)", reading->name, offset,
                     snapshots->folder.path);
}

static int32_t read_part(const struct snapshots *snapshots, const struct reading *reading, void *into, uint64_t size,
                         uint64_t offset, trading_error *error)
{
    ssize_t got = file_read(reading->fd, into, size, offset);
    if (got < 0)
        return lmdb_failure(error, errno, "reading", snapshots->folder.path, reading->name);
    return (uint64_t)got == size ? TRADING_OK : damaged(snapshots, reading, offset, error);
}

static int32_t read_directory(const struct snapshots *snapshots, struct reading *reading, uint64_t size, trading_error *error)
{
    struct tail *tail = &reading->tail;
    uint64_t tail_at = size - sizeof *tail;
    int32_t code = read_part(snapshots, reading, tail, sizeof *tail, tail_at, error);
    if (code)
        return code;
    uint64_t bytes = (uint64_t)tail->chunks * sizeof *reading->extents;
    if (!tail->chunks || tail->chunks > CHUNKS_MOST || tail->directory > tail_at || tail_at - tail->directory != bytes) {
        tail->chunks = 0;
        return damaged(snapshots, reading, tail_at, error);
    }
    reading->extents = memory_allocate(snapshots->memory, bytes);
    if (!reading->extents)
        return error_no_memory(error, "a snapshot's directory");
    struct head head;
    code = read_part(snapshots, reading, reading->extents, bytes, tail->directory, error);
    if (!code)
        code = read_part(snapshots, reading, &head, sizeof head, 0, error);
    if (!code && head.format > FORMAT && memcmp(head.magic, MAGIC, MAGIC_BYTES) == 0)
        return error_set(error, TRADING_E_NEWER_FORMAT,
                         "snapshot %s has format %" PRIu32 ", this library knows up to %u (in %s)", reading->name, head.format,
                         FORMAT, snapshots->folder.path);
    if (!code && (memcmp(head.magic, MAGIC, MAGIC_BYTES) != 0 || tail->check != check_of(&head, reading->extents, tail)))
        code = damaged(snapshots, reading, 0, error);
    return code;
}

/* Opens a snapshot and reads its directory. The caller closes it in any case. */
static int32_t reading_open(const struct snapshots *snapshots, const char *name, struct reading *reading, trading_error *error)
{
    *reading = (struct reading){0};
    snprintf(reading->name, sizeof reading->name, "%s", name);
    reading->fd = file_open(&snapshots->folder, name, O_RDONLY);
    if (reading->fd < 0)
        return lmdb_failure(error, errno, "opening", snapshots->folder.path, name);
    uint64_t size;
    int failure = file_size(reading->fd, &size);
    if (failure)
        return lmdb_failure(error, failure, "reading", snapshots->folder.path, name);
    if (size < sizeof(struct head) + sizeof(struct tail))
        return damaged(snapshots, reading, size, error);
    return read_directory(snapshots, reading, size, error);
}

static void reading_close(const struct snapshots *snapshots, struct reading *reading)
{
    memory_release(snapshots->memory, reading->extents, reading->tail.chunks * sizeof *reading->extents);
    if (reading->fd >= 0)
        close(reading->fd);
}

/* Whether a name is a snapshot's, and of which. */
static bool parse_name(const char *name, uint32_t *partition, int64_t *position)
{
    char *end;
    *partition = (uint32_t)strtoul(name, &end, 10);
    *position = *end == '-' ? (int64_t)strtoull(end + 1, NULL, 10) : -1;
    char again[NAME_BYTES];
    snapshot_name(*partition, *position, again);
    return strcmp(name, again) == 0;
}

int32_t snapshots_find(struct snapshots *snapshots, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                       trading_error *error)
{
    DIR *entries = snapshots->folder.fd < 0 ? NULL : opendir(snapshots->folder.path);
    if (snapshots->folder.fd >= 0 && !entries)
        return lmdb_failure(error, errno, "listing", snapshots->folder.path, "");
    int64_t newest = -1;
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        uint32_t of;
        int64_t at;
        if (parse_name(entry->d_name, &of, &at) && of == partition && at <= at_most && at > newest)
            newest = at;
    }
    if (entries)
        closedir(entries);
    if (newest < 0)
        return error_set(error, TRADING_E_NOT_FOUND, "partition %" PRIu32 " has no snapshot at or before position %" PRId64,
                         partition, at_most);
    char name[NAME_BYTES];
    snapshot_name(partition, newest, name);
    struct reading reading;
    int32_t code = reading_open(snapshots, name, &reading, error);
    *position = newest;
    *chunks = reading.tail.chunks;
    reading_close(snapshots, &reading);
    return code;
}

static int32_t get_chunk(const struct snapshots *snapshots, const struct reading *reading, uint32_t chunk,
                         trading_store_bytes take, void *arg, trading_error *error)
{
    if (chunk >= reading->tail.chunks)
        return error_set(error, TRADING_E_NOT_FOUND, "snapshot %s has %" PRIu32 " chunks, no chunk %" PRIu32, reading->name,
                         reading->tail.chunks, chunk);
    const struct extent *extent = &reading->extents[chunk];
    void *bytes = memory_allocate(snapshots->memory, extent->size ? extent->size : 1);
    if (!bytes)
        return error_no_memory(error, "a snapshot's chunk");
    int32_t code = read_part(snapshots, reading, bytes, extent->size, extent->offset, error);
    if (!code)
        take(arg, bytes, extent->size);
    memory_release(snapshots->memory, bytes, extent->size ? extent->size : 1);
    return code;
}

int32_t snapshots_get(struct snapshots *snapshots, uint32_t partition, int64_t position, uint32_t chunk,
                      trading_store_bytes take, void *arg, trading_error *error)
{
    char name[NAME_BYTES];
    snapshot_name(partition, position, name);
    if (snapshots->folder.fd < 0)
        return error_set(error, TRADING_E_NOT_FOUND, "there is no snapshot %s", name);
    struct reading reading;
    int32_t code = reading_open(snapshots, name, &reading, error);
    if (!code)
        code = get_chunk(snapshots, &reading, chunk, take, arg, error);
    reading_close(snapshots, &reading);
    return code;
}

int32_t snapshots_check(struct snapshots *snapshots, trading_error *error)
{
    DIR *entries = snapshots->folder.fd < 0 ? NULL : opendir(snapshots->folder.path);
    int32_t code = TRADING_OK;
    const struct dirent *entry;
    while (entries && !code && (entry = readdir(entries))) {
        uint32_t partition;
        int64_t position;
        if (!parse_name(entry->d_name, &partition, &position))
            continue;
        struct reading reading;
        code = reading_open(snapshots, entry->d_name, &reading, error);
        reading_close(snapshots, &reading);
        if (code == TRADING_E_NOT_FOUND)
            code = error_clear(error); /* dropped meanwhile */
    }
    if (entries)
        closedir(entries);
    return code;
}
