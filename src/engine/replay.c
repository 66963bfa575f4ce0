#include "engine/replay.h"

#include "base/error.h"
#include "base/id.h"
#include "engine/event_window.h"

#include <inttypes.h>

static int32_t damaged(const struct commit *commit, int64_t position, const char *what, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "partition %u, commit at position %" PRId64 ", event %" PRId64 ": %s",
                     commit->partition, commit->first_position, position, what);
}

/* A commit that is folded. */
struct replay {
    struct process process;
    replay_entry entry;
    void *arg;
    int64_t opened; /* where the first event of the entry that is open stands */
    struct event_window window;
};

static void prepare(void *arg, const struct event_step *step)
{
    const struct replay *replay = arg;
    event_prefetch(replay->process.domain, &step->event, table_prefetch);
}

/* False when there is no memory. */
static bool fold_step(struct replay *replay, struct event_step *step)
{
    struct process *process = &replay->process;
    if (step->opens) {
        replay->opened = process->next_position;
        process_replay_begin(process, step->cause);
    }
    process_replay_event(process, &step->event);
    bool told = step->closes && replay->entry && !process->broken;
    return !told || replay->entry(replay->arg, step->cause, replay->opened, process->now);
}

static int32_t fold_events(struct replay *replay, const struct commit *commit, trading_error *error)
{
    const struct process *process = &replay->process;
    struct event_step *step;
    event_window_begin(&replay->window, commit, prepare, replay);
    while (!process->broken && (step = event_window_next(&replay->window)) != NULL) {
        if (!fold_step(replay, step))
            return error_no_memory(error, "the keys of past commands");
    }
    if (domain_failed(process->domain)) /* what is broken then is broken for want of it */
        return error_no_memory(error, "the state that the journal amounts to");
    if (process->broken)
        return damaged(commit, process->next_position - 1, process->broken, error);
    return event_window_end(&replay->window, error);
}

static int32_t fold(struct domain *domain, const struct commit *commit, replay_entry entry, void *arg, trading_error *error)
{
    struct replay replay;
    replay.process = (struct process){.domain = domain, .now = commit->time, .next_position = commit->first_position};
    replay.entry = entry;
    replay.arg = arg;
    int32_t code = fold_events(&replay, commit, error);
    if (code)
        return code;
    if (!ledgers_balance(&domain->accounts))
        return damaged(commit, commit_end(commit) - 1, "cash does not sum to zero after it", error);
    struct mark_record *mark = domain_edit_mark(domain);
    mark->next_position = commit_end(commit);
    mark->time = commit->time;
    mark->nonce = commit->nonce;
    mark->commits++;
    if (domain_failed(domain))
        return error_no_memory(error, "the state that the journal amounts to");
    return TRADING_OK;
}

int32_t replay_commit(struct domain *domain, const struct commit *commit, replay_entry entry, void *arg, trading_error *error)
{
    const struct mark_record *mark = domain_mark(domain);
    int32_t code = commit_follows(commit, mark->next_position, domain->digest, error);
    if (code)
        return code;
    if (commit->time < mark->time)
        return damaged(commit, commit->first_position, "its time is before that of the commit before it", error);
    if (!tables_begin(domain->tables))
        return error_no_memory(error, "the state that the journal amounts to");
    code = fold(domain, commit, entry, arg, error);
    if (code) {
        domain_discard(domain);
        return code;
    }
    tables_install(domain->tables);
    memcpy(domain->digest, commit->digest, sizeof domain->digest);
    return TRADING_OK;
}

/* The commit that the state ends with: only its digest is wanted, for the next. */
static int32_t join(struct domain *domain, const struct commit *commit, trading_error *error)
{
    const struct mark_record *mark = domain_mark(domain);
    if (commit_end(commit) != mark->next_position || !id_equal(&commit->nonce, &mark->nonce))
        return damaged(commit, mark->next_position - 1, "the state from which it is followed is of another journal", error);
    memcpy(domain->digest, commit->digest, sizeof domain->digest);
    domain->has_digest = true;
    return TRADING_OK;
}

struct walk {
    struct domain *domain;
    int64_t to;
    int64_t from;
    replay_entry entry;
    void *arg;
    trading_progress progress;
    void *context;
};

static int32_t visit(void *arg, const struct commit *commit, trading_error *error)
{
    struct walk *walk = arg;
    if (commit->first_position >= walk->to)
        return JOURNAL_STOP;
    if (walk->progress && walk->progress(walk->context, commit->first_position - walk->from, walk->to - walk->from))
        return error_set(error, TRADING_E_STOPPED, "stopped at position %" PRId64, commit->first_position);
    if (!walk->domain->has_digest)
        return join(walk->domain, commit, error);
    return replay_commit(walk->domain, commit, walk->entry, walk->arg, error);
}

int32_t replay_journal(struct domain *domain, const struct journal *journal, int64_t to, replay_entry entry, void *arg,
                       trading_progress progress, void *context, trading_error *error)
{
    int64_t from = domain_mark(domain)->next_position;
    struct walk walk = {
        .domain = domain, .to = to, .from = from, .entry = entry, .arg = arg, .progress = progress, .context = context};
    return journal_walk_ahead(journal, domain->has_digest ? from : from - 1, visit, &walk, error);
}
