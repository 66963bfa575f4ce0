/* The engine over a store that fails: at each append in turn, in each way. What was shown before was durable, what was in flight is
 * answered right, and the engine goes on. */
#include "backends/memory/memory_store.h"
#include "engine/engine.h"
#include "faulty_store.h"
#include "journal/commit.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trading.h>

#include <cmocka.h>

#define SUBMISSIONS 7
#define COMMANDS    9
#define BATCH       4  /* so that submissions begin and end within batches, and some pass over three */
#define ENOUGH      16 /* commands, for another batch to be decided while one is appended */
#define MANY        8  /* times as many of both: then who hands them over prepares them */

_Static_assert(COMMANDS <= PREPARE_FEW && PREPARE_FEW / COMMANDS < MANY, "of few it is done by who drives");

/* Who drives the engine, and how it appends. THREADS_BEHIND: what fails has another batch waiting behind it. */
enum way { THREADS, THREADS_BEHIND, MANUAL, POLLED, POLLED_LATE, WAYS };

struct trial {
    enum fault fault;
    int32_t code;
    uint64_t nth;
    enum way way;
    bool many;
    bool fail_stop;
};

struct stage {
    struct faulty_plan plan;
    trading_host *host;
    trading_engine *engine;
    trading_id account;
    size_t count; /* of the commands of a submission */
    trading_command commands[SUBMISSIONS][MANY * COMMANDS];
    trading_result results[SUBMISSIONS][MANY * COMMANDS];
    trading_error errors[SUBMISSIONS];
    trading_cash cash;
    struct commit_builder builder; /* the other writer's */
    struct memory memory;
    uint64_t faulty;
    bool awaits_another; /* before what fails */
    bool looking;        /* the engine is open: every append looks at what is shown */
};

static trading_decimal shown_balance(struct stage *stage, int64_t *position)
{
    trading_view *view;
    trading_account account = {.size = sizeof account};
    assert_int_equal(trading_view_open(&view, stage->engine, TRADING_VIEW_NOW, NULL), TRADING_OK);
    assert_int_equal(trading_view_account(view, &stage->account, &account, NULL), TRADING_OK);
    *position = trading_view_position(view);
    trading_view_close(view);
    return account.balance;
}

/* Another writer ends the session, in a commit of its own. */
static void end_session_as_another(struct stage *stage, int64_t position, trading_time time, const uint8_t *previous)
{
    struct cause cause = {.type = TRADING_COMMAND_END_SESSION, .key = {{99}}};
    struct event event = {.kind = TRADING_EVENT_SESSION_ENDED, .position = position, .previous = POSITION_NONE};
    struct entry_mark entry;
    commit_builder_reset(&stage->builder);
    entry_begin(&stage->builder.body, &cause, &entry);
    event_write(&stage->builder.body, &event);
    entry_end(&stage->builder.body, &entry, 1, 0);
    struct commit header = {.entries = 1, .events = 1, .first_position = position, .time = time, .nonce = {{77}}};
    memcpy(header.previous, previous, sizeof header.previous);
    assert_int_equal(commit_build(&stage->builder, &header, &stage->plan.other, NULL), TRADING_OK);
}

/* Its commit takes the place of what is about to be appended. */
static void overtake_as_another(void *arg, const trading_store_commit *commit)
{
    struct commit header;
    assert_int_equal(commit_read_header(commit, 0, &header, NULL), TRADING_OK);
    end_session_as_another(arg, header.first_position, header.time, header.previous);
}

/* Its commit follows what was just appended. */
static void follow_as_another(void *arg, const trading_store_commit *commit)
{
    struct commit header;
    assert_int_equal(commit_read_header(commit, 0, &header, NULL), TRADING_OK);
    const uint8_t *end = (const uint8_t *)commit->data + commit->size;
    end_session_as_another(arg, commit_end(&header), header.time, end - COMMIT_DIGEST_BYTES);
}

static int64_t installed_position(struct stage *stage)
{
    struct mark_record mark;
    assert_int_equal(table_read(stage->engine->domain.mark, 1, NULL, &mark), TABLE_FOUND);
    return mark.next_position;
}

/* Until another batch was handed over behind the one that is about to be appended. */
static void await_another(struct stage *stage)
{
    struct appender *appender = &stage->engine->appender;
    size_t count;
    do {
        pthread_mutex_lock(&appender->mutex);
        count = appender->count;
        pthread_mutex_unlock(&appender->mutex);
        sched_yield();
    } while (count < 2);
}

