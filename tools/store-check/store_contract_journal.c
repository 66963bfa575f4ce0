/* Appending and reading. */
#include "store_trial.h"

#include <stdlib.h>
#include <string.h>

static void empty(struct trial *trial)
{
    void *store = trial_open(trial);
    trading_store_head head = {.next_position = 99, .nonce = {{1}}};
    ANSWERS(trial, TRADING_OK, trial->ops->head(store, 0, &head, &trial->error));
    CHECK(trial, head.next_position == 0);
    trading_id none = {{0}};
    CHECK(trial, memcmp(&head.nonce, &none, sizeof none) == 0);
    CHECK(trial, read_back(trial, store, 0, 0, 0) == 0);
    struct reading reading = reading_from(0, 1);
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->read(store, 0, 1, visit_reading, &reading, &trial->error));
    CHECK(trial, trial->ops->head(store, 0, &head, NULL) == TRADING_OK);
    trial_close(trial, store);
}

static void append_and_read(struct trial *trial)
{
    void *store = trial_open(trial);
    append_one(trial, store, 0, 0, 3, 100);
    append_one(trial, store, 0, 3, 1, 1);
    trading_store_head head;
    ANSWERS(trial, TRADING_OK, trial->ops->head(store, 0, &head, &trial->error));
    trading_id nonce = nonce_of(0, 3);
    CHECK(trial, head.next_position == 4 && memcmp(&head.nonce, &nonce, sizeof nonce) == 0);
    CHECK(trial, read_back(trial, store, 0, 0, 4) == 2);
    trial_close(trial, store);
}

static void conflict(struct trial *trial)
{
    void *store = trial_open(trial);
    append_one(trial, store, 0, 0, 5, 10);
    trading_id nonce = nonce_of(0, 0);
    const int64_t wrong[] = {0, 4, 6, 1000};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        trading_store_commit commit = {.first_position = wrong[i], .event_count = 1, .data = "x", .size = 1};
        trading_store_head head = {0};
        ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(store, 0, &commit, 1, &head, &trial->error));
        CHECK(trial, head.next_position == 5 && memcmp(&head.nonce, &nonce, sizeof nonce) == 0);
        ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(store, 0, &commit, 1, NULL, &trial->error));
        CHECK(trial, trial->ops->append(store, 0, &commit, 1, NULL, NULL) == TRADING_E_POSITION);
    }
    trading_store_commit first = {.first_position = 3, .event_count = 1, .data = "x", .size = 1};
    trading_store_head empty_head = {.next_position = 9};
    ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(store, 8, &first, 1, &empty_head, &trial->error));
    CHECK(trial, empty_head.next_position == 0);
    CHECK(trial, read_back(trial, store, 0, 0, 5) == 1);
    append_one(trial, store, 0, 5, 1, 10);
    trial_close(trial, store);
}

