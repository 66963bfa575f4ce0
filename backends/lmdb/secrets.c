#include "backends/lmdb/secrets.h"

#include "backends/lmdb/lmdb_error.h"
#include "backends/lmdb/page_check.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define INDEX_FILE "secrets.mdb"
#define SLOTS_MARK "trading secrets "
#define FORMAT     1u
#define COUNT_KEY  "\1"

struct slot {
    uint8_t name[16];
    uint8_t value[32];
    uint64_t check;
    uint64_t zero;
};

struct first_slot {
    char magic[16];
    uint32_t format;
    uint8_t zeros[44];
};

_Static_assert(sizeof(struct slot) == 64 && sizeof(struct first_slot) == 64, "the file's layout");

static uint64_t check_of(const struct slot *slot)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint64_t check;
    crypto_shorthash((uint8_t *)&check, slot->name, sizeof slot->name + sizeof slot->value, zeros);
    return check;
}

static int32_t slots_failure(const struct secrets *secrets, int failure, const char *doing, trading_error *error)
{
    return lmdb_failure(error, failure, doing, secrets->folder->path, SECRETS_FILE);
}

static int32_t index_failure(const struct secrets *secrets, int failure, const char *doing, trading_error *error)
{
    if (failure == ENVIRONMENT_BROKEN)
        return error_set(error, TRADING_E_DAMAGED, "%s is damaged: LMDB found its own structure wrong (in %s)", INDEX_FILE,
                         secrets->folder->path);
    return lmdb_failure(error, failure, doing, secrets->folder->path, INDEX_FILE);
}

static int32_t slot_damaged(const struct secrets *secrets, uint64_t number, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "%s is damaged at byte %" PRIu64 ": the slot is not what was written (in %s)",
                     SECRETS_FILE, number * sizeof(struct slot), secrets->folder->path);
}

/* ---- the file of slots ---- */

/* Created before the index, so that where there is an index there are slots. */
static int create_slots(const struct secrets *secrets)
{
    int fd = file_open(secrets->folder, SECRETS_FILE, O_RDWR | O_CREAT);
    if (fd < 0)
        return errno;
    struct first_slot first = {.format = FORMAT};
    memcpy(first.magic, SLOTS_MARK, sizeof first.magic);
    int failure = file_write(fd, &first, sizeof first, 0);
    if (!failure && fsync(fd))
        failure = errno;
    close(fd);
    return failure;
}

static int32_t open_slots(struct secrets *secrets, trading_error *error)
{
    secrets->slots = file_open(secrets->folder, SECRETS_FILE, secrets->read_only ? O_RDONLY : O_RDWR);
    if (secrets->slots < 0)
        return slots_failure(secrets, errno, "opening", error);
    struct first_slot first = {0};
    if (file_read(secrets->slots, &first, sizeof first, 0) < 0)
        return slots_failure(secrets, errno, "reading", error);
    if (memcmp(first.magic, SLOTS_MARK, sizeof first.magic) != 0)
        return slot_damaged(secrets, 0, error);
    if (first.format > FORMAT)
        return error_set(error, TRADING_E_NEWER_FORMAT,
                         "%s has format %" PRIu32 ", this library knows up to %u; use a newer library "
                         "(in %s)",
                         SECRETS_FILE, first.format, FORMAT, secrets->folder->path);
    return first.format == FORMAT ? TRADING_OK : slot_damaged(secrets, 0, error);
}

/* Overwrites what lies behind the last slot that the index knows of: a put that was not finished. */
static int32_t wipe_orphans(struct secrets *secrets, trading_error *error)
{
    uint64_t size = 0;
    uint64_t known = secrets->slot_count * sizeof(struct slot);
    int failure = file_size(secrets->slots, &size);
    if (!failure && size > known) {
        failure = file_wipe(secrets->slots, known, size - known);
        if (!failure && ftruncate(secrets->slots, (off_t)known))
            failure = errno;
    }
    return failure ? slots_failure(secrets, failure, "overwriting", error) : TRADING_OK;
}

/* ---- the index ---- */

struct lookup {
    const struct page_file *file;
    const void *key;
    uint32_t key_size;
    uint8_t *page;
    uint64_t number;
};

