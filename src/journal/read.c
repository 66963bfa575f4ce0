#include "journal/read.h"

#include "base/error.h"

static bool holds(const struct commit *commit, int64_t position)
{
    return commit->first_position <= position && position < commit_end(commit);
}

static int32_t check_holds(const struct commit *commit, int64_t position, trading_error *error)
{
    if (holds(commit, position))
        return TRADING_OK;
    return error_set(
        error, TRADING_E_DAMAGED,
        "partition %u: asked for position %lld, the store gave the commit of positions %lld to %lld; its index is damaged",
        commit->partition, (long long)position, (long long)commit->first_position, (long long)commit_end(commit) - 1);
}

static int32_t check_position(const struct journal *journal, int64_t position, trading_error *error)
{
    if (position >= 0)
        return TRADING_OK;
    return error_set(error, TRADING_E_INVALID, "partition %u has no position %lld: the first is 0", journal->partition,
                     (long long)position);
}

/* Calls the store with an error of its own, since a store that ends well may clear what a visitor has filled in. */
static int32_t store_read(const struct journal *journal, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    trading_error failure = {0};
    int32_t status = journal->ops->read(journal->store, journal->partition, from, visit, arg, &failure);
    if (status && error)
        *error = failure;
    return status;
}

struct walk {
    const struct journal *journal;
    int64_t from;
    journal_visit visit;
    void *arg;
    trading_error *error;
    struct commit_scratch scratch;
    bool begun;
    int64_t next; /* where the next commit begins */
    uint8_t digest[COMMIT_DIGEST_BYTES];
    int32_t outcome;
};

static int32_t walk_on(struct walk *walk, const trading_store_commit *stored)
{
    struct commit commit;
    int32_t status = commit_read(stored, walk->journal->partition, &walk->scratch, &commit, walk->error);
    if (!status)
        status = walk->begun ? commit_follows(&commit, walk->next, walk->digest, walk->error)
                             : check_holds(&commit, walk->from, walk->error);
    if (status)
        return status;
    walk->begun = true;
    walk->next = commit_end(&commit);
    memcpy(walk->digest, commit.digest, sizeof walk->digest);
    return walk->visit(walk->arg, &commit, walk->error);
}

static int32_t walk_visit(void *arg, const trading_store_commit *stored)
{
    struct walk *walk = arg;
    if (!walk->outcome)
        walk->outcome = walk_on(walk, stored);
    return walk->outcome;
}

int32_t journal_walk(const struct journal *journal, int64_t from, journal_visit visit, void *arg, trading_error *error)
{
    int32_t status = check_position(journal, from, error);
    if (status)
        return status;
    struct walk walk = {
        .journal = journal, .from = from, .visit = visit, .arg = arg, .error = error, .scratch = {.memory = journal->memory}};
    status = store_read(journal, from, walk_visit, &walk, error);
    commit_scratch_close(&walk.scratch);
    if (status)
        return status;
    return walk.outcome == JOURNAL_STOP ? TRADING_OK : walk.outcome;
}

/* One commit, kept in the scratch; its header alone, unproven, where there is no scratch. */
struct single {
    const struct journal *journal;
    int64_t position;
    struct commit *commit;
    struct commit_scratch *scratch;
    trading_error *error;
    bool found;
    int32_t outcome;
};

static int32_t single_take(struct single *single, const trading_store_commit *stored)
{
    int32_t status = single->scratch
                         ? commit_read(stored, single->journal->partition, single->scratch, single->commit, single->error)
                         : commit_read_header(stored, single->journal->partition, single->commit, single->error);
    if (!status)
        status = check_holds(single->commit, single->position, single->error);
    if (!status && single->scratch)
        status = commit_keep(single->commit, single->scratch, single->error);
    return status;
}

static int32_t single_visit(void *arg, const trading_store_commit *stored)
{
    struct single *single = arg;
    if (!single->found)
        single->outcome = single_take(single, stored);
    single->found = true;
    return 1;
}

static int32_t read_single(const struct journal *journal, int64_t position, struct commit *commit,
                           struct commit_scratch *scratch, trading_error *error)
{
    struct single single = {.journal = journal, .position = position, .commit = commit, .scratch = scratch, .error = error};
    int32_t status = check_position(journal, position, error);
    if (!status)
        status = store_read(journal, position, single_visit, &single, error);
    if (status)
        return status;
    if (!single.found)
        return error_set(error, TRADING_E_NOT_FOUND, "partition %u ends before position %lld", journal->partition,
                         (long long)position);
    return single.outcome;
}

void journal_copy_close(struct journal_copy *copy)
{
    commit_scratch_close(&copy->scratch);
    *copy = (struct journal_copy){0};
}

int32_t journal_commit_at(const struct journal *journal, int64_t position, struct journal_copy *copy, trading_error *error)
{
    copy->scratch.memory = journal->memory;
    return read_single(journal, position, &copy->commit, &copy->scratch, error);
}

/* Halves positions until the commits that end at or before `*low` are those of at most `time`, by what their headers say. Each
 * header holds the middle, so that even lying ones lead to an end. */
static int32_t search_time(const struct journal *journal, int64_t next_position, trading_time time, int64_t *low,
                           trading_error *error)
{
    int64_t high = next_position;
    *low = 0;
    while (*low < high) {
        int64_t middle = *low + (high - *low) / 2;
        struct commit commit;
        int32_t status = read_single(journal, middle, &commit, NULL, error);
        if (status)
            return status;
        if (commit_end(&commit) > next_position)
            return error_set(error, TRADING_E_INVALID, "partition %u: position %lld is not the end of a commit",
                             journal->partition, (long long)next_position);
        if (commit.time <= time)
            *low = commit_end(&commit);
        else
            high = commit.first_position;
    }
    return TRADING_OK;
}

static int32_t not_between(const struct journal *journal, int64_t position, trading_error *error)
{
    return error_set(
        error, TRADING_E_DAMAGED,
        "partition %u: the commits that meet at position %lld are not those that a search by time came upon; verify "
        "the journal",
        journal->partition, (long long)position);
}

/* Since times never go back, the commits on either side of a position prove it: that their times differ makes them two. */
static int32_t prove_time(const struct journal *journal, int64_t next_position, trading_time time, int64_t position,
                          struct journal_copy *copy, trading_error *error)
{
    const struct commit *commit = &copy->commit;
    if (position > 0) {
        int32_t status = journal_commit_at(journal, position - 1, copy, error);
        if (status)
            return status;
        if (commit->time > time)
            return not_between(journal, position, error);
    }
    if (position < next_position) {
        int32_t status = journal_commit_at(journal, position, copy, error);
        if (status)
            return status;
        if (commit->time <= time)
            return not_between(journal, position, error);
    }
    return TRADING_OK;
}

int32_t journal_position_at_time(const struct journal *journal, int64_t next_position, trading_time time, int64_t *position,
                                 trading_error *error)
{
    int64_t found;
    int32_t status = search_time(journal, next_position, time, &found, error);
    if (status)
        return status;
    struct journal_copy copy = {0};
    status = prove_time(journal, next_position, time, found, &copy, error);
    journal_copy_close(&copy);
    if (!status)
        *position = found;
    return status;
}
