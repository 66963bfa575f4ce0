#include "backends/lmdb/blobs.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FOLDER     "keys"
#define NAME_BYTES 32u

struct blob_writing {
    struct blobs *blobs;
    uint64_t number;
    struct file_output output;
};

static void blob_name(uint64_t number, const char *suffix, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%020" PRIu64 "%s", number, suffix);
}

static int32_t failed(const struct blobs *blobs, int failure, const char *doing, uint64_t number, trading_error *error)
{
    char name[NAME_BYTES];
    blob_name(number, ".run", name);
    return lmdb_failure(error, failure, doing, blobs->folder.path, name);
}

/* ---- opening ---- */

int32_t blobs_open(struct blobs *blobs, const struct folder *parent, struct memory *memory, bool read_only,
                   trading_error *error)
{
    *blobs = (struct blobs){.folder.fd = -1, .memory = memory, .read_only = read_only};
    char path[PATH_MAX];
    if (folder_path(parent, FOLDER, path))
        return lmdb_failure(error, ENAMETOOLONG, "opening", parent->path, FOLDER);
    int32_t code = folder_open(&blobs->folder, path, !read_only, error);
    if (read_only && code == TRADING_E_NOT_FOUND)
        code = error_clear(error);
    if (!code && !read_only)
        folder_sweep(&blobs->folder, ".tmp"); /* what a crash left unfinished */
    return code;
}

void blobs_close(struct blobs *blobs)
{
    folder_close(&blobs->folder);
}

/* ---- writing ---- */

int32_t blobs_create(struct blobs *blobs, uint64_t number, void **blob, trading_error *error)
{
    if (blobs->read_only)
        return error_set(error, TRADING_E_READ_ONLY, "the store is open for reading only");
    struct blob_writing *writing = memory_zeroed(blobs->memory, 1, sizeof *writing);
    if (!writing)
        return error_no_memory(error, "a blob");
    char name[NAME_BYTES];
    blob_name(number, ".tmp", name);
    *writing = (struct blob_writing){.blobs = blobs, .number = number};
    writing->output.fd = file_open(&blobs->folder, name, O_RDWR | O_CREAT | O_TRUNC);
    if (writing->output.fd < 0) {
        int failure = errno;
        memory_release(blobs->memory, writing, sizeof *writing);
        return failed(blobs, failure, "writing", number, error);
    }
    *blob = writing;
    return TRADING_OK;
}

int32_t blob_append(void *blob, const void *bytes, size_t size, trading_error *error)
{
    struct blob_writing *writing = blob;
    int failure = file_append(&writing->output, bytes, size);
    return failure ? failed(writing->blobs, failure, "writing", writing->number, error) : TRADING_OK;
}

static void writing_free(struct blob_writing *writing)
{
    close(writing->output.fd);
    memory_release(writing->blobs->memory, writing, sizeof *writing);
}

int32_t blob_seal(void *blob, trading_error *error)
{
    struct blob_writing *writing = blob;
    const struct blobs *blobs = writing->blobs;
    char temporary[NAME_BYTES];
    char name[NAME_BYTES];
    blob_name(writing->number, ".tmp", temporary);
    blob_name(writing->number, ".run", name);
    int failure = fdatasync(writing->output.fd) ? errno : 0;
    if (!failure)
        failure = folder_rename(&blobs->folder, temporary, name);
    if (failure)
        return failed(blobs, failure, "writing", writing->number, error);
    writing_free(writing);
    return TRADING_OK;
}

void blob_abandon(void *blob)
{
    struct blob_writing *writing = blob;
    char name[NAME_BYTES];
    blob_name(writing->number, ".tmp", name);
    unlinkat(writing->blobs->folder.fd, name, 0);
    writing_free(writing);
}

int32_t blobs_drop(struct blobs *blobs, uint64_t number, trading_error *error)
{
    char name[NAME_BYTES];
    blob_name(number, ".run", name);
    int failure = 0;
    if (unlinkat(blobs->folder.fd, name, 0) == 0)
        failure = folder_sync(&blobs->folder);
    else if (errno != ENOENT)
        failure = errno;
    return failure ? failed(blobs, failure, "removing", number, error) : TRADING_OK;
}

/* ---- reading ---- */

static int map_file(int fd, struct state_blob *blob)
{
    uint64_t bytes;
    int failure = file_size(fd, &bytes);
    if (failure)
        return failure;
    *blob = (struct state_blob){.bytes = (const uint8_t *)"", .size = bytes};
    if (!bytes)
        return 0;
    void *mapped = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return errno;
    blob->bytes = blob->held = mapped;
    return 0;
}

int32_t blobs_map(struct blobs *blobs, uint64_t number, struct state_blob *blob, trading_error *error)
{
    if (blobs->folder.fd < 0)
        return failed(blobs, ENOENT, "opening", number, error);
    char name[NAME_BYTES];
    blob_name(number, ".run", name);
    int fd = file_open(&blobs->folder, name, O_RDONLY);
    if (fd < 0)
        return failed(blobs, errno, "opening", number, error);
    int failure = map_file(fd, blob);
    close(fd);
    return failure ? failed(blobs, failure, "mapping", number, error) : TRADING_OK;
}

void blob_unmap(struct state_blob *blob)
{
    if (blob->held)
        munmap(blob->held, blob->size);
    *blob = (struct state_blob){0};
}

/* Whether a name is a blob's, and of which. */
static bool parse_name(const char *name, uint64_t *number)
{
    *number = strtoull(name, NULL, 10);
    char again[NAME_BYTES];
    blob_name(*number, ".run", again);
    return strcmp(name, again) == 0;
}

int32_t blobs_list(struct blobs *blobs, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error)
{
    if (blobs->folder.fd < 0)
        return TRADING_OK;
    DIR *entries = opendir(blobs->folder.path);
    if (!entries)
        return lmdb_failure(error, errno, "listing", blobs->folder.path, "");
    const struct dirent *entry;
    uint64_t number;
    while ((entry = readdir(entries)) && (!parse_name(entry->d_name, &number) || !take(arg, number)))
        continue;
    closedir(entries);
    return TRADING_OK;
}
