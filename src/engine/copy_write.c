/* Writing a copy: the commits of a partition into each that it becomes, the secrets of the accounts that they open, and what splits it. */
#include "base/error.h"
#include "base/id.h"
#include "engine/copy.h"
#include "engine/events.h"

#include <endian.h>
#include <inttypes.h>
#include <sodium.h>

/* So many bytes of commits are appended at once, and so many secrets put. */
#define STRETCH_BYTES   (1u << 20)
#define STRETCH_COMMITS 256u
#define STRETCH_SECRETS 256u

/* One partition of the source, and where it goes. */
struct writing {
    struct copy *copy;
    uint32_t partition;
    struct commit_scratch scratch;
    int64_t next; /* where its next commit begins */
    uint8_t digest[COMMIT_DIGEST_BYTES];
    uint8_t (*digests)[COMMIT_DIGEST_BYTES]; /* of the newest commit of each of the target's */
    uint8_t *bytes;                          /* the stretch at hand: commits, one after another */
    size_t size;
    size_t capacity;
    trading_store_commit commits[STRETCH_COMMITS];
    size_t count;
    trading_store_secret secrets[STRETCH_SECRETS];
    size_t secret_count;
    trading_error *error;
    int32_t outcome;
};

/* ---- secrets ---- */

static int32_t put_secrets(struct writing *writing)
{
    const struct copy_store *target = &writing->copy->target;
    int32_t code = TRADING_OK;
    if (writing->secret_count)
        code = target->ops->secret_put(target->store, writing->secrets, writing->secret_count, writing->error);
    writing->copy->told.secrets += writing->secret_count;
    writing->secret_count = 0;
    return code;
}

/* An account has a secret unless it never had anything personal, or was forgotten. */
static int32_t take_secret(struct writing *writing, const trading_id *account)
{
    const struct copy_store *source = &writing->copy->source;
    trading_store_secret *secret = &writing->secrets[writing->secret_count];
    secret->name = *account;
    int32_t code = source->ops->secret_get(source->store, account, secret->value, writing->error);
    if (code)
        return code == TRADING_E_NOT_FOUND ? TRADING_OK : code;
    return ++writing->secret_count == STRETCH_SECRETS ? put_secrets(writing) : TRADING_OK;
}

static int32_t take_secrets(struct writing *writing, const struct commit *commit)
{
    struct event_reader events;
    struct event event;
    struct cause cause;
    int32_t code = TRADING_OK;
    event_reader_begin(&events, commit);
    while (!code && event_reader_next(&events, &event, &cause)) {
        trading_id account;
        if (event.kind != TRADING_EVENT_ACCOUNT_OPENED)
            continue;
        id_derive(&account, TRADING_ENTITY_ACCOUNT, &(trading_id){{0}}, &cause.key, 0);
        if (id_slot(&account) % writing->copy->from == writing->partition) /* not of one that an earlier split took elsewhere */
            code = take_secret(writing, &account);
    }
    return code ? code : event_reader_end(&events, writing->error);
}

/* ---- commits ---- */

static int32_t append(struct copy *copy, uint32_t partition, const trading_store_commit *commits, size_t count,
                      trading_error *error)
{
    int32_t code = copy->target.ops->append(copy->target.store, partition, commits, count, NULL, error);
    if (code == TRADING_E_POSITION)
        return error_set(error, code, "somebody else writes the copy");
    int64_t events = 0;
    for (size_t i = 0; i < count && !code; i++) {
        events += commits[i].event_count;
        copy->told.bytes += commits[i].size;
    }
    copy->told.commits += code ? 0 : count;
    return code ? code : copy_progress(copy, events, error);
}

/* Appends the stretch to each partition that this one becomes: as it is, where it stays one. */
static int32_t flush(struct writing *writing)
{
    struct copy *copy = writing->copy;
    int32_t code = put_secrets(writing);
    for (uint32_t to = writing->partition; to < copy->to && writing->count && !code; to += copy->from) {
        uint8_t *at = writing->bytes;
        for (size_t i = 0; i < writing->count; i++) {
            trading_store_commit *commit = &writing->commits[i];
            commit->data = at;
            if (copy->to != copy->from)
                commit_move(at, commit->size, to, writing->digests[to], writing->digests[to]);
            at += commit->size;
        }
        code = append(copy, to, writing->commits, writing->count, writing->error);
    }
    writing->count = writing->size = 0;
    return code;
}

static int32_t keep(struct writing *writing, const trading_store_commit *stored)
{
    int32_t code = TRADING_OK;
    if (writing->count == STRETCH_COMMITS || (writing->count && writing->size + stored->size > STRETCH_BYTES))
        code = flush(writing);
    if (code)
        return code;
    if (memory_grow(writing->copy->memory, (void **)&writing->bytes, &writing->capacity, writing->size + stored->size, 1))
        return error_no_memory(writing->error, "the commits of a copy");
    memcpy(writing->bytes + writing->size, stored->data, stored->size);
    writing->commits[writing->count++] = *stored;
    writing->size += stored->size;
    return TRADING_OK;
}

static int32_t take_commit(struct writing *writing, const trading_store_commit *stored)
{
    struct commit commit;
    int32_t code = commit_read(stored, writing->partition, &writing->scratch, &commit, writing->error);
    if (!code)
        code = commit_follows(&commit, writing->next, writing->digest, writing->error);
    if (!code)
        code = take_secrets(writing, &commit);
    if (code)
        return code;
    writing->next = commit_end(&commit);
    memcpy(writing->digest, commit.digest, sizeof writing->digest);
    return keep(writing, stored);
}

