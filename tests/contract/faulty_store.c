#include "faulty_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An append that was begun and not polled. */
struct flight {
    uint64_t number; /* of those that were begun, from 1; 0: there is none here */
    uint32_t partition;
    const trading_store_commit *commits;
    size_t count;
    uint64_t tag;
    uint32_t looks; /* that find it under way */
    bool done;
    trading_error outcome;
};

struct faulty {
    struct faulty_plan *plan;
    void *inner;
    pthread_mutex_t mutex; /* of what follows */
    struct flight flights[FAULTY_FLIGHTS];
    uint64_t begun;
};

/* ---- the plan ---- */

void faulty_plan_init(struct faulty_plan *plan, const trading_store_ops *inner, const char *location)
{
    static const char bytes[] = "another writer's commit";
    memset(plan, 0, sizeof *plan);
    plan->inner = inner;
    plan->location = location;
    plan->other = (trading_store_commit){.event_count = 1, .nonce = {{0xee}}, .data = bytes, .size = sizeof bytes};
}

bool faulty_plan_add(struct faulty_plan *plan, enum faulty_call call, uint64_t nth, enum fault fault, int32_t code)
{
    if (plan->step_count == FAULTY_STEPS)
        return false;
    plan->steps[plan->step_count++] = (struct faulty_step){.call = call, .nth = nth, .fault = fault, .code = code};
    return true;
}

const char *faulty_location(const struct faulty_plan *plan, char location[FAULTY_LOCATION])
{
    snprintf(location, FAULTY_LOCATION, "%" PRIxPTR, (uintptr_t)plan);
    return location;
}

static struct faulty_step next_step(struct faulty_plan *plan, enum faulty_call call)
{
    uint64_t nth = atomic_fetch_add(&plan->calls[call], 1);
    if (plan->before)
        plan->before(plan->arg, call, nth);
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].call == call && plan->steps[i].nth == nth)
            return plan->steps[i];
    }
    return (struct faulty_step){.call = call, .nth = nth};
}

static int32_t answer(trading_error *error, int32_t code)
{
    if (!error)
        return code;
    *error = (trading_error){.code = code};
    if (code == TRADING_E_OUTCOME_UNKNOWN)
        error->flags = TRADING_ERROR_RETRYABLE | TRADING_ERROR_OUTCOME_UNKNOWN;
    if (code == TRADING_E_NO_SPACE || code == TRADING_E_BUSY || code == TRADING_E_TIMEOUT)
        error->flags = TRADING_ERROR_RETRYABLE;
    snprintf(error->message, sizeof error->message, "the script of the test says %s", trading_error_name(code));
    return code;
}

/* Whether the inner store is to do the work of a step. */
static bool is_done(const struct faulty_step *step)
{
    return step->fault != FAULT_REFUSED && step->fault != FAULT_UNKNOWN_LOST;
}

/* What the caller is told of a step, whose work ended with `code` if it was done. */
static int32_t told(const struct faulty_step *step, int32_t code, trading_error *error)
{
    switch (step->fault) {
    case FAULT_REFUSED:
    case FAULT_CUT:
        return answer(error, step->code);
    case FAULT_UNKNOWN_DONE:
    case FAULT_UNKNOWN_LOST:
    case FAULT_FOLLOWED:
        return answer(error, TRADING_E_OUTCOME_UNKNOWN);
    case FAULT_NONE:
    case FAULT_OVERTAKEN:
    case FAULT_STRANGE:
        break;
    }
    return code;
}

/* ---- opening and closing ---- */

static int32_t faulty_open(const trading_store_request *request, const trading_host_functions *host, void **store,
                           trading_error *error)
{
    if (!request || !request->location || !host || !store)
        return answer(error, TRADING_E_INVALID);
    struct faulty_plan *plan = (struct faulty_plan *)(uintptr_t)strtoull(request->location, NULL, 16);
    struct faulty_step step = next_step(plan, FAULTY_OPEN);
    if (!is_done(&step))
        return told(&step, 0, error);
    struct faulty *faulty = host->allocate(host->context, sizeof *faulty + sizeof *host);
    if (!faulty)
        return answer(error, TRADING_E_NO_MEMORY);
    memset(faulty, 0, sizeof *faulty);
    memcpy(faulty + 1, host, sizeof *host);
    pthread_mutex_init(&faulty->mutex, NULL);
    faulty->plan = plan;
    trading_store_request inner = *request;
    inner.location = plan->location;
    int32_t code = plan->inner->open(&inner, host, &faulty->inner, error);
    if (code)
        host->release(host->context, faulty, sizeof *faulty + sizeof *host);
    else
        *store = faulty;
    return code;
}

static void faulty_close(void *store)
{
    struct faulty *faulty = store;
    trading_host_functions host;
    memcpy(&host, faulty + 1, sizeof host);
    for (size_t i = 0; i < FAULTY_FLIGHTS; i++)
        faulty->plan->unheard += faulty->flights[i].number != 0;
    pthread_mutex_destroy(&faulty->mutex);
    faulty->plan->inner->close(faulty->inner);
    host.release(host.context, faulty, sizeof *faulty + sizeof host);
}

