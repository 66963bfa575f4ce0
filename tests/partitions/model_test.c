/* An engine of several partitions against the independent model: random commands, each settled before the next, with reopenings while messages are on
 * their way. Every answer, everything that can be seen now, and what could be seen at moments of the past, must be what the model says.
 *
 *     model_test [--polled|--copied] [--commands N] [--seeds N]     N commands in all, spread over the seeds 1, 2, …
 *
 * Polled: over a store that is polled, whose appends end late and in another order. Copied: twice on the way the store is copied, with as many
 * partitions or a multiple of them, and the copy goes on in its place.
 */
#include "backends/lmdb/lmdb_store.h"
#include "faulty_store.h"
#include "simulation/answer.h"
#include "simulation/folder.h"
#include "simulation/model_inside.h"
#include "simulation/names.h"
#include "simulation/picture.h"
#include "simulation/random.h"
#include "simulation/step.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trading.h>

enum { ACCOUNTS = 10, SYMBOLS = 5, USUAL = 4, MOST = 12, MOMENTS = 4, LEDGER_CELLS = 11 };

#define ONE TRADING_DECIMAL_ONE

/* A moment that views of the past are compared with later. */
struct moment {
    trading_time time;
    int64_t positions[MOST]; /* of partitions whose newest commit is of that moment; else −1 */
    struct picture picture;
};

struct play {
    uint64_t seed;
    bool polled;
    bool copied;
    struct faulty_plan plan; /* then */
    char journal[300];
    char state[300];
    uint32_t partitions;
    struct folder folder;
    trading_host *host;
    trading_engine *engine;
    trading_time clock;
    struct chance chance;
    struct model model;
    struct names names;
    int64_t positions[MOST];
    MODEL_ARRAY(struct model_command) commands; /* by number − 1 */
    MODEL_ARRAY(trading_result) results;
    struct moment moments[MOMENTS];
    int moment_count;
    int64_t repeated;
    int64_t interrupted;
};

__attribute__((noreturn, format(printf, 2, 3))) static void fail(const struct play *play, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "seed %" PRIu64 ", %u partitions, #%d: ", play->seed, play->partitions, play->commands.count);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; the store is in %s\n", play->folder.path);
    exit(1);
}

static void must(const struct play *play, int32_t code, const char *what, const trading_error *error)
{
    if (code)
        fail(play, "%s: %s: %s", what, trading_error_name(code), error->message);
}

/* ---- the engine ---- */

/* The store of the folder, polled: up to four appends are under way, and of those that may end the newest ends first. */
static void prepare_polled(struct play *play)
{
    trading_error error = {0};
    snprintf(play->journal, sizeof(play->journal), "%s/journal", play->folder.path);
    snprintf(play->state, sizeof(play->state), "%s/state", play->folder.path);
    faulty_plan_init(&play->plan, &lmdb_store_ops, play->journal);
    play->plan.late = 2;
    play->plan.backwards = true;
    trading_store_ops ops = faulty_polled_store_ops;
    ops.secret_add = NULL; /* as the store inside has none */
    must(play, trading_store_register(play->host, "faulty", &ops, &error), "register", &error);
}

static trading_time read_clock(void *context)
{
    return ((const struct play *)context)->clock;
}

static void open_engine(struct play *play)
{
    trading_error error = {0};
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.partitions = play->partitions;
    options.clock = read_clock;
    options.clock_context = play;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.checkpoint_events = 3000;
    options.snapshot_events = 1500;
    options.map_bytes = UINT64_C(1) << 30;
    char location[FAULTY_LOCATION];
    char uri[FAULTY_LOCATION + 8];
    snprintf(uri, sizeof(uri), "faulty:%s", faulty_location(&play->plan, location));
    options.state_path = play->state;
    const char *where = play->polled ? uri : play->folder.uri;
    must(play, trading_engine_open(&play->engine, play->host, where, &options, &error), "open", &error);
}

static void close_engine(struct play *play)
{
    trading_error error = {0};
    int32_t how = chance_of(&play->chance, 500) ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON;
    must(play, trading_engine_close(play->engine, how, &error), "close", &error);
}

