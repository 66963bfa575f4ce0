/* Partitions in engines of their own, each with its threads, under commands of several callers, with a carrier that loses, repeats and reorders
 * letters, and owners that are replaced while they work and come back too late. Meanwhile a reader proves all from the journals. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLERS = 3, ROUNDS = 1000, CHANGES = 12, PROOFS = 4 };

struct storm {
    struct cluster cluster;
    pthread_rwlock_t seats; /* who uses one holds it; who changes one holds it wholly */
    struct crowd crowd;
    _Atomic uint64_t keys;
    _Atomic int64_t deposited;
    _Atomic uint32_t working; /* callers */
    _Atomic uint32_t changes;
    _Atomic uint32_t proofs;
};

struct caller {
    struct storm *storm;
    pthread_t thread;
    struct chance chance;
};

static void pause_for(int64_t microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

/* ---- callers ---- */

/* Repeats what did not happen because the owner was replaced, under its key, with whoever owns the partition now. */
static trading_result execute_at_last(struct storm *storm, uint32_t partition, const trading_command *command)
{
    trading_result result;
    trading_error error;
    int32_t code;
    do {
        pthread_rwlock_rdlock(&storm->seats);
        code = trading_engine_execute(storm->cluster.seats[partition], command, 1, &result, &error);
        pthread_rwlock_unlock(&storm->seats);
        if (code == TRADING_E_FENCED && result.status != TRADING_STATUS_NONE)
            fail("a command that was fenced is answered %s", trading_status_name(result.status));
        if (code == TRADING_E_FENCED)
            pause_for(200);
    } while (code == TRADING_E_FENCED);
    if (code)
        fail("execute: %s", error.message);
    return result;
}

static trading_result execute(struct storm *storm, struct line *line)
{
    uint32_t partition;
    trading_error error;
    memcpy(line->command.key.bytes, &(uint64_t){1 + atomic_fetch_add(&storm->keys, 1)}, sizeof(uint64_t));
    if (line->command.body)
        line->command.body = &line->body;
    if (trading_command_partition(&line->command, storm->cluster.partitions, &partition, &error))
        fail("a command belongs nowhere: %s", error.message);
    if (partition != TRADING_EVERY_PARTITION)
        return execute_at_last(storm, partition, &line->command);
    for (uint32_t i = 1; i < storm->cluster.partitions; i++)
        execute_at_last(storm, i, &line->command);
    return execute_at_last(storm, 0, &line->command);
}

static void open_crowd(struct storm *storm)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof line.body.open);
        line.body.open.deposit = 10000 * ONE;
        trading_result result = execute(storm, &line);
        storm->crowd.accounts[i] = result.account;
        storm->crowd.portfolios[i] = result.portfolio;
        atomic_fetch_add(&storm->deposited, line.body.open.deposit);
    }
}

/* It goes on until enough has happened meanwhile. */
static bool is_young(struct storm *storm)
{
    return atomic_load(&storm->changes) < CHANGES || atomic_load(&storm->proofs) < PROOFS;
}

/* Ever longer, so that proofs and changes of owners keep up with what is appended, on however slow a machine. */
static void rest(int round)
{
    int longer = (round - ROUNDS) / 50;
    pause_for(round < ROUNDS ? 300 : 5000 * (longer < 99 ? 1 + longer : 100));
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct storm *storm = caller->storm;
    for (int i = 0; i < ROUNDS || is_young(storm); i++) {
        struct line line;
        line_make(&caller->chance, &storm->crowd, &line);
        rest(i);
        trading_result result = execute(storm, &line);
        bool done = result.status == TRADING_STATUS_ACCEPTED || result.status == TRADING_STATUS_DUPLICATE;
        if (line.command.type == TRADING_COMMAND_DEPOSIT && done)
            atomic_fetch_add(&storm->deposited, line.body.cash.amount);
        if (line.command.type == TRADING_COMMAND_DEPOSIT && !done)
            fail("a deposit is answered %s", trading_status_name(result.status));
    }
    atomic_fetch_sub(&storm->working, 1);
    return NULL;
}

/* ---- what happens meanwhile ---- */

static void *carry(void *arg)
{
    struct storm *storm = arg;
    for (uint32_t round = 0; atomic_load(&storm->working); round++) {
        pthread_rwlock_rdlock(&storm->seats);
        for (uint32_t i = 0; i < storm->cluster.partitions; i++)
            cluster_collect(&storm->cluster, storm->cluster.seats[i]);
        cluster_deliver(&storm->cluster);
        if (round % 16 == 0)
            cluster_hint(&storm->cluster);
        pthread_rwlock_unlock(&storm->seats);
        pause_for(100);
    }
    return NULL;
}

static void *look(void *arg)
{
    struct storm *storm = arg;
    while (atomic_load(&storm->working)) {
        pthread_rwlock_rdlock(&storm->seats);
        cluster_look(&storm->cluster);
        pthread_rwlock_unlock(&storm->seats);
        pause_for(3000);
    }
    return NULL;
}

