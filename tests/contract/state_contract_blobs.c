/* Blobs: there when they are sealed and not before, whole, until they are dropped; and for who has mapped them, longer. */
#include "state_trial.h"

#include <pthread.h>

static uint8_t byte_at(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at * 7 + at / 251);
}

static void *create(struct trial *trial, void *store, uint64_t number)
{
    void *blob = NULL;
    CHECK(trial, trial->ops->blob_create(store, number, &blob, &trial->error) == TRADING_OK);
    return blob;
}

/* Appends `size` bytes in pieces; those of the blob `number`. */
static void append(struct trial *trial, void *blob, uint64_t number, size_t size, size_t piece)
{
    uint8_t *bytes = malloc(size + 1);
    CHECK(trial, bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(number, i);
    for (size_t at = 0; at < size; at += piece)
        CHECK(trial,
              trial->ops->blob_append(blob, bytes + at, piece < size - at ? piece : size - at, &trial->error) == TRADING_OK);
    free(bytes);
}

static void make(struct trial *trial, void *store, uint64_t number, size_t size)
{
    void *blob = create(trial, store, number);
    append(trial, blob, number, size, 100000);
    CHECK(trial, trial->ops->blob_seal(blob, &trial->error) == TRADING_OK);
}

static bool is_whole(const struct state_blob *blob, uint64_t number, size_t size)
{
    bool same = blob->size == size && blob->bytes;
    for (size_t i = 0; same && i < size; i++)
        same = blob->bytes[i] == byte_at(number, i);
    return same;
}

static struct state_blob map(struct trial *trial, void *store, uint64_t number)
{
    struct state_blob blob;
    CHECK(trial, trial->ops->blob_map(store, number, &blob, &trial->error) == TRADING_OK);
    return blob;
}

static bool holds(struct trial *trial, void *store, uint64_t number, size_t size)
{
    struct state_blob blob = map(trial, store, number);
    bool whole = is_whole(&blob, number, size);
    trial->ops->blob_unmap(store, &blob);
    return whole;
}

static bool lacks(struct trial *trial, void *store, uint64_t number)
{
    struct state_blob blob;
    return trial->ops->blob_map(store, number, &blob, &trial->error) == TRADING_E_NOT_FOUND;
}

struct numbers {
    uint64_t sum;
    uint64_t count;
    uint64_t most;
};

static int take_number(void *arg, uint64_t number)
{
    struct numbers *numbers = arg;
    numbers->sum += number;
    return ++numbers->count == numbers->most;
}

static bool lists(struct trial *trial, void *store, uint64_t count, uint64_t sum)
{
    struct numbers numbers = {0};
    CHECK(trial, trial->ops->blob_list(store, take_number, &numbers, &trial->error) == TRADING_OK);
    return numbers.count == count && numbers.sum == sum;
}

static void sealed(struct trial *trial)
{
    void *store = open_store(trial);
    CHECK(trial, lists(trial, store, 0, 0) && lacks(trial, store, 0));
    void *blob = create(trial, store, 7);
    append(trial, blob, 7, 10000, 3);
    CHECK(trial, lacks(trial, store, 7) && lists(trial, store, 0, 0));
    CHECK(trial, trial->ops->blob_seal(blob, &trial->error) == TRADING_OK);
    CHECK(trial, holds(trial, store, 7, 10000));
    make(trial, store, 0, 0);
    make(trial, store, UINT64_MAX, 9 << 20);
    CHECK(trial, holds(trial, store, 0, 0) && holds(trial, store, UINT64_MAX, 9 << 20));
    CHECK(trial, lists(trial, store, 3, 6)); /* 7 − 1 */
    struct numbers first = {.most = 1};
    CHECK(trial, trial->ops->blob_list(store, take_number, &first, &trial->error) == TRADING_OK && first.count == 1);
    CHECK(trial, trial->ops->blob_drop(store, 7, &trial->error) == TRADING_OK);
    CHECK(trial, trial->ops->blob_drop(store, 7, &trial->error) == TRADING_OK);
    CHECK(trial, lacks(trial, store, 7) && lists(trial, store, 2, UINT64_MAX));
    trial->ops->close(store);
}

static void abandoned(struct trial *trial)
{
    void *store = open_store(trial);
    make(trial, store, 3, 100);
    void *blob = create(trial, store, 3);
    append(trial, blob, 4, 5000, 5000);
    trial->ops->blob_abandon(blob);
    CHECK(trial, holds(trial, store, 3, 100) && lists(trial, store, 1, 3));
    blob = create(trial, store, 5);
    trial->ops->blob_abandon(blob);
    CHECK(trial, lacks(trial, store, 5));
    trial->ops->close(store);
}

static void mapped_longer(struct trial *trial)
{
    void *store = open_store(trial);
    make(trial, store, 1, 70000);
    make(trial, store, 2, 70000);
    struct state_blob first = map(trial, store, 1);
    struct state_blob again = map(trial, store, 1);
    struct state_blob second = map(trial, store, 2);
    void *blob = create(trial, store, 1); /* replaces it at once */
    append(trial, blob, 1, 300, 300);
    CHECK(trial, holds(trial, store, 1, 70000));
    CHECK(trial, trial->ops->blob_seal(blob, &trial->error) == TRADING_OK);
    CHECK(trial, holds(trial, store, 1, 300));
    CHECK(trial, trial->ops->blob_drop(store, 2, &trial->error) == TRADING_OK && lacks(trial, store, 2));
    CHECK(trial, is_whole(&first, 1, 70000) && is_whole(&again, 1, 70000) && is_whole(&second, 2, 70000));
    trial->ops->blob_unmap(store, &first);
    CHECK(trial, is_whole(&again, 1, 70000));
    trial->ops->blob_unmap(store, &again);
    trial->ops->blob_unmap(store, &second);
    CHECK(trial, lists(trial, store, 1, 1));
    trial->ops->close(store);
}

struct maker {
    struct trial *trial;
    void *store;
    uint64_t number;
    bool wrong;
};

/* Each blob is replaced by longer and shorter ones over and over, and whoever maps it sees one of them whole. */
static void *make_over_and_over(void *arg)
{
    struct maker *maker = arg;
    const struct state_store_ops *ops = maker->trial->ops;
    trading_error error;
    for (uint32_t i = 0; i < 40 && !maker->wrong; i++) {
        uint8_t bytes[4096];
        memset(bytes, (int)i, sizeof bytes);
        void *blob;
        struct state_blob seen;
        maker->wrong = ops->blob_create(maker->store, maker->number, &blob, &error) ||
                       ops->blob_append(blob, bytes, 1 + i * 100, &error) || ops->blob_seal(blob, &error) ||
                       ops->blob_map(maker->store, 1 + (maker->number + i) % 3, &seen, &error);
        if (maker->wrong)
            break;
        maker->wrong = seen.size % 100 != 1;
        ops->blob_unmap(maker->store, &seen);
    }
    return NULL;
}

static void made_on_threads(struct trial *trial)
{
    void *store = open_store(trial);
    struct maker makers[3];
    pthread_t threads[3];
    for (uint64_t i = 0; i < 3; i++)
        make(trial, store, i + 1, 101);
    for (uint64_t i = 0; i < 3; i++) {
        makers[i] = (struct maker){.trial = trial, .store = store, .number = i + 1};
        CHECK(trial, pthread_create(&threads[i], NULL, make_over_and_over, &makers[i]) == 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        CHECK(trial, !makers[i].wrong);
    CHECK(trial, lists(trial, store, 3, 6));
    trial->ops->close(store);
}

static void lasting(struct trial *trial)
{
    void *store = open_store(trial);
    make(trial, store, 1, 1000);
    make(trial, store, 2, 1000);
    CHECK(trial, trial->ops->blob_drop(store, 1, &trial->error) == TRADING_OK);
    trial->ops->close(store);
    for (int read_only = 0; read_only < 2; read_only++) {
        CHECK(trial, trial->ops->open(trial->location, read_only, &trial->host, &store, &trial->error) == TRADING_OK);
        CHECK(trial, lacks(trial, store, 1) && holds(trial, store, 2, 1000) && lists(trial, store, 1, 2));
        void *blob;
        if (read_only)
            CHECK(trial, trial->ops->blob_create(store, 3, &blob, &trial->error) == TRADING_E_READ_ONLY);
        trial->ops->close(store);
    }
}

const struct state_case blob_cases[] = {
    {"blob-sealed", sealed, false},
    {"blob-abandoned", abandoned, false},
    {"blob-mapped-longer", mapped_longer, false},
    {"blob-made-on-threads", made_on_threads, false},
    {"blob-lasting", lasting, true},
};

const size_t blob_case_count = sizeof blob_cases / sizeof *blob_cases;
