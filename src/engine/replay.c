#include "engine/replay.h"

#include "base/error.h"
#include "base/id.h"

#include <inttypes.h>

static int32_t damaged(const struct commit *commit, int64_t position, const char *what, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "partition %u, commit at position %" PRId64 ", event %" PRId64 ": %s",
                     commit->partition, commit->first_position, position, what);
}

static int32_t no_room(trading_error *error)
{
    return error_no_memory(error, "the state that the journal amounts to");
}

/* Commits that are folded one after another, each begun, stepped through, and ended or discarded. */
struct replay {
    struct domain *domain;
    struct process process;
    struct commit commit; /* the one that is folded, without its body */
    bool folding;         /* it is begun and not ended */
    struct cause cause;   /* of its entry, where the batch is gone that it lay in */

    /* Of a journal. */
    int64_t to;
    event_entry entry;
    void *arg;
    int64_t opened; /* where the first event of the entry that is open stands */
    trading_progress progress;
    void *context;
};

/* ---- a commit ---- */

static int32_t begin_commit(struct replay *replay, const struct commit *commit, trading_error *error)
{
    struct domain *domain = replay->domain;
    const struct mark_record *mark = domain_mark(domain);
    int32_t code = commit_follows(commit, mark->next_position, domain->digest, error);
    if (code)
        return code;
    if (commit->time < mark->time)
        return damaged(commit, commit->first_position, "its time is before that of the commit before it", error);
    if (!(domain->unseen ? tables_begin_unseen : tables_begin)(domain->tables))
        return no_room(error);
    replay->commit = *commit;
    replay->commit.body = NULL;
    replay->folding = true;
    replay->process = (struct process){.domain = domain, .now = commit->time, .next_position = commit->first_position};
    return TRADING_OK;
}

static inline void fold_step(struct process *process, struct event_step *step)
{
    if (step->opens)
        process_replay_begin(process, step->cause);
    process_replay_event(process, &step->event);
}

/* Whether what was folded so far may stand. What is broken for want of memory is not damaged. */
static int32_t check_folded(const struct replay *replay, trading_error *error)
{
    const struct process *process = &replay->process;
    if (domain_failed(replay->domain))
        return no_room(error);
    return process->broken ? damaged(&replay->commit, process->next_position - 1, process->broken, error) : TRADING_OK;
}

/* All its events are folded. */
static int32_t end_commit(struct replay *replay, trading_error *error)
{
    struct domain *domain = replay->domain;
    const struct commit *commit = &replay->commit;
    if (!ledgers_balance(&domain->accounts))
        return damaged(commit, commit_end(commit) - 1, "cash does not sum to zero after it", error);
    struct mark_record *mark = domain_edit_mark(domain);
    mark->next_position = commit_end(commit);
    mark->time = commit->time;
    mark->nonce = commit->nonce;
    mark->commits++;
    if (domain_failed(domain))
        return no_room(error);
    tables_install(domain->tables);
    memcpy(domain->digest, commit->digest, sizeof domain->digest);
    replay->folding = false;
    return TRADING_OK;
}

static void discard_commit(struct replay *replay)
{
    if (replay->folding)
        domain_discard(replay->domain);
    replay->folding = false;
}

static void prepare(void *arg, const struct event_step *step)
{
    const struct domain *domain = arg;
    event_prefetch(domain, &step->event, domain->unseen ? table_prefetch_unseen : table_prefetch);
}

static bool tell_entry(struct replay *replay, const struct event_step *step)
{
    if (step->opens)
        replay->opened = step->event.position;
    bool told = step->closes && replay->entry && !replay->process.broken;
    return !told || replay->entry(replay->arg, step->cause, replay->opened, replay->commit.time);
}

/* Reads the commit's events and folds them. */
static int32_t fold_commit(struct replay *replay, const struct commit *commit, trading_error *error)
{
    struct event_window window;
    struct event_step *step;
    int32_t code = begin_commit(replay, commit, error);
    if (code)
        return code;
    event_window_begin(&window, commit, prepare, replay->domain);
    while (!replay->process.broken && (step = event_window_next(&window)) != NULL) {
        fold_step(&replay->process, step);
        if (!tell_entry(replay, step))
            return error_no_memory(error, "the keys of past commands");
    }
    code = check_folded(replay, error);
    if (!code)
        code = event_window_end(&window, error);
    return code ? code : end_commit(replay, error);
}

int32_t replay_commit(struct domain *domain, const struct commit *commit, trading_error *error)
{
    struct replay replay = {.domain = domain};
    int32_t code = fold_commit(&replay, commit, error);
    discard_commit(&replay);
    return code;
}