/* Before each append: what is shown is of one moment, though the commit before may just be shown. */
static void look(void *arg, enum faulty_call call, uint64_t nth)
{
    struct stage *stage = arg;
    if (call != FAULTY_APPEND || !stage->looking)
        return;
    if (nth == stage->faulty && stage->awaits_another)
        await_another(stage);
    int64_t position;
    int64_t before = installed_position(stage);
    trading_decimal balance = shown_balance(stage, &position);
    assert_in_range(position, before, installed_position(stage));
    assert_true(balance <= position * TRADING_DECIMAL_ONE); /* each deposit of 1 is an event */
}

static void open_stage(struct stage *stage, const struct trial *trial)
{
    char location[FAULTY_LOCATION];
    char uri[FAULTY_LOCATION + 8];
    trading_error error;
    memory_init(&stage->memory);
    assert_int_equal(commit_builder_open(&stage->builder, &stage->memory, 4096, 0, NULL), TRADING_OK);
    faulty_plan_init(&stage->plan, &memory_store_ops, "");
    stage->plan.before = look;
    stage->plan.overtake = overtake_as_another;
    stage->plan.follow = follow_as_another;
    stage->plan.arg = stage;
    assert_int_equal(trading_host_open(&stage->host, NULL, NULL), TRADING_OK);
    const trading_store_ops *ops = trial->way < POLLED ? &faulty_store_ops : &faulty_polled_store_ops;
    stage->plan.late = trial->way == POLLED_LATE ? 3 : 0;
    assert_int_equal(trading_store_register(stage->host, "faulty", ops, NULL), TRADING_OK);
    snprintf(uri, sizeof uri, "faulty:%s", faulty_location(&stage->plan, location));
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.batch_commands = trial->many ? MANY * BATCH : BATCH;
    stage->count = trial->many ? MANY * COMMANDS : COMMANDS;
    options.flags = (trial->way < MANUAL ? 0 : TRADING_ENGINE_MANUAL) | (trial->fail_stop ? TRADING_ENGINE_FAIL_STOP : 0);
    if (trading_engine_open(&stage->engine, stage->host, uri, &options, &error))
        fail_msg("%s", error.message);
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command open = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    trading_result opened;
    assert_int_equal(trading_engine_execute(stage->engine, &open, 1, &opened, NULL), TRADING_OK);
    stage->account = opened.account;
    stage->faulty = atomic_load(&stage->plan.calls[FAULTY_APPEND]) + trial->nth;
    assert_true(faulty_plan_add(&stage->plan, FAULTY_APPEND, stage->faulty, trial->fault, trial->code));
    stage->awaits_another =
        trial->way == THREADS_BEHIND && (trial->nth + 1) * BATCH + ENOUGH <= (uint64_t)SUBMISSIONS * COMMANDS;
    stage->looking = true;
}

static void close_stage(struct stage *stage)
{
    stage->looking = false;
    assert_int_equal(trading_engine_close(stage->engine, TRADING_CLOSE_DRAIN, NULL), TRADING_OK);
    assert_int_equal(stage->plan.unheard, 0);
    assert_int_equal(trading_host_memory(stage->host), 0);
    assert_int_equal(trading_host_close(stage->host, NULL), TRADING_OK);
    commit_builder_close(&stage->builder);
    free(stage);
}

static void submit_all(struct stage *stage)
{
    trading_cash_init(&stage->cash);
    stage->cash.amount = TRADING_DECIMAL_ONE;
    for (uint64_t i = 0; i < SUBMISSIONS; i++) {
        for (uint64_t j = 0; j < stage->count; j++) {
            trading_command *command = &stage->commands[i][j];
            *command = (trading_command){.type = TRADING_COMMAND_DEPOSIT,
                                         .account = stage->account,
                                         .body = &stage->cash,
                                         .body_size = sizeof stage->cash};
            command->key.bytes[0] = (uint8_t)(i + 1);
            command->key.bytes[1] = (uint8_t)(j + 1);
        }
        assert_int_equal(trading_engine_submit(stage->engine, stage->commands[i], stage->count, stage->results[i], i, NULL),
                         TRADING_OK);
    }
}

