/* Copying a store into another, of any kind, with as many partitions or a multiple of them. */
#include "engine/copy.h"

#include "base/error.h"
#include "engine/store_marks.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

/* ---- the two stores ---- */

static int32_t open_store(trading_host *host, const char *uri, uint32_t flags, struct copy_store *opened, trading_error *error)
{
    struct host_scheme scheme;
    const char *location;
    int32_t code = host_find_scheme(host, TRADING_PLUGIN_STORE, uri, &scheme, &location, error);
    if (code)
        return code;
    trading_store_request request = {
        .size = sizeof request, .flags = flags, .location = location, .durability = TRADING_DURABILITY_SYNC};
    code = scheme.ops->open(&request, &host->functions, &opened->store, error);
    if (!code)
        opened->ops = scheme.ops;
    return code;
}

static void close_store(struct copy_store *opened)
{
    if (opened->ops)
        opened->ops->close(opened->store);
}

/* The number of partitions that a store says it has. TRADING_E_NOT_FOUND: it says nothing. */
static int32_t read_count(const struct copy_store *opened, uint32_t *count, trading_error *error)
{
    uint8_t value[32];
    int32_t code = opened->ops->secret_get(opened->store, &store_partitions, value, error);
    return code ? code : store_count_read(value, count, error);
}

static int32_t check_source(struct copy *copy, trading_error *error)
{
    copy->from = 1;
    int32_t code = read_count(&copy->source, &copy->from, error);
    if (code && code != TRADING_E_NOT_FOUND)
        return code;
    copy->to = copy->options->partitions ? copy->options->partitions : copy->from;
    if (copy->from < 1 || copy->from > ENGINE_PARTITIONS_MAX)
        return error_set(error, TRADING_E_DAMAGED, "the store says that it has %u partitions", copy->from);
    if (copy->to > ENGINE_PARTITIONS_MAX)
        return error_set(error, TRADING_E_INVALID, "a store has at most %u partitions, not %u", ENGINE_PARTITIONS_MAX,
                         copy->to);
    if (copy->beside_writers && copy->to != copy->from)
        return error_set(
            error, TRADING_E_INVALID,
            "a backup has the %u partitions that the store has, not %u; to split them stop who writes it, and copy it",
            copy->from, copy->to);
    if (copy->to % copy->from)
        return error_set(error, TRADING_E_INVALID,
                         "each of the store's %u partitions is split into as many: the copy can have %u or a multiple of that, "
                         "not %u (fewer are never needed: one process runs any number)",
                         copy->from, copy->from, copy->to);
    return TRADING_OK;
}

/* Nothing is where the copy is to be. */
static int32_t check_target(const struct copy *copy, trading_error *error)
{
    const struct copy_store *target = &copy->target;
    trading_store_head head = {0};
    uint8_t value[32];
    uint32_t count;
    int32_t code = read_count(target, &count, error);
    if (code == TRADING_E_NOT_FOUND)
        code = target->ops->secret_get(target->store, &store_digest_key, value, error);
    bool empty = code == TRADING_E_NOT_FOUND;
    for (uint32_t p = 0; p < ENGINE_PARTITIONS_MAX && empty; p++) {
        code = target->ops->head(target->store, p, &head, error);
        empty = !code && head.next_position == 0;
    }
    sodium_memzero(value, sizeof value);
    return code || empty ? code : error_set(error, TRADING_E_INVALID, "there is a store already where the copy is to be");
}

static int32_t mark_unfinished(const struct copy *copy, trading_error *error)
{
    const struct copy_store *target = &copy->target;
    trading_store_secret mark = store_unfinished();
    if (!target->ops->secret_add)
        return target->ops->secret_put(target->store, &mark, 1, error);
    int32_t code = target->ops->secret_add(target->store, &mark, 1, error);
    return code == TRADING_E_BUSY ? error_set(error, TRADING_E_INVALID, "somebody makes a store where the copy is to be")
                                  : code;
}

/* ---- copying ---- */

