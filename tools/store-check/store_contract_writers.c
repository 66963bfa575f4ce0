/* Several writers of one store, where its medium lets them in: the conditional append decides, and nobody else does. */
#include "store_trial.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void alternate(struct trial *trial)
{
    void *writers[2] = {trial_open(trial), trial_open(trial)};
    for (int64_t i = 0; i < 20; i++) {
        void *winner = writers[i % 2];
        void *loser = writers[(i + 1) % 2];
        append_one(trial, winner, 0, i, 1, 100);
        trading_store_commit late = {.first_position = i, .event_count = 1, .nonce = {{9}}, .data = "x", .size = 1};
        trading_store_head head = {0};
        ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(loser, 0, &late, 1, &head, &trial->error));
        trading_id nonce = nonce_of(0, i);
        CHECK(trial, head.next_position == i + 1 && memcmp(&head.nonce, &nonce, sizeof nonce) == 0);
        CHECK(trial, read_back(trial, loser, 0, 0, i + 1) == (uint64_t)(i + 1));
    }
    trial_close(trial, writers[0]);
    CHECK(trial, read_back(trial, writers[1], 0, 0, 20) == 20);
    append_one(trial, writers[1], 0, 20, 1, 100);
    trial_close(trial, writers[1]);
}

/* ---- a race ---- */

enum { RACERS = 3, RACE_COMMITS = 60 };

struct racer {
    struct trial *trial;
    uint32_t number;
    pthread_t thread;
    void *store;
    int64_t won;
    bool wrong;
};

/* Appends at the head until the journal is full; every racer draws nonces of its own. True when it did, false with what the store said. */
static bool race(struct racer *racer)
{
    const trading_store_ops *ops = racer->trial->ops;
    trading_error error = {0};
    trading_store_head head;
    int32_t code = ops->head(racer->store, 0, &head, &error);
    while (!code && head.next_position < RACE_COMMITS) {
        int64_t at = head.next_position;
        uint8_t bytes[500];
        fill_bytes(bytes, sizeof bytes, 0, at);
        trading_store_commit commit = {
            .first_position = at, .event_count = 1, .nonce = nonce_of(racer->number, at), .data = bytes, .size = sizeof bytes};
        code = ops->append(racer->store, 0, &commit, 1, &head, &error);
        racer->won += code == TRADING_OK;
        if (code == TRADING_E_POSITION && head.next_position > at)
            code = TRADING_OK;
    }
    if (code)
        fprintf(stderr, "racing for position %lld: %s: %s\n", (long long)head.next_position, trading_error_name(code),
                error.message);
    return code == TRADING_OK;
}

static void *race_in_thread(void *arg)
{
    struct racer *racer = arg;
    racer->wrong = !race(racer);
    return NULL;
}

/* That all positions are there, once each, whoever won them. */
static void expect_full(struct trial *trial, void *store)
{
    struct reading reading = reading_from(0, 0);
    reading.any_nonce = true;
    ANSWERS(trial, TRADING_OK, trial->ops->read(store, 0, 0, visit_reading, &reading, &trial->error));
    CHECK(trial, !reading.wrong && reading.commits == RACE_COMMITS && reading.next == RACE_COMMITS);
}

static void race_of_threads(struct trial *trial)
{
    struct racer racers[RACERS];
    int64_t won = 0;
    for (int i = 0; i < RACERS; i++)
        racers[i] = (struct racer){.trial = trial, .number = (uint32_t)i + 1, .store = trial_open(trial)};
    for (int i = 0; i < RACERS; i++)
        CHECK(trial, pthread_create(&racers[i].thread, NULL, race_in_thread, &racers[i]) == 0);
    for (int i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    for (int i = 0; i < RACERS; i++) {
        CHECK(trial, !racers[i].wrong);
        won += racers[i].won;
        expect_full(trial, racers[i].store);
        trial_close(trial, racers[i].store);
    }
    CHECK(trial, won == RACE_COMMITS);
}

static int race_in_process(struct trial *trial, int channel)
{
    (void)channel;
    struct racer racer = {.trial = trial, .number = (uint32_t)getpid()};
    if (trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &racer.store) || !race(&racer))
        return 255;
    trial_close(trial, racer.store);
    return (int)racer.won;
}

static void race_of_processes(struct trial *trial)
{
    pid_t children[RACERS];
    int won = 0;
    for (int i = 0; i < RACERS; i++)
        children[i] = start_child(trial, race_in_process, -1);
    for (int i = 0; i < RACERS; i++) {
        int its = wait_for(trial, children[i]);
        CHECK(trial, its <= RACE_COMMITS);
        won += its;
    }
    CHECK(trial, won == RACE_COMMITS);
    void *store = trial_open(trial);
    expect_full(trial, store);
    trial_close(trial, store);
}

const struct store_case writers_cases[] = {
    {"writers-alternate", alternate, STORE_CONTRACT_SHARED},
    {"writers-race-in-threads", race_of_threads, STORE_CONTRACT_SHARED},
    {"writers-race-in-processes", race_of_processes, STORE_CONTRACT_SHARED},
    {0},
};