static void append_misused(struct trial *trial)
{
    void *store = trial_open(trial);
    append_one(trial, store, 0, 0, 2, 10);
    trading_store_commit good = {.first_position = 2, .event_count = 2, .data = "abc", .size = 3};
    trading_store_commit bad[] = {good, good, good, good, good, good};
    bad[0].data = NULL;
    bad[1].size = 0;
    bad[2].event_count = 0;
    bad[3].event_count = -1;
    bad[4].first_position = -1;
    bad[5].event_count = INT64_MAX;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ANSWERS(trial, TRADING_E_INVALID, trial->ops->append(store, 0, &bad[i], 1, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->append(store, 0, NULL, 1, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->append(store, 0, &good, 0, NULL, &trial->error));
    const int64_t second[] = {2, 3, 5, 100}; /* it should begin at 4 */
    for (size_t i = 0; i < sizeof second / sizeof *second; i++) {
        trading_store_commit pair[2] = {good, good};
        pair[1].first_position = second[i];
        ANSWERS(trial, TRADING_E_INVALID, trial->ops->append(store, 0, pair, 2, NULL, &trial->error));
    }
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->head(store, 0, NULL, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->read(store, 0, 0, NULL, NULL, &trial->error));
    struct reading reading = reading_from(0, -1);
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->read(store, 0, -1, visit_reading, &reading, &trial->error));
    CHECK(trial, read_back(trial, store, 0, 0, 2) == 1);
    trial_close(trial, store);
}

static void several_at_once(struct trial *trial)
{
    enum { COUNT = 300, SIZE = 777 };
    void *store = trial_open(trial);
    append_one(trial, store, 3, 0, 1, 5);
    trading_store_commit *commits = calloc(COUNT, sizeof *commits);
    uint8_t *bytes = malloc((size_t)COUNT * SIZE);
    CHECK(trial, commits && bytes);
    int64_t position = 1;
    for (int64_t i = 0; i < COUNT; i++) {
        uint8_t *data = bytes + (size_t)i * SIZE;
        fill_bytes(data, SIZE, 3, position);
        commits[i] = (trading_store_commit){.first_position = position,
                                            .event_count = i % 7 + 1,
                                            .nonce = nonce_of(3, position),
                                            .data = data,
                                            .size = (uint64_t)(SIZE - i % 50)};
        position += commits[i].event_count;
    }
    trading_store_head head;
    ANSWERS(trial, TRADING_E_POSITION, trial->ops->append(store, 3, commits + 1, COUNT - 1, &head, &trial->error));
    CHECK(trial, read_back(trial, store, 3, 0, 1) == 1);
    ANSWERS(trial, TRADING_OK, trial->ops->append(store, 3, commits, COUNT, &head, &trial->error));
    CHECK(trial, head.next_position == position);
    CHECK(trial, read_back(trial, store, 3, 0, position) == COUNT + 1);
    free(commits);
    free(bytes);
    trial_close(trial, store);
}

static void partitions(struct trial *trial)
{
    /* In no order, so that new ones come before, between and after those that are there. */
    static const uint32_t numbers[] = {7, 0, UINT32_MAX, 1, 65536, 6};
    enum { PARTITIONS = sizeof numbers / sizeof *numbers, ROUNDS = 60 };
    void *store = trial_open(trial);
    int64_t next[PARTITIONS] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PARTITIONS; i++) {
            int64_t events = (round + i) % 4 + 1;
            append_one(trial, store, numbers[i], next[i], events, (size_t)(1 + (round * 37 + i * 301) % 3000));
            next[i] += events;
        }
    }
    for (int i = 0; i < PARTITIONS; i++) {
        trading_store_head head;
        ANSWERS(trial, TRADING_OK, trial->ops->head(store, numbers[i], &head, &trial->error));
        CHECK(trial, head.next_position == next[i]);
        CHECK(trial, read_back(trial, store, numbers[i], 0, next[i]) == ROUNDS);
    }
    CHECK(trial, read_back(trial, store, 5, 0, 0) == 0);
    struct reading reading = reading_from(5, 1);
    ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->read(store, 5, 1, visit_reading, &reading, &trial->error));
    trial_close(trial, store);
}

static void sizes(struct trial *trial)
{
    static const size_t list[] = {1,    2,    7,    8,    64,    128,   1000,  1900,    1990,    2000,          2010,
                                  2040, 2048, 4000, 4047, 4048,  4049,  4064,  4080,    4096,    4097,          8143,
                                  8144, 8145, 8192, 9000, 65535, 65536, 65537, 1 << 20, 3 << 20, (8 << 20) - 1, 8 << 20};
    void *store = trial_open(trial);
    int64_t count = sizeof list / sizeof *list;
    for (int64_t i = 0; i < count; i++)
        append_one(trial, store, 0, i, 1, list[i]);
    CHECK(trial, read_back(trial, store, 0, 0, count) == (uint64_t)count);
    for (int64_t i = 0; i < count; i++)
        CHECK(trial, read_back(trial, store, 0, i, count) == (uint64_t)(count - i));
    trial_close(trial, store);
}

static void from_anywhere(struct trial *trial)
{
    void *store = trial_open(trial);
    append_one(trial, store, 1, 0, 4, 40);
    append_one(trial, store, 2, 0, 10, 10);
    append_one(trial, store, 2, 10, 1, 5000);
    append_one(trial, store, 2, 11, 89, 300);
    append_one(trial, store, 3, 0, 500, 40);
    for (int64_t from = 0; from < 100; from++)
        CHECK(trial, read_back(trial, store, 2, from, 100) == (from < 10 ? 3u : from < 11 ? 2u : 1u));
    CHECK(trial, read_back(trial, store, 2, 100, 100) == 0);
    const int64_t beyond[] = {101, 102, 499, INT64_MAX};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        struct reading reading = reading_from(2, beyond[i]);
        ANSWERS(trial, TRADING_E_NOT_FOUND, trial->ops->read(store, 2, beyond[i], visit_reading, &reading, &trial->error));
        CHECK(trial, reading.commits == 0);
    }
    trial_close(trial, store);
}

