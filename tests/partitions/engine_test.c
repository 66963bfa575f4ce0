/* An engine of several partitions from outside: commands and results in order, money and orders between partitions, views over all, reopening,
 * and being killed at any moment. */
#include "fail.h"
#include "lines.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <trading.h>

enum { BATCH = 64 };

struct desk {
    trading_host *host;
    trading_engine *engine;
    char folder[64];
    char uri[80];
    uint32_t partitions;
    uint32_t flags;
    uint32_t queue_commands; /* 0: as ever */
    struct crowd crowd;
    struct chance chance;
};

static void open_desk(struct desk *desk)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = desk->partitions;
    options.flags = desk->flags;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.commit_bytes = 65536;
    options.checkpoint_events = 5000;
    if (desk->queue_commands) {
        options.queue_commands = desk->queue_commands;
        options.batch_commands = 4;
    }
    if (trading_host_open(&desk->host, NULL, &error) ||
        trading_engine_open(&desk->engine, desk->host, desk->uri, &options, &error))
        fail("open: %s", error.message);
}

static void close_desk(struct desk *desk, int32_t how)
{
    trading_error error;
    if (trading_engine_close(desk->engine, how, &error))
        fail("close: %s", error.message);
    if (trading_host_memory(desk->host) != 0)
        fail("memory is left: %llu", (unsigned long long)trading_host_memory(desk->host));
    trading_host_close(desk->host, NULL);
}

static struct desk make_desk(uint32_t partitions, uint64_t seed)
{
    struct desk desk = {.partitions = partitions, .chance = {seed}};
    snprintf(desk.folder, sizeof desk.folder, "/tmp/partitions-test-XXXXXX");
    if (!mkdtemp(desk.folder))
        fail("no folder");
    snprintf(desk.uri, sizeof desk.uri, "lmdb:%s", desk.folder);
    return desk;
}

static void remove_desk(struct desk *desk)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", desk->folder);
    if (system(command))
        fail("the folder cannot be removed");
}

/* ---- commands ---- */

/* Executes some, and counts what was deposited for certain. */
static void execute(struct desk *desk, struct line *lines, size_t count, _Atomic int64_t *deposited)
{
    trading_command commands[BATCH];
    trading_result results[BATCH];
    trading_error error;
    for (size_t i = 0; i < count; i++) {
        commands[i] = lines[i].command;
        if (lines[i].command.body)
            commands[i].body = &lines[i].body;
    }
    if (trading_engine_execute(desk->engine, commands, count, results, &error))
        fail("execute: %s", error.message);
    for (size_t i = 0; i < count; i++) {
        if (results[i].status != TRADING_STATUS_ACCEPTED && results[i].status != TRADING_STATUS_REJECTED)
            fail("command %d: %s, %s", commands[i].type, trading_status_name(results[i].status),
                 trading_reason_name(results[i].reason));
        if (commands[i].type == TRADING_COMMAND_DEPOSIT && results[i].status == TRADING_STATUS_ACCEPTED)
            atomic_fetch_add(deposited, lines[i].body.cash.amount);
        if (!trading_id_is_zero(&commands[i].account) && memcmp(&commands[i].account, &results[i].account, 16) != 0)
            fail("a result is of another command");
    }
}

static void run(struct desk *desk, int batches, _Atomic int64_t *deposited)
{
    static struct line lines[BATCH];
    for (int i = 0; i < batches; i++) {
        size_t count = (size_t)chance_between(&desk->chance, 1, BATCH);
        for (size_t k = 0; k < count; k++)
            line_make(&desk->chance, &desk->crowd, &lines[k]);
        execute(desk, lines, count, deposited);
    }
}

static void open_accounts(struct desk *desk, _Atomic int64_t *deposited)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        trading_result result;
        trading_error error;
        line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
        line.command.body = &line.body;
        line.body.open.deposit = 10000 * ONE;
        if (trading_engine_execute(desk->engine, &line.command, 1, &result, &error))
            fail("open account: %s", error.message);
        desk->crowd.accounts[i] = result.account;
        desk->crowd.portfolios[i] = result.portfolio;
        atomic_fetch_add(deposited, line.body.open.deposit);
    }
}

/* ---- what must hold ---- */

static void verify(struct desk *desk)
{
    trading_error error;
    trading_verification found = TRADING_VERIFICATION_INIT;
    if (trading_engine_verify(desk->engine, &found, NULL, NULL, &error))
        fail("verify: %s", error.message);
    if (!found.sound)
        fail("not sound: %s", found.finding);
}

static trading_decimal total_of(const trading_total *total)
{
    trading_decimal value;
    if (trading_decimal_parse(total->text, strlen(total->text), &value))
        fail("a total is no decimal: %s", total->text);
    return value;
}