/* Until a step makes no commit: all messages have arrived. */
static void settle(struct play *play)
{
    trading_error error = {0};
    uint32_t done;
    do
        must(play, trading_engine_step(play->engine, 100, &done, &error), "step", &error);
    while (done);
}

/* Some messages have arrived, and others are found in the journals. */
static void interrupt(struct play *play)
{
    trading_error error = {0};
    int64_t rounds = chance_below(&play->chance, 3);
    if (rounds)
        must(play, trading_engine_step(play->engine, (uint32_t)rounds, NULL, &error), "step", &error);
    close_engine(play);
    open_engine(play);
    play->interrupted++;
}

/* ---- commands ---- */

static int64_t any_account(struct play *play)
{
    return play->model.accounts.at[chance_below(&play->chance, play->model.accounts.count)].name;
}

static trading_symbol symbol_at(int64_t which)
{
    static const char *const texts[SYMBOLS] = {"AAPL", "GOOG", "IBM", "MSFT", "ORCL"};
    trading_symbol symbol = {{0}};
    snprintf(symbol.text, sizeof(symbol.text), "%s", texts[which]);
    return symbol;
}

static trading_symbol any_symbol(struct play *play)
{
    return symbol_at(chance_below(&play->chance, SYMBOLS));
}

static void make_order(struct play *play, struct model_command *command)
{
    struct chance *chance = &play->chance;
    bool market = chance_of(chance, 300);
    command->type = TRADING_COMMAND_PLACE_ORDER;
    command->portfolio = play->model.portfolios.at[chance_below(chance, play->model.portfolios.count)].name;
    command->symbol = any_symbol(play);
    command->side = chance_of(chance, 550) ? TRADING_SIDE_BUY : TRADING_SIDE_SELL;
    command->order_type = market ? TRADING_ORDER_TYPE_MARKET : TRADING_ORDER_TYPE_LIMIT;
    command->time_in_force = market ? TRADING_TIME_IN_FORCE_IOC : (int32_t)chance_between(chance, 1, 3);
    command->quantity = chance_between(chance, 1, 20 * ONE);
    command->price = market ? 0 : chance_between(chance, 95 * ONE, 105 * ONE);
    if (command->side == TRADING_SIDE_SELL && play->model.lots.count && chance_of(chance, 100))
        command->lot = play->model.orders.at[play->model.lots.at[chance_below(chance, play->model.lots.count)].order].name;
}

static void make_quote(struct play *play, struct model_command *command)
{
    struct chance *chance = &play->chance;
    command->type = TRADING_COMMAND_SET_QUOTE;
    command->symbol = any_symbol(play);
    command->bid = chance_between(chance, 94 * ONE, 102 * ONE);
    command->ask = command->bid + chance_between(chance, 1, 4 * ONE);
    command->bid_size = chance_of(chance, 500) ? TRADING_SIZE_UNLIMITED : chance_between(chance, 1, 50 * ONE);
    command->ask_size = chance_of(chance, 500) ? TRADING_SIZE_UNLIMITED : chance_between(chance, 1, 50 * ONE);
}

static void make_cash(struct play *play, struct model_command *command)
{
    static const int32_t types[] = {TRADING_COMMAND_DEPOSIT, TRADING_COMMAND_DEPOSIT, TRADING_COMMAND_WITHDRAW,
                                    TRADING_COMMAND_CREDIT, TRADING_COMMAND_DEBIT};
    command->type = types[chance_below(&play->chance, 5)];
    command->account = any_account(play);
    command->amount = chance_between(&play->chance, 1, 2000) * ONE;
}

static void make_for_account(struct play *play, struct model_command *command)
{
    static const int32_t types[] = {TRADING_COMMAND_OPEN_PORTFOLIO, TRADING_COMMAND_UPDATE_CONTACT,
                                    TRADING_COMMAND_UPDATE_ADDRESS};
    command->type = types[chance_below(&play->chance, 3)];
    command->account = any_account(play);
    command->text = chance_below(&play->chance, 12);
}

