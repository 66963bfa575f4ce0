/* The state store: a transactional map of bytes kept beside the journal, even when the journal is remote. It holds checkpoints,
 * runs of command keys and the state of the host's projections. Nothing lives in it alone: a lost one is rebuilt from the journal. */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading/error.h>
#include <trading/plugin/host.h>

/* What the keys' first byte tells apart. */
enum state_space {
    STATE_META = 1,        /* what the checkpoint stands for */
    STATE_PAGES = 2,       /* table, page → image */
    STATE_PROJECTIONS = 4, /* projection → version and position */
    STATE_ROWS = 5,        /* projection, key → value */
};

#define STATE_KEY_BYTES 480u /* the longest key, its space included; the first byte is not zero */

#define STATE_FILES 64u /* so many numbers of state files */

/* A blob, mapped: its bytes stay where they are until it is unmapped, also when it is dropped or replaced meanwhile. */
struct state_blob {
    const uint8_t *bytes;
    size_t size;
    void *held; /* the store's own */
};

/* One function table, two implementations: backends/lmdb/state_store.c and backends/memory/state_store.c. Only one write is open
 * at a time (begin waits for the one before it), and is the thread's that began it; reads run beside it and see what is committed.
 * A read sees one commit's state, but the next read may see a later one: who puts several together, as another process does that
 * opens a checkpoint, reads what the checkpoint stands for before and after, and begins again when it changed. */
struct state_store_ops {
    /* location: a folder for lmdb; ignored by memory. TRADING_E_NEWER_FORMAT, _DAMAGED … as an event store says; TRADING_E_LOCKED when
     * another has it open for writing, or this process has it open at all. */
    int32_t (*open)(const char *location, bool read_only, const trading_host_functions *host, void **store,
                    trading_error *error);
    void (*close)(void *store);
    int32_t (*begin)(void *store, void **write, trading_error *error);
    /* Within the open write. Keys are compared as bytes. */
    int32_t (*put)(void *write, const void *key, size_t key_size, const void *value, size_t value_size, trading_error *error);
    int32_t (*remove)(void *write, const void *key, size_t key_size, trading_error *error); /* absent is no failure */
    int32_t (*remove_all)(void *write, const void *prefix, size_t prefix_size, trading_error *error);
    /* Ends the write either way. Without sync, a power loss may take the newest commits, in order from the end. */
    int32_t (*commit)(void *write, bool sync, trading_error *error);
    void (*abort)(void *write);
    /* Reads outside of a write, or inside it when `write` is not NULL (then it sees the write's own changes). `take` gets bytes that
     * are valid during the call only. get: TRADING_E_NOT_FOUND when absent. scan: in order of keys, from `from` (NULL: the first)
     * over all keys that begin with the prefix; `take` returns nonzero to end it, which is no failure. `take` may not call back. */
    int32_t (*get)(void *store, void *write, const void *key, size_t key_size,
                   void (*take)(void *arg, const void *value, size_t size), void *arg, trading_error *error);
    int32_t (*scan)(void *store, void *write, const void *prefix, size_t prefix_size, const void *from, size_t from_size,
                    int (*take)(void *arg, const void *key, size_t key_size, const void *value, size_t value_size), void *arg,
                    trading_error *error);

    /* Blobs: bytes beside the map, by number, for what is large and written once: from begin to end, then sealed, then mapped. No part of
     * any write. What is created is there once it is sealed, whole and lasting, in the place of what bore the number before; an
     * append or a seal that fails leaves it to be abandoned. Any thread; one blob is written by one thread at a time. */
    int32_t (*blob_create)(void *store, uint64_t number, void **blob, trading_error *error);
    int32_t (*blob_append)(void *blob, const void *bytes, size_t size, trading_error *error);
    int32_t (*blob_seal)(void *blob, trading_error *error); /* ends it when it succeeds */
    void (*blob_abandon)(void *blob);
    int32_t (*blob_map)(void *store, uint64_t number, struct state_blob *blob, trading_error *error); /* TRADING_E_NOT_FOUND */
    void (*blob_unmap)(void *store, struct state_blob *blob);
    int32_t (*blob_drop)(void *store, uint64_t number, trading_error *error); /* absent is no failure */
    /* In no order; `take` returns nonzero to end it, which is no failure, and may not call back. */
    int32_t (*blob_list)(void *store, int (*take)(void *arg, uint64_t number), void *arg, trading_error *error);

    /* State files: bytes beside the map that are written in place, by number below STATE_FILES; one that was never written has none. No part
     * of any write: what is written is there at once, and lasting when file_sync has returned. Any thread. */
    int32_t (*file_size)(void *store, uint32_t file, uint64_t *bytes, trading_error *error);
    int32_t (*file_read)(void *store, uint32_t file, uint64_t offset, void *bytes, size_t size, trading_error *error); /* all of
                                                                          them, or TRADING_E_DAMAGED when the file is shorter */
    int32_t (*file_write)(void *store, uint32_t file, uint64_t offset, const void *bytes, size_t size, trading_error *error);
    int32_t (*file_sync)(void *store, uint32_t file, trading_error *error);
    int32_t (*file_cut)(void *store, uint32_t file, uint64_t bytes,
                        trading_error *error); /* to so many, or lengthened with zeros */
    /* Maps so many bytes, which must be there. What is stored through the mapping is seen through it alone, and is gone with it. The file
     * must not be cut below it before it is unmapped. offset: of a memory page. mapping: where it shall lie, in address space of the
     * caller's, with which it ends; NULL: anywhere. Receives where it does. */
    int32_t (*file_map)(void *store, uint32_t file, uint64_t offset, size_t size, void **mapping, trading_error *error);
    void (*file_unmap)(void *store, void *mapping, size_t size);
};

struct state_store {
    const struct state_store_ops *ops;
    void *store;
};

extern const struct state_store_ops lmdb_state_store_ops;
extern const struct state_store_ops memory_state_store_ops;

#endif