struct sums {
    trading_decimal bank;
    trading_decimal clearing;
    trading_decimal all;
    trading_decimal pending;
    uint64_t accounts;
};

static struct sums sums_of(struct desk *desk)
{
    struct sums sums = {0};
    trading_view *view;
    trading_error error;
    trading_ledger ledger = TRADING_LEDGER_INIT;
    uint64_t cursor = 0;
    if (trading_view_open(&view, desk->engine, TRADING_VIEW_NOW, &error))
        fail("view: %s", error.message);
    while (trading_view_ledger(view, &cursor, &ledger, &error) == TRADING_OK) {
        sums.bank += total_of(&ledger.bank);
        sums.clearing += total_of(&ledger.clearing);
        sums.all += total_of(&ledger.customers) + total_of(&ledger.house) + total_of(&ledger.bank) + total_of(&ledger.clearing);
    }
    trading_id page[5];
    size_t count;
    cursor = 0;
    while (!trading_view_accounts(view, &cursor, page, 5, &count, &error) && count) {
        for (size_t i = 0; i < count; i++) {
            trading_account account = TRADING_ACCOUNT_INIT;
            if (trading_view_account(view, &page[i], &account, &error))
                fail("account: %s", error.message);
            sums.pending += account.pending;
        }
        sums.accounts += count;
    }
    trading_view_close(view);
    return sums;
}

/* Messages go on by themselves: until nothing is pending and clearing is even. */
static void await_settled(struct desk *desk)
{
    for (int i = 0; i < 3000; i++) {
        struct sums sums = sums_of(desk);
        if (sums.pending == 0 && sums.clearing == 0)
            return;
        if (desk->flags & TRADING_ENGINE_MANUAL)
            trading_engine_step(desk->engine, 100, NULL, NULL);
        else
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail("messages never settle");
}

static void check(struct desk *desk, int64_t deposited, bool killed)
{
    verify(desk);
    await_settled(desk);
    struct sums sums = sums_of(desk);
    if (sums.all != 0 || sums.accounts != ACCOUNTS)
        fail("the ledgers do not sum to zero, or accounts are missing");
    if (killed ? -sums.bank < deposited : -sums.bank != deposited)
        fail("%lld was deposited, and the bank paid %lld", (long long)deposited, (long long)-sums.bank);
    verify(desk);
}

/* Every event of every partition, each in its order. */
static void read_feeds(struct desk *desk)
{
    uint32_t partitions = desk->partitions ? desk->partitions : 1;
    for (uint32_t p = 0; p < partitions; p++) {
        static trading_event events[64];
        trading_feed *feed;
        trading_error error;
        trading_filter filter = TRADING_FILTER_INIT;
        size_t count;
        int64_t next = 0;
        filter.partition = p;
        if (trading_feed_open(&feed, desk->engine, 0, &filter, NULL, &error))
            fail("feed: %s", error.message);
        while (trading_feed_next(feed, events, 64, &count, 0, &error) == TRADING_OK && count)
            for (size_t i = 0; i < count; i++)
                if (events[i].position != next++)
                    fail("the feed of partition %u left out events", p);
        if (!next || trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, NULL) != TRADING_E_BUSY)
            fail("a feed of partition %u is empty, or an engine was closed under it", p);
        trading_feed_close(feed);
    }
    trading_feed *none;
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = partitions;
    if (trading_feed_open(&none, desk->engine, 0, &filter, NULL, NULL) != TRADING_E_INVALID)
        fail("there is a feed of no partition");
}

/* ---- tests ---- */

static void test_runs_and_reopens(uint32_t partitions, uint32_t flags)
{
    static _Atomic int64_t deposited;
    struct desk desk = make_desk(partitions, partitions);
    desk.flags = flags;
    atomic_store(&deposited, 0);
    open_desk(&desk);
    open_accounts(&desk, &deposited);
    for (int round = 0; round < 4; round++) {
        run(&desk, 60, &deposited);
        if (round % 2)
            check(&desk, deposited, false);
        close_desk(&desk, round == 2 ? TRADING_CLOSE_ABANDON : TRADING_CLOSE_DRAIN);
        desk.partitions = round ? partitions : 0; /* as the store has it */
        open_desk(&desk);
    }
    check(&desk, deposited, false);
    read_feeds(&desk);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    desk.flags = TRADING_ENGINE_READ_ONLY;
    open_desk(&desk);
    verify(&desk);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    remove_desk(&desk);
}

static void test_count_is_fixed(void)
{
    struct desk desk = make_desk(2, 1);
    open_desk(&desk);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    trading_host *host;
    trading_engine *engine;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = 3;
    trading_host_open(&host, NULL, NULL);
    if (trading_engine_open(&engine, host, desk.uri, &options, &error) != TRADING_E_INVALID)
        fail("a store of two partitions was opened with three");
    trading_host_close(host, NULL);
    remove_desk(&desk);
}

