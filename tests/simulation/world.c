#include "simulation/world.h"

#include "simulation/answer.h"
#include "simulation/model_inside.h"
#include "simulation/random.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool world_fail(struct world *world, const char *format, ...)
{
    if (world->failure[0])
        return false; /* the first failure is the one to look at */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure, sizeof(world->failure), format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_code(struct world *world, const char *what, int32_t code, const trading_error *error)
{
    return world_fail(world, "%s: %s: %s", what, trading_error_name(code), error->message);
}

static trading_time clock_of_world(void *context)
{
    return atomic_load(&((struct world *)context)->clock);
}

static void entropy_of_world(void *context, void *buffer, size_t bytes)
{
    struct world *world = context;
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        struct chance chance = {atomic_fetch_add(&world->entropy, 1)};
        uint64_t drawn = chance_next(&chance);
        memcpy((char *)buffer + at, &drawn, bytes - at < sizeof(drawn) ? bytes - at : sizeof(drawn));
    }
}

static bool open_engine(struct world *world)
{
    trading_error error = {0};
    trading_engine_options options = world->options.engine;
    options.clock = clock_of_world;
    options.clock_context = world;
    options.entropy = entropy_of_world;
    options.entropy_context = world;
    int32_t code = trading_engine_open(&world->engine, world->host, world->options.uri, &options, &error);
    return code ? fail_code(world, "open", code, &error) : true;
}

static bool close_engine(struct world *world, int32_t how)
{
    trading_error error = {0};
    int32_t code = trading_engine_close(world->engine, how, &error);
    world->engine = NULL;
    return code ? fail_code(world, "close", code, &error) : true;
}

bool world_open(struct world *world, const struct world_options *options)
{
    trading_error error = {0};
    memset(world, 0, sizeof(*world));
    world->options = *options;
    world->newest_position = -1;
    atomic_store(&world->entropy, options->seed << 32);
    model_init(&world->model, options->engine.market_collar);
    int32_t code = trading_host_open(&world->host, NULL, &error);
    if (!code && options->store)
        code = trading_store_register(world->host, "faulty", options->store, &error);
    return code ? fail_code(world, "host", code, &error) : open_engine(world);
}

void world_close(struct world *world)
{
    trading_error error = {0};
    if (world->engine)
        close_engine(world, TRADING_CLOSE_DRAIN);
    int32_t code = world->host ? trading_host_close(world->host, &error) : TRADING_OK;
    if (code)
        fail_code(world, "close host", code, &error);
    model_free(&world->model);
    names_free(&world->names);
    free(world->results.at);
    world->results.at = NULL;
}

/* The version that the entity which the command changes has now; 0: there is no such entity. A refund changes the account. */
static int64_t version_of(struct world *world, const struct model_command *command)
{
    trading_view *view = NULL;
    trading_account account = {.size = sizeof(account)};
    trading_portfolio portfolio = {.size = sizeof(portfolio)};
    trading_order order = {.version = 0};
    bool of_order = model_names_order(command->type);
    if (trading_view_open(&view, world->engine, TRADING_VIEW_LATEST, NULL))
        return 0;
    if (of_order) {
        trading_id id = names_id(&world->names, TRADING_ENTITY_ORDER, command->order);
        trading_view_order(view, &id, &order, NULL);
    } else if (command->portfolio) {
        trading_id id = names_id(&world->names, TRADING_ENTITY_PORTFOLIO, command->portfolio);
        trading_view_portfolio(view, &id, &portfolio, NULL);
    } else {
        trading_id id = names_id(&world->names, TRADING_ENTITY_ACCOUNT, command->account);
        trading_view_account(view, &id, &account, NULL);
    }
    trading_view_close(view);
    return of_order ? order.version : command->portfolio ? portfolio.version : account.version;
}

/* A name whose id is not known yet, because what it names is made in the same batch, is a stranger's to engine and model alike. */
static void make_strange(const struct world *world, int32_t entity, int64_t *name)
{
    if (*name && !names_knows(&world->names, entity, *name))
        *name |= INT64_C(1) << 60;
}

