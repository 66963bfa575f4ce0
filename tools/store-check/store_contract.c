#include "store_contract.h"

#include "store_trial.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- opening and closing ---- */

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

/* ---- other processes ---- */

static void replace_child(struct trial *trial, pid_t from, pid_t to)
{
    for (size_t i = 0; i < TRIAL_CHILDREN; i++)
        if (trial->children[i] == from) {
            trial->children[i] = to;
            return;
        }
}

/* A failed case may leave some behind. */
static void end_children(struct trial *trial)
{
    for (size_t i = 0; i < TRIAL_CHILDREN; i++)
        if (trial->children[i] && !kill(trial->children[i], SIGKILL))
            waitpid(trial->children[i], NULL, 0);
}

pid_t start_child(struct trial *trial, int (*run)(struct trial *trial, int channel), int channel)
{
    fflush(NULL);
    pid_t child = fork();
    CHECK(trial, child >= 0);
    if (child == 0) {
        alarm(120); /* should it wait for what never comes */
        _exit(run(trial, channel));
    }
    replace_child(trial, 0, child);
    return child;
}

int wait_for(struct trial *trial, pid_t child)
{
    int status = 0;
    CHECK(trial, waitpid(child, &status, 0) == child);
    replace_child(trial, child, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
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
    bool named = reading->any_nonce || !memcmp(&nonce, &commit->nonce, sizeof nonce);
    if (!placed || commit->event_count < 1 || !named ||
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

static const struct store_case table_cases[] = {{"table", check_ops, 0}, {0}};

/* In the order in which they run. */
static const struct store_case *const lists[] = {table_cases, journal_cases, keeping_cases, sharing_cases, writers_cases};
#define LISTS (sizeof lists / sizeof *lists)

static uint32_t with_implied(uint32_t flags)
{
    if (flags & (STORE_CONTRACT_LOCKS | STORE_CONTRACT_SHARED))
        flags |= STORE_CONTRACT_LASTS | STORE_CONTRACT_OTHERS;
    return flags;
}

/* The location of one case. False when it is too long. */
static bool place(struct trial *trial, const char *location, const char *name)
{
    char plain[64];
    snprintf(plain, sizeof plain, "%s", name);
    for (char *dash = plain; (dash = strchr(dash, '-'));)
        *dash = '_';
    const char *mark = strstr(location, "{}");
    size_t before = mark ? (size_t)(mark - location) : strcspn(location, "?");
    const char *after = location + before + (mark ? 2 : 0);
    int length = snprintf(trial->location, sizeof trial->location, "%.*s%s%s", (int)before, location, plain, after);
    return length > 0 && (size_t)length < sizeof trial->location;
}

static struct trial *make_trial(const struct store_contract *contract, const char *name)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial || !place(trial, contract->location, name)) {
        fprintf(stderr, "no memory, or the location is too long\n");
        free(trial);
        return NULL;
    }
    trial->contract = contract;
    trial->ops = contract->ops;
    trial->host = (trading_host_functions){.size = sizeof trial->host,
                                           .abi = TRADING_PLUGIN_ABI,
                                           .context = trial,
                                           .allocate = allocate,
                                           .release = release,
                                           .log = write_line};
    return trial;
}

static bool run_case(const struct store_contract *contract, const struct store_case *test)
{
    struct trial *trial = make_trial(contract, test->name);
    if (!trial)
        return false;
    bool failed = true;
    if (!setjmp(trial->escape)) {
        test->run(trial);
        CHECK(trial, atomic_load(&trial->held) == 0);
        CHECK(trial, !atomic_load(&trial->mistaken));
        failed = false;
        free(trial);
    } else {
        end_children(trial); /* threads of the case may still use the trial */
    }
    printf("%s %s\n", failed ? "not ok" : "ok", test->name);
    fflush(stdout);
    return !failed;
}

static void run_cases(struct store_contract *contract, const struct store_case *cases)
{
    uint32_t flags = with_implied(contract->flags);
    for (const struct store_case *test = cases; test->name; test++) {
        bool chosen = !contract->only || strstr(test->name, contract->only);
        if (!chosen || (test->needs & ~flags))
            continue;
        if (run_case(contract, test))
            contract->passed++;
        else
            contract->failed++;
    }
}

int store_contract_run(struct store_contract *contract)
{
    int before = contract->failed;
    for (size_t i = 0; i < LISTS; i++) {
        run_cases(contract, lists[i]);
        if (lists[i] == table_cases && contract->failed > before)
            break; /* functions that are not there cannot be called */
    }
    return contract->failed - before;
}

void store_contract_list(uint32_t flags)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const struct store_case *test = lists[i]; test->name; test++)
            if (!(test->needs & ~with_implied(flags)))
                printf("%s\n", test->name);
}