static void make(struct play *play, struct model_command *command)
{
    struct chance *chance = &play->chance;
    int64_t dice = chance_below(chance, 1000);
    if (play->model.accounts.count < ACCOUNTS) {
        command->type = TRADING_COMMAND_OPEN_ACCOUNT;
        command->amount = chance_between(chance, 100, 20000) * ONE;
        command->text = chance_below(chance, 12);
    } else if (play->model.instruments.count < SYMBOLS) { /* an order that is refused lists its symbol in its home alone */
        make_quote(play, command);
        command->symbol = symbol_at(play->model.instruments.count);
    } else if (dice < 500) {
        make_order(play, command);
    } else if (dice < 590 && play->model.orders.count) {
        int64_t recent = play->model.orders.count < 30 ? play->model.orders.count : 30;
        command->type = TRADING_COMMAND_CANCEL_ORDER;
        command->order = play->model.orders.at[play->model.orders.count - 1 - chance_below(chance, recent)].name;
    } else if (dice < 680) {
        make_quote(play, command);
    } else if (dice < 840) {
        command->type = TRADING_COMMAND_TRANSFER;
        command->account = any_account(play);
        do
            command->other = any_account(play);
        while (command->other == command->account);
        command->amount = chance_between(chance, 1, 3000 * ONE);
    } else if (dice < 960) {
        make_cash(play, command);
    } else if (dice < 990) {
        make_for_account(play, command);
    } else {
        command->type = TRADING_COMMAND_END_SESSION;
    }
}

/* ---- one command to both ---- */

static trading_result execute(struct play *play, const struct model_command *command)
{
    struct step_lowered lowered;
    trading_result result;
    trading_error error = {0};
    step_lower(command, &play->names, play->seed, &lowered);
    must(play, trading_engine_execute(play->engine, &lowered.command, 1, &result, &error), "execute", &error);
    return result;
}

/* What an order or a cancel comes to in a book elsewhere is not known yet when it is answered. */
static bool answers_alike(const struct play *play, const struct model_command *command, struct model_answer expected,
                          trading_result actual, char *why, size_t bytes)
{
    if (model_places_order(command->type) || model_names_order(command->type)) {
        expected.order_status = actual.order_status;
        expected.filled = actual.filled_quantity;
        expected.average = actual.average_price;
    }
    return answer_same(&play->names, &expected, &actual, why, bytes);
}

static void do_next(struct play *play)
{
    char why[512];
    struct model_command command = {.number = play->commands.count + 1, .key = play->commands.count + 1};
    make(play, &command);
    MODEL_ADD(play->commands, command);
    trading_result result = execute(play, &command);
    struct model_answer expected = model_execute(&play->model, &command);
    MODEL_ADD(play->results, result);
    if (!answer_same_status(&expected, &result, why, sizeof(why)) ||
        !answer_bind(&play->names, &command, &expected, &result, why, sizeof(why)) ||
        !answers_alike(play, &command, expected, result, why, sizeof(why)))
        fail(play, "command %d: %s", command.type, why);
}

/* An old command is answered as it was, whatever became of it since; but a cancel tells how far its order has come. */
static void repeat_one(struct play *play)
{
    int which = (int)chance_below(&play->chance, play->commands.count);
    trading_result again = execute(play, &play->commands.at[which]);
    trading_result first = play->results.at[which];
    if (again.status != TRADING_STATUS_DUPLICATE)
        fail(play, "#%d is done once more", which + 1);
    first.status = TRADING_STATUS_DUPLICATE;
    if (model_names_order(play->commands.at[which].type)) {
        first.order_status = again.order_status;
        first.filled_quantity = again.filled_quantity;
        first.average_price = again.average_price;
    }
    if (memcmp(&first, &again, sizeof(first)) != 0)
        fail(play, "#%d is answered differently the second time", which + 1);
    play->repeated++;
}

/* ---- what is seen ---- */

static wide wide_of(const int64_t cells[2])
{
    return (wide)cells[1] * ((wide)1 << 64) + (uint64_t)cells[0];
}