static void test_submissions_come_back_in_order(void)
{
    static struct line lines[32][BATCH];
    static trading_command commands[32][BATCH];
    static trading_result results[32][BATCH];
    static _Atomic int64_t deposited;
    struct desk desk = make_desk(3, 9);
    trading_error error;
    open_desk(&desk);
    open_accounts(&desk, &deposited);
    for (uint64_t tag = 0; tag < 32; tag++) {
        for (size_t i = 0; i < BATCH; i++) {
            line_make(&desk.chance, &desk.crowd, &lines[tag][i]);
            commands[tag][i] = lines[tag][i].command;
            if (commands[tag][i].body)
                commands[tag][i].body = &lines[tag][i].body;
        }
        if (trading_engine_submit(desk.engine, commands[tag], BATCH, results[tag], tag, &error))
            fail("submit: %s", error.message);
    }
    uint64_t next = 0;
    while (next < 32) {
        trading_completion done[4];
        size_t taken;
        if (trading_engine_poll(desk.engine, done, 4, &taken, -1, &error))
            fail("poll: %s", error.message);
        for (size_t i = 0; i < taken; i++)
            if (done[i].tag != next++ || done[i].error.code || done[i].results[BATCH - 1].status == TRADING_STATUS_NONE)
                fail("completions are out of order, or not complete");
    }
    await_settled(&desk);
    verify(&desk);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    remove_desk(&desk);
}

/* Deposits to one account of a partition. */
static void make_deposits(const struct desk *desk, uint32_t partition, trading_command *commands, size_t count)
{
    static const trading_cash cash = {.size = sizeof cash, .amount = ONE};
    trading_command command = {
        .type = TRADING_COMMAND_DEPOSIT, .body = &cash, .body_size = sizeof cash, .account = desk->crowd.accounts[0]};
    uint32_t where;
    for (int i = 0; i < ACCOUNTS && !trading_command_partition(&command, desk->partitions, &where, NULL) && where != partition;)
        command.account = desk->crowd.accounts[++i % ACCOUNTS];
    if (where != partition)
        fail("no account is of partition %u", partition);
    for (size_t i = 0; i < count; i++)
        commands[i] = command;
}

static struct desk make_narrow_desk(uint32_t queue_commands, uint32_t flags)
{
    static _Atomic int64_t deposited;
    struct desk desk = make_desk(2, 5);
    desk.flags = flags;
    desk.queue_commands = queue_commands;
    open_desk(&desk);
    open_accounts(&desk, &deposited);
    return desk;
}

static uint64_t poll_one(const struct desk *desk)
{
    trading_completion done;
    trading_error error;
    size_t taken;
    trading_engine_step(desk->engine, 100, NULL, NULL);
    if (trading_engine_poll(desk->engine, &done, 1, &taken, -1, &error) || done.error.code)
        fail("poll: %s", error.message);
    return done.tag;
}

/* One queue is full, the other is empty: of a call to both nothing is done. */
static void test_busy_is_all_or_nothing(void)
{
    struct desk desk = make_narrow_desk(4, TRADING_ENGINE_MANUAL);
    trading_command full[4];
    trading_command both[2];
    trading_command many[8];
    trading_result of_full[4];
    trading_result of_both[2];
    trading_result of_many[8];
    trading_error error;
    make_deposits(&desk, 1, full, 4);
    make_deposits(&desk, 0, both, 1);
    make_deposits(&desk, 1, both + 1, 1);
    if (trading_engine_submit(desk.engine, full, 4, of_full, 1, &error))
        fail("submit: %s", error.message);
    if (trading_engine_submit(desk.engine, both, 2, of_both, 2, NULL) != TRADING_E_BUSY ||
        trading_engine_execute(desk.engine, both, 2, of_both, NULL) != TRADING_E_BUSY)
        fail("a queue took more than it holds");
    if (poll_one(&desk) != 1 || of_both[0].status != TRADING_STATUS_NONE || of_both[1].status != TRADING_STATUS_NONE)
        fail("a part of a call was decided that is not done");
    if (trading_engine_submit(desk.engine, both, 2, of_both, 3, &error) || poll_one(&desk) != 3)
        fail("there is no room after all was polled");
    make_deposits(&desk, 0, many, 4); /* the piece that has room is done first, and room is made for the other */
    make_deposits(&desk, 1, many + 4, 4);
    if (trading_engine_submit(desk.engine, full, 4, of_full, 4, &error) ||
        trading_engine_execute(desk.engine, many, 8, of_many, &error))
        fail("execute beside what waits: %s", error.message);
    if (of_many[7].status != TRADING_STATUS_ACCEPTED || poll_one(&desk) != 4)
        fail("a call in pieces is not done whole");
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    remove_desk(&desk);
}

