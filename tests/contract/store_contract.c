#include "store_contract.h"

#include "contract_trial.h"

#include <stdlib.h>
#include <string.h>

/* ---- the host that the store gets ---- */

/* Before each block: its size. */
struct block {
    _Alignas(max_align_t) size_t bytes;
};

static void *allocate(void *context, size_t bytes)
{
    struct trial *trial = context;
    struct block *block = bytes < SIZE_MAX - sizeof *block ? malloc(sizeof *block + bytes) : NULL;
    if (!block)
        return NULL;
    block->bytes = bytes;
    atomic_fetch_add(&trial->held, bytes);
    return block + 1;
}

static void release(void *context, void *memory, size_t bytes)
{
    struct trial *trial = context;
    if (!memory)
        return;
    struct block *block = (struct block *)memory - 1;
    if (block->bytes != bytes)
        atomic_store(&trial->mistaken, true);
    atomic_fetch_sub(&trial->held, block->bytes);
    free(block);
}

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    fprintf(stderr, "the store says (%d): %s\n", (int)level, line);
}

/* ---- checks ---- */

void trial_fail(struct trial *trial, const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    longjmp(trial->escape, 1);
}

void trial_fail_answer(struct trial *trial, const char *file, int line, const char *call, int32_t expected, int32_t answer)
{
    fprintf(stderr, "%s:%d: %s answered %s, expected %s; the error has code %s and says: %s\n", file, line, call,
            trading_error_name(answer), trading_error_name(expected), trading_error_name(trial->error.code),
            trial->error.message);
    longjmp(trial->escape, 1);
}

int32_t trial_try_open(struct trial *trial, uint32_t flags, int32_t durability, void **store)
{
    trading_store_request request = {
        .size = sizeof request, .flags = flags, .location = trial->location, .durability = durability};
    trial->error = (trading_error){0};
    *store = NULL;
    return trial->ops->open(&request, &trial->host, store, &trial->error);
}

void *trial_open(struct trial *trial)
{
    void *store;
    ANSWERS(trial, TRADING_OK, trial_try_open(trial, 0, TRADING_DURABILITY_SYNC, &store));
    CHECK(trial, store);
    return store;
}

void trial_close(struct trial *trial, void *store)
{
    trial->ops->close(store);
}

/* ---- bytes ---- */

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccd;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53;
    return value ^ value >> 33;
}

static uint64_t word_at(size_t index, uint32_t partition, int64_t position)
{
    return mix((uint64_t)position * 0x9e3779b97f4a7c15 + partition) + index * 0x9e3779b97f4a7c15;
}

void fill_bytes(void *bytes, size_t size, uint32_t partition, int64_t position)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = word_at(i, partition, position);
        memcpy((char *)bytes + i, &word, size - i < 8 ? size - i : 8);
    }
}

bool bytes_are_right(const void *bytes, size_t size, uint32_t partition, int64_t position)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = word_at(i, partition, position);
        if (memcmp((const char *)bytes + i, &word, size - i < 8 ? size - i : 8) != 0)
            return false;
    }
    return true;
}

trading_id nonce_of(uint32_t partition, int64_t position)
{
    trading_id nonce;
    uint64_t words[2] = {mix((uint64_t)position + 1), mix(partition + 77u)};
    memcpy(nonce.bytes, words, sizeof nonce.bytes);
    return nonce;
}

void append_one(struct trial *trial, void *store, uint32_t partition, int64_t position, int64_t events, size_t size)
{
    void *bytes = malloc(size);
    CHECK(trial, bytes);
    fill_bytes(bytes, size, partition, position);
    trading_store_commit commit = {
        .first_position = position, .event_count = events, .nonce = nonce_of(partition, position), .data = bytes, .size = size};
    trading_store_head head;
    ANSWERS(trial, TRADING_OK, trial->ops->append(store, partition, &commit, 1, &head, &trial->error));
    CHECK(trial, head.next_position == position + events && memcmp(&head.nonce, &commit.nonce, sizeof head.nonce) == 0);
    free(bytes);
}

