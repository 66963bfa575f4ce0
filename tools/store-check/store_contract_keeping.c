/* Snapshots and secrets. */
#include "store_trial.h"

#include <stdlib.h>
#include <string.h>

/* ---- snapshots ---- */

struct taken {
    uint64_t size;
    unsigned calls;
    bool right;
    uint32_t partition;
    int64_t mark;
};

static void take(void *arg, const void *data, uint64_t size)
{
    struct taken *taken = arg;
    taken->size = size;
    taken->calls++;
    taken->right = bytes_are_right(data, size, taken->partition, taken->mark);
}

/* The chunk's bytes follow from the partition, the position and which chunk it is. */
static int64_t mark_of(int64_t position, uint32_t chunk)
{
    return position * 1000 + chunk;
}

static void put_chunk(struct trial *trial, void *store, uint32_t partition, int64_t position, uint32_t chunk, size_t size,
                      bool last)
{
    uint8_t *bytes = malloc(size + 1);
    CHECK(trial, bytes);
    fill_bytes(bytes, size, partition, mark_of(position, chunk));
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_put(store, partition, position, chunk, bytes, size, last, &trial->error));
    free(bytes);
}

static void expect_chunk(struct trial *trial, void *store, uint32_t partition, int64_t position, uint32_t chunk, size_t size)
{
    struct taken taken = {.partition = partition, .mark = mark_of(position, chunk)};
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_get(store, partition, position, chunk, take, &taken, &trial->error));
    CHECK(trial, taken.calls == 1 && taken.right && taken.size == size);
}

static void expect_newest(struct trial *trial, void *store, uint32_t partition, int64_t at_most, int64_t position,
                          uint32_t chunks)
{
    int64_t found = -5;
    uint32_t count = 0;
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_find(store, partition, at_most, &found, &count, &trial->error));
    CHECK(trial, found == position && count == chunks);
}

static void expect_none(struct trial *trial, void *store, uint32_t partition, int64_t at_most)
{
    int64_t found;
    uint32_t count;
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->snapshot_find(store, partition, at_most, &found, &count, &trial->error));
}

static void snapshots(struct trial *trial)
{
    void *store = trial_open(trial);
    expect_none(trial, store, 0, INT64_MAX);
    put_chunk(trial, store, 0, 10, 0, 1000, true);
    put_chunk(trial, store, 0, 30, 0, 1, false);
    put_chunk(trial, store, 0, 30, 1, 4 << 20, false);
    put_chunk(trial, store, 0, 30, 2, 0, false);
    put_chunk(trial, store, 0, 30, 3, 77777, true);
    put_chunk(trial, store, 4, 20, 0, 5, true);
    expect_newest(trial, store, 0, INT64_MAX, 30, 4);
    expect_newest(trial, store, 0, 30, 30, 4);
    expect_newest(trial, store, 0, 29, 10, 1);
    expect_newest(trial, store, 0, 10, 10, 1);
    expect_none(trial, store, 0, 9);
    expect_none(trial, store, 0, -1);
    expect_newest(trial, store, 4, 1000, 20, 1);
    expect_none(trial, store, 3, INT64_MAX);
    expect_chunk(trial, store, 0, 10, 0, 1000);
    expect_chunk(trial, store, 0, 30, 1, 4 << 20);
    expect_chunk(trial, store, 0, 30, 2, 0);
    expect_chunk(trial, store, 0, 30, 3, 77777);
    expect_chunk(trial, store, 4, 20, 0, 5);
    struct taken taken = {0};
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->snapshot_get(store, 0, 30, 4, take, &taken, &trial->error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->snapshot_get(store, 0, 11, 0, take, &taken, &trial->error));
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->snapshot_get(store, 9, 10, 0, take, &taken, &trial->error));
    CHECK(trial, taken.calls == 0);
    trial_close(trial, store);
}

static void snapshot_unfinished(struct trial *trial)
{
    void *store = trial_open(trial);
    put_chunk(trial, store, 0, 5, 0, 50, true);
    put_chunk(trial, store, 0, 8, 0, 500, false);
    put_chunk(trial, store, 0, 8, 1, 500, false);
    put_chunk(trial, store, 1, 9, 0, 500, false); /* of another partition: neither disturbs the other */
    expect_newest(trial, store, 0, INT64_MAX, 5, 1);
    struct taken taken = {0};
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->snapshot_get(store, 0, 8, 0, take, &taken, &trial->error));
    put_chunk(trial, store, 0, 12, 0, 60, false); /* the one at 8 is forgotten */
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->snapshot_put(store, 0, 8, 2, "x", 1, 1, &trial->error));
    put_chunk(trial, store, 0, 12, 1, 70, true);
    put_chunk(trial, store, 1, 9, 1, 10, true);
    expect_newest(trial, store, 0, INT64_MAX, 12, 2);
    expect_newest(trial, store, 0, 11, 5, 1);
    expect_newest(trial, store, 1, INT64_MAX, 9, 2);
    put_chunk(trial, store, 0, 20, 0, 60, false); /* left unfinished at close */
    trial_close(trial, store);
}

