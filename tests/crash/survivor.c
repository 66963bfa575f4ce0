#include "crash/survivor.h"

#include "simulation/answer.h"
#include "simulation/picture.h"
#include "simulation/random.h"
#include "simulation/step.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESENT_OLD = 40 };

static bool fail(struct survivor *survivor, int64_t number, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(struct survivor *survivor, int64_t number, const char *format, ...)
{
    int length = snprintf(survivor->failure, sizeof(survivor->failure), "thread %d, #%" PRId64 ": ", survivor->thread, number);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(survivor->failure + length, sizeof(survivor->failure) - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

void survivor_init(struct survivor *survivor, uint64_t seed, int thread)
{
    *survivor = (struct survivor){.seed = seed, .thread = thread};
    model_init(&survivor->model, errand_options().market_collar);
}

void survivor_free(struct survivor *survivor)
{
    model_free(&survivor->model);
    names_free(&survivor->names);
    free(survivor->results);
}

static void keep(struct survivor *survivor, int64_t number, const trading_result *result)
{
    if (number >= survivor->room) {
        survivor->room = number * 2 + 64;
        survivor->results = realloc(survivor->results, (size_t)survivor->room * sizeof(*result));
        if (!survivor->results)
            exit(2);
    }
    survivor->results[number] = *result;
}

bool survivor_take(struct survivor *survivor, const struct acknowledgement *acknowledgement)
{
    if (acknowledgement->number != survivor->acknowledged + 1)
        return fail(survivor, acknowledgement->number, "acknowledged after #%" PRId64, survivor->acknowledged);
    survivor->acknowledged = acknowledgement->number;
    keep(survivor, acknowledgement->number, &acknowledgement->result);
    return true;
}

static bool send(struct survivor *survivor, trading_engine *engine, int64_t number, trading_result *result)
{
    struct step_lowered lowered;
    trading_error error = {0};
    struct model_command command = errand(survivor->seed, survivor->thread, number);
    step_lower(&command, &survivor->names, errand_seed(survivor->seed, survivor->thread), &lowered);
    int32_t code = trading_engine_execute(engine, &lowered.command, 1, result, &error);
    return code ? fail(survivor, number, "%s: %s", trading_error_name(code), error.message) : true;
}

/* The model does it too, and must come to the same. */
static bool settle(struct survivor *survivor, int64_t number, const trading_result *first)
{
    struct model_command command = errand(survivor->seed, survivor->thread, number);
    struct model_answer expected = model_execute(&survivor->model, &command);
    char why[512];
    survivor->settled = number;
    bool fits = answer_same_status(&expected, first, why, sizeof(why)) &&
                answer_bind(&survivor->names, &command, &expected, first, why, sizeof(why)) &&
                answer_same(&survivor->names, &expected, first, why, sizeof(why));
    return fits ? true : fail(survivor, number, "%s", why);
}

static bool is_same_again(struct survivor *survivor, trading_engine *engine, int64_t number)
{
    trading_result again;
    trading_result first = survivor->results[number];
    if (!send(survivor, engine, number, &again))
        return false;
    if (again.status != TRADING_STATUS_DUPLICATE)
        return fail(survivor, number, "was acknowledged, and is answered %s when it is sent again",
                    trading_status_name(again.status));
    first.status = TRADING_STATUS_DUPLICATE;
    return memcmp(&first, &again, sizeof(first)) == 0 ? true
                                                      : fail(survivor, number, "is answered differently the second time");
}

static bool shows_the_same(struct survivor *survivor, trading_view *view, const char *when)
{
    struct picture shown;
    struct picture expected;
    char difference[512] = "";
    trading_error error = {0};
    trading_symbol symbol = errand_symbol(survivor->thread);
    trading_id account = names_id(&survivor->names, TRADING_ENTITY_ACCOUNT, MODEL_NAME(1, 0));
    if (survivor->model.accounts.count == 0) {
        trading_account nobody = {.size = sizeof(nobody)};
        bool there = trading_view_account(view, &account, &nobody, NULL) != TRADING_E_NOT_FOUND;
        return there ? fail(survivor, 1, "%s: the account is there before it was opened", when) : true;
    }
    picture_init(&shown);
    picture_init(&expected);
    int32_t code = picture_of_account(&shown, view, &survivor->names, &account, &symbol,
                                      survivor->model.instruments.count > 0 ? 1 : 0, &error);
    picture_of_model(&expected, &survivor->model, false);
    picture_forget(&expected, PICTURE_LEDGERS);
    picture_forget_times(&expected);
    picture_forget_times(&shown);
    bool same = !code && picture_same(&shown, &expected, difference, sizeof(difference));
    picture_free(&shown);
    picture_free(&expected);
    if (code)
        return fail(survivor, survivor->settled, "%s: %s: %s", when, trading_error_name(code), error.message);
    return same ? true : fail(survivor, survivor->settled, "%s: %s", when, difference);
}

/* What was sent and not acknowledged was done from the first command up to some other, and of that not a piece is missing. */
static bool check_in_flight(struct survivor *survivor, trading_engine *engine, trading_view *before)
{
    bool compared = false;
    for (int i = 0; i < ERRAND_BATCH; i++) {
        trading_result result;
        int64_t number = survivor->settled + 1;
        if (!send(survivor, engine, number, &result))
            return false;
        bool was_done = result.status == TRADING_STATUS_DUPLICATE;
        if (was_done && compared)
            return fail(survivor, number, "was done before the kill, and one before it in the same call was not");
        if (was_done)
            result.status = result.reason ? TRADING_STATUS_REJECTED : TRADING_STATUS_ACCEPTED;
        survivor->in_flight += was_done;
        if (!was_done && !compared && !shows_the_same(survivor, before, "as it was opened"))
            return false;
        compared = compared || !was_done;
        keep(survivor, number, &result);
        if (!settle(survivor, number, &result))
            return false;
    }
    return compared ? true : shows_the_same(survivor, before, "as it was opened");
}

bool survivor_check(struct survivor *survivor, trading_engine *engine, trading_view *before)
{
    int64_t old = survivor->settled;
    struct chance chance = {survivor->seed ^ (uint64_t)survivor->acknowledged};
    for (int64_t number = old + 1; number <= survivor->acknowledged; number++)
        if (!settle(survivor, number, &survivor->results[number]) || !is_same_again(survivor, engine, number))
            return false;
    for (int i = 0; i < RESENT_OLD && old > 0; i++)
        if (!is_same_again(survivor, engine, chance_between(&chance, 1, old)))
            return false;
    if (!check_in_flight(survivor, engine, before))
        return false;
    survivor->acknowledged = survivor->settled;
    trading_view *now = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open(&now, engine, TRADING_VIEW_LATEST, &error);
    if (code)
        return fail(survivor, 0, "view: %s: %s", trading_error_name(code), error.message);
    bool same = shows_the_same(survivor, now, "after going on");
    trading_view_close(now);
    return same;
}
