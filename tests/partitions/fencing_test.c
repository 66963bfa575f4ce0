/* A partition that changes hands while its owner is at work: whoever appends second stops, and what it had in flight is answered as the journal
 * has it. */
#include "cluster.h"
#include "contract/faulty_store.h"
#include "engine/engine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SUBMISSIONS = 16, COMMANDS = 8, BATCH = 4 };

/* One owner over a store that fails, one beside it over the same store. */
struct trial {
    struct cluster cluster;
    struct faulty_plan plan;
    trading_engine *paused;
    trading_engine *successor;
    trading_id account;
    _Atomic uint64_t keys;
    int64_t deposits; /* of the successor */
    uint64_t nth;     /* at which append of the paused one it comes in */
    bool behind;      /* or behind it */
    enum faulty_call call;
    trading_id opened;
    bool takes_over;
    bool crowded; /* it comes in when two more batches are decided */
};

static trading_command deposit(struct trial *trial, const trading_cash *one)
{
    trading_command command = {
        .type = TRADING_COMMAND_DEPOSIT, .account = trial->account, .body = one, .body_size = sizeof *one};
    memcpy(command.key.bytes, &(uint64_t){1 + atomic_fetch_add(&trial->keys, 1)}, sizeof(uint64_t));
    return command;
}

static trading_cash one_unit(void)
{
    trading_cash cash = TRADING_CASH_INIT;
    cash.amount = ONE;
    return cash;
}

static void must(int32_t code, const trading_error *error)
{
    if (code)
        fail("%s: %s", trading_error_name(code), error->message);
}

static void successor_deposits(struct trial *trial)
{
    trading_cash cash = one_unit();
    trading_command command = deposit(trial, &cash);
    trading_result result;
    trading_error error;
    must(trading_engine_execute(trial->successor, &command, 1, &result, &error), &error);
    trial->deposits += result.status == TRADING_STATUS_ACCEPTED;
}

static void take_over(struct trial *trial)
{
    trial->takes_over = false;
    trial->successor = cluster_engine(&trial->cluster, 0);
    successor_deposits(trial);
}

/* Until one batch waits behind the paused one's n-th, and the commands of another are taken. */
static void await_others(struct trial *trial)
{
    trading_engine *engine = trial->paused;
    size_t most = SUBMISSIONS * COMMANDS - (trial->nth + 3) * BATCH;
    size_t waiting;
    do {
        pthread_mutex_lock(&engine->appender.mutex);
        waiting = engine->appender.count;
        pthread_mutex_unlock(&engine->appender.mutex);
        sched_yield();
    } while (waiting < 2 || atomic_load(&engine->queue.arrived) || atomic_load(&engine->queue.listed) > most);
}

/* Before the paused one's n-th append another takes the partition, and appends; or behind it, before the paused one reads again. */
static void before(void *arg, enum faulty_call call, uint64_t nth)
{
    struct trial *trial = arg;
    bool in_turn = trial->behind ? call == FAULTY_READ && atomic_load(&trial->plan.calls[FAULTY_APPEND]) > trial->nth
                                 : call == FAULTY_APPEND && nth == trial->nth;
    if (trial->crowded && call == FAULTY_APPEND && nth == trial->nth)
        await_others(trial);
    if (trial->takes_over && in_turn)
        take_over(trial);
}

static void open_trial(struct trial *trial, uint32_t flags)
{
    static char location[FAULTY_LOCATION];
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    memset(trial, 0, sizeof *trial);
    cluster_open(&trial->cluster, 1, TRADING_ENGINE_MANUAL, 1);
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
    trading_result opened = cluster_execute(&trial->cluster, &command);
    trial->account = opened.account;
    faulty_plan_init(&trial->plan, &trial->cluster.store.ops, trial->cluster.store.location);
    trial->plan.before = before;
    trial->plan.arg = trial;
    must(trading_store_register(trial->cluster.host, "faulty", &faulty_store_ops, &error), &error);
    char uri[FAULTY_LOCATION + 8];
    snprintf(uri, sizeof uri, "faulty:%s", faulty_location(&trial->plan, location));
    options.flags = TRADING_ENGINE_ONE_PARTITION | flags;
    options.batch_commands = BATCH;
    must(trading_engine_open(&trial->paused, trial->cluster.host, uri, &options, &error), &error);
}

