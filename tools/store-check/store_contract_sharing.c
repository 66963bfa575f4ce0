/* Reopening, several threads, several processes. */
#include "store_trial.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- reopening ---- */

static void reopened(struct trial *trial)
{
    static const int32_t durabilities[] = {TRADING_DURABILITY_SYNC, TRADING_DURABILITY_PROCESS, TRADING_DURABILITY_SYNC};
    int64_t next = 0;
    for (size_t round = 0; round < sizeof durabilities / sizeof *durabilities; round++) {
        void *store;
        ANSWERS(trial, TRADING_OK, trial_try_open(trial, 0, durabilities[round], &store));
        trading_store_head head;
        ANSWERS(trial, TRADING_OK, trial->ops->head(store, 6, &head, &trial->error));
        CHECK(trial, head.next_position == next);
        CHECK(trial, read_back(trial, store, 6, 0, next) == round * 40);
        for (int64_t i = 0; i < 40; i++, next += 2)
            append_one(trial, store, 6, next, 2, (size_t)(1 + i * 200));
        append_one(trial, store, (uint32_t)round + 100, 0, 1, 10);
        trial_close(trial, store);
    }
    void *store = trial_open(trial);
    CHECK(trial, read_back(trial, store, 6, 0, next) == 120);
    CHECK(trial, read_back(trial, store, 101, 0, 1) == 1);
    trading_store_commit late = {.first_position = 0, .event_count = 1, .data = "x", .size = 1};
    trading_store_head head;
    ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(store, 6, &late, 1, &head, &trial->error));
    trading_id nonce = nonce_of(6, next - 2);
    CHECK(trial, head.next_position == next && memcmp(&head.nonce, &nonce, sizeof nonce) == 0);
    trial_close(trial, store);
}

/* ---- threads ---- */

enum { THREAD_COMMITS = 600, READERS = 3 };

struct reader {
    struct trial *trial;
    void *store;
    pthread_t thread;
    _Atomic bool *finished;
    bool wrong;
    uint64_t rounds;
};

/* Reads all there is, again and again: whole commits, never fewer than before, never fewer than the head said. */
static void *read_repeatedly(void *arg)
{
    struct reader *reader = arg;
    const trading_store_ops *ops = reader->trial->ops;
    int64_t seen = 0;
    bool last = false;
    while (!reader->wrong && !last) {
        last = atomic_load(reader->finished);
        trading_store_head head;
        trading_error error = {0};
        int64_t from = (int64_t)(reader->rounds * 97) % (seen + 1);
        struct reading reading = reading_from(0, from);
        reader->wrong = ops->head(reader->store, 0, &head, &error) || head.next_position < seen ||
                        ops->read(reader->store, 0, from, visit_reading, &reading, &error) || reading.wrong;
        int64_t end = reading.commits ? reading.next : from;
        reader->wrong = reader->wrong || end < head.next_position;
        seen = end;
        reader->rounds++;
        if (reader->wrong)
            fprintf(stderr, "a reader beside the writer: %s\n", error.message);
    }
    return NULL;
}

static void read_beside_append(struct trial *trial)
{
    static _Atomic bool finished;
    atomic_store(&finished, false);
    void *store = trial_open(trial);
    struct reader readers[READERS];
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.trial = trial, .store = store, .finished = &finished};
        CHECK(trial, pthread_create(&readers[i].thread, NULL, read_repeatedly, &readers[i]) == 0);
    }
    for (int64_t i = 0, next = 0; i < THREAD_COMMITS; i++) {
        append_one(trial, store, 0, next, i % 3 + 1, (size_t)(i % 10 == 0 ? 20000 + i : 1 + i % 900));
        next += i % 3 + 1;
    }
    atomic_store(&finished, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i].thread, NULL);
    for (int i = 0; i < READERS; i++)
        CHECK(trial, !readers[i].wrong && readers[i].rounds > 0);
    trial_close(trial, store);
}

struct keeper {
    struct trial *trial;
    void *store;
    pthread_t thread;
    uint32_t number;
    bool wrong;
};