int32_t faulty_store_open(struct faulty_plan *plan, const trading_host_functions *host, void **store, trading_error *error)
{
    char location[FAULTY_LOCATION];
    trading_store_request request = {
        .size = sizeof request, .location = faulty_location(plan, location), .durability = TRADING_DURABILITY_SYNC};
    return faulty_open(&request, host, store, error);
}

/* ---- the journal ---- */

static int32_t faulty_head(void *store, uint32_t partition, trading_store_head *head, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_HEAD);
    int32_t code = is_done(&step) ? faulty->plan->inner->head(faulty->inner, partition, head, error) : 0;
    return told(&step, code, error);
}

static void write_as_another(struct faulty *faulty, uint32_t partition)
{
    const trading_store_ops *inner = faulty->plan->inner;
    trading_store_head head;
    trading_store_commit other = faulty->plan->other;
    if (inner->head(faulty->inner, partition, &head, NULL))
        return;
    other.first_position = head.next_position;
    (void)inner->append(faulty->inner, partition, &other, 1, NULL, NULL);
}

static int32_t faulty_append(void *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                             trading_store_head *head, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_APPEND);
    if (step.fault == FAULT_OVERTAKEN && faulty->plan->overtake)
        faulty->plan->overtake(faulty->plan->arg, &commits[0]);
    if (step.fault == FAULT_OVERTAKEN)
        write_as_another(faulty, partition);
    int32_t code = 0;
    if (is_done(&step))
        code = faulty->plan->inner->append(faulty->inner, partition, commits, count, head, error);
    if (!code && step.fault == FAULT_FOLLOWED) {
        faulty->plan->follow(faulty->plan->arg, &commits[count - 1]);
        write_as_another(faulty, partition);
    }
    return code ? code : told(&step, code, error);
}

/* ---- appends that are polled for ---- */

static void note_flights(struct faulty *faulty, uint32_t partition)
{
    struct faulty_plan *plan = faulty->plan;
    uint32_t all = 0;
    uint32_t own = 0;
    for (size_t i = 0; i < FAULTY_FLIGHTS; i++) {
        const struct flight *flight = &faulty->flights[i];
        all += flight->number != 0;
        own += flight->number != 0 && flight->partition == partition;
    }
    plan->most_flights = all > plan->most_flights ? all : plan->most_flights;
    plan->most_of_partition = own > plan->most_of_partition ? own : plan->most_of_partition;
}

/* Numbers of looks that seem to have no order. */
static uint32_t looks_of(const struct faulty_plan *plan, uint64_t number)
{
    return (uint32_t)((number * UINT64_C(11400714819323198485) >> 40) % ((uint64_t)plan->late + 1));
}

static void do_flight(struct faulty *faulty, struct flight *flight)
{
    int32_t code = faulty_append(faulty, flight->partition, flight->commits, flight->count, NULL, &flight->outcome);
    flight->outcome.code = code;
    flight->done = true;
}

static int32_t faulty_append_begin(void *store, uint32_t partition, const trading_store_commit *commits, size_t count,
                                   uint64_t tag, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_BEGIN);
    if (!is_done(&step))
        return told(&step, 0, error);
    pthread_mutex_lock(&faulty->mutex);
    size_t at = 0;
    while (at < FAULTY_FLIGHTS && faulty->flights[at].number)
        at++;
    if (at < FAULTY_FLIGHTS) {
        uint64_t number = ++faulty->begun;
        faulty->flights[at] = (struct flight){.number = number,
                                              .partition = partition,
                                              .commits = commits,
                                              .count = count,
                                              .tag = tag,
                                              .looks = looks_of(faulty->plan, number)};
        note_flights(faulty, partition);
        if (!faulty->plan->late)
            do_flight(faulty, &faulty->flights[at]);
    }
    pthread_mutex_unlock(&faulty->mutex);
    return at < FAULTY_FLIGHTS ? TRADING_OK : answer(error, TRADING_E_BUSY);
}

/* The next to end, of those that were looked for often enough, or of all. NULL: none. */
static struct flight *next_flight(struct faulty *faulty, bool of_all)
{
    struct flight *next = NULL;
    for (size_t i = 0; i < FAULTY_FLIGHTS; i++) {
        struct flight *flight = &faulty->flights[i];
        if (!flight->number || (flight->looks && !of_all))
            continue;
        if (!next || (flight->number < next->number) != faulty->plan->backwards)
            next = flight;
    }
    return next;
}