static void close_trial(struct trial *trial)
{
    trading_error error;
    cluster_verify(&trial->cluster);
    if (trial->paused)
        must(trading_engine_close(trial->paused, TRADING_CLOSE_DRAIN, &error), &error);
    if (trial->successor)
        must(trading_engine_close(trial->successor, TRADING_CLOSE_DRAIN, &error), &error);
    cluster_close(&trial->cluster);
}

static int64_t balance(struct trial *trial)
{
    trading_account account = TRADING_ACCOUNT_INIT;
    trading_view *view;
    trading_error error;
    trading_engine *reader = cluster_reader(&trial->cluster);
    must(trading_view_open(&view, reader, TRADING_VIEW_NOW, &error), &error);
    must(trading_view_account(view, &trial->account, &account, &error), &error);
    trading_view_close(view);
    trading_engine_close(reader, TRADING_CLOSE_DRAIN, NULL);
    return account.balance / ONE;
}

/* ---- accounts ---- */

static trading_text text_of(const char *text)
{
    return (trading_text){.data = text, .length = strlen(text)};
}

static trading_command opening(trading_open_account *body)
{
    trading_open_account_init(body);
    body->name = text_of("Ann Lee");
    body->email = text_of("ann@example.com");
    return (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT, .key = {{7, 7, 7}}, .body = body, .body_size = sizeof *body};
}

/* Who opened it last sealed what is personal under a secret that is still there. */
static void check_profile(trading_engine *engine, const trading_id *account)
{
    trading_profile profile = TRADING_PROFILE_INIT;
    trading_view *view;
    trading_error error;
    must(trading_view_open(&view, engine, TRADING_VIEW_NOW, &error), &error);
    must(trading_view_profile(view, account, &profile, &error), &error);
    trading_view_close(view);
    if (strcmp(profile.email, "ann@example.com") != 0)
        fail("what is personal was lost");
}

static void successor_opens(struct trial *trial)
{
    trading_open_account body;
    trading_command command = opening(&body);
    trading_result result;
    trading_error error;
    trial->takes_over = false;
    trial->successor = cluster_engine(&trial->cluster, 0);
    must(trading_engine_execute(trial->successor, &command, 1, &result, &error), &error);
    if (result.status != TRADING_STATUS_ACCEPTED)
        fail("an account is not opened: %s", trading_status_name(result.status));
    trial->opened = result.account;
}

static void open_before(void *arg, enum faulty_call call, uint64_t nth)
{
    struct trial *trial = arg;
    (void)nth;
    if (trial->takes_over && call == trial->call)
        successor_opens(trial);
}

/* ---- what was in flight ---- */

struct sent {
    trading_cash cash;
    trading_command commands[SUBMISSIONS][COMMANDS];
    trading_result results[SUBMISSIONS][COMMANDS];
    trading_error errors[SUBMISSIONS];
};

static void submit(struct trial *trial, struct sent *sent)
{
    trading_error error;
    memset(sent, 0, sizeof *sent);
    sent->cash = one_unit();
    pthread_mutex_lock(&trial->paused->drive_mutex); /* so that all are there before the first is decided */
    for (uint64_t i = 0; i < SUBMISSIONS; i++) {
        for (size_t k = 0; k < COMMANDS; k++)
            sent->commands[i][k] = deposit(trial, &sent->cash);
        int32_t code = trading_engine_submit(trial->paused, sent->commands[i], COMMANDS, sent->results[i], i, &error);
        sent->errors[i] = error;
        if (code != TRADING_E_FENCED)
            must(code, &error);
    }
    pthread_mutex_unlock(&trial->paused->drive_mutex);
}

