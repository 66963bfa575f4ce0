/* What the two halves of the example store share: files_store.c, the journal, and files_keeping.c, snapshots and secrets. */
#ifndef FILES_STORE_H
#define FILES_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <trading/plugin/plugin.h>

/* Where a commit is in its file. */
struct place {
    int64_t first_position;
    int64_t event_count;
    trading_id nonce;
    off_t offset;
    uint64_t size;
};

struct partition {
    struct partition *next;
    uint32_t number;
    int fd;     /* of its log; −1: there is none yet */
    bool known; /* what the log had is noted; else it is to be looked at again */
    char name[32];
    off_t end; /* of what is known to be whole */
    trading_store_head head;
    struct place *places;
    size_t count;
    size_t capacity;
    int unfinished; /* the snapshot that is being written; −1: none */
    int64_t unfinished_position;
    uint32_t unfinished_chunks;
    off_t unfinished_end;
};

struct files {
    const trading_host_functions *host; /* until close */
    int32_t durability;
    bool read_only;
    bool locked;
    int folder;
    int lock_file;
    pthread_mutex_t lock; /* of all below */
    struct partition *partitions;
    uint64_t syncs;
};

static inline void *allocate(struct files *store, size_t bytes)
{
    return store->host->allocate(store->host->context, bytes);
}

static inline void release(struct files *store, void *memory, size_t bytes)
{
    store->host->release(store->host->context, memory, bytes);
}

/* Fills the error, where there is one, and returns the code; the second with errno. */
__attribute__((format(printf, 3, 4))) int32_t fail(trading_error *error, int32_t code, const char *format, ...);
int32_t fail_system(trading_error *error, const char *doing, const char *name);

/* False with errno. */
bool write_all(int fd, const void *bytes, size_t size, off_t at);
bool read_all(int fd, void *bytes, size_t size, off_t at);
int32_t flush(struct files *store, int fd, const char *name, trading_error *error);

/* With the lock held. */
int32_t partition_of(struct files *store, uint32_t number, struct partition **found, trading_error *error);

int32_t files_snapshot_put(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                           int32_t last, trading_error *error);
int32_t files_snapshot_find(void *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                            trading_error *error);
int32_t files_snapshot_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                           void *arg, trading_error *error);
int32_t files_snapshot_drop(void *store, uint32_t partition, int64_t position, trading_error *error);
int32_t files_secret_put(void *store, const trading_store_secret *secrets, size_t count, trading_error *error);
int32_t files_secret_get(void *store, const trading_id *name, uint8_t value[32], trading_error *error);
int32_t files_secret_delete(void *store, const trading_id *name, trading_error *error);

#endif
