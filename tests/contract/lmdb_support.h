/* What the tests of the LMDB store share. */
#ifndef LMDB_SUPPORT_H
#define LMDB_SUPPORT_H

#include "../plain_host.h"
#include "backends/lmdb/lmdb_store.h"
#include "scratch.h"

#include <stdbool.h>
#include <stdio.h>

struct opening {
    uint32_t flags;
    int32_t durability; /* 0: synced */
    uint64_t map_bytes;
};

/* Opens the store in a folder. *store is NULL when it cannot be. */
int32_t open_lmdb(const char *folder, struct opening how, void **store, trading_error *error);
/* … for writing, which must succeed. */
void *must_open(const char *folder);

/* A commit whose bytes follow from the partition and position. */
void make_commit(trading_store_commit *commit, uint32_t partition, int64_t position, int64_t events, size_t size);
void free_commit(const trading_store_commit *commit);
/* Appends such a commit. */
int32_t append_bytes(void *store, uint32_t partition, int64_t position, int64_t events, size_t size, trading_error *error);
void must_append(void *store, uint32_t partition, int64_t position, int64_t events, size_t size);

/* Reads a partition from its beginning: how far commits that are what append_bytes wrote reach. `code` is the read's. */
struct extent {
    int32_t code;
    int64_t end;
    uint64_t commits;
    bool wrong; /* bytes that were not written there */
    trading_error error;
};
struct extent read_extent(void *store, uint32_t partition);

int64_t head_of(void *store, uint32_t partition);

/* Partition 0 reaches to `end` and holds what append_bytes wrote, and the store is sound. */
void expect_all(void *store, int64_t end);

/* A test that is given an empty folder, which is removed after it. Disks that it mounts there are its own affair. */
#define FOLDER_CASE(function) cmocka_unit_test_setup_teardown(function, make_folder, drop_folder)
int make_folder(void **state);
int drop_folder(void **state);

/* Whole files; end the program when they fail. */
void path_in(char path[SCRATCH_PATH + 64], const char *folder, const char *name);
uint8_t *file_load(const char *path, size_t *size);
void file_save(const char *path, const void *bytes, size_t size);

/* A process writes, and ends without closing what it wrote. */
void kill_writer(const char *folder, void (*write)(void *store));
/* … and the machine stops as well, so that nothing tells of the newest append that it was flushed. */
void leave_open(const char *folder, void (*write)(void *store));

/* Changes a file with LMDB itself: deletes a key (value_bytes is NULL), or gives it a value. */
void change_with_lmdb(const char *path, const void *key_bytes, size_t key_size, const void *value_bytes, size_t value_size);

#endif
