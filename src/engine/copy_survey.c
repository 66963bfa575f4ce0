/* Reading a store that is to be copied, to know where its journals end, and whether anything is on its way. */
#include "base/error.h"
#include "base/monotonic.h"
#include "engine/copy.h"
#include "engine/events.h"

#include <inttypes.h>

/* So often, and no longer than so many nanoseconds, journals are asked for a moment at which all stand still. */
#define ASKED_MOST   1000
#define ASKED_WITHIN INT64_C(1000000000)

struct surveying {
    struct copy *copy;
    struct survey *survey;
    int64_t goal;
};

/* What was before an earlier split of the partition has been settled then. */
static void note_split(struct survey *survey, const struct event *event)
{
    for (uint32_t other = 0; other < event->split.to && other < ENGINE_PARTITIONS_MAX; other++) {
        int64_t end = split_event_end(&event->split, other % event->split.from);
        survey->peers[other] = (struct peer_record){.received = end + 1, .sent = event->position + 1};
    }
}

static void note_event(struct survey *survey, const struct cause *cause, const struct event *event)
{
    if (cause->flags & ENTRY_MESSAGE && cause->partition < ENGINE_PARTITIONS_MAX)
        survey->peers[cause->partition].received = cause->position + 1;
    if (event->to && event->to <= ENGINE_PARTITIONS_MAX)
        survey->peers[event->to - 1].sent = event->position + 1;
    if (event->kind == TRADING_EVENT_PARTITION_SPLIT)
        note_split(survey, event);
    survey->paused = event->kind == TRADING_EVENT_WORK_PAUSED;
}

static int32_t survey_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct surveying *surveying = arg;
    struct survey *survey = surveying->survey;
    struct event_reader events;
    struct event event;
    struct cause cause;
    if (commit->first_position >= surveying->goal)
        return JOURNAL_STOP;
    event_reader_begin(&events, commit);
    while (event_reader_next(&events, &event, &cause))
        note_event(survey, &cause, &event);
    int32_t code = event_reader_end(&events, error);
    survey->end = commit_end(commit);
    survey->time = commit->time;
    return code ? code : copy_progress(surveying->copy, commit->events, error);
}

/* From where it was read to, on to the commit before the goal. */
static int32_t survey_partition(struct copy *copy, uint32_t partition, int64_t goal, trading_error *error)
{
    struct surveying surveying = {.copy = copy, .survey = &copy->surveys[partition], .goal = goal};
    struct journal journal = {
        .ops = copy->source.ops, .store = copy->source.store, .partition = partition, .memory = copy->memory};
    int64_t from = surveying.survey->end;
    int32_t code = from < goal ? journal_walk(&journal, from, survey_commit, &surveying, error) : TRADING_OK;
    if (!code && surveying.survey->end < goal)
        code = error_set(error, TRADING_E_DAMAGED,
                         "partition %u of the store ends at position %" PRId64 ", and is known to reach %" PRId64, partition,
                         surveying.survey->end, goal);
    return code;
}

/* Journals that are written end at moments of their own. So each is read on as far as the others have applied what it sent, until no message
 * is received that is not sent. It ends: what an applied message stands behind was there before it. */
static int32_t level(struct copy *copy, trading_error *error)
{
    int32_t code = TRADING_OK;
    for (bool moved = true; moved && !code;) {
        moved = false;
        for (uint32_t from = 0; from < copy->from; from++)
            for (uint32_t to = 0; to < copy->from && !code; to++) {
                int64_t applied = to == from ? 0 : copy->surveys[to].peers[from].received;
                moved = moved || applied > copy->surveys[from].end;
                code = survey_partition(copy, from, applied, error);
            }
    }
    return code;
}

/* What each has sent, the others have applied, and no work waits for its next commit. */
static int32_t check_settled(const struct copy *copy, trading_error *error)
{
    static const char settle[] = "open it, with `trading checkpoint`, again until it has settled, and copy it then";
    for (uint32_t a = 0; a < copy->from; a++) {
        if (copy->surveys[a].paused)
            return error_set(error, TRADING_E_BUSY, "partition %u of the store has work to go on with: %s", a, settle);
        for (uint32_t b = 0; b < copy->from; b++)
            if (a != b && copy->surveys[a].peers[b].sent != copy->surveys[b].peers[a].received)
                return error_set(error, TRADING_E_BUSY,
                                 "a message from partition %u of the store to partition %u is on its way: %s", a, b, settle);
    }
    return TRADING_OK;
}

/* Where the journals end, one after another; and whether any has moved since it was asked before. */
static int32_t ask_ends(struct copy *copy, bool *moved, trading_error *error)
{
    int32_t code = TRADING_OK;
    *moved = false;
    for (uint32_t p = 0; p < copy->from && !code; p++) {
        trading_store_head head = {0};
        code = copy->source.ops->head(copy->source.store, p, &head, error);
        *moved = *moved || head.next_position != copy->surveys[p].goal;
        copy->surveys[p].goal = head.next_position;
    }
    return code;
}

/* As many as there are now; those that come meanwhile are not told of. */
static void count_events(struct copy *copy)
{
    copy->total = copy->from == copy->to ? 0 : copy->to; /* what splits them */
    for (uint32_t p = 0; p < copy->from; p++)
        copy->total += copy->surveys[p].goal + copy->surveys[p].goal * (copy->to / copy->from);
}

/* A journal only grows: where all end twice in a row at the same positions, they did so at one moment, between the two. Of those that are
 * written too fast for that the last answers are as good as any: `level` sees to it that they belong together. Where nobody may write
 * they are asked once. */
static int32_t agree_on_goals(struct copy *copy, trading_error *error)
{
    struct timespec deadline = monotonic_after(ASKED_WITHIN);
    bool moved;
    int32_t code = ask_ends(copy, &moved, error);
    count_events(copy);
    moved = copy->beside_writers && copy->from > 1;
    for (int asked = 1; !code && moved && asked < ASKED_MOST && !monotonic_has_passed(&deadline); asked++) {
        code = copy_progress(copy, 0, error);
        if (!code)
            code = ask_ends(copy, &moved, error);
    }
    return code;
}

int32_t copy_survey(struct copy *copy, trading_error *error)
{
    int32_t code = agree_on_goals(copy, error);
    for (uint32_t p = 0; p < copy->from && !code; p++)
        code = survey_partition(copy, p, copy->surveys[p].goal, error);
    if (!code && copy->beside_writers)
        code = level(copy, error);
    for (uint32_t p = 0; p < copy->from; p++)
        copy->told.events += (uint64_t)copy->surveys[p].end;
    return code || copy->from == copy->to ? code : check_settled(copy, error);
}