void world_lower(struct world *world, struct model_command *command, struct step_lowered *lowered)
{
    make_strange(world, TRADING_ENTITY_ACCOUNT, &command->account);
    make_strange(world, TRADING_ENTITY_PORTFOLIO, &command->portfolio);
    make_strange(world, TRADING_ENTITY_ORDER, &command->order);
    make_strange(world, TRADING_ENTITY_ORDER, &command->lot);
    make_strange(world, TRADING_ENTITY_ACCOUNT, &command->other);
    step_lower(command, &world->names, world->options.seed, lowered);
    if (command->version == MODEL_VERSION_RIGHT)
        lowered->command.expected_version = version_of(world, command);
    if (command->version == MODEL_VERSION_WRONG)
        lowered->command.expected_version = INT64_C(1) << 40;
}

/* Hands commands over in pieces and waits for them, driving the engine itself where it has no threads. */
static bool submit_and_poll(struct world *world, const trading_command *commands, size_t count, trading_result *results)
{
    trading_error error = {0};
    size_t piece = count / 3 + 1;
    size_t submitted = 0;
    size_t finished = 0;
    for (uint64_t tag = 0; submitted < count; tag++) {
        size_t size = count - submitted < piece ? count - submitted : piece;
        int32_t code = trading_engine_submit(world->engine, commands + submitted, size, results + submitted, tag, &error);
        if (code)
            return fail_code(world, "submit", code, &error);
        submitted += size;
    }
    while (finished < count) {
        trading_completion completion;
        size_t taken = 0;
        bool is_manual = world->options.engine.flags & TRADING_ENGINE_MANUAL;
        int32_t code = is_manual ? trading_engine_step(world->engine, 1, NULL, &error) : TRADING_OK;
        if (code)
            return fail_code(world, "step", code, &error);
        code = trading_engine_poll(world->engine, &completion, 1, &taken, is_manual ? 0 : -1, &error);
        if (code && code != TRADING_E_TIMEOUT)
            return fail_code(world, "poll", code, &error);
        if (taken && completion.error.code)
            return fail_code(world, "completion", completion.error.code, &completion.error);
        if (taken && completion.results != results + finished)
            return world_fail(world, "completions came in another order than submissions");
        finished += taken ? completion.count : 0;
    }
    return true;
}

static bool hand_over(struct world *world, const trading_command *commands, size_t count, trading_result *results)
{
    trading_error error = {0};
    if ((world->options.engine.flags & TRADING_ENGINE_MANUAL) || count % 2)
        return submit_and_poll(world, commands, count, results);
    int32_t code = trading_engine_execute(world->engine, commands, count, results, &error);
    return code ? fail_code(world, "execute", code, &error) : true;
}

/* A duplicate's result is the first one's in every byte but its status. */
static bool same_as_first(struct world *world, const struct model_answer *expected, const trading_result *actual)
{
    trading_result first = world->results.at[expected->number];
    first.status = TRADING_STATUS_DUPLICATE;
    return memcmp(&first, actual, sizeof(first)) == 0
               ? true
               : world_fail(world, "the result of the duplicate is not that of #%" PRId64, expected->number);
}

static void keep_result(struct world *world, int64_t number, const trading_result *result)
{
    while (world->results.count <= number)
        MODEL_APPEND(world->results);
    world->results.at[number] = *result;
}

static bool same_position(struct world *world, const struct model_answer *expected, const trading_result *actual)
{
    bool journalled = expected->number != 0;
    if (!journalled)
        return actual->position == -1 ? true : world_fail(world, "position %" PRId64 " of what was not kept", actual->position);
    if (actual->position <= world->newest_position)
        return world_fail(world, "position %" PRId64 " after %" PRId64, actual->position, world->newest_position);
    world->newest_position = actual->position;
    return true;
}