/* Puts, gets and drops snapshots and secrets of its own. */
static void *keep_repeatedly(void *arg)
{
    struct keeper *keeper = arg;
    const trading_store_ops *ops = keeper->trial->ops;
    trading_error error = {0};
    for (uint8_t i = 0; i < 20 && !keeper->wrong; i++) {
        trading_store_secret secret = {.name = {{(uint8_t)keeper->number, i}}, .value = {i, 1, 2}};
        uint8_t value[32] = {0};
        int64_t position;
        uint32_t chunks;
        keeper->wrong = ops->secret_put(keeper->store, &secret, 1, &error) ||
                        ops->secret_get(keeper->store, &secret.name, value, &error) || memcmp(value, secret.value, 32) != 0 ||
                        ops->snapshot_put(keeper->store, keeper->number, i, 0, "snapshot", 8, 1, &error) ||
                        ops->snapshot_find(keeper->store, keeper->number, 100, &position, &chunks, &error) || position != i ||
                        ops->snapshot_drop(keeper->store, keeper->number, i, &error) ||
                        ops->secret_delete(keeper->store, &secret.name, &error) ||
                        ops->secret_get(keeper->store, &secret.name, value, &error) != TRADING_E_NOT_FOUND;
    }
    if (keeper->wrong)
        fprintf(stderr, "keeping beside the writer: %s\n", error.message);
    return NULL;
}

static void keep_beside_append(struct trial *trial)
{
    void *store = trial_open(trial);
    struct keeper keepers[READERS];
    for (uint32_t i = 0; i < READERS; i++) {
        keepers[i] = (struct keeper){.trial = trial, .store = store, .number = i + 1};
        CHECK(trial, pthread_create(&keepers[i].thread, NULL, keep_repeatedly, &keepers[i]) == 0);
    }
    for (int64_t i = 0; i < 100; i++)
        append_one(trial, store, 0, i, 1, 3000);
    for (uint32_t i = 0; i < READERS; i++)
        pthread_join(keepers[i].thread, NULL);
    for (uint32_t i = 0; i < READERS; i++)
        CHECK(trial, !keepers[i].wrong);
    trial_close(trial, store);
}

/* A secret that others look for while it is put and deleted again and again. */
struct looker {
    struct trial *trial;
    void *store;
    pthread_t thread;
    _Atomic bool *finished;
    bool wrong;
};

static const trading_store_secret looked_for = {.name = {{9}}, .value = {7, 1, 2, 3}};

/* The whole value is there, or none. */
static void *look_repeatedly(void *arg)
{
    struct looker *looker = arg;
    while (!looker->wrong && !atomic_load(looker->finished)) {
        uint8_t value[32] = {0};
        trading_error error = {0};
        int32_t code = looker->trial->ops->secret_get(looker->store, &looked_for.name, value, &error);
        looker->wrong = code ? code != TRADING_E_NOT_FOUND : memcmp(value, looked_for.value, sizeof value) != 0;
        if (looker->wrong)
            fprintf(stderr, "looking for a secret beside its deletion: %s\n", code ? error.message : "another value");
    }
    return NULL;
}

static void get_beside_delete(struct trial *trial)
{
    static _Atomic bool finished;
    atomic_store(&finished, false);
    void *store = trial_open(trial);
    struct looker lookers[READERS];
    for (int i = 0; i < READERS; i++) {
        lookers[i] = (struct looker){.trial = trial, .store = store, .finished = &finished};
        CHECK(trial, pthread_create(&lookers[i].thread, NULL, look_repeatedly, &lookers[i]) == 0);
    }
    for (int i = 0; i < 50; i++) {
        ANSWERS(trial, TRADING_OK, trial->ops->secret_put(store, &looked_for, 1, &trial->error));
        ANSWERS(trial, TRADING_OK, trial->ops->secret_delete(store, &looked_for.name, &trial->error));
    }
    atomic_store(&finished, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(lookers[i].thread, NULL);
    for (int i = 0; i < READERS; i++)
        CHECK(trial, !lookers[i].wrong);
    trial_close(trial, store);
}

enum { SIDE_BY_SIDE = 5, SIDE_COMMITS = 60 };

/* One thread that appends to a partition of its own. */
struct appender {
    struct trial *trial;
    void *store;
    pthread_t thread;
    uint32_t partition;
    bool wrong;
};

/* Each position is taken once, and asked for too early before that: a conflict, whatever goes on in other partitions. */
static int32_t append_at(const struct appender *appender, int64_t position, trading_store_head *head, trading_error *error)
{
    uint8_t bytes[900];
    size_t size = (size_t)(position * 37 % (int64_t)sizeof bytes + 1);
    fill_bytes(bytes, size, appender->partition, position);
    trading_store_commit commit = {.first_position = position,
                                   .event_count = 1,
                                   .nonce = nonce_of(appender->partition, position),
                                   .data = bytes,
                                   .size = size};
    return appender->trial->ops->append(appender->store, appender->partition, &commit, 1, head, error);
}

static void *append_side_by_side(void *arg)
{
    struct appender *appender = arg;
    trading_error error = {0};
    for (int64_t i = 0; i < SIDE_COMMITS && !appender->wrong; i++) {
        trading_store_head head = {.next_position = -1};
        appender->wrong = append_at(appender, i + 1, &head, &error) != TRADING_E_POSITION || head.next_position != i ||
                          append_at(appender, i, &head, &error) != TRADING_OK || head.next_position != i + 1;
    }
    if (appender->wrong)
        fprintf(stderr, "appending beside other partitions: %s\n", error.message);
    return NULL;
}

static void partitions_side_by_side(struct trial *trial)
{
    void *store = trial_open(trial);
    struct appender appenders[SIDE_BY_SIDE];
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++) {
        appenders[i] = (struct appender){.trial = trial, .store = store, .partition = i};
        CHECK(trial, pthread_create(&appenders[i].thread, NULL, append_side_by_side, &appenders[i]) == 0);
    }
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++)
        pthread_join(appenders[i].thread, NULL);
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++)
        CHECK(trial, !appenders[i].wrong && read_back(trial, store, i, 0, SIDE_COMMITS) == SIDE_COMMITS);
    trial_close(trial, store);
}