static void snapshot_misused(struct trial *trial)
{
    const trading_store_ops *ops = trial->ops;
    void *store = trial_open(trial);
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_put(store, 0, 5, 1, "x", 1, 0, &trial->error));
    put_chunk(trial, store, 0, 5, 0, 10, false);
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_put(store, 0, 5, 2, "x", 1, 0, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_put(store, 0, 6, 1, "x", 1, 0, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_put(store, 0, 5, 1, NULL, 1, 0, &trial->error));
    put_chunk(trial, store, 0, 5, 1, 10, true);
    expect_newest(trial, store, 0, 5, 5, 2);
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_put(store, 0, -1, 0, "x", 1, 1, &trial->error));
    int64_t position;
    uint32_t chunks;
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_find(store, 0, 1, NULL, &chunks, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_find(store, 0, 1, &position, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_get(store, 0, 5, 0, NULL, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->snapshot_drop(store, 0, -1, &trial->error));
    trial_close(trial, store);
}

static void snapshot_replaced_and_dropped(struct trial *trial)
{
    void *store = trial_open(trial);
    put_chunk(trial, store, 0, 7, 0, 100, false);
    put_chunk(trial, store, 0, 7, 1, 100, true);
    put_chunk(trial, store, 0, 7, 0, 30, true);
    expect_newest(trial, store, 0, INT64_MAX, 7, 1);
    expect_chunk(trial, store, 0, 7, 0, 30);
    put_chunk(trial, store, 0, 9, 0, 30, true);
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_drop(store, 0, 9, &trial->error));
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_drop(store, 0, 9, &trial->error));
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_drop(store, 1, 7, &trial->error));
    expect_newest(trial, store, 0, INT64_MAX, 7, 1);
    ANSWERS(trial, TRADING_OK, trial->ops->snapshot_drop(store, 0, 7, &trial->error));
    expect_none(trial, store, 0, INT64_MAX);
    trial_close(trial, store);
}

/* ---- secrets ---- */

static trading_store_secret secret_of(uint32_t number, uint32_t version)
{
    trading_store_secret secret;
    fill_bytes(&secret.name, sizeof secret.name, 1, number);
    fill_bytes(secret.value, sizeof secret.value, 2 + version, number);
    return secret;
}

static void expect_secret(struct trial *trial, void *store, uint32_t number, uint32_t version)
{
    trading_store_secret secret = secret_of(number, version);
    uint8_t value[32] = {0};
    ANSWERS(trial, TRADING_OK, trial->ops->secret_get(store, &secret.name, value, &trial->error));
    CHECK(trial, memcmp(value, secret.value, sizeof value) == 0);
}

static void expect_no_secret(struct trial *trial, void *store, uint32_t number)
{
    trading_store_secret secret = secret_of(number, 0);
    uint8_t value[32];
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->secret_get(store, &secret.name, value, &trial->error));
}

static void put_secret(struct trial *trial, void *store, uint32_t number, uint32_t version)
{
    trading_store_secret secret = secret_of(number, version);
    ANSWERS(trial, TRADING_OK, trial->ops->secret_put(store, &secret, 1, &trial->error));
}

static void delete_secret(struct trial *trial, void *store, uint32_t number)
{
    trading_store_secret secret = secret_of(number, 0);
    ANSWERS(trial, TRADING_OK, trial->ops->secret_delete(store, &secret.name, &trial->error));
}

static void secrets(struct trial *trial)
{
    void *store = trial_open(trial);
    expect_no_secret(trial, store, 1);
    delete_secret(trial, store, 1);
    put_secret(trial, store, 1, 0);
    put_secret(trial, store, 2, 0);
    expect_secret(trial, store, 1, 0);
    put_secret(trial, store, 1, 1);
    expect_secret(trial, store, 1, 1);
    expect_secret(trial, store, 2, 0);
    delete_secret(trial, store, 1);
    expect_no_secret(trial, store, 1);
    delete_secret(trial, store, 1);
    expect_secret(trial, store, 2, 0);
    put_secret(trial, store, 1, 2);
    expect_secret(trial, store, 1, 2);
    trial_close(trial, store);
}

static void secrets_in_bulk(struct trial *trial)
{
    enum { COUNT = 3000 };
    void *store = trial_open(trial);
    trading_store_secret *list = calloc(COUNT, sizeof *list);
    CHECK(trial, list);
    for (uint32_t i = 0; i < COUNT; i++)
        list[i] = secret_of(i, i % 3);
    ANSWERS(trial, TRADING_OK, trial->ops->secret_put(store, list, COUNT, &trial->error));
    list[0] = secret_of(5000, 0);
    list[1] = secret_of(7, 9);
    list[2] = secret_of(5000, 1); /* of two with one name the later counts */
    ANSWERS(trial, TRADING_OK, trial->ops->secret_put(store, list, 3, &trial->error));
    expect_secret(trial, store, 5000, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        expect_secret(trial, store, i, i == 7 ? 9 : i % 3);
    for (uint32_t i = 0; i < COUNT; i += 100)
        delete_secret(trial, store, i);
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % 100 == 0)
            expect_no_secret(trial, store, i);
        else
            expect_secret(trial, store, i, i == 7 ? 9 : i % 3);
    }
    free(list);
    trial_close(trial, store);
}

