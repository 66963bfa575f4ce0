/* The state files of a state store (state/store.h): in a folder, NUMBER.pages each, or in memory. A store's handle begins with them, and has
 * the functions below in its table. */
#ifndef STATE_FILES_H
#define STATE_FILES_H

#include "state/store.h"

#include <stdatomic.h>

struct state_files {
    int folder; /* −1: there is none */
    bool in_memory;
    bool read_only;
    _Atomic int opened[STATE_FILES]; /* descriptor + 1; 0: not opened yet */
    char path[4096];
};

/* folder: is duplicated; path: for messages. */
int32_t state_files_open(struct state_files *files, int folder, const char *path, bool read_only, trading_error *error);
void state_files_in_memory(struct state_files *files);
void state_files_close(struct state_files *files);

/* As state_store_ops says; store: the handle that begins with its files. */
int32_t state_files_size(void *store, uint32_t file, uint64_t *bytes, trading_error *error);
int32_t state_files_read(void *store, uint32_t file, uint64_t offset, void *bytes, size_t size, trading_error *error);
int32_t state_files_write(void *store, uint32_t file, uint64_t offset, const void *bytes, size_t size, trading_error *error);
int32_t state_files_sync(void *store, uint32_t file, trading_error *error);
int32_t state_files_cut(void *store, uint32_t file, uint64_t bytes, trading_error *error);
int32_t state_files_map(void *store, uint32_t file, uint64_t offset, size_t size, void **mapping, trading_error *error);
void state_files_unmap(void *store, void *mapping, size_t size);

#endif
