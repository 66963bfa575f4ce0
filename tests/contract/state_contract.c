#include "state_trial.h"

#include <pthread.h>

/* ---- short forms ---- */

static void *begin(struct trial *trial, void *store)
{
    void *write = NULL;
    CHECK(trial, trial->ops->begin(store, &write, &trial->error) == TRADING_OK);
    return write;
}

static void put(struct trial *trial, void *write, const char *key, const char *value)
{
    CHECK(trial, trial->ops->put(write, key, strlen(key), value, strlen(value), &trial->error) == TRADING_OK);
}

static void put_number(struct trial *trial, void *write, uint32_t number, size_t size)
{
    char key[16];
    snprintf(key, sizeof key, "n%08x", number * 2654435761u);
    char *value = malloc(size + 1);
    CHECK(trial, value);
    memset(value, (int)(number & 0xff), size);
    CHECK(trial, trial->ops->put(write, key, strlen(key), value, size, &trial->error) == TRADING_OK);
    free(value);
}

static void commit(struct trial *trial, void *write)
{
    CHECK(trial, trial->ops->commit(write, true, &trial->error) == TRADING_OK);
}

struct text {
    char bytes[4096];
    size_t size;
};

static void take_text(void *arg, const void *value, size_t size)
{
    struct text *text = arg;
    text->size = size;
    memcpy(text->bytes, value, size < sizeof text->bytes ? size : sizeof text->bytes);
}

static bool has(struct trial *trial, void *store, void *write, const char *key, const char *value)
{
    struct text text = {.size = 0};
    int32_t code = trial->ops->get(store, write, key, strlen(key), take_text, &text, &trial->error);
    if (!value)
        return code == TRADING_E_NOT_FOUND;
    return code == TRADING_OK && text.size == strlen(value) && memcmp(text.bytes, value, text.size) == 0;
}

struct list {
    char text[4096]; /* "key=value " … */
    int left;        /* entries until it ends; negative: never */
};

static int take_entry(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct list *list = arg;
    size_t at = strlen(list->text);
    snprintf(list->text + at, sizeof list->text - at, "%.*s=%.*s ", (int)key_size, (const char *)key, (int)value_size,
             (const char *)value);
    return --list->left == 0;
}

/* Whether a scan gives exactly this. */
static bool gives(struct trial *trial, void *store, void *write, const char *prefix, const char *from, int most,
                  const char *expected)
{
    struct list list = {.left = most};
    CHECK(trial, trial->ops->scan(store, write, prefix, strlen(prefix), from, from ? strlen(from) : 0, take_entry, &list,
                                  &trial->error) == TRADING_OK);
    if (strcmp(list.text, expected) == 0)
        return true;
    fprintf(stderr, "a scan gave \"%s\", not \"%s\"\n", list.text, expected);
    return false;
}

struct count {
    uint64_t entries;
    bool wrong;
    char before[512];
};

/* Counts entries, which must be in order, and of which each value is one byte over and over. */
static int take_count(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    struct count *count = arg;
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)key_size, (const char *)key);
    const char *bytes = value;
    bool same = value_size == 0 || memcmp(bytes, bytes + 1, value_size - 1) == 0;
    count->wrong = count->wrong || !same || strcmp(count->before, text) >= 0;
    memcpy(count->before, text, sizeof text);
    count->entries++;
    return 0;
}

static uint64_t count_all(struct trial *trial, void *store, void *write, const char *prefix)
{
    struct count count = {0};
    CHECK(trial,
          trial->ops->scan(store, write, prefix, strlen(prefix), NULL, 0, take_count, &count, &trial->error) == TRADING_OK);
    CHECK(trial, !count.wrong);
    return count.entries;
}

/* ---- cases ---- */