static int32_t look_up(void *arg, const struct page_snapshot *snapshot, trading_error *error)
{
    struct lookup *lookup = arg;
    struct page_place place = {.page = lookup->page};
    int32_t code = page_seek(lookup->file, snapshot, lookup->key, lookup->key_size, &place, error);
    if (code)
        return code;
    struct page_entry entry = {0};
    if (place.index >= 0)
        page_entry_at(place.page, (uint32_t)place.index, &entry);
    if (place.index < 0 || key_compare(entry.key, entry.key_size, lookup->key, lookup->key_size) != 0)
        return TRADING_E_NOT_FOUND;
    if (!entry.value || entry.value_size != sizeof lookup->number)
        return page_damaged(lookup->file, snapshot->main.root, error, "an entry is not the number of a slot");
    memcpy(&lookup->number, entry.value, sizeof lookup->number);
    return TRADING_OK;
}

/* What the index has for a key. NOT_FOUND without a message. */
static int32_t find_number(struct secrets *secrets, const void *key, uint32_t key_size, uint64_t *number, trading_error *error)
{
    struct lookup lookup = {.file = &secrets->index, .key = key, .key_size = key_size};
    lookup.page = memory_allocate(secrets->memory, secrets->index.page_bytes);
    if (!lookup.page)
        return error_no_memory(error, "a page");
    int32_t code = page_settle(&secrets->index, look_up, &lookup, error);
    *number = lookup.number;
    memory_release(secrets->memory, lookup.page, secrets->index.page_bytes);
    return code;
}

/* ---- opening ---- */

static int32_t open_for_writing(struct secrets *secrets, trading_error *error)
{
    int32_t code = page_check_all(&secrets->index, true, NULL, NULL, error);
    if (!code)
        code = find_number(secrets, COUNT_KEY, 1, &secrets->slot_count, error);
    if (code == TRADING_E_NOT_FOUND) {
        secrets->slot_count = 1;
        code = error_clear(error);
    }
    if (!code)
        code = wipe_orphans(secrets, error);
    if (!code)
        code = environment_open(&secrets->environment, secrets->folder, INDEX_FILE, 0, ENVIRONMENT_ALONE, error);
    return code;
}

static void close_files(struct secrets *secrets)
{
    environment_close(&secrets->environment);
    page_file_close(&secrets->index);
    if (secrets->slots >= 0)
        close(secrets->slots);
    secrets->slots = -1;
}

/* NOT_FOUND: there are no secrets yet. */
static int32_t open_files(struct secrets *secrets, trading_error *error)
{
    int32_t code = page_file_open(&secrets->index, secrets->folder, INDEX_FILE, secrets->memory, error);
    if (code)
        return code;
    code = environment_identify(&secrets->index, &secrets_kind, NULL, error);
    if (!code)
        code = open_slots(secrets, error);
    if (!code && !secrets->read_only)
        code = open_for_writing(secrets, error);
    if (code)
        close_files(secrets);
    else
        atomic_store_explicit(&secrets->present, true, memory_order_release);
    return code;
}

/* Of two files that were made one of which is gone, its name; else NULL. Slots come before their index, and more than the first after it. */
static const char *lost_file(const struct secrets *secrets)
{
    uint64_t slots = 0;
    int fd = file_open(secrets->folder, SECRETS_FILE, O_RDONLY);
    if (fd >= 0) {
        (void)file_size(fd, &slots);
        close(fd);
    }
    bool indexed = folder_has(secrets->folder, INDEX_FILE);
    if (indexed && !folder_has(secrets->folder, SECRETS_FILE))
        return SECRETS_FILE;
    return !indexed && slots > sizeof(struct first_slot) ? INDEX_FILE : NULL;
}

/* No secrets yet, or what is left of them: to go on without the other file would be to forget everybody. */
static int32_t refuse_lost_file(const struct secrets *secrets, trading_error *error)
{
    const char *lost = lost_file(secrets);
    return lost ? error_set(error, TRADING_E_DAMAGED,
                            "%s is gone; put %s and %s back from one copy, which is no older than the journal (in %s)", lost,
                            SECRETS_FILE, INDEX_FILE, secrets->folder->path)
                : error_clear(error);
}

int32_t secrets_open(struct secrets *secrets, const struct folder *folder, struct memory *memory, bool read_only,
                     trading_error *error)
{
    *secrets = (struct secrets){.folder = folder, .memory = memory, .read_only = read_only, .slots = -1, .index.fd = -1};
    int32_t code = open_files(secrets, error);
    if (code == TRADING_E_NOT_FOUND)
        code = refuse_lost_file(secrets, error);
    if (!code)
        pthread_mutex_init(&secrets->lock, NULL);
    return code;
}

void secrets_close(struct secrets *secrets)
{
    close_files(secrets);
    pthread_mutex_destroy(&secrets->lock);
}

