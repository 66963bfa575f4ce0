/* Files within the store's folder. Every descriptor is closed on exec, and none survives its store. */
#ifndef LMDB_FILES_H
#define LMDB_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <trading/error.h>

struct folder {
    int fd;
    char path[PATH_MAX]; /* absolute, so that the host may change its working directory */
};

/* Opens the folder, and creates it (not its parents), readable by its owner only, when `create` is set and it is missing. */
int32_t folder_open(struct folder *folder, const char *location, bool create, trading_error *error);
void folder_close(struct folder *folder);

/* Makes the names in the folder durable. 0 or errno. */
int folder_sync(const struct folder *folder);

/* Gives a file another name, in place of the file that has it, and makes that durable. 0 or errno. */
int folder_rename(const struct folder *folder, const char *from, const char *to);

/* The path of a file in the folder. -1 when it does not fit. */
int folder_path(const struct folder *folder, const char *name, char path[PATH_MAX]);

bool folder_has(const struct folder *folder, const char *name);

/* Removes the files whose names end with the suffix: what a crash left unfinished. */
void folder_sweep(const struct folder *folder, const char *suffix);

/* A descriptor, or -1 with errno. Created files are readable by their owner only. */
int file_open(const struct folder *folder, const char *name, int flags);

/* Reads until `size` bytes, the end of the file, or a failure. The bytes read, or -1 with errno. */
ssize_t file_read(int fd, void *into, size_t size, uint64_t offset);

/* Writes all of it. 0 or errno. */
int file_write(int fd, const void *from, size_t size, uint64_t offset);

/* A file that is written from its beginning to its end, and goes to the disk as it grows (base/flush.h). */
struct file_output {
    int fd;
    size_t waiting; /* of what is written, in the system's cache */
    uint64_t end;   /* of that */
};

/* Writes all of it behind what there is. 0 or errno: then the file is to be given up, as what failed to go to the disk may have been dropped,
 * and the flush at its end not say so. */
int file_append(struct file_output *output, const void *from, size_t size);

/* 0 or errno. */
int file_size(int fd, uint64_t *bytes);

/* Writes zeros over a range and flushes them. 0 or errno. */
int file_wipe(int fd, uint64_t offset, uint64_t size);

#endif