/* A store that nobody ever wrote has no key of digests yet; what splits it is written, and so needs one. */
static int32_t find_digest_key(const struct copy *copy, trading_store_secret *secret, trading_error *error)
{
    int32_t code = copy->source.ops->secret_get(copy->source.store, &secret->name, secret->value, error);
    if (code != TRADING_E_NOT_FOUND)
        return code;
    if (copy->told.events)
        return store_digest_key_lost(error);
    randombytes_buf(secret->value, sizeof secret->value);
    return TRADING_OK;
}

static int32_t copy_digest_key(const struct copy *copy, trading_error *error)
{
    trading_store_secret secret = {.name = store_digest_key};
    int32_t code = find_digest_key(copy, &secret, error);
    if (!code)
        code = copy->target.ops->secret_put(copy->target.store, &secret, 1, error);
    sodium_memzero(&secret, sizeof secret);
    return code;
}

static int32_t finish(const struct copy *copy, trading_error *error)
{
    trading_store_secret count = store_count_of(copy->to);
    return copy->target.ops->secret_put(copy->target.store, &count, 1, error);
}

static int32_t copy_stores(struct copy *copy, trading_error *error)
{
    int32_t code = check_target(copy, error);
    if (!code)
        code = copy_survey(copy, error);
    if (!code)
        code = mark_unfinished(copy, error);
    if (!code)
        code = copy_digest_key(copy, error);
    if (!code)
        code = copy_write(copy, error);
    return code ? code : finish(copy, error);
}

/* The source is opened first: what cannot be copied makes no store. */
static int32_t open_and_copy(struct copy *copy, trading_host *host, const char *from, const char *to, trading_error *error)
{
    int32_t code = open_store(host, from, TRADING_STORE_READ_ONLY, &copy->source, error);
    if (!code)
        code = check_source(copy, error);
    if (!code)
        code = open_store(host, to, 0, &copy->target, error);
    if (!code)
        code = copy_stores(copy, error);
    close_store(&copy->target);
    close_store(&copy->source);
    return code;
}

static int32_t check_arguments(const trading_host *host, const char *from, const char *to, const trading_copy_options *options,
                               const trading_copy *copy, trading_error *error)
{
    if (!host || !from || !to || options->size != sizeof *options || (copy && copy->size != sizeof *copy))
        return error_set(error, TRADING_E_INVALID,
                         "to copy a store needs a host, two URIs, and options and a trading_copy that are initialised");
    if (strcmp(from, to) == 0)
        return error_set(error, TRADING_E_INVALID, "a store cannot be copied onto itself");
    return host_check(host, error);
}

static int32_t copy_between(struct copy *copy, trading_host *host, const char *from, const char *to, trading_copy *told,
                            trading_error *error)
{
    trading_error failure = {0};
    int32_t code = open_and_copy(copy, host, from, to, &failure);
    if (told) {
        *told = copy->told;
        told->size = sizeof *told;
        told->partitions = copy->to;
        told->source_partitions = copy->from;
    }
    if (code && error)
        *error = failure;
    return code ? code : error_clear(error);
}

static int32_t check_and_copy(trading_host *host, const char *from, const char *to, const trading_copy_options *options,
                              bool beside_writers, trading_copy *told, trading_error *error)
{
    int32_t code = check_arguments(host, from, to, options, told, error);
    if (code)
        return code;
    struct copy *copy = memory_zeroed(&host->memory, 1, sizeof *copy);
    if (!copy)
        return error_no_memory(error, "a copy");
    copy->memory = &host->memory;
    copy->options = options;
    copy->beside_writers = beside_writers;
    code = copy_between(copy, host, from, to, told, error);
    memory_release(&host->memory, copy, sizeof *copy);
    return code;
}

int32_t trading_store_copy(trading_host *host, const char *from, const char *to, const trading_copy_options *options,
                           trading_copy *told, trading_error *error)
{
    trading_copy_options defaults = TRADING_COPY_OPTIONS_INIT;
    return check_and_copy(host, from, to, options ? options : &defaults, false, told, error);
}

int32_t trading_store_backup(trading_host *host, const char *from, const char *to, const trading_copy_options *options,
                             trading_copy *told, trading_error *error)
{
    trading_copy_options defaults = TRADING_COPY_OPTIONS_INIT;
    return check_and_copy(host, from, to, options ? options : &defaults, true, told, error);
}