static int32_t make_files(struct secrets *secrets, trading_error *error)
{
    if (secrets->present)
        return TRADING_OK;
    int failure = create_slots(secrets);
    if (failure)
        return slots_failure(secrets, failure, "creating", error);
    int32_t code = environment_create(secrets->folder, INDEX_FILE, &secrets_kind, error);
    return code ? code : open_files(secrets, error);
}

/* ---- slots ---- */

/* Reads a slot that should be the name's. NOT_FOUND, without a message: it is destroyed. */
static int32_t read_slot(const struct secrets *secrets, uint64_t number, const uint8_t name[16], struct slot *slot,
                         trading_error *error)
{
    enum { ATTEMPTS = 64 }; /* it may be met while a new value is put over the old one */
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        *slot = (struct slot){0};
        ssize_t got = file_read(secrets->slots, slot, sizeof *slot, number * sizeof *slot);
        if (got < 0)
            return slots_failure(secrets, errno, "reading", error);
        if (got == sizeof *slot && sodium_is_zero((const uint8_t *)slot, sizeof *slot))
            return TRADING_E_NOT_FOUND;
        if (memcmp(slot->name, name, sizeof slot->name) == 0 && slot->check == check_of(slot))
            return TRADING_OK;
        sched_yield();
    }
    return slot_damaged(secrets, number, error);
}

/* Whether a slot that the index names may be overwritten: a damaged index must not cost another's secret. */
static int32_t is_own_slot(const struct secrets *secrets, uint64_t number, const uint8_t name[16], trading_error *error)
{
    struct slot slot;
    int32_t code = read_slot(secrets, number, name, &slot, error);
    sodium_memzero(&slot, sizeof slot);
    return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
}

static int write_slot(const struct secrets *secrets, uint64_t number, const trading_store_secret *secret)
{
    struct slot slot = {0};
    memcpy(slot.name, secret->name.bytes, sizeof slot.name);
    memcpy(slot.value, secret->value, sizeof slot.value);
    slot.check = check_of(&slot);
    int failure = file_write(secrets->slots, &slot, sizeof slot, number * sizeof slot);
    sodium_memzero(&slot, sizeof slot);
    return failure;
}

/* ---- putting ---- */

struct put {
    struct secrets *secrets;
    const trading_store_secret *list;
    size_t count;
    uint64_t slot_count; /* with the new ones */
    int32_t code;        /* what went wrong with the slots */
    trading_error *error;
};

/* Writes one secret into its name's slot, or a new one. */
static int put_secret(MDB_txn *txn, MDB_dbi dbi, struct put *put, const trading_store_secret *secret)
{
    uint64_t number = put->slot_count;
    MDB_val key = mdb_bytes(&secret->name, sizeof secret->name);
    MDB_val value;
    int failure = mdb_get(txn, dbi, &key, &value);
    if (!failure && value.mv_size == sizeof number) {
        memcpy(&number, value.mv_data, sizeof number);
        put->code = is_own_slot(put->secrets, number, secret->name.bytes, put->error);
    } else if (failure == MDB_NOTFOUND) {
        put->slot_count++;
        value = mdb_bytes(&number, sizeof number);
        failure = mdb_put(txn, dbi, &key, &value, 0);
    }
    if (failure || put->code)
        return failure;
    failure = write_slot(put->secrets, number, secret);
    if (failure)
        put->code = slots_failure(put->secrets, failure, "writing", put->error);
    return 0;
}

static int put_all(MDB_txn *txn, MDB_dbi dbi, struct put *put)
{
    int failure = 0;
    for (size_t i = 0; i < put->count && !failure && !put->code; i++)
        failure = put_secret(txn, dbi, put, &put->list[i]);
    if (failure || put->code)
        return failure;
    if (fdatasync(put->secrets->slots)) {
        put->code = slots_failure(put->secrets, errno, "flushing", put->error);
        return 0;
    }
    MDB_val key = mdb_bytes(COUNT_KEY, 1);
    MDB_val value = mdb_bytes(&put->slot_count, sizeof put->slot_count);
    return mdb_put(txn, dbi, &key, &value, 0);
}

static int run_put(struct environment *environment, void *arg)
{
    struct put *put = arg;
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    put->slot_count = put->secrets->slot_count;
    failure = put_all(txn, environment->dbi, put);
    if (!failure && !put->code)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return failure;
}

