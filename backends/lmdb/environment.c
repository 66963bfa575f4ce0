#include "backends/lmdb/environment.h"

#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"
#include "base/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAP_DEFAULT ((uint64_t)1 << 40)
#define MAP_LEAST   ((uint64_t)1 << 28)
#define MAP_NEW     ((uint64_t)1 << 20) /* while creating */

#define READERS_MAX 1022u /* read transactions at once, of all processes; a thread may have two, see environment_begin_read */

const struct file_kind journal_kind = {"trading journal ", 2, 1};
const struct file_kind secrets_kind = {"trading secrets ", 1, 1};
const struct file_kind state_kind = {"trading state   ", 1, 1};

struct kind_record {
    char magic[16];
    uint32_t format;
    uint32_t reserved;
};

struct guarded_call {
    jmp_buf escape;
    pthread_t thread;
    struct guarded_call *next;
};

/* ---- creating and recognising ---- */

static int write_kind(MDB_env *env, const struct file_kind *kind)
{
    struct kind_record record = {.format = kind->format};
    memcpy(record.magic, kind->magic, sizeof record.magic);
    MDB_txn *txn;
    int failure = mdb_txn_begin(env, NULL, 0, &txn);
    if (failure)
        return failure;
    MDB_dbi dbi;
    MDB_val key = mdb_bytes(KIND_KEY, KIND_KEY_BYTES);
    MDB_val value = mdb_bytes(&record, sizeof record);
    failure = mdb_dbi_open(txn, NULL, 0, &dbi);
    if (!failure)
        failure = mdb_put(txn, dbi, &key, &value, 0);
    if (failure)
        mdb_txn_abort(txn);
    else
        failure = mdb_txn_commit(txn);
    return failure;
}

/* A whole and durable file under a temporary name. No locking: nobody else knows of it, as the caller holds the store's lock. */
static int write_new(const char *path, const struct file_kind *kind)
{
    MDB_env *env;
    int failure = mdb_env_create(&env);
    if (failure)
        return failure;
    failure = mdb_env_set_mapsize(env, MAP_NEW);
    if (!failure)
        failure = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (!failure)
        failure = write_kind(env, kind);
    mdb_env_close(env);
    return failure;
}