/* Each partition has ledgers of its own, which are of one currency here. */
static void add_up_ledgers(struct picture *picture)
{
    int64_t *cells = picture->tables[PICTURE_LEDGERS].cells;
    size_t rows = picture->tables[PICTURE_LEDGERS].rows;
    for (size_t row = 1; row < rows; row++)
        for (size_t cell = 1; cell < LEDGER_CELLS; cell += 2) {
            int64_t *into = &cells[cell];
            wide sum = wide_of(into) + wide_of(&cells[row * LEDGER_CELLS + cell]);
            into[0] = (int64_t)sum;
            into[1] = (int64_t)(sum >> 64);
        }
    picture->tables[PICTURE_LEDGERS].rows = rows ? 1 : 0;
}

static void compare_view(const struct play *play, trading_view *view, struct picture *expected, bool whole, const char *what)
{
    struct picture actual;
    char difference[512];
    trading_error error = {0};
    picture_init(&actual);
    must(play, picture_of_view(&actual, view, &play->names, whole, &error), what, &error);
    add_up_ledgers(&actual);
    picture_sort(&actual);
    picture_sort(expected);
    if (!picture_same(&actual, expected, difference, sizeof(difference)))
        fail(play, "%s of time %" PRId64 ": %s", what, trading_view_time(view), difference);
    picture_free(&actual);
    trading_view_close(view);
}

static void compare_now(struct play *play, bool whole)
{
    trading_view *view;
    trading_error error = {0};
    struct picture expected;
    picture_init(&expected);
    picture_of_model(&expected, &play->model, whole);
    must(play, trading_view_open(&view, play->engine, TRADING_VIEW_NOW, &error), "view", &error);
    compare_view(play, view, &expected, whole, "the view");
    picture_free(&expected);
}

/* At its time, and at the positions of all partitions that took part. */
static void compare_moment(struct play *play, struct moment *moment)
{
    trading_view *view;
    trading_error error = {0};
    must(play, trading_view_open_at_time(&view, play->engine, moment->time, &error), "view", &error);
    compare_view(play, view, &moment->picture, false, "the view");
    for (uint32_t p = 0; p < play->partitions; p++) {
        if (moment->positions[p] < 0)
            continue;
        must(play, trading_view_open_at_position(&view, play->engine, p, moment->positions[p], &error), "view", &error);
        compare_view(play, view, &moment->picture, false, "the view of a position");
    }
}

/* Compares a moment of before, and keeps this one in its place. */
static void look_back(struct play *play, const int64_t before[MOST])
{
    int slot = (int)chance_below(&play->chance, MOMENTS);
    if (slot < play->moment_count)
        compare_moment(play, &play->moments[slot]);
    else
        slot = play->moment_count++;
    struct moment *moment = &play->moments[slot];
    moment->time = play->clock;
    for (uint32_t p = 0; p < play->partitions; p++)
        moment->positions[p] = play->positions[p] != before[p] ? play->positions[p] : -1;
    picture_of_model(&moment->picture, &play->model, false);
}

static void find_positions(struct play *play)
{
    trading_view *view;
    trading_error error = {0};
    must(play, trading_view_open(&view, play->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (uint32_t p = 0; p < play->partitions; p++)
        play->positions[p] = trading_view_partition_position(view, p);
    trading_view_close(view);
}

static void verify(const struct play *play)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    must(play, trading_engine_verify(play->engine, &found, NULL, NULL, &error), "verify", &error);
    if (!found.sound)
        fail(play, "verify finds: %s", found.finding);
}

/* ---- another store ---- */

static trading_verification hash_of(const struct play *play)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    must(play, trading_engine_verify(play->engine, &found, NULL, NULL, &error), "verify", &error);
    return found;
}

/* What was at a position of a partition is there in each that it became. */
static void spread_positions(struct play *play, uint32_t partitions)
{
    for (int i = 0; i < play->moment_count; i++)
        for (uint32_t p = play->partitions; p < partitions; p++)
            play->moments[i].positions[p] = play->moments[i].positions[p % play->partitions];
}

