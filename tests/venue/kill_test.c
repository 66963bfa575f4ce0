/* Kills a process that routes orders at every point where it meets the venue, and at random moments, and looks whether everything that the
 * venue executed is booked, once. */
#include "house.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUYS = 10, SALE = 20, RANDOM_TRIALS = 25 };

static const char *const symbols[] = {"FILL", "REST", "NO", "OLD", "PART"};
#define SYMBOLS (sizeof symbols / sizeof *symbols)

struct trial {
    char folder[64];
    struct market *market;
    int kills;
};

/* ---- what a process does: the same again, until all of it is done ---- */

static void open_house(struct house *house, const struct trial *trial)
{
    *house = (struct house){.options = TRADING_ROUTER_OPTIONS_INIT};
    house->options.acknowledge = 1;
    house->options.batch = 3;
    MUST(trading_host_open(&house->desk.host, NULL, NULL) == TRADING_OK);
    MUST(market_register(house->desk.host, trial->market, NULL) == TRADING_OK);
    snprintf(house->desk.uri, sizeof house->desk.uri, "lmdb:%s/store", trial->folder);
    desk_start(&house->desk, 0);
    house_client(house);
    house_open(house, "market:");
}

static trading_id route_buy(struct house *house, int number)
{
    return house_route(house, number, symbols[(size_t)number % SYMBOLS], TRADING_SIDE_BUY, 7, 10 * ONE);
}

static void trade(const struct trial *trial)
{
    struct house house;
    open_house(&house, trial);
    for (int i = 0; i < BUYS; i++)
        route_buy(&house, i);
    house_run(&house);
    house_route(&house, SALE, "FILL", TRADING_SIDE_SELL, 5, 0);
    for (int i = 0; i < BUYS; i++) {
        trading_id order = route_buy(&house, i);
        house_cancel(&house, i, &order);
    }
    for (int i = 0; house_info(&house).open && i < 10; i++)
        house_run(&house);
    _exit(house_info(&house).open || house.refused); /* nothing is closed: it may end at any time */
}

/* Every order stands as the market has it. */
static void check(const struct trial *trial)
{
    struct house house;
    open_house(&house, trial);
    for (int i = 0; i <= SALE; i = i == BUYS - 1 ? SALE : i + 1) {
        trading_id id = i == SALE ? house_route(&house, i, "FILL", TRADING_SIDE_SELL, 5, 0) : route_buy(&house, i);
        trading_order order = house_order(&house, &id);
        const struct market_order *there = house_at_market(trial->market, &id);
        MUST(there != NULL);
        int32_t status = there->status == TRADING_ORDER_STATUS_REJECTED ? TRADING_ORDER_STATUS_CANCELED : there->status;
        MUST(order.status == status && order.filled_quantity == there->filled);
        MUST(order.execution_count == (uint32_t)there->trade_count && order.held == 0);
    }
    MUST(trial->market->count == BUYS + 1);
    house_verify(&house);
    house_shut(&house);
    desk_close(&house.desk);
    _exit(0);
}

/* ---- running and killing it ---- */

static pid_t start(const struct trial *trial, void (*run)(const struct trial *))
{
    pid_t child = fork();
    if (child == 0)
        run(trial);
    return child;
}

/* Whether it was killed; else it must have done all. */
static bool was_killed(struct trial *trial, pid_t child)
{
    int status;
    MUST(waitpid(child, &status, 0) == child);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    trial->kills += killed;
    MUST(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return killed;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static struct trial begin(void)
{
    struct trial trial = {.folder = "/tmp/trading-venue-XXXXXX", .market = market_make()};
    MUST(mkdtemp(trial.folder) != NULL);
    return trial;
}

static void finish(struct trial *trial)
{
    trial->market->kill_after = 0;
    while (was_killed(trial, start(trial, trade)))
        ;
    MUST(!was_killed(trial, start(trial, check)));
    nftw(trial->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    market_free(trial->market);
}

static int64_t count_points(void)
{
    struct trial trial = begin();
    MUST(!was_killed(&trial, start(&trial, trade)));
    int64_t points = trial.market->points;
    finish(&trial);
    return points;
}

static void test_killed_at_every_point(void **state)
{
    (void)state;
    int64_t points = count_points();
    assert_true(points > 40);
    for (int64_t i = 1; i <= points; i++) {
        struct trial trial = begin();
        trial.market->kill_after = i;
        assert_true(was_killed(&trial, start(&trial, trade)));
        finish(&trial);
    }
}

/* So that it comes forward by a few points each time. */
static void test_killed_again_and_again(void **state)
{
    (void)state;
    for (int64_t apart = 5; apart <= 15; apart += 5) {
        struct trial trial = begin();
        do
            trial.market->kill_after = trial.market->points + apart + 25;
        while (was_killed(&trial, start(&trial, trade)) && trial.kills < 30);
        assert_true(trial.kills > 0);
        finish(&trial);
    }
}

/* Of a process that is left alone, in microseconds. */
static unsigned time_alone(void)
{
    struct trial trial = begin();
    struct timespec began;
    struct timespec ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    MUST(!was_killed(&trial, start(&trial, trade)));
    clock_gettime(CLOCK_MONOTONIC, &ended);
    finish(&trial);
    return (unsigned)((ended.tv_sec - began.tv_sec) * 1000000 + (ended.tv_nsec - began.tv_nsec) / 1000) + 1;
}

static void test_killed_at_random(void **state)
{
    (void)state;
    unsigned long_enough = time_alone();
    unsigned chance = 1;
    int kills = 0;
    for (int i = 0; i < RANDOM_TRIALS; i++) {
        struct trial trial = begin();
        for (int k = 0; k < 3; k++) {
            pid_t child = start(&trial, trade);
            chance = chance * 1103515245u + 12345u;
            usleep((chance >> 8) % long_enough);
            kill(child, SIGKILL);
            was_killed(&trial, child);
        }
        kills += trial.kills;
        finish(&trial);
    }
    assert_true(kills > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_point),
        cmocka_unit_test(test_killed_again_and_again),
        cmocka_unit_test(test_killed_at_random),
    };
    return cmocka_run_group_tests_name("router-kill", tests, NULL, NULL);
}