static void *prove(void *arg)
{
    struct storm *storm = arg;
    while (atomic_load(&storm->working)) {
        cluster_verify(&storm->cluster);
        atomic_fetch_add(&storm->proofs, 1);
    }
    return NULL;
}

/* An owner is paused, another takes over and claims the partition with a commit, and the first comes back. */
static void change_owner(struct storm *storm, uint32_t partition)
{
    trading_engine *old = storm->cluster.seats[partition];
    trading_engine *new = cluster_engine(&storm->cluster, partition);
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.name = (trading_text){.data = "owner", .length = 5};
    trading_command claim = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    trading_result result;
    int32_t code = trading_engine_execute(new, &claim, 1, &result, NULL);
    pause_for(500);
    pthread_rwlock_wrlock(&storm->seats);
    storm->cluster.seats[partition] = code ? old : new; /* where the old one was quicker the new one is fenced */
    pthread_rwlock_unlock(&storm->seats);
    trading_error error;
    int32_t closed = trading_engine_close(code ? new : old, TRADING_CLOSE_DRAIN, &error);
    if ((code && code != TRADING_E_FENCED) || closed)
        fail("an owner is not replaced: %s", trading_error_name(code ? code : closed));
    atomic_fetch_add(&storm->changes, code == TRADING_OK);
}

static void *change(void *arg)
{
    struct storm *storm = arg;
    struct chance chance = {77};
    while (atomic_load(&storm->working)) {
        pause_for(5000);
        change_owner(storm, (uint32_t)chance_below(&chance, storm->cluster.partitions));
    }
    return NULL;
}

/* ---- the end ---- */

struct sums {
    int64_t bank;
    int64_t clearing;
    int64_t all;
};

static int64_t total_of(const trading_total *total)
{
    trading_decimal value;
    if (trading_decimal_parse(total->text, strlen(total->text), &value))
        fail("a total is no decimal: %s", total->text);
    return value;
}

static struct sums sums_of(struct storm *storm)
{
    struct sums sums = {0};
    for (uint32_t i = 0; i < storm->cluster.partitions; i++) {
        trading_view *view;
        trading_ledger ledger = TRADING_LEDGER_INIT;
        uint64_t cursor = 0;
        if (trading_view_open(&view, storm->cluster.seats[i], TRADING_VIEW_NOW, NULL))
            fail("no view");
        while (trading_view_ledger(view, &cursor, &ledger, NULL) == TRADING_OK) {
            sums.bank += total_of(&ledger.bank);
            sums.clearing += total_of(&ledger.clearing);
            sums.all +=
                total_of(&ledger.customers) + total_of(&ledger.house) + total_of(&ledger.bank) + total_of(&ledger.clearing);
        }
        trading_view_close(view);
    }
    return sums;
}

/* Only the journals are left to carry what is on its way: until as many looks as a message has steps find nothing. */
static void settle(struct storm *storm)
{
    uint64_t read = 0;
    for (uint32_t quiet = 0; quiet < 8; quiet++) {
        uint64_t now = 0;
        cluster_look(&storm->cluster);
        for (uint32_t i = 0; i < storm->cluster.partitions; i++) {
            trading_engine_info info = TRADING_ENGINE_INFO_INIT;
            struct line line;
            line_set(&line, TRADING_COMMAND_END_SESSION, 0); /* behind whatever the look brought */
            trading_result result;
            if (trading_engine_execute(storm->cluster.seats[i], &line.command, 1, &result, NULL))
                fail("an engine does not go on");
            trading_engine_get_info(storm->cluster.seats[i], &info, NULL);
            now += info.letters_read;
        }
        quiet = now == read ? quiet : 0;
        read = now;
    }
}

static void test_storm(uint32_t partitions)
{
    static struct storm storm;
    struct caller callers[CALLERS];
    void *(*const others[])(void *) = {carry, look, prove, change};
    pthread_t threads[sizeof others / sizeof *others];
    memset(&storm, 0, sizeof storm);
    cluster_open(&storm.cluster, partitions, 0, partitions);
    pthread_rwlock_init(&storm.seats, NULL);
    open_crowd(&storm);
    atomic_store(&storm.working, CALLERS);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        pthread_create(&threads[i], NULL, others[i], &storm);
    for (uint64_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.storm = &storm, .chance = {partitions * 100 + i}};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        pthread_join(threads[i], NULL);
    settle(&storm);
    cluster_verify(&storm.cluster);
    struct sums sums = sums_of(&storm);
    if (sums.all || sums.clearing || -sums.bank != atomic_load(&storm.deposited))
        fail("%lld was deposited, the bank paid %lld, and %lld is on its way", (long long)atomic_load(&storm.deposited),
             (long long)-sums.bank, (long long)sums.clearing);
    pthread_rwlock_destroy(&storm.seats);
    cluster_close(&storm.cluster);
}

int main(void)
{
    for (uint32_t partitions = 2; partitions <= 4; partitions++)
        test_storm(partitions);
    return 0;
}