static void await(struct trial *trial, struct sent *sent, uint32_t flags)
{
    size_t awaited = 0;
    for (size_t i = 0; i < SUBMISSIONS; i++)
        awaited += sent->errors[i].code == TRADING_OK;
    while (awaited) {
        trading_completion done[4];
        trading_error error;
        size_t taken;
        if (flags & TRADING_ENGINE_MANUAL)
            trading_engine_step(trial->paused, 100, NULL, NULL);
        must(trading_engine_poll(trial->paused, done, 4, &taken, -1, &error), &error);
        for (size_t i = 0; i < taken; i++)
            sent->errors[done[i].tag] = done[i].error;
        awaited -= taken;
    }
}

/* How many were accepted; the rest is answered as not happened. */
static int64_t count_accepted(const struct sent *sent)
{
    int64_t accepted = 0;
    for (size_t i = 0; i < SUBMISSIONS; i++)
        for (size_t k = 0; k < COMMANDS; k++) {
            int32_t status = sent->results[i][k].status;
            accepted += status == TRADING_STATUS_ACCEPTED;
            if (status == TRADING_STATUS_ACCEPTED)
                continue;
            if (status != TRADING_STATUS_NONE || sent->errors[i].code != TRADING_E_FENCED)
                fail("a command is answered %s with %s", trading_status_name(status), sent->errors[i].message);
        }
    return accepted;
}

/* Each goes to the successor, under its key: what was accepted before is a duplicate, what was not is done now. */
static void repeat(struct trial *trial, struct sent *sent)
{
    for (size_t i = 0; i < SUBMISSIONS; i++) {
        trading_result results[COMMANDS];
        trading_error error;
        must(trading_engine_execute(trial->successor, sent->commands[i], COMMANDS, results, &error), &error);
        for (size_t k = 0; k < COMMANDS; k++) {
            bool before = sent->results[i][k].status == TRADING_STATUS_ACCEPTED;
            if (results[k].status != (before ? TRADING_STATUS_DUPLICATE : TRADING_STATUS_ACCEPTED))
                fail("a command is %s at the successor", trading_status_name(results[k].status));
        }
    }
}

static void check_stopped(struct trial *trial)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    trading_error error;
    trading_letter none;
    size_t count;
    uint64_t appends = atomic_load(&trial->plan.calls[FAULTY_APPEND]);
    trading_cash cash = one_unit();
    trading_command command = deposit(trial, &cash);
    trading_result result;
    must(trading_engine_get_info(trial->paused, &info, &error), &error);
    if (info.state != TRADING_E_FENCED)
        fail("the state of a fenced engine is %s", trading_error_name(info.state));
    if (trading_engine_execute(trial->paused, &command, 1, &result, &error) != TRADING_E_FENCED ||
        error.flags != TRADING_ERROR_FATAL || trading_letters_put(trial->paused, NULL, 0, &error) != TRADING_E_FENCED ||
        trading_letters_look(trial->paused, &error) != TRADING_E_FENCED)
        fail("a fenced engine goes on");
    must(trading_letters_take(trial->paused, &none, 1, &count, &error), &error);
    if (atomic_load(&trial->plan.calls[FAULTY_APPEND]) != appends)
        fail("a fenced engine appended");
}

static void finish_trial(struct trial *trial, struct sent *sent)
{
    int64_t accepted = count_accepted(sent);
    check_stopped(trial);
    if (balance(trial) != accepted + trial->deposits)
        fail("%lld deposits are in the journal, %lld were accepted", (long long)balance(trial),
             (long long)(accepted + trial->deposits));
    repeat(trial, sent);
    if (balance(trial) != SUBMISSIONS * COMMANDS + trial->deposits)
        fail("commands were lost or done twice");
    close_trial(trial);
}

/* ---- tests ---- */

static void test_overtaken(uint64_t nth, uint32_t flags)
{
    static struct trial trial;
    static struct sent sent;
    open_trial(&trial, flags);
    trial.nth = nth;
    trial.takes_over = true;
    submit(&trial, &sent);
    await(&trial, &sent, flags);
    finish_trial(&trial, &sent);
}

