/* Secrets, so kept that one can be destroyed at once and for good: the values lie in secrets.dat, each in a slot of its own that is
 * overwritten in place and never used again; secrets.mdb only says which slot is a name's. LMDB copies what it changes and leaves
 * old pages behind, so no value is ever put in it.
 *
 *   secrets.dat   slots of 64 bytes. The first says the kind and version. The others: name, 16; value, 32; SipHash-2-4 (key of
 *                 zeros) of both, 8; zeros. A destroyed secret's slot is all zeros.
 *   secrets.mdb   name, 16 bytes → number of the slot, 8 bytes, little-endian; and, with the key of a single byte 1, how many slots
 *                 there are.
 *
 * A put writes and flushes the slots before the index names them; a new value for a name overwrites the old one in its slot, which
 * lies within one sector, so that a crash leaves one or the other. A deletion overwrites and flushes the slot before the index
 * forgets the name. What a crash leaves is a slot behind the last one counted, overwritten when the store is next opened for
 * writing, or a name that leads to zeros, which is none. */
#ifndef LMDB_SECRETS_H
#define LMDB_SECRETS_H

#include "backends/lmdb/environment.h"
#include "backends/lmdb/files.h"
#include "backends/lmdb/pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trading/plugin/store.h>

#define SECRETS_FILE "secrets.dat" /* the slots, which are made first */

struct secrets {
    const struct folder *folder;
    struct memory *memory;
    bool read_only;
    pthread_mutex_t lock; /* of the writer's calls, and of opening */
    _Atomic bool present; /* there are files, and they are open */
    struct page_file index;
    int slots;
    struct environment environment;
    uint64_t slot_count;
    _Atomic uint64_t flushes;
};

/* Files are made when the first secret is put. The folder's writer lock is held when not read only. */
int32_t secrets_open(struct secrets *secrets, const struct folder *folder, struct memory *memory, bool read_only,
                     trading_error *error);
void secrets_close(struct secrets *secrets);

/* As trading_store_ops says. */
int32_t secrets_put(struct secrets *secrets, const trading_store_secret *list, size_t count, trading_error *error);
int32_t secrets_get(struct secrets *secrets, const trading_id *name, uint8_t value[32], trading_error *error);
int32_t secrets_delete(struct secrets *secrets, const trading_id *name, trading_error *error);
int32_t secrets_check(struct secrets *secrets, trading_error *error);

#endif