/* ---- a journal ---- */

static int32_t tell_progress(const struct replay *replay, const struct commit *commit, trading_error *error)
{
    if (replay->progress && replay->progress(replay->context, commit->first_position, replay->to))
        return error_set(error, TRADING_E_STOPPED, "stopped at position %" PRId64, commit->first_position);
    return TRADING_OK;
}

static int32_t visit(void *arg, const struct commit *commit, trading_error *error)
{
    struct replay *replay = arg;
    if (commit->first_position >= replay->to)
        return JOURNAL_STOP;
    int32_t code = tell_progress(replay, commit, error);
    return code ? code : fold_commit(replay, commit, error);
}

/* Goes on with the batch's events from `*at` on, which were decoded elsewhere. */
static int32_t fold_stretch(struct replay *replay, struct event_batch *batch, const struct event_stretch *stretch, uint32_t *at,
                            trading_error *error)
{
    struct process *process = &replay->process;
    int32_t code = TRADING_OK;
    if (stretch->begins)
        code = tell_progress(replay, &stretch->commit, error);
    if (!code && stretch->begins)
        code = begin_commit(replay, &stretch->commit, error);
    if (code)
        return code;
    for (uint32_t end = *at + stretch->events; *at < end && !process->broken; ++*at) {
        if (*at + EVENT_WINDOW < batch->events)
            prepare(replay->domain, &batch->steps[*at + EVENT_WINDOW]);
        fold_step(process, &batch->steps[*at]);
    }
    if (stretch->ends || process->broken)
        code = check_folded(replay, error);
    return !code && stretch->ends ? end_commit(replay, error) : code;
}

static int32_t fold_batch(struct replay *replay, struct event_batch *batch, trading_error *error)
{
    int32_t code = TRADING_OK;
    uint32_t at = 0;
    for (uint32_t i = 0; i < batch->events && i < EVENT_WINDOW; i++)
        prepare(replay->domain, &batch->steps[i]);
    for (uint32_t i = 0; !code && i < batch->stretches; i++)
        code = fold_stretch(replay, batch, &batch->stretch[i], &at, error);
    if (replay->folding && batch->entries) { /* of an entry that goes on in the next batch */
        replay->cause = batch->causes[batch->entries - 1];
        replay->process.folding.cause = &replay->cause;
    }
    return code;
}

static int32_t fold_ahead(struct replay *replay, struct events_ahead *ahead, trading_error *error)
{
    int32_t code = TRADING_OK;
    struct event_batch *batch;
    while (!code && (batch = events_ahead_take(ahead)) != NULL) {
        code = fold_batch(replay, batch, error);
        events_ahead_grow(ahead, replay->domain->tables);
        events_ahead_release(ahead);
    }
    int32_t outcome = events_ahead_close(ahead, code ? NULL : error);
    return code ? code : outcome;
}

/* What was not read to its end must not stand. */
static int32_t fold_journal(struct replay *replay, const struct journal *journal, trading_error *error)
{
    int64_t from = domain_mark(replay->domain)->next_position;
    struct events_ahead *ahead =
        journal_is_long(journal, from) ? events_ahead_open(journal, from, replay->to, replay->entry, replay->arg) : NULL;
    int32_t code = ahead ? fold_ahead(replay, ahead, error) : journal_walk(journal, from, visit, replay, error);
    discard_commit(replay);
    return code;
}

/* The commit that the state ends with: only its digest is wanted, for the next. */
static int32_t join(struct domain *domain, const struct journal *journal, trading_error *error)
{
    const struct mark_record *mark = domain_mark(domain);
    struct journal_copy copy = {0};
    int32_t code = journal_commit_at(journal, mark->next_position - 1, &copy, error);
    const struct commit *commit = &copy.commit;
    if (!code && (commit_end(commit) != mark->next_position || !id_equal(&commit->nonce, &mark->nonce)))
        code = damaged(commit, mark->next_position - 1, "the state from which it is followed is of another journal", error);
    if (!code) {
        memcpy(domain->digest, commit->digest, sizeof domain->digest);
        domain->has_digest = true;
    }
    journal_copy_close(&copy);
    return code;
}

int32_t replay_journal(struct domain *domain, const struct journal *journal, int64_t to, event_entry entry, void *arg,
                       trading_progress progress, void *context, trading_error *error)
{
    struct replay replay = {.domain = domain, .to = to, .entry = entry, .arg = arg, .progress = progress, .context = context};
    int32_t code = domain->has_digest ? TRADING_OK : join(domain, journal, error);
    return code ? code : fold_journal(&replay, journal, error);
}