static int32_t put_locked(struct put *put, trading_error *error)
{
    struct secrets *secrets = put->secrets;
    int32_t code = make_files(secrets, error);
    if (code)
        return code;
    int failure = environment_run(&secrets->environment, run_put, put);
    if (failure)
        return index_failure(secrets, failure, "writing", error);
    if (put->code)
        return put->code;
    secrets->slot_count = put->slot_count;
    atomic_fetch_add_explicit(&secrets->flushes, 3, memory_order_relaxed);
    return TRADING_OK;
}

int32_t secrets_put(struct secrets *secrets, const trading_store_secret *list, size_t count, trading_error *error)
{
    if (!count)
        return TRADING_OK;
    struct put put = {.secrets = secrets, .list = list, .count = count, .error = error};
    pthread_mutex_lock(&secrets->lock);
    int32_t code = put_locked(&put, error);
    pthread_mutex_unlock(&secrets->lock);
    return code;
}

/* ---- getting ---- */

/* A store opened read only before there were secrets finds them when there are. */
static int32_t appear(struct secrets *secrets, trading_error *error)
{
    if (atomic_load_explicit(&secrets->present, memory_order_acquire))
        return TRADING_OK;
    if (!secrets->read_only)
        return TRADING_E_NOT_FOUND;
    pthread_mutex_lock(&secrets->lock);
    int32_t code = secrets->present ? TRADING_OK : open_files(secrets, error);
    pthread_mutex_unlock(&secrets->lock);
    return code;
}

int32_t secrets_get(struct secrets *secrets, const trading_id *name, uint8_t value[32], trading_error *error)
{
    uint64_t number = 0;
    int32_t code = appear(secrets, error);
    if (!code)
        code = find_number(secrets, name->bytes, sizeof name->bytes, &number, error);
    struct slot slot;
    if (!code)
        code = read_slot(secrets, number, name->bytes, &slot, error);
    if (!code)
        memcpy(value, slot.value, sizeof slot.value);
    sodium_memzero(&slot, sizeof slot);
    if (code == TRADING_E_NOT_FOUND)
        return error_set(error, code, "there is no such secret");
    return code;
}

/* ---- deleting ---- */

static int run_delete(struct environment *environment, void *arg)
{
    const trading_id *name = arg;
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    MDB_val key = mdb_bytes(name, sizeof *name);
    failure = mdb_del(txn, environment->dbi, &key, NULL);
    if (!failure)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return failure == MDB_NOTFOUND ? 0 : failure;
}

static int32_t delete_locked(struct secrets *secrets, const trading_id *name, trading_error *error)
{
    uint64_t number = 0;
    int32_t code = find_number(secrets, name->bytes, sizeof name->bytes, &number, error);
    if (code == TRADING_E_NOT_FOUND)
        return TRADING_OK;
    if (!code)
        code = is_own_slot(secrets, number, name->bytes, error);
    if (code)
        return code;
    int failure = file_wipe(secrets->slots, number * sizeof(struct slot), sizeof(struct slot));
    if (failure)
        return slots_failure(secrets, failure, "overwriting", error);
    trading_id copy = *name;
    failure = environment_run(&secrets->environment, run_delete, &copy);
    if (failure)
        return index_failure(secrets, failure, "writing", error);
    atomic_fetch_add_explicit(&secrets->flushes, 3, memory_order_relaxed);
    return TRADING_OK;
}

int32_t secrets_delete(struct secrets *secrets, const trading_id *name, trading_error *error)
{
    pthread_mutex_lock(&secrets->lock);
    int32_t code = secrets->present ? delete_locked(secrets, name, error) : TRADING_OK;
    pthread_mutex_unlock(&secrets->lock);
    return code;
}

/* ---- checking ---- */

static int32_t check_secret(void *arg, const struct page_file *file, uint64_t page, const struct page_entry *entry,
                            trading_error *error)
{
    struct secrets *secrets = arg;
    if (!entry || entry->key_size == 1)
        return TRADING_OK;
    uint64_t number;
    if (entry->key_size != sizeof(trading_id) || !entry->value || entry->value_size != sizeof number)
        return page_damaged(file, page, error, "an entry is not the number of a slot");
    memcpy(&number, entry->value, sizeof number);
    return is_own_slot(secrets, number, entry->key, error);
}

int32_t secrets_check(struct secrets *secrets, trading_error *error)
{
    int32_t code = appear(secrets, error);
    if (code == TRADING_E_NOT_FOUND)
        return error_clear(error);
    if (code)
        return code;
    pthread_mutex_lock(&secrets->lock);
    code = page_check_all(&secrets->index, true, check_secret, secrets, error);
    pthread_mutex_unlock(&secrets->lock);
    return code;
}