/* How many submissions ended with an error. */
static size_t await_all(struct stage *stage, bool manual)
{
    size_t failed = 0;
    for (size_t done = 0; done < SUBMISSIONS;) {
        trading_completion completion;
        size_t taken;
        if (manual)
            assert_int_equal(trading_engine_step(stage->engine, 100, NULL, NULL), TRADING_OK);
        assert_int_equal(trading_engine_poll(stage->engine, &completion, 1, &taken, INT64_C(60000000000), NULL), TRADING_OK);
        stage->errors[completion.tag] = completion.error;
        failed += completion.error.code != TRADING_OK;
        done++;
    }
    return failed;
}

/* Sent again, each command is done exactly once; what was answered is answered as before. */
static void send_again(struct stage *stage)
{
    for (size_t i = 0; i < SUBMISSIONS; i++) {
        trading_result again[MANY * COMMANDS];
        assert_int_equal(trading_engine_execute(stage->engine, stage->commands[i], stage->count, again, NULL), TRADING_OK);
        for (size_t j = 0; j < stage->count; j++) {
            const trading_result *first = &stage->results[i][j];
            if (first->status == TRADING_STATUS_ACCEPTED) {
                assert_int_equal(again[j].status, TRADING_STATUS_DUPLICATE);
                assert_int_equal(again[j].position, first->position);
                assert_int_equal(again[j].version, first->version);
            } else {
                assert_int_equal(first->status, TRADING_STATUS_NONE);
                assert_int_not_equal(stage->errors[i].code, TRADING_OK);
                assert_int_equal(again[j].status, TRADING_STATUS_ACCEPTED);
            }
        }
    }
    int64_t position;
    assert_int_equal(shown_balance(stage, &position), (trading_decimal)(SUBMISSIONS * stage->count) * TRADING_DECIMAL_ONE);
    trading_verification verification = TRADING_VERIFICATION_INIT;
    assert_int_equal(trading_engine_verify(stage->engine, &verification, NULL, NULL, NULL), TRADING_OK);
    assert_string_equal(verification.finding, "");
}

static void run(const struct trial *trial)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    open_stage(stage, trial);
    pthread_mutex_lock(&stage->engine->drive_mutex); /* so that all are there before the first is decided */
    submit_all(stage);
    pthread_mutex_unlock(&stage->engine->drive_mutex);
    size_t failed = await_all(stage, trial->way >= MANUAL);
    bool reached = atomic_load(&stage->plan.calls[FAULTY_APPEND]) > stage->faulty;
    bool refused = trial->fault == FAULT_REFUSED;
    assert_true(refused ? !reached || failed >= 1 : failed == 0); /* what can be learnt is learnt, and nobody is bothered */
    for (size_t i = 0; i < SUBMISSIONS; i++)
        assert_true(stage->errors[i].code == TRADING_OK || stage->errors[i].code == trial->code);
    send_again(stage);
    close_stage(stage);
}

static void run_everywhere(enum fault fault, int32_t code)
{
    for (uint64_t nth = 0; nth < SUBMISSIONS * COMMANDS / BATCH + 1; nth++) {
        for (enum way way = THREADS; way < WAYS; way++) {
            run(&(struct trial){.fault = fault, .code = code, .nth = nth, .way = way});
            run(&(struct trial){.fault = fault, .code = code, .nth = nth, .way = way, .many = true});
        }
    }
}

static void test_refused_appends(void **state)
{
    (void)state;
    run_everywhere(FAULT_REFUSED, TRADING_E_NO_SPACE);
    run_everywhere(FAULT_REFUSED, TRADING_E_IO);
}

static void test_unknown_appends_that_happened(void **state)
{
    (void)state;
    run_everywhere(FAULT_UNKNOWN_DONE, TRADING_E_OUTCOME_UNKNOWN);
}

static void test_unknown_appends_that_did_not(void **state)
{
    (void)state;
    run_everywhere(FAULT_UNKNOWN_LOST, TRADING_E_OUTCOME_UNKNOWN);
}

static void test_appends_that_another_writer_overtook(void **state)
{
    (void)state;
    run_everywhere(FAULT_OVERTAKEN, TRADING_E_POSITION);
}

/* It happened, but is not the newest that the journal has. */
static void test_unknown_appends_that_another_writer_followed(void **state)
{
    (void)state;
    run_everywhere(FAULT_FOLLOWED, TRADING_E_OUTCOME_UNKNOWN);
}