static void visitor_stops(struct trial *trial)
{
    void *store = trial_open(trial);
    for (int64_t i = 0; i < 200; i++)
        append_one(trial, store, 0, i, 1, 500);
    for (uint64_t after = 1; after <= 200; after += 33) {
        struct reading reading = reading_from(0, 0);
        reading.stop_after = after;
        ANSWERS(trial, TRADING_OK, trial->ops->read(store, 0, 0, visit_reading, &reading, &trial->error));
        CHECK(trial, !reading.wrong && reading.commits == after);
    }
    trial_close(trial, store);
}

static void many_small(struct trial *trial)
{
    enum { COMMITS = 20000, BATCH = 100 };
    void *store = trial_open(trial);
    static uint8_t bytes[BATCH][64];
    trading_store_commit commits[BATCH];
    for (int64_t position = 0; position < COMMITS; position += BATCH) {
        for (int64_t i = 0; i < BATCH; i++) {
            fill_bytes(bytes[i], sizeof bytes[i], 0, position + i);
            commits[i] = (trading_store_commit){.first_position = position + i,
                                                .event_count = 1,
                                                .nonce = nonce_of(0, position + i),
                                                .data = bytes[i],
                                                .size = (uint64_t)(1 + (position + i) % 64)};
        }
        ANSWERS(trial, TRADING_OK, trial->ops->append(store, 0, commits, BATCH, NULL, &trial->error));
    }
    for (int64_t from = 0; from <= COMMITS; from += 1237)
        CHECK(trial, read_back(trial, store, 0, from, COMMITS) == (uint64_t)(COMMITS - from));
    trial_close(trial, store);
}

static void visited_while_visiting(struct trial *trial, void *store, int64_t *next)
{
    append_one(trial, store, 0, *next, 1, 2500);
    ++*next;
}

struct nested {
    struct trial *trial;
    void *store;
    int64_t next;
    int64_t seen;
};

static int32_t append_while_visiting(void *arg, const trading_store_commit *commit)
{
    struct nested *nested = arg;
    if (!bytes_are_right(commit->data, commit->size, 0, commit->first_position))
        return 1;
    if (nested->next < 50)
        visited_while_visiting(nested->trial, nested->store, &nested->next);
    /* What was handed over stays as it is. */
    if (!bytes_are_right(commit->data, commit->size, 0, commit->first_position))
        return 1;
    nested->seen++;
    return 0;
}

static void append_within_read(struct trial *trial)
{
    struct nested nested = {.trial = trial, .store = trial_open(trial)};
    visited_while_visiting(trial, nested.store, &nested.next);
    ANSWERS(trial, TRADING_OK, trial->ops->read(nested.store, 0, 0, append_while_visiting, &nested, &trial->error));
    CHECK(trial, nested.seen >= 1 && nested.seen <= nested.next);
    CHECK(trial, read_back(trial, nested.store, 0, 0, nested.next) == (uint64_t)nested.next);
    trial_close(trial, nested.store);
}

static void begin_and_poll(struct trial *trial)
{
    const trading_store_ops *ops = trial->ops;
    void *store = trial_open(trial);
    if (!ops->append_begin) {
        trial_close(trial, store);
        return;
    }
    uint64_t tag = 0;
    trading_error outcome = {0};
    CHECK(trial, ops->append_poll(store, 0, &tag, &outcome) == TRADING_E_TIMEOUT);
    uint8_t bytes[100];
    for (int64_t i = 0; i < 20; i++) {
        fill_bytes(bytes, sizeof bytes, 0, i);
        trading_store_commit commit = {
            .first_position = i, .event_count = 1, .nonce = nonce_of(0, i), .data = bytes, .size = sizeof bytes};
        ANSWERS(trial, TRADING_OK, ops->append_begin(store, 0, &commit, 1, (uint64_t)i + 1000, &trial->error));
        CHECK(trial, ops->append_poll(store, INT64_C(10000000000), &tag, &outcome) == TRADING_OK);
        CHECK(trial, tag == (uint64_t)i + 1000 && outcome.code == TRADING_OK);
    }
    trading_store_commit late = {.first_position = 7, .event_count = 1, .data = bytes, .size = sizeof bytes};
    ANSWERS(trial, TRADING_OK, ops->append_begin(store, 0, &late, 1, 5, &trial->error));
    CHECK(trial, ops->append_poll(store, INT64_C(10000000000), &tag, &outcome) == TRADING_OK);
    CHECK(trial, tag == 5 && outcome.code == TRADING_E_POSITION);
    CHECK(trial, read_back(trial, store, 0, 0, 20) == 20);
    trial_close(trial, store);
}