/* ---- processes ---- */

static int open_as_writer(struct trial *trial, int channel)
{
    (void)channel;
    void *store;
    int32_t code = trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &store);
    return (int)code;
}

static void one_writer(struct trial *trial)
{
    void *store = trial_open(trial);
    append_one(trial, store, 0, 0, 1, 10);
    void *second;
    ANSWERS(trial, TRADING_E_LOCKED, trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &second));
    CHECK(trial, trial->error.flags & TRADING_ERROR_RETRYABLE);
    CHECK(trial, wait_for(trial, start_child(trial, open_as_writer, -1)) == TRADING_E_LOCKED);
    append_one(trial, store, 0, 1, 1, 10); /* the refused ones took nothing away */
    ANSWERS(trial, TRADING_E_LOCKED, trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &second));
    CHECK(trial, wait_for(trial, start_child(trial, open_as_writer, -1)) == TRADING_E_LOCKED);
    trial_close(trial, store);
    store = trial_open(trial);
    CHECK(trial, read_back(trial, store, 0, 0, 2) == 2);
    trial_close(trial, store);
}

static int sleep_in_another_program(struct trial *trial, int channel)
{
    (void)trial;
    (void)channel;
    execl("/bin/sh", "sh", "-c", "exec sleep 100", (char *)NULL);
    return 1;
}

static int sleep_here(struct trial *trial, int channel)
{
    (void)trial;
    char byte;
    return read(channel, &byte, 1) == 0 ? 0 : 1;
}

/* A child that outlives the store does not keep it locked. */
static void children_hold_nothing(struct trial *trial)
{
    int channel[2];
    CHECK(trial, pipe(channel) == 0);
    void *store = trial_open(trial);
    append_one(trial, store, 0, 0, 1, 10);
    pid_t other = start_child(trial, sleep_in_another_program, -1);
    pid_t copy = start_child(trial, sleep_here, channel[0]);
    trial_close(trial, store);
    store = trial_open(trial);
    append_one(trial, store, 0, 1, 1, 10);
    trial_close(trial, store);
    CHECK(trial, kill(other, SIGKILL) == 0 && kill(copy, SIGKILL) == 0);
    CHECK(trial, wait_for(trial, other) == 1000 + SIGKILL && wait_for(trial, copy) == 1000 + SIGKILL);
    close(channel[0]);
    close(channel[1]);
}

static int append_and_die(struct trial *trial, int channel)
{
    (void)channel;
    void *store;
    if (trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &store))
        return 1;
    append_one(trial, store, 0, 0, 4, 1000);
    append_one(trial, store, 0, 4, 1, 50000);
    raise(SIGKILL);
    return 2;
}

static void writer_dies(struct trial *trial)
{
    CHECK(trial, wait_for(trial, start_child(trial, append_and_die, -1)) == 1000 + SIGKILL);
    void *store = trial_open(trial);
    CHECK(trial, read_back(trial, store, 0, 0, 5) == 2);
    append_one(trial, store, 0, 5, 1, 10);
    trial_close(trial, store);
}

/* ---- read only ---- */