/* The store cannot even be read after it: what was in flight is unknown, and is learnt by its keys once the store is back. */
static void learn_when_the_store_is_back(enum way way)
{
    struct stage *stage = calloc(1, sizeof *stage);
    open_stage(stage, &(struct trial){.fault = FAULT_UNKNOWN_DONE, .code = TRADING_E_OUTCOME_UNKNOWN, .nth = 1, .way = way});
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t next = atomic_load(&stage->plan.calls[FAULTY_READ]);
        assert_true(faulty_plan_add(&stage->plan, FAULTY_READ, next + i, FAULT_REFUSED, TRADING_E_IO));
    }
    submit_all(stage);
    assert_true(await_all(stage, true) > 0);
    size_t unknown = 0;
    for (size_t i = 0; i < SUBMISSIONS; i++) {
        for (size_t j = 0; j < stage->count; j++)
            unknown += stage->results[i][j].status == TRADING_STATUS_UNKNOWN;
        if (stage->errors[i].code == TRADING_E_OUTCOME_UNKNOWN)
            assert_true(stage->errors[i].flags & TRADING_ERROR_OUTCOME_UNKNOWN);
    }
    assert_true(unknown > 0);
    stage->looking = false;
    trading_result again[MANY * COMMANDS];
    uint64_t tries = 0;
    while (trading_engine_execute(stage->engine, stage->commands[0], stage->count, again, NULL))
        assert_true(++tries < 10);
    for (size_t i = 0; i < SUBMISSIONS; i++)
        assert_int_equal(trading_engine_execute(stage->engine, stage->commands[i], stage->count, again, NULL), TRADING_OK);
    int64_t position;
    assert_int_equal(shown_balance(stage, &position), (trading_decimal)(SUBMISSIONS * stage->count) * TRADING_DECIMAL_ONE);
    close_stage(stage);
}

static void test_unknown_until_the_store_is_back(void **state)
{
    (void)state;
    for (enum way way = MANUAL; way < WAYS; way++)
        learn_when_the_store_is_back(way);
}

/* Of a sequence nothing is passed over: from the failure on nothing is done, though the store would take it. */
static void stop_at(const struct trial *trial)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    open_stage(stage, trial);
    if (trial->code == TRADING_E_OUTCOME_UNKNOWN)
        assert_true(faulty_plan_add(&stage->plan, FAULTY_READ, atomic_load(&stage->plan.calls[FAULTY_READ]), FAULT_REFUSED,
                                    TRADING_E_IO));
    submit_all(stage);
    for (size_t done = 0; done < SUBMISSIONS; done++) {
        trading_completion completion;
        size_t taken;
        trading_engine_step(stage->engine, 100, NULL, NULL); /* which fails once it has stopped */
        assert_int_equal(trading_engine_poll(stage->engine, &completion, 1, &taken, INT64_C(60000000000), NULL), TRADING_OK);
        stage->errors[completion.tag] = completion.error;
    }
    size_t first = 0;
    while (first < SUBMISSIONS && stage->errors[first].code == TRADING_OK)
        first++;
    assert_int_equal(first, trial->nth * BATCH / COMMANDS);
    for (size_t i = first; i < SUBMISSIONS; i++)
        assert_int_equal(stage->errors[i].code, trial->code);
    trading_result result;
    assert_int_equal(trading_engine_execute(stage->engine, stage->commands[SUBMISSIONS - 1], 1, &result, NULL), trial->code);
    assert_int_equal(atomic_load(&stage->plan.calls[FAULTY_APPEND]), stage->faulty + 1);
    close_stage(stage);
}

static void test_fail_stop(void **state)
{
    (void)state;
    for (uint64_t nth = 0; nth < SUBMISSIONS * COMMANDS / BATCH; nth++) {
        for (enum way way = MANUAL; way < WAYS; way++) {
            struct trial trial = {
                .fault = FAULT_REFUSED, .code = TRADING_E_NO_SPACE, .nth = nth, .way = way, .fail_stop = true};
            stop_at(&trial);
            trial.fault = FAULT_UNKNOWN_LOST;
            trial.code = TRADING_E_OUTCOME_UNKNOWN;
            stop_at(&trial);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_appends),
        cmocka_unit_test(test_unknown_appends_that_happened),
        cmocka_unit_test(test_unknown_appends_that_did_not),
        cmocka_unit_test(test_appends_that_another_writer_overtook),
        cmocka_unit_test(test_unknown_appends_that_another_writer_followed),
        cmocka_unit_test(test_unknown_until_the_store_is_back),
        cmocka_unit_test(test_fail_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
