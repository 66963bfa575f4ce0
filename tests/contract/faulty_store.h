/* An event store that fails as a script says, around another store that does the work. For the tests of what stands above stores.
 *
 *      struct faulty_plan plan;
 *      faulty_plan_init(&plan, &memory_store_ops, "");
 *      faulty_plan_add(&plan, FAULTY_APPEND, 3, FAULT_UNKNOWN_DONE, 0);          the fourth append
 *      char location[FAULTY_LOCATION];
 *      … open faulty_store_ops at faulty_location(&plan, location) …
 *
 * The plan is the test's, outlives the stores that are opened with it, and counts on over all of them. */
#ifndef FAULTY_STORE_H
#define FAULTY_STORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <trading/plugin/store.h>

enum faulty_call {
    FAULTY_OPEN,
    FAULTY_HEAD,
    FAULTY_APPEND, /* also one that was begun, when it is done */
    FAULTY_BEGIN,
    FAULTY_POLL,
    FAULTY_READ,
    FAULTY_SNAPSHOT_PUT,
    FAULTY_SNAPSHOT_FIND,
    FAULTY_SNAPSHOT_GET,
    FAULTY_SNAPSHOT_DROP,
    FAULTY_SECRET_PUT,
    FAULTY_SECRET_ADD, /* of an inner store that has it */
    FAULTY_SECRET_GET,
    FAULTY_SECRET_DELETE,
    FAULTY_CALLS
};

enum fault {
    FAULT_NONE,
    FAULT_REFUSED,      /* answers the step's code, and does nothing */
    FAULT_UNKNOWN_DONE, /* does it, and answers TRADING_E_OUTCOME_UNKNOWN */
    FAULT_UNKNOWN_LOST, /* does nothing, and answers TRADING_E_OUTCOME_UNKNOWN */
    FAULT_OVERTAKEN,    /* an append: another writer's commit (plan.other) comes before it, so it meets a conflict */
    FAULT_STRANGE,      /* a poll: answers a tag that nobody gave */
    FAULT_FOLLOWED,     /* an append: does it, another writer's commit comes after it, and nobody can tell the first of it */
    FAULT_CUT,          /* a read: answers the step's code after one commit was visited */
};

struct faulty_step {
    enum faulty_call call;
    uint64_t nth; /* of the calls of this kind, from 0 */
    enum fault fault;
    int32_t code;
};

#define FAULTY_STEPS   64
#define FAULTY_FLIGHTS 64

struct faulty_plan {
    const trading_store_ops *inner;
    const char *location; /* of the inner store */
    struct faulty_step steps[FAULTY_STEPS];
    size_t step_count;
    _Atomic uint64_t calls[FAULTY_CALLS]; /* so far */
    /* The commit of the other writer, for FAULT_OVERTAKEN; its first position is set to fit. */
    trading_store_commit other;
    /* If set, for FAULT_OVERTAKEN: makes plan.other one that takes the place of the commit. */
    void (*overtake)(void *arg, const trading_store_commit *commit);
    /* For FAULT_FOLLOWED: makes plan.other follow the commit. */
    void (*follow)(void *arg, const trading_store_commit *commit);
    /* If set, runs before each call, on the thread that makes it: to wait, to look, to add steps. */
    void (*before)(void *arg, enum faulty_call call, uint64_t nth);
    void *arg;
    /* Of the store that is polled. With `late` an append is done when its outcome is polled, which up to so many polls that do not wait miss. */
    uint32_t late;
    bool backwards;             /* of several that may end the newest ends first */
    uint32_t most_flights;      /* that were under way at once */
    uint32_t most_of_partition; /* the same, of one partition */
    uint32_t unheard;           /* outcomes that were not polled before the store was closed */
};

void faulty_plan_init(struct faulty_plan *plan, const trading_store_ops *inner, const char *location);
/* Adds a step; of several for the same call the first counts. False when there is no place. */
bool faulty_plan_add(struct faulty_plan *plan, enum faulty_call call, uint64_t nth, enum fault fault, int32_t code);

#define FAULTY_LOCATION 32
/* The location at which the stores below open the plan. Returns `location`. */
const char *faulty_location(const struct faulty_plan *plan, char location[FAULTY_LOCATION]);

extern const trading_store_ops faulty_store_ops;
/* The same with append_begin and append_poll: an append is done when it is begun, and its outcome waits until it is polled; or later, as the
 * plan says. */
extern const trading_store_ops faulty_polled_store_ops;

/* Opens the plan's store. */
int32_t faulty_store_open(struct faulty_plan *plan, const trading_host_functions *host, void **store, trading_error *error);

#endif