/* Who submits while one partition has much to do is told so at once, and what is done can be polled. */
static void test_submit_never_waits(void)
{
    enum { ROUNDS = 200, FULL = 60, BOTH = 31 };
    struct desk desk = make_narrow_desk(64, 0);
    static trading_command full[FULL];
    static trading_command both[BOTH];
    static trading_result of_full[ROUNDS][FULL];
    static trading_result of_both[ROUNDS][BOTH];
    make_deposits(&desk, 1, full, FULL);
    make_deposits(&desk, 0, both, 1);
    make_deposits(&desk, 1, both + 1, BOTH - 1);
    uint64_t polled = 0;
    for (uint64_t tag = 0; tag < ROUNDS; tag++) {
        bool even = tag % 2 == 0;
        int32_t code;
        while ((code = even ? trading_engine_submit(desk.engine, full, FULL, of_full[tag], tag, NULL)
                            : trading_engine_submit(desk.engine, both, BOTH, of_both[tag], tag, NULL)) == TRADING_E_BUSY)
            if (poll_one(&desk) != polled++)
                fail("completions are out of order");
        if (code)
            fail("submit: %s", trading_error_name(code));
    }
    while (polled < ROUNDS)
        if (poll_one(&desk) != polled++)
            fail("completions are out of order");
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    remove_desk(&desk);
}

/* A child works until it is killed; what it was told is durable must be there. */
static void test_kill(uint32_t partitions, int rounds)
{
    _Atomic int64_t *deposited = mmap(NULL, sizeof *deposited, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct desk desk = make_desk(partitions, 77);
    open_desk(&desk);
    open_accounts(&desk, deposited);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    for (int i = 0; i < rounds; i++) {
        int64_t wait = chance_between(&desk.chance, 20, 300);
        desk.chance.state += 1000;
        pid_t child = fork();
        if (child == 0) {
            open_desk(&desk);
            run(&desk, 1 << 20, deposited);
            _exit(0);
        }
        nanosleep(&(struct timespec){.tv_nsec = wait * 1000000}, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        open_desk(&desk);
        check(&desk, atomic_load(deposited), true);
        struct sums sums = sums_of(&desk);
        atomic_store(deposited, -sums.bank); /* what was done and not told counts from here on */
        close_desk(&desk, i % 2 ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON);
    }
    remove_desk(&desk);
}

/* ---- backups ---- */

struct trade {
    struct desk *desk;
    _Atomic int64_t deposited;
    atomic_bool ends;
};

static void *trade_on(void *arg)
{
    struct trade *trade = arg;
    while (!atomic_load(&trade->ends))
        run(trade->desk, 1, &trade->deposited);
    return NULL;
}

/* What was answered before it began is in it, and what is more is as it was decided. */
static void check_backup(const struct desk *desk, int64_t deposited)
{
    trading_error error;
    trading_copy told = TRADING_COPY_INIT;
    struct desk backup = make_desk(desk->partitions, 1);
    if (trading_store_backup(desk->host, desk->uri, backup.uri, NULL, &told, &error) || told.partitions != desk->partitions)
        fail("backup: %s", error.message);
    open_desk(&backup);
    check(&backup, deposited, true);
    close_desk(&backup, TRADING_CLOSE_DRAIN);
    remove_desk(&backup);
}

static void test_backups_beside_a_writer(uint32_t partitions)
{
    struct desk desk = make_desk(partitions, 17);
    struct trade trade = {.desk = &desk};
    pthread_t thread;
    open_desk(&desk);
    open_accounts(&desk, &trade.deposited);
    run(&desk, 20, &trade.deposited);
    if (pthread_create(&thread, NULL, trade_on, &trade))
        fail("no thread");
    for (int i = 0; i < 4; i++)
        check_backup(&desk, atomic_load(&trade.deposited));
    atomic_store(&trade.ends, true);
    pthread_join(thread, NULL);
    check(&desk, trade.deposited, false);
    close_desk(&desk, TRADING_CLOSE_DRAIN);
    remove_desk(&desk);
}

int main(void)
{
    test_count_is_fixed();
    for (uint32_t partitions = 1; partitions <= 4; partitions++)
        test_runs_and_reopens(partitions, 0);
    test_runs_and_reopens(3, TRADING_ENGINE_MANUAL);
    test_submissions_come_back_in_order();
    test_busy_is_all_or_nothing();
    test_submit_never_waits();
    test_backups_beside_a_writer(1);
    test_backups_beside_a_writer(3);
    test_kill(2, 6);
    test_kill(4, 6);
    return 0;
}