static int32_t faulty_append_poll(void *store, int64_t timeout, uint64_t *tag, trading_error *outcome)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_POLL);
    if (!is_done(&step))
        return step.code;
    pthread_mutex_lock(&faulty->mutex);
    struct flight *flight = next_flight(faulty, timeout > 0);
    for (size_t i = 0; i < FAULTY_FLIGHTS; i++)
        faulty->flights[i].looks -= faulty->flights[i].looks > 0;
    if (flight) {
        if (!flight->done)
            do_flight(faulty, flight);
        *tag = step.fault == FAULT_STRANGE ? ~flight->tag : flight->tag;
        *outcome = flight->outcome;
        flight->number = 0;
    }
    pthread_mutex_unlock(&faulty->mutex);
    return flight ? TRADING_OK : TRADING_E_TIMEOUT;
}

/* ---- reading ---- */

struct cut_visit {
    trading_store_visit visit;
    void *arg;
    bool cut;
};

static int32_t visit_until_cut(void *arg, const trading_store_commit *commit)
{
    struct cut_visit *with = arg;
    int32_t ended = with->visit(with->arg, commit);
    return ended ? ended : with->cut;
}

static int32_t faulty_read(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                           trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_READ);
    struct cut_visit with = {.visit = visit, .arg = arg, .cut = step.fault == FAULT_CUT};
    int32_t code = 0;
    if (is_done(&step))
        code = faulty->plan->inner->read(faulty->inner, partition, from, visit ? visit_until_cut : NULL, &with, error);
    return code ? code : told(&step, code, error);
}

/* ---- snapshots and secrets ---- */

static int32_t faulty_snapshot_put(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data,
                                   uint64_t size, int32_t last, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SNAPSHOT_PUT);
    int32_t code = 0;
    if (is_done(&step))
        code = faulty->plan->inner->snapshot_put(faulty->inner, partition, position, chunk, data, size, last, error);
    return code ? code : told(&step, code, error);
}

static int32_t faulty_snapshot_find(void *store, uint32_t partition, int64_t at_most, int64_t *position, uint32_t *chunks,
                                    trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SNAPSHOT_FIND);
    int32_t code = 0;
    if (is_done(&step))
        code = faulty->plan->inner->snapshot_find(faulty->inner, partition, at_most, position, chunks, error);
    return code ? code : told(&step, code, error);
}

static int32_t faulty_snapshot_get(void *store, uint32_t partition, int64_t position, uint32_t chunk, trading_store_bytes take,
                                   void *arg, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SNAPSHOT_GET);
    int32_t code = 0;
    if (is_done(&step))
        code = faulty->plan->inner->snapshot_get(faulty->inner, partition, position, chunk, take, arg, error);
    return code ? code : told(&step, code, error);
}

static int32_t faulty_snapshot_drop(void *store, uint32_t partition, int64_t position, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SNAPSHOT_DROP);
    int32_t code = is_done(&step) ? faulty->plan->inner->snapshot_drop(faulty->inner, partition, position, error) : 0;
    return code ? code : told(&step, code, error);
}

static int32_t faulty_secret_put(void *store, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SECRET_PUT);
    int32_t code = is_done(&step) ? faulty->plan->inner->secret_put(faulty->inner, secrets, count, error) : 0;
    return code ? code : told(&step, code, error);
}

static int32_t faulty_secret_add(void *store, const trading_store_secret *secrets, size_t count, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SECRET_ADD);
    int32_t code = is_done(&step) ? faulty->plan->inner->secret_add(faulty->inner, secrets, count, error) : 0;
    return code ? code : told(&step, code, error);
}

static int32_t faulty_secret_get(void *store, const trading_id *name, uint8_t value[32], trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SECRET_GET);
    int32_t code = is_done(&step) ? faulty->plan->inner->secret_get(faulty->inner, name, value, error) : 0;
    return code ? code : told(&step, code, error);
}

static int32_t faulty_secret_delete(void *store, const trading_id *name, trading_error *error)
{
    struct faulty *faulty = store;
    struct faulty_step step = next_step(faulty->plan, FAULTY_SECRET_DELETE);
    int32_t code = is_done(&step) ? faulty->plan->inner->secret_delete(faulty->inner, name, error) : 0;
    return code ? code : told(&step, code, error);
}

static int32_t faulty_info(void *store, trading_store_info *info, trading_error *error)
{
    struct faulty *faulty = store;
    return faulty->plan->inner->info(faulty->inner, info, error);
}

#define FAULTY_OPS                                                                                                             \
    .size = sizeof(trading_store_ops), .abi = TRADING_PLUGIN_ABI, .open = faulty_open, .close = faulty_close,                  \
    .head = faulty_head, .append = faulty_append, .read = faulty_read, .snapshot_put = faulty_snapshot_put,                    \
    .snapshot_find = faulty_snapshot_find, .snapshot_get = faulty_snapshot_get, .snapshot_drop = faulty_snapshot_drop,         \
    .secret_put = faulty_secret_put, .secret_get = faulty_secret_get, .secret_delete = faulty_secret_delete,                   \
    .secret_add = faulty_secret_add, .info = faulty_info

const trading_store_ops faulty_store_ops = {FAULTY_OPS};
const trading_store_ops faulty_polled_store_ops = {FAULTY_OPS, .append_begin = faulty_append_begin,
                                                   .append_poll = faulty_append_poll};