static int32_t visit(void *arg, const trading_store_commit *stored)
{
    struct writing *writing = arg;
    if (stored->first_position >= writing->copy->surveys[writing->partition].end)
        return 1;
    writing->outcome = take_commit(writing, stored);
    return writing->outcome;
}

static int32_t write_partition(struct writing *writing)
{
    const struct copy_store *source = &writing->copy->source;
    trading_error failure = {0};
    int32_t code = source->ops->read(source->store, writing->partition, 0, visit, writing, &failure);
    if (writing->outcome)
        return writing->outcome;
    if (code && writing->error)
        *writing->error = failure;
    int64_t end = writing->copy->surveys[writing->partition].end;
    if (!code && writing->next != end)
        code = error_set(writing->error, TRADING_E_DAMAGED,
                         "partition %u of the store gave its commits up to position %" PRId64 " at first, and now to %" PRId64,
                         writing->partition, end, writing->next);
    return code ? code : flush(writing);
}

/* ---- splitting ---- */

/* The same in each: now, and after all that is in the journals, so that each time is before it or behind it in all partitions. */
static trading_time time_of_split(const struct copy *copy)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    trading_time time = copy->options->time;
    if (!time)
        time = now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
    for (uint32_t p = 0; p < copy->from; p++)
        if (copy->surveys[p].time >= time)
            time = copy->surveys[p].time == INT64_MAX ? INT64_MAX : copy->surveys[p].time + 1;
    return time;
}

static void write_split(const struct copy *copy, int64_t position, struct writer *writer)
{
    uint64_t ends[ENGINE_PARTITIONS_MAX];
    for (uint32_t p = 0; p < copy->from; p++)
        ends[p] = htole64((uint64_t)copy->surveys[p].end);
    struct cause cause = {.type = ENTRY_SPLIT};
    struct event event = {
        .kind = TRADING_EVENT_PARTITION_SPLIT, .position = position, .previous = POSITION_NONE, .before = POSITION_NONE};
    event.split = (struct split_event){
        .from = copy->from, .to = copy->to, .ends = (uint8_t *)ends, .ends_size = copy->from * (uint32_t)sizeof *ends};
    randombytes_buf(&cause.key, sizeof cause.key);
    struct entry_mark mark;
    entry_begin(writer, &cause, &mark);
    event_write(writer, &event);
    entry_end(writer, &mark, 1, 0);
}

static int32_t split_partition(struct copy *copy, uint32_t partition, int64_t position, trading_time time,
                               struct commit_builder *builder, const uint8_t digest[COMMIT_DIGEST_BYTES], trading_error *error)
{
    struct commit header = {.partition = partition, .entries = 1, .events = 1, .first_position = position, .time = time};
    trading_store_commit commit;
    randombytes_buf(&header.nonce, sizeof header.nonce);
    memcpy(header.previous, digest, sizeof header.previous);
    commit_builder_reset(builder);
    write_split(copy, position, &builder->body);
    int32_t code = commit_build(builder, &header, &commit, error);
    return code ? code : append(copy, partition, &commit, 1, error);
}

static int32_t split_all(struct copy *copy, uint8_t (*digests)[COMMIT_DIGEST_BYTES], trading_error *error)
{
    struct commit_builder builder;
    trading_time time = time_of_split(copy);
    int32_t code = commit_builder_open(&builder, copy->memory, STRETCH_BYTES, 0, error);
    for (uint32_t p = 0; p < copy->from; p++)
        for (uint32_t to = p; to < copy->to && !code; to += copy->from)
            code = split_partition(copy, to, copy->surveys[p].end, time, &builder, digests[to], error);
    commit_builder_close(&builder);
    return code;
}

/* ---- all ---- */

/* What the survey found is all that there is, still. */
static int32_t check_ends(const struct copy *copy, trading_error *error)
{
    for (uint32_t p = 0; p < copy->from; p++) {
        trading_store_head head;
        int32_t code = copy->source.ops->head(copy->source.store, p, &head, error);
        if (code)
            return code;
        if (head.next_position != copy->surveys[p].end)
            return error_set(
                error, TRADING_E_POSITION,
                "partition %u of the store was written while it was copied; delete the copy, stop who writes the store, "
                "and copy it then",
                p);
    }
    return TRADING_OK;
}

static int32_t write_all(struct copy *copy, struct writing *writing, uint8_t (*digests)[COMMIT_DIGEST_BYTES],
                         trading_error *error)
{
    int32_t code = TRADING_OK;
    for (uint32_t p = 0; p < copy->from && !code; p++) {
        *writing =
            (struct writing){.copy = copy, .partition = p, .digests = digests, .scratch.memory = copy->memory, .error = error};
        code = write_partition(writing);
        memory_release(copy->memory, writing->bytes, writing->capacity);
        commit_scratch_close(&writing->scratch);
        sodium_memzero(writing->secrets, sizeof writing->secrets);
    }
    if (!code && !copy->beside_writers)
        code = check_ends(copy, error);
    return code || copy->to == copy->from ? code : split_all(copy, digests, error);
}

int32_t copy_write(struct copy *copy, trading_error *error)
{
    uint8_t digests[ENGINE_PARTITIONS_MAX][COMMIT_DIGEST_BYTES] = {{0}};
    struct writing *writing = memory_zeroed(copy->memory, 1, sizeof *writing);
    if (!writing)
        return error_no_memory(error, "a copy");
    int32_t code = write_all(copy, writing, digests, error);
    memory_release(copy->memory, writing, sizeof *writing);
    return code;
}