static void put_and_get(struct trial *trial)
{
    void *store = open_store(trial);
    CHECK(trial, has(trial, store, NULL, "a", NULL));
    CHECK(trial, gives(trial, store, NULL, "", NULL, -1, ""));
    void *write = begin(trial, store);
    put(trial, write, "a", "one");
    put(trial, write, "b", "");
    put(trial, write, "a", "two");
    CHECK(trial, has(trial, store, write, "a", "two") && has(trial, store, write, "b", ""));
    CHECK(trial, has(trial, store, NULL, "a", NULL)); /* not yet, for others */
    commit(trial, write);
    CHECK(trial, has(trial, store, NULL, "a", "two") && has(trial, store, NULL, "b", ""));
    write = begin(trial, store);
    CHECK(trial, trial->ops->remove(write, "a", 1, &trial->error) == TRADING_OK);
    CHECK(trial, trial->ops->remove(write, "never", 5, &trial->error) == TRADING_OK);
    CHECK(trial, has(trial, store, write, "a", NULL) && has(trial, store, NULL, "a", "two"));
    CHECK(trial, trial->ops->commit(write, false, &trial->error) == TRADING_OK);
    CHECK(trial, has(trial, store, NULL, "a", NULL) && has(trial, store, NULL, "b", ""));
    commit(trial, begin(trial, store)); /* of nothing */
    trial->ops->close(store);
}

static void aborted(struct trial *trial)
{
    void *store = open_store(trial);
    void *write = begin(trial, store);
    put(trial, write, "kept", "1");
    commit(trial, write);
    write = begin(trial, store);
    put(trial, write, "kept", "2");
    put(trial, write, "new", "3");
    CHECK(trial, trial->ops->remove_all(write, "k", 1, &trial->error) == TRADING_OK);
    trial->ops->abort(write);
    CHECK(trial, gives(trial, store, NULL, "", NULL, -1, "kept=1 "));
    write = begin(trial, store);
    CHECK(trial, gives(trial, store, write, "", NULL, -1, "kept=1 "));
    trial->ops->abort(write);
    trial->ops->close(store);
}