struct reading reading_from(uint32_t partition, int64_t from)
{
    return (struct reading){.partition = partition, .from = from, .next = -1};
}

int32_t visit_reading(void *arg, const trading_store_commit *commit)
{
    struct reading *reading = arg;
    int64_t end = commit->first_position + commit->event_count;
    trading_id nonce = nonce_of(reading->partition, commit->first_position);
    bool placed = reading->next < 0 ? commit->first_position <= reading->from && reading->from < end
                                    : commit->first_position == reading->next;
    if (!placed || commit->event_count < 1 || memcmp(&nonce, &commit->nonce, sizeof nonce) != 0 ||
        !bytes_are_right(commit->data, commit->size, reading->partition, commit->first_position))
        reading->wrong = true;
    reading->next = end;
    reading->commits++;
    return reading->wrong || reading->commits == reading->stop_after;
}

uint64_t read_back(struct trial *trial, void *store, uint32_t partition, int64_t from, int64_t end)
{
    struct reading reading = reading_from(partition, from);
    ANSWERS(trial, TRADING_OK, trial->ops->read(store, partition, from, visit_reading, &reading, &trial->error));
    CHECK(trial, !reading.wrong);
    CHECK(trial, reading.commits == 0 ? from == end : reading.next == end);
    return reading.commits;
}

/* ---- running ---- */

static void check_ops(struct trial *trial)
{
    const trading_store_ops *ops = trial->ops;
    CHECK(trial, ops->size >= sizeof(trading_store_ops) && ops->abi == TRADING_PLUGIN_ABI);
    CHECK(trial, ops->open && ops->close && ops->head && ops->append && ops->read && ops->info);
    CHECK(trial, ops->snapshot_put && ops->snapshot_find && ops->snapshot_get && ops->snapshot_drop);
    CHECK(trial, ops->secret_put && ops->secret_get && ops->secret_delete);
    CHECK(trial, !ops->append_begin == !ops->append_poll);
}

static const struct contract_case table_cases[] = {{"table", check_ops, 0}, {0}};

static bool run_case(const struct store_contract *contract, const struct contract_case *test)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial)
        return false;
    trial->contract = contract;
    trial->ops = contract->ops;
    snprintf(trial->location, sizeof trial->location, "%s%s", contract->location, test->name);
    trial->host = (trading_host_functions){.size = sizeof trial->host,
                                           .abi = TRADING_PLUGIN_ABI,
                                           .context = trial,
                                           .allocate = allocate,
                                           .release = release,
                                           .log = write_line};
    bool failed = true;
    if (!setjmp(trial->escape)) {
        test->run(trial);
        CHECK(trial, atomic_load(&trial->held) == 0);
        CHECK(trial, !atomic_load(&trial->mistaken));
        failed = false;
        free(trial);
    } /* else threads of the case may still use it */
    printf("%s %s%s\n", failed ? "not ok" : "ok", contract->location, test->name);
    fflush(stdout);
    return !failed;
}

static int run_cases(const struct store_contract *contract, const struct contract_case *cases)
{
    int failed = 0;
    for (const struct contract_case *test = cases; test->name; test++) {
        bool chosen = !contract->only || strstr(test->name, contract->only);
        if (chosen && (test->needs & ~contract->flags) == 0 && !run_case(contract, test))
            failed++;
    }
    return failed;
}

int store_contract_run(const struct store_contract *contract)
{
    struct store_contract with = *contract;
    if (with.flags & STORE_CONTRACT_LOCKS)
        with.flags |= STORE_CONTRACT_LASTS;
    int failed = run_cases(&with, table_cases);
    if (failed)
        return failed;
    return run_cases(&with, journal_cases) + run_cases(&with, keeping_cases) + run_cases(&with, sharing_cases);
}