static int32_t add_secret(struct trial *trial, void *store, uint32_t number, uint32_t version)
{
    trading_store_secret secret = secret_of(number, version);
    return trial->ops->secret_add(store, &secret, 1, &trial->error);
}

/* What several writers may make at once is made by the first. */
static void secrets_added(struct trial *trial)
{
    enum { COUNT = 100 };
    if (!trial->ops->secret_add)
        return;
    void *store = trial_open(trial);
    trading_store_secret list[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        list[i] = secret_of(i, 0);
    CHECK(trial, add_secret(trial, store, 1, 0) == TRADING_OK);
    CHECK(trial, add_secret(trial, store, 1, 0) == TRADING_OK);
    CHECK(trial, add_secret(trial, store, 1, 1) == TRADING_E_BUSY);
    expect_secret(trial, store, 1, 0);
    ANSWERS(trial, TRADING_OK, trial->ops->secret_add(store, list, COUNT, &trial->error));
    for (uint32_t i = 0; i < COUNT; i++)
        expect_secret(trial, store, i, 0);
    list[COUNT / 2] = secret_of(COUNT / 2, 1);
    ANSWERS(trial, TRADING_E_BUSY, trial->ops->secret_add(store, list, COUNT, &trial->error));
    expect_secret(trial, store, COUNT / 2, 0);
    for (uint32_t version = 2; version < 20;
         version++) { /* often: what is added is not to be hidden by what was deleted just before */
        delete_secret(trial, store, 1);
        CHECK(trial, add_secret(trial, store, 1, version) == TRADING_OK);
        expect_secret(trial, store, 1, version);
    }
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->secret_add(store, NULL, 1, &trial->error));
    trial_close(trial, store);
}

static void secrets_misused(struct trial *trial)
{
    const trading_store_ops *ops = trial->ops;
    void *store = trial_open(trial);
    trading_store_secret secret = secret_of(1, 0);
    ANSWERS(trial, TRADING_OK, ops->secret_put(store, &secret, 0, &trial->error));
    ANSWERS(trial, TRADING_OK, ops->secret_put(store, NULL, 0, &trial->error));
    expect_no_secret(trial, store, 1);
    ANSWERS(trial, TRADING_E_INVALID, ops->secret_put(store, NULL, 1, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->secret_get(store, NULL, secret.value, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->secret_get(store, &secret.name, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, ops->secret_delete(store, NULL, &trial->error));
    trial_close(trial, store);
}

/* ---- and that they last ---- */

static void kept(struct trial *trial)
{
    void *store = trial_open(trial);
    put_chunk(trial, store, 2, 10, 0, 1000, false);
    put_chunk(trial, store, 2, 10, 1, 100000, true);
    put_chunk(trial, store, 2, 11, 0, 1000, false);
    for (uint32_t i = 0; i < 50; i++)
        put_secret(trial, store, i, 0);
    delete_secret(trial, store, 20);
    put_secret(trial, store, 21, 1);
    trial_close(trial, store);
    for (int round = 0; round < 2; round++) {
        store = trial_open(trial);
        expect_newest(trial, store, 2, INT64_MAX, 10, 2);
        expect_chunk(trial, store, 2, 10, 0, 1000);
        expect_chunk(trial, store, 2, 10, 1, 100000);
        ANSWERS(trial, TRADING_E_INVALID, trial->ops->snapshot_put(store, 2, 11, 1, "x", 1, 1, &trial->error));
        expect_secret(trial, store, 0, 0);
        expect_secret(trial, store, 21, 1);
        expect_secret(trial, store, 49, 0);
        expect_no_secret(trial, store, 20);
        put_secret(trial, store, 60, (uint32_t)round);
        expect_secret(trial, store, 60, (uint32_t)round);
        trial_close(trial, store);
    }
    ANSWERS(trial, TRADING_OK, trial_try_open(trial, TRADING_STORE_READ_ONLY, TRADING_DURABILITY_SYNC, &store));
    expect_newest(trial, store, 2, INT64_MAX, 10, 2);
    expect_chunk(trial, store, 2, 10, 1, 100000);
    expect_secret(trial, store, 60, 1);
    expect_no_secret(trial, store, 20);
    trial_close(trial, store);
}

const struct store_case keeping_cases[] = {
    {"snapshots", snapshots, 0},
    {"snapshot-unfinished", snapshot_unfinished, 0},
    {"snapshot-misused", snapshot_misused, 0},
    {"snapshot-replaced-and-dropped", snapshot_replaced_and_dropped, 0},
    {"secrets", secrets, 0},
    {"secrets-in-bulk", secrets_in_bulk, 0},
    {"secrets-added", secrets_added, 0},
    {"secrets-misused", secrets_misused, 0},
    {"kept", kept, STORE_CONTRACT_LASTS},
    {0},
};
