/* An event store in plain files, as a plugin: "files:FOLDER". It shows what the author of a store has to do; docs/plugins.md explains it.
 *
 *      lock                   held while a writer has the store open
 *      PARTITION.log          frames, one an append: its bytes, then its commits, each with a head, a checksum and its data
 *      PARTITION.unfinished   a snapshot that is being written; PARTITION.snapshot.POSITION once it is whole
 *      secret.NAME            32 bytes, overwritten before they are removed
 *
 * Numbers are in the machine's byte order. A frame that is not whole is an append that did not come to its end: readers stop before
 * it, and the next writer cuts it off. */
#include "files_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_MARK UINT64_C(0x31656d6172666474) /* "tdframe1" */

struct frame_head {
    uint64_t mark;
    uint64_t bytes; /* of all that follows in this frame */
};

struct commit_head {
    int64_t first_position;
    int64_t event_count;
    trading_id nonce;
    uint64_t size; /* of the data behind */
    uint64_t sum;  /* of the head, this being 0, and the data */
};

/* ---- errors ---- */

int32_t fail(trading_error *error, int32_t code, const char *format, ...)
{
    va_list arguments;
    if (!error)
        return code;
    *error = (trading_error){.code = code};
    if (code == TRADING_E_LOCKED || code == TRADING_E_NO_SPACE || code == TRADING_E_NO_MEMORY)
        error->flags = TRADING_ERROR_RETRYABLE;
    if (code == TRADING_E_OUTCOME_UNKNOWN)
        error->flags = TRADING_ERROR_RETRYABLE | TRADING_ERROR_OUTCOME_UNKNOWN;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}

int32_t fail_system(trading_error *error, const char *doing, const char *name)
{
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    int32_t code = fail(error, full ? TRADING_E_NO_SPACE : TRADING_E_IO, "%s %s: %s", doing, name, strerror(number));
    if (error)
        error->native_code = number;
    return code;
}

/* ---- files ---- */