/* The same when a submission begins in the batch that waits, and ends in the one behind it. */
static void test_overtaken_in_a_crowd(uint64_t nth)
{
    static struct trial trial;
    static struct sent sent;
    open_trial(&trial, 0);
    trial.nth = nth;
    trial.crowded = trial.takes_over = true;
    submit(&trial, &sent);
    await(&trial, &sent, 0);
    finish_trial(&trial, &sent);
}

/* The append happened, nobody can tell, and another's commit is behind it. */
static void test_followed(uint64_t nth, uint32_t flags)
{
    static struct trial trial;
    static struct sent sent;
    open_trial(&trial, flags);
    trial.nth = nth;
    trial.behind = trial.takes_over = true;
    faulty_plan_add(&trial.plan, FAULTY_APPEND, nth, FAULT_UNKNOWN_DONE, 0);
    submit(&trial, &sent);
    await(&trial, &sent, flags);
    if (count_accepted(&sent) == 0)
        fail("what was in the journal was answered as if it were not");
    finish_trial(&trial, &sent);
}

/* Nobody can tell, and nobody came: it goes on as it would alone. */
static void test_unknown_alone(enum fault fault, uint32_t flags)
{
    static struct trial trial;
    static struct sent sent;
    open_trial(&trial, flags);
    faulty_plan_add(&trial.plan, FAULTY_APPEND, 2, fault, 0);
    submit(&trial, &sent);
    await(&trial, &sent, flags);
    if (count_accepted(&sent) != SUBMISSIONS * COMMANDS || balance(&trial) != SUBMISSIONS * COMMANDS)
        fail("an engine that is alone was fenced");
    close_trial(&trial);
}

/* The store does not even tell what the journal holds until another has come. */
static void test_unresolved(enum fault fault)
{
    static struct trial trial;
    trading_error error;
    trading_cash cash = one_unit();
    open_trial(&trial, TRADING_ENGINE_MANUAL);
    trading_command command = deposit(&trial, &cash);
    trading_result result;
    uint64_t reads = atomic_load(&trial.plan.calls[FAULTY_READ]);
    faulty_plan_add(&trial.plan, FAULTY_APPEND, 0, fault, 0);
    for (uint64_t i = 0; i < 2; i++)
        faulty_plan_add(&trial.plan, FAULTY_READ, reads + i, FAULT_REFUSED, TRADING_E_IO);
    if (trading_engine_execute(trial.paused, &command, 1, &result, &error) != TRADING_E_OUTCOME_UNKNOWN ||
        result.status != TRADING_STATUS_UNKNOWN)
        fail("an outcome is known that is not");
    take_over(&trial);
    while (trading_engine_execute(trial.paused, &command, 1, &result, &error) == TRADING_E_IO)
        continue;
    if (error.code != TRADING_E_FENCED || result.status != TRADING_STATUS_NONE)
        fail("%s: an engine goes on beside its successor", trading_error_name(error.code));
    check_stopped(&trial);
    must(trading_engine_execute(trial.successor, &command, 1, &result, &error), &error);
    if (result.status != (fault == FAULT_UNKNOWN_DONE ? TRADING_STATUS_DUPLICATE : TRADING_STATUS_ACCEPTED))
        fail("the successor answers %s", trading_status_name(result.status));
    if (balance(&trial) != 1 + trial.deposits)
        fail("a command was lost or done twice");
    close_trial(&trial);
}

/* Both open the same account: the secret that the successor made is not written over by who was paused just before making it, or after. */
static void test_account_opened_twice(enum faulty_call call)
{
    static struct trial trial;
    trading_open_account body;
    trading_command command = opening(&body);
    trading_result result;
    trading_error error;
    open_trial(&trial, TRADING_ENGINE_MANUAL);
    trial.plan.before = open_before;
    trial.call = call;
    trial.takes_over = true;
    if (trading_engine_execute(trial.paused, &command, 1, &result, &error) != TRADING_E_FENCED)
        fail("an account was opened twice");
    check_profile(trial.successor, &trial.opened);
    must(trading_engine_execute(trial.successor, &command, 1, &result, &error), &error);
    if (result.status != TRADING_STATUS_DUPLICATE)
        fail("an opening is answered %s", trading_status_name(result.status));
    close_trial(&trial);
}