bool world_same_result(struct world *world, const struct model_command *command, const struct model_answer *expected,
                       const trading_result *result)
{
    world->failed_number = command->number;
    if (!answer_same_status(expected, result, world->failure, sizeof(world->failure)))
        return false;
    bool same = false;
    if (expected->status == TRADING_STATUS_DUPLICATE) {
        same = same_as_first(world, expected, result);
    } else {
        keep_result(world, command->number, result);
        same = answer_bind(&world->names, command, expected, result, world->failure, sizeof(world->failure)) &&
               same_position(world, expected, result) &&
               answer_same(&world->names, expected, result, world->failure, sizeof(world->failure));
    }
    if (same)
        world->failed_number = 0;
    return same;
}

/* Gives the portfolio's orders in the view their names, the newest first, until all have theirs. */
static int32_t bind_orders(struct world *world, trading_view *view, int64_t portfolio, trading_error *error)
{
    uint64_t cursor = 0;
    int index = model_find_portfolio(&world->model, portfolio);
    trading_id id = names_id(&world->names, TRADING_ENTITY_PORTFOLIO, portfolio);
    int nameless = 0;
    for (int i = 0; i < world->model.orders.count; i++)
        nameless += world->model.orders.at[i].portfolio == index &&
                    !names_knows(&world->names, TRADING_ENTITY_ORDER, world->model.orders.at[i].name);
    for (int i = world->model.orders.count - 1; i >= 0 && nameless > 0; i--) {
        const struct model_order *order = &world->model.orders.at[i];
        trading_order shown = {.version = 0};
        size_t count = 0;
        if (order->portfolio != index)
            continue;
        int32_t code = trading_view_orders(view, &id, 0, &cursor, &shown, 1, &count, error);
        if (code)
            return code;
        nameless -= !names_knows(&world->names, TRADING_ENTITY_ORDER, order->name);
        if (count == 0 || !names_bind(&world->names, TRADING_ENTITY_ORDER, order->name, &shown.id))
            world_fail(world, "the orders that close portfolio #%" PRId64 " are others than the model's",
                       MODEL_NUMBER_OF(portfolio));
    }
    return TRADING_OK;
}

/* Closing a portfolio places orders that no result names. */
static bool bind_liquidations(struct world *world, int64_t portfolio)
{
    trading_view *view = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open(&view, world->engine, TRADING_VIEW_LATEST, &error);
    if (!code)
        code = bind_orders(world, view, portfolio, &error);
    trading_view_close(view);
    return code ? fail_code(world, "view", code, &error) : !world->failure[0];
}

/* What a batch needs while it runs. */
struct batch {
    size_t count;
    struct model_command *meant;
    struct step_lowered *lowered;
    trading_command *commands;
    trading_result *results;
};

bool world_check_result(struct world *world, const struct model_command *command, const trading_result *result)
{
    struct model_answer expected = model_execute(&world->model, command);
    return world_same_result(world, command, &expected, result);
}

/* The portfolio that an accepted command may have sold out of: one that it closed, or whose last order it ended. 0: none. */
static int64_t portfolio_sold_out(const struct world *world, const struct model_command *command)
{
    if (command->type == TRADING_COMMAND_CLOSE_PORTFOLIO)
        return command->portfolio;
    if (command->type != TRADING_COMMAND_BOOK_EXECUTION && command->type != TRADING_COMMAND_END_ORDER)
        return 0;
    int order = model_find_order(&world->model, command->order);
    return world->model.portfolios.at[world->model.orders.at[order].portfolio].name;
}

bool world_name_orders(struct world *world, const struct model_command *commands, const trading_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t portfolio = results[i].status == TRADING_STATUS_ACCEPTED ? portfolio_sold_out(world, &commands[i]) : 0;
        if (portfolio && !bind_liquidations(world, portfolio))
            return false;
    }
    return true;
}

void world_begin(struct world *world, trading_time time)
{
    atomic_store(&world->clock, time);
    world->position_before = world->newest_position;
    world->model.now = time > world->newest_time ? time : world->newest_time;
}

void world_end(struct world *world)
{
    if (world->newest_position > world->position_before)
        world->newest_time = world->model.now;
}