int32_t environment_create(const struct folder *folder, const char *name, const struct file_kind *kind, trading_error *error)
{
    if (folder_has(folder, name))
        return TRADING_OK;
    char temporary[64];
    char path[PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s.new", name);
    if (folder_path(folder, temporary, path))
        return lmdb_failure(error, ENAMETOOLONG, "creating", folder->path, name);
    unlinkat(folder->fd, temporary, 0); /* left by a crash; normally there is none */
    int failure = write_new(path, kind);
    if (!failure)
        failure = folder_rename(folder, temporary, name);
    if (!failure)
        return TRADING_OK;
    unlinkat(folder->fd, temporary, 0);
    return lmdb_failure(error, failure, "creating", folder->path, name);
}

struct identify {
    const struct page_file *file;
    const struct file_kind *kind;
    uint8_t *page;
    uint32_t format; /* as found */
};

static int32_t identify(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    struct identify *with = arg;
    const struct page_file *file = with->file;
    struct page_place place = {.page = with->page};
    int32_t code = page_seek(file, snapshot, KIND_KEY, KIND_KEY_BYTES, &place, error);
    if (code)
        return code;
    struct page_entry entry = {0};
    if (place.index == 0)
        page_entry_at(place.page, 0, &entry);
    struct kind_record record;
    if (entry.key_size != KIND_KEY_BYTES || *entry.key != 0 || !entry.value || entry.value_size != sizeof record)
        return error_set(error, TRADING_E_DAMAGED, "%s is an LMDB file, but none of this library's (in %s)", file->name,
                         file->folder->path);
    memcpy(&record, entry.value, sizeof record);
    if (memcmp(record.magic, with->kind->magic, sizeof record.magic) != 0)
        return error_set(error, TRADING_E_DAMAGED, "%s is not what its name says: it bears the mark \"%.16s\" (in %s)",
                         file->name, record.magic, file->folder->path);
    if (record.format > with->kind->format)
        return error_set(error, TRADING_E_NEWER_FORMAT,
                         "%s has format %" PRIu32 ", this library knows up to %" PRIu32 "; use a newer library (in %s)",
                         file->name, record.format, with->kind->format, file->folder->path);
    if (record.format < with->kind->oldest)
        return error_set(error, TRADING_E_DAMAGED, "%s has format %" PRIu32 ", which never was (in %s)", file->name,
                         record.format, file->folder->path);
    with->format = record.format;
    return TRADING_OK;
}

int32_t environment_identify(const struct page_file *file, const struct file_kind *kind, uint32_t *format, trading_error *error)
{
    struct identify with = {.file = file, .kind = kind, .page = memory_allocate(file->memory, file->page_bytes)};
    if (!with.page)
        return error_no_memory(error, "a page");
    int32_t code = page_settle(file, identify, &with, error);
    memory_release(file->memory, with.page, file->page_bytes);
    if (!code && format)
        *format = with.format;
    return code;
}

/* ---- opening ---- */

/* LMDB calls this instead of aborting, and aborts when it returns. */
static void assertion_failed(MDB_env *env, const char *message)
{
    (void)message;
    struct environment *environment = mdb_env_get_userctx(env);
    pthread_mutex_lock(&environment->lock);
    environment->broken = true;
    struct guarded_call *call = environment->guarded;
    while (call && !pthread_equal(call->thread, pthread_self()))
        call = call->next;
    pthread_mutex_unlock(&environment->lock);
    if (call)
        longjmp(call->escape, 1);
}

static int open_with_map(struct environment *environment, const char *path, uint64_t map_bytes, unsigned flags)
{
    int failure = mdb_env_create(&environment->env);
    if (failure) {
        environment->env = NULL;
        return failure;
    }
    failure = mdb_env_set_mapsize(environment->env, map_bytes);
    if (!failure)
        failure = mdb_env_set_maxreaders(environment->env, READERS_MAX);
    if (!failure)
        failure = mdb_env_open(environment->env, path, flags | MDB_NOSUBDIR, 0600);
    if (!failure)
        return 0;
    mdb_env_close(environment->env);
    environment->env = NULL;
    return failure;
}

/* LMDB opens the data file without it, and the descriptor would survive an exec. */
static void close_on_exec(MDB_env *env)
{
    int fd;
    if (mdb_env_get_fd(env, &fd) == 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* A transaction must open the unnamed database once, so that LMDB knows how to compare its keys. */
static int open_dbi(struct environment *environment)
{
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &txn);
    if (failure)
        return failure;
    failure = mdb_dbi_open(txn, NULL, 0, &environment->dbi);
    mdb_txn_abort(txn);
    return failure;
}

int32_t environment_open(struct environment *environment, const struct folder *folder, const char *name, uint64_t map_bytes,
                         unsigned flags, trading_error *error)
{
    *environment = (struct environment){0};
    char path[PATH_MAX];
    if (folder_path(folder, name, path))
        return lmdb_failure(error, ENAMETOOLONG, "opening", folder->path, name);
    uint64_t bytes = map_bytes ? map_bytes : MAP_DEFAULT;
    bytes -= bytes % PAGE_MAX;
    int failure = open_with_map(environment, path, bytes, flags);
    while (failure == ENOMEM && bytes / 2 >= MAP_LEAST) {
        bytes /= 2;
        failure = open_with_map(environment, path, bytes, flags);
    }
    if (failure)
        return lmdb_failure(error, failure, "opening", folder->path, name);
    pthread_mutex_init(&environment->lock, NULL);
    environment->map_bytes = bytes;
    mdb_env_set_userctx(environment->env, environment);
    mdb_env_set_assert(environment->env, assertion_failed);
    close_on_exec(environment->env);
    mdb_reader_check(environment->env, NULL); /* slots of processes that died */
    failure = open_dbi(environment);
    if (!failure)
        return TRADING_OK;
    environment_close(environment);
    return lmdb_failure(error, failure, "opening", folder->path, name);
}

void environment_close(struct environment *environment)
{
    if (!environment->env)
        return;
    mdb_env_close(environment->env);
    environment->env = NULL;
    pthread_mutex_destroy(&environment->lock);
}

/* ---- calls ---- */

static bool enter(struct environment *environment, struct guarded_call *call)
{
    call->thread = pthread_self();
    pthread_mutex_lock(&environment->lock);
    bool usable = !environment->broken;
    if (usable) {
        call->next = environment->guarded;
        environment->guarded = call;
    }
    pthread_mutex_unlock(&environment->lock);
    return usable;
}

static void leave(struct environment *environment, const struct guarded_call *call)
{
    pthread_mutex_lock(&environment->lock);
    struct guarded_call **link = &environment->guarded;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    pthread_mutex_unlock(&environment->lock);
}

int environment_run(struct environment *environment, int (*work)(struct environment *environment, void *arg), void *arg)
{
    struct guarded_call call;
    if (!enter(environment, &call))
        return ENVIRONMENT_BROKEN;
    int result = setjmp(call.escape) ? ENVIRONMENT_BROKEN : work(environment, arg);
    leave(environment, &call);
    return result;
}

/* ---- reading ---- */

/* Whether the pages of the two newest commits say no more than that `txn` is the newest: then its own was not written meanwhile. */
static bool nothing_newer(MDB_env *env, MDB_txn *txn)
{
    fence_acquire(); /* the copy comes before the look */
    MDB_envinfo now;
    mdb_env_info(env, &now);
    return now.me_last_txnid == mdb_txn_id(txn);
}

/* A commit writes the page of the last but one only after the last was published. So if one that begins now finds the same commit the
 * newest, the former has what it was to have. */
int environment_begin_read(struct environment *environment, MDB_txn **txn)
{
    MDB_env *env = environment->env;
    int failure = mdb_txn_begin(env, NULL, MDB_RDONLY, txn);
    while (!failure && !nothing_newer(env, *txn)) {
        MDB_txn *former = *txn;
        failure = mdb_txn_begin(env, NULL, MDB_RDONLY, txn);
        bool same = !failure && mdb_txn_id(*txn) == mdb_txn_id(former);
        mdb_txn_abort(same ? *txn : former);
        if (same) {
            *txn = former;
            break;
        }
    }
    return failure;
}

/* ---- raising ---- */

static int raise_format(struct environment *environment, void *arg)
{
    return write_kind(environment->env, arg);
}

int environment_raise(struct environment *environment, const struct file_kind *kind)
{
    struct file_kind raised = *kind;
    return environment_run(environment, raise_format, &raised);
}