bool write_all(int fd, const void *bytes, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = pwrite(fd, (const char *)bytes + done, size - done, at + (off_t)done);
        if (wrote < 0 && errno != EINTR)
            return false;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

bool read_all(int fd, void *bytes, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, (char *)bytes + done, size - done, at + (off_t)done);
        if (got == 0)
            errno = EIO; /* the file ends before what it promises */
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

int32_t flush(struct files *store, int fd, const char *name, trading_error *error)
{
    store->syncs++;
    return fsync(fd) ? fail_system(error, "flushing", name) : TRADING_OK;
}

static uint64_t sum_of(struct commit_head head, const uint8_t *data)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    head.sum = 0;
    for (size_t i = 0; i < sizeof head; i++)
        sum = (sum ^ ((const uint8_t *)&head)[i]) * UINT64_C(0x100000001b3);
    for (uint64_t i = 0; i < head.size; i++)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* ---- partitions ---- */

static bool has_room(struct files *store, struct partition *partition)
{
    if (partition->count < partition->capacity)
        return true;
    size_t capacity = partition->capacity ? partition->capacity * 2 : 64;
    struct place *places = allocate(store, capacity * sizeof *places);
    if (!places)
        return false;
    if (partition->count)
        memcpy(places, partition->places, partition->count * sizeof *places);
    release(store, partition->places, partition->capacity * sizeof *places);
    partition->places = places;
    partition->capacity = capacity;
    return true;
}

/* Notes the commits of a frame, which begin at an offset of the file. All or none. */
static int32_t note_commits(struct files *store, struct partition *partition, const uint8_t *bytes, uint64_t size, off_t offset,
                            trading_error *error)
{
    size_t count = partition->count;
    trading_store_head stand = partition->head;
    int32_t code = TRADING_OK;
    for (uint64_t at = 0; at < size && !code;) {
        struct commit_head head = {0};
        if (size - at >= sizeof head)
            memcpy(&head, bytes + at, sizeof head);
        if (!head.size || head.size > size - at - sizeof head || head.sum != sum_of(head, bytes + at + sizeof head) ||
            head.first_position != stand.next_position)
            code = fail(error, TRADING_E_DAMAGED, "%s is damaged at byte %lld", partition->name,
                        (long long)offset + (long long)at);
        else if (!has_room(store, partition))
            code = fail(error, TRADING_E_NO_MEMORY, "no memory for the places of commits");
        else {
            at += sizeof head + head.size;
            partition->places[partition->count++] =
                (struct place){head.first_position, head.event_count, head.nonce, offset + (off_t)(at - head.size), head.size};
            stand = (trading_store_head){head.first_position + head.event_count, head.nonce};
        }
    }
    if (code)
        partition->count = count;
    else
        partition->head = stand;
    return code;
}

/* Takes the frame at the end of what is known. *whole is false, without a failure, when there is none, or not all of it. */
static int32_t take_frame(struct files *store, struct partition *partition, off_t file_size, bool *whole, trading_error *error)
{
    struct frame_head head;
    uint64_t left = (uint64_t)(file_size - partition->end);
    *whole = false;
    if (left < sizeof head)
        return TRADING_OK;
    if (!read_all(partition->fd, &head, sizeof head, partition->end))
        return fail_system(error, "reading", partition->name);
    left -= sizeof head;
    if (head.mark == 0 || (head.mark == FRAME_MARK && head.bytes > left))
        return TRADING_OK;
    if (head.mark != FRAME_MARK)
        return fail(error, TRADING_E_DAMAGED, "%s is damaged at byte %lld", partition->name, (long long)partition->end);
    uint8_t *bytes = allocate(store, head.bytes + 1);
    if (!bytes)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for a frame of %llu bytes", (unsigned long long)head.bytes);
    int32_t code = TRADING_OK;
    off_t offset = partition->end + (off_t)sizeof head;
    if (!read_all(partition->fd, bytes, head.bytes, offset))
        code = fail_system(error, "reading", partition->name);
    if (!code)
        code = note_commits(store, partition, bytes, head.bytes, offset, error);
    release(store, bytes, head.bytes + 1);
    *whole = !code;
    if (code == TRADING_E_DAMAGED && head.bytes == left)
        code = TRADING_OK; /* the last: its bytes had not all come to the disk */
    if (*whole)
        partition->end = offset + (off_t)head.bytes;
    return code;
}

/* Notes what was appended since the last look. What is seen must last: a reader flushes what a writer may not have yet. */
static int32_t look(struct files *store, struct partition *partition, trading_error *error)
{
    struct stat status;
    off_t before = partition->end;
    bool whole = true;
    int32_t code = TRADING_OK;
    if (partition->fd < 0)
        partition->fd = openat(store->folder, partition->name, (store->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (partition->fd < 0)
        return errno == ENOENT ? TRADING_OK : fail_system(error, "opening", partition->name);
    if (fstat(partition->fd, &status))
        return fail_system(error, "looking at", partition->name);
    while (whole && !code)
        code = take_frame(store, partition, status.st_size, &whole, error);
    if (!code && partition->end > before && store->read_only)
        code = flush(store, partition->fd, partition->name, error);
    if (!code && partition->end < status.st_size && !store->read_only && ftruncate(partition->fd, partition->end))
        code = fail_system(error, "cutting the end off", partition->name);
    return code;
}

/* The partition, as it stands now. With the lock held, as everything about partitions. */
int32_t partition_of(struct files *store, uint32_t number, struct partition **found, trading_error *error)
{
    struct partition *partition = store->partitions;
    while (partition && partition->number != number)
        partition = partition->next;
    if (!partition) {
        partition = allocate(store, sizeof *partition);
        if (!partition)
            return fail(error, TRADING_E_NO_MEMORY, "no memory for a partition");
        *partition = (struct partition){.next = store->partitions, .number = number, .fd = -1, .unfinished = -1};
        snprintf(partition->name, sizeof partition->name, "%08x.log", number);
        store->partitions = partition;
    }
    *found = partition;
    if (partition->known && partition->fd >= 0 && !store->read_only)
        return TRADING_OK;
    int32_t code = look(store, partition, error);
    partition->known = !code;
    return code;
}

/* ---- appending ---- */

static int32_t check_commits(const trading_store_commit *commits, size_t count, trading_error *error)
{
    bool sound = commits && count;
    for (size_t i = 0; sound && i < count; i++) {
        const trading_store_commit *commit = &commits[i];
        sound = commit->data && commit->size && commit->event_count > 0 && commit->first_position >= 0 &&
                commit->event_count <= INT64_MAX - commit->first_position &&
                (i == 0 || commit->first_position == commits[i - 1].first_position + commits[i - 1].event_count);
    }
    return sound ? TRADING_OK : fail(error, TRADING_E_INVALID, "an append needs commits that follow one another");
}

static uint8_t *make_frame(struct files *store, const trading_store_commit *commits, size_t count, size_t *size)
{
    *size = sizeof(struct frame_head);
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(*size, sizeof(struct commit_head) + commits[i].size, size))
            return NULL;
    uint8_t *frame = allocate(store, *size);
    if (!frame)
        return NULL;
    struct frame_head frame_head = {FRAME_MARK, *size - sizeof frame_head};
    uint8_t *at = frame;
    memcpy(at, &frame_head, sizeof frame_head);
    at += sizeof frame_head;
    for (size_t i = 0; i < count; i++) {
        const trading_store_commit *commit = &commits[i];
        struct commit_head head = {commit->first_position, commit->event_count, commit->nonce, commit->size, 0};
        head.sum = sum_of(head, commit->data);
        memcpy(at, &head, sizeof head);
        memcpy(at + sizeof head, commit->data, commit->size);
        at += sizeof head + commit->size;
    }
    return frame;
}

static int32_t write_frame(struct files *store, struct partition *partition, const uint8_t *frame, size_t size,
                           trading_error *error)
{
    if (partition->fd < 0) {
        partition->fd = openat(store->folder, partition->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (partition->fd < 0 || flush(store, store->folder, "the folder", error))
            return fail_system(error, "making", partition->name);
    }
    if (!write_all(partition->fd, frame, size, partition->end)) {
        int32_t code = fail_system(error, "writing", partition->name);
        return ftruncate(partition->fd, partition->end) ? fail_system(error, "taking back an append to", partition->name)
                                                        : code;
    }
    if (store->durability == TRADING_DURABILITY_SYNC && flush(store, partition->fd, partition->name, NULL))
        return fail(error, TRADING_E_OUTCOME_UNKNOWN, "flushing %s failed: the append may last or not", partition->name);
    int32_t code = look(store, partition, error); /* which also proves what was written */
    return code ? fail(error, TRADING_E_OUTCOME_UNKNOWN, "%s cannot be read after an append", partition->name) : code;
}

static int32_t append_locked(struct files *store, uint32_t number, const trading_store_commit *commits, size_t count,
                             trading_store_head *head, trading_error *error)
{
    struct partition *partition;
    int32_t code = partition_of(store, number, &partition, error);
    if (!code && commits[0].first_position != partition->head.next_position) {
        if (head)
            *head = partition->head;
        return fail(error, TRADING_E_POSITION, "the partition stands at position %lld, not %lld",
                    (long long)partition->head.next_position, (long long)commits[0].first_position);
    }
    if (code)
        return code;
    size_t size;
    uint8_t *frame = make_frame(store, commits, count, &size);
    if (!frame)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for a frame");
    code = write_frame(store, partition, frame, size, error);
    release(store, frame, size);
    if (head)
        *head = partition->head;
    return code;
}

static int32_t files_append(void *handle, uint32_t number, const trading_store_commit *commits, size_t count,
                            trading_store_head *head, trading_error *error)
{
    struct files *store = handle;
    int32_t code = check_commits(commits, count, error);
    if (code)
        return code;
    if (store->read_only)
        return fail(error, TRADING_E_READ_ONLY, "the store was opened read only");
    pthread_mutex_lock(&store->lock);
    code = append_locked(store, number, commits, count, head, error);
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* ---- reading ---- */

static int32_t files_head(void *handle, uint32_t number, trading_store_head *head, trading_error *error)
{
    struct files *store = handle;
    struct partition *partition;
    if (!head)
        return fail(error, TRADING_E_INVALID, "no place given for the head");
    pthread_mutex_lock(&store->lock);
    int32_t code = partition_of(store, number, &partition, error);
    if (!code)
        *head = partition->head;
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* The first commit that ends behind a position. */
static size_t find_place(const struct partition *partition, int64_t position)
{
    size_t low = 0;
    for (size_t high = partition->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct place *place = &partition->places[middle];
        if (place->first_position + place->event_count <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Hands over one commit. What was appended never moves in the file, so no lock is held meanwhile. */
static int32_t visit_place(struct files *store, int fd, const struct place *place, trading_store_visit visit, void *arg,
                           bool *ended, trading_error *error)
{
    uint8_t *bytes = allocate(store, place->size);
    if (!bytes)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for a commit of %llu bytes", (unsigned long long)place->size);
    int32_t code = read_all(fd, bytes, place->size, place->offset) ? TRADING_OK : fail_system(error, "reading", "a commit");
    trading_store_commit commit = {place->first_position, place->event_count, place->nonce, bytes, place->size};
    *ended = !code && visit(arg, &commit);
    release(store, bytes, place->size);
    return code;
}

static int32_t files_read(void *handle, uint32_t number, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    struct files *store = handle;
    struct partition *partition;
    if (!visit || from < 0)
        return fail(error, TRADING_E_INVALID, "a read needs a visitor and a position from 0 on");
    pthread_mutex_lock(&store->lock);
    int32_t code = partition_of(store, number, &partition, error);
    size_t at = code ? 0 : find_place(partition, from);
    size_t end = code ? 0 : partition->count;
    if (!code && from > partition->head.next_position)
        code = fail(error, TRADING_E_NOT_FOUND, "position %lld is behind the end, %lld", (long long)from,
                    (long long)partition->head.next_position);
    for (bool ended = false; !code && !ended && at < end; at++) {
        struct place place = partition->places[at];
        int fd = partition->fd;
        pthread_mutex_unlock(&store->lock);
        code = visit_place(store, fd, &place, visit, arg, &ended, error);
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

/* ---- opening and closing ---- */

static int32_t open_folder(struct files *store, const char *path, trading_error *error)
{
    if (!store->read_only && mkdir(path, 0700) && errno != EEXIST)
        return fail_system(error, "making", path);
    store->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder >= 0)
        store->lock_file = openat(store->folder, "lock", (store->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0600);
    if (store->folder < 0 || store->lock_file < 0)
        return errno == ENOENT ? fail(error, TRADING_E_NOT_FOUND, "there is no store in %.150s", path)
                               : fail_system(error, "opening", path);
    if (!store->read_only && flock(store->lock_file, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? fail(error, TRADING_E_LOCKED, "another writer has the store in %.150s open", path)
                                    : fail_system(error, "locking", path);
    return TRADING_OK;
}

static void files_close(void *handle)
{
    struct files *store = handle;
    for (struct partition *next, *at = store->partitions; at; at = next) {
        next = at->next;
        if (at->fd >= 0)
            close(at->fd);
        if (at->unfinished >= 0)
            close(at->unfinished);
        release(store, at->places, at->capacity * sizeof *at->places);
        release(store, at, sizeof *at);
    }
    if (store->lock_file >= 0 && store->locked)
        flock(store->lock_file, LOCK_UN); /* also when a child that was forked still has the file open */
    if (store->lock_file >= 0)
        close(store->lock_file);
    if (store->folder >= 0)
        close(store->folder);
    pthread_mutex_destroy(&store->lock);
    release(store, store, sizeof *store);
}

static int32_t files_open(const trading_store_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    if (!request || !host || !handle)
        return fail(error, TRADING_E_INVALID, "opening a store needs a request, a host and a place for the handle");
    if (host->abi != TRADING_PLUGIN_ABI || host->size < sizeof *host || request->size < sizeof *request)
        return fail(error, TRADING_E_ABI, "this store was built for interface %u, the host speaks %u", TRADING_PLUGIN_ABI,
                    host->abi);
    bool durable = request->durability == TRADING_DURABILITY_SYNC || request->durability == TRADING_DURABILITY_PROCESS;
    if (!request->location || request->flags & ~TRADING_STORE_READ_ONLY || !durable)
        return fail(error, TRADING_E_INVALID, "no location, or a flag or durability that does not exist");
    struct files *store = host->allocate(host->context, sizeof *store);
    if (!store)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for a store");
    *store = (struct files){.host = host, .durability = request->durability, .folder = -1, .lock_file = -1};
    store->read_only = request->flags & TRADING_STORE_READ_ONLY;
    pthread_mutex_init(&store->lock, NULL);
    int32_t code = open_folder(store, request->location, error);
    store->locked = !code && !store->read_only;
    if (code)
        files_close(store);
    else
        *handle = store;
    return code;
}

static int32_t files_info(void *handle, trading_store_info *info, trading_error *error)
{
    struct files *store = handle;
    if (!info || info->size < sizeof *info)
        return fail(error, TRADING_E_INVALID, "no place given for what the store says of itself");
    *info = (trading_store_info){.size = sizeof *info, .read_only = store->read_only};
    pthread_mutex_lock(&store->lock);
    for (const struct partition *at = store->partitions; at; at = at->next)
        info->bytes_used += (uint64_t)at->end;
    info->bytes_reserved = info->bytes_used;
    info->syncs = store->syncs;
    pthread_mutex_unlock(&store->lock);
    return TRADING_OK;
}

/* ---- the plugin ---- */

static const trading_store_ops files_ops = {
    .size = sizeof files_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = files_open,
    .close = files_close,
    .head = files_head,
    .append = files_append,
    .read = files_read,
    .snapshot_put = files_snapshot_put,
    .snapshot_find = files_snapshot_find,
    .snapshot_get = files_snapshot_get,
    .snapshot_drop = files_snapshot_drop,
    .secret_put = files_secret_put,
    .secret_get = files_secret_get,
    .secret_delete = files_secret_delete,
    .info = files_info,
};

int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin, trading_error *error)
{
    static const trading_plugin_offer offers[] = {{TRADING_PLUGIN_STORE, 0, "files", &files_ops}};
    plugin->abi = TRADING_PLUGIN_ABI;
    if (host->abi != TRADING_PLUGIN_ABI)
        return fail(error, TRADING_E_ABI, "the plugin speaks interface %u", TRADING_PLUGIN_ABI);
    plugin->name = "files";
    plugin->version = "1.0.0";
    plugin->offers = offers;
    plugin->offer_count = sizeof offers / sizeof *offers;
    return TRADING_OK;
}