static bool run_batch(struct world *world, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        world_lower(world, &batch->meant[i], &batch->lowered[i]);
        batch->commands[i] = batch->lowered[i].command;
    }
    if (!hand_over(world, batch->commands, batch->count, batch->results))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        if (!world_check_result(world, &batch->meant[i], &batch->results[i]))
            return false;
    return world_name_orders(world, batch->meant, batch->results, batch->count);
}

bool world_run(struct world *world, const struct step *steps, size_t count)
{
    if (steps->action != STEP_COMMAND)
        return close_engine(world, steps->action == STEP_CLOSE ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON) &&
               open_engine(world);
    struct batch batch = {count, calloc(count, sizeof(*batch.meant)), calloc(count, sizeof(*batch.lowered)),
                          calloc(count, sizeof(*batch.commands)), calloc(count, sizeof(*batch.results))};
    bool has_memory = batch.meant && batch.lowered && batch.commands && batch.results;
    for (size_t i = 0; i < count && has_memory; i++)
        batch.meant[i] = steps[i].command;
    world_begin(world, steps->time);
    bool agrees = has_memory ? run_batch(world, &batch) : world_fail(world, "out of memory");
    world_end(world);
    free(batch.meant);
    free(batch.lowered);
    free(batch.commands);
    free(batch.results);
    return agrees;
}

/* Compares what the view shows, and closes it. */
static bool compare_view(struct world *world, trading_view *view, const struct picture *expected, bool whole)
{
    trading_error error = {0};
    struct picture actual;
    char difference[512];
    picture_init(&actual);
    int32_t code = picture_of_view(&actual, view, &world->names, whole, &error);
    if (code)
        fail_code(world, "view", code, &error);
    else if (!picture_same(&actual, expected, difference, sizeof(difference)))
        world_fail(world, "view of position %" PRId64 ": %s", trading_view_position(view), difference);
    picture_free(&actual);
    trading_view_close(view);
    return !world->failure[0];
}

static bool compare_at(struct world *world, int64_t at, const struct picture *expected, bool whole)
{
    trading_view *view = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open(&view, world->engine, at, &error);
    return code ? fail_code(world, "view", code, &error) : compare_view(world, view, expected, whole);
}

bool world_compare_until(struct world *world, trading_time time, const struct picture *then)
{
    trading_view *view = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open_at_time(&view, world->engine, time, &error);
    return code ? fail_code(world, "view", code, &error) : compare_view(world, view, then, false);
}

bool world_compare(struct world *world, bool whole)
{
    struct picture expected;
    picture_init(&expected);
    picture_of_model(&expected, &world->model, false);
    bool agrees = compare_at(world, TRADING_VIEW_LATEST, &expected, false);
    if (whole)
        picture_of_model(&expected, &world->model, true);
    agrees = agrees && compare_at(world, TRADING_VIEW_NOW, &expected, whole);
    picture_free(&expected);
    return agrees;
}

bool world_compare_past(struct world *world, int64_t position, const struct picture *then)
{
    return compare_at(world, position, then, false);
}

int64_t world_position(struct world *world)
{
    trading_error error = {0};
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    int32_t code = trading_engine_get_info(world->engine, &info, &error);
    if (code)
        fail_code(world, "info", code, &error);
    return info.next_position;
}

bool world_verify(struct world *world)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    int32_t code = trading_engine_verify(world->engine, &found, NULL, NULL, &error);
    if (code)
        return fail_code(world, "verify", code, &error);
    if (!found.sound)
        return world_fail(world, "verify finds: %s", found.finding);
    if (found.accounts != (uint64_t)world->model.accounts.count || found.orders != (uint64_t)world->model.orders.count ||
        found.portfolios != (uint64_t)world->model.portfolios.count ||
        found.instruments != (uint64_t)world->model.instruments.count)
        return world_fail(world, "verify counts %" PRIu64 " accounts, %" PRIu64 " portfolios, %" PRIu64 " orders",
                          found.accounts, found.portfolios, found.orders);
    return found.position == world_position(world) ? true : world_fail(world, "verify stopped before the end");
}