static void scans(struct trial *trial)
{
    void *store = open_store(trial);
    void *write = begin(trial, store);
    static const char *const keys[] = {"b", "ba", "bb", "bba", "bbb", "bc", "a", "c", "ca", "b\x7f", "b\xff", "b\xff\xff"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(trial, write, keys[i], "v");
    CHECK(trial, gives(trial, store, write, "bb", NULL, -1, "bb=v bba=v bbb=v "));
    commit(trial, write);
    CHECK(trial, gives(trial, store, NULL, "bb", NULL, -1, "bb=v bba=v bbb=v "));
    CHECK(trial, gives(trial, store, NULL, "b", "bb", -1, "bb=v bba=v bbb=v bc=v b\x7f=v b\xff=v b\xff\xff=v "));
    CHECK(trial, gives(trial, store, NULL, "b", "bba\x01", 2, "bbb=v bc=v "));
    CHECK(trial, gives(trial, store, NULL, "b", "a", 1, "b=v "));
    CHECK(trial, gives(trial, store, NULL, "b", "c", -1, ""));
    CHECK(trial, gives(trial, store, NULL, "b\xff", NULL, -1, "b\xff=v b\xff\xff=v "));
    CHECK(trial, gives(trial, store, NULL, "d", NULL, -1, ""));
    CHECK(trial, gives(trial, store, NULL, "", NULL, 3, "a=v b=v ba=v "));
    CHECK(trial, gives(trial, store, NULL, "", "c", -1, "c=v ca=v "));
    trial->ops->close(store);
}

static void removes_all(struct trial *trial)
{
    void *store = open_store(trial);
    void *write = begin(trial, store);
    for (uint32_t i = 0; i < 5000; i++)
        put_number(trial, write, i, i % 300);
    put(trial, write, "m", "bbb");
    put(trial, write, "o", "ooo");
    commit(trial, write);
    CHECK(trial, count_all(trial, store, NULL, "n") == 5000 && count_all(trial, store, NULL, "") == 5002);
    write = begin(trial, store);
    CHECK(trial, trial->ops->remove_all(write, "n0", 2, &trial->error) == TRADING_OK);
    uint64_t left = count_all(trial, store, write, "n");
    CHECK(trial, left < 5000 && left > 4000 && count_all(trial, store, write, "n0") == 0);
    CHECK(trial, count_all(trial, store, NULL, "n") == 5000);
    CHECK(trial, trial->ops->remove_all(write, "n", 1, &trial->error) == TRADING_OK);
    CHECK(trial, trial->ops->remove_all(write, "x", 1, &trial->error) == TRADING_OK);
    put(trial, write, "n", "again");
    commit(trial, write);
    CHECK(trial, gives(trial, store, NULL, "", NULL, -1, "m=bbb n=again o=ooo "));
    write = begin(trial, store);
    CHECK(trial, trial->ops->remove_all(write, NULL, 0, &trial->error) == TRADING_OK);
    commit(trial, write);
    CHECK(trial, count_all(trial, store, NULL, "") == 0);
    trial->ops->close(store);
}

static void sizes(struct trial *trial)
{
    static const size_t list[] = {0, 1, 100, 1900, 2020, 2040, 4079, 4080, 4081, 4096, 70000, 3 << 20};
    enum { COUNT = sizeof list / sizeof *list };
    void *store = open_store(trial);
    for (int round = 0; round < 3; round++) { /* the same sizes over again, turned round */
        void *write = begin(trial, store);
        for (uint32_t i = 0; i < COUNT; i++)
            put_number(trial, write, i, list[(i + (uint32_t)round * 5) % COUNT]);
        CHECK(trial, count_all(trial, store, write, "n") == COUNT);
        commit(trial, write);
        CHECK(trial, count_all(trial, store, NULL, "n") == COUNT);
    }
    char key[STATE_KEY_BYTES];
    memset(key, 'k', sizeof key);
    void *write = begin(trial, store);
    CHECK(trial, trial->ops->put(write, key, sizeof key, "v", 1, &trial->error) == TRADING_OK);
    commit(trial, write);
    struct text text;
    CHECK(trial,
          trial->ops->get(store, NULL, key, sizeof key, take_text, &text, &trial->error) == TRADING_OK && text.size == 1);
    trial->ops->close(store);
}

static void misused(struct trial *trial)
{
    const struct state_store_ops *ops = trial->ops;
    void *store = open_store(trial);
    char key[STATE_KEY_BYTES + 1];
    memset(key, 'k', sizeof key);
    struct text text;
    struct list list = {0};
    void *write = begin(trial, store);
    CHECK(trial, ops->put(write, key, sizeof key, "v", 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->put(write, key, 0, "v", 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->put(write, "\0a", 2, "v", 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->put(write, NULL, 3, "v", 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->put(write, "a", 1, NULL, 1, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->remove(write, key, sizeof key, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->remove_all(write, key, sizeof key, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->get(store, write, key, sizeof key, take_text, &text, &trial->error) == TRADING_E_INVALID);
    CHECK(trial, ops->scan(store, write, key, sizeof key, NULL, 0, take_entry, &list, &trial->error) == TRADING_E_INVALID);
    put(trial, write, "fine", "still"); /* the write goes on */
    commit(trial, write);
    CHECK(trial, gives(trial, store, NULL, "", NULL, -1, "fine=still "));
    trial->ops->close(store);
}

/* ---- against a plain table ---- */

enum { MODEL_KEYS = 256 };

struct model {
    int32_t size[MODEL_KEYS]; /* −1: absent */
};

static void change_both(struct trial *trial, void *write, struct model *model, uint64_t random)
{
    uint32_t number = (uint32_t)(random >> 8) % MODEL_KEYS;
    char key[2] = {'n', (char)(number ? number : 1)};
    number = number ? number : 1;
    if (random % 16 == 0) {
        CHECK(trial, trial->ops->remove(write, key, 2, &trial->error) == TRADING_OK);
        model->size[number] = -1;
        return;
    }
    static char value[6000];
    size_t size = (size_t)(random >> 20) % sizeof value;
    CHECK(trial, trial->ops->put(write, key, 2, value, size, &trial->error) == TRADING_OK);
    model->size[number] = (int32_t)size;
}

struct comparison {
    const struct model *model;
    uint32_t next;
    bool wrong;
};

static int compare_entry(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)value;
    struct comparison *with = arg;
    while (with->next < MODEL_KEYS && with->model->size[with->next] < 0)
        with->next++;
    const uint8_t *bytes = key;
    with->wrong = key_size != 2 || with->next == MODEL_KEYS || bytes[1] != with->next ||
                  value_size != (size_t)with->model->size[with->next];
    with->next++;
    return with->wrong;
}

static void expect_model(struct trial *trial, void *store, void *write, const struct model *model)
{
    struct comparison with = {.model = model};
    CHECK(trial, trial->ops->scan(store, write, "n", 1, NULL, 0, compare_entry, &with, &trial->error) == TRADING_OK);
    while (with.next < MODEL_KEYS && model->size[with.next] < 0)
        with.next++;
    CHECK(trial, !with.wrong && with.next == MODEL_KEYS);
}

static void like_a_table(struct trial *trial)
{
    struct model committed;
    memset(&committed, 0xff, sizeof committed);
    uint64_t random = 88172645463325252u;
    void *store = open_store(trial);
    for (int round = 0; round < 120; round++) {
        struct model changed = committed;
        void *write = begin(trial, store);
        for (int i = 0; i < 40; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            change_both(trial, write, &changed, random);
        }
        expect_model(trial, store, write, &changed);
        expect_model(trial, store, NULL, &committed);
        if (random % 5 == 0) {
            trial->ops->abort(write);
            continue;
        }
        CHECK(trial, trial->ops->commit(write, random % 2 == 0, &trial->error) == TRADING_OK);
        committed = changed;
    }
    expect_model(trial, store, NULL, &committed);
    trial->ops->close(store);
}

/* ---- threads ---- */

enum { READERS = 3, COMMITS = 150 };

struct reader {
    struct trial *trial;
    void *store;
    _Atomic bool *finished;
    bool failed;
    bool torn;      /* saw a commit in part */
    bool went_back; /* saw one, and then one before it */
    uint64_t rounds;
};

struct pair {
    uint32_t values[2]; /* the first and the last */
    size_t count;
};

static int take_pair(void *arg, const void *key, size_t key_size, const void *value, size_t value_size)
{
    (void)key;
    (void)key_size;
    struct pair *pair = arg;
    if (value_size == sizeof *pair->values)
        memcpy(&pair->values[pair->count > 0], value, value_size);
    pair->count++;
    return 0;
}

/* Every commit writes the same number to all. */
static void *read_pairs(void *arg)
{
    struct reader *reader = arg;
    uint32_t last = 0;
    while (!reader->failed && !reader->torn && !reader->went_back && (!atomic_load(reader->finished) || reader->rounds == 0)) {
        struct pair all = {0};
        struct pair second = {0};
        trading_error error;
        reader->failed = reader->trial->ops->scan(reader->store, NULL, "p", 1, NULL, 0, take_pair, &all, &error) ||
                         reader->trial->ops->scan(reader->store, NULL, "p1", 2, NULL, 0, take_pair, &second, &error);
        reader->torn = (all.count != 0 && all.count != 52) || all.values[0] != all.values[1];
        reader->went_back = all.values[0] < last || second.values[0] < all.values[0];
        last = second.values[0];
        reader->rounds++;
    }
    return NULL;
}

static void write_pairs(struct trial *trial, void *store, uint32_t number)
{
    void *write = begin(trial, store);
    for (int i = 0; i < 52; i++) {
        char key[8];
        snprintf(key, sizeof key, "p%c%02d", i < 26 ? '0' : '1', i);
        CHECK(trial, trial->ops->put(write, key, strlen(key), &number, sizeof number, &trial->error) == TRADING_OK);
    }
    CHECK(trial, trial->ops->commit(write, number % 10 == 0, &trial->error) == TRADING_OK);
}

static void *write_from_two_threads(void *arg)
{
    struct reader *writer = arg;
    for (int i = 0; i < COMMITS; i++) {
        void *write;
        trading_error error;
        writer->failed = writer->failed || writer->trial->ops->begin(writer->store, &write, &error) ||
                         writer->trial->ops->put(write, "q", 1, &i, sizeof i, &error) ||
                         writer->trial->ops->commit(write, false, &error);
    }
    return NULL;
}

static void reads_beside_writes(struct trial *trial)
{
    static _Atomic bool finished;
    atomic_store(&finished, false);
    void *store = open_store(trial);
    struct reader readers[READERS + 1];
    pthread_t threads[READERS + 1];
    for (int i = 0; i <= READERS; i++) {
        readers[i] = (struct reader){.trial = trial, .store = store, .finished = &finished};
        void *(*run)(void *) = i < READERS ? read_pairs : write_from_two_threads;
        CHECK(trial, pthread_create(&threads[i], NULL, run, &readers[i]) == 0);
    }
    for (uint32_t i = 1; i <= COMMITS; i++)
        write_pairs(trial, store, i);
    atomic_store(&finished, true);
    for (int i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i <= READERS; i++)
        CHECK(trial, !readers[i].failed);
    for (int i = 0; i < READERS; i++)
        CHECK(trial, !readers[i].torn);
    for (int i = 0; i < READERS; i++)
        CHECK(trial, !readers[i].went_back);
    trial->ops->close(store);
}

/* ---- lasting ---- */

static void lasts(struct trial *trial)
{
    void *store;
    CHECK(trial, trial->ops->open(trial->location, true, &trial->host, &store, &trial->error) == TRADING_E_NOT_FOUND);
    for (uint32_t round = 0; round < 3; round++) {
        store = open_store(trial);
        CHECK(trial, count_all(trial, store, NULL, "n") == (uint64_t)round * 100);
        void *write = begin(trial, store);
        for (uint32_t i = 0; i < 100; i++)
            put_number(trial, write, round * 100 + i, 4080);
        CHECK(trial, trial->ops->commit(write, round == 1, &trial->error) == TRADING_OK);
        write = begin(trial, store);
        put(trial, write, "never", "committed");
        trial->ops->abort(write);
        trial->ops->close(store);
    }
    CHECK(trial, trial->ops->open(trial->location, true, &trial->host, &store, &trial->error) == TRADING_OK);
    CHECK(trial, count_all(trial, store, NULL, "") == 300);
    void *second; /* in one process once, whatever for */
    CHECK(trial, trial->ops->open(trial->location, true, &trial->host, &second, &trial->error) == TRADING_E_LOCKED);
    void *write;
    CHECK(trial, trial->ops->begin(store, &write, &trial->error) == TRADING_E_READ_ONLY);
    CHECK(trial, count_all(trial, store, NULL, "") == 300);
    trial->ops->close(store);
}

static const struct state_case cases[] = {
    {"put-and-get", put_and_get, false},
    {"aborted", aborted, false},
    {"scans", scans, false},
    {"removes-all", removes_all, false},
    {"sizes", sizes, false},
    {"misused", misused, false},
    {"like-a-table", like_a_table, false},
    {"reads-beside-writes", reads_beside_writes, false},
    {"lasts", lasts, true},
};

int state_contract_run(const struct state_store_ops *ops, const char *location, bool lasts_over_opens)
{
    return trial_run_all(ops, location, cases, sizeof cases / sizeof *cases, lasts_over_opens) +
           trial_run_all(ops, location, blob_cases, blob_case_count, lasts_over_opens) +
           trial_run_all(ops, location, file_cases, file_case_count, lasts_over_opens);
}