static void refuse_writes(struct trial *trial, void *store)
{
    const trading_store_ops *ops = trial->ops;
    trading_store_head head;
    ANSWERS(trial, TRADING_OK, ops->head(store, 0, &head, &trial->error));
    trading_store_commit commit = {.first_position = head.next_position, .event_count = 1, .data = "x", .size = 1};
    trading_store_secret secret = {.name = {{1}}};
    ANSWERS(trial, TRADING_E_READ_ONLY, ops->append(store, 0, &commit, 1, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_READ_ONLY, ops->snapshot_put(store, 0, 1, 0, "x", 1, 1, &trial->error));
    ANSWERS(trial, TRADING_E_READ_ONLY, ops->snapshot_drop(store, 0, 1, &trial->error));
    ANSWERS(trial, TRADING_E_READ_ONLY, ops->secret_put(store, &secret, 1, &trial->error));
    ANSWERS(trial, TRADING_E_READ_ONLY, ops->secret_delete(store, &secret.name, &trial->error));
    trading_store_info info = {.size = sizeof info};
    ANSWERS(trial, TRADING_OK, ops->info(store, &info, &trial->error));
    CHECK(trial, info.read_only == 1);
}

static void read_only(struct trial *trial)
{
    void *store;
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &store));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &store));
    store = trial_open(trial);
    append_one(trial, store, 0, 0, 3, 100);
    trial_close(trial, store);
    ANSWERS(trial, TRADING_OK, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &store));
    CHECK(trial, read_back(trial, store, 0, 0, 3) == 1);
    refuse_writes(trial, store);
    if (trial->ops->check)
        ANSWERS(trial, TRADING_OK, trial->ops->check(store, &trial->error));
    void *again; /* and more than once */
    ANSWERS(trial, TRADING_OK, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &again));
    CHECK(trial, read_back(trial, again, 0, 0, 3) == 1);
    trial_close(trial, store);
    CHECK(trial, read_back(trial, again, 0, 1, 3) == 1);
    trial_close(trial, again);
}

static void read_only_beside_writer(struct trial *trial)
{
    void *writer = trial_open(trial);
    append_one(trial, writer, 0, 0, 1, 100);
    void *reader;
    ANSWERS(trial, TRADING_OK, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &reader));
    for (int64_t i = 1; i < 100; i++) {
        append_one(trial, writer, 0, i, 1, (size_t)(i * 50));
        trading_store_head head;
        ANSWERS(trial, TRADING_OK, trial->ops->head(reader, 0, &head, &trial->error));
        CHECK(trial, head.next_position == i + 1);
        CHECK(trial, read_back(trial, reader, 0, i / 2, i + 1) == (uint64_t)(i + 1 - i / 2));
    }
    refuse_writes(trial, reader);
    trial_close(trial, reader);
    append_one(trial, writer, 0, 100, 1, 10);
    if (trial->contract->flags & STORE_CONTRACT_LOCKS) {
        void *second; /* closing the reader did not give the writer's lock away */
        ANSWERS(trial, TRADING_E_LOCKED, trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &second));
        CHECK(trial, wait_for(trial, start_child(trial, open_as_writer, -1)) == TRADING_E_LOCKED);
    }
    trial_close(trial, writer);
}

enum { SHARED_COMMITS = 400 };

/* Reads beside the writer in the other process until all is there. */
static int read_until_all(struct trial *trial, int channel)
{
    (void)channel;
    void *store;
    if (trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &store))
        return 2;
    int64_t seen = 0;
    while (seen < SHARED_COMMITS) {
        struct reading reading = reading_from(0, 0);
        trading_error error = {0};
        if (trial->ops->read(store, 0, 0, visit_reading, &reading, &error) || reading.wrong) {
            fprintf(stderr, "reading in another process: %s\n", error.message);
            return 3;
        }
        if (reading.next < seen)
            return 4;
        seen = reading.next;
    }
    trial_close(trial, store);
    return 0;
}

static void read_in_other_processes(struct trial *trial)
{
    void *writer = trial_open(trial);
    append_one(trial, writer, 0, 0, 1, 10);
    pid_t readers[2];
    for (int i = 0; i < 2; i++)
        readers[i] = start_child(trial, read_until_all, -1);
    for (int64_t i = 1; i < SHARED_COMMITS; i++)
        append_one(trial, writer, 0, i, 1, (size_t)(i % 17 == 0 ? 30000 : 1 + i % 1500));
    for (int i = 0; i < 2; i++)
        CHECK(trial, wait_for(trial, readers[i]) == 0);
    trial_close(trial, writer);
}

const struct store_case sharing_cases[] = {
    {"read-beside-append", read_beside_append, 0},
    {"keep-beside-append", keep_beside_append, 0},
    {"get-beside-delete", get_beside_delete, 0},
    {"partitions-side-by-side", partitions_side_by_side, 0},
    {"reopened", reopened, STORE_CONTRACT_LASTS},
    {"read-only", read_only, STORE_CONTRACT_LASTS},
    {"read-only-beside-writer", read_only_beside_writer, STORE_CONTRACT_OTHERS},
    {"one-writer", one_writer, STORE_CONTRACT_LOCKS},
    {"children-hold-nothing", children_hold_nothing, STORE_CONTRACT_LOCKS},
    {"writer-dies", writer_dies, STORE_CONTRACT_OTHERS},
    {"read-in-other-processes", read_in_other_processes, STORE_CONTRACT_OTHERS},
    {0},
};