static void info_and_check(struct trial *trial)
{
    void *store = trial_open(trial);
    trading_store_info before = {.size = sizeof before};
    trading_store_info after = {.size = sizeof after};
    ANSWERS(trial, TRADING_OK, trial->ops->info(store, &before, &trial->error));
    for (int64_t i = 0; i < 20; i++)
        append_one(trial, store, 0, i, 1, 100000);
    ANSWERS(trial, TRADING_OK, trial->ops->info(store, &after, &trial->error));
    CHECK(trial, !after.read_only && after.bytes_used >= before.bytes_used + 2000000);
    CHECK(trial, after.bytes_reserved >= after.bytes_used && after.syncs >= before.syncs);
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->info(store, NULL, &trial->error));
    trading_store_info old = {.size = 4};
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->info(store, &old, &trial->error));
    if (trial->ops->check)
        ANSWERS(trial, TRADING_OK, trial->ops->check(store, &trial->error));
    trial_close(trial, store);
}

static int32_t open_with(struct trial *trial, trading_store_request request, trading_host_functions host)
{
    void *store;
    return trial->ops->open(&request, &host, &store, &trial->error);
}

static void open_misused(struct trial *trial)
{
    trading_store_request good = {.size = sizeof good, .location = trial->location, .durability = TRADING_DURABILITY_SYNC};
    trading_store_request bad = good;
    bad.flags = 0x40000000;
    ANSWERS(trial, TRADING_E_INVALID, open_with(trial, bad, trial->host));
    bad = good;
    bad.durability = 0;
    ANSWERS(trial, TRADING_E_INVALID, open_with(trial, bad, trial->host));
    bad = good;
    bad.location = NULL;
    ANSWERS(trial, TRADING_E_INVALID, open_with(trial, bad, trial->host));
    bad = good;
    bad.size = 8;
    ANSWERS(trial, TRADING_E_ABI, open_with(trial, bad, trial->host));
    trading_host_functions other = trial->host;
    other.abi = TRADING_PLUGIN_ABI + 1;
    ANSWERS(trial, TRADING_E_ABI, open_with(trial, good, other));
    void *store;
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->open(NULL, &trial->host, &store, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->open(&good, NULL, &store, &trial->error));
    ANSWERS(trial, TRADING_E_INVALID, trial->ops->open(&good, &trial->host, NULL, &trial->error));
}

/* What a host of later headers hands over: the same, and more behind. */
struct later_request {
    trading_store_request known;
    uint64_t later[4];
};

struct later_host {
    trading_host_functions known;
    void (*later[4])(void);
};

static void opened_by_a_later_host(struct trial *trial)
{
    struct later_request request = {
        .known = {.size = sizeof request, .location = trial->location, .durability = TRADING_DURABILITY_SYNC},
        .later = {1, 2, 3, 4}};
    struct later_host host = {.known = trial->host};
    host.known.size = sizeof host;
    void *store = NULL;
    ANSWERS(trial, TRADING_OK, trial->ops->open(&request.known, &host.known, &store, &trial->error));
    append_one(trial, store, 0, 0, 1, 10);
    CHECK(trial, read_back(trial, store, 0, 0, 1) == 1);
    trial_close(trial, store);
}

const struct store_case journal_cases[] = {
    {"open-misused", open_misused, 0},
    {"opened-by-a-later-host", opened_by_a_later_host, 0},
    {"empty", empty, 0},
    {"append-and-read", append_and_read, 0},
    {"conflict", conflict, 0},
    {"append-misused", append_misused, 0},
    {"several-at-once", several_at_once, 0},
    {"partitions", partitions, 0},
    {"sizes", sizes, 0},
    {"from-anywhere", from_anywhere, 0},
    {"visitor-stops", visitor_stops, 0},
    {"many-small", many_small, 0},
    {"append-within-read", append_within_read, 0},
    {"begin-and-poll", begin_and_poll, 0},
    {"info-and-check", info_and_check, 0},
    {0},
};