/* The store, which has settled, is copied, and the copy goes on. */
static void move_on(struct play *play, uint32_t partitions)
{
    trading_error error = {0};
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    trading_copy copy = TRADING_COPY_INIT;
    struct folder before = play->folder;
    trading_verification hash = hash_of(play);
    options.partitions = partitions == play->partitions && chance_of(&play->chance, 500) ? 0 : partitions;
    options.time = play->clock;
    close_engine(play);
    if (!folder_make(&play->folder))
        fail(play, "no folder");
    must(play, trading_store_copy(play->host, before.uri, play->folder.uri, &options, &copy, &error), "copy", &error);
    if (copy.partitions != partitions || copy.source_partitions != play->partitions)
        fail(play, "the copy says that %u partitions became %u", copy.source_partitions, copy.partitions);
    spread_positions(play, partitions);
    bool splits = play->partitions != partitions;
    play->partitions = partitions;
    open_engine(play);
    if (!splits && memcmp(hash_of(play).hash, hash.hash, sizeof hash.hash) != 0)
        fail(play, "the copy has another hash");
    verify(play);
    find_positions(play);
    compare_now(play, true);
    for (int i = 0; i < play->moment_count; i++)
        compare_moment(play, &play->moments[i]);
    for (int i = 0; i < 20; i++)
        repeat_one(play);
    folder_remove(&before);
}

static void move_when_due(struct play *play, int64_t done, int64_t commands)
{
    if (play->copied && done == commands / 3)
        move_on(play, play->partitions * (1 + (uint32_t)(play->seed / 2 % 3)));
    if (play->copied && done == commands * 2 / 3)
        move_on(play, play->partitions * (play->partitions * 2 <= MOST ? 2 : 1));
}

/* ---- a play ---- */

static void play_on(struct play *play, int64_t commands)
{
    int64_t next_comparison = 0;
    for (int64_t done = 0; done < commands; done++) {
        int64_t before[MOST];
        move_when_due(play, done, commands);
        memcpy(before, play->positions, sizeof(before));
        play->clock += chance_between(&play->chance, 1, 1000000);
        play->model.now = play->clock;
        do_next(play);
        if (chance_of(&play->chance, 20))
            interrupt(play);
        settle(play);
        find_positions(play);
        if (chance_of(&play->chance, 100))
            repeat_one(play);
        if (done < next_comparison)
            continue;
        next_comparison = done + chance_between(&play->chance, 1, 20 + done / 8);
        compare_now(play, false);
        look_back(play, before);
    }
    compare_now(play, true);
    verify(play);
}

static void run_seed(uint64_t seed, bool polled, bool copied, int64_t commands)
{
    static struct play play;
    play = (struct play){.seed = seed,
                         .polled = polled,
                         .copied = copied,
                         .partitions = 1 + (uint32_t)(seed % (copied ? 2 : USUAL)),
                         .chance = {seed * 977},
                         .clock = 1};
    trading_engine_options usual = TRADING_ENGINE_OPTIONS_INIT;
    if (!folder_make(&play.folder) || trading_host_open(&play.host, NULL, NULL))
        fail(&play, "no folder or no host");
    if (polled)
        prepare_polled(&play);
    model_init(&play.model, usual.market_collar);
    open_engine(&play);
    play_on(&play, commands);
    close_engine(&play);
    trading_host_close(play.host, NULL);
    folder_remove(&play.folder);
    printf("seed %" PRIu64 ", %u partitions: %" PRId64 " commands, %d orders, %d executions, %" PRId64 " sent again, %" PRId64
           " interrupted\n",
           seed, play.partitions, commands, play.model.orders.count, play.model.executions.count, play.repeated,
           play.interrupted);
    fflush(stdout);
    for (int i = 0; i < MOMENTS; i++)
        picture_free(&play.moments[i].picture);
    free(play.commands.at);
    free(play.results.at);
    model_free(&play.model);
    names_free(&play.names);
}

int main(int count, char **arguments)
{
    bool polled = count > 1 && !strcmp(arguments[1], "--polled");
    bool copied = count > 1 && !strcmp(arguments[1], "--copied");
    count -= polled || copied;
    arguments += polled || copied;
    int64_t commands = count > 2 && !strcmp(arguments[1], "--commands") ? strtoll(arguments[2], NULL, 10) : 4000;
    int64_t seeds = count > 4 && !strcmp(arguments[3], "--seeds") ? strtoll(arguments[4], NULL, 10) : 8;
    for (int64_t seed = 1; seed <= seeds; seed++)
        run_seed((uint64_t)seed, polled, copied, commands / seeds);
    return 0;
}
