#include "replay_run.h"

#include "replay_record.h"
#include "stop.h"
#include "subcommand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256

trading_time replay_clock_read(void *context)
{
    struct replay_clock *clock = context;
    return atomic_load(&clock->now);
}

/* Steps that go to the engine in one call. */
struct batch {
    size_t count;
    struct step *steps[BATCH];
    struct parsed_line parsed[BATCH]; /* `document` is NULL but for lines */
    trading_command commands[BATCH];
    trading_result results[BATCH];
};

static struct strategy_line *line_of(const struct replay *replay, const struct step *step)
{
    return step->kind == STEP_LINE ? &replay->plan->strategy.lines[step->index] : NULL;
}

/* Whether the step can go with those before it: it is of their instant, and needs no id that comes of them. */
static bool fits(const struct replay *replay, const struct batch *batch, const struct step *step)
{
    const struct strategy_line *line = line_of(replay, step);
    if (batch->count == 0)
        return true;
    return batch->count < BATCH && step->time == batch->steps[0]->time &&
           (!line || strategy_is_ready(&replay->plan->strategy, line));
}

static void request_quote(const struct replay *replay, const struct step *step, struct request *request)
{
    request->command.type = TRADING_COMMAND_SET_QUOTE;
    plan_quote(&replay->plan->quoting, &replay->plan->prices.rows[step->index], &request->body.set_quote);
    request->command.body = &request->body.set_quote;
    request->command.body_size = sizeof request->body.set_quote;
}

/* Adds a step to the batch. False, having said why, when its line makes no request after all. */
static bool add_step(struct replay *replay, struct batch *batch, struct step *step)
{
    struct input_error error;
    struct parsed_line *parsed = &batch->parsed[batch->count];
    struct request *request = &parsed->request;
    *parsed = (struct parsed_line){.request = {.op = OP_COMMAND}};
    if (step->kind == STEP_QUOTE)
        request_quote(replay, step, request);
    else if (step->kind == STEP_SESSION)
        request->command.type = TRADING_COMMAND_END_SESSION;
    else if (!strategy_request(&replay->plan->strategy, line_of(replay, step), parsed, &error)) {
        fprintf(stderr, "trading replay: %s\n", error.message);
        return false;
    }
    request->command.key = step->key;
    if (trading_id_is_zero(&request->command.correlation))
        trading_key_from_text(REPLAY_CORRELATION, strlen(REPLAY_CORRELATION), &request->command.correlation);
    if (replay->record)
        replay_record(replay->record, step, parsed->document, &request->body.set_quote);
    batch->commands[batch->count] = request->command;
    batch->steps[batch->count++] = step;
    return true;
}

/* A line that needs an id of one that was refused is passed over. */
static bool pass_over(struct replay *replay, struct step *step)
{
    struct strategy_line *line = line_of(replay, step);
    const struct strategy_line *missing =
        line && strategy_is_ready(&replay->plan->strategy, line) ? strategy_missing(&replay->plan->strategy, line) : NULL;
    if (!missing)
        return false;
    tell_unsent(replay->teller, line, missing);
    step->done = line->done = true;
    return true;
}

/* Gathers the next steps that go together. */
static bool gather(struct replay *replay, struct batch *batch, size_t *at)
{
    const struct plan *plan = replay->plan;
    batch->count = 0;
    for (; *at < plan->count && fits(replay, batch, &plan->steps[*at]); ++*at) {
        struct step *step = &plan->steps[*at];
        if (!step->done && !pass_over(replay, step) && !add_step(replay, batch, step))
            return false;
    }
    return true;
}

static void release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        run_parse_release(&batch->parsed[i]);
}

/* Whether the answer is final, and in the journal: a replay could not go on from anything else. */
static bool is_recorded(const trading_result *result)
{
    return result->status == TRADING_STATUS_ACCEPTED || result->status == TRADING_STATUS_DUPLICATE ||
           result->status == TRADING_STATUS_REJECTED;
}

/* Says which step the engine cannot take, and why. @return an exit_code */
static int complain(const struct replay *replay, const struct step *step, struct outcome *outcome)
{
    char place[512];
    plan_place(replay->plan, step, place, sizeof place);
    const char *message = json_string_value(json_object_get(outcome->json, "message"));
    tell_nothing(replay->teller);
    fprintf(stderr, "trading replay: %s: %s\n", place, message ? message : "it cannot be done");
    json_decref(outcome->json);
    return outcome->code == EXIT_DONE ? EXIT_REFUSED : outcome->code;
}

/* Takes the answer to one step. @return an exit_code; not EXIT_DONE ends the replay */
static int take(struct replay *replay, struct batch *batch, size_t index, const trading_error *error)
{
    struct step *step = batch->steps[index];
    struct strategy_line *line = line_of(replay, step);
    const trading_result *result = &batch->results[index];
    const struct request *request = &batch->parsed[index].request;
    bool is_refused = result->status == TRADING_STATUS_REJECTED || result->reason != TRADING_REASON_NONE;
    if (!is_recorded(result) || (is_refused && !line)) {
        struct outcome outcome = operation_answer(replay->desk, request, result, error);
        return complain(replay, step, &outcome);
    }
    step->done = true;
    if (!line)
        return EXIT_DONE;
    line->done = true;
    if (!is_refused || line->command == TRADING_COMMAND_PLACE_ORDER) {
        line->account = result->account;
        line->portfolio = result->portfolio;
        line->order = result->order;
    }
    tell_line(replay->teller, line, request, operation_answer(replay->desk, request, result, error));
    return EXIT_DONE;
}

static int execute(struct replay *replay, struct batch *batch)
{
    trading_error error = {0};
    int code = EXIT_DONE;
    memset(batch->results, 0, sizeof batch->results);
    atomic_store(&replay->clock->now, batch->steps[0]->time);
    trading_engine_execute(replay->desk->engine, batch->commands, batch->count, batch->results, &error);
    for (size_t i = 0; i < batch->count && code != EXIT_STORE; i++) {
        /* What comes after a step that cannot be done was decided as well, and is told. */
        int taken = take(replay, batch, i, &error);
        if (taken == EXIT_DONE && tell_events(replay->teller, batch->results[i].position, &error) != TRADING_OK)
            taken = output_failure(&error);
        code = code == EXIT_DONE ? taken : code;
    }
    return code;
}

int replay_run(struct replay *replay)
{
    int code = EXIT_DONE;
    size_t at = 0;
    struct batch *batch = malloc(sizeof *batch);
    if (!batch) {
        fprintf(stderr, "trading replay: there is not enough memory\n");
        return EXIT_STORE;
    }
    while (code == EXIT_DONE && at < replay->plan->count && !stop_requested()) {
        code = gather(replay, batch, &at) ? EXIT_DONE : EXIT_USAGE;
        if (code == EXIT_DONE && batch->count > 0) {
            code = execute(replay, batch);
            tell_progress(replay->teller, at, batch->steps[0]->time);
        }
        release(batch);
    }
    free(batch);
    return code;
}
