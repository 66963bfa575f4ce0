/* LMDB's environment, for writing. Files are created whole under another name and then named, so that a crash leaves either no file
 * or a good one; each bears a record of ours with its kind and format. */
#ifndef LMDB_ENVIRONMENT_H
#define LMDB_ENVIRONMENT_H

#include "backends/lmdb/files.h"
#include "backends/lmdb/pages.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

/* What a file is for: 16 bytes, and the version of what we keep in it; older ones are read from `oldest` on. */
struct file_kind {
    char magic[17];
    uint32_t format;
    uint32_t oldest;
};

extern const struct file_kind journal_kind;
extern const struct file_kind secrets_kind;
extern const struct file_kind state_kind;

/* The key of the record that says the kind: it sorts before all others. */
#define KIND_KEY       "\0"
#define KIND_KEY_BYTES 1u

struct environment {
    MDB_env *env; /* NULL when closed */
    MDB_dbi dbi;
    uint64_t map_bytes;
    pthread_mutex_t lock;         /* of the next two */
    struct guarded_call *guarded; /* calls into LMDB that are under way */
    bool broken;                  /* an assertion of LMDB's failed: of no use but to be closed */
};

/* Creates the file if there is none, and checks that it is of the kind if there is. */
int32_t environment_create(const struct folder *folder, const char *name, const struct file_kind *kind, trading_error *error);

/* Checks the record of an open file, and tells its version; format may be NULL. */
int32_t environment_identify(const struct page_file *file, const struct file_kind *kind, uint32_t *format,
                             trading_error *error);

/* Of a file that only the writer has open in LMDB, one write at a time: others read its pages by themselves (pages.h). LMDB's own lock would keep
 * nobody out, and a thread that has it when an assertion fails could never let it go. */
#define ENVIRONMENT_ALONE (MDB_NORDAHEAD | MDB_NOLOCK)

/* flags: of mdb_env_open, MDB_NOSUBDIR implied. map_bytes: the most that the file may grow to, 0 for 1 TiB; less is taken when that
 * much address space cannot be had. Nothing else in this process may have the file open in LMDB. */
int32_t environment_open(struct environment *environment, const struct folder *folder, const char *name, uint64_t map_bytes,
                         unsigned flags, trading_error *error);
void environment_close(struct environment *environment);

/* Makes an open file one of the kind's newest version. A code of LMDB's. */
int environment_raise(struct environment *environment, const struct file_kind *kind);

/* Bytes as LMDB takes them; it does not change what it is given. */
static inline MDB_val mdb_bytes(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

#define ENVIRONMENT_BROKEN (-1) /* no code of LMDB's, no errno */

/* Runs `work`, which calls LMDB and returns its code. LMDB aborts the process when an assertion of its own fails, which damage can
 * bring about; here it ends the work instead with ENVIRONMENT_BROKEN, and every later call. */
int environment_run(struct environment *environment, int (*work)(struct environment *environment, void *arg), void *arg);

/* Within environment_run, of a file that is not ENVIRONMENT_ALONE: begins a read transaction of the newest commit. A code of LMDB's.
 *
 * LMDB's own way has a gap. It notes which commit is the newest, and then copies from the page of two where such commits say where their
 * trees are. Who is interrupted between the two while a commit ends and the next one begins to write that very page sees the second
 * before it is finished, or in part, and may see the first after it. */
int environment_begin_read(struct environment *environment, MDB_txn **txn);

#endif