/* An owner that was lost between the secret and the commit leaves the secret to the next. */
static void test_secret_left_behind(void)
{
    static struct trial trial;
    trading_open_account body;
    trading_command command = opening(&body);
    trading_result result;
    trading_error error;
    open_trial(&trial, TRADING_ENGINE_MANUAL);
    trial.plan.before = NULL;
    faulty_plan_add(&trial.plan, FAULTY_APPEND, 0, FAULT_REFUSED, TRADING_E_IO);
    if (trading_engine_execute(trial.paused, &command, 1, &result, &error) != TRADING_E_IO)
        fail("an append is not refused");
    successor_opens(&trial);
    check_profile(trial.successor, &trial.opened);
    close_trial(&trial);
}

/* ---- what is answered to a successor ---- */

/* An account in each partition, with money. */
static void open_in_each(struct cluster *cluster, trading_id accounts[2])
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = ONE;
    for (uint64_t key = 1; trading_id_is_zero(&accounts[0]) || trading_id_is_zero(&accounts[1]); key++) {
        trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &body, .body_size = sizeof body};
        uint32_t partition;
        trading_error error;
        memcpy(command.key.bytes, &key, sizeof key);
        must(trading_command_partition(&command, 2, &partition, &error), &error);
        accounts[partition] = cluster_execute(cluster, &command).account;
    }
}

/* The other partition received a transfer that the paused owner has never heard of, and says so. */
static void test_answer_to_a_successor(void)
{
    static struct cluster cluster;
    trading_id accounts[2] = {{{0}}, {{0}}};
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    trading_error error;
    cluster_open(&cluster, 2, TRADING_ENGINE_MANUAL, 1);
    open_in_each(&cluster, accounts);
    cluster_settle(&cluster);
    trading_engine *paused = cluster.seats[0];
    cluster.seats[0] = cluster_engine(&cluster, 0);
    trading_transfer body = TRADING_TRANSFER_INIT;
    body.to = accounts[1];
    body.amount = ONE;
    const trading_command transfer = {.type = TRADING_COMMAND_TRANSFER,
                                      .key = {{1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                      .account = accounts[0],
                                      .body = &body,
                                      .body_size = sizeof body};
    if (cluster_execute(&cluster, &transfer).status != TRADING_STATUS_ACCEPTED)
        fail("a transfer is not accepted");
    cluster_settle(&cluster);
    must(trading_letters_look(paused, &error), &error);
    trading_engine_step(paused, 100, NULL, NULL);
    must(trading_engine_get_info(paused, &info, &error), &error);
    if (info.state != TRADING_E_FENCED)
        fail("the state of an engine that was replaced is %s", trading_error_name(info.state));
    must(trading_engine_close(paused, TRADING_CLOSE_DRAIN, &error), &error);
    cluster_verify(&cluster);
    cluster_close(&cluster);
}

int main(void)
{
    for (uint64_t nth = 0; nth < 6; nth++) {
        for (uint32_t flags = 0; flags <= TRADING_ENGINE_MANUAL; flags += TRADING_ENGINE_MANUAL) {
            test_overtaken(nth, flags);
            test_followed(nth, flags);
        }
        test_overtaken_in_a_crowd(nth);
    }
    test_unknown_alone(FAULT_UNKNOWN_DONE, 0);
    test_unknown_alone(FAULT_UNKNOWN_LOST, TRADING_ENGINE_MANUAL);
    test_unresolved(FAULT_UNKNOWN_DONE);
    test_unresolved(FAULT_UNKNOWN_LOST);
    test_account_opened_twice(FAULTY_SECRET_ADD);
    test_account_opened_twice(FAULTY_APPEND);
    test_secret_left_behind();
    test_answer_to_a_successor();
    return 0;
}
